/*
 * Tensors for trying out kernels: random data, poisoned results, comparison with the truth.
 *
 * A tensor is dense and row-major, aligned to 64 bytes, and has a guard of 64 bytes on both sides
 * that nobody may touch. Random elements depend on (seed, name, operand) alone: the same layer has
 * the same data on every backend and for every plan.
 */
#ifndef SOCWEAVE_EXEC_EXEC_TENSOR_H
#define SOCWEAVE_EXEC_EXEC_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/expr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct exec_tensor {
    enum dtype type;
    size_t elements, bytes;
    void *data;
    void *block; /* data between its guards; owned */
};

void exec_tensor_init(struct exec_tensor *tensor, enum dtype type, size_t elements);
/* One tensor of an expression; ERR_OVERFLOW, ERR_LIMIT beyond 2 GiB. */
enum err_code exec_tensor_of(struct exec_tensor *tensor, const struct expr *expr, size_t which,
                             struct err *err);
void exec_tensor_release(struct exec_tensor *tensor);

/* What a tensor is filled with. */
struct exec_random {
    uint64_t seed;
    const char *name;
    uint64_t terms;  /* of the longest sum of products: the reductions of the expression */
    bool exact_sums; /* floats so short that no sum of their products is rounded (M-117) */
};
/*
 * Integers fill the range of u8 or s8, or the largest part of it at which sums of products stay
 * within s32 (docs/model.md M-115); floats are multiples of 2^-7 (bf16), 2^-10 (f16), 2^-23 (f32),
 * with exact_sums 2^-4 at most, in [-1, 1): no element is rounded.
 */
void exec_tensor_fill(struct exec_tensor *tensor, const struct exec_random *random,
                      unsigned operand);
/* Floats become NaN, integers a number that no sum of M-115 comes to. */
void exec_tensor_poison(struct exec_tensor *tensor);
bool exec_tensor_guards_hold(const struct exec_tensor *tensor);

double exec_tensor_get(const struct exec_tensor *tensor, size_t element);
/* Floats lose their sign; for the sums of M-116. */
void exec_tensor_absolute(struct exec_tensor *tensor);

struct exec_difference {
    size_t wrong;         /* elements */
    size_t first;         /* index of the first wrong one */
    double expected, got; /* there */
    double worst_frac;    /* largest |error| / bound of all elements; 0 without a bound */
};
/*
 * `absolute` NULL: all elements must be equal. Else they are floats, `absolute` holds the sum of
 * |products| of each, and they may differ by exec_float_bound().
 */
void exec_tensor_compare(const struct exec_tensor *got, const struct exec_tensor *truth,
                         const struct exec_tensor *absolute, uint64_t terms,
                         struct exec_difference *out);

/*
 * How far a sum of `terms` products, accumulated in f32 in any order and stored as `type`, may be
 * from the same sum in another order. Docs: docs/model.md M-116.
 */
double exec_float_bound(enum dtype type, uint64_t terms, double absolute_sum);

#ifdef __cplusplus
}
#endif
#endif
