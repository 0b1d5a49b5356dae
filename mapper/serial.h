/*
 * One layer at a time on every accelerator, each with its natural allotment: the machine as
 * methods see it that do not share an accelerator (H2H, MAGMA, Herald). A layer has an accelerator
 * and a priority; whenever an accelerator is free, it starts, of its layers whose inputs have
 * arrived, the one with the smallest priority (ties: the smaller number), or waits for the next
 * arrival. Times are those of a mapping by group with single-layer groups on an uncontended network
 * at layer granularity (docs/model.md M-30 to M-33): the analytic evaluator's to the bit.
 */
#ifndef SOCWEAVE_MAPPER_SERIAL_H
#define SOCWEAVE_MAPPER_SERIAL_H

#include "mapper/mapper.h"
#include "mapper/view.h"

struct serial; /* working memory of one thread */
struct serial *serial_new(const struct view *view);
void serial_free(struct serial *serial);

struct serial_times {
    uint64_t makespan_ps;
    uint64_t network_ends_ps; /* sum over networks of their latest end */
};

/* acc_of and priority: [layer]; every accelerator supports its layers.
 * O((layers + edges) log layers + layers × accelerators). */
struct serial_times serial_dispatch(struct serial *serial, const uint16_t *acc_of,
                                    const uint32_t *priority);

/* What the last dispatch made, as a mapping by group; `out` has room for all layers. */
void serial_write(const struct serial *serial, const uint16_t *acc_of, struct mapping *out);

/* The objective after a dispatch, uncontended. For latency O(dispatch), else a mapping is priced
 * as well. */
struct serial_value {
    double value;             /* smaller is better */
    uint64_t network_ends_ps; /* decides between equal values */
};
struct serial_value serial_judge(struct serial *serial, enum objective objective,
                                 const uint16_t *acc_of, const uint32_t *priority);

/* Ends a search without a population: the one mapping in `out` is evaluated by the fitness in
 * force, which makes the only row of the convergence. */
enum err_code serial_finish(const struct mapper_options *options, uint64_t evaluations,
                            struct mapper_result *out, struct err *err);

#endif
