/*
 * The default mapper: list schedules with insertion seed annealers on several islands; the best of
 * every round is replayed with contention, and the best of these wins.
 *
 * Rounds and islands do not depend on the number of threads, random streams are keyed by island,
 * budgets count placed layers: the same seed gives the same mapping for any number of jobs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/anneal.h"
#include "mapper/bounds.h"
#include "mapper/journal.h"
#include "mapper/lists.h"
#include "mapper/plan.h"
#include "mapper/rank.h"
#include "mapper/rows.h"
#include "mapper/taste.h"

enum { ISLANDS = 4, ROUNDS = 12, SEEDS_KEPT = ISLANDS, GUESTS = 3, PLANS_MIN = 100 };
static const double plans_share = 0.1, tastes_share = 0.3; /* of the budget */
/* Temperatures as shares of the value; 2% is far too hot. */
static const double hottest = 1e-3, coldest = 4e-5;
/* Of one network, about 8 us each. */
static const uint64_t default_proof_nodes = 50000;
/* A search whose size the user leaves open: ten seconds or less on two cores for any size, and no
 * more moves than small problems have use for. Without contention a layer is placed in a third of
 * the time. */
static const uint64_t default_budget_layers = UINT64_C(60000000), default_moves = 200000,
                      analytic_factor = 3;

struct search {
    const struct view *view;
    const struct mapper_options *options;
    struct decode_ways ways;
    struct anneal *islands[ISLANDS];
    struct mapping mappings[ISLANDS + 1]; /* of the islands' bests; the last: the best of all */
    struct mapping guests[GUESTS];        /* of other mappers, or the start; judged once */
    size_t guest_count;
    struct evaluation best;
    double best_value;
    unsigned idle_rounds;                            /* the last ones, without a better mapping */
    uint64_t exact_nodes, sim_evaluations, bound_ps; /* bound: by the fitness in force */
    uint64_t proved_ps;                              /* of uncontended times; 0: not looked for */
    struct journal journal;
};

static bool is_on(const struct search *search, enum mapper_lever lever)
{
    return !(search->options->levers_off >> lever & 1);
}

static uint64_t default_layers(const struct mapper_options *options, size_t layers)
{
    uint64_t contended = min_u64(default_budget_layers, default_moves * layers);
    return mapper_uses_sim(options) ? contended : analytic_factor * contended;
}

uint64_t mapper_budget_layers(const struct mapper_options *options, size_t layers)
{
    if (options->budget_layers)
        return options->budget_layers;
    if (options->budget_evals)
        return options->budget_evals * layers;
    return default_layers(options, layers);
}

static uint64_t budget_layers(const struct search *search)
{
    return mapper_budget_layers(search->options, search->view->layer_count);
}

/* --- seeds ---------------------------------------------------------------------------------- */

/* A list by falling rank, decoded greedily and justified; into `list`. */
struct seed {
    struct activity_list list;
    double value;
};

static bool is_about_deadlines(const struct search *search)
{
    return search->options->objective >= OBJECTIVE_PLAIN_COUNT;
}

static double seed_value(const struct search *search, const struct decode_result *r)
{
    if (is_about_deadlines(search))
        return anneal_lateness_value(search->options->objective, r);
    return objective_value(search->options->objective, r->makespan_ps, r->energy_pj) +
           1e-3 * r->mean_network_end_ps;
}

static double greedy_value(const struct search *search, struct decoder *decoder,
                           struct activity_list *list, double transfer_weight)
{
    const struct decode_taste taste = { .transfer_weight = transfer_weight };
    decoder_greedy(decoder, list, &taste);
    decoder_justify(decoder, list);
    struct decode_result r = decoder_run(decoder, list, 0, DECODE_NEVER, true);
    return seed_value(search, &r);
}

