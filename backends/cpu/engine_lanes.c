#include "backends/cpu/engine_state.h"

#include <stdio.h>
#include <string.h>

#include "backends/element.h"
#include "core/arena.h"
#include "core/num.h"

#define LANES_DEPTH_MAX 128

/* One column, few products, and a batch along one dimension of A: its channels become lanes. */
size_t kernel_engine_lanes_dim(const struct kernel_engine *e)
{
    const struct expr_tensor *tensor = &e->job.expr->tensors[1];
    size_t none = tensor->dim_count;
    if (e->set->lanes == NULL || e->parts[COLUMN].points != 1 || e->parts[BATCH].count != 1 ||
        e->parts[DEPTH].points > LANES_DEPTH_MAX || e->parts[BATCH].points < KERNEL_LANES)
        return none;
    unsigned channel = e->parts[BATCH].iters[0];
    for (size_t d = 0; d < none; d++) {
        const struct expr_dim *dim = &tensor->dims[d];
        if (dim->coeff[channel] == 0)
            continue;
        for (size_t i = 0; i < e->job.expr->iter_count; i++)
            if (dim->coeff[i] != (i == channel))
                return none;
        return dim->divisor == 1 ? d : none;
    }
    return none;
}

/* Taps in their order, four to a quad. */
static void form_quads(struct kernel_engine *e, const int64_t *offsets)
{
    int64_t points = e->parts[DEPTH].points;
    e->quad_count = (size_t)(points + QUAD_BYTES - 1) / QUAD_BYTES;
    e->quads = ARENA_ARRAY(e->arena, struct quad, e->quad_count);
    e->taps = ARENA_ARRAY(e->arena, int32_t, e->quad_count * QUAD_BYTES);
    for (size_t i = 0; i < e->quad_count * QUAD_BYTES; i++) {
        bool there = (int64_t)i < points;
        e->quads[i / QUAD_BYTES].depth[i % QUAD_BYTES] = there ? (int64_t)i : -1;
        e->taps[i] = (int32_t)offsets[there ? i : 0];
    }
}

/* Three columns of at most three taps: a quad is a column. Of two ways, columns are the closer. */
static bool form_columns(struct kernel_engine *e, const int64_t *offsets, const int64_t *steps)
{
    const struct part_list *depth = &e->parts[DEPTH];
    const struct expr_iter *iters = e->job.expr->iters;
    int64_t best = -1, taps = 1;
    for (size_t i = 0; i < depth->count; i++) {
        int64_t extent = iters[depth->iters[i]].extent, step = steps[depth->iters[i]];
        taps = depth->points / KERNEL_WINDOW;
        if (extent == KERNEL_WINDOW && step > 0 && depth->points % KERNEL_WINDOW == 0 &&
            taps <= KERNEL_WINDOW && (best < 0 || step < steps[depth->iters[best]]))
            best = (int64_t)i;
    }
    if (e->set->window == NULL || best < 0)
        return false;
    int64_t inner = 1; /* points from one column to the next */
    for (size_t i = (size_t)best + 1; i < depth->count; i++)
        inner *= iters[depth->iters[i]].extent;
    e->column_step = steps[depth->iters[best]];
    e->quad_count = KERNEL_WINDOW;
    e->quads = ARENA_ARRAY(e->arena, struct quad, e->quad_count);
    e->taps = ARENA_ARRAY(e->arena, int32_t, QUAD_BYTES);
    for (int64_t column = 0; column < KERNEL_WINDOW; column++)
        for (int64_t tap = 0; tap < QUAD_BYTES; tap++) {
            int64_t point = (tap / inner * KERNEL_WINDOW + column) * inner + tap % inner;
            e->quads[column].depth[tap] = tap < taps ? point : -1;
            if (column == 0)
                e->taps[tap] = (int32_t)offsets[tap < taps ? point : 0];
        }
    return true;
}

void kernel_engine_form_taps(struct kernel_engine *e)
{
    int64_t steps[EXPR_ITERS_MAX];
    kernel_engine_packed_steps(e, steps);
    int64_t *offsets = kernel_engine_table(e, DEPTH, steps);
    e->fold = 1;
    e->slides = form_columns(e, offsets, steps);
    if (!e->slides)
        form_quads(e, offsets);
}

