/*
 * Dispatching by priority under contention: an event-driven schedule in which every accelerator
 * starts, whenever something changes, its ready layers in list order as far as they fit, and
 * packets take their turns on links, local ports and memory channels. Transfers follow the timing
 * model's rules M-30 to M-38 at layer granularity, so the schedule, replayed in order of its
 * starts, takes the same time there.
 * Source: parallel schedule generation, Kolisch, EJOR 90, 1996.
 * O(events · log events) a run; no allocation. One dispatcher serves one thread.
 */
#ifndef SOCWEAVE_MAPPER_DISPATCH_H
#define SOCWEAVE_MAPPER_DISPATCH_H

#include <stdbool.h>

#include "core/problem.h"

/* Where and how a layer runs. */
struct dispatch_choice {
    const struct layer_option *option;
    uint32_t accelerator;
};

struct dispatch_times {
    uint64_t *start_ps, *end_ps; /* [layer], the caller's */
};

struct dispatch;
struct dispatch *dispatch_new(const struct problem *problem);
void dispatch_free(struct dispatch *dispatch);

/*
 * choices and position by layer (smaller positions go first); tail_ps[layer]: least time from the
 * end of a layer to the end of the run. The makespan, or UINT64_MAX as soon as it is sure to pass
 * limit_ps; then `times` is incomplete.
 */
uint64_t dispatch_run(struct dispatch *dispatch, const struct dispatch_choice *choices,
                      const uint32_t *position, const uint64_t *tail_ps, uint64_t limit_ps,
                      const struct dispatch_times *times);

#endif
