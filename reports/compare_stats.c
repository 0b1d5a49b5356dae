/* The statistics of a comparison: means, a test, an interval. Plain numbers in, numbers out. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/rng.h"
#include "reports/compare.h"

double report_compare_geomean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += log(values[i]);
    return count ? exp(sum / (double)count) : 1;
}

/* --- Wilcoxon -------------------------------------------------------------------------------- */

static int by_magnitude(const void *left, const void *right)
{
    double a = fabs(*(const double *)left), b = fabs(*(const double *)right);
    return (a > b) - (a < b);
}

/*
 * Twice the mid-ranks of sorted magnitudes: whole numbers, whatever the ties. Returns the sum over
 * groups of t^3 - t, which the normal approximation wants.
 */
static double double_ranks(const double *sorted, size_t count, unsigned *ranks)
{
    double ties = 0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && fabs(sorted[end]) == fabs(sorted[begin]); end++)
            ;
        for (size_t i = begin; i < end; i++)
            ranks[i] = (unsigned)(begin + 1 + end);
        double t = (double)(end - begin);
        ties += t * t * t - t;
    }
    return ties;
}

/* Share of the 2^n sign patterns whose positive ranks add up to at most `sum`: a subset sum count,
 * one rank after the other. O(n^3). */
static double exact_tail(const unsigned *ranks, size_t count, unsigned sum)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += ranks[i];
    double *share = mem_alloc(total + 1, sizeof *share), tail = 0;
    share[0] = 1;
    size_t top = 0;
    for (size_t i = 0; i < count; i++) {
        top += ranks[i];
        for (size_t s = top + 1; s-- > 0;)
            share[s] = share[s] / 2 + (s >= ranks[i] ? share[s - ranks[i]] / 2 : 0);
    }
    for (size_t s = 0; s <= sum; s++)
        tail += share[s];
    free(share);
    return tail;
}

static double normal_tail(double smaller, size_t count, double ties)
{
    double n = (double)count;
    double mean = n * (n + 1) / 4;
    double variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48;
    if (variance <= 0)
        return 0.5;
    double z = fmin((smaller - mean + 0.5) / sqrt(variance), 0);
    return erfc(-z / sqrt(2)) / 2;
}

double report_compare_wilcoxon(const double *differences, size_t count)
{
    double *kept = mem_alloc(count + 1, sizeof *kept);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (differences[i] != 0)
            kept[n++] = differences[i];
    qsort(kept, n, sizeof *kept, by_magnitude);
    unsigned *ranks = mem_alloc(n + 1, sizeof *ranks), positive = 0, negative = 0;
    double ties = double_ranks(kept, n, ranks);
    for (size_t i = 0; i < n; i++)
        *(kept[i] > 0 ? &positive : &negative) += ranks[i];
    unsigned smaller = positive < negative ? positive : negative;
    double tail = n <= REPORT_COMPARE_EXACT_MAX ? exact_tail(ranks, n, smaller)
                                                : normal_tail(smaller / 2.0, n, ties);
    free(ranks);
    free(kept);
    return fmin(1, 2 * tail);
}

/* --- bootstrap ------------------------------------------------------------------------------- */

#define RESAMPLES 10000
#define STREAM    0x626f6f74 /* "boot": keeps these draws apart from a mapper's of the same seed */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

struct report_compare_interval report_compare_bootstrap(const double *values, size_t count,
                                                        uint64_t seed)
{
    if (count == 0)
        return (struct report_compare_interval){ 1, 1 };
    double *logs = mem_alloc(count, sizeof *logs), *means = mem_alloc(RESAMPLES, sizeof *means);
    for (size_t i = 0; i < count; i++)
        logs[i] = log(values[i]);
    for (size_t sample = 0; sample < RESAMPLES; sample++) {
        struct rng rng = rng_stream(seed, STREAM, sample);
        for (size_t i = 0; i < count; i++)
            means[sample] += logs[rng_below(&rng, (uint32_t)count)];
    }
    qsort(means, RESAMPLES, sizeof *means, by_value);
    double n = (double)count;
    struct report_compare_interval interval = { exp(means[RESAMPLES * 25 / 1000] / n),
                                                exp(means[RESAMPLES * 975 / 1000 - 1] / n) };
    free(means);
    free(logs);
    return interval;
}

/* --- Holm ------------------------------------------------------------------------------------ */

void report_compare_holm(double *p, size_t count)
{
    bool *settled = mem_alloc(count + 1, sizeof *settled);
    double floor_p = 0;
    for (size_t step = 0; step < count; step++) {
        size_t smallest = count;
        for (size_t i = 0; i < count; i++)
            if (!settled[i] && (smallest == count || p[i] < p[smallest]))
                smallest = i;
        assert(smallest < count);
        settled[smallest] = true;
        floor_p = fmax(floor_p, fmin(1, p[smallest] * (double)(count - step)));
        p[smallest] = floor_p;
    }
    free(settled);
}
