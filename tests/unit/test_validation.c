#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "reports/validation.h"
#include "tests/test.h"

static struct report_trial row_of(enum report_outcome outcome, uint64_t layers, double measured_ns,
                                  double predicted_ns)
{
    return (struct report_trial){ .layer = "conv",
                                  .layers = layers,
                                  .intrinsic = "vnni.16x4",
                                  .match = "i=k k=c",
                                  .kernel = "three loops",
                                  .detail = outcome == REPORT_OK ? "" : "because",
                                  .outcome = outcome,
                                  .operations = 2000,
                                  .bytes = 100,
                                  .measured_ns = measured_ns,
                                  .predicted_ns = predicted_ns,
                                  .peak_ops_per_s = measured_ns > 0 ? 40e9 : 0 };
}

static struct report_validation validation_of(struct report_trial *rows, size_t count)
{
    return (struct report_validation){ .backend = "cpu",
                                       .device = "a core",
                                       .reason = "",
                                       .subject = "net",
                                       .machine = "",
                                       .seed = 7,
                                       .threads = 2,
                                       .samples = 5,
                                       .version = "1",
                                       .command = "socweave validate",
                                       .count = count,
                                       .rows = rows };
}

TEST(validation__rank_correlation__by_hand)
{
    static const double x[] = { 1, 2, 3, 4, 5 }, up[] = { 1, 4, 9, 16, 25 };
    static const double down[] = { 5, 4, 3, 2, 1 }, swapped[] = { 1, 3, 2, 4, 5 };
    static const double flat[] = { 2, 2, 2, 2, 2 }, tied[] = { 1, 2, 2, 3, 3 };
    CHECK_NEAR(1, report_rank_correlation(x, up, 5), 1e-12);
    CHECK_NEAR(-1, report_rank_correlation(x, down, 5), 1e-12);
    /* 1 - 6 · (1 + 1) / (5 · 24) */
    CHECK_NEAR(0.9, report_rank_correlation(x, swapped, 5), 1e-12);
    CHECK_NEAR(0, report_rank_correlation(x, flat, 5), 0);
    /* Ranks 1, 2.5, 2.5, 4.5, 4.5: 9 / sqrt(10 · 9). */
    CHECK_NEAR(9 / 9.486832980505138, report_rank_correlation(x, tied, 5), 1e-12);
}

/* Errors 0.5, 0.1, 0.25: median 0.25. 2000 operations in 100 ns are 20 of 40 GOP/s. */
TEST(validation__sums__only_passes_are_timed)
{
    struct report_trial rows[] = { row_of(REPORT_OK, 3, 100, 150), row_of(REPORT_OK, 1, 100, 90),
                                   row_of(REPORT_OK, 1, 100, 75), row_of(REPORT_MISMATCH, 2, 0, 9),
                                   row_of(REPORT_UNSUPPORTED, 4, 0, 0) };
    struct report_validation v = validation_of(rows, 5);
    struct report_validation_sums sums = report_validation_sums(&v);
    CHECK_INT(3, sums.rows[REPORT_OK]);
    CHECK_INT(5, sums.layers[REPORT_OK]);
    CHECK_INT(1, sums.rows[REPORT_MISMATCH]);
    CHECK_INT(4, sums.layers[REPORT_UNSUPPORTED]);
    CHECK_INT(0, sums.rows[REPORT_UNAVAILABLE]);
    CHECK_INT(3, sums.timed);
    CHECK_NEAR(0.25, sums.median_error_frac, 1e-12);
    CHECK_NEAR(500, sums.measured_ns, 1e-9);
    CHECK_NEAR(3 * 150 + 90 + 75, sums.predicted_ns, 1e-9);
    CHECK_NEAR(0.5, sums.geomean_peak_frac, 1e-12);
}

