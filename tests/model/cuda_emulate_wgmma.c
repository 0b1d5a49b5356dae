/*
 * Blocks of producers and consumers: wgmma. Every role is a coroutine that runs until it waits for
 * a barrier; who goes on, and which tensor copy lands when, is drawn at random. Instructions under
 * way read as late as their waits allow, so a stage that is overwritten too early is seen in the
 * result; roles that wait for each other for ever are a failure here.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/epilogue.h"
#include "backends/cuda/map.h"
#include "core/arena.h"
#include "tests/model/cuda_machine.h"
#include "tests/model/cuda_model.h"

enum { PRODUCER_WARPS = CUDA_PRODUCER_THREADS / 32, STACK_BYTES = 256 * 1024 };

/* --- turns ------------------------------------------------------------------------------------ */

static ucontext_t scheduler;

static void yield(struct machine *m)
{
    swapcontext(&m->context, &scheduler);
}

/* The phase with this parity is over: the one under way has the other parity. */
static bool has_passed(const struct machine_barrier_state *barrier, uint32_t parity)
{
    return barrier->phase % 2 != parity;
}

static void complete(struct machine_barrier_state *barrier)
{
    if (barrier->pending > 0 || barrier->bytes != 0)
        return;
    barrier->phase++;
    barrier->pending = barrier->expected;
}

void machine_wait(struct machine *m, enum cuda_barrier which, uint32_t stage, uint32_t parity)
{
    m->waits_for = &m->cta->barriers[which][stage];
    m->waits_parity = parity;
    do
        yield(m); /* even if it need not wait: others may go first */
    while (!has_passed(m->waits_for, parity));
    m->waits_for = NULL;
}

/* Lane 0 of each warp of consumers arrives; of producers every thread. */
void machine_arrive_at(struct machine *m, enum cuda_barrier which, uint32_t stage, uint32_t rank)
{
    struct machine_cta *there = &m->cta->cluster[rank];
    struct machine_barrier_state *barrier = &there->barriers[which][stage];
    uint32_t arrivals = which == CUDA_EMPTY ? 4 : m->threads;
    if (there->roles_left == 0)
        machine_fail(m->cta, "an arrival at a block that has ended");
    if (arrivals > barrier->pending)
        machine_fail(m->cta, "more arrivals than the phase of a barrier takes");
    barrier->pending -= arrivals;
    complete(barrier);
}

void machine_arrive(struct machine *m, enum cuda_barrier which, uint32_t stage)
{
    machine_arrive_at(m, which, stage, m->cta->rank);
}

void machine_cluster_barrier(struct machine *m)
{
    m->leaves = true;
    yield(m);
}

/* --- producers -------------------------------------------------------------------------------- */

void machine_fence_async(struct machine *m)
{
    /* Of its own writes only: other warps' are at other rows or chunks, and they fence them. */
    const struct cuda_params *p = m->cta->p;
    uint32_t rows = (p->block_m + p->block_n) * p->stages;
    for (uint32_t chunk = 0; chunk < rows * CUDA_ROW_CHUNKS; chunk++)
        if (m->cta->unfenced[chunk] == 1 + m->first_thread / 32)
            m->cta->unfenced[chunk] = 0;
}

void machine_expect(struct machine *m, uint32_t stage, uint32_t bytes)
{
    struct machine_barrier_state *barrier = &m->cta->barriers[CUDA_FULL][stage];
    barrier->bytes += bytes;
    if (barrier->pending == 0)
        machine_fail(m->cta, "more arrivals than the phase of a barrier takes");
    barrier->pending--;
    complete(barrier);
}

/* To each block that gets it on its own: they may land apart. */
static void copy_boxes(struct machine *m, const struct cuda_operand *op, uint32_t which,
                       uint32_t tile, struct cuda_part part, uint32_t line0, uint32_t number,
                       uint32_t stage, bool to_all)
{
    struct machine_cta *cta = m->cta;
    uint32_t step = m->block.begin + number;
    for (uint32_t at = part.begin; at < part.end; at += CUDA_MAP_BOX) {
        struct machine_box box = { cuda_box_address(tile, at), stage, which, { 0 } };
        cuda_map_at(&op->map, cta->p->tables, m->block.z, step / cta->p->k_tiles, line0 + at,
                    step % cta->p->k_tiles * cta->p->block_k, box.where);
        for (uint32_t rank = 0; rank < cta->p->cluster; rank++) {
            struct machine_cta *there = &cta->cluster[rank];
            if (to_all || rank == cta->rank)
                there->boxes[there->box_count++] = box;
        }
        cta->e->boxes++;
    }
}

