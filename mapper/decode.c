#include "mapper/decode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/dispatch.h"

enum { SNAPSHOTS = 24 };

/* State of the scheduler after some prefix of a list. */
struct snapshot {
    struct profile *profiles; /* [accelerator] */
    uint64_t *network_end_ps; /* [network] */
    uint64_t makespan_ps;
    double energy_pj;
    bool valid;
};

/* By layer. */
struct times {
    uint64_t *start_ps, *end_ps;
    uint16_t *accelerator;
};

struct decoder {
    const struct decode_ways *ways;
    const struct problem *problem;
    bool wants_energy, wants_deadlines;
    double *network_pj;        /* [network]; NULL: no score is wanted */
    struct dispatch *dispatch; /* with contention; else NULL */
    struct dispatch_choice *choices;
    struct snapshot now, kept[SNAPSHOTS];
    uint32_t spacing;        /* kept[i] is the state before position (i + 1) * spacing */
    struct times last, base; /* of the last run; of the last one that was kept */
    uint32_t spoilt_from;    /* from this position of the kept list on, `last` may differ */
    uint64_t work_layers;
};

/* --- snapshots ------------------------------------------------------------------------------ */

static void snapshot_init(struct snapshot *s, const struct problem *p,
                          const struct profile_floor *floors)
{
    *s = (struct snapshot){
        .profiles = mem_alloc(p->accelerator_count, sizeof *s->profiles),
        .network_end_ps = mem_alloc(p->network_count, sizeof *s->network_end_ps),
    };
    for (size_t acc = 0; acc < p->accelerator_count; acc++) {
        profile_init(&s->profiles[acc], &p->soc->accelerators[acc], 16);
        profile_set_floor(&s->profiles[acc], &floors[acc]);
    }
}

static void snapshot_release(struct snapshot *s, const struct problem *p)
{
    for (size_t acc = 0; acc < p->accelerator_count; acc++)
        profile_release(&s->profiles[acc]);
    free(s->profiles);
    free(s->network_end_ps);
}

static void snapshot_clear(struct snapshot *s, const struct problem *p)
{
    for (size_t acc = 0; acc < p->accelerator_count; acc++)
        profile_clear(&s->profiles[acc], &p->soc->accelerators[acc]);
    memset(s->network_end_ps, 0, p->network_count * sizeof *s->network_end_ps);
    s->makespan_ps = 0;
    s->energy_pj = 0;
}

static void snapshot_copy(struct snapshot *to, const struct snapshot *from, const struct problem *p)
{
    for (size_t acc = 0; acc < p->accelerator_count; acc++)
        profile_copy(&to->profiles[acc], &from->profiles[acc]);
    memcpy(to->network_end_ps, from->network_end_ps, p->network_count * sizeof *to->network_end_ps);
    to->makespan_ps = from->makespan_ps;
    to->energy_pj = from->energy_pj;
    to->valid = true;
}

static void times_init(struct times *times, size_t layers)
{
    times->start_ps = mem_alloc(layers, sizeof *times->start_ps);
    times->end_ps = mem_alloc(layers, sizeof *times->end_ps);
    times->accelerator = mem_alloc(layers, sizeof *times->accelerator);
}

static void times_release(struct times *times)
{
    free(times->start_ps);
    free(times->end_ps);
    free(times->accelerator);
}

/* Those of the layers at list positions from … to - 1. */
static void times_copy(struct times *to, const struct times *from, const uint32_t *order,
                       uint32_t begin, uint32_t end)
{
    for (uint32_t at = begin; at < end; at++) {
        uint32_t layer = order[at];
        to->start_ps[layer] = from->start_ps[layer];
        to->end_ps[layer] = from->end_ps[layer];
        to->accelerator[layer] = from->accelerator[layer];
    }
}

/* --- ways ----------------------------------------------------------------------------------- */

/* An option's energy, less that of the idle PEs it employs (docs/model.md M-42). */
static double way_energy_pj(const struct problem *p, const struct layer_option *option)
{
    return option->energy_pj -
           p->soc->energy.pe_idle_pj_per_cycle * (double)option->pes * (double)option->cycles;
}

