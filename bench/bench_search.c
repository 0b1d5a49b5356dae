/* The default mapper: evaluations and placed layers per second against problem size, scaling over
 * threads, and how much of the work brings it within 1% of where it ends. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "mapper/mapper.h"
#include "sim/sim.h"

/* The rates are marginal, so that seeds and bounds do not count. */
static const uint64_t few_layers = 100000, many_layers = 400000, long_layers = 6000000;

struct search {
    struct bench_case of;
    struct evaluator *analytic;
    uint64_t budget_layers;
    unsigned jobs;
    struct mapper_result result; /* of the last run */
};

static void search_open(struct search *s, const char *soc, const char *workload)
{
    *s = (struct search){ 0 };
    bench_case_open(&s->of, soc, workload);
    s->analytic = analytic_evaluator_new(&s->of.problem, GRANULARITY_LAYER);
}

static void search_close(struct search *s)
{
    mapper_result_release(&s->result);
    analytic_evaluator_free(s->analytic);
    bench_case_close(&s->of);
}

static void run(void *ctx)
{
    struct search *s = ctx;
    const struct mapper_options options = {
        .seed = 1, .jobs = s->jobs, .analytic = s->analytic, .budget_layers = s->budget_layers
    };
    mapper_result_release(&s->result);
    if (mapper_run(mapper_find("socweave"), &s->of.problem, &options, &s->result, NULL) != ERR_OK)
        abort();
}

/* Of the long one of two runs, and of the difference between them. */
struct margin {
    double whole_s, seconds, evaluations;
};

static struct margin measure(struct search *s, unsigned jobs)
{
    s->jobs = jobs;
    s->budget_layers = few_layers;
    double few_s = bench_seconds(run, s), few = (double)s->result.evaluations;
    s->budget_layers = many_layers;
    double many_s = bench_seconds(run, s);
    return (struct margin){ many_s, many_s - few_s, (double)s->result.evaluations - few };
}

/* Share of a search's evaluations after which its best is within 1% of its last. */
static double share_to_one_percent(const struct mapper_result *result)
{
    const struct mapper_progress *rows = result->convergence;
    double last = rows[result->convergence_count - 1].best_value;
    size_t at = 0;
    while (rows[at].best_value > 1.01 * last)
        at++;
    return (double)rows[at].evaluations / (double)result->evaluations;
}

static void report(const char *pair, const char *what, double value, const char *unit)
{
    char label[128];
    snprintf(label, sizeof label, "search.%s.%s", pair, what);
    bench_report(label, value, unit);
}

BENCH(search)
{
    static const struct {
        const char *name, *soc, *workload;
    } pairs[] = {
        { "vision_light_small", "comb-small-low", "vision-light" },
        { "mixed_light_small", "comb-small-low", "mixed-light" },
        { "mixed_mid_small", "comb-small-low", "mixed-mid" },
        { "mixed_heavy_small", "comb-small-low", "mixed-heavy" },
        { "mixed_heavy_large_any", "comb-large-low-any", "mixed-heavy" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct search s;
        search_open(&s, pairs[i].soc, pairs[i].workload);
        double layers = (double)(many_layers - few_layers);
        struct margin one = measure(&s, 1), two = measure(&s, 2);
        report(pairs[i].name, "layers", (double)s.of.problem.layer_count, "1");
        report(pairs[i].name, "evaluations", one.evaluations / one.seconds, "1/s");
        report(pairs[i].name, "per_placed_layer", 1e9 * one.seconds / layers, "ns");
        report(pairs[i].name, "two_threads", one.whole_s / two.whole_s, "x");
        s.jobs = 2;
        s.budget_layers = long_layers;
        run(&s);
        report(pairs[i].name, "work_to_1_percent", 100 * share_to_one_percent(&s.result), "%");
        search_close(&s);
    }
}
