/* Operators that move data: bytes where a copy is made, nothing where the reader can find it. */
#include <string.h>

#include "frontends/onnx_layer.h"

static void gather_feeds(struct onnx_model *model, struct onnx_node *node, size_t from,
                         struct onnx_operand *out)
{
    size_t count = 0;
    for (size_t i = from; i < node->input_count; i++)
        if (node->inputs[i])
            count += onnx_operand(model, node->inputs[i], onnx_elements(node->inputs[i])).count;
    struct onnx_feed *feeds = ARENA_ARRAY(model->arena, struct onnx_feed, count);
    out->count = 0;
    for (size_t i = from; i < node->input_count; i++)
        for (size_t k = 0; node->inputs[i] && k < node->inputs[i]->feed_count; k++)
            feeds[out->count++] = node->inputs[i]->feeds[k];
    out->feeds = feeds;
}

/* A layer that reads all inputs and writes all outputs. */
ONNX_LOWER(move)
{
    struct onnx_value *first = NULL, *only = NULL;
    int64_t elements = 0, count = 0;
    for (size_t i = 0; i < node->output_count; i++) {
        struct onnx_value *out = node->outputs[i];
        if (!out || out->constant || !onnx_known(out))
            continue;
        first = first ? first : out;
        only = out;
        elements += onnx_elements(out);
        count++;
    }
    struct onnx_operand operand;
    gather_feeds(model, node, 0, &operand);
    if (!first || operand.count == 0 || elements < 1)
        return true;
    struct onnx_layer *layer = onnx_layer_new(model, node, NULL, "move");
    layer->note = arena_printf(model->arena, "ONNX %s", node->op_type);
    layer->operands[layer->operand_count++] = operand;
    for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !node->inputs[i]->constant && !layer->type[1])
            layer->type[1] = onnx_stored(node->inputs[i]);
    if (count == 1) {
        onnx_map_extents(layer, &only->shape);
        onnx_leave(model, layer, only);
        return true;
    }
    onnx_extent(layer, "k", elements);
    layer->shape = (struct onnx_shape){ .rank = 1, .dim = { elements } };
    layer->type[0] = onnx_stored(first);
    for (size_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] && !node->outputs[i]->constant && onnx_known(node->outputs[i]))
            onnx_leave_part(model, layer, node->outputs[i], onnx_elements(node->outputs[i]));
    return true;
}

/* The reader reads several tensors. Where every part is a layer's only result, work that follows
 * joins all of them. */
ONNX_LOWER(concat)
{
    struct onnx_value *out = onnx_out(node, 0);
    bool sole = true;
    if (!out)
        return true;
    for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i]->constant && onnx_elements(node->inputs[i]) > 0)
            return onnx_lower_move(model, node); /* constants are copied in */
    struct onnx_operand operand;
    gather_feeds(model, node, 0, &operand);
    if (onnx_operand_elements(&operand) != (uint64_t)onnx_elements(out))
        return onnx_lower_move(model, node); /* a broadcast among the parts */
    for (size_t i = 0; i < node->input_count; i++)
        sole = sole && onnx_can_join(model, node->inputs[i]) &&
               node->inputs[i]->shape.rank == out->shape.rank;
    out->feeds = operand.feeds;
    out->feed_count = operand.count;
    out->stored_type = onnx_stored(node->inputs[0]);
    bool channels = onnx_axis(onnx_attr_int(node, "axis", 1), out->shape.rank) == 1;
    for (size_t i = 0; sole && channels && i < operand.count; i++)
        operand.feeds[i].layer->tail = out;
    return true;
}

ONNX_LOWER(part)
{
    struct onnx_value *in = onnx_in(node, 0);
    struct onnx_operand whole = onnx_operand(model, in, onnx_elements(in));
    bool broadcast = onnx_operand_elements(&whole) != (uint64_t)onnx_elements(in);
    for (size_t i = 0; i < node->output_count; i++) {
        struct onnx_value *out = node->outputs[i];
        if (!out)
            continue;
        if (onnx_elements(out) == onnx_elements(in)) {
            onnx_alias(in, out);
            continue;
        }
        if (broadcast || onnx_elements(out) == 0)
            return onnx_lower_move(model, node);
        struct onnx_operand part = onnx_part(model, whole, (uint64_t)onnx_elements(out));
        size_t kept = 0; /* feeds of which nothing is read are left out */
        struct onnx_feed *feeds = ARENA_ARRAY(model->arena, struct onnx_feed, part.count);
        for (size_t k = 0; k < part.count; k++)
            if (part.feeds[k].elements > 0)
                feeds[kept++] = part.feeds[k];
        out->feeds = feeds;
        out->feed_count = kept;
        out->stored_type = onnx_stored(in);
    }
    return true;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(name, *names))
            return true;
    return false;
}

