/* validate --calibrate --host: this machine's cores, and its GPU, as a SoC. docs/model.md M-144 */
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
/* Of a device: past its caches; what its instructions eat of a sum at once; a copy over its link.
 */
#define DEVICE_EVICT_BYTES   (UINT64_C(128) << 20)
#define DEVICE_DEPTH_GRANULE 32
#define DEVICE_COPY_BYTES    (UINT64_C(16) << 20)

/* Layers timed on one kind of accelerator. */
struct unit {
    const char *dataflow;
    struct exec_place place;
    size_t evict_bytes, timed_count;
    struct cost_timed *timed;
    struct dataflow_measured measured;
    double median_error;
};

struct host {
    const struct validate_args *args;
    struct backend_cpu_machine machine;
    unsigned cores, group; /* of the SoC; of each accelerator */
    struct unit core;
    struct exec_probe_link link;
    double core_bytes_per_s, all_bytes_per_s; /* reads of memory */
    bool has_device;
    struct unit device;
    struct backend_probe found;
    struct exec_probe_link to_device, from_device;
};

/* --- measuring -------------------------------------------------------------------------------- */

static bool is_new(const struct unit *unit, const struct layer_shape *shape)
{
    for (size_t i = 0; i < unit->timed_count; i++)
        if (memcmp(&unit->timed[i].shape, shape, sizeof *shape) == 0)
            return false;
    return true;
}

static enum err_code time_layers(const struct host *h, struct unit *unit, struct exec_net *net,
                                 struct err *err)
{
    struct cli_progress progress;
    enum err_code rc = ERR_OK;
    struct exec_probe_cores *pinned = exec_probe_pin(unit->place.threads);
    cli_progress_start(&progress, h->args->progress, "calibrate");
    unit->timed = mem_alloc(net->layer_count, sizeof *unit->timed);
    for (uint32_t i = 0; i < net->layer_count && rc == ERR_OK; i++) {
        const struct layer_shape *shape = &net->layers[i].layer->shape;
        if (net->layers[i].place.backend != unit->place.backend || !is_new(unit, shape))
            continue;
        double seconds = exec_probe_layer(net, i, (size_t)h->args->samples, unit->evict_bytes, err);
        rc = seconds > 0 ? ERR_OK : err_set(err, ERR_DEVICE, "a layer took no time");
        unit->timed[unit->timed_count++] = (struct cost_timed){ *shape, seconds };
        cli_progress_show(&progress, i + 1, net->layer_count, net->layers[i].name);
        if (rc == ERR_OK && cli_stop)
            rc = err_set(err, ERR_INTERRUPTED, "interrupted");
    }
    cli_progress_end(&progress);
    exec_probe_release(pinned);
    return rc;
}

/* Layers that the unit cannot run are computed by the cores, and not timed. */
static enum err_code measure_unit(const struct host *h, const struct workload *workload,
                                  struct unit *unit, struct err *err)
{
    struct exec_net *net = NULL;
    struct exec_place *places = mem_alloc(workload->layer_count, sizeof *places);
    for (uint32_t i = 0; i < workload->layer_count; i++)
        places[i] = exec_plan_takes(unit->place.backend, workload_layer(workload, i))
                        ? unit->place
                        : h->core.place;
    enum err_code rc = exec_net_new(&net, workload, places, h->args->seed, err);
    if (rc == ERR_OK)
        rc = time_layers(h, unit, net, err);
    exec_net_free(net);
    free(places);
    if (rc == ERR_OK && unit->timed_count == 0)
        rc = err_set(err, ERR_UNSUPPORTED, "backend %s runs no layer of \"%s\"",
                     unit->place.backend->name, workload->name);
    if (rc == ERR_OK)
        unit->median_error = cost_fit(unit->timed, unit->timed_count, &unit->measured);
    return rc;
}

static enum err_code measure_layers(struct host *h, struct err *err)
{
    char *file = cli_resolve(h->args->workload ? h->args->workload : "calibration", CLI_WORKLOADS);
    struct workload workload;
    enum err_code rc = workload_load(&workload, file, err);
    free(file);
    if (rc != ERR_OK)
        return rc;
    rc = measure_unit(h, &workload, &h->core, err);
    if (rc == ERR_OK && h->has_device)
        rc = measure_unit(h, &workload, &h->device, err);
    workload_release(&workload);
    return rc;
}

