#include "backends/cuda/kernels/functions.h"
#ifndef CUDA_WITHOUT_WGMMA
#include "backends/cuda/kernels/wgmma.cuh"
#endif

const void *cuda_function_wgmma_u8s8(const struct cuda_row *row, bool turn_a, bool turn_b)
{
#ifdef CUDA_WITHOUT_WGMMA
    (void)row, (void)turn_a, (void)turn_b;
    return nullptr;
#else
    return cuda_kernels::wgmma_function<cuda_kernels::WGMMA_U8S8>(row, turn_a, turn_b);
#endif
}
