/* Blocks whose threads work together: mma.sync and wmma. */
#include <stdlib.h>

#include "tests/model/cuda_machine.h"
#include "tests/model/cuda_model.h"

/* 8 lanes move 16 bytes each in one go if they hit every bank once. */
static void count_conflicts(struct machine *m, const uint32_t addresses[32])
{
    for (unsigned phase = 0; phase < 4; phase++) {
        unsigned hit = 0;
        for (unsigned lane = 8 * phase; lane < 8 * phase + 8; lane++)
            hit |= 1u << addresses[lane] / 16 % 8;
        m->cta->e->conflicts += hit != 0xff;
    }
}

/* --- mma.sync --------------------------------------------------------------------------------- */

uint32_t machine_warp_m(const struct machine *m)
{
    return m->cta->row->warp_m;
}
uint32_t machine_warp_n(const struct machine *m)
{
    return m->cta->row->warp_n;
}

/* Registers of one ldmatrix: registers[lane][matrix]. */
static void load_fragment(struct machine *m, uint32_t tile, bool along_lines, bool is_b,
                          uint32_t line, uint32_t part, uint32_t registers[32][4])
{
    uint32_t addresses[32], elements = CUDA_ROW_BYTES / dtype_bytes(m->cta->row->type_a);
    for (uint32_t lane = 0; lane < 32; lane++)
        addresses[lane] = tile + (is_b ? cuda_b_address(along_lines, elements, line, part, lane)
                                       : cuda_a_address(along_lines, elements, line, part, lane));
    count_conflicts(m, addresses);
    model_ldmatrix(m->cta->shared, addresses, along_lines, registers);
}

static int32_t element_of(enum dtype type, const uint32_t *registers, unsigned e)
{
    return model_whole(type, (const uint8_t *)registers + e * dtype_bytes(type));
}

uint32_t machine_buffers(const struct machine *m)
{
    return cuda_fragment_buffers(m->cta->row->warp_m, m->cta->row->warp_n);
}

void machine_fetch_a(struct machine *m, uint32_t buffer, uint32_t i, uint32_t line, uint32_t part)
{
    enum dtype type = m->cta->row->type_a;
    unsigned bytes = dtype_bytes(type);
    uint32_t registers[32][4];
    load_fragment(m, m->stage, m->cta->p->operand_a.along_lines, false, line, part, registers);
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned e = 0; e < 16 / bytes; e++) {
            struct model_at at = model_mma_a(bytes, lane, e);
            m->a[buffer][i][at.row][at.column] = element_of(type, registers[lane], e);
        }
}

/* 16 lines: two fragments of B. */
void machine_fetch_b(struct machine *m, uint32_t buffer, uint32_t j, uint32_t line, uint32_t part)
{
    enum dtype type = m->cta->row->type_b;
    unsigned bytes = dtype_bytes(type);
    uint32_t registers[32][4], tile = m->stage + m->cta->row->block_m * CUDA_ROW_BYTES;
    load_fragment(m, tile, m->cta->p->operand_b.along_lines, true, line, part, registers);
    for (unsigned half = 0; half < 2; half++)
        for (unsigned lane = 0; lane < 32; lane++)
            for (unsigned e = 0; e < 8 / bytes; e++) {
                struct model_at at = model_mma_b(bytes, lane, e);
                m->b[buffer][j][half][at.column][at.row] =
                    element_of(type, registers[lane] + 2 * half, e);
            }
}

/* One mma for a 16 x 8 piece of the warp's tile. */
void machine_mma(struct machine *m, uint32_t buffer, uint32_t i, uint32_t j)
{
    const struct cuda_row *row = m->cta->row;
    int32_t(*a)[32] = m->a[buffer][i], (*b)[32] = m->b[buffer][j / 2][j % 2];
    int32_t *sums =
        m->cta->sums + m->warp * row->warp_m * row->warp_n + (i * (row->warp_n / 8) + j) * 128;
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned e = 0; e < 4; e++) {
            struct model_at at = model_mma_c(lane, e);
            int32_t sum = 0;
            for (uint32_t x = 0; x < row->k; x++)
                sum += a[at.row][x] * b[at.column][x];
            sums[lane * 4 + e] += sum;
        }
}

static void deliver_mma(struct machine *m)
{
    const struct cuda_row *row = m->cta->row;
    const int32_t *sums = m->cta->sums;
    for (uint32_t warp = 0; warp < row->threads / 32; warp++)
        for (uint32_t i = 0; i < row->warp_m / 16; i++)
            for (uint32_t j = 0; j < row->warp_n / 8; j++)
                for (uint32_t lane = 0; lane < 32; lane++)
                    for (uint32_t e = 0; e < 4; e++)
                        machine_deliver(
                            m,
                            cuda_warp_line(row->block_m, row->warp_m, warp) + 16 * i +
                                cuda_c_line(lane, e),
                            cuda_warp_column(row->block_m, row->warp_m, row->warp_n, warp) + 8 * j +
                                cuda_c_column(lane, e),
                            *sums++);
}

