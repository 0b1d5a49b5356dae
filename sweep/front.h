/*
 * Pareto fronts and their hypervolume; all objectives are minimised. values[i * dims + d].
 */
#ifndef SOCWEAVE_SWEEP_FRONT_H
#define SOCWEAVE_SWEEP_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#define FRONT_DIMS_MAX 8

/* a is nowhere worse and somewhere better. */
bool sweep_dominates(const double *a, const double *b, size_t dims);

/*
 * Indices of the points that no other dominates, in lexical order of their values, then by index;
 * of points with equal values the lowest index alone. out has room for `count`; returns how many.
 * O(n log n) for two objectives, O(n²) beyond.
 */
size_t sweep_front(const double *values, size_t count, size_t dims, size_t *out);

/*
 * Exact volume between the points and a reference point that is worse in every objective; points
 * that are not better than it everywhere count for nothing. Two objectives: a sweep in O(n log n);
 * more: WFG's exclusive volumes with limit sets.
 * Source: While, Bradstreet, Barone, IEEE Trans. Evol. Comput. 16(1), 2012.
 */
double sweep_hypervolume(const double *values, size_t count, size_t dims, const double *reference);

/*
 * The same as a share of the box from the ideal point to the reference, 0..1, so that studies with
 * the same two corners compare. Both are over all points given, or of several studies together.
 */
double sweep_hypervolume_frac(const double *values, size_t count, size_t dims, const double *ideal,
                              const double *reference);

#endif
