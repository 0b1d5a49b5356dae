/* Means over the cases: the first contestant against each other one, all pairs, and the bounds. */
#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "reports/compare_html.h"
#include "reports/report_html.h"

/* --- forest plot: ratios on a logarithmic axis ----------------------------------------------- */

#define FOREST_LEFT  210.0
#define FOREST_WIDTH 640.0
#define FOREST_ROW   24.0
#define FOREST_AXIS  24.0

struct forest {
    const struct report_compare_facts *facts;
    double low, high; /* of the axis, logarithms */
};

static double case_ratio(const struct report_compare_facts *f, size_t i, size_t baseline)
{
    return report_compare_value(f, f->cases[i], baseline) / report_compare_value(f, f->cases[i], 0);
}

static void forest_init(struct forest *forest, const struct report_compare_facts *f)
{
    double low = 0.95, high = 1.05;
    for (size_t b = 1; b < f->compare->contestant_count; b++)
        for (size_t i = 0; i < f->case_count; i++) {
            low = fmin(low, case_ratio(f, i, b));
            high = fmax(high, case_ratio(f, i, b));
        }
    double margin = 0.02 * log(high / low);
    *forest = (struct forest){ f, log(low) - margin, log(high) + margin };
}

static double forest_x(const struct forest *forest, double ratio)
{
    return FOREST_LEFT + FOREST_WIDTH * (log(ratio) - forest->low) / (forest->high - forest->low);
}

static void forest_axis(const struct forest *forest, struct text *out, double height)
{
    static const double ticks[] = { 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1,  1.1, 1.2, 1.3, 1.5,
                                    1.7, 2,   2.5, 3,   4,   5,   7,   10, 15,  20,  30,  50 };
    double last_x = -INFINITY;
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        double x = forest_x(forest, ticks[i]);
        bool crowded = x - last_x < 34 || fabs(x - forest_x(forest, 1)) < 34;
        if (x < FOREST_LEFT || x > FOREST_LEFT + FOREST_WIDTH || (crowded && ticks[i] != 1))
            continue;
        last_x = x;
        struct text label = { 0 };
        text_printf(&label, "%g×", ticks[i]);
        text_printf(out, "<path class=\"%s\" d=\"M", ticks[i] == 1 ? "one" : "grid");
        report_coordinate(out, x);
        text_printf(out, " %gv%g\"/>", FOREST_AXIS - 6, height + 6);
        report_html_text_at(out, "tick", x, 12, label.data, 8);
        text_release(&label);
    }
}

static void forest_row(const struct forest *forest, struct text *out, size_t baseline, double y)
{
    const struct report_compare_facts *f = forest->facts;
    const struct report_compare_pair *pair = report_compare_pair(f, 0, baseline);
    report_html_text_at(out, "name", 0, y + 3.5, f->compare->contestants[baseline], 34);
    for (size_t i = 0; i < f->case_count; i++) {
        text_add(out, "<circle class=\"each\" r=\"2.6\" cx=\"");
        report_coordinate(out, forest_x(forest, case_ratio(f, i, baseline)));
        text_printf(out, "\" cy=\"%g\"/>", y);
    }
    text_add(out, "<path class=\"range\" d=\"M");
    report_coordinate(out, forest_x(forest, pair->interval.low));
    text_printf(out, " %gH", y);
    report_coordinate(out, forest_x(forest, pair->interval.high));
    text_add(out, "\"/><rect class=\"point\" width=\"9\" height=\"9\" x=\"");
    report_coordinate(out, forest_x(forest, pair->speedup) - 4.5);
    text_printf(out, "\" y=\"%g\"/>\n", y - 4.5);
}

static void write_forest(const struct report_compare_facts *f, struct text *out)
{
    struct forest forest;
    forest_init(&forest, f);
    double height = FOREST_ROW * (double)(f->compare->contestant_count - 1);
    text_printf(out,
                "<div class=\"scroll\"><svg class=\"forest\" viewBox=\"0 0 %g %g\" role=\"img\" "
                "aria-label=\"Geometric "
                "means with 95%% intervals\">",
                FOREST_LEFT + FOREST_WIDTH + 20, FOREST_AXIS + height + 4);
    forest_axis(&forest, out, height);
    for (size_t b = 1; b < f->compare->contestant_count; b++)
        forest_row(&forest, out, b, FOREST_AXIS + FOREST_ROW * ((double)b - 0.5));
    text_add(out, "</svg></div>\n");
}

/* --- the first against the others ------------------------------------------------------------ */

static void ratio_cell(struct text *out, double ratio)
{
    text_printf(out, "<td class=\"n%s\">%.3f</td>", ratio < 0.9995 ? " worse" : "", ratio);
}

static void p_cell(struct text *out, double p)
{
    text_printf(out, p < 0.001 ? "<td class=\"n\">%.1e</td>" : "<td class=\"n\">%.3f</td>", p);
}

static void mean_row(const struct report_compare_facts *f, struct text *out, size_t baseline)
{
    const struct report_compare_pair *pair = report_compare_pair(f, 0, baseline);
    text_add(out, "<tr>");
    report_html_cell(out, f->compare->contestants[baseline]);
    ratio_cell(out, pair->speedup);
    text_printf(out, "<td class=\"n\">%.3f to %.3f</td>", pair->interval.low, pair->interval.high);
    ratio_cell(out, pair->worst);
    ratio_cell(out, pair->best);
    text_printf(out, "<td class=\"n\">%zu / %zu / %zu</td>", pair->wins, pair->ties, pair->losses);
    p_cell(out, pair->p);
    p_cell(out, pair->p_holm);
    ratio_cell(out, pair->analytic_ratio);
    ratio_cell(out, pair->energy_ratio);
    text_add(out, "</tr>\n");
}

