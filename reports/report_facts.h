/*
 * What can be said about a finished run, worked out once for all writers: per layer why it started
 * when it did, per accelerator what it did with its time, per network when it ended, and the chain
 * of events that ends last.
 *
 * "The run" is the simulated one if there is one, else the analytic one. Everything is exact
 * integer arithmetic on its schedule, so shares of one accelerator add up to the makespan.
 * O(layers log layers + edges + trace intervals).
 */
#ifndef SOCWEAVE_REPORTS_REPORT_FACTS_H
#define SOCWEAVE_REPORTS_REPORT_FACTS_H

#include "core/deadline.h"
#include "reports/report.h"

#define REPORT_NO_LAYER UINT32_MAX

/* What released a layer: its start is the latest of these. */
enum report_why {
    REPORT_WHY_NOTHING,     /* it starts at 0, or as soon as its inputs exist */
    REPORT_WHY_TRANSFER,    /* its last input was on the way */
    REPORT_WHY_CONTENTION,  /* ... and queued behind other packets */
    REPORT_WHY_ACCELERATOR, /* PEs, scratchpad or a share slot, or the group before it */
    REPORT_WHY_ORDER,       /* its turn in the list of its accelerator */
    REPORT_WHY_COUNT
};
extern const char *const report_why_names[REPORT_WHY_COUNT];

/* What an accelerator does at an instant. A layer at work hides everything else. */
enum report_state {
    REPORT_COMPUTE,       /* at least one layer computes */
    REPORT_MEMORY,        /* layers are resident, but wait for weights or graph inputs */
    REPORT_COMMUNICATION, /* the next layer's last input exists and is on its way here */
    REPORT_DEPENDENCY,    /* the next layer's last input is still being computed */
    REPORT_IDLE,          /* no layer is left for it */
    REPORT_STATE_COUNT
};
extern const char *const report_state_names[REPORT_STATE_COUNT];

struct report_layer {
    const struct layer_option *option;
    uint32_t position; /* in the mapping */
    uint32_t network;
    uint32_t last_pred; /* whose result arrives last on an idle network; REPORT_NO_LAYER: none */
    uint64_t start_ps, end_ps;
    uint64_t compute_ps; /* of end - start; the rest waits for memory or input tiles */
    uint64_t ready_ps;   /* all inputs have left their producers; at most start_ps */
    uint64_t transfer_ps, contention_ps, accelerator_ps; /* ready_ps + these = start_ps */
    uint64_t queued_ps;     /* its packets' time in queues, all of them added */
    uint32_t queue_index;   /* where most of that was: index of the resource … */
    uint8_t queue_resource; /* … and enum trace_resource; valid if queued_ps > 0 */
    uint8_t why;            /* enum report_why */
    bool stalls_for_memory; /* what end - start - compute_ps is: else for input tiles */
    uint16_t accelerator;
};

struct report_segment {
    uint64_t start_ps, end_ps;
    uint32_t accelerator;
    uint8_t state;
};

struct report_accelerator {
    size_t layer_count, group_count;
    uint64_t state_ps[REPORT_STATE_COUNT]; /* adds up to the makespan */
    double pe_ps; /* Σ PEs · time of its layers; over PEs · makespan it is the PE utilisation */
    uint64_t macs, scratchpad_peak_bytes;
    struct energy_split energy;
    uint32_t *layers; /* by start, then position */
};

struct report_network {
    size_t layer_count;
    uint64_t start_ps, end_ps, macs;
    uint64_t latency_ps; /* from its release to its end */
    bool is_late;        /* it has a deadline, and misses it */
    uint64_t slack_ps;   /* to its deadline, or its lateness; 0 without a deadline */
    struct energy_split energy;
};

/* The chain of events that ends last: these add up to the makespan. */
struct report_chain {
    uint64_t compute_ps, memory_ps, transfer_ps, contention_ps, other_ps;
    uint64_t *accelerator_ps; /* [accelerator]: its part of compute_ps */
    uint32_t *layers;         /* from the last to the first */
    size_t layer_count;
};

struct report_facts {
    const struct report *report;
    const struct schedule *schedule; /* the run */
    uint64_t makespan_ps;
    struct report_layer *layers;             /* [layer] */
    struct report_accelerator *accelerators; /* [accelerator] */
    struct report_network *networks;         /* [network] */
    struct report_segment *segments;         /* by accelerator, then time; no gaps */
    size_t segment_count;
    uint64_t *group_start_ps, *group_end_ps; /* [group] */
    size_t group_count;
    struct punctuality on_time;
    double pe_utilisation_frac; /* Σ PEs·time over all PEs · makespan */
    struct report_chain chain;
    struct arena *arena;
};

void report_facts_init(struct report_facts *out, const struct report *report);
/* The frames of an entry of the workload, together. */
struct report_entry {
    uint64_t frames, misses, latency_ps, longest_ps; /* latency_ps: the sum */
    uint64_t worst_lateness_ps, least_slack_ps;      /* slack: of those in time */
};
struct report_entry report_entry_of(const struct report_facts *facts, size_t entry);
void report_facts_release(struct report_facts *facts);

/* Steps of report_facts_init(), in this order: ready_ps and what follows it in every layer;
 * segments and state_ps; the chain. */
void report_waits_init(struct report_facts *facts);
void report_states_init(struct report_facts *facts);
void report_chain_init(struct report_facts *facts);

/* All parts together. */
double report_energy_pj(const struct energy_split *energy);
/* busy / makespan; 0 for an empty run. */
double report_share(const struct report_facts *facts, uint64_t part_ps);
/* The link or channel that is busy longest; SIZE_MAX if there is none with any load. */
size_t report_busiest(const struct report_load *loads, size_t count);
/* PEs of accelerator in use over the makespan, 0..1. */
double report_pe_frac(const struct report_facts *facts, size_t accelerator);
/* "link 0,0>1,0", "channel dram", "local port of nvdla0": plain text, not escaped. */
void report_resource_name(const struct report_facts *facts, unsigned resource, uint32_t index,
                          struct text *out);
/* "Limited by computing on nvdla0"; names not escaped. */
void report_limit(const struct report_facts *facts, struct text *out);
/* Two plain sentences on what limits this design; names not escaped. */
void report_verdict(const struct report_facts *facts, struct text *out);

#endif
