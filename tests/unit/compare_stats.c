/* The statistics of a comparison, by hand and against brute force. */
#include <math.h>

#include "core/rng.h"
#include "reports/compare.h"
#include "tests/test.h"

TEST(compare_geomean__two_and_eight__four)
{
    const double values[] = { 2, 8 };
    CHECK_NEAR(4, report_compare_geomean(values, 2), 1e-12);
    CHECK_NEAR(1, report_compare_geomean(values, 0), 0);
}

TEST(compare_wilcoxon__all_better__two_in_2_to_the_n)
{
    /* Five differences of one sign: only one pattern of 32 is as extreme, on either side. */
    const double differences[] = { 0.3, 1.5, 2, 0.1, 7 };
    CHECK_NEAR(2.0 / 32, report_compare_wilcoxon(differences, 5), 1e-12);
}

TEST(compare_wilcoxon__by_hand__three_of_sixteen_a_side)
{
    /* Magnitudes 1 2 3 4, negative rank sum 2: the subsets {}, {1}, {2} of 16 are at most that. */
    const double differences[] = { 1, -2, 3, 4 };
    CHECK_NEAR(2 * 3.0 / 16, report_compare_wilcoxon(differences, 4), 1e-12);
}

TEST(compare_wilcoxon__a_tie__shares_its_ranks)
{
    /* Ranks 1.5 1.5 3; negative sum 1.5. Subsets of at most 1.5: {}, {a}, {b}: 3 of 8. */
    const double differences[] = { -1, 1, 2 };
    CHECK_NEAR(2 * 3.0 / 8, report_compare_wilcoxon(differences, 3), 1e-12);
}

TEST(compare_wilcoxon__zeros__are_dropped)
{
    const double with[] = { 0, 0.3, 0, 1.5, 2, 0.1, 7, 0 }, without[] = { 0.3, 1.5, 2, 0.1, 7 };
    CHECK_NEAR(report_compare_wilcoxon(without, 5), report_compare_wilcoxon(with, 8), 0);
    CHECK_NEAR(1, report_compare_wilcoxon(with, 1), 0);
    CHECK_NEAR(1, report_compare_wilcoxon(with, 0), 0);
}

/* Mid-rank of item i among n magnitudes. */
static double mid_rank(const double *values, size_t n, size_t i)
{
    double below = 0, equal = 0;
    for (size_t j = 0; j < n; j++) {
        below += fabs(values[j]) < fabs(values[i]);
        equal += fabs(values[j]) == fabs(values[i]);
    }
    return below + (equal + 1) / 2;
}

/* Every pattern of signs, one by one. */
static double by_brute_force(const double *values, size_t n)
{
    double positive = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        all += mid_rank(values, n, i);
        positive += values[i] > 0 ? mid_rank(values, n, i) : 0;
    }
    double smaller = fmin(positive, all - positive);
    uint64_t as_small = 0;
    for (uint64_t signs = 0; signs < UINT64_C(1) << n; signs++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += signs >> i & 1 ? mid_rank(values, n, i) : 0;
        as_small += sum <= smaller;
    }
    return fmin(1, 2 * (double)as_small / (double)(UINT64_C(1) << n));
}

TEST(compare_wilcoxon__random_with_ties__as_brute_force)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        test_seed(seed);
        struct rng rng = rng_stream(seed, 1, 2);
        double values[11];
        size_t n = 1 + rng_below(&rng, 11);
        for (size_t i = 0; i < n; i++)
            values[i] = (1 + rng_below(&rng, 8)) * (rng_below(&rng, 3) ? 1.0 : -1.0);
        CHECK_NEAR(by_brute_force(values, n), report_compare_wilcoxon(values, n), 1e-12);
    }
}

TEST(compare_wilcoxon__beyond_the_exact__normal_by_hand)
{
    /* Magnitudes 1 .. 61, negative up to 34: rank sum 595, mean 61*62/4 = 945.5, variance
     * 61*62*123/24 = 19382.75; z = (595 - 945.5 + 0.5) / 139.222 = -2.51397, twice its tail. */
    double values[61];
    CHECK(REPORT_COMPARE_EXACT_MAX < 61);
    for (size_t i = 0; i < 61; i++)
        values[i] = i < 34 ? -(double)(i + 1) : (double)(i + 1);
    CHECK_NEAR(0.011938, report_compare_wilcoxon(values, 61), 1e-6);
    /* The exact one of 60 is close to its own approximation: mean 915, variance 18452.5. */
    double normal = erfc((915 - 595 - 0.5) / sqrt(18452.5) / sqrt(2));
    CHECK_NEAR(normal, report_compare_wilcoxon(values, 60), 0.001);
}

TEST(compare_bootstrap__equal_values__no_width)
{
    const double values[] = { 1.25, 1.25, 1.25 };
    struct report_compare_interval interval = report_compare_bootstrap(values, 3, 1);
    CHECK_NEAR(1.25, interval.low, 1e-12);
    CHECK_NEAR(1.25, interval.high, 1e-12);
}

TEST(compare_bootstrap__two_values__quarter_at_either_end)
{
    /* Of two draws of {1, 4} a quarter are 1 1 and a quarter 4 4: 95% reaches from 1 to 4. */
    const double values[] = { 1, 4 };
    struct report_compare_interval interval = report_compare_bootstrap(values, 2, 3);
    CHECK_NEAR(1, interval.low, 1e-12);
    CHECK_NEAR(4, interval.high, 1e-12);
}

TEST(compare_bootstrap__same_seed__same_interval_as_wide_as_theory)
{
    /* Logs 0 .. 0.99 by hundredths: deviation 0.2887, so 1.96 * 0.2887 / 10 = 0.0566 each way. */
    double values[100];
    for (size_t i = 0; i < 100; i++)
        values[i] = exp((double)i / 100);
    struct report_compare_interval a = report_compare_bootstrap(values, 100, 5);
    struct report_compare_interval b = report_compare_bootstrap(values, 100, 5);
    struct report_compare_interval c = report_compare_bootstrap(values, 100, 6);
    CHECK(a.low == b.low && a.high == b.high && a.low != c.low);
    CHECK_NEAR(0.495 - 0.0566, log(a.low), 0.004);
    CHECK_NEAR(0.495 + 0.0566, log(a.high), 0.004);
}

TEST(compare_holm__by_hand__steps_down_and_never_falls)
{
    /* 0.01*3, then max(0.03, 0.02*2), then max(0.04, 0.03*1). */
    double p[] = { 0.03, 0.01, 0.02 };
    report_compare_holm(p, 3);
    CHECK_NEAR(0.03, p[1], 1e-15);
    CHECK_NEAR(0.04, p[2], 1e-15);
    CHECK_NEAR(0.04, p[0], 1e-15);
    double large[] = { 0.9, 0.8 };
    report_compare_holm(large, 2);
    CHECK_NEAR(1, large[0], 0);
    CHECK_NEAR(1, large[1], 0);
}
