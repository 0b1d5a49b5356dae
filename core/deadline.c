#include "core/deadline.h"

#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"

/* XRBench v0.1's defaults. Source: XRBench/XRBench-MLSys2023, XRBench-MAESTRO.cpp. */
static const double sharpness_per_ms = 15, most_mj = 1500;
static const double ps_per_ms = 1e9, pj_per_mj = 1e9;
static const double scale_ps = 1e10; /* T of deadline_value() */

struct span {
    uint64_t start_ps, end_ps;
};

static struct span *find_spans(const struct problem *p, const uint64_t *start_ps,
                               const uint64_t *end_ps)
{
    struct span *spans = mem_alloc(p->network_count, sizeof *spans);
    for (size_t n = 0; n < p->network_count; n++)
        spans[n].start_ps = UINT64_MAX;
    for (size_t layer = 0; layer < p->layer_count; layer++) {
        struct span *span = &spans[p->network_of[layer]];
        span->start_ps = min_u64(span->start_ps, start_ps[layer]);
        span->end_ps = max_u64(span->end_ps, end_ps[layer]);
    }
    return spans;
}

static uint64_t lateness_ps(const struct workload_network *network, const struct span *span)
{
    return span->end_ps > network->deadline_ps ? span->end_ps - network->deadline_ps : 0;
}

static bool is_dropped(const struct workload_network *network, const struct span *span)
{
    return span->start_ps >= network->deadline_ps;
}

/* docs/model.md M-98. */
static double frame_score(const struct workload_network *network, const struct span *span,
                          double network_pj)
{
    double delay_ms = ((double)span->end_ps - (double)network->deadline_ps) / ps_per_ms;
    double real_time = 1 / (1 + exp(sharpness_per_ms * delay_ms));
    double energy = fmax(0, (most_mj - network_pj / pj_per_mj) / most_mj);
    return real_time * energy;
}

/* Mean over the entries with deadlines, each weighed by the share of its frames that is not
 * dropped. docs/model.md M-99. */
static double xrbench_score(const struct workload *w, const struct span *spans,
                            const double *network_pj)
{
    double sum = 0;
    size_t entries = 0;
    for (size_t i = 0; i < w->entry_count; i++) {
        const struct workload_entry *entry = &w->entries[i];
        if (entry->deadline_ps == WORKLOAD_NO_DEADLINE || entry->network_count == 0)
            continue;
        double score = 0, kept = 0, frames = entry->network_count;
        for (uint32_t n = entry->first_network; n < entry->first_network + entry->network_count;
             n++) {
            if (is_dropped(&w->networks[n], &spans[n]))
                continue;
            score += frame_score(&w->networks[n], &spans[n], network_pj[n]);
            kept++;
        }
        sum += score / frames * (kept / frames);
        entries++;
    }
    return entries ? sum / (double)entries : 0;
}

struct punctuality deadline_judge(const struct problem *p, const uint64_t *start_ps,
                                  const uint64_t *end_ps, const double *network_pj)
{
    struct punctuality all = { 0 };
    const struct workload *w = p->workload;
    if (!deadline_matters(p))
        return all;
    struct span *spans = find_spans(p, start_ps, end_ps);
    for (size_t n = 0; n < w->network_count; n++) {
        const struct workload_network *network = &w->networks[n];
        if (network->deadline_ps == WORKLOAD_NO_DEADLINE)
            continue;
        uint64_t late_ps = lateness_ps(network, &spans[n]);
        all.frames++;
        all.misses += late_ps > 0;
        all.dropped += is_dropped(network, &spans[n]);
        all.worst_lateness_ps = max_u64(all.worst_lateness_ps, late_ps);
        all.total_lateness_ps += late_ps;
        all.total_latency_ps += spans[n].end_ps - network->release_ps;
        all.total_allowed_ps += network->deadline_ps - network->release_ps;
    }
    if (network_pj)
        all.xrbench_score = xrbench_score(w, spans, network_pj);
    free(spans);
    return all;
}

void deadline_network_pj(const struct problem *p, const struct mapping *mapping, double *out)
{
    const struct soc *soc = p->soc;
    uint32_t *place_of = mem_alloc(p->layer_count, sizeof *place_of);
    for (size_t n = 0; n < p->network_count; n++)
        out[n] = 0;
    for (size_t i = 0; i < mapping->placement_count; i++)
        place_of[mapping->placements[i].layer] =
            soc->accelerators[mapping->placements[i].accelerator].place;
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        double byte_hops = 0;
        for (uint32_t e = p->pred_begin[at->layer]; e < p->pred_begin[at->layer + 1]; e++)
            byte_hops += (double)p->preds[e].bytes *
                         (double)soc_hops(soc, place_of[p->preds[e].layer], place_of[at->layer]);
        out[p->network_of[at->layer]] +=
            problem_option(p, at->layer, at->accelerator, at->option)->energy_pj +
            byte_hops * soc->energy.hop_pj_per_byte;
    }
    free(place_of);
}

struct punctuality deadline_judge_mapping(const struct problem *p, const struct mapping *mapping,
                                          const uint64_t *start_ps, const uint64_t *end_ps)
{
    if (!deadline_matters(p))
        return (struct punctuality){ 0 };
    double *network_pj = mem_alloc(p->network_count, sizeof *network_pj);
    deadline_network_pj(p, mapping, network_pj);
    struct punctuality on_time = deadline_judge(p, start_ps, end_ps, network_pj);
    free(network_pj);
    return on_time;
}

double deadline_value(const struct punctuality *on_time, uint64_t makespan_ps)
{
    double late_ps = (double)on_time->worst_lateness_ps, run_ps = (double)makespan_ps;
    return (double)on_time->misses + 0.999 * late_ps / (late_ps + scale_ps) +
           0.001 * run_ps / (run_ps + scale_ps);
}

double deadline_xrbench_value(const struct punctuality *on_time, uint64_t makespan_ps)
{
    return 1 - on_time->xrbench_score +
           1e-6 * deadline_value(on_time, makespan_ps) / (double)(on_time->frames + 2);
}
