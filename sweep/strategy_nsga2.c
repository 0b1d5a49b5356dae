/*
 * NSGA-II with pre-selection. A cheap look (rung 0, a sixty-fourth of the budget) goes to
 * LOOKS_EACH times as many points as are evaluated in full (rung 1). The first two thirds of the
 * generations only look; then those that look best beside what is known are evaluated between the
 * looks.
 *
 * First come the two ends of the space, all parameters least and all most generous, and a Latin
 * hypercube; then children of two parents each, parents being the best of all that is known. No
 * point is looked at twice. A look is a little worse than the truth: how much is learnt from the
 * points that have both, and half a standard deviation is given on top, since a point that is not
 * evaluated is lost and one that is evaluated in vain is not.
 *
 * Sources: Deb et al. 2002; McKay, Beckman, Conover, Technometrics 21(2), 1979 (Latin hypercubes);
 * Jin, Swarm and Evolutionary Computation 1(2), 2011 (pre-selection by a cheap model).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "ga/nsga2.h"
#include "sweep/strategy_kinds.h"

enum {
    LOOK,
    FULL,
    RUNGS,
    LOOKS_PER_FULL = 64, /* that many looks are as much work as a full evaluation */
    LOOKS_EACH = 8,      /* of a place in the generation */
    POPULATION_MIN = 8,
    POPULATION_MAX = 64,
    GENERATIONS_WANTED = 8,
    JUMP_ONE_IN = 8,
    POOL_MAX = 1024,   /* looked at, not evaluated: of more, the worst are forgotten */
    ARCHIVE_MAX = 1024 /* evaluated: likewise */
};
#define HOPE          0.5 /* standard deviations */
#define STREAM_BREED  UINT64_C(0x62726565)
#define STREAM_SAMPLE UINT64_C(0x6c617469)

struct sweep_nsga2 {
    size_t population;
    uint64_t budget;                  /* left, in looks */
    uint64_t generation, generations; /* begun; wanted */
    struct rng rng;
    struct sweep_member *archive; /* evaluated in full, best first */
    size_t archive_count;
    struct sweep_member *pool; /* looked at, likewise */
    size_t pool_count;
    struct sweep_member *parents; /* best first */
    size_t parent_count;
    uint64_t *asked; /* of this generation: points to look at, then points to evaluate */
    size_t asked_count, asked_at, told_at;
    struct sweep_member *looks; /* of the points to evaluate: what the look at each said */
    bool evaluates;             /* the points of `asked` in full, else looks at them */
    /* Of log(full / look) per objective, over points that have both. */
    double bias_sum[SWEEP_OBJECTIVE_COUNT], bias_square_sum[SWEEP_OBJECTIVE_COUNT];
    size_t bias_count[SWEEP_OBJECTIVE_COUNT];
};

static size_t looks_wanted(const struct sweep_nsga2 *n)
{
    return LOOKS_EACH * n->population;
}

static size_t evaluations_wanted(const struct sweep_nsga2 *n)
{
    return 2 * n->population;
}

void sweep_nsga2_start(struct sweep_strategy *s)
{
    struct sweep_nsga2 *n = mem_alloc(1, sizeof *n);
    uint64_t population = s->budget_points / GENERATIONS_WANTED;
    uint64_t most = max_u64(POPULATION_MAX, s->options.batch / 2); /* as many are evaluated */
    n->population = (size_t)max_u64(min_u64(population, most), POPULATION_MIN);
    n->budget = LOOKS_PER_FULL * s->budget_points;
    n->generations = max_u64(s->budget_points / n->population, 1);
    if (s->budget_points == s->space->point_count) /* no budget: a look at each, too */
        n->budget += s->budget_points;
    n->archive = mem_alloc(ARCHIVE_MAX + evaluations_wanted(n), sizeof *n->archive);
    n->pool = mem_alloc(POOL_MAX + looks_wanted(n), sizeof *n->pool);
    n->parents = mem_alloc(n->population, sizeof *n->parents);
    n->asked = mem_alloc(looks_wanted(n), sizeof *n->asked);
    n->looks = mem_alloc(evaluations_wanted(n), sizeof *n->looks);
    s->rung_count = RUNGS;
    s->rung_factor = LOOKS_PER_FULL;
    s->nsga2 = n;
}

