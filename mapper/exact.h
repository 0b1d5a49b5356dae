/*
 * What branch and bound (exact.c) works on, for its own files only.
 *
 * A *way* is an accelerator and an allotment for a layer. The search places layers in order of
 * their starts, each at the earliest, so a state is a list of starts, and nothing to come begins
 * before the last of them. At most EXACT_LAYERS_MAX layers: sets of layers are 64-bit masks.
 */
#ifndef SOCWEAVE_MAPPER_EXACT_H
#define SOCWEAVE_MAPPER_EXACT_H

#include "core/arena.h"
#include "core/problem.h"
#include "mapper/rows.h"

enum exact_load { EXACT_PES, EXACT_SLOTS, EXACT_SCRATCHPAD, EXACT_WIDE, EXACT_LOAD_COUNT };

/* A way to run a layer that no other way on the same accelerator makes superfluous. */
struct exact_way {
    uint32_t acc, option;
    uint64_t duration_ps, write_ps, scratchpad_bytes;
    uint32_t pes;
    /* So long after it has ended here, the layer could as well have started with any of its ways:
     * the results would be nowhere earlier. */
    uint64_t settled_ps;
    /* Share of the accelerator's time that it takes, rounded down (docs/model.md M-52). */
    uint64_t work_ps[EXACT_LOAD_COUNT];
};

/*
 * Prices of loads on accelerators: no makespan is shorter than the priced work of all layers, each
 * where it is cheapest, over the sum of the prices (docs/model.md M-52).
 */
struct exact_prices {
    uint64_t total;    /* of the prices */
    uint64_t *work_ps; /* [way] priced */
};

/* What does not change during the search. */
struct exact_case {
    const struct problem *problem;
    uint32_t layer_count, acc_count;
    struct arena *arena;
    struct exact_way *ways; /* of layer i: ways[way_begin[i] …), by accelerator */
    uint32_t *way_begin;    /* [layer + 1] */
    uint64_t *after_ps;     /* [layer * accelerators + acc]: from its end there to the makespan */
    bool *twins;            /* [a * accelerators + b]: exchanging them changes nothing */
    uint64_t *preds;        /* [layer] mask */
    /* [layer] masks. Until all of `follows` or one of `begins_behind` (0: always) are placed, the
     * layer would only repeat what an equal, lower one does in its place. */
    uint64_t *follows, *begins_behind;
    uint32_t *key; /* [layer]: the lowest layer that it can be exchanged with, or itself */
    struct exact_prices *prices;
    size_t price_count;
};

void exact_case_init(struct exact_case *c, const struct problem *problem);
void exact_case_release(struct exact_case *c);
/* For exact_case_init(); ways and tails are there. */
void exact_prices_find(struct exact_case *c);

/* --- states ---------------------------------------------------------------------------------- */

struct exact_placed {
    uint32_t layer;
    const struct exact_way *way;
    uint64_t start_ps, end_ps;
    uint64_t makespan_ps, ends_ps; /* of the list up to here: last end or write-back; sum of ends */
};

/* What is free of an accelerator from some time on. */
struct exact_room {
    uint64_t from_ps, scratchpad_bytes;
    uint32_t pes, slots;
};

struct exact_state {
    const struct exact_case *c;
    struct exact_placed *list; /* in order of starts; list[0 … depth) */
    uint32_t depth;
    uint64_t placed;                /* mask of layers */
    const struct exact_placed **at; /* [layer], NULL: not placed */
    uint32_t *used;                 /* [accelerator] layers on it */
    /* Scratch of exact_path_bound_ps(): what it found of layers that are not placed. */
    struct exact_room *rooms; /* [accelerator * (layers + 1) …): rising, the first from now on */
    uint64_t *least_end_ps;   /* [layer * accelerators + acc] */
    uint64_t *start_ps;       /* [way] the earliest */
};

void exact_state_init(struct exact_state *s, const struct exact_case *c);
void exact_place(struct exact_state *s, uint32_t layer, const struct exact_way *way,
                 uint64_t start_ps);
void exact_take_back(struct exact_state *s);

static inline const struct exact_placed *exact_last(const struct exact_state *s)
{
    return s->depth ? &s->list[s->depth - 1] : NULL;
}

/* Nothing to come starts before. */
static inline uint64_t exact_now_ps(const struct exact_state *s)
{
    return s->depth ? s->list[s->depth - 1].start_ps : 0;
}

/* When inputs from placed layers are on `acc`, or the release. */
uint64_t exact_inputs_ps(const struct exact_state *s, uint32_t layer, uint32_t acc);
/* The earliest time from from_ps on at which the way fits beside all that is placed, in a hole
 * before the last start as well. */
uint64_t exact_first_fit_ps(const struct exact_state *s, const struct exact_way *way,
                            uint64_t from_ps);
/* Would another way have fitted from this start until its end, beside all others? */
bool exact_fits_instead(const struct exact_state *s, const struct exact_placed *placed,
                        const struct exact_way *way);

/* --- bounds ---------------------------------------------------------------------------------- */

/* No end of the search from here is better: the longest way to the end, given what is placed. */
uint64_t exact_path_bound_ps(struct exact_state *s);
/*
 * The load of what is left between heads and tails, right after exact_path_bound_ps(). Ways that
 * end behind limit_ps are left out, so the least of the result and limit_ps is the bound.
 */
uint64_t exact_load_bound_ps(struct exact_state *s, uint64_t path_bound_ps, uint64_t limit_ps);

/* --- states seen before ---------------------------------------------------------------------- */

struct exact_memo;

struct exact_memo *exact_memo_new(const struct exact_case *c);
void exact_memo_free(struct exact_memo *memo);
/* Has a state been kept that can end as well as this one can at best? If not, keeps this one. */
bool exact_memo_covers(struct exact_memo *memo, const struct exact_state *s, uint64_t bound_ps);

#endif
