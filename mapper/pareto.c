/*
 * The default mapper's front of latency and energy: two searches for its ends, then annealers that
 * each aim in a direction of their own between them. All keep what they pass and nothing else
 * beats; every round an annealer goes on from whatever any of them has found that is best in its
 * direction. The best of every round and all that was kept are judged by the fitness in force.
 *
 * Rounds and directions do not depend on the number of threads, archives are merged in the order
 * of directions, budgets count placed layers: the same seed gives the same front for any number of
 * jobs.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "ga/front.h"
#include "mapper/anneal.h"
#include "mapper/journal.h"
#include "mapper/lists.h"
#include "mapper/rows.h"

enum { DIRECTIONS = 12, ROUNDS = 8, WALK_MAX = 24, SMALL_LAYERS = 24 };
/* What a search for one objective shows as steps; the ends come first. */
enum { END_STEPS = 12, STEPS = 2 * END_STEPS + ROUNDS };
static const double hottest = 1e-3, coldest = 4e-5; /* temperatures as shares of the value */

struct pareto {
    const struct view *view;
    const struct mapper_options *options;
    struct decode_ways ways;
    struct decoder *decoder;
    struct anneal *annealers[DIRECTIONS];
    struct archive walks[DIRECTIONS]; /* what each passed in this round */
    struct archive pool;              /* of all rounds */
    struct mapping mappings[MAPPER_FRONT_MAX];
    struct mapper_point *front; /* judged; [front_count] */
    size_t front_count;
    double ideal[2], reference[2]; /* the box whose hypervolume the journal follows */
    uint64_t evaluations, sim_evaluations;
    struct journal journal;
};

/* --- the front that was judged ---------------------------------------------------------------- */

static double *values_of(const struct mapper_point *points, size_t count)
{
    double *values = mem_alloc(2 * count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        values[2 * i] = (double)points[i].evaluation.makespan_ps;
        values[2 * i + 1] = points[i].evaluation.energy_pj;
    }
    return values;
}

/* Of a front in order: which one but the ends gives up the least hypervolume. */
static size_t most_crowded(const struct mapper_point *front, size_t count)
{
    size_t least = 1;
    double least_volume = INFINITY;
    for (size_t i = 1; i + 1 < count; i++) {
        double volume =
            (double)(front[i + 1].evaluation.makespan_ps - front[i].evaluation.makespan_ps) *
            (front[i - 1].evaluation.energy_pj - front[i].evaluation.energy_pj);
        if (volume < least_volume) {
            least_volume = volume;
            least = i;
        }
    }
    return least;
}

/* Takes the mappings over and keeps the front of all, thinned out to MAPPER_FRONT_MAX. */
static void take_points(struct pareto *s, struct mapper_point *points, size_t count)
{
    size_t all = s->front_count + count;
    struct mapper_point *old = mem_grow(s->front, all + 1, sizeof *old);
    for (size_t i = 0; i < count; i++)
        old[s->front_count + i] = points[i];
    double *values = values_of(old, all);
    size_t *order = mem_alloc(all + 1, sizeof *order);
    size_t kept = ga_front(values, all, 2, order);
    s->front = mem_alloc(all + 1, sizeof *s->front);
    for (size_t i = 0; i < kept; i++) {
        s->front[i] = old[order[i]];
        old[order[i]].mapping = (struct mapping){ 0 };
    }
    for (; kept > MAPPER_FRONT_MAX; kept--) {
        size_t goes = most_crowded(s->front, kept);
        mapping_release(&s->front[goes].mapping);
        for (size_t i = goes; i + 1 < kept; i++)
            s->front[i] = s->front[i + 1];
    }
    for (size_t i = 0; i < all; i++)
        mapping_release(&old[i].mapping);
    s->front_count = kept;
    free(old);
    free(values);
    free(order);
}

