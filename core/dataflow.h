/*
 * A dataflow as data: how the loops of a layer lie on a PE array and in what order they run.
 *
 * A *rule* says for one kind of operator which roles are unrolled over the rows of the array,
 * which over the columns, which run inside one *call* (`inner`), and in which order the remaining
 * loops call it. Roles unrolled together are fused into one index. Every role of a layer belongs
 * to one loop; those that a rule does not name run outermost, so any rule covers all MACs.
 *
 *     cycles = start + (row folds · column folds · outer iterations)
 *                    · (inner iterations + overhead + per_row·rows + per_col·cols)
 *
 * at unlimited scratchpad bandwidth (docs/model.md M-01). What moves between scratchpad and array
 * at each call, and how long that takes where the bandwidth is bounded, follows from the order of
 * the loops and from the fields below (M-03 to M-06).
 */
#ifndef SOCWEAVE_CORE_DATAFLOW_H
#define SOCWEAVE_CORE_DATAFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"
#include "core/operator.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DATAFLOW_NAME_MAX 32

/* Roles as a bit set: ROLE_BIT(ROLE_C) | ROLE_BIT(ROLE_R) … */
#define ROLE_BIT(role) (1u << (role))

/* The three operands of a layer: index and bit. */
enum operand { OPERAND_INPUT, OPERAND_WEIGHT, OPERAND_OUTPUT, OPERAND_COUNT };
#define OPERAND_BIT(operand) (1u << (operand))
extern const char *const operand_names[OPERAND_COUNT]; /* "input", "weight", "output" */

/* Who shares the inputs that neighbouring outputs have in common. */
enum window_reuse {
    WINDOW_SHARED, /* sent once to all PEs, and kept from one call to the next: the halo is free */
    WINDOW_PER_PE, /* kept from call to call, but inside a row every PE is sent its own window */
    WINDOW_IM2COL  /* every window is sent as a whole: the convolution runs as a matrix product */
};
extern const char *const window_reuse_names[3]; /* "shared", "per-pe", "im2col" */

/* The operand that a dataflow is known by. Only a label: reuse follows from the loops. */
enum stationary { STATIONARY_WEIGHT, STATIONARY_OUTPUT, STATIONARY_INPUT, STATIONARY_ROW };
extern const char *const stationary_names[4]; /* "weight", "output", "input", "row" */

struct dataflow_rule {
    bool present;
    unsigned row_roles, col_roles; /* fused in space along the rows / the columns */
    /* PEs of a row: 0 = the accelerator's own columns, else a cluster of so many, and
     * rows = PEs / cols. cols_role: as many as the extent of this role (row stationary: R). */
    uint32_t cols;
    enum role cols_role;             /* ROLE_NONE: not used */
    unsigned inner_roles;            /* temporal inside one call … */
    uint32_t inner_tile[ROLE_COUNT]; /* … in tiles of so many (0 = the whole extent) */
    enum role order[ROLE_COUNT];     /* loops outside a call, folds included, outermost first */
    size_t order_count;
    enum stationary stationary;
    unsigned streamed; /* operands (OPERAND_BIT) that flow through and are re-read by each call */
    bool outputs_stay; /* partial sums leave the array when complete, not at every call */
    bool exposed_load; /* a call's operands are spread along the row before it computes */
    bool padded_cols;  /* a row is fed as a whole: the ragged last fold moves as much as any */
    enum window_reuse windows;
    /* Cycles of a call besides its inner iterations; rows and cols are those of the whole array. */
    int32_t call_overhead_cycles, call_overhead_per_row, call_overhead_per_col;
    uint32_t start_cycles; /* of a layer */
};

/*
 * In place of rules: times that were measured, of a core say. A layer takes
 *
 *     call + padded operations / rate + Σ bytes / rate + epilogue elements / rate
 *
 * whatever its loops (docs/model.md M-140). Rates are those of the whole accelerator; 0: no time.
 */
struct dataflow_rate {
    bool present;
    double ops_per_s; /* two per multiply-add; one per element operation */
    /* By operand: inputs that arrive, constants, results before the epilogue. */
    double bytes_per_s[OPERAND_COUNT];
};

#define DATAFLOW_BACKEND_MAX 16
struct dataflow_measured {
    bool present;
    char backend[DATAFLOW_BACKEND_MAX]; /* what ran the layers, by name; "": this machine's cores */
    uint32_t columns, depth; /* output channels, and terms of a sum, come in multiples of these */
    double call_ns;
    double epilogue_elements_per_s;
    struct dataflow_rate rates[OP_KIND_COUNT];
};

struct dataflow {
    char name[DATAFLOW_NAME_MAX];
    struct dataflow_rule rules[OP_KIND_COUNT]; /* only OP_CONV, OP_DEPTHWISE, OP_GEMM may be set */
    struct dataflow_measured measured;         /* then there are no rules */
};

/* nvdla-ws, shidiannao-os, tpu-os, eyeriss-rs, systolic-os, systolic-ws, systolic-is. */
extern const struct dataflow dataflow_table[];
extern const size_t dataflow_count;
const struct dataflow *dataflow_find(const char *name);

/* Reads one entry of "dataflows" in a SoC file; docs/formats.md. Errors are the document's. */
void dataflow_read(const struct json_node *node, struct dataflow *out);

/* The entry as JSON text that dataflow_read() takes back, for soc_write(). */
struct json_out;
void dataflow_write(const struct dataflow *dataflow, struct json_out *out, const char *key);

#ifdef __cplusplus
}
#endif
#endif
