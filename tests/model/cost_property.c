/* What must hold for any layer on any array, over random shapes. */
#include <string.h>

#include "core/num.h"
#include "core/rng.h"
#include "cost/cost.h"
#include "tests/model/cost_csv.h"
#include "tests/test.h"

static const struct soc_energy energy = { .mac_pj = 0.2,
                                          .register_pj_per_byte = 0.1,
                                          .scratchpad_pj_per_byte = 1.5,
                                          .memory_pj_per_byte = 100 };

static uint64_t log_uniform(struct rng *rng, unsigned bits)
{
    return 1 + rng_below(rng, 1u << (1 + rng_below(rng, bits)));
}

static struct layer_shape random_shape(struct rng *rng, enum op_kind kind)
{
    struct layer_shape shape =
        cost_shape_gemm(log_uniform(rng, 8), log_uniform(rng, 10), log_uniform(rng, 10));
    shape.kind = kind;
    if (kind != OP_GEMM) {
        shape.extent[ROLE_N] = log_uniform(rng, 2);
        shape.extent[ROLE_Q] = log_uniform(rng, 8);
        shape.extent[ROLE_R] = 1 + rng_below(rng, 7);
        shape.extent[ROLE_S] = 1 + rng_below(rng, 7);
        shape.stride_h = 1 + rng_below(rng, 3);
        shape.stride_w = 1 + rng_below(rng, 3);
    }
    if (kind == OP_DEPTHWISE) {
        shape.extent[ROLE_G] = log_uniform(rng, 9);
        shape.extent[ROLE_K] = shape.extent[ROLE_C] = 1;
    }
    shape.output_elem_bytes = 1u << rng_below(rng, 3);
    cost_shape_finish(&shape);
    shape.is_sink = rng_below(rng, 2);
    shape.external_bytes = rng_below(rng, 2) ? shape.input_bytes : 0;
    shape.epilogue_elements = rng_below(rng, 1000);
    return shape;
}

static struct soc_accelerator random_accelerator(struct rng *rng)
{
    const struct dataflow *dataflow = &dataflow_table[rng_below(rng, (uint32_t)dataflow_count)];
    struct soc_accelerator acc = cost_accelerator(dataflow->name, (uint32_t)log_uniform(rng, 7),
                                                  (uint32_t)log_uniform(rng, 7));
    acc.scratchpad_bytes = UINT64_C(1) << 40;
    return acc;
}

static struct layer_option cost_rows(const struct layer_shape *shape,
                                     const struct soc_accelerator *acc, uint32_t rows)
{
    struct layer_option option;
    CHECK_OK(cost_layer(shape, acc, &energy, rows * cost_row_pes(shape, acc), &option, err));
    return option;
}

/* Runs `check` on many random (layer, accelerator) pairs; the seed is printed on failure. */
static void for_random(void (*check)(struct rng *rng, const struct layer_shape *shape,
                                     struct soc_accelerator *acc))
{
    static const enum op_kind kinds[] = { OP_CONV, OP_DEPTHWISE, OP_GEMM };
    for (uint64_t seed = 1; seed <= 600; seed++) {
        struct rng rng = rng_stream(seed, 0, 0);
        struct layer_shape shape = random_shape(&rng, kinds[seed % 3]);
        struct soc_accelerator acc = random_accelerator(&rng);
        test_seed(seed);
        check(&rng, &shape, &acc);
    }
}

static void check_work(struct rng *rng, const struct layer_shape *shape,
                       struct soc_accelerator *acc)
{
    uint32_t rows = 1 + rng_below(rng, cost_natural_rows(shape, acc));
    struct layer_option option = cost_rows(shape, acc, rows);
    CHECK((unsigned __int128)option.cycles * option.pes >= shape->macs);
    CHECK(option.pes <= soc_pes(acc));
    CHECK(option.tiles >= 1 && option.tiles <= 64);
    CHECK(option.compute_ps >= 1);
    CHECK(option.scratchpad_read_bytes >= shape->weight_bytes);
    CHECK(option.scratchpad_write_bytes >= shape->output_bytes);
    CHECK_INT(shape->weight_bytes + shape->external_bytes, option.memory_read_bytes);
    CHECK_INT(shape->is_sink ? shape->output_bytes : 0, option.memory_write_bytes);
}

TEST(cost_property__random_layers__work_fits_the_array)
{
    for_random(check_work);
}

