#include "mapper/dispatch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"

#define NONE UINT32_MAX

/*
 * Flows are numbered as the timing model numbers them: inputs by reader, then producer; reads by
 * layer; write-backs by layer. A flow is one packet.
 */
struct packet {
    uint64_t request_ps, tail_ps; /* tail: when its last byte is at the present server */
    const uint32_t *at, *end;     /* servers still to come */
    const uint64_t *service_ps;   /* of its size, by rate; NULL: of `bytes` */
    uint64_t bytes;
    uint32_t next; /* in the queue of its server */
};

/* A link, a local port or a memory channel. */
struct server {
    uint64_t bytes_per_s, latency_ps;
    uint32_t head, tail; /* queue of flows */
    uint32_t rate;       /* column of service_ps */
    bool busy, asked;    /* asked: on the list of those that may grant */
};

struct lane {
    uint64_t scratchpad_bytes;
    uint32_t pes, slots;
    uint32_t *ready; /* layers by position */
    uint32_t ready_count, ready_capacity;
    bool touched;
};

enum due_what { DUE_COMPUTED, DUE_FREE, DUE_FORWARD, DUE_FREE_AND_FORWARD, DUE_RELEASED };

struct due {
    uint64_t at_ps;
    uint32_t subject; /* layer, server or flow */
    uint32_t what;
};

struct dispatch {
    const struct problem *problem;
    uint32_t first_read, first_write; /* flow numbers */
    uint32_t *reader;                 /* [input edge]: the consumer */
    uint32_t *edge_of_succ;           /* [index in succs]: the same edge's index in preds */
    uint32_t *way_begin,
        *ways;            /* servers by way; ways: pairs of accelerators, then reads, writes */
    uint64_t *service_ps; /* [size class * rate_count + rate] */
    size_t rate_count;

    struct packet *packets; /* [flow] */
    struct server *servers; /* links, local ports, channels */
    size_t server_count;
    uint32_t *asking; /* servers that may grant at the end of the instant */
    size_t asking_count;
    struct lane *lanes;  /* [accelerator] */
    uint32_t *missing;   /* [layer]: inputs not there yet, and the release if it is to come */
    uint8_t *unfinished; /* [layer]: computing and reading, while it runs */
    struct due *heap;
    size_t due_count;
    uint64_t now_ps, makespan_ps, limit_ps;
    bool failed;

    /* Of the present run; borrowed. */
    const struct dispatch_choice *choices;
    const uint32_t *position;
    const uint64_t *tail_ps;
    const struct dispatch_times *times;
};

/* --- what is due ---------------------------------------------------------------------------- */

