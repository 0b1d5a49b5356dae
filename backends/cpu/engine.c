#include "backends/cpu/engine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/kernel.h"
#include "backends/element.h"
#include "core/arena.h"
#include "core/num.h"

#define QUAD_BYTES        4
#define KERNEL_LINE_BYTES 64
#define SLACK             64 /* quads may reach past the last element, whose weight is zero */
#define BYTES_MAX         (INT64_C(1) << 31)
#define TILES_MAX         (KERNEL_ROWS_MAX * KERNEL_LANES * KERNEL_VECTORS_MAX)

enum part { BATCH, ROW, COLUMN, DEPTH, PARTS };

/* Iterations of one part, the first one slowest. */
struct part_list {
    size_t count;
    unsigned iters[EXPR_ITERS_MAX];
    int64_t points;
};

/* Four bytes of A: which depth points stand in each element, -1 none. */
struct quad {
    int64_t offset;
    int64_t depth[QUAD_BYTES];
};

struct row_tile {
    int64_t begin;
    unsigned count;
    enum kernel_rows kind;
    int64_t step;
    size_t quad_begin, quad_end; /* the others read zeros only */
};

struct panel {
    int64_t begin;
    unsigned columns, vectors;
    size_t offset; /* bytes in packed B */
};

struct kernel_engine {
    struct backend_job job;
    enum backend_cpu_unit unit;
    const struct kernel_set *set;
    unsigned element_bytes, per_quad;
    struct part_list parts[PARTS];
    int64_t outer_depth; /* of the depth's points: those outside the plan's axes, slowest */
    struct arena *arena;
    /* A as it is laid out: per dimension, bytes per step of the index, and where it begins. */
    int64_t low[EXPR_DIMS_MAX], span[EXPR_DIMS_MAX], stride[EXPR_DIMS_MAX];
    size_t a_bytes;
    uint8_t *a;
    int64_t *a_batch;
    int32_t *a_rows;
    size_t quad_count;
    struct quad *quads;
    int32_t *quad_offsets;
    /* B: offsets of elements in the host's tensor. */
    int64_t b_constant, *b_batch, *b_columns, *b_depth;
    size_t b_bytes; /* packed, one batch */
    uint8_t *b;
    void *b_host; /* a copy, if it is not constant */
    size_t b_elements, c_elements;
    /* C */
    int64_t *c_batch, *c_columns, *c_rows; /* host elements */
    int64_t *rows_dense, *rows_tile;       /* elements from row to row: of C, of a tile alone */
    void *c;
    uint32_t *sums; /* of a depthwise job that does not store them as they are */
    enum dtype c_type;
    int64_t channel_stride, channel_extent;
    /* Depthwise: C is rows x batch, `fold` neighbouring rows fill 64 channels; 0: not. */
    size_t fold;
    int32_t *taps, *fold_rows;
    size_t tile_count, panel_count;
    struct row_tile *tiles;
    struct panel *panels;
    char text[160];
};

/* --- parts ---------------------------------------------------------------------------------- */

static bool tensor_uses(const struct expr_tensor *tensor, size_t iter)
{
    for (size_t d = 0; d < tensor->dim_count; d++)
        if (tensor->dims[d].coeff[iter] != 0)
            return true;
    return false;
}

static enum part part_of(const struct expr *expr, size_t i)
{
    if (expr->iters[i].reduce)
        return DEPTH;
    bool a = tensor_uses(&expr->tensors[1], i), b = tensor_uses(&expr->tensors[2], i);
    return b ? a ? BATCH : COLUMN : ROW;
}

static bool is_inside(const struct intrin_plan *plan, size_t i)
{
    for (size_t x = 0; plan != NULL && x < plan->axis_count; x++)
        if (plan->mapping.axis[x] >> i & 1)
            return true;
    return plan == NULL;
}

/* Iterations outside the plan's axes first: they are the slower ones. */
static void sort_iterations(struct kernel_engine *e)
{
    const struct expr *expr = e->job.expr;
    e->outer_depth = 1;
    for (size_t p = 0; p < PARTS; p++)
        e->parts[p].points = 1;
    for (int inside = 0; inside < 2; inside++) {
        for (unsigned i = 0; i < expr->iter_count; i++) {
            if (is_inside(e->job.plan, i) != inside)
                continue;
            enum part p = part_of(expr, i);
            struct part_list *part = &e->parts[p];
            part->iters[part->count++] = i;
            part->points *= expr->iters[i].extent;
            if (p == DEPTH && !inside)
                e->outer_depth *= expr->iters[i].extent;
        }
    }
}

