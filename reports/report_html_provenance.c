/* The end of the page: what went in, and how to get the same again. */
#include <inttypes.h>

#include "reports/report_html.h"

static void input_row(struct text *out, const char *what, const char *name, const char *file,
                      const char *sha256)
{
    text_printf(out, "<tr><td>%s</td>", what);
    report_html_cell(out, name ? name : "");
    report_html_cell(out, file ? file : "");
    text_add(out, "<td><code class=\"hash\">");
    report_html_text(out, sha256);
    text_add(out, "</code></td></tr>\n");
}

static void fact_row(struct text *out, const char *what, const char *value)
{
    if (!value || !*value)
        return;
    text_printf(out, "<tr><th>%s</th>", what);
    report_html_cell(out, value);
    text_add(out, "</tr>\n");
}

static void count_row(struct text *out, const char *what, uint64_t value)
{
    text_printf(out, "<tr><th>%s</th><td>%" PRIu64 "</td></tr>\n", what, value);
}

void report_html_provenance(const struct report_facts *facts, struct text *out)
{
    const struct report *r = facts->report;
    const struct soc *soc = r->problem->soc;
    const struct workload *workload = r->problem->workload;
    report_html_section(out, "provenance", "Where this comes from");
    if (r->command && *r->command) {
        text_add(out,
                 "<p>The same bytes again, on any machine and with any <code>--jobs</code>:</p>"
                 "\n<pre><code>");
        report_html_text(out, r->command);
        text_add(out, "</code></pre>\n");
    }
    text_add(out, "<div class=\"scroll\"><table class=\"facts\"><tbody>\n");
    fact_row(out, "Version", r->version);
    fact_row(out, "Mapper", r->mapper);
    fact_row(out, "Objective", r->objective);
    fact_row(out, "Fitness", r->fitness);
    fact_row(out, "Granularity", granularity_names[r->granularity]);
    fact_row(out, "Discipline", mapping_discipline_names[r->mapping->discipline]);
    count_row(out, "Seed", r->seed);
    count_row(out, "Evaluations", r->evaluations);
    count_row(out, "Simulated evaluations", r->sim_evaluations);
    text_add(out, "</tbody></table></div>\n<div class=\"scroll\"><table><thead><tr><th>Input</th>"
                  "<th>Name</th><th>File</th><th>SHA-256</th></tr></thead><tbody>\n");
    input_row(out, "SoC", soc->name, soc->file, soc->sha256);
    input_row(out, "Workload", workload->name, workload->file, workload->sha256);
    for (size_t i = 0; i < workload_whole(workload)->graph_count; i++) {
        const struct dnn *graph = &workload_whole(workload)->graphs[i];
        input_row(out, "Graph", graph->name, graph->file, graph->sha256);
    }
    text_add(out,
             "</tbody></table></div>\n<p class=\"caption\">The workload's hash covers its "
             "graphs. Beside this page: <code>result.json</code> (figures), "
             "<code>mapping.json</code> (the mapping), <code>resolved.json</code> (inputs with "
             "defaults written out), <code>layers.csv</code>, <code>networks.csv</code>, "
             "<code>convergence.csv</code>, "
             "<code>trace.json</code> (open it in ui.perfetto.dev).</p>\n</section>\n");
}
