/* mapping/1: what is written reads back the same. */
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/mapping.h"
#include "core/split.h"
#include "core/text.h"
#include "cost/cost.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

static enum err_code load_text(const struct problem *problem, const struct text *text,
                               struct mapping_file *out, struct err *why)
{
    char *file = file_join(test_temp_dir(), "mapping.json");
    CHECK_OK(file_write(file, text->data, text->bytes, err));
    enum err_code rc = mapping_load(problem, file, out, why);
    free(file);
    return rc;
}

static void check_same(const struct mapping *expected, const struct mapping *got)
{
    CHECK_INT(expected->discipline, got->discipline);
    CHECK_INT(expected->placement_count, got->placement_count);
    for (size_t i = 0; i < expected->placement_count; i++) {
        const struct placement *a = &expected->placements[i], *b = &got->placements[i];
        CHECK(a->layer == b->layer && a->group == b->group && a->accelerator == b->accelerator &&
              a->option == b->option);
    }
}

TEST(mapping_file__random_mappings__read_back_the_same)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct fixture f;
        struct fixture_shape shape = { .layers = 25, .networks = 2, .edge_probability = 0.4 };
        struct mapping mapping;
        struct mapping_file file;
        struct schedule schedule;
        struct text text = { 0 }, again = { 0 };
        enum granularity granularity = (enum granularity)(seed / 2 % 2);
        shape.accelerators = 1 + (unsigned)(seed % 5);
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        fixture_random_mapping(&f.problem, seed, (enum mapping_discipline)(seed % 2), &mapping);
        schedule_init(&schedule, f.problem.layer_count);
        analytic_schedule(&f.problem, &mapping, granularity, &schedule);
        bool timed = seed % 3 != 0;
        mapping_write(&f.problem, &mapping, timed ? &schedule : NULL, granularity, "mine", seed,
                      &text);
        CHECK_OK(load_text(&f.problem, &text, &file, err));
        check_same(&mapping, &file.mapping);
        CHECK(strstr(text.data, "\"sharing\": \"elastic\"") != NULL);
        CHECK_STR("mine", file.mapper);
        CHECK_INT(seed, file.seed);
        CHECK_INT(granularity, file.granularity);
        CHECK_INT(timed ? f.problem.layer_count : 0, file.schedule.layer_count);
        for (size_t layer = 0; layer < file.schedule.layer_count; layer++) {
            CHECK_INT(schedule.start_ps[layer], file.schedule.start_ps[layer]);
            CHECK_INT(schedule.end_ps[layer], file.schedule.end_ps[layer]);
        }
        if (timed)
            CHECK_INT(schedule.makespan_ps, file.schedule.makespan_ps);
        mapping_write(&f.problem, &file.mapping, timed ? &file.schedule : NULL, file.granularity,
                      file.mapper, file.seed, &again);
        CHECK_STR(text.data, again.data);
        text_release(&text);
        text_release(&again);
        mapping_file_release(&file);
        mapping_release(&mapping);
        schedule_release(&schedule);
        fixture_release(&f);
    }
}

/* Written for one SoC, read for another that differs in a single rate. */
TEST(mapping_file__other_soc__is_refused)
{
    struct fixture low, high;
    struct mapping mapping;
    struct mapping_file file = { .seed = 77 };
    struct text text = { 0 };
    struct err why = ERR_INIT;
    fixture_shipped(&low, "comb-small-low", "vision-light");
    fixture_shipped(&high, "comb-small-high", "vision-light");
    fixture_random_mapping(&low.problem, 1, MAPPING_BY_GROUP, &mapping);
    mapping_write(&low.problem, &mapping, NULL, GRANULARITY_LAYER, "mine", 1, &text);
    CHECK_INT(ERR_REFERENCE, load_text(&high.problem, &text, &file, &why));
    CHECK_STR("$.soc.sha256", why.path);
    CHECK(strstr(why.text, "the soc changed since this mapping was made") != NULL);
    CHECK_INT(77, file.seed); /* untouched */
    text_release(&text);
    mapping_release(&mapping);
    fixture_release(&low);
    fixture_release(&high);
}

TEST(mapping__copy__stands_alone)
{
    struct mapping a, b;
    mapping_init(&a, 3);
    mapping_init(&b, 1);
    a.discipline = MAPPING_BY_LAYER;
    a.placements[2].layer = 5;
    mapping_copy(&b, &a);
    a.placements[2].layer = 6;
    CHECK_INT(3, b.placement_count);
    CHECK_INT(5, b.placements[2].layer);
    CHECK_INT(MAPPING_BY_LAYER, b.discipline);
    mapping_release(&a);
    mapping_release(&b);
}

/* A mapping of a refined workload: its splits read back against the whole one. */
TEST(mapping_file__split_layers__read_back_the_same)
{
    struct fixture f;
    struct workload refined;
    struct workload_split *splits;
    struct problem problem;
    struct mapping mapping;
    struct mapping_file file;
    struct text text = { 0 }, again = { 0 };
    struct arena *arena = arena_new();
    size_t count;
    const struct cost_options options = { COST_SHARING_TILED };
    const uint64_t rows[] = { 200, 120 }, channels[] = { 10, 20, 2 };
    fixture_shipped(&f, "comb-small-low", "mixed-light");
    const struct workload_split given[] = { { 0, ROLE_P, 2, rows }, { 2, ROLE_K, 3, channels } };
    CHECK_OK(workload_refine(&refined, &f.workload, given, 2, err));
    CHECK_OK(cost_build_problem(&f.soc, &refined, &options, &problem, err));
    fixture_random_mapping(&problem, 7, MAPPING_BY_LAYER, &mapping);
    mapping_write(&problem, &mapping, NULL, GRANULARITY_LAYER, "mine", 7, &text);
    CHECK_OK(load_text(&problem, &text, &file, err));
    check_same(&mapping, &file.mapping);
    char *name = file_join(test_temp_dir(), "split.json");
    CHECK_OK(file_write(name, text.data, text.bytes, err));
    CHECK_OK(mapping_read_splits(&f.workload, name, arena, &splits, &count, err));
    CHECK_INT(2, count);
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(given[i].layer, splits[i].layer);
        CHECK_INT(given[i].role, splits[i].role);
        CHECK_INT(given[i].part_count, splits[i].part_count);
        for (uint32_t part = 0; part < given[i].part_count; part++)
            CHECK_INT(given[i].parts[part], splits[i].parts[part]);
    }
    mapping_write(&problem, &file.mapping, NULL, file.granularity, file.mapper, file.seed, &again);
    CHECK_STR(text.data, again.data);
    free(name);
    text_release(&text);
    text_release(&again);
    mapping_file_release(&file);
    mapping_release(&mapping);
    problem_release(&problem);
    workload_release(&refined);
    arena_free(arena);
    fixture_release(&f);
}
