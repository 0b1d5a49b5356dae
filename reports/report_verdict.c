/* What limits this design, in words: sentences over the facts, and names of resources. */
#include "reports/report_facts.h"
#include "reports/report_format.h"

void report_resource_name(const struct report_facts *facts, unsigned resource, uint32_t index,
                          struct text *out)
{
    const struct soc *soc = facts->report->problem->soc;
    switch (resource) {
    case TRACE_LINK:
        text_printf(out, "link %s", soc->links[index].name);
        break;
    case TRACE_LOCAL:
        text_printf(out, "local port of %s", soc->accelerators[index].name);
        break;
    case TRACE_CHANNEL:
        text_printf(out, "memory channel %s", soc->channels[index].name);
        break;
    default:
        text_add(out, soc->accelerators[index].name);
    }
}

static size_t busiest_accelerator(const struct report_facts *f)
{
    size_t best = 0;
    for (size_t a = 1; a < f->report->problem->accelerator_count; a++)
        if (f->accelerators[a].state_ps[REPORT_COMPUTE] >
            f->accelerators[best].state_ps[REPORT_COMPUTE])
            best = a;
    return best;
}

static size_t chain_accelerator(const struct report_facts *f)
{
    size_t best = 0;
    for (size_t a = 1; a < f->report->problem->accelerator_count; a++)
        if (f->chain.accelerator_ps[a] > f->chain.accelerator_ps[best])
            best = a;
    return best;
}

void report_limit(const struct report_facts *facts, struct text *out)
{
    const struct report_chain *chain = &facts->chain;
    const struct {
        uint64_t part_ps;
        const char *text;
    } parts[] = { { chain->compute_ps, "Limited by computing" },
                  { chain->transfer_ps, "Limited by moving data between layers" },
                  { chain->contention_ps, "Limited by queues in the network" },
                  { chain->memory_ps, "Limited by memory" } };
    size_t most = 0;
    for (size_t i = 1; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].part_ps > parts[most].part_ps)
            most = i;
    text_add(out, parts[most].text);
    if (most == 0) {
        size_t acc = chain_accelerator(facts);
        if (2 * chain->accelerator_ps[acc] > chain->compute_ps)
            text_printf(out, " on %s", facts->report->problem->soc->accelerators[acc].name);
    }
}

#define SHARE_SAID 0.001 /* less is not worth words */

/* Items of a sentence: "a", "a and b", "a, b and c". */
struct list {
    struct text *out;
    size_t count, left;
};

static void list_next(struct list *list)
{
    list->left--;
    if (list->count++ > 0)
        text_add(list->out, list->left == 0 ? " and " : ", ");
}

static void add_share(const struct report_facts *f, struct text *out, uint64_t part_ps)
{
    report_percent(out, report_share(f, part_ps));
}

/* "(47% on nvdla0, 29% on tpu)": the two accelerators with most of the chain's computing. */
static void chain_accelerators(const struct report_facts *f, struct text *out)
{
    const uint64_t *part_ps = f->chain.accelerator_ps;
    size_t first = chain_accelerator(f), second = SIZE_MAX;
    for (size_t a = 0; a < f->report->problem->accelerator_count; a++)
        if (a != first && part_ps[a] > 0 && (second == SIZE_MAX || part_ps[a] > part_ps[second]))
            second = a;
    const struct soc_accelerator *accelerators = f->report->problem->soc->accelerators;
    if (second == SIZE_MAX) {
        text_printf(out, " on %s", accelerators[first].name);
        return;
    }
    text_add(out, " (");
    add_share(f, out, part_ps[first]);
    text_printf(out, " on %s, ", accelerators[first].name);
    add_share(f, out, part_ps[second]);
    text_printf(out, " on %s)", accelerators[second].name);
}

static void chain_sentence(const struct report_facts *f, struct text *out)
{
    const struct report_chain *chain = &f->chain;
    const struct {
        uint64_t part_ps;
        const char *text;
    } parts[] = { { chain->compute_ps, " computing" },
                  { chain->transfer_ps, " moving data" },
                  { chain->contention_ps, " queueing behind other packets" },
                  { chain->memory_ps, " waiting for memory" },
                  { chain->other_ps, " waiting otherwise" } };
    struct list list = { .out = out };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        list.left += report_share(f, parts[i].part_ps) >= SHARE_SAID;
    if (list.left == 0)
        return;
    text_add(out, "The chain of events that ends last spends ");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (report_share(f, parts[i].part_ps) < SHARE_SAID)
            continue;
        list_next(&list);
        add_share(f, out, parts[i].part_ps);
        text_add(out, parts[i].text);
        if (i == 0)
            chain_accelerators(f, out);
    }
    text_add(out, ". ");
}

static void busiest_sentence(const struct report_facts *f, struct text *out)
{
    const struct report *r = f->report;
    const struct soc *soc = r->problem->soc;
    size_t acc = busiest_accelerator(f);
    size_t link = report_busiest(r->links, soc->link_count);
    size_t channel = report_busiest(r->channels, soc->channel_count);
    struct list list = { .out = out, .left = 1u + (link != SIZE_MAX) + (channel != SIZE_MAX) };
    list_next(&list);
    text_printf(out, "%s computes ", soc->accelerators[acc].name);
    add_share(f, out, f->accelerators[acc].state_ps[REPORT_COMPUTE]);
    text_add(out, " of the time");
    if (link != SIZE_MAX) {
        list_next(&list);
        text_printf(out, "link %s is the busiest at ", soc->links[link].name);
        add_share(f, out, r->links[link].busy_ps);
    }
    if (channel != SIZE_MAX) {
        list_next(&list);
        text_printf(out, "memory channel %s is busy ", soc->channels[channel].name);
        add_share(f, out, r->channels[channel].busy_ps);
    }
    text_add(out, ".");
}

void report_verdict(const struct report_facts *facts, struct text *out)
{
    chain_sentence(facts, out);
    busiest_sentence(facts, out);
}
