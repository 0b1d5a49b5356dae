/*
 * How punctual the networks of a schedule are: misses, lateness, and XRBench's score
 * (docs/model.md M-97 to M-99). A network ends when its last layer does; its deadline is that of
 * the workload. O(layers).
 */
#ifndef SOCWEAVE_CORE_DEADLINE_H
#define SOCWEAVE_CORE_DEADLINE_H

#include "core/mapping.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the networks that have a deadline, the frames; all 0 where none has. */
struct punctuality {
    uint64_t frames, misses, dropped; /* dropped: even the start is too late; a miss, too */
    uint64_t worst_lateness_ps, total_lateness_ps;
    uint64_t total_latency_ps; /* from release to end */
    uint64_t total_allowed_ps; /* from release to deadline */
    double xrbench_score;      /* 0 to 1; 0 unless energies were given */
};

/* Has any network of the problem a deadline? Without, there is nothing to judge. */
static inline bool deadline_matters(const struct problem *problem)
{
    return problem->workload && problem->workload->has_deadlines;
}

/* start_ps, end_ps: [layer]. network_pj: [network], or NULL: no score. */
struct punctuality deadline_judge(const struct problem *problem, const uint64_t *start_ps,
                                  const uint64_t *end_ps, const double *network_pj);

/* Energy of each network: its layers, and its results' way over the network; [network] of `out`.
 * Idle PEs are nobody's. */
void deadline_network_pj(const struct problem *problem, const struct mapping *mapping, double *out);

/* Both, for a mapping and its times. */
struct punctuality deadline_judge_mapping(const struct problem *problem,
                                          const struct mapping *mapping, const uint64_t *start_ps,
                                          const uint64_t *end_ps);

/* Smaller is better, misses before all else: misses + 0.999 L / (L + T) + 0.001 M / (M + T) with
 * worst lateness L, makespan M and T = 10 ms; below 1 nothing is late. docs/model.md M-97. */
double deadline_value(const struct punctuality *on_time, uint64_t makespan_ps);

/* 1 - score + 1e-6 · deadline_value() / (frames + 2): among equal scores, as where all are 0, the
 * least lateness. docs/model.md M-99. */
double deadline_xrbench_value(const struct punctuality *on_time, uint64_t makespan_ps);

#ifdef __cplusplus
}
#endif
#endif