static void add_class_ways(struct decode_ways *ways, uint32_t class)
{
    const struct problem *p = ways->view->problem;
    uint32_t layer = p->class_layer[class], at = ways->begin[class];
    for (uint32_t acc = 0; acc < p->accelerator_count; acc++)
        for (uint32_t i = 0; i < problem_option_count(p, layer, acc); i++) {
            const struct layer_option *option = problem_option(p, layer, acc, i);
            ways->ways[at++] =
                (struct decode_way){ option, view_option_ps(option), way_energy_pj(p, option),
                                     (uint16_t)acc, (uint16_t)i };
        }
}

static void find_floors(struct decode_ways *ways)
{
    const struct problem *p = ways->view->problem;
    for (size_t acc = 0; acc < p->accelerator_count; acc++)
        ways->floors[acc] = (struct profile_floor){ UINT64_MAX, UINT64_MAX, UINT32_MAX };
    for (uint32_t at = 0; at < ways->begin[p->class_count]; at++) {
        const struct decode_way *way = &ways->ways[at];
        struct profile_floor *floor = &ways->floors[way->accelerator];
        floor->duration_ps = min_u64(floor->duration_ps, way->duration_ps);
        floor->scratchpad_bytes = min_u64(floor->scratchpad_bytes, way->option->scratchpad_bytes);
        floor->pes = (uint32_t)min_u64(floor->pes, way->option->pes);
    }
}

static void find_tails(struct decode_ways *ways)
{
    const struct problem *p = ways->view->problem;
    uint64_t *write_ps = mem_alloc(p->class_count, sizeof *write_ps);
    for (size_t class = 0; class < p->class_count; class ++) {
        ways->fastest_ps[class] = write_ps[class] = UINT64_MAX;
        for (uint32_t at = ways->begin[class]; at < ways->begin[class + 1]; at++) {
            ways->fastest_ps[class] = min_u64(ways->fastest_ps[class], ways->ways[at].duration_ps);
            write_ps[class] = min_u64(write_ps[class], ways->ways[at].option->memory_write_ps);
        }
    }
    for (size_t layer = p->layer_count; layer-- > 0;) {
        uint64_t tail_ps = write_ps[p->class_of[layer]];
        for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++) {
            uint32_t next = p->succs[at].layer;
            tail_ps = max_u64(tail_ps, ways->fastest_ps[p->class_of[next]] + ways->tail_ps[next]);
        }
        ways->tail_ps[layer] = tail_ps;
    }
    free(write_ps);
}

void decode_ways_init(struct decode_ways *ways, const struct view *view)
{
    const struct problem *p = view->problem;
    *ways = (struct decode_ways){ .view = view, .arena = arena_new() };
    ways->begin = ARENA_ARRAY(ways->arena, uint32_t, p->class_count + 1);
    uint32_t total = 0;
    for (uint32_t class = 0; class < p->class_count; class ++) {
        ways->begin[class] = total;
        for (uint32_t acc = 0; acc < p->accelerator_count; acc++)
            total += (uint32_t)problem_option_count(p, p->class_layer[class], acc);
    }
    ways->begin[p->class_count] = total;
    ways->ways = ARENA_ARRAY(ways->arena, struct decode_way, total);
    ways->fastest_ps = ARENA_ARRAY(ways->arena, uint64_t, p->class_count);
    ways->tail_ps = ARENA_ARRAY(ways->arena, uint64_t, p->layer_count);
    for (uint32_t class = 0; class < p->class_count; class ++)
        add_class_ways(ways, class);
    ways->floors = ARENA_ARRAY(ways->arena, struct profile_floor, p->accelerator_count);
    find_floors(ways);
    find_tails(ways);
}

void decode_ways_release(struct decode_ways *ways)
{
    arena_free(ways->arena);
}

/* --- lists ---------------------------------------------------------------------------------- */

void activity_list_init(struct activity_list *list, size_t layers)
{
    list->order = mem_alloc(layers, sizeof *list->order);
    list->position = mem_alloc(layers, sizeof *list->position);
    list->way = mem_alloc(layers, sizeof *list->way);
}

