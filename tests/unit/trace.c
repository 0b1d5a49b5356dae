#include "core/trace.h"

#include <string.h>

#include "core/rng.h"
#include "tests/test.h"

TEST(trace__any_order_of_arrival__sorts_to_the_same)
{
    enum { COUNT = 400 };
    struct trace_interval intervals[COUNT];
    uint32_t order[COUNT];
    struct rng rng = rng_stream(1, 2, 3);
    memset(intervals, 0, sizeof intervals);
    for (uint32_t i = 0; i < COUNT; i++) {
        intervals[i].start_ps = rng_below(&rng, 5);
        intervals[i].end_ps = intervals[i].start_ps + rng_below(&rng, 2);
        intervals[i].resource = (uint8_t)rng_below(&rng, 4);
        intervals[i].index = rng_below(&rng, 2);
        intervals[i].layer = rng_below(&rng, 2);
        intervals[i].tile = i; /* makes every one distinct */
        order[i] = i;
    }
    struct trace first = { 0 }, second = { 0 };
    for (uint32_t i = 0; i < COUNT; i++)
        trace_add(&first, &intervals[i]);
    rng_shuffle_u32(&rng, order, COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        trace_add(&second, &intervals[order[i]]);
    trace_sort(&first);
    trace_sort(&second);
    CHECK_INT(COUNT, first.count);
    CHECK(memcmp(first.intervals, second.intervals, COUNT * sizeof *intervals) == 0);
    for (size_t i = 1; i < COUNT; i++) {
        const struct trace_interval *a = &first.intervals[i - 1], *b = &first.intervals[i];
        CHECK(a->start_ps <= b->start_ps);
        CHECK(a->start_ps < b->start_ps || a->resource <= b->resource);
    }
    trace_release(&first);
    trace_release(&second);
}