static enum err_code measure_device_link(struct host *h, struct err *err)
{
    return exec_probe_device(h->device.place.backend, DEVICE_COPY_BYTES, (size_t)h->args->samples,
                             &h->to_device, &h->from_device, err);
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

static void write_link(struct json_out *out, const char *from, const char *to,
                       const struct exec_probe_link *link, bool both_ways)
{
    json_out_object(out, NULL, true);
    json_out_str(out, "from", from);
    json_out_str(out, "to", to);
    json_out_u64(out, "bytes_per_s", (uint64_t)fmax(1, link->bytes_per_s));
    json_out_real(out, "latency_ns", round(link->latency_ns));
    json_out_bool(out, "both_ways", both_ways);
    json_out_end(out);
}

/* Every core has a link to every other, over which results are copied, and one to the memory. A
 * device's link (PCIe) leads to the memory. */
static void write_network(const struct host *h, struct json_out *out)
{
    char from[32], to[32];
    unsigned count = h->cores / h->group;
    const struct exec_probe_link memory = { h->core_bytes_per_s, 0 };
    json_out_object(out, "network", false);
    json_out_str(out, "topology", "links");
    json_out_str(out, "switching", "cut-through");
    json_out_array(out, "places", true);
    for (unsigned i = 0; i < count; i++)
        json_out_str(out, NULL, place_name(from, i));
    json_out_str(out, NULL, "memory");
    if (h->has_device)
        json_out_str(out, NULL, "gpu");
    json_out_end(out);
    json_out_array(out, "links", false);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = i + 1; k < count; k++)
            write_link(out, place_name(from, i), place_name(to, k), &h->link, true);
        write_link(out, "memory", place_name(from, i), &memory, true);
    }
    if (h->has_device) {
        write_link(out, "memory", "gpu", &h->to_device, false);
        write_link(out, "gpu", "memory", &h->from_device, false);
    }
    json_out_end(out);
    json_out_end(out);
}

static void write_accelerator(const struct unit *unit, const char *name, uint64_t pes,
                              struct json_out *out)
{
    json_out_object(out, NULL, false);
    json_out_str(out, "name", name);
    json_out_str(out, "place", name);
    json_out_u64(out, "clock_hz", CLOCK_HZ);
    json_out_u64(out, "pe_rows", 1);
    json_out_u64(out, "pe_cols", pes);
    json_out_str(out, "dataflow", unit->dataflow);
    json_out_array(out, "supports", true);
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++)
        if (unit->measured.rates[kind].present)
            json_out_str(out, NULL, op_kind_names[kind]);
    json_out_end(out);
    json_out_u64(out, "shared_layers_max", 1);
    json_out_u64(out, "scratchpad_bytes", UINT64_C(1) << 40); /* all that it can address */
    json_out_end(out);
}

static void write_accelerators(const struct host *h, struct json_out *out)
{
    char place[32];
    json_out_array(out, "accelerators", false);
    for (unsigned i = 0; i < h->cores / h->group; i++)
        write_accelerator(&h->core, place_name(place, i), h->group, out);
    if (h->has_device)
        write_accelerator(&h->device, "gpu", h->found.units, out);
    json_out_end(out);
}

static void write_memory(const char *name, const char *place, double bytes_per_s,
                         struct json_out *out)
{
    json_out_object(out, NULL, true);
    json_out_str(out, "name", name);
    json_out_str(out, "place", place);
    json_out_u64(out, "bytes_per_s", (uint64_t)fmax(1, bytes_per_s));
    json_out_real(out, "latency_ns", 0);
    json_out_end(out);
}

static void write_dataflow(const struct unit *unit, struct json_out *out)
{
    struct dataflow dataflow = { .measured = unit->measured };
    snprintf(dataflow.name, sizeof dataflow.name, "%s", unit->dataflow);
    dataflow_write(&dataflow, out, NULL);
}

static void write_rest(const struct host *h, struct json_out *out)
{
    static const char *const energies[] = {
        "mac_pj",          "register_pj_per_byte", "scratchpad_pj_per_byte",
        "hop_pj_per_byte", "memory_pj_per_byte",   "pe_idle_pj_per_cycle",
    };
    json_out_array(out, "memory", false);
    write_memory("dram", "memory", h->all_bytes_per_s, out);
    if (h->has_device) /* weights lie there, and graph inputs */
        write_memory("gpu-dram", "gpu", h->found.memory_bytes_per_s, out);
    json_out_end(out);
    json_out_object(out, "energy", true);
    for (size_t i = 0; i < sizeof energies / sizeof *energies; i++)
        json_out_real(out, energies[i], 0);
    json_out_end(out);
    json_out_array(out, "dataflows", false);
    write_dataflow(&h->core, out);
    if (h->has_device)
        write_dataflow(&h->device, out);
    json_out_end(out);
}

