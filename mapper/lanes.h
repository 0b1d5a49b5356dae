/*
 * Servers of one packet at a time (links, local ports, memory channels) as lists of busy intervals,
 * for a scheduler that plans transfers around each other: a packet goes into the first gap that
 * holds it. The timing model serves in order of request, which is nearly the same.
 * lane_reserve() is O(log intervals + intervals behind).
 */
#ifndef SOCWEAVE_MAPPER_LANES_H
#define SOCWEAVE_MAPPER_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "core/problem.h"

struct lane_busy {
    uint64_t start_ps, end_ps;
};

struct lane {
    struct lane_busy *busy; /* ascending, disjoint */
    size_t count, capacity;
};

struct lanes {
    const struct problem *problem;
    size_t count; /* links, then local ports, then channels */
    struct lane *lanes;
    uint32_t *rate_of;    /* [lane]: its column of service_ps; channels have none */
    uint64_t *service_ps; /* [size_class * rate_count + rate]: bytes at a link's or port's rate */
    size_t rate_count;
};

void lanes_init(struct lanes *lanes, const struct problem *problem);
void lanes_release(struct lanes *lanes);
void lanes_clear(struct lanes *lanes);
void lanes_copy(struct lanes *to, const struct lanes *from); /* of the same problem */

/* Sends the bytes of an edge that leave at leaves_ps; takes every server on its way. Returns their
 * arrival, never before leaves_ps + problem_transfer_ps(). docs/model.md M-20, M-21. */
uint64_t lanes_send(struct lanes *lanes, const struct problem_edge *edge, uint32_t from,
                    uint32_t to, uint64_t leaves_ps);

/* Reads `bytes` from the accelerator's memory channel, requested at start_ps; returns the arrival.
 */
uint64_t lanes_read(struct lanes *lanes, uint64_t bytes, uint32_t acc, uint64_t start_ps);

#endif
