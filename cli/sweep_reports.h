/* Whole reports of chosen points of a sweep: what explore writes, in DIR/points/POINT. */
#ifndef SOCWEAVE_CLI_SWEEP_REPORTS_H
#define SOCWEAVE_CLI_SWEEP_REPORTS_H

#include "cli/sweep_results.h"
#include "sweep/evaluate.h"

/*
 * Of `count` points of the front: the knee (ga_knee()), the best of each objective, then the others
 * in order of their values. The SoC goes into the folder as soc.json; the mapping is the stored
 * one, simulated. results->reported then says which there are; a point whose mapping is not kept
 * has none.
 */
enum err_code cli_sweep_reports(struct cli_sweep_results *results, const struct space *space,
                                const struct workload *workload,
                                const struct sweep_mapping_options *mapping, const char *dir,
                                uint64_t count, struct err *err);

#endif
