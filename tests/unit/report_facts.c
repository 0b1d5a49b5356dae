/* What the reports derive from a run: shares, waits and the last chain of events add up. */
#include "reports/report_facts.h"

#include <stdlib.h>
#include <string.h>

#include "tests/model/sim_problem.h"
#include "tests/test.h"
#include "tests/unit/report_case.h"

#define CHECK_SEED(seed, condition)                                                                \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": %s", (seed), #condition);             \
    } while (0)

/* --- by hand --------------------------------------------------------------------------------- */

/* sim_problem has no workload: one graph of layers l0, l1, … */
struct hand {
    struct sim_problem p;
    struct workload workload;
    struct workload_network network;
    struct dnn graph;
    struct dnn_layer layers[8];
    uint32_t network_of[8];
    struct report_case c;
};

static void hand_open(struct hand *h, size_t layers, unsigned shared_layers_max)
{
    char members[96];
    snprintf(members, sizeof members, "\"scratchpad_bytes\": 1000, \"shared_layers_max\": %u",
             shared_layers_max);
    memset(h, 0, sizeof *h);
    /* A byte takes a picosecond on a link. */
    const struct sim_soc spec = {
        .network = "\"topology\": \"ring\", \"places\": 2, \"link_bytes_per_s\": 1e12",
        .accelerators = 2,
        .places = 2,
        .accelerator = members,
    };
    sim_problem_open(&h->p, &spec, layers);
}

static void hand_run(struct hand *h, const uint16_t *accelerators, const uint32_t *groups)
{
    sim_problem_close(&h->p);
    size_t layers = h->p.problem.layer_count;
    for (size_t i = 0; i < layers; i++)
        h->layers[i].name = "layer";
    h->graph = (struct dnn){ .name = "graph", .layer_count = layers, .layers = h->layers };
    h->network = (struct workload_network){ .name = "network" };
    h->workload = (struct workload){ .name = "workload",
                                     .graph_count = 1,
                                     .graphs = &h->graph,
                                     .network_count = 1,
                                     .networks = &h->network,
                                     .layer_count = layers };
    h->p.problem.workload = &h->workload;
    h->p.problem.network_count = 1;
    h->p.problem.network_of = h->network_of;
    struct mapping mapping;
    sim_mapping(&mapping, groups ? MAPPING_BY_GROUP : MAPPING_BY_LAYER, layers, accelerators,
                groups);
    report_case_run(&h->c, &h->p.problem, &mapping, GRANULARITY_LAYER);
}

static void hand_release(struct hand *h)
{
    report_case_release(&h->c);
    sim_problem_release(&h->p);
}

TEST(report_facts__input_on_its_way__transfer_and_dependency)
{
    /* l0: 0..100 on 0, its 50 bytes arrive at 150. l1: 0..60 on 1. l2 on 1: 150..350. */
    struct hand h;
    hand_open(&h, 3, 1);
    sim_layer(&h.p, 0, 100, 1);
    sim_layer(&h.p, 1, 60, 1);
    sim_layer(&h.p, 2, 200, 1);
    sim_edge(&h.p, 0, 2, 50);
    hand_run(&h, (const uint16_t[]){ 0, 1, 1 }, NULL);
    struct report_facts f;
    report_facts_init(&f, &h.c.report);
    CHECK_INT(350, f.makespan_ps);
    CHECK_INT(REPORT_WHY_TRANSFER, f.layers[2].why);
    CHECK_INT(100, f.layers[2].ready_ps);
    CHECK_INT(50, f.layers[2].transfer_ps);
    CHECK_INT(100, f.accelerators[0].state_ps[REPORT_COMPUTE]);
    CHECK_INT(250, f.accelerators[0].state_ps[REPORT_IDLE]);
    CHECK_INT(260, f.accelerators[1].state_ps[REPORT_COMPUTE]);
    CHECK_INT(40, f.accelerators[1].state_ps[REPORT_DEPENDENCY]);    /* 60..100 */
    CHECK_INT(50, f.accelerators[1].state_ps[REPORT_COMMUNICATION]); /* 100..150 */
    CHECK_INT(300, f.chain.compute_ps);                              /* l0 and l2 */
    CHECK_INT(50, f.chain.transfer_ps);
    CHECK_INT(100, f.chain.accelerator_ps[0]);
    CHECK_INT(2, f.chain.layer_count);
    report_facts_release(&f);
    hand_release(&h);
}

