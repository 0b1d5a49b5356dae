#include "exec/exec_error.h"

#include <math.h>
#include <stdlib.h>

#include "backends/sample.h"
#include "core/arena.h"
#include "core/num.h"

uint64_t exec_error_replay(const struct problem *p, const struct mapping *mapping,
                           const uint64_t *busy_ps, bool transfers)
{
    uint64_t *end_ps = mem_alloc(p->layer_count, sizeof *end_ps), makespan_ps = 0;
    uint64_t *free_ps = mem_alloc(p->accelerator_count, sizeof *free_ps);
    uint16_t *at = mem_alloc(p->layer_count, sizeof *at);
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *placement = &mapping->placements[i];
        uint32_t layer = placement->layer, acc = placement->accelerator;
        uint64_t start_ps = max_u64(free_ps[acc], problem_release_ps(p, layer));
        for (uint32_t e = p->pred_begin[layer]; e < p->pred_begin[layer + 1]; e++) {
            const struct problem_edge *edge = &p->preds[e];
            uint64_t way_ps =
                transfers ? problem_transfer_ps(p, edge->size_class, at[edge->layer], acc) : 0;
            start_ps = max_u64(start_ps, end_ps[edge->layer] + way_ps);
        }
        at[layer] = (uint16_t)acc;
        free_ps[acc] = end_ps[layer] = start_ps + busy_ps[layer];
        makespan_ps = max_u64(makespan_ps, end_ps[layer]);
    }
    free(end_ps);
    free(free_ps);
    free(at);
    return makespan_ps;
}

static uint64_t as_ps(double ns)
{
    return ns > 0 ? (uint64_t)llround(ns * 1000) : 0;
}

/* Median over the runs of a layer's time: with its copies, or of computing alone. */
static uint64_t median_ps(const struct exec_timeline *runs, size_t run_count, size_t layer,
                          bool copies)
{
    double *values = mem_alloc(run_count, sizeof *values);
    for (size_t r = 0; r < run_count; r++) {
        const struct exec_event *event = &runs[r].layers[layer];
        values[r] = event->end_ns - (copies ? event->copy_ns : event->begin_ns);
    }
    uint64_t ps = as_ps(backend_median(values, run_count));
    free(values);
    return ps;
}

void exec_error_divide(const struct problem *p, const struct mapping *mapping,
                       uint64_t simulated_ps, const struct exec_timeline *runs, size_t run_count,
                       size_t median, struct exec_error *out)
{
    uint64_t *busy_ps = mem_alloc(p->layer_count, sizeof *busy_ps);
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        const struct layer_option *option =
            problem_option(p, at->layer, at->accelerator, at->option);
        busy_ps[at->layer] = max_u64(option->compute_ps, option->memory_read_ps);
    }
    uint64_t predicted_ps = exec_error_replay(p, mapping, busy_ps, true);
    for (size_t i = 0; i < p->layer_count; i++)
        busy_ps[i] = median_ps(runs, run_count, i, false);
    uint64_t computing_ps = exec_error_replay(p, mapping, busy_ps, true);
    for (size_t i = 0; i < p->layer_count; i++)
        busy_ps[i] = median_ps(runs, run_count, i, true);
    uint64_t copying_ps = exec_error_replay(p, mapping, busy_ps, false);
    free(busy_ps);
    *out = (struct exec_error){
        .compute_ps = (int64_t)(computing_ps - predicted_ps),
        .copies_ps = (int64_t)(copying_ps - computing_ps),
        .waits_ps = (int64_t)(as_ps(runs[median].makespan_ns) - copying_ps),
        .modelled_ps = (int64_t)(predicted_ps - simulated_ps),
    };
}
