/* From the unpacked file to values and nodes: names resolved, functions inlined, branches taken. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/onnx_scope.h"
#include "frontends/onnx_tensor.h"

#define CALL_DEPTH_MAX 32

static bool add_nodes(struct onnx_model *model, struct onnx_scope *scope, size_t count,
                      Onnx__NodeProto **nodes);

/* --- nodes of one graph in topological order ---------------------------------------------------
 */

struct sorter {
    struct onnx_model *model;
    size_t count;
    Onnx__NodeProto **nodes;
    struct names *makers; /* output name -> node */
    unsigned char *mark;  /* 0 new, 1 open, 2 placed */
    uint32_t *stack, *order;
    size_t *next_input;
    size_t depth, placed;
};

static const char *shown(const Onnx__NodeProto *node)
{
    if (node->name && *node->name)
        return node->name;
    return node->n_output ? node->output[0] : "";
}

static bool fail_proto(struct onnx_model *model, const Onnx__NodeProto *node, enum err_code code,
                       const char *what, const char *name)
{
    struct onnx_node shell = { .name = shown(node),
                               .op_type = node->op_type ? node->op_type : "",
                               .domain = node->domain ? node->domain : "" };
    return onnx_fail(model, &shell, code, what, name);
}

static bool index_makers(struct sorter *sorter)
{
    for (uint32_t i = 0; i < sorter->count; i++) {
        Onnx__NodeProto *node = sorter->nodes[i];
        for (size_t k = 0; k < node->n_output; k++)
            if (*node->output[k] && names_add(sorter->makers, node->output[k], i) != NAMES_NONE)
                return fail_proto(sorter->model, node, ERR_DUPLICATE,
                                  "another node makes \"%.100s\" too", node->output[k]);
    }
    return true;
}

static bool visit(struct sorter *sorter, uint32_t first)
{
    sorter->stack[0] = first;
    sorter->next_input[0] = 0;
    sorter->mark[first] = 1;
    sorter->depth = 1;
    while (sorter->depth > 0) {
        uint32_t top = sorter->stack[sorter->depth - 1];
        Onnx__NodeProto *node = sorter->nodes[top];
        size_t k = sorter->next_input[sorter->depth - 1]++;
        if (k == node->n_input) {
            sorter->mark[top] = 2;
            sorter->order[sorter->placed++] = top;
            sorter->depth--;
            continue;
        }
        uint32_t maker = *node->input[k] ? names_find(sorter->makers, node->input[k]) : NAMES_NONE;
        if (maker == NAMES_NONE || sorter->mark[maker] == 2)
            continue;
        if (sorter->mark[maker] == 1)
            return fail_proto(
                sorter->model, node, ERR_CYCLE,
                "the nodes wait for each other: it reads \"%.100s\", which depends on it",
                node->input[k]);
        sorter->mark[maker] = 1;
        sorter->stack[sorter->depth] = maker;
        sorter->next_input[sorter->depth++] = 0;
    }
    return true;
}

/* File order, except that makers come first. free() the result; NULL after an error. */
static uint32_t *sort_nodes(struct onnx_model *model, size_t count, Onnx__NodeProto **nodes)
{
    struct sorter sorter = { .model = model, .count = count, .nodes = nodes };
    sorter.makers = names_new();
    sorter.mark = mem_alloc(count, sizeof *sorter.mark);
    sorter.stack = mem_alloc(count, sizeof *sorter.stack);
    sorter.order = mem_alloc(count, sizeof *sorter.order);
    sorter.next_input = mem_alloc(count, sizeof *sorter.next_input);
    bool ok = index_makers(&sorter);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = sorter.mark[i] || visit(&sorter, i);
    names_free(sorter.makers);
    free(sorter.mark);
    free(sorter.stack);
    free(sorter.next_input);
    if (ok)
        return sorter.order;
    free(sorter.order);
    return NULL;
}

/* --- one node -------------------------------------------------------------------------------- */

static const char *own_bytes(struct onnx_model *model, ProtobufCBinaryData bytes)
{
    char *text = arena_alloc(model->arena, bytes.len + 1, 1);
    if (bytes.len)
        memcpy(text, bytes.data, bytes.len);
    return text;
}

