/*
 * Elements of tensors one at a time: types, roundings, and what an epilogue does to an accumulator.
 * This is the truth that kernels are compared with; kernels may use the conversions.
 *
 * Integer accumulators have 32 bits and wrap, as the instructions do (64 if the output has). Float
 * accumulators are whatever the caller sums in; they are rounded to f32 first.
 */
#ifndef SOCWEAVE_BACKENDS_ELEMENT_H
#define SOCWEAVE_BACKENDS_ELEMENT_H

#include "backends/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* IEEE 754 binary16 and bfloat16; to the nearest, ties to even; NaN stays NaN. */
float backend_f16_to_f32(uint16_t bits);
uint16_t backend_f32_to_f16(float value);
float backend_bf16_to_f32(uint16_t bits);
uint16_t backend_f32_to_bf16(float value);

bool backend_type_is_float(enum dtype type);
/* Are sums of this expression's terms floats? */
bool backend_sums_floats(const struct expr *expr);

int64_t backend_load_int(enum dtype type, const void *data, size_t index);
double backend_load_real(enum dtype type, const void *data, size_t index); /* of any type */

/* Stores one accumulator as `type`, which saturates; `epilogue` may be NULL. */
void backend_store_int(const struct backend_epilogue *epilogue, size_t channel, int64_t acc,
                       enum dtype type, void *data, size_t index);
void backend_store_real(const struct backend_epilogue *epilogue, size_t channel, double acc,
                        enum dtype type, void *data, size_t index);

/* ERR_RANGE, ERR_TYPE, ERR_VALUE unless the epilogue fits the job's expression. */
enum err_code backend_epilogue_check(const struct backend_job *job, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