/* --- wmma ------------------------------------------------------------------------------------- */

/* load_matrix_sync of `lines` lines of 16 elements, `pitch` bytes apart. */
static void load_matrix(const struct machine *m, enum dtype type, uint32_t address, uint32_t lines,
                        int32_t out[32][16])
{
    unsigned bytes = dtype_bytes(type);
    if (address % 32 != 0 || cuda_panel_pitch(bytes) % 16 != 0)
        machine_fail(m->cta, "load_matrix_sync wants a pointer of 256 bits, a pitch of 16 bytes");
    for (uint32_t line = 0; line < lines; line++)
        for (uint32_t k = 0; k < 16; k++)
            out[line][k] = model_whole(type, m->cta->shared + address +
                                                 line * cuda_panel_pitch(bytes) + k * bytes);
}

static void warp_wmma(struct machine *m, uint32_t part)
{
    const struct cuda_row *row = m->cta->row;
    unsigned bytes = dtype_bytes(row->type_a);
    uint32_t line = cuda_warp_line(row->block_m, row->warp_m, m->warp);
    uint32_t column = cuda_warp_column(row->block_m, row->warp_m, row->warp_n, m->warp);
    uint32_t tile_b = m->stage + cuda_panel_tile_bytes(bytes, row->block_m);
    for (uint32_t i = 0; i < row->warp_m; i += row->m)
        for (uint32_t j = 0; j < row->warp_n; j += row->n) {
            int32_t a[32][16], b[32][16];
            load_matrix(m, row->type_a,
                        m->stage + cuda_panel_address(bytes, row->block_m, line + i, part * bytes),
                        row->m, a);
            load_matrix(m, row->type_b,
                        tile_b + cuda_panel_address(bytes, row->block_n, column + j, part * bytes),
                        row->n, b);
            for (uint32_t x = 0; x < row->m; x++)
                for (uint32_t y = 0; y < row->n; y++)
                    for (uint32_t k = 0; k < 16; k++)
                        m->cta->sums[(line + i + x) * row->block_n + column + j + y] +=
                            a[x][k] * b[y][k];
        }
}

/* store_matrix_sync into each warp's part of shared memory, then element by element. */
static void deliver_wmma(struct machine *m)
{
    const struct machine_cta *cta = m->cta;
    const struct cuda_row *row = cta->row;
    for (uint32_t warp = 0; warp < row->threads / 32; warp++) {
        uint32_t line = cuda_warp_line(row->block_m, row->warp_m, warp);
        uint32_t column = cuda_warp_column(row->block_m, row->warp_m, row->warp_n, warp);
        for (uint32_t at = 0; at < row->warp_m * row->warp_n; at++) {
            struct cuda_spot spot = cuda_spot_at(&cta->p->operand_c, row->warp_m, row->warp_n, at);
            uint32_t i = line + spot.line, j = column + spot.column;
            machine_deliver(m, i, j, cta->sums[i * row->block_n + j]);
        }
    }
}

/* --- a block ---------------------------------------------------------------------------------- */

void machine_multiply(struct machine *m, uint32_t number, uint32_t stage)
{
    const struct cuda_row *row = m->cta->row;
    uint32_t parts = cuda_step_parts(m->cta->p, m->block.begin + number);
    m->stage = cuda_row_stage_bytes(row) * stage;
    if (row->engine == CUDA_WMMA) /* k of 16 elements: as many parts for 2 bytes, twice for 1 */
        parts *= cuda_panel_parts(dtype_bytes(row->type_a)) / CUDA_ROW_STEPS;
    for (m->warp = 0; m->warp < row->threads / 32; m->warp++) {
        if (row->engine == CUDA_MMA)
            cuda_multiply_fragments(
                m, cuda_warp_line(row->block_m, row->warp_m, m->warp),
                cuda_warp_column(row->block_m, row->warp_m, row->warp_n, m->warp), parts);
        else
            for (uint32_t part = 0; part < parts; part++)
                warp_wmma(m, part);
    }
}

void machine_run_together(struct machine_cta *cta, uint32_t block)
{
    uint32_t threads = cta->row->threads;
    struct machine m = { .cta = cta, .threads = threads, .load_threads = threads };
    cuda_run_together(&m, machine_take(&m, block), cta->p->stages);
    free(m.copies);
    if (cta->row->engine == CUDA_WMMA)
        deliver_wmma(&m);
    else
        deliver_mma(&m);
}
