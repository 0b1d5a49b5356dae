/*
 * Whole launches of the CUDA kernels, emulated, against the direct evaluation: exact for random
 * operators, mappings, shapes and tilings. A wrong index anywhere between a block's number and a
 * stored element fails here, on any machine.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/choose.h"
#include "backends/cuda/index.h"
#include "backends/element.h"
#include "core/arena.h"
#include "core/file.h"
#include "core/text.h"
#include "tests/model/cuda_emulate.h"
#include "tests/model/cuda_fake.h"
#include "tests/model/cuda_model.h"
#include "tests/model/match_case.h"
#include "tests/test.h"

struct launch_case {
    struct intrin intrin;
    struct expr expr;
    struct backend_job job;
    int32_t *whole[2]; /* inputs */
    void *data[2];     /* the same in their types, 16-byte aligned */
    int64_t *expected; /* sums */
    void *output;
    size_t elements;
};

static void *elements_of(const struct expr *expr, size_t tensor, int32_t low, int32_t high,
                         struct rng *rng, int32_t **whole)
{
    uint64_t count;
    CHECK_OK(expr_elements(expr, tensor, &count, err));
    unsigned bytes = dtype_bytes(expr->tensors[tensor].type);
    void *data = aligned_alloc(16, (count * bytes + 15) / 16 * 16);
    *whole = mem_alloc(count, sizeof **whole);
    for (uint64_t at = 0; at < count; at++) {
        (*whole)[at] = low + (int32_t)rng_below(rng, (uint32_t)(high - low + 1));
        model_put_whole(expr->tensors[tensor].type, (char *)data + at * bytes, (*whole)[at]);
    }
    return data;
}

/* Inputs small enough that sums of floats are exact. */
static void case_init(struct launch_case *c, const char *intrin, const struct expr *expr,
                      struct rng *rng)
{
    CHECK_OK(intrin_find(intrin, &c->intrin, err));
    c->expr = *expr;
    intrin_adopt_types(&c->intrin, &c->expr);
    for (size_t t = 0; t < 2; t++)
        c->data[t] = elements_of(&c->expr, t + 1, c->expr.tensors[t + 1].type == DT_U8 ? 0 : -9, 9,
                                 rng, &c->whole[t]);
    c->expected = match_zeros(&c->expr);
    intrin_run_direct(&c->expr, c->whole[0], c->whole[1], c->expected);
    uint64_t count;
    CHECK_OK(expr_elements(&c->expr, 0, &count, err));
    c->elements = count;
    c->output = mem_alloc(count, 8);
    c->job = (struct backend_job){ .expr = &c->expr, .threads = 1 };
}

static void case_release(struct launch_case *c)
{
    for (size_t t = 0; t < 2; t++) {
        free(c->whole[t]);
        free(c->data[t]);
    }
    free(c->expected);
    free(c->output);
    intrin_release(&c->intrin);
}

/* Every element as backends/element.h stores it, and none left as it was. */
static void check_output(const struct launch_case *c)
{
    enum dtype type = backend_output_type(&c->job);
    unsigned bytes = dtype_bytes(type);
    int64_t channels = 1, inner = 1;
    size_t dim = c->job.epilogue != NULL ? c->job.epilogue->channel_dim : 0;
    const struct expr_tensor *out = &c->expr.tensors[0];
    channels = out->dims[dim].extent;
    for (size_t d = dim + 1; d < out->dim_count; d++)
        inner *= out->dims[d].extent;
    bool is_float = backend_sums_floats(&c->expr);
    for (size_t at = 0; at < c->elements; at++) {
        uint64_t want = 0;
        size_t channel = at / (size_t)inner % (size_t)channels;
        if (is_float)
            backend_store_real(c->job.epilogue, channel, (double)c->expected[at], type, &want, 0);
        else
            backend_store_int(c->job.epilogue, channel, c->expected[at], type, &want, 0);
        if (memcmp(&want, (char *)c->output + at * bytes, bytes) != 0)
            test_fail(__FILE__, __LINE__, "element %zu: expected bits %llx (sum %lld)", at,
                      (unsigned long long)want, (long long)c->expected[at]);
    }
}

