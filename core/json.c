#include "core/json.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/file.h"
#include "core/json_where.h"

/* A key that a reader asked for and did not find: what "did you mean" chooses from. */
struct absent {
    struct absent *next;
    const char *key;
};

/* Children of an array or object, made when it is first looked into. */
struct branch {
    struct branch *next; /* visited objects, in order of the first visit */
    const struct json_node *node;
    size_t count;
    const char **keys; /* NULL for arrays */
    json_t **values;
    const struct json_node **children; /* NULL until asked for */
    bool *read;
    struct absent *absent;
};

struct json_node {
    struct json_doc *doc;
    const struct json_node *parent; /* NULL for the root */
    const json_t *value;            /* NULL for the empty node */
    size_t index;                   /* among the parent's children */
    struct branch **branch;         /* *branch is NULL until looked into */
};

struct json_doc {
    struct arena *arena;
    char *text;
    size_t bytes;
    const char *name;
    char sha256[65];
    json_t *tree;
    struct json_node empty;
    const struct json_node *root;
    struct branch *visited, **visited_end;
    struct absent *interned; /* one copy of every absent key */
    struct err err;
};

/* Places and paths */

static size_t depth_of(const struct json_node *node)
{
    size_t depth = 0;
    for (; node->parent; node = node->parent)
        depth++;
    return depth;
}

static void write_path(const struct json_node *node, char *path, size_t size)
{
    if (!node->parent) {
        snprintf(path, size, "$");
        return;
    }
    write_path(node->parent, path, size);
    size_t used = strlen(path);
    const struct branch *branch = *node->parent->branch;
    if (branch->keys)
        json_path_add_key(path + used, size - used, branch->keys[node->index]);
    else
        snprintf(path + used, size - used, "[%zu]", node->index);
}

/* Gives the recorded error the place of `node`, or of its key. */
static void set_place(struct json_doc *doc, const struct json_node *node, bool of_key)
{
    size_t depth = depth_of(node);
    size_t *steps = mem_alloc(depth, sizeof *steps);
    size_t at = depth;
    for (const struct json_node *n = node; n->parent; n = n->parent)
        steps[--at] = n->index;
    struct json_place place = json_where(doc->text, doc->bytes, steps, depth, of_key);
    free(steps);
    err_in_file(&doc->err, doc->name, place.line, place.column);
    write_path(node, doc->err.path, sizeof doc->err.path);
}

void json_fail(const struct json_node *node, enum err_code code, const char *format, ...)
{
    struct json_doc *doc = node->doc;
    if (doc->err.code != ERR_OK)
        return;
    va_list args;
    va_start(args, format);
    err_vset(&doc->err, code, format, args);
    va_end(args);
    set_place(doc, node, false);
}

void json_fail_err(const struct json_node *node, const struct err *err)
{
    struct json_doc *doc = node->doc;
    if (doc->err.code != ERR_OK || err->code == ERR_OK)
        return;
    doc->err = *err;
    if (err->file[0] == '\0')
        set_place(doc, node, false);
}

/* Documents */

/* Our sentence for jansson's codes; the others are plain syntax errors. */
static const struct {
    enum json_error_code given;
    enum err_code code;
    const char *sentence;
} parse_errors[] = {
    { json_error_duplicate_key, ERR_KEY, "a key is given twice" },
    { json_error_stack_overflow, ERR_LIMIT, "nested too deeply" },
    { json_error_numeric_overflow, ERR_RANGE, "a number is too large" },
    { json_error_invalid_utf8, ERR_SYNTAX, "not UTF-8" },
    { json_error_null_character, ERR_SYNTAX, "a string holds a NUL character" },
};

static const char *sentence_for(enum json_error_code given, enum err_code *code)
{
    for (size_t i = 0; i < sizeof parse_errors / sizeof parse_errors[0]; i++) {
        if (parse_errors[i].given == given) {
            *code = parse_errors[i].code;
            return parse_errors[i].sentence;
        }
    }
    *code = ERR_SYNTAX;
    return "not well-formed JSON";
}

