#include "core/json.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/rng.h"
#include "core/text.h"
#include "tests/test.h"

static struct json_doc *open_text(const char *text)
{
    return json_open_text("t.json", text, strlen(text));
}

/* Closes the document and compares the error's line; "" stands for success. */
static void close_with(struct json_doc *doc, const char *expected)
{
    struct err err = ERR_INIT;
    char line[2048] = "";
    if (json_close(doc, &err) != ERR_OK)
        err_format(&err, line, sizeof line);
    CHECK_STR(expected, line);
}

TEST(json__good_document__reads_everything)
{
    struct json_doc *doc =
        open_text("{ \"socweave\": \"soc/1\", \"n\": 3, \"big\": 24e6, \"x\": -1.5,\n"
                  "  \"list\": [1, \"é\", null, {}], \"on\": true }");
    const struct json_node *root = json_root(doc), *list = json_get(root, "list");
    json_expect_tag(root, "soc/1");
    CHECK_INT(3, json_get_int(root, "n", 0, 3));
    CHECK_INT(24000000, json_get_int(root, "big", 0, INT64_MAX));
    CHECK_NEAR(-1.5, json_get_real(root, "x", -2, 2), 0);
    CHECK_INT(4, json_count(list));
    CHECK_NEAR(1, json_number(json_item(list, 0), 0, 1), 0);
    CHECK_STR("é", json_str(json_item(list, 1)));
    CHECK_INT(JSON_NODE_NULL, json_type_of(json_item(list, 2)));
    CHECK_INT(JSON_NODE_OBJECT, json_type_of(json_item(list, 3)));
    CHECK_INT(JSON_NODE_ARRAY, json_type_of(list));
    CHECK(json_bool(json_get(root, "on")));
    CHECK(json_find(root, "off") == NULL);
    CHECK(json_get_bool_or(root, "off", true));
    CHECK_INT(7, json_get_int_or(root, "absent", 0, 1, 7));
    CHECK_NEAR(0.5, json_get_real_or(root, "absent", 0, 1, 0.5), 0);
    CHECK_STR("default", json_get_str_or(root, "absent", "default"));
    CHECK(json_ok(doc));
    close_with(doc, "");
}

TEST(json__hash__is_that_of_the_text)
{
    struct json_doc *doc = open_text("{}\n");
    /* printf '{}\n' | sha256sum */
    CHECK_STR("ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356", json_sha256(doc));
    CHECK_OK(json_close(doc, err));
}

/* One value under "v", read by one reader: what the user is told. */
static void read_int(const struct json_node *node)
{
    json_int(node, 1, 1024);
}
static void read_any_int(const struct json_node *node)
{
    json_int(node, INT64_MIN, INT64_MAX);
}
static void read_number(const struct json_node *node)
{
    json_number(node, 1, 1e12);
}
static void read_str(const struct json_node *node)
{
    json_str(node);
}
static void read_bool(const struct json_node *node)
{
    json_bool(node);
}
static void read_array(const struct json_node *node)
{
    json_count(node);
}
static void read_object(const struct json_node *node)
{
    json_find(node, "a");
}
static void read_members(const struct json_node *node)
{
    json_member_count(node);
}
static void read_enum(const struct json_node *node)
{
    static const char *const names[] = { "mesh", "ring", "bus" };
    json_enum(node, names, 3);
}
static void read_enum_of_one(const struct json_node *node)
{
    static const char *const names[] = { "mesh" };
    json_enum(node, names, 1);
}

