#include "mapper/archive.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

void archive_init(struct archive *archive, size_t capacity, size_t layers)
{
    *archive = (struct archive){ .capacity = capacity, .layers = layers };
    archive->entries = mem_alloc(capacity + 1, sizeof *archive->entries);
    for (size_t i = 0; i <= capacity; i++)
        activity_list_init(&archive->entries[i].list, layers);
}

void archive_release(struct archive *archive)
{
    for (size_t i = 0; archive->entries && i <= archive->capacity; i++)
        activity_list_release(&archive->entries[i].list);
    free(archive->entries);
    *archive = (struct archive){ 0 };
}

void archive_clear(struct archive *archive)
{
    archive->count = 0;
}

/* How many entries have at most this makespan. */
static size_t count_up_to(const struct archive *archive, uint64_t makespan_ps)
{
    size_t low = 0, high = archive->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (archive->entries[middle].makespan_ps <= makespan_ps)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The removed entry's memory waits behind the others. */
static void remove_at(struct archive *archive, size_t at)
{
    struct archive_entry removed = archive->entries[at];
    archive->count--;
    memmove(&archive->entries[at], &archive->entries[at + 1],
            (archive->count - at) * sizeof removed);
    archive->entries[archive->count] = removed;
}

static void insert_at(struct archive *archive, size_t at, const struct archive_entry *entry)
{
    struct archive_entry slot = archive->entries[archive->count];
    memmove(&archive->entries[at + 1], &archive->entries[at], (archive->count - at) * sizeof slot);
    archive->count++;
    slot.makespan_ps = entry->makespan_ps;
    slot.energy_pj = entry->energy_pj;
    activity_list_copy(&slot.list, &entry->list, archive->layers);
    archive->entries[at] = slot;
}

/* Which entry but the ends gives up least if it goes. */
static size_t most_crowded(const struct archive *archive)
{
    const struct archive_entry *e = archive->entries;
    size_t least = 1;
    double least_volume = 0;
    for (size_t i = 1; i + 1 < archive->count; i++) {
        double volume = (double)(e[i + 1].makespan_ps - e[i].makespan_ps) *
                        (e[i - 1].energy_pj - e[i].energy_pj);
        if (i == 1 || volume < least_volume) {
            least = i;
            least_volume = volume;
        }
    }
    return least;
}

bool archive_offer(struct archive *archive, uint64_t makespan_ps, double energy_pj,
                   const struct activity_list *list)
{
    const struct archive_entry entry = { makespan_ps, energy_pj, *list };
    size_t at = count_up_to(archive, makespan_ps);
    if (at > 0 && archive->entries[at - 1].energy_pj <= energy_pj)
        return false;
    if (at > 0 && archive->entries[at - 1].makespan_ps == makespan_ps)
        remove_at(archive, --at);
    while (at < archive->count && archive->entries[at].energy_pj >= energy_pj)
        remove_at(archive, at);
    insert_at(archive, at, &entry);
    if (archive->count <= archive->capacity)
        return true;
    size_t goes = most_crowded(archive);
    remove_at(archive, goes);
    return goes != at;
}
