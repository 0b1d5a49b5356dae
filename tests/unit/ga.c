/* The genetic algorithm on problems of its own. */
#include "ga/ga.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "tests/test.h"

/* --- OneMax: bits that are one -------------------------------------------------------------- */

enum { ONEMAX_BITS = 64 };

struct onemax {
    unsigned reranks, observed, stop_at;
    uint64_t reranked;
    double last_best;
    bool worse; /* the best ever got worse */
};

static void onemax_random(void *ctx, unsigned thread, struct rng *rng, void *genome)
{
    (void)ctx, (void)thread;
    unsigned char *bits = genome;
    for (int i = 0; i < ONEMAX_BITS; i++)
        bits[i] = rng_below(rng, 2) != 0;
}

static void onemax_mutate(void *ctx, unsigned thread, struct rng *rng, const void *parent,
                          void *child)
{
    (void)ctx, (void)thread;
    memcpy(child, parent, ONEMAX_BITS);
    ((unsigned char *)child)[rng_below(rng, ONEMAX_BITS)] ^= 1;
}

static void onemax_crossover(void *ctx, unsigned thread, struct rng *rng, const void *father,
                             const void *mother, void *child)
{
    (void)ctx, (void)thread;
    for (int i = 0; i < ONEMAX_BITS; i++)
        ((unsigned char *)child)[i] =
            ((const unsigned char *)(rng_below(rng, 2) ? father : mother))[i];
}

static double onemax_zeros(const void *genome)
{
    double zeros = 0;
    for (int i = 0; i < ONEMAX_BITS; i++)
        zeros += !((const unsigned char *)genome)[i];
    return zeros;
}

static double onemax_evaluate(void *ctx, unsigned thread, void *genome)
{
    (void)ctx, (void)thread;
    return onemax_zeros(genome);
}

/* The truth is the opposite of what evaluate() says. */
static enum err_code onemax_rerank(void *ctx, void *const *genomes, size_t count, double *values,
                                   struct err *err)
{
    (void)err;
    struct onemax *onemax = ctx;
    onemax->reranks++;
    onemax->reranked += count;
    for (size_t i = 0; i < count; i++)
        values[i] = ONEMAX_BITS - onemax_zeros(genomes[i]);
    return ERR_OK;
}

static bool onemax_observe(void *ctx, unsigned generation, const void *best, double best_value,
                           uint64_t evaluations)
{
    (void)best, (void)evaluations;
    struct onemax *onemax = ctx;
    onemax->worse |= generation > 0 && best_value > onemax->last_best;
    onemax->last_best = best_value;
    onemax->observed++;
    return onemax->observed != onemax->stop_at;
}

static struct ga_problem onemax_problem(struct onemax *ctx)
{
    return (struct ga_problem){
        .ctx = ctx,
        .genome_bytes = ONEMAX_BITS,
        .random = onemax_random,
        .mutate = onemax_mutate,
        .crossover = onemax_crossover,
        .evaluate = onemax_evaluate,
        .observe = onemax_observe,
    };
}

static struct ga_options small_options(enum ga_breeding breeding)
{
    return (struct ga_options){
        .seed = 7,
        .breeding = breeding,
        .population = 40,
        .generations = 120,
        .elite_count = 6,
        .mutation_rate = 0.5,
        .crossover_rate = 1,
        .jobs = 1,
    };
}

static struct ga_result run(const struct ga_problem *problem, const struct ga_options *options,
                            void *best)
{
    struct ga_result result = { 0 };
    CHECK_OK(ga_run(problem, options, best, &result, err));
    return result;
}

TEST(ga__onemax__both_breedings_find_all_ones)
{
    for (enum ga_breeding breeding = GA_BREED_PAIRS; breeding <= GA_BREED_FILL; breeding++) {
        struct onemax ctx = { 0 };
        const struct ga_problem problem = onemax_problem(&ctx);
        const struct ga_options options = small_options(breeding);
        unsigned char best[ONEMAX_BITS];
        struct ga_result result = run(&problem, &options, best);
        CHECK_NEAR(0, result.best_value, 0);
        CHECK_NEAR(0, onemax_zeros(best), 0);
        CHECK_INT(120, result.generations);
        CHECK_INT(120, ctx.observed);
        CHECK(!ctx.worse);
    }
}

