/* The set-up of branch and bound: ways, tails, what can be exchanged. */
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "mapper/exact.h"
#include "mapper/view.h"

/* --- ways ------------------------------------------------------------------------------------ */

static void find_work(const struct exact_case *c, struct exact_way *way)
{
    const struct soc_accelerator *acc = &c->problem->soc->accelerators[way->acc];
    uint64_t pes = soc_pes(acc), wide = (uint64_t)way->pes * 2;
    way->work_ps[EXACT_PES] = (uint64_t)((unsigned __int128)way->duration_ps * way->pes / pes);
    way->work_ps[EXACT_SLOTS] = way->duration_ps / acc->shared_layers_max;
    if (acc->scratchpad_bytes)
        way->work_ps[EXACT_SCRATCHPAD] = (uint64_t)((unsigned __int128)way->duration_ps *
                                                    way->scratchpad_bytes / acc->scratchpad_bytes);
    /* Two layers of more than half the PEs never share (Fekete, Schepers, 2001). */
    way->work_ps[EXACT_WIDE] = wide > pes    ? way->duration_ps
                               : wide == pes ? way->duration_ps / 2
                                             : 0;
}

static struct exact_way way_of(const struct layer_option *option, uint32_t acc, uint32_t number)
{
    return (struct exact_way){
        .acc = acc,
        .option = number,
        .duration_ps = view_option_ps(option),
        .write_ps = option->memory_write_ps,
        .scratchpad_bytes = option->scratchpad_bytes,
        .pes = option->pes,
    };
}

/* Where a is possible, b never helps. An accelerator that isn't shared has no use for free PEs. */
static bool replaces(const struct exact_way *a, const struct exact_way *b, bool shared)
{
    bool lighter = !shared || (a->pes <= b->pes && a->scratchpad_bytes <= b->scratchpad_bytes);
    bool faster = a->duration_ps <= b->duration_ps && a->write_ps <= b->write_ps;
    return lighter && faster;
}

static uint32_t list_ways(const struct exact_case *c, uint32_t layer, struct exact_way *out)
{
    const struct problem *p = c->problem;
    uint32_t count = 0;
    for (uint32_t acc = 0; acc < c->acc_count; acc++) {
        bool shared = p->soc->accelerators[acc].shared_layers_max > 1;
        uint32_t first = count;
        for (uint32_t i = 0; i < problem_option_count(p, layer, acc); i++) {
            struct exact_way way = way_of(problem_option(p, layer, acc, i), acc, i);
            bool superfluous = false;
            for (uint32_t j = first; j < count && !superfluous; j++)
                superfluous = replaces(&out[j], &way, shared);
            if (superfluous)
                continue;
            uint32_t kept = first;
            for (uint32_t j = first; j < count; j++)
                if (!replaces(&way, &out[j], shared))
                    out[kept++] = out[j];
            out[kept] = way;
            count = kept + 1;
        }
    }
    return count;
}

static void list_all_ways(struct exact_case *c)
{
    size_t most = 0;
    for (uint32_t layer = 0; layer < c->layer_count; layer++)
        for (uint32_t acc = 0; acc < c->acc_count; acc++)
            most += problem_option_count(c->problem, layer, acc);
    c->ways = ARENA_ARRAY(c->arena, struct exact_way, most);
    c->way_begin = ARENA_ARRAY(c->arena, uint32_t, c->layer_count + 1);
    for (uint32_t layer = 0; layer < c->layer_count; layer++)
        c->way_begin[layer + 1] =
            c->way_begin[layer] + list_ways(c, layer, c->ways + c->way_begin[layer]);
    for (uint32_t i = 0; i < c->way_begin[c->layer_count]; i++)
        find_work(c, &c->ways[i]);
}

/* --- tails ----------------------------------------------------------------------------------- */

static uint64_t least_write_ps(const struct exact_case *c, uint32_t layer, uint32_t acc)
{
    uint64_t least_ps = UINT64_MAX;
    for (uint32_t i = c->way_begin[layer]; i < c->way_begin[layer + 1]; i++)
        if (c->ways[i].acc == acc)
            least_ps = min_u64(least_ps, c->ways[i].write_ps);
    return least_ps;
}

