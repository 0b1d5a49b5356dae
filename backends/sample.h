/*
 * Timing on a machine that others use, too: peak, kernel, peak in one process; a sample counts only
 * if the thread was not preempted meanwhile and both peaks agree. docs/model.md M-110.
 */
#ifndef SOCWEAVE_BACKENDS_SAMPLE_H
#define SOCWEAVE_BACKENDS_SAMPLE_H

#include "backends/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

double backend_now_ns(void);

struct backend_sampler {
    void (*run)(void *ctx); /* what is timed; long enough or not: it is repeated */
    void *ctx;
    /* Operations per second that the same units reach right now; NULL: unknown. A few hundred
     * microseconds. */
    double (*peak)(void *peak_ctx);
    void *peak_ctx;
    unsigned samples;
};

/* Medians over the undisturbed samples; over all of them if fewer than five, and fewer than a
 * third, are undisturbed. */
void backend_sample(const struct backend_sampler *sampler, struct backend_time *out);

/* Involuntary context switches of the whole process so far. */
long backend_preemptions(void);

/* Sorts the values. count > 0. */
double backend_median(double *values, size_t count);

#ifdef __cplusplus
}
#endif
#endif
