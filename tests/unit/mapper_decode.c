/* The decoder and the annealer behind the default mapper. */
#include "mapper/decode.h"

#include <stdlib.h>

#include "core/rng.h"
#include "mapper/mapper.h"
#include "mapper/rank.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

struct setting {
    struct fixture f;
    struct view view;
    struct decode_ways ways;
    struct decoder *decoder;
    struct activity_list list;
};

static void setting_init(struct setting *s, uint64_t seed, bool contention)
{
    const struct fixture_shape shape = {
        .layers = 3 + (unsigned)seed % 60,
        .networks = 1 + (unsigned)seed % 4,
        .accelerators = 1 + (unsigned)seed % 6,
        .edge_probability = 0.1 * (double)(seed % 7),
        .finite_memory = seed % 2,
        .cut_through = seed % 3 == 0,
        .periodic = seed % 5 == 2,
    };
    fixture_random(&s->f, seed, &shape);
    view_init(&s->view, &s->f.problem);
    decode_ways_init(&s->ways, &s->view);
    s->decoder = decoder_new(&s->ways, contention, true);
    activity_list_init(&s->list, s->f.problem.layer_count);
}

static void setting_release(struct setting *s)
{
    activity_list_release(&s->list);
    decoder_free(s->decoder);
    decode_ways_release(&s->ways);
    view_release(&s->view);
    fixture_release(&s->f);
}

/* Random ways in the order of a random topological sort (layer numbers are one). */
static void random_list(struct setting *s, struct rng *rng)
{
    const struct problem *p = &s->f.problem;
    double *rank = calloc(p->layer_count, sizeof *rank);
    for (uint32_t layer = (uint32_t)p->layer_count; layer-- > 0;) {
        for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++)
            rank[layer] =
                rank[p->succs[at].layer] > rank[layer] ? rank[p->succs[at].layer] : rank[layer];
        rank[layer] += rng_real(rng);
        s->list.way[layer] = (uint16_t)rng_below(rng, decode_way_count(&s->ways, layer));
    }
    rank_order(&s->view, rank, s->list.order);
    for (uint32_t at = 0; at < p->layer_count; at++)
        s->list.position[s->list.order[at]] = at;
    free(rank);
}

static struct mapping mapping_of(struct setting *s)
{
    struct mapping mapping;
    mapping_init(&mapping, s->f.problem.layer_count);
    decoder_write_mapping(s->decoder, &s->list, &mapping);
    return mapping;
}

TEST(decode__random_lists__replay_no_later_and_legally)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        test_seed(seed);
        struct setting s;
        setting_init(&s, seed, false);
        struct rng rng = rng_stream(seed, 1, 1);
        random_list(&s, &rng);
        struct decode_result r = decoder_run(s.decoder, &s.list, 0, DECODE_NEVER, true);
        struct mapping mapping = mapping_of(&s);
        struct schedule schedule;
        schedule_init(&schedule, s.f.problem.layer_count);
        analytic_schedule(&s.f.problem, &mapping, GRANULARITY_LAYER, &schedule);
        CHECK_OK(mapping_check(&s.f.problem, &mapping, &schedule, GRANULARITY_LAYER, err));
        CHECK(schedule.makespan_ps <= r.makespan_ps);
        for (uint32_t layer = 0; layer < s.f.problem.layer_count; layer++)
            CHECK(schedule.end_ps[layer] <= decoder_end_ps(s.decoder)[layer]);
        schedule_release(&schedule);
        mapping_release(&mapping);
        setting_release(&s);
    }
}

TEST(dispatch__random_lists__take_the_simulated_time_to_the_bit)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        test_seed(seed);
        struct setting s;
        setting_init(&s, seed, true);
        struct rng rng = rng_stream(seed, 1, 2);
        random_list(&s, &rng);
        struct decode_result r = decoder_run(s.decoder, &s.list, 0, DECODE_NEVER, true);
        struct mapping mapping = mapping_of(&s);
        struct sim_options options = { .granularity = GRANULARITY_LAYER };
        struct sim_result sim;
        CHECK_OK(sim_run(&s.f.problem, &mapping, &options, &sim, err));
        CHECK_INT(sim.schedule.makespan_ps, r.makespan_ps);
        for (uint32_t layer = 0; layer < s.f.problem.layer_count; layer++)
            CHECK_INT(sim.schedule.end_ps[layer], decoder_end_ps(s.decoder)[layer]);
        double energy_pj =
            mapping_energy(&s.f.problem, &mapping, sim.schedule.makespan_ps).total_pj;
        CHECK_NEAR(energy_pj, r.energy_pj, 1e-9 * energy_pj);
        sim_result_release(&sim);
        mapping_release(&mapping);
        setting_release(&s);
    }
}

