/*
 * From an activity list to a schedule: serial schedule generation with insertion.
 *
 * An activity list is a topological order of the layers and a *way* for each: an accelerator and
 * one of its options. Layers are placed in list order, each into the earliest gap of PEs,
 * scratchpad and share slots after its inputs arrived; there is no barrier between groups. Times
 * are the analytic evaluator's at layer granularity. With contention the list is one of priorities,
 * dispatched as the timing model would (mapper/dispatch.h).
 * Source: Kolisch, Hartmann, "Heuristic algorithms for the resource-constrained project scheduling
 * problem", 1999; forward-backward improvement: Tormos, Lova, 2001.
 *
 * A decoder keeps snapshots along the list, so that a change at position i is decoded from the
 * snapshot before i on. One decoder serves one thread.
 */
#ifndef SOCWEAVE_MAPPER_DECODE_H
#define SOCWEAVE_MAPPER_DECODE_H

#include <stdbool.h>

#include "core/evaluator.h"
#include "mapper/profile.h"
#include "mapper/view.h"

#define DECODE_NEVER UINT64_MAX

/* An accelerator and an option of a class, with what the inner loop needs of them. */
struct decode_way {
    const struct layer_option *option;
    uint64_t duration_ps; /* uncontended */
    double energy_pj;     /* of the option, less the idle PEs it takes away */
    uint16_t accelerator, number;
};

/* Ways of every class and lengths of paths; read-only, shared by the decoders of all threads. */
struct decode_ways {
    const struct view *view;
    struct decode_way *ways; /* of class c: ways[begin[c] … begin[c + 1]), by accelerator */
    uint32_t *begin;
    struct profile_floor *floors; /* [accelerator] */
    uint64_t *fastest_ps;         /* [class]: over its ways */
    uint64_t *tail_ps;            /* [layer]: no schedule ends earlier than end of layer + tail */
    struct arena *arena;
};

void decode_ways_init(struct decode_ways *ways, const struct view *view);
void decode_ways_release(struct decode_ways *ways);

static inline uint32_t decode_way_count(const struct decode_ways *ways, uint32_t layer)
{
    uint32_t class = ways->view->problem->class_of[layer];
    return ways->begin[class + 1] - ways->begin[class];
}

static inline const struct decode_way *decode_way(const struct decode_ways *ways, uint32_t layer,
                                                  uint32_t way)
{
    return &ways->ways[ways->begin[ways->view->problem->class_of[layer]] + way];
}

struct activity_list {
    uint32_t *order;    /* [position] -> layer */
    uint32_t *position; /* [layer] -> position */
    uint16_t *way;      /* [layer] */
};

void activity_list_init(struct activity_list *list, size_t layers);
void activity_list_release(struct activity_list *list);
void activity_list_copy(struct activity_list *to, const struct activity_list *from, size_t layers);

struct decode_result {
    uint64_t makespan_ps; /* DECODE_NEVER: given up, it would have passed the limit */
    double mean_network_end_ps;
    double energy_pj;
    struct punctuality on_time; /* only if asked for */
};

struct decoder;
/* wants_energy: else energies of results are not to be used. */
struct decoder *decoder_new(const struct decode_ways *ways, bool contention, bool wants_energy);
/* From now on runs are judged by their deadlines, too; scored: with XRBench's score. */
void decoder_judge_deadlines(struct decoder *decoder, bool scored);
void decoder_free(struct decoder *decoder);

/*
 * Decode the list; positions before `from` are as in the last decode that was kept. Gives up as
 * soon as the makespan is sure to exceed limit_ps. keep: later decodes may start from this one.
 */
struct decode_result decoder_run(struct decoder *decoder, const struct activity_list *list,
                                 uint32_t from, uint64_t limit_ps, bool keep);
/*
 * The first `count` layers of the list on given accelerators, which support them, with the option
 * that ends first: fills list->way. keep: all layers, and no limit. Without contention.
 */
struct decode_result decoder_run_on(struct decoder *decoder, const struct activity_list *list,
                                    uint32_t from, uint32_t count, const uint16_t *accelerator,
                                    uint64_t limit_ps, bool keep);
/* Keep the last run after all; it must have been whole. */
void decoder_keep(struct decoder *decoder, const struct activity_list *list, uint32_t from);
/* Times of the last run that was kept (a greedy one is), by layer. */
const uint64_t *decoder_start_ps(const struct decoder *decoder);
const uint64_t *decoder_end_ps(const struct decoder *decoder);
/* Layers placed since decoder_new(): the unit of search budgets. */
uint64_t decoder_work_layers(const struct decoder *decoder);

/* What decides between ways: end + price × duration + after_weight × what comes after. */
struct decode_taste {
    double
        transfer_weight; /* as if transfers took so many times as long: keeps networks together */
    double after_weight;
    const double *price;    /* [accelerator]; NULL: 0 */
    const double *after_ps; /* [layer * accelerators + accelerator]; NULL: 0 */
};

/* Choose ways by taste while placing layers in list order (fills list->way). Without contention. */
struct decode_result decoder_greedy(struct decoder *decoder, struct activity_list *list,
                                    const struct decode_taste *taste);

/*
 * Forward-backward improvement: shift all layers of the last kept run to the right under its
 * makespan, list them by the starts that result, keep their ways. Writes list->order and position;
 * the caller decodes it.
 */
void decoder_justify(struct decoder *decoder, struct activity_list *list);

/* List in order of the last kept run's starts, which replays without delay under in-order issue. */
void decoder_write_mapping(const struct decoder *decoder, const struct activity_list *list,
                           struct mapping *out);

#endif
