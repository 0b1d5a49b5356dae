/* Topologies, routes, places, and that a SoC survives being written. */
#include "core/soc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/text.h"
#include "tests/fixture.h"
#include "tests/test.h"

#define CORE(name)                                                                                 \
    "\"name\": \"" name "\", \"clock_hz\": 1e9, \"pe_rows\": 8, \"pe_cols\": 4, \"dataflow\": "    \
    "\"systolic-ws\", \"supports\": [\"gemm\", \"pool\"], \"scratchpad_bytes\": 1e6"
#define AT(name, place) "{" CORE(name) ", \"place\": " place "}"
#define ENERGY                                                                                     \
    "\"energy\": {\"mac_pj\": 0.25, \"register_pj_per_byte\": 0.125, \"scratchpad_pj_per_byte\": " \
    "1.5, \"hop_pj_per_byte\": 2, \"memory_pj_per_byte\": 100, \"pe_idle_pj_per_cycle\": 0.1}"
#define UNLIMITED "{\"name\": \"dram\", \"unlimited\": true}"
#define SOC_WITH(network, accelerators, memory)                                                    \
    "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {" network                            \
    "}, \"accelerators\": [" accelerators "], \"memory\": [" memory "], " ENERGY "}"
#define SOC(network, accelerators) SOC_WITH(network, accelerators, UNLIMITED)
#define RATE                       "\"link_bytes_per_s\": 1e9"

static enum err_code load_text(struct soc *soc, const char *text, struct err *why)
{
    char *file = file_join(test_temp_dir(), "soc.json");
    CHECK_OK(file_write(file, text, strlen(text), err));
    enum err_code rc = soc_load(soc, file, why);
    free(file);
    return rc;
}

static void check_route(const struct soc *soc, uint32_t from, uint32_t to, const char *expected)
{
    struct text got = { 0 };
    text_add(&got, "");
    size_t at = (size_t)from * soc->place_count + to;
    for (uint32_t i = soc->route_begin[at]; i < soc->route_begin[at + 1]; i++)
        text_printf(&got, "%s%s", got.bytes ? " " : "", soc->links[soc->route_links[i]].name);
    CHECK_STR(expected, got.data);
    text_release(&got);
}

/* --- topologies ------------------------------------------------------------------------------ */

TEST(soc__mesh__routes_x_first)
{
    struct soc soc;
    CHECK_OK(load_text(&soc,
                       SOC("\"topology\": \"mesh\", \"columns\": 3, \"rows\": 2, " RATE,
                           AT("a", "[0, 0]") "," AT("b", "[2, 1]")),
                       err));
    /* 2 · 2 horizontal and 3 vertical pairs of neighbours, two links each. */
    CHECK_INT(14, soc.link_count);
    CHECK_INT(0, soc.accelerators[0].place);
    CHECK_INT(5, soc.accelerators[1].place);
    CHECK_STR("2,1", soc.place_names[5]);
    check_route(&soc, 0, 5, "0,0>1,0 1,0>2,0 2,0>2,1");
    check_route(&soc, 5, 0, "2,1>1,1 1,1>0,1 0,1>0,0");
    CHECK_INT(3, soc_hops(&soc, 0, 5));
    CHECK_INT(0, soc_hops(&soc, 5, 5));
    soc_release(&soc);
}

TEST(soc__mesh_of_any_size__links_join_neighbours)
{
    for (unsigned columns = 1; columns <= 5; columns++)
        for (unsigned rows = 1; rows <= 5; rows++) {
            char text[2048];
            struct soc soc;
            snprintf(text, sizeof text,
                     SOC("\"topology\": \"mesh\", \"columns\": %u, \"rows\": %u, " RATE,
                         AT("a", "[0, 0]") "," AT("b", "[%u, %u]")),
                     columns, rows, columns - 1, rows - 1);
            CHECK_OK(load_text(&soc, text, err));
            CHECK_INT(2 * ((columns - 1) * rows + columns * (rows - 1)), soc.link_count);
            CHECK_INT(columns - 1 + rows - 1, soc_hops(&soc, 0, columns * rows - 1));
            soc_release(&soc);
        }
}

TEST(soc__ring__takes_the_shorter_way_and_ascends_on_a_tie)
{
    struct soc soc;
    CHECK_OK(load_text(&soc,
                       SOC("\"topology\": \"ring\", \"places\": 4, " RATE,
                           AT("a", "0") "," AT("b", "1") "," AT("c", "2") "," AT("d", "3")),
                       err));
    CHECK_INT(8, soc.link_count);
    check_route(&soc, 0, 1, "0>1");
    check_route(&soc, 0, 3, "0>3");
    check_route(&soc, 0, 2, "0>1 1>2");
    check_route(&soc, 3, 1, "3>0 0>1");
    check_route(&soc, 2, 1, "2>1");
    soc_release(&soc);
}

