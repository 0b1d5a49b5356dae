/* validate.html: one file from disk, without scripts; a section of charts per backend. */
#include <math.h>
#include <string.h>

#include "reports/report_format.h"
#include "reports/report_html.h"
#include "reports/validation.h"

static const char style[] =
#include "reports/report_style.css.inc"
    ;

/* --- a log-log plot --------------------------------------------------------------------------- */

#define PLOT_WIDTH  1000
#define PLOT_HEIGHT 420
#define PLOT_LEFT   70
#define PLOT_BOTTOM 44
#define PLOT_TOP    14
#define PLOT_RIGHT  20

struct plot {
    double x_low, x_high, y_low, y_high; /* powers of ten */
};

static double plot_x(const struct plot *p, double value)
{
    double frac = (log10(value) - p->x_low) / (p->x_high - p->x_low);
    return PLOT_LEFT + frac * (PLOT_WIDTH - PLOT_LEFT - PLOT_RIGHT);
}

static double plot_y(const struct plot *p, double value)
{
    double frac = (log10(value) - p->y_low) / (p->y_high - p->y_low);
    return PLOT_HEIGHT - PLOT_BOTTOM - frac * (PLOT_HEIGHT - PLOT_BOTTOM - PLOT_TOP);
}

static void widen(double value, double *low, double *high)
{
    if (value <= 0)
        return;
    *low = fmin(*low, floor(log10(value)));
    *high = fmax(*high, ceil(log10(value) + 1e-9));
}

static void write_line(const struct plot *p, struct text *out, const char *css_class, double x0,
                       double y0, double x1, double y1)
{
    text_printf(out, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", css_class, plot_x(p, x0),
                plot_y(p, y0), plot_x(p, x1), plot_y(p, y1));
}

static void tick_text(struct text *out, const char *css_class, double x, double y,
                      enum report_dimension dimension, double value, const char *unit)
{
    text_printf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", css_class, x, y);
    if (dimension == REPORT_TIME)
        text_printf(out,
                    value < 1e3   ? "%.0f ns"
                    : value < 1e6 ? "%.0f us"
                                  : "%.0f ms",
                    value < 1e3   ? value
                    : value < 1e6 ? value / 1e3
                                  : value / 1e6);
    else
        text_printf(out, "%g%s", value, unit);
    text_add(out, "</text>\n");
}

/* Frame, a grid line per decade, names of both axes. */
static void open_plot(const struct plot *p, struct text *out, const char *label,
                      enum report_dimension dimension, const char *x_name, const char *y_name)
{
    text_printf(out,
                "<div class=\"scroll\"><svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" "
                "aria-label=\"%s\">\n",
                PLOT_WIDTH, PLOT_HEIGHT, label);
    for (double e = p->x_low; e <= p->x_high; e++) {
        double value = pow(10, e);
        write_line(p, out, "grid", value, pow(10, p->y_low), value, pow(10, p->y_high));
        tick_text(out, "tick", plot_x(p, value), PLOT_HEIGHT - PLOT_BOTTOM + 15, dimension, value,
                  "");
    }
    for (double e = p->y_low; e <= p->y_high; e++) {
        double value = pow(10, e);
        write_line(p, out, "grid", pow(10, p->x_low), value, pow(10, p->x_high), value);
        tick_text(out, "right", PLOT_LEFT - 6, plot_y(p, value) + 4, dimension, value, "");
    }
    text_printf(out, "<text class=\"tick\" x=\"%d\" y=\"%d\">%s</text>\n", PLOT_WIDTH / 2,
                PLOT_HEIGHT - 8, x_name);
    text_printf(out, "<text class=\"muted\" x=\"%d\" y=\"%d\">%s</text>\n", PLOT_LEFT + 8,
                PLOT_TOP + 12, y_name);
}

/* --- what binds ------------------------------------------------------------------------------- */

