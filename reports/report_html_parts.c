/* Pieces of markup that several sections use. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "reports/report_html.h"

void report_html_section(struct text *out, const char *id, const char *title)
{
    text_printf(out, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

double report_html_x(const struct report_facts *facts, uint64_t at_ps)
{
    return REPORT_PLOT_WIDTH * report_share(facts, at_ps);
}

/* Bytes of the first `characters` characters of UTF-8. */
static size_t bytes_of(const char *value, size_t characters)
{
    size_t bytes = 0;
    while (value[bytes]) {
        bool begins = ((unsigned char)value[bytes] & 0xc0) != 0x80;
        if (begins && characters-- == 0)
            break;
        bytes++;
    }
    return bytes;
}

void report_html_text_at(struct text *out, const char *css_class, double x, double y,
                         const char *value, size_t characters)
{
    text_printf(out, "<text class=\"%s\" x=\"", css_class);
    report_coordinate(out, x);
    text_add(out, "\" y=\"");
    report_coordinate(out, y);
    text_add(out, "\">");
    if (bytes_of(value, characters) == strlen(value)) {
        report_html_text(out, value);
    } else {
        struct text cut = { 0 };
        text_add_bytes(&cut, value, bytes_of(value, characters - 1));
        text_add(&cut, "…");
        report_html_text(out, cut.data);
        text_release(&cut);
    }
    text_add(out, "</text>");
}

/* The largest of 1, 2, 5 · 10^k that gives at least six steps. */
static double nice_step(double span)
{
    double step = pow(10, floor(log10(span / 6)));
    return step * 5 <= span / 6 ? step * 5 : step * 2 <= span / 6 ? step * 2 : step;
}

static void draw_axis(const struct report_facts *facts, struct text *out, double height)
{
    double span_ps = (double)facts->makespan_ps;
    struct report_scale scale = report_scale_for(REPORT_TIME, span_ps);
    text_add(out, "<g class=\"axis\">");
    double step_ps = span_ps > 0 ? nice_step(span_ps) : 1;
    for (int tick = 0; tick * step_ps <= span_ps; tick++) {
        double x =
            REPORT_PLOT_LEFT + (span_ps > 0 ? REPORT_PLOT_WIDTH * tick * step_ps / span_ps : 0);
        text_add(out, "<path d=\"M");
        report_coordinate(out, x);
        text_printf(out, " %dv%g\"/>", REPORT_AXIS - 6, height + 6);
        struct text label = { 0 };
        text_printf(&label, "%.6g %s", tick * step_ps / scale.divisor, scale.unit);
        report_html_text_at(out, "tick", x, 12, label.data, 20);
        text_release(&label);
        if (span_ps <= 0)
            break;
    }
    text_add(out, "</g>");
}

void report_html_chart_begin(const struct report_facts *facts, struct text *out, const char *label,
                             double height)
{
    double right = 30; /* room for half of the last tick's text */
    text_printf(out,
                "<div class=\"scroll\"><svg class=\"chart\" viewBox=\"0 0 %g %g\" role=\"img\" "
                "aria-label=\"%s\" data-ps=\"%llu\">",
                REPORT_PLOT_LEFT + REPORT_PLOT_WIDTH + right, REPORT_AXIS + height, label,
                (unsigned long long)facts->makespan_ps);
    draw_axis(facts, out, height);
    text_printf(out,
                "<svg class=\"zoom\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%g\" "
                "viewBox=\"0 0 %d %g\" preserveAspectRatio=\"none\">\n",
                REPORT_PLOT_LEFT, REPORT_AXIS, REPORT_PLOT_WIDTH, height, REPORT_PLOT_WIDTH,
                height);
}

void report_html_chart_middle(struct text *out)
{
    text_add(out, "</svg>\n");
}

void report_html_chart_end(struct text *out)
{
    text_add(out, "</svg></div>\n");
}

void report_html_cell(struct text *out, const char *value)
{
    text_add(out, "<td>");
    report_html_text(out, value);
    text_add(out, "</td>");
}

void report_html_number(struct text *out, struct report_scale scale, double value)
{
    text_add(out, "<td class=\"n\">");
    if (value == 0)
        text_add(out, "<span class=\"zero\">0</span>");
    else
        report_scaled(out, scale, value);
    text_add(out, "</td>");
}

void report_html_count(struct text *out, uint64_t value)
{
    text_add(out, "<td class=\"n\">");
    report_thousands(out, value);
    text_add(out, "</td>");
}

void report_html_share(struct text *out, double frac)
{
    text_add(out, "<td class=\"n\">");
    if (frac == 0) {
        text_add(out, "<span class=\"zero\">0%</span>");
    } else {
        struct text share = { 0 };
        report_percent(&share, frac);
        report_html_text(out, share.data); /* "<0.1%" */
        text_release(&share);
    }
    text_add(out, "</td>");
}

void report_html_stack(struct text *out, char prefix, const double *fracs, size_t count)
{
    text_add(out, "<td class=\"stack\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\">"
                  "<rect class=\"lane\" width=\"100\" height=\"10\"/>");
    double x = 0;
    for (size_t i = 0; i < count; i++) {
        if (fracs[i] <= 0)
            continue;
        text_printf(out, "<rect class=\"%c%zu\" x=\"", prefix, i);
        report_coordinate(out, x);
        text_add(out, "\" width=\"");
        report_coordinate(out, 100 * fracs[i]);
        text_add(out, "\" height=\"10\"/>");
        x += 100 * fracs[i];
    }
    text_add(out, "</svg></td>");
}

void report_html_layer_name(const struct report_facts *facts, struct text *out, uint32_t layer)
{
    const struct workload *workload = facts->report->problem->workload;
    text_add(out, "<td><span class=\"muted\">");
    report_html_text(out, workload->networks[facts->layers[layer].network].name);
    text_add(out, "/</span>");
    report_html_text(out, workload_layer(workload, layer)->name);
    text_add(out, "</td>");
}

size_t report_html_top(const uint64_t *values, size_t total, size_t count, uint32_t *top)
{
    size_t found = 0;
    for (uint32_t i = 0; i < total && count > 0; i++) {
        if (found == count && values[i] <= values[top[found - 1]])
            continue;
        size_t at = found < count ? found++ : count - 1;
        for (; at > 0 && values[top[at - 1]] < values[i]; at--)
            top[at] = top[at - 1];
        top[at] = i;
    }
    return found;
}
