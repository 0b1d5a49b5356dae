/*
 * Can the tensor copies fetch an operand? They can where its offsets, which the tables give entry
 * by entry, are affine: lines along one dimension, k along another one, one of them contiguous.
 *
 * Dimensions that may be left (padding) become dimensions of the map, whose bounds the hardware
 * checks; all others are one offset, and what z and r add to it is one more dimension whose stride
 * is the largest that divides every entry. Alignment as cuTensorMapEncodeTiled() wants it: strides
 * are multiples of 16 bytes.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_MAP_H
#define SOCWEAVE_BACKENDS_CUDA_MAP_H

#include "backends/cuda/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fills op->map, rank 0 if there is none; tables of z and r are appended to the problem's.
 * guard_strides: elements from index to index of each guarded dimension. may_turn: lines may be the
 * contiguous ones, too. Returns why there is no map, or NULL. */
const char *cuda_map_find(struct cuda_problem *problem, struct cuda_operand *op,
                          const int64_t *guard_strides, bool may_turn);

/* As cuTensorMapEncodeTiled() takes it: strides of all dimensions but the first. */
struct cuda_map_arguments {
    uint64_t extent[CUDA_MAP_DIMS], stride_bytes[CUDA_MAP_DIMS - 1];
    uint32_t box[CUDA_MAP_DIMS], step[CUDA_MAP_DIMS];
};
void cuda_map_arguments(const struct cuda_map *map, uint32_t element_bytes,
                        struct cuda_map_arguments *out);

#ifdef __cplusplus
}
#endif
#endif
