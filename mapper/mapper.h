/*
 * Mappers: a problem in, the best mapping found out. One row of mapper_table[] each.
 * They see evaluators only as struct evaluator. Every mapping they return has passed
 * mapping_check().
 */
#ifndef SOCWEAVE_MAPPER_MAPPER_H
#define SOCWEAVE_MAPPER_MAPPER_H

#include <signal.h>

#include "core/evaluator.h"
#include "cost/cost.h"

enum fitness { FITNESS_ANALYTIC, FITNESS_MIXED, FITNESS_SIM };
extern const char *const fitness_names[3]; /* "analytic", "mixed", "sim" */

/* One row of convergence.csv: the best so far after so much work. No clock in it. */
struct mapper_progress {
    uint64_t evaluations, sim_evaluations;
    unsigned step, step_count; /* generation, or trial; step_count 0 if unknown */
    uint64_t best_makespan_ps; /* of the best mapping so far, by the fitness in force */
    double best_energy_pj, best_value;
};

/* What the default mapper can do without, one by one, for ablation. */
enum mapper_lever {
    MAPPER_CHANGE_WAY,     /* other accelerators and options of layers that are placed */
    MAPPER_SHIFT_LAYER,    /* one layer along the list */
    MAPPER_SHIFT_NETWORK,  /* all layers of a network along the list */
    MAPPER_CRITICAL_CHAIN, /* most moves fall on it */
    MAPPER_JUSTIFY,        /* forward-backward improvement */
    MAPPER_CONTENTION,     /* the search itself sees contention, not only its judge */
    MAPPER_SEEDS,          /* list schedules to start from; else topological order */
    MAPPER_EXACT,          /* branch and bound at the end, where layers are few */
    MAPPER_LEVER_COUNT
};
extern const char *const mapper_lever_names[MAPPER_LEVER_COUNT]; /* "change-way", … */

struct mapper_options {
    uint64_t seed;
    unsigned population, generations; /* 0 = the mapper's own default */
    uint64_t budget_evals;            /* 0 = none */
    uint64_t budget_layers;           /* placed layers; 0 = budget_evals, or the mapper's default */
    double time_limit_s;              /* 0 = none; not reproducible */
    unsigned jobs;
    unsigned levers_off; /* bits 1u << enum mapper_lever */
    /* A lower bound of the makespan that the caller knows; 0: the mapper looks for one, if it has
     * use for it. */
    uint64_t known_bound_ps;
    /* For exact searches of single networks, or few layers, that may raise socweave's bound; 0: its
     * default. */
    uint64_t proof_nodes;
    /* A legal mapping to go on from, in place of seeds; NULL: none. For socweave and exact. */
    const struct mapping *start;
    enum objective objective;
    enum fitness fitness;
    enum granularity granularity;
    const struct evaluator *analytic;  /* never NULL */
    const struct evaluator *sim;       /* NULL: fitness is analytic */
    const volatile sig_atomic_t *stop; /* set by Ctrl-C: finish the step, return the best */
    void (*progress)(void *ctx,
                     const struct mapper_progress *progress); /* one thread; may be NULL */
    void *progress_ctx;
};

/* One of the mappings that none other is better than in latency and energy together. */
struct mapper_point {
    struct mapping mapping;
    struct evaluation evaluation; /* by the fitness in force */
};

struct mapper_result {
    struct mapping mapping;
    uint64_t evaluations, sim_evaluations;
    struct mapper_progress *convergence; /* owned; steps where something was learned */
    size_t convergence_count;
    bool interrupted;
    /* Proved: no mapping has a shorter makespan than this in the uncontended timing at the
     * granularity in force; 0 where the mapper proves nothing. */
    uint64_t proved_bound_ps;
    bool proved_optimal; /* and the mapping reaches it, by the fitness in force */
    /* Of mapper_run_front() alone: by rising makespan, which is by falling energy. */
    struct mapper_point *front; /* owned */
    size_t front_count, front_chosen;
};

struct mapper {
    const char *name, *summary, *source;
    enum cost_sharing default_sharing; /* what explore offers it unless told otherwise */
    /* 0: any problem. Else so many layers, and only their latency at layer granularity. */
    uint32_t layers_max;
    enum err_code (*run)(const struct problem *problem, const struct mapper_options *options,
                         struct mapper_result *out, struct err *err);
    /* NULL: it searches for one objective only. */
    enum err_code (*run_front)(const struct problem *problem, const struct mapper_options *options,
                               struct mapper_result *out, struct err *err);
};

extern const struct mapper mapper_table[];
extern const size_t mapper_count;
const struct mapper *mapper_find(const char *name);
bool mapper_takes(const struct mapper *mapper, const struct problem *problem,
                  const struct mapper_options *options);
/* Runs a row and checks what it made; out is untouched on error. */
enum err_code mapper_run(const struct mapper *mapper, const struct problem *problem,
                         const struct mapper_options *options, struct mapper_result *out,
                         struct err *err);
/*
 * Latency against energy: out->front, at most MAPPER_FRONT_MAX; the mapping is its knee (ga_knee()
 * of ga/front.h). The row must have run_front; options->objective is not looked at. A third of the
 * budget each goes to the lowest latency, the lowest energy and what is between; without a budget
 * each third is the default of one search, so that no end is worse than a search for it alone.
 */
#define MAPPER_FRONT_MAX 64
enum err_code mapper_run_front(const struct mapper *mapper, const struct problem *problem,
                               const struct mapper_options *options, struct mapper_result *out,
                               struct err *err);
void mapper_result_release(struct mapper_result *result);

/* No mapping of this problem can be faster, at this granularity. */
struct lower_bound {
    uint64_t makespan_ps;
    const char *name; /* of the bound that decided: "critical path", "PE area", … */
};
struct lower_bound mapper_lower_bound(const struct problem *problem, enum granularity granularity);
/* The same where links and ports serve one packet at a time, as in the simulation. */
struct lower_bound mapper_contended_bound(const struct problem *problem,
                                          enum granularity granularity);
/* Both at once; contended may be NULL. */
void mapper_lower_bounds(const struct problem *problem, enum granularity granularity,
                         struct lower_bound *plain, struct lower_bound *contended);

#endif
