/* What a person sees on the terminal: 80 columns, UTF-8 blocks. */
#include <string.h>

#include "reports/report_facts.h"
#include "reports/report_format.h"

#define BAR_CELLS 24
#define ROWS_MAX  16
#define COLUMNS   78

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* A name, safe for a terminal, in exactly so many columns. */
static void add_name(struct text *out, const char *name, size_t columns)
{
    struct text safe = { 0 };
    report_plain_text(&safe, name);
    const char *at = safe.data ? safe.data : "";
    size_t length = columns_of(at), shown = length <= columns ? length : columns - 1;
    for (size_t i = 0; *at; at++) {
        bool begins = ((unsigned char)*at & 0xc0) != 0x80;
        if (begins && i++ == shown)
            break;
        text_add_bytes(out, at, 1);
    }
    if (length > columns)
        text_add(out, "…");
    text_printf(out, "%*s", (int)(columns - (length < columns ? length : columns)), "");
    text_release(&safe);
}

static void add_right(struct text *out, const char *value, size_t columns)
{
    size_t length = columns_of(value);
    text_printf(out, "%*s%s", (int)(length < columns ? columns - length : 0), "", value);
}

static void add_share(struct text *out, double frac, size_t columns)
{
    struct text share = { 0 };
    report_percent(&share, frac);
    add_right(out, share.data, columns);
    text_release(&share);
}

