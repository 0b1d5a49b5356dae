/*
 * A mapping: which accelerator runs which layer with which allotment, and in which order.
 *
 * Placements stand in issue order, a topological order of the layers. A *group* is a run of
 * placements with the same group number: pairwise independent layers that share one accelerator
 * in space. Two disciplines say when a placement may start:
 *
 *   MAPPING_BY_GROUP  COMB's: a group starts after the accelerator's previous group has ended as
 *                     a whole, each of its layers as soon as its inputs are there; the results of
 *                     all its layers leave when the whole group has ended.
 *   MAPPING_BY_LAYER  every accelerator starts its layers in the listed order, each as soon as
 *                     its inputs are there, the layer before it has started, and PEs, scratchpad
 *                     and a share slot are free; results leave when the layer ends. Groups are
 *                     single layers.
 *
 * Timing (both evaluators; docs/model.md M-30 to M-39): a layer runs for
 * max(compute_ps, memory_read_ps) at layer granularity; a transfer starts when the result leaves,
 * and takes problem_transfer_ps() if nothing else is on its way. The makespan is the latest end of
 * a layer, or of the write-back of a result that nothing consumes.
 */
#ifndef SOCWEAVE_CORE_MAPPING_H
#define SOCWEAVE_CORE_MAPPING_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mapping_discipline { MAPPING_BY_GROUP, MAPPING_BY_LAYER };
extern const char *const mapping_discipline_names[2]; /* "group", "layer" */

enum granularity { GRANULARITY_LAYER, GRANULARITY_TILE };
extern const char *const granularity_names[2]; /* "layer", "tile" */

struct placement {
    uint32_t layer;
    uint32_t group; /* ascending from 0 along the list */
    uint16_t accelerator;
    uint16_t option; /* of (layer, accelerator) in the problem */
};

struct mapping {
    enum mapping_discipline discipline;
    size_t placement_count;
    struct placement *placements; /* owned; malloc */
};

/* Times of a mapping by layer number (not by position). */
struct schedule {
    size_t layer_count;
    uint64_t *start_ps, *end_ps; /* owned; malloc */
    uint64_t makespan_ps;
    double energy_pj;
};

void mapping_init(struct mapping *mapping, size_t placement_count); /* zeroed */
void mapping_copy(struct mapping *to, const struct mapping *from);  /* `to` must be initialised */
void mapping_release(struct mapping *mapping);
static inline size_t mapping_group_count(const struct mapping *mapping)
{
    size_t n = mapping->placement_count;
    return n ? mapping->placements[n - 1].group + 1 : 0;
}
void schedule_init(struct schedule *schedule, size_t layer_count);
void schedule_release(struct schedule *schedule);

/*
 * The single judge of legality, for every mapping that leaves the mapper, whoever made it.
 * `schedule` may be NULL: then only the rules without times are checked. Rules (each ERR_MAPPING
 * with the layer and accelerator in words): every layer exactly once; order topological;
 * accelerator and option exist and support the layer; members of a group on one accelerator,
 * pairwise independent, within PEs, scratchpad and share limit; with times: start after every
 * predecessor's end plus its uncontended transfer (at tile granularity: plus that of the first
 * tile), and not before its network's release, end - start not below the layer's uncontended time;
 * at any instant PEs, scratchpad and share limit of every accelerator hold; by group: no overlap
 * with the accelerator's other groups; makespan not below any end. O(n log n + edges).
 */
enum err_code mapping_check(const struct problem *problem, const struct mapping *mapping,
                            const struct schedule *schedule, enum granularity granularity,
                            struct err *err);

/* mapping/1 (docs/formats.md). `schedule` may be NULL. */
struct text;
void mapping_write(const struct problem *problem, const struct mapping *mapping,
                   const struct schedule *schedule, enum granularity granularity,
                   const char *mapper, uint64_t seed, struct text *out);
/*
 * Reads a mapping/1 file against a problem: names of layers and accelerators are resolved, and
 * the hashes of SoC and workload compared (ERR_REFERENCE if they changed since). Fills *schedule
 * when the file has times. The caller then runs mapping_check().
 */
struct mapping_file {
    struct mapping mapping;
    struct schedule schedule; /* layer_count 0 if the file has no times */
    enum granularity granularity;
    char mapper[64];
    uint64_t seed;
};
enum err_code mapping_load(const struct problem *problem, const char *file,
                           struct mapping_file *out, struct err *err);
/* The same from a text; `name` is the file it stands for. */
enum err_code mapping_load_text(const struct problem *problem, const char *name, const char *text,
                                size_t bytes, struct mapping_file *out, struct err *err);
void mapping_file_release(struct mapping_file *file);
/*
 * Which layers a mapping/1 file splits, against the whole workload; in the arena, ascending by
 * layer, each passes split_check(). A mapping is read against the problem of the workload that
 * these refine (core/split.h). What is wrong elsewhere in the file mapping_load() will tell.
 */
enum err_code mapping_read_splits(const struct workload *whole, const char *file,
                                  struct arena *arena, struct workload_split **out, size_t *count,
                                  struct err *err);

/*
 * Energy of a mapping that runs for makespan_ps: sum of the options' energies, transfers by
 * bytes × hops, and idle PEs (docs/model.md M-40 to M-43).
 */
struct mapping_energy {
    struct energy_split layers;
    double network_pj, idle_pj, total_pj;
};
struct mapping_energy mapping_energy(const struct problem *problem, const struct mapping *mapping,
                                     uint64_t makespan_ps);

#ifdef __cplusplus
}
#endif
#endif
