/* check: is this file valid, and what does it hold? */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/arena.h"
#include "core/json.h"
#include "core/mapping.h"
#include "core/text.h"
#include "frontends/onnx.h"
#include "intrinsics/intrin.h"
#include "intrinsics/intrin_machine.h"
#include "sweep/space.h"

struct check_args {
    const char *soc, *workload;
    unsigned sharing;
    bool json;
    struct cli_list files, dims;
    struct dnn_dim dim[CLI_LIST_MAX];
};

/* What a valid file holds, in words. */
struct finding {
    const char *kind;
    char holds[1536];
};

static void append(struct finding *found, const char *format, ...)
{
    size_t used = strlen(found->holds);
    va_list args;
    va_start(args, format);
    vsnprintf(found->holds + used, sizeof found->holds - used, format, args);
    va_end(args);
}

static enum err_code check_soc(const char *file, const struct check_args *a, struct finding *found,
                               struct err *err)
{
    (void)a;
    struct soc soc;
    if (soc_load(&soc, file, err) != ERR_OK)
        return err->code;
    uint64_t pes = 0;
    for (size_t i = 0; i < soc.accelerator_count; i++)
        pes += soc_pes(&soc.accelerators[i]);
    snprintf(found->holds, sizeof found->holds,
             "%s: %zu accelerators, %llu PEs, %zu places, %zu links, %zu memory channels", soc.name,
             soc.accelerator_count, (unsigned long long)pes, soc.place_count, soc.link_count,
             soc.channel_count);
    soc_release(&soc);
    return ERR_OK;
}

static enum err_code check_dnn(const char *file, const struct check_args *a, struct finding *found,
                               struct err *err)
{
    (void)a;
    struct dnn dnn;
    if (dnn_load(&dnn, file, err) != ERR_OK)
        return err->code;
    snprintf(found->holds, sizeof found->holds,
             "%s: %zu layers, %zu edges, %llu MACs, %llu bytes of weights", dnn.name,
             dnn.layer_count, dnn.edge_count, (unsigned long long)dnn.macs,
             (unsigned long long)dnn.weight_bytes);
    dnn_release(&dnn);
    return ERR_OK;
}

static enum err_code check_workload(const char *file, const struct check_args *a,
                                    struct finding *found, struct err *err)
{
    (void)a;
    struct workload workload;
    if (workload_load(&workload, file, err) != ERR_OK)
        return err->code;
    snprintf(found->holds, sizeof found->holds, "%s: %zu networks of %zu graphs, %zu layers",
             workload.name, workload.network_count, workload.graph_count, workload.layer_count);
    workload_release(&workload);
    return ERR_OK;
}

static enum err_code check_mapping(const char *file, const struct check_args *a,
                                   struct finding *found, struct err *err)
{
    if (!a->soc || !a->workload)
        return err_set(err, ERR_USAGE, "%s is a mapping: give its --soc and --workload too", file);
    struct cli_problem p;
    if (cli_problem_load_mapped(&p, a->soc, a->workload, file, a->sharing, err) != ERR_OK)
        return err->code;
    struct mapping_file m;
    enum err_code rc = mapping_load(&p.problem, file, &m, err);
    if (rc == ERR_OK) {
        const struct schedule *times = m.schedule.layer_count ? &m.schedule : NULL;
        rc = mapping_check(&p.problem, &m.mapping, times, m.granularity, err);
        if (rc != ERR_OK)
            err_in_file(err, file, 0, 0);
        char time[32];
        snprintf(found->holds, sizeof found->holds, "%zu layers by %s, makespan %s",
                 m.mapping.placement_count, mapping_discipline_names[m.mapping.discipline],
                 times ? cli_time(times->makespan_ps, time, sizeof time) : "not given");
        mapping_file_release(&m);
    }
    cli_problem_release(&p);
    return rc;
}

static enum err_code check_intrinsic(const char *file, const struct check_args *a,
                                     struct finding *found, struct err *err)
{
    (void)a;
    struct intrin intrin;
    if (intrin_load(&intrin, file, err) != ERR_OK)
        return err->code;
    char *expr = expr_print(&intrin.expr);
    snprintf(found->holds, sizeof found->holds, "%s: %s on %s", intrin.name, expr,
             intrin.machine->name);
    free(expr);
    intrin_release(&intrin);
    return ERR_OK;
}