/* Eighths of a cell: "███▍    ". */
static void add_bar(struct text *out, double frac)
{
    static const char *const eighths[] = { "·", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    unsigned filled = (unsigned)(frac * 8 * BAR_CELLS + 0.5);
    for (unsigned cell = 0; cell < BAR_CELLS; cell++) {
        unsigned part = filled > 8 * cell ? filled - 8 * cell : 0;
        text_add(out, part >= 8 ? "█" : eighths[part]);
    }
}

static void add_words(struct text *out, const char *words)
{
    struct text safe = { 0 };
    report_plain_text(&safe, words);
    size_t column = 0;
    for (const char *at = safe.data ? safe.data : ""; *at;) {
        size_t bytes = strcspn(at, " ");
        struct text word = { 0 };
        text_add_bytes(&word, at, bytes);
        size_t length = columns_of(word.data);
        text_release(&word);
        if (column > 0 && column + 1 + length > COLUMNS) {
            text_add(out, "\n");
            column = 0;
        } else if (column > 0) {
            text_add(out, " ");
            column++;
        }
        text_add_bytes(out, at, bytes);
        column += length;
        at += bytes;
        at += strspn(at, " ");
    }
    text_add(out, "\n");
    text_release(&safe);
}

static void add_title(struct text *out, const struct report *r)
{
    struct text title = { 0 };
    text_printf(&title, "%s × %s: %zu networks, %zu layers, %zu accelerators",
                r->problem->soc->name, r->problem->workload->name, r->problem->network_count,
                r->problem->layer_count, r->problem->accelerator_count);
    add_words(out, title.data);
    text_release(&title);
}

static void add_deadlines(struct text *out, const struct report_facts *f)
{
    const struct punctuality *on_time = &f->on_time;
    if (on_time->frames == 0)
        return;
    text_add(out, "\n  deadlines     ");
    report_thousands(out, on_time->misses);
    text_add(out, " of ");
    report_thousands(out, on_time->frames);
    text_add(out, " missed");
    if (on_time->misses > 0) {
        text_add(out, ", the worst by ");
        report_quantity(out, REPORT_TIME, (double)on_time->worst_lateness_ps);
    }
    text_printf(out, "; XRBench score %.3f", on_time->xrbench_score);
}

static void add_figures(struct text *out, const struct report_facts *f)
{
    const struct report *r = f->report;
    text_add(out, "\n  makespan      ");
    report_quantity(out, REPORT_TIME, (double)f->makespan_ps);
    if (r->simulated) {
        text_add(out, " simulated, ");
        report_quantity(out, REPORT_TIME, (double)r->analytic->makespan_ps);
        text_add(out, " analytic");
    } else {
        text_add(out, " analytic");
    }
    if (r->lower_bound_ps > 0) {
        text_add(out, "\n  lower bound   ");
        report_quantity(out, REPORT_TIME, (double)r->lower_bound_ps);
        text_printf(out, " by %s; ", r->lower_bound_name ? r->lower_bound_name : "?");
        report_percent(out, report_gap_frac(r));
        text_add(out, " above it");
    }
    add_deadlines(out, f);
    text_add(out, "\n  energy        ");
    report_quantity(out, REPORT_ENERGY, r->energy.total_pj);
    text_add(out, "; energy × delay ");
    report_quantity(out, REPORT_EDP, r->energy.total_pj * (double)f->makespan_ps);
    text_add(out, "\n");
    if (r->mapper && *r->mapper) {
        text_add(out, "  mapper        ");
        report_plain_text(out, r->mapper);
        text_printf(out, ", seed %llu", (unsigned long long)r->seed);
        if (r->evaluations > 0) {
            text_add(out, "; ");
            report_thousands(out, r->evaluations);
            text_add(out, " evaluations, ");
            report_thousands(out, r->sim_evaluations);
            text_add(out, " of them simulated");
        }
        text_add(out, "\n");
    }
}

static void add_accelerators(struct text *out, const struct report_facts *f)
{
    const struct soc *soc = f->report->problem->soc;
    text_printf(out, "\n  %-18s%-*s computes   PEs  waits   idle\n", "accelerator", BAR_CELLS, "");
    for (size_t a = 0; a < soc->accelerator_count && a < ROWS_MAX; a++) {
        const uint64_t *state_ps = f->accelerators[a].state_ps;
        uint64_t waits_ps =
            state_ps[REPORT_MEMORY] + state_ps[REPORT_COMMUNICATION] + state_ps[REPORT_DEPENDENCY];
        double computes = report_share(f, state_ps[REPORT_COMPUTE]);
        text_add(out, "  ");
        add_name(out, soc->accelerators[a].name, 17);
        text_add(out, " ");
        add_bar(out, computes);
        add_share(out, computes, 9);
        add_share(out, report_pe_frac(f, a), 6);
        add_share(out, report_share(f, waits_ps), 7);
        add_share(out, report_share(f, state_ps[REPORT_IDLE]), 7);
        text_add(out, "\n");
    }
    if (soc->accelerator_count > ROWS_MAX)
        text_printf(out, "  and %zu more\n", soc->accelerator_count - ROWS_MAX);
    text_add(out, "\n");
}

/* Evenly chosen rows of a long front, both ends and the chosen one among them. */
static bool is_listed(const struct report *r, size_t i)
{
    size_t stride = 1 + r->front_count / ROWS_MAX;
    return i % stride == 0 || i + 1 == r->front_count || i == r->front_chosen;
}

static void add_front(struct text *out, const struct report *r)
{
    if (r->front_count == 0)
        return;
    text_printf(out, "\n  front of %zu       latency      energy  mapping\n", r->front_count);
    for (size_t i = 0; i < r->front_count; i++) {
        if (!is_listed(r, i))
            continue;
        struct text latency = { 0 }, energy = { 0 };
        report_quantity(&latency, REPORT_TIME, (double)r->front[i].latency_ps);
        report_quantity(&energy, REPORT_ENERGY, r->front[i].energy_pj);
        text_add(out, "  ");
        add_right(out, latency.data, 24);
        add_right(out, energy.data, 12);
        text_add(out, "  ");
        report_front_file(i, out);
        text_add(out, i == r->front_chosen ? "  chosen: mapping.json\n" : "\n");
        text_release(&latency);
        text_release(&energy);
    }
}

/* Frames, misses and latency of every entry of the workload that has a deadline. */
static void add_entries(struct text *out, const struct report_facts *f)
{
    const struct workload *workload = f->report->problem->workload;
    if (f->on_time.frames == 0)
        return;
    text_add(out, "\n  network              frames  late    deadline  mean latency     longest\n");
    for (size_t e = 0, shown = 0; e < workload->entry_count && shown < ROWS_MAX; e++) {
        struct report_entry entry = report_entry_of(f, e);
        if (entry.frames == 0 || workload->entries[e].deadline_ps == WORKLOAD_NO_DEADLINE)
            continue;
        shown++;
        const double times_ps[] = { (double)workload->entries[e].deadline_ps,
                                    (double)entry.latency_ps / (double)entry.frames,
                                    (double)entry.longest_ps };
        text_add(out, "  ");
        add_name(out, workload->entries[e].name, 18);
        text_printf(out, "%9u%6u", (unsigned)entry.frames, (unsigned)entry.misses);
        for (size_t i = 0; i < 3; i++) {
            struct text time = { 0 };
            report_quantity(&time, REPORT_TIME, times_ps[i]);
            add_right(out, time.data, i == 1 ? 14 : 12);
            text_release(&time);
        }
        text_add(out, "\n");
    }
}

void report_summary_text(const struct report *report, struct text *out)
{
    struct report_facts facts;
    report_facts_init(&facts, report);
    add_title(out, report);
    add_figures(out, &facts);
    add_front(out, report);
    add_entries(out, &facts);
    add_accelerators(out, &facts);
    struct text words = { 0 };
    report_limit(&facts, &words);
    text_add(&words, ". ");
    report_verdict(&facts, &words);
    add_words(out, words.data);
    text_release(&words);
    report_facts_release(&facts);
}
