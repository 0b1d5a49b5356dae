/*
 * Priced links: what contention adds to the bounds. docs/model.md M-103.
 *
 * Every edge sends its bytes along the route between the accelerators of its two layers, whichever
 * they are, and each link and local port serves one packet at a time (M-37). With prices of the
 * servers that add up to 1, no makespan is below the priced service of all edges, each on its
 * cheapest route. The prices go where the loads are. The same holds of the edges that lie between a
 * head and a tail, with both added.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/bounds.h"

enum { PRICE_BITS = 24, STEPS_MAX = 400, WINDOWS = 24 };
static const double step_share = 0.5;      /* of a price, by how far a server is from the busiest */
static const uint64_t work_max = 40000000; /* routes looked at, all steps together */

/* Edges between layers of equal shape with equal bytes. */
struct flow {
    uint32_t from, to, size_class; /* classes of layers, of bytes */
    uint64_t bytes, count;
};

struct edge {
    struct flow flow;          /* of count 1; its flow's number once they are gathered */
    uint64_t head_ps, tail_ps; /* before it sends, after it has arrived */
};

struct links {
    const struct view *view;
    struct edge *edges; /* those that send anything, by flow */
    size_t edge_count;
    struct flow *flows;
    bounds_u128 *flow_cost; /* [flow]: of one edge at the last prices */
    size_t flow_count;
    size_t server_count;     /* links, then local ports by accelerator */
    double *price, *load_ps; /* [server] */
    uint64_t *whole_price;   /* [server], of 2^PRICE_BITS */
};

/* --- flows ------------------------------------------------------------------------------------ */

static int compare_edges(const void *a, const void *b)
{
    const struct flow *x = &((const struct edge *)a)->flow, *y = &((const struct edge *)b)->flow;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return x->size_class < y->size_class ? -1 : x->size_class > y->size_class;
}

/* The least time that a layer runs; by tile its results leave and its inputs come while it does. */
static uint64_t run_ps(const struct bounds *b, uint32_t layer)
{
    uint32_t class = b->view->problem->class_of[layer];
    uint64_t least_ps = UINT64_MAX;
    if (b->granularity == GRANULARITY_TILE)
        return 0;
    for (uint32_t at = b->way_begin[class]; at < b->way_begin[class + 1]; at++)
        least_ps = min_u64(least_ps, b->ways[at].duration_ps);
    return least_ps;
}

static void gather_edges(struct links *l, const struct bounds *b)
{
    const struct problem *p = l->view->problem;
    l->edges = mem_alloc(p->edge_count + 1, sizeof *l->edges);
    for (uint32_t to = 0; to < p->layer_count; to++)
        for (uint32_t e = p->pred_begin[to]; e < p->pred_begin[to + 1]; e++) {
            const struct problem_edge *pred = &p->preds[e];
            if (pred->bytes == 0)
                continue;
            l->edges[l->edge_count++] = (struct edge){
                { p->class_of[pred->layer], p->class_of[to], pred->size_class, pred->bytes, 1 },
                b->paths.head_ps[pred->layer] + run_ps(b, pred->layer),
                run_ps(b, to) + b->paths.tail_ps[to],
            };
        }
    qsort(l->edges, l->edge_count, sizeof *l->edges, compare_edges);
}

static void gather_flows(struct links *l)
{
    l->flows = mem_alloc(l->edge_count + 1, sizeof *l->flows);
    l->flow_cost = mem_alloc(l->edge_count + 1, sizeof *l->flow_cost);
    for (size_t i = 0; i < l->edge_count; i++)
        if (i > 0 && compare_edges(&l->edges[i - 1], &l->edges[i]) == 0)
            l->flows[l->flow_count - 1].count++;
        else
            l->flows[l->flow_count++] = l->edges[i].flow;
}

/* --- routes ----------------------------------------------------------------------------------- */

struct route {
    const uint32_t *links;
    uint32_t hops;
    uint32_t port; /* where hops is 0: the server that takes the packet */
};

