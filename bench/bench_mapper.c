/* Search throughput: Algorithm 2 alone, the operators, and whole generations of COMB. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "core/arena.h"
#include "mapper/grouping.h"
#include "mapper/mapper.h"
#include "mapper/place.h"
#include "sim/sim.h"

enum { GENOMES = 16 };

struct subject {
    struct bench_case of;
    struct view view;
    struct place_scratch *place;
    struct grouping_scratch *operators;
    uint32_t *genomes[GENOMES], *child;
    struct rng rng;
    struct evaluator *analytic;
    uint64_t budget_evals;
};

static void subject_open(struct subject *s, const char *soc, const char *workload)
{
    bench_case_open(&s->of, soc, workload);
    view_init(&s->view, &s->of.problem);
    s->place = place_scratch_new(&s->view);
    s->operators = grouping_scratch_new(&s->view);
    s->child = mem_alloc(1, grouping_bytes(&s->view));
    s->rng = rng_stream(1, 2, 3);
    for (size_t i = 0; i < GENOMES; i++) {
        s->genomes[i] = mem_alloc(1, grouping_bytes(&s->view));
        grouping_random(&s->view, s->operators, &s->rng, s->genomes[i]);
    }
    s->analytic = analytic_evaluator_new(&s->of.problem, GRANULARITY_LAYER);
}

static void subject_close(struct subject *s)
{
    for (size_t i = 0; i < GENOMES; i++)
        free(s->genomes[i]);
    free(s->child);
    analytic_evaluator_free(s->analytic);
    place_scratch_free(s->place);
    grouping_scratch_free(s->operators);
    view_release(&s->view);
    bench_case_close(&s->of);
}

static void place_all(void *ctx)
{
    struct subject *s = ctx;
    for (size_t i = 0; i < GENOMES; i++)
        if (place_groups(&s->view, s->place, PLACE_GREEDY, OBJECTIVE_LATENCY, s->genomes[i]) == 0)
            abort();
}

static void mutate_all(void *ctx)
{
    struct subject *s = ctx;
    for (size_t i = 0; i < GENOMES; i++)
        grouping_mutate(&s->view, s->operators, &s->rng, s->genomes[i], s->child);
}

static void cross_all(void *ctx)
{
    struct subject *s = ctx;
    for (size_t i = 0; i < GENOMES; i++)
        grouping_crossover(&s->view, s->operators, &s->rng, s->genomes[i],
                           s->genomes[(i + 1) % GENOMES], s->child);
}

static void search(void *ctx)
{
    struct subject *s = ctx;
    const struct mapper_options options = {
        .seed = 1, .jobs = 1, .analytic = s->analytic, .budget_evals = s->budget_evals
    };
    struct mapper_result result;
    if (mapper_run(mapper_find("comb"), &s->of.problem, &options, &result, NULL) != ERR_OK)
        abort();
    mapper_result_release(&result);
}

static void report(const char *pair, const char *what, double value, const char *unit)
{
    char label[128];
    snprintf(label, sizeof label, "mapper.%s.%s", pair, what);
    bench_report(label, value, unit);
}

/* The marginal time of evaluations, so that set-up and the bound do not count. */
static double seconds_per_evaluation(struct subject *s)
{
    enum { FEW = 100, MANY = 200 };
    s->budget_evals = FEW;
    double few_s = bench_seconds(search, s);
    s->budget_evals = MANY;
    double many_s = bench_seconds(search, s);
    return (many_s - few_s) / (MANY - FEW);
}

static const struct {
    const char *name, *soc, *workload;
} pairs[] = {
    { "vision_light_small", "comb-small-low", "vision-light" },
    { "mixed_light_small", "comb-small-low", "mixed-light" },
    { "mixed_heavy_small", "comb-small-low", "mixed-heavy" },
    { "mixed_heavy_large", "comb-large-low", "mixed-heavy" },
    { "mixed_heavy_large_any", "comb-large-low-any", "mixed-heavy" },
};

BENCH(mapper_comb)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct subject s;
        subject_open(&s, pairs[i].soc, pairs[i].workload);
        double layers = (double)s.view.layer_count;
        double place_s = bench_seconds(place_all, &s) / GENOMES;
        double evaluation_s = seconds_per_evaluation(&s);
        report(pairs[i].name, "algorithm_2", 1 / place_s, "1/s");
        report(pairs[i].name, "algorithm_2_per_layer", 1e9 * place_s / layers, "ns");
        report(pairs[i].name, "mutate_per_layer",
               1e9 * bench_seconds(mutate_all, &s) / GENOMES / layers, "ns");
        report(pairs[i].name, "crossover_per_layer",
               1e9 * bench_seconds(cross_all, &s) / GENOMES / layers, "ns");
        report(pairs[i].name, "evaluations", 1 / evaluation_s, "1/s");
        report(pairs[i].name, "generations_of_400", 1 / evaluation_s / 400, "1/s");
        subject_close(&s);
    }
}

/* --- one call each ---------------------------------------------------------------------------- */

static void bound(void *ctx)
{
    struct subject *s = ctx;
    if (mapper_lower_bound(&s->of.problem, GRANULARITY_LAYER).makespan_ps == 0)
        abort();
}

static void contended_bound(void *ctx)
{
    struct subject *s = ctx;
    if (mapper_contended_bound(&s->of.problem, GRANULARITY_LAYER).makespan_ps == 0)
        abort();
}

static void heft(void *ctx)
{
    struct subject *s = ctx;
    const struct mapper_options options = { .jobs = 1, .analytic = s->analytic };
    struct mapper_result result;
    if (mapper_run(mapper_find("heft"), &s->of.problem, &options, &result, NULL) != ERR_OK)
        abort();
    mapper_result_release(&result);
}

BENCH(mapper_once)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct subject s;
        subject_open(&s, pairs[i].soc, pairs[i].workload);
        report(pairs[i].name, "lower_bound", 1e3 * bench_seconds(bound, &s), "ms");
        report(pairs[i].name, "contended_bound", 1e3 * bench_seconds(contended_bound, &s), "ms");
        report(pairs[i].name, "heft", 1e3 * bench_seconds(heft, &s), "ms");
        subject_close(&s);
    }
}
