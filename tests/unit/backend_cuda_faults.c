/* The CUDA backend on a device that is full, lost, too old, or lacks a kernel: a clear word, all
 * memory given back, and the next layer runs. */
#include <string.h>

#include "exec/exec_trial.h"
#include "tests/model/cuda_fake.h"
#include "tests/model/match_case.h"
#include "tests/test.h"

/* A product on an intrinsic, tried as `validate` does. */
static void try_gemm(const char *intrin_name, const char *numbers, struct exec_verdict *out)
{
    static const struct intrin_match_options options = { INTRIN_AMOS, false };
    struct intrin intrin;
    struct expr expr;
    struct intrin_matches matches;
    struct intrin_plan plan;
    struct exec_truth truth;
    match_op("gemm", numbers, &expr);
    CHECK_OK(intrin_find(intrin_name, &intrin, err));
    intrin_adopt_types(&intrin, &expr);
    CHECK_OK(intrin_match(&intrin, &expr, &options, &matches, err));
    CHECK_INT(1, matches.count);
    CHECK_OK(intrin_plan_init(&plan, &intrin, &expr, &matches.mappings[0], err));
    CHECK_OK(exec_truth_init(&truth, backend_find("reference"), &expr, 1, "layer", err));
    struct exec_trial trial = {
        .backend = &backend_cuda, .plan = &plan, .constant = true, .threads = 1, .samples = 3
    };
    exec_try(&truth, &trial, out);
    exec_truth_release(&truth);
    intrin_plan_release(&plan);
    intrin_matches_release(&matches);
    intrin_release(&intrin);
}

static const char hopper[] = "wgmma.m64n256k32.u8s8";

static void check_runs(const char *intrin, const char *row)
{
    struct exec_verdict verdict;
    try_gemm(intrin, "m=20 n=40 k=80", &verdict);
    CHECK_STR("", verdict.detail);
    CHECK_INT(EXEC_OK, verdict.outcome);
    CHECK(strncmp(verdict.kernel, row, strlen(row)) == 0);
}

TEST(cuda_faults__affine_product_on_hopper__by_tensor_copies)
{
    struct cuda_fake *fake = cuda_fake_begin();
    check_runs(hopper, "wgmma_tma_u8s8_128x");
    CHECK(fake->emulation.boxes > 0);
    CHECK_INT(0, fake->emulation.copies + fake->emulation.gathers);
    cuda_fake_end();
}

TEST(cuda_faults__stride_of_no_map__by_the_tables_and_says_why)
{
    struct exec_verdict verdict;
    cuda_fake_begin();
    try_gemm(hopper, "m=20 n=40 k=71", &verdict); /* A's lines are 71 bytes apart */
    CHECK_INT(EXEC_OK, verdict.outcome);
    CHECK(strncmp(verdict.kernel, "wgmma_u8s8_128x", 15) == 0);
    CHECK(strstr(verdict.kernel, "no tensor copies: A: a stride is no multiple of 16") != NULL);
    cuda_fake_end();
}

TEST(cuda_faults__driver_refuses_the_map__the_tables)
{
    struct cuda_fake *fake = cuda_fake_begin();
    fake->refuses_maps = true;
    check_runs(hopper, "wgmma_u8s8_128x");
    cuda_fake_end();
}

TEST(cuda_faults__no_wgmma_here__mma_in_its_place)
{
    struct exec_verdict verdict;
    struct cuda_fake *fake = cuda_fake_begin();
    fake->facts.minor = 0;
    fake->facts.major = 8;
    check_runs("mma.m16n8k32.u8s8", "mma_u8s8_");
    try_gemm(hopper, "m=20 n=40 k=80", &verdict); /* validate would not propose it there */
    CHECK_INT(EXEC_UNSUPPORTED, verdict.outcome);
    fake->facts.major = 9;
    fake->facts.shared_block_bytes = 60 * 1024; /* no wgmma tile fits */
    try_gemm(hopper, "m=20 n=40 k=80", &verdict);
    CHECK_INT(EXEC_OK, verdict.outcome);
    CHECK(strstr(verdict.kernel, "in place of wgmma.m64n256k32.u8s8") != NULL);
    cuda_fake_end();
}

