#include "mapper/dispatched.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/deadline.h"
#include "mapper/dispatch.h"

struct dispatched {
    const struct problem *problem;
    struct dispatch *dispatch;
    struct dispatch_choice *choices; /* [layer] */
    uint32_t *position;              /* [layer] */
    uint64_t *tail_ps, *start_ps, *end_ps;
    struct evaluator evaluator;
};

static uint64_t run(struct dispatched *d, const struct mapping *mapping,
                    const struct dispatch_times *times)
{
    for (uint32_t at = 0; at < mapping->placement_count; at++) {
        const struct placement *p = &mapping->placements[at];
        d->position[p->layer] = at;
        d->choices[p->layer] = (struct dispatch_choice){
            problem_option(d->problem, p->layer, p->accelerator, p->option), p->accelerator
        };
    }
    return dispatch_run(d->dispatch, d->choices, d->position, d->tail_ps, UINT64_MAX, times);
}

static enum err_code evaluate(void *ctx, const struct mapping *mappings, size_t count,
                              struct evaluation *out, struct err *err)
{
    struct dispatched *d = ctx;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        const struct dispatch_times times = { d->start_ps, d->end_ps };
        out[i] = (struct evaluation){ 0 };
        out[i].makespan_ps = run(d, &mappings[i], &times);
        out[i].energy_pj = mapping_energy(d->problem, &mappings[i], out[i].makespan_ps).total_pj;
        if (deadline_matters(d->problem))
            out[i].on_time =
                deadline_judge_mapping(d->problem, &mappings[i], d->start_ps, d->end_ps);
    }
    return ERR_OK;
}

struct dispatched *dispatched_new(const struct problem *problem)
{
    struct dispatched *d = mem_alloc(1, sizeof *d);
    size_t layers = problem->layer_count;
    d->problem = problem;
    d->dispatch = dispatch_new(problem);
    d->choices = mem_alloc(layers, sizeof *d->choices);
    d->position = mem_alloc(layers, sizeof *d->position);
    d->tail_ps = mem_alloc(layers, sizeof *d->tail_ps);
    d->start_ps = mem_alloc(layers, sizeof *d->start_ps);
    d->end_ps = mem_alloc(layers, sizeof *d->end_ps);
    d->evaluator = (struct evaluator){ "dispatch", d, evaluate };
    return d;
}

void dispatched_free(struct dispatched *d)
{
    if (!d)
        return;
    dispatch_free(d->dispatch);
    free(d->choices);
    free(d->position);
    free(d->tail_ps);
    free(d->start_ps);
    free(d->end_ps);
    free(d);
}

const struct evaluator *dispatched_evaluator(struct dispatched *d)
{
    return &d->evaluator;
}

/* --- in order of starts ----------------------------------------------------------------------- */

struct started {
    uint64_t start_ps;
    uint32_t position; /* in the mapping: what starts at the same time stays in order */
};

static int by_start(const void *a, const void *b)
{
    const struct started *x = a, *y = b;
    if (x->start_ps != y->start_ps)
        return x->start_ps < y->start_ps ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

void dispatched_run(struct dispatched *d, const struct mapping *mapping, struct mapping *out,
                    struct schedule *schedule)
{
    const struct dispatch_times times = { schedule->start_ps, schedule->end_ps };
    size_t count = mapping->placement_count;
    struct started *order = mem_alloc(count, sizeof *order);
    schedule->makespan_ps = run(d, mapping, &times);
    for (uint32_t at = 0; at < count; at++)
        order[at] = (struct started){ schedule->start_ps[mapping->placements[at].layer], at };
    qsort(order, count, sizeof *order, by_start);
    out->discipline = MAPPING_BY_LAYER;
    for (uint32_t at = 0; at < count; at++) {
        out->placements[at] = mapping->placements[order[at].position];
        out->placements[at].group = at;
    }
    free(order);
}
