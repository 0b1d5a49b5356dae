/* The charts of sweep.html. */
#include <math.h>

#include "reports/report_html.h"
#include "reports/sweep_html.h"

#define WIDTH        1000
#define HEIGHT       380
#define LEFT         84
#define RIGHT        24
#define TOP          30
#define BOTTOM       46
#define DOTS_MAX     2000
#define LINES_MAX    500
#define LOG_FROM     8.0 /* ratio of an axis' ends from which it is logarithmic */
#define AXES_MAX     72
#define PARALLEL_TOP 44

bool report_sweep_is_drawn(const struct report_sweep_facts *f, size_t row, size_t limit)
{
    size_t stride = 1 + f->row_count / limit;
    return f->rows[row].on_front || (f->rows[row].last && row % stride == 0);
}

/* --- an axis ---------------------------------------------------------------------------------- */

struct axis {
    bool log;
    double low, high; /* of the value, or of its logarithm */
};

static struct axis axis_over(double low, double high)
{
    bool log = low > 0 && high / low > LOG_FROM;
    double from = log ? log10(low) : low, to = log ? log10(high) : high;
    double room = to > from ? 0.04 * (to - from) : to != 0 ? 0.05 * fabs(to) : 1;
    return (struct axis){ log, from - room, to + room };
}

static struct axis axis_of(const struct report_sweep_facts *f, size_t objective)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < f->row_count; i++) {
        low = fmin(low, f->rows[i].values[objective]);
        high = fmax(high, f->rows[i].values[objective]);
    }
    return axis_over(low, high);
}

static double along(struct axis a, double value)
{
    return ((a.log ? log10(value) : value) - a.low) / (a.high - a.low);
}

static double at_x(struct axis a, double value)
{
    return LEFT + along(a, value) * (WIDTH - LEFT - RIGHT);
}

static double at_y(struct axis a, double value)
{
    return HEIGHT - BOTTOM - along(a, value) * (HEIGHT - TOP - BOTTOM);
}

/* Round values: 1, 2, 5 of each decade, or steps of 1, 2 or 5 powers of ten. */
static size_t ticks_of(struct axis a, double ticks[32])
{
    static const double mantissas[] = { 1, 2, 5 };
    size_t count = 0;
    if (a.log) {
        bool many = a.high - a.low > 4;
        for (int e = (int)floor(a.low); e <= (int)ceil(a.high); e++)
            for (size_t m = 0; m < (many ? 1 : 3); m++) {
                double value = mantissas[m] * pow(10, e);
                if (count < 32 && along(a, value) >= 0 && along(a, value) <= 1)
                    ticks[count++] = value;
            }
        return count;
    }
    double rough = (a.high - a.low) / 6, step = pow(10, floor(log10(rough)));
    step *= rough > 5 * step ? 10 : rough > 2 * step ? 5 : rough > step ? 2 : 1;
    for (double k = ceil(a.low / step); k * step <= a.high && count < 32; k++)
        ticks[count++] = k * step;
    return count;
}

static void short_value(struct text *out, const struct report_sweep_objective *o, double value)
{
    if (o->dimension == REPORT_COUNT || value <= 0) {
        text_printf(out, "%.4g", value);
        return;
    }
    struct report_scale scale = report_scale_for(o->dimension, value);
    text_printf(out, "%.3g %s", value / scale.divisor, scale.unit);
}

static void grid_line(struct text *out, double x0, double y0, double x1, double y1)
{
    text_printf(out, "<path class=\"grid\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", x0, y0, x1, y1);
}

static void draw_axes(struct text *out, struct axis x, struct axis y,
                      const struct report_sweep_objective *on_x,
                      const struct report_sweep_objective *on_y)
{
    double ticks[32];
    size_t count = ticks_of(x, ticks);
    for (size_t i = 0; i < count; i++) {
        grid_line(out, at_x(x, ticks[i]), TOP, at_x(x, ticks[i]), HEIGHT - BOTTOM);
        text_printf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%d\">", at_x(x, ticks[i]),
                    HEIGHT - BOTTOM + 16);
        short_value(out, on_x, ticks[i]);
        text_add(out, "</text>\n");
    }
    count = ticks_of(y, ticks);
    for (size_t i = 0; i < count; i++) {
        grid_line(out, LEFT, at_y(y, ticks[i]), WIDTH - RIGHT, at_y(y, ticks[i]));
        text_printf(out, "<text class=\"right\" x=\"%d\" y=\"%.1f\">", LEFT - 7,
                    at_y(y, ticks[i]) + 4);
        short_value(out, on_y, ticks[i]);
        text_add(out, "</text>\n");
    }
    text_printf(out, "<text class=\"tick strong\" x=\"%d\" y=\"%d\">%s%s%s</text>\n",
                (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, on_x->name, *on_x->unit ? ", " : "",
                on_x->unit);
    text_printf(out, "<text class=\"strong\" x=\"%d\" y=\"%d\">%s%s%s</text>\n", LEFT + 6, TOP - 12,
                on_y->name, *on_y->unit ? ", " : "", on_y->unit);
}