static void read_attr(struct onnx_model *model, const char *name, const Onnx__AttributeProto *from,
                      struct onnx_attr *attr)
{
    *attr = (struct onnx_attr){ .name = name,
                                .i = from->i,
                                .f = from->f,
                                .s = from->has_s ? own_bytes(model, from->s) : "",
                                .int_count = from->n_ints,
                                .ints = from->ints,
                                .float_count = from->n_floats,
                                .floats = from->floats,
                                .t = from->t,
                                .g = from->g };
}

/* A reference inside a function takes the caller's attribute, or is absent. */
static void read_attrs(struct onnx_model *model, const struct onnx_scope *scope,
                       const Onnx__NodeProto *proto, struct onnx_node *node)
{
    struct onnx_attr *attrs = ARENA_ARRAY(model->arena, struct onnx_attr, proto->n_attribute);
    for (size_t i = 0; i < proto->n_attribute; i++) {
        const Onnx__AttributeProto *from = proto->attribute[i];
        const char *name = from->name ? from->name : "";
        if (!from->ref_attr_name || !*from->ref_attr_name) {
            read_attr(model, name, from, &attrs[node->attr_count++]);
            continue;
        }
        const struct onnx_attr *given =
            scope->call ? onnx_attr(scope->call, from->ref_attr_name) : NULL;
        if (given) {
            attrs[node->attr_count] = *given;
            attrs[node->attr_count++].name = name;
        }
    }
    node->attrs = attrs;
}

static bool read_inputs(struct onnx_model *model, const struct onnx_scope *scope,
                        const Onnx__NodeProto *proto, struct onnx_node *node)
{
    node->input_count = proto->n_input;
    node->inputs = ARENA_ARRAY(model->arena, struct onnx_value *, proto->n_input);
    for (size_t i = 0; i < proto->n_input; i++) {
        if (!*proto->input[i])
            continue;
        node->inputs[i] = onnx_scope_find(scope, proto->input[i]);
        if (!node->inputs[i])
            return onnx_fail(model, node, ERR_REFERENCE, "it reads \"%.100s\", which nothing makes",
                             proto->input[i]);
    }
    return true;
}

static bool make_outputs(struct onnx_model *model, struct onnx_scope *scope,
                         const Onnx__NodeProto *proto, struct onnx_node *node)
{
    node->output_count = proto->n_output;
    node->outputs = ARENA_ARRAY(model->arena, struct onnx_value *, proto->n_output);
    for (size_t i = 0; i < proto->n_output; i++) {
        if (!*proto->output[i])
            continue;
        node->outputs[i] = onnx_new_value(model, onnx_scope_name(model, scope, proto->output[i]));
        if (!onnx_scope_bind(scope, proto->output[i], node->outputs[i]))
            return onnx_fail(model, node, ERR_DUPLICATE, "\"%.100s\" is there already",
                             proto->output[i]);
    }
    return true;
}

/* --- functions and branches --------------------------------------------------------------------
 */

/* The node's outputs are values made inside: the names outside now mean those. */
static bool adopt_outputs(struct onnx_model *model, struct onnx_scope *scope,
                          const Onnx__NodeProto *proto, const struct onnx_node *node,
                          const struct onnx_scope *inner, size_t count, char *const *names)
{
    for (size_t i = 0; i < proto->n_output; i++) {
        if (!*proto->output[i])
            continue;
        struct onnx_value *value = i < count ? onnx_scope_find(inner, names[i]) : NULL;
        if (!value)
            return onnx_fail(model, node, ERR_REFERENCE,
                             "nothing inside makes its output \"%.100s\"", proto->output[i]);
        if (!onnx_scope_bind(scope, proto->output[i], value))
            return onnx_fail(model, node, ERR_DUPLICATE, "\"%.100s\" is there already",
                             proto->output[i]);
    }
    return true;
}

