/*
 * Register tiles: C[rows][columns] = Σ over quads of A · B, all of the depth in registers.
 *
 * A quad is 4 bytes along the depth: four u8 or s8, or two bf16. Quad q of row m of A stands at
 * a + rows[m] + quads[q], anywhere: the two tables are what remains of an operator. B is packed:
 * [quad][16 · vectors][4 bytes]. Accumulators have 32 bits.
 *
 * A set of tiles is one instruction set; which one runs is chosen at run time (machine.h). Names of
 * sets and of the files say which flags they are compiled with.
 */
#ifndef SOCWEAVE_BACKENDS_CPU_KERNEL_H
#define SOCWEAVE_BACKENDS_CPU_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_LANES       16 /* columns of one vector */
#define KERNEL_VECTORS_MAX 4
#define KERNEL_ROWS_MAX    14

/* Quads, and which row of an even tile reads only zeros there (padding). */
enum kernel_skip { KERNEL_SKIP_NONE, KERNEL_SKIP_FIRST, KERNEL_SKIP_LAST };
struct kernel_segment {
    size_t quads;
    enum kernel_skip skip;
    bool ahead; /* fetches although no row is skipped */
};

struct kernel_tile {
    unsigned row_count, vectors; /* those of the tile that is called */
    const uint8_t *a;
    const int32_t *rows; /* bytes, of each row */
    int64_t step;        /* bytes from row to row, if they are even */
    const int32_t *quads;
    size_t quad_count;
    const struct kernel_segment *segments; /* of an even tile; together they are all its quads */
    size_t segment_count;
    const uint8_t *b;
    /* Fetched where a row is skipped or the segment says so, so many bytes per quad: a part of the
     * next panel, or of A the next tile's. */
    const uint8_t *ahead;
    size_t ahead_step;
    uint32_t *c;           /* sums; the bits of f32 for bf16 */
    const int64_t *c_rows; /* elements, of each row */
    unsigned columns;      /* to be stored: <= 16 · vectors */
};
typedef void kernel_tile_run(const struct kernel_tile *tile);

enum kernel_rows { KERNEL_EVEN, KERNEL_TABLE, KERNEL_ROWS_COUNT }; /* step, or rows[] */

/*
 * Depthwise: lanes are 64 channels, which lie side by side in A, and a quad is any four taps of one
 * channel: C[rows][channels] = Σ over taps of A[row + tap][channel] · weight[tap][channel].
 */
#define KERNEL_CHANNELS 64
struct kernel_lanes {
    const uint8_t *a; /* whole groups of 64 bytes are read */
    const int32_t *rows;
    size_t row_count;
    const int32_t *taps; /* [quads][4]: bytes; where a quad has fewer, any that may be read */
    size_t quad_count;
    const uint8_t *b; /* [quads][64][4] */
    uint32_t *c;
    int64_t c_step;    /* elements from row to row */
    unsigned channels; /* to be stored: <= 64 */
};
typedef void kernel_lanes_run(const struct kernel_lanes *lanes);

/*
 * Depthwise with three columns of at most three taps, along a run of rows of C at an even distance
 * in A: C[row][channels] = Σ over columns and taps of
 * A[row · row_step + column · column_step + tap][channel] · weight[column][tap][channel].
 */
#define KERNEL_WINDOW 3
struct kernel_window {
    const uint8_t *a;              /* whole groups of 64 bytes are read */
    int64_t taps[KERNEL_WINDOW];   /* bytes; where there are fewer, any that may be read */
    int64_t column_step, row_step; /* bytes; rows one or two columns apart share columns */
    size_t row_count;
    const uint8_t *b; /* [columns][64][4], the fourth tap and those that are not there 0 */
    uint32_t *c;
    int64_t c_step;    /* elements from row to row */
    unsigned channels; /* to be stored: 1 … 64 */
};
typedef void kernel_window_run(const struct kernel_window *window);
kernel_window_run kernel_window_avx512vnni;

struct kernel_set {
    const char *name; /* "avx512vnni" */
    unsigned rows_max[KERNEL_VECTORS_MAX + 1];
    kernel_tile_run *tiles[KERNEL_VECTORS_MAX + 1][KERNEL_ROWS_MAX + 1][KERNEL_ROWS_COUNT];
    kernel_lanes_run *lanes;   /* NULL: none */
    kernel_window_run *window; /* NULL: none */
    kernel_tile_run *any;      /* of every shape, if not NULL */
    /* Runs `rounds` of independent multiply-adds in registers; returns the operations done. */
    uint64_t (*peak)(uint64_t rounds);
};

extern const struct kernel_set kernel_set_avx512vnni, kernel_set_avxvnni, kernel_set_avx2,
    kernel_set_portable;
extern const struct kernel_set kernel_set_avx512bf16, kernel_set_portable_bf16;

/* Neighbouring sums of one row, of neighbouring channels, on their way to u8 or s8. */
struct kernel_finish {
    const uint32_t *sums;
    size_t count;
    const int32_t *bias; /* or NULL */
    const float *scale;
    bool relu, is_signed;
    int32_t zero_point; /* of at most 1000, either way */
    uint8_t *out;
};
void kernel_finish_avx512(const struct kernel_finish *finish);

/* Reads `bytes` (a multiple of 1024) and returns a value that depends on them. */
typedef uint64_t kernel_read_run(const void *data, size_t bytes);
kernel_read_run kernel_read_avx512, kernel_read_portable;
/* Writes them. */
typedef void kernel_write_run(void *data, size_t bytes);
kernel_write_run kernel_write_avx512, kernel_write_portable;

#endif
