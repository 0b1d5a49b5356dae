/*
 * A layer as the loops of a dataflow: which cycles and which traffic between scratchpad and array
 * follow. Inside cost/ only.
 */
#ifndef SOCWEAVE_COST_COST_NEST_H
#define SOCWEAVE_COST_COST_NEST_H

#include "core/dnn.h"
#include "core/soc.h"

enum cost_loop_level { COST_LOOP_OUTER, COST_LOOP_ROWS, COST_LOOP_COLS, COST_LOOP_INNER };

/* One loop: `total` iterations in `count` tiles, the last of which covers `edge`. */
struct cost_loop {
    unsigned roles; /* those of its roles that have an extent above 1; 0 if none has */
    enum cost_loop_level level;
    uint64_t total, tile, count, edge;
};

struct cost_nest {
    const struct dataflow_rule *rule;
    const struct layer_shape *shape;
    size_t loop_count;
    struct cost_loop loops[ROLE_COUNT]; /* outermost first */
    uint8_t loop_of[ROLE_COUNT];
    uint64_t cols;             /* PEs of a row */
    uint64_t array_rows;       /* of the whole accelerator */
    uint64_t inner_iterations; /* of one call */
    uint64_t overhead_cycles;  /* of one call */
    uint64_t replicas;         /* equal nests side by side, on one scratchpad */
    enum role split;           /* each on a part of this role's extent; ROLE_NONE if there is one */
};

/* PEs of a row under this rule, and rows of the whole array. */
uint64_t cost_rule_cols(const struct dataflow_rule *rule, const struct layer_shape *shape,
                        const struct soc_accelerator *acc);
/* Product of the extents that the rule unrolls over the rows. */
uint64_t cost_rule_row_extent(const struct dataflow_rule *rule, const struct layer_shape *shape);

/* The loops of a layer on `rows` rows. ERR_OVERFLOW if the extents' product exceeds 63 bits. */
enum err_code cost_nest_init(struct cost_nest *nest, const struct layer_shape *shape,
                             const struct dataflow_rule *rule, const struct soc_accelerator *acc,
                             uint64_t rows, struct err *err);

/*
 * The nest of one of `replicas` parts of the layer. `part` is the caller's room for the part's
 * shape: `extent` of the split role, everything else the layer's.
 */
enum err_code cost_nest_part(struct cost_nest *nest, const struct layer_shape *shape,
                             const struct dataflow_rule *rule, const struct soc_accelerator *acc,
                             uint64_t rows, enum role split, uint64_t replicas, uint64_t extent,
                             struct layer_shape *part, struct err *err);

/* The whole layer as its replicas go through it together: a step takes one of each. M-82 */
enum err_code cost_nest_together(struct cost_nest *nest, const struct layer_shape *shape,
                                 const struct dataflow_rule *rule,
                                 const struct soc_accelerator *acc, uint64_t rows,
                                 const struct cost_nest *part, struct err *err);

/* Does the operand change with this loop? */
bool cost_loop_couples(const struct cost_loop *loop, enum operand operand);

/* What one run of the nest takes. */
struct cost_run {
    uint64_t cycles;
    uint64_t elements[OPERAND_COUNT]; /* moved between scratchpad and array */
};

/* At `bytes_per_cycle` (0 = unlimited). ERR_OVERFLOW. */
enum err_code cost_nest_run(const struct cost_nest *nest, uint64_t bytes_per_cycle,
                            struct cost_run *out, struct err *err);

/* (outputs - 1) · min(stride, window) + window: inputs under a run of outputs along one axis. */
uint64_t cost_window(uint64_t outputs, uint64_t window, uint64_t stride);

#endif
