/* Layers as dnn/1 text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/onnx_layer.h"
#include "frontends/onnx_tensor.h"

struct writer {
    struct onnx_model *model;
    struct names *taken;
    struct json_out out;
    enum dtype types[3]; /* output, input, weight: of most layers */
};

/* Of the model's name: no control characters, at most NAMES_BYTES_MAX bytes, not taken yet. */
static const char *free_name(struct writer *w, const char *name)
{
    struct arena *arena = w->model->arena;
    char *clean = arena_printf(arena, "%.*s", NAMES_BYTES_MAX - 20, *name ? name : "unnamed");
    size_t length = strlen(clean);
    while (length > 0 && name[length] && ((unsigned char)name[length] & 0xc0) == 0x80)
        clean[--length] = '\0'; /* not in the middle of a character */
    for (char *c = clean; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '_';
    const char *result = text_is_utf8(clean) ? clean : "unnamed";
    const char *stem = result;
    for (uint32_t n = 2; names_add(w->taken, result, 0) != NAMES_NONE; n++)
        result = arena_printf(arena, "%s~%u", stem, n);
    return result;
}

static enum dtype dtype_of(const struct writer *w, int onnx_type, int role)
{
    enum dtype type = DT_F32;
    if (w->model->options->types)
        return w->model->options->types[role];
    onnx_dtype(onnx_type, &type);
    return type;
}

static const char *const type_keys[3] = { "output", "input", "weight" };
static const int type_order[3] = { 1, 2, 0 };

static void write_types(struct writer *w, const enum dtype *types, bool all)
{
    bool differs = all;
    for (int i = 0; i < 3; i++)
        differs = differs || types[i] != w->types[i];
    if (!differs)
        return;
    json_out_object(&w->out, "types", true);
    for (int i = 0; i < 3; i++) {
        int role = type_order[i];
        if (all || types[role] != w->types[role])
            json_out_str(&w->out, type_keys[role], dtype_name(types[role]));
    }
    json_out_end(&w->out);
}

static uint64_t source_elements(const struct onnx_feed *feed)
{
    return feed->layer ? (uint64_t)onnx_product(&feed->layer->shape, 0, feed->layer->shape.rank)
                       : (uint64_t)onnx_elements(feed->input);
}

static void write_feed(struct writer *w, const char *key, const struct onnx_feed *feed)
{
    const char *name = feed->layer ? feed->layer->name : feed->input->name;
    if (!feed->partial && feed->elements == source_elements(feed)) {
        json_out_str(&w->out, key, name);
        return;
    }
    json_out_object(&w->out, key, true);
    json_out_str(&w->out, "from", name);
    json_out_u64(&w->out, "elements", feed->elements);
    json_out_end(&w->out);
}

static void write_operand(struct writer *w, const char *key, const struct onnx_operand *operand)
{
    if (operand->count == 1) {
        write_feed(w, key, operand->feeds);
        return;
    }
    json_out_array(&w->out, key, true);
    for (size_t i = 0; i < operand->count; i++)
        write_feed(w, NULL, &operand->feeds[i]);
    json_out_end(&w->out);
}

static void write_bindings(struct writer *w, const char *key, const struct onnx_binding *bindings,
                           size_t count)
{
    if (count == 0)
        return;
    json_out_object(&w->out, key, true);
    for (size_t i = 0; i < count; i++)
        json_out_i64(&w->out, bindings[i].name, bindings[i].value);
    json_out_end(&w->out);
}

static void write_steps(struct writer *w, const struct onnx_layer *layer)
{
    if (layer->step_count == 0)
        return;
    json_out_array(&w->out, "epilogue", true);
    for (size_t i = 0; i < layer->step_count; i++) {
        const struct onnx_step *step = &layer->steps[i];
        if (step->input.count == 0) {
            json_out_str(&w->out, NULL, step->op);
            continue;
        }
        json_out_object(&w->out, NULL, true);
        json_out_str(&w->out, "op", step->op);
        write_operand(w, "input", &step->input);
        json_out_end(&w->out);
    }
    json_out_end(&w->out);
}

/* What leaves, where the extents alone do not say it. */
static void write_shape(struct writer *w, const struct onnx_layer *layer)
{
    json_out_array(&w->out, "output_shape", true);
    for (int d = 0; d < layer->shape.rank; d++)
        json_out_i64(&w->out, NULL, layer->shape.dim[d]);
    if (layer->shape.rank == 0)
        json_out_i64(&w->out, NULL, 1);
    json_out_end(&w->out);
}

static void layer_types(const struct writer *w, const struct onnx_layer *layer, enum dtype *types)
{
    for (int role = 0; role < 3; role++)
        types[role] = layer->type[role] ? dtype_of(w, layer->type[role], role) : w->types[role];
}

/* Does the expression's output have the shape already? */
static bool shape_follows(const struct onnx_layer *layer)
{
    static const char *const orders[] = { "nkdpq", "nkpq", "ngpq", "bmn", "mn", NULL };
    for (size_t o = 0; orders[o]; o++) {
        int rank = 0;
        bool same = true, used = true;
        for (const char *c = orders[o]; *c; c++) {
            const struct onnx_binding *found = NULL;
            for (size_t i = 0; i < layer->extent_count; i++)
                if (layer->extents[i].name[0] == *c && layer->extents[i].name[1] == '\0')
                    found = &layer->extents[i];
            used = used && found;
            same =
                same && found && rank < layer->shape.rank && layer->shape.dim[rank] == found->value;
            rank++;
        }
        if (used)
            return same && rank == layer->shape.rank;
    }
    return false;
}

static bool changes_shape(const struct onnx_layer *layer)
{
    for (size_t i = 0; i < layer->step_count; i++)
        if (strstr(layer->steps[i].op, "pool") || !strcmp(layer->steps[i].op, "upsample"))
            return true;
    return false;
}

static void write_layer(struct writer *w, const struct onnx_layer *layer)
{
    enum dtype types[3];
    layer_types(w, layer, types);
    json_out_object(&w->out, NULL, true);
    json_out_str(&w->out, "name", layer->name);
    json_out_str(&w->out, "op", layer->op);
    write_bindings(w, "extents", layer->extents, layer->extent_count);
    write_bindings(w, "params", layer->params, layer->param_count);
    write_types(w, types, false);
    json_out_array(&w->out, "inputs", true);
    for (size_t i = 0; i < layer->operand_count; i++)
        write_operand(w, NULL, &layer->operands[i]);
    json_out_end(&w->out);
    write_steps(w, layer);
    if (changes_shape(layer) || !shape_follows(layer))
        write_shape(w, layer);
    if (layer->note)
        json_out_str(&w->out, "note", layer->note);
    json_out_end(&w->out);
}

static void add_input(struct writer *w, const struct onnx_operand *operand, struct names *seen)
{
    for (size_t i = 0; i < operand->count; i++) {
        const struct onnx_value *input = operand->feeds[i].input;
        char key[32];
        if (!input)
            continue;
        snprintf(key, sizeof key, "%p", (const void *)input);
        if (names_add(seen, arena_strdup(w->model->arena, key), 0) != NAMES_NONE)
            continue;
        ((struct onnx_value *)input)->name = free_name(w, input->name);
        json_out_object(&w->out, NULL, true);
        json_out_str(&w->out, "name", input->name);
        json_out_array(&w->out, "shape", true);
        for (int d = 0; d < input->shape.rank; d++)
            json_out_i64(&w->out, NULL, input->shape.dim[d]);
        if (input->shape.rank == 0)
            json_out_i64(&w->out, NULL, 1);
        json_out_end(&w->out);
        json_out_end(&w->out);
    }
}

/* Graph inputs that layers read, in the order of their first reader. */
static void write_inputs(struct writer *w)
{
    struct names *seen = names_new();
    json_out_array(&w->out, "inputs", false);
    for (size_t i = 0; i < w->model->layer_count; i++) {
        const struct onnx_layer *layer = w->model->layers[i];
        for (size_t k = 0; k < layer->operand_count; k++)
            add_input(w, &layer->operands[k], seen);
        for (size_t k = 0; k < layer->step_count; k++)
            add_input(w, &layer->steps[k].input, seen);
    }
    json_out_end(&w->out);
    names_free(seen);
}

/* "dir/resnet50.onnx" -> "resnet50" */
static const char *stem(struct writer *w)
{
    const char *slash = strrchr(w->model->file, '/');
    const char *base = slash ? slash + 1 : w->model->file;
    const char *dot = strrchr(base, '.');
    int length = dot && dot > base ? (int)(dot - base) : (int)strlen(base);
    return arena_printf(w->model->arena, "%.*s",
                        length < NAMES_BYTES_MAX ? length : NAMES_BYTES_MAX,
                        *base ? base : "model");
}

static const char *bound_dims(struct writer *w)
{
    const char *text = "";
    for (size_t i = 0; i < w->model->options->dim_count; i++)
        text = arena_printf(w->model->arena, "%s%s%s=%lld", text, i ? ", " : "",
                            w->model->options->dims[i].name,
                            (long long)w->model->options->dims[i].value);
    return text;
}

void onnx_write(struct onnx_model *model, const char *sha256, struct text *text)
{
    struct writer w = { .model = model, .taken = names_new() };
    const char *base = strrchr(model->file, '/');
    json_out_init(&w.out, text);
    for (int role = 0; role < 3; role++) {
        w.types[role] = dtype_of(&w, model->layers[0]->type[role], role);
        if (role == 2 && !model->layers[0]->type[2] && !model->options->types)
            w.types[2] = w.types[1];
    }
    for (size_t i = 0; i < model->layer_count; i++)
        model->layers[i]->name = free_name(&w, model->layers[i]->name);
    json_out_object(&w.out, NULL, false);
    json_out_str(&w.out, "socweave", "dnn/1");
    json_out_str(&w.out, "name", stem(&w));
    json_out_str(
        &w.out, "source",
        arena_printf(model->arena, "%s, sha256 %s", base ? base + 1 : model->file, sha256));
    if (model->options->dim_count)
        json_out_str(&w.out, "note", bound_dims(&w));
    write_types(&w, w.types, true);
    write_inputs(&w);
    json_out_array(&w.out, "layers", false);
    for (size_t i = 0; i < model->layer_count; i++)
        write_layer(&w, model->layers[i]);
    json_out_end(&w.out);
    json_out_end(&w.out);
    names_free(w.taken);
}
