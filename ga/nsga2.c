#include "ga/nsga2.h"

#include <math.h>
#include <stdlib.h>

#include "core/arena.h"

static bool dominates(const double *a, const double *b, size_t dims)
{
    bool better = false;
    for (size_t d = 0; d < dims; d++) {
        if (a[d] > b[d])
            return false;
        better |= a[d] < b[d];
    }
    return better;
}

/* Who dominates how many, and whom: lists[begin[i] … begin[i + 1]). */
void ga_nsga2_rank(const double *values, size_t count, size_t dims, uint32_t *rank)
{
    uint32_t *above = mem_alloc(count + 1, sizeof *above); /* dominators not ranked yet */
    size_t *front = mem_alloc(count + 1, sizeof *front), done = 0, end = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            above[i] += dominates(values + k * dims, values + i * dims, dims);
    for (size_t i = 0; i < count; i++)
        if (above[i] == 0) {
            rank[i] = 0;
            front[end++] = i;
        }
    for (; done < end; done++) {
        size_t i = front[done];
        for (size_t k = 0; k < count; k++)
            if (dominates(values + i * dims, values + k * dims, dims) && --above[k] == 0) {
                rank[k] = rank[i] + 1;
                front[end++] = k;
            }
    }
    free(above);
    free(front);
}

/* --- crowding --------------------------------------------------------------------------------- */

struct sorting {
    const double *values, *distance;
    const uint32_t *rank;
    size_t dims, dim;
};

static int by_rank_and_value(const void *a, const void *b, void *ctx)
{
    const struct sorting *s = ctx;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    double x = s->values[i * s->dims + s->dim], y = s->values[j * s->dims + s->dim];
    if (s->rank[i] != s->rank[j])
        return s->rank[i] < s->rank[j] ? -1 : 1;
    if (x != y)
        return x < y ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* One rank's share of one objective; members ascend by it. */
static void add_sides(const struct sorting *s, const size_t *members, size_t count,
                      double *distance)
{
    double low = s->values[members[0] * s->dims + s->dim];
    double high = s->values[members[count - 1] * s->dims + s->dim];
    distance[members[0]] = distance[members[count - 1]] = INFINITY;
    for (size_t i = 1; i + 1 < count && high > low; i++) {
        double before = s->values[members[i - 1] * s->dims + s->dim];
        double after = s->values[members[i + 1] * s->dims + s->dim];
        distance[members[i]] += (after - before) / (high - low);
    }
}

void ga_nsga2_crowding(const double *values, size_t count, size_t dims, const uint32_t *rank,
                       double *distance)
{
    size_t *order = mem_alloc(count + 1, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
        distance[i] = 0;
    }
    for (size_t dim = 0; dim < dims; dim++) {
        struct sorting s = { values, NULL, rank, dims, dim };
        qsort_r(order, count, sizeof *order, by_rank_and_value, &s);
        for (size_t begin = 0, end; begin < count; begin = end) {
            for (end = begin + 1; end < count && rank[order[end]] == rank[order[begin]]; end++)
                ;
            add_sides(&s, order + begin, end - begin, distance);
        }
    }
    free(order);
}

static int by_crowded_comparison(const void *a, const void *b, void *ctx)
{
    const struct sorting *s = ctx;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (i == j)
        return 0;
    return ga_nsga2_before(s->rank, s->distance, i, j) ? -1 : 1;
}

void ga_nsga2_order(const double *values, size_t count, size_t dims, size_t *order)
{
    uint32_t *rank = mem_alloc(count + 1, sizeof *rank);
    double *distance = mem_alloc(count + 1, sizeof *distance);
    ga_nsga2_rank(values, count, dims, rank);
    ga_nsga2_crowding(values, count, dims, rank, distance);
    struct sorting s = { values, distance, rank, dims, 0 };
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_crowded_comparison, &s);
    free(rank);
    free(distance);
}