void sweep_nsga2_free(struct sweep_nsga2 *n)
{
    if (!n)
        return;
    free(n->archive);
    free(n->pool);
    free(n->parents);
    free(n->asked);
    free(n->looks);
    free(n);
}

/* --- the first generation ----------------------------------------------------------------------
 */

/* Everything most generous, or least. */
static uint64_t end_of(const struct space *space, bool generous)
{
    uint32_t choices[SPACE_PARAMETERS_MAX];
    for (size_t i = 0; i < space->parameter_count; i++) {
        const struct space_parameter *p = &space->parameters[i];
        size_t best = 0;
        for (size_t v = 1; v < p->value_count && p->is_number; v++)
            if (generous == (p->order != SPACE_LESS_IS_MORE) ? p->numbers[v] > p->numbers[best]
                                                             : p->numbers[v] < p->numbers[best])
                best = v;
        choices[i] = (uint32_t)best;
    }
    return space_point(space, choices);
}

/* Rows of choices; within a parameter every value stands as often as the others, but for one. */
static void latin_hypercube(struct sweep_strategy *s, size_t count, uint32_t *choices)
{
    const struct space *space = s->space;
    struct rng rng = rng_stream(s->options.seed, STREAM_SAMPLE, 0);
    for (size_t p = 0; p < space->parameter_count; p++) {
        size_t values = space->parameters[p].value_count;
        for (size_t i = 0; i < count; i++)
            choices[i * SPACE_PARAMETERS_MAX + p] = (uint32_t)(i * values / count);
        for (size_t i = count; i > 1; i--) {
            size_t k = rng_below(&rng, (uint32_t)i);
            uint32_t kept = choices[(i - 1) * SPACE_PARAMETERS_MAX + p];
            choices[(i - 1) * SPACE_PARAMETERS_MAX + p] = choices[k * SPACE_PARAMETERS_MAX + p];
            choices[k * SPACE_PARAMETERS_MAX + p] = kept;
        }
    }
}

static void look_at(struct sweep_strategy *s, uint64_t point)
{
    s->nsga2->asked[s->nsga2->asked_count++] = point;
}

static void sample(struct sweep_strategy *s, size_t count)
{
    uint32_t *choices = mem_alloc(count * SPACE_PARAMETERS_MAX, sizeof *choices);
    latin_hypercube(s, count, choices);
    for (int generous = 0; generous < 2 && s->nsga2->asked_count < count; generous++) {
        uint64_t point = end_of(s->space, generous);
        if (sweep_choose(s, point))
            look_at(s, point);
    }
    for (size_t i = 0; s->nsga2->asked_count < count; i++) {
        uint64_t point = space_point(s->space, choices + i * SPACE_PARAMETERS_MAX);
        look_at(s, sweep_choose(s, point) ? point : sweep_fresh_point(s));
    }
    free(choices);
}

/* --- children ----------------------------------------------------------------------------------
 */

/* Parents are sorted: of two, the one that stands before. */
static const struct sweep_member *tournament(struct sweep_nsga2 *n)
{
    uint32_t a = rng_below(&n->rng, (uint32_t)n->parent_count);
    uint32_t b = rng_below(&n->rng, (uint32_t)n->parent_count);
    return &n->parents[a < b ? a : b];
}

/* A neighbouring value; of a parameter without an order, and now and then of any, any value. */
static uint32_t mutated(struct rng *rng, uint32_t value, const struct space_parameter *parameter)
{
    uint32_t count = (uint32_t)parameter->value_count;
    if (parameter->order == SPACE_UNORDERED || rng_below(rng, JUMP_ONE_IN) == 0)
        return rng_below(rng, count);
    if (rng_below(rng, 2))
        return value + 1 < count ? value + 1 : value;
    return value > 0 ? value - 1 : value;
}

