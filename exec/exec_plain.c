#include "exec/exec_plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/evaluate.h"
#include "core/arena.h"

/* Row-major results by layer. */
struct plain {
    const struct exec_net *net;
    uint8_t **results;
};

/* --- operands -------------------------------------------------------------------------------- */

/* All of one source, row-major; free() it. */
static uint8_t *source_rows(const struct plain *p, const struct exec_source *source)
{
    size_t elements = exec_view_elements(&source->view);
    uint8_t *rows = mem_alloc(elements, 1);
    if (source->layer == WORKLOAD_NONE)
        exec_view_to_rows(&source->view, source->own.data, rows);
    else
        memcpy(rows, p->results[source->layer], elements);
    return rows;
}

static void place_channels(const struct exec_operand *operand, const struct exec_source *source,
                           uint64_t channel, const uint8_t *rows, uint8_t *to)
{
    uint64_t positions = source->view.positions, each = source->view.channels * positions;
    for (uint64_t n = 0; n < source->view.outer; n++)
        for (uint64_t i = 0; i < each; i++)
            to[(n * operand->view.channels + channel) * positions + i] = rows[n * each + i];
}

/* Row-major; free() it. */
static uint8_t *operand_rows(const struct plain *p, const struct exec_operand *operand)
{
    uint64_t whole = exec_view_elements(&operand->view), filled = 0, channel = 0;
    uint8_t *to = mem_alloc(whole, 1);
    bool channels = exec_net_joins_channels(operand);
    for (size_t i = 0; i < operand->source_count; i++) {
        const struct exec_source *source = &operand->sources[i];
        uint8_t *rows = source_rows(p, source);
        size_t elements = exec_view_elements(&source->view);
        for (size_t k = 0; source->type != operand->type && k < elements; k++)
            rows[k] = (uint8_t)(rows[k] + 128);
        if (channels)
            place_channels(operand, source, channel, rows, to);
        for (uint64_t k = 0; !channels && k < source->elements && filled < whole; k++)
            to[filled++] = rows[k];
        channel += source->view.channels;
        free(rows);
    }
    for (uint64_t k = filled; !channels && k < whole; k++)
        to[k] = to[k % filled];
    return to;
}

/* --- steps, one element at a time ------------------------------------------------------------- */

struct volume {
    uint64_t extent[EXEC_SPATIAL_MAX];
};

static struct volume volume_of(const struct exec_view *view)
{
    struct volume v = { { 1, 1, 1 } };
    for (size_t d = 0; d < view->spatial_count; d++)
        v.extent[EXEC_SPATIAL_MAX - view->spatial_count + d] = view->spatial[d];
    return v;
}

/* The window's elements of one channel's map. */
static int pool_element(const struct exec_step *step, const uint8_t *map, uint64_t at)
{
    struct volume in = volume_of(&step->in), out = volume_of(&step->out);
    struct exec_window w[EXEC_SPATIAL_MAX];
    int64_t sum = 0, count = 0, most = -256;
    for (size_t d = EXEC_SPATIAL_MAX; d-- > 0; at /= out.extent[d])
        w[d] = exec_step_window(step->row, in.extent[d], out.extent[d], at % out.extent[d]);
    for (uint64_t z = w[0].begin; z < w[0].end; z++)
        for (uint64_t y = w[1].begin; y < w[1].end; y++)
            for (uint64_t x = w[2].begin; x < w[2].end; x++) {
                int value = exec_value(step->type, map[(z * in.extent[1] + y) * in.extent[2] + x]);
                sum += value;
                count++;
                most = value > most ? value : most;
            }
    bool mean = step->row->kind == EXEC_STEP_POOL && !exec_step_is_max(step->row);
    return mean ? exec_step_mean(sum, count) : (int)most;
}

static uint8_t *pool_plain(const struct exec_step *step, const uint8_t *from)
{
    uint64_t maps = step->in.outer * step->in.channels, positions = step->out.positions;
    uint8_t *to = mem_alloc(maps * positions, 1);
    for (uint64_t m = 0; m < maps; m++)
        for (uint64_t at = 0; at < positions; at++)
            to[m * positions + at] =
                exec_byte(step->type, pool_element(step, from + m * step->in.positions, at));
    return to;
}

static uint8_t *lrn_plain(const struct exec_step *step, const uint8_t *from)
{
    uint64_t channels = step->in.channels, positions = step->in.positions;
    uint8_t *to = mem_alloc(exec_view_elements(&step->in), 1);
    for (uint64_t i = 0; i < exec_view_elements(&step->in); i++) {
        uint64_t channel = i / positions % channels;
        int64_t squares = 0;
        for (int64_t k = -2; k <= 2; k++) {
            int64_t other = (int64_t)channel + k;
            if (other < 0 || other >= (int64_t)channels)
                continue;
            int64_t x = exec_value(step->type, from[(int64_t)i + k * (int64_t)positions]);
            squares += x * x;
        }
        to[i] = exec_byte(step->type,
                          exec_step_lrn(step->type, exec_value(step->type, from[i]), squares));
    }
    return to;
}

