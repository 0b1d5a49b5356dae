/*
 * The timing rules without contention (docs/model.md M-30 to M-36), in one pass over the
 * placements: their order is topological, and every accelerator starts its own in that order.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "sim/analytic_tile.h"
#include "sim/scratch.h"
#include "sim/sim.h"

#define NONE UINT32_MAX

struct layer_state {
    uint64_t end_ps, leave_ps; /* results leave when the layer ends, or its group */
    uint64_t scratchpad_bytes;
    uint32_t accelerator, pes;
    uint32_t next; /* in its accelerator's list of running layers, ascending by end */
};

struct accelerator_state {
    uint64_t gate_ps; /* nothing may start before the last start, or the last group's end */
    uint64_t pes_free, scratchpad_free;
    uint32_t slots_free;
    uint32_t running; /* layer that ends first */
};

struct run {
    const struct problem *problem;
    enum granularity granularity;
    struct schedule *schedule; /* may be NULL */
    struct layer_state *layers;
    struct accelerator_state *accelerators;
    uint64_t makespan_ps;
};

static void run_init(struct run *run)
{
    const struct problem *problem = run->problem;
    size_t count = problem->accelerator_count;
    run->layers = (struct layer_state *)sim_scratch(SIM_SCRATCH_LAYERS, problem->layer_count,
                                                    sizeof *run->layers);
    run->accelerators = (struct accelerator_state *)sim_scratch(SIM_SCRATCH_ACCELERATORS, count,
                                                                sizeof *run->accelerators);
    for (size_t acc = 0; acc < count; acc++) {
        const struct soc_accelerator *of = &problem->soc->accelerators[acc];
        run->accelerators[acc] = (struct accelerator_state){
            .pes_free = soc_pes(of),
            .scratchpad_free = of->scratchpad_bytes,
            .slots_free = of->shared_layers_max,
            .running = NONE,
        };
    }
    run->makespan_ps = 0;
}

/* --- inputs --------------------------------------------------------------------------------- */

/* When the results of all predecessors are there as a whole, and the network is released. */
static inline uint64_t inputs_ready_ps(const struct run *run, uint32_t layer, uint32_t acc)
{
    const struct problem *problem = run->problem;
    uint64_t ready_ps = problem_release_ps(problem, layer);
    for (uint32_t e = problem->pred_begin[layer]; e < problem->pred_begin[layer + 1]; e++) {
        const struct problem_edge *edge = &problem->preds[e];
        const struct layer_state *from = &run->layers[edge->layer];
        uint64_t arrival_ps =
            from->leave_ps + problem_transfer_ps(problem, edge->size_class, from->accelerator, acc);
        ready_ps = max_u64(ready_ps, arrival_ps);
    }
    return ready_ps;
}

/* When the inputs of each tile are there. */
static const uint64_t *tiles_ready_ps(const struct run *run, uint32_t layer, uint32_t acc,
                                      uint32_t tiles)
{
    const struct problem *problem = run->problem;
    uint64_t *ready_ps = (uint64_t *)sim_scratch(SIM_SCRATCH_TILES, tiles, sizeof *ready_ps);
    memset(ready_ps, 0, tiles * sizeof *ready_ps);
    for (uint32_t e = problem->pred_begin[layer]; e < problem->pred_begin[layer + 1]; e++) {
        const struct problem_edge *edge = &problem->preds[e];
        const struct layer_state *from = &run->layers[edge->layer];
        analytic_tile_input(problem, from->accelerator, acc, edge->bytes, tiles, from->leave_ps,
                            ready_ps);
    }
    return ready_ps;
}

/* --- resources of an accelerator, by layer -------------------------------------------------- */

static inline bool has_room(const struct accelerator_state *state,
                            const struct layer_option *option)
{
    return state->slots_free > 0 && option->pes <= state->pes_free &&
           option->scratchpad_bytes <= state->scratchpad_free;
}

static inline uint64_t release_first(struct run *run, struct accelerator_state *state)
{
    const struct layer_state *first = &run->layers[state->running];
    state->pes_free += first->pes;
    state->scratchpad_free += first->scratchpad_bytes;
    state->slots_free++;
    state->running = first->next;
    return first->end_ps;
}

/* docs/model.md M-31: the earliest time from start_ps on when the layer has room. Starts ascend
 * along the list, so what has ended by then never matters again. */
static inline uint64_t wait_for_room(struct run *run, struct accelerator_state *state,
                                     const struct layer_option *option, uint64_t start_ps)
{
    while (state->running != NONE && run->layers[state->running].end_ps <= start_ps)
        release_first(run, state);
    while (!has_room(state, option) && state->running != NONE)
        start_ps = release_first(run, state);
    return start_ps;
}

static inline void occupy(struct run *run, struct accelerator_state *state, uint32_t layer,
                          const struct layer_option *option)
{
    struct layer_state *mine = &run->layers[layer];
    mine->pes = option->pes;
    mine->scratchpad_bytes = option->scratchpad_bytes;
    state->pes_free -= option->pes;
    state->scratchpad_free -= option->scratchpad_bytes;
    state->slots_free--;
    uint32_t *at = &state->running;
    while (*at != NONE && run->layers[*at].end_ps <= mine->end_ps)
        at = &run->layers[*at].next;
    mine->next = *at;
    *at = layer;
}

/* --- one pass ------------------------------------------------------------------------------- */

