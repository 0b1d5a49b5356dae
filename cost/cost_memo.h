/*
 * Options of shapes that were costed before, for many problems on one SoC: workloads that differ in
 * a few split layers share most of their shapes. Threads share a memo.
 */
#ifndef SOCWEAVE_COST_COST_MEMO_H
#define SOCWEAVE_COST_COST_MEMO_H

#include "cost/cost.h"

/* A class on one kind of accelerator, before memory times. */
struct cost_class {
    uint32_t count;
    struct layer_option options[COST_OPTIONS_MAX];
};

/* For shapes on accelerators of this SoC, with this sharing. */
struct cost_memo *cost_memo_new(const struct soc *soc, enum cost_sharing sharing);
void cost_memo_free(struct cost_memo *memo); /* NULL is fine */

/* False: not there yet. `acc` is a number that stands for its kind. */
bool cost_memo_find(struct cost_memo *memo, const struct layer_shape *shape, uint32_t acc,
                    struct cost_class *out);
void cost_memo_add(struct cost_memo *memo, const struct layer_shape *shape, uint32_t acc,
                   const struct cost_class *costed);
bool cost_memo_is_for(const struct cost_memo *memo, const struct soc *soc,
                      enum cost_sharing sharing);

#endif
