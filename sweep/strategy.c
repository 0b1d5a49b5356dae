#include "sweep/strategy.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "core/rng.h"
#include "ga/nsga2.h"

const char *const sweep_kind_names[SWEEP_KIND_COUNT] = { "grid", "random", "halving", "nsga2" };

enum {
    BATCH = 128, /* enough for any machine's workers, few enough for replays to matter */
    KEEP_ONE_IN = 4,
    RUNGS_MAX = 4,
    LAST_RUNG_MIN = 6, /* points on the full rung, if there are so many */
    POPULATION_MIN = 8,
    POPULATION_MAX = 64,
    GENERATIONS_WANTED = 8,
    JUMP_ONE_IN = 8,
    BREED_TRIES = 20
};
#define STREAM_SAMPLE UINT64_C(0x73616d70)
#define STREAM_BREED  UINT64_C(0x62726565)

/* Points that were chosen, as an open-addressing hash set. */
struct chosen {
    uint64_t *slots; /* SWEEP_NO_POINT: free */
    size_t mask, count;
};

/* A point with its values, or +infinity where it is out. */
struct member {
    uint64_t point;
    double values[SWEEP_OBJECTIVE_COUNT];
};

struct sweep_strategy {
    const struct space *space;
    struct sweep_strategy_options options;
    uint64_t budget_points;
    struct sweep_request batch[BATCH];
    size_t batch_count; /* 0: nothing is asked that was not told */
    struct chosen chosen;
    struct rng rng;
    uint64_t asked; /* points of the sample, or of the grid, so far */
    uint32_t rung, rung_count;
    struct member *members; /* halving: of this rung; nsga2: parents, then children */
    size_t member_count, parent_count, member_asked, population;
    uint64_t generation;
};

/* --- chosen points ---------------------------------------------------------------------------- */

