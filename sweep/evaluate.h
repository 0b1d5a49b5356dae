/*
 * One design point, evaluated: its SoC, the problem of the workload on it, a mapper run, and what
 * the mapping found takes.
 *
 * Single-threaded and deterministic: the same request gives the same bytes on any machine. The
 * makespan reported is that of the mapping under contention, by the mapper's own dispatcher
 * (mapper/dispatch.h), which at layer granularity takes the same time to the picosecond as the
 * SystemC model; the mapping is written in the order of its starts, with these times. At tile
 * granularity it is the analytic one.
 *
 * A point that breaks a constraint, or on which a layer can run nowhere, is an outcome
 * (SWEEP_INFEASIBLE), and so is one that is no SoC (SWEEP_FAILED); errors are of the world: memory,
 * an evaluator that fails.
 */
#ifndef SOCWEAVE_SWEEP_EVALUATE_H
#define SOCWEAVE_SWEEP_EVALUATE_H

#include "mapper/mapper.h"
#include "sweep/outcome.h"
#include "sweep/space.h"

/* Evaluators are made by the caller, who knows sim/: one per point and thread. */
struct sweep_timing {
    void *ctx;
    struct evaluator *(*analytic_new)(void *ctx, const struct problem *problem,
                                      enum granularity granularity);
    void (*analytic_free)(void *ctx, struct evaluator *evaluator);
};

struct sweep_mapping_options {
    const struct mapper *mapper;
    enum cost_sharing sharing;
    enum objective objective; /* of the mapper, inside a point */
    enum granularity granularity;
    uint64_t seed;
    struct sweep_timing timing;
    const volatile sig_atomic_t *stop; /* may be NULL; a stopped evaluation is ERR_INTERRUPTED */
};

/*
 * budget_layers: sweep_rung_layers() of the request. mapping_text receives mapping/1 (nothing
 * unless SWEEP_OK); reason, which may be NULL, a sentence for people where the point is not OK.
 */
enum err_code sweep_evaluate_point(const struct space *space, const struct workload *workload,
                                   const struct sweep_mapping_options *options, uint64_t point,
                                   uint64_t budget_layers, struct sweep_outcome *outcome,
                                   struct text *mapping_text, struct text *reason, struct err *err);

/*
 * The mapping of point `from` on the SoC of `point`: accelerators by name; for every layer the
 * narrowest allotment that takes no longer than the one it had, or the fastest there is. Better by
 * the options' objective than *outcome, it takes its place: outcome, mapping_text (replaced) and
 * replayed_from; else nothing changes. No mapper runs: some milliseconds. *outcome must be
 * SWEEP_OK.
 */
enum err_code sweep_replay_point(const struct space *space, const struct workload *workload,
                                 const struct sweep_mapping_options *options, uint64_t point,
                                 uint64_t from, const char *from_mapping_text,
                                 struct sweep_outcome *outcome, struct text *mapping_text,
                                 struct err *err);

#endif
