/* Element-wise operators, normalisations, reductions. */
#include <math.h>
#include <string.h>

#include "frontends/onnx_layer.h"

ONNX_LOWER(alias)
{
    struct onnx_value *in = onnx_in(node, 0), *out = onnx_out(node, 0);
    (void)model;
    if (out) {
        onnx_operand(model, in, onnx_elements(in));
        onnx_alias(in, out);
    }
    return true;
}

static bool lower_map(struct onnx_model *model, struct onnx_node *node, const char *op)
{
    struct onnx_value *in = onnx_in(node, 0), *out = onnx_out(node, 0);
    if (!out)
        return true;
    if (onnx_can_join(model, in)) {
        onnx_join(model, in, out, op, NULL);
        return true;
    }
    struct onnx_layer *layer = onnx_layer_new(model, node, NULL, op);
    onnx_map_extents(layer, &out->shape);
    onnx_feed(model, layer, in, onnx_elements(out));
    onnx_leave(model, layer, out);
    return true;
}

ONNX_LOWER(unary)
{
    return lower_map(model, node, node->op->detail);
}

ONNX_LOWER(clip)
{
    const struct onnx_value *low = onnx_in(node, 1), *high = onnx_in(node, 2);
    const struct onnx_attr *min = onnx_attr(node, "min"), *max = onnx_attr(node, "max");
    double from = low && low->data ? *low->data : min ? min->f : -INFINITY;
    double to = high && high->data ? *high->data : max ? max->f : INFINITY;
    return lower_map(model, node,
                     from == 0 && to == 6          ? "relu6"
                     : from == 0 && to == INFINITY ? "relu"
                                                   : "unary");
}

/* --- two operands and more
 * ------------------------------------------------------------------------- */

/* Numbers per channel or one for all: they sit beside the engine, not in memory. */
static bool is_vector(const struct onnx_value *value)
{
    int wide = 0;
    for (int d = 0; d < value->shape.rank; d++)
        wide += value->shape.dim[d] != 1;
    return wide <= 1;
}

static bool same_shape(const struct onnx_value *a, const struct onnx_value *b)
{
    return onnx_elements(a) == onnx_elements(b);
}

static const char *constant_step(const char *op)
{
    return !strcmp(op, "add") ? "bias_add" : !strcmp(op, "mul") ? "scale" : "unary";
}

/* A vector added to a product is what its accumulators start from; a Gemm has it built in. */
static bool is_bias(const struct onnx_value *value, const char *op)
{
    return !strcmp(op, "add") && value->feed_count == 1 && value->feeds[0].layer &&
           value->feeds[0].layer->step_count == 0 && onnx_is_product(value->feeds[0].layer);
}

static void with_constant(struct onnx_model *model, struct onnx_node *node, struct onnx_value *data,
                          const struct onnx_value *constant, struct onnx_value *out, const char *op)
{
    bool vector = is_vector(constant);
    if (vector && same_shape(data, out) && onnx_can_join(model, data)) {
        if (is_bias(data, op))
            onnx_alias(data, out);
        else
            onnx_join(model, data, out, constant_step(op), NULL);
        return;
    }
    struct onnx_layer *layer = onnx_layer_new(model, node, NULL, vector ? constant_step(op) : op);
    int64_t elements = onnx_elements(out), numbers = onnx_elements(constant);
    if (vector && !strcmp(layer->op, "unary")) {
        onnx_map_extents(layer, &out->shape);
    } else if (vector) {
        onnx_extent(layer, "n", elements / numbers);
        onnx_extent(layer, "k", numbers);
    } else {
        onnx_map_extents(layer, &out->shape);
        layer->type[2] = onnx_stored(constant);
    }
    onnx_feed(model, layer, data, elements);
    layer->type[2] = onnx_stored(constant);
    onnx_leave(model, layer, out);
}

/* Both flow: the one that nobody else reads takes the other in. */
static void with_value(struct onnx_model *model, struct onnx_node *node, struct onnx_value *a,
                       struct onnx_value *b, struct onnx_value *out, const char *op)
{
    for (int turn = 0; turn < 2; turn++) {
        struct onnx_value *host = turn ? b : a, *guest = turn ? a : b;
        if (host != guest && host->feed_count == 1 && same_shape(host, out) &&
            onnx_can_join(model, host)) {
            onnx_join(model, host, out, op, guest);
            return;
        }
    }
    struct onnx_layer *layer = onnx_layer_new(model, node, NULL, op);
    onnx_map_extents(layer, &out->shape);
    onnx_feed(model, layer, a, onnx_elements(out));
    onnx_feed(model, layer, b, onnx_elements(out));
    onnx_leave(model, layer, out);
}

