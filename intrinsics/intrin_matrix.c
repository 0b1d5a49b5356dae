/*
 * The binary matrices of AMOS's Algorithm 1 (Zheng et al., ISCA 2022, sec. 4), literally.
 */
#include <assert.h>
#include <string.h>

#include "intrinsics/intrin.h"

/* Rows as in the paper: first input, second input, output. */
static size_t tensor_of_row(size_t row, size_t tensor_count)
{
    return (row + 1) % tensor_count;
}

static bool uses(const struct expr_tensor *tensor, size_t iter)
{
    for (size_t d = 0; d < tensor->dim_count; d++) {
        if (tensor->dims[d].coeff[iter] != 0)
            return true;
    }
    return false;
}

/* Docs: docs/model.md M-60. */
struct intrin_matrix intrin_access_matrix(const struct expr *expr)
{
    struct intrin_matrix m = { expr->tensor_count, expr->iter_count, { { false } } };
    for (size_t row = 0; row < m.rows; row++) {
        const struct expr_tensor *tensor = &expr->tensors[tensor_of_row(row, m.rows)];
        for (size_t i = 0; i < m.columns; i++)
            m.at[row][i] = uses(tensor, i);
    }
    return m;
}

struct intrin_matrix intrin_matching_matrix(const struct intrin *intrin, const struct expr *expr,
                                            const struct intrin_mapping *mapping)
{
    struct intrin_matrix m = { intrin->expr.iter_count, expr->iter_count, { { false } } };
    for (size_t x = 0; x < m.rows; x++) {
        for (size_t i = 0; i < m.columns; i++)
            m.at[x][i] = mapping->axis[x] >> i & 1;
    }
    return m;
}

struct intrin_matrix intrin_matrix_product(const struct intrin_matrix *a,
                                           const struct intrin_matrix *b)
{
    assert(a->columns == b->rows);
    struct intrin_matrix m = { a->rows, b->columns, { { false } } };
    for (size_t row = 0; row < m.rows; row++) {
        for (size_t column = 0; column < m.columns; column++) {
            for (size_t i = 0; i < a->columns; i++)
                m.at[row][column] |= a->at[row][i] && b->at[i][column];
        }
    }
    return m;
}

struct intrin_matrix intrin_matrix_transpose(const struct intrin_matrix *a)
{
    struct intrin_matrix m = { a->columns, a->rows, { { false } } };
    for (size_t row = 0; row < m.rows; row++) {
        for (size_t column = 0; column < m.columns; column++)
            m.at[row][column] = a->at[column][row];
    }
    return m;
}

static bool same(const struct intrin_matrix *a, const struct intrin_matrix *b)
{
    if (a->rows != b->rows || a->columns != b->columns)
        return false;
    for (size_t row = 0; row < a->rows; row++) {
        if (memcmp(a->at[row], b->at[row], a->columns * sizeof a->at[row][0]) != 0)
            return false;
    }
    return true;
}

/* The columns of unmapped iterations are left out: they stay outside as loops. */
static struct intrin_matrix only_mapped(const struct intrin_matrix *x,
                                        const struct intrin_mapping *mapping)
{
    uint16_t mapped = 0;
    for (size_t axis = 0; axis < INTRIN_AXES_MAX; axis++)
        mapped |= mapping->axis[axis];
    struct intrin_matrix m = *x;
    for (size_t row = 0; row < m.rows; row++) {
        for (size_t i = 0; i < m.columns; i++)
            m.at[row][i] = m.at[row][i] && (mapped >> i & 1);
    }
    return m;
}

/* Docs: docs/model.md M-61. */
bool intrin_mapping_is_valid(const struct intrin *intrin, const struct expr *expr,
                             const struct intrin_mapping *mapping)
{
    struct intrin_matrix x = intrin_access_matrix(expr);
    struct intrin_matrix z = intrin_access_matrix(&intrin->expr);
    struct intrin_matrix y = intrin_matching_matrix(intrin, expr, mapping);
    if (x.rows != z.rows)
        return false;
    x = only_mapped(&x, mapping);
    struct intrin_matrix back = intrin_matrix_transpose(&y);
    struct intrin_matrix x_again = intrin_matrix_product(&z, &y);
    struct intrin_matrix z_again = intrin_matrix_product(&x, &back);
    return same(&x_again, &x) && same(&z_again, &z);
}
