/*
 * Pareto fronts and their hypervolume; all objectives are minimised. values[i * dims + d].
 */
#ifndef SOCWEAVE_GA_FRONT_H
#define SOCWEAVE_GA_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#define GA_FRONT_DIMS_MAX 8

/* a is nowhere worse and somewhere better. */
bool ga_dominates(const double *a, const double *b, size_t dims);

/*
 * Indices of the points that no other dominates, in lexical order of their values, then by index;
 * of points with equal values the lowest index alone. out has room for `count`; returns how many.
 * O(n log n) for two objectives, O(n²) beyond.
 */
size_t ga_front(const double *values, size_t count, size_t dims, size_t *out);

/*
 * Exact volume between the points and a reference point that is worse in every objective; points
 * that are not better than it everywhere count for nothing. Two objectives: a sweep in O(n log n);
 * more: WFG's exclusive volumes with limit sets.
 * Source: While, Bradstreet, Barone, IEEE Trans. Evol. Comput. 16(1), 2012.
 */
double ga_hypervolume(const double *values, size_t count, size_t dims, const double *reference);

/*
 * The same as a share of the box from the ideal point to the reference, 0..1, so that studies with
 * the same two corners compare. Both are over all points given, or of several studies together.
 */
double ga_hypervolume_frac(const double *values, size_t count, size_t dims, const double *ideal,
                           const double *reference);

/*
 * The knee: of the points of a front, the one with the least sum of its values, each as a share of
 * the front's range; of two objectives it is the one farthest below the line between the ends. Ties
 * go to the first. Index into the values; count >= 1.
 * Source: Das, "On characterizing the 'knee' of the Pareto curve based on normal-boundary
 * intersection", Structural Optimization 18, 1999.
 */
size_t ga_knee(const double *values, size_t count, size_t dims);

/*
 * Coverage: the share of b's points that some point of a equals or dominates, 0..1; 0 if b has
 * none. Not symmetric.
 * Source: Zitzler, Thiele, IEEE Trans. Evol. Comput. 3(4), 1999, the C metric.
 */
double ga_coverage(const double *a, size_t a_count, const double *b, size_t b_count, size_t dims);

#endif
