/*
 * Which kernel runs a problem, and how: block tile (the row), stages, split of k, bands of tiles.
 * Every combination that fits the device, ordered by predicted time: docs/model.md M-120 to M-124.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_CHOOSE_H
#define SOCWEAVE_BACKENDS_CUDA_CHOOSE_H

#include "backends/cuda/driver.h"
#include "backends/cuda/problem.h"
#include "intrinsics/intrin_machine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Terms of one prediction. */
struct cuda_cost {
    uint32_t occupancy;       /* blocks that an SM holds; M-120 */
    uint32_t blocks_per_unit; /* tiles of the busiest SM; M-121 */
    uint32_t grid;            /* blocks to launch: with wgmma those that run at once */
    double compute_cycles, staging_cycles, issue_cycles, latency_cycles; /* of one step; M-122 */
    double memory_bytes;                                                 /* M-123 */
    double store_cycles;                                                 /* of a block; M-122 */
    double product_ns, memory_ns, launch_ns, sums_ns;                    /* M-124 */
    double predicted_ns;
};

struct cuda_choice {
    const struct cuda_row *row;
    struct cuda_tiling tiling;
    struct cuda_cost cost;
    char name[64]; /* "wgmma_tma_f16_128x256 stages 4 split 1 group 8" */
};

/* Dense multiply-adds per cycle of one SM with these elements; 1-byte elements: twice 2-byte ones.
 */
double cuda_dense_macs_per_cycle(const struct cuda_facts *facts, uint32_t element_bytes);

/* The occupancy is 0 if the choice does not fit. */
void cuda_predict(const struct cuda_facts *facts, const struct cuda_problem *problem,
                  const struct cuda_row *row, const struct cuda_tiling *tiling,
                  struct cuda_cost *out);

/* The device as it was measured (machine/1 with a link): the clock at which its fastest engine for
 * u8 x s8 reaches the measured peak, and the rates of its memory. docs/model.md M-125 */
struct cuda_facts cuda_facts_measured(const struct cuda_facts *facts,
                                      const struct cuda_driver *driver,
                                      const struct intrin_calibration *machine);

/* The prediction's terms by name, each as if it were alone. */
void cuda_forecast(const struct cuda_facts *facts, const struct cuda_problem *problem,
                   const struct cuda_choice *choice, struct backend_forecast *out);

/*
 * All choices on this device, fastest prediction first, ties in the order of the rows;
 * *choices_take is the caller's to free(). Rows of the intrinsic's own engine; if none of them runs
 * here, others of its types, and *falls_back is set. ERR_UNSUPPORTED if nothing fits.
 */
enum err_code cuda_choices(const struct cuda_facts *facts, const struct cuda_driver *driver,
                           const struct cuda_problem *problem, const struct intrin *intrin,
                           struct cuda_choice **choices_take, size_t *count, bool *falls_back,
                           struct err *err);

/* Does a device of this capability run the row's instructions? */
bool cuda_row_runs_on(const struct cuda_row *row, const struct cuda_facts *facts);

/* "f16 f16 z1 m4096 n4096 k4096 r1 a:k16 b:lines16 boxes": types, extents in steps of half a power
 * of two, how the operands are copied. Problems of a family are tuned alike. */
void cuda_family(const struct cuda_problem *problem, char *out, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
