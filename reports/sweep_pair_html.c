/* studies.html: two studies side by side; one file from disk, without scripts. */
#include <math.h>
#include <string.h>

#include "reports/report_html.h"
#include "reports/report_plot.h"
#include "reports/sweep_pair.h"

#define ROWS_MAX 300

static const char style[] =
#include "reports/report_style.css.inc"
#include "reports/sweep_style.css.inc"
    ;

static void add_name(const struct report_pair *p, size_t study, struct text *out)
{
    report_html_text(out, p->studies[study].name);
}

/* --- headline --------------------------------------------------------------------------------- */

static void write_verdict(const struct report_pair *p, struct text *out)
{
    double first = p->studies[0].hypervolume_frac, second = p->studies[1].hypervolume_frac;
    text_add(out, "<p class=\"words\">");
    if (first == second) {
        text_add(out, "Both fronts dominate as much of their common box");
    } else {
        text_add(out, "The front of <b>");
        add_name(p, second > first, out);
        text_printf(out, "</b> dominates more of the common box: %.4f against %.4f",
                    fmax(first, second), fmin(first, second));
    }
    text_printf(out, "; together they have %.4f.</p>\n", p->both_frac);
}

static void number_cells(struct text *out, const char *name, uint64_t a, uint64_t b)
{
    text_add(out, "<tr>");
    report_html_cell(out, name);
    report_html_count(out, a);
    report_html_count(out, b);
    text_add(out, "<td></td></tr>\n");
}

static void write_difference(double a, double b, struct text *out)
{
    text_add(out, "<td class=\"n\">");
    if (a == b)
        text_add(out, "<span class=\"zero\">same</span>");
    else if (a != 0)
        text_printf(out, "%+.2f%%", 100 * (b - a) / fabs(a));
    text_add(out, "</td>");
}

static void write_bests(const struct report_pair *p, struct text *out)
{
    for (size_t d = 0; d < p->objective_count; d++) {
        double best[2] = { report_pair_best(p, 0, d), report_pair_best(p, 1, d) };
        text_printf(out, "<tr><td>lowest %s</td>", p->objectives[d].name);
        for (size_t i = 0; i < 2; i++) {
            text_add(out, "<td class=\"n\">");
            if (isfinite(best[i]))
                report_measured(out, &p->objectives[d], best[i]);
            text_add(out, "</td>");
        }
        if (isfinite(best[0]) && isfinite(best[1]))
            write_difference(best[0], best[1], out);
        else
            text_add(out, "<td></td>");
        text_add(out, "</tr>\n");
    }
}

static void write_headline(const struct report_pair *p, struct text *out)
{
    const struct report_pair_study *a = &p->studies[0], *b = &p->studies[1];
    report_html_section(out, "headline", "Which front is better");
    for (size_t i = 0; i < 2; i++)
        if (!p->studies[i].finished) {
            text_add(out, "<p class=\"warning\">");
            add_name(p, i, out);
            text_add(out, " is not finished: this is what it has found so far.</p>\n");
        }
    write_verdict(p, out);
    text_add(out, "<div class=\"scroll\"><table>\n<thead><tr><th></th><th class=\"n\">");
    add_name(p, 0, out);
    text_add(out, "</th><th class=\"n\">");
    add_name(p, 1, out);
    text_add(out, "</th><th class=\"n\">difference</th></tr></thead>\n<tbody>\n");
    text_printf(out, "<tr><td>hypervolume</td><td class=\"n\">%.4f</td><td class=\"n\">%.4f</td>",
                a->hypervolume_frac, b->hypervolume_frac);
    write_difference(a->hypervolume_frac, b->hypervolume_frac, out);
    text_add(out, "</tr>\n<tr><td>covers of the other's front</td>");
    report_html_share(out, a->coverage_frac);
    report_html_share(out, b->coverage_frac);
    text_add(out, "<td></td></tr>\n");
    write_bests(p, out);
    number_cells(out, "points on the front", a->front_count, b->front_count);
    number_cells(out, "points looked at", a->points, b->points);
    number_cells(out, "evaluations", a->evaluations, b->evaluations);
    number_cells(out, "feasible ones", a->feasible, b->feasible);
    text_add(out, "</tbody></table></div>\n<p class=\"caption\">Hypervolume: the share that a "
                  "front dominates of one box for both, from the best value of each objective in "
                  "either study to the worse of their reference points, a tenth of the range past "
                  "the worst outcome. Coverage: the share of the other's front that some point "
                  "of its own equals or beats everywhere (Zitzler, Thiele 1999).</p>\n"
                  "</section>\n");
}

