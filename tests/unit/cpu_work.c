/* kernel_work: time of counted work, by hand; docs/model.md M-145 to M-154. */
#include <stdio.h>
#include <string.h>

#include "backends/cpu/calibrate.h"
#include "backends/cpu/engine.h"
#include "backends/cpu/work.h"
#include "core/arena.h"
#include "tests/model/match_case.h"
#include "tests/test.h"

/* One thread: a product takes 1 ns, a load 0.5 ns, a store 1 ns. */
static struct intrin_calibration machine_of(void)
{
    return (struct intrin_calibration){
        .name = "by hand",
        .l1_bytes = 1000,
        .l2_bytes = 10000,
        .l3_bytes = 100000,
        .rate_count = 1,
        .rates = { { .threads = 1,
                     .peak_ops_per_s = 128e9,
                     .l1_bytes_per_s = 128e9,
                     .l2_bytes_per_s = 32e9,
                     .l3_bytes_per_s = 8e9,
                     .memory_bytes_per_s = 4e9,
                     .call_ns = 100,
                     .l1_write_bytes_per_s = 64e9,
                     .l2_write_bytes_per_s = 16e9,
                     .l3_write_bytes_per_s = 5e9,
                     .memory_write_bytes_per_s = 2e9,
                     .chain_ns = 4,
                     .tile_ns = 10,
                     .pack_along_bytes_per_s = 2e9,
                     .pack_across_bytes_per_s = 1e9,
                     .lanes_quad_ns = 2,
                     .lanes_row_ns = 5,
                     .window_column_ns = 3,
                     .window_run_ns = 9,
                     .window_row_ns = 4,
                     .epilogue_elements_per_s = 0.5e9 } },
    };
}

static struct kernel_work work_of(unsigned rows, unsigned vectors, bool even, double tiles,
                                  double steps)
{
    return (struct kernel_work){ .threads = 1,
                                 .busiest_frac = 1,
                                 .tile_count = 1,
                                 .tiles = { { rows, vectors, even, tiles, steps } } };
}

static double term_ns(const struct backend_forecast *forecast, const char *name)
{
    for (size_t t = 0; t < forecast->count; t++)
        if (!strcmp(forecast->terms[t].name, name))
            return forecast->terms[t].ns;
    return 0;
}

static struct backend_forecast forecast_of(const struct kernel_work *work)
{
    struct intrin_calibration machine = machine_of();
    struct backend_forecast forecast;
    kernel_work_forecast(work, &machine, &forecast);
    return forecast;
}

TEST(cpu_work__steps__products_loads_or_the_chain)
{
    /* 6 · 4 products of 1 ns against 10 loads of 0.5 ns; 3 tiles: 10 ns and 24 stores of 1 ns. */
    struct kernel_work work = work_of(6, 4, true, 3, 50);
    struct backend_forecast f = forecast_of(&work);
    CHECK_NEAR(50 * 24, term_ns(&f, "products"), 1e-9);
    CHECK_NEAR(3 * 10, term_ns(&f, "tiles"), 1e-9);
    CHECK_NEAR(3 * 24, term_ns(&f, "stores"), 1e-9);
    CHECK_NEAR(1200 + 30 + 72, f.ns, 1e-9);
    CHECK_STR("products", f.bound);
    CHECK_STR("products", f.terms[0].name);
    /* 1 · 2 products: the chain of 4 ns. */
    work = work_of(1, 2, true, 1, 50);
    f = forecast_of(&work);
    CHECK_NEAR(50 * 4, term_ns(&f, "latency"), 1e-9);
    CHECK_NEAR(0, term_ns(&f, "products"), 0);
    CHECK_STR("latency", f.bound);
}

TEST(cpu_work__uneven_rows__take_their_offsets_from_a_table)
{
    /* 14 broadcasts, 7 more for the table, 1 load: 22 of 1 ns against 14 products of 1 ns. */
    struct intrin_calibration machine = machine_of();
    machine.rates[0].l1_bytes_per_s = 64e9;
    struct kernel_work work = work_of(14, 1, false, 1, 10);
    struct backend_forecast f;
    kernel_work_forecast(&work, &machine, &f);
    CHECK_NEAR(10 * 22, term_ns(&f, "loads"), 1e-9);
    work.tiles[0].even = true; /* 15 loads */
    kernel_work_forecast(&work, &machine, &f);
    CHECK_NEAR(10 * 15, term_ns(&f, "loads"), 1e-9);
}

TEST(cpu_work__stores_across_lines__take_twice)
{
    struct kernel_work work = work_of(2, 2, true, 5, 0);
    work.split_frac = 0.75;
    struct backend_forecast f = forecast_of(&work);
    CHECK_NEAR(5 * 4 * 1.75, term_ns(&f, "stores"), 1e-9);
}

