/* Routes between the places of a network, and the time of a packet on them. */
#include <assert.h>
#include <stdlib.h>

#include "core/num.h"
#include "core/soc_network.h"

/* --- by topology ----------------------------------------------------------------------------- */

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

/* Writes at most place_count + 1 links; SIZE_MAX if there is no way. */
typedef size_t router(const struct soc_network_reader *reader, uint32_t from, uint32_t to,
                      uint32_t *links);

static router *const routers[SOC_TOPOLOGY_COUNT] = {
    [SOC_MESH] = mesh_route, [SOC_RING] = ring_route,   [SOC_CROSSBAR] = crossbar_route,
    [SOC_BUS] = bus_route,   [SOC_LINKS] = links_route,
};

/* --- shortest ways over explicit links -------------------------------------------------------- */

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

/* --- the table of routes ---------------------------------------------------------------------- */

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
    size_t count = routers[soc->network.topology](reader, from, to, &buffer->links[buffer->count]);
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

/* --- times ------------------------------------------------------------------------------------ */

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
