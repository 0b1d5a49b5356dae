#include "cost/cost_plan.h"

#include "core/num.h"

/* An operand's bytes, and the part of them that comes from memory whatever the plan. */
struct sizes {
    uint64_t bytes[OPERAND_COUNT], from_memory[OPERAND_COUNT];
};

/*
 * A cut: loop i runs in parts[i] parts, outermost loops first. Steps of the outer loops change
 * tiles, what is inside them runs on the tiles in the scratchpad.
 */
struct cut {
    uint64_t parts[ROLE_COUNT];
    uint64_t steps;
};

static struct sizes operand_sizes(const struct layer_shape *shape)
{
    /* A second operand that a producer feeds is counted in input_bytes. */
    uint64_t weights = shape->weight_bytes, from_memory = weights;
    if (weights == 0) {
        uint64_t points = shape->weight_elem_bytes;
        static const enum role roles[] = { ROLE_G, ROLE_K, ROLE_C, ROLE_R, ROLE_S };
        for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
            points = mul_div_ceil(points, shape->extent[roles[i]], 1);
        weights = min_u64(points, shape->input_bytes);
    }
    uint64_t inputs = shape->input_bytes - (shape->weight_bytes == 0 ? weights : 0);
    uint64_t external = min_u64(shape->external_bytes, inputs);
    if (shape->weight_bytes == 0)
        from_memory = min_u64(shape->external_bytes - external, weights);
    return (struct sizes){ .bytes = { inputs, weights, shape->output_bytes },
                           .from_memory = { external, from_memory, 0 } };
}

/* --- tiles of a cut -------------------------------------------------------------------------- */

/* Iterations of one part of a loop, whole array tiles. */
static uint64_t part_extent(const struct cost_loop *loop, uint64_t parts)
{
    return min_u64(ceil_div_u64(loop->count, parts) * loop->tile, loop->total);
}

/* Bytes of the operand under one step; of inputs along a sliding axis, halo included. */
static uint64_t slice_bytes(const struct cost_nest *nest, const struct cut *cut,
                            const struct sizes *sizes, enum operand operand)
{
    uint64_t bytes = sizes->bytes[operand];
    for (size_t i = 0; i < nest->loop_count; i++) {
        const struct cost_loop *loop = &nest->loops[i];
        if (cut->parts[i] == 1 || !cost_loop_couples(loop, operand))
            continue;
        uint64_t part = part_extent(loop, cut->parts[i]), whole = loop->total;
        if (operand == OPERAND_INPUT && loop->roles == ROLE_BIT(ROLE_P)) {
            part = cost_window(part, nest->shape->extent[ROLE_R], nest->shape->stride_h);
            whole = cost_window(whole, nest->shape->extent[ROLE_R], nest->shape->stride_h);
        } else if (operand == OPERAND_INPUT && loop->roles == ROLE_BIT(ROLE_Q)) {
            part = cost_window(part, nest->shape->extent[ROLE_S], nest->shape->stride_w);
            whole = cost_window(whole, nest->shape->extent[ROLE_S], nest->shape->stride_w);
        }
        bytes = mul_div_ceil(bytes, part, whole);
    }
    return bytes;
}

/* How often the operand passes through the scratchpad if only slices of it are kept: the steps of
 * loops that do not touch it but restart an inner one that does. */
static uint64_t passes(const struct cost_nest *nest, const struct cut *cut, enum operand operand)
{
    uint64_t product = 1, pending = 1;
    for (size_t i = 0; i < nest->loop_count; i++) {
        if (cut->parts[i] == 1)
            continue;
        if (cost_loop_couples(&nest->loops[i], operand)) {
            product = mul_div_ceil(product, pending, 1);
            pending = 1;
        } else {
            pending = mul_div_ceil(pending, cut->parts[i], 1);
        }
    }
    return product;
}

/* --- what a cut needs and moves -------------------------------------------------------------- */

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > NUM_MAX_SIZE - min_u64(b, NUM_MAX_SIZE) ? NUM_MAX_SIZE : a + b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    return mul_div_ceil(a, b, 1);
}

/*
 * Memory traffic of one operand that passes `count` times. What a producer has sent, and partial
 * sums, must be put there before they can be read again.
 */
static void add_traffic(struct cost_plan *plan, const struct layer_shape *shape,
                        const struct sizes *sizes, enum operand operand, uint64_t count)
{
    uint64_t bytes = sizes->bytes[operand], from_memory = sizes->from_memory[operand];
    uint64_t spilled = count > 1 ? bytes - from_memory : 0;
    if (operand == OPERAND_OUTPUT) {
        uint64_t last = shape->is_sink ? bytes : 0;
        plan->memory_read_bytes = sum(plan->memory_read_bytes, times(bytes, count - 1));
        plan->memory_write_bytes =
            sum(plan->memory_write_bytes, sum(times(bytes, count - 1), last));
        return;
    }
    plan->memory_read_bytes = sum(plan->memory_read_bytes, times(from_memory + spilled, count));
    plan->memory_write_bytes = sum(plan->memory_write_bytes, spilled);
}

/* The plan of a cut that keeps the operands in `kept` whole and double-buffers slices of others. */
static struct cost_plan plan_of(const struct cost_nest *nest, const struct cut *cut,
                                const struct sizes *sizes, unsigned kept)
{
    struct cost_plan plan = { .tiles = (uint32_t)min_u64(cut->steps, COST_TILES_MAX) };
    for (unsigned operand = 0; operand < OPERAND_COUNT; operand++) {
        uint64_t bytes = sizes->bytes[operand];
        bool whole = kept & OPERAND_BIT(operand);
        uint64_t slice = whole ? bytes : slice_bytes(nest, cut, sizes, (enum operand)operand);
        plan.scratchpad_bytes = sum(plan.scratchpad_bytes, min_u64(times(slice, 2), bytes));
        add_traffic(&plan, nest->shape, sizes, (enum operand)operand,
                    whole ? 1 : passes(nest, cut, (enum operand)operand));
    }
    return plan;
}