static enum err_code check_machine(const char *file, const struct check_args *a,
                                   struct finding *found, struct err *err)
{
    (void)a;
    struct arena *arena = arena_new();
    struct intrin_calibration c;
    enum err_code rc = intrin_calibration_load(&c, file, arena, err);
    if (rc == ERR_OK) {
        const struct intrin_rates *most = &c.rates[c.rate_count - 1];
        snprintf(found->holds, sizeof found->holds, "%s: %.4g GOP/s and %.4g GB/s on %u threads",
                 c.name, most->peak_ops_per_s / 1e9, most->memory_bytes_per_s / 1e9, most->threads);
    }
    arena_free(arena);
    return rc;
}

/* All points of a small space are tried; how many of a larger one are feasible is not said. */
enum { COUNTED_POINTS_MAX = 10000 };

static uint64_t feasible_points(const struct space *space)
{
    uint64_t feasible = 0;
    for (uint64_t point = 0; point < space->point_count; point++) {
        struct space_verdict verdict;
        enum err_code rc = space_feasible(space, point, &verdict, NULL, NULL);
        feasible += rc == ERR_OK && verdict.feasible;
    }
    return feasible;
}

static enum err_code check_space(const char *file, const struct check_args *a,
                                 struct finding *found, struct err *err)
{
    (void)a;
    struct space space;
    if (space_load(&space, file, err) != ERR_OK)
        return err->code;
    snprintf(found->holds, sizeof found->holds, "%s: %zu parameters, %llu points, %zu constraints",
             space.name, space.parameter_count, (unsigned long long)space.point_count,
             space.constraint_count);
    if (space.point_count <= COUNTED_POINTS_MAX)
        append(found, ", %llu points feasible", (unsigned long long)feasible_points(&space));
    space_release(&space);
    return ERR_OK;
}

static void list_onnx(const struct onnx_report *report, struct finding *found)
{
    append(found, "; operators");
    for (size_t i = 0; i < report->operator_count; i++)
        append(found, "%s %s%s%s x %zu", i ? "," : "", report->operators[i].domain,
               *report->operators[i].domain ? "." : "", report->operators[i].name,
               report->operators[i].count);
    for (size_t i = 0; i < report->symbol_count; i++)
        append(found, "%s%s", i ? ", " : "; symbolic dimensions ", report->symbols[i]);
    for (size_t i = 0; i < report->unsupported_count; i++)
        append(found, "%s%s", i ? "; " : "; not supported: ", report->unsupported[i]);
}

static enum err_code check_onnx(const char *file, const struct check_args *a, struct finding *found,
                                struct err *err)
{
    struct onnx_options options = {
        .dims = a->dim, .dim_count = a->dims.count, .allow_unsupported = true, .survey = true
    };
    struct onnx_report report;
    struct text json = { 0 };
    struct dnn dnn;
    if (onnx_import(file, &options, &json, &report, err) != ERR_OK)
        return err->code;
    enum err_code rc = ERR_OK;
    if (!report.complete) {
        append(found, "%zu nodes; layers and MACs depend on symbolic dimensions, give --dim",
               report.node_count);
    } else if ((rc = dnn_load_text(&dnn, file, json.data, json.bytes, err)) == ERR_OK) {
        append(found, "%s: %zu nodes, %zu layers, %zu edges, %llu MACs, %llu bytes of weights",
               dnn.name, report.node_count, dnn.layer_count, dnn.edge_count,
               (unsigned long long)dnn.macs, (unsigned long long)dnn.weight_bytes);
        dnn_release(&dnn);
    }
    list_onnx(&report, found);
    onnx_report_release(&report);
    text_release(&json);
    return rc;
}

static bool is_onnx(const char *file)
{
    size_t length = strlen(file);
    return length > 5 && !strcmp(file + length - 5, ".onnx");
}