TEST(cpu_work__streams__what_lies_between_decides_the_level)
{
    /* Three quarters of L1's 1000 bytes are there for what is used again; all of 10000, 100000. */
    static const struct {
        double between_bytes;
        bool writes;
        const char *term;
        double ns;
    } cases[] = {
        { 750, false, "L2", 0 },           { 751, false, "L2", 640 / 32. },
        { 10000, true, "L2", 640 / 16. },  { 10001, false, "L3", 640 / 8. },
        { 100000, true, "L3", 640 / 5. },  { 100001, false, "memory", 640 / 4. },
        { 1e9, true, "memory", 640 / 2. },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kernel_work work = { .threads = 1, .busiest_frac = 1, .stream_count = 1 };
        work.streams[0] =
            (struct kernel_work_stream){ 640, cases[i].between_bytes, cases[i].writes };
        struct backend_forecast f = forecast_of(&work);
        CHECK_NEAR(cases[i].ns, term_ns(&f, cases[i].term), 1e-9);
        CHECK_NEAR(cases[i].ns, f.ns, 1e-9);
    }
}

TEST(cpu_work__overlap__the_longer_one_and_what_shows_of_the_shorter)
{
    /* Core 10 · 24 + 10 + 24 = 274; streams 3200 / 32 = 100 and the stores' 24. */
    struct intrin_calibration machine = machine_of();
    struct kernel_work work = work_of(6, 4, true, 1, 10);
    struct backend_forecast f;
    work.streams[work.stream_count++] = (struct kernel_work_stream){ 3200, 5000, false };
    kernel_work_forecast(&work, &machine, &f);
    CHECK_NEAR(274, f.ns, 1e-9);
    machine.rates[0].exposed_frac = 0.25;
    kernel_work_forecast(&work, &machine, &f);
    CHECK_NEAR(274 + 0.25 * 124, f.ns, 1e-9);
    /* Streams of 400 ns: they last longer, and the stores with them. */
    work.streams[0].bytes = 12800;
    kernel_work_forecast(&work, &machine, &f);
    CHECK_NEAR(424 + 0.25 * 274, f.ns, 1e-9);
    CHECK_STR("L2", f.bound);
    /* Written in place of read, 800 ns: the 24 of the stores go with them. */
    work.streams[0].writes = true;
    kernel_work_forecast(&work, &machine, &f);
    CHECK_NEAR(800 + 0.25 * 274, f.ns, 1e-9);
}

TEST(cpu_work__first_panels__come_beside_their_first_tiles_alone)
{
    /* 4 tiles of 24 · 10 + 10 + 24 = 274 ns. B takes 400 ns with the first, with stores of 24. */
    struct kernel_work work = work_of(6, 4, true, 4, 40);
    work.first_frac = 0.25;
    work.streams[work.stream_count++] = (struct kernel_work_stream){ 3200, 50000, .first = true };
    struct backend_forecast f = forecast_of(&work);
    CHECK_NEAR(400, term_ns(&f, "L3"), 1e-9);
    CHECK_NEAR(3 * 274 + 424, f.ns, 1e-9);
    work.streams[0].first = false; /* spread over all four it is hidden */
    f = forecast_of(&work);
    CHECK_NEAR(4 * 274, f.ns, 1e-9);
}

TEST(cpu_work__scattered_lines__are_hidden_by_nothing)
{
    struct kernel_work work = work_of(6, 4, true, 1, 10); /* 274 ns */
    work.streams[work.stream_count++] = (struct kernel_work_stream){ 320, 5000, .scattered = true };
    struct backend_forecast f = forecast_of(&work);
    CHECK_NEAR(274 + 10, f.ns, 1e-9);
}

TEST(cpu_work__depthwise__quads_rows_and_loads)
{
    struct kernel_work work = { .threads = 1,
                                .busiest_frac = 1,
                                .lanes = { .rows = 7, .quads = 21, .loads = 30, .stores = 28 } };
    struct backend_forecast f = forecast_of(&work);
    CHECK_NEAR(21 * 2 + 7 * 5 + 28, f.ns, 1e-9);
    CHECK_STR("depthwise", f.bound);
}

TEST(cpu_work__sliding_window__columns_rows_and_runs)
{
    struct kernel_work work = { .threads = 1,
                                .busiest_frac = 1,
                                .lanes = {
                                    .window_rows = 6, .window_columns = 8, .window_runs = 2 } };
    struct backend_forecast f = forecast_of(&work);
    CHECK_NEAR(8 * 3 + 6 * 4 + 2 * 9, f.ns, 1e-9);
    /* 100 loads of 0.5 ns and 32 bytes per ns from L2 together last longer. */
    work.lanes.loads = 100;
    work.streams[work.stream_count++] = (struct kernel_work_stream){ 640, 5000, false };
    f = forecast_of(&work);
    CHECK_NEAR(50 + 20, f.ns, 1e-9);
    CHECK_STR("depthwise", f.bound);
}