/* Keep the SEEDS_KEPT best, in order. */
static void offer(struct seed *seeds, const struct activity_list *list, double value, size_t layers)
{
    size_t at = SEEDS_KEPT;
    while (at > 0 && value < seeds[at - 1].value)
        at--;
    if (at == SEEDS_KEPT)
        return;
    struct seed last = seeds[SEEDS_KEPT - 1];
    memmove(&seeds[at + 1], &seeds[at], (SEEDS_KEPT - 1 - at) * sizeof *seeds);
    seeds[at] = last;
    seeds[at].value = value;
    activity_list_copy(&seeds[at].list, list, layers);
}

/* What other mappers find in a small share of the budget, as lists. */
static void offer_mappers(struct search *search, struct decoder *decoder, struct seed *seeds,
                          struct activity_list *list)
{
    static const struct {
        enum err_code (*run)(const struct problem *problem, const struct mapper_options *options,
                             struct mapper_result *out, struct err *err);
        double budget_share;
        bool uses_fitness; /* the one in force; else analytic */
    } rows[GUESTS] = { { mapper_heft_run, 0, false },
                       { mapper_herald_run, 0, false },
                       { mapper_comb_run, 0.05, true } };
    const struct problem *p = search->view->problem;
    for (size_t i = 0; i < GUESTS; i++) {
        struct mapper_options options = *search->options;
        double evals =
            rows[i].budget_share * (double)budget_layers(search) / (double)p->layer_count;
        options.budget_layers = options.population = options.generations = 0;
        options.budget_evals = max_u64((uint64_t)evals, 100);
        options.known_bound_ps = search->bound_ps;
        if (!rows[i].uses_fitness || options.fitness != FITNESS_MIXED) {
            options.fitness = FITNESS_ANALYTIC;
            options.sim = NULL;
            if (mapper_contends(search->options))
                options.known_bound_ps = 1; /* a contended bound says nothing of its times */
        }
        options.progress = NULL;
        struct mapper_result found = { 0 };
        if (rows[i].run(p, &options, &found, NULL) == ERR_OK) {
            activity_list_of_mapping(&search->ways, &found.mapping, list);
            struct decode_result r = decoder_run(decoder, list, 0, DECODE_NEVER, true);
            offer(seeds, list, seed_value(search, &r), p->layer_count);
            search->guests[search->guest_count++] = found.mapping;
            search->sim_evaluations += found.sim_evaluations;
            found.mapping = (struct mapping){ 0 };
        }
        mapper_result_release(&found);
    }
}

/* More than by default is for the annealers; with a time limit, more than fits half of it. */
static double seeds_budget_layers(const struct search *search)
{
    const double layers_per_s = 1e7, limit_s = search->options->time_limit_s;
    double layers = (double)min_u64(budget_layers(search),
                                    default_layers(search->options, search->view->layer_count));
    return limit_s > 0 ? fmin(layers, layers_per_s * limit_s) : layers;
}

static void offer_justified(const struct search *search, struct decoder *decoder,
                            struct seed *seeds, struct activity_list *list)
{
    decoder_run(decoder, list, 0, DECODE_NEVER, true);
    decoder_justify(decoder, list);
    struct decode_result r = decoder_run(decoder, list, 0, DECODE_NEVER, true);
    offer(seeds, list, seed_value(search, &r), search->view->layer_count);
}

/* One search for a taste per island, where there are kinds of accelerators to choose from. */
static void offer_tastes(struct search *search, struct decoder *decoder, struct seed *seeds)
{
    const struct problem *p = search->view->problem;
    struct activity_list lists[ISLANDS];
    uint64_t work_layers = (uint64_t)(tastes_share * seeds_budget_layers(search) / ISLANDS);
    if (!taste_suits(&search->ways))
        return;
    for (uint32_t i = 0; i < ISLANDS; i++)
        activity_list_init(&lists[i], p->layer_count);
#pragma omp parallel for schedule(dynamic, 1) num_threads(search->options->jobs)
    for (uint32_t i = 0; i < ISLANDS; i++)
        taste_search(&search->ways, search->options->seed, i, work_layers, search->options->stop,
                     &lists[i]);
    for (uint32_t i = 0; i < ISLANDS; i++) {
        offer_justified(search, decoder, seeds, &lists[i]);
        activity_list_release(&lists[i]);
    }
}

