/*
 * A job made ready for any of the kernels, without a look at the hardware: tables filled, copies
 * analysed, constant weights packed, limits checked.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_PROBLEM_H
#define SOCWEAVE_BACKENDS_CUDA_PROBLEM_H

#include "backends/backend.h"
#include "backends/cuda/params.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cuda_problem {
    /* Pointers unset, tiling unset (cuda_problem_tile()); operands complete. */
    struct cuda_params params;
    enum dtype type_a, type_b;
    bool is_float; /* accumulators: f32, else s32 */
    int32_t *tables;
    size_t table_count;
    void *packed_b; /* the constant, if packed: [z][r][line][k rounded up to 16 bytes]; else NULL */
    int64_t guard_strides[2][CUDA_GUARDS_MAX]; /* of A and B, elements */
    const char *no_boxes[2];       /* why the tensor copies cannot fetch A or B; NULL: they can */
    size_t bytes[INTRIN_OPERANDS]; /* tensors as in expr order; [2]: packed_b if there is one */
    size_t channels;
};

/*
 * ERR_UNSUPPORTED: another shape than a matrix product's, more than 4 guarded dimensions, offsets
 * past 31 bits, more than 2^24 outer points, a type of the output that no kernel stores.
 */
enum err_code cuda_problem_init(struct cuda_problem *out, const struct backend_job *job,
                                struct err *err);
void cuda_problem_release(struct cuda_problem *problem);

/* Tile counts and splits of the params for this tiling. */
struct cuda_tiling {
    uint32_t block_m, block_n, stages, split, group;
    uint32_t cluster; /* 1 or 2 */
};
/* Does a kernel by tensor copies run it? Then A and B run along lines or k as the maps have it. */
bool cuda_problem_has_boxes(const struct cuda_problem *problem);
void cuda_problem_use_boxes(struct cuda_params *params);
/* Are the tiles 2 i and 2 i + 1 always one above the other? Then clusters of two can take them. */
bool cuda_problem_pairs(const struct cuda_params *tiled);
void cuda_problem_tile(struct cuda_params *params, const struct cuda_tiling *tiling);

#ifdef __cplusplus
}
#endif
#endif
