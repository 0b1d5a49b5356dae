/* The prediction that orders tilings (docs/model.md M-120 to M-124), by hand on an H100. */
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/choose.h"
#include "backends/cuda/index.h"
#include "tests/model/cuda_fake.h"
#include "tests/model/match_case.h"
#include "tests/test.h"

/* A product as the backend has it. */
struct subject {
    struct intrin intrin;
    struct expr expr;
    struct intrin_plan plan;
    struct cuda_problem problem;
};

static void subject_init(struct subject *s, const char *intrin, const char *op, const char *numbers)
{
    static const struct intrin_match_options options = { INTRIN_AMOS, false };
    struct intrin_matches matches;
    match_op(op, numbers, &s->expr);
    CHECK_OK(intrin_find(intrin, &s->intrin, err));
    intrin_adopt_types(&s->intrin, &s->expr);
    CHECK_OK(intrin_match(&s->intrin, &s->expr, &options, &matches, err));
    struct intrin_choice *choices;
    CHECK_OK(intrin_rank(&s->intrin, &s->expr, &matches, &choices, err));
    CHECK_OK(intrin_plan_init(&s->plan, &s->intrin, &s->expr, &choices[0].mapping, err));
    struct backend_job job = { .expr = &s->expr, .plan = &s->plan, .threads = 1 };
    CHECK_OK(cuda_problem_init(&s->problem, &job, err));
    free(choices);
    intrin_matches_release(&matches);
}

static void subject_release(struct subject *s)
{
    cuda_problem_release(&s->problem);
    intrin_plan_release(&s->plan);
    intrin_release(&s->intrin);
}

static const struct cuda_row *row_named(const char *name)
{
    for (size_t at = 0; at < cuda_row_count; at++)
        if (strcmp(cuda_rows[at].name, name) == 0)
            return &cuda_rows[at];
    test_fail(__FILE__, __LINE__, "no row %s", name);
}

static struct cuda_cost predict(const struct subject *s, const struct cuda_facts *facts,
                                const char *row, uint32_t stages, uint32_t split)
{
    struct cuda_cost cost;
    const struct cuda_row *r = row_named(row);
    struct cuda_tiling tiling = { r->block_m, r->block_n, stages, split, 8, 1 };
    cuda_predict(facts, &s->problem, r, &tiling, &cost);
    return cost;
}

TEST(cuda_predict__f16_4096__four_terms_by_hand)
{
    struct subject s;
    struct cuda_facts h100 = cuda_fake_begin()->facts;
    subject_init(&s, "wgmma.m64n256k16.f16", "gemm", "m=4096 n=4096 k=4096");
    struct cuda_cost c = predict(&s, &h100, "wgmma_tma_f16_128x256", 4, 1);
    /* 65536 registers / (384 threads · 168) = 1.02; 228 KiB / 195 KiB = 1.2. */
    CHECK_INT(1, c.occupancy);
    CHECK_INT(4, c.blocks_per_unit);              /* 32 · 16 blocks on 132 SMs */
    CHECK_NEAR(1066.667, c.compute_cycles, 1e-2); /* 128 · 256 · 64 / (2048 · 0.96) */
    CHECK_NEAR(768, c.staging_cycles, 0);         /* (128 + 256) · 128 bytes / 64 */
    CHECK_NEAR(0, c.issue_cycles, 0);
    CHECK_NEAR(266.667, c.latency_cycles, 1e-2); /* 800 / 3 */
    /* A 33.5 MB once (16 tiles of n, 16.5 columns at a time); B in 4 bands of 8 tiles; C 67.1 MB.
     */
    CHECK_NEAR(5 * 33554432.0 + 67108864, c.memory_bytes, 0);
    CHECK_INT(132, c.grid);
    /* 800 + 4 · (64 · 1066.667 + 128 · 256 · 2 / 128) cycles at 1.83 GHz, and a launch. */
    CHECK_NEAR(3000 + 150773.0, c.predicted_ns, 1);
    subject_release(&s);
    cuda_fake_end();
}

