/*
 * Waists of the networks: where little is in flight, so that a move to another accelerator there
 * costs little.
 */
#ifndef SOCWEAVE_MAPPER_WAIST_H
#define SOCWEAVE_MAPPER_WAIST_H

#include "core/problem.h"

/*
 * [layer]: of the layers close by in its network, the one before which the fewest bytes are in
 * flight: made before it in the network's order, used by it or later. Never the network's first,
 * unless that was asked about. free() it. O(layers + in-flight layers of all layers).
 */
uint32_t *waist_find(const struct problem *problem);

#endif
