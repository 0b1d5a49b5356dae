/*
 * Evaluators of a mapping: the analytic one (no contention, microseconds) and the SystemC timing
 * model (links, local ports and memory channels serve one packet at a time). The rules of time are
 * those of core/mapping.h; docs/model.md has the equations. On an idle network both agree to the
 * bit.
 *
 * SystemC types stay in sim/ C++ files; this header is C. The model is elaborated once per SoC and
 * re-armed for every mapping. SystemC is single-threaded: parallel runs go through sim_pool, whose
 * workers are forked processes (call sim_pool_new() before the first OpenMP region).
 */
#ifndef SOCWEAVE_SIM_SIM_H
#define SOCWEAVE_SIM_SIM_H

#include "core/evaluator.h"
#include "core/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- analytic ------------------------------------------------------------------------------ */

/* Times of every layer, none later than simulated (docs/model.md M-39); `schedule` is initialised
 * by the caller for the problem's layers. Thread-safe. Makespan only (the fast path): pass NULL;
 * returns the makespan either way. O(layers
 * + edges). */
uint64_t analytic_schedule(const struct problem *problem, const struct mapping *mapping,
                           enum granularity granularity, struct schedule *schedule);

/* An evaluator over the above. Free with analytic_evaluator_free(). */
struct evaluator *analytic_evaluator_new(const struct problem *problem,
                                         enum granularity granularity);
void analytic_evaluator_free(struct evaluator *evaluator);

/* --- SystemC -------------------------------------------------------------------------------- */

struct sim_resource_load {
    uint64_t busy_ps, waited_ps; /* service time, and time packets spent queued */
    uint64_t packets, bytes;
};

struct sim_result {
    struct schedule schedule;
    uint64_t events; /* timed events of the run */
    /* Per resource, in the SoC's order; owned. */
    struct sim_resource_load *links, *locals, *channels;
    struct trace trace; /* empty unless asked for */
};

struct sim_options {
    enum granularity granularity;
    bool want_trace;
    const char *vcd; /* file to write signals to, or NULL; slow */
};

enum err_code sim_run(const struct problem *problem, const struct mapping *mapping,
                      const struct sim_options *options, struct sim_result *out, struct err *err);
void sim_result_release(struct sim_result *result);

/* A pool of forked workers as an evaluator. jobs 1 runs in this process. */
struct sim_pool;
enum err_code sim_pool_new(const struct problem *problem, enum granularity granularity,
                           unsigned jobs, struct sim_pool **out, struct err *err);
const struct evaluator *sim_pool_evaluator(struct sim_pool *pool);
void sim_pool_free(struct sim_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