/* Start and end of a placement; `shared` if resources decide beside inputs and gate. */
static inline void time_placement(struct run *run, const struct placement *placement,
                                  const struct layer_option *option, bool shared)
{
    struct accelerator_state *state = &run->accelerators[placement->accelerator];
    struct layer_state *mine = &run->layers[placement->layer];
    const uint64_t *tiles_ps = NULL;
    uint64_t start_ps;
    if (run->granularity == GRANULARITY_LAYER) {
        start_ps = inputs_ready_ps(run, placement->layer, placement->accelerator);
    } else {
        tiles_ps = tiles_ready_ps(run, placement->layer, placement->accelerator, option->tiles);
        start_ps = max_u64(tiles_ps[0], problem_release_ps(run->problem, placement->layer));
    }
    start_ps = max_u64(start_ps, state->gate_ps);
    if (shared)
        start_ps = wait_for_room(run, state, option, start_ps);
    if (tiles_ps == NULL)
        mine->end_ps = start_ps + max_u64(option->compute_ps, option->memory_read_ps);
    else
        mine->end_ps =
            analytic_tile_end(run->problem, placement->accelerator, option, start_ps, tiles_ps);
    mine->accelerator = placement->accelerator;
    if (shared) {
        state->gate_ps = start_ps;
        occupy(run, state, placement->layer, option);
    }
    if (run->schedule != NULL) {
        run->schedule->start_ps[placement->layer] = start_ps;
        run->schedule->end_ps[placement->layer] = mine->end_ps;
    }
}

/* docs/model.md M-32 and M-33. */
static inline void results_leave(struct run *run, uint32_t layer, const struct layer_option *option,
                                 uint64_t leave_ps)
{
    run->layers[layer].leave_ps = leave_ps;
    run->makespan_ps = max_u64(run->makespan_ps, leave_ps + option->memory_write_ps);
}

static inline const struct layer_option *option_of(const struct run *run,
                                                   const struct placement *placement)
{
    return problem_option(run->problem, placement->layer, placement->accelerator,
                          placement->option);
}

static void run_by_layer(struct run *run, const struct mapping *mapping)
{
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *placement = &mapping->placements[i];
        const struct layer_option *option = option_of(run, placement);
        time_placement(run, placement, option, true);
        results_leave(run, placement->layer, option, run->layers[placement->layer].end_ps);
    }
}

static void run_by_group(struct run *run, const struct mapping *mapping)
{
    const struct placement *placements = mapping->placements;
    size_t begin = 0, end;
    for (; begin < mapping->placement_count; begin = end) {
        uint64_t group_end_ps = 0;
        for (end = begin;
             end < mapping->placement_count && placements[end].group == placements[begin].group;
             end++) {
            time_placement(run, &placements[end], option_of(run, &placements[end]), false);
            group_end_ps = max_u64(group_end_ps, run->layers[placements[end].layer].end_ps);
        }
        for (size_t i = begin; i < end; i++)
            results_leave(run, placements[i].layer, option_of(run, &placements[i]), group_end_ps);
        run->accelerators[placements[begin].accelerator].gate_ps = group_end_ps;
    }
}

uint64_t analytic_schedule(const struct problem *problem, const struct mapping *mapping,
                           enum granularity granularity, struct schedule *schedule)
{
    struct run run = { .problem = problem, .granularity = granularity, .schedule = schedule };
    assert(schedule == NULL || schedule->layer_count == problem->layer_count);
    run_init(&run);
    if (mapping->discipline == MAPPING_BY_LAYER)
        run_by_layer(&run, mapping);
    else
        run_by_group(&run, mapping);
    if (schedule != NULL) {
        schedule->makespan_ps = run.makespan_ps;
        schedule->energy_pj = mapping_energy(problem, mapping, run.makespan_ps).total_pj;
    }
    return run.makespan_ps;
}

/* --- evaluator ------------------------------------------------------------------------------ */

struct analytic {
    struct evaluator evaluator;
    const struct problem *problem;
    enum granularity granularity;
};

static struct evaluation evaluate_deadlines(const struct analytic *analytic,
                                            const struct mapping *mapping)
{
    const struct problem *problem = analytic->problem;
    struct schedule times;
    schedule_init(&times, problem->layer_count);
    struct evaluation out = {
        .makespan_ps = analytic_schedule(problem, mapping, analytic->granularity, &times),
        .on_time = deadline_judge_mapping(problem, mapping, times.start_ps, times.end_ps),
    };
    out.energy_pj = times.energy_pj;
    schedule_release(&times);
    return out;
}

static enum err_code analytic_evaluate(void *ctx, const struct mapping *mappings, size_t count,
                                       struct evaluation *out, struct err *err)
{
    const struct analytic *analytic = (const struct analytic *)ctx;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        if (deadline_matters(analytic->problem)) {
            out[i] = evaluate_deadlines(analytic, &mappings[i]);
            continue;
        }
        out[i].on_time = (struct punctuality){ 0 };
        out[i].makespan_ps =
            analytic_schedule(analytic->problem, &mappings[i], analytic->granularity, NULL);
        out[i].energy_pj =
            mapping_energy(analytic->problem, &mappings[i], out[i].makespan_ps).total_pj;
    }
    return ERR_OK;
}

struct evaluator *analytic_evaluator_new(const struct problem *problem,
                                         enum granularity granularity)
{
    struct analytic *analytic = (struct analytic *)mem_alloc(1, sizeof *analytic);
    *analytic = (struct analytic){
        .evaluator = { .name = "analytic", .ctx = analytic, .evaluate = analytic_evaluate },
        .problem = problem,
        .granularity = granularity,
    };
    return &analytic->evaluator;
}

void analytic_evaluator_free(struct evaluator *evaluator)
{
    free(evaluator != NULL ? evaluator->ctx : NULL);
}