static void run_row(struct launch_case *c, const struct cuda_problem *problem,
                    const struct cuda_row *row, const struct cuda_tiling *tiling,
                    struct emulation *e)
{
    struct cuda_params p = problem->params;
    struct cuda_tiling own = *tiling;
    own.block_m = row->block_m;
    own.block_n = row->block_n;
    cuda_problem_tile(&p, &own);
    if (row->engine == CUDA_WGMMA_TMA)
        cuda_problem_use_boxes(&p);
    if (row->engine == CUDA_WGMMA || row->engine == CUDA_WGMMA_TMA)
        p.grid = 1 + (uint32_t)(e->seed % p.blocks);
    if (row->engine == CUDA_WGMMA_TMA && cuda_problem_pairs(&p) &&
        (e->in_pairs || e->seed / 256 % 3 > 0)) {
        p.cluster = 2;
        p.grid += p.grid % 2;
        e->clusters++;
    }
    p.tables = problem->tables;
    p.a = c->data[0];
    p.b = problem->packed_b != NULL ? problem->packed_b : c->data[1];
    p.c = c->output;
    size_t sums = (size_t)p.split * p.z * p.m * p.n;
    p.partial = p.split > 1 ? mem_alloc(sums, 4) : NULL;
    if (p.partial != NULL)
        memset(p.partial, 0xa5, 4 * sums);
    memset(c->output, 0xa5, 8 * c->elements);
    emulate_launch(e, row, &p);
    free(p.partial);
    check_output(c);
}

static size_t pick_row(const struct launch_case *c, const struct cuda_problem *problem,
                       const struct emulation *e, struct rng *rng)
{
    size_t fits[64], count = 0;
    for (size_t row = 0; row < cuda_row_count; row++)
        if (cuda_row_is_of(&cuda_rows[row], &c->intrin) &&
            (!e->in_pairs || cuda_rows[row].engine == CUDA_WGMMA_TMA) &&
            (cuda_rows[row].engine == CUDA_WGMMA_TMA
                 ? cuda_problem_has_boxes(problem)
                 : cuda_row_takes(&cuda_rows[row], problem->params.operand_a.along_lines,
                                  problem->params.operand_b.along_lines)))
            fits[count++] = row;
    CHECK(count > 0);
    /* Large blocks take long: one in four draws may have them. */
    size_t row = fits[rng_below(rng, (uint32_t)count)];
    while (cuda_rows[row].block_m * cuda_rows[row].block_n > 64 * 64 && rng_below(rng, 4) != 0)
        row = fits[rng_below(rng, (uint32_t)count)];
    return row;
}

static void run_emulated(struct launch_case *c, struct rng *rng, struct emulation *e)
{
    struct cuda_problem problem;
    CHECK_OK(cuda_problem_init(&problem, &c->job, err));
    struct cuda_tiling tiling = { .stages = 2 + rng_below(rng, 3),
                                  .split = 1 + rng_below(rng, 3),
                                  .group = 1 + rng_below(rng, 4),
                                  .cluster = 1 };
    tiling.group *= 1 + e->in_pairs;
    e->late = rng_below(rng, 2);
    e->seed = rng_below(rng, UINT32_MAX);
    e->tensor_bytes[0] = problem.bytes[1];
    e->tensor_bytes[1] = problem.bytes[2];
    run_row(c, &problem, &cuda_rows[pick_row(c, &problem, e, rng)], &tiling, e);
    cuda_problem_release(&problem);
}

/* A cache that names one of all choices, so that every kernel and tiling gets its turn. */
static char *random_cache(const struct launch_case *c, struct rng *rng)
{
    const struct cuda_driver *driver = cuda_driver_here();
    struct cuda_facts facts;
    struct cuda_problem problem;
    struct cuda_choice *choices;
    size_t count;
    bool falls_back;
    char reason[192], family[160];
    driver->probe(&facts, reason, sizeof reason);
    CHECK_OK(cuda_problem_init(&problem, &c->job, err));
    CHECK_OK(
        cuda_choices(&facts, driver, &problem, &c->intrin, &choices, &count, &falls_back, err));
    cuda_family(&problem, family, sizeof family);
    char *file = file_join(test_temp_dir(), "choice.json");
    struct text text = { 0 };
    text_printf(
        &text,
        "{ \"socweave\": \"tuning/1\", \"entries\": [ { \"device\": \"%s\", \"family\": \"%s\", "
        "\"choice\": \"%s\", \"ns\": 1 } ] }",
        facts.name, family, choices[rng_below(rng, (uint32_t)count)].name);
    CHECK_OK(file_write(file, text.data, text.bytes, err));
    text_release(&text);
    free(choices);
    cuda_problem_release(&problem);
    return file;
}