/* One search for a plan per island, if each can afford to try enough of them. */
static void offer_plans(struct search *search, struct decoder *decoder, struct seed *seeds)
{
    const struct problem *p = search->view->problem;
    struct activity_list lists[ISLANDS];
    bool in_a_hurry = search->options->time_limit_s > 0, no_tastes = !taste_suits(&search->ways);
    double share = plans_share + (in_a_hurry && no_tastes ? tastes_share : 0);
    uint64_t work_layers = (uint64_t)(share * seeds_budget_layers(search) / ISLANDS);
    if (!plan_suits(p) || work_layers / p->layer_count < PLANS_MIN)
        return;
    for (uint32_t i = 0; i < ISLANDS; i++)
        activity_list_init(&lists[i], p->layer_count);
#pragma omp parallel for schedule(dynamic, 1) num_threads(search->options->jobs)
    for (uint32_t i = 0; i < ISLANDS; i++)
        plan_search(&search->ways, search->options->seed, i, work_layers, search->options->stop,
                    &lists[i]);
    for (uint32_t i = 0; i < ISLANDS; i++) {
        offer_justified(search, decoder, seeds, &lists[i]);
        activity_list_release(&lists[i]);
    }
}

/* The earliest deadline first, then by what rank there was; predecessors before all that needs
 * them. */
static void rank_by_deadline(const struct problem *p, double *rank)
{
    double highest = 1;
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        highest = fmax(highest, rank[layer]);
    uint64_t last_ps = 0;
    const struct workload_network *networks = p->workload->networks;
    for (size_t n = 0; n < p->network_count; n++)
        if (networks[n].deadline_ps != WORKLOAD_NO_DEADLINE)
            last_ps = max_u64(last_ps, networks[n].deadline_ps);
    for (uint32_t layer = (uint32_t)p->layer_count; layer-- > 0;) {
        uint64_t deadline_ps = networks[p->network_of[layer]].deadline_ps;
        rank[layer] = rank[layer] / highest + (double)(last_ps - min_u64(deadline_ps, last_ps));
        for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++)
            rank[layer] = fmax(rank[layer], rank[p->succs[at].layer]);
    }
}

/*
 * Earliest-finish lists: upward ranks with mean times, with fastest times, and mixtures with a
 * random handicap per network, so that networks overlap in different ways.
 */
static void make_seeds(struct search *search, struct seed *seeds)
{
    const struct view *view = search->view;
    const struct problem *p = view->problem;
    const uint32_t trials = is_on(search, MAPPER_SEEDS) ? 32 : SEEDS_KEPT;
    static const double weights[] = { 1, 2, 4, 8 };
    struct decoder *decoder = decoder_new(&search->ways, mapper_contends(search->options), true);
    if (is_about_deadlines(search))
        decoder_judge_deadlines(decoder, search->options->objective == OBJECTIVE_XRBENCH);
    double *mean = mem_alloc(p->layer_count, sizeof *mean);
    double *rank = mem_alloc(p->layer_count, sizeof *rank);
    double *handicap = mem_alloc(p->network_count, sizeof *handicap);
    struct activity_list list;
    activity_list_init(&list, p->layer_count);
    rank_upward(view, mean);
    for (uint32_t trial = 0; trial < trials; trial++) {
        struct rng rng = rng_stream(search->options->seed, UINT64_C(0x73656564), trial);
        double spread = trial < 8 ? 0 : rng_real(&rng);
        for (size_t i = 0; i < p->network_count; i++)
            handicap[i] = 1 + spread * (2 * rng_real(&rng) - 1);
        for (uint32_t layer = 0; layer < p->layer_count; layer++) {
            uint32_t class = p->class_of[layer];
            double fast = (double)(search->ways.fastest_ps[class] + search->ways.tail_ps[layer]);
            rank[layer] = (trial % 2 ? mean[layer] : fast) * handicap[p->network_of[layer]];
        }
        if (is_about_deadlines(search) && trial / 8 % 2 == 0)
            rank_by_deadline(p, rank);
        activity_list_by_rank(view, rank, &list);
        double value = greedy_value(search, decoder, &list, weights[trial / 2 % 4]);
        offer(seeds, &list, value, p->layer_count);
    }
    if (is_on(search, MAPPER_SEEDS))
        offer_mappers(search, decoder, seeds, &list);
    if (is_on(search, MAPPER_SEEDS) && search->options->objective == OBJECTIVE_LATENCY) {
        offer_tastes(search, decoder, seeds);
        offer_plans(search, decoder, seeds);
    }
    activity_list_release(&list);
    free(mean);
    free(rank);
    free(handicap);
    decoder_free(decoder);
}

