/*
 * Every rule of the timing model by hand: docs/model.md M-30 to M-39. A byte takes a picosecond
 * wherever a rate is 1e12; times in the comments are ps.
 */
#include "sim/sim.h"
#include "tests/model/sim_problem.h"
#include "tests/model/twin.h"
#include "tests/test.h"

#define RING_2     "\"topology\": \"ring\", \"places\": 2, \"link_bytes_per_s\": 1e12"
#define CROSSBAR_3 "\"topology\": \"crossbar\", \"places\": 3, \"link_bytes_per_s\": 1e12"
#define FREE_RING  "\"topology\": \"ring\", \"places\": 2, \"link_bytes_per_s\": \"unlimited\""
#define SHARED_2   "\"scratchpad_bytes\": 1000, \"shared_layers_max\": 2"

static const enum mapping_discipline both[] = { MAPPING_BY_GROUP, MAPPING_BY_LAYER };

struct expected {
    const uint64_t *start_ps, *end_ps; /* by layer */
    uint64_t makespan_ps;
    bool idle; /* the analytic evaluator agrees */
};

static void check_schedule(const struct problem *problem, const struct schedule *schedule,
                           const struct expected *expected)
{
    for (size_t layer = 0; layer < problem->layer_count; layer++) {
        CHECK_INT(expected->start_ps[layer], schedule->start_ps[layer]);
        CHECK_INT(expected->end_ps[layer], schedule->end_ps[layer]);
    }
    CHECK_INT(expected->makespan_ps, schedule->makespan_ps);
}

static void check_mapping(const struct problem *problem, const struct mapping *mapping,
                          enum granularity granularity, const struct expected *expected)
{
    struct sim_options options = { .granularity = granularity };
    struct sim_result result;
    CHECK_OK(mapping_check(problem, mapping, NULL, granularity, err));
    CHECK_OK(sim_run(problem, mapping, &options, &result, err));
    check_schedule(problem, &result.schedule, expected);
    struct twin *twin = twin_new(problem);
    CHECK_INT(expected->makespan_ps, twin_run(twin, mapping, granularity));
    twin_free(twin);
    if (expected->idle) {
        CHECK_INT(expected->makespan_ps,
                  analytic_schedule(problem, mapping, granularity, &result.schedule));
        check_schedule(problem, &result.schedule, expected);
    }
    sim_result_release(&result);
}

/* Closes p, maps layer i to accelerators[i] in order, checks, releases p. */
static void check_in_order(struct sim_problem *p, enum mapping_discipline discipline,
                           enum granularity granularity, const uint16_t *accelerators,
                           const uint32_t *groups, const struct expected *expected)
{
    struct mapping mapping;
    sim_problem_close(p);
    sim_mapping(&mapping, discipline, p->problem.layer_count, accelerators, groups);
    check_mapping(&p->problem, &mapping, granularity, expected);
    mapping_release(&mapping);
    sim_problem_release(p);
}

