/*
 * The problem as the mappers' inner loops want it: natural allotments (option 0) per class and
 * accelerator in flat arrays, and accelerators gathered into *kinds* of equal capacity and cost.
 * Read-only once made; threads share it. O(classes × accelerators + edges) to make.
 */
#ifndef SOCWEAVE_MAPPER_VIEW_H
#define SOCWEAVE_MAPPER_VIEW_H

#include "core/problem.h"

#define VIEW_NEVER UINT64_MAX

struct view_capacity {
    uint64_t pes, scratchpad_bytes;
    uint32_t share; /* layers at a time */
};

/* Natural allotment of a class on a kind of accelerator; pes 0: not supported. */
struct view_need {
    uint64_t scratchpad_bytes;
    uint32_t pes;
    float area; /* pes × ps, for utilisation */
    float duration_ps;
};

struct view {
    const struct problem *problem;
    uint32_t layer_count, accelerator_count, class_count, kind_count;
    uint32_t share_max; /* largest share limit of any accelerator */

    uint32_t *kind_of;                 /* [accelerator] */
    uint32_t *kind_begin, *kind_accs;  /* accelerators of kind k, ascending */
    struct view_capacity *capacity;    /* [kind] */
    struct view_need *need;            /* [class * kind_count + kind] */
    uint32_t *support_begin, *support; /* accelerators that support class c, ascending */

    /* Uncontended times at layer granularity, option 0. */
    uint64_t *duration_ps; /* [class * accelerator_count + acc]; VIEW_NEVER: not supported */
    uint64_t *write_ps;    /* the same: write-back after the end, 0 where the result is consumed */
    double *energy_pj;     /* the same: the option's, less the idle PEs that it takes away */
    float *fastest_ps;     /* [class]: over accelerators */
    double idle_pj_per_ps; /* of the whole SoC with every PE idle */

    uint32_t *pred_count; /* [layer] */
    struct arena *arena;
};

/* Energy of an option, less the idle PEs that it takes away: with those of transfers and
 * idle_pj_per_ps × makespan the sum is that of mapping_energy(). */
double view_option_pj(const struct problem *problem, const struct layer_option *option);

void view_init(struct view *view, const struct problem *problem);
void view_release(struct view *view);

/* Time of a layer on its accelerator when nothing else uses the memory channel
 * (docs/model.md M-30). */
static inline uint64_t view_option_ps(const struct layer_option *option)
{
    return option->compute_ps > option->memory_read_ps ? option->compute_ps
                                                       : option->memory_read_ps;
}

static inline const struct view_need *view_need_of(const struct view *view, uint32_t layer,
                                                   uint32_t kind)
{
    return &view->need[(size_t)view->problem->class_of[layer] * view->kind_count + kind];
}

#endif
