/* space/1 into a template: docs/formats.md. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/num.h"
#include "sweep/space_template.h"

#define DEPTH_MAX  24 /* of the tree; the writer takes 32 */
#define NUMBER_MAX 1e300

struct space_reader {
    struct json_doc *doc;
    struct space *space;
    struct space_template *template;
    struct names *names;        /* of symbols */
    struct space_node *pending; /* expressions to parse when all names are known */
    const char *inside;         /* the choice or case we are in, or NULL */
    bool derived;               /* may expressions name figures of the SoC? */
    bool named_derived;         /* they did */
};

static struct space_node *read_node(struct space_reader *r, const struct json_node *node,
                                    const char *path, unsigned depth);

/* --- symbols ---------------------------------------------------------------------------------- */

static struct space_symbol *add_symbol(struct space_reader *r, const char *name,
                                       enum space_symbol_kind kind, uint32_t index)
{
    struct space_template *t = r->template;
    if (names_add(r->names, name, (uint32_t)t->symbol_count) != NAMES_NONE)
        return NULL;
    if (t->symbol_count == t->symbol_capacity) {
        size_t capacity = 2 * t->symbol_capacity + 64;
        struct space_symbol *grown = ARENA_ARRAY(r->space->arena, struct space_symbol, capacity);
        for (size_t i = 0; i < t->symbol_count; i++)
            grown[i] = t->symbols[i];
        t->symbols = grown;
        t->symbol_capacity = capacity;
    }
    t->symbols[t->symbol_count] =
        (struct space_symbol){ .name = name, .kind = kind, .index = index };
    return &t->symbols[t->symbol_count++];
}

static uint32_t find_symbol(void *ctx, const char *name, struct err *err)
{
    struct space_reader *r = ctx;
    uint32_t symbol = names_find(r->names, name);
    if (symbol == NAMES_NONE) {
        const char *near = names_nearest(r->names, name);
        err_set(err, ERR_REFERENCE, "expected a parameter%s, got \"%s\"%s%s%s",
                r->derived ? " or a figure of the SoC" : "", name, near ? "; did you mean \"" : "",
                near ? near : "", near ? "\"?" : "");
        return symbol;
    }
    if (r->template->symbols[symbol].kind == SPACE_DERIVED) {
        if (!r->derived)
            err_set(err, ERR_REFERENCE, "\"%s\" is known of a whole SoC only: in \"constraints\"",
                    name);
        r->named_derived = true;
    }
    return symbol;
}

static const struct space_expr *parse_expr(struct space_reader *r, const struct json_node *where,
                                           const char *text)
{
    struct err err = ERR_INIT;
    const struct space_scope scope = { r, find_symbol };
    const struct space_expr *expr = space_expr_parse(r->space->arena, text, &scope, &err);
    if (!expr)
        json_fail_err(where, &err);
    return expr;
}

/* --- parameters ------------------------------------------------------------------------------- */

static struct space_node *number_node(struct space_reader *r, const struct json_node *where,
                                      double number)
{
    struct space_node *node = ARENA_ARRAY(r->space->arena, struct space_node, 1);
    *node = (struct space_node){ .kind = SPACE_NUMBER, .number = number, .where = where };
    return node;
}

/* The values as texts and numbers, no two alike. */
static void describe_values(struct space_reader *r, const struct json_node *where,
                            struct space_parameter *p, struct space_node **values)
{
    struct arena *arena = r->space->arena;
    const char **texts = ARENA_ARRAY(arena, const char *, p->value_count);
    double *numbers = ARENA_ARRAY(arena, double, p->value_count);
    struct names *seen = names_new();
    p->is_number = true;
    for (size_t i = 0; i < p->value_count; i++) {
        struct text text = { 0 };
        space_print(values[i], &text);
        const char *whole = arena_strdup(arena, text.data);
        texts[i] = values[i]->kind == SPACE_TEXT ? values[i]->text : whole;
        if (strlen(texts[i]) > 64)
            texts[i] = arena_printf(arena, "%.60s …", texts[i]);
        numbers[i] = values[i]->kind == SPACE_NUMBER ? values[i]->number : NAN;
        p->is_number &= values[i]->kind == SPACE_NUMBER;
        if (names_add(seen, whole, (uint32_t)i) != NAMES_NONE)
            json_fail(where, ERR_DUPLICATE, "the value %.60s of \"%s\" is there twice", whole,
                      p->name);
        text_release(&text);
    }
    names_free(seen);
    p->texts = texts;
    p->numbers = numbers;
}