void report_compare_html_means(const struct report_compare_facts *facts, struct text *out)
{
    const struct report_compare *c = facts->compare;
    if (facts->case_count == 0 || c->contestant_count < 2)
        return;
    struct text title = { 0 };
    text_add(&title, "How many times better ");
    report_html_text(&title, c->contestants[0]);
    text_add(&title, " is than");
    report_html_section(out, "means", title.data);
    text_release(&title);
    write_forest(facts, out);
    text_add(out, "<div class=\"scroll\"><table><thead><tr><th></th><th class=\"n\">Geomean</th>"
                  "<th class=\"n\">95%</th><th class=\"n\">Worst case</th><th class=\"n\">Best case"
                  "</th><th class=\"n\">Wins / ties / losses</th><th class=\"n\">p</th>"
                  "<th class=\"n\">p, Holm</th><th class=\"n\">Without contention</th>"
                  "<th class=\"n\">Energy</th></tr></thead><tbody>\n");
    for (size_t b = 1; b < c->contestant_count; b++)
        mean_row(facts, out, b);
    text_printf(
        out,
        "</tbody></table></div>\n<p class=\"caption\">Ratios of the other's %s to that of the "
        "first: above 1, the first is better. A value is the geometric mean over the seeds of a "
        "case; the %zu %s are the sample. Dots: single cases; square and line: geometric mean with "
        "95%% of a bootstrap over the cases (10,000 samples). p: Wilcoxon's signed-rank test on "
        "the "
        "logarithms, two-sided, %s; Holm adjusts it for the number of rows. Ties: within 0.01%%. "
        "Without contention: the ratio of the analytic makespans.</p>\n</section>\n",
        c->objective == OBJECTIVE_LATENCY ? "simulated makespan" : objective_names[c->objective],
        facts->case_count, facts->case_count == 1 ? "case" : "cases",
        facts->case_count <= REPORT_COMPARE_EXACT_MAX ? "exact" : "by its normal approximation");
}

/* --- all pairs ------------------------------------------------------------------------------- */

void report_compare_html_pairs(const struct report_compare_facts *facts, struct text *out)
{
    const struct report_compare *c = facts->compare;
    if (facts->case_count == 0 || c->contestant_count < 3)
        return;
    report_html_section(out, "pairs", "All pairs");
    text_add(out, "<div class=\"scroll\"><table><thead><tr><th></th>");
    for (size_t b = 0; b < c->contestant_count; b++) {
        text_add(out, "<th class=\"n\">");
        report_html_text(out, c->contestants[b]);
        text_add(out, "</th>");
    }
    text_add(out, "</tr></thead><tbody>\n");
    for (size_t m = 0; m < c->contestant_count; m++) {
        text_add(out, "<tr>");
        report_html_cell(out, c->contestants[m]);
        for (size_t b = 0; b < c->contestant_count; b++)
            if (b == m)
                text_add(out, "<td class=\"self\">·</td>");
            else
                ratio_cell(out, report_compare_pair(facts, m, b)->speedup);
        text_add(out, "</tr>\n");
    }
    text_add(out, "</tbody></table></div>\n<p class=\"caption\">Geometric mean of column / row: "
                  "how many times better the mapper of the row is than that of the "
                  "column.</p>\n</section>\n");
}

/* --- bounds ---------------------------------------------------------------------------------- */

static void bound_row(const struct report_compare_facts *f, struct text *out, size_t contestant)
{
    const struct report_compare_single *single = &f->singles[contestant];
    text_add(out, "<tr>");
    report_html_cell(out, f->compare->contestants[contestant]);
    report_html_share(out, single->analytic_gap_frac);
    report_html_share(out, single->analytic_gap_worst_frac);
    text_printf(out, "<td class=\"n\">%zu of %zu</td>", single->proved, single->runs);
    report_html_share(out, single->gap_frac);
    report_html_share(out, single->gap_worst_frac);
    report_html_share(out, single->contention_frac);
    report_html_share(out, single->spread_frac);
    text_add(out, "</tr>\n");
}

void report_compare_html_bounds(const struct report_compare_facts *facts, struct text *out)
{
    const struct report_compare *c = facts->compare;
    if (facts->case_count == 0)
        return;
    report_html_section(out, "bounds", "How far from the lower bound");
    text_add(out, "<div class=\"scroll\"><table><thead><tr><th></th><th class=\"n\">Analytic, "
                  "geomean</th><th class=\"n\">Worst</th><th class=\"n\">Proved optimal</th>"
                  "<th class=\"n\">Simulated, geomean</th><th class=\"n\">Worst</th>"
                  "<th class=\"n\">Contention adds</th><th class=\"n\">Spread over seeds</th></tr>"
                  "</thead><tbody>\n");
    for (size_t m = 0; m < c->contestant_count; m++)
        bound_row(facts, out, m);
    text_add(out, "</tbody></table></div>\n<p class=\"caption\">Makespan above the lower bound, "
                  "which holds for every mapping under the sharing mode of the mapper and the "
                  "granularity; bounds of different modes differ. Means over all runs. Spread: "
                  "worst seed over best, less one, the mean over cases.</p>\n</section>\n");
}
