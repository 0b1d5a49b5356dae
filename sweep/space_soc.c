/* The SoC file of a point. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/space_template.h"

/* --- names and expressions -------------------------------------------------------------------- */

static enum err_code named_scalar(const struct space_context *c, const struct space_node *node,
                                  const char *name, struct space_scalar *out, struct err *err)
{
    switch (node->kind) {
    case SPACE_NUMBER:
        *out = (struct space_scalar){ .number = node->number };
        return ERR_OK;
    case SPACE_TEXT:
        *out = (struct space_scalar){ .text = node->text };
        return ERR_OK;
    case SPACE_EXPR:
        return space_value_of(c, node->expr, out, err);
    default:
        return err_set(err, ERR_TYPE, "\"%s\" is neither a number nor a string here", name);
    }
}

enum err_code space_scalar_of(const struct space_context *c, uint32_t number,
                              struct space_scalar *out, struct err *err)
{
    const struct space_template *t = c->space->templates;
    const struct space_symbol *symbol = &t->symbols[number];
    switch (symbol->kind) {
    case SPACE_NAMED:
        return named_scalar(c, symbol->node, symbol->name, out, err);
    case SPACE_PARAMETER:
        return named_scalar(c, t->values[symbol->index][c->choices[symbol->index]], symbol->name,
                            out, err);
    default:
        assert(c->soc);
        *out = (struct space_scalar){
            .number = space_derived_table[symbol->index].value(c->soc, c->area),
        };
        return ERR_OK;
    }
}

static enum err_code value_by_name(void *ctx, uint32_t name, struct space_scalar *out,
                                   struct err *err)
{
    return space_scalar_of(ctx, name, out, err);
}

enum err_code space_value_of(const struct space_context *c, const struct space_expr *expr,
                             struct space_scalar *out, struct err *err)
{
    const struct space_values values = { (void *)c, value_by_name };
    return space_expr_value(expr, &values, out, err);
}

/* --- choices taken ---------------------------------------------------------------------------- */

struct resolver {
    struct space_context context;
    struct arena *arena;
    struct err *err;
    const struct json_node *blamed; /* where the error is, if it is at one place */
};

static struct space_node *node_new(struct resolver *r, enum space_node_kind kind,
                                   const struct json_node *where)
{
    struct space_node *node = ARENA_ARRAY(r->arena, struct space_node, 1);
    node->kind = kind;
    node->where = where;
    return node;
}

static struct space_node *text_node(struct resolver *r, const char *text)
{
    struct space_node *node = node_new(r, SPACE_TEXT, NULL);
    node->text = text;
    return node;
}

static struct space_node *number_node(struct resolver *r, double number)
{
    struct space_node *node = node_new(r, SPACE_NUMBER, NULL);
    node->number = number;
    return node;
}

static struct space_node *expr_node(struct resolver *r, const struct space_node *node)
{
    struct space_scalar value;
    r->blamed = node->where;
    if (space_value_of(&r->context, node->expr, &value, r->err) != ERR_OK)
        return NULL;
    if (!value.text && !isfinite(value.number)) {
        err_set(r->err, ERR_RANGE, "\"%.200s\" is not a finite number", node->text);
        return NULL;
    }
    struct space_node *out = node_new(r, value.text ? SPACE_TEXT : SPACE_NUMBER, node->where);
    out->text = value.text;
    out->number = value.number;
    return out;
}

static struct space_node *resolve(struct resolver *r, const struct space_node *node);

static struct space_node *case_node(struct resolver *r, const struct space_node *node)
{
    struct space_scalar value;
    char number[32];
    r->blamed = node->where;
    if (space_value_of(&r->context, node->expr, &value, r->err) != ERR_OK)
        return NULL;
    snprintf(number, sizeof number, "%.15g", value.number);
    const char *wanted = value.text ? value.text : number;
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->keys[i], wanted) == 0)
            return resolve(r, node->items[i]);
    err_set(r->err, ERR_REFERENCE, "there is no case \"%.100s\" of \"%.100s\"", wanted, node->text);
    return NULL;
}