/* table[point] = Σ per_iter[i] · digit i. */
static int64_t *part_table(const struct kernel_engine *e, enum part p, const int64_t *per_iter)
{
    const struct part_list *part = &e->parts[p];
    int64_t *table = ARENA_ARRAY(e->arena, int64_t, (size_t)part->points);
    int64_t filled = 1;
    for (size_t at = part->count; at-- > 0;) {
        int64_t extent = e->job.expr->iters[part->iters[at]].extent;
        for (int64_t digit = 1; digit < extent; digit++)
            for (int64_t f = 0; f < filled; f++)
                table[digit * filled + f] = table[f] + digit * per_iter[part->iters[at]];
        filled *= extent;
    }
    return table;
}

static void host_steps(const struct expr *expr, size_t tensor, int64_t *constant, int64_t *steps)
{
    const struct expr_tensor *t = &expr->tensors[tensor];
    int64_t stride = 1;
    *constant = 0;
    memset(steps, 0, EXPR_ITERS_MAX * sizeof *steps);
    for (size_t d = t->dim_count; d-- > 0;) {
        *constant += stride * t->dims[d].constant;
        for (size_t i = 0; i < expr->iter_count; i++)
            steps[i] += stride * t->dims[d].coeff[i];
        stride *= t->dims[d].extent;
    }
}

static bool stays_inside(const struct expr *expr, const struct expr_tensor *tensor)
{
    for (size_t d = 0; d < tensor->dim_count; d++) {
        const struct expr_dim *dim = &tensor->dims[d];
        int64_t low = dim->constant, high = dim->constant;
        for (size_t i = 0; i < expr->iter_count; i++) {
            int64_t span = dim->coeff[i] * (expr->iters[i].extent - 1);
            *(span < 0 ? &low : &high) += span;
        }
        if (dim->divisor != 1 || low < 0 || high >= dim->extent)
            return false;
    }
    return true;
}

/* --- the layout of A ------------------------------------------------------------------------ */

/* Strides with dimension `inner` innermost, the others in their order. Returns bytes. */
static int64_t lay_out(struct kernel_engine *e, size_t inner)
{
    const struct expr *expr = e->job.expr;
    const struct expr_tensor *tensor = &expr->tensors[1];
    uint64_t bytes = e->element_bytes;
    for (size_t k = 0; k < tensor->dim_count; k++) {
        size_t d = k == 0 ? inner : tensor->dim_count - 1 - (k - 1);
        if (k > 0)
            d = d <= inner ? d - 1 : d;
        const struct expr_dim *dim = &tensor->dims[d];
        int64_t low = dim->constant, high = dim->constant;
        for (size_t i = 0; i < expr->iter_count; i++) {
            int64_t span = dim->coeff[i] * (expr->iters[i].extent - 1);
            *(span < 0 ? &low : &high) += span;
        }
        e->low[d] = low;
        e->span[d] = high - low + 1;
        e->stride[d] = (int64_t)bytes;
        if (!mul_size(bytes, (uint64_t)e->span[d], &bytes) || bytes > (uint64_t)BYTES_MAX)
            return BYTES_MAX;
    }
    return (int64_t)bytes;
}

static void packed_steps(const struct kernel_engine *e, int64_t *steps)
{
    const struct expr_tensor *tensor = &e->job.expr->tensors[1];
    memset(steps, 0, EXPR_ITERS_MAX * sizeof *steps);
    for (size_t d = 0; d < tensor->dim_count; d++)
        for (size_t i = 0; i < e->job.expr->iter_count; i++)
            steps[i] += e->stride[d] * tensor->dims[d].coeff[i];
}

struct placed {
    int64_t offset, depth;
};

static int by_offset(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->depth > y->depth) - (x->depth < y->depth);
}

/* Quads of `count` depth points: four adjacent bytes each, as many points in each as there are. */
static size_t form_quads(const struct kernel_engine *e, struct placed *points, size_t count,
                         struct quad *out)
{
    size_t quads = 0;
    qsort(points, count, sizeof *points, by_offset);
    while (count > 0) {
        struct quad *quad = &out[quads];
        size_t left = 0;
        for (size_t i = 0; i < count; i++) {
            bool open = quads > 0 || i > 0;
            int64_t place = open ? (points[i].offset - quad->offset) / e->element_bytes : 0;
            if (i == 0 || place >= e->per_quad || quad->depth[place] >= 0) {
                bool twice = i > 0 && place < e->per_quad;
                if (twice) { /* the same byte again: another time */
                    points[left++] = points[i];
                    continue;
                }
                quad = &out[quads++];
                quad->offset = points[i].offset;
                for (size_t k = 0; k < QUAD_BYTES; k++)
                    quad->depth[k] = -1;
                place = 0;
            }
            quad->depth[place] = points[i].depth;
        }
        count = left;
    }
    return quads;
}

