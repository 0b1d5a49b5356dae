/* validate --calibrate --host: this machine's cores as a SoC. docs/model.md M-144 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/machine.h"
#include "cli/validate.h"
#include "core/arena.h"
#include "core/file.h"
#include "core/num.h"
#include "cost/cost_fit.h"
#include "exec/exec_probe.h"

#define CORES_MAX      64
#define COLUMN_GRANULE 16 /* lanes of a vector of sums */
#define DEPTH_GRANULE  4  /* bytes of a multiply-add instruction */
#define COPY_BYTES     (128 << 10)
#define MEMORY_BYTES   (UINT64_C(128) << 20)
#define CLOCK_HZ       1000000000 /* times are measured in ns, so cycles are ns */
#define MEMORY_SAMPLES 5

struct host {
    const struct validate_args *args;
    struct backend_cpu_machine machine;
    unsigned cores, group; /* of the SoC; of each accelerator */
    size_t timed_count;
    struct cost_timed *timed;
    struct dataflow_measured measured;
    double median_error;
    size_t evict_bytes;
    struct exec_probe_link link;
    double core_bytes_per_s, all_bytes_per_s; /* reads of memory */
};

/* --- measuring -------------------------------------------------------------------------------- */

static bool is_new(const struct host *h, const struct layer_shape *shape)
{
    for (size_t i = 0; i < h->timed_count; i++)
        if (memcmp(&h->timed[i].shape, shape, sizeof *shape) == 0)
            return false;
    return true;
}

static enum err_code time_layers(struct host *h, struct exec_net *net, struct err *err)
{
    struct cli_progress progress;
    enum err_code rc = ERR_OK;
    struct exec_probe_cores *pinned = exec_probe_pin(h->group);
    cli_progress_start(&progress, h->args->progress, "calibrate");
    h->timed = mem_alloc(net->layer_count, sizeof *h->timed);
    for (uint32_t i = 0; i < net->layer_count && rc == ERR_OK; i++) {
        const struct layer_shape *shape = &net->layers[i].layer->shape;
        if (!is_new(h, shape))
            continue;
        double seconds = exec_probe_layer(net, i, (size_t)h->args->samples, h->evict_bytes, err);
        rc = seconds > 0 ? ERR_OK : err_set(err, ERR_DEVICE, "a layer took no time");
        h->timed[h->timed_count++] = (struct cost_timed){ *shape, seconds };
        cli_progress_show(&progress, i + 1, net->layer_count, net->layers[i].name);
        if (rc == ERR_OK && cli_stop)
            rc = err_set(err, ERR_INTERRUPTED, "interrupted");
    }
    cli_progress_end(&progress);
    exec_probe_release(pinned);
    return rc;
}

static enum err_code measure_layers(struct host *h, struct err *err)
{
    char *file = cli_resolve(h->args->workload ? h->args->workload : "calibration", CLI_WORKLOADS);
    struct workload workload;
    struct exec_net *net = NULL;
    enum err_code rc = workload_load(&workload, file, err);
    free(file);
    if (rc != ERR_OK)
        return rc;
    unsigned *threads = mem_alloc(workload.layer_count, sizeof *threads);
    for (size_t i = 0; i < workload.layer_count; i++)
        threads[i] = h->group;
    rc = exec_net_new(&net, &workload, &backend_cpu, threads, h->args->seed, err);
    if (rc == ERR_OK)
        rc = time_layers(h, net, err);
    exec_net_free(net);
    free(threads);
    workload_release(&workload);
    h->measured.columns = COLUMN_GRANULE;
    h->measured.depth = DEPTH_GRANULE;
    if (rc == ERR_OK)
        h->median_error = cost_fit(h->timed, h->timed_count, &h->measured);
    return rc;
}

/* The fastest of several: whoever else used the core or the memory made the others slower. */
static double read_rate(unsigned threads)
{
    double best = 0;
    for (size_t i = 0; i < MEMORY_SAMPLES; i++)
        best = fmax(best, backend_cpu_read_bytes_per_s((size_t)MEMORY_BYTES / threads, threads));
    return best;
}

static void measure_memory(struct host *h)
{
    h->core_bytes_per_s = read_rate(h->group);
    h->all_bytes_per_s = h->cores > h->group ? read_rate(h->cores) : h->core_bytes_per_s;
    h->all_bytes_per_s = fmax(h->all_bytes_per_s, h->core_bytes_per_s);
    if (!exec_probe_between_cores(COPY_BYTES, (size_t)h->args->samples, &h->link))
        h->link = (struct exec_probe_link){ h->core_bytes_per_s, 0 };
}

/* --- the SoC ---------------------------------------------------------------------------------- */

static char *place_name(char *buf, unsigned number)
{
    snprintf(buf, 32, "core%u", number);
    return buf;
}

static void write_link(struct json_out *out, const char *from, const char *to, double bytes_per_s,
                       double latency_ns)
{
    json_out_object(out, NULL, true);
    json_out_str(out, "from", from);
    json_out_str(out, "to", to);
    json_out_u64(out, "bytes_per_s", (uint64_t)fmax(1, bytes_per_s));
    json_out_real(out, "latency_ns", round(latency_ns));
    json_out_bool(out, "both_ways", true);
    json_out_end(out);
}

