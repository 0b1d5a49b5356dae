/* Searching for layers to split: cuts, what a mapping becomes under another, the search itself. */
#include "mapper/splits.h"

#include <stdlib.h>
#include <string.h>

#include "core/split.h"
#include "cost/cost_memo.h"
#include "mapper/cut.h"
#include "mapper/dispatched.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* A problem with the layers of a cut split. */
struct cut_problem {
    struct workload refined;
    struct problem problem;
    struct view view;
};

static void cut_problem_init(struct cut_problem *c, const struct fixture *f,
                             const struct cut_space *space, const struct cut_layer *cut,
                             struct cost_memo *memo)
{
    struct arena *arena = arena_new();
    const struct cost_options options = { COST_SHARING_FIXED, memo };
    size_t count;
    const struct workload_split *splits = cut_splits(space, cut, arena, &count);
    CHECK_OK(workload_refine(&c->refined, &f->workload, splits, count, err));
    CHECK_OK(cost_build_problem(&f->soc, &c->refined, &options, &c->problem, err));
    view_init(&c->view, &c->problem);
    arena_free(arena);
}

static void cut_problem_release(struct cut_problem *c)
{
    view_release(&c->view);
    problem_release(&c->problem);
    workload_release(&c->refined);
}

/* A few proposals on from the whole; how many layers are cut. */
static size_t propose(const struct cut_space *space, struct rng *rng, unsigned times,
                      struct cut_layer *cut)
{
    size_t layers = space->whole->layer_count, count = 0;
    double *weight = mem_alloc(layers, sizeof *weight);
    for (size_t i = 0; i < layers; i++) {
        weight[i] = rng_real(rng);
        cut[i] = (struct cut_layer){ ROLE_NONE, 1 };
    }
    while (times-- > 0)
        cut_propose(space, weight, rng, cut);
    for (size_t i = 0; i < layers; i++)
        count += cut[i].parts > 1;
    free(weight);
    return count;
}

static uint32_t whole_of(const struct problem *p, uint32_t layer)
{
    return p->workload->whole ? p->workload->whole_layer[layer] : layer;
}

/* Layers that both cuts split alike, and the first parts of all others, are on their accelerator
 * still. */
static void check_stayed(const struct problem *a, const struct mapping *from,
                         const struct problem *b, const struct mapping *to)
{
    uint16_t *acc = mem_alloc(a->layer_count, sizeof *acc);
    uint32_t *first = mem_alloc(a->layer_count + 1, sizeof *first);
    for (size_t at = 0; at < from->placement_count; at++)
        acc[from->placements[at].layer] = from->placements[at].accelerator;
    for (uint32_t layer = (uint32_t)a->layer_count; layer-- > 0;)
        first[whole_of(a, layer)] = layer;
    for (size_t at = 0; at < to->placement_count; at++) {
        uint32_t layer = to->placements[at].layer, whole = whole_of(b, layer);
        bool is_first = layer == 0 || whole_of(b, layer - 1) != whole;
        if (is_first)
            CHECK_INT(acc[first[whole]], to->placements[at].accelerator);
    }
    free(acc);
    free(first);
}

TEST(cut__random_problems__proposals_build_and_mappings_carry_over)
{
    size_t cut_layers = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        const struct fixture_shape shape = { .layers = 10 + (unsigned)seed % 30,
                                             .networks = 1 + (unsigned)seed % 4,
                                             .accelerators = 1 + (unsigned)seed % 5,
                                             .edge_probability = 0.4,
                                             .finite_memory = seed % 2 };
        struct fixture f;
        struct view whole;
        struct cut_space space;
        struct cut_problem a, b;
        struct mapping mapping, carried;
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        view_init(&whole, &f.problem);
        cut_space_init(&space, &whole);
        struct cut_layer *one = mem_alloc(f.problem.layer_count, sizeof *one);
        struct cut_layer *two = mem_alloc(f.problem.layer_count, sizeof *two);
        struct rng rng = rng_stream(seed, 8, 7);
        cut_layers += propose(&space, &rng, 2, one);
        cut_layers += propose(&space, &rng, 6, two);
        cut_problem_init(&a, &f, &space, one, NULL);
        cut_problem_init(&b, &f, &space, two, NULL);
        fixture_random_mapping(&a.problem, seed, MAPPING_BY_LAYER, &mapping);
        mapping_init(&carried, b.problem.layer_count);
        cut_carry(&a.view, &mapping, &b.view, &carried);
        CHECK_OK(mapping_check(&b.problem, &carried, NULL, GRANULARITY_LAYER, err));
        check_stayed(&a.problem, &mapping, &b.problem, &carried);
        mapping_release(&carried);
        mapping_init(&carried, a.problem.layer_count);
        cut_carry(&a.view, &mapping, &a.view, &carried);
        for (size_t at = 0; at < mapping.placement_count; at++)
            CHECK(memcmp(&mapping.placements[at], &carried.placements[at],
                         sizeof *mapping.placements) == 0);
        mapping_release(&carried);
        mapping_release(&mapping);
        cut_problem_release(&a);
        cut_problem_release(&b);
        free(one);
        free(two);
        cut_space_release(&space);
        view_release(&whole);
        fixture_release(&f);
    }
    CHECK(cut_layers > 400);
}

