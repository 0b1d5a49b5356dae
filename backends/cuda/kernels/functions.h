/* Addresses of the kernels for cudaLaunchKernel(); NULL where there is no such variant. */
#ifndef SOCWEAVE_BACKENDS_CUDA_FUNCTIONS_H
#define SOCWEAVE_BACKENDS_CUDA_FUNCTIONS_H

#include "backends/cuda/params.h"
#include "backends/cuda/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

const void *cuda_function_mma_f16(const struct cuda_row *row, bool turn_a, bool turn_b);
const void *cuda_function_mma_bf16(const struct cuda_row *row, bool turn_a, bool turn_b);
const void *cuda_function_mma_s8(const struct cuda_row *row, bool turn_a, bool turn_b);
const void *cuda_function_mma_u8s8(const struct cuda_row *row, bool turn_a, bool turn_b);
const void *cuda_function_wmma(const struct cuda_row *row, bool turn_a, bool turn_b);
/* Parameters: struct cuda_params, then the tensor maps of A and B (unread without tensor copies).
 * NULL for all where the program was built without sm_90a. */
const void *cuda_function_wgmma_f16(const struct cuda_row *row, bool turn_a, bool turn_b);
const void *cuda_function_wgmma_bf16(const struct cuda_row *row, bool turn_a, bool turn_b);
const void *cuda_function_wgmma_s8(const struct cuda_row *row, bool turn_a, bool turn_b);
const void *cuda_function_wgmma_u8s8(const struct cuda_row *row, bool turn_a, bool turn_b);
/* Sums the splits: parameters as the products', 256 threads a block. */
const void *cuda_function_reduce(bool is_float);

#ifdef __cplusplus
}
#endif
#endif
