#include "backends/cuda/kernels/functions.h"
#include "backends/cuda/kernels/mma.cuh"

const void *cuda_function_mma_bf16(const struct cuda_row *row, bool turn_a, bool turn_b)
{
    return cuda_kernels::mma_function<cuda_kernels::MMA_BF16>(row, turn_a, turn_b);
}
