/*
 * CUDA kernels as a share of the dense peak and of NVIDIA's libraries (where they are): f16
 * products against cuBLASLt, ResNet-18's convolutions of 16 images against cuDNN. Ours and the
 * peer's take turns; device times, medians. Without a GPU it says why on stderr and prints nothing.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/sample.h"
#include "bench/bench.h"
#include "bench/peer_cuda.h"
#include "core/arena.h"
#include "core/operator.h"

#define ROUNDS  5
#define SAMPLES 11
#define TUNED   40
#define IMAGES  16

/* One job on one intrinsic. */
struct ours {
    struct intrin intrin;
    struct expr expr;
    struct intrin_plan plan;
    struct backend_kernel *kernel;
    bool has_plan;
};

static void ours_close(struct ours *o)
{
    if (o->kernel != NULL)
        backend_cuda.release(o->kernel);
    if (o->has_plan)
        intrin_plan_release(&o->plan);
    intrin_release(&o->intrin);
}

static enum err_code prepare(struct ours *o, const void *constant, struct err *err)
{
    static const struct intrin_match_options options = { INTRIN_AMOS, false };
    static const struct backend_tuning tuning = { TUNED, NULL };
    struct intrin_matches matches = { 0 };
    struct intrin_choice *choices = NULL;
    intrin_adopt_types(&o->intrin, &o->expr);
    enum err_code rc = intrin_match(&o->intrin, &o->expr, &options, &matches, err);
    if (rc == ERR_OK)
        rc = intrin_rank(&o->intrin, &o->expr, &matches, &choices, err);
    if (rc == ERR_OK && matches.count == 0)
        rc = err_set(err, ERR_UNSUPPORTED, "no mapping");
    if (rc == ERR_OK)
        rc = intrin_plan_init(&o->plan, &o->intrin, &o->expr, &choices[0].mapping, err);
    o->has_plan = rc == ERR_OK;
    const struct backend_job job = {
        .expr = &o->expr, .plan = &o->plan, .constant = constant, .tuning = &tuning, .threads = 1
    };
    if (rc == ERR_OK)
        rc = backend_cuda.prepare(&job, &o->kernel, err);
    free(choices);
    intrin_matches_release(&matches);
    return rc;
}

/* Random halves of both signs between 1/16 and 1/8. */
static uint16_t *halves(const struct expr *expr, size_t tensor)
{
    uint64_t elements;
    struct err err = ERR_INIT;
    if (expr_elements(expr, tensor, &elements, &err) != ERR_OK)
        return NULL;
    uint16_t *data = mem_alloc(elements, sizeof *data);
    uint32_t state = 7;
    for (uint64_t at = 0; at < elements; at++) {
        state = state * 1664525 + 1013904223;
        data[at] = (uint16_t)(0x2c00 | (state >> 16 & 0x8bff));
    }
    return data;
}

/* Prepares, and runs once, so that the data are in place. */
static enum err_code ours_open(struct ours *o, const char *intrin, const struct expr *expr,
                               struct err *err)
{
    *o = (struct ours){ .expr = *expr };
    enum err_code rc = intrin_find(intrin, &o->intrin, err);
    if (rc != ERR_OK)
        return rc;
    uint16_t *a = halves(expr, 1), *b = halves(expr, 2);
    uint64_t elements = 0;
    rc = prepare(o, b, err);
    if (rc == ERR_OK)
        rc = expr_elements(expr, 0, &elements, err);
    if (rc == ERR_OK) {
        const void *inputs[2] = { a, NULL };
        void *output = mem_alloc(elements, 4);
        rc = backend_cuda.run(o->kernel, inputs, output, err);
        free(output);
    }
    free(a);
    free(b);
    return rc;
}

/* In turns; medians of the rounds' medians. *peer_ns 0 without a peer. */
static enum err_code time_both(struct ours *o, struct bench_peer_cuda *peer, double *ours_ns,
                               double *peer_ns, double *peak, struct err *err)
{
    double ours[ROUNDS], theirs[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        struct backend_time time;
        enum err_code rc = backend_cuda.measure(o->kernel, SAMPLES, &time, err);
        if (rc == ERR_OK && peer != NULL)
            rc = bench_peer_cuda_time(peer, SAMPLES, &theirs[round], err);
        if (rc != ERR_OK)
            return rc;
        ours[round] = time.median_ns;
        *peak = time.peak_ops_per_s;
    }
    *ours_ns = backend_median(ours, ROUNDS);
    *peer_ns = peer != NULL ? backend_median(theirs, ROUNDS) : 0;
    return ERR_OK;
}

static void report(const char *what, const char *kernel, double operations, double ours_ns,
                   double peer_ns, double peak, const char *peer_name)
{
    char name[160];
    snprintf(name, sizeof name, "%s.rate", what);
    bench_report(name, operations / ours_ns / 1e3, "Top/s");
    snprintf(name, sizeof name, "%s.peak_frac", what);
    bench_report(name, operations / (ours_ns * 1e-9) / peak, "1");
    if (peer_ns > 0) {
        snprintf(name, sizeof name, "%s.of_%s", what, peer_name);
        bench_report(name, peer_ns / ours_ns, "1");
    }
    fprintf(stderr, "%s: %s\n", what, kernel);
}

static void say(const char *what, const struct err *err)
{
    fprintf(stderr, "bench cuda: %s: %s\n", what, err->text);
}

