/*
 * Third pass, in topological order: does what arrives fit the operands; the extents, bytes and
 * edges that the cost model and the mapper read.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/dnn_read.h"
#include "core/num.h"

#define FIT_COMBINATIONS_MAX 65536

size_t dnn_operand_tensors(const struct expr *expr)
{
    bool same =
        expr->tensor_count == 3 && strcmp(expr->tensors[1].name, expr->tensors[2].name) == 0;
    return same ? 1 : expr->tensor_count - 1;
}

/* a * b; an error at the node and 0 if that exceeds 63 bits. */
static uint64_t product(const struct json_node *node, uint64_t a, uint64_t b)
{
    uint64_t out = 0;
    if (!mul_size(a, b, &out))
        json_fail(node, ERR_OVERFLOW, "the bytes of a tensor exceed 63 bits");
    return out;
}

static uint64_t sum(const struct json_node *node, uint64_t a, uint64_t b)
{
    if (a <= NUM_MAX_SIZE - b)
        return a + b;
    json_fail(node, ERR_OVERFLOW, "a sum of sizes exceeds 63 bits");
    return 0;
}

/* --- operands -------------------------------------------------------------------------------- */

/*
 * By how much the true extent of a dimension may differ from the derived one. A window that moves
 * in steps of s determines what it moves over only to within s: the last s - 1 rows may be left
 * over, or be padding of one side only. A zero-expanded dimension (divisor) may end one row before
 * or behind its last result.
 */
static int64_t slack_of(const struct expr *expr, const struct expr_dim *dim)
{
    int64_t stride = 1;
    for (size_t i = 0; i < expr->iter_count; i++)
        if (!expr->iters[i].reduce && dim->coeff[i] > stride)
            stride = dim->coeff[i];
    return dim->divisor == 1 ? stride - 1 : 1;
}

/* The operand takes the producer's shape where every dimension is within its slack. */
static bool fit_shape(const struct expr *expr, struct expr_tensor *tensor,
                      const struct dnn_tensor *from)
{
    if (from->rank != tensor->dim_count)
        return false;
    for (size_t d = 0; d < tensor->dim_count; d++)
        if (llabs((int64_t)from->dims[d] - tensor->dims[d].extent) >
            slack_of(expr, &tensor->dims[d]))
            return false;
    for (size_t d = 0; d < tensor->dim_count; d++)
        tensor->dims[d].extent = (int64_t)from->dims[d];
    return true;
}

/* Extents within their slack whose product is `elements`: those nearest to the derived ones. */
struct fit {
    const struct expr *expr;
    struct expr_tensor *tensor;
    int64_t slack[EXPR_DIMS_MAX], extent[EXPR_DIMS_MAX], best[EXPR_DIMS_MAX];
    int64_t best_off; /* sum of the differences; -1: none found yet */
};

/* Tries all extents of dimension d and those behind it. */
static void fit_dims(struct fit *fit, size_t d, uint64_t elements, int64_t off)
{
    if (d == fit->tensor->dim_count) {
        if (elements == 1 && (fit->best_off < 0 || off < fit->best_off)) {
            fit->best_off = off;
            memcpy(fit->best, fit->extent, sizeof fit->best);
        }
        return;
    }
    int64_t derived = fit->tensor->dims[d].extent;
    for (int64_t extent = derived - fit->slack[d]; extent <= derived + fit->slack[d]; extent++) {
        if (extent < 1 || elements % (uint64_t)extent != 0)
            continue;
        fit->extent[d] = extent;
        fit_dims(fit, d + 1, elements / (uint64_t)extent, off + llabs(extent - derived));
    }
}

static bool fit_count(const struct expr *expr, struct expr_tensor *tensor, uint64_t elements)
{
    struct fit fit = { .expr = expr, .tensor = tensor, .best_off = -1 };
    uint64_t combinations = 1;
    for (size_t d = 0; d < tensor->dim_count; d++) {
        fit.slack[d] = slack_of(expr, &tensor->dims[d]);
        combinations *= 2 * (uint64_t)fit.slack[d] + 1;
        if (combinations > FIT_COMBINATIONS_MAX)
            return false;
    }
    fit_dims(&fit, 0, elements, 0);
    if (fit.best_off < 0)
        return false;
    for (size_t d = 0; d < tensor->dim_count; d++)
        tensor->dims[d].extent = fit.best[d];
    return true;
}

/* What all producers of the operand bring together. */
static uint64_t arriving_elements(struct dnn_reader *reader, const struct dnn_operand *operand,
                                  bool *partial)
{
    uint64_t elements = 0;
    *partial = false;
    for (size_t i = 0; i < operand->count; i++) {
        const struct dnn_feed *feed = &reader->feeds[operand->begin + i];
        uint64_t whole = dnn_feed_tensor(reader, feed)->elements;
        if (feed->partial && feed->elements > whole)
            json_fail(feed->node, ERR_RANGE, "expected at most %llu elements, got %llu",
                      (unsigned long long)whole, (unsigned long long)feed->elements);
        elements = sum(operand->node, elements, dnn_feed_elements(reader, feed));
        *partial |= feed->partial;
    }
    return elements;
}