#define PS(...)                                                                                    \
    (const uint64_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define ON(...)                                                                                    \
    (const uint16_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define GROUPS(...)                                                                                \
    (const uint32_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* --- accelerators --------------------------------------------------------------------------- */

TEST(sim__one_accelerator__runs_one_layer_after_the_other)
{
    for (size_t i = 0; i < 2; i++) {
        struct sim_problem p;
        sim_problem_open(&p, &(struct sim_soc){ RING_2, .accelerators = 1, .places = 2 }, 2);
        sim_layer(&p, 0, 10, 1);
        sim_layer(&p, 1, 20, 1);
        check_in_order(&p, both[i], GRANULARITY_LAYER, ON(0, 0), NULL,
                       &(struct expected){ PS(0, 10), PS(10, 30), 30, true });
    }
}

/* Two layers of 10 and 20 ps, by layer, on an accelerator of 16 PEs, 1000 bytes and 2 slots, with a
 * third one behind them. */
static void check_shared(uint32_t pes, uint64_t bytes, const struct expected *expected)
{
    struct sim_problem p;
    const struct sim_soc soc = { RING_2, .accelerators = 1, .places = 2, .accelerator = SHARED_2 };
    sim_problem_open(&p, &soc, 3);
    sim_layer(&p, 0, 10, 1);
    sim_layer(&p, 1, 20, 1);
    sim_layer(&p, 2, 5, 1);
    for (uint32_t layer = 0; layer < 2; layer++) {
        sim_option(&p, layer, 0, 0)->pes = pes;
        sim_option(&p, layer, 0, 0)->scratchpad_bytes = bytes;
    }
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0, 0, 0), NULL, expected);
}

TEST(sim__layers_that_fit__share_pes_until_the_slots_are_taken)
{
    /* 8 + 8 PEs and 500 + 500 bytes just fit; the third waits for a slot: at 10. */
    check_shared(8, 500, &(struct expected){ PS(0, 0, 10), PS(10, 20, 15), 20, true });
}

TEST(sim__one_pe_too_many__waits)
{
    /* 9 + 9 > 16: the second from 10 to 30, the third beside it. */
    check_shared(9, 500, &(struct expected){ PS(0, 10, 10), PS(10, 30, 15), 30, true });
}

TEST(sim__one_byte_of_scratchpad_too_many__waits)
{
    check_shared(8, 501, &(struct expected){ PS(0, 10, 10), PS(10, 30, 15), 30, true });
}

TEST(sim__issue_in_order__holds_back_a_layer_that_is_ready)
{
    /* Layer 1 waits on a0 for layer 0 of a1 (50 ps, 0 bytes); layer 2 is listed after it and starts
     * with it at 50, though a0 is idle from the beginning. */
    struct sim_problem p;
    const struct sim_soc soc = { RING_2, .accelerators = 2, .places = 2, .accelerator = SHARED_2 };
    sim_problem_open(&p, &soc, 3);
    sim_layer(&p, 0, 50, 1);
    sim_layer(&p, 1, 10, 1);
    sim_layer(&p, 2, 7, 1);
    sim_edge(&p, 0, 1, 0);
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(1, 0, 0), NULL,
                   &(struct expected){ PS(0, 50, 50), PS(50, 60, 57), 60, true });
}

TEST(sim__group__results_leave_when_its_last_layer_ends)
{
    /* Layers 0 (10 ps) and 1 (40 ps) are a group on a0; layer 2 on a1 reads 5 bytes of layer 0.
     * They leave at 40, not at 10: 40 + 5 = 45 … 48. */
    struct sim_problem p;
    const struct sim_soc soc = { RING_2, .accelerators = 2, .places = 2, .accelerator = SHARED_2 };
    sim_problem_open(&p, &soc, 3);
    sim_layer(&p, 0, 10, 1);
    sim_layer(&p, 1, 40, 1);
    sim_layer(&p, 2, 3, 1);
    sim_edge(&p, 0, 2, 5);
    check_in_order(&p, MAPPING_BY_GROUP, GRANULARITY_LAYER, ON(0, 0, 1), GROUPS(0, 0, 1),
                   &(struct expected){ PS(0, 0, 45), PS(10, 40, 48), 48, true });
}

TEST(sim__group__starts_when_the_one_before_has_ended_as_a_whole)
{
    /* Group {0, 1} on a0 ends at 40. Of group {2, 3} there, 3 is ready at once and starts at 40;
     * 2 waits for layer 0's 25 bytes over the local port: 40 + 25 = 65. */
    static const uint64_t local[] = { UINT64_C(1000000000000) };
    struct sim_problem p;
    const struct sim_soc soc = { RING_2, .accelerators = 1, .places = 2, .accelerator = SHARED_2,
                                 .local_bytes_per_s = local };
    sim_problem_open(&p, &soc, 4);
    sim_layer(&p, 0, 10, 1);
    sim_layer(&p, 1, 40, 1);
    sim_layer(&p, 2, 3, 1);
    sim_layer(&p, 3, 4, 1);
    sim_edge(&p, 0, 2, 25);
    check_in_order(&p, MAPPING_BY_GROUP, GRANULARITY_LAYER, ON(0, 0, 0, 0), GROUPS(0, 0, 1, 1),
                   &(struct expected){ PS(0, 0, 65, 40), PS(10, 40, 68, 44), 68, true });
}

/* --- network -------------------------------------------------------------------------------- */

/* Layer 0 (10 ps) on a0 sends `bytes` to layer 1 (5 ps) on the accelerator at the place opposite
 * on a ring of 4: two links of 1 ps per byte and `latency` ns each. */
