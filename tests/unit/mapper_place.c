/* Accelerators for groups: Algorithm 2 by hand and against a plain version, and its rivals. */
#include "mapper/place.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/grouping.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/model/sim_problem.h"
#include "tests/test.h"

/* --- by hand -------------------------------------------------------------------------------- */

/* Two accelerators on a bus of 1 byte per ps; the local port takes no time. */
static const struct sim_soc pair = {
    .network = "\"topology\": \"bus\", \"places\": 2, \"link_bytes_per_s\": 1000000000000",
    .accelerators = 2,
    .places = 2,
    .accelerator = "\"scratchpad_bytes\": 1000, \"shared_layers_max\": 2",
};

TEST(place_greedy__small_case__is_algorithm_2_line_by_line)
{
    /* 0 and 1 form a group, 2 reads 0 (20 bytes), 3 reads 1 (5 bytes). */
    struct sim_problem p;
    sim_problem_open(&p, &pair, 4);
    static const uint64_t times_ps[4][2] = { { 30, 40 }, { 50, 35 }, { 10, 25 }, { 12, 10 } };
    for (uint32_t layer = 0; layer < 4; layer++)
        for (uint32_t acc = 0; acc < 2; acc++)
            sim_option(&p, layer, acc, 0)->compute_ps = times_ps[layer][acc];
    sim_edge(&p, 0, 2, 20);
    sim_edge(&p, 1, 3, 5);
    sim_problem_close(&p);
    struct view view;
    view_init(&view, &p.problem);
    struct place_scratch *scratch = place_scratch_new(&view);
    const uint32_t grouping[] = { 7, 0 | GROUPING_OPENS, 1, 2 | GROUPING_OPENS,
                                  3 | GROUPING_OPENS };
    CHECK(grouping_is_legal(&view, grouping));
    /*
     * {0 1}: max(30, 50) on a0, max(40, 35) = 40 on a1: a1. Both results leave at 40.
     * {2}: a0 from 40 + 20 = 60 to 70; a1 from 40 to 65: a1.
     * {3}: a0 from 40 + 5 to 57; a1 from 65 to 75: a0. The makespan is 65.
     */
    CHECK_INT(65, place_groups(&view, scratch, PLACE_GREEDY, OBJECTIVE_LATENCY, grouping));
    struct mapping mapping;
    mapping_init(&mapping, 4);
    place_write(&view, scratch, grouping, &mapping);
    CHECK_INT(MAPPING_BY_GROUP, mapping.discipline);
    static const struct placement expected[] = {
        { 0, 0, 1, 0 }, { 1, 0, 1, 0 }, { 2, 1, 1, 0 }, { 3, 2, 0, 0 }
    };
    CHECK(memcmp(expected, mapping.placements, sizeof expected) == 0);

    /* In turns: a0, a1, a0. {0 1} ends at 50; {2} on a1 at 50 + 20 + 25; {3} on a0 at 50 + 12. */
    CHECK_INT(95, place_groups(&view, scratch, PLACE_TURNS, OBJECTIVE_LATENCY, grouping));
    place_write(&view, scratch, grouping, &mapping);
    CHECK_INT(0, mapping.placements[0].accelerator);
    CHECK_INT(1, mapping.placements[2].accelerator);
    CHECK_INT(0, mapping.placements[3].accelerator);
    mapping_release(&mapping);
    place_scratch_free(scratch);
    view_release(&view);
    sim_problem_release(&p);
}

TEST(place_greedy__equal_ends__lowest_index)
{
    struct sim_problem p;
    sim_problem_open(&p, &pair, 2);
    sim_problem_close(&p);
    struct view view;
    view_init(&view, &p.problem);
    struct place_scratch *scratch = place_scratch_new(&view);
    const uint32_t grouping[] = { 0, 0 | GROUPING_OPENS, 1 | GROUPING_OPENS };
    CHECK_INT(1, place_groups(&view, scratch, PLACE_GREEDY, OBJECTIVE_LATENCY, grouping));
    struct mapping mapping;
    mapping_init(&mapping, 2);
    place_write(&view, scratch, grouping, &mapping);
    CHECK_INT(0, mapping.placements[0].accelerator);
    CHECK_INT(1, mapping.placements[1].accelerator);
    mapping_release(&mapping);
    place_scratch_free(scratch);
    view_release(&view);
    sim_problem_release(&p);
}

TEST(place_greedy__energy__takes_the_frugal_one_although_slower)
{
    struct sim_problem p;
    sim_problem_open(&p, &pair, 2);
    for (uint32_t layer = 0; layer < 2; layer++) {
        sim_option(&p, layer, 0, 0)->compute_ps = 10;
        sim_option(&p, layer, 0, 0)->energy_pj = 100;
        sim_option(&p, layer, 1, 0)->compute_ps = 15;
        sim_option(&p, layer, 1, 0)->energy_pj = 90;
    }
    sim_edge(&p, 0, 1, 3); /* a byte over the bus costs 1 pJ */
    sim_problem_close(&p);
    struct view view;
    view_init(&view, &p.problem);
    struct place_scratch *scratch = place_scratch_new(&view);
    const uint32_t grouping[] = { 0, 0 | GROUPING_OPENS, 1 | GROUPING_OPENS };
    CHECK_INT(20, place_groups(&view, scratch, PLACE_GREEDY, OBJECTIVE_LATENCY, grouping));
    CHECK_INT(30, place_groups(&view, scratch, PLACE_GREEDY, OBJECTIVE_ENERGY, grouping));
    /* 100 × 10 < 90 × 15, then 200 × 20 < 193 × (10 + 3 + 15). */
    CHECK_INT(20, place_groups(&view, scratch, PLACE_GREEDY, OBJECTIVE_EDP, grouping));
    place_scratch_free(scratch);
    view_release(&view);
    sim_problem_release(&p);
}

