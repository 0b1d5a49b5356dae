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

static void explain_run(struct walk *walk, const struct report_layer *layer)
{
    struct report_chain *chain = &walk->facts->chain;
    uint64_t run_ps = minus_u64(walk->now_ps, layer->start_ps);
    uint64_t compute_ps = min_u64(layer->compute_ps, run_ps);
    chain->compute_ps += compute_ps;
    chain->accelerator_ps[layer->accelerator] += compute_ps;
    if (layer->option->memory_read_ps > layer->option->compute_ps)
        chain->memory_ps += run_ps - compute_ps;
    else
        chain->transfer_ps += run_ps - compute_ps;
    walk->now_ps -= run_ps;
}

static void explain_way(struct walk *walk, const struct report_layer *layer)
{
    uint64_t way_ps = minus_u64(walk->now_ps, layer->ready_ps);
    uint64_t transfer_ps = min_u64(layer->transfer_ps, way_ps);
    walk->facts->chain.transfer_ps += transfer_ps;
    walk->facts->chain.contention_ps += way_ps - transfer_ps;
    walk->now_ps -= way_ps;
}

/* Where the chain goes on before `l` started; explains the time between. */
static uint32_t step_back(struct walk *walk, uint32_t l)
{
    const struct report_layer *layer = &walk->facts->layers[l];
    switch (layer->why) {
    case REPORT_WHY_ACCELERATOR:
        return who_freed(walk->facts, l);
    case REPORT_WHY_ORDER:
        return who_came_before(walk->facts, l);
    default:
        if (layer->last_pred == REPORT_NO_LAYER)
            return REPORT_NO_LAYER;
        explain_way(walk, layer);
        return who_let_leave(walk->facts, layer->last_pred);
    }
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
        explain_run(&walk, &facts->layers[at]);
        if (walk.now_ps == 0)
            break;
        at = step_back(&walk, at);
    }
    chain->other_ps = walk.now_ps;
}
