/*
 * Priced loads: a lower bound of the makespan of any legal mapping.
 *
 * A priced load puts a price on every resource of every kind of accelerator. A layer pays at least
 * duration × price × amount on the cheapest kind with the cheapest option; all kinds together earn
 * at most makespan × price × capacity. Any prices give a valid bound, so it does not matter how
 * they were found: all are tried that make one set of kinds equal and the rest free, then the best
 * is improved by multiplicative steps towards the linear programme's dual. The same with only those
 * layers whose head and tail exceed thresholds. Arithmetic is exact. docs/model.md M-52 to M-55.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/bounds.h"

enum {
    SETS_MAX = 64, /* sets of kinds tried with equal prices */
    ASCENT_STEPS = 300,
    THRESHOLDS_MAX = 64
};

struct loads {
    struct bounds *bounds;
    const struct view *view;
    uint64_t *price;   /* [kind * BOUNDS_RESOURCE_COUNT + resource] */
    bounds_u128 *cost; /* [class] under these prices */
    uint32_t *by_head; /* layers, latest head first */
    uint64_t tails_ps[THRESHOLDS_MAX];
    size_t tail_count;
};

/* --- set-up -------------------------------------------------------------------------------- */

struct keyed {
    uint64_t key;
    uint32_t layer;
};

static int compare_falling(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    return x->layer < y->layer ? -1 : x->layer > y->layer;
}

/* Layers by head, and quantiles of the tails as thresholds; 0 is always one of them. */
static void sort_layers(struct loads *loads)
{
    uint32_t layers = loads->view->layer_count;
    struct keyed *keyed = mem_alloc(layers, sizeof *keyed);
    for (uint32_t layer = 0; layer < layers; layer++)
        keyed[layer] = (struct keyed){ loads->bounds->paths.tail_ps[layer], layer };
    qsort(keyed, layers, sizeof *keyed, compare_falling);
    loads->tails_ps[loads->tail_count++] = 0;
    for (uint64_t i = 0; i + 1 < THRESHOLDS_MAX; i++) {
        uint64_t tail_ps = keyed[i * layers / (THRESHOLDS_MAX - 1)].key;
        if (tail_ps > 0 && (i == 0 || tail_ps != loads->tails_ps[loads->tail_count - 1]))
            loads->tails_ps[loads->tail_count++] = tail_ps;
    }
    for (uint32_t layer = 0; layer < layers; layer++)
        keyed[layer] = (struct keyed){ loads->bounds->paths.head_ps[layer], layer };
    qsort(keyed, layers, sizeof *keyed, compare_falling);
    for (uint32_t i = 0; i < layers; i++)
        loads->by_head[i] = keyed[i].layer;
    free(keyed);
}

static void loads_init(struct loads *loads, struct bounds *bounds)
{
    const struct view *view = bounds->view;
    *loads = (struct loads){
        .bounds = bounds,
        .view = view,
        .price = mem_alloc((size_t)view->kind_count * BOUNDS_RESOURCE_COUNT, sizeof *loads->price),
        .cost = mem_alloc(view->class_count, sizeof *loads->cost),
        .by_head = mem_alloc(view->layer_count, sizeof *loads->by_head),
    };
    sort_layers(loads);
}

static void loads_release(struct loads *loads)
{
    free(loads->price);
    free(loads->cost);
    free(loads->by_head);
}

/* --- a bound from prices ------------------------------------------------------------------- */

static bounds_u128 income_of(const struct loads *loads)
{
    bounds_u128 income = 0;
    for (uint32_t kind = 0; kind < loads->view->kind_count; kind++) {
        uint32_t accs = bounds_accelerators_of(loads->bounds, kind);
        for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++) {
            size_t at = (size_t)kind * BOUNDS_RESOURCE_COUNT + resource;
            income += (bounds_u128)loads->price[at] * loads->bounds->capacity[at] * accs;
        }
    }
    return income;
}

static bounds_u128 way_cost(const struct loads *loads, const struct bounds_way *way)
{
    const uint64_t *price = loads->price + (size_t)way->kind * BOUNDS_RESOURCE_COUNT;
    uint64_t per_ps = 0;
    for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++)
        per_ps += price[resource] * way->amount[resource];
    return (bounds_u128)per_ps * way->duration_ps;
}

static void find_costs(struct loads *loads)
{
    for (uint32_t class = 0; class < loads->view->class_count; class ++) {
        bounds_u128 least = way_cost(loads, &loads->bounds->ways[loads->bounds->way_begin[class]]);
        for (uint32_t i = loads->bounds->way_begin[class] + 1;
             i < loads->bounds->way_begin[class + 1]; i++) {
            bounds_u128 cost = way_cost(loads, &loads->bounds->ways[i]);
            least = cost < least ? cost : least;
        }
        loads->cost[class] = least;
    }
}

