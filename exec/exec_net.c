#include "exec/exec_net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "exec/exec_there.h"

#define POISON    0xA5
#define BYTES_MAX (UINT64_C(2) << 30)

struct builder {
    struct exec_net *net;
    struct err *err;
};

/* --- what the numbers are -------------------------------------------------------------------- */

/* Factors of random weights have a mean square of 74^2, and half of what is stored is cut off at
 * zero: sums keep the size of their terms. docs/model.md M-141 */
float exec_net_scale(const struct expr *expr)
{
    double terms = 1;
    for (size_t i = 0; i < expr->iter_count; i++)
        terms *= expr->iters[i].reduce ? (double)expr->iters[i].extent : 1;
    switch (expr->combine) {
    case EXPR_MUL_ADD:
        return (float)(sqrt(2 / terms) / 74);
    case EXPR_ADD:
        return (float)(1 / terms);
    case EXPR_SET_MUL:
        return 1.0F / 128;
    case EXPR_SET_ADD:
        return 0.5F;
    default:
        return 0;
    }
}

enum err_code exec_net_constant(const struct exec_layer *layer, uint64_t seed, size_t operand,
                                struct exec_tensor *out, struct err *err)
{
    enum err_code rc = exec_tensor_of(out, layer->layer->expr, 1 + operand, err);
    struct exec_random random = { .seed = seed, .name = layer->name, .terms = 1 };
    if (rc == ERR_OK)
        exec_tensor_fill(out, &random, (unsigned)operand + 1);
    return rc;
}

bool exec_net_joins_channels(const struct exec_operand *operand)
{
    uint64_t channels = 0;
    for (size_t i = 0; i < operand->source_count; i++) {
        const struct exec_source *source = &operand->sources[i];
        if (source->elements != exec_view_elements(&source->view) ||
            source->view.outer != operand->view.outer ||
            source->view.positions != operand->view.positions)
            return false;
        channels += source->view.channels;
    }
    return operand->source_count > 1 && channels == operand->view.channels;
}

/* --- operands -------------------------------------------------------------------------------- */

static enum err_code check_type(const struct exec_layer *layer, enum dtype type, struct err *err)
{
    if (type == DT_U8 || type == DT_S8)
        return ERR_OK;
    return err_set(err, ERR_UNSUPPORTED, "layer \"%s\": only 8-bit integers can be run, got %s",
                   layer->name, dtype_name(type));
}

static enum err_code new_tensor(const struct exec_layer *layer, enum dtype type, uint64_t elements,
                                struct exec_tensor *out, struct err *err)
{
    if (elements > BYTES_MAX)
        return err_set(err, ERR_LIMIT, "layer \"%s\" has a tensor of more than 2 GiB", layer->name);
    exec_tensor_init(out, type, elements);
    return ERR_OK;
}

/* What a graph is fed with, from outside; the same for all that read an input of this size. */
static enum err_code new_graph_input(struct builder *b, const struct exec_layer *layer,
                                     uint32_t network, const struct dnn_tensor *tensor,
                                     struct exec_source *source)
{
    struct exec_tensor rows;
    struct exec_random random = { b->net->seed, b->net->workload->networks[network].name, 1,
                                  false };
    source->layer = WORKLOAD_NONE;
    source->view = exec_view_of_tensor(tensor);
    enum err_code rc = new_tensor(layer, source->type, tensor->elements, &source->own, b->err);
    if (rc != ERR_OK)
        return rc;
    exec_tensor_init(&rows, source->type, tensor->elements);
    exec_tensor_fill(&rows, &random, 0);
    exec_view_from_rows(&source->view, rows.data, source->own.data);
    exec_tensor_release(&rows);
    source->data = source->own.data;
    return ERR_OK;
}

static void decide_operand(struct exec_operand *operand)
{
    const struct exec_source *first = &operand->sources[0];
    bool same_types = true;
    for (size_t i = 0; i < operand->source_count; i++)
        same_types = same_types && operand->sources[i].type == operand->type;
    operand->direct = same_types && operand->source_count == 1 &&
                      first->elements == exec_view_elements(&first->view) &&
                      exec_views_agree(&first->view, &operand->view);
    operand->side_by_side = same_types && exec_net_joins_channels(operand);
}

