#include "mapper/profile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

void profile_clear(struct profile *profile, const struct soc_accelerator *acc)
{
    profile->count = 1;
    profile->steps[0] = (struct profile_step){
        .pes = (uint32_t)soc_pes(acc),
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

static bool alike(const struct profile_step *a, const struct profile_step *b)
{
    return a->scratchpad_bytes == b->scratchpad_bytes && a->pes == b->pes && a->slots == b->slots;
}

/* Make `to` - `from` more (or fewer) steps between those before `from` and the rest. */
static void move_rest(struct profile *profile, size_t from, size_t to)
{
    size_t count = profile->count + to - from;
    if (count > profile->capacity) {
        profile->capacity = 2 * count;
        profile->steps = mem_grow(profile->steps, profile->capacity, sizeof *profile->steps);
    }
    memmove(&profile->steps[to], &profile->steps[from],
            (profile->count - from) * sizeof *profile->steps);
    profile->count = count;
}

static void merge_with_before(struct profile *profile, size_t at)
{
    if (at > 0 && at < profile->count && alike(&profile->steps[at - 1], &profile->steps[at]))
        move_rest(profile, at + 1, at);
}

void profile_reserve(struct profile *profile, const struct layer_option *option, uint64_t start_ps,
                     uint64_t duration_ps)
{
    uint64_t end_ps = start_ps + duration_ps;
    size_t first = step_at(profile, start_ps), last = first;
    while (last + 1 < profile->count && profile->steps[last + 1].at_ps < end_ps)
        last++;
    /* The steps in force from start to end are first … last; cut the outer two where they stick
     * out. */
    struct profile_step behind = profile->steps[last];
    behind.at_ps = end_ps;
    bool cut_before = profile->steps[first].at_ps < start_ps;
    bool cut_behind = last + 1 == profile->count || profile->steps[last + 1].at_ps > end_ps;
    move_rest(profile, last + 1, last + 1 + cut_before + cut_behind);
    if (cut_before) {
        memmove(&profile->steps[first + 1], &profile->steps[first],
                (last - first + 1) * sizeof *profile->steps);
        profile->steps[++first].at_ps = start_ps;
        last++;
    }
    if (cut_behind)
        profile->steps[last + 1] = behind;
    for (size_t at = first; at <= last; at++) {
        struct profile_step *step = &profile->steps[at];
        assert(holds(step, option));
        step->pes -= option->pes;
        step->scratchpad_bytes -= option->scratchpad_bytes;
        step->slots--;
    }
    merge_with_before(profile, last + 1);
    merge_with_before(profile, first);
}
