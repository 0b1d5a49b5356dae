/* Convolutions, pools, matrix products and recurrent networks: the operators with MACs. */
#include <stdio.h>
#include <string.h>

#include "frontends/onnx_infer.h"
#include "frontends/onnx_layer.h"

/* Bind as the loader will: does the layer's first operand come out with these extents? */
static bool fits(const struct onnx_layer *layer, const int64_t *extents, size_t count)
{
    struct expr_binding bindings[2 * ONNX_BINDINGS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < layer->extent_count; i++)
        bindings[n++] =
            (struct expr_binding){ layer->extents[i].name, layer->extents[i].value, true };
    for (size_t i = 0; i < layer->param_count; i++)
        bindings[n++] =
            (struct expr_binding){ layer->params[i].name, layer->params[i].value, false };
    struct expr expr;
    memset(&expr, 0, sizeof expr);
    if (op_bind(op_find(layer->op), bindings, n, &expr, NULL) != ERR_OK)
        return true; /* the loader will say why */
    const struct expr_tensor *in = &expr.tensors[1];
    for (size_t i = 0; i < count && i < in->dim_count; i++) {
        const struct expr_dim *dim = &in->dims[in->dim_count - count + i];
        int64_t off = extents[i] - dim->extent, slack = 0;
        for (size_t k = 0; dim->divisor == 1 && k < expr.iter_count; k++)
            if (!expr.iters[k].reduce && dim->coeff[k] - 1 > slack)
                slack = dim->coeff[k] - 1;
        if (off > slack || -off > slack)
            return false;
    }
    return true;
}

static const char *const axis_strides[3][3] = { { "sh" }, { "sh", "sw" }, { "sd", "sh", "sw" } };
static const char *const axis_dilations[3][3] = { { "dh" }, { "dh", "dw" }, { "dd", "dh", "dw" } };
static const char *const axis_pads[3][3] = { { "ph" }, { "ph", "pw" }, { "pd", "ph", "pw" } };
static const char *const axis_outs[3][3] = { { "p" }, { "p", "q" }, { "d", "p", "q" } };
static const char *const axis_kernels[3][3] = { { "r" }, { "r", "s" }, { "t", "r", "s" } };

static void window_bindings(struct onnx_layer *layer, const struct onnx_window *window,
                            const int64_t *pads)
{
    int a = window->axes - 1;
    for (int d = 0; d < window->axes; d++) {
        onnx_extent(layer, axis_outs[a][d], window->out[d]);
    }
    for (int d = 0; d < window->axes; d++) {
        onnx_extent(layer, axis_kernels[a][d], window->kernel[d]);
        onnx_param(layer, axis_strides[a][d], window->stride[d], 1);
        onnx_param(layer, axis_dilations[a][d], window->dilation[d], 1);
        onnx_param(layer, axis_pads[a][d], pads[d], 0);
    }
}

/* Padding that the expression has no words for (it is the same on both sides there) is written out
 * first. The input's elements then stand in a tensor with its margin. */
static struct onnx_value *padded(struct onnx_model *model, struct onnx_node *node,
                                 const struct onnx_window *window)
{
    struct onnx_value *in = node->inputs[0], *out = onnx_new_value(model, node->name);
    out->type = in->type;
    out->stored_type = onnx_stored(in);
    out->shape = in->shape;
    for (int d = 0; d < window->axes; d++) {
        int64_t reach = (window->kernel[d] - 1) * window->dilation[d] + 1;
        out->shape.dim[2 + d] = (window->out[d] - 1) * window->stride[d] + reach;
    }
    out->consumer_count = 1;
    struct onnx_layer *layer = onnx_layer_new(model, node, "pad", "move");
    onnx_map_extents(layer, &out->shape);
    onnx_feed(model, layer, in, onnx_elements(in));
    onnx_leave(model, layer, out);
    return out;
}

