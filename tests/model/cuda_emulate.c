#include "tests/model/cuda_emulate.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cuda/epilogue.h"
#include "backends/cuda/fragment.h"
#include "core/arena.h"
#include "tests/model/cuda_model.h"

/* A copy under way. */
struct copy {
    uint32_t to, group;
    uint8_t bytes[CUDA_CHUNK_BYTES];
    uint32_t size;
};

struct machine {
    struct emulation *e;
    const struct cuda_row *row;
    const struct cuda_params *p;
    struct cuda_block block;
    uint8_t *shared;
    uint32_t shared_bytes;
    struct copy *copies;
    size_t copy_count, copy_capacity;
    uint32_t group; /* that is being filled */
    int32_t *sums;  /* block_m x block_n x 1: by warp, lane and register */
};

/* --- shared memory ---------------------------------------------------------------------------- */

static void put(struct machine *m, uint32_t to, const uint8_t *bytes, uint32_t size)
{
    if (to + size > m->shared_bytes)
        abort();
    memcpy(m->shared + to, bytes, size);
}

/* All groups but the `pending` latest are complete. */
static void wait_groups(struct machine *m, uint32_t pending)
{
    size_t kept = 0;
    for (size_t c = 0; c < m->copy_count; c++) {
        if (m->copies[c].group + pending < m->group)
            put(m, m->copies[c].to, m->copies[c].bytes, m->copies[c].size);
        else
            m->copies[kept++] = m->copies[c];
    }
    m->copy_count = kept;
}

static void copy_async(struct machine *m, uint32_t to, const uint8_t *bytes, uint32_t size)
{
    m->e->copies++;
    if (!m->e->late) {
        put(m, to, bytes, size);
        return;
    }
    if (m->copy_count == m->copy_capacity) {
        m->copy_capacity = 2 * m->copy_capacity + 64;
        m->copies = mem_grow(m->copies, m->copy_capacity, sizeof *m->copies);
    }
    struct copy *copy = &m->copies[m->copy_count++];
    *copy = (struct copy){ .to = to, .group = m->group, .size = size };
    memcpy(copy->bytes, bytes, size);
}

/* 8 lanes move 16 bytes each in one go if they hit every bank once. */
static void count_conflicts(struct machine *m, const uint32_t addresses[32])
{
    for (unsigned phase = 0; phase < 4; phase++) {
        unsigned hit = 0;
        for (unsigned lane = 8 * phase; lane < 8 * phase + 8; lane++)
            hit |= 1u << addresses[lane] / 16 % 8;
        m->e->conflicts += hit != 0xff;
    }
}

/* --- loads ------------------------------------------------------------------------------------ */

static uint32_t chunk_address(const struct machine *m, uint32_t rows,
                              const struct cuda_chunk *chunk)
{
    if (m->row->engine == CUDA_WMMA)
        return cuda_panel_address(dtype_bytes(m->row->type_a), rows, chunk->row, chunk->chunk);
    return cuda_swizzled(chunk->row, chunk->chunk);
}

static void load_chunk(struct machine *m, const struct cuda_operand *op, const uint8_t *from,
                       const struct cuda_place *place, uint32_t tile, uint32_t rows,
                       const struct cuda_chunk *chunk)
{
    uint8_t bytes[CUDA_CHUNK_BYTES] = { 0 };
    uint32_t to = tile + chunk_address(m, rows, chunk);
    for (uint32_t piece = 0; piece < CUDA_CHUNK_BYTES / op->piece_bytes; piece++) {
        struct cuda_piece at = cuda_piece_at(op, m->p->tables, m->p->k, place, chunk, piece);
        uint8_t *part = bytes + piece * op->piece_bytes;
        if (at.bytes > 0) {
            const uint8_t *source = from + (size_t)at.offset * op->element_bytes;
            if ((uintptr_t)source % op->piece_bytes != 0)
                abort(); /* the hardware would trap */
            memcpy(part, source, at.bytes);
        }
        if (op->piece_bytes >= 4)
            copy_async(m, to + piece * op->piece_bytes, part, op->piece_bytes);
    }
    if (op->piece_bytes < 4) {
        m->e->gathers++;
        put(m, to, bytes, sizeof bytes);
    }
}

