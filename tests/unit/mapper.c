/* What holds for every row of mapper_table[]. */
#include "mapper/mapper.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

struct test_run {
    struct fixture f;
    struct evaluator *analytic;
    struct mapper_options options;
};

static void run_init(struct test_run *run, uint64_t seed, enum granularity granularity)
{
    const struct fixture_shape shape = {
        .layers = 6 + (unsigned)seed % 30,
        .networks = 1 + (unsigned)seed % 4,
        .accelerators = 1 + (unsigned)seed % 5,
        .edge_probability = 0.1 * (double)(seed % 6),
        .finite_memory = seed % 2,
        .cut_through = seed % 3 == 0,
        .periodic = seed % 5 == 2,
    };
    fixture_random(&run->f, seed, &shape);
    run->analytic = analytic_evaluator_new(&run->f.problem, granularity);
    run->options = (struct mapper_options){
        .seed = seed,
        .population = 20,
        .budget_evals = 150,
        .jobs = 1,
        .granularity = granularity,
        .analytic = run->analytic,
    };
}

static void run_release(struct test_run *run)
{
    analytic_evaluator_free(run->analytic);
    fixture_release(&run->f);
}

static struct mapper_result search(const struct mapper *mapper, const struct test_run *run)
{
    struct mapper_result result;
    CHECK_OK(mapper_run(mapper, &run->f.problem, &run->options, &result, err));
    return result;
}

/* The time rules, too; mapper_run() has checked those without times. */
static struct evaluation judge(const struct test_run *run, const struct mapping *mapping)
{
    struct schedule schedule;
    const struct problem *p = &run->f.problem;
    schedule_init(&schedule, p->layer_count);
    analytic_schedule(p, mapping, run->options.granularity, &schedule);
    CHECK_OK(mapping_check(p, mapping, &schedule, run->options.granularity, err));
    struct evaluation evaluation = {
        .makespan_ps = schedule.makespan_ps,
        .energy_pj = schedule.energy_pj,
        .on_time = deadline_judge_mapping(p, mapping, schedule.start_ps, schedule.end_ps),
    };
    schedule_release(&schedule);
    return evaluation;
}

static double value_of(const struct test_run *run, struct evaluation evaluation)
{
    return evaluation_value(run->options.objective, &evaluation);
}

static void check_convergence(const struct test_run *run, const struct mapper_result *result)
{
    CHECK(result->convergence_count > 0);
    const struct mapper_progress *rows = result->convergence;
    for (size_t i = 1; i < result->convergence_count; i++) {
        CHECK(rows[i].best_value < rows[i - 1].best_value);
        CHECK(rows[i].evaluations >= rows[i - 1].evaluations);
    }
    const struct mapper_progress *last = &rows[result->convergence_count - 1];
    CHECK_NEAR(last->best_value,
               value_of(run, (struct evaluation){ last->best_makespan_ps, last->best_energy_pj }),
               0);
    CHECK(last->evaluations <= result->evaluations);
}

TEST(mapper_find__names__are_unique_and_found)
{
    for (size_t i = 0; i < mapper_count; i++)
        CHECK(mapper_find(mapper_table[i].name) == &mapper_table[i]);
    CHECK(mapper_find("comb") && mapper_find("heft"));
    CHECK(!mapper_find("") && !mapper_find("com") && !mapper_find("COMB"));
}

TEST(mapper_run__every_mapper_and_objective__legal_and_as_good_as_it_says)
{
    for (uint64_t seed = 0; seed < 12; seed++)
        for (enum granularity granularity = 0; granularity < 2; granularity++) {
            struct test_run run;
            run_init(&run, seed, granularity);
            run.options.objective = (enum objective)(seed % OBJECTIVE_COUNT);
            for (size_t i = 0; i < mapper_count; i++) {
                if (!mapper_takes(&mapper_table[i], &run.f.problem, &run.options))
                    continue;
                struct mapper_result result = search(&mapper_table[i], &run);
                struct evaluation got = judge(&run, &result.mapping);
                CHECK(!result.interrupted);
                CHECK_INT(0, result.sim_evaluations);
                check_convergence(&run, &result);
                const struct mapper_progress *last =
                    &result.convergence[result.convergence_count - 1];
                if (last->best_makespan_ps != got.makespan_ps ||
                    last->best_energy_pj != got.energy_pj)
                    test_fail(__FILE__, __LINE__,
                              "seed %" PRIu64 ", %s: %" PRIu64 ", says %" PRIu64, seed,
                              mapper_table[i].name, got.makespan_ps, last->best_makespan_ps);
                mapper_result_release(&result);
            }
            run_release(&run);
        }
}