TEST(cost_memo__split_workloads__costs_are_those_without_it)
{
    struct fixture f;
    struct view whole;
    struct cut_space space;
    fixture_shipped(&f, "comb-small-low", "mixed-light");
    view_init(&whole, &f.problem);
    cut_space_init(&space, &whole);
    struct cost_memo *memo = cost_memo_new(&f.soc, COST_SHARING_FIXED);
    struct cut_layer *cut = mem_alloc(f.problem.layer_count, sizeof *cut);
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct cut_problem plain, remembered;
        struct rng rng = rng_stream(seed, 3, 9);
        test_seed(seed);
        propose(&space, &rng, 4, cut);
        cut_problem_init(&plain, &f, &space, cut, NULL);
        cut_problem_init(&remembered, &f, &space, cut, memo);
        const struct problem *p = &plain.problem, *q = &remembered.problem;
        CHECK_INT(p->class_count, q->class_count);
        for (size_t i = 0; i < p->class_count * p->accelerator_count; i++) {
            CHECK_INT(p->options[i].count, q->options[i].count);
            if (p->options[i].count > 0)
                CHECK(memcmp(p->options[i].items, q->options[i].items,
                             p->options[i].count * sizeof *p->options[i].items) == 0);
        }
        cut_problem_release(&plain);
        cut_problem_release(&remembered);
    }
    cost_memo_free(memo);
    free(cut);
    cut_space_release(&space);
    view_release(&whole);
    fixture_release(&f);
}

/* --- the search ------------------------------------------------------------------------------- */

struct run {
    struct splits_found found;
    struct mapper_result result;
    uint64_t whole_ps, split_ps; /* analytic */
};

static uint64_t analytic_ps(const struct problem *p, const struct mapping *mapping)
{
    struct schedule schedule;
    schedule_init(&schedule, p->layer_count);
    analytic_schedule(p, mapping, GRANULARITY_LAYER, &schedule);
    CHECK_OK(mapping_check(p, mapping, &schedule, GRANULARITY_LAYER, err));
    uint64_t makespan_ps = schedule.makespan_ps;
    schedule_release(&schedule);
    return makespan_ps;
}

static void run_init(struct run *run, const struct problem *whole, uint64_t seed, unsigned jobs,
                     bool contended)
{
    struct evaluator *analytic = analytic_evaluator_new(whole, GRANULARITY_LAYER);
    struct dispatched *dispatched = dispatched_new(whole);
    struct mapper_options options = {
        .seed = seed,
        .jobs = jobs,
        .budget_evals = 600,
        .analytic = analytic,
        .sim = contended ? dispatched_evaluator(dispatched) : NULL,
        .fitness = contended ? FITNESS_MIXED : FITNESS_ANALYTIC,
    };
    struct mapper_result alone;
    CHECK_OK(mapper_run(mapper_find("socweave"), whole, &options, &alone, err));
    run->whole_ps = analytic_ps(whole, &alone.mapping);
    CHECK_OK(splits_search(whole, COST_SHARING_FIXED, &options, &run->found, err));
    dispatched_free(dispatched);
    analytic_evaluator_free(analytic);

    const struct problem *problem = run->found.any ? &run->found.problem : whole;
    analytic = analytic_evaluator_new(problem, GRANULARITY_LAYER);
    dispatched = dispatched_new(problem);
    options.analytic = analytic;
    options.sim = contended ? dispatched_evaluator(dispatched) : NULL;
    CHECK_OK(splits_finish(whole, &options, &run->found, &run->result, err));
    run->split_ps = analytic_ps(problem, &run->result.mapping);
    dispatched_free(dispatched);
    analytic_evaluator_free(analytic);
    mapper_result_release(&alone);
}

static void run_release(struct run *run)
{
    mapper_result_release(&run->result);
    splits_found_release(&run->found);
}

