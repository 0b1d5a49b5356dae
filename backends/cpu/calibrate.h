/*
 * A machine/1 row: what this CPU and the kernels of this program reach right now, for
 * kernel_work_forecast(). Rates of the machine are measured by loops of their own (machine.h);
 * those of the kernels are what jobs of known work take beyond the forecast without them. The
 * shapes of these jobs are made for one term each; no network has them.
 */
#ifndef SOCWEAVE_BACKENDS_CPU_CALIBRATE_H
#define SOCWEAVE_BACKENDS_CPU_CALIBRATE_H

#include "intrinsics/intrin_machine.h"

/*
 * Fills `row`, a row of `out`, for `threads` threads; levels of unknown size stay 0. `out` has the
 * sizes of the caches. About 40 ms per sample and thread count. docs/model.md M-118, M-153.
 */
void backend_cpu_calibrate(struct intrin_calibration *out, struct intrin_rates *row,
                           unsigned threads, unsigned samples);

#endif
