#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "ga/nsga2.h"
#include "sweep/strategy_kinds.h"

const char *const sweep_kind_names[SWEEP_KIND_COUNT] = { "grid", "random", "halving", "nsga2" };

enum {
    KEEP_ONE_IN = 4,
    RUNGS_MAX = 4,
    LAST_RUNG_MIN = 6 /* points on the full rung, if there are so many */
};
#define STREAM_SAMPLE UINT64_C(0x73616d70)

/* --- chosen points ---------------------------------------------------------------------------- */

static size_t slot_of(const struct sweep_chosen *chosen, uint64_t point)
{
    size_t at = (size_t)((point * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & chosen->mask;
    while (chosen->slots[at] != SWEEP_NO_POINT && chosen->slots[at] != point)
        at = (at + 1) & chosen->mask;
    return at;
}

static void resize(struct sweep_chosen *chosen, size_t slot_count)
{
    struct sweep_chosen old = *chosen;
    chosen->slots = mem_alloc(slot_count, sizeof *chosen->slots);
    chosen->mask = slot_count - 1;
    for (size_t i = 0; i < slot_count; i++)
        chosen->slots[i] = SWEEP_NO_POINT;
    for (size_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i] != SWEEP_NO_POINT)
            chosen->slots[slot_of(chosen, old.slots[i])] = old.slots[i];
    free(old.slots);
}

bool sweep_choose(struct sweep_strategy *s, uint64_t point)
{
    struct sweep_chosen *chosen = &s->chosen;
    if (2 * chosen->count > chosen->mask)
        resize(chosen, 2 * (chosen->mask + 1));
    size_t at = slot_of(chosen, point);
    if (chosen->slots[at] == point)
        return false;
    chosen->slots[at] = point;
    chosen->count++;
    return true;
}

static uint64_t random_below(struct rng *rng, uint64_t n)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, draw;
    do
        draw = rng_u64(rng);
    while (draw >= limit);
    return draw % n;
}

uint64_t sweep_fresh_point(struct sweep_strategy *s)
{
    uint64_t point = random_below(&s->rng, s->space->point_count);
    for (int i = 0; i < SWEEP_TRIES; i++) {
        if (sweep_choose(s, point))
            return point;
        point = random_below(&s->rng, s->space->point_count);
    }
    while (!sweep_choose(s, point))
        point = (point + 1) % s->space->point_count;
    return point;
}

/* --- ranks ------------------------------------------------------------------------------------ */

void sweep_take_outcome(const struct sweep_strategy *s, const struct sweep_outcome *outcome,
                        struct sweep_member *member)
{
    for (size_t d = 0; d < s->options.objective_count; d++)
        member->values[d] = outcome->status == SWEEP_OK
                                ? sweep_objective_value(s->options.objectives[d], outcome)
                                : INFINITY;
}

/* Best first by rank and crowding; of equal ones the lower index. Returns how many are OK; those
 * of the front are *front_count. */
static size_t sort_members(struct sweep_strategy *s, size_t *front_count)
{
    size_t dims = s->options.objective_count, count = s->member_count, ok = 0;
    double *values = mem_alloc(count * dims + 1, sizeof *values);
    size_t *order = mem_alloc(count + 1, sizeof *order);
    uint32_t *rank = mem_alloc(count + 1, sizeof *rank);
    struct sweep_member *sorted = mem_alloc(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        memcpy(values + i * dims, s->members[i].values, dims * sizeof *values);
    ga_nsga2_order(values, count, dims, order);
    ga_nsga2_rank(values, count, dims, rank);
    *front_count = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = s->members[order[i]];
        ok += sweep_member_is_ok(&sorted[i]);
        *front_count += sweep_member_is_ok(&sorted[i]) && rank[order[i]] == 0;
    }
    memcpy(s->members, sorted, count * sizeof *sorted);
    free(values);
    free(order);
    free(rank);
    free(sorted);
    return ok;
}

/* --- grid and random -------------------------------------------------------------------------- */

static void add_request(struct sweep_strategy *s, uint64_t point)
{
    s->batch[s->batch_count++] = (struct sweep_request){ point, s->rung };
}

static void ask_grid(struct sweep_strategy *s)
{
    while (s->batch_count < s->options.batch && s->asked < s->budget_points)
        add_request(s, s->asked++);
}

static void ask_random(struct sweep_strategy *s)
{
    for (; s->batch_count < s->options.batch && s->asked < s->budget_points; s->asked++)
        add_request(s, sweep_fresh_point(s));
}

static void tell_nothing(struct sweep_strategy *s, const struct sweep_outcome *outcomes)
{
    (void)s;
    (void)outcomes;
}

/* --- halving ---------------------------------------------------------------------------------- */

static void start_halving(struct sweep_strategy *s)
{
    uint64_t last = s->budget_points / KEEP_ONE_IN;
    for (; s->rung_count < RUNGS_MAX && last >= LAST_RUNG_MIN; last /= KEEP_ONE_IN)
        s->rung_count++;
    s->member_count = (size_t)s->budget_points;
    s->members = mem_alloc(s->member_count, sizeof *s->members);
    for (size_t i = 0; i < s->member_count; i++)
        s->members[i].point = s->budget_points == s->space->point_count ? i : sweep_fresh_point(s);
}

