#include "backends/cpu/engine_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"

#define AHEAD_FROM_BYTES 32768 /* of a panel; smaller ones the hardware has in time */
#define TILES_MAX        (KERNEL_ROWS_MAX * KERNEL_LANES * KERNEL_VECTORS_MAX)

/* --- tiles ---------------------------------------------------------------------------------- */

#define NEAR_BYTES        32768.0  /* of the first cache, for a panel of B, or for all of A */
#define FAR_BYTES         524288.0 /* of the second cache, half of one of today, for all of A */
#define FAR_LINE_CYCLES   1.5      /* a line of A from the second cache, in part hidden */
#define THIRD_LINE_CYCLES 4.0      /* and from the third */
#define NEXT_LINE_CYCLES  0.3      /* a line of B, which comes in order and is seen coming */

/* Cycles of one tile: two products per cycle, two loads per cycle, a latency of 4; a panel of B
 * that the first cache does not hold comes again; and its ends. */
static double tile_cycles(const struct kernel_engine *e, unsigned rows, unsigned vectors)
{
    double products = rows * vectors / 2.0, loads = (rows + vectors) / 2.0;
    double step = products > loads ? products : loads, lines = (double)e->quad_count * vectors;
    double again = lines * KERNEL_LINE_BYTES > NEAR_BYTES ? lines * NEXT_LINE_CYCLES : 0;
    return (step > 4 ? step : 4) * (double)e->quad_count + again + 24;
}

static double a_batch_bytes(const struct kernel_engine *e)
{
    return (double)e->a_bytes / (double)e->parts[BATCH].points;
}

/* A comes again for every panel. */
static double panel_cycles(const struct kernel_engine *e)
{
    double bytes = a_batch_bytes(e);
    double line = bytes > FAR_BYTES ? THIRD_LINE_CYCLES : bytes > NEAR_BYTES ? FAR_LINE_CYCLES : 0;
    return bytes / KERNEL_LINE_BYTES * line;
}

/* Rows from `begin` that lie at an even distance, of at most `most`. */
static int64_t even_run(const struct kernel_engine *e, int64_t begin, int64_t most)
{
    int64_t rows = begin + most, end = begin + 1;
    while (end < rows && (end == begin + 1 || e->a_rows[end] - e->a_rows[end - 1] ==
                                                  e->a_rows[begin + 1] - e->a_rows[begin]))
        end++;
    return end - begin;
}

/* Cuts all rows into tiles of at most `most`, evenly within runs, or across them. Returns cycles of
 * one panel; `out` may be NULL. */
static double cut_rows(const struct kernel_engine *e, unsigned most, unsigned vectors, bool by_run,
                       struct row_tile *out, size_t *count)
{
    int64_t rows = e->parts[ROW].points;
    double cycles = 0;
    *count = 0;
    for (int64_t begin = 0; begin < rows;) {
        int64_t run = by_run ? even_run(e, begin, rows - begin) : rows - begin;
        int64_t tiles = (run + most - 1) / most, left = run;
        for (int64_t t = 0; t < tiles; t++) {
            int64_t take = (left + (tiles - t) - 1) / (tiles - t);
            bool even = even_run(e, begin, take) >= take;
            cycles += tile_cycles(e, (unsigned)take, vectors) * (even ? 1 : 1.1);
            if (out != NULL)
                out[*count] =
                    (struct row_tile){ begin, (unsigned)take, even ? KERNEL_EVEN : KERNEL_TABLE,
                                       take > 1 ? e->a_rows[begin + 1] - e->a_rows[begin] : 0 };
            ++*count;
            begin += take;
            left -= take;
        }
    }
    return cycles;
}

/* Rows and vectors of the intrinsic's own tile, 0 where it leaves them open. */
static void tile_of_intrinsic(const struct kernel_engine *e, unsigned *rows, unsigned *vectors)
{
    *rows = *vectors = 0;
    if (e->job.plan == NULL || e->job.plan->axis_count != 3)
        return;
    const struct expr *own = &e->job.plan->intrin->expr;
    int64_t m = own->iters[0].extent, v = own->iters[1].extent / KERNEL_LANES;
    if (v >= 1 && v <= KERNEL_VECTORS_MAX && m <= e->set->rows_max[v]) {
        *rows = (unsigned)m;
        *vectors = (unsigned)v;
    }
}