static const char soc_json[] =
    "{\"socweave\": \"soc/1\", \"name\": \"s\", \"accelerators\": [%s],"
    "\"network\": {\"topology\": \"bus\", \"places\": 4, \"link_bytes_per_s\": 1e9},"
    "\"memory\": [{\"name\": \"m\", \"unlimited\": true}],"
    "\"energy\": {\"mac_pj\": 1, \"register_pj_per_byte\": 1, \"scratchpad_pj_per_byte\": 1, "
    "\"hop_pj_per_byte\": 1, \"memory_pj_per_byte\": 1, \"pe_idle_pj_per_cycle\": 0}}";

/* One convolution on so many accelerators, one layer at a time each. */
static void one_layer(struct fixture *f, unsigned accelerators, const char *extents)
{
    struct text accs = { 0 }, soc = { 0 }, graph = { 0 };
    for (unsigned i = 0; i < accelerators; i++)
        text_printf(&accs,
                    "%s{\"name\": \"a%u\", \"place\": %u, \"clock_hz\": 1e9, \"pe_rows\": 8, "
                    "\"pe_cols\": 8, \"dataflow\": \"nvdla-ws\", \"supports\": [\"conv\"], "
                    "\"shared_layers_max\": 1, \"scratchpad_bytes\": 1000000}",
                    i ? ", " : "", i, i);
    text_printf(&soc, soc_json, accs.data);
    text_printf(&graph,
                "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [{\"name\": \"x\", "
                "\"shape\": [1, 8, 16, 16]}], \"layers\": [{\"name\": \"c\", \"op\": \"conv2d\", "
                "\"extents\": {%s}, \"inputs\": [\"x\"]}]}",
                extents);
    const char *graphs[] = { graph.data };
    fixture_from_text(f, soc.data,
                      "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": "
                      "[{\"graph\": \"g0.json\"}]}",
                      graphs, 1);
    text_release(&accs);
    text_release(&soc);
    text_release(&graph);
}

#define POINTWISE "\"n\": 1, \"k\": 8, \"c\": 8, \"p\": 16, \"q\": 16, \"r\": 1, \"s\": 1"

TEST(splits_search__one_layer_on_four_accelerators__takes_a_quarter)
{
    /* 16 rows in 4 parts of 4: nothing is sent, the memory is unlimited, cycles go by rows, but for
     * one at the end: 8·16·16·2 + 1 (M-01) at 1 GHz, and a quarter of it + 1. */
    struct fixture f;
    struct run run;
    one_layer(&f, 4, POINTWISE);
    run_init(&run, &f.problem, 1, 1, true);
    CHECK(run.found.any);
    CHECK_INT(4, run.found.problem.layer_count);
    CHECK_INT(4097000, run.whole_ps);
    CHECK_INT(1025000, run.split_ps);
    run_release(&run);
    fixture_release(&f);
}

TEST(splits_search__one_accelerator__splits_nothing)
{
    struct fixture f;
    struct run run;
    one_layer(&f, 1, POINTWISE);
    run_init(&run, &f.problem, 1, 1, true);
    CHECK(!run.found.any);
    CHECK_INT(run.whole_ps, run.split_ps);
    run_release(&run);
    fixture_release(&f);
}

TEST(splits_search__any_number_of_jobs__same_splits_and_mapping)
{
    struct fixture f;
    struct run one, two;
    fixture_shipped(&f, "comb-large-low", "vision-light");
    run_init(&one, &f.problem, 7, 1, true);
    run_init(&two, &f.problem, 7, 2, true);
    CHECK(one.found.any);
    CHECK_INT(one.found.refined.split_count, two.found.refined.split_count);
    CHECK_INT(one.result.mapping.placement_count, two.result.mapping.placement_count);
    CHECK(memcmp(one.result.mapping.placements, two.result.mapping.placements,
                 one.result.mapping.placement_count * sizeof *one.result.mapping.placements) == 0);
    CHECK_INT(one.result.evaluations, two.result.evaluations);
    run_release(&one);
    run_release(&two);
    fixture_release(&f);
}

TEST(splits_search__random_problems__legal_and_rows_fall)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        const struct fixture_shape shape = { .layers = 8 + (unsigned)seed,
                                             .networks = 2,
                                             .accelerators = 2 + (unsigned)seed % 4,
                                             .edge_probability = 0.4,
                                             .finite_memory = seed % 2,
                                             .periodic = seed % 3 == 0 };
        struct fixture f;
        struct run run;
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        run_init(&run, &f.problem, seed, 1, seed % 4 < 2);
        const struct mapper_result *r = &run.result;
        CHECK(r->convergence_count > 0);
        for (size_t i = 1; i < r->convergence_count; i++) {
            CHECK(r->convergence[i].best_value < r->convergence[i - 1].best_value);
            CHECK(r->convergence[i].evaluations >= r->convergence[i - 1].evaluations);
        }
        run_release(&run);
        fixture_release(&f);
    }
}
