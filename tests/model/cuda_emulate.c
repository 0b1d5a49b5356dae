#include "tests/model/cuda_emulate.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cuda/epilogue.h"
#include "core/arena.h"
#include "tests/model/cuda_machine.h"
#include "tests/model/cuda_model.h"
#include "tests/test.h"

void machine_fail(const struct machine_cta *cta, const char *what)
{
    test_fail(__FILE__, __LINE__, "%s, block %llu: %s", cta->row->name,
              (unsigned long long)cta->e->blocks, what);
}

/* --- shared memory ---------------------------------------------------------------------------- */

static void put(struct machine *m, uint32_t to, const uint8_t *bytes, uint32_t size)
{
    struct machine_cta *cta = m->cta;
    if (to + size > cta->shared_bytes)
        machine_fail(cta, "a write beyond the stages");
    memcpy(cta->shared + to, bytes, size);
    cta->unfenced[to / CUDA_CHUNK_BYTES] = (uint8_t)(1 + m->first_thread / 32);
}

/* All groups but the `pending` latest are complete. */
void machine_wait_copies(struct machine *m, uint32_t pending)
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

void machine_commit_copies(struct machine *m)
{
    m->group++;
}

/* The role is all threads of the block. */
void machine_barrier(struct machine *m)
{
    (void)m;
}

static void copy_async(struct machine *m, uint32_t to, const uint8_t *bytes, uint32_t size)
{
    m->cta->e->copies++;
    if (!m->cta->e->late) {
        put(m, to, bytes, size);
        return;
    }
    if (m->copy_count == m->copy_capacity) {
        m->copy_capacity = 2 * m->copy_capacity + 64;
        m->copies = mem_grow(m->copies, m->copy_capacity, sizeof *m->copies);
    }
    struct machine_copy *copy = &m->copies[m->copy_count++];
    *copy = (struct machine_copy){ .to = to, .group = m->group, .size = size };
    memcpy(copy->bytes, bytes, size);
}

/* --- loads ------------------------------------------------------------------------------------ */

static uint32_t chunk_address(const struct cuda_row *row, uint32_t rows,
                              const struct cuda_chunk *chunk)
{
    if (row->engine == CUDA_WMMA)
        return cuda_panel_address(dtype_bytes(row->type_a), rows, chunk->row, chunk->chunk);
    return cuda_swizzled(chunk->row, chunk->chunk);
}

static void load_chunk(struct machine *m, const struct cuda_operand *op, const uint8_t *from,
                       const struct cuda_place *place, uint32_t tile, uint32_t rows,
                       const struct cuda_chunk *chunk)
{
    const struct cuda_params *p = m->cta->p;
    uint8_t bytes[CUDA_CHUNK_BYTES] = { 0 };
    uint32_t to = tile + chunk_address(m->cta->row, rows, chunk);
    for (uint32_t piece = 0; piece < CUDA_CHUNK_BYTES / op->piece_bytes; piece++) {
        struct cuda_piece at = cuda_piece_at(op, p->tables, p->k, place, chunk, piece);
        uint8_t *part = bytes + piece * op->piece_bytes;
        if (at.bytes > 0) {
            const uint8_t *source = from + (size_t)at.offset * op->element_bytes;
            if ((uintptr_t)source % op->piece_bytes != 0)
                machine_fail(m->cta, "a copy that is not aligned: the hardware would trap");
            memcpy(part, source, at.bytes);
        }
        if (op->piece_bytes >= 4)
            copy_async(m, to + piece * op->piece_bytes, part, op->piece_bytes);
    }
    if (op->piece_bytes < 4) {
        m->cta->e->gathers++;
        put(m, to, bytes, sizeof bytes);
    }
}

static void load_tile(struct machine *m, const struct cuda_operand *op, const void *from,
                      uint32_t tile, uint32_t rows, uint32_t line0, uint32_t step)
{
    const struct cuda_params *p = m->cta->p;
    uint32_t r = step / p->k_tiles, k0 = step % p->k_tiles * p->block_k;
    struct cuda_place place = cuda_place_at(op, p->tables, m->block.z, r);
    for (uint32_t thread = m->first_thread; thread < m->first_thread + m->threads; thread++)
        for (uint32_t q = thread; q < rows * CUDA_ROW_CHUNKS; q += m->load_threads) {
            struct cuda_chunk chunk = cuda_chunk_at(op, rows, line0, k0, q);
            load_chunk(m, op, from, &place, tile, rows, &chunk);
        }
}