TEST(ga__random_breeding__only_remembers_the_best)
{
    struct onemax ctx = { 0 };
    const struct ga_problem problem = onemax_problem(&ctx);
    struct ga_options options = small_options(GA_BREED_RANDOM);
    unsigned char best[ONEMAX_BITS];
    struct ga_result result = run(&problem, &options, best);
    CHECK_INT(120 * 40, result.evaluations);
    /* 4,800 sums of 64 coins: the best stays far from all ones, and far above the mean of 32. */
    CHECK(result.best_value > 5 && result.best_value < 24);
    CHECK_NEAR(onemax_zeros(best), result.best_value, 0);
}

TEST(ga__any_number_of_jobs__same_bytes)
{
    for (enum ga_breeding breeding = GA_BREED_PAIRS; breeding <= GA_BREED_RANDOM; breeding++) {
        struct onemax ctx = { 0 };
        const struct ga_problem problem = onemax_problem(&ctx);
        struct ga_options options = small_options(breeding);
        options.generations = 5;
        unsigned char one[ONEMAX_BITS], many[ONEMAX_BITS];
        struct ga_result with_one = run(&problem, &options, one);
        for (unsigned jobs = 2; jobs <= 4; jobs++) {
            options.jobs = jobs;
            struct ga_result with_many = run(&problem, &options, many);
            CHECK(memcmp(one, many, sizeof one) == 0);
            CHECK_NEAR(with_one.best_value, with_many.best_value, 0);
            CHECK_INT(with_one.evaluations, with_many.evaluations);
        }
    }
}

TEST(ga__seeds__lead_to_different_searches)
{
    struct onemax ctx = { 0 };
    const struct ga_problem problem = onemax_problem(&ctx);
    struct ga_options options = small_options(GA_BREED_FILL);
    options.generations = 1;
    unsigned char one[ONEMAX_BITS], other[ONEMAX_BITS];
    run(&problem, &options, one);
    options.seed++;
    run(&problem, &options, other);
    CHECK(memcmp(one, other, sizeof one) != 0);
}

TEST(ga__budget__is_met_exactly)
{
    for (uint64_t budget = 1; budget <= 200; budget += 33) {
        struct onemax ctx = { 0 };
        const struct ga_problem problem = onemax_problem(&ctx);
        struct ga_options options = small_options(GA_BREED_PAIRS);
        options.generations = 0;
        options.budget_evals = budget;
        unsigned char best[ONEMAX_BITS];
        CHECK_INT(budget, run(&problem, &options, best).evaluations);
    }
}

TEST(ga__budget_and_no_luck__still_ends)
{
    struct onemax ctx = { 0 };
    const struct ga_problem problem = onemax_problem(&ctx);
    struct ga_options options = small_options(GA_BREED_PAIRS);
    options.mutation_rate = options.crossover_rate = 0;
    options.generations = 0;
    options.budget_evals = 100;
    unsigned char best[ONEMAX_BITS];
    CHECK_INT(100, run(&problem, &options, best).evaluations);
}

TEST(ga__observer_says_stop__stops)
{
    struct onemax ctx = { .stop_at = 3 };
    const struct ga_problem problem = onemax_problem(&ctx);
    const struct ga_options options = small_options(GA_BREED_FILL);
    unsigned char best[ONEMAX_BITS];
    CHECK_INT(3, run(&problem, &options, best).generations);
}

TEST(ga__rerank__decides_who_is_best)
{
    struct onemax ctx = { 0 };
    struct ga_problem problem = onemax_problem(&ctx);
    problem.rerank = onemax_rerank;
    struct ga_options options = small_options(GA_BREED_FILL);
    options.rerank_count = UINT32_MAX;
    unsigned char best[ONEMAX_BITS];
    struct ga_result result = run(&problem, &options, best);
    /* All are reranked, and the truth counts ones: the best has none. */
    CHECK_NEAR(0, result.best_value, 0);
    CHECK_NEAR(ONEMAX_BITS, onemax_zeros(best), 0);
    CHECK_INT(120, ctx.reranks);
    CHECK(ctx.reranked <= result.evaluations);
}

TEST(ga__rerank_of_a_few__sees_only_the_best_and_each_once)
{
    struct onemax ctx = { 0 };
    struct ga_problem problem = onemax_problem(&ctx);
    problem.rerank = onemax_rerank;
    struct ga_options options = small_options(GA_BREED_FILL);
    options.rerank_count = 2;
    options.generations = 10;
    unsigned char best[ONEMAX_BITS];
    run(&problem, &options, best);
    CHECK(ctx.reranked >= 2 && ctx.reranked <= 20);
}

