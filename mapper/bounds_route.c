/*
 * Loads and routes together: a layer that leaves a busy accelerator for a slower one makes its
 * network's longest path longer, and so does the way there. Prices are put on resources as for a
 * priced load (bounds_load.c), before and between a head and a tail, and on the length of one path
 * per network: the layers of a path choose their accelerators together, by dynamic programming,
 * all others alone. Any prices give a valid bound; multiplicative steps look for good ones, the
 * bound is then computed in whole numbers. docs/model.md M-101.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/bounds.h"

enum { STEPS = 1500 };
/* Above this many (edge, from, to) triples of all paths they are not looked at. */
static const uint64_t triples_max = UINT64_C(2000000);

/* A path through one network, and through those equal to it. */
struct route {
    uint32_t *layers, *sizes; /* sizes: of the edge to each layer; of the first: 0 */
    uint32_t count, networks;
    uint64_t ends_ps; /* head of the first and tail of the last layer */
};

/* Of the present prices: what a class pays outside the window [0] and inside [1]. */
struct payment {
    double pays[2];
};

struct routes {
    struct bounds *bounds;
    const struct view *view;
    struct bounds_window window;
    struct route *routes;
    size_t route_count;
    uint32_t *others[2];  /* [class]: layers on no path, outside and inside the window */
    size_t row_count;     /* of one window: kinds × resources; two windows, then the routes */
    double *fraction;     /* [way * resources + resource] of all accelerators of the kind */
    struct payment *paid; /* [way] */
    double *cell;         /* [path position * accelerators + acc] */
    uint32_t *from, *way; /* the same: accelerator before, way taken */
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

/* Ends of the longest paths to every layer within its network, and the layers before; transfers
 * aside. */
static void find_longest(const struct bounds *b, uint64_t *end_ps, uint32_t *edge_before)
{
    const struct problem *p = b->view->problem;
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        uint64_t start_ps = 0;
        edge_before[layer] = UINT32_MAX;
        for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
            uint32_t pred = p->preds[at].layer;
            bool is_own = p->network_of[pred] == p->network_of[layer];
            if (is_own && (edge_before[layer] == UINT32_MAX || end_ps[pred] > start_ps)) {
                start_ps = end_ps[pred];
                edge_before[layer] = at;
            }
        }
        end_ps[layer] = start_ps + fastest_ps(b, layer);
    }
}

/* The layer before on the longest path, if it is of the same network: so paths have no layer in
 * common, and what comes before is in the head of the first one. */
static bool goes_back(const struct bounds *b, const uint32_t *edge_before, uint32_t *layer)
{
    const struct problem *p = b->view->problem;
    if (edge_before[*layer] == UINT32_MAX)
        return false;
    uint32_t before = p->preds[edge_before[*layer]].layer;
    if (p->network_of[before] != p->network_of[*layer])
        return false;
    *layer = before;
    return true;
}

/* The path that ends here, first layer first. */
static struct route route_to(const struct bounds *b, uint32_t last, const uint32_t *edge_before)
{
    const struct problem *p = b->view->problem;
    struct route route = { .count = 1, .networks = 1 };
    uint32_t first = last;
    while (goes_back(b, edge_before, &first))
        route.count++;
    route.layers = mem_alloc(route.count, sizeof *route.layers);
    route.sizes = mem_alloc(route.count, sizeof *route.sizes);
    route.ends_ps = b->paths.head_ps[first] + b->paths.tail_ps[last];
    for (uint32_t at = route.count, layer = last; at-- > 0; goes_back(b, edge_before, &layer)) {
        route.layers[at] = layer;
        if (at > 0)
            route.sizes[at] = p->preds[edge_before[layer]].size_class;
    }
    return route;
}

static bool routes_equal(const struct routes *r, const struct route *a, const struct route *b)
{
    const struct problem *p = r->view->problem;
    if (a->count != b->count || a->ends_ps != b->ends_ps)
        return false;
    for (uint32_t at = 0; at < a->count; at++)
        if (p->class_of[a->layers[at]] != p->class_of[b->layers[at]] ||
            a->sizes[at] != b->sizes[at] ||
            bounds_is_inside(r->bounds, a->layers[at], r->window) !=
                bounds_is_inside(r->bounds, b->layers[at], r->window))
            return false;
    return true;
}

static void route_release(struct route *route)
{
    free(route->layers);
    free(route->sizes);
}

