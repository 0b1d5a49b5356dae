/*
 * Upward ranks: how much work, in ps, still follows the start of a layer. O(layers + edges +
 * size classes × pair classes + accelerators²).
 */
#ifndef SOCWEAVE_MAPPER_RANK_H
#define SOCWEAVE_MAPPER_RANK_H

#include "mapper/view.h"

/* HEFT's: mean time over the accelerators that support a layer, mean transfer over all pairs of
 * different accelerators (docs/model.md M-57). rank[layer] of a predecessor is never below that of
 * its consumers. */
void rank_upward(const struct view *view, double *rank);

/* Layers by falling rank, then by number: a topological order. */
void rank_order(const struct view *view, const double *rank, uint32_t *order);

#endif
