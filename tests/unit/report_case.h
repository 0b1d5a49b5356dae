/* A run with everything that is reported about it: a mapping, both its schedules and a trace. */
#ifndef SOCWEAVE_TESTS_REPORT_CASE_H
#define SOCWEAVE_TESTS_REPORT_CASE_H

#include "reports/report_facts.h"
#include "sim/sim.h"
#include "tests/fixture.h"

struct report_case {
    struct mapping mapping;
    struct schedule analytic;
    struct sim_result sim;
    struct report_step steps[3];
    struct report report;
};

/* Takes the mapping. */
void report_case_run(struct report_case *c, const struct problem *problem,
                     const struct mapping *mapping_take, enum granularity granularity);
/* The same for a random mapping. */
void report_case_init(struct report_case *c, const struct problem *problem, uint64_t seed,
                      enum mapping_discipline discipline, enum granularity granularity);
void report_case_release(struct report_case *c);

/* A SoC, a workload and a graph whose names are `hostile`, a piece of JSON text. */
void report_case_hostile(struct fixture *f, const char *hostile);

#endif
