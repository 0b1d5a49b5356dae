#include "backends/cpu/calibrate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/engine.h"
#include "backends/sample.h"
#include "core/arena.h"
#include "core/num.h"

#define VECTOR_BYTES 64
/* So much is read for the rate of the memory, all threads together. */
#define MEMORY_BYTES_MIN (UINT64_C(64) << 20)
#define MEMORY_BYTES_MAX (UINT64_C(512) << 20)

/* --- the machine ---------------------------------------------------------------------------- */

enum level { L1, L2, L3, MEMORY, LEVELS };
enum measure { PEAK, READ, WRITE = READ + LEVELS, MEASURES = WRITE + LEVELS };

/* Halfway, in powers, between a level and the one before it. */
static double between(double small, double large)
{
    return sqrt(small * large);
}

/* What each thread reads or writes; 0: the level is not known, or too small to be told apart. */
static void choose_footprints(const struct intrin_calibration *c, unsigned threads,
                              size_t bytes[LEVELS])
{
    uint64_t memory = 4 * (uint64_t)c->l3_bytes;
    memory = memory < MEMORY_BYTES_MIN ? MEMORY_BYTES_MIN : min_u64(memory, MEMORY_BYTES_MAX);
    double l3 = c->l3_bytes / 4 / threads; /* others share it */
    bytes[L1] = (size_t)(c->l1_bytes / 2);
    bytes[L2] = (size_t)between(c->l1_bytes, c->l2_bytes);
    bytes[L3] = l3 > 2 * c->l2_bytes ? (size_t)between(c->l2_bytes, l3) : 0;
    bytes[MEMORY] = (size_t)(memory / threads);
}

static double measure(unsigned what, const size_t bytes[LEVELS], unsigned threads)
{
    if (what == PEAK)
        return backend_cpu_peak_ops_per_s(BACKEND_CPU_S8, threads);
    size_t footprint = bytes[(what - READ) % LEVELS];
    if (footprint == 0)
        return 0;
    return what < WRITE ? backend_cpu_read_bytes_per_s(footprint, threads)
                        : backend_cpu_write_bytes_per_s(footprint, threads);
}

/* The undisturbed values first; returns how many to take: those, or all if they are few. */
static size_t keep_quiet(double *values, const bool *quiet, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!quiet[i])
            continue;
        double value = values[i];
        values[i] = values[kept];
        values[kept++] = value;
    }
    return kept >= 5 || kept * 3 >= count ? kept : count;
}

/* Medians of rounds that take each in turn. docs/model.md M-118 */
static void measure_machine(const struct intrin_calibration *c, struct intrin_rates *row,
                            unsigned threads, unsigned samples)
{
    size_t bytes[LEVELS];
    double *values = mem_alloc((size_t)samples * MEASURES, sizeof *values), median[MEASURES];
    bool *quiet = mem_alloc((size_t)samples * MEASURES, sizeof *quiet);
    choose_footprints(c, threads, bytes);
    measure(PEAK, bytes, threads); /* wakes the threads and the clock */
    for (unsigned i = 0; i < samples; i++)
        for (unsigned m = 0; m < MEASURES; m++) {
            long before = backend_preemptions();
            values[m * samples + i] = measure(m, bytes, threads);
            quiet[m * samples + i] = backend_preemptions() == before;
        }
    for (unsigned m = 0; m < MEASURES; m++) {
        double *own = &values[m * samples];
        median[m] = backend_median(own, keep_quiet(own, &quiet[m * samples], samples));
    }
    free(values);
    free(quiet);
    *row = (struct intrin_rates){
        .threads = threads,
        .peak_ops_per_s = median[PEAK],
        .l1_bytes_per_s = median[READ + L1],
        .l2_bytes_per_s = median[READ + L2],
        .l3_bytes_per_s = median[READ + L3],
        .memory_bytes_per_s = median[READ + MEMORY],
        .l1_write_bytes_per_s = median[WRITE + L1],
        .l2_write_bytes_per_s = median[WRITE + L2],
        .l3_write_bytes_per_s = median[WRITE + L3],
        .memory_write_bytes_per_s = median[WRITE + MEMORY],
    };
}