static void add_due(struct dispatch *d, uint64_t at_ps, enum due_what what, uint32_t subject)
{
    size_t at = d->due_count++;
    while (at > 0 && at_ps < d->heap[(at - 1) / 2].at_ps) {
        d->heap[at] = d->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    d->heap[at] = (struct due){ at_ps, subject, what };
}

static struct due take_due(struct dispatch *d)
{
    struct due first = d->heap[0], last = d->heap[--d->due_count];
    size_t at = 0;
    for (size_t child = 1; child < d->due_count; child = 2 * at + 1) {
        if (child + 1 < d->due_count && d->heap[child + 1].at_ps < d->heap[child].at_ps)
            child++;
        if (last.at_ps <= d->heap[child].at_ps)
            break;
        d->heap[at] = d->heap[child];
        at = child;
    }
    d->heap[at] = last;
    return first;
}

/* --- packets -------------------------------------------------------------------------------- */

static uint64_t service_of(const struct packet *packet, const struct server *server)
{
    return packet->service_ps ? packet->service_ps[server->rate]
                              : bytes_to_ps(packet->bytes, server->bytes_per_s);
}

/* All inputs are there: into the accelerator's list of ready layers, by position. */
static void make_ready(struct dispatch *d, uint32_t layer)
{
    struct lane *lane = &d->lanes[d->choices[layer].accelerator];
    if (lane->ready_count == lane->ready_capacity) {
        lane->ready_capacity = 2 * lane->ready_capacity + 64;
        lane->ready = mem_grow(lane->ready, lane->ready_capacity, sizeof *lane->ready);
    }
    uint32_t at = lane->ready_count++;
    while (at > 0 && d->position[lane->ready[at - 1]] > d->position[layer]) {
        lane->ready[at] = lane->ready[at - 1];
        at--;
    }
    lane->ready[at] = layer;
    lane->touched = true;
}

static void layer_part_done(struct dispatch *d, uint32_t layer);

static void deliver(struct dispatch *d, uint32_t flow)
{
    if (flow >= d->first_write) {
        d->makespan_ps = max_u64(d->makespan_ps, d->now_ps);
        return;
    }
    if (flow >= d->first_read) {
        layer_part_done(d, flow - d->first_read);
        return;
    }
    uint32_t layer = d->reader[flow];
    if (--d->missing[layer] == 0)
        make_ready(d, layer);
}

static void ask(struct dispatch *d, uint32_t server)
{
    if (d->servers[server].asked)
        return;
    d->servers[server].asked = true;
    d->asking[d->asking_count++] = server;
}

/* First come, first served; of one instant, the lower flow. */
static void enqueue(struct dispatch *d, struct server *server, uint32_t flow)
{
    struct packet *packet = &d->packets[flow];
    uint32_t *link = &server->head;
    if (server->tail != NONE &&
        (d->packets[server->tail].request_ps < packet->request_ps || server->tail < flow))
        link = &d->packets[server->tail].next;
    else
        while (*link != NONE && (d->packets[*link].request_ps < packet->request_ps || *link < flow))
            link = &d->packets[*link].next;
    packet->next = *link;
    *link = flow;
    if (packet->next == NONE)
        server->tail = flow;
}

/* The server begins to send the packet now. */
static void serve(struct dispatch *d, uint32_t number, uint32_t flow, uint64_t service_ps)
{
    struct server *server = &d->servers[number];
    struct packet *packet = &d->packets[flow];
    uint64_t done_ps = max_u64(d->now_ps + service_ps, packet->tail_ps);
    packet->tail_ps = done_ps + server->latency_ps;
    const struct soc *soc = d->problem->soc;
    bool between_links =
        number < soc->link_count && packet->at != packet->end && *packet->at < soc->link_count;
    bool head_goes_on = between_links && soc->switching == SOC_CUT_THROUGH;
    uint64_t onward_ps = head_goes_on ? d->now_ps + server->latency_ps : packet->tail_ps;
    if (service_ps > 0 && onward_ps == done_ps) {
        add_due(d, done_ps, DUE_FREE_AND_FORWARD, flow);
        return;
    }
    add_due(d, onward_ps, DUE_FORWARD, flow);
    if (service_ps > 0)
        add_due(d, done_ps, DUE_FREE, number);
}

/* The packet is at the next server of its way, or there. */
static void forward(struct dispatch *d, uint32_t flow)
{
    struct packet *packet = &d->packets[flow];
    while (packet->at != packet->end) {
        uint32_t number = *packet->at++;
        struct server *server = &d->servers[number];
        uint64_t service_ps = service_of(packet, server);
        if (service_ps > 0) {
            packet->request_ps = d->now_ps;
            enqueue(d, server, flow);
            if (!server->busy)
                ask(d, number);
            return;
        }
        if (server->latency_ps > 0) {
            serve(d, number, flow, 0);
            return;
        }
    }
    deliver(d, flow);
}

static void send(struct dispatch *d, uint32_t flow, uint32_t way, uint64_t bytes,
                 const uint64_t *service_ps)
{
    if (bytes == 0 || d->way_begin[way] == d->way_begin[way + 1]) {
        deliver(d, flow);
        return;
    }
    d->packets[flow] = (struct packet){
        .request_ps = d->now_ps,
        .tail_ps = d->now_ps,
        .at = &d->ways[d->way_begin[way]],
        .end = &d->ways[d->way_begin[way + 1]],
        .service_ps = service_ps,
        .bytes = bytes,
        .next = NONE,
    };
    forward(d, flow);
}

static void grant(struct dispatch *d, uint32_t number)
{
    struct server *server = &d->servers[number];
    server->asked = false;
    if (server->busy || server->head == NONE)
        return;
    uint32_t flow = server->head;
    server->head = d->packets[flow].next;
    if (server->head == NONE)
        server->tail = NONE;
    server->busy = true;
    serve(d, number, flow, service_of(&d->packets[flow], server));
}

/* The server that a packet has just left. */
static void set_free(struct dispatch *d, uint32_t number)
{
    d->servers[number].busy = false;
    if (d->servers[number].head != NONE)
        ask(d, number);
}

/* --- layers --------------------------------------------------------------------------------- */

static uint32_t read_way(const struct problem *p, uint32_t acc)
{
    return (uint32_t)(p->accelerator_count * p->accelerator_count) + acc;
}

static uint32_t write_way(const struct problem *p, uint32_t acc)
{
    return read_way(p, acc) + (uint32_t)p->accelerator_count;
}

static void end_layer(struct dispatch *d, uint32_t layer)
{
    const struct problem *p = d->problem;
    const struct dispatch_choice *choice = &d->choices[layer];
    struct lane *lane = &d->lanes[choice->accelerator];
    lane->pes += choice->option->pes;
    lane->scratchpad_bytes += choice->option->scratchpad_bytes;
    lane->slots++;
    lane->touched = true;
    d->times->end_ps[layer] = d->now_ps;
    d->makespan_ps = max_u64(d->makespan_ps, d->now_ps);
    if (d->now_ps + d->tail_ps[layer] > d->limit_ps)
        d->failed = true;
    for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++) {
        const struct problem_edge *edge = &p->succs[at];
        uint32_t way = choice->accelerator * (uint32_t)p->accelerator_count +
                       d->choices[edge->layer].accelerator;
        send(d, d->edge_of_succ[at], way, edge->bytes,
             &d->service_ps[edge->size_class * d->rate_count]);
    }
    if (choice->option->memory_write_ps > 0)
        send(d, d->first_write + layer, write_way(p, choice->accelerator),
             choice->option->memory_write_bytes, NULL);
}

