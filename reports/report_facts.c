#include "reports/report_facts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"

const char *const report_why_names[REPORT_WHY_COUNT] = { "", "transfer", "contention",
                                                         "accelerator", "order" };
const char *const report_state_names[REPORT_STATE_COUNT] = { "compute", "memory", "communication",
                                                             "dependency", "idle" };

uint64_t report_makespan_ps(const struct report *report)
{
    return (report->simulated ? report->simulated : report->analytic)->makespan_ps;
}

double report_gap_frac(const struct report *report)
{
    if (report->lower_bound_ps == 0)
        return 0;
    return (double)report_makespan_ps(report) / (double)report->lower_bound_ps - 1;
}

size_t report_group_count(const struct report *report)
{
    const struct mapping *mapping = report->mapping;
    return mapping->placement_count ? mapping->placements[mapping->placement_count - 1].group + 1u
                                    : 0;
}

double report_energy_pj(const struct energy_split *e)
{
    return e->mac_pj + e->register_pj + e->scratchpad_pj + e->memory_pj;
}

double report_share(const struct report_facts *facts, uint64_t part_ps)
{
    return facts->makespan_ps ? (double)part_ps / (double)facts->makespan_ps : 0;
}

double report_pe_frac(const struct report_facts *facts, size_t accelerator)
{
    double pes = (double)soc_pes(&facts->report->problem->soc->accelerators[accelerator]);
    double all_ps = pes * (double)facts->makespan_ps;
    return all_ps > 0 ? facts->accelerators[accelerator].pe_ps / all_ps : 0;
}

size_t report_busiest(const struct report_load *loads, size_t count)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; loads && i < count; i++)
        if (loads[i].busy_ps > 0 && (best == SIZE_MAX || loads[i].busy_ps > loads[best].busy_ps))
            best = i;
    return best;
}

static void energy_add(struct energy_split *sum, const struct energy_split *more)
{
    sum->mac_pj += more->mac_pj;
    sum->register_pj += more->register_pj;
    sum->scratchpad_pj += more->scratchpad_pj;
    sum->memory_pj += more->memory_pj;
}

static uint64_t minus_u64(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* A layer as a whole computes and reads memory side by side; in tiles it may wait for either. */
static bool stalls_for_memory(const struct report *report, uint32_t layer,
                              const struct layer_option *option)
{
    const struct problem *p = report->problem;
    bool has_preds = p->pred_begin[layer + 1] > p->pred_begin[layer];
    return report->granularity == GRANULARITY_LAYER || !has_preds ||
           option->memory_read_ps > option->compute_ps;
}

static void place_layers(struct report_facts *f)
{
    const struct mapping *mapping = f->report->mapping;
    const struct problem *problem = f->report->problem;
    memset(f->group_start_ps, 0xff, f->group_count * sizeof *f->group_start_ps);
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        struct report_layer *layer = &f->layers[at->layer];
        layer->option = problem_option(problem, at->layer, at->accelerator, at->option);
        layer->position = (uint32_t)i;
        layer->network = problem->network_of[at->layer];
        layer->accelerator = at->accelerator;
        layer->last_pred = REPORT_NO_LAYER;
        layer->start_ps = f->schedule->start_ps[at->layer];
        layer->end_ps = f->schedule->end_ps[at->layer];
        layer->stalls_for_memory = stalls_for_memory(f->report, at->layer, layer->option);
        layer->compute_ps = min_u64(layer->option->compute_ps, layer->end_ps - layer->start_ps);
        f->group_start_ps[at->group] = min_u64(f->group_start_ps[at->group], layer->start_ps);
        f->group_end_ps[at->group] = max_u64(f->group_end_ps[at->group], layer->end_ps);
    }
}