static void add_route(struct routes *r, struct route route)
{
    for (size_t i = 0; i < r->route_count; i++)
        if (routes_equal(r, &r->routes[i], &route)) {
            r->routes[i].networks++;
            route_release(&route);
            return;
        }
    r->routes[r->route_count++] = route;
}

/* One path per network, and how often each class is on none. */
static void find_routes(struct routes *r)
{
    const struct problem *p = r->view->problem;
    uint64_t *end_ps = mem_alloc(p->layer_count, sizeof *end_ps);
    uint32_t *edge_before = mem_alloc(p->layer_count, sizeof *edge_before);
    uint32_t *last = mem_alloc(p->network_count, sizeof *last);
    find_longest(r->bounds, end_ps, edge_before);
    for (size_t network = 0; network < p->network_count; network++)
        last[network] = UINT32_MAX;
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        uint32_t *of = &last[p->network_of[layer]];
        if (*of == UINT32_MAX || end_ps[layer] > end_ps[*of])
            *of = layer;
        r->others[bounds_is_inside(r->bounds, layer, r->window)][p->class_of[layer]]++;
    }
    for (size_t network = 0; network < p->network_count; network++) {
        if (last[network] == UINT32_MAX)
            continue;
        struct route route = route_to(r->bounds, last[network], edge_before);
        for (uint32_t at = 0; at < route.count; at++) {
            uint32_t layer = route.layers[at];
            r->others[bounds_is_inside(r->bounds, layer, r->window)][p->class_of[layer]]--;
        }
        add_route(r, route);
    }
    free(end_ps);
    free(edge_before);
    free(last);
}

/* --- life ------------------------------------------------------------------------------------ */

static void find_fractions(struct routes *r)
{
    const struct bounds *b = r->bounds;
    for (uint32_t i = 0; i < b->way_begin[r->view->class_count]; i++)
        for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++) {
            const struct bounds_way *way = &b->ways[i];
            uint64_t capacity =
                b->capacity[(size_t)way->kind * BOUNDS_RESOURCE_COUNT + (size_t)resource];
            if (capacity)
                r->fraction[(size_t)i * BOUNDS_RESOURCE_COUNT + (size_t)resource] =
                    way->amount[resource] /
                    ((double)capacity * bounds_accelerators_of(b, way->kind));
        }
}

static void routes_init(struct routes *r, struct bounds *bounds, struct bounds_window window)
{
    const struct view *view = bounds->view;
    size_t ways = bounds->way_begin[view->class_count];
    *r = (struct routes){
        .bounds = bounds,
        .view = view,
        .window = window,
        .routes = mem_alloc(view->problem->network_count, sizeof *r->routes),
        .others = { mem_alloc(view->class_count, sizeof *r->others[0]),
                    mem_alloc(view->class_count, sizeof *r->others[1]) },
        .row_count = (size_t)view->kind_count * BOUNDS_RESOURCE_COUNT,
        .fraction = mem_alloc(ways * BOUNDS_RESOURCE_COUNT, sizeof *r->fraction),
        .paid = mem_alloc(ways, sizeof *r->paid),
    };
    find_routes(r);
    find_fractions(r);
    uint32_t longest = 0;
    for (size_t i = 0; i < r->route_count; i++)
        longest = r->routes[i].count > longest ? r->routes[i].count : longest;
    size_t cells = (size_t)longest * view->accelerator_count;
    r->cell = mem_alloc(cells, sizeof *r->cell);
    r->from = mem_alloc(cells, sizeof *r->from);
    r->way = mem_alloc(cells, sizeof *r->way);
}

static void routes_release(struct routes *r)
{
    for (size_t i = 0; i < r->route_count; i++)
        route_release(&r->routes[i]);
    free(r->routes);
    free(r->others[0]);
    free(r->others[1]);
    free(r->fraction);
    free(r->paid);
    free(r->cell);
    free(r->from);
    free(r->way);
}

/* At tile granularity a transfer may hide behind its consumer. */
static uint64_t transfer_ps(const struct routes *r, uint32_t size, uint32_t from, uint32_t to)
{
    if (r->bounds->granularity == GRANULARITY_TILE)
        return 0;
    return problem_transfer_ps(r->view->problem, size, from, to);
}

/* --- what prices are worth, and who pays them --------------------------------------------------
 */

/* Shares: of row (kind, resource) outside and inside the window, then of every route; their sum is
 * 1. use: what the layers take of each under these. */
