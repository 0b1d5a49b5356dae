/* Tables: accelerators, networks, layers, where simulation and analysis differ, provenance. */
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "reports/report_html.h"

#define ROWS_SHOWN 40 /* of a long table; the rest folds away */
#define TOP_LAYERS 12
#define TOP_DELAYS 10

static void table_begin(struct text *out, const char *const *heads, size_t count)
{
    text_add(out, "<div class=\"scroll\"><table><thead><tr>");
    for (size_t i = 0; i < count; i++) {
        bool number = heads[i][0] == '#';
        text_printf(out, "<th%s>%s</th>", number ? " class=\"n\"" : "", heads[i] + number);
    }
    text_add(out, "</tr></thead><tbody>\n");
}

#define TABLE_BEGIN(out, heads) table_begin(out, heads, sizeof(heads) / sizeof *(heads))

static void table_end(struct text *out)
{
    text_add(out, "</tbody></table></div>\n");
}

/* "Time, ms": a column head with its unit. */
static void head_with_unit(struct text *out, const char *what, struct report_scale scale)
{
    text_printf(out, "%s, %s", what, scale.unit);
}

/* --- accelerators ---------------------------------------------------------------------------- */

static void accelerator_row(const struct report_facts *f, struct text *out, size_t a)
{
    const struct report_accelerator *acc = &f->accelerators[a];
    const struct soc_accelerator *soc = &f->report->problem->soc->accelerators[a];
    double fracs[REPORT_STATE_COUNT];
    for (size_t state = 0; state < REPORT_STATE_COUNT; state++)
        fracs[state] = report_share(f, acc->state_ps[state]);
    text_add(out, "<tr>");
    report_html_cell(out, soc->name);
    report_html_count(out, acc->layer_count);
    report_html_stack(out, 's', fracs, REPORT_STATE_COUNT - 1);
    for (size_t state = 0; state < REPORT_STATE_COUNT; state++)
        report_html_share(out, fracs[state]);
    report_html_share(out, report_pe_frac(f, a));
    text_add(out, "</tr>\n");
}

static void fold_begin(struct text *out, size_t more, const char *what)
{
    text_printf(out,
                "</tbody></table></div>\n<details><summary>%zu more %s</summary><div "
                "class=\"scroll\"><table><tbody>\n",
                more, what);
}

void report_html_accelerators(const struct report_facts *facts, struct text *out)
{
    static const char *const heads[] = { "Accelerator", "#Layers", "Share of the makespan",
                                         "#Compute",    "#Memory", "#Transfer",
                                         "#Dependency", "#Idle",   "#PEs in use" };
    size_t count = facts->report->problem->accelerator_count;
    report_html_section(out, "accelerators", "What each accelerator does with its time");
    TABLE_BEGIN(out, heads);
    for (size_t a = 0; a < count; a++) {
        if (a == ROWS_SHOWN)
            fold_begin(out, count - a, "accelerators");
        accelerator_row(facts, out, a);
    }
    table_end(out);
    text_add(out, count > ROWS_SHOWN ? "</details>\n" : "");
    text_add(
        out,
        "<p class=\"caption\">Every instant counts once, so the five shares of a row add up to "
        "the makespan. <b>Compute</b>: at least one layer is at work. <b>Memory</b>: layers "
        "are there but wait for weights or graph inputs. <b>Transfer</b>: nothing runs, and "
        "the last input of the next layer is on its way. <b>Dependency</b>: that input is "
        "still being computed. <b>Idle</b>: no layer is left. <b>PEs in use</b> weighs "
        "running time with the PEs that the layers hold.</p>\n</section>\n");
}

/* --- networks -------------------------------------------------------------------------------- */

static void network_row(const struct report_facts *f, struct text *out, size_t n,
                        const uint8_t *colours, struct report_scale time,
                        struct report_scale energy, struct report_scale macs)
{
    const struct report_network *at = &f->networks[n];
    double from = 100 * report_share(f, at->start_ps), to = 100 * report_share(f, at->end_ps);
    text_printf(out,
                "<tr><td><svg class=\"swatch\" width=\"12\" height=\"12\"><rect class=\"c%u\" "
                "width=\"12\" height=\"12\" rx=\"2\"/></svg>",
                colours[n]);
    report_html_text(out, f->report->problem->workload->networks[n].name);
    text_add(out, "</td>");
    report_html_count(out, at->layer_count);
    report_html_number(out, macs, (double)at->macs);
    text_printf(out,
                "<td class=\"stack\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\">"
                "<rect class=\"lane\" width=\"100\" height=\"10\"/><rect class=\"c%u\" x=\"",
                colours[n]);
    report_coordinate(out, from);
    text_add(out, "\" width=\"");
    report_coordinate(out, to - from);
    text_add(out, "\" height=\"10\"/></svg></td>");
    report_html_number(out, time, (double)at->start_ps);
    report_html_number(out, time, (double)at->end_ps);
    report_html_share(out, report_share(f, at->end_ps));
    report_html_number(out, energy, report_energy_pj(&at->energy));
    text_add(out, "</tr>\n");
}