/* The least from the end of a layer on `acc` to the end of its consumer and beyond. */
static uint64_t least_after_edge_ps(const struct exact_case *c, const struct problem_edge *edge,
                                    uint32_t acc)
{
    uint64_t least_ps = UINT64_MAX;
    for (uint32_t i = c->way_begin[edge->layer]; i < c->way_begin[edge->layer + 1]; i++) {
        const struct exact_way *way = &c->ways[i];
        uint64_t transfer_ps = problem_transfer_ps(c->problem, edge->size_class, acc, way->acc);
        uint64_t after_ps = c->after_ps[(size_t)edge->layer * c->acc_count + way->acc];
        least_ps = min_u64(least_ps, transfer_ps + way->duration_ps + after_ps);
    }
    return least_ps;
}

static void find_tails(struct exact_case *c)
{
    const struct problem *p = c->problem;
    c->after_ps = ARENA_ARRAY(c->arena, uint64_t, (size_t)c->layer_count * c->acc_count);
    for (uint32_t layer = c->layer_count; layer-- > 0;)
        for (uint32_t i = c->way_begin[layer]; i < c->way_begin[layer + 1]; i++) {
            uint32_t acc = c->ways[i].acc;
            uint64_t after_ps = least_write_ps(c, layer, acc);
            for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++)
                after_ps = max_u64(after_ps, least_after_edge_ps(c, &p->succs[at], acc));
            c->after_ps[(size_t)layer * c->acc_count + acc] = after_ps;
        }
}

/* By how much longer results take from one accelerator than from another, at the most. */
static uint64_t lag_ps(const struct exact_case *c, uint32_t layer, const struct exact_way *way,
                       const struct exact_way *other)
{
    const struct problem *p = c->problem;
    uint64_t lag_ps = way->write_ps - min_u64(way->write_ps, other->write_ps);
    for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++) {
        const struct problem_edge *edge = &p->succs[at];
        for (uint32_t i = c->way_begin[edge->layer]; i < c->way_begin[edge->layer + 1]; i++) {
            uint32_t to = c->ways[i].acc;
            uint64_t here_ps = problem_transfer_ps(p, edge->size_class, way->acc, to);
            uint64_t there_ps = problem_transfer_ps(p, edge->size_class, other->acc, to);
            lag_ps = max_u64(lag_ps, here_ps - min_u64(here_ps, there_ps));
        }
    }
    return lag_ps;
}

static void find_settled(struct exact_case *c)
{
    for (uint32_t layer = 0; layer < c->layer_count; layer++)
        for (uint32_t i = c->way_begin[layer]; i < c->way_begin[layer + 1]; i++)
            for (uint32_t j = c->way_begin[layer]; j < c->way_begin[layer + 1]; j++) {
                uint64_t later_ps = lag_ps(c, layer, &c->ways[i], &c->ways[j]);
                uint64_t settled_ps = later_ps - min_u64(later_ps, c->ways[j].duration_ps);
                c->ways[i].settled_ps = max_u64(c->ways[i].settled_ps, settled_ps);
            }
}

/* --- what can be exchanged ------------------------------------------------------------------- */

static uint32_t pair_of(const struct problem *p, uint32_t from, uint32_t to)
{
    return p->pair_class[(size_t)from * p->accelerator_count + to];
}

static bool are_twins(const struct view *view, uint32_t a, uint32_t b)
{
    const struct problem *p = view->problem;
    if (view->kind_of[a] != view->kind_of[b] || pair_of(p, a, b) != pair_of(p, b, a) ||
        pair_of(p, a, a) != pair_of(p, b, b))
        return false;
    for (uint32_t other = 0; other < view->accelerator_count; other++)
        if (other != a && other != b &&
            (pair_of(p, a, other) != pair_of(p, b, other) ||
             pair_of(p, other, a) != pair_of(p, other, b)))
            return false;
    return true;
}

static void find_twins(struct exact_case *c)
{
    struct view view;
    view_init(&view, c->problem);
    c->twins = ARENA_ARRAY(c->arena, bool, (size_t)c->acc_count * c->acc_count);
    for (uint32_t a = 0; a < c->acc_count; a++)
        for (uint32_t b = 0; b < c->acc_count; b++)
            c->twins[a * c->acc_count + b] = are_twins(&view, a, b);
    view_release(&view);
}