static void find_payments(struct routes *r, const double *share)
{
    const struct bounds *b = r->bounds;
    for (uint32_t i = 0; i < b->way_begin[r->view->class_count]; i++) {
        const struct bounds_way *way = &b->ways[i];
        const double *fraction = r->fraction + (size_t)i * BOUNDS_RESOURCE_COUNT;
        const double *outside = share + (size_t)way->kind * BOUNDS_RESOURCE_COUNT;
        const double *inside = outside + r->row_count;
        double sum[2] = { 0 };
        for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++) {
            sum[0] += fraction[resource] * outside[resource];
            sum[1] += fraction[resource] * inside[resource];
        }
        r->paid[i].pays[0] = sum[0] * (double)way->duration_ps;
        r->paid[i].pays[1] = (sum[0] + sum[1]) * (double)way->duration_ps;
    }
}

static void add_use(const struct routes *r, uint32_t number, bool inside, double layers,
                    double *use)
{
    const struct bounds_way *way = &r->bounds->ways[number];
    const double *fraction = r->fraction + (size_t)number * BOUNDS_RESOURCE_COUNT;
    double *row = use + (size_t)way->kind * BOUNDS_RESOURCE_COUNT;
    for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++) {
        double used = fraction[resource] * (double)way->duration_ps * layers;
        row[resource] += used;
        if (inside)
            row[resource + (int)r->row_count] += used;
    }
}

static double pay_others(const struct routes *r, double *use)
{
    const struct bounds *b = r->bounds;
    double value = 0;
    for (uint32_t class = 0; class < r->view->class_count; class ++)
        for (int inside = 0; inside < 2; inside++) {
            if (r->others[inside][class] == 0)
                continue;
            uint32_t cheapest = b->way_begin[class];
            for (uint32_t i = cheapest; i < b->way_begin[class + 1]; i++)
                if (r->paid[i].pays[inside] < r->paid[cheapest].pays[inside])
                    cheapest = i;
            value += r->paid[cheapest].pays[inside] * r->others[inside][class];
            add_use(r, cheapest, inside, r->others[inside][class], use);
        }
    return value;
}

/* The cheapest way of a class on a kind when time costs so much; UINT32_MAX: none. */
static uint32_t cheapest_on(const struct routes *r, uint32_t class, uint32_t kind, bool inside,
                            double per_ps, double *cost)
{
    const struct bounds *b = r->bounds;
    uint32_t best = UINT32_MAX;
    for (uint32_t i = b->way_begin[class]; i < b->way_begin[class + 1]; i++) {
        if (b->ways[i].kind != kind)
            continue;
        double mine = r->paid[i].pays[inside] + per_ps * (double)b->ways[i].duration_ps;
        if (best == UINT32_MAX || mine < *cost) {
            best = i;
            *cost = mine;
        }
    }
    return best;
}

static void fill_cell(struct routes *r, const struct route *route, uint32_t at, uint32_t acc,
                      double per_ps)
{
    uint32_t accs = r->view->accelerator_count, layer = route->layers[at];
    size_t here = (size_t)at * accs + acc;
    double cost = 0, least = at > 0 ? INFINITY : 0;
    r->way[here] = cheapest_on(r, r->view->problem->class_of[layer], r->view->kind_of[acc],
                               bounds_is_inside(r->bounds, layer, r->window), per_ps, &cost);
    r->cell[here] = INFINITY;
    if (r->way[here] == UINT32_MAX)
        return;
    for (uint32_t from = 0; from < accs && at > 0; from++) {
        double before = r->cell[here - acc - accs + from];
        if (before >= least)
            continue;
        before += per_ps * (double)transfer_ps(r, route->sizes[at], from, acc);
        if (before < least) {
            least = before;
            r->from[here] = from;
        }
    }
    r->cell[here] = least + cost;
}

