/*
 * What a kernel is told: one matched layer as a batch of matrix products whose operands are reached
 * through tables. Plain data, read alike by the kernels and by the C code that builds and emulates
 * their launches.
 *
 *     C[z, i, j] = Σ over r and k of A[z, r, i, k] · B[z, r, j, k]
 *
 * z counts the plan's spatial outer loops, r its reduction loops; i, j, k are the fused indices of
 * the instruction's axes. An operand's offset is a constant plus one table entry for each of
 * (z, r, line, k), where the line is i for A and j for B; C has (z, -, i, j). No image is ever
 * unrolled in memory.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_PARAMS_H
#define SOCWEAVE_BACKENDS_CUDA_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/dtype.h"

#define CUDA_GUARDS_MAX 4
#define CUDA_PLANES     (1 + CUDA_GUARDS_MAX)
#define CUDA_NONE       UINT32_MAX /* no table: the operand does not depend on this index */

/* A row of a shared-memory tile: one swizzle period of the tensor copies, 32 banks. */
#define CUDA_ROW_BYTES   128
#define CUDA_CHUNK_BYTES 16
#define CUDA_ROW_CHUNKS  (CUDA_ROW_BYTES / CUDA_CHUNK_BYTES)
/* Every matrix instruction here eats 32 bytes of k per line: 16 halves or 32 bytes. */
#define CUDA_STEP_BYTES 32
#define CUDA_ROW_STEPS  (CUDA_ROW_BYTES / CUDA_STEP_BYTES)

enum cuda_axis { CUDA_Z, CUDA_R, CUDA_LINE, CUDA_K, CUDA_AXES };

/*
 * An operand as the tensor copies (bulk copies by a tensor map) see it: boxes of 64 lines by one
 * row of k, in up to 5 dimensions. Dimension 0 runs along the rows of the tile, dimension 1 from
 * row to row; in the others a box stands still. What lies outside a dimension is read as zero.
 */
#define CUDA_MAP_DIMS 5
#define CUDA_MAP_BOX  64 /* lines of one copy */
struct cuda_map {
    uint32_t rank;                        /* 0: the offsets are no tensor map's */
    uint32_t line_dim, k_dim;             /* 0 and 1, or 1 and 0 */
    uint32_t line_step;                   /* 1 to 4, elements of line_dim from line to line */
    uint32_t extent[CUDA_MAP_DIMS];       /* elements */
    uint64_t stride_bytes[CUDA_MAP_DIMS]; /* [0]: of one element */
    int32_t constant[CUDA_MAP_DIMS];      /* coordinates of line 0, k 0 at z 0, r 0 … */
    uint32_t table[2][CUDA_MAP_DIMS]; /* … and what z and r add: in params.tables, or CUDA_NONE */
};

/* Plane 0 holds element offsets; plane 1 + g the index along guarded dimension g. */
struct cuda_operand {
    int32_t constant[CUDA_PLANES];
    uint32_t table[CUDA_AXES][CUDA_PLANES]; /* first entry in params.tables, or CUDA_NONE */
    uint32_t guard_count;
    int32_t divisor[CUDA_GUARDS_MAX], extent[CUDA_GUARDS_MAX], stride[CUDA_GUARDS_MAX];
    uint32_t lines;         /* extent of the line axis */
    uint32_t element_bytes; /* 1 or 2 */
    uint32_t piece_bytes;   /* 4, 8, 16: copied asynchronously; element_bytes: gathered */
    bool along_lines;       /* a row of the tile runs along lines; else along k */
    bool lanes_down;        /* neighbouring threads take neighbouring rows, not chunks of one */
    struct cuda_map map;    /* of A and B */
};

struct cuda_epilogue {
    const int32_t *bias_s32;
    const float *bias_f32, *scale;
    uint32_t channel_table[CUDA_AXES]; /* as of C: (z, -, i, j); CUDA_NONE */
    int32_t zero_point;
    enum dtype type; /* stored: any but s64 */
    bool stores_float;
    bool relu;
};

struct cuda_params {
    const int32_t *tables;
    const void *a, *b;
    void *c;
    void *partial; /* split > 1: [split][z][i][j] accumulators, 4 bytes each; else NULL */
    struct cuda_operand operand_a, operand_b, operand_c;
    struct cuda_epilogue epilogue;
    uint32_t z, r, m, n, k;             /* extents */
    uint32_t m_tiles, n_tiles, k_tiles; /* k_tiles per r */
    uint32_t block_m, block_n, block_k; /* elements */
    uint32_t split, steps_per_split;    /* of the r · k_tiles steps */
    uint32_t group;                     /* m tiles that share their n tiles in the cache; >= 1 */
    uint32_t stages;                    /* >= 2 */
    uint32_t blocks;                    /* tiles of all z and splits */
    uint32_t grid;                      /* wgmma: blocks that run, each takes every grid-th tile */
    uint32_t cluster;      /* 2: neighbouring blocks, tiles one above the other, fetch B
                              by halves for both; 1 */
    uint32_t plain_stride; /* even: words of C from line to line, if accumulators are stored as they
                              are and columns are neighbours; 0: by the tables */
};

#endif
