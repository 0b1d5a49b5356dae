/*
 * Index arithmetic of the kernels: which tile a block computes, which bytes a thread copies, where
 * they stand in shared memory. The kernels call it on the device; tests/model/cuda_emulate.c runs
 * whole launches through it on any machine.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_INDEX_H
#define SOCWEAVE_BACKENDS_CUDA_INDEX_H

#include <stddef.h>

#include "backends/cuda/params.h"

#ifdef __CUDACC__
#define CUDA_INLINE static __host__ __device__ __forceinline__
#define CUDA_UNROLL _Pragma("unroll")
#define CUDA_ROLL   _Pragma("unroll 1")
#else
#define CUDA_INLINE static inline
#define CUDA_UNROLL
#define CUDA_ROLL
#endif

/* Of the fragments of a warp: two where its tile is so large that few warps share an SM. */
#ifdef __CUDACC__
constexpr
#endif
    CUDA_INLINE uint32_t
    cuda_fragment_buffers(uint32_t warp_m, uint32_t warp_n)
{
    return warp_m * warp_n >= 64 * 64 ? 2 : 1;
}

/* --- blocks --------------------------------------------------------------------------------- */

struct cuda_block {
    uint32_t z, split;
    uint32_t m0, n0;       /* first line of A and of B */
    uint32_t begin, count; /* steps over (r, k tile), the latter fastest */
};

CUDA_INLINE uint32_t cuda_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Tiles run down `group` tiles of m, then to the next n: neighbours share their operands. */
CUDA_INLINE struct cuda_block cuda_block_at(const struct cuda_params *p, uint32_t block)
{
    struct cuda_block at;
    uint32_t tiles = p->m_tiles * p->n_tiles, tile = block % tiles, rest = block / tiles;
    uint32_t band = p->group * p->n_tiles, first = tile / band * p->group;
    uint32_t height = cuda_min(p->m_tiles - first, p->group);
    at.m0 = (first + tile % band % height) * p->block_m;
    at.n0 = tile % band / height * p->block_n;
    at.split = rest % p->split;
    at.z = rest / p->split;
    uint32_t steps = p->r * p->k_tiles, begin = at.split * p->steps_per_split;
    at.begin = cuda_min(begin, steps);
    at.count = cuda_min(steps - at.begin, p->steps_per_split);
    return at;
}

/* Instructions along k that this step needs: fewer in a last tile that k does not fill. */
CUDA_INLINE uint32_t cuda_step_parts(const struct cuda_params *p, uint32_t step)
{
    uint32_t left = p->k - step % p->k_tiles * p->block_k, part = p->block_k / CUDA_ROW_STEPS;
    return cuda_min((left + part - 1) / part, CUDA_ROW_STEPS);
}

/* --- offsets -------------------------------------------------------------------------------- */

/* Sums of table entries so far: the offset, then the index along each guarded dimension. */
struct cuda_place {
    int32_t at[CUDA_PLANES];
};

CUDA_INLINE void cuda_place_add(const struct cuda_operand *op, const int32_t *tables, int axis,
                                uint32_t index, struct cuda_place *place)
{
    CUDA_UNROLL
    for (uint32_t plane = 0; plane < CUDA_PLANES; plane++)
        if (plane <= op->guard_count && op->table[axis][plane] != CUDA_NONE)
            place->at[plane] += tables[op->table[axis][plane] + index];
}

/* Where the operand stands at z and r. */
CUDA_INLINE struct cuda_place cuda_place_at(const struct cuda_operand *op, const int32_t *tables,
                                            uint32_t z, uint32_t r)
{
    struct cuda_place place;
    CUDA_UNROLL
    for (uint32_t plane = 0; plane < CUDA_PLANES; plane++)
        place.at[plane] = op->constant[plane];
    cuda_place_add(op, tables, CUDA_Z, z, &place);
    cuda_place_add(op, tables, CUDA_R, r, &place);
    return place;
}

/* Element offset, or -1 where the read is zero. */
CUDA_INLINE int32_t cuda_place_offset(const struct cuda_operand *op, const struct cuda_place *place)
{
    int32_t offset = place->at[0];
    bool inside = true;
    CUDA_UNROLL
    for (uint32_t g = 0; g < CUDA_GUARDS_MAX; g++) {
        if (g >= op->guard_count)
            continue;
        int32_t index = place->at[1 + g];
        if (op->divisor[g] != 1) {
            inside = inside && index % op->divisor[g] == 0 && index >= 0;
            index /= op->divisor[g];
            offset += op->stride[g] * index;
        }
        inside = inside && (uint32_t)index < (uint32_t)op->extent[g];
    }
    return inside ? offset : -1;
}

