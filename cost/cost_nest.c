#include "cost/cost_nest.h"

#include <assert.h>

#include "core/num.h"

#define BIT(role) ROLE_BIT(ROLE_##role)

/* Roles that occur in the index of each operand. */
static const unsigned operand_roles[OPERAND_COUNT] = {
    [OPERAND_INPUT] = BIT(N) | BIT(G) | BIT(C) | BIT(P) | BIT(Q) | BIT(R) | BIT(S),
    [OPERAND_WEIGHT] = BIT(G) | BIT(K) | BIT(C) | BIT(R) | BIT(S),
    [OPERAND_OUTPUT] = BIT(N) | BIT(G) | BIT(K) | BIT(P) | BIT(Q),
};

bool cost_loop_couples(const struct cost_loop *loop, enum operand operand)
{
    return (loop->roles & operand_roles[operand]) != 0;
}

uint64_t cost_window(uint64_t outputs, uint64_t window, uint64_t stride)
{
    return (outputs - 1) * min_u64(stride, window) + window;
}

/* --- the rule on an array -------------------------------------------------------------------- */

static uint64_t extent_product(unsigned roles, const struct layer_shape *shape)
{
    uint64_t product = 1;
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        if (roles & ROLE_BIT(role))
            product *= shape->extent[role];
    return product;
}

uint64_t cost_rule_cols(const struct dataflow_rule *rule, const struct layer_shape *shape,
                        const struct soc_accelerator *acc)
{
    uint64_t cols = rule->cols ? rule->cols : acc->pe_cols;
    if (rule->cols_role != ROLE_NONE)
        cols = shape->extent[rule->cols_role];
    return min_u64(cols, soc_pes(acc));
}

uint64_t cost_rule_row_extent(const struct dataflow_rule *rule, const struct layer_shape *shape)
{
    return extent_product(rule->row_roles, shape);
}

/* --- building the loops ---------------------------------------------------------------------- */

static unsigned roles_above_one(unsigned roles, const struct layer_shape *shape)
{
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        if (shape->extent[role] == 1)
            roles &= ~ROLE_BIT(role);
    return roles;
}

/* Append the loop that `role` belongs to, unless it is there already. */
static void add_loop(struct cost_nest *nest, enum role role, uint64_t rows, unsigned *placed)
{
    const struct dataflow_rule *rule = nest->rule;
    if (*placed & ROLE_BIT(role))
        return;
    unsigned roles = ROLE_BIT(role);
    struct cost_loop loop = { .level = COST_LOOP_OUTER, .tile = 1 };
    if (rule->row_roles & roles) {
        roles = rule->row_roles;
        loop.level = COST_LOOP_ROWS;
        loop.tile = rows;
    } else if (rule->col_roles & roles) {
        roles = rule->col_roles;
        loop.level = COST_LOOP_COLS;
        loop.tile = nest->cols;
    } else if (rule->inner_roles & roles) {
        loop.level = COST_LOOP_INNER;
        loop.tile = rule->inner_tile[role] ? rule->inner_tile[role] : UINT64_MAX;
    }
    loop.roles = roles_above_one(roles, nest->shape);
    loop.total = extent_product(roles, nest->shape);
    loop.tile = min_u64(loop.tile, loop.total);
    loop.count = ceil_div_u64(loop.total, loop.tile);
    loop.edge = loop.total - (loop.count - 1) * loop.tile;
    if (loop.level == COST_LOOP_COLS && rule->padded_cols)
        loop.edge = loop.tile;
    for (unsigned member = 1; member < ROLE_COUNT; member++)
        if (roles & ROLE_BIT(member))
            nest->loop_of[member] = (uint8_t)nest->loop_count;
    nest->loops[nest->loop_count++] = loop;
    *placed |= roles;
}

/* Roles whose loop the order does not mention run outermost. */
static unsigned roles_in_order(const struct dataflow_rule *rule)
{
    unsigned roles = 0;
    for (size_t i = 0; i < rule->order_count; i++) {
        roles |= ROLE_BIT(rule->order[i]);
        if (rule->row_roles & ROLE_BIT(rule->order[i]))
            roles |= rule->row_roles;
        if (rule->col_roles & ROLE_BIT(rule->order[i]))
            roles |= rule->col_roles;
    }
    return roles;
}

static uint64_t call_overhead(const struct cost_nest *nest)
{
    const struct dataflow_rule *rule = nest->rule;
    int64_t cycles = rule->call_overhead_cycles +
                     rule->call_overhead_per_row * (int64_t)nest->array_rows +
                     rule->call_overhead_per_col * (int64_t)nest->cols;
    return cycles > 0 ? (uint64_t)cycles : 0;
}

