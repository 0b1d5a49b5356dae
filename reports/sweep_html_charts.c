/* The charts of sweep.html. */
#include <math.h>

#include "reports/report_html.h"
#include "reports/report_plot.h"
#include "reports/sweep_html.h"

#define DOTS_MAX     2000
#define LINES_MAX    500
#define AXES_MAX     72
#define PARALLEL_TOP 44

bool report_sweep_is_drawn(const struct report_sweep_facts *f, size_t row, size_t limit)
{
    size_t stride = 1 + f->row_count / limit;
    return f->rows[row].on_front || (f->rows[row].last && row % stride == 0);
}

static struct report_axis axis_of(const struct report_sweep_facts *f, size_t objective)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < f->row_count; i++) {
        low = fmin(low, f->rows[i].values[objective]);
        high = fmax(high, f->rows[i].values[objective]);
    }
    return report_axis_over(low, high);
}

/* --- front ------------------------------------------------------------------------------------ */

static void draw_dot(const struct report_sweep_facts *f, const struct report_sweep_row *row,
                     double x, double y, struct text *out)
{
    if (row->report) {
        text_add(out, "<a href=\"");
        report_html_text(out, row->report);
        text_add(out, "\">");
    }
    text_printf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\">",
                row->report     ? "chosen"
                : row->on_front ? "front"
                                : "other",
                x, y,
                row->report     ? "7"
                : row->on_front ? "5"
                                : "3");
    report_sweep_title(f, row, out);
    text_add(out, row->report ? "</circle></a>\n" : "</circle>\n");
}

static void draw_pair(const struct report_sweep_facts *f, size_t on_x, size_t on_y,
                      struct text *out)
{
    struct report_axis x = axis_of(f, on_x), y = axis_of(f, on_y);
    text_add(out, "<figure>\n");
    report_plot_begin(out, "Points by two objectives", REPORT_PLOT_HEIGHT);
    report_plot_axes(out, x, y, &f->objectives[on_x], &f->objectives[on_y]);
    for (int front = 0; front < 2; front++)
        for (size_t i = 0; i < f->row_count; i++)
            if (f->rows[i].on_front == front && report_sweep_is_drawn(f, i, DOTS_MAX))
                draw_dot(f, &f->rows[i], report_plot_x(x, f->rows[i].values[on_x]),
                         report_plot_y(y, f->rows[i].values[on_y]), out);
    text_add(out, "</svg></div>\n</figure>\n");
}

void report_sweep_html_front(const struct report_sweep_facts *f, struct text *out)
{
    if (f->row_count == 0)
        return;
    report_html_section(out, "front", "Pareto front");
    if (f->objective_count == 1)
        text_add(out, "<p class=\"caption\">With one objective the front is its best point."
                      "</p>\n");
    for (size_t y = 1; y < f->objective_count; y++)
        draw_pair(f, 0, y, out);
    text_add(out,
             "<p class=\"caption\"><b>Red and blue</b>: no other outcome is as good everywhere and "
             "better somewhere. Grey: the other points, at the highest budget that each got");
    if (f->row_count >= DOTS_MAX)
        text_add(out, ", thinned out evenly");
    text_add(out, ". Lower left is better. A dot under the pointer says what it is; the large blue "
                  "ones lead to a report. An axis "
                  "is logarithmic where its ends are more than a factor of 8 apart.</p>\n"
                  "</section>\n");
}

/* --- parallel coordinates --------------------------------------------------------------------- */

struct column {
    const struct report_sweep_parameter *parameter; /* or NULL */
    size_t number;                                  /* of the parameter or objective */
    struct report_axis axis;
};

static size_t columns_of(const struct report_sweep_facts *f, struct column columns[AXES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < f->parameter_count && count < AXES_MAX; i++)
        if (f->parameters[i].level_count > 1)
            columns[count++] = (struct column){ .parameter = &f->parameters[i], .number = i };
    for (size_t d = 0; d < f->objective_count && count < AXES_MAX; d++)
        columns[count++] = (struct column){ .number = d, .axis = axis_of(f, d) };
    return count;
}

static double column_x(size_t column, size_t count)
{
    return count > 1 ? 60 + (double)column * (REPORT_PLOT_SPAN - 120) / (double)(count - 1)
                     : REPORT_PLOT_SPAN / 2;
}

static double frac_y(double frac)
{
    return REPORT_PLOT_HEIGHT - 26 - frac * (REPORT_PLOT_HEIGHT - 26 - PARALLEL_TOP - 18);
}

