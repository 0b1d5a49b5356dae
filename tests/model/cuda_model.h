/*
 * Plain models of the matrix instructions, from their description in the PTX ISA: which element a
 * lane's register holds, what ldmatrix moves, which bytes a wgmma descriptor names. They know
 * nothing of backends/cuda/.
 */
#ifndef SOCWEAVE_TESTS_CUDA_MODEL_H
#define SOCWEAVE_TESTS_CUDA_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/expr.h"

struct model_at {
    unsigned row, column;
};
/* Element e of a lane's fragment. A: row of 16, column of k; B: row of k, column of 8; C: 16 x 8.
 */
struct model_at model_mma_a(unsigned element_bytes, unsigned lane, unsigned e);
struct model_at model_mma_b(unsigned element_bytes, unsigned lane, unsigned e);
struct model_at model_mma_c(unsigned lane, unsigned e);
/* Element e of a thread (0-127) of the accumulator of wgmma m64nN. */
struct model_at model_wgmma_c(unsigned thread, unsigned e);

/* ldmatrix.x4: addresses[8·m + r] is row r of matrix m; registers[lane][m]. */
void model_ldmatrix(const uint8_t *shared, const uint32_t addresses[32], bool turned,
                    uint32_t registers[32][4]);

/* Byte of shared memory that a descriptor's matrix has at (line, k); elements of one byte run along
 * k only. */
uint32_t model_wgmma_byte(uint64_t descriptor, bool along_lines, unsigned element_bytes,
                          unsigned line, unsigned k);

/* A tensor as a tensor map describes it, tiled, 128-byte swizzle, zeroes outside. */
struct model_tensor {
    uint32_t rank, element_bytes;
    const uint64_t *extent, *stride_bytes; /* strides of all dimensions but the first */
    const uint32_t *box, *step;
    const void *data;
    size_t bytes;
};
/* cp.async.bulk.tensor to `to`; false where an element that is inside lies beyond the data. */
bool model_tensor_copy(const struct model_tensor *tensor, const int32_t *where, uint8_t *shared,
                       uint32_t to);

/* An element as a whole number; test data are small ones. What is not finite gives 1000003. */
int32_t model_whole(enum dtype type, const void *element);
void model_put_whole(enum dtype type, void *element, int32_t value);

#endif
