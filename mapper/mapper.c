#include "mapper/mapper.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mapper/rows.h"

const char *const fitness_names[3] = { "analytic", "mixed", "sim" };

const char *const mapper_lever_names[MAPPER_LEVER_COUNT] = {
    "change-way", "shift-layer", "shift-network", "critical-chain",
    "justify",    "contention",  "seeds",         "exact",
};

const struct mapper mapper_table[] = {
    {
        .name = "socweave",
        .summary = "list schedules without barriers, annealed on islands (the default)",
        .source = "this project; Kolisch, Hartmann 1999 for the decoder",
        .default_sharing = COST_SHARING_TILED,
        .run = mapper_socweave_run,
        .run_front = mapper_socweave_run_front,
    },
    {
        .name = "comb",
        .summary = "genetic search over groupings, greedy accelerators (COMB as published)",
        .source = "Zheng, Chen, Liang, DAC 2023, Algorithms 1 and 2",
        .run = mapper_comb_run,
    },
    {
        .name = "comb-no-sharing",
        .summary = "COMB's search with groups of one layer: how its paper reads MAGMA",
        .source = "Zheng, Chen, Liang, DAC 2023, evaluation",
        .run = mapper_comb_no_sharing_run,
    },
    {
        .name = "h2h",
        .summary = "frontier by frontier with communication, then remapping; no sharing",
        .source = "Zhang, Hao, Zhou, Jones, Hu, DAC 2022",
        .run = mapper_h2h_run,
    },
    {
        .name = "magma",
        .summary = "genetic search over accelerators and priorities; no sharing",
        .source = "Kao, Krishna, HPCA 2022",
        .run = mapper_magma_run,
    },
    {
        .name = "herald",
        .summary = "best dataflow per layer, loads balanced, blind to communication; no sharing",
        .source = "Kwon et al., HPCA 2021",
        .run = mapper_herald_run,
    },
    {
        .name = "heft",
        .summary = "list scheduling by upward rank, earliest end, with insertion and sharing",
        .source = "Topcuoglu, Hariri, Wu, IEEE TPDS 2002",
        .run = mapper_heft_run,
    },
    {
        .name = "round-robin",
        .summary = "COMB's search over groupings, accelerators by turns",
        .source = "Zheng, Chen, Liang, DAC 2023, ablation",
        .run = mapper_round_robin_run,
    },
    {
        .name = "random",
        .summary = "the best of as many random legal mappings as comb evaluates",
        .source = "chance",
        .run = mapper_random_run,
    },
    {
        .name = "exact",
        .summary = "branch and bound for small cases: the optimum, or what gap remains",
        .source = "this project; docs/model.md M-50 for its bounds",
        .layers_max = EXACT_LAYERS_MAX,
        .run = mapper_exact_run,
    },
};
const size_t mapper_count = sizeof mapper_table / sizeof *mapper_table;

const struct mapper *mapper_find(const char *name)
{
    for (size_t i = 0; i < mapper_count; i++)
        if (strcmp(mapper_table[i].name, name) == 0)
            return &mapper_table[i];
    return NULL;
}

bool mapper_takes(const struct mapper *mapper, const struct problem *problem,
                  const struct mapper_options *options)
{
    return mapper->layers_max == 0 ||
           (problem->layer_count <= mapper->layers_max && options->objective == OBJECTIVE_LATENCY &&
            options->granularity == GRANULARITY_LAYER);
}

enum err_code mapper_run(const struct mapper *mapper, const struct problem *problem,
                         const struct mapper_options *options, struct mapper_result *out,
                         struct err *err)
{
    assert(options->analytic && problem->layer_count > 0);
    struct mapper_result result = { 0 };
    enum err_code rc = mapper->run(problem, options, &result, err);
    if (rc == ERR_OK)
        rc = mapping_check(problem, &result.mapping, NULL, options->granularity, err);
    if (rc == ERR_OK)
        *out = result;
    else
        mapper_result_release(&result);
    return rc;
}

enum err_code mapper_run_front(const struct mapper *mapper, const struct problem *problem,
                               const struct mapper_options *options, struct mapper_result *out,
                               struct err *err)
{
    assert(mapper->run_front && options->analytic && problem->layer_count > 0);
    struct mapper_result result = { 0 };
    enum err_code rc = mapper->run_front(problem, options, &result, err);
    for (size_t i = 0; rc == ERR_OK && i < result.front_count; i++)
        rc = mapping_check(problem, &result.front[i].mapping, NULL, options->granularity, err);
    if (rc == ERR_OK)
        *out = result;
    else
        mapper_result_release(&result);
    return rc;
}

void mapper_result_release(struct mapper_result *result)
{
    for (size_t i = 0; i < result->front_count; i++)
        mapping_release(&result->front[i].mapping);
    free(result->front);
    mapping_release(&result->mapping);
    free(result->convergence);
    *result = (struct mapper_result){ 0 };
}
