#include "mapper/paths.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"

/* Above this many (edge, from, to) triples transfers are left out of the paths. */
static const uint64_t triples_max = UINT64_C(400000000);

/* The least over the options of one (class, accelerator). */
struct least {
    uint64_t duration_ps;
    uint64_t last_step_ps; /* what follows the arrival of the last input packet */
    uint64_t write_ps;
};

struct search {
    const struct view *view;
    enum granularity granularity;
    bool with_transfers;
    struct least *least;   /* [class * accelerators + acc] */
    uint64_t *transfer_ps; /* as the problem's, at this granularity */
    size_t *begin;         /* [layer]: its cells, one per supporting accelerator */
    uint64_t *end_ps;      /* [cell]: least end of the layer there */
    uint64_t *after_ps;    /* [cell]: least time from its end to the makespan */
};

static struct least find_least(const struct problem *p, uint32_t layer, uint32_t acc,
                               enum granularity granularity)
{
    struct least least = { UINT64_MAX, UINT64_MAX, UINT64_MAX };
    for (uint32_t i = 0; i < problem_option_count(p, layer, acc); i++) {
        const struct layer_option *option = problem_option(p, layer, acc, i);
        uint64_t duration_ps = paths_option_ps(option, granularity);
        uint64_t last_ps =
            granularity == GRANULARITY_LAYER ? duration_ps : option->compute_ps / option->tiles;
        least.duration_ps = min_u64(least.duration_ps, duration_ps);
        least.last_step_ps = min_u64(least.last_step_ps, last_ps);
        least.write_ps = min_u64(least.write_ps, option->memory_write_ps);
    }
    return least;
}

/* Bytes of each size class; 0 where no edge has it. */
static uint64_t *class_bytes(const struct problem *p)
{
    uint64_t *bytes = mem_alloc(p->size_class_count, sizeof *bytes);
    for (size_t edge = 0; edge < p->edge_count; edge++)
        bytes[p->preds[edge].size_class] = p->preds[edge].bytes;
    return bytes;
}

/* Time on the slowest link of a route: packets that follow each other cannot beat it. */
static uint64_t bottleneck_ps(const struct soc *soc, uint32_t from, uint32_t to, uint64_t bytes)
{
    const struct soc_accelerator *a = &soc->accelerators[from], *b = &soc->accelerators[to];
    if (from == to)
        return bytes_to_ps(bytes, a->local_bytes_per_s);
    uint64_t slowest_ps = 0;
    size_t at = (size_t)a->place * soc->place_count + b->place;
    for (uint32_t i = soc->route_begin[at]; i < soc->route_begin[at + 1]; i++)
        slowest_ps =
            max_u64(slowest_ps, bytes_to_ps(bytes, soc->links[soc->route_links[i]].bytes_per_s));
    return slowest_ps;
}

static void tile_transfers(const struct problem *p, uint64_t *out)
{
    uint64_t *bytes = class_bytes(p);
    bool *known = mem_alloc(p->pair_class_count, sizeof *known);
    for (uint32_t from = 0; from < p->accelerator_count; from++)
        for (uint32_t to = 0; to < p->accelerator_count; to++) {
            uint32_t pair = p->pair_class[(size_t)from * p->accelerator_count + to];
            if (known[pair])
                continue;
            known[pair] = true;
            for (size_t size = 0; size < p->size_class_count; size++)
                out[size * p->pair_class_count + pair] =
                    bottleneck_ps(p->soc, from, to, bytes[size]);
        }
    free(bytes);
    free(known);
}

static uint64_t count_triples(const struct view *view)
{
    const struct problem *p = view->problem;
    uint64_t triples = 0;
    for (uint32_t layer = 0; layer < view->layer_count; layer++) {
        uint32_t class = p->class_of[layer];
        uint64_t mine = view->support_begin[class + 1] - view->support_begin[class];
        for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
            uint32_t from = p->class_of[p->preds[at].layer];
            triples += mine * (view->support_begin[from + 1] - view->support_begin[from]);
        }
    }
    return triples;
}

