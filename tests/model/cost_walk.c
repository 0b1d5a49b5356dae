/*
 * A plain twin of the array model: it walks every call of a small layer in order and counts bytes
 * element by element. Slow, and written from the rules in core/dataflow.h, not from cost/.
 */
#include <string.h>

#include "core/num.h"
#include "core/rng.h"
#include "cost/cost.h"
#include "tests/model/cost_csv.h"
#include "tests/test.h"

#define AXIS_MAX 256

/* What one call covers: for each role a range of indices. */
struct call {
    uint64_t begin[ROLE_COUNT], length[ROLE_COUNT];
};

struct walk {
    const struct layer_shape *shape;
    const struct dataflow_rule *rule;
    uint64_t tile[ROLE_COUNT];
    enum role order[ROLE_COUNT];
    uint64_t bytes_per_cycle, inner, head;
    uint64_t cycles, inputs, weights, outputs;
};

static uint64_t transfer_cycles(const struct walk *walk, uint64_t bytes)
{
    uint64_t rate = walk->bytes_per_cycle;
    return rate ? (bytes + rate - 1) / rate : 0;
}

/* Mark the inputs that outputs × window touch along one axis. */
static void mark(bool touched[AXIS_MAX], const struct call *call, enum role out, enum role window,
                 uint64_t stride)
{
    memset(touched, 0, AXIS_MAX * sizeof *touched);
    for (uint64_t p = 0; p < call->length[out]; p++)
        for (uint64_t r = 0; r < call->length[window]; r++)
            touched[(call->begin[out] + p) * stride + call->begin[window] + r] = true;
}

static uint64_t count_marked(const bool touched[AXIS_MAX], const bool unless[AXIS_MAX])
{
    uint64_t count = 0;
    for (size_t i = 0; i < AXIS_MAX; i++)
        count += touched[i] && !(unless && unless[i]);
    return count;
}

static uint64_t along(const struct call *call, enum role out, enum role window, uint64_t stride,
                      bool each)
{
    bool touched[AXIS_MAX];
    if (each)
        return call->length[out] * call->length[window];
    mark(touched, call, out, window, stride);
    return count_marked(touched, NULL);
}

static uint64_t input_count(const struct walk *walk, const struct call *call, bool each_p,
                            bool each_q)
{
    bool im2col = walk->rule->windows == WINDOW_IM2COL;
    return call->length[ROLE_N] * call->length[ROLE_G] * call->length[ROLE_C] *
           along(call, ROLE_P, ROLE_R, walk->shape->stride_h, each_p || im2col) *
           along(call, ROLE_Q, ROLE_S, walk->shape->stride_w, each_q || im2col);
}

static uint64_t weight_count(const struct call *call)
{
    return call->length[ROLE_G] * call->length[ROLE_K] * call->length[ROLE_C] *
           call->length[ROLE_R] * call->length[ROLE_S];
}

static uint64_t output_count(const struct call *call)
{
    return call->length[ROLE_N] * call->length[ROLE_G] * call->length[ROLE_K] *
           call->length[ROLE_P] * call->length[ROLE_Q];
}

static bool moved(const struct call *a, const struct call *b, unsigned roles)
{
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        if (roles & ROLE_BIT(role) && a->begin[role] != b->begin[role])
            return true;
    return false;
}

#define INPUTS                                                                                     \
    (ROLE_BIT(ROLE_N) | ROLE_BIT(ROLE_G) | ROLE_BIT(ROLE_C) | ROLE_BIT(ROLE_P) |                   \
     ROLE_BIT(ROLE_Q) | ROLE_BIT(ROLE_R) | ROLE_BIT(ROLE_S))
#define WEIGHTS                                                                                    \
    (ROLE_BIT(ROLE_G) | ROLE_BIT(ROLE_K) | ROLE_BIT(ROLE_C) | ROLE_BIT(ROLE_R) | ROLE_BIT(ROLE_S))
#define OUTPUTS                                                                                    \
    (ROLE_BIT(ROLE_N) | ROLE_BIT(ROLE_G) | ROLE_BIT(ROLE_K) | ROLE_BIT(ROLE_P) | ROLE_BIT(ROLE_Q))

/* Inputs that a call needs and the one before did not have. */
static uint64_t new_inputs(const struct walk *walk, const struct call *call,
                           const struct call *before)
{
    if (!moved(call, before, INPUTS))
        return 0;
    unsigned space = walk->rule->row_roles | walk->rule->col_roles;
    for (unsigned axis = 0; axis < 2; axis++) {
        enum role out = axis ? ROLE_Q : ROLE_P, window = axis ? ROLE_S : ROLE_R;
        uint64_t stride = axis ? walk->shape->stride_w : walk->shape->stride_h;
        bool alone = !moved(call, before, INPUTS & ~ROLE_BIT(out));
        bool forward = call->begin[out] > before->begin[out]; /* a restart brings all anew */
        if (!alone || !forward || space & ROLE_BIT(out) || walk->rule->windows == WINDOW_IM2COL)
            continue;
        bool now[AXIS_MAX], then[AXIS_MAX];
        mark(now, call, out, window, stride);
        mark(then, before, out, window, stride);
        return input_count(walk, call, false, false) / count_marked(now, NULL) *
               count_marked(now, then);
    }
    return input_count(walk, call, false, false);
}

