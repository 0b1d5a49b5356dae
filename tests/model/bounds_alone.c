/* Bounds from networks alone: docs/model.md M-104. */
#include <stdlib.h>

#include "mapper/bounds.h"
#include "mapper/mapper.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

enum { NODES = 100000 };

/* One allotment a layer and accelerator: exact searches are short. */
static void fix(const struct fixture *f, struct problem *out)
{
    const struct cost_options options = { .sharing = COST_SHARING_FIXED };
    CHECK_OK(cost_build_problem(&f->soc, &f->workload, &options, out, err));
}

static struct mapper_result exact(const struct problem *problem)
{
    struct evaluator *analytic = analytic_evaluator_new(problem, GRANULARITY_LAYER);
    const struct mapper_options options = { .jobs = 1, .analytic = analytic };
    struct mapper_result found;
    CHECK_OK(mapper_run(mapper_find("exact"), problem, &options, &found, err));
    analytic_evaluator_free(analytic);
    return found;
}

TEST(bounds_alone__random_problems__at_most_the_optimum_of_all)
{
    unsigned raised = 0, proved = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        const struct fixture_shape shape = { .layers = 5 + (unsigned)seed % 5,
                                             .networks = 1 + (unsigned)seed % 2,
                                             .accelerators = 2 + (unsigned)seed % 3,
                                             .edge_probability = 0.4 };
        struct fixture f;
        struct problem p;
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        fix(&f, &p);
        uint64_t known_ps = mapper_lower_bound(&p, GRANULARITY_LAYER).makespan_ps;
        uint64_t alone_ps = bounds_alone_ps(&p, known_ps, NODES, NULL);
        struct mapper_result best = exact(&p);
        CHECK(alone_ps >= known_ps);
        if (best.proved_optimal) {
            CHECK(alone_ps <= best.proved_bound_ps);
            /* A single network alone is the whole problem. */
            if (p.network_count == 1 && p.edge_count > 0)
                CHECK_INT(best.proved_bound_ps, alone_ps);
            proved++;
        }
        raised += alone_ps > known_ps;
        mapper_result_release(&best);
        problem_release(&p);
        fixture_release(&f);
    }
    CHECK(proved >= 50);
    CHECK(raised >= 5);
}

TEST(bounds_alone__resnet50_on_four_nvdla__is_what_its_exact_search_finds)
{
    /* 6.155 ms by its blocks; alone it takes 6.229796 ms (explore --mapper exact, 18,447 nodes). */
    struct fixture f;
    struct problem p;
    fixture_shipped(&f, "comb-large-high", "vision-light");
    fix(&f, &p);
    struct lower_bound known = mapper_lower_bound(&p, GRANULARITY_LAYER);
    CHECK_STR("blocks", known.name);
    CHECK_INT(6229796000, bounds_alone_ps(&p, known.makespan_ps, NODES, NULL));
    problem_release(&p);
    fixture_release(&f);
}

TEST(bounds_alone__too_few_nodes__no_lower_than_before)
{
    struct fixture f;
    struct problem p;
    fixture_shipped(&f, "comb-large-high", "vision-light");
    fix(&f, &p);
    uint64_t known_ps = mapper_lower_bound(&p, GRANULARITY_LAYER).makespan_ps;
    CHECK_INT(known_ps, bounds_alone_ps(&p, known_ps, 10, NULL));
    problem_release(&p);
    fixture_release(&f);
}
