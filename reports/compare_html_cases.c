/* Case by case: bars with the spread over seeds, and the same in figures. */
#include <math.h>

#include "reports/compare_html.h"
#include "reports/report_html.h"

#define BAR_LEFT  170.0
#define BAR_WIDTH 300.0
#define BAR_ROW   18.0

/* Lowest and highest seed. */
static struct report_compare_interval seeds_of(const struct report_compare *c, size_t case_,
                                               size_t contestant)
{
    struct report_compare_interval range = { INFINITY, 0 };
    for (size_t s = 0; s < c->seed_count; s++) {
        double value = report_compare_row_value(c, report_compare_row(c, case_, contestant, s));
        range.low = fmin(range.low, value);
        range.high = fmax(range.high, value);
    }
    return range;
}

static void draw_bar(struct text *out, const char *css_class, double y, double width)
{
    text_printf(out, "<rect class=\"%s\" x=\"%g\" y=\"%g\" height=\"%g\" width=\"", css_class,
                BAR_LEFT, y + 3, BAR_ROW - 6);
    report_coordinate(out, width);
    text_add(out, "\"/>");
}

static void draw_seeds(const struct report_compare *c, struct text *out, size_t case_,
                       size_t contestant, double y, double per_unit)
{
    if (c->seed_count < 2)
        return;
    struct report_compare_interval range = seeds_of(c, case_, contestant);
    text_add(out, "<path class=\"whisker\" d=\"M");
    report_coordinate(out, BAR_LEFT + range.low * per_unit);
    text_printf(out, " %gH", y + BAR_ROW / 2);
    report_coordinate(out, BAR_LEFT + range.high * per_unit);
    text_add(out, "\"/>");
    for (size_t s = 0; s < c->seed_count && c->seed_count <= 30; s++) {
        double value = report_compare_row_value(c, report_compare_row(c, case_, contestant, s));
        text_add(out, "<circle class=\"seed\" r=\"1.7\" cx=\"");
        report_coordinate(out, BAR_LEFT + value * per_unit);
        text_printf(out, "\" cy=\"%g\"/>", y + BAR_ROW / 2);
    }
}

static void draw_bound(const struct report_compare *c, struct text *out, size_t case_,
                       size_t contestant, double y, double per_unit)
{
    uint64_t bound_ps = report_compare_row(c, case_, contestant, 0)->lower_bound_ps;
    if (c->objective != OBJECTIVE_LATENCY || bound_ps == 0)
        return;
    text_add(out, "<path class=\"floor\" d=\"M");
    report_coordinate(out, BAR_LEFT + (double)bound_ps * per_unit);
    text_printf(out, " %gv%g\"/>", y + 1, BAR_ROW - 2);
}

static void draw_row(const struct report_compare_facts *f, struct text *out, size_t case_,
                     size_t contestant, double per_unit)
{
    const struct report_compare *c = f->compare;
    double value = report_compare_value(f, case_, contestant);
    double ratio = value / report_compare_value(f, case_, 0), y = BAR_ROW * (double)contestant;
    struct text figure = { 0 };
    report_html_text_at(out, "name", 0, y + 12.5, c->contestants[contestant], 28);
    draw_bar(out, contestant == 0 ? "bar first" : "bar", y, value * per_unit);
    draw_bound(c, out, case_, contestant, y, per_unit);
    draw_seeds(c, out, case_, contestant, y, per_unit);
    report_quantity(&figure, report_compare_dimension(c), value);
    if (contestant > 0)
        text_printf(&figure, ", %.3f×", ratio);
    report_html_text_at(out, "muted", BAR_LEFT + BAR_WIDTH + 6, y + 12.5, figure.data, 28);
    text_release(&figure);
    text_add(out, "\n");
}

static void draw_case(const struct report_compare_facts *f, struct text *out, size_t case_)
{
    const struct report_compare *c = f->compare;
    double most = 0;
    for (size_t m = 0; m < c->contestant_count; m++)
        most = fmax(most, seeds_of(c, case_, m).high);
    text_add(out, "<div class=\"case\"><h3>");
    report_html_text(out, c->cases[case_].soc);
    text_add(out, " <span class=\"times\">×</span> ");
    report_html_text(out, c->cases[case_].workload);
    text_printf(out,
                "</h3>\n<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"Bars of this case\">",
                BAR_LEFT + BAR_WIDTH + 110, BAR_ROW * (double)c->contestant_count);
    for (size_t m = 0; m < c->contestant_count; m++)
        draw_row(f, out, case_, m, most > 0 ? BAR_WIDTH / most : 0);
    text_add(out, "</svg></div>\n");
}

void report_compare_html_cases(const struct report_compare_facts *facts, struct text *out)
{
    if (facts->case_count == 0)
        return;
    report_html_section(out, "cases", "Case by case");
    text_add(out, "<div class=\"cases\">\n");
    for (size_t i = 0; i < facts->case_count; i++)
        draw_case(facts, out, facts->cases[i]);
    text_printf(
        out,
        "</div>\n<p class=\"caption\">Bars from zero, each case to its own scale: %s, the "
        "geometric mean over seeds; dots are the seeds. Beside it: the value, and how many "
        "times that of the first mapper it is.%s</p>\n</section>\n",
        facts->compare->objective == OBJECTIVE_LATENCY ? "simulated makespan"
                                                       : objective_names[facts->compare->objective],
        facts->compare->objective == OBJECTIVE_LATENCY ? " Red line: the lower bound." : "");
}

/* --- in figures ------------------------------------------------------------------------------ */

static void table_row(const struct report_compare_facts *f, struct text *out, size_t case_,
                      struct report_scale scale)
{
    const struct report_compare *c = f->compare;
    text_add(out, "<tr>");
    report_html_cell(out, c->cases[case_].soc);
    report_html_cell(out, c->cases[case_].workload);
    report_html_count(out, c->cases[case_].layers);
    for (size_t m = 0; m < c->contestant_count; m++)
        report_html_number(out, scale, report_compare_value(f, case_, m));
    text_add(out, "</tr>\n");
}

void report_compare_html_table(const struct report_compare_facts *facts, struct text *out)
{
    const struct report_compare *c = facts->compare;
    if (facts->case_count == 0)
        return;
    double most = 0;
    for (size_t i = 0; i < facts->case_count; i++)
        for (size_t m = 0; m < c->contestant_count; m++)
            most = fmax(most, report_compare_value(facts, facts->cases[i], m));
    struct report_scale scale = report_scale_for(report_compare_dimension(c), most);
    report_html_section(out, "table", "In figures");
    text_add(out, "<div class=\"scroll\"><table><thead><tr><th>SoC</th><th>Workload</th>"
                  "<th class=\"n\">Layers</th>");
    for (size_t m = 0; m < c->contestant_count; m++) {
        text_add(out, "<th class=\"n\">");
        report_html_text(out, c->contestants[m]);
        text_add(out, "</th>");
    }
    text_add(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < facts->case_count; i++)
        table_row(facts, out, facts->cases[i], scale);
    text_printf(out,
                "</tbody></table></div>\n<p class=\"caption\">%s in %s, geometric means over the "
                "seeds.</p>\n</section>\n",
                c->objective == OBJECTIVE_LATENCY ? "Simulated makespan" : "Value", scale.unit);
}
