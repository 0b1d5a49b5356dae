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

static void busiest_load(const struct report_facts *f, struct text *out)
{
    const struct report *r = f->report;
    const struct soc *soc = r->problem->soc;
    size_t link = report_busiest(r->links, soc->link_count);
    size_t channel = report_busiest(r->channels, soc->channel_count);
    if (link == SIZE_MAX && channel == SIZE_MAX)
        return;
    text_add(out, "; ");
    if (link != SIZE_MAX) {
        text_printf(out, "link %s is the busiest at ", soc->links[link].name);
        report_percent(out, report_share(f, r->links[link].busy_ps));
    }
    if (channel == SIZE_MAX)
        return;
    text_printf(out, "%s memory channel %s is busy ", link == SIZE_MAX ? "" : ",",
                soc->channels[channel].name);
    report_percent(out, report_share(f, r->channels[channel].busy_ps));
    text_add(out, " of the time");
}

static void chain_share(const struct report_facts *f, struct text *out, uint64_t part_ps,
                        const char *what, bool *first)
{
    if (part_ps == 0)
        return;
    text_add(out, *first ? " " : ", ");
    *first = false;
    report_percent(out, report_share(f, part_ps));
    text_printf(out, " %s", what);
}

void report_verdict(const struct report_facts *facts, struct text *out)
{
    const struct soc *soc = facts->report->problem->soc;
    size_t acc = busiest_accelerator(facts);
    text_printf(out, "%s computes ", soc->accelerators[acc].name);
    report_percent(out, report_share(facts, facts->accelerators[acc].state_ps[REPORT_COMPUTE]));
    text_add(out, " of the time");
    busiest_load(facts, out);
    text_add(out, ". The chain of events that ends last is");
    bool first = true;
    const struct report_chain *chain = &facts->chain;
    chain_share(facts, out, chain->compute_ps, "computing", &first);
    chain_share(facts, out, chain->transfer_ps, "moving data", &first);
    chain_share(facts, out, chain->contention_ps, "queueing behind other packets", &first);
    chain_share(facts, out, chain->memory_ps, "waiting for memory", &first);
    chain_share(facts, out, chain->other_ps, "of other waits", &first);
    text_add(out, first ? " empty." : ".");
}
