/* Lower bounds (docs/model.md M-50 to M-56): tight where they should be, never above a mapping. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "core/rng.h"
#include "core/text.h"
#include "mapper/mapper.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/model/sim_problem.h"
#include "tests/model/twin.h"
#include "tests/test.h"

/* --- tight by hand --------------------------------------------------------------------------- */

/* 16 PEs and 1000 bytes each; a bus of 1 byte per ps. */
static void open_shared(struct sim_problem *p, unsigned accelerators, size_t layers,
                        const char *accelerator)
{
    const struct sim_soc soc = {
        .network = "\"topology\": \"bus\", \"places\": 2, \"link_bytes_per_s\": 1000000000000",
        .memory = "{\"name\": \"m\", \"place\": 0, \"bytes_per_s\": 1000000000000, "
                  "\"latency_ns\": 0}",
        .accelerators = accelerators,
        .places = 2,
        .accelerator = accelerator,
    };
    sim_problem_open(p, &soc, layers);
}

static void open_hand(struct sim_problem *p, unsigned accelerators, size_t layers)
{
    open_shared(p, accelerators, layers, "\"scratchpad_bytes\": 1000, \"shared_layers_max\": 4");
}

static void open_pairs(struct sim_problem *p, unsigned accelerators, size_t layers)
{
    open_shared(p, accelerators, layers, "\"scratchpad_bytes\": 1000, \"shared_layers_max\": 2");
}

static void set_layer(struct sim_problem *p, uint32_t layer, uint32_t pes, uint64_t compute_ps)
{
    for (uint32_t acc = 0; acc < p->problem.accelerator_count; acc++) {
        sim_option(p, layer, acc, 0)->pes = pes;
        sim_option(p, layer, acc, 0)->compute_ps = compute_ps;
    }
}

static void check_bound(const struct problem *problem, enum granularity granularity,
                        uint64_t expected_ps, const char *name)
{
    struct lower_bound bound = mapper_lower_bound(problem, granularity);
    CHECK_INT(expected_ps, bound.makespan_ps);
    CHECK_STR(name, bound.name);
}

TEST(bounds__two_layers_that_want_different_places__path_with_its_transfer)
{
    /* 10 on a0 or 50 on a1, then 40 or 10; 20 bytes between: 10 + 20 + 10 beats 10 + 40. */
    struct sim_problem p;
    open_hand(&p, 2, 2);
    static const uint64_t times_ps[2][2] = { { 10, 50 }, { 40, 10 } };
    for (uint32_t layer = 0; layer < 2; layer++)
        for (uint32_t acc = 0; acc < 2; acc++) {
            sim_option(&p, layer, acc, 0)->compute_ps = times_ps[layer][acc];
            sim_option(&p, layer, acc, 0)->tiles = 2;
        }
    sim_edge(&p, 0, 1, 20);
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 40, "critical path");
    /* In two tiles the first packet is there at 20, the second at 30; its step takes 5. */
    check_bound(&p.problem, GRANULARITY_TILE, 35, "critical path");
    struct mapping mapping;
    sim_mapping(&mapping, MAPPING_BY_LAYER, 2, (const uint16_t[]){ 0, 1 }, NULL);
    CHECK_INT(40, analytic_schedule(&p.problem, &mapping, GRANULARITY_LAYER, NULL));
    CHECK_INT(35, analytic_schedule(&p.problem, &mapping, GRANULARITY_TILE, NULL));
    mapping_release(&mapping);
    sim_problem_release(&p);
}

TEST(bounds__result_that_nobody_reads__is_written_back)
{
    struct sim_problem p;
    open_hand(&p, 1, 1);
    set_layer(&p, 0, 1, 10);
    sim_option(&p, 0, 0, 0)->memory_write_bytes = 7;
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 17, "critical path");
    check_bound(&p.problem, GRANULARITY_TILE, 17, "critical path");
    sim_problem_release(&p);
}

TEST(bounds__slow_weights__count_as_the_layers_time)
{
    struct sim_problem p;
    open_hand(&p, 1, 1);
    set_layer(&p, 0, 1, 10);
    sim_option(&p, 0, 0, 0)->memory_read_bytes = 25;
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 25, "critical path");
    sim_problem_release(&p);
}

