/*
 * Lower bounds of the makespan of any legal mapping: the longest path (paths.h), and priced loads.
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
#include "mapper/mapper.h"
#include "mapper/paths.h"
#include "mapper/view.h"

typedef unsigned __int128 u128;

/* What an option takes of a kind, in whole units of its capacity. The wide ones are dual feasible
 * functions of PEs: with threshold e = PEs / parts, more than PEs − e counts as all, fewer than e
 * as none (Fekete, Schepers, 2001; docs/model.md M-53). */
enum resource { RESOURCE_PES, RESOURCE_SLOTS, RESOURCE_SCRATCHPAD, RESOURCE_WIDE, WIDE_COUNT = 3 };
enum { RESOURCE_COUNT = RESOURCE_WIDE + WIDE_COUNT };
static const uint64_t wide_parts[WIDE_COUNT] = { 2, 3, 4 };

enum {
    SCRATCHPAD_BITS = 24, /* capacity is cut to so many, amounts with it, so that sums fit 128 */
    PRICE_BITS = 36,      /* price × capacity */
    SETS_MAX = 64,        /* sets of kinds tried with equal prices */
    ASCENT_STEPS = 300,
    THRESHOLDS_MAX = 64
};

/* One way to run a class: an option on a kind. */
struct way {
    uint64_t duration_ps;
    uint32_t kind;
    uint32_t amount[RESOURCE_COUNT];
};

struct loads {
    const struct view *view;
    const struct paths *paths;
    struct way *ways; /* of class c: ways[way_begin[c] …) */
    uint32_t *way_begin;
    uint64_t *capacity;  /* [kind * RESOURCE_COUNT + resource], of one accelerator */
    uint32_t *layers_of; /* [class]: how many */
    uint64_t *price;     /* like capacity */
    u128 *cost;          /* [class] under these prices */
    uint32_t *by_head;   /* layers, latest head first */
    uint64_t tails_ps[THRESHOLDS_MAX];
    size_t tail_count;
    struct lower_bound best;
};

static unsigned scratchpad_shift(uint64_t capacity_bytes)
{
    unsigned shift = 0;
    while (capacity_bytes >> shift >> SCRATCHPAD_BITS)
        shift++;
    return shift;
}

static uint64_t capacity_of(const struct view_capacity *capacity, int resource)
{
    switch (resource) {
    case RESOURCE_SLOTS:
        return capacity->share;
    case RESOURCE_SCRATCHPAD:
        return capacity->scratchpad_bytes >> scratchpad_shift(capacity->scratchpad_bytes);
    default:
        return capacity->pes;
    }
}

static uint64_t wide_amount(uint64_t pes, uint64_t capacity, uint64_t parts)
{
    /* pes > capacity - capacity / parts, in whole numbers */
    if (pes * parts > capacity * (parts - 1))
        return capacity;
    return pes * parts < capacity ? 0 : pes;
}

static uint32_t amount_of(const struct layer_option *option, const struct view_capacity *capacity,
                          int resource)
{
    switch (resource) {
    case RESOURCE_PES:
        return option->pes;
    case RESOURCE_SLOTS:
        return 1;
    case RESOURCE_SCRATCHPAD:
        return (uint32_t)(option->scratchpad_bytes >> scratchpad_shift(capacity->scratchpad_bytes));
    default:
        return (uint32_t)wide_amount(option->pes, capacity->pes,
                                     wide_parts[resource - RESOURCE_WIDE]);
    }
}

/* --- set-up -------------------------------------------------------------------------------- */