static struct route route_of(const struct links *l, uint32_t from, uint32_t to)
{
    const struct soc *soc = l->view->problem->soc;
    if (from == to)
        return (struct route){ .port = (uint32_t)soc->link_count + from };
    size_t at =
        (size_t)soc->accelerators[from].place * soc->place_count + soc->accelerators[to].place;
    return (struct route){ &soc->route_links[soc->route_begin[at]],
                           soc->route_begin[at + 1] - soc->route_begin[at], 0 };
}

static uint64_t rate_of(const struct links *l, uint32_t server)
{
    const struct soc *soc = l->view->problem->soc;
    return server < soc->link_count ? soc->links[server].bytes_per_s
                                    : soc->accelerators[server - soc->link_count].local_bytes_per_s;
}

/* 0 where the server is unlimited. */
static uint64_t service_ps(const struct links *l, uint32_t server, uint64_t bytes)
{
    uint64_t rate = rate_of(l, server);
    return rate ? bytes_to_ps(bytes, rate) : 0;
}

static bounds_u128 priced_ps(const struct links *l, const struct route *route, uint64_t bytes)
{
    if (route->hops == 0)
        return route->links
                   ? 0
                   : (bounds_u128)l->whole_price[route->port] * service_ps(l, route->port, bytes);
    bounds_u128 sum = 0;
    for (uint32_t i = 0; i < route->hops; i++)
        sum += (bounds_u128)l->whole_price[route->links[i]] * service_ps(l, route->links[i], bytes);
    return sum;
}

static void add_load(struct links *l, const struct route *route, const struct flow *flow)
{
    for (uint32_t i = 0; i < route->hops; i++)
        l->load_ps[route->links[i]] +=
            (double)service_ps(l, route->links[i], flow->bytes) * (double)flow->count;
    if (!route->links)
        l->load_ps[route->port] +=
            (double)service_ps(l, route->port, flow->bytes) * (double)flow->count;
}

/* The cheapest route of a flow, at the prices; adds its load. */
static bounds_u128 cheapest(struct links *l, const struct flow *flow)
{
    const struct view *view = l->view;
    bounds_u128 best = 0;
    struct route taken = { 0 };
    bool any = false;
    for (uint32_t a = view->support_begin[flow->from]; a < view->support_begin[flow->from + 1]; a++)
        for (uint32_t b = view->support_begin[flow->to]; b < view->support_begin[flow->to + 1];
             b++) {
            struct route route = route_of(l, view->support[a], view->support[b]);
            bounds_u128 cost_ps = priced_ps(l, &route, flow->bytes);
            if (any && cost_ps >= best)
                continue;
            best = cost_ps;
            taken = route;
            any = true;
        }
    assert(any);
    add_load(l, &taken, flow);
    return best;
}

/* --- prices ----------------------------------------------------------------------------------- */

static void round_prices(struct links *l)
{
    double sum = 0;
    for (size_t i = 0; i < l->server_count; i++)
        sum += l->price[i];
    for (size_t i = 0; i < l->server_count; i++)
        l->whole_price[i] =
            (uint64_t)(l->price[i] / sum * (double)(UINT64_C(1) << PRICE_BITS)); /* down: valid */
}

/* At these prices; loads are those of the cheapest routes. */
static uint64_t priced_bound_ps(struct links *l)
{
    bounds_u128 sum = 0;
    memset(l->load_ps, 0, l->server_count * sizeof *l->load_ps);
    round_prices(l);
    for (size_t i = 0; i < l->flow_count; i++) {
        l->flow_cost[i] = cheapest(l, &l->flows[i]);
        sum += l->flow_cost[i] * l->flows[i].count;
    }
    sum >>= PRICE_BITS;
    return sum > NUM_MAX_SIZE ? 0 : (uint64_t)sum;
}

static void move_prices(struct links *l, double share)
{
    double busiest_ps = 1;
    for (size_t i = 0; i < l->server_count; i++)
        busiest_ps = l->load_ps[i] > busiest_ps ? l->load_ps[i] : busiest_ps;
    for (size_t i = 0; i < l->server_count; i++)
        l->price[i] *= 1 - share + share * l->load_ps[i] / busiest_ps;
}

