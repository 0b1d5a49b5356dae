/*
 * Names of one graph or function body while it is built; what is not found in it is looked for
 * outside. For frontends/ only.
 */
#ifndef SOCWEAVE_FRONTENDS_ONNX_SCOPE_H
#define SOCWEAVE_FRONTENDS_ONNX_SCOPE_H

#include "frontends/onnx_ir.h"

struct onnx_scope {
    const struct onnx_scope *outer; /* NULL: none */
    const char *prefix;             /* of the names that are made inside */
    const struct onnx_node *call;   /* the function's caller, for attributes by reference */
    const Onnx__FunctionProto *function;
    struct names *names; /* -> index into values */
    size_t count, capacity;
    struct onnx_value **values;
};

void onnx_scope_open(struct onnx_scope *scope, const struct onnx_scope *outer, const char *prefix);
void onnx_scope_close(struct onnx_scope *scope);
struct onnx_value *onnx_scope_find(const struct onnx_scope *scope, const char *name);
/* False if the scope has the name already. */
bool onnx_scope_bind(struct onnx_scope *scope, const char *name, struct onnx_value *value);
/* The name with the scope's prefix. */
const char *onnx_scope_name(struct onnx_model *model, const struct onnx_scope *scope,
                            const char *name);

/* Initialisers and nodes of a graph into the scope. onnx_build.c */
bool onnx_add_graph(struct onnx_model *model, struct onnx_scope *scope,
                    const Onnx__GraphProto *graph);

/*
 * Loop with a constant number of steps, Scan: the body once per step, "NAME/t0/…". Outputs are
 * bound in the scope. Sets *done to false, and does nothing, where the node is neither or cannot be
 * unrolled. onnx_unroll.c
 */
bool onnx_unroll(struct onnx_model *model, struct onnx_scope *scope, const Onnx__NodeProto *proto,
                 struct onnx_node *node, bool *done);

#endif
