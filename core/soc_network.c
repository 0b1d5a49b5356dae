#include "core/soc_network.h"

#include <assert.h>
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

/* --- routes ---------------------------------------------------------------------------------- */

/* Link of a regular topology from one place to a neighbour. Meshes have up to four per place. */
static uint32_t mesh_link(const struct soc *soc, uint32_t from, uint32_t to)
{
    uint32_t columns = soc->network.columns, rows = soc->network.rows;
    uint32_t x = from % columns, y = from / columns;
    /* Horizontal and vertical links of the rows above, then of the places to the left. */
    uint32_t vertical_per_place = (y > 0) + (y + 1 < rows);
    uint32_t link = y * 2 * (columns - 1) + (y > 0 ? (2 * y - 1) * columns : 0);
    link += x * vertical_per_place + (x > 0 ? 2 * x - 1 : 0);
    if (to == from + 1 && x + 1 < columns)
        return link;
    link += x + 1 < columns;
    if (to + 1 == from && x > 0)
        return link;
    link += x > 0;
    if (to == from + columns)
        return link;
    return link + (y + 1 < rows);
}

/* X first, then Y. */
static size_t mesh_route(const struct soc_network_reader *reader, uint32_t from, uint32_t to,
                         uint32_t *links)
{
    const struct soc *soc = reader->soc;
    uint32_t columns = soc->network.columns;
    size_t count = 0;
    for (uint32_t at = from; at != to;) {
        uint32_t next = at % columns < to % columns   ? at + 1
                        : at % columns > to % columns ? at - 1
                        : at < to                     ? at + columns
                                                      : at - columns;
        links[count] = mesh_link(soc, at, next);
        assert(soc->links[links[count]].from == at && soc->links[links[count]].to == next);
        count++;
        at = next;
    }
    return count;
}

/* The shorter way, the ascending one if equal. */
static size_t ring_route(const struct soc_network_reader *reader, uint32_t from, uint32_t to,
                         uint32_t *links)
{
    uint32_t n = (uint32_t)reader->soc->place_count;
    uint32_t up = (to + n - from) % n;
    bool ascend = up <= n - up;
    size_t count = ascend ? up : n - up;
    for (size_t i = 0; i < count; i++)
        links[i] = ascend ? (from + (uint32_t)i) % n : n + (from + n - (uint32_t)i) % n;
    return count;
}

static size_t crossbar_route(const struct soc_network_reader *reader, uint32_t from, uint32_t to,
                             uint32_t *links)
{
    if (from == to)
        return 0;
    links[0] = from;
    links[1] = (uint32_t)reader->soc->place_count + to;
    return 2;
}

static size_t bus_route(const struct soc_network_reader *reader, uint32_t from, uint32_t to,
                        uint32_t *links)
{
    (void)reader;
    links[0] = 0;
    return from != to;
}

/* Follows next_link; SIZE_MAX where there is no way. */
static size_t links_route(const struct soc_network_reader *reader, uint32_t from, uint32_t to,
                          uint32_t *links)
{
    const struct soc *soc = reader->soc;
    const uint32_t *next_link = &reader->next_link[(size_t)to * soc->place_count];
    size_t count = 0;
    for (uint32_t at = from; at != to; at = soc->links[links[count++]].to) {
        if (next_link[at] == UINT32_MAX)
            return SIZE_MAX;
        links[count] = next_link[at];
    }
    return count;
}

struct topology {
    void (*read)(struct soc_network_reader *reader);
    /* Writes at most place_count + 1 links; SIZE_MAX if there is no way. */
    size_t (*route)(const struct soc_network_reader *reader, uint32_t from, uint32_t to,
                    uint32_t *links);
};

static const struct topology topology_table[SOC_TOPOLOGY_COUNT] = {
    [SOC_MESH] = { read_mesh, mesh_route },
    [SOC_RING] = { read_ring, ring_route },
    [SOC_CROSSBAR] = { read_crossbar, crossbar_route },
    [SOC_BUS] = { read_bus, bus_route },
    [SOC_LINKS] = { read_links, links_route },
};

