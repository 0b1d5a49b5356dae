/*
 * Mappings timed by the mapper's dispatcher: contention on links, local ports and memory channels
 * as the timing model has it at layer granularity, without SystemC. Order and choices are the
 * mapping's; a layer that is ready overtakes one that is not, so barriers of groups are gone. The
 * schedule that comes out, written down in the order of its starts, takes the same time when it is
 * replayed in order (tests: sweep_evaluate__mapping_of_a_point__equals_systemc).
 */
#ifndef SOCWEAVE_MAPPER_DISPATCHED_H
#define SOCWEAVE_MAPPER_DISPATCHED_H

#include "core/evaluator.h"

struct dispatched;
struct dispatched *dispatched_new(const struct problem *problem); /* borrowed */
void dispatched_free(struct dispatched *dispatched);              /* NULL is fine */

/* `out` and `schedule` are initialised for the problem's layers; the energy is not filled. */
void dispatched_run(struct dispatched *dispatched, const struct mapping *mapping,
                    struct mapping *out, struct schedule *schedule);

/* One thread at a time. */
const struct evaluator *dispatched_evaluator(struct dispatched *dispatched);

#endif