TEST(json__wrong_values__are_named)
{
    static const struct {
        void (*read)(const struct json_node *node);
        const char *value, *expected; /* "": fine */
    } rows[] = {
        { read_int, "1", "" },
        { read_int, "1024", "" },
        { read_int, "1.024e3", "" },
        { read_int, "0", "expected 1..1024, got 0 (RANGE)" },
        { read_int, "4096", "expected 1..1024, got 4096 (RANGE)" },
        { read_int, "1e30", "expected 1..1024, got 1e+30 (RANGE)" },
        { read_int, "-1e3", "expected 1..1024, got -1000 (RANGE)" },
        { read_int, "2.5", "expected a whole number, got 2.5 (TYPE)" },
        { read_int, "\"x\"", "expected a number, got a string \"x\" (TYPE)" },
        { read_int, "null", "expected a number, got null (TYPE)" },
        { read_any_int, "-9223372036854775808", "" },
        { read_any_int, "9007199254740992.0", "" },
        { read_any_int, "9007199254740994.0",
          "expected a whole number above 2^53 without point and exponent (RANGE)" },
        { read_any_int, "-1e17",
          "expected a whole number above 2^53 without point and exponent (RANGE)" },
        { read_number, "1e12", "" },
        { read_number, "1", "" },
        { read_number, "0.5", "expected 1..1e+12, got 0.5 (RANGE)" },
        { read_number, "-4", "expected 1..1e+12, got -4 (RANGE)" },
        { read_number, "[]", "expected a number, got an array (TYPE)" },
        { read_str, "\"naïve\"", "" },
        { read_str, "\"\"", "expected a string that is not empty (VALUE)" },
        { read_str, "\"a\\tb\"", "expected a string without control characters (VALUE)" },
        { read_str, "\"a\\u009bb\"", "expected a string without control characters (VALUE)" },
        { read_str, "7", "expected a string, got 7 (TYPE)" },
        { read_str, "{}", "expected a string, got an object (TYPE)" },
        { read_bool, "false", "" },
        { read_bool, "0", "expected true or false, got 0 (TYPE)" },
        { read_array, "[1, 2]", "" },
        { read_array, "true", "expected an array, got true (TYPE)" },
        { read_object, "[]", "expected an object, got an array (TYPE)" },
        { read_members, "false", "expected an object, got false (TYPE)" },
        { read_enum, "\"bus\"", "" },
        { read_enum, "\"rign\"",
          "expected one of \"mesh\", \"ring\", \"bus\", got \"rign\"; did you mean \"ring\"? "
          "(VALUE)" },
        { read_enum, "\"torus\"",
          "expected one of \"mesh\", \"ring\", \"bus\", got \"torus\" (VALUE)" },
        { read_enum, "2", "expected a string, got 2 (TYPE)" },
        { read_enum_of_one, "\"cube\"", "expected \"mesh\", got \"cube\" (VALUE)" },
        { read_int, "\"0123456789012345678901234567890123456789012345é789\"",
          "expected a number, got a string \"0123456789012345678901234567890123456789012345é…\" "
          "(TYPE)" },
        { read_int, "\"01234567890123456789012345678901234567890123456é89\"",
          "expected a number, got a string \"01234567890123456789012345678901234567890123456…\" "
          "(TYPE)" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256], expected[512] = "";
        snprintf(text, sizeof text, "{\n  \"v\": %s }", rows[i].value);
        if (rows[i].expected[0])
            snprintf(expected, sizeof expected, "t.json:2:8: $.v: %s", rows[i].expected);
        struct json_doc *doc = open_text(text);
        rows[i].read(json_get(json_root(doc), "v"));
        close_with(doc, expected);
    }
}

TEST(json__missing_member__is_named_at_its_object)
{
    struct json_doc *doc = open_text("{ \"a\": [ {}, { \"b\": 1 } ] }");
    const struct json_node *item = json_item(json_get(json_root(doc), "a"), 1);
    CHECK_INT(1, json_get_int(item, "b", 1, 1));
    CHECK_INT(0, json_get_int(item, "clock_hz", 1, 1));
    close_with(doc, "t.json:1:14: $.a[1]: expected a member \"clock_hz\" (KEY)");
}

TEST(json__misspelt_required_member__is_suggested)
{
    struct json_doc *doc = open_text("{\n\t\"é\": 1, \"clok_hz\": 1 }");
    json_get_int(json_root(doc), "é", 1, 1);
    json_get_int(json_root(doc), "clock_hz", 1, 1);
    /* The column counts the tab and é as one character each. */
    close_with(doc, "t.json:2:10: $.clok_hz: unknown key \"clok_hz\"; did you mean \"clock_hz\"? "
                    "(KEY)");
}

TEST(json__member_missing__its_unread_neighbour_is_no_suggestion)
{
    struct json_doc *doc = open_text("{ \"pe_cols\": 1 }");
    json_get_int(json_root(doc), "pe_rows", 1, 1);
    json_get_int(json_root(doc), "pe_cols", 1, 1); /* near, but asked for later */
    close_with(doc, "t.json:1:1: $: expected a member \"pe_rows\" (KEY)");
}

