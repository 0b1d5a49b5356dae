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

/* Which allotments of its PEs an accelerator may give a layer. */
enum cost_sharing {
    COST_SHARING_FIXED,   /* the natural one alone */
    COST_SHARING_ELASTIC, /* narrower ones too, trimmed to whole passes (M-16) */
    COST_SHARING_TILED,   /* and wider ones: replicas side by side, each on a part (M-80) */
    COST_SHARING_COUNT
};
extern const char *const cost_sharing_names[COST_SHARING_COUNT]; /* "fixed", "elastic", "tiled" */

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

/* PEs of a layer: `replicas` runs side by side, each on its part of the `split` role's extent. */
struct cost_allotment {
    uint32_t pes; /* of each */
    uint32_t replicas;
    enum role split; /* an output role that the rows don't cover; ROLE_NONE for a single replica */
};
/* Any allotment (M-80 to M-82); a single replica is what cost_layer() costs. */
enum err_code cost_allotted_layer(const struct layer_shape *shape,
                                  const struct soc_accelerator *acc,
                                  const struct soc_energy *energy,
                                  const struct cost_allotment *allotment, struct layer_option *out,
                                  struct err *err);

/* Roles whose extent replicas may split among themselves, as a bit set. */
unsigned cost_split_roles(const struct layer_shape *shape, const struct soc_accelerator *acc);

#define COST_OPTIONS_MAX 16 /* per (class, accelerator); tiled: 12 */

/*
 * The allotments of a layer: the natural one, then the others widest first, no two of the same
 * width; 0 where the accelerator cannot run it. M-16, M-83
 */
size_t cost_allotments(const struct layer_shape *shape, const struct soc_accelerator *acc,
                       const struct soc_energy *energy, enum cost_sharing sharing,
                       struct cost_allotment out[COST_OPTIONS_MAX]);

/* Cycles at the accelerator's clock, rounded up; at least 1. */
uint64_t cost_compute_ps(uint64_t cycles, const struct soc_accelerator *acc);

struct cost_memo; /* cost/cost_memo.h */
struct cost_options {
    enum cost_sharing sharing;
    struct cost_memo *memo; /* of this SoC and sharing; NULL: none */
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