static void load_tile(struct machine *m, const struct cuda_operand *op, const void *from,
                      uint32_t tile, uint32_t rows, uint32_t line0, uint32_t step)
{
    uint32_t r = step / m->p->k_tiles, k0 = step % m->p->k_tiles * m->p->block_k;
    struct cuda_place place = cuda_place_at(op, m->p->tables, m->block.z, r);
    for (uint32_t thread = 0; thread < m->row->threads; thread++)
        for (uint32_t q = thread; q < rows * CUDA_ROW_CHUNKS; q += m->row->threads) {
            struct cuda_chunk chunk = cuda_chunk_at(op, rows, line0, k0, q);
            load_chunk(m, op, from, &place, tile, rows, &chunk);
        }
}

static void load_step(struct machine *m, uint32_t number)
{
    uint32_t stage = cuda_row_stage_bytes(m->row) * (number % m->p->stages);
    uint32_t step = m->block.begin + number;
    uint32_t split = m->row->engine == CUDA_WMMA
                         ? cuda_panel_tile_bytes(dtype_bytes(m->row->type_a), m->p->block_m)
                         : m->p->block_m * CUDA_ROW_BYTES;
    load_tile(m, &m->p->operand_a, m->p->a, stage, m->p->block_m, m->block.m0, step);
    load_tile(m, &m->p->operand_b, m->p->b, stage + split, m->p->block_n, m->block.n0, step);
}

/* --- mma.sync --------------------------------------------------------------------------------- */

enum { PER_WARP_MAX = 64 * 64 };

/* Registers of one ldmatrix as whole numbers: value[lane][register][element]. */
static void load_fragment(struct machine *m, uint32_t tile, bool along_lines, bool is_b,
                          uint32_t line, uint32_t part, uint32_t registers[32][4])
{
    uint32_t addresses[32], elements = CUDA_ROW_BYTES / dtype_bytes(m->row->type_a);
    for (uint32_t lane = 0; lane < 32; lane++)
        addresses[lane] = tile + (is_b ? cuda_b_address(along_lines, elements, line, part, lane)
                                       : cuda_a_address(along_lines, elements, line, part, lane));
    count_conflicts(m, addresses);
    model_ldmatrix(m->shared, addresses, along_lines, registers);
}

static int32_t element_of(enum dtype type, const uint32_t *registers, unsigned e)
{
    return model_whole(type, (const uint8_t *)registers + e * dtype_bytes(type));
}

/* One mma for a 16 x 8 piece of the warp's tile. */
static void multiply(int32_t a[16][32], int32_t b[8][32], uint32_t k, int32_t *sums)
{
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned e = 0; e < 4; e++) {
            struct model_at at = model_mma_c(lane, e);
            int32_t sum = 0;
            for (uint32_t x = 0; x < k; x++)
                sum += a[at.row][x] * b[at.column][x];
            sums[lane * 4 + e] += sum;
        }
}

static void read_a(struct machine *m, uint32_t tile, uint32_t line, uint32_t part,
                   int32_t a[16][32])
{
    unsigned bytes = dtype_bytes(m->row->type_a);
    uint32_t registers[32][4];
    load_fragment(m, tile, m->p->operand_a.along_lines, false, line, part, registers);
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned e = 0; e < 16 / bytes; e++) {
            struct model_at at = model_mma_a(bytes, lane, e);
            a[at.row][at.column] = element_of(m->row->type_a, registers[lane], e);
        }
}

/* 16 lines: two fragments of B. */
static void read_b(struct machine *m, uint32_t tile, uint32_t line, uint32_t part,
                   int32_t b[2][8][32])
{
    unsigned bytes = dtype_bytes(m->row->type_b);
    uint32_t registers[32][4];
    load_fragment(m, tile, m->p->operand_b.along_lines, true, line, part, registers);
    for (unsigned half = 0; half < 2; half++)
        for (unsigned lane = 0; lane < 32; lane++)
            for (unsigned e = 0; e < 8 / bytes; e++) {
                struct model_at at = model_mma_b(bytes, lane, e);
                b[half][at.column][at.row] =
                    element_of(m->row->type_b, registers[lane] + 2 * half, e);
            }
}

static void warp_mma(struct machine *m, uint32_t stage, uint32_t part, uint32_t warp)
{
    const struct cuda_row *row = m->row;
    uint32_t line = cuda_warp_line(row->block_m, row->warp_m, warp);
    uint32_t column = cuda_warp_column(row->block_m, row->warp_m, row->warp_n, warp);
    int32_t a[4][16][32], b[4][2][8][32];
    for (uint32_t i = 0; i < row->warp_m / 16; i++)
        read_a(m, stage, line + 16 * i, part, a[i]);
    for (uint32_t j = 0; j < row->warp_n / 16; j++)
        read_b(m, stage + row->block_m * CUDA_ROW_BYTES, column + 16 * j, part, b[j]);
    int32_t *sums = m->sums + warp * row->warp_m * row->warp_n;
    for (uint32_t i = 0; i < row->warp_m / 16; i++)
        for (uint32_t j = 0; j < row->warp_n / 8; j++)
            multiply(a[i], b[j / 2][j % 2], row->k, sums + (i * (row->warp_n / 8) + j) * 128);
}

