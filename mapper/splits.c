/* docs/model.md M-87. */
#include "mapper/splits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "core/split.h"
#include "cost/cost_memo.h"
#include "mapper/anneal.h"
#include "mapper/cut.h"
#include "mapper/dispatched.h"
#include "mapper/journal.h"
#include "mapper/lists.h"
#include "mapper/rows.h"

enum { TRIALS = 8, ROUNDS_MAX = 96, ROUNDS_MIN = 24 };
/* A round takes some time of its own, for its problems; of large ones there are fewer. */
static const uint64_t layers_of_rounds = 60000;
/* Of the budget. The whole has its share so that nothing is lost where no split pays. */
static const double whole_share = 0.3, trials_share = SPLITS_SHARE - 0.3;
/* Temperatures of a trial, as shares of the value. */
static const double hot = 2e-4, cold = 4e-5;

/* A cut, its problem, and the best mapping of it that was found. */
struct trial {
    struct cut_layer *cut; /* [whole layer] */
    bool is_cut, is_built; /* neither: the whole problem */
    struct workload refined;
    struct problem problem;
    struct mapping mapping;
    double value;
    uint64_t makespan_ps, moves;
};

struct search {
    const struct problem *whole;
    struct view whole_view;
    struct cost_options cost;
    const struct mapper_options *options;
    bool contends;
    struct cut_space space;
    unsigned rounds;
    uint64_t trial_layers;
    struct trial incumbent, trials[TRIALS];
    struct cut_layer *joint; /* [whole layer]: all that was better than to go on, in one cut */
    bool has_joint;
    struct journal journal;
    uint64_t evaluations, sim_evaluations;
};

static size_t whole_layers(const struct search *search)
{
    return search->whole->layer_count;
}

/* --- trials ----------------------------------------------------------------------------------- */

static void trial_init(const struct search *search, struct trial *trial)
{
    *trial = (struct trial){ .value = INFINITY };
    trial->cut = mem_alloc(whole_layers(search), sizeof *trial->cut);
    for (size_t i = 0; i < whole_layers(search); i++)
        trial->cut[i].parts = 1;
}

/* All but the cut itself. */
static void trial_clear(struct trial *trial)
{
    mapping_release(&trial->mapping);
    if (trial->is_built)
        problem_release(&trial->problem);
    if (trial->is_cut)
        workload_release(&trial->refined);
    trial->is_cut = trial->is_built = false;
    trial->value = INFINITY;
}

static void trial_release(struct trial *trial)
{
    trial_clear(trial);
    free(trial->cut);
}

static const struct problem *problem_of(const struct search *search, const struct trial *trial)
{
    return trial->is_built ? &trial->problem : search->whole;
}

/* Not every cut can be built: a part may fit no scratchpad, or bear another layer's name. */
static bool trial_build(const struct search *search, struct trial *trial)
{
    struct arena *arena = arena_new();
    size_t count;
    struct workload_split *splits = cut_splits(&search->space, trial->cut, arena, &count);
    bool whole = count == 0;
    if (!whole)
        trial->is_cut = workload_refine(&trial->refined, search->whole->workload, splits, count,
                                        NULL) == ERR_OK;
    if (trial->is_cut)
        trial->is_built = cost_build_problem(search->whole->soc, &trial->refined, &search->cost,
                                             &trial->problem, NULL) == ERR_OK;
    arena_free(arena);
    return whole || trial->is_built;
}

static bool is_about_deadlines(const struct search *search)
{
    return search->options->objective >= OBJECTIVE_PLAIN_COUNT;
}

static double list_value(const struct search *search, struct decoder *decoder,
                         const struct activity_list *list)
{
    enum objective objective = search->options->objective;
    struct decode_result r = decoder_run(decoder, list, 0, DECODE_NEVER, true);
    return is_about_deadlines(search) ? anneal_lateness_value(objective, &r)
                                      : objective_value(objective, r.makespan_ps, r.energy_pj);
}

/* The list as it is, or with ways chosen anew, whichever is better. */
static void choose_anew(const struct search *search, const struct decode_ways *ways,
                        struct activity_list *list)
{
    size_t layers = ways->view->layer_count;
    struct decoder *decoder = decoder_new(ways, search->contends, true);
    if (is_about_deadlines(search))
        decoder_judge_deadlines(decoder, search->options->objective == OBJECTIVE_XRBENCH);
    struct activity_list other;
    activity_list_init(&other, layers);
    activity_list_copy(&other, list, layers);
    double best = list_value(search, decoder, list);
    for (double weight = 1; weight <= 4; weight *= 4) {
        const struct decode_taste taste = { .transfer_weight = weight };
        decoder_greedy(decoder, &other, &taste);
        double value = list_value(search, decoder, &other);
        if (value < best) {
            best = value;
            activity_list_copy(list, &other, layers);
        }
    }
    activity_list_release(&other);
    decoder_free(decoder);
}

