/*
 * The front that a search for latency against energy found, as it is reported: every mapping
 * simulated, contention included, whatever the search believed; what then loses goes, and the knee
 * is chosen again.
 */
#ifndef SOCWEAVE_CLI_EXPLORE_FRONT_H
#define SOCWEAVE_CLI_EXPLORE_FRONT_H

#include "mapper/mapper.h"
#include "reports/report.h"
#include "sim/sim.h"

struct cli_front {
    size_t count, chosen;        /* count 0: the search was for one objective */
    struct report_point *points; /* borrow from the mapper's result and the schedules */
    struct schedule *schedules;  /* [found] */
    size_t found;
};

/* Borrows from `found`. */
enum err_code cli_front_init(struct cli_front *out, const struct problem *problem,
                             const struct mapper_result *found, enum granularity granularity,
                             struct err *err);
void cli_front_release(struct cli_front *front);

#endif
