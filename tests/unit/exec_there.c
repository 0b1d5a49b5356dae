/* Networks on cores and on a device with a memory of its own, which is emulated here. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "exec/exec_probe.h"
#include "exec/exec_run.h"
#include "tests/model/cuda_fake.h"
#include "tests/test.h"
#include "tests/unit/exec_case.h"

/* What the device takes goes there; returns how many layers that are. */
static size_t place_there(const struct workload *workload, struct exec_place *places)
{
    size_t count = 0;
    for (uint32_t i = 0; i < workload->layer_count; i++)
        if (exec_plan_takes(&backend_cuda, workload_layer(workload, i))) {
            places[i].backend = &backend_cuda;
            count++;
        }
    return count;
}

TEST(exec_there__every_operator__equals_the_reference)
{
    struct fixture f;
    struct exec_net *net;
    struct cuda_fake *fake = cuda_fake_begin();
    exec_case_fixture(&f, 1, 1, exec_case_many);
    struct exec_place *places = exec_case_places(&f.problem);
    size_t there = place_there(&f.workload, places);
    CHECK(there >= 2 * 8 && there < f.workload.layer_count);
    CHECK_OK(exec_net_new(&net, &f.workload, places, 3, err));
    CHECK_OK(exec_net_poison(net, err));
    for (uint32_t i = 0; i < net->layer_count; i++)
        CHECK_OK(exec_net_compute(net, i, err));
    CHECK_OK(exec_net_collect(net, err));
    exec_case_check(net);
    CHECK(fake->launches >= there);
    exec_net_free(net);
    free(places);
    fixture_release(&f);
    cuda_fake_end();
}

/* Two products on the device, one after the other: nothing comes back between them, and only the
 * poison goes there. */
static const char chain[] =
    "{ \"socweave\": \"dnn/1\", \"name\": \"chain\", \"inputs\": [ { \"name\": \"in\", \"shape\": "
    "[8, 64] } ], \"layers\": [ { \"name\": \"a\", \"op\": \"gemm\", \"extents\": { \"m\": 8, "
    "\"n\": 48, \"k\": 64 }, \"inputs\": [\"in\"] }, { \"name\": \"b\", \"op\": \"gemm\", "
    "\"extents\": { \"m\": 8, \"n\": 32, \"k\": 48 }, \"inputs\": [\"a\"], \"epilogue\": "
    "[\"relu\"] } ] }";

TEST(exec_there__chain_on_the_device__stays_there)
{
    struct fixture f;
    struct exec_net *net;
    struct cuda_fake *fake = cuda_fake_begin();
    exec_case_fixture(&f, 1, 1, chain);
    struct exec_place *places = exec_case_places(&f.problem);
    CHECK_INT(4, place_there(&f.workload, places));
    CHECK_OK(exec_net_new(&net, &f.workload, places, 3, err));
    CHECK_OK(exec_net_poison(net, err));
    fake->uploaded_bytes = fake->downloaded_bytes = 0;
    for (uint32_t i = 0; i < net->layer_count; i++)
        CHECK_OK(exec_net_compute(net, i, err));
    CHECK_INT(0, fake->uploaded_bytes);
    CHECK_INT(0, fake->downloaded_bytes);
    CHECK_OK(exec_net_collect(net, err));
    CHECK_INT(2 * (8 * 48 + 8 * 32), fake->downloaded_bytes);
    exec_case_check(net);
    exec_net_free(net);
    free(places);
    fixture_release(&f);
    cuda_fake_end();
}

TEST(exec_there__probe__times_a_layer_and_the_link)
{
    struct fixture f;
    struct exec_net *net;
    struct exec_probe_link to = { 0 }, from = { 0 };
    cuda_fake_begin();
    exec_case_fixture(&f, 1, 1, chain);
    struct exec_place *places = exec_case_places(&f.problem);
    places[1].backend = &backend_cuda; /* its input comes from a core */
    CHECK_OK(exec_net_new(&net, &f.workload, places, 3, err));
    struct err why = ERR_INIT;
    CHECK(exec_probe_layer(net, 1, 3, 4096, &why) > 0);
    CHECK_INT(ERR_OK, why.code);
    CHECK_OK(exec_probe_device(&backend_cuda, 1 << 20, 3, &to, &from, err));
    CHECK(to.bytes_per_s > 0 && from.bytes_per_s > 0 && to.latency_ns > 0);
    exec_net_free(net);
    free(places);
    fixture_release(&f);
    cuda_fake_end();
}

/* --- a core and the device ---------------------------------------------------------------------
 */

static void mixed_fixture(struct fixture *f, const char *graph)
{
    if (exec_case_cores() < 2)
        test_skip("two cores are needed");
    char *soc = exec_case_soc(1, 1, true);
    fixture_from_text(f, soc, exec_case_workload, &graph, 1);
    free(soc);
}

struct mixed {
    struct fixture f;
    struct mapping mapping;
    struct exec_place places[64];
    struct exec_net *net;
    struct exec_runner *runner;
};

static void mixed_new(struct mixed *m, const char *graph, uint64_t seed)
{
    *m = (struct mixed){ .net = NULL };
    mixed_fixture(&m->f, graph);
    fixture_random_mapping(&m->f.problem, seed, MAPPING_BY_LAYER, &m->mapping);
    CHECK_OK(exec_run_places(&m->f.problem, &m->mapping, m->places, err));
    CHECK_OK(exec_net_new(&m->net, &m->f.workload, m->places, seed, err));
    CHECK_OK(exec_runner_new(&m->runner, m->net, &m->f.problem, &m->mapping, err));
}