static struct space_node *resolve(struct resolver *r, const struct space_node *node)
{
    const struct space_template *t = r->context.space->templates;
    switch (node->kind) {
    case SPACE_CHOICE:
        return resolve(r, t->values[node->parameter][r->context.choices[node->parameter]]);
    case SPACE_EXPR:
        return expr_node(r, node);
    case SPACE_CASE:
        return case_node(r, node);
    default:
        break;
    }
    struct space_node *out = ARENA_ARRAY(r->arena, struct space_node, 1);
    *out = *node;
    out->items = ARENA_ARRAY(r->arena, struct space_node *, node->count);
    for (size_t i = 0; i < node->count; i++)
        if (!(out->items[i] = resolve(r, node->items[i])))
            return NULL;
    return out;
}

static struct space_node *member(const struct space_node *object, const char *key)
{
    for (size_t i = 0; object->kind == SPACE_OBJECT && i < object->count; i++)
        if (strcmp(object->keys[i], key) == 0)
            return object->items[i];
    return NULL;
}

static void put_member(struct resolver *r, struct space_node *object, const char *key,
                       struct space_node *value)
{
    const char **keys = ARENA_ARRAY(r->arena, const char *, object->count + 1);
    struct space_node **items = ARENA_ARRAY(r->arena, struct space_node *, object->count + 1);
    size_t at = 0;
    while (at < object->count && strcmp(object->keys[at], key) != 0)
        at++;
    for (size_t i = 0; i < object->count; i++) {
        keys[i] = object->keys[i];
        items[i] = object->items[i];
    }
    keys[at] = key;
    items[at] = value;
    object->count += at == object->count;
    object->keys = keys;
    object->items = items;
}

/* --- places ----------------------------------------------------------------------------------- */

/* Places of the network and which of them are taken; those of "links" go by name. */
struct places {
    size_t count, columns;          /* columns 0: no mesh */
    const struct space_node *names; /* of topology "links", else NULL */
    bool *taken;
};

static size_t whole_member(const struct space_node *object, const char *key)
{
    const struct space_node *node = member(object, key);
    return node && node->kind == SPACE_NUMBER && node->number >= 1 && node->number <= SOC_PLACES_MAX
               ? (size_t)node->number
               : 0;
}

static struct places list_places(struct resolver *r, const struct space_node *root)
{
    struct places places = { 0 };
    const struct space_node *network = member(root, "network");
    const struct space_node *names = network ? member(network, "places") : NULL;
    if (!network)
        return places;
    places.columns = whole_member(network, "columns");
    if (names && names->kind == SPACE_ARRAY) {
        places.names = names;
        places.count = names->count;
    } else {
        places.count = places.columns ? places.columns * whole_member(network, "rows")
                                      : whole_member(network, "places");
    }
    places.taken = ARENA_ARRAY(r->arena, bool, places.count);
    return places;
}

static size_t place_number(const struct places *places, const struct space_node *place)
{
    if (place->kind == SPACE_NUMBER)
        return place->number >= 0 ? (size_t)place->number : SIZE_MAX;
    if (place->kind == SPACE_ARRAY && place->count == 2 && place->items[0]->kind == SPACE_NUMBER &&
        place->items[1]->kind == SPACE_NUMBER)
        return (size_t)place->items[0]->number + places->columns * (size_t)place->items[1]->number;
    for (size_t i = 0; place->kind == SPACE_TEXT && places->names && i < places->names->count; i++)
        if (places->names->items[i]->kind == SPACE_TEXT &&
            strcmp(places->names->items[i]->text, place->text) == 0)
            return i;
    return SIZE_MAX;
}

static void take_place(struct places *places, const struct space_node *place)
{
    size_t number = place_number(places, place);
    if (number < places->count)
        places->taken[number] = true;
}

static bool is_next(const struct space_node *place)
{
    return place && place->kind == SPACE_TEXT && strcmp(place->text, "next") == 0;
}

