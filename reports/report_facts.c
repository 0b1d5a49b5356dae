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

/* --- why a layer starts when it does --------------------------------------------------------- */

/* When the result of a layer leaves: by group with its last member. */
static uint64_t leave_ps(const struct report_facts *f, uint32_t layer)
{
    const struct report_layer *at = &f->layers[layer];
    if (f->report->mapping->discipline == MAPPING_BY_LAYER)
        return at->end_ps;
    return f->group_end_ps[f->report->mapping->placements[at->position].group];
}

/* Does a layer or group of this accelerator end at exactly this moment? */
static bool frees_at(const uint64_t *ends_ps, size_t count, uint64_t at_ps)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ends_ps[middle] < at_ps)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && ends_ps[low] == at_ps;
}

static void explain_start(struct report_facts *f, uint32_t l, const uint64_t *ends_ps,
                          size_t end_count, bool follows_at_once)
{
    const struct problem *p = f->report->problem;
    struct report_layer *layer = &f->layers[l];
    uint64_t arrival_ps = 0;
    for (uint32_t e = p->pred_begin[l]; e < p->pred_begin[l + 1]; e++) {
        const struct problem_edge *edge = &p->preds[e];
        uint64_t left_ps = leave_ps(f, edge->layer);
        uint64_t there_ps =
            left_ps + problem_transfer_ps(p, edge->size_class, f->layers[edge->layer].accelerator,
                                          layer->accelerator);
        layer->ready_ps = max_u64(layer->ready_ps, left_ps);
        if (layer->last_pred == REPORT_NO_LAYER || there_ps > arrival_ps) {
            arrival_ps = there_ps;
            layer->last_pred = edge->layer;
        }
    }
    /* With tiles a layer starts before its producers have ended. */
    layer->ready_ps = min_u64(layer->ready_ps, layer->start_ps);
    arrival_ps = min_u64(max_u64(arrival_ps, layer->ready_ps), layer->start_ps);
    layer->transfer_ps = arrival_ps - layer->ready_ps;
    uint64_t rest_ps = layer->start_ps - arrival_ps;
    if (rest_ps == 0) {
        layer->why = layer->last_pred == REPORT_NO_LAYER ? REPORT_WHY_NOTHING : REPORT_WHY_TRANSFER;
        return;
    }
    bool freed = frees_at(ends_ps, end_count, layer->start_ps);
    if (freed || follows_at_once) {
        layer->accelerator_ps = rest_ps;
        layer->why = freed ? REPORT_WHY_ACCELERATOR : REPORT_WHY_ORDER;
    } else {
        layer->contention_ps = rest_ps;
        layer->why = REPORT_WHY_CONTENTION;
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void explain_starts(struct report_facts *f)
{
    for (size_t a = 0; a < f->report->problem->accelerator_count; a++) {
        const struct report_accelerator *acc = &f->accelerators[a];
        uint64_t *ends_ps = mem_alloc(acc->layer_count + 1, sizeof *ends_ps);
        for (size_t i = 0; i < acc->layer_count; i++)
            ends_ps[i] = leave_ps(f, acc->layers[i]);
        qsort(ends_ps, acc->layer_count, sizeof *ends_ps, by_value);
        bool in_order = f->report->mapping->discipline == MAPPING_BY_LAYER;
        for (size_t i = 0; i < acc->layer_count; i++) {
            uint32_t l = acc->layers[i];
            bool follows = in_order && i > 0 &&
                           f->layers[acc->layers[i - 1]].start_ps == f->layers[l].start_ps;
            explain_start(f, l, ends_ps, acc->layer_count, follows);
        }
        free(ends_ps);
    }
}

/* --- what an accelerator does with its time -------------------------------------------------- */

/* A change of how many layers are in one of three conditions. */
struct change {
    uint64_t at_ps;
    int8_t compute, memory, resident;
};

struct changes {
    struct change *items;
    size_t count, capacity;
};

static void change_add(struct changes *list, uint64_t at_ps, int compute, int memory, int resident)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 256;
        list->items = mem_grow(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] =
        (struct change){ at_ps, (int8_t)compute, (int8_t)memory, (int8_t)resident };
}

static int by_change(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    return x->at_ps < y->at_ps ? -1 : x->at_ps > y->at_ps;
}

static void segment_add(struct report_facts *f, size_t *capacity, struct report_segment segment)
{
    if (segment.end_ps <= segment.start_ps)
        return;
    f->accelerators[segment.accelerator].state_ps[segment.state] +=
        segment.end_ps - segment.start_ps;
    if (f->segment_count > 0) {
        struct report_segment *last = &f->segments[f->segment_count - 1];
        if (last->accelerator == segment.accelerator && last->state == segment.state) {
            last->end_ps = segment.end_ps;
            return;
        }
    }
    if (f->segment_count == *capacity) {
        *capacity = *capacity ? 2 * *capacity : 1024;
        f->segments = mem_grow(f->segments, *capacity, sizeof *f->segments);
    }
    f->segments[f->segment_count++] = segment;
}

/* The layer whose inputs opened the gap that ends now: of those that start, the last to be ready.
 */
static uint64_t ready_of_next_ps(const struct report_facts *f, const struct report_accelerator *acc,
                                 uint64_t start_ps)
{
    size_t low = 0, high = acc->layer_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->layers[acc->layers[middle]].start_ps < start_ps)
            low = middle + 1;
        else
            high = middle;
    }
    uint64_t ready_ps = 0, arrival_ps = 0;
    for (; low < acc->layer_count && f->layers[acc->layers[low]].start_ps == start_ps; low++) {
        const struct report_layer *layer = &f->layers[acc->layers[low]];
        uint64_t there_ps = layer->ready_ps + layer->transfer_ps + layer->contention_ps;
        if (there_ps < arrival_ps)
            continue;
        arrival_ps = there_ps;
        ready_ps = layer->ready_ps;
    }
    return ready_ps;
}

