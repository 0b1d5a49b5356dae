#include "core/trace.h"

#include <stdlib.h>

#include "core/arena.h"

void trace_add(struct trace *trace, const struct trace_interval *interval)
{
    if (trace->count == trace->capacity) {
        trace->capacity = trace->capacity ? 2 * trace->capacity : 1024;
        trace->intervals = mem_grow(trace->intervals, trace->capacity, sizeof *trace->intervals);
    }
    trace->intervals[trace->count++] = *interval;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Start, resource, index, layer; the rest makes the order total, so that equal runs sort alike. */
static int compare_intervals(const void *left, const void *right)
{
    const struct trace_interval *a = left, *b = right;
    const uint64_t keys[][2] = {
        { a->start_ps, b->start_ps }, { a->resource, b->resource }, { a->index, b->index },
        { a->layer, b->layer },       { a->tile, b->tile },         { a->what, b->what },
        { a->end_ps, b->end_ps },     { a->bytes, b->bytes },       { a->waited_ps, b->waited_ps },
    };
    int order = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && order == 0; i++)
        order = compare_u64(keys[i][0], keys[i][1]);
    return order;
}

void trace_sort(struct trace *trace)
{
    if (trace->count > 0)
        qsort(trace->intervals, trace->count, sizeof *trace->intervals, compare_intervals);
}

void trace_release(struct trace *trace)
{
    free(trace->intervals);
    *trace = (struct trace){ 0 };
}
