/*
 * A DNN graph: layers in topological order (every input of layer i has an index below i).
 *
 * A layer is one operator of the table (or the user's own expression) with extents, types and
 * inputs. Element-wise work that follows it (relu, a residual add, a pool) may ride along as its
 * epilogue; the layer's output is then what leaves the epilogue.
 */
#ifndef SOCWEAVE_CORE_DNN_H
#define SOCWEAVE_CORE_DNN_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/operator.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DNN_LAYERS_MAX 1000000
#define DNN_EDGES_MAX  8000000

/* Extents by role plus strides: all that the cost model looks at. Two layers with equal shapes
 * cost the same on the same accelerator. Plain data: compare with memcmp (zero the padding). */
struct layer_shape {
    enum op_kind kind;
    uint32_t stride_h, stride_w;
    uint32_t passes;             /* see struct op_row */
    uint64_t extent[ROLE_COUNT]; /* 1 where the role does not occur */
    uint64_t macs;
    uint64_t input_bytes;    /* of all operands that producers or graph inputs feed */
    uint64_t weight_bytes;   /* of operands that nothing feeds: constants */
    uint64_t output_bytes;   /* after the epilogue */
    uint64_t external_bytes; /* part of input_bytes that comes from graph inputs, hence memory */
    uint32_t input_elem_bytes, weight_elem_bytes, output_elem_bytes;
    uint32_t is_sink; /* 1 if no layer consumes the output, which then goes to memory; filled by
                         dnn_load() once all inputs are resolved */
    uint64_t
        epilogue_elements; /* element operations of the epilogue: each op × elements it touches */
};

struct dnn_edge {
    uint32_t layer; /* the producer (in preds) or consumer (in succs) */
    uint64_t bytes; /* what moves: the producer's output unless the input says less */
};

/* A tensor that flows, row-major: what leaves a layer or enters the graph. */
struct dnn_tensor {
    size_t rank;
    uint64_t dims[EXPR_DIMS_MAX];
    uint64_t elements;
};

/* What one producer brings to one operand; edges are sums of these. */
#define DNN_GRAPH_INPUT UINT32_MAX
#define DNN_EPILOGUE    2 /* operands from here on are of epilogue steps, one each */
struct dnn_input {
    const struct dnn_tensor *tensor; /* all that the producer makes */
    uint64_t elements;               /* that are read: all of them unless the graph asks for less */
    uint32_t layer;                  /* or DNN_GRAPH_INPUT */
    uint32_t operand;                /* of the expression: 0 or 1. In order; each concatenated */
};

/* A step of the epilogue, in its order. */
struct dnn_layer_step {
    const char *op;   /* "relu" */
    uint32_t operand; /* of the inputs that it reads, DNN_EPILOGUE and on; 0: none */
};

struct dnn_layer {
    const char *name;
    const struct op_row *op; /* NULL: the user's own expression */
    const struct expr *expr;
    struct layer_shape shape;
    const struct dnn_edge *preds; /* ascending by layer, one per distinct producer */
    size_t pred_count;
    const struct dnn_input *inputs; /* by operand; none in a refined graph (core/split.h) */
    size_t input_count;
    const struct dnn_tensor *output;
    const char *epilogue;               /* "relu+maxpool", or "" */
    const struct dnn_layer_step *steps; /* of it; none in a refined graph */
    size_t step_count;
};

struct dnn {
    const char *name, *source, *note, *file;
    char sha256[65];
    size_t layer_count;
    struct dnn_layer *layers;
    size_t edge_count;
    uint64_t macs, weight_bytes;
    struct arena *arena; /* owns all of the above */
};

/* Layers of the file may stand in any order; they are sorted (stable) on the way in. */
enum err_code dnn_load(struct dnn *out, const char *file, struct err *err);
/* The same from a text; `name` is the file it stands for. */
enum err_code dnn_load_text(struct dnn *out, const char *name, const char *text, size_t bytes,
                            struct err *err);
void dnn_release(struct dnn *dnn);

/* A value for a symbolic dimension of a foreign model. */
struct dnn_dim {
    const char *name;
    int64_t value;
};

#ifdef __cplusplus
}
#endif
#endif
