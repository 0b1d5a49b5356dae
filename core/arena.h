/*
 * A growing heap that is freed in one call. A loaded problem lives in one arena.
 * Allocation is O(1); memory is zeroed and aligned for any type. Running out of memory ends the
 * program with a message: a batch tool gains nothing from unwinding it.
 */
#ifndef SOCWEAVE_CORE_ARENA_H
#define SOCWEAVE_CORE_ARENA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is fine */

void *arena_alloc(struct arena *arena, size_t count, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
size_t arena_bytes(const struct arena *arena); /* bytes handed out so far */

/* Zeroed array of `count` elements of `type`. */
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), (count), sizeof(type)))

/* malloc-family for growing buffers: never return NULL, exit on exhaustion or overflow. */
void *mem_alloc(size_t count, size_t size); /* zeroed; free() it */
void *mem_grow(void *old, size_t count, size_t size);

#ifdef __cplusplus
}
#endif
#endif