/* --- against plain versions ----------------------------------------------------------------- */

/* Algorithm 2 once more, straight from struct problem. */
static uint64_t plain_greedy(const struct problem *p, const uint32_t *words, uint16_t *acc_of)
{
    uint64_t *free_ps = mem_alloc(p->accelerator_count, sizeof *free_ps);
    uint64_t *leave_ps = mem_alloc(p->layer_count, sizeof *leave_ps);
    uint64_t makespan_ps = 0;
    for (uint32_t begin = 0, end; begin < p->layer_count; begin = end) {
        for (end = begin + 1; end < p->layer_count && !(words[end] & GROUPING_OPENS);)
            end++;
        uint64_t best_ps = UINT64_MAX;
        uint16_t best = 0;
        for (uint16_t acc = 0; acc < p->accelerator_count; acc++) {
            const struct soc_accelerator *of = &p->soc->accelerators[acc];
            uint64_t pes = 0, bytes = 0, end_ps = 0;
            bool fits = end - begin <= of->shared_layers_max;
            for (uint32_t i = begin; i < end && fits; i++) {
                uint32_t layer = words[i] & GROUPING_LAYER;
                fits = problem_option_count(p, layer, acc) > 0;
                if (!fits)
                    break;
                const struct layer_option *option = problem_option(p, layer, acc, 0);
                uint64_t start_ps = max_u64(free_ps[acc], problem_release_ps(p, layer));
                for (uint32_t e = p->pred_begin[layer]; e < p->pred_begin[layer + 1]; e++)
                    start_ps =
                        max_u64(start_ps, leave_ps[p->preds[e].layer] +
                                              problem_transfer_ps(p, p->preds[e].size_class,
                                                                  acc_of[p->preds[e].layer], acc));
                end_ps =
                    max_u64(end_ps, start_ps + max_u64(option->compute_ps, option->memory_read_ps));
                pes += option->pes;
                bytes += option->scratchpad_bytes;
            }
            if (fits && pes <= soc_pes(of) && bytes <= of->scratchpad_bytes && end_ps < best_ps) {
                best_ps = end_ps;
                best = acc;
            }
        }
        free_ps[best] = best_ps;
        for (uint32_t i = begin; i < end; i++) {
            uint32_t layer = words[i] & GROUPING_LAYER;
            acc_of[layer] = best;
            leave_ps[layer] = best_ps;
            makespan_ps =
                max_u64(makespan_ps, best_ps + problem_option(p, layer, best, 0)->memory_write_ps);
        }
    }
    free(free_ps);
    free(leave_ps);
    return makespan_ps;
}

static void check_random_case(uint64_t seed)
{
    const struct fixture_shape shape = {
        .layers = 5 + (unsigned)seed % 50,
        .networks = 1 + (unsigned)seed % 5,
        .accelerators = 1 + (unsigned)seed % 7,
        .edge_probability = 0.1 * (double)(seed % 7),
        .finite_memory = seed % 2,
        .cut_through = seed % 3,
        .periodic = seed % 5 == 2,
    };
    struct fixture f;
    fixture_random(&f, seed, &shape);
    struct view view;
    view_init(&view, &f.problem);
    struct place_scratch *scratch = place_scratch_new(&view);
    struct grouping_scratch *operators = grouping_scratch_new(&view);
    uint32_t *grouping = mem_alloc(1, grouping_bytes(&view));
    uint16_t *acc_of = mem_alloc(view.layer_count, sizeof *acc_of);
    struct rng rng = rng_stream(seed, 0, 0);
    struct mapping mapping;
    mapping_init(&mapping, view.layer_count);
    struct schedule schedule;
    schedule_init(&schedule, view.layer_count);
    grouping_random(&view, operators, &rng, grouping);
    for (enum place_policy policy = PLACE_GREEDY; policy <= PLACE_RANDOM; policy++)
        for (enum objective objective = 0; objective < OBJECTIVE_COUNT; objective++) {
            uint64_t makespan_ps = place_groups(&view, scratch, policy, objective, grouping);
            place_write(&view, scratch, grouping, &mapping);
            uint64_t analytic_ps =
                analytic_schedule(&f.problem, &mapping, GRANULARITY_LAYER, &schedule);
            if (analytic_ps != makespan_ps)
                test_fail(__FILE__, __LINE__, "seed %" PRIu64 ", policy %d", seed, (int)policy);
            CHECK_OK(mapping_check(&f.problem, &mapping, &schedule, GRANULARITY_LAYER, err));
            if (policy != PLACE_GREEDY || objective != OBJECTIVE_LATENCY)
                continue;
            CHECK_INT(plain_greedy(&f.problem, grouping + 1, acc_of), makespan_ps);
            for (uint32_t i = 0; i < view.layer_count; i++)
                CHECK_INT(acc_of[mapping.placements[i].layer], mapping.placements[i].accelerator);
        }
    free(grouping);
    free(acc_of);
    mapping_release(&mapping);
    schedule_release(&schedule);
    grouping_scratch_free(operators);
    place_scratch_free(scratch);
    view_release(&view);
    fixture_release(&f);
}

TEST(place__random_cases__legal_and_equal_to_the_analytic_evaluator)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        check_random_case(seed);
}
