/*
 * A dataflow as data: how the loops of a layer lie on a PE array and in what order they run.
 *
 * The array has rows × cols PEs. A *rule* says for one kind of operator which roles are unrolled
 * over the rows, which over the columns, which run inside one call of the array (`inner`), and in
 * which order the remaining loops call it. Every call pays an overhead that is not overlapped
 * (head latency of a cluster; fill and drain of a systolic array), every layer pays `start_cycles`.
 *
 *     cycles = start + (row folds · column folds · outer iterations)
 *                    · (inner iterations + overhead + per_row·rows + per_col·cols)
 *
 * With overhead 0 the array is ideally pipelined; MAESTRO's figures need 1 (docs/model.md).
 */
#ifndef SOCWEAVE_CORE_DATAFLOW_H
#define SOCWEAVE_CORE_DATAFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json.h"
#include "core/operator.h"

#define DATAFLOW_NAME_MAX 32

/* Roles as a bit set: ROLE_BIT(ROLE_C) | ROLE_BIT(ROLE_R) … */
#define ROLE_BIT(role) (1u << (role))

enum stationary { STATIONARY_WEIGHT, STATIONARY_OUTPUT, STATIONARY_INPUT, STATIONARY_ROW };
extern const char *const stationary_names[4]; /* "weight", "output", "input", "row" */

struct dataflow_rule {
    bool present;
    unsigned row_roles, col_roles; /* fused in space along the rows / the columns */
    /* Columns used by this rule: 0 = the accelerator's own, else a cluster of so many PEs, and
     * rows = PEs / cols. cols_role: the extent of this role instead (row stationary: R). */
    uint32_t cols;
    enum role cols_role;             /* ROLE_NONE: not used */
    unsigned inner_roles;            /* temporal inside one call … */
    uint32_t inner_tile[ROLE_COUNT]; /* … in tiles of so many (0 = the whole extent) */
    enum role order[ROLE_COUNT];     /* outer temporal loops, outermost first */
    size_t order_count;
    enum stationary stationary;
    uint32_t call_overhead_cycles, call_overhead_per_row, call_overhead_per_col;
    uint32_t start_cycles;
};

struct dataflow {
    char name[DATAFLOW_NAME_MAX];
    struct dataflow_rule rules[OP_KIND_COUNT]; /* only OP_CONV, OP_DEPTHWISE, OP_GEMM may be set */
};

/* nvdla-ws, shidiannao-os, tpu-os, eyeriss-rs, systolic-os, systolic-ws, systolic-is. */
extern const struct dataflow dataflow_table[];
extern const size_t dataflow_count;
const struct dataflow *dataflow_find(const char *name);

/* Reads one entry of "dataflows" in a SoC file; docs/formats.md. Errors are the document's. */
void dataflow_read(const struct json_node *node, struct dataflow *out);

#endif