static void check_two_hops(bool cut_through, const char *latency, uint64_t bytes, uint32_t tiles,
                           const struct expected *expected)
{
    struct sim_problem p;
    char network[128];
    snprintf(network, sizeof network,
             "\"topology\": \"ring\", \"places\": 4, \"link_bytes_per_s\": 1e12, "
             "\"hop_latency_ns\": %s",
             latency);
    const struct sim_soc soc = { network, .cut_through = cut_through, .accelerators = 3,
                                 .places = 4 };
    sim_problem_open(&p, &soc, 2);
    sim_layer(&p, 0, 10, 1);
    sim_layer(&p, 1, 5, tiles);
    sim_edge(&p, 0, 1, bytes);
    check_in_order(&p, MAPPING_BY_LAYER, tiles > 1 ? GRANULARITY_TILE : GRANULARITY_LAYER, ON(0, 2),
                   NULL, expected);
}

TEST(sim__store_and_forward__serialises_on_every_link)
{
    /* 10 + 2 * (100 + 7) = 224 */
    check_two_hops(false, "0.007", 100, 1,
                   &(struct expected){ PS(0, 224), PS(10, 229), 229, true });
}

TEST(sim__cut_through__serialises_once)
{
    /* 10 + 100 + 2 * 7 = 124 */
    check_two_hops(true, "0.007", 100, 1, &(struct expected){ PS(0, 124), PS(10, 129), 129, true });
}

TEST(sim__no_bytes__arrive_at_once)
{
    check_two_hops(false, "0.007", 0, 1, &(struct expected){ PS(0, 10), PS(10, 15), 15, true });
}

TEST(sim__tiles_of_one_flow__follow_each_other_through_the_links)
{
    /* 100 bytes in 5 packets of 20, store and forward: the first arrives at 10 + 2 * 20 = 50, the
     * others 20 apart, the last at 130; tiles of 1 ps end at 51, 71, 91, 111, 131. */
    check_two_hops(false, "0", 100, 5, &(struct expected){ PS(0, 50), PS(10, 131), 131, true });
}

TEST(sim__tiles_without_bytes__still_wait_for_those_that_have_some)
{
    /* 3 bytes in 5 packets: 0, 1, 0, 1, 1. The layer starts at 10; packet 1 arrives at 12, packet 3
     * at 13, packet 4 at 14. Tiles: 10-11, 12-13, 13-14, 14-15, 15-16. */
    check_two_hops(false, "0", 3, 5, &(struct expected){ PS(0, 10), PS(10, 16), 16, true });
}

TEST(sim__two_flows_on_one_link__lower_reader_first)
{
    /* Layer 0 ends at 10; 100 bytes to layer 1 and 50 to layer 2, both on a1: the link serves
     * layer 1's until 110, then layer 2's until 160. */
    struct sim_problem p;
    const struct sim_soc soc = { RING_2, .accelerators = 2, .places = 2, .accelerator = SHARED_2 };
    sim_problem_open(&p, &soc, 3);
    sim_layer(&p, 0, 10, 1);
    sim_edge(&p, 0, 1, 100);
    sim_edge(&p, 0, 2, 50);
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0, 1, 1), NULL,
                   &(struct expected){ PS(0, 110, 160), PS(10, 111, 161), 161, false });
}

TEST(sim__two_flows_on_one_port__lower_reader_first)
{
    /* The same within an accelerator, whose port needs 2 ps per byte: 10 + 200, + 100. */
    static const uint64_t local[] = { UINT64_C(500000000000) };
    struct sim_problem p;
    const struct sim_soc soc = { RING_2, .accelerators = 1, .places = 2, .accelerator = SHARED_2,
                                 .local_bytes_per_s = local };
    sim_problem_open(&p, &soc, 3);
    sim_layer(&p, 0, 10, 1);
    sim_edge(&p, 0, 1, 100);
    sim_edge(&p, 0, 2, 50);
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0, 0, 0), NULL,
                   &(struct expected){ PS(0, 210, 310), PS(10, 211, 311), 311, false });
}

TEST(sim__requests_of_one_instant__are_ordered_by_reader_not_by_module)
{
    /* On a bus, layer 0 on a0 sends 100 bytes to layer 3, layer 1 on a1 60 bytes to layer 2, both
     * at 10. Layer 2 reads first: 10 + 60 = 70, then layer 3: 170. */
    struct sim_problem p;
    const struct sim_soc soc = { "\"topology\": \"bus\", \"places\": 4, \"link_bytes_per_s\": 1e12",
                                 .accelerators = 4, .places = 4 };
    sim_problem_open(&p, &soc, 4);
    sim_layer(&p, 0, 10, 1);
    sim_layer(&p, 1, 10, 1);
    sim_edge(&p, 0, 3, 100);
    sim_edge(&p, 1, 2, 60);
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0, 1, 2, 3), NULL,
                   &(struct expected){ PS(0, 0, 70, 170), PS(10, 10, 71, 171), 171, false });
}