static void write_soc(const struct host *h, struct text *text)
{
    struct json_out out;
    struct text source = { 0 };
    text_printf(&source, "measured by socweave %s on %s, %u cores%s%s: %s", SOCWEAVE_VERSION,
                h->machine.model, h->machine.cores, h->has_device ? ", and " : "", h->found.device,
                h->args->command);
    json_out_init(&out, text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "socweave", "soc/1");
    json_out_str(&out, "name", "host");
    json_out_str(&out, "source", source.data);
    json_out_str(&out, "note",
                 h->has_device
                     ? "Cores and GPU of one machine as accelerators, for validate --run-mapping; "
                       "one core more drives the GPU. Energies are not measured; cycles are "
                       "nanoseconds."
                     : "Cores of one machine as accelerators, for validate --run-mapping. Energies "
                       "are not measured; cycles are nanoseconds.");
    write_network(h, &out);
    write_accelerators(h, &out);
    write_rest(h, &out);
    json_out_end(&out);
    text_add(text, "\n");
    text_release(&source);
}

static void print_unit(const struct unit *unit, const char *on)
{
    const struct dataflow_measured *m = &unit->measured;
    printf("%zu layers timed on %s: the rates are %.0f%% off in the median; a call %.0f ns\n",
           unit->timed_count, on, 100 * unit->median_error, m->call_ns);
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++)
        if (m->rates[kind].present)
            printf("  %-14s %8.1f GOP/s; inputs %.1f, constants %.1f, results %.1f GB/s\n",
                   op_kind_names[kind], m->rates[kind].ops_per_s / 1e9,
                   m->rates[kind].bytes_per_s[OPERAND_INPUT] / 1e9,
                   m->rates[kind].bytes_per_s[OPERAND_WEIGHT] / 1e9,
                   m->rates[kind].bytes_per_s[OPERAND_OUTPUT] / 1e9);
    printf("  epilogues      %8.1f G elements/s\n", m->epilogue_elements_per_s / 1e9);
}

static void print(const struct host *h)
{
    char on[32];
    snprintf(on, sizeof on, "%u core%s", h->group, h->group > 1 ? "s" : "");
    print_unit(&h->core, on);
    if (h->has_device)
        print_unit(&h->device, h->found.device);
    printf("memory %.1f GB/s from one, %.1f GB/s from all; between cores %.1f GB/s, %.0f ns\n",
           h->core_bytes_per_s / 1e9, h->all_bytes_per_s / 1e9, h->link.bytes_per_s / 1e9,
           h->link.latency_ns);
    if (h->has_device)
        printf("GPU: to it %.1f GB/s, %.0f ns; from it %.1f GB/s, %.0f ns\n",
               h->to_device.bytes_per_s / 1e9, h->to_device.latency_ns,
               h->from_device.bytes_per_s / 1e9, h->from_device.latency_ns);
}

/* The backend of --backend, if it is not this machine's cores; one of them then drives it. */
static enum err_code find_device(struct host *h, struct err *err)
{
    const char *name = h->args->backend;
    const struct backend *backend = name != NULL ? backend_find(name) : &backend_cpu;
    if (backend->memory == NULL)
        return ERR_OK;
    backend->probe(&h->found);
    if (h->found.state != BACKEND_AVAILABLE)
        return err_set(err, ERR_UNAVAILABLE, "--calibrate: backend %s: %s", name, h->found.reason);
    if (h->cores < 2)
        return err_set(err, ERR_UNAVAILABLE,
                       "--calibrate: a core drives the GPU, and there is only one");
    h->has_device = true;
    h->cores--;
    h->device =
        (struct unit){ .dataflow = "measured-gpu",
                       .place = { backend, 1 },
                       .evict_bytes = DEVICE_EVICT_BYTES,
                       .measured = { .columns = COLUMN_GRANULE, .depth = DEVICE_DEPTH_GRANULE } };
    snprintf(h->device.measured.backend, sizeof h->device.measured.backend, "%s", name);
    return ERR_OK;
}

enum err_code cli_validate_host(const struct validate_args *args, struct err *err)
{
    struct host h = { .args = args, .cores = cli_cores(), .group = (unsigned)args->group };
    struct text text = { 0 };
    backend_cpu_machine(&h.machine);
    h.core = (struct unit){ .dataflow = "measured-core",
                            .place = { &backend_cpu, h.group },
                            .evict_bytes = 2 * max_u64(h.machine.l3_bytes, h.machine.l2_bytes),
                            .measured = { .columns = COLUMN_GRANULE, .depth = DEPTH_GRANULE } };
    h.cores = (unsigned)min_u64(h.cores, CORES_MAX);
    enum err_code rc = find_device(&h, err);
    if (rc == ERR_OK && h.group > h.cores)
        rc = err_set(err, ERR_UNAVAILABLE, "--group: there are %u cores, not %u", h.cores, h.group);
    if (rc != ERR_OK)
        return rc;
    h.cores -= h.cores % h.group;
    rc = measure_layers(&h, err);
    if (rc == ERR_OK && h.has_device)
        rc = measure_device_link(&h, err);
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
    free(h.core.timed);
    free(h.device.timed);
    return rc;
}
