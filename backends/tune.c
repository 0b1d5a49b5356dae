#include "backends/tune.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/file.h"
#include "core/json.h"
#include "core/text.h"

#define TAG "tuning/1"

struct entry {
    const char *device, *family, *choice;
    double ns;
};

struct cache {
    struct arena *arena;
    struct entry *entries;
    size_t count;
};

/* --- the file ------------------------------------------------------------------------------- */

static void read_entries(const struct json_node *root, struct cache *cache)
{
    json_expect_tag(root, TAG);
    const struct json_node *list = json_get(root, "entries");
    size_t count = json_count(list);
    cache->entries = ARENA_ARRAY(cache->arena, struct entry, count + 1);
    for (size_t at = 0; at < count; at++) {
        const struct json_node *item = json_item(list, at);
        cache->entries[at] = (struct entry){
            arena_strdup(cache->arena, json_get_str(item, "device")),
            arena_strdup(cache->arena, json_get_str(item, "family")),
            arena_strdup(cache->arena, json_get_str(item, "choice")),
            json_get_real(item, "ns", 0, 1e18),
        };
    }
    cache->count = count;
}

/* Empty if the file is not there, or not as it was written. */
static void cache_open(struct cache *cache, const char *file)
{
    *cache = (struct cache){ .arena = arena_new() };
    if (file == NULL)
        return;
    struct json_doc *doc = json_open(file);
    read_entries(json_root(doc), cache);
    if (json_close(doc, NULL) != ERR_OK)
        cache->count = 0;
}

static const struct entry *cache_find(const struct cache *cache, const struct backend_tuner *tuner)
{
    for (size_t at = cache->count; at-- > 0;)
        if (strcmp(cache->entries[at].device, tuner->device) == 0 &&
            strcmp(cache->entries[at].family, tuner->family) == 0)
            return &cache->entries[at];
    return NULL;
}

static void add_entry(struct json_out *out, const struct entry *entry)
{
    json_out_object(out, NULL, true);
    json_out_str(out, "device", entry->device);
    json_out_str(out, "family", entry->family);
    json_out_str(out, "choice", entry->choice);
    json_out_real(out, "ns", entry->ns);
    json_out_end(out);
}

/* A cache that cannot be written is no cache. */
static void cache_save(const struct cache *cache, const char *file, const struct entry *fresh)
{
    struct text text = { 0 };
    struct json_out out;
    size_t first =
        cache->count >= BACKEND_TUNE_ENTRIES_MAX ? cache->count - BACKEND_TUNE_ENTRIES_MAX + 1 : 0;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "socweave", TAG);
    json_out_array(&out, "entries", false);
    for (size_t at = first; at < cache->count; at++) {
        const struct entry *entry = &cache->entries[at];
        if (strcmp(entry->device, fresh->device) != 0 || strcmp(entry->family, fresh->family) != 0)
            add_entry(&out, entry);
    }
    add_entry(&out, fresh);
    json_out_end(&out);
    json_out_end(&out);
    text_add(&text, "\n");
    file_write(file, text.data, text.bytes, NULL);
    text_release(&text);
}

/* --- choosing ------------------------------------------------------------------------------- */

static size_t candidate_named(const struct backend_tuner *t, const char *name)
{
    for (size_t at = 0; at < t->count; at++)
        if (strcmp(t->name(t->ctx, at), name) == 0)
            return at;
    return t->count;
}

static enum err_code measure_all(const struct backend_tuner *t, unsigned limit, size_t *best,
                                 double *best_ns, struct err *err)
{
    struct err why = ERR_INIT;
    *best = t->count;
    for (size_t at = 0; at < t->count && at < limit; at++) {
        struct err failed = ERR_INIT;
        double ns;
        if (t->measure(t->ctx, at, &ns, &failed) != ERR_OK) {
            why = failed;
            continue;
        }
        if (*best == t->count || ns < *best_ns) {
            *best = at;
            *best_ns = ns;
        }
    }
    if (*best < t->count)
        return ERR_OK;
    return err_set(err, why.code, "%s", why.text);
}

enum err_code backend_tune(const struct backend_tuner *t, const struct backend_tuning *tuning,
                           size_t *best, bool *from_cache, struct err *err)
{
    struct cache cache;
    cache_open(&cache, tuning->cache);
    const struct entry *known = cache_find(&cache, t);
    size_t found = known != NULL ? candidate_named(t, known->choice) : t->count;
    double ns = 0;
    enum err_code rc = ERR_OK;
    *from_cache = found < t->count;
    if (!*from_cache)
        rc = measure_all(t, tuning->count, &found, &ns, err);
    if (rc == ERR_OK)
        *best = found;
    if (rc == ERR_OK && !*from_cache && tuning->cache != NULL) {
        struct entry fresh = { t->device, t->family, t->name(t->ctx, found), ns };
        cache_save(&cache, tuning->cache, &fresh);
    }
    arena_free(cache.arena);
    return rc;
}