static bool inline_function(struct onnx_model *model, struct onnx_scope *scope,
                            const Onnx__NodeProto *proto, struct onnx_node *node,
                            const Onnx__FunctionProto *function)
{
    struct onnx_scope inner;
    onnx_scope_open(&inner, NULL, onnx_scope_name(model, scope, shown(proto)));
    inner.call = node;
    inner.function = function;
    bool ok = true;
    for (size_t i = 0; ok && i < function->n_input; i++) {
        struct onnx_value *given = onnx_in(node, i);
        if (given && !onnx_scope_bind(&inner, function->input[i], given))
            ok = onnx_fail(model, node, ERR_DUPLICATE,
                           "the function's input \"%.100s\" occurs twice", function->input[i]);
    }
    ok = ok && add_nodes(model, &inner, function->n_node, function->node) &&
         adopt_outputs(model, scope, proto, node, &inner, function->n_output, function->output);
    onnx_scope_close(&inner);
    return ok;
}

static bool inline_branch(struct onnx_model *model, struct onnx_scope *scope,
                          const Onnx__NodeProto *proto, const struct onnx_node *node,
                          Onnx__GraphProto *graph)
{
    struct onnx_scope inner;
    onnx_scope_open(&inner, scope, onnx_scope_name(model, scope, shown(proto)));
    inner.call = scope->call;
    char **names = mem_alloc(graph->n_output, sizeof *names);
    for (size_t i = 0; i < graph->n_output; i++)
        names[i] = graph->output[i]->name ? graph->output[i]->name : (char[]){ "" };
    bool ok = onnx_add_graph(model, &inner, graph) &&
              adopt_outputs(model, scope, proto, node, &inner, graph->n_output, names);
    free(names);
    onnx_scope_close(&inner);
    return ok;
}

/* The branch that an If takes, where its condition is a constant; else NULL. */
static Onnx__GraphProto *constant_branch(const struct onnx_node *node)
{
    const struct onnx_value *condition = onnx_in(node, 0);
    if (!condition || !condition->constant || !condition->data)
        return NULL;
    const struct onnx_attr *branch =
        onnx_attr(node, condition->data[0] != 0 ? "then_branch" : "else_branch");
    return branch ? branch->g : NULL;
}

static const Onnx__FunctionProto *find_function(const struct onnx_model *model,
                                                const struct onnx_node *node)
{
    if (model->proto->n_functions == 0)
        return NULL;
    char *key = arena_printf(model->arena, "%s:%s", node->domain, node->op_type);
    uint32_t i = names_find(model->functions, key);
    return i == NAMES_NONE ? NULL : model->proto->functions[i];
}

static bool add_proto(struct onnx_model *model, struct onnx_scope *scope,
                      const Onnx__NodeProto *proto)
{
    struct onnx_node *node = ARENA_ARRAY(model->arena, struct onnx_node, 1);
    node->name = onnx_scope_name(model, scope, shown(proto));
    node->op_type = proto->op_type ? proto->op_type : "";
    node->domain = proto->domain && strcmp(proto->domain, "ai.onnx") ? proto->domain : "";
    if (++model->work > ONNX_NODES_MAX)
        return onnx_fail(model, node, ERR_LIMIT, "expected at most %d nodes, functions inlined",
                         ONNX_NODES_MAX);
    onnx_count_operator(model, node);
    read_attrs(model, scope, proto, node);
    if (!read_inputs(model, scope, proto, node))
        return false;
    const Onnx__FunctionProto *function = find_function(model, node);
    Onnx__GraphProto *branch =
        !*node->domain && !strcmp(node->op_type, "If") ? constant_branch(node) : NULL;
    bool done = function || branch, ok;
    if (model->call_depth == CALL_DEPTH_MAX)
        return onnx_fail(model, node, ERR_LIMIT, "functions call each other more than %d deep",
                         CALL_DEPTH_MAX);
    model->call_depth++;
    if (function)
        ok = inline_function(model, scope, proto, node, function);
    else if (branch)
        ok = inline_branch(model, scope, proto, node, branch);
    else
        ok = onnx_unroll(model, scope, proto, node, &done);
    model->call_depth--;
    return ok && (done || (make_outputs(model, scope, proto, node) && onnx_add(model, node)));
}

static bool add_nodes(struct onnx_model *model, struct onnx_scope *scope, size_t count,
                      Onnx__NodeProto **nodes)
{
    uint32_t *order = sort_nodes(model, count, nodes);
    bool ok = order != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = add_proto(model, scope, nodes[order[i]]);
    free(order);
    return ok;
}

/* --- what enters ------------------------------------------------------------------------------ */

