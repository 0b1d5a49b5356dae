/*
 * The ranking model against its equations, M-63 to M-70 of docs/model.md, worked out by hand.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/model/match_case.h"
#include "tests/test.h"

/* The only mapping, or the given one of several. */
static struct intrin_cost predict(const char *intrinsic, const struct expr *expr,
                                  const struct intrin_mapping *mapping)
{
    struct intrin intrin;
    struct intrin_cost cost;
    CHECK_OK(intrin_find(intrinsic, &intrin, err));
    CHECK(intrin_mapping_is_valid(&intrin, expr, mapping));
    CHECK_OK(intrin_predict(&intrin, expr, mapping, &cost, err));
    return cost;
}

TEST(intrin_rank__gemm_on_vnni__six_terms)
{
    struct expr expr;
    struct intrin_mapping mapping = { { 1, 2, 4 } }; /* m, n, k */
    match_op("gemm", "m=64 n=48 k=4096", &expr);
    struct intrin_cost c = predict("vnni.8x48x4", &expr, &mapping);
    CHECK_INT(8 * 1 * 1024, c.calls);
    CHECK_NEAR(0, c.padding_frac, 1e-12);
    CHECK_INT(64 * 4096 + 4096 * 48 + 64 * 48 * 4, c.bytes_moved);
    /* 8 blocks on 2 units: 4 rounds of 1024 steps of one call, 12 cycles each. */
    CHECK_NEAR(4 * 1024 * 12, c.cycles[INTRIN_BY_COMPUTE], 1e-6);
    /* 8 blocks, 24 in flight: one chain of 1024 calls, 4 cycles each. */
    CHECK_NEAR(1024 * 4, c.cycles[INTRIN_BY_LATENCY], 1e-6);
    /* 8·4 + 4·48 bytes per step at 480/3.8 bytes per cycle. */
    CHECK_NEAR(4096 * 224 / (480.0 / 3.8), c.cycles[INTRIN_BY_STAGING], 1e-6);
    /* A: 64 runs of 4096 bytes; B: 4096 runs of 48, 64 with the granule. Two units. */
    CHECK_NEAR((64 * 4096 + 4096 * 64) / (2 * 480.0 / 3.8), c.cycles[INTRIN_BY_PACKING], 1e-6);
    CHECK_NEAR((64 * 4096 + 4096 * 48) / (33 / 3.8), c.cycles[INTRIN_BY_READ], 1e-6);
    CHECK_NEAR(64 * 48 * 4 / (33 / 3.8), c.cycles[INTRIN_BY_WRITE], 1e-6);
    CHECK_INT(INTRIN_BY_READ, c.bound);
    CHECK_NEAR(c.cycles[INTRIN_BY_READ], c.predicted_cycles, 0);
    CHECK_NEAR(c.predicted_cycles / 3.8, c.predicted_ns, 1e-6);
}

TEST(intrin_rank__ragged_conv__padding_and_loops_outside)
{
    struct expr expr;
    /* Iterations n k p q c r s; i <- p, j <- k, k <- c; n, q, r, s outside. */
    struct intrin_mapping mapping = { { 4, 2, 16 } };
    match_op("conv2d", "n=2 k=33 p=9 q=5 c=6 r=3 s=3 ph=1 pw=1", &expr);
    struct intrin_cost c = predict("vnni.8x48x4", &expr, &mapping);
    CHECK_INT((2 * 5 * 9) * 2 * 1 * 2, c.calls); /* (n q r s) · tiles of p, k, c */
    CHECK_NEAR(1 - 9.0 / 16 * 33 / 48 * 6 / 8, c.padding_frac, 1e-12);
    /* Blocks: n·q·2 tiles of p = 20 on 2 units, 10 rounds; steps: r·s·2 = 18 each. */
    CHECK_NEAR(10 * 18 * 12, c.cycles[INTRIN_BY_COMPUTE], 1e-6);
    CHECK_NEAR(18 * 4, c.cycles[INTRIN_BY_LATENCY], 1e-6);
    /* I: tiles (n q r s) · (16 · 8) bytes; W: (r s) · (8 · 48); O: (n q) · (16 · 48) words. */
    CHECK_INT(90 * 128 + 9 * 384 + 10 * 768 * 4, c.bytes_moved);
    /* I is gathered by single elements (p steps a row of 5, c a map of 45): a granule each. W is
     * contiguous over nothing: c steps 9, k steps 54. */
    CHECK_NEAR((90 * 9 * 6 * 64 + 9 * 33 * 6 * 64) / (2 * 480.0 / 3.8), c.cycles[INTRIN_BY_PACKING],
               1e-6);
}

