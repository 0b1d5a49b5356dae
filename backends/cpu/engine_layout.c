#include "backends/cpu/engine_state.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"

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
void kernel_engine_sort(struct kernel_engine *e)
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
int64_t *kernel_engine_table(const struct kernel_engine *e, enum part p, const int64_t *per_iter)
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
/* --- the layout of A ------------------------------------------------------------------------ */

/* Strides with dimension `inner` innermost, the others in their order. Returns bytes. */
int64_t kernel_engine_lay_out(struct kernel_engine *e, size_t inner)
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

void kernel_engine_packed_steps(const struct kernel_engine *e, int64_t *steps)
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
    kernel_engine_packed_steps(e, steps);
    int64_t *depth = kernel_engine_table(e, DEPTH, steps);
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

enum err_code kernel_engine_choose_layout(struct kernel_engine *e, struct err *err)
{
    size_t channels = kernel_engine_lanes_dim(e);
    if (channels < e->job.expr->tensors[1].dim_count) {
        e->a_bytes = (size_t)kernel_engine_lay_out(e, channels) + SLACK;
        if (e->a_bytes < BYTES_MAX)
            kernel_engine_form_taps(e);
    }
    if (e->fold != 0)
        return ERR_OK;
    size_t dims = e->job.expr->tensors[1].dim_count, best = dims, best_quads = SIZE_MAX;
    struct quad *quads = ARENA_ARRAY(e->arena, struct quad, (size_t)e->parts[DEPTH].points);
    for (size_t inner = dims; inner-- > 0;) {
        if (kernel_engine_lay_out(e, inner) >= BYTES_MAX)
            return err_set(err, ERR_UNSUPPORTED,
                           "the first input takes more than 2 GiB with its padding");
        size_t count = quads_of_layout(e, quads);
        if (count < best_quads) {
            best = inner;
            best_quads = count;
        }
    }
    e->a_bytes = (size_t)kernel_engine_lay_out(e, best) + SLACK;
    e->quads = quads;
    e->quad_count = quads_of_layout(e, quads);
    return ERR_OK;
}

/* --- tables --------------------------------------------------------------------------------- */

void kernel_engine_build_tables(struct kernel_engine *e)
{
    const struct expr *expr = e->job.expr;
    int64_t a_steps[EXPR_ITERS_MAX], b_steps[EXPR_ITERS_MAX], c_steps[EXPR_ITERS_MAX], constant;
    kernel_engine_packed_steps(e, a_steps);
    /* The layout begins at the lowest index, so the constant falls out, but for negative steps. */
    int64_t first = 0;
    for (size_t d = 0; d < expr->tensors[1].dim_count; d++)
        first += e->stride[d] * (expr->tensors[1].dims[d].constant - e->low[d]);
    host_steps(expr, 2, &e->b_constant, b_steps);
    host_steps(expr, 0, &constant, c_steps);
    e->a_batch = kernel_engine_table(e, BATCH, a_steps);
    e->b_batch = kernel_engine_table(e, BATCH, b_steps);
    e->c_batch = kernel_engine_table(e, BATCH, c_steps);
    for (int64_t batch = 0; batch < e->parts[BATCH].points; batch++) {
        e->a_batch[batch] += first;
        e->c_batch[batch] += constant;
    }
    e->b_columns = kernel_engine_table(e, COLUMN, b_steps);
    e->c_columns = kernel_engine_table(e, COLUMN, c_steps);
    e->b_depth = kernel_engine_table(e, DEPTH, b_steps);
    e->c_rows = kernel_engine_table(e, ROW, c_steps);
    int64_t *rows = kernel_engine_table(e, ROW, a_steps);
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
