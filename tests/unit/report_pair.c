/* Two studies side by side: counts, escapes, JSON and terminal. */
#include <math.h>
#include <string.h>

#include "core/json.h"
#include "reports/sweep_pair.h"
#include "tests/test.h"

static const struct report_measure objectives[] = { { "latency", REPORT_TIME, "" },
                                                    { "area", REPORT_COUNT, "mm²" } };
static const double fast[] = { 3e6, 200 }, small[] = { 9e6, 50 }, smaller[] = { 9e6, 45 };
static const double ideal[] = { 3e6, 45 }, reference[] = { 1e7, 220 };
static const char *const parameters[] = { "pes" };
static const char *const many[] = { "64" }, *const few[] = { "<16>" };

/* A point of both fronts that is equal, one of both that is not, one that the second has not seen,
 * one that it could not map. */
static const struct report_pair_row rows[] = {
    { many, { true, true }, { 1, 1 }, { true, true }, { fast, fast } },
    { few, { true, true }, { 2, 7 }, { true, true }, { small, smaller } },
    { few, { true, false }, { 3, 0 }, { true, false }, { small, NULL } },
    { few, { true, false }, { 4, 4 }, { true, true }, { small, NULL } },
};
static const struct report_pair_option options[] = { { "strategy", { "grid", "random" } },
                                                     { "seed", { "1", "1" } } };

static struct report_pair pair(void)
{
    return (struct report_pair){
        .studies = { { .name = "out/<a>",
                       .space = "s.json",
                       .version = "1",
                       .finished = true,
                       .points = 1234,
                       .evaluations = 2000,
                       .feasible = 1900,
                       .front_count = 4,
                       .hypervolume_frac = 0.75,
                       .coverage_frac = 0.5 },
                     { .name = "a/folder/with/a/long/name/that/goes/on",
                       .space = "s.json",
                       .version = "1",
                       .points = 10,
                       .evaluations = 10,
                       .feasible = 10,
                       .front_count = 2,
                       .hypervolume_frac = 0.5,
                       .coverage_frac = 1 } },
        .workload = "tiny.json",
        .objective_count = 2,
        .objectives = objectives,
        .ideal = ideal,
        .reference = reference,
        .both_frac = 0.8,
        .option_count = 2,
        .options = options,
        .same_parameters = true,
        .parameter_count = 1,
        .parameters = parameters,
        .row_count = 4,
        .rows = rows,
    };
}

TEST(report_pair__common_points__are_those_on_both_fronts)
{
    struct report_pair p = pair();
    struct report_pair_common common = report_pair_common(&p);
    CHECK_INT(2, common.on_both);
    CHECK_INT(1, common.equal);
    CHECK_NEAR(50, report_pair_best(&p, 0, 1), 0);
    CHECK_NEAR(45, report_pair_best(&p, 1, 1), 0);
    p.row_count = 0;
    CHECK(isinf(report_pair_best(&p, 0, 0)));
}

TEST(report_pair__page__escapes_and_says_what_is_known_of_each_point)
{
    struct report_pair p = pair();
    struct text page = { 0 };
    report_pair_html(&p, &page);
    CHECK(strstr(page.data, "out/&lt;a&gt;") && !strstr(page.data, "<a>"));
    CHECK(strstr(page.data, "&lt;16&gt;"));
    CHECK(strstr(page.data, "<td>front</td><td>not looked at</td>"));
    CHECK(strstr(page.data, "<td>front</td><td>not feasible</td>"));
    CHECK(strstr(page.data, "-10.00%")); /* 50 to 45 mm² */
    CHECK(strstr(page.data, "goes/on is not finished"));
    text_release(&page);
}

TEST(report_pair__json__reads_back)
{
    struct report_pair p = pair();
    struct text text = { 0 };
    report_pair_json(&p, &text);
    struct json_doc *doc = json_open_text("pair.json", text.data, text.bytes);
    const struct json_node *root = json_root(doc), *points = json_get(root, "points");
    json_expect_tag(root, "pair/1");
    CHECK_INT(4, json_count(points));
    const struct json_node *sides = json_get(json_item(points, 1), "studies");
    CHECK_NEAR(45, json_get_real(json_item(sides, 1), "area", 0, 1e9), 0);
    CHECK_INT(7, json_get_int(json_item(sides, 1), "point", 0, 100));
    CHECK(json_ok(doc));
    json_close(doc, NULL);
    text_release(&text);
}

TEST(report_pair__terminal__fits_80_columns_and_shows_what_differs)
{
    struct report_pair p = pair();
    struct text text = { 0 };
    report_pair_text(&p, &text);
    CHECK(strstr(text.data, "strategy") && !strstr(text.data, "seed"));
    CHECK(strstr(text.data, "…") && strstr(text.data, "1,234"));
    size_t columns = 0;
    for (const char *c = text.data; *c; c++) {
        columns = *c == '\n' ? 0 : columns + (((unsigned char)*c & 0xc0) != 0x80);
        CHECK(columns <= 80);
    }
    text_release(&text);
}