static uint64_t breed(struct sweep_strategy *s)
{
    struct sweep_nsga2 *n = s->nsga2;
    uint32_t father[SPACE_PARAMETERS_MAX], mother[SPACE_PARAMETERS_MAX];
    size_t count = s->space->parameter_count;
    space_choices(s->space, tournament(n)->point, father);
    space_choices(s->space, tournament(n)->point, mother);
    for (size_t i = 0; i < count; i++) {
        if (rng_below(&n->rng, 2))
            father[i] = mother[i];
        if (rng_below(&n->rng, (uint32_t)count) == 0)
            father[i] = mutated(&n->rng, father[i], &s->space->parameters[i]);
    }
    return space_point(s->space, father);
}

static uint64_t child(struct sweep_strategy *s)
{
    for (int i = 0; s->nsga2->parent_count > 0 && i < SWEEP_TRIES; i++) {
        uint64_t point = breed(s);
        if (sweep_choose(s, point))
            return point;
    }
    return sweep_fresh_point(s);
}

/* --- what looks best ---------------------------------------------------------------------------
 */

/* What a full evaluation would say of a look, as far as is known. */
static double corrected(const struct sweep_nsga2 *n, double value, size_t d)
{
    double count = (double)n->bias_count[d];
    if (count == 0)
        return value;
    double mean = n->bias_sum[d] / count;
    double variance = n->bias_square_sum[d] / count - mean * mean;
    return value * exp(mean - sqrt(variance > 0 ? variance : 0) * HOPE);
}

static void learn(struct sweep_nsga2 *n, size_t dims, const struct sweep_member *look,
                  const struct sweep_member *full)
{
    for (size_t d = 0; sweep_member_is_ok(full) && d < dims; d++)
        if (look->values[d] > 0 && full->values[d] > 0) {
            double bias = log(full->values[d] / look->values[d]);
            n->bias_sum[d] += bias;
            n->bias_square_sum[d] += bias * bias;
            n->bias_count[d]++;
        }
}

/* Archive and pool, each best first by ranks and crowding among both; the best are parents. */
static void sort_both(struct sweep_strategy *s)
{
    struct sweep_nsga2 *n = s->nsga2;
    size_t dims = s->options.objective_count, count = n->archive_count + n->pool_count;
    struct sweep_member *all = mem_alloc(count + 1, sizeof *all);
    double *values = mem_alloc(count * dims + 1, sizeof *values);
    size_t *order = mem_alloc(count + 1, sizeof *order), archived = 0, pooled = 0;
    memcpy(all, n->archive, n->archive_count * sizeof *all);
    memcpy(all + n->archive_count, n->pool, n->pool_count * sizeof *all);
    for (size_t i = 0; i < count; i++)
        for (size_t d = 0; d < dims; d++)
            values[i * dims + d] =
                i < n->archive_count ? all[i].values[d] : corrected(n, all[i].values[d], d);
    ga_nsga2_order(values, count, dims, order);
    n->parent_count = count < n->population ? count : n->population;
    for (size_t i = 0; i < n->parent_count; i++)
        n->parents[i] = all[order[i]];
    for (size_t i = 0; i < count; i++)
        if (order[i] < n->archive_count)
            n->archive[archived++] = all[order[i]];
        else
            n->pool[pooled++] = all[order[i]];
    free(all);
    free(values);
    free(order);
}

/* --- generations ------------------------------------------------------------------------------
 */

