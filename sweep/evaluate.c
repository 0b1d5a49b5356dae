#include "sweep/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "core/deadline.h"
#include "mapper/dispatched.h"

/* A point as the mapper sees it. */
struct site {
    struct soc soc;
    struct problem problem;
};

static void site_release(struct site *site)
{
    problem_release(&site->problem);
    soc_release(&site->soc);
}

static void explain(struct text *reason, const char *sentence)
{
    if (reason)
        text_add(reason, sentence);
}

/* What the world says no to is an outcome, except where the world itself is out of order. */
static enum err_code settle(const struct err *found, struct sweep_outcome *outcome,
                            struct text *reason, struct err *err)
{
    if (found->code == ERR_IO || found->code == ERR_INTERRUPTED) {
        if (err && err->code == ERR_OK)
            *err = *found;
        return found->code;
    }
    char line[1024];
    outcome->status = found->code == ERR_INFEASIBLE ? SWEEP_INFEASIBLE : SWEEP_FAILED;
    explain(reason, err_format(found, line, sizeof line));
    return ERR_OK;
}

/* --- a mapping, timed ------------------------------------------------------------------------- */

struct timed {
    struct mapping mapping;
    struct schedule schedule; /* layer_count 0 at tile granularity */
    uint64_t makespan_ps;
    double energy_pj;
};

static void timed_release(struct timed *timed)
{
    mapping_release(&timed->mapping);
    schedule_release(&timed->schedule);
}

/* Takes its time and energy, and at layer granularity the order of its starts. */
static enum err_code time_mapping(const struct sweep_mapping_options *options,
                                  const struct problem *problem, const struct mapping *mapping,
                                  struct timed *out, struct err *err)
{
    *out = (struct timed){ 0 };
    mapping_init(&out->mapping, mapping->placement_count);
    if (options->granularity == GRANULARITY_LAYER) {
        struct dispatched *dispatched = dispatched_new(problem);
        schedule_init(&out->schedule, problem->layer_count);
        dispatched_run(dispatched, mapping, &out->mapping, &out->schedule);
        dispatched_free(dispatched);
        out->makespan_ps = out->schedule.makespan_ps;
    } else {
        struct evaluation evaluation;
        const struct sweep_timing *timing = &options->timing;
        mapping_copy(&out->mapping, mapping);
        struct evaluator *analytic =
            timing->analytic_new(timing->ctx, problem, options->granularity);
        enum err_code rc = analytic->evaluate(analytic->ctx, &out->mapping, 1, &evaluation, err);
        timing->analytic_free(timing->ctx, analytic);
        if (rc != ERR_OK)
            return rc;
        out->makespan_ps = evaluation.makespan_ps;
    }
    out->energy_pj = mapping_energy(problem, &out->mapping, out->makespan_ps).total_pj;
    if (out->schedule.layer_count)
        out->schedule.energy_pj = out->energy_pj;
    return mapping_check(problem, &out->mapping, out->schedule.layer_count ? &out->schedule : NULL,
                         options->granularity, err);
}

static void write_timed(const struct sweep_mapping_options *options, const struct problem *problem,
                        const struct timed *timed, struct text *out)
{
    mapping_write(problem, &timed->mapping, timed->schedule.layer_count ? &timed->schedule : NULL,
                  options->granularity, options->mapper->name, options->seed, out);
}

/* --- a point ---------------------------------------------------------------------------------- */

/* Of a cheap look most would go into finding a bound and into other mappers' guesses. */
enum { CHEAP_LOOK_EVALS = 200 };

static bool is_cheap_look(const struct problem *problem, uint64_t budget_layers)
{
    return budget_layers < CHEAP_LOOK_EVALS * problem->layer_count;
}

static enum err_code search(const struct sweep_mapping_options *options,
                            const struct problem *problem, uint64_t budget_layers,
                            uint64_t bound_ps, struct timed *out, struct err *err)
{
    const struct sweep_timing *timing = &options->timing;
    bool contends = options->granularity == GRANULARITY_LAYER;
    struct dispatched *dispatched = contends ? dispatched_new(problem) : NULL;
    struct evaluator *analytic = timing->analytic_new(timing->ctx, problem, options->granularity);
    struct mapper_options search = {
        .seed = options->seed,
        .budget_layers = budget_layers,
        .budget_evals = budget_layers / problem->layer_count + 1,
        .jobs = 1,
        .levers_off = is_cheap_look(problem, budget_layers) ? 1u << MAPPER_SEEDS : 0,
        .known_bound_ps = bound_ps > 0 ? bound_ps : 1,
        .objective = options->objective,
        .fitness = contends ? FITNESS_MIXED : FITNESS_ANALYTIC,
        .granularity = options->granularity,
        .analytic = analytic,
        .sim = contends ? dispatched_evaluator(dispatched) : NULL,
        .stop = options->stop,
    };
    struct mapper_result found = { 0 };
    enum err_code rc = mapper_run(options->mapper, problem, &search, &found, err);
    if (rc == ERR_OK && options->stop && *options->stop)
        rc = err_set(err, ERR_INTERRUPTED, "interrupted");
    if (rc == ERR_OK)
        rc = time_mapping(options, problem, &found.mapping, out, err);
    mapper_result_release(&found);
    timing->analytic_free(timing->ctx, analytic);
    dispatched_free(dispatched);
    return rc;
}