enum err_code cost_nest_init(struct cost_nest *nest, const struct layer_shape *shape,
                             const struct dataflow_rule *rule, const struct soc_accelerator *acc,
                             uint64_t rows, struct err *err)
{
    uint64_t points = 1;
    for (unsigned role = 1; role < ROLE_COUNT; role++) {
        assert(shape->extent[role] >= 1);
        if (!mul_size(points, shape->extent[role], &points))
            return err_set(err, ERR_OVERFLOW, "the product of the layer's extents exceeds 2^63-1");
    }
    *nest = (struct cost_nest){
        .rule = rule, .shape = shape, .inner_iterations = 1, .replicas = 1, .split = ROLE_NONE
    };
    nest->cols = cost_rule_cols(rule, shape, acc);
    nest->array_rows = soc_pes(acc) / nest->cols;
    nest->overhead_cycles = call_overhead(nest);
    assert(rows >= 1 && rows <= nest->array_rows);

    unsigned ordered = roles_in_order(rule), placed = 0;
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        if (!(ordered & ROLE_BIT(role)))
            add_loop(nest, (enum role)role, rows, &placed);
    for (size_t i = 0; i < rule->order_count; i++)
        add_loop(nest, rule->order[i], rows, &placed);
    for (size_t i = 0; i < nest->loop_count; i++)
        if (nest->loops[i].level == COST_LOOP_INNER)
            nest->inner_iterations *= nest->loops[i].tile;
    return ERR_OK;
}

/* --- replicas -------------------------------------------------------------------------------- */

enum err_code cost_nest_part(struct cost_nest *nest, const struct layer_shape *shape,
                             const struct dataflow_rule *rule, const struct soc_accelerator *acc,
                             uint64_t rows, enum role split, uint64_t replicas, uint64_t extent,
                             struct layer_shape *part, struct err *err)
{
    *part = *shape;
    part->extent[split] = extent;
    enum err_code rc = cost_nest_init(nest, part, rule, acc, rows, err);
    nest->replicas = replicas;
    nest->split = split;
    return rc;
}

enum err_code cost_nest_together(struct cost_nest *nest, const struct layer_shape *shape,
                                 const struct dataflow_rule *rule,
                                 const struct soc_accelerator *acc, uint64_t rows,
                                 const struct cost_nest *part, struct err *err)
{
    enum err_code rc = cost_nest_init(nest, shape, rule, acc, rows, err);
    if (rc != ERR_OK || part->split == ROLE_NONE)
        return rc;
    nest->replicas = part->replicas;
    nest->split = part->split;
    struct cost_loop *loop = &nest->loops[nest->loop_of[part->split]];
    uint64_t tile = part->loops[part->loop_of[part->split]].tile;
    loop->tile = min_u64(mul_div_ceil(tile, part->replicas, 1), loop->total);
    loop->count = ceil_div_u64(loop->total, loop->tile);
    loop->edge = loop->total - (loop->count - 1) * loop->tile;
    return ERR_OK;
}

/* --- what a call touches --------------------------------------------------------------------- */

/* Iterations of every loop that one call covers. */
struct tiles {
    uint64_t of[ROLE_COUNT];
};

static uint64_t coupled_product(const struct cost_nest *nest, const struct tiles *tiles,
                                enum operand operand)
{
    uint64_t product = 1;
    for (size_t i = 0; i < nest->loop_count; i++)
        if (cost_loop_couples(&nest->loops[i], operand))
            product *= tiles->of[i];
    return product;
}

/* Outputs and window slide over each other where each has a loop to itself. */
static bool slides(const struct cost_nest *nest, enum role outputs, enum role window)
{
    return nest->loops[nest->loop_of[outputs]].roles == ROLE_BIT(outputs) &&
           nest->loops[nest->loop_of[window]].roles == ROLE_BIT(window);
}

static uint64_t axis_stride(const struct cost_nest *nest, enum role outputs)
{
    return outputs == ROLE_P ? nest->shape->stride_h : nest->shape->stride_w;
}

/* Replace outputs × window by the inputs that they cover. */
static uint64_t share_halo(const struct cost_nest *nest, const struct tiles *tiles,
                           uint64_t elements, enum role outputs, enum role window)
{
    if (!slides(nest, outputs, window))
        return elements;
    uint64_t p = tiles->of[nest->loop_of[outputs]], r = tiles->of[nest->loop_of[window]];
    return elements / (p * r) * cost_window(p, r, axis_stride(nest, outputs));
}

