/* The engine against the evaluator: every operator, every plan, random windows; both sets of
 * tiles, one thread and two. */
#include "backends/backend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/machine.h"
#include "backends/element.h"
#include "core/operator.h"
#include "tests/model/match_case.h"
#include "tests/test.h"
#include "tests/unit/backend_case.h"

/* bf16: products are exact in f32 (8 + 8 bits), so each sum of K terms is off by at most K
 * roundings of 2^-24 of Σ|a·b|; here |a·b| <= 16. */
static void check_near(const struct backend_job *job, const float *expected, const float *got,
                       const char *name)
{
    size_t elements = backend_case_elements(job->expr, 0);
    uint64_t points = 0;
    CHECK_OK(expr_points(job->expr, &points, err));
    double terms = (double)points / (double)elements, bound = terms * terms * 16 * 0x1p-23;
    for (size_t e = 0; e < elements; e++)
        if (!(fabs((double)expected[e] - got[e]) <= bound))
            test_fail(__FILE__, __LINE__, "%s: element %zu: expected %g, got %g", name, e,
                      (double)expected[e], (double)got[e]);
}

static void check_same(const struct backend_job *job, const void *a, const void *b,
                       const char *name)
{
    size_t at = backend_case_differs(job, a, b);
    if (at < backend_case_elements(job->expr, 0))
        test_fail(__FILE__, __LINE__, "%s: element %zu differs", name, at);
}

struct data {
    void *inputs[2];
    void *expected;
};

static struct data make_data(const struct backend_job *job, struct rng *rng)
{
    struct data d = { { backend_case_data(job->expr, 1, rng), NULL }, NULL };
    const char *why;
    d.inputs[1] = backend_case_data(job->expr, 2, rng);
    d.expected = backend_case_output(&backend_reference, job,
                                     (const void *const[2]){ d.inputs[0], d.inputs[1] }, &why);
    return d;
}

static void free_data(struct data *d)
{
    free(d->inputs[0]);
    free(d->inputs[1]);
    free(d->expected);
}

/* One job with one thread and with two, weights constant or not. */
static void check_job(struct backend_job job, const struct data *d, const char *name)
{
    const void *const inputs[2] = { d->inputs[0], d->inputs[1] };
    const char *why = NULL;
    job.threads = 1;
    void *one = backend_case_output(&backend_cpu, &job, inputs, &why);
    job.threads = 2;
    job.constant = d->inputs[1];
    void *two = backend_case_output(&backend_cpu, &job, inputs, &why);
    check_same(&job, one, two, name);
    if (backend_output_type(&job) == DT_F32)
        check_near(&job, d->expected, one, name);
    else
        check_same(&job, d->expected, one, name);
    free(one);
    free(two);
}

static void check_all_plans(const struct expr *expr, const char *intrinsic, struct rng *rng,
                            const char *name)
{
    struct intrin intrin;
    CHECK_OK(intrin_find(intrinsic, &intrin, err));
    struct expr typed = *expr;
    intrin_adopt_types(&intrin, &typed);
    struct backend_job job = { .expr = &typed, .threads = 1 };
    struct data data = make_data(&job, rng);
    check_job(job, &data, name);
    struct intrin_match_options options = { INTRIN_EXTENDED, false };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(&intrin, &typed, &options, &matches, err));
    for (size_t i = 0; i < matches.count; i++) {
        struct intrin_plan plan;
        CHECK_OK(intrin_plan_init(&plan, &intrin, &typed, &matches.mappings[i], err));
        job.plan = &plan;
        check_job(job, &data, name);
        intrin_plan_release(&plan);
    }
    intrin_matches_release(&matches);
    free_data(&data);
}

TEST(cpu__every_operator_and_plan__as_the_reference)
{
    static const char *const intrinsics[] = { "vnni.16x4", "vnni.8x48x4", "avx512bf16.16x2" };
    for (size_t i = 0; i < sizeof match_table / sizeof *match_table; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct rng rng = rng_stream(61, i, k);
            struct expr expr;
            match_op_cube(match_table[i].op, 3, &expr);
            check_all_plans(&expr, intrinsics[k], &rng, match_table[i].op);
        }
    }
}

