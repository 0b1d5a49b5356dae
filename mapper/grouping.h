/*
 * COMB's genome: an ordered partition of the layers into groups, and operators that keep it legal.
 *
 * A grouping lists the layers group by group; a word is a layer number, with GROUPING_OPENS set on
 * the first layer of a group; members ascend. Legal means: every layer once; every predecessor in
 * an earlier group (so members are independent, and groups form no cycle); at least one kind of
 * accelerator supports all members and holds their natural allotments within its PEs, scratchpad
 * and share limit. Operators cost O((layers + edges) log layers).
 *
 * Source: COMB (DAC 2023), section 4 and Algorithm 1; docs/baselines are in the mapper's summary.
 */
#ifndef SOCWEAVE_MAPPER_GROUPING_H
#define SOCWEAVE_MAPPER_GROUPING_H

#include "core/rng.h"
#include "mapper/view.h"

#define GROUPING_OPENS UINT32_C(0x80000000)
#define GROUPING_LAYER UINT32_C(0x7fffffff)

/* words[0] is salt for placements that draw numbers; words[1 … layer_count] the layers. */
static inline size_t grouping_bytes(const struct view *view)
{
    return ((size_t)view->layer_count + 1) * sizeof(uint32_t);
}

struct grouping_scratch; /* working memory of one thread */
struct grouping_scratch *grouping_scratch_new(const struct view *view);
void grouping_scratch_free(struct grouping_scratch *scratch);

/* A random topological order, ready layers packed at random. */
void grouping_random(const struct view *view, struct grouping_scratch *scratch, struct rng *rng,
                     uint32_t *out);
/* Groups with high PE utilisation stay, the layers of others are grouped anew. */
void grouping_mutate(const struct view *view, struct grouping_scratch *scratch, struct rng *rng,
                     const uint32_t *parent, uint32_t *out);
/* Groups of both parents pass; of overlapping ones a random one; left-over layers are grouped
 * anew. */
void grouping_crossover(const struct view *view, struct grouping_scratch *scratch, struct rng *rng,
                        const uint32_t *father, const uint32_t *mother, uint32_t *out);

/* Is it legal? For tests and assertions; allocates. */
bool grouping_is_legal(const struct view *view, const uint32_t *grouping);

#endif