/* Tiles say exactly when a layer computed; queues, where its packets stood. */
static void read_trace(struct report_facts *f)
{
    const struct trace *trace = f->report->trace;
    if (!trace)
        return;
    bool by_tile = f->report->granularity == GRANULARITY_TILE;
    uint64_t *tile_ps = mem_alloc(f->report->problem->layer_count + 1, sizeof *tile_ps);
    uint64_t *longest_ps = mem_alloc(f->report->problem->layer_count + 1, sizeof *longest_ps);
    for (size_t i = 0; i < trace->count; i++) {
        const struct trace_interval *at = &trace->intervals[i];
        struct report_layer *layer = &f->layers[at->layer];
        if (at->what == TRACE_COMPUTE) {
            tile_ps[at->layer] += at->end_ps - at->start_ps;
            continue;
        }
        layer->queued_ps += at->waited_ps;
        if (at->waited_ps <= longest_ps[at->layer])
            continue;
        longest_ps[at->layer] = at->waited_ps;
        layer->queue_resource = at->resource;
        layer->queue_index = at->index;
    }
    for (size_t i = 0; by_tile && i < f->report->problem->layer_count; i++)
        if (tile_ps[i] > 0)
            f->layers[i].compute_ps =
                min_u64(tile_ps[i], f->layers[i].end_ps - f->layers[i].start_ps);
    free(tile_ps);
    free(longest_ps);
}

static int by_start(const void *a, const void *b, void *ctx)
{
    const struct report_layer *layers = ctx;
    const struct report_layer *x = &layers[*(const uint32_t *)a],
                              *y = &layers[*(const uint32_t *)b];
    if (x->start_ps != y->start_ps)
        return x->start_ps < y->start_ps ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

static void fill_accelerators(struct report_facts *f)
{
    const struct problem *problem = f->report->problem;
    const struct mapping *mapping = f->report->mapping;
    uint32_t last_group = UINT32_MAX;
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        f->accelerators[at->accelerator].layer_count++;
        f->accelerators[at->accelerator].group_count += at->group != last_group;
        last_group = at->group;
    }
    for (size_t a = 0; a < problem->accelerator_count; a++) {
        struct report_accelerator *acc = &f->accelerators[a];
        acc->layers = ARENA_ARRAY(f->arena, uint32_t, acc->layer_count);
        acc->layer_count = 0;
    }
    for (uint32_t l = 0; l < problem->layer_count; l++) {
        const struct report_layer *layer = &f->layers[l];
        struct report_accelerator *acc = &f->accelerators[layer->accelerator];
        struct report_network *network = &f->networks[layer->network];
        uint64_t macs = workload_layer(problem->workload, l)->shape.macs;
        acc->layers[acc->layer_count++] = l;
        acc->macs += macs;
        acc->pe_ps += (double)layer->option->pes * (double)(layer->end_ps - layer->start_ps);
        energy_add(&acc->energy, &layer->option->energy);
        network->start_ps =
            network->layer_count ? min_u64(network->start_ps, layer->start_ps) : layer->start_ps;
        network->end_ps = max_u64(network->end_ps, layer->end_ps);
        network->layer_count++;
        network->macs += macs;
        energy_add(&network->energy, &layer->option->energy);
    }
    for (size_t n = 0; n < problem->network_count; n++) {
        const struct workload_network *times = &problem->workload->networks[n];
        struct report_network *network = &f->networks[n];
        network->latency_ps = minus_u64(network->end_ps, times->release_ps);
        if (!problem->workload->has_deadlines || times->deadline_ps == WORKLOAD_NO_DEADLINE)
            continue;
        network->is_late = network->end_ps > times->deadline_ps;
        network->slack_ps = network->is_late ? network->end_ps - times->deadline_ps
                                             : times->deadline_ps - network->end_ps;
    }
    f->on_time =
        deadline_judge_mapping(problem, mapping, f->schedule->start_ps, f->schedule->end_ps);
    double used = 0, all = 0;
    for (size_t a = 0; a < problem->accelerator_count; a++) {
        struct report_accelerator *acc = &f->accelerators[a];
        qsort_r(acc->layers, acc->layer_count, sizeof *acc->layers, by_start, f->layers);
        used += acc->pe_ps;
        all += (double)soc_pes(&problem->soc->accelerators[a]) * (double)f->makespan_ps;
    }
    f->pe_utilisation_frac = all > 0 ? used / all : 0;
}

