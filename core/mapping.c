#include "core/mapping.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

const char *const mapping_discipline_names[2] = { "group", "layer" };
const char *const granularity_names[2] = { "layer", "tile" };

void mapping_init(struct mapping *mapping, size_t placement_count)
{
    *mapping = (struct mapping){ .placement_count = placement_count };
    mapping->placements = mem_alloc(placement_count, sizeof *mapping->placements);
}

void mapping_copy(struct mapping *to, const struct mapping *from)
{
    if (to == from)
        return;
    if (to->placement_count != from->placement_count)
        to->placements = mem_grow(to->placements, from->placement_count, sizeof *to->placements);
    to->discipline = from->discipline;
    to->placement_count = from->placement_count;
    if (from->placement_count > 0)
        memcpy(to->placements, from->placements, from->placement_count * sizeof *to->placements);
}

void mapping_release(struct mapping *mapping)
{
    free(mapping->placements);
    *mapping = (struct mapping){ 0 };
}

void schedule_init(struct schedule *schedule, size_t layer_count)
{
    *schedule = (struct schedule){ .layer_count = layer_count };
    schedule->start_ps = mem_alloc(layer_count, sizeof *schedule->start_ps);
    schedule->end_ps = mem_alloc(layer_count, sizeof *schedule->end_ps);
}

void schedule_release(struct schedule *schedule)
{
    free(schedule->start_ps);
    free(schedule->end_ps);
    *schedule = (struct schedule){ 0 };
}