TEST(intrin_rank__runs__cross_fused_iterations)
{
    struct expr expr;
    match_op("conv2d", "n=1 k=48 p=4 q=4 c=4 r=2 s=2", &expr);
    /* W[k,c,r,s]: c·r·s fused is contiguous, 16 bytes; I by single elements along k', but q runs
     * along i': 4. */
    struct intrin_mapping fused = { { 4 | 8, 2, 16 | 32 | 64 } };
    struct intrin_cost c = predict("vnni.8x48x4", &expr, &fused);
    double input = 16.0 * 16 / 4 * 64, weights = 48 * 64;
    CHECK_NEAR((input + weights) / (2 * 480.0 / 3.8), c.cycles[INTRIN_BY_PACKING], 1e-6);
}

TEST(intrin_rank__uncached_operand__is_read_again)
{
    struct expr expr;
    struct intrin_mapping mapping = { { 1, 2, 4 } };
    match_op("gemm", "m=32768 n=32768 k=1024", &expr);
    struct intrin_cost c = predict("vnni.8x48x4", &expr, &mapping);
    /* Each input has 32 MiB, above 16 MB. Three square tiles of s32 fill the cache: side
     * sqrt(16e6 / 12). */
    double side = 1154.7005383792516;
    CHECK_NEAR(2 * 33554432 * (32768 / side) / (33 / 3.8), c.cycles[INTRIN_BY_READ], 1);
}

/* Small layers take small blocks, so that more units work; large ones the largest. */
TEST(intrin_rank__blocks__follow_the_size)
{
    struct expr small, large;
    struct intrin_mapping mapping = { { 1, 2, 4 } };
    match_op("gemm", "m=256 n=256 k=1024", &small);
    match_op("gemm", "m=16896 n=8192 k=8192", &large); /* 132 · 64 blocks of 128 x 128 */
    struct intrin_cost s = predict("mma.m16n8k16.f16", &small, &mapping);
    struct intrin_cost l = predict("mma.m16n8k16.f16", &large, &mapping);
    CHECK(s.block[0] * s.block[1] < 8 * 16);
    CHECK_INT(8, l.block[0]);
    CHECK_INT(16, l.block[1]);
    CHECK_INT(INTRIN_BY_COMPUTE, l.bound);
    /* 64% of 132 · 4096 · 1.83e9 = 989.4 TFLOP/s, since no unit waits for the others. */
    double tflops = 2 * 16896.0 * 8192 * 8192 / l.predicted_ns / 1000;
    CHECK_NEAR(0.64 * 989.42976, tflops, 1e-3);
}

TEST(intrin_rank__list__ascends_and_is_complete)
{
    struct intrin intrin;
    struct expr expr;
    struct intrin_match_options options = { INTRIN_EXTENDED, false };
    struct intrin_matches matches;
    struct intrin_choice *choices;
    CHECK_OK(intrin_find("mma.m16n8k32.u8s8", &intrin, err));
    match_op("conv2d", "n=1 k=128 p=28 q=28 c=128 r=3 s=3 ph=1 pw=1", &expr);
    CHECK_OK(intrin_match(&intrin, &expr, &options, &matches, err));
    CHECK_OK(intrin_rank(&intrin, &expr, &matches, &choices, err));
    CHECK_INT(49, matches.count);
    size_t found = 0;
    for (size_t i = 0; i < matches.count; i++) {
        CHECK(i == 0 || choices[i - 1].cost.predicted_cycles <= choices[i].cost.predicted_cycles);
        for (size_t j = 0; j < matches.count; j++)
            found +=
                memcmp(&matches.mappings[j], &choices[i].mapping, sizeof choices[i].mapping) == 0;
        double largest = 0;
        for (unsigned b = 0; b < INTRIN_BOUND_COUNT; b++)
            largest = choices[i].cost.cycles[b] > largest ? choices[i].cost.cycles[b] : largest;
        CHECK_NEAR(largest, choices[i].cost.predicted_cycles, 0);
        CHECK_NEAR(largest, choices[i].cost.cycles[choices[i].cost.bound], 0);
    }
    CHECK_INT(49, found);
    free(choices);
    intrin_matches_release(&matches);
}

