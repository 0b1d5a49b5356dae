/*
 * What `validate` found: layers run on real hardware, right or wrong, measured beside predicted.
 *
 * One struct report_validation per backend; validate/1 is its file (docs/formats.md), so a page
 * can show several side by side. Writers are pure functions; the times in it are measured, so they
 * differ from run to run.
 */
#ifndef SOCWEAVE_REPORTS_VALIDATION_H
#define SOCWEAVE_REPORTS_VALIDATION_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/text.h"

/* As enum exec_outcome of exec/, which reports do not know. */
enum report_outcome {
    REPORT_OK,
    REPORT_MISMATCH,
    REPORT_UNSUPPORTED,
    REPORT_UNAVAILABLE,
    REPORT_OUTCOME_COUNT
};
extern const char *const report_outcome_names[REPORT_OUTCOME_COUNT];

/* What a part of a prediction takes alone. */
#define REPORT_TERMS_MAX 12
struct report_term {
    const char *name; /* "products", "packing" */
    double ns;
};

/* One layer by one plan. */
struct report_trial {
    const char *layer;     /* the first of those that it stands for */
    uint64_t layers;       /* of equal shape, this one included */
    const char *intrinsic; /* "" without one */
    const char *match;     /* "i=p.q j=k k=c.r.s"; "" without an intrinsic */
    const char *kernel;    /* what the backend chose; "" if it never came to that */
    const char *detail;    /* why it is no pass; "" of a pass */
    enum report_outcome outcome;
    uint64_t operations; /* two per multiply-add; else one per point */
    uint64_t bytes;      /* inputs and output, each once */
    double predicted_ns; /* 0: none */
    size_t term_count;   /* of the prediction, largest first: the first one binds */
    struct report_term terms[REPORT_TERMS_MAX];
    double measured_ns;    /* the median; 0: not timed */
    double peak_ops_per_s; /* measured around it in the same process; 0: unknown */
    double bound_frac;     /* largest error over its bound; 0 where results must be equal */
};

struct report_validation {
    const char *backend, *device;
    const char *reason;  /* why the backend is not available; "" if it is */
    const char *subject; /* "resnet50", or "vision-light on host" */
    const char *machine; /* whose constants the predictions use */
    uint64_t seed, threads, samples;
    /* What that machine reads from each level, for the roofline; 0: unknown. */
    double l1_bytes_per_s, l2_bytes_per_s, l3_bytes_per_s, memory_bytes_per_s;
    const char *version, *command;
    size_t count;
    struct report_trial *rows;
};

double report_trial_ops_per_s(const struct report_trial *trial);  /* 0: not timed */
double report_trial_peak_frac(const struct report_trial *trial);  /* 0: unknown */
const char *report_trial_bound(const struct report_trial *trial); /* "" without a prediction */

struct report_validation_sums {
    uint64_t rows[REPORT_OUTCOME_COUNT], layers[REPORT_OUTCOME_COUNT];
    size_t timed;             /* rows with both times */
    double rank_correlation;  /* Spearman's, of measured and predicted time; 0 below 3 rows */
    double median_error_frac; /* of |predicted - measured| / measured */
    double measured_ns, predicted_ns; /* all timed layers one after the other */
    double geomean_peak_frac;         /* of the rows that know their peak */
};
struct report_validation_sums report_validation_sums(const struct report_validation *validation);

/* Spearman's rank correlation: mid-ranks for ties; 0 if a side has no variance. */
double report_rank_correlation(const double *x, const double *y, size_t count);

void report_validation_json(const struct report_validation *validation, struct text *out);
/* Reads a validate/1 file; the arena owns what it points to. */
enum err_code report_validation_load(struct report_validation *out, const char *file,
                                     struct arena *arena, struct err *err);
/* A table of 80 columns and what it comes to. */
void report_validation_text(const struct report_validation *validation, struct text *out);
/* One page for all of them. */
void report_validation_html(const struct report_validation *validations, size_t count,
                            struct text *out);

#endif