TEST(json__misspelt_optional_member__is_suggested_at_close)
{
    struct json_doc *doc = open_text("{ \"name\": 1, \"scratchpad_byte\": 1 }");
    const struct json_node *root = json_root(doc);
    json_get_int(root, "name", 1, 1);
    json_get_int_or(root, "shared_layers_max", 1, 1, 1);
    json_get_int_or(root, "scratchpad_bytes", 1, 1, 1);
    close_with(doc, "t.json:1:14: $.scratchpad_byte: unknown key \"scratchpad_byte\"; did you mean "
                    "\"scratchpad_bytes\"? (KEY)");
}

TEST(json__unknown_member__is_an_error_in_every_visited_object)
{
    struct json_doc *doc = open_text("{ \"a\": [ { \"b\": 1 },\n { \"b\": 1, \"odd key\": 2 } ] }");
    const struct json_node *list = json_get(json_root(doc), "a");
    for (size_t i = 0; i < json_count(list); i++)
        json_get_int(json_item(list, i), "b", 1, 1);
    close_with(doc, "t.json:2:12: $.a[1][\"odd key\"]: unknown key \"odd key\" (KEY)");
}

TEST(json__free_keys__are_all_read)
{
    struct json_doc *doc = open_text("{ \"extents\": { \"n\": 1, \"k\": 64 } }");
    const struct json_node *extents = json_get(json_root(doc), "extents");
    CHECK_INT(2, json_member_count(extents));
    const char *key;
    CHECK_INT(1, json_int(json_member(extents, 0, &key), 1, 1));
    CHECK_STR("n", key);
    CHECK_INT(64, json_int(json_member(extents, 1, &key), 1, 64));
    CHECK_STR("k", key);
    close_with(doc, "");
}

TEST(json__after_the_first_failure__everything_is_harmless)
{
    struct json_doc *doc = open_text("{ \"n\": -1, \"list\": [1, 2], \"o\": { \"k\": 1 } }");
    const struct json_node *root = json_root(doc), *list = json_get(root, "list");
    const struct json_node *object = json_get(root, "o");
    json_get_int(root, "n", 1, 2);
    CHECK(!json_ok(doc));
    const char *key = NULL;
    CHECK_INT(0, json_count(list));
    CHECK_INT(0, json_int(json_item(list, 99), 1, 2));
    CHECK_STR("", json_str(json_get(json_get(object, "deep"), "er")));
    CHECK_INT(0, json_member_count(object));
    json_member(object, 99, &key);
    CHECK_STR("", key);
    CHECK(json_find(object, "k") == NULL);
    CHECK(!json_bool(object));
    CHECK_INT(0, json_enum(object, NULL, 0));
    CHECK_INT(JSON_NODE_NULL, json_type_of(list));
    json_expect_tag(root, "soc/1");
    json_fail(list, ERR_LIMIT, "too late");
    close_with(doc, "t.json:1:8: $.n: expected 1..2, got -1 (RANGE)");
}

TEST(json_expect_tag__other_kind__is_named)
{
    struct json_doc *doc = open_text("{ \"socweave\": \"dnn/1\" }");
    json_expect_tag(json_root(doc), "soc/1");
    close_with(doc, "t.json:1:15: $.socweave: expected \"soc/1\", got \"dnn/1\" (VALUE)");
    doc = open_text("{ \"name\": \"x\" }");
    json_expect_tag(json_root(doc), "soc/1");
    close_with(doc, "t.json:1:1: $: expected a member \"socweave\" (KEY)");
}

TEST(json_fail__at_a_key_with_a_dot__quotes_it)
{
    struct json_doc *doc = open_text("[[0, { \"a.b\": { \"c\": [ \"x]}\\\"\", 7 ] } }]]");
    const struct json_node *pair = json_item(json_root(doc), 0);
    const struct json_node *c = json_get(json_get(json_item(pair, 1), "a.b"), "c");
    json_fail(json_item(c, 1), ERR_REFERENCE, "nothing is called %d", 7);
    close_with(doc, "t.json:1:33: $[0][1][\"a.b\"].c[1]: nothing is called 7 (REFERENCE)");
}

