#include "frontends/onnx_layer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int onnx_stored(const struct onnx_value *value)
{
    return value->stored_type ? value->stored_type : value->type;
}

struct onnx_layer *onnx_layer_new(struct onnx_model *model, const struct onnx_node *node,
                                  const char *part, const char *op)
{
    struct onnx_layer *layer = ARENA_ARRAY(model->arena, struct onnx_layer, 1);
    if (model->layer_count == model->layer_capacity) {
        model->layer_capacity = model->layer_capacity ? 2 * model->layer_capacity : 256;
        model->layers = mem_grow(model->layers, model->layer_capacity, sizeof *model->layers);
    }
    model->layers[model->layer_count++] = layer;
    layer->name = part ? arena_printf(model->arena, "%s/%s", node->name, part) : node->name;
    layer->op = op;
    return layer;
}

void onnx_extent(struct onnx_layer *layer, const char *name, int64_t value)
{
    assert(layer->extent_count < ONNX_BINDINGS_MAX);
    layer->extents[layer->extent_count++] = (struct onnx_binding){ name, value };
}

void onnx_param(struct onnx_layer *layer, const char *name, int64_t value, int64_t fallback)
{
    assert(layer->param_count < ONNX_BINDINGS_MAX);
    if (value != fallback)
        layer->params[layer->param_count++] = (struct onnx_binding){ name, value };
}

uint64_t onnx_operand_elements(const struct onnx_operand *operand)
{
    uint64_t elements = 0;
    for (size_t i = 0; i < operand->count; i++)
        elements += operand->feeds[i].elements;
    return elements;
}

/* Values that no layer makes and no constant is: they come from outside. */
static void carry(struct onnx_model *model, struct onnx_value *value)
{
    if (value->constant || value->feed_count)
        return;
    struct onnx_feed *feed = ARENA_ARRAY(model->arena, struct onnx_feed, 1);
    *feed = (struct onnx_feed){ .input = value, .elements = (uint64_t)onnx_elements(value) };
    value->feeds = feed;
    value->feed_count = 1;
}

struct onnx_operand onnx_operand(struct onnx_model *model, struct onnx_value *value,
                                 int64_t elements)
{
    carry(model, value);
    struct onnx_operand operand = { value->feed_count, value->feeds };
    if (operand.count == 0 || onnx_operand_elements(&operand) == (uint64_t)elements)
        return operand;
    struct onnx_feed *feeds = ARENA_ARRAY(model->arena, struct onnx_feed, operand.count);
    for (size_t i = 0; i < operand.count; i++) { /* broadcast: read as parts, over and over */
        feeds[i] = operand.feeds[i];
        feeds[i].partial = true;
    }
    operand.feeds = feeds;
    return operand;
}

struct onnx_operand onnx_part(struct onnx_model *model, struct onnx_operand whole,
                              uint64_t elements)
{
    uint64_t all = onnx_operand_elements(&whole);
    struct onnx_feed *feeds = ARENA_ARRAY(model->arena, struct onnx_feed, whole.count);
    uint64_t left = elements;
    for (size_t i = 0; i < whole.count; i++) {
        uint64_t share = i + 1 == whole.count
                             ? left
                             : min_u64(left, mul_div_ceil(whole.feeds[i].elements, elements, all));
        feeds[i] = whole.feeds[i];
        feeds[i].elements = min_u64(share, whole.feeds[i].elements);
        feeds[i].partial = true;
        left -= feeds[i].elements;
    }
    return (struct onnx_operand){ whole.count, feeds };
}

void onnx_feed(struct onnx_model *model, struct onnx_layer *layer, struct onnx_value *value,
               int64_t elements)
{
    size_t slot = layer->operand_count;
    struct onnx_operand operand = onnx_operand(model, value, elements);
    if (slot < 2)
        layer->type[1 + slot] = onnx_stored(value);
    if (operand.count == 0)
        return;
    assert(slot < 2);
    layer->operands[layer->operand_count++] = operand;
}