/* Changes at random positions, decoded from snapshots, against a decoder that starts anew. */
TEST(decode__from_snapshots__equals_decoding_from_the_start)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        test_seed(seed);
        struct setting s;
        setting_init(&s, 3 * seed + 50, false);
        struct rng rng = rng_stream(seed, 1, 3);
        random_list(&s, &rng);
        decoder_run(s.decoder, &s.list, 0, DECODE_NEVER, true);
        struct decoder *fresh = decoder_new(&s.ways, false, true);
        for (int change = 0; change < 40; change++) {
            uint32_t at = rng_below(&rng, (uint32_t)s.f.problem.layer_count);
            uint32_t layer = s.list.order[at];
            uint16_t old = s.list.way[layer];
            s.list.way[layer] = (uint16_t)rng_below(&rng, decode_way_count(&s.ways, layer));
            bool keep = rng_below(&rng, 2);
            struct decode_result r = decoder_run(s.decoder, &s.list, at, DECODE_NEVER, keep);
            struct decode_result whole = decoder_run(fresh, &s.list, 0, DECODE_NEVER, true);
            CHECK_INT(whole.makespan_ps, r.makespan_ps);
            CHECK_NEAR(whole.energy_pj, r.energy_pj, 1e-9 * whole.energy_pj);
            CHECK_NEAR(whole.mean_network_end_ps, r.mean_network_end_ps, 0.5);
            if (!keep)
                s.list.way[layer] = old;
        }
        decoder_free(fresh);
        setting_release(&s);
    }
}

TEST(decode__limit_below_the_makespan__gives_up_and_at_it_does_not)
{
    for (uint64_t seed = 0; seed < 60; seed++)
        for (int contention = 0; contention < 2; contention++) {
            test_seed(seed);
            struct setting s;
            setting_init(&s, seed, contention);
            struct rng rng = rng_stream(seed, 1, 4);
            random_list(&s, &rng);
            uint64_t makespan_ps =
                decoder_run(s.decoder, &s.list, 0, DECODE_NEVER, true).makespan_ps;
            struct decode_result at = decoder_run(s.decoder, &s.list, 0, makespan_ps, false);
            CHECK_INT(makespan_ps, at.makespan_ps);
            if (contention) {
                struct decode_result below =
                    decoder_run(s.decoder, &s.list, 0, makespan_ps - 1, false);
                CHECK(below.makespan_ps == DECODE_NEVER);
            }
            setting_release(&s);
        }
}

TEST(decode__justified_list__is_a_topological_order_and_rarely_worse)
{
    int worse = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        test_seed(seed);
        struct setting s;
        setting_init(&s, seed, false);
        const struct problem *p = &s.f.problem;
        struct rng rng = rng_stream(seed, 1, 5);
        random_list(&s, &rng);
        uint64_t before_ps = decoder_run(s.decoder, &s.list, 0, DECODE_NEVER, true).makespan_ps;
        decoder_justify(s.decoder, &s.list);
        for (uint32_t layer = 0; layer < p->layer_count; layer++)
            for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++)
                CHECK(s.list.position[p->preds[at].layer] < s.list.position[layer]);
        worse += decoder_run(s.decoder, &s.list, 0, DECODE_NEVER, true).makespan_ps > before_ps;
        setting_release(&s);
    }
    CHECK(worse <= 5);
}

static struct mapper_result search(const struct problem *problem, const char *mapper, uint64_t seed,
                                   uint64_t budget_evals)
{
    struct evaluator *analytic = analytic_evaluator_new(problem, GRANULARITY_LAYER);
    struct mapper_options options = {
        .seed = seed,
        .budget_evals = budget_evals,
        .jobs = 1,
        .levers_off = 1u << MAPPER_EXACT, /* the annealers' own */
        .analytic = analytic,
    };
    struct mapper_result result;
    CHECK_OK(mapper_run(mapper_find(mapper), problem, &options, &result, err));
    analytic_evaluator_free(analytic);
    return result;
}

TEST(socweave__up_to_seven_layers_without_exact__is_optimal)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        test_seed(seed);
        const struct fixture_shape shape = {
            .layers = 2 + (unsigned)seed % 6,
            .networks = 1 + (unsigned)seed % 2,
            .accelerators = 1 + (unsigned)seed % 3,
            .edge_probability = 0.1 * (double)(seed % 6),
        };
        struct fixture f;
        fixture_random(&f, seed, &shape);
        struct mapper_result exact = search(&f.problem, "exact", seed, 0);
        struct mapper_result found = search(&f.problem, "socweave", seed, 20000);
        uint64_t exact_ps = analytic_schedule(&f.problem, &exact.mapping, GRANULARITY_LAYER, NULL);
        uint64_t found_ps = analytic_schedule(&f.problem, &found.mapping, GRANULARITY_LAYER, NULL);
        CHECK(exact.proved_optimal);
        CHECK_INT(exact_ps, found_ps);
        mapper_result_release(&exact);
        mapper_result_release(&found);
        fixture_release(&f);
    }
}
