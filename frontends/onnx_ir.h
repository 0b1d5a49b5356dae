/*
 * The model between unpacking and lowering, for frontends/ only: values with shapes, nodes in
 * topological order. It is built, shaped and folded in one pass over the nodes, so that a node
 * that decides shapes (Reshape) finds its constant inputs evaluated.
 */
#ifndef SOCWEAVE_FRONTENDS_ONNX_IR_H
#define SOCWEAVE_FRONTENDS_ONNX_IR_H

#include "core/names.h"
#include "core/num.h"
#include "frontends/onnx.h"
#include "frontends/onnx/onnx.pb-c.h"

#define ONNX_RANK_MAX  8    /* dimensions of a tensor */
#define ONNX_DATA_MAX  4096 /* elements of a constant whose contents are kept */
#define ONNX_NODES_MAX 1000000

struct onnx_shape {
    int rank; /* -1: unknown */
    int64_t dim[ONNX_RANK_MAX];
};

struct onnx_node;
struct onnx_feed;

struct onnx_value {
    const char *name;
    int type; /* TensorProto.DataType; 0 unknown */
    struct onnx_shape shape;
    bool constant;      /* initialiser, or computed from constants */
    const double *data; /* contents of a small constant, else NULL */
    bool graph_output;
    const struct onnx_node *producer; /* NULL: initialiser or graph input */
    size_t consumer_count;
    struct onnx_node **consumers;

    /* Filled by lowering: what the value is in the graph. */
    size_t feed_count; /* 0: constant, or not carried */
    const struct onnx_feed *feeds;
    int stored_type; /* type of the bytes that carry it: u8 behind a DequantizeLinear; 0: `type` */
};

struct onnx_attr {
    const char *name;
    int64_t i;
    double f;
    const char *s; /* NUL-terminated copy */
    size_t int_count, float_count;
    const int64_t *ints;
    const float *floats;
    const Onnx__TensorProto *t;
    Onnx__GraphProto *g;
};

struct onnx_op;

struct onnx_node {
    const char *name; /* the model's, or its first output's */
    const char *op_type, *domain;
    const struct onnx_op *op; /* NULL: unknown */
    size_t input_count, output_count, attr_count;
    struct onnx_value **inputs;  /* NULL where left out */
    struct onnx_value **outputs; /* NULL where left out */
    const struct onnx_attr *attrs;
    bool constant;    /* all inputs are constants, hence all outputs */
    bool unsupported; /* listed; lowered as bytes that move, if its shapes are known */
    bool plain;       /* of an operator that may be expanded: this one is simple enough */
    bool stated;      /* shapes depend on data: those of the file; lowered as bytes that move */
};

struct onnx_layer;

struct onnx_model {
    struct arena *arena;
    const struct onnx_options *options;
    struct err *err;
    const char *file;
    Onnx__ModelProto *proto;
    struct names *functions; /* "domain:name" -> index */
    struct names *described; /* value name -> index into graph->value_info and output */
    size_t node_count, node_capacity;
    struct onnx_node **nodes;
    size_t input_count;
    struct onnx_value **inputs;
    size_t work; /* nodes looked at, functions counted each time */
    unsigned call_depth;
    size_t step_count; /* of loops, written out */
    size_t operator_count, operator_capacity;
    struct onnx_operator *operators;
    size_t unsupported_count, unsupported_capacity;
    const char **unsupported;
    size_t symbol_count, symbol_capacity;
    const char **symbols;
    const char *open_symbol; /* the first symbolic dimension without a value */
    int64_t opset;
    /* lowering */
    size_t layer_count, layer_capacity;
    struct onnx_layer **layers;
    uint64_t element_count; /* of contents kept: bounds memory */
};