/* The inputs of the graph's layer with this operand number, as sources. */
static enum err_code feed_operand(struct builder *b, struct exec_layer *layer, uint32_t index,
                                  uint32_t number, struct exec_operand *operand)
{
    const struct dnn_layer *of = layer->layer;
    uint32_t network = workload_network_of(b->net->workload, index);
    uint32_t first = b->net->workload->networks[network].first_layer;
    enum err_code rc = ERR_OK;
    operand->sources = ARENA_ARRAY(b->net->arena, struct exec_source, of->input_count);
    for (size_t i = 0; i < of->input_count && rc == ERR_OK; i++) {
        const struct dnn_input *input = &of->inputs[i];
        if (input->operand != number)
            continue;
        struct exec_source *source = &operand->sources[operand->source_count++];
        source->elements = input->elements;
        source->type = operand->type;
        if (input->layer == DNN_GRAPH_INPUT) {
            rc = new_graph_input(b, layer, network, input->tensor, source);
            continue;
        }
        const struct exec_layer *producer = &b->net->layers[first + input->layer];
        source->layer = first + input->layer;
        source->type = producer->type;
        source->view = producer->view;
        source->data = producer->result.data;
        source->there = producer->there;
        source->home = producer->place.backend->memory;
        source->is_stale = producer->there != NULL;
    }
    operand->fed = operand->source_count > 0;
    if (rc != ERR_OK || !operand->fed)
        return rc;
    decide_operand(operand);
    uint64_t elements = exec_view_elements(&operand->view);
    if (!operand->direct)
        rc = new_tensor(layer, operand->type, elements, &operand->memory, b->err);
    if (rc == ERR_OK && !operand->direct && !operand->side_by_side)
        rc = new_tensor(layer, operand->type, elements, &operand->rows, b->err);
    return rc;
}

static void join_channels(struct exec_operand *operand)
{
    uint8_t *to = operand->memory.data;
    uint64_t pixels = operand->view.outer * operand->view.positions;
    for (size_t i = 0; i < operand->source_count; i++) {
        const uint8_t *from = operand->sources[i].data;
        uint64_t channels = operand->sources[i].view.channels;
        for (uint64_t at = 0; at < pixels; at++)
            memcpy(to + at * operand->view.channels, from + at * channels, channels);
        to += channels;
    }
}

/* Sources one after the other, row-major, from the start again until the operand is full. */
static void join_rows(struct exec_operand *operand)
{
    uint8_t *rows = operand->rows.data, *temporary = NULL;
    uint64_t filled = 0, whole = exec_view_elements(&operand->view);
    for (size_t i = 0; i < operand->source_count && filled < whole; i++) {
        const struct exec_source *source = &operand->sources[i];
        const uint8_t *from = source->data;
        uint64_t take = min_u64(source->elements, whole - filled);
        if (!exec_view_is_plain(&source->view)) {
            temporary = mem_grow(temporary, exec_view_elements(&source->view), 1);
            exec_view_to_rows(&source->view, from, temporary);
            from = temporary;
        }
        uint8_t flip = source->type != operand->type ? 0x80 : 0;
        for (uint64_t k = 0; k < take; k++)
            rows[filled + k] = from[k] ^ flip;
        filled += take;
    }
    free(temporary);
    for (uint64_t k = filled; k < whole; k++)
        rows[k] = rows[k - filled];
    exec_view_from_rows(&operand->view, rows, operand->memory.data);
}

const uint8_t *exec_net_gather(struct exec_operand *operand)
{
    if (operand->fed && operand->direct)
        return operand->sources[0].data;
    if (operand->fed && operand->side_by_side)
        join_channels(operand);
    else if (operand->fed)
        join_rows(operand);
    return operand->memory.data;
}

/* --- the kernel ------------------------------------------------------------------------------ */

/* An operand that the expression reads twice is fed once. */
static enum err_code prepare_operands(struct builder *b, struct exec_layer *layer, uint32_t index)
{
    const struct expr *expr = layer->layer->expr;
    bool same =
        expr->tensor_count == 3 && strcmp(expr->tensors[1].name, expr->tensors[2].name) == 0;
    if (same)
        return err_set(b->err, ERR_UNSUPPORTED, "layer \"%s\" multiplies a tensor by itself",
                       layer->name);
    enum err_code rc = ERR_OK;
    for (uint32_t i = 0; i + 1 < expr->tensor_count && rc == ERR_OK; i++) {
        struct exec_operand *operand = &layer->operands[i];
        operand->type = expr->tensors[1 + i].type;
        operand->view = exec_view_of_expr(expr, 1 + i);
        rc = check_type(layer, operand->type, b->err);
        if (rc == ERR_OK)
            rc = feed_operand(b, layer, index, i, operand);
        if (rc == ERR_OK && !operand->fed)
            rc = exec_net_constant(layer, b->net->seed, i, &operand->memory, b->err);
    }
    return rc;
}