TEST(cuda_faults__older_device__is_too_old)
{
    struct backend_probe found;
    struct exec_verdict verdict;
    struct cuda_fake *fake = cuda_fake_begin();
    fake->facts.major = 7;
    fake->facts.minor = 5;
    backend_cuda.probe(&found);
    CHECK_INT(BACKEND_TOO_OLD, found.state);
    CHECK_STR("compute capability 7.5; the kernels need 8.0", found.reason);
    CHECK_STR("Fake H100, 132 SMs", found.device);
    try_gemm("mma.m16n8k32.u8s8", "m=4 n=4 k=4", &verdict);
    CHECK_INT(EXEC_UNAVAILABLE, verdict.outcome);
    fake->state = BACKEND_NO_DEVICE;
    backend_cuda.probe(&found);
    CHECK_INT(BACKEND_NO_DEVICE, found.state);
    cuda_fake_end();
}

TEST(cuda_faults__shape_that_no_tile_fits__unsupported)
{
    struct exec_verdict verdict;
    struct cuda_fake *fake = cuda_fake_begin();
    fake->facts.shared_block_bytes = 16 * 1024;
    try_gemm("mma.m16n8k32.u8s8", "m=20 n=40 k=80", &verdict);
    CHECK_INT(EXEC_UNSUPPORTED, verdict.outcome);
    CHECK_STR(
        "no kernel of mma.m16n8k32.u8s8 runs this shape on a device of compute capability 9.0",
        verdict.detail);
    cuda_fake_end();
}

TEST(cuda_faults__out_of_memory__that_layer_alone)
{
    struct exec_verdict verdict;
    struct cuda_fake *fake = cuda_fake_begin();
    fake->memory_bytes = 64 * 1024;
    check_runs("mma.m16n8k32.u8s8", "mma_u8s8_");
    try_gemm("mma.m16n8k32.u8s8", "m=256 n=64 k=256", &verdict); /* A: 65536 bytes, and tables */
    CHECK_INT(EXEC_UNAVAILABLE, verdict.outcome);
    CHECK_STR("65536 bytes of device memory: out of memory", verdict.detail);
    CHECK_INT(0, fake->used_bytes);
    CHECK_INT(0, fake->resets);
    check_runs("mma.m16n8k32.u8s8", "mma_u8s8_");
    cuda_fake_end();
}

/* Lost at every launch or timing of the trial in turn. */
TEST(cuda_faults__device_lost__reset_and_the_next_layer_runs)
{
    struct cuda_fake *fake = cuda_fake_begin();
    for (uint64_t at = 0; at < 7; at++) {
        struct exec_verdict verdict;
        uint64_t resets = fake->resets;
        fake->launches_to_go = at;
        try_gemm("mma.m16n8k32.u8s8", "m=20 n=40 k=80", &verdict);
        if (at == 6) { /* one run, two timings to warm up, three samples: all went well */
            CHECK_INT(EXEC_OK, verdict.outcome);
            continue;
        }
        CHECK_INT(EXEC_UNAVAILABLE, verdict.outcome);
        CHECK_STR("kernel: unspecified launch failure", verdict.detail);
        CHECK_INT(resets + 1, fake->resets);
        check_runs("mma.m16n8k32.u8s8", "mma_u8s8_");
    }
    cuda_fake_end();
}

TEST(cuda_faults__peak__is_the_dense_rate)
{
    struct exec_verdict verdict;
    struct cuda_fake *fake = cuda_fake_begin();
    fake->facts.clock_hz = 1e9;
    try_gemm("mma.m16n8k32.u8s8", "m=4 n=4 k=4", &verdict);
    CHECK_NEAR(2.0 * 4096 * 132 * 1e9, verdict.time.peak_ops_per_s, 1); /* 1081 TOP/s at 1 GHz */
    CHECK_INT(3, verdict.time.samples);
    CHECK_NEAR(1000, verdict.time.median_ns, 0);
    cuda_fake_end();
}