/* --- the kernels ---------------------------------------------------------------------------- */

#define PRODUCT "C[m,n] += A[m,k] * B[k,n]"
#define ALONG   "C[m,n] += A[m,k] * B[n,k]"
#define WINDOW  "O[g,p,q] += I[g,p+r,q+s] * W[g,r,s]"
#define APART   "O[g,p,q] += I[g,p+r,2*q+s] * W[g,r,s]"

/* A job; its rows (m, or p) times as many as there are threads. */
struct job {
    const char *text;
    struct expr_binding extents[5];
    bool changes, requantises; /* B comes with the call; sums are stored as u8 */
};
#define EXTENT(name, value)                                                                        \
    {                                                                                              \
        name, value, true                                                                          \
    }
#define GEMM(m, n, k)                                                                              \
    {                                                                                              \
        EXTENT("m", m), EXTENT("n", n), EXTENT("k", k)                                             \
    }
#define DEPTHWISE(g, p, q, r, s)                                                                   \
    {                                                                                              \
        EXTENT("p", p), EXTENT("g", g), EXTENT("q", q), EXTENT("r", r), EXTENT("s", s)             \
    }

/* Two tiles per thread. */
static const struct job nothing = { PRODUCT, GEMM(28, 16, 4), false, false };
static const struct job chain_short = { PRODUCT, GEMM(1, 16, 1024), false, false },
                        chain_long = { PRODUCT, GEMM(1, 16, 2048), false, false };
static const struct job tiles[] = { { PRODUCT, GEMM(448, 64, 12), false, false },
                                    { PRODUCT, GEMM(672, 32, 20), false, false },
                                    { PRODUCT, GEMM(336, 96, 28), false, false } };
static const struct job streaming[] = { { PRODUCT, GEMM(182, 64, 1760), false, false },
                                        { PRODUCT, GEMM(98, 160, 1480), false, false },
                                        { PRODUCT, GEMM(112, 256, 1400), false, false } };
static const struct job packing_across = { PRODUCT, GEMM(4, 96, 176), true, false },
                        packing_along = { ALONG, GEMM(4, 96, 176), true, false },
                        requantising = { PRODUCT, GEMM(112, 64, 36), false, true };
static const struct job lanes_few = { WINDOW, DEPTHWISE(64, 7, 9, 4, 4), false, false },
                        lanes_many = { WINDOW, DEPTHWISE(64, 7, 9, 5, 5), false, false };
/* All of it in L1. Rows one column apart, and two; in long runs, and in short ones. */
static const struct job window_near = { WINDOW, DEPTHWISE(64, 2, 26, 3, 3), false, false },
                        window_far = { APART, DEPTHWISE(64, 2, 26, 3, 3), false, false },
                        window_short = { WINDOW, DEPTHWISE(64, 13, 4, 3, 3), false, false };

/* What a job takes, what is known of it, and the rest. */
struct trial {
    struct kernel_work work;
    double ns, forecast_ns;
    double hidden_ns; /* of the forecast's terms: their sum less the whole */
};

static void run_engine(void *ctx)
{
    kernel_engine_compute(ctx);
}

static double peak_of_threads(void *ctx)
{
    return backend_cpu_peak_ops_per_s(BACKEND_CPU_S8, *(const unsigned *)ctx);
}

static void bind(const struct job *job, unsigned threads, struct expr *out)
{
    struct expr_binding extents[5];
    size_t count = 0;
    for (; count < 5 && job->extents[count].name != NULL; count++)
        extents[count] = job->extents[count];
    extents[0].value *= threads;
    enum err_code rc = expr_parse(out, job->text, extents, count, NULL);
    assert(rc == ERR_OK);
    (void)rc;
    out->tensors[0].type = DT_S32;
    out->tensors[1].type = DT_U8;
    out->tensors[2].type = DT_S8;
}

