/*
 * The C side of the SystemC model for the rest of sim/: sim_run() without the tables.
 */
#ifndef SOCWEAVE_SIM_SEAM_H
#define SOCWEAVE_SIM_SEAM_H

#include "sim/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

enum err_code sim_makespan(const struct problem *problem, const struct mapping *mapping,
                           enum granularity granularity, uint64_t *makespan_ps, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
