/* Branch and bound against every mapping there is, and its bounds against the optimum. */
#include <stdlib.h>

#include "core/rng.h"
#include "mapper/mapper.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/model/sim_problem.h"
#include "tests/test.h"

/* --- brute force: all topological orders, accelerators and options --------------------------- */

struct brute {
    const struct problem *problem;
    struct mapping mapping;
    bool placed[16];
    uint64_t best_ps, left;
};

/* Mappings there are at most: orders × choices. */
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
        b->best_ps = makespan_ps < b->best_ps ? makespan_ps : b->best_ps;
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

static uint64_t brute_force_ps(const struct problem *problem)
{
    struct brute b = { .problem = problem, .best_ps = UINT64_MAX };
    mapping_init(&b.mapping, problem->layer_count);
    b.mapping.discipline = MAPPING_BY_LAYER;
    try_all(&b, 0);
    mapping_release(&b.mapping);
    return b.best_ps;
}

/* --- exact ----------------------------------------------------------------------------------- */

struct exact_outcome {
    uint64_t makespan_ps, bound_ps;
    bool optimal;
};

static struct exact_outcome run(const struct problem *problem, const char *mapper, uint64_t budget)
{
    struct evaluator *analytic = analytic_evaluator_new(problem, GRANULARITY_LAYER);
    struct mapper_options options = {
        .seed = 1, .jobs = 1, .analytic = analytic, .budget_evals = budget
    };
    struct mapper_result found;
    CHECK_OK(mapper_run(mapper_find(mapper), problem, &options, &found, err));
    struct exact_outcome outcome = {
        .makespan_ps = analytic_schedule(problem, &found.mapping, GRANULARITY_LAYER, NULL),
        .bound_ps = found.proved_bound_ps,
        .optimal = found.proved_optimal,
    };
    CHECK(found.convergence_count > 0);
    CHECK_INT(outcome.makespan_ps, found.convergence[found.convergence_count - 1].best_makespan_ps);
    mapper_result_release(&found);
    analytic_evaluator_free(analytic);
    return outcome;
}

static void check_against_brute_force(const struct problem *problem)
{
    uint64_t optimum_ps = brute_force_ps(problem);
    struct exact_outcome exact = run(problem, "exact", 0);
    CHECK_INT(optimum_ps, exact.makespan_ps);
    CHECK(exact.optimal);
    CHECK_INT(optimum_ps, exact.bound_ps);
    CHECK(mapper_lower_bound(problem, GRANULARITY_LAYER).makespan_ps <= optimum_ps);
    /* Cut short, it may miss the optimum, but not claim too much. */
    for (uint64_t nodes = 1; nodes <= 64; nodes *= 8) {
        struct exact_outcome cut = run(problem, "exact", nodes);
        CHECK(cut.bound_ps <= optimum_ps && cut.makespan_ps >= optimum_ps);
        CHECK(cut.optimal == (cut.bound_ps == cut.makespan_ps));
    }
    struct exact_outcome comb = run(problem, "comb", 200);
    CHECK(comb.makespan_ps >= optimum_ps && comb.bound_ps <= optimum_ps);
    CHECK(!comb.optimal || comb.makespan_ps == optimum_ps);
}

TEST(exact__up_to_six_layers_with_costs_by_hand__equals_brute_force)
{
    unsigned compared = 0;
    for (uint64_t seed = 1; compared < 200; seed++) {
        struct sim_problem p;
        CHECK(seed < 20000);
        test_seed(seed);
        sim_problem_random(&p, seed, 6);
        if (count_mappings(&p.problem) <= 200000) {
            check_against_brute_force(&p.problem);
            compared++;
        }
        sim_problem_release(&p);
    }
}

TEST(exact__up_to_six_real_layers__equals_brute_force)
{
    unsigned compared = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct fixture f;
        struct fixture_shape shape = {
            .layers = 3 + (unsigned)(seed % 4),
            .networks = 1 + (unsigned)(seed % 2),
            .accelerators = 1 + (unsigned)(seed % 3),
            .edge_probability = 0.2 * (double)(seed % 4),
            .finite_memory = seed % 2,
            .cut_through = seed / 2 % 2,
            .periodic = seed > 150,
        };
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        if (count_mappings(&f.problem) <= 200000) {
            check_against_brute_force(&f.problem);
            compared++;
        }
        fixture_release(&f);
    }
    CHECK(compared >= 30);
}

/* --- what can be exchanged ------------------------------------------------------------------- */

/* A product of `rows` rows: [rows][k] from the layers named, or from x. */
static int add_product(char *out, size_t size, const char *name, const char *from, unsigned rows,
                       unsigned n, unsigned k)
{
    return snprintf(out, size,
                    "%s{\"name\": \"%s\", \"inputs\": [[%s]], \"op\": \"gemm\", "
                    "\"extents\": {\"m\": %u, \"n\": %u, \"k\": %u}}",
                    name[0] == 'a' ? "" : ", ", name, from, rows, n, k);
}

