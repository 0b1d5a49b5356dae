/* See ga.h. A pool of genome slots; elites keep their slots, children take free ones. */
#include "ga/ga.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

struct member {
    uint32_t slot, order; /* order: elites first, then children by index; breaks ties */
    double value, true_value;
    bool reranked;
};

enum plan_kind { PLAN_RANDOM, PLAN_MUTATE, PLAN_CROSSOVER };

struct plan {
    enum plan_kind kind;
    uint32_t father, mother; /* positions among the elites */
};

struct ga {
    const struct ga_problem *problem;
    const struct ga_options *options;
    unsigned char *genomes; /* capacity slots */
    size_t capacity, elite_count, member_count, rerank_count;
    struct member *members; /* elites, then children */
    struct plan *plans;
    void **batch;
    double *batch_values;
    bool *slot_used;
    double best_value;
    void *best;
    uint64_t evaluations;
};

static void *genome_at(const struct ga *ga, uint32_t slot)
{
    return ga->genomes + (size_t)slot * ga->problem->genome_bytes;
}

static size_t children_max(const struct ga_options *options)
{
    size_t elites = options->elite_count;
    size_t pairs = elites * elites;
    return options->breeding == GA_BREED_PAIRS && pairs > options->population ? pairs
                                                                              : options->population;
}

static void ga_init(struct ga *ga, const struct ga_problem *problem,
                    const struct ga_options *options, void *best)
{
    size_t capacity = children_max(options) + options->elite_count;
    *ga = (struct ga){
        .problem = problem,
        .options = options,
        .capacity = capacity,
        .genomes = mem_alloc(capacity, problem->genome_bytes),
        .members = mem_alloc(capacity, sizeof(struct member)),
        .plans = mem_alloc(capacity, sizeof(struct plan)),
        .batch = mem_alloc(capacity, sizeof(void *)),
        .batch_values = mem_alloc(capacity, sizeof(double)),
        .slot_used = mem_alloc(capacity, sizeof(bool)),
        .rerank_count = options->rerank_count ? options->rerank_count : options->elite_count,
        .best_value = INFINITY,
        .best = best,
    };
}

static void ga_release(struct ga *ga)
{
    free(ga->genomes);
    free(ga->members);
    free(ga->plans);
    free(ga->batch);
    free(ga->batch_values);
    free(ga->slot_used);
}

static size_t plan_pairs(const struct ga *ga, struct rng *rng)
{
    const struct ga_options *options = ga->options;
    size_t count = 0;
    for (uint32_t father = 0; father < ga->elite_count; father++) {
        if (rng_real(rng) < options->mutation_rate)
            ga->plans[count++] = (struct plan){ PLAN_MUTATE, father, father };
        for (uint32_t mother = 0; mother < ga->elite_count; mother++)
            if (mother != father && rng_real(rng) < options->crossover_rate)
                ga->plans[count++] = (struct plan){ PLAN_CROSSOVER, father, mother };
    }
    return count;
}

static size_t plan_fill(const struct ga *ga, struct rng *rng)
{
    uint32_t elites = (uint32_t)ga->elite_count;
    for (size_t i = 0; i < ga->options->population; i++) {
        uint32_t father = rng_below(rng, elites);
        if (elites == 1 || rng_real(rng) < ga->options->mutation_rate) {
            ga->plans[i] = (struct plan){ PLAN_MUTATE, father, father };
        } else {
            uint32_t mother = (father + 1 + rng_below(rng, elites - 1)) % elites;
            ga->plans[i] = (struct plan){ PLAN_CROSSOVER, father, mother };
        }
    }
    return ga->options->population;
}

/* The children of this generation, cut to what the budget leaves. */
static size_t plan_children(const struct ga *ga, unsigned generation)
{
    const struct ga_options *options = ga->options;
    /* Individuals have indices from 0: the last index is the plan's own stream. */
    struct rng rng = rng_stream(options->seed, generation, (UINT64_C(1) << 48) - 1);
    size_t count;
    if (generation == 0 || options->breeding == GA_BREED_RANDOM || ga->elite_count == 0) {
        count = options->population;
        for (size_t i = 0; i < count; i++)
            ga->plans[i] = (struct plan){ PLAN_RANDOM, 0, 0 };
    } else if (options->breeding == GA_BREED_PAIRS) {
        count = plan_pairs(ga, &rng);
    } else {
        count = plan_fill(ga, &rng);
    }
    if (count == 0) /* all chances failed: a generation without children would not end a budget */
        ga->plans[count++] = (struct plan){ PLAN_MUTATE, 0, 0 };
    uint64_t left =
        options->budget_evals ? options->budget_evals - ga->evaluations : (uint64_t)count;
    return left < count ? (size_t)left : count;
}

static void make_child(const struct ga *ga, const struct plan *plan, unsigned thread,
                       struct rng *rng, void *child)
{
    const struct ga_problem *problem = ga->problem;
    const void *father = genome_at(ga, ga->members[plan->father].slot);
    const void *mother = genome_at(ga, ga->members[plan->mother].slot);
    switch (plan->kind) {
    case PLAN_RANDOM:
        problem->random(problem->ctx, thread, rng, child);
        break;
    case PLAN_MUTATE:
        problem->mutate(problem->ctx, thread, rng, father, child);
        break;
    case PLAN_CROSSOVER:
        problem->crossover(problem->ctx, thread, rng, father, mother, child);
        break;
    }
}

