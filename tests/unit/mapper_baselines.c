/* Published mappers that don't share an accelerator: legal, timed as the evaluator does, and each
 * with the behaviour it is known for on problems small enough to add up. */
#include <stdlib.h>
#include <string.h>

#include "mapper/mapper.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/model/sim_problem.h"
#include "tests/test.h"

static const char *const names[] = { "h2h", "magma", "herald", "comb-no-sharing" };
enum { NAME_COUNT = sizeof names / sizeof *names };

static struct fixture_shape shape_of(uint64_t seed)
{
    return (struct fixture_shape){
        .layers = 5 + (unsigned)(seed % 6) * 7,
        .networks = 1 + (unsigned)(seed % 3),
        .accelerators = 1 + (unsigned)(seed % 6),
        .edge_probability = 0.1 + 0.2 * (double)(seed % 4),
        .finite_memory = seed % 2,
        .cut_through = seed / 2 % 2,
        .periodic = seed % 5 == 2,
    };
}

static void run(const struct problem *problem, const char *name,
                const struct mapper_options *wanted, struct mapper_result *found)
{
    struct evaluator *analytic = analytic_evaluator_new(problem, wanted->granularity);
    struct mapper_options options = *wanted;
    options.analytic = analytic;
    CHECK_OK(mapper_run(mapper_find(name), problem, &options, found, err));
    analytic_evaluator_free(analytic);
}

static uint64_t makespan_with(const struct problem *problem, const char *name)
{
    const struct mapper_options options = { .seed = 1, .jobs = 1, .budget_evals = 300 };
    struct mapper_result found;
    run(problem, name, &options, &found);
    uint64_t makespan_ps = analytic_schedule(problem, &found.mapping, GRANULARITY_LAYER, NULL);
    mapper_result_release(&found);
    return makespan_ps;
}

static const struct mapper_progress *last_row(const struct mapper_result *found)
{
    CHECK(found->convergence_count > 0);
    return &found->convergence[found->convergence_count - 1];
}

/* No two layers of an accelerator at a time, and the whole is legal. */
static void check_serial(const struct problem *p, const struct mapping *mapping,
                         enum granularity granularity)
{
    struct schedule schedule;
    schedule_init(&schedule, p->layer_count);
    analytic_schedule(p, mapping, granularity, &schedule);
    CHECK_OK(mapping_check(p, mapping, &schedule, granularity, err));
    CHECK_INT(p->layer_count, mapping_group_count(mapping));
    for (size_t i = 0; i < p->layer_count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct placement *a = &mapping->placements[i], *b = &mapping->placements[j];
            CHECK(a->accelerator != b->accelerator ||
                  schedule.end_ps[b->layer] <= schedule.start_ps[a->layer]);
        }
    schedule_release(&schedule);
}

TEST(mapper_baselines__random_problems__one_layer_at_a_time_as_timed)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct fixture f;
        struct fixture_shape shape = shape_of(seed);
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        for (size_t i = 0; i < NAME_COUNT; i++) {
            struct mapper_options options = {
                .seed = seed,
                .jobs = 1,
                .budget_evals = 250,
                .objective = (enum objective)(seed % OBJECTIVE_PLAIN_COUNT),
                .granularity = (enum granularity)(seed / 3 % 2),
            };
            struct mapper_result found;
            run(&f.problem, names[i], &options, &found);
            check_serial(&f.problem, &found.mapping, options.granularity);
            uint64_t makespan_ps =
                analytic_schedule(&f.problem, &found.mapping, options.granularity, NULL);
            double energy_pj = mapping_energy(&f.problem, &found.mapping, makespan_ps).total_pj;
            CHECK_INT(makespan_ps, last_row(&found)->best_makespan_ps);
            double value = objective_value(options.objective, makespan_ps, energy_pj);
            CHECK_NEAR(value, last_row(&found)->best_value, 1e-9 * value);
            CHECK(found.evaluations <= 251);
            mapper_result_release(&found);
        }
        fixture_release(&f);
    }
}

TEST(mapper_baselines__any_number_of_threads__gives_the_same_mapping)
{
    struct fixture f;
    struct fixture_shape shape = {
        .layers = 41, .networks = 3, .accelerators = 5, .edge_probability = 0.4
    };
    fixture_random(&f, 7, &shape);
    for (size_t i = 0; i < NAME_COUNT; i++) {
        struct mapper_options options = { .seed = 5, .jobs = 1, .budget_evals = 777 };
        struct mapper_result one, three;
        run(&f.problem, names[i], &options, &one);
        options.jobs = 3;
        run(&f.problem, names[i], &options, &three);
        CHECK_INT(one.evaluations, three.evaluations);
        CHECK(memcmp(one.mapping.placements, three.mapping.placements,
                     one.mapping.placement_count * sizeof *one.mapping.placements) == 0);
        mapper_result_release(&one);
        mapper_result_release(&three);
    }
    fixture_release(&f);
}

TEST(mapper_baselines__mixed_fitness__believes_the_timing_model)
{
    struct fixture f;
    struct fixture_shape shape = { .layers = 30,
                                   .networks = 3,
                                   .accelerators = 4,
                                   .edge_probability = 0.5,
                                   .finite_memory = true };
    fixture_random(&f, 3, &shape);
    struct sim_pool *pool;
    CHECK_OK(sim_pool_new(&f.problem, GRANULARITY_LAYER, 1, &pool, err));
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const struct mapper_options options = { .seed = 2,
                                                .jobs = 1,
                                                .budget_evals = 300,
                                                .fitness = FITNESS_MIXED,
                                                .sim = sim_pool_evaluator(pool) };
        struct mapper_result found;
        struct evaluation simulated;
        run(&f.problem, names[i], &options, &found);
        CHECK(found.sim_evaluations > 0);
        CHECK_OK(options.sim->evaluate(options.sim->ctx, &found.mapping, 1, &simulated, err));
        CHECK_INT(simulated.makespan_ps, last_row(&found)->best_makespan_ps);
        mapper_result_release(&found);
    }
    sim_pool_free(pool);
    fixture_release(&f);
}