/* A chain of two, two equal layers side by side, or these and one that needs both. */
static void write_graph(char *out, size_t size, struct rng *rng, const char *name, unsigned form)
{
    unsigned rows = 1 + rng_below(rng, 64), n = 8 + rng_below(rng, 40);
    char *end = out + size;
    out += snprintf(out, size,
                    "{\"socweave\": \"dnn/1\", \"name\": \"%s\", \"inputs\": [{\"name\": \"x\", "
                    "\"shape\": [%u, 24]}], \"layers\": [",
                    name, rows);
    out += add_product(out, (size_t)(end - out), "a", "\"x\"", rows, n, 24);
    if (form == 0)
        out += add_product(out, (size_t)(end - out), "b", "\"a\"", rows, 16, n);
    else
        out += add_product(out, (size_t)(end - out), "b", "\"x\"", rows, n, 24);
    if (form == 2)
        out += add_product(out, (size_t)(end - out), "c", "\"a\", \"b\"", rows, 8, 2 * n);
    snprintf(out, (size_t)(end - out), "]}");
}

/* Two equal accelerators; networks of two or three layers, the first of them in copies. */
static void exchangeable_problem(struct fixture *f, uint64_t seed)
{
    static const char soc[] =
        "{\"socweave\": \"soc/1\", \"name\": \"twins\", \"network\": {\"topology\": \"bus\", "
        "\"switching\": \"cut-through\", \"places\": 3, \"link_bytes_per_s\": %u000000}, "
        "\"accelerators\": [%s, %s], \"memory\": [{\"name\": \"m\", \"unlimited\": true}], "
        "\"energy\": {\"mac_pj\": 1, \"register_pj_per_byte\": 1, \"scratchpad_pj_per_byte\": 1, "
        "\"hop_pj_per_byte\": 1, \"memory_pj_per_byte\": 1, \"pe_idle_pj_per_cycle\": 0}}";
    static const char acc[] =
        "{\"name\": \"a%d\", \"place\": %d, \"clock_hz\": 1e9, \"pe_rows\": 8, \"pe_cols\": 32, "
        "\"dataflow\": \"systolic-ws\", \"supports\": [\"gemm\"], \"shared_layers_max\": %u, "
        "\"scratchpad_bytes\": 1000000}";
    struct rng rng = rng_stream(seed, 0x7771, 0);
    char accs[2][400], soc_text[2000], workload[400], graphs[2][1000];
    unsigned share = 1 + rng_below(&rng, 3), form = (unsigned)(seed % 3);
    for (int i = 0; i < 2; i++)
        snprintf(accs[i], sizeof accs[i], acc, i, i, share);
    snprintf(soc_text, sizeof soc_text, soc, 100 + rng_below(&rng, 4000), accs[0], accs[1]);
    write_graph(graphs[0], sizeof graphs[0], &rng, "net0", form);
    write_graph(graphs[1], sizeof graphs[1], &rng, "net1", rng_below(&rng, 2));
    snprintf(workload, sizeof workload,
             "{\"socweave\": \"workload/1\", \"name\": \"copies\", \"networks\": [{\"graph\": "
             "\"g0.json\", \"copies\": 2}%s]}",
             form == 2 ? "" : ", {\"graph\": \"g1.json\"}");
    fixture_from_text(f, soc_text, workload, (const char *[]){ graphs[0], graphs[1] }, 2);
}

TEST(exact__copies_and_equal_layers_on_twins__equals_brute_force)
{
    unsigned compared = 0;
    for (uint64_t seed = 1; seed <= 90; seed++) {
        struct fixture f;
        test_seed(seed);
        exchangeable_problem(&f, seed);
        CHECK_INT(6, f.problem.layer_count);
        struct problem p;
        const struct cost_options cost = { .sharing = COST_SHARING_FIXED };
        CHECK_OK(cost_build_problem(&f.soc, &f.workload, &cost, &p, err));
        if (count_mappings(&p) <= 200000) {
            check_against_brute_force(&p);
            compared++;
        }
        problem_release(&p);
        fixture_release(&f);
    }
    CHECK(compared == 90);
}

/* --- the default mapper ---------------------------------------------------------------------- */

/* The default mapper against the optimum, which is always found and proved; fixed, elastic and
 * tiled allotments by turns. */
TEST(socweave__up_to_nine_layers__is_as_short_as_exact)
{
    for (uint64_t seed = 1; seed <= 240; seed++) {
        const struct fixture_shape shape = {
            .layers = seed % 2 ? 9 : 3 + (unsigned)(seed / 2 % 6),
            .networks = 1 + (unsigned)(seed / 2 % 3),
            .accelerators = 1 + (unsigned)(seed / 3 % 4),
            .edge_probability = 0.15 * (double)(seed % 5),
            .finite_memory = seed / 7 % 2,
            .cut_through = seed / 5 % 2,
            .periodic = seed % 11 == 0,
        };
        const struct cost_options cost = { .sharing = (enum cost_sharing)(seed % 3) };
        struct fixture f;
        struct problem p;
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        CHECK_OK(cost_build_problem(&f.soc, &f.workload, &cost, &p, err));
        struct exact_outcome exact = run(&p, "exact", 0), found = run(&p, "socweave", 100000);
        CHECK(exact.optimal);
        CHECK_INT(exact.makespan_ps, found.makespan_ps);
        CHECK(found.bound_ps <= exact.makespan_ps);
        problem_release(&p);
        fixture_release(&f);
    }
}