/* The load of layers with head and tail at or above the thresholds, exactly. */
static bounds_u128 window_bound(const struct loads *loads, bounds_u128 income,
                                struct bounds_window window)
{
    bounds_u128 sum = 0;
    for (uint32_t layer = 0; layer < loads->view->layer_count; layer++)
        if (bounds_is_inside(loads->bounds, layer, window))
            sum += loads->cost[loads->view->problem->class_of[layer]];
    return sum ? window.head_ps + bounds_ceil_div(sum, income) + window.tail_ps : 0;
}

/* Scans all windows in floating point for the best one (M-54). */
static struct bounds_window best_window(const struct loads *loads, bounds_u128 income)
{
    const struct problem *p = loads->view->problem;
    const struct paths *paths = &loads->bounds->paths;
    struct bounds_window found = { 0, 0 };
    double best = 0, rate = 1 / (double)income;
    for (size_t t = 0; t < loads->tail_count; t++) {
        uint64_t tail_ps = loads->tails_ps[t];
        double sum = 0;
        for (uint32_t i = 0; i < loads->view->layer_count; i++) {
            uint32_t layer = loads->by_head[i];
            if (paths->tail_ps[layer] < tail_ps)
                continue;
            sum += (double)loads->cost[p->class_of[layer]];
            double bound = sum * rate + (double)(paths->head_ps[layer] + tail_ps);
            if (bound > best) {
                best = bound;
                found = (struct bounds_window){ paths->head_ps[layer], tail_ps };
            }
        }
    }
    return found;
}

static struct bounds_window try_prices(struct loads *loads, const char *name,
                                       const char *windowed_name)
{
    const struct bounds_window whole = { 0, 0 };
    bounds_u128 income = income_of(loads);
    if (income == 0)
        return whole;
    find_costs(loads);
    bounds_offer(loads->bounds, window_bound(loads, income, whole), name);
    struct bounds_window window = best_window(loads, income);
    bounds_offer(loads->bounds, window_bound(loads, income, window), windowed_name);
    return window;
}

/* --- prices: one resource, equal over a set of kinds --------------------------------------- */

struct kind_set {
    uint64_t bits; /* kinds beyond 63 are in every set */
};

static uint64_t kind_bit(uint32_t kind)
{
    return UINT64_C(1) << (kind < 63 ? kind : 63);
}

static uint64_t class_kinds(const struct loads *loads, uint32_t class)
{
    uint64_t bits = 0;
    for (uint32_t i = loads->bounds->way_begin[class]; i < loads->bounds->way_begin[class + 1]; i++)
        bits |= kind_bit(loads->bounds->ways[i].kind);
    return bits;
}

static size_t add_set(struct kind_set *sets, size_t count, uint64_t bits)
{
    for (size_t i = 0; i < count; i++)
        if (sets[i].bits == bits)
            return count;
    if (count < SETS_MAX)
        sets[count++].bits = bits;
    return count;
}

/* Kinds that some class is bound to, their unions, and all kinds. */
static size_t list_sets(const struct loads *loads, struct kind_set *sets)
{
    size_t count = add_set(sets, 0, UINT64_MAX);
    for (uint32_t class = 0; class < loads->view->class_count; class ++)
        count = add_set(sets, count, class_kinds(loads, class));
    for (size_t a = 1; a < count; a++)
        for (size_t b = 1; b < a; b++)
            count = add_set(sets, count, sets[a].bits | sets[b].bits);
    return count;
}

static const struct name {
    const char *whole, *windowed;
} names[] = {
    [BOUNDS_PES] = { "PE area", "PE area between head and tail" },
    [BOUNDS_SLOTS] = { "share slots", "share slots between head and tail" },
    [BOUNDS_SCRATCHPAD] = { "scratchpad", "scratchpad between head and tail" },
    [BOUNDS_WIDE] = { "wide layers", "wide layers between head and tail" },
    [BOUNDS_BESIDE] = { "layers side by side", "layers side by side between head and tail" },
};

static const struct name *name_of(int resource)
{
    if (resource >= BOUNDS_BESIDE)
        return &names[BOUNDS_BESIDE];
    return &names[resource < BOUNDS_WIDE ? resource : BOUNDS_WIDE];
}

