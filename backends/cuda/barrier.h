/* Barriers between the producers and the consumers of a block's stages. */
#ifndef SOCWEAVE_BACKENDS_CUDA_BARRIER_H
#define SOCWEAVE_BACKENDS_CUDA_BARRIER_H

#include "backends/cuda/index.h"

/*
 * Each stage has two barriers. `full`: its bytes have landed; producers arrive. `empty`: nobody
 * reads it any more; consumers arrive. A barrier's phases are numbered from 0 and waited for by
 * their parity; waiting for parity 1 of a barrier that has not completed any phase returns at once.
 */
enum cuda_barrier { CUDA_FULL, CUDA_EMPTY, CUDA_BARRIERS };

/* Where step `number` of a block stands. */
struct cuda_turn {
    uint32_t stage, parity;
};
CUDA_INLINE struct cuda_turn cuda_turn_at(uint32_t stages, uint32_t number)
{
    struct cuda_turn at = { number % stages, number / stages % 2 };
    return at;
}

/* Arrivals that complete a phase. Tensor copies: their issuer; else each thread that copies. A
 * stage is empty when the consumers of all blocks of the cluster have left it, for each of them
 * writes to all. */
#define CUDA_PRODUCER_THREADS 128
CUDA_INLINE uint32_t cuda_arrivals(enum cuda_barrier which, bool tensor_copies,
                                   uint32_t consumer_warps, uint32_t cluster)
{
    if (which == CUDA_EMPTY)
        return consumer_warps * cluster;
    return tensor_copies ? 1 : CUDA_PRODUCER_THREADS;
}

/* Of each barrier, from the first one on. */
#define CUDA_BARRIER_BYTES 8
CUDA_INLINE uint32_t cuda_barrier_at(enum cuda_barrier which, uint32_t stage)
{
    return (2 * stage + (uint32_t)which) * CUDA_BARRIER_BYTES;
}

#endif
