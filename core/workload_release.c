#include "core/workload_release.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/names.h"
#include "core/num.h"
#include "core/rng.h"

typedef unsigned __int128 u128;

#define TIME_MAX_NS        1e12
#define RATE_MAX_HZ        INT64_C(1000000000)
#define HYPERPERIOD_MAX_PS (UINT64_C(1) << 59)
#define TRIGGER_STREAM     UINT64_C(0x747269676765) /* names the stream of random numbers */

/* --- keys ------------------------------------------------------------------------------------ */

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t read_time_ps(const struct json_node *node, double low_ns)
{
    return (uint64_t)llround(json_number(node, low_ns, TIME_MAX_NS) * 1e3);
}

struct workload_window workload_read_window(const struct json_node *root)
{
    struct workload_window window = { .frames_max = UINT64_MAX };
    const struct json_node *horizon = json_find(root, "horizon_ns");
    if (horizon)
        window.horizon_ps = read_time_ps(horizon, 1);
    const struct json_node *frames = json_find(root, "frames");
    if (frames)
        window.frames_max = (uint64_t)json_int(frames, 1, WORKLOAD_NETWORKS_MAX);
    window.seed = (uint64_t)json_get_int_or(root, "seed", 0, INT64_MAX, 1);
    return window;
}

static void read_period(const struct json_node *node, struct workload_entry *entry)
{
    const struct json_node *period = json_find(node, "period_ns");
    const struct json_node *rate = json_find(node, "rate_hz");
    if (period && rate)
        json_fail(rate, ERR_VALUE, "expected \"period_ns\" or \"rate_hz\", got both");
    if (period) {
        entry->period_ps = read_time_ps(period, 1);
        entry->period_parts = 1;
    } else if (rate) {
        uint64_t rate_hz = max_u64(1, (uint64_t)json_int(rate, 1, RATE_MAX_HZ));
        uint64_t common = gcd(PS_PER_S, rate_hz);
        entry->period_ps = PS_PER_S / common;
        entry->period_parts = rate_hz / common;
    }
}

void workload_read_times(const struct json_node *node, struct workload_entry *entry,
                         const char **depends_on)
{
    read_period(node, entry);
    const struct json_node *offset = json_find(node, "offset_ns");
    const struct json_node *deadline = json_find(node, "deadline_ns");
    const struct json_node *other = json_find(node, "depends_on");
    entry->offset_ps = offset ? read_time_ps(offset, 0) : 0;
    entry->deadline_ps = WORKLOAD_NO_DEADLINE;
    if (deadline)
        entry->deadline_ps = read_time_ps(deadline, 1);
    else if (entry->period_parts)
        entry->deadline_ps = entry->period_ps / entry->period_parts;
    entry->probability = json_get_real_or(node, "probability", 0, 1, 1);
    entry->depends_on = WORKLOAD_NONE;
    *depends_on = other ? json_str(other) : NULL;
}

/* --- dependences ----------------------------------------------------------------------------- */

