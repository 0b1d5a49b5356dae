#include "core/text.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "tests/test.h"

TEST(text__pieces__join)
{
    struct text text = { NULL, 0, 0 };
    text_add(&text, "a");
    text_add_bytes(&text, "bcd", 2);
    text_printf(&text, "-%05d", 42);
    CHECK_STR("abc-00042", text.data);
    CHECK_INT(9, text.bytes);
    text_printf(&text, "%*d", 5000, 1);
    CHECK_INT(5009, text.bytes);
    CHECK_INT(5009, strlen(text.data));
    text_release(&text);
    CHECK(text.data == NULL);
}

TEST(json_out__nested__is_laid_out)
{
    struct text text = { NULL, 0, 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "name", "a \"b\"\\\n");
    json_out_array(&out, "rows", false);
    json_out_object(&out, NULL, true);
    json_out_u64(&out, "x", UINT64_MAX);
    json_out_array(&out, "y", false); /* inside an inline object: inline too */
    json_out_i64(&out, NULL, INT64_MIN);
    json_out_bool(&out, NULL, true);
    json_out_end(&out);
    json_out_end(&out);
    json_out_null(&out, NULL);
    json_out_end(&out);
    json_out_object(&out, "none", false);
    json_out_end(&out);
    json_out_array(&out, "nothing", true);
    json_out_end(&out);
    json_out_end(&out);
    CHECK_STR("{\n"
              "  \"name\": \"a \\\"b\\\"\\\\\\u000a\",\n"
              "  \"rows\": [\n"
              "    { \"x\": 18446744073709551615, \"y\": [-9223372036854775808, true] },\n"
              "    null\n"
              "  ],\n"
              "  \"none\": {},\n"
              "  \"nothing\": []\n"
              "}\n",
              text.data);
    text_release(&text);
}

static const char *real_text(struct text *text, double value)
{
    struct json_out out;
    text_release(text);
    json_out_init(&out, text);
    json_out_real(&out, NULL, value);
    return text->data;
}

TEST(json_out_real__numbers__are_short_and_read_back)
{
    struct text text = { NULL, 0, 0 };
    CHECK_STR("0.1\n", real_text(&text, 0.1));
    CHECK_STR("24000000\n", real_text(&text, 24e6));
    CHECK_STR("1e+300\n", real_text(&text, 1e300));
    CHECK_STR("null\n", real_text(&text, NAN));
    CHECK_STR("null\n", real_text(&text, INFINITY));
    const double hard[] = {
        1.0 / 3, 0.1 + 0.2, DBL_MAX, DBL_MIN, 5e-324, -1e-7, 9007199254740993.0
    };
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++)
        CHECK(strtod(real_text(&text, hard[i]), NULL) == hard[i]);
    text_release(&text);
}

TEST(json_out_str__bytes_that_are_not_utf8__are_replaced)
{
    static const struct {
        const char *given, *expected;
    } rows[] = {
        { "é€😀", "\"é€😀\"\n" },
        { "a\xff"
          "b",
          "\"a\\ufffdb\"\n" },
        { "\xc0\xaf", "\"\\ufffd\\ufffd\"\n" },            /* overlong */
        { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"\n" }, /* a surrogate */
        { "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"\n" },
        { "\xe2\x82", "\"\\ufffd\\ufffd\"\n" }, /* cut */
        { "\x7f", "\"\\u007f\"\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text text = { NULL, 0, 0 };
        struct json_out out;
        json_out_init(&out, &text);
        json_out_str(&out, NULL, rows[i].given);
        CHECK_STR(rows[i].expected, text.data);
        text_release(&text);
    }
}

TEST(json_out__what_it_writes__reads_back)
{
    struct text text = { NULL, 0, 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "odd key \"\\", "value\\\"é");
    json_out_end(&out);
    struct json_doc *doc = json_open_text("out", text.data, text.bytes);
    CHECK_STR("value\\\"é", json_get_str(json_root(doc), "odd key \"\\"));
    CHECK_OK(json_close(doc, err));
    text_release(&text);
}