void machine_copy_boxes(struct machine *m, uint32_t number, uint32_t stage)
{
    const struct cuda_params *p = m->cta->p;
    uint32_t tile = cuda_row_stage_bytes(m->cta->row) * stage, rank = m->cta->rank;
    bool shared = p->cluster > 1;
    copy_boxes(m, &p->operand_a, 0, tile, cuda_part_of(p->block_m, false, p->cluster, rank),
               m->block.m0, number, stage, false);
    copy_boxes(m, &p->operand_b, 1, tile + p->block_m * CUDA_ROW_BYTES,
               cuda_part_of(p->block_n, shared, p->cluster, rank), m->block.n0, number, stage,
               shared);
}

/* The copy engine finishes one of the boxes. */
static void land(struct machine_cta *cta, size_t which)
{
    struct machine_box box = cta->boxes[which];
    if (cta->roles_left == 0)
        machine_fail(cta, "a tensor copy to a block that has ended");
    cta->boxes[which] = cta->boxes[--cta->box_count];
    const struct cuda_operand *op = box.operand == 0 ? &cta->p->operand_a : &cta->p->operand_b;
    struct cuda_map_arguments a;
    cuda_map_arguments(&op->map, op->element_bytes, &a);
    const struct model_tensor tensor = { op->map.rank,
                                         op->element_bytes,
                                         a.extent,
                                         a.stride_bytes,
                                         a.box,
                                         a.step,
                                         box.operand == 0 ? cta->p->a : cta->p->b,
                                         cta->e->tensor_bytes[box.operand] };
    if (!model_tensor_copy(&tensor, box.where, cta->shared, box.to))
        machine_fail(cta, "a tensor copy beyond the tensor");
    struct machine_barrier_state *barrier = &cta->barriers[CUDA_FULL][box.stage];
    barrier->bytes -= CUDA_COPY_BYTES;
    complete(barrier);
}

/* --- consumers -------------------------------------------------------------------------------- */

void machine_fence_sums(struct machine *m)
{
    m->sums_fenced = true;
}

static int32_t operand_element(struct machine_cta *cta, enum dtype type, uint64_t descriptor,
                               bool turned, unsigned line, unsigned k)
{
    uint32_t at = model_wgmma_byte(descriptor, turned, dtype_bytes(type), line, k);
    if (at >= cta->shared_bytes)
        machine_fail(cta, "a descriptor beyond the stages");
    if (cta->unfenced[at / CUDA_CHUNK_BYTES])
        machine_fail(cta, "wgmma reads what was not fenced for the asynchronous proxy");
    return model_whole(type, cta->shared + at);
}

static void execute(struct machine *m, uint32_t stage, uint32_t part)
{
    struct machine_cta *cta = m->cta;
    const struct cuda_row *row = cta->row;
    bool turned_a = cta->p->operand_a.along_lines, turned_b = cta->p->operand_b.along_lines;
    uint32_t tile = cuda_row_stage_bytes(row) * stage;
    uint64_t a = cuda_wgmma_descriptor(tile, turned_a, 64 * m->consumer, part);
    uint64_t b = cuda_wgmma_descriptor(tile + row->block_m * CUDA_ROW_BYTES, turned_b, 0, part);
    static int32_t lines[64][32], columns[256][32];
    /* Lines and columns past the result are not worth the time. */
    uint32_t first = m->block.m0 + 64 * m->consumer;
    uint32_t used_m = cuda_min(64, cta->p->m - cuda_min(first, cta->p->m));
    uint32_t used_n = cuda_min(row->n, cta->p->n - m->block.n0);
    for (unsigned k = 0; k < row->k; k++) {
        for (unsigned i = 0; i < used_m; i++)
            lines[i][k] = operand_element(cta, row->type_a, a, turned_a, i, k);
        for (unsigned j = 0; j < used_n; j++)
            columns[j][k] = operand_element(cta, row->type_b, b, turned_b, j, k);
    }
    int32_t *sums = cta->sums + m->consumer * 64 * row->n;
    for (unsigned i = 0; i < used_m; i++)
        for (unsigned j = 0; j < used_n; j++)
            for (unsigned k = 0; k < row->k; k++)
                sums[i * row->n + j] += lines[i][k] * columns[j][k];
}