/* All islands go on from one mapping, each its own way. */
static void start_islands(struct search *search)
{
    struct activity_list list;
    activity_list_init(&list, search->view->layer_count);
    activity_list_of_mapping(&search->ways, search->options->start, &list);
    for (uint32_t i = 0; i < ISLANDS; i++)
        anneal_start(search->islands[i], &list);
    activity_list_release(&list);
    struct mapping *guest = &search->guests[search->guest_count++];
    mapping_init(guest, search->view->layer_count);
    mapping_copy(guest, search->options->start);
}

static void seed_islands(struct search *search)
{
    struct seed seeds[SEEDS_KEPT];
    size_t layers = search->view->layer_count;
    for (size_t i = 0; i < SEEDS_KEPT; i++) {
        activity_list_init(&seeds[i].list, layers);
        seeds[i].value = INFINITY;
    }
    make_seeds(search, seeds);
    for (uint32_t i = 0; i < ISLANDS; i++)
        anneal_start(search->islands[i], &seeds[i].list);
    for (size_t i = 0; i < SEEDS_KEPT; i++)
        activity_list_release(&seeds[i].list);
}

/* --- rounds --------------------------------------------------------------------------------- */

/* Small problems are searched anew in every round, from random lists. */
enum { SMALL_LAYERS = 24 };

static bool is_small(const struct search *search)
{
    return search->view->layer_count <= SMALL_LAYERS;
}

static void scatter(struct search *search, unsigned round, uint32_t island)
{
    struct rng rng =
        rng_stream(search->options->seed, UINT64_C(0x73636174), round * ISLANDS + island);
    struct activity_list list;
    activity_list_init(&list, search->view->layer_count);
    activity_list_random(&search->ways, &rng, &list);
    anneal_start(search->islands[island], &list);
    activity_list_release(&list);
}

struct heat {
    double hot, cold;
};

/* Cooler from round to round. In a small problem, where the least move is a large share of the
 * value, every round cools all the way; and so do half of the islands where nothing gets better,
 * from a higher temperature, to find out of the hole they are in. */
static struct heat heat_of(const struct search *search, unsigned round, int island)
{
    enum { IDLE_ROUNDS = 3, REHEAT = 4 };
    double first = hottest * fmax(1, 300.0 / search->view->layer_count), ratio = coldest / first;
    if (is_small(search))
        return (struct heat){ first, coldest };
    if (search->idle_rounds >= IDLE_ROUNDS && island >= ISLANDS / 2)
        return (struct heat){ REHEAT * first, coldest };
    return (struct heat){ first * pow(ratio, (double)round / ROUNDS),
                          first * pow(ratio, (double)(round + 1) / ROUNDS) };
}

static void anneal_round(struct search *search, unsigned round, uint64_t work_layers)
{
    bool anew = is_small(search) && round > 0;
    uint64_t bound_ps = search->options->objective == OBJECTIVE_LATENCY ? search->bound_ps : 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(search->options->jobs)
    for (int i = 0; i < ISLANDS; i++) {
        struct heat heat = heat_of(search, round, i);
        if (anew)
            scatter(search, round, (uint32_t)i);
        anneal_go(search->islands[i], work_layers, heat.hot, heat.cold, bound_ps,
                  search->options->stop);
        anneal_write_best(search->islands[i], &search->mappings[i]);
    }
}

