#include "core/text.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

void text_release(struct text *text)
{
    free(text->data);
    *text = (struct text){ NULL, 0, 0 };
}

static void reserve(struct text *text, size_t more)
{
    size_t wanted = text->bytes + more + 1;
    if (wanted <= text->capacity)
        return;
    size_t capacity = text->capacity ? text->capacity * 2 : 256;
    text->capacity = capacity > wanted ? capacity : wanted;
    text->data = mem_grow(text->data, text->capacity, 1);
}

void text_add_bytes(struct text *text, const char *piece, size_t bytes)
{
    reserve(text, bytes);
    if (bytes > 0) // memcpy takes no null pointer, not even for nothing
        memcpy(text->data + text->bytes, piece, bytes);
    text->bytes += bytes;
    text->data[text->bytes] = '\0';
}

void text_add(struct text *text, const char *piece)
{
    text_add_bytes(text, piece, strlen(piece));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(length >= 0);
    reserve(text, (size_t)length);
    vsnprintf(text->data + text->bytes, (size_t)length + 1, format, again);
    va_end(again);
    text->bytes += (size_t)length;
}

void json_out_init(struct json_out *out, struct text *text)
{
    memset(out, 0, sizeof *out);
    out->text = text;
    out->first[0] = true;
    out->array[0] = true; /* the top takes no keys */
}

/* Bytes of the UTF-8 character at `at`, 0 if there is none: overlong forms, surrogates and what
 * lies above U+10FFFF are none. */
static size_t utf8_bytes(const unsigned char *at)
{
    static const struct {
        unsigned char first, last, second_low, second_high;
        size_t bytes;
    } forms[] = {
        { 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (at[0] < forms[i].first || at[0] > forms[i].last)
            continue;
        if (forms[i].bytes > 1 && (at[1] < forms[i].second_low || at[1] > forms[i].second_high))
            return 0;
        for (size_t byte = 2; byte < forms[i].bytes; byte++) {
            if ((at[byte] & 0xc0) != 0x80)
                return 0;
        }
        return forms[i].bytes;
    }
    return 0;
}

bool text_is_utf8(const char *text)
{
    size_t bytes;
    for (const unsigned char *at = (const unsigned char *)text; *at; at += bytes)
        if ((bytes = utf8_bytes(at)) == 0)
            return false;
    return true;
}

/* Bytes that are not UTF-8 (of a file's name, say) become U+FFFD: the output is always JSON. */
static void quoted(struct text *text, const char *value)
{
    text_add_bytes(text, "\"", 1);
    while (*value) {
        unsigned char c = (unsigned char)*value;
        size_t bytes = utf8_bytes((const unsigned char *)value);
        if (bytes == 0)
            text_add(text, "\\ufffd");
        else if (c == '"' || c == '\\')
            text_printf(text, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            text_printf(text, "\\u%04x", c);
        else
            text_add_bytes(text, value, bytes);
        value += bytes ? bytes : 1;
    }
    text_add_bytes(text, "\"", 1);
}

static void new_line(struct json_out *out)
{
    text_printf(out->text, "\n%*s", 2 * out->depth, "");
}

/* Comma, line break and key: all that stands before a value. */
static void begin(struct json_out *out, const char *key)
{
    int depth = out->depth;
    assert(out->array[depth] == (key == NULL));
    assert(depth > 0 || out->first[0]); /* one value at the top */
    if (!out->first[depth])
        text_add(out->text, out->inlined[depth] ? ", " : ",");
    else if (depth > 0 && out->inlined[depth] && !out->array[depth])
        text_add(out->text, " ");
    if (depth > 0 && !out->inlined[depth])
        new_line(out);
    out->first[depth] = false;
    if (key) {
        quoted(out->text, key);
        text_add(out->text, ": ");
    }
}

static void finish(struct json_out *out)
{
    if (out->depth == 0)
        text_add(out->text, "\n");
}

static void open_container(struct json_out *out, const char *key, bool inline_, bool array)
{
    begin(out, key);
    text_add(out->text, array ? "[" : "{");
    bool inherited = out->inlined[out->depth];
    out->depth++;
    assert(out->depth < (int)(sizeof out->first / sizeof out->first[0]));
    out->first[out->depth] = true;
    out->array[out->depth] = array;
    out->inlined[out->depth] = inline_ || inherited;
}

void json_out_object(struct json_out *out, const char *key, bool inline_)
{
    open_container(out, key, inline_, false);
}

void json_out_array(struct json_out *out, const char *key, bool inline_)
{
    open_container(out, key, inline_, true);
}

void json_out_end(struct json_out *out)
{
    assert(out->depth > 0);
    bool array = out->array[out->depth], empty = out->first[out->depth];
    bool inlined = out->inlined[out->depth];
    out->depth--;
    if (!empty && !inlined)
        new_line(out);
    else if (!empty && !array)
        text_add(out->text, " ");
    text_add(out->text, array ? "]" : "}");
    finish(out);
}

void json_out_str(struct json_out *out, const char *key, const char *value)
{
    begin(out, key);
    quoted(out->text, value);
    finish(out);
}

void json_out_u64(struct json_out *out, const char *key, uint64_t value)
{
    begin(out, key);
    text_printf(out->text, "%" PRIu64, value);
    finish(out);
}

void json_out_i64(struct json_out *out, const char *key, int64_t value)
{
    begin(out, key);
    text_printf(out->text, "%" PRId64, value);
    finish(out);
}

/* JSON has no infinities and no NaN: they become null. */
void json_out_real(struct json_out *out, const char *key, double value)
{
    if (!isfinite(value)) {
        json_out_null(out, key);
        return;
    }
    begin(out, key);
    char number[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(number, sizeof number, "%.*g", digits, value);
        if (strtod(number, NULL) == value)
            break;
    }
    text_add(out->text, number);
    finish(out);
}

void json_out_bool(struct json_out *out, const char *key, bool value)
{
    begin(out, key);
    text_add(out->text, value ? "true" : "false");
    finish(out);
}

void json_out_null(struct json_out *out, const char *key)
{
    begin(out, key);
    text_add(out->text, "null");
    finish(out);
}