static void read_values(struct space_reader *r, const struct json_node *node,
                        struct space_parameter *p, struct space_node ***values)
{
    const struct json_node *list = json_get(node, "one_of");
    size_t count = json_count(list);
    if (count == 0 || count > SPACE_VALUES_MAX) {
        json_fail(list, ERR_RANGE, "expected 1..%d values, got %zu", SPACE_VALUES_MAX, count);
        return;
    }
    const char *outer = r->inside;
    r->inside = "a choice";
    p->value_count = count;
    *values = ARENA_ARRAY(r->space->arena, struct space_node *, count);
    for (size_t i = 0; i < count; i++)
        (*values)[i] = read_node(r, json_item(list, i), p->name, 1);
    r->inside = outer;
}

/* steps values from `from` to `to`; whole ones if both ends are whole. */
static void read_range(struct space_reader *r, const struct json_node *node,
                       struct space_parameter *p, struct space_node ***values)
{
    static const char *const scales[] = { "linear", "log" };
    double from = json_number(json_get(node, "from"), -NUMBER_MAX, NUMBER_MAX);
    double to = json_number(json_get(node, "to"), -NUMBER_MAX, NUMBER_MAX);
    const struct json_node *scale = json_find(node, "scale");
    p->is_log = scale && json_enum(scale, scales, 2) == 1;
    size_t steps = (size_t)json_get_int(node, "steps", 1, SPACE_VALUES_MAX);
    if (from > to)
        json_fail(node, ERR_RANGE, "expected a range that is not empty, got %g to %g", from, to);
    else if (steps == 1 && from != to)
        json_fail(node, ERR_RANGE, "expected at least 2 steps from %g to %g", from, to);
    else if (p->is_log && from <= 0)
        json_fail(node, ERR_RANGE, "expected a range above 0 for a log scale, got %g", from);
    else if (steps > 1 && from == to)
        json_fail(node, ERR_RANGE, "expected 1 step from %g to %g, got %zu", from, to, steps);
    bool whole = from == floor(from) && to == floor(to);
    p->value_count = steps;
    *values = ARENA_ARRAY(r->space->arena, struct space_node *, steps);
    for (size_t i = 0; i < steps; i++) {
        double share = steps > 1 ? (double)i / (double)(steps - 1) : 0;
        double value = p->is_log ? from * pow(to / from, share) : from + (to - from) * share;
        value = i + 1 == steps ? to : value;
        (*values)[i] = number_node(r, node, whole ? round(value) : value);
    }
}

/* A choice node for a new parameter of this name. */
static void read_choice(struct space_reader *r, const struct json_node *node, const char *name,
                        struct space_node *out)
{
    struct space *space = r->space;
    uint32_t number = (uint32_t)space->parameter_count;
    if (r->inside) {
        json_fail(node, ERR_VALUE,
                  "expected no choice inside %s: put it under \"parameters\" and name it in an "
                  "\"expr\"",
                  r->inside);
        return;
    }
    if (number == SPACE_PARAMETERS_MAX) {
        json_fail(node, ERR_LIMIT, "expected at most %d parameters", SPACE_PARAMETERS_MAX);
        return;
    }
    struct space_parameter *p = &space->parameters[number];
    struct space_node **values = NULL;
    p->name = arena_strdup(space->arena, name);
    if (json_find(node, "one_of"))
        read_values(r, node, p, &values);
    else
        read_range(r, node, p, &values);
    if (!values || !json_ok(r->doc))
        return;
    describe_values(r, node, p, values);
    if (!add_symbol(r, p->name, SPACE_PARAMETER, number))
        json_fail(node, ERR_DUPLICATE, "there is another parameter \"%s\"", name);
    r->template->values[number] = values;
    space->parameter_count++;
    out->kind = SPACE_CHOICE;
    out->parameter = number;
}

/* --- the tree --------------------------------------------------------------------------------- */

static void await_expr(struct space_reader *r, struct space_node *node, const char *text)
{
    node->text = arena_strdup(r->space->arena, text);
    node->next = r->pending;
    r->pending = node;
}

