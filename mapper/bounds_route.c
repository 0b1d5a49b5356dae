/*
 * Loads and routes together: a layer that leaves a busy accelerator for a slower one makes its
 * network's longest path longer, and so does the way there. Prices are put on resources as for a
 * priced load (bounds_load.c), before and between a head and a tail, and on the length of one path
 * per network: the layers of a path choose their accelerators together, by dynamic programming,
 * all others alone. Any prices give a valid bound; multiplicative steps look for good ones, the
 * bound is then computed in whole numbers. docs/model.md M-101, M-102.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/bounds_route.h"

enum { STEPS_MIN = 300, STEPS_MAX = 3000, LENGTHS_MAX = 16 };
/* Of all steps together. */
static const uint64_t looks_triples = UINT64_C(500000000);
/* Above this many (edge, from, to) triples of all paths they are not looked at. */
static const uint64_t triples_max = UINT64_C(2000000);

/* Of the present prices: what a class pays outside the window [0] and inside [1]. */
struct payment {
    double pays[2];
};

/* Of the present prices: through a block from one accelerator to another. */
struct passage {
    double *cost;   /* [from * accelerators + to]: time and payments inside */
    uint32_t *key;  /* the same: the choice of kinds */
    uint32_t *ways; /* [layer * kinds + number of its kind]: the cheapest way there */
};

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

struct routes {
    struct bounds *bounds;
    const struct view *view;
    struct bounds_window window;
    struct bounds_routes found;
    size_t row_count;         /* of one window: kinds × resources; two windows, then the routes */
    double *fraction;         /* [way * resources + resource] of all accelerators of the kind */
    struct payment *paid;     /* [way] */
    double *cell;             /* [path position * accelerators + acc] */
    uint32_t *from, *way;     /* the same: accelerator before, way taken */
    struct passage *passages; /* [variant] of the route in hand */
    uint32_t passage_count;
    double *key_cost; /* [key] of the variant in hand */
};

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
        .row_count = (size_t)view->kind_count * BOUNDS_RESOURCE_COUNT,
        .fraction = mem_alloc(ways * BOUNDS_RESOURCE_COUNT, sizeof *r->fraction),
        .paid = mem_alloc(ways, sizeof *r->paid),
    };
    bounds_routes_find(&r->found, bounds, window);
    find_fractions(r);
    uint32_t longest = 0, variants = 0, keys = 1;
    for (size_t i = 0; i < r->found.count; i++) {
        longest = max_u32(longest, r->found.items[i].count);
        variants = max_u32(variants, r->found.items[i].variant_count);
    }
    for (size_t i = 0; i < r->found.blocks.count; i++)
        keys = max_u32(keys, r->found.blocks.items[i]->key_count);
    size_t cells = (size_t)longest * view->accelerator_count;
    r->cell = mem_alloc(cells, sizeof *r->cell);
    r->from = mem_alloc(cells, sizeof *r->from);
    r->way = mem_alloc(cells, sizeof *r->way);
    r->passages = mem_alloc((size_t)variants + 1, sizeof *r->passages);
    r->passage_count = variants;
    size_t ends = (size_t)view->accelerator_count * view->accelerator_count;
    for (uint32_t i = 0; i < variants; i++) {
        r->passages[i].cost = mem_alloc(ends, sizeof *r->passages[i].cost);
        r->passages[i].key = mem_alloc(ends, sizeof *r->passages[i].key);
        r->passages[i].ways = mem_alloc((size_t)BOUNDS_BLOCK_LAYERS_MAX * view->kind_count,
                                        sizeof *r->passages[i].ways);
    }
    r->key_cost = mem_alloc(keys, sizeof *r->key_cost);
}

