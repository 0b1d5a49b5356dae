/*
 * The ranking model of AMOS (ISCA 2022, sec. 5): nested max(compute, read, write) over register
 * tiles, the reduction, and blocks spread over the machine's units. docs/model.md M-63 to M-70.
 *
 * It is meant to order the mappings of one operator on one intrinsic. It knows nothing of caches
 * beyond "fits or not", nor of the order in which units take their blocks.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "intrinsics/intrin.h"

struct model {
    const struct intrin *intrin;
    const struct expr *expr;
    size_t axis_count;
    uint64_t extent[INTRIN_AXES_MAX], tiles[INTRIN_AXES_MAX];
    uint64_t per_block[INTRIN_AXES_MAX], blocks[INTRIN_AXES_MAX]; /* calls; spatial axes */
    uint16_t mapping[INTRIN_AXES_MAX], outer;                     /* iterations */
};

static double product_of(const struct expr *expr, uint16_t iterations)
{
    double product = 1;
    for (size_t i = 0; i < expr->iter_count; i++)
        product *= iterations >> i & 1 ? (double)expr->iters[i].extent : 1;
    return product;
}

static uint16_t iterations_of(const struct expr *expr, size_t tensor)
{
    uint16_t bits = 0;
    const struct expr_tensor *t = &expr->tensors[tensor];
    for (size_t d = 0; d < t->dim_count; d++) {
        for (size_t i = 0; i < expr->iter_count; i++)
            bits |= (uint16_t)((t->dims[d].coeff[i] != 0) << i);
    }
    return bits;
}

static uint16_t reductions(const struct expr *expr)
{
    uint16_t bits = 0;
    for (size_t i = 0; i < expr->iter_count; i++)
        bits |= (uint16_t)(expr->iters[i].reduce << i);
    return bits;
}

static bool operand_has_axis(const struct model *m, size_t operand, size_t x)
{
    return iterations_of(&m->intrin->expr, operand) >> x & 1;
}

static enum err_code set_up(struct model *m, const struct intrin_mapping *mapping,
                            struct intrin_cost *out, struct err *err)
{
    m->axis_count = m->intrin->expr.iter_count;
    uint64_t calls = 1, slots = 1, points;
    uint16_t mapped = 0;
    bool fits = true;
    for (size_t x = 0; x < m->axis_count; x++) {
        const struct expr_iter *axis = &m->intrin->expr.iters[x];
        uint64_t extent = 1;
        for (size_t i = 0; i < m->expr->iter_count; i++) {
            if (mapping->axis[x] >> i & 1)
                fits = fits && mul_size(extent, (uint64_t)m->expr->iters[i].extent, &extent);
        }
        m->extent[x] = extent;
        m->tiles[x] = ceil_div_u64(extent, (uint64_t)axis->extent);
        m->blocks[x] = axis->reduce ? 1 : ceil_div_u64(m->tiles[x], m->intrin->block[x]);
        m->per_block[x] = axis->reduce ? 1 : ceil_div_u64(m->tiles[x], m->blocks[x]);
        m->mapping[x] = mapping->axis[x];
        mapped |= mapping->axis[x];
        fits = fits && mul_size(calls, m->tiles[x], &calls);
        fits = fits && mul_size(slots, (uint64_t)axis->extent, &slots);
    }
    m->outer = (uint16_t)(((1u << m->expr->iter_count) - 1) & ~mapped);
    for (size_t i = 0; i < m->expr->iter_count; i++) {
        if (m->outer >> i & 1)
            fits = fits && mul_size(calls, (uint64_t)m->expr->iters[i].extent, &calls);
    }
    fits = fits && mul_size(slots, calls, &slots);
    if (!fits)
        return err_set(err, ERR_OVERFLOW, "the number of calls exceeds 63 bits");
    enum err_code rc = expr_points(m->expr, &points, err);
    if (rc != ERR_OK)
        return rc;
    out->calls = calls;
    out->padding_frac = 1.0 - (double)points / (double)slots;
    return ERR_OK;
}

