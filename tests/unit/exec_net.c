/* Networks that are really computed, and mappings executed on cores. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/rng.h"
#include "core/text.h"
#include "exec/exec_error.h"
#include "exec/exec_plain.h"
#include "exec/exec_run.h"
#include "tests/test.h"
#include "tests/unit/exec_case.h"

/* Different values in a result: a network of zeros proves nothing. */
static unsigned values_of(const struct exec_net *net, uint32_t layer)
{
    bool seen[256] = { false };
    unsigned count = 0;
    const struct exec_tensor *result = &net->layers[layer].result;
    for (size_t i = 0; i < result->elements; i++)
        seen[((const uint8_t *)result->data)[i]] = true;
    for (size_t i = 0; i < 256; i++)
        count += seen[i];
    return count;
}

TEST(exec_net__every_operator__equals_the_reference)
{
    struct fixture f;
    struct exec_net *net;
    struct err err = ERR_INIT;
    exec_case_fixture(&f, 1, 1, exec_case_many);
    struct exec_place *places = exec_case_places(&f.problem);
    if (exec_net_new(&net, &f.workload, places, 3, &err) != ERR_OK)
        test_fail(__FILE__, __LINE__, "%s", err.text);
    CHECK_INT(ERR_OK, exec_net_poison(net, &err));
    for (uint32_t i = 0; i < net->layer_count; i++)
        CHECK_INT(ERR_OK, exec_net_compute(net, i, &err));
    exec_case_check(net);
    for (uint32_t i = 0; i < net->layer_count; i++)
        if (net->layers[i].step_count == 0 && net->layers[i].result.elements >= 100 &&
            values_of(net, i) <= 4)
            test_fail(__FILE__, __LINE__, "%s has %u values", net->layers[i].name,
                      values_of(net, i));
    exec_net_free(net);
    free(places);
    fixture_release(&f);
}

TEST(exec_net__a_wrong_element__is_found_and_named)
{
    struct fixture f;
    struct exec_net *net;
    struct exec_plain_verdict verdict;
    exec_case_fixture(&f, 1, 1, exec_case_many);
    struct exec_place *places = exec_case_places(&f.problem);
    CHECK_INT(ERR_OK, exec_net_new(&net, &f.workload, places, 3, NULL));
    for (uint32_t i = 0; i < net->layer_count; i++)
        CHECK_INT(ERR_OK, exec_net_compute(net, i, NULL));
    uint8_t *result = net->layers[1].result.data;
    result[0] ^= 1;
    CHECK_INT(ERR_OK, exec_plain_compare(net, NULL, NULL, &verdict, NULL));
    CHECK_INT(1, verdict.wrong_layers);
    CHECK(strstr(verdict.first, net->layers[1].name) != NULL);
    exec_net_free(net);
    free(places);
    fixture_release(&f);
}

static void check_refused(const char *graph, const char *word)
{
    struct fixture f;
    struct exec_net *net;
    struct err err = ERR_INIT;
    exec_case_fixture(&f, 1, 1, graph);
    struct exec_place *places = exec_case_places(&f.problem);
    CHECK_INT(ERR_UNSUPPORTED, exec_net_new(&net, &f.workload, places, 1, &err));
    if (strstr(err.text, word) == NULL)
        test_fail(__FILE__, __LINE__, "\"%s\" does not name %s", err.text, word);
    free(places);
    fixture_release(&f);
}

TEST(exec_net__what_cannot_be_run__is_named)
{
    check_refused("{ \"socweave\": \"dnn/1\", \"name\": \"x\", \"types\": { \"input\": \"f32\", "
                  "\"weight\": \"f32\", \"output\": \"f32\" }, \"inputs\": [ { \"name\": \"in\", "
                  "\"shape\": [4, 8] } ], \"layers\": [ { \"name\": \"floats\", \"op\": \"gemm\", "
                  "\"extents\": { \"m\": 4, \"n\": 4, \"k\": 8 }, \"inputs\": [\"in\"] } ] }",
                  "f32");
    check_refused("{ \"socweave\": \"dnn/1\", \"name\": \"x\", \"inputs\": [ { \"name\": \"in\", "
                  "\"shape\": [4, 8] } ], \"layers\": [ { \"name\": \"gated\", \"op\": \"gemm\", "
                  "\"extents\": { \"m\": 4, \"n\": 4, \"k\": 8 }, \"inputs\": [\"in\"], "
                  "\"epilogue\": [\"mul\"], \"output_shape\": [4, 2] } ] }",
                  "gated");
}