/* The tensor as "I[1,64,56,56]". */
static const char *shape_text(struct dnn_reader *reader, const struct expr_tensor *tensor)
{
    const char *text = arena_printf(reader->dnn.arena, "%s[", tensor->name);
    for (size_t d = 0; d < tensor->dim_count; d++)
        text = arena_printf(reader->dnn.arena, "%s%s%lld", text, d > 0 ? "," : "",
                            (long long)tensor->dims[d].extent);
    return arena_printf(reader->dnn.arena, "%s]", text);
}

/*
 * Elements that arrive at operand `i`. They must be as many as the expression reads, where a
 * strided window leaves open how many that is; a part that was asked for may be read several times.
 */
static uint64_t fit_operand(struct dnn_reader *reader, struct dnn_draft *draft, size_t i)
{
    const struct dnn_operand *operand = &draft->operands[i];
    struct err err = ERR_INIT;
    bool partial;
    uint64_t expected = 0, got = arriving_elements(reader, operand, &partial);
    if (draft->op && draft->op->any_input)
        return got;
    if (expr_elements(draft->expr, 1 + i, &expected, &err) != ERR_OK)
        json_fail_err(operand->node, &err);
    if (!json_ok(reader->doc) || got == expected || (partial && expected % got == 0))
        return got;
    struct expr expr;
    memcpy(&expr, draft->expr, sizeof expr);
    const struct dnn_tensor *single =
        operand->count == 1 ? dnn_feed_tensor(reader, &reader->feeds[operand->begin]) : NULL;
    bool fits = !partial && ((single && fit_shape(&expr, &expr.tensors[1 + i], single)) ||
                             fit_count(&expr, &expr.tensors[1 + i], got));
    if (!fits) {
        json_fail(operand->node, ERR_VALUE, "expected %llu elements for %s%s, got %llu",
                  (unsigned long long)expected, shape_text(reader, &draft->expr->tensors[1 + i]),
                  partial ? " (or a divisor of that)" : "", (unsigned long long)got);
        return got;
    }
    if (dnn_operand_tensors(&expr) < expr.tensor_count - 1) /* one tensor, read twice */
        for (size_t d = 0; d < expr.tensors[1].dim_count; d++)
            expr.tensors[2].dims[d].extent = expr.tensors[1].dims[d].extent;
    draft->expr = dnn_intern_expr(reader, &expr);
    return got;
}

/* --- shapes ---------------------------------------------------------------------------------- */

/* Bytes of `elements` arriving elements; those from graph inputs are counted as external too. */
static void add_input_bytes(struct dnn_reader *reader, const struct dnn_operand *operand,
                            uint64_t elements, uint64_t elem_bytes, struct layer_shape *shape)
{
    uint64_t bytes = product(operand->node, elements, elem_bytes);
    shape->input_bytes = sum(operand->node, shape->input_bytes, bytes);
    for (size_t i = 0; i < operand->count; i++) {
        const struct dnn_feed *feed = &reader->feeds[operand->begin + i];
        if (!dnn_feed_is_layer(reader, feed))
            shape->external_bytes += dnn_feed_elements(reader, feed) * elem_bytes;
    }
}

static void shape_operands(struct dnn_reader *reader, struct dnn_draft *draft,
                           struct layer_shape *shape)
{
    size_t tensors = dnn_operand_tensors(draft->expr);
    for (size_t i = 0; i < tensors; i++) {
        unsigned elem_bytes = dtype_bytes(draft->expr->tensors[1 + i].type);
        struct err err = ERR_INIT;
        uint64_t elements = 0;
        if (i < draft->operand_count) {
            elements = fit_operand(reader, draft, i);
            add_input_bytes(reader, &draft->operands[i], elements, elem_bytes, shape);
        } else if (expr_elements(draft->expr, 1 + i, &elements, &err) == ERR_OK) {
            shape->weight_bytes = product(draft->node, elements, elem_bytes);
        } else {
            json_fail_err(draft->node, &err);
        }
    }
    shape->input_elem_bytes = dtype_bytes(draft->expr->tensors[1].type);
    if (tensors > 1)
        shape->weight_elem_bytes = dtype_bytes(draft->expr->tensors[2].type);
    shape->output_elem_bytes = dtype_bytes(draft->expr->tensors[0].type);
}

