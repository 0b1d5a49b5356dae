/*
 * COMB's search over groupings (Algorithm 1) with three ways to choose accelerators: its own
 * greedy one (comb), by turns (round-robin, its ablation), and at random without a search (random).
 * And once with groups of one layer (comb-no-sharing), which is how COMB's paper reads MAGMA.
 * Source: Zheng, Chen, Liang, DAC 2023.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "ga/ga.h"
#include "mapper/grouping.h"
#include "mapper/journal.h"
#include "mapper/place.h"
#include "mapper/rows.h"

/*
 * What the paper leaves open, chosen on its cases (docs/model.md M-58). Elites: geometric mean of
 * makespan over lower bound at 8 million placed layers, 16 cases: with one seed 3 elites 1.64 and 6
 * elites 1.56, with two 10 elites 1.53, 15 and 20 elites 1.48, 30 elites 1.53. Re-ranked ones,
 * fitness mixed, the same cases, 24 million: 4 1.539, 10 1.527, 20 1.522, 40 1.501 at three times
 * the simulations of 20.
 */
enum { ELITES = 20, POPULATION = 100, RERANKED = 20, RANDOM_BATCH = 64 };
static const double mutation_rate = 1.0; /* r: crossovers are ELITES times as many anyway */

/* Placed layers of a search whose size the user leaves open: about 2 s on two cores. */
static const uint64_t default_work_layers = 24000000;
/* But no more evaluations per layer than this: a handful of layers is searched through long before
 * that, and an evaluation has costs beside its layers. */
static const uint64_t default_evals_per_layer = 256, default_evals_least = 4000;

struct worker {
    struct grouping_scratch *grouping;
    struct place_scratch *place;
    struct mapping mapping; /* for the analytic evaluator */
    struct err err;         /* first failure of an evaluator; the search goes on to its end */
};

struct search {
    const struct view *view;
    const struct mapper_options *options;
    enum place_policy policy;
    unsigned worker_count, step_count;
    struct worker *workers;
    struct mapping *batch; /* for rerank */
    struct evaluation *batch_out;
    size_t batch_capacity;
    struct journal journal;
    uint64_t sim_evaluations;
    uint64_t bound_ps;      /* no makespan is shorter */
    struct evaluation best; /* what best_value says in full */
    double best_value;
};

/* --- callbacks of the genetic algorithm ---------------------------------------------------- */

static void random_genome(void *ctx, unsigned thread, struct rng *rng, void *genome)
{
    struct search *search = ctx;
    grouping_random(search->view, search->workers[thread].grouping, rng, genome);
}

static void mutate(void *ctx, unsigned thread, struct rng *rng, const void *parent, void *child)
{
    struct search *search = ctx;
    grouping_mutate(search->view, search->workers[thread].grouping, rng, parent, child);
}

static void crossover(void *ctx, unsigned thread, struct rng *rng, const void *father,
                      const void *mother, void *child)
{
    struct search *search = ctx;
    grouping_crossover(search->view, search->workers[thread].grouping, rng, father, mother, child);
}

static uint64_t place(const struct search *search, struct worker *worker, const void *genome)
{
    return place_groups(search->view, worker->place, search->policy, search->options->objective,
                        genome);
}

static enum err_code evaluate_fully(const struct search *search, struct worker *worker,
                                    const void *genome, struct evaluation *out)
{
    place(search, worker, genome);
    place_write(search->view, worker->place, genome, &worker->mapping);
    const struct evaluator *analytic = search->options->analytic;
    return analytic->evaluate(analytic->ctx, &worker->mapping, 1, out, &worker->err);
}

static double evaluate(void *ctx, unsigned thread, void *genome)
{
    struct search *search = ctx;
    struct worker *worker = &search->workers[thread];
    const struct mapper_options *options = search->options;
    /* Algorithm 2 knows the makespan already; energy and tiles are the evaluator's business. */
    if (options->objective == OBJECTIVE_LATENCY && options->granularity == GRANULARITY_LAYER)
        return (double)place(search, worker, genome);
    struct evaluation evaluation;
    if (evaluate_fully(search, worker, genome, &evaluation) != ERR_OK)
        return INFINITY;
    return evaluation_value(options->objective, &evaluation);
}

static void grow_batch(struct search *search, size_t count)
{
    if (count <= search->batch_capacity)
        return;
    search->batch = mem_grow(search->batch, count, sizeof *search->batch);
    search->batch_out = mem_grow(search->batch_out, count, sizeof *search->batch_out);
    for (size_t i = search->batch_capacity; i < count; i++)
        mapping_init(&search->batch[i], search->view->layer_count);
    search->batch_capacity = count;
}

