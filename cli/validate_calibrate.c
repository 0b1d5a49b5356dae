/* validate --calibrate: this machine's rates into a file. */
#include <string.h>

#include "backends/cpu/calibrate.h"
#include "backends/cpu/machine.h"
#include "backends/cuda/calibrate.h"
#include "cli/validate.h"
#include "core/file.h"

static void print_rates(const struct intrin_rates *r)
{
    printf("%u thread%s: %.0f GOP/s; reads GB/s: L1 %.0f, L2 %.0f, L3 %.0f, memory %.1f; "
           "call %.0f ns\n",
           r->threads, r->threads > 1 ? "s" : "", r->peak_ops_per_s / 1e9, r->l1_bytes_per_s / 1e9,
           r->l2_bytes_per_s / 1e9, r->l3_bytes_per_s / 1e9, r->memory_bytes_per_s / 1e9,
           r->call_ns);
    printf(
        "  writes GB/s: L1 %.0f, L2 %.0f, L3 %.0f, memory %.1f; a tile's ends %.1f ns, a chained "
        "product %.2f ns; not hidden %.0f%%\n",
        r->l1_write_bytes_per_s / 1e9, r->l2_write_bytes_per_s / 1e9, r->l3_write_bytes_per_s / 1e9,
        r->memory_write_bytes_per_s / 1e9, r->tile_ns, r->chain_ns, 100 * r->exposed_frac);
    printf("  packing MB/s: along %.0f, across %.0f; depthwise: four taps %.2f ns, a row %.2f ns; "
           "sliding: a column %.2f ns, a row %.2f ns; requantised: %.0f M/s\n",
           r->pack_along_bytes_per_s / 1e6, r->pack_across_bytes_per_s / 1e6, r->lanes_quad_ns,
           r->lanes_row_ns, r->window_column_ns, r->window_row_ns,
           r->epilogue_elements_per_s / 1e6);
}

static void print_gpu(const struct intrin_calibration *c)
{
    const struct intrin_rates *r = &c->rates[0];
    printf("%s, %u SMs: %.0f TOP/s of u8 x s8; memory GB/s: reads %.0f (stated), writes %.0f; "
           "a call %.0f ns\n",
           c->name, c->cores, r->peak_ops_per_s / 1e12, r->memory_bytes_per_s / 1e9,
           r->memory_write_bytes_per_s / 1e9, r->call_ns);
    printf("  link GB/s: to %.1f, from %.1f; a copy of next to nothing %.0f ns\n",
           c->link.to_bytes_per_s / 1e9, c->link.from_bytes_per_s / 1e9, c->link.call_ns);
}

static enum err_code calibrate_gpu(const struct validate_args *a, struct err *err)
{
    char name[64];
    struct text text = { 0 };
    struct intrin_calibration c = { .version = SOCWEAVE_VERSION, .command = a->command };
    enum err_code rc = cuda_calibrate(&cuda_calibrate_default, (unsigned)a->samples, &c, name, err);
    if (rc != ERR_OK)
        return rc;
    intrin_calibration_json(&c, &text);
    rc = file_write(a->out, text.data, text.bytes, err);
    if (rc == ERR_OK && a->json)
        fputs(text.data, stdout);
    else if (rc == ERR_OK)
        print_gpu(&c);
    text_release(&text);
    return rc;
}

enum err_code cli_validate_calibrate(const struct validate_args *a, struct err *err)
{
    if (a->backend != NULL && strcmp(a->backend, "cuda") == 0)
        return calibrate_gpu(a, err);
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
        backend_cpu_calibrate(&c, &c.rates[c.rate_count++], threads, (unsigned)a->samples);
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