/* What the fitness in force says of these mappings; keeps the best of all. */
static enum err_code judge(struct search *search, const struct mapping *mappings, size_t count,
                           struct err *err)
{
    struct evaluation evaluations[ISLANDS + GUESTS];
    const struct mapper_options *options = search->options;
    const struct evaluator *judge = mapper_uses_sim(options) ? options->sim : options->analytic;
    enum err_code rc = judge->evaluate(judge->ctx, mappings, count, evaluations, err);
    if (rc != ERR_OK)
        return rc;
    if (mapper_uses_sim(options))
        search->sim_evaluations += count;
    for (size_t i = 0; i < count; i++) {
        const struct evaluation *e = &evaluations[i];
        double value = evaluation_value(options->objective, e);
        if (value >= search->best_value)
            continue;
        search->best_value = value;
        search->best = *e;
        mapping_copy(&search->mappings[ISLANDS], &mappings[i]);
    }
    return ERR_OK;
}

/* The best island's list goes to the worst one: every other round, so that both have their time. */
static void migrate(struct search *search)
{
    size_t best = 0, worst = 0;
    for (size_t i = 1; i < ISLANDS; i++) {
        if (anneal_best_value(search->islands[i]) < anneal_best_value(search->islands[best]))
            best = i;
        if (anneal_best_value(search->islands[i]) > anneal_best_value(search->islands[worst]))
            worst = i;
    }
    if (best != worst)
        anneal_start(search->islands[worst], anneal_best(search->islands[best]));
}

static uint64_t evaluations(const struct search *search)
{
    uint64_t moves = search->exact_nodes;
    for (size_t i = 0; i < ISLANDS; i++)
        moves += anneal_moves(search->islands[i]);
    return moves;
}

static bool note_round(struct search *search, unsigned round)
{
    const struct mapper_progress now = {
        .evaluations = evaluations(search),
        .sim_evaluations = search->sim_evaluations,
        .step = round,
        .step_count = ROUNDS,
        .best_makespan_ps = search->best.makespan_ps,
        .best_energy_pj = search->best.energy_pj,
        .best_value = search->best_value,
    };
    return journal_step(&search->journal, &now);
}

static bool is_proved(const struct search *search)
{
    return search->options->objective == OBJECTIVE_LATENCY &&
           search->best.makespan_ps <= search->bound_ps;
}

static enum err_code run_rounds(struct search *search, struct err *err)
{
    uint64_t work_layers = budget_layers(search) / (ISLANDS * ROUNDS) + 1;
    if (search->options->start)
        start_islands(search);
    else
        seed_islands(search);
    enum err_code rc = judge(search, search->guests, search->guest_count, err);
    for (unsigned round = 0; round < ROUNDS && rc == ERR_OK; round++) {
        double value = search->best_value;
        anneal_round(search, round, work_layers);
        rc = judge(search, search->mappings, ISLANDS, err);
        if (rc != ERR_OK)
            return rc;
        search->idle_rounds = search->best_value < value ? 0 : search->idle_rounds + 1;
        if (!note_round(search, round + 1) || is_proved(search))
            break;
        if (round % 2 && !is_small(search))
            migrate(search);
    }
    return rc;
}

/* --- proofs --------------------------------------------------------------------------------- */

/* Not where there is a mapping to go on from: who has it looks after its proofs. */
static bool suits_exact(const struct mapper_options *options)
{
    return !options->start && options->objective == OBJECTIVE_LATENCY &&
           options->granularity == GRANULARITY_LAYER;
}

/* 0: none, for they are not reproducible in a hurry, nor worth it. */
static uint64_t proof_nodes(const struct mapper_options *options, uint64_t by_default)
{
    if (!suits_exact(options))
        return 0;
    return options->proof_nodes || options->time_limit_s > 0 ? options->proof_nodes : by_default;
}