/* What the fitness in force says of s->mappings[0 … count). */
static enum err_code judge(struct pareto *s, size_t count, struct err *err)
{
    struct evaluation evaluations[MAPPER_FRONT_MAX];
    struct mapper_point points[MAPPER_FRONT_MAX];
    const struct evaluator *by =
        mapper_uses_sim(s->options) ? s->options->sim : s->options->analytic;
    enum err_code rc = by->evaluate(by->ctx, s->mappings, count, evaluations, err);
    if (rc != ERR_OK)
        return rc;
    if (mapper_uses_sim(s->options))
        s->sim_evaluations += count;
    for (size_t i = 0; i < count; i++) {
        points[i].evaluation = evaluations[i];
        mapping_init(&points[i].mapping, s->view->layer_count);
        mapping_copy(&points[i].mapping, &s->mappings[i]);
    }
    take_points(s, points, count);
    return ERR_OK;
}

/* --- the ends --------------------------------------------------------------------------------- */

struct end_progress {
    struct pareto *search;
    unsigned step;
};

static void show_end(void *ctx, const struct mapper_progress *now)
{
    const struct end_progress *end = ctx;
    const struct pareto *s = end->search;
    struct mapper_progress shown = *now;
    shown.evaluations += s->evaluations;
    shown.sim_evaluations += s->sim_evaluations;
    shown.step = end->step + (unsigned)min_u64(now->step, END_STEPS);
    shown.step_count = STEPS;
    s->options->progress(s->options->progress_ctx, &shown);
}

static void offer_mapping(struct pareto *s, const struct mapping *mapping)
{
    struct activity_list list;
    activity_list_init(&list, s->view->layer_count);
    activity_list_of_mapping(&s->ways, mapping, &list);
    struct decode_result r = decoder_run(s->decoder, &list, 0, DECODE_NEVER, true);
    archive_offer(&s->pool, r.makespan_ps, r.energy_pj, &list);
    activity_list_release(&list);
}

static enum err_code search_end(struct pareto *s, enum objective objective, unsigned step,
                                uint64_t bound_ps, struct err *err)
{
    struct end_progress progress = { s, step };
    struct mapper_options options = *s->options;
    struct mapper_result found = { 0 };
    options.objective = objective;
    options.known_bound_ps = bound_ps;
    options.time_limit_s /= 3;
    if (options.budget_layers || options.budget_evals)
        options.budget_layers =
            max_u64(mapper_budget_layers(s->options, s->view->layer_count) / 3, 1);
    if (options.progress) {
        options.progress = show_end;
        options.progress_ctx = &progress;
    }
    enum err_code rc = mapper_socweave_run(s->view->problem, &options, &found, err);
    if (rc == ERR_OK) {
        s->evaluations += found.evaluations;
        s->sim_evaluations += found.sim_evaluations;
        s->journal.interrupted = s->journal.interrupted || found.interrupted;
        offer_mapping(s, &found.mapping);
        mapping_copy(&s->mappings[0], &found.mapping);
        rc = judge(s, 1, err);
    }
    mapper_result_release(&found);
    return rc;
}

/* --- what is between -------------------------------------------------------------------------- */

/* From a little past the best of each objective to its value at the other end. */
static struct anneal_aim box_of_pool(const struct pareto *s)
{
    const struct archive_entry *first = &s->pool.entries[0];
    const struct archive_entry *last = &s->pool.entries[s->pool.count - 1];
    double best_ps = (double)first->makespan_ps, best_pj = last->energy_pj;
    double range_ps = fmax((double)last->makespan_ps - best_ps, 0.01 * best_ps);
    double range_pj = fmax(first->energy_pj - best_pj, best_pj > 0 ? 0.01 * best_pj : 1);
    const double past = 0.05;
    return (struct anneal_aim){
        .ideal_ps = best_ps - past * range_ps,
        .ideal_pj = best_pj - past * range_pj,
        .range_ps = range_ps,
        .range_pj = range_pj,
    };
}

static const struct activity_list *best_in_pool(const struct pareto *s,
                                                const struct anneal_aim *aim)
{
    const struct archive_entry *e = s->pool.entries;
    size_t best = 0;
    double least = INFINITY;
    for (size_t i = 0; i < s->pool.count; i++) {
        double value = anneal_aim_value(aim, e[i].makespan_ps, e[i].energy_pj);
        if (value < least) {
            least = value;
            best = i;
        }
    }
    return &e[best].list;
}

