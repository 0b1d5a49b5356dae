/* Energy of a mapping: docs/model.md M-40 to M-43. */
#include <string.h>

#include "core/mapping.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* a feeds b: 16 x 16 results. "left" and "right" are two hops apart on a row of three places. */
#define PRODUCT(name, input)                                                                       \
    "{\"name\": \"" name "\", \"op\": \"gemm\", \"extents\": {\"m\": 16, \"n\": 16, \"k\": 16}, "  \
    "\"inputs\": [\"" input "\"]}"
#define ACCELERATOR(name, place, clock)                                                            \
    "{\"name\": \"" name "\", \"place\": " place ", \"clock_hz\": " clock                          \
    ", \"pe_rows\": 8, \"pe_cols\": 8, \"dataflow\": \"systolic-ws\", \"supports\": [\"gemm\"], "  \
    "\"scratchpad_bytes\": 4096}"

static void load_pair(struct fixture *f, struct mapping *mapping)
{
    static const char *const graph =
        "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [{\"name\": \"x\", \"shape\": "
        "[16, 16]}], \"layers\": [" PRODUCT("a", "x") "," PRODUCT("b", "a") "]}";
    fixture_from_text(
        f,
        "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {\"topology\": \"mesh\", "
        "\"columns\": 3, \"rows\": 1, \"link_bytes_per_s\": 1e9}, \"accelerators\": [" ACCELERATOR(
            "left", "[0, 0]", "1e9") "," ACCELERATOR("right", "[2, 0]",
                                                     "2e9") "], \"memory\": "
                                                            "[{\"name\": \"dram\", \"unlimited\": "
                                                            "true}], \"energy\": {\"mac_pj\": "
                                                            "0.5, \"register_pj_per_byte\": 0.25, "
                                                            "\"scratchpad_pj_per_byte\": 1.5, "
                                                            "\"hop_pj_per_byte\": 3, "
                                                            "\"memory_pj_per_byte\": 100, "
                                                            "\"pe_idle_pj_per_cycle\": 0.125}}",
        "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [{\"graph\": "
        "\"g0.json\"}]}",
        &graph, 1);
    mapping_init(mapping, 2);
    mapping->discipline = MAPPING_BY_LAYER;
    mapping->placements[0] = (struct placement){ .layer = 0, .group = 0 };
    mapping->placements[1] = (struct placement){ .layer = 1, .group = 1 };
}

TEST(energy__results_over_the_network__pay_bytes_times_hops)
{
    struct fixture f;
    struct mapping mapping;
    load_pair(&f, &mapping);
    CHECK_NEAR(0, mapping_energy(&f.problem, &mapping, 0).network_pj, 0);
    mapping.placements[1].accelerator = 1;
    /* 256 B · 2 hops · 3 pJ. */
    CHECK_NEAR(256 * 2 * 3, mapping_energy(&f.problem, &mapping, 0).network_pj, 0);
    mapping_release(&mapping);
    fixture_release(&f);
}

TEST(energy__idle_pes__pay_for_every_cycle_they_are_not_held)
{
    struct fixture f;
    struct mapping mapping;
    load_pair(&f, &mapping);
    double busy = 0;
    for (uint32_t layer = 0; layer < 2; layer++) {
        const struct layer_option *option = problem_option(&f.problem, layer, 0, 0);
        busy += (double)option->pes * (double)option->cycles;
    }
    /* In 10 us the left array has 64 · 10,000 PE cycles, the right one 64 · 20,000. */
    CHECK_NEAR((64 * 10000 + 64 * 20000 - busy) * 0.125,
               mapping_energy(&f.problem, &mapping, 10000000).idle_pj, 1e-6);
    mapping_release(&mapping);
    fixture_release(&f);
}

TEST(energy__layers__add_up_part_by_part)
{
    struct fixture f;
    struct mapping mapping;
    load_pair(&f, &mapping);
    struct mapping_energy energy = mapping_energy(&f.problem, &mapping, 0);
    const struct layer_option *a = problem_option(&f.problem, 0, 0, 0);
    const struct layer_option *b = problem_option(&f.problem, 1, 0, 0);
    CHECK_NEAR(2 * 16 * 16 * 16 * 0.5, energy.layers.mac_pj, 0);
    CHECK_NEAR(a->energy.scratchpad_pj + b->energy.scratchpad_pj, energy.layers.scratchpad_pj, 0);
    CHECK_NEAR(a->energy_pj + b->energy_pj, energy.total_pj, 1e-9 * energy.total_pj);
    mapping_release(&mapping);
    fixture_release(&f);
}

/* The total is its parts, none is negative, and time costs energy. */
TEST(energy__random_mappings__conserve_it)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct fixture f;
        struct mapping mapping;
        struct fixture_shape shape = { .layers = 30, .networks = 2, .edge_probability = 0.4 };
        shape.accelerators = 1 + (unsigned)(seed % 5);
        shape.finite_memory = seed % 2;
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        fixture_random_mapping(&f.problem, seed, MAPPING_BY_LAYER, &mapping);
        uint64_t makespan_ps = analytic_schedule(&f.problem, &mapping, GRANULARITY_LAYER, NULL);
        struct mapping_energy energy = mapping_energy(&f.problem, &mapping, makespan_ps);
        double sum = energy.network_pj + energy.idle_pj;
        for (size_t i = 0; i < mapping.placement_count; i++) {
            const struct placement *at = &mapping.placements[i];
            sum += problem_option(&f.problem, at->layer, at->accelerator, at->option)->energy_pj;
        }
        CHECK_NEAR(sum, energy.total_pj, 1e-9 * sum);
        CHECK(energy.network_pj >= 0 && energy.idle_pj > 0);
        CHECK(mapping_energy(&f.problem, &mapping, 2 * makespan_ps).total_pj > energy.total_pj);
        mapping_release(&mapping);
        fixture_release(&f);
    }
}