static bool resolve(struct workload *w, const struct workload_sources *sources)
{
    struct names *names = names_new();
    bool ok = true;
    for (uint32_t i = 0; i < w->entry_count; i++)
        names_add(names, w->entries[i].name, i);
    for (uint32_t i = 0; i < w->entry_count && ok; i++) {
        const char *other = sources->depends_on[i];
        if (!other)
            continue;
        const struct json_node *node = json_get(sources->nodes[i], "depends_on");
        uint32_t found = names_find(names, other);
        ok = false;
        if (found == NAMES_NONE) {
            const char *near = names_nearest(names, other);
            json_fail(node, ERR_REFERENCE, "there is no entry \"%s\"%s%s%s", other,
                      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        } else if (w->entries[found].copies != 1 &&
                   w->entries[found].copies != w->entries[i].copies) {
            json_fail(node, ERR_VALUE,
                      "expected an entry with 1 copy or %u, as here; \"%s\" has %u",
                      (unsigned)w->entries[i].copies, other, (unsigned)w->entries[found].copies);
        } else {
            w->entries[i].depends_on = found;
            ok = true;
        }
    }
    names_free(names);
    return ok;
}

/* Entries in file order, but none before the one it depends on. False if that can't be. */
static bool order_entries(struct workload *w, const struct workload_sources *sources,
                          uint32_t *order)
{
    enum { UNSEEN, ON_CHAIN, LISTED };
    uint8_t *state = mem_alloc(w->entry_count, sizeof *state);
    uint32_t *chain = mem_alloc(w->entry_count, sizeof *chain);
    uint32_t listed = 0;
    bool ok = true;
    for (uint32_t i = 0; i < w->entry_count && ok; i++) {
        uint32_t length = 0, at = i;
        while (at != WORKLOAD_NONE && state[at] == UNSEEN) {
            state[at] = ON_CHAIN;
            chain[length++] = at;
            at = w->entries[at].depends_on;
        }
        if (at != WORKLOAD_NONE && state[at] == ON_CHAIN) {
            json_fail(json_get(sources->nodes[at], "depends_on"), ERR_CYCLE,
                      "\"%s\" depends on itself", w->entries[at].name);
            ok = false;
        }
        while (length > 0) {
            state[chain[--length]] = LISTED;
            order[listed++] = chain[length];
        }
    }
    free(state);
    free(chain);
    return ok;
}

/* --- the horizon: docs/model.md M-95 --------------------------------------------------------- */

/* In ps, as a quotient. */
struct quotient {
    u128 of, by;
};

static u128 gcd_u128(u128 a, u128 b)
{
    while (b) {
        u128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The least common multiple of all periods; false if it is out of reach. */
static bool find_hyperperiod(const struct workload *w, struct quotient *out)
{
    struct quotient all = { 0, 1 };
    for (size_t i = 0; i < w->entry_count; i++) {
        const struct workload_entry *entry = &w->entries[i];
        if (!entry->period_parts)
            continue;
        if (all.of == 0) {
            all = (struct quotient){ entry->period_ps, entry->period_parts };
            continue;
        }
        /* Both are in lowest terms: lcm(a/b, c/d) = lcm(a, c) / gcd(b, d). */
        u128 factor = all.of / gcd_u128(all.of, entry->period_ps);
        if (factor > (u128)HYPERPERIOD_MAX_PS * RATE_MAX_HZ)
            return false;
        all.of = factor * entry->period_ps;
        all.by = gcd_u128(all.by, entry->period_parts);
        if (all.of / all.by > HYPERPERIOD_MAX_PS)
            return false;
    }
    *out = all;
    return true;
}

static uint64_t ceil_capped(struct quotient q)
{
    u128 value = (q.of + q.by - 1) / q.by;
    return value > UINT32_MAX ? UINT32_MAX : (uint64_t)value;
}

static bool too_many(const struct json_node *node)
{
    json_fail(node, ERR_LIMIT, "expected at most %d networks with %d layers in all",
              WORKLOAD_NETWORKS_MAX, DNN_LAYERS_MAX);
    return false;
}

/* The horizon in force; false if it has to be stated. */
static bool find_horizon(const struct workload *w, const struct json_node *node,
                         const struct workload_window *window, struct quotient *out)
{
    *out = (struct quotient){ window->horizon_ps, 1 };
    if (window->horizon_ps > 0 || find_hyperperiod(w, out))
        return true;
    *out = (struct quotient){ HYPERPERIOD_MAX_PS, 1 };
    if (window->frames_max < UINT64_MAX)
        return true;
    json_fail(node, ERR_LIMIT,
              "the periods repeat only after more than 2^59 ps (6 days); state \"horizon_ns\" or "
              "\"frames\"");
    return false;
}

/* Frames of every entry; false after an error. */
static bool count_frames(struct workload *w, const struct json_node *node,
                         const struct workload_sources *sources,
                         const struct workload_window *window)
{
    struct quotient horizon;
    if (!find_horizon(w, node, window, &horizon))
        return false;
    uint64_t networks = 0;
    for (size_t i = 0; i < w->entry_count; i++) {
        struct workload_entry *entry = &w->entries[i];
        uint64_t frames = 1;
        if (entry->period_parts) {
            struct quotient periods = { horizon.of * entry->period_parts,
                                        horizon.by * entry->period_ps };
            frames = min_u64(ceil_capped(periods), window->frames_max);
            w->horizon_ps = (uint64_t)((horizon.of + horizon.by - 1) / horizon.by);
        }
        entry->frames = (uint32_t)frames;
        networks = min_u64(networks + frames * entry->copies, NUM_MAX_SIZE);
        if (networks > WORKLOAD_NETWORKS_MAX && w->horizon_ps == 0)
            return too_many(sources->nodes[i]);
    }
    if (networks <= WORKLOAD_NETWORKS_MAX)
        return true;
    bool is_stated = window->horizon_ps > 0;
    json_fail(node, ERR_LIMIT,
              "expected at most %d networks, got %llu releases within %s %.15g ns%s",
              WORKLOAD_NETWORKS_MAX, (unsigned long long)networks,
              is_stated ? "the horizon of" : "one hyperperiod of", (double)w->horizon_ps / 1e3,
              is_stated ? "" : "; state \"horizon_ns\" or \"frames\"");
    return false;
}

/* --- releases: docs/model.md M-95, M-96 ------------------------------------------------------ */

static uint64_t release_ps(const struct workload_entry *entry, uint64_t frame)
{
    if (!entry->period_parts)
        return entry->offset_ps;
    return entry->offset_ps + (uint64_t)((u128)frame * entry->period_ps / entry->period_parts);
}

/* The last frame of the entry that is released by then, or its first. */
static uint32_t frame_at(const struct workload_entry *entry, uint64_t at_ps)
{
    if (!entry->period_parts || at_ps <= entry->offset_ps)
        return 0;
    u128 guess = (u128)(at_ps - entry->offset_ps) * entry->period_parts / entry->period_ps;
    uint64_t frame = guess >= entry->frames ? entry->frames - 1 : (uint64_t)guess;
    while (frame + 1 < entry->frames && release_ps(entry, frame + 1) <= at_ps)
        frame++;
    return (uint32_t)frame;
}

/* Networks by entry, copy and frame; WORKLOAD_NONE where none was triggered. */
struct frame_map {
    uint32_t *first; /* [entry] into networks */
    uint32_t *networks;
    size_t capacity;
};

static void add_network(struct workload *w, struct frame_map *map,
                        const struct workload_network *network)
{
    if (w->network_count == map->capacity) {
        map->capacity = map->capacity ? 2 * map->capacity : 64;
        w->networks = mem_grow(w->networks, map->capacity, sizeof *w->networks);
    }
    w->networks[w->network_count++] = *network;
    w->layer_count += w->graphs[network->graph].layer_count;
}

static const char *network_name(struct workload *w, const struct workload_entry *entry,
                                uint32_t copy, uint32_t frame)
{
    if (!entry->period_parts)
        return entry->copies == 1 ? arena_strdup(w->arena, entry->name)
                                  : arena_printf(w->arena, "%s#%u", entry->name, (unsigned)copy);
    return entry->copies == 1
               ? arena_printf(w->arena, "%s#%u", entry->name, (unsigned)frame)
               : arena_printf(w->arena, "%s#%u.%u", entry->name, (unsigned)copy, (unsigned)frame);
}

/* The network that this one waits for; false if it was not triggered, and so neither is this. */
static bool find_producer(const struct workload *w, const struct frame_map *map,
                          const struct workload_entry *entry, struct workload_network *network)
{
    network->depends_on = WORKLOAD_NONE;
    if (entry->depends_on == WORKLOAD_NONE)
        return true;
    const struct workload_entry *from = &w->entries[entry->depends_on];
    uint32_t copy = from->copies == 1 ? 0 : network->copy;
    uint32_t frame = frame_at(from, network->release_ps);
    network->depends_on =
        map->networks[map->first[entry->depends_on] + copy * from->frames + frame];
    return network->depends_on != WORKLOAD_NONE;
}

/*
 * Systematic sampling: of any n occasions in a row floor or ceil of n · probability are taken;
 * the seed says which. docs/model.md M-96.
 */
static bool is_triggered(double probability, double phase, uint64_t occasion)
{
    double before = (double)occasion * probability + phase;
    return floor(before + probability) > floor(before);
}

/* All releases of a copy; false after an error. */
static bool release_copy(struct workload *w, struct frame_map *map, uint32_t number, uint32_t copy,
                         uint64_t seed)
{
    const struct workload_entry *entry = &w->entries[number];
    struct rng rng = rng_stream(seed, TRIGGER_STREAM, (uint64_t)number << 20 | copy);
    double phase = rng_real(&rng);
    uint64_t occasions = 0;
    size_t layers = w->graphs[entry->graph].layer_count;
    for (uint32_t frame = 0; frame < entry->frames; frame++) {
        struct workload_network network = { .graph = entry->graph,
                                            .first_layer = (uint32_t)w->layer_count,
                                            .entry = number,
                                            .copy = copy,
                                            .frame = frame,
                                            .release_ps = release_ps(entry, frame),
                                            .deadline_ps = WORKLOAD_NO_DEADLINE };
        uint32_t *at = &map->networks[map->first[number] + copy * entry->frames + frame];
        *at = WORKLOAD_NONE;
        if (!find_producer(w, map, entry, &network) ||
            !is_triggered(entry->probability, phase, occasions++))
            continue;
        if (w->network_count == WORKLOAD_NETWORKS_MAX || layers > DNN_LAYERS_MAX - w->layer_count)
            return false;
        if (entry->deadline_ps != WORKLOAD_NO_DEADLINE) {
            network.deadline_ps = network.release_ps + entry->deadline_ps;
            w->has_deadlines = true;
        }
        network.name = network_name(w, entry, copy, frame);
        *at = (uint32_t)w->network_count;
        add_network(w, map, &network);
    }
    return true;
}

static void release_all(struct workload *w, const struct workload_sources *sources,
                        const uint32_t *order, const struct workload_window *window)
{
    struct frame_map map = { .first = mem_alloc(w->entry_count, sizeof *map.first) };
    bool ok = true;
    uint32_t frames = 0;
    for (size_t i = 0; i < w->entry_count; i++) {
        map.first[i] = frames;
        frames += w->entries[i].frames * w->entries[i].copies; /* few: they were counted */
    }
    map.networks = mem_alloc(frames, sizeof *map.networks);
    for (size_t i = 0; i < w->entry_count && ok; i++) {
        struct workload_entry *entry = &w->entries[order[i]];
        entry->first_network = (uint32_t)w->network_count;
        for (uint32_t copy = 0; copy < entry->copies && ok; copy++)
            ok = release_copy(w, &map, order[i], copy, window->seed);
        entry->network_count = (uint32_t)w->network_count - entry->first_network;
        if (!ok)
            too_many(sources->nodes[order[i]]);
    }
    free(map.first);
    free(map.networks);
}

void workload_release_networks(struct workload *w, const struct json_node *networks_node,
                               const struct workload_sources *sources,
                               const struct workload_window *window)
{
    uint32_t *order = mem_alloc(w->entry_count, sizeof *order);
    if (resolve(w, sources) && order_entries(w, sources, order) &&
        count_frames(w, networks_node, sources, window)) {
        release_all(w, sources, order, window);
        if (w->network_count == 0)
            json_fail(networks_node, ERR_VALUE,
                      "expected at least one release; with these probabilities and this seed there "
                      "is none");
    }
    free(order);
}
