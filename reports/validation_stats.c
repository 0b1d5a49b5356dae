#include <math.h>
#include <stdlib.h>

#include "reports/validation.h"

const char *const report_outcome_names[REPORT_OUTCOME_COUNT] = { "OK", "MISMATCH", "UNSUPPORTED",
                                                                 "UNAVAILABLE" };

double report_trial_ops_per_s(const struct report_trial *trial)
{
    return trial->measured_ns > 0 ? (double)trial->operations / trial->measured_ns * 1e9 : 0;
}

const char *report_trial_bound(const struct report_trial *trial)
{
    return trial->term_count > 0 ? trial->terms[0].name : "";
}

double report_trial_peak_frac(const struct report_trial *trial)
{
    return trial->peak_ops_per_s > 0 ? report_trial_ops_per_s(trial) / trial->peak_ops_per_s : 0;
}

/* --- rank correlation ------------------------------------------------------------------------- */

struct ranked {
    double value;
    size_t index;
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Ranks from 1; equal values share the mean of theirs. */
static double *ranks_new(const double *values, size_t count)
{
    struct ranked *order = mem_alloc(count, sizeof *order);
    double *ranks = mem_alloc(count, sizeof *ranks);
    for (size_t i = 0; i < count; i++)
        order[i] = (struct ranked){ values[i], i };
    qsort(order, count, sizeof *order, compare_ranked);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && order[to].value == order[from].value;)
            to++;
        for (size_t i = from; i < to; i++)
            ranks[order[i].index] = (double)(from + 1 + to) / 2;
    }
    free(order);
    return ranks;
}

double report_rank_correlation(const double *x, const double *y, size_t count)
{
    double *left = ranks_new(x, count), *right = ranks_new(y, count);
    double mean = ((double)count + 1) / 2, both = 0, a = 0, b = 0;
    for (size_t i = 0; i < count; i++) {
        both += (left[i] - mean) * (right[i] - mean);
        a += (left[i] - mean) * (left[i] - mean);
        b += (right[i] - mean) * (right[i] - mean);
    }
    free(left);
    free(right);
    return a > 0 && b > 0 ? both / sqrt(a * b) : 0;
}

/* --- sums ------------------------------------------------------------------------------------- */

static int compare_reals(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double median_of(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_reals);
    return count == 0 ? 0 : (values[(count - 1) / 2] + values[count / 2]) / 2;
}

struct report_validation_sums report_validation_sums(const struct report_validation *v)
{
    struct report_validation_sums sums = { 0 };
    double *measured = mem_alloc(v->count, sizeof *measured), logs = 0;
    double *predicted = mem_alloc(v->count, sizeof *predicted);
    double *errors = mem_alloc(v->count, sizeof *errors);
    size_t with_peak = 0;
    for (size_t i = 0; i < v->count; i++) {
        const struct report_trial *row = &v->rows[i];
        sums.rows[row->outcome]++;
        sums.layers[row->outcome] += row->layers;
        if (report_trial_peak_frac(row) > 0) {
            logs += log(report_trial_peak_frac(row));
            with_peak++;
        }
        if (row->outcome != REPORT_OK || row->measured_ns <= 0 || row->predicted_ns <= 0)
            continue;
        measured[sums.timed] = row->measured_ns;
        predicted[sums.timed] = row->predicted_ns;
        errors[sums.timed++] = fabs(row->predicted_ns - row->measured_ns) / row->measured_ns;
        sums.measured_ns += row->measured_ns * (double)row->layers;
        sums.predicted_ns += row->predicted_ns * (double)row->layers;
    }
    if (sums.timed > 2)
        sums.rank_correlation = report_rank_correlation(measured, predicted, sums.timed);
    sums.median_error_frac = median_of(errors, sums.timed);
    sums.geomean_peak_frac = with_peak > 0 ? exp(logs / (double)with_peak) : 0;
    free(measured);
    free(predicted);
    free(errors);
    return sums;
}