static bool is_small(const struct pareto *s)
{
    return s->view->layer_count <= SMALL_LAYERS;
}

/* Small problems are searched anew in every other round. */
static void start_direction(struct pareto *s, unsigned round, unsigned direction,
                            const struct anneal_aim *aim)
{
    if (!is_small(s) || round % 2 == 0) {
        anneal_aim_at(s->annealers[direction], aim, best_in_pool(s, aim));
        return;
    }
    struct rng rng =
        rng_stream(s->options->seed, UINT64_C(0x70617265), round * DIRECTIONS + direction);
    struct activity_list list;
    activity_list_init(&list, s->view->layer_count);
    activity_list_random(&s->ways, &rng, &list);
    anneal_aim_at(s->annealers[direction], aim, &list);
    activity_list_release(&list);
}

static void anneal_round(struct pareto *s, unsigned round, uint64_t work_layers)
{
    const struct anneal_aim box = box_of_pool(s);
    double first = hottest * fmax(1, 300.0 / s->view->layer_count), ratio = coldest / first;
    double hot = is_small(s) ? first : first * pow(ratio, (double)round / ROUNDS);
    double cold = is_small(s) ? coldest : first * pow(ratio, (double)(round + 1) / ROUNDS);
#pragma omp parallel for schedule(dynamic, 1) num_threads(s->options->jobs)
    for (int i = 0; i < DIRECTIONS; i++) {
        struct anneal_aim aim = box;
        aim.latency_weight = (i + 0.5) / DIRECTIONS;
        archive_clear(&s->walks[i]);
        start_direction(s, round, (unsigned)i, &aim);
        anneal_go(s->annealers[i], work_layers, hot, cold, 0, s->options->stop);
        anneal_write_best(s->annealers[i], &s->mappings[i]);
    }
    for (size_t i = 0; i < DIRECTIONS; i++)
        for (size_t k = 0; k < s->walks[i].count; k++) {
            const struct archive_entry *e = &s->walks[i].entries[k];
            archive_offer(&s->pool, e->makespan_ps, e->energy_pj, &e->list);
        }
}

static enum err_code judge_pool(struct pareto *s, struct err *err)
{
    assert(s->pool.count <= MAPPER_FRONT_MAX);
    for (size_t i = 0; i < s->pool.count; i++) {
        const struct activity_list *list = &s->pool.entries[i].list;
        decoder_run(s->decoder, list, 0, DECODE_NEVER, true);
        decoder_write_mapping(s->decoder, list, &s->mappings[i]);
    }
    return judge(s, s->pool.count, err);
}

/* --- the search ------------------------------------------------------------------------------- */

static uint64_t evaluations(const struct pareto *s)
{
    uint64_t moves = s->evaluations;
    for (size_t i = 0; i < DIRECTIONS; i++)
        moves += anneal_moves(s->annealers[i]);
    return moves;
}

static double missing_volume(const struct pareto *s)
{
    double *values = values_of(s->front, s->front_count);
    double frac = ga_hypervolume_frac(values, s->front_count, 2, s->ideal, s->reference);
    free(values);
    return 1 - frac;
}

static bool note_round(struct pareto *s, unsigned round)
{
    const struct mapper_progress now = {
        .evaluations = evaluations(s),
        .sim_evaluations = s->sim_evaluations,
        .step = 2 * END_STEPS + round,
        .step_count = STEPS,
        .best_makespan_ps = s->front[0].evaluation.makespan_ps,
        .best_energy_pj = s->front[s->front_count - 1].evaluation.energy_pj,
        .best_value = missing_volume(s),
    };
    return journal_step(&s->journal, &now);
}

static void set_box(struct pareto *s)
{
    const struct anneal_aim box = box_of_pool(s);
    s->ideal[0] = box.ideal_ps;
    s->ideal[1] = box.ideal_pj;
    s->reference[0] = box.ideal_ps + 1.15 * box.range_ps;
    s->reference[1] = box.ideal_pj + 1.15 * box.range_pj;
}

