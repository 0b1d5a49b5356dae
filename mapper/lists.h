/*
 * Activity lists (mapper/decode.h) from elsewhere: by rank, from a mapping, by chance.
 */
#ifndef SOCWEAVE_MAPPER_LISTS_H
#define SOCWEAVE_MAPPER_LISTS_H

#include "core/rng.h"
#include "mapper/decode.h"

/* By falling rank[layer], which no predecessor may have lower than its consumers; ways stay. */
void activity_list_by_rank(const struct view *view, const double *rank, struct activity_list *list);

/* A mapping's order and choices; whatever barrier it had is gone. */
void activity_list_of_mapping(const struct decode_ways *ways, const struct mapping *mapping,
                              struct activity_list *list);

/* Any topological order, any ways. */
void activity_list_random(const struct decode_ways *ways, struct rng *rng,
                          struct activity_list *list);

#endif