static void trial_anneal(const struct search *search, struct trial *trial, uint32_t stream)
{
    const struct mapper_options *options = search->options;
    const struct anneal_levers levers = anneal_levers_of(options->levers_off);
    const struct problem *problem = problem_of(search, trial);
    struct view view, from;
    struct decode_ways ways;
    struct activity_list list;
    struct mapping start;
    view_init(&view, problem);
    view_init(&from, problem_of(search, &search->incumbent));
    decode_ways_init(&ways, &view);
    activity_list_init(&list, problem->layer_count);
    mapping_init(&start, problem->layer_count);
    mapping_init(&trial->mapping, problem->layer_count);
    cut_carry(&from, &search->incumbent.mapping, &view, &start);
    activity_list_of_mapping(&ways, &start, &list);
    choose_anew(search, &ways, &list);
    struct anneal *anneal =
        anneal_new(&ways, search->contends, options->objective, &levers, options->seed, stream);
    anneal_start(anneal, &list);
    anneal_go(anneal, search->trial_layers, hot, cold, 0, options->stop);
    anneal_write_best(anneal, &trial->mapping);
    trial->value = anneal_best_value(anneal);
    trial->makespan_ps = anneal_best_makespan_ps(anneal);
    trial->moves = anneal_moves(anneal);
    anneal_free(anneal);
    mapping_release(&start);
    activity_list_release(&list);
    decode_ways_release(&ways);
    view_release(&from);
    view_release(&view);
}

/* --- what delays the end ---------------------------------------------------------------------- */

/* The layer whose end the start of `layer` may have waited for: an input, or one on its
 * accelerator; the last to end. */
static uint32_t waited_for(const struct problem *p, const struct mapping *mapping,
                           const struct schedule *times, const uint16_t *acc_of, uint32_t layer)
{
    uint32_t latest = WORKLOAD_NONE;
    uint64_t latest_ps = 0, start_ps = times->start_ps[layer];
    for (uint32_t e = p->pred_begin[layer]; e < p->pred_begin[layer + 1]; e++) {
        const struct problem_edge *edge = &p->preds[e];
        uint64_t arrival_ps =
            times->end_ps[edge->layer] +
            problem_transfer_ps(p, edge->size_class, acc_of[edge->layer], acc_of[layer]);
        if (arrival_ps >= latest_ps) {
            latest_ps = arrival_ps;
            latest = edge->layer;
        }
    }
    for (size_t at = 0; at < mapping->placement_count; at++) {
        uint32_t other = mapping->placements[at].layer;
        uint64_t end_ps = times->end_ps[other];
        if (acc_of[other] == acc_of[layer] && end_ps <= start_ps && end_ps > latest_ps) {
            latest_ps = end_ps;
            latest = other;
        }
    }
    return latest;
}

/* The layer that ends last; where deadlines decide, that ends longest after its own. */
static uint32_t last_to_end(const struct search *search, const struct problem *p,
                            const struct schedule *times)
{
    uint32_t last = 0;
    int64_t latest_ps = INT64_MIN;
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        uint64_t due_ps = p->workload->networks[p->network_of[layer]].deadline_ps;
        int64_t late_ps = (int64_t)times->end_ps[layer];
        if (is_about_deadlines(search))
            late_ps -= (int64_t)min_u64(due_ps, INT64_MAX / 2);
        if (late_ps > latest_ps) {
            latest_ps = late_ps;
            last = layer;
        }
    }
    return last;
}

/* By whole layer: the time from the start of the layer to what followed it on the critical chain;
 * every layer has a little. free() it. */
