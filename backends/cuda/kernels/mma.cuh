/*
 * mma.sync on tiles that ldmatrix reads, any plan by its tables. One barrier per step of k; loads
 * run stages - 1 steps ahead. tests/model/cuda_emulate.c is the same loop on the CPU.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_MMA_CUH
#define SOCWEAVE_BACKENDS_CUDA_MMA_CUH

#include "backends/cuda/kernels/load.cuh"
#include "backends/cuda/rows.h"

namespace cuda_kernels {

enum mma_type { MMA_F16, MMA_BF16, MMA_S8, MMA_U8S8 };

template <bool TURNED>
__device__ __forceinline__ void load_matrices(uint32_t (&r)[4], uint32_t address)
{
    if constexpr (TURNED)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(address)
                     : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(address)
                     : "memory");
}

#define MMA_ASM(name)                                                                              \
    asm volatile("mma.sync.aligned." name                                                          \
                 " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                \
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])                                  \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))
#define MMA_ASM_F32(name)                                                                          \
    asm volatile("mma.sync.aligned." name                                                          \
                 " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                \
                 : "+f"(f[0]), "+f"(f[1]), "+f"(f[2]), "+f"(f[3])                                  \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))

template <mma_type TYPE>
__device__ __forceinline__ void multiply(uint32_t (&c)[4], const uint32_t (&a)[4], uint32_t b0,
                                         uint32_t b1)
{
    if constexpr (TYPE == MMA_S8) {
        MMA_ASM("m16n8k32.row.col.s32.s8.s8.s32");
    } else if constexpr (TYPE == MMA_U8S8) {
        MMA_ASM("m16n8k32.row.col.s32.u8.s8.s32");
    } else {
        float f[4];
#pragma unroll
        for (int e = 0; e < 4; e++)
            f[e] = __uint_as_float(c[e]);
        if constexpr (TYPE == MMA_F16)
            MMA_ASM_F32("m16n8k16.row.col.f32.f16.f16.f32");
        else
            MMA_ASM_F32("m16n8k16.row.col.f32.bf16.bf16.f32");
#pragma unroll
        for (int e = 0; e < 4; e++)
            c[e] = __float_as_uint(f[e]);
    }
}

template <mma_type TYPE, int BM, int BN, int WM, int WN, bool TURN_A, bool TURN_B>
__global__ void __launch_bounds__(BM / WM *BN / WN * 32)
    mma_kernel(const __grid_constant__ cuda_params p)
{
    constexpr int THREADS = BM / WM * BN / WN * 32;
    constexpr int BYTES = TYPE == MMA_F16 || TYPE == MMA_BF16 ? 2 : 1;
    constexpr uint32_t ELEMENTS = CUDA_ROW_BYTES / BYTES, STAGE = (BM + BN) * CUDA_ROW_BYTES;
    extern __shared__ char raw[];
    const uint32_t base = (shared_address(raw) + 1023) & ~1023u;
    const cuda_block block = cuda_block_at(&p, blockIdx.x);
    const uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const uint32_t line = cuda_warp_line(BM, WM, warp), column = cuda_warp_column(BM, WM, WN, warp);
    auto load = [&](uint32_t number) {
        uint32_t stage = base + STAGE * (number % p.stages), step = block.begin + number;
        load_tile<BM, THREADS, BYTES, false>(p, p.operand_a, p.a, stage, block, block.m0, step);
        load_tile<BN, THREADS, BYTES, false>(p, p.operand_b, p.b, stage + BM * CUDA_ROW_BYTES,
                                             block, block.n0, step);
    };
    uint32_t sums[WM / 16][WN / 8][4] = {};
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
        const uint32_t stage = base + STAGE * (number % p.stages);
        const uint32_t parts = cuda_step_parts(&p, block.begin + number);
#pragma unroll 1
        for (uint32_t part = 0; part < parts; part++) {
            uint32_t a[WM / 16][4], b[WN / 16][4];
#pragma unroll
            for (int i = 0; i < WM / 16; i++)
                load_matrices<TURN_A>(
                    a[i], stage + cuda_a_address(TURN_A, ELEMENTS, line + 16 * i, part, lane));
#pragma unroll
            for (int j = 0; j < WN / 16; j++)
                load_matrices<TURN_B>(b[j], stage + BM * CUDA_ROW_BYTES +
                                                cuda_b_address(TURN_B, ELEMENTS, column + 16 * j,
                                                               part, lane));
#pragma unroll
            for (int i = 0; i < WM / 16; i++)
#pragma unroll
                for (int j = 0; j < WN / 8; j++)
                    multiply<TYPE>(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
        }
    }
    wait_copies(0);
    __syncthreads(); /* the stages become the warps' scratch */
    uint32_t *scratch =
        reinterpret_cast<uint32_t *>(raw + (base - shared_address(raw))) + warp * 16 * WN;
#pragma unroll
    for (int i = 0; i < WM / 16; i++) {
#pragma unroll
        for (int j = 0; j < WN / 8; j++)
#pragma unroll
            for (uint32_t e = 0; e < 4; e++)
                scratch[cuda_c_line(lane, e) * WN + 8 * j + cuda_c_column(lane, e)] =
                    sums[i][j][e];
        deliver<BYTES == 2>(p, block, scratch, block.m0 + line + 16 * i, block.n0 + column, 16, WN);
    }
}

/* NULL where the tile cannot run along lines: cuda_row_takes(). */
template <mma_type TYPE, int BM, int BN, int WM, int WN>
const void *mma_variant(bool turn_a, bool turn_b)
{
    constexpr bool HALVES = TYPE == MMA_F16 || TYPE == MMA_BF16;
    if (!turn_a && !turn_b)
        return reinterpret_cast<const void *>(mma_kernel<TYPE, BM, BN, WM, WN, false, false>);
    if constexpr (HALVES && BM % 64 == 0)
        if (turn_a && !turn_b)
            return reinterpret_cast<const void *>(mma_kernel<TYPE, BM, BN, WM, WN, true, false>);
    if constexpr (HALVES && BN % 64 == 0)
        if (!turn_a && turn_b)
            return reinterpret_cast<const void *>(mma_kernel<TYPE, BM, BN, WM, WN, false, true>);
    if constexpr (HALVES && BM % 64 == 0 && BN % 64 == 0)
        if (turn_a && turn_b)
            return reinterpret_cast<const void *>(mma_kernel<TYPE, BM, BN, WM, WN, true, true>);
    return nullptr;
}

template <mma_type TYPE>
const void *mma_function(const cuda_row *row, bool turn_a, bool turn_b)
{
#define TILE(bm, bn, wm, wn)                                                                       \
    if (row->block_m == bm && row->block_n == bn)                                                  \
        return mma_variant<TYPE, bm, bn, wm, wn>(turn_a, turn_b);
    CUDA_MMA_TILES(TILE)
#undef TILE
    return nullptr;
}

} // namespace cuda_kernels

#endif
