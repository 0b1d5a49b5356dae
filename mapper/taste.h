/*
 * Tastes: a few numbers that decide how layers are placed greedily (mapper/decode.h), found by
 * evolution. Where every accelerator runs every layer, prices of accelerators and a look at what
 * comes after say more than the earliest end.
 */
#ifndef SOCWEAVE_MAPPER_TASTE_H
#define SOCWEAVE_MAPPER_TASTE_H

#include <signal.h>

#include "mapper/decode.h"

/* Is there a layer that several kinds of accelerators run? Not where networks wait for each
 * other. */
bool taste_suits(const struct decode_ways *ways);

/*
 * Evolves tastes until so many ways were looked at, as if each were a placed layer, and nine plain
 * ones before; the best one's list into *list, not justified. Uncontended times, makespan alone.
 * island: distinct ones draw distinct streams. Ends early at *stop.
 */
void taste_search(const struct decode_ways *ways, uint64_t seed, uint32_t island,
                  uint64_t work_layers, const volatile sig_atomic_t *stop,
                  struct activity_list *list);

#endif
