/*
 * What is free on one accelerator over time: PEs, scratchpad and share slots as a step function.
 * List schedulers look for the earliest gap that holds a layer (insertion) and reserve it.
 * Neighbouring steps differ, and where nothing fits that may still come all is taken, so a busy
 * accelerator has few steps, however many layers it runs.
 * profile_earliest() is O(log steps + steps passed), profile_reserve() O(steps behind).
 */
#ifndef SOCWEAVE_MAPPER_PROFILE_H
#define SOCWEAVE_MAPPER_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "core/problem.h"

/* Free from at_ps until the next step; the last step lasts for ever. */
struct profile_step {
    uint64_t at_ps;
    uint64_t scratchpad_bytes;
    uint32_t pes, slots;
};

/* No layer to come needs less of any of these. */
struct profile_floor {
    uint64_t duration_ps, scratchpad_bytes;
    uint32_t pes;
};

struct profile {
    struct profile_step *steps; /* steps[0].at_ps == 0 */
    size_t count, capacity;
    struct profile_floor floor;
};

/* `layers`: how many reservations to expect; more are fine. */
void profile_init(struct profile *profile, const struct soc_accelerator *acc, size_t layers);
void profile_release(struct profile *profile);
/* What profile_init() does not know: by itself a layer takes one PE for 1 ps. For an empty one. */
void profile_set_floor(struct profile *profile, const struct profile_floor *floor);
void profile_clear(struct profile *profile, const struct soc_accelerator *acc);
void profile_copy(struct profile *to, const struct profile *from);

/* The earliest time from ready_ps on at which the option fits for duration_ps. The option must fit
 * the idle accelerator. */
uint64_t profile_earliest(const struct profile *profile, const struct layer_option *option,
                          uint64_t ready_ps, uint64_t duration_ps);
/* Takes it; it must fit there. */
void profile_reserve(struct profile *profile, const struct layer_option *option, uint64_t start_ps,
                     uint64_t duration_ps);
/* Both: reserves the earliest time and returns it. */
uint64_t profile_place(struct profile *profile, const struct layer_option *option,
                       uint64_t ready_ps, uint64_t duration_ps);

#endif