static const struct json_node *node_new(struct json_doc *doc, const struct json_node *parent,
                                        const json_t *value, size_t index)
{
    struct json_node *node = ARENA_ARRAY(doc->arena, struct json_node, 1);
    node->doc = doc;
    node->parent = parent;
    node->value = value;
    node->index = index;
    if (json_is_object(value) || json_is_array(value))
        node->branch = ARENA_ARRAY(doc->arena, struct branch *, 1);
    return node;
}

static void parse(struct json_doc *doc)
{
    json_error_t error;
    doc->tree = json_loadb(doc->text, doc->bytes, JSON_REJECT_DUPLICATES, &error);
    if (doc->tree) {
        doc->root = node_new(doc, NULL, doc->tree, 0);
        return;
    }
    enum err_code code;
    const char *sentence = sentence_for(json_error_code(&error), &code);
    err_set(&doc->err, code, "%s: %s", sentence, error.text);
    err_in_file(&doc->err, doc->name, error.line, error.column);
}

static struct json_doc *doc_new(const char *name)
{
    struct json_doc *doc = mem_alloc(1, sizeof *doc);
    doc->arena = arena_new();
    doc->name = arena_strdup(doc->arena, name);
    doc->empty.doc = doc;
    doc->root = &doc->empty;
    doc->visited_end = &doc->visited;
    return doc;
}

struct json_doc *json_open(const char *file)
{
    struct json_doc *doc = doc_new(file);
    if (file_read(file, &doc->text, &doc->bytes, &doc->err) == ERR_OK)
        parse(doc);
    return doc;
}

struct json_doc *json_open_text(const char *name, const char *text, size_t bytes)
{
    struct json_doc *doc = doc_new(name);
    doc->text = mem_alloc(bytes + 1, 1);
    memcpy(doc->text, text, bytes);
    doc->bytes = bytes;
    parse(doc);
    return doc;
}

bool json_ok(const struct json_doc *doc)
{
    return doc->err.code == ERR_OK;
}

const char *json_sha256(const struct json_doc *doc)
{
    struct json_doc *mutable_doc = (struct json_doc *)doc; /* a cache */
    if (doc->sha256[0] == '\0')
        file_sha256(doc->text ? doc->text : "", doc->bytes, mutable_doc->sha256);
    return doc->sha256;
}

const struct json_node *json_root(struct json_doc *doc)
{
    return doc->root;
}

static const struct json_node *child_at(const struct json_node *parent, size_t i)
{
    struct branch *branch = *parent->branch;
    if (!branch->children[i])
        branch->children[i] = node_new(parent->doc, parent, branch->values[i], i);
    return branch->children[i];
}

/* The member `i` of an object that nobody asked for. */
static void fail_unknown_key(const struct branch *branch, size_t i)
{
    struct json_doc *doc = branch->node->doc;
    const char *key = branch->keys[i];
    size_t count = 0;
    for (const struct absent *a = branch->absent; a; a = a->next)
        count++;
    const char **names = mem_alloc(count, sizeof *names);
    size_t at = count;
    for (const struct absent *a = branch->absent; a; a = a->next)
        names[--at] = a->key; /* in the order they were asked for */
    const char *near = json_nearest(key, names, count);
    if (near)
        err_set(&doc->err, ERR_KEY, "unknown key \"%s\"; did you mean \"%s\"?", key, near);
    else
        err_set(&doc->err, ERR_KEY, "unknown key \"%s\"", key);
    free(names);
    set_place(doc, child_at(branch->node, i), true);
}

static void check_all_read(struct json_doc *doc)
{
    for (const struct branch *branch = doc->visited; branch; branch = branch->next) {
        for (size_t i = 0; i < branch->count; i++) {
            if (!branch->read[i]) {
                fail_unknown_key(branch, i);
                return;
            }
        }
    }
}

enum err_code json_close(struct json_doc *doc, struct err *err)
{
    if (doc->err.code == ERR_OK)
        check_all_read(doc);
    enum err_code rc = doc->err.code;
    if (err && err->code == ERR_OK && rc != ERR_OK)
        *err = doc->err;
    json_decref(doc->tree);
    arena_free(doc->arena);
    free(doc->text);
    free(doc);
    return rc;
}