/* The same on a device: half of them by a random choice, half by the backend's own. */
static void run_device(struct launch_case *c, struct rng *rng)
{
    struct backend_kernel *kernel;
    char *file = rng_below(rng, 2) ? random_cache(c, rng) : NULL;
    const struct backend_tuning tuning = { 1, file };
    c->job.tuning = file != NULL ? &tuning : NULL;
    CHECK_OK(backend_cuda.prepare(&c->job, &kernel, err));
    CHECK(file == NULL || strstr(backend_cuda.describe(kernel), "tuned before") != NULL);
    const void *inputs[2] = { c->data[0], c->job.constant != NULL ? NULL : c->data[1] };
    memset(c->output, 0xa5, 8 * c->elements);
    CHECK_OK(backend_cuda.run(kernel, inputs, c->output, err));
    backend_cuda.release(kernel);
    free(file);
    check_output(c);
}

/* One random mapping of the operator, by one random kernel and tiling of the emulation, or by the
 * backend's own choice if there is none. */
static void run_random(const char *intrin, const struct expr *expr, uint64_t seed,
                       const struct backend_epilogue *epilogue, bool constant, struct emulation *e)
{
    test_seed(seed);
    struct rng rng = rng_stream(seed, 6, 0);
    struct launch_case c = { 0 };
    case_init(&c, intrin, expr, &rng);
    struct intrin_match_options options = { .rule = INTRIN_EXTENDED };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(&c.intrin, &c.expr, &options, &matches, err));
    CHECK(matches.count > 0);
    struct intrin_plan plan;
    CHECK_OK(intrin_plan_init(&plan, &c.intrin, &c.expr,
                              &matches.mappings[rng_below(&rng, (uint32_t)matches.count)], err));
    c.job.plan = &plan;
    c.job.epilogue = epilogue;
    c.job.constant = constant ? c.data[1] : NULL;
    if (e != NULL)
        run_emulated(&c, &rng, e);
    else
        run_device(&c, &rng);
    intrin_plan_release(&plan);
    intrin_matches_release(&matches);
    case_release(&c);
}

static const char *const intrins[] = {
    "mma.m16n8k16.f16",    "mma.m16n8k16.bf16",     "mma.m16n8k32.s8",      "mma.m16n8k32.u8s8",
    "wmma.m16n16k16.f16",  "wmma.m32n8k16.bf16",    "wmma.m8n32k16.s8",     "wmma.m16n16k16.u8",
    "wmma.m32n8k16.s8",    "wmma.m8n32k16.f16",     "wgmma.m64n256k16.f16", "wgmma.m64n256k16.bf16",
    "wgmma.m64n256k32.s8", "wgmma.m64n256k32.u8s8",
};
enum { INTRINS = sizeof intrins / sizeof *intrins };

static int64_t ragged(struct rng *rng, int64_t small, int64_t large)
{
    return 1 + rng_below(rng, (uint32_t)(rng_below(rng, 3) == 0 ? large : small));
}

static void random_gemm(struct rng *rng, struct expr *out)
{
    char numbers[96];
    /* Multiples of 8 and 16 meet the asynchronous copies, others the gathers. */
    int unit = 1 << (rng_below(rng, 3) * 2);
    snprintf(numbers, sizeof numbers, "m=%d n=%d k=%d", (int)ragged(rng, 40, 150),
             (int)ragged(rng, 40, 150 / unit) * unit, (int)ragged(rng, 40, 300 / unit) * unit);
    match_op("gemm", numbers, out);
}

TEST(cuda_launch__random_products__exact)
{
    struct emulation e = { 0 };
    for (uint64_t seed = 1; seed <= 12 * INTRINS; seed++) {
        struct rng rng = rng_stream(seed, 5, 0);
        struct expr expr;
        random_gemm(&rng, &expr);
        run_random(intrins[seed % INTRINS], &expr, seed, NULL, rng_below(&rng, 2), &e);
    }
    CHECK(e.copies > 1000 && e.gathers > 1000 && e.boxes > 100);
    CHECK_INT(0, e.conflicts);
}