TEST(json_fail_err__error_from_elsewhere__keeps_its_place)
{
    struct err other = ERR_INIT;
    struct json_doc *doc = open_text("{ \"graph\": \"g.json\" }");
    const struct json_node *graph = json_get(json_root(doc), "graph");
    json_fail_err(graph, &other); /* no error: nothing happens */
    CHECK(json_ok(doc));
    err_set(&other, ERR_IO, "cannot open");
    err_in_file(&other, "g.json", 0, 0);
    json_fail_err(graph, &other);
    close_with(doc, "g.json: cannot open (IO)");

    other = (struct err)ERR_INIT;
    err_set(&other, ERR_SYNTAX, "expected \"]\"");
    doc = open_text("{ \"expr\": \"O[n\" }");
    json_fail_err(json_get(json_root(doc), "expr"), &other);
    close_with(doc, "t.json:1:11: $.expr: expected \"]\" (SYNTAX)");
}

TEST(json_open__texts_that_are_no_json__say_where)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        { "", "t.json:1:1: not well-formed JSON: '[' or '{' expected near end of file (SYNTAX)" },
        { "{ \"a\": 1,\n  \"b\": }",
          "t.json:2:8: not well-formed JSON: unexpected token near '}' (SYNTAX)" },
        { "{ \"a\": 1, \"a\": 2 }", "t.json:1:13: a key is given twice near '\"a\"' (KEY)" },
        { "[1] 2", "t.json:1:5: not well-formed JSON: end of file expected near '2' (SYNTAX)" },
        { "[nan]", "t.json:1:4: not well-formed JSON: invalid token near 'nan' (SYNTAX)" },
        { "[1e999]", "t.json:1:6: a number is too large near '1e999' (RANGE)" },
        { "[99999999999999999999]", "t.json:1:21: a number is too large near "
                                    "'99999999999999999999' (RANGE)" },
        { "[\"\\u0000\"]",
          "t.json:1:9: a string holds a NUL character near '\"\\u0000\"' (SYNTAX)" },
        { "[\"\xff\"]", "t.json:1:2: the text is not UTF-8 near '\"' (SYNTAX)" },
        { "7", "t.json:1:1: not well-formed JSON: '[' or '{' expected near '7' (SYNTAX)" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_doc *doc = open_text(rows[i].text);
        CHECK_INT(0, json_get_int(json_root(doc), "a", 1, 2));
        close_with(doc, rows[i].expected);
    }
}

TEST(json_open__byte_order_mark__is_an_error)
{
    close_with(open_text("\xef\xbb\xbf{}"),
               "t.json:1:1: expected UTF-8 without a byte order mark (SYNTAX)");
}

TEST(json_open__deep_nesting__is_a_limit_error)
{
    enum { DEPTH = 1000000 };
    char *text = mem_alloc(DEPTH + 1, 1);
    memset(text, '[', DEPTH);
    struct err err = ERR_INIT;
    CHECK_INT(ERR_LIMIT, json_close(json_open_text("deep", text, DEPTH), &err));
    memset(text, '[', 2000);
    memset(text + 2000, ']', 2000);
    struct json_doc *doc = json_open_text("deep", text, 4000);
    const struct json_node *node = json_root(doc);
    for (int depth = 1; depth < 2000; depth++)
        node = json_item(node, 0);
    json_bool(node);
    err = (struct err)ERR_INIT;
    CHECK_INT(ERR_TYPE, json_close(doc, &err));
    CHECK_INT(2000, err.column);
    CHECK(strlen(err.path) < sizeof err.path);
    CHECK_STR("…", err.path + strlen(err.path) - 3);
    free(text);
}

TEST(json_open__no_file__is_its_first_error)
{
    struct json_doc *doc = json_open("no/such.json");
    json_get_int(json_root(doc), "a", 1, 2);
    CHECK_INT(64, strlen(json_sha256(doc)));
    close_with(doc, "no/such.json: cannot open: No such file or directory (IO)");
}

/* Random documents with a marker at a random place: the error must stand where the marker does. */
struct grown {
    struct rng rng;
    struct text text;
    size_t marker; /* byte of the text; 0: not placed yet */
    char path[256];
};

static void grow_space(struct grown *grown)
{
    static const char *const spaces[] = { "", " ", "\n", "\t", "\r\n  ", "" };
    text_add(&grown->text, spaces[rng_below(&grown->rng, 6)]);
}

