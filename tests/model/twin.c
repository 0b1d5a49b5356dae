#include "tests/model/twin.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

#define NOBODY UINT32_MAX

enum kind { INPUT, READ, WRITE };

struct twin_packet {
    uint64_t since, tail, bytes, key;
    uint32_t layer, from, to; /* from, to: accelerators; only `to` of a read, `from` of a write */
    uint32_t stage;
    enum kind kind;
};

struct station { /* link, then local port, then channel */
    uint64_t rate, latency;
    bool cut, busy, asked;
    uint32_t leaving; /* packet that moves on as the station becomes free; NOBODY */
    uint32_t *heap;   /* packets waiting, by (since, key) */
    size_t waiting, room;
    struct sim_resource_load load;
};

struct unit { /* accelerator */
    uint64_t pes, pad;
    uint32_t slots;
    uint32_t first, last; /* its placements in `line`: what is left of them */
    uint32_t group_end, in_group;
};

struct work { /* layer */
    const struct layer_option *option;
    uint32_t unit, group, spot; /* spot: place in `line` */
    uint32_t inputs_due, tiles, tile;
    uint32_t *due; /* by tile: packets that are not here */
    uint32_t halves;
    bool running, computing;
    uint64_t start, end;
};

enum event_kind { COMPUTED, FREED, MOVED, RELEASED };
struct event {
    uint64_t at;
    uint32_t what, kind;
};

struct twin {
    const struct problem *problem;
    const struct soc *soc;
    bool tiled, grouped;
    uint64_t now, makespan, events;
    size_t left;
    struct station *stations;
    size_t station_count;
    struct unit *units;
    struct work *works;
    uint32_t *line; /* layers, by accelerator, in issue order */
    uint32_t *line_group;
    uint32_t *due;
    size_t due_room;
    uint32_t *readers_begin, *readers_edge, *readers_layer;
    struct event *heap;
    size_t heap_count, heap_room;
    struct twin_packet *packets;
    uint32_t *spare;
    size_t packet_count, packet_room, spare_count;
    uint32_t *asking, *heads; /* stations to arbitrate; packets whose head moves on at once */
    size_t asking_count, head_count, head_room;
    uint32_t *channel_of;
};

/* --- heaps ---------------------------------------------------------------------------------- */

static void event_push(struct twin *t, uint64_t at, enum event_kind kind, uint32_t what)
{
    if (t->heap_count == t->heap_room) {
        t->heap_room = 2 * t->heap_room + 64;
        t->heap = mem_grow(t->heap, t->heap_room, sizeof *t->heap);
    }
    size_t i = t->heap_count++;
    for (; i > 0 && t->heap[(i - 1) / 2].at > at; i = (i - 1) / 2)
        t->heap[i] = t->heap[(i - 1) / 2];
    t->heap[i] = (struct event){ at, what, kind };
}

static struct event event_pop(struct twin *t)
{
    struct event top = t->heap[0], last = t->heap[--t->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= t->heap_count)
            break;
        if (child + 1 < t->heap_count && t->heap[child + 1].at < t->heap[child].at)
            child++;
        if (t->heap[child].at >= last.at)
            break;
        t->heap[i] = t->heap[child];
        i = child;
    }
    t->heap[i] = last;
    return top;
}

static bool goes_first(const struct twin *t, uint32_t a, uint32_t b)
{
    const struct twin_packet *x = &t->packets[a], *y = &t->packets[b];
    if (x->since != y->since)
        return x->since < y->since;
    return x->key < y->key;
}

