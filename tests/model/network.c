/* Times of transfers on an idle network: docs/model.md M-20 to M-22. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/num.h"
#include "core/problem.h"
#include "core/rng.h"
#include "tests/fixture.h"
#include "tests/test.h"

#define ACCELERATOR(name, place)                                                                   \
    "{\"name\": \"" name "\", \"place\": " place ", \"clock_hz\": 1e9, \"pe_rows\": 8, "           \
    "\"pe_cols\": 8, \"dataflow\": \"systolic-ws\", \"supports\": [\"gemm\"], "                    \
    "\"scratchpad_bytes\": 1e6, \"local_bytes_per_s\": 32e9}"
#define SOC(network, accelerators)                                                                 \
    "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {" network                            \
    "}, \"accelerators\": [" accelerators                                                          \
    "], \"memory\": [{\"name\": \"dram\", \"unlimited\": true}], \"energy\": "                     \
    "{\"mac_pj\": 1, \"register_pj_per_byte\": 1, \"scratchpad_pj_per_byte\": 1, "                 \
    "\"hop_pj_per_byte\": 1, \"memory_pj_per_byte\": 1, \"pe_idle_pj_per_cycle\": 1}}"

static void load_soc(struct soc *soc, const char *text)
{
    char *file = file_join(test_temp_dir(), "soc.json");
    CHECK_OK(file_write(file, text, strlen(text), err));
    CHECK_OK(soc_load(soc, file, err));
    free(file);
}

/* a - b - c in a row: rates 1000, 500 and 2000 MB/s, latencies 7, 11 and 0 ns. */
#define CHAIN(switching)                                                                           \
    SOC("\"topology\": \"links\", \"switching\": \"" switching "\", "                              \
        "\"places\": [\"a\", \"b\", \"c\", \"d\"], \"links\": ["                                   \
        "{\"from\": \"a\", \"to\": \"b\", \"bytes_per_s\": 1e9, \"latency_ns\": 7, "               \
        "\"both_ways\": true}, "                                                                   \
        "{\"from\": \"b\", \"to\": \"c\", \"bytes_per_s\": 5e8, \"latency_ns\": 11, "              \
        "\"both_ways\": true}, "                                                                   \
        "{\"from\": \"c\", \"to\": \"d\", \"bytes_per_s\": 2e9, \"both_ways\": true}]",            \
        ACCELERATOR("x", "\"a\"") "," ACCELERATOR("y", "\"b\"") "," ACCELERATOR(                   \
            "z", "\"c\"") "," ACCELERATOR("w", "\"d\""))

TEST(network__store_and_forward__adds_every_link)
{
    struct soc soc;
    load_soc(&soc, CHAIN("store-and-forward"));
    /* 1000 B: 1 us at 1 GB/s; 2 us at 0.5 GB/s; 0.5 us at 2 GB/s. */
    CHECK_INT(1000000 + 7000, soc_route_ps(&soc, 0, 1, 1000));
    CHECK_INT(1007000 + 2000000 + 11000, soc_route_ps(&soc, 0, 2, 1000));
    CHECK_INT(3018000 + 500000, soc_route_ps(&soc, 0, 3, 1000));
    CHECK_INT(3518000, soc_route_ps(&soc, 3, 0, 1000));
    soc_release(&soc);
}

TEST(network__cut_through__pays_the_slowest_link_once)
{
    struct soc soc;
    load_soc(&soc, CHAIN("cut-through"));
    CHECK_INT(1000000 + 7000, soc_route_ps(&soc, 0, 1, 1000));
    /* The head is at b after 7 ns, the second link ends 2 us later, 11 ns to c. */
    CHECK_INT(7000 + 2000000 + 11000, soc_route_ps(&soc, 0, 2, 1000));
    /* The third link could end at 18 ns + 0.5 us, but the tail comes at 2.018 us. */
    CHECK_INT(2018000, soc_route_ps(&soc, 0, 3, 1000));
    soc_release(&soc);
}

TEST(network__part_of_a_picosecond__is_rounded_up_on_every_link)
{
    struct soc soc;
    load_soc(&soc, SOC("\"topology\": \"ring\", \"places\": 5, \"link_bytes_per_s\": 3e12, "
                       "\"switching\": \"store-and-forward\"",
                       ACCELERATOR("x", "0") "," ACCELERATOR("y", "2")));
    /* 1 B at 3 TB/s is 1/3 ps: 1 ps per link. 4 B: 4/3 ps. */
    CHECK_INT(2, soc_route_ps(&soc, 0, 2, 1));
    CHECK_INT(2, soc_route_ps(&soc, 0, 2, 3));
    CHECK_INT(4, soc_route_ps(&soc, 0, 2, 4));
    soc_release(&soc);
}

TEST(network__nothing_to_send__takes_no_time)
{
    struct soc soc;
    load_soc(&soc, CHAIN("cut-through"));
    CHECK_INT(0, soc_route_ps(&soc, 0, 3, 0));
    CHECK_INT(0, soc_route_ps(&soc, 1, 1, 1000));
    soc_release(&soc);
}

/* COMB's prototype divides the link's rate by the Manhattan distance: bytes / (link / hops). */
TEST(network__comb__bandwidth_over_distance)
{
    struct fixture f;
    fixture_shipped(&f, "comb-large-low", "tiny");
    const struct soc *soc = &f.soc;
    for (uint32_t from = 0; from < soc->accelerator_count; from++)
        for (uint32_t to = 0; to < soc->accelerator_count; to++) {
            uint32_t a = soc->accelerators[from].place, b = soc->accelerators[to].place;
            uint64_t columns = soc->network.columns;
            uint64_t distance = (uint64_t)llabs((int64_t)(a % columns) - (int64_t)(b % columns)) +
                                (uint64_t)llabs((int64_t)(a / columns) - (int64_t)(b / columns));
            /* 802,816 B = 56 x 56 x 256 at 0.8 GB/s: 1,003,520 ns per hop. */
            uint64_t expected =
                from == to ? 802816 * UINT64_C(1000) / 32 : 1003520 * UINT64_C(1000) * distance;
            CHECK_INT(expected, problem_transfer_bytes_ps(&f.problem, 802816, from, to));
        }
    fixture_release(&f);
}