static void deliver(struct machine *m, uint32_t i, uint32_t j, int32_t sum)
{
    if (dtype_bytes(m->row->type_a) == 2)
        cuda_deliver_f32(m->p, &m->block, m->block.m0 + i, m->block.n0 + j, (float)sum);
    else
        cuda_deliver_s32(m->p, &m->block, m->block.m0 + i, m->block.n0 + j, sum);
}

static void deliver_mma(struct machine *m)
{
    const struct cuda_row *row = m->row;
    const int32_t *sums = m->sums;
    for (uint32_t warp = 0; warp < row->threads / 32; warp++)
        for (uint32_t i = 0; i < row->warp_m / 16; i++)
            for (uint32_t j = 0; j < row->warp_n / 8; j++)
                for (uint32_t lane = 0; lane < 32; lane++)
                    for (uint32_t e = 0; e < 4; e++)
                        deliver(m,
                                cuda_warp_line(row->block_m, row->warp_m, warp) + 16 * i +
                                    cuda_c_line(lane, e),
                                cuda_warp_column(row->block_m, row->warp_m, row->warp_n, warp) +
                                    8 * j + cuda_c_column(lane, e),
                                *sums++);
}

/* --- wmma ------------------------------------------------------------------------------------- */

/* load_matrix_sync of `lines` lines of 16 elements, `pitch` bytes apart. */
static void load_matrix(const struct machine *m, enum dtype type, uint32_t address, uint32_t lines,
                        int32_t out[32][16])
{
    unsigned bytes = dtype_bytes(type);
    if (address % 32 != 0 || cuda_panel_pitch(bytes) % 16 != 0)
        abort(); /* load_matrix_sync wants a pointer of 256 bits and a pitch of 16 bytes */
    for (uint32_t line = 0; line < lines; line++)
        for (uint32_t k = 0; k < 16; k++)
            out[line][k] =
                model_whole(type, m->shared + address + line * cuda_panel_pitch(bytes) + k * bytes);
}

static void warp_wmma(struct machine *m, uint32_t stage, uint32_t part, uint32_t warp)
{
    const struct cuda_row *row = m->row;
    unsigned bytes = dtype_bytes(row->type_a);
    uint32_t line = cuda_warp_line(row->block_m, row->warp_m, warp);
    uint32_t column = cuda_warp_column(row->block_m, row->warp_m, row->warp_n, warp);
    uint32_t tile_b = stage + cuda_panel_tile_bytes(bytes, row->block_m);
    for (uint32_t i = 0; i < row->warp_m; i += row->m)
        for (uint32_t j = 0; j < row->warp_n; j += row->n) {
            int32_t a[32][16], b[32][16];
            load_matrix(m, row->type_a,
                        stage + cuda_panel_address(bytes, row->block_m, line + i, part * bytes),
                        row->m, a);
            load_matrix(m, row->type_b,
                        tile_b + cuda_panel_address(bytes, row->block_n, column + j, part * bytes),
                        row->n, b);
            for (uint32_t x = 0; x < row->m; x++)
                for (uint32_t y = 0; y < row->n; y++)
                    for (uint32_t k = 0; k < 16; k++)
                        m->sums[(line + i + x) * row->block_n + column + j + y] +=
                            a[x][k] * b[y][k];
        }
}

/* store_matrix_sync into each warp's part of shared memory, then element by element. */
static void deliver_wmma(struct machine *m)
{
    const struct cuda_row *row = m->row;
    for (uint32_t warp = 0; warp < row->threads / 32; warp++) {
        uint32_t line = cuda_warp_line(row->block_m, row->warp_m, warp);
        uint32_t column = cuda_warp_column(row->block_m, row->warp_m, row->warp_n, warp);
        for (uint32_t at = 0; at < row->warp_m * row->warp_n; at++) {
            uint32_t i = line + at / row->warp_n, j = column + at % row->warp_n;
            deliver(m, i, j, m->sums[i * row->block_n + j]);
        }
    }
}

/* --- wgmma ------------------------------------------------------------------------------------ */

