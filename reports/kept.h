/*
 * What an output folder keeps of its search, read back for `report`: the rest is computed again.
 */
#ifndef SOCWEAVE_REPORTS_KEPT_H
#define SOCWEAVE_REPORTS_KEPT_H

#include "core/arena.h"
#include "reports/report.h"

/* From result/1. Texts live in the arena that was given. */
struct report_kept {
    const char *soc, *workload; /* files, as the command named them */
    const char *mapper, *objective, *fitness, *command;
    uint64_t seed, evaluations, sim_evaluations;
    bool interrupted;
    /* Of a search for latency against energy, to be drawn; else 0. */
    struct report_point *front;
    size_t front_count, front_chosen;
};
enum err_code report_kept_load(struct report_kept *out, const char *file, struct arena *arena,
                               struct err *err);

/* convergence.csv; *steps_take is the caller's to free(), also after an error. */
enum err_code report_convergence_load(const char *file, struct report_step **steps_take,
                                      size_t *count, struct err *err);

#endif