static void try_sets(struct loads *loads)
{
    struct kind_set sets[SETS_MAX];
    size_t count = list_sets(loads, sets);
    for (size_t set = 0; set < count; set++)
        for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++) {
            memset(loads->price, 0,
                   (size_t)loads->view->kind_count * BOUNDS_RESOURCE_COUNT * sizeof *loads->price);
            for (uint32_t kind = 0; kind < loads->view->kind_count; kind++)
                if (sets[set].bits & kind_bit(kind))
                    loads->price[(size_t)kind * BOUNDS_RESOURCE_COUNT + resource] = 1;
            try_prices(loads, name_of(resource)->whole, name_of(resource)->windowed);
        }
}

/* --- prices: ascent on the dual ------------------------------------------------------------ */

/* Fractions of all capacity earned, per (kind, resource), when every class takes its cheapest way
 * under the shares; returns the load, a bound in ps. */
static double use_of(const struct loads *loads, const double *share, double *use)
{
    const struct view *view = loads->view;
    double load_ps = 0;
    memset(use, 0, (size_t)view->kind_count * BOUNDS_RESOURCE_COUNT * sizeof *use);
    for (uint32_t class = 0; class < view->class_count; class ++) {
        const struct bounds_way *cheapest = NULL;
        double least = INFINITY;
        for (uint32_t i = loads->bounds->way_begin[class]; i < loads->bounds->way_begin[class + 1];
             i++) {
            const struct bounds_way *way = &loads->bounds->ways[i];
            size_t at = (size_t)way->kind * BOUNDS_RESOURCE_COUNT;
            uint32_t accs = bounds_accelerators_of(loads->bounds, way->kind);
            double cost = 0;
            for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++)
                if (loads->bounds->capacity[at + resource])
                    cost += share[at + resource] * way->amount[resource] /
                            ((double)loads->bounds->capacity[at + resource] * accs);
            cost *= (double)way->duration_ps;
            if (cost < least) {
                least = cost;
                cheapest = way;
            }
        }
        load_ps += least * loads->bounds->layers_of[class];
        size_t at = (size_t)cheapest->kind * BOUNDS_RESOURCE_COUNT;
        uint32_t accs = view->kind_begin[cheapest->kind + 1] - view->kind_begin[cheapest->kind];
        for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++)
            if (loads->bounds->capacity[at + resource])
                use[at + resource] += (double)cheapest->duration_ps *
                                      loads->bounds->layers_of[class] * cheapest->amount[resource] /
                                      ((double)loads->bounds->capacity[at + resource] * accs);
    }
    return load_ps;
}

/* Multiplicative weights: what is overused gets dearer. The best shares seen end in `best`. */
static void ascend(const struct loads *loads, double *best)
{
    size_t prices = (size_t)loads->view->kind_count * BOUNDS_RESOURCE_COUNT;
    double *share = mem_alloc(prices, sizeof *share), *use = mem_alloc(prices, sizeof *use);
    double best_ps = -1;
    for (size_t at = 0; at < prices; at++)
        share[at] = 1.0 / (double)prices;
    for (int step = 0; step < ASCENT_STEPS; step++) {
        double load_ps = use_of(loads, share, use), most = 0, sum = 0;
        if (load_ps > best_ps) {
            best_ps = load_ps;
            memcpy(best, share, prices * sizeof *best);
        }
        for (size_t at = 0; at < prices; at++)
            most = use[at] > most ? use[at] : most;
        for (size_t at = 0; at < prices; at++) {
            share[at] *= exp(use[at] / most / sqrt(1 + step / 4.0));
            sum += share[at];
        }
        for (size_t at = 0; at < prices; at++)
            share[at] /= sum;
    }
    free(share);
    free(use);
}

static struct bounds_window try_ascent(struct loads *loads)
{
    const struct view *view = loads->view;
    size_t prices = (size_t)view->kind_count * BOUNDS_RESOURCE_COUNT;
    double *share = mem_alloc(prices, sizeof *share), most = 0;
    ascend(loads, share);
    /* A share is of all accelerators of a kind; a price is of one unit of one of them. */
    for (size_t at = 0; at < prices; at++) {
        uint32_t kind = (uint32_t)(at / BOUNDS_RESOURCE_COUNT);
        share[at] /= view->kind_begin[kind + 1] - view->kind_begin[kind];
        most = share[at] > most ? share[at] : most;
    }
    for (size_t at = 0; at < prices; at++)
        loads->price[at] =
            loads->bounds->capacity[at]
                ? (uint64_t)(share[at] / most * (double)(UINT64_C(1) << BOUNDS_PRICE_BITS) /
                             (double)loads->bounds->capacity[at])
                : 0;
    free(share);
    return try_prices(loads, "priced load", "priced load between head and tail");
}

void bounds_try_loads(struct bounds *bounds, struct bounds_window *window)
{
    struct loads loads;
    loads_init(&loads, bounds);
    try_sets(&loads);
    *window = try_ascent(&loads);
    loads_release(&loads);
}
