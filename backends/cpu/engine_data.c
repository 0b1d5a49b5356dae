#include "backends/cpu/engine_state.h"

#include <string.h>

#include "backends/element.h"

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

void kernel_engine_finish_tile(const struct kernel_engine *e, int64_t batch,
                               const struct row_tile *tile, const struct panel *panel,
                               const uint32_t *sums)
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
