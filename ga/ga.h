/*
 * A genetic algorithm that knows genomes only through callbacks.
 *
 * Genomes are fixed-size blocks of bytes (genome_bytes each). Every generation the best
 * `elite_count` distinct genomes survive (COMB's "top K"); children are bred from them and
 * evaluated in parallel. A child's random stream is keyed by (seed, generation, index), evaluation
 * order does not matter, ties break by index: the same seed gives the same bytes for any number of
 * threads.
 */
#ifndef SOCWEAVE_GA_GA_H
#define SOCWEAVE_GA_GA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/rng.h"

struct ga_problem {
    void *ctx;
    size_t genome_bytes;
    /* The four below run on several threads at once; `thread` < jobs selects scratch space. A child
     * depends on its parents and on rng alone. Genomes that are the same must be the same bytes. */
    void (*random)(void *ctx, unsigned thread, struct rng *rng, void *genome);
    void (*mutate)(void *ctx, unsigned thread, struct rng *rng, const void *parent, void *child);
    void (*crossover)(void *ctx, unsigned thread, struct rng *rng, const void *father,
                      const void *mother, void *child);
    /* Smaller is better; +infinity = illegal. May refine the genome in place. */
    double (*evaluate)(void *ctx, unsigned thread, void *genome);
    /* Optional, one thread: true values for `count` genomes that look best; these then decide who
     * is best and who breeds. NULL: evaluate() decides. */
    enum err_code (*rerank)(void *ctx, void *const *genomes, size_t count, double *values,
                            struct err *err);
    /* Optional, one thread: after each generation; false stops. */
    bool (*observe)(void *ctx, unsigned generation, const void *best, double best_value,
                    uint64_t evaluations);
};

/* How the children of a generation come about. */
enum ga_breeding {
    /* COMB's Algorithm 1: for every father among the elites a mutant (with mutation_rate) and a
     * child with every other elite as mother (with crossover_rate each). */
    GA_BREED_PAIRS,
    /* `population` children: a mutant with mutation_rate, else a child of two random elites. */
    GA_BREED_FILL,
    /* `population` fresh genomes: random search. */
    GA_BREED_RANDOM
};

struct ga_options {
    uint64_t seed;
    enum ga_breeding breeding;
    unsigned population;  /* of the first generation; GA_BREED_FILL and _RANDOM: of each */
    unsigned generations; /* 0 = the budget, or observe(), decides */
    unsigned elite_count;
    unsigned survivor_count; /* of the elites, the best that live on once they have bred; 0 = all */
    unsigned rerank_count;   /* distinct best ones that rerank() sees; 0 = elite_count */
    double mutation_rate, crossover_rate;
    unsigned jobs;         /* OpenMP threads */
    uint64_t budget_evals; /* calls of evaluate(); 0 = generations decide */
};

struct ga_result {
    double best_value; /* +infinity: nothing legal was found; `best` is then unspecified */
    uint64_t evaluations;
    unsigned generations;
};

/* Runs to the end of its generations, its budget, or observe()'s false. best: genome_bytes.
 * Fails only as rerank() does. */
enum err_code ga_run(const struct ga_problem *problem, const struct ga_options *options, void *best,
                     struct ga_result *result, struct err *err);

#endif