static uint32_t list_ways(const struct view *view, enum granularity granularity, uint32_t class,
                          struct way *out)
{
    const struct problem *p = view->problem;
    uint32_t layer = p->class_layer[class], count = 0;
    for (uint32_t kind = 0; kind < view->kind_count; kind++) {
        uint32_t acc = view->kind_accs[view->kind_begin[kind]];
        size_t options = problem_option_count(p, layer, acc);
        for (uint32_t i = 0; i < options; i++, count++) {
            if (!out)
                continue;
            const struct layer_option *option = problem_option(p, layer, acc, i);
            out[count].kind = kind;
            out[count].duration_ps = paths_option_ps(option, granularity);
            for (int resource = 0; resource < RESOURCE_COUNT; resource++)
                out[count].amount[resource] = amount_of(option, &view->capacity[kind], resource);
        }
    }
    return count;
}

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
        keyed[layer] = (struct keyed){ loads->paths->tail_ps[layer], layer };
    qsort(keyed, layers, sizeof *keyed, compare_falling);
    loads->tails_ps[loads->tail_count++] = 0;
    for (uint64_t i = 0; i + 1 < THRESHOLDS_MAX; i++) {
        uint64_t tail_ps = keyed[i * layers / (THRESHOLDS_MAX - 1)].key;
        if (tail_ps > 0 && (i == 0 || tail_ps != loads->tails_ps[loads->tail_count - 1]))
            loads->tails_ps[loads->tail_count++] = tail_ps;
    }
    for (uint32_t layer = 0; layer < layers; layer++)
        keyed[layer] = (struct keyed){ loads->paths->head_ps[layer], layer };
    qsort(keyed, layers, sizeof *keyed, compare_falling);
    for (uint32_t i = 0; i < layers; i++)
        loads->by_head[i] = keyed[i].layer;
    free(keyed);
}

static void loads_init(struct loads *loads, const struct view *view, const struct paths *paths,
                       enum granularity granularity)
{
    size_t prices = (size_t)view->kind_count * RESOURCE_COUNT;
    *loads = (struct loads){
        .view = view,
        .paths = paths,
        .way_begin = mem_alloc(view->class_count + 1, sizeof *loads->way_begin),
        .capacity = mem_alloc(prices, sizeof *loads->capacity),
        .layers_of = mem_alloc(view->class_count, sizeof *loads->layers_of),
        .price = mem_alloc(prices, sizeof *loads->price),
        .cost = mem_alloc(view->class_count, sizeof *loads->cost),
        .by_head = mem_alloc(view->layer_count, sizeof *loads->by_head),
        .best = { paths->longest_ps, "critical path" },
    };
    for (uint32_t class = 0; class < view->class_count; class ++)
        loads->way_begin[class + 1] =
            loads->way_begin[class] + list_ways(view, granularity, class, NULL);
    loads->ways = mem_alloc(loads->way_begin[view->class_count], sizeof *loads->ways);
    for (uint32_t class = 0; class < view->class_count; class ++)
        list_ways(view, granularity, class, loads->ways + loads->way_begin[class]);
    for (uint32_t kind = 0; kind < view->kind_count; kind++)
        for (int resource = 0; resource < RESOURCE_COUNT; resource++)
            loads->capacity[kind * RESOURCE_COUNT + resource] =
                capacity_of(&view->capacity[kind], resource);
    for (uint32_t layer = 0; layer < view->layer_count; layer++)
        loads->layers_of[view->problem->class_of[layer]]++;
    sort_layers(loads);
}

static void loads_release(struct loads *loads)
{
    free(loads->ways);
    free(loads->way_begin);
    free(loads->capacity);
    free(loads->layers_of);
    free(loads->price);
    free(loads->cost);
    free(loads->by_head);
}

/* --- a bound from prices ------------------------------------------------------------------- */

static u128 income_of(const struct loads *loads)
{
    u128 income = 0;
    for (uint32_t kind = 0; kind < loads->view->kind_count; kind++) {
        uint32_t accs = loads->view->kind_begin[kind + 1] - loads->view->kind_begin[kind];
        for (int resource = 0; resource < RESOURCE_COUNT; resource++) {
            size_t at = (size_t)kind * RESOURCE_COUNT + resource;
            income += (u128)loads->price[at] * loads->capacity[at] * accs;
        }
    }
    return income;
}