/* An input of the epilogue fits element by element, or is broadcast over the result. */
static void shape_step_input(struct dnn_reader *reader, const struct dnn_step *step,
                             uint64_t elements_now, struct layer_shape *shape)
{
    if (step->input.count == 0)
        return;
    bool partial;
    uint64_t got = arriving_elements(reader, &step->input, &partial);
    if (json_ok(reader->doc) && (got == 0 || elements_now % got != 0))
        json_fail(step->input.node, ERR_VALUE,
                  "expected %llu elements, as the result has here (or a divisor of that), got %llu",
                  (unsigned long long)elements_now, (unsigned long long)got);
    add_input_bytes(reader, &step->input, got, shape->output_elem_bytes, shape);
}

static void shape_epilogue(struct dnn_reader *reader, struct dnn_draft *draft,
                           struct layer_shape *shape)
{
    uint64_t elements = 0;
    struct err err = ERR_INIT;
    if (expr_elements(draft->expr, 0, &elements, &err) != ERR_OK)
        json_fail_err(draft->node, &err);
    for (size_t i = 0; i < draft->step_count; i++) {
        const struct dnn_step *step = &reader->steps[draft->step_begin + i];
        uint64_t charged = step->op->counts_results ? draft->output.elements : elements;
        shape_step_input(reader, step, elements, shape);
        shape->epilogue_elements = sum(step->node, shape->epilogue_elements,
                                       product(step->node, charged, step->op->passes));
        if (dnn_step_changes_shape(step))
            elements = draft->output.elements;
    }
    shape->output_bytes = product(draft->node, draft->output.elements, shape->output_elem_bytes);
}

/* Step between neighbouring outputs of a role, in elements of the first operand. */
static uint32_t stride_of(const struct expr *expr, enum role role)
{
    int64_t stride = 1;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (expr->iters[i].role != role)
            continue;
        for (size_t d = 0; d < expr->tensors[1].dim_count; d++) {
            const struct expr_dim *dim = &expr->tensors[1].dims[d];
            if (dim->divisor == 1 && dim->coeff[i] > stride)
                stride = dim->coeff[i];
        }
    }
    return (uint32_t)(stride < EXPR_EXTENT_MAX ? stride : EXPR_EXTENT_MAX);
}

static void shape_layer(struct dnn_reader *reader, struct dnn_draft *draft,
                        struct layer_shape *shape)
{
    struct err err = ERR_INIT;
    memset(shape, 0, sizeof *shape);
    shape->kind = draft->kind;
    shape->passes = draft->passes;
    for (unsigned role = 0; role < ROLE_COUNT; role++)
        shape->extent[role] = role == ROLE_NONE ? 1 : expr_role_extent(draft->expr, role);
    shape->stride_h = stride_of(draft->expr, ROLE_P);
    shape->stride_w = stride_of(draft->expr, ROLE_Q);
    if (op_kind_has_macs(draft->kind) && expr_points(draft->expr, &shape->macs, &err) != ERR_OK)
        json_fail_err(draft->node, &err);
    shape_operands(reader, draft, shape);
    shape_epilogue(reader, draft, shape);
}

/* --- edges ----------------------------------------------------------------------------------- */

static int compare_edges(const void *a, const void *b)
{
    uint32_t left = ((const struct dnn_edge *)a)->layer,
             right = ((const struct dnn_edge *)b)->layer;
    return left < right ? -1 : left > right;
}

static size_t add_edges(const struct dnn_reader *reader, const struct dnn_operand *operand,
                        struct dnn_edge *edges, size_t count)
{
    for (size_t i = 0; i < operand->count; i++) {
        const struct dnn_feed *feed = &reader->feeds[operand->begin + i];
        if (!dnn_feed_is_layer(reader, feed))
            continue;
        uint32_t producer = reader->position[feed->source];
        uint64_t elem_bytes = reader->dnn.layers[producer].shape.output_elem_bytes;
        edges[count++] =
            (struct dnn_edge){ producer, dnn_feed_elements(reader, feed) * elem_bytes };
    }
    return count;
}

/* One edge per producer. Several parts of it add up, but no byte moves twice. */
static size_t merge_edges(const struct dnn *dnn, struct dnn_edge *edges, size_t count)
{
    size_t merged = 0;
    qsort(edges, count, sizeof *edges, compare_edges);
    for (size_t i = 0; i < count; i++) {
        uint64_t whole = dnn->layers[edges[i].layer].shape.output_bytes;
        if (merged > 0 && edges[merged - 1].layer == edges[i].layer) {
            struct dnn_edge *last = &edges[merged - 1];
            last->bytes =
                edges[i].bytes < whole - last->bytes ? last->bytes + edges[i].bytes : whole;
        } else {
            edges[merged++] = edges[i];
        }
    }
    return merged;
}