/* Operands that a cut would have to move more than once unless they are kept. */
static unsigned repeated(const struct cost_nest *nest, const struct cut *cut)
{
    unsigned operands = 0;
    for (unsigned operand = 0; operand < OPERAND_COUNT; operand++)
        if (passes(nest, cut, (enum operand)operand) > 1)
            operands |= OPERAND_BIT(operand);
    return operands;
}

/* --- choosing -------------------------------------------------------------------------------- */

/* Cut the outermost loops until there are `wanted` steps, or all loops are cut. */
static struct cut cut_for(const struct cost_nest *nest, uint64_t wanted)
{
    struct cut cut = { .steps = 1 };
    for (size_t i = 0; i < nest->loop_count; i++) {
        uint64_t missing = ceil_div_u64(wanted, cut.steps), count = nest->loops[i].count;
        uint64_t tiles_per_part = ceil_div_u64(count, min_u64(count, missing));
        cut.parts[i] = ceil_div_u64(count, tiles_per_part);
        cut.steps = times(cut.steps, cut.parts[i]);
    }
    return cut;
}

static bool is_better(const struct cost_plan *plan, const struct cost_plan *best)
{
    uint64_t moved = sum(plan->memory_read_bytes, plan->memory_write_bytes);
    return moved < sum(best->memory_read_bytes, best->memory_write_bytes);
}

static uint64_t all_steps(const struct cost_nest *nest)
{
    uint64_t steps = 1;
    for (size_t i = 0; i < nest->loop_count; i++)
        steps = times(steps, nest->loops[i].count);
    return steps;
}

/* Finer cuts and fewer operands kept; the least traffic that fits wins, then the coarsest cut. */
static enum err_code search(const struct cost_nest *nest, const struct sizes *sizes,
                            uint64_t scratchpad_bytes, struct cost_plan *out, struct err *err)
{
    uint64_t most = all_steps(nest), smallest = UINT64_MAX;
    bool found = false;
    for (uint64_t wanted = 1;; wanted = min_u64(times(wanted, 2), most)) {
        struct cut cut = cut_for(nest, wanted);
        unsigned choices = repeated(nest, &cut);
        for (unsigned kept = choices;; kept = (kept - 1) & choices) {
            struct cost_plan plan = plan_of(nest, &cut, sizes, kept);
            smallest = min_u64(smallest, plan.scratchpad_bytes);
            if (plan.scratchpad_bytes <= scratchpad_bytes && (!found || is_better(&plan, out))) {
                *out = plan;
                found = true;
            }
            if (kept == 0)
                break;
        }
        if (wanted == most)
            break;
    }
    if (found)
        return ERR_OK;
    return err_set(err, ERR_INFEASIBLE,
                   "its smallest tiles need %llu bytes of scratchpad, there are %llu; raise "
                   "\"scratchpad_bytes\"",
                   (unsigned long long)smallest, (unsigned long long)scratchpad_bytes);
}

enum err_code cost_plan_nest(const struct cost_nest *nest, uint64_t scratchpad_bytes,
                             struct cost_plan *out, struct err *err)
{
    struct sizes sizes = operand_sizes(nest->shape);
    struct cut cut = cut_for(nest, COST_TILES_WANTED);
    struct cost_plan plan = plan_of(nest, &cut, &sizes, repeated(nest, &cut));
    if (plan.scratchpad_bytes > scratchpad_bytes)
        return search(nest, &sizes, scratchpad_bytes, out, err);
    *out = plan;
    return ERR_OK;
}

/* --- layers without MACs --------------------------------------------------------------------- */

enum err_code cost_plan_stream(const struct layer_shape *shape, uint64_t elements,
                               uint64_t scratchpad_bytes, struct cost_plan *out, struct err *err)
{
    uint64_t bytes = sum(sum(shape->input_bytes, shape->weight_bytes), shape->output_bytes);
    /* Work that reads its data twice keeps a row of it; other work can stop anywhere. */
    uint64_t rows = shape->passes > 1 ? elements / shape->extent[ROLE_K] : elements;
    uint64_t steps = min_u64(COST_TILES_WANTED, rows);
    uint64_t need = min_u64(bytes, times(2, ceil_div_u64(bytes, steps)));
    if (need > scratchpad_bytes) {
        steps = min_u64(rows, ceil_div_u64(bytes, max_u64(scratchpad_bytes / 2, 1)));
        need = times(2, ceil_div_u64(bytes, steps));
    }
    if (need > scratchpad_bytes)
        return err_set(err, ERR_INFEASIBLE,
                       "its smallest tiles need %llu bytes of scratchpad, there are %llu; raise "
                       "\"scratchpad_bytes\"",
                       (unsigned long long)need, (unsigned long long)scratchpad_bytes);
    *out = (struct cost_plan){
        .tiles = (uint32_t)min_u64(steps, COST_TILES_MAX),
        .scratchpad_bytes = need,
        .memory_read_bytes = shape->weight_bytes + shape->external_bytes,
        .memory_write_bytes = shape->is_sink ? shape->output_bytes : 0,
    };
    return ERR_OK;
}
