/* Deadlines by hand: docs/model.md M-97 to M-99. */
#include "core/deadline.h"

#include <math.h>

#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* One product of 8 x 8 x 8 on a systolic array of 8 x 8 PEs: 8 + 2 · 8 + 8 - 2 = 30 cycles by
 * weight-stationary folds (M-01), 30 ns at 1 GHz. Memory is unlimited. */
#define PRODUCT_PS UINT64_C(30000)
static const char graph[] =
    "{\"socweave\": \"dnn/1\", \"name\": \"a\", \"inputs\": [{\"name\": \"x\", \"shape\": [8, "
    "8]}], "
    "\"layers\": [{\"name\": \"only\", \"op\": \"gemm\", \"extents\": {\"m\": 8, \"n\": 8, \"k\": "
    "8}, \"inputs\": [\"x\"]}]}";
static const char soc[] =
    "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {\"topology\": \"bus\", \"places\": "
    "1, \"link_bytes_per_s\": 1e9}, \"accelerators\": [{\"name\": \"npu\", \"place\": 0, "
    "\"clock_hz\": 1e9, \"pe_rows\": 8, \"pe_cols\": 8, \"dataflow\": \"systolic-ws\", "
    "\"supports\": [\"gemm\"], \"scratchpad_bytes\": 65536}], \"memory\": [{\"name\": \"dram\", "
    "\"unlimited\": true}], \"energy\": {\"mac_pj\": 0, \"register_pj_per_byte\": 0, "
    "\"scratchpad_pj_per_byte\": 0, \"hop_pj_per_byte\": 0, \"memory_pj_per_byte\": 0, "
    "\"pe_idle_pj_per_cycle\": 0}}";

struct hand {
    struct fixture f;
    struct mapping mapping;
    struct schedule analytic;
    struct sim_result sim;
};

/* In the order of the networks, one after the other on the only accelerator. */
static void hand_init(struct hand *h, const char *networks)
{
    static const char *const graphs[] = { graph };
    char workload[1024];
    snprintf(workload, sizeof workload,
             "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [%s]}", networks);
    fixture_from_text(&h->f, soc, workload, graphs, 1);
    size_t layers = h->f.problem.layer_count;
    mapping_init(&h->mapping, layers);
    h->mapping.discipline = MAPPING_BY_LAYER;
    for (uint32_t i = 0; i < layers; i++)
        h->mapping.placements[i] = (struct placement){ .layer = i, .group = i };
    schedule_init(&h->analytic, layers);
    analytic_schedule(&h->f.problem, &h->mapping, GRANULARITY_LAYER, &h->analytic);
    struct sim_options options = { .granularity = GRANULARITY_LAYER };
    CHECK_OK(sim_run(&h->f.problem, &h->mapping, &options, &h->sim, err));
    CHECK_OK(mapping_check(&h->f.problem, &h->mapping, &h->sim.schedule, GRANULARITY_LAYER, err));
}

static void hand_release(struct hand *h)
{
    sim_result_release(&h->sim);
    schedule_release(&h->analytic);
    mapping_release(&h->mapping);
    fixture_release(&h->f);
}

/* a#0 runs 0 to 30 ns, a#1 100 to 130 ns, b (released at 110 ns, due 35 ns later, at 145 ns) waits
 * for a#1 and runs 130 to 160 ns: late by 15 ns. */
TEST(deadline__three_frames_on_one_array__one_is_late_by_hand)
{
    struct hand h;
    hand_init(&h, "{\"graph\": \"g0.json\", \"period_ns\": 100, \"deadline_ns\": 30}, {\"graph\": "
                  "\"g0.json\", \"name\": \"b\", \"period_ns\": 200, \"offset_ns\": 110, "
                  "\"deadline_ns\": 35}");
    CHECK_INT(3, h.f.problem.layer_count);
    const struct schedule *times[] = { &h.analytic, &h.sim.schedule };
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(0, times[i]->start_ps[0]);
        CHECK_INT(PRODUCT_PS, times[i]->end_ps[0]);
        CHECK_INT(100000, times[i]->start_ps[1]);
        CHECK_INT(100000 + PRODUCT_PS, times[i]->start_ps[2]);
        CHECK_INT(160000, times[i]->makespan_ps);
        struct punctuality got =
            deadline_judge(&h.f.problem, times[i]->start_ps, times[i]->end_ps, NULL);
        CHECK_INT(3, got.frames); /* a exactly on time, twice */
        CHECK_INT(1, got.misses);
        CHECK_INT(0, got.dropped);
        CHECK_INT(15000, got.worst_lateness_ps);
        CHECK_INT(15000, got.total_lateness_ps);
        CHECK_INT(30000 + 30000 + 50000, got.total_latency_ps);
        CHECK_INT(30000 + 30000 + 35000, got.total_allowed_ps);
        /* 1 + 0.999 · 15,000 / (15,000 + 1e10) + 0.001 · 160,000 / (160,000 + 1e10) */
        CHECK(fabs(deadline_value(&got, 160000) - 1.0000015144977) < 1e-12);
    }
    hand_release(&h);
}

/* One picosecond decides between a miss and none. */
TEST(deadline__an_end_on_the_deadline__is_in_time)
{
    struct hand h;
    hand_init(&h, "{\"graph\": \"g0.json\", \"deadline_ns\": 30}, {\"graph\": \"g0.json\", "
                  "\"name\": \"b\", \"deadline_ns\": 59.999}");
    struct punctuality got =
        deadline_judge(&h.f.problem, h.analytic.start_ps, h.analytic.end_ps, NULL);
    CHECK_INT(2, got.frames);
    CHECK_INT(1, got.misses);
    CHECK_INT(1, got.worst_lateness_ps);
    hand_release(&h);
}

/*
 * Ends at 30 and 60 ns. a is due at 100,030 ns, 0.1 ms after its end: 1 / (1 + e^-1.5) =
 * 0.817574; 750 mJ leave half of 1500: 0.408787. b starts at 30 ns and is due then: dropped. c has
 * no deadline. Mean of a and b: 0.204394. With b's deadline at 100,060 ns and no energy: 0.817574;
 * the mean is 0.613181.
 */
TEST(deadline__xrbench__scores_by_hand)
{
    static const double network_pj[] = { 750e9, 0, 0 };
    const struct {
        const char *due_ns;
        uint64_t dropped;
        double score;
    } rows[] = { { "30", 1, 0.2043936 }, { "100060", 0, 0.6131807 } };
    for (size_t i = 0; i < 2; i++) {
        struct hand h;
        char networks[512];
        snprintf(networks, sizeof networks,
                 "{\"graph\": \"g0.json\", \"deadline_ns\": 100030}, {\"graph\": \"g0.json\", "
                 "\"name\": \"b\", \"deadline_ns\": %s}, {\"graph\": \"g0.json\", \"name\": \"c\"}",
                 rows[i].due_ns);
        hand_init(&h, networks);
        struct punctuality got =
            deadline_judge(&h.f.problem, h.analytic.start_ps, h.analytic.end_ps, network_pj);
        CHECK_INT(2, got.frames);
        CHECK_INT(rows[i].dropped, got.dropped);
        CHECK(fabs(got.xrbench_score - rows[i].score) < 1e-6);
        hand_release(&h);
    }
}