/* Types */

static bool is_empty(const struct json_node *node)
{
    return !node->value || node->doc->err.code != ERR_OK;
}

enum json_type json_type_of(const struct json_node *node)
{
    if (is_empty(node))
        return JSON_NODE_NULL;
    switch (json_typeof(node->value)) {
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_NODE_BOOL;
    case JSON_INTEGER:
    case JSON_REAL:
        return JSON_NODE_NUMBER;
    case JSON_STRING:
        return JSON_NODE_STRING;
    case JSON_ARRAY:
        return JSON_NODE_ARRAY;
    case JSON_OBJECT:
        return JSON_NODE_OBJECT;
    default:
        return JSON_NODE_NULL;
    }
}

#define SHOWN_MAX 48

/* "a string "x"", "4096", "an array": what was found, for messages. */
static const char *describe(const struct json_node *node, char buf[SHOWN_MAX + 32])
{
    const size_t size = SHOWN_MAX + 32;
    const json_t *value = node->value;
    switch (json_typeof(value)) {
    case JSON_STRING: {
        const char *text = json_string_value(value);
        int shown = (int)strnlen(text, SHOWN_MAX);
        while (text[shown] && ((unsigned char)text[shown] & 0xc0) == 0x80)
            shown--;
        snprintf(buf, size, "a string \"%.*s%s\"", shown, text, text[shown] ? "…" : "");
        break;
    }
    case JSON_INTEGER:
        snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(buf, size, "%.15g", json_real_value(value));
        break;
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return buf;
}

static void fail_type(const struct json_node *node, const char *expected)
{
    char got[SHOWN_MAX + 32];
    json_fail(node, ERR_TYPE, "expected %s, got %s", expected, describe(node, got));
}

/* Objects */

static struct branch *branch_new(const struct json_node *node, size_t count)
{
    struct arena *arena = node->doc->arena;
    struct branch *branch = ARENA_ARRAY(arena, struct branch, 1);
    branch->node = node;
    branch->count = count;
    branch->values = ARENA_ARRAY(arena, json_t *, count);
    branch->children = ARENA_ARRAY(arena, const struct json_node *, count);
    *node->branch = branch;
    return branch;
}

/* NULL, with an error, if the node is no object; NULL if the document has failed. */
static struct branch *object_branch(const struct json_node *node)
{
    struct json_doc *doc = node->doc;
    if (is_empty(node))
        return NULL;
    if (!json_is_object(node->value)) {
        fail_type(node, "an object");
        return NULL;
    }
    if (*node->branch)
        return *node->branch;
    json_t *object = (json_t *)node->value; /* jansson iterates over mutable objects only */
    struct branch *branch = branch_new(node, json_object_size(object));
    branch->keys = ARENA_ARRAY(doc->arena, const char *, branch->count);
    branch->read = ARENA_ARRAY(doc->arena, bool, branch->count);
    size_t i = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        branch->keys[i] = key;
        branch->values[i++] = value;
    }
    *doc->visited_end = branch;
    doc->visited_end = &branch->next;
    return branch;
}

static const char *intern(struct json_doc *doc, const char *key)
{
    for (const struct absent *a = doc->interned; a; a = a->next) {
        if (strcmp(a->key, key) == 0)
            return a->key;
    }
    struct absent *added = ARENA_ARRAY(doc->arena, struct absent, 1);
    *added = (struct absent){ doc->interned, arena_strdup(doc->arena, key) };
    doc->interned = added;
    return added->key;
}

static void remember_absent(struct json_doc *doc, struct branch *branch, const char *key)
{
    struct absent *absent = ARENA_ARRAY(doc->arena, struct absent, 1);
    *absent = (struct absent){ branch->absent, intern(doc, key) };
    branch->absent = absent;
}

const struct json_node *json_find(const struct json_node *object, const char *key)
{
    struct branch *branch = object_branch(object);
    if (!branch)
        return NULL;
    for (size_t i = 0; i < branch->count; i++) {
        if (strcmp(branch->keys[i], key) == 0) {
            branch->read[i] = true;
            return child_at(object, i);
        }
    }
    remember_absent(object->doc, branch, key);
    return NULL;
}

