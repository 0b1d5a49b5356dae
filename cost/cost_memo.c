#include "cost/cost_memo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

struct entry {
    struct layer_shape shape;
    uint32_t acc, count;
    const struct layer_option *options;
    uint32_t next; /* of the same bucket, plus 1; 0: none */
};

enum { BUCKETS = 1 << 13 };

struct cost_memo {
    const struct soc *soc;
    enum cost_sharing sharing;
    pthread_mutex_t lock;
    struct entry *entries;
    uint32_t count, capacity, buckets[BUCKETS]; /* entry + 1; 0: none */
    struct arena *arena;                        /* owns the options */
};

struct cost_memo *cost_memo_new(const struct soc *soc, enum cost_sharing sharing)
{
    struct cost_memo *memo = mem_alloc(1, sizeof *memo);
    memo->soc = soc;
    memo->sharing = sharing;
    memo->arena = arena_new();
    pthread_mutex_init(&memo->lock, NULL);
    return memo;
}

void cost_memo_free(struct cost_memo *memo)
{
    if (!memo)
        return;
    pthread_mutex_destroy(&memo->lock);
    arena_free(memo->arena);
    free(memo->entries);
    free(memo);
}

bool cost_memo_is_for(const struct cost_memo *memo, const struct soc *soc,
                      enum cost_sharing sharing)
{
    return memo->soc == soc && memo->sharing == sharing;
}

/* FNV-1a over the words of a shape, which has no padding that is not zero. */
static uint32_t bucket_of(const struct layer_shape *shape, uint32_t acc)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ acc;
    const unsigned char *bytes = (const unsigned char *)shape;
    for (size_t i = 0; i + 4 <= sizeof *shape; i += 4) {
        uint32_t word;
        memcpy(&word, bytes + i, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x100000001b3);
    }
    return (uint32_t)(hash >> 32) % BUCKETS;
}

static const struct entry *find(const struct cost_memo *memo, const struct layer_shape *shape,
                                uint32_t acc)
{
    for (uint32_t at = memo->buckets[bucket_of(shape, acc)]; at; at = memo->entries[at - 1].next) {
        const struct entry *entry = &memo->entries[at - 1];
        if (entry->acc == acc && memcmp(&entry->shape, shape, sizeof *shape) == 0)
            return entry;
    }
    return NULL;
}

bool cost_memo_find(struct cost_memo *memo, const struct layer_shape *shape, uint32_t acc,
                    struct cost_class *out)
{
    pthread_mutex_lock(&memo->lock);
    const struct entry *entry = find(memo, shape, acc);
    if (entry) {
        out->count = entry->count;
        memcpy(out->options, entry->options, entry->count * sizeof *entry->options);
    }
    pthread_mutex_unlock(&memo->lock);
    return entry;
}

void cost_memo_add(struct cost_memo *memo, const struct layer_shape *shape, uint32_t acc,
                   const struct cost_class *costed)
{
    pthread_mutex_lock(&memo->lock);
    if (!find(memo, shape, acc)) {
        struct layer_option *options =
            ARENA_ARRAY(memo->arena, struct layer_option, costed->count + 1);
        memcpy(options, costed->options, costed->count * sizeof *options);
        if (memo->count == memo->capacity) {
            memo->capacity = memo->capacity ? 2 * memo->capacity : 256;
            memo->entries = mem_grow(memo->entries, memo->capacity, sizeof *memo->entries);
        }
        struct entry *entry = &memo->entries[memo->count++];
        uint32_t *bucket = &memo->buckets[bucket_of(shape, acc)];
        memcpy(&entry->shape, shape, sizeof *shape);
        entry->acc = acc;
        entry->count = costed->count;
        entry->options = options;
        entry->next = *bucket;
        *bucket = memo->count;
    }
    pthread_mutex_unlock(&memo->lock);
}