/*
 * All of this rung are told: the best quarter goes on, or the front if that is more, up to half; to
 * the full rung up to three quarters, since what is not there is lost.
 */
static void climb(struct sweep_strategy *s)
{
    bool last = s->rung + 2 == s->rung_count;
    size_t front, ok = sort_members(s, &front), most = s->member_count * (last ? 3 : 2) / 4;
    size_t wanted = (s->member_count + KEEP_ONE_IN - 1) / KEEP_ONE_IN;
    if (front > wanted)
        wanted = front < most ? front : most;
    s->member_count = wanted < ok ? wanted : ok;
    s->member_asked = 0;
    s->rung++;
}

static void ask_halving(struct sweep_strategy *s)
{
    if (s->member_asked == s->member_count && s->rung + 1 < s->rung_count)
        climb(s);
    while (s->batch_count < s->options.batch && s->member_asked < s->member_count)
        add_request(s, s->members[s->member_asked++].point);
}

static void tell_members(struct sweep_strategy *s, const struct sweep_outcome *outcomes)
{
    for (size_t i = 0; i < s->batch_count; i++)
        sweep_take_outcome(s, &outcomes[i], &s->members[s->member_asked - s->batch_count + i]);
}

/* --- the four kinds --------------------------------------------------------------------------- */

static void start_nothing(struct sweep_strategy *s)
{
    (void)s;
}

static const struct {
    void (*start)(struct sweep_strategy *s);
    void (*ask)(struct sweep_strategy *s); /* fills the batch */
    void (*tell)(struct sweep_strategy *s, const struct sweep_outcome *outcomes);
} kinds[SWEEP_KIND_COUNT] = {
    [SWEEP_GRID] = { start_nothing, ask_grid, tell_nothing },
    [SWEEP_RANDOM] = { start_nothing, ask_random, tell_nothing },
    [SWEEP_HALVING] = { start_halving, ask_halving, tell_members },
    [SWEEP_NSGA2] = { sweep_nsga2_start, sweep_nsga2_ask, sweep_nsga2_tell },
};

enum err_code sweep_strategy_new(struct sweep_strategy **out, const struct space *space,
                                 const struct sweep_strategy_options *options, struct err *err)
{
    uint64_t budget = options->budget_points && options->kind != SWEEP_GRID ? options->budget_points
                                                                            : space->point_count;
    assert(options->objective_count >= 1 && options->budget_layers >= 1 && options->batch >= 1);
    if (options->budget_points)
        budget = min_u64(budget, options->budget_points);
    budget = min_u64(budget, space->point_count);
    if (budget > SWEEP_POINTS_MAX)
        return err_set(err, ERR_LIMIT,
                       "%s: %llu points are more than %llu: give a budget of points", space->file,
                       (unsigned long long)budget, (unsigned long long)SWEEP_POINTS_MAX);
    struct sweep_strategy *s = mem_alloc(1, sizeof *s);
    s->space = space;
    s->options = *options;
    s->batch = mem_alloc(options->batch, sizeof *s->batch);
    s->budget_points = budget;
    s->rung_count = 1;
    s->rung_factor = KEEP_ONE_IN;
    s->rng = rng_stream(options->seed, STREAM_SAMPLE, 0);
    resize(&s->chosen, 64);
    kinds[options->kind].start(s);
    *out = s;
    return ERR_OK;
}

void sweep_strategy_free(struct sweep_strategy *s)
{
    if (!s)
        return;
    free(s->batch);
    free(s->chosen.slots);
    free(s->members);
    sweep_nsga2_free(s->nsga2);
    free(s);
}

size_t sweep_ask(struct sweep_strategy *s, const struct sweep_request **batch)
{
    if (s->batch_count == 0)
        kinds[s->options.kind].ask(s);
    *batch = s->batch;
    return s->batch_count;
}

void sweep_tell(struct sweep_strategy *s, const struct sweep_outcome *outcomes)
{
    kinds[s->options.kind].tell(s, outcomes);
    s->batch_count = 0;
}

uint64_t sweep_rung_layers(const struct sweep_strategy *s, uint32_t rung)
{
    uint64_t layers = s->options.budget_layers;
    for (uint32_t i = rung; i + 1 < s->rung_count; i++)
        layers /= s->rung_factor;
    return max_u64(layers, 1);
}

uint32_t sweep_full_rung(const struct sweep_strategy *s)
{
    return s->rung_count - 1;
}

uint64_t sweep_expected_requests(const struct sweep_strategy *s)
{
    uint64_t count = s->budget_points, sum = 0;
    if (s->nsga2)
        return sweep_nsga2_expected_requests(s);
    for (uint32_t i = 0; i < s->rung_count; i++, count = (count + KEEP_ONE_IN - 1) / KEEP_ONE_IN)
        sum += count;
    return sum;
}
