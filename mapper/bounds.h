/*
 * The parts of mapper_lower_bound(): paths, priced loads, loads with routes. Each offers what it
 * finds to one struct bounds, which keeps the largest. All are valid for every legal mapping of
 * either discipline, uncontended or contended, at the granularity they were made for.
 */
#ifndef SOCWEAVE_MAPPER_BOUNDS_H
#define SOCWEAVE_MAPPER_BOUNDS_H

#include "core/num.h"
#include "mapper/mapper.h"
#include "mapper/paths.h"
#include "mapper/view.h"

typedef unsigned __int128 bounds_u128;

/*
 * What an option takes of an accelerator, in whole units of its capacity: PEs, share slots,
 * scratchpad, and dual feasible functions of the PEs, which weigh layers by what can lie beside
 * them (docs/model.md M-53, M-100).
 */
enum bounds_resource {
    BOUNDS_PES,
    BOUNDS_SLOTS,
    BOUNDS_SCRATCHPAD,
    BOUNDS_WIDE,
    BOUNDS_WIDE_COUNT = 3,
    BOUNDS_BESIDE = BOUNDS_WIDE + BOUNDS_WIDE_COUNT,
    BOUNDS_BESIDE_COUNT = 16,
    BOUNDS_RESOURCE_COUNT = BOUNDS_BESIDE + BOUNDS_BESIDE_COUNT
};

/* One way to run a class: an option on a kind of accelerator. */
struct bounds_way {
    uint64_t duration_ps; /* that it holds its PEs, at least */
    uint32_t kind;
    uint32_t amount[BOUNDS_RESOURCE_COUNT];
};

struct bounds {
    const struct view *view;
    enum granularity granularity;
    struct paths paths;
    struct bounds_way *ways; /* of class c: ways[way_begin[c] … way_begin[c + 1]), by kind */
    uint32_t *way_begin;
    uint64_t *capacity;  /* [kind * BOUNDS_RESOURCE_COUNT + resource], of one accelerator */
    uint32_t *layers_of; /* [class]: how many */
    struct lower_bound best;
};

/* Finds the longest path, which is the first bound. */
void bounds_init(struct bounds *bounds, const struct view *view, enum granularity granularity);
void bounds_release(struct bounds *bounds);

static inline void bounds_offer(struct bounds *bounds, bounds_u128 makespan_ps, const char *name)
{
    if (makespan_ps > bounds->best.makespan_ps && makespan_ps <= NUM_MAX_SIZE)
        bounds->best = (struct lower_bound){ (uint64_t)makespan_ps, name };
}

static inline uint32_t bounds_accelerators_of(const struct bounds *bounds, uint32_t kind)
{
    return bounds->view->kind_begin[kind + 1] - bounds->view->kind_begin[kind];
}

static inline bounds_u128 bounds_ceil_div(bounds_u128 a, bounds_u128 b)
{
    return (a + b - 1) / b;
}

/* Layers with head and tail not below these run between them. */
struct bounds_window {
    uint64_t head_ps, tail_ps;
};

static inline bool bounds_is_inside(const struct bounds *bounds, uint32_t layer,
                                    struct bounds_window window)
{
    return bounds->paths.head_ps[layer] >= window.head_ps &&
           bounds->paths.tail_ps[layer] >= window.tail_ps;
}

/* Prices of resources found by ascent, scaled so that the dearest one earns 2^BOUNDS_PRICE_BITS. */
enum { BOUNDS_PRICE_BITS = 36 };

/* docs/model.md M-52 to M-55; *window: the one that suits the priced load best. */
void bounds_try_loads(struct bounds *bounds, struct bounds_window *window);
/* docs/model.md M-101, M-102; takes the window as a second row of every resource. */
void bounds_try_routes(struct bounds *bounds, struct bounds_window window);

/* docs/model.md M-103: of contended makespans alone, at both granularities. 0: no edge sends
 * anything. Routes of `flows × accelerators²`, each looked at up to 400 times, or 40 million in
 * all. */
uint64_t bounds_links_ps(const struct bounds *bounds);

/* docs/model.md M-104, at layer granularity: best_ps, or more where an exact search of at most
 * `nodes` nodes proves it of one network alone. About 8 us a node. */
uint64_t bounds_alone_ps(const struct problem *problem, uint64_t best_ps, uint64_t nodes,
                         const volatile sig_atomic_t *stop);

#endif
