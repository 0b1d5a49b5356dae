/*
 * One search, as explore and compare run it: evaluators for the problem, the layers to split if
 * that is wanted, then the mapper.
 */
#ifndef SOCWEAVE_CLI_SEARCH_H
#define SOCWEAVE_CLI_SEARCH_H

#include "mapper/splits.h"

struct cli_search {
    const struct mapper *mapper;
    const struct problem *problem; /* of the workload as asked for */
    enum cost_sharing sharing;     /* that it was made with */
    bool finds_splits;             /* by mapper socweave, of an unrefined workload */
    bool front;
    struct mapper_options options; /* evaluators aside */
};

struct cli_found {
    struct mapper_result result;
    const struct problem *problem; /* of the mapping: the search's, or one with split layers */
    struct splits_found splits;
};

/* Fills `out` in place. The pool of simulators forks before the first OpenMP region, or, behind a
 * search for splits, from threads that its processes do without. */
enum err_code cli_search_run(const struct cli_search *search, struct cli_found *out,
                             struct err *err);
void cli_found_release(struct cli_found *found);

/* Can this mapper find splits? ERR_USAGE says why not. `what` is how they were asked for. */
enum err_code cli_check_splits(const struct mapper *mapper, bool front, const char *what,
                               struct err *err);

#endif