void machine_wgmma(struct machine *m, uint32_t stage, uint32_t part)
{
    if (!m->sums_fenced)
        machine_fail(m->cta, "wgmma without a fence of its registers");
    if (!m->cta->e->late) {
        execute(m, stage, part);
        return;
    }
    m->issued[m->issued_count].stage = stage;
    m->issued[m->issued_count].part = part;
    m->issued[m->issued_count++].group = m->wgmma_group;
}

void machine_commit_wgmma(struct machine *m)
{
    m->wgmma_group++;
}

static void wait_wgmma(struct machine *m, uint32_t pending)
{
    size_t kept = 0;
    for (size_t at = 0; at < m->issued_count; at++) {
        if (m->issued[at].group + pending < m->wgmma_group)
            execute(m, m->issued[at].stage, m->issued[at].part);
        else
            m->issued[kept++] = m->issued[at];
    }
    m->issued_count = kept;
}

void machine_wait_wgmma_but_one(struct machine *m)
{
    wait_wgmma(m, 1);
}

void machine_wait_wgmma(struct machine *m)
{
    wait_wgmma(m, 0);
}

void machine_clear_sums(struct machine *m)
{
    size_t each = (size_t)64 * m->cta->row->n;
    memset(m->cta->sums + m->consumer * each, 0, each * sizeof *m->cta->sums);
}

static uint32_t sum_word(const struct machine *m, uint32_t thread, uint32_t e)
{
    struct model_at at = model_wgmma_c(thread, e);
    int32_t sum = m->cta->sums[(m->consumer * 64 + at.row) * m->cta->row->n + at.column];
    return dtype_bytes(m->cta->row->type_a) == 2 ? cuda_float_bits((float)sum) : (uint32_t)sum;
}

/* The accumulator as its threads hold it. */
void machine_deliver_sums(struct machine *m)
{
    struct machine_cta *cta = m->cta;
    bool plain = cuda_is_plain(cta->p);
    cta->e->plain += plain;
    for (uint32_t thread = 0; thread < 128; thread++)
        for (uint32_t e = 0; e < cta->row->n / 2; e += 1 + plain) {
            struct model_at at = model_wgmma_c(thread, e);
            uint32_t i = m->consumer * 64 + cuda_wgmma_line(thread, e);
            uint32_t j = cuda_wgmma_column(thread, e);
            if (plain)
                cuda_deliver_pair(
                    cta->p, &m->block, m->block.m0 + i, m->block.n0 + j,
                    (struct cuda_pair){ sum_word(m, thread, e), sum_word(m, thread, e + 1) });
            else
                machine_deliver(m, i, j,
                                cta->sums[(m->consumer * 64 + at.row) * cta->row->n + at.column]);
        }
}

/* --- a block ---------------------------------------------------------------------------------- */

static struct machine *starting;

static void run_role(void)
{
    struct machine *m = starting;
    const struct cuda_row *row = m->cta->row;
    if (m->consumer != UINT32_MAX)
        cuda_consume(m, m->cta->p, m->index);
    else
        cuda_produce(m, m->cta->p, m->index,
                     row->engine == CUDA_WGMMA_TMA ? cuda_row_stage_bytes(row) : 0);
    cuda_leave(m, m->cta->p);
    m->is_done = true;
    m->cta->roles_left--;
    yield(m);
    abort();
}

static void start_role(struct machine *m)
{
    getcontext(&m->context);
    m->context.uc_stack.ss_sp = m->stack;
    m->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&m->context, run_role, 0);
}

static void resume(struct machine *m)
{
    starting = m;
    swapcontext(&scheduler, &m->context);
}

