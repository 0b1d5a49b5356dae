/*
 * Plots of one measure over another, as SVG: axes with round ticks, linear or logarithmic by their
 * range.
 */
#ifndef SOCWEAVE_REPORTS_REPORT_PLOT_H
#define SOCWEAVE_REPORTS_REPORT_PLOT_H

#include <stdbool.h>

#include "reports/report_format.h"

#define REPORT_PLOT_SPAN   1000 /* width */
#define REPORT_PLOT_HEIGHT 380

struct report_axis {
    bool log;
    double low, high; /* of the value, or of its logarithm */
};

/* With some room at both ends; logarithmic from a ratio of 8 between them. */
struct report_axis report_axis_over(double low, double high);
double report_axis_frac(struct report_axis axis, double value); /* 0..1 along it */

/* <div><svg>, for the caller to end with </svg></div>. */
void report_plot_begin(struct text *out, const char *label, double height);
/* Grid, ticks and names, in a plot of REPORT_PLOT_HEIGHT. */
void report_plot_axes(struct text *out, struct report_axis x, struct report_axis y,
                      const struct report_measure *on_x, const struct report_measure *on_y);
double report_plot_x(struct report_axis axis, double value);
double report_plot_y(struct report_axis axis, double value);
void report_plot_line(struct text *out, double x0, double y0, double x1, double y1);

#endif
