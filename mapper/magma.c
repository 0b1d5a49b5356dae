/*
 * MAGMA: a genetic algorithm over an accelerator and a priority per layer, one layer at a time per
 * accelerator. It was made for independent jobs; with a graph, a layer waits for its inputs, and
 * among those whose inputs have arrived the priority decides (serial.h).
 * Source: Kao, Krishna, HPCA 2022, section 5; github.com/maestro-project/magma, commit d7a64b7.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "ga/ga.h"
#include "mapper/journal.h"
#include "mapper/rows.h"
#include "mapper/serial.h"

/* HPCA 2022, section 5.2, and the defaults of the published code, where the operators are applied
 * in this order and a later one replaces the child of an earlier one. */
static const struct {
    unsigned population;
    uint64_t samples; /* evaluations */
    double survivor_share, parent_share;
    double crossover_gen;   /* one section (accelerators or priorities), behind a random place */
    double crossover_range; /* both sections, between two random places */
    double crossover_accel; /* all layers that one parent has on one accelerator */
    double gene_mutation;   /* of every gene of every child */
} published = {
    .population = 100, /* as many as jobs, of which the paper takes 100 at a time */
    .samples = 10000,
    .survivor_share = 0.05,
    .parent_share = 0.1,
    .crossover_gen = 0.9,
    .crossover_range = 0.1,
    .crossover_accel = 0.1,
    .gene_mutation = 0.05,
};

/* Ours: small problems are given what COMB's search is given, if that is more. */
static const uint64_t default_work_layers = 24000000;
enum { RERANKED = 4 };

/* A genome: uint32_t priority[layers], then uint16_t acc_of[layers], padded to whole words. */
static size_t genome_bytes(const struct view *view)
{
    size_t layers = view->layer_count;
    return layers * sizeof(uint32_t) + (layers + layers % 2) * sizeof(uint16_t);
}

static uint32_t *priorities(void *genome)
{
    return genome;
}

static uint16_t *accelerators(const struct view *view, void *genome)
{
    return (uint16_t *)(void *)((uint32_t *)genome + view->layer_count);
}

struct worker {
    struct serial *serial;
    struct mapping mapping;
    struct err err;
};

struct search {
    const struct view *view;
    const struct mapper_options *options;
    unsigned worker_count, step_count;
    struct worker *workers;
    struct journal journal;
    uint64_t sim_evaluations;
    struct evaluation best;
    double best_value;
};

/* --- operators ------------------------------------------------------------------------------- */

static uint16_t draw_accelerator(const struct view *view, struct rng *rng, uint32_t layer)
{
    const uint32_t *begin = view->support_begin + view->problem->class_of[layer];
    return (uint16_t)view->support[begin[0] + rng_below(rng, begin[1] - begin[0])];
}

static void random_genome(void *ctx, unsigned thread, struct rng *rng, void *genome)
{
    const struct view *view = ((struct search *)ctx)->view;
    (void)thread;
    memset(genome, 0, genome_bytes(view));
    for (uint32_t layer = 0; layer < view->layer_count; layer++) {
        accelerators(view, genome)[layer] = draw_accelerator(view, rng, layer);
        priorities(genome)[layer] = rng_u32(rng);
    }
}

/* Another parent's genes for layers [begin, end) of one section or both. */
static void take_genes(const struct view *view, const void *from, void *to, uint32_t begin,
                       uint32_t end, bool take_accelerators, bool take_priorities)
{
    /* accelerators() only finds the place; `from` is not written. */
    const uint16_t *from_accs = accelerators(view, (void *)(uintptr_t)from);
    const uint32_t *from_priorities = from;
    if (take_accelerators)
        memcpy(accelerators(view, to) + begin, from_accs + begin,
               (end - begin) * sizeof *from_accs);
    if (take_priorities)
        memcpy(priorities(to) + begin, from_priorities + begin,
               (end - begin) * sizeof *from_priorities);
}

static void cross_section(const struct view *view, struct rng *rng, const void *mother, void *child)
{
    bool of_accelerators = rng_below(rng, 2);
    take_genes(view, mother, child, rng_below(rng, view->layer_count), view->layer_count,
               of_accelerators, !of_accelerators);
}

