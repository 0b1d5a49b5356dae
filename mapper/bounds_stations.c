/*
 * Which path through each network, and which blocks along it: those that catch most of the work
 * beside the path, and of the edges there.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/bounds_route.h"

/* Networks beyond this are not searched for blocks. */
enum { BLOCK_NETWORK_LAYERS_MAX = 2000 };

struct finder {
    const struct bounds *bounds;
    const struct problem *problem;
    struct bounds_window window;
    struct bounds_routes *routes;
    uint64_t *end_ps;      /* [layer]: of the longest path to it within its network */
    uint32_t *edge_before; /* [layer]: on that path; UINT32_MAX: it begins there */
    uint8_t *marks;        /* [layer] */
};

/* --- paths ----------------------------------------------------------------------------------- */

static uint64_t fastest_ps(const struct bounds *b, uint32_t layer)
{
    uint32_t class = b->view->problem->class_of[layer];
    uint64_t least_ps = UINT64_MAX;
    for (uint32_t i = b->way_begin[class]; i < b->way_begin[class + 1]; i++)
        least_ps = min_u64(least_ps, b->ways[i].duration_ps);
    return least_ps;
}

/* By every size of an edge. free() it. */
static uint64_t *fastest_transfers_ps(const struct finder *f)
{
    const struct problem *p = f->problem;
    uint64_t *least_ps = mem_alloc(p->size_class_count + 1, sizeof *least_ps);
    for (size_t size = 0; size < p->size_class_count; size++) {
        const uint64_t *of_pairs_ps = p->transfer_ps + size * p->pair_class_count;
        least_ps[size] = p->pair_class_count ? of_pairs_ps[0] : 0;
        for (size_t pair = 1; pair < p->pair_class_count; pair++)
            least_ps[size] = min_u64(least_ps[size], of_pairs_ps[pair]);
    }
    return least_ps;
}

static void find_longest(struct finder *f)
{
    const struct problem *p = f->problem;
    uint64_t *least_ps = fastest_transfers_ps(f);
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        uint64_t start_ps = 0;
        f->edge_before[layer] = UINT32_MAX;
        for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
            uint32_t pred = p->preds[at].layer;
            bool is_own = p->network_of[pred] == p->network_of[layer];
            uint64_t there_ps = f->end_ps[pred] + least_ps[p->preds[at].size_class];
            if (is_own && (f->edge_before[layer] == UINT32_MAX || there_ps > start_ps)) {
                start_ps = there_ps;
                f->edge_before[layer] = at;
            }
        }
        f->end_ps[layer] = start_ps + fastest_ps(f->bounds, layer);
    }
    free(least_ps);
}

/* The path that ends here, first layer first; *count of them. free() it. */
static uint32_t *path_to(const struct finder *f, uint32_t last, uint32_t *count)
{
    const struct problem *p = f->problem;
    *count = 1;
    for (uint32_t layer = last; f->edge_before[layer] != UINT32_MAX; ++*count)
        layer = p->preds[f->edge_before[layer]].layer;
    uint32_t *path = mem_alloc(*count, sizeof *path);
    for (uint32_t at = *count, layer = last; at-- > 0;) {
        path[at] = layer;
        if (at > 0)
            layer = p->preds[f->edge_before[layer]].layer;
    }
    return path;
}

/* --- blocks ---------------------------------------------------------------------------------- */

enum { AFTER_FIRST = 1, BEFORE_LAST = 2 };

static void mark_later(const struct finder *f, uint32_t from, uint32_t end, uint8_t mark)
{
    const struct problem *p = f->problem;
    for (uint32_t layer = from + 1; layer < end; layer++)
        for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
            uint32_t pred = p->preds[at].layer;
            if (pred == from || (pred > from && f->marks[pred] & mark))
                f->marks[layer] |= mark;
        }
}

static void mark_earlier(const struct finder *f, uint32_t from, uint32_t begin, uint8_t mark)
{
    const struct problem *p = f->problem;
    for (uint32_t layer = from; layer-- > begin;)
        for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++) {
            uint32_t succ = p->succs[at].layer;
            if (succ == from || (succ < from && f->marks[succ] & mark))
                f->marks[layer] |= mark;
        }
}

struct between {
    uint32_t layers[BOUNDS_BLOCK_LAYERS_MAX];
    uint32_t count; /* may exceed the room: then only counted */
    bool is_whole;  /* no edge leads from the first or from within past the last */
};

static bool leads_past(const struct problem *p, uint32_t layer, uint32_t last)
{
    for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++)
        if (p->succs[at].layer > last && p->network_of[p->succs[at].layer] == p->network_of[layer])
            return true;
    return false;
}