void activity_list_release(struct activity_list *list)
{
    free(list->order);
    free(list->position);
    free(list->way);
}

void activity_list_copy(struct activity_list *to, const struct activity_list *from, size_t layers)
{
    memcpy(to->order, from->order, layers * sizeof *to->order);
    memcpy(to->position, from->position, layers * sizeof *to->position);
    memcpy(to->way, from->way, layers * sizeof *to->way);
}

/* --- decoding ------------------------------------------------------------------------------- */

struct decoder *decoder_new(const struct decode_ways *ways, bool contention, bool wants_energy)
{
    const struct problem *p = ways->view->problem;
    struct decoder *d = mem_alloc(1, sizeof *d);
    *d = (struct decoder){
        .ways = ways,
        .problem = p,
        .wants_energy = wants_energy,
        .dispatch = contention ? dispatch_new(p) : NULL,
        .choices = mem_alloc(p->layer_count, sizeof *d->choices),
        .spacing = (uint32_t)(p->layer_count / (SNAPSHOTS + 1) + 1),
    };
    times_init(&d->last, p->layer_count);
    times_init(&d->base, p->layer_count);
    snapshot_init(&d->now, p, ways->floors);
    for (size_t i = 0; i < SNAPSHOTS; i++)
        snapshot_init(&d->kept[i], p, ways->floors);
    return d;
}

void decoder_judge_deadlines(struct decoder *d, bool scored)
{
    d->wants_deadlines = true;
    if (scored && !d->network_pj)
        d->network_pj = mem_alloc(d->problem->network_count, sizeof *d->network_pj);
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    snapshot_release(&d->now, d->problem);
    for (size_t i = 0; i < SNAPSHOTS; i++)
        snapshot_release(&d->kept[i], d->problem);
    times_release(&d->last);
    times_release(&d->base);
    dispatch_free(d->dispatch);
    free(d->choices);
    free(d->network_pj);
    free(d);
}

const uint64_t *decoder_start_ps(const struct decoder *d)
{
    return d->base.start_ps;
}

const uint64_t *decoder_end_ps(const struct decoder *d)
{
    return d->base.end_ps;
}

uint64_t decoder_work_layers(const struct decoder *d)
{
    return d->work_layers;
}

static double hops_pj(const struct problem *p, const struct problem_edge *edge, uint32_t from,
                      uint32_t to)
{
    const struct soc *soc = p->soc;
    size_t hops = soc_hops(soc, soc->accelerators[from].place, soc->accelerators[to].place);
    return (double)edge->bytes * (double)hops * soc->energy.hop_pj_per_byte;
}

/* When the last input is on the accelerator, with nothing else on its way. */
static uint64_t inputs_ready_ps(const struct decoder *d, uint32_t layer, uint32_t acc,
                                double transfer_weight)
{
    const struct problem *p = d->problem;
    uint64_t ready_ps = problem_release_ps(p, layer);
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        const struct problem_edge *edge = &p->preds[at];
        uint64_t transfer_ps =
            problem_transfer_ps(p, edge->size_class, d->last.accelerator[edge->layer], acc);
        if (transfer_weight != 1)
            transfer_ps = (uint64_t)(transfer_weight * (double)transfer_ps);
        ready_ps = max_u64(ready_ps, d->last.end_ps[edge->layer] + transfer_ps);
    }
    return ready_ps;
}

static double inputs_pj(const struct decoder *d, uint32_t layer, uint32_t acc)
{
    const struct problem *p = d->problem;
    double sum_pj = 0;
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++)
        sum_pj += hops_pj(p, &p->preds[at], d->last.accelerator[p->preds[at].layer], acc);
    return sum_pj;
}

/* Adds a layer that ran from start to end to the sums. */
static void account(struct decoder *d, uint32_t layer, const struct decode_way *way,
                    uint64_t end_ps)
{
    uint64_t *network_end_ps = &d->now.network_end_ps[d->problem->network_of[layer]];
    *network_end_ps = max_u64(*network_end_ps, end_ps);
    d->now.makespan_ps = max_u64(d->now.makespan_ps, end_ps + way->option->memory_write_ps);
    if (d->wants_energy)
        d->now.energy_pj += way->energy_pj + inputs_pj(d, layer, way->accelerator);
    d->work_layers++;
}

