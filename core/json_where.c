#include "core/json_where.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct walk {
    const char *at, *end;
};

static void skip_space(struct walk *walk)
{
    while (walk->at < walk->end && strchr(" \t\r\n", *walk->at) && *walk->at)
        walk->at++;
}

static void skip_string(struct walk *walk)
{
    walk->at++;
    while (walk->at < walk->end && *walk->at != '"')
        walk->at += *walk->at == '\\' ? 2 : 1;
    walk->at++;
}

/* One value, nested or not: brackets are counted, strings stepped over. */
static void skip_value(struct walk *walk)
{
    size_t open = 0;
    while (walk->at < walk->end) {
        char c = *walk->at;
        if (c == '"') {
            skip_string(walk);
        } else if (c == '{' || c == '[') {
            open++;
            walk->at++;
        } else if (c == '}' || c == ']') {
            if (open == 0)
                return;
            open--;
            walk->at++;
        } else if (c == ',' && open == 0) {
            return;
        } else {
            walk->at++;
        }
        if (open == 0 && (c == '"' || c == '}' || c == ']'))
            return;
    }
}

/* From before an opening bracket to the child's value; *key is where its key begins. */
static void enter(struct walk *walk, size_t index, const char **key)
{
    bool object = *walk->at == '{';
    walk->at++;
    for (size_t i = 0;; i++) {
        skip_space(walk);
        *key = walk->at;
        if (object) {
            skip_string(walk);
            skip_space(walk);
            walk->at++; /* the colon */
            skip_space(walk);
        }
        if (i == index || walk->at >= walk->end)
            return;
        skip_value(walk);
        skip_space(walk);
        walk->at++; /* the comma */
    }
}

static struct json_place place_of(const char *text, const char *at)
{
    struct json_place place = { 1, 1 };
    for (; text < at; text++) {
        if (*text == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)*text & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

struct json_place json_where(const char *text, size_t bytes, const size_t *steps, size_t depth,
                             bool of_key)
{
    struct walk walk = { text, text + bytes };
    skip_space(&walk);
    const char *key = walk.at;
    for (size_t i = 0; i < depth && walk.at < walk.end; i++)
        enter(&walk, steps[i], &key);
    return place_of(text, of_key ? key : walk.at < walk.end ? walk.at : walk.end);
}

static bool is_plain(const char *key)
{
    if (!isalpha((unsigned char)key[0]) && key[0] != '_')
        return false;
    for (; *key; key++) {
        if (!isalnum((unsigned char)*key) && *key != '_')
            return false;
    }
    return true;
}

void json_path_add_key(char *path, size_t size, const char *key)
{
    if (is_plain(key))
        snprintf(path, size, ".%s", key);
    else
        snprintf(path, size, "[\"%s\"]", key);
}