static double *critical_weights(const struct search *search)
{
    const struct problem *p = problem_of(search, &search->incumbent);
    const struct mapping *mapping = &search->incumbent.mapping;
    struct dispatched *dispatched = dispatched_new(p);
    struct mapping in_order;
    struct schedule times;
    double *weight = mem_alloc(whole_layers(search), sizeof *weight);
    uint16_t *acc_of = mem_alloc(p->layer_count, sizeof *acc_of);
    mapping_init(&in_order, p->layer_count);
    schedule_init(&times, p->layer_count);
    dispatched_run(dispatched, mapping, &in_order, &times);
    for (size_t at = 0; at < p->layer_count; at++)
        acc_of[mapping->placements[at].layer] = mapping->placements[at].accelerator;
    for (size_t i = 0; i < whole_layers(search); i++)
        weight[i] = 0.1 * (double)times.makespan_ps / (double)whole_layers(search);
    uint32_t last = last_to_end(search, p, &times);
    uint64_t until_ps = times.end_ps[last];
    const struct workload *w = p->workload;
    for (uint32_t layer = last; layer != WORKLOAD_NONE;
         layer = waited_for(p, mapping, &times, acc_of, layer)) {
        weight[w->whole ? w->whole_layer[layer] : layer] +=
            (double)(until_ps - times.start_ps[layer]);
        until_ps = times.start_ps[layer];
    }
    schedule_release(&times);
    mapping_release(&in_order);
    dispatched_free(dispatched);
    free(acc_of);
    return weight;
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* Trial 0 goes on with the incumbent's cut. */
static void propose(struct search *search, uint32_t round)
{
    double *weight = critical_weights(search);
    for (uint32_t i = 0; i < TRIALS; i++) {
        struct trial *trial = &search->trials[i];
        struct rng rng =
            rng_stream(search->options->seed, UINT64_C(0x63757473), round * TRIALS + i);
        trial_clear(trial);
        memcpy(trial->cut, search->incumbent.cut, whole_layers(search) * sizeof *trial->cut);
        if (i == 1 && search->has_joint)
            memcpy(trial->cut, search->joint, whole_layers(search) * sizeof *trial->cut);
        else if (i > 0)
            cut_propose(&search->space, weight, &rng, trial->cut);
    }
    free(weight);
}

static void try_all(struct search *search, uint32_t round)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(search->options->jobs)
    for (uint32_t i = 0; i < TRIALS; i++)
        if (trial_build(search, &search->trials[i]))
            trial_anneal(search, &search->trials[i], (1 + round) * TRIALS + i);
}

/* The changes of all trials that were better than the one that went on; the best one's last. */
static void join(struct search *search, size_t best)
{
    size_t layers = whole_layers(search), better = 0;
    memcpy(search->joint, search->incumbent.cut, layers * sizeof *search->joint);
    for (size_t i = 1; i <= TRIALS; i++) {
        const struct trial *trial = &search->trials[i < TRIALS ? i : best];
        if (trial->value >= search->trials[0].value)
            continue;
        better += i < TRIALS;
        for (size_t layer = 0; layer < layers; layer++)
            if (memcmp(&trial->cut[layer], &search->incumbent.cut[layer], sizeof *trial->cut))
                search->joint[layer] = trial->cut[layer];
    }
    search->has_joint = better > 1;
}

static void keep_best(struct search *search)
{
    size_t best = 0;
    for (size_t i = 0; i < TRIALS; i++) {
        search->evaluations += search->trials[i].moves;
        search->trials[i].moves = 0;
        if (search->trials[i].value < search->trials[best].value)
            best = i;
    }
    join(search, best);
    if (search->trials[best].value >= search->incumbent.value)
        return;
    struct trial old = search->incumbent;
    search->incumbent = search->trials[best];
    search->trials[best] = old;
    /* The problem borrows the refined workload, which has moved. */
    if (search->incumbent.is_built)
        search->incumbent.problem.workload = &search->incumbent.refined;
}

static bool note_round(struct search *search, uint32_t round)
{
    const struct trial *best = &search->incumbent;
    const struct problem *p = problem_of(search, best);
    const struct mapper_options *options = search->options;
    double energy_pj = mapping_energy(p, &best->mapping, best->makespan_ps).total_pj;
    const struct mapper_progress now = {
        .evaluations = search->evaluations,
        .sim_evaluations = search->sim_evaluations,
        .step = round,
        .step_count = search->rounds,
        .best_makespan_ps = best->makespan_ps,
        .best_energy_pj = energy_pj,
        .best_value = options->objective < OBJECTIVE_PLAIN_COUNT
                          ? objective_value(options->objective, best->makespan_ps, energy_pj)
                          : best->value,
    };
    return journal_step(&search->journal, &now);
}

/* The whole workload's own search. */
static enum err_code start(struct search *search, double budget_layers, struct err *err)
{
    struct mapper_options options = *search->options;
    struct mapper_result found = { 0 };
    struct journal_span span = { options.progress, options.progress_ctx, 0, whole_share, 0, 0 };
    options.budget_evals = 0;
    options.budget_layers = (uint64_t)budget_layers + 1;
    options.time_limit_s *= whole_share;
    options.progress = journal_show_span;
    options.progress_ctx = &span;
    enum err_code rc = mapper_socweave_run(search->whole, &options, &found, err);
    if (rc != ERR_OK)
        return rc;
    search->incumbent.mapping = found.mapping;
    search->evaluations = found.evaluations;
    search->sim_evaluations = found.sim_evaluations;
    journal_follow(&search->journal, found.convergence, found.convergence_count);
    return ERR_OK;
}

