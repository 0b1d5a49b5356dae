/* The objectives that deadlines decide: does the search minimise what it is asked to? */
#include "mapper/mapper.h"

#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

static struct punctuality run(const struct problem *problem, enum objective objective,
                              const char *name, uint64_t seed, double *value)
{
    struct evaluator *analytic = analytic_evaluator_new(problem, GRANULARITY_LAYER);
    struct mapper_options options = {
        .seed = seed, .budget_evals = 600, .jobs = 1, .objective = objective, .analytic = analytic
    };
    struct mapper_result found;
    struct evaluation evaluation;
    CHECK_OK(mapper_run(mapper_find(name), problem, &options, &found, err));
    CHECK_OK(analytic->evaluate(analytic->ctx, &found.mapping, 1, &evaluation, err));
    if (value)
        *value = evaluation_value(objective, &evaluation);
    analytic_evaluator_free(analytic);
    mapper_result_release(&found);
    return evaluation.on_time;
}

static void random_case(struct fixture *f, uint64_t seed)
{
    const struct fixture_shape shape = { .layers = 12 + (unsigned)seed % 20,
                                         .networks = 4,
                                         .accelerators = 2 + (unsigned)seed % 3,
                                         .edge_probability = 0.4,
                                         .periodic = true };
    fixture_random(f, seed, &shape);
}

TEST(mapper_deadline__overloaded_cases__fewer_misses_than_by_latency)
{
    uint64_t by_deadline = 0, by_latency = 0;
    double by_score = 0, score_by_latency = 0;
    for (uint64_t seed = 1; seed <= 16; seed++) {
        struct fixture f;
        random_case(&f, seed);
        by_deadline += run(&f.problem, OBJECTIVE_DEADLINE, "socweave", seed, NULL).misses;
        struct punctuality plain = run(&f.problem, OBJECTIVE_LATENCY, "socweave", seed, NULL);
        by_latency += plain.misses;
        score_by_latency += plain.xrbench_score;
        by_score += run(&f.problem, OBJECTIVE_XRBENCH, "socweave", seed, NULL).xrbench_score;
        fixture_release(&f);
    }
    CHECK(by_deadline > 0); /* else there was nothing to win */
    CHECK(by_deadline < by_latency);
    CHECK(by_score > score_by_latency);
}

TEST(mapper_deadline__every_mapper__takes_both_objectives)
{
    for (size_t i = 0; i < mapper_count; i++) {
        struct fixture f;
        random_case(&f, 40 + i);
        if (mapper_table[i].layers_max == 0)
            for (int o = OBJECTIVE_DEADLINE; o <= OBJECTIVE_XRBENCH; o++) {
                double value;
                struct punctuality got =
                    run(&f.problem, (enum objective)o, mapper_table[i].name, 1, &value);
                CHECK(value >= (o == OBJECTIVE_DEADLINE ? (double)got.misses : 0));
                CHECK(value < (o == OBJECTIVE_DEADLINE ? (double)got.misses + 1 : 1.001));
            }
        fixture_release(&f);
    }
}