/* Links into every place: in_links[in_begin[place] … in_begin[place + 1]), ascending. */
static void index_in_links(const struct soc *soc, uint32_t *in_begin, uint32_t *in_links)
{
    for (size_t i = 0; i < soc->link_count; i++)
        in_begin[soc->links[i].to + 1]++;
    for (size_t place = 0; place < soc->place_count; place++)
        in_begin[place + 1] += in_begin[place];
    uint32_t *fill = mem_alloc(soc->place_count, sizeof *fill);
    for (size_t i = 0; i < soc->link_count; i++) {
        uint32_t to = soc->links[i].to;
        in_links[in_begin[to] + fill[to]++] = (uint32_t)i;
    }
    free(fill);
}

/* Breadth first against the links: hops[place] to `to`, UINT32_MAX where there is no way. */
static void count_hops(const struct soc *soc, uint32_t to, const uint32_t *in_begin,
                       const uint32_t *in_links, uint32_t *hops, uint32_t *queue)
{
    for (size_t place = 0; place < soc->place_count; place++)
        hops[place] = UINT32_MAX;
    size_t head = 0, tail = 0;
    hops[to] = 0;
    queue[tail++] = to;
    while (head < tail) {
        uint32_t at = queue[head++];
        for (uint32_t i = in_begin[at]; i < in_begin[at + 1]; i++) {
            uint32_t from = soc->links[in_links[i]].from;
            if (hops[from] != UINT32_MAX)
                continue;
            hops[from] = hops[at] + 1;
            queue[tail++] = from;
        }
    }
}

/* For every used destination and every place: the lowest link that gets one hop closer. */
static void build_next_links(struct soc_network_reader *reader, const bool *used)
{
    const struct soc *soc = reader->soc;
    size_t places = soc->place_count;
    uint32_t *in_begin = mem_alloc(places + 1, sizeof *in_begin);
    uint32_t *in_links = mem_alloc(soc->link_count + 1, sizeof *in_links);
    uint32_t *hops = mem_alloc(places, sizeof *hops);
    uint32_t *queue = mem_alloc(places, sizeof *queue);
    index_in_links(soc, in_begin, in_links);
    reader->next_link = mem_alloc(places * places, sizeof *reader->next_link);
    for (uint32_t to = 0; to < places; to++) {
        if (!used[to])
            continue;
        uint32_t *next_link = &reader->next_link[to * places];
        count_hops(soc, to, in_begin, in_links, hops, queue);
        for (size_t place = 0; place < places; place++)
            next_link[place] = UINT32_MAX;
        for (size_t i = soc->link_count; i-- > 0;) {
            const struct soc_link *link = &soc->links[i];
            if (hops[link->to] != UINT32_MAX && hops[link->from] == hops[link->to] + 1)
                next_link[link->from] = (uint32_t)i;
        }
    }
    free(in_begin);
    free(in_links);
    free(hops);
    free(queue);
}

struct route_buffer {
    uint32_t *links;
    size_t count, capacity;
};

/* Appends the route; false after an error. */
static bool add_route(struct soc_network_reader *reader, struct route_buffer *buffer, uint32_t from,
                      uint32_t to)
{
    const struct soc *soc = reader->soc;
    if (buffer->count + soc->place_count + 1 > buffer->capacity) {
        buffer->capacity = 2 * (buffer->capacity + soc->place_count + 1);
        buffer->links = mem_grow(buffer->links, buffer->capacity, sizeof *buffer->links);
    }
    size_t count = topology_table[soc->network.topology].route(reader, from, to,
                                                               &buffer->links[buffer->count]);
    if (count == SIZE_MAX) {
        json_fail(json_get(reader->node, "links"), ERR_REFERENCE,
                  "expected a way between all places in use, got none from \"%s\" to \"%s\"",
                  soc->place_names[from], soc->place_names[to]);
        return false;
    }
    buffer->count += count;
    if (buffer->count > SOC_ROUTE_LINKS_MAX) {
        json_fail(reader->node, ERR_LIMIT,
                  "the routes between the places in use have more than %zu links in all; "
                  "use fewer places",
                  SOC_ROUTE_LINKS_MAX);
        return false;
    }
    return true;
}