static enum err_code run(struct pareto *s, struct err *err)
{
    const struct problem *p = s->view->problem;
    uint64_t total = mapper_budget_layers(s->options, p->layer_count);
    bool given = s->options->budget_layers || s->options->budget_evals;
    uint64_t work_layers = (given ? total / 3 : total) / (DIRECTIONS * ROUNDS) + 1;
    uint64_t bound_ps = s->options->known_bound_ps
                            ? s->options->known_bound_ps
                            : mapper_lower_bound(p, s->options->granularity).makespan_ps;
    enum err_code rc = search_end(s, OBJECTIVE_LATENCY, 0, bound_ps, err);
    if (rc == ERR_OK)
        rc = search_end(s, OBJECTIVE_ENERGY, END_STEPS, bound_ps, err);
    if (rc != ERR_OK)
        return rc;
    set_box(s);
    bool goes_on = note_round(s, 0);
    for (unsigned round = 0; round < ROUNDS && goes_on; round++) {
        anneal_round(s, round, work_layers);
        rc = judge(s, DIRECTIONS, err);
        if (rc != ERR_OK)
            return rc;
        if (round + 1 < ROUNDS)
            goes_on = note_round(s, round + 1);
    }
    rc = judge_pool(s, err);
    if (rc == ERR_OK)
        note_round(s, ROUNDS);
    return rc;
}

static void give(struct pareto *s, struct mapper_result *out)
{
    double *values = values_of(s->front, s->front_count);
    out->front_chosen = ga_knee(values, s->front_count, 2);
    out->front = s->front;
    out->front_count = s->front_count;
    mapping_init(&out->mapping, s->view->layer_count);
    mapping_copy(&out->mapping, &s->front[out->front_chosen].mapping);
    out->evaluations = evaluations(s);
    out->sim_evaluations = s->sim_evaluations;
    journal_finish(&s->journal, out);
    s->front = NULL;
    s->front_count = 0;
    free(values);
}

static void init(struct pareto *s, const struct view *view, const struct mapper_options *options)
{
    const struct anneal_levers levers = anneal_levers_of(options->levers_off);
    *s = (struct pareto){ .view = view, .options = options };
    decode_ways_init(&s->ways, view);
    s->decoder = decoder_new(&s->ways, mapper_contends(options), true);
    for (uint32_t i = 0; i < DIRECTIONS; i++) {
        s->annealers[i] = anneal_new(&s->ways, mapper_contends(options), OBJECTIVE_EDP, &levers,
                                     options->seed, UINT32_C(1000) + i);
        archive_init(&s->walks[i], WALK_MAX, view->layer_count);
        anneal_keep_in(s->annealers[i], &s->walks[i]);
    }
    archive_init(&s->pool, MAPPER_FRONT_MAX, view->layer_count);
    for (size_t i = 0; i < MAPPER_FRONT_MAX; i++)
        mapping_init(&s->mappings[i], view->layer_count);
    journal_init(&s->journal, options);
}

static void release(struct pareto *s)
{
    for (size_t i = 0; i < DIRECTIONS; i++) {
        anneal_free(s->annealers[i]);
        archive_release(&s->walks[i]);
    }
    for (size_t i = 0; i < s->front_count; i++)
        mapping_release(&s->front[i].mapping);
    free(s->front);
    for (size_t i = 0; i < MAPPER_FRONT_MAX; i++)
        mapping_release(&s->mappings[i]);
    archive_release(&s->pool);
    decoder_free(s->decoder);
    decode_ways_release(&s->ways);
    journal_release(&s->journal);
}

enum err_code mapper_socweave_run_front(const struct problem *problem,
                                        const struct mapper_options *options,
                                        struct mapper_result *out, struct err *err)
{
    struct view view;
    struct pareto *search = mem_alloc(1, sizeof *search);
    view_init(&view, problem);
    init(search, &view, options);
    enum err_code rc = run(search, err);
    if (rc == ERR_OK)
        give(search, out);
    release(search);
    free(search);
    view_release(&view);
    return rc;
}
