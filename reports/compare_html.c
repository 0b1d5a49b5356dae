/* compare.html: like report.html, one file from disk; this one has no script at all. */
#include <math.h>
#include <string.h>

#include "reports/compare_html.h"
#include "reports/report_html.h"

static const char style[] =
#include "reports/compare_style.css.inc"
#include "reports/report_style.css.inc"
    ;

static const struct {
    const char *id, *name;
    void (*write)(const struct report_compare_facts *facts, struct text *out);
} section_table[] = {
    { "verdict", "Verdict", report_compare_html_verdict },
    { "means", "Means", report_compare_html_means },
    { "bounds", "Bounds", report_compare_html_bounds },
    { "cases", "Cases", report_compare_html_cases },
    { "table", "Table", report_compare_html_table },
    { "pairs", "All pairs", report_compare_html_pairs },
    { "provenance", "Provenance", report_compare_html_provenance },
};
#define SECTION_COUNT (sizeof section_table / sizeof *section_table)

enum report_dimension report_compare_dimension(const struct report_compare *compare)
{
    static const enum report_dimension table[OBJECTIVE_COUNT] = { REPORT_TIME, REPORT_ENERGY,
                                                                  REPORT_EDP };
    return table[compare->objective];
}

static void write_head(struct text *out)
{
    text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src '");
    report_csp_hash(out, style, strlen(style));
    text_add(out, "'; base-uri 'none'; form-action 'none'\"/>\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                  "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                  "<title>Mappers compared · socweave</title>\n<style>");
    text_add(out, style);
    text_add(out, "</style>\n</head>\n");
}

static void write_header(const struct report_compare_facts *f, struct text *out)
{
    const struct report_compare *c = f->compare;
    text_add(out, "<header>\n<p class=\"brand\">socweave</p>\n<h1>Mappers compared</h1>\n"
                  "<p class=\"sub\">");
    text_printf(out,
                "%zu %s, %zu %s, %zu %s each, for %s; %s granularity, %s fitness</p>\n"
                "</header>\n",
                c->case_count, c->case_count == 1 ? "case" : "cases", c->contestant_count,
                c->contestant_count == 1 ? "mapper" : "mappers", c->seed_count,
                c->seed_count == 1 ? "seed" : "seeds", objective_names[c->objective],
                c->granularity, c->fitness);
}

void report_compare_html(const struct report_compare_facts *facts, struct text *out)
{
    struct text sections[SECTION_COUNT];
    memset(sections, 0, sizeof sections);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        section_table[i].write(facts, &sections[i]);
    write_head(out);
    text_add(out, "<body>\n");
    write_header(facts, out);
    text_add(out, "<nav aria-label=\"Sections\"><ul>");
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (sections[i].bytes > 0)
            text_printf(out, "<li><a href=\"#%s\">%s</a></li>", section_table[i].id,
                        section_table[i].name);
    text_add(out, "</ul></nav>\n<main>\n");
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (sections[i].bytes > 0)
            text_add_bytes(out, sections[i].data, sections[i].bytes);
        text_release(&sections[i]);
    }
    text_add(out, "</main>\n</body>\n</html>\n");
}

/* --- verdict --------------------------------------------------------------------------------- */

/* The first contestant's mapper in another form: not a rival. */
static bool is_variant(const struct report_compare *c, size_t contestant)
{
    const char *name = c->contestants[contestant];
    size_t length = strcspn(c->contestants[0], "@");
    return !strncmp(name, c->contestants[0], length) &&
           (!name[length] || name[length] == '@' || !strncmp(name + length, "-without-", 9));
}

/* The rival next to `after` by closeness, ties by index; 0 if there is none. `after` 0: the first.
 */
static size_t next_rival(const struct report_compare_facts *f, size_t after)
{
    double last = after ? report_compare_pair(f, 0, after)->speedup : -1;
    size_t next = 0;
    for (size_t b = 1; b < f->compare->contestant_count; b++) {
        double speedup = report_compare_pair(f, 0, b)->speedup;
        bool later = speedup > last || (speedup == last && b > after);
        if (later && !is_variant(f->compare, b) &&
            (!next || speedup < report_compare_pair(f, 0, next)->speedup))
            next = b;
    }
    return next;
}

static void write_sentence(const struct report_compare_facts *f, struct text *out)
{
    const struct report_compare *c = f->compare;
    size_t b = next_rival(f, 0);
    text_add(out, "<h2>");
    report_html_text(out, c->contestants[0]);
    if (f->case_count == 0) {
        text_add(out, ": no case is complete yet");
    } else if (b == 0) {
        text_add(out, ": no rival to compare it with");
    } else {
        double speedup = report_compare_pair(f, 0, b)->speedup;
        if (fabs(log(speedup)) < 0.005)
            text_add(out, " is as good as ");
        else
            text_printf(out, " is %.2f times %s than ", speedup > 1 ? speedup : 1 / speedup,
                        speedup > 1 ? "better" : "worse");
        report_html_text(out, c->contestants[b]);
        text_add(out, c->contestant_count > 2 ? ", its closest rival" : "");
    }
    text_add(out, "</h2>\n");
}