TEST(mapper_run__any_number_of_jobs__same_result)
{
    for (uint64_t seed = 20; seed < 24; seed++) {
        struct test_run run;
        run_init(&run, seed, GRANULARITY_LAYER);
        for (size_t i = 0; i < mapper_count; i++) {
            run.options.jobs = 1;
            struct mapper_result one = search(&mapper_table[i], &run);
            for (run.options.jobs = 2; run.options.jobs <= 3; run.options.jobs++) {
                struct mapper_result many = search(&mapper_table[i], &run);
                CHECK(memcmp(one.mapping.placements, many.mapping.placements,
                             one.mapping.placement_count * sizeof *one.mapping.placements) == 0);
                CHECK_INT(one.evaluations, many.evaluations);
                CHECK_INT(one.convergence_count, many.convergence_count);
                CHECK(memcmp(one.convergence, many.convergence,
                             one.convergence_count * sizeof *one.convergence) == 0);
                mapper_result_release(&many);
            }
            mapper_result_release(&one);
        }
        run_release(&run);
    }
}

TEST(mapper_run__groupings__meet_their_budget)
{
    static const char *const names[] = { "comb", "round-robin", "random" };
    unsigned met = 0;
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct test_run run;
        run_init(&run, seed, GRANULARITY_LAYER);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            for (run.options.budget_evals = 1; run.options.budget_evals < 200;
                 run.options.budget_evals += 61) {
                struct mapper_result result = search(mapper_find(names[i]), &run);
                bool ended = result.evaluations == run.options.budget_evals;
                CHECK(ended ||
                      (result.proved_optimal && result.evaluations < run.options.budget_evals));
                met += ended;
                mapper_result_release(&result);
            }
        run_release(&run);
    }
    CHECK(met > 30);
}

TEST(mapper_run__more_budget__comb_is_never_worse)
{
    struct test_run run;
    run_init(&run, 29, GRANULARITY_LAYER);
    double before = 0;
    for (run.options.budget_evals = 50; run.options.budget_evals < 2000;
         run.options.budget_evals *= 3) {
        struct mapper_result result = search(mapper_find("comb"), &run);
        double value = result.convergence[result.convergence_count - 1].best_value;
        CHECK(before == 0 || value <= before); /* the longer search begins like the shorter one */
        before = value;
        mapper_result_release(&result);
    }
    run_release(&run);
}

/* --- re-ranking ----------------------------------------------------------------------------- */

/* An evaluator with a mind of its own: accelerators of odd number make a mapping slow. */
struct moody {
    const struct evaluator *analytic;
    uint64_t calls, mappings;
};

static uint64_t moody_ps(const struct mapping *mapping)
{
    uint64_t odd = 0;
    for (size_t i = 0; i < mapping->placement_count; i++)
        odd += mapping->placements[i].accelerator % 2;
    return odd * 1000000000;
}

static enum err_code moody_evaluate(void *ctx, const struct mapping *mappings, size_t count,
                                    struct evaluation *out, struct err *err)
{
    struct moody *moody = ctx;
    enum err_code rc = moody->analytic->evaluate(moody->analytic->ctx, mappings, count, out, err);
    for (size_t i = 0; i < count; i++)
        out[i].makespan_ps += moody_ps(&mappings[i]);
    moody->calls++;
    moody->mappings += count;
    return rc;
}

TEST(mapper_run__fitness_by_sim__decides_what_is_best)
{
    static const char *const names[] = { "comb", "round-robin", "random", "heft" };
    for (enum fitness fitness = FITNESS_MIXED; fitness <= FITNESS_SIM; fitness++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            struct test_run run;
            run_init(&run, 13, GRANULARITY_LAYER);
            struct moody moody = { .analytic = run.analytic };
            const struct evaluator sim = { "moody", &moody, moody_evaluate };
            run.options.sim = &sim;
            run.options.fitness = fitness;
            struct mapper_result result = search(mapper_find(names[i]), &run);
            CHECK_INT(moody.mappings, result.sim_evaluations);
            CHECK(moody.mappings <= result.evaluations);
            check_convergence(&run, &result);
            uint64_t expected_ps =
                judge(&run, &result.mapping).makespan_ps + moody_ps(&result.mapping);
            CHECK_INT(expected_ps,
                      result.convergence[result.convergence_count - 1].best_makespan_ps);
            mapper_result_release(&result);

            run.options.fitness = FITNESS_ANALYTIC;
            struct mapper_result blind = search(mapper_find(names[i]), &run);
            CHECK_INT(0, blind.sim_evaluations);
            uint64_t blind_ps = judge(&run, &blind.mapping).makespan_ps + moody_ps(&blind.mapping);
            CHECK(fitness == FITNESS_MIXED || expected_ps <= blind_ps);
            mapper_result_release(&blind);
            run_release(&run);
        }
}