/* --- tiles in shared memory ----------------------------------------------------------------- */

/*
 * A tile is rows of 128 bytes. Along k: row = line. Along lines: panels of as many lines as a row
 * holds, each with one row per k, so it has as many rows. Chunks of 16 bytes are exchanged by
 * the row's number modulo 8, the 128-byte swizzle of the tensor copies: whether 8 threads take
 * one row or one chunk of 8 rows, they hit all banks once.
 */
CUDA_INLINE uint32_t cuda_swizzled(uint32_t row, uint32_t chunk)
{
    return row * CUDA_ROW_BYTES + (chunk ^ (row & 7)) * CUDA_CHUNK_BYTES;
}

/* The chunk that holds (line, k) of a tile; `elements` in a row. */
CUDA_INLINE uint32_t cuda_tile_address(bool along_lines, uint32_t elements, uint32_t line,
                                       uint32_t k)
{
    uint32_t per_chunk = elements / CUDA_ROW_CHUNKS;
    if (along_lines)
        return cuda_swizzled(line / elements * elements + k, line % elements / per_chunk);
    return cuda_swizzled(line, k / per_chunk);
}

/* wmma takes no swizzle: one panel per step of k, its lines so far apart that 8 hit all banks. */
CUDA_INLINE uint32_t cuda_panel_pitch(uint32_t element_bytes)
{
    return element_bytes == 2 ? 48 : 16;
}
CUDA_INLINE uint32_t cuda_panel_parts(uint32_t element_bytes)
{
    return CUDA_ROW_BYTES / (16 * element_bytes); /* wmma's k is 16 */
}
CUDA_INLINE uint32_t cuda_panel_address(uint32_t element_bytes, uint32_t rows, uint32_t row,
                                        uint32_t chunk)
{
    uint32_t pitch = cuda_panel_pitch(element_bytes); /* of `element_bytes` chunks, and a gap */
    return (chunk / element_bytes * rows + row) * pitch + chunk % element_bytes * CUDA_CHUNK_BYTES;
}
CUDA_INLINE uint32_t cuda_panel_tile_bytes(uint32_t element_bytes, uint32_t rows)
{
    return cuda_panel_parts(element_bytes) * rows * cuda_panel_pitch(element_bytes);
}

/* --- copies --------------------------------------------------------------------------------- */

/* 16 bytes of a tile: the q-th of rows · 8. */
struct cuda_chunk {
    uint32_t row, chunk;
    uint32_t line, k; /* of its first element, from the tensor's beginning */
};

CUDA_INLINE struct cuda_chunk cuda_chunk_at(const struct cuda_operand *op, uint32_t rows,
                                            uint32_t line0, uint32_t k0, uint32_t q)
{
    struct cuda_chunk at;
    uint32_t elements = CUDA_ROW_BYTES / op->element_bytes;
    uint32_t first = CUDA_CHUNK_BYTES / op->element_bytes;
    at.row = op->lanes_down ? q % rows : q / CUDA_ROW_CHUNKS;
    at.chunk = op->lanes_down ? q / rows : q % CUDA_ROW_CHUNKS;
    first *= at.chunk;
    at.line = line0 + (op->along_lines ? at.row / elements * elements + first : at.row);
    at.k = k0 + (op->along_lines ? at.row % elements : first);
    return at;
}

/* A run of elements that is copied at once: `bytes` are read, the rest of it is zero. */
struct cuda_piece {
    int32_t offset; /* elements; meaningless if bytes is 0 */
    uint32_t bytes;
};

/* Piece number `piece` of a chunk; `place` stands at (z, r). */
CUDA_INLINE struct cuda_piece cuda_piece_at(const struct cuda_operand *op, const int32_t *tables,
                                            uint32_t k_extent, const struct cuda_place *place,
                                            const struct cuda_chunk *chunk, uint32_t piece)
{
    uint32_t count = op->piece_bytes / op->element_bytes;
    uint32_t line = chunk->line + (op->along_lines ? piece * count : 0);
    uint32_t k = chunk->k + (op->along_lines ? 0 : piece * count);
    struct cuda_piece at = { -1, 0 };
    if (line >= op->lines || k >= k_extent)
        return at;
    struct cuda_place there = *place;
    cuda_place_add(op, tables, CUDA_LINE, line, &there);
    cuda_place_add(op, tables, CUDA_K, k, &there);
    at.offset = cuda_place_offset(op, &there);
    uint32_t left = op->along_lines ? op->lines - line : k_extent - k;
    at.bytes = at.offset < 0 ? 0 : cuda_min(count, left) * op->element_bytes;
    return at;
}

/* --- tensor copies --------------------------------------------------------------------------- */

