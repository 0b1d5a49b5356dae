/* sweep.html: one file from disk, without scripts; hover is <title>. */
#include "reports/sweep_html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "reports/report_html.h"

#define FRONT_ROWS_MAX  200
#define REPLAY_ROWS_MAX 20

static const char style[] =
#include "reports/report_style.css.inc"
#include "reports/sweep_style.css.inc"
    ;

void report_sweep_title(const struct report_sweep_facts *f, const struct report_sweep_row *row,
                        struct text *out)
{
    text_printf(out, "<title>#%llu, rung %u", (unsigned long long)row->point, row->rung);
    for (size_t d = 0; d < f->objective_count; d++) {
        text_printf(out, "\n%s ", f->objectives[d].name);
        report_measured(out, &f->objectives[d], row->values[d]);
    }
    for (size_t p = 0; p < f->parameter_count; p++) {
        text_add(out, "\n");
        report_html_text(out, f->parameters[p].name);
        text_add(out, " = ");
        report_html_text(out, f->parameters[p].levels[row->levels[p]]);
    }
    text_add(out, "</title>");
}

/* "<a href…>12</a>" where it has a report, else "12". */
static void add_point(const struct report_sweep_row *row, struct text *out)
{
    if (row->report) {
        text_add(out, "<a href=\"");
        report_html_text(out, row->report);
        text_printf(out, "\">%llu</a>", (unsigned long long)row->point);
    } else {
        text_printf(out, "%llu", (unsigned long long)row->point);
    }
}

/* --- headline --------------------------------------------------------------------------------- */

static size_t front_count(const struct report_sweep_facts *f)
{
    size_t count = 0;
    for (size_t i = 0; i < f->row_count; i++)
        count += f->rows[i].on_front;
    return count;
}

static const struct report_sweep_row *best_of(const struct report_sweep_facts *f, size_t objective)
{
    const struct report_sweep_row *best = NULL;
    for (size_t i = 0; i < f->row_count; i++)
        if (f->rows[i].on_front &&
            (!best || f->rows[i].values[objective] < best->values[objective]))
            best = &f->rows[i];
    return best;
}

static void tile(struct text *out, const char *name, uint64_t value, const char *note)
{
    text_printf(out, "<div class=\"tile\"><dt>%s</dt><dd>", name);
    report_thousands(out, value);
    text_printf(out, "</dd><dd class=\"note\">%s</dd></div>\n", note);
}

static void write_knee(const struct report_sweep_facts *f, struct text *out)
{
    for (size_t i = 0; i < f->row_count; i++)
        if (f->rows[i].knee) {
            text_add(out, "; the knee is point ");
            add_point(&f->rows[i], out);
        }
}

static void write_headline(const struct report_sweep_facts *f, struct text *out)
{
    report_html_section(out, "headline", "What was found");
    if (!f->finished)
        text_add(out, "<p class=\"warning\">The study is not finished: this is what it has found "
                      "so far.</p>\n");
    if (f->row_count == 0)
        text_add(out, "<p class=\"warning\">No outcome is feasible.</p>\n");
    text_add(out, "<dl class=\"tiles\">\n");
    tile(out, "points", f->points, "looked at");
    tile(out, "evaluations", f->evaluations, "a point may have several budgets");
    tile(out, "feasible", f->feasible, "of the evaluations");
    tile(out, "on the front", front_count(f), "that none dominates");
    text_printf(out,
                "<div class=\"tile\"><dt>hypervolume</dt><dd>%.4f</dd><dd class=\"note\">of "
                "its box</dd></div>\n</dl>\n",
                f->hypervolume_frac);
    if (f->row_count > 0)
        text_add(out, "<p class=\"words\">");
    for (size_t d = 0; f->row_count > 0 && d < f->objective_count; d++) {
        const struct report_sweep_row *row = best_of(f, d);
        if (!row)
            continue;
        text_printf(out, "%s %s: <b>", d ? "; lowest" : "Lowest", f->objectives[d].name);
        report_measured(out, &f->objectives[d], row->values[d]);
        text_add(out, "</b> at point ");
        add_point(row, out);
    }
    write_knee(f, out);
    text_add(out, f->row_count > 0 ? ".</p>\n</section>\n" : "</section>\n");
}