/* Bytes of the operand's packed tiles, each distinct one once. Docs: docs/model.md M-65. */
static double packed_bytes(const struct model *m, size_t operand)
{
    double bytes = dtype_bytes(m->intrin->expr.tensors[operand].type);
    for (size_t x = 0; x < m->axis_count; x++) {
        if (operand_has_axis(m, operand, x))
            bytes *= (double)m->tiles[x] * (double)m->intrin->expr.iters[x].extent;
    }
    return bytes * product_of(m->expr, m->outer & iterations_of(m->expr, operand));
}

/* Row-major distance of one step of an iteration; 0 if a quotient takes part. */
static int64_t step_of(const struct expr_tensor *tensor, size_t iter)
{
    int64_t step = 0, stride = 1;
    for (size_t d = tensor->dim_count; d-- > 0;) {
        if (tensor->dims[d].coeff[iter] != 0 && tensor->dims[d].divisor != 1)
            return 0;
        step += stride * tensor->dims[d].coeff[iter];
        stride *= tensor->dims[d].extent;
    }
    return step;
}

/* Longest run of neighbouring elements along one axis. Docs: docs/model.md M-67. */
static double run_along(const struct model *m, size_t operand, size_t x)
{
    int64_t run = 1;
    for (size_t i = m->expr->iter_count; i-- > 0;) {
        int64_t extent = m->expr->iters[i].extent;
        if (!(m->mapping[x] >> i & 1) || extent == 1)
            continue;
        if (step_of(&m->expr->tensors[operand], i) != run)
            break;
        run *= extent;
    }
    return (double)run;
}

/* Bytes of staging accesses that gather an input, whole granules. Docs: docs/model.md M-67. */
static double gather_bytes(const struct model *m, size_t operand)
{
    double run = 1;
    double elements = product_of(m->expr, m->outer & iterations_of(m->expr, operand));
    for (size_t x = 0; x < m->axis_count; x++) {
        if (!operand_has_axis(m, operand, x))
            continue;
        double along = run_along(m, operand, x);
        run = along > run ? along : run;
        elements *= (double)m->extent[x];
    }
    uint64_t granule = m->intrin->machine->granule_bytes;
    uint64_t run_bytes = (uint64_t)run * dtype_bytes(m->intrin->expr.tensors[operand].type);
    return elements / run * (double)(ceil_div_u64(run_bytes, granule) * granule);
}

/* Bytes an input takes from memory: again for every block that does not share it, unless it stays
 * in the cache. Docs: docs/model.md M-68. */
static double memory_bytes(const struct model *m, size_t operand)
{
    const struct expr_tensor *tensor = &m->expr->tensors[operand];
    double elements = 1;
    for (size_t d = 0; d < tensor->dim_count; d++)
        elements *= (double)tensor->dims[d].extent;
    uint16_t used = iterations_of(m->expr, operand);
    double touched = product_of(m->expr, used);
    double bytes = (touched < elements ? touched : elements) * dtype_bytes(tensor->type);
    if (bytes <= m->intrin->machine->cache_bytes)
        return bytes;
    double repeats =
        product_of(m->expr, m->outer & (uint16_t)~used & (uint16_t)~reductions(m->expr));
    for (size_t x = 0; x < m->axis_count; x++) {
        if (!operand_has_axis(m, operand, x))
            repeats *= (double)m->blocks[x];
    }
    return bytes * repeats;
}

/* Docs: docs/model.md M-63, M-64, M-66: rounds of blocks, each a reduction of register tiles. */
static void predict_inner(const struct model *m, double rounds, struct intrin_cost *out)
{
    const struct intrin_machine *machine = m->intrin->machine;
    double steps = product_of(m->expr, m->outer & reductions(m->expr)), calls = 1;
    for (size_t x = 0; x < m->axis_count; x++) {
        calls *= (double)m->per_block[x];
        steps *= m->intrin->expr.iters[x].reduce ? (double)m->tiles[x] : 1;
    }
    double bytes = 0;
    for (size_t t = 1; t < INTRIN_OPERANDS; t++) {
        double tile = dtype_bytes(m->intrin->expr.tensors[t].type);
        for (size_t x = 0; x < m->axis_count; x++) {
            if (operand_has_axis(m, t, x))
                tile *= (double)m->per_block[x] * (double)m->intrin->expr.iters[x].extent;
        }
        bytes += tile;
    }
    double bytes_per_cycle = machine->staging_bytes_per_s / machine->clock_hz;
    out->cycles[INTRIN_BY_COMPUTE] = rounds * steps * calls * m->intrin->interval_cycles;
    out->cycles[INTRIN_BY_LATENCY] = rounds * steps * m->intrin->latency_cycles;
    out->cycles[INTRIN_BY_STAGING] = rounds * steps * bytes / bytes_per_cycle;
}