/* --- steps ------------------------------------------------------------------------------------ */

/* The step one element at a time is tried by exec_plain; here what the elements are. */
TEST(exec_step__elements__by_hand)
{
    const struct exec_step_row *relu6 = exec_step_find("relu6"), *add = exec_step_find("add"),
                               *mul = exec_step_find("mul"), *sigmoid = exec_step_find("sigmoid");
    CHECK_INT(192, exec_step_map(relu6, DT_U8, 200));
    CHECK_INT(0, exec_step_map(relu6, DT_S8, -5));
    CHECK_INT(128, exec_step_map(sigmoid, DT_U8, 0));
    CHECK_INT(3, exec_step_join(add, DT_U8, 2, 3));
    CHECK_INT(-2, exec_step_join(add, DT_S8, -2, -3));
    CHECK_INT(255, exec_step_join(mul, DT_U8, 255, 255));
    CHECK_INT(127, exec_step_join(mul, DT_U8, 127, 255));
    CHECK_INT(3, exec_step_mean(5, 2)); /* 2.5, half up */
    CHECK_INT(-2, exec_step_mean(-5, 2));
    CHECK_INT(-2, exec_step_mean(-7, 3));
    CHECK_INT(-3, exec_step_mean(-8, 3));
}

TEST(exec_step__windows__by_hand)
{
    const struct exec_step_row *max = exec_step_find("maxpool"), *mean = exec_step_find("avgpool"),
                               *up = exec_step_find("upsample");
    struct exec_window w = exec_step_window(max, 112, 56, 0);
    CHECK_INT(0, w.begin);
    CHECK_INT(2, w.end);
    w = exec_step_window(max, 112, 56, 55);
    CHECK_INT(109, w.begin);
    CHECK_INT(112, w.end);
    w = exec_step_window(max, 28, 28, 27);
    CHECK_INT(26, w.begin);
    CHECK_INT(28, w.end);
    w = exec_step_window(mean, 7, 1, 0);
    CHECK_INT(0, w.begin);
    CHECK_INT(7, w.end);
    w = exec_step_window(up, 5, 10, 9);
    CHECK_INT(4, w.begin);
    CHECK_INT(5, w.end);
}

/* --- on cores --------------------------------------------------------------------------------- */

static void check_events(const struct problem *p, const struct mapping *mapping,
                         const struct exec_timeline *timeline)
{
    double *free_ns = mem_alloc(p->accelerator_count, sizeof *free_ns);
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        const struct exec_event *event = &timeline->layers[at->layer];
        CHECK(event->copy_ns >= free_ns[at->accelerator]);
        CHECK(event->begin_ns >= event->copy_ns && event->end_ns > event->begin_ns);
        for (uint32_t e = p->pred_begin[at->layer]; e < p->pred_begin[at->layer + 1]; e++)
            CHECK(event->copy_ns >= timeline->layers[p->preds[e].layer].end_ns);
        CHECK(timeline->makespan_ns >= event->end_ns);
        free_ns[at->accelerator] = event->end_ns;
    }
    free(free_ns);
}

/* Runs a random mapping on two accelerators; returns the bytes copied between them. */
static uint64_t run_random(const struct problem *p, struct exec_net *net, uint64_t seed)
{
    struct mapping mapping;
    struct exec_runner *runner;
    struct exec_timeline timeline;
    struct err err = ERR_INIT;
    uint64_t copied = 0;
    fixture_random_mapping(p, seed, MAPPING_BY_LAYER, &mapping);
    CHECK_INT(ERR_OK, exec_runner_new(&runner, net, p, &mapping, &err));
    for (int round = 0; round < 2; round++) {
        CHECK_INT(ERR_OK, exec_runner_run(runner, NULL, &timeline, &err));
        check_events(p, &mapping, &timeline);
        for (size_t i = 0; i < p->layer_count; i++)
            copied += timeline.layers[i].copied_bytes;
        exec_timeline_release(&timeline);
    }
    exec_case_check(net);
    exec_runner_free(runner);
    mapping_release(&mapping);
    return copied;
}

TEST(exec_run__random_mappings__equal_the_reference)
{
    if (exec_case_cores() < 2)
        test_skip("two cores are needed");
    struct fixture f;
    uint64_t copied = 0;
    exec_case_fixture(&f, 2, 1, exec_case_many);
    struct exec_place *places = exec_case_places(&f.problem);
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct exec_net *net;
        test_seed(seed);
        CHECK_INT(ERR_OK, exec_net_new(&net, &f.workload, places, seed, NULL));
        copied += run_random(&f.problem, net, seed);
        exec_net_free(net);
    }
    CHECK(copied > 0);
    free(places);
    fixture_release(&f);
}

