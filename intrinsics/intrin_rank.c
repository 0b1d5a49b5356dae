/*
 * The ranking model of AMOS (ISCA 2022, sec. 5): nested max(compute, read, write) over register
 * tiles, the reduction, and blocks spread over the machine's units. docs/model.md M-64 to M-70.
 *
 * It is meant to order the mappings of one operator on one intrinsic. It knows nothing of caches
 * beyond "fits or not", nor of the order in which units take their blocks.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "intrinsics/intrin.h"

struct model {
    const struct intrin *intrin;
    const struct expr *expr;
    size_t axis_count;
    uint64_t extent[INTRIN_AXES_MAX], tiles[INTRIN_AXES_MAX];
    uint16_t mapping[INTRIN_AXES_MAX], outer; /* iterations */
    bool has[INTRIN_OPERANDS][INTRIN_AXES_MAX];
    /* What no choice of blocks changes. */
    double outer_blocks, outer_steps;  /* products of the spatial and the reduce loops outside */
    double gather_bytes, memory_bytes; /* of both inputs */
    double written_bytes;
    /* The choice: calls of one block along each spatial axis, and blocks. */
    uint64_t per_block[INTRIN_AXES_MAX], blocks[INTRIN_AXES_MAX];
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
        m->per_block[x] = m->blocks[x] = 1;
        for (size_t t = 0; t < INTRIN_OPERANDS; t++)
            m->has[t][x] = iterations_of(&m->intrin->expr, t) >> x & 1;
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
        if (m->has[operand][x])
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
        if (!m->has[operand][x])
            continue;
        double along = run_along(m, operand, x);
        run = along > run ? along : run;
        elements *= (double)m->extent[x];
    }
    uint64_t granule = m->intrin->machine->granule_bytes;
    uint64_t run_bytes = (uint64_t)run * dtype_bytes(m->intrin->expr.tensors[operand].type);
    return elements / run * (double)(ceil_div_u64(run_bytes, granule) * granule);
}

/*
 * Bytes an input takes from memory: once if it fits the cache; else once per square tile of
 * results, three of which (result and inputs) fill the cache. Docs: docs/model.md M-68.
 */
static double memory_bytes(const struct model *m, size_t operand)
{
    const struct expr_tensor *tensor = &m->expr->tensors[operand];
    double cache_bytes = m->intrin->machine->cache_bytes, elements = 1;
    for (size_t d = 0; d < tensor->dim_count; d++)
        elements *= (double)tensor->dims[d].extent;
    uint16_t used = iterations_of(m->expr, operand);
    double touched = product_of(m->expr, used);
    double bytes = (touched < elements ? touched : elements) * dtype_bytes(tensor->type);
    if (bytes <= cache_bytes)
        return bytes;
    double side = sqrt(cache_bytes / 3 / dtype_bytes(m->intrin->expr.tensors[0].type));
    uint16_t foreign = iterations_of(m->expr, 0) & (uint16_t)~used;
    double repeats = product_of(m->expr, foreign) / (side > 1 ? side : 1);
    return repeats > 1 ? bytes * repeats : bytes;
}

static void measure(struct model *m)
{
    for (size_t t = 1; t < INTRIN_OPERANDS; t++) {
        m->gather_bytes += gather_bytes(m, t);
        m->memory_bytes += memory_bytes(m, t);
    }
    m->outer_blocks = product_of(m->expr, m->outer & (uint16_t)~reductions(m->expr));
    m->outer_steps = product_of(m->expr, m->outer & reductions(m->expr));
    for (size_t x = 0; x < m->axis_count; x++)
        m->outer_steps *= m->intrin->expr.iters[x].reduce ? (double)m->tiles[x] : 1;
    m->written_bytes =
        product_of(m->expr, iterations_of(m->expr, 0)) * dtype_bytes(m->expr->tensors[0].type);
}

/* --- with blocks chosen ----------------------------------------------------------------------- */

/* Operands of one register tile of calls. */
static double staged_bytes(const struct model *m)
{
    double bytes = 0;
    for (size_t t = 1; t < INTRIN_OPERANDS; t++) {
        double tile = dtype_bytes(m->intrin->expr.tensors[t].type);
        for (size_t x = 0; x < m->axis_count; x++) {
            if (m->has[t][x])
                tile *= (double)m->per_block[x] * (double)m->intrin->expr.iters[x].extent;
        }
        bytes += tile;
    }
    return bytes;
}

static double whole_rounds(double blocks, double at_once)
{
    double rounds = blocks / at_once;
    return rounds > (double)(uint64_t)rounds ? (double)(uint64_t)rounds + 1 : rounds;
}