static void gap_add(struct report_facts *f, size_t *capacity, uint32_t a, uint64_t from_ps,
                    uint64_t to_ps)
{
    uint64_t ready_ps = ready_of_next_ps(f, &f->accelerators[a], to_ps);
    uint64_t middle_ps = min_u64(max_u64(ready_ps, from_ps), to_ps);
    segment_add(f, capacity, (struct report_segment){ from_ps, middle_ps, a, REPORT_DEPENDENCY });
    segment_add(f, capacity, (struct report_segment){ middle_ps, to_ps, a, REPORT_COMMUNICATION });
}

static void sweep_accelerator(struct report_facts *f, size_t *capacity, uint32_t a,
                              struct changes *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, by_change);
    int compute = 0, memory = 0, resident = 0;
    uint64_t now_ps = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct change *at = &list->items[i];
        if (at->at_ps > now_ps) {
            if (resident == 0)
                gap_add(f, capacity, a, now_ps, at->at_ps);
            else
                segment_add(f, capacity,
                            (struct report_segment){ now_ps, at->at_ps, a,
                                                     compute > 0  ? REPORT_COMPUTE
                                                     : memory > 0 ? REPORT_MEMORY
                                                                  : REPORT_COMMUNICATION });
            now_ps = at->at_ps;
        }
        compute += at->compute;
        memory += at->memory;
        resident += at->resident;
    }
    segment_add(f, capacity, (struct report_segment){ now_ps, f->makespan_ps, a, REPORT_IDLE });
}

/* At tile granularity the trace says when a layer computes; otherwise it computes first, then
 * waits for what is left of its memory reads. */
static void fill_states(struct report_facts *f)
{
    const struct problem *p = f->report->problem;
    const struct trace *trace = f->report->trace;
    bool by_tile = f->report->granularity == GRANULARITY_TILE && trace && trace->count > 0;
    struct changes *lists = mem_alloc(p->accelerator_count + 1, sizeof *lists);
    for (uint32_t l = 0; l < p->layer_count; l++) {
        const struct report_layer *layer = &f->layers[l];
        struct changes *list = &lists[layer->accelerator];
        int memory = layer->stalls_for_memory;
        change_add(list, layer->start_ps, !by_tile, memory, 1);
        if (!by_tile)
            change_add(list, layer->start_ps + layer->compute_ps, -1, 0, 0);
        change_add(list, layer->end_ps, 0, -memory, -1);
    }
    for (size_t i = 0; by_tile && i < trace->count; i++) {
        const struct trace_interval *at = &trace->intervals[i];
        if (at->what != TRACE_COMPUTE)
            continue;
        change_add(&lists[at->index], at->start_ps, 1, 0, 0);
        change_add(&lists[at->index], at->end_ps, -1, 0, 0);
    }
    size_t capacity = 0;
    for (uint32_t a = 0; a < p->accelerator_count; a++) {
        sweep_accelerator(f, &capacity, a, &lists[a]);
        free(lists[a].items);
    }
    free(lists);
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
    explain_starts(out);
    fill_states(out);
    report_chain_init(out);
}

void report_facts_release(struct report_facts *facts)
{
    free(facts->segments);
    arena_free(facts->arena);
    *facts = (struct report_facts){ 0 };
}
