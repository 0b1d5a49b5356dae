/*
 * The timing model a second time, as a plain discrete-event program with one heap and no SystemC:
 * the oracle of sim/. It shares no code with it; results must be equal to the bit.
 */
#ifndef SOCWEAVE_TESTS_TWIN_H
#define SOCWEAVE_TESTS_TWIN_H

#include "core/mapping.h"
#include "sim/sim.h"

struct twin;

struct twin *twin_new(const struct problem *problem);
void twin_free(struct twin *twin);

/* Returns the makespan; UINT64_MAX if the mapping comes to a halt. */
uint64_t twin_run(struct twin *twin, const struct mapping *mapping, enum granularity granularity);

/* Of the last run. */
uint64_t twin_start_ps(const struct twin *twin, uint32_t layer);
uint64_t twin_end_ps(const struct twin *twin, uint32_t layer);
uint64_t twin_events(const struct twin *twin);
struct sim_resource_load twin_load(const struct twin *twin, enum trace_resource kind, size_t index);

#endif
