/* Fronts, hypervolume and NSGA-II's orders against plain definitions. */
#include <math.h>
#include <stdlib.h>

#include "core/rng.h"
#include "ga/front.h"
#include "ga/nsga2.h"
#include "tests/test.h"

enum { POINTS_MAX = 60, GRID = 6 };

static size_t draw(uint64_t seed, size_t dims, double *values)
{
    struct rng rng = rng_stream(seed, 1, 2);
    size_t count = 1 + rng_below(&rng, POINTS_MAX);
    for (size_t i = 0; i < count * dims; i++)
        values[i] = rng_below(&rng, GRID);
    return count;
}

/* Cells of the integer grid that a point covers: the volume by counting. */
static double cells_covered(const double *values, size_t count, size_t dims, double reference)
{
    size_t cells = 1, covered = 0;
    for (size_t d = 0; d < dims; d++)
        cells *= (size_t)reference;
    for (size_t cell = 0; cell < cells; cell++) {
        bool is_covered = false;
        for (size_t i = 0; i < count && !is_covered; i++) {
            size_t rest = cell;
            is_covered = true;
            for (size_t d = 0; d < dims; d++, rest /= (size_t)reference)
                is_covered &= values[i * dims + d] <= (double)(rest % (size_t)reference);
        }
        covered += is_covered;
    }
    return (double)covered;
}

TEST(ga_front__random_points__are_those_nothing_dominates)
{
    for (uint64_t seed = 0; seed < 400; seed++) {
        double values[POINTS_MAX * 4];
        size_t dims = 1 + seed % 4, front[POINTS_MAX];
        size_t count = draw(seed, dims, values), kept = 0, expected = 0;
        test_seed(seed);
        kept = ga_front(values, count, dims, front);
        for (size_t i = 0; i < count; i++) {
            bool out = false;
            for (size_t k = 0; k < count; k++) {
                bool equal = true;
                for (size_t d = 0; d < dims; d++)
                    equal &= values[k * dims + d] == values[i * dims + d];
                out |= ga_dominates(values + k * dims, values + i * dims, dims) || (equal && k < i);
            }
            bool in = false;
            for (size_t k = 0; k < kept; k++)
                in |= front[k] == i;
            CHECK(in == !out);
            expected += !out;
        }
        CHECK_INT(expected, kept);
    }
}

TEST(ga_hypervolume__three_steps__by_hand)
{
    /* Reference (4, 4): boxes 3·1, 2·2, 1·3 as stairs: 1·3 + 2·... = 3 + 2 + 1 */
    const double values[] = { 1, 3, 2, 2, 3, 1 }, reference[] = { 4, 4 };
    CHECK_NEAR(6, ga_hypervolume(values, 3, 2, reference), 0);
    /* A cube of side 2 and one of 1·1·3 that shares 1·1·2 with it: 8 + 3 - 2 */
    const double cubes[] = { 2, 2, 2, 3, 3, 1 }, far[] = { 4, 4, 4 };
    CHECK_NEAR(9, ga_hypervolume(cubes, 2, 3, far), 0);
    /* Beyond the reference: nothing */
    const double outside[] = { 4, 0 };
    CHECK_NEAR(0, ga_hypervolume(outside, 1, 2, reference), 0);
}

TEST(ga_hypervolume__integer_points__equals_cells_counted)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        double values[POINTS_MAX * 5];
        const double reference[] = { GRID, GRID, GRID, GRID, GRID };
        size_t dims = 2 + seed % 4, count = draw(seed, dims, values);
        test_seed(seed);
        CHECK_NEAR(cells_covered(values, count, dims, GRID),
                   ga_hypervolume(values, count, dims, reference), 1e-9);
    }
}

TEST(ga_hypervolume__share_of_a_box__is_scaled)
{
    const double values[] = { 15, 300 }, ideal[] = { 10, 100 }, reference[] = { 20, 500 };
    CHECK_NEAR(0.5 * 0.5, ga_hypervolume_frac(values, 1, 2, ideal, reference), 1e-12);
}

/* Peeling one front after the other. */
TEST(ga_nsga2__random_points__ranks_are_fronts_peeled)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        double values[POINTS_MAX * 4];
        uint32_t rank[POINTS_MAX], left[POINTS_MAX];
        size_t dims = 1 + seed % 4, count = draw(seed, dims, values);
        test_seed(seed);
        ga_nsga2_rank(values, count, dims, rank);
        for (size_t i = 0; i < count; i++)
            left[i] = 1;
        for (uint32_t peel = 0; peel < count; peel++) {
            bool free_now[POINTS_MAX];
            for (size_t i = 0; i < count; i++) {
                free_now[i] = left[i];
                for (size_t k = 0; k < count; k++)
                    free_now[i] &=
                        !(left[k] && ga_dominates(values + k * dims, values + i * dims, dims));
            }
            for (size_t i = 0; i < count; i++)
                if (free_now[i]) {
                    CHECK_INT(peel, rank[i]);
                    left[i] = 0;
                }
        }
    }
}

TEST(ga_nsga2__crowding__by_hand)
{
    /* One front: ends infinite; the middle ones have sides (3-0)/10 + (9-6)/9 and so on. */
    const double values[] = { 0, 9, 1, 8, 3, 6, 10, 0, 11, 11 };
    uint32_t rank[5];
    double distance[5];
    size_t order[5];
    ga_nsga2_rank(values, 5, 2, rank);
    ga_nsga2_crowding(values, 5, 2, rank, distance);
    CHECK(isinf(distance[0]) && isinf(distance[3]) && isinf(distance[4]));
    CHECK_INT(1, rank[4]);
    CHECK_NEAR(3.0 / 10 + 3.0 / 9, distance[1], 1e-12);
    CHECK_NEAR(9.0 / 10 + 8.0 / 9, distance[2], 1e-12);
    ga_nsga2_order(values, 5, 2, order);
    const size_t expected[] = { 0, 3, 2, 1, 4 };
    for (size_t i = 0; i < 5; i++)
        CHECK_INT(expected[i], order[i]);
}

TEST(ga_knee__of_two_objectives__is_farthest_below_the_line_between_the_ends)
{
    /* Scaled: (0, 1), (0.2, 0.5), (0.5, 0.4), (1, 0): sums 1, 0.7, 0.9, 1. */
    const double front[] = { 10, 300, 12, 200, 15, 180, 20, 100 };
    CHECK_INT(1, ga_knee(front, 4, 2));
    /* Two ends alone have the same sum: the first. One objective that does not vary counts 0. */
    CHECK_INT(0, ga_knee((const double[]){ 10, 300, 20, 100 }, 2, 2));
    CHECK_INT(1, ga_knee((const double[]){ 7, 3, 7, 2 }, 2, 2));
    CHECK_INT(0, ga_knee(front, 1, 2));
}

TEST(ga_coverage__is_the_share_that_is_equalled_or_dominated)
{
    const double a[] = { 1, 5, 3, 3, 5, 1 };
    const double b[] = { 1, 5, 2, 4, 4, 4, 6, 0.5 };
    CHECK_NEAR(2.0 / 4, ga_coverage(a, 3, b, 4, 2), 0); /* (1, 5) equalled, (4, 4) by (3, 3) */
    CHECK_NEAR(1.0 / 3, ga_coverage(b, 4, a, 3, 2), 0); /* (1, 5) */
    CHECK_NEAR(0, ga_coverage(a, 3, b, 0, 2), 0);
}