/* Docs: docs/model.md M-67 to M-69. */
static void predict_outer(const struct model *m, double blocks, struct intrin_cost *out)
{
    const struct intrin_machine *machine = m->intrin->machine;
    double units = blocks < machine->units ? blocks : machine->units;
    double staging = machine->staging_bytes_per_s / machine->clock_hz * units;
    double memory = machine->memory_bytes_per_s / machine->clock_hz;
    for (size_t t = 1; t < INTRIN_OPERANDS; t++) {
        out->cycles[INTRIN_BY_PACKING] += gather_bytes(m, t) / staging;
        out->cycles[INTRIN_BY_READ] += memory_bytes(m, t) / memory;
    }
    double written =
        product_of(m->expr, iterations_of(m->expr, 0)) * dtype_bytes(m->expr->tensors[0].type);
    out->cycles[INTRIN_BY_WRITE] = written / memory;
}

/* Docs: docs/model.md M-70. */
enum err_code intrin_predict(const struct intrin *intrin, const struct expr *expr,
                             const struct intrin_mapping *mapping, struct intrin_cost *out,
                             struct err *err)
{
    struct model m = { .intrin = intrin, .expr = expr };
    struct intrin_cost cost = { 0 };
    enum err_code rc = set_up(&m, mapping, &cost, err);
    if (rc != ERR_OK)
        return rc;
    double moved = 0;
    for (size_t t = 0; t < INTRIN_OPERANDS; t++)
        moved += packed_bytes(&m, t);
    if (moved >= (double)NUM_MAX_SIZE)
        return err_set(err, ERR_OVERFLOW, "the bytes moved exceed 63 bits");
    cost.bytes_moved = (uint64_t)moved;
    double blocks = product_of(expr, m.outer & (uint16_t)~reductions(expr));
    for (size_t x = 0; x < m.axis_count; x++)
        blocks *= (double)m.blocks[x];
    double units = intrin->machine->units;
    double rounds = (double)(uint64_t)((blocks + units - 1) / units);
    predict_inner(&m, rounds, &cost);
    predict_outer(&m, blocks, &cost);
    for (unsigned b = 0; b < INTRIN_BOUND_COUNT; b++) {
        if (cost.cycles[b] > cost.predicted_cycles) {
            cost.predicted_cycles = cost.cycles[b];
            cost.bound = (enum intrin_bound)b;
        }
    }
    cost.predicted_ns = cost.predicted_cycles / intrin->machine->clock_hz * 1e9;
    *out = cost;
    return ERR_OK;
}

static int compare_choices(const void *left, const void *right)
{
    const struct intrin_choice *a = left, *b = right;
    if (a->cost.predicted_cycles != b->cost.predicted_cycles)
        return a->cost.predicted_cycles < b->cost.predicted_cycles ? -1 : 1;
    for (size_t x = 0; x < INTRIN_AXES_MAX; x++) {
        if (a->mapping.axis[x] != b->mapping.axis[x])
            return a->mapping.axis[x] < b->mapping.axis[x] ? -1 : 1;
    }
    return 0;
}

enum err_code intrin_rank(const struct intrin *intrin, const struct expr *expr,
                          const struct intrin_matches *matches, struct intrin_choice **choices_take,
                          struct err *err)
{
    struct intrin_choice *choices = mem_alloc(matches->count, sizeof *choices);
    for (size_t i = 0; i < matches->count; i++) {
        choices[i].mapping = matches->mappings[i];
        enum err_code rc = intrin_predict(intrin, expr, &choices[i].mapping, &choices[i].cost, err);
        if (rc != ERR_OK) {
            free(choices);
            return rc;
        }
    }
    qsort(choices, matches->count, sizeof *choices, compare_choices);
    *choices_take = choices;
    return ERR_OK;
}