TEST(report_facts__accelerator_busy__is_what_the_layer_waits_for)
{
    /* As above, but l1 takes 170: l2's input is there at 150, the accelerator free at 170. */
    struct hand h;
    hand_open(&h, 3, 1);
    sim_layer(&h.p, 0, 100, 1);
    sim_layer(&h.p, 1, 170, 1);
    sim_layer(&h.p, 2, 200, 1);
    sim_edge(&h.p, 0, 2, 50);
    hand_run(&h, (const uint16_t[]){ 0, 1, 1 }, NULL);
    struct report_facts f;
    report_facts_init(&f, &h.c.report);
    CHECK_INT(REPORT_WHY_ACCELERATOR, f.layers[2].why);
    CHECK_INT(50, f.layers[2].transfer_ps);
    CHECK_INT(20, f.layers[2].accelerator_ps);
    CHECK_INT(370, f.chain.compute_ps); /* l1 and l2; l0 is not on it */
    CHECK_INT(0, f.chain.transfer_ps);
    CHECK_INT(1, f.chain.layers[1]);
    report_facts_release(&f);
    hand_release(&h);
}

TEST(report_facts__two_packets_on_one_link__second_is_contention)
{
    /* l0 and l1 end at 100 on 0; 50 bytes each to l2 and l3 on 1: there at 150 and 200. */
    struct hand h;
    hand_open(&h, 4, 2);
    for (uint32_t layer = 0; layer < 4; layer++)
        sim_layer(&h.p, layer, 100, 1);
    sim_edge(&h.p, 0, 2, 50);
    sim_edge(&h.p, 1, 3, 50);
    hand_run(&h, (const uint16_t[]){ 0, 0, 1, 1 }, NULL);
    struct report_facts f;
    report_facts_init(&f, &h.c.report);
    CHECK_INT(300, f.makespan_ps);
    CHECK_INT(REPORT_WHY_CONTENTION, f.layers[3].why);
    CHECK_INT(50, f.layers[3].transfer_ps);
    CHECK_INT(50, f.layers[3].contention_ps);
    CHECK_INT(50, f.layers[3].queued_ps);
    CHECK_INT(TRACE_LINK, f.layers[3].queue_resource);
    CHECK_INT(50, f.chain.contention_ps);
    CHECK_INT(50, f.chain.transfer_ps);
    CHECK_INT(200, f.chain.compute_ps);
    struct text words = { 0 };
    report_verdict(&f, &words);
    CHECK(strstr(words.data, "67% computing (33% on ") != NULL);
    CHECK(strstr(words.data, "17% moving data and 17% queueing behind other packets.") != NULL);
    text_release(&words);
    report_facts_release(&f);
    hand_release(&h);
}

TEST(report_facts__by_group__results_leave_with_the_last_member)
{
    /* l0 (100) and l1 (140) form a group on 0: l0's 50 bytes leave at 140. l2 on 1: 190..290. */
    struct hand h;
    hand_open(&h, 3, 2);
    sim_layer(&h.p, 0, 100, 1);
    sim_layer(&h.p, 1, 140, 1);
    sim_layer(&h.p, 2, 100, 1);
    sim_edge(&h.p, 0, 2, 50);
    hand_run(&h, (const uint16_t[]){ 0, 0, 1 }, (const uint32_t[]){ 0, 0, 1 });
    struct report_facts f;
    report_facts_init(&f, &h.c.report);
    CHECK_INT(290, f.makespan_ps);
    CHECK_INT(140, f.layers[2].ready_ps);
    CHECK_INT(1, f.chain.layers[1]); /* the member that ends last, not the producer */
    CHECK_INT(240, f.chain.compute_ps);
    CHECK_INT(140, f.accelerators[1].state_ps[REPORT_DEPENDENCY]);
    CHECK_INT(140, f.group_end_ps[0]);
    report_facts_release(&f);
    hand_release(&h);
}

/* --- what holds for every run ---------------------------------------------------------------- */

