#include "core/err.h"

#include <string.h>

#include "tests/test.h"

static const char *line_of(const struct err *err)
{
    static char line[2048];
    return err_format(err, line, sizeof line);
}

TEST(err__second_failure__changes_nothing)
{
    struct err err = ERR_INIT;
    CHECK_INT(ERR_RANGE, err_set(&err, ERR_RANGE, "expected %d..%d, got %d", 1, 4, 7));
    CHECK_INT(ERR_RANGE, err_set(&err, ERR_IO, "cannot write"));
    CHECK_STR("expected 1..4, got 7", err.text);
    CHECK_INT(ERR_IO, err_set(NULL, ERR_IO, "cannot write"));
}

TEST(err__place__is_added_once)
{
    struct err err = ERR_INIT;
    CHECK_INT(ERR_OK, err_in_file(&err, "early.json", 1, 1)); /* no failure yet: no place */
    err_set(&err, ERR_KEY, "unknown key \"a\"");
    CHECK_INT(ERR_KEY, err_in_file(&err, "edge.json", 41, 19));
    err_in_file(&err, "workload.json", 2, 3);
    CHECK_STR("edge.json:41:19: unknown key \"a\" (KEY)", line_of(&err));
    CHECK_INT(ERR_OK, err_in_file(NULL, "edge.json", 1, 1));
}

TEST(err_format__parts_missing__are_left_out)
{
    struct err err = ERR_INIT;
    err_set(&err, ERR_TYPE, "expected a number, got null");
    CHECK_STR("expected a number, got null (TYPE)", line_of(&err));
    strcpy(err.path, "$.a[3].b");
    CHECK_STR("$.a[3].b: expected a number, got null (TYPE)", line_of(&err));
    strcpy(err.file, "x.json");
    CHECK_STR("x.json: $.a[3].b: expected a number, got null (TYPE)", line_of(&err));
    err.line = 7;
    CHECK_STR("x.json:7: $.a[3].b: expected a number, got null (TYPE)", line_of(&err));
    err.column = 2;
    CHECK_STR("x.json:7:2: $.a[3].b: expected a number, got null (TYPE)", line_of(&err));
    err.text[0] = '\0';
    CHECK_STR("x.json:7:2: $.a[3].b: a value has the wrong type (TYPE)", line_of(&err));
}

TEST(err_format__control_characters__are_escaped)
{
    struct err err = ERR_INIT;
    err_set(&err, ERR_VALUE, "got \"%s\"", "a\nb\x1b[31m\x7f\xc2\x9b é");
    CHECK_STR("got \"a\\x0ab\\x1b[31m\\x7f\\x9b é\" (VALUE)", line_of(&err));
}

TEST(err_format__small_buffer__is_cut_and_terminated)
{
    struct err err = ERR_INIT;
    err_set(&err, ERR_VALUE, "got \n and more");
    for (size_t size = 1; size < 40; size++) {
        char line[40];
        memset(line, '#', sizeof line);
        err_format(&err, line, size);
        CHECK(strlen(line) < size);
        CHECK(strncmp(line, "got \\x0a and more (VALUE)", strlen(line)) == 0);
    }
}

TEST(err_set__long_sentence__ends_in_an_ellipsis)
{
    struct err err = ERR_INIT;
    char text[2000];
    memset(text, 'x', sizeof text);
    memcpy(text + 760, "ééééééé", 14);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_VALUE, "%s", text);
    size_t length = strlen(err.text);
    CHECK(length < sizeof err.text && length > sizeof err.text - 8);
    CHECK_STR("é…", err.text + length - 5);
}

TEST(err__every_code__has_name_sentence_and_status)
{
    CHECK_STR("OK", err_name(ERR_OK));
    CHECK_STR("INTERRUPTED", err_name(ERR_INTERRUPTED));
    CHECK_STR("no legal mapping exists", err_sentence(ERR_INFEASIBLE));
    CHECK_INT(0, err_exit_status(ERR_OK));
    CHECK_INT(2, err_exit_status(ERR_USAGE));
    CHECK_INT(3, err_exit_status(ERR_CYCLE));
    CHECK_INT(4, err_exit_status(ERR_INFEASIBLE));
    CHECK_INT(5, err_exit_status(ERR_IO));
    CHECK_INT(6, err_exit_status(ERR_UNAVAILABLE));
    CHECK_INT(130, err_exit_status(ERR_INTERRUPTED));
}
