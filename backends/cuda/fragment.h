/*
 * Which lane holds what, and which address it hands to ldmatrix. Shared by kernels and tests, as in
 * index.h; the tests set it against a plain model of each instruction and against the layouts of
 * the intrinsics' table.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_FRAGMENT_H
#define SOCWEAVE_BACKENDS_CUDA_FRAGMENT_H

#include "backends/cuda/index.h"

/*
 * ldmatrix.x4 for the 16 lines of A from `line`, step `part` of k. Matrices in the order of the
 * registers: lines 0-7, lines 8-15, then the same for the second half of k. Lane l names a row of
 * matrix l / 8. Along lines the rows are of k, and .trans turns them.
 */
CUDA_INLINE uint32_t cuda_a_address(bool along_lines, uint32_t elements, uint32_t line,
                                    uint32_t part, uint32_t lane)
{
    uint32_t half = elements / CUDA_ROW_CHUNKS, k = part * 2 * half;
    uint32_t low = lane % 8, middle = lane / 8 % 2, high = lane / 16;
    if (along_lines)
        return cuda_tile_address(true, elements, line + middle * 8, k + high * 8 + low);
    return cuda_tile_address(false, elements, line + middle * 8 + low, k + high * half);
}

/* The same for 16 lines of B: matrices are both halves of k of lines 0-7, then of lines 8-15. */
CUDA_INLINE uint32_t cuda_b_address(bool along_lines, uint32_t elements, uint32_t line,
                                    uint32_t part, uint32_t lane)
{
    uint32_t half = elements / CUDA_ROW_CHUNKS, k = part * 2 * half;
    uint32_t low = lane % 8, middle = lane / 8 % 2, high = lane / 16;
    if (along_lines)
        return cuda_tile_address(true, elements, line + high * 8, k + middle * 8 + low);
    return cuda_tile_address(false, elements, line + high * 8 + low, k + middle * half);
}

/* Coordinates of accumulator `e` of a lane: m16n8 of mma.sync (e < 4). */
CUDA_INLINE uint32_t cuda_c_line(uint32_t lane, uint32_t e)
{
    return lane / 4 + e / 2 * 8;
}
CUDA_INLINE uint32_t cuda_c_column(uint32_t lane, uint32_t e)
{
    return lane % 4 * 2 + e % 2;
}

/* The same of m64nN of wgmma: thread of the warp group (0-127), e < N / 2. */
CUDA_INLINE uint32_t cuda_wgmma_line(uint32_t thread, uint32_t e)
{
    return thread / 32 * 16 + thread % 32 / 4 + e / 2 % 2 * 8;
}
CUDA_INLINE uint32_t cuda_wgmma_column(uint32_t thread, uint32_t e)
{
    return e / 4 * 8 + thread % 4 * 2 + e % 2;
}

/* Its sums on their way through shared memory: each warp has room of its own, beside the stages,
 * for its 16 lines of 32 columns. Words; a line apart, so that neither the threads of a fragment
 * nor those that go down a column meet in one bank often. */
#define CUDA_WGMMA_PIECE 32
#define CUDA_WGMMA_PITCH (CUDA_WGMMA_PIECE + 1)
CUDA_INLINE uint32_t cuda_wgmma_scratch_bytes(uint32_t block_m)
{
    return block_m * CUDA_WGMMA_PITCH * 4;
}

/* Warps tile a block with m fastest. */
CUDA_INLINE uint32_t cuda_warp_line(uint32_t block_m, uint32_t warp_m, uint32_t warp)
{
    return warp % (block_m / warp_m) * warp_m;
}
CUDA_INLINE uint32_t cuda_warp_column(uint32_t block_m, uint32_t warp_m, uint32_t warp_n,
                                      uint32_t warp)
{
    return warp / (block_m / warp_m) * warp_n;
}

/* --- wgmma ---------------------------------------------------------------------------------- */

/*
 * Matrix descriptor: address, leading and stride offsets in units of 16 bytes (14 bits each), and
 * the layout, 1 = 128-byte swizzle. Source: PTX ISA, "Matrix descriptor" of wgmma.
 */
CUDA_INLINE uint64_t cuda_descriptor(uint32_t address, uint32_t leading_bytes,
                                     uint32_t stride_bytes)
{
    uint64_t descriptor = (address & 0x3ffff) >> 4;
    descriptor |= (uint64_t)((leading_bytes & 0x3ffff) >> 4) << 16;
    descriptor |= (uint64_t)((stride_bytes & 0x3ffff) >> 4) << 32;
    return descriptor | UINT64_C(1) << 62;
}

/*
 * Of a tile at `tile` (a multiple of 1024): lines from `line`, step `part` of k, 2-byte elements.
 * Along k, groups of 8 lines are 1024 bytes apart and the step is 32 bytes into the row. Along
 * lines ("MN-major"), the next 8 k are 1024 bytes on, and the next 64 lines a panel of 64 k.
 */
CUDA_INLINE uint64_t cuda_wgmma_descriptor(uint32_t tile, bool along_lines, uint32_t line,
                                           uint32_t part)
{
    uint32_t panel = 64 * CUDA_ROW_BYTES, eight = 8 * CUDA_ROW_BYTES;
    if (along_lines)
        return cuda_descriptor(tile + line / 64 * panel + part * 2 * eight, panel, eight);
    return cuda_descriptor(tile + line * CUDA_ROW_BYTES + part * CUDA_STEP_BYTES, 16, eight);
}

#endif
