#include "frontends/onnx_ir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/onnx_tensor.h"

bool onnx_fail(struct onnx_model *model, const struct onnx_node *node, enum err_code code,
               const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    err_set(model->err, code, "node \"%.150s\", operator %.60s%s%.60s: %s", node->name,
            node->op_type, *node->domain ? " of domain " : "", node->domain, what);
    return false;
}

bool onnx_unsupported(struct onnx_model *model, struct onnx_node *node, const char *why)
{
    if (!model->options->allow_unsupported)
        return onnx_fail(model, node, ERR_VALUE, "%s; --allow-unsupported lists it instead", why);
    if (node->unsupported)
        return true;
    node->unsupported = true;
    if (model->unsupported_count == model->unsupported_capacity) {
        model->unsupported_capacity =
            model->unsupported_capacity ? 2 * model->unsupported_capacity : 16;
        model->unsupported =
            mem_grow(model->unsupported, model->unsupported_capacity, sizeof *model->unsupported);
    }
    model->unsupported[model->unsupported_count++] =
        arena_printf(model->arena, "node \"%s\", operator %s%s%s: %s", node->name, node->op_type,
                     *node->domain ? " of domain " : "", node->domain, why);
    return true;
}

struct onnx_value *onnx_new_value(struct onnx_model *model, const char *name)
{
    struct onnx_value *value = ARENA_ARRAY(model->arena, struct onnx_value, 1);
    value->name = name;
    value->shape.rank = -1;
    return value;
}

struct onnx_value *onnx_new_ints(struct onnx_model *model, const char *name, const int64_t *ints,
                                 size_t count)
{
    struct onnx_value *value = onnx_new_value(model, name);
    double *data = ARENA_ARRAY(model->arena, double, count);
    for (size_t i = 0; i < count; i++)
        data[i] = (double)ints[i];
    value->constant = true;
    value->type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    value->shape = (struct onnx_shape){ .rank = 1, .dim = { (int64_t)count } };
    value->data = data;
    return value;
}

const struct onnx_attr *onnx_attr(const struct onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->attr_count; i++)
        if (!strcmp(node->attrs[i].name, name))
            return &node->attrs[i];
    return NULL;
}

int64_t onnx_attr_int(const struct onnx_node *node, const char *name, int64_t fallback)
{
    const struct onnx_attr *attr = onnx_attr(node, name);
    return attr ? attr->i : fallback;
}

const char *onnx_attr_str(const struct onnx_node *node, const char *name, const char *fallback)
{
    const struct onnx_attr *attr = onnx_attr(node, name);
    return attr && *attr->s ? attr->s : fallback;
}

int64_t onnx_product(const struct onnx_shape *shape, int from, int to)
{
    int64_t product = 1;
    for (int d = from; d < to; d++)
        product *= shape->dim[d];
    return product;
}

bool onnx_is_constant(const struct onnx_node *node)
{
    for (size_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] && !node->outputs[i]->constant)
            return false;
    return true;
}

bool onnx_known(const struct onnx_value *value)
{
    return value && value->shape.rank >= 0;
}

int onnx_axis(int64_t axis, int rank)
{
    if (axis < -rank || axis >= rank)
        return -1;
    return (int)(axis < 0 ? axis + rank : axis);
}

int64_t onnx_to_int(double value)
{
    if (!(value > -9.2e18)) /* NaN too */
        return INT64_MIN;
    return value > 9.2e18 ? INT64_MAX : (int64_t)value;
}

int onnx_ints(const struct onnx_node *node, size_t input, const char *attr, int64_t *out, int most)
{
    const struct onnx_value *value = onnx_in(node, input);
    const struct onnx_attr *given = attr ? onnx_attr(node, attr) : NULL;
    int64_t count = 0;
    if (value) {
        if (!value->constant || !onnx_known(value))
            return -2;
        count = onnx_elements(value);
        if (count > most || (count > 0 && !value->data))
            return -2;
        for (int i = 0; i < count; i++)
            out[i] = onnx_to_int(value->data[i]);
        return (int)count;
    }
    if (!given)
        return -1;
    count = (int64_t)given->int_count;
    if (count > most)
        return -2;
    for (int i = 0; i < count; i++)
        out[i] = given->ints[i];
    return (int)count;
}

bool onnx_set(struct onnx_model *model, struct onnx_node *node, size_t i, int type,
              const struct onnx_shape *shape)
{
    struct onnx_value *value = onnx_out(node, i);
    uint64_t bytes = 8; /* of the widest type */
    if (!value)
        return true;
    for (int d = 0; d < shape->rank; d++) {
        if (shape->dim[d] < 0 || shape->dim[d] > EXPR_EXTENT_MAX)
            return onnx_fail(model, node, ERR_RANGE,
                             "dimension %d of its output %zu would be %lld, expected 0..2^31", d, i,
                             (long long)shape->dim[d]);
        if (!mul_size(bytes, max_u64((uint64_t)shape->dim[d], 1), &bytes))
            return onnx_fail(model, node, ERR_OVERFLOW,
                             "the bytes of its output %zu exceed 63 bits", i);
    }
    value->type = type;
    value->shape = *shape;
    return true;
}

