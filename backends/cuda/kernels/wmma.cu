/*
 * wmma: the portable interface. Fragments are opaque, so tiles are panels without a swizzle and the
 * accumulators go through shared memory to the epilogue.
 */
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

#include "backends/cuda/kernels/functions.h"
#include "backends/cuda/kernels/load.cuh"

namespace cuda_kernels {

using namespace nvcuda;

template <typename T, typename SUM, int M, int N>
__global__ void __launch_bounds__(128) wmma_kernel(const __grid_constant__ cuda_params p)
{
    constexpr int BLOCK = 64, WARP = 32, BYTES = sizeof(T);
    constexpr uint32_t PITCH = BYTES == 2 ? 48 / BYTES : 16;
    const uint32_t tile_bytes = cuda_panel_tile_bytes(BYTES, BLOCK);
    extern __shared__ __align__(128) char raw[];
    const cuda_block block = cuda_block_at(&p, blockIdx.x);
    const uint32_t warp = threadIdx.x / 32, base = shared_address(raw);
    const uint32_t line = cuda_warp_line(BLOCK, WARP, warp);
    const uint32_t column = cuda_warp_column(BLOCK, WARP, WARP, warp);
    auto load = [&](uint32_t number) {
        uint32_t stage = base + 2 * tile_bytes * (number % p.stages), step = block.begin + number;
        load_tile<BLOCK, 128, BYTES, true>(p, p.operand_a, p.a, stage, block, block.m0, step);
        load_tile<BLOCK, 128, BYTES, true>(p, p.operand_b, p.b, stage + tile_bytes, block, block.n0,
                                           step);
    };
    wmma::fragment<wmma::accumulator, M, N, 16, SUM> sums[WARP / M][WARP / N];
#pragma unroll
    for (int i = 0; i < WARP / M; i++)
#pragma unroll
        for (int j = 0; j < WARP / N; j++)
            wmma::fill_fragment(sums[i][j], SUM(0));
    const uint32_t ahead = p.stages - 1;
    for (uint32_t turn = 0; turn < block.count + ahead; turn++) {
        if (turn >= ahead) {
            wait_copies(ahead - 1);
            __syncthreads();
        }
        if (turn < block.count)
            load(turn);
        commit_copies();
        if (turn < ahead)
            continue;
        const uint32_t number = turn - ahead;
        const char *stage = raw + 2 * tile_bytes * (number % p.stages);
        uint32_t parts = cuda_step_parts(&p, block.begin + number) *
                         (cuda_panel_parts(BYTES) / CUDA_ROW_STEPS);
#pragma unroll 1
        for (uint32_t part = 0; part < parts; part++) {
            wmma::fragment<wmma::matrix_a, M, N, 16, T, wmma::row_major> a[WARP / M];
            wmma::fragment<wmma::matrix_b, M, N, 16, T, wmma::col_major> b[WARP / N];
#pragma unroll
            for (int i = 0; i < WARP / M; i++)
                wmma::load_matrix_sync(
                    a[i],
                    reinterpret_cast<const T *>(
                        stage + cuda_panel_address(BYTES, BLOCK, line + i * M, part * BYTES)),
                    PITCH);
#pragma unroll
            for (int j = 0; j < WARP / N; j++)
                wmma::load_matrix_sync(
                    b[j],
                    reinterpret_cast<const T *>(
                        stage + tile_bytes +
                        cuda_panel_address(BYTES, BLOCK, column + j * N, part * BYTES)),
                    PITCH);
#pragma unroll
            for (int i = 0; i < WARP / M; i++)
#pragma unroll
                for (int j = 0; j < WARP / N; j++)
                    wmma::mma_sync(sums[i][j], a[i], b[j], sums[i][j]);
        }
    }
    wait_copies(0);
    __syncthreads(); /* the stages become the warps' scratch */
    SUM *scratch = reinterpret_cast<SUM *>(raw) + warp * WARP * WARP;
#pragma unroll
    for (int i = 0; i < WARP / M; i++)
#pragma unroll
        for (int j = 0; j < WARP / N; j++)
            wmma::store_matrix_sync(scratch + i * M * WARP + j * N, sums[i][j], WARP,
                                    wmma::mem_row_major);
    deliver<BYTES == 2>(p, block, reinterpret_cast<const uint32_t *>(scratch), block.m0 + line,
                        block.n0 + column, WARP, WARP);
}

template <typename T, typename SUM> const void *wmma_shape(const cuda_row *row)
{
#define SHAPE(m_, n_)                                                                              \
    if (row->m == m_ && row->n == n_)                                                              \
        return reinterpret_cast<const void *>(wmma_kernel<T, SUM, m_, n_>);
    CUDA_WMMA_SHAPES(SHAPE)
#undef SHAPE
    return nullptr;
}

template <bool FLOAT> __global__ void reduce_kernel(const __grid_constant__ cuda_params p)
{
    uint64_t thread = blockIdx.x * uint64_t(blockDim.x) + threadIdx.x;
    if (thread < uint64_t(p.z) * p.m * p.n)
        cuda_reduce(&p, FLOAT, thread);
}

} // namespace cuda_kernels

const void *cuda_function_wmma(const struct cuda_row *row, bool turn_a, bool turn_b)
{
    if (turn_a || turn_b)
        return nullptr;
    switch (row->type_a) {
    case DT_F16:
        return cuda_kernels::wmma_shape<half, float>(row);
    case DT_BF16:
        return cuda_kernels::wmma_shape<__nv_bfloat16, float>(row);
    case DT_S8:
        return cuda_kernels::wmma_shape<signed char, int>(row);
    case DT_U8:
        return cuda_kernels::wmma_shape<unsigned char, int>(row);
    default:
        return nullptr;
    }
}

const void *cuda_function_reduce(bool is_float)
{
    return is_float ? reinterpret_cast<const void *>(cuda_kernels::reduce_kernel<true>)
                    : reinterpret_cast<const void *>(cuda_kernels::reduce_kernel<false>);
}