static void cross_range(const struct view *view, struct rng *rng, const void *mother, void *child)
{
    uint32_t a = rng_below(rng, view->layer_count), b = rng_below(rng, view->layer_count);
    take_genes(view, mother, child, a < b ? a : b, (a < b ? b : a) + 1, true, true);
}

/* The mother's layers of one accelerator come with their priorities; what the father had there
 * beside them is spread at random. */
static void cross_accelerator(const struct view *view, struct rng *rng, const void *mother,
                              void *child)
{
    const uint16_t *mothers = accelerators(view, (void *)(uintptr_t)mother);
    uint16_t acc = (uint16_t)rng_below(rng, view->accelerator_count);
    for (uint32_t layer = 0; layer < view->layer_count; layer++) {
        if (mothers[layer] == acc)
            take_genes(view, mother, child, layer, layer + 1, true, true);
        else if (accelerators(view, child)[layer] == acc)
            accelerators(view, child)[layer] = draw_accelerator(view, rng, layer);
    }
}

/* Layers to the next mutated gene: geometric, so that a draw per gene is not needed. */
static uint32_t genes_to_next(struct rng *rng)
{
    double skip = log(1 - rng_real(rng)) / log(1 - published.gene_mutation);
    return skip < 1e9 ? (uint32_t)skip : UINT32_C(1000000000);
}

static void mutate_genes(const struct view *view, struct rng *rng, void *child)
{
    uint32_t layers = view->layer_count;
    for (uint64_t at = genes_to_next(rng); at < 2 * (uint64_t)layers; at += 1 + genes_to_next(rng))
        if (at < layers)
            accelerators(view, child)[at] = draw_accelerator(view, rng, (uint32_t)at);
        else
            priorities(child)[at - layers] = rng_u32(rng);
}

static void crossover(void *ctx, unsigned thread, struct rng *rng, const void *father,
                      const void *mother, void *child)
{
    const struct view *view = ((struct search *)ctx)->view;
    (void)thread;
    memcpy(child, father, genome_bytes(view));
    if (rng_real(rng) < published.crossover_accel)
        cross_accelerator(view, rng, mother, child);
    else if (rng_real(rng) < published.crossover_range)
        cross_range(view, rng, mother, child);
    else if (rng_real(rng) < published.crossover_gen)
        cross_section(view, rng, mother, child);
    mutate_genes(view, rng, child);
}

static void mutate(void *ctx, unsigned thread, struct rng *rng, const void *parent, void *child)
{
    crossover(ctx, thread, rng, parent, parent, child);
}

/* --- fitness --------------------------------------------------------------------------------- */

static uint64_t dispatch(const struct search *search, struct worker *worker, void *genome)
{
    return serial_dispatch(worker->serial, accelerators(search->view, genome), priorities(genome))
        .makespan_ps;
}

static void write_mapping(const struct search *search, struct worker *worker, void *genome,
                          struct mapping *out)
{
    dispatch(search, worker, genome);
    serial_write(worker->serial, accelerators(search->view, genome), out);
}

static enum err_code evaluate_with(const struct search *search, const struct evaluator *evaluator,
                                   struct worker *worker, const void *genome,
                                   struct evaluation *out, struct err *err)
{
    write_mapping(search, worker, (void *)(uintptr_t)genome, &worker->mapping);
    return evaluator->evaluate(evaluator->ctx, &worker->mapping, 1, out, err);
}

static double evaluate(void *ctx, unsigned thread, void *genome)
{
    struct search *search = ctx;
    struct worker *worker = &search->workers[thread];
    const struct mapper_options *options = search->options;
    if (options->objective == OBJECTIVE_LATENCY && options->granularity == GRANULARITY_LAYER)
        return (double)dispatch(search, worker, genome);
    struct evaluation out;
    if (evaluate_with(search, options->analytic, worker, genome, &out, &worker->err) != ERR_OK)
        return INFINITY;
    return evaluation_value(options->objective, &out);
}

