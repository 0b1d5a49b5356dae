#include "backends/sample.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "core/arena.h"

#define SAMPLE_NS      100e3 /* one sample repeats the call for about this long */
#define PEAK_AGREEMENT 0.9
#define QUIET_MIN      5 /* so many quiet samples are enough for a median */

double backend_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double backend_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

long backend_preemptions(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
}

static double time_calls(const struct backend_sampler *s, unsigned calls)
{
    double begin = backend_now_ns();
    for (unsigned i = 0; i < calls; i++)
        s->run(s->ctx);
    return (backend_now_ns() - begin) / calls;
}

static unsigned calls_per_sample(const struct backend_sampler *s)
{
    double once = time_calls(s, 1);
    double again = time_calls(s, 1); /* warm */
    once = again < once ? again : once;
    return once >= SAMPLE_NS ? 1 : (unsigned)(SAMPLE_NS / (once + 1)) + 1;
}

struct sample {
    double ns, peak;
    bool quiet;
};

static struct sample take_sample(const struct backend_sampler *s, unsigned calls)
{
    struct sample sample = { 0 };
    long before = backend_preemptions();
    double first = s->peak != NULL ? s->peak(s->peak_ctx) : 0;
    sample.ns = time_calls(s, calls);
    double second = s->peak != NULL ? s->peak(s->peak_ctx) : 0;
    double low = first < second ? first : second;
    sample.peak = first < second ? second : first;
    sample.quiet = backend_preemptions() == before && low >= PEAK_AGREEMENT * sample.peak;
    return sample;
}

/* docs/model.md M-110 */
void backend_sample(const struct backend_sampler *s, struct backend_time *out)
{
    unsigned samples = s->samples > 0 ? s->samples : 1, calls = calls_per_sample(s);
    double *ns = mem_alloc(samples, sizeof *ns), *peak = mem_alloc(samples, sizeof *peak);
    struct sample *all = mem_alloc(samples, sizeof *all);
    unsigned quiet = 0, used = 0;
    double least = 0;
    for (unsigned i = 0; i < samples; i++) {
        all[i] = take_sample(s, calls);
        quiet += all[i].quiet;
        least = i == 0 || all[i].ns < least ? all[i].ns : least;
    }
    for (unsigned i = 0; i < samples; i++) {
        if (!all[i].quiet && (quiet >= QUIET_MIN || quiet * 3 >= samples))
            continue;
        ns[used] = all[i].ns;
        peak[used++] = all[i].peak;
    }
    *out = (struct backend_time){ .median_ns = backend_median(ns, used),
                                  .min_ns = least,
                                  .samples = samples,
                                  .peak_ops_per_s = backend_median(peak, used) };
    free(ns);
    free(peak);
    free(all);
}