static void mixed_free(struct mixed *m)
{
    exec_runner_free(m->runner);
    exec_net_free(m->net);
    mapping_release(&m->mapping);
    fixture_release(&m->f);
}

TEST(exec_run__core_and_device__random_mappings_equal_the_reference)
{
    struct cuda_fake *fake = cuda_fake_begin();
    uint64_t copied = 0, computed_there = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct mixed m;
        test_seed(seed);
        mixed_new(&m, exec_case_many, seed);
        for (int round = 0; round < 2; round++) {
            struct exec_timeline timeline;
            CHECK_OK(exec_runner_run(m.runner, NULL, &timeline, err));
            exec_case_check(m.net);
            for (size_t i = 0; i < m.net->layer_count; i++) {
                copied += timeline.layers[i].copied_bytes;
                computed_there += m.places[i].backend == &backend_cuda;
            }
            exec_timeline_release(&timeline);
        }
        mixed_free(&m);
    }
    CHECK(copied > 0 && computed_there > 20);
    CHECK(fake->uploaded_bytes > 0 && fake->downloaded_bytes > 0);
    cuda_fake_end();
}

/* Lost at each of the first launches of a run: the layer is named, all memory given back, one
 * reset, and after it everything runs. */
TEST(exec_run__device_lost__names_the_layer_and_the_next_net_runs)
{
    struct cuda_fake *fake = cuda_fake_begin();
    for (uint64_t at = 0; at < 3; at++) {
        struct mixed m;
        struct exec_timeline timeline;
        struct err why = ERR_INIT;
        mixed_new(&m, exec_case_many, 2);
        uint64_t resets = fake->resets, there = 0;
        for (size_t i = 0; i < m.net->layer_count; i++)
            there += m.places[i].backend == &backend_cuda;
        CHECK(there > at);
        CHECK_OK(exec_runner_run(m.runner, NULL, &timeline, err));
        exec_timeline_release(&timeline);
        fake->launches_to_go = at;
        CHECK_INT(ERR_DEVICE, exec_runner_run(m.runner, NULL, &timeline, &why));
        CHECK(strstr(why.text, "layer \"many#") != NULL);
        CHECK(strstr(why.text, "unspecified launch failure") != NULL);
        CHECK(timeline.layers == NULL);
        CHECK_INT(resets, fake->resets);
        mixed_free(&m);
        CHECK_INT(resets + 1, fake->resets);
        CHECK_INT(0, fake->used_bytes);
        mixed_new(&m, exec_case_many, 2);
        CHECK_OK(exec_runner_run(m.runner, NULL, &timeline, err));
        exec_case_check(m.net);
        exec_timeline_release(&timeline);
        mixed_free(&m);
    }
    cuda_fake_end();
}

/* Full at each of the allocations in turn, of the net and of the copies. */
TEST(exec_run__device_full__names_the_layer_and_gives_all_back)
{
    struct cuda_fake *fake = cuda_fake_begin();
    struct fixture f;
    struct mapping mapping;
    struct exec_place places[64];
    size_t refused = 0, memory_bytes = 0;
    mixed_fixture(&f, chain);
    fixture_random_mapping(&f.problem, 2, MAPPING_BY_LAYER, &mapping);
    CHECK_OK(exec_run_places(&f.problem, &mapping, places, err));
    for (enum err_code rc = ERR_DEVICE; rc != ERR_OK; memory_bytes += 512) {
        struct exec_net *net = NULL;
        struct exec_runner *runner = NULL;
        struct err why = ERR_INIT;
        fake->memory_bytes = memory_bytes;
        rc = exec_net_new(&net, &f.workload, places, 1, &why);
        if (rc == ERR_OK)
            rc = exec_runner_new(&runner, net, &f.problem, &mapping, &why);
        CHECK(rc == ERR_OK || rc == ERR_DEVICE);
        CHECK(rc == ERR_OK || strstr(why.text, "out of memory") != NULL);
        CHECK(rc == ERR_OK || strstr(why.text, "layer \"chain#") != NULL);
        refused += rc != ERR_OK;
        exec_runner_free(runner);
        exec_net_free(net);
        CHECK_INT(0, fake->used_bytes);
    }
    CHECK(refused > 3);
    CHECK_INT(0, fake->resets);
    mapping_release(&mapping);
    fixture_release(&f);
    cuda_fake_end();
}

TEST(exec_run__device_not_here__says_why)
{
    struct fixture f;
    struct mapping mapping;
    struct exec_place places[64];
    struct err why = ERR_INIT;
    struct cuda_fake *fake = cuda_fake_begin();
    mixed_fixture(&f, chain);
    fixture_random_mapping(&f.problem, 1, MAPPING_BY_LAYER, &mapping);
    fake->state = BACKEND_NO_DEVICE;
    CHECK_INT(ERR_UNAVAILABLE, exec_run_places(&f.problem, &mapping, places, &why));
    CHECK_STR("accelerator \"gpu\" of \"host\" is a device of backend cuda: no device", why.text);
    mapping_release(&mapping);
    fixture_release(&f);
    cuda_fake_end();
}