static void layer_part_done(struct dispatch *d, uint32_t layer)
{
    if (--d->unfinished[layer] == 0)
        end_layer(d, layer);
}

static bool fits(const struct lane *lane, const struct layer_option *option)
{
    return lane->slots > 0 && lane->pes >= option->pes &&
           lane->scratchpad_bytes >= option->scratchpad_bytes;
}

static void start_layer(struct dispatch *d, struct lane *lane, uint32_t layer)
{
    const struct layer_option *option = d->choices[layer].option;
    lane->pes -= option->pes;
    lane->scratchpad_bytes -= option->scratchpad_bytes;
    lane->slots--;
    d->times->start_ps[layer] = d->now_ps;
    if (d->now_ps + option->compute_ps + d->tail_ps[layer] > d->limit_ps)
        d->failed = true;
    bool reads = option->memory_read_ps > 0;
    d->unfinished[layer] = 1 + reads;
    add_due(d, d->now_ps + option->compute_ps, DUE_COMPUTED, layer);
    if (reads)
        send(d, d->first_read + layer, read_way(d->problem, d->choices[layer].accelerator),
             option->memory_read_bytes, NULL);
}

/* Ready layers in list order, as far as they fit. */
static void start_layers(struct dispatch *d, struct lane *lane)
{
    uint32_t kept = 0, at = 0;
    lane->touched = false;
    for (; at < lane->ready_count && lane->slots > 0; at++) {
        uint32_t layer = lane->ready[at];
        if (fits(lane, d->choices[layer].option))
            start_layer(d, lane, layer);
        else
            lane->ready[kept++] = layer;
    }
    if (kept < at)
        memmove(&lane->ready[kept], &lane->ready[at],
                (lane->ready_count - at) * sizeof *lane->ready);
    lane->ready_count -= at - kept;
}

/* --- life ----------------------------------------------------------------------------------- */

static uint64_t rate_of(const struct soc *soc, size_t server)
{
    if (server < soc->link_count)
        return soc->links[server].bytes_per_s;
    server -= soc->link_count;
    if (server < soc->accelerator_count)
        return soc->accelerators[server].local_bytes_per_s;
    return soc->channels[server - soc->accelerator_count].bytes_per_s;
}

static uint64_t latency_of(const struct soc *soc, size_t server)
{
    size_t first_channel = soc->link_count + soc->accelerator_count;
    if (server < soc->link_count)
        return soc->links[server].latency_ps;
    return server < first_channel ? 0 : soc->channels[server - first_channel].latency_ps;
}

