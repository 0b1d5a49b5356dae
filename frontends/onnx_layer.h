/*
 * Layers in the making, for frontends/ only. A value is carried by feeds: whole layers or graph
 * inputs, several where they are concatenated, parts where it is a slice. What only renames or
 * re-indexes elements (reshape, slice, concatenation, broadcast) makes no layer: its reader reads
 * from where the elements are. Work that follows a layer joins its epilogue as long as nobody else
 * reads the value in between.
 */
#ifndef SOCWEAVE_FRONTENDS_ONNX_LAYER_H
#define SOCWEAVE_FRONTENDS_ONNX_LAYER_H

#include "frontends/onnx_ir.h"

struct onnx_feed {
    struct onnx_layer *layer;       /* NULL: a graph input */
    const struct onnx_value *input; /* that graph input */
    uint64_t elements;
    bool partial; /* not all of the source, or several times */
};

struct onnx_operand {
    size_t count; /* 0: a constant */
    const struct onnx_feed *feeds;
};

struct onnx_binding {
    const char *name;
    int64_t value;
};

struct onnx_step {
    const char *op;
    struct onnx_operand input;
};

#define ONNX_STEPS_MAX    16 /* as core/dnn_read.h */
#define ONNX_BINDINGS_MAX 12

struct onnx_layer {
    const char *name, *op, *note;
    size_t extent_count, param_count, operand_count, step_count;
    struct onnx_binding extents[ONNX_BINDINGS_MAX], params[ONNX_BINDINGS_MAX];
    struct onnx_operand operands[2];
    struct onnx_step steps[ONNX_STEPS_MAX];
    struct onnx_shape shape;       /* what leaves, in the model's dimensions */
    int type[3];                   /* ONNX types: output, first and second operand */
    const struct onnx_value *tail; /* what leaves it, if that is one value */
    bool normalizes;               /* steps that need whole rows have joined */
};

/* A layer named after the node, with "/part" behind if `part` is given. */
struct onnx_layer *onnx_layer_new(struct onnx_model *model, const struct onnx_node *node,
                                  const char *part, const char *op);
void onnx_extent(struct onnx_layer *layer, const char *name, int64_t value);
/* Left out where it has its default. */
void onnx_param(struct onnx_layer *layer, const char *name, int64_t value, int64_t fallback);
/* The feeds of the value, of `elements` in all; fewer are read again and again. */
struct onnx_operand onnx_operand(struct onnx_model *model, struct onnx_value *value,
                                 int64_t elements);
/* The same as the layer's next operand; a constant as operand only sets the type. */
void onnx_feed(struct onnx_model *model, struct onnx_layer *layer, struct onnx_value *value,
               int64_t elements);
/* The value is what leaves the layer. */
void onnx_leave(struct onnx_model *model, struct onnx_layer *layer, struct onnx_value *value);
/* The value is `elements` of what leaves it. */
void onnx_leave_part(struct onnx_model *model, struct onnx_layer *layer, struct onnx_value *value,
                     int64_t elements);
/* A part of an operand's feeds: `elements` in all. */
struct onnx_operand onnx_part(struct onnx_model *model, struct onnx_operand whole,
                              uint64_t elements);
uint64_t onnx_operand_elements(const struct onnx_operand *operand);

/* `to` is the same elements as `from` under another name or shape. */
void onnx_alias(struct onnx_value *from, struct onnx_value *to);

/* May work on `value` join the layers that make it? */
bool onnx_can_join(const struct onnx_model *model, const struct onnx_value *value);
/* The layer's last value becomes `out` after one more step; `other` is a second input or NULL. */
void onnx_join(struct onnx_model *model, struct onnx_value *value, struct onnx_value *out,
               const char *step, struct onnx_value *other);

int onnx_stored(const struct onnx_value *value); /* type of the bytes that carry it */

bool onnx_is_product(const struct onnx_layer *layer); /* has MACs */

/* n, k, p, q of a map over a shape of any rank. */
void onnx_map_extents(struct onnx_layer *layer, const struct onnx_shape *shape);

#define ONNX_LOWER(name) bool onnx_lower_##name(struct onnx_model *model, struct onnx_node *node)

/* onnx_lower_map.c */
ONNX_LOWER(alias);
ONNX_LOWER(unary);
ONNX_LOWER(clip);
ONNX_LOWER(binary);
ONNX_LOWER(norm);
ONNX_LOWER(batch_norm);
ONNX_LOWER(reduce);
ONNX_LOWER(quantize);
/* onnx_lower_move.c */
ONNX_LOWER(concat);
ONNX_LOWER(part); /* Slice, Split */
ONNX_LOWER(transpose);
ONNX_LOWER(gather);
ONNX_LOWER(resize);
ONNX_LOWER(move);
/* onnx_lower_nn.c */
ONNX_LOWER(conv);
ONNX_LOWER(conv_transpose);
ONNX_LOWER(pool);
ONNX_LOWER(global_pool);
ONNX_LOWER(gemm);
ONNX_LOWER(matmul);
ONNX_LOWER(einsum);
ONNX_LOWER(recurrent);

#endif
