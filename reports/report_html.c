/*
 * report.html: one file that works from disk, without JavaScript and without a network. Its
 * Content-Security-Policy lets in nothing but its own style and script, named by their hashes.
 */
#include <string.h>

#include "reports/report_html.h"

static const char style[] =
#include "reports/report_style.css.inc"
    ;
static const char script[] =
#include "reports/report_script.js.inc"
    ;

static const struct {
    const char *id, *name;
    void (*write)(const struct report_facts *facts, struct text *out);
} section_table[] = {
    { "verdict", "Verdict", report_html_verdict },
    { "front", "Front", report_html_front },
    { "timeline", "Timeline", report_html_timeline },
    { "accelerators", "Accelerators", report_html_accelerators },
    { "network", "Links", report_html_network },
    { "disagreement", "Simulation", report_html_disagreement },
    { "networks", "Networks", report_html_networks },
    { "scratchpads", "Scratchpads", report_html_scratchpads },
    { "energy", "Energy", report_html_energy },
    { "layers", "Layers", report_html_layers },
    { "instructions", "Instructions", report_html_intrinsics },
    { "convergence", "Search", report_html_convergence },
    { "provenance", "Provenance", report_html_provenance },
};
#define SECTION_COUNT (sizeof section_table / sizeof *section_table)

static void write_title(const struct report *r, struct text *out, const char *between)
{
    report_html_text(out, r->problem->soc->name);
    text_add(out, between);
    report_html_text(out, r->problem->workload->name);
}

static void write_head(const struct report *r, struct text *out)
{
    struct text css = { 0 };
    text_add(&css, style);
    report_colour_rules(r->problem, &css);
    text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src '");
    report_csp_hash(out, css.data, css.bytes);
    text_add(out, "'; script-src '");
    report_csp_hash(out, script, strlen(script));
    text_add(out, "'; base-uri 'none'; form-action 'none'\"/>\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                  "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
    write_title(r, out, " × ");
    text_add(out, " · socweave</title>\n<style>");
    text_add_bytes(out, css.data, css.bytes);
    text_add(out, "</style>\n</head>\n");
    text_release(&css);
}

static void write_header(const struct report *r, struct text *out)
{
    text_add(out, "<header>\n<p class=\"brand\">socweave</p>\n<h1>");
    write_title(r, out, " <span class=\"times\">×</span> ");
    text_add(out, "</h1>\n<p class=\"sub\">");
    report_thousands(out, r->problem->network_count);
    text_add(out, r->problem->network_count == 1 ? " network, " : " networks, ");
    report_thousands(out, r->problem->layer_count);
    text_printf(out, " layers on %zu accelerators", r->problem->accelerator_count);
    if (r->mapper && *r->mapper) {
        text_add(out, "; mapped by <b>");
        report_html_text(out, r->mapper);
        text_printf(out, "</b>, seed %llu", (unsigned long long)r->seed);
    }
    if (r->objective && *r->objective) {
        text_add(out, ", for ");
        report_html_text(out, r->front_count > 0 ? "latency against energy" : r->objective);
    }
    text_printf(out, "; %s granularity</p>\n</header>\n", granularity_names[r->granularity]);
}

/* Links to the sections that have something to say. */
static void write_nav(const struct text *sections, struct text *out)
{
    text_add(out, "<nav aria-label=\"Sections\"><ul>");
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (sections[i].bytes > 0)
            text_printf(out, "<li><a href=\"#%s\">%s</a></li>", section_table[i].id,
                        section_table[i].name);
    text_add(out, "</ul></nav>\n");
}

void report_html(const struct report *report, struct text *out)
{
    struct report_facts facts;
    struct text sections[SECTION_COUNT];
    memset(sections, 0, sizeof sections);
    report_facts_init(&facts, report);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        section_table[i].write(&facts, &sections[i]);
    write_head(report, out);
    text_add(out, "<body>\n");
    write_header(report, out);
    write_nav(sections, out);
    text_add(out, "<main>\n");
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (sections[i].bytes > 0)
            text_add_bytes(out, sections[i].data, sections[i].bytes);
        text_release(&sections[i]);
    }
    text_add(out, "</main>\n<script>");
    text_add(out, script);
    text_add(out, "</script>\n</body>\n</html>\n");
    report_facts_release(&facts);
}
