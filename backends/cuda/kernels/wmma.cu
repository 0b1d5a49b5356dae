/*
 * wmma: the portable interface. Fragments are opaque, so tiles are panels without a swizzle and the
 * accumulators go through shared memory to the epilogue.
 */
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

#include "backends/cuda/kernels/functions.h"
#include "backends/cuda/kernels/load.cuh"
#include "backends/cuda/mainloop.inc"

namespace cuda_kernels {

using namespace nvcuda;

enum { BLOCK = 64, WARP = 32, THREADS = 128 };

/* A warp, for mainloop.inc. */
template <typename T, typename SUM, int M, int N> struct wmma_machine {
    static constexpr int BYTES = sizeof(T);
    static constexpr uint32_t PITCH = BYTES == 2 ? 48 / BYTES : 16;
    const cuda_params &p;
    const cuda_block &block;
    const char *shared;
    uint32_t base, tile_bytes, line, column;
    wmma::fragment<wmma::accumulator, M, N, 16, SUM> sums[WARP / M][WARP / N];
};

#define WMMA_TEMPLATE                                                                              \
    template <typename T, typename SUM, int M, int N> __device__ __forceinline__
#define WMMA_MACHINE wmma_machine<T, SUM, M, N>

WMMA_TEMPLATE void machine_wait_copies(WMMA_MACHINE *, uint32_t pending)
{
    wait_copies(pending);
}
WMMA_TEMPLATE void machine_commit_copies(WMMA_MACHINE *)
{
    commit_copies();
}
WMMA_TEMPLATE void machine_barrier(WMMA_MACHINE *)
{
    __syncthreads();
}
WMMA_TEMPLATE void machine_load(WMMA_MACHINE *m, uint32_t number, uint32_t stage)
{
    uint32_t tile = m->base + 2 * m->tile_bytes * stage, step = m->block.begin + number;
    load_tile<BLOCK, THREADS, m->BYTES, true>(m->p, m->p.operand_a, m->p.a, tile, m->block,
                                              m->block.m0, step, threadIdx.x);
    load_tile<BLOCK, THREADS, m->BYTES, true>(m->p, m->p.operand_b, m->p.b, tile + m->tile_bytes,
                                              m->block, m->block.n0, step, threadIdx.x);
}
WMMA_TEMPLATE void machine_multiply(WMMA_MACHINE *m, uint32_t number, uint32_t stage)
{
    const char *tile = m->shared + 2 * m->tile_bytes * stage;
    const uint32_t parts = cuda_step_parts(&m->p, m->block.begin + number) *
                           (cuda_panel_parts(m->BYTES) / CUDA_ROW_STEPS);
#pragma unroll 1
    for (uint32_t part = 0; part < parts; part++) {
        wmma::fragment<wmma::matrix_a, M, N, 16, T, wmma::row_major> a[WARP / M];
        wmma::fragment<wmma::matrix_b, M, N, 16, T, wmma::col_major> b[WARP / N];
        auto from = [&](uint32_t line) {
            return cuda_panel_address(m->BYTES, BLOCK, line, part * m->BYTES);
        };
#pragma unroll
        for (int i = 0; i < WARP / M; i++)
            wmma::load_matrix_sync(
                a[i], reinterpret_cast<const T *>(tile + from(m->line + i * M)), m->PITCH);
#pragma unroll
        for (int j = 0; j < WARP / N; j++)
            wmma::load_matrix_sync(b[j],
                                   reinterpret_cast<const T *>(tile + m->tile_bytes +
                                                               from(m->column + j * N)),
                                   m->PITCH);
#pragma unroll
        for (int i = 0; i < WARP / M; i++)
#pragma unroll
            for (int j = 0; j < WARP / N; j++)
                wmma::mma_sync(m->sums[i][j], a[i], b[j], m->sums[i][j]);
    }
}

template <typename T, typename SUM, int M, int N>
__global__ void __launch_bounds__(THREADS, 4) wmma_kernel(const __grid_constant__ cuda_params p)
{
    extern __shared__ __align__(128) char raw[];
    const cuda_block block = cuda_block_at(&p, blockIdx.x);
    const uint32_t warp = threadIdx.x / 32;
    WMMA_MACHINE m = { p,
                       block,
                       raw,
                       shared_address(raw),
                       cuda_panel_tile_bytes(sizeof(T), BLOCK),
                       cuda_warp_line(BLOCK, WARP, warp),
                       cuda_warp_column(BLOCK, WARP, WARP, warp) };
#pragma unroll
    for (int i = 0; i < WARP / M; i++)
#pragma unroll
        for (int j = 0; j < WARP / N; j++)
            wmma::fill_fragment(m.sums[i][j], SUM(0));
    cuda_run_together(&m, block.count, p.stages);
    SUM *scratch = reinterpret_cast<SUM *>(raw) + warp * WARP * WARP;
#pragma unroll
    for (int i = 0; i < WARP / M; i++)
#pragma unroll
        for (int j = 0; j < WARP / N; j++)
            wmma::store_matrix_sync(scratch + i * M * WARP + j * N, m.sums[i][j], WARP,
                                    wmma::mem_row_major);
    deliver<sizeof(T) == 2>(p, block, reinterpret_cast<const uint32_t *>(scratch),
                            block.m0 + m.line, block.n0 + m.column, WARP, WARP, WARP);
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
