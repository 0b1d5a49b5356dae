/* Replicas side by side in one array, M-80 to M-83; the arithmetic stands beside every number. */
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "core/rng.h"
#include "cost/cost.h"
#include "tests/model/cost_csv.h"
#include "tests/test.h"

static const struct soc_energy energy = { .mac_pj = 1,
                                          .register_pj_per_byte = 10,
                                          .scratchpad_pj_per_byte = 100,
                                          .memory_pj_per_byte = 1000 };

static struct layer_option cost_of(const struct layer_shape *shape,
                                   const struct soc_accelerator *acc, uint32_t pes,
                                   uint32_t replicas, enum role split)
{
    const struct cost_allotment allotment = { pes, replicas, split };
    struct layer_option option;
    CHECK_OK(cost_allotted_layer(shape, acc, &energy, &allotment, &option, err));
    return option;
}

/* YOLOv5s' first layer: 32 rows of 64 PEs on NVDLA. */
static struct layer_shape first_of_yolo(void)
{
    return cost_shape_conv(32, 3, 320, 320, 6, 6, 2);
}

TEST(cost_tiled__rows_of_a_map__an_eighth_of_the_time_on_eight_times_the_pes)
{
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 128, 128);
    struct layer_shape shape = first_of_yolo();
    CHECK_INT(2048, cost_natural_pes(&shape, &acc));
    struct layer_option one = cost_of(&shape, &acc, 2048, 1, ROLE_NONE);
    struct layer_option eight = cost_of(&shape, &acc, 2048, 8, ROLE_P);
    CHECK_INT(320 * 320 * 37 + 1, one.cycles);
    CHECK_INT(40 * 320 * 37 + 1, eight.cycles);
    CHECK_INT(2048, one.pes);
    CHECK_INT(16384, eight.pes);
    CHECK_INT(1, one.replicas);
    CHECK_INT(ROLE_NONE, one.split);
    CHECK_INT(8, eight.replicas);
    CHECK_INT(ROLE_P, eight.split);
}

TEST(cost_tiled__every_replica__reads_weights_of_its_own)
{
    /* Weights 32 · 3 · 36 B each. A row of outputs fetches 3 · 36 inputs, then 319 times two new
     * columns of 3 · 6; nothing is kept from row to row, so splitting rows costs no halo. Results:
     * all of the map once. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 128, 128);
    struct layer_shape shape = first_of_yolo();
    struct layer_option one = cost_of(&shape, &acc, 2048, 1, ROLE_NONE);
    struct layer_option eight = cost_of(&shape, &acc, 2048, 8, ROLE_P);
    uint64_t weights = 32 * 3 * 36, inputs = UINT64_C(320) * (108 + 319 * 36);
    CHECK_INT(weights + inputs, one.scratchpad_read_bytes);
    CHECK_INT(8 * weights + inputs, eight.scratchpad_read_bytes);
    CHECK_INT(one.scratchpad_write_bytes, eight.scratchpad_write_bytes);
    /* Memory sends them once. Each byte more is read from the scratchpad and put in a register. */
    CHECK_INT(one.memory_read_bytes, eight.memory_read_bytes);
    CHECK_NEAR((double)(7 * weights) * 10, eight.energy.register_pj - one.energy.register_pj, 1);
    CHECK_NEAR((double)(7 * weights) * 100, eight.energy.scratchpad_pj - one.energy.scratchpad_pj,
               1);
    CHECK_NEAR(eight.energy_pj - one.energy_pj, (double)(7 * weights) * 110, 1e3);
}

