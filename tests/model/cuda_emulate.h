/*
 * Launches of the CUDA kernels on the CPU: the kernels' own main loops and index arithmetic
 * (backends/cuda/mainloop.inc, index.h, fragment.h) over all blocks, steps, threads and lanes, with
 * the instructions as tests/model/cuda_model.h has them. Shared memory starts as garbage, and what
 * is asynchronous happens as early or as late as the waits allow.
 */
#ifndef SOCWEAVE_TESTS_CUDA_EMULATE_H
#define SOCWEAVE_TESTS_CUDA_EMULATE_H

#include "backends/cuda/problem.h"
#include "backends/cuda/rows.h"

struct emulation {
    bool in_pairs;          /* tensor copies, and clusters where tiles pair */
    bool late;              /* what is asynchronous happens at the last moment, else at the first */
    uint64_t seed;          /* of the turns of producers, consumers and tensor copies */
    size_t tensor_bytes[2]; /* of A and B */
    /* What was seen: of the launch so far. */
    uint64_t blocks, tiles, copies, gathers, boxes;
    uint64_t clusters;  /* launches of pairs */
    uint64_t plain;     /* accumulators stored two by two */
    uint64_t conflicts; /* shared accesses past one per bank */
};

/* Pointers in the params are host memory. */
void emulate_launch(struct emulation *e, const struct cuda_row *row,
                    const struct cuda_params *params);

#endif
