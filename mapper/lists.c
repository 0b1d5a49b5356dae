#include "mapper/lists.h"

#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "mapper/rank.h"

void activity_list_by_rank(const struct view *view, const double *rank, struct activity_list *list)
{
    rank_order(view, rank, list->order);
    for (uint32_t at = 0; at < view->layer_count; at++)
        list->position[list->order[at]] = at;
}

void activity_list_of_mapping(const struct decode_ways *ways, const struct mapping *mapping,
                              struct activity_list *list)
{
    for (uint32_t at = 0; at < mapping->placement_count; at++) {
        const struct placement *placement = &mapping->placements[at];
        uint32_t layer = placement->layer;
        uint16_t way = 0;
        while (decode_way(ways, layer, way)->accelerator != placement->accelerator ||
               decode_way(ways, layer, way)->number != placement->option)
            way++;
        list->order[at] = layer;
        list->position[layer] = at;
        list->way[layer] = way;
    }
}

void activity_list_random(const struct decode_ways *ways, struct rng *rng,
                          struct activity_list *list)
{
    const struct problem *p = ways->view->problem;
    double *rank = mem_alloc(p->layer_count, sizeof *rank);
    for (uint32_t layer = (uint32_t)p->layer_count; layer-- > 0;) {
        for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++)
            rank[layer] = fmax(rank[layer], rank[p->succs[at].layer]);
        rank[layer] += rng_real(rng);
        list->way[layer] = (uint16_t)rng_below(rng, decode_way_count(ways, layer));
    }
    activity_list_by_rank(ways->view, rank, list);
    free(rank);
}