static void hand_over(struct search *search, struct splits_found *out)
{
    struct trial *best = &search->incumbent;
    out->any = best->is_built;
    if (out->any) {
        out->refined = best->refined;
        out->problem = best->problem;
        out->problem.workload = &out->refined;
        best->is_cut = best->is_built = false;
    }
    out->start = best->mapping;
    best->mapping = (struct mapping){ 0 };
    out->evaluations = search->evaluations;
    out->sim_evaluations = search->sim_evaluations;
    struct mapper_result rows = { 0 };
    journal_finish(&search->journal, &rows);
    out->convergence = rows.convergence;
    out->convergence_count = rows.convergence_count;
    out->interrupted = rows.interrupted;
}

enum err_code splits_search(const struct problem *whole, enum cost_sharing sharing,
                            const struct mapper_options *options, struct splits_found *out,
                            struct err *err)
{
    double layers = (double)mapper_budget_layers(options, whole->layer_count);
    struct journal_span span = {
        options->progress, options->progress_ctx, whole_share, SPLITS_SHARE, 0, 0
    };
    const unsigned rounds =
        (unsigned)min_u64(max_u64(layers_of_rounds / whole->layer_count, ROUNDS_MIN), ROUNDS_MAX);
    struct mapper_options noted = *options;
    noted.time_limit_s *= SPLITS_SHARE;
    noted.progress = journal_show_span;
    noted.progress_ctx = &span;
    struct search search = {
        .whole = whole,
        .cost = { sharing, cost_memo_new(whole->soc, sharing) },
        .options = options,
        .contends = mapper_contends(options),
        .rounds = rounds,
        .trial_layers = (uint64_t)(trials_share * layers / (rounds * TRIALS)) + 1,
    };
    *out = (struct splits_found){ 0 };
    view_init(&search.whole_view, whole);
    cut_space_init(&search.space, &search.whole_view);
    trial_init(&search, &search.incumbent);
    for (size_t i = 0; i < TRIALS; i++)
        trial_init(&search, &search.trials[i]);
    search.joint = mem_alloc(whole->layer_count, sizeof *search.joint);
    journal_init(&search.journal, &noted);
    enum err_code rc = start(&search, whole_share * layers, err);
    for (uint32_t round = 0; rc == ERR_OK && round < rounds; round++) {
        propose(&search, round);
        try_all(&search, round);
        keep_best(&search);
        if (!note_round(&search, round + 1))
            break;
    }
    if (rc == ERR_OK)
        hand_over(&search, out);
    journal_release(&search.journal);
    for (size_t i = 0; i < TRIALS; i++)
        trial_release(&search.trials[i]);
    trial_release(&search.incumbent);
    free(search.joint);
    cost_memo_free(search.cost.memo);
    cut_space_release(&search.space);
    view_release(&search.whole_view);
    return rc;
}

void splits_found_release(struct splits_found *found)
{
    mapping_release(&found->start);
    free(found->convergence);
    if (found->any) {
        problem_release(&found->problem);
        workload_release(&found->refined);
    }
    *found = (struct splits_found){ 0 };
}

/* --- the search that goes on ------------------------------------------------------------------ */

/* What was found, then what the last search made better. */
static void join_rows(struct splits_found *found, struct mapper_result *result)
{
    size_t count = found->convergence_count;
    found->convergence = mem_grow(found->convergence, count + result->convergence_count + 1,
                                  sizeof *found->convergence);
    for (size_t i = 0; i < result->convergence_count; i++) {
        struct mapper_progress row = result->convergence[i];
        row.evaluations += found->evaluations;
        row.sim_evaluations += found->sim_evaluations;
        if (count == 0 || row.best_value < found->convergence[count - 1].best_value)
            found->convergence[count++] = row;
    }
    free(result->convergence);
    result->convergence = found->convergence;
    result->convergence_count = count;
    found->convergence = NULL;
    found->convergence_count = 0;
}

enum err_code splits_finish(const struct problem *whole, const struct mapper_options *options,
                            struct splits_found *found, struct mapper_result *out, struct err *err)
{
    struct mapper_options rest = *options;
    struct journal_span span = { options->progress,  options->progress_ctx, SPLITS_SHARE, 1,
                                 found->evaluations, found->sim_evaluations };
    double layers = (double)mapper_budget_layers(options, whole->layer_count);
    rest.start = &found->start;
    rest.budget_evals = 0;
    rest.budget_layers = (uint64_t)((1 - SPLITS_SHARE) * layers) + 1;
    rest.time_limit_s *= 1 - SPLITS_SHARE;
    rest.progress = journal_show_span;
    rest.progress_ctx = &span;
    enum err_code rc =
        mapper_run(mapper_find("socweave"), found->any ? &found->problem : whole, &rest, out, err);
    if (rc != ERR_OK)
        return rc;
    join_rows(found, out);
    out->evaluations += found->evaluations;
    out->sim_evaluations += found->sim_evaluations;
    out->interrupted |= found->interrupted;
    return ERR_OK;
}