/* --- fronts ----------------------------------------------------------------------------------- */

static void write_title(const struct report_pair *p, const struct report_pair_row *row,
                        size_t study, struct text *out)
{
    text_add(out, "<title>");
    add_name(p, study, out);
    text_printf(out, ", point %llu%s", (unsigned long long)row->point[study],
                row->on_front[!study] ? "; on both fronts" : "");
    for (size_t d = 0; d < p->objective_count; d++) {
        text_printf(out, "\n%s ", p->objectives[d].name);
        report_measured(out, &p->objectives[d], row->values[study][d]);
    }
    for (size_t i = 0; row->levels && i < p->parameter_count; i++) {
        text_add(out, "\n");
        report_html_text(out, p->parameters[i]);
        text_add(out, " = ");
        report_html_text(out, row->levels[i]);
    }
    text_add(out, "</title>");
}

/* The first study has discs, the second one diamonds, which leave a disc below them to be seen. */
static void draw_mark(const struct report_pair *p, const struct report_pair_row *row, size_t study,
                      double x, double y, struct text *out)
{
    if (study == 0)
        text_printf(out, "<circle class=\"front\" cx=\"%.1f\" cy=\"%.1f\" r=\"8\">", x, y);
    else
        text_printf(out, "<path class=\"chosen\" d=\"M%.1f %.1fl5 5l-5 5l-5 -5z\">", x, y - 5);
    write_title(p, row, study, out);
    text_add(out, study == 0 ? "</circle>\n" : "</path>\n");
}

static struct report_axis axis_of(const struct report_pair *p, size_t objective)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < p->row_count; i++)
        for (size_t study = 0; study < 2; study++)
            if (p->rows[i].on_front[study]) {
                low = fmin(low, p->rows[i].values[study][objective]);
                high = fmax(high, p->rows[i].values[study][objective]);
            }
    return report_axis_over(low, high);
}

static void draw_pair(const struct report_pair *p, size_t on_x, size_t on_y, struct text *out)
{
    struct report_axis x = axis_of(p, on_x), y = axis_of(p, on_y);
    text_add(out, "<figure>\n");
    report_plot_begin(out, "Both fronts by two objectives", REPORT_PLOT_HEIGHT);
    report_plot_axes(out, x, y, &p->objectives[on_x], &p->objectives[on_y]);
    for (size_t study = 0; study < 2; study++)
        for (size_t i = 0; i < p->row_count; i++)
            if (p->rows[i].on_front[study])
                draw_mark(p, &p->rows[i], study, report_plot_x(x, p->rows[i].values[study][on_x]),
                          report_plot_y(y, p->rows[i].values[study][on_y]), out);
    text_add(out, "</svg></div>\n</figure>\n");
}

static void write_fronts(const struct report_pair *p, struct text *out)
{
    if (p->row_count == 0)
        return;
    report_html_section(out, "fronts", "Both fronts");
    for (size_t y = 1; y < p->objective_count; y++)
        draw_pair(p, 0, y, out);
    if (p->objective_count == 1)
        text_add(out, "<p class=\"caption\">With one objective a front is its best point.</p>\n");
    text_add(out, "<p class=\"caption\">Discs: ");
    add_name(p, 0, out);
    text_add(out, ". Diamonds: ");
    add_name(p, 1, out);
    text_add(out, ". Lower left is better. A mark under the pointer says what it is.</p>\n"
                  "</section>\n");
}

/* --- points ----------------------------------------------------------------------------------- */

static const char *state_of(const struct report_pair_row *row, size_t study)
{
    return row->on_front[study] ? "front"
           : row->values[study] ? "beaten"
           : row->seen[study]   ? "not feasible"
                                : "not looked at";
}

static void write_row(const struct report_pair *p, const struct report_pair_row *row,
                      struct text *out)
{
    bool both = row->values[0] && row->values[1];
    text_printf(out, "<tr><td>%s</td><td>%s</td>", state_of(row, 0), state_of(row, 1));
    for (size_t d = 0; d < p->objective_count; d++) {
        for (size_t study = 0; study < 2; study++) {
            text_add(out, "<td class=\"n\">");
            if (row->values[study])
                report_measured(out, &p->objectives[d], row->values[study][d]);
            text_add(out, "</td>");
        }
        if (both)
            write_difference(row->values[0][d], row->values[1][d], out);
        else
            text_add(out, "<td></td>");
    }
    for (size_t i = 0; row->levels && i < p->parameter_count; i++)
        report_html_cell(out, row->levels[i]);
    text_add(out, "</tr>\n");
}