bool onnx_broadcast(struct onnx_shape *into, const struct onnx_shape *other)
{
    struct onnx_shape wide = into->rank >= other->rank ? *into : *other;
    const struct onnx_shape *narrow = into->rank >= other->rank ? other : into;
    for (int d = 0; d < narrow->rank; d++) {
        int64_t *a = &wide.dim[wide.rank - narrow->rank + d], b = narrow->dim[d];
        if (*a != b && *a != 1 && b != 1)
            return false;
        if (*a == 1)
            *a = b;
    }
    *into = wide;
    return true;
}

/* --- one node more -----------------------------------------------------------------------------
 */

void onnx_count_operator(struct onnx_model *model, const struct onnx_node *node)
{
    for (size_t i = 0; i < model->operator_count; i++)
        if (!strcmp(model->operators[i].name, node->op_type) &&
            !strcmp(model->operators[i].domain, node->domain)) {
            model->operators[i].count++;
            return;
        }
    if (model->operator_count >= 1024)
        return; /* the survey shows no more */
    if (model->operator_count == model->operator_capacity) {
        model->operator_capacity = model->operator_capacity ? 2 * model->operator_capacity : 32;
        model->operators =
            mem_grow(model->operators, model->operator_capacity, sizeof *model->operators);
    }
    model->operators[model->operator_count++] =
        (struct onnx_operator){ node->op_type, node->domain, 1 };
}

/* Shapes the file states where we know none. */
static bool describe_outputs(struct onnx_model *model, struct onnx_node *node)
{
    const Onnx__GraphProto *graph = model->proto->graph;
    for (size_t i = 0; i < node->output_count; i++) {
        struct onnx_value *value = node->outputs[i];
        if (!value || onnx_known(value))
            continue;
        uint32_t at = names_find(model->described, value->name);
        if (at == NAMES_NONE)
            continue;
        const Onnx__ValueInfoProto *info = at < graph->n_value_info
                                               ? graph->value_info[at]
                                               : graph->output[at - graph->n_value_info];
        const char *open = model->open_symbol;
        if (!onnx_read_type(model, value->name, info->type, value))
            return false;
        if (model->open_symbol != open) { /* not an input's: nothing to be bound from outside */
            model->open_symbol = open;
            value->shape.rank = -1;
        }
    }
    return true;
}

bool onnx_undecided(struct onnx_model *model, struct onnx_node *node, const char *why)
{
    if (!describe_outputs(model, node))
        return false;
    for (size_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] && !onnx_known(node->outputs[i]))
            return onnx_unsupported(model, node, why);
    node->stated = true;
    return true;
}

static bool all_constant(const struct onnx_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !node->inputs[i]->constant)
            return false;
    return true;
}

/* Inputs of unknown shape: nothing can be said of the node. */
static const struct onnx_value *unknown_input(const struct onnx_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] && !onnx_known(node->inputs[i]))
            return node->inputs[i];
    return NULL;
}

static const char *why_unknown(const struct onnx_node *node)
{
    if (!*node->domain && !strcmp(node->op_type, "If"))
        return "its condition is only known when it runs";
    if (!*node->domain && (!strcmp(node->op_type, "Loop") || !strcmp(node->op_type, "Scan")))
        return "its number of steps is only known when it runs, or not 1..512";
    return "the operator is not supported";
}

bool onnx_add(struct onnx_model *model, struct onnx_node *node)
{
    node->op = onnx_op_find(node->domain, node->op_type);
    const struct onnx_value *unknown = unknown_input(node);
    if (++model->work > 2 * (size_t)ONNX_NODES_MAX)
        return onnx_fail(model, node, ERR_LIMIT, "expected at most %d nodes", ONNX_NODES_MAX);
    if (node->op && node->op->expand && !unknown) {
        if (!node->op->expand(model, node))
            return false;
        if (!node->plain)
            return true;
    }
    if (model->node_count == model->node_capacity) {
        model->node_capacity = model->node_capacity ? 2 * model->node_capacity : 256;
        model->nodes = mem_grow(model->nodes, model->node_capacity, sizeof *model->nodes);
    }
    model->nodes[model->node_count++] = node;
    if (!node->op || !node->op->infer)
        return onnx_unsupported(model, node, why_unknown(node)) && describe_outputs(model, node);
    if (unknown)
        return onnx_unsupported(model, node,
                                arena_printf(model->arena,
                                             "the shape of its input \"%.100s\" is "
                                             "not known",
                                             unknown->name)) &&
               describe_outputs(model, node);
    if (!node->op->infer(model, node))
        return false;
    if (node->unsupported)
        return describe_outputs(model, node);
    if (!describe_outputs(model, node))
        return false;
    node->constant = all_constant(node);
    for (size_t i = 0; node->constant && i < node->output_count; i++)
        if (node->outputs[i])
            node->outputs[i]->constant = true;
    if (!node->stated)
        onnx_fold(model, node);
    return true;
}