static u128 way_cost(const struct loads *loads, const struct way *way)
{
    const uint64_t *price = loads->price + (size_t)way->kind * RESOURCE_COUNT;
    uint64_t per_ps = 0;
    for (int resource = 0; resource < RESOURCE_COUNT; resource++)
        per_ps += price[resource] * way->amount[resource];
    return (u128)per_ps * way->duration_ps;
}

static void find_costs(struct loads *loads)
{
    for (uint32_t class = 0; class < loads->view->class_count; class ++) {
        u128 least = way_cost(loads, &loads->ways[loads->way_begin[class]]);
        for (uint32_t i = loads->way_begin[class] + 1; i < loads->way_begin[class + 1]; i++) {
            u128 cost = way_cost(loads, &loads->ways[i]);
            least = cost < least ? cost : least;
        }
        loads->cost[class] = least;
    }
}

static void keep(struct loads *loads, u128 makespan_ps, const char *name)
{
    if (makespan_ps > loads->best.makespan_ps && makespan_ps <= NUM_MAX_SIZE)
        loads->best = (struct lower_bound){ (uint64_t)makespan_ps, name };
}

static u128 ceil_div_u128(u128 a, u128 b)
{
    return (a + b - 1) / b;
}

/* The load of layers with head and tail at or above the thresholds, exactly. */
static u128 window_bound(const struct loads *loads, u128 income, uint64_t head_ps, uint64_t tail_ps)
{
    u128 sum = 0;
    for (uint32_t layer = 0; layer < loads->view->layer_count; layer++)
        if (loads->paths->head_ps[layer] >= head_ps && loads->paths->tail_ps[layer] >= tail_ps)
            sum += loads->cost[loads->view->problem->class_of[layer]];
    return sum ? head_ps + ceil_div_u128(sum, income) + tail_ps : 0;
}

/* Scans all windows in floating point, then takes the best one exactly (M-54). */
static void try_windows(struct loads *loads, u128 income, const char *name)
{
    const struct problem *p = loads->view->problem;
    double best = 0, rate = 1 / (double)income;
    uint64_t best_head_ps = 0, best_tail_ps = 0;
    for (size_t t = 0; t < loads->tail_count; t++) {
        uint64_t tail_ps = loads->tails_ps[t];
        double sum = 0;
        for (uint32_t i = 0; i < loads->view->layer_count; i++) {
            uint32_t layer = loads->by_head[i];
            if (loads->paths->tail_ps[layer] < tail_ps)
                continue;
            sum += (double)loads->cost[p->class_of[layer]];
            uint64_t head_ps = loads->paths->head_ps[layer];
            double bound = sum * rate + (double)head_ps + (double)tail_ps;
            if (bound > best) {
                best = bound;
                best_head_ps = head_ps;
                best_tail_ps = tail_ps;
            }
        }
    }
    keep(loads, window_bound(loads, income, best_head_ps, best_tail_ps), name);
}