/* What few layers leave open, branch and bound settles in about the time they took. */
static enum err_code finish_exactly(struct search *search, struct err *err)
{
    enum { FEW_LAYERS = 12, MOVES_PER_NODE = 4 };
    struct mapper_options options = *search->options;
    uint32_t layers = search->view->layer_count;
    uint64_t nodes = proof_nodes(&options, budget_layers(search) / layers / MOVES_PER_NODE + 1);
    if (!is_on(search, MAPPER_EXACT) || nodes == 0 || layers > FEW_LAYERS || is_proved(search) ||
        search->journal.interrupted)
        return ERR_OK;
    options.start = &search->mappings[ISLANDS];
    options.fitness = FITNESS_ANALYTIC;
    options.sim = NULL;
    options.progress = NULL;
    options.budget_layers = 0;
    options.budget_evals = nodes;
    struct mapper_result found = { 0 };
    enum err_code rc = mapper_exact_run(search->view->problem, &options, &found, err);
    if (rc == ERR_OK) {
        search->exact_nodes = found.evaluations;
        search->proved_ps = max_u64(search->proved_ps, found.proved_bound_ps);
        search->bound_ps = max_u64(search->bound_ps, found.proved_bound_ps);
        rc = judge(search, &found.mapping, 1, err);
    }
    if (rc == ERR_OK)
        note_round(search, ROUNDS);
    mapper_result_release(&found);
    return rc;
}

/* A network that is near the bound may raise it: it is looked at alone. */
static void find_bounds(struct search *search)
{
    const struct mapper_options *options = search->options;
    const struct problem *p = search->view->problem;
    struct lower_bound plain, contended = { 0 };
    mapper_lower_bounds(p, options->granularity, &plain,
                        mapper_contends(search->options) ? &contended : NULL);
    search->proved_ps = plain.makespan_ps;
    uint64_t nodes = proof_nodes(options, default_proof_nodes);
    if (nodes)
        search->proved_ps = bounds_alone_ps(p, plain.makespan_ps, nodes, options->stop);
    search->bound_ps = max_u64(search->proved_ps, contended.makespan_ps);
}

enum err_code mapper_socweave_run(const struct problem *problem,
                                  const struct mapper_options *options, struct mapper_result *out,
                                  struct err *err)
{
    struct view view;
    view_init(&view, problem);
    struct search search = {
        .view = &view,
        .options = options,
        .best_value = INFINITY,
        .bound_ps = options->known_bound_ps,
    };
    if (search.bound_ps == 0)
        find_bounds(&search);
    const struct anneal_levers levers = anneal_levers_of(options->levers_off);
    decode_ways_init(&search.ways, &view);
    for (uint32_t i = 0; i < ISLANDS; i++)
        search.islands[i] = anneal_new(&search.ways, mapper_contends(options), options->objective,
                                       &levers, options->seed, i);
    for (size_t i = 0; i <= ISLANDS; i++)
        mapping_init(&search.mappings[i], problem->layer_count);
    journal_init(&search.journal, options);
    enum err_code rc = run_rounds(&search, err);
    if (rc == ERR_OK)
        rc = finish_exactly(&search, err);
    if (rc == ERR_OK) {
        out->mapping = search.mappings[ISLANDS];
        search.mappings[ISLANDS] = (struct mapping){ 0 };
        out->evaluations = evaluations(&search);
        out->sim_evaluations = search.sim_evaluations;
        journal_finish(&search.journal, out);
        out->proved_bound_ps = search.proved_ps;
        out->proved_optimal = search.proved_ps && is_proved(&search);
    }
    for (uint32_t i = 0; i < ISLANDS; i++)
        anneal_free(search.islands[i]);
    for (size_t i = 0; i <= ISLANDS; i++)
        mapping_release(&search.mappings[i]);
    for (size_t i = 0; i < search.guest_count; i++)
        mapping_release(&search.guests[i]);
    journal_release(&search.journal);
    decode_ways_release(&search.ways);
    view_release(&view);
    return rc;
}