/* The machine's row, with the peak that was measured around this job. */
static struct trial try_job(const struct job *job, const struct intrin_calibration *machine,
                            const struct intrin_rates *row, unsigned threads, unsigned samples)
{
    static const float scales[256] = { 0 };
    const struct backend_epilogue requantise = {
        .channel_dim = 1, .scale = scales, .converts = true, .to_type = DT_U8
    };
    struct expr expr;
    uint64_t elements[3];
    bind(job, threads, &expr);
    for (size_t t = 0; t < 3; t++)
        expr_elements(&expr, t, &elements[t], NULL);
    int8_t *a = mem_alloc(elements[1], 1), *b = mem_alloc(elements[2], 1);
    const struct backend_job of = { .expr = &expr,
                                    .epilogue = job->requantises ? &requantise : NULL,
                                    .constant = job->changes ? NULL : b,
                                    .threads = threads };
    struct trial trial = { .ns = 0 };
    struct kernel_engine *engine;
    struct err err = ERR_INIT;
    enum err_code rc = kernel_engine_new(&engine, &of, &err);
    assert(rc == ERR_OK);
    (void)rc;
    kernel_engine_load(engine, 0, a);
    if (job->changes)
        kernel_engine_load(engine, 1, b);
    struct backend_sampler sampler = { run_engine, engine, peak_of_threads, &threads, samples };
    struct backend_time time;
    backend_sample(&sampler, &time);
    kernel_engine_count(engine, &trial.work);
    kernel_engine_free(engine);
    struct intrin_calibration now = *machine;
    struct backend_forecast forecast;
    now.rate_count = 1;
    now.rates[0] = *row;
    now.rates[0].peak_ops_per_s = time.peak_ops_per_s;
    kernel_work_forecast(&trial.work, &now, &forecast);
    trial.ns = time.median_ns;
    trial.forecast_ns = forecast.ns;
    trial.hidden_ns = -forecast.ns;
    for (size_t t = 0; t < forecast.count; t++)
        trial.hidden_ns += forecast.terms[t].ns;
    free(a);
    free(b);
    return trial;
}

/* Of the busiest thread; at least a thousandth of what was measured, for a rate is never infinite.
 */
static double unexplained_ns(const struct trial *trial)
{
    double rest = trial->ns - trial->forecast_ns, least = trial->ns / 1000;
    return rest > least ? rest : least;
}

static double tile_count(const struct kernel_work *work)
{
    double count = 0;
    for (size_t i = 0; i < work->tile_count; i++)
        count += work->tiles[i].tiles;
    return count * work->busiest_frac;
}

static double step_count(const struct kernel_work *work)
{
    double count = 0;
    for (size_t i = 0; i < work->tile_count; i++)
        count += work->tiles[i].steps;
    return count;
}

/* docs/model.md M-153 */
static void measure_tiles(const struct intrin_calibration *machine, struct intrin_rates *row,
                          unsigned threads, unsigned samples)
{
    struct trial call = try_job(&nothing, machine, row, threads, samples);
    row->call_ns = unexplained_ns(&call);
    struct trial shorter = try_job(&chain_short, machine, row, 1, samples);
    struct trial longer = try_job(&chain_long, machine, row, 1, samples);
    double steps = step_count(&longer.work) - step_count(&shorter.work);
    row->chain_ns = longer.ns > shorter.ns ? (longer.ns - shorter.ns) / steps : 0;
    double ns[sizeof tiles / sizeof *tiles];
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        struct trial trial = try_job(&tiles[i], machine, row, threads, samples);
        ns[i] = unexplained_ns(&trial) / tile_count(&trial.work);
    }
    row->tile_ns = backend_median(ns, sizeof tiles / sizeof *tiles);
}