static void grow_leaf(struct grown *grown)
{
    static const char *const leaves[] = { "1",     "-2.5e3", "true",       "null",      "0",
                                          "\"x\"", "[]",     "\"\\\"]}\"", "\"é\\\\\"", "{}" };
    text_add(&grown->text, leaves[rng_below(&grown->rng, 10)]);
}

static void grow_value(struct grown *grown, unsigned depth, bool holds_marker)
{
    if (depth == 0) {
        if (holds_marker) {
            grown->marker = grown->text.bytes;
            text_add(&grown->text, "\"MARKER\"");
        } else {
            grow_leaf(grown);
        }
        return;
    }
    bool object = rng_below(&grown->rng, 2);
    unsigned count = 1 + rng_below(&grown->rng, 4), chosen = rng_below(&grown->rng, count);
    text_add(&grown->text, object ? "{" : "[");
    for (unsigned i = 0; i < count; i++) {
        bool here = holds_marker && i == chosen;
        size_t used = strlen(grown->path);
        grow_space(grown);
        if (object)
            text_printf(&grown->text, "\"k%u\"", i);
        if (here)
            snprintf(grown->path + used, sizeof grown->path - used, object ? ".k%u" : "[%u]", i);
        grow_space(grown);
        if (object)
            text_add(&grown->text, ":");
        grow_space(grown);
        grow_value(grown, here ? depth - 1 : rng_below(&grown->rng, depth), here);
        grow_space(grown);
        text_add(&grown->text, i + 1 < count ? "," : "");
    }
    text_add(&grown->text, object ? "}" : "]");
}

static void find_marker(const struct json_node *node)
{
    const char *key;
    if (json_type_of(node) == JSON_NODE_STRING) {
        if (strcmp(json_str(node), "MARKER") == 0)
            json_fail(node, ERR_VALUE, "here");
    } else if (json_type_of(node) == JSON_NODE_ARRAY) {
        for (size_t i = 0; i < json_count(node); i++)
            find_marker(json_item(node, i));
    } else if (json_type_of(node) == JSON_NODE_OBJECT) {
        for (size_t i = 0; i < json_member_count(node); i++)
            find_marker(json_member(node, i, &key));
    }
}

static void marker_place(const struct text *text, size_t marker, int *line, int *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < marker; i++) {
        if (text->data[i] == '\n') {
            ++*line;
            *column = 1;
        } else if ((text->data[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

TEST(json_fail__random_documents__place_and_path_are_right)
{
    for (unsigned seed = 0; seed < 300; seed++) {
        struct grown grown = { .rng = rng_stream(seed, 0, 0), .path = "$" };
        grow_space(&grown);
        grow_value(&grown, 1 + rng_below(&grown.rng, 6), true);
        struct json_doc *doc = json_open_text("random", grown.text.data, grown.text.bytes);
        find_marker(json_root(doc));
        struct err err = ERR_INIT;
        int line, column;
        marker_place(&grown.text, grown.marker, &line, &column);
        enum err_code rc = json_close(doc, &err);
        if (rc != ERR_VALUE || err.line != line || err.column != column ||
            strcmp(err.path, grown.path) != 0)
            test_fail(__FILE__, __LINE__, "seed %u: expected %d:%d %s, got %d:%d %s (%s) in\n%s",
                      seed, line, column, grown.path, err.line, err.column, err.path, err.text,
                      grown.text.data);
        text_release(&grown.text);
    }
}

TEST(json_nearest__misspellings__find_their_name)
{
    static const char *const names[] = { "conv2d", "depthwise2d", "gemm", "gemv", "clock_hz" };
    static const struct {
        const char *given, *expected; /* NULL: none is near */
    } rows[] = {
        { "conv2", "conv2d" },
        { "Conv2D", "conv2d" },
        { "ocnv2d", "conv2d" },
        { "depthwise", "depthwise2d" },
        { "gem", "gemm" },
        { "gmev", "gemv" },
        { "clock_khz", "clock_hz" },
        { "softmax", NULL },
        { "", NULL },
        { "ge", NULL },
        { "g", NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *near = json_nearest(rows[i].given, names, 5);
        CHECK_STR(rows[i].expected ? rows[i].expected : "(none)", near ? near : "(none)");
    }
    char longest[300];
    memset(longest, 'c', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK(json_nearest(longest, names, 5) == NULL);
    CHECK(json_nearest("gemm", NULL, 0) == NULL);
}
