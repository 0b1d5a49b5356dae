/* Random problems and mappings, and that every rule of mapping_check() holds for what the analytic
 * evaluator makes of them. */
#include "tests/fixture.h"
#include "sim/sim.h"
#include "tests/test.h"

static struct fixture_shape shape_of(uint64_t seed)
{
    return (struct fixture_shape){
        .layers = 10 + (unsigned)(seed % 5) * 9,
        .networks = 1 + (unsigned)(seed % 3),
        .accelerators = 1 + (unsigned)(seed % 7),
        .edge_probability = 0.1 + 0.2 * (double)(seed % 4),
        .finite_memory = seed % 2,
        .cut_through = seed / 2 % 2,
    };
}

static void check_timed(const struct fixture *f, const struct mapping *mapping,
                        enum granularity granularity)
{
    struct schedule schedule;
    schedule_init(&schedule, f->problem.layer_count);
    analytic_schedule(&f->problem, mapping, granularity, &schedule);
    CHECK_OK(mapping_check(&f->problem, mapping, &schedule, granularity, err));
    schedule_release(&schedule);
}

TEST(fixture__random_problems__have_legal_schedules)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct fixture f;
        struct fixture_shape shape = shape_of(seed);
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        CHECK_INT(shape.layers, f.problem.layer_count);
        for (unsigned discipline = 0; discipline < 2; discipline++) {
            struct mapping mapping;
            fixture_random_mapping(&f.problem, seed, (enum mapping_discipline)discipline, &mapping);
            check_timed(&f, &mapping, GRANULARITY_LAYER);
            check_timed(&f, &mapping, GRANULARITY_TILE);
            mapping_release(&mapping);
        }
        fixture_release(&f);
    }
}

TEST(fixture__random_group_mappings__share_accelerators)
{
    unsigned shared = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fixture f;
        struct mapping mapping;
        struct fixture_shape shape = shape_of(seed);
        fixture_random(&f, seed, &shape);
        fixture_random_mapping(&f.problem, seed, MAPPING_BY_GROUP, &mapping);
        for (size_t i = 1; i < mapping.placement_count; i++)
            shared += mapping.placements[i].group == mapping.placements[i - 1].group;
        mapping_release(&mapping);
        fixture_release(&f);
    }
    CHECK(shared >= 20);
}

TEST(fixture__equal_seeds__give_equal_problems)
{
    struct fixture a, b;
    struct fixture_shape shape = shape_of(33);
    fixture_random(&a, 33, &shape);
    fixture_random(&b, 33, &shape);
    CHECK_STR(a.soc.sha256, b.soc.sha256);
    CHECK_STR(a.workload.sha256, b.workload.sha256);
    fixture_release(&a);
    fixture_release(&b);
}
