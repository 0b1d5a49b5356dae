/* What must hold for every mapping, on random problems. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "core/rng.h"
#include "sim/sim.h"
#include "tests/model/sim_problem.h"
#include "tests/test.h"

static const enum mapping_discipline disciplines[] = { MAPPING_BY_GROUP, MAPPING_BY_LAYER };
static const enum granularity granularities[] = { GRANULARITY_LAYER, GRANULARITY_TILE };

#define CHECK_SEED(seed, condition)                                                                \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": %s", (uint64_t)(seed), #condition);   \
    } while (0)

/* One random problem and mapping, simulated. */
struct sample {
    struct sim_problem p;
    struct mapping mapping;
    struct sim_result result;
    enum granularity granularity;
};

static void sample_run(struct sample *s, bool trace)
{
    struct sim_options options = { .granularity = s->granularity, .want_trace = trace };
    CHECK_OK(sim_run(&s->p.problem, &s->mapping, &options, &s->result, err));
}

static void sample_open(struct sample *s, uint64_t seed, bool trace)
{
    sim_problem_random(&s->p, seed, 30);
    sim_mapping_random(&s->mapping, &s->p.problem, seed, disciplines[seed % 2]);
    s->granularity = granularities[seed / 2 % 2];
    sample_run(s, trace);
}

static void sample_close(struct sample *s)
{
    sim_result_release(&s->result);
    mapping_release(&s->mapping);
    sim_problem_release(&s->p);
}

TEST(analytic__random_mappings__no_layer_is_later_than_simulated)
{
    for (uint64_t seed = 1000; seed < 1400; seed++) {
        struct sample s;
        struct schedule bound;
        sample_open(&s, seed, false);
        schedule_init(&bound, s.p.problem.layer_count);
        uint64_t makespan = analytic_schedule(&s.p.problem, &s.mapping, s.granularity, &bound);
        CHECK_SEED(seed, makespan == bound.makespan_ps);
        CHECK_SEED(seed, makespan <= s.result.schedule.makespan_ps);
        CHECK_SEED(seed,
                   makespan == analytic_schedule(&s.p.problem, &s.mapping, s.granularity, NULL));
        for (size_t layer = 0; layer < s.p.problem.layer_count; layer++) {
            CHECK_SEED(seed, bound.start_ps[layer] <= s.result.schedule.start_ps[layer]);
            CHECK_SEED(seed, bound.end_ps[layer] <= s.result.schedule.end_ps[layer]);
        }
        schedule_release(&bound);
        sample_close(&s);
    }
}

TEST(sim__random_mappings__both_schedules_are_legal)
{
    for (uint64_t seed = 2000; seed < 2200; seed++) {
        struct sample s;
        struct schedule bound;
        sample_open(&s, seed, false);
        schedule_init(&bound, s.p.problem.layer_count);
        analytic_schedule(&s.p.problem, &s.mapping, s.granularity, &bound);
        CHECK_OK(mapping_check(&s.p.problem, &s.mapping, &bound, s.granularity, err));
        CHECK_OK(mapping_check(&s.p.problem, &s.mapping, &s.result.schedule, s.granularity, err));
        schedule_release(&bound);
        sample_close(&s);
    }
}

/* --- an idle network -------------------------------------------------------------------------- */

/* Makes a chain of the problem: every layer reads the one before and nothing else. */
static void make_chain(struct sim_problem *p, uint64_t seed, bool by_tile)
{
    struct rng rng = rng_stream(seed, 3, 0);
    size_t layers = p->problem.layer_count;
    problem_release(&p->problem);
    p->problem.layer_count = layers;
    p->problem.accelerator_count = p->soc.accelerator_count;
    p->edge_count = 0;
    for (uint32_t layer = 0; layer + 1 < layers; layer++)
        sim_edge(p, layer, layer + 1, rng_below(&rng, 80));
    for (uint32_t layer = 0; layer < layers; layer++) {
        for (uint32_t acc = 0; acc < p->soc.accelerator_count; acc++) {
            for (uint32_t i = 0; i < SIM_OPTIONS; i++) {
                struct layer_option *option = sim_option(p, layer, acc, i);
                if (layer + 1 < layers)
                    option->memory_write_bytes = 0;
                if (by_tile) /* reads would meet the inputs of the same layer */
                    option->memory_read_bytes = 0;
            }
        }
    }
    sim_problem_close(p);
}