/* Of whole runs: a layer's end is known at layer granularity alone. */
static uint32_t deadline_misses(const struct problem *problem, const struct timed *timed)
{
    const struct schedule *times = &timed->schedule;
    if (!deadline_matters(problem) || times->layer_count == 0)
        return 0;
    return (uint32_t)deadline_judge(problem, times->start_ps, times->end_ps, NULL).misses;
}

static void take_figures(const struct problem *problem, const struct timed *timed,
                         struct sweep_outcome *outcome)
{
    outcome->deadline_misses = deadline_misses(problem, timed);
    outcome->makespan_ps = timed->makespan_ps;
    outcome->energy_pj = timed->energy_pj;
}

/* The point is a SoC that keeps the constraints. */
static enum err_code evaluate_site(const struct sweep_mapping_options *options,
                                   const struct problem *problem, uint64_t budget_layers,
                                   struct sweep_outcome *outcome, struct text *mapping_text,
                                   struct err *err)
{
    struct timed timed = { 0 };
    if (!is_cheap_look(problem, budget_layers))
        outcome->lower_bound_ps = mapper_lower_bound(problem, options->granularity).makespan_ps;
    enum err_code rc =
        search(options, problem, budget_layers, outcome->lower_bound_ps, &timed, err);
    if (rc == ERR_OK) {
        take_figures(problem, &timed, outcome);
        write_timed(options, problem, &timed, mapping_text);
    }
    timed_release(&timed);
    return rc;
}

static enum err_code evaluate(const struct space *space, const struct workload *workload,
                              const struct sweep_mapping_options *options, uint64_t point,
                              uint64_t budget_layers, struct sweep_outcome *outcome,
                              struct text *mapping_text, struct text *reason, struct err *err)
{
    const struct cost_options cost = { .sharing = options->sharing };
    struct space_verdict verdict;
    struct site site = { 0 };
    if (space_feasible(space, point, &verdict, &site.soc, err) != ERR_OK)
        return err->code;
    outcome->area_mm2 = verdict.area_mm2;
    outcome->power_w = verdict.power_w;
    if (!verdict.feasible) {
        outcome->status = SWEEP_INFEASIBLE;
        explain(reason, verdict.reason);
        return ERR_OK;
    }
    enum err_code rc = cost_build_problem(&site.soc, workload, &cost, &site.problem, err);
    if (rc == ERR_OK) {
        rc = evaluate_site(options, &site.problem, budget_layers, outcome, mapping_text, err);
        problem_release(&site.problem);
    }
    soc_release(&site.soc);
    return rc;
}

enum err_code sweep_evaluate_point(const struct space *space, const struct workload *workload,
                                   const struct sweep_mapping_options *options, uint64_t point,
                                   uint64_t budget_layers, struct sweep_outcome *outcome,
                                   struct text *mapping_text, struct text *reason, struct err *err)
{
    struct sweep_outcome out = { .status = SWEEP_OK, .replayed_from = SWEEP_NO_POINT };
    struct err found = ERR_INIT;
    enum err_code rc = evaluate(space, workload, options, point, budget_layers, &out, mapping_text,
                                reason, &found);
    if (rc != ERR_OK)
        rc = settle(&found, &out, reason, err);
    if (rc == ERR_OK)
        *outcome = out;
    return rc;
}

/* --- replays ---------------------------------------------------------------------------------- */

static enum err_code open_site(const struct space *space, const struct workload *workload,
                               const struct sweep_mapping_options *options, uint64_t point,
                               struct site *out, struct err *err)
{
    const struct cost_options cost = { .sharing = options->sharing };
    if (space_soc(space, point, &out->soc, err) != ERR_OK)
        return err->code;
    enum err_code rc = cost_build_problem(&out->soc, workload, &cost, &out->problem, err);
    if (rc != ERR_OK)
        soc_release(&out->soc);
    return rc;
}

