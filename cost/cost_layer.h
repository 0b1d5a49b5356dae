/* What choosing allotments needs to know of each, before it is costed in full. Inside cost/ only.
 */
#ifndef SOCWEAVE_COST_COST_LAYER_H
#define SOCWEAVE_COST_COST_LAYER_H

#include "cost/cost.h"

struct cost_trial {
    uint64_t cycles;
    double traffic_pj; /* between scratchpad and array; every replica counted as the largest */
};

/* For layers with MACs that the accelerator runs. False if a figure exceeds 63 bits. */
bool cost_try(const struct layer_shape *shape, const struct soc_accelerator *acc,
              const struct soc_energy *energy, const struct cost_allotment *allotment,
              struct cost_trial *out);

#endif
