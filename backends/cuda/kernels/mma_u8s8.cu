#include "backends/cuda/kernels/functions.h"
#include "backends/cuda/kernels/mma.cuh"

const void *cuda_function_mma_u8s8(const struct cuda_row *row, bool turn_a, bool turn_b)
{
    return cuda_kernels::mma_function<cuda_kernels::MMA_U8S8>(row, turn_a, turn_b);
}
