/*
 * CPU kernels as a share of the peak measured beside them, and against oneDNN on the same shapes
 * in this process: peak, ours, peer, peak; disturbed rounds dropped, medians of 21. Activations of
 * both are in the layout each prefers. Set OMP_WAIT_POLICY=passive OMP_PROC_BIND=true.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/engine.h"
#include "backends/sample.h"
#include "bench/bench.h"
#include "bench/peer.h"
#include "core/arena.h"
#include "core/operator.h"

#define ROUNDS 21

struct shape {
    const char *name, *op;
    struct bench_peer_window w; /* of a gemm: p, k, c are m, n, k */
};

/* The distinct convolutions of ResNet-18 in its order, then products and depthwise ones. */
static const struct shape shapes[] = {
    { "C0", "conv2d", { 1, 64, 3, 112, 112, 7, 7, 2, 3 } },
    { "C1", "conv2d", { 1, 64, 64, 56, 56, 3, 3, 1, 1 } },
    { "C2", "conv2d", { 1, 64, 64, 56, 56, 1, 1, 1, 0 } },
    { "C3", "conv2d", { 1, 128, 64, 28, 28, 3, 3, 2, 1 } },
    { "C4", "conv2d", { 1, 128, 64, 28, 28, 1, 1, 2, 0 } },
    { "C5", "conv2d", { 1, 128, 128, 28, 28, 3, 3, 1, 1 } },
    { "C6", "conv2d", { 1, 256, 128, 14, 14, 3, 3, 2, 1 } },
    { "C7", "conv2d", { 1, 256, 128, 14, 14, 1, 1, 2, 0 } },
    { "C8", "conv2d", { 1, 256, 256, 14, 14, 3, 3, 1, 1 } },
    { "C9", "conv2d", { 1, 512, 256, 7, 7, 3, 3, 2, 1 } },
    { "C10", "conv2d", { 1, 512, 256, 7, 7, 1, 1, 2, 0 } },
    { "C11", "conv2d", { 1, 512, 512, 7, 7, 3, 3, 1, 1 } },
    { "gemm_512", "gemm", { 1, 512, 512, 512 } },
    { "gemm_1024", "gemm", { 1, 1024, 1024, 1024 } },
    { "gemm_4096x512x512", "gemm", { 1, 512, 512, 4096 } },
    { "gemm_128x768x768", "gemm", { 1, 768, 768, 128 } },
    { "gemv_4096", "gemm", { 1, 4096, 4096, 1 } },
    { "gemv_16384x4096", "gemm", { 1, 16384, 4096, 1 } }, /* 64 MiB: beyond the caches */
    { "depthwise_32_112", "depthwise_conv2d", { 32, 1, 1, 112, 112, 3, 3, 1, 1 } },
    { "depthwise_512_14", "depthwise_conv2d", { 512, 1, 1, 14, 14, 3, 3, 1, 1 } },
    { "depthwise_96_56_s2", "depthwise_conv2d", { 96, 1, 1, 56, 56, 3, 3, 2, 1 } },
    { "depthwise_144_56", "depthwise_conv2d", { 144, 1, 1, 56, 56, 3, 3, 1, 1 } },
    { "depthwise_192_28", "depthwise_conv2d", { 192, 1, 1, 28, 28, 3, 3, 1, 1 } },
    { "depthwise_576_14_s2", "depthwise_conv2d", { 576, 1, 1, 7, 7, 3, 3, 2, 1 } },
    { "depthwise_960_7", "depthwise_conv2d", { 960, 1, 1, 7, 7, 3, 3, 1, 1 } },
};

static void must(enum err_code rc, const struct err *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "bench_cpu: %s\n", err->text);
    exit(1);
}

static bool is_gemm(const struct shape *s)
{
    return strcmp(s->op, "gemm") == 0;
}

static void bind(const struct shape *s, struct expr *out)
{
    const struct bench_peer_window *w = &s->w;
    struct err err = ERR_INIT;
    const struct expr_binding gemm[] = { { "m", w->p, true },
                                         { "n", w->k, true },
                                         { "k", w->c, true } };
    const struct expr_binding conv[] = {
        { w->groups > 1 ? "g" : "k", w->groups > 1 ? w->groups : w->k, true },
        { "p", w->p, true },
        { "q", w->q, true },
        { "r", w->r, true },
        { "s", w->s, true },
        { "sh", w->stride, false },
        { "sw", w->stride, false },
        { "ph", w->pad, false },
        { "pw", w->pad, false },
        { "n", 1, true },
        { "c", w->c, true },
    };
    if (is_gemm(s))
        must(op_bind(op_find(s->op), gemm, 3, out, &err), &err);
    else
        must(op_bind(op_find(s->op), conv, w->groups > 1 ? 10 : 11, out, &err), &err);
}