TEST(bounds__many_narrow_layers__fill_the_area)
{
    /* 8 layers × 4 PEs × 10 ps on 16 PEs. */
    struct sim_problem p;
    open_hand(&p, 1, 8);
    for (uint32_t layer = 0; layer < 8; layer++)
        set_layer(&p, layer, 4, 10);
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 20, "PE area");
    check_bound(&p.problem, GRANULARITY_TILE, 20, "PE area");
    sim_problem_release(&p);
}

TEST(bounds__tiny_layers__fill_the_slots)
{
    struct sim_problem p;
    open_hand(&p, 1, 9); /* 4 at a time: 9 × 10 / 4, rounded up */
    for (uint32_t layer = 0; layer < 9; layer++)
        set_layer(&p, layer, 1, 10);
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 23, "share slots");
    sim_problem_release(&p);
}

TEST(bounds__big_tensors__fill_the_scratchpad)
{
    struct sim_problem p;
    open_hand(&p, 1, 4);
    for (uint32_t layer = 0; layer < 4; layer++) {
        set_layer(&p, layer, 1, 10);
        sim_option(&p, layer, 0, 0)->scratchpad_bytes = 500;
    }
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 20, "scratchpad");
    sim_problem_release(&p);
}

TEST(bounds__layers_of_more_than_half_the_pes__one_after_another)
{
    struct sim_problem p;
    open_hand(&p, 1, 4);
    for (uint32_t layer = 0; layer < 4; layer++)
        set_layer(&p, layer, 9, 10); /* area: 4 × 9 × 10 / 16 = 22.5 */
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 40, "wide layers");
    sim_problem_release(&p);
}

TEST(bounds__two_at_a_time_and_some_alone__side_by_side)
{
    /* Two layers of all PEs, then four of 4 PEs in pairs: 2 × 10 + 4 × 10 / 2. The area is 30, so
     * are six layers on two slots. */
    struct sim_problem p;
    open_pairs(&p, 1, 6);
    for (uint32_t layer = 0; layer < 6; layer++)
        set_layer(&p, layer, layer < 2 ? 16 : 4, 10);
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 40, "layers side by side");
    sim_problem_release(&p);
}

TEST(bounds__narrow_ones_fit_beside_wide_ones__only_the_rest_pays)
{
    /* At threshold 16 × 9 / 32 = 4.5 the two layers of 12 PEs count as alone, the two of 4 lie
     * beside them, and of those of 6 two fit at a time: 2 × 10 + 2 × 10 / 2. */
    struct sim_problem p;
    open_pairs(&p, 1, 6);
    static const uint32_t pes[6] = { 12, 12, 4, 4, 6, 6 };
    for (uint32_t layer = 0; layer < 6; layer++)
        set_layer(&p, layer, pes[layer], 10);
    sim_problem_close(&p);
    struct lower_bound bound = mapper_lower_bound(&p.problem, GRANULARITY_LAYER);
    CHECK_INT(30, bound.makespan_ps);
    sim_problem_release(&p);
}

TEST(bounds__a_waist__between_its_head_and_tail)
{
    /* 5, then three of 10 that fill the array, then 7. */
    struct sim_problem p;
    open_hand(&p, 1, 5);
    set_layer(&p, 0, 1, 5);
    for (uint32_t layer = 1; layer < 4; layer++) {
        set_layer(&p, layer, 16, 10);
        sim_edge(&p, 0, layer, 0);
        sim_edge(&p, layer, 4, 0);
    }
    set_layer(&p, 4, 1, 7);
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 42, "PE area between head and tail");
    sim_problem_release(&p);
}

TEST(bounds__layers_bound_to_one_of_two__its_load_alone_decides)
{
    /* Four layers of all PEs only a0 runs, none for a1: 40, not 20. */
    struct sim_problem p;
    open_hand(&p, 2, 4);
    for (uint32_t layer = 0; layer < 4; layer++) {
        set_layer(&p, layer, 16, 10);
        sim_option(&p, layer, 1, 0)->pes = 0;
    }
    sim_problem_close(&p);
    check_bound(&p.problem, GRANULARITY_LAYER, 40, "PE area");
    sim_problem_release(&p);
}

