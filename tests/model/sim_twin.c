/* The SystemC model against its plain C twin, and both against the analytic evaluator. */
#include <string.h>

#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/model/sim_problem.h"
#include "tests/model/twin.h"
#include "tests/test.h"

static const enum mapping_discipline disciplines[] = { MAPPING_BY_GROUP, MAPPING_BY_LAYER };
static const enum granularity granularities[] = { GRANULARITY_LAYER, GRANULARITY_TILE };

#define SAME(seed, expected, got)                                                                  \
    do {                                                                                           \
        if ((expected) != (got))                                                                   \
            test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": %s is %" PRIu64 ", twin %" PRIu64,    \
                      seed, #got, (uint64_t)(got), (uint64_t)(expected));                          \
    } while (0)

static void check_loads(uint64_t seed, const struct twin *twin, enum trace_resource kind,
                        const struct sim_resource_load *loads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sim_resource_load expected = twin_load(twin, kind, i);
        SAME(seed, expected.busy_ps, loads[i].busy_ps);
        SAME(seed, expected.waited_ps, loads[i].waited_ps);
        SAME(seed, expected.packets, loads[i].packets);
        SAME(seed, expected.bytes, loads[i].bytes);
    }
}

static void check_mapping(uint64_t seed, const struct problem *problem,
                          const struct mapping *mapping, enum granularity granularity,
                          struct twin *twin)
{
    struct sim_options options = { .granularity = granularity };
    struct sim_result result;
    uint64_t expected = twin_run(twin, mapping, granularity);
    CHECK_OK(sim_run(problem, mapping, &options, &result, err));
    SAME(seed, expected, result.schedule.makespan_ps);
    for (uint32_t layer = 0; layer < problem->layer_count; layer++) {
        SAME(seed, twin_start_ps(twin, layer), result.schedule.start_ps[layer]);
        SAME(seed, twin_end_ps(twin, layer), result.schedule.end_ps[layer]);
    }
    check_loads(seed, twin, TRACE_LINK, result.links, problem->soc->link_count);
    check_loads(seed, twin, TRACE_LOCAL, result.locals, problem->soc->accelerator_count);
    check_loads(seed, twin, TRACE_CHANNEL, result.channels, problem->soc->channel_count);
    CHECK_OK(mapping_check(problem, mapping, &result.schedule, granularity, err));
    sim_result_release(&result);
}

/* 600 problems, 4 mappings each. */
TEST(sim__random_mappings__equal_the_twin_to_the_bit)
{
    for (uint64_t seed = 1; seed <= 600; seed++) {
        struct sim_problem p;
        sim_problem_random(&p, seed, seed % 10 == 0 ? 80 : 20);
        struct twin *twin = twin_new(&p.problem);
        for (size_t i = 0; i < 4; i++) {
            struct mapping mapping;
            sim_mapping_random(&mapping, &p.problem, seed * 4 + i, disciplines[i % 2]);
            CHECK_OK(mapping_check(&p.problem, &mapping, NULL, granularities[i / 2], err));
            check_mapping(seed, &p.problem, &mapping, granularities[i / 2], twin);
            mapping_release(&mapping);
        }
        twin_free(twin);
        sim_problem_release(&p);
    }
}

static uint64_t waited_ps(const struct sim_resource_load *loads, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += loads[i].waited_ps;
    return sum;
}

/* Else the test above would compare little: packets must queue at every kind of server. */
TEST(sim__random_mappings__queue_at_links_ports_and_channels)
{
    unsigned queued[3] = { 0, 0, 0 };
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct sim_problem p;
        struct mapping mapping;
        struct sim_result result;
        struct sim_options options = { .granularity = granularities[seed % 2] };
        sim_problem_random(&p, seed, 20);
        sim_mapping_random(&mapping, &p.problem, seed, MAPPING_BY_LAYER);
        CHECK_OK(sim_run(&p.problem, &mapping, &options, &result, err));
        queued[0] += waited_ps(result.links, p.soc.link_count) > 0;
        queued[1] += waited_ps(result.locals, p.soc.accelerator_count) > 0;
        queued[2] += waited_ps(result.channels, p.soc.channel_count) > 0;
        sim_result_release(&result);
        mapping_release(&mapping);
        sim_problem_release(&p);
    }
    CHECK(queued[0] >= 25 && queued[1] >= 25 && queued[2] >= 25);
}

/* Real costs, sizes and SoCs; the schedules must be legal in the eyes of the judge. */
static void check_shipped(const char *soc, const char *workload)
{
    struct fixture f;
    fixture_shipped(&f, soc, workload);
    struct twin *twin = twin_new(&f.problem);
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct mapping mapping;
        struct schedule bound;
        enum granularity granularity = granularities[seed / 2 % 2];
        fixture_random_mapping(&f.problem, seed, disciplines[seed % 2], &mapping);
        check_mapping(seed, &f.problem, &mapping, granularity, twin);
        schedule_init(&bound, f.problem.layer_count);
        CHECK(analytic_schedule(&f.problem, &mapping, granularity, &bound) <=
              twin_run(twin, &mapping, granularity));
        CHECK_OK(mapping_check(&f.problem, &mapping, &bound, granularity, err));
        schedule_release(&bound);
        mapping_release(&mapping);
    }
    twin_free(twin);
    fixture_release(&f);
}

TEST(sim__shipped_socs__equal_the_twin_to_the_bit)
{
    check_shipped("comb-small-low", "vision-light");
    check_shipped("edge-ring", "edge-mix");
    check_shipped("chiplet-links", "tiny");
}

TEST(sim__random_graphs_and_memory__equal_the_twin_to_the_bit)
{
    for (uint64_t seed = 1; seed <= 120; seed++) {
        const struct fixture_shape shape = { .layers = 30,
                                             .networks = 3,
                                             .accelerators = 5,
                                             .edge_probability = 0.4,
                                             .finite_memory = seed % 4 != 0,
                                             .cut_through = seed % 2 == 0,
                                             .periodic = seed > 40 };
        struct fixture f;
        fixture_random(&f, seed, &shape);
        struct twin *twin = twin_new(&f.problem);
        for (size_t i = 0; i < 4; i++) {
            struct mapping mapping;
            fixture_random_mapping(&f.problem, seed * 4 + i, disciplines[i % 2], &mapping);
            check_mapping(seed, &f.problem, &mapping, granularities[i / 2], twin);
            mapping_release(&mapping);
        }
        twin_free(twin);
        fixture_release(&f);
    }
}
