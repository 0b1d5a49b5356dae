/*
 * What expressions and plans mean, slowly and plainly: the oracle of every faster engine.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "intrinsics/intrin.h"

/* The point that follows in row-major order of count extents; false after the last. */
static bool next_point(int64_t *at, const int64_t *extents, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        if (++at[i] < extents[i])
            return true;
        at[i] = 0;
    }
    return false;
}

static void extents_of(const struct expr *expr, int64_t *extents)
{
    for (size_t i = 0; i < expr->iter_count; i++)
        extents[i] = expr->iters[i].extent;
}

void intrin_run_direct(const struct expr *expr, const int32_t *first, const int32_t *second,
                       int64_t *out)
{
    assert(expr->combine == EXPR_MUL_ADD);
    int64_t at[EXPR_ITERS_MAX] = { 0 }, extents[EXPR_ITERS_MAX];
    extents_of(expr, extents);
    do {
        int64_t a = expr_offset(expr, 1, at), b = expr_offset(expr, 2, at);
        if (a >= 0 && b >= 0)
            out[expr_offset(expr, 0, at)] += (int64_t)first[a] * second[b];
    } while (next_point(at, extents, expr->iter_count));
}

/* --- the plan ------------------------------------------------------------------------------- */

struct buffers {
    int64_t *packed[INTRIN_OPERANDS];
};

static void padded_extents(const struct intrin_plan *plan, size_t operand, int64_t *extents)
{
    for (size_t x = 0; x < plan->axis_count; x++) {
        bool has = plan->operands[operand].offset[x] != NULL;
        extents[x] = has ? plan->axes[x].tiles * plan->axes[x].tile : 1;
    }
}

/* Gather: padding is zero. */
static void pack(const struct intrin_plan *plan, const struct intrin_base *base, size_t operand,
                 const int32_t *from, int64_t *to)
{
    int64_t at[INTRIN_AXES_MAX] = { 0 }, extents[INTRIN_AXES_MAX];
    padded_extents(plan, operand, extents);
    do {
        int64_t offset = intrin_plan_offset(plan, base, operand, at);
        to[intrin_plan_packed(plan, operand, at)] = offset < 0 ? 0 : from[offset];
    } while (next_point(at, extents, plan->axis_count));
}

static void unpack(const struct intrin_plan *plan, const struct intrin_base *base,
                   const int64_t *from, int64_t *to)
{
    int64_t at[INTRIN_AXES_MAX] = { 0 }, extents[INTRIN_AXES_MAX];
    padded_extents(plan, 0, extents);
    do {
        int64_t offset = intrin_plan_offset(plan, base, 0, at);
        if (offset >= 0)
            to[offset] += from[intrin_plan_packed(plan, 0, at)];
    } while (next_point(at, extents, plan->axis_count));
}

/* The instruction: its own expression on three dense tiles. */
static void call(const struct expr *expr, const int64_t *first, const int64_t *second, int64_t *out)
{
    int64_t at[EXPR_ITERS_MAX] = { 0 }, extents[EXPR_ITERS_MAX];
    extents_of(expr, extents);
    do {
        out[expr_offset(expr, 0, at)] +=
            first[expr_offset(expr, 1, at)] * second[expr_offset(expr, 2, at)];
    } while (next_point(at, extents, expr->iter_count));
}

static void run_calls(const struct intrin_plan *plan, const struct buffers *buffers)
{
    int64_t tile[INTRIN_AXES_MAX] = { 0 }, tiles[INTRIN_AXES_MAX];
    for (size_t x = 0; x < plan->axis_count; x++)
        tiles[x] = plan->axes[x].tiles;
    do {
        int64_t *place[INTRIN_OPERANDS];
        for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
            place[t] = buffers->packed[t];
            for (size_t x = 0; x < plan->axis_count; x++)
                place[t] += tile[x] * plan->operands[t].tile_stride[x];
        }
        call(&plan->intrin->expr, place[1], place[2], place[0]);
    } while (next_point(tile, tiles, plan->axis_count));
}

void intrin_run_plan(const struct intrin_plan *plan, const int32_t *first, const int32_t *second,
                     int64_t *out)
{
    struct buffers buffers;
    size_t sizes[INTRIN_OPERANDS];
    for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
        sizes[t] = plan->operands[t].tiles * (size_t)plan->operands[t].tile_elements;
        buffers.packed[t] = mem_alloc(sizes[t], sizeof *buffers.packed[t]);
    }
    for (uint64_t outer = 0; outer < plan->outer_points; outer++) {
        struct intrin_base base;
        intrin_plan_base(plan, outer, &base);
        pack(plan, &base, 1, first, buffers.packed[1]);
        pack(plan, &base, 2, second, buffers.packed[2]);
        memset(buffers.packed[0], 0, sizes[0] * sizeof *buffers.packed[0]);
        run_calls(plan, &buffers);
        unpack(plan, &base, buffers.packed[0], out);
    }
    for (size_t t = 0; t < INTRIN_OPERANDS; t++)
        free(buffers.packed[t]);
}