TEST(bounds__fast_and_slow_accelerator__prices_find_the_balance)
{
    /* Three layers of 10 ns on a0 or 20 ns on a1: two and one, 20 ns. At equal prices all would go
     * to a0 and fill half: 15 ns. */
    struct sim_problem p;
    open_hand(&p, 2, 3);
    for (uint32_t layer = 0; layer < 3; layer++) {
        set_layer(&p, layer, 16, 10000);
        sim_option(&p, layer, 1, 0)->compute_ps = 20000;
    }
    sim_problem_close(&p);
    struct lower_bound bound = mapper_lower_bound(&p.problem, GRANULARITY_LAYER);
    CHECK(bound.makespan_ps <= 20000);
    CHECK(bound.makespan_ps >= 19800);
    CHECK_STR("priced load", bound.name);
    sim_problem_release(&p);
}

TEST(bounds__slow_help_lengthens_the_path__loads_and_routes)
{
    /* Two chains of four layers that fill an array, 1,000 each on a0, 8,000 on a1 to a4. Loads
     * alone balance at 8,000 / (1 + 4 / 8) = 5,333. But with a share x of both chains on slow ones
     * the paths take 4,000 + 28,000 x, a0 8,000 (1 - x): x = 1 / 9, 7,111. */
    struct sim_problem p;
    open_pairs(&p, 5, 8);
    for (uint32_t layer = 0; layer < 8; layer++) {
        set_layer(&p, layer, 16, 8000);
        sim_option(&p, layer, 0, 0)->compute_ps = 1000;
        if (layer % 4 > 0)
            sim_edge(&p, layer - 1, layer, 0);
    }
    sim_problem_close(&p);
    p.problem.network_count = 2;
    for (uint32_t layer = 4; layer < 8; layer++)
        p.problem.network_of[layer] = 1;
    struct lower_bound bound = mapper_lower_bound(&p.problem, GRANULARITY_LAYER);
    CHECK(bound.makespan_ps <= 7112);
    CHECK(bound.makespan_ps >= 7040);
    CHECK_STR("loads and routes", bound.name);
    sim_problem_release(&p);
}

/* One layer of 10 ps, two of 40 that need it, and one of 10 that needs both; 50 bytes on each edge,
 * 50 ps between accelerators and none on one. The first and the last fill an array. */
static void open_diamond(struct sim_problem *p, uint32_t inner_pes)
{
    open_hand(p, 2, 4);
    static const uint64_t times_ps[4] = { 10, 40, 40, 10 };
    for (uint32_t layer = 0; layer < 4; layer++)
        set_layer(p, layer, layer % 3 ? inner_pes : 16, times_ps[layer]);
    sim_edge(p, 0, 1, 50);
    sim_edge(p, 0, 2, 50);
    sim_edge(p, 1, 3, 50);
    sim_edge(p, 2, 3, 50);
    sim_problem_close(p);
}

TEST(bounds__two_producers_of_one_layer__follow_each_other_or_pay_the_way)
{
    /* Together: 10 + 40 + 40 + 10. Apart, the last with one of them: 10 + 50 + 40 + 10. Each path
     * alone takes 60. */
    struct sim_problem p;
    open_diamond(&p, 16);
    check_bound(&p.problem, GRANULARITY_LAYER, 100, "blocks");
    struct mapping mapping;
    sim_mapping(&mapping, MAPPING_BY_LAYER, 4, (const uint16_t[]){ 0, 0, 0, 0 }, NULL);
    CHECK_INT(100, analytic_schedule(&p.problem, &mapping, GRANULARITY_LAYER, NULL));
    mapping_release(&mapping);
    sim_problem_release(&p);
}

TEST(bounds__narrow_producers_of_one_layer__share_the_array)
{
    /* Half of the array each: 10 + 40 + 10. */
    struct sim_problem p;
    open_diamond(&p, 8);
    check_bound(&p.problem, GRANULARITY_LAYER, 60, "critical path");
    sim_problem_release(&p);
}

