/*
 * The loop of a sweep: the strategy asks, what the store lacks is evaluated, mappings of smaller
 * SoCs are replayed on bigger ones, the store keeps it, the strategy is told.
 *
 * Resume is the same loop: requests that the store has are looked up. What is told is a function
 * of the study alone, whatever the number of workers, their order, or the kills in between.
 *
 * A job whose process crashes is tried once more; the second time the point is SWEEP_FAILED, with
 * the reason.
 */
#ifndef SOCWEAVE_SWEEP_DRIVE_H
#define SOCWEAVE_SWEEP_DRIVE_H

#include "core/evaluator.h"
#include "sweep/spread.h"
#include "sweep/store.h"

struct sweep_progress {
    uint64_t batch;
    uint64_t known;     /* requests with an outcome, whether looked up or evaluated now */
    uint64_t evaluated; /* in this run */
    uint64_t looked_up; /* told from the store in this run */
    uint64_t replays;   /* jobs, in this run */
    bool replaying;     /* between the evaluations of a batch and its end */
};

enum sweep_end {
    SWEEP_FINISHED, /* the strategy asks for nothing more */
    SWEEP_STOPPED,  /* stop() said so: what was under way is kept */
    SWEEP_LACKING   /* the rest is others' to evaluate */
};

struct sweep_drive {
    struct sweep_store *store;
    const struct sweep_spread *spread;
    enum objective objective; /* of the mapper: by which a replay is better */
    uint32_t shard,
        shard_count;        /* evaluate every shard_count-th request only, settle nothing; 0: all */
    bool evaluates_nothing; /* only what is there: SWEEP_LACKING at the first gap */
    bool asks_regardless;   /* the strategy does not mind what it is told: shards go on */

    void *ctx;
    size_t (*ask)(void *ctx, const struct sweep_request **batch);
    void (*tell)(void *ctx, const struct sweep_outcome *outcomes);
    uint64_t (*budget_layers)(void *ctx, uint32_t rung);
    bool (*relaxes)(void *ctx, uint64_t big, uint64_t small);
    /* Values of the point's parameters; texts live until the next call. */
    void (*values)(void *ctx, uint64_t point, struct sweep_value *values);
    bool (*stop)(void *ctx);                                       /* may be NULL */
    void (*progress)(void *ctx, const struct sweep_progress *now); /* may be NULL */
};

struct sweep_drive_result {
    enum sweep_end end;
    struct sweep_progress progress;
    uint64_t missing; /* requests of the last batch without an outcome */
    uint64_t crashes; /* processes that died, in this run */
};

enum err_code sweep_drive(const struct sweep_drive *drive, struct sweep_drive_result *out,
                          struct err *err);

#endif