static void choose_tile(struct kernel_engine *e, unsigned *rows, unsigned *vectors, bool *by_run)
{
    unsigned own_rows, own_vectors;
    tile_of_intrinsic(e, &own_rows, &own_vectors);
    double best = 0;
    size_t count;
    int64_t all = (e->parts[COLUMN].points + KERNEL_LANES - 1) / KERNEL_LANES;
    for (unsigned v = 1; v <= KERNEL_VECTORS_MAX; v++) {
        if (own_vectors != 0 && v != own_vectors)
            continue;
        for (unsigned m = 1; m <= e->set->rows_max[v]; m++) {
            if (own_rows != 0 && m != own_rows)
                continue;
            for (int run = 0; run < 2; run++) {
                double panels = (double)((all + v - 1) / v);
                double cycles = (double)(all / v) * cut_rows(e, m, v, run, NULL, &count) +
                                panels * panel_cycles(e);
                if (all % v != 0)
                    cycles += cut_rows(e, m, (unsigned)(all % v), run, NULL, &count);
                if (best == 0 || cycles < best) {
                    best = cycles;
                    *rows = m;
                    *vectors = v;
                    *by_run = run;
                }
            }
        }
    }
}

/* A dimension of A that may be read outside: its index is row + depth. */
struct margin {
    int64_t end, *row, *depth;
};

static size_t find_margins(const struct kernel_engine *e, struct margin *out)
{
    const struct expr_tensor *tensor = &e->job.expr->tensors[1];
    size_t count = 0;
    for (size_t d = 0; d < tensor->dim_count; d++) {
        const struct expr_dim *dim = &tensor->dims[d];
        bool outside = e->low[d] < 0 || e->low[d] + e->span[d] > dim->extent * dim->divisor;
        for (size_t i = 0; i < e->parts[BATCH].count; i++)
            outside = outside && dim->coeff[e->parts[BATCH].iters[i]] == 0;
        if (!outside)
            continue;
        struct margin *margin = &out[count++];
        margin->end = dim->extent * dim->divisor;
        margin->row = kernel_engine_table(e, ROW, dim->coeff);
        margin->depth = kernel_engine_table(e, DEPTH, dim->coeff);
        for (int64_t m = 0; m < e->parts[ROW].points; m++)
            margin->row[m] += dim->constant;
    }
    return count;
}

static bool is_outside(const struct margin *margins, size_t count, int64_t row, int64_t depth)
{
    for (size_t i = 0; i < count; i++) {
        int64_t index = margins[i].row[row] + margins[i].depth[depth];
        if (index < 0 || index >= margins[i].end)
            return true;
    }
    return false;
}

static bool is_zero_row(const struct kernel_engine *e, const struct margin *margins, size_t count,
                        int64_t row, const struct quad *quad)
{
    for (size_t k = 0; k < e->per_quad; k++)
        if (quad->depth[k] >= 0 && !is_outside(margins, count, row, quad->depth[k]))
            return false;
    return true;
}

static bool is_zero(const struct kernel_engine *e, const struct margin *margins, size_t count,
                    const struct row_tile *tile, const struct quad *quad)
{
    for (unsigned m = 0; m < tile->count; m++)
        if (!is_zero_row(e, margins, count, tile->begin + m, quad))
            return false;
    return true;
}

/* Filter rows above and below the image: at either end of the depth, for they are sorted. */
static void trim_tile(const struct kernel_engine *e, const struct margin *margins, size_t count,
                      struct row_tile *tile)
{
    tile->quad_end = e->quad_count;
    while (tile->quad_begin < tile->quad_end &&
           is_zero(e, margins, count, tile, &e->quads[tile->quad_begin]))
        tile->quad_begin++;
    while (tile->quad_end > tile->quad_begin &&
           is_zero(e, margins, count, tile, &e->quads[tile->quad_end - 1]))
        tile->quad_end--;
}

static enum kernel_skip skip_of(const struct kernel_engine *e, const struct margin *margins,
                                size_t count, const struct row_tile *tile, const struct quad *quad)
{
    if (tile->count < 2 || tile->kind != KERNEL_EVEN)
        return KERNEL_SKIP_NONE;
    if (is_zero_row(e, margins, count, tile->begin, quad))
        return KERNEL_SKIP_FIRST;
    if (is_zero_row(e, margins, count, tile->begin + tile->count - 1, quad))
        return KERNEL_SKIP_LAST;
    return KERNEL_SKIP_NONE;
}