/* Few blocks, many tiles, short sums: stages and their parities go on from tile to tile. */
TEST(cuda_launch__blocks_that_stay__go_on_from_tile_to_tile)
{
    struct emulation e = { 0 };
    for (uint64_t seed = 1; seed <= 16; seed++) {
        char numbers[96];
        struct rng rng = rng_stream(seed, 14, 0);
        struct expr expr;
        int unit = seed % 3 == 0 ? 1 : 16;
        snprintf(numbers, sizeof numbers, "m=%d n=%d k=%d", 130 + (int)ragged(&rng, 120, 200),
                 256 + (int)ragged(&rng, 200 / unit, 300 / unit) * unit,
                 (int)ragged(&rng, 100 / unit, 200 / unit) * unit);
        match_op("gemm", numbers, &expr);
        run_random(intrins[10 + seed % 4], &expr, seed, NULL, rng_below(&rng, 2), &e);
    }
    CHECK(e.tiles > 6 * e.blocks); /* up to six roles take each */
    CHECK(e.plain > 100 && e.boxes > 200 && e.copies > 1000);
}

/* Two blocks at once, each with half of B for both, in any order that their barriers allow. */
TEST(cuda_launch__pairs_of_blocks__share_b)
{
    struct emulation e = { .in_pairs = true };
    for (uint64_t seed = 1; seed <= 24; seed++) {
        char numbers[96];
        struct rng rng = rng_stream(seed, 15, 0);
        struct expr expr;
        snprintf(numbers, sizeof numbers, "m=%d n=%d k=%d",
                 (seed % 4 == 0 ? 390 : 130) + (int)rng_below(&rng, 120),
                 16 * (1 + (int)rng_below(&rng, 40)), 16 * (1 + (int)rng_below(&rng, 16)));
        match_op("gemm", numbers, &expr);
        run_random(intrins[10 + seed % 4], &expr, seed, NULL, true, &e);
    }
    CHECK_INT(24, e.clusters);
    CHECK(e.boxes > 500);
    CHECK(e.tiles > 3 * e.blocks); /* three roles take each; some blocks more than one */
}

static void random_conv(struct rng *rng, struct expr *out)
{
    char numbers[160];
    int stride = 1 + (int)rng_below(rng, 2), r = 1 + (int)rng_below(rng, 3);
    int s = 1 + (int)rng_below(rng, 3), dilation = 1 + (int)rng_below(rng, 2);
    snprintf(numbers, sizeof numbers,
             "n=%d k=%d p=%d q=%d c=%d r=%d s=%d sh=%d sw=%d dh=%d ph=%d pw=%d",
             (int)ragged(rng, 2, 3), (int)ragged(rng, 20, 70), 3 + (int)rng_below(rng, 8),
             3 + (int)rng_below(rng, 8), (int)ragged(rng, 4, 20), r, s, stride, stride, dilation,
             (r - 1) * dilation / 2, s - 1);
    match_op("conv2d", numbers, out);
}

TEST(cuda_launch__random_convolutions__exact)
{
    struct emulation e = { 0 };
    for (uint64_t seed = 1; seed <= 10 * INTRINS; seed++) {
        struct rng rng = rng_stream(seed, 7, 0);
        struct expr expr;
        random_conv(&rng, &expr);
        run_random(intrins[seed % INTRINS], &expr, seed, NULL, rng_below(&rng, 2), &e);
    }
    CHECK_INT(0, e.conflicts);
}

/* Channels last, strides, padding, and places beyond the first one: what tensor maps have more than
 * two dimensions, steps and constants for. */
static void random_channels_last(struct rng *rng, struct expr *out)
{
    char text[160], numbers[96];
    int stride = 1 + (int)rng_below(rng, 3), first = (int)rng_below(rng, 3);
    int r = 1 + (int)rng_below(rng, 3), s = 1 + (int)rng_below(rng, 3);
    int pad = r > 1 && s > 1 ? (int)rng_below(rng, 2) : 0;
    snprintf(text, sizeof text, "O[n,p,q,k] += I[n+%d,p*%d+r-%d,q*%d+s-%d,c] * W[k,r,s,c]", first,
             stride, pad, stride, pad);
    snprintf(numbers, sizeof numbers, "n=%d p=%d q=%d k=%d c=%d r=%d s=%d",
             1 + (int)rng_below(rng, 2), 2 + (int)rng_below(rng, 6), 2 + (int)rng_below(rng, 90),
             (int)ragged(rng, 20, 70), 16 * (1 + (int)rng_below(rng, 6)), r, s);
    match_expr(text, numbers, "", out);
}

