/* Fronts of latency against energy: the archive against plain definitions, the search against every
 * mapping there is. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/rng.h"
#include "ga/front.h"
#include "mapper/archive.h"
#include "mapper/mapper.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* --- archive --------------------------------------------------------------------------------- */

enum { OFFERS = 200, LAYERS = 3 };

static void offer_random(struct archive *archive, uint64_t seed, double *values)
{
    struct rng rng = rng_stream(seed, 1, 1);
    struct activity_list list;
    activity_list_init(&list, LAYERS);
    for (uint32_t i = 0; i < OFFERS; i++) {
        values[2 * i] = 1 + rng_below(&rng, 60);
        values[2 * i + 1] = 1 + rng_below(&rng, 60);
        list.order[0] = i; /* to be found again */
        archive_offer(archive, (uint64_t)values[2 * i], values[2 * i + 1], &list);
    }
    activity_list_release(&list);
}

TEST(archive__with_room__holds_the_front_and_its_lists)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        double values[2 * OFFERS];
        size_t front[OFFERS];
        struct archive archive;
        test_seed(seed);
        archive_init(&archive, OFFERS, LAYERS);
        offer_random(&archive, seed, values);
        size_t count = ga_front(values, OFFERS, 2, front);
        CHECK_INT(count, archive.count);
        for (size_t i = 0; i < count && i < archive.count; i++) {
            CHECK_INT(values[2 * front[i]], archive.entries[i].makespan_ps);
            CHECK_NEAR(values[2 * front[i] + 1], archive.entries[i].energy_pj, 0);
            CHECK_INT(front[i], archive.entries[i].list.order[0]); /* equal points: the first */
        }
        archive_release(&archive);
    }
}

TEST(archive__full__keeps_both_ends_and_what_is_on_the_front_of_its_own)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        double values[2 * OFFERS];
        size_t front[OFFERS];
        struct archive archive;
        test_seed(seed);
        archive_init(&archive, 4, LAYERS);
        offer_random(&archive, seed, values);
        size_t count = ga_front(values, OFFERS, 2, front);
        CHECK(archive.count <= 4);
        CHECK_INT(values[2 * front[0]], archive.entries[0].makespan_ps);
        CHECK_NEAR(values[2 * front[count - 1] + 1], archive.entries[archive.count - 1].energy_pj,
                   0);
        for (size_t i = 1; i < archive.count; i++)
            CHECK(archive.entries[i].makespan_ps > archive.entries[i - 1].makespan_ps &&
                  archive.entries[i].energy_pj < archive.entries[i - 1].energy_pj);
        archive_release(&archive);
    }
}

/* Haste costs energy: without that, the fastest mapping of a few layers is mostly the frugal one.
 */
static void make_haste_costly(struct problem *p)
{
    for (size_t at = 0; at < p->class_count * p->accelerator_count; at++)
        for (uint32_t i = 0; i < p->options[at].count; i++) {
            struct layer_option *option = &p->options[at].items[i];
            option->energy = (struct energy_split){ .mac_pj = 1e15 / (double)option->compute_ps };
            option->energy_pj = option->energy.mac_pj;
        }
}

static void random_problem(struct fixture *f, uint64_t seed, const struct fixture_shape *shape)
{
    fixture_random(f, seed, shape);
    make_haste_costly(&f->problem);
}

/* --- brute force ------------------------------------------------------------------------------ */

struct brute {
    const struct problem *problem;
    struct mapping mapping;
    bool placed[16];
    struct archive front; /* its lists are not used */
    struct activity_list none;
};

static uint64_t count_mappings(const struct problem *p)
{
    uint64_t count = 1;
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        uint64_t ways = 0;
        for (uint32_t acc = 0; acc < p->accelerator_count; acc++)
            ways += problem_option_count(p, layer, acc);
        count *= ways * (layer + 1);
    }
    return count;
}

static bool is_free(const struct brute *b, uint32_t layer)
{
    const struct problem *p = b->problem;
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++)
        if (!b->placed[p->preds[at].layer])
            return false;
    return !b->placed[layer];
}

static void try_all(struct brute *b, uint32_t depth)
{
    const struct problem *p = b->problem;
    if (depth == p->layer_count) {
        uint64_t makespan_ps = analytic_schedule(p, &b->mapping, GRANULARITY_LAYER, NULL);
        double energy_pj = mapping_energy(p, &b->mapping, makespan_ps).total_pj;
        archive_offer(&b->front, makespan_ps, energy_pj, &b->none);
        return;
    }
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        if (!is_free(b, layer))
            continue;
        b->placed[layer] = true;
        for (uint16_t acc = 0; acc < p->accelerator_count; acc++)
            for (uint16_t i = 0; i < problem_option_count(p, layer, acc); i++) {
                b->mapping.placements[depth] = (struct placement){ layer, depth, acc, i };
                try_all(b, depth + 1);
            }
        b->placed[layer] = false;
    }
}