TEST(sim__earlier_request__is_served_before_a_lower_number)
{
    /* As above, but layer 1 ends at 11, one too late: layer 3 from 10 to 110, layer 2 until 170. */
    struct sim_problem p;
    const struct sim_soc soc = { "\"topology\": \"bus\", \"places\": 4, \"link_bytes_per_s\": 1e12",
                                 .accelerators = 4, .places = 4 };
    sim_problem_open(&p, &soc, 4);
    sim_layer(&p, 0, 10, 1);
    sim_layer(&p, 1, 11, 1);
    sim_edge(&p, 0, 3, 100);
    sim_edge(&p, 1, 2, 60);
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0, 1, 2, 3), NULL,
                   &(struct expected){ PS(0, 0, 170, 110), PS(10, 11, 171, 111), 171, false });
}

TEST(sim__cut_through__a_head_waits_for_a_busy_link)
{
    /* a0 sends 100 and a1 50 bytes to a2 at 10 through a crossbar: both heads come to link in2 at
     * 10. Layer 0's packet has it until 110, layer 1's, whose tail came at 60, until 160. */
    struct sim_problem p;
    const struct sim_soc soc = { CROSSBAR_3, .cut_through = true, .accelerators = 3, .places = 3 };
    sim_problem_open(&p, &soc, 3);
    sim_layer(&p, 0, 10, 1);
    sim_layer(&p, 1, 10, 1);
    sim_edge(&p, 0, 2, 100);
    sim_edge(&p, 1, 2, 50);
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0, 1, 2), NULL,
                   &(struct expected){ PS(0, 0, 160), PS(10, 10, 161), 161, false });
}

TEST(sim__cut_through__a_fast_link_waits_for_the_tail_of_a_slow_one)
{
    /* p0 > p1 needs 4 ps per byte, p1 > p2 one, 5 latency each: done at 10 + 400, its tail is at p1
     * at 415, and that is when the second link is done, too: 415 + 5. */
    struct sim_problem p;
    const struct sim_soc soc = {
        "\"topology\": \"links\", \"places\": [\"p0\", \"p1\", \"p2\"], \"links\": ["
        "{\"from\": \"p0\", \"to\": \"p1\", \"bytes_per_s\": 25e10, \"latency_ns\": 0.005},"
        "{\"from\": \"p1\", \"to\": \"p2\", \"bytes_per_s\": 1e12, \"latency_ns\": 0.005},"
        "{\"from\": \"p2\", \"to\": \"p0\", \"bytes_per_s\": 1e12}]",
        .cut_through = true, .accelerators = 3, .places = 3
    };
    sim_problem_open(&p, &soc, 2);
    sim_layer(&p, 0, 10, 1);
    sim_edge(&p, 0, 1, 100);
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0, 2), NULL,
                   &(struct expected){ PS(0, 420), PS(10, 421), 421, true });
}

/* --- memory --------------------------------------------------------------------------------- */

#define CHANNEL(rate, latency_ns)                                                                  \
    "{\"name\": \"m\", \"place\": 1, \"bytes_per_s\": " rate ", \"latency_ns\": " latency_ns "}"

TEST(sim__memory_channel__serves_one_read_after_the_other)
{
    /* Layers 0 and 1 on a0 and a1 read 100 bytes each at 0: the channel needs 200 for each and 5 of
     * latency. a1 stands at the channel: its read is there at 400 + 5. a0 is a link away:
     * 200 + 5 + 100 = 305. Computing (50 ps) hides behind it. */
    struct sim_problem p;
    const struct sim_soc soc = { RING_2, .memory = CHANNEL("500e9", "0.005"), .accelerators = 2,
                                 .places = 2 };
    sim_problem_open(&p, &soc, 2);
    for (uint32_t layer = 0; layer < 2; layer++) {
        sim_layer(&p, layer, 50, 1);
        sim_option(&p, layer, layer, 0)->memory_read_bytes = 100;
    }
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0, 1), NULL,
                   &(struct expected){ PS(0, 0), PS(305, 405), 405, false });
}