TEST(sim__chain_of_layers__equals_the_analytic_evaluator_to_the_bit)
{
    for (uint64_t seed = 3000; seed < 3400; seed++) {
        struct sim_problem p;
        struct mapping mapping;
        struct sim_result result;
        struct schedule bound;
        struct sim_options options = { .granularity = granularities[seed % 2] };
        sim_problem_random(&p, seed, 12);
        make_chain(&p, seed, options.granularity == GRANULARITY_TILE);
        sim_mapping_random(&mapping, &p.problem, seed, disciplines[seed / 2 % 2]);
        CHECK_OK(sim_run(&p.problem, &mapping, &options, &result, err));
        schedule_init(&bound, p.problem.layer_count);
        analytic_schedule(&p.problem, &mapping, options.granularity, &bound);
        CHECK_SEED(seed, bound.makespan_ps == result.schedule.makespan_ps);
        CHECK_SEED(seed, bound.energy_pj == result.schedule.energy_pj);
        for (size_t layer = 0; layer < p.problem.layer_count; layer++) {
            CHECK_SEED(seed, bound.start_ps[layer] == result.schedule.start_ps[layer]);
            CHECK_SEED(seed, bound.end_ps[layer] == result.schedule.end_ps[layer]);
        }
        schedule_release(&bound);
        sim_result_release(&result);
        mapping_release(&mapping);
        sim_problem_release(&p);
    }
}

TEST(sim__lone_layers_by_tile__equal_the_analytic_evaluator_to_the_bit)
{
    /* One layer, no inputs: its memory packets have channel and links to themselves. */
    for (uint64_t seed = 4000; seed < 4300; seed++) {
        struct sim_problem p;
        struct mapping mapping;
        struct sim_result result;
        struct sim_options options = { .granularity = GRANULARITY_TILE };
        sim_problem_random(&p, seed, 1);
        sim_mapping_random(&mapping, &p.problem, seed, MAPPING_BY_LAYER);
        CHECK_OK(sim_run(&p.problem, &mapping, &options, &result, err));
        CHECK_SEED(seed, analytic_schedule(&p.problem, &mapping, GRANULARITY_TILE, NULL) ==
                             result.schedule.makespan_ps);
        sim_result_release(&result);
        mapping_release(&mapping);
        sim_problem_release(&p);
    }
}

/* --- conservation ----------------------------------------------------------------------------- */

static void add_route(const struct soc *soc, uint32_t from, uint32_t to, uint64_t bytes,
                      uint64_t *link_bytes)
{
    size_t at = (size_t)from * soc->place_count + to;
    for (uint32_t i = soc->route_begin[at]; i < soc->route_begin[at + 1]; i++)
        link_bytes[soc->route_links[i]] += bytes;
}

/* Bytes that each link, local port and channel must carry, from the mapping alone. */
static void expect_bytes(const struct sample *s, uint64_t *links, uint64_t *locals,
                         uint64_t *channels)
{
    const struct problem *problem = &s->p.problem;
    const struct soc *soc = &s->p.soc;
    uint32_t *on = mem_alloc(problem->layer_count, sizeof *on);
    for (size_t i = 0; i < problem->layer_count; i++)
        on[s->mapping.placements[i].layer] = s->mapping.placements[i].accelerator;
    for (size_t i = 0; i < problem->layer_count; i++) {
        const struct placement *at = &s->mapping.placements[i];
        const struct layer_option *option =
            problem_option(problem, at->layer, at->accelerator, at->option);
        uint32_t place = soc->accelerators[at->accelerator].place;
        uint32_t channel = soc_channel_of(soc, at->accelerator);
        channels[channel] += option->memory_read_bytes + option->memory_write_bytes;
        if (!soc->channels[channel].unlimited) {
            uint32_t there = soc->channels[channel].place;
            add_route(soc, there, place, option->memory_read_bytes, links);
            add_route(soc, place, there, option->memory_write_bytes, links);
        }
        for (uint32_t e = problem->pred_begin[at->layer]; e < problem->pred_begin[at->layer + 1];
             e++) {
            uint32_t from = on[problem->preds[e].layer];
            if (from == at->accelerator)
                locals[from] += problem->preds[e].bytes;
            else
                add_route(soc, soc->accelerators[from].place, place, problem->preds[e].bytes,
                          links);
        }
    }
    free(on);
}