static bool fail_value(struct onnx_model *model, enum err_code code, const char *what,
                       const char *name)
{
    err_set(model->err, code, "\"%.150s\": %s", name, what);
    return false;
}

static bool add_initializers(struct onnx_model *model, struct onnx_scope *scope,
                             const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_initializer + graph->n_sparse_initializer; i++) {
        bool dense = i < graph->n_initializer;
        const Onnx__SparseTensorProto *sparse =
            dense ? NULL : graph->sparse_initializer[i - graph->n_initializer];
        const Onnx__TensorProto *tensor = dense ? graph->initializer[i] : sparse->values;
        const char *name = tensor && tensor->name ? tensor->name : "";
        struct onnx_value *value = onnx_new_value(model, onnx_scope_name(model, scope, name));
        const char *why =
            dense ? onnx_read_tensor(model, tensor, value) : onnx_read_sparse(model, sparse, value);
        if (why)
            return fail_value(model, ERR_VALUE, why, name);
        if (!onnx_scope_bind(scope, name, value))
            return fail_value(model, ERR_DUPLICATE, "there is another initialiser of this name",
                              name);
    }
    return true;
}

bool onnx_add_graph(struct onnx_model *model, struct onnx_scope *scope,
                    const Onnx__GraphProto *graph)
{
    model->work += graph->n_initializer + graph->n_sparse_initializer;
    return add_initializers(model, scope, graph) &&
           add_nodes(model, scope, graph->n_node, graph->node);
}

static void add_symbol(struct onnx_model *model, const char *name)
{
    for (size_t i = 0; i < model->symbol_count; i++)
        if (!strcmp(model->symbols[i], name))
            return;
    if (model->symbol_count == model->symbol_capacity) {
        model->symbol_capacity = model->symbol_capacity ? 2 * model->symbol_capacity : 8;
        model->symbols = mem_grow(model->symbols, model->symbol_capacity, sizeof *model->symbols);
    }
    model->symbols[model->symbol_count++] = name;
}

static bool read_dim(struct onnx_model *model, const char *name, int number,
                     const Onnx__TensorShapeProto__Dimension *dim, int64_t *out)
{
    if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
        *out = dim->dim_value;
        if (*out >= 0 && *out <= EXPR_EXTENT_MAX)
            return true;
        err_set(model->err, ERR_RANGE, "\"%.100s\": expected dimension %d in 0..2^31, got %lld",
                name, number, (long long)*out);
        return false;
    }
    const char *symbol = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                             ? dim->dim_param
                             : "";
    if (!*symbol) /* the exporter gave it no name: we do */
        symbol = arena_printf(model->arena, "%s.%d", name, number);
    add_symbol(model, symbol);
    for (size_t i = 0; i < model->options->dim_count; i++)
        if (!strcmp(model->options->dims[i].name, symbol)) {
            *out = model->options->dims[i].value;
            return true;
        }
    if (!model->open_symbol)
        model->open_symbol = symbol;
    *out = 1;
    return true;
}

bool onnx_read_type(struct onnx_model *model, const char *name, const Onnx__TypeProto *type,
                    struct onnx_value *value)
{
    value->shape.rank = -1;
    if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return true;
    value->type = type->tensor_type->elem_type;
    const Onnx__TensorShapeProto *shape = type->tensor_type->shape;
    if (!shape)
        return true;
    if (shape->n_dim > ONNX_RANK_MAX)
        return fail_value(model, ERR_LIMIT, "expected at most 8 dimensions", name);
    uint64_t bytes = 8; /* of the widest type */
    for (size_t d = 0; d < shape->n_dim; d++) {
        if (!read_dim(model, name, (int)d, shape->dim[d], &value->shape.dim[d]))
            return false;
        if (!mul_size(bytes, max_u64((uint64_t)value->shape.dim[d], 1), &bytes))
            return fail_value(model, ERR_OVERFLOW, "its bytes exceed 63 bits", name);
    }
    value->shape.rank = (int)shape->n_dim;
    return true;
}

