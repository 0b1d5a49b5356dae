/* Numbers and names as people read them, and how layers are stacked in a drawing. */
#include "reports/report_format.h"

#include <string.h>

#include "core/rng.h"
#include "reports/report_floor.h"
#include "tests/test.h"

static void check_quantity(const char *expected, enum report_dimension dimension, double value)
{
    struct text out = { 0 };
    report_quantity(&out, dimension, value);
    CHECK_STR(expected, out.data);
    text_release(&out);
}

TEST(report_quantity__any_size__four_digits_and_a_fitting_unit)
{
    check_quantity("0 ps", REPORT_TIME, 0);
    check_quantity("1.000 ps", REPORT_TIME, 1);
    check_quantity("999.0 ps", REPORT_TIME, 999);
    check_quantity("1.000 ns", REPORT_TIME, 1000);
    check_quantity("1.000 ms", REPORT_TIME, 999.9e6); /* not "999.9 µs" rounded up to 1000 */
    check_quantity("12.35 ms", REPORT_TIME, 12.345678e9);
    check_quantity("12.00 s", REPORT_TIME, 12e12);
    check_quantity("5000.0 ks", REPORT_TIME, 5e18); /* there is no larger unit */
    check_quantity("237.1 mJ", REPORT_ENERGY, 237.1e9);
    check_quantity("1.000 mJ·s", REPORT_EDP, 1e21);
    check_quantity("25.17 MB", REPORT_BYTES, 25165824);
    check_quantity("17 B", REPORT_BYTES, 17);
    check_quantity("800.0 MB/s", REPORT_RATE, 800e6);
}

static void check_percent(const char *expected, double frac)
{
    struct text out = { 0 };
    report_percent(&out, frac);
    CHECK_STR(expected, out.data);
    text_release(&out);
}

TEST(report_percent__small_and_large__stay_honest)
{
    check_percent("0%", 0);
    check_percent("<0.1%", 0.0001);
    check_percent("0.1%", 0.001);
    check_percent("9.9%", 0.0994);
    check_percent("10%", 0.0996);
    check_percent("100%", 1);
    check_percent("260%", 2.6);
    check_percent("-3.0%", -0.03);
}

TEST(report_thousands__any_length__comma_every_three)
{
    struct text out = { 0 };
    report_thousands(&out, 0);
    text_add(&out, " ");
    report_thousands(&out, 999);
    text_add(&out, " ");
    report_thousands(&out, 1000);
    text_add(&out, " ");
    report_thousands(&out, UINT64_MAX);
    CHECK_STR("0 999 1,000 18,446,744,073,709,551,615", out.data);
    text_release(&out);
}