/* The lowest place where nothing stands; NULL, ERR_INFEASIBLE if there is none. */
static struct space_node *next_place(struct resolver *r, struct places *places)
{
    size_t at = 0;
    while (at < places->count && places->taken[at])
        at++;
    if (at == places->count) {
        err_set(r->err, ERR_INFEASIBLE, "all %zu places are taken, and something wants the next",
                places->count);
        return NULL;
    }
    places->taken[at] = true;
    if (places->names)
        return text_node(r, places->names->items[at]->text);
    if (!places->columns)
        return number_node(r, (double)at);
    struct space_node *pair = node_new(r, SPACE_ARRAY, NULL);
    pair->count = 2;
    pair->items = ARENA_ARRAY(r->arena, struct space_node *, 2);
    pair->items[0] = number_node(r, (double)(at % places->columns));
    pair->items[1] = number_node(r, (double)(at / places->columns));
    return pair;
}

/* Accelerators and channels that name their places come first, wherever they stand in the file. */
static void take_named_places(struct places *places, const struct space_node *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct space_node *place = member(list->items[i], "place");
        const struct space_node *several = member(list->items[i], "places");
        if (place && !is_next(place))
            take_place(places, place);
        for (size_t k = 0; several && several->kind == SPACE_ARRAY && k < several->count; k++)
            take_place(places, several->items[k]);
    }
}

/* How many an entry stands for; SIZE_MAX where it has no count, or none that the loader takes. */
static size_t count_of(const struct space_node *entry)
{
    const struct space_node *count = member(entry, "count");
    bool whole = count && count->kind == SPACE_NUMBER && count->number >= 0 &&
                 count->number <= SOC_ACCELERATORS_MAX && count->number == floor(count->number);
    return whole ? (size_t)count->number : SIZE_MAX;
}

/* Entries with a count of 0 go, and so do places beyond a count. */
static void trim(struct space_node *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct space_node *entry = list->items[i], *places = member(entry, "places");
        size_t count = count_of(entry);
        if (count == 0)
            continue;
        if (places && places->kind == SPACE_ARRAY && places->count > count)
            places->count = count;
        list->items[kept++] = entry;
    }
    list->count = kept;
}

/* "place": "next" of an entry, of one or of several; false if there are too few. */
static bool place_entry(struct resolver *r, struct places *places, struct space_node *entry)
{
    if (!is_next(member(entry, "place")))
        return true;
    size_t count = count_of(entry), at = 0;
    while (strcmp(entry->keys[at], "place") != 0)
        at++;
    if (count == SIZE_MAX)
        return (entry->items[at] = next_place(r, places)) != NULL;
    struct space_node *list = node_new(r, SPACE_ARRAY, entry->where);
    list->count = count;
    list->items = ARENA_ARRAY(r->arena, struct space_node *, count);
    for (size_t i = 0; i < count; i++)
        if (!(list->items[i] = next_place(r, places)))
            return false;
    const char **keys = ARENA_ARRAY(r->arena, const char *, entry->count);
    memcpy(keys, entry->keys, entry->count * sizeof *keys);
    keys[at] = "places";
    entry->keys = keys; /* they were the template's */
    entry->items[at] = list;
    return true;
}

static bool place_all(struct resolver *r, struct space_node *root)
{
    struct places places = list_places(r, root);
    struct space_node *lists[] = { member(root, "accelerators"), member(root, "memory") };
    for (size_t i = 0; i < 2; i++) {
        if (!lists[i] || lists[i]->kind != SPACE_ARRAY)
            return true; /* the loader of SoCs says what is wrong */
        trim(lists[i]);
        take_named_places(&places, lists[i]);
    }
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < lists[i]->count; k++)
            if (!place_entry(r, &places, lists[i]->items[k]))
                return false;
    return true;
}

struct space_node *space_resolve(const struct space *space, const uint32_t *choices, uint64_t point,
                                 struct arena *arena, const struct json_node **blamed,
                                 struct err *err)
{
    struct resolver r = { { space, choices, NULL, NULL }, arena, err, NULL };
    struct space_node *root = resolve(&r, space->templates->root);
    if (blamed)
        *blamed = root ? NULL : r.blamed;
    if (!root || !place_all(&r, root))
        return NULL;
    struct space_node *out = node_new(&r, SPACE_OBJECT, root->where);
    char *parameters = space_point_text(space, point);
    put_member(&r, out, "socweave", text_node(&r, "soc/1"));
    put_member(&r, out, "name",
               text_node(&r, arena_printf(arena, "%.150s#%" PRIu64, space->name, point)));
    if (*parameters)
        put_member(&r, out, "note", text_node(&r, arena_strdup(arena, parameters)));
    for (size_t i = 0; i < root->count; i++)
        put_member(&r, out, root->keys[i], root->items[i]);
    free(parameters);
    return out;
}

