/* rows.csv and timings.csv of a comparison (compare --resume): any bytes are runs of it, which are
 * written as they were read, or an error with its line. */
#include <assert.h>
#include <string.h>

#include "reports/compare.h"
#include "tests/fuzz/fuzz_file.h"

static const struct report_compare_case cases[] = { { .soc = "s", .workload = "w" },
                                                    { .soc = "a,b", .workload = "=\"x\"" } };
static const char *const contestants[] = { "socweave", "comb" };

#define RUNS (2 * 2 * 2)

static void check_rows(const char *text, struct report_compare *c)
{
    struct report_compare_row again[RUNS] = { 0 };
    struct err err = ERR_INIT;
    struct text once = { 0 }, twice = { 0 };
    report_compare_rows_csv(c, &once);
    c->rows = again;
    if (report_compare_read_rows(c, "rows.csv", once.data, &err) != ERR_OK)
        abort();
    report_compare_rows_csv(c, &twice);
    assert(!strcmp(once.data, twice.data) && strlen(text) > 0);
    text_release(&once);
    text_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct report_compare_row rows[RUNS] = { 0 }, timed[RUNS] = { 0 };
    struct report_compare c = { .cases = cases,
                                .case_count = 2,
                                .contestants = contestants,
                                .contestant_count = 2,
                                .first_seed = 1,
                                .seed_count = 2,
                                .rows = rows };
    struct err of_rows = ERR_INIT, of_times = ERR_INIT;
    char *text = calloc(1, count + 1);
    if (!text)
        abort();
    memcpy(text, bytes, count);
    if (report_compare_read_rows(&c, "rows.csv", text, &of_rows) == ERR_OK)
        check_rows(text, &c);
    else
        assert(of_rows.line > 0);
    c.rows = timed;
    if (report_compare_read_timings(&c, "timings.csv", text, &of_times) != ERR_OK)
        assert(of_times.line > 0);
    free(text);
    return 0;
}
