#include "core/dataflow.h"

#include <string.h>

const char *const operand_names[OPERAND_COUNT] = { "input", "weight", "output" };
const char *const window_reuse_names[3] = { "shared", "per-pe", "im2col" };
const char *const stationary_names[4] = { "weight", "output", "input", "row" };

#define N ROLE_BIT(ROLE_N)
#define G ROLE_BIT(ROLE_G)
#define K ROLE_BIT(ROLE_K)
#define C ROLE_BIT(ROLE_C)
#define P ROLE_BIT(ROLE_P)
#define Q ROLE_BIT(ROLE_Q)
#define R ROLE_BIT(ROLE_R)
#define S ROLE_BIT(ROLE_S)

#define ORDER2(a, b)       .order = { ROLE_##a, ROLE_##b }, .order_count = 2
#define ORDER3(a, b, c)    .order = { ROLE_##a, ROLE_##b, ROLE_##c }, .order_count = 3
#define ORDER4(a, b, c, d) .order = { ROLE_##a, ROLE_##b, ROLE_##c, ROLE_##d }, .order_count = 4

/*
 * Clusters on one distribution network, without overlap inside a cluster: the head of every call
 * (one cycle at least) is waited for, as MAESTRO charges it. With exposed_load off and both
 * overheads 0 the same arrays are ideally pipelined.
 */
#define CLUSTERED                                                                                  \
    .present = true, .exposed_load = true, .padded_cols = true, .call_overhead_cycles = 1,         \
    .start_cycles = 1

/*
 * Systolic: skewed operands cross the whole array, so a fold costs fill and drain of all rows and
 * columns whatever it uses; a stationary operand is loaded first, row by row.
 */
#define SYSTOLIC_OS                                                                                \
    .present = true, .windows = WINDOW_IM2COL, .call_overhead_cycles = -2,                         \
    .call_overhead_per_row = 1, .call_overhead_per_col = 1, .stationary = STATIONARY_OUTPUT,       \
    .streamed = OPERAND_BIT(OPERAND_INPUT) | OPERAND_BIT(OPERAND_WEIGHT)
#define SYSTOLIC_LOADED                                                                            \
    .present = true, .windows = WINDOW_IM2COL, .call_overhead_cycles = -2,                         \
    .call_overhead_per_row = 2, .call_overhead_per_col = 1
#define SYSTOLIC_WS                                                                                \
    SYSTOLIC_LOADED, .stationary = STATIONARY_WEIGHT, .streamed = OPERAND_BIT(OPERAND_INPUT)
#define SYSTOLIC_IS                                                                                \
    SYSTOLIC_LOADED, .stationary = STATIONARY_INPUT, .streamed = OPERAND_BIT(OPERAND_WEIGHT)

/*
 * Sources. nvdla-ws, shidiannao-os, tpu-os: the directives that COMB (DAC 2023) hands to MAESTRO;
 * eyeriss-rs: MAESTRO 4eb08d1, data/mapping/googlenet_rs.m; systolic-*: SCALE-Sim 1d62b68. Rules
 * for kinds that those sources do not map (depthwise on an array of channel clusters, products on
 * ShiDianNao and Eyeriss) are ours: the same array, each loop where its operands allow it.
 */