void soc_network_route(struct soc_network_reader *reader, const bool *used)
{
    struct soc *soc = reader->soc;
    size_t places = soc->place_count;
    struct route_buffer buffer = { 0 };
    bool ok = true;
    if (soc->network.topology == SOC_LINKS)
        build_next_links(reader, used);
    soc->route_begin = ARENA_ARRAY(soc->arena, uint32_t, places * places + 1);
    for (uint32_t from = 0; from < places && ok; from++)
        for (uint32_t to = 0; to < places && ok; to++) {
            if (used[from] && used[to])
                ok = add_route(reader, &buffer, from, to);
            soc->route_begin[from * places + to + 1] = (uint32_t)buffer.count;
        }
    soc->route_links = ARENA_ARRAY(soc->arena, uint32_t, buffer.count + 1);
    for (size_t i = 0; i < buffer.count; i++)
        soc->route_links[i] = buffer.links[i];
    free(buffer.links);
}

/* --- the whole ------------------------------------------------------------------------------- */

void soc_network_read(struct soc_network_reader *reader, struct soc *soc,
                      const struct json_node *node)
{
    *reader = (struct soc_network_reader){ .soc = soc, .node = node };
    soc->network.topology = (enum soc_topology)json_enum(json_get(node, "topology"),
                                                         soc_topology_names, SOC_TOPOLOGY_COUNT);
    const struct json_node *switching = json_find(node, "switching");
    soc->switching = switching ? (enum soc_switching)json_enum(switching, soc_switching_names, 2)
                               : SOC_CUT_THROUGH;
    topology_table[soc->network.topology].read(reader);
}

void soc_network_done(struct soc_network_reader *reader)
{
    names_free(reader->place_numbers);
    free(reader->next_link);
}

static uint64_t add_ps(uint64_t a, uint64_t b)
{
    return a > NUM_MAX_SIZE - min_u64(b, NUM_MAX_SIZE) ? NUM_MAX_SIZE : a + b;
}

/*
 * Store and forward: every link takes the whole packet before the next one starts.
 * docs/model.md M-20.
 */
static uint64_t store_and_forward_ps(const struct soc *soc, const uint32_t *route, size_t hops,
                                     uint64_t bytes)
{
    uint64_t at_ps = 0;
    for (size_t i = 0; i < hops; i++) {
        const struct soc_link *link = &soc->links[route[i]];
        at_ps = add_ps(at_ps, add_ps(bytes_to_ps(bytes, link->bytes_per_s), link->latency_ps));
    }
    return at_ps;
}

/*
 * Cut through: a link starts when the packet's head arrives, and ends not before the tail has
 * arrived from the link before. With nothing else on the way that adds up to all latencies and the
 * slowest link's time. docs/model.md M-21.
 */
static uint64_t cut_through_ps(const struct soc *soc, const uint32_t *route, size_t hops,
                               uint64_t bytes)
{
    uint64_t latency_ps = 0, slowest_ps = 0;
    for (size_t i = 0; i < hops; i++) {
        const struct soc_link *link = &soc->links[route[i]];
        latency_ps += link->latency_ps; /* at most 1024 links of a second */
        slowest_ps = max_u64(slowest_ps, bytes_to_ps(bytes, link->bytes_per_s));
    }
    return add_ps(latency_ps, slowest_ps);
}

uint64_t soc_route_ps(const struct soc *soc, uint32_t from, uint32_t to, uint64_t bytes)
{
    size_t hops = soc_hops(soc, from, to);
    const uint32_t *route = &soc->route_links[soc->route_begin[from * soc->place_count + to]];
    if (bytes == 0)
        return 0;
    return soc->switching == SOC_CUT_THROUGH ? cut_through_ps(soc, route, hops, bytes)
                                             : store_and_forward_ps(soc, route, hops, bytes);
}
