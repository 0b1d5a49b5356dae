#include "tests/unit/report_case.h"

#include "core/text.h"
#include "tests/test.h"

void report_case_run(struct report_case *c, const struct problem *problem,
                     const struct mapping *mapping_take, enum granularity granularity)
{
    const struct sim_options options = { .granularity = granularity, .want_trace = true };
    *c = (struct report_case){ .mapping = *mapping_take };
    schedule_init(&c->analytic, problem->layer_count);
    analytic_schedule(problem, &c->mapping, granularity, &c->analytic);
    CHECK_OK(sim_run(problem, &c->mapping, &options, &c->sim, err));
    uint64_t makespan_ps = c->sim.schedule.makespan_ps;
    for (unsigned i = 0; i < 3; i++)
        c->steps[i] = (struct report_step){ .evaluations = 10 * (i + 1),
                                            .step = i,
                                            .best_makespan_ps = makespan_ps * (3 - i),
                                            .best_energy_pj = 1,
                                            .best_value = (double)makespan_ps * (3 - i) };
    c->report = (struct report){
        .problem = problem,
        .mapping = &c->mapping,
        .analytic = &c->analytic,
        .simulated = &c->sim.schedule,
        .trace = &c->sim.trace,
        .links = (const struct report_load *)c->sim.links,
        .locals = (const struct report_load *)c->sim.locals,
        .channels = (const struct report_load *)c->sim.channels,
        .energy = mapping_energy(problem, &c->mapping, makespan_ps),
        .granularity = granularity,
        .mapper = "random",
        .objective = "latency",
        .fitness = "mixed",
        .seed = 7,
        .evaluations = 30,
        .sim_evaluations = 3,
        .lower_bound_ps = makespan_ps / 2 + 1,
        .lower_bound_name = "critical path",
        .convergence = c->steps,
        .convergence_count = 3,
        .version = "test",
        .command = "socweave explore --soc a --workload b",
    };
}

void report_case_init(struct report_case *c, const struct problem *problem, uint64_t seed,
                      enum mapping_discipline discipline, enum granularity granularity)
{
    struct mapping mapping;
    fixture_random_mapping(problem, seed, discipline, &mapping);
    report_case_run(c, problem, &mapping, granularity);
}

void report_case_release(struct report_case *c)
{
    schedule_release(&c->analytic);
    sim_result_release(&c->sim);
    mapping_release(&c->mapping);
}

void report_case_hostile(struct fixture *f, const char *hostile)
{
    struct text soc = { 0 }, workload = { 0 }, graph = { 0 };
    text_printf(
        &soc,
        "{ \"socweave\": \"soc/1\", \"name\": \"s%s\", \"source\": \"test\","
        " \"network\": { \"topology\": \"ring\", \"places\": 2, \"link_bytes_per_s\": 1e9 },"
        " \"accelerators\": ["
        "  { \"name\": \"a%s\", \"place\": 0, \"clock_hz\": 1e9, \"pe_rows\": 16,"
        "    \"pe_cols\": 16, \"dataflow\": \"tpu-os\", \"supports\": [\"gemm\"],"
        "    \"scratchpad_bytes\": 1e6, \"shared_layers_max\": 2 },"
        "  { \"name\": \"b%s\", \"place\": 1, \"clock_hz\": 1e9, \"pe_rows\": 16,"
        "    \"pe_cols\": 16, \"dataflow\": \"tpu-os\", \"supports\": [\"gemm\"],"
        "    \"scratchpad_bytes\": 1e6 } ],"
        " \"memory\": [ { \"name\": \"m%s\", \"place\": 0, \"bytes_per_s\": 1e9,"
        "    \"latency_ns\": 5 } ],"
        " \"energy\": { \"mac_pj\": 1, \"register_pj_per_byte\": 1,"
        "    \"scratchpad_pj_per_byte\": 1, \"hop_pj_per_byte\": 1, \"memory_pj_per_byte\": 1,"
        "    \"pe_idle_pj_per_cycle\": 1 } }",
        hostile, hostile, hostile, hostile);
    text_printf(&workload,
                "{ \"socweave\": \"workload/1\", \"name\": \"w%s\", \"networks\":"
                " [ { \"graph\": \"g0.json\", \"copies\": 3, \"name\": \"n%s\" } ] }",
                hostile, hostile);
    text_printf(&graph,
                "{ \"socweave\": \"dnn/1\", \"name\": \"g%s\","
                " \"inputs\": [ { \"name\": \"x\", \"shape\": [64, 64] } ],"
                " \"layers\": ["
                "  { \"name\": \"l%s\", \"op\": \"gemm\", \"extents\": { \"m\": 64, \"n\": 64,"
                "    \"k\": 64 }, \"inputs\": [\"x\"] },"
                "  { \"name\": \"k%s\", \"op\": \"gemm\", \"extents\": { \"m\": 64, \"n\": 64,"
                "    \"k\": 64 }, \"inputs\": [\"l%s\"] } ] }",
                hostile, hostile, hostile, hostile);
    const char *graphs[] = { graph.data };
    fixture_from_text(f, soc.data, workload.data, graphs, 1);
    text_release(&soc);
    text_release(&workload);
    text_release(&graph);
}