TEST(bounds__a_chain_of_blocks__moves_at_a_price)
{
    /* Two networks of four diamonds, each 1,000 + 2 × 4,000 + 1,000 on a0, four times that on a1 to
     * a3; 1,000 bytes on each edge. Best value for leaving a0: both producers to two slow ones,
     * which saves 8,000 there and makes the path 1,000 + 18,000 + 1,000, longer by 10,000. With s
     * saved in all a0 takes 80,000 - s, a path 40,000 + 1.25 s / 2: s = 24,615, 55,385. Loads
     * alone: 45,714. */
    struct sim_problem p;
    open_shared(&p, 4, 32, "\"scratchpad_bytes\": 10000, \"shared_layers_max\": 4");
    for (uint32_t layer = 0; layer < 32; layer++) {
        uint64_t compute_ps = layer % 4 == 0 || layer % 4 == 3 ? 1000 : 4000;
        set_layer(&p, layer, 16, 4 * compute_ps);
        sim_option(&p, layer, 0, 0)->compute_ps = compute_ps;
        uint32_t first = layer / 4 * 4;
        if (layer == first && layer % 16 > 0)
            sim_edge(&p, layer - 1, layer, 1000);
        if (layer == first + 1 || layer == first + 2)
            sim_edge(&p, first, layer, 1000);
        if (layer == first + 3) {
            sim_edge(&p, first + 1, layer, 1000);
            sim_edge(&p, first + 2, layer, 1000);
        }
    }
    sim_problem_close(&p);
    p.problem.network_count = 2;
    for (uint32_t layer = 16; layer < 32; layer++)
        p.problem.network_of[layer] = 1;
    struct lower_bound bound = mapper_lower_bound(&p.problem, GRANULARITY_LAYER);
    CHECK_STR("loads and blocks", bound.name);
    CHECK(bound.makespan_ps <= 55385);
    CHECK(bound.makespan_ps >= 54800);
    sim_problem_release(&p);
}

TEST(bounds__too_many_accelerators_for_transfers__path_without_them)
{
    /* 401 products in a chain and 1,024 accelerators: 400 × 1,024² ways to cross an edge. */
    enum { LAYERS = 401, ACCELERATORS = 1024 };
    struct text soc = { 0 }, graph = { 0 };
    text_add(&soc, "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {\"topology\": "
                   "\"bus\", \"places\": 2, \"link_bytes_per_s\": 1e9}, \"accelerators\": "
                   "[{\"name\": \"a\", \"count\": 1024, \"places\": [0");
    for (int i = 1; i < ACCELERATORS; i++)
        text_printf(&soc, ", %d", i % 2);
    text_add(&soc,
             "], \"clock_hz\": 1e9, \"pe_rows\": 8, \"pe_cols\": 8, \"dataflow\": "
             "\"systolic-ws\", \"supports\": [\"gemm\"], \"scratchpad_bytes\": 65536}], "
             "\"memory\": [{\"name\": \"dram\", \"unlimited\": true}], \"energy\": {\"mac_pj\": 1, "
             "\"register_pj_per_byte\": 1, \"scratchpad_pj_per_byte\": 1, \"hop_pj_per_byte\": 1, "
             "\"memory_pj_per_byte\": 1, \"pe_idle_pj_per_cycle\": 1}}");
    text_add(&graph, "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [{\"name\": \"l0\", "
                     "\"shape\": [16, 16]}], \"layers\": [");
    for (int i = 1; i <= LAYERS; i++)
        text_printf(&graph,
                    "%s{\"name\": \"l%d\", \"op\": \"gemm\", \"extents\": {\"m\": 16, \"n\": 16, "
                    "\"k\": 16}, \"inputs\": [\"l%d\"]}",
                    i > 1 ? ", " : "", i, i - 1);
    text_add(&graph, "]}");
    const char *graphs[] = { graph.data };
    struct fixture f;
    fixture_from_text(&f, soc.data,
                      "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [{\"graph\": "
                      "\"g0.json\"}]}",
                      graphs, 1);
    uint64_t layer_ps = UINT64_MAX;
    for (uint32_t i = 0; i < problem_option_count(&f.problem, 0, 0); i++)
        layer_ps = min_u64(layer_ps, problem_option(&f.problem, 0, 0, i)->compute_ps);
    check_bound(&f.problem, GRANULARITY_LAYER, LAYERS * layer_ps, "critical path");
    fixture_release(&f);
    text_release(&soc);
    text_release(&graph);
}

/* --- never above a mapping ------------------------------------------------------------------- */

static void check_below(uint64_t bound_ps, uint64_t makespan_ps, uint64_t seed, const char *what)
{
    if (bound_ps > makespan_ps)
        test_fail(__FILE__, __LINE__, "seed %" PRIu64 ", %s: bound %" PRIu64 " > %" PRIu64, seed,
                  what, bound_ps, makespan_ps);
}