static void routes_release(struct routes *r)
{
    for (uint32_t i = 0; i < r->passage_count; i++) {
        free(r->passages[i].cost);
        free(r->passages[i].key);
        free(r->passages[i].ways);
    }
    free(r->passages);
    free(r->key_cost);
    bounds_routes_release(&r->found);
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
            if (r->found.others[inside][class] == 0)
                continue;
            uint32_t cheapest = b->way_begin[class];
            for (uint32_t i = cheapest; i < b->way_begin[class + 1]; i++)
                if (r->paid[i].pays[inside] < r->paid[cheapest].pays[inside])
                    cheapest = i;
            value += r->paid[cheapest].pays[inside] * r->found.others[inside][class];
            add_use(r, cheapest, inside, r->found.others[inside][class], use);
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

/* What the layers of a block pay under every key. */
static void find_key_costs(struct routes *r, const struct bounds_variant *variant,
                           struct passage *passage)
{
    const struct bounds_block *block = variant->block;
    uint32_t keys = 1;
    r->key_cost[0] = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        double cost[BOUNDS_BLOCK_KINDS_MAX] = { 0 };
        for (uint32_t number = 0; number < block->kind_count[i]; number++)
            passage->ways[i * r->view->kind_count + number] =
                cheapest_on(r, block->classes[i], block->kinds[i][number], variant->inside >> i & 1,
                            0, &cost[number]);
        for (uint32_t number = block->kind_count[i]; number-- > 0;)
            for (uint32_t key = 0; key < keys; key++)
                r->key_cost[number * keys + key] = r->key_cost[key] + cost[number];
        keys *= block->kind_count[i];
    }
}

static void find_passage(struct routes *r, const struct bounds_variant *variant, double per_ps,
                         struct passage *passage)
{
    const struct bounds_block *block = variant->block;
    uint32_t accs = r->view->accelerator_count, keys = block->key_count;
    find_key_costs(r, variant, passage);
    for (uint32_t ends = 0; ends < (block->is_first ? accs : accs * accs); ends++) {
        const double *least_ps = block->least + (size_t)ends * keys;
        double best = INFINITY;
        for (uint32_t key = 0; key < keys; key++) {
            double cost = per_ps * least_ps[key] + r->key_cost[key];
            if (cost < best) {
                best = cost;
                passage->key[ends] = key;
            }
        }
        passage->cost[ends] = best;
    }
}

/* From an accelerator at the station before: the way there, and a block if there is one. */
static double step_cost(const struct routes *r, const struct bounds_step *step, uint32_t from,
                        uint32_t to, double per_ps)
{
    if (step->block)
        return r->passages[step->variant].cost[from * r->view->accelerator_count + to];
    return per_ps * (double)transfer_ps(r, step->size, from, to);
}

static void fill_cell(struct routes *r, const struct bounds_route *route, uint32_t at, uint32_t acc,
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
        before += step_cost(r, &route->steps[at], from, acc, per_ps);
        if (before < least) {
            least = before;
            r->from[here] = from;
        }
    }
    if (at == 0 && route->steps[0].block)
        least = step_cost(r, &route->steps[0], 0, acc, per_ps);
    r->cell[here] = least + cost;
}

/* Layers of a block that was passed; their time from end to end. */
static double add_block_use(const struct routes *r, const struct bounds_step *step,
                            const struct bounds_route *route, uint32_t ends, double *use)
{
    const struct bounds_variant *variant = &route->variants[step->variant];
    const struct passage *passage = &r->passages[step->variant];
    uint32_t key = passage->key[ends];
    for (uint32_t i = 0; i < step->block->count; i++) {
        uint32_t number = bounds_block_kind(step->block, key, i);
        add_use(r, passage->ways[i * r->view->kind_count + number], variant->inside >> i & 1,
                route->networks, use);
    }
    return (double)step->block->least_ps[(size_t)ends * step->block->key_count + key];
}

/* Time and use of getting to a station. */
static double add_step_use(const struct routes *r, const struct bounds_route *route, uint32_t at,
                           uint32_t from, uint32_t to, double *use)
{
    const struct bounds_step *step = &route->steps[at];
    if (step->block)
        return add_block_use(r, step, route, from * r->view->accelerator_count + to, use);
    return at > 0 ? (double)transfer_ps(r, step->size, from, to) : 0;
}

/* What the networks of a route pay; *length_ps of its path. */
static double pay_route(struct routes *r, const struct bounds_route *route, double share,
                        double *use, double *length_ps)
{
    uint32_t accs = r->view->accelerator_count, acc = 0;
    double per_ps = share / route->networks;
    for (uint32_t i = 0; i < route->variant_count; i++)
        find_passage(r, &route->variants[i], per_ps, &r->passages[i]);
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
        *length_ps += add_step_use(r, route, at, r->from[here], acc, use);
        acc = r->from[here];
    }
    return value * route->networks + share * (double)route->ends_ps;
}