/* Coordinates of the box whose first element is (line, k); `where` has one per dimension. */
CUDA_INLINE void cuda_map_at(const struct cuda_map *map, const int32_t *tables, uint32_t z,
                             uint32_t r, uint32_t line, uint32_t k, int32_t where[CUDA_MAP_DIMS])
{
    CUDA_UNROLL
    for (uint32_t d = 0; d < CUDA_MAP_DIMS; d++) {
        where[d] = 0;
        if (d >= map->rank)
            continue;
        where[d] = map->constant[d];
        if (map->table[CUDA_Z][d] != CUDA_NONE)
            where[d] += tables[map->table[CUDA_Z][d] + z];
        if (map->table[CUDA_R][d] != CUDA_NONE)
            where[d] += tables[map->table[CUDA_R][d] + r];
        if (d == map->line_dim)
            where[d] += (int32_t)(line * map->line_step);
        if (d == map->k_dim)
            where[d] += (int32_t)k;
    }
}

/* Bytes of one copy: 64 rows of a tile, whether lines or steps of k. */
#define CUDA_COPY_BYTES (CUDA_MAP_BOX * CUDA_ROW_BYTES)
/* Where the copy of 64 lines from `line` of the tile goes. */
CUDA_INLINE uint32_t cuda_box_address(uint32_t tile, uint32_t line)
{
    return tile + line / CUDA_MAP_BOX * CUDA_COPY_BYTES;
}

/* The lines that a block fetches of a tile of `lines`: all of them, or, of what the cluster shares,
 * its part for every block of it. */
struct cuda_part {
    uint32_t begin, end;
};
CUDA_INLINE struct cuda_part cuda_part_of(uint32_t lines, bool shared, uint32_t cluster,
                                          uint32_t rank)
{
    struct cuda_part all = { 0, lines };
    struct cuda_part own = { lines / cluster * rank, lines / cluster * (rank + 1) };
    return shared ? own : all;
}

/* --- results -------------------------------------------------------------------------------- */

/* Number `at` of a piece of results, in the order in which a warp stores it. */
struct cuda_spot {
    uint32_t line, column;
};
CUDA_INLINE struct cuda_spot cuda_spot_at(const struct cuda_operand *op, uint32_t lines,
                                          uint32_t columns, uint32_t at)
{
    struct cuda_spot along = { at / columns, at % columns }, down = { at % lines, at / lines };
    return op->lanes_down ? down : along;
}

/* Element offset of C, and the channel of its bias and scale. */
struct cuda_result {
    int32_t offset; /* -1: padding, nothing is stored */
    uint32_t channel;
};

CUDA_INLINE uint32_t cuda_channel_part(const struct cuda_params *p, int axis, uint32_t index)
{
    uint32_t table = p->epilogue.channel_table[axis];
    return table == CUDA_NONE ? 0 : (uint32_t)p->tables[table + index];
}

CUDA_INLINE struct cuda_result cuda_result_at(const struct cuda_params *p, uint32_t z, uint32_t i,
                                              uint32_t j)
{
    struct cuda_result at = { -1, 0 };
    if (i >= p->m || j >= p->n)
        return at;
    struct cuda_place place = cuda_place_at(&p->operand_c, p->tables, z, 0);
    cuda_place_add(&p->operand_c, p->tables, CUDA_LINE, i, &place);
    cuda_place_add(&p->operand_c, p->tables, CUDA_K, j, &place);
    at.offset = cuda_place_offset(&p->operand_c, &place);
    at.channel = cuda_channel_part(p, CUDA_Z, z) + cuda_channel_part(p, CUDA_LINE, i) +
                 cuda_channel_part(p, CUDA_K, j);
    return at;
}

/* Element of the partial sums; 64 bits: they may exceed 2^31. */
CUDA_INLINE uint64_t cuda_partial_at(const struct cuda_params *p, uint32_t split, uint32_t z,
                                     uint32_t i, uint32_t j)
{
    return (((uint64_t)split * p->z + z) * p->m + i) * p->n + j;
}

/* Word of C, or of the partial sums, where cuda_is_plain(). */
CUDA_INLINE uint64_t cuda_plain_at(const struct cuda_params *p, const struct cuda_block *block,
                                   uint32_t i, uint32_t j)
{
    if (p->partial != NULL)
        return cuda_partial_at(p, block->split, block->z, i, j);
    const struct cuda_operand *c = &p->operand_c;
    uint32_t table = c->table[CUDA_Z][0];
    int64_t base = c->constant[0] + (table == CUDA_NONE ? 0 : p->tables[table + block->z]);
    return (uint64_t)base + (uint64_t)i * p->plain_stride + j;
}

#endif
