/* A design point evaluated, and mappings replayed on others. */
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "sim/sim.h"
#include "sweep/evaluate.h"
#include "tests/fixture.h"
#include "tests/test.h"

static struct evaluator *analytic_new(void *ctx, const struct problem *problem,
                                      enum granularity granularity)
{
    (void)ctx;
    return analytic_evaluator_new(problem, granularity);
}

static void analytic_free(void *ctx, struct evaluator *evaluator)
{
    (void)ctx;
    analytic_evaluator_free(evaluator);
}

struct bench {
    struct space space;
    struct workload workload;
    struct sweep_mapping_options options;
};

static void bench_load(struct bench *b, const char *space, const char *workload)
{
    CHECK_OK(space_load(&b->space, test_path(space), err));
    CHECK_OK(workload_load(&b->workload, test_path(workload), err));
    b->options = (struct sweep_mapping_options){
        .mapper = mapper_find("socweave"),
        .sharing = COST_SHARING_TILED,
        .seed = 7,
        .timing = { NULL, analytic_new, analytic_free },
    };
}

static void bench_release(struct bench *b)
{
    space_release(&b->space);
    workload_release(&b->workload);
}

static struct sweep_outcome evaluate(const struct bench *b, uint64_t point, uint64_t layers,
                                     struct text *mapping)
{
    struct sweep_outcome out;
    CHECK_OK(sweep_evaluate_point(&b->space, &b->workload, &b->options, point, layers, &out,
                                  mapping, NULL, err));
    return out;
}

/* What SystemC says of a mapping text on a point. */
static uint64_t simulated_ps(const struct bench *b, uint64_t point, const struct text *text)
{
    const struct cost_options cost = { .sharing = b->options.sharing };
    const struct sim_options how = { .granularity = GRANULARITY_LAYER };
    struct soc soc;
    struct problem problem;
    struct mapping_file file;
    struct sim_result result;
    CHECK_OK(space_soc(&b->space, point, &soc, err));
    CHECK_OK(cost_build_problem(&soc, &b->workload, &cost, &problem, err));
    CHECK_OK(mapping_load_text(&problem, "mapping", text->data, text->bytes, &file, err));
    CHECK_OK(mapping_check(&problem, &file.mapping, &file.schedule, GRANULARITY_LAYER, err));
    CHECK_OK(sim_run(&problem, &file.mapping, &how, &result, err));
    uint64_t makespan_ps = result.schedule.makespan_ps;
    CHECK_INT(file.schedule.makespan_ps, makespan_ps);
    sim_result_release(&result);
    mapping_file_release(&file);
    problem_release(&problem);
    soc_release(&soc);
    return makespan_ps;
}

TEST(sweep_evaluate__mapping_of_a_point__equals_systemc)
{
    static const uint64_t points[] = { 0, 77, 311, 479 };
    struct bench b;
    bench_load(&b, "soc-configs/spaces/edge-small.json", "dnn-graphs/workloads/tiny.json");
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        struct text mapping = { 0 };
        test_seed(points[i]);
        struct sweep_outcome out = evaluate(&b, points[i], 5000, &mapping);
        if (out.status != SWEEP_OK)
            continue;
        CHECK_INT(out.makespan_ps, simulated_ps(&b, points[i], &mapping));
        CHECK(out.lower_bound_ps <= out.makespan_ps && out.area_mm2 > 0 && out.power_w > 0);
        text_release(&mapping);
    }
    bench_release(&b);
}

TEST(sweep_evaluate__same_request__same_bytes)
{
    struct bench b;
    struct text first = { 0 }, second = { 0 };
    bench_load(&b, "soc-configs/spaces/edge-small.json", "dnn-graphs/workloads/tiny.json");
    evaluate(&b, 5, 3000, &first);
    evaluate(&b, 5, 3000, &second);
    CHECK_STR(first.data, second.data);
    text_release(&first);
    text_release(&second);
    bench_release(&b);
}

/* The mapping of a slow-memory SoC, replayed on one that only differs by faster memory. */
TEST(sweep_evaluate__replay_on_a_relaxation__is_no_slower_and_equals_systemc)
{
    struct bench b;
    struct text small = { 0 }, big = { 0 };
    bench_load(&b, "soc-configs/spaces/edge-small.json", "dnn-graphs/workloads/tiny.json");
    uint32_t choices[SPACE_PARAMETERS_MAX];
    space_choices(&b.space, 100, choices);
    choices[b.space.parameter_count - 1] = 0;
    uint64_t from = space_point(&b.space, choices);
    choices[b.space.parameter_count - 1] = 4;
    uint64_t to = space_point(&b.space, choices);
    CHECK(space_relaxes(&b.space, to, from) && !space_relaxes(&b.space, from, to));
    struct sweep_outcome slow = evaluate(&b, from, 5000, &small), out = slow;
    out.makespan_ps *= 100; /* whatever the search there found */
    CHECK_OK(sweep_replay_point(&b.space, &b.workload, &b.options, to, from, small.data, &out, &big,
                                err));
    CHECK_INT(from, out.replayed_from);
    CHECK(out.makespan_ps <= slow.makespan_ps);
    CHECK_INT(out.makespan_ps, simulated_ps(&b, to, &big));
    out.makespan_ps = 1; /* nothing beats that */
    CHECK_OK(sweep_replay_point(&b.space, &b.workload, &b.options, to, from, small.data, &out, &big,
                                err));
    CHECK_INT(1, out.makespan_ps);
    text_release(&small);
    text_release(&big);
    bench_release(&b);
}

TEST(sweep_evaluate__constraint_not_met__is_an_outcome_with_a_reason)
{
    struct bench b;
    struct text mapping = { 0 }, reason = { 0 };
    struct sweep_outcome out;
    bench_load(&b, "soc-configs/spaces/comb-mixed.json", "dnn-graphs/workloads/tiny.json");
    uint64_t largest = b.space.point_count - 1;
    CHECK_OK(sweep_evaluate_point(&b.space, &b.workload, &b.options, largest, 1000, &out, &mapping,
                                  &reason, err));
    CHECK_INT(SWEEP_INFEASIBLE, out.status);
    CHECK_STR("not area_mm2 <= 600", reason.data);
    CHECK_INT(0, mapping.bytes);
    text_release(&reason);
    bench_release(&b);
}

/* Each of two copies must end within 1 ns of its release: nothing can; within a second: anything.
 */
TEST(sweep_evaluate__deadlines__misses_are_counted)
{
    static const struct {
        const char *deadline_ns;
        uint32_t misses;
    } cases[] = { { "1", 2 }, { "1e9", 0 } };
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        struct text mapping = { 0 }, text = { 0 };
        char file[512];
        text_printf(&text,
                    "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [{\"graph\": "
                    "\"%s\", \"copies\": 2, \"deadline_ns\": %s}]}",
                    test_path("dnn-graphs/tiny-cnn.json"), cases[i].deadline_ns);
        snprintf(file, sizeof file, "%s/workload.json", test_temp_dir());
        CHECK_OK(file_write(file, text.data, text.bytes, err));
        bench_load(&b, "soc-configs/spaces/edge-small.json", "dnn-graphs/workloads/tiny.json");
        workload_release(&b.workload);
        CHECK_OK(workload_load(&b.workload, file, err));
        CHECK_INT(cases[i].misses, evaluate(&b, 200, 2000, &mapping).deadline_misses);
        text_release(&mapping);
        text_release(&text);
        bench_release(&b);
    }
}