static void check_energy(struct rng *rng, const struct layer_shape *shape,
                         struct soc_accelerator *acc)
{
    struct layer_option option =
        cost_rows(shape, acc, 1 + rng_below(rng, cost_natural_rows(shape, acc)));
    const struct energy_split *split = &option.energy;
    double parts = split->mac_pj + split->register_pj + split->scratchpad_pj + split->memory_pj;
    CHECK_NEAR(parts, option.energy_pj, parts * 1e-12);
    CHECK(split->mac_pj >= (double)shape->macs * energy.mac_pj * (1 - 1e-12));
}

TEST(cost_property__random_layers__energy_is_the_sum_of_its_parts)
{
    for_random(check_energy);
}

static void check_rows(struct rng *rng, const struct layer_shape *shape,
                       struct soc_accelerator *acc)
{
    uint32_t natural = cost_natural_rows(shape, acc), rows = 1 + rng_below(rng, natural);
    uint64_t extent = cost_row_extent(shape, acc);
    uint64_t fewest = ceil_div_u64(extent, ceil_div_u64(extent, rows));
    uint64_t cycles = cost_rows(shape, acc, rows).cycles;
    CHECK(cost_rows(shape, acc, natural).cycles <= cycles);
    /* Rows that save no pass save no cycle. */
    CHECK_INT(cycles, cost_rows(shape, acc, (uint32_t)fewest).cycles);
}

TEST(cost_property__more_rows__never_slower_and_only_whole_passes_count)
{
    for_random(check_rows);
}

static void check_bandwidth(struct rng *rng, const struct layer_shape *shape,
                            struct soc_accelerator *acc)
{
    uint32_t rows = cost_natural_rows(shape, acc);
    struct layer_option unlimited = cost_rows(shape, acc, rows);
    acc->scratchpad_bytes_per_cycle = log_uniform(rng, 10);
    struct layer_option slow = cost_rows(shape, acc, rows);
    acc->scratchpad_bytes_per_cycle += log_uniform(rng, 6);
    struct layer_option fast = cost_rows(shape, acc, rows);
    CHECK(unlimited.cycles <= fast.cycles);
    CHECK(fast.cycles <= slow.cycles);
    CHECK_INT(unlimited.scratchpad_read_bytes, slow.scratchpad_read_bytes);
}

TEST(cost_property__more_bandwidth__never_slower)
{
    for_random(check_bandwidth);
}

static void check_scratchpad(struct rng *rng, const struct layer_shape *shape,
                             struct soc_accelerator *acc)
{
    uint32_t pes = cost_natural_pes(shape, acc);
    uint64_t before = 0;
    (void)rng;
    acc->scratchpad_bytes = UINT64_C(1) << 32;
    for (; acc->scratchpad_bytes > 0; acc->scratchpad_bytes /= 3) {
        struct layer_option option;
        struct err err = ERR_INIT;
        enum err_code rc = cost_layer(shape, acc, &energy, pes, &option, &err);
        if (rc != ERR_OK) {
            CHECK_INT(ERR_INFEASIBLE, rc);
            break;
        }
        uint64_t moved = option.memory_read_bytes + option.memory_write_bytes;
        CHECK(option.scratchpad_bytes <= acc->scratchpad_bytes);
        CHECK(moved >= before);
        before = moved;
    }
    /* Less and less room ends in a refusal, never in a plan that does not fit. */
    for (; acc->scratchpad_bytes > 0; acc->scratchpad_bytes /= 3)
        CHECK_INT(ERR_INFEASIBLE,
                  cost_layer(shape, acc, &energy, pes, &(struct layer_option){ 0 }, NULL));
}

TEST(cost_property__less_scratchpad__more_traffic_then_infeasible)
{
    for_random(check_scratchpad);
}

/* Every built-in dataflow expresses all three kinds. */
TEST(cost_property__builtin_dataflows__run_every_kind_with_macs)
{
    struct rng rng = rng_stream(1, 2, 3);
    for (size_t i = 0; i < dataflow_count; i++)
        for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++) {
            if (!op_kind_has_macs((enum op_kind)kind))
                continue;
            struct layer_shape shape = random_shape(&rng, (enum op_kind)kind);
            struct soc_accelerator acc = cost_accelerator(dataflow_table[i].name, 16, 16);
            CHECK(cost_natural_pes(&shape, &acc) > 0);
            CHECK(cost_rows(&shape, &acc, cost_natural_rows(&shape, &acc)).cycles > 0);
        }
}