TEST(cuda_predict__pairs__half_of_b_through_the_cache)
{
    struct subject s;
    struct cuda_facts h100 = cuda_fake_begin()->facts;
    struct cuda_cost c;
    const struct cuda_row *row = row_named("wgmma_tma_f16_128x256");
    struct cuda_tiling tiling = { 128, 256, 4, 1, 8, 2 };
    subject_init(&s, "wgmma.m64n256k16.f16", "gemm", "m=4096 n=4096 k=4096");
    h100.units = 131;
    cuda_predict(&h100, &s.problem, row, &tiling, &c);
    CHECK_NEAR(512, c.staging_cycles, 0); /* (128 + 256 / 2) · 128 bytes / 64 */
    CHECK_INT(130, c.grid);               /* whole pairs */
    tiling.group = 5;                     /* tiles 4 and 5 are not one above the other */
    cuda_predict(&h100, &s.problem, row, &tiling, &c);
    CHECK_INT(0, c.occupancy);
    tiling.group = 8;
    cuda_predict(&h100, &s.problem, row_named("wgmma_f16_128x256"), &tiling, &c);
    CHECK_INT(0, c.occupancy); /* threads copy for their own block */
    subject_release(&s);
    subject_init(&s, "wgmma.m64n256k16.f16", "gemm", "m=4224 n=4096 k=4096"); /* 33 tiles of m */
    cuda_predict(&h100, &s.problem, row, &tiling, &c);
    CHECK_INT(0, c.occupancy);
    subject_release(&s);
    cuda_fake_end();
}

TEST(cuda_predict__measured_device__clock_and_memory_by_hand)
{
    struct subject s;
    struct cuda_fake *fake = cuda_fake_begin();
    subject_init(&s, "wgmma.m64n256k16.f16", "gemm", "m=4096 n=4096 k=4096");
    /* Half of 2 · 4096 · 0.96 · 132 · 1.83e9: twice as many ns for as many cycles. */
    struct intrin_calibration machine = {
        .name = "x",
        .cores = 132,
        .rate_count = 1,
        .link = { 1e10, 1e10, 1000 },
        .rates = { { .threads = 132,
                     .peak_ops_per_s = 8192 * 0.96 * 132 * 0.915e9,
                     .memory_bytes_per_s = 2e12,
                     .memory_write_bytes_per_s = 1e12 } },
    };
    struct cuda_facts h100 = cuda_facts_measured(&fake->facts, cuda_driver_here(), &machine);
    CHECK_NEAR(0.915e9, h100.clock_hz, 1);
    CHECK_NEAR(50e6, h100.cache_bytes, 0); /* the file does not say */
    struct cuda_cost c = predict(&s, &h100, "wgmma_tma_f16_128x256", 4, 1);
    CHECK_NEAR(2 * 150773.0, c.product_ns, 1);
    CHECK_NEAR(5 * 33554432 / 2e3 + 67108864 / 1e3, c.memory_ns, 1e-3);
    fake->without_wgmma = true; /* mma.sync reaches 0.64 */
    h100 = cuda_facts_measured(&fake->facts, cuda_driver_here(), &machine);
    CHECK_NEAR(0.915e9 * 0.96 / 0.64, h100.clock_hz, 1);
    subject_release(&s);
    cuda_fake_end();
}

TEST(cuda_predict__split_of_k__sums_and_a_second_launch)
{
    struct subject s;
    struct cuda_facts h100 = cuda_fake_begin()->facts;
    subject_init(&s, "wgmma.m64n256k16.f16", "gemm", "m=128 n=256 k=16384");
    struct cuda_cost one = predict(&s, &h100, "wgmma_tma_f16_128x256", 4, 1);
    struct cuda_cost c = predict(&s, &h100, "wgmma_tma_f16_128x256", 4, 8);
    CHECK_INT(1, c.blocks_per_unit);
    /* 256 steps / 8: 800 + 32 · 1066.667 + 512 cycles; 8 · 8 · 128 · 256 bytes of sums. */
    CHECK_NEAR(3000 + 19369.0 + 3000 + 626.0, c.predicted_ns, 1);
    CHECK_NEAR(3000 + 149933.7, one.predicted_ns, 1);
    subject_release(&s);
    cuda_fake_end();
}

TEST(cuda_predict__pieces_of_four_bytes__instructions_bound_the_step)
{
    struct subject s;
    struct cuda_facts h100 = cuda_fake_begin()->facts;
    subject_init(&s, "mma.m16n8k16.f16", "gemm", "m=1024 n=1024 k=1026"); /* 2052 bytes a line */
    CHECK_INT(4, s.problem.params.operand_a.piece_bytes);
    CHECK_INT(16, s.problem.params.operand_b.piece_bytes);
    struct cuda_cost c = predict(&s, &h100, "mma_f16_128x128", 3, 1);
    /* (128 · 128 / 4 + 128 · 128 / 16) pieces · 20 instructions / 128 lanes. */
    CHECK_NEAR(800, c.issue_cycles, 0);
    CHECK_NEAR(800.0, c.compute_cycles, 1e-6); /* 128 · 128 · 64 / (2048 · 0.64) */
    CHECK_INT(2, c.occupancy);                 /* 256 threads · 128 registers; 97 KiB */
    CHECK_NEAR(400, c.latency_cycles, 0);      /* 64 blocks: one on an SM; 800 / (2 · 1) */
    subject_release(&s);
    cuda_fake_end();
}

