/*
 * Exporters write a gelu or a layer norm as a dozen small nodes. A region that begins at one value,
 * splits and joins again, and shows nothing of its inside is one operator: which one follows from
 * what it is made of.
 */
#include <string.h>

#include "frontends/onnx_ir.h"

#define REGION_MAX 16
#define LOOK_AHEAD 48

struct region {
    const struct onnx_value *entry;
    size_t count;
    struct onnx_node *nodes[REGION_MAX];
};

static const char *const members[] = {
    "Add",        "Sub",       "Mul",       "Div",      "Pow",        "Sqrt",        "Erf",
    "Tanh",       "Exp",       "Sigmoid",   "Softplus", "Reciprocal", "HardSigmoid", "Clip",
    "ReduceMean", "ReduceSum", "ReduceMax", "Cast",     "Neg",        "Relu",        NULL,
};

static bool is_named(const struct onnx_node *node, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(node->op_type, *names))
            return !*node->domain;
    return false;
}

static bool inside(const struct region *region, const struct onnx_node *node)
{
    for (size_t i = 0; i < region->count; i++)
        if (region->nodes[i] == node)
            return true;
    return false;
}

/* Inputs that flow: all from the region; how many. -1: one comes from elsewhere. */
static int flowing_inputs(const struct region *region, const struct onnx_node *node)
{
    int count = 0;
    for (size_t i = 0; i < node->input_count; i++) {
        const struct onnx_value *in = node->inputs[i];
        if (!in || in->constant)
            continue;
        bool known = in == region->entry;
        for (size_t k = 0; k < region->count; k++)
            known = known || region->nodes[k]->outputs[0] == in;
        if (!known)
            return -1;
        count++;
    }
    return count;
}

/* Does only the last node's result leave the first `count` nodes? */
static bool is_closed(const struct region *region, size_t count)
{
    struct region part = *region;
    part.count = count;
    for (size_t i = 0; i + 1 < count; i++) {
        const struct onnx_value *out = region->nodes[i]->outputs[0];
        if (out->graph_output)
            return false;
        for (size_t k = 0; k < out->consumer_count; k++)
            if (!inside(&part, out->consumers[k]))
                return false;
    }
    return true;
}

static bool reads_entry_twice(const struct region *region, size_t count)
{
    int readers = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < region->nodes[i]->input_count; k++)
            readers += region->nodes[i]->inputs[k] == region->entry;
    return readers > 1;
}

static size_t occurrences(const struct region *region, const char *op)
{
    size_t count = 0;
    for (size_t i = 0; i < region->count; i++)
        count += !strcmp(region->nodes[i]->op_type, op);
    return count;
}

static const char *operator_of(const struct region *region)
{
    size_t means = occurrences(region, "ReduceMean");
    if (means > 0) /* the mean alone is only half of a layer norm */
        return means > 1                         ? "LayerNormalization"
               : occurrences(region, "Sub") == 0 ? "RMSNormalization"
                                                 : NULL;
    if (occurrences(region, "ReduceSum") && occurrences(region, "Exp"))
        return "Softmax";
    if (occurrences(region, "ReduceSum") || occurrences(region, "ReduceMax"))
        return NULL;
    if (occurrences(region, "Erf") || occurrences(region, "Tanh"))
        return "Gelu";
    if (occurrences(region, "Sigmoid"))
        return "Swish";
    if (occurrences(region, "HardSigmoid") || occurrences(region, "Clip"))
        return "HardSwish";
    return NULL;
}

/* The first region behind the value that closes where two branches join and is an operator; NULL:
 * none is. */
static const char *find_region(const struct onnx_model *model, size_t first, struct region *region)
{
    const char *op;
    for (size_t n = first; n < model->node_count && n < first + LOOK_AHEAD; n++) {
        struct onnx_node *node = model->nodes[n];
        if (!node || onnx_is_constant(node) || node->unsupported || node->output_count != 1 ||
            !node->outputs[0] || !is_named(node, members))
            continue;
        int flowing = flowing_inputs(region, node);
        if (flowing < 1 || region->count == REGION_MAX)
            continue;
        region->nodes[region->count++] = node;
        if (flowing > 1 && is_closed(region, region->count) &&
            reads_entry_twice(region, region->count) &&
            onnx_elements(node->outputs[0]) == onnx_elements(region->entry))
            if ((op = operator_of(region)))
                return op;
    }
    return NULL;
}

/* Rows: from the first axis that is reduced. */
static int64_t first_axis(const struct region *region)
{
    int64_t axes[ONNX_RANK_MAX], rank = region->entry->shape.rank;
    for (size_t i = 0; i < region->count; i++) {
        if (strncmp(region->nodes[i]->op_type, "Reduce", 6) != 0)
            continue;
        int count = onnx_ints(region->nodes[i], 1, "axes", axes, ONNX_RANK_MAX);
        int64_t first = count > 0 ? rank : 0;
        for (int k = 0; k < count; k++) {
            int axis = onnx_axis(axes[k], (int)rank);
            first = axis >= 0 && axis < first ? axis : first;
        }
        return first;
    }
    return -1;
}

/* The last node takes the operator and the entry as its input; the others go. */
static void fuse(struct onnx_model *model, size_t from, const struct region *region, const char *op)
{
    struct onnx_node *last = region->nodes[region->count - 1];
    struct onnx_attr *axis = ARENA_ARRAY(model->arena, struct onnx_attr, 1);
    struct onnx_value *entry = NULL;
    for (size_t i = 0; i < region->nodes[0]->input_count; i++)
        if (region->nodes[0]->inputs[i] == region->entry)
            entry = region->nodes[0]->inputs[i];
    *axis = (struct onnx_attr){ .name = "axis", .i = first_axis(region), .s = "" };
    for (size_t n = from; n < from + LOOK_AHEAD && n < model->node_count; n++)
        if (model->nodes[n] && model->nodes[n] != last && inside(region, model->nodes[n]))
            model->nodes[n] = NULL;
    size_t kept = 0; /* readers of the entry: those outside, and the one operator */
    for (size_t i = 0; i < entry->consumer_count; i++)
        if (!inside(region, entry->consumers[i]))
            entry->consumers[kept++] = entry->consumers[i];
    entry->consumers[kept++] = last;
    entry->consumer_count = kept;
    last->op_type = op;
    last->op = onnx_op_find("", op);
    last->inputs = ARENA_ARRAY(model->arena, struct onnx_value *, 1);
    last->inputs[0] = entry;
    last->input_count = 1;
    last->attrs = axis;
    last->attr_count = 1;
}

static void try_value(struct onnx_model *model, size_t first, const struct onnx_value *entry)
{
    struct region region = { .entry = entry };
    const char *op = find_region(model, first, &region);
    if (op)
        fuse(model, first, &region, op);
}

void onnx_fuse(struct onnx_model *model)
{
    for (size_t n = 0; n < model->node_count; n++) {
        struct onnx_node *node = model->nodes[n];
        if (!node || onnx_is_constant(node) || node->unsupported || !is_named(node, members))
            continue;
        for (size_t i = 0; model->nodes[n] && i < node->input_count; i++) {
            const struct onnx_value *in = node->inputs[i];
            if (in && !in->constant && in->consumer_count > 1) {
                try_value(model, n, in);
                break;
            }
        }
    }
    size_t kept = 0;
    for (size_t n = 0; n < model->node_count; n++)
        if (model->nodes[n])
            model->nodes[kept++] = model->nodes[n];
    model->node_count = kept;
}