static void set_epilogue(struct builder *b, struct exec_layer *layer)
{
    float scale = exec_net_scale(layer->layer->expr);
    const struct expr_tensor *out = &layer->expr.tensors[0];
    size_t dim = out->dim_count - 1; /* neighbours in memory, so whole rows are scaled at once */
    while (dim > 0 && out->dims[dim].extent == 1)
        dim--;
    layer->epilogue = (struct backend_epilogue){ .channel_dim = dim };
    if (scale == 0)
        return;
    size_t channels = (size_t)out->dims[dim].extent;
    layer->scales = ARENA_ARRAY(b->net->arena, float, channels);
    for (size_t c = 0; c < channels; c++)
        layer->scales[c] = scale;
    layer->epilogue.scale = layer->scales;
    layer->epilogue.converts = true;
    layer->epilogue.to_type = layer->type;
}

static enum err_code prepare_kernel(struct builder *b, struct exec_layer *layer)
{
    bool constant = layer->expr.tensor_count == 3 && !layer->operands[1].fed;
    set_epilogue(b, layer);
    const struct backend *backend = layer->place.backend;
    struct err why = ERR_INIT;
    enum err_code rc = ERR_OK;
    if (exec_plan_is_needed(backend))
        rc = exec_plan_find(backend, &layer->expr, constant, &layer->plan, &why);
    const struct backend_job job = {
        .expr = &layer->expr,
        .plan = layer->plan.intrin != NULL ? &layer->plan.plan : NULL,
        .epilogue = layer->epilogue.converts ? &layer->epilogue : NULL,
        .constant = constant ? layer->operands[1].memory.data : NULL,
        .inputs_in_place = true, /* all of them are tensors of ours, which have a guard */
        .threads = layer->place.threads,
    };
    if (rc == ERR_OK)
        rc = backend->prepare(&job, &layer->kernel, &why);
    return rc == ERR_OK ? rc : err_set(b->err, rc, "layer \"%s\": %s", layer->name, why.text);
}

/* --- steps ----------------------------------------------------------------------------------- */

/* Layers that are a mapping of elements compute by their name, not by their expression. */
static const struct exec_step_row *step_of_operator(const struct dnn_layer *layer)
{
    const struct op_row *op = layer->op;
    bool maps = op != NULL && layer->expr->combine == EXPR_SET;
    const struct exec_step_row *row = maps ? exec_step_find(op->name) : NULL;
    bool alone = row && (row->kind == EXEC_STEP_MAP || row->kind == EXEC_STEP_ROW ||
                         row->kind == EXEC_STEP_CHANNELS);
    return alone ? row : NULL;
}

static enum err_code add_step(struct builder *b, struct exec_layer *layer, uint32_t index,
                              const struct exec_step_row *row, uint32_t operand)
{
    struct exec_step *step = &layer->steps[layer->step_count];
    struct exec_operand *second = &layer->step_operands[layer->step_count];
    const struct dnn_tensor *output = layer->layer->output;
    *step = (struct exec_step){ .row = row, .type = layer->type, .in = layer->view };
    bool resizes = row->kind == EXEC_STEP_POOL || row->kind == EXEC_STEP_UPSAMPLE;
    if (row->kind == EXEC_STEP_JOIN && operand == 0)
        return err_set(b->err, ERR_UNSUPPORTED, "layer \"%s\": %s of parts of its own result",
                       layer->name, row->name);
    if (resizes && !exec_view_resized(&layer->view, output, &layer->view))
        return err_set(b->err, ERR_UNSUPPORTED,
                       "layer \"%s\": it does not show which dimensions its %s is over",
                       layer->name, row->name);
    step->out = layer->view;
    step->row_length = output->dims[output->rank - 1];
    if (exec_view_elements(&step->in) % step->row_length != 0)
        step->row_length = layer->view.channels;
    if (row->kind == EXEC_STEP_PASS ||
        (layer->type == DT_U8 && strcmp(row->name, "relu") == 0)) /* stored at zero or more */
        return ERR_OK;
    exec_step_init(step);
    layer->step_count++;
    if (row->kind != EXEC_STEP_JOIN)
        return ERR_OK;
    second->type = layer->type;
    second->view = layer->view;
    return feed_operand(b, layer, index, operand, second);
}

