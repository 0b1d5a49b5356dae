/* Periods, phases, triggers and dependences of a workload: what is released when. */
#include "core/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/problem.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* Two layers in a row: 4 x 4 times 4 x 8, and what it gives made positive. */
#define GRAPH(name)                                                                                \
    "{\"socweave\": \"dnn/1\", \"name\": \"" name "\", \"inputs\": [{\"name\": \"x\", \"shape\": " \
    "[4, 4]}], \"layers\": [{\"name\": \"first\", \"op\": \"gemm\", \"extents\": {\"m\": 4, "      \
    "\"n\": 8, \"k\": 4}, \"inputs\": [\"x\"]}, {\"name\": \"second\", \"op\": \"relu\", "         \
    "\"extents\": {\"k\": 4, \"p\": 8}, \"inputs\": [\"first\"]}]}"
#define WORKLOAD(keys, networks)                                                                   \
    "{\"socweave\": \"workload/1\", \"name\": \"w\", " keys "\"networks\": [" networks "]}"

static void put(const char *dir, const char *name, const char *text)
{
    char *file = file_join(dir, name);
    CHECK_OK(file_write(file, text, strlen(text), err));
    free(file);
}

static enum err_code try_load(const char *text, struct workload *workload, struct err *why)
{
    const char *dir = test_temp_dir();
    put(dir, "a.json", GRAPH("a"));
    put(dir, "b.json", GRAPH("b"));
    put(dir, "w.json", text);
    char *file = file_join(dir, "w.json");
    enum err_code rc = workload_load(workload, file, why);
    free(file);
    return rc;
}

static struct workload load(const char *text)
{
    struct workload workload = { 0 };
    CHECK_OK(try_load(text, &workload, err));
    return workload;
}

static void check_network(const struct workload *w, size_t n, const char *name, uint64_t release_ps,
                          uint64_t deadline_ps)
{
    CHECK_STR(name, w->networks[n].name);
    CHECK_INT(release_ps, w->networks[n].release_ps);
    CHECK_INT(deadline_ps, w->networks[n].deadline_ps);
}

/* Periods of 200 and 300 us: the hyperperiod is 600 us, so three frames of a and two of b. */
TEST(workload_release__two_periods__meet_after_their_least_common_multiple)
{
    struct workload w = load(WORKLOAD("", "{\"graph\": \"a.json\", \"period_ns\": 2e5},"
                                          "{\"graph\": \"b.json\", \"period_ns\": 3e5, "
                                          "\"offset_ns\": 1000.5, \"deadline_ns\": 5e4}"));
    CHECK_INT(5, w.network_count);
    CHECK_INT(10, w.layer_count);
    CHECK_INT(600000000, w.horizon_ps);
    CHECK(w.has_deadlines);
    check_network(&w, 0, "a#0", 0, 200000000);
    check_network(&w, 1, "a#1", 200000000, 400000000);
    check_network(&w, 2, "a#2", 400000000, 600000000);
    check_network(&w, 3, "b#0", 1000500, 51000500);
    check_network(&w, 4, "b#1", 301000500, 351000500);
    CHECK_INT(8, w.networks[4].first_layer);
    CHECK_INT(3, w.entries[1].first_network);
    CHECK_INT(2, w.entries[1].network_count);
    workload_release(&w);
}

/* 30, 45 and 60 Hz: the greatest common divisor is 15 Hz, 1/15 s is 2, 3 and 4 periods. The k-th
 * release of 45 Hz is at floor(k · 10^12 / 45): 22,222,222,222 and 44,444,444,444 ps. */
TEST(workload_release__rates__repeat_with_their_greatest_common_divisor)
{
    struct workload w =
        load(WORKLOAD("", "{\"graph\": \"a.json\", \"rate_hz\": 30},"
                          "{\"graph\": \"b.json\", \"rate_hz\": 45},"
                          "{\"graph\": \"a.json\", \"rate_hz\": 60, \"name\": \"c\"}"));
    CHECK_INT(9, w.network_count);
    CHECK_INT(66666666667, w.horizon_ps);
    check_network(&w, 1, "a#1", 33333333333, 66666666666);
    check_network(&w, 3, "b#1", 22222222222, 44444444444);
    check_network(&w, 4, "b#2", 44444444444, 66666666666);
    check_network(&w, 8, "c#3", 50000000000, 66666666666);
    workload_release(&w);
}