TEST(cuda_predict__stages_past_the_shared_memory__do_not_fit)
{
    struct subject s;
    struct cuda_facts h100 = cuda_fake_begin()->facts;
    subject_init(&s, "wgmma.m64n256k16.f16", "gemm", "m=128 n=256 k=512");
    CHECK_INT(1, predict(&s, &h100, "wgmma_f16_128x256", 4, 1).occupancy);
    CHECK_INT(0, predict(&s, &h100, "wgmma_f16_128x256", 5, 1).occupancy); /* 240 KiB */
    subject_release(&s);
    cuda_fake_end();
}

TEST(cuda_choices__large_product__tensor_copies_and_the_largest_tile)
{
    struct subject s;
    struct cuda_choice *choices;
    size_t count;
    bool falls_back;
    struct cuda_fake *fake = cuda_fake_begin();
    subject_init(&s, "wgmma.m64n256k16.f16", "gemm", "m=8192 n=8192 k=8192");
    struct cuda_driver all = { .has = cuda_row_takes };
    CHECK_OK(cuda_choices(&fake->facts, &all, &s.problem, &s.intrin, &choices, &count, &falls_back,
                          err));
    CHECK(!falls_back && count > 20);
    CHECK_STR("wgmma_tma_f16_128x256 stages 4 split 1 group 8 pairs", choices[0].name);
    for (size_t at = 1; at < count; at++)
        CHECK(choices[at - 1].cost.predicted_ns <= choices[at].cost.predicted_ns);
    free(choices);
    subject_release(&s);
    cuda_fake_end();
}

TEST(cuda_choices__few_tiles_and_a_long_sum__k_is_split)
{
    struct subject s;
    struct cuda_choice *choices;
    size_t count;
    bool falls_back;
    struct cuda_fake *fake = cuda_fake_begin();
    subject_init(&s, "mma.m16n8k16.f16", "gemm", "m=64 n=64 k=65536");
    struct cuda_driver all = { .has = cuda_row_takes };
    CHECK_OK(cuda_choices(&fake->facts, &all, &s.problem, &s.intrin, &choices, &count, &falls_back,
                          err));
    CHECK_INT(8, choices[0].tiling.split);
    free(choices);
    subject_release(&s);
    cuda_fake_end();
}

TEST(cuda_family__like_shapes__one_name)
{
    struct subject s;
    char name[160];
    subject_init(&s, "mma.m16n8k16.f16", "gemm", "m=1000 n=760 k=4096");
    cuda_family(&s.problem, name, sizeof name);
    CHECK_STR("f16 f16 z1 m1024 n768 k4096 r1 a:k16 b:lines16 boxes", name);
    subject_release(&s);
    subject_init(&s, "mma.m16n8k16.f16", "gemm", "m=769 n=513 k=3073");
    cuda_family(&s.problem, name, sizeof name);
    CHECK_STR("f16 f16 z1 m1024 n768 k4096 r1 a:k2 b:k2", name);
    subject_release(&s);
}

/* --- tensor maps ---------------------------------------------------------------------------- */

TEST(cuda_map__product__two_dimensions)
{
    struct subject s;
    subject_init(&s, "wgmma.m64n256k16.f16", "gemm", "m=100 n=72 k=48");
    const struct cuda_map *a = &s.problem.params.operand_a.map,
                          *b = &s.problem.params.operand_b.map;
    CHECK(cuda_problem_has_boxes(&s.problem));
    CHECK_INT(2, a->rank);
    CHECK_INT(48, a->extent[0]); /* A[m,k]: along k */
    CHECK_INT(100, a->extent[1]);
    CHECK_INT(96, a->stride_bytes[1]);
    CHECK_INT(1, a->line_dim);
    CHECK_INT(2, b->rank);
    CHECK_INT(72, b->extent[0]); /* B[k,n]: along lines */
    CHECK_INT(48, b->extent[1]);
    CHECK_INT(144, b->stride_bytes[1]);
    CHECK_INT(0, b->line_dim);
    subject_release(&s);
}

TEST(cuda_map__batches__one_more_dimension_of_their_stride)
{
    struct subject s;
    subject_init(&s, "wgmma.m64n256k16.f16", "batched_gemm", "b=3 m=16 n=24 k=32");
    const struct cuda_map *a = &s.problem.params.operand_a.map;
    CHECK(cuda_problem_has_boxes(&s.problem));
    CHECK_INT(3, a->rank);
    CHECK_INT(3, a->extent[2]);
    CHECK_INT(2 * 16 * 32, a->stride_bytes[2]);
    int32_t where[CUDA_MAP_DIMS];
    cuda_map_at(a, s.problem.tables, 2, 0, 64, 128, where);
    CHECK_INT(128, where[0]);
    CHECK_INT(64, where[1]);
    CHECK_INT(2, where[2]);
    subject_release(&s);
}

