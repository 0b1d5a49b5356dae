#include "mapper/waist.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"

enum { REACH = 8 };

/* Differences first: a layer's result is in flight before its next layer up to its last user. */
static uint64_t *bytes_in_flight(const struct problem *p)
{
    uint64_t *bytes = mem_alloc(p->layer_count + 2, sizeof *bytes), sum = 0;
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        uint32_t last = layer;
        uint64_t most = 0;
        for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++) {
            if (p->network_of[p->succs[at].layer] != p->network_of[layer])
                continue;
            last = (uint32_t)max_u64(last, p->succs[at].layer);
            most = max_u64(most, p->succs[at].bytes);
        }
        bytes[layer + 1] += most;
        bytes[last + 1] -= most; /* wraps around until it is summed up */
    }
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        bytes[layer] = sum += bytes[layer];
    return bytes;
}

uint32_t *waist_find(const struct problem *p)
{
    uint32_t *waist = mem_alloc(p->layer_count, sizeof *waist), layers = (uint32_t)p->layer_count;
    uint64_t *bytes = bytes_in_flight(p);
    for (uint32_t layer = 0; layer < layers; layer++) {
        uint32_t network = p->network_of[layer], best = layer;
        uint32_t low = layer - min_u64(REACH, layer), high = min_u64(layers - 1, layer + REACH);
        for (uint32_t at = low; at <= high; at++) {
            bool is_first = at == 0 || p->network_of[at - 1] != network;
            if (p->network_of[at] == network && !is_first && bytes[at] < bytes[best])
                best = at;
        }
        waist[layer] = best;
    }
    free(bytes);
    return waist;
}