TEST(validation__json__reads_back_as_it_was)
{
    struct report_trial rows[] = { row_of(REPORT_OK, 3, 100, 150),
                                   row_of(REPORT_UNSUPPORTED, 1, 0, 0) };
    rows[0].term_count = 2;
    rows[0].terms[0] = (struct report_term){ "products", 120 };
    rows[0].terms[1] = (struct report_term){ "L2", 80.5 };
    struct report_validation v = validation_of(rows, 2), back;
    v.l2_bytes_per_s = 200e9;
    struct text once = { 0 }, twice = { 0 };
    struct arena *arena = arena_new();
    char *file = file_join(test_temp_dir(), "validate.cpu.json");
    report_validation_json(&v, &once);
    CHECK_OK(file_write(file, once.data, once.bytes, err));
    CHECK_OK(report_validation_load(&back, file, arena, err));
    report_validation_json(&back, &twice);
    CHECK_STR(once.data, twice.data);
    CHECK_INT(REPORT_UNSUPPORTED, back.rows[1].outcome);
    CHECK_STR("because", back.rows[1].detail);
    CHECK_INT(2, back.rows[0].term_count);
    CHECK_STR("products", report_trial_bound(&back.rows[0]));
    CHECK_STR("L2", back.rows[0].terms[1].name);
    CHECK_NEAR(80.5, back.rows[0].terms[1].ns, 0);
    CHECK_STR("", report_trial_bound(&back.rows[1]));
    CHECK_NEAR(200e9, back.l2_bytes_per_s, 0);
    CHECK_NEAR(0, back.l1_bytes_per_s, 0);
    free(file);
    arena_free(arena);
    text_release(&once);
    text_release(&twice);
}

TEST(validation__json__without_its_backend__is_told)
{
    struct report_validation v = validation_of(NULL, 0), back;
    struct text text = { 0 };
    struct arena *arena = arena_new();
    struct err error = ERR_INIT;
    char *file = file_join(test_temp_dir(), "validate.json");
    v.backend = "";
    report_validation_json(&v, &text);
    CHECK_OK(file_write(file, text.data, text.bytes, err));
    CHECK_INT(ERR_VALUE, report_validation_load(&back, file, arena, &error));
    CHECK_STR("$.backend", error.path);
    free(file);
    arena_free(arena);
    text_release(&text);
}

TEST(validation__page__says_what_binds)
{
    struct report_trial rows[] = { row_of(REPORT_OK, 1, 100, 150), row_of(REPORT_OK, 1, 900, 50),
                                   row_of(REPORT_OK, 1, 4000, 50) };
    rows[0].term_count = 2;
    rows[0].terms[0] = (struct report_term){ "L2", 140 };
    rows[0].terms[1] = (struct report_term){ "products", 120 };
    rows[1].term_count = 1;
    rows[1].terms[0] = (struct report_term){ "packing", 40 };
    struct report_validation v = validation_of(rows, 3);
    struct text page = { 0 };
    v.l2_bytes_per_s = 2e9;
    report_validation_html(&v, 1, &page);
    CHECK(strstr(page.data, "<th>Bound by</th>") != NULL);
    CHECK(strstr(page.data, "bound by caches and memory") != NULL);
    CHECK(strstr(page.data, "bound by packing") != NULL);
    CHECK(strstr(page.data, "bound by computing") == NULL);
    CHECK(strstr(page.data, "circle class=\"by memory\"") != NULL);
    CHECK(strstr(page.data, "L2 140") != NULL && strstr(page.data, "products 120") != NULL);
    CHECK(strstr(page.data, "L2 2 GB/s</text>") != NULL);
    CHECK(strstr(page.data, "L3 0 GB/s") == NULL);
    text_release(&page);
}

TEST(validation__page__escapes_names_and_has_a_section_per_backend)
{
    struct report_trial rows[] = { row_of(REPORT_OK, 1, 100, 150), row_of(REPORT_OK, 1, 900, 50) };
    struct report_validation v[2] = { validation_of(rows, 2), validation_of(rows, 2) };
    struct text page = { 0 };
    rows[0].layer = "<b>&";
    v[1].backend = "cuda";
    v[1].reason = "no driver";
    report_validation_html(v, 2, &page);
    CHECK(strstr(page.data, "&lt;b&gt;&amp;") != NULL && strstr(page.data, "<b>&") == NULL);
    CHECK(strstr(page.data, "id=\"b0\"") && strstr(page.data, "id=\"b1\""));
    CHECK(strstr(page.data, "not available: no driver") != NULL);
    text_release(&page);
}
