/*
 * Paths through networks for the bound from loads and routes: stations, which choose their
 * accelerators together, and between two of them an edge, or a block: all that lies between them
 * (docs/model.md M-101, M-102).
 */
#ifndef SOCWEAVE_MAPPER_BOUNDS_ROUTE_H
#define SOCWEAVE_MAPPER_BOUNDS_ROUTE_H

#include "mapper/bounds_block.h"

/* How a path gets to a station from the one before. */
struct bounds_step {
    uint32_t size;                    /* class of the edge, where there is no block */
    const struct bounds_block *block; /* NULL: an edge */
    uint32_t variant;                 /* of the block; see below */
};

/* A block with its layers outside and inside the window: what its layers pay depends on both. */
struct bounds_variant {
    const struct bounds_block *block;
    uint32_t inside; /* bit i: the block's layer i */
};

/* A path through one network, and through those equal to it. */
struct bounds_route {
    uint32_t *layers;          /* stations */
    struct bounds_step *steps; /* to each station; of the first: a block or nothing */
    uint32_t count, networks;
    struct bounds_variant *variants;
    uint32_t variant_count;
    uint64_t ends_ps; /* head of the first and tail of the last layer */
};

struct bounds_routes {
    struct bounds_route *items;
    size_t count;
    uint32_t *others[2]; /* [class]: layers on no path, outside and inside the window */
    struct bounds_blocks blocks;
};

/* One path per network, the longest by fastest options, and how often each class is on none. */
void bounds_routes_find(struct bounds_routes *routes, const struct bounds *bounds,
                        struct bounds_window window);
void bounds_routes_release(struct bounds_routes *routes);

#endif
