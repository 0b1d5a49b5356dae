/*
 * Which layers to split over accelerators (core/split.h), found by search: docs/model.md M-87.
 *
 * A *cut* says of every layer of the whole workload into how many near equal parts it goes, along
 * which output iteration. Starting from the whole, each round proposes a few other cuts: a run of
 * neighbouring layers around one of the critical chain is cut along its rows, channels, samples or
 * groups, or made whole again, in one network or in all copies of it. Each is refined, priced like
 * any workload, started from the incumbent's mapping and annealed for a short while, all with equal
 * work; the incumbent goes on as one of them, so a cut wins only by what it is worth. The winner is
 * the next incumbent.
 *
 * Rounds and proposals do not depend on the number of threads, budgets count placed layers: the
 * same seed gives the same cut for any number of jobs.
 */
#ifndef SOCWEAVE_MAPPER_SPLITS_H
#define SOCWEAVE_MAPPER_SPLITS_H

#include "mapper/mapper.h"

/* The default mapper's result, and what it is a mapping of. */
struct splits_found {
    bool any;                /* else nothing is split, and the two below are empty */
    struct workload refined; /* borrows the whole */
    struct problem problem;  /* of `refined`: borrows it and the SoC; neither may be moved */
    struct mapping start;    /* of `problem`, or of the whole problem: to go on from */
    struct mapper_progress *convergence; /* owned */
    size_t convergence_count;
    uint64_t evaluations, sim_evaluations;
    bool interrupted;
};

/* Of budget and time limit; the rest is for the search that goes on from `start`. */
#define SPLITS_SHARE 0.8

/*
 * `whole` is the problem of an unrefined workload; `options` are those of a search for it with the
 * default mapper, whose budget and time limit are shared out. Fills `out` in place, for it is what
 * the problem borrows.
 */
enum err_code splits_search(const struct problem *whole, enum cost_sharing sharing,
                            const struct mapper_options *options, struct splits_found *out,
                            struct err *err);
void splits_found_release(struct splits_found *found);

/*
 * The search that goes on: `options` are the same again, with the evaluators of the problem at
 * hand. Its rows and counts follow those of what was found.
 */
enum err_code splits_finish(const struct problem *whole, const struct mapper_options *options,
                            struct splits_found *found, struct mapper_result *out, struct err *err);

#endif
