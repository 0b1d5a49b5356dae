/*
 * Networks alone: no mapping of a workload is shorter than the shortest one of any of its networks
 * by itself, for what is left of a schedule without the others is still legal. docs/model.md M-104.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/bounds.h"
#include "mapper/dispatched.h"
#include "mapper/rows.h"

/* A network whose other bounds are further below is not worth an exact search. */
static const double near_enough = 0.9;

static bool find_sharing(const struct problem *p, struct cost_options *out)
{
    for (unsigned i = 0; p->sharing && i < COST_SHARING_COUNT; i++)
        if (strcmp(p->sharing, cost_sharing_names[i]) == 0) {
            *out = (struct cost_options){ .sharing = (enum cost_sharing)i };
            return true;
        }
    return false;
}

/* What an exact search proves of one network, at most `nodes` long; 0: nothing. */
static uint64_t prove_alone_ps(const struct problem *network, uint64_t best_ps, uint64_t nodes,
                               const volatile sig_atomic_t *stop)
{
    uint64_t known_ps = mapper_lower_bound(network, GRANULARITY_LAYER).makespan_ps;
    if ((double)known_ps < near_enough * (double)best_ps)
        return 0;
    /* Its first mapping is timed with contention: no shorter than it is, so nothing is missed. */
    struct dispatched *dispatched = dispatched_new(network);
    const struct mapper_options options = {
        .jobs = 1,
        .budget_evals = nodes,
        .known_bound_ps = known_ps,
        .analytic = dispatched_evaluator(dispatched),
        .stop = stop,
    };
    struct mapper_result found = { 0 };
    uint64_t proved_ps = 0;
    if (mapper_exact_run(network, &options, &found, NULL) == ERR_OK)
        proved_ps = found.proved_bound_ps;
    mapper_result_release(&found);
    dispatched_free(dispatched);
    return proved_ps;
}

static uint64_t alone_ps(const struct problem *p, size_t n, const struct cost_options *cost,
                         uint64_t best_ps, uint64_t nodes, const volatile sig_atomic_t *stop)
{
    struct workload_network network = p->workload->networks[n];
    struct workload alone = *p->workload;
    alone.network_count = 1;
    alone.networks = &network;
    alone.layer_count = alone.graphs[network.graph].layer_count;
    alone.whole = NULL;    /* its layers are as they are */
    alone.entry_count = 0; /* those of the whole workload name its other networks */
    alone.has_deadlines = false;
    network.first_layer = 0;
    network.depends_on = WORKLOAD_NONE;
    network.deadline_ps = WORKLOAD_NO_DEADLINE;
    struct problem problem;
    if (alone.layer_count > EXACT_LAYERS_MAX ||
        cost_build_problem(p->soc, &alone, cost, &problem, NULL) != ERR_OK)
        return 0;
    uint64_t proved_ps = prove_alone_ps(&problem, best_ps, nodes, stop);
    problem_release(&problem);
    return proved_ps;
}

uint64_t bounds_alone_ps(const struct problem *problem, uint64_t best_ps, uint64_t nodes,
                         const volatile sig_atomic_t *stop)
{
    const struct workload *w = problem->workload;
    struct cost_options cost;
    if (problem->release_ps || problem->has_cascades || !find_sharing(problem, &cost))
        return 0;
    bool *seen = mem_alloc(w->graph_count, sizeof *seen);
    for (size_t n = 0; n < w->network_count; n++) {
        uint32_t graph = w->networks[n].graph;
        if (!seen[graph])
            best_ps = max_u64(best_ps, alone_ps(problem, n, &cost, best_ps, nodes, stop));
        seen[graph] = true;
    }
    free(seen);
    return best_ps;
}