static void queue_push(struct twin *t, struct station *s, uint32_t packet)
{
    if (s->waiting == s->room) {
        s->room = 2 * s->room + 8;
        s->heap = mem_grow(s->heap, s->room, sizeof *s->heap);
    }
    size_t i = s->waiting++;
    for (; i > 0 && goes_first(t, packet, s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = packet;
}

static uint32_t queue_pop(struct twin *t, struct station *s)
{
    uint32_t top = s->heap[0], last = s->heap[--s->waiting];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= s->waiting)
            break;
        if (child + 1 < s->waiting && goes_first(t, s->heap[child + 1], s->heap[child]))
            child++;
        if (!goes_first(t, s->heap[child], last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

/* --- packets -------------------------------------------------------------------------------- */

static uint64_t part(uint64_t n, uint32_t parts, uint32_t k)
{
    if (n <= UINT32_MAX)
        return n * (k + 1ULL) / parts - n * k / parts;
    unsigned __int128 product = n;
    return (uint64_t)(product * (k + 1ULL) / parts) - (uint64_t)(product * k / parts);
}

static uint64_t ser_ps(uint64_t bytes, uint64_t rate)
{
    if (rate == 0)
        return 0;
    unsigned __int128 scaled = (unsigned __int128)bytes * UINT64_C(1000000000000);
    return (uint64_t)((scaled + rate - 1) / rate);
}

static const uint32_t *route(const struct twin *t, uint32_t from, uint32_t to, uint32_t *count)
{
    size_t at = from * t->soc->place_count + to;
    *count = t->soc->route_begin[at + 1] - t->soc->route_begin[at];
    return t->soc->route_links + t->soc->route_begin[at];
}

/* Station of the packet's present stage, -1 when there are no more; *onward: links follow. */
static int64_t stage_station(const struct twin *t, const struct twin_packet *p, bool *onward)
{
    const struct soc_accelerator *accs = t->soc->accelerators;
    uint32_t links = (uint32_t)t->soc->link_count, units = (uint32_t)t->soc->accelerator_count;
    uint32_t from, to, hops, before = 0;
    int64_t after = -1;
    *onward = false;
    if (p->kind == INPUT && p->from == p->to)
        return p->stage == 0 ? (int64_t)links + p->to : -1;
    if (p->kind == INPUT) {
        from = accs[p->from].place;
        to = accs[p->to].place;
    } else if (p->kind == READ) {
        uint32_t channel = t->channel_of[p->to];
        if (p->stage == 0)
            return (int64_t)links + units + channel;
        before = 1;
        from = t->soc->channels[channel].place;
        to = accs[p->to].place;
    } else {
        uint32_t channel = t->channel_of[p->from];
        after = (int64_t)links + units + channel;
        from = accs[p->from].place;
        to = t->soc->channels[channel].place;
    }
    const uint32_t *path = route(t, from, to, &hops);
    uint32_t hop = p->stage - before;
    *onward = hop + 1 < hops;
    if (hop < hops)
        return path[hop];
    return hop == hops ? after : -1;
}

static void packet_arrives(struct twin *t, const struct twin_packet *p);

static uint32_t packet_new(struct twin *t, struct twin_packet p)
{
    if (t->spare_count == 0 && t->packet_count == t->packet_room) {
        t->packet_room = 2 * t->packet_room + 64;
        t->packets = mem_grow(t->packets, t->packet_room, sizeof *t->packets);
        t->spare = mem_grow(t->spare, t->packet_room, sizeof *t->spare);
    }
    uint32_t i = t->spare_count > 0 ? t->spare[--t->spare_count] : (uint32_t)t->packet_count++;
    t->packets[i] = p;
    return i;
}

static void head_later(struct twin *t, uint64_t at, uint32_t packet)
{
    if (at > t->now) {
        event_push(t, at, MOVED, packet);
        return;
    }
    if (t->head_count == t->head_room) {
        t->head_room = 2 * t->head_room + 64;
        t->heads = mem_grow(t->heads, t->head_room, sizeof *t->heads);
    }
    t->heads[t->head_count++] = packet;
}

static void station_serve(struct twin *t, uint32_t at, uint32_t packet, uint64_t ser, bool onward)
{
    struct station *s = &t->stations[at];
    struct twin_packet *p = &t->packets[packet];
    uint64_t done = t->now + ser > p->tail ? t->now + ser : p->tail;
    s->load.packets++;
    s->load.bytes += p->bytes;
    s->load.waited_ps += t->now - p->since;
    if (ser > 0) {
        s->load.busy_ps += done - t->now;
        s->busy = true;
        event_push(t, done, FREED, at);
    }
    p->tail = done + s->latency;
    p->stage++;
    uint64_t moves = s->cut && onward ? t->now + s->latency : p->tail;
    s->leaving = ser > 0 && moves == done ? packet : NOBODY;
    if (s->leaving == NOBODY)
        head_later(t, moves, packet);
}

static void packet_enter(struct twin *t, uint32_t packet)
{
    bool onward;
    int64_t at = stage_station(t, &t->packets[packet], &onward);
    if (at < 0) {
        struct twin_packet p = t->packets[packet];
        t->spare[t->spare_count++] = packet;
        packet_arrives(t, &p);
        return;
    }
    struct station *s = &t->stations[at];
    t->packets[packet].since = t->now;
    if (s->rate == 0) {
        station_serve(t, (uint32_t)at, packet, 0, onward);
        return;
    }
    queue_push(t, s, packet);
    if (!s->busy && !s->asked) {
        s->asked = true;
        t->asking[t->asking_count++] = (uint32_t)at;
    }
}

/* Servers without a rate hand packets on within the instant, before anyone is granted anything. */
static void heads_enter(struct twin *t)
{
    while (t->head_count > 0)
        packet_enter(t, t->heads[--t->head_count]);
}

static void arbitrate(struct twin *t)
{
    heads_enter(t);
    while (t->asking_count > 0) {
        size_t count = t->asking_count;
        for (size_t i = 0; i < count; i++) {
            struct station *s = &t->stations[t->asking[i]];
            s->asked = false;
            uint32_t packet = queue_pop(t, s);
            bool onward;
            stage_station(t, &t->packets[packet], &onward);
            station_serve(t, t->asking[i], packet, ser_ps(t->packets[packet].bytes, s->rate),
                          onward);
        }
        t->asking_count = 0;
        heads_enter(t);
    }
}

static void packet_send(struct twin *t, enum kind kind, uint64_t flow, uint32_t tile,
                        uint64_t bytes, uint32_t layer, uint32_t from, uint32_t to)
{
    struct twin_packet p = { .tail = t->now, .bytes = bytes, .key = flow << 32 | tile };
    p.layer = layer;
    p.from = from;
    p.to = to;
    p.kind = kind;
    packet_enter(t, packet_new(t, p));
}

/* --- layers --------------------------------------------------------------------------------- */

static void tiles_go_on(struct twin *t, uint32_t layer);

/* True if a packet is under way. */
static bool read_memory(struct twin *t, uint32_t layer, uint32_t tile)
{
    struct work *w = &t->works[layer];
    uint64_t bytes = part(w->option->memory_read_bytes, w->tiles, tile);
    uint32_t channel = t->channel_of[w->unit];
    struct station *s = &t->stations[t->soc->link_count + t->soc->accelerator_count + channel];
    if (bytes == 0)
        return false;
    if (t->soc->channels[channel].unlimited) {
        s->load.packets++;
        s->load.bytes += bytes;
        return false;
    }
    packet_send(t, READ, t->problem->edge_count + layer, tile, bytes, layer, 0, w->unit);
    return true;
}

static void layer_starts(struct twin *t, uint32_t layer)
{
    struct work *w = &t->works[layer];
    w->running = true;
    w->start = t->now;
    if (!t->tiled) {
        w->halves = 1 + read_memory(t, layer, 0);
        event_push(t, t->now + w->option->compute_ps, COMPUTED, layer);
        return;
    }
    for (uint32_t tile = 0; tile < 2 && tile < w->tiles; tile++)
        if (!read_memory(t, layer, tile))
            w->due[tile]--;
    tiles_go_on(t, layer);
}

static void unit_starts_what_it_can(struct twin *t, uint32_t unit)
{
    struct unit *u = &t->units[unit];
    if (t->grouped) {
        for (uint32_t i = u->first; i < u->group_end; i++)
            if (!t->works[t->line[i]].running && t->works[t->line[i]].inputs_due == 0)
                layer_starts(t, t->line[i]);
        return;
    }
    while (u->first < u->last) {
        struct work *w = &t->works[t->line[u->first]];
        const struct layer_option *o = w->option;
        if (w->inputs_due > 0 || u->slots == 0 || o->pes > u->pes || o->scratchpad_bytes > u->pad)
            return;
        u->slots--;
        u->pes -= o->pes;
        u->pad -= o->scratchpad_bytes;
        layer_starts(t, t->line[u->first++]);
    }
}

static void unit_next_group(struct twin *t, uint32_t unit)
{
    struct unit *u = &t->units[unit];
    u->group_end = u->first;
    while (u->group_end < u->last && t->line_group[u->group_end] == t->line_group[u->first])
        u->group_end++;
    u->in_group = u->group_end - u->first;
}

static void input_comes(struct twin *t, uint32_t layer, uint32_t tile)
{
    struct work *w = &t->works[layer];
    w->due[tile]--;
    if (tile == 0)
        w->inputs_due--;
    if (w->running)
        tiles_go_on(t, layer);
    else if (w->inputs_due == 0)
        unit_starts_what_it_can(t, w->unit);
}

static void results_go(struct twin *t, uint32_t layer)
{
    const struct work *w = &t->works[layer];
    for (uint32_t i = t->readers_begin[layer]; i < t->readers_begin[layer + 1]; i++) {
        uint32_t reader = t->readers_layer[i], edge = t->readers_edge[i];
        const struct work *r = &t->works[reader];
        for (uint32_t tile = 0; tile < r->tiles; tile++) {
            uint64_t bytes = part(t->problem->preds[edge].bytes, r->tiles, tile);
            if (bytes == 0)
                input_comes(t, reader, tile);
            else
                packet_send(t, INPUT, edge, tile, bytes, reader, w->unit, r->unit);
        }
    }
    uint64_t bytes = w->option->memory_write_bytes;
    uint32_t channel = t->channel_of[w->unit];
    if (bytes > 0 && t->soc->channels[channel].unlimited) {
        struct station *s = &t->stations[t->soc->link_count + t->soc->accelerator_count + channel];
        s->load.packets++;
        s->load.bytes += bytes;
    } else if (bytes > 0) {
        packet_send(t, WRITE, t->problem->edge_count + t->problem->layer_count + layer, 0, bytes,
                    layer, w->unit, 0);
    }
}

static void layer_ends(struct twin *t, uint32_t layer)
{
    struct work *w = &t->works[layer];
    struct unit *u = &t->units[w->unit];
    w->end = t->now;
    t->left--;
    t->makespan = t->now;
    if (!t->grouped) {
        u->slots++;
        u->pes += w->option->pes;
        u->pad += w->option->scratchpad_bytes;
        results_go(t, layer);
    } else {
        if (--u->in_group > 0)
            return;
        uint32_t begin = u->first, end = u->group_end;
        u->first = end;
        u->group_end = end; /* closed while the results go */
        for (uint32_t i = begin; i < end; i++)
            results_go(t, t->line[i]);
        unit_next_group(t, w->unit);
    }
    unit_starts_what_it_can(t, w->unit);
}

static void tile_is_computed(struct twin *t, uint32_t layer)
{
    struct work *w = &t->works[layer];
    uint32_t later = w->tile + 2;
    w->computing = false;
    w->tile++;
    if (later < w->tiles && !read_memory(t, layer, later))
        w->due[later]--;
}

static void tiles_go_on(struct twin *t, uint32_t layer)
{
    struct work *w = &t->works[layer];
    while (!w->computing && w->tile < w->tiles && w->due[w->tile] == 0) {
        uint64_t ps = part(w->option->compute_ps, w->tiles, w->tile);
        w->computing = true;
        if (ps > 0) {
            event_push(t, t->now + ps, COMPUTED, layer);
            return;
        }
        tile_is_computed(t, layer);
        if (w->tile == w->tiles)
            layer_ends(t, layer);
    }
}

static void half_done(struct twin *t, uint32_t layer)
{
    if (--t->works[layer].halves == 0)
        layer_ends(t, layer);
}

static void packet_arrives(struct twin *t, const struct twin_packet *p)
{
    uint32_t tile = (uint32_t)p->key;
    if (p->kind == INPUT) {
        input_comes(t, p->layer, tile);
    } else if (p->kind == WRITE) {
        t->makespan = t->now;
    } else if (t->tiled) {
        t->works[p->layer].due[tile]--;
        tiles_go_on(t, p->layer);
    } else {
        half_done(t, p->layer);
    }
}

static void event_happens(struct twin *t, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case COMPUTED:
        if (!t->tiled) {
            half_done(t, event->what);
            break;
        }
        tile_is_computed(t, event->what);
        if (t->works[event->what].tile == t->works[event->what].tiles)
            layer_ends(t, event->what);
        else
            tiles_go_on(t, event->what);
        break;
    case FREED: {
        struct station *s = &t->stations[event->what];
        s->busy = false;
        if (s->waiting > 0 && !s->asked) {
            s->asked = true;
            t->asking[t->asking_count++] = event->what;
        }
        if (s->leaving != NOBODY)
            packet_enter(t, s->leaving);
        break;
    }
    case MOVED:
        packet_enter(t, event->what);
        break;
    case RELEASED:
        if (--t->works[event->what].inputs_due == 0)
            unit_starts_what_it_can(t, t->works[event->what].unit);
        break;
    }
}

/* --- a run ---------------------------------------------------------------------------------- */

static void reset_stations(struct twin *t)
{
    const struct soc *soc = t->soc;
    for (size_t i = 0; i < t->station_count; i++) {
        struct station *s = &t->stations[i];
        s->busy = s->asked = false;
        s->waiting = 0;
        s->load = (struct sim_resource_load){ 0 };
        s->cut = false;
        s->latency = 0;
        if (i < soc->link_count) {
            s->rate = soc->links[i].bytes_per_s;
            s->latency = soc->links[i].latency_ps;
            s->cut = soc->switching == SOC_CUT_THROUGH;
        } else if (i < soc->link_count + soc->accelerator_count) {
            s->rate = soc->accelerators[i - soc->link_count].local_bytes_per_s;
        } else {
            size_t channel = i - soc->link_count - soc->accelerator_count;
            s->rate = soc->channels[channel].bytes_per_s;
            s->latency = soc->channels[channel].latency_ps;
        }
    }
}

static void reset_works(struct twin *t, const struct mapping *mapping)
{
    const struct problem *problem = t->problem;
    size_t due = 0;
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *p = &mapping->placements[i];
        struct work *w = &t->works[p->layer];
        *w = (struct work){ .option = problem_option(problem, p->layer, p->accelerator, p->option),
                            .unit = p->accelerator,
                            .group = p->group };
        w->tiles = t->tiled ? w->option->tiles : 1;
        w->inputs_due = problem->pred_begin[p->layer + 1] - problem->pred_begin[p->layer];
        due += w->tiles;
    }
    if (due > t->due_room) {
        t->due_room = 2 * due;
        t->due = mem_grow(t->due, t->due_room, sizeof *t->due);
    }
    due = 0;
    for (size_t layer = 0; layer < problem->layer_count; layer++) {
        struct work *w = &t->works[layer];
        w->due = t->due + due;
        for (uint32_t tile = 0; tile < w->tiles; tile++)
            w->due[tile] = w->inputs_due + t->tiled;
        due += w->tiles;
    }
}

static void reset_units(struct twin *t, const struct mapping *mapping)
{
    const struct soc *soc = t->soc;
    uint32_t at = 0;
    for (uint32_t unit = 0; unit < soc->accelerator_count; unit++)
        t->units[unit] = (struct unit){ .pes = soc_pes(&soc->accelerators[unit]),
                                        .pad = soc->accelerators[unit].scratchpad_bytes,
                                        .slots = soc->accelerators[unit].shared_layers_max };
    for (size_t i = 0; i < mapping->placement_count; i++)
        t->units[mapping->placements[i].accelerator].last++;
    for (uint32_t unit = 0; unit < soc->accelerator_count; unit++) {
        uint32_t count = t->units[unit].last;
        t->units[unit].first = t->units[unit].last = at;
        at += count;
    }
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *p = &mapping->placements[i];
        uint32_t spot = t->units[p->accelerator].last++;
        t->line[spot] = p->layer;
        t->line_group[spot] = p->group;
    }
}

uint64_t twin_run(struct twin *t, const struct mapping *mapping, enum granularity granularity)
{
    t->tiled = granularity == GRANULARITY_TILE;
    t->grouped = mapping->discipline == MAPPING_BY_GROUP;
    t->now = t->makespan = t->events = 0;
    t->left = t->problem->layer_count;
    t->heap_count = t->packet_count = t->spare_count = t->asking_count = t->head_count = 0;
    reset_stations(t);
    reset_works(t, mapping);
    reset_units(t, mapping);
    for (uint32_t layer = 0; layer < t->problem->layer_count && t->problem->release_ps; layer++)
        if (t->problem->release_ps[layer] > 0) {
            t->works[layer].inputs_due++;
            event_push(t, t->problem->release_ps[layer], RELEASED, layer);
        }
    for (uint32_t unit = 0; unit < t->soc->accelerator_count; unit++) {
        if (t->grouped)
            unit_next_group(t, unit);
        unit_starts_what_it_can(t, unit);
    }
    arbitrate(t);
    while (t->heap_count > 0) {
        t->now = t->heap[0].at;
        while (t->heap_count > 0 && t->heap[0].at == t->now) {
            struct event event = event_pop(t);
            t->events++;
            event_happens(t, &event);
        }
        arbitrate(t);
    }
    return t->left == 0 ? t->makespan : UINT64_MAX;
}

/* --- life ----------------------------------------------------------------------------------- */

static void index_readers(struct twin *t)
{
    const struct problem *p = t->problem;
    uint32_t at = 0;
    /* Quadratic would do for tests; the bench wants linear. */
    uint32_t *count = mem_alloc(p->layer_count + 1, sizeof *count);
    for (size_t e = 0; e < p->edge_count; e++)
        count[p->preds[e].layer]++;
    for (size_t layer = 0; layer < p->layer_count; layer++) {
        t->readers_begin[layer] = at;
        at += count[layer];
        count[layer] = t->readers_begin[layer];
    }
    t->readers_begin[p->layer_count] = at;
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        for (uint32_t e = p->pred_begin[layer]; e < p->pred_begin[layer + 1]; e++) {
            uint32_t spot = count[p->preds[e].layer]++;
            t->readers_layer[spot] = layer;
            t->readers_edge[spot] = e;
        }
    free(count);
}

struct twin *twin_new(const struct problem *problem)
{
    struct twin *t = mem_alloc(1, sizeof *t);
    const struct soc *soc = problem->soc;
    size_t layers = problem->layer_count;
    t->problem = problem;
    t->soc = soc;
    t->station_count = soc->link_count + soc->accelerator_count + soc->channel_count;
    t->stations = mem_alloc(t->station_count, sizeof *t->stations);
    t->units = mem_alloc(soc->accelerator_count, sizeof *t->units);
    t->channel_of = mem_alloc(soc->accelerator_count, sizeof *t->channel_of);
    for (size_t i = 0; i < soc->accelerator_count; i++)
        t->channel_of[i] = soc_channel_of(soc, i);
    t->works = mem_alloc(layers + 1, sizeof *t->works);
    t->line = mem_alloc(layers + 1, sizeof *t->line);
    t->line_group = mem_alloc(layers + 1, sizeof *t->line_group);
    t->readers_begin = mem_alloc(layers + 1, sizeof *t->readers_begin);
    t->readers_layer = mem_alloc(problem->edge_count + 1, sizeof *t->readers_layer);
    t->readers_edge = mem_alloc(problem->edge_count + 1, sizeof *t->readers_edge);
    t->asking = mem_alloc(t->station_count + 1, sizeof *t->asking);
    index_readers(t);
    return t;
}

void twin_free(struct twin *t)
{
    for (size_t i = 0; i < t->station_count; i++)
        free(t->stations[i].heap);
    free(t->stations);
    free(t->units);
    free(t->channel_of);
    free(t->works);
    free(t->line);
    free(t->line_group);
    free(t->readers_begin);
    free(t->readers_layer);
    free(t->readers_edge);
    free(t->asking);
    free(t->heads);
    free(t->heap);
    free(t->packets);
    free(t->spare);
    free(t->due);
    free(t);
}

uint64_t twin_start_ps(const struct twin *t, uint32_t layer)
{
    return t->works[layer].start;
}

uint64_t twin_end_ps(const struct twin *t, uint32_t layer)
{
    return t->works[layer].end;
}

uint64_t twin_events(const struct twin *t)
{
    return t->events;
}

struct sim_resource_load twin_load(const struct twin *t, enum trace_resource kind, size_t index)
{
    size_t offset = kind == TRACE_LINK    ? 0
                    : kind == TRACE_LOCAL ? t->soc->link_count
                                          : t->soc->link_count + t->soc->accelerator_count;
    return t->stations[offset + index].load;
}