TEST(cost_tiled__columns_of_a_map__pay_for_the_halo)
{
    /* 8 strips of 40 columns: a row of each fetches 3 · 36, then 39 · 36. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 128, 128);
    struct layer_shape shape = first_of_yolo();
    struct layer_option eight = cost_of(&shape, &acc, 2048, 8, ROLE_Q);
    uint64_t weights = 32 * 3 * 36, inputs = UINT64_C(8) * 320 * (108 + 39 * 36);
    CHECK_INT(320 * 40 * 37 + 1, eight.cycles);
    CHECK_INT(8 * weights + inputs, eight.scratchpad_read_bytes);
}

TEST(cost_tiled__ragged_split__the_largest_part_decides)
{
    /* M=10 over 4 replicas: 3 + 3 + 3 + 1. N=5 K=65 on 5 rows of 64, 2 column folds. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 64, 64);
    struct layer_shape shape = cost_shape_gemm(10, 5, 65);
    struct layer_option four = cost_of(&shape, &acc, 5 * 64, 4, ROLE_P);
    CHECK_INT(2 * 3 * 2 + 1, four.cycles);
    /* Two partial sums of each of the 50 results, whoever makes them. */
    CHECK_INT(2 * 50 * shape.output_elem_bytes, four.scratchpad_write_bytes);
}

TEST(cost_tiled__bounded_bandwidth__one_port_for_all_replicas)
{
    /* Systolic, so no call waits for its row: M-04 alone. Four replicas at 4 B take what one takes
     * for its part at 1 B. */
    struct soc_accelerator acc = cost_accelerator("systolic-os", 16, 16);
    struct layer_shape shape = cost_shape_gemm(2, 64, 300), part = cost_shape_gemm(2, 16, 300);
    acc.scratchpad_bytes_per_cycle = 4;
    struct layer_option four = cost_of(&shape, &acc, 2 * 16, 4, ROLE_K);
    acc.scratchpad_bytes_per_cycle = 1;
    struct layer_option alone = cost_of(&part, &acc, 2 * 16, 1, ROLE_NONE);
    CHECK_INT(alone.cycles, four.cycles);
    acc.scratchpad_bytes_per_cycle = 0;
    CHECK(cost_of(&part, &acc, 2 * 16, 1, ROLE_NONE).cycles < alone.cycles);
}

TEST(cost_tiled__scratchpad__a_strip_with_its_halo_per_replica)
{
    /* 64 channels of 34 × 34 inputs, padded. Four replicas of 8 rows, 16 steps: 8 along P, of one
     * row of each replica, 2 along Q. Inputs: 4 strips of 3 of 34 rows, 18 of 34 columns; results:
     * 4 of 32 rows, 16 of 32 columns; two slices of each, and all weights. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 128, 128);
    struct layer_shape shape = cost_shape_conv(64, 64, 32, 32, 3, 3, 1);
    shape.input_bytes = 64 * 34 * 34;
    struct layer_option one = cost_of(&shape, &acc, 64 * 64, 1, ROLE_NONE);
    struct layer_option four = cost_of(&shape, &acc, 64 * 64, 4, ROLE_P);
    uint64_t weights = 64 * 64 * 9;
    CHECK_INT(16, four.tiles);
    CHECK_INT(2 * 64 * 12 * 18 + weights + 2 * 64 * 4 * 16, four.scratchpad_bytes);
    /* One alone: 16 steps of two rows: 4 of 34, all columns. */
    CHECK_INT(2 * 64 * 4 * 34 + weights + 2 * 64 * 2 * 32, one.scratchpad_bytes);
}

/* --- which ones there are --------------------------------------------------------------------- */

TEST(cost_tiled__split_roles__outputs_that_the_rows_do_not_cover)
{
    struct soc_accelerator nvdla = cost_accelerator("nvdla-ws", 128, 128);
    struct soc_accelerator shidiannao = cost_accelerator("shidiannao-os", 128, 128);
    struct layer_shape conv = cost_shape_conv(8, 8, 8, 8, 3, 3, 1);
    struct layer_shape depthwise = cost_shape_depthwise(8, 8, 8, 3, 3, 1);
    struct layer_shape gemm = cost_shape_gemm(8, 8, 8);
    unsigned p = ROLE_BIT(ROLE_P), q = ROLE_BIT(ROLE_Q), k = ROLE_BIT(ROLE_K);
    CHECK_INT(p | q, cost_split_roles(&conv, &nvdla)); /* N is 1; C is summed up */
    CHECK_INT(k | q, cost_split_roles(&conv, &shidiannao));
    CHECK_INT(ROLE_BIT(ROLE_G) | q, cost_split_roles(&depthwise, &shidiannao));
    CHECK_INT(p, cost_split_roles(&gemm, &nvdla));
}