TEST(exact__energy_or_tiles_or_too_many_layers__is_refused)
{
    struct fixture f;
    struct fixture_shape shape = { .layers = 65, .networks = 1, .accelerators = 2 };
    struct mapper_result found;
    fixture_random(&f, 1, &shape);
    struct evaluator *analytic = analytic_evaluator_new(&f.problem, GRANULARITY_LAYER);
    struct mapper_options options = { .jobs = 1, .analytic = analytic };
    const struct mapper *exact = mapper_find("exact");
    CHECK_INT(ERR_LIMIT, mapper_run(exact, &f.problem, &options, &found, NULL));
    options.objective = OBJECTIVE_ENERGY;
    CHECK_INT(ERR_USAGE, mapper_run(exact, &f.problem, &options, &found, NULL));
    options.objective = OBJECTIVE_LATENCY;
    options.granularity = GRANULARITY_TILE;
    CHECK_INT(ERR_USAGE, mapper_run(exact, &f.problem, &options, &found, NULL));
    analytic_evaluator_free(analytic);
    fixture_release(&f);
}

/* --- Graham's anomalies ---------------------------------------------------------------------- */

/*
 * R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17(2), 1969: nine
 * tasks of 3 2 2 2 4 4 4 4 9, task 1 before 9, task 4 before 5 to 8, list 1 to 9. Three machines
 * need 12; a fourth machine 15, every task one shorter 13, without 4 -> 5 and 4 -> 6 16.
 */
struct graham {
    unsigned machines;
    uint64_t shorter_ps;
    uint32_t first_after_4; /* 5: all edges, 7: without two */
};

static void graham_problem(struct sim_problem *p, const struct graham *g)
{
    static const uint64_t durations_ps[9] = { 3, 2, 2, 2, 4, 4, 4, 4, 9 };
    struct sim_soc soc = {
        .network = "\"topology\": \"bus\", \"places\": 4, \"link_bytes_per_s\": 1000000000000",
        .accelerators = g->machines,
        .places = g->machines,
        .accelerator = "\"scratchpad_bytes\": 1000, \"shared_layers_max\": 1",
    };
    sim_problem_open(p, &soc, 9);
    for (uint32_t task = 0; task < 9; task++)
        sim_layer(p, task, durations_ps[task] - g->shorter_ps, 1);
    sim_edge(p, 0, 8, 0);
    for (uint32_t task = g->first_after_4; task <= 8; task++)
        sim_edge(p, 3, task - 1, 0);
    sim_problem_close(p);
}

/* Whenever a machine is free it starts the first task of the list that is ready. */
static uint64_t list_schedule_ps(const struct problem *p)
{
    uint64_t free_ps[8] = { 0 }, end_ps[16];
    bool started[16] = { false };
    struct mapping mapping;
    mapping_init(&mapping, p->layer_count);
    mapping.discipline = MAPPING_BY_LAYER;
    uint32_t count = 0;
    for (uint64_t now_ps = 0; count < p->layer_count; now_ps++)
        for (uint16_t machine = 0; machine < p->accelerator_count; machine++)
            for (uint32_t task = 0; task < p->layer_count && free_ps[machine] <= now_ps; task++) {
                bool ready = !started[task];
                for (uint32_t at = p->pred_begin[task]; at < p->pred_begin[task + 1]; at++)
                    ready = ready && started[p->preds[at].layer] &&
                            end_ps[p->preds[at].layer] <= now_ps;
                if (!ready)
                    continue;
                started[task] = true;
                mapping.placements[count] = (struct placement){ task, count, machine, 0 };
                count++;
                end_ps[task] = free_ps[machine] =
                    now_ps + problem_option(p, task, machine, 0)->compute_ps;
            }
    uint64_t makespan_ps = analytic_schedule(p, &mapping, GRANULARITY_LAYER, NULL);
    mapping_release(&mapping);
    return makespan_ps;
}

TEST(exact__grahams_anomalies__are_the_lists_not_the_optimums)
{
    static const struct {
        struct graham graham;
        uint64_t list_ps, optimum_ps;
    } cases[] = {
        { { 3, 0, 5 }, 12, 12 }, /* 1 and 9 one after the other take 12 */
        { { 4, 0, 5 }, 15, 12 }, /* a machine more: again 1, then 9 */
        { { 3, 1, 5 }, 13, 10 }, /* shorter: 2 + 8 */
        { { 3, 0, 7 }, 16, 12 }, /* fewer edges */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sim_problem p;
        graham_problem(&p, &cases[i].graham);
        CHECK_INT(cases[i].list_ps, list_schedule_ps(&p.problem));
        struct exact_outcome exact = run(&p.problem, "exact", 0);
        CHECK_INT(cases[i].optimum_ps, exact.makespan_ps);
        CHECK(exact.optimal);
        sim_problem_release(&p);
    }
}