/* Kinds of terms: class of the style, name in the legend. The last one is for all others. */
static const struct kind {
    const char *css_class, *text;
    const char *terms[8];
} kinds[] = {
    { "by compute",
      "computing",
      { "products", "loads", "latency", "tiles", "stores", "depthwise", "compute" } },
    { "by memory", "caches and memory", { "L2", "L3", "memory", "read", "write" } },
    { "by transfer", "packing", { "packing", "staging" } },
    { "by queue", "the call, and what follows the sums", { "call", "epilogue" } },
    { "pad", "no term of a prediction", { NULL } },
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

static size_t kind_of(const struct report_trial *row)
{
    const char *bound = report_trial_bound(row);
    for (size_t k = 0; k + 1 < KIND_COUNT; k++)
        for (size_t t = 0; kinds[k].terms[t] != NULL; t++)
            if (strcmp(kinds[k].terms[t], bound) == 0)
                return k;
    return KIND_COUNT - 1;
}

/* Of the kinds that there are, if any row has a term. */
static void write_legend(const struct report_validation *v, struct text *out)
{
    bool there[KIND_COUNT] = { false };
    size_t known = 0;
    for (size_t i = 0; i < v->count; i++) {
        there[kind_of(&v->rows[i])] |= v->rows[i].measured_ns > 0;
        known += v->rows[i].term_count;
    }
    if (known == 0)
        return;
    text_add(out, "<ul class=\"legend\">");
    for (size_t k = 0; k < KIND_COUNT; k++)
        if (there[k])
            text_printf(out,
                        "<li><svg class=\"swatch\" width=\"12\" height=\"12\"><circle class=\"%s\" "
                        "cx=\"6\" cy=\"6\" r=\"5\"/></svg> bound by %s</li>",
                        kinds[k].css_class, kinds[k].text);
    text_add(out, "</ul>\n");
}

/* "products 593 us, L2 389 us" */
static void write_terms(const struct report_trial *row, struct text *out)
{
    for (size_t t = 0; t < row->term_count; t++) {
        text_add(out, t > 0 ? ", " : "");
        report_html_text(out, row->terms[t].name);
        text_add(out, " ");
        report_quantity(out, REPORT_TIME, row->terms[t].ns * 1e3);
    }
}

static void write_point(const struct plot *p, const struct report_trial *row, double x, double y,
                        struct text *out)
{
    text_printf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>",
                kinds[kind_of(row)].css_class, plot_x(p, x), plot_y(p, y));
    report_html_text(out, row->layer);
    text_add(out, ": measured ");
    report_quantity(out, REPORT_TIME, row->measured_ns * 1e3);
    if (row->predicted_ns > 0) {
        text_add(out, ", predicted ");
        report_quantity(out, REPORT_TIME, row->predicted_ns * 1e3);
        text_add(out, row->term_count > 0 ? " (" : "");
        write_terms(row, out);
        text_add(out, row->term_count > 0 ? ")" : "");
    }
    text_printf(out, ", %.3g GOP/s</title></circle>\n", report_trial_ops_per_s(row) / 1e9);
}

/* --- predicted against measured --------------------------------------------------------------- */

static bool has_both(const struct report_trial *row)
{
    return row->outcome == REPORT_OK && row->measured_ns > 0 && row->predicted_ns > 0;
}

/* y = factor · x, cut at the frame. */
static void write_ratio(const struct plot *p, double factor, const char *css_class,
                        struct text *out)
{
    double low = pow(10, p->x_low), high = pow(10, p->x_high);
    double from = fmax(low, low / factor), to = fmin(high, high / factor);
    write_line(p, out, css_class, from, from * factor, to, to * factor);
}

static void write_scatter(const struct report_validation *v, struct text *out)
{
    struct plot p = { INFINITY, -INFINITY, 0, 0 };
    for (size_t i = 0; i < v->count; i++) {
        if (!has_both(&v->rows[i]))
            continue;
        widen(v->rows[i].measured_ns, &p.x_low, &p.x_high);
        widen(v->rows[i].predicted_ns, &p.x_low, &p.x_high);
    }
    if (!(p.x_high > p.x_low))
        return;
    p.y_low = p.x_low;
    p.y_high = p.x_high;
    text_add(out, "<figure>\n");
    open_plot(&p, out, "Predicted against measured time", REPORT_TIME, "measured", "predicted");
    write_ratio(&p, 1, "best", out);
    write_ratio(&p, 2, "bound", out);
    write_ratio(&p, 0.5, "bound", out);
    for (size_t i = 0; i < v->count; i++)
        if (has_both(&v->rows[i]))
            write_point(&p, &v->rows[i], v->rows[i].measured_ns, v->rows[i].predicted_ns, out);
    text_add(out, "</svg></div>\n");
    write_legend(v, out);
    text_add(out, "<figcaption>Time of each layer, both axes logarithmic. On the "
                  "line the prediction is right; beyond the dashed ones it is off by more than a "
                  "factor of two. Above the line the layer ran faster than predicted. The largest "
                  "part of a prediction binds."
                  "</figcaption>\n</figure>\n");
}

/* --- roofline --------------------------------------------------------------------------------- */

static bool has_rate(const struct report_trial *row)
{
    return row->outcome == REPORT_OK && row->measured_ns > 0 && row->bytes > 0 &&
           row->operations > 0;
}