static double value_of(struct routes *r, const double *share, double *use)
{
    size_t rows = 2 * r->row_count;
    double ends_ps = (double)(r->window.head_ps + r->window.tail_ps), value = 0;
    memset(use, 0, (rows + r->found.count) * sizeof *use);
    find_payments(r, share);
    value += pay_others(r, use);
    for (size_t i = 0; i < r->found.count; i++)
        value += pay_route(r, &r->found.items[i], share[rows + i], use, &use[rows + i]);
    for (size_t row = r->row_count; row < rows; row++) {
        value += share[row] * ends_ps;
        if (use[row] > 0)
            use[row] += ends_ps;
    }
    return value;
}

/* Multiplicative weights, as for priced loads (M-55). The best shares seen end in `best`. */
static void ascend(struct routes *r, int steps, double *best)
{
    size_t count = 2 * r->row_count + r->found.count;
    double *share = mem_alloc(count, sizeof *share), *use = mem_alloc(count, sizeof *use);
    double best_ps = -1;
    for (size_t at = 0; at < count; at++)
        share[at] = 1.0 / (double)count;
    for (int step = 0; step < steps; step++) {
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
            sum += least * r->found.others[inside][class];
        }
    return sum;
}

/* Of the passage through a block, from end to end; prices of its layers and of the time. */
static void price_passages(const struct routes *r, const struct prices *prices,
                           const struct bounds_variant *variant, uint64_t per_ps, bounds_u128 *out)
{
    const struct bounds_block *block = variant->block;
    uint32_t accs = r->view->accelerator_count;
    for (uint32_t ends = 0; ends < accs * accs; ends++)
        out[ends] = never;
    for (uint32_t key = 0; key < block->key_count; key++) {
        bounds_u128 layers = 0;
        for (uint32_t i = 0; i < block->count; i++)
            layers += least_price(r, prices, block->classes[i],
                                  block->kinds[i][bounds_block_kind(block, key, i)],
                                  variant->inside >> i & 1, 0);
        for (uint32_t ends = 0; ends < (block->is_first ? accs : accs * accs); ends++) {
            uint64_t least_ps = block->least_ps[(size_t)ends * block->key_count + key];
            bounds_u128 price = layers + (bounds_u128)per_ps * least_ps;
            if (least_ps != BOUNDS_BLOCK_NEVER && price < out[ends])
                out[ends] = price;
        }
    }
}

static bounds_u128 sum_of(bounds_u128 a, bounds_u128 b)
{
    return a == never || b == never ? never : a + b;
}

/* The least price up to an accelerator at a station, without the station's own. */
static bounds_u128 price_to(const struct routes *r, const struct bounds_step *step,
                            const bounds_u128 *before, const bounds_u128 *passage, uint32_t to,
                            uint64_t per_ps)
{
    uint32_t accs = r->view->accelerator_count;
    bounds_u128 least = never;
    for (uint32_t from = 0; from < accs; from++) {
        bounds_u128 way = step->block ? passage[from * accs + to]
                                      : (bounds_u128)per_ps * transfer_ps(r, step->size, from, to);
        bounds_u128 via = sum_of(before[from], way);
        least = via < least ? via : least;
    }
    return least;
}