static const char *conv_op(int axes, bool depthwise, bool grouped, bool transposed)
{
    static const char *const names[4][3] = {
        { "conv1d", "conv2d", "conv3d" },
        { "grouped_conv1d", "grouped_conv2d", "grouped_conv3d" },
        { "depthwise_conv1d", "depthwise_conv2d", "depthwise_conv3d" },
        { "transposed_conv1d", "transposed_conv2d", "transposed_conv3d" },
    };
    static const char *const grouped_transposed[3] = { "grouped_transposed_conv1d",
                                                       "grouped_transposed_conv2d",
                                                       "grouped_transposed_conv3d" };
    if (transposed && grouped)
        return grouped_transposed[axes - 1];
    return names[transposed ? 3 : depthwise ? 2 : grouped ? 1 : 0][axes - 1];
}

/* Activations of QLinear forms; weights stand behind scale and zero point there. */
static size_t weight_input(const struct onnx_node *node)
{
    return !strncmp(node->op_type, "QLinear", 7) ? 3 : 1;
}

static void channel_extents(struct onnx_layer *layer, const struct onnx_shape *out, int64_t groups,
                            int64_t in_per_group, int64_t out_per_group, bool depthwise)
{
    onnx_extent(layer, "n", out->dim[0]);
    if (groups > 1)
        onnx_extent(layer, "g", groups);
    if (!depthwise) {
        onnx_extent(layer, "k", out_per_group);
        onnx_extent(layer, "c", in_per_group);
    } else if (out_per_group > 1) {
        onnx_extent(layer, "m", out_per_group);
    }
}

/* Channels of activations as weights (a hypernetwork) come as a second operand the rows lack. */
static bool constant_weights(const struct onnx_node *node, size_t at)
{
    if (node->inputs[at]->constant || node->inputs[at]->feed_count == 0)
        return true;
    return false;
}

static bool finish_product(struct onnx_model *model, struct onnx_node *node,
                           struct onnx_layer *layer, struct onnx_value *in, size_t weight)
{
    struct onnx_value *out = node->outputs[0];
    onnx_feed(model, layer, in, onnx_elements(in));
    layer->type[2] = onnx_stored(node->inputs[weight]);
    onnx_leave(model, layer, out);
    if (!strncmp(node->op_type, "QLinear", 7))
        layer->steps[layer->step_count++].op = "requantize";
    return true;
}

ONNX_LOWER(conv)
{
    size_t at = weight_input(node);
    struct onnx_value *in = node->inputs[0], *weight = node->inputs[at], *out = onnx_out(node, 0);
    struct onnx_window window;
    if (!out)
        return true;
    if (!constant_weights(node, at))
        return onnx_unsupported(model, node, "weights that are computed") &&
               onnx_lower_move(model, node);
    if (!onnx_window(model, node, &in->shape, weight->shape.dim + 2, &window))
        return false;
    int64_t groups = onnx_attr_int(node, "group", 1);
    bool depthwise = groups > 1 && weight->shape.dim[1] == 1;
    const char *op = conv_op(window.axes, depthwise, groups > 1, false);
    int64_t zero[3] = { 0, 0, 0 };
    for (int with_pad = 0; with_pad < 2; with_pad++) {
        struct onnx_layer *layer = onnx_layer_new(model, node, NULL, op);
        channel_extents(layer, &out->shape, groups, weight->shape.dim[1],
                        weight->shape.dim[0] / groups, depthwise);
        window_bindings(layer, &window, with_pad ? zero : window.before);
        if (with_pad || fits(layer, in->shape.dim + 2, (size_t)window.axes))
            return finish_product(model, node, layer, in, at);
        model->layer_count--;
        in = padded(model, node, &window);
    }
    return true;
}