/* --- text ------------------------------------------------------------------------------------- */

#define WHOLE_MAX 0x1p63

static void write_number(struct json_out *json, const char *key, double number)
{
    if (number == floor(number) && fabs(number) < WHOLE_MAX)
        json_out_i64(json, key, (int64_t)number);
    else
        json_out_real(json, key, number);
}

static bool is_flat(const struct space_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        if (node->items[i]->kind >= SPACE_ARRAY)
            return false;
    return true;
}

/* Choices and expressions, where they are left, as their text. */
static void write_node(struct json_out *json, const char *key, const struct space_node *node,
                       bool inline_)
{
    switch (node->kind) {
    case SPACE_NULL:
        json_out_null(json, key);
        break;
    case SPACE_BOOL:
        json_out_bool(json, key, node->boolean);
        break;
    case SPACE_NUMBER:
        write_number(json, key, node->number);
        break;
    case SPACE_ARRAY:
        json_out_array(json, key, inline_ || is_flat(node));
        for (size_t i = 0; i < node->count; i++)
            write_node(json, NULL, node->items[i], inline_);
        json_out_end(json);
        break;
    case SPACE_OBJECT:
        json_out_object(json, key, inline_ || is_flat(node));
        for (size_t i = 0; i < node->count; i++)
            write_node(json, node->keys[i], node->items[i], inline_);
        json_out_end(json);
        break;
    default:
        json_out_str(json, key, node->text ? node->text : "");
    }
}

void space_print(const struct space_node *node, struct text *out)
{
    struct json_out json;
    json_out_init(&json, out);
    write_node(&json, NULL, node, true);
    while (out->bytes > 0 && out->data[out->bytes - 1] == '\n')
        out->data[--out->bytes] = '\0';
}

enum err_code space_soc_text(const struct space *space, uint64_t point, struct text *out,
                             struct err *err)
{
    struct err own = ERR_INIT;
    struct arena *arena = arena_new();
    uint32_t choices[SPACE_PARAMETERS_MAX];
    space_choices(space, point, choices);
    const struct space_node *root = space_resolve(space, choices, point, arena, NULL, &own);
    if (root) {
        struct json_out json;
        json_out_init(&json, out);
        write_node(&json, NULL, root, false);
    }
    arena_free(arena);
    if (own.code == ERR_OK)
        return ERR_OK;
    err_in_file(&own, space->file, 0, 0);
    if (err && err->code == ERR_OK)
        *err = own;
    return own.code;
}

/* One step of a path, `.key`, `["key"]` or `[3]`, is left in *path. NULL: no such child. */
static const struct space_node *step(const struct space_node *node, const char **path)
{
    const char *at = *path;
    if (*at == '[' && at[1] != '"') {
        size_t i = strtoull(at + 1, NULL, 10);
        const char *end = strchr(at, ']');
        if (!end || node->kind != SPACE_ARRAY || i >= node->count)
            return NULL;
        *path = end + 1;
        return node->items[i];
    }
    at += *at == '.' ? 1 : 2;
    for (size_t i = 0; node->kind == SPACE_OBJECT && i < node->count; i++) {
        size_t bytes = strlen(node->keys[i]);
        if (strncmp(at, node->keys[i], bytes) == 0 && (!at[bytes] || strchr(".[\"", at[bytes]))) {
            *path = at + bytes + (at[bytes] == '"' ? 2 : 0);
            return node->items[i];
        }
    }
    return NULL;
}

const struct space_node *space_node_at(const struct space_node *root, const char *path)
{
    const struct space_node *node = root, *found = root;
    const char *at = *path == '$' ? path + 1 : path;
    while (*at && node) {
        node = step(node, &at);
        found = node && node->where ? node : found;
    }
    return found;
}