/* Places a layer; its end with the shortest path behind it. */
static uint64_t place(struct decoder *d, uint32_t layer, const struct decode_way *way)
{
    struct profile *profile = &d->now.profiles[way->accelerator];
    uint64_t ready_ps = inputs_ready_ps(d, layer, way->accelerator, 1);
    uint64_t start_ps = profile_place(profile, way->option, ready_ps, way->duration_ps);
    uint64_t end_ps = start_ps + way->duration_ps;
    d->last.start_ps[layer] = start_ps;
    d->last.end_ps[layer] = end_ps;
    d->last.accelerator[layer] = way->accelerator;
    account(d, layer, way, end_ps);
    return end_ps + d->ways->tail_ps[layer];
}

static struct punctuality judge(const struct decoder *d, const struct activity_list *list)
{
    const struct problem *p = d->problem;
    if (!d->wants_deadlines)
        return (struct punctuality){ 0 };
    if (d->network_pj) {
        memset(d->network_pj, 0, p->network_count * sizeof *d->network_pj);
        for (uint32_t layer = 0; layer < p->layer_count; layer++) {
            const struct decode_way *way = decode_way(d->ways, layer, list->way[layer]);
            d->network_pj[p->network_of[layer]] +=
                way->option->energy_pj + inputs_pj(d, layer, way->accelerator);
        }
    }
    return deadline_judge(p, d->last.start_ps, d->last.end_ps, d->network_pj);
}

static struct decode_result result_of(const struct decoder *d, const struct activity_list *list)
{
    const struct problem *p = d->problem;
    double sum_ps = 0;
    for (size_t i = 0; i < p->network_count; i++)
        sum_ps += (double)d->now.network_end_ps[i];
    return (struct decode_result){
        .makespan_ps = d->now.makespan_ps,
        .mean_network_end_ps = sum_ps / (double)p->network_count,
        .energy_pj = d->now.energy_pj + d->ways->view->idle_pj_per_ps * (double)d->now.makespan_ps,
        .on_time = judge(d, list),
    };
}

/* The state at the last kept snapshot not behind `from`; returns its position. */
static uint32_t resume(struct decoder *d, const struct activity_list *list, uint32_t from)
{
    uint32_t slot = min_u64(from / d->spacing, SNAPSHOTS);
    while (slot > 0 && !d->kept[slot - 1].valid)
        slot--;
    uint32_t at = slot * d->spacing;
    if (slot > 0)
        snapshot_copy(&d->now, &d->kept[slot - 1], d->problem);
    else
        snapshot_clear(&d->now, d->problem);
    if (d->spoilt_from < at)
        times_copy(&d->last, &d->base, list->order, d->spoilt_from, at);
    d->spoilt_from = at;
    return at;
}

static void keep_times(struct decoder *d, const struct activity_list *list, uint32_t from)
{
    uint32_t layers = (uint32_t)d->problem->layer_count;
    times_copy(&d->base, &d->last, list->order, from, layers);
    d->spoilt_from = layers;
}

/* The whole list by dispatching under contention. */
static struct decode_result dispatch_all(struct decoder *d, const struct activity_list *list,
                                         uint64_t limit_ps, bool keep)
{
    uint32_t layers = (uint32_t)d->problem->layer_count;
    for (uint32_t layer = 0; layer < layers; layer++) {
        const struct decode_way *way = decode_way(d->ways, layer, list->way[layer]);
        d->choices[layer] = (struct dispatch_choice){ way->option, way->accelerator };
        d->last.accelerator[layer] = way->accelerator;
    }
    struct dispatch_times times = { d->last.start_ps, d->last.end_ps };
    uint64_t makespan_ps =
        dispatch_run(d->dispatch, d->choices, list->position, d->ways->tail_ps, limit_ps, &times);
    d->work_layers += layers;
    if (makespan_ps == UINT64_MAX)
        return (struct decode_result){ .makespan_ps = DECODE_NEVER };
    snapshot_clear(&d->now, d->problem);
    for (uint32_t layer = 0; layer < layers; layer++)
        account(d, layer, decode_way(d->ways, layer, list->way[layer]), d->last.end_ps[layer]);
    d->work_layers -= layers;
    d->now.makespan_ps = makespan_ps;
    if (keep)
        keep_times(d, list, 0);
    return result_of(d, list);
}