static const struct {
    const char *tag, *kind;
    enum err_code (*check)(const char *file, const struct check_args *a, struct finding *found,
                           struct err *err);
} kinds[] = {
    { "soc/1", "soc", check_soc },
    { "dnn/1", "dnn", check_dnn },
    { "workload/1", "workload", check_workload },
    { "mapping/1", "mapping", check_mapping },
    { "intrinsic/1", "intrinsic", check_intrinsic },
    { "space/1", "space", check_space },
    { "machine/1", "machine", check_machine },
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

/* Index into kinds by the file's tag; KIND_COUNT and an error if it has none of them. */
static size_t kind_of(const char *file, struct err *err)
{
    const char *tags[KIND_COUNT];
    for (size_t i = 0; i < KIND_COUNT; i++)
        tags[i] = kinds[i].tag;
    struct json_doc *doc = json_open(file);
    size_t kind = json_enum(json_get(json_root(doc), "socweave"), tags, KIND_COUNT);
    bool ok = json_ok(doc);
    /* Members nobody read are no matter here: the checker of the kind reads the file again. */
    json_close(doc, ok ? NULL : err);
    return ok ? kind : KIND_COUNT;
}

static enum err_code check_file(const char *file, const struct check_args *a, struct finding *found,
                                struct err *err)
{
    *found = (struct finding){ .kind = "unknown" };
    if (is_onnx(file)) {
        found->kind = "onnx";
        return check_onnx(file, a, found, err);
    }
    size_t kind = kind_of(file, err);
    if (kind == KIND_COUNT)
        return err->code;
    found->kind = kinds[kind].kind;
    return kinds[kind].check(file, a, found, err);
}

static void json_row(struct json_out *out, const char *file, const struct finding *found,
                     const struct err *err)
{
    char line[2048];
    json_out_object(out, NULL, true);
    json_out_str(out, "file", file);
    json_out_str(out, "kind", found->kind);
    json_out_bool(out, "ok", err->code == ERR_OK);
    if (err->code == ERR_OK) {
        json_out_str(out, "holds", found->holds);
        json_out_null(out, "error");
    } else {
        json_out_str(out, "error", err_format(err, line, sizeof line));
    }
    json_out_end(out);
}

static enum err_code parse(struct check_args *a, int argc, char **argv, bool *helped,
                           struct err *err)
{
    // clang-format off
    const struct cli_option options[] = {
        { "--soc", CLI_TEXT, &a->soc, "FILE", "the SoC a mapping is for" },
        { "--workload", CLI_TEXT, &a->workload, "FILE", "the workload a mapping is for" },
        { "--sharing", CLI_CHOICE, &a->sharing, "S", "allotments a mapping may use (auto: as it says)", cli_sharing_choices, 1 + COST_SHARING_COUNT },
        { "--dim", CLI_LIST, &a->dims, "NAME=N", "value of a symbolic dimension of an ONNX model" },
        { "--json", CLI_FLAG, &a->json, NULL, "print one JSON object in place of lines" },
    };
    // clang-format on
    return cli_parse("check", options, sizeof options / sizeof *options, argc, argv, &a->files,
                     helped, err);
}

/* Status of the first file that is not valid, else 0. */
static int check_files(const struct check_args *args)
{
    struct text text = { 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_array(&out, "files", false);
    int status = 0;
    for (size_t i = 0; i < args->files.count; i++) {
        struct err one = ERR_INIT;
        struct finding found;
        check_file(args->files.items[i], args, &found, &one);
        if (args->json)
            json_row(&out, args->files.items[i], &found, &one);
        else if (one.code == ERR_OK)
            printf("%s: ok, %s %s\n", args->files.items[i], found.kind, found.holds);
        int file_status =
            one.code == ERR_OK || args->json ? err_exit_status(one.code) : cli_fail("check", &one);
        status = status ? status : file_status;
    }
    json_out_end(&out);
    json_out_end(&out);
    if (args->json)
        fputs(text.data, stdout);
    text_release(&text);
    return status;
}

int cmd_check(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct check_args args = { 0 };
    bool helped;
    if (parse(&args, argc, argv, &helped, &err) != ERR_OK)
        return cli_fail("check", &err);
    if (helped)
        return 0;
    if (!args.files.count) {
        err_set(&err, ERR_USAGE, "no file given");
        return cli_fail("check", &err);
    }
    struct arena *arena = arena_new();
    int status = cli_dims(&args.dims, arena, args.dim, &err) == ERR_OK ? check_files(&args)
                                                                       : cli_fail("check", &err);
    arena_free(arena);
    return status;
}