/* Layers between two of a network; first UINT32_MAX: all that the last one depends on. */
static struct between find_between(const struct finder *f, uint32_t first, uint32_t last)
{
    const struct problem *p = f->problem;
    bool is_first = first == UINT32_MAX;
    uint32_t begin = is_first ? last : first;
    while (is_first && begin > 0 && p->network_of[begin - 1] == p->network_of[last])
        begin--;
    memset(f->marks + begin, is_first ? AFTER_FIRST : 0, last + 1 - begin);
    if (!is_first)
        mark_later(f, first, last, AFTER_FIRST);
    mark_earlier(f, last, begin, BEFORE_LAST);
    struct between found = { .is_whole = is_first || !leads_past(p, first, last) };
    for (uint32_t layer = begin; layer < last; layer++) {
        if (layer == first || f->marks[layer] != (AFTER_FIRST | BEFORE_LAST)) {
            found.is_whole = found.is_whole && f->marks[layer] != AFTER_FIRST;
            continue;
        }
        if (found.count < BOUNDS_BLOCK_LAYERS_MAX)
            found.layers[found.count] = layer;
        found.count++;
        found.is_whole = found.is_whole && !leads_past(p, layer, last);
    }
    return found;
}

/* Station `from` of the path to `to`, by one edge or by a block. */
struct leg {
    uint32_t to;
    double gain_ps; /* work beside the path in this leg and those behind it */
    bool is_block;
    struct between between;
};

/* Work that a block catches beside the path: half of it where edges lead past its end. */
static double gain_ps(const struct finder *f, const struct between *between, const uint32_t *path,
                      uint32_t from, uint32_t to)
{
    double gain_ps = 0;
    for (uint32_t i = 0; i < between->count; i++)
        gain_ps += (double)fastest_ps(f->bounds, between->layers[i]);
    for (uint32_t at = from + 1; at < to; at++)
        gain_ps -= (double)fastest_ps(f->bounds, path[at]);
    return between->is_whole ? gain_ps : gain_ps / 2;
}

/* The best leg from a station, given those from the stations behind it; from UINT32_MAX: to the
 * first station. */
static void find_leg(struct finder *f, const uint32_t *path, uint32_t count, uint32_t from,
                     struct leg *legs, struct leg *leg)
{
    uint32_t first = from == UINT32_MAX ? from : path[from];
    *leg = (struct leg){ .to = from + 1, .gain_ps = legs[from + 1].gain_ps };
    for (uint32_t to = from + 2; to < count; to++) {
        struct between between = find_between(f, first, path[to]);
        if (between.count > BOUNDS_BLOCK_LAYERS_MAX)
            break;
        if (between.count <= to - from - 1) /* from + 1 wraps to 0 */
            continue;
        double gain = gain_ps(f, &between, path, from, to) + legs[to].gain_ps;
        if (gain > leg->gain_ps &&
            bounds_block_is_small(f->bounds, between.layers, between.count, first == UINT32_MAX))
            *leg = (struct leg){ to, gain, true, between };
    }
}

/* --- routes ---------------------------------------------------------------------------------- */

static bool is_inside(const struct finder *f, uint32_t layer)
{
    return bounds_is_inside(f->bounds, layer, f->window);
}

static uint32_t add_variant(const struct finder *f, struct bounds_route *route,
                            const struct bounds_block *block, const uint32_t *layers)
{
    struct bounds_variant variant = { .block = block };
    for (uint32_t i = 0; i < block->count; i++)
        variant.inside |= (uint32_t)is_inside(f, layers[i]) << i;
    for (uint32_t i = 0; i < route->variant_count; i++)
        if (route->variants[i].block == block && route->variants[i].inside == variant.inside)
            return i;
    route->variants[route->variant_count] = variant;
    return route->variant_count++;
}

/* Layers on the route are no others. */
static void take(struct finder *f, uint32_t layer)
{
    f->routes->others[is_inside(f, layer)][f->problem->class_of[layer]]--;
}

static void add_station(struct finder *f, struct bounds_route *route, uint32_t layer)
{
    take(f, layer);
    route->layers[route->count] = layer;
    if (f->edge_before[layer] != UINT32_MAX)
        route->steps[route->count].size = f->problem->preds[f->edge_before[layer]].size_class;
    route->count++;
}

static void add_leg(struct finder *f, struct bounds_route *route, const uint32_t *path,
                    uint32_t before, const struct leg *leg)
{
    struct bounds_step *step = &route->steps[route->count];
    if (leg->is_block) {
        const struct between *between = &leg->between;
        step->block = bounds_block_of(&f->routes->blocks, f->bounds, before, between->layers,
                                      between->count, path[leg->to]);
        step->variant = add_variant(f, route, step->block, between->layers);
        for (uint32_t i = 0; i < between->count; i++)
            take(f, between->layers[i]);
    }
    add_station(f, route, path[leg->to]);
}

