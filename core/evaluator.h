/*
 * An evaluator turns a mapping into cost. The mapper knows evaluators only as this struct, so the
 * analytic one and the SystemC one swap without a change in it.
 */
#ifndef SOCWEAVE_CORE_EVALUATOR_H
#define SOCWEAVE_CORE_EVALUATOR_H

#include "core/deadline.h"

#ifdef __cplusplus
extern "C" {
#endif

struct evaluation {
    uint64_t makespan_ps;
    double energy_pj;
    struct punctuality on_time; /* where the workload has deadlines */
};

struct evaluator {
    const char *name; /* "analytic", "systemc" */
    void *ctx;
    /*
     * Evaluate `count` legal mappings; out[i] belongs to mappings[i]. The analytic evaluator may
     * be called from several threads at once; the SystemC one from one thread at a time (it
     * spreads the batch over its worker processes).
     */
    enum err_code (*evaluate)(void *ctx, const struct mapping *mappings, size_t count,
                              struct evaluation *out, struct err *err);
};

enum objective {
    OBJECTIVE_LATENCY,
    OBJECTIVE_ENERGY,
    OBJECTIVE_EDP,
    OBJECTIVE_DEADLINE, /* misses, then the worst lateness, then the makespan */
    OBJECTIVE_XRBENCH,  /* XRBench's score, to be as high as can be */
    OBJECTIVE_COUNT,
    OBJECTIVE_PLAIN_COUNT = OBJECTIVE_DEADLINE /* those that makespan and energy decide */
};
extern const char *const objective_names[OBJECTIVE_COUNT]; /* "latency", "energy", "edp", … */

/* Smaller is better: ps, pJ or pJ·ps. What is decided by deadlines counts as latency here: of a
 * part of a mapping there is no more to say. */
static inline double objective_value(enum objective objective, uint64_t makespan_ps,
                                     double energy_pj)
{
    switch (objective) {
    case OBJECTIVE_ENERGY:
        return energy_pj;
    case OBJECTIVE_EDP:
        return energy_pj * (double)makespan_ps;
    default:
        return (double)makespan_ps;
    }
}

/* The same of a whole mapping, for every objective. */
static inline double evaluation_value(enum objective objective, const struct evaluation *e)
{
    switch (objective) {
    case OBJECTIVE_DEADLINE:
        return deadline_value(&e->on_time, e->makespan_ps);
    case OBJECTIVE_XRBENCH:
        return deadline_xrbench_value(&e->on_time, e->makespan_ps);
    default:
        return objective_value(objective, e->makespan_ps, e->energy_pj);
    }
}

#ifdef __cplusplus
}
#endif
#endif