/* The way on this accelerator, which has some, that ends first. */
static uint16_t earliest_way_on(const struct decoder *d, uint32_t layer, uint32_t acc)
{
    uint32_t count = decode_way_count(d->ways, layer), best = count;
    uint64_t best_ps = 0, ready_ps = inputs_ready_ps(d, layer, acc, 1);
    for (uint32_t i = 0; i < count; i++) {
        const struct decode_way *way = decode_way(d->ways, layer, i);
        if (way->accelerator != acc)
            continue;
        uint64_t end_ps = way->duration_ps + profile_earliest(&d->now.profiles[acc], way->option,
                                                              ready_ps, way->duration_ps);
        if (best == count || end_ps < best_ps) {
            best = i;
            best_ps = end_ps;
        }
    }
    assert(best < count);
    return (uint16_t)best;
}

/* The first `count` layers; ways as listed, or chosen on these accelerators. */
static struct decode_result run(struct decoder *d, const struct activity_list *list, uint32_t from,
                                uint32_t count, const uint16_t *accelerator, uint64_t limit_ps,
                                bool keep)
{
    uint32_t first = resume(d, list, from);
    for (uint32_t at = first; at < count; at++) {
        uint32_t slot = at / d->spacing;
        if (keep && at % d->spacing == 0 && slot > 0 && slot <= SNAPSHOTS)
            snapshot_copy(&d->kept[slot - 1], &d->now, d->problem);
        uint32_t layer = list->order[at];
        if (accelerator)
            list->way[layer] = earliest_way_on(d, layer, accelerator[layer]);
        uint64_t at_least_ps = place(d, layer, decode_way(d->ways, layer, list->way[layer]));
        if (at_least_ps > limit_ps)
            return (struct decode_result){ .makespan_ps = DECODE_NEVER };
    }
    if (keep)
        keep_times(d, list, first);
    return result_of(d, list);
}

struct decode_result decoder_run(struct decoder *d, const struct activity_list *list, uint32_t from,
                                 uint64_t limit_ps, bool keep)
{
    if (d->dispatch)
        return dispatch_all(d, list, limit_ps, keep);
    return run(d, list, from, (uint32_t)d->problem->layer_count, NULL, limit_ps, keep);
}

struct decode_result decoder_run_on(struct decoder *d, const struct activity_list *list,
                                    uint32_t from, uint32_t count, const uint16_t *accelerator,
                                    uint64_t limit_ps, bool keep)
{
    assert(!d->dispatch);
    return run(d, list, from, count, accelerator, limit_ps, keep);
}

void decoder_keep(struct decoder *d, const struct activity_list *list, uint32_t from)
{
    if (d->dispatch)
        keep_times(d, list, 0);
    else
        decoder_run(d, list, from, DECODE_NEVER, true); /* once more, for its snapshots */
}

/* --- greedy --------------------------------------------------------------------------------- */

static uint16_t favourite_way(const struct decoder *d, uint32_t layer,
                              const struct decode_taste *taste)
{
    uint32_t count = decode_way_count(d->ways, layer), best = 0;
    uint64_t ready_ps = 0;
    double best_ps = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct decode_way *way = decode_way(d->ways, layer, i);
        if (way->number == 0)
            ready_ps = inputs_ready_ps(d, layer, way->accelerator, taste->transfer_weight);
        uint64_t start_ps = profile_earliest(&d->now.profiles[way->accelerator], way->option,
                                             ready_ps, way->duration_ps);
        double value_ps = (double)(start_ps + way->duration_ps);
        if (taste->price)
            value_ps += taste->price[way->accelerator] * (double)way->duration_ps;
        if (taste->after_ps)
            value_ps +=
                taste->after_weight *
                taste->after_ps[(size_t)layer * d->problem->accelerator_count + way->accelerator];
        if (i == 0 || value_ps < best_ps) {
            best = i;
            best_ps = value_ps;
        }
    }
    return (uint16_t)best;
}