static void write_budget(const struct report_compare *c, struct text *out)
{
    text_add(out, "<p class=\"words\">Every run could spend the same: ");
    if (c->budget_layers) {
        report_thousands(out, c->budget_layers);
        text_add(out, " placed layers");
    } else {
        report_thousands(out, c->budget_evals);
        text_add(out, " evaluations");
    }
    if (c->time_limit_s > 0)
        text_printf(out, ", and at most %g s (so these figures can't be had again exactly)",
                    c->time_limit_s);
    text_add(out, ". Every mapping found was judged anew: its rules checked, its makespan and "
                  "energy taken from the SystemC model with contention.</p>\n");
}

static void tile(struct text *out, const char *name, const char *value, const char *note)
{
    text_printf(out, "<div class=\"tile\"><dt>");
    report_html_text(out, name);
    text_add(out, "</dt><dd>");
    report_html_text(out, value);
    text_add(out, "</dd><dd class=\"note\">");
    report_html_text(out, note);
    text_add(out, "</dd></div>\n");
}

#define TILES_MAX 5

void report_compare_html_verdict(const struct report_compare_facts *facts, struct text *out)
{
    const struct report_compare *c = facts->compare;
    text_add(out, "<section id=\"verdict\">\n");
    if (facts->case_count < c->case_count)
        text_printf(out,
                    "<p class=\"warning\">Unfinished: %zu of %zu cases are complete, and only "
                    "they count here.</p>\n",
                    facts->case_count, c->case_count);
    write_sentence(facts, out);
    write_budget(c, out);
    text_add(out, "<dl class=\"tiles\">\n");
    for (size_t tiles = 0, b = 0;
         facts->case_count && tiles < TILES_MAX && (b = next_rival(facts, b)); tiles++) {
        const struct report_compare_pair *pair = report_compare_pair(facts, 0, b);
        struct text name = { 0 }, value = { 0 }, note = { 0 };
        text_printf(&name, "over %s", c->contestants[b]);
        text_printf(&value, "%.3f×", pair->speedup);
        text_printf(&note, "%.3f to %.3f; better in %zu of %zu cases", pair->interval.low,
                    pair->interval.high, pair->wins, pair->cases);
        tile(out, name.data, value.data, note.data);
        text_release(&name);
        text_release(&value);
        text_release(&note);
    }
    text_add(out, "</dl>\n</section>\n");
}

/* --- provenance ------------------------------------------------------------------------------ */

static void fact_row(struct text *out, const char *what, const char *value)
{
    text_printf(out, "<tr><th>%s</th>", what);
    report_html_cell(out, value);
    text_add(out, "</tr>\n");
}

static void input_row(struct text *out, const char *what, const char *name, const char *file,
                      const char *sha256)
{
    text_printf(out, "<tr><td>%s</td>", what);
    report_html_cell(out, name);
    report_html_cell(out, file);
    text_add(out, "<td><code class=\"hash\">");
    report_html_text(out, sha256);
    text_add(out, "</code></td></tr>\n");
}

/* Every SoC and every workload once, in order of their first case. */
static void input_rows(const struct report_compare *c, struct text *out)
{
    for (size_t i = 0; i < c->case_count; i++) {
        bool seen = false;
        for (size_t before = 0; before < i; before++)
            seen = seen || !strcmp(c->cases[i].soc_sha256, c->cases[before].soc_sha256);
        if (!seen)
            input_row(out, "SoC", c->cases[i].soc, c->cases[i].soc_file, c->cases[i].soc_sha256);
    }
    for (size_t i = 0; i < c->case_count; i++) {
        bool seen = false;
        for (size_t before = 0; before < i; before++)
            seen = seen || !strcmp(c->cases[i].workload_sha256, c->cases[before].workload_sha256);
        if (!seen)
            input_row(out, "Workload", c->cases[i].workload, c->cases[i].workload_file,
                      c->cases[i].workload_sha256);
    }
}

void report_compare_html_provenance(const struct report_compare_facts *facts, struct text *out)
{
    const struct report_compare *c = facts->compare;
    struct text seeds = { 0 };
    text_printf(&seeds, "%llu to %llu", (unsigned long long)c->first_seed,
                (unsigned long long)(c->first_seed + c->seed_count - 1));
    report_html_section(out, "provenance", "Where this comes from");
    text_add(out, c->time_limit_s > 0 ? "<p>The command:</p>\n<pre><code>"
                                      : "<p>The same bytes again, on any machine and with any "
                                        "<code>--jobs</code>:</p>\n<pre><code>");
    report_html_text(out, c->command);
    text_add(out, "</code></pre>\n<div class=\"scroll\"><table class=\"facts\"><tbody>\n");
    fact_row(out, "Version", c->version);
    fact_row(out, "Objective", objective_names[c->objective]);
    fact_row(out, "Fitness", c->fitness);
    fact_row(out, "Granularity", c->granularity);
    fact_row(out, "Sharing", c->sharing);
    fact_row(out, "Seeds", seeds.data);
    text_release(&seeds);
    text_add(out, "</tbody></table></div>\n<div class=\"scroll\"><table><thead><tr><th>Input</th>"
                  "<th>Name</th><th>File</th><th>SHA-256</th></tr></thead><tbody>\n");
    input_rows(c, out);
    text_add(out, "</tbody></table></div>\n<p class=\"caption\">Beside this page: "
                  "<code>rows.csv</code> (every run), <code>summary.csv</code> (every pair of "
                  "mappers), <code>compare.json</code> (both), <code>timings.csv</code> (seconds "
                  "of every search, on the machine that ran it).</p>\n</section>\n");
}
