/*
 * Operators, intrinsics and data for the matcher's tests.
 */
#ifndef SOCWEAVE_TESTS_MATCH_CASE_H
#define SOCWEAVE_TESTS_MATCH_CASE_H

#include "core/operator.h"
#include "core/rng.h"
#include "intrinsics/intrin.h"

/* The fifteen operators of AMOS's table with its counts (Zheng et al., ISCA 2022, table of
 * mappings; the counts under `extended` and for VNNI follow from the same rules). */
struct match_row {
    const char *amos_name, *op;
    size_t amos, extended, vnni;
};
extern const struct match_row match_table[15];

/* An operator of the table with "n=1 k=4 …"; names that are no iteration are parameters. */
void match_op(const char *name, const char *numbers, struct expr *out);
/* Any expression, likewise; every name of `numbers` that stands in `params` is a parameter. */
void match_expr(const char *text, const char *extents, const char *params, struct expr *out);
/* All iterations of the row at this extent. */
void match_op_cube(const char *name, int64_t extent, struct expr *out);
/* "C[i,j] += A[i,k] * B[k,j]" and the like, without a real instruction. */
void match_small(const char *text, const char *extents, struct intrin *out);

size_t match_count(const struct intrin *intrin, const struct expr *expr, enum intrin_rule rule,
                   bool fit);

/* Positive and far apart, so that no two sums agree by chance; products of a few thousand points
 * fit 63 bits. free() it. */
int32_t *match_data(const struct expr *expr, size_t tensor, struct rng *rng);
int64_t *match_zeros(const struct expr *expr);
bool match_same(const struct expr *expr, const int64_t *a, const int64_t *b);

#endif