static enum err_code failing_rerank(void *ctx, void *const *genomes, size_t count, double *values,
                                    struct err *err)
{
    (void)ctx, (void)genomes, (void)count, (void)values;
    return err_set(err, ERR_SIM, "no");
}

TEST(ga__rerank_fails__error_comes_out)
{
    struct onemax ctx = { 0 };
    struct ga_problem problem = onemax_problem(&ctx);
    problem.rerank = failing_rerank;
    const struct ga_options options = small_options(GA_BREED_FILL);
    unsigned char best[ONEMAX_BITS];
    struct ga_result result;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_SIM, ga_run(&problem, &options, best, &result, &err));
    CHECK_STR("no", err.text);
}

static double nothing_is_legal(void *ctx, unsigned thread, void *genome)
{
    (void)ctx, (void)thread, (void)genome;
    return INFINITY;
}

TEST(ga__nothing_legal__best_value_is_infinite)
{
    struct onemax ctx = { 0 };
    struct ga_problem problem = onemax_problem(&ctx);
    problem.evaluate = nothing_is_legal;
    struct ga_options options = small_options(GA_BREED_PAIRS);
    options.generations = 3;
    unsigned char best[ONEMAX_BITS];
    CHECK(isinf(run(&problem, &options, best).best_value));
}

/* --- knapsack against brute force ----------------------------------------------------------- */

enum { ITEMS = 14 };

struct knapsack {
    unsigned weight[ITEMS], worth[ITEMS], limit;
};

static void knapsack_random(void *ctx, unsigned thread, struct rng *rng, void *genome)
{
    (void)ctx, (void)thread;
    *(uint32_t *)genome = rng_below(rng, 1u << ITEMS);
}

static void knapsack_mutate(void *ctx, unsigned thread, struct rng *rng, const void *parent,
                            void *child)
{
    (void)ctx, (void)thread;
    uint32_t flips = 1 + rng_below(rng, 4), chosen = *(const uint32_t *)parent;
    while (flips-- > 0)
        chosen ^= 1u << rng_below(rng, ITEMS);
    memcpy(child, &chosen, sizeof chosen);
}

static void knapsack_crossover(void *ctx, unsigned thread, struct rng *rng, const void *father,
                               const void *mother, void *child)
{
    (void)ctx, (void)thread;
    uint32_t mask = rng_u32(rng);
    *(uint32_t *)child = (*(const uint32_t *)father & mask) | (*(const uint32_t *)mother & ~mask);
}

static double knapsack_value(const struct knapsack *knapsack, uint32_t chosen)
{
    unsigned weight = 0, worth = 0;
    for (int i = 0; i < ITEMS; i++)
        if (chosen >> i & 1) {
            weight += knapsack->weight[i];
            worth += knapsack->worth[i];
        }
    return weight > knapsack->limit ? INFINITY : -(double)worth;
}

static double knapsack_evaluate(void *ctx, unsigned thread, void *genome)
{
    (void)thread;
    return knapsack_value(ctx, *(const uint32_t *)genome);
}

TEST(ga__knapsacks__equal_brute_force)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng rng = rng_stream(seed, 1, 2);
        struct knapsack knapsack = { .limit = 300 };
        for (int i = 0; i < ITEMS; i++) {
            knapsack.weight[i] = 10 + rng_below(&rng, 90);
            knapsack.worth[i] = 10 + rng_below(&rng, 90);
        }
        double optimum = 0;
        for (uint32_t chosen = 0; chosen < 1u << ITEMS; chosen++)
            optimum = fmin(optimum, knapsack_value(&knapsack, chosen));
        const struct ga_problem problem = {
            .ctx = &knapsack,
            .genome_bytes = sizeof(uint32_t),
            .random = knapsack_random,
            .mutate = knapsack_mutate,
            .crossover = knapsack_crossover,
            .evaluate = knapsack_evaluate,
        };
        struct ga_options options = small_options(GA_BREED_FILL);
        options.seed = seed;
        options.generations = 200;
        options.mutation_rate = 0.8;
        uint32_t best;
        struct ga_result result = run(&problem, &options, &best);
        if (result.best_value != optimum)
            test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": %g, optimum %g", seed,
                      result.best_value, optimum);
        CHECK_NEAR(result.best_value, knapsack_value(&knapsack, best), 0);
    }
}