TEST(cost_tiled__narrow_layer__offered_up_to_the_whole_array)
{
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 128, 128);
    struct layer_shape shape = first_of_yolo();
    struct cost_allotment offered[COST_OPTIONS_MAX];
    size_t count = cost_allotments(&shape, &acc, &energy, COST_SHARING_TILED, offered);
    CHECK_INT(12, count);
    CHECK_INT(2048, offered[0].pes);
    CHECK_INT(1, offered[0].replicas);
    CHECK_INT(8, offered[1].replicas);
    CHECK_INT(2048, offered[1].pes);
    CHECK_INT(ROLE_P, offered[1].split); /* as fast as Q, without the halo */
}

TEST(cost_tiled__row_count_that_fits_badly__narrower_replicas_do_better)
{
    /* K=192: 192 of 256 rows. Four replicas of 64 rows need three passes over a quarter each. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 128, 128);
    struct layer_shape shape = cost_shape_conv(192, 64, 64, 64, 1, 1, 1);
    struct cost_allotment offered[COST_OPTIONS_MAX];
    CHECK(cost_allotments(&shape, &acc, &energy, COST_SHARING_TILED, offered) > 2);
    CHECK_INT(192 * 64, offered[0].pes);
    CHECK_INT(64 * 64, offered[1].pes);
    CHECK_INT(4, offered[1].replicas);
    struct layer_option one = cost_of(&shape, &acc, offered[0].pes, 1, ROLE_NONE);
    struct layer_option four = cost_of(&shape, &acc, offered[1].pes, 4, offered[1].split);
    CHECK_INT(64 * 64 * 2 + 1, one.cycles);
    CHECK_INT(3 * 16 * 64 * 2 + 1, four.cycles);
}

/* --- properties ------------------------------------------------------------------------------- */

static uint64_t log_uniform(struct rng *rng, unsigned bits)
{
    return 1 + rng_below(rng, 1u << (1 + rng_below(rng, bits)));
}

static struct layer_shape random_shape(struct rng *rng)
{
    uint64_t k = log_uniform(rng, 9), c = log_uniform(rng, 9), window = 1 + rng_below(rng, 5);
    uint64_t p = log_uniform(rng, 8), q = log_uniform(rng, 8), stride = 1 + rng_below(rng, 2);
    struct layer_shape shape;
    switch (rng_below(rng, 3)) {
    case 0:
        shape = cost_shape_gemm(p, k, c);
        break;
    case 1:
        shape = cost_shape_depthwise(k, p, q, window, window, (uint32_t)stride);
        break;
    default:
        shape = cost_shape_conv(k, c, p, q, window, window, (uint32_t)stride);
        break;
    }
    shape.extent[ROLE_N] = log_uniform(rng, 2);
    cost_shape_finish(&shape);
    return shape;
}

static struct soc_accelerator random_accelerator(struct rng *rng)
{
    const struct dataflow *dataflow = &dataflow_table[rng_below(rng, (uint32_t)dataflow_count)];
    struct soc_accelerator acc = cost_accelerator(dataflow->name, (uint32_t)log_uniform(rng, 7),
                                                  (uint32_t)log_uniform(rng, 7));
    acc.scratchpad_bytes = UINT64_C(1) << 40;
    if (rng_below(rng, 2))
        acc.scratchpad_bytes_per_cycle = log_uniform(rng, 10);
    return acc;
}

/* The same layer with another extent of one role: what one replica works on. */
static struct layer_shape part_of(const struct layer_shape *shape, enum role split, uint64_t extent)
{
    struct layer_shape part = *shape;
    part.extent[split] = extent;
    cost_shape_finish(&part);
    return part;
}

/* Work, and at unlimited bandwidth time and traffic, are those of the parts run on their own. */
static void check_parts(const struct layer_shape *shape, struct soc_accelerator acc,
                        const struct cost_allotment *allotment)
{
    uint64_t whole = shape->extent[allotment->split];
    uint64_t largest = ceil_div_u64(whole, allotment->replicas);
    uint64_t rest = whole - (allotment->replicas - 1) * largest;
    CHECK(rest >= 1 && rest <= largest);
    struct layer_shape part = part_of(shape, allotment->split, largest);
    struct layer_shape last = part_of(shape, allotment->split, rest);
    CHECK_INT(shape->macs, (allotment->replicas - 1) * part.macs + last.macs);
    acc.scratchpad_bytes_per_cycle = 0;
    struct layer_option all =
        cost_of(shape, &acc, allotment->pes, allotment->replicas, allotment->split);
    struct layer_option one = cost_of(&part, &acc, allotment->pes, 1, ROLE_NONE);
    struct layer_option end = cost_of(&last, &acc, allotment->pes, 1, ROLE_NONE);
    CHECK_INT(one.cycles, all.cycles);
    CHECK_INT((allotment->replicas - 1) * one.scratchpad_read_bytes + end.scratchpad_read_bytes,
              all.scratchpad_read_bytes);
    CHECK_INT((allotment->replicas - 1) * one.scratchpad_write_bytes + end.scratchpad_write_bytes,
              all.scratchpad_write_bytes);
    CHECK(all.scratchpad_write_bytes >= shape->output_bytes);
    CHECK(all.scratchpad_read_bytes >= shape->weight_bytes);
}

static void check_offer(const struct layer_shape *shape, const struct soc_accelerator *acc)
{
    struct cost_allotment offered[COST_OPTIONS_MAX];
    size_t count = cost_allotments(shape, acc, &energy, COST_SHARING_TILED, offered);
    uint64_t narrower = 0, pes_before = UINT64_MAX;
    CHECK(count >= 1 && count <= 12);
    CHECK_INT(cost_natural_pes(shape, acc), offered[0].pes * offered[0].replicas);
    CHECK_INT(1, offered[0].replicas);
    for (size_t i = 0; i < count; i++) {
        struct layer_option option =
            cost_of(shape, acc, offered[i].pes, offered[i].replicas, offered[i].split);
        const struct energy_split *split = &option.energy;
        double parts = split->mac_pj + split->register_pj + split->scratchpad_pj + split->memory_pj;
        CHECK(option.pes <= soc_pes(acc));
        CHECK((unsigned __int128)option.cycles * option.pes >= shape->macs);
        CHECK_NEAR(parts, option.energy_pj, parts * 1e-12);
        CHECK_INT(shape->weight_bytes + shape->external_bytes, option.memory_read_bytes);
        CHECK(option.tiles >= 1 && option.tiles <= 64);
        if (offered[i].replicas > 1)
            check_parts(shape, *acc, &offered[i]);
        if (i == 0)
            continue;
        /* Widest first, and each wider one is faster. */
        CHECK(option.pes < pes_before && option.pes != offered[0].pes);
        CHECK(option.cycles > narrower);
        pes_before = option.pes;
        narrower = option.cycles;
    }
}

TEST(cost_tiled__random_layers__parts_add_up_and_wider_is_faster)
{
    for (uint64_t seed = 1; seed <= 600; seed++) {
        struct rng rng = rng_stream(seed, 1, 0);
        struct layer_shape shape = random_shape(&rng);
        struct soc_accelerator acc = random_accelerator(&rng);
        test_seed(seed);
        check_offer(&shape, &acc);
    }
}

TEST(cost_tiled__wider_than_natural__is_faster_than_natural)
{
    size_t wider = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct rng rng = rng_stream(seed, 2, 0);
        struct layer_shape shape = random_shape(&rng);
        struct soc_accelerator acc = random_accelerator(&rng);
        struct cost_allotment offered[COST_OPTIONS_MAX];
        size_t count = cost_allotments(&shape, &acc, &energy, COST_SHARING_TILED, offered);
        struct layer_option natural = cost_of(&shape, &acc, offered[0].pes, 1, ROLE_NONE);
        test_seed(seed);
        for (size_t i = 1; i < count; i++) {
            struct layer_option option =
                cost_of(&shape, &acc, offered[i].pes, offered[i].replicas, offered[i].split);
            CHECK(option.pes < natural.pes || option.cycles < natural.cycles);
            wider += option.pes > natural.pes;
        }
    }
    CHECK(wider > 200); /* the property was not vacuous */
}