TEST(sim__memory_read_alone__takes_the_options_time)
{
    /* 200 + 5 + 100, as the option says; the layer computes for 306: one more. */
    for (uint64_t compute_ps = 304; compute_ps <= 306; compute_ps++) {
        struct sim_problem p;
        const struct sim_soc soc = { RING_2, .memory = CHANNEL("500e9", "0.005"), .accelerators = 1,
                                     .places = 2 };
        uint64_t end_ps = compute_ps == 306 ? 306 : 305;
        sim_problem_open(&p, &soc, 1);
        sim_layer(&p, 0, compute_ps, 1);
        sim_option(&p, 0, 0, 0)->memory_read_bytes = 100;
        check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0), NULL,
                       &(struct expected){ PS(0), PS(end_ps), end_ps, true });
    }
}

TEST(sim__write_back__counts_for_the_makespan_alone)
{
    /* Layer 0 ends at 10 and writes 30 bytes: link 30, channel 60 and 5. Layer 1 runs at 10. */
    struct sim_problem p;
    const struct sim_soc soc = { RING_2, .memory = CHANNEL("500e9", "0.005"), .accelerators = 1,
                                 .places = 2 };
    sim_problem_open(&p, &soc, 2);
    sim_layer(&p, 0, 10, 1);
    sim_option(&p, 0, 0, 0)->memory_write_bytes = 30;
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_LAYER, ON(0, 0), NULL,
                   &(struct expected){ PS(0, 10), PS(10, 11), 105, true });
}

/* A layer of 4 tiles of 10 ps that reads 4 packets of 10 bytes; the link takes no time. */
static void check_double_buffer(const char *channel, uint64_t end_ps)
{
    struct sim_problem p;
    const struct sim_soc soc = { FREE_RING, .memory = channel, .accelerators = 1, .places = 2 };
    sim_problem_open(&p, &soc, 1);
    sim_layer(&p, 0, 40, 4);
    sim_option(&p, 0, 0, 0)->memory_read_bytes = 40;
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_TILE, ON(0), NULL,
                   &(struct expected){ PS(0), PS(end_ps), end_ps, true });
}

TEST(sim__double_buffering__hides_memory_behind_computing)
{
    /* Packets 0, 1 at 10, 20. Tile 0: 10-20; packet 2: 20-30. Tile 1: 20-30; packet 3: 30-40.
     * Tile 2: 30-40. Tile 3: 40-50. */
    check_double_buffer(CHANNEL("1e12", "0"), 50);
}

TEST(sim__double_buffering__slow_memory_decides)
{
    /* 20 ps per packet: 20, 40. Tile 0: 20-30; packet 2 asked at 30, served 40-60. Tile 1: 40-50;
     * packet 3 asked at 50, served 60-80. Tile 2: 60-70. Tile 3: 80-90. */
    check_double_buffer(CHANNEL("500e9", "0"), 90);
}

TEST(sim__double_buffering__latency_shows_every_other_tile)
{
    /* Latency 30: packets 0, 1 at 40, 50. Tile 0: 40-50; packet 2: 50-60, here at 90. Tile 1:
     * 50-60; packet 3: 60-70, here at 100. Tile 2: 90-100. Tile 3: 100-110. */
    check_double_buffer(CHANNEL("1e12", "0.03"), 110);
}

TEST(sim__by_tile__computes_and_reads_while_inputs_come)
{
    /* Layer 0 on a1 ends at 10 and sends 40 bytes in 4 packets to layer 1 on a0: 20, 30, 40, 50.
     * Memory stands at a0 (place 0) and takes 4 ps per packet: it never shows. Layer 1 starts at
     * 20, memory packets 0 and 1 are there at 24 and 28; tiles of 5: 24-29, 30-35, 40-45, 50-55. */
    struct sim_problem p;
    const struct sim_soc soc = {
        RING_2,
        .memory = "{\"name\": \"m\", \"place\": 0, \"bytes_per_s\": 25e10, \"latency_ns\": 0}",
        .accelerators = 2, .places = 2
    };
    sim_problem_open(&p, &soc, 2);
    sim_layer(&p, 0, 10, 1);
    sim_layer(&p, 1, 20, 4);
    sim_option(&p, 1, 0, 0)->memory_read_bytes = 4;
    sim_edge(&p, 0, 1, 40);
    check_in_order(&p, MAPPING_BY_LAYER, GRANULARITY_TILE, ON(1, 0), NULL,
                   &(struct expected){ PS(0, 20), PS(10, 55), 55, true });
}
