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

static void set_bound(struct outcome *outcome, struct lower_bound bound)
{
    struct report *report = &outcome->report;
    snprintf(outcome->bound_name, sizeof outcome->bound_name, "%s%s", bound.name,
             report->problem->workload->split_count ? ", for these splits" : "");
    report->lower_bound_ps = bound.makespan_ps;
    report->lower_bound_name = outcome->bound_name;
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
        .intrinsics = out->intrinsics,
        .version = SOCWEAVE_VERSION,
    };
    set_bound(out, bound);
    return ERR_OK;
}

void outcome_raise_bound(struct outcome *outcome, uint64_t proved_ps)
{
    if (proved_ps > outcome->report.lower_bound_ps)
        set_bound(outcome, (struct lower_bound){ proved_ps, "branch and bound" });
}

void outcome_release(struct outcome *outcome)
{
    cli_intrinsics_free(outcome->intrinsics, outcome->report.problem->class_count);
    schedule_release(&outcome->analytic);
    sim_result_release(&outcome->sim);
}
