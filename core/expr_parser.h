/*
 * What the two halves of the expression parser share. For core/expr_*.c only.
 *   expr_index.c  words, and indices as affine values
 *   expr_parse.c  accesses, terms, tensor extents
 */
#ifndef SOCWEAVE_CORE_EXPR_PARSER_H
#define SOCWEAVE_CORE_EXPR_PARSER_H

#include "core/expr.h"

struct expr_parser {
    const char *text, *at;
    struct expr expr;
    const struct expr_binding *bindings;
    size_t binding_count;
    bool *binding_used;
    int depth;
    enum err_code code;
    struct err *err;
};

/* (constant + Σ coeff·iter) / divisor while an index is being read. */
struct expr_affine {
    int64_t coeff[EXPR_ITERS_MAX];
    int64_t constant;
    int64_t divisor;
};

/* Records the first failure with its column; returns false for `return expr_fail(…)`. */
bool expr_fail(struct expr_parser *p, enum err_code code, const char *place, const char *format,
               ...) __attribute__((format(printf, 4, 5)));
bool expr_fail_expected(struct expr_parser *p, const char *what);

void expr_skip_space(struct expr_parser *p);
bool expr_peek(struct expr_parser *p, char c);
bool expr_take(struct expr_parser *p, char c);
bool expr_read_name(struct expr_parser *p, const char *what, char name[EXPR_NAME_MAX]);

/* A sum of products of names, numbers and sums in parentheses. */
bool expr_read_index(struct expr_parser *p, struct expr_affine *out);

#endif