static void read_members(struct space_reader *r, const struct json_node *node, const char *path,
                         unsigned depth, struct space_node *out)
{
    struct arena *arena = r->space->arena;
    out->count = json_member_count(node);
    out->keys = ARENA_ARRAY(arena, const char *, out->count);
    out->items = ARENA_ARRAY(arena, struct space_node *, out->count);
    for (size_t i = 0; i < out->count; i++) {
        const char *key;
        const struct json_node *member = json_member(node, i, &key);
        const char *below = arena_printf(arena, "%s%s%s", path, *path ? "." : "", key);
        out->keys[i] = arena_strdup(arena, key);
        out->items[i] = read_node(r, member, below, depth + 1);
    }
}

/* "accelerators" is left out of names, and its entries go by their own. */
static const char *item_path(struct space_reader *r, const struct json_node *item, const char *path,
                             size_t i)
{
    struct arena *arena = r->space->arena;
    const char *prefix = strcmp(path, "accelerators") == 0 ? "" : path, *dot = *prefix ? "." : "";
    if (json_type_of(item) == JSON_NODE_OBJECT) {
        const struct json_node *name = json_find(item, "name");
        if (name && json_type_of(name) == JSON_NODE_STRING)
            return arena_printf(arena, "%s%s%s", prefix, dot, json_str(name));
    }
    return arena_printf(arena, "%s.%zu", path, i);
}

static void read_items(struct space_reader *r, const struct json_node *node, const char *path,
                       unsigned depth, struct space_node *out)
{
    out->kind = SPACE_ARRAY;
    out->count = json_count(node);
    out->items = ARENA_ARRAY(r->space->arena, struct space_node *, out->count);
    for (size_t i = 0; i < out->count; i++) {
        const struct json_node *item = json_item(node, i);
        out->items[i] = read_node(r, item, item_path(r, item, path, i), depth + 1);
    }
}

static void read_case(struct space_reader *r, const struct json_node *node, const char *path,
                      unsigned depth, struct space_node *out)
{
    const char *outer = r->inside;
    const struct json_node *cases = json_get(node, "cases");
    out->kind = SPACE_CASE;
    await_expr(r, out, json_get_str(node, "by"));
    r->inside = "a case";
    read_members(r, cases, path, depth, out);
    r->inside = outer;
    if (out->count == 0)
        json_fail(cases, ERR_VALUE, "expected at least one case");
}

static bool has(const struct json_node *object, const char *key)
{
    return json_find(object, key) != NULL;
}

/* Links have a "from" too, the name of a place. */
static bool is_range(const struct json_node *object)
{
    const struct json_node *from = json_find(object, "from");
    return (from && json_type_of(from) == JSON_NODE_NUMBER) || has(object, "steps");
}

static void read_object(struct space_reader *r, const struct json_node *node, const char *path,
                        unsigned depth, struct space_node *out)
{
    if (has(node, "one_of") || is_range(node)) {
        read_choice(r, node, path, out);
    } else if (has(node, "expr")) {
        out->kind = SPACE_EXPR;
        await_expr(r, out, json_get_str(node, "expr"));
    } else if (has(node, "by")) {
        read_case(r, node, path, depth, out);
    } else {
        out->kind = SPACE_OBJECT;
        read_members(r, node, path, depth, out);
    }
}

static struct space_node *read_node(struct space_reader *r, const struct json_node *node,
                                    const char *path, unsigned depth)
{
    struct space_node *out = ARENA_ARRAY(r->space->arena, struct space_node, 1);
    out->where = node;
    if (depth > DEPTH_MAX) {
        json_fail(node, ERR_LIMIT, "expected at most %d levels of nesting", DEPTH_MAX);
        return out;
    }
    switch (json_type_of(node)) {
    case JSON_NODE_NULL:
        break;
    case JSON_NODE_BOOL:
        out->kind = SPACE_BOOL;
        out->boolean = json_bool(node);
        break;
    case JSON_NODE_NUMBER:
        out->kind = SPACE_NUMBER;
        out->number = json_number(node, -NUMBER_MAX, NUMBER_MAX);
        break;
    case JSON_NODE_STRING:
        out->kind = SPACE_TEXT;
        out->text = arena_strdup(r->space->arena, json_str(node));
        break;
    case JSON_NODE_ARRAY:
        read_items(r, node, path, depth, out);
        break;
    case JSON_NODE_OBJECT:
        read_object(r, node, path, depth, out);
        break;
    }
    return out;
}