TEST(mapper_run__fitness_mixed__asks_sim_about_a_few)
{
    struct test_run run;
    run_init(&run, 25, GRANULARITY_LAYER);
    run.options.budget_evals = 5000;
    struct moody moody = { .analytic = run.analytic };
    const struct evaluator sim = { "moody", &moody, moody_evaluate };
    run.options.sim = &sim;
    run.options.fitness = FITNESS_MIXED;
    struct mapper_result result = search(mapper_find("comb"), &run);
    CHECK(moody.mappings > 0 && moody.mappings < result.evaluations / 10);
    mapper_result_release(&result);
    run_release(&run);
}

static enum err_code broken_evaluate(void *ctx, const struct mapping *mappings, size_t count,
                                     struct evaluation *out, struct err *err)
{
    (void)ctx, (void)mappings, (void)count, (void)out;
    return err_set(err, ERR_SIM, "the model is out of order");
}

TEST(mapper_run__evaluator_fails__the_error_comes_out)
{
    struct test_run run;
    run_init(&run, 13, GRANULARITY_LAYER);
    const struct evaluator broken = { "broken", NULL, broken_evaluate };
    static const char *const names[] = { "comb", "round-robin", "random", "heft" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct mapper_result result;
        struct err err = ERR_INIT;
        run.options.sim = &broken;
        run.options.fitness = FITNESS_MIXED;
        CHECK_INT(ERR_SIM,
                  mapper_run(mapper_find(names[i]), &run.f.problem, &run.options, &result, &err));
        CHECK_STR("the model is out of order", err.text);
        err = (struct err)ERR_INIT;
        run.options.sim = NULL;
        run.options.analytic = &broken;
        run.options.objective = OBJECTIVE_ENERGY;
        CHECK_INT(ERR_SIM,
                  mapper_run(mapper_find(names[i]), &run.f.problem, &run.options, &result, &err));
        run.options.analytic = run.analytic;
        run.options.objective = OBJECTIVE_LATENCY;
    }
    run_release(&run);
}

/* --- stopping ------------------------------------------------------------------------------- */

struct stopper {
    volatile sig_atomic_t stop;
    unsigned reports;
    uint64_t last_evaluations;
};

static void stop_at_third_report(void *ctx, const struct mapper_progress *progress)
{
    struct stopper *stopper = ctx;
    CHECK(progress->evaluations >= stopper->last_evaluations);
    CHECK(!progress->step_count || progress->step <= progress->step_count);
    stopper->last_evaluations = progress->evaluations;
    if (++stopper->reports == 3)
        stopper->stop = 1;
}

TEST(mapper_run__stopped__hands_back_the_best_so_far)
{
    static const char *const names[] = { "comb", "round-robin", "random" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct test_run run;
        run_init(&run, 29, GRANULARITY_LAYER);
        struct stopper stopper = { 0 };
        run.options.budget_evals = 100000;
        run.options.stop = &stopper.stop;
        run.options.progress = stop_at_third_report;
        run.options.progress_ctx = &stopper;
        struct mapper_result result = search(mapper_find(names[i]), &run);
        CHECK_INT(3, stopper.reports);
        CHECK(result.interrupted && result.evaluations < 100000);
        CHECK_INT(result.convergence[result.convergence_count - 1].best_makespan_ps,
                  judge(&run, &result.mapping).makespan_ps);
        mapper_result_release(&result);
        run_release(&run);
    }
}

TEST(mapper_run__time_limit__ends_the_search)
{
    struct test_run run;
    run_init(&run, 29, GRANULARITY_LAYER);
    run.options.budget_evals = 0;
    run.options.generations = 1000000;
    run.options.time_limit_s = 0.01;
    struct mapper_result result = search(mapper_find("comb"), &run);
    CHECK(!result.interrupted && result.evaluations > 0);
    judge(&run, &result.mapping);
    mapper_result_release(&result);
    run_release(&run);
}