/* Do the edges of layers a and b lead to the same layers, or to those `shift` further on? */
static bool have_equal_edges(const struct problem_edge *edges, const uint32_t *begin, uint32_t a,
                             uint32_t b, uint32_t shift)
{
    uint32_t count = begin[a + 1] - begin[a];
    if (begin[b + 1] - begin[b] != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct problem_edge *x = &edges[begin[a] + i], *y = &edges[begin[b] + i];
        if (x->layer + shift != y->layer || x->size_class != y->size_class)
            return false;
    }
    return true;
}

static bool are_equal(const struct problem *p, uint32_t a, uint32_t b, uint32_t shift)
{
    return p->class_of[a] == p->class_of[b] &&
           problem_release_ps(p, a) == problem_release_ps(p, b) &&
           have_equal_edges(p->preds, p->pred_begin, a, b, shift) &&
           have_equal_edges(p->succs, p->succ_begin, a, b, shift);
}

/* Layers of equal shape and edges go in turn. */
static void find_equal_layers(struct exact_case *c)
{
    c->follows = ARENA_ARRAY(c->arena, uint64_t, c->layer_count);
    c->key = ARENA_ARRAY(c->arena, uint32_t, c->layer_count);
    for (uint32_t layer = 0; layer < c->layer_count; layer++) {
        c->key[layer] = layer;
        for (uint32_t other = layer; other-- > 0 && c->follows[layer] == 0;)
            if (are_equal(c->problem, other, layer, 0)) {
                c->follows[layer] = UINT64_C(1) << other;
                c->key[layer] = c->key[other];
            }
    }
}

/* Layers of a network are neighbours. */
static uint32_t layers_of_network(const struct problem *p, uint32_t first)
{
    uint32_t end = first;
    while (end < p->layer_count && p->network_of[end] == p->network_of[first])
        end++;
    return end - first;
}

static bool are_copies(const struct problem *p, uint32_t from, uint32_t to)
{
    uint32_t count = layers_of_network(p, to);
    bool equal = layers_of_network(p, from) == count;
    for (uint32_t i = 0; i < count && equal; i++)
        equal = are_equal(p, from + i, to + i, to - from);
    return equal;
}

/* A copy of a network begins behind the one before it. */
static void find_copies(struct exact_case *c)
{
    const struct problem *p = c->problem;
    uint32_t first[EXACT_LAYERS_MAX], networks = 0;
    c->begins_behind = ARENA_ARRAY(c->arena, uint64_t, c->layer_count);
    for (uint32_t to = 0; to < c->layer_count; to += layers_of_network(p, to)) {
        uint32_t n = networks, count = layers_of_network(p, to);
        while (n > 0 && !are_copies(p, first[n - 1], to))
            n--;
        for (uint32_t i = 0; i < count && n > 0; i++) {
            uint32_t from = first[n - 1];
            for (uint32_t j = 0; j < count; j++)
                c->begins_behind[to + i] |= UINT64_C(1) << (from + j);
            c->key[to + i] = c->key[from + i];
        }
        first[networks++] = to;
    }
}

static void find_preds(struct exact_case *c)
{
    const struct problem *p = c->problem;
    c->preds = ARENA_ARRAY(c->arena, uint64_t, c->layer_count);
    for (uint32_t layer = 0; layer < c->layer_count; layer++)
        for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++)
            c->preds[layer] |= UINT64_C(1) << p->preds[at].layer;
}

void exact_case_init(struct exact_case *c, const struct problem *problem)
{
    *c = (struct exact_case){
        .problem = problem,
        .layer_count = (uint32_t)problem->layer_count,
        .acc_count = (uint32_t)problem->accelerator_count,
        .arena = arena_new(),
    };
    list_all_ways(c);
    find_tails(c);
    find_settled(c);
    exact_prices_find(c);
    find_twins(c);
    find_preds(c);
    find_equal_layers(c);
    find_copies(c);
}

void exact_case_release(struct exact_case *c)
{
    arena_free(c->arena);
}
