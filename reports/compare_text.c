/* The comparison on a terminal of 80 columns. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "reports/compare.h"
#include "reports/report_format.h"

#define NAME_COLUMNS 30

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* A name, safe for a terminal, in exactly NAME_COLUMNS; "a-without-b" is shown as "a w/o b". */
static void add_name(struct text *out, const char *name)
{
    static const char without[] = "-without-";
    struct text safe = { 0 };
    for (const char *cut; (cut = strstr(name, without)); name = cut + strlen(without)) {
        struct text before = { 0 };
        text_add_bytes(&before, name, (size_t)(cut - name));
        report_plain_text(&safe, before.data ? before.data : "");
        text_add(&safe, " w/o ");
        text_release(&before);
    }
    report_plain_text(&safe, name);
    const char *at = safe.data ? safe.data : "";
    size_t length = columns_of(at), shown = length <= NAME_COLUMNS ? length : NAME_COLUMNS - 1;
    size_t begun = 0;
    for (; *at; at++) {
        if (((unsigned char)*at & 0xc0) != 0x80 && begun++ == shown)
            break;
        text_add_bytes(out, at, 1);
    }
    if (length > NAME_COLUMNS)
        text_add(out, "…");
    text_printf(out, "%*s", (int)(NAME_COLUMNS - (length < NAME_COLUMNS ? length : NAME_COLUMNS)),
                "");
    text_release(&safe);
}

static void add_share(struct text *out, double frac, int columns)
{
    struct text share = { 0 };
    report_percent(&share, frac);
    text_printf(out, "%*s", columns, share.data);
    text_release(&share);
}

static void add_pairs(const struct report_compare_facts *f, struct text *out)
{
    text_printf(out, "\n  %-*sgeomean   95%% interval  worst +/ =/ -       p\n", NAME_COLUMNS,
                "against");
    for (size_t b = 1; b < f->compare->contestant_count; b++) {
        const struct report_compare_pair *pair = report_compare_pair(f, 0, b);
        struct text interval = { 0 };
        text_printf(&interval, "%.3f..%.3f", pair->interval.low, pair->interval.high);
        text_add(out, "  ");
        add_name(out, f->compare->contestants[b]);
        text_printf(out, "%7.3f %14s %6.3f %2zu/%2zu/%2zu %7.2g\n", pair->speedup, interval.data,
                    pair->worst, pair->wins, pair->ties, pair->losses, pair->p_holm);
        text_release(&interval);
    }
}

static void add_singles(const struct report_compare_facts *f, struct text *out)
{
    text_printf(out, "\n  %-*s    gap  worst  proved  spread  contend   s/run\n", NAME_COLUMNS,
                "mapper");
    for (size_t m = 0; m < f->compare->contestant_count; m++) {
        const struct report_compare_single *single = &f->singles[m];
        text_add(out, "  ");
        add_name(out, f->compare->contestants[m]);
        add_share(out, single->analytic_gap_frac, 7);
        add_share(out, single->analytic_gap_worst_frac, 7);
        text_printf(out, "%8zu", single->proved);
        add_share(out, single->spread_frac, 8);
        add_share(out, single->contention_frac, 9);
        text_printf(out, "%8.2f\n", single->runs ? single->wall_s / (double)single->runs : 0);
    }
}

void report_compare_text(const struct report_compare_facts *facts, struct text *out)
{
    const struct report_compare *c = facts->compare;
    text_printf(out, "%zu of %zu cases × %zu mappers × %zu %s\n", facts->case_count, c->case_count,
                c->contestant_count, c->seed_count, c->seed_count == 1 ? "seed" : "seeds");
    if (facts->case_count == 0)
        return;
    if (c->contestant_count > 1) {
        text_add(out, "\nHow many times better ");
        report_plain_text(out, c->contestants[0]);
        text_printf(out, " is, by %s:\n",
                    c->objective == OBJECTIVE_LATENCY ? "simulated makespan"
                                                      : objective_names[c->objective]);
        add_pairs(facts, out);
    }
    add_singles(facts, out);
    text_add(out,
             "\n  p: Wilcoxon's signed-rank test over cases, adjusted by Holm. Above bound:\n"
             "  analytic makespan against the lower bound. Contention: what it adds to that.\n");
}
