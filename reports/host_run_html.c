/* run.html: what the simulation said and what the cores did, one above the other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/host_run.h"
#include "reports/report_format.h"
#include "reports/report_html.h"

static const char style[] =
#include "reports/report_style.css.inc"
    ;

/* --- over time -------------------------------------------------------------------------------- */

#define ROW_HEIGHT 34
#define ROW_GAP    10
#define PAIR_GAP   18

struct chart {
    const struct report_host_run *run;
    const uint8_t *colours; /* [network] */
    double per_ps;          /* units */
    struct text *out;
};

static void draw_rect(const struct chart *c, const char *prefix, unsigned number, double y,
                      uint64_t start_ps, uint64_t end_ps)
{
    text_printf(c->out, "<rect class=\"%s", prefix);
    if (prefix[0] == 'c')
        text_printf(c->out, "%u w", number);
    text_add(c->out, "\" x=\"");
    report_coordinate(c->out, REPORT_PLOT_LEFT + (double)start_ps * c->per_ps);
    text_printf(c->out, "\" y=\"%.0f\" width=\"", y);
    report_coordinate(c->out, (double)(end_ps - start_ps) * c->per_ps);
    text_printf(c->out, "\" height=\"%d\">", ROW_HEIGHT);
}

static void draw_layer(const struct chart *c, uint32_t layer, bool measured, double y)
{
    char name[1024];
    const struct report_host_event *event = &c->run->events[layer];
    uint64_t start_ps = measured ? event->begin_ps : c->run->simulated->start_ps[layer];
    uint64_t end_ps = measured ? event->end_ps : c->run->simulated->end_ps[layer];
    if (measured && event->copied_bytes > 0) {
        draw_rect(c, "pad", 0, y, event->copy_ps, event->begin_ps);
        text_printf(c->out, "<title>%llu bytes copied</title></rect>\n",
                    (unsigned long long)event->copied_bytes);
    }
    draw_rect(c, "c", c->colours[c->run->problem->network_of[layer]], y, start_ps, end_ps);
    workload_layer_name(c->run->problem->workload, layer, name, sizeof name);
    text_add(c->out, "<title>");
    report_html_text(c->out, name);
    text_add(c->out, measured ? ": measured " : ": simulated ");
    report_quantity(c->out, REPORT_TIME, (double)(end_ps - start_ps));
    text_add(c->out, measured ? ", simulated " : ", measured ");
    uint64_t other_ps = measured
                            ? c->run->simulated->end_ps[layer] - c->run->simulated->start_ps[layer]
                            : event->end_ps - event->begin_ps;
    report_quantity(c->out, REPORT_TIME, (double)other_ps);
    text_add(c->out, "</title></rect>\n");
}

static void draw_row(const struct chart *c, uint32_t accelerator, bool measured, double y)
{
    struct text name = { 0 };
    text_printf(&name, "%s, %s", c->run->problem->soc->accelerators[accelerator].name,
                measured ? "measured" : "simulated");
    report_html_text_at(c->out, "name", 0, y + ROW_HEIGHT / 2.0 + 4, name.data, 24);
    text_release(&name);
    for (size_t i = 0; i < c->run->mapping->placement_count; i++) {
        const struct placement *at = &c->run->mapping->placements[i];
        if (at->accelerator == accelerator)
            draw_layer(c, at->layer, measured, y);
    }
}

static void draw_axis(const struct chart *c, double height)
{
    double span = REPORT_PLOT_WIDTH / c->per_ps, step = pow(10, floor(log10(span / 4)));
    struct report_scale scale = report_scale_for(REPORT_TIME, span);
    step *= span / step > 20 ? 5 : span / step > 8 ? 2 : 1;
    for (double at = 0; at <= span; at += step) {
        double x = REPORT_PLOT_LEFT + at * c->per_ps;
        text_printf(c->out, "<path class=\"grid\" d=\"M%.1f %dV%.0f\"/>", x, REPORT_AXIS, height);
        text_printf(c->out, "<text class=\"tick\" x=\"%.1f\" y=\"14\">", x);
        report_scaled(c->out, scale, at);
        text_printf(c->out, " %s</text>\n", scale.unit);
    }
}

static void write_timeline(const struct report_host_run *run, struct text *out)
{
    size_t count = run->problem->accelerator_count;
    uint8_t *colours = report_colours_new(run->problem);
    double most = fmax((double)run->measured_ps, (double)run->simulated->makespan_ps);
    double height = REPORT_AXIS + (double)count * (2 * ROW_HEIGHT + ROW_GAP + PAIR_GAP);
    struct chart c = { run, colours, REPORT_PLOT_WIDTH / fmax(most, 1), out };
    report_html_section(out, "time", "Simulated and measured, over time");
    report_colour_legend(run->problem, out);
    text_printf(out,
                "<div class=\"scroll\"><svg class=\"plot\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
                "aria-label=\"Layers over time on every core\">\n",
                REPORT_PLOT_LEFT + REPORT_PLOT_WIDTH + 20, height);
    draw_axis(&c, height);
    text_add(out, "<g class=\"zoom\">\n");
    for (uint32_t a = 0; a < count; a++) {
        double y = REPORT_AXIS + 8 + a * (2.0 * ROW_HEIGHT + ROW_GAP + PAIR_GAP);
        draw_row(&c, a, false, y);
        draw_row(&c, a, true, y + ROW_HEIGHT + ROW_GAP);
    }
    text_add(out,
             "</g></svg></div>\n<p class=\"caption\">The measured run is the one with the "
             "median makespan. A grey bar before a layer: results of another core being copied."
             "</p>\n</section>\n");
    free(colours);
}