/* Distinct rates and distinct sizes are few: divide once for each pair. */
static void make_servers(struct dispatch *d)
{
    const struct problem *p = d->problem;
    uint64_t *rates = mem_alloc(d->server_count, sizeof *rates);
    for (size_t i = 0; i < d->server_count; i++) {
        struct server *server = &d->servers[i];
        server->bytes_per_s = rate_of(p->soc, i);
        server->latency_ps = latency_of(p->soc, i);
        while (server->rate < d->rate_count && rates[server->rate] != server->bytes_per_s)
            server->rate++;
        if (server->rate == d->rate_count)
            rates[d->rate_count++] = server->bytes_per_s;
    }
    d->service_ps = mem_alloc(p->size_class_count * d->rate_count + 1, sizeof *d->service_ps);
    for (size_t edge = 0; edge < p->edge_count; edge++)
        for (size_t rate = 0; rate < d->rate_count; rate++)
            d->service_ps[p->preds[edge].size_class * d->rate_count + rate] =
                bytes_to_ps(p->preds[edge].bytes, rates[rate]);
    free(rates);
}

/* Both ends of every edge know its number among the preds. */
static void number_edges(struct dispatch *d)
{
    const struct problem *p = d->problem;
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        for (uint32_t edge = p->pred_begin[layer]; edge < p->pred_begin[layer + 1]; edge++) {
            uint32_t from = p->preds[edge].layer, at = p->succ_begin[from];
            while (p->succs[at].layer != layer)
                at++;
            assert(at < p->succ_begin[from + 1]);
            d->reader[edge] = layer;
            d->edge_of_succ[at] = edge;
        }
}

static uint32_t add_route(struct dispatch *d, uint32_t count, uint32_t from_place,
                          uint32_t to_place)
{
    const struct soc *soc = d->problem->soc;
    size_t route = (size_t)from_place * soc->place_count + to_place;
    for (uint32_t at = soc->route_begin[route]; at < soc->route_begin[route + 1]; at++) {
        if (d->ways)
            d->ways[count] = soc->route_links[at];
        count++;
    }
    return count;
}

static uint32_t add_server(struct dispatch *d, uint32_t count, size_t server)
{
    if (d->ways)
        d->ways[count] = (uint32_t)server;
    return count + 1;
}

/* Servers of every way one behind the other; returns how many. Only counts while d->ways is NULL.
 */
static uint32_t list_ways(struct dispatch *d)
{
    const struct soc *soc = d->problem->soc;
    size_t accs = soc->accelerator_count, first_channel = soc->link_count + accs;
    uint32_t count = 0, way = 0;
    for (size_t from = 0; from < accs; from++)
        for (size_t to = 0; to < accs; to++) {
            d->way_begin[way++] = count;
            count = from == to ? add_server(d, count, soc->link_count + from)
                               : add_route(d, count, soc->accelerators[from].place,
                                           soc->accelerators[to].place);
        }
    for (int writes = 0; writes < 2; writes++)
        for (size_t acc = 0; acc < accs; acc++) {
            uint32_t channel = soc_channel_of(soc, acc), here = soc->accelerators[acc].place;
            uint32_t there = soc->channels[channel].place;
            d->way_begin[way++] = count;
            if (!writes)
                count = add_server(d, count, first_channel + channel);
            count = writes ? add_route(d, count, here, there) : add_route(d, count, there, here);
            if (writes)
                count = add_server(d, count, first_channel + channel);
        }
    d->way_begin[way] = count;
    return count;
}

static void make_ways(struct dispatch *d)
{
    size_t accs = d->problem->accelerator_count;
    d->way_begin = mem_alloc(accs * (accs + 2) + 1, sizeof *d->way_begin);
    d->ways = NULL;
    uint32_t count = list_ways(d);
    d->ways = mem_alloc(count + 1, sizeof *d->ways);
    list_ways(d);
}

struct dispatch *dispatch_new(const struct problem *p)
{
    struct dispatch *d = mem_alloc(1, sizeof *d);
    size_t flows = p->edge_count + 2 * p->layer_count;
    d->problem = p;
    d->first_read = (uint32_t)p->edge_count;
    d->first_write = (uint32_t)(p->edge_count + p->layer_count);
    d->server_count = p->soc->link_count + p->accelerator_count + p->soc->channel_count;
    d->reader = mem_alloc(p->edge_count + 1, sizeof *d->reader);
    d->edge_of_succ = mem_alloc(p->edge_count + 1, sizeof *d->edge_of_succ);
    d->packets = mem_alloc(flows, sizeof *d->packets);
    d->servers = mem_alloc(d->server_count, sizeof *d->servers);
    d->asking = mem_alloc(d->server_count, sizeof *d->asking);
    d->lanes = mem_alloc(p->accelerator_count, sizeof *d->lanes);
    d->missing = mem_alloc(p->layer_count, sizeof *d->missing);
    d->unfinished = mem_alloc(p->layer_count, sizeof *d->unfinished);
    d->heap = mem_alloc(2 * flows + 2 * p->layer_count + d->server_count, sizeof *d->heap);
    make_servers(d);
    make_ways(d);
    number_edges(d);
    return d;
}

