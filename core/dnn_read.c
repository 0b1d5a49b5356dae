/* First pass: the layers of the file as drafts. docs/formats.md, "dnn/1". */
#include "core/dnn_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "core/text.h"

#define BINDINGS_MAX 32
#define INPUTS_MAX   65536

const struct dnn_epilogue_op dnn_epilogue_ops[] = {
    /* clang-format off */
    /* name           input  shape  passes results */
    { "relu",          false, false, 1, false },
    { "relu6",         false, false, 1, false },
    { "unary",         false, false, 1, false },
    { "leaky_relu",    false, false, 1, false },
    { "sigmoid",       false, false, 1, false },
    { "silu",          false, false, 1, false },
    { "hardswish",     false, false, 1, false },
    { "gelu",          false, false, 1, false },
    { "tanh",          false, false, 1, false },
    { "requantize",    false, false, 1, false },
    { "batchnorm",     false, false, 1, false },
    { "bias_add",      false, false, 1, false },
    { "scale",         false, false, 1, false },
    { "lrn",           false, false, 2, false },
    { "softmax",       false, false, 2, false },
    { "layernorm",     false, false, 2, false },
    { "rmsnorm",       false, false, 2, false },
    { "add",           true,  false, 1, false },
    { "mul",           true,  false, 1, false },
    { "binary",        true,  false, 1, false },
    { "maxpool",       false, true,  1, false },
    { "avgpool",       false, true,  1, false },
    { "globalavgpool", false, true,  1, false },
    { "upsample",      false, true,  1, true  },
    /* clang-format on */
};
const size_t dnn_epilogue_op_count = sizeof dnn_epilogue_ops / sizeof *dnn_epilogue_ops;

static const char *own_text(struct dnn_reader *reader, const char *text)
{
    return arena_strdup(reader->dnn.arena, text);
}

/* --- expressions ----------------------------------------------------------------------------- */

