/*
 * What one layer costs on one accelerator with one allotment of PEs, and the table of all of them.
 * Equations M-01 to M-19 of docs/model.md; dataflows are data (core/dataflow.h).
 */
#ifndef SOCWEAVE_COST_COST_H
#define SOCWEAVE_COST_COST_H

#include "core/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Rows of the array that the layer fills (allotments are whole rows): COMB's "PEs used" / cols.
 * 0 where the dataflow has no rule for the layer's kind, or the accelerator does not support it.
 */
uint32_t cost_natural_rows(const struct layer_shape *shape, const struct soc_accelerator *acc);

/* PEs of one such row, and the extent that is folded over the rows; 0 as above. */
uint32_t cost_row_pes(const struct layer_shape *shape, const struct soc_accelerator *acc);
uint64_t cost_row_extent(const struct layer_shape *shape, const struct soc_accelerator *acc);

/* The natural allotment in PEs: natural rows for layers with MACs, the vector lanes (at most all
 * PEs) for the others. 0 where the accelerator cannot run the layer. */
uint32_t cost_natural_pes(const struct layer_shape *shape, const struct soc_accelerator *acc);

/*
 * Cost with an allotment of `pes` PEs (at least one row). Everything of struct layer_option but
 * the memory times, which need the SoC. ERR_INFEASIBLE if unsupported or if the smallest tile
 * exceeds the scratchpad; ERR_OVERFLOW.
 */
enum err_code cost_layer(const struct layer_shape *shape, const struct soc_accelerator *acc,
                         const struct soc_energy *energy, uint32_t pes, struct layer_option *out,
                         struct err *err);

/* Cycles at the accelerator's clock, rounded up; at least 1. */
uint64_t cost_compute_ps(uint64_t cycles, const struct soc_accelerator *acc);

struct cost_options {
    bool elastic; /* narrower allotments too, trimmed to whole passes; else the natural one alone */
};

/*
 * The problem of this workload on this SoC. Costs are computed once per distinct (shape,
 * accelerator kind, allotment). ERR_INFEASIBLE names the layer if no accelerator supports it or
 * its smallest tile fits no scratchpad (exit status 4 is for the SoC and workload pair;
 * the message says what to add to "supports" or to "scratchpad_bytes").
 */
enum err_code cost_build_problem(const struct soc *soc, const struct workload *workload,
                                 const struct cost_options *options, struct problem *out,
                                 struct err *err);

#ifdef __cplusplus
}
#endif
#endif