TEST(cuda_launch__channels_last__boxes_of_padded_and_strided_lines)
{
    struct emulation e = { 0 };
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rng rng = rng_stream(seed, 12, 0);
        struct expr expr;
        random_channels_last(&rng, &expr);
        run_random(intrins[10 + seed % 4], &expr, seed, NULL, true, &e);
    }
    CHECK(e.boxes > 1000);
}

TEST(cuda_launch__every_operator_of_the_matchers_table__exact)
{
    struct emulation e = { 0 };
    for (size_t op = 0; op < 15; op++)
        for (uint64_t seed = 0; seed < 8; seed++) {
            struct expr expr;
            match_op_cube(match_table[op].op, 3 + (int64_t)(seed % 2), &expr);
            run_random(intrins[(op + 5 * seed) % INTRINS], &expr, 1000 * op + seed, NULL, seed % 2,
                       &e);
        }
}

/* Bias, scale, relu, every stored type; channels along an axis or along an outer loop. */
static void run_epilogue(uint64_t seed, struct emulation *e)
{
    static const enum dtype types[] = { DT_U8,  DT_S8,   DT_S16, DT_S32,
                                        DT_F16, DT_BF16, DT_F32, DT_F64 };
    struct rng rng = rng_stream(seed, 8, 0);
    struct expr expr;
    random_conv(&rng, &expr);
    const char *name = intrins[seed % INTRINS];
    struct intrin intrin;
    CHECK_OK(intrin_find(name, &intrin, err));
    bool is_float = intrin.expr.tensors[0].type == DT_F32;
    intrin_release(&intrin);
    int32_t bias_s32[128];
    float bias_f32[128], scale[128];
    for (size_t at = 0; at < (size_t)expr.tensors[0].dims[1].extent; at++) {
        bias_s32[at] = (int32_t)rng_below(&rng, 2001) - 1000;
        bias_f32[at] = (float)bias_s32[at] / 16;
        scale[at] = (float)rng_real(&rng) / 4;
    }
    struct backend_epilogue epilogue = { .channel_dim = 1,
                                         .relu = rng_below(&rng, 2),
                                         .converts = true,
                                         .to_type = types[rng_below(&rng, 8)] };
    if (rng_below(&rng, 4) != 0 && is_float)
        epilogue.bias_f32 = bias_f32;
    if (rng_below(&rng, 4) != 0 && !is_float)
        epilogue.bias_s32 = bias_s32;
    if (rng_below(&rng, 4) != 0)
        epilogue.scale = scale;
    if (epilogue.to_type == DT_U8 || epilogue.to_type == DT_S8)
        epilogue.zero_point = (int32_t)rng_below(&rng, 21) - 10;
    run_random(name, &expr, seed, &epilogue, seed % 3 == 0, e);
}

TEST(cuda_launch__epilogues__as_the_reference_stores_them)
{
    struct emulation e = { 0 };
    for (uint64_t seed = 1; seed <= 96; seed++)
        run_epilogue(seed, &e);
}

/* --- through the backend, on a device -------------------------------------------------------- */

/* Sums of these data are exact in f32, so floats are compared to the bit, too. */
static void run_layers(uint64_t seeds)
{
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        if (seed % 4 == 0) {
            run_epilogue(seed, NULL);
            continue;
        }
        struct rng rng = rng_stream(seed, 9, 0);
        struct expr expr;
        if (seed % 4 == 1)
            random_gemm(&rng, &expr);
        else if (seed % 4 == 2)
            random_conv(&rng, &expr);
        else
            match_op_cube(match_table[rng_below(&rng, 15)].op, 3 + rng_below(&rng, 2), &expr);
        run_random(intrins[rng_below(&rng, INTRINS)], &expr, seed, NULL, rng_below(&rng, 2), NULL);
    }
}

TEST(cuda_fake__random_layers__exact)
{
    struct cuda_fake *fake = cuda_fake_begin();
    run_layers(120);
    CHECK(fake->emulation.boxes > 20);
    cuda_fake_end();
}

/* make check-cuda; how many: CUDA_CASES, for compute-sanitizer, under which each takes long. */
TEST(cuda_device__random_layers__exact)
{
    struct backend_probe found;
    backend_cuda.probe(&found);
    if (found.state != BACKEND_AVAILABLE)
        test_skip(found.reason);
    const char *cases = getenv("CUDA_CASES");
    run_layers(cases != NULL ? strtoull(cases, NULL, 10) : 600);
}
