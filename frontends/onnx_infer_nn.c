/* Shapes of what leaves convolutions, pools, products, recurrent and detection operators. */
#include <math.h>
#include <string.h>

#include "frontends/onnx_infer.h"

#define INT64 ONNX__TENSOR_PROTO__DATA_TYPE__INT64
#define INT32 ONNX__TENSOR_PROTO__DATA_TYPE__INT32
#define UINT8 ONNX__TENSOR_PROTO__DATA_TYPE__UINT8
#define FLOAT ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT

static bool need(struct onnx_model *model, struct onnx_node *node, size_t inputs)
{
    for (size_t i = 0; i < inputs; i++)
        if (!onnx_in(node, i))
            return onnx_fail(model, node, ERR_VALUE, "expected %zu inputs or more", inputs);
    return true;
}

/* --- windows ---------------------------------------------------------------------------------- */

/* One number per spatial axis, in low..2^31; `fallback` where the attribute is absent. */
static bool read_per_axis(struct onnx_model *model, struct onnx_node *node, const char *name,
                          int count, int64_t low, int64_t fallback, int64_t *out)
{
    const struct onnx_attr *attr = onnx_attr(node, name);
    for (int d = 0; d < count; d++)
        out[d] = fallback;
    if (!attr || attr->int_count == 0)
        return true;
    if (attr->int_count != (size_t)count)
        return onnx_fail(model, node, ERR_VALUE, "expected %d numbers in %s, got %zu", count, name,
                         attr->int_count);
    for (int d = 0; d < count; d++) {
        if (attr->ints[d] < low || attr->ints[d] > EXPR_EXTENT_MAX / 2)
            return onnx_fail(model, node, ERR_RANGE, "%s: expected %lld..2^30, got %lld", name,
                             (long long)low, (long long)attr->ints[d]);
        out[d] = attr->ints[d];
    }
    return true;
}

static bool read_window(struct onnx_model *model, struct onnx_node *node,
                        const struct onnx_shape *in, const int64_t *kernel,
                        struct onnx_window *window, int64_t pads[2 * ONNX_RANK_MAX])
{
    window->axes = in->rank - 2;
    if (window->axes < 1 || window->axes > 3)
        return onnx_fail(model, node, ERR_VALUE, "expected 1 to 3 spatial dimensions, got %d",
                         window->axes);
    for (int d = 0; d < window->axes; d++) {
        window->kernel[d] = kernel[d];
        if (kernel[d] < 1 || kernel[d] > EXPR_EXTENT_MAX || in->dim[2 + d] < 1)
            return onnx_fail(model, node, ERR_RANGE, "a window of %lld over %lld elements",
                             (long long)kernel[d], (long long)in->dim[2 + d]);
    }
    return read_per_axis(model, node, "strides", window->axes, 1, 1, window->stride) &&
           read_per_axis(model, node, "dilations", window->axes, 1, 1, window->dilation) &&
           read_per_axis(model, node, "pads", 2 * window->axes, 0, 0, pads);
}

static bool same_padding(const char *mode)
{
    return !strcmp(mode, "SAME_UPPER") || !strcmp(mode, "SAME_LOWER");
}

bool onnx_window(struct onnx_model *model, struct onnx_node *node, const struct onnx_shape *in,
                 const int64_t *kernel, struct onnx_window *window)
{
    int64_t pads[2 * ONNX_RANK_MAX];
    const char *mode = onnx_attr_str(node, "auto_pad", "NOTSET");
    bool ceiling = onnx_attr_int(node, "ceil_mode", 0) != 0;
    if (!read_window(model, node, in, kernel, window, pads))
        return false;
    for (int d = 0; d < window->axes; d++) {
        int64_t extent = in->dim[2 + d], stride = window->stride[d];
        int64_t reach = (kernel[d] - 1) * window->dilation[d] + 1;
        window->before[d] = strcmp(mode, "VALID") ? pads[d] : 0;
        window->after[d] = strcmp(mode, "VALID") ? pads[window->axes + d] : 0;
        if (same_padding(mode)) {
            int64_t out = (extent - 1) / stride + 1;
            int64_t total = (out - 1) * stride + reach - extent;
            total = total > 0 ? total : 0;
            window->before[d] = mode[5] == 'U' ? total / 2 : total - total / 2;
            window->after[d] = total - window->before[d];
        }
        int64_t span = extent + window->before[d] + window->after[d] - reach;
        if (span < 0)
            return onnx_fail(model, node, ERR_RANGE,
                             "the window of %lld is larger than the %lld elements it moves over",
                             (long long)reach, (long long)(span + reach));
        window->out[d] = (ceiling ? (span + stride - 1) / stride : span / stride) + 1;
        /* A last window that would begin in the padding behind is left out. */
        if (ceiling && (window->out[d] - 1) * stride >= extent + window->before[d])
            window->out[d]--;
    }
    return true;
}