/* --- against a packet that is followed link by link ------------------------------------------- */

struct hop {
    uint64_t rate, latency_ps;
};

/* Grants and ends of idle servers, one by one, as a discrete model would see them. */
static uint64_t follow_packet(const struct hop *hops, size_t count, uint64_t bytes,
                              bool cut_through)
{
    uint64_t head_ps = 0, tail_ps = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t grant_ps = cut_through ? head_ps : tail_ps;
        uint64_t done_ps = grant_ps;
        if (hops[i].rate != 0)
            done_ps += (bytes * UINT64_C(1000000000000) + hops[i].rate - 1) / hops[i].rate;
        if (done_ps < tail_ps)
            done_ps = tail_ps;
        tail_ps = done_ps + hops[i].latency_ps;
        head_ps = grant_ps + hops[i].latency_ps;
    }
    return tail_ps;
}

TEST(network__random_routes__equal_a_followed_packet)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct rng rng = rng_stream(seed, 1, 2);
        struct soc_link links[8];
        struct hop hops[8];
        uint32_t route_links[8], route_begin[5] = { 0 };
        size_t count = 1 + rng_below(&rng, 8);
        for (uint32_t i = 0; i < count; i++) {
            hops[i].rate = rng_below(&rng, 5) ? 1 + rng_below(&rng, 4000000) : 0;
            hops[i].latency_ps = rng_below(&rng, 3) ? rng_below(&rng, 1000000000) : 0;
            links[i] =
                (struct soc_link){ .bytes_per_s = hops[i].rate, .latency_ps = hops[i].latency_ps };
            route_links[i] = i;
        }
        /* Two places; the route from 0 to 1. */
        route_begin[2] = route_begin[3] = route_begin[4] = (uint32_t)count;
        struct soc soc = { .place_count = 2, .links = links, .link_count = count };
        soc.route_begin = route_begin;
        soc.route_links = route_links;
        uint64_t bytes = 1 + rng_below(&rng, 1000000);
        test_seed(seed);
        soc.switching = SOC_STORE_AND_FORWARD;
        CHECK_INT(follow_packet(hops, count, bytes, false), soc_route_ps(&soc, 0, 1, bytes));
        soc.switching = SOC_CUT_THROUGH;
        CHECK_INT(follow_packet(hops, count, bytes, true), soc_route_ps(&soc, 0, 1, bytes));
    }
}

TEST(network__times_beyond_63_bits__saturate)
{
    struct soc_link links[2] = { { .bytes_per_s = 1 }, { .bytes_per_s = 1 } };
    uint32_t route_begin[5] = { 0, 0, 2, 2, 2 }, route_links[2] = { 0, 1 };
    struct soc soc = { .place_count = 2, .links = links, .link_count = 2 };
    soc.route_begin = route_begin;
    soc.route_links = route_links;
    CHECK_INT(INT64_MAX, soc_route_ps(&soc, 0, 1, UINT64_C(1) << 62));
}

/* --- on one accelerator ----------------------------------------------------------------------- */

TEST(network__same_accelerator__uses_its_local_port)
{
    struct fixture f;
    fixture_shipped(&f, "comb-small-low", "tiny");
    /* 1 MB at 32 GB/s: 31.25 us, whatever the links. */
    CHECK_INT(31250000, problem_transfer_bytes_ps(&f.problem, 1000000, 2, 2));
    fixture_release(&f);
}

TEST(network__two_accelerators_at_one_place__cost_nothing_between_them)
{
    static const char soc[] = SOC("\"topology\": \"bus\", \"places\": 2, \"link_bytes_per_s\": 1e9",
                                  ACCELERATOR("x", "1") "," ACCELERATOR("y", "1"));
    static const char *const graph =
        "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [{\"name\": \"x\", \"shape\": "
        "[4, 4]}], \"layers\": [{\"name\": \"a\", \"op\": \"gemm\", \"extents\": {\"m\": 4, "
        "\"n\": 4, \"k\": 4}, \"inputs\": [\"x\"]}]}";
    struct fixture f;
    fixture_from_text(&f, soc,
                      "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [{\"graph\": "
                      "\"g0.json\"}]}",
                      &graph, 1);
    CHECK_INT(0, problem_transfer_bytes_ps(&f.problem, 1000, 0, 1));
    CHECK_INT(31250, problem_transfer_bytes_ps(&f.problem, 1000, 0, 0));
    fixture_release(&f);
}

/* The table that mappers read is the function that defines it. */
TEST(network__transfer_table__equals_the_formula)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct fixture f;
        struct fixture_shape shape = { .layers = 30, .networks = 2, .edge_probability = 0.5 };
        shape.accelerators = 1 + (unsigned)(seed % 9);
        shape.cut_through = seed % 2;
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        const struct problem *p = &f.problem;
        CHECK(p->pair_class_count <= p->accelerator_count * p->accelerator_count);
        for (size_t e = 0; e < p->edge_count; e++)
            for (uint32_t from = 0; from < p->accelerator_count; from++)
                for (uint32_t to = 0; to < p->accelerator_count; to++)
                    CHECK_INT(problem_transfer_bytes_ps(p, p->preds[e].bytes, from, to),
                              problem_transfer_ps(p, p->preds[e].size_class, from, to));
        fixture_release(&f);
    }
}