TEST(soc__ring_of_two__has_one_link_each_way)
{
    struct soc soc;
    CHECK_OK(load_text(
        &soc, SOC("\"topology\": \"ring\", \"places\": 2, " RATE, AT("a", "0") "," AT("b", "1")),
        err));
    CHECK_INT(2, soc.link_count);
    check_route(&soc, 0, 1, "0>1");
    check_route(&soc, 1, 0, "1>0");
    soc_release(&soc);
}

TEST(soc__crossbar__has_a_link_out_of_and_into_every_place)
{
    struct soc soc;
    CHECK_OK(load_text(
        &soc,
        SOC("\"topology\": \"crossbar\", \"places\": 3, " RATE, AT("a", "0") "," AT("b", "2")),
        err));
    CHECK_INT(6, soc.link_count);
    check_route(&soc, 0, 2, "out0 in2");
    check_route(&soc, 2, 0, "out2 in0");
    check_route(&soc, 2, 2, "");
    soc_release(&soc);
}

TEST(soc__bus__is_one_link_on_every_route)
{
    struct soc soc;
    CHECK_OK(load_text(
        &soc, SOC("\"topology\": \"bus\", \"places\": 9, " RATE, AT("a", "0") "," AT("b", "8")),
        err));
    CHECK_INT(1, soc.link_count);
    check_route(&soc, 0, 8, "bus");
    check_route(&soc, 8, 0, "bus");
    check_route(&soc, 0, 0, "");
    soc_release(&soc);
}

#define LINK(from, to) "{\"from\": \"" from "\", \"to\": \"" to "\", \"bytes_per_s\": 1e9}"

/* Two ways of two hops from a to d: over b (links 0 and 3) and over c (links 1 and 2). At a, link 0
 * is the lower one, though link 3 stands behind link 2. A way of three hops does not count. */
TEST(soc__links__fewest_hops_then_lowest_link_at_each)
{
    struct soc soc;
    CHECK_OK(load_text(
        &soc,
        SOC("\"topology\": \"links\", \"places\": [\"a\", \"b\", \"c\", \"d\", \"e\"], \"links\": "
            "[" LINK("a", "b") "," LINK("a", "c") "," LINK("c", "d") "," LINK("b", "d") "," LINK(
                "d", "e") "," LINK("e", "a") "," LINK("a", "b") "]",
            AT("x", "\"a\"") "," AT("y", "\"d\"")),
        err));
    check_route(&soc, 0, 3, "a>b b>d");
    CHECK_INT(0, soc.route_links[soc.route_begin[3]]); /* not the second a>b */
    check_route(&soc, 3, 0, "d>e e>a");
    soc_release(&soc);
}

TEST(soc__link_both_ways__is_two_links)
{
    struct soc soc;
    CHECK_OK(load_text(
        &soc,
        SOC("\"topology\": \"links\", \"places\": [\"a\", \"b\"], \"links\": [{\"from\": \"b\", "
            "\"to\": \"a\", \"bytes_per_s\": \"unlimited\", \"latency_ns\": 2.5, \"both_ways\": "
            "true}]",
            AT("x", "\"a\"") "," AT("y", "\"b\"")),
        err));
    CHECK_INT(2, soc.link_count);
    CHECK_INT(0, soc.links[1].bytes_per_s);
    CHECK_INT(2500, soc.links[1].latency_ps);
    check_route(&soc, 0, 1, "a>b");
    check_route(&soc, 1, 0, "b>a");
    soc_release(&soc);
}

/* --- accelerators and memory ----------------------------------------------------------------- */

TEST(soc__optional_keys__have_their_defaults)
{
    struct soc soc;
    CHECK_OK(
        load_text(&soc, SOC("\"topology\": \"bus\", \"places\": 1, " RATE, AT("a", "0")), err));
    const struct soc_accelerator *acc = &soc.accelerators[0];
    CHECK_INT(SOC_CUT_THROUGH, soc.switching);
    CHECK_INT(0, soc.links[0].latency_ps);
    CHECK_INT(1, acc->shared_layers_max);
    CHECK_INT(0, acc->scratchpad_bytes_per_cycle);
    CHECK_INT(0, acc->local_bytes_per_s);
    CHECK_INT(8 * 4, acc->vector_lanes);
    CHECK_INT(1u << OP_GEMM | 1u << OP_POOL, acc->supports);
    CHECK(acc->dataflow == dataflow_find("systolic-ws"));
    soc_release(&soc);
}