bool onnx_window_transposed(struct onnx_model *model, struct onnx_node *node,
                            const struct onnx_shape *in, const int64_t *kernel,
                            struct onnx_window *window)
{
    int64_t pads[2 * ONNX_RANK_MAX], extra[ONNX_RANK_MAX], wanted[ONNX_RANK_MAX];
    const char *mode = onnx_attr_str(node, "auto_pad", "NOTSET");
    if (!read_window(model, node, in, kernel, window, pads) ||
        !read_per_axis(model, node, "output_padding", window->axes, 0, 0, extra))
        return false;
    const struct onnx_attr *shape = onnx_attr(node, "output_shape");
    if (shape && shape->int_count == (size_t)window->axes + 2) /* some say batch and channels too */
        for (int d = 0; d < window->axes; d++)
            wanted[d] = shape->ints[2 + d];
    else if (!read_per_axis(model, node, "output_shape", window->axes, 1, 0, wanted))
        return false;
    for (int d = 0; d < window->axes; d++) {
        int64_t full = (in->dim[2 + d] - 1) * window->stride[d] + extra[d] +
                       (kernel[d] - 1) * window->dilation[d] + 1;
        window->before[d] = pads[d];
        window->after[d] = pads[window->axes + d];
        if (same_padding(mode) && wanted[d] == 0)
            wanted[d] = in->dim[2 + d] * window->stride[d];
        if (wanted[d] > 0) {
            int64_t total = full > wanted[d] ? full - wanted[d] : 0;
            window->before[d] = !strcmp(mode, "SAME_UPPER") ? total / 2 : total - total / 2;
            window->after[d] = total - window->before[d];
        }
        window->out[d] = wanted[d] > 0 ? wanted[d] : full - window->before[d] - window->after[d];
        if (window->out[d] < 1)
            return onnx_fail(model, node, ERR_RANGE, "nothing is left of dimension %d", 2 + d);
    }
    return true;
}

static struct onnx_shape windowed(const struct onnx_shape *in, int64_t channels,
                                  const struct onnx_window *window)
{
    struct onnx_shape shape = { .rank = in->rank, .dim = { in->dim[0], channels } };
    for (int d = 0; d < window->axes; d++)
        shape.dim[2 + d] = window->out[d];
    return shape;
}

/* Where a quantised convolution keeps its weights, and the type that leaves it. */
static size_t weight_input(const struct onnx_node *node)
{
    return !strcmp(node->op_type, "QLinearConv") || !strcmp(node->op_type, "QLinearMatMul") ? 3 : 1;
}

static int result_type(const struct onnx_node *node)
{
    if (!strncmp(node->op_type, "QLinear", 7))
        return onnx_in(node, 7) ? node->inputs[7]->type : node->inputs[0]->type;
    if (!strcmp(node->op_type, "ConvInteger") || !strcmp(node->op_type, "MatMulInteger"))
        return INT32;
    return node->inputs[0]->type;
}