ONNX_LOWER(conv_transpose)
{
    struct onnx_value *in = node->inputs[0], *weight = node->inputs[1], *out = onnx_out(node, 0);
    struct onnx_window window;
    if (!out)
        return true;
    if (!constant_weights(node, 1))
        return onnx_unsupported(model, node, "weights that are computed") &&
               onnx_lower_move(model, node);
    if (!onnx_window_transposed(model, node, &in->shape, weight->shape.dim + 2, &window))
        return false;
    int64_t groups = onnx_attr_int(node, "group", 1);
    struct onnx_layer *layer =
        onnx_layer_new(model, node, NULL, conv_op(window.axes, false, groups > 1, true));
    channel_extents(layer, &out->shape, groups, weight->shape.dim[0] / groups, weight->shape.dim[1],
                    false);
    window_bindings(layer, &window, window.before);
    return finish_product(model, node, layer, in, 1);
}

/* --- pools
 * ------------------------------------------------------------------------------------------ */

static bool covers_all(const struct onnx_window *window, const struct onnx_shape *in)
{
    for (int d = 0; d < window->axes; d++)
        if (window->out[d] != 1 || window->kernel[d] < in->dim[2 + d])
            return false;
    return true;
}

ONNX_LOWER(pool)
{
    struct onnx_value *in = node->inputs[0], *out = onnx_out(node, 0);
    bool largest = !strcmp(node->op->detail, "maxpool");
    int64_t kernel[ONNX_RANK_MAX] = { 0 };
    struct onnx_window window;
    const struct onnx_attr *shape = onnx_attr(node, "kernel_shape");
    for (size_t d = 0; d < 3; d++)
        kernel[d] = shape && d < shape->int_count ? shape->ints[d] : 1;
    if (!onnx_window(model, node, &in->shape, kernel, &window))
        return false;
    if (onnx_out(node, 1))
        return onnx_lower_move(model, node); /* with the places of the largest ones */
    if (!out)
        return true;
    if (!model->options->fold_elementwise_only && onnx_can_join(model, in)) {
        onnx_join(model, in, out,
                  largest                           ? "maxpool"
                  : covers_all(&window, &in->shape) ? "globalavgpool"
                                                    : "avgpool",
                  NULL);
        return true;
    }
    bool volume = window.axes == 3;
    if (window.axes == 1) { /* maps of one column */
        window.kernel[1] = window.stride[1] = window.dilation[1] = window.out[1] = 1;
        window.before[1] = 0;
        window.axes = 2;
    }
    const char *op =
        volume ? (largest ? "maxpool3d" : "avgpool3d") : (largest ? "maxpool2d" : "avgpool2d");
    int64_t zero[3] = { 0, 0, 0 };
    int64_t extents[3] = { in->shape.dim[2], in->shape.rank > 3 ? in->shape.dim[3] : 1,
                           in->shape.rank > 4 ? in->shape.dim[4] : 1 };
    for (int with_pad = 0; with_pad < 2; with_pad++) {
        struct onnx_layer *layer = onnx_layer_new(model, node, NULL, op);
        onnx_extent(layer, "n", out->shape.dim[0]);
        onnx_extent(layer, "k", out->shape.dim[1]);
        window_bindings(layer, &window, with_pad ? zero : window.before);
        if (with_pad || fits(layer, extents, (size_t)window.axes)) {
            onnx_feed(model, layer, in, onnx_elements(in));
            onnx_leave(model, layer, out);
            return true;
        }
        model->layer_count--;
        if (in->shape.rank == 3)
            window.axes = 1;
        in = padded(model, node, &window);
        window.axes = volume ? 3 : 2;
    }
    return true;
}

ONNX_LOWER(global_pool)
{
    struct onnx_value *in = node->inputs[0], *out = onnx_out(node, 0);
    bool largest = !strcmp(node->op->detail, "maxpool");
    if (!out)
        return true;
    if (!model->options->fold_elementwise_only && onnx_can_join(model, in)) {
        onnx_join(model, in, out, largest ? "maxpool" : "globalavgpool", NULL);
        return true;
    }
    struct onnx_layer *layer =
        onnx_layer_new(model, node, NULL, largest ? "reduce" : "global_avgpool");
    const struct onnx_shape *shape = &in->shape;
    int64_t maps = shape->rank > 1 ? shape->dim[0] * shape->dim[1] : 1;
    if (largest) {
        onnx_extent(layer, "i", maps);
        onnx_extent(layer, "k", onnx_elements(in) / maps);
    } else {
        onnx_extent(layer, "n", shape->dim[0]);
        onnx_extent(layer, "k", shape->rank > 1 ? shape->dim[1] : 1);
        onnx_extent(layer, "r", shape->rank > 2 ? shape->dim[2] : 1);
        onnx_extent(layer, "s", shape->rank > 3 ? onnx_product(shape, 3, shape->rank) : 1);
    }
    onnx_feed(model, layer, in, onnx_elements(in));
    onnx_leave(model, layer, out);
    return true;
}