static void check_segments(const struct report_facts *f, uint64_t seed)
{
    uint64_t at_ps = 0;
    size_t accelerators = 0;
    for (size_t i = 0; i < f->segment_count; i++) {
        const struct report_segment *segment = &f->segments[i];
        CHECK_SEED(seed, segment->start_ps == at_ps && segment->end_ps > at_ps);
        at_ps = segment->end_ps;
        if (at_ps == f->makespan_ps) {
            CHECK_SEED(seed, segment->accelerator == accelerators);
            accelerators++;
            at_ps = 0;
        }
    }
    CHECK_SEED(seed, accelerators == f->report->problem->accelerator_count);
}

static void check_sums(const struct report_facts *f, uint64_t seed)
{
    const struct report_chain *chain = &f->chain;
    uint64_t computing_ps = 0, layers = 0;
    for (size_t a = 0; a < f->report->problem->accelerator_count; a++) {
        uint64_t sum_ps = 0;
        for (size_t state = 0; state < REPORT_STATE_COUNT; state++)
            sum_ps += f->accelerators[a].state_ps[state];
        CHECK_SEED(seed, sum_ps == f->makespan_ps);
        CHECK_SEED(seed, report_pe_frac(f, a) >= 0 && report_pe_frac(f, a) <= 1 + 1e-12);
        CHECK_SEED(seed, f->accelerators[a].scratchpad_peak_bytes <=
                             f->report->problem->soc->accelerators[a].scratchpad_bytes);
        computing_ps += chain->accelerator_ps[a];
        layers += f->accelerators[a].layer_count;
    }
    CHECK_SEED(seed, layers == f->report->problem->layer_count);
    CHECK_SEED(seed, computing_ps == chain->compute_ps);
    CHECK_SEED(seed, chain->compute_ps + chain->memory_ps + chain->transfer_ps +
                             chain->contention_ps + chain->other_ps ==
                         f->makespan_ps);
}

static void check_layers(const struct report_facts *f, uint64_t seed)
{
    for (size_t l = 0; l < f->report->problem->layer_count; l++) {
        const struct report_layer *at = &f->layers[l];
        CHECK_SEED(seed, at->ready_ps + at->transfer_ps + at->contention_ps + at->accelerator_ps ==
                             at->start_ps);
        CHECK_SEED(seed, at->compute_ps <= at->end_ps - at->start_ps);
    }
}

static void check_run(uint64_t seed)
{
    const struct fixture_shape shape = { .layers = 24,
                                         .networks = 3,
                                         .accelerators = 4,
                                         .edge_probability = 0.4,
                                         .finite_memory = seed % 3 == 0,
                                         .cut_through = seed % 5 < 2 };
    struct fixture fixture;
    struct report_case c;
    struct report_facts f;
    enum granularity granularity = seed / 2 % 2 ? GRANULARITY_TILE : GRANULARITY_LAYER;
    fixture_random(&fixture, seed, &shape);
    report_case_init(&c, &fixture.problem, seed, seed % 2 ? MAPPING_BY_LAYER : MAPPING_BY_GROUP,
                     granularity);
    report_facts_init(&f, &c.report);
    check_segments(&f, seed);
    check_sums(&f, seed);
    check_layers(&f, seed);
    /* Nothing is left unexplained. */
    CHECK_SEED(seed, f.chain.other_ps == 0);
    report_facts_release(&f);
    report_case_release(&c);
    fixture_release(&fixture);
}

TEST(report_facts__random_runs__every_instant_is_explained_once)
{
    for (uint64_t seed = 1; seed <= 60; seed++)
        check_run(seed);
}

TEST(report_facts__analytic_run__knows_no_contention)
{
    struct fixture fixture;
    struct report_case c;
    struct report_facts f;
    fixture_shipped(&fixture, "comb-small-low", "vision-light");
    report_case_init(&c, &fixture.problem, 3, MAPPING_BY_LAYER, GRANULARITY_LAYER);
    c.report.simulated = NULL;
    c.report.trace = NULL;
    c.report.links = c.report.locals = c.report.channels = NULL;
    report_facts_init(&f, &c.report);
    CHECK_INT(c.analytic.makespan_ps, f.makespan_ps);
    CHECK_INT(0, f.chain.contention_ps);
    CHECK_INT(0, f.chain.other_ps);
    for (size_t l = 0; l < fixture.problem.layer_count; l++)
        CHECK_INT(0, f.layers[l].contention_ps);
    report_facts_release(&f);
    report_case_release(&c);
    fixture_release(&fixture);
}