ONNX_LOWER(binary)
{
    struct onnx_value *out = onnx_out(node, 0), *sum = onnx_in(node, 0);
    const char *op = node->op->detail;
    if (!out)
        return true;
    if (node->input_count == 1)
        return lower_map(model, node, "unary");
    /* A chain of pairs; what is between them has the shape of both. */
    for (size_t i = 1; i < node->input_count; i++) {
        struct onnx_value *next = node->inputs[i], *to = out;
        if (!next)
            continue;
        if (i + 1 < node->input_count) {
            to = onnx_new_value(model, node->name);
            to->type = out->type;
            to->shape = sum->shape;
            onnx_broadcast(&to->shape, &next->shape);
            to->consumer_count = 1;
            to->constant = sum->constant && next->constant;
        }
        if (!to->constant && sum->constant)
            with_constant(model, node, next, sum, to, op);
        else if (!to->constant && next->constant)
            with_constant(model, node, sum, next, to, op);
        else if (!to->constant)
            with_value(model, node, sum, next, to, op);
        sum = to;
    }
    return true;
}

/* --- normalisations
 * --------------------------------------------------------------------------------- */

/* Elements that are normalised together. */
static int64_t row_length(const struct onnx_node *node, const struct onnx_shape *shape)
{
    int rank = shape->rank;
    if (!strcmp(node->op_type, "InstanceNormalization"))
        return onnx_product(shape, 2 < rank ? 2 : rank, rank);
    if (!strcmp(node->op_type, "GroupNormalization")) {
        int64_t groups = onnx_attr_int(node, "num_groups", 1);
        int64_t all = onnx_product(shape, 1 < rank ? 1 : rank, rank);
        return groups > 0 && all % groups == 0 ? all / groups : all;
    }
    int axis = onnx_axis(onnx_attr_int(node, "axis", -1), rank);
    if (axis < 0)
        return onnx_product(shape, 0, rank);
    if (!strcmp(node->op->detail, "layernorm") || !strcmp(node->op->detail, "rmsnorm"))
        return onnx_product(shape, axis, rank);
    return shape->dim[axis];
}

ONNX_LOWER(norm)
{
    struct onnx_value *in = onnx_in(node, 0), *out = onnx_out(node, 0);
    const char *op = node->op->detail;
    if (!out)
        return true;
    if (!model->options->fold_elementwise_only && in->feed_count == 1 && onnx_can_join(model, in)) {
        onnx_join(model, in, out, op, NULL);
        return true;
    }
    struct onnx_layer *layer = onnx_layer_new(model, node, NULL, op);
    if (!strcmp(op, "lrn")) {
        onnx_map_extents(layer, &out->shape);
    } else {
        int64_t row = row_length(node, &out->shape);
        onnx_extent(layer, "m", onnx_elements(out) / row);
        onnx_extent(layer, "n", row);
    }
    onnx_feed(model, layer, in, onnx_elements(out));
    onnx_leave(model, layer, out);
    return true;
}

/* Behind a product with constant weights its factors go into the weights. */
ONNX_LOWER(batch_norm)
{
    struct onnx_value *in = onnx_in(node, 0), *out = onnx_out(node, 0);
    bool constant = true;
    for (size_t i = 1; i < node->input_count; i++)
        constant = constant && node->inputs[i] && node->inputs[i]->constant;
    if (out && constant && in->feed_count == 1 && onnx_can_join(model, in)) {
        const struct onnx_layer *layer = in->feeds[0].layer;
        if (layer->step_count == 0 && layer->operand_count == 1 && onnx_is_product(layer)) {
            onnx_alias(in, out);
            return true;
        }
    }
    return lower_map(model, node, "batchnorm");
}

ONNX_LOWER(reduce)
{
    struct onnx_value *in = onnx_in(node, 0), *out = onnx_out(node, 0);
    const struct onnx_shape *shape = &in->shape;
    if (!out)
        return true;
    bool maps = shape->rank == 4 && onnx_elements(out) == shape->dim[0] * shape->dim[1] &&
                shape->dim[2] * shape->dim[3] > 1 && strncmp(node->op_type, "Arg", 3) != 0;
    if (maps && !model->options->fold_elementwise_only && in->feed_count == 1 &&
        onnx_can_join(model, in)) {
        onnx_join(model, in, out, "globalavgpool", NULL);
        return true;
    }
    struct onnx_layer *layer = onnx_layer_new(model, node, NULL, "reduce");
    onnx_extent(layer, "i", onnx_elements(out));
    onnx_extent(layer, "k", onnx_elements(in) / onnx_elements(out));
    onnx_feed(model, layer, in, onnx_elements(in));
    onnx_leave(model, layer, out);
    return true;
}

/* From floats to integers on the way out of the layer that made them. */
ONNX_LOWER(quantize)
{
    struct onnx_value *out = onnx_out(node, 0);
    for (size_t i = 1; i < node->output_count; i++) { /* scale and zero point found on the way */
        struct onnx_value *scalar = node->outputs[i];
        if (scalar)
            scalar->constant = true;
    }
    return !out || lower_map(model, node, "requantize");
}