static void search_init(struct search *s, const struct view *view, enum granularity granularity)
{
    const struct problem *p = view->problem;
    size_t layers = view->layer_count, accs = view->accelerator_count;
    size_t transfers = p->size_class_count * p->pair_class_count;
    *s = (struct search){
        .view = view,
        .granularity = granularity,
        .with_transfers = count_triples(view) <= triples_max,
        .least = mem_alloc((size_t)view->class_count * accs, sizeof *s->least),
        .transfer_ps = mem_alloc(transfers, sizeof *s->transfer_ps),
        .begin = mem_alloc(layers + 1, sizeof *s->begin),
    };
    for (uint32_t class = 0; class < view->class_count; class ++)
        for (uint32_t acc = 0; acc < accs; acc++)
            s->least[class * accs + acc] = find_least(p, p->class_layer[class], acc, granularity);
    if (s->with_transfers && granularity == GRANULARITY_LAYER)
        memcpy(s->transfer_ps, p->transfer_ps, transfers * sizeof *s->transfer_ps);
    else if (s->with_transfers)
        tile_transfers(p, s->transfer_ps);
    for (uint32_t layer = 0; layer < layers; layer++) {
        uint32_t class = p->class_of[layer];
        s->begin[layer + 1] =
            s->begin[layer] + view->support_begin[class + 1] - view->support_begin[class];
    }
    s->end_ps = mem_alloc(s->begin[layers], sizeof *s->end_ps);
    s->after_ps = mem_alloc(s->begin[layers], sizeof *s->after_ps);
}

static void search_release(struct search *s)
{
    free(s->least);
    free(s->transfer_ps);
    free(s->begin);
    free(s->end_ps);
    free(s->after_ps);
}

/* What an edge costs between its ends' accelerators: from the producer's end to the consumer's
 * start, and to its end. */
struct step {
    uint64_t to_start_ps, to_end_ps;
};

static struct step edge_step(const struct search *s, const struct problem_edge *edge, uint32_t from,
                             uint32_t to, const struct least *consumer)
{
    const struct problem *p = s->view->problem;
    uint32_t pair = p->pair_class[(size_t)from * p->accelerator_count + to];
    uint64_t transfer_ps = s->transfer_ps[(size_t)edge->size_class * p->pair_class_count + pair];
    if (s->granularity == GRANULARITY_LAYER)
        return (struct step){ transfer_ps, transfer_ps + consumer->duration_ps };
    return (struct step){ 0, max_u64(consumer->duration_ps, transfer_ps + consumer->last_step_ps) };
}

static const struct least *least_of(const struct search *s, uint32_t layer, uint32_t acc)
{
    return &s->least[(size_t)s->view->problem->class_of[layer] * s->view->accelerator_count + acc];
}

static const uint32_t *support_of(const struct search *s, uint32_t layer)
{
    return s->view->support + s->view->support_begin[s->view->problem->class_of[layer]];
}

static size_t support_count(const struct search *s, uint32_t layer)
{
    return s->begin[layer + 1] - s->begin[layer];
}

/* Least start of the layer's cell, and its end: each predecessor where it suits best. */
static uint64_t forward_cell(struct search *s, uint32_t layer, size_t cell)
{
    const struct problem *p = s->view->problem;
    uint32_t acc = support_of(s, layer)[cell - s->begin[layer]];
    const struct least *least = least_of(s, layer, acc);
    uint64_t start_ps = problem_release_ps(p, layer), end_ps = least->duration_ps;
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        const struct problem_edge *edge = &p->preds[at];
        const uint32_t *support = support_of(s, edge->layer);
        uint64_t least_start_ps = UINT64_MAX, least_end_ps = UINT64_MAX;
        for (size_t i = 0; i < support_count(s, edge->layer); i++) {
            struct step step = edge_step(s, edge, support[i], acc, least);
            uint64_t leave_ps = s->end_ps[s->begin[edge->layer] + i];
            least_start_ps = min_u64(least_start_ps, leave_ps + step.to_start_ps);
            least_end_ps = min_u64(least_end_ps, leave_ps + step.to_end_ps);
        }
        start_ps = max_u64(start_ps, least_start_ps);
        end_ps = max_u64(end_ps, least_end_ps);
    }
    s->end_ps[cell] = max_u64(end_ps, start_ps + least->duration_ps);
    return start_ps;
}

