/*
 * Cuts: into how many parts every layer of a whole workload goes, and along which iteration; and
 * how a mapping of one cut becomes one of another. For mapper/splits.c.
 */
#ifndef SOCWEAVE_MAPPER_CUT_H
#define SOCWEAVE_MAPPER_CUT_H

#include "core/mapping.h"
#include "core/rng.h"
#include "mapper/view.h"

struct cut_layer {
    uint8_t role;  /* enum role; ROLE_NONE: whole */
    uint8_t parts; /* 1: whole */
};

/* What may be cut: read-only once made. */
struct cut_space {
    const struct workload *whole;
    uint64_t *extent;   /* [layer * ROLE_COUNT + role]; 0: it cannot be cut so */
    uint8_t *parts_max; /* [layer]: as many as there is room for side by side */
};
void cut_space_init(struct cut_space *space, const struct view *view);
void cut_space_release(struct cut_space *space);

/*
 * Another cut, from one that `cut` holds. weight: [layer], how much a layer delays the end; a
 * layer of no weight is never the middle of a run.
 */
void cut_propose(const struct cut_space *space, const double *weight, struct rng *rng,
                 struct cut_layer *cut);

/* As workload_split rows, ascending; at most one a layer. Arrays live in the arena. */
struct workload_split *cut_splits(const struct cut_space *space, const struct cut_layer *cut,
                                  struct arena *arena, size_t *count);

/*
 * A mapping of one cut as one of another: parts that were there stay where they were, new ones go
 * to the next accelerators of the kind. `out` is initialised for the layers of `to`.
 */
void cut_carry(const struct view *from, const struct mapping *mapping, const struct view *to,
               struct mapping *out);

#endif