#define SEGMENT_QUADS_MIN 8 /* a jump that the CPU may not foresee costs a few */

/* Filter columns left and right of the image: the first or the last row of a tile reads zeros. */
static void cut_segments(const struct kernel_engine *e, const struct margin *margins, size_t count,
                         struct kernel_segment *segments, struct row_tile *tile)
{
    size_t cut = 0;
    for (size_t q = tile->quad_begin, end; q < tile->quad_end; q = end) {
        enum kernel_skip skip = skip_of(e, margins, count, tile, &e->quads[q]);
        for (end = q + 1; end < tile->quad_end; end++)
            if (skip_of(e, margins, count, tile, &e->quads[end]) != skip)
                break;
        if (end - q < SEGMENT_QUADS_MIN)
            skip = KERNEL_SKIP_NONE;
        tile->skip_quads += skip != KERNEL_SKIP_NONE ? end - q : 0;
        if (cut > 0 && segments[cut - 1].skip == skip)
            segments[cut - 1].quads += end - q;
        else
            segments[cut++] = (struct kernel_segment){ end - q, skip, e->a_ahead };
    }
    struct kernel_segment *kept = ARENA_ARRAY(e->arena, struct kernel_segment, cut);
    for (size_t i = 0; i < cut; i++)
        kept[i] = segments[i];
    tile->segments = kept;
    tile->segment_count = cut;
}

/* Is A beyond the second cache, and do its rows follow each other without a gap? */
static bool wants_a_ahead(const struct kernel_engine *e)
{
    int64_t bytes = (int64_t)(e->quad_count * QUAD_BYTES), rows = e->parts[ROW].points;
    return a_batch_bytes(e) > FAR_BYTES && bytes >= KERNEL_LINE_BYTES &&
           e->a_rows[rows - 1] - e->a_rows[0] == (rows - 1) * bytes && even_run(e, 0, rows) == rows;
}

static void trim_tiles(struct kernel_engine *e)
{
    struct margin margins[EXPR_DIMS_MAX];
    size_t count = find_margins(e, margins);
    struct kernel_segment *segments = mem_alloc(e->quad_count + 1, sizeof *segments);
    for (size_t t = 0; t < e->tile_count; t++) {
        struct row_tile *tile = &e->tiles[t];
        trim_tile(e, margins, count, tile);
        cut_segments(e, margins, count, segments, tile);
    }
    free(segments);
}

void kernel_engine_build_tiles(struct kernel_engine *e)
{
    unsigned rows = 1, vectors = 1;
    bool by_run = false;
    choose_tile(e, &rows, &vectors, &by_run);
    cut_rows(e, rows, vectors, by_run, NULL, &e->tile_count);
    e->tiles = ARENA_ARRAY(e->arena, struct row_tile, e->tile_count);
    cut_rows(e, rows, vectors, by_run, e->tiles, &e->tile_count);
    e->a_ahead = wants_a_ahead(e);
    trim_tiles(e);
    int64_t columns = e->parts[COLUMN].points, width = KERNEL_LANES * vectors;
    e->panel_count = (size_t)((columns + width - 1) / width);
    e->panels = ARENA_ARRAY(e->arena, struct panel, e->panel_count);
    for (size_t p = 0; p < e->panel_count; p++) {
        struct panel *panel = &e->panels[p];
        panel->begin = (int64_t)p * width;
        panel->columns = (unsigned)min_u64((uint64_t)(columns - panel->begin), (uint64_t)width);
        panel->vectors = (panel->columns + KERNEL_LANES - 1) / KERNEL_LANES;
        panel->offset = e->b_bytes;
        e->b_bytes += e->quad_count * panel->vectors * KERNEL_LANES * QUAD_BYTES;
    }
    snprintf(e->text, sizeof e->text, "%s, tile %ux%u, %zu quads deep for %lld, %u thread%s",
             e->set->name, rows, vectors * KERNEL_LANES, e->quad_count,
             (long long)e->parts[DEPTH].points, e->job.threads, e->job.threads == 1 ? "" : "s");
}

/* What follows comes from afar while this tile is multiplied: rows of A that no near cache holds,
 * or this tile's share of the next panel, where a row is left out and there is time for it. */
