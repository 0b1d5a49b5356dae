/*
 * The mapping problem as plain arrays: what mapper, evaluators and mapping_check() read.
 *
 * Layers are numbered over the whole workload; the order is topological (every predecessor has a
 * lower number). Layers of equal shape share a *class*, and costs are per (class, accelerator).
 * cost_build_problem() makes a problem from a SoC and a workload; nothing here is computed later,
 * and the struct is read-only from then on, so threads share it freely.
 */
#ifndef SOCWEAVE_CORE_PROBLEM_H
#define SOCWEAVE_CORE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/soc.h"
#include "core/workload.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the energy of a layer goes; the sum is energy_pj of the option. */
struct energy_split {
    double mac_pj, register_pj, scratchpad_pj, memory_pj;
};

/* One way of running a layer on an accelerator: an allotment of its PEs and what that costs. */
struct layer_option {
    uint32_t pes;              /* of all replicas */
    uint16_t replicas;         /* side by side, each on its part of the `split` role's extent */
    uint8_t split;             /* enum role; ROLE_NONE where there is one replica */
    uint8_t tiles;             /* double-buffered steps at tile granularity, >= 1 */
    uint64_t cycles;           /* of the array, at bounded scratchpad bandwidth */
    uint64_t compute_ps;       /* cycles at the accelerator's clock; >= 1 */
    uint64_t scratchpad_bytes; /* held while the layer runs */
    uint64_t scratchpad_read_bytes, scratchpad_write_bytes; /* traffic array <-> scratchpad */
    uint64_t memory_read_bytes;  /* weights and graph inputs, from the accelerator's channel */
    uint64_t memory_write_bytes; /* results of layers that nothing consumes */
    uint64_t memory_read_ps, memory_write_ps; /* of these, uncontended, all tiles together */
    struct energy_split energy;
    double energy_pj;
};

struct problem_edge {
    uint32_t layer;      /* predecessor in preds, successor in succs */
    uint32_t size_class; /* row of transfer_ps: distinct byte counts are few */
    uint64_t bytes;
};

/* The ways of running one class on one accelerator; equal accelerators point to the same items. */
struct problem_options {
    struct layer_option *items;
    uint32_t count;
};

struct problem {
    const struct soc *soc;
    const struct workload *workload;
    size_t layer_count, accelerator_count, class_count, network_count;

    /* Edges of layer i, also those between networks: preds[pred_begin[i] … pred_begin[i+1]).
     * Ascending by layer. */
    uint32_t *pred_begin, *succ_begin;
    struct problem_edge *preds, *succs;
    size_t edge_count;

    uint32_t *class_of;    /* [layer] */
    uint32_t *class_layer; /* [class]: the first layer of that shape */
    uint32_t *network_of;  /* [layer] */

    /* [layer]: it must not start earlier (docs/model.md M-95). Only layers without predecessor in
     * their own network have one, the others follow; NULL where all are 0. */
    uint64_t *release_ps;
    bool has_cascades; /* edges lead from one network to another, of 0 bytes (M-96) */

    /* [class * accelerator_count + acc]; none where the accelerator cannot run the class. Option 0
     * is the dataflow's natural allotment, COMB's "PEs used"; the others follow widest first, no
     * two of the same width. Without a natural one that fits the scratchpad, the widest is first.
     */
    struct problem_options *options;
    const char *sharing; /* which allotments there are: "fixed", "elastic", "tiled"; or NULL */

    /* Uncontended time of one transfer: transfer_ps[size_class * pair_class_count + pair_class].
     * Pairs of accelerators with equal routes in all that matters share a pair class. */
    size_t size_class_count, pair_class_count;
    uint32_t *pair_class; /* [from * accelerator_count + to] */
    uint64_t *transfer_ps;

    struct arena *arena; /* owns the arrays; not the soc, not the workload */
};

/*
 * Everything but the options: edges, classes, transfer times. cost_build_problem() calls it and
 * adds the options. Borrows soc and workload for as long as the problem lives.
 */
enum err_code problem_init(struct problem *out, const struct soc *soc,
                           const struct workload *workload, struct err *err);
/*
 * ERR_OVERFLOW if running everything one after the other, at its slowest, could take more than 2^60
 * ps: then no sum of times in a mapper or evaluator can overflow. problem_init() asks it about the
 * transfers; cost_build_problem() again, when the options are there.
 */
enum err_code problem_check_times(const struct problem *problem, struct err *err);
void problem_release(struct problem *problem);

static inline size_t problem_option_count(const struct problem *p, uint32_t layer, uint32_t acc)
{
    size_t at = (size_t)p->class_of[layer] * p->accelerator_count + acc;
    return p->options[at].count;
}

/* Option `option` of (layer, acc); the caller has checked the count. */
static inline const struct layer_option *problem_option(const struct problem *p, uint32_t layer,
                                                        uint32_t acc, uint32_t option)
{
    size_t at = (size_t)p->class_of[layer] * p->accelerator_count + acc;
    return &p->options[at].items[option];
}

static inline uint64_t problem_release_ps(const struct problem *p, uint32_t layer)
{
    return p->release_ps ? p->release_ps[layer] : 0;
}

static inline uint64_t problem_transfer_ps(const struct problem *p, uint32_t size_class,
                                           uint32_t from, uint32_t to)
{
    uint32_t pair = p->pair_class[(size_t)from * p->accelerator_count + to];
    return p->transfer_ps[(size_t)size_class * p->pair_class_count + pair];
}

/*
 * The same for any byte count (tile granularity, odd sizes): soc_route_ps() between the places of
 * two accelerators, bytes / local_bytes_per_s on one.
 */
uint64_t problem_transfer_bytes_ps(const struct problem *p, uint64_t bytes, uint32_t from,
                                   uint32_t to);

#ifdef __cplusplus
}
#endif
#endif
