/* Which hardware instructions could run the layers, and the fastest predicted way. */
#include <stdlib.h>

#include "core/arena.h"
#include "reports/report_html.h"

#define ROWS_SHOWN 60

static uint64_t macs_of(const struct problem *p, uint32_t class)
{
    return workload_layer(p->workload, p->class_layer[class])->shape.macs;
}

/* "mma.m16n8k32.u8s8, amx.16x16x64.u8s8 and 9 more" after the best one. */
static void add_others(struct text *out, const struct report_intrinsics *intrinsics)
{
    text_add(out, "<td>");
    for (size_t i = 1; i < intrinsics->count && i < 3; i++) {
        text_add(out, i > 1 ? ", " : "");
        report_html_text(out, intrinsics->rows[i].name);
    }
    if (intrinsics->count > 3)
        text_printf(out, " and %zu more", intrinsics->count - 3);
    text_add(out, "</td>");
}

static void class_row(const struct report_facts *f, struct text *out, uint32_t class,
                      uint32_t like_it)
{
    const struct problem *p = f->report->problem;
    const struct report_intrinsics *intrinsics = &f->report->intrinsics[class];
    const struct report_intrinsic *best = &intrinsics->rows[0];
    text_add(out, "<tr>");
    report_html_layer_name(f, out, p->class_layer[class]);
    report_html_count(out, like_it);
    report_html_cell(out, best->name);
    report_html_cell(out, best->axes);
    report_html_count(out, best->mappings);
    report_html_count(out, best->calls);
    report_html_share(out, best->padding_frac);
    text_add(out, "<td class=\"n\">");
    report_quantity(out, REPORT_TIME, best->predicted_ns * 1000);
    text_add(out, "</td>");
    report_html_cell(out, best->limited_by);
    add_others(out, intrinsics);
    text_add(out, "</tr>\n");
}

/* Classes by the MACs of all their layers; 0 where no instruction fits. */
static uint64_t *weigh(const struct report *r, uint32_t *like_it, size_t *without)
{
    const struct problem *p = r->problem;
    uint64_t *macs = mem_alloc(p->class_count + 1, sizeof *macs);
    *without = 0;
    for (uint32_t l = 0; l < p->layer_count; l++) {
        uint32_t class = p->class_of[l];
        if (r->intrinsics[class].count == 0)
            ++*without;
        else
            macs[class] += macs_of(p, class) + 1;
        like_it[class]++;
    }
    return macs;
}

void report_html_intrinsics(const struct report_facts *facts, struct text *out)
{
    const struct report *r = facts->report;
    if (r->intrinsics == NULL)
        return;
    size_t classes = r->problem->class_count, without;
    uint32_t *like_it = mem_alloc(classes + 1, sizeof *like_it);
    uint64_t *macs = weigh(r, like_it, &without);
    uint32_t top[ROWS_SHOWN];
    size_t shown = report_html_top(macs, classes, ROWS_SHOWN, top);
    report_html_section(out, "instructions", "Hardware instructions that could run the layers");
    text_add(out, "<div class=\"scroll\"><table><thead><tr><th>Layer</th><th class=\"n\">Like it"
                  "</th><th>Fastest predicted</th><th>Loops on its axes</th>"
                  "<th class=\"n\">Mappings</th><th class=\"n\">Calls</th>"
                  "<th class=\"n\">Padding</th><th class=\"n\">Predicted</th><th>Limited by</th>"
                  "<th>Then</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < shown && macs[top[i]] > 0; i++)
        class_row(facts, out, top[i], like_it[top[i]] - 1);
    text_add(out, "</tbody></table></div>\n<p class=\"caption\">Not part of the mapping: what real "
                  "hardware with such an instruction would take, by a model of its throughput and "
                  "bandwidth, each on a machine of its own. Layers of equal shape stand in one "
                  "row, those with the most MACs first. ");
    if (without > 0) {
        report_thousands(out, without);
        text_add(out,
                 without == 1 ? " layer fits no instruction. " : " layers fit no instruction. ");
    }
    text_add(out, "All mappings of a layer: <code>socweave match</code>; all layers: <code>"
                  "layers.csv</code>.</p>\n</section>\n");
    free(macs);
    free(like_it);
}
