/* Ranks, crowding distances and hypervolumes against pagmo's, recorded in tests/model/oracle. */
#include <math.h>
#include <stdio.h>

#include "ga/front.h"
#include "ga/nsga2.h"
#include "tests/test.h"

enum { COUNT_MAX = 64, DIMS_MAX = 6 };

struct recorded {
    size_t count, dims;
    int coarse;
    double volume;
    double values[COUNT_MAX * DIMS_MAX];
    uint32_t rank[COUNT_MAX];
    double crowding[COUNT_MAX];
};

static bool next_case(FILE *file, struct recorded *out)
{
    if (fscanf(file, " case %zu %zu %d %lf", &out->count, &out->dims, &out->coarse, &out->volume) !=
        4)
        return false;
    CHECK(out->count <= COUNT_MAX && out->dims <= DIMS_MAX);
    for (size_t i = 0; i < out->count; i++) {
        for (size_t d = 0; d < out->dims; d++)
            CHECK_INT(1, fscanf(file, "%lf", &out->values[i * out->dims + d]));
        CHECK_INT(2, fscanf(file, "%u %lf", &out->rank[i], &out->crowding[i]));
    }
    return true;
}

static void check_orders(const struct recorded *r)
{
    uint32_t rank[COUNT_MAX];
    double crowding[COUNT_MAX];
    ga_nsga2_rank(r->values, r->count, r->dims, rank);
    ga_nsga2_crowding(r->values, r->count, r->dims, rank, crowding);
    for (size_t i = 0; i < r->count; i++) {
        CHECK_INT(r->rank[i], rank[i]);
        if (r->coarse)
            continue; /* of equal values pagmo's sort decides who is at the end */
        if (isinf(r->crowding[i]))
            CHECK(isinf(crowding[i]));
        else
            CHECK_NEAR(r->crowding[i], crowding[i], 1e-12);
    }
}

TEST(ga_pagmo__recorded_points__same_ranks_crowding_and_hypervolume)
{
    const double reference[DIMS_MAX] = { 1.125, 1.125, 1.125, 1.125, 1.125, 1.125 };
    struct recorded r;
    size_t cases = 0;
    FILE *file = fopen(test_path("tests/model/oracle/pagmo.txt"), "r");
    CHECK(file != NULL);
    CHECK(fscanf(file, "#%*[^\n]") == 0);
    for (; next_case(file, &r); cases++) {
        check_orders(&r);
        CHECK_NEAR(r.volume, ga_hypervolume(r.values, r.count, r.dims, reference), 1e-12);
    }
    CHECK(feof(file));
    CHECK_INT(30, cases);
    fclose(file);
}