void dispatch_free(struct dispatch *d)
{
    if (!d)
        return;
    for (size_t acc = 0; acc < d->problem->accelerator_count; acc++)
        free(d->lanes[acc].ready);
    free(d->reader);
    free(d->edge_of_succ);
    free(d->way_begin);
    free(d->ways);
    free(d->service_ps);
    free(d->packets);
    free(d->servers);
    free(d->asking);
    free(d->lanes);
    free(d->missing);
    free(d->unfinished);
    free(d->heap);
    free(d);
}

/* --- runs ----------------------------------------------------------------------------------- */

static void reset(struct dispatch *d)
{
    const struct problem *p = d->problem;
    for (size_t i = 0; i < d->server_count; i++) {
        d->servers[i].head = d->servers[i].tail = NONE;
        d->servers[i].busy = d->servers[i].asked = false;
    }
    for (size_t acc = 0; acc < p->accelerator_count; acc++) {
        struct lane *lane = &d->lanes[acc];
        const struct soc_accelerator *a = &p->soc->accelerators[acc];
        lane->pes = (uint32_t)soc_pes(a);
        lane->scratchpad_bytes = a->scratchpad_bytes;
        lane->slots = a->shared_layers_max;
        lane->ready_count = 0;
        lane->touched = true;
    }
    d->asking_count = d->due_count = 0;
    d->now_ps = d->makespan_ps = 0;
    d->failed = false;
}

/* Layers without inputs are ready from the start, or from their release. */
static void release_sources(struct dispatch *d)
{
    const struct problem *p = d->problem;
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        d->missing[layer] = p->pred_begin[layer + 1] - p->pred_begin[layer];
    for (uint32_t layer = 0; layer < p->layer_count && p->release_ps; layer++)
        if (p->release_ps[layer] > 0) {
            d->missing[layer]++;
            add_due(d, p->release_ps[layer], DUE_RELEASED, layer);
        }
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        if (d->missing[layer] == 0)
            make_ready(d, layer);
}

static void happen(struct dispatch *d, const struct due *due)
{
    switch ((enum due_what)due->what) {
    case DUE_COMPUTED:
        layer_part_done(d, due->subject);
        break;
    case DUE_FREE:
        set_free(d, due->subject);
        break;
    case DUE_FREE_AND_FORWARD:
        set_free(d, d->packets[due->subject].at[-1]);
        forward(d, due->subject);
        break;
    case DUE_FORWARD:
        forward(d, due->subject);
        break;
    case DUE_RELEASED:
        if (--d->missing[due->subject] == 0)
            make_ready(d, due->subject);
        break;
    }
}

/* Everything that is due now, the starts it allows, and the grants. */
static void live_instant(struct dispatch *d)
{
    while (d->due_count > 0 && d->heap[0].at_ps == d->now_ps) {
        struct due due = take_due(d);
        happen(d, &due);
    }
    for (size_t acc = 0; acc < d->problem->accelerator_count; acc++)
        if (d->lanes[acc].touched)
            start_layers(d, &d->lanes[acc]);
    for (size_t i = 0; i < d->asking_count; i++)
        grant(d, d->asking[i]);
    d->asking_count = 0;
}

uint64_t dispatch_run(struct dispatch *d, const struct dispatch_choice *choices,
                      const uint32_t *position, const uint64_t *tail_ps, uint64_t limit_ps,
                      const struct dispatch_times *times)
{
    d->choices = choices;
    d->position = position;
    d->tail_ps = tail_ps;
    d->limit_ps = limit_ps;
    d->times = times;
    reset(d);
    release_sources(d);
    live_instant(d);
    while (d->due_count > 0 && !d->failed) {
        d->now_ps = d->heap[0].at_ps;
        live_instant(d);
    }
    return d->failed || d->makespan_ps > limit_ps ? UINT64_MAX : d->makespan_ps;
}
