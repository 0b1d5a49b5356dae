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
#include "mapper/archive.h"
#include "mapper/decode.h"
#include "mapper/mapper.h"

/* Which levers are on, for ablation; all on in the default search. */
struct anneal_levers {
    bool change_way, shift_layer, shift_network, critical_chain, justify;
};

/* From mapper_options.levers_off. */
static inline struct anneal_levers anneal_levers_of(unsigned off)
{
    return (struct anneal_levers){
        .change_way = !(off >> MAPPER_CHANGE_WAY & 1),
        .shift_layer = !(off >> MAPPER_SHIFT_LAYER & 1),
        .shift_network = !(off >> MAPPER_SHIFT_NETWORK & 1),
        .critical_chain = !(off >> MAPPER_CRITICAL_CHAIN & 1),
        .justify = !(off >> MAPPER_JUSTIFY & 1),
    };
}

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

/*
 * In the stead of an objective: a direction between latency and energy. Both are seen as shares of
 * their range, u and v, from an ideal point that no list reaches; minimised is
 * max(w·u, (1 - w)·v) + a small part of u + v, which reaches every point of a front, in its hollows
 * as well. Only of an annealer with an objective that looks at energy.
 * Source: Steuer, Choo, Mathematical Programming 26, 1983 (augmented weighted Chebyshev).
 */
struct anneal_aim {
    double latency_weight;     /* w, 0..1 */
    double ideal_ps, ideal_pj; /* where u and v are 0 */
    double range_ps, range_pj; /* > 0 */
};
/* From now on; the best so far is forgotten, and the list is the current one. */
void anneal_aim_at(struct anneal *anneal, const struct anneal_aim *aim,
                   const struct activity_list *list);
/* The value of such a point: 1 at the ideal point. */
double anneal_aim_value(const struct anneal_aim *aim, uint64_t makespan_ps, double energy_pj);
/* Every list that is accepted from now on is offered to it. */
void anneal_keep_in(struct anneal *anneal, struct archive *archive);

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