static double intensity_of(const struct report_trial *row)
{
    return (double)row->operations / (double)row->bytes;
}

/* The mean of the peaks that were measured around the layers; 0: none. */
static double peak_gops(const struct report_validation *v)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < v->count; i++) {
        sum += v->rows[i].peak_ops_per_s / 1e9;
        count += v->rows[i].peak_ops_per_s > 0;
    }
    return count > 0 ? sum / (double)count : 0;
}

/* What one level of memory lets through, as far as the peak. */
static void write_slope(const struct plot *p, const char *name, double gbytes_per_s, double peak,
                        struct text *out)
{
    double low = pow(10, p->x_low), high = pow(10, p->x_high), floor_gops = pow(10, p->y_low);
    if (gbytes_per_s <= 0)
        return;
    double from = fmax(low, floor_gops / gbytes_per_s);
    double to = fmin(high, (peak > 0 ? peak : pow(10, p->y_high)) / gbytes_per_s);
    if (to <= from)
        return;
    write_line(p, out, "best", from, from * gbytes_per_s, to, to * gbytes_per_s);
    double at = sqrt(from * to);
    text_printf(out, "<text class=\"muted\" x=\"%.1f\" y=\"%.1f\">%s %.3g GB/s</text>\n",
                plot_x(p, at) + 6, plot_y(p, at * gbytes_per_s) + 12, name, gbytes_per_s);
}

static void write_roofs(const struct plot *p, const struct report_validation *v, struct text *out)
{
    const struct {
        const char *name;
        double bytes_per_s;
    } levels[] = { { "L1", v->l1_bytes_per_s },
                   { "L2", v->l2_bytes_per_s },
                   { "L3", v->l3_bytes_per_s },
                   { "memory", v->memory_bytes_per_s } };
    double peak = peak_gops(v), widest = 0, low = pow(10, p->x_low), high = pow(10, p->x_high);
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        write_slope(p, levels[l].name, levels[l].bytes_per_s / 1e9, peak, out);
        widest = fmax(widest, levels[l].bytes_per_s / 1e9);
    }
    if (peak > 0)
        write_line(p, out, "best", widest > 0 ? fmax(low, fmin(high, peak / widest)) : low, peak,
                   high, peak);
}

static void write_roofline(const struct report_validation *v, struct text *out)
{
    struct plot p = { INFINITY, -INFINITY, INFINITY, -INFINITY };
    for (size_t i = 0; i < v->count; i++) {
        if (!has_rate(&v->rows[i]))
            continue;
        widen(intensity_of(&v->rows[i]), &p.x_low, &p.x_high);
        widen(report_trial_ops_per_s(&v->rows[i]) / 1e9, &p.y_low, &p.y_high);
    }
    if (!(p.x_high > p.x_low) || !(p.y_high > p.y_low))
        return;
    widen(peak_gops(v), &p.y_low, &p.y_high);
    text_add(out, "<figure>\n");
    open_plot(&p, out, "Roofline", REPORT_COUNT, "operations per byte", "GOP/s");
    write_roofs(&p, v, out);
    for (size_t i = 0; i < v->count; i++)
        if (has_rate(&v->rows[i]))
            write_point(&p, &v->rows[i], intensity_of(&v->rows[i]),
                        report_trial_ops_per_s(&v->rows[i]) / 1e9, out);
    text_add(out, "</svg></div>\n<figcaption>Operations per second against operations per byte, if "
                  "each byte of the inputs and the output moves once. ");
    text_add(out, peak_gops(v) > 0 ? "The roof is the peak measured around the layers in the same "
                                     "process."
                                   : "This backend measures no peak, so there is no roof.");
    if (v->memory_bytes_per_s > 0)
        text_add(out, " Slopes: what the machine of the predictions reads from each level.");
    text_add(out, "</figcaption>\n</figure>\n");
}

/* --- tables ----------------------------------------------------------------------------------- */

static void time_cell(struct text *out, double ns)
{
    text_add(out, "<td class=\"n\">");
    if (ns > 0)
        report_quantity(out, REPORT_TIME, ns * 1e3);
    text_add(out, "</td>");
}