static void deadline_row(const struct report_facts *f, struct text *out, size_t e,
                         struct report_scale time)
{
    const struct workload *workload = f->report->problem->workload;
    const struct workload_entry *entry = &workload->entries[e];
    struct report_entry of = report_entry_of(f, e);
    text_add(out, "<tr><td>");
    report_html_text(out, entry->name);
    text_add(out, "</td>");
    report_html_count(out, of.frames);
    report_html_count(out, of.misses);
    report_html_number(out, time, (double)entry->deadline_ps);
    report_html_number(out, time, (double)of.latency_ps / (double)of.frames);
    report_html_number(out, time, (double)of.longest_ps);
    report_html_number(out, time,
                       of.misses ? -(double)of.worst_lateness_ps : (double)of.least_slack_ps);
    text_add(out, "</tr>\n");
}

static void add_deadlines(const struct report_facts *facts, struct text *out)
{
    const struct workload *workload = facts->report->problem->workload;
    const struct punctuality *on_time = &facts->on_time;
    if (on_time->frames == 0)
        return;
    struct report_scale time = report_scale_for(REPORT_TIME, (double)facts->makespan_ps);
    struct text allowed = { 0 }, mean = { 0 }, most = { 0 }, slack = { 0 };
    head_with_unit(&allowed, "#Deadline", time);
    head_with_unit(&mean, "#Mean latency", time);
    head_with_unit(&most, "#Longest", time);
    head_with_unit(&slack, "#Least slack", time);
    const char *const heads[] = { "Network", "#Frames", "#Misses", allowed.data,
                                  mean.data, most.data, slack.data };
    report_html_section(out, "deadlines", "Deadlines");
    TABLE_BEGIN(out, heads);
    for (size_t e = 0; e < workload->entry_count; e++)
        if (workload->entries[e].deadline_ps != WORKLOAD_NO_DEADLINE &&
            workload->entries[e].network_count > 0)
            deadline_row(facts, out, e, time);
    table_end(out);
    text_add(out, "<p class=\"caption\">Latency is from the release of a frame to the end of its "
                  "last layer; a negative slack is lateness. ");
    report_thousands(out, on_time->misses);
    text_add(out, " of ");
    report_thousands(out, on_time->frames);
    text_printf(out, " frames are late; XRBench score %.3f.</p>\n</section>\n",
                on_time->xrbench_score);
    text_release(&allowed);
    text_release(&mean);
    text_release(&most);
    text_release(&slack);
}

void report_html_networks(const struct report_facts *facts, struct text *out)
{
    size_t count = facts->report->problem->network_count;
    double most_pj = 0, most_macs = 0;
    for (size_t n = 0; n < count; n++) {
        double pj = report_energy_pj(&facts->networks[n].energy);
        most_pj = pj > most_pj ? pj : most_pj;
        double macs = (double)facts->networks[n].macs;
        most_macs = macs > most_macs ? macs : most_macs;
    }
    struct report_scale time = report_scale_for(REPORT_TIME, (double)facts->makespan_ps);
    struct report_scale energy = report_scale_for(REPORT_ENERGY, most_pj);
    struct report_scale macs = report_scale_for(REPORT_MACS, most_macs);
    struct text start = { 0 }, end = { 0 }, pj = { 0 }, mac = { 0 };
    head_with_unit(&start, "#Start", time);
    head_with_unit(&end, "#End", time);
    head_with_unit(&pj, "#Energy", energy);
    text_printf(&mac, "#%s", macs.unit);
    const char *const heads[] = { "Network",         "#Layers",
                                  mac.data,          "From first start to last end",
                                  start.data,        end.data,
                                  "#End / makespan", pj.data };
    add_deadlines(facts, out);
    report_html_section(out, "networks", "Latency of each network");
    TABLE_BEGIN(out, heads);
    uint8_t *colours = report_colours_new(facts->report->problem);
    for (size_t n = 0; n < count; n++) {
        if (n == ROWS_SHOWN)
            fold_begin(out, count - n, "networks");
        network_row(facts, out, n, colours, time, energy, macs);
    }
    free(colours);
    table_end(out);
    text_add(out, count > ROWS_SHOWN ? "</details>\n" : "");
    bool periodic = facts->report->problem->release_ps != NULL;
    text_add(out, periodic ? "<p class=\"caption\">Networks start after their release. "
                           : "<p class=\"caption\">All networks are ready at time 0: the end is "
                             "the latency. ");
    text_add(out, "Energy is that of the layers, without network and idle PEs.</p>\n</section>\n");
    text_release(&start);
    text_release(&end);
    text_release(&pj);
    text_release(&mac);
}