/* --- products
 * ----------------------------------------------------------------------------------------- */

struct product {
    int64_t batch, m, n, k; /* batch: both operands have it */
};

/* The operand that flows comes first; a product with a constant on the left is its transpose. */
static struct onnx_layer *product_layer(struct onnx_model *model, struct onnx_node *node,
                                        const char *part, struct product size, struct onnx_value *a,
                                        struct onnx_value *b)
{
    if (a->constant && !b->constant) {
        struct onnx_value *other = a;
        a = b;
        b = other;
        int64_t m = size.m;
        size.m = size.n;
        size.n = m;
    }
    if (size.batch > 1 && b->constant && onnx_elements(b) == size.k * size.n) {
        size.m *= size.batch;
        size.batch = 1;
    }
    struct onnx_layer *layer =
        onnx_layer_new(model, node, part, size.batch > 1 ? "batched_gemm" : "gemm");
    if (size.batch > 1)
        onnx_extent(layer, "b", size.batch);
    onnx_extent(layer, "m", size.m);
    onnx_extent(layer, "n", size.n);
    onnx_extent(layer, "k", size.k);
    onnx_feed(model, layer, a, size.batch * size.m * size.k);
    onnx_feed(model, layer, b, size.batch * size.k * size.n);
    layer->type[2] = onnx_stored(b);
    return layer;
}

ONNX_LOWER(gemm)
{
    struct onnx_value *a = node->inputs[0], *b = node->inputs[1], *c = onnx_in(node, 2);
    struct onnx_value *out = onnx_out(node, 0);
    if (!out)
        return true;
    bool transposed = onnx_attr_int(node, "transA", 0) != 0;
    struct product size = { 1, out->shape.dim[0], out->shape.dim[1], a->shape.dim[!transposed] };
    struct onnx_layer *layer = product_layer(model, node, NULL, size, a, b);
    onnx_leave(model, layer, out);
    if (c && !c->constant && onnx_attr(node, "beta") && onnx_attr(node, "beta")->f == 0)
        return true;
    if (c && !c->constant) {
        layer->steps[layer->step_count++] =
            (struct onnx_step){ "add", onnx_operand(model, c, onnx_elements(out)) };
    }
    return true;
}

ONNX_LOWER(matmul)
{
    size_t at = weight_input(node);
    struct onnx_value *a = node->inputs[0], *b = node->inputs[at], *out = onnx_out(node, 0);
    if (!out)
        return true;
    const struct onnx_shape *left = &a->shape, *right = &b->shape;
    bool ta = onnx_attr_int(node, "transA", 0) && left->rank > 1;
    bool tb = onnx_attr_int(node, "transB", 0) && right->rank > 1;
    struct product size = { 1, 1, 1, left->dim[left->rank - (ta ? 2 : 1)] };
    if (left->rank > 1)
        size.m = left->dim[left->rank - (ta ? 1 : 2)];
    if (right->rank > 1)
        size.n = right->dim[right->rank - (tb ? 2 : 1)];
    size.batch = onnx_elements(out) / (size.m * size.n);
    /* One matrix on the right for all rows on the left. */
    if (right->rank <= 2 || onnx_product(right, 0, right->rank - 2) == 1) {
        size.m *= size.batch;
        size.batch = 1;
    } else if (left->rank <= 2 && a->constant) {
        size.n *= size.batch;
        size.batch = 1;
    }
    struct onnx_layer *layer = product_layer(model, node, NULL, size, a, b);
    onnx_leave(model, layer, out);
    if (!strncmp(node->op_type, "QLinear", 7))
        layer->steps[layer->step_count++].op = "requantize";
    return true;
}

