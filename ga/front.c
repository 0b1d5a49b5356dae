#include "ga/front.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

bool ga_dominates(const double *a, const double *b, size_t dims)
{
    bool better = false;
    for (size_t d = 0; d < dims; d++) {
        if (a[d] > b[d])
            return false;
        better |= a[d] < b[d];
    }
    return better;
}

/* --- fronts ----------------------------------------------------------------------------------- */

struct points {
    const double *values;
    size_t dims;
};

static int by_values(const void *a, const void *b, void *ctx)
{
    const struct points *points = ctx;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const double *x = points->values + i * points->dims, *y = points->values + j * points->dims;
    for (size_t d = 0; d < points->dims; d++)
        if (x[d] != y[d])
            return x[d] < y[d] ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* In lexical order only an earlier point can dominate or equal a later one. */
static bool is_covered(const double *values, const size_t *kept, size_t count, size_t point,
                       size_t dims)
{
    const double *p = values + point * dims;
    if (dims <= 2) /* the last one kept has the least second value */
        return count > 0 && values[kept[count - 1] * dims + dims - 1] <= p[dims - 1];
    for (size_t i = 0; i < count; i++) {
        const double *k = values + kept[i] * dims;
        if (memcmp(k, p, dims * sizeof *p) == 0 || ga_dominates(k, p, dims))
            return true;
    }
    return false;
}

size_t ga_front(const double *values, size_t count, size_t dims, size_t *out)
{
    struct points points = { values, dims };
    size_t *order = mem_alloc(count + 1, sizeof *order), kept = 0;
    assert(dims >= 1 && dims <= GA_FRONT_DIMS_MAX);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_values, &points);
    for (size_t i = 0; i < count; i++)
        if (!is_covered(values, out, kept, order[i], dims))
            out[kept++] = order[i];
    free(order);
    return kept;
}

/* --- hypervolume ------------------------------------------------------------------------------ */

/* The points that are on the front and within the reference, packed; free() them. */
static double *pack_front(const double *values, size_t count, size_t dims, const double *reference,
                          size_t *packed_count)
{
    size_t *front = mem_alloc(count + 1, sizeof *front), kept = 0;
    double *inside = mem_alloc(count * dims + 1, sizeof *inside);
    size_t inside_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool within = true;
        for (size_t d = 0; d < dims; d++)
            within &= values[i * dims + d] < reference[d];
        if (within)
            memcpy(inside + inside_count++ * dims, values + i * dims, dims * sizeof *values);
    }
    size_t front_count = ga_front(inside, inside_count, dims, front);
    double *packed = mem_alloc(front_count * dims + 1, sizeof *packed);
    for (; kept < front_count; kept++)
        memcpy(packed + kept * dims, inside + front[kept] * dims, dims * sizeof *packed);
    free(inside);
    free(front);
    *packed_count = front_count;
    return packed;
}

/* Of a front in lexical order: stairs. */
static double volume_2d(const double *front, size_t count, const double *reference)
{
    double volume = 0, above = reference[1];
    for (size_t i = 0; i < count; i++) {
        volume += (reference[0] - front[2 * i]) * (above - front[2 * i + 1]);
        above = front[2 * i + 1];
    }
    return volume;
}

static double box(const double *point, size_t dims, const double *reference)
{
    double volume = 1;
    for (size_t d = 0; d < dims; d++)
        volume *= reference[d] - point[d];
    return volume;
}

static double volume_of(const double *front, size_t count, size_t dims, const double *reference);

/* What point i has that the later ones do not: its box less the volume of the others' share. */
static double exclusive(const double *front, size_t count, size_t i, size_t dims,
                        const double *reference)
{
    size_t others = count - i - 1, limited_count;
    double *limits = mem_alloc(others * dims + 1, sizeof *limits);
    for (size_t k = 0; k < others; k++)
        for (size_t d = 0; d < dims; d++)
            limits[k * dims + d] = fmax(front[i * dims + d], front[(i + 1 + k) * dims + d]);
    double *limited = pack_front(limits, others, dims, reference, &limited_count);
    double volume =
        box(front + i * dims, dims, reference) - volume_of(limited, limited_count, dims, reference);
    free(limited);
    free(limits);
    return volume;
}

static double volume_of(const double *front, size_t count, size_t dims, const double *reference)
{
    double volume = 0;
    if (dims == 2)
        return volume_2d(front, count, reference);
    for (size_t i = 0; i < count; i++)
        volume += exclusive(front, count, i, dims, reference);
    return volume;
}

double ga_hypervolume(const double *values, size_t count, size_t dims, const double *reference)
{
    size_t packed_count;
    double *packed = pack_front(values, count, dims, reference, &packed_count);
    double volume = volume_of(packed, packed_count, dims, reference);
    free(packed);
    return volume;
}

double ga_hypervolume_frac(const double *values, size_t count, size_t dims, const double *ideal,
                           const double *reference)
{
    double *scaled = mem_alloc(count * dims + 1, sizeof *scaled);
    double ones[GA_FRONT_DIMS_MAX];
    for (size_t d = 0; d < dims; d++)
        ones[d] = 1;
    for (size_t i = 0; i < count * dims; i++) {
        double width = reference[i % dims] - ideal[i % dims];
        double share = width > 0 ? (values[i] - ideal[i % dims]) / width : 0;
        scaled[i] = fmax(share, 0);
    }
    double volume = ga_hypervolume(scaled, count, dims, ones);
    free(scaled);
    return volume;
}

/* --- what is said of fronts ------------------------------------------------------------------- */

size_t ga_knee(const double *values, size_t count, size_t dims)
{
    double low[GA_FRONT_DIMS_MAX], high[GA_FRONT_DIMS_MAX], least = INFINITY;
    size_t knee = 0;
    assert(count >= 1 && dims >= 1 && dims <= GA_FRONT_DIMS_MAX);
    for (size_t i = 0; i < count * dims; i++) {
        size_t d = i % dims;
        low[d] = i < dims ? values[i] : fmin(low[d], values[i]);
        high[d] = i < dims ? values[i] : fmax(high[d], values[i]);
    }
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t d = 0; d < dims; d++)
            if (high[d] > low[d])
                sum += (values[i * dims + d] - low[d]) / (high[d] - low[d]);
        if (sum < least) {
            least = sum;
            knee = i;
        }
    }
    return knee;
}

static bool covers(const double *a, const double *b, size_t dims)
{
    for (size_t d = 0; d < dims; d++)
        if (a[d] > b[d])
            return false;
    return true;
}

double ga_coverage(const double *a, size_t a_count, const double *b, size_t b_count, size_t dims)
{
    size_t covered = 0;
    for (size_t k = 0; k < b_count; k++) {
        size_t i = 0;
        while (i < a_count && !covers(a + i * dims, b + k * dims, dims))
            i++;
        covered += i < a_count;
    }
    return b_count ? (double)covered / (double)b_count : 0;
}