static void bench_gemm(int64_t size, const char *intrin, const char *label)
{
    char what[64];
    struct err err = ERR_INIT, none = ERR_INIT;
    struct expr expr;
    struct ours o;
    struct bench_peer_cuda *peer = NULL;
    double ours_ns, peer_ns, peak, operations = 2.0 * (double)size * (double)size * (double)size;
    const struct expr_binding extents[] = { { "m", size, true },
                                            { "n", size, true },
                                            { "k", size, true } };
    snprintf(what, sizeof what, "cuda_gemm_%lld_%s", (long long)size, label);
    if (bench_peer_cuda_gemm(size, size, size, &peer, &none) != ERR_OK)
        say(what, &none);
    enum err_code rc = op_bind(op_find("gemm"), extents, 3, &expr, &err);
    if (rc == ERR_OK) {
        rc = ours_open(&o, intrin, &expr, &err);
        if (rc == ERR_OK)
            rc = time_both(&o, peer, &ours_ns, &peer_ns, &peak, &err);
        if (rc == ERR_OK)
            report(what, backend_cuda.describe(o.kernel), operations, ours_ns, peer_ns, peak,
                   "cublaslt");
        ours_close(&o);
    }
    if (rc != ERR_OK)
        say(what, &err);
    bench_peer_cuda_free(peer);
}

/* k, c, p, q, r, s, stride, pad: the distinct convolutions of ResNet-18. */
static const struct bench_peer_window windows[] = {
    { 1, 64, 3, 112, 112, 7, 7, 2, 3 },  { 1, 64, 64, 56, 56, 3, 3, 1, 1 },
    { 1, 64, 64, 56, 56, 1, 1, 1, 0 },   { 1, 128, 64, 28, 28, 3, 3, 2, 1 },
    { 1, 128, 64, 28, 28, 1, 1, 2, 0 },  { 1, 128, 128, 28, 28, 3, 3, 1, 1 },
    { 1, 256, 128, 14, 14, 3, 3, 2, 1 }, { 1, 256, 128, 14, 14, 1, 1, 2, 0 },
    { 1, 256, 256, 14, 14, 3, 3, 1, 1 }, { 1, 512, 256, 7, 7, 3, 3, 2, 1 },
    { 1, 512, 256, 7, 7, 1, 1, 2, 0 },   { 1, 512, 512, 7, 7, 3, 3, 1, 1 },
};

static void bench_conv(size_t number, const char *intrin, double *log_sum, size_t *compared)
{
    char what[64];
    const struct bench_peer_window *w = &windows[number];
    struct err err = ERR_INIT, none = ERR_INIT;
    struct expr expr;
    struct ours o;
    struct bench_peer_cuda *peer = NULL;
    double ours_ns, peer_ns, peak;
    double operations = 2.0 * IMAGES * (double)(w->k * w->c * w->p * w->q * w->r * w->s);
    const struct expr_binding numbers[] = {
        { "n", IMAGES, true },   { "k", w->k, true },        { "c", w->c, true },
        { "p", w->p, true },     { "q", w->q, true },        { "r", w->r, true },
        { "s", w->s, true },     { "sh", w->stride, false }, { "sw", w->stride, false },
        { "ph", w->pad, false }, { "pw", w->pad, false },
    };
    snprintf(what, sizeof what, "cuda_resnet18_n%d_C%zu", IMAGES, number);
    if (bench_peer_cuda_conv(IMAGES, w, &peer, &none) != ERR_OK)
        say(what, &none);
    enum err_code rc = op_bind(op_find("conv2d"), numbers, 11, &expr, &err);
    if (rc == ERR_OK) {
        rc = ours_open(&o, intrin, &expr, &err);
        if (rc == ERR_OK)
            rc = time_both(&o, peer, &ours_ns, &peer_ns, &peak, &err);
        if (rc == ERR_OK)
            report(what, backend_cuda.describe(o.kernel), operations, ours_ns, peer_ns, peak,
                   "cudnn");
        if (rc == ERR_OK && peer_ns > 0) {
            *log_sum += log(peer_ns / ours_ns);
            ++*compared;
        }
        ours_close(&o);
    }
    if (rc != ERR_OK)
        say(what, &err);
    bench_peer_cuda_free(peer);
}

/* wgmma where the device has it. */
static const char *best_intrinsic(void)
{
    struct intrin intrin;
    const char *name = "wgmma.m64n256k16.f16";
    struct err err = ERR_INIT;
    bool taken = intrin_find(name, &intrin, &err) == ERR_OK && backend_cuda.takes(&intrin);
    intrin_release(&intrin);
    return taken ? name : "mma.m16n8k16.f16";
}

BENCH(cuda)
{
    struct backend_probe found;
    backend_cuda.probe(&found);
    if (found.state != BACKEND_AVAILABLE) {
        fprintf(stderr, "bench cuda: skipped: %s\n", found.reason);
        return;
    }
    const char *best = best_intrinsic();
    static const int64_t sizes[] = { 2048, 4096, 8192 };
    for (size_t at = 0; at < 3; at++) {
        bench_gemm(sizes[at], best, strncmp(best, "wgmma", 5) == 0 ? "wgmma" : "mma");
        if (strncmp(best, "wgmma", 5) == 0)
            bench_gemm(sizes[at], "mma.m16n8k16.f16", "mma");
    }
    double log_sum = 0;
    size_t compared = 0;
    for (size_t at = 0; at < sizeof windows / sizeof *windows; at++)
        bench_conv(at, best, &log_sum, &compared);
    if (compared > 0)
        bench_report("cuda_resnet18_n16.geomean_of_cudnn", exp(log_sum / (double)compared), "1");
}