ONNX_INFER(conv)
{
    size_t at = weight_input(node);
    struct onnx_window window;
    if (!need(model, node, at + 1))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape, *weight = &node->inputs[at]->shape;
    int64_t groups = onnx_attr_int(node, "group", 1);
    if (in->rank < 3 || weight->rank != in->rank)
        return onnx_fail(model, node, ERR_VALUE, "data of %d and weights of %d dimensions",
                         in->rank, weight->rank);
    if (groups < 1 || in->dim[1] % groups || weight->dim[0] % groups ||
        in->dim[1] / groups != weight->dim[1] || weight->dim[0] < 1 || weight->dim[1] < 1)
        return onnx_fail(model, node, ERR_VALUE,
                         "%lld channels in %lld groups do not fit weights of %lld x %lld channels",
                         (long long)in->dim[1], (long long)groups, (long long)weight->dim[0],
                         (long long)weight->dim[1]);
    if (!onnx_window(model, node, in, weight->dim + 2, &window))
        return false;
    struct onnx_shape shape = windowed(in, weight->dim[0], &window);
    return onnx_set(model, node, 0, result_type(node), &shape);
}

ONNX_INFER(conv_transpose)
{
    struct onnx_window window;
    if (!need(model, node, 2))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape, *weight = &node->inputs[1]->shape;
    int64_t groups = onnx_attr_int(node, "group", 1);
    if (in->rank < 3 || weight->rank != in->rank || groups < 1 || in->dim[1] != weight->dim[0] ||
        in->dim[1] % groups || weight->dim[1] < 1 || weight->dim[0] < 1)
        return onnx_fail(model, node, ERR_VALUE, "the weights do not fit the data");
    if (!onnx_window_transposed(model, node, in, weight->dim + 2, &window))
        return false;
    struct onnx_shape shape = windowed(in, 1, &window);
    if (!mul_size((uint64_t)weight->dim[1], (uint64_t)groups, (uint64_t *)&shape.dim[1]))
        return onnx_fail(model, node, ERR_OVERFLOW, "too many channels");
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(pool)
{
    struct onnx_window window;
    int64_t kernel[ONNX_RANK_MAX];
    if (!need(model, node, 1))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    if (in->rank < 3 || in->rank > 5)
        return onnx_fail(model, node, ERR_VALUE, "expected 1 to 3 spatial dimensions");
    if (!read_per_axis(model, node, "kernel_shape", in->rank - 2, 1, 1, kernel) ||
        !onnx_window(model, node, in, kernel, &window))
        return false;
    struct onnx_shape shape = windowed(in, in->dim[1], &window);
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape) &&
           onnx_set(model, node, 1, INT64, &shape);
}