TEST(sim__every_resource__carries_the_bytes_of_the_mapping)
{
    for (uint64_t seed = 5000; seed < 5200; seed++) {
        struct sample s;
        sample_open(&s, seed, false);
        const struct soc *soc = &s.p.soc;
        uint64_t *links = mem_alloc(soc->link_count + 1, sizeof *links);
        uint64_t *locals = mem_alloc(soc->accelerator_count, sizeof *locals);
        uint64_t *channels = mem_alloc(soc->channel_count, sizeof *channels);
        expect_bytes(&s, links, locals, channels);
        for (size_t i = 0; i < soc->link_count; i++)
            CHECK_SEED(seed, links[i] == s.result.links[i].bytes);
        for (size_t i = 0; i < soc->accelerator_count; i++)
            CHECK_SEED(seed, locals[i] == s.result.locals[i].bytes);
        for (size_t i = 0; i < soc->channel_count; i++)
            CHECK_SEED(seed, channels[i] == s.result.channels[i].bytes);
        free(links);
        free(locals);
        free(channels);
        sample_close(&s);
    }
}

/* Sum of a server's intervals, which must not overlap nor pass the makespan. */
static struct sim_resource_load load_of_trace(uint64_t seed, const struct sample *s,
                                              enum trace_resource resource, size_t index)
{
    struct sim_resource_load load = { 0 };
    uint64_t free_ps = 0;
    for (size_t i = 0; i < s->result.trace.count; i++) {
        const struct trace_interval *at = &s->result.trace.intervals[i];
        if (at->resource != resource || at->index != index)
            continue;
        CHECK_SEED(seed, at->start_ps >= free_ps && at->end_ps > at->start_ps);
        free_ps = at->end_ps;
        load.busy_ps += at->end_ps - at->start_ps;
        load.waited_ps += at->waited_ps;
        load.bytes += at->bytes;
        load.packets++;
    }
    CHECK_SEED(seed, free_ps <= s->result.schedule.makespan_ps);
    return load;
}

static void check_trace(uint64_t seed, const struct sample *s, enum trace_resource resource,
                        const struct sim_resource_load *loads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sim_resource_load traced = load_of_trace(seed, s, resource, i);
        CHECK_SEED(seed, traced.busy_ps == loads[i].busy_ps);
        CHECK_SEED(seed, traced.waited_ps == loads[i].waited_ps);
        if (loads[i].busy_ps > 0) { /* an unlimited one leaves no intervals */
            CHECK_SEED(seed, traced.bytes == loads[i].bytes);
            CHECK_SEED(seed, traced.packets == loads[i].packets);
        }
    }
}

TEST(sim__trace__adds_up_to_the_loads_and_never_overlaps)
{
    for (uint64_t seed = 6000; seed < 6200; seed++) {
        struct sample s;
        sample_open(&s, seed, true);
        check_trace(seed, &s, TRACE_LINK, s.result.links, s.p.soc.link_count);
        check_trace(seed, &s, TRACE_LOCAL, s.result.locals, s.p.soc.accelerator_count);
        check_trace(seed, &s, TRACE_CHANNEL, s.result.channels, s.p.soc.channel_count);
        sample_close(&s);
    }
}

TEST(sim__trace__computes_every_layer_in_full)
{
    for (uint64_t seed = 7000; seed < 7100; seed++) {
        struct sample s;
        sample_open(&s, seed, true);
        uint64_t *computed_ps = mem_alloc(s.p.problem.layer_count, sizeof *computed_ps);
        for (size_t i = 0; i < s.result.trace.count; i++) {
            const struct trace_interval *at = &s.result.trace.intervals[i];
            if (at->what == TRACE_COMPUTE)
                computed_ps[at->layer] += at->end_ps - at->start_ps;
        }
        for (size_t i = 0; i < s.p.problem.layer_count; i++) {
            const struct placement *at = &s.mapping.placements[i];
            uint64_t stay_ps =
                s.result.schedule.end_ps[at->layer] - s.result.schedule.start_ps[at->layer];
            uint64_t compute_ps =
                problem_option(&s.p.problem, at->layer, at->accelerator, at->option)->compute_ps;
            CHECK_SEED(seed, computed_ps[at->layer] ==
                                 (s.granularity == GRANULARITY_TILE ? compute_ps : stay_ps));
        }
        free(computed_ps);
        sample_close(&s);
    }
}

/* --- scaling ---------------------------------------------------------------------------------- */

/* Rates of 1 byte per ps and their like divide without a remainder. */
static uint64_t even_rate(uint64_t rate)
{
    return rate == 0 ? 0 : UINT64_C(1000000000000);
}