/* --- layers ---------------------------------------------------------------------------------- */

static double macs_per_pe_cycle(const struct report_facts *f, uint32_t l)
{
    const struct layer_option *option = f->layers[l].option;
    double slots = (double)option->pes * (double)option->cycles;
    double macs = (double)workload_layer(f->report->problem->workload, l)->shape.macs;
    return slots > 0 ? macs / slots : 0;
}

/* Layers of equal shape, copies among them, stand in one row. */
struct shape_times {
    uint64_t *sum_ps;
    uint32_t *count, *longest; /* the layer of that shape that ran longest */
};

static uint64_t run_ps(const struct report_facts *f, uint32_t l)
{
    return f->layers[l].end_ps - f->layers[l].start_ps;
}

static void shape_times_init(struct shape_times *times, const struct report_facts *f)
{
    const struct problem *p = f->report->problem;
    times->sum_ps = mem_alloc(p->class_count + 1, sizeof *times->sum_ps);
    times->count = mem_alloc(p->class_count + 1, sizeof *times->count);
    times->longest = mem_alloc(p->class_count + 1, sizeof *times->longest);
    for (uint32_t l = 0; l < p->layer_count; l++) {
        uint32_t shape = p->class_of[l];
        times->sum_ps[shape] += run_ps(f, l);
        if (times->count[shape]++ == 0 || run_ps(f, l) > run_ps(f, times->longest[shape]))
            times->longest[shape] = l;
    }
}

static void shape_times_release(struct shape_times *times)
{
    free(times->longest);
    free(times->count);
    free(times->sum_ps);
}

static void layer_row(const struct report_facts *f, struct text *out,
                      const struct shape_times *times, uint32_t shape, struct report_scale scale)
{
    uint32_t l = times->longest[shape];
    const struct report_layer *at = &f->layers[l];
    const struct dnn_layer *layer = workload_layer(f->report->problem->workload, l);
    text_add(out, "<tr>");
    report_html_layer_name(f, out, l);
    report_html_count(out, times->count[shape] - 1);
    report_html_number(out, scale, (double)times->sum_ps[shape]);
    report_html_cell(out, layer->op ? layer->op->name : "expression");
    report_html_cell(out, f->report->problem->soc->accelerators[at->accelerator].name);
    report_html_count(out, at->option->pes);
    report_html_number(out, scale, (double)run_ps(f, l));
    report_html_share(out, macs_per_pe_cycle(f, l));
    report_html_number(out, scale, (double)(run_ps(f, l) - at->compute_ps));
    text_add(out, "</tr>\n");
}

void report_html_layers(const struct report_facts *facts, struct text *out)
{
    struct shape_times times;
    shape_times_init(&times, facts);
    uint32_t top[TOP_LAYERS];
    size_t shown =
        report_html_top(times.sum_ps, facts->report->problem->class_count, TOP_LAYERS, top);
    struct report_scale scale =
        report_scale_for(REPORT_TIME, shown > 0 ? (double)times.sum_ps[top[0]] : 0);
    struct text sum = { 0 }, time = { 0 }, stall = { 0 };
    head_with_unit(&sum, "#All", scale);
    head_with_unit(&time, "#Longest", scale);
    head_with_unit(&stall, "#Stalled", scale);
    const char *const heads[] = { "Layer",    "#Like it",         sum.data,
                                  "Operator", "Accelerator",      "#PEs",
                                  time.data,  "#MACs / PE-cycle", stall.data };
    report_html_section(out, "layers", "The layers that take longest");
    TABLE_BEGIN(out, heads);
    for (size_t i = 0; i < shown; i++)
        layer_row(facts, out, &times, top[i], scale);
    table_end(out);
    text_add(out,
             "<p class=\"caption\">Layers of equal shape stand in one row, by the time that all "
             "of them take; what follows is of the longest. MACs per PE and cycle say how well "
             "the dataflow fits the shape: 100% is one MAC in each of the layer's PEs in every "
             "cycle. Stalled: the part of its time spent waiting for memory or input tiles. "
             "All layers are in <code>layers.csv</code>.</p>\n</section>\n");
    text_release(&sum);
    text_release(&time);
    text_release(&stall);
    shape_times_release(&times);
}

/* --- simulation against analysis ------------------------------------------------------------- */

