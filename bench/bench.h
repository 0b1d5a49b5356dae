/*
 * Benchmarks register themselves; each prints JSON lines {"bench": …, "value": …, "unit": …}.
 * `bench_socweave PATTERN…` runs those whose name contains a pattern. Where a figure is a ratio,
 * both sides are measured in this process, alternating, and the best of several rounds counts.
 *
 *     BENCH(sim_events)
 *     {
 *         double s = bench_seconds(run_once, &state);
 *         bench_report("sim_events.rate", 1 / s, "1/s");
 *     }
 */
#ifndef SOCWEAVE_BENCH_BENCH_H
#define SOCWEAVE_BENCH_BENCH_H

#include "core/problem.h"

typedef void bench_function(void);

void bench_register(const char *name, bench_function *run);
void bench_report(const char *bench, double value, const char *unit);

/* Seconds per call of run(ctx): the best of 25 rounds of about 10 ms, so short that
 * some of them run undisturbed. */
double bench_seconds(void (*run)(void *ctx), void *ctx);

/* A shipped pair, "comb-small-low" × "vision-light", with elastic allotments. The current folder is
 * the project's root. Any failure ends the program. */
struct bench_case {
    struct soc soc;
    struct workload workload;
    struct problem problem;
};
void bench_case_open(struct bench_case *c, const char *soc, const char *workload);
/* The same of two files. */
void bench_case_open_files(struct bench_case *c, const char *soc_file, const char *workload_file);
void bench_case_close(struct bench_case *c);

#define BENCH(name)                                                                                \
    static void bench_##name(void);                                                                \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        bench_register(#name, bench_##name);                                                       \
    }                                                                                              \
    static void bench_##name(void)

#endif
