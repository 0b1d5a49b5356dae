/*
 * Activity lists that none of the others beats in both makespan and energy: what a walk has passed.
 * Bounded; when it is full, the one that gives up the least hypervolume between its neighbours
 * goes. Depends on what was offered and in which order, on nothing else.
 */
#ifndef SOCWEAVE_MAPPER_ARCHIVE_H
#define SOCWEAVE_MAPPER_ARCHIVE_H

#include "mapper/decode.h"

struct archive_entry {
    uint64_t makespan_ps;
    double energy_pj;
    struct activity_list list; /* owned */
};

struct archive {
    struct archive_entry *entries; /* [capacity + 1]; the first `count`: makespan rises, energy
                                    * falls, strictly */
    size_t count, capacity, layers;
};

void archive_init(struct archive *archive, size_t capacity, size_t layers); /* capacity >= 2 */
void archive_release(struct archive *archive);
void archive_clear(struct archive *archive);

/* Copies the list if nothing there is as good in both; what it beats goes. True if it stays.
 * O(log count), and O(count + layers) for what stays. */
bool archive_offer(struct archive *archive, uint64_t makespan_ps, double energy_pj,
                   const struct activity_list *list);

#endif
