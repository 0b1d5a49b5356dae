/* Accelerators whose times were measured: docs/model.md M-140, M-144. */
#include <math.h>
#include <string.h>

#include "core/num.h"
#include "core/rng.h"
#include "cost/cost.h"
#include "cost/cost_fit.h"
#include "tests/test.h"

static const struct dataflow core = {
    .name = "core",
    .measured = { .present = true,
                  .columns = 16,
                  .depth = 4,
                  .call_ns = 1000,
                  .epilogue_elements_per_s = 1e9,
                  .rates = { [OP_CONV] = { true, 100e9, { 10e9, 1e9, 5e9 } },
                             [OP_DEPTHWISE] = { true, 20e9, { 0 } },
                             [OP_POOL] = { true, 1e9, { 1e9, 0, 1e9 } } } },
};
static const struct soc_accelerator accelerator = {
    .name = "core0",
    .clock_hz = 1000000000,
    .pe_rows = 1,
    .pe_cols = 2,
    .dataflow = &core,
    .supports = 1u << OP_CONV | 1u << OP_DEPTHWISE | 1u << OP_POOL | 1u << OP_GEMM,
    .shared_layers_max = 1,
    .scratchpad_bytes = 1 << 20,
    .vector_lanes = 2,
};

/* 24 output channels in 32 columns, 27 terms in 28. */
static struct layer_shape conv_shape(void)
{
    struct layer_shape shape = { .kind = OP_CONV, .passes = 1, .stride_h = 1, .stride_w = 1 };
    for (unsigned role = 0; role < ROLE_COUNT; role++)
        shape.extent[role] = 1;
    shape.extent[ROLE_K] = 24;
    shape.extent[ROLE_C] = 3;
    shape.extent[ROLE_R] = shape.extent[ROLE_S] = 3;
    shape.extent[ROLE_P] = shape.extent[ROLE_Q] = 10;
    shape.macs = 24 * 27 * 100;
    shape.input_bytes = 300;
    shape.weight_bytes = 24 * 27;
    shape.output_bytes = 600;
    shape.output_elem_bytes = 1;
    shape.epilogue_elements = 4800;
    shape.external_bytes = 300;
    shape.is_sink = 1;
    return shape;
}

TEST(cost_measured__conv__by_hand)
{
    /* 2 · 32 · 28 · 100 operations at 100 GOP/s: 1792 ns; 300 bytes at 10 GB/s: 30 ns; 648 at 1
     * GB/s: 648 ns; 2400 results at 5 GB/s: 480 ns; 4800 elements at 1 G/s: 4800 ns; the call 1000
     * ns. The results of the pool that follows are fewer. */
    struct layer_shape shape = conv_shape();
    const struct soc_energy energy = { .mac_pj = 1, .memory_pj_per_byte = 2 };
    struct layer_option option;
    CHECK_INT(ERR_OK, cost_layer(&shape, &accelerator, &energy, 2, &option, NULL));
    CHECK_INT(1792 + 30 + 648 + 480 + 4800 + 1000, option.cycles);
    CHECK_INT((1792 + 30 + 648 + 480 + 4800 + 1000) * 1000, option.compute_ps);
    CHECK_INT(24 * 27 + 300, option.memory_read_bytes);
    CHECK_INT(600, option.memory_write_bytes);
    CHECK_INT(300 + 24 * 27 + 600, option.scratchpad_bytes);
    CHECK_INT(1, option.tiles);
    CHECK_NEAR(24 * 27 * 100 + 4800 + 2 * (24 * 27 + 300 + 600), option.energy_pj, 1e-9);
}

TEST(cost_measured__other_kinds__by_hand)
{
    struct layer_shape shape = conv_shape();
    const struct soc_energy energy = { 0 };
    struct layer_option option;
    shape.kind = OP_DEPTHWISE; /* not padded; bytes take no time */
    CHECK_INT(ERR_OK, cost_layer(&shape, &accelerator, &energy, 2, &option, NULL));
    CHECK_INT(6480 + 4800 + 1000, option.cycles);
    shape.kind = OP_POOL; /* 64,800 element operations, 300 and 2400 bytes */
    CHECK_INT(ERR_OK, cost_layer(&shape, &accelerator, &energy, 2, &option, NULL));
    CHECK_INT(64800 + 2700 + 4800 + 1000, option.cycles);
}

TEST(cost_measured__one_allotment__the_whole_accelerator)
{
    struct layer_shape shape = conv_shape();
    const struct soc_energy energy = { 0 };
    struct cost_allotment out[COST_OPTIONS_MAX];
    for (unsigned sharing = 0; sharing < COST_SHARING_COUNT; sharing++) {
        CHECK_INT(1,
                  cost_allotments(&shape, &accelerator, &energy, (enum cost_sharing)sharing, out));
        CHECK_INT(2, out[0].pes);
    }
    shape.kind = OP_GEMM; /* supported, but without rates */
    CHECK_INT(0, cost_allotments(&shape, &accelerator, &energy, COST_SHARING_FIXED, out));
    struct layer_option option;
    CHECK_INT(ERR_INFEASIBLE, cost_layer(&shape, &accelerator, &energy, 2, &option, NULL));
    shape = conv_shape();
    shape.output_bytes = 2 << 20;
    CHECK_INT(ERR_INFEASIBLE, cost_layer(&shape, &accelerator, &energy, 2, &option, NULL));
}

TEST(cost_fit__known_rates__are_found)
{
    struct rng rng = rng_stream(7, 0, 0);
    struct cost_timed timed[60];
    test_seed(7);
    for (size_t i = 0; i < 60; i++) {
        struct layer_shape *shape = &timed[i].shape;
        *shape = conv_shape();
        shape->kind = i % 3 == 0 ? OP_CONV : i % 3 == 1 ? OP_DEPTHWISE : OP_POOL;
        shape->extent[ROLE_K] = 1 + rng_u32(&rng) % 512;
        shape->extent[ROLE_P] = 1 + rng_u32(&rng) % 56;
        shape->macs = 27 * 10 * shape->extent[ROLE_K] * shape->extent[ROLE_P];
        shape->input_bytes = 1000 + rng_u32(&rng) % 500000;
        shape->weight_bytes = 1000 + rng_u32(&rng) % 500000;
        shape->epilogue_elements = i % 4 == 0 ? rng_u32(&rng) % 100000 : 0;
        timed[i].seconds = cost_measured_seconds(shape, &core.measured);
    }
    struct dataflow_measured found = { .columns = 16, .depth = 4 };
    double error = cost_fit(timed, 60, &found);
    CHECK(error < 0.01);
    CHECK(found.present);
    CHECK_NEAR(1000, found.call_ns, 100);
    CHECK_NEAR(1e9, found.epilogue_elements_per_s, 0.05e9);
    CHECK_NEAR(100e9, found.rates[OP_CONV].ops_per_s, 3e9);
    CHECK_NEAR(10e9, found.rates[OP_CONV].bytes_per_s[OPERAND_INPUT], 0.5e9);
    CHECK_NEAR(1e9, found.rates[OP_CONV].bytes_per_s[OPERAND_WEIGHT], 0.05e9);
    CHECK_NEAR(5e9, found.rates[OP_CONV].bytes_per_s[OPERAND_OUTPUT], 1e9);
    CHECK_NEAR(20e9, found.rates[OP_DEPTHWISE].ops_per_s, 1e9);
    CHECK_NEAR(1e9, found.rates[OP_POOL].ops_per_s, 0.05e9);
    CHECK(!found.rates[OP_GEMM].present);
}
