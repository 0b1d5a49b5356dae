/*
 * The parts of core/json.h that only its own files see: documents, nodes, and what was read of
 * each object. jansson's true, false and null are singletons and know no parent, so every node
 * knows its own way up.
 */
#ifndef SOCWEAVE_CORE_JSON_TREE_H
#define SOCWEAVE_CORE_JSON_TREE_H

#include <jansson.h>

#include "core/arena.h"
#include "core/json.h"

/* A key that a reader asked for and did not find: what "did you mean" chooses from. */
struct json_absent {
    struct json_absent *next;
    const char *key;
};

/* Children of an array or object, made when it is first looked into. */
struct json_branch {
    struct json_branch *next; /* visited objects, in order of the first visit */
    const struct json_node *node;
    size_t count;
    const char **keys; /* NULL for arrays */
    json_t **values;
    const struct json_node **children; /* NULL until asked for */
    bool *read;
    struct json_absent *absent;
};

struct json_node {
    struct json_doc *doc;
    const struct json_node *parent; /* NULL for the root */
    const json_t *value;            /* NULL for the empty node */
    size_t index;                   /* among the parent's children */
    struct json_branch **branch;    /* *branch is NULL until looked into */
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
    struct json_branch *visited, **visited_end;
    struct json_absent *interned; /* one copy of every absent key */
    struct err err;
    /* If that is a missing member: of which object, and its key. */
    const struct json_branch *lacking;
    const char *lacked_key;
};

/* No node, or a document that has failed: every read gives its default. */
static inline bool json_is_empty(const struct json_node *node)
{
    return !node->value || node->doc->err.code != ERR_OK;
}

/* What was found, for messages: `a string "x"`, `4096`, `an array`. */
#define JSON_SHOWN_MAX 48
const char *json_describe(const struct json_node *node, char buf[JSON_SHOWN_MAX + 32]);
void json_fail_type(const struct json_node *node, const char *expected);

#endif