static const char *refused(const char *op, const char *numbers, size_t operand)
{
    static const char *why;
    struct subject s;
    subject_init(&s, "wgmma.m64n256k16.f16", op, numbers);
    why = s.problem.no_boxes[operand];
    subject_release(&s);
    return why != NULL ? why : "";
}

/* I[n+1,p*2+r-1,q*2+s-1,c], lines q, k c: channels, then columns two by two from -1; rows; images.
 */
TEST(cuda_map__channels_last_convolution__padding_is_the_bounds)
{
    struct subject s;
    const struct intrin_mapping mapping = { { 1 << 2, 1 << 3, 1 << 6 } }; /* n p q k r s c */
    match_expr("O[n,p,q,k] += I[n+1,p*2+r-1,q*2+s-1,c] * W[k,r,s,c]",
               "n=2 p=5 q=6 k=8 r=3 s=3 c=16", "", &s.expr);
    CHECK_OK(intrin_find("wgmma.m64n256k16.f16", &s.intrin, err));
    intrin_adopt_types(&s.intrin, &s.expr);
    CHECK_STR("r", s.expr.iters[4].name);
    CHECK_STR("c", s.expr.iters[6].name);
    CHECK_OK(intrin_plan_init(&s.plan, &s.intrin, &s.expr, &mapping, err));
    struct backend_job job = { .expr = &s.expr, .plan = &s.plan, .threads = 1 };
    CHECK_OK(cuda_problem_init(&s.problem, &job, err));
    const struct cuda_map *a = &s.problem.params.operand_a.map;
    CHECK(s.problem.no_boxes[0] == NULL);
    CHECK_INT(4, a->rank);
    CHECK_INT(16, a->extent[0]);
    int64_t width = s.expr.tensors[1].dims[2].extent, height = s.expr.tensors[1].dims[1].extent;
    CHECK_INT(width, a->extent[1]);
    CHECK_INT(32, a->stride_bytes[1]);
    CHECK_INT(2, a->line_step);
    CHECK_INT(-1, a->constant[1]);
    CHECK_INT(height, a->extent[2]);
    CHECK_INT(-1, a->constant[2]);
    CHECK_INT(2 * 16 * width * height, a->stride_bytes[3]);
    int32_t where[CUDA_MAP_DIMS];
    cuda_map_at(a, s.problem.tables, 5 + 3, 3 + 2, 4, 0, where); /* n 1, p 3; r 1, s 2; q 4 */
    CHECK_INT(0, where[0]);
    CHECK_INT(4 * 2 + 2 - 1, where[1]);
    CHECK_INT(3 * 2 + 1 - 1, where[2]);
    CHECK_INT(2, where[3]);
    struct cuda_map_arguments box;
    cuda_map_arguments(a, 2, &box);
    CHECK_INT(64, box.box[0]);
    CHECK_INT(128, box.box[1]); /* 64 lines, every other element */
    CHECK_INT(2, box.step[1]);
    CHECK_INT(1, box.box[2]);
    subject_release(&s);
}

/* k along the filter's columns: past its end there are more columns of the image, not zeroes. */
TEST(cuda_map__k_along_a_padded_dimension__is_refused)
{
    struct subject s;
    const struct intrin_mapping mapping = { { 1 << 1, 1 << 3, 1 << 5 } };
    match_expr("O[n,p,q,k] += I[n,p+r-1,q+s-1] * W[k,r,s]", "n=1 p=8 q=8 k=8 r=3 s=3", "", &s.expr);
    CHECK_OK(intrin_find("wgmma.m64n256k16.f16", &s.intrin, err));
    intrin_adopt_types(&s.intrin, &s.expr);
    CHECK_OK(intrin_plan_init(&s.plan, &s.intrin, &s.expr, &mapping, err));
    struct backend_job job = { .expr = &s.expr, .plan = &s.plan, .threads = 1 };
    CHECK_OK(cuda_problem_init(&s.problem, &job, err));
    CHECK_STR("k is padded", s.problem.no_boxes[0]);
    subject_release(&s);
}

TEST(cuda_map__what_no_map_expresses__says_why)
{
    CHECK_STR("", refused("gemm", "m=64 n=64 k=64", 0));
    CHECK_STR("a stride is no multiple of 16 bytes", refused("gemm", "m=64 n=64 k=63", 0));
    CHECK_STR("lines or k are not affine",
              refused("conv2d", "n=1 k=64 p=8 q=8 c=64 r=3 s=3 ph=1 pw=1", 0));
}