static void write_point_heads(const struct report_pair *p, struct text *out)
{
    text_add(out, "<div class=\"scroll\"><table>\n<thead><tr><th>in the first</th><th>in the "
                  "second</th>");
    for (size_t d = 0; d < p->objective_count; d++)
        text_printf(out,
                    "<th class=\"n\">%s, first</th><th class=\"n\">second</th><th class=\"n\">"
                    "difference</th>",
                    p->objectives[d].name);
    for (size_t i = 0; p->same_parameters && i < p->parameter_count; i++) {
        text_add(out, "<th>");
        report_html_text(out, p->parameters[i]);
        text_add(out, "</th>");
    }
    text_add(out, "</tr></thead>\n<tbody>\n");
}

static void write_points(const struct report_pair *p, struct text *out)
{
    struct report_pair_common common = report_pair_common(p);
    if (p->row_count == 0)
        return;
    report_html_section(out, "points", "Points of either front");
    if (p->same_parameters)
        text_printf(out,
                    "<p class=\"words\">%zu points are on both fronts, %zu of them with the same "
                    "values.</p>\n",
                    common.on_both, common.equal);
    else
        text_add(out, "<p class=\"words\">The spaces have other parameters: which points are the "
                      "same cannot be told.</p>\n");
    write_point_heads(p, out);
    for (size_t i = 0; i < p->row_count && i < ROWS_MAX; i++)
        write_row(p, &p->rows[i], out);
    text_add(out, "</tbody></table></div>\n<p class=\"caption\">By rising values. <b>beaten</b>: "
                  "evaluated there as well, and not on that front. The same point may differ "
                  "where mapper, budget or seed do");
    if (p->row_count > ROWS_MAX)
        text_printf(out, ". The first %d of %zu; studies.json has all", ROWS_MAX, p->row_count);
    text_add(out, ".</p>\n</section>\n");
}

/* --- the page --------------------------------------------------------------------------------- */

static void write_options(const struct report_pair *p, struct text *out)
{
    report_html_section(out, "provenance", "What was compared");
    text_add(out, "<div class=\"scroll\"><table><thead><tr><th></th><th>");
    add_name(p, 0, out);
    text_add(out, "</th><th>");
    add_name(p, 1, out);
    text_add(out, "</th><th></th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < p->option_count; i++) {
        const struct report_pair_option *o = &p->options[i];
        text_add(out, "<tr>");
        report_html_cell(out, o->name);
        report_html_cell(out, o->values[0]);
        report_html_cell(out, o->values[1]);
        report_html_cell(out, strcmp(o->values[0], o->values[1]) ? "differs" : "");
        text_add(out, "</tr>\n");
    }
    text_add(out, "</tbody></table></div>\n</section>\n");
}

static void write_head(const struct report_pair *p, struct text *out)
{
    text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src '");
    report_csp_hash(out, style, strlen(style));
    text_add(out, "'; base-uri 'none'; form-action 'none'\"/>\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                  "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
    add_name(p, 0, out);
    text_add(out, " and ");
    add_name(p, 1, out);
    text_add(out, " · socweave</title>\n<style>");
    text_add(out, style);
    text_add(out, "</style>\n</head>\n<body>\n<header>\n<p class=\"brand\">socweave</p>\n<h1>");
    add_name(p, 0, out);
    text_add(out, " <span class=\"times\">and</span> ");
    add_name(p, 1, out);
    text_add(out, "</h1>\n<p class=\"sub\">Two studies of ");
    report_html_text(out, p->workload);
    text_add(out, "</p>\n</header>\n<nav aria-label=\"Sections\"><ul>"
                  "<li><a href=\"#headline\">Figures</a></li>");
    if (p->row_count > 0)
        text_add(out, "<li><a href=\"#fronts\">Fronts</a></li>"
                      "<li><a href=\"#points\">Points</a></li>");
    text_add(out, "<li><a href=\"#provenance\">Provenance</a></li></ul></nav>\n<main>\n");
}

void report_pair_html(const struct report_pair *pair, struct text *out)
{
    write_head(pair, out);
    write_headline(pair, out);
    write_fronts(pair, out);
    write_points(pair, out);
    write_options(pair, out);
    text_add(out, "</main>\n</body>\n</html>\n");
}
