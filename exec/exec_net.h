/*
 * A workload that is really computed: every layer has its kernel, its constants, its place for the
 * result; layers read what their producers wrote. What the numbers are is docs/model.md M-141.
 *
 * Layers run one at a time, by whoever calls, in any order that the edges allow; layers that do not
 * depend on each other may run on several threads at once. Where a layer reads a producer's result
 * is a pointer per input, so that the caller may put a copy in its place.
 *
 * A backend whose device has a memory of its own (struct backend_memory) keeps results there, and
 * gives its layers those of other layers where they are. Steps of the epilogue are computed in this
 * process: then the result comes here, and goes back (exec_there.h).
 */
#ifndef SOCWEAVE_EXEC_EXEC_NET_H
#define SOCWEAVE_EXEC_EXEC_NET_H

#include "backends/backend.h"
#include "core/workload.h"
#include "exec/exec_plan.h"
#include "exec/exec_step.h"
#include "exec/exec_tensor.h"

/* What a layer runs on. */
struct exec_place {
    const struct backend *backend;
    unsigned threads; /* of one on this machine's cores */
};

/* What one producer brings to one operand of a layer. */
struct exec_source {
    uint32_t layer;    /* of the workload; WORKLOAD_NONE: a graph input */
    uint8_t *data;     /* in memory order; the producer's result unless the caller redirects it */
    const void *there; /* the same in a device's memory; NULL: only here */
    const struct backend_memory *home; /* of `there` */
    bool is_stale;                     /* what is there is newer than what is here */
    uint64_t elements;                 /* that are read, the first ones in row-major order */
    enum dtype type;
    struct exec_view view;  /* of all that the producer makes */
    struct exec_tensor own; /* of a graph input */
};

/* All that arrives at one operand, or at a step of the epilogue. */
struct exec_operand {
    bool fed;
    enum dtype type;
    struct exec_view view;
    size_t source_count;
    struct exec_source *sources;
    bool direct;               /* the source's memory will do */
    bool side_by_side;         /* channels of several sources, concatenated */
    struct exec_tensor memory; /* else it is put together here; of a constant: its elements */
    struct exec_tensor rows;   /* and here, where the order differs */
    void *there; /* of a layer on a device: what is put together, or comes from here */
};

struct exec_layer {
    const struct dnn_layer *layer;
    const char *name; /* "resnet50#0/conv1" */
    struct exec_place place;
    struct exec_plan plan; /* of backends that run matched layers only */
    struct expr expr;      /* channels last */
    struct backend_epilogue epilogue;
    float *scales;
    struct backend_kernel *kernel;
    struct exec_operand operands[2];
    size_t step_count;
    struct exec_step *steps;
    struct exec_operand *step_operands; /* [step] */
    struct exec_tensor spare[2];        /* between steps that cannot work in place */
    enum dtype type;                    /* of the result */
    struct exec_view view;
    struct exec_tensor result;
    void *there; /* of a layer on a device: the result, in its memory */
};

struct exec_net {
    const struct workload *workload;
    uint64_t seed;
    size_t layer_count;
    struct exec_layer *layers;
    struct arena *arena;
};

/*
 * Each layer runs at `places[layer]`. ERR_UNSUPPORTED names the layer and what of it cannot be run:
 * types that are not 8-bit integers, steps that join parts of a result, layers that are parts
 * (core/split.h); ERR_LIMIT beyond 2 GiB per tensor.
 */
enum err_code exec_net_new(struct exec_net **out, const struct workload *workload,
                           const struct exec_place *places, uint64_t seed, struct err *err);
void exec_net_free(struct exec_net *net); /* NULL is fine */

enum err_code exec_net_compute(struct exec_net *net, uint32_t layer, struct err *err);
/* Results become 0xA5, so that what was not computed shows. ERR_DEVICE. */
enum err_code exec_net_poison(struct exec_net *net, struct err *err);
/* Results that are in a device's memory come here, too, for exec_net_result(). ERR_DEVICE. */
enum err_code exec_net_collect(struct exec_net *net, struct err *err);
/* The result in row-major order; `rows` has room for all elements. */
void exec_net_result(const struct exec_net *net, uint32_t layer, uint8_t *rows);

/* --- shared with exec_plain.c and exec_there.c -------------------------------------------------
 */

/* An operand as it is in this process: one source's memory, or put together. */
const uint8_t *exec_net_gather(struct exec_operand *operand);
/* Where the kernel's result has to be for exec_net_steps(), which leaves the layer's. */
uint8_t *exec_net_first(struct exec_layer *layer);
enum err_code exec_net_steps(struct exec_layer *layer, struct err *err);

/* Constants and graph inputs depend on the seed and these names alone. Row-major. */
enum err_code exec_net_constant(const struct exec_layer *layer, uint64_t seed, size_t operand,
                                struct exec_tensor *out, struct err *err);
/* By how much accumulators are scaled before they are stored; 0: not at all. */
float exec_net_scale(const struct expr *expr);
/* Channels of all sources side by side make up the operand; else they follow each other, row-major.
 */
bool exec_net_joins_channels(const struct exec_operand *operand);

#endif
