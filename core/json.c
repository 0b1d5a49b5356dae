#include "core/json_tree.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/file.h"
#include "core/json_where.h"

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
    const struct json_branch *branch = *node->parent->branch;
    if (branch->keys)
        json_path_add_key(path + used, size - used, branch->keys[node->index]);
    else
        snprintf(path + used, size - used, "[%zu]", node->index);
}

/* A path that filled its buffer ends in whole characters and an ellipsis. */
static void mark_cut_path(char *path, size_t size)
{
    const char ellipsis[] = "…";
    if (strlen(path) + 1 < size)
        return;
    size_t at = size - sizeof ellipsis;
    while (((unsigned char)path[at] & 0xc0) == 0x80)
        at--;
    memcpy(path + at, ellipsis, sizeof ellipsis);
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
    mark_cut_path(doc->err.path, sizeof doc->err.path);
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

/* Where we say more than jansson does. */
static const struct {
    enum json_error_code given;
    enum err_code code;
    const char *sentence;
} parse_errors[] = {
    { json_error_duplicate_key, ERR_KEY, "a key is given twice" },
    { json_error_stack_overflow, ERR_LIMIT, "expected at most 2048 levels of nesting" },
    { json_error_numeric_overflow, ERR_RANGE, "a number is too large" },
    { json_error_invalid_utf8, ERR_SYNTAX, "the text is not UTF-8" },
    { json_error_null_character, ERR_SYNTAX, "a string holds a NUL character" },
};

static void set_parse_error(struct err *err, const json_error_t *error)
{
    const char *near = strstr(error->text, " near ");
    for (size_t i = 0; i < sizeof parse_errors / sizeof parse_errors[0]; i++)
        if (parse_errors[i].given == json_error_code(error))
            err_set(err, parse_errors[i].code, "%s%s", parse_errors[i].sentence, near ? near : "");
    err_set(err, ERR_SYNTAX, "not well-formed JSON: %s", error->text);
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
        node->branch = ARENA_ARRAY(doc->arena, struct json_branch *, 1);
    return node;
}

static void parse(struct json_doc *doc)
{
    json_error_t error;
    if (doc->bytes >= 3 && memcmp(doc->text, "\xef\xbb\xbf", 3) == 0) {
        err_set(&doc->err, ERR_SYNTAX, "expected UTF-8 without a byte order mark");
        err_in_file(&doc->err, doc->name, 1, 1);
        return;
    }
    doc->tree = json_loadb(doc->text, doc->bytes, JSON_REJECT_DUPLICATES, &error);
    if (doc->tree) {
        doc->root = node_new(doc, NULL, doc->tree, 0);
        return;
    }
    set_parse_error(&doc->err, &error);
    err_in_file(&doc->err, doc->name, error.line, error.column > 0 ? error.column : 1);
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
    struct json_branch *branch = *parent->branch;
    if (!branch->children[i])
        branch->children[i] = node_new(parent->doc, parent, branch->values[i], i);
    return branch->children[i];
}

/* The nearest of the keys that were asked for in vain. */
static const char *nearest_absent(const struct json_branch *branch, const char *key)
{
    size_t count = 0;
    for (const struct json_absent *a = branch->absent; a; a = a->next)
        count++;
    const char **names = mem_alloc(count, sizeof *names);
    size_t at = count;
    for (const struct json_absent *a = branch->absent; a; a = a->next)
        names[--at] = a->key; /* in the order they were asked for */
    const char *near = json_nearest(key, names, count);
    free(names);
    return near;
}

static void fail_unknown_key(const struct json_branch *branch, size_t i, const char *near)
{
    struct json_doc *doc = branch->node->doc;
    if (near)
        err_set(&doc->err, ERR_KEY, "unknown key \"%s\"; did you mean \"%s\"?", branch->keys[i],
                near);
    else
        err_set(&doc->err, ERR_KEY, "unknown key \"%s\"", branch->keys[i]);
    set_place(doc, child_at(branch->node, i), true);
}

static void check_all_read(const struct json_doc *doc)
{
    for (const struct json_branch *branch = doc->visited; branch; branch = branch->next) {
        for (size_t i = 0; i < branch->count; i++) {
            if (!branch->read[i]) {
                fail_unknown_key(branch, i, nearest_absent(branch, branch->keys[i]));
                return;
            }
        }
    }
}

/* A member that was missing may be there under a misspelt key: one that nobody asked for. */
static void explain_missing(struct json_doc *doc)
{
    const struct json_branch *branch = doc->lacking;
    for (size_t i = 0; i < branch->count; i++) {
        if (!branch->read[i] && json_nearest(branch->keys[i], &doc->lacked_key, 1)) {
            doc->err = (struct err)ERR_INIT;
            fail_unknown_key(branch, i, doc->lacked_key);
            return;
        }
    }
}

enum err_code json_close(struct json_doc *doc, struct err *err)
{
    if (doc->err.code == ERR_OK)
        check_all_read(doc);
    else if (doc->lacking)
        explain_missing(doc);
    enum err_code rc = doc->err.code;
    if (err && err->code == ERR_OK && rc != ERR_OK)
        *err = doc->err;
    json_decref(doc->tree);
    arena_free(doc->arena);
    free(doc->text);
    free(doc);
    return rc;
}

/* Objects */

static struct json_branch *branch_new(const struct json_node *node, size_t count)
{
    struct arena *arena = node->doc->arena;
    struct json_branch *branch = ARENA_ARRAY(arena, struct json_branch, 1);
    branch->node = node;
    branch->count = count;
    branch->values = ARENA_ARRAY(arena, json_t *, count);
    branch->children = ARENA_ARRAY(arena, const struct json_node *, count);
    *node->branch = branch;
    return branch;
}

/* NULL, with an error, if the node is no object. */
static struct json_branch *object_branch(const struct json_node *node)
{
    struct json_doc *doc = node->doc;
    if (!node->value)
        return NULL;
    if (!json_is_object(node->value)) {
        json_fail_type(node, "an object");
        return NULL;
    }
    if (*node->branch)
        return *node->branch;
    json_t *object = (json_t *)node->value; /* jansson iterates over mutable objects only */
    struct json_branch *branch = branch_new(node, json_object_size(object));
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
    for (const struct json_absent *a = doc->interned; a; a = a->next) {
        if (strcmp(a->key, key) == 0)
            return a->key;
    }
    struct json_absent *added = ARENA_ARRAY(doc->arena, struct json_absent, 1);
    *added = (struct json_absent){ doc->interned, arena_strdup(doc->arena, key) };
    doc->interned = added;
    return added->key;
}

static void remember_absent(struct json_doc *doc, struct json_branch *branch, const char *key)
{
    struct json_absent *absent = ARENA_ARRAY(doc->arena, struct json_absent, 1);
    *absent = (struct json_absent){ branch->absent, intern(doc, key) };
    branch->absent = absent;
}

/* After a failure keys are still taken down: explain_missing() looks at those. */
const struct json_node *json_find(const struct json_node *object, const char *key)
{
    struct json_branch *branch = object_branch(object);
    if (!branch)
        return NULL;
    for (size_t i = 0; i < branch->count; i++) {
        if (strcmp(branch->keys[i], key) == 0) {
            branch->read[i] = true;
            return json_is_empty(object) ? NULL : child_at(object, i);
        }
    }
    remember_absent(object->doc, branch, key);
    return NULL;
}

const struct json_node *json_get(const struct json_node *object, const char *key)
{
    struct json_doc *doc = object->doc;
    const struct json_node *node = json_find(object, key);
    if (node)
        return node;
    if (!json_is_empty(object)) {
        json_fail(object, ERR_KEY, "expected a member \"%s\"", key);
        doc->lacking = *object->branch;
        doc->lacked_key = intern(doc, key);
    }
    return &doc->empty;
}

size_t json_member_count(const struct json_node *object)
{
    const struct json_branch *branch = json_is_empty(object) ? NULL : object_branch(object);
    return branch ? branch->count : 0;
}

const struct json_node *json_member(const struct json_node *object, size_t i, const char **key)
{
    struct json_branch *branch = json_is_empty(object) ? NULL : object_branch(object);
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
        json_fail(node, ERR_VALUE, "expected \"%s\", got \"%.*s\"", tag, JSON_SHOWN_MAX, got);
}

/* Arrays */

static struct json_branch *array_branch(const struct json_node *node)
{
    if (json_is_empty(node))
        return NULL;
    if (!json_is_array(node->value)) {
        json_fail_type(node, "an array");
        return NULL;
    }
    if (*node->branch)
        return *node->branch;
    struct json_branch *branch = branch_new(node, json_array_size(node->value));
    for (size_t i = 0; i < branch->count; i++)
        branch->values[i] = json_array_get(node->value, i);
    return branch;
}

size_t json_count(const struct json_node *array)
{
    const struct json_branch *branch = array_branch(array);
    return branch ? branch->count : 0;
}

const struct json_node *json_item(const struct json_node *array, size_t i)
{
    const struct json_branch *branch = array_branch(array);
    if (!branch)
        return &array->doc->empty;
    assert(i < branch->count);
    return child_at(array, i);
}
