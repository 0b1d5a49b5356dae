#include "tests/unit/onnx_file.h"

#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

static void varint(struct text *out, uint64_t value)
{
    do {
        char byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        text_add_bytes(out, &byte, 1);
        value >>= 7;
    } while (value);
}

void onnx_file_int(struct text *out, unsigned field, int64_t value)
{
    varint(out, field << 3);
    varint(out, (uint64_t)value);
}

void onnx_file_bytes(struct text *out, unsigned field, const void *bytes, size_t count)
{
    varint(out, field << 3 | 2);
    varint(out, count);
    text_add_bytes(out, count ? bytes : "", count);
}

void onnx_file_str(struct text *out, unsigned field, const char *value)
{
    onnx_file_bytes(out, field, value, strlen(value));
}

void onnx_file_message(struct text *out, unsigned field, struct text *inner)
{
    onnx_file_bytes(out, field, inner->data, inner->bytes);
    text_release(inner);
}

/* Calls `each` for the pieces of a list. */
static char *next_piece(char **list, const char *separators)
{
    char *piece;
    while ((piece = strsep(list, separators)) && !*piece)
        ;
    return piece;
}

static void value_info(struct text *graph, unsigned field, const char *name, int type,
                       const char *shape)
{
    struct text info = { 0 }, whole = { 0 }, tensor = { 0 }, dims = { 0 };
    char *copy = strdup(shape), *rest = copy, *piece;
    while ((piece = next_piece(&rest, ","))) {
        struct text dim = { 0 };
        if (strspn(piece, "-0123456789") == strlen(piece))
            onnx_file_int(&dim, 1, strtoll(piece, NULL, 10));
        else
            onnx_file_str(&dim, 2, piece);
        onnx_file_message(&dims, 1, &dim);
    }
    free(copy);
    onnx_file_int(&tensor, 1, type);
    onnx_file_message(&tensor, 2, &dims);
    onnx_file_message(&whole, 1, &tensor);
    onnx_file_str(&info, 1, name);
    onnx_file_message(&info, 2, &whole);
    onnx_file_message(graph, field, &info);
}

void onnx_file_input(struct text *graph, const char *name, int type, const char *shape)
{
    value_info(graph, 11, name, type, shape);
}

void onnx_file_stated(struct text *graph, const char *name, int type, const char *shape)
{
    value_info(graph, 12, name, type, shape);
}

void onnx_file_output(struct text *graph, const char *name)
{
    struct text info = { 0 };
    onnx_file_str(&info, 1, name);
    onnx_file_message(graph, 12, &info);
}

static struct text tensor(const char *name, int type, const char *shape)
{
    struct text out = { 0 };
    char *copy = strdup(shape), *rest = copy, *piece;
    while ((piece = next_piece(&rest, ",")))
        onnx_file_int(&out, 1, strtoll(piece, NULL, 10));
    free(copy);
    onnx_file_int(&out, 2, type);
    onnx_file_str(&out, 8, name);
    return out;
}

void onnx_file_weight(struct text *graph, const char *name, int type, const char *shape)
{
    struct text out = tensor(name, type, shape);
    onnx_file_message(graph, 5, &out);
}

void onnx_file_ints(struct text *graph, const char *name, const char *values)
{
    int64_t numbers[64];
    size_t count = 0;
    char *copy = strdup(values), *rest = copy, *piece, shape[16];
    while ((piece = next_piece(&rest, ",")) && count < 64)
        numbers[count++] = strtoll(piece, NULL, 10);
    free(copy);
    snprintf(shape, sizeof shape, "%zu", count);
    struct text out = tensor(name, S64, shape);
    onnx_file_bytes(&out, 9, numbers, count * sizeof *numbers);
    onnx_file_message(graph, 5, &out);
}

static void add_attr(struct text *node, char *pair)
{
    struct text attr = { 0 };
    char *value = strchr(pair, '='), *piece;
    *value++ = '\0';
    onnx_file_str(&attr, 1, pair);
    if (*value == '@') {
        onnx_file_str(&attr, 4, value + 1);
    } else {
        onnx_file_int(&attr, 3, strtoll(value, NULL, 10));
        while ((piece = next_piece(&value, ",")))
            onnx_file_int(&attr, 8, strtoll(piece, NULL, 10));
    }
    onnx_file_message(node, 5, &attr);
}

static void add_names(struct text *node, unsigned field, const char *names)
{
    char *copy = strdup(names), *rest = copy, *piece;
    while ((piece = next_piece(&rest, " ")))
        onnx_file_str(node, field, strcmp(piece, "-") ? piece : "");
    free(copy);
}

static struct text plain_node(const char *op, const char *domain, const char *name,
                              const char *inputs, const char *outputs, const char *attrs)
{
    struct text node = { 0 };
    char *copy = strdup(attrs), *rest = copy, *piece;
    add_names(&node, 1, inputs);
    add_names(&node, 2, outputs);
    onnx_file_str(&node, 3, name);
    onnx_file_str(&node, 4, op);
    while ((piece = next_piece(&rest, " ")))
        add_attr(&node, piece);
    free(copy);
    onnx_file_str(&node, 7, domain);
    return node;
}

void onnx_file_node(struct text *graph, const char *op, const char *domain, const char *name,
                    const char *inputs, const char *outputs, const char *attrs)
{
    struct text node = plain_node(op, domain, name, inputs, outputs, attrs);
    onnx_file_message(graph, 1, &node);
}

void onnx_file_body_node(struct text *graph, const char *op, const char *name, const char *inputs,
                         const char *outputs, const char *attrs, struct text *body)
{
    struct text node = plain_node(op, "", name, inputs, outputs, attrs), attr = { 0 };
    onnx_file_str(&attr, 1, "body");
    onnx_file_message(&attr, 6, body);
    onnx_file_message(&node, 5, &attr);
    onnx_file_message(graph, 1, &node);
}

struct text onnx_file_model(struct text *graph)
{
    struct text model = { 0 }, opset = { 0 };
    onnx_file_int(&model, 1, 8);
    onnx_file_int(&opset, 2, 17);
    onnx_file_message(&model, 8, &opset);
    onnx_file_message(&model, 7, graph);
    return model;
}

struct dnn onnx_file_load(struct text *graph, const struct onnx_options *options)
{
    struct text model = onnx_file_model(graph), json = { 0 };
    struct dnn dnn;
    CHECK_OK(onnx_import_bytes("model.onnx", (const uint8_t *)model.data, model.bytes, options,
                               &json, NULL, err));
    CHECK_OK(dnn_load_text(&dnn, "model.onnx", json.data, json.bytes, err));
    text_release(&model);
    text_release(&json);
    return dnn;
}

const char *onnx_file_error(struct text *graph, const struct onnx_options *options)
{
    static char line[2048];
    struct text model = onnx_file_model(graph), json = { 0 };
    struct err err = ERR_INIT;
    CHECK(onnx_import_bytes("model.onnx", (const uint8_t *)model.data, model.bytes, options, &json,
                            NULL, &err) != ERR_OK);
    CHECK_INT(3, err_exit_status(err.code));
    text_release(&model);
    text_release(&json);
    return err_format(&err, line, sizeof line);
}

const struct dnn_layer *onnx_file_layer(const struct dnn *dnn, const char *name)
{
    for (size_t i = 0; i < dnn->layer_count; i++)
        if (!strcmp(dnn->layers[i].name, name))
            return &dnn->layers[i];
    test_fail(__FILE__, __LINE__, "no layer \"%s\"", name);
}