/* Quads under the current layout, each outer depth point by itself. */
static size_t quads_of_layout(struct kernel_engine *e, struct quad *out)
{
    int64_t steps[EXPR_ITERS_MAX];
    packed_steps(e, steps);
    int64_t *depth = part_table(e, DEPTH, steps);
    size_t each = (size_t)(e->parts[DEPTH].points / e->outer_depth), quads = 0;
    struct placed *points = mem_alloc(each, sizeof *points);
    for (int64_t outer = 0; outer < e->outer_depth; outer++) {
        for (size_t k = 0; k < each; k++) {
            int64_t at = outer * (int64_t)each + (int64_t)k;
            points[k] = (struct placed){ depth[at], at };
        }
        quads += form_quads(e, points, each, out + quads);
    }
    free(points);
    return quads;
}

#define LANES_DEPTH_MAX 128

/* One column, few products, and a batch along one dimension of A: its channels become lanes. */
static size_t lanes_dim(const struct kernel_engine *e)
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
static void form_taps(struct kernel_engine *e)
{
    int64_t steps[EXPR_ITERS_MAX], points = e->parts[DEPTH].points;
    packed_steps(e, steps);
    int64_t *depth = part_table(e, DEPTH, steps);
    e->fold = 1;
    e->quad_count = (size_t)(points + QUAD_BYTES - 1) / QUAD_BYTES;
    e->quads = ARENA_ARRAY(e->arena, struct quad, e->quad_count);
    e->taps = ARENA_ARRAY(e->arena, int32_t, e->quad_count * QUAD_BYTES);
    for (size_t i = 0; i < e->quad_count * QUAD_BYTES; i++) {
        bool there = (int64_t)i < points;
        e->quads[i / QUAD_BYTES].depth[i % QUAD_BYTES] = there ? (int64_t)i : -1;
        e->taps[i] = (int32_t)depth[there ? i : 0];
    }
}

static enum err_code choose_layout(struct kernel_engine *e, struct err *err)
{
    size_t channels = lanes_dim(e);
    if (channels < e->job.expr->tensors[1].dim_count) {
        e->a_bytes = (size_t)lay_out(e, channels) + SLACK;
        if (e->a_bytes < BYTES_MAX)
            form_taps(e);
    }
    if (e->fold != 0)
        return ERR_OK;
    size_t dims = e->job.expr->tensors[1].dim_count, best = dims, best_quads = SIZE_MAX;
    struct quad *quads = ARENA_ARRAY(e->arena, struct quad, (size_t)e->parts[DEPTH].points);
    for (size_t inner = dims; inner-- > 0;) {
        if (lay_out(e, inner) >= BYTES_MAX)
            return err_set(err, ERR_UNSUPPORTED,
                           "the first input takes more than 2 GiB with its padding");
        size_t count = quads_of_layout(e, quads);
        if (count < best_quads) {
            best = inner;
            best_quads = count;
        }
    }
    e->a_bytes = (size_t)lay_out(e, best) + SLACK;
    e->quads = quads;
    e->quad_count = quads_of_layout(e, quads);
    return ERR_OK;
}

/* --- tables --------------------------------------------------------------------------------- */

static void build_tables(struct kernel_engine *e)
{
    const struct expr *expr = e->job.expr;
    int64_t a_steps[EXPR_ITERS_MAX], b_steps[EXPR_ITERS_MAX], c_steps[EXPR_ITERS_MAX], constant;
    packed_steps(e, a_steps);
    /* The layout begins at the lowest index, so the constant falls out, but for negative steps. */
    int64_t first = 0;
    for (size_t d = 0; d < expr->tensors[1].dim_count; d++)
        first += e->stride[d] * (expr->tensors[1].dims[d].constant - e->low[d]);
    host_steps(expr, 2, &e->b_constant, b_steps);
    host_steps(expr, 0, &constant, c_steps);
    e->a_batch = part_table(e, BATCH, a_steps);
    e->b_batch = part_table(e, BATCH, b_steps);
    e->c_batch = part_table(e, BATCH, c_steps);
    for (int64_t batch = 0; batch < e->parts[BATCH].points; batch++) {
        e->a_batch[batch] += first;
        e->c_batch[batch] += constant;
    }
    e->b_columns = part_table(e, COLUMN, b_steps);
    e->c_columns = part_table(e, COLUMN, c_steps);
    e->b_depth = part_table(e, DEPTH, b_steps);
    e->c_rows = part_table(e, ROW, c_steps);
    int64_t *rows = part_table(e, ROW, a_steps);
    size_t count = (size_t)e->parts[ROW].points;
    e->a_rows = ARENA_ARRAY(e->arena, int32_t, count);
    e->rows_dense = ARENA_ARRAY(e->arena, int64_t, count);
    for (size_t m = 0; m < count; m++) {
        e->a_rows[m] = (int32_t)rows[m];
        e->rows_dense[m] = (int64_t)m * e->parts[COLUMN].points;
    }
    e->rows_tile = ARENA_ARRAY(e->arena, int64_t, KERNEL_ROWS_MAX);
    for (int64_t m = 0; m < KERNEL_ROWS_MAX; m++)
        e->rows_tile[m] = m * KERNEL_LANES * KERNEL_VECTORS_MAX;
    e->quad_offsets = ARENA_ARRAY(e->arena, int32_t, e->quad_count);
    for (size_t q = 0; q < e->quad_count; q++)
        e->quad_offsets[q] = (int32_t)e->quads[q].offset;
}