void onnx_leave(struct onnx_model *model, struct onnx_layer *layer, struct onnx_value *value)
{
    layer->type[0] = onnx_stored(value);
    layer->shape = value->shape;
    layer->tail = value;
    onnx_leave_part(model, layer, value, onnx_elements(value));
    ((struct onnx_feed *)value->feeds)->partial = false;
}

void onnx_leave_part(struct onnx_model *model, struct onnx_layer *layer, struct onnx_value *value,
                     int64_t elements)
{
    struct onnx_feed *feed = ARENA_ARRAY(model->arena, struct onnx_feed, 1);
    *feed = (struct onnx_feed){ .layer = layer, .elements = (uint64_t)elements, .partial = true };
    value->feeds = feed;
    value->feed_count = 1;
}

/* Is the value all that leaves its layers, and read once? */
static bool sole(const struct onnx_value *value)
{
    if (value->feed_count == 0 || value->consumer_count != 1 || value->graph_output)
        return false;
    for (size_t i = 0; i < value->feed_count; i++)
        if (!value->feeds[i].layer || value->feeds[i].partial ||
            value->feeds[i].layer->tail != value)
            return false;
    return true;
}

void onnx_alias(struct onnx_value *from, struct onnx_value *to)
{
    bool moves = sole(from);
    to->feeds = from->feeds;
    to->feed_count = from->feed_count;
    to->stored_type = onnx_stored(from);
    if (!moves)
        return;
    for (size_t i = 0; i < from->feed_count; i++)
        from->feeds[i].layer->tail = to;
    if (from->feed_count == 1)
        from->feeds[0].layer->shape = to->shape;
}

bool onnx_can_join(const struct onnx_model *model, const struct onnx_value *value)
{
    (void)model;
    if (!sole(value))
        return false;
    for (size_t i = 0; i < value->feed_count; i++)
        if (value->feeds[i].layer->step_count == ONNX_STEPS_MAX)
            return false;
    return true;
}

void onnx_join(struct onnx_model *model, struct onnx_value *value, struct onnx_value *out,
               const char *step, struct onnx_value *other)
{
    struct onnx_feed *feeds = ARENA_ARRAY(model->arena, struct onnx_feed, value->feed_count);
    for (size_t i = 0; i < value->feed_count; i++) {
        struct onnx_layer *layer = value->feeds[i].layer;
        struct onnx_step *added = &layer->steps[layer->step_count++];
        added->op = step;
        if (other)
            added->input = onnx_operand(model, other, onnx_elements(value));
        if (value->feed_count == 1)
            layer->shape = out->shape;
        for (int d = 2; value->feed_count > 1 && d < out->shape.rank; d++)
            layer->shape.dim[d] = out->shape.dim[d];
        layer->tail = out;
        layer->type[0] = onnx_stored(out);
        feeds[i] = (struct onnx_feed){
            .layer = layer,
            .elements = (uint64_t)onnx_product(&layer->shape, 0, layer->shape.rank),
        };
    }
    out->feeds = feeds;
    out->feed_count = value->feed_count;
}

bool onnx_is_product(const struct onnx_layer *layer)
{
    return op_kind_has_macs(op_find(layer->op)->kind);
}

void onnx_map_extents(struct onnx_layer *layer, const struct onnx_shape *shape)
{
    static const char *const names[] = { "n", "k", "p", "q" };
    int extra = shape->rank > 4 ? shape->rank - 4 : 0;
    if (shape->rank < 2) {
        onnx_extent(layer, "k", shape->rank ? shape->dim[0] : 1);
        return;
    }
    onnx_extent(layer, "n", onnx_product(shape, 0, extra + 1));
    for (int d = extra + 1; d < shape->rank; d++)
        onnx_extent(layer, names[d - extra], shape->dim[d]);
}
