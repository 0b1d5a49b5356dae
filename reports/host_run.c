/* run/1, and what a terminal shows of it. */
#include "reports/host_run.h"

#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "reports/report_format.h"

double report_host_error(const struct report_host_run *run)
{
    double measured = (double)run->measured_ps;
    return measured > 0 ? ((double)run->simulated->makespan_ps - measured) / measured : 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint64_t predicted_ps(const struct report_host_run *run, uint32_t layer)
{
    return run->simulated->end_ps[layer] - run->simulated->start_ps[layer];
}

double report_host_layer_error(const struct report_host_run *run)
{
    size_t count = run->problem->layer_count, kept = 0;
    double *errors = mem_alloc(count + 1, sizeof *errors);
    for (uint32_t i = 0; i < count; i++) {
        double measured = (double)run->events[i].median_ps;
        if (measured > 0)
            errors[kept++] = fabs((double)predicted_ps(run, i) - measured) / measured;
    }
    qsort(errors, kept, sizeof *errors, by_value);
    double median = kept == 0  ? 0
                    : kept % 2 ? errors[kept / 2]
                               : (errors[kept / 2 - 1] + errors[kept / 2]) / 2;
    free(errors);
    return median;
}

/* --- JSON ------------------------------------------------------------------------------------- */

struct busy {
    uint64_t simulated_ps, measured_ps, copying_ps;
};

static struct busy busy_of(const struct report_host_run *run, uint32_t accelerator)
{
    struct busy busy = { 0 };
    for (size_t i = 0; i < run->mapping->placement_count; i++) {
        const struct placement *at = &run->mapping->placements[i];
        const struct report_host_event *event = &run->events[at->layer];
        if (at->accelerator != accelerator)
            continue;
        busy.simulated_ps += predicted_ps(run, at->layer);
        busy.measured_ps += event->end_ps - event->begin_ps;
        busy.copying_ps += event->begin_ps - event->copy_ps;
    }
    return busy;
}

static void write_accelerators(const struct report_host_run *run, struct json_out *out)
{
    json_out_array(out, "accelerators", false);
    for (uint32_t a = 0; a < run->problem->accelerator_count; a++) {
        struct busy busy = busy_of(run, a);
        json_out_object(out, NULL, true);
        json_out_str(out, "accelerator", run->problem->soc->accelerators[a].name);
        json_out_u64(out, "simulated_busy_ps", busy.simulated_ps);
        json_out_u64(out, "measured_busy_ps", busy.measured_ps);
        json_out_u64(out, "measured_copying_ps", busy.copying_ps);
        json_out_end(out);
    }
    json_out_end(out);
}

static void write_layers(const struct report_host_run *run, struct json_out *out)
{
    char name[1024];
    json_out_array(out, "layers", false);
    for (size_t i = 0; i < run->mapping->placement_count; i++) {
        const struct placement *at = &run->mapping->placements[i];
        const struct report_host_event *event = &run->events[at->layer];
        workload_layer_name(run->problem->workload, at->layer, name, sizeof name);
        json_out_object(out, NULL, true);
        json_out_str(out, "layer", name);
        json_out_str(out, "accelerator", run->problem->soc->accelerators[at->accelerator].name);
        json_out_u64(out, "simulated_start_ps", run->simulated->start_ps[at->layer]);
        json_out_u64(out, "simulated_end_ps", run->simulated->end_ps[at->layer]);
        json_out_u64(out, "measured_copy_ps", event->copy_ps);
        json_out_u64(out, "measured_start_ps", event->begin_ps);
        json_out_u64(out, "measured_end_ps", event->end_ps);
        json_out_u64(out, "median_ps", event->median_ps);
        json_out_u64(out, "copied_bytes", event->copied_bytes);
        json_out_end(out);
    }
    json_out_end(out);
}

static void write_failure(const struct report_host_run *run, struct json_out *out)
{
    if (*run->failure)
        json_out_str(out, "failure", run->failure);
    else
        json_out_null(out, "failure");
}

static void write_check(const struct report_host_run *run, struct json_out *out)
{
    if (!run->checked) {
        json_out_null(out, "check");
        return;
    }
    json_out_object(out, "check", true);
    json_out_u64(out, "layers", run->checked_layers);
    json_out_u64(out, "wrong_layers", run->wrong_layers);
    json_out_u64(out, "results", run->checked_results);
    json_out_u64(out, "elements", run->checked_elements);
    if (*run->first_wrong)
        json_out_str(out, "first_wrong", run->first_wrong);
    json_out_end(out);
}

void report_host_run_json(const struct report_host_run *run, struct text *text)
{
    struct json_out out;
    json_out_init(&out, text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "socweave", "run/1");
    json_out_str(&out, "version", run->version);
    json_out_str(&out, "command", run->command);
    json_out_str(&out, "device", run->device);
    json_out_str(&out, "soc", run->problem->soc->name);
    json_out_str(&out, "workload", run->problem->workload->name);
    json_out_u64(&out, "seed", run->seed);
    json_out_array(&out, "runs_ps", true);
    for (size_t i = 0; i < run->run_count; i++)
        json_out_u64(&out, NULL, run->runs_ps[i]);
    json_out_end(&out);
    json_out_u64(&out, "measured_makespan_ps", run->measured_ps);
    json_out_u64(&out, "simulated_makespan_ps", run->simulated->makespan_ps);
    json_out_u64(&out, "analytic_makespan_ps", run->analytic_ps);
    json_out_real(&out, "error_frac", report_host_error(run));
    json_out_real(&out, "layer_median_error_frac", report_host_layer_error(run));
    json_out_object(&out, "error", true);
    json_out_i64(&out, "compute_ps", run->compute_ps);
    json_out_i64(&out, "copies_ps", run->copies_ps);
    json_out_i64(&out, "waits_ps", run->waits_ps);
    json_out_i64(&out, "modelled_ps", run->modelled_ps);
    json_out_end(&out);
    write_failure(run, &out);
    write_check(run, &out);
    write_accelerators(run, &out);
    write_layers(run, &out);
    json_out_end(&out);
}

/* --- a terminal ------------------------------------------------------------------------------- */

static void add_signed(struct text *out, int64_t ps)
{
    text_add(out, ps < 0 ? "-" : "+");
    report_quantity(out, REPORT_TIME, fabs((double)ps));
}

void report_host_run_text(const struct report_host_run *run, struct text *out)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < run->run_count; i++) {
        least = min_u64(least, run->runs_ps[i]);
        most = max_u64(most, run->runs_ps[i]);
    }
    text_printf(out, "%s × %s: %zu layers on %zu accelerators, run %zu times\n\n",
                run->problem->soc->name, run->problem->workload->name, run->problem->layer_count,
                run->problem->accelerator_count, run->run_count);
    text_add(out, "  measured      ");
    report_quantity(out, REPORT_TIME, (double)run->measured_ps);
    text_add(out, " in the median, ");
    report_quantity(out, REPORT_TIME, (double)least);
    text_add(out, " to ");
    report_quantity(out, REPORT_TIME, (double)most);
    text_add(out, "\n  simulated     ");
    report_quantity(out, REPORT_TIME, (double)run->simulated->makespan_ps);
    text_printf(out, ", %+.1f%%; layers %.0f%% off in the median\n", 100 * report_host_error(run),
                100 * report_host_layer_error(run));
    text_add(out, "  difference    computing ");
    add_signed(out, run->compute_ps);
    text_add(out, ", copies ");
    add_signed(out, run->copies_ps);
    text_add(out, ", waits ");
    add_signed(out, run->waits_ps);
    text_add(out, "\n                simulated only ");
    add_signed(out, run->modelled_ps);
    text_add(out, "\n  results       ");
    if (!run->checked)
        text_add(out, "not compared with the reference\n");
    else if (run->wrong_layers > 0)
        text_printf(out, "WRONG in %llu of %llu layers; %s\n",
                    (unsigned long long)run->wrong_layers, (unsigned long long)run->checked_layers,
                    run->first_wrong);
    else
        text_printf(out, "right: all %llu layers equal the reference\n",
                    (unsigned long long)run->checked_layers);
    if (*run->failure)
        text_printf(out, "  after %zu run%s  %s\n", run->run_count, run->run_count == 1 ? "" : "s",
                    run->failure);
}