/* Calls, padding and bytes of the prediction are those of the plan. */
TEST(intrin_rank__prediction__counts_what_the_plan_does)
{
    size_t checked = 0;
    for (size_t row = 0; row < 15; row++) {
        for (size_t t = 0; t < intrin_count; t += 3) {
            struct intrin intrin;
            struct expr expr;
            struct intrin_match_options options = { INTRIN_EXTENDED, false };
            struct intrin_matches matches;
            intrin_builtin(t, &intrin);
            match_op_cube(match_table[row].op, 5, &expr);
            CHECK_OK(intrin_match(&intrin, &expr, &options, &matches, err));
            for (size_t i = 0; i < matches.count; i += 7, checked++) {
                struct intrin_plan plan;
                struct intrin_cost cost;
                CHECK_OK(intrin_plan_init(&plan, &intrin, &expr, &matches.mappings[i], err));
                CHECK_OK(intrin_predict(&intrin, &expr, &matches.mappings[i], &cost, err));
                CHECK_INT(plan.calls, cost.calls);
                CHECK_INT(plan.bytes_moved, cost.bytes_moved);
                CHECK_NEAR(plan.padding_frac, cost.padding_frac, 1e-15);
                intrin_plan_release(&plan);
            }
            intrin_matches_release(&matches);
        }
    }
    CHECK(checked > 500);
}

TEST(intrin_rank__sizes_beyond_63_bits__are_errors)
{
    struct intrin intrin;
    struct expr expr;
    struct intrin_cost cost;
    struct intrin_plan plan;
    struct intrin_mapping mapping = { { 1, 2, 4 } };
    match_op("gemm", "m=2147483648 n=2147483648 k=2147483648", &expr);
    CHECK_OK(intrin_find("vnni.8x48x4", &intrin, err));
    CHECK_INT(ERR_OVERFLOW, intrin_predict(&intrin, &expr, &mapping, &cost, NULL));
    CHECK_INT(ERR_LIMIT, intrin_plan_init(&plan, &intrin, &expr, &mapping, NULL));
}

TEST(intrin_survey__int8_conv__lists_what_fits_fastest_first)
{
    struct expr expr;
    struct intrin_survey_row *rows;
    size_t count;
    match_op("conv2d", "n=1 k=64 p=56 q=56 c=64 r=3 s=3 ph=1 pw=1", &expr); /* u8 s8 s32 */
    CHECK_OK(intrin_survey(&expr, &rows, &count, err));
    size_t vnni = 0;
    for (size_t i = 0; i < count; i++) {
        struct intrin intrin;
        intrin_builtin(rows[i].intrinsic, &intrin);
        CHECK_OK(intrin_types_fit(&intrin, &expr, err));
        CHECK(rows[i].count == 49 || rows[i].count == 7);
        CHECK(i == 0 || rows[i - 1].best.cost.predicted_ns <= rows[i].best.cost.predicted_ns);
        vnni += strncmp(intrin.name, "vnni.", 5) == 0;
    }
    CHECK_INT(8, vnni);
    CHECK_INT(8 + 4, count); /* and mma.u8s8, wgmma.u8s8, arm.dot4.u8s8, amx */
    free(rows);
    match_op_cube("softmax", 4, &expr);
    CHECK_OK(intrin_survey(&expr, &rows, &count, err));
    CHECK_INT(0, count);
    free(rows);
}