TEST(bounds__random_mappings__none_is_faster)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct sim_problem p;
        sim_problem_random(&p, seed, 3 + (uint32_t)seed % 25);
        struct twin *twin = twin_new(&p.problem);
        for (enum granularity granularity = 0; granularity < 2; granularity++) {
            uint64_t bound_ps = mapper_lower_bound(&p.problem, granularity).makespan_ps;
            uint64_t contended_ps = mapper_contended_bound(&p.problem, granularity).makespan_ps;
            CHECK(contended_ps >= bound_ps);
            for (uint64_t i = 0; i < 8; i++) {
                struct mapping mapping;
                sim_mapping_random(&mapping, &p.problem, i, i % 2);
                check_below(bound_ps, analytic_schedule(&p.problem, &mapping, granularity, NULL),
                            seed, "analytic");
                check_below(contended_ps, twin_run(twin, &mapping, granularity), seed, "contended");
                mapping_release(&mapping);
            }
        }
        twin_free(twin);
        sim_problem_release(&p);
    }
}

static void check_all_mappers(const struct problem *problem, uint64_t seed)
{
    for (enum granularity granularity = 0; granularity < 2; granularity++) {
        uint64_t bound_ps = mapper_lower_bound(problem, granularity).makespan_ps;
        struct evaluator *analytic = analytic_evaluator_new(problem, granularity);
        const struct mapper_options options = {
            .seed = seed,
            .population = 20,
            .budget_evals = 200,
            .jobs = 1,
            .granularity = granularity,
            .analytic = analytic,
        };
        for (size_t i = 0; i < mapper_count; i++) {
            struct mapper_result result;
            if (!mapper_takes(&mapper_table[i], problem, &options))
                continue;
            CHECK_OK(mapper_run(&mapper_table[i], problem, &options, &result, err));
            check_below(bound_ps, analytic_schedule(problem, &result.mapping, granularity, NULL),
                        seed, mapper_table[i].name);
            mapper_result_release(&result);
        }
        analytic_evaluator_free(analytic);
    }
}

TEST(bounds__every_mapper__stays_above)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        const struct fixture_shape shape = {
            .layers = 4 + (unsigned)seed % 40,
            .networks = 1 + (unsigned)seed % 4,
            .accelerators = 1 + (unsigned)seed % 6,
            .edge_probability = 0.1 * (double)(seed % 8),
            .finite_memory = seed % 2,
            .cut_through = seed % 3 == 0,
            .periodic = seed % 5 == 2,
        };
        struct fixture f;
        fixture_random(&f, seed, &shape);
        check_all_mappers(&f.problem, seed);
        fixture_release(&f);
    }
}

TEST(bounds__comb_cases__within_the_gap_of_heft)
{
    /* Measured gap of heft, latency, elastic allotments (docs/model.md M-50): a looser bound would
     * show here. Rounded up. */
    static const struct {
        const char *soc, *workload;
        double gap;
    } cases[] = {
        { "comb-small-low", "mixed-light", 1.06 },
        { "comb-large-high", "mixed-mid", 1.06 },
        { "comb-large-low", "vision-light", 1.06 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        fixture_shipped(&f, cases[i].soc, cases[i].workload);
        struct evaluator *analytic = analytic_evaluator_new(&f.problem, GRANULARITY_LAYER);
        const struct mapper_options options = { .jobs = 1, .analytic = analytic };
        struct mapper_result result;
        CHECK_OK(mapper_run(mapper_find("heft"), &f.problem, &options, &result, err));
        double bound_ps = (double)mapper_lower_bound(&f.problem, GRANULARITY_LAYER).makespan_ps;
        double gap = (double)result.convergence[0].best_makespan_ps / bound_ps;
        if (gap < 1 || gap > cases[i].gap)
            test_fail(__FILE__, __LINE__, "%s, %s: %.3f", cases[i].soc, cases[i].workload, gap);
        mapper_result_release(&result);
        analytic_evaluator_free(analytic);
        fixture_release(&f);
    }
}

/* --- against exhaustive search ---------------------------------------------------------------- */

struct exhaustive {
    const struct problem *problem;
    struct mapping mapping;
    enum granularity granularity;
    uint64_t best_ps, left; /* leaves still allowed */
    bool placed[8];
};

static bool is_ready(const struct exhaustive *e, uint32_t layer)
{
    const struct problem *p = e->problem;
    bool ready = !e->placed[layer];
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++)
        ready = ready && e->placed[p->preds[at].layer];
    return ready;
}