/* A misspelt key is the likelier reason: then that place and that sentence. */
static void fail_missing_key(const struct json_node *object, const char *key)
{
    const struct branch *branch = *object->branch;
    for (size_t i = 0; i < branch->count; i++) {
        if (!branch->read[i] && json_nearest(branch->keys[i], &key, 1)) {
            err_set(&object->doc->err, ERR_KEY, "unknown key \"%s\"; did you mean \"%s\"?",
                    branch->keys[i], key);
            set_place(object->doc, child_at(object, i), true);
            return;
        }
    }
    json_fail(object, ERR_KEY, "expected a member \"%s\"", key);
}

const struct json_node *json_get(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_find(object, key);
    if (node)
        return node;
    if (!is_empty(object))
        fail_missing_key(object, key);
    return &object->doc->empty;
}

size_t json_member_count(const struct json_node *object)
{
    const struct branch *branch = object_branch(object);
    return branch ? branch->count : 0;
}

const struct json_node *json_member(const struct json_node *object, size_t i, const char **key)
{
    struct branch *branch = object_branch(object);
    if (!branch) {
        *key = "";
        return &object->doc->empty;
    }
    assert(i < branch->count);
    memset(branch->read, true, branch->count);
    *key = branch->keys[i];
    return child_at(object, i);
}

void json_expect_tag(const struct json_node *root, const char *tag)
{
    const struct json_node *node = json_get(root, "socweave");
    const char *got = json_str(node);
    if (strcmp(got, tag) != 0)
        json_fail(node, ERR_VALUE, "expected \"%s\", got \"%.*s\"", tag, SHOWN_MAX, got);
}

/* Arrays */

static struct branch *array_branch(const struct json_node *node)
{
    if (is_empty(node))
        return NULL;
    if (!json_is_array(node->value)) {
        fail_type(node, "an array");
        return NULL;
    }
    if (*node->branch)
        return *node->branch;
    struct branch *branch = branch_new(node, json_array_size(node->value));
    for (size_t i = 0; i < branch->count; i++)
        branch->values[i] = json_array_get(node->value, i);
    return branch;
}

size_t json_count(const struct json_node *array)
{
    const struct branch *branch = array_branch(array);
    return branch ? branch->count : 0;
}

const struct json_node *json_item(const struct json_node *array, size_t i)
{
    const struct branch *branch = array_branch(array);
    if (!branch)
        return &array->doc->empty;
    assert(i < branch->count);
    return child_at(array, i);
}

/* Values */

bool json_bool(const struct json_node *node)
{
    if (is_empty(node))
        return false;
    if (!json_is_boolean(node->value))
        fail_type(node, "true or false");
    return json_is_true(node->value);
}

static void fail_int_range(const struct json_node *node, int64_t low, int64_t high)
{
    char got[SHOWN_MAX + 32];
    json_fail(node, ERR_RANGE, "expected %" PRId64 "..%" PRId64 ", got %s", low, high,
              describe(node, got));
}

/* The value of 24e6 and the like. Doubles above 2^53 are no longer exact. */
static int64_t whole_real(const struct json_node *node, int64_t low, int64_t high)
{
    double value = json_real_value(node->value);
    if (value != floor(value)) {
        fail_type(node, "a whole number");
        return 0;
    }
    if (value < (double)low || value > (double)high) {
        fail_int_range(node, low, high);
        return 0;
    }
    if (fabs(value) > 0x1p53) {
        json_fail(node, ERR_RANGE, "expected a whole number above 2^53 without point and exponent");
        return 0;
    }
    return (int64_t)value;
}

int64_t json_int(const struct json_node *node, int64_t low, int64_t high)
{
    if (is_empty(node))
        return 0;
    if (json_is_real(node->value))
        return whole_real(node, low, high);
    if (!json_is_integer(node->value)) {
        fail_type(node, "a number");
        return 0;
    }
    int64_t value = json_integer_value(node->value);
    if (value < low || value > high) {
        fail_int_range(node, low, high);
        return 0;
    }
    return value;
}