static void open_svg(struct text *out, const char *label, double height)
{
    text_printf(out,
                "<div class=\"scroll\"><svg class=\"plot\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
                "aria-label=\"%s\">\n",
                WIDTH, height, label);
}

/* --- front ------------------------------------------------------------------------------------ */

static void draw_dot(const struct report_sweep_facts *f, const struct report_sweep_row *row,
                     double x, double y, struct text *out)
{
    text_printf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\">",
                row->on_front ? "front" : "other", x, y, row->on_front ? "5" : "3");
    report_sweep_title(f, row, out);
    text_add(out, "</circle>\n");
}

static void draw_pair(const struct report_sweep_facts *f, size_t on_x, size_t on_y,
                      struct text *out)
{
    struct axis x = axis_of(f, on_x), y = axis_of(f, on_y);
    text_add(out, "<figure>\n");
    open_svg(out, "Points by two objectives", HEIGHT);
    draw_axes(out, x, y, &f->objectives[on_x], &f->objectives[on_y]);
    for (int front = 0; front < 2; front++)
        for (size_t i = 0; i < f->row_count; i++)
            if (f->rows[i].on_front == front && report_sweep_is_drawn(f, i, DOTS_MAX))
                draw_dot(f, &f->rows[i], at_x(x, f->rows[i].values[on_x]),
                         at_y(y, f->rows[i].values[on_y]), out);
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
    text_add(out, "<p class=\"caption\"><b>Red</b>: no other outcome is as good everywhere and "
                  "better somewhere. Grey: the other points, at the highest budget that each got");
    if (f->row_count >= DOTS_MAX)
        text_add(out, ", thinned out evenly");
    text_add(out, ". Lower left is better. A dot under the pointer says what it is. An axis "
                  "is logarithmic where its ends are more than a factor of 8 apart.</p>\n"
                  "</section>\n");
}

/* --- parallel coordinates --------------------------------------------------------------------- */

struct column {
    const struct report_sweep_parameter *parameter; /* or NULL */
    size_t number;                                  /* of the parameter or objective */
    struct axis axis;
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
    return count > 1 ? 60 + (double)column * (WIDTH - 120) / (double)(count - 1) : WIDTH / 2;
}

static double frac_y(double frac)
{
    return HEIGHT - 26 - frac * (HEIGHT - 26 - PARALLEL_TOP - 18);
}

static double column_frac(const struct column *c, const struct report_sweep_row *row)
{
    if (!c->parameter)
        return along(c->axis, row->values[c->number]);
    return (double)row->levels[c->number] / (double)(c->parameter->level_count - 1);
}

static void draw_column(const struct report_sweep_facts *f, const struct column *c, size_t index,
                        double x, struct text *out)
{
    grid_line(out, x, frac_y(1), x, frac_y(0));
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
    open_svg(out, "Parallel coordinates", HEIGHT);
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
    static const struct report_sweep_objective on_x = { "evaluations", REPORT_COUNT, "" };
    static const struct report_sweep_objective on_y = { "hypervolume", REPORT_COUNT,
                                                        "share of the box" };
    if (f->step_count < 2)
        return;
    struct axis x = { false, 0, (double)f->evaluations }, y = { false, 0, 1 };
    report_html_section(out, "hypervolume", "Hypervolume over evaluations");
    open_svg(out, "Hypervolume over evaluations", HEIGHT);
    draw_axes(out, x, y, &on_x, &on_y);
    text_add(out, "<path class=\"best\" d=\"");
    for (size_t i = 0; i < f->step_count; i++)
        text_printf(out, "%c%.1f %.1f", i ? 'L' : 'M', at_x(x, (double)f->steps[i].evaluations),
                    at_y(y, f->steps[i].hypervolume_frac));
    text_add(out, "\"/>\n");
    for (size_t i = 0; i < f->step_count; i++)
        text_printf(out,
                    "<circle class=\"pad\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>%llu "
                    "evaluations: %.4f</title></circle>\n",
                    at_x(x, (double)f->steps[i].evaluations), at_y(y, f->steps[i].hypervolume_frac),
                    (unsigned long long)f->steps[i].evaluations, f->steps[i].hypervolume_frac);
    text_add(out, "</svg></div>\n<p class=\"caption\">The volume that the outcomes so far "
                  "dominate, as a share of the box from the best value of each objective to a "
                  "tenth of its range past the worst, over all outcomes of this study. In the "
                  "order in which the strategy asked; infeasible points count as evaluations."
                  "</p>\n</section>\n");
}