struct decode_result decoder_greedy(struct decoder *d, struct activity_list *list,
                                    const struct decode_taste *taste)
{
    snapshot_clear(&d->now, d->problem);
    for (size_t i = 0; i < SNAPSHOTS; i++)
        d->kept[i].valid = false;
    for (size_t at = 0; at < d->problem->layer_count; at++) {
        uint32_t layer = list->order[at];
        list->way[layer] = favourite_way(d, layer, taste);
        place(d, layer, decode_way(d->ways, layer, list->way[layer]));
    }
    keep_times(d, list, 0);
    return result_of(d, list);
}

/* --- order from times ----------------------------------------------------------------------- */

struct timed {
    uint64_t at_ps;
    uint32_t layer;
};

static int compare_timed(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    if (x->at_ps != y->at_ps)
        return x->at_ps < y->at_ps ? -1 : 1;
    return x->layer < y->layer ? -1 : x->layer > y->layer;
}

/* Layers by ascending time, then number. free() it. */
static struct timed *by_time(const uint64_t *times_ps, size_t layers)
{
    struct timed *timed = mem_alloc(layers, sizeof *timed);
    for (uint32_t layer = 0; layer < layers; layer++)
        timed[layer] = (struct timed){ times_ps[layer], layer };
    qsort(timed, layers, sizeof *timed, compare_timed);
    return timed;
}

/* The mirror image: how long before the end each layer must start at the latest. */
static uint64_t mirrored_ready_ps(const struct decoder *d, const uint64_t *before_end_ps,
                                  uint32_t layer, const struct decode_way *way)
{
    const struct problem *p = d->problem;
    uint64_t ready_ps = way->option->memory_write_ps;
    for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++) {
        const struct problem_edge *edge = &p->succs[at];
        uint64_t transfer_ps = problem_transfer_ps(p, edge->size_class, way->accelerator,
                                                   d->base.accelerator[edge->layer]);
        ready_ps = max_u64(ready_ps, before_end_ps[edge->layer] + transfer_ps);
    }
    return ready_ps;
}

void decoder_justify(struct decoder *d, struct activity_list *list)
{
    const struct problem *p = d->problem;
    size_t layers = p->layer_count;
    struct timed *by_end = by_time(d->base.end_ps, layers);
    uint64_t *before_end_ps = mem_alloc(layers, sizeof *before_end_ps);
    snapshot_clear(&d->now, p);
    for (size_t i = layers; i-- > 0;) {
        uint32_t layer = by_end[i].layer;
        const struct decode_way *way = decode_way(d->ways, layer, list->way[layer]);
        struct profile *profile = &d->now.profiles[way->accelerator];
        uint64_t ready_ps = mirrored_ready_ps(d, before_end_ps, layer, way);
        uint64_t start_ps = profile_place(profile, way->option, ready_ps, way->duration_ps);
        before_end_ps[layer] = start_ps + way->duration_ps;
        d->work_layers++;
    }
    struct timed *by_start = by_time(before_end_ps, layers);
    for (size_t i = 0; i < layers; i++) {
        uint32_t layer = by_start[layers - 1 - i].layer;
        list->order[i] = layer;
        list->position[layer] = (uint32_t)i;
    }
    free(by_end);
    free(by_start);
    free(before_end_ps);
}

void decoder_write_mapping(const struct decoder *d, const struct activity_list *list,
                           struct mapping *out)
{
    size_t layers = d->problem->layer_count;
    struct timed *by_start = by_time(d->base.start_ps, layers);
    out->discipline = MAPPING_BY_LAYER;
    for (uint32_t i = 0; i < layers; i++) {
        uint32_t layer = by_start[i].layer;
        const struct decode_way *way = decode_way(d->ways, layer, list->way[layer]);
        out->placements[i] = (struct placement){ layer, i, way->accelerator, way->number };
    }
    free(by_start);
}