const struct dataflow dataflow_table[] = {
    /* clang-format off */
    { .name = "nvdla-ws",
      .rules = {
          [OP_CONV] = { CLUSTERED, .stationary = STATIONARY_WEIGHT, .row_roles = K, .col_roles = C, .cols = 64,
                        .inner_roles = R | S, ORDER4(K, C, P, Q) },
          [OP_DEPTHWISE] = { CLUSTERED, .stationary = STATIONARY_WEIGHT, .row_roles = G | K, .col_roles = C, .cols = 64,
                             .inner_roles = R | S, ORDER3(G, P, Q) },
          [OP_GEMM] = { CLUSTERED, .stationary = STATIONARY_WEIGHT, .row_roles = K, .col_roles = C, .cols = 64,
                        ORDER3(K, C, P) },
      } },
    { .name = "shidiannao-os",
      .rules = {
          [OP_CONV] = { CLUSTERED, .stationary = STATIONARY_OUTPUT, .row_roles = P, .col_roles = Q, .cols = 64,
                        .inner_roles = R | S, ORDER4(K, C, P, Q), .windows = WINDOW_PER_PE },
          [OP_DEPTHWISE] = { CLUSTERED, .stationary = STATIONARY_OUTPUT, .row_roles = P, .col_roles = Q, .cols = 64,
                             .inner_roles = R | S, ORDER4(G, K, P, Q), .windows = WINDOW_PER_PE },
          [OP_GEMM] = { CLUSTERED, .stationary = STATIONARY_OUTPUT, .row_roles = P, .col_roles = K, .cols = 64,
                        ORDER3(P, K, C) },
      } },
    { .name = "tpu-os",
      .rules = {
          [OP_CONV] = { CLUSTERED, .stationary = STATIONARY_WEIGHT, .row_roles = K, .col_roles = C, .cols = 128,
                        .inner_roles = R | S, ORDER4(K, C, P, Q) },
          [OP_DEPTHWISE] = { CLUSTERED, .stationary = STATIONARY_WEIGHT, .row_roles = G | K, .col_roles = C, .cols = 128,
                             .inner_roles = R | S, ORDER3(G, P, Q) },
          [OP_GEMM] = { CLUSTERED, .stationary = STATIONARY_OUTPUT, .row_roles = P, .col_roles = K, .cols = 128,
                        .inner_roles = C, .inner_tile[ROLE_C] = 16, ORDER3(P, K, C) },
      } },
    { .name = "eyeriss-rs",
      .rules = {
          [OP_CONV] = { CLUSTERED, .stationary = STATIONARY_ROW, .row_roles = P, .col_roles = R, .cols_role = ROLE_R,
                        .inner_roles = K | S, .inner_tile[ROLE_K] = 16, .windows = WINDOW_IM2COL, ORDER4(C, P, Q, K) },
          [OP_DEPTHWISE] = { CLUSTERED, .stationary = STATIONARY_ROW, .row_roles = P, .col_roles = R, .cols_role = ROLE_R,
                             .inner_roles = K | S, .inner_tile[ROLE_K] = 16, .windows = WINDOW_IM2COL, ORDER4(G, P, Q, K) },
          [OP_GEMM] = { CLUSTERED, .stationary = STATIONARY_ROW, .row_roles = P, .col_roles = R, .cols_role = ROLE_R,
                        .inner_roles = K, .inner_tile[ROLE_K] = 16, ORDER3(C, P, K) },
      } },
    { .name = "systolic-os",
      .rules = {
          [OP_CONV] = { SYSTOLIC_OS, .row_roles = N | P | Q, .col_roles = K, .inner_roles = C | R | S, ORDER2(P, K) },
          [OP_DEPTHWISE] = { SYSTOLIC_OS, .row_roles = N | P | Q, .col_roles = K, .inner_roles = C | R | S, ORDER2(P, K) },
          [OP_GEMM] = { SYSTOLIC_OS, .row_roles = N | P | Q, .col_roles = K, .inner_roles = C | R | S, ORDER2(P, K) },
      } },
    { .name = "systolic-ws",
      .rules = {
          [OP_CONV] = { SYSTOLIC_WS, .row_roles = C | R | S, .col_roles = K, .inner_roles = N | P | Q, ORDER2(C, K) },
          [OP_DEPTHWISE] = { SYSTOLIC_WS, .row_roles = C | R | S, .col_roles = K, .inner_roles = N | P | Q, ORDER2(C, K) },
          [OP_GEMM] = { SYSTOLIC_WS, .row_roles = C | R | S, .col_roles = K, .inner_roles = N | P | Q, ORDER2(C, K) },
      } },
    { .name = "systolic-is",
      .rules = {
          [OP_CONV] = { SYSTOLIC_IS, .row_roles = C | R | S, .col_roles = N | P | Q, .inner_roles = K, ORDER2(C, P) },
          [OP_DEPTHWISE] = { SYSTOLIC_IS, .row_roles = C | R | S, .col_roles = N | P | Q, .inner_roles = K, ORDER2(C, P) },
          [OP_GEMM] = { SYSTOLIC_IS, .row_roles = C | R | S, .col_roles = N | P | Q, .inner_roles = K, ORDER2(C, P) },
      } },
    /* clang-format on */
};
const size_t dataflow_count = sizeof dataflow_table / sizeof *dataflow_table;

const struct dataflow *dataflow_find(const char *name)
{
    for (size_t i = 0; i < dataflow_count; i++)
        if (strcmp(dataflow_table[i].name, name) == 0)
            return &dataflow_table[i];
    return NULL;
}
