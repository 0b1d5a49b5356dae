/*
 * Strict JSON with places and sticky errors, over jansson.
 *
 * Open a document, read everything through nodes, close it, check once. The first failure is
 * remembered with file, line, column and JSON path; after it every read returns a harmless
 * default (0, "", an empty node), so readers need no branches. json_close() also rejects members
 * that nobody asked for, with a "did you mean" among the keys that were asked for in that object.
 *
 *     struct json_doc *doc = json_open("edge.json");
 *     const struct json_node *root = json_root(doc);
 *     json_expect_tag(root, "soc/1");
 *     uint64_t bytes = json_get_int(root, "scratchpad_bytes", 1, INT64_C(1) << 40);
 *     return json_close(doc, err);
 *
 * Numbers: an integer may be written 24e6 or 2.5e8 where an integer is expected, if its value is
 * whole. Nodes and strings live until json_close().
 */
#ifndef SOCWEAVE_CORE_JSON_H
#define SOCWEAVE_CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct json_doc;  /* owns text, tree, nodes and the first error */
struct json_node; /* a place in a document */

/* Never NULL: a missing or malformed file is the document's first error. */
struct json_doc *json_open(const char *file);
struct json_doc *json_open_text(const char *name, const char *text, size_t bytes);
/* ERR_OK, or the first failure copied to *err. Frees the document. */
enum err_code json_close(struct json_doc *doc, struct err *err);
bool json_ok(const struct json_doc *doc);
/* Lower-case hex SHA-256 of the text. */
const char *json_sha256(const struct json_doc *doc);

const struct json_node *json_root(struct json_doc *doc);
/* Reads member "socweave" and requires this tag, "soc/1" say. */
void json_expect_tag(const struct json_node *root, const char *tag);

/* Members. get: required (else an error, and an empty node); find: NULL where absent. */
const struct json_node *json_get(const struct json_node *object, const char *key);
const struct json_node *json_find(const struct json_node *object, const char *key);
/* Objects whose keys are data (extents, params): the i-th member in file order. */
size_t json_member_count(const struct json_node *object);
const struct json_node *json_member(const struct json_node *object, size_t i, const char **key);

/* Arrays. */
size_t json_count(const struct json_node *array); /* an error and 0 if it is no array */
const struct json_node *json_item(const struct json_node *array, size_t i);

enum json_type {
    JSON_NODE_NULL,
    JSON_NODE_BOOL,
    JSON_NODE_NUMBER,
    JSON_NODE_STRING,
    JSON_NODE_ARRAY,
    JSON_NODE_OBJECT
};
enum json_type json_type_of(const struct json_node *node);

/* Values. Ranges are inclusive. */
bool json_bool(const struct json_node *node);
int64_t json_int(const struct json_node *node, int64_t low, int64_t high);
/* Not json_real: that symbol is jansson's own. */
double json_number(const struct json_node *node, double low, double high);
const char *json_str(const struct json_node *node); /* non-empty UTF-8 without control characters */
/* Index of the string in names[count]; an error with "did you mean" otherwise. */
size_t json_enum(const struct json_node *node, const char *const *names, size_t count);

/* Member and value in one: required, or with a fallback where the key is absent. */
bool json_get_bool_or(const struct json_node *object, const char *key, bool fallback);
int64_t json_get_int(const struct json_node *object, const char *key, int64_t low, int64_t high);
int64_t json_get_int_or(const struct json_node *object, const char *key, int64_t low, int64_t high,
                        int64_t fallback);
double json_get_real(const struct json_node *object, const char *key, double low, double high);
double json_get_real_or(const struct json_node *object, const char *key, double low, double high,
                        double fallback);
const char *json_get_str(const struct json_node *object, const char *key);
const char *json_get_str_or(const struct json_node *object, const char *key, const char *fallback);

/* A semantic error at this node ("expected …, got …"); the first one of the document wins. */
void json_fail(const struct json_node *node, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adopt an error found elsewhere (a parser, another file); keeps its place if it has one. */
void json_fail_err(const struct json_node *node, const struct err *err);

/* Nearest of names[count] by edit distance, or NULL if none is near. For "did you mean". */
const char *json_nearest(const char *given, const char *const *names, size_t count);

#endif
