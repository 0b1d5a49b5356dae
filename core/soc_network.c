#include "core/soc_network.h"

#include <math.h>
#include <stdlib.h>

#include "core/num.h"

const char *const soc_topology_names[SOC_TOPOLOGY_COUNT] = { "mesh", "ring", "crossbar", "bus",
                                                             "links" };
const char *const soc_switching_names[2] = { "store-and-forward", "cut-through" };

#define RATE_MAX       INT64_C(1000000000000000000) /* bytes per second */
#define LATENCY_MAX_NS 1e9
#define PS_PER_NS      1000.0

/* --- values ---------------------------------------------------------------------------------- */

uint64_t soc_read_rate(const struct json_node *node)
{
    static const char *const unlimited[] = { "unlimited" };
    if (json_type_of(node) == JSON_NODE_STRING) {
        json_enum(node, unlimited, 1);
        return 0;
    }
    return (uint64_t)json_int(node, 1, RATE_MAX);
}

uint64_t soc_read_latency_ps(const struct json_node *object, const char *key, bool required)
{
    double ns = required ? json_get_real(object, key, 0, LATENCY_MAX_NS)
                         : json_get_real_or(object, key, 0, LATENCY_MAX_NS, 0);
    return (uint64_t)llround(ns * PS_PER_NS);
}

/* --- places and links ------------------------------------------------------------------------ */

static void add_link(struct soc_network_reader *reader, struct soc_link link)
{
    struct soc *soc = reader->soc;
    if (soc->link_count == reader->link_capacity) {
        reader->link_capacity = reader->link_capacity ? 2 * reader->link_capacity : 64;
        struct soc_link *grown = ARENA_ARRAY(soc->arena, struct soc_link, reader->link_capacity);
        for (size_t i = 0; i < soc->link_count; i++)
            grown[i] = soc->links[i];
        soc->links = grown;
    }
    soc->links[soc->link_count++] = link;
}

/* A link of a regular topology: all have the network's rate and latency. */
static void add_regular_link(struct soc_network_reader *reader, uint32_t from, uint32_t to,
                             const char *name)
{
    const struct soc_network *network = &reader->soc->network;
    struct soc_link link = {
        .name = name,
        .from = from,
        .to = to,
        .bytes_per_s = network->link_bytes_per_s,
        .latency_ps = network->hop_latency_ps,
    };
    add_link(reader, link);
}

static const char *arrow_name(struct soc *soc, uint32_t from, uint32_t to)
{
    return arena_printf(soc->arena, "%s>%s", soc->place_names[from], soc->place_names[to]);
}

static bool set_place_count(struct soc_network_reader *reader, uint64_t count)
{
    struct soc *soc = reader->soc;
    if (count == 0) { /* an error of the document already */
        json_fail(reader->node, ERR_RANGE, "expected at least one place");
        return false;
    }
    if (count > SOC_PLACES_MAX) {
        json_fail(reader->node, ERR_LIMIT, "expected at most %d places, got %llu", SOC_PLACES_MAX,
                  (unsigned long long)count);
        return false;
    }
    soc->place_count = (size_t)count;
    soc->place_names = ARENA_ARRAY(soc->arena, const char *, soc->place_count);
    return true;
}

static void read_regular(struct soc_network_reader *reader)
{
    struct soc_network *network = &reader->soc->network;
    network->link_bytes_per_s = soc_read_rate(json_get(reader->node, "link_bytes_per_s"));
    network->hop_latency_ps = soc_read_latency_ps(reader->node, "hop_latency_ns", false);
}

/* Places 0 … places-1, named by their number. */
static bool read_numbered_places(struct soc_network_reader *reader)
{
    struct soc *soc = reader->soc;
    read_regular(reader);
    int64_t count = json_get_int(reader->node, "places", 1, INT32_MAX);
    if (!set_place_count(reader, (uint64_t)count))
        return false;
    for (size_t place = 0; place < soc->place_count; place++)
        soc->place_names[place] = arena_printf(soc->arena, "%zu", place);
    return true;
}

static void read_mesh(struct soc_network_reader *reader)
{
    struct soc *soc = reader->soc;
    read_regular(reader);
    uint32_t columns = (uint32_t)json_get_int(reader->node, "columns", 1, INT32_MAX);
    uint32_t rows = (uint32_t)json_get_int(reader->node, "rows", 1, INT32_MAX);
    soc->network.columns = columns;
    soc->network.rows = rows;
    if (!set_place_count(reader, (uint64_t)columns * rows))
        return;
    for (uint32_t place = 0; place < soc->place_count; place++)
        soc->place_names[place] =
            arena_printf(soc->arena, "%u,%u", place % columns, place / columns);
    for (uint32_t place = 0; place < soc->place_count; place++) {
        uint32_t x = place % columns, y = place / columns;
        if (x + 1 < columns)
            add_regular_link(reader, place, place + 1, arrow_name(soc, place, place + 1));
        if (x > 0)
            add_regular_link(reader, place, place - 1, arrow_name(soc, place, place - 1));
        if (y + 1 < rows)
            add_regular_link(reader, place, place + columns,
                             arrow_name(soc, place, place + columns));
        if (y > 0)
            add_regular_link(reader, place, place - columns,
                             arrow_name(soc, place, place - columns));
    }
}

