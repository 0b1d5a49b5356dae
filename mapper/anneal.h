/*
 * Simulated annealing over activity lists (mapper/decode.h).
 *
 * A move changes the way of a layer or of a connected run of layers, shifts a layer within the
 * window that its neighbours leave it, or shifts a whole network along the list. Most picks fall on
 * a random critical chain of the current schedule. The acceptance threshold is drawn before a
 * move is decoded, so that decoding stops as soon as the move is sure to be refused. Temperatures
 * are shares of the value; budgets count placed layers. One annealer serves one thread; what it
 * does depends on its seed and calls alone.
 */
#ifndef SOCWEAVE_MAPPER_ANNEAL_H
#define SOCWEAVE_MAPPER_ANNEAL_H

#include <signal.h>

#include "core/rng.h"
#include "mapper/decode.h"

/* Which levers are on, for ablation; all on in the default search. */
struct anneal_levers {
    bool change_way, shift_layer, shift_network, critical_chain, justify;
};

struct anneal;

/* island: number of this annealer within the search; distinct ones draw distinct streams. */
struct anneal *anneal_new(const struct decode_ways *ways, bool contention, enum objective objective,
                          const struct anneal_levers *levers, uint64_t seed, uint32_t island);
void anneal_free(struct anneal *anneal);

/* Make this list the current one; better than the best so far, it becomes that too. */
void anneal_start(struct anneal *anneal, const struct activity_list *list);

/* Go on until so many more layers were placed, with the temperature falling from `hot` to `cold`
 * (shares of the value). Returns early at *stop, or when the makespan is down to bound_ps. */
void anneal_go(struct anneal *anneal, uint64_t work_layers, double hot, double cold,
               uint64_t bound_ps, const volatile sig_atomic_t *stop);

/* What is minimised where deadlines decide, in ps: it tells how far from being in time. M-97. */
double anneal_lateness_value(enum objective objective, const struct decode_result *result);

const struct activity_list *anneal_best(const struct anneal *anneal);
double anneal_best_value(const struct anneal *anneal);
uint64_t anneal_best_makespan_ps(const struct anneal *anneal);
/* The best as a mapping; `out` has room for all layers. */
void anneal_write_best(struct anneal *anneal, struct mapping *out);
/* Moves tried, and layers placed. */
uint64_t anneal_moves(const struct anneal *anneal);
uint64_t anneal_work_layers(const struct anneal *anneal);

#endif
