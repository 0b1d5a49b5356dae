/*
 * A workload: entries that name a DNN graph, with copies and, for what runs again and again, a
 * period. Each copy of each release is a *network* of its own, with the time before which it must
 * not start and the time by which it should have ended (docs/model.md M-95, M-96).
 */
#ifndef SOCWEAVE_CORE_WORKLOAD_H
#define SOCWEAVE_CORE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dnn.h"
#include "core/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WORKLOAD_NETWORKS_MAX 100000
#define WORKLOAD_NONE         UINT32_MAX
#define WORKLOAD_NO_DEADLINE  UINT64_MAX

struct workload_network {
    const char *name; /* "resnet50#0"; without "#0" if there is one copy; "hand#1.2": copy, frame */
    uint32_t graph;
    uint32_t first_layer; /* of this network in the workload's numbering */
    uint32_t entry, copy, frame;
    uint64_t release_ps;
    uint64_t deadline_ps; /* on the same clock; WORKLOAD_NO_DEADLINE */
    uint32_t depends_on;  /* network, a lower number, that must have ended; WORKLOAD_NONE */
};

/* An entry of the file, in its order. */
struct workload_entry {
    const char *name;
    uint32_t graph, copies;
    uint64_t period_ps, period_parts; /* the period is their quotient; parts 0: released once */
    uint64_t offset_ps;               /* of the first release */
    uint64_t deadline_ps;             /* after the release; WORKLOAD_NO_DEADLINE */
    double probability;               /* that a release takes place */
    uint32_t depends_on;              /* entry; WORKLOAD_NONE */
    uint32_t frames; /* releases within the horizon, whether they take place or not */
    uint32_t first_network, network_count; /* those that take place, copy by copy */
};

/* A layer that several accelerators share, each making a part of its output (core/split.h). */
struct workload_split {
    uint32_t layer;        /* of the whole workload */
    enum role role;        /* whose iteration is cut */
    uint32_t part_count;   /* at least 2 */
    const uint64_t *parts; /* extents, in order; they add up to the iteration's */
};

struct workload {
    const char *name, *source, *file;
    char sha256[65];
    size_t graph_count;
    struct dnn *graphs; /* each file loaded once */
    size_t network_count;
    struct workload_network *networks; /* an entry's are neighbours, behind those it depends on */
    size_t layer_count;                /* sum over networks */
    size_t entry_count;
    struct workload_entry *entries;
    uint64_t horizon_ps; /* releases are before it, offsets aside; 0 where nothing is periodic */
    bool has_deadlines;  /* of any network */
    struct arena *arena;
    /* Of a refined workload, which has parts in the place of split layers; else NULL and 0. */
    const struct workload *whole;
    size_t split_count;
    const struct workload_split *splits; /* ascending by layer */
    const uint32_t *whole_layer;         /* [layer]: the layer of `whole` that it is (a part of) */
};

/* Graph paths in the file are relative to the file's folder. */
enum err_code workload_load(struct workload *out, const char *file, struct err *err);
void workload_release(struct workload *workload);

/*
 * Graph files of another format: `import` appends the graph as dnn/1 text. core knows no such
 * format; the program names one here before it loads anything.
 */
struct workload_importer {
    const char *suffix; /* ".onnx" */
    enum err_code (*import)(const char *file, const struct dnn_dim *dims, size_t dim_count,
                            struct text *out, struct err *err);
};
void workload_set_importer(const struct workload_importer *importer);

/* As in its files: of a refined workload the whole, whose networks bear the same numbers. */
static inline const struct workload *workload_whole(const struct workload *workload)
{
    return workload->whole ? workload->whole : workload;
}

/* Workload-wide layer number → network and layer. */
uint32_t workload_network_of(const struct workload *workload, uint32_t layer);
const struct dnn_layer *workload_layer(const struct workload *workload, uint32_t layer);
/* "resnet50#0/conv1" into buf; returns buf. 2 * NAMES_BYTES_MAX + 32 bytes hold any name. */
char *workload_layer_name(const struct workload *workload, uint32_t layer, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