ONNX_LOWER(einsum)
{
    struct onnx_einsum einsum;
    struct product size = { 1, 1, 1, 1 };
    struct onnx_value *out = onnx_out(node, 0);
    if (!out)
        return true;
    if (!onnx_read_einsum(model, node, &einsum))
        return false;
    if (node->input_count == 1)
        return onnx_lower_move(model, node);
    for (int c = 0; c < 128; c++) {
        bool both = einsum.in[0][c] && einsum.in[1][c];
        int64_t *into = both && einsum.out[c] ? &size.batch
                        : both                ? &size.k
                        : einsum.in[0][c]     ? &size.m
                                              : &size.n;
        if (einsum.extent[c] <= 1)
            continue;              /* absent, or no loop at all */
        *into *= einsum.extent[c]; /* fits: it divides the points */
    }
    struct onnx_layer *layer =
        product_layer(model, node, NULL, size, node->inputs[0], node->inputs[1]);
    onnx_leave(model, layer, out);
    return true;
}

/* --- recurrent networks
 * --------------------------------------------------------------------------------- */

#define STEP_LAYERS_MAX 512

/* One direction of an LSTM, GRU or RNN: a product for what all steps bring in, then one layer per
 * step with the gates behind it. More steps than STEP_LAYERS_MAX become one layer. */
struct recurrence {
    int64_t steps, batch, hidden, gates;
    struct onnx_layer *inputs; /* the product with W */
    struct onnx_value *h;      /* of the step before; NULL: zero */
};

static struct onnx_operand input_part(struct onnx_model *model, const struct recurrence *r,
                                      int64_t steps)
{
    struct onnx_feed *feed = ARENA_ARRAY(model->arena, struct onnx_feed, 1);
    *feed = (struct onnx_feed){ .layer = r->inputs,
                                .elements = (uint64_t)(steps * r->batch * r->gates * r->hidden),
                                .partial = true };
    return (struct onnx_operand){ 1, feed };
}

static void gate_steps(struct onnx_layer *layer, struct onnx_operand gates)
{
    layer->steps[layer->step_count++] = (struct onnx_step){ "add", gates };
    layer->steps[layer->step_count++].op = "sigmoid";
    layer->steps[layer->step_count++].op = "mul"; /* the gates combine: one h is left */
    layer->steps[layer->step_count++].op = "tanh";
}

static struct onnx_value *step_layer(struct onnx_model *model, struct onnx_node *node,
                                     const char *part, struct recurrence *r, int64_t steps)
{
    struct onnx_layer *layer;
    struct onnx_value *h = onnx_new_value(model, node->name);
    int64_t rows = steps * r->batch, width = r->gates * r->hidden;
    h->type = node->inputs[0]->type;
    h->shape = (struct onnx_shape){ .rank = 2, .dim = { rows, r->hidden } };
    h->consumer_count = 2; /* nothing joins a step */
    if (r->h || steps > 1) {
        layer = onnx_layer_new(model, node, part, "gemm");
        onnx_extent(layer, "m", rows);
        onnx_extent(layer, "n", width);
        onnx_extent(layer, "k", r->hidden);
        if (r->h) {
            onnx_feed(model, layer, r->h, rows * r->hidden);
        } else { /* h of the steps before, which this layer makes itself */
            struct onnx_operand gates = input_part(model, r, steps);
            ((struct onnx_feed *)gates.feeds)->elements = (uint64_t)(rows * r->hidden);
            layer->operands[layer->operand_count++] = gates;
            layer->type[1] = h->type;
        }
        gate_steps(layer, input_part(model, r, steps));
    } else { /* the first step: h is zero */
        layer = onnx_layer_new(model, node, part, "sigmoid");
        onnx_extent(layer, "n", rows);
        onnx_extent(layer, "k", width);
        layer->operands[layer->operand_count++] = input_part(model, r, steps);
        layer->type[1] = h->type;
        layer->steps[layer->step_count++].op = "mul";
        layer->steps[layer->step_count++].op = "tanh";
    }
    layer->type[2] = onnx_stored(node->inputs[2]);
    onnx_leave(model, layer, h);
    return h;
}

