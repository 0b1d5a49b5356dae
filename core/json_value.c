#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/json_tree.h"

/* Types */

enum json_type json_type_of(const struct json_node *node)
{
    if (json_is_empty(node))
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

const char *json_describe(const struct json_node *node, char buf[JSON_SHOWN_MAX + 32])
{
    const size_t size = JSON_SHOWN_MAX + 32;
    const json_t *value = node->value;
    switch (json_typeof(value)) {
    case JSON_STRING: {
        const char *text = json_string_value(value);
        int shown = (int)strnlen(text, JSON_SHOWN_MAX);
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

void json_fail_type(const struct json_node *node, const char *expected)
{
    char got[JSON_SHOWN_MAX + 32];
    json_fail(node, ERR_TYPE, "expected %s, got %s", expected, json_describe(node, got));
}

/* Values */

bool json_bool(const struct json_node *node)
{
    if (json_is_empty(node))
        return false;
    if (!json_is_boolean(node->value))
        json_fail_type(node, "true or false");
    return json_is_true(node->value);
}

static void fail_int_range(const struct json_node *node, int64_t low, int64_t high)
{
    char got[JSON_SHOWN_MAX + 32];
    json_fail(node, ERR_RANGE, "expected %" PRId64 "..%" PRId64 ", got %s", low, high,
              json_describe(node, got));
}

/* The value of 24e6 and the like. Doubles above 2^53 are no longer exact. */
static int64_t whole_real(const struct json_node *node, int64_t low, int64_t high)
{
    double value = json_real_value(node->value);
    if (value != floor(value)) {
        json_fail_type(node, "a whole number");
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
    if (json_is_empty(node))
        return 0;
    if (json_is_real(node->value))
        return whole_real(node, low, high);
    if (!json_is_integer(node->value)) {
        json_fail_type(node, "a number");
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
    if (json_is_empty(node))
        return 0;
    if (!json_is_number(node->value)) {
        json_fail_type(node, "a number");
        return 0;
    }
    double value = json_number_value(node->value);
    if (!(value >= low && value <= high)) {
        char got[JSON_SHOWN_MAX + 32];
        json_fail(node, ERR_RANGE, "expected %g..%g, got %s", low, high, json_describe(node, got));
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
    if (json_is_empty(node))
        return "";
    if (!json_is_string(node->value)) {
        json_fail_type(node, "a string");
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
    if (json_is_empty(node))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(given, names[i]) == 0)
            return i;
    }
    char got[JSON_SHOWN_MAX + 32], list[512] = "";
    list_names(list, sizeof list, names, count);
    const char *near = json_nearest(given, names, count);
    const char *got_text = json_describe(node, got) + strlen("a string ");
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
