/* File -> scan -> unpack -> build -> lower -> dnn/1 text. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "frontends/onnx_layer.h"
#include "frontends/onnx_scan.h"

#define FILE_MAX                                                                                   \
    ((size_t)4 << 30) /* weights are never read, so only addresses are spent on them               \
                       */

/* protobuf-c frees piece by piece; everything of a model goes with its arena instead. */
static void *pb_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size, 1);
}

static void pb_free(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

static bool unpack(struct onnx_model *model, const uint8_t *bytes, size_t count)
{
    struct text thin = { 0 };
    ProtobufCAllocator allocator = { pb_alloc, pb_free, model->arena };
    if (count == 0) {
        err_set(model->err, ERR_SYNTAX, "the file is empty");
        return false;
    }
    if (onnx_scan(bytes, count, &thin, model->err) == ERR_OK) {
        model->proto =
            onnx__model_proto__unpack(&allocator, thin.bytes, (const uint8_t *)thin.data);
        if (!model->proto)
            err_set(model->err, ERR_SYNTAX, "the file is no ONNX model, or it is damaged");
    }
    text_release(&thin);
    return model->proto != NULL;
}

/* Values whose bytes nothing moves must still reach the graph's outputs. */
static bool write_outputs(struct onnx_model *model)
{
    for (size_t n = 0; n < model->node_count; n++) {
        struct onnx_node *node = model->nodes[n];
        for (size_t i = 0; i < node->output_count; i++) {
            struct onnx_value *value = node->outputs[i];
            if (!value || !value->graph_output || value->constant || !value->feed_count ||
                onnx_elements(value) == 0)
                continue;
            bool made = true;
            for (size_t k = 0; k < value->feed_count; k++)
                made = made && value->feeds[k].layer;
            if (made)
                continue;
            struct onnx_layer *layer = onnx_layer_new(model, node, NULL, "move");
            layer->note = arena_printf(model->arena, "ONNX %s", node->op_type);
            onnx_map_extents(layer, &value->shape);
            onnx_feed(model, layer, value, onnx_elements(value));
            onnx_leave(model, layer, value);
        }
    }
    return true;
}

static bool lower(struct onnx_model *model, struct onnx_node *node)
{
    bool renames = node->stated && node->op->lower == onnx_lower_alias && node->outputs[0] &&
                   onnx_elements(node->inputs[0]) == onnx_elements(node->outputs[0]);
    if (node->unsupported || (node->stated && !renames))
        return onnx_lower_move(model, node);
    return node->op->lower(model, node);
}

bool onnx_lower(struct onnx_model *model)
{
    onnx_fuse(model);
    for (size_t n = 0; n < model->node_count; n++) {
        struct onnx_node *node = model->nodes[n];
        if (onnx_is_constant(node) && !node->unsupported)
            continue;
        for (size_t i = 0; i < node->output_count; i++)
            if (node->outputs[i] && onnx_known(node->outputs[i]) &&
                onnx_elements(node->outputs[i]) == 0)
                return onnx_fail(model, node, ERR_RANGE, "its output %zu has no elements", i);
        for (size_t i = 0; i < node->input_count; i++)
            if (node->inputs[i] && onnx_known(node->inputs[i]) && !node->inputs[i]->constant &&
                onnx_elements(node->inputs[i]) == 0)
                return onnx_fail(model, node, ERR_RANGE, "its input %zu has no elements", i);
        if (!lower(model, node))
            return false;
    }
    write_outputs(model);
    if (model->layer_count > 0)
        return true;
    if (model->node_count > 0)
        return onnx_fail(model, model->nodes[model->node_count - 1], ERR_VALUE,
                         "nothing is left to run: all that the model makes is constant");
    err_set(model->err, ERR_VALUE, "the graph has no nodes");
    return false;
}

static int compare_operators(const void *a, const void *b)
{
    const struct onnx_operator *left = a, *right = b;
    int by_domain = strcmp(left->domain, right->domain);
    return by_domain ? by_domain : strcmp(left->name, right->name);
}

static void *keep(struct arena *arena, const void *rows, size_t count, size_t size)
{
    void *copy = arena_alloc(arena, count, size);
    if (count)
        memcpy(copy, rows, count * size);
    return copy;
}

static void report_model(struct onnx_model *model, struct onnx_report *report)
{
    if (model->operator_count)
        qsort(model->operators, model->operator_count, sizeof *model->operators, compare_operators);
    *report = (struct onnx_report){
        .arena = model->arena,
        .node_count = model->proto && model->proto->graph ? model->proto->graph->n_node : 0,
        .operator_count = model->operator_count,
        .unsupported_count = model->unsupported_count,
        .symbol_count = model->symbol_count,
        .operators =
            keep(model->arena, model->operators, model->operator_count, sizeof *model->operators),
        .unsupported = keep(model->arena, model->unsupported, model->unsupported_count,
                            sizeof *model->unsupported),
        .symbols = keep(model->arena, model->symbols, model->symbol_count, sizeof *model->symbols),
        .complete = model->open_symbol == NULL,
    };
}

/* A survey of a model with open dimensions counts the nodes as they stand in the file. */
static void survey(struct onnx_model *model)
{
    const Onnx__GraphProto *graph = model->proto->graph;
    for (size_t i = 0; i < graph->n_node; i++) {
        struct onnx_node *node = ARENA_ARRAY(model->arena, struct onnx_node, 1);
        node->op_type = graph->node[i]->op_type ? graph->node[i]->op_type : "";
        node->domain = graph->node[i]->domain ? graph->node[i]->domain : "";
        onnx_count_operator(model, node);
    }
}

enum err_code onnx_import_bytes(const char *file, const uint8_t *bytes, size_t count,
                                const struct onnx_options *options, struct text *json,
                                struct onnx_report *report, struct err *err)
{
    static const struct onnx_options defaults;
    struct err own = ERR_INIT;
    struct onnx_model model = {
        .arena = arena_new(), .file = file, .options = options ? options : &defaults, .err = &own
    };
    model.functions = names_new();
    model.described = names_new();
    bool ok = unpack(&model, bytes, count) && onnx_build(&model);
    if (ok && model.open_symbol)
        survey(&model);
    else if (ok)
        ok = onnx_lower(&model);
    if (ok && json && !model.open_symbol) {
        char sha256[65];
        file_sha256((const char *)bytes, count, sha256);
        onnx_write(&model, sha256, json);
    }
    if (report)
        report_model(&model, report);
    names_free(model.functions);
    names_free(model.described);
    free(model.nodes);
    free(model.layers);
    free(model.operators);
    free(model.unsupported);
    free(model.symbols);
    if (!report || !ok) {
        arena_free(model.arena);
        if (report)
            *report = (struct onnx_report){ 0 };
    }
    if (ok)
        return ERR_OK;
    err_in_file(&own, file, 0, 0);
    if (err)
        *err = own;
    return own.code;
}

enum err_code onnx_import(const char *file, const struct onnx_options *options, struct text *json,
                          struct onnx_report *report, struct err *err)
{
    struct stat info;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        err_set(err, ERR_IO, "could not open it: %s", strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        err_set(err, ERR_IO, "it is not a regular file");
    } else if ((uint64_t)info.st_size > FILE_MAX) {
        err_set(err, ERR_LIMIT, "expected a file of at most 4 GiB");
    } else {
        size_t count = (size_t)info.st_size;
        void *bytes = count ? mmap(NULL, count, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
        if (bytes == MAP_FAILED)
            err_set(err, ERR_IO, "could not map it: %s", strerror(errno));
        else
            onnx_import_bytes(file, bytes, count, options, json, report, err);
        if (bytes && bytes != MAP_FAILED)
            munmap(bytes, count);
    }
    if (fd >= 0)
        close(fd);
    return err_in_file(err, file, 0, 0);
}

void onnx_report_release(struct onnx_report *report)
{
    arena_free(report->arena);
    *report = (struct onnx_report){ 0 };
}
