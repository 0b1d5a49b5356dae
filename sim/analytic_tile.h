/*
 * Flows of packets at tile granularity, each on an idle path of its own: what the analytic
 * evaluator adds to a transfer time when layers run in double-buffered steps.
 */
#ifndef SOCWEAVE_SIM_ANALYTIC_TILE_H
#define SOCWEAVE_SIM_ANALYTIC_TILE_H

#include "core/problem.h"

/* ready_ps[k] = max(ready_ps[k], arrival of packet k) of an input of `bytes` in `tiles` packets
 * that all leave `from` at leave_ps. O(tiles · hops). */
void analytic_tile_input(const struct problem *problem, uint32_t from, uint32_t to, uint64_t bytes,
                         uint32_t tiles, uint64_t leave_ps, uint64_t *ready_ps);

/* End of a layer that is dispatched at start_ps. O(tiles · hops). */
uint64_t analytic_tile_end(const struct problem *problem, uint32_t accelerator,
                           const struct layer_option *option, uint64_t start_ps,
                           const uint64_t *ready_ps);

#endif