/* Releases at 0, 200, 400 us are before 450 us; at most two frames leave out the third. */
TEST(workload_release__horizon_and_frames__cut_what_is_released)
{
    struct workload w =
        load(WORKLOAD("\"horizon_ns\": 4.5e5, ", "{\"graph\": \"a.json\", \"period_ns\": 2e5}"));
    CHECK_INT(3, w.network_count);
    workload_release(&w);
    w = load(WORKLOAD("\"horizon_ns\": 4.5e5, \"frames\": 2, ",
                      "{\"graph\": \"a.json\", \"period_ns\": 2e5}"));
    CHECK_INT(2, w.network_count);
    workload_release(&w);
    /* 7,000,000,001 and 7,000,000,003 ns are coprime: never mind, two frames are wanted. */
    w = load(WORKLOAD("\"frames\": 2, ", "{\"graph\": \"a.json\", \"period_ns\": 7000000001},"
                                         "{\"graph\": \"b.json\", \"period_ns\": 7000000003}"));
    CHECK_INT(4, w.network_count);
    workload_release(&w);
}

TEST(workload_release__without_period__is_released_once)
{
    struct workload w = load(WORKLOAD("", "{\"graph\": \"a.json\", \"offset_ns\": 7, "
                                          "\"deadline_ns\": 5, \"copies\": 2},"
                                          "{\"graph\": \"b.json\"}"));
    CHECK_INT(3, w.network_count);
    CHECK_INT(0, w.horizon_ps);
    check_network(&w, 0, "a#0", 7000, 12000);
    check_network(&w, 1, "a#1", 7000, 12000);
    check_network(&w, 2, "b", 0, WORKLOAD_NO_DEADLINE);
    workload_release(&w);
}

TEST(workload_release__copies_and_frames__both_show_in_the_name)
{
    struct workload w =
        load(WORKLOAD("\"horizon_ns\": 20, ", "{\"graph\": \"a.json\", \"copies\": 2, "
                                              "\"period_ns\": 10}"));
    CHECK_INT(4, w.network_count);
    check_network(&w, 1, "a#0.1", 10000, 20000);
    check_network(&w, 2, "a#1.0", 0, 10000);
    workload_release(&w);
}

/* b is listed first, but its networks stand behind those of a. At equal rates frame i waits for
 * frame i; b at 60 Hz waits for the last frame of a at 30 Hz that was released by then. */
TEST(workload_release__depends_on__frame_by_frame)
{
    struct workload w = load(WORKLOAD("", "{\"graph\": \"b.json\", \"rate_hz\": 30, "
                                          "\"depends_on\": \"a\"}, "
                                          "{\"graph\": \"a.json\", \"rate_hz\": 30}, "
                                          "{\"graph\": \"b.json\", \"rate_hz\": 60, \"name\": "
                                          "\"fast\", \"depends_on\": \"a\"}"));
    CHECK_INT(4, w.network_count);
    CHECK_STR("a#0", w.networks[0].name);
    CHECK_INT(WORKLOAD_NONE, w.networks[0].depends_on);
    CHECK_STR("b#0", w.networks[1].name);
    CHECK_INT(0, w.networks[1].depends_on);
    CHECK_STR("fast#0", w.networks[2].name);
    CHECK_INT(0, w.networks[2].depends_on);
    CHECK_INT(0, w.networks[3].depends_on); /* 16.7 ms: a's next frame comes at 33.3 ms */
    workload_release(&w);
}

TEST(workload_release__dependence_with_a_phase__on_the_last_frame_released_by_then)
{
    struct workload w = load(WORKLOAD(
        "\"horizon_ns\": 30, ",
        "{\"graph\": \"a.json\", \"period_ns\": 10, \"offset_ns\": 2}, {\"graph\": \"b.json\", "
        "\"period_ns\": 10, \"depends_on\": \"a\"}"));
    CHECK_INT(6, w.network_count);          /* a at 2, 12, 22 ns; b at 0, 10, 20 ns */
    CHECK_INT(0, w.networks[3].depends_on); /* none is there yet: the first */
    CHECK_INT(0, w.networks[4].depends_on);
    CHECK_INT(1, w.networks[5].depends_on);
    workload_release(&w);
}