static enum err_code prepare_steps(struct builder *b, struct exec_layer *layer, uint32_t index)
{
    const struct dnn_layer *of = layer->layer;
    const struct exec_step_row *own = step_of_operator(of);
    layer->steps = ARENA_ARRAY(b->net->arena, struct exec_step, of->step_count + 1);
    layer->step_operands = ARENA_ARRAY(b->net->arena, struct exec_operand, of->step_count + 1);
    enum err_code rc = own ? add_step(b, layer, index, own, 0) : ERR_OK;
    for (size_t i = 0; i < of->step_count && rc == ERR_OK; i++)
        rc = add_step(b, layer, index, exec_step_find(of->steps[i].op), of->steps[i].operand);
    return rc;
}

static bool moves_elements(const struct exec_step *step)
{
    return step->row->kind == EXEC_STEP_POOL || step->row->kind == EXEC_STEP_UPSAMPLE ||
           step->row->kind == EXEC_STEP_CHANNELS;
}

/* Between steps that cannot work in place: the result of the kernel, and of every such step but the
 * last, which writes to the layer's. */
static enum err_code prepare_memory(struct builder *b, struct exec_layer *layer)
{
    size_t moving = 0;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < layer->step_count && rc == ERR_OK; i++) {
        const struct exec_step *step = &layer->steps[i];
        if (!moves_elements(step))
            continue;
        struct exec_tensor *spare = &layer->spare[moving++ % 2];
        uint64_t elements = exec_view_elements(&step->in);
        if (spare->elements < elements) {
            exec_tensor_release(spare);
            rc = new_tensor(layer, layer->type, elements, spare, b->err);
        }
    }
    if (rc == ERR_OK)
        rc = new_tensor(layer, layer->type, exec_view_elements(&layer->view), &layer->result,
                        b->err);
    if (rc == ERR_OK && layer->result.elements != layer->layer->output->elements)
        rc = err_set(b->err, ERR_UNSUPPORTED,
                     "layer \"%s\" has %zu elements, its \"output_shape\" %llu", layer->name,
                     layer->result.elements, (unsigned long long)layer->layer->output->elements);
    return rc;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum err_code prepare_layer(struct builder *b, uint32_t index)
{
    char name[1024];
    struct exec_layer *layer = &b->net->layers[index];
    layer->layer = workload_layer(b->net->workload, index);
    workload_layer_name(b->net->workload, index, name, sizeof name);
    layer->name = arena_strdup(b->net->arena, name);
    layer->type = layer->layer->expr->tensors[0].type;
    if (layer->layer->inputs == NULL || layer->layer->output == NULL)
        return err_set(b->err, ERR_UNSUPPORTED,
                       "layer \"%s\" is a part of a split layer, which nothing runs here: map with "
                       "explore --splits none",
                       layer->name);
    enum err_code rc = check_type(layer, layer->type, b->err);
    layer->expr = *layer->layer->expr;
    exec_expr_channels_last(&layer->expr);
    layer->view = exec_view_of_expr(layer->layer->expr, 0);
    if (rc == ERR_OK)
        rc = prepare_operands(b, layer, index);
    if (rc == ERR_OK)
        rc = prepare_kernel(b, layer);
    if (rc == ERR_OK)
        rc = prepare_steps(b, layer, index);
    if (rc == ERR_OK)
        rc = prepare_memory(b, layer);
    if (rc == ERR_OK && layer->place.backend->memory != NULL) {
        struct err why = ERR_INIT;
        rc = exec_there_prepare(layer, &why);
        if (rc != ERR_OK)
            err_set(b->err, rc, "layer \"%s\": %s", layer->name, why.text);
    }
    return rc;
}

