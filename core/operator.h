/*
 * The operator table: one row per operator that a DNN graph may name. A new operator is one row
 * in operator.c plus one test.
 */
#ifndef SOCWEAVE_CORE_OPERATOR_H
#define SOCWEAVE_CORE_OPERATOR_H

#include "core/expr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an accelerator declares to support, and which rule of a dataflow applies. */
enum op_kind {
    OP_CONV,          /* dense convolutions, grouped and transposed ones included */
    OP_DEPTHWISE,     /* one filter per channel */
    OP_GEMM,          /* matrix products, batched ones and matrix-vector included */
    OP_POOL,          /* window reductions without weights */
    OP_ELEMENTWISE,   /* add, mul, relu, gelu, … */
    OP_NORMALIZATION, /* softmax, layernorm, mean, variance, scan */
    OP_MOVEMENT,      /* concat, transpose, reshape that moves bytes */
    OP_KIND_COUNT
};
extern const char *const op_kind_names[OP_KIND_COUNT]; /* "conv", "depthwise", … */
/* Do layers of this kind count MACs (true) or only bytes (false)? */
bool op_kind_has_macs(enum op_kind kind);

struct op_row {
    const char *name; /* "conv2d" */
    enum op_kind kind;
    const char *text;       /* the expression */
    const char *roles;      /* "n=N k=K …" */
    const char *defaults;   /* "sh=1 sw=1 ph=0 pw=0": parameters and extents with a default value */
    unsigned operand_count; /* inputs of the expression that a producer may feed: 1 or 2 */
    unsigned passes;        /* times the data is read (softmax 2, layernorm 2, others 1) */
    const char *note;       /* one line: what it is; AMOS's three letters where it has some */
    bool any_input;         /* reads what arrives, whatever its extents: they are the result's */
};

extern const struct op_row op_table[];
extern const size_t op_count;
extern const char *const *op_names(void);       /* op_count names, for json_enum() */
const struct op_row *op_find(const char *name); /* NULL if there is none */

/* ERR_REFERENCE unless the row has an iteration or a parameter of that name. */
enum err_code op_check_binding(const struct op_row *row, const struct expr_binding *binding,
                               struct err *err);

/*
 * The row's expression with these extents and parameters; defaults fill in what is missing.
 * Errors as expr_parse(), plus ERR_REFERENCE for a binding the row does not know.
 */
enum err_code op_bind(const struct op_row *row, const struct expr_binding *bindings,
                      size_t binding_count, struct expr *out, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
