#include "reports/report_plot.h"

#include <math.h>

#define LEFT     84
#define RIGHT    24
#define TOP      30
#define BOTTOM   46
#define LOG_FROM 8.0 /* ratio of an axis' ends from which it is logarithmic */

struct report_axis report_axis_over(double low, double high)
{
    bool log = low > 0 && high / low > LOG_FROM;
    double from = log ? log10(low) : low, to = log ? log10(high) : high;
    double room = to > from ? 0.04 * (to - from) : to != 0 ? 0.05 * fabs(to) : 1;
    return (struct report_axis){ log, from - room, to + room };
}

double report_axis_frac(struct report_axis a, double value)
{
    return ((a.log ? log10(value) : value) - a.low) / (a.high - a.low);
}

double report_plot_x(struct report_axis a, double value)
{
    return LEFT + report_axis_frac(a, value) * (REPORT_PLOT_SPAN - LEFT - RIGHT);
}

double report_plot_y(struct report_axis a, double value)
{
    return REPORT_PLOT_HEIGHT - BOTTOM -
           report_axis_frac(a, value) * (REPORT_PLOT_HEIGHT - TOP - BOTTOM);
}

/* Round values: 1, 2, 5 of each decade, or steps of 1, 2 or 5 powers of ten. */
static size_t ticks_of(struct report_axis a, double ticks[32])
{
    static const double mantissas[] = { 1, 2, 5 };
    size_t count = 0;
    if (a.log) {
        bool many = a.high - a.low > 4;
        for (int e = (int)floor(a.low); e <= (int)ceil(a.high); e++)
            for (size_t m = 0; m < (many ? 1 : 3); m++) {
                double value = mantissas[m] * pow(10, e);
                if (count < 32 && report_axis_frac(a, value) >= 0 &&
                    report_axis_frac(a, value) <= 1)
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

static void short_value(struct text *out, const struct report_measure *o, double value)
{
    if (o->dimension == REPORT_COUNT || value <= 0) {
        text_printf(out, "%.4g", value);
        return;
    }
    struct report_scale scale = report_scale_for(o->dimension, value);
    text_printf(out, "%.6g %s", value / scale.divisor, scale.unit);
}

void report_plot_line(struct text *out, double x0, double y0, double x1, double y1)
{
    text_printf(out, "<path class=\"grid\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", x0, y0, x1, y1);
}

void report_plot_axes(struct text *out, struct report_axis x, struct report_axis y,
                      const struct report_measure *on_x, const struct report_measure *on_y)
{
    double ticks[32];
    size_t count = ticks_of(x, ticks);
    for (size_t i = 0; i < count; i++) {
        report_plot_line(out, report_plot_x(x, ticks[i]), TOP, report_plot_x(x, ticks[i]),
                         REPORT_PLOT_HEIGHT - BOTTOM);
        text_printf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%d\">", report_plot_x(x, ticks[i]),
                    REPORT_PLOT_HEIGHT - BOTTOM + 16);
        short_value(out, on_x, ticks[i]);
        text_add(out, "</text>\n");
    }
    count = ticks_of(y, ticks);
    for (size_t i = 0; i < count; i++) {
        report_plot_line(out, LEFT, report_plot_y(y, ticks[i]), REPORT_PLOT_SPAN - RIGHT,
                         report_plot_y(y, ticks[i]));
        text_printf(out, "<text class=\"right\" x=\"%d\" y=\"%.1f\">", LEFT - 7,
                    report_plot_y(y, ticks[i]) + 4);
        short_value(out, on_y, ticks[i]);
        text_add(out, "</text>\n");
    }
    text_printf(out, "<text class=\"tick strong\" x=\"%d\" y=\"%d\">%s%s%s</text>\n",
                (LEFT + REPORT_PLOT_SPAN - RIGHT) / 2, REPORT_PLOT_HEIGHT - 8, on_x->name,
                *on_x->unit ? ", " : "", on_x->unit);
    text_printf(out, "<text class=\"strong\" x=\"%d\" y=\"%d\">%s%s%s</text>\n", LEFT + 6, TOP - 12,
                on_y->name, *on_y->unit ? ", " : "", on_y->unit);
}

void report_plot_begin(struct text *out, const char *label, double height)
{
    text_printf(out,
                "<div class=\"scroll\"><svg class=\"plot\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
                "aria-label=\"%s\">\n",
                REPORT_PLOT_SPAN, height, label);
}