static void write_row(const struct report_trial *row, struct text *out)
{
    text_add(out, "<tr>");
    report_html_cell(out, row->layer);
    report_html_count(out, row->layers);
    report_html_cell(out, row->intrinsic);
    report_html_cell(out, row->match);
    report_html_cell(out, report_outcome_names[row->outcome]);
    if (row->outcome != REPORT_OK) {
        text_add(out, "<td colspan=\"6\">");
        report_html_text(out, row->detail);
        text_add(out, "</td></tr>\n");
        return;
    }
    time_cell(out, row->measured_ns);
    time_cell(out, row->predicted_ns);
    text_add(out, "<td title=\"");
    write_terms(row, out);
    text_add(out, "\">");
    report_html_text(out, report_trial_bound(row));
    text_add(out, "</td><td class=\"n\">");
    if (row->measured_ns > 0)
        text_printf(out, "%.4g", report_trial_ops_per_s(row) / 1e9);
    text_add(out, "</td><td class=\"n\">");
    if (report_trial_peak_frac(row) > 0)
        report_percent(out, report_trial_peak_frac(row));
    text_add(out, "</td>");
    report_html_cell(out, row->kernel);
    text_add(out, "</tr>\n");
}

static void write_table(const struct report_validation *v, struct text *out)
{
    text_add(out, "<div class=\"scroll\"><table><thead><tr><th>Layer</th><th class=\"n\">of equal "
                  "shape</th><th>Instruction</th><th>Plan</th><th>Outcome</th>"
                  "<th class=\"n\">Measured</th><th class=\"n\">Predicted</th>"
                  "<th>Bound by</th>"
                  "<th class=\"n\">GOP/s</th><th class=\"n\">of peak</th><th>Kernel</th></tr>"
                  "</thead><tbody>\n");
    for (size_t i = 0; i < v->count; i++)
        write_row(&v->rows[i], out);
    text_add(out, "</tbody></table></div>\n");
}

static void write_sums(const struct report_validation *v, struct text *out)
{
    struct report_validation_sums sums = report_validation_sums(v);
    text_add(out, "<p class=\"words\">");
    for (size_t o = 0; o < REPORT_OUTCOME_COUNT; o++)
        text_printf(out, "%s%llu %s", o > 0 ? ", " : "", (unsigned long long)sums.rows[o],
                    report_outcome_names[o]);
    if (sums.timed > 0)
        text_printf(out, ". Median error of the prediction %.0f%%", 100 * sums.median_error_frac);
    if (sums.timed > 2)
        text_printf(out, ", rank correlation %.3f", sums.rank_correlation);
    text_add(out, ".</p>\n<p class=\"caption\">");
    report_html_text(out, v->device);
    text_printf(out, "; %llu threads, seed %llu, %llu samples of each time.</p>\n",
                (unsigned long long)v->threads, (unsigned long long)v->seed,
                (unsigned long long)v->samples);
}

static void write_backend(const struct report_validation *v, size_t index, struct text *out)
{
    text_printf(out, "<section id=\"b%zu\">\n<h2>", index);
    report_html_text(out, v->subject);
    text_add(out, " on ");
    report_html_text(out, v->backend);
    text_add(out, "</h2>\n");
    if (*v->reason) {
        text_add(out, "<p class=\"warning\">The backend is not available: ");
        report_html_text(out, v->reason);
        text_add(out, "</p>\n");
    } else {
        write_sums(v, out);
        write_scatter(v, out);
        write_roofline(v, out);
        write_table(v, out);
    }
    text_add(out, "<p class=\"caption\">Version ");
    report_html_text(out, v->version);
    text_add(out, "; the command:</p>\n<pre><code>");
    report_html_text(out, v->command);
    text_add(out, "</code></pre>\n</section>\n");
}

/* --- the page --------------------------------------------------------------------------------- */

static void write_head(struct text *out)
{
    text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src '");
    report_csp_hash(out, style, strlen(style));
    text_add(out, "'; base-uri 'none'; form-action 'none'\"/>\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                  "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                  "<title>Layers on hardware · socweave</title>\n<style>");
    text_add(out, style);
    text_add(out, "</style>\n</head>\n<body>\n<header>\n<p class=\"brand\">socweave</p>\n"
                  "<h1>Layers on real hardware</h1>\n<p class=\"sub\">right or wrong, measured "
                  "beside predicted</p>\n</header>\n");
}

void report_validation_html(const struct report_validation *validations, size_t count,
                            struct text *out)
{
    write_head(out);
    text_add(out, "<nav aria-label=\"Sections\"><ul>");
    for (size_t i = 0; i < count; i++) {
        text_printf(out, "<li><a href=\"#b%zu\">", i);
        report_html_text(out, validations[i].backend);
        text_add(out, "</a></li>");
    }
    text_add(out, "</ul></nav>\n<main>\n");
    for (size_t i = 0; i < count; i++)
        write_backend(&validations[i], i, out);
    text_add(out, "</main>\n</body>\n</html>\n");
}
