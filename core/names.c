#include "core/names.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/json.h"

struct names {
    size_t count, slot_count; /* slot_count is a power of two, at least 2 * count */
    const char **name;        /* [count], in order of arrival */
    uint32_t *number;         /* [count] */
    uint32_t *slot;           /* [slot_count]: index + 1, or 0 */
};

/* FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv). */
static uint64_t hash_of(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

/* The slot that holds the name, or the free one where it would go. */
static size_t slot_of(const struct names *names, const char *name)
{
    size_t mask = names->slot_count - 1;
    size_t at = hash_of(name) & mask;
    while (names->slot[at] && strcmp(names->name[names->slot[at] - 1], name) != 0)
        at = (at + 1) & mask;
    return at;
}

static void rehash(struct names *names, size_t slot_count)
{
    free(names->slot);
    names->slot_count = slot_count;
    names->slot = mem_alloc(slot_count, sizeof *names->slot);
    names->name = mem_grow(names->name, slot_count / 2, sizeof *names->name);
    names->number = mem_grow(names->number, slot_count / 2, sizeof *names->number);
    for (size_t i = 0; i < names->count; i++)
        names->slot[slot_of(names, names->name[i])] = (uint32_t)i + 1;
}

struct names *names_new(void)
{
    struct names *names = mem_alloc(1, sizeof *names);
    rehash(names, 64);
    return names;
}

void names_free(struct names *names)
{
    if (!names)
        return;
    free(names->name);
    free(names->number);
    free(names->slot);
    free(names);
}

uint32_t names_add(struct names *names, const char *name, uint32_t number)
{
    size_t at = slot_of(names, name);
    if (names->slot[at])
        return names->number[names->slot[at] - 1];
    if (2 * (names->count + 1) > names->slot_count) {
        rehash(names, 2 * names->slot_count);
        at = slot_of(names, name);
    }
    names->name[names->count] = name;
    names->number[names->count] = number;
    names->slot[at] = (uint32_t)++names->count;
    return NAMES_NONE;
}

uint32_t names_find(const struct names *names, const char *name)
{
    uint32_t index = names->slot[slot_of(names, name)];
    return index ? names->number[index - 1] : NAMES_NONE;
}

const char *names_nearest(const struct names *names, const char *given)
{
    return json_nearest(given, names->name, names->count);
}

const char *names_read(const struct json_node *node)
{
    const char *name = json_str(node);
    if (strlen(name) <= NAMES_BYTES_MAX)
        return name;
    json_fail(node, ERR_LIMIT, "expected a name of at most %d bytes, got %zu", NAMES_BYTES_MAX,
              strlen(name));
    return "";
}
