#include "cli/search.h"

#include <string.h>

#include "mapper/dispatched.h"
#include "sim/sim.h"

enum err_code cli_check_splits(const struct mapper *mapper, bool front, const char *what,
                               struct err *err)
{
    if (!strcmp(mapper->name, "socweave") && !front)
        return ERR_OK;
    return err_set(err, ERR_USAGE, "%s: only mapper socweave finds splits, for one objective",
                   what);
}

/* Whole problems by the mapper's own dispatcher, which takes the simulator's time. */
static enum err_code find_splits(const struct cli_search *search, struct splits_found *out,
                                 struct err *err)
{
    struct mapper_options options = search->options;
    bool contends = options.fitness != FITNESS_ANALYTIC;
    struct evaluator *analytic = analytic_evaluator_new(search->problem, options.granularity);
    struct dispatched *dispatched = contends ? dispatched_new(search->problem) : NULL;
    options.analytic = analytic;
    options.sim = dispatched ? dispatched_evaluator(dispatched) : NULL;
    enum err_code rc = splits_search(search->problem, search->sharing, &options, out, err);
    dispatched_free(dispatched);
    analytic_evaluator_free(analytic);
    return rc;
}

static enum err_code run_mapper(const struct cli_search *search, struct cli_found *found,
                                struct err *err)
{
    struct mapper_options options = search->options;
    struct sim_pool *pool = NULL;
    if (options.fitness != FITNESS_ANALYTIC &&
        sim_pool_new(found->problem, options.granularity, options.jobs, &pool, err) != ERR_OK)
        return err->code;
    struct evaluator *analytic = analytic_evaluator_new(found->problem, options.granularity);
    options.analytic = analytic;
    options.sim = pool ? sim_pool_evaluator(pool) : NULL;
    enum err_code rc;
    if (search->finds_splits)
        rc = splits_finish(search->problem, &options, &found->splits, &found->result, err);
    else
        rc = (search->front ? mapper_run_front : mapper_run)(search->mapper, found->problem,
                                                             &options, &found->result, err);
    analytic_evaluator_free(analytic);
    sim_pool_free(pool);
    return rc;
}

enum err_code cli_search_run(const struct cli_search *search, struct cli_found *out,
                             struct err *err)
{
    *out = (struct cli_found){ .problem = search->problem };
    if (search->finds_splits && find_splits(search, &out->splits, err) != ERR_OK)
        return err->code;
    if (out->splits.any)
        out->problem = &out->splits.problem;
    if (run_mapper(search, out, err) != ERR_OK)
        splits_found_release(&out->splits);
    return err->code;
}

void cli_found_release(struct cli_found *found)
{
    mapper_result_release(&found->result);
    splits_found_release(&found->splits);
}