static void set_barriers(struct machine_cta *cta)
{
    for (uint32_t stage = 0; stage < cta->p->stages; stage++)
        for (int which = 0; which < CUDA_BARRIERS; which++) {
            uint32_t arrivals =
                cuda_arrivals((enum cuda_barrier)which, cta->row->engine == CUDA_WGMMA_TMA,
                              cta->row->block_m / 64 * 4, cta->p->cluster);
            cta->barriers[which][stage] =
                (struct machine_barrier_state){ .expected = arrivals, .pending = arrivals };
        }
}

static bool can_run(const struct machine *m, bool all_leave)
{
    return !m->is_done && (!m->leaves || all_leave) &&
           (m->waits_for == NULL || has_passed(m->waits_for, m->waits_parity));
}

/* Until all are done; who goes on of those that can, and which copy lands, is drawn each time. */
static void run_roles(struct machine_cta *cluster, struct machine *roles, size_t count)
{
    uint32_t size = cluster->p->cluster;
    for (;;) {
        size_t ready[MACHINE_ROLES_MAX * MACHINE_CLUSTER_MAX];
        size_t ready_count = 0, done = 0, leaving = 0, boxes = 0;
        for (size_t r = 0; r < count; r++)
            leaving += roles[r].leaves;
        for (size_t r = 0; r < count; r++) {
            done += roles[r].is_done;
            if (can_run(&roles[r], leaving == count))
                ready[ready_count++] = r;
        }
        for (uint32_t rank = 0; rank < size; rank++)
            boxes += cluster[rank].box_count;
        if (done == count)
            return;
        if (ready_count + boxes == 0)
            machine_fail(cluster, "producers and consumers wait for each other");
        uint32_t draw = rng_below(&cluster->rng, (uint32_t)(ready_count + boxes));
        if (draw < ready_count) {
            resume(&roles[ready[draw]]);
            continue;
        }
        draw -= (uint32_t)ready_count;
        struct machine_cta *cta = cluster;
        while (draw >= cta->box_count)
            draw -= (uint32_t)cta++->box_count;
        land(cta, draw);
    }
}

static void cta_open(struct machine_cta *cta, size_t roles)
{
    const struct cuda_params *p = cta->p;
    set_barriers(cta);
    cta->boxes =
        mem_alloc(p->stages * (p->block_m + p->block_n) / CUDA_MAP_BOX + 1, sizeof *cta->boxes);
    cta->box_count = 0;
    cta->roles_left = roles;
}

void machine_run_wgmma(struct machine_cta *cluster, uint32_t block)
{
    bool tensor_copies = cluster->row->engine == CUDA_WGMMA_TMA;
    size_t producers = tensor_copies ? 1 : PRODUCER_WARPS, size = cluster->p->cluster;
    size_t each = producers + cluster->row->block_m / 64;
    static struct machine roles[MACHINE_ROLES_MAX * MACHINE_CLUSTER_MAX];
    static char stacks[MACHINE_ROLES_MAX * MACHINE_CLUSTER_MAX][STACK_BYTES];
    for (size_t rank = 0; rank < size; rank++)
        cta_open(&cluster[rank], each);
    for (size_t r = 0; r < each * size; r++) {
        struct machine *m = &roles[r];
        struct machine_copy *copies = m->copies;
        size_t capacity = m->copy_capacity, own = r % each;
        memset(m, 0, sizeof *m);
        m->copies = copies;
        m->copy_capacity = capacity;
        m->cta = &cluster[r / each];
        m->index = block + m->cta->rank;
        m->stack = stacks[r];
        m->consumer = own < producers ? UINT32_MAX : (uint32_t)(own - producers);
        m->first_thread = (uint32_t)own * 32;
        m->threads = tensor_copies ? 1 : 32;
        m->load_threads = CUDA_PRODUCER_THREADS;
        start_role(m);
    }
    run_roles(cluster, roles, each * size);
    for (size_t rank = 0; rank < size; rank++) {
        if (cluster[rank].box_count > 0)
            machine_fail(&cluster[rank], "tensor copies nobody waited for");
        free(cluster[rank].boxes);
    }
}