static uint64_t hash_of(const struct expr *expr)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const unsigned char *bytes = (const unsigned char *)expr;
    for (size_t at = 0; at + 8 <= sizeof *expr; at += 8) {
        uint64_t word;
        memcpy(&word, bytes + at, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

/* Unequal padding would only cost a second copy. */
static size_t slot_of(const struct dnn_reader *reader, const struct expr *expr)
{
    size_t mask = reader->expr_slots - 1;
    size_t at = hash_of(expr) & mask;
    while (reader->exprs[at] && memcmp(reader->exprs[at], expr, sizeof *expr) != 0)
        at = (at + 1) & mask;
    return at;
}

static void grow_exprs(struct dnn_reader *reader)
{
    const struct expr **old = reader->exprs;
    size_t old_slots = reader->expr_slots;
    reader->expr_slots = old_slots ? 2 * old_slots : 64;
    reader->exprs = mem_alloc(reader->expr_slots, sizeof *reader->exprs);
    for (size_t i = 0; i < old_slots; i++)
        if (old[i])
            reader->exprs[slot_of(reader, old[i])] = old[i];
    free(old);
}

const struct expr *dnn_intern_expr(struct dnn_reader *reader, const struct expr *expr)
{
    if (2 * (reader->expr_count + 1) > reader->expr_slots)
        grow_exprs(reader);
    size_t at = slot_of(reader, expr);
    if (!reader->exprs[at]) {
        struct expr *copy = ARENA_ARRAY(reader->dnn.arena, struct expr, 1);
        memcpy(copy, expr, sizeof *copy);
        reader->exprs[at] = copy;
        reader->expr_count++;
    }
    return reader->exprs[at];
}

/* --- small parts ----------------------------------------------------------------------------- */

/* Overrides what the object says: "types": { "input", "weight", "output" }. */
static struct dnn_types read_types(const struct json_node *object, struct dnn_types types)
{
    static const char *const keys[EXPR_TENSORS_MAX] = { "output", "input", "weight" };
    const struct json_node *node = json_find(object, "types");
    for (size_t tensor = 0; node && tensor < EXPR_TENSORS_MAX; tensor++) {
        const struct json_node *type = json_find(node, keys[tensor]);
        if (type)
            types.type[tensor] = (enum dtype)json_enum(type, dtype_names, DT_COUNT);
    }
    return types;
}

static struct dnn_tensor read_shape(const struct json_node *node)
{
    struct dnn_tensor tensor = { .rank = json_count(node), .elements = 1 };
    if (tensor.rank == 0 || tensor.rank > EXPR_DIMS_MAX) {
        json_fail(node, ERR_RANGE, "expected 1..%d dimensions, got %zu", EXPR_DIMS_MAX,
                  tensor.rank);
        tensor.rank = 0;
        return tensor;
    }
    for (size_t d = 0; d < tensor.rank; d++) {
        tensor.dims[d] = (uint64_t)json_int(json_item(node, d), 1, EXPR_EXTENT_MAX);
        if (!mul_size(tensor.elements, tensor.dims[d], &tensor.elements)) {
            json_fail(node, ERR_OVERFLOW, "the number of elements exceeds 63 bits");
            return tensor;
        }
    }
    return tensor;
}

struct bindings {
    size_t count;
    struct expr_binding items[BINDINGS_MAX];
    const struct json_node *nodes[BINDINGS_MAX];
};

/* "extents" or "params" of a layer, appended to bindings. */
static void read_bindings(const struct json_node *node, bool is_extent, struct bindings *out)
{
    size_t members = node ? json_member_count(node) : 0;
    if (out->count + members > BINDINGS_MAX) {
        json_fail(node, ERR_LIMIT, "expected at most %d extents and parameters", BINDINGS_MAX);
        return;
    }
    for (size_t i = 0; i < members; i++) {
        const char *name;
        const struct json_node *value = json_member(node, i, &name);
        int64_t low = is_extent ? 1 : -EXPR_EXTENT_MAX;
        out->nodes[out->count] = value;
        out->items[out->count++] =
            (struct expr_binding){ name, json_int(value, low, EXPR_EXTENT_MAX), is_extent };
    }
}

/* --- the operator ---------------------------------------------------------------------------- */

/* Errors of the expression's text are placed by column: make that part of the sentence. */
static void fail_expression(const struct json_node *node, const struct err *err)
{
    if (err->column > 0)
        json_fail(node, err->code, "at character %d: %s", err->column, err->text);
    else
        json_fail(node, err->code, "%s", err->text);
}

static void read_own_expression(struct dnn_draft *draft, const struct bindings *bindings,
                                struct expr *expr)
{
    const struct json_node *text = json_get(draft->node, "expr");
    const struct json_node *roles = json_get(draft->node, "roles");
    struct err err = ERR_INIT;
    draft->passes = 1;
    draft->kind =
        (enum op_kind)json_enum(json_get(draft->node, "kind"), op_kind_names, OP_KIND_COUNT);
    if (expr_parse(expr, json_str(text), bindings->items, bindings->count, &err) != ERR_OK)
        fail_expression(text, &err);
    else if (expr_set_roles(expr, json_str(roles), &err) != ERR_OK)
        fail_expression(roles, &err);
}

static void read_table_operator(struct dnn_draft *draft, const struct json_node *op,
                                const struct bindings *bindings, struct expr *expr)
{
    const struct op_row *row = &op_table[json_enum(op, op_names(), op_count)];
    struct err err = ERR_INIT;
    draft->op = row;
    draft->kind = row->kind;
    draft->passes = row->passes;
    for (size_t i = 0; i < bindings->count; i++)
        if (op_check_binding(row, &bindings->items[i], &err) != ERR_OK) {
            json_fail(bindings->nodes[i], err.code, "%s", err.text);
            return;
        }
    if (op_bind(row, bindings->items, bindings->count, expr, &err) == ERR_OK)
        return;
    if (err.column > 0) /* extents and parameters together */
        json_fail(draft->node, err.code, "%s (character %d of %s)", err.text, err.column,
                  row->text);
    else
        json_fail(json_find(draft->node, "extents"), err.code, "%s", err.text);
}

/* The draft's expression, or false after an error. */
static bool read_operator(struct dnn_reader *reader, struct dnn_draft *draft)
{
    struct bindings bindings = { .count = 0 };
    read_bindings(json_get(draft->node, "extents"), true, &bindings);
    read_bindings(json_find(draft->node, "params"), false, &bindings);
    struct dnn_types types = read_types(draft->node, reader->types);
    if (!json_ok(reader->doc))
        return false;
    struct expr expr;
    memset(&expr, 0, sizeof expr);
    const struct json_node *op = json_find(draft->node, "op");
    if (op)
        read_table_operator(draft, op, &bindings, &expr);
    else
        read_own_expression(draft, &bindings, &expr);
    if (!json_ok(reader->doc))
        return false;
    for (size_t tensor = 0; tensor < expr.tensor_count; tensor++)
        expr.tensors[tensor].type = types.type[tensor];
    draft->expr = dnn_intern_expr(reader, &expr);
    return true;
}

/* --- feeds ----------------------------------------------------------------------------------- */

static uint32_t read_source(struct dnn_reader *reader, const struct json_node *node)
{
    const char *name = json_str(node);
    uint32_t source = names_find(reader->names, name);
    if (source != NAMES_NONE)
        return source;
    if (json_ok(reader->doc)) {
        const char *near = names_nearest(reader->names, name);
        json_fail(node, ERR_REFERENCE,
                  "expected a layer or a graph input, got \"%.200s\"%s%.200s%s", name,
                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return 0;
}

static void add_feed(struct dnn_reader *reader, struct dnn_feed feed)
{
    if (reader->feed_count == DNN_EDGES_MAX) {
        json_fail(feed.node, ERR_LIMIT, "expected at most %d inputs of layers", DNN_EDGES_MAX);
        return;
    }
    if (reader->feed_count == reader->feed_capacity) {
        reader->feed_capacity = reader->feed_capacity ? 2 * reader->feed_capacity : 256;
        reader->feeds = mem_grow(reader->feeds, reader->feed_capacity, sizeof *reader->feeds);
    }
    reader->feeds[reader->feed_count++] = feed;
}

/* NAME or { "from": NAME, "elements": N }. */
static void read_feed(struct dnn_reader *reader, const struct json_node *node)
{
    struct dnn_feed feed = { .node = node };
    if (json_type_of(node) == JSON_NODE_OBJECT) {
        feed.source = read_source(reader, json_get(node, "from"));
        feed.partial = true;
        feed.elements = (uint64_t)json_get_int(node, "elements", 1, INT64_MAX);
    } else {
        feed.source = read_source(reader, node);
    }
    add_feed(reader, feed);
}

/* One feed, or an array of several that are concatenated. */
static struct dnn_operand read_operand(struct dnn_reader *reader, const struct json_node *node)
{
    struct dnn_operand operand = { .node = node, .begin = reader->feed_count };
    if (json_type_of(node) == JSON_NODE_ARRAY) {
        size_t count = json_count(node);
        if (count == 0)
            json_fail(node, ERR_VALUE, "expected at least one producer");
        for (size_t i = 0; i < count; i++)
            read_feed(reader, json_item(node, i));
    } else {
        read_feed(reader, node);
    }
    operand.count = reader->feed_count - operand.begin;
    return operand;
}

static void read_operands(struct dnn_reader *reader, struct dnn_draft *draft)
{
    const struct json_node *node = json_get(draft->node, "inputs");
    size_t count = json_count(node);
    size_t most = draft->op ? draft->op->operand_count : dnn_operand_tensors(draft->expr);
    if (count == 0 || count > most) {
        json_fail(node, ERR_VALUE, "expected %s, got %zu",
                  most == 1 ? "one operand" : "one or two operands", count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        draft->operands[i] = read_operand(reader, json_item(node, i));
    draft->operand_count = count;
}

/* --- the epilogue ---------------------------------------------------------------------------- */

static void add_step(struct dnn_reader *reader, struct dnn_step step)
{
    if (reader->step_count == reader->step_capacity) {
        reader->step_capacity = reader->step_capacity ? 2 * reader->step_capacity : 256;
        reader->steps = mem_grow(reader->steps, reader->step_capacity, sizeof *reader->steps);
    }
    reader->steps[reader->step_count++] = step;
}

/* NAME or { "op": NAME, "input": … }. */
static struct dnn_step read_step(struct dnn_reader *reader, const struct json_node *node)
{
    const char *names[sizeof dnn_epilogue_ops / sizeof *dnn_epilogue_ops];
    for (size_t i = 0; i < dnn_epilogue_op_count; i++)
        names[i] = dnn_epilogue_ops[i].name;
    struct dnn_step step = { .node = node };
    bool object = json_type_of(node) == JSON_NODE_OBJECT;
    const struct json_node *op = object ? json_get(node, "op") : node;
    step.op = &dnn_epilogue_ops[json_enum(op, names, dnn_epilogue_op_count)];
    if (!object)
        return step;
    const struct json_node *input = json_get(node, "input");
    if (!step.op->takes_input)
        json_fail(input, ERR_VALUE, "%s takes no input", step.op->name);
    else if (json_ok(reader->doc))
        step.input = read_operand(reader, input);
    return step;
}

static void read_epilogue(struct dnn_reader *reader, struct dnn_draft *draft)
{
    draft->step_begin = reader->step_count;
    draft->epilogue = "";
    const struct json_node *node = json_find(draft->node, "epilogue");
    size_t count = node ? json_count(node) : 0;
    if (count > DNN_EPILOGUE_MAX) {
        json_fail(node, ERR_LIMIT, "expected at most %d steps, got %zu", DNN_EPILOGUE_MAX, count);
        return;
    }
    char text[DNN_EPILOGUE_MAX * 16] = "";
    for (size_t i = 0; i < count && json_ok(reader->doc); i++) {
        struct dnn_step step = read_step(reader, json_item(node, i));
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? "+" : "", step.op->name);
        add_step(reader, step);
        draft->step_count++;
    }
    if (count > 0)
        draft->epilogue = own_text(reader, text);
}

/* --- the output ------------------------------------------------------------------------------ */

static struct dnn_tensor expression_output(const struct dnn_draft *draft)
{
    const struct expr_tensor *out = &draft->expr->tensors[0];
    struct dnn_tensor tensor = { .rank = out->dim_count };
    struct err err = ERR_INIT;
    for (size_t d = 0; d < out->dim_count; d++)
        tensor.dims[d] = (uint64_t)out->dims[d].extent;
    if (expr_elements(draft->expr, 0, &tensor.elements, &err) != ERR_OK)
        json_fail_err(draft->node, &err);
    return tensor;
}

static void read_output(struct dnn_reader *reader, struct dnn_draft *draft)
{
    draft->output = expression_output(draft);
    const struct dnn_step *changing = NULL;
    bool must_say = false; /* parts may as well combine to a result of the same shape */
    for (size_t i = 0; i < draft->step_count; i++) {
        const struct dnn_step *step = &reader->steps[draft->step_begin + i];
        if (dnn_step_changes_shape(step))
            changing = step;
        must_say |= step->op->changes_shape;
    }
    const struct json_node *node = json_find(draft->node, "output_shape");
    if (!node) {
        if (must_say)
            json_fail(draft->node, ERR_KEY,
                      "expected an \"output_shape\": the epilogue changes the shape");
        return;
    }
    uint64_t before = draft->output.elements;
    draft->output = read_shape(node);
    if (!changing && draft->output.elements != before)
        json_fail(node, ERR_VALUE,
                  "expected %llu elements, as the operator has (no step of the epilogue changes "
                  "that), got %llu",
                  (unsigned long long)before, (unsigned long long)draft->output.elements);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void read_layer(struct dnn_reader *reader, struct dnn_draft *draft)
{
    if (!read_operator(reader, draft))
        return;
    read_operands(reader, draft);
    read_epilogue(reader, draft);
    if (json_ok(reader->doc))
        read_output(reader, draft);
    json_find(draft->node, "note"); /* free text */
    json_find(draft->node, "source");
}

static void add_name(struct dnn_reader *reader, const struct json_node *node, const char *name,
                     size_t number)
{
    if (names_add(reader->names, name, (uint32_t)number) != NAMES_NONE)
        json_fail(node, ERR_DUPLICATE, "there is another layer or graph input \"%.200s\"", name);
}

static void read_layer_names(struct dnn_reader *reader)
{
    const struct json_node *layers = json_get(reader->root, "layers");
    size_t count = json_count(layers);
    if (count == 0 || count > DNN_LAYERS_MAX) {
        json_fail(layers, count == 0 ? ERR_VALUE : ERR_LIMIT, "expected 1..%d layers, got %zu",
                  DNN_LAYERS_MAX, count);
        return;
    }
    reader->drafts = mem_alloc(count, sizeof *reader->drafts);
    for (size_t layer = 0; layer < count; layer++) {
        struct dnn_draft *draft = &reader->drafts[layer];
        draft->node = json_item(layers, layer);
        const struct json_node *name = json_get(draft->node, "name");
        draft->name = own_text(reader, names_read(name));
        if (!json_ok(reader->doc))
            return;
        add_name(reader, name, draft->name, layer);
    }
    reader->dnn.layer_count = count;
}

static void read_inputs(struct dnn_reader *reader)
{
    const struct json_node *inputs = json_get(reader->root, "inputs");
    size_t count = json_count(inputs);
    if (count > INPUTS_MAX) {
        json_fail(inputs, ERR_LIMIT, "expected at most %d graph inputs, got %zu", INPUTS_MAX,
                  count);
        return;
    }
    reader->inputs = mem_alloc(count, sizeof *reader->inputs);
    for (size_t i = 0; i < count && json_ok(reader->doc); i++) {
        const struct json_node *input = json_item(inputs, i);
        const struct json_node *name = json_get(input, "name");
        add_name(reader, name, own_text(reader, names_read(name)), reader->dnn.layer_count + i);
        reader->inputs[i] = read_shape(json_get(input, "shape"));
    }
    reader->input_count = count;
}

static void read_head(struct dnn_reader *reader)
{
    const struct json_node *root = reader->root;
    json_expect_tag(root, "dnn/1");
    const struct json_node *name = json_get(root, "name");
    reader->dnn.name = own_text(reader, names_read(name));
    if (strchr(reader->dnn.name, '/'))
        json_fail(name, ERR_VALUE, "expected a name without \"/\"");
    reader->dnn.source = own_text(reader, json_get_str_or(root, "source", ""));
    reader->dnn.note = own_text(reader, json_get_str_or(root, "note", ""));
    struct dnn_types bytes = { { DT_U8, DT_U8, DT_S8 } };
    reader->types = read_types(root, bytes);
}

void dnn_read_graph(struct dnn_reader *reader)
{
    read_head(reader);
    if (json_ok(reader->doc))
        read_layer_names(reader);
    if (json_ok(reader->doc))
        read_inputs(reader);
    for (size_t layer = 0; layer < reader->dnn.layer_count && json_ok(reader->doc); layer++)
        read_layer(reader, &reader->drafts[layer]);
}