/* Do all readers, behind reshapes, address their operand themselves? */
static bool read_by_products(const struct onnx_value *value, int depth)
{
    static const char *const products[] = {
        "Conv",          "Gemm",          "MatMul",      "Einsum",
        "ConvTranspose", "MatMulInteger", "ConvInteger", "QLinearMatMul",
        "QLinearConv",   "FusedMatMul",   NULL
    };
    static const char *const aliases[] = { "Reshape",   "Flatten",  "Squeeze",
                                           "Unsqueeze", "Identity", "Transpose",
                                           "Expand",    "Concat",   NULL };
    if (depth > 8 || value->graph_output || value->consumer_count == 0 ||
        value->consumer_count > 64)
        return false;
    for (size_t i = 0; i < value->consumer_count; i++) {
        const struct onnx_node *reader = value->consumers[i];
        if (is_one_of(reader->op_type, products))
            continue;
        if (!is_one_of(reader->op_type, aliases) ||
            (reader->inputs[0] != value && strcmp(reader->op_type, "Concat") != 0) ||
            !onnx_out(reader, 0) || !read_by_products(reader->outputs[0], depth + 1))
            return false;
    }
    return true;
}

/* Nothing moves if only dimensions of one element change place. */
static bool keeps_order(const struct onnx_node *node)
{
    const struct onnx_shape *in = &node->inputs[0]->shape;
    const struct onnx_attr *perm = onnx_attr(node, "perm");
    int64_t last = -1;
    for (int d = 0; d < in->rank; d++) {
        int64_t from = perm ? perm->ints[d] : in->rank - 1 - d;
        if (in->dim[from] == 1)
            continue;
        if (from < last)
            return false;
        last = from;
    }
    return true;
}

/* A product writes its results in whatever order is asked for. */
static bool written_by_product(const struct onnx_model *model, const struct onnx_value *value)
{
    return value->feed_count == 1 && onnx_can_join(model, value) &&
           onnx_is_product(value->feeds[0].layer);
}

ONNX_LOWER(transpose)
{
    struct onnx_value *in = onnx_in(node, 0), *out = onnx_out(node, 0);
    if (!out)
        return true;
    onnx_operand(model, in, onnx_elements(in));
    if (keeps_order(node) || read_by_products(out, 0) || written_by_product(model, in)) {
        onnx_alias(in, out);
        return true;
    }
    struct onnx_layer *layer = onnx_layer_new(model, node, NULL, "transpose");
    onnx_map_extents(layer, &in->shape);
    onnx_feed(model, layer, in, onnx_elements(in));
    onnx_leave(model, layer, out);
    return true;
}

/* Rows of a constant table; a fixed place of a tensor that flows; else bytes. */
ONNX_LOWER(gather)
{
    struct onnx_value *data = onnx_in(node, 0), *index = onnx_in(node, 1), *out = onnx_out(node, 0);
    if (!out)
        return true;
    if (!data->constant && index->constant && onnx_elements(index) == 1)
        return onnx_lower_part(model, node);
    if (!data->constant)
        return onnx_lower_move(model, node);
    struct onnx_layer *layer = onnx_layer_new(model, node, NULL, "gather");
    int64_t rows = onnx_elements(index);
    onnx_extent(layer, "m", rows);
    onnx_extent(layer, "n", onnx_elements(out) / rows);
    onnx_feed(model, layer, index, rows);
    layer->type[2] = onnx_stored(data);
    onnx_leave(model, layer, out);
    return true;
}

ONNX_LOWER(resize)
{
    struct onnx_value *in = onnx_in(node, 0), *out = onnx_out(node, 0);
    if (out && onnx_can_join(model, in) && in->feed_count == 1) {
        onnx_join(model, in, out, "upsample", NULL);
        return true;
    }
    return onnx_lower_move(model, node);
}