static void take_slots(struct ga *ga, size_t child_count)
{
    memset(ga->slot_used, 0, ga->capacity * sizeof *ga->slot_used);
    for (size_t i = 0; i < ga->elite_count; i++)
        ga->slot_used[ga->members[i].slot] = true;
    uint32_t slot = 0;
    for (size_t i = 0; i < child_count; i++) {
        while (ga->slot_used[slot])
            slot++;
        ga->members[ga->elite_count + i].slot = slot++;
    }
}

/* Elites beyond the survivors have bred and go; their slots are free again. */
static void retire_parents(struct ga *ga)
{
    size_t survivors = ga->options->survivor_count;
    if (survivors == 0 || survivors >= ga->elite_count)
        return;
    memmove(ga->members + survivors, ga->members + ga->elite_count,
            (ga->member_count - ga->elite_count) * sizeof *ga->members);
    ga->member_count -= ga->elite_count - survivors;
}

static void breed(struct ga *ga, unsigned generation, size_t child_count)
{
    const struct ga_options *options = ga->options;
    struct member *children = ga->members + ga->elite_count;
    take_slots(ga, child_count);
    int jobs = options->jobs > 1 ? (int)options->jobs : 1;
#pragma omp parallel for schedule(dynamic, 1) num_threads(jobs) if (jobs > 1)
    for (size_t i = 0; i < child_count; i++) {
        unsigned thread = jobs > 1 ? (unsigned)omp_get_thread_num() : 0;
        struct rng rng = rng_stream(options->seed, generation, i);
        void *child = genome_at(ga, children[i].slot);
        make_child(ga, &ga->plans[i], thread, &rng, child);
        double value = ga->problem->evaluate(ga->problem->ctx, thread, child);
        children[i].value = children[i].true_value = value;
        children[i].reranked = false;
    }
    ga->evaluations += child_count;
    ga->member_count = ga->elite_count + child_count;
    retire_parents(ga);
    for (uint32_t i = 0; i < ga->member_count; i++)
        ga->members[i].order = i;
}

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int compare_true_values(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->reranked != y->reranked)
        return x->reranked ? -1 : 1;
    if (x->true_value != y->true_value)
        return x->true_value < y->true_value ? -1 : 1;
    return compare_members(a, b);
}

/* Sorts by value and moves equal genomes out: they would waste elites. Equal genomes have equal
 * values, so only runs of one value are compared. */
static void sort_distinct(struct ga *ga)
{
    qsort(ga->members, ga->member_count, sizeof *ga->members, compare_members);
    size_t kept = 0, run = 0;
    for (size_t i = 0; i < ga->member_count; i++) {
        struct member member = ga->members[i];
        if (kept == 0 || ga->members[kept - 1].value != member.value)
            run = kept;
        bool seen = false;
        for (size_t j = run; j < kept && !seen; j++)
            seen = memcmp(genome_at(ga, ga->members[j].slot), genome_at(ga, member.slot),
                          ga->problem->genome_bytes) == 0;
        if (!seen)
            ga->members[kept++] = member;
    }
    ga->member_count = kept;
}

static enum err_code rerank_best(struct ga *ga, struct err *err)
{
    size_t seen = ga->rerank_count < ga->member_count ? ga->rerank_count : ga->member_count;
    size_t count = 0;
    for (size_t i = 0; i < seen; i++)
        if (!ga->members[i].reranked && isfinite(ga->members[i].value))
            ga->batch[count++] = genome_at(ga, ga->members[i].slot);
    enum err_code rc =
        count ? ga->problem->rerank(ga->problem->ctx, ga->batch, count, ga->batch_values, err)
              : ERR_OK;
    if (rc != ERR_OK)
        return rc;
    count = 0;
    for (size_t i = 0; i < seen; i++)
        if (!ga->members[i].reranked && isfinite(ga->members[i].value)) {
            ga->members[i].true_value = ga->batch_values[count++];
            ga->members[i].reranked = true;
        }
    qsort(ga->members, ga->member_count, sizeof *ga->members, compare_true_values);
    return ERR_OK;
}

static enum err_code select_elites(struct ga *ga, struct err *err)
{
    sort_distinct(ga);
    if (ga->problem->rerank) {
        enum err_code rc = rerank_best(ga, err);
        if (rc != ERR_OK)
            return rc;
    }
    size_t elites = 0;
    while (elites < ga->options->elite_count && elites < ga->member_count &&
           isfinite(ga->members[elites].value))
        elites++;
    ga->elite_count = elites;
    if (elites && ga->members[0].true_value < ga->best_value) {
        ga->best_value = ga->members[0].true_value;
        memcpy(ga->best, genome_at(ga, ga->members[0].slot), ga->problem->genome_bytes);
    }
    return ERR_OK;
}

enum err_code ga_run(const struct ga_problem *problem, const struct ga_options *options, void *best,
                     struct ga_result *result, struct err *err)
{
    assert(options->population > 0 && options->elite_count > 0 && problem->genome_bytes > 0);
    assert(options->generations || options->budget_evals || problem->observe);
    struct ga ga;
    ga_init(&ga, problem, options, best);
    enum err_code rc = ERR_OK;
    unsigned generation = 0;
    for (bool more = true; more; generation++) {
        size_t child_count = plan_children(&ga, generation);
        breed(&ga, generation, child_count);
        rc = select_elites(&ga, err);
        if (rc != ERR_OK)
            break;
        more = !problem->observe ||
               problem->observe(problem->ctx, generation, best, ga.best_value, ga.evaluations);
        more = more && generation + 1 != options->generations &&
               (!options->budget_evals || ga.evaluations < options->budget_evals);
    }
    if (rc == ERR_OK)
        *result = (struct ga_result){ ga.best_value, ga.evaluations, generation };
    ga_release(&ga);
    return rc;
}