/* --- by hand --------------------------------------------------------------------------------- */

/* Two accelerators on a bus of 1 byte per ps, local ports unlimited; every layer a network. */
static void open_pair(struct sim_problem *p, size_t layers, unsigned share)
{
    static char accelerator[64];
    snprintf(accelerator, sizeof accelerator,
             "\"scratchpad_bytes\": 1000, \"shared_layers_max\": %u", share);
    const struct sim_soc soc = {
        .network = "\"topology\": \"bus\", \"places\": 2, \"link_bytes_per_s\": 1000000000000",
        .accelerators = 2,
        .places = 2,
        .accelerator = accelerator,
    };
    sim_problem_open(p, &soc, layers);
}

static void close_pair(struct sim_problem *p)
{
    sim_problem_close(p);
    p->problem.network_count = p->problem.layer_count;
}

static void set_times(struct sim_problem *p, uint32_t layer, uint64_t first_ps, uint64_t second_ps)
{
    sim_option(p, layer, 0, 0)->compute_ps = first_ps;
    sim_option(p, layer, 1, 0)->compute_ps = second_ps;
}

TEST(mapper_baselines__dear_transfer__h2h_stays_herald_moves)
{
    struct sim_problem p;
    open_pair(&p, 2, 1);
    set_times(&p, 0, 10, 12);
    set_times(&p, 1, 12, 10);
    sim_edge(&p, 0, 1, 100);
    close_pair(&p);
    /* Together on either one 22; apart, each where it is fastest, 10 + 100 + 10. Herald knows no
     * transfers: both its balance and its dataflows send the second layer away. */
    CHECK_INT(22, makespan_with(&p.problem, "h2h"));
    CHECK_INT(120, makespan_with(&p.problem, "herald"));
    CHECK_INT(22, makespan_with(&p.problem, "magma"));
    CHECK_INT(22, makespan_with(&p.problem, "comb-no-sharing"));
    sim_problem_release(&p);
}

TEST(mapper_baselines__producers_apart__h2h_remaps_to_a_neighbour)
{
    struct sim_problem p;
    open_pair(&p, 3, 1);
    set_times(&p, 0, 10, 14);
    set_times(&p, 1, 30, 16);
    set_times(&p, 2, 5, 5);
    sim_edge(&p, 0, 2, 40);
    sim_edge(&p, 1, 2, 40);
    close_pair(&p);
    /* Step 1 maps the producers together: 0 on the first (10), 1 on the second (16); then layer 2
     * ends at 10 + 40 + 5 = 55 on the second. Step 4 moves layer 0 to its neighbour's accelerator:
     * 14 and 16 in turn, no transfer, 30 + 5. */
    CHECK_INT(35, makespan_with(&p.problem, "h2h"));
    sim_problem_release(&p);
}

TEST(mapper_baselines__one_fast_accelerator__herald_balances)
{
    struct sim_problem p;
    open_pair(&p, 4, 1);
    for (uint32_t layer = 0; layer < 4; layer++)
        set_times(&p, layer, 10, 11);
    close_pair(&p);
    /* Cheapest first would be 40 on the first alone; two each take 22. */
    CHECK_INT(22, makespan_with(&p.problem, "herald"));
    sim_problem_release(&p);
}

TEST(mapper_baselines__idle_accelerator__herald_starts_what_is_ready)
{
    struct sim_problem p;
    open_pair(&p, 3, 1);
    /* 0 runs on the second alone, 1 follows it on the first, 2 can only run on the first: in the
     * order of the list the first would idle for 20, then take 10 + 10. */
    set_times(&p, 0, 50, 20);
    sim_option(&p, 0, 0, 0)->pes = 0;
    set_times(&p, 1, 10, 90);
    sim_option(&p, 1, 1, 0)->pes = 0;
    set_times(&p, 2, 10, 90);
    sim_option(&p, 2, 1, 0)->pes = 0;
    sim_edge(&p, 0, 1, 0);
    close_pair(&p);
    CHECK_INT(30, makespan_with(&p.problem, "herald"));
    sim_problem_release(&p);
}

TEST(mapper_baselines__layers_of_half_the_pes__only_comb_shares)
{
    struct sim_problem p;
    open_pair(&p, 4, 2);
    for (uint32_t layer = 0; layer < 4; layer++)
        for (uint32_t acc = 0; acc < 2; acc++)
            *sim_option(&p, layer, acc, 0) =
                (struct layer_option){ .pes = 8, .tiles = 1, .compute_ps = 10 };
    close_pair(&p);
    CHECK_INT(10, makespan_with(&p.problem, "comb"));
    for (size_t i = 0; i < NAME_COUNT; i++)
        CHECK_INT(20, makespan_with(&p.problem, names[i]));
    sim_problem_release(&p);
}

TEST(mapper_baselines__comb_at_the_bound__stops_and_says_so)
{
    struct sim_problem p;
    open_pair(&p, 2, 1);
    set_times(&p, 0, 10, 10);
    set_times(&p, 1, 10, 10);
    close_pair(&p);
    const struct mapper_options options = { .seed = 1, .jobs = 1 };
    struct mapper_result found;
    run(&p.problem, "comb", &options, &found);
    CHECK(found.proved_optimal);
    CHECK_INT(10, found.proved_bound_ps);
    CHECK(found.evaluations <= 100); /* one generation of thousands */
    mapper_result_release(&found);
    sim_problem_release(&p);
}
