/* A binary min-heap of (key, item) pairs packed into one word: smallest key, then smallest item. */
#ifndef SOCWEAVE_MAPPER_HEAP_H
#define SOCWEAVE_MAPPER_HEAP_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/arena.h"

struct heap {
    uint64_t *entries;
    size_t count, capacity;
};

static inline void heap_init(struct heap *heap, size_t capacity)
{
    *heap = (struct heap){ mem_alloc(capacity + 1, sizeof(uint64_t)), 0, capacity };
}

static inline void heap_release(struct heap *heap)
{
    free(heap->entries);
    *heap = (struct heap){ 0 };
}

static inline void heap_clear(struct heap *heap)
{
    heap->count = 0;
}

static inline uint32_t heap_item(uint64_t entry)
{
    return (uint32_t)entry;
}

static inline void heap_rise(struct heap *heap, size_t at, uint64_t entry)
{
    while (at > 0 && entry < heap->entries[(at - 1) / 2]) {
        heap->entries[at] = heap->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->entries[at] = entry;
}

static inline void heap_sink(struct heap *heap, size_t at, uint64_t entry)
{
    for (size_t child = 2 * at + 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && heap->entries[child + 1] < heap->entries[child])
            child++;
        if (entry <= heap->entries[child])
            break;
        heap->entries[at] = heap->entries[child];
        at = child;
    }
    heap->entries[at] = entry;
}

static inline void heap_push(struct heap *heap, uint32_t key, uint32_t item)
{
    assert(heap->count < heap->capacity);
    heap_rise(heap, heap->count++, (uint64_t)key << 32 | item);
}

/* Takes out the entry at a place of the array. */
static inline void heap_remove(struct heap *heap, size_t at)
{
    assert(at < heap->count);
    uint64_t last = heap->entries[--heap->count];
    if (at == heap->count)
        return;
    if (at > 0 && last < heap->entries[(at - 1) / 2])
        heap_rise(heap, at, last);
    else
        heap_sink(heap, at, last);
}

static inline uint32_t heap_pop(struct heap *heap)
{
    assert(heap->count > 0);
    uint32_t item = heap_item(heap->entries[0]);
    heap_remove(heap, 0);
    return item;
}

#endif
