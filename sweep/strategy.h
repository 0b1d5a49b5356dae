/*
 * Which points to look at, and how closely: ask and tell.
 *
 *     while ((count = sweep_ask(strategy, &batch)) > 0) {
 *         … an outcome for each of batch[0 … count), in any order, on any machine …
 *         sweep_tell(strategy, outcomes);
 *     }
 *
 * What is asked depends on the seed and on what was told, on nothing else: a resumed study tells
 * the stored outcomes again and goes on where it was. A batch never asks for the same request
 * twice; later batches may ask for a point again on a higher rung only.
 *
 *   grid     every point, in order, full budget
 *   random   budget_points distinct points, full budget
 *   halving  successive halving: budget_points distinct points (all if there are no more) on rung
 *            0; the best quarter of each rung goes on to the next, with four times the budget
 *   nsga2    NSGA-II (Deb et al. 2002) over the choices as genomes; children get a cheap look, and
 *            the promising ones a full evaluation: as much work as budget_points full evaluations
 *
 * Sources: Jamieson, Talwalkar, "Non-stochastic best arm identification", AISTATS 2016; Schmucker
 * et al., "Multi-objective asynchronous successive halving", 2021, for ranks in the stead of a
 * value.
 */
#ifndef SOCWEAVE_SWEEP_STRATEGY_H
#define SOCWEAVE_SWEEP_STRATEGY_H

#include <stdbool.h>

#include "core/err.h"
#include "sweep/outcome.h"
#include "sweep/space.h"

enum sweep_kind { SWEEP_GRID, SWEEP_RANDOM, SWEEP_HALVING, SWEEP_NSGA2, SWEEP_KIND_COUNT };
extern const char *const sweep_kind_names[SWEEP_KIND_COUNT]; /* "grid", "random", … */

struct sweep_strategy_options {
    enum sweep_kind kind;
    enum sweep_objective objectives[SWEEP_OBJECTIVE_COUNT];
    size_t objective_count; /* >= 1, no objective twice */
    uint64_t seed;
    uint64_t budget_points; /* nsga2: full evaluations' worth; else distinct points. 0: all */
    uint64_t budget_layers; /* of the mapper at a full evaluation, in placed layers; >= 1 */
    size_t batch; /* requests at most, >= 1; whoever is idle at its end waits for the last one */
};

/* Enough for the workers of a machine, few enough for replays to matter. */
#define SWEEP_BATCH_DEFAULT 128

/* Budget 0 with more points than this is refused: "a billion points without a budget". */
#define SWEEP_POINTS_MAX UINT64_C(1000000)

struct sweep_strategy;
/* Borrows the space. ERR_LIMIT: more points than SWEEP_POINTS_MAX (a budget helps). */
enum err_code sweep_strategy_new(struct sweep_strategy **out, const struct space *space,
                                 const struct sweep_strategy_options *options, struct err *err);
void sweep_strategy_free(struct sweep_strategy *strategy);

/* The next batch; 0 requests: finished. The batch is the strategy's, until the next call of
 * sweep_tell(). Asking again before telling gives the same batch. */
size_t sweep_ask(struct sweep_strategy *strategy, const struct sweep_request **batch);
/* The outcomes of the whole last batch, in its order. */
void sweep_tell(struct sweep_strategy *strategy, const struct sweep_outcome *outcomes);

/* Placed layers of a mapper run on this rung. */
uint64_t sweep_rung_layers(const struct sweep_strategy *strategy, uint32_t rung);
/* The rung with the full budget; points of the front were evaluated on it. */
uint32_t sweep_full_rung(const struct sweep_strategy *strategy);
/* Requests in all, for progress. An estimate: how many of a rung go on is known when it is told. */
uint64_t sweep_expected_requests(const struct sweep_strategy *strategy);

#endif