static void set_rates(struct soc *soc, uint64_t divisor)
{
    for (size_t i = 0; i < soc->link_count; i++)
        soc->links[i].bytes_per_s = even_rate(soc->links[i].bytes_per_s) / divisor;
    for (size_t i = 0; i < soc->accelerator_count; i++)
        soc->accelerators[i].local_bytes_per_s =
            even_rate(soc->accelerators[i].local_bytes_per_s) / divisor;
    for (size_t i = 0; i < soc->channel_count; i++)
        soc->channels[i].bytes_per_s = even_rate(soc->channels[i].bytes_per_s) / divisor;
}

static void multiply_times(struct sim_problem *p, uint64_t factor)
{
    size_t pairs = p->problem.layer_count * p->problem.accelerator_count;
    for (size_t at = 0; at < pairs; at++)
        for (uint32_t i = 0; i < p->problem.options[at].count; i++)
            p->problem.options[at].items[i].compute_ps *= factor;
    for (size_t i = 0; i < p->soc.link_count; i++)
        p->soc.links[i].latency_ps *= factor;
    for (size_t i = 0; i < p->soc.channel_count; i++)
        p->soc.channels[i].latency_ps *= factor;
}

TEST(sim__all_times_times_four__makespan_times_four)
{
    for (uint64_t seed = 8000; seed < 8200; seed++) {
        struct sample s;
        sim_problem_random(&s.p, seed, 30);
        sim_mapping_random(&s.mapping, &s.p.problem, seed, disciplines[seed % 2]);
        s.granularity = GRANULARITY_LAYER; /* parts of a layer round differently */
        set_rates(&s.p.soc, 1);
        sample_run(&s, false);
        uint64_t makespan_ps = s.result.schedule.makespan_ps;
        sim_result_release(&s.result);
        set_rates(&s.p.soc, 4);
        multiply_times(&s.p, 4);
        sample_run(&s, false);
        CHECK_SEED(seed, s.result.schedule.makespan_ps == 4 * makespan_ps);
        sample_close(&s);
    }
}

/* First come, first served networks know anomalies, the analytic evaluator does not. */
TEST(analytic__half_of_every_bandwidth__never_is_faster)
{
    for (uint64_t seed = 9000; seed < 9200; seed++) {
        struct sim_problem p;
        struct mapping mapping;
        enum granularity granularity = granularities[seed % 2];
        sim_problem_random(&p, seed, 30);
        sim_mapping_random(&mapping, &p.problem, seed, disciplines[seed / 2 % 2]);
        uint64_t fast_ps = analytic_schedule(&p.problem, &mapping, granularity, NULL);
        size_t layers = p.problem.layer_count;
        for (size_t i = 0; i < p.soc.link_count; i++)
            p.soc.links[i].bytes_per_s /= 2;
        for (size_t i = 0; i < p.soc.accelerator_count; i++)
            p.soc.accelerators[i].local_bytes_per_s /= 2;
        for (size_t i = 0; i < p.soc.channel_count; i++)
            p.soc.channels[i].bytes_per_s /= 2;
        problem_release(&p.problem);
        p.problem.layer_count = layers;
        p.problem.accelerator_count = p.soc.accelerator_count;
        sim_problem_close(&p);
        CHECK_SEED(seed, analytic_schedule(&p.problem, &mapping, granularity, NULL) >= fast_ps);
        mapping_release(&mapping);
        sim_problem_release(&p);
    }
}

/* --- threads ---------------------------------------------------------------------------------- */

TEST(analytic_evaluator__from_several_threads__same_numbers)
{
    enum { MAPPINGS = 200 };
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct sim_problem p;
        struct mapping mappings[MAPPINGS];
        struct evaluation out[MAPPINGS];
        enum granularity granularity = granularities[seed % 2];
        sim_problem_random(&p, seed, 60);
        struct evaluator *evaluator = analytic_evaluator_new(&p.problem, granularity);
        for (size_t i = 0; i < MAPPINGS; i++)
            sim_mapping_random(&mappings[i], &p.problem, i, disciplines[i % 2]);
#pragma omp parallel for num_threads(4)
        for (size_t i = 0; i < MAPPINGS; i++)
            (void)evaluator->evaluate(evaluator->ctx, &mappings[i], 1, &out[i], NULL);
        for (size_t i = 0; i < MAPPINGS; i++) {
            uint64_t makespan_ps = analytic_schedule(&p.problem, &mappings[i], granularity, NULL);
            CHECK_SEED(seed, makespan_ps == out[i].makespan_ps);
            CHECK_SEED(seed, mapping_energy(&p.problem, &mappings[i], makespan_ps).total_pj ==
                                 out[i].energy_pj);
            mapping_release(&mappings[i]);
        }
        analytic_evaluator_free(evaluator);
        sim_problem_release(&p);
    }
}
