/*
 * Everything that is written about a finished exploration or simulation: result.json,
 * mapping.json, resolved.json, layers.csv, networks.csv, convergence.csv, trace.json (Perfetto) and
 * report.html.
 * Writers are pure functions of struct report: same input, same bytes; no clock, no machine name.
 */
#ifndef SOCWEAVE_REPORTS_REPORT_H
#define SOCWEAVE_REPORTS_REPORT_H

#include "core/mapping.h"
#include "core/text.h"
#include "core/trace.h"

/* Load of one resource in the simulated run. */
struct report_load {
    uint64_t busy_ps, waited_ps, packets, bytes;
};

/* One row of the convergence. */
struct report_step {
    uint64_t evaluations, sim_evaluations;
    unsigned step;
    uint64_t best_makespan_ps;
    double best_energy_pj, best_value;
};

/* A hardware instruction that could run the layers of a class, with its best mapping. */
struct report_intrinsic {
    const char *name, *limited_by;
    char axes[96]; /* "i=p.q j=k k=c.r.s" */
    uint64_t mappings, calls;
    double padding_frac, predicted_ns;
};
struct report_intrinsics {
    size_t count;
    struct report_intrinsic *rows; /* fastest prediction first */
};

/* Of a search for latency against energy: one of the mappings that no other beats in both. */
struct report_point {
    uint64_t latency_ps; /* of the simulated run */
    double energy_pj;
    const struct mapping *mapping;   /* NULL: only drawn, not written */
    const struct schedule *schedule; /* of the run */
};

struct report {
    const struct problem *problem;
    const struct mapping *mapping;
    const struct schedule *analytic, *simulated;         /* simulated may be NULL */
    const struct trace *trace;                           /* of the simulated run; may be NULL */
    const struct report_load *links, *locals, *channels; /* NULL with simulated */
    struct mapping_energy energy; /* over the simulated makespan, else the analytic one */
    enum granularity granularity;
    const char *mapper, *objective, *fitness;
    uint64_t seed, evaluations, sim_evaluations;
    uint64_t lower_bound_ps;
    const char *lower_bound_name;
    const struct report_intrinsics *intrinsics; /* [class of the problem]; NULL: not said */
    const struct report_step *convergence;
    size_t convergence_count;
    /* By rising latency, which is by falling energy; front[front_chosen] is `mapping`. Count 0: the
     * search was for one objective. */
    const struct report_point *front;
    size_t front_count, front_chosen;
    bool interrupted;
    const char *version,
        *command; /* command without --jobs and --out: same bytes for any of them */
};

/* The makespan that counts: simulated if there is one. */
uint64_t report_makespan_ps(const struct report *report);
/* makespan / lower bound - 1. */
double report_gap_frac(const struct report *report);
size_t report_group_count(const struct report *report);

void report_result_json(const struct report *report, struct text *out);
void report_resolved_json(const struct report *report, struct text *out);
void report_layers_csv(const struct report *report, struct text *out);
void report_networks_csv(const struct report *report, struct text *out);
void report_convergence_csv(const struct report *report, struct text *out);
void report_trace_json(const struct report *report, struct text *out);
void report_html(const struct report *report, struct text *out);
/* For a terminal of 80 columns, UTF-8; control characters of names are printed as `\xNN`. */
void report_summary_text(const struct report *report, struct text *out);

/* "front/01.json": where the mapping of a point of the front stands in the output folder. */
void report_front_file(size_t point, struct text *out);

/* Member "front" of an open object; nothing where there is none. */
void report_front_json(const struct report *report, struct json_out *out);

/* All files of an output folder, made if need be, each written whole or not at all. */
enum err_code report_write_dir(const struct report *report, const char *dir, struct err *err);

#endif
