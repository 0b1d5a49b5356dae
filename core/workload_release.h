/*
 * From entries to networks: keys of time, the hyperperiod, releases, triggers, dependences. For
 * workload.c alone.
 */
#ifndef SOCWEAVE_CORE_WORKLOAD_RELEASE_H
#define SOCWEAVE_CORE_WORKLOAD_RELEASE_H

#include "core/json.h"
#include "core/workload.h"

/* Until when, how often and with which luck. */
struct workload_window {
    uint64_t horizon_ps; /* 0: one hyperperiod */
    uint64_t frames_max; /* of an entry */
    uint64_t seed;
};
struct workload_window workload_read_window(const struct json_node *root);

/* Fills the times and probability of an entry, and names what it depends on (NULL: nothing). */
void workload_read_times(const struct json_node *node, struct workload_entry *entry,
                         const char **depends_on);

/* What reading left to settle: [entry] each. */
struct workload_sources {
    const struct json_node *const *nodes;
    const char *const *depends_on;
};

/*
 * Fills entries' depends_on, frames and networks, and the workload's networks; what is wrong is an
 * error at its entry. Networks of one name are the caller's business.
 */
void workload_release_networks(struct workload *workload, const struct json_node *networks_node,
                               const struct workload_sources *sources,
                               const struct workload_window *window);

#endif
