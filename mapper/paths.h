/*
 * Shortest possible ways through the graph, over (layer, accelerator): what must pass before a
 * layer starts (head) and after it ends (tail) in any legal mapping, resources aside. Transfers
 * count; at tile granularity only as far as they cannot hide behind the consumer's steps.
 * docs/model.md M-50, M-51. O(edges × supporting accelerators²), or O(edges) without transfers
 * where that would be too much.
 */
#ifndef SOCWEAVE_MAPPER_PATHS_H
#define SOCWEAVE_MAPPER_PATHS_H

#include "core/mapping.h"
#include "mapper/view.h"

struct paths {
    uint64_t *head_ps, *tail_ps; /* [layer]: the least over accelerators */
    uint64_t longest_ps;         /* no makespan is below the longest path */
};

void paths_init(struct paths *paths, const struct view *view, enum granularity granularity);
void paths_release(struct paths *paths);

/*
 * [layer * accelerators + accelerator]: what must pass from the end of a layer there to the end of
 * all, in ps, at layer granularity; 0 where it cannot run. free() it. NULL where transfers are left
 * out.
 */
double *paths_after(const struct view *view);

/* The least time that an option can hold its PEs (docs/model.md M-30): reads from memory overlap
 * with it, and at tile granularity split into packets that may pass a route faster than as one. */
static inline uint64_t paths_option_ps(const struct layer_option *option,
                                       enum granularity granularity)
{
    return granularity == GRANULARITY_LAYER ? view_option_ps(option) : option->compute_ps;
}

#endif
