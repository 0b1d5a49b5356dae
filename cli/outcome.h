/*
 * A mapping with everything that is reported about it: its analytic schedule, its simulated run,
 * its energy and bound. explore, simulate and report all end here.
 */
#ifndef SOCWEAVE_CLI_OUTCOME_H
#define SOCWEAVE_CLI_OUTCOME_H

#include "mapper/mapper.h"
#include "reports/report.h"
#include "sim/sim.h"

struct outcome {
    struct schedule analytic;
    struct sim_result sim;
    struct report_intrinsics *intrinsics; /* [class] */
    char bound_name[96];                  /* says so if it holds for the splits at hand alone */
    struct report report;                 /* borrows from the above, the problem and the mapping */
};

/* Schedules, checks (mapping_check) and simulates; the caller fills in how it was found. */
enum err_code outcome_init(struct outcome *out, const struct problem *problem,
                           const struct mapping *mapping, const struct sim_options *options,
                           struct err *err);
/* To what a search has proved of the problem, if that is more (0: nothing). */
void outcome_raise_bound(struct outcome *outcome, uint64_t proved_ps);
void outcome_release(struct outcome *outcome);

#endif