TEST(soc__count__makes_numbered_accelerators)
{
    struct soc soc;
    CHECK_OK(load_text(
        &soc,
        SOC("\"topology\": \"mesh\", \"columns\": 2, \"rows\": 2, " RATE,
            AT("first", "[0, 0]") ",{" CORE("npu") ", \"count\": 2, \"places\": [[1, 0], [1, 1]]}"),
        err));
    CHECK_INT(3, soc.accelerator_count);
    CHECK_STR("npu0", soc.accelerators[1].name);
    CHECK_STR("npu1", soc.accelerators[2].name);
    CHECK_INT(1, soc.accelerators[1].place);
    CHECK_INT(3, soc.accelerators[2].place);
    soc_release(&soc);
}

#define CHANNEL(name, place)                                                                       \
    "{\"name\": \"" name "\", \"place\": " place ", \"bytes_per_s\": 1e9, \"latency_ns\": 50}"

TEST(soc__channel__is_the_nearest_then_the_first)
{
    struct soc soc;
    CHECK_OK(load_text(&soc,
                       SOC_WITH("\"topology\": \"mesh\", \"columns\": 5, \"rows\": 1, " RATE,
                                AT("a", "[1, 0]") "," AT("b", "[2, 0]") "," AT("c", "[3, 0]"),
                                CHANNEL("west", "[0, 0]") "," CHANNEL("east", "[4, 0]")),
                       err));
    CHECK_INT(0, soc_channel_of(&soc, 0));
    CHECK_INT(0, soc_channel_of(&soc, 1)); /* two hops to either */
    CHECK_INT(1, soc_channel_of(&soc, 2));
    CHECK_INT(50000, soc.channels[0].latency_ps);
    soc_release(&soc);
}

TEST(soc__unlimited_channel__is_nearer_than_any_other)
{
    struct soc soc;
    CHECK_OK(load_text(&soc,
                       SOC_WITH("\"topology\": \"mesh\", \"columns\": 5, \"rows\": 1, " RATE,
                                AT("a", "[1, 0]"), CHANNEL("west", "[0, 0]") "," UNLIMITED),
                       err));
    CHECK_INT(1, soc_channel_of(&soc, 0));
    soc_release(&soc);
}

/* --- size ------------------------------------------------------------------------------------ */

/* 32 x 32 places with two in use need two routes, not 32^4. */
TEST(soc__large_mesh__keeps_only_routes_in_use)
{
    struct soc soc;
    CHECK_OK(load_text(&soc,
                       SOC("\"topology\": \"mesh\", \"columns\": 32, \"rows\": 32, " RATE,
                           AT("a", "[0, 0]") "," AT("b", "[31, 31]")),
                       err));
    CHECK_INT(62, soc_hops(&soc, 0, 1023));
    CHECK_INT(2 * 62, soc.route_begin[1024 * 1024]);
    soc_release(&soc);
}

/* 1024 places of a ring have routes of 256 links on average: 2^28 in all. */
TEST(soc__routes_too_long_in_all__are_refused)
{
    struct text text = { 0 };
    struct soc soc;
    struct err err = ERR_INIT;
    text_add(&text, "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {\"topology\": "
                    "\"ring\", \"places\": 1024, " RATE
                    "}, \"accelerators\": [{" CORE("n") ", \"count\": 1024, \"places\": [");
    for (unsigned i = 0; i < 1024; i++)
        text_printf(&text, "%s%u", i ? "," : "", i);
    text_add(&text, "]}], \"memory\": [" UNLIMITED "], " ENERGY "}");
    CHECK_INT(ERR_LIMIT, load_text(&soc, text.data, &err));
    CHECK_STR("$.network", err.path);
    text_release(&text);
}

/* --- writing --------------------------------------------------------------------------------- */