/* Of products long enough that B comes from L2 again for every tile. docs/model.md M-153 */
static void measure_exposed(const struct intrin_calibration *machine, struct intrin_rates *row,
                            unsigned threads, unsigned samples)
{
    double frac[sizeof streaming / sizeof *streaming];
    for (size_t i = 0; i < sizeof streaming / sizeof *streaming; i++) {
        struct trial trial = try_job(&streaming[i], machine, row, threads, samples);
        frac[i] = unexplained_ns(&trial) / trial.hidden_ns;
    }
    row->exposed_frac = fmin(1, backend_median(frac, sizeof streaming / sizeof *streaming));
}

static double packing_rate(const struct job *job, const struct intrin_calibration *machine,
                           const struct intrin_rates *row, unsigned threads, unsigned samples)
{
    struct trial trial = try_job(job, machine, row, threads, samples);
    return trial.work.packed_bytes / unexplained_ns(&trial) * 1e9;
}

/* Of one thread that does it all, beyond the call and the stores; the rest, all of it in L1, is the
 * kernel's. */
static double lanes_rest_ns(const struct trial *trial, const struct intrin_rates *row)
{
    double stores_ns = trial->work.lanes.stores * VECTOR_BYTES / row->l1_write_bytes_per_s * 1e9;
    double rest = (trial->ns - row->call_ns) / trial->work.busiest_frac;
    return fmax(0, rest - stores_ns * row->threads);
}

static void measure_lanes(const struct intrin_calibration *machine, struct intrin_rates *row,
                          unsigned threads, unsigned samples)
{
    struct trial few = try_job(&lanes_few, machine, row, threads, samples);
    struct trial many = try_job(&lanes_many, machine, row, threads, samples);
    double quads = many.work.lanes.quads - few.work.lanes.quads;
    if (quads <= 0) /* no lanes here: those are tiles */
        return;
    double each = fmax(0, (lanes_rest_ns(&many, row) - lanes_rest_ns(&few, row)) / quads);
    double rest = lanes_rest_ns(&few, row) - few.work.lanes.quads * each;
    row->lanes_quad_ns = each;
    row->lanes_row_ns = fmax(0, rest / few.work.lanes.rows);
}

/* Long runs of rows, one and two columns apart; then short ones. docs/model.md M-153 */
static void measure_window(const struct intrin_calibration *machine, struct intrin_rates *row,
                           unsigned threads, unsigned samples)
{
    struct trial near = try_job(&window_near, machine, row, threads, samples);
    struct trial far = try_job(&window_far, machine, row, threads, samples);
    struct trial brief = try_job(&window_short, machine, row, threads, samples);
    const struct kernel_work_lanes *n = &near.work.lanes, *f = &far.work.lanes,
                                   *s = &brief.work.lanes;
    if (n->window_rows <= 0)
        return;
    double column = (lanes_rest_ns(&far, row) - lanes_rest_ns(&near, row)) /
                    (f->window_columns - n->window_columns);
    row->window_column_ns = fmax(0, column);
    double per_row =
        (lanes_rest_ns(&near, row) - n->window_columns * row->window_column_ns) / n->window_rows;
    double rest = lanes_rest_ns(&brief, row) - s->window_columns * row->window_column_ns -
                  s->window_rows * per_row;
    row->window_run_ns = fmax(0, rest / s->window_runs);
    /* The long runs had ends, too. */
    row->window_row_ns = fmax(0, per_row - n->window_runs * row->window_run_ns / n->window_rows);
}

void backend_cpu_calibrate(struct intrin_calibration *out, struct intrin_rates *row,
                           unsigned threads, unsigned samples)
{
    measure_machine(out, row, threads, samples);
    measure_tiles(out, row, threads, samples);
    measure_exposed(out, row, threads, samples);
    row->pack_across_bytes_per_s = packing_rate(&packing_across, out, row, threads, samples);
    row->pack_along_bytes_per_s = packing_rate(&packing_along, out, row, threads, samples);
    measure_lanes(out, row, threads, samples);
    measure_window(out, row, threads, samples);
    struct trial trial = try_job(&requantising, out, row, threads, samples);
    row->epilogue_elements_per_s = trial.work.epilogue_elements / unexplained_ns(&trial) * 1e9;
}