static void begin_looks(struct sweep_strategy *s)
{
    struct sweep_nsga2 *n = s->nsga2;
    uint64_t unseen = s->space->point_count - s->chosen.count;
    uint64_t wanted = min_u64(looks_wanted(n), min_u64(unseen, s->budget_points * LOOKS_EACH));
    /* Looks are for what can then be evaluated. */
    if (n->budget < LOOKS_PER_FULL + LOOKS_EACH)
        wanted = 0;
    wanted = min_u64(wanted, LOOKS_EACH * (n->budget / (LOOKS_PER_FULL + LOOKS_EACH)));
    n->rng = rng_stream(s->options.seed, STREAM_BREED, n->generation);
    if (n->generation++ == 0)
        sample(s, (size_t)wanted);
    while (n->asked_count < wanted)
        look_at(s, child(s));
    n->budget -= n->asked_count;
}

/* The best of the pool leave it. */
static void begin_evaluations(struct sweep_strategy *s)
{
    struct sweep_nsga2 *n = s->nsga2;
    uint64_t wanted = min_u64(evaluations_wanted(n), n->budget / LOOKS_PER_FULL);
    sort_both(s);
    if (3 * n->generation <= 2 * n->generations && s->chosen.count < s->space->point_count)
        wanted = 0; /* looks alone, for now */
    while (n->asked_count < wanted && n->asked_count < n->pool_count) {
        n->looks[n->asked_count] = n->pool[n->asked_count];
        n->asked[n->asked_count] = n->pool[n->asked_count].point;
        n->asked_count++;
    }
    n->pool_count -= n->asked_count;
    memmove(n->pool, n->pool + n->asked_count, n->pool_count * sizeof *n->pool);
    n->pool_count = n->pool_count < POOL_MAX ? n->pool_count : POOL_MAX;
    n->budget -= LOOKS_PER_FULL * n->asked_count;
}

/* Looks, evaluations, looks, …; what has nothing to ask is left out. */
static void begin_phase(struct sweep_strategy *s)
{
    struct sweep_nsga2 *n = s->nsga2;
    n->asked_count = n->asked_at = n->told_at = 0;
    for (int tries = 0; tries < 2 && n->asked_count == 0; tries++) {
        n->evaluates = n->generation > 0 && !n->evaluates;
        if (n->evaluates)
            begin_evaluations(s);
        else
            begin_looks(s);
    }
}

void sweep_nsga2_ask(struct sweep_strategy *s)
{
    struct sweep_nsga2 *n = s->nsga2;
    if (n->told_at == n->asked_count)
        begin_phase(s);
    while (s->batch_count < s->options.batch && n->asked_at < n->asked_count)
        s->batch[s->batch_count++] =
            (struct sweep_request){ n->asked[n->asked_at++], n->evaluates ? FULL : LOOK };
}

/* A point that is out is out at any budget. */
static void tell_one(struct sweep_strategy *s, const struct sweep_outcome *outcome)
{
    struct sweep_nsga2 *n = s->nsga2;
    struct sweep_member told = { .point = n->asked[n->told_at] };
    sweep_take_outcome(s, outcome, &told);
    if (n->evaluates)
        learn(n, s->options.objective_count, &n->looks[n->told_at], &told);
    n->told_at++;
    if (!sweep_member_is_ok(&told))
        return;
    if (n->evaluates)
        n->archive[n->archive_count++] = told;
    else
        n->pool[n->pool_count++] = told;
}

void sweep_nsga2_tell(struct sweep_strategy *s, const struct sweep_outcome *outcomes)
{
    struct sweep_nsga2 *n = s->nsga2;
    for (size_t i = 0; i < s->batch_count; i++)
        tell_one(s, &outcomes[i]);
    if (n->told_at == n->asked_count && n->evaluates) {
        sort_both(s);
        n->archive_count = n->archive_count < ARCHIVE_MAX ? n->archive_count : ARCHIVE_MAX;
    }
}

/* As many evaluations as the budget has with their looks. */
uint64_t sweep_nsga2_expected_requests(const struct sweep_strategy *s)
{
    uint64_t points = s->space->point_count;
    uint64_t full = s->budget_points * LOOKS_PER_FULL / (LOOKS_PER_FULL + LOOKS_EACH);
    if (s->budget_points == points)
        full = points;
    return full + min_u64(LOOKS_EACH * full, points);
}