TEST(report_coordinate__two_decimals__no_trailing_zeros)
{
    static const struct {
        double value;
        const char *expected;
    } rows[] = { { 0, "0" },     { 1, "1" },         { 1.5, "1.5" },  { 1.05, "1.05" },
                 { 1.004, "1" }, { -0.25, "-0.25" }, { -0.001, "0" }, { 999.999, "1000" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text out = { 0 };
        report_coordinate(&out, rows[i].value);
        CHECK_STR(rows[i].expected, out.data);
        text_release(&out);
    }
}

static void check_text(void (*write)(struct text *, const char *), const char *expected,
                       const char *value)
{
    struct text out = { 0 };
    text_add(&out, "");
    write(&out, value);
    CHECK_STR(expected, out.data);
    text_release(&out);
}

TEST(report_html_text__hostile_names__are_only_text)
{
    check_text(report_html_text, "&lt;script&gt;alert(1)&lt;/script&gt;",
               "<script>alert(1)</script>");
    check_text(report_html_text, "a&quot; onload=&#39;x&#39; &amp;amp;", "a\" onload='x' &amp;");
    check_text(report_html_text, "µ – 日本 🙂", "µ – 日本 🙂");
    check_text(report_html_text,
               "a\xef\xbf\xbd"
               "b\xef\xbf\xbd"
               "c\xef\xbf\xbd",
               "a\x01"
               "b\x1b"
               "c\x7f");
    check_text(report_html_text, "\xef\xbf\xbd", "\xc2\x85");               /* C1 control */
    check_text(report_html_text, "\xef\xbf\xbd\xef\xbf\xbdz", "\xc0\xafz"); /* overlong '/' */
    check_text(report_html_text, "\xef\xbf\xbd", "\xff");
    check_text(report_html_text, "x\xef\xbf\xbd", "x\xe2"); /* cut short */
}

TEST(report_csv_name__delimiters_and_formulas__are_quoted)
{
    check_text(report_csv_name, "conv1", "conv1");
    check_text(report_csv_name, "\"a,b\"", "a,b");
    check_text(report_csv_name, "\"say \"\"hi\"\"\"", "say \"hi\"");
    check_text(report_csv_name, "\"two\nlines\"", "two\nlines");
    check_text(report_csv_name, "'=1+1", "=1+1");
    check_text(report_csv_name, "\"'@a,b\"", "@a,b");
    check_text(report_csv_name, "", "");
}

TEST(report_plain_text__escape_sequences__do_not_reach_the_terminal)
{
    check_text(report_plain_text, "a\\x1b[2Jb", "a\x1b[2Jb");
    check_text(report_plain_text, "\\xc2\\x9b31m",
               "\xc2\x9b"
               "31m"); /* C1 CSI */
    check_text(report_plain_text, "µ", "µ");
    check_text(report_plain_text, "\\xff", "\xff");
}

TEST(report_csp_hash__known_texts__known_hashes)
{
    /* printf TEXT | openssl dgst -sha256 -binary | base64 */
    struct text out = { 0 };
    report_csp_hash(&out, "", 0);
    CHECK_STR("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", out.data);
    text_release(&out);
    report_csp_hash(&out, "abc", 3);
    CHECK_STR("sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", out.data);
    text_release(&out);
}

/* --- stacking -------------------------------------------------------------------------------- */

static void check_floor(const struct report_floor *floor)
{
    for (size_t i = 0; i < floor->count; i++) {
        CHECK(floor->taken[i].from < floor->taken[i].to && floor->taken[i].to <= floor->pes);
        CHECK(i == 0 || floor->taken[i - 1].to <= floor->taken[i].from);
    }
}

TEST(report_floor__gap_between_two__takes_it_or_is_split)
{
    struct report_floor floor = { .pes = 100 };
    struct report_piece out[REPORT_PIECES_MAX];
    CHECK_INT(1, report_floor_enter(&floor, 40, 10, out)); /* 0..40 */
    CHECK_INT(1, report_floor_enter(&floor, 20, 30, out)); /* 40..60 */
    report_floor_leave(&floor, 10);
    CHECK_INT(1, report_floor_enter(&floor, 40, 30, out));
    CHECK_INT(0, out[0].from);
    CHECK_INT(1, report_floor_enter(&floor, 10, 30, out));
    CHECK_INT(60, out[0].from);
    report_floor_leave(&floor, 30);
    CHECK_INT(0, floor.count);
    report_floor_enter(&floor, 40, 40, out);
    report_floor_enter(&floor, 20, 50, out);
    report_floor_leave(&floor, 40);
    CHECK_INT(2, report_floor_enter(&floor, 70, 60, out)); /* 0..40 and 60..90 */
    CHECK_INT(40, out[0].to);
    CHECK_INT(60, out[1].from);
    CHECK_INT(90, out[1].to);
}

TEST(report_floor__random_arrivals__pieces_never_overlap_and_add_up)
{
    struct rng rng = rng_stream(5, 0, 0);
    struct report_floor floor = { .pes = 1000 };
    struct report_piece out[REPORT_PIECES_MAX];
    for (uint64_t now_ps = 0; now_ps < 5000; now_ps++) {
        report_floor_leave(&floor, now_ps);
        uint64_t used = 0, got = 0;
        for (size_t i = 0; i < floor.count; i++)
            used += floor.taken[i].to - floor.taken[i].from;
        uint64_t wanted = 1 + rng_below(&rng, 400);
        if (used + wanted > floor.pes)
            continue;
        size_t count = report_floor_enter(&floor, wanted, now_ps + 1 + rng_below(&rng, 9), out);
        for (size_t i = 0; i < count; i++)
            got += out[i].to - out[i].from;
        CHECK_INT(wanted, got);
        check_floor(&floor);
    }
}
