/*
 * Lowering: virtual (iterations of an axis fused in mixed radix) to physical (div, mod, padding).
 * An operand's offset is linear in the iterations, so it separates into one table per axis; a
 * dimension that may be read outside its tensor keeps its index beside the offset, in a guard.
 * docs/model.md M-63, M-71, M-72.
 */
#include <assert.h>
#include <string.h>

#include "core/num.h"
#include "intrinsics/intrin.h"

#define TABLE_ENTRIES_MAX (UINT64_C(1) << 27)
#define ELEMENTS_MAX      (UINT64_C(1) << 48)

/* --- axes and loops ------------------------------------------------------------------------- */

static enum err_code fuse_axis(struct intrin_plan *plan, size_t x, struct err *err)
{
    struct intrin_plan_axis *axis = &plan->axes[x];
    uint64_t extent = 1;
    for (unsigned i = 0; i < plan->expr->iter_count; i++) {
        if (!(plan->mapping.axis[x] >> i & 1))
            continue;
        axis->iters[axis->iter_count++] = i;
        if (!mul_size(extent, (uint64_t)plan->expr->iters[i].extent, &extent))
            return err_set(err, ERR_OVERFLOW, "the fused extent of axis %s exceeds 63 bits",
                           plan->intrin->expr.iters[x].name);
    }
    if (extent > TABLE_ENTRIES_MAX)
        return err_set(err, ERR_LIMIT, "axis %s has a fused extent of %llu, more than 2^27",
                       plan->intrin->expr.iters[x].name, (unsigned long long)extent);
    axis->extent = (int64_t)extent;
    axis->tile = plan->intrin->expr.iters[x].extent;
    axis->tiles = (int64_t)ceil_div_u64(extent, (uint64_t)axis->tile);
    return ERR_OK;
}

static enum err_code find_loops(struct intrin_plan *plan, struct err *err)
{
    uint16_t mapped = 0;
    for (size_t x = 0; x < plan->axis_count; x++)
        mapped |= plan->mapping.axis[x];
    plan->outer_points = 1;
    for (int reduce = 0; reduce < 2; reduce++) {
        for (unsigned i = 0; i < plan->expr->iter_count; i++) {
            const struct expr_iter *iter = &plan->expr->iters[i];
            if ((mapped >> i & 1) || iter->reduce != reduce)
                continue;
            plan->loops[plan->loop_count++] =
                (struct intrin_plan_loop){ i, iter->extent, iter->reduce };
            if (!mul_size(plan->outer_points, (uint64_t)iter->extent, &plan->outer_points))
                return err_set(err, ERR_OVERFLOW, "the outer loops exceed 63 bits");
        }
    }
    return ERR_OK;
}

/* --- operands ------------------------------------------------------------------------------- */

static int64_t row_major_stride(const struct expr_tensor *tensor, size_t d)
{
    int64_t stride = 1;
    for (size_t later = d + 1; later < tensor->dim_count; later++)
        stride *= tensor->dims[later].extent;
    return stride;
}

static bool needs_guard(const struct expr *expr, const struct expr_dim *dim)
{
    int64_t low = dim->constant, high = dim->constant;
    for (size_t i = 0; i < expr->iter_count; i++) {
        int64_t span = dim->coeff[i] * (expr->iters[i].extent - 1);
        *(span < 0 ? &low : &high) += span;
    }
    return dim->divisor != 1 || low < 0 || high >= dim->extent;
}

static bool operand_has_axis(const struct intrin_plan *plan, size_t operand, size_t x)
{
    const struct expr_tensor *tensor = &plan->intrin->expr.tensors[operand];
    for (size_t d = 0; d < tensor->dim_count; d++) {
        if (tensor->dims[d].coeff[x] != 0)
            return true;
    }
    return false;
}

/* table[f] = Σ per_iter[i] · digit i of f, for all fused indices f. */
static int64_t *axis_table(struct intrin_plan *plan, const struct intrin_plan_axis *axis,
                           const int64_t *per_iter)
{
    int64_t *table = ARENA_ARRAY(plan->arena, int64_t, (size_t)axis->extent);
    int64_t filled = 1;
    for (size_t at = axis->iter_count; at-- > 0;) {
        unsigned iter = axis->iters[at];
        for (int64_t digit = 1; digit < plan->expr->iters[iter].extent; digit++) {
            for (int64_t f = 0; f < filled; f++)
                table[digit * filled + f] = table[f] + digit * per_iter[iter];
        }
        filled *= plan->expr->iters[iter].extent;
    }
    assert(filled == axis->extent);
    return table;
}

