/*
 * Tiles into shared memory by the block's threads: asynchronous copies where runs are aligned,
 * gathers elsewhere. Which bytes and where to is index.h's business.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_LOAD_CUH
#define SOCWEAVE_BACKENDS_CUDA_LOAD_CUH

#include "backends/cuda/epilogue.h"
#include "backends/cuda/fragment.h"

namespace cuda_kernels {

__device__ __forceinline__ uint32_t shared_address(const void *pointer)
{
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

/* `bytes` of BYTES are read; the rest becomes zero. */
template <int BYTES>
__device__ __forceinline__ void copy_async(uint32_t to, const void *from, uint32_t bytes)
{
    if constexpr (BYTES == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from),
                     "r"(bytes)
                     : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from),
                     "n"(BYTES), "r"(bytes)
                     : "memory");
}

__device__ __forceinline__ void commit_copies()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* All but the `pending` latest groups have landed. */
__device__ __forceinline__ void wait_copies(uint32_t pending)
{
    if (pending == 0)
        asm volatile("cp.async.wait_group 0;" ::: "memory");
    else if (pending == 1)
        asm volatile("cp.async.wait_group 1;" ::: "memory");
    else if (pending == 2)
        asm volatile("cp.async.wait_group 2;" ::: "memory");
    else /* more than the code asks for anywhere may only wait too long */
        asm volatile("cp.async.wait_group 3;" ::: "memory");
}

template <int BYTES>
__device__ __forceinline__ void copy_chunk(const cuda_params &p, const cuda_operand &op,
                                           const char *from, const cuda_place &place,
                                           const cuda_chunk &chunk, uint32_t to)
{
#pragma unroll 1
    for (uint32_t piece = 0; piece < CUDA_CHUNK_BYTES / BYTES; piece++) {
        cuda_piece at = cuda_piece_at(&op, p.tables, p.k, &place, &chunk, piece);
        const char *source = at.bytes > 0 ? from + (int64_t)at.offset * op.element_bytes : from;
        copy_async<BYTES>(to + piece * BYTES, source, at.bytes);
    }
}

/* Rolled up: unrolled it would take minutes to compile. */
template <int ELEMENT_BYTES>
__device__ __forceinline__ void gather_chunk(const cuda_params &p, const cuda_operand &op,
                                             const char *from, const cuda_place &place,
                                             const cuda_chunk &chunk, uint32_t to)
{
#pragma unroll 1
    for (uint32_t piece = 0; piece < CUDA_CHUNK_BYTES / ELEMENT_BYTES; piece++) {
        cuda_piece at = cuda_piece_at(&op, p.tables, p.k, &place, &chunk, piece);
        uint16_t value = 0;
        if (at.bytes > 0)
            value = ELEMENT_BYTES == 2 ? reinterpret_cast<const uint16_t *>(from)[at.offset]
                                       : reinterpret_cast<const uint8_t *>(from)[at.offset];
        if constexpr (ELEMENT_BYTES == 2)
            asm volatile("st.shared.u16 [%0], %1;" ::"r"(to + piece * 2), "h"(value) : "memory");
        else
            asm volatile("st.shared.u8 [%0], %1;" ::"r"(to + piece), "h"(value) : "memory");
    }
}

/* PANELS: wmma's layout, else swizzled rows. `thread` of THREADS. */
template <int ROWS, int THREADS, int ELEMENT_BYTES, bool PANELS>
__device__ __forceinline__ void load_tile(const cuda_params &p, const cuda_operand &op,
                                          const void *tensor, uint32_t tile,
                                          const cuda_block &block, uint32_t line0, uint32_t step,
                                          uint32_t thread)
{
    const char *from = static_cast<const char *>(tensor);
    cuda_place place = cuda_place_at(&op, p.tables, block.z, step / p.k_tiles);
    uint32_t k0 = step % p.k_tiles * p.block_k;
#pragma unroll 1
    for (uint32_t q = thread; q < ROWS * CUDA_ROW_CHUNKS; q += THREADS) {
        cuda_chunk chunk = cuda_chunk_at(&op, ROWS, line0, k0, q);
        uint32_t to =
            tile + (PANELS ? cuda_panel_address(ELEMENT_BYTES, ROWS, chunk.row, chunk.chunk)
                           : cuda_swizzled(chunk.row, chunk.chunk));
        if (op.piece_bytes == 16)
            copy_chunk<16>(p, op, from, place, chunk, to);
        else if (op.piece_bytes == 8)
            copy_chunk<8>(p, op, from, place, chunk, to);
        else if (op.piece_bytes == 4)
            copy_chunk<4>(p, op, from, place, chunk, to);
        else
            gather_chunk<ELEMENT_BYTES>(p, op, from, place, chunk, to);
    }
}

/* A warp's `lines` x `columns` words of shared memory, lines `pitch` apart, through the epilogue or
 * to the partial sums. */
template <bool FLOAT>
__device__ __noinline__ void deliver(const cuda_params &p, const cuda_block &block,
                                     const uint32_t *words, uint32_t i0, uint32_t j0,
                                     uint32_t lines, uint32_t columns, uint32_t pitch)
{
    __syncwarp();
#pragma unroll 1
    for (uint32_t at = threadIdx.x % 32; at < lines * columns; at += 32) {
        const cuda_spot spot = cuda_spot_at(&p.operand_c, lines, columns, at);
        const uint32_t word = words[spot.line * pitch + spot.column];
        if constexpr (FLOAT)
            cuda_deliver_f32(&p, &block, i0 + spot.line, j0 + spot.column, __uint_as_float(word));
        else
            cuda_deliver_s32(&p, &block, i0 + spot.line, j0 + spot.column,
                             static_cast<int32_t>(word));
    }
    __syncwarp();
}

} // namespace cuda_kernels

#endif