ONNX_INFER(global_pool)
{
    if (!need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    for (int d = 2; d < shape.rank; d++)
        shape.dim[d] = 1;
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

/* --- products -----------------------------------------------------------------------------------
 */

ONNX_INFER(gemm)
{
    if (!need(model, node, 2))
        return false;
    const struct onnx_shape *a = &node->inputs[0]->shape, *b = &node->inputs[1]->shape;
    int ta = onnx_attr_int(node, "transA", 0) != 0, tb = onnx_attr_int(node, "transB", 0) != 0;
    if (a->rank != 2 || b->rank != 2)
        return onnx_fail(model, node, ERR_VALUE, "expected matrices, got %d and %d dimensions",
                         a->rank, b->rank);
    if (a->dim[1 - ta] != b->dim[tb])
        return onnx_fail(model, node, ERR_VALUE, "%lld columns do not fit %lld rows",
                         (long long)a->dim[1 - ta], (long long)b->dim[tb]);
    struct onnx_shape shape = { .rank = 2, .dim = { a->dim[ta], b->dim[1 - tb] } };
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(matmul)
{
    size_t at = weight_input(node);
    if (!need(model, node, at + 1))
        return false;
    struct onnx_shape a = node->inputs[0]->shape, b = node->inputs[at]->shape;
    bool row = a.rank == 1, column = b.rank == 1;
    if (a.rank < 1 || b.rank < 1)
        return onnx_fail(model, node, ERR_VALUE, "a product with a scalar");
    if (onnx_attr_int(node, "transA", 0) && a.rank > 1) {
        int64_t rows = a.dim[a.rank - 1];
        a.dim[a.rank - 1] = a.dim[a.rank - 2];
        a.dim[a.rank - 2] = rows;
    }
    if (onnx_attr_int(node, "transB", 0) && b.rank > 1) {
        int64_t rows = b.dim[b.rank - 1];
        b.dim[b.rank - 1] = b.dim[b.rank - 2];
        b.dim[b.rank - 2] = rows;
    }
    if (row)
        a = (struct onnx_shape){ .rank = 2, .dim = { 1, a.dim[0] } };
    if (column)
        b = (struct onnx_shape){ .rank = 2, .dim = { b.dim[0], 1 } };
    int64_t m = a.dim[a.rank - 2], k = a.dim[a.rank - 1], n = b.dim[b.rank - 1];
    if (k != b.dim[b.rank - 2])
        return onnx_fail(model, node, ERR_VALUE, "%lld columns do not fit %lld rows", (long long)k,
                         (long long)b.dim[b.rank - 2]);
    a.rank -= 2;
    b.rank -= 2;
    if (!onnx_broadcast(&a, &b))
        return onnx_fail(model, node, ERR_VALUE, "the batches do not go together");
    if (!row)
        a.dim[a.rank++] = m;
    if (!column)
        a.dim[a.rank++] = n;
    return onnx_set(model, node, 0, result_type(node), &a);
}

static bool einsum_term(struct onnx_model *model, struct onnx_node *node, const char **text,
                        size_t input, struct onnx_einsum *out)
{
    const struct onnx_shape *shape = &node->inputs[input]->shape;
    int d = 0;
    for (; **text && **text != ',' && **text != '-'; (*text)++) {
        unsigned char c = (unsigned char)**text;
        if (c == ' ')
            continue;
        if (c >= 128 || !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) || d == shape->rank)
            return onnx_unsupported(model, node,
                                    "an equation other than two operands of plain letters");
        if (out->in[input][c])
            return onnx_unsupported(model, node, "a letter twice in one operand");
        if (out->extent[c] > 1 && shape->dim[d] > 1 && out->extent[c] != shape->dim[d])
            return onnx_fail(model, node, ERR_VALUE, "letter %c has two extents", c);
        out->extent[c] = out->extent[c] > shape->dim[d] ? out->extent[c] : shape->dim[d];
        out->in[input][c] = true;
        d++;
    }
    if (d != shape->rank)
        return onnx_fail(model, node, ERR_VALUE, "the equation has %d letters for %d dimensions", d,
                         shape->rank);
    return true;
}

bool onnx_read_einsum(struct onnx_model *model, struct onnx_node *node, struct onnx_einsum *out)
{
    *out = (struct onnx_einsum){ .result = "" };
    const char *text = onnx_attr_str(node, "equation", "");
    if (node->input_count > 2 || node->input_count < 1)
        return onnx_unsupported(model, node, "an equation of more than two operands");
    for (size_t i = 0; i < node->input_count; i++) {
        if (!einsum_term(model, node, &text, i, out) || node->unsupported)
            return model->err->code == ERR_OK;
        if (*text == ',')
            text++;
    }
    size_t count = 0;
    if (text[0] == '-' && text[1] == '>') {
        for (text += 2; *text; text++) {
            unsigned char c = (unsigned char)*text;
            if (c == ' ')
                continue;
            if (c >= 128 || out->extent[c] == 0 || out->out[c] || count == ONNX_RANK_MAX)
                return onnx_unsupported(model, node, "a result that the operands do not spell");
            out->out[c] = true;
            out->result[count++] = (char)c;
        }
        return true;
    }
    for (int c = 0; c < 128; c++) /* implicit: letters that occur once, in order */
        if (out->in[0][c] != out->in[1][c] && count < ONNX_RANK_MAX) {
            out->out[c] = true;
            out->result[count++] = (char)c;
        }
    return true;
}

ONNX_INFER(einsum)
{
    struct onnx_einsum einsum;
    if (!need(model, node, node->input_count > 0 ? node->input_count : 1) ||
        !onnx_read_einsum(model, node, &einsum))
        return false;
    if (node->unsupported)
        return true;
    struct onnx_shape shape = { .rank = (int)strlen(einsum.result) };
    for (int d = 0; d < shape.rank; d++)
        shape.dim[d] = einsum.extent[(unsigned char)einsum.result[d]];
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(recurrent)
{
    if (!need(model, node, 3))
        return false;
    const struct onnx_shape *x = &node->inputs[0]->shape, *w = &node->inputs[1]->shape;
    const struct onnx_shape *r = &node->inputs[2]->shape;
    if (x->rank != 3 || w->rank != 3 || r->rank != 3 || w->dim[2] != x->dim[2] ||
        r->dim[0] != w->dim[0] || r->dim[1] != w->dim[1] || r->dim[2] < 1 || w->dim[0] < 1)
        return onnx_fail(model, node, ERR_VALUE, "the weights do not fit the data");
    bool batch_first = onnx_attr_int(node, "layout", 0) != 0;
    int64_t steps = x->dim[batch_first], batch = x->dim[!batch_first];
    int64_t dirs = w->dim[0], hidden = r->dim[2];
    struct onnx_shape all = { .rank = 4, .dim = { steps, dirs, batch, hidden } };
    struct onnx_shape last = { .rank = 3, .dim = { dirs, batch, hidden } };
    if (batch_first) {
        all = (struct onnx_shape){ .rank = 4, .dim = { batch, steps, dirs, hidden } };
        last = (struct onnx_shape){ .rank = 3, .dim = { batch, dirs, hidden } };
    }
    int type = node->inputs[0]->type;
    return onnx_set(model, node, 0, type, &all) && onnx_set(model, node, 1, type, &last) &&
           onnx_set(model, node, 2, type, &last);
}

/* --- the rest ------------------------------------------------------------------------------------
 */

ONNX_INFER(pad)
{
    int64_t pads[2 * ONNX_RANK_MAX], axes[ONNX_RANK_MAX];
    if (!need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int count = onnx_ints(node, 1, onnx_attr(node, "paddings") ? "paddings" : "pads", pads,
                          2 * ONNX_RANK_MAX);
    int axis_count = onnx_ints(node, 3, NULL, axes, ONNX_RANK_MAX);
    if (count < 0 || axis_count == -2)
        return onnx_unsupported(model, node, "its padding is only known when it runs");
    int axis_most = axis_count >= 0 ? axis_count : shape.rank;
    if (count != 2 * axis_most)
        return onnx_fail(model, node, ERR_VALUE, "expected %d numbers in pads, got %d",
                         2 * axis_most, count);
    for (int i = 0; i < axis_most; i++) {
        int axis = axis_count >= 0 ? onnx_axis(axes[i], shape.rank) : i;
        int64_t low = pads[i], high = pads[axis_most + i];
        if (axis < 0 || low > EXPR_EXTENT_MAX || high > EXPR_EXTENT_MAX || low < -EXPR_EXTENT_MAX ||
            high < -EXPR_EXTENT_MAX)
            return onnx_fail(model, node, ERR_RANGE, "its padding is out of range");
        shape.dim[axis] += low + high;
    }
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

/* Scales of Resize and Upsample: input 2, 1 or the attribute, by version. */
static const struct onnx_value *scales_of(const struct onnx_node *node)
{
    return node->input_count > 2 ? onnx_in(node, 2) : onnx_in(node, 1);
}

ONNX_INFER(resize)
{
    if (!need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int64_t sizes[ONNX_RANK_MAX], axes[ONNX_RANK_MAX];
    const struct onnx_attr *axis_attr = onnx_attr(node, "axes");
    const struct onnx_attr *attr = onnx_attr(node, "scales");
    int axis_count = axis_attr ? (int)min_u64(axis_attr->int_count, ONNX_RANK_MAX) : shape.rank;
    for (int i = 0; i < axis_count; i++) {
        axes[i] = axis_attr ? onnx_axis(axis_attr->ints[i], shape.rank) : i;
        if (axes[i] < 0)
            return onnx_fail(model, node, ERR_RANGE, "an axis lies outside");
    }
    int count = onnx_ints(node, 3, NULL, sizes, ONNX_RANK_MAX);
    if (count > 0) {
        if (count != axis_count)
            return onnx_fail(model, node, ERR_VALUE, "expected %d sizes, got %d", axis_count,
                             count);
        const char *policy = onnx_attr_str(node, "keep_aspect_ratio_policy", "stretch");
        double scale = 0;
        for (int i = 0; strcmp(policy, "stretch") && i < count; i++) {
            double s = (double)sizes[i] / (double)shape.dim[axes[i]];
            scale = i == 0 || (!strcmp(policy, "not_larger") ? s < scale : s > scale) ? s : scale;
        }
        for (int i = 0; i < count; i++)
            shape.dim[axes[i]] = strcmp(policy, "stretch")
                                     ? onnx_to_int(round(scale * (double)shape.dim[axes[i]]))
                                     : sizes[i];
        return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
    }
    const struct onnx_value *scales = scales_of(node);
    int64_t scale_count = attr                     ? (int64_t)attr->float_count
                          : scales && scales->data ? onnx_elements(scales)
                                                   : -1;
    if (count == -2 || scale_count < 0)
        return onnx_unsupported(model, node, "its size is only known when it runs");
    if (scale_count != axis_count)
        return onnx_fail(model, node, ERR_VALUE, "expected %d scales, got %lld", axis_count,
                         (long long)scale_count);
    for (int i = 0; i < axis_count; i++) {
        double scale = attr ? (double)attr->floats[i] : scales->data[i];
        shape.dim[axes[i]] = onnx_to_int(floor((double)shape.dim[axes[i]] * scale + 1e-6));
    }
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

static bool blocks(struct onnx_model *model, struct onnx_node *node, bool to_space)
{
    if (!need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int64_t size = onnx_attr_int(node, "blocksize", 0);
    if (shape.rank != 4 || size < 1 || size > 65536 ||
        (to_space ? shape.dim[1] % (size * size) : shape.dim[2] % size || shape.dim[3] % size))
        return onnx_fail(model, node, ERR_VALUE, "blocks of %lld do not fit its input",
                         (long long)size);
    shape.dim[1] = to_space ? shape.dim[1] / (size * size) : shape.dim[1] * size * size;
    for (int d = 2; d < 4; d++)
        shape.dim[d] = to_space ? shape.dim[d] * size : shape.dim[d] / size;
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(depth_to_space)
{
    return blocks(model, node, true);
}

ONNX_INFER(space_to_depth)
{
    return blocks(model, node, false);
}

ONNX_INFER(top_k)
{
    int64_t k;
    if (!need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int axis = onnx_axis(onnx_attr_int(node, "axis", -1), shape.rank);
    if (axis < 0)
        return onnx_fail(model, node, ERR_RANGE, "the axis lies outside");
    k = onnx_attr_int(node, "k", -1);
    if (k < 0 && onnx_ints(node, 1, NULL, &k, 1) != 1)
        return onnx_unsupported(model, node, "k is only known when it runs");
    shape.dim[axis] = k < shape.dim[axis] ? k : shape.dim[axis];
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape) &&
           onnx_set(model, node, 1, INT64, &shape);
}

/* How many boxes survive depends on the data: as many as may. */
ONNX_INFER(non_max_suppression)
{
    int64_t per_class = 0;
    if (!need(model, node, 2))
        return false;
    const struct onnx_shape *scores = &node->inputs[1]->shape;
    if (scores->rank != 3)
        return onnx_fail(model, node, ERR_VALUE, "expected scores of 3 dimensions");
    int count = onnx_ints(node, 2, NULL, &per_class, 1);
    if (count != 1 || per_class > scores->dim[2])
        per_class = scores->dim[2];
    per_class = per_class < 1 ? 1 : per_class;
    uint64_t rows;
    if (!mul_size((uint64_t)scores->dim[0] * (uint64_t)scores->dim[1], (uint64_t)per_class, &rows))
        return onnx_fail(model, node, ERR_OVERFLOW, "too many boxes");
    struct onnx_shape shape = { .rank = 2, .dim = { (int64_t)rows, 3 } };
    return onnx_set(model, node, 0, INT64, &shape);
}

ONNX_INFER(non_zero)
{
    if (!need(model, node, 1))
        return false;
    struct onnx_shape shape = {
        .rank = 2, .dim = { node->inputs[0]->shape.rank, onnx_elements(node->inputs[0]) }
    };
    return onnx_set(model, node, 0, INT64, &shape);
}

ONNX_INFER(one_hot)
{
    int64_t depth;
    if (!need(model, node, 3))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    if (onnx_ints(node, 1, NULL, &depth, 1) != 1)
        return onnx_unsupported(model, node, "its depth is only known when it runs");
    int axis = onnx_axis(onnx_attr_int(node, "axis", -1), in->rank + 1);
    if (axis < 0 || in->rank == ONNX_RANK_MAX)
        return onnx_fail(model, node, ERR_RANGE, "the axis lies outside");
    struct onnx_shape shape = { .rank = in->rank + 1 };
    for (int d = 0, from = 0; d < shape.rank; d++)
        shape.dim[d] = d == axis ? depth : in->dim[from++];
    return onnx_set(model, node, 0, node->inputs[2]->type, &shape);
}

ONNX_INFER(roi_align)
{
    if (!need(model, node, 2))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape, *rois = &node->inputs[1]->shape;
    if (in->rank != 4 || rois->rank != 2)
        return onnx_fail(model, node, ERR_VALUE, "expected maps and a list of boxes");
    struct onnx_shape shape = { .rank = 4,
                                .dim = { rois->dim[0], in->dim[1],
                                         onnx_attr_int(node, "output_height", 1),
                                         onnx_attr_int(node, "output_width", 1) } };
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

/* One number, or one per element of the labels; the second output is the log of the softmax. */
ONNX_INFER(loss)
{
    struct onnx_shape scalar = { .rank = 0 };
    if (!need(model, node, 2))
        return false;
    bool each = !strcmp(onnx_attr_str(node, "reduction", "mean"), "none");
    return onnx_set(model, node, 0, node->inputs[0]->type,
                    each ? &node->inputs[1]->shape : &scalar) &&
           onnx_set(model, node, 1, node->inputs[0]->type, &node->inputs[0]->shape);
}

/* How many are unique depends on the data: as many as may. */
ONNX_INFER(unique)
{
    if (!need(model, node, 1))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    struct onnx_shape list = { .rank = 1, .dim = { onnx_elements(node->inputs[0]) } };
    int axis = onnx_attr(node, "axis") ? onnx_axis(onnx_attr_int(node, "axis", 0), in->rank) : -1;
    if (axis >= 0)
        list.dim[0] = in->dim[axis];
    return onnx_set(model, node, 0, node->inputs[0]->type, axis >= 0 ? in : &list) &&
           onnx_set(model, node, 1, INT64, &list) && onnx_set(model, node, 2, INT64, &list) &&
           onnx_set(model, node, 3, INT64, &list);
}

ONNX_INFER(det)
{
    if (!need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    if (shape.rank < 2)
        return onnx_fail(model, node, ERR_VALUE, "expected matrices");
    shape.rank -= 2;
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(grid_sample)
{
    if (!need(model, node, 2))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    const struct onnx_shape *grid = &node->inputs[1]->shape;
    if (grid->rank != shape.rank || shape.rank < 3)
        return onnx_fail(model, node, ERR_VALUE, "the grid does not fit its input");
    for (int d = 2; d < shape.rank; d++)
        shape.dim[d] = grid->dim[d - 1];
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(quantize)
{
    if (!need(model, node, 2))
        return false;
    int type =
        onnx_in(node, 2) ? node->inputs[2]->type : (int)onnx_attr_int(node, "output_dtype", UINT8);
    return onnx_set(model, node, 0, type ? type : UINT8, &node->inputs[0]->shape);
}

ONNX_INFER(dequantize)
{
    if (!need(model, node, 2))
        return false;
    struct onnx_value *out = onnx_out(node, 0);
    if (!onnx_set(model, node, 0, node->inputs[1]->type, &node->inputs[0]->shape))
        return false;
    if (out)
        out->stored_type = node->inputs[0]->type;
    return true;
}

ONNX_INFER(dynamic_quantize)
{
    struct onnx_shape scalar = { .rank = 0 };
    return need(model, node, 1) && onnx_set(model, node, 0, UINT8, &node->inputs[0]->shape) &&
           onnx_set(model, node, 1, FLOAT, &scalar) && onnx_set(model, node, 2, UINT8, &scalar);
}
