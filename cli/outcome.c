#include "cli/outcome.h"

#include <stdio.h>
#include <string.h>

#include "cli/intrinsics.h"

/* sim and reports do not know each other; their load records hold the same four numbers. */
static const struct report_load *as_load(const struct sim_resource_load *load)
{
    _Static_assert(sizeof(struct report_load) == sizeof(struct sim_resource_load),
                   "report_load mirrors sim_resource_load");
    return (const struct report_load *)(const void *)load;
}

enum err_code outcome_init(struct outcome *out, const struct problem *problem,
                           const struct mapping *mapping, const struct sim_options *options,
                           struct err *err)
{
    memset(out, 0, sizeof *out);
    schedule_init(&out->analytic, problem->layer_count);
    analytic_schedule(problem, mapping, options->granularity, &out->analytic);
    enum err_code rc = mapping_check(problem, mapping, &out->analytic, options->granularity, err);
    if (rc == ERR_OK)
        rc = sim_run(problem, mapping, options, &out->sim, err);
    if (rc != ERR_OK) {
        schedule_release(&out->analytic);
        return rc;
    }
    out->intrinsics = cli_intrinsics_new(problem);
    struct lower_bound bound = mapper_contended_bound(problem, options->granularity);
    snprintf(out->bound_name, sizeof out->bound_name, "%s%s", bound.name,
             problem->workload->split_count ? ", for these splits" : "");
    out->report = (struct report){
        .problem = problem,
        .mapping = mapping,
        .analytic = &out->analytic,
        .simulated = &out->sim.schedule,
        .trace = &out->sim.trace,
        .links = as_load(out->sim.links),
        .locals = as_load(out->sim.locals),
        .channels = as_load(out->sim.channels),
        .energy = mapping_energy(problem, mapping, out->sim.schedule.makespan_ps),
        .granularity = options->granularity,
        .lower_bound_ps = bound.makespan_ps,
        .lower_bound_name = out->bound_name,
        .intrinsics = out->intrinsics,
        .version = SOCWEAVE_VERSION,
    };
    return ERR_OK;
}

void outcome_release(struct outcome *outcome)
{
    cli_intrinsics_free(outcome->intrinsics, outcome->report.problem->class_count);
    schedule_release(&outcome->analytic);
    sim_result_release(&outcome->sim);
}
