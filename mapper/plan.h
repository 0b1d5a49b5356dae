/*
 * Plans: few decisions for a whole workload. Networks in order of precedence, each cut into pieces
 * where little is in flight, each piece with an accelerator for every kind of layer. Annealing over
 * layers (mapper/anneal.h) hardly ever finds that one network should leave a fast accelerator half
 * way for another: all layers of a piece would have to go at once. Plans look for just that, and
 * leave the rest to it.
 */
#ifndef SOCWEAVE_MAPPER_PLAN_H
#define SOCWEAVE_MAPPER_PLAN_H

#include <signal.h>

#include "mapper/decode.h"

/* Does it make sense here? Not where networks wait for each other. */
bool plan_suits(const struct problem *problem);

/*
 * Anneals plans until so many more layers were placed; the best one's list into *list, not
 * justified. Uncontended times, makespan alone. island: distinct ones draw distinct streams. Ends
 * early at *stop.
 */
void plan_search(const struct decode_ways *ways, uint64_t seed, uint32_t island,
                 uint64_t work_layers, const volatile sig_atomic_t *stop,
                 struct activity_list *list);

#endif