static uint64_t call_time(const struct walk *walk, const struct call *call)
{
    struct call row = *call;
    for (unsigned role = 1; role < ROLE_COUNT; role++)
        if (walk->rule->row_roles & ROLE_BIT(role))
            row.length[role] = 1;
    if (!walk->rule->exposed_load)
        return walk->inner + walk->head;
    bool each = walk->rule->windows == WINDOW_PER_PE;
    uint64_t bytes = input_count(walk, &row, each && walk->rule->col_roles & ROLE_BIT(ROLE_P),
                                 each && walk->rule->col_roles & ROLE_BIT(ROLE_Q)) +
                     weight_count(&row);
    return walk->inner + max_u64(walk->head, transfer_cycles(walk, bytes));
}

static bool streamed(const struct walk *walk, enum operand operand)
{
    return walk->rule->streamed & OPERAND_BIT(operand);
}

static void count_call(struct walk *walk, const struct call *call, const struct call *before)
{
    uint64_t inputs = !before || streamed(walk, OPERAND_INPUT) ? input_count(walk, call, 0, 0)
                                                               : new_inputs(walk, call, before);
    bool new_weights = !before || streamed(walk, OPERAND_WEIGHT) || moved(call, before, WEIGHTS);
    bool leave = !before || !walk->rule->outputs_stay || moved(call, before, OUTPUTS);
    uint64_t weights = new_weights ? weight_count(call) : 0;
    uint64_t outputs = leave ? output_count(call) : 0;
    uint64_t load = transfer_cycles(walk, inputs + weights), time = call_time(walk, call);
    if (before)
        walk->cycles += max_u64(time, max_u64(load, transfer_cycles(walk, outputs)));
    else if (walk->rule->exposed_load)
        walk->cycles += time + max_u64(walk->rule->start_cycles, load);
    else
        walk->cycles += walk->rule->start_cycles + max_u64(time, load);
    walk->inputs += inputs;
    walk->weights += weights;
    walk->outputs += outputs;
}

/* The next call in loop order, innermost fastest; false after the last. */
static bool advance(const struct walk *walk, struct call *call)
{
    for (size_t i = ROLE_COUNT - 1; i-- > 0;) {
        enum role role = walk->order[i];
        uint64_t extent = walk->shape->extent[role];
        bool wraps = call->begin[role] + walk->tile[role] >= extent;
        call->begin[role] = wraps ? 0 : call->begin[role] + walk->tile[role];
        bool is_column = walk->rule->col_roles & ROLE_BIT(role);
        call->length[role] = is_column && walk->rule->padded_cols
                                 ? walk->tile[role]
                                 : min_u64(walk->tile[role], extent - call->begin[role]);
        if (!wraps)
            return true;
    }
    return false;
}

/* Rules whose rows and columns are single roles. */
static void prepare(struct walk *walk, uint64_t rows, uint64_t cols)
{
    const struct dataflow_rule *rule = walk->rule;
    size_t count = 0;
    unsigned ordered = 0;
    for (size_t i = 0; i < rule->order_count; i++)
        ordered |= ROLE_BIT(rule->order[i]);
    walk->inner = 1;
    for (unsigned role = 1; role < ROLE_COUNT; role++) {
        uint64_t extent = walk->shape->extent[role], tile = 1;
        if (rule->row_roles & ROLE_BIT(role))
            tile = rows;
        else if (rule->col_roles & ROLE_BIT(role))
            tile = cols;
        else if (rule->inner_roles & ROLE_BIT(role))
            tile = rule->inner_tile[role] ? rule->inner_tile[role] : extent;
        walk->tile[role] = min_u64(tile, extent);
        if (rule->inner_roles & ROLE_BIT(role))
            walk->inner *= walk->tile[role];
        if (!(ordered & ROLE_BIT(role)))
            walk->order[count++] = (enum role)role;
    }
    memcpy(walk->order + count, rule->order, rule->order_count * sizeof *rule->order);
}

static void walk_layer(struct walk *walk)
{
    struct call call, before;
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        call.begin[role] = 0;
        call.length[role] = walk->tile[role];
    }
    count_call(walk, &call, NULL);
    for (before = call; advance(walk, &call); before = call)
        count_call(walk, &call, &before);
}

/* --- random small layers ---------------------------------------------------------------------- */

static uint64_t up_to(struct rng *rng, uint32_t most)
{
    return 1 + rng_below(rng, most);
}