static bounds_u128 price_of_route(const struct routes *r, const struct prices *prices,
                                  size_t number)
{
    const struct bounds_route *route = &r->found.items[number];
    uint32_t accs = r->view->accelerator_count;
    size_t ends = (size_t)accs * accs;
    uint64_t per_ps = prices->routes[number];
    bounds_u128 *now = mem_alloc(accs, sizeof *now), *next = mem_alloc(accs, sizeof *next);
    bounds_u128 *passages = mem_alloc(ends * route->variant_count + 1, sizeof *passages);
    bounds_u128 least = never;
    for (uint32_t i = 0; i < route->variant_count; i++)
        price_passages(r, prices, &route->variants[i], per_ps, passages + i * ends);
    for (uint32_t at = 0; at < route->count; at++) {
        const struct bounds_step *step = &route->steps[at];
        uint32_t layer = route->layers[at];
        const bounds_u128 *passage = passages + step->variant * ends;
        for (uint32_t acc = 0; acc < accs; acc++) {
            bounds_u128 price =
                least_price(r, prices, r->view->problem->class_of[layer], r->view->kind_of[acc],
                            bounds_is_inside(r->bounds, layer, r->window), per_ps);
            bounds_u128 before = at > 0        ? price_to(r, step, now, passage, acc, per_ps)
                                 : step->block ? passage[acc]
                                               : 0;
            next[acc] = sum_of(price, before);
        }
        memcpy(now, next, accs * sizeof *now);
    }
    for (uint32_t acc = 0; acc < accs; acc++)
        least = now[acc] < least ? now[acc] : least;
    free(now);
    free(next);
    free(passages);
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
    for (size_t i = 0; i < r->found.count; i++) {
        value += price_of_route(r, prices, i);
        income += (bounds_u128)prices->routes[i] * r->found.items[i].networks;
    }
    return income ? bounds_ceil_div(value, income) : 0;
}

static void round_prices(const struct routes *r, const double *share, struct prices *prices)
{
    const struct bounds *b = r->bounds;
    double most = 0, scale = (double)(UINT64_C(1) << BOUNDS_PRICE_BITS);
    for (size_t at = 0; at < 2 * r->row_count + r->found.count; at++)
        most = fmax(most, share[at]);
    for (size_t row = 0; row < 2 * r->row_count; row++) {
        size_t at = row % r->row_count;
        uint32_t kind = (uint32_t)(at / BOUNDS_RESOURCE_COUNT);
        double units = (double)b->capacity[at] * bounds_accelerators_of(b, kind);
        prices->rows[row] = units > 0 ? (uint64_t)(share[row] / most * scale / units) : 0;
    }
    for (size_t i = 0; i < r->found.count; i++)
        prices->routes[i] =
            (uint64_t)(share[2 * r->row_count + i] / most * scale / r->found.items[i].networks);
}

/* What one look at all paths costs. */
static uint64_t look_triples(const struct routes *r)
{
    uint64_t triples = 0, accs = r->view->accelerator_count;
    for (size_t i = 0; i < r->found.count; i++) {
        const struct bounds_route *route = &r->found.items[i];
        triples += route->count * accs * accs;
        for (uint32_t v = 0; v < route->variant_count; v++)
            triples += accs * accs * route->variants[v].block->key_count;
    }
    return triples;
}

/* Blocks make a path longer than the critical one (M-50): the path of each network alone. */
static void try_lengths(struct routes *r, struct prices *prices)
{
    memset(prices->rows, 0, 2 * r->row_count * sizeof *prices->rows);
    for (size_t i = 0; i < r->found.count; i++) {
        memset(prices->routes, 0, r->found.count * sizeof *prices->routes);
        prices->routes[i] = 1;
        bounds_offer(r->bounds, makespan_for(r, prices), "blocks");
    }
}

void bounds_try_routes(struct bounds *bounds, struct bounds_window window)
{
    struct routes r;
    routes_init(&r, bounds, window);
    uint64_t triples = look_triples(&r);
    if (triples <= triples_max) {
        double *share = mem_alloc(2 * r.row_count + r.found.count, sizeof *share);
        struct prices prices = { mem_alloc(2 * r.row_count, sizeof *prices.rows),
                                 mem_alloc(r.found.count, sizeof *prices.routes) };
        if (r.found.blocks.count && r.found.count <= LENGTHS_MAX)
            try_lengths(&r, &prices);
        ascend(&r, (int)min_u64(STEPS_MAX, looks_triples / (triples + 1) + STEPS_MIN), share);
        round_prices(&r, share, &prices);
        bounds_offer(bounds, makespan_for(&r, &prices),
                     r.found.blocks.count ? "loads and blocks" : "loads and routes");
        free(share);
        free(prices.rows);
        free(prices.routes);
    }
    routes_release(&r);
}