/* Every order, accelerator and option. */
static void try_all(struct exhaustive *e, uint32_t depth)
{
    const struct problem *p = e->problem;
    if (e->left == 0)
        return;
    if (depth == p->layer_count) {
        e->left--;
        e->best_ps = min_u64(e->best_ps, analytic_schedule(p, &e->mapping, e->granularity, NULL));
        return;
    }
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        if (!is_ready(e, layer))
            continue;
        e->placed[layer] = true;
        for (uint16_t acc = 0; acc < p->accelerator_count; acc++)
            for (uint16_t i = 0; i < problem_option_count(p, layer, acc); i++) {
                e->mapping.placements[depth] = (struct placement){ layer, depth, acc, i };
                try_all(e, depth + 1);
            }
        e->placed[layer] = false;
    }
}

TEST(bounds__exhaustive_search__optimum_is_not_below)
{
    unsigned complete = 0, tight = 0;
    for (uint64_t seed = 0; seed < 80; seed++) {
        struct sim_problem p;
        sim_problem_random(&p, seed, 2 + (uint32_t)seed % 4);
        for (enum granularity granularity = 0; granularity < 2; granularity++) {
            struct exhaustive e = { .problem = &p.problem,
                                    .granularity = granularity,
                                    .best_ps = UINT64_MAX,
                                    .left = 200000 };
            mapping_init(&e.mapping, p.problem.layer_count);
            e.mapping.discipline = MAPPING_BY_LAYER;
            try_all(&e, 0);
            if (e.left > 0) {
                uint64_t bound_ps = mapper_lower_bound(&p.problem, granularity).makespan_ps;
                check_below(bound_ps, e.best_ps, seed, "optimum");
                complete++;
                tight += bound_ps == e.best_ps;
            }
            mapping_release(&e.mapping);
        }
        sim_problem_release(&p);
    }
    CHECK(complete >= 100);
    CHECK(tight >= complete / 2);
}

/* A layer, two or three that need it, one that needs those, and perhaps an edge past them. */
static void random_block(struct sim_problem *p, uint64_t seed)
{
    struct rng rng = rng_stream(seed, 2, 0);
    uint32_t inner = 2 + rng_below(&rng, 2), last = inner + 1;
    open_hand(p, 2 + rng_below(&rng, 2), last + 1);
    for (uint32_t layer = 0; layer <= last; layer++)
        for (uint32_t acc = 0; acc < p->soc.accelerator_count; acc++) {
            sim_option(p, layer, acc, 0)->pes = rng_below(&rng, 3) ? 16 : 1 + rng_below(&rng, 16);
            sim_option(p, layer, acc, 0)->compute_ps = 1 + rng_below(&rng, 40);
        }
    for (uint32_t layer = 1; layer <= inner; layer++) {
        sim_edge(p, 0, layer, rng_below(&rng, 60));
        sim_edge(p, layer, last, rng_below(&rng, 60));
    }
    if (inner == 3 && rng_below(&rng, 2))
        sim_edge(p, 1, 2, rng_below(&rng, 60));
    if (rng_below(&rng, 2))
        sim_edge(p, 0, last, rng_below(&rng, 60));
    sim_problem_close(p);
}

TEST(bounds__exhaustive_search_of_blocks__optimum_is_not_below)
{
    unsigned by_blocks = 0, tight = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct sim_problem p;
        random_block(&p, seed);
        struct exhaustive e = { .problem = &p.problem, .best_ps = UINT64_MAX, .left = UINT64_MAX };
        mapping_init(&e.mapping, p.problem.layer_count);
        e.mapping.discipline = MAPPING_BY_LAYER;
        try_all(&e, 0);
        struct lower_bound bound = mapper_lower_bound(&p.problem, GRANULARITY_LAYER);
        check_below(bound.makespan_ps, e.best_ps, seed, "optimum");
        by_blocks += strstr(bound.name, "blocks") != NULL;
        tight += bound.makespan_ps == e.best_ps;
        mapping_release(&e.mapping);
        sim_problem_release(&p);
    }
    CHECK(by_blocks >= 20);
    CHECK(tight >= 30);
}
