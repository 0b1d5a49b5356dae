#include "backends/cpu/engine_state.h"

#include <string.h>

#include "backends/element.h"

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Dimension by dimension; the innermost one of the host's tensor in a loop of its own. */
static void copy_a(const struct kernel_engine *e, size_t d, const uint8_t *from, uint8_t *to)
{
    const struct expr_tensor *tensor = &e->job.expr->tensors[1];
    const struct expr_dim *dim = &tensor->dims[d];
    int64_t inner = e->element_bytes;
    for (size_t later = d + 1; later < tensor->dim_count; later++)
        inner *= tensor->dims[later].extent;
    if (d + 1 == tensor->dim_count && dim->divisor == 1 && e->stride[d] == inner) {
        int64_t begin = max_i64(0, e->low[d]), end = min_i64(dim->extent, e->low[d] + e->span[d]);
        if (begin < end)
            memcpy(to + (begin - e->low[d]) * inner, from + begin * inner,
                   (size_t)((end - begin) * inner));
        return;
    }
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

/* Are columns [begin, begin + count) neighbours in the host's tensor? */
static bool columns_adjoin(const struct kernel_engine *e, const struct panel *panel)
{
    const int64_t *at = &e->b_columns[panel->begin];
    for (unsigned n = 1; n < panel->columns; n++)
        if (at[n] - at[n - 1] != 1)
            return false;
    return true;
}

/* Do a quad's elements lie side by side in the host's tensor? */
static bool quad_adjoins(const struct kernel_engine *e, const struct quad *quad)
{
    for (size_t k = 0; k < e->per_quad; k++)
        if (quad->depth[k] < 0 ||
            e->b_depth[quad->depth[k]] != e->b_depth[quad->depth[0]] + (int64_t)k)
            return false;
    return true;
}

/* Four rows of bytes, column by column. */
static void interleave(const uint8_t *const rows[QUAD_BYTES], unsigned columns, uint8_t *to)
{
    const uint8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
    for (unsigned n = 0; n < columns; n++) {
        to[QUAD_BYTES * n] = r0[n];
        to[QUAD_BYTES * n + 1] = r1[n];
        to[QUAD_BYTES * n + 2] = r2[n];
        to[QUAD_BYTES * n + 3] = r3[n];
    }
}

/* Of bytes whose columns are neighbours. */
static void pack_rows(const struct kernel_engine *e, const uint8_t *host, int64_t batch,
                      const struct panel *panel, uint8_t *to)
{
    static const uint8_t zeros[KERNEL_LANES * KERNEL_VECTORS_MAX];
    size_t step = (size_t)panel->vectors * KERNEL_LANES * QUAD_BYTES;
    const uint8_t *first = host + e->b_constant + e->b_batch[batch] + e->b_columns[panel->begin];
    for (size_t q = 0; q < e->quad_count; q++, to += step) {
        const uint8_t *rows[QUAD_BYTES];
        for (size_t k = 0; k < QUAD_BYTES; k++) {
            int64_t depth = e->quads[q].depth[k];
            rows[k] = depth < 0 ? zeros : first + e->b_depth[depth];
        }
        interleave(rows, panel->columns, to);
        memset(to + QUAD_BYTES * panel->columns, 0, step - QUAD_BYTES * panel->columns);
    }
}

static void pack_panel(const struct kernel_engine *e, const uint8_t *host, int64_t batch,
                       const struct panel *panel, uint8_t *to)
{
    if (e->element_bytes == 1 && columns_adjoin(e, panel)) {
        pack_rows(e, host, batch, panel, to);
        return;
    }
    size_t width = (size_t)panel->vectors * KERNEL_LANES;
    memset(to, 0, e->quad_count * width * QUAD_BYTES);
    int64_t first = e->b_constant + e->b_batch[batch];
    const int64_t *columns = &e->b_columns[panel->begin];
    for (size_t q = 0; q < e->quad_count; q++) {
        if (quad_adjoins(e, &e->quads[q])) {
            const uint8_t *row =
                host + (first + e->b_depth[e->quads[q].depth[0]]) * e->element_bytes;
            for (unsigned n = 0; n < panel->columns; n++)
                memcpy(to + (q * width + n) * QUAD_BYTES, row + columns[n] * e->element_bytes,
                       QUAD_BYTES);
            continue;
        }
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

void kernel_engine_pack_b(struct kernel_engine *e, const void *host)
{
    if (e->fold != 0) {
        kernel_engine_pack_lanes(e, host);
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

void kernel_engine_copy_a(const struct kernel_engine *e, const void *host)
{
    copy_a(e, 0, host, e->a);
}

#define ZERO_POINT_MAX 1000

bool kernel_engine_finish_row(const struct kernel_engine *e, const uint32_t *sums, size_t count,
                              int64_t host, size_t to)
{
    const struct backend_epilogue *epilogue = e->job.epilogue;
    bool eight_bits = e->c_type == DT_U8 || e->c_type == DT_S8;
    if (e->set != &kernel_set_avx512vnni || !eight_bits || epilogue == NULL ||
        epilogue->scale == NULL || e->channel_stride != 1 ||
        epilogue->zero_point > ZERO_POINT_MAX || epilogue->zero_point < -ZERO_POINT_MAX)
        return false;
    size_t channel = (size_t)(host % e->channel_extent);
    if (channel + count > (size_t)e->channel_extent)
        return false;
    const struct kernel_finish finish = {
        .sums = sums,
        .count = count,
        .bias = epilogue->bias_s32 != NULL ? epilogue->bias_s32 + channel : NULL,
        .scale = epilogue->scale + channel,
        .relu = epilogue->relu,
        .is_signed = e->c_type == DT_S8,
        .zero_point = epilogue->zero_point,
        .out = (uint8_t *)e->c + to,
    };
    kernel_finish_avx512(&finish);
    return true;
}

/* Do columns of C, or channels of a depthwise job, follow each other in the host's tensor? */
static bool are_neighbours(const int64_t *offsets, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (offsets[i] != offsets[i - 1] + 1)
            return false;
    return true;
}

/* Is C as it is computed, rows by columns, the host's tensor? */
static bool is_dense(const struct kernel_engine *e, const int64_t *fast)
{
    int64_t rows = e->parts[ROW].points, batches = e->parts[BATCH].points;
    int64_t columns = e->fold != 0 ? batches : e->parts[COLUMN].points;
    for (int64_t m = 0; m < rows; m++) {
        int64_t row = e->c_rows[m] + fast[0];
        if (e->fold != 0 && row != m * columns)
            return false;
        for (int64_t batch = 0; e->fold == 0 && batch < batches; batch++)
            if (e->c_batch[batch] + row != (batch * rows + m) * columns)
                return false;
    }
    return true;
}

bool kernel_engine_a_is_host(const struct kernel_engine *e)
{
    const struct expr_tensor *tensor = &e->job.expr->tensors[1];
    int64_t stride = e->element_bytes;
    for (size_t d = tensor->dim_count; d-- > 0;) {
        const struct expr_dim *dim = &tensor->dims[d];
        if (dim->divisor != 1 || e->low[d] != 0 || e->span[d] > dim->extent ||
            (e->stride[d] != stride && dim->extent > 1))
            return false;
        stride *= dim->extent;
    }
    return true;
}

void kernel_engine_look_at_c(struct kernel_engine *e)
{
    const int64_t *fast = e->fold != 0 ? e->c_batch : e->c_columns;
    e->columns_follow =
        are_neighbours(fast, (size_t)e->parts[e->fold != 0 ? BATCH : COLUMN].points);
    e->dense = e->columns_follow && is_dense(e, fast);
}

void kernel_engine_finish_tile(const struct kernel_engine *e, int64_t batch,
                               const struct row_tile *tile, const struct panel *panel,
                               const uint32_t *sums)
{
    int64_t rows = e->parts[ROW].points, columns = e->parts[COLUMN].points;
    for (unsigned m = 0; m < tile->count; m++) {
        int64_t row = tile->begin + m;
        const uint32_t *from = sums + e->rows_tile[m];
        if (e->columns_follow &&
            kernel_engine_finish_row(e, from, panel->columns,
                                     e->c_batch[batch] + e->c_rows[row] +
                                         e->c_columns[panel->begin],
                                     (size_t)((batch * rows + row) * columns + panel->begin)))
            continue;
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

bool kernel_engine_stores_as_is(const struct kernel_engine *e)
{
    return e->job.epilogue == NULL && e->c_type == (e->unit == BACKEND_CPU_BF16 ? DT_F32 : DT_S32);
}

void kernel_engine_store_rows(const struct kernel_engine *e, uint8_t *output)
{
    size_t bytes = dtype_bytes(e->c_type);
    int64_t rows = e->parts[ROW].points, columns = e->parts[COLUMN].points;
    const uint8_t *from = e->c;
    for (int64_t batch = 0; batch < e->parts[BATCH].points; batch++)
        for (int64_t m = 0; m < rows; m++)
            for (int64_t n = 0; n < columns; n++, from += bytes)
                memcpy(output +
                           (size_t)(e->c_batch[batch] + e->c_rows[m] + e->c_columns[n]) * bytes,
                       from, bytes);
}
