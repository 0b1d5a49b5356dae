/* validate --run-mapping: a mapping on the cores of this machine, and on its GPU, beside its
 * simulation. */
#include <math.h>
#include <stdlib.h>

#include "backends/sample.h"
#include "cli/outcome.h"
#include "cli/validate.h"
#include "core/arena.h"
#include "core/file.h"
#include "exec/exec_error.h"
#include "exec/exec_plain.h"
#include "exec/exec_run.h"
#include "reports/host_run.h"

struct session {
    const struct validate_args *args;
    const struct problem *problem;
    const struct mapping *mapping;
    struct exec_net *net;
    struct exec_runner *runner;
    size_t run_count;
    struct exec_timeline *timelines;
    uint64_t *runs_ps;
    struct report_host_event *events;
    struct exec_plain_verdict verdict;
    struct err failure; /* of a device, after run_count runs: what there is is reported */
    struct cli_progress progress;
};

static uint64_t as_ps(double ns)
{
    return ns > 0 ? (uint64_t)llround(ns * 1000) : 0;
}

/* --- running ---------------------------------------------------------------------------------- */

static enum err_code prepare(struct session *s, struct err *err)
{
    struct exec_place *places = mem_alloc(s->problem->layer_count, sizeof *places);
    enum err_code rc = exec_run_places(s->problem, s->mapping, places, err);
    if (rc == ERR_OK)
        rc = exec_net_new(&s->net, s->problem->workload, places, s->args->seed, err);
    if (rc == ERR_OK)
        rc = exec_runner_new(&s->runner, s->net, s->problem, s->mapping, err);
    free(places);
    return rc;
}

/* The first run wakes everything up, and is not counted. */
static enum err_code run_all(struct session *s, struct err *err)
{
    struct exec_timeline warm_up;
    enum err_code rc = exec_runner_run(s->runner, &cli_stop, &warm_up, err);
    if (rc == ERR_OK)
        exec_timeline_release(&warm_up);
    for (; s->run_count < s->args->runs && rc == ERR_OK; s->run_count += rc == ERR_OK) {
        struct exec_timeline *timeline = &s->timelines[s->run_count];
        rc = exec_runner_run(s->runner, &cli_stop, timeline, &s->failure);
        s->runs_ps[s->run_count] = as_ps(timeline->makespan_ns);
        cli_progress_show(&s->progress, s->run_count + 1, s->args->runs, "runs");
    }
    if (s->failure.code == ERR_DEVICE && s->run_count > 0)
        return ERR_OK;
    return s->failure.code != ERR_OK ? err_set(err, rc, "%s", s->failure.text) : rc;
}

static bool show_check(void *ctx, size_t done, size_t all)
{
    struct session *s = ctx;
    cli_progress_show(&s->progress, done, all, "layers compared with the reference");
    return !cli_stop;
}

/* The run whose makespan is the median: the lower one of two. */
static size_t median_run(const struct session *s)
{
    for (size_t i = 0; i < s->run_count; i++) {
        size_t before = 0;
        for (size_t k = 0; k < s->run_count; k++)
            before += s->runs_ps[k] < s->runs_ps[i] || (s->runs_ps[k] == s->runs_ps[i] && k < i);
        if (before == (s->run_count - 1) / 2)
            return i;
    }
    return 0;
}

static uint64_t median_layer_ps(const struct session *s, size_t layer)
{
    double *values = mem_alloc(s->run_count, sizeof *values);
    for (size_t r = 0; r < s->run_count; r++)
        values[r] = s->timelines[r].layers[layer].end_ns - s->timelines[r].layers[layer].begin_ns;
    uint64_t ps = as_ps(backend_median(values, s->run_count));
    free(values);
    return ps;
}

/* A device that failed has taken results with it. */
static bool is_to_be_checked(const struct session *s)
{
    return !s->args->unchecked && s->failure.code == ERR_OK;
}

/* --- reporting -------------------------------------------------------------------------------- */

static enum err_code write_dir(const struct report_host_run *run, const char *dir, struct err *err)
{
    struct text json = { 0 }, html = { 0 };
    char *json_file = file_join(dir, "run.json"), *html_file = file_join(dir, "run.html");
    enum err_code rc = file_make_dir(dir, err);
    report_host_run_json(run, &json);
    text_add(&json, "\n");
    report_host_run_html(run, &html);
    if (rc == ERR_OK)
        rc = file_write(json_file, json.data, json.bytes, err);
    if (rc == ERR_OK)
        rc = file_write(html_file, html.data, html.bytes, err);
    text_release(&json);
    text_release(&html);
    free(json_file);
    free(html_file);
    return rc;
}

/* "AMD EPYC …, 2 cores; NVIDIA H100, 132 SMs": of the backends that run any layer. */
static void name_devices(const struct exec_net *net, char *out, size_t bytes)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t b = 0; b < backend_count; b++) {
        struct backend_probe probe;
        size_t i = 0;
        while (i < net->layer_count && net->layers[i].place.backend != backend_table[b])
            i++;
        if (i == net->layer_count || used >= bytes)
            continue;
        backend_table[b]->probe(&probe);
        used +=
            (size_t)snprintf(out + used, bytes - used, "%s%s", used > 0 ? "; " : "", probe.device);
    }
}