static void look_ahead(const struct kernel_engine *e, const struct row_tile *tile,
                       const struct panel *panel, struct kernel_tile *t)
{
    size_t bytes = e->quad_count * panel->vectors * KERNEL_LANES * QUAD_BYTES;
    size_t each = bytes / e->tile_count, at = (size_t)(tile - e->tiles) * each;
    t->ahead = t->b;
    t->ahead_step = 0;
    if (e->a_ahead) {
        size_t next = (size_t)(tile - e->tiles + 1) % e->tile_count;
        t->ahead = t->a + e->a_rows[e->tiles[next].begin];
        t->ahead_step = (size_t)tile->count * QUAD_BYTES;
        return;
    }
    if (bytes < AHEAD_FROM_BYTES || tile->skip_quads == 0)
        return;
    t->ahead = t->b + bytes + at;
    t->ahead_step = min_u64(each / tile->skip_quads + 1, KERNEL_LINE_BYTES);
}

static void run_tile(const struct kernel_engine *e, int64_t batch, const struct row_tile *tile,
                     const struct panel *panel)
{
    uint32_t sums[TILES_MAX];
    bool direct = kernel_engine_stores_as_is(e);
    int64_t rows = e->parts[ROW].points, columns = e->parts[COLUMN].points;
    struct kernel_tile t = {
        .row_count = tile->count,
        .vectors = panel->vectors,
        .a = e->a_now + e->a_batch[batch],
        .rows = e->a_rows + tile->begin,
        .step = tile->step,
        .quads = e->quad_offsets + tile->quad_begin,
        .quad_count = tile->quad_end - tile->quad_begin,
        .segments = tile->segments,
        .segment_count = tile->segment_count,
        .b = e->b + (size_t)batch * e->b_bytes + panel->offset +
             tile->quad_begin * panel->vectors * KERNEL_LANES * QUAD_BYTES,
        .c = direct ? (uint32_t *)e->c + batch * rows * columns + panel->begin : sums,
        .c_rows = direct ? e->rows_dense + tile->begin : e->rows_tile,
        .columns = panel->columns,
    };
    look_ahead(e, tile, panel, &t);
    kernel_tile_run *run = e->set->any;
    if (run == NULL) {
        run = e->set->tiles[panel->vectors][tile->count][tile->kind];
        if (tile->kind == KERNEL_EVEN)
            t.a += t.rows[0];
    }
    run(&t);
    if (!direct)
        kernel_engine_finish_tile(e, batch, tile, panel, sums);
}

/* Tiles fastest, then panels, then the batch: a panel stays in the cache. */
static void run_items(const struct kernel_engine *e, uint64_t begin, uint64_t end)
{
    size_t tile = begin % e->tile_count, panel = begin / e->tile_count % e->panel_count;
    int64_t batch = (int64_t)(begin / e->tile_count / e->panel_count);
    for (uint64_t item = begin; item < end; item++) {
        run_tile(e, batch, &e->tiles[tile], &e->panels[panel]);
        if (++tile < e->tile_count)
            continue;
        tile = 0;
        if (++panel < e->panel_count)
            continue;
        panel = 0;
        batch++;
    }
}

/* The item at which so much work is done: vectors, of which the last panel may have fewer. */
static uint64_t item_at(const struct kernel_engine *e, uint64_t work)
{
    uint64_t first = e->panels[0].vectors * e->tile_count, last = e->panel_count - 1;
    uint64_t batch_work = last * first + e->panels[last].vectors * e->tile_count;
    uint64_t batch = work / batch_work, rest = work % batch_work;
    uint64_t panel = min_u64(rest / first, last);
    uint64_t tile = (rest - panel * first) / e->panels[panel].vectors;
    return (batch * e->panel_count + panel) * e->tile_count + tile;
}

void kernel_engine_run_tiles(const struct kernel_engine *e)
{
    uint64_t batches = (uint64_t)e->parts[BATCH].points;
    uint64_t items = batches * e->panel_count * e->tile_count;
    uint64_t threads = min_u64(e->job.threads, items), vectors = 0;
    if (threads == 1) {
        run_items(e, 0, items);
        return;
    }
    for (size_t p = 0; p < e->panel_count; p++)
        vectors += e->panels[p].vectors;
    uint64_t work = batches * vectors * e->tile_count;
#pragma omp parallel for schedule(static, 1) num_threads((int)threads)
    for (uint64_t thread = 0; thread < threads; thread++)
        run_items(e, item_at(e, work * thread / threads),
                  item_at(e, work * (thread + 1) / threads));
}
