/* Within the strategies: what all of them share. */
#ifndef SOCWEAVE_SWEEP_STRATEGY_KINDS_H
#define SOCWEAVE_SWEEP_STRATEGY_KINDS_H

#include <math.h>

#include "core/rng.h"
#include "sweep/strategy.h"

enum { SWEEP_TRIES = 20 }; /* for a point that was not chosen before */

/* Points that were chosen, as an open-addressing hash set. */
struct sweep_chosen {
    uint64_t *slots; /* SWEEP_NO_POINT: free */
    size_t mask, count;
};

/* A point with its values, or +infinity where it is out. */
struct sweep_member {
    uint64_t point;
    double values[SWEEP_OBJECTIVE_COUNT];
};

struct sweep_nsga2; /* strategy_nsga2.c */

struct sweep_strategy {
    const struct space *space;
    struct sweep_strategy_options options;
    uint64_t budget_points;
    struct sweep_request *batch; /* [options.batch] */
    size_t batch_count;          /* 0: nothing is asked that was not told */
    struct sweep_chosen chosen;
    struct rng rng;
    uint64_t asked; /* points of the sample, or of the grid, so far */
    uint32_t rung, rung_count;
    uint32_t rung_factor;         /* between the budgets of one rung and the next */
    struct sweep_member *members; /* halving: of this rung */
    size_t member_count, member_asked;
    struct sweep_nsga2 *nsga2;
};

/* False if it was chosen before. */
bool sweep_choose(struct sweep_strategy *s, uint64_t point);
/* A random point that was not chosen; when most are, the next free one after a random one. There
 * must be one. */
uint64_t sweep_fresh_point(struct sweep_strategy *s);
void sweep_take_outcome(const struct sweep_strategy *s, const struct sweep_outcome *outcome,
                        struct sweep_member *member);

static inline bool sweep_member_is_ok(const struct sweep_member *member)
{
    return member->values[0] < INFINITY;
}

void sweep_nsga2_start(struct sweep_strategy *s);
void sweep_nsga2_ask(struct sweep_strategy *s);
void sweep_nsga2_tell(struct sweep_strategy *s, const struct sweep_outcome *outcomes);
void sweep_nsga2_free(struct sweep_nsga2 *nsga2); /* NULL is fine */
uint64_t sweep_nsga2_expected_requests(const struct sweep_strategy *s);

#endif