static enum err_code rerank(void *ctx, void *const *genomes, size_t count, double *values,
                            struct err *err)
{
    struct search *search = ctx;
    const struct mapper_options *options = search->options;
    struct mapping *batch = mem_alloc(count, sizeof *batch);
    struct evaluation *out = mem_alloc(count, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        mapping_init(&batch[i], search->view->layer_count);
        write_mapping(search, &search->workers[0], genomes[i], &batch[i]);
    }
    enum err_code rc = options->sim->evaluate(options->sim->ctx, batch, count, out, err);
    for (size_t i = 0; i < count; i++) {
        mapping_release(&batch[i]);
        if (rc != ERR_OK)
            continue;
        search->sim_evaluations++;
        values[i] = evaluation_value(options->objective, &out[i]);
        if (values[i] < search->best_value) {
            search->best_value = values[i];
            search->best = out[i];
        }
    }
    free(batch);
    free(out);
    return rc;
}

static bool observe(void *ctx, unsigned generation, const void *best, double best_value,
                    uint64_t evaluations)
{
    struct search *search = ctx;
    struct worker *worker = &search->workers[0];
    if (!mapper_uses_sim(search->options) && best_value < search->best_value &&
        evaluate_with(search, search->options->analytic, worker, best, &search->best,
                      &worker->err) == ERR_OK)
        search->best_value = best_value;
    const struct mapper_progress now = {
        .evaluations = evaluations,
        .sim_evaluations = search->sim_evaluations,
        .step = generation + 1,
        .step_count = search->step_count,
        .best_makespan_ps = search->best.makespan_ps,
        .best_energy_pj = search->best.energy_pj,
        .best_value = best_value,
    };
    return journal_step(&search->journal, &now);
}

/* --- the search ------------------------------------------------------------------------------ */

static struct ga_options plan(struct search *search)
{
    const struct mapper_options *options = search->options;
    struct ga_options ga = {
        .seed = options->seed,
        .breeding = GA_BREED_FILL,
        .population = options->population ? options->population : published.population,
        .generations = options->generations,
        .mutation_rate = 0, /* every child is crossed, then mutated */
        .jobs = search->worker_count,
        .budget_evals = options->budget_evals,
    };
    ga.elite_count = (unsigned)max_u64(2, (uint64_t)(ga.population * published.parent_share));
    ga.survivor_count = (unsigned)max_u64(1, (uint64_t)(ga.population * published.survivor_share));
    ga.rerank_count = options->fitness == FITNESS_SIM ? UINT32_MAX : RERANKED;
    if (!ga.generations && !ga.budget_evals)
        ga.budget_evals =
            max_u64(published.samples, default_work_layers / search->view->layer_count);
    search->step_count =
        ga.generations ? ga.generations : (unsigned)ceil_div_u64(ga.budget_evals, ga.population);
    return ga;
}

static void search_init(struct search *search, const struct view *view,
                        const struct mapper_options *options)
{
    unsigned workers = options->jobs > 1 ? options->jobs : 1;
    *search = (struct search){
        .view = view,
        .options = options,
        .worker_count = workers,
        .workers = mem_alloc(workers, sizeof *search->workers),
        .best_value = INFINITY,
    };
    for (unsigned i = 0; i < workers; i++) {
        search->workers[i].serial = serial_new(view);
        mapping_init(&search->workers[i].mapping, view->layer_count);
    }
    journal_init(&search->journal, options);
}

static void search_release(struct search *search)
{
    for (unsigned i = 0; i < search->worker_count; i++) {
        serial_free(search->workers[i].serial);
        mapping_release(&search->workers[i].mapping);
    }
    free(search->workers);
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

enum err_code mapper_magma_run(const struct problem *problem, const struct mapper_options *options,
                               struct mapper_result *out, struct err *err)
{
    struct view view;
    struct search search;
    view_init(&view, problem);
    search_init(&search, &view, options);
    const struct ga_options ga = plan(&search);
    const struct ga_problem callbacks = {
        .ctx = &search,
        .genome_bytes = genome_bytes(&view),
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
    if (rc == ERR_OK) {
        mapping_init(&out->mapping, problem->layer_count);
        write_mapping(&search, &search.workers[0], best, &out->mapping);
        out->evaluations = found.evaluations;
        out->sim_evaluations = search.sim_evaluations;
        journal_finish(&search.journal, out);
    }
    free(best);
    search_release(&search);
    view_release(&view);
    return rc;
}
