/*
 * NSGA-II's two orders: ranks by fast non-dominated sorting, and crowding distances within a rank.
 * Values are [i * dims + d], all minimised; +infinity everywhere marks what is not feasible.
 * Source: Deb, Pratap, Agarwal, Meyarivan, IEEE Trans. Evol. Comput. 6(2), 2002. O(dims · n²).
 */
#ifndef SOCWEAVE_GA_NSGA2_H
#define SOCWEAVE_GA_NSGA2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* rank[i]: 0 for the front, 1 for the front of the rest, … */
void ga_nsga2_rank(const double *values, size_t count, size_t dims, uint32_t *rank);

/* distance[i]: of the box between its neighbours of the same rank, sides as shares of the rank's
 * range; +infinity at the ends of an objective. */
void ga_nsga2_crowding(const double *values, size_t count, size_t dims, const uint32_t *rank,
                       double *distance);

/* The crowded comparison: lower rank, then larger distance, then lower index. */
static inline bool ga_nsga2_before(const uint32_t *rank, const double *distance, size_t a, size_t b)
{
    if (rank[a] != rank[b])
        return rank[a] < rank[b];
    return distance[a] != distance[b] ? distance[a] > distance[b] : a < b;
}

/* All indices in that order. */
void ga_nsga2_order(const double *values, size_t count, size_t dims, size_t *order);

#endif