/* --- the parts of the file -------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    static const char *const words[] = { "and", "or", "not" };
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i]) == 0)
            return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    return strlen(name) < 64;
}

static void read_parameters(struct space_reader *r, const struct json_node *node)
{
    size_t count = json_member_count(node);
    for (size_t i = 0; i < count && json_ok(r->doc); i++) {
        const char *key;
        const struct json_node *member = json_member(node, i, &key);
        const char *name = arena_strdup(r->space->arena, key);
        if (!is_name(name)) {
            json_fail(member, ERR_VALUE,
                      "expected a name of letters, digits and \"_\", got \"%.80s\"", name);
            return;
        }
        if (names_find(r->names, name) != NAMES_NONE) {
            json_fail(member, ERR_DUPLICATE, "\"%s\" is a figure of the SoC already", name);
            return;
        }
        struct space_node *value = read_node(r, member, name, 1);
        bool is_scalar =
            value->kind == SPACE_NUMBER || value->kind == SPACE_TEXT || value->kind == SPACE_EXPR;
        if (value->kind == SPACE_CHOICE)
            continue;
        if (!is_scalar)
            json_fail(member, ERR_TYPE, "expected a choice, an expression, a number or a string");
        else
            add_symbol(r, name, SPACE_NAMED, 0)->node = value;
    }
}

static bool is_ours(const char *key)
{
    static const char *const keys[] = { "socweave",   "name",        "source",    "note",
                                        "parameters", "constraints", "technology" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

/* The members of the SoC: those of the file that are not the space's own. */
static void read_soc(struct space_reader *r, const struct json_node *root)
{
    struct arena *arena = r->space->arena;
    struct space_node *out = ARENA_ARRAY(arena, struct space_node, 1);
    size_t count = json_member_count(root);
    out->kind = SPACE_OBJECT;
    out->where = root;
    out->keys = ARENA_ARRAY(arena, const char *, count);
    out->items = ARENA_ARRAY(arena, struct space_node *, count);
    for (size_t i = 0; i < count; i++) {
        const char *key;
        const struct json_node *member = json_member(root, i, &key);
        if (is_ours(key))
            continue;
        out->keys[out->count] = arena_strdup(arena, key);
        out->items[out->count++] = read_node(r, member, key, 1);
    }
    r->template->root = out;
}

static void parse_pending(struct space_reader *r)
{
    for (struct space_node *node = r->pending; node && json_ok(r->doc); node = node->next)
        node->expr = parse_expr(r, node->where, node->text);
}

static void read_constraints(struct space_reader *r, const struct json_node *node)
{
    struct space *space = r->space;
    size_t count = node ? json_count(node) : 0;
    if (count > SPACE_CONSTRAINTS_MAX) {
        json_fail(node, ERR_LIMIT, "expected at most %d constraints", SPACE_CONSTRAINTS_MAX);
        return;
    }
    space->constraints = ARENA_ARRAY(space->arena, struct space_constraint, count);
    r->derived = true;
    for (size_t i = 0; i < count && json_ok(r->doc); i++) {
        const struct json_node *item = json_item(node, i);
        r->named_derived = false;
        space->constraints[i].text = arena_strdup(space->arena, json_str(item));
        if (json_ok(r->doc))
            r->template->constraints[i] = parse_expr(r, item, space->constraints[i].text);
        space->constraints[i].needs_soc = r->named_derived;
        space->constraint_count++;
    }
}

/* --- circles ---------------------------------------------------------------------------------- */

static void visit_symbol(void *ctx, uint32_t symbol);

static void visit_node(struct space_reader *r, const struct space_node *node)
{
    if (node->expr)
        space_expr_names(node->expr, visit_symbol, r);
    for (size_t i = 0; i < node->count; i++)
        visit_node(r, node->items[i]);
}