double json_number(const struct json_node *node, double low, double high)
{
    if (is_empty(node))
        return 0;
    if (!json_is_number(node->value)) {
        fail_type(node, "a number");
        return 0;
    }
    double value = json_number_value(node->value);
    if (!(value >= low && value <= high)) {
        char got[SHOWN_MAX + 32];
        json_fail(node, ERR_RANGE, "expected %g..%g, got %s", low, high, describe(node, got));
        return 0;
    }
    return value;
}

/* C0, DEL and C1: they have no business in a name and would reach terminals. */
static bool has_control_characters(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
            return true;
    }
    return false;
}

const char *json_str(const struct json_node *node)
{
    if (is_empty(node))
        return "";
    if (!json_is_string(node->value)) {
        fail_type(node, "a string");
        return "";
    }
    const char *text = json_string_value(node->value);
    if (text[0] == '\0') {
        json_fail(node, ERR_VALUE, "expected a string that is not empty");
        return "";
    }
    if (has_control_characters(text)) {
        json_fail(node, ERR_VALUE, "expected a string without control characters");
        return "";
    }
    return text;
}

/* Longer lists are cut: the suggestion says what matters. */
#define LISTED_MAX 24

static void list_names(char *list, size_t size, const char *const *names, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count && used < size; i++) {
        if (i == LISTED_MAX) {
            snprintf(list + used, size - used, ", …");
            break;
        }
        used += (size_t)snprintf(list + used, size - used, "%s\"%s\"", i ? ", " : "", names[i]);
    }
}

size_t json_enum(const struct json_node *node, const char *const *names, size_t count)
{
    const char *given = json_str(node);
    if (is_empty(node))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(given, names[i]) == 0)
            return i;
    }
    char got[SHOWN_MAX + 32], list[512] = "";
    list_names(list, sizeof list, names, count);
    const char *near = json_nearest(given, names, count);
    const char *got_text = describe(node, got) + strlen("a string ");
    if (near)
        json_fail(node, ERR_VALUE, "expected %s%s, got %s; did you mean \"%s\"?",
                  count > 1 ? "one of " : "", list, got_text, near);
    else
        json_fail(node, ERR_VALUE, "expected %s%s, got %s", count > 1 ? "one of " : "", list,
                  got_text);
    return 0;
}

/* Member and value in one */

bool json_get_bool_or(const struct json_node *object, const char *key, bool fallback)
{
    const struct json_node *node = json_find(object, key);
    return node ? json_bool(node) : fallback;
}

int64_t json_get_int(const struct json_node *object, const char *key, int64_t low, int64_t high)
{
    return json_int(json_get(object, key), low, high);
}

int64_t json_get_int_or(const struct json_node *object, const char *key, int64_t low, int64_t high,
                        int64_t fallback)
{
    const struct json_node *node = json_find(object, key);
    return node ? json_int(node, low, high) : fallback;
}

double json_get_real(const struct json_node *object, const char *key, double low, double high)
{
    return json_number(json_get(object, key), low, high);
}

double json_get_real_or(const struct json_node *object, const char *key, double low, double high,
                        double fallback)
{
    const struct json_node *node = json_find(object, key);
    return node ? json_number(node, low, high) : fallback;
}

const char *json_get_str(const struct json_node *object, const char *key)
{
    return json_str(json_get(object, key));
}

const char *json_get_str_or(const struct json_node *object, const char *key, const char *fallback)
{
    const struct json_node *node = json_find(object, key);
    return node ? json_str(node) : fallback;
}

/* Suggestions */

#define NEAREST_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edits of one character, a swap of neighbours counting as one (optimal string alignment). */
static size_t edit_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t substituted = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, substituted);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b_length];
}

const char *json_nearest(const char *given, const char *const *names, size_t count)
{
    size_t length = strlen(given);
    if (length == 0 || length > NEAREST_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_distance = length / 3 + 2; /* one edit in a short word, a third of a long one */
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) > NEAREST_MAX)
            continue;
        size_t distance = edit_distance(given, names[i]);
        if (distance < best_distance && distance < strlen(names[i])) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
