/* validate --calibrate: this machine's rates, as medians of rounds that take each in turn. */
#include <stdlib.h>

#include "backends/cpu/machine.h"
#include "backends/sample.h"
#include "cli/validate.h"
#include "core/arena.h"
#include "core/file.h"
#include "core/num.h"
#include "intrinsics/intrin_machine.h"

/* So much is read for the rate of the memory, all threads together. */
#define MEMORY_BYTES_MIN (UINT64_C(64) << 20)
#define MEMORY_BYTES_MAX (UINT64_C(512) << 20)

enum measure { PEAK, L1, L2, L3, MEMORY, CALL, MEASURE_COUNT };

/* What each thread reads; 0: the level is not known, or cannot be told from the one before. */
struct footprints {
    size_t bytes[MEASURE_COUNT];
};

static struct footprints choose_footprints(const struct backend_cpu_machine *m, unsigned threads)
{
    struct footprints f = { 0 };
    uint64_t memory = 4 * (uint64_t)m->l3_bytes;
    memory = memory < MEMORY_BYTES_MIN ? MEMORY_BYTES_MIN : min_u64(memory, MEMORY_BYTES_MAX);
    f.bytes[L1] = m->l1_bytes / 2;
    f.bytes[L2] = m->l2_bytes / 2;
    f.bytes[L3] = m->l3_bytes / 2 / threads;
    if (f.bytes[L3] <= m->l2_bytes)
        f.bytes[L3] = 0;
    f.bytes[MEMORY] = (size_t)(memory / threads);
    return f;
}

static double measure(enum measure what, const struct footprints *f, unsigned threads)
{
    switch (what) {
    case PEAK:
        return backend_cpu_peak_ops_per_s(BACKEND_CPU_S8, threads);
    case CALL:
        return backend_cpu_call_ns(threads);
    default:
        return f->bytes[what] > 0 ? backend_cpu_read_bytes_per_s(f->bytes[what], threads) : 0;
    }
}

static struct intrin_rates measure_rates(const struct backend_cpu_machine *m, unsigned threads,
                                         size_t samples)
{
    struct footprints footprints = choose_footprints(m, threads);
    double *values = mem_alloc(samples * MEASURE_COUNT, sizeof *values);
    double median[MEASURE_COUNT];
    measure(PEAK, &footprints, threads); /* wakes the threads and the clock */
    for (size_t i = 0; i < samples; i++)
        for (unsigned w = 0; w < MEASURE_COUNT; w++)
            values[w * samples + i] = measure((enum measure)w, &footprints, threads);
    for (unsigned w = 0; w < MEASURE_COUNT; w++)
        median[w] = backend_median(&values[w * samples], samples);
    free(values);
    return (struct intrin_rates){
        .threads = threads,
        .peak_ops_per_s = median[PEAK],
        .l1_bytes_per_s = median[L1],
        .l2_bytes_per_s = median[L2],
        .l3_bytes_per_s = median[L3],
        .memory_bytes_per_s = median[MEMORY],
        .call_ns = median[CALL],
    };
}

static void print_rates(const struct intrin_rates *r)
{
    printf("%u thread%s: %.0f GOP/s; reads GB/s: L1 %.0f, L2 %.0f, L3 %.0f, memory %.1f; "
           "call %.0f ns\n",
           r->threads, r->threads > 1 ? "s" : "", r->peak_ops_per_s / 1e9, r->l1_bytes_per_s / 1e9,
           r->l2_bytes_per_s / 1e9, r->l3_bytes_per_s / 1e9, r->memory_bytes_per_s / 1e9,
           r->call_ns);
}

enum err_code cli_validate_calibrate(const struct validate_args *a, struct err *err)
{
    struct backend_cpu_machine m;
    struct text text = { 0 };
    backend_cpu_machine(&m);
    if (!m.vnni)
        return err_set(err, ERR_UNAVAILABLE, "--calibrate: no AVX-512 VNNI on %s", m.model);
    unsigned all = a->threads > 0 ? (unsigned)a->threads : cli_cores();
    struct intrin_calibration c = {
        .name = m.model,
        .version = SOCWEAVE_VERSION,
        .command = a->command,
        .cores = m.cores,
        .samples = (unsigned)a->samples,
        .l1_bytes = (double)m.l1_bytes,
        .l2_bytes = (double)m.l2_bytes,
        .l3_bytes = (double)m.l3_bytes,
    };
    for (unsigned threads = 1; threads <= all; threads = threads == 1 && all > 1 ? all : all + 1)
        c.rates[c.rate_count++] = measure_rates(&m, threads, (size_t)a->samples);
    intrin_calibration_json(&c, &text);
    enum err_code rc = file_write(a->out, text.data, text.bytes, err);
    if (rc == ERR_OK && a->json)
        fputs(text.data, stdout);
    else if (rc == ERR_OK)
        for (size_t i = 0; i < c.rate_count; i++)
            print_rates(&c.rates[i]);
    text_release(&text);
    return rc;
}
