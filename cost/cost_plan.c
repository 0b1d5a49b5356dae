#include "cost/cost_plan.h"

#include "core/num.h"

/* An operand's bytes, and the part of them that comes from memory whatever the plan. */
struct sizes {
    uint64_t bytes[OPERAND_COUNT], from_memory[OPERAND_COUNT];
};

/*
 * A cut: loop order[i] runs in parts[i] parts, outermost first. A step works on the tiles in the
 * scratchpad while the next ones arrive.
 */
struct cut {
    uint8_t order[ROLE_COUNT];
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

/*
 * Part and whole of a loop as the inputs see it: along a sliding axis, halo included. Replicas that
 * split the axis have a strip each, with a halo of its own.
 */
static void input_extents(const struct cost_nest *nest, unsigned roles, uint64_t *part,
                          uint64_t *whole)
{
    const struct layer_shape *shape = nest->shape;
    uint64_t window = 1, stride = 1;
    uint64_t strips =
        nest->split != ROLE_NONE && roles == ROLE_BIT(nest->split) ? nest->replicas : 1;
    if (roles == ROLE_BIT(ROLE_P)) {
        window = shape->extent[ROLE_R];
        stride = shape->stride_h;
    } else if (roles == ROLE_BIT(ROLE_Q)) {
        window = shape->extent[ROLE_S];
        stride = shape->stride_w;
    } else if (!(roles & ~(ROLE_BIT(ROLE_R) | ROLE_BIT(ROLE_S)))) {
        *part = *whole; /* a part of the window still slides over all inputs */
    }
    uint64_t strip = cost_window(ceil_div_u64(*part, strips), window, stride);
    *whole = cost_window(*whole, window, stride);
    *part = min_u64(strip * strips, *whole);
}

/* Bytes of the operand under one step. */
static uint64_t slice_bytes(const struct cost_nest *nest, const struct cut *cut,
                            const struct sizes *sizes, enum operand operand)
{
    uint64_t bytes = sizes->bytes[operand];
    for (size_t i = 0; i < nest->loop_count; i++) {
        const struct cost_loop *loop = &nest->loops[cut->order[i]];
        if (cut->parts[i] == 1 || !cost_loop_couples(loop, operand))
            continue;
        uint64_t part = part_extent(loop, cut->parts[i]), whole = loop->total;
        if (operand == OPERAND_INPUT)
            input_extents(nest, loop->roles, &part, &whole);
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
        if (cost_loop_couples(&nest->loops[cut->order[i]], operand)) {
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

/*
 * Loops by what a step of them needs anew: inputs and weights, then inputs alone, then the rest.
 * So cut, step k of a layer can begin once the k-th part of its inputs has arrived.
 */
static void arrival_order(const struct cost_nest *nest, uint8_t order[ROLE_COUNT])
{
    size_t count = 0;
    for (unsigned rank = 0; rank < 3; rank++)
        for (size_t i = 0; i < nest->loop_count; i++) {
            bool inputs = cost_loop_couples(&nest->loops[i], OPERAND_INPUT);
            bool weights = cost_loop_couples(&nest->loops[i], OPERAND_WEIGHT);
            if (rank == (inputs ? (weights ? 0u : 1u) : 2u))
                order[count++] = (uint8_t)i;
        }
}

static void array_order(const struct cost_nest *nest, uint8_t order[ROLE_COUNT])
{
    for (size_t i = 0; i < nest->loop_count; i++)
        order[i] = (uint8_t)i;
}

/* Cut the outermost loops until there are `wanted` steps, or all loops are cut. */
static void cut_until(const struct cost_nest *nest, uint64_t wanted, struct cut *cut)
{
    cut->steps = 1;
    for (size_t i = 0; i < nest->loop_count; i++) {
        uint64_t missing = ceil_div_u64(wanted, cut->steps);
        uint64_t count = nest->loops[cut->order[i]].count;
        uint64_t tiles_per_part = ceil_div_u64(count, min_u64(count, missing));
        cut->parts[i] = ceil_div_u64(count, tiles_per_part);
        cut->steps = times(cut->steps, cut->parts[i]);
    }
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

struct search {
    const struct cost_nest *nest;
    struct sizes sizes;
    uint64_t scratchpad_bytes;
    struct cost_plan best;
    bool found;
    uint64_t smallest_bytes; /* of all plans seen */
};

/* All choices of operands to keep under one cut. */
static void try_cut(struct search *search, const struct cut *cut)
{
    unsigned choices = repeated(search->nest, cut);
    for (unsigned kept = choices;; kept = (kept - 1) & choices) {
        struct cost_plan plan = plan_of(search->nest, cut, &search->sizes, kept);
        search->smallest_bytes = min_u64(search->smallest_bytes, plan.scratchpad_bytes);
        if (plan.scratchpad_bytes <= search->scratchpad_bytes &&
            (!search->found || is_better(&plan, &search->best))) {
            search->best = plan;
            search->found = true;
        }
        if (kept == 0)
            return;
    }
}

/* Finer cuts in both orders; the least traffic that fits wins, then the coarsest cut. */
static enum err_code search_cuts(struct search *search, struct cost_plan *out, struct err *err)
{
    void (*const orders[])(const struct cost_nest *, uint8_t *) = { arrival_order, array_order };
    uint64_t most = all_steps(search->nest);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct cut cut;
        orders[i](search->nest, cut.order);
        for (uint64_t wanted = 1;; wanted = min_u64(times(wanted, 2), most)) {
            cut_until(search->nest, wanted, &cut);
            try_cut(search, &cut);
            if (wanted == most)
                break;
        }
    }
    if (!search->found)
        return err_set(err, ERR_INFEASIBLE,
                       "its smallest tiles need %llu bytes of scratchpad, there are %llu; raise "
                       "\"scratchpad_bytes\"",
                       (unsigned long long)search->smallest_bytes,
                       (unsigned long long)search->scratchpad_bytes);
    *out = search->best;
    return ERR_OK;
}

enum err_code cost_plan_nest(const struct cost_nest *nest, uint64_t scratchpad_bytes,
                             struct cost_plan *out, struct err *err)
{
    struct search search = { .nest = nest,
                             .sizes = operand_sizes(nest->shape),
                             .scratchpad_bytes = scratchpad_bytes,
                             .smallest_bytes = UINT64_MAX };
    struct cut cut;
    arrival_order(nest, cut.order);
    cut_until(nest, COST_TILES_WANTED, &cut);
    struct cost_plan plan = plan_of(nest, &cut, &search.sizes, repeated(nest, &cut));
    if (plan.scratchpad_bytes > scratchpad_bytes)
        return search_cuts(&search, out, err);
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
