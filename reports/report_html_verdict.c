/* The top of the page: what limits this design, and the figures that count. */
#include "reports/report_html.h"

static void tile_begin(struct text *out, const char *name)
{
    text_printf(out, "<div class=\"tile\"><dt>%s</dt><dd>", name);
}

static void tile_end(struct text *out, const char *note)
{
    text_add(out, "</dd><dd class=\"note\">");
    report_html_text(out, note ? note : "");
    text_add(out, "</dd></div>\n");
}

static void write_makespan(const struct report_facts *f, struct text *out)
{
    const struct report *r = f->report;
    struct text note = { 0 };
    tile_begin(out, "Makespan");
    report_quantity(out, REPORT_TIME, (double)f->makespan_ps);
    if (r->simulated) {
        text_add(&note, "simulated; analytic ");
        report_quantity(&note, REPORT_TIME, (double)r->analytic->makespan_ps);
    } else {
        text_add(&note, "analytic");
    }
    tile_end(out, note.data);
    text_release(&note);
}

static void write_bound(const struct report_facts *f, struct text *out)
{
    const struct report *r = f->report;
    if (r->lower_bound_ps == 0)
        return;
    struct text note = { 0 };
    tile_begin(out, "Above the lower bound");
    report_percent(out, report_gap_frac(r));
    report_quantity(&note, REPORT_TIME, (double)r->lower_bound_ps);
    if (r->lower_bound_name && *r->lower_bound_name)
        text_printf(&note, ", by %s", r->lower_bound_name);
    tile_end(out, note.data);
    text_release(&note);
}

static void write_energy(const struct report_facts *f, struct text *out)
{
    double seconds = (double)f->makespan_ps * 1e-12;
    struct text note = { 0 };
    tile_begin(out, "Energy");
    report_quantity(out, REPORT_ENERGY, f->report->energy.total_pj);
    if (seconds > 0)
        text_printf(&note, "%.4g W on average", f->report->energy.total_pj * 1e-12 / seconds);
    tile_end(out, note.data);
    text_release(&note);
    tile_begin(out, "Energy × delay");
    report_quantity(out, REPORT_EDP, f->report->energy.total_pj * (double)f->makespan_ps);
    tile_end(out, "energy times makespan");
}

static void write_throughput(const struct report_facts *f, struct text *out)
{
    double macs = 0;
    for (size_t a = 0; a < f->report->problem->accelerator_count; a++)
        macs += (double)f->accelerators[a].macs;
    struct text note = { 0 };
    tile_begin(out, "PEs in use");
    report_percent(out, f->pe_utilisation_frac);
    if (f->makespan_ps > 0)
        text_printf(&note, "on average; %.4g TMAC/s", macs / (double)f->makespan_ps);
    tile_end(out, note.data);
    text_release(&note);
}

/* A labelled bar of the chain's parts. */
static void write_chain(const struct report_facts *f, struct text *out)
{
    const struct report_chain *chain = &f->chain;
    const struct {
        uint64_t part_ps;
        unsigned state;
        const char *text;
    } parts[] = {
        { chain->compute_ps, REPORT_COMPUTE, "computing" },
        { chain->transfer_ps, REPORT_COMMUNICATION, "moving data" },
        { chain->contention_ps, 5, "queueing" },
        { chain->memory_ps, REPORT_MEMORY, "waiting for memory" },
        { chain->other_ps, REPORT_IDLE, "other waits" },
    };
    text_add(out, "<figure><svg class=\"chainbar\" viewBox=\"0 0 100 10\" "
                  "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Parts of the chain that "
                  "ends last\">");
    double x = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        double width = 100 * report_share(f, parts[i].part_ps);
        text_printf(out, "<rect class=\"s%u\" x=\"", parts[i].state);
        report_coordinate(out, x);
        text_add(out, "\" width=\"");
        report_coordinate(out, width);
        text_add(out, "\" height=\"10\"/>");
        x += width;
    }
    text_add(out, "</svg><figcaption><ul class=\"legend\">");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].part_ps == 0)
            continue;
        struct text share = { 0 };
        report_percent(&share, report_share(f, parts[i].part_ps));
        text_printf(out,
                    "<li><svg class=\"swatch\" width=\"12\" height=\"12\"><rect class=\"s%u\" "
                    "width=\"12\" height=\"12\" rx=\"2\"/></svg>%s ",
                    parts[i].state, parts[i].text);
        report_html_text(out, share.data);
        text_add(out, " <span class=\"muted\">");
        report_quantity(out, REPORT_TIME, (double)parts[i].part_ps);
        text_add(out, "</span></li>");
        text_release(&share);
    }
    text_printf(out,
                "</ul>The chain of events that ends last, %zu layers long: what would have to get "
                "shorter for the makespan to.</figcaption></figure>\n",
                chain->layer_count);
}

void report_html_verdict(const struct report_facts *facts, struct text *out)
{
    struct text limit = { 0 }, words = { 0 };
    report_limit(facts, &limit);
    report_verdict(facts, &words);
    text_add(out, "<section id=\"verdict\">\n");
    if (facts->report->interrupted)
        text_add(out, "<p class=\"warning\">The search was interrupted: this is the best mapping "
                      "found until then.</p>\n");
    text_add(out, "<h2>");
    report_html_text(out, limit.data);
    text_add(out, "</h2>\n<p class=\"words\">");
    report_html_text(out, words.data);
    text_add(out, "</p>\n<dl class=\"tiles\">\n");
    write_makespan(facts, out);
    write_bound(facts, out);
    write_energy(facts, out);
    write_throughput(facts, out);
    text_add(out, "</dl>\n");
    write_chain(facts, out);
    text_add(out, "</section>\n");
    text_release(&words);
    text_release(&limit);
}
