/*
 * Launches of the CUDA kernels on the CPU: loops over blocks, steps, threads and lanes that load,
 * multiply and store through the kernels' own index arithmetic (backends/cuda/index.h and
 * fragment.h), with the instructions as tests/model/cuda_model.h has them. Shared memory starts as
 * garbage, and asynchronous copies land as early or as late as the waits allow.
 */
#ifndef SOCWEAVE_TESTS_CUDA_EMULATE_H
#define SOCWEAVE_TESTS_CUDA_EMULATE_H

#include "backends/cuda/problem.h"
#include "backends/cuda/rows.h"

struct emulation {
    bool late; /* copies land at the last moment, else at the first */
    /* What was seen: of the launch so far. */
    uint64_t blocks, copies, gathers, conflicts; /* conflicts: shared accesses past one per bank */
};

/* Pointers in the params are host memory. */
void emulate_launch(struct emulation *e, const struct cuda_row *row,
                    const struct cuda_params *params);

#endif
