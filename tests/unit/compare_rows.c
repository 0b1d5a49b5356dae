/* Rows of a comparison: what is said of them, and their way through files. */
#include <math.h>
#include <string.h>

#include "reports/compare.h"
#include "tests/test.h"

static const struct report_compare_case cases[] = {
    { "soc, \"one\"", "w1", "a.json", "aa", "b.json", "bb", 3, 1 },
    { "soc2", "<w2>", "c.json", "cc", "d.json", "dd", 4, 2 },
};
static const char *const contestants[] = { "new", "=old" };
static struct report_compare_row rows[8];

/* Makespans in units of 100 ps: [case][contestant][seed]; the bound is 100 ps. */
static struct report_compare sample(void)
{
    static const uint64_t makespans[8] = { 1, 4, 4, 4, 2, 2, 1, 1 };
    for (size_t i = 0; i < 8; i++)
        rows[i] = (struct report_compare_row){ .makespan_ps = 100 * makespans[i],
                                               .analytic_makespan_ps = 100 * makespans[i],
                                               .energy_pj = 0.1 + (double)i,
                                               .lower_bound_ps = 100,
                                               .evaluations = i,
                                               .wall_s = 0.25,
                                               .done = true };
    return (struct report_compare){ .cases = cases,
                                    .case_count = 2,
                                    .contestants = contestants,
                                    .contestant_count = 2,
                                    .first_seed = 7,
                                    .seed_count = 2,
                                    .rows = rows,
                                    .fitness = "mixed",
                                    .granularity = "layer",
                                    .sharing = "auto",
                                    .budget_evals = 5,
                                    .version = "0",
                                    .command = "socweave compare" };
}

TEST(compare_facts__two_cases__means_by_hand)
{
    struct report_compare c = sample();
    struct report_compare_facts facts;
    report_compare_facts_init(&facts, &c);
    /* Case 1: 400 / sqrt(100 * 400) = 2; case 2: 100 / 200 = 1/2; so the mean is 1. */
    const struct report_compare_pair *pair = report_compare_pair(&facts, 0, 1);
    CHECK_INT(2, facts.case_count);
    CHECK_NEAR(200, report_compare_value(&facts, 0, 0), 1e-9);
    CHECK_NEAR(1, pair->speedup, 1e-12);
    CHECK_NEAR(0.5, pair->worst, 1e-12);
    CHECK_NEAR(2, pair->best, 1e-12);
    CHECK(pair->wins == 1 && pair->losses == 1 && pair->ties == 0);
    CHECK_NEAR(1, pair->p, 0);
    /* Gaps of the first: 1, 4, 2, 2: fourth root of 16 is 2. One of four runs is at the bound. */
    CHECK_NEAR(1, facts.singles[0].gap_frac, 1e-12);
    CHECK_NEAR(3, facts.singles[0].gap_worst_frac, 1e-12);
    CHECK_INT(1, facts.singles[0].proved);
    CHECK_INT(4, facts.singles[0].runs);
    /* Seeds: 400 / 100 - 1 = 3 and 0. */
    CHECK_NEAR(1.5, facts.singles[0].spread_frac, 1e-12);
    CHECK_NEAR(1, facts.singles[0].wall_s, 1e-12);
    report_compare_facts_release(&facts);
}

TEST(compare_facts__case_with_a_run_missing__does_not_count)
{
    struct report_compare c = sample();
    rows[6].done = false;
    struct report_compare_facts facts;
    report_compare_facts_init(&facts, &c);
    CHECK_INT(1, facts.case_count);
    CHECK_INT(0, facts.cases[0]);
    CHECK_NEAR(2, report_compare_pair(&facts, 0, 1)->speedup, 1e-12);
    report_compare_facts_release(&facts);
}

TEST(compare_rows__written_and_read__same_bytes)
{
    struct report_compare c = sample();
    struct text first = { 0 }, times = { 0 }, second = { 0 };
    rows[3].done = false;
    report_compare_rows_csv(&c, &first);
    report_compare_timings_csv(&c, &times);
    memset(rows, 0, sizeof rows);
    CHECK_OK(report_compare_read_rows(&c, "rows.csv", first.data, err));
    CHECK_OK(report_compare_read_timings(&c, "timings.csv", times.data, err));
    report_compare_rows_csv(&c, &second);
    CHECK_STR(first.data, second.data);
    CHECK(!rows[3].done && rows[4].done && rows[0].energy_pj == 0.1 && rows[4].wall_s == 0.25);
    CHECK(strstr(first.data, "\"soc, \"\"one\"\"\",w1,'=old,7,400,400,2.1,100,2\n"));
    text_release(&first);
    text_release(&times);
    text_release(&second);
}

TEST(compare_rows__damaged__refused_with_the_line)
{
    static const char head[] =
        "soc,workload,mapper,seed,makespan_ps,analytic_makespan_ps,energy_pj,"
        "lower_bound_ps,evaluations\n";
    static const struct {
        const char *rows;
        int line;
    } damaged[] = {
        { "soc2,<w2>,new,7,200,200,4.1,100,4", 2 },     /* cut off */
        { "soc2,<w2>,new,7,200,200,4.1,100,\n", 2 },    /* a figure missing */
        { "soc2,<w2>,new,7,200,200,nan,100,4\n", 2 },   /* no number */
        { "soc2,<w2>,new,7,100,200,4.1,100,4\n", 2 },   /* simulated below analytic */
        { "soc2,<w2>,new,7,200,200,4.1,300,4\n", 2 },   /* below the bound */
        { "soc2,<w2>,new,9,200,200,4.1,100,4\n", 2 },   /* no such seed */
        { "soc2,<w2>,new,7,200,200,4.1,100,4,5\n", 2 }, /* a column too many */
        { "soc2,<w2>,new,8,200,200,5.1,100,5\nsoc2,<w2>,new,7,200,200,4.1,100,4\n", 3 },
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct report_compare c = sample();
        struct err err = ERR_INIT;
        struct text text = { 0 };
        memset(rows, 0, sizeof rows);
        text_add(&text, head);
        text_add(&text, damaged[i].rows);
        CHECK_INT(ERR_SYNTAX, report_compare_read_rows(&c, "rows.csv", text.data, &err));
        CHECK_INT(damaged[i].line, err.line);
        text_release(&text);
    }
    struct report_compare c = sample();
    struct err err = ERR_INIT;
    CHECK_INT(ERR_SYNTAX, report_compare_read_rows(&c, "rows.csv", "soc,", &err));
    CHECK_INT(1, err.line);
}

TEST(compare_html__names_of_any_kind__are_escaped)
{
    struct report_compare c = sample();
    struct report_compare_facts facts;
    struct text html = { 0 };
    report_compare_facts_init(&facts, &c);
    report_compare_html(&facts, &html);
    CHECK(strstr(html.data, "&lt;w2&gt;") && !strstr(html.data, "<w2>"));
    CHECK(!strstr(html.data, "<script") && !strstr(html.data, "style=\""));
    CHECK(strstr(html.data, "default-src 'none'"));
    text_release(&html);
    report_compare_facts_release(&facts);
}
