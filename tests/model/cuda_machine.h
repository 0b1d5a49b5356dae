/*
 * Inside the emulation of launches: the block that runs and its roles, and the functions of
 * backends/cuda/mainloop.inc on them. A role is what runs on its own: all threads of a block whose
 * threads work together; with wgmma each warp of the producers and each group of consumers.
 */
#ifndef SOCWEAVE_TESTS_CUDA_MACHINE_H
#define SOCWEAVE_TESTS_CUDA_MACHINE_H

#include <ucontext.h>

#include "backends/cuda/barrier.h"
#include "core/rng.h"
#include "tests/model/cuda_emulate.h"

#define MACHINE_STAGES_MAX 8
#define MACHINE_ROLES_MAX  6

/* An asynchronous copy under way. */
struct machine_copy {
    uint32_t to, size, group;
    uint8_t bytes[CUDA_CHUNK_BYTES];
};

struct machine_barrier_state {
    uint32_t expected, pending; /* arrivals */
    int64_t bytes;              /* still to land in this phase */
    uint32_t phase;
};

/* A tensor copy under way. */
struct machine_box {
    uint32_t to, stage, operand; /* 0: A */
    int32_t where[CUDA_MAP_DIMS];
};

/* A block. */
struct machine_cta {
    struct machine_cta *cluster; /* all blocks of its cluster, this one at `rank` */
    uint32_t rank;
    size_t roles_left; /* 0: it has ended, and nobody may write to it */
    struct emulation *e;
    const struct cuda_row *row;
    const struct cuda_params *p;
    uint8_t *shared;
    uint8_t *unfenced; /* per 16 bytes: written, not yet handed to the asynchronous proxy */
    uint32_t shared_bytes;
    int32_t *sums; /* block_m x block_n, as the engine orders them */
    struct rng rng;
    struct machine_barrier_state barriers[2][MACHINE_STAGES_MAX];
    struct machine_box *boxes;
    size_t box_count;
};

struct machine {
    struct machine_cta *cta;
    uint32_t index;                 /* of its block */
    struct cuda_block block;        /* the tile at work */
    uint32_t first_thread, threads; /* of those that load together, the role's */
    uint32_t load_threads;
    struct machine_copy *copies;
    size_t copy_count, copy_capacity;
    uint32_t group; /* of copies, that is being filled */
    /* mma.sync: the warp at work. */
    uint32_t warp, stage;
    int32_t a[2][4][16][32], b[2][4][2][8][32]; /* two buffers */
    /* wgmma: a group of consumers; instructions under way. */
    uint32_t consumer;
    struct {
        uint32_t stage, part, group;
    } issued[2 * CUDA_ROW_STEPS];
    size_t issued_count;
    uint32_t wgmma_group;
    bool sums_fenced;
    /* Turns. */
    ucontext_t context;
    void *stack;
    bool is_done;
    bool leaves;                                   /* waits until all roles of the cluster do */
    const struct machine_barrier_state *waits_for; /* NULL: may run */
    uint32_t waits_parity;
};

/* Ends the test. */
void machine_fail(const struct machine_cta *cta, const char *what) __attribute__((noreturn));

#define CUDA_MACHINE struct machine
void machine_wait_copies(struct machine *m, uint32_t pending);
void machine_commit_copies(struct machine *m);
void machine_barrier(struct machine *m);
void machine_load(struct machine *m, uint32_t number, uint32_t stage);
void machine_multiply(struct machine *m, uint32_t number, uint32_t stage);
uint32_t machine_warp_m(const struct machine *m);
uint32_t machine_warp_n(const struct machine *m);
uint32_t machine_buffers(const struct machine *m);
void machine_fetch_a(struct machine *m, uint32_t buffer, uint32_t i, uint32_t line, uint32_t part);
void machine_fetch_b(struct machine *m, uint32_t buffer, uint32_t j, uint32_t line, uint32_t part);
void machine_mma(struct machine *m, uint32_t buffer, uint32_t i, uint32_t j);
void machine_wait(struct machine *m, enum cuda_barrier which, uint32_t stage, uint32_t parity);
void machine_expect(struct machine *m, uint32_t stage, uint32_t bytes);
void machine_copy_boxes(struct machine *m, uint32_t number, uint32_t stage);
void machine_fence_async(struct machine *m);
void machine_arrive(struct machine *m, enum cuda_barrier which, uint32_t stage);
void machine_arrive_at(struct machine *m, enum cuda_barrier which, uint32_t stage, uint32_t rank);
void machine_cluster_barrier(struct machine *m);
void machine_fence_sums(struct machine *m);
void machine_wgmma(struct machine *m, uint32_t stage, uint32_t part);
void machine_commit_wgmma(struct machine *m);
void machine_wait_wgmma_but_one(struct machine *m);
void machine_wait_wgmma(struct machine *m);
uint32_t machine_take(struct machine *m, uint32_t tile);
void machine_clear_sums(struct machine *m);
void machine_deliver_sums(struct machine *m);

#include "backends/cuda/mainloop.inc"

/* One element of the sums to the result. */
void machine_deliver(struct machine *m, uint32_t i, uint32_t j, int32_t sum);
/* Engines: one block, or a cluster of them from `block` on; their results delivered. */
#define MACHINE_CLUSTER_MAX 2
void machine_run_together(struct machine_cta *cta, uint32_t block);
void machine_run_wgmma(struct machine_cta *cluster, uint32_t block);

#endif