static void add_guard(struct intrin_plan *plan, size_t operand, size_t d, int64_t stride)
{
    const struct expr_dim *dim = &plan->expr->tensors[operand].dims[d];
    struct intrin_plan_operand *op = &plan->operands[operand];
    struct intrin_guard *guard = &op->guards[op->guard_count++];
    guard->dim = d;
    guard->divisor = dim->divisor;
    guard->extent = dim->extent;
    guard->stride = dim->divisor == 1 ? 0 : stride;
    guard->constant = dim->constant;
    for (size_t l = 0; l < plan->loop_count; l++)
        guard->outer[l] = dim->coeff[plan->loops[l].iter];
    for (size_t x = 0; x < plan->axis_count; x++) {
        if (op->offset[x] != NULL)
            guard->index[x] = axis_table(plan, &plan->axes[x], dim->coeff);
    }
}

static void lower_addresses(struct intrin_plan *plan, size_t operand)
{
    const struct expr_tensor *tensor = &plan->expr->tensors[operand];
    struct intrin_plan_operand *op = &plan->operands[operand];
    int64_t per_iter[EXPR_ITERS_MAX] = { 0 };
    for (size_t d = 0; d < tensor->dim_count; d++) {
        const struct expr_dim *dim = &tensor->dims[d];
        if (dim->divisor != 1)
            continue; /* its guard adds it */
        int64_t stride = row_major_stride(tensor, d);
        op->constant += stride * dim->constant;
        for (size_t i = 0; i < plan->expr->iter_count; i++)
            per_iter[i] += stride * dim->coeff[i];
    }
    for (size_t l = 0; l < plan->loop_count; l++)
        op->outer[l] = per_iter[plan->loops[l].iter];
    for (size_t x = 0; x < plan->axis_count; x++) {
        if (operand_has_axis(plan, operand, x))
            op->offset[x] = axis_table(plan, &plan->axes[x], per_iter);
    }
    for (size_t d = 0; d < tensor->dim_count; d++) {
        if (needs_guard(plan->expr, &tensor->dims[d]))
            add_guard(plan, operand, d, row_major_stride(tensor, d));
    }
}

static bool tensor_uses(const struct expr_tensor *tensor, size_t iter)
{
    for (size_t d = 0; d < tensor->dim_count; d++) {
        if (tensor->dims[d].coeff[iter] != 0)
            return true;
    }
    return false;
}

/* Tiles in the order of the operand's own dimensions, dense inside. */
static enum err_code lower_packing(struct intrin_plan *plan, size_t operand, struct err *err)
{
    const struct expr_tensor *own = &plan->intrin->expr.tensors[operand];
    struct intrin_plan_operand *op = &plan->operands[operand];
    op->tile_elements = 1;
    op->tiles = 1;
    uint64_t tiles = 1;
    bool fits = true;
    for (size_t d = own->dim_count; d-- > 0;) {
        for (size_t x = 0; x < plan->axis_count; x++) {
            if (own->dims[d].coeff[x] == 0)
                continue;
            op->element_stride[x] = op->tile_elements;
            op->tile_elements *= plan->axes[x].tile;
            op->tile_stride[x] = (int64_t)tiles;
            fits = fits && mul_size(tiles, (uint64_t)plan->axes[x].tiles, &tiles);
        }
    }
    for (size_t x = 0; x < plan->axis_count; x++)
        op->tile_stride[x] *= op->tile_elements;
    op->tiles = tiles;
    uint64_t bytes = tiles;
    fits = fits && mul_size(bytes, (uint64_t)op->tile_elements, &bytes) &&
           mul_size(bytes, dtype_bytes(own->type), &bytes);
    for (size_t l = 0; l < plan->loop_count; l++) {
        if (tensor_uses(&plan->expr->tensors[operand], plan->loops[l].iter))
            fits = fits && mul_size(bytes, (uint64_t)plan->loops[l].extent, &bytes);
    }
    op->packed_bytes = bytes;
    return fits ? ERR_OK
                : err_set(err, ERR_OVERFLOW, "the packed operand %s exceeds 63 bits",
                          plan->expr->tensors[operand].name);
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum err_code check_size(const struct intrin_plan *plan, struct err *err)
{
    uint64_t entries = 0;
    for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
        uint64_t elements;
        enum err_code rc = expr_elements(plan->expr, t, &elements, err);
        if (rc != ERR_OK)
            return rc;
        if (elements > ELEMENTS_MAX)
            return err_set(err, ERR_LIMIT, "%s has more than 2^48 elements",
                           plan->expr->tensors[t].name);
        uint64_t tables = 1;
        for (size_t d = 0; d < plan->expr->tensors[t].dim_count; d++)
            tables += needs_guard(plan->expr, &plan->expr->tensors[t].dims[d]);
        for (size_t x = 0; x < plan->axis_count; x++)
            entries += operand_has_axis(plan, t, x) ? tables * (uint64_t)plan->axes[x].extent : 0;
    }
    if (entries > TABLE_ENTRIES_MAX)
        return err_set(err, ERR_LIMIT, "the offset tables have more than 2^27 entries");
    return ERR_OK;
}

