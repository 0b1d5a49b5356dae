/* Shapes of what leaves convolutions and pools. */
#include <string.h>

#include "frontends/onnx_infer.h"

#define INT64 ONNX__TENSOR_PROTO__DATA_TYPE__INT64

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

ONNX_INFER(conv)
{
    size_t at = onnx_weight_input(node);
    struct onnx_window window;
    if (!onnx_need(model, node, at + 1))
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
    return onnx_set(model, node, 0, onnx_product_type(node), &shape);
}

ONNX_INFER(conv_transpose)
{
    struct onnx_window window;
    if (!onnx_need(model, node, 2))
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
    if (!onnx_need(model, node, 1))
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
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    for (int d = 2; d < shape.rank; d++)
        shape.dim[d] = 1;
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

/* As large as the pool that it undoes was fed, or as it is told. */
ONNX_INFER(max_unpool)
{
    struct onnx_window window;
    int64_t kernel[ONNX_RANK_MAX];
    struct onnx_shape shape;
    if (!onnx_need(model, node, 2))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    shape.rank = onnx_ints(node, 2, NULL, shape.dim, ONNX_RANK_MAX);
    if (shape.rank == -2)
        return onnx_undecided(model, node, "its shape is only known when it runs");
    if (shape.rank >= 0)
        return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
    if (in->rank < 3 || in->rank > 5)
        return onnx_fail(model, node, ERR_VALUE, "expected 1 to 3 spatial dimensions");
    if (!read_per_axis(model, node, "kernel_shape", in->rank - 2, 1, 1, kernel) ||
        !onnx_window_transposed(model, node, in, kernel, &window))
        return false;
    shape = windowed(in, in->dim[1], &window);
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}