enum err_code exec_net_new(struct exec_net **out, const struct workload *workload,
                           const struct exec_place *places, uint64_t seed, struct err *err)
{
    struct exec_net *net = mem_alloc(1, sizeof *net);
    *net = (struct exec_net){ .workload = workload, .seed = seed };
    net->layer_count = workload->layer_count;
    net->layers = mem_alloc(net->layer_count, sizeof *net->layers);
    net->arena = arena_new();
    struct err why = ERR_INIT;
    struct builder builder = { net, &why };
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < net->layer_count; i++)
        net->layers[i].place = places[i];
    for (uint32_t i = 0; i < net->layer_count && rc == ERR_OK; i++)
        rc = prepare_layer(&builder, i);
    if (rc == ERR_OK) {
        *out = net;
        return ERR_OK;
    }
    exec_net_free(net);
    return err_set(err, rc, "%s", why.text);
}

static void release_operand(struct exec_operand *operand)
{
    for (size_t i = 0; i < operand->source_count; i++)
        exec_tensor_release(&operand->sources[i].own);
    exec_tensor_release(&operand->memory);
    exec_tensor_release(&operand->rows);
}

void exec_net_free(struct exec_net *net)
{
    if (net == NULL)
        return;
    for (size_t i = 0; i < net->layer_count; i++) {
        struct exec_layer *layer = &net->layers[i];
        if (layer->kernel != NULL)
            layer->place.backend->release(layer->kernel);
        exec_plan_release(&layer->plan);
        exec_there_release(layer);
        for (size_t k = 0; k < 2; k++) {
            release_operand(&layer->operands[k]);
            exec_tensor_release(&layer->spare[k]);
        }
        for (size_t k = 0; k < layer->step_count; k++) {
            exec_step_release(&layer->steps[k]);
            release_operand(&layer->step_operands[k]);
        }
        exec_tensor_release(&layer->result);
    }
    free(net->layers);
    arena_free(net->arena);
    free(net);
}

/* Where the kernel's result is to be in this process: the steps begin there. */
uint8_t *exec_net_first(struct exec_layer *layer)
{
    for (size_t i = 0; i < layer->step_count; i++)
        if (moves_elements(&layer->steps[i]))
            return layer->spare[0].data;
    return layer->result.data;
}

enum err_code exec_net_steps(struct exec_layer *layer, struct err *err)
{
    size_t moving = 0, moves = 0;
    uint8_t *at = exec_net_first(layer);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < layer->step_count; i++)
        moves += moves_elements(&layer->steps[i]);
    for (size_t i = 0; i < layer->step_count && rc == ERR_OK; i++) {
        const struct exec_step *step = &layer->steps[i];
        uint8_t *to = at;
        const uint8_t *second = NULL;
        if (moves_elements(step))
            to = ++moving == moves ? layer->result.data : layer->spare[moving % 2].data;
        if (step->row->kind == EXEC_STEP_JOIN) {
            rc = exec_there_refresh(&layer->step_operands[i], err);
            second = exec_net_gather(&layer->step_operands[i]);
        }
        if (rc == ERR_OK)
            exec_step_run(step, at, second, to);
        at = to;
    }
    return rc;
}

enum err_code exec_net_compute(struct exec_net *net, uint32_t index, struct err *err)
{
    struct exec_layer *layer = &net->layers[index];
    if (layer->there != NULL)
        return exec_there_compute(layer, err);
    const void *inputs[2] = { NULL, NULL };
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i + 1 < layer->expr.tensor_count && rc == ERR_OK; i++) {
        rc = exec_there_refresh(&layer->operands[i], err);
        inputs[i] = exec_net_gather(&layer->operands[i]);
    }
    if (rc == ERR_OK)
        rc = layer->place.backend->run(layer->kernel, inputs, exec_net_first(layer), err);
    return rc == ERR_OK ? exec_net_steps(layer, err) : rc;
}

enum err_code exec_net_poison(struct exec_net *net, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < net->layer_count && rc == ERR_OK; i++) {
        struct exec_layer *layer = &net->layers[i];
        memset(layer->result.data, POISON, layer->result.bytes);
        if (layer->there != NULL)
            rc = exec_there_send(layer, err);
    }
    return rc;
}

enum err_code exec_net_collect(struct exec_net *net, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < net->layer_count && rc == ERR_OK; i++)
        if (net->layers[i].there != NULL)
            rc = exec_there_fetch(&net->layers[i], err);
    return rc;
}

void exec_net_result(const struct exec_net *net, uint32_t index, uint8_t *rows)
{
    const struct exec_layer *layer = &net->layers[index];
    exec_view_to_rows(&layer->view, layer->result.data, rows);
}