static void brute_force(struct brute *b, const struct problem *problem)
{
    *b = (struct brute){ .problem = problem };
    mapping_init(&b->mapping, problem->layer_count);
    b->mapping.discipline = MAPPING_BY_LAYER;
    activity_list_init(&b->none, problem->layer_count);
    archive_init(&b->front, 4096, problem->layer_count);
    try_all(b, 0);
}

static void brute_release(struct brute *b)
{
    mapping_release(&b->mapping);
    activity_list_release(&b->none);
    archive_release(&b->front);
}

/* --- the search ------------------------------------------------------------------------------- */

static void search_with(const struct problem *problem, struct mapper_options *options,
                        struct mapper_result *found)
{
    struct evaluator *analytic = analytic_evaluator_new(problem, options->granularity);
    options->analytic = analytic;
    CHECK_OK(mapper_run_front(mapper_find("socweave"), problem, options, found, err));
    analytic_evaluator_free(analytic);
}

static void search(const struct problem *problem, uint64_t seed, uint64_t budget_evals,
                   unsigned jobs, struct mapper_result *found)
{
    struct mapper_options options = { .seed = seed, .jobs = jobs, .budget_evals = budget_evals };
    search_with(problem, &options, found);
}

/* In order, none beaten, the knee chosen and its mapping given. */
static void check_front(const struct mapper_result *found)
{
    const struct mapper_point *front = found->front;
    double values[2 * MAPPER_FRONT_MAX];
    CHECK(found->front_count >= 1 && found->front_count <= MAPPER_FRONT_MAX);
    for (size_t i = 0; i < found->front_count; i++) {
        values[2 * i] = (double)front[i].evaluation.makespan_ps;
        values[2 * i + 1] = front[i].evaluation.energy_pj;
        CHECK(i == 0 ||
              (values[2 * i] > values[2 * i - 2] && values[2 * i + 1] < values[2 * i - 1]));
    }
    CHECK_INT(ga_knee(values, found->front_count, 2), found->front_chosen);
    CHECK(memcmp(found->mapping.placements, front[found->front_chosen].mapping.placements,
                 found->mapping.placement_count * sizeof *found->mapping.placements) == 0);
}

/* The evaluations that are told are those of the mappings. */
static void check_evaluations(const struct problem *p, const struct mapper_result *found)
{
    for (size_t i = 0; i < found->front_count; i++) {
        const struct mapping *mapping = &found->front[i].mapping;
        uint64_t makespan_ps = analytic_schedule(p, mapping, GRANULARITY_LAYER, NULL);
        CHECK_INT(makespan_ps, found->front[i].evaluation.makespan_ps);
        CHECK_NEAR(mapping_energy(p, mapping, makespan_ps).total_pj,
                   found->front[i].evaluation.energy_pj, 0);
    }
}

/* How many points of the true front were found; nothing may lie beyond it, and both ends must be
 * there. */
static size_t check_against(const struct archive *all, const struct mapper_result *found)
{
    size_t hits = 0;
    for (size_t i = 0; i < found->front_count; i++) {
        const struct evaluation *e = &found->front[i].evaluation;
        bool reached = false;
        for (size_t k = 0; k < all->count; k++) {
            const double true_point[2] = { (double)all->entries[k].makespan_ps,
                                           all->entries[k].energy_pj * (1 + 1e-12) };
            const double point[2] = { (double)e->makespan_ps, e->energy_pj };
            CHECK(!(point[0] <= true_point[0] && point[1] < true_point[1] * (1 - 1e-9)));
            reached = reached || (point[0] <= true_point[0] && point[1] <= true_point[1]);
        }
        hits += reached;
    }
    const struct archive_entry *first = &all->entries[0], *last = &all->entries[all->count - 1];
    CHECK_INT(first->makespan_ps, found->front[0].evaluation.makespan_ps);
    CHECK_NEAR(last->energy_pj, found->front[found->front_count - 1].evaluation.energy_pj,
               1e-9 * last->energy_pj);
    return hits;
}

TEST(mapper_front__up_to_six_real_layers__is_the_front_of_all_mappings)
{
    size_t compared = 0, points = 0, hits = 0;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        struct fixture f;
        struct fixture_shape shape = {
            .layers = 3 + (unsigned)(seed % 3),
            .networks = 1 + (unsigned)(seed % 2),
            .accelerators = 2 + (unsigned)(seed % 2),
            .edge_probability = 0.2 * (double)(seed % 4),
            .finite_memory = seed % 2,
            .cut_through = seed / 2 % 2,
        };
        test_seed(seed);
        random_problem(&f, seed, &shape);
        if (count_mappings(&f.problem) <= 60000) {
            struct brute all;
            struct mapper_result found;
            brute_force(&all, &f.problem);
            search(&f.problem, seed, 60000, 1, &found);
            check_front(&found);
            check_evaluations(&f.problem, &found);
            hits += check_against(&all.front, &found);
            points += all.front.count < MAPPER_FRONT_MAX ? all.front.count : MAPPER_FRONT_MAX;
            compared++;
            mapper_result_release(&found);
            brute_release(&all);
        }
        fixture_release(&f);
    }
    CHECK(compared >= 30 && points >= 2 * compared);
    CHECK((double)hits >= 0.97 * (double)points);
}