/* Cuts folded rows where their distance changes. Returns how many; `out` may be NULL. */
static size_t cut_runs(const struct kernel_engine *e, struct lanes_run *out)
{
    size_t rows = (size_t)e->parts[ROW].points / e->fold, count = 0;
    for (size_t begin = 0, end; begin < rows; begin = end) {
        int64_t step = begin + 1 < rows ? e->fold_rows[begin + 1] - e->fold_rows[begin] : 0;
        for (end = begin + 1; end < rows && end - begin < LANES_ROWS; end++)
            if (e->fold_rows[end] - e->fold_rows[end - 1] != step)
                break;
        if (out != NULL)
            out[count] = (struct lanes_run){ begin, end - begin, step };
        count++;
    }
    return count;
}

/* Rows of a short channel list that lie side by side in A as they do in C are one row. */
void kernel_engine_build_lanes(struct kernel_engine *e)
{
    size_t channels = (size_t)e->parts[BATCH].points, rows = (size_t)e->parts[ROW].points;
    size_t fold = KERNEL_CHANNELS / channels;
    bool even = channels < KERNEL_CHANNELS && KERNEL_CHANNELS % channels == 0 && rows % fold == 0;
    for (size_t m = 0; m < rows && even; m++)
        even = m % fold == 0 || e->a_rows[m] - e->a_rows[m - 1] == (int32_t)channels;
    e->fold = even ? fold : 1;
    e->fold_rows = ARENA_ARRAY(e->arena, int32_t, rows / e->fold);
    for (size_t m = 0; m < rows; m += e->fold)
        e->fold_rows[m / e->fold] = e->a_rows[m];
    e->run_count = cut_runs(e, NULL);
    e->runs = ARENA_ARRAY(e->arena, struct lanes_run, e->run_count);
    cut_runs(e, e->runs);
    e->panel_count = (channels * e->fold + KERNEL_CHANNELS - 1) / KERNEL_CHANNELS;
    e->b_bytes = e->panel_count * e->quad_count * KERNEL_CHANNELS * QUAD_BYTES;
    snprintf(e->text, sizeof e->text, "%s, depthwise, %s%zu quads for %lld taps, %u thread%s",
             e->set->name, e->slides ? "sliding, " : "", e->quad_count,
             (long long)e->parts[DEPTH].points, e->job.threads, e->job.threads == 1 ? "" : "s");
}

/* Columns in the channels' order. Quads as interleave() orders them: lane L of vector j has
 * channels 16·L + 4·j …. */
void kernel_engine_pack_lanes(struct kernel_engine *e, const int8_t *host)
{
    size_t channels = (size_t)e->parts[BATCH].points;
    memset(e->b, 0, e->b_bytes);
    for (size_t slot = 0; slot < e->panel_count * KERNEL_CHANNELS; slot++) {
        size_t at = slot % KERNEL_CHANNELS, panel = slot / KERNEL_CHANNELS;
        size_t place = e->slides ? at : at / 4 % 4 * 16 + at / 16 * 4 + at % 4;
        if (slot >= channels * e->fold)
            break;
        int64_t first = e->b_constant + e->b_batch[slot % channels];
        for (size_t i = 0; i < e->quad_count * QUAD_BYTES; i++) {
            int64_t depth = e->quads[i / QUAD_BYTES].depth[i % QUAD_BYTES];
            size_t quad = panel * e->quad_count + i / QUAD_BYTES;
            if (depth >= 0)
                e->b[(quad * KERNEL_CHANNELS + place) * QUAD_BYTES + i % QUAD_BYTES] =
                    (uint8_t)host[first + e->b_depth[depth]];
        }
    }
}