static void random_window(struct rng *rng, struct expr *expr, char *numbers, size_t size)
{
    static const char *const ops[] = { "conv2d", "transposed_conv2d", "depthwise_conv2d",
                                       "grouped_conv2d" };
    size_t op = rng_below(rng, 4);
    int r = (int)rng_below(rng, 4) + 1, s = (int)rng_below(rng, 4) + 1;
    int dh = (int)rng_below(rng, 3) + 1, dw = (int)rng_below(rng, 3) + 1;
    char channels[64];
    int k = (int)rng_below(rng, 40) + 1, c = (int)rng_below(rng, 9) + 1;
    static const int lanes[] = { 16, 17, 32, 40, 3 }; /* channels in lanes, folded and not */
    if (op == 2)
        snprintf(channels, sizeof channels, "g=%d m=%d", lanes[c % 5], c < 8 ? 1 : k % 3 + 1);
    else
        snprintf(channels, sizeof channels, "%sk=%d c=%d", op == 3 ? "g=3 " : "", k, c);
    snprintf(numbers, size, "n=%d %s p=%d q=%d r=%d s=%d sh=%d sw=%d dh=%d dw=%d ph=%d pw=%d",
             (int)rng_below(rng, 2) + 1, channels, (int)rng_below(rng, 7) + (op == 1 ? 12 : 1),
             (int)rng_below(rng, 17) + (op == 1 ? 12 : 1), r, s, (int)rng_below(rng, 3) + 1,
             (int)rng_below(rng, 3) + 1, dh, dw,
             (int)rng_below(rng, (uint32_t)((r - 1) * dh / 2 + 1)),
             (int)rng_below(rng, (uint32_t)((s - 1) * dw / 2 + 1)));
    match_op(ops[op], numbers, expr);
}

static void check_random(uint64_t seed)
{
    struct rng rng = rng_stream(62, seed, 0);
    char numbers[256];
    struct expr expr;
    test_seed(seed);
    random_window(&rng, &expr, numbers, sizeof numbers);
    int32_t bias[40];
    float scale[40];
    for (size_t i = 0; i < 40; i++) {
        bias[i] = (int32_t)rng_below(&rng, 2000) - 1000;
        scale[i] = (float)rng_below(&rng, 1000) / 100000;
    }
    struct backend_epilogue epilogue = { .channel_dim = 1,
                                         .bias_s32 = bias,
                                         .scale = seed % 3 != 0 ? scale : NULL,
                                         .relu = seed % 2 == 0,
                                         .converts = true,
                                         .to_type = seed % 5 < 3 ? DT_U8 : DT_S8,
                                         .zero_point = 7 };
    struct backend_job job = { .expr = &expr, .threads = 1 };
    job.epilogue = seed % 4 == 0 ? &epilogue : NULL;
    struct data data = make_data(&job, &rng);
    check_job(job, &data, numbers);
    free_data(&data);
}

TEST(cpu__2000_random_windows__as_the_reference)
{
    for (uint64_t seed = 0; seed < 2000; seed++)
        check_random(seed);
}

/* Three columns of one to three taps: all groups of channels, distances of rows, epilogues. */
TEST(cpu__sliding_windows__as_the_reference)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct rng rng = rng_stream(66, seed, 0);
        char numbers[256];
        struct expr expr;
        test_seed(seed);
        int r = (int)rng_below(&rng, 3) + 1, dh = (int)rng_below(&rng, 2) + 1,
            dw = (int)rng_below(&rng, 5) == 0 ? 2 : 1;
        snprintf(numbers, sizeof numbers,
                 "n=%d g=%d m=1 p=%d q=%d r=%d s=3 sh=%d sw=%d dh=%d dw=%d ph=%d pw=%d",
                 (int)rng_below(&rng, 2) + 1, (int)rng_below(&rng, 150) + 16,
                 (int)rng_below(&rng, 6) + 1, (int)rng_below(&rng, 20) + 1, r,
                 (int)rng_below(&rng, 3) + 1, (int)rng_below(&rng, 4) + 1, dh, dw,
                 (int)rng_below(&rng, (uint32_t)((r - 1) * dh / 2 + 1)),
                 (int)rng_below(&rng, (uint32_t)dw + 1));
        match_op("depthwise_conv2d", numbers, &expr);
        struct backend_job job = { .expr = &expr, .threads = 1 };
        struct data data = make_data(&job, &rng);
        check_job(job, &data, numbers);
        free_data(&data);
    }
}

/* Channels enough that a column of the filter is worth a loop of its own, images as wide as a tile:
 * rows of padding are left out, at the first row, the last, both, or with more padding than one. */
