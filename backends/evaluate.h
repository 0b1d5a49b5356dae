/*
 * Any tensor expression, evaluated as it is written: no intrinsic, no plan. The truth for every
 * backend, and what a backend may fall back to.
 *
 * Sums of integers wrap at 32 bits (64 if the output has 64); sums of floats are made in double,
 * whatever the inputs' format, in the order of the iterations. Results do not depend on the number
 * of threads. Time is about one multiply-add per ns and thread; memory is 2 to 8 bytes per input
 * element, and a few words per reduction point.
 */
#ifndef SOCWEAVE_BACKENDS_EVALUATE_H
#define SOCWEAVE_BACKENDS_EVALUATE_H

#include "backends/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

struct backend_evaluator;

/* Borrows the job's parts for the evaluator's life; the job's plan does not matter. ERR_LIMIT,
 * ERR_OVERFLOW, ERR_UNSUPPORTED, and those of backend_epilogue_check(). */
enum err_code backend_evaluator_new(struct backend_evaluator **out, const struct backend_job *job,
                                    struct err *err);
void backend_evaluator_free(struct backend_evaluator *evaluator); /* NULL is fine */

/* Copies an input (0 or 1). */
void backend_evaluator_load(struct backend_evaluator *evaluator, size_t input, const void *data);
/* Every element of `output` is written. */
void backend_evaluator_run(const struct backend_evaluator *evaluator, void *output);

#ifdef __cplusplus
}
#endif
#endif