/* 64 channels, 5 x 6 outputs: five runs of six rows. One column apart: two before the first, then
 * one each; two apart: one, then two each; three apart: three each. */
TEST(cpu_work__count__a_sliding_window_by_hand)
{
    static const struct {
        int stride;
        double columns, runs; /* three apart a row ends where the next begins */
    } rows[] = { { 1, 5 * (2 + 6), 5 }, { 2, 5 * (1 + 12), 5 }, { 3, 5 * 18, 1 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char numbers[96];
        struct expr expr;
        int8_t weights[64 * 9] = { 0 };
        struct backend_job job = { .expr = &expr, .constant = weights, .threads = 1 };
        struct kernel_engine *engine;
        struct kernel_work work;
        snprintf(numbers, sizeof numbers,
                 "n=1 g=64 m=1 p=5 q=6 r=3 s=3 sh=1 sw=%d dh=1 dw=1 ph=0 pw=0", rows[i].stride);
        match_op("depthwise_conv2d", numbers, &expr);
        CHECK_OK(kernel_engine_plan(&engine, &job, err));
        kernel_engine_count(engine, &work);
        kernel_engine_free(engine);
        if (work.tile_count > 0)
            continue; /* a machine without this kernel */
        CHECK_NEAR(30, work.lanes.window_rows, 0);
        CHECK_NEAR(rows[i].columns, work.lanes.window_columns, 0);
        CHECK_NEAR(3 * rows[i].columns + 4 * 30, work.lanes.loads, 0);
        CHECK_NEAR(rows[i].runs, work.lanes.window_runs, 0);
        CHECK_NEAR(30 * 4, work.lanes.stores, 0);
    }
}

TEST(cpu_work__packing_epilogue_call__are_added)
{
    struct kernel_work work = { .threads = 1, .busiest_frac = 1, .parallel_parts = 2 };
    work.packed_bytes = 1000;
    work.epilogue_elements = 50;
    struct backend_forecast f = forecast_of(&work);
    CHECK_NEAR(1000, term_ns(&f, "packing"), 1e-9); /* 1 byte per ns */
    CHECK_NEAR(100, term_ns(&f, "epilogue"), 1e-9);
    CHECK_NEAR(200, term_ns(&f, "call"), 1e-9);
    CHECK_NEAR(1300, f.ns, 1e-9);
    work.packs_along = true;
    f = forecast_of(&work);
    CHECK_NEAR(500, term_ns(&f, "packing"), 1e-9);
}

/* Rates of two threads together; the busiest one does 3 of 5 items. */
TEST(cpu_work__threads__the_busiest_one_decides)
{
    struct intrin_calibration machine = machine_of();
    machine.rate_count = 2;
    machine.rates[1] = machine.rates[0];
    machine.rates[1].threads = 2;
    machine.rates[1].peak_ops_per_s *= 2;
    machine.rates[1].l1_write_bytes_per_s *= 2;
    machine.rates[1].l3_bytes_per_s *= 1.25; /* shared */
    machine.rates[1].call_ns = 700;
    struct kernel_work work = work_of(6, 4, true, 5, 50);
    work.threads = 2;
    work.busiest_frac = 0.6;
    work.parallel_parts = 1;
    work.streams[work.stream_count++] = (struct kernel_work_stream){ 1000, 50000, false };
    struct backend_forecast f;
    kernel_work_forecast(&work, &machine, &f);
    CHECK_NEAR(0.6 * 50 * 24, term_ns(&f, "products"), 1e-9);
    CHECK_NEAR(0.6 * 1000 / 5, term_ns(&f, "L3"), 1e-9); /* 10 bytes per ns are 5 for each */
    CHECK_NEAR(700 + 0.6 * (50 * 24 + 5 * 34), f.ns, 1e-9);
}

TEST(cpu_work__unknown_rates__leave_their_terms_out)
{
    struct intrin_calibration machine = {
        .rate_count = 1,
        .rates = { { .threads = 1, .peak_ops_per_s = 128e9, .memory_bytes_per_s = 4e9 } }
    };
    struct kernel_work work = work_of(6, 4, true, 3, 50);
    work.packed_bytes = work.epilogue_elements = 1e6;
    struct backend_forecast f;
    kernel_work_forecast(&work, &machine, &f);
    CHECK_INT(1, f.count);
    CHECK_NEAR(50 * 24, f.ns, 1e-9);
}

/* --- counting ------------------------------------------------------------------------------- */

static void bind(struct expr *expr, const char *text, const struct expr_binding *bindings,
                 size_t count)
{
    CHECK_OK(expr_parse(expr, text, bindings, count, err));
    expr->tensors[0].type = DT_S32;
    expr->tensors[1].type = DT_U8;
    expr->tensors[2].type = DT_S8;
}

static struct kernel_work count_of(const struct expr *expr, bool constant, unsigned threads)
{
    static const char there = 0; /* planning reads no constant */
    const struct backend_job job = { .expr = expr,
                                     .constant = constant ? &there : NULL,
                                     .threads = threads };
    struct kernel_engine *engine;
    struct kernel_work work = { .threads = 0 };
    CHECK_OK(kernel_engine_plan(&engine, &job, err));
    kernel_engine_count(engine, &work);
    kernel_engine_free(engine);
    return work;
}

/* Whatever tiles are cut: they cover 30 rows x 2 or 3 vectors, 5 quads deep. */
TEST(cpu_work__count__a_product_by_hand)
{
    const struct expr_binding sizes[] = { { "m", 30, true }, { "n", 40, true }, { "k", 20, true } };
    struct expr expr;
    bind(&expr, "C[m,n] += A[m,k] * B[k,n]", sizes, 3);
    struct kernel_work work = count_of(&expr, true, 1);
    double products = 0, sums = 0;
    for (size_t t = 0; t < work.tile_count; t++) {
        products += work.tiles[t].steps * work.tiles[t].rows * work.tiles[t].vectors;
        sums += work.tiles[t].tiles * work.tiles[t].rows * work.tiles[t].vectors;
        CHECK(work.tiles[t].even);
        CHECK_NEAR(5 * work.tiles[t].tiles, work.tiles[t].steps, 0);
    }
    CHECK_NEAR(30 * 3 * 5, products, 0);
    CHECK_NEAR(30 * 3, sums, 0);
    CHECK_INT(1, work.threads);
    CHECK_NEAR(1, work.busiest_frac, 0);
    CHECK_NEAR(0, work.packed_bytes, 0);
    /* Rows of 40 sums are 160 bytes apart: every second one begins at half a line. */
    CHECK_NEAR(0.5, work.split_frac, 0);
    /* B three vectors of five quads, C 4800 bytes, A 600; all of it between two calls. */
    CHECK_NEAR(3 * 5 * 64, work.streams[0].bytes, 0);
    CHECK_NEAR(4800, work.streams[1].bytes, 0);
    CHECK_NEAR(600, work.streams[2].bytes, 0);
    CHECK(work.streams[0].first && work.streams[1].writes && !work.streams[2].scattered);
    CHECK_NEAR(600 + 960 + 4800, work.streams[2].between_bytes, 0);
    /* Packed in every call, if it is not constant: its columns are neighbours. */
    work = count_of(&expr, false, 1);
    CHECK_NEAR(960, work.packed_bytes, 0);
    CHECK(!work.packs_along);
    CHECK_INT(2, work.parallel_parts);
    bind(&expr, "C[m,n] += A[m,k] * B[n,k]", sizes, 3);
    work = count_of(&expr, false, 1);
    CHECK(work.packs_along);
}

/* Calibration finds rates, and its forecast of a job of its own kind is of the right size. */
TEST(cpu_work__calibrate__rates_are_positive)
{
    struct backend_cpu_machine cpu;
    backend_cpu_machine(&cpu);
    if (!cpu.vnni)
        return; /* --calibrate refuses */
    struct intrin_calibration c = { .name = "here",
                                    .l1_bytes = (double)cpu.l1_bytes,
                                    .l2_bytes = (double)cpu.l2_bytes,
                                    .rate_count = 1 };
    backend_cpu_calibrate(&c, &c.rates[0], 1, 1);
    const struct intrin_rates *r = &c.rates[0];
    CHECK_INT(1, r->threads);
    CHECK(r->peak_ops_per_s > 0 && r->l1_bytes_per_s > 0 && r->l1_write_bytes_per_s > 0);
    CHECK(r->l2_write_bytes_per_s > 0 && r->memory_write_bytes_per_s > 0);
    CHECK_NEAR(0, r->l3_bytes_per_s, 0); /* unknown size */
    CHECK(r->call_ns > 0 && r->tile_ns > 0 && r->pack_across_bytes_per_s > 0);
    CHECK(r->pack_along_bytes_per_s > 0 && r->epilogue_elements_per_s > 0);
    CHECK(r->exposed_frac >= 0 && r->exposed_frac <= 1);
}
