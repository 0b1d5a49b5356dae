/*
 * A mapping that was executed on the cores of this machine, beside its simulation: run/1
 * (docs/formats.md) and a page. Writers are pure functions of what was measured.
 */
#ifndef SOCWEAVE_REPORTS_HOST_RUN_H
#define SOCWEAVE_REPORTS_HOST_RUN_H

#include "core/mapping.h"
#include "core/text.h"

/* Of a layer, in the run with the median makespan; from its start. */
struct report_host_event {
    uint64_t copy_ps, begin_ps, end_ps; /* copies begin, computing begins, both are over */
    uint64_t copied_bytes;
    uint64_t median_ps; /* of computing, over all runs */
};

struct report_host_run {
    const struct problem *problem;
    const struct mapping *mapping;
    const struct schedule *simulated; /* starts and ends of layers; makespan */
    uint64_t analytic_ps;
    size_t run_count;
    const uint64_t *runs_ps;                /* makespans in the order of the runs */
    uint64_t measured_ps;                   /* their median */
    const struct report_host_event *events; /* [layer] */
    /* Parts of measured - simulated (docs/model.md M-143). */
    int64_t compute_ps, copies_ps, waits_ps, modelled_ps;
    bool checked; /* against the reference */
    uint64_t checked_layers, wrong_layers, checked_results, checked_elements;
    const char *first_wrong; /* or "" */
    const char *failure;     /* of the run after the last one: a device's; or "" */
    uint64_t seed;
    const char *device, *version, *command;
};

double report_host_error(const struct report_host_run *run); /* (simulated - measured) / measured */
/* Median of |predicted - measured| / measured of the layers' times, each the median of all runs. */
double report_host_layer_error(const struct report_host_run *run);

void report_host_run_json(const struct report_host_run *run, struct text *out);
void report_host_run_text(const struct report_host_run *run, struct text *out);
void report_host_run_html(const struct report_host_run *run, struct text *out);

#endif
