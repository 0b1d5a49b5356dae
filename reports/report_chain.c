/*
 * The chain of events that ends last, walked backwards from the end of the run: a layer, what
 * released it, the layer that did so, and so on to time 0. Its parts add up to the makespan, so
 * "71 % computing" means: were computing free, and nothing else in the way, 71 % would go.
 */
#include "core/num.h"
#include "reports/report_facts.h"

struct walk {
    struct report_facts *facts;
    uint64_t now_ps; /* everything after it is explained */
};

static uint64_t minus_u64(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* The layer whose end, or write-back, is the makespan. */
static uint32_t last_layer(const struct report_facts *f)
{
    uint32_t last = REPORT_NO_LAYER;
    uint64_t last_ps = 0;
    for (uint32_t l = 0; l < f->report->problem->layer_count; l++) {
        uint64_t done_ps = f->layers[l].end_ps + f->layers[l].option->memory_write_ps;
        if (last != REPORT_NO_LAYER && done_ps <= last_ps)
            continue;
        last = l;
        last_ps = done_ps;
    }
    return last;
}

/* The layer of this accelerator whose end, or whose group's end, freed it for `l`. */
static uint32_t who_freed(const struct report_facts *f, uint32_t l)
{
    const struct report_layer *layer = &f->layers[l];
    const struct report_accelerator *acc = &f->accelerators[layer->accelerator];
    for (size_t i = acc->layer_count; i-- > 0;) {
        uint32_t other = acc->layers[i];
        if (other != l && f->layers[other].end_ps == layer->start_ps &&
            f->layers[other].start_ps < layer->start_ps)
            return other;
    }
    return REPORT_NO_LAYER;
}

static uint32_t who_came_before(const struct report_facts *f, uint32_t l)
{
    const struct report_accelerator *acc = &f->accelerators[f->layers[l].accelerator];
    for (size_t i = 1; i < acc->layer_count; i++)
        if (acc->layers[i] == l)
            return acc->layers[i - 1];
    return REPORT_NO_LAYER;
}

/* By group, results leave when the group has ended: the member that ends last is on the chain. */
static uint32_t who_let_leave(const struct report_facts *f, uint32_t producer)
{
    const struct mapping *mapping = f->report->mapping;
    if (mapping->discipline == MAPPING_BY_LAYER)
        return producer;
    uint32_t group = mapping->placements[f->layers[producer].position].group;
    uint32_t last = producer;
    for (size_t i = f->layers[producer].position + 1; i < mapping->placement_count; i++) {
        if (mapping->placements[i].group != group)
            break;
        if (f->layers[mapping->placements[i].layer].end_ps > f->layers[last].end_ps)
            last = mapping->placements[i].layer;
    }
    for (size_t i = f->layers[producer].position; i-- > 0;) {
        if (mapping->placements[i].group != group)
            break;
        if (f->layers[mapping->placements[i].layer].end_ps > f->layers[last].end_ps)
            last = mapping->placements[i].layer;
    }
    return last;
}

/* Explains the run of a layer back to `from_ps`. */
static void explain_run(struct walk *walk, const struct report_layer *layer, uint64_t from_ps)
{
    struct report_chain *chain = &walk->facts->chain;
    uint64_t run_ps = minus_u64(walk->now_ps, from_ps);
    uint64_t compute_ps = min_u64(layer->compute_ps, run_ps);
    chain->compute_ps += compute_ps;
    chain->accelerator_ps[layer->accelerator] += compute_ps;
    if (layer->stalls_for_memory)
        chain->memory_ps += run_ps - compute_ps;
    else
        chain->transfer_ps += run_ps - compute_ps;
    walk->now_ps -= run_ps;
}

/* The way of the last input, which left its producer at `left_ps`. */
static void explain_way(struct walk *walk, const struct report_layer *layer, uint64_t left_ps)
{
    uint64_t way_ps = minus_u64(walk->now_ps, left_ps);
    uint64_t contention_ps = min_u64(layer->contention_ps, way_ps);
    walk->facts->chain.contention_ps += contention_ps;
    walk->facts->chain.transfer_ps += way_ps - contention_ps;
    walk->now_ps -= way_ps;
}

/* Where the chain goes on before `l` started; explains the time between. */
static uint32_t step_back(struct walk *walk, uint32_t l)
{
    const struct report_layer *layer = &walk->facts->layers[l];
    if (layer->why == REPORT_WHY_ACCELERATOR)
        return who_freed(walk->facts, l);
    if (layer->why == REPORT_WHY_ORDER)
        return who_came_before(walk->facts, l);
    if (layer->last_pred == REPORT_NO_LAYER)
        return REPORT_NO_LAYER;
    uint32_t producer = who_let_leave(walk->facts, layer->last_pred);
    explain_way(walk, layer, walk->facts->layers[producer].end_ps);
    return producer;
}

/* A layer that stood waiting for tiles of a producer still at work: its end hangs on theirs. */
static bool hangs_on_tiles(const struct report_facts *f, const struct report_layer *layer,
                           uint64_t now_ps)
{
    if (layer->last_pred == REPORT_NO_LAYER || layer->stalls_for_memory)
        return false;
    bool stalled = layer->compute_ps < layer->end_ps - layer->start_ps;
    uint64_t last_tile_ps = f->layers[layer->last_pred].end_ps;
    return stalled && last_tile_ps > layer->start_ps && last_tile_ps < now_ps;
}

static uint32_t explain_layer(struct walk *walk, uint32_t l)
{
    const struct report_layer *layer = &walk->facts->layers[l];
    if (hangs_on_tiles(walk->facts, layer, walk->now_ps)) {
        explain_run(walk, layer, walk->facts->layers[layer->last_pred].end_ps);
        return layer->last_pred;
    }
    explain_run(walk, layer, layer->start_ps);
    return walk->now_ps == 0 ? REPORT_NO_LAYER : step_back(walk, l);
}

void report_chain_init(struct report_facts *facts)
{
    size_t layer_count = facts->report->problem->layer_count;
    struct report_chain *chain = &facts->chain;
    chain->accelerator_ps =
        ARENA_ARRAY(facts->arena, uint64_t, facts->report->problem->accelerator_count);
    chain->layers = ARENA_ARRAY(facts->arena, uint32_t, layer_count + 1);
    struct walk walk = { facts, facts->makespan_ps };
    uint32_t at = last_layer(facts);
    if (at != REPORT_NO_LAYER) {
        uint64_t tail_ps = minus_u64(walk.now_ps, facts->layers[at].end_ps);
        chain->memory_ps += tail_ps; /* the last result is written back */
        walk.now_ps -= tail_ps;
    }
    while (at != REPORT_NO_LAYER && chain->layer_count < layer_count) {
        chain->layers[chain->layer_count++] = at;
        at = explain_layer(&walk, at);
    }
    chain->other_ps = walk.now_ps;
}
