#include "mapper/profile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

void profile_clear(struct profile *profile, const struct soc_accelerator *acc)
{
    profile->count = 1;
    profile->steps[0] = (struct profile_step){
        .pes = soc_pes(acc),
        .scratchpad_bytes = acc->scratchpad_bytes,
        .slots = acc->shared_layers_max,
    };
}

void profile_init(struct profile *profile, const struct soc_accelerator *acc, size_t layers)
{
    size_t capacity = 2 * layers + 2;
    *profile = (struct profile){ mem_alloc(capacity, sizeof(struct profile_step)), 0, capacity };
    profile_clear(profile, acc);
}

void profile_release(struct profile *profile)
{
    free(profile->steps);
    *profile = (struct profile){ 0 };
}

void profile_copy(struct profile *to, const struct profile *from)
{
    if (to->capacity < from->count) {
        to->capacity = 2 * from->count;
        to->steps = mem_grow(to->steps, to->capacity, sizeof *to->steps);
    }
    memcpy(to->steps, from->steps, from->count * sizeof *to->steps);
    to->count = from->count;
}

/* The step in force at a time. */
static size_t step_at(const struct profile *profile, uint64_t at_ps)
{
    size_t low = 0, high = profile->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (profile->steps[middle].at_ps <= at_ps)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool holds(const struct profile_step *step, const struct layer_option *option)
{
    return step->slots > 0 && step->pes >= option->pes &&
           step->scratchpad_bytes >= option->scratchpad_bytes;
}

uint64_t profile_earliest(const struct profile *profile, const struct layer_option *option,
                          uint64_t ready_ps, uint64_t duration_ps)
{
    uint64_t start_ps = ready_ps;
    for (size_t at = step_at(profile, ready_ps); at < profile->count; at++) {
        const struct profile_step *step = &profile->steps[at];
        if (step->at_ps >= start_ps && step->at_ps - start_ps >= duration_ps)
            return start_ps;
        if (!holds(step, option)) {
            assert(at + 1 < profile->count);
            start_ps = profile->steps[at + 1].at_ps;
        }
    }
    return start_ps;
}

/* A step that begins at this time. */
static size_t split_at(struct profile *profile, uint64_t at_ps)
{
    size_t at = step_at(profile, at_ps);
    if (profile->steps[at].at_ps == at_ps)
        return at;
    if (profile->count == profile->capacity) {
        profile->capacity *= 2;
        profile->steps = mem_grow(profile->steps, profile->capacity, sizeof *profile->steps);
    }
    memmove(&profile->steps[at + 2], &profile->steps[at + 1],
            (profile->count - at - 1) * sizeof *profile->steps);
    profile->count++;
    profile->steps[at + 1] = profile->steps[at];
    profile->steps[at + 1].at_ps = at_ps;
    return at + 1;
}

void profile_reserve(struct profile *profile, const struct layer_option *option, uint64_t start_ps,
                     uint64_t duration_ps)
{
    size_t first = split_at(profile, start_ps);
    size_t last = split_at(profile, start_ps + duration_ps);
    for (size_t at = first; at < last; at++) {
        struct profile_step *step = &profile->steps[at];
        assert(holds(step, option));
        step->pes -= option->pes;
        step->scratchpad_bytes -= option->scratchpad_bytes;
        step->slots--;
    }
}
