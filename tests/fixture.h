/*
 * Problems for tests: from JSON texts, from the shipped files, or random with a printed seed.
 * Everything goes through the real loaders and the real cost model.
 */
#ifndef SOCWEAVE_TESTS_FIXTURE_H
#define SOCWEAVE_TESTS_FIXTURE_H

#include "core/mapping.h"

struct fixture {
    struct soc soc;
    struct workload workload;
    struct problem problem;
};

/* Fails the test on any error. The graphs are written as g0.json, g1.json … beside the workload. */
void fixture_from_text(struct fixture *f, const char *soc_json, const char *workload_json,
                       const char *const *graph_jsons, size_t graph_count);
/* The same files in a fresh folder, which it returns, without loading them: soc.json,
 * workload.json, g0.json … */
const char *fixture_write(const char *soc_json, const char *workload_json,
                          const char *const *graph_jsons, size_t graph_count);
/* "comb-small-low", "vision-light". */
void fixture_shipped(struct fixture *f, const char *soc, const char *workload);

struct fixture_shape {
    unsigned layers, networks, accelerators;
    double edge_probability; /* between a layer and each of the 4 before it */
    bool finite_memory, cut_through;
    bool periodic; /* random periods, offsets, deadlines, triggers and dependences */
};
/* A random SoC (mesh, ring, crossbar, bus; different clocks, sizes, share limits) and random graphs
 * of GEMMs and convolutions. */
void fixture_random(struct fixture *f, uint64_t seed, const struct fixture_shape *shape);
void fixture_release(struct fixture *f);

/* A random legal mapping of the discipline: random topological order, accelerators, options;
 * by group: greedily packed groups of random size. The caller releases it. */
void fixture_random_mapping(const struct problem *problem, uint64_t seed,
                            enum mapping_discipline discipline, struct mapping *out);

#endif
