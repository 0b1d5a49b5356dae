/*
 * mma.sync on tiles that ldmatrix reads, any plan by its tables, in the loops of mainloop.inc.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_MMA_CUH
#define SOCWEAVE_BACKENDS_CUDA_MMA_CUH

#include "backends/cuda/kernels/load.cuh"
#include "backends/cuda/mainloop.inc"
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

/* A warp, for mainloop.inc. */
template <mma_type TYPE, int BM, int BN, int WM, int WN, bool TURN_A, bool TURN_B>
struct mma_machine {
    static constexpr int THREADS = BM / WM * BN / WN * 32;
    static constexpr int BYTES = TYPE == MMA_F16 || TYPE == MMA_BF16 ? 2 : 1;
    static constexpr uint32_t ELEMENTS = CUDA_ROW_BYTES / BYTES;
    static constexpr uint32_t TILE_A = BM * CUDA_ROW_BYTES, STAGE = (BM + BN) * CUDA_ROW_BYTES;
    const cuda_params &p;
    const cuda_block &block;
    uint32_t base, lane, line, column;
    uint32_t stage; /* that is being multiplied */
    static constexpr uint32_t BUFFERS = cuda_fragment_buffers(WM, WN);
    uint32_t a[BUFFERS][WM / 16][4], b[BUFFERS][WN / 16][4], sums[WM / 16][WN / 8][4];
};

#define MMA_TEMPLATE                                                                               \
    template <mma_type TYPE, int BM, int BN, int WM, int WN, bool TURN_A, bool TURN_B>             \
    __device__ __forceinline__
#define MMA_MACHINE mma_machine<TYPE, BM, BN, WM, WN, TURN_A, TURN_B>

MMA_TEMPLATE void machine_wait_copies(MMA_MACHINE *, uint32_t pending)
{
    wait_copies(pending);
}
MMA_TEMPLATE void machine_commit_copies(MMA_MACHINE *)
{
    commit_copies();
}
MMA_TEMPLATE void machine_barrier(MMA_MACHINE *)
{
    __syncthreads();
}
MMA_TEMPLATE constexpr uint32_t machine_warp_m(MMA_MACHINE *)
{
    return WM;
}
MMA_TEMPLATE constexpr uint32_t machine_warp_n(MMA_MACHINE *)
{
    return WN;
}
MMA_TEMPLATE void machine_load(MMA_MACHINE *m, uint32_t number, uint32_t stage)
{
    uint32_t tile = m->base + m->STAGE * stage, step = m->block.begin + number;
    load_tile<BM, m->THREADS, m->BYTES, false>(m->p, m->p.operand_a, m->p.a, tile, m->block,
                                               m->block.m0, step, threadIdx.x);
    load_tile<BN, m->THREADS, m->BYTES, false>(m->p, m->p.operand_b, m->p.b, tile + m->TILE_A,
                                               m->block, m->block.n0, step, threadIdx.x);
}
MMA_TEMPLATE constexpr uint32_t machine_buffers(MMA_MACHINE *)
{
    return MMA_MACHINE::BUFFERS;
}
MMA_TEMPLATE void machine_fetch_a(MMA_MACHINE *m, uint32_t buffer, uint32_t i, uint32_t line,
                                  uint32_t part)
{
    load_matrices<TURN_A>(m->a[buffer % MMA_MACHINE::BUFFERS][i],
                          m->stage + cuda_a_address(TURN_A, m->ELEMENTS, line, part, m->lane));
}
MMA_TEMPLATE void machine_fetch_b(MMA_MACHINE *m, uint32_t buffer, uint32_t j, uint32_t line,
                                  uint32_t part)
{
    load_matrices<TURN_B>(m->b[buffer % MMA_MACHINE::BUFFERS][j],
                          m->stage + m->TILE_A +
                              cuda_b_address(TURN_B, m->ELEMENTS, line, part, m->lane));
}
MMA_TEMPLATE void machine_mma(MMA_MACHINE *m, uint32_t buffer, uint32_t i, uint32_t j)
{
    const uint32_t(&b)[4] = m->b[buffer % MMA_MACHINE::BUFFERS][j / 2];
    multiply<TYPE>(m->sums[i][j], m->a[buffer % MMA_MACHINE::BUFFERS][i], b[j % 2 * 2],
                   b[j % 2 * 2 + 1]);
}
MMA_TEMPLATE void machine_multiply(MMA_MACHINE *m, uint32_t number, uint32_t stage)
{
    m->stage = m->base + m->STAGE * stage;
    cuda_multiply_fragments(m, m->line, m->column, cuda_step_parts(&m->p, m->block.begin + number));
}

/* Blocks of an SM that the registers must allow; left to itself ptxas aims higher, and spills. */
constexpr int mma_blocks(int block_m, int block_n)
{
    return block_m * block_n > 128 * 128 ? 1 : block_m * block_n == 128 * 128 ? 2 : 4;
}

template <mma_type TYPE, int BM, int BN, int WM, int WN, bool TURN_A, bool TURN_B>
__global__ void __launch_bounds__(BM / WM *BN / WN * 32, mma_blocks(BM, BN))
    mma_kernel(const __grid_constant__ cuda_params p)
{
    extern __shared__ char raw[];
    const cuda_block block = cuda_block_at(&p, blockIdx.x);
    const uint32_t warp = threadIdx.x / 32;
    MMA_MACHINE m = { p, block, (shared_address(raw) + 1023) & ~1023u, threadIdx.x % 32,
                      cuda_warp_line(BM, WM, warp), cuda_warp_column(BM, WM, WN, warp) };
    cuda_run_together(&m, block.count, p.stages);
    /* All sums at once if two stages hold them, so that none lives across the call; else by 16. */
    constexpr int LINES = BM * BN * 4 <= 2 * MMA_MACHINE::STAGE ? WM : 16;
    uint32_t *scratch =
        reinterpret_cast<uint32_t *>(raw + (m.base - shared_address(raw))) + warp * LINES * WN;
#pragma unroll
    for (int first = 0; first < WM; first += LINES) {
#pragma unroll
        for (int i = 0; i < LINES; i += 16)
#pragma unroll
            for (int j = 0; j < WN / 8; j++)
#pragma unroll
                for (uint32_t e = 0; e < 4; e++)
                    scratch[(i + cuda_c_line(m.lane, e)) * WN + 8 * j + cuda_c_column(m.lane, e)] =
                        m.sums[(first + i) / 16][j][e];
        deliver<MMA_MACHINE::BYTES == 2>(p, block, scratch, block.m0 + m.line + first,
                                         block.n0 + m.column, LINES, WN, WN);
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