static void run_quads(const struct kernel_engine *e, size_t panel, const struct lanes_run *run,
                      uint32_t *sums)
{
    size_t step = (size_t)e->parts[BATCH].points * e->fold, first = panel * KERNEL_CHANNELS;
    struct kernel_lanes t = {
        .a = e->a_now + e->a_batch[0] + first,
        .rows = e->fold_rows + run->begin,
        .row_count = run->count,
        .taps = e->taps,
        .quad_count = e->quad_count,
        .b = e->b + panel * e->quad_count * KERNEL_CHANNELS * QUAD_BYTES,
        .c = sums + run->begin * step + first,
        .c_step = (int64_t)step,
        .channels = (unsigned)min_u64(step - first, KERNEL_CHANNELS),
    };
    e->set->lanes(&t);
}

static void run_window(const struct kernel_engine *e, size_t panel, const struct lanes_run *run,
                       uint32_t *sums)
{
    size_t step = (size_t)e->parts[BATCH].points * e->fold, first = panel * KERNEL_CHANNELS;
    struct kernel_window t = {
        .a = e->a_now + e->a_batch[0] + first + e->fold_rows[run->begin],
        .taps = { e->taps[0], e->taps[1], e->taps[2] },
        .column_step = e->column_step,
        .row_step = run->step,
        .row_count = run->count,
        .b = e->b + panel * KERNEL_WINDOW * KERNEL_CHANNELS * QUAD_BYTES,
        .c = sums + run->begin * step + first,
        .c_step = (int64_t)step,
        .channels = (unsigned)min_u64(step - first, KERNEL_CHANNELS),
    };
    e->set->window(&t);
}

static void finish_lanes(const struct kernel_engine *e)
{
    int64_t channels = e->parts[BATCH].points, rows = e->parts[ROW].points;
#pragma omp parallel for schedule(static) num_threads((int)e->job.threads)
    for (int64_t m = 0; m < rows; m++) {
        if (e->columns_follow &&
            kernel_engine_finish_row(e, e->sums + m * channels, (size_t)channels,
                                     e->c_batch[0] + e->c_rows[m], (size_t)(m * channels)))
            continue;
        for (int64_t g = 0; g < channels; g++) {
            int64_t host = e->c_batch[g] + e->c_rows[m], at = m * channels + g;
            backend_store_int(e->job.epilogue,
                              (size_t)(host / e->channel_stride % e->channel_extent),
                              (int32_t)e->sums[at], e->c_type, e->c, (size_t)at);
        }
    }
}

#define LARGE_BYTES 262144 /* a quarter of a second cache of today */

/* Runs fastest: the next one finds most of its window's rows in the nearest cache. Where rows are
 * apart and A is large, it is most of what moves: all panels use its lines while they are near. */
static void run_items(const struct kernel_engine *e, size_t begin, size_t end)
{
    uint32_t *sums = e->sums != NULL ? e->sums : e->c;
    bool apart = e->a_bytes > LARGE_BYTES && e->a_bytes > 2 * e->c_elements;
    for (size_t item = begin; item < end; item++) {
        size_t panel = apart ? item % e->panel_count : item / e->run_count;
        size_t run = apart ? item / e->panel_count : item % e->run_count;
        (e->slides ? run_window : run_quads)(e, panel, &e->runs[run], sums);
    }
}

void kernel_engine_run_lanes(const struct kernel_engine *e)
{
    size_t items = e->run_count * e->panel_count, threads = min_u64(e->job.threads, items);
    if (threads == 1)
        run_items(e, 0, items);
    else
#pragma omp parallel for schedule(static, 1) num_threads((int)threads)
        for (size_t thread = 0; thread < threads; thread++)
            run_items(e, items * thread / threads, items * (thread + 1) / threads);
    if (e->sums != NULL)
        finish_lanes(e);
}

void kernel_engine_store_lanes(const struct kernel_engine *e, uint8_t *output)
{
    size_t bytes = dtype_bytes(e->c_type);
    const uint8_t *from = e->c;
    for (int64_t m = 0; m < e->parts[ROW].points; m++)
        for (int64_t g = 0; g < e->parts[BATCH].points; g++, from += bytes)
            memcpy(output + (size_t)(e->c_batch[g] + e->c_rows[m]) * bytes, from, bytes);
}