/* --- table of the front ----------------------------------------------------------------------- */

static const struct report_sweep_facts *sorting; /* qsort() has no context */

static int by_values(const void *a, const void *b)
{
    const struct report_sweep_row *x = *(const struct report_sweep_row *const *)a;
    const struct report_sweep_row *y = *(const struct report_sweep_row *const *)b;
    for (size_t d = 0; d < sorting->objective_count; d++)
        if (x->values[d] != y->values[d])
            return x->values[d] < y->values[d] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void write_front_row(const struct report_sweep_facts *f, const struct report_sweep_row *row,
                            struct text *out)
{
    text_printf(out, "<tr id=\"p%llu-%u\"><td class=\"n\">", (unsigned long long)row->point,
                row->rung);
    add_point(row, out);
    text_printf(out, "%s</td><td class=\"n\">%u</td>", row->knee ? " <b>knee</b>" : "", row->rung);
    for (size_t d = 0; d < f->objective_count; d++) {
        text_add(out, "<td class=\"n\">");
        report_measured(out, &f->objectives[d], row->values[d]);
        text_add(out, "</td>");
    }
    for (size_t p = 0; p < f->parameter_count; p++)
        report_html_cell(out, f->parameters[p].levels[row->levels[p]]);
    text_add(out, "</tr>\n");
}

static void write_front_table(const struct report_sweep_facts *f, struct text *out)
{
    const struct report_sweep_row **front = mem_alloc(f->row_count + 1, sizeof *front);
    size_t count = 0;
    for (size_t i = 0; i < f->row_count; i++)
        if (f->rows[i].on_front)
            front[count++] = &f->rows[i];
    sorting = f;
    qsort(front, count, sizeof *front, by_values);
    if (count > 0) {
        report_html_section(out, "table", "Points of the front");
        text_add(out, "<div class=\"scroll\"><table>\n<thead><tr><th class=\"n\">point</th>"
                      "<th class=\"n\">rung</th>");
        for (size_t d = 0; d < f->objective_count; d++)
            text_printf(out, "<th class=\"n\">%s</th>", f->objectives[d].name);
        for (size_t p = 0; p < f->parameter_count; p++) {
            text_add(out, "<th>");
            report_html_text(out, f->parameters[p].name);
            text_add(out, "</th>");
        }
        text_add(out, "</tr></thead>\n<tbody>\n");
        for (size_t i = 0; i < count && i < FRONT_ROWS_MAX; i++)
            write_front_row(f, front[i], out);
        text_add(out, "</tbody></table></div>\n");
        text_add(out, "<p class=\"caption\">Underlined points have a whole report (sweep --reports "
                      "N). The knee: least sum of the objectives, each as a share of the front's "
                      "range.</p>\n");
        if (count > FRONT_ROWS_MAX)
            text_printf(out, "<p class=\"caption\">The first %d of %zu; front.csv has all.</p>\n",
                        FRONT_ROWS_MAX, count);
        text_add(out, "</section>\n");
    }
    free(front);
}

/* --- sensitivity ------------------------------------------------------------------------------ */

/* Of the last outcome of each point; ln where all are above 0. -1: nothing can be said. */
static double explained_frac(const struct report_sweep_facts *f, size_t parameter, size_t objective)
{
    double *values = mem_alloc(f->row_count + 1, sizeof *values);
    uint32_t *levels = mem_alloc(f->row_count + 1, sizeof *levels);
    size_t count = 0;
    bool positive = true;
    for (size_t i = 0; i < f->row_count; i++) {
        if (!f->rows[i].last)
            continue;
        values[count] = f->rows[i].values[objective];
        positive = positive && values[count] > 0;
        levels[count++] = f->rows[i].levels[parameter];
    }
    for (size_t i = 0; positive && i < count; i++)
        values[i] = log(values[i]);
    double frac =
        report_sweep_explained_frac(values, levels, count, f->parameters[parameter].level_count);
    free(values);
    free(levels);
    return frac;
}

static void write_bar(struct text *out, double frac)
{
    if (frac < 0) {
        text_add(out, "<td class=\"stack\"></td><td class=\"n zero\">–</td>");
        return;
    }
    text_add(out, "<td class=\"stack\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
                  "aria-hidden=\"true\"><rect class=\"lane\" width=\"100\" height=\"10\"/>"
                  "<rect class=\"bar\" height=\"10\" width=\"");
    report_coordinate(out, 100 * frac);
    text_add(out, "\"/></svg></td>");
    report_html_share(out, frac);
}

static void write_sensitivity(const struct report_sweep_facts *f, struct text *out)
{
    if (f->row_count == 0)
        return;
    report_html_section(out, "sensitivity", "What each parameter explains");
    text_add(out, "<div class=\"scroll\"><table>\n<thead><tr><th>parameter</th>"
                  "<th class=\"n\">values</th>");
    for (size_t d = 0; d < f->objective_count; d++)
        text_printf(out, "<th colspan=\"2\">%s</th>", f->objectives[d].name);
    text_add(out, "</tr></thead>\n<tbody>\n");
    for (size_t p = 0; p < f->parameter_count; p++) {
        text_add(out, "<tr>");
        report_html_cell(out, f->parameters[p].name);
        report_html_count(out, f->parameters[p].level_count);
        for (size_t d = 0; d < f->objective_count; d++)
            write_bar(out, explained_frac(f, p, d));
        text_add(out, "</tr>\n");
    }
    text_add(out, "</tbody></table></div>\n<p class=\"caption\">The share of the variance of ln "
                  "objective that the parameter's value alone explains, over the feasible points "
                  "at the highest budget that each got: the correlation ratio corrected for the "
                  "number of values, ε² = 1 − (SSW / (n − k)) / (SST / (n − 1)), with n points, "
                  "k values, SSW the squares within them and SST in all (Kelley 1935). Shares "
                  "need not add up to 100%: parameters act together, and a search that looks "
                  "more closely at good points samples them unevenly.</p>\n</section>\n");
}

/* --- replay ----------------------------------------------------------------------------------- */

static double gain_frac(const struct report_sweep_row *row)
{
    return row->own > 0 ? 1 - row->values[0] / row->own : 1;
}

static int by_gain(const void *a, const void *b)
{
    const struct report_sweep_row *x = *(const struct report_sweep_row *const *)a;
    const struct report_sweep_row *y = *(const struct report_sweep_row *const *)b;
    if (gain_frac(x) != gain_frac(y))
        return gain_frac(x) > gain_frac(y) ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void write_replay_row(const struct report_sweep_facts *f, const struct report_sweep_row *row,
                             struct text *out)
{
    text_printf(out,
                "<tr><td class=\"n\">%llu</td><td class=\"n\">%u</td><td class=\"n\">%llu</td>"
                "<td class=\"n\">",
                (unsigned long long)row->point, row->rung, (unsigned long long)row->replayed_from);
    if (row->own > 0)
        report_measured(out, &f->objectives[0], row->own);
    else
        text_add(out, "nothing found");
    text_add(out, "</td><td class=\"n\">");
    report_measured(out, &f->objectives[0], row->values[0]);
    text_add(out, "</td>");
    report_html_share(out, gain_frac(row));
    report_html_cell(out, row->on_front ? "on the front" : "");
    text_add(out, "</tr>\n");
}

static void write_replay(const struct report_sweep_facts *f, struct text *out)
{
    const struct report_sweep_row **rows = mem_alloc(f->row_count + 1, sizeof *rows);
    size_t count = 0, on_front = 0;
    for (size_t i = 0; i < f->row_count; i++) {
        if (!f->rows[i].replayed)
            continue;
        on_front += f->rows[i].on_front;
        rows[count++] = &f->rows[i];
    }
    qsort(rows, count, sizeof *rows, by_gain);
    report_html_section(out, "replay", "Where replay mattered");
    text_printf(out,
                "<p>%zu of %zu feasible outcomes are better by the mapping of another point than "
                "by their own search, %zu of them on the front.</p>\n",
                count, f->row_count, on_front);
    if (count > 0) {
        text_printf(out,
                    "<div class=\"scroll\"><table>\n<thead><tr><th class=\"n\">point</th>"
                    "<th class=\"n\">rung</th><th class=\"n\">mapping of</th>"
                    "<th class=\"n\">own %s</th><th class=\"n\">%s with it</th>"
                    "<th class=\"n\">better by</th><th></th></tr></thead>\n<tbody>\n",
                    f->objectives[0].name, f->objectives[0].name);
        for (size_t i = 0; i < count && i < REPLAY_ROWS_MAX; i++)
            write_replay_row(f, rows[i], out);
        text_add(out, "</tbody></table></div>\n");
    }
    text_add(out, "<p class=\"caption\">A point that has at least as much of everything as "
                  "another is given the other's mapping, so that no bigger SoC loses through "
                  "search noise. The largest gains first");
    if (count > REPLAY_ROWS_MAX)
        text_printf(out, ", %d of them", REPLAY_ROWS_MAX);
    text_add(out, ".</p>\n</section>\n");
    free(rows);
}

/* --- the page --------------------------------------------------------------------------------- */

static void write_provenance(const struct report_sweep_facts *f, struct text *out)
{
    report_html_section(out, "provenance", "Provenance");
    text_add(out, "<table class=\"facts\"><tbody>\n");
    for (size_t i = 0; i < f->option_count; i++) {
        text_add(out, "<tr><th>");
        report_html_text(out, f->options[i].name);
        text_add(out, "</th>");
        report_html_cell(out, f->options[i].value);
        text_add(out, "</tr>\n");
    }
    text_add(out, "</tbody></table>\n<p class=\"caption\">Version ");
    report_html_text(out, f->version);
    text_add(out, ". study.db beside this page has every outcome, front.csv the front. The same "
                  "space, workload, options and version give this page again, byte for byte."
                  "</p>\n</section>\n");
}

static void write_head(const struct report_sweep_facts *f, struct text *out)
{
    text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src '");
    report_csp_hash(out, style, strlen(style));
    text_add(out, "'; base-uri 'none'; form-action 'none'\"/>\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                  "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
    report_html_text(out, f->space);
    text_add(out, " · socweave</title>\n<style>");
    text_add(out, style);
    text_add(out, "</style>\n</head>\n<body>\n<header>\n<p class=\"brand\">socweave</p>\n<h1>");
    report_html_text(out, f->space);
    text_add(out, "</h1>\n<p class=\"sub\">Which SoC of this space is best for ");
    report_html_text(out, f->workload);
    text_add(out, "</p>\n</header>\n<nav aria-label=\"Sections\"><ul>"
                  "<li><a href=\"#headline\">Found</a></li>");
    if (f->row_count > 0)
        text_add(out, "<li><a href=\"#front\">Front</a></li><li><a href=\"#table\">Table</a></li>"
                      "<li><a href=\"#parameters\">Parameters</a></li>"
                      "<li><a href=\"#sensitivity\">Sensitivity</a></li>");
    if (f->step_count > 1)
        text_add(out, "<li><a href=\"#hypervolume\">Hypervolume</a></li>");
    text_add(out, "<li><a href=\"#replay\">Replay</a></li>"
                  "<li><a href=\"#provenance\">Provenance</a></li></ul></nav>\n<main>\n");
}

void report_sweep_html(const struct report_sweep_facts *facts, struct text *out)
{
    write_head(facts, out);
    write_headline(facts, out);
    report_sweep_html_front(facts, out);
    write_front_table(facts, out);
    report_sweep_html_parallel(facts, out);
    write_sensitivity(facts, out);
    report_sweep_html_progress(facts, out);
    write_replay(facts, out);
    write_provenance(facts, out);
    text_add(out, "</main>\n</body>\n</html>\n");
}
