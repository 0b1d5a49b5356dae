#include "backends/cpu/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backends/cpu/engine_state.h"
#include "backends/element.h"
#include "core/arena.h"
#include "core/num.h"

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

#define LARGE_PAGE_BYTES ((size_t)2 << 20)
#define LARGE_FROM_BYTES ((size_t)512 << 10) /* the large pages of a smaller job are mostly air */

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static uint8_t *new_zeros(size_t bytes, size_t page)
{
    bytes = round_up(bytes, page);
    uint8_t *block = aligned_alloc(page, bytes);
    if (block == NULL)
        abort();
    if (page == LARGE_PAGE_BYTES)
        madvise(block, bytes, MADV_HUGEPAGE); /* a wish */
    memset(block, 0, bytes);
    return block;
}

/* Large tensors in one block of large pages: hardware prefetch ends at a page's end. Small ones
 * apart, where a sanitizer sees them. */
static void allocate(struct kernel_engine *e)
{
    size_t a = round_up(e->a_bytes, KERNEL_LINE_BYTES), c = e->c_elements * dtype_bytes(e->c_type);
    size_t b = round_up(e->b_bytes * (e->fold != 0 ? 1 : (size_t)e->parts[BATCH].points),
                        KERNEL_LINE_BYTES);
    e->one_block = a + b + c >= LARGE_FROM_BYTES;
    if (e->one_block) {
        e->a = new_zeros(a + b + c, LARGE_PAGE_BYTES);
        e->b = e->a + a;
        e->c = e->b + b;
    } else {
        e->a = new_zeros(a, KERNEL_LINE_BYTES);
        e->b = new_zeros(b, KERNEL_LINE_BYTES);
        e->c = new_zeros(c, KERNEL_LINE_BYTES);
    }
    e->a_now = e->a;
    if (e->fold != 0 && !kernel_engine_stores_as_is(e))
        e->sums = mem_alloc(e->c_elements, sizeof *e->sums);
    if (e->job.constant != NULL)
        kernel_engine_pack_b(e, e->job.constant);
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
    kernel_engine_sort(e);
    rc = kernel_engine_choose_layout(e, err);
    if (rc != ERR_OK) {
        kernel_engine_free(e);
        return rc;
    }
    kernel_engine_build_tables(e);
    if (e->fold != 0)
        kernel_engine_build_lanes(e);
    else
        kernel_engine_build_tiles(e);
    find_channels(e);
    kernel_engine_look_at_c(e);
    e->a_in_place = job->inputs_in_place && kernel_engine_a_is_host(e);
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
    if (!e->one_block) {
        free(e->b);
        free(e->c);
    }
    free(e->b_host);
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

void kernel_engine_load(struct kernel_engine *e, size_t input, const void *data)
{
    if (input == 0 && e->a_in_place)
        e->a_now = data;
    else if (input == 0)
        kernel_engine_copy_a(e, data);
    else
        memcpy(e->b_host, data, e->b_elements * e->element_bytes);
}

void kernel_engine_compute(struct kernel_engine *e)
{
    if (e->job.constant == NULL)
        kernel_engine_pack_b(e, e->b_host);
    if (e->fold != 0)
        kernel_engine_run_lanes(e);
    else
        kernel_engine_run_tiles(e);
}

bool kernel_engine_compute_to(struct kernel_engine *e, void *output)
{
    void *own = e->c;
    if (!e->dense)
        return false;
    e->c = output;
    kernel_engine_compute(e);
    e->c = own;
    return true;
}

void kernel_engine_store(const struct kernel_engine *e, void *output)
{
    if (e->fold != 0)
        kernel_engine_store_lanes(e, output);
    else
        kernel_engine_store_rows(e, output);
}