static size_t slot_of(const struct chosen *chosen, uint64_t point)
{
    size_t at = (size_t)((point * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & chosen->mask;
    while (chosen->slots[at] != SWEEP_NO_POINT && chosen->slots[at] != point)
        at = (at + 1) & chosen->mask;
    return at;
}

/* False if it was chosen before. */
static bool choose(struct chosen *chosen, uint64_t point)
{
    size_t at = slot_of(chosen, point);
    if (chosen->slots[at] == point)
        return false;
    chosen->slots[at] = point;
    chosen->count++;
    return true;
}

static void chosen_init(struct chosen *chosen, uint64_t count)
{
    size_t slots = 64;
    while (slots < 2 * count)
        slots *= 2;
    chosen->slots = mem_alloc(slots, sizeof *chosen->slots);
    chosen->mask = slots - 1;
    for (size_t i = 0; i < slots; i++)
        chosen->slots[i] = SWEEP_NO_POINT;
}

static uint64_t random_below(struct rng *rng, uint64_t n)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, draw;
    do
        draw = rng_u64(rng);
    while (draw >= limit);
    return draw % n;
}

/* A random point that was not chosen; when most are, the next free one after a random one. */
static uint64_t fresh_point(struct sweep_strategy *s)
{
    uint64_t point = random_below(&s->rng, s->space->point_count);
    for (int i = 0; i < BREED_TRIES; i++) {
        if (choose(&s->chosen, point))
            return point;
        point = random_below(&s->rng, s->space->point_count);
    }
    while (!choose(&s->chosen, point))
        point = (point + 1) % s->space->point_count;
    return point;
}

/* --- ranks ------------------------------------------------------------------------------------ */

static void take_outcome(const struct sweep_strategy *s, const struct sweep_outcome *outcome,
                         struct member *member)
{
    for (size_t d = 0; d < s->options.objective_count; d++)
        member->values[d] = outcome->status == SWEEP_OK
                                ? sweep_objective_value(s->options.objectives[d], outcome)
                                : INFINITY;
}

static bool is_ok(const struct member *member)
{
    return member->values[0] < INFINITY;
}

/* Best first by rank and crowding; of equal ones the lower index. Returns how many are OK; those
 * of the front are *front_count. */
static size_t sort_members(struct sweep_strategy *s, size_t *front_count)
{
    size_t dims = s->options.objective_count, count = s->member_count, ok = 0;
    double *values = mem_alloc(count * dims + 1, sizeof *values);
    size_t *order = mem_alloc(count + 1, sizeof *order);
    uint32_t *rank = mem_alloc(count + 1, sizeof *rank);
    struct member *sorted = mem_alloc(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        memcpy(values + i * dims, s->members[i].values, dims * sizeof *values);
    ga_nsga2_order(values, count, dims, order);
    ga_nsga2_rank(values, count, dims, rank);
    *front_count = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = s->members[order[i]];
        ok += is_ok(&sorted[i]);
        *front_count += is_ok(&sorted[i]) && rank[order[i]] == 0;
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
    while (s->batch_count < BATCH && s->asked < s->budget_points)
        add_request(s, s->asked++);
}

static void ask_random(struct sweep_strategy *s)
{
    for (; s->batch_count < BATCH && s->asked < s->budget_points; s->asked++)
        add_request(s, fresh_point(s));
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
        s->members[i].point = s->budget_points == s->space->point_count ? i : fresh_point(s);
}

/* All of this rung are told: the best quarter goes on, or the front if that is more, up to half. */
static void climb(struct sweep_strategy *s)
{
    size_t front, ok = sort_members(s, &front), half = s->member_count / 2;
    size_t wanted = (s->member_count + KEEP_ONE_IN - 1) / KEEP_ONE_IN;
    if (front > wanted)
        wanted = front < half ? front : half;
    s->member_count = wanted < ok ? wanted : ok;
    s->member_asked = 0;
    s->rung++;
}

static void ask_halving(struct sweep_strategy *s)
{
    if (s->member_asked == s->member_count && s->rung + 1 < s->rung_count)
        climb(s);
    while (s->batch_count < BATCH && s->member_asked < s->member_count)
        add_request(s, s->members[s->member_asked++].point);
}

static void tell_members(struct sweep_strategy *s, const struct sweep_outcome *outcomes)
{
    for (size_t i = 0; i < s->batch_count; i++)
        take_outcome(s, &outcomes[i], &s->members[s->member_asked - s->batch_count + i]);
}

/* --- nsga2 ------------------------------------------------------------------------------------ */

static void start_nsga2(struct sweep_strategy *s)
{
    uint64_t population = s->budget_points / GENERATIONS_WANTED;
    population = max_u64(min_u64(population, POPULATION_MAX), POPULATION_MIN);
    s->population = (size_t)population;
    s->members = mem_alloc(2 * s->population, sizeof *s->members);
}

/* Parents are sorted: of two, the one that stands before. */
static const struct member *tournament(struct sweep_strategy *s)
{
    uint32_t a = rng_below(&s->rng, (uint32_t)s->parent_count);
    uint32_t b = rng_below(&s->rng, (uint32_t)s->parent_count);
    return &s->members[a < b ? a : b];
}

/* A neighbouring value; of a parameter without an order, and now and then of any, any value. */
static uint32_t mutated(struct sweep_strategy *s, uint32_t value,
                        const struct space_parameter *parameter)
{
    uint32_t count = (uint32_t)parameter->value_count;
    if (parameter->order == SPACE_UNORDERED || rng_below(&s->rng, JUMP_ONE_IN) == 0)
        return rng_below(&s->rng, count);
    if (rng_below(&s->rng, 2))
        return value + 1 < count ? value + 1 : value;
    return value > 0 ? value - 1 : value;
}

static uint64_t breed(struct sweep_strategy *s)
{
    uint32_t father[SPACE_PARAMETERS_MAX], mother[SPACE_PARAMETERS_MAX];
    size_t count = s->space->parameter_count;
    space_choices(s->space, tournament(s)->point, father);
    space_choices(s->space, tournament(s)->point, mother);
    for (size_t i = 0; i < count; i++) {
        if (rng_below(&s->rng, 2))
            father[i] = mother[i];
        if (rng_below(&s->rng, (uint32_t)count) == 0)
            father[i] = mutated(s, father[i], &s->space->parameters[i]);
    }
    return space_point(s->space, father);
}

static uint64_t child(struct sweep_strategy *s)
{
    for (int i = 0; i < BREED_TRIES; i++) {
        uint64_t point = breed(s);
        if (choose(&s->chosen, point))
            return point;
    }
    return fresh_point(s);
}

static void ask_nsga2(struct sweep_strategy *s)
{
    size_t front;
    if (s->generation > 0) {
        sort_members(s, &front);
        s->member_count = s->member_count < s->population ? s->member_count : s->population;
    }
    s->parent_count = s->member_count;
    s->rng = rng_stream(s->options.seed, STREAM_BREED, s->generation);
    while (s->batch_count < s->population && s->asked < s->budget_points) {
        uint64_t point = s->generation == 0 ? fresh_point(s) : child(s);
        s->members[s->member_count++].point = point;
        s->asked++;
        add_request(s, point);
    }
    s->member_asked = s->member_count;
    s->generation++;
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
    [SWEEP_NSGA2] = { start_nsga2, ask_nsga2, tell_members },
};

enum err_code sweep_strategy_new(struct sweep_strategy **out, const struct space *space,
                                 const struct sweep_strategy_options *options, struct err *err)
{
    uint64_t budget = options->budget_points && options->kind != SWEEP_GRID ? options->budget_points
                                                                            : space->point_count;
    assert(options->objective_count >= 1 && options->budget_layers >= 1);
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
    s->budget_points = budget;
    s->rung_count = 1;
    s->rng = rng_stream(options->seed, STREAM_SAMPLE, 0);
    chosen_init(&s->chosen, budget);
    kinds[options->kind].start(s);
    *out = s;
    return ERR_OK;
}

void sweep_strategy_free(struct sweep_strategy *s)
{
    if (!s)
        return;
    free(s->chosen.slots);
    free(s->members);
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
        layers /= KEEP_ONE_IN;
    return max_u64(layers, 1);
}

uint32_t sweep_full_rung(const struct sweep_strategy *s)
{
    return s->rung_count - 1;
}

uint64_t sweep_expected_requests(const struct sweep_strategy *s)
{
    uint64_t count = s->budget_points, sum = 0;
    for (uint32_t i = 0; i < s->rung_count; i++, count = (count + KEEP_ONE_IN - 1) / KEEP_ONE_IN)
        sum += count;
    return sum;
}
