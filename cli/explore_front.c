#include "cli/explore_front.h"

#include <stdlib.h>

#include "core/arena.h"
#include "ga/front.h"

static enum err_code simulate(struct cli_front *front, const struct problem *problem,
                              const struct mapping *mapping, enum granularity granularity,
                              struct report_point *out, struct err *err)
{
    struct sim_options options = { .granularity = granularity };
    struct sim_result result = { 0 };
    enum err_code rc = sim_run(problem, mapping, &options, &result, err);
    if (rc != ERR_OK)
        return rc;
    struct schedule *schedule = &front->schedules[front->found++];
    *schedule = result.schedule;
    result.schedule = (struct schedule){ 0 };
    sim_result_release(&result);
    *out = (struct report_point){
        .latency_ps = schedule->makespan_ps,
        .energy_pj = mapping_energy(problem, mapping, schedule->makespan_ps).total_pj,
        .mapping = mapping,
        .schedule = schedule,
    };
    return ERR_OK;
}

/* Keeps of points[0 … count) the front, in order, and chooses. */
static void thin_out(struct cli_front *front, const struct report_point *points, size_t count)
{
    double *values = mem_alloc(2 * count + 1, sizeof *values);
    size_t *kept = mem_alloc(count + 1, sizeof *kept);
    for (size_t i = 0; i < count; i++) {
        values[2 * i] = (double)points[i].latency_ps;
        values[2 * i + 1] = points[i].energy_pj;
    }
    front->count = ga_front(values, count, 2, kept);
    for (size_t i = 0; i < front->count; i++) {
        front->points[i] = points[kept[i]];
        values[2 * i] = (double)front->points[i].latency_ps;
        values[2 * i + 1] = front->points[i].energy_pj;
    }
    front->chosen = ga_knee(values, front->count, 2);
    free(values);
    free(kept);
}

enum err_code cli_front_init(struct cli_front *out, const struct problem *problem,
                             const struct mapper_result *found, enum granularity granularity,
                             struct err *err)
{
    enum err_code rc = ERR_OK;
    size_t count = found->front_count;
    *out = (struct cli_front){ 0 };
    if (count == 0)
        return ERR_OK;
    struct report_point *points = mem_alloc(count, sizeof *points);
    out->points = mem_alloc(count, sizeof *out->points);
    out->schedules = mem_alloc(count, sizeof *out->schedules);
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = simulate(out, problem, &found->front[i].mapping, granularity, &points[i], err);
    if (rc == ERR_OK)
        thin_out(out, points, count);
    else
        cli_front_release(out);
    free(points);
    return rc;
}

void cli_front_release(struct cli_front *front)
{
    for (size_t i = 0; i < front->found; i++)
        schedule_release(&front->schedules[i]);
    free(front->schedules);
    free(front->points);
    *front = (struct cli_front){ 0 };
}