static void visit_symbol(void *ctx, uint32_t number)
{
    struct space_reader *r = ctx;
    struct space_symbol *symbol = &r->template->symbols[number];
    if (symbol->state == SPACE_DONE || symbol->kind == SPACE_DERIVED || !json_ok(r->doc))
        return;
    if (symbol->state == SPACE_OPEN) {
        const struct space_node *node =
            symbol->kind == SPACE_NAMED ? symbol->node : r->template->values[symbol->index][0];
        json_fail(node->where, ERR_CYCLE, "the value of \"%s\" depends on itself", symbol->name);
        return;
    }
    symbol->state = SPACE_OPEN;
    if (symbol->kind == SPACE_NAMED)
        visit_node(r, symbol->node);
    else
        for (size_t i = 0; i < r->space->parameters[symbol->index].value_count; i++)
            visit_node(r, r->template->values[symbol->index][i]);
    symbol->state = SPACE_DONE;
}

static void reject_circles(struct space_reader *r)
{
    for (uint32_t i = 0; i < r->template->symbol_count && json_ok(r->doc); i++)
        visit_symbol(r, i);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void count_points(struct space_reader *r, const struct json_node *root)
{
    struct space *space = r->space;
    space->point_count = 1;
    for (size_t i = 0; i < space->parameter_count; i++)
        if (!mul_size(space->point_count, space->parameters[i].value_count, &space->point_count)) {
            json_fail(root, ERR_OVERFLOW, "the space has more than 2^63 points");
            return;
        }
}

/* What the file says in one line, to tell spaces apart. */
static void print_json(const struct json_node *node, bool is_root, struct text *out)
{
    size_t count;
    switch (json_type_of(node)) {
    case JSON_NODE_NULL:
        text_add(out, "null");
        break;
    case JSON_NODE_BOOL:
        text_add(out, json_bool(node) ? "true" : "false");
        break;
    case JSON_NODE_NUMBER:
        text_printf(out, "%.17g", json_number(node, -NUMBER_MAX, NUMBER_MAX));
        break;
    case JSON_NODE_STRING:
        text_printf(out, "\"%s\"", json_str(node));
        break;
    case JSON_NODE_ARRAY:
        count = json_count(node);
        for (size_t i = 0; i < count; i++) {
            text_add(out, i ? "," : "[");
            print_json(json_item(node, i), false, out);
        }
        text_add(out, "]");
        break;
    case JSON_NODE_OBJECT:
        count = json_member_count(node);
        for (size_t i = 0; i < count; i++) {
            const char *key;
            const struct json_node *member = json_member(node, i, &key);
            if (is_root && (strcmp(key, "source") == 0 || strcmp(key, "note") == 0))
                continue;
            text_printf(out, ",\"%s\":{", key);
            print_json(member, false, out);
            text_add(out, "}");
        }
        break;
    }
}

/* From a document of its own: this one must still know which members were asked for. */
void space_hash(struct space *space, const char *text, size_t bytes)
{
    struct text printed = { 0 };
    struct json_doc *doc = json_open_text(space->file, text, bytes);
    print_json(json_root(doc), true, &printed);
    file_sha256(printed.data, printed.bytes, space->sha256);
    json_close(doc, NULL);
    text_release(&printed);
}

void space_read(struct space *space, struct json_doc *doc)
{
    const struct json_node *root = json_root(doc);
    struct space_reader r = { .doc = doc, .space = space, .names = names_new() };
    json_expect_tag(root, "space/1");
    space->name = arena_strdup(space->arena, names_read(json_get(root, "name")));
    space->source = arena_strdup(space->arena, json_get_str_or(root, "source", ""));
    space->note = arena_strdup(space->arena, json_get_str_or(root, "note", ""));
    space->parameters = ARENA_ARRAY(space->arena, struct space_parameter, SPACE_PARAMETERS_MAX);
    r.template = ARENA_ARRAY(space->arena, struct space_template, 1);
    space->templates = r.template;
    for (uint32_t i = 0; i < space_derived_count; i++)
        add_symbol(&r, space_derived_table[i].name, SPACE_DERIVED, i);
    const struct json_node *parameters = json_find(root, "parameters");
    if (parameters)
        read_parameters(&r, parameters);
    area_technology_read(json_find(root, "technology"), &space->technology);
    const struct json_node *constraints = json_find(root, "constraints");
    if (json_ok(doc))
        read_soc(&r, root);
    if (json_ok(doc))
        parse_pending(&r);
    if (json_ok(doc))
        read_constraints(&r, constraints);
    if (json_ok(doc))
        reject_circles(&r);
    if (json_ok(doc))
        count_points(&r, root);
    names_free(r.names);
}
