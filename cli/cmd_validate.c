/* validate: layers on real hardware, right or wrong, measured beside predicted. */
#include <stdlib.h>
#include <string.h>

#include "cli/validate.h"
#include "core/arena.h"
#include "core/json.h"
#include "core/mapping.h"

/* A row of the table by name. */
static enum err_code find_backend(const char *name, const struct backend **out, struct err *err)
{
    *out = backend_find(name);
    if (*out != NULL)
        return ERR_OK;
    const char **names = mem_alloc(backend_count, sizeof *names);
    for (size_t i = 0; i < backend_count; i++)
        names[i] = backend_table[i]->name;
    const char *near = json_nearest(name, names, backend_count);
    struct text all = { 0 };
    for (size_t i = 0; i < backend_count; i++)
        text_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
    err_set(err, ERR_USAGE, "--backend: expected one of %s; got \"%s\"%s%s%s", all.data, name,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    text_release(&all);
    free(names);
    return ERR_USAGE;
}

/* best, all, or how many. */
static enum err_code read_match(struct validate_args *a, struct err *err)
{
    char *end;
    if (strcmp(a->match, "best") == 0 || strcmp(a->match, "all") == 0) {
        a->matches = a->match[0] == 'b' ? 1 : UINT64_MAX;
        return ERR_OK;
    }
    a->matches = strtoull(a->match, &end, 10);
    if (*end != '\0' || end == a->match || a->match[0] == '-' || a->matches == 0)
        return err_set(err, ERR_USAGE,
                       "--match: expected best, all, or how many of the best, got \"%s\"",
                       a->match);
    return ERR_OK;
}

static enum err_code check_calibration(const struct validate_args *a, struct err *err)
{
    if (a->graph || a->mapping || a->machine)
        return err_set(err, ERR_USAGE, "--calibrate goes without --graph, --mapping and --machine");
    if (a->backend && strcmp(a->backend, "cpu") != 0 && strcmp(a->backend, "cuda") != 0)
        return err_set(err, ERR_USAGE, "--calibrate: expected --backend cpu or cuda, got \"%s\"",
                       a->backend);
    if (a->backend && a->host && strcmp(a->backend, "cuda") != 0)
        return err_set(err, ERR_USAGE,
                       "--host is of this machine's cores; --backend cuda adds its GPU");
    if ((a->out == NULL) == (a->host == NULL))
        return err_set(err, ERR_USAGE, "--calibrate needs --out FILE or --host FILE");
    if (a->workload && !a->host)
        return err_set(err, ERR_USAGE, "--workload goes with --host, whose layers are timed");
    if (a->samples == 0)
        return err_set(err, ERR_USAGE, "--calibrate needs at least one of --samples");
    return ERR_OK;
}

static enum err_code check_run(const struct validate_args *a, struct err *err)
{
    if (a->graph || a->mapping || a->backend || a->machine || a->layer || a->intrinsic)
        return err_set(err, ERR_USAGE,
                       "--run-mapping goes with --soc and --workload, not with --backend, --graph, "
                       "--layer, --mapping, --intrinsic or --machine");
    if (a->threads > 0)
        return err_set(err, ERR_USAGE, "--threads: --run-mapping has a thread per core of the SoC");
    if (a->soc == NULL || a->workload == NULL)
        return err_set(err, ERR_USAGE, "--run-mapping needs --soc and --workload");
    return ERR_OK;
}

static enum err_code check_combination(const struct validate_args *a, struct err *err)
{
    if (a->calibrate)
        return check_calibration(a, err);
    if (a->run_mapping)
        return check_run(a, err);
    if (a->backend == NULL)
        return err_set(err, ERR_USAGE, "--backend B is missing");
    if (a->graph != NULL && a->mapping != NULL)
        return err_set(err, ERR_USAGE, "give --graph or --mapping, not both");
    if (a->graph == NULL && a->mapping == NULL)
        return err_set(err, ERR_USAGE, "give --graph, or --mapping with its --soc and --workload");
    if (a->tune == 0 && a->tune_cache != NULL)
        return err_set(err, ERR_USAGE, "--tune-cache goes with --tune");
    if (a->mapping != NULL && (a->soc == NULL || a->workload == NULL))
        return err_set(err, ERR_USAGE, "--mapping needs --soc and --workload");
    if (a->graph != NULL && (a->soc != NULL || a->workload != NULL))
        return err_set(err, ERR_USAGE, "--soc and --workload go with --mapping");
    return ERR_OK;
}

static enum err_code parse(struct validate_args *a, int argc, char **argv, bool *helped,
                           struct err *err)
{
    // clang-format off
    const struct cli_option options[] = {
        { "--backend", CLI_TEXT, &a->backend, "B", "what the layers run on: reference, cpu, cuda" },
        { "--graph", CLI_TEXT, &a->graph, "FILE", "a DNN graph, or the name of a shipped one" },
        { "--layer", CLI_TEXT, &a->layer, "NAME", "one layer; all if not given" },
        { "--mapping", CLI_TEXT, &a->mapping, "FILE", "the layers of a mapping/1, as explore writes it" },
        { "--run-mapping", CLI_TEXT, &a->run_mapping, "FILE", "execute a mapping/1 on this machine's cores and GPU, beside its simulation" },
        { "--runs", CLI_COUNT, &a->runs, "N", "of --run-mapping; the median counts", .low = 1, .high = 10000 },
        { "--unchecked", CLI_FLAG, &a->unchecked, NULL, "--run-mapping: do not compare the results with the reference, which takes long" },
        { "--soc", CLI_TEXT, &a->soc, "FILE", "of the mapping" },
        { "--workload", CLI_TEXT, &a->workload, "FILE", "of the mapping" },
        { "--sharing", CLI_CHOICE, &a->sharing, "S", "allotments of the mapping (auto: as it says)", cli_sharing_choices, 1 + COST_SHARING_COUNT },
        { "--intrinsic", CLI_TEXT, &a->intrinsic, "NAME", "of match --list, or a file; if not given the fastest by prediction" },
        { "--match", CLI_TEXT, &a->match, "M", "which plans: best, all, or the N best" },
        { "--each", CLI_FLAG, &a->each, NULL, "run layers of equal shape one by one, not once" },
        { "--machine", CLI_TEXT, &a->machine, "FILE", "predict for this machine, as --calibrate wrote it" },
        { "--calibrate", CLI_FLAG, &a->calibrate, NULL, "measure this machine (--backend cuda: its GPU), no layers; to --out FILE" },
        { "--host", CLI_TEXT, &a->host, "FILE", "--calibrate: time layers (of --workload) on cores (and GPU), write a SoC" },
        { "--group", CLI_COUNT, &a->group, "N", "--host: cores of each accelerator", .low = 1, .high = 64 },
        { "--tune", CLI_COUNT, &a->tune, "N", "measure the N best tilings by prediction, take the fastest (cuda)", .low = 1, .high = 10000 },
        { "--tune-cache", CLI_TEXT, &a->tune_cache, "FILE", "which ones were; ~/.cache/socweave/tuning.json if not given" },
        { "--threads", CLI_COUNT, &a->threads, "N", "of backends on this machine; all cores if not given", .low = 1, .high = 1024 },
        { "--seed", CLI_COUNT, &a->seed, "N", "of the random data" },
        { "--samples", CLI_COUNT, &a->samples, "N", "timed runs of each plan; 0: no timing", .low = 0, .high = 10000 },
        { "--out", CLI_TEXT, &a->out, "DIR", "for validate.BACKEND.json and the page of all in it; --calibrate: a FILE" },
        { "--json", CLI_FLAG, &a->json, NULL, "print one JSON object in place of the table" },
        { "--progress", CLI_CHOICE, &a->progress, "P", "on stderr", cli_progress_names, 4 },
    };
    // clang-format on
    enum err_code rc = cli_parse("validate", options, sizeof options / sizeof *options, argc, argv,
                                 NULL, helped, err);
    if (rc != ERR_OK || *helped)
        return rc;
    rc = check_combination(a, err);
    return rc == ERR_OK ? read_match(a, err) : rc;
}

/* --- which layers ----------------------------------------------------------------------------- */

struct subject {
    struct dnn dnn;
    struct cli_problem problem;
    bool has_dnn, has_problem;
    struct arena *arena;
    const char *name;
    struct validate_layer *layers;
    size_t count;
};

static void subject_release(struct subject *s)
{
    free(s->layers);
    if (s->has_dnn)
        dnn_release(&s->dnn);
    if (s->has_problem)
        cli_problem_release(&s->problem);
    arena_free(s->arena);
}

/* All layers, or the one that is asked for. */
static enum err_code keep_layer(const char *wanted, const char *where, struct subject *s,
                                struct err *err)
{
    if (wanted == NULL)
        return ERR_OK;
    const char **names = mem_alloc(s->count, sizeof *names);
    size_t found = s->count;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < s->count; i++) {
        names[i] = s->layers[i].name;
        if (strcmp(names[i], wanted) == 0)
            found = i;
    }
    if (found < s->count) {
        s->layers[0] = s->layers[found];
        s->count = 1;
    } else {
        const char *near = json_nearest(wanted, names, s->count);
        rc = err_set(err, ERR_REFERENCE, "--layer: %s has no layer \"%s\"%s%s%s", where, wanted,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    free(names);
    return rc;
}

static enum err_code load_graph(const struct validate_args *a, struct subject *s, struct err *err)
{
    char *file = cli_resolve(a->graph, CLI_GRAPHS);
    enum err_code rc = dnn_load(&s->dnn, file, err);
    free(file);
    if (rc != ERR_OK)
        return rc;
    s->has_dnn = true;
    s->name = s->dnn.name;
    s->count = s->dnn.layer_count;
    s->layers = mem_alloc(s->count, sizeof *s->layers);
    for (size_t i = 0; i < s->count; i++)
        s->layers[i] = (struct validate_layer){ s->dnn.layers[i].name, &s->dnn.layers[i] };
    return ERR_OK;
}

/* The layers in the mapping's order. */
static void take_layers(const struct problem *problem, const struct mapping *mapping,
                        struct subject *s)
{
    s->count = mapping->placement_count;
    s->layers = mem_alloc(s->count, sizeof *s->layers);
    for (size_t i = 0; i < s->count; i++) {
        char name[1024];
        uint32_t layer = mapping->placements[i].layer;
        workload_layer_name(problem->workload, layer, name, sizeof name);
        s->layers[i] = (struct validate_layer){ arena_strdup(s->arena, name),
                                                workload_layer(problem->workload, layer) };
    }
    s->name = arena_printf(s->arena, "%s on %s", problem->workload->name, problem->soc->name);
}

static enum err_code load_mapping(const struct validate_args *a, struct subject *s, struct err *err)
{
    struct mapping_file file;
    if (cli_problem_load_mapped(&s->problem, a->soc, a->workload, a->mapping, a->sharing, err) !=
        ERR_OK)
        return err->code;
    s->has_problem = true;
    const struct problem *problem = &s->problem.problem;
    enum err_code rc = mapping_load(problem, a->mapping, &file, err);
    if (rc != ERR_OK)
        return rc;
    const struct schedule *times = file.schedule.layer_count ? &file.schedule : NULL;
    rc = mapping_check(problem, &file.mapping, times, file.granularity, err);
    if (rc == ERR_OK)
        take_layers(problem, &file.mapping, s);
    else
        err_in_file(err, a->mapping, 0, 0);
    mapping_file_release(&file);
    return rc;
}

/* --- the command ------------------------------------------------------------------------------ */

static void print(const struct validate_args *a, const struct report_validation *v)
{
    struct text text = { 0 };
    if (a->json) {
        report_validation_json(v, &text);
        text_add(&text, "\n");
    } else {
        report_validation_text(v, &text);
    }
    fputs(text.data, stdout);
    text_release(&text);
}

/* What the outcomes make of the command: only OK passes. */
static enum err_code judge(const struct report_validation *v, struct err *err)
{
    struct report_validation_sums sums = report_validation_sums(v);
    if (cli_stop)
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    if (sums.rows[REPORT_MISMATCH] > 0)
        return err_set(err, ERR_CHECK, "%llu of %zu results are wrong",
                       (unsigned long long)sums.rows[REPORT_MISMATCH], v->count);
    if (sums.rows[REPORT_UNAVAILABLE] > 0)
        return err_set(err, ERR_UNAVAILABLE, "backend %s: %s", v->backend,
                       *v->reason ? v->reason : "the device failed; see the rows");
    return ERR_OK;
}

static enum err_code validate(const struct validate_args *a, struct err *err)
{
    struct subject s = { .arena = arena_new() };
    struct backend_probe probe;
    const struct backend *backend = NULL;
    enum err_code rc = find_backend(a->backend, &backend, err);
    if (rc == ERR_OK && a->machine && backend->predict == NULL)
        rc = err_set(err, ERR_USAGE, "--machine: backend %s predicts no times of this machine",
                     backend->name);
    if (rc == ERR_OK)
        rc = a->graph ? load_graph(a, &s, err) : load_mapping(a, &s, err);
    if (rc == ERR_OK)
        rc = keep_layer(a->layer, s.name, &s, err);
    if (rc == ERR_OK) {
        backend->probe(&probe);
        struct report_validation v = {
            .backend = backend->name,
            .device = probe.device,
            .reason = probe.state == BACKEND_AVAILABLE ? "" : probe.reason,
            .subject = s.name,
            .machine = "",
            .seed = a->seed,
            .samples = a->samples,
            .version = SOCWEAVE_VERSION,
            .command = a->command,
        };
        rc = cli_validate_layers(a, backend, &probe, s.layers, s.count, s.arena, &v, err);
        if (rc == ERR_OK && a->out)
            rc = cli_validate_write_dir(&v, a->out, err);
        if (rc == ERR_OK) {
            print(a, &v);
            rc = judge(&v, err);
        }
    }
    subject_release(&s);
    return rc;
}

int cmd_validate(int argc, char **argv)
{
    struct err err = ERR_INIT;
    char *command = cli_command_line(argc, argv);
    struct validate_args args = {
        .match = "best", .seed = 1, .samples = 21, .runs = 9, .group = 1, .command = command
    };
    bool helped = false;
    int status = 0;
    if (parse(&args, argc, argv, &helped, &err) != ERR_OK) {
        status = cli_fail("validate", &err);
    } else if (!helped) {
        cli_catch_signals();
        enum err_code rc = args.calibrate && args.host ? cli_validate_host(&args, &err)
                           : args.calibrate            ? cli_validate_calibrate(&args, &err)
                           : args.run_mapping          ? cli_validate_run(&args, &err)
                                                       : validate(&args, &err);
        if (rc != ERR_OK)
            status = cli_fail("validate", &err);
    }
    free(command);
    return status;
}