static unsigned steps_of(const struct links *l)
{
    const struct view *view = l->view;
    uint64_t pairs = 1;
    for (size_t i = 0; i < l->flow_count; i++) {
        uint32_t from = l->flows[i].from, to = l->flows[i].to;
        pairs += (uint64_t)(view->support_begin[from + 1] - view->support_begin[from]) *
                 (view->support_begin[to + 1] - view->support_begin[to]);
    }
    return (unsigned)min_u64(STEPS_MAX, 1 + work_max / pairs);
}

/* --- between head and tail ---------------------------------------------------------------------
 */

static int compare_times(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Heads or tails at equal steps of their order, the least one first. */
static void thresholds(const struct links *l, bool tails, uint64_t out[WINDOWS])
{
    uint64_t *sorted = mem_alloc(l->edge_count, sizeof *sorted);
    for (size_t i = 0; i < l->edge_count; i++)
        sorted[i] = tails ? l->edges[i].tail_ps : l->edges[i].head_ps;
    qsort(sorted, l->edge_count, sizeof *sorted, compare_times);
    for (size_t i = 0; i < WINDOWS; i++)
        out[i] = sorted[i * l->edge_count / WINDOWS];
    free(sorted);
}

/* Of the edges with head and tail not below these, at the last prices. */
static uint64_t window_ps(const struct links *l, uint64_t head_ps, uint64_t tail_ps)
{
    bounds_u128 sum = 0;
    size_t flow = 0;
    for (size_t i = 0; i < l->edge_count; i++) {
        if (i > 0 && compare_edges(&l->edges[i - 1], &l->edges[i]) != 0)
            flow++;
        if (l->edges[i].head_ps >= head_ps && l->edges[i].tail_ps >= tail_ps)
            sum += l->flow_cost[flow];
    }
    sum >>= PRICE_BITS;
    return sum == 0 || sum > NUM_MAX_SIZE ? 0 : head_ps + (uint64_t)sum + tail_ps;
}

static uint64_t best_window_ps(const struct links *l)
{
    uint64_t heads_ps[WINDOWS], tails_ps[WINDOWS], best_ps = 0;
    thresholds(l, false, heads_ps);
    thresholds(l, true, tails_ps);
    for (size_t h = 0; h < WINDOWS; h++)
        for (size_t t = 0; t < WINDOWS; t++)
            best_ps = max_u64(best_ps, window_ps(l, heads_ps[h], tails_ps[t]));
    return best_ps;
}

/* --- all together ----------------------------------------------------------------------------- */

/* The best prices that the steps come to, and their bound. */
static uint64_t ascend(struct links *l)
{
    uint64_t best_ps = 0;
    double *best_price = mem_alloc(l->server_count, sizeof *best_price);
    unsigned steps = steps_of(l);
    for (size_t i = 0; i < l->server_count; i++)
        l->price[i] = best_price[i] = 1;
    for (unsigned i = 0; i < steps; i++) {
        uint64_t bound_ps = priced_bound_ps(l);
        if (bound_ps > best_ps) {
            best_ps = bound_ps;
            memcpy(best_price, l->price, l->server_count * sizeof *best_price);
        }
        move_prices(l, step_share * (1 - (double)i / steps));
    }
    memcpy(l->price, best_price, l->server_count * sizeof *best_price);
    free(best_price);
    return priced_bound_ps(l);
}

uint64_t bounds_links_ps(const struct bounds *bounds)
{
    const struct soc *soc = bounds->view->problem->soc;
    struct links l = { .view = bounds->view,
                       .server_count = soc->link_count + soc->accelerator_count };
    l.price = mem_alloc(l.server_count, sizeof *l.price);
    l.load_ps = mem_alloc(l.server_count, sizeof *l.load_ps);
    l.whole_price = mem_alloc(l.server_count, sizeof *l.whole_price);
    gather_edges(&l, bounds);
    gather_flows(&l);
    uint64_t best_ps = 0;
    if (l.edge_count > 0) {
        best_ps = ascend(&l);
        best_ps = max_u64(best_ps, best_window_ps(&l));
    }
    free(l.price);
    free(l.load_ps);
    free(l.whole_price);
    free(l.edges);
    free(l.flows);
    free(l.flow_cost);
    return best_ps;
}