/* Takes `from` and returns what comes of it. */
static uint8_t *step_plain(const struct plain *p, const struct exec_layer *layer, size_t index,
                           uint8_t *from)
{
    const struct exec_step *step = &layer->steps[index];
    size_t count = exec_view_elements(&step->in);
    uint8_t *second, *to;
    switch (step->row->kind) {
    case EXEC_STEP_MAP:
        for (size_t i = 0; i < count; i++)
            from[i] = exec_byte(
                step->type, exec_step_map(step->row, step->type, exec_value(step->type, from[i])));
        return from;
    case EXEC_STEP_JOIN:
        second = operand_rows(p, &layer->step_operands[index]);
        for (size_t i = 0; i < count; i++)
            from[i] = exec_byte(step->type, exec_step_join(step->row, step->type,
                                                           exec_value(step->type, from[i]),
                                                           exec_value(step->type, second[i])));
        free(second);
        return from;
    case EXEC_STEP_ROW:
        for (size_t at = 0; at < count; at += step->row_length)
            exec_step_rowwise(step->row, step->type, from + at, step->row_length, from + at);
        return from;
    case EXEC_STEP_POOL:
    case EXEC_STEP_UPSAMPLE:
        to = pool_plain(step, from);
        free(from);
        return to;
    case EXEC_STEP_CHANNELS:
        to = lrn_plain(step, from);
        free(from);
        return to;
    default:
        return from;
    }
}

/* --- layers ---------------------------------------------------------------------------------- */

static enum err_code load_operands(const struct plain *p, const struct exec_layer *layer,
                                   struct backend_evaluator *evaluator, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i + 1 < layer->expr.tensor_count && rc == ERR_OK; i++) {
        struct exec_tensor constant = { 0 };
        uint8_t *rows = NULL;
        if (layer->operands[i].fed)
            rows = operand_rows(p, &layer->operands[i]);
        else
            rc = exec_net_constant(layer, p->net->seed, i, &constant, err);
        if (rc == ERR_OK)
            backend_evaluator_load(evaluator, i, rows ? rows : constant.data);
        exec_tensor_release(&constant);
        free(rows);
    }
    return rc;
}

static enum err_code compute_layer(struct plain *p, uint32_t index, struct err *err)
{
    const struct exec_layer *layer = &p->net->layers[index];
    const struct expr *expr = layer->layer->expr;
    struct backend_epilogue epilogue = { .converts = true, .to_type = layer->type };
    float scale = exec_net_scale(expr), *scales = NULL;
    if (scale != 0) {
        size_t channels = (size_t)expr->tensors[0].dims[0].extent;
        scales = mem_alloc(channels, sizeof *scales);
        for (size_t c = 0; c < channels; c++)
            scales[c] = scale;
        epilogue.scale = scales;
    }
    struct backend_job job = { .expr = expr, .threads = 1, .epilogue = scale ? &epilogue : NULL };
    struct backend_evaluator *evaluator = NULL;
    uint64_t elements = 0;
    enum err_code rc = backend_evaluator_new(&evaluator, &job, err);
    if (rc == ERR_OK)
        rc = expr_elements(expr, 0, &elements, err);
    if (rc == ERR_OK)
        rc = load_operands(p, layer, evaluator, err);
    if (rc == ERR_OK) {
        uint8_t *result = mem_alloc(elements, 1);
        backend_evaluator_run(evaluator, result);
        for (size_t i = 0; i < layer->step_count; i++)
            result = step_plain(p, layer, i, result);
        p->results[index] = result;
    }
    backend_evaluator_free(evaluator);
    free(scales);
    return rc;
}

static void compare_layer(const struct plain *p, uint32_t index, struct exec_plain_verdict *out)
{
    const struct exec_layer *layer = &p->net->layers[index];
    size_t count = layer->result.elements, at = 0;
    uint8_t *got = mem_alloc(count, 1);
    exec_net_result(p->net, index, got);
    while (at < count && got[at] == p->results[index][at])
        at++;
    out->layers++;
    out->results += layer->layer->shape.is_sink != 0;
    out->elements += count;
    out->wrong_layers += at < count;
    if (at < count && out->first[0] == '\0')
        snprintf(out->first, sizeof out->first, "%s: element %zu of %zu: expected %d, got %d",
                 layer->name, at, count, exec_value(layer->type, p->results[index][at]),
                 exec_value(layer->type, got[at]));
    if (!exec_tensor_guards_hold(&layer->result) && out->first[0] == '\0') {
        out->wrong_layers++;
        snprintf(out->first, sizeof out->first, "%s wrote beyond its result", layer->name);
    }
    free(got);
}

enum err_code exec_plain_compare(const struct exec_net *net,
                                 bool (*progress)(void *ctx, size_t done, size_t all), void *ctx,
                                 struct exec_plain_verdict *out, struct err *err)
{
    struct plain p = { net, mem_alloc(net->layer_count, sizeof *p.results) };
    enum err_code rc = ERR_OK;
    *out = (struct exec_plain_verdict){ 0 };
    for (uint32_t i = 0; i < net->layer_count && rc == ERR_OK; i++) {
        rc = compute_layer(&p, i, err);
        if (rc == ERR_OK)
            compare_layer(&p, i, out);
        if (rc == ERR_OK && progress && !progress(ctx, i + 1, net->layer_count))
            rc = err_set(err, ERR_INTERRUPTED, "interrupted");
    }
    for (size_t i = 0; i < net->layer_count; i++)
        free(p.results[i]);
    free(p.results);
    return rc;
}
