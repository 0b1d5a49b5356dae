#include <stdlib.h>

#include "core/arena.h"
#include "reports/sweep_facts.h"

double report_sweep_explained_frac(const double *values, const uint32_t *levels, size_t count,
                                   size_t level_count)
{
    double *sums = mem_alloc(level_count + 1, sizeof *sums);
    size_t *sizes = mem_alloc(level_count + 1, sizeof *sizes), used = 0;
    double sum = 0, within = 0, total = 0;
    for (size_t i = 0; i < count; i++) {
        sums[levels[i]] += values[i];
        used += sizes[levels[i]]++ == 0;
        sum += values[i];
    }
    double mean = count ? sum / (double)count : 0;
    for (size_t i = 0; i < count; i++) {
        double inner = values[i] - sums[levels[i]] / (double)sizes[levels[i]];
        within += inner * inner;
        total += (values[i] - mean) * (values[i] - mean);
    }
    free(sums);
    free(sizes);
    if (used < 2 || count <= used)
        return -1;
    if (!(total > 1e-18 * (1 + mean * mean)))
        return 0;
    double frac = 1 - within / (double)(count - used) * (double)(count - 1) / total;
    return frac < 0 ? 0 : frac;
}
