#include "core/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"

#define CHUNK_BYTES_MIN ((size_t)16 << 10)
#define CHUNK_BYTES_MAX ((size_t)1 << 20)

struct chunk {
    struct chunk *next;
    size_t used, capacity;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct chunk *chunks; /* the first one is being filled */
    size_t bytes;
};

static _Noreturn void out_of_memory(size_t count, size_t size)
{
    fprintf(stderr, "socweave: out of memory (%zu items of %zu bytes)\n", count, size);
    exit(err_exit_status(ERR_IO));
}

static size_t product_or_exit(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX / 2)
        out_of_memory(count, size);
    return bytes;
}

void *mem_alloc(size_t count, size_t size)
{
    size_t bytes = product_or_exit(count, size);
    void *memory = calloc(1, bytes > 0 ? bytes : 1);
    if (!memory)
        out_of_memory(count, size);
    return memory;
}

void *mem_grow(void *old, size_t count, size_t size)
{
    size_t bytes = product_or_exit(count, size);
    void *memory = realloc(old, bytes > 0 ? bytes : 1);
    if (!memory)
        out_of_memory(count, size);
    return memory;
}

struct arena *arena_new(void)
{
    return mem_alloc(1, sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct chunk *chunk = arena->chunks; chunk;) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(arena);
}

static struct chunk *chunk_new(size_t capacity)
{
    struct chunk *chunk = mem_alloc(1, sizeof *chunk + capacity);
    chunk->capacity = capacity;
    return chunk;
}

/* Large blocks get a chunk of their own behind the one being filled, so that none of its room is
 * lost. */
static void *alloc_alone(struct arena *arena, size_t bytes)
{
    struct chunk *chunk = chunk_new(bytes);
    chunk->used = bytes;
    if (arena->chunks) {
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
    } else {
        arena->chunks = chunk;
    }
    return chunk->data;
}

static size_t next_capacity(const struct arena *arena)
{
    size_t doubled = arena->bytes;
    if (doubled < CHUNK_BYTES_MIN)
        return CHUNK_BYTES_MIN;
    return doubled < CHUNK_BYTES_MAX ? doubled : CHUNK_BYTES_MAX;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    const size_t align = alignof(max_align_t);
    size_t bytes = product_or_exit(count, size);
    bytes = bytes > 0 ? (bytes + align - 1) / align * align : align;
    arena->bytes += bytes;
    if (bytes > CHUNK_BYTES_MIN / 4)
        return alloc_alone(arena, bytes);
    struct chunk *chunk = arena->chunks;
    if (!chunk || chunk->capacity - chunk->used < bytes) {
        chunk = chunk_new(next_capacity(arena));
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    void *memory = chunk->data + chunk->used;
    chunk->used += bytes;
    return memory;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(arena_alloc(arena, bytes, 1), text, bytes);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->bytes;
}
