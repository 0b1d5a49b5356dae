/* The page of a sweep: shares by hand; names that are markup stay text. */
#include <string.h>

#include "reports/sweep_facts.h"
#include "tests/test.h"

/* Levels {1, 3} and {5, 7}: SSW 4, SST 20; 1 - (4 / 2) / (20 / 3) = 0.7. */
TEST(report_sweep__explained__by_hand)
{
    static const double values[] = { 1, 5, 3, 7 }, flat[] = { 2, 2, 2, 2 };
    static const uint32_t levels[] = { 0, 1, 0, 1 }, other[] = { 0, 0, 1, 1 },
                          own[] = { 0, 1, 2, 3 };
    CHECK_NEAR(0.7, report_sweep_explained_frac(values, levels, 4, 2), 1e-12);
    /* Levels {1, 5} and {3, 7}: SSW 16: 1 - 8 / (20 / 3) < 0. */
    CHECK_NEAR(0, report_sweep_explained_frac(values, other, 4, 2), 0);
    CHECK_NEAR(0, report_sweep_explained_frac(flat, levels, 4, 2), 0);
    CHECK_NEAR(-1, report_sweep_explained_frac(values, own, 4, 4), 0);
}

TEST(report_sweep__page__escapes_and_names_what_was_replayed)
{
    static const char *const levels[] = { "1", "<b>" };
    static const struct report_sweep_parameter parameters[] = { { "a&b", 2, levels } };
    static const struct report_measure objectives[] = { { "latency", REPORT_TIME, "" },
                                                        { "area", REPORT_COUNT, "mm²" } };
    static const uint32_t low[] = { 0 }, high[] = { 1 };
    static const double one[] = { 100, 3 }, two[] = { 50, 4 };
    static const struct report_sweep_row rows[] = {
        { .point = 3, .last = true, .on_front = true, .own = 100, .levels = low, .values = one },
        { .point = 9,
          .last = true,
          .on_front = true,
          .replayed = true,
          .replayed_from = 3,
          .own = 200,
          .levels = high,
          .values = two },
    };
    const struct report_sweep_facts facts = { .space = "<space>",
                                              .workload = "w",
                                              .version = "1",
                                              .finished = true,
                                              .points = 2,
                                              .evaluations = 2,
                                              .feasible = 2,
                                              .improved = 1,
                                              .parameter_count = 1,
                                              .parameters = parameters,
                                              .objective_count = 2,
                                              .objectives = objectives,
                                              .row_count = 2,
                                              .rows = rows };
    struct text page = { 0 };
    report_sweep_html(&facts, &page);
    CHECK(strstr(page.data, "&lt;space&gt;") && !strstr(page.data, "<space>"));
    CHECK(strstr(page.data, "a&amp;b") && !strstr(page.data, "<b>\n"));
    CHECK(strstr(page.data, "<tr id=\"p9-0\">") && strstr(page.data, "<tr id=\"p3-0\">"));
    CHECK(strstr(page.data, "1 of 2 feasible outcomes"));
    CHECK(strstr(page.data, "75%")); /* 50 in place of 200 */
    text_release(&page);
}