static struct bounds_route route_along(struct finder *f, const uint32_t *path, uint32_t count)
{
    struct bounds_route route = {
        .networks = 1,
        .layers = mem_alloc(count, sizeof *route.layers),
        .steps = mem_alloc(count, sizeof *route.steps),
        .variants = mem_alloc(count, sizeof *route.variants),
        .ends_ps = f->bounds->paths.head_ps[path[0]] + f->bounds->paths.tail_ps[path[count - 1]],
    };
    bool has_blocks = f->bounds->granularity == GRANULARITY_LAYER &&
                      count <= BLOCK_NETWORK_LAYERS_MAX &&
                      f->problem->layer_count <= 10 * BLOCK_NETWORK_LAYERS_MAX;
    struct leg *legs = mem_alloc(count + 1, sizeof *legs), first = { 0 };
    for (uint32_t at = count - 1; at-- > 0;) {
        if (has_blocks)
            find_leg(f, path, count, at, legs, &legs[at]);
        else
            legs[at].to = at + 1;
    }
    if (has_blocks && f->bounds->paths.head_ps[path[0]] == 0)
        find_leg(f, path, count, UINT32_MAX, legs, &first);
    add_leg(f, &route, path, UINT32_MAX, &first);
    for (uint32_t at = first.to; at + 1 < count; at = legs[at].to)
        add_leg(f, &route, path, path[at], &legs[at]);
    free(legs);
    return route;
}

static bool routes_equal(const struct finder *f, const struct bounds_route *a,
                         const struct bounds_route *b)
{
    const struct problem *p = f->problem;
    if (a->count != b->count || a->ends_ps != b->ends_ps || a->variant_count != b->variant_count)
        return false;
    for (uint32_t at = 0; at < a->count; at++)
        if (p->class_of[a->layers[at]] != p->class_of[b->layers[at]] ||
            a->steps[at].size != b->steps[at].size || a->steps[at].block != b->steps[at].block ||
            a->steps[at].variant != b->steps[at].variant ||
            is_inside(f, a->layers[at]) != is_inside(f, b->layers[at]))
            return false;
    for (uint32_t i = 0; i < a->variant_count; i++)
        if (a->variants[i].inside != b->variants[i].inside)
            return false;
    return true;
}

static void route_release(struct bounds_route *route)
{
    free(route->layers);
    free(route->steps);
    free(route->variants);
}

static void add_route(struct finder *f, struct bounds_route route)
{
    struct bounds_routes *routes = f->routes;
    for (size_t i = 0; i < routes->count; i++)
        if (routes_equal(f, &routes->items[i], &route)) {
            routes->items[i].networks++;
            route_release(&route);
            return;
        }
    routes->items[routes->count++] = route;
}

static void find_all(struct finder *f)
{
    const struct problem *p = f->problem;
    uint32_t *last = mem_alloc(p->network_count, sizeof *last);
    for (size_t network = 0; network < p->network_count; network++)
        last[network] = UINT32_MAX;
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        uint32_t *of = &last[p->network_of[layer]];
        if (*of == UINT32_MAX || f->end_ps[layer] > f->end_ps[*of])
            *of = layer;
        f->routes->others[is_inside(f, layer)][p->class_of[layer]]++;
    }
    for (size_t network = 0; network < p->network_count; network++) {
        if (last[network] == UINT32_MAX)
            continue;
        uint32_t count, *path = path_to(f, last[network], &count);
        add_route(f, route_along(f, path, count));
        free(path);
    }
    free(last);
}

void bounds_routes_find(struct bounds_routes *routes, const struct bounds *bounds,
                        struct bounds_window window)
{
    const struct problem *p = bounds->view->problem;
    *routes = (struct bounds_routes){
        .items = mem_alloc(p->network_count, sizeof *routes->items),
        .others = { mem_alloc(p->class_count, sizeof *routes->others[0]),
                    mem_alloc(p->class_count, sizeof *routes->others[1]) },
    };
    struct finder f = {
        .bounds = bounds,
        .problem = p,
        .window = window,
        .routes = routes,
        .end_ps = mem_alloc(p->layer_count, sizeof *f.end_ps),
        .edge_before = mem_alloc(p->layer_count, sizeof *f.edge_before),
        .marks = mem_alloc(p->layer_count, sizeof *f.marks),
    };
    find_longest(&f);
    find_all(&f);
    free(f.end_ps);
    free(f.edge_before);
    free(f.marks);
}

void bounds_routes_release(struct bounds_routes *routes)
{
    for (size_t i = 0; i < routes->count; i++)
        route_release(&routes->items[i]);
    free(routes->items);
    free(routes->others[0]);
    free(routes->others[1]);
    bounds_blocks_release(&routes->blocks);
}
