/*
 * Blocks: what lies between two layers of a network, small enough to try every choice of
 * accelerators. For every choice of kinds a block has a least time from the end of the layer before
 * it to the start of the layer behind it: transfers of all edges, and layers on the same
 * accelerator share its PEs and slots (docs/model.md M-102).
 */
#ifndef SOCWEAVE_MAPPER_BOUNDS_BLOCK_H
#define SOCWEAVE_MAPPER_BOUNDS_BLOCK_H

#include "mapper/bounds.h"

enum { BOUNDS_BLOCK_LAYERS_MAX = 10, BOUNDS_BLOCK_KINDS_MAX = 64 };
#define BOUNDS_BLOCK_NEVER UINT64_MAX

/* The layers of a block are numbered in their network's order; BEFORE and BEHIND are its ends. */
enum { BOUNDS_BLOCK_BEFORE = 254, BOUNDS_BLOCK_BEHIND = 255 };

struct bounds_block_edge {
    uint8_t from, to;
    uint32_t size;
};

struct bounds_block {
    uint32_t count, edge_count;
    uint32_t classes[BOUNDS_BLOCK_LAYERS_MAX];
    struct bounds_block_edge *edges; /* ascending by `to` */
    bool is_first;                   /* there is no layer before it */

    /* Kinds that support the class of layer i: kinds[i][0 … kind_count[i]). A *key* has a kind for
     * every layer: the sum of stride[i] × number of the kind in kinds[i]. */
    uint32_t *kinds[BOUNDS_BLOCK_LAYERS_MAX];
    uint32_t kind_count[BOUNDS_BLOCK_LAYERS_MAX], stride[BOUNDS_BLOCK_LAYERS_MAX];
    uint32_t key_count;
    /* [(from * accelerators + to) * key_count + key]; BOUNDS_BLOCK_NEVER: a layer can't be there.
     * is_first: from is 0. */
    uint64_t *least_ps;
    double *least; /* the same, for quick looks; never: 1e30 */
};

/* All distinct ones of a problem. */
struct bounds_blocks {
    struct bounds_block **items;
    size_t count;
};

/* Few enough choices of accelerators for these layers? is_first: there is none before them. */
bool bounds_block_is_small(const struct bounds *bounds, const uint32_t *layers, uint32_t count,
                           bool is_first);
/* The block with these layers (ascending) between `before` (UINT32_MAX: none) and `behind`, made if
 * it is not there yet. It must be small. */
const struct bounds_block *bounds_block_of(struct bounds_blocks *blocks,
                                           const struct bounds *bounds, uint32_t before,
                                           const uint32_t *layers, uint32_t count, uint32_t behind);
void bounds_blocks_release(struct bounds_blocks *blocks);

static inline uint32_t bounds_block_kind(const struct bounds_block *block, uint32_t key,
                                         uint32_t layer)
{
    return key / block->stride[layer] % block->kind_count[layer];
}

#endif
