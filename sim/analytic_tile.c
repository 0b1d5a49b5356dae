#include "sim/analytic_tile.h"

#include "core/num.h"
#include "sim/scratch.h"
#include "sim/split.h"

/* A link, local port or channel as the packets of one flow see it. */
struct stage {
    uint64_t service_ps[2]; /* of a packet of the quotient's bytes, and of one byte more */
    uint64_t latency_ps;
    uint64_t free_ps;
    bool cut_through; /* the next stage may start when the head is there */
};

struct path {
    struct stage *stages;
    size_t count;
};

static void path_add(struct path *path, uint64_t bytes_per_s, uint64_t latency_ps, bool cut_through,
                     uint64_t packet_bytes)
{
    path->stages[path->count++] = (struct stage){
        .service_ps = { bytes_to_ps(packet_bytes, bytes_per_s),
                        bytes_to_ps(packet_bytes + 1, bytes_per_s) },
        .latency_ps = latency_ps,
        .cut_through = cut_through,
    };
}

/* Arrival of a packet requested at at_ps after all earlier ones of its flow: docs/model.md M-36. */
static uint64_t path_send(const struct path *path, unsigned extra, uint64_t at_ps)
{
    uint64_t head_ps = at_ps, tail_ps = at_ps;
    for (size_t i = 0; i < path->count; i++) {
        struct stage *stage = &path->stages[i];
        uint64_t service_ps = stage->service_ps[extra], done_ps;
        if (service_ps == 0) {
            done_ps = max_u64(head_ps, tail_ps);
        } else {
            head_ps = max_u64(head_ps, stage->free_ps);
            done_ps = max_u64(head_ps + service_ps, tail_ps);
            stage->free_ps = done_ps;
        }
        tail_ps = done_ps + stage->latency_ps;
        head_ps = stage->cut_through ? head_ps + stage->latency_ps : tail_ps;
    }
    return tail_ps;
}

static struct path path_new(const struct soc *soc)
{
    return (struct path){ (struct stage *)sim_scratch(SIM_SCRATCH_STAGES, soc->link_count + 1,
                                                      sizeof(struct stage)),
                          0 };
}

static void path_add_route(struct path *path, const struct soc *soc, uint32_t from, uint32_t to,
                           uint64_t packet_bytes)
{
    size_t at = (size_t)from * soc->place_count + to;
    for (uint32_t i = soc->route_begin[at]; i < soc->route_begin[at + 1]; i++) {
        const struct soc_link *link = &soc->links[soc->route_links[i]];
        path_add(path, link->bytes_per_s, link->latency_ps, soc->switching == SOC_CUT_THROUGH,
                 packet_bytes);
    }
}

void analytic_tile_input(const struct problem *problem, uint32_t from, uint32_t to, uint64_t bytes,
                         uint32_t tiles, uint64_t leave_ps, uint64_t *ready_ps)
{
    const struct soc *soc = problem->soc;
    struct sim_split split = sim_split_of(bytes, tiles);
    struct path path = path_new(soc);
    if (from == to)
        path_add(&path, soc->accelerators[from].local_bytes_per_s, 0, false, split.quotient);
    else
        path_add_route(&path, soc, soc->accelerators[from].place, soc->accelerators[to].place,
                       split.quotient);
    for (uint32_t k = 0; k < tiles; k++) {
        unsigned extra = sim_split_extra(&split);
        uint64_t arrival_ps = leave_ps;
        if (split.quotient + extra > 0)
            arrival_ps = path_send(&path, extra, leave_ps);
        ready_ps[k] = max_u64(ready_ps[k], arrival_ps);
    }
}

static struct path path_from_memory(const struct soc *soc, uint32_t accelerator,
                                    uint64_t packet_bytes)
{
    const struct soc_channel *channel = &soc->channels[soc_channel_of(soc, accelerator)];
    struct path path = path_new(soc);
    if (!channel->unlimited) {
        path_add(&path, channel->bytes_per_s, channel->latency_ps, false, packet_bytes);
        path_add_route(&path, soc, channel->place, soc->accelerators[accelerator].place,
                       packet_bytes);
    }
    return path;
}

/* Two buffers: packet k is requested when step k - 2 is done (docs/model.md M-35). */
uint64_t analytic_tile_end(const struct problem *problem, uint32_t accelerator,
                           const struct layer_option *option, uint64_t start_ps,
                           const uint64_t *ready_ps)
{
    struct sim_split compute = sim_split_of(option->compute_ps, option->tiles);
    struct sim_split memory = sim_split_of(option->memory_read_bytes, option->tiles);
    struct path path = path_from_memory(problem->soc, accelerator, memory.quotient);
    uint64_t done_ps = start_ps, before_ps = start_ps; /* of steps k - 1 and k - 2 */
    for (uint32_t k = 0; k < option->tiles; k++) {
        unsigned extra = sim_split_extra(&memory);
        uint64_t memory_ps = before_ps;
        if (memory.quotient + extra > 0)
            memory_ps = path_send(&path, extra, before_ps);
        uint64_t begin_ps = max_u64(done_ps, max_u64(memory_ps, ready_ps[k]));
        before_ps = done_ps;
        done_ps = begin_ps + sim_split_next(&compute);
    }
    return done_ps;
}