static void backward_cell(struct search *s, uint32_t layer, size_t cell)
{
    const struct problem *p = s->view->problem;
    uint32_t acc = support_of(s, layer)[cell - s->begin[layer]];
    uint64_t after_ps = least_of(s, layer, acc)->write_ps;
    for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++) {
        const struct problem_edge *edge = &p->succs[at];
        const uint32_t *support = support_of(s, edge->layer);
        uint64_t least_ps = UINT64_MAX;
        for (size_t i = 0; i < support_count(s, edge->layer); i++) {
            struct step step =
                edge_step(s, edge, acc, support[i], least_of(s, edge->layer, support[i]));
            least_ps = min_u64(least_ps, step.to_end_ps + s->after_ps[s->begin[edge->layer] + i]);
        }
        after_ps = max_u64(after_ps, least_ps);
    }
    s->after_ps[cell] = after_ps;
}

static void run_forward(struct search *s, struct paths *paths)
{
    for (uint32_t layer = 0; layer < s->view->layer_count; layer++) {
        paths->head_ps[layer] = UINT64_MAX;
        for (size_t cell = s->begin[layer]; cell < s->begin[layer + 1]; cell++)
            paths->head_ps[layer] = min_u64(paths->head_ps[layer], forward_cell(s, layer, cell));
    }
}

static void run_backward(struct search *s, struct paths *paths)
{
    for (uint32_t layer = s->view->layer_count; layer-- > 0;) {
        uint64_t through_ps = UINT64_MAX;
        paths->tail_ps[layer] = UINT64_MAX;
        for (size_t cell = s->begin[layer]; cell < s->begin[layer + 1]; cell++) {
            backward_cell(s, layer, cell);
            paths->tail_ps[layer] = min_u64(paths->tail_ps[layer], s->after_ps[cell]);
            through_ps = min_u64(through_ps, s->end_ps[cell] + s->after_ps[cell]);
        }
        paths->longest_ps = max_u64(paths->longest_ps, through_ps);
    }
}

/* Without transfers all cells of a layer but its own duration are alike: one value per layer. */
static void run_without_transfers(struct search *s, struct paths *paths)
{
    const struct problem *p = s->view->problem;
    uint32_t layers = s->view->layer_count;
    uint64_t *shortest_ps = mem_alloc(layers, sizeof *shortest_ps);
    for (uint32_t layer = 0; layer < layers; layer++) {
        shortest_ps[layer] = UINT64_MAX;
        paths->head_ps[layer] = problem_release_ps(p, layer);
        for (size_t i = 0; i < support_count(s, layer); i++)
            shortest_ps[layer] = min_u64(shortest_ps[layer],
                                         least_of(s, layer, support_of(s, layer)[i])->duration_ps);
        for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
            uint32_t from = p->preds[at].layer;
            paths->head_ps[layer] =
                max_u64(paths->head_ps[layer], paths->head_ps[from] + shortest_ps[from]);
        }
    }
    for (uint32_t layer = layers; layer-- > 0;) {
        for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++) {
            uint32_t to = p->succs[at].layer;
            paths->tail_ps[layer] =
                max_u64(paths->tail_ps[layer], shortest_ps[to] + paths->tail_ps[to]);
        }
        paths->longest_ps = max_u64(paths->longest_ps, paths->head_ps[layer] + shortest_ps[layer] +
                                                           paths->tail_ps[layer]);
    }
    free(shortest_ps);
}

void paths_init(struct paths *paths, const struct view *view, enum granularity granularity)
{
    *paths = (struct paths){
        .head_ps = mem_alloc(view->layer_count, sizeof *paths->head_ps),
        .tail_ps = mem_alloc(view->layer_count, sizeof *paths->tail_ps),
    };
    struct search search;
    search_init(&search, view, granularity);
    if (search.with_transfers) {
        run_forward(&search, paths);
        run_backward(&search, paths);
    } else {
        run_without_transfers(&search, paths);
    }
    search_release(&search);
}

double *paths_after(const struct view *view)
{
    struct search search;
    search_init(&search, view, GRANULARITY_LAYER);
    double *after = NULL;
    if (search.with_transfers) {
        after = mem_alloc((size_t)view->layer_count * view->accelerator_count, sizeof *after);
        for (uint32_t layer = view->layer_count; layer-- > 0;)
            for (size_t cell = search.begin[layer]; cell < search.begin[layer + 1]; cell++) {
                uint32_t acc = support_of(&search, layer)[cell - search.begin[layer]];
                backward_cell(&search, layer, cell);
                after[(size_t)layer * view->accelerator_count + acc] =
                    (double)search.after_ps[cell];
            }
    }
    search_release(&search);
    return after;
}

void paths_release(struct paths *paths)
{
    free(paths->head_ps);
    free(paths->tail_ps);
    *paths = (struct paths){ 0 };
}