TEST(cpu__deep_padded_windows__as_the_reference)
{
    for (uint64_t seed = 0; seed < 120; seed++) {
        struct rng rng = rng_stream(67, seed, 0);
        char numbers[256];
        struct expr expr;
        test_seed(seed);
        int r = (int)rng_below(&rng, 3) + 1, s = (int)rng_below(&rng, 5) + 1;
        snprintf(numbers, sizeof numbers,
                 "n=1 k=%d c=%d p=%d q=%d r=%d s=%d sh=%d sw=%d dh=1 dw=%d ph=%d pw=%d",
                 (int)rng_below(&rng, 50) + 1, 32 + 4 * (int)rng_below(&rng, 8),
                 (int)rng_below(&rng, 3) + 2, (int)rng_below(&rng, 30) + 2, r, s,
                 (int)rng_below(&rng, 2) + 1, (int)rng_below(&rng, 2) + 1,
                 (int)rng_below(&rng, 2) + 1, (int)rng_below(&rng, (uint32_t)(r / 2 + 1)),
                 (int)rng_below(&rng, (uint32_t)(s / 2 + 1)));
        match_op("conv2d", numbers, &expr);
        struct backend_job job = { .expr = &expr, .threads = 1 };
        struct data data = make_data(&job, &rng);
        check_job(job, &data, numbers);
        free_data(&data);
    }
}

/* An A that the second cache does not hold: tiles fetch rows ahead; and a narrower last panel. */
TEST(cpu__large_a__as_the_reference)
{
    struct rng rng = rng_stream(71, 0, 0);
    struct expr expr;
    match_op("gemm", "m=37 n=70 k=14400", &expr);
    struct backend_job job = { .expr = &expr, .threads = 1 };
    struct data data = make_data(&job, &rng);
    check_job(job, &data, "m=37 n=70 k=14400");
    free_data(&data);
}

/* 255 · 127 and 255 · -128 in every product: sums of two leave 16 bits. */
static void check_extremes(void)
{
    struct expr expr;
    match_op("gemm", "m=5 n=19 k=70", &expr);
    uint8_t a[5 * 70];
    int8_t b[70 * 19];
    const char *why;
    memset(a, 255, sizeof a);
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = i % 19 < 9 ? 127 : -128;
    struct backend_job job = { .expr = &expr, .threads = 1 };
    const void *const inputs[2] = { a, b };
    int32_t *got = backend_case_output(&backend_cpu, &job, inputs, &why);
    for (size_t i = 0; i < 5 * 19; i++)
        CHECK_INT(70 * 255 * (i % 19 < 9 ? 127 : -128), got[i]);
    free(got);
}

static void check_isa(const char *isa, uint64_t seed)
{
    setenv("SOCWEAVE_CPU_ISA", isa, 1);
    struct backend_cpu_machine machine;
    backend_cpu_machine(&machine);
    CHECK(!machine.vnni && !machine.bf16 && machine.avx2 &&
          machine.avxvnni == !strcmp(isa, "avxvnni"));
    check_extremes();
    for (uint64_t end = seed + 300; seed < end; seed++)
        check_random(seed);
    CHECK(backend_cpu_peak_ops_per_s(BACKEND_CPU_S8, 1) > 0);
    unsetenv("SOCWEAVE_CPU_ISA");
}

TEST(cpu__256_bit_tiles__as_the_reference)
{
    struct backend_cpu_machine machine;
    backend_cpu_machine(&machine);
    check_extremes();
    if (!machine.avx2)
        test_skip("no AVX2");
    check_isa("avx2", 3000);
    if (!machine.avxvnni)
        test_skip("no AVX-VNNI");
    check_isa("avxvnni", 3300);
}

TEST(cpu__portable_tiles__as_the_reference)
{
    setenv("SOCWEAVE_CPU_ISA", "portable", 1);
    struct backend_cpu_machine machine;
    backend_cpu_machine(&machine);
    CHECK(!machine.vnni && !machine.bf16 && !machine.avx2 && !machine.avxvnni);
    for (uint64_t seed = 2000; seed < 2200; seed++)
        check_random(seed);
    struct rng rng = rng_stream(63, 0, 0);
    struct expr expr;
    match_op("conv2d", "n=1 k=17 c=5 p=5 q=6 r=3 s=3 ph=1 pw=1", &expr);
    check_all_plans(&expr, "avx512bf16.16x2", &rng, "bf16");
    unsetenv("SOCWEAVE_CPU_ISA");
}

