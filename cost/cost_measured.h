/* Layers on accelerators whose times were measured (struct dataflow_measured). Inside cost/ only.
 */
#ifndef SOCWEAVE_COST_COST_MEASURED_H
#define SOCWEAVE_COST_COST_MEASURED_H

#include "core/problem.h"

/* Is the accelerator such a one, and has it rates for layers of this kind? */
bool cost_measured_runs(const struct layer_shape *shape, const struct soc_accelerator *acc);

/* Two per multiply-add, of padded products; else element operations, as in M-12. */
double cost_measured_operations(const struct layer_shape *shape,
                                const struct dataflow_measured *measured);
/* Inputs that arrive, constants, results before the epilogue. */
double cost_measured_bytes(const struct layer_shape *shape, enum operand operand);

/* What the layer takes on all of the accelerator. docs/model.md M-140. ERR_INFEASIBLE if it does
 * not fit the scratchpad, ERR_OVERFLOW. */
enum err_code cost_measured_layer(const struct layer_shape *shape,
                                  const struct soc_accelerator *acc,
                                  const struct soc_energy *energy, struct layer_option *option,
                                  struct err *err);

#endif