/* --- figures ---------------------------------------------------------------------------------- */

static void add_time_row(struct text *out, const char *what, const char *why, int64_t ps)
{
    text_printf(out, "<tr><th scope=\"row\">%s</th><td class=\"n\">%s", what, ps < 0 ? "−" : "");
    report_quantity(out, REPORT_TIME, fabs((double)ps));
    text_printf(out, "</td><td>%s</td></tr>\n", why);
}

static void write_verdict(const struct report_host_run *run, struct text *out)
{
    report_html_section(out, "verdict", "The verdict");
    text_add(out, "<p class=\"lead\">Measured ");
    report_quantity(out, REPORT_TIME, (double)run->measured_ps);
    text_printf(out, " in the median of %zu runs; the simulation said ", run->run_count);
    report_quantity(out, REPORT_TIME, (double)run->simulated->makespan_ps);
    text_printf(out, ", which is %+.1f%%.</p>\n<p>", 100 * report_host_error(run));
    if (!run->checked)
        text_add(out, "The results were not compared with the reference.");
    else if (run->wrong_layers > 0)
        text_printf(out, "<strong>%llu of %llu layers have wrong results.</strong>",
                    (unsigned long long)run->wrong_layers, (unsigned long long)run->checked_layers);
    else
        text_printf(out,
                    "All %llu layers, %llu results of networks among them, equal what the "
                    "reference evaluator computes, element by element.",
                    (unsigned long long)run->checked_layers,
                    (unsigned long long)run->checked_results);
    text_add(out, "</p>\n");
    if (*run->failure == '\0')
        return;
    text_printf(out, "<p><strong>The run after these %zu failed:</strong> ", run->run_count);
    report_html_text(out, run->failure);
    text_add(out, "</p>\n");
}

static void write_error(const struct report_host_run *run, struct text *out)
{
    int64_t all = (int64_t)run->measured_ps - (int64_t)run->simulated->makespan_ps;
    text_add(out, "<table><caption>What the difference is made of</caption>\n<tbody>\n");
    add_time_row(out, "computing", "layers took another time than their cost said",
                 run->compute_ps);
    add_time_row(out, "copies", "a core that copies does nothing else; a link would not mind",
                 run->copies_ps);
    add_time_row(out, "waits", "left over: order, layers and copies do not explain it",
                 run->waits_ps);
    add_time_row(out, "simulated only", "contention for memory, results written back",
                 run->modelled_ps);
    add_time_row(out, "measured − simulated", "", all);
    text_printf(out,
                "</tbody></table>\n<p>Layers by themselves: predicted time %.0f%% off the measured "
                "one in the median.</p>\n<p class=\"caption\">Makespans of the runs, ",
                100 * report_host_layer_error(run));
    for (size_t i = 0; i < run->run_count; i++) {
        text_add(out, i > 0 ? ", " : "");
        report_quantity(out, REPORT_TIME, (double)run->runs_ps[i]);
    }
    text_add(out, ".</p>\n</section>\n");
}

static void write_end(const struct report_host_run *run, struct text *out)
{
    report_html_section(out, "provenance", "Where this comes from");
    text_add(out, "<p>");
    report_html_text(out, run->device);
    text_printf(out, "; seed %llu; version ", (unsigned long long)run->seed);
    report_html_text(out, run->version);
    text_add(out, "</p>\n<pre><code>");
    report_html_text(out, run->command);
    text_add(out, "</code></pre>\n</section>\n");
}

void report_host_run_html(const struct report_host_run *run, struct text *out)
{
    struct text css = { 0 };
    text_add(&css, style);
    report_colour_rules(run->problem, &css);
    text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src '");
    report_csp_hash(out, css.data, css.bytes);
    text_add(out, "'; base-uri 'none'; form-action 'none'\"/>\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                  "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                  "<title>A mapping on real cores · socweave</title>\n<style>");
    text_add(out, css.data);
    text_add(out, "</style>\n</head>\n<body>\n<header>\n<p class=\"brand\">socweave</p>\n<h1>");
    report_html_text(out, run->problem->workload->name);
    text_add(out, " on ");
    report_html_text(out, run->problem->soc->name);
    text_add(out, "</h1>\n<p class=\"sub\">a mapping, executed: measured beside simulated</p>\n"
                  "</header>\n<main>\n");
    write_verdict(run, out);
    write_error(run, out);
    write_timeline(run, out);
    write_end(run, out);
    text_add(out, "</main>\n</body>\n</html>\n");
    text_release(&css);
}
