/* Searches for lists to begin with: plans, and the waists they cut at; tastes. */
#include "mapper/plan.h"

#include <stdlib.h>
#include <string.h>

#include "mapper/taste.h"
#include "mapper/waist.h"
#include "tests/fixture.h"
#include "tests/model/sim_problem.h"
#include "tests/test.h"

static void check_is_topological(const struct problem *p, const struct activity_list *list)
{
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        CHECK_INT(layer, list->order[list->position[layer]]);
        for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++)
            CHECK(list->position[p->preds[at].layer] < list->position[layer]);
    }
}

typedef void search_function(const struct decode_ways *ways, uint64_t seed, uint32_t island,
                             uint64_t work_layers, const volatile sig_atomic_t *stop,
                             struct activity_list *list);

static void check_search(search_function *search)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        const struct fixture_shape shape = { .layers = 5 + (unsigned)seed % 40,
                                             .networks = 1 + (unsigned)seed % 5,
                                             .accelerators = 2 + (unsigned)seed % 5,
                                             .edge_probability = 0.1 * (double)(seed % 7) };
        struct fixture f;
        struct view view;
        struct decode_ways ways;
        struct activity_list list, again;
        fixture_random(&f, seed, &shape);
        view_init(&view, &f.problem);
        decode_ways_init(&ways, &view);
        activity_list_init(&list, f.problem.layer_count);
        activity_list_init(&again, f.problem.layer_count);
        uint64_t work_layers = 300 * f.problem.layer_count;
        search(&ways, seed, 1, work_layers, NULL, &list);
        search(&ways, seed, 1, work_layers, NULL, &again);
        check_is_topological(&f.problem, &list);
        for (uint32_t layer = 0; layer < f.problem.layer_count; layer++) {
            CHECK(list.way[layer] < decode_way_count(&ways, layer));
            CHECK_INT(list.way[layer], again.way[layer]);
            CHECK_INT(list.position[layer], again.position[layer]);
        }
        activity_list_release(&list);
        activity_list_release(&again);
        decode_ways_release(&ways);
        view_release(&view);
        fixture_release(&f);
    }
}

TEST(plan__random_problems__lists_are_legal_and_of_their_seed_alone)
{
    check_search(plan_search);
}

TEST(taste__random_problems__lists_are_legal_and_of_their_seed_alone)
{
    check_search(taste_search);
}

TEST(waist__a_block_with_a_bypass__is_cut_before_and_behind)
{
    /* 0 → 1 → 2 → 3 → 4, 100 bytes each but 10 behind 3; 0 → 3 as well. In flight before layers 1
     * to 4: 100, 200, 200, 10. Layer 0 is the first and stays with itself. */
    struct sim_problem p;
    const struct sim_soc soc = {
        .network = "\"topology\": \"bus\", \"places\": 2, \"link_bytes_per_s\": 1000000000000",
        .memory = "{\"name\": \"m\", \"place\": 0, \"bytes_per_s\": 1000000000000, "
                  "\"latency_ns\": 0}",
        .accelerators = 2,
        .places = 2,
        .accelerator = "\"scratchpad_bytes\": 1000, \"shared_layers_max\": 4",
    };
    sim_problem_open(&p, &soc, 5);
    sim_edge(&p, 0, 1, 100);
    sim_edge(&p, 1, 2, 100);
    sim_edge(&p, 2, 3, 100);
    sim_edge(&p, 0, 3, 100);
    sim_edge(&p, 3, 4, 10);
    sim_problem_close(&p);
    uint32_t *waist = waist_find(&p.problem);
    CHECK_INT(0, waist[0]);
    for (uint32_t layer = 1; layer < 5; layer++)
        CHECK_INT(4, waist[layer]);
    free(waist);
    sim_problem_release(&p);
}