/* A copy that lives as long as the graph. */
static const struct dnn_tensor *own_tensor(struct dnn_reader *reader,
                                           const struct dnn_tensor *tensor)
{
    struct dnn_tensor *own = ARENA_ARRAY(reader->dnn.arena, struct dnn_tensor, 1);
    *own = *tensor;
    return own;
}

static size_t add_inputs(struct dnn_reader *reader, const struct dnn_operand *operand,
                         uint32_t number, struct dnn_input *inputs, size_t count)
{
    for (size_t i = 0; i < operand->count; i++) {
        const struct dnn_feed *feed = &reader->feeds[operand->begin + i];
        struct dnn_input *input = &inputs[count++];
        *input = (struct dnn_input){ .elements = dnn_feed_elements(reader, feed),
                                     .layer = DNN_GRAPH_INPUT,
                                     .operand = number };
        if (dnn_feed_is_layer(reader, feed)) {
            input->layer = reader->position[feed->source];
            input->tensor = reader->dnn.layers[input->layer].output;
        } else {
            input->tensor =
                own_tensor(reader, &reader->inputs[feed->source - reader->dnn.layer_count]);
        }
    }
    return count;
}

/* Who brings what to which operand, before it is merged into edges. */
static void list_inputs(struct dnn_reader *reader, const struct dnn_draft *draft, size_t most,
                        struct dnn_layer *layer)
{
    struct dnn_input *inputs = ARENA_ARRAY(reader->dnn.arena, struct dnn_input, most);
    size_t count = 0;
    uint32_t number = DNN_EPILOGUE;
    for (uint32_t i = 0; i < draft->operand_count; i++)
        count = add_inputs(reader, &draft->operands[i], i, inputs, count);
    struct dnn_layer_step *steps =
        ARENA_ARRAY(reader->dnn.arena, struct dnn_layer_step, draft->step_count);
    for (size_t i = 0; i < draft->step_count; i++) {
        const struct dnn_step *step = &reader->steps[draft->step_begin + i];
        steps[i] = (struct dnn_layer_step){ step->op->name, step->input.count > 0 ? number : 0 };
        if (step->input.count > 0)
            count = add_inputs(reader, &step->input, number++, inputs, count);
    }
    layer->steps = steps;
    layer->step_count = draft->step_count;
    layer->inputs = inputs;
    layer->input_count = count;
    layer->output = own_tensor(reader, &draft->output);
}

static void connect_layer(struct dnn_reader *reader, const struct dnn_draft *draft,
                          struct dnn_layer *layer)
{
    size_t most = 0, count = 0;
    for (size_t i = 0; i < draft->operand_count; i++)
        most += draft->operands[i].count;
    for (size_t i = 0; i < draft->step_count; i++)
        most += reader->steps[draft->step_begin + i].input.count;
    struct dnn_edge *edges = ARENA_ARRAY(reader->dnn.arena, struct dnn_edge, most);
    for (size_t i = 0; i < draft->operand_count; i++)
        count = add_edges(reader, &draft->operands[i], edges, count);
    for (size_t i = 0; i < draft->step_count; i++)
        count = add_edges(reader, &reader->steps[draft->step_begin + i].input, edges, count);
    list_inputs(reader, draft, most, layer);
    layer->preds = edges;
    layer->pred_count = merge_edges(&reader->dnn, edges, count);
    reader->dnn.edge_count += layer->pred_count;
}

/* Layers whose output no layer consumes: it goes to memory. */
static void mark_sinks(struct dnn *dnn)
{
    for (size_t i = 0; i < dnn->layer_count; i++)
        dnn->layers[i].shape.is_sink = 1;
    for (size_t i = 0; i < dnn->layer_count; i++)
        for (size_t k = 0; k < dnn->layers[i].pred_count; k++)
            dnn->layers[dnn->layers[i].preds[k].layer].shape.is_sink = 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

void dnn_shape_graph(struct dnn_reader *reader)
{
    struct dnn *dnn = &reader->dnn;
    dnn->layers = ARENA_ARRAY(dnn->arena, struct dnn_layer, dnn->layer_count);
    for (size_t i = 0; i < dnn->layer_count && json_ok(reader->doc); i++) {
        struct dnn_draft *draft = &reader->drafts[reader->order[i]];
        struct dnn_layer *layer = &dnn->layers[i];
        shape_layer(reader, draft, &layer->shape);
        layer->name = draft->name;
        layer->op = draft->op;
        layer->expr = draft->expr;
        layer->epilogue = draft->epilogue;
        if (json_ok(reader->doc))
            connect_layer(reader, draft, layer);
        dnn->macs = sum(draft->node, dnn->macs, layer->shape.macs);
        dnn->weight_bytes = sum(draft->node, dnn->weight_bytes, layer->shape.weight_bytes);
    }
    mark_sinks(dnn);
}