/* Distinct inputs of a call, M-03. `unshared`: roles of outputs whose neighbours share nothing. */
static uint64_t input_elements(const struct cost_nest *nest, const struct tiles *tiles,
                               unsigned unshared)
{
    uint64_t elements = coupled_product(nest, tiles, OPERAND_INPUT);
    if (nest->rule->windows == WINDOW_IM2COL)
        return elements;
    if (!(unshared & BIT(P)))
        elements = share_halo(nest, tiles, elements, ROLE_P, ROLE_R);
    if (!(unshared & BIT(Q)))
        elements = share_halo(nest, tiles, elements, ROLE_Q, ROLE_S);
    return elements;
}

/*
 * New inputs when a loop over outputs advances by one tile and everything inside it stands still:
 * what the window has not covered yet. A fold of the array brings a PE to outputs that were not
 * its neighbours', so nothing that it holds is of use.
 */
static uint64_t input_elements_of_slide(const struct cost_nest *nest, const struct tiles *tiles,
                                        size_t loop)
{
    uint64_t all = input_elements(nest, tiles, 0);
    enum cost_loop_level level = nest->loops[loop].level;
    if (nest->rule->windows == WINDOW_IM2COL || level == COST_LOOP_ROWS || level == COST_LOOP_COLS)
        return all;
    for (unsigned axis = 0; axis < 2; axis++) {
        enum role outputs = axis ? ROLE_Q : ROLE_P, window = axis ? ROLE_S : ROLE_R;
        if (nest->loop_of[outputs] != loop || !slides(nest, outputs, window))
            continue;
        uint64_t stride = axis_stride(nest, outputs);
        uint64_t covered = cost_window(tiles->of[loop], tiles->of[nest->loop_of[window]], stride);
        uint64_t step = min_u64(tiles->of[loop] * stride, covered);
        return all / covered * step;
    }
    return all;
}

/* --- time of a call -------------------------------------------------------------------------- */

struct walk {
    const struct cost_nest *nest;
    uint64_t bytes_per_cycle;
    unsigned __int128 cycles, elements[OPERAND_COUNT];
};

static uint64_t cycles_of_bytes(const struct walk *walk, unsigned __int128 bytes)
{
    if (walk->bytes_per_cycle == 0)
        return 0;
    unsigned __int128 cycles = (bytes + walk->bytes_per_cycle - 1) / walk->bytes_per_cycle;
    return cycles > NUM_MAX_SIZE ? NUM_MAX_SIZE : (uint64_t)cycles;
}

/* What all replicas move at once comes through one port. M-80 */
static uint64_t port_cycles(const struct walk *walk, unsigned __int128 bytes)
{
    return cycles_of_bytes(walk, bytes * walk->nest->replicas);
}

static unsigned __int128 load_bytes(const struct cost_nest *nest, uint64_t inputs, uint64_t weights)
{
    return (unsigned __int128)inputs * nest->shape->input_elem_bytes +
           (unsigned __int128)weights * nest->shape->weight_elem_bytes;
}

/* One call once its tiles are in the array, M-02: a row's operands are spread, then computed on. */
static uint64_t call_cycles(const struct walk *walk, const struct tiles *tiles)
{
    const struct cost_nest *nest = walk->nest;
    uint64_t overhead = nest->overhead_cycles;
    if (nest->rule->exposed_load && walk->bytes_per_cycle != 0) {
        struct tiles row = *tiles;
        for (size_t i = 0; i < nest->loop_count; i++)
            if (nest->loops[i].level == COST_LOOP_ROWS)
                row.of[i] = 1;
        unsigned unshared = nest->rule->windows == WINDOW_PER_PE ? nest->rule->col_roles : 0;
        uint64_t inputs = input_elements(nest, &row, unshared);
        uint64_t weights = coupled_product(nest, &row, OPERAND_WEIGHT);
        overhead = max_u64(overhead, cycles_of_bytes(walk, load_bytes(nest, inputs, weights)));
    }
    return nest->inner_iterations + overhead;
}

/* Is the operand another one after a step of this loop, which restarts the loops inside it? */
static bool changes_inside(const struct cost_nest *nest, size_t loop, enum operand operand)
{
    for (size_t i = loop + 1; i < nest->loop_count; i++)
        if (nest->loops[i].count > 1 && cost_loop_couples(&nest->loops[i], operand))
            return true;
    return false;
}

static uint64_t fetched(const struct cost_nest *nest, const struct tiles *tiles, size_t loop,
                        enum operand operand)
{
    bool inside = changes_inside(nest, loop, operand);
    bool streamed = nest->rule->streamed & OPERAND_BIT(operand);
    if (!streamed && !inside && !cost_loop_couples(&nest->loops[loop], operand))
        return 0;
    if (operand != OPERAND_INPUT)
        return coupled_product(nest, tiles, operand);
    return streamed || inside ? input_elements(nest, tiles, 0)
                              : input_elements_of_slide(nest, tiles, loop);
}

