/*
 * Accelerators for the groups of a grouping: COMB's greedy Algorithm 2, taking turns, or at random.
 * The times are those of a mapping by group on an uncontended network at layer granularity
 * (docs/model.md M-30 to M-33), so the makespan is the analytic evaluator's to the bit.
 * O(groups × accelerators + edges × accelerators); no allocation.
 */
#ifndef SOCWEAVE_MAPPER_PLACE_H
#define SOCWEAVE_MAPPER_PLACE_H

#include "core/evaluator.h"
#include "mapper/view.h"

enum place_policy {
    PLACE_GREEDY, /* the accelerator with the smallest objective after this group; ties by index */
    PLACE_TURNS,  /* of those that can run the group, the one whose turn was longest ago */
    PLACE_RANDOM  /* of those that can run the group, one drawn from the grouping's salt */
};

struct place_scratch;
struct place_scratch *place_scratch_new(const struct view *view);
void place_scratch_free(struct place_scratch *scratch);

/* Places a legal grouping; returns the makespan. The choice stays in scratch. */
uint64_t place_groups(const struct view *view, struct place_scratch *scratch,
                      enum place_policy policy, enum objective objective, const uint32_t *grouping);

/* What the last place_groups() of this scratch chose, as a mapping by group; `out` has room for
 * all layers. */
void place_write(const struct view *view, const struct place_scratch *scratch,
                 const uint32_t *grouping, struct mapping *out);

#endif
