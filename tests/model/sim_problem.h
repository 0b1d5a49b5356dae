/*
 * Mapping problems for tests of timing: the SoC comes from JSON text through the real loader, the
 * costs of layers are set by hand (or drawn at random), so that an expected time can be added up in
 * a comment. Rates of 1e12 bytes per second make a byte take a picosecond.
 */
#ifndef SOCWEAVE_TESTS_SIM_PROBLEM_H
#define SOCWEAVE_TESTS_SIM_PROBLEM_H

#include "core/mapping.h"

#define SIM_OPTIONS 2 /* of each (layer, accelerator) at most */

struct sim_edge {
    uint32_t from, to;
    uint64_t bytes;
};

struct sim_problem {
    struct soc soc;
    struct problem problem;
    struct layer_option *draft; /* [layer][accelerator][SIM_OPTIONS]; pes 0: no such option */
    struct sim_edge *edges;
    size_t edge_count;
};

struct sim_soc {
    const char *network; /* the "network" object, without switching */
    bool cut_through;
    const char *memory;                /* the items of "memory"; NULL: unlimited */
    unsigned accelerators, places;     /* accelerator i stands at place i % places */
    unsigned columns;                  /* of a mesh; 0: places are numbers */
    const char *accelerator;           /* members for all of them: `"shared_layers_max": 2, …` */
    const uint64_t *local_bytes_per_s; /* [accelerators], 0 unlimited; NULL: all unlimited */
};

/* 16 PEs and 1000 bytes of scratchpad unless `accelerator` says more; every layer takes 1 PE,
 * 1 ps and 1 tile on every accelerator. */
void sim_problem_open(struct sim_problem *p, const struct sim_soc *spec, size_t layers);
struct layer_option *sim_option(struct sim_problem *p, uint32_t layer, uint32_t accelerator,
                                uint32_t option);
/* The same for the first option on every accelerator. */
void sim_layer(struct sim_problem *p, uint32_t layer, uint64_t compute_ps, uint32_t tiles);
void sim_edge(struct sim_problem *p, uint32_t from, uint32_t to, uint64_t bytes);
/* Fills p->problem; then nothing can be changed any more. */
void sim_problem_close(struct sim_problem *p);
void sim_problem_release(struct sim_problem *p);

/* All topologies, switchings, rates, with many ties in time; up to `layers` layers. */
void sim_problem_random(struct sim_problem *p, uint64_t seed, uint32_t layers);

/* Layer i of `accelerators` on that accelerator in order of numbers, option 0; by group:
 * groups[i] is its group, NULL: each its own. */
void sim_mapping(struct mapping *mapping, enum mapping_discipline discipline, size_t layers,
                 const uint16_t *accelerators, const uint32_t *groups);
/* Any legal mapping. */
void sim_mapping_random(struct mapping *mapping, const struct problem *problem, uint64_t seed,
                        enum mapping_discipline discipline);

#endif