/* Links 0 … n-1 ascend, n … 2n-1 descend; the descending ones are of no use up to two places. */
static void read_ring(struct soc_network_reader *reader)
{
    struct soc *soc = reader->soc;
    if (!read_numbered_places(reader))
        return;
    uint32_t n = (uint32_t)soc->place_count;
    for (uint32_t place = 0; place < n && n > 1; place++)
        add_regular_link(reader, place, (place + 1) % n, arrow_name(soc, place, (place + 1) % n));
    for (uint32_t place = 0; place < n && n > 2; place++)
        add_regular_link(reader, place, (place + n - 1) % n,
                         arrow_name(soc, place, (place + n - 1) % n));
}

/* Links 0 … n-1 lead out of the places, n … 2n-1 into them. */
static void read_crossbar(struct soc_network_reader *reader)
{
    struct soc *soc = reader->soc;
    if (!read_numbered_places(reader))
        return;
    for (uint32_t place = 0; place < soc->place_count; place++)
        add_regular_link(reader, place, place, arena_printf(soc->arena, "out%u", place));
    for (uint32_t place = 0; place < soc->place_count; place++)
        add_regular_link(reader, place, place, arena_printf(soc->arena, "in%u", place));
}

static void read_bus(struct soc_network_reader *reader)
{
    if (read_numbered_places(reader))
        add_regular_link(reader, 0, 0, "bus");
}

static void read_named_places(struct soc_network_reader *reader)
{
    struct soc *soc = reader->soc;
    const struct json_node *places = json_get(reader->node, "places");
    if (!set_place_count(reader, json_count(places)))
        return;
    for (size_t place = 0; place < soc->place_count; place++) {
        const struct json_node *item = json_item(places, place);
        const char *name = soc->place_names[place] = arena_strdup(soc->arena, names_read(item));
        if (names_add(reader->place_numbers, name, (uint32_t)place) != NAMES_NONE)
            json_fail(item, ERR_DUPLICATE, "the place \"%s\" is listed twice", name);
    }
}

static void read_link(struct soc_network_reader *reader, const struct json_node *node)
{
    struct soc *soc = reader->soc;
    struct soc_link link = {
        .from = soc_network_place(reader, json_get(node, "from")),
        .to = soc_network_place(reader, json_get(node, "to")),
        .bytes_per_s = soc_read_rate(json_get(node, "bytes_per_s")),
        .latency_ps = soc_read_latency_ps(node, "latency_ns", false),
    };
    bool both_ways = json_get_bool_or(node, "both_ways", false);
    if (link.from == link.to) {
        json_fail(node, ERR_VALUE, "expected two different places, got \"%s\" twice",
                  soc->place_names[link.from]);
        return;
    }
    link.name = arrow_name(soc, link.from, link.to);
    add_link(reader, link);
    if (!both_ways)
        return;
    struct soc_link back = link;
    back.from = link.to;
    back.to = link.from;
    back.name = arrow_name(soc, back.from, back.to);
    add_link(reader, back);
}

static void read_links(struct soc_network_reader *reader)
{
    reader->place_numbers = names_new();
    read_named_places(reader);
    const struct json_node *links = json_get(reader->node, "links");
    size_t count = json_count(links);
    if (count > SOC_LINKS_MAX) {
        json_fail(links, ERR_LIMIT, "expected at most %d links, got %zu", SOC_LINKS_MAX, count);
        return;
    }
    for (size_t i = 0; i < count && reader->soc->place_count > 0; i++)
        read_link(reader, json_item(links, i));
}

uint32_t soc_network_place(const struct soc_network_reader *reader, const struct json_node *node)
{
    const struct soc *soc = reader->soc;
    if (soc->network.topology == SOC_MESH) {
        if (json_count(node) != 2) {
            json_fail(node, ERR_VALUE, "expected a place [x, y]");
            return 0;
        }
        uint32_t x = (uint32_t)json_int(json_item(node, 0), 0, (int64_t)soc->network.columns - 1);
        uint32_t y = (uint32_t)json_int(json_item(node, 1), 0, (int64_t)soc->network.rows - 1);
        return y * soc->network.columns + x;
    }
    if (soc->network.topology != SOC_LINKS)
        return (uint32_t)json_int(node, 0, (int64_t)soc->place_count - 1);
    const char *name = json_str(node);
    uint32_t place = names_find(reader->place_numbers, name);
    if (place != NAMES_NONE)
        return place;
    const char *near = names_nearest(reader->place_numbers, name);
    json_fail(node, ERR_REFERENCE, "expected a place of the network, got \"%s\"%s%s%s", name,
              near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void (*const readers[SOC_TOPOLOGY_COUNT])(struct soc_network_reader *reader) = {
    [SOC_MESH] = read_mesh, [SOC_RING] = read_ring,   [SOC_CROSSBAR] = read_crossbar,
    [SOC_BUS] = read_bus,   [SOC_LINKS] = read_links,
};

void soc_network_read(struct soc_network_reader *reader, struct soc *soc,
                      const struct json_node *node)
{
    *reader = (struct soc_network_reader){ .soc = soc, .node = node };
    soc->network.topology = (enum soc_topology)json_enum(json_get(node, "topology"),
                                                         soc_topology_names, SOC_TOPOLOGY_COUNT);
    const struct json_node *switching = json_find(node, "switching");
    soc->switching = switching ? (enum soc_switching)json_enum(switching, soc_switching_names, 2)
                               : SOC_CUT_THROUGH;
    readers[soc->network.topology](reader);
}

void soc_network_done(struct soc_network_reader *reader)
{
    names_free(reader->place_numbers);
    free(reader->next_link);
}
