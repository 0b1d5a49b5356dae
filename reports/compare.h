/*
 * A comparison: contestants (a mapper, with its levers and sharing mode) on cases (a SoC and a
 * workload), one run per seed, each with the same budget. Pure functions from struct
 * report_compare to its files: same rows, same bytes; wall-clock times stand in timings.csv and
 * in --json alone.
 *
 * A contestant's value on a case is the geometric mean over its seeds, so that the cases, not the
 * seeds, are the sample of every statistic. A case counts once all its runs are done.
 */
#ifndef SOCWEAVE_REPORTS_COMPARE_H
#define SOCWEAVE_REPORTS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/evaluator.h"
#include "core/text.h"

struct report_compare_case {
    const char *soc, *workload; /* names: unique as a pair */
    const char *soc_file, *soc_sha256, *workload_file, *workload_sha256;
    size_t layers, networks;
};

struct report_compare_row {
    uint64_t makespan_ps, analytic_makespan_ps; /* in SystemC with contention, and without */
    uint64_t lower_bound_ps, evaluations;
    double energy_pj;
    double wall_s; /* of the search; in no file but timings.csv */
    bool done;
};

struct report_compare {
    const struct report_compare_case *cases;
    size_t case_count;
    const char *const *contestants; /* names, unique; the first is the one in question */
    size_t contestant_count;
    uint64_t first_seed;
    size_t seed_count;
    struct report_compare_row *rows; /* [case][contestant][seed] */
    enum objective objective;
    const char *fitness, *granularity, *sharing;
    uint64_t budget_evals, budget_layers; /* 0: none */
    double time_limit_s;                  /* 0: none */
    const char *version, *command;
};

size_t report_compare_row_count(const struct report_compare *compare);
struct report_compare_row *report_compare_row(const struct report_compare *compare, size_t case_,
                                              size_t contestant, size_t seed);

/* --- statistics ------------------------------------------------------------------------------ */

double report_compare_geomean(const double *values, size_t count); /* 1 of none */

/*
 * Wilcoxon's signed-rank test, two-sided, of paired differences; zeros are dropped and ties get
 * mid-ranks. Exact (given the ties) up to REPORT_COMPARE_EXACT_MAX differences, else the normal
 * approximation with corrections for ties and continuity. 1 of none.
 */
#define REPORT_COMPARE_EXACT_MAX 60
double report_compare_wilcoxon(const double *differences, size_t count);

struct report_compare_interval {
    double low, high;
};
/* 95% of the geometric mean over resampled values (percentile bootstrap, 10,000 samples). */
struct report_compare_interval report_compare_bootstrap(const double *values, size_t count,
                                                        uint64_t seed);

/* Holm's step-down adjustment, in place. */
void report_compare_holm(double *p, size_t count);

/* --- what is said of the rows ---------------------------------------------------------------- */

/* Contestant against baseline: ratios baseline / contestant, above 1 where the contestant wins. */
struct report_compare_pair {
    size_t contestant, baseline;
    size_t cases, wins, ties, losses; /* ties: within 0.01% */
    double speedup;                   /* geomean, of the objective's value */
    double worst, best;               /* over the cases */
    struct report_compare_interval interval;
    double p, p_holm;      /* Wilcoxon, on log ratios; adjusted over this contestant's baselines */
    double energy_ratio;   /* geomean */
    double analytic_ratio; /* geomean, of makespans without contention */
};

/* One contestant by itself. */
struct report_compare_single {
    size_t cases, runs, proved;      /* proved: analytic makespan equals the lower bound */
    double gap_frac, gap_worst_frac; /* geomean over runs, worst; simulated */
    double analytic_gap_frac, analytic_gap_worst_frac; /* the same without contention */
    double contention_frac; /* geomean of simulated / analytic makespan, less 1 */
    double spread_frac;     /* mean over cases of (worst - best seed) / best */
    double wall_s;          /* sum over its runs */
};

struct report_compare_facts {
    const struct report_compare *compare;
    size_t *cases; /* complete ones, ascending */
    size_t case_count;
    double *values;                        /* [case][contestant]: geomean over seeds; all cases */
    struct report_compare_pair *pairs;     /* [contestant][baseline]; the diagonal is not filled */
    struct report_compare_single *singles; /* [contestant] */
};
void report_compare_facts_init(struct report_compare_facts *facts,
                               const struct report_compare *compare);
void report_compare_facts_release(struct report_compare_facts *facts);
double report_compare_value(const struct report_compare_facts *facts, size_t case_,
                            size_t contestant);
const struct report_compare_pair *report_compare_pair(const struct report_compare_facts *facts,
                                                      size_t contestant, size_t baseline);
/* The value of one run that the comparison is about. */
double report_compare_row_value(const struct report_compare *compare,
                                const struct report_compare_row *row);

/* --- files ----------------------------------------------------------------------------------- */

/* inputs.json: what the rows belong to; a folder is resumed only if this is the same text. */
void report_compare_inputs_json(const struct report_compare *compare, struct text *out);
/* Rows that are done, in order of case, contestant, seed. */
void report_compare_rows_csv(const struct report_compare *compare, struct text *out);
void report_compare_timings_csv(const struct report_compare *compare, struct text *out);
/* Reads either back; lines must be among the comparison's runs. */
enum err_code report_compare_read_rows(struct report_compare *compare, const char *file,
                                       const char *text, struct err *err);
enum err_code report_compare_read_timings(struct report_compare *compare, const char *file,
                                          const char *text, struct err *err);

void report_compare_summary_csv(const struct report_compare_facts *facts, struct text *out);
/* compare.json; `with_times`: for --json, with wall_s. */
void report_compare_json(const struct report_compare_facts *facts, bool with_times,
                         const char *out_dir, struct text *out);
void report_compare_html(const struct report_compare_facts *facts, struct text *out);
/* For a terminal of 80 columns. */
void report_compare_text(const struct report_compare_facts *facts, struct text *out);

#endif
