/* Evaluators: mappings per second, and SystemC against the plain C twin in the same process. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/bench.h"
#include "core/arena.h"
#include "core/file.h"
#include "core/rng.h"
#include "core/text.h"
#include "sim/sim.h"
#include "tests/model/twin.h"

#define MAPPINGS 16

/* --- random mappings ------------------------------------------------------------------------ */

static uint32_t pick_accelerator(const struct problem *problem, struct rng *rng, uint32_t layer)
{
    for (;;) {
        uint32_t acc = rng_below(rng, (uint32_t)problem->accelerator_count);
        if (problem_option_count(problem, layer, acc) > 0)
            return acc;
    }
}

/* A random topological order, on random accelerators, at their natural allotments. */
static void random_mapping(const struct problem *problem, uint64_t seed, struct mapping *out)
{
    struct rng rng = rng_stream(seed, 0, 0);
    size_t layers = problem->layer_count, ready_count = 0;
    uint32_t *missing = mem_alloc(layers, sizeof *missing);
    uint32_t *ready = mem_alloc(layers, sizeof *ready);
    mapping_init(out, layers);
    out->discipline = MAPPING_BY_LAYER;
    for (uint32_t layer = 0; layer < layers; layer++) {
        missing[layer] = problem->pred_begin[layer + 1] - problem->pred_begin[layer];
        if (missing[layer] == 0)
            ready[ready_count++] = layer;
    }
    for (uint32_t i = 0; i < layers; i++) {
        uint32_t at = rng_below(&rng, (uint32_t)ready_count), layer = ready[at];
        ready[at] = ready[--ready_count];
        out->placements[i] =
            (struct placement){ .layer = layer,
                                .group = i,
                                .accelerator = (uint16_t)pick_accelerator(problem, &rng, layer) };
        for (uint32_t e = problem->succ_begin[layer]; e < problem->succ_begin[layer + 1]; e++)
            if (--missing[problem->succs[e].layer] == 0)
                ready[ready_count++] = problem->succs[e].layer;
    }
    free(missing);
    free(ready);
}

/* --- what is timed: all mappings once --------------------------------------------------------- */

struct subject {
    struct bench_case of;
    struct mapping mappings[MAPPINGS];
    struct evaluation out[MAPPINGS];
    enum granularity granularity;
    struct evaluator *analytic;
    struct sim_pool *pool; /* of one job: in this process */
    struct twin *twin;
};

static void subject_fill(struct subject *s, enum granularity granularity)
{
    struct err err = ERR_INIT;
    s->granularity = granularity;
    for (uint64_t i = 0; i < MAPPINGS; i++)
        random_mapping(&s->of.problem, i, &s->mappings[i]);
    s->analytic = analytic_evaluator_new(&s->of.problem, granularity);
    s->twin = twin_new(&s->of.problem);
    if (sim_pool_new(&s->of.problem, granularity, 1, &s->pool, &err) != ERR_OK)
        abort();
}

static void subject_close(struct subject *s)
{
    for (size_t i = 0; i < MAPPINGS; i++)
        mapping_release(&s->mappings[i]);
    analytic_evaluator_free(s->analytic);
    sim_pool_free(s->pool);
    twin_free(s->twin);
    bench_case_close(&s->of);
}

static void run_makespan(void *ctx)
{
    struct subject *s = ctx;
    for (size_t i = 0; i < MAPPINGS; i++)
        s->out[i].makespan_ps =
            analytic_schedule(&s->of.problem, &s->mappings[i], s->granularity, NULL);
}

static void run_analytic(void *ctx)
{
    struct subject *s = ctx;
    s->analytic->evaluate(s->analytic->ctx, s->mappings, MAPPINGS, s->out, NULL);
}

static void run_systemc(void *ctx)
{
    struct subject *s = ctx;
    const struct evaluator *evaluator = sim_pool_evaluator(s->pool);
    if (evaluator->evaluate(evaluator->ctx, s->mappings, MAPPINGS, s->out, NULL) != ERR_OK)
        abort();
}

static void run_twin(void *ctx)
{
    struct subject *s = ctx;
    for (size_t i = 0; i < MAPPINGS; i++)
        if (twin_run(s->twin, &s->mappings[i], s->granularity) != s->out[i].makespan_ps)
            abort(); /* run_systemc() came first */
}

static double events_per_mapping(struct subject *s)
{
    uint64_t events = 0;
    for (size_t i = 0; i < MAPPINGS; i++) {
        struct sim_options options = { .granularity = s->granularity };
        struct sim_result result;
        if (sim_run(&s->of.problem, &s->mappings[i], &options, &result, NULL) != ERR_OK)
            abort();
        events += result.events;
        sim_result_release(&result);
    }
    return (double)events / MAPPINGS;
}

/* --- benchmarks ----------------------------------------------------------------------------- */