/* --- tiles ---------------------------------------------------------------------------------- */

/* Cycles of one tile: two products per cycle, two loads per cycle, a latency of 4; and its ends. */
static double tile_cycles(const struct kernel_engine *e, unsigned rows, unsigned vectors)
{
    double products = rows * vectors / 2.0, loads = (rows + vectors) / 2.0;
    double step = products > loads ? products : loads;
    return (step > 4 ? step : 4) * (double)e->quad_count + 24;
}

/* Rows from `begin` that lie at an even distance. */
static int64_t even_run(const struct kernel_engine *e, int64_t begin)
{
    int64_t rows = e->parts[ROW].points, end = begin + 1;
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
        int64_t run = by_run ? even_run(e, begin) : rows - begin;
        int64_t tiles = (run + most - 1) / most, left = run;
        for (int64_t t = 0; t < tiles; t++) {
            int64_t take = (left + (tiles - t) - 1) / (tiles - t);
            bool even = even_run(e, begin) >= take;
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
                double cycles = (double)(all / v) * cut_rows(e, m, v, run, NULL, &count);
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
        margin->row = part_table(e, ROW, dim->coeff);
        margin->depth = part_table(e, DEPTH, dim->coeff);
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

static bool is_zero(const struct kernel_engine *e, const struct margin *margins, size_t count,
                    const struct row_tile *tile, const struct quad *quad)
{
    for (unsigned m = 0; m < tile->count; m++)
        for (size_t k = 0; k < e->per_quad; k++)
            if (quad->depth[k] >= 0 && !is_outside(margins, count, tile->begin + m, quad->depth[k]))
                return false;
    return true;
}

/* Filter rows above and below the image: at either end of the depth, for they are sorted. */
static void trim_tiles(struct kernel_engine *e)
{
    struct margin margins[EXPR_DIMS_MAX];
    size_t count = find_margins(e, margins);
    for (size_t t = 0; t < e->tile_count; t++) {
        struct row_tile *tile = &e->tiles[t];
        tile->quad_end = e->quad_count;
        while (tile->quad_begin < tile->quad_end &&
               is_zero(e, margins, count, tile, &e->quads[tile->quad_begin]))
            tile->quad_begin++;
        while (tile->quad_end > tile->quad_begin &&
               is_zero(e, margins, count, tile, &e->quads[tile->quad_end - 1]))
            tile->quad_end--;
    }
}

/* Rows of a short channel list that lie side by side in A as they do in C are one row. */
static void fold_rows(struct kernel_engine *e)
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
    e->panel_count = (channels * e->fold + KERNEL_CHANNELS - 1) / KERNEL_CHANNELS;
    e->b_bytes = e->panel_count * e->quad_count * KERNEL_CHANNELS * QUAD_BYTES;
    snprintf(e->text, sizeof e->text, "%s, depthwise, %zu quads for %lld taps, %u thread%s",
             e->set->name, e->quad_count, (long long)e->parts[DEPTH].points, e->job.threads,
             e->job.threads == 1 ? "" : "s");
}

static void build_tiles(struct kernel_engine *e)
{
    unsigned rows = 1, vectors = 1;
    bool by_run = false;
    choose_tile(e, &rows, &vectors, &by_run);
    cut_rows(e, rows, vectors, by_run, NULL, &e->tile_count);
    e->tiles = ARENA_ARRAY(e->arena, struct row_tile, e->tile_count);
    cut_rows(e, rows, vectors, by_run, e->tiles, &e->tile_count);
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

/* --- data ----------------------------------------------------------------------------------- */

static void *aligned(size_t bytes)
{
    void *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (data == NULL)
        abort();
    memset(data, 0, bytes);
    return data;
}

/* Dimension by dimension; the innermost one of the host's tensor in a loop of its own. */
static void copy_a(const struct kernel_engine *e, size_t d, const uint8_t *from, uint8_t *to)
{
    const struct expr_tensor *tensor = &e->job.expr->tensors[1];
    const struct expr_dim *dim = &tensor->dims[d];
    int64_t inner = e->element_bytes;
    for (size_t later = d + 1; later < tensor->dim_count; later++)
        inner *= tensor->dims[later].extent;
    for (int64_t x = 0; x < dim->extent; x++) {
        int64_t index = x * dim->divisor - e->low[d];
        if (index < 0 || index >= e->span[d])
            continue;
        const uint8_t *source = from + x * inner;
        uint8_t *target = to + index * e->stride[d];
        if (d + 1 < tensor->dim_count)
            copy_a(e, d + 1, source, target);
        else if (inner == 1)
            *target = *source;
        else
            memcpy(target, source, (size_t)inner);
    }
}

static void pack_panel(const struct kernel_engine *e, const uint8_t *host, int64_t batch,
                       const struct panel *panel, uint8_t *to)
{
    size_t width = (size_t)panel->vectors * KERNEL_LANES;
    memset(to, 0, e->quad_count * width * QUAD_BYTES);
    int64_t first = e->b_constant + e->b_batch[batch];
    for (size_t q = 0; q < e->quad_count; q++) {
        for (size_t k = 0; k < e->per_quad; k++) {
            int64_t depth = e->quads[q].depth[k];
            if (depth < 0)
                continue;
            const uint8_t *row = host + (first + e->b_depth[depth]) * e->element_bytes;
            uint8_t *target = to + q * width * QUAD_BYTES + k * e->element_bytes;
            for (unsigned n = 0; n < panel->columns; n++)
                memcpy(target + n * QUAD_BYTES,
                       row + e->b_columns[panel->begin + n] * e->element_bytes, e->element_bytes);
        }
    }
}

/* As interleave() orders them: lane L of vector j has channels 16·L + 4·j …. */
static void pack_lanes(struct kernel_engine *e, const int8_t *host)
{
    size_t channels = (size_t)e->parts[BATCH].points;
    memset(e->b, 0, e->b_bytes);
    for (size_t slot = 0; slot < e->panel_count * KERNEL_CHANNELS; slot++) {
        size_t at = slot % KERNEL_CHANNELS, panel = slot / KERNEL_CHANNELS;
        size_t place = at / 4 % 4 * 16 + at / 16 * 4 + at % 4;
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

static void pack_b(struct kernel_engine *e, const void *host)
{
    if (e->fold != 0) {
        pack_lanes(e, host);
        return;
    }
    int64_t items = e->parts[BATCH].points * (int64_t)e->panel_count;
#pragma omp parallel for schedule(static) num_threads((int)e->job.threads)
    for (int64_t item = 0; item < items; item++) {
        int64_t batch = item / (int64_t)e->panel_count;
        const struct panel *panel = &e->panels[item % (int64_t)e->panel_count];
        pack_panel(e, host, batch, panel, e->b + (size_t)batch * e->b_bytes + panel->offset);
    }
}

void kernel_engine_load(struct kernel_engine *e, size_t input, const void *data)
{
    if (input == 0)
        copy_a(e, 0, data, e->a);
    else
        memcpy(e->b_host, data, e->b_elements * e->element_bytes);
}

/* --- computing ------------------------------------------------------------------------------ */

static void finish_tile(const struct kernel_engine *e, int64_t batch, const struct row_tile *tile,
                        const struct panel *panel, const uint32_t *sums)
{
    int64_t rows = e->parts[ROW].points, columns = e->parts[COLUMN].points;
    for (unsigned m = 0; m < tile->count; m++) {
        int64_t row = tile->begin + m;
        const uint32_t *from = sums + e->rows_tile[m];
        for (unsigned n = 0; n < panel->columns; n++) {
            int64_t column = panel->begin + n;
            int64_t host = e->c_batch[batch] + e->c_rows[row] + e->c_columns[column];
            size_t channel = (size_t)(host / e->channel_stride % e->channel_extent);
            size_t to = (size_t)((batch * rows + row) * columns + column);
            float real;
            memcpy(&real, &from[n], sizeof real);
            if (e->unit == BACKEND_CPU_BF16)
                backend_store_real(e->job.epilogue, channel, real, e->c_type, e->c, to);
            else
                backend_store_int(e->job.epilogue, channel, (int32_t)from[n], e->c_type, e->c, to);
        }
    }
}

static bool is_stored_as_is(const struct kernel_engine *e)
{
    return e->job.epilogue == NULL && e->c_type == (e->unit == BACKEND_CPU_BF16 ? DT_F32 : DT_S32);
}

static void run_tile(const struct kernel_engine *e, int64_t batch, const struct row_tile *tile,
                     const struct panel *panel)
{
    uint32_t sums[TILES_MAX];
    bool direct = is_stored_as_is(e);
    int64_t rows = e->parts[ROW].points, columns = e->parts[COLUMN].points;
    struct kernel_tile t = {
        .row_count = tile->count,
        .vectors = panel->vectors,
        .a = e->a + e->a_batch[batch],
        .rows = e->a_rows + tile->begin,
        .step = tile->step,
        .quads = e->quad_offsets + tile->quad_begin,
        .quad_count = tile->quad_end - tile->quad_begin,
        .b = e->b + (size_t)batch * e->b_bytes + panel->offset +
             tile->quad_begin * panel->vectors * KERNEL_LANES * QUAD_BYTES,
        .c = direct ? (uint32_t *)e->c + batch * rows * columns + panel->begin : sums,
        .c_rows = direct ? e->rows_dense + tile->begin : e->rows_tile,
        .columns = panel->columns,
    };
    kernel_tile_run *run = e->set->any;
    if (run == NULL) {
        run = e->set->tiles[panel->vectors][tile->count][tile->kind];
        if (tile->kind == KERNEL_EVEN)
            t.a += t.rows[0];
    }
    run(&t);
    if (!direct)
        finish_tile(e, batch, tile, panel, sums);
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

#define LANES_ROWS 64 /* of one piece of work */

static void run_lanes(const struct kernel_engine *e, size_t panel, size_t begin, size_t end,
                      uint32_t *sums)
{
    size_t step = (size_t)e->parts[BATCH].points * e->fold, first = panel * KERNEL_CHANNELS;
    struct kernel_lanes t = {
        .a = e->a + e->a_batch[0] + first,
        .rows = e->fold_rows + begin,
        .row_count = end - begin,
        .taps = e->taps,
        .quad_count = e->quad_count,
        .b = e->b + panel * e->quad_count * KERNEL_CHANNELS * QUAD_BYTES,
        .c = sums + begin * step + first,
        .c_step = (int64_t)step,
        .channels = (unsigned)min_u64(step - first, KERNEL_CHANNELS),
    };
    e->set->lanes(&t);
}

static void finish_lanes(const struct kernel_engine *e)
{
    int64_t channels = e->parts[BATCH].points, rows = e->parts[ROW].points;
#pragma omp parallel for schedule(static) num_threads((int)e->job.threads)
    for (int64_t m = 0; m < rows; m++)
        for (int64_t g = 0; g < channels; g++) {
            int64_t host = e->c_batch[g] + e->c_rows[m], at = m * channels + g;
            backend_store_int(e->job.epilogue,
                              (size_t)(host / e->channel_stride % e->channel_extent),
                              (int32_t)e->sums[at], e->c_type, e->c, (size_t)at);
        }
}

static void compute_lanes(struct kernel_engine *e)
{
    size_t rows = (size_t)e->parts[ROW].points / e->fold;
    size_t pieces = (rows + LANES_ROWS - 1) / LANES_ROWS, items = pieces * e->panel_count;
    uint32_t *sums = e->sums != NULL ? e->sums : e->c;
#pragma omp parallel for schedule(static) num_threads((int)e->job.threads)
    for (size_t item = 0; item < items; item++) {
        size_t begin = item / e->panel_count * LANES_ROWS;
        size_t end = min_u64(begin + LANES_ROWS, rows);
        run_lanes(e, item % e->panel_count, begin, end, sums);
    }
    if (e->sums != NULL)
        finish_lanes(e);
}

static void store_lanes(const struct kernel_engine *e, uint8_t *output)
{
    size_t bytes = dtype_bytes(e->c_type);
    const uint8_t *from = e->c;
    for (int64_t m = 0; m < e->parts[ROW].points; m++)
        for (int64_t g = 0; g < e->parts[BATCH].points; g++, from += bytes)
            memcpy(output + (size_t)(e->c_batch[g] + e->c_rows[m]) * bytes, from, bytes);
}

void kernel_engine_compute(struct kernel_engine *e)
{
    if (e->job.constant == NULL)
        pack_b(e, e->b_host);
    if (e->fold != 0) {
        compute_lanes(e);
        return;
    }
    uint64_t items = (uint64_t)e->parts[BATCH].points * e->panel_count * e->tile_count;
    uint64_t threads = min_u64(e->job.threads, items);
#pragma omp parallel for schedule(static, 1) num_threads((int)threads)
    for (uint64_t thread = 0; thread < threads; thread++)
        run_items(e, items * thread / threads, items * (thread + 1) / threads);
}

void kernel_engine_store(const struct kernel_engine *e, void *output)
{
    if (e->fold != 0) {
        store_lanes(e, output);
        return;
    }
    size_t bytes = dtype_bytes(e->c_type);
    int64_t rows = e->parts[ROW].points, columns = e->parts[COLUMN].points;
    const uint8_t *from = e->c;
    for (int64_t batch = 0; batch < e->parts[BATCH].points; batch++)
        for (int64_t m = 0; m < rows; m++)
            for (int64_t n = 0; n < columns; n++, from += bytes)
                memcpy((uint8_t *)output +
                           (size_t)(e->c_batch[batch] + e->c_rows[m] + e->c_columns[n]) * bytes,
                       from, bytes);
}

/* --- counting ------------------------------------------------------------------------------- */

static double batches_of(const struct kernel_engine *e)
{
    return e->fold != 0 ? 1 : (double)e->parts[BATCH].points;
}

/* All tiles of one panel's width, by their rows. */
static void count_tiles(const struct kernel_engine *e, unsigned vectors, double panels,
                        struct kernel_work *out)
{
    for (unsigned r = 2; r < 2 * (KERNEL_ROWS_MAX + 1) && panels > 0; r++) {
        struct kernel_work_tiles tiles = { .rows = r / 2, .vectors = vectors, .even = r % 2 };
        for (size_t t = 0; t < e->tile_count; t++) {
            if (e->tiles[t].count != r / 2 || (e->tiles[t].kind == KERNEL_EVEN) != (r % 2 == 1))
                continue;
            tiles.tiles += panels;
            tiles.steps += panels * (double)(e->tiles[t].quad_end - e->tiles[t].quad_begin);
        }
        if (tiles.tiles > 0)
            out->tiles[out->tile_count++] = tiles;
    }
}

static void add_stream(struct kernel_work *out, double bytes, double between_bytes, bool writes)
{
    if (bytes > 0)
        out->streams[out->stream_count++] =
            (struct kernel_work_stream){ bytes, between_bytes, writes };
}

/* Of vectors that lie so many bytes apart: those that cross a line. */
static double split_frac(uint64_t step_bytes)
{
    uint64_t low = step_bytes % KERNEL_LINE_BYTES;
    return low == 0 ? 0 : 1 - (double)(low & -low) / KERNEL_LINE_BYTES;
}

/* Of one thread: what it touches between two uses. docs/model.md M-146 */
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
    add_stream(out, a, set, false);
    add_stream(out, b, set, false);
    add_stream(out, c, set, true);
    if (e->fold != 0)
        return;
    double panel = b / batches / panels;
    add_stream(out, b * (tiles - 1), panel + tile, false);
    add_stream(out, a * (panels - 1), a / batches + panel + c / batches / panels, false);
}

void kernel_engine_count(const struct kernel_engine *e, struct kernel_work *out)
{
    double rows = (double)e->parts[ROW].points;
    uint64_t items = (uint64_t)batches_of(e) * e->panel_count * e->tile_count;
    *out = (struct kernel_work){ .parallel_parts = 1 };
    if (e->fold != 0) {
        items = ((size_t)rows / e->fold + LANES_ROWS - 1) / LANES_ROWS * e->panel_count;
        out->lanes.rows = rows / (double)e->fold * (double)e->panel_count;
        out->lanes.quads = out->lanes.rows * (double)e->quad_count;
        uint64_t step = (uint64_t)e->parts[BATCH].points * e->fold;
        out->lanes.split_vectors =
            QUAD_BYTES * (out->lanes.quads * split_frac(step) +
                          out->lanes.rows * split_frac(step * sizeof(uint32_t)));
        out->parallel_parts += e->sums != NULL || !is_stored_as_is(e);
    } else {
        if (is_stored_as_is(e))
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
    if (!is_stored_as_is(e))
        out->epilogue_elements = (double)e->c_elements;
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum err_code check_types(const struct backend_job *job, enum backend_cpu_unit *unit,
                                 struct err *err)
{
    const struct expr *expr = job->expr;
    if (expr->combine != EXPR_MUL_ADD || expr->tensor_count != 3)
        return err_set(err, ERR_UNSUPPORTED, "the engine sums products only");
    enum dtype a = expr->tensors[1].type, b = expr->tensors[2].type, c = expr->tensors[0].type;
    bool s8 = a == DT_U8 && b == DT_S8 && c != DT_S64, bf16 = a == DT_BF16 && b == DT_BF16;
    if ((!s8 && !bf16) || c == DT_F64)
        return err_set(err, ERR_UNSUPPORTED,
                       "the engine multiplies u8 by s8 or bf16 by bf16, got %s by %s",
                       dtype_name(a), dtype_name(b));
    if (!stays_inside(expr, &expr->tensors[2]))
        return err_set(err, ERR_UNSUPPORTED, "%s is read outside itself", expr->tensors[2].name);
    *unit = s8 ? BACKEND_CPU_S8 : BACKEND_CPU_BF16;
    return ERR_OK;
}

static void find_channels(struct kernel_engine *e)
{
    const struct expr_tensor *out = &e->job.expr->tensors[0];
    const struct backend_epilogue *epilogue = e->job.epilogue;
    e->channel_extent = e->channel_stride = 1;
    if (epilogue == NULL || epilogue->channel_dim >= out->dim_count)
        return;
    e->channel_extent = out->dims[epilogue->channel_dim].extent;
    for (size_t d = epilogue->channel_dim + 1; d < out->dim_count; d++)
        e->channel_stride *= out->dims[d].extent;
}

static void allocate(struct kernel_engine *e)
{
    e->a = aligned(e->a_bytes);
    e->b = aligned(e->b_bytes * (e->fold != 0 ? 1 : (size_t)e->parts[BATCH].points));
    if (e->fold != 0 && !is_stored_as_is(e))
        e->sums = mem_alloc(e->c_elements, sizeof *e->sums);
    e->c = aligned(e->c_elements * dtype_bytes(e->c_type));
    if (e->job.constant != NULL)
        pack_b(e, e->job.constant);
    else
        e->b_host = mem_alloc(e->b_elements, e->element_bytes);
}

enum err_code kernel_engine_plan(struct kernel_engine **out, const struct backend_job *job,
                                 struct err *err)
{
    enum backend_cpu_unit unit = BACKEND_CPU_S8;
    uint64_t points, elements[EXPR_TENSORS_MAX] = { 0 };
    enum err_code rc = check_types(job, &unit, err);
    if (rc == ERR_OK)
        rc = backend_epilogue_check(job, err);
    if (rc == ERR_OK)
        rc = expr_points(job->expr, &points, err);
    for (size_t t = 0; t < 3 && rc == ERR_OK; t++) {
        rc = expr_elements(job->expr, t, &elements[t], err);
        if (rc == ERR_OK && elements[t] > (uint64_t)BYTES_MAX)
            rc = err_set(err, ERR_UNSUPPORTED, "%s has more than 2^31 elements",
                         job->expr->tensors[t].name);
    }
    if (rc != ERR_OK)
        return rc;
    struct kernel_engine *e = mem_alloc(1, sizeof *e);
    e->job = *job;
    e->unit = unit;
    e->set = backend_cpu_kernels(unit);
    e->element_bytes = unit == BACKEND_CPU_S8 ? 1 : 2;
    e->per_quad = QUAD_BYTES / e->element_bytes;
    e->c_type = backend_output_type(job);
    e->b_elements = elements[2];
    e->c_elements = elements[0];
    e->arena = arena_new();
    sort_iterations(e);
    rc = choose_layout(e, err);
    if (rc != ERR_OK) {
        kernel_engine_free(e);
        return rc;
    }
    build_tables(e);
    if (e->fold != 0)
        fold_rows(e);
    else
        build_tiles(e);
    find_channels(e);
    *out = e;
    return ERR_OK;
}

enum err_code kernel_engine_new(struct kernel_engine **out, const struct backend_job *job,
                                struct err *err)
{
    enum err_code rc = kernel_engine_plan(out, job, err);
    if (rc == ERR_OK)
        allocate(*out);
    return rc;
}

void kernel_engine_free(struct kernel_engine *e)
{
    if (e == NULL)
        return;
    free(e->a);
    free(e->b);
    free(e->b_host);
    free(e->c);
    free(e->sums);
    arena_free(e->arena);
    free(e);
}

enum backend_cpu_unit kernel_engine_unit(const struct kernel_engine *e)
{
    return e->unit;
}

const char *kernel_engine_describe(const struct kernel_engine *e)
{
    return e->text;
}
