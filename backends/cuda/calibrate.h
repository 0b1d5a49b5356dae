/*
 * What a GPU reaches from this program, for machine/1: its products, its memory, the link to it.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_CALIBRATE_H
#define SOCWEAVE_BACKENDS_CUDA_CALIBRATE_H

#include "backends/backend.h"
#include "intrinsics/intrin_machine.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Medians of `samples` rounds (docs/formats.md, machine/1). Fills cores (SMs), l2_bytes, the link
 * and one row of rates with as many threads as SMs: peak (the fastest u8 x s8 product found among
 * the first tilings), memory writes, memory reads (as the device states them), and the time of a
 * launch. `name` becomes the device's. ERR_UNAVAILABLE, ERR_DEVICE.
 */
struct cuda_calibrate_sizes {
    int64_t side;                  /* of the product */
    size_t copy_bytes, fill_bytes; /* over the link; in the device's memory, more than its cache */
};
extern const struct cuda_calibrate_sizes cuda_calibrate_default;
enum err_code cuda_calibrate(const struct cuda_calibrate_sizes *sizes, unsigned samples,
                             struct intrin_calibration *out, char name[64], struct err *err);

#ifdef __cplusplus
}
#endif
#endif