static uint64_t leaving(const struct cost_nest *nest, const struct tiles *tiles, size_t loop)
{
    if (!nest->rule->outputs_stay)
        return coupled_product(nest, tiles, OPERAND_OUTPUT);
    return fetched(nest, tiles, loop, OPERAND_OUTPUT);
}

/* `times` calls that a step of `loop` brings about: loads, compute and stores overlap, M-04. */
static void count_steps(struct walk *walk, const struct tiles *tiles, size_t loop,
                        unsigned __int128 times)
{
    const struct cost_nest *nest = walk->nest;
    uint64_t inputs = fetched(nest, tiles, loop, OPERAND_INPUT);
    uint64_t weights = fetched(nest, tiles, loop, OPERAND_WEIGHT);
    uint64_t outputs = leaving(nest, tiles, loop);
    uint64_t load = port_cycles(walk, load_bytes(nest, inputs, weights));
    uint64_t store = port_cycles(walk, (unsigned __int128)outputs * nest->shape->output_elem_bytes);
    walk->cycles += times * max_u64(call_cycles(walk, tiles), max_u64(load, store));
    walk->elements[OPERAND_INPUT] += times * inputs;
    walk->elements[OPERAND_WEIGHT] += times * weights;
    walk->elements[OPERAND_OUTPUT] += times * outputs;
}

/*
 * All steps of the loops from `loop` inwards, for `times` positions of those outside it. Every
 * call but the first is a step of exactly one loop, the outermost that moves; loops inside that
 * one stand at their first tile, loops outside at a full tile or at their ragged last one.
 */
static void count_loops(struct walk *walk, struct tiles *tiles, size_t loop,
                        unsigned __int128 times)
{
    const struct cost_nest *nest = walk->nest;
    while (loop < nest->loop_count && nest->loops[loop].count == 1)
        loop++;
    if (loop == nest->loop_count)
        return;
    const struct cost_loop *at = &nest->loops[loop];
    uint64_t ragged = at->edge != at->tile;
    uint64_t full_steps = at->count - 1 - ragged;
    if (full_steps > 0)
        count_steps(walk, tiles, loop, times * full_steps);
    count_loops(walk, tiles, loop + 1, times * (at->count - ragged));
    if (ragged) {
        tiles->of[loop] = at->edge;
        count_steps(walk, tiles, loop, times);
        count_loops(walk, tiles, loop + 1, times);
        tiles->of[loop] = at->tile;
    }
}

/* The first call: nothing overlaps its loads where loads are exposed, M-05. */
static void count_first(struct walk *walk, const struct tiles *tiles)
{
    const struct cost_nest *nest = walk->nest;
    uint64_t inputs = input_elements(nest, tiles, 0);
    uint64_t weights = coupled_product(nest, tiles, OPERAND_WEIGHT);
    uint64_t outputs = coupled_product(nest, tiles, OPERAND_OUTPUT);
    uint64_t load = port_cycles(walk, load_bytes(nest, inputs, weights));
    uint64_t call = call_cycles(walk, tiles), start = nest->rule->start_cycles;
    if (nest->rule->exposed_load)
        walk->cycles += call + max_u64(start, load);
    else
        walk->cycles += start + max_u64(call, load);
    walk->elements[OPERAND_INPUT] += inputs;
    walk->elements[OPERAND_WEIGHT] += weights;
    walk->elements[OPERAND_OUTPUT] += outputs;
}

enum err_code cost_nest_run(const struct cost_nest *nest, uint64_t bytes_per_cycle,
                            struct cost_run *out, struct err *err)
{
    struct walk walk = { .nest = nest, .bytes_per_cycle = bytes_per_cycle };
    struct tiles tiles = { .of = { 0 } };
    for (size_t i = 0; i < nest->loop_count; i++)
        tiles.of[i] = nest->loops[i].tile;
    count_first(&walk, &tiles);
    count_loops(&walk, &tiles, 0, 1);
    bool fits = walk.cycles <= NUM_MAX_SIZE;
    for (unsigned operand = 0; operand < OPERAND_COUNT; operand++)
        fits = fits && walk.elements[operand] <= NUM_MAX_SIZE;
    if (!fits)
        return err_set(err, ERR_OVERFLOW, "the layer's cycles or traffic exceed 2^63-1");
    out->cycles = (uint64_t)walk.cycles;
    for (unsigned operand = 0; operand < OPERAND_COUNT; operand++)
        out->elements[operand] = (uint64_t)walk.elements[operand];
    return ERR_OK;
}