static uint64_t duration_ps(const struct layer_option *option)
{
    return option->compute_ps > option->memory_read_ps ? option->compute_ps
                                                       : option->memory_read_ps;
}

/* Is a better than b in the stead of an option that took wanted_ps? */
static bool suits_better(const struct layer_option *a, const struct layer_option *b,
                         uint64_t wanted_ps)
{
    bool a_fast = duration_ps(a) <= wanted_ps, b_fast = duration_ps(b) <= wanted_ps;
    if (a_fast != b_fast)
        return a_fast;
    if (!a_fast)
        return duration_ps(a) < duration_ps(b);
    return a->pes != b->pes ? a->pes < b->pes : duration_ps(a) < duration_ps(b);
}

/* The placement on another SoC; false where its accelerator is not there or doesn't run it. */
static bool move_placement(const struct problem *from, const struct placement *placement,
                           const struct problem *to, struct placement *out)
{
    const char *name = from->soc->accelerators[placement->accelerator].name;
    uint32_t layer = placement->layer, acc = 0;
    while (acc < to->accelerator_count && strcmp(to->soc->accelerators[acc].name, name) != 0)
        acc++;
    size_t count = acc < to->accelerator_count ? problem_option_count(to, layer, acc) : 0;
    if (count == 0)
        return false;
    uint64_t wanted_ps =
        duration_ps(problem_option(from, layer, placement->accelerator, placement->option));
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++)
        if (suits_better(problem_option(to, layer, acc, i), problem_option(to, layer, acc, best),
                         wanted_ps))
            best = i;
    *out = (struct placement){ layer, placement->group, (uint16_t)acc, (uint16_t)best };
    return true;
}

static bool move_mapping(const struct problem *from, const struct mapping *mapping,
                         const struct problem *to, struct mapping *out)
{
    mapping_init(out, mapping->placement_count);
    out->discipline = mapping->discipline;
    for (size_t i = 0; i < mapping->placement_count; i++)
        if (!move_placement(from, &mapping->placements[i], to, &out->placements[i]))
            return false;
    return true;
}

/* By the objective, and not at the price of a deadline. */
static bool is_better(const struct sweep_mapping_options *options, const struct problem *problem,
                      const struct timed *timed, const struct sweep_outcome *than)
{
    return deadline_misses(problem, timed) <= than->deadline_misses &&
           objective_value(options->objective, timed->makespan_ps, timed->energy_pj) <
               objective_value(options->objective, than->makespan_ps, than->energy_pj);
}

/* Of a mapping that fits: its outcome if that is better. One that doesn't is no loss. */
static void replay(const struct sweep_mapping_options *options, const struct site *small,
                   const struct site *big, uint64_t from, const struct mapping *mapping,
                   struct sweep_outcome *outcome, struct text *mapping_text)
{
    struct mapping moved = { 0 };
    struct timed timed = { 0 };
    if (move_mapping(&small->problem, mapping, &big->problem, &moved) &&
        mapping_check(&big->problem, &moved, NULL, options->granularity, NULL) == ERR_OK &&
        time_mapping(options, &big->problem, &moved, &timed, NULL) == ERR_OK &&
        is_better(options, &big->problem, &timed, outcome)) {
        take_figures(&big->problem, &timed, outcome);
        outcome->replayed_from = from;
        text_release(mapping_text);
        *mapping_text = (struct text){ 0 };
        write_timed(options, &big->problem, &timed, mapping_text);
    }
    timed_release(&timed);
    mapping_release(&moved);
}

enum err_code sweep_replay_point(const struct space *space, const struct workload *workload,
                                 const struct sweep_mapping_options *options, uint64_t point,
                                 uint64_t from, const char *from_mapping_text,
                                 struct sweep_outcome *outcome, struct text *mapping_text,
                                 struct err *err)
{
    struct err own = ERR_INIT;
    struct site small, big;
    struct mapping_file file;
    if (open_site(space, workload, options, from, &small, &own) == ERR_OK) {
        if (open_site(space, workload, options, point, &big, &own) == ERR_OK) {
            if (mapping_load_text(&small.problem, "mapping", from_mapping_text,
                                  strlen(from_mapping_text), &file, &own) == ERR_OK) {
                replay(options, &small, &big, from, &file.mapping, outcome, mapping_text);
                mapping_file_release(&file);
            }
            site_release(&big);
        }
        site_release(&small);
    }
    if (own.code != ERR_OK && err && err->code == ERR_OK)
        *err = own;
    return own.code;
}