/* Time that the simulated run adds to this layer itself: in queues before it, as far as that made
 * it start later, and inside it. */
static uint64_t own_delay_ps(const struct report_facts *f, uint32_t l)
{
    const struct schedule *analytic = f->report->analytic;
    const struct report_layer *at = &f->layers[l];
    uint64_t later_ps =
        at->start_ps > analytic->start_ps[l] ? at->start_ps - analytic->start_ps[l] : 0;
    uint64_t was_ps = analytic->end_ps[l] - analytic->start_ps[l];
    uint64_t is_ps = at->end_ps - at->start_ps;
    return min_u64(at->contention_ps, later_ps) + (is_ps > was_ps ? is_ps - was_ps : 0);
}

static void delay_row(const struct report_facts *f, struct text *out, uint32_t l,
                      struct report_scale delay, struct report_scale time)
{
    const struct report_layer *at = &f->layers[l];
    struct text where = { 0 };
    if (at->queued_ps > 0)
        report_resource_name(f, at->queue_resource, at->queue_index, &where);
    text_add(out, "<tr>");
    report_html_layer_name(f, out, l);
    report_html_cell(out, f->report->problem->soc->accelerators[at->accelerator].name);
    report_html_number(out, delay, (double)own_delay_ps(f, l));
    report_html_cell(out, where.data ? where.data : "not in a queue of its own");
    report_html_number(out, time, (double)f->report->analytic->start_ps[l]);
    report_html_number(out, time, (double)at->start_ps);
    text_add(out, "</tr>\n");
    text_release(&where);
}

static void delays_table(const struct report_facts *f, struct text *out, const uint64_t *delay_ps)
{
    uint32_t top[TOP_DELAYS];
    size_t count = report_html_top(delay_ps, f->report->problem->layer_count, TOP_DELAYS, top);
    struct report_scale delay = report_scale_for(REPORT_TIME, (double)delay_ps[top[0]]);
    struct report_scale time = report_scale_for(REPORT_TIME, (double)f->makespan_ps);
    struct text own = { 0 }, was = { 0 }, is = { 0 };
    head_with_unit(&own, "#Own delay", delay);
    head_with_unit(&was, "#Start, analytic", time);
    head_with_unit(&is, "#Start, simulated", time);
    const char *const heads[] = { "Layer",  "Accelerator", own.data, "Its packets queued most at",
                                  was.data, is.data };
    TABLE_BEGIN(out, heads);
    for (size_t i = 0; i < count && delay_ps[top[i]] > 0; i++)
        delay_row(f, out, top[i], delay, time);
    table_end(out);
    text_add(out,
             "<p class=\"caption\">The layers that lose most by themselves: time that their "
             "last input spent in queues, as far as they start later for it, and time by which "
             "the run itself got longer. Delays "
             "that are passed on from a predecessor are not counted again.</p>\n");
    text_release(&own);
    text_release(&was);
    text_release(&is);
}

void report_html_disagreement(const struct report_facts *facts, struct text *out)
{
    const struct report *r = facts->report;
    if (!r->simulated)
        return;
    size_t count = r->problem->layer_count, delayed = 0;
    uint64_t *delay_ps = mem_alloc(count + 1, sizeof *delay_ps);
    for (uint32_t l = 0; l < count; l++) {
        delay_ps[l] = own_delay_ps(facts, l);
        delayed += delay_ps[l] > 0;
    }
    double more = r->analytic->makespan_ps > 0
                      ? (double)r->simulated->makespan_ps / (double)r->analytic->makespan_ps - 1
                      : 0;
    report_html_section(out, "disagreement", "Where simulation and analysis differ");
    text_add(out, "<p>");
    if (r->simulated->makespan_ps == r->analytic->makespan_ps && delayed == 0) {
        text_add(out, "They agree to the picosecond: no packet ever had to queue long enough to "
                      "hold up a layer.</p>\n");
    } else {
        text_add(out, "The analytic estimate knows no queues. The simulated run takes ");
        report_quantity(out, REPORT_TIME, (double)r->simulated->makespan_ps);
        text_add(out, " against ");
        report_quantity(out, REPORT_TIME, (double)r->analytic->makespan_ps);
        struct text share = { 0 };
        report_percent(&share, more);
        text_printf(out, " (%s", more >= 0 ? "+" : "");
        report_html_text(out, share.data);
        text_add(out, "); ");
        report_thousands(out, delayed);
        text_add(out, " of ");
        report_thousands(out, count);
        text_add(out, " layers are held up by packets of others.</p>\n");
        text_release(&share);
    }
    if (delayed > 0)
        delays_table(facts, out, delay_ps);
    text_add(out, "</section>\n");
    free(delay_ps);
}