/* Every core has a link to every other, over which results are copied, and one to the memory. */
static void write_network(const struct host *h, struct json_out *out)
{
    char from[32], to[32];
    unsigned count = h->cores / h->group;
    json_out_object(out, "network", false);
    json_out_str(out, "topology", "links");
    json_out_str(out, "switching", "cut-through");
    json_out_array(out, "places", true);
    for (unsigned i = 0; i < count; i++)
        json_out_str(out, NULL, place_name(from, i));
    json_out_str(out, NULL, "memory");
    json_out_end(out);
    json_out_array(out, "links", false);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = i + 1; k < count; k++)
            write_link(out, place_name(from, i), place_name(to, k), h->link.bytes_per_s,
                       h->link.latency_ns);
        write_link(out, "memory", place_name(from, i), h->core_bytes_per_s, 0);
    }
    json_out_end(out);
    json_out_end(out);
}

static void write_accelerators(const struct host *h, struct json_out *out)
{
    char place[32];
    json_out_array(out, "accelerators", false);
    for (unsigned i = 0; i < h->cores / h->group; i++) {
        json_out_object(out, NULL, false);
        json_out_str(out, "name", place_name(place, i));
        json_out_str(out, "place", place);
        json_out_u64(out, "clock_hz", CLOCK_HZ);
        json_out_u64(out, "pe_rows", 1);
        json_out_u64(out, "pe_cols", h->group);
        json_out_str(out, "dataflow", "measured-core");
        json_out_array(out, "supports", true);
        for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++)
            if (h->measured.rates[kind].present)
                json_out_str(out, NULL, op_kind_names[kind]);
        json_out_end(out);
        json_out_u64(out, "shared_layers_max", 1);
        json_out_u64(out, "scratchpad_bytes", UINT64_C(1) << 40); /* all that it can address */
        json_out_end(out);
    }
    json_out_end(out);
}

static void write_rest(const struct host *h, struct json_out *out)
{
    static const char *const energies[] = {
        "mac_pj",          "register_pj_per_byte", "scratchpad_pj_per_byte",
        "hop_pj_per_byte", "memory_pj_per_byte",   "pe_idle_pj_per_cycle",
    };
    struct dataflow dataflow = { .name = "measured-core", .measured = h->measured };
    json_out_array(out, "memory", false);
    json_out_object(out, NULL, true);
    json_out_str(out, "name", "dram");
    json_out_str(out, "place", "memory");
    json_out_u64(out, "bytes_per_s", (uint64_t)fmax(1, h->all_bytes_per_s));
    json_out_real(out, "latency_ns", 0);
    json_out_end(out);
    json_out_end(out);
    json_out_object(out, "energy", true);
    for (size_t i = 0; i < sizeof energies / sizeof *energies; i++)
        json_out_real(out, energies[i], 0);
    json_out_end(out);
    json_out_array(out, "dataflows", false);
    dataflow_write(&dataflow, out, NULL);
    json_out_end(out);
}

static void write_soc(const struct host *h, struct text *text)
{
    struct json_out out;
    struct text source = { 0 };
    text_printf(&source, "measured by socweave %s on %s, %u cores: %s", SOCWEAVE_VERSION,
                h->machine.model, h->machine.cores, h->args->command);
    json_out_init(&out, text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "socweave", "soc/1");
    json_out_str(&out, "name", "host");
    json_out_str(&out, "source", source.data);
    json_out_str(&out, "note",
                 "Cores of one machine as accelerators, for validate --run-mapping. Energies are "
                 "not measured; cycles are nanoseconds.");
    write_network(h, &out);
    write_accelerators(h, &out);
    write_rest(h, &out);
    json_out_end(&out);
    text_add(text, "\n");
    text_release(&source);
}

static void print(const struct host *h)
{
    const struct dataflow_measured *m = &h->measured;
    printf(
        "%zu layers timed on %u core%s: the rates are %.0f%% off in the median; a call %.0f ns\n",
        h->timed_count, h->group, h->group > 1 ? "s" : "", 100 * h->median_error, m->call_ns);
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++)
        if (m->rates[kind].present)
            printf("  %-14s %8.1f GOP/s; inputs %.1f, constants %.1f, results %.1f GB/s\n",
                   op_kind_names[kind], m->rates[kind].ops_per_s / 1e9,
                   m->rates[kind].bytes_per_s[OPERAND_INPUT] / 1e9,
                   m->rates[kind].bytes_per_s[OPERAND_WEIGHT] / 1e9,
                   m->rates[kind].bytes_per_s[OPERAND_OUTPUT] / 1e9);
    printf("  epilogues      %8.1f G elements/s\n", m->epilogue_elements_per_s / 1e9);
    printf("memory %.1f GB/s from one, %.1f GB/s from all; between cores %.1f GB/s, %.0f ns\n",
           h->core_bytes_per_s / 1e9, h->all_bytes_per_s / 1e9, h->link.bytes_per_s / 1e9,
           h->link.latency_ns);
}

enum err_code cli_validate_host(const struct validate_args *args, struct err *err)
{
    struct host h = { .args = args, .cores = cli_cores(), .group = (unsigned)args->group };
    struct text text = { 0 };
    backend_cpu_machine(&h.machine);
    h.evict_bytes =
        2 * (h.machine.l3_bytes > h.machine.l2_bytes ? h.machine.l3_bytes : h.machine.l2_bytes);
    h.cores = (unsigned)min_u64(h.cores, CORES_MAX);
    if (h.group > h.cores)
        return err_set(err, ERR_UNAVAILABLE, "--group: there are %u cores, not %u", h.cores,
                       h.group);
    h.cores -= h.cores % h.group;
    enum err_code rc = measure_layers(&h, err);
    if (rc == ERR_OK) {
        measure_memory(&h);
        write_soc(&h, &text);
        rc = file_write(args->host, text.data, text.bytes, err);
    }
    if (rc == ERR_OK && args->json)
        fputs(text.data, stdout);
    else if (rc == ERR_OK)
        print(&h);
    text_release(&text);
    free(h.timed);
    return rc;
}