TEST(mapper_front__any_jobs__same_mappings)
{
    struct fixture f;
    struct fixture_shape shape = { .layers = 60,
                                   .networks = 3,
                                   .accelerators = 3,
                                   .edge_probability = 0.3,
                                   .finite_memory = true };
    struct mapper_result one, four;
    random_problem(&f, 5, &shape);
    search(&f.problem, 3, 2000, 1, &one);
    search(&f.problem, 3, 2000, 4, &four);
    check_front(&one);
    check_evaluations(&f.problem, &one);
    CHECK(one.front_count >= 3);
    CHECK_INT(one.front_count, four.front_count);
    CHECK_INT(one.evaluations, four.evaluations);
    for (size_t i = 0; i < one.front_count && i < four.front_count; i++)
        CHECK(memcmp(one.front[i].mapping.placements, four.front[i].mapping.placements,
                     f.problem.layer_count * sizeof(struct placement)) == 0);
    mapper_result_release(&one);
    mapper_result_release(&four);
    fixture_release(&f);
}

TEST(mapper_front__ends__are_no_worse_than_searches_for_one_objective)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct fixture f;
        struct fixture_shape shape = {
            .layers = 40, .networks = 2, .accelerators = 3, .edge_probability = 0.3
        };
        struct mapper_result front, alone;
        test_seed(seed);
        random_problem(&f, seed, &shape);
        search(&f.problem, seed, 3000, 1, &front);
        for (unsigned objective = OBJECTIVE_LATENCY; objective <= OBJECTIVE_ENERGY; objective++) {
            struct evaluator *analytic = analytic_evaluator_new(&f.problem, GRANULARITY_LAYER);
            struct mapper_options options = { .seed = seed,
                                              .jobs = 1,
                                              .budget_evals = 1000, /* a third */
                                              .objective = (enum objective)objective,
                                              .analytic = analytic };
            struct evaluation e;
            CHECK_OK(mapper_run(mapper_find("socweave"), &f.problem, &options, &alone, err));
            CHECK_OK(analytic->evaluate(analytic->ctx, &alone.mapping, 1, &e, err));
            const struct mapper_point *end =
                &front.front[objective == OBJECTIVE_ENERGY ? front.front_count - 1 : 0];
            CHECK(evaluation_value((enum objective)objective, &end->evaluation) <=
                  evaluation_value((enum objective)objective, &e));
            mapper_result_release(&alone);
            analytic_evaluator_free(analytic);
        }
        mapper_result_release(&front);
        fixture_release(&f);
    }
}

TEST(mapper_front__of_the_simulator__is_judged_by_it)
{
    static const enum granularity granularities[] = { GRANULARITY_LAYER, GRANULARITY_TILE };
    struct fixture f;
    struct fixture_shape shape = { .layers = 30,
                                   .networks = 2,
                                   .accelerators = 3,
                                   .edge_probability = 0.3,
                                   .finite_memory = true };
    random_problem(&f, 9, &shape);
    for (size_t g = 0; g < 2; g++) {
        struct sim_pool *pool;
        struct mapper_result found;
        CHECK_OK(sim_pool_new(&f.problem, granularities[g], 1, &pool, err));
        struct mapper_options options = { .seed = 2,
                                          .jobs = 1,
                                          .budget_evals = 600,
                                          .fitness = FITNESS_MIXED,
                                          .granularity = granularities[g],
                                          .sim = sim_pool_evaluator(pool) };
        search_with(&f.problem, &options, &found);
        check_front(&found);
        for (size_t i = 0; i < found.front_count; i++) {
            struct evaluation e;
            CHECK_OK(options.sim->evaluate(options.sim->ctx, &found.front[i].mapping, 1, &e, err));
            CHECK_INT(e.makespan_ps, found.front[i].evaluation.makespan_ps);
            CHECK_NEAR(e.energy_pj, found.front[i].evaluation.energy_pj, 0);
        }
        mapper_result_release(&found);
        sim_pool_free(pool);
    }
    fixture_release(&f);
}

TEST(mapper_front__least_budget_and_stop__still_gives_one)
{
    volatile sig_atomic_t stop = 1;
    struct fixture f;
    struct fixture_shape shape = { .layers = 30, .networks = 2, .accelerators = 2 };
    struct mapper_result found;
    random_problem(&f, 4, &shape);
    search(&f.problem, 1, 1, 1, &found);
    check_front(&found);
    mapper_result_release(&found);
    struct mapper_options options = { .seed = 1, .jobs = 1, .stop = &stop };
    search_with(&f.problem, &options, &found);
    check_front(&found);
    CHECK(found.interrupted);
    mapper_result_release(&found);
    fixture_release(&f);
}