static void try_prices(struct loads *loads, const char *name, const char *windowed_name)
{
    u128 income = income_of(loads);
    if (income == 0)
        return;
    find_costs(loads);
    keep(loads, window_bound(loads, income, 0, 0), name);
    try_windows(loads, income, windowed_name);
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
    for (uint32_t i = loads->way_begin[class]; i < loads->way_begin[class + 1]; i++)
        bits |= kind_bit(loads->ways[i].kind);
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

/* clang-format off */
static const struct {
    const char *name, *windowed;
} resource_names[RESOURCE_COUNT] = {
    { "PE area", "PE area between head and tail" },
    { "share slots", "share slots between head and tail" },
    { "scratchpad", "scratchpad between head and tail" },
    { "wide layers", "wide layers between head and tail" },
    { "wide layers", "wide layers between head and tail" },
    { "wide layers", "wide layers between head and tail" },
};
/* clang-format on */

static void try_sets(struct loads *loads)
{
    struct kind_set sets[SETS_MAX];
    size_t count = list_sets(loads, sets);
    for (size_t set = 0; set < count; set++)
        for (int resource = 0; resource < RESOURCE_COUNT; resource++) {
            memset(loads->price, 0,
                   (size_t)loads->view->kind_count * RESOURCE_COUNT * sizeof *loads->price);
            for (uint32_t kind = 0; kind < loads->view->kind_count; kind++)
                if (sets[set].bits & kind_bit(kind))
                    loads->price[(size_t)kind * RESOURCE_COUNT + resource] = 1;
            try_prices(loads, resource_names[resource].name, resource_names[resource].windowed);
        }
}

/* --- prices: ascent on the dual ------------------------------------------------------------ */

/* Fractions of all capacity earned, per (kind, resource), when every class takes its cheapest way
 * under the shares; returns the load, a bound in ps. */
static double use_of(const struct loads *loads, const double *share, double *use)
{
    const struct view *view = loads->view;
    double load_ps = 0;
    memset(use, 0, (size_t)view->kind_count * RESOURCE_COUNT * sizeof *use);
    for (uint32_t class = 0; class < view->class_count; class ++) {
        const struct way *cheapest = NULL;
        double least = INFINITY;
        for (uint32_t i = loads->way_begin[class]; i < loads->way_begin[class + 1]; i++) {
            const struct way *way = &loads->ways[i];
            size_t at = (size_t)way->kind * RESOURCE_COUNT;
            uint32_t accs = view->kind_begin[way->kind + 1] - view->kind_begin[way->kind];
            double cost = 0;
            for (int resource = 0; resource < RESOURCE_COUNT; resource++)
                if (loads->capacity[at + resource])
                    cost += share[at + resource] * way->amount[resource] /
                            ((double)loads->capacity[at + resource] * accs);
            cost *= (double)way->duration_ps;
            if (cost < least) {
                least = cost;
                cheapest = way;
            }
        }
        load_ps += least * loads->layers_of[class];
        size_t at = (size_t)cheapest->kind * RESOURCE_COUNT;
        uint32_t accs = view->kind_begin[cheapest->kind + 1] - view->kind_begin[cheapest->kind];
        for (int resource = 0; resource < RESOURCE_COUNT; resource++)
            if (loads->capacity[at + resource])
                use[at + resource] += (double)cheapest->duration_ps * loads->layers_of[class] *
                                      cheapest->amount[resource] /
                                      ((double)loads->capacity[at + resource] * accs);
    }
    return load_ps;
}

/* Multiplicative weights: what is overused gets dearer. The best shares seen end in `best`. */
static void ascend(const struct loads *loads, double *best)
{
    size_t prices = (size_t)loads->view->kind_count * RESOURCE_COUNT;
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

static void try_ascent(struct loads *loads)
{
    const struct view *view = loads->view;
    size_t prices = (size_t)view->kind_count * RESOURCE_COUNT;
    double *share = mem_alloc(prices, sizeof *share), most = 0;
    ascend(loads, share);
    /* A share is of all accelerators of a kind; a price is of one unit of one of them. */
    for (size_t at = 0; at < prices; at++) {
        uint32_t kind = (uint32_t)(at / RESOURCE_COUNT);
        share[at] /= view->kind_begin[kind + 1] - view->kind_begin[kind];
        most = share[at] > most ? share[at] : most;
    }
    for (size_t at = 0; at < prices; at++)
        loads->price[at] = loads->capacity[at]
                               ? (uint64_t)(share[at] / most * (double)(UINT64_C(1) << PRICE_BITS) /
                                            (double)loads->capacity[at])
                               : 0;
    try_prices(loads, "priced load", "priced load between head and tail");
    free(share);
}

struct lower_bound mapper_lower_bound(const struct problem *problem, enum granularity granularity)
{
    struct view view;
    struct paths paths;
    struct loads loads;
    view_init(&view, problem);
    paths_init(&paths, &view, granularity);
    loads_init(&loads, &view, &paths, granularity);
    try_sets(&loads);
    try_ascent(&loads);
    struct lower_bound best = loads.best;
    loads_release(&loads);
    paths_release(&paths);
    view_release(&view);
    return best;
}