/* Docs: docs/model.md M-66 to M-70. */
static void predict_blocks(const struct model *m, struct intrin_cost *out)
{
    const struct intrin_machine *machine = m->intrin->machine;
    double blocks = m->outer_blocks, calls = 1;
    for (size_t x = 0; x < m->axis_count; x++) {
        blocks *= (double)m->blocks[x];
        calls *= (double)m->per_block[x];
    }
    double units = blocks < machine->units ? blocks : machine->units;
    double in_flight = (double)machine->units * machine->chains;
    double steps = m->outer_steps * whole_rounds(blocks, machine->units);
    double chained = m->outer_steps * whole_rounds(blocks, in_flight);
    double staging = machine->staging_bytes_per_s / machine->clock_hz;
    double memory = machine->memory_bytes_per_s / machine->clock_hz;
    out->cycles[INTRIN_BY_COMPUTE] = steps * calls * m->intrin->interval_cycles;
    out->cycles[INTRIN_BY_LATENCY] = chained * m->intrin->latency_cycles;
    out->cycles[INTRIN_BY_STAGING] = steps * staged_bytes(m) / staging;
    out->cycles[INTRIN_BY_PACKING] = m->gather_bytes / (staging * units);
    out->cycles[INTRIN_BY_READ] = m->memory_bytes / memory;
    out->cycles[INTRIN_BY_WRITE] = m->written_bytes / memory;
    out->predicted_cycles = -1;
    for (unsigned b = 0; b < INTRIN_BOUND_COUNT; b++) {
        if (out->cycles[b] > out->predicted_cycles) {
            out->predicted_cycles = out->cycles[b];
            out->bound = (enum intrin_bound)b;
        }
    }
    for (size_t x = 0; x < m->axis_count; x++)
        out->block[x] = (uint32_t)m->per_block[x];
}

static double sum_of(const struct intrin_cost *cost)
{
    double sum = 0;
    for (unsigned b = 0; b < INTRIN_BOUND_COUNT; b++)
        sum += cost->cycles[b];
    return sum;
}

/* By predicted time; where the largest term is the same, by the sum of all terms. */
static int compare_costs(const struct intrin_cost *a, const struct intrin_cost *b)
{
    if (a->predicted_cycles != b->predicted_cycles)
        return a->predicted_cycles < b->predicted_cycles ? -1 : 1;
    double left = sum_of(a), right = sum_of(b);
    return left < right ? -1 : left > right;
}

/* Sizes up to the intrinsic's, halved each time; the larger one on a tie. Docs: docs/model.md M-64.
 */
static void choose_blocks(struct model *m, size_t x, struct intrin_cost *best)
{
    if (x == m->axis_count) {
        struct intrin_cost cost = *best;
        predict_blocks(m, &cost);
        if (best->predicted_cycles < 0 || compare_costs(&cost, best) < 0)
            *best = cost;
        return;
    }
    bool reduce = m->intrin->expr.iters[x].reduce;
    uint64_t largest = reduce ? 1 : min_u64(m->intrin->block[x], m->tiles[x]);
    for (uint64_t size = largest; size > 0; size /= 2) {
        m->blocks[x] = reduce ? 1 : ceil_div_u64(m->tiles[x], size);
        m->per_block[x] = size;
        choose_blocks(m, x + 1, best);
    }
}

enum err_code intrin_predict(const struct intrin *intrin, const struct expr *expr,
                             const struct intrin_mapping *mapping, struct intrin_cost *out,
                             struct err *err)
{
    struct model m = { .intrin = intrin, .expr = expr };
    struct intrin_cost cost = { .predicted_cycles = -1 };
    enum err_code rc = set_up(&m, mapping, &cost, err);
    if (rc != ERR_OK)
        return rc;
    double moved = 0;
    for (size_t t = 0; t < INTRIN_OPERANDS; t++)
        moved += packed_bytes(&m, t);
    if (moved >= (double)NUM_MAX_SIZE)
        return err_set(err, ERR_OVERFLOW, "the bytes moved exceed 63 bits");
    cost.bytes_moved = (uint64_t)moved;
    measure(&m);
    choose_blocks(&m, 0, &cost);
    cost.predicted_ns = cost.predicted_cycles / intrin->machine->clock_hz * 1e9;
    *out = cost;
    return ERR_OK;
}

static int compare_choices(const void *left, const void *right)
{
    const struct intrin_choice *a = left, *b = right;
    int by_cost = compare_costs(&a->cost, &b->cost);
    if (by_cost != 0)
        return by_cost;
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
