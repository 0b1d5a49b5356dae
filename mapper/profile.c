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
    *profile = (struct profile){
        .steps = mem_alloc(capacity, sizeof(struct profile_step)),
        .capacity = capacity,
        .floor = { .duration_ps = 1, .pes = 1 },
    };
    profile_clear(profile, acc);
}

void profile_set_floor(struct profile *profile, const struct profile_floor *floor)
{
    profile->floor = *floor;
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

/* The step in force at a time. Lists are filled from left to right: most are among the last. */
static size_t step_at(const struct profile *profile, uint64_t at_ps)
{
    enum { NEAR = 8 };
    size_t low = 0, high = profile->count;
    for (size_t reach = NEAR; reach < high; reach *= 2)
        if (profile->steps[profile->count - reach].at_ps <= at_ps) {
            low = profile->count - reach;
            break;
        } else {
            high = profile->count - reach;
        }
    while (high - low > NEAR) {
        size_t middle = low + (high - low) / 2;
        if (profile->steps[middle].at_ps <= at_ps)
            low = middle;
        else
            high = middle;
    }
    while (high - low > 1 && profile->steps[high - 1].at_ps > at_ps)
        high--;
    return high - 1;
}

static bool holds(const struct profile_step *step, const struct layer_option *option)
{
    return step->slots > 0 && step->pes >= option->pes &&
           step->scratchpad_bytes >= option->scratchpad_bytes;
}

/* From step `at` on, the one in force at start_ps; it ends as the step where the layer fits. */
static uint64_t earliest_from(const struct profile *profile, const struct layer_option *option,
                              uint64_t start_ps, uint64_t duration_ps, size_t *at)
{
    const struct profile_step *step = &profile->steps[*at], *end = profile->steps + profile->count,
                              *fits = step;
    for (;; step++) {
        if (!holds(step, option)) {
            assert(step + 1 < end);
            fits = step + 1;
            start_ps = step[1].at_ps;
        } else if (step + 1 == end || step[1].at_ps - start_ps >= duration_ps) {
            *at = (size_t)(fits - profile->steps);
            return start_ps;
        }
    }
}

uint64_t profile_earliest(const struct profile *profile, const struct layer_option *option,
                          uint64_t ready_ps, uint64_t duration_ps)
{
    size_t at = step_at(profile, ready_ps);
    return earliest_from(profile, option, ready_ps, duration_ps, &at);
}

/* --- reservation ---------------------------------------------------------------------------- */

static bool alike(const struct profile_step *a, const struct profile_step *b)
{
    return a->scratchpad_bytes == b->scratchpad_bytes && a->pes == b->pes && a->slots == b->slots;
}

static bool is_full(const struct profile_step *step)
{
    return step->slots == 0;
}

static void fill(struct profile_step *step)
{
    *step = (struct profile_step){ .at_ps = step->at_ps };
}

static void take(struct profile *profile, struct profile_step *step,
                 const struct layer_option *option)
{
    assert(holds(step, option));
    step->pes -= option->pes;
    step->scratchpad_bytes -= option->scratchpad_bytes;
    step->slots--;
    if (is_full(step) || step->pes < profile->floor.pes ||
        step->scratchpad_bytes < profile->floor.scratchpad_bytes)
        fill(step);
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

/* Is the step part of a gap too short for any layer? The gap is then steps *low … *high - 1. */
static bool in_short_gap(const struct profile *profile, size_t at, size_t *low, size_t *high)
{
    const struct profile_step *steps = profile->steps;
    for (*high = at; *high < profile->count && !is_full(&steps[*high]); (*high)++)
        if (steps[*high].at_ps - steps[at].at_ps >= profile->floor.duration_ps)
            return false;
    if (*high == at || *high == profile->count)
        return false;
    uint64_t end_ps = steps[*high].at_ps;
    for (*low = at; end_ps - steps[*low].at_ps < profile->floor.duration_ps; (*low)--)
        if (*low == 0 || is_full(&steps[*low - 1]))
            return true;
    return false;
}

/* Steps that may have become like their neighbours. */
struct range {
    size_t first, last;
};

static void fill_short_gap(struct profile *profile, size_t at, struct range *changed)
{
    size_t low, high;
    if (!in_short_gap(profile, at, &low, &high))
        return;
    for (size_t i = low; i < high; i++)
        fill(&profile->steps[i]);
    changed->first = low < changed->first ? low : changed->first;
    changed->last = high > changed->last ? high : changed->last;
}

/* The changed steps that are like the one before go. */
static void merge(struct profile *profile, struct range changed)
{
    size_t kept = changed.first;
    for (size_t at = changed.first; at <= changed.last; at++)
        if (at == 0 || !alike(&profile->steps[kept - 1], &profile->steps[at]))
            profile->steps[kept++] = profile->steps[at];
    if (kept <= changed.last)
        move_rest(profile, changed.last + 1, kept);
}

/* `first`: the step in force at start_ps. */
static void reserve_from(struct profile *profile, const struct layer_option *option,
                         uint64_t start_ps, uint64_t duration_ps, size_t first)
{
    uint64_t end_ps = start_ps + duration_ps;
    size_t last = first;
    while (last + 1 < profile->count && profile->steps[last + 1].at_ps < end_ps)
        last++;
    /* The steps in force from start to end are first … last; cut the outer two where they stick
     * out. */
    struct profile_step behind = profile->steps[last];
    behind.at_ps = end_ps;
    bool cut_before = profile->steps[first].at_ps < start_ps;
    bool cut_behind = last + 1 == profile->count || profile->steps[last + 1].at_ps > end_ps;
    if (cut_before || cut_behind)
        move_rest(profile, last + 1, last + 1 + cut_before + cut_behind);
    if (cut_before) {
        memmove(&profile->steps[first + 1], &profile->steps[first],
                (last - first + 1) * sizeof *profile->steps);
        profile->steps[++first].at_ps = start_ps;
        last++;
    }
    if (cut_behind)
        profile->steps[last + 1] = behind;
    for (size_t at = first; at <= last; at++)
        take(profile, &profile->steps[at], option);
    struct range changed = { first, last + 1 };
    if (first > 0)
        fill_short_gap(profile, first - 1, &changed);
    fill_short_gap(profile, first, &changed);
    fill_short_gap(profile, last + 1, &changed);
    merge(profile, changed);
}

void profile_reserve(struct profile *profile, const struct layer_option *option, uint64_t start_ps,
                     uint64_t duration_ps)
{
    reserve_from(profile, option, start_ps, duration_ps, step_at(profile, start_ps));
}

uint64_t profile_place(struct profile *profile, const struct layer_option *option,
                       uint64_t ready_ps, uint64_t duration_ps)
{
    size_t at = step_at(profile, ready_ps);
    uint64_t start_ps = earliest_from(profile, option, ready_ps, duration_ps, &at);
    reserve_from(profile, option, start_ps, duration_ps, at);
    return start_ps;
}
