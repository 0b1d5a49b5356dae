/*
 * What the parts of the engine share: engine.c makes and frees it, engine_layout.c places A and
 * compiles the tables, engine_tiles.c cuts rows and columns into register tiles and runs them,
 * engine_lanes.c does the same for depthwise jobs, engine_data.c moves data in and out,
 * engine_count.c says what a call will do.
 */
#ifndef SOCWEAVE_BACKENDS_CPU_ENGINE_STATE_H
#define SOCWEAVE_BACKENDS_CPU_ENGINE_STATE_H

#include "backends/cpu/engine.h"
#include "backends/cpu/kernel.h"

#define QUAD_BYTES        4
#define KERNEL_LINE_BYTES 64
/* Quads may reach past the last element, whose weight is zero. */
#define SLACK     BACKEND_SLACK_BYTES
#define BYTES_MAX (INT64_C(1) << 31)

#define LANES_ROWS 64 /* of one piece of depthwise work */

enum part { BATCH, ROW, COLUMN, DEPTH, PARTS };

/* Iterations of one part, the first one slowest. */
struct part_list {
    size_t count;
    unsigned iters[EXPR_ITERS_MAX];
    int64_t points;
};

/* Four bytes of A: which depth points stand in each element, -1 none. */
struct quad {
    int64_t offset;
    int64_t depth[QUAD_BYTES];
};

struct row_tile {
    int64_t begin;
    unsigned count;
    enum kernel_rows kind;
    int64_t step;
    size_t quad_begin, quad_end; /* the others read zeros only */
    const struct kernel_segment *segments;
    size_t segment_count, skip_quads; /* of segments without a row */
};

/* Folded rows of a depthwise job at an even distance in A. */
struct lanes_run {
    size_t begin, count;
    int64_t step; /* bytes */
};

struct panel {
    int64_t begin;
    unsigned columns, vectors;
    size_t offset; /* bytes in packed B */
};

struct kernel_engine {
    struct backend_job job;
    enum backend_cpu_unit unit;
    const struct kernel_set *set;
    unsigned element_bytes, per_quad;
    struct part_list parts[PARTS];
    int64_t outer_depth; /* of the depth's points: those outside the plan's axes, slowest */
    struct arena *arena;
    /* A as it is laid out: per dimension, bytes per step of the index, and where it begins. */
    int64_t low[EXPR_DIMS_MAX], span[EXPR_DIMS_MAX], stride[EXPR_DIMS_MAX];
    size_t a_bytes;
    uint8_t *a;
    const uint8_t *a_now; /* what is read: a, or the caller's tensor */
    bool a_in_place;      /* the caller's tensor lies as A would */
    bool one_block;       /* a owns the memory of b and c */
    int64_t *a_batch;
    int32_t *a_rows;
    size_t quad_count;
    struct quad *quads;
    int32_t *quad_offsets;
    /* B: offsets of elements in the host's tensor. */
    int64_t b_constant, *b_batch, *b_columns, *b_depth;
    size_t b_bytes; /* packed, one batch */
    uint8_t *b;
    void *b_host; /* a copy, if it is not constant */
    size_t b_elements, c_elements;
    /* C */
    int64_t *c_batch, *c_columns, *c_rows; /* host elements */
    int64_t *rows_dense, *rows_tile;       /* elements from row to row: of C, of a tile alone */
    void *c;
    uint32_t *sums; /* of a depthwise job that does not store them as they are */
    enum dtype c_type;
    int64_t channel_stride, channel_extent;
    bool columns_follow; /* columns (depthwise: the batch) are neighbours in the host's tensor */
    bool dense;          /* C as it is computed is the host's tensor */
    /* Depthwise: C is rows x batch, `fold` neighbouring rows fill 64 channels; 0: not. */
    size_t fold;
    int32_t *taps, *fold_rows;
    bool slides; /* three columns (quads) of at most three taps, along runs */
    int64_t column_step;
    size_t run_count;
    struct lanes_run *runs;
    size_t tile_count, panel_count;
    bool a_ahead; /* a tile fetches the next one's rows */
    struct row_tile *tiles;
    struct panel *panels;
    char text[160];
};

/* --- engine_layout.c ------------------------------------------------------------------------ */

void kernel_engine_sort(struct kernel_engine *e); /* iterations into parts */
/* table[point] = Σ per_iter[i] · digit i. */
int64_t *kernel_engine_table(const struct kernel_engine *e, enum part p, const int64_t *per_iter);
/* Bytes per step of each iteration in the laid out A. */
void kernel_engine_packed_steps(const struct kernel_engine *e, int64_t *steps);
/* Strides with dimension `inner` innermost, the others in their order. Returns bytes. */
int64_t kernel_engine_lay_out(struct kernel_engine *e, size_t inner);
enum err_code kernel_engine_choose_layout(struct kernel_engine *e, struct err *err);
void kernel_engine_build_tables(struct kernel_engine *e);

/* --- engine_tiles.c ------------------------------------------------------------------------- */

void kernel_engine_build_tiles(struct kernel_engine *e);
void kernel_engine_run_tiles(const struct kernel_engine *e);

/* --- engine_lanes.c ------------------------------------------------------------------------- */

/* The dimension of A whose channels become lanes, or the number of its dimensions. */
size_t kernel_engine_lanes_dim(const struct kernel_engine *e);
void kernel_engine_form_taps(struct kernel_engine *e);
void kernel_engine_build_lanes(struct kernel_engine *e);
void kernel_engine_pack_lanes(struct kernel_engine *e, const int8_t *host);
void kernel_engine_run_lanes(const struct kernel_engine *e);
void kernel_engine_store_lanes(const struct kernel_engine *e, uint8_t *output);

/* --- engine_data.c -------------------------------------------------------------------------- */

void kernel_engine_copy_a(const struct kernel_engine *e, const void *host);
void kernel_engine_pack_b(struct kernel_engine *e, const void *host);
bool kernel_engine_stores_as_is(const struct kernel_engine *e);
void kernel_engine_store_rows(const struct kernel_engine *e, uint8_t *output);
/* Is A the host's tensor as it is? */
bool kernel_engine_a_is_host(const struct kernel_engine *e);
/* What C's tables come to: columns_follow, dense. */
void kernel_engine_look_at_c(struct kernel_engine *e);
/* Sums of neighbouring host elements, the first one `host`, become elements of C from `to` on;
 * false if this job needs them done one at a time. */
bool kernel_engine_finish_row(const struct kernel_engine *e, const uint32_t *sums, size_t count,
                              int64_t host, size_t to);
/* Sums of a tile become elements of C. */
void kernel_engine_finish_tile(const struct kernel_engine *e, int64_t batch,
                               const struct row_tile *tile, const struct panel *panel,
                               const uint32_t *sums);

#endif