void machine_load(struct machine *m, uint32_t number, uint32_t stage)
{
    const struct cuda_row *row = m->cta->row;
    const struct cuda_params *p = m->cta->p;
    uint32_t tile = cuda_row_stage_bytes(row) * stage, step = m->block.begin + number;
    uint32_t split = row->engine == CUDA_WMMA
                         ? cuda_panel_tile_bytes(dtype_bytes(row->type_a), p->block_m)
                         : p->block_m * CUDA_ROW_BYTES;
    load_tile(m, &p->operand_a, p->a, tile, p->block_m, m->block.m0, step);
    load_tile(m, &p->operand_b, p->b, tile + split, p->block_n, m->block.n0, step);
}

/* --- launches --------------------------------------------------------------------------------- */

uint32_t machine_take(struct machine *m, uint32_t tile)
{
    m->block = cuda_block_at(m->cta->p, tile);
    m->cta->e->tiles++;
    return m->block.count;
}

void machine_deliver(struct machine *m, uint32_t i, uint32_t j, int32_t sum)
{
    struct machine_cta *cta = m->cta;
    i += m->block.m0;
    j += m->block.n0;
    if (dtype_bytes(cta->row->type_a) == 2)
        cuda_deliver_f32(cta->p, &m->block, i, j, (float)sum);
    else
        cuda_deliver_s32(cta->p, &m->block, i, j, sum);
}

static void cta_init(struct machine_cta *cta, struct emulation *e, const struct cuda_row *row,
                     const struct cuda_params *p)
{
    *cta = (struct machine_cta){ .e = e, .row = row, .p = p };
    cta->shared_bytes = cuda_row_stage_bytes(row) * p->stages;
    cta->shared = mem_alloc(cta->shared_bytes, 1);
    cta->unfenced = mem_alloc(cta->shared_bytes / CUDA_CHUNK_BYTES, 1);
    cta->sums = mem_alloc((size_t)row->block_m * row->block_n, sizeof *cta->sums);
}

static void cta_begin(struct machine_cta *cta)
{
    cta->rng = rng_stream(cta->e->seed, 11, cta->e->blocks++);
    memset(cta->shared, 0xff, cta->shared_bytes);
    memset(cta->unfenced, 0, cta->shared_bytes / CUDA_CHUNK_BYTES);
    memset(cta->sums, 0, (size_t)cta->row->block_m * cta->row->block_n * sizeof *cta->sums);
}

void emulate_launch(struct emulation *e, const struct cuda_row *row, const struct cuda_params *p)
{
    struct machine_cta ctas[MACHINE_CLUSTER_MAX];
    bool stays = cuda_row_stays(row);
    CHECK_INT(p->z * p->split * p->m_tiles * p->n_tiles, p->blocks);
    CHECK(stays ? p->grid > 0 && p->grid <= p->blocks : p->grid == p->blocks);
    CHECK(p->cluster >= 1 && p->cluster <= MACHINE_CLUSTER_MAX && p->grid % p->cluster == 0);
    for (uint32_t rank = 0; rank < p->cluster; rank++) {
        cta_init(&ctas[rank], e, row, p);
        ctas[rank].cluster = ctas;
        ctas[rank].rank = rank;
    }
    for (uint32_t block = 0; block < p->grid; block += p->cluster) {
        for (uint32_t rank = 0; rank < p->cluster; rank++)
            cta_begin(&ctas[rank]);
        if (stays)
            machine_run_wgmma(ctas, block);
        else
            machine_run_together(ctas, block);
    }
    if (p->partial != NULL)
        for (uint64_t t = 0; t < (uint64_t)p->z * p->m * p->n; t++)
            cuda_reduce(p, dtype_bytes(row->type_a) == 2, t);
    for (uint32_t rank = 0; rank < p->cluster; rank++) {
        free(ctas[rank].shared);
        free(ctas[rank].unfenced);
        free(ctas[rank].sums);
    }
}