static double column_frac(const struct column *c, const struct report_sweep_row *row)
{
    if (!c->parameter)
        return report_axis_frac(c->axis, row->values[c->number]);
    return (double)row->levels[c->number] / (double)(c->parameter->level_count - 1);
}

static void draw_column(const struct report_sweep_facts *f, const struct column *c, size_t index,
                        double x, struct text *out)
{
    report_plot_line(out, x, frac_y(1), x, frac_y(0));
    report_html_text_at(out, "tick strong", x, index % 2 ? 26 : 12,
                        c->parameter ? c->parameter->name : f->objectives[c->number].name, 24);
    if (!c->parameter) {
        text_printf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">worse</text>\n", x,
                    frac_y(1) - 8);
        text_printf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">better</text>\n", x,
                    frac_y(0) + 16);
        return;
    }
    report_html_text_at(out, "tick", x, frac_y(1) - 8,
                        c->parameter->levels[c->parameter->level_count - 1], 14);
    report_html_text_at(out, "tick", x, frac_y(0) + 16, c->parameter->levels[0], 14);
}

void report_sweep_html_parallel(const struct report_sweep_facts *f, struct text *out)
{
    struct column columns[AXES_MAX];
    if (f->row_count == 0)
        return;
    size_t count = columns_of(f, columns);
    report_html_section(out, "parameters", "Parameters of the points");
    report_plot_begin(out, "Parallel coordinates", REPORT_PLOT_HEIGHT);
    for (size_t c = 0; c < count; c++)
        draw_column(f, &columns[c], c, column_x(c, count), out);
    for (int front = 0; front < 2; front++)
        for (size_t i = 0; i < f->row_count; i++) {
            if (f->rows[i].on_front != front || !report_sweep_is_drawn(f, i, LINES_MAX))
                continue;
            text_printf(out, "<path class=\"%s\" d=\"", front ? "thick" : "thin");
            for (size_t c = 0; c < count; c++)
                text_printf(out, "%c%.1f %.1f", c ? 'L' : 'M', column_x(c, count),
                            frac_y(column_frac(&columns[c], &f->rows[i])));
            text_add(out, "\">");
            report_sweep_title(f, &f->rows[i], out);
            text_add(out, "</path>\n");
        }
    text_add(out, "</svg></div>\n<p class=\"caption\">A line per point, <b>red</b> for the front. "
                  "The values of a parameter stand evenly spaced, smallest at the bottom; the "
                  "objectives are on the right");
    if (f->row_count >= LINES_MAX)
        text_add(out, "; of the points off the front an even selection is drawn");
    text_add(out, ".</p>\n</section>\n");
}

/* --- hypervolume over evaluations ------------------------------------------------------------- */

void report_sweep_html_progress(const struct report_sweep_facts *f, struct text *out)
{
    static const struct report_measure on_x = { "evaluations", REPORT_COUNT, "" };
    static const struct report_measure on_y = { "hypervolume", REPORT_COUNT, "share of the box" };
    if (f->step_count < 2)
        return;
    struct report_axis x = { false, 0, (double)f->evaluations }, y = { false, 0, 1 };
    report_html_section(out, "hypervolume", "Hypervolume over evaluations");
    report_plot_begin(out, "Hypervolume over evaluations", REPORT_PLOT_HEIGHT);
    report_plot_axes(out, x, y, &on_x, &on_y);
    text_add(out, "<path class=\"best\" d=\"");
    for (size_t i = 0; i < f->step_count; i++)
        text_printf(out, "%c%.1f %.1f", i ? 'L' : 'M',
                    report_plot_x(x, (double)f->steps[i].evaluations),
                    report_plot_y(y, f->steps[i].hypervolume_frac));
    text_add(out, "\"/>\n");
    for (size_t i = 0; i < f->step_count; i++)
        text_printf(out,
                    "<circle class=\"pad\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>%llu "
                    "evaluations: %.4f</title></circle>\n",
                    report_plot_x(x, (double)f->steps[i].evaluations),
                    report_plot_y(y, f->steps[i].hypervolume_frac),
                    (unsigned long long)f->steps[i].evaluations, f->steps[i].hypervolume_frac);
    text_add(out, "</svg></div>\n<p class=\"caption\">The volume that the outcomes so far "
                  "dominate, as a share of the box from the best value of each objective to a "
                  "tenth of its range past the worst, over all outcomes of this study. In the "
                  "order in which the strategy asked; infeasible points count as evaluations."
                  "</p>\n</section>\n");
}
