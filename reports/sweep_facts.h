/*
 * What the page of a sweep shows, as plain data: cli fills it from the study. The page is a pure
 * function of it, so the same outcomes give the same bytes.
 */
#ifndef SOCWEAVE_REPORTS_SWEEP_FACTS_H
#define SOCWEAVE_REPORTS_SWEEP_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"
#include "reports/report_format.h"

struct report_sweep_parameter {
    const char *name;
    size_t level_count;
    const char *const *levels; /* ascending; texts by strcmp() */
};

/* A feasible outcome: of a point at one budget level. */
struct report_sweep_row {
    uint64_t point;
    uint32_t rung;
    bool last;              /* of the highest rung of its point */
    bool on_front, knee;    /* knee: the front's, ga_knee() */
    const char *report;     /* link to its report, or NULL */
    bool replayed;          /* the mapping of replayed_from did better than its own search */
    uint64_t replayed_from; /* another point */
    double own;             /* the first objective by its own search; 0: that found nothing */
    const uint32_t *levels; /* [parameter] into its levels */
    const double *values;   /* [objective] all are minimised */
};

struct report_sweep_option {
    const char *name, *value;
};

struct report_sweep_step {
    uint64_t evaluations;
    double hypervolume_frac; /* of the outcomes so far, in the box of all of them */
};

struct report_sweep_facts {
    const char *space, *workload, *version;
    bool finished;
    uint64_t points, evaluations, feasible, improved;
    double hypervolume_frac;
    size_t option_count, parameter_count, objective_count, row_count, step_count;
    const struct report_sweep_option *options;
    const struct report_sweep_parameter *parameters;
    const struct report_measure *objectives;
    const struct report_sweep_row *rows;   /* by point, then rung */
    const struct report_sweep_step *steps; /* ascending in evaluations */
};

/*
 * How much of the variance of a figure its level of one parameter explains: the correlation ratio
 * corrected for the number of levels, ε² = 1 - (SSW / (n - k)) / (SST / (n - 1)), cut to 0..1.
 * SSW: squares within the k levels that occur; SST: squares in all. 0 without variance, -1 where
 * n <= k or k < 2: nothing can be said.
 * Source: Kelley, "An unbiased correlation ratio measure", PNAS 21(9), 1935.
 */
double report_sweep_explained_frac(const double *values, const uint32_t *levels, size_t count,
                                   size_t level_count);

void report_sweep_html(const struct report_sweep_facts *facts, struct text *out);

#endif
