/*
 * A workload: DNN graphs with copies. Each copy of a graph is a *network* of its own.
 */
#ifndef SOCWEAVE_CORE_WORKLOAD_H
#define SOCWEAVE_CORE_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "core/dnn.h"
#include "core/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WORKLOAD_NETWORKS_MAX 100000

struct workload_network {
    const char *name; /* "resnet50#0"; without "#0" if there is one copy */
    uint32_t graph;
    uint32_t first_layer; /* of this network in the workload's numbering */
};

struct workload {
    const char *name, *source, *file;
    char sha256[65];
    size_t graph_count;
    struct dnn *graphs; /* each file loaded once */
    size_t network_count;
    struct workload_network *networks;
    size_t layer_count; /* sum over networks */
    struct arena *arena;
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

/* Workload-wide layer number → network and layer. */
uint32_t workload_network_of(const struct workload *workload, uint32_t layer);
const struct dnn_layer *workload_layer(const struct workload *workload, uint32_t layer);
/* "resnet50#0/conv1" into buf; returns buf. 2 * NAMES_BYTES_MAX + 32 bytes hold any name. */
char *workload_layer_name(const struct workload *workload, uint32_t layer, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
