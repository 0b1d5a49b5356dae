/*
 * A growing text buffer for the writers, and a JSON emitter on top of it.
 * Byte-deterministic: integers exactly, doubles with the shortest of %.15g/%.17g that reads back.
 */
#ifndef SOCWEAVE_CORE_TEXT_H
#define SOCWEAVE_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *data; /* NUL-terminated once anything was added; owned */
    size_t bytes, capacity;
};

void text_release(struct text *text);
void text_add(struct text *text, const char *piece);
void text_add_bytes(struct text *text, const char *piece, size_t bytes);
bool text_is_utf8(const char *text);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* JSON emitter: two-space indent; commas and newlines are its business. `key` is NULL inside an
 * array and at the top. Objects opened with `inline_` true stay on one line. */
struct json_out {
    struct text *text;
    int depth;
    bool first[32], inlined[32], array[32];
};

void json_out_init(struct json_out *out, struct text *text);
void json_out_object(struct json_out *out, const char *key, bool inline_);
void json_out_array(struct json_out *out, const char *key, bool inline_);
void json_out_end(struct json_out *out); /* closes what was opened last */
void json_out_str(struct json_out *out, const char *key, const char *value);
void json_out_u64(struct json_out *out, const char *key, uint64_t value);
void json_out_i64(struct json_out *out, const char *key, int64_t value);
void json_out_real(struct json_out *out, const char *key, double value);
void json_out_bool(struct json_out *out, const char *key, bool value);
void json_out_null(struct json_out *out, const char *key);

#endif