struct moment {
    uint64_t at_ps, bytes;
    int8_t enters;
};

static int by_moment(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->at_ps != y->at_ps)
        return x->at_ps < y->at_ps ? -1 : 1;
    return x->enters - y->enters; /* leave before enter */
}

static void fill_scratchpad(struct report_facts *f)
{
    for (size_t a = 0; a < f->report->problem->accelerator_count; a++) {
        struct report_accelerator *acc = &f->accelerators[a];
        struct moment *moments = mem_alloc(2 * acc->layer_count + 1, sizeof *moments);
        for (size_t i = 0; i < acc->layer_count; i++) {
            const struct report_layer *layer = &f->layers[acc->layers[i]];
            uint64_t bytes = layer->option->scratchpad_bytes;
            moments[2 * i] = (struct moment){ layer->start_ps, bytes, 1 };
            moments[2 * i + 1] = (struct moment){ layer->end_ps, bytes, -1 };
        }
        qsort(moments, 2 * acc->layer_count, sizeof *moments, by_moment);
        uint64_t held = 0;
        for (size_t i = 0; i < 2 * acc->layer_count; i++) {
            held =
                moments[i].enters > 0 ? held + moments[i].bytes : minus_u64(held, moments[i].bytes);
            acc->scratchpad_peak_bytes = max_u64(acc->scratchpad_peak_bytes, held);
        }
        free(moments);
    }
}

void report_facts_init(struct report_facts *out, const struct report *report)
{
    const struct problem *problem = report->problem;
    assert(report->mapping->placement_count == problem->layer_count);
    struct arena *arena = arena_new();
    size_t group_count = report_group_count(report);
    *out = (struct report_facts){
        .report = report,
        .schedule = report->simulated ? report->simulated : report->analytic,
        .makespan_ps = report_makespan_ps(report),
        .layers = ARENA_ARRAY(arena, struct report_layer, problem->layer_count + 1),
        .accelerators = ARENA_ARRAY(arena, struct report_accelerator, problem->accelerator_count),
        .networks = ARENA_ARRAY(arena, struct report_network, problem->network_count + 1),
        .group_start_ps = ARENA_ARRAY(arena, uint64_t, group_count + 1),
        .group_end_ps = ARENA_ARRAY(arena, uint64_t, group_count + 1),
        .group_count = group_count,
        .arena = arena,
    };
    place_layers(out);
    read_trace(out);
    fill_accelerators(out);
    fill_scratchpad(out);
    report_waits_init(out);
    report_states_init(out);
    report_chain_init(out);
}

void report_facts_release(struct report_facts *facts)
{
    free(facts->segments);
    arena_free(facts->arena);
    *facts = (struct report_facts){ 0 };
}

struct report_entry report_entry_of(const struct report_facts *f, size_t number)
{
    const struct workload_entry *of = &f->report->problem->workload->entries[number];
    struct report_entry entry = { .frames = of->network_count, .least_slack_ps = UINT64_MAX };
    for (uint32_t n = of->first_network; n < of->first_network + of->network_count; n++) {
        const struct report_network *at = &f->networks[n];
        entry.misses += at->is_late;
        entry.latency_ps += at->latency_ps;
        entry.longest_ps = max_u64(entry.longest_ps, at->latency_ps);
        if (at->is_late)
            entry.worst_lateness_ps = max_u64(entry.worst_lateness_ps, at->slack_ps);
        else
            entry.least_slack_ps = min_u64(entry.least_slack_ps, at->slack_ps);
    }
    return entry;
}