static struct layer_shape random_shape(struct rng *rng, enum op_kind kind)
{
    struct layer_shape shape = cost_shape_gemm(up_to(rng, 9), up_to(rng, 40), up_to(rng, 40));
    shape.kind = kind;
    shape.extent[ROLE_N] = up_to(rng, 2);
    if (kind != OP_GEMM) {
        shape.extent[ROLE_Q] = up_to(rng, 9);
        shape.extent[ROLE_R] = up_to(rng, 4);
        shape.extent[ROLE_S] = up_to(rng, 4);
        shape.extent[ROLE_K] = up_to(rng, 20);
        shape.extent[ROLE_C] = up_to(rng, 20);
        shape.stride_h = (uint32_t)up_to(rng, 3);
        shape.stride_w = (uint32_t)up_to(rng, 3);
    }
    if (kind == OP_DEPTHWISE) {
        shape.extent[ROLE_G] = up_to(rng, 12);
        shape.extent[ROLE_K] = shape.extent[ROLE_C] = 1;
    }
    cost_shape_finish(&shape);
    return shape;
}

/* Cost of the layer under the rule, by walking and by cost_layer(). */
static void compare(struct rng *rng, const struct dataflow *dataflow,
                    const struct layer_shape *shape)
{
    const struct dataflow_rule *rule = &dataflow->rules[shape->kind];
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 8, 8);
    acc.dataflow = dataflow;
    acc.scratchpad_bytes_per_cycle = rng_below(rng, 3) ? up_to(rng, 40) : 0;
    uint32_t cols = cost_row_pes(shape, &acc);
    uint32_t rows = (uint32_t)up_to(rng, cost_natural_rows(shape, &acc));
    struct walk walk = { .shape = shape,
                         .rule = rule,
                         .bytes_per_cycle = acc.scratchpad_bytes_per_cycle,
                         .head = (uint64_t)rule->call_overhead_cycles };
    prepare(&walk, rows, cols);
    walk_layer(&walk);

    const struct soc_energy energy = { .mac_pj = 1 };
    struct layer_option option;
    CHECK_OK(cost_layer(shape, &acc, &energy, rows * cols, &option, err));
    CHECK_INT(walk.cycles, option.cycles);
    CHECK_INT(walk.inputs + walk.weights, option.scratchpad_read_bytes);
    CHECK_INT(walk.outputs, option.scratchpad_write_bytes);
}

static const enum op_kind kinds[] = { OP_CONV, OP_DEPTHWISE, OP_GEMM };

TEST(cost_walk__builtin_rules__equal_to_the_closed_form)
{
    static const char *const dataflows[] = { "nvdla-ws", "shidiannao-os", "tpu-os", "eyeriss-rs" };
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct rng rng = rng_stream(seed, 0, 0);
        struct layer_shape shape = random_shape(&rng, kinds[seed % 3]);
        test_seed(seed);
        for (size_t i = 0; i < 4; i++) {
            /* Narrow clusters and tiles, so that small layers fold as well. */
            struct dataflow narrow = *dataflow_find(dataflows[i]);
            struct dataflow_rule *rule = &narrow.rules[shape.kind];
            rule->cols = (uint32_t)up_to(&rng, 9);
            for (unsigned role = 1; role < ROLE_COUNT; role++)
                if (rule->inner_tile[role])
                    rule->inner_tile[role] = (uint32_t)up_to(&rng, 9);
            compare(&rng, &narrow, &shape);
        }
    }
}

/* Any role in space, in a call or outside it, in any order, with any reuse. */
static struct dataflow_rule random_rule(struct rng *rng)
{
    uint32_t roles[] = { ROLE_N, ROLE_G, ROLE_K, ROLE_C, ROLE_P, ROLE_Q, ROLE_R, ROLE_S };
    const size_t count = sizeof roles / sizeof *roles;
    struct dataflow_rule rule = { .present = true };
    rng_shuffle_u32(rng, roles, count);
    rule.row_roles = ROLE_BIT(roles[0]);
    rule.col_roles = ROLE_BIT(roles[1]);
    size_t inner_count = rng_below(rng, 4);
    for (size_t i = 2; i < 2 + inner_count; i++) {
        rule.inner_roles |= ROLE_BIT(roles[i]);
        rule.inner_tile[roles[i]] = rng_below(rng, 5);
    }
    rng_shuffle_u32(rng, roles, count);
    rule.order_count = rng_below(rng, count + 1);
    for (size_t i = 0; i < rule.order_count; i++)
        rule.order[i] = (enum role)roles[i];
    rule.cols = (uint32_t)up_to(rng, 9);
    rule.streamed = rng_below(rng, 4);
    rule.outputs_stay = rng_below(rng, 2);
    rule.exposed_load = rng_below(rng, 2);
    rule.padded_cols = rng_below(rng, 2);
    rule.windows = (enum window_reuse)rng_below(rng, 3);
    rule.call_overhead_cycles = (int32_t)rng_below(rng, 4);
    rule.start_cycles = rng_below(rng, 4);
    return rule;
}

TEST(cost_walk__random_rules__equal_to_the_closed_form)
{
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct rng rng = rng_stream(seed, 1, 0);
        struct layer_shape shape = random_shape(&rng, kinds[seed % 3]);
        struct dataflow dataflow = { .name = "random" };
        dataflow.rules[shape.kind] = random_rule(&rng);
        test_seed(seed);
        compare(&rng, &dataflow, &shape);
    }
}