static void print(const struct validate_args *args, const struct report_host_run *run)
{
    struct text text = { 0 };
    if (args->json) {
        report_host_run_json(run, &text);
        text_add(&text, "\n");
    } else {
        report_host_run_text(run, &text);
    }
    fputs(text.data, stdout);
    text_release(&text);
}

static enum err_code report(struct session *s, const struct outcome *outcome, struct err *err)
{
    const struct exec_timeline *median = &s->timelines[median_run(s)];
    const struct schedule *simulated = &outcome->sim.schedule;
    char devices[256];
    struct exec_error error;
    name_devices(s->net, devices, sizeof devices);
    exec_error_divide(s->problem, s->mapping, simulated->makespan_ps, s->timelines, s->run_count,
                      median_run(s), &error);
    for (size_t i = 0; i < s->problem->layer_count; i++) {
        const struct exec_event *event = &median->layers[i];
        s->events[i] = (struct report_host_event){ as_ps(event->copy_ns), as_ps(event->begin_ns),
                                                   as_ps(event->end_ns), event->copied_bytes,
                                                   median_layer_ps(s, i) };
    }
    const struct report_host_run run = {
        .problem = s->problem,
        .mapping = s->mapping,
        .simulated = simulated,
        .analytic_ps = outcome->analytic.makespan_ps,
        .run_count = s->run_count,
        .runs_ps = s->runs_ps,
        .measured_ps = as_ps(median->makespan_ns),
        .events = s->events,
        .compute_ps = error.compute_ps,
        .copies_ps = error.copies_ps,
        .waits_ps = error.waits_ps,
        .modelled_ps = error.modelled_ps,
        .failure = s->failure.text,
        .checked = is_to_be_checked(s),
        .checked_layers = s->verdict.layers,
        .wrong_layers = s->verdict.wrong_layers,
        .checked_results = s->verdict.results,
        .checked_elements = s->verdict.elements,
        .first_wrong = s->verdict.first,
        .seed = s->args->seed,
        .device = devices,
        .version = SOCWEAVE_VERSION,
        .command = s->args->command,
    };
    enum err_code rc = s->args->out ? write_dir(&run, s->args->out, err) : ERR_OK;
    if (rc == ERR_OK)
        print(s->args, &run);
    if (rc == ERR_OK && s->verdict.wrong_layers > 0)
        rc = err_set(err, ERR_CHECK, "%zu of %zu layers are wrong: %s", s->verdict.wrong_layers,
                     s->verdict.layers, s->verdict.first);
    if (rc == ERR_OK && s->failure.code != ERR_OK)
        rc = err_set(err, s->failure.code, "run %zu of %llu failed: %s", s->run_count + 1,
                     (unsigned long long)s->args->runs, s->failure.text);
    return rc;
}

static enum err_code run_session(struct session *s, struct err *err)
{
    const struct sim_options options = { .granularity = GRANULARITY_LAYER };
    struct outcome outcome;
    enum err_code rc = prepare(s, err);
    if (rc != ERR_OK)
        return rc;
    cli_progress_start(&s->progress, s->args->progress, "validate");
    rc = run_all(s, err);
    if (rc == ERR_OK && is_to_be_checked(s))
        rc = exec_plain_compare(s->net, show_check, s, &s->verdict, err);
    cli_progress_end(&s->progress);
    if (rc == ERR_OK)
        rc = outcome_init(&outcome, s->problem, s->mapping, &options, err);
    if (rc != ERR_OK)
        return rc;
    rc = report(s, &outcome, err);
    outcome_release(&outcome);
    return rc;
}

enum err_code cli_validate_run(const struct validate_args *args, struct err *err)
{
    struct cli_problem problem;
    struct mapping_file file;
    if (cli_problem_load_mapped(&problem, args->soc, args->workload, args->run_mapping,
                                args->sharing, err) != ERR_OK)
        return err->code;
    const struct problem *p = &problem.problem;
    enum err_code rc = mapping_load(p, args->run_mapping, &file, err);
    if (rc == ERR_OK) {
        const struct schedule *times = file.schedule.layer_count ? &file.schedule : NULL;
        struct session s = {
            .args = args, .problem = p, .mapping = &file.mapping, .failure = ERR_INIT
        };
        s.timelines = mem_alloc(args->runs, sizeof *s.timelines);
        s.runs_ps = mem_alloc(args->runs, sizeof *s.runs_ps);
        s.events = mem_alloc(p->layer_count, sizeof *s.events);
        rc = mapping_check(p, &file.mapping, times, file.granularity, err);
        if (rc != ERR_OK)
            err_in_file(err, args->run_mapping, 0, 0);
        else
            rc = run_session(&s, err);
        exec_runner_free(s.runner);
        exec_net_free(s.net);
        for (size_t i = 0; i < s.run_count; i++)
            exec_timeline_release(&s.timelines[i]);
        free(s.timelines);
        free(s.runs_ps);
        free(s.events);
        mapping_file_release(&file);
    }
    cli_problem_release(&problem);
    return rc;
}
