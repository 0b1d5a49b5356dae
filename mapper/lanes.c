#include "mapper/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"

static uint64_t rate_of_lane(const struct soc *soc, size_t lane)
{
    return lane < soc->link_count ? soc->links[lane].bytes_per_s
                                  : soc->accelerators[lane - soc->link_count].local_bytes_per_s;
}

/* Distinct rates of links and ports are few, so are distinct sizes: divide once for each pair. */
static void tabulate(struct lanes *lanes)
{
    const struct problem *p = lanes->problem;
    size_t servers = p->soc->link_count + p->soc->accelerator_count;
    uint64_t *rates = mem_alloc(servers, sizeof *rates);
    lanes->rate_of = mem_alloc(servers, sizeof *lanes->rate_of);
    for (size_t i = 0; i < servers; i++) {
        uint64_t rate = rate_of_lane(p->soc, i);
        size_t at = 0;
        while (at < lanes->rate_count && rates[at] != rate)
            at++;
        if (at == lanes->rate_count)
            rates[lanes->rate_count++] = rate;
        lanes->rate_of[i] = (uint32_t)at;
    }
    lanes->service_ps =
        mem_alloc(p->size_class_count * lanes->rate_count + 1, sizeof *lanes->service_ps);
    for (size_t edge = 0; edge < p->edge_count; edge++)
        for (size_t rate = 0; rate < lanes->rate_count; rate++)
            lanes->service_ps[p->preds[edge].size_class * lanes->rate_count + rate] =
                bytes_to_ps(p->preds[edge].bytes, rates[rate]);
    free(rates);
}

void lanes_init(struct lanes *lanes, const struct problem *problem)
{
    const struct soc *soc = problem->soc;
    size_t count = soc->link_count + soc->accelerator_count + soc->channel_count;
    *lanes =
        (struct lanes){ problem, count, mem_alloc(count, sizeof *lanes->lanes), NULL, NULL, 0 };
    tabulate(lanes);
}

void lanes_release(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++)
        free(lanes->lanes[i].busy);
    free(lanes->lanes);
    free(lanes->rate_of);
    free(lanes->service_ps);
    *lanes = (struct lanes){ 0 };
}

void lanes_clear(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++)
        lanes->lanes[i].count = 0;
}

static void make_room(struct lane *lane, size_t count)
{
    if (count <= lane->capacity)
        return;
    lane->capacity = 2 * count + 32;
    lane->busy = mem_grow(lane->busy, lane->capacity, sizeof *lane->busy);
}

void lanes_copy(struct lanes *to, const struct lanes *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct lane *source = &from->lanes[i];
        make_room(&to->lanes[i], source->count);
        if (source->count)
            memcpy(to->lanes[i].busy, source->busy, source->count * sizeof *source->busy);
        to->lanes[i].count = source->count;
    }
}

/* Takes the first gap of service_ps from ready_ps on; returns its start. */
static uint64_t reserve(struct lane *lane, uint64_t ready_ps, uint64_t service_ps)
{
    size_t low = 0, high = lane->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lane->busy[middle].end_ps <= ready_ps)
            low = middle + 1;
        else
            high = middle;
    }
    uint64_t start_ps = ready_ps;
    size_t at = low;
    while (at < lane->count && lane->busy[at].start_ps < start_ps + service_ps)
        start_ps = lane->busy[at++].end_ps;
    if (at > 0 && lane->busy[at - 1].end_ps == start_ps) {
        lane->busy[at - 1].end_ps += service_ps; /* grow the neighbour: lists stay short */
        return start_ps;
    }
    make_room(lane, lane->count + 1);
    memmove(&lane->busy[at + 1], &lane->busy[at], (lane->count - at) * sizeof *lane->busy);
    lane->busy[at] = (struct lane_busy){ start_ps, start_ps + service_ps };
    lane->count++;
    return start_ps;
}

/* Serves at once where the service takes no time: an unlimited server makes nobody wait. */
static uint64_t serve(struct lane *lane, uint64_t service_ps, uint64_t ready_ps)
{
    return service_ps ? reserve(lane, ready_ps, service_ps) : ready_ps;
}

/* One hop of a packet: when it may ask for the next link, and when it is there as a whole. */
struct hop {
    uint64_t request_ps, there_ps;
};

static void cross_link(struct lanes *lanes, uint32_t link, uint64_t service_ps, struct hop *hop)
{
    const struct soc *soc = lanes->problem->soc;
    uint64_t latency_ps = soc->links[link].latency_ps;
    uint64_t start_ps = serve(&lanes->lanes[link], service_ps, hop->request_ps);
    hop->there_ps = max_u64(start_ps + service_ps, hop->there_ps) + latency_ps;
    hop->request_ps = soc->switching == SOC_CUT_THROUGH ? start_ps + latency_ps : hop->there_ps;
}

static size_t route_of(const struct soc *soc, uint32_t from, uint32_t to)
{
    return (size_t)from * soc->place_count + to;
}

uint64_t lanes_send(struct lanes *lanes, const struct problem_edge *edge, uint32_t from,
                    uint32_t to, uint64_t leaves_ps)
{
    const struct soc *soc = lanes->problem->soc;
    const uint64_t *service_ps = &lanes->service_ps[edge->size_class * lanes->rate_count];
    if (edge->bytes == 0)
        return leaves_ps;
    if (from == to) {
        size_t port = soc->link_count + from;
        uint64_t port_ps = service_ps[lanes->rate_of[port]];
        return serve(&lanes->lanes[port], port_ps, leaves_ps) + port_ps;
    }
    size_t route = route_of(soc, soc->accelerators[from].place, soc->accelerators[to].place);
    struct hop hop = { leaves_ps, leaves_ps };
    for (uint32_t at = soc->route_begin[route]; at < soc->route_begin[route + 1]; at++) {
        uint32_t link = soc->route_links[at];
        cross_link(lanes, link, service_ps[lanes->rate_of[link]], &hop);
    }
    return hop.there_ps;
}

uint64_t lanes_read(struct lanes *lanes, uint64_t bytes, uint32_t acc, uint64_t start_ps)
{
    const struct soc *soc = lanes->problem->soc;
    uint32_t number = soc_channel_of(soc, acc);
    const struct soc_channel *channel = &soc->channels[number];
    if (bytes == 0 || channel->unlimited)
        return start_ps;
    struct lane *lane = &lanes->lanes[soc->link_count + soc->accelerator_count + number];
    uint64_t service_ps = bytes_to_ps(bytes, channel->bytes_per_s);
    uint64_t served_ps = serve(lane, service_ps, start_ps) + service_ps + channel->latency_ps;
    size_t route = route_of(soc, channel->place, soc->accelerators[acc].place);
    struct hop hop = { served_ps, served_ps };
    for (uint32_t at = soc->route_begin[route]; at < soc->route_begin[route + 1]; at++) {
        uint32_t link = soc->route_links[at];
        cross_link(lanes, link, bytes_to_ps(bytes, soc->links[link].bytes_per_s), &hop);
    }
    return hop.there_ps;
}