/* What the networks of a route pay; *length_ps of its path. */
static double pay_route(struct routes *r, const struct route *route, double share, double *use,
                        double *length_ps)
{
    uint32_t accs = r->view->accelerator_count, acc = 0;
    double per_ps = share / route->networks;
    for (uint32_t at = 0; at < route->count; at++)
        for (uint32_t a = 0; a < accs; a++)
            fill_cell(r, route, at, a, per_ps);
    const double *last = r->cell + (size_t)(route->count - 1) * accs;
    for (uint32_t a = 1; a < accs; a++)
        acc = last[a] < last[acc] ? a : acc;
    double value = last[acc];
    *length_ps = (double)route->ends_ps;
    for (uint32_t at = route->count; at-- > 0;) {
        size_t here = (size_t)at * accs + acc;
        add_use(r, r->way[here], bounds_is_inside(r->bounds, route->layers[at], r->window),
                route->networks, use);
        *length_ps += (double)r->bounds->ways[r->way[here]].duration_ps;
        if (at > 0) {
            *length_ps += (double)transfer_ps(r, route->sizes[at], r->from[here], acc);
            acc = r->from[here];
        }
    }
    return value * route->networks + share * (double)route->ends_ps;
}

static double value_of(struct routes *r, const double *share, double *use)
{
    size_t rows = 2 * r->row_count;
    double ends_ps = (double)(r->window.head_ps + r->window.tail_ps), value = 0;
    memset(use, 0, (rows + r->route_count) * sizeof *use);
    find_payments(r, share);
    value += pay_others(r, use);
    for (size_t i = 0; i < r->route_count; i++)
        value += pay_route(r, &r->routes[i], share[rows + i], use, &use[rows + i]);
    for (size_t row = r->row_count; row < rows; row++) {
        value += share[row] * ends_ps;
        if (use[row] > 0)
            use[row] += ends_ps;
    }
    return value;
}

/* Multiplicative weights, as for priced loads (M-55). The best shares seen end in `best`. */
static void ascend(struct routes *r, double *best)
{
    size_t count = 2 * r->row_count + r->route_count;
    double *share = mem_alloc(count, sizeof *share), *use = mem_alloc(count, sizeof *use);
    double best_ps = -1;
    for (size_t at = 0; at < count; at++)
        share[at] = 1.0 / (double)count;
    for (int step = 0; step < STEPS; step++) {
        double value_ps = value_of(r, share, use), most = 0, sum = 0;
        if (value_ps > best_ps) {
            best_ps = value_ps;
            memcpy(best, share, count * sizeof *best);
        }
        for (size_t at = 0; at < count; at++)
            most = fmax(most, use[at]);
        for (size_t at = 0; at < count; at++) {
            share[at] *= exp(use[at] / most / sqrt(1 + step / 4.0));
            sum += share[at];
        }
        for (size_t at = 0; at < count; at++)
            share[at] /= sum;
    }
    free(share);
    free(use);
}

/* --- the same in whole numbers ---------------------------------------------------------------- */

struct prices {
    uint64_t *rows;   /* of one unit of one accelerator: outside the window, inside */
    uint64_t *routes; /* per ps of the path of one network */
};

static bounds_u128 way_price(const struct routes *r, const struct prices *prices, uint32_t number,
                             bool inside)
{
    const struct bounds_way *way = &r->bounds->ways[number];
    const uint64_t *row = prices->rows + (size_t)way->kind * BOUNDS_RESOURCE_COUNT;
    uint64_t per_ps = 0;
    for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++)
        per_ps += (row[resource] + (inside ? row[r->row_count + (size_t)resource] : 0)) *
                  way->amount[resource];
    return (bounds_u128)per_ps * way->duration_ps;
}

static const bounds_u128 never = ~(bounds_u128)0;

/* Of a class on a kind, where a ps costs so much; `never`: not supported. */
static bounds_u128 least_price(const struct routes *r, const struct prices *prices, uint32_t class,
                               uint32_t kind, bool inside, uint64_t per_ps)
{
    const struct bounds *b = r->bounds;
    bounds_u128 least = never;
    for (uint32_t i = b->way_begin[class]; i < b->way_begin[class + 1]; i++) {
        if (b->ways[i].kind != kind)
            continue;
        bounds_u128 price =
            way_price(r, prices, i, inside) + (bounds_u128)per_ps * b->ways[i].duration_ps;
        least = price < least ? price : least;
    }
    return least;
}

static bounds_u128 price_of_others(const struct routes *r, const struct prices *prices)
{
    bounds_u128 sum = 0;
    for (uint32_t class = 0; class < r->view->class_count; class ++)
        for (int inside = 0; inside < 2; inside++) {
            bounds_u128 least = never;
            for (uint32_t kind = 0; kind < r->view->kind_count; kind++) {
                bounds_u128 price = least_price(r, prices, class, kind, inside, 0);
                least = price < least ? price : least;
            }
            sum += least * r->others[inside][class];
        }
    return sum;
}

