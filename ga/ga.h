/*
 * A genetic algorithm that knows genomes only through callbacks.
 *
 * Genomes are fixed-size blocks of bytes (genome_bytes each). Every generation the best
 * `elite_count` survive (COMB's "top K"); children are made from them and evaluated in parallel. A
 * child's random stream is keyed by (seed, generation, index), evaluation order does not matter,
 * ties break by index: the same seed gives the same bytes for any number of threads.
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
    void (*random)(void *ctx, struct rng *rng, void *genome);
    void (*mutate)(void *ctx, struct rng *rng, const void *parent, void *child);
    void (*crossover)(void *ctx, struct rng *rng, const void *father, const void *mother,
                      void *child);
    /* Smaller is better; +infinity = illegal. `thread` < jobs selects scratch space. Called from
     * several threads at once; may refine the genome in place. */
    double (*evaluate)(void *ctx, unsigned thread, void *genome);
    /* Optional: better values for the `count` best, called from one thread, may reorder nothing.
     * values[i] belongs to genomes[i]. NULL: none. */
    enum err_code (*rerank)(void *ctx, void *const *genomes, size_t count, double *values,
                            struct err *err);
    /* Optional: called after each generation from one thread; false stops. */
    bool (*observe)(void *ctx, unsigned generation, const void *best, double best_value,
                    uint64_t evaluations);
};

struct ga_options {
    uint64_t seed;
    unsigned population, generations, elite_count;
    double mutation_rate, crossover_rate;
    unsigned jobs;         /* OpenMP threads */
    uint64_t budget_evals; /* 0 = generations decide */
};

struct ga_result {
    double best_value;
    uint64_t evaluations;
    unsigned generations;
};

/* Runs to the end of its generations, its budget, or observe()'s false. best: genome_bytes. */
enum err_code ga_run(const struct ga_problem *problem, const struct ga_options *options, void *best,
                     struct ga_result *result, struct err *err);

#endif
