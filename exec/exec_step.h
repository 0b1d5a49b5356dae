/*
 * What the steps of an epilogue, and layers that only map elements, compute on 8-bit tensors.
 *
 * Graphs name operators, not their parameters: no scales, no windows of pools, no slopes. So that
 * networks can run, and that two ways of running them can be compared element by element, each
 * operator has one definition on integers here, of the cost that it has in the network. They are
 * docs/model.md M-141. exec_step_element() and its like are the truth, used one element at a time;
 * exec_step_run() does the same on tensors in memory order.
 */
#ifndef SOCWEAVE_EXEC_EXEC_STEP_H
#define SOCWEAVE_EXEC_EXEC_STEP_H

#include "exec/exec_view.h"

enum exec_step_kind {
    EXEC_STEP_PASS, /* parameters that the graph doesn't have: requantize, batchnorm … */
    EXEC_STEP_MAP,  /* one element */
    EXEC_STEP_JOIN, /* one element of each of two tensors */
    EXEC_STEP_POOL, /* a window of positions */
    EXEC_STEP_UPSAMPLE,
    EXEC_STEP_ROW,     /* the last dimension as a whole */
    EXEC_STEP_CHANNELS /* neighbouring channels */
};

struct exec_step_row {
    const char *name;
    enum exec_step_kind kind;
};
/* NULL: no such step. */
const struct exec_step_row *exec_step_find(const char *name);

/* An element of type u8 or s8 as the number it stands for, and back (it saturates). */
static inline int exec_value(enum dtype type, uint8_t byte)
{
    return type == DT_S8 ? (int8_t)byte : byte;
}
static inline uint8_t exec_byte(enum dtype type, int value)
{
    int low = type == DT_S8 ? -128 : 0, high = type == DT_S8 ? 127 : 255;
    return (uint8_t)(value < low ? low : value > high ? high : value);
}

int exec_step_map(const struct exec_step_row *step, enum dtype type, int x);
int exec_step_join(const struct exec_step_row *step, enum dtype type, int x, int y);
/* `out` may be `row`. */
void exec_step_rowwise(const struct exec_step_row *step, enum dtype type, const uint8_t *row,
                       size_t count, uint8_t *out);
/* The middle one of five neighbours, squares of all of them added. */
int exec_step_lrn(enum dtype type, int x, int64_t squares);

/* Positions [begin, end) of `in` under result `at` of `out`, along one dimension. */
struct exec_window {
    uint64_t begin, end;
};
struct exec_window exec_step_window(const struct exec_step_row *step, uint64_t in, uint64_t out,
                                    uint64_t at);
/* Largest, or the mean rounded to nearest, half up. */
bool exec_step_is_max(const struct exec_step_row *step);
int exec_step_mean(int64_t sum, int64_t count);

/* One step on tensors in memory. */
struct exec_step {
    const struct exec_step_row *row;
    enum dtype type;
    struct exec_view in, out; /* differ for pools and upsample alone */
    uint64_t row_length;      /* of row-wise steps: the last dimension of the graph's tensor */
    uint8_t map[256];         /* of EXEC_STEP_MAP, by byte */
    uint8_t *scratch;         /* of row-wise steps on maps; owned */
};
void exec_step_init(struct exec_step *step); /* fills in the last two */
void exec_step_release(struct exec_step *step);
/* `second`: of EXEC_STEP_JOIN. `out` may be `from` unless it pools, upsamples or normalises
 * channels. */
void exec_step_run(const struct exec_step *step, const uint8_t *from, const uint8_t *second,
                   uint8_t *out);

#endif