static enum err_code count_calls(struct intrin_plan *plan, struct err *err)
{
    uint64_t points, calls = plan->outer_points, slots;
    bool fits = true;
    for (size_t x = 0; x < plan->axis_count; x++)
        fits = fits && mul_size(calls, (uint64_t)plan->axes[x].tiles, &calls);
    slots = calls;
    for (size_t x = 0; x < plan->axis_count; x++)
        fits = fits && mul_size(slots, (uint64_t)plan->axes[x].tile, &slots);
    if (!fits)
        return err_set(err, ERR_OVERFLOW, "the number of calls exceeds 63 bits");
    enum err_code rc = expr_points(plan->expr, &points, err);
    if (rc != ERR_OK)
        return rc;
    plan->calls = calls;
    plan->padding_frac = 1.0 - (double)points / (double)slots;
    for (size_t t = 0; t < INTRIN_OPERANDS; t++)
        plan->bytes_moved += plan->operands[t].packed_bytes;
    return ERR_OK;
}

enum err_code intrin_plan_init(struct intrin_plan *out, const struct intrin *intrin,
                               const struct expr *expr, const struct intrin_mapping *mapping,
                               struct err *err)
{
    assert(intrin_mapping_is_valid(intrin, expr, mapping));
    struct intrin_plan plan = {
        .intrin = intrin, .expr = expr, .mapping = *mapping, .axis_count = intrin->expr.iter_count
    };
    enum err_code rc = find_loops(&plan, err);
    for (size_t x = 0; x < plan.axis_count && rc == ERR_OK; x++)
        rc = fuse_axis(&plan, x, err);
    if (rc == ERR_OK)
        rc = check_size(&plan, err);
    for (size_t t = 0; t < INTRIN_OPERANDS && rc == ERR_OK; t++)
        rc = lower_packing(&plan, t, err);
    if (rc == ERR_OK)
        rc = count_calls(&plan, err);
    if (rc != ERR_OK)
        return rc;
    plan.arena = arena_new();
    for (size_t t = 0; t < INTRIN_OPERANDS; t++)
        lower_addresses(&plan, t);
    *out = plan;
    return ERR_OK;
}

void intrin_plan_release(struct intrin_plan *plan)
{
    arena_free(plan->arena);
    memset(plan, 0, sizeof *plan);
}

/* --- reading a plan ------------------------------------------------------------------------- */

void intrin_plan_base(const struct intrin_plan *plan, uint64_t outer, struct intrin_base *out)
{
    assert(outer < plan->outer_points);
    int64_t at[EXPR_ITERS_MAX];
    for (size_t l = plan->loop_count; l-- > 0;) {
        at[l] = (int64_t)(outer % (uint64_t)plan->loops[l].extent);
        outer /= (uint64_t)plan->loops[l].extent;
    }
    for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
        const struct intrin_plan_operand *op = &plan->operands[t];
        out->offset[t] = op->constant;
        for (size_t l = 0; l < plan->loop_count; l++)
            out->offset[t] += op->outer[l] * at[l];
        for (size_t g = 0; g < op->guard_count; g++) {
            out->guard[t][g] = op->guards[g].constant;
            for (size_t l = 0; l < plan->loop_count; l++)
                out->guard[t][g] += op->guards[g].outer[l] * at[l];
        }
    }
}

int64_t intrin_plan_offset(const struct intrin_plan *plan, const struct intrin_base *base,
                           size_t operand, const int64_t *at)
{
    const struct intrin_plan_operand *op = &plan->operands[operand];
    int64_t offset = base->offset[operand];
    for (size_t x = 0; x < plan->axis_count; x++) {
        if (op->offset[x] == NULL)
            continue;
        if (at[x] >= plan->axes[x].extent)
            return -1;
        offset += op->offset[x][at[x]];
    }
    for (size_t g = 0; g < op->guard_count; g++) {
        const struct intrin_guard *guard = &op->guards[g];
        int64_t index = base->guard[operand][g];
        for (size_t x = 0; x < plan->axis_count; x++)
            index += guard->index[x] != NULL ? guard->index[x][at[x]] : 0;
        if (index < 0 || index % guard->divisor != 0 || index / guard->divisor >= guard->extent)
            return -1;
        offset += guard->stride * (index / guard->divisor);
    }
    return offset;
}

int64_t intrin_plan_packed(const struct intrin_plan *plan, size_t operand, const int64_t *at)
{
    const struct intrin_plan_operand *op = &plan->operands[operand];
    int64_t address = 0;
    for (size_t x = 0; x < plan->axis_count; x++) {
        int64_t tile = plan->axes[x].tile;
        address += at[x] / tile * op->tile_stride[x] + at[x] % tile * op->element_stride[x];
    }
    return address;
}
