/*
 * What pagmo 2.18 says of random points: non-dominated ranks, crowding distances, hypervolumes. Prints pagmo.txt, which
 * tests/unit/ga_pagmo.c compares with ours, so that the tests need no pagmo. On Debian 12, where pagmo 2.18.0-2+b1 is:
 *   apt-get install libpagmo-dev && g++ -std=c++17 -O1 pagmo.cpp -lpagmo -ltbb -lboost_serialization && ./a.out > pagmo.txt
 */
#include <cmath>
#include <cstdio>
#include <pagmo/config.hpp>
#include <pagmo/utils/hypervolume.hpp>
#include <pagmo/utils/multi_objective.hpp>
#include <random>

using points_t = std::vector<pagmo::vector_double>;

/* Coarse: sixteenths, so that values are equal now and then; pagmo's crowding then depends on its sort. */
static points_t draw(std::mt19937_64 &rng, size_t count, size_t dims, bool coarse)
{
    points_t points(count, pagmo::vector_double(dims));
    for (auto &point : points)
        for (auto &value : point)
            value = coarse ? double(rng() % 16) / 16 : std::ldexp(double(rng() >> 44), -20);
    return points;
}

static void print_case(std::mt19937_64 &rng, size_t count, size_t dims, bool coarse)
{
    const auto points = draw(rng, count, dims, coarse);
    const auto fronts = std::get<0>(pagmo::fast_non_dominated_sorting(points));
    std::vector<size_t> rank(count);
    std::vector<double> crowding(count, INFINITY);
    for (size_t r = 0; r < fronts.size(); r++) {
        points_t front;
        for (auto i : fronts[r]) {
            rank[i] = r;
            front.push_back(points[i]);
        }
        if (front.size() < 2 || coarse)
            continue;
        const auto distances = pagmo::crowding_distance(front);
        for (size_t k = 0; k < front.size(); k++)
            crowding[fronts[r][k]] = distances[k];
    }
    const double volume = pagmo::hypervolume(points).compute(pagmo::vector_double(dims, 1.125));
    std::printf("case %zu %zu %d %.17g\n", count, dims, coarse, volume);
    for (size_t i = 0; i < count; i++) {
        for (double value : points[i])
            std::printf("%.17g ", value);
        std::printf("%zu %.17g\n", rank[i], crowding[i]);
    }
}

int main()
{
    std::mt19937_64 rng(2002);
    std::printf("# pagmo %s. case COUNT DIMS COARSE HYPERVOLUME to (1.125, ...); then of each point its values, rank, "
                "crowding distance\n",
                PAGMO_VERSION);
    for (size_t dims = 2; dims <= 6; dims++)
        for (size_t count : { 3, 12, 40 })
            for (bool coarse : { false, true })
                print_case(rng, count, dims, coarse);
}