static struct kernel_engine *open_engine(const struct expr *expr, unsigned threads)
{
    struct err err = ERR_INIT;
    uint64_t elements[3];
    for (size_t t = 0; t < 3; t++)
        must(expr_elements(expr, t, &elements[t], &err), &err);
    uint8_t *a = mem_alloc(elements[1], 1), *b = mem_alloc(elements[2], 1);
    memset(a, 1, elements[1]);
    memset(b, 1, elements[2]);
    struct backend_job job = { .expr = expr, .constant = b, .threads = threads };
    struct kernel_engine *engine;
    must(kernel_engine_new(&engine, &job, &err), &err);
    kernel_engine_load(engine, 0, a);
    free(a);
    free(b);
    return engine;
}

static void run_ours(void *ctx)
{
    kernel_engine_compute(ctx);
}

#ifdef BENCH_DNNL
static void run_peer(void *ctx)
{
    bench_peer_run(ctx);
}

static struct bench_peer *open_peer(const struct shape *s)
{
    return is_gemm(s) ? bench_peer_gemm(s->w.p, s->w.k, s->w.c) : bench_peer_conv(&s->w);
}
#endif

static double time_of(void (*run)(void *ctx), void *ctx, unsigned calls)
{
    double begin = backend_now_ns();
    for (unsigned i = 0; i < calls; i++)
        run(ctx);
    return (backend_now_ns() - begin) / calls;
}

static void report(const struct shape *s, unsigned threads, const char *what, double value,
                   const char *unit)
{
    char bench[96];
    snprintf(bench, sizeof bench, "cpu.%s.%ut.%s", s->name, threads, what);
    bench_report(bench, value, unit);
}

/* A product with one row reads B once: its rate against plain reads of as many bytes, by as many
 * threads, in turn; both after a first time. */
static void report_reading(const struct shape *s, unsigned threads, struct kernel_engine *ours,
                           unsigned calls)
{
    double bytes = (double)s->w.k * s->w.c, share[ROUNDS], rate[ROUNDS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_ours(ours);
        double ns = time_of(run_ours, ours, 3 * calls);
        rate[round] = bytes / ns;
        share[round] =
            bytes / ns * 1e9 / backend_cpu_read_bytes_per_s((size_t)bytes / threads, threads);
    }
    report(s, threads, "read", backend_median(rate, ROUNDS), "GB/s");
    report(s, threads, "share_of_read_bandwidth", backend_median(share, ROUNDS), "1");
}

/* Rounds of both sides until ROUNDS of them saw a steady peak, at most ten times as many. */
static void run_shape(const struct shape *s, unsigned threads)
{
    struct expr expr;
    uint64_t points;
    bind(s, &expr);
    must(expr_points(&expr, &points, NULL), NULL);
    omp_set_num_threads((int)threads);
    struct kernel_engine *ours = open_engine(&expr, threads);
    double share[ROUNDS], ratio[ROUNDS], rate[ROUNDS];
    unsigned calls = 1 + (unsigned)(200e3 / (1 + time_of(run_ours, ours, 2))), used = 0;
#ifdef BENCH_DNNL
    struct bench_peer *peer = open_peer(s);
    time_of(run_peer, peer, 2);
#endif
    for (unsigned round = 0; round < 10 * ROUNDS && used < ROUNDS; round++) {
        double before = backend_cpu_peak_ops_per_s(BACKEND_CPU_S8, threads), other = 0;
        double ns = time_of(run_ours, ours, calls);
#ifdef BENCH_DNNL
        other = time_of(run_peer, peer, calls);
#endif
        double after = backend_cpu_peak_ops_per_s(BACKEND_CPU_S8, threads);
        if ((before < after ? before / after : after / before) < 0.9)
            continue;
        rate[used] = 2 * (double)points / ns;
        share[used] = rate[used] * 1e9 / (before > after ? before : after);
        ratio[used++] = other / ns;
    }
    fprintf(stderr, "%s: %s\n", s->name, kernel_engine_describe(ours));
    if (used > 0) {
        report(s, threads, "rate", backend_median(rate, used), "GOP/s");
        report(s, threads, "share_of_peak", backend_median(share, used), "1");
#ifdef BENCH_DNNL
        report(s, threads, "speed_against_onednn", backend_median(ratio, used), "1");
#endif
    }
    if (is_gemm(s) && s->w.p == 1)
        report_reading(s, threads, ours, calls);
    kernel_engine_free(ours);
#ifdef BENCH_DNNL
    bench_peer_free(peer);
#endif
}

BENCH(cpu)
{
#ifndef BENCH_DNNL
    fprintf(stderr, "bench_cpu: built without oneDNN (libdnnl-dev): no ratios\n");
#endif
    const char *only = getenv("BENCH_CPU_SHAPE");
    for (unsigned threads = 1; threads <= 2; threads++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            if (only == NULL || strcmp(only, shapes[i].name) == 0)
                run_shape(&shapes[i], threads);
}