static void group_wgmma(struct machine *m, uint32_t stage, uint32_t part, uint32_t group)
{
    const struct cuda_row *row = m->row;
    bool turned_a = m->p->operand_a.along_lines, turned_b = m->p->operand_b.along_lines;
    uint64_t a = cuda_wgmma_descriptor(stage, turned_a, 64 * group, part);
    uint64_t b = cuda_wgmma_descriptor(stage + row->block_m * CUDA_ROW_BYTES, turned_b, 0, part);
    int32_t lines[64][16], columns[256][16];
    for (unsigned k = 0; k < 16; k++) {
        for (unsigned i = 0; i < 64; i++)
            lines[i][k] = model_whole(row->type_a, m->shared + model_wgmma_byte(a, turned_a, i, k));
        for (unsigned j = 0; j < row->n; j++)
            columns[j][k] =
                model_whole(row->type_b, m->shared + model_wgmma_byte(b, turned_b, j, k));
    }
    int32_t *sums = m->sums + group * 64 * row->n;
    for (unsigned thread = 0; thread < 128; thread++)
        for (unsigned e = 0; e < row->n / 2; e++) {
            struct model_at at = model_wgmma_c(thread, e);
            for (unsigned k = 0; k < 16; k++)
                sums[thread * (row->n / 2) + e] += lines[at.row][k] * columns[at.column][k];
        }
}

static void deliver_wgmma(struct machine *m)
{
    uint32_t n = m->row->n;
    for (uint32_t group = 0; group < m->row->block_m / 64; group++)
        for (uint32_t thread = 0; thread < 128; thread++)
            for (uint32_t e = 0; e < n / 2; e++)
                deliver(m, group * 64 + cuda_wgmma_line(thread, e), cuda_wgmma_column(thread, e),
                        m->sums[(group * 128 + thread) * (n / 2) + e]);
}

/* --- launches --------------------------------------------------------------------------------- */

static void compute_step(struct machine *m, uint32_t number)
{
    const struct cuda_row *row = m->row;
    uint32_t stage = cuda_row_stage_bytes(row) * (number % m->p->stages);
    uint32_t parts = cuda_step_parts(m->p, m->block.begin + number);
    if (row->engine == CUDA_WMMA) /* k of 16 elements: as many parts for 2 bytes, twice for 1 */
        parts *= cuda_panel_parts(dtype_bytes(row->type_a)) / CUDA_ROW_STEPS;
    for (uint32_t part = 0; part < parts; part++) {
        if (row->engine == CUDA_WGMMA) {
            for (uint32_t group = 0; group < row->block_m / 64; group++)
                group_wgmma(m, stage, part, group);
            continue;
        }
        for (uint32_t warp = 0; warp < row->threads / 32; warp++)
            (row->engine == CUDA_WMMA ? warp_wmma : warp_mma)(m, stage, part, warp);
    }
}

/* The kernels' main loop: stages - 1 steps ahead, one barrier per step. */
static void run_block(struct machine *m)
{
    uint32_t stages = m->p->stages, count = m->block.count;
    for (uint32_t number = 0; number < stages - 1; number++, m->group++)
        if (number < count)
            load_step(m, number);
    for (uint32_t number = 0; number < count; number++) {
        wait_groups(m, stages - 2);
        if (number + stages - 1 < count)
            load_step(m, number + stages - 1);
        m->group++;
        compute_step(m, number);
    }
    if (m->row->engine == CUDA_WMMA)
        deliver_wmma(m);
    else if (m->row->engine == CUDA_MMA)
        deliver_mma(m);
    else
        deliver_wgmma(m);
}

void emulate_launch(struct emulation *e, const struct cuda_row *row, const struct cuda_params *p)
{
    struct machine m = { .e = e, .row = row, .p = p };
    m.shared_bytes = cuda_row_stage_bytes(row) * p->stages;
    m.shared = mem_alloc(m.shared_bytes, 1);
    size_t sums = (size_t)row->block_m * row->block_n;
    m.sums = mem_alloc(sums, sizeof *m.sums);
    for (uint32_t block = 0; block < p->z * p->split * p->m_tiles * p->n_tiles; block++) {
        m.block = cuda_block_at(p, block);
        memset(m.shared, 0xff, m.shared_bytes);
        memset(m.sums, 0, sums * sizeof *m.sums);
        m.copy_count = 0;
        run_block(&m);
        e->blocks++;
    }
    if (p->partial != NULL)
        for (uint64_t t = 0; t < (uint64_t)p->z * p->m * p->n; t++)
            cuda_reduce(p, dtype_bytes(row->type_a) == 2, t);
    free(m.shared);
    free(m.sums);
    free(m.copies);
}
