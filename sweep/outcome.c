#include "sweep/outcome.h"

const char *const sweep_status_names[3] = { "ok", "infeasible", "failed" };
const char *const sweep_objective_names[SWEEP_OBJECTIVE_COUNT] = { "latency", "energy",
                                                                   "edp",     "area",
                                                                   "power",   "deadline-misses" };
const char *const sweep_objective_units[SWEEP_OBJECTIVE_COUNT] = { "ps",  "pJ", "pJ ps",
                                                                   "mm2", "W",  "" };

double sweep_objective_value(enum sweep_objective objective, const struct sweep_outcome *outcome)
{
    switch (objective) {
    case SWEEP_ENERGY:
        return outcome->energy_pj;
    case SWEEP_EDP:
        return outcome->energy_pj * (double)outcome->makespan_ps;
    case SWEEP_AREA:
        return outcome->area_mm2;
    case SWEEP_POWER:
        return outcome->power_w;
    case SWEEP_DEADLINE_MISSES:
        return outcome->deadline_misses;
    default:
        return (double)outcome->makespan_ps;
    }
}