static enum err_code rerank(void *ctx, void *const *genomes, size_t count, double *values,
                            struct err *err)
{
    struct search *search = ctx;
    const struct mapper_options *options = search->options;
    struct worker *worker = &search->workers[0];
    grow_batch(search, count);
    for (size_t i = 0; i < count; i++) {
        place(search, worker, genomes[i]);
        place_write(search->view, worker->place, genomes[i], &search->batch[i]);
    }
    enum err_code rc =
        options->sim->evaluate(options->sim->ctx, search->batch, count, search->batch_out, err);
    if (rc != ERR_OK)
        return rc;
    search->sim_evaluations += count;
    for (size_t i = 0; i < count; i++) {
        const struct evaluation *out = &search->batch_out[i];
        values[i] = evaluation_value(options->objective, out);
        if (values[i] < search->best_value) {
            search->best_value = values[i];
            search->best = *out;
        }
    }
    return ERR_OK;
}

/* Nothing can be better: a bound of the uncontended makespan bounds the simulated one too. */
static bool is_proved(const struct search *search)
{
    return search->options->objective == OBJECTIVE_LATENCY && search->best.makespan_ps > 0 &&
           search->best.makespan_ps <= search->bound_ps;
}

static bool observe(void *ctx, unsigned generation, const void *best, double best_value,
                    uint64_t evaluations)
{
    struct search *search = ctx;
    if (!mapper_uses_sim(search->options) && best_value < search->best_value &&
        evaluate_fully(search, &search->workers[0], best, &search->best) == ERR_OK)
        search->best_value = best_value;
    const struct mapper_progress now = {
        .evaluations = evaluations,
        .sim_evaluations = search->sim_evaluations,
        .step = generation + 1,
        .step_count = generation < search->step_count ? search->step_count : generation + 1,
        .best_makespan_ps = search->best.makespan_ps,
        .best_energy_pj = search->best.energy_pj,
        .best_value = best_value,
    };
    return journal_step(&search->journal, &now) && !is_proved(search);
}

/* --- the search ---------------------------------------------------------------------------- */

static void search_init(struct search *search, const struct view *view,
                        const struct mapper_options *options, enum place_policy policy)
{
    unsigned workers = options->jobs > 1 ? options->jobs : 1;
    *search = (struct search){
        .view = view,
        .options = options,
        .policy = policy,
        .worker_count = workers,
        .workers = mem_alloc(workers, sizeof *search->workers),
        .best_value = INFINITY,
    };
    for (unsigned i = 0; i < workers; i++) {
        search->workers[i].grouping = grouping_scratch_new(view);
        search->workers[i].place = place_scratch_new(view);
        mapping_init(&search->workers[i].mapping, view->layer_count);
    }
    journal_init(&search->journal, options);
}

static void search_release(struct search *search)
{
    for (unsigned i = 0; i < search->worker_count; i++) {
        grouping_scratch_free(search->workers[i].grouping);
        place_scratch_free(search->workers[i].place);
        mapping_release(&search->workers[i].mapping);
    }
    for (size_t i = 0; i < search->batch_capacity; i++)
        mapping_release(&search->batch[i]);
    free(search->workers);
    free(search->batch);
    free(search->batch_out);
    journal_release(&search->journal);
}

static enum err_code worker_error(const struct search *search, struct err *err)
{
    for (unsigned i = 0; i < search->worker_count; i++)
        if (search->workers[i].err.code != ERR_OK) {
            if (err && err->code == ERR_OK)
                *err = search->workers[i].err;
            return search->workers[i].err.code;
        }
    return ERR_OK;
}

static uint64_t default_evals(uint64_t layers)
{
    uint64_t enough = max_u64(default_evals_per_layer * layers, default_evals_least);
    return min_u64(default_work_layers / layers, enough);
}

static struct ga_options plan(struct search *search, enum ga_breeding breeding)
{
    const struct mapper_options *options = search->options;
    unsigned population = options->population ? options->population : POPULATION;
    if (breeding == GA_BREED_RANDOM && !options->population)
        population = RANDOM_BATCH;
    struct ga_options ga = {
        .seed = options->seed,
        .breeding = breeding,
        .population = population,
        .generations = options->generations,
        .elite_count = ELITES,
        .rerank_count = options->fitness == FITNESS_SIM ? UINT32_MAX : RERANKED,
        .mutation_rate = mutation_rate,
        .crossover_rate = 1,
        .jobs = search->worker_count,
        .budget_evals = options->budget_evals,
    };
    if (!ga.generations && !ga.budget_evals)
        ga.budget_evals = max_u64(default_evals(search->view->layer_count), population);
    return ga;
}