static void append_feeds(struct onnx_model *model, struct onnx_value *to,
                         const struct onnx_value *from)
{
    struct onnx_feed *feeds =
        ARENA_ARRAY(model->arena, struct onnx_feed, to->feed_count + from->feed_count);
    if (to->feed_count)
        memcpy(feeds, to->feeds, to->feed_count * sizeof *feeds);
    memcpy(feeds + to->feed_count, from->feeds, from->feed_count * sizeof *feeds);
    to->feeds = feeds;
    to->feed_count += from->feed_count;
}

static void lower_direction(struct onnx_model *model, struct onnx_node *node, int64_t dir,
                            int64_t dirs, struct onnx_value *all, struct onnx_value *last)
{
    struct onnx_value *x = node->inputs[0], *initial = onnx_in(node, 5);
    bool batch_first = onnx_attr_int(node, "layout", 0) != 0;
    struct recurrence r = { .steps = x->shape.dim[batch_first],
                            .batch = x->shape.dim[!batch_first],
                            .hidden = node->inputs[2]->shape.dim[2] };
    r.gates = node->inputs[1]->shape.dim[1] / r.hidden;
    const char *prefix = dirs == 1 ? "" : dir == 0 ? "forward." : "backward.";
    struct product size = { 1, r.steps * r.batch, r.gates * r.hidden, x->shape.dim[2] };
    struct onnx_value gates = { .type = x->type,
                                .shape = { .rank = 2, .dim = { size.m, size.n } } };
    r.inputs = product_layer(model, node, arena_printf(model->arena, "%sx", prefix), size, x,
                             node->inputs[1]);
    onnx_leave(model, r.inputs, &gates);
    r.inputs->tail = NULL;
    if (initial && !initial->constant && dirs == 1)
        r.h = initial;
    bool single = r.steps * dirs > STEP_LAYERS_MAX;
    for (int64_t t = 0; t < (single ? 1 : r.steps); t++) {
        char number[32];
        snprintf(number, sizeof number, "t%lld", (long long)t);
        if (single)
            r.h = NULL;
        r.h = step_layer(model, node,
                         arena_printf(model->arena, "%s%s", prefix, single ? "steps" : number), &r,
                         single ? r.steps : 1);
        if (all)
            append_feeds(model, all, r.h);
    }
    if (last && !single)
        append_feeds(model, last, r.h);
    for (size_t i = 0; last && single && i < 1; i++) {
        struct onnx_operand part = onnx_part(model, (struct onnx_operand){ 1, r.h->feeds },
                                             (uint64_t)(r.batch * r.hidden));
        struct onnx_value piece = { .feed_count = 1, .feeds = part.feeds };
        append_feeds(model, last, &piece);
    }
}

ONNX_LOWER(recurrent)
{
    struct onnx_value *w = node->inputs[1], *r = node->inputs[2], *x = node->inputs[0];
    if (w->shape.dim[1] % r->shape.dim[2])
        return onnx_fail(model, node, ERR_VALUE, "the gates do not divide its weights");
    if (x->constant)
        return onnx_unsupported(model, node, "constant data") && onnx_lower_move(model, node);
    struct onnx_value *cell = onnx_out(node, 2);
    struct onnx_value *all = onnx_out(node, 0), *last = onnx_out(node, 1);
    for (int64_t dir = 0; dir < w->shape.dim[0]; dir++)
        lower_direction(model, node, dir, w->shape.dim[0], all, last);
    if (cell && last) { /* the cell state leaves the last step beside h */
        cell->feeds = last->feeds;
        cell->feed_count = last->feed_count;
    }
    return true;
}