static void check_same(const struct soc *a, const struct soc *b)
{
    CHECK_INT(a->accelerator_count, b->accelerator_count);
    for (size_t i = 0; i < a->accelerator_count; i++) {
        const struct soc_accelerator *x = &a->accelerators[i], *y = &b->accelerators[i];
        CHECK_STR(x->name, y->name);
        CHECK_STR(x->dataflow->name, y->dataflow->name);
        CHECK(x->place == y->place && x->clock_hz == y->clock_hz && x->pe_rows == y->pe_rows &&
              x->pe_cols == y->pe_cols && x->supports == y->supports &&
              x->shared_layers_max == y->shared_layers_max &&
              x->scratchpad_bytes == y->scratchpad_bytes &&
              x->scratchpad_bytes_per_cycle == y->scratchpad_bytes_per_cycle &&
              x->local_bytes_per_s == y->local_bytes_per_s && x->vector_lanes == y->vector_lanes);
    }
    CHECK(a->switching == b->switching);
    CHECK_INT(a->link_count, b->link_count);
    for (size_t i = 0; i < a->link_count; i++) {
        const struct soc_link *x = &a->links[i], *y = &b->links[i];
        CHECK_STR(x->name, y->name);
        CHECK(x->from == y->from && x->to == y->to && x->bytes_per_s == y->bytes_per_s &&
              x->latency_ps == y->latency_ps);
    }
    CHECK_INT(a->place_count, b->place_count);
    size_t pairs = a->place_count * a->place_count;
    CHECK(memcmp(a->route_begin, b->route_begin, (pairs + 1) * sizeof *a->route_begin) == 0);
    CHECK(memcmp(a->route_links, b->route_links, a->route_begin[pairs] * sizeof *a->route_links) ==
          0);
    CHECK_INT(a->channel_count, b->channel_count);
    for (size_t i = 0; i < a->channel_count; i++) {
        const struct soc_channel *x = &a->channels[i], *y = &b->channels[i];
        CHECK_STR(x->name, y->name);
        CHECK(x->unlimited == y->unlimited && x->place == y->place &&
              x->bytes_per_s == y->bytes_per_s && x->latency_ps == y->latency_ps);
    }
    CHECK(memcmp(&a->energy, &b->energy, sizeof a->energy) == 0);
    CHECK_INT(a->dataflow_count, b->dataflow_count);
    for (size_t i = 0; i < a->dataflow_count; i++)
        CHECK(memcmp(&a->dataflows[i], &b->dataflows[i], sizeof a->dataflows[i]) == 0);
}

/* What is written loads to the same SoC, and is written the same way again. */
static void check_survives_writing(const struct soc *soc)
{
    struct soc again;
    struct text first = { 0 }, second = { 0 };
    soc_write(soc, &first);
    CHECK_OK(load_text(&again, first.data, err));
    check_same(soc, &again);
    soc_write(&again, &second);
    CHECK_STR(first.data, second.data);
    text_release(&first);
    text_release(&second);
    soc_release(&again);
}

TEST(soc__shipped_socs__survive_being_written)
{
    static const char *const names[] = { "comb-small-low", "comb-large-high-any", "chiplet-links",
                                         "edge-ring" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct soc soc;
        char file[128];
        snprintf(file, sizeof file, "soc-configs/%s.json", names[i]);
        CHECK_OK(soc_load(&soc, test_path(file), err));
        check_survives_writing(&soc);
        soc_release(&soc);
    }
}

TEST(soc__random_socs__survive_being_written)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct fixture f;
        struct fixture_shape shape = { .layers = 1, .networks = 1 };
        shape.accelerators = 1 + (unsigned)(seed % 12);
        shape.cut_through = seed % 2;
        shape.finite_memory = seed / 2 % 2;
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        check_survives_writing(&f.soc);
        fixture_release(&f);
    }
}

TEST(soc__own_dataflow__survives_being_written)
{
    struct soc soc;
    static const char text[] =
        "{\"socweave\": \"soc/1\", \"name\": \"s\", \"source\": \"me\", \"note\": \"n\", "
        "\"network\": {\"topology\": \"bus\", \"places\": 1, " RATE ", \"hop_latency_ns\": 0.125}, "
        "\"accelerators\": [{\"name\": \"a\", \"clock_hz\": 1e9, \"pe_rows\": 8, \"pe_cols\": 4, "
        "\"dataflow\": \"mine\", \"supports\": [\"conv\"], \"scratchpad_bytes\": 1e6, \"place\": "
        "0}], \"memory\": [" UNLIMITED "], " ENERGY ", \"dataflows\": [{\"name\": \"mine\", "
        "\"rules\": {\"conv\": {\"rows\": [\"K\"], \"cols\": [\"C\"], \"cols_pes\": 4, "
        "\"inner\": {\"R\": \"all\", \"S\": 2}, \"order\": [\"K\", \"C\", \"P\", \"Q\"], "
        "\"stationary\": \"weight\", \"call_overhead_cycles\": 1, \"start_cycles\": 7}}}]}";
    CHECK_OK(load_text(&soc, text, err));
    CHECK(soc.accelerators[0].dataflow == &soc.dataflows[0]);
    CHECK_INT(125, soc.links[0].latency_ps);
    check_survives_writing(&soc);
    soc_release(&soc);
}
