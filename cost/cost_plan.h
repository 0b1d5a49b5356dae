/*
 * How a layer is cut into tiles that stream through the scratchpad. Inside cost/ only.
 */
#ifndef SOCWEAVE_COST_COST_PLAN_H
#define SOCWEAVE_COST_COST_PLAN_H

#include "cost/cost_nest.h"

#define COST_TILES_MAX    64 /* that an option reports; capacity may need more steps */
#define COST_TILES_WANTED 16 /* enough that fill and drain of a pipeline stay near 6 % */

/* Tiling and the traffic with memory that follows. */
struct cost_plan {
    uint32_t tiles; /* 1..COST_TILES_MAX */
    uint64_t scratchpad_bytes;
    uint64_t memory_read_bytes, memory_write_bytes;
};

/* Layers with MACs, M-07 and M-08. ERR_INFEASIBLE if no cut fits; the text says what would. */
enum err_code cost_plan_nest(const struct cost_nest *nest, uint64_t scratchpad_bytes,
                             struct cost_plan *out, struct err *err);

/* Layers without MACs, M-12. */
enum err_code cost_plan_stream(const struct layer_shape *shape, uint64_t elements,
                               uint64_t scratchpad_bytes, struct cost_plan *out, struct err *err);

#endif