static bool add_inputs(struct onnx_model *model, struct onnx_scope *scope,
                       const Onnx__GraphProto *graph)
{
    model->inputs = ARENA_ARRAY(model->arena, struct onnx_value *, graph->n_input);
    for (size_t i = 0; i < graph->n_input; i++) {
        const char *name = graph->input[i]->name ? graph->input[i]->name : "";
        struct onnx_value *initial = onnx_scope_find(scope, name);
        if (initial && initial->constant)
            continue; /* IR 3 lists initialisers as inputs too */
        struct onnx_value *value = onnx_new_value(model, name);
        if (!onnx_read_type(model, name, graph->input[i]->type, value))
            return false;
        if (!onnx_scope_bind(scope, name, value))
            return fail_value(model, ERR_DUPLICATE, "there is another input of this name", name);
        if (onnx_known(value) && onnx_elements(value) == 0) { /* nothing is there: all is known */
            value->constant = true;
            value->data = ARENA_ARRAY(model->arena, double, 1);
            continue;
        }
        model->inputs[model->input_count++] = value;
    }
    return true;
}

static bool mark_outputs(struct onnx_model *model, const struct onnx_scope *scope,
                         const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_output; i++) {
        const char *name = graph->output[i]->name ? graph->output[i]->name : "";
        struct onnx_value *value = onnx_scope_find(scope, name);
        if (!value)
            return fail_value(model, ERR_REFERENCE, "nothing makes this output of the graph", name);
        value->graph_output = true;
    }
    return true;
}

/* Shapes that the file itself states, for operators we cannot shape. */
static void index_described(struct onnx_model *model, const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_value_info + graph->n_output; i++) {
        const Onnx__ValueInfoProto *info =
            i < graph->n_value_info ? graph->value_info[i] : graph->output[i - graph->n_value_info];
        if (info->name)
            names_add(model->described, info->name, (uint32_t)i);
    }
}

static bool index_functions(struct onnx_model *model)
{
    for (size_t i = 0; i < model->proto->n_functions; i++) {
        const Onnx__FunctionProto *function = model->proto->functions[i];
        const char *domain =
            function->domain && strcmp(function->domain, "ai.onnx") ? function->domain : "";
        char *key =
            arena_printf(model->arena, "%s:%s", domain, function->name ? function->name : "");
        if (names_add(model->functions, key, (uint32_t)i) != NAMES_NONE)
            return fail_value(model, ERR_DUPLICATE, "there is another function of this name", key);
    }
    return true;
}

static void connect(struct onnx_model *model)
{
    for (int fill = 0; fill < 2; fill++)
        for (size_t n = 0; n < model->node_count; n++) {
            struct onnx_node *node = model->nodes[n];
            for (size_t i = 0; !onnx_is_constant(node) && i < node->input_count; i++) {
                struct onnx_value *value = node->inputs[i];
                if (!value)
                    continue;
                if (!fill) {
                    value->consumer_count++;
                    continue;
                }
                if (!value->consumers) {
                    value->consumers =
                        ARENA_ARRAY(model->arena, struct onnx_node *, value->consumer_count);
                    value->consumer_count = 0;
                }
                value->consumers[value->consumer_count++] = node;
            }
        }
}

bool onnx_build(struct onnx_model *model)
{
    Onnx__GraphProto *graph = model->proto->graph;
    if (!graph) {
        err_set(model->err, ERR_SYNTAX, "the file holds no graph; is it an ONNX model?");
        return false;
    }
    model->opset = 17;
    for (size_t i = 0; i < model->proto->n_opset_import; i++)
        if (!model->proto->opset_import[i]->domain || !*model->proto->opset_import[i]->domain)
            model->opset = model->proto->opset_import[i]->version;
    struct onnx_scope scope;
    onnx_scope_open(&scope, NULL, "");
    index_described(model, graph);
    bool ok = index_functions(model) && add_initializers(model, &scope, graph) &&
              add_inputs(model, &scope, graph);
    if (ok && model->open_symbol && !model->options->survey) {
        err_set(model->err, ERR_REFERENCE,
                "symbolic dimension \"%.100s\" has no value; give --dim %.100s=N",
                model->open_symbol, model->open_symbol);
        ok = false;
    }
    if (ok && !model->open_symbol)
        ok = add_nodes(model, &scope, graph->n_node, graph->node) &&
             mark_outputs(model, &scope, graph);
    onnx_scope_close(&scope);
    if (ok)
        connect(model);
    return ok;
}