static bounds_u128 price_of_route(const struct routes *r, const struct prices *prices,
                                  size_t number)
{
    const struct route *route = &r->routes[number];
    uint32_t accs = r->view->accelerator_count;
    uint64_t per_ps = prices->routes[number];
    bounds_u128 *now = mem_alloc(accs, sizeof *now), *next = mem_alloc(accs, sizeof *next);
    bounds_u128 least = never;
    for (uint32_t at = 0; at < route->count; at++) {
        uint32_t layer = route->layers[at];
        for (uint32_t acc = 0; acc < accs; acc++) {
            bounds_u128 price =
                least_price(r, prices, r->view->problem->class_of[layer], r->view->kind_of[acc],
                            bounds_is_inside(r->bounds, layer, r->window), per_ps);
            bounds_u128 before = at > 0 ? never : 0;
            for (uint32_t from = 0; from < accs && at > 0; from++) {
                bounds_u128 via = now[from] == never
                                      ? never
                                      : now[from] + (bounds_u128)per_ps *
                                                        transfer_ps(r, route->sizes[at], from, acc);
                before = via < before ? via : before;
            }
            next[acc] = price == never || before == never ? never : before + price;
        }
        memcpy(now, next, accs * sizeof *now);
    }
    for (uint32_t acc = 0; acc < accs; acc++)
        least = now[acc] < least ? now[acc] : least;
    free(now);
    free(next);
    return (least + (bounds_u128)per_ps * route->ends_ps) * route->networks;
}

static bounds_u128 makespan_for(const struct routes *r, const struct prices *prices)
{
    const struct bounds *b = r->bounds;
    bounds_u128 income = 0, value = price_of_others(r, prices);
    for (size_t row = 0; row < 2 * r->row_count; row++) {
        size_t at = row % r->row_count;
        uint32_t kind = (uint32_t)(at / BOUNDS_RESOURCE_COUNT);
        bounds_u128 earns =
            (bounds_u128)prices->rows[row] * b->capacity[at] * bounds_accelerators_of(b, kind);
        income += earns;
        if (row >= r->row_count)
            value += earns * (r->window.head_ps + r->window.tail_ps);
    }
    for (size_t i = 0; i < r->route_count; i++) {
        value += price_of_route(r, prices, i);
        income += (bounds_u128)prices->routes[i] * r->routes[i].networks;
    }
    return income ? bounds_ceil_div(value, income) : 0;
}

static void round_prices(const struct routes *r, const double *share, struct prices *prices)
{
    const struct bounds *b = r->bounds;
    double most = 0, scale = (double)(UINT64_C(1) << BOUNDS_PRICE_BITS);
    for (size_t at = 0; at < 2 * r->row_count + r->route_count; at++)
        most = fmax(most, share[at]);
    for (size_t row = 0; row < 2 * r->row_count; row++) {
        size_t at = row % r->row_count;
        uint32_t kind = (uint32_t)(at / BOUNDS_RESOURCE_COUNT);
        double units = (double)b->capacity[at] * bounds_accelerators_of(b, kind);
        prices->rows[row] = units > 0 ? (uint64_t)(share[row] / most * scale / units) : 0;
    }
    for (size_t i = 0; i < r->route_count; i++)
        prices->routes[i] =
            (uint64_t)(share[2 * r->row_count + i] / most * scale / r->routes[i].networks);
}

static bool is_small_enough(const struct routes *r)
{
    uint64_t triples = 0, accs = r->view->accelerator_count;
    for (size_t i = 0; i < r->route_count; i++)
        triples += r->routes[i].count * accs * accs;
    return triples <= triples_max;
}

void bounds_try_routes(struct bounds *bounds, struct bounds_window window)
{
    struct routes r;
    routes_init(&r, bounds, window);
    if (is_small_enough(&r)) {
        double *share = mem_alloc(2 * r.row_count + r.route_count, sizeof *share);
        struct prices prices = { mem_alloc(2 * r.row_count, sizeof *prices.rows),
                                 mem_alloc(r.route_count, sizeof *prices.routes) };
        ascend(&r, share);
        round_prices(&r, share, &prices);
        bounds_offer(bounds, makespan_for(&r, &prices), "loads and routes");
        free(share);
        free(prices.rows);
        free(prices.routes);
    }
    routes_release(&r);
}
