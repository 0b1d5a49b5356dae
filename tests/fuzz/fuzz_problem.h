/* What follows the reading of a SoC and a workload: costs of every layer on every accelerator. */
#ifndef SOCWEAVE_TESTS_FUZZ_PROBLEM_H
#define SOCWEAVE_TESTS_FUZZ_PROBLEM_H

#include <assert.h>
#include <stdlib.h>

#include "cost/cost.h"

#define FUZZ_LAYERS_MAX 2000

static inline const struct soc *fuzz_base_soc(void)
{
    static struct soc soc;
    if (!soc.arena && soc_load(&soc, "tests/invalid/base/soc.json", NULL) != ERR_OK)
        abort();
    return &soc;
}

static inline const struct workload *fuzz_base_workload(void)
{
    static struct workload workload;
    if (!workload.arena &&
        workload_load(&workload, "tests/invalid/base/workload.json", NULL) != ERR_OK)
        abort();
    return &workload;
}

/* A problem, or an error in words. */
static inline void fuzz_problem(const struct soc *soc, const struct workload *workload)
{
    struct cost_options options = { .sharing = COST_SHARING_TILED };
    struct err err = ERR_INIT;
    struct problem problem;
    if (workload->layer_count > FUZZ_LAYERS_MAX)
        return;
    if (cost_build_problem(soc, workload, &options, &problem, &err) == ERR_OK)
        problem_release(&problem);
    else
        assert(err.text[0]);
}

#endif
