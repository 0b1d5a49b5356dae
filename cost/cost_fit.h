/*
 * The rates of a measured accelerator (struct dataflow_measured) from times of layers.
 * docs/model.md M-144
 */
#ifndef SOCWEAVE_COST_COST_FIT_H
#define SOCWEAVE_COST_COST_FIT_H

#include "core/dataflow.h"
#include "core/dnn.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cost_timed {
    struct layer_shape shape;
    double seconds; /* > 0 */
};

/*
 * The rates at which the squares of the relative errors are least; `out` has the granules already.
 * Kinds that no layer is of are left out. Returns the median of |predicted - measured| / measured.
 */
double cost_fit(const struct cost_timed *timed, size_t count, struct dataflow_measured *out);

/* M-140 before it becomes cycles. */
double cost_measured_seconds(const struct layer_shape *shape,
                             const struct dataflow_measured *measured);

#ifdef __cplusplus
}
#endif
#endif