/* A mesh of 8 × 8 accelerators and `copies` of GoogleNet. */
static void open_large(struct subject *s, unsigned copies)
{
    char dir[] = "/tmp/socweave-bench-XXXXXX", soc[64], workload[64], root[4096];
    struct text text = { 0 };
    struct err err = ERR_INIT;
    if (mkdtemp(dir) == NULL || getcwd(root, sizeof root) == NULL)
        abort();
    snprintf(soc, sizeof soc, "%s/soc.json", dir);
    snprintf(workload, sizeof workload, "%s/workload.json", dir);
    text_add(&text, "{\"socweave\": \"soc/1\", \"name\": \"large\", \"network\": {\"topology\": "
                    "\"mesh\", \"columns\": 8, \"rows\": 8, \"link_bytes_per_s\": 3.2e9}, "
                    "\"accelerators\": [");
    for (unsigned i = 0; i < 64; i++)
        text_printf(&text,
                    "%s{\"name\": \"a%u\", \"place\": [%u, %u], \"clock_hz\": 200e6, "
                    "\"pe_rows\": 128, \"pe_cols\": 128, \"dataflow\": \"nvdla-ws\", \"supports\": "
                    "[\"conv\", \"depthwise\", \"gemm\", \"pool\", \"elementwise\", "
                    "\"normalization\", \"movement\"], \"shared_layers_max\": 2, "
                    "\"scratchpad_bytes\": 25165824}",
                    i > 0 ? ", " : "", i, i % 8, i / 8);
    text_add(&text,
             "], \"memory\": [{\"name\": \"m\", \"unlimited\": true}], \"energy\": {\"mac_pj\": "
             "0.2, \"register_pj_per_byte\": 0.1, \"scratchpad_pj_per_byte\": 1.5, "
             "\"hop_pj_per_byte\": 2, \"memory_pj_per_byte\": 100, \"pe_idle_pj_per_cycle\": 0}}");
    if (file_write(soc, text.data, text.bytes, &err) != ERR_OK)
        abort();
    text_release(&text);
    text_printf(&text,
                "{\"socweave\": \"workload/1\", \"name\": \"large\", \"networks\": [{\"graph\": "
                "\"%s/dnn-graphs/googlenet.json\", \"copies\": %u}]}",
                root, copies);
    if (file_write(workload, text.data, text.bytes, &err) != ERR_OK)
        abort();
    text_release(&text);
    bench_case_open_files(&s->of, soc, workload);
    unlink(soc);
    unlink(workload);
    rmdir(dir);
}

/* Closes s. */
static void report_systemc(struct subject *s, const char *name, enum granularity granularity)
{
    char label[128];
    subject_fill(s, granularity);
    double systemc_s = bench_seconds(run_systemc, s) / MAPPINGS;
    double twin_s = bench_seconds(run_twin, s) / MAPPINGS;
    double events = events_per_mapping(s);
    snprintf(label, sizeof label, "sim.%s.events_per_mapping", name);
    bench_report(label, events, "1");
    snprintf(label, sizeof label, "sim.%s.systemc_mappings", name);
    bench_report(label, 1 / systemc_s, "1/s");
    snprintf(label, sizeof label, "sim.%s.systemc_per_event", name);
    bench_report(label, 1e9 * systemc_s / events, "ns");
    snprintf(label, sizeof label, "sim.%s.systemc_over_twin", name);
    bench_report(label, systemc_s / twin_s, "1");
    subject_close(s);
}

BENCH(sim_systemc)
{
    static const struct {
        const char *name, *soc, *workload;
        enum granularity granularity;
    } cases[] = {
        { "vision-light", "comb-small-low", "vision-light", GRANULARITY_LAYER },
        { "vision-light_tile", "comb-small-low", "vision-light", GRANULARITY_TILE },
        { "edge-ring", "edge-ring", "edge-mix", GRANULARITY_LAYER },
        { "edge-ring_tile", "edge-ring", "edge-mix", GRANULARITY_TILE },
    };
    struct subject s;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench_case_open(&s.of, cases[i].soc, cases[i].workload);
        report_systemc(&s, cases[i].name, cases[i].granularity);
    }
    open_large(&s, 160);
    report_systemc(&s, "64_accelerators", GRANULARITY_LAYER);
}

/* Two workers against one process, messages included: 2 if both cores are free. */
BENCH(sim_pool)
{
    struct subject s;
    struct err err = ERR_INIT;
    bench_case_open(&s.of, "comb-small-low", "vision-light");
    subject_fill(&s, GRANULARITY_LAYER);
    double alone_s = bench_seconds(run_systemc, &s);
    sim_pool_free(s.pool);
    if (sim_pool_new(&s.of.problem, s.granularity, 2, &s.pool, &err) != ERR_OK)
        abort();
    bench_report("sim.pool.two_workers_speedup", alone_s / bench_seconds(run_systemc, &s), "1");
    subject_close(&s);
}

BENCH(sim_analytic)
{
    struct subject s;
    bench_case_open(&s.of, "comb-small-low", "vision-light");
    subject_fill(&s, GRANULARITY_LAYER);
    bench_report("analytic.vision-light.makespans", MAPPINGS / bench_seconds(run_makespan, &s),
                 "1/s");
    bench_report("analytic.vision-light.evaluations", MAPPINGS / bench_seconds(run_analytic, &s),
                 "1/s");
    s.granularity = GRANULARITY_TILE;
    bench_report("analytic.vision-light.tile_makespans", MAPPINGS / bench_seconds(run_makespan, &s),
                 "1/s");
    subject_close(&s);
}

BENCH(sim_analytic_linear)
{
    static const unsigned sizes[] = { 1, 4, 16, 64, 160 };
    char label[64];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct subject s;
        open_large(&s, sizes[i]);
        subject_fill(&s, GRANULARITY_LAYER);
        double s_per_mapping = bench_seconds(run_makespan, &s) / MAPPINGS;
        double layers = (double)s.of.problem.layer_count;
        snprintf(label, sizeof label, "analytic.64_accelerators.%zu_layers",
                 s.of.problem.layer_count);
        bench_report(label, 1e9 * s_per_mapping / layers, "ns per layer");
        subject_close(&s);
    }
}