/* Every tile of the table: rows 1 … 14 and columns up to 64, even and uneven rows. */
TEST(cpu__every_tile__as_the_reference)
{
    for (int m = 1; m <= 15; m++) {
        for (int n = 1; n <= 65; n += 8) {
            struct rng rng = rng_stream(64, (uint64_t)m, (uint64_t)n);
            char numbers[64];
            struct expr expr;
            snprintf(numbers, sizeof numbers, "m=%d n=%d k=%d", m, n, m + n);
            match_op("gemm", numbers, &expr);
            check_all_plans(&expr, "vnni.16x4", &rng, numbers);
            check_all_plans(&expr, n % 2 == 0 ? "vnni.14x32x4" : "vnni.6x64x4", &rng, numbers);
            check_all_plans(&expr, "avx512bf16.16x2", &rng, numbers);
        }
    }
}

/* Channels last, so that whole rows are finished at once: halves, NaN, and what saturates. */
TEST(cpu__rows_of_eight_bits__as_the_reference)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct rng rng = rng_stream(65, seed, 0);
        char numbers[64];
        struct expr expr;
        int32_t bias[70];
        float scale[70];
        test_seed(seed);
        snprintf(numbers, sizeof numbers, "m=%d n=%d k=%d", (int)rng_below(&rng, 9) + 1,
                 (int)rng_below(&rng, 70) + 1, (int)rng_below(&rng, 12) + 1);
        match_op("gemm", numbers, &expr);
        static const float odd[] = { 0.5F, NAN, INFINITY, -1e30F, 0.25F, -0.5F, 0, 1e-3F };
        for (size_t i = 0; i < 70; i++) {
            bias[i] = (int32_t)rng_u32(&rng) >> rng_below(&rng, 31);
            scale[i] = odd[rng_below(&rng, 8)];
        }
        const struct backend_epilogue epilogue = { .channel_dim = 1,
                                                   .bias_s32 = seed % 3 != 0 ? bias : NULL,
                                                   .scale = scale,
                                                   .relu = seed % 2 == 0,
                                                   .converts = true,
                                                   .to_type = seed % 5 < 3 ? DT_U8 : DT_S8,
                                                   .zero_point = seed % 7 == 0 ? -2000 : 5 };
        struct backend_job job = { .expr = &expr, .threads = 1, .epilogue = &epilogue };
        struct data data = make_data(&job, &rng);
        check_job(job, &data, numbers);
        free_data(&data);
    }
}

TEST(cpu__wrong_jobs__are_refused)
{
    struct expr expr;
    struct intrin intrin;
    struct backend_kernel *kernel;
    match_op("gemm", "m=2 n=2 k=4", &expr);
    struct backend_job job = { .expr = &expr, .threads = 0 };
    CHECK_INT(ERR_RANGE, backend_cpu.prepare(&job, &kernel, NULL));
    CHECK_OK(intrin_find("arm.dot4.u8s8", &intrin, err));
    CHECK(!backend_cpu.takes(&intrin));
    struct intrin_plan plan = { .intrin = &intrin };
    job.threads = 1;
    job.plan = &plan;
    CHECK_INT(ERR_UNSUPPORTED, backend_cpu.prepare(&job, &kernel, NULL));
}

/* Times decide nothing; that there are any does. */
TEST(cpu__measure__is_finite_and_beside_a_peak)
{
    struct rng rng = rng_stream(65, 0, 0);
    struct expr expr;
    match_op("gemm", "m=16 n=32 k=64", &expr);
    void *inputs[2] = { backend_case_data(&expr, 1, &rng), backend_case_data(&expr, 2, &rng) };
    int32_t output[16 * 32];
    struct backend_job job = { .expr = &expr, .constant = inputs[1], .threads = 1 };
    struct backend_kernel *kernel;
    struct backend_time time;
    CHECK_OK(backend_cpu.prepare(&job, &kernel, err));
    CHECK_INT(ERR_USAGE, backend_cpu.measure(kernel, 3, &time, NULL));
    CHECK_OK(backend_cpu.run(kernel, (const void *const[2]){ inputs[0], NULL }, output, err));
    CHECK_OK(backend_cpu.measure(kernel, 3, &time, err));
    CHECK_INT(3, time.samples);
    CHECK(time.min_ns > 0 && time.min_ns <= time.median_ns && time.peak_ops_per_s > 0);
    CHECK(time.convert_ns > 0);
    CHECK(backend_cpu_read_bytes_per_s(1 << 15, 2) > 0 && backend_cpu_call_ns(2) > 0);
    CHECK(backend_cpu_peak_ops_per_s(BACKEND_CPU_BF16, 2) > 0);
    backend_cpu.release(kernel);
    free(inputs[0]);
    free(inputs[1]);
}
