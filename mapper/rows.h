/* The run functions behind mapper_table[]; for mapper.c and their own files only. */
#ifndef SOCWEAVE_MAPPER_ROWS_H
#define SOCWEAVE_MAPPER_ROWS_H

#include "mapper/mapper.h"

#define MAPPER_ROW(function)                                                                       \
    enum err_code function(const struct problem *problem, const struct mapper_options *options,    \
                           struct mapper_result *out, struct err *err)

MAPPER_ROW(mapper_socweave_run);
MAPPER_ROW(mapper_socweave_run_front);
/* Does the simulator judge? Does the search itself see contention? */
static inline bool mapper_uses_sim(const struct mapper_options *options)
{
    return options->sim && options->fitness != FITNESS_ANALYTIC;
}
static inline bool mapper_contends(const struct mapper_options *options)
{
    return mapper_uses_sim(options) && !(options->levers_off >> MAPPER_CONTENTION & 1);
}
/* What the default mapper may place, of options as a user gives them. */
uint64_t mapper_budget_layers(const struct mapper_options *options, size_t layers);
MAPPER_ROW(mapper_comb_run);
MAPPER_ROW(mapper_round_robin_run);
MAPPER_ROW(mapper_random_run);
MAPPER_ROW(mapper_comb_no_sharing_run);
MAPPER_ROW(mapper_h2h_run);
MAPPER_ROW(mapper_magma_run);
MAPPER_ROW(mapper_herald_run);
MAPPER_ROW(mapper_exact_run);
enum { EXACT_LAYERS_MAX = 64 };
MAPPER_ROW(mapper_heft_run);

#endif
