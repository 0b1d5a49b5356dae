/*
 * Why a mapping took another time than the simulation said: docs/model.md M-143.
 */
#ifndef SOCWEAVE_EXEC_EXEC_ERROR_H
#define SOCWEAVE_EXEC_EXEC_ERROR_H

#include "core/mapping.h"
#include "exec/exec_run.h"

/* Parts of measured - simulated makespan, which they add up to; each may be negative. */
struct exec_error {
    int64_t compute_ps;  /* layers took another time than predicted */
    int64_t copies_ps;   /* copies keep a core, and took another time than transfers */
    int64_t waits_ps;    /* what the order, the layers and the copies do not explain: seeing that
                            others have ended, being disturbed */
    int64_t modelled_ps; /* what the simulation alone has: contention and results' way to memory */
};
/* Layers and copies take the median of all runs; `median` is the one whose makespan is explained.
 */
void exec_error_divide(const struct problem *problem, const struct mapping *mapping,
                       uint64_t simulated_ps, const struct exec_timeline *runs, size_t run_count,
                       size_t median, struct exec_error *out);

/*
 * End of the mapping when every accelerator runs its layers in order, one at a time, layer i for
 * busy_ps[i]; with `transfers` each also waits for what its producers send to have arrived.
 */
uint64_t exec_error_replay(const struct problem *problem, const struct mapping *mapping,
                           const uint64_t *busy_ps, bool transfers);

#endif