/* Always false: `return onnx_fail(…)`. The text begins with the node's name and operator. */
bool onnx_fail(struct onnx_model *model, const struct onnx_node *node, enum err_code code,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Lists the node, or fails if that is not allowed. */
bool onnx_unsupported(struct onnx_model *model, struct onnx_node *node, const char *why);

/* What the node makes depends on data: takes the shapes that the file states, all outputs together;
 * where it does not, the node is unsupported. */
bool onnx_undecided(struct onnx_model *model, struct onnx_node *node, const char *why);

/* Whole graph: model->nodes and inputs, shapes and constants known. */
bool onnx_build(struct onnx_model *model);

/* One more node behind the others: shapes inferred, constants folded. Outputs that are NULL in
 * `outputs` stay out. Used by the builder and by the expansion of fused operators. */
bool onnx_add(struct onnx_model *model, struct onnx_node *node);

/* One more of the node's operator, for the report. */
void onnx_count_operator(struct onnx_model *model, const struct onnx_node *node);

struct onnx_value *onnx_new_value(struct onnx_model *model, const char *name);
/* A constant with contents; shape.rank 0 or 1. */
struct onnx_value *onnx_new_ints(struct onnx_model *model, const char *name, const int64_t *ints,
                                 size_t count);

/* --- attributes ------------------------------------------------------------------------------ */

const struct onnx_attr *onnx_attr(const struct onnx_node *node, const char *name);
int64_t onnx_attr_int(const struct onnx_node *node, const char *name, int64_t fallback);
const char *onnx_attr_str(const struct onnx_node *node, const char *name, const char *fallback);

/* --- values ---------------------------------------------------------------------------------- */

static inline struct onnx_value *onnx_in(const struct onnx_node *node, size_t i)
{
    return i < node->input_count ? node->inputs[i] : NULL;
}
static inline struct onnx_value *onnx_out(const struct onnx_node *node, size_t i)
{
    return i < node->output_count ? node->outputs[i] : NULL;
}
/* Nothing runs for it: all that leaves it is known (Shape of anything, say). */
bool onnx_is_constant(const struct onnx_node *node);
/* Product of dims [from, to); shapes are checked when set, so it fits. */
int64_t onnx_product(const struct onnx_shape *shape, int from, int to);
static inline int64_t onnx_elements(const struct onnx_value *value)
{
    return onnx_product(&value->shape, 0, value->shape.rank);
}
bool onnx_known(const struct onnx_value *value); /* has a shape */
/* Axis counted from the front; -1 if it lies outside. */
int onnx_axis(int64_t axis, int rank);
int64_t onnx_to_int(double value); /* saturates */
/* Integers of input i (if constant) or else of the attribute; -1 if neither is there, -2 if the
 * input is there but not known. */
int onnx_ints(const struct onnx_node *node, size_t input, const char *attr, int64_t *out, int most);

/* --- shapes (onnx_infer*.c), constants (onnx_fold.c), operators (onnx_ops.c) -------------------
 */

/* Sets type and shape of output i; false (and the error) if a dimension is illegal. */
bool onnx_set(struct onnx_model *model, struct onnx_node *node, size_t i, int type,
              const struct onnx_shape *shape);
/* numpy's rule; false if the two do not go together. */
bool onnx_broadcast(struct onnx_shape *into, const struct onnx_shape *other);
/* Window geometry of Conv, pools: pads before and after, per spatial axis. */
struct onnx_window {
    int axes;
    int64_t kernel[ONNX_RANK_MAX], stride[ONNX_RANK_MAX], dilation[ONNX_RANK_MAX];
    int64_t before[ONNX_RANK_MAX], after[ONNX_RANK_MAX], out[ONNX_RANK_MAX];
};
bool onnx_window(struct onnx_model *model, struct onnx_node *node, const struct onnx_shape *in,
                 const int64_t *kernel, struct onnx_window *window);
bool onnx_window_transposed(struct onnx_model *model, struct onnx_node *node,
                            const struct onnx_shape *in, const int64_t *kernel,
                            struct onnx_window *window);

/* Contents of the outputs, where inputs are known and small. */
void onnx_fold(struct onnx_model *model, struct onnx_node *node);

struct onnx_op {
    const char *name, *domain;
    /* Shapes of the outputs. NULL: an unsupported operator. */
    bool (*infer)(struct onnx_model *model, struct onnx_node *node);
    /* Layers, epilogues or aliases. */
    bool (*lower)(struct onnx_model *model, struct onnx_node *node);
    const char *detail; /* of the operator: an epilogue's name, say */
    /* Replaces the node by simpler ones before anything else, or sets its `plain` and leaves it;
     * NULL for most. */
    bool (*expand)(struct onnx_model *model, struct onnx_node *node);
};
const struct onnx_op *onnx_op_find(const char *domain, const char *name);

/* Gelu, layer norm and kin that exporters write as many nodes become one. */
void onnx_fuse(struct onnx_model *model);
bool onnx_lower(struct onnx_model *model);
void onnx_write(struct onnx_model *model, const char *sha256, struct text *out);

#endif
