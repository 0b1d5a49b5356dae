/* Bounds and natural-only mappers under the three ways of sharing. */
#include <math.h>
#include <stdlib.h>

#include "cost/cost.h"
#include "mapper/mapper.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* The loaded files once more, with other allotments. */
static void with_sharing(const struct fixture *f, enum cost_sharing sharing, struct problem *out)
{
    const struct cost_options options = { .sharing = sharing };
    CHECK_OK(cost_build_problem(&f->soc, &f->workload, &options, out, err));
    CHECK_STR(cost_sharing_names[sharing], out->sharing);
}

static uint64_t makespan_ps(const struct problem *problem, const char *mapper,
                            enum granularity granularity)
{
    struct evaluator *analytic = analytic_evaluator_new(problem, granularity);
    struct mapper_options options = { .seed = 1,
                                      .jobs = 1,
                                      .population = 8,
                                      .generations = 2,
                                      .granularity = granularity,
                                      .analytic = analytic };
    struct mapper_result found;
    struct evaluation evaluation;
    CHECK_OK(mapper_run(mapper_find(mapper), problem, &options, &found, err));
    CHECK_OK(analytic->evaluate(analytic->ctx, &found.mapping, 1, &evaluation, err));
    mapper_result_release(&found);
    analytic_evaluator_free(analytic);
    return evaluation.makespan_ps;
}

static void check_bounds(const struct fixture *f, enum granularity granularity)
{
    for (unsigned sharing = 0; sharing < COST_SHARING_COUNT; sharing++) {
        struct problem problem;
        with_sharing(f, (enum cost_sharing)sharing, &problem);
        uint64_t bound_ps = mapper_lower_bound(&problem, granularity).makespan_ps;
        CHECK(bound_ps > 0);
        CHECK(bound_ps <= makespan_ps(&problem, "heft", granularity));
        problem_release(&problem);
    }
}

TEST(mapper_sharing__random_problems__no_bound_above_a_makespan)
{
    for (uint64_t seed = 1; seed <= 120; seed++) {
        const struct fixture_shape shape = { .layers = 2 + (unsigned)(seed % 12),
                                             .networks = 1 + (unsigned)(seed % 3),
                                             .accelerators = 1 + (unsigned)(seed % 4),
                                             .edge_probability = 0.4,
                                             .finite_memory = seed % 2,
                                             .cut_through = seed / 2 % 2 };
        struct fixture f;
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        check_bounds(&f, seed / 4 % 2 ? GRANULARITY_TILE : GRANULARITY_LAYER);
        fixture_release(&f);
    }
}

TEST(mapper_sharing__comb_cases__no_bound_above_a_makespan)
{
    static const char *const socs[] = { "comb-small-low", "comb-large-high-any" };
    static const char *const workloads[] = { "vision-light", "mixed-light" };
    for (size_t i = 0; i < 4; i++) {
        struct fixture f;
        fixture_shipped(&f, socs[i % 2], workloads[i / 2]);
        check_bounds(&f, GRANULARITY_LAYER);
        fixture_release(&f);
    }
}

TEST(mapper_sharing__tiled__narrow_layers_no_longer_hold_everything_up)
{
    struct fixture f;
    struct problem fixed, tiled;
    fixture_shipped(&f, "comb-small-low", "mixed-light");
    with_sharing(&f, COST_SHARING_FIXED, &fixed);
    with_sharing(&f, COST_SHARING_TILED, &tiled);
    CHECK(makespan_ps(&tiled, "heft", GRANULARITY_LAYER) * 3 <
          makespan_ps(&fixed, "heft", GRANULARITY_LAYER) * 2);
    problem_release(&fixed);
    problem_release(&tiled);
    fixture_release(&f);
}

TEST(mapper_sharing__mappers_of_natural_allotments__see_no_difference)
{
    static const char *const mappers[] = { "comb", "round-robin", "random", "h2h" };
    struct fixture f;
    struct problem fixed, tiled;
    fixture_shipped(&f, "comb-small-low", "vision-light");
    with_sharing(&f, COST_SHARING_FIXED, &fixed);
    with_sharing(&f, COST_SHARING_TILED, &tiled);
    for (size_t i = 0; i < sizeof mappers / sizeof *mappers; i++)
        CHECK_INT(makespan_ps(&fixed, mappers[i], GRANULARITY_LAYER),
                  makespan_ps(&tiled, mappers[i], GRANULARITY_LAYER));
    problem_release(&fixed);
    problem_release(&tiled);
    fixture_release(&f);
}
