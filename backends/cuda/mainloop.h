/*
 * The kernels' main loops, written once for the device and for the emulation of launches
 * (tests/model/cuda_emulate*.c): who waits for what, which stage is loaded, read and given back.
 *
 * A loop works on a CUDA_MACHINE, a type of the includer's, through functions machine_…() that the
 * includer defines for it; on the device they are a few instructions each, in the emulation they
 * model them. Source of the barriers' rules: PTX ISA, "Parallel Synchronization and Communication
 * Instructions: mbarrier".
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_MAINLOOP_H
#define SOCWEAVE_BACKENDS_CUDA_MAINLOOP_H

#include "backends/cuda/barrier.h"
#include "backends/cuda/fragment.h"

#ifdef __CUDACC__
#define CUDA_LOOP template <class CUDA_MACHINE> __device__ __forceinline__
#else
#define CUDA_LOOP static inline
#endif

/* --- all threads load and multiply ---------------------------------------------------------- */

/*
 * Loads run stages - 1 steps ahead in groups of asynchronous copies; one barrier of the block per
 * step, which also frees the stage that the next load writes.
 */
CUDA_LOOP void cuda_run_together(CUDA_MACHINE *m, uint32_t count, uint32_t stages)
{
    const uint32_t ahead = stages - 1;
    for (uint32_t turn = 0; turn < count + ahead; turn++) {
        if (turn >= ahead) {
            machine_wait_copies(m, ahead - 1);
            machine_barrier(m);
        }
        if (turn < count)
            machine_load(m, turn, turn % stages);
        machine_commit_copies(m);
        if (turn >= ahead)
            machine_multiply(m, turn - ahead, (turn - ahead) % stages);
    }
    machine_wait_copies(m, 0);
    machine_barrier(m); /* the stages are free for the results */
}

/* A warp's part of one step by mma.sync: fragments of 16 lines, one mma per 16 x 8 sums. */
CUDA_LOOP void cuda_multiply_fragments(CUDA_MACHINE *m, uint32_t line, uint32_t column,
                                       uint32_t parts)
{
    CUDA_ROLL
    for (uint32_t part = 0; part < parts; part++) {
        CUDA_UNROLL
        for (uint32_t i = 0; i < machine_warp_m(m) / 16; i++)
            machine_fetch_a(m, i, line + 16 * i, part);
        CUDA_UNROLL
        for (uint32_t j = 0; j < machine_warp_n(m) / 16; j++)
            machine_fetch_b(m, j, column + 16 * j, part);
        CUDA_UNROLL
        for (uint32_t i = 0; i < machine_warp_m(m) / 16; i++) {
            CUDA_UNROLL
            for (uint32_t j = 0; j < machine_warp_n(m) / 8; j++)
                machine_mma(m, i, j);
        }
    }
}

/* --- producers and consumers ---------------------------------------------------------------- */

/* One thread hands whole boxes to the copy engine; `bytes` of a step. */
CUDA_LOOP void cuda_produce_boxes(CUDA_MACHINE *m, uint32_t count, uint32_t stages, uint32_t bytes)
{
    for (uint32_t number = 0; number < count; number++) {
        const struct cuda_turn at = cuda_turn_at(stages, number);
        machine_wait(m, CUDA_EMPTY, at.stage, at.parity ^ 1);
        machine_expect(m, at.stage, bytes);
        machine_copy_boxes(m, number, at.stage);
    }
}

/*
 * Threads copy by the tables. A thread's own copies have landed when their group is complete; only
 * then can it hand them to the asynchronous proxy, in which wgmma reads, and arrive. `lag` groups
 * stay under way. A stage is filled anew once consumers have begun the step after the one in it,
 * which must have been handed over by then: with more than stages - 2 both sides would wait for
 * ever.
 */
#define CUDA_LAG_MAX 3
CUDA_LOOP void cuda_produce_pieces(CUDA_MACHINE *m, uint32_t count, uint32_t stages)
{
    const uint32_t lag = cuda_min(stages - 2, CUDA_LAG_MAX);
    for (uint32_t turn = 0; turn < count + lag; turn++) {
        if (turn < count) {
            const struct cuda_turn at = cuda_turn_at(stages, turn);
            machine_wait(m, CUDA_EMPTY, at.stage, at.parity ^ 1);
            machine_load(m, turn, at.stage);
        }
        machine_commit_copies(m);
        if (turn >= lag) {
            machine_wait_copies(m, lag);
            machine_fence_async(m);
            machine_arrive(m, CUDA_FULL, (turn - lag) % stages);
        }
    }
}

/*
 * A warp group multiplies; one group of wgmma stays under way while the next is issued, so a stage
 * is given back one step late. Rows past k are zero in both operands: every step has all its parts.
 */
CUDA_LOOP void cuda_consume(CUDA_MACHINE *m, uint32_t count, uint32_t stages)
{
    for (uint32_t number = 0; number < count; number++) {
        const struct cuda_turn at = cuda_turn_at(stages, number);
        machine_wait(m, CUDA_FULL, at.stage, at.parity);
        machine_fence_sums(m);
        CUDA_UNROLL
        for (uint32_t part = 0; part < CUDA_ROW_STEPS; part++)
            machine_wgmma(m, at.stage, part);
        machine_commit_wgmma(m);
        machine_wait_wgmma_but_one(m);
        if (number > 0)
            machine_arrive(m, CUDA_EMPTY, (number - 1) % stages);
    }
    machine_wait_wgmma(m);
}

#endif