TEST(exec_run__too_many_cores__are_unavailable)
{
    struct fixture f;
    struct mapping mapping;
    struct err err = ERR_INIT;
    struct exec_place places[64];
    exec_case_fixture(&f, 1, exec_case_cores() + 1, exec_case_many);
    fixture_random_mapping(&f.problem, 1, MAPPING_BY_LAYER, &mapping);
    CHECK_INT(ERR_UNAVAILABLE, exec_run_places(&f.problem, &mapping, places, &err));
    CHECK(strstr(err.text, "cores") != NULL);
    mapping_release(&mapping);
    fixture_release(&f);
}

TEST(exec_run__accelerators_that_are_no_cores__are_refused)
{
    struct fixture f;
    struct mapping mapping;
    struct err err = ERR_INIT;
    struct exec_place places[64];
    fixture_shipped(&f, "comb-small-low-any", "tiny");
    fixture_random_mapping(&f.problem, 1, MAPPING_BY_LAYER, &mapping);
    CHECK_INT(ERR_VALUE, exec_run_places(&f.problem, &mapping, places, &err));
    CHECK(strstr(err.text, "no measured core") != NULL);
    mapping_release(&mapping);
    fixture_release(&f);
}

/* --- what the difference is made of ----------------------------------------------------------- */

static const char chain[] =
    "{ \"socweave\": \"dnn/1\", \"name\": \"chain\", \"inputs\": [ { \"name\": \"in\", \"shape\": "
    "[1, 1000] } ], \"layers\": [ { \"name\": \"a\", \"op\": \"gemm\", \"extents\": { \"m\": 1, "
    "\"n\": 1000, \"k\": 1000 }, \"inputs\": [\"in\"] }, { \"name\": \"b\", \"op\": \"gemm\", "
    "\"extents\": { \"m\": 1, \"n\": 1000, \"k\": 1000 }, \"inputs\": [\"a\"] } ] }";

/* a on core 0, b on core 1; each 2,001,000 ns; 1000 bytes at 1 GB/s over the link. */
TEST(exec_error__two_cores__parts_by_hand)
{
    struct fixture f;
    const char *graphs[] = { chain };
    char *soc = exec_case_soc(2, 1, false);
    fixture_from_text(&f, soc,
                      "{ \"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [ { "
                      "\"graph\": \"g0.json\" } ] }",
                      graphs, 1);
    struct mapping mapping;
    mapping_init(&mapping, 2);
    mapping.discipline = MAPPING_BY_LAYER;
    mapping.placements[0] = (struct placement){ .layer = 0, .group = 0, .accelerator = 0 };
    mapping.placements[1] = (struct placement){ .layer = 1, .group = 1, .accelerator = 1 };
    struct exec_event events[2] = { { 0, 0, 1500e3, 0 }, { 1510e3, 1513e3, 4013e3, 1000 } };
    struct exec_timeline timeline = { 4013e3, events };
    struct exec_error error;
    uint64_t busy_ps[2] = { 2001000000, 2001000000 };
    uint64_t predicted_ps = 2 * UINT64_C(2001000000) + 2 * 1000 * 1000; /* two links of the way */
    if (exec_error_replay(&f.problem, &mapping, busy_ps, true) !=
        2 * busy_ps[0] + problem_transfer_bytes_ps(&f.problem, 1000, 0, 1))
        test_fail(__FILE__, __LINE__, "the replay waits for another time");
    predicted_ps = exec_error_replay(&f.problem, &mapping, busy_ps, true);
    uint64_t way_ps = predicted_ps - 2 * busy_ps[0];
    exec_error_divide(&f.problem, &mapping, predicted_ps + 700, &timeline, 1, 0, &error);
    CHECK_INT((1500 + 2500 - 4002) * INT64_C(1000000), error.compute_ps);
    CHECK_INT(3 * INT64_C(1000000) - (int64_t)way_ps, error.copies_ps);
    CHECK_INT(10 * INT64_C(1000000), error.waits_ps);
    CHECK_INT(-700, error.modelled_ps);
    CHECK_INT((int64_t)4013 * 1000000 - (int64_t)predicted_ps - 700,
              error.compute_ps + error.copies_ps + error.waits_ps + error.modelled_ps);
    mapping_release(&mapping);
    fixture_release(&f);
    free(soc);
}
