#include "backends/cpu/engine_state.h"

#include "core/num.h"

static double batches_of(const struct kernel_engine *e)
{
    return e->fold != 0 ? 1 : (double)e->parts[BATCH].points;
}

static double steps_of(const struct row_tile *tile, unsigned rows)
{
    double steps = 0;
    for (size_t i = 0; i < tile->segment_count; i++)
        if (tile->count - (tile->segments[i].skip != KERNEL_SKIP_NONE) == rows)
            steps += (double)tile->segments[i].quads;
    return steps;
}

/* All tiles of one panel's width, by their rows; steps by the rows that take part. */
static void count_tiles(const struct kernel_engine *e, unsigned vectors, double panels,
                        struct kernel_work *out)
{
    for (unsigned r = 2; r < 2 * (KERNEL_ROWS_MAX + 1) && panels > 0; r++) {
        struct kernel_work_tiles tiles = { .rows = r / 2, .vectors = vectors, .even = r % 2 };
        for (size_t t = 0; t < e->tile_count; t++) {
            if ((e->tiles[t].kind == KERNEL_EVEN) != (r % 2 == 1))
                continue;
            if (e->tiles[t].count == r / 2)
                tiles.tiles += panels;
            tiles.steps += panels * steps_of(&e->tiles[t], r / 2);
        }
        if (tiles.tiles > 0 || tiles.steps > 0)
            out->tiles[out->tile_count++] = tiles;
    }
}

static void add_stream(struct kernel_work *out, struct kernel_work_stream stream)
{
    if (stream.bytes > 0)
        out->streams[out->stream_count++] = stream;
}

/* Of vectors that lie so many bytes apart: those that cross a line. */
static double split_frac(uint64_t step_bytes)
{
    uint64_t low = step_bytes % KERNEL_LINE_BYTES;
    return low == 0 ? 0 : 1 - (double)(low & -low) / KERNEL_LINE_BYTES;
}

/* Of one thread: what it touches between two uses. docs/model.md M-147 */
static void count_streams(const struct kernel_engine *e, struct kernel_work *out)
{
    double batches = batches_of(e), panels = (double)e->panel_count;
    double rows = (double)e->parts[ROW].points, tiles = (double)(e->fold ? 1 : e->tile_count);
    double a = (double)e->a_bytes, used = rows * batches * QUAD_BYTES * (double)e->quad_count;
    if (e->fold == 0 && used < a)
        a = used;
    double b = (double)e->b_bytes * batches;
    double c = (double)e->c_elements * dtype_bytes(e->c_type);
    double set = (a + b + c) * out->busiest_frac,
           tile = (a / batches + c / batches / panels) / tiles;
    add_stream(out, (struct kernel_work_stream){
                        .bytes = b, .between_bytes = set, .first = e->fold == 0 });
    add_stream(out, (struct kernel_work_stream){ c, set, .writes = true });
    if (e->fold != 0) { /* 64 channels of a pixel, which may be parts of two lines, then the next */
        if (e->panel_count > 1)
            a *= 1 + split_frac((uint64_t)e->parts[BATCH].points);
        add_stream(out, (struct kernel_work_stream){ a, set, .scattered = e->panel_count > 1 });
        return;
    }
    add_stream(out, (struct kernel_work_stream){ a, set });
    double panel = b / batches / panels;
    out->first_frac = 1 / tiles;
    add_stream(out, (struct kernel_work_stream){ b * (tiles - 1), panel + tile });
    add_stream(out, (struct kernel_work_stream){ a * (panels - 1),
                                                 a / batches + panel + c / batches / panels });
}

static void count_window(const struct kernel_engine *e, struct kernel_work_lanes *out)
{
    double rows = 0, columns = 0, panels = (double)e->panel_count;
    for (size_t r = 0; r < e->run_count; r++) {
        const struct lanes_run *run = &e->runs[r];
        int64_t apart = run->step % e->column_step == 0 ? run->step / e->column_step : 0;
        bool shares = apart == 1 || apart == 2;
        rows += (double)run->count;
        columns += (double)run->count * (double)(shares ? apart : KERNEL_WINDOW) +
                   (double)(shares ? KERNEL_WINDOW - apart : 0);
    }
    out->window_rows = rows * panels;
    out->window_columns = columns * panels;
    out->window_runs = (double)e->run_count * panels;
    out->loads = KERNEL_WINDOW * out->window_columns * (1 + split_frac((uint64_t)e->column_step)) +
                 QUAD_BYTES * out->window_rows;
}

static void count_lanes(const struct kernel_engine *e, struct kernel_work_lanes *out)
{
    uint64_t step = (uint64_t)e->parts[BATCH].points * e->fold;
    out->rows = (double)e->parts[ROW].points / (double)e->fold * (double)e->panel_count;
    out->quads = out->rows * (double)e->quad_count;
    /* Two rows share those of the weights. */
    out->loads = QUAD_BYTES * out->quads * (1.5 + split_frac(step));
}

static double count_lane_stores(const struct kernel_engine *e)
{
    uint64_t step = (uint64_t)e->parts[BATCH].points * e->fold;
    double rows = (double)e->parts[ROW].points / (double)e->fold;
    return rows * (double)ceil_div_u64(step, KERNEL_LANES) *
           (1 + split_frac(step * sizeof(uint32_t)));
}

void kernel_engine_count(const struct kernel_engine *e, struct kernel_work *out)
{
    uint64_t items = (uint64_t)batches_of(e) * e->panel_count * e->tile_count;
    *out = (struct kernel_work){ .parallel_parts = 1 };
    if (e->fold != 0) {
        items = e->run_count * e->panel_count;
        (e->slides ? count_window : count_lanes)(e, &out->lanes);
        out->lanes.stores = count_lane_stores(e);
        out->parallel_parts += e->sums != NULL || !kernel_engine_stores_as_is(e);
    } else {
        if (kernel_engine_stores_as_is(e))
            out->split_frac = split_frac((uint64_t)e->parts[COLUMN].points * sizeof(uint32_t));
        const struct panel *last = &e->panels[e->panel_count - 1];
        bool odd = last->vectors != e->panels[0].vectors;
        count_tiles(e, e->panels[0].vectors, batches_of(e) * (double)(e->panel_count - odd), out);
        if (odd)
            count_tiles(e, last->vectors, batches_of(e), out);
    }
    out->threads = (unsigned)min_u64(e->job.threads, items);
    out->busiest_frac = (double)ceil_div_u64(items, out->threads) / (double)items;
    count_streams(e, out);
    if (e->job.constant == NULL) {
        out->packed_bytes = (double)e->b_bytes * batches_of(e);
        out->packs_along = e->parts[DEPTH].points > 1 && e->b_depth[1] - e->b_depth[0] == 1;
        out->parallel_parts++;
    }
    if (!kernel_engine_stores_as_is(e))
        out->epilogue_elements = (double)e->c_elements;
}
