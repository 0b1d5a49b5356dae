/* Latency against energy: the mappings that no other found beats in both. */
#include "reports/report_html.h"
#include "reports/report_plot.h"

#define ROWS_SHOWN 12

static const struct report_measure latency = { "latency", REPORT_TIME, "" };
static const struct report_measure energy = { "energy", REPORT_ENERGY, "" };

static void write_title(const struct report *r, size_t i, struct text *out)
{
    text_printf(out, "<title>%zu%s\nlatency ", i + 1, i == r->front_chosen ? ", chosen" : "");
    report_measured(out, &latency, (double)r->front[i].latency_ps);
    text_add(out, "\nenergy ");
    report_measured(out, &energy, r->front[i].energy_pj);
    text_add(out, "\n");
    report_front_file(i, out);
    text_add(out, "</title>");
}

/* What the front dominates is above and to the right of these steps. */
static void draw_stairs(const struct report *r, struct report_axis x, struct report_axis y,
                        struct text *out)
{
    text_add(out, "<path class=\"stairs\" d=\"");
    for (size_t i = 0; i < r->front_count; i++) {
        double at_x = report_plot_x(x, (double)r->front[i].latency_ps);
        double at_y = report_plot_y(y, r->front[i].energy_pj);
        if (i > 0)
            text_printf(out, "H%.1fV%.1f", at_x, at_y);
        else
            text_printf(out, "M%.1f %.1f", at_x, at_y);
    }
    text_add(out, "\"/>\n");
}

static void draw_dots(const struct report *r, struct report_axis x, struct report_axis y,
                      struct text *out)
{
    for (size_t i = 0; i < r->front_count; i++) {
        bool chosen = i == r->front_chosen;
        text_printf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\">",
                    chosen ? "chosen" : "front", report_plot_x(x, (double)r->front[i].latency_ps),
                    report_plot_y(y, r->front[i].energy_pj), chosen ? 9 : 5);
        write_title(r, i, out);
        text_add(out, "</circle>\n");
    }
}

static void write_plot(const struct report *r, struct text *out)
{
    const struct report_point *first = &r->front[0], *last = &r->front[r->front_count - 1];
    struct report_axis x = report_axis_over((double)first->latency_ps, (double)last->latency_ps);
    struct report_axis y = report_axis_over(last->energy_pj, first->energy_pj);
    report_plot_begin(out, "Latency against energy", REPORT_PLOT_HEIGHT);
    report_plot_axes(out, x, y, &latency, &energy);
    draw_stairs(r, x, y, out);
    draw_dots(r, x, y, out);
    text_add(out, "</svg></div>\n");
}

/* "+3.1%" over the front's best. */
static void more_cell(struct text *out, double value, double best)
{
    double more = best > 0 ? value / best - 1 : 0;
    if (more > 0)
        text_printf(out, "<td class=\"n\">+%.2f%%</td>", 100 * more);
    else
        text_add(out, "<td class=\"n\"><span class=\"zero\">best</span></td>");
}

static void write_row(const struct report *r, size_t i, struct text *out)
{
    const struct report_point *p = &r->front[i];
    text_printf(out, "<tr><td class=\"n\">%zu</td><td class=\"n\">", i + 1);
    report_measured(out, &latency, (double)p->latency_ps);
    text_add(out, "</td>");
    more_cell(out, (double)p->latency_ps, (double)r->front[0].latency_ps);
    text_add(out, "<td class=\"n\">");
    report_measured(out, &energy, p->energy_pj);
    text_add(out, "</td>");
    more_cell(out, p->energy_pj, r->front[r->front_count - 1].energy_pj);
    text_add(out, "<td><a href=\"");
    report_front_file(i, out);
    text_add(out, "\">");
    report_front_file(i, out);
    text_printf(out, "</a></td><td>%s</td></tr>\n",
                i == r->front_chosen ? "<b>chosen</b>: mapping.json, and this page" : "");
}

static void write_table(const struct report *r, struct text *out)
{
    bool folds = r->front_count > ROWS_SHOWN;
    if (folds)
        text_printf(out, "<details><summary>All %zu in a table</summary>", r->front_count);
    text_add(out, "<div class=\"scroll\"><table>\n<thead><tr><th class=\"n\">#</th>"
                  "<th class=\"n\">latency</th><th class=\"n\">over the best</th>"
                  "<th class=\"n\">energy</th><th class=\"n\">over the best</th>"
                  "<th>mapping</th><th></th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < r->front_count; i++)
        write_row(r, i, out);
    text_add(out, folds ? "</tbody></table></div></details>\n" : "</tbody></table></div>\n");
}

void report_html_front(const struct report_facts *facts, struct text *out)
{
    const struct report *r = facts->report;
    if (r->front_count == 0)
        return;
    report_html_section(out, "front", "Latency against energy");
    write_plot(r, out);
    text_add(out, "<p class=\"caption\">Mappings that no other found is as good as in one and "
                  "better than in the other. Figures of the simulated runs, contention "
                  "included. The large dot is the chosen one, the knee: least sum of latency and "
                  "energy, each as a share of the front's range. The rest of this page is about "
                  "it.</p>\n");
    write_table(r, out);
    text_add(out, "</section>\n");
}
