/*
 * The kernels that exist: one row each, instantiated by kernels/<engine>_*.cu from the same lists.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_ROWS_H
#define SOCWEAVE_BACKENDS_CUDA_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

struct intrin;

enum cuda_engine {
    CUDA_WMMA,     /* wmma::mma_sync; loads by threads */
    CUDA_MMA,      /* mma.sync, ldmatrix; loads by threads */
    CUDA_WGMMA,    /* wgmma; a warp group loads by the tables */
    CUDA_WGMMA_TMA /* wgmma; one thread issues tensor copies, operands must be affine (map.h) */
};

/*
 * X(block_m, block_n, warp_m, warp_n): lines of a block and of a warp. A side of 16 takes only
 * operands that run along k: a panel along lines has 64 of them.
 */
#define CUDA_MMA_TILES(X)                                                                          \
    X(128, 256, 64, 64)                                                                            \
    X(128, 128, 64, 32)                                                                            \
    X(64, 64, 32, 32)                                                                              \
    X(16, 128, 16, 32)                                                                             \
    X(128, 16, 32, 16)
/* X(m, n) of the instruction; k is 16, a block 64 x 64, a warp 32 x 32. */
#define CUDA_WMMA_SHAPES(X)                                                                        \
    X(16, 16)                                                                                      \
    X(32, 8)                                                                                       \
    X(8, 32)
/* X(block_n): n of the instruction; two warp groups of 64 lines each. */
#define CUDA_WGMMA_TILES(X)                                                                        \
    X(256)                                                                                         \
    X(128)

struct cuda_row {
    const char *name; /* contract: engine, types, block */
    enum cuda_engine engine;
    enum dtype type_a, type_b;
    uint32_t m, n, k; /* of the instruction */
    uint32_t block_m, block_n, warp_m, warp_n;
    uint32_t threads;
    uint32_t registers; /* per thread, at most, as compiled: bounds the blocks of an SM */
};

extern const struct cuda_row cuda_rows[];
extern const size_t cuda_row_count;

/* Dynamic shared memory of a stage, and of the whole block. */
uint32_t cuda_row_stage_bytes(const struct cuda_row *row);
uint32_t cuda_row_shared_bytes(const struct cuda_row *row, uint32_t stages);
/* Do its blocks stay, each for several tiles? */
bool cuda_row_stays(const struct cuda_row *row);
/* Does the row take operands that run along lines? */
bool cuda_row_takes(const struct cuda_row *row, bool a_along_lines, bool b_along_lines);
/* Is it an engine of this intrinsic (by shape and types, not by name)? */
bool cuda_row_is_of(const struct cuda_row *row, const struct intrin *intrin);

#ifdef __cplusplus
}
#endif
#endif