/* Generations to expect, for the progress bar. */
static unsigned count_steps(const struct ga_options *ga)
{
    uint64_t per_step = ga->breeding == GA_BREED_PAIRS ? (uint64_t)ELITES * ELITES : ga->population;
    uint64_t after_first =
        ga->budget_evals > ga->population ? ga->budget_evals - ga->population : 0;
    uint64_t by_budget = 1 + ceil_div_u64(after_first, per_step);
    if (!ga->budget_evals)
        return ga->generations;
    return (unsigned)min_u64(by_budget, ga->generations ? ga->generations : UINT32_MAX);
}

static void take_best(struct search *search, const void *genome, const struct ga_result *found,
                      struct mapper_result *out)
{
    struct worker *worker = &search->workers[0];
    place(search, worker, genome);
    mapping_init(&out->mapping, search->view->layer_count);
    place_write(search->view, worker->place, genome, &out->mapping);
    out->evaluations = found->evaluations;
    out->sim_evaluations = search->sim_evaluations;
    out->proved_bound_ps = search->bound_ps;
    out->proved_optimal = is_proved(search);
    journal_finish(&search->journal, out);
}

/* Groups then have one layer. */
static void forbid_sharing(struct view *view)
{
    view->share_max = 1;
    for (uint32_t kind = 0; kind < view->kind_count; kind++)
        view->capacity[kind].share = 1;
}

struct variant {
    enum place_policy policy;
    enum ga_breeding breeding;
    bool shares;
};

static enum err_code search_groupings(const struct problem *problem,
                                      const struct mapper_options *options,
                                      const struct variant *variant, struct mapper_result *out,
                                      struct err *err)
{
    struct view view;
    view_init(&view, problem);
    if (!variant->shares)
        forbid_sharing(&view);
    struct search search;
    search_init(&search, &view, options, variant->policy);
    search.bound_ps = options->known_bound_ps
                          ? options->known_bound_ps
                          : mapper_lower_bound(problem, options->granularity).makespan_ps;
    const struct ga_options ga = plan(&search, variant->breeding);
    search.step_count = count_steps(&ga);
    const struct ga_problem callbacks = {
        .ctx = &search,
        .genome_bytes = grouping_bytes(&view),
        .random = random_genome,
        .mutate = mutate,
        .crossover = crossover,
        .evaluate = evaluate,
        .rerank = mapper_uses_sim(options) ? rerank : NULL,
        .observe = observe,
    };
    void *best = mem_alloc(1, callbacks.genome_bytes);
    struct ga_result found;
    enum err_code rc = ga_run(&callbacks, &ga, best, &found, err);
    if (rc == ERR_OK)
        rc = worker_error(&search, err);
    if (rc == ERR_OK)
        take_best(&search, best, &found, out);
    free(best);
    search_release(&search);
    view_release(&view);
    return rc;
}

enum err_code mapper_comb_run(const struct problem *problem, const struct mapper_options *options,
                              struct mapper_result *out, struct err *err)
{
    static const struct variant variant = { PLACE_GREEDY, GA_BREED_PAIRS, true };
    return search_groupings(problem, options, &variant, out, err);
}

enum err_code mapper_comb_no_sharing_run(const struct problem *problem,
                                         const struct mapper_options *options,
                                         struct mapper_result *out, struct err *err)
{
    static const struct variant variant = { PLACE_GREEDY, GA_BREED_PAIRS, false };
    return search_groupings(problem, options, &variant, out, err);
}

enum err_code mapper_round_robin_run(const struct problem *problem,
                                     const struct mapper_options *options,
                                     struct mapper_result *out, struct err *err)
{
    static const struct variant variant = { PLACE_TURNS, GA_BREED_PAIRS, true };
    return search_groupings(problem, options, &variant, out, err);
}

enum err_code mapper_random_run(const struct problem *problem, const struct mapper_options *options,
                                struct mapper_result *out, struct err *err)
{
    static const struct variant variant = { PLACE_RANDOM, GA_BREED_RANDOM, true };
    return search_groupings(problem, options, &variant, out, err);
}
