/*
 * Tensor expressions: the common ground of cost model, matcher and reference backend.
 *
 *     O[n,k,p,q] += I[n,c,p*sh+r*dh-ph,q*sw+s*dw-pw] * W[k,c,r,s]
 *
 * The left side is the output. Iterations that do not occur on the left are reductions. A lower
 * case name is an iteration or a parameter (sh), an upper case name of an iteration (R) is its
 * extent. Indices are affine in the iterations once parameters are bound; `(p+r)/sh` reads zero
 * where the division leaves a remainder (the zero-expansion of a transposed convolution). A read
 * outside a tensor is zero: padding belongs to the access, never to a second copy.
 *
 * Grammar (docs/formats.md has it in full):
 *     expr   = access ("+=" | "max=" | "=") term
 *     term   = access [("*" | "+") access]        ("+" only with "=")
 *     access = NAME "[" index { "," index } "]"
 *     index  = affine | ( name | "(" affine ")" ) "/" constant
 *
 * Limits: EXPR_ITERS_MAX iterations, EXPR_DIMS_MAX dimensions, 2 inputs.
 */
#ifndef SOCWEAVE_CORE_EXPR_H
#define SOCWEAVE_CORE_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"
#include "core/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EXPR_ITERS_MAX   16
#define EXPR_DIMS_MAX    8
#define EXPR_TENSORS_MAX 3 /* output, first input, second input */
#define EXPR_NAME_MAX    16
#define EXPR_EXTENT_MAX  (INT64_C(1) << 31)

/* What an iteration means to the cost model. GEMM M×N×K is P=M, K=N, C=K. */
enum role { ROLE_NONE, ROLE_N, ROLE_G, ROLE_K, ROLE_C, ROLE_P, ROLE_Q, ROLE_R, ROLE_S, ROLE_COUNT };
extern const char *const role_names[ROLE_COUNT]; /* "-", "N", "G", … */

struct expr_iter {
    char name[EXPR_NAME_MAX];
    int64_t extent; /* 1..EXPR_EXTENT_MAX */
    enum role role; /* ROLE_NONE until roles are assigned */
    bool reduce;    /* does not occur in the output */
};

/* One dimension of an access: index = (constant + Σ coeff[i]·iter[i]) / divisor. */
struct expr_dim {
    int64_t coeff[EXPR_ITERS_MAX];
    int64_t constant;
    int64_t divisor; /* 1, or the zero-expansion */
    int64_t extent;  /* of the tensor along this dimension; see expr_parse() */
};

struct expr_tensor {
    char name[EXPR_NAME_MAX];
    enum dtype type;
    size_t dim_count;
    struct expr_dim dims[EXPR_DIMS_MAX];
};

enum expr_combine {
    EXPR_MUL_ADD, /* += A * B */
    EXPR_ADD,     /* += A      */
    EXPR_MAX,     /* max= A    */
    EXPR_SET_ADD, /* = A + B   */
    EXPR_SET_MUL, /* = A * B   */
    EXPR_SET      /* = A       */
};

struct expr {
    size_t iter_count;
    struct expr_iter iters[EXPR_ITERS_MAX]; /* in order of first occurrence, output first */
    size_t tensor_count;                    /* 2 or 3; [0] is the output */
    struct expr_tensor tensors[EXPR_TENSORS_MAX];
    enum expr_combine combine;
};

/* A number for a name of the text: an extent (of an iteration) or a parameter. */
struct expr_binding {
    const char *name;
    int64_t value;
    bool is_extent;
};

/*
 * Parse and bind. Every iteration needs an extent; parameters without a binding are errors, and so
 * are bindings that the text does not use. Tensor extents are derived: largest index + 1, less the
 * padding that negative indices show (taken to be the same on both sides), rounded up to a
 * multiple of the stride, because a padded window may leave up to stride - 1 rows unread. A caller
 * that knows better overwrites dims[].extent. On the left every iteration stands once, alone in
 * its index, so results never collide. Types are s32 for the output, u8 and s8 for the inputs
 * until set by the caller.
 * ERR_SYNTAX (text holds the sentence, err->column the 1-based place in `text`),
 * ERR_REFERENCE unknown name, ERR_VALUE non-affine, ERR_RANGE extent, ERR_OVERFLOW, ERR_LIMIT.
 */
enum err_code expr_parse(struct expr *out, const char *text, const struct expr_binding *bindings,
                         size_t binding_count, struct err *err);

/* Two lines: the text and a caret under column `column`. For messages on a terminal. free() it. */
char *expr_caret(const char *text, int column);

/* Assign roles from "n=N k=K p=P …" (iterations not named get ROLE_NONE). */
enum err_code expr_set_roles(struct expr *expr, const char *roles, struct err *err);

/* Product of all iteration extents (the MACs of a multiply-add), and elements of one tensor. */
enum err_code expr_points(const struct expr *expr, uint64_t *points, struct err *err);
enum err_code expr_elements(const struct expr *expr, size_t tensor, uint64_t *elements,
                            struct err *err);
/* Product of the extents that have this role; 1 where none has. */
uint64_t expr_role_extent(const struct expr *expr, enum role role);

/*
 * Element offset in the row-major tensor at iteration point `at[iter]`, or -1 where the read is
 * zero (outside, or a remainder).
 */
int64_t expr_offset(const struct expr *expr, size_t tensor, const int64_t *at);

/* "O[n,k,p,q] += I[n,c,2*p+r-3,…] * W[k,c,r,s]" with numbers in place of parameters. free() it. */
char *expr_print(const struct expr *expr);

#ifdef __cplusplus
}
#endif
#endif
