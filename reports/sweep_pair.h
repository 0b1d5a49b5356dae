/*
 * Two studies of one workload and the same objectives, side by side: plain data that cli fills,
 * and its writers. All are pure functions of it.
 */
#ifndef SOCWEAVE_REPORTS_SWEEP_PAIR_H
#define SOCWEAVE_REPORTS_SWEEP_PAIR_H

#include "reports/sweep_facts.h"

struct report_pair_study {
    const char *name; /* its folder */
    const char *space, *version;
    bool finished;
    uint64_t points, evaluations, feasible;
    size_t front_count;
    double hypervolume_frac; /* in the box of both */
    double coverage_frac;    /* share of the other's front that its own equals or dominates */
};

/* What differs between the two, or not: an option, the version, the space's hash. */
struct report_pair_option {
    const char *name, *values[2]; /* "" where a study has none such */
};

/* A point of either front, or of both. */
struct report_pair_row {
    const char *const *levels; /* [parameter], or NULL: the parameters are not the same */
    bool on_front[2];
    uint64_t point[2];       /* its number in either space; what is not `seen` has none */
    bool seen[2];            /* evaluated there */
    const double *values[2]; /* [objective]; NULL: not seen there, or not feasible */
};

struct report_pair {
    struct report_pair_study studies[2];
    const char *workload;
    size_t objective_count, option_count, row_count;
    const struct report_measure *objectives;
    const double *ideal, *reference; /* [objective]: the box of the hypervolumes */
    double both_frac;                /* hypervolume of the two fronts together */
    const struct report_pair_option *options;
    bool same_parameters; /* by name: only then points can be told to be the same */
    size_t parameter_count;
    const char *const *parameters;
    const struct report_pair_row *rows; /* in order of values */
};

/* Points of both fronts, and how many of them have the same values. */
struct report_pair_common {
    size_t on_both, equal;
};
struct report_pair_common report_pair_common(const struct report_pair *pair);
/* The least value of an objective on the front; INFINITY: the front is empty. */
double report_pair_best(const struct report_pair *pair, size_t study, size_t objective);

void report_pair_html(const struct report_pair *pair, struct text *out);
/* pair/1, docs/formats.md */
void report_pair_json(const struct report_pair *pair, struct text *out);
/* For a terminal of 80 columns. */
void report_pair_text(const struct report_pair *pair, struct text *out);

#endif
