/*
 * One layer by one plan on one backend: is the result right, and how long does it take?
 *
 * The truth is the reference backend's, on the same random data; it is computed once per layer and
 * serves every plan and backend. Only EXEC_OK is a pass.
 */
#ifndef SOCWEAVE_EXEC_EXEC_TRIAL_H
#define SOCWEAVE_EXEC_EXEC_TRIAL_H

#include "backends/backend.h"
#include "exec/exec_tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum exec_outcome {
    EXEC_OK,
    EXEC_MISMATCH,    /* a wrong element, or a write beyond the result */
    EXEC_UNSUPPORTED, /* the backend cannot run this layer by this plan */
    EXEC_UNAVAILABLE, /* the backend is not here, or its device failed */
    EXEC_OUTCOME_COUNT
};
extern const char *const exec_outcome_names[EXEC_OUTCOME_COUNT]; /* "OK", "MISMATCH", … */

/* Inputs and the right result. Of floats there are two sets: sums that must be exact (M-117), and
 * full significands within a bound (M-116). */
#define EXEC_SETS_MAX 2
struct exec_set {
    struct exec_tensor inputs[2]; /* the second one is empty if the expression has one input */
    struct exec_tensor result;
    struct exec_tensor absolute; /* empty: the result must be equal */
};
struct exec_truth {
    const struct expr *expr; /* borrowed */
    uint64_t terms;
    size_t set_count;
    struct exec_set sets[EXEC_SETS_MAX];
};
/* Random data keyed by (seed, name); ERR_LIMIT, ERR_OVERFLOW, and what the reference reports. */
enum err_code exec_truth_init(struct exec_truth *out, const struct backend *reference,
                              const struct expr *expr, uint64_t seed, const char *name,
                              struct err *err);
void exec_truth_release(struct exec_truth *truth);

struct exec_trial {
    const struct backend *backend;       /* available */
    const struct intrin_plan *plan;      /* of the truth's expression; NULL: without an intrinsic */
    bool constant;                       /* the second input never changes */
    unsigned threads, samples;           /* samples 0: no timing */
    const struct backend_tuning *tuning; /* of backends whose kernels have parameters; NULL: none */
    const struct intrin_calibration *machine; /* for the forecast; NULL: none */
};

struct exec_verdict {
    enum exec_outcome outcome;
    struct backend_time time;         /* of a pass; zeroes without timing */
    struct backend_forecast forecast; /* ns 0: the backend has none */
    double worst_frac;                /* of the bound; floats only */
    char kernel[192];                 /* what the backend chose; or empty */
    char detail[768];                 /* why it is no pass */
};
void exec_try(const struct exec_truth *truth, const struct exec_trial *trial,
              struct exec_verdict *out);

#ifdef __cplusplus
}
#endif
#endif