TEST(workload_release__copies__depend_on_copies)
{
    struct workload w = load(WORKLOAD("", "{\"graph\": \"a.json\", \"copies\": 2}, {\"graph\": "
                                          "\"b.json\", \"copies\": 2, \"depends_on\": \"a\"}, "
                                          "{\"graph\": \"a.json\", \"name\": \"one\"}, {\"graph\": "
                                          "\"b.json\", \"copies\": 3, \"depends_on\": \"one\", "
                                          "\"name\": \"all\"}"));
    CHECK_INT(8, w.network_count);
    CHECK_INT(0, w.networks[2].depends_on);
    CHECK_INT(1, w.networks[3].depends_on);
    CHECK_INT(4, w.networks[5].depends_on);
    CHECK_INT(4, w.networks[7].depends_on);
    workload_release(&w);
}

/* Of 40 occasions a quarter: ten, whatever the seed; which ones depends on it. A consumer of what
 * was not triggered is not triggered either. */
TEST(workload_release__probability__takes_its_share_whatever_the_seed)
{
    const char *format = WORKLOAD("\"horizon_ns\": 400, \"seed\": %d, ",
                                  "{\"graph\": \"a.json\", \"period_ns\": 10, \"probability\": "
                                  "0.25}, {\"graph\": \"b.json\", \"period_ns\": 10, "
                                  "\"probability\": 0.5, \"depends_on\": \"a\"}");
    unsigned firsts = 0;
    for (int seed = 1; seed <= 8; seed++) {
        char text[1024];
        snprintf(text, sizeof text, format, seed);
        struct workload w = load(text), again = load(text);
        CHECK_INT(10, w.entries[0].network_count);
        CHECK_INT(5, w.entries[1].network_count);
        CHECK_INT(40, w.entries[0].frames);
        for (size_t n = 0; n < w.network_count; n++)
            CHECK_STR(w.networks[n].name, again.networks[n].name);
        for (size_t n = 10; n < 15; n++) {
            CHECK(w.networks[n].depends_on < 10);
            CHECK_INT(w.networks[w.networks[n].depends_on].frame, w.networks[n].frame);
        }
        firsts |= 1u << w.networks[0].frame;
        workload_release(&w);
        workload_release(&again);
    }
    CHECK((firsts & (firsts - 1)) != 0); /* not always the same */
}

static const char one_soc[] =
    "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {\"topology\": \"bus\", \"places\": "
    "1, \"link_bytes_per_s\": 1e9}, \"accelerators\": [{\"name\": \"npu\", \"place\": 0, "
    "\"clock_hz\": 1e9, \"pe_rows\": 8, \"pe_cols\": 8, \"dataflow\": \"systolic-ws\", "
    "\"supports\": [\"gemm\", \"elementwise\"], \"scratchpad_bytes\": 4096}], \"memory\": "
    "[{\"name\": \"dram\", \"unlimited\": true}], \"energy\": {\"mac_pj\": 1, "
    "\"register_pj_per_byte\": 1, \"scratchpad_pj_per_byte\": 1, \"hop_pj_per_byte\": 1, "
    "\"memory_pj_per_byte\": 1, \"pe_idle_pj_per_cycle\": 1}}";

/* Layers: a#0 first, second (0, 1), a#1 (2, 3), b#0 (4, 5), b#1 (6, 7). */
TEST(workload_release__problem__has_releases_at_sources_and_edges_without_bytes)
{
    static const char *const graphs[] = { GRAPH("a"), GRAPH("b") };
    struct fixture f;
    fixture_from_text(&f, one_soc,
                      WORKLOAD("\"horizon_ns\": 2000, ",
                               "{\"graph\": \"g0.json\", \"period_ns\": 1000, \"offset_ns\": 3}, "
                               "{\"graph\": \"g1.json\", \"period_ns\": 1000, \"offset_ns\": 10, "
                               "\"depends_on\": \"a\"}"),
                      graphs, 2);
    const struct problem *p = &f.problem;
    static const uint64_t release_ps[8] = { 3000, 0, 1003000, 0, 10000, 0, 1010000, 0 };
    for (uint32_t layer = 0; layer < 8; layer++)
        CHECK_INT(release_ps[layer], problem_release_ps(p, layer));
    CHECK_INT(6, p->edge_count);
    CHECK(p->has_cascades);
    CHECK_INT(1, p->preds[p->pred_begin[4]].layer); /* a#0/second before b#0/first */
    CHECK_INT(0, p->preds[p->pred_begin[4]].bytes);
    CHECK_INT(3, p->preds[p->pred_begin[6]].layer);
    fixture_release(&f);
}
