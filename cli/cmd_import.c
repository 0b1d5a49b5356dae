/* import: an ONNX model as a dnn/1 graph. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/arena.h"
#include "core/file.h"
#include "core/text.h"
#include "frontends/onnx.h"

struct import_args {
    const char *out;
    struct cli_list dims, files;
    const char *types;
    unsigned fold;
    bool allow_unsupported, json;
    enum dtype type[3];
};

static const char *const fold_names[] = { "all", "elementwise" };

static enum err_code parse(struct import_args *a, int argc, char **argv, bool *helped,
                           struct err *err)
{
    // clang-format off
    const struct cli_option options[] = {
        { "--out", CLI_TEXT, &a->out, "FILE", "where the graph goes (-o for short)" },
        { "--dim", CLI_LIST, &a->dims, "NAME=N", "value of a symbolic dimension; may be given several times" },
        { "--types", CLI_TEXT, &a->types, "I,W,O", "types of all inputs, weights, outputs (u8,s8,u8) in place of the model's" },
        { "--fold", CLI_CHOICE, &a->fold, "WHAT", "what joins the layer before it", fold_names, 2 },
        { "--allow-unsupported", CLI_FLAG, &a->allow_unsupported, NULL, "list what cannot be costed in place of failing" },
        { "--json", CLI_FLAG, &a->json, NULL, "print one JSON object in place of lines" },
    };
    // clang-format on
    return cli_parse("import", options, sizeof options / sizeof *options, argc, argv, &a->files,
                     helped, err);
}

enum err_code cli_dims(const struct cli_list *list, struct arena *arena,
                       struct dnn_dim dims[CLI_LIST_MAX], struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *equals = strrchr(list->items[i], '=');
        char *end = NULL;
        int64_t value = equals ? strtoll(equals + 1, &end, 10) : 0;
        if (!equals || equals == list->items[i] || *end || value < 0 || value > EXPR_EXTENT_MAX)
            return err_set(err, ERR_USAGE, "--dim: expected NAME=N with N in 0..2^31, got \"%s\"",
                           list->items[i]);
        char *name = arena_strdup(arena, list->items[i]);
        name[equals - list->items[i]] = '\0';
        dims[i] = (struct dnn_dim){ name, value };
    }
    return ERR_OK;
}

/* "u8,s8,u8": inputs, weights, outputs; stored as outputs, inputs, weights. */
static enum err_code read_types(struct import_args *a, struct err *err)
{
    static const int roles[3] = { 1, 2, 0 };
    const char *at = a->types;
    for (int i = 0; i < 3; i++) {
        char name[8] = "";
        size_t length = strcspn(at, ",");
        if (length < sizeof name)
            memcpy(name, at, length);
        if (!dtype_from_name(name, &a->type[roles[i]]) || (i < 2) != (at[length] == ','))
            return err_set(err, ERR_USAGE,
                           "--types: expected three types, u8,s8,u8 say, got \"%s\"", a->types);
        at += length + 1;
    }
    return ERR_OK;
}

static void print_json(const struct import_args *a, const struct dnn *dnn,
                       const struct onnx_report *report)
{
    struct text text = { 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "file", a->files.items[0]);
    if (a->out)
        json_out_str(&out, "out", a->out);
    json_out_u64(&out, "layers", dnn->layer_count);
    json_out_u64(&out, "macs", dnn->macs);
    json_out_u64(&out, "weight_bytes", dnn->weight_bytes);
    json_out_array(&out, "unsupported", false);
    for (size_t i = 0; i < report->unsupported_count; i++)
        json_out_str(&out, NULL, report->unsupported[i]);
    json_out_end(&out);
    json_out_end(&out);
    fputs(text.data, stdout);
    text_release(&text);
}

static void print_lines(const struct import_args *a, const struct dnn *dnn,
                        const struct onnx_report *report)
{
    printf("%s: %zu nodes became %zu layers, %llu MACs, %llu bytes of weights\n", a->files.items[0],
           report->node_count, dnn->layer_count, (unsigned long long)dnn->macs,
           (unsigned long long)dnn->weight_bytes);
    for (size_t i = 0; i < report->unsupported_count; i++)
        printf("  not costed: %s\n", report->unsupported[i]);
    if (a->out)
        printf("  written to %s\n", a->out);
}

/* The MAC total is only known once the loader has read the layers: it goes behind the source. */
static void insert_macs(struct text *json, uint64_t macs)
{
    struct text with = { 0 };
    const char *at = strstr(json->data, "\n  \"types\"");
    text_add_bytes(&with, json->data, (size_t)(at - json->data));
    text_printf(&with, "\n  \"macs\": %llu,", (unsigned long long)macs);
    text_add(&with, at);
    text_release(json);
    *json = with;
}

static enum err_code import_with(struct import_args *a, struct arena *arena, struct err *err)
{
    struct dnn_dim dims[CLI_LIST_MAX];
    struct onnx_options options = { .dims = dims,
                                    .dim_count = a->dims.count,
                                    .allow_unsupported = a->allow_unsupported,
                                    .fold_elementwise_only = a->fold == 1 };
    if (cli_dims(&a->dims, arena, dims, err) != ERR_OK ||
        (a->types && read_types(a, err) != ERR_OK))
        return err->code;
    if (a->types)
        options.types = a->type;
    struct text json = { 0 };
    struct onnx_report report;
    struct dnn dnn;
    if (onnx_import(a->files.items[0], &options, &json, &report, err) != ERR_OK)
        return err->code;
    enum err_code rc = dnn_load_text(&dnn, a->files.items[0], json.data, json.bytes, err);
    if (rc == ERR_OK) {
        insert_macs(&json, dnn.macs);
        if (a->out)
            rc = file_write(a->out, json.data, json.bytes, err);
        if (rc == ERR_OK && a->json)
            print_json(a, &dnn, &report);
        else if (rc == ERR_OK)
            print_lines(a, &dnn, &report);
        dnn_release(&dnn);
    }
    onnx_report_release(&report);
    text_release(&json);
    return rc;
}

static enum err_code import(struct import_args *a, struct err *err)
{
    struct arena *arena = arena_new();
    enum err_code rc = import_with(a, arena, err);
    arena_free(arena);
    return rc;
}

/* A workload that names a model takes it as `import` would without options. */
static enum err_code import_for_workload(const char *file, const struct dnn_dim *dims,
                                         size_t dim_count, struct text *out, struct err *err)
{
    struct onnx_options options = { .dims = dims, .dim_count = dim_count };
    return onnx_import(file, &options, out, NULL, err);
}

void cli_accept_onnx(void)
{
    static const struct workload_importer importer = { ".onnx", import_for_workload };
    workload_set_importer(&importer);
}

int cmd_import(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct import_args args = { 0 };
    bool helped;
    if (parse(&args, argc, argv, &helped, &err) != ERR_OK)
        return cli_fail("import", &err);
    if (helped)
        return 0;
    if (args.files.count != 1) {
        err_set(&err, ERR_USAGE, "expected one model, got %zu", args.files.count);
        return cli_fail("import", &err);
    }
    return import(&args, &err) == ERR_OK ? 0 : cli_fail("import", &err);
}
