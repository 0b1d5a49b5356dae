/*
 * What a strategy asks for and what it is told: the plain data that the store keeps.
 */
#ifndef SOCWEAVE_SWEEP_OUTCOME_H
#define SOCWEAVE_SWEEP_OUTCOME_H

#include <stddef.h>
#include <stdint.h>

#define SWEEP_NO_POINT UINT64_MAX

struct sweep_request {
    uint64_t point;
    uint32_t rung; /* budget level, 0 the cheapest: sweep_rung_layers() */
};

enum sweep_status {
    SWEEP_OK,
    SWEEP_INFEASIBLE, /* a constraint, or a layer that no accelerator runs */
    SWEEP_FAILED      /* the point is no SoC, or the mapper gave up */
};
extern const char *const sweep_status_names[3]; /* "ok", "infeasible", "failed" */

struct sweep_outcome {
    uint8_t status; /* enum sweep_status; the figures below count only with SWEEP_OK */
    uint64_t makespan_ps;
    double energy_pj, area_mm2, power_w;
    uint64_t lower_bound_ps; /* 0: not looked for, on cheap rungs */
    uint32_t deadline_misses;
    uint64_t replayed_from; /* the point whose mapping won, or SWEEP_NO_POINT: its own */
};

/* All are minimised. */
enum sweep_objective {
    SWEEP_LATENCY,
    SWEEP_ENERGY,
    SWEEP_EDP,
    SWEEP_AREA,
    SWEEP_POWER,
    SWEEP_DEADLINE_MISSES,
    SWEEP_OBJECTIVE_COUNT
};
extern const char *const sweep_objective_names[SWEEP_OBJECTIVE_COUNT]; /* "latency", … */
extern const char *const sweep_objective_units[SWEEP_OBJECTIVE_COUNT]; /* "ps", "pJ", … */

/* Of an outcome with SWEEP_OK. */
double sweep_objective_value(enum sweep_objective objective, const struct sweep_outcome *outcome);

#endif
