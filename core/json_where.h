/*
 * Where a value stands in a JSON text. jansson forgets positions, so json.c walks the text again,
 * on the error path only. The text must have parsed: the walk knows just enough grammar to skip
 * over values. O(bytes), constant stack.
 */
#ifndef SOCWEAVE_CORE_JSON_WHERE_H
#define SOCWEAVE_CORE_JSON_WHERE_H

#include <stdbool.h>
#include <stddef.h>

struct json_place {
    int line, column; /* 1-based; columns count characters, not bytes */
};

/*
 * The place of the value reached from the top by steps[depth]: the index of the element or of the
 * member, in the order of the text. of_key: the place of the last member's key instead.
 */
struct json_place json_where(const char *text, size_t bytes, const size_t *steps, size_t depth,
                             bool of_key);

/* Appends `.key` or `["odd key"]` to a JSON path; cut to fit. */
void json_path_add_key(char *path, size_t size, const char *key);

#endif
