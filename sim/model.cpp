#include "sim/model.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <string>

#include "core/num.h"
#include "sim/split.h"

namespace sim
{

static const size_t PACKETS_PER_BLOCK = 256;

static std::string numbered(const char *name, size_t index)
{
    return name + std::to_string(index);
}

model::model(sc_core::sc_module_name name, const model_shape &shape)
    : sc_core::sc_module(name), go("go")
{
    for (size_t i = 0; i < shape.accelerators; i++) {
        accelerators.push_back(
            std::make_unique<accelerator>(numbered("accelerator", i).c_str(), *this, (uint32_t)i));
        locals.push_back(std::make_unique<server>(numbered("local", i).c_str(), *this, TRACE_LOCAL,
                                                  (uint32_t)i));
    }
    for (size_t i = 0; i < shape.links; i++)
        links.push_back(
            std::make_unique<server>(numbered("link", i).c_str(), *this, TRACE_LINK, (uint32_t)i));
    for (size_t i = 0; i < shape.channels; i++)
        channels.push_back(std::make_unique<server>(numbered("channel", i).c_str(), *this,
                                                    TRACE_CHANNEL, (uint32_t)i));
    SC_METHOD(launch);
    sensitive << go;
    dont_initialize();
}

void model::run(const problem *problem, const mapping *mapping, enum granularity granularity,
                struct trace *intervals)
{
    arm(problem, mapping, granularity, intervals);
    go.notify(sc_core::SC_ZERO_TIME);
    sc_core::sc_start(); /* until nothing is due any more */
    if (layers_left > 0)
        throw std::runtime_error(std::to_string(layers_left) +
                                 " layers never end: the mapping breaks a rule");
}

void model::launch()
{
    tell_time();
    for (auto &accelerator : accelerators)
        accelerator->launch();
}

/* --- re-arming ------------------------------------------------------------------------------ */

void model::arm(const problem *problem, const mapping *mapping, enum granularity granularity,
                struct trace *intervals)
{
    of = problem;
    by_tile = granularity == GRANULARITY_TILE;
    tracing = intervals;
    begin_ps = sc_core::sc_time_stamp().value();
    makespan_ps = events = 0;
    layers_left = problem->layer_count;
    arm_modules(mapping->discipline);
    arm_jobs(mapping);
    arm_edges();
}

void model::arm_modules(enum mapping_discipline discipline)
{
    const soc *soc = of->soc;
    channel_of.resize(accelerators.size());
    for (size_t i = 0; i < accelerators.size(); i++) {
        accelerators[i]->arm(soc->accelerators[i], discipline);
        locals[i]->arm(soc->accelerators[i].local_bytes_per_s, 0, false);
        channel_of[i] = soc_channel_of(soc, i);
    }
    for (size_t i = 0; i < links.size(); i++)
        links[i]->arm(soc->links[i].bytes_per_s, soc->links[i].latency_ps,
                      soc->switching == SOC_CUT_THROUGH);
    for (size_t i = 0; i < channels.size(); i++)
        channels[i]->arm(soc->channels[i].bytes_per_s, soc->channels[i].latency_ps, false);
}

void model::arm_jobs(const mapping *mapping)
{
    jobs.assign(of->layer_count, job());
    size_t steps = 0;
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const placement &at = mapping->placements[i];
        job &job = jobs[at.layer];
        job.layer = at.layer;
        job.option = problem_option(of, at.layer, at.accelerator, at.option);
        job.steps = by_tile ? job.option->tiles : 1;
        job.inputs_missing = of->pred_begin[at.layer + 1] - of->pred_begin[at.layer];
        job.release_ps = problem_release_ps(of, at.layer);
        accelerators[at.accelerator]->add(&job,
                                          i == 0 || at.group != mapping->placements[i - 1].group);
        steps += job.steps;
    }
    step_missing.resize(steps);
    uint32_t *missing = step_missing.data();
    for (job &job : jobs) {
        job.step_missing = missing;
        std::fill_n(missing, job.steps, job.inputs_missing + (by_tile ? 1 : 0)); /* and memory */
        missing += job.steps;
    }
}

/* The edges by producer, with the number of each in problem.preds. */
void model::arm_edges()
{
    out_begin.assign(of->layer_count + 1, 0);
    out_edges.resize(of->edge_count);
    for (size_t e = 0; e < of->edge_count; e++)
        out_begin[of->preds[e].layer + 1]++;
    for (size_t layer = 0; layer < of->layer_count; layer++)
        out_begin[layer + 1] += out_begin[layer];
    out_next.assign(out_begin.begin(), out_begin.end());
    for (uint32_t layer = 0; layer < of->layer_count; layer++)
        for (uint32_t e = of->pred_begin[layer]; e < of->pred_begin[layer + 1]; e++)
            out_edges[out_next[of->preds[e].layer]++] = out_edge{ layer, e, of->preds[e].bytes };
}

/* --- packets -------------------------------------------------------------------------------- */

packet *model::new_packet(uint64_t flow, uint32_t step, uint64_t bytes, uint32_t layer,
                          enum trace_what what)
{
    if (free_packets == nullptr) {
        packet_blocks.push_back(std::make_unique<packet[]>(PACKETS_PER_BLOCK));
        for (size_t i = 0; i < PACKETS_PER_BLOCK; i++)
            free_packet(&packet_blocks.back()[i]);
    }
    packet *fresh = free_packets;
    free_packets = fresh->next_free;
    *fresh = packet();
    fresh->id = flow << 32 | step;
    fresh->tail_ps = now_ps;
    fresh->bytes = bytes;
    fresh->layer = layer;
    fresh->what = what;
    fresh->channel = -1;
    return fresh;
}

void model::free_packet(packet *packet)
{
    packet->next_free = free_packets;
    free_packets = packet;
}

void model::set_route(packet *packet, uint32_t from_place, uint32_t to_place) const
{
    size_t at = (size_t)from_place * of->soc->place_count + to_place;
    packet->hop = of->soc->route_links + of->soc->route_begin[at];
    packet->last_hop = of->soc->route_links + of->soc->route_begin[at + 1];
}

/* To the next link, then to the channel if it is a write, then it is there. */
void model::forward(packet *packet)
{
    if (packet->hop != packet->last_hop) {
        links[*packet->hop++]->request(packet);
    } else if (packet->channel >= 0) {
        server &channel = *channels[(size_t)packet->channel];
        packet->channel = -1;
        channel.request(packet);
    } else {
        deliver(packet);
    }
}

void model::deliver(packet *packet)
{
    const sim::packet arrived = *packet;
    job &reader = jobs[arrived.layer];
    free_packet(packet);
    if (arrived.what == TRACE_TRANSFER)
        reader.on->input_arrived(&reader, arrived.step());
    else if (arrived.what == TRACE_READ)
        reader.on->memory_arrived(&reader, arrived.step());
    else
        makespan_ps = max_u64(makespan_ps, now_ps);
}

/* --- what accelerators ask for -------------------------------------------------------------- */

/* The makespan: docs/model.md M-33. */
void model::layer_ended()
{
    layers_left--;
    makespan_ps = max_u64(makespan_ps, now_ps);
}

/* docs/model.md M-32. */
void model::send_results(const job &from)
{
    for (uint32_t i = out_begin[from.layer]; i < out_begin[from.layer + 1]; i++)
        send_input(from, out_edges[i]);
    if (from.option->memory_write_bytes > 0)
        send_to_memory(from);
}

void model::send_input(const job &from, const out_edge &edge)
{
    job &to = jobs[edge.consumer];
    sim_split split = sim_split_of(edge.bytes, to.steps);
    for (uint32_t step = 0; step < to.steps; step++) {
        uint64_t bytes = sim_split_next(&split);
        if (bytes == 0) {
            to.on->input_arrived(&to, step);
            continue;
        }
        packet *packet = new_packet(edge.edge, step, bytes, edge.consumer, TRACE_TRANSFER);
        if (from.on == to.on) {
            locals[to.on->index]->request(packet);
        } else {
            set_route(packet, of->soc->accelerators[from.on->index].place,
                      of->soc->accelerators[to.on->index].place);
            forward(packet);
        }
    }
}

/* Writes are one packet at either granularity: nothing waits for them. */
void model::send_to_memory(const job &from)
{
    uint32_t at = channel_of[from.on->index];
    const soc_channel &channel = of->soc->channels[at];
    uint64_t bytes = from.option->memory_write_bytes;
    if (channel.unlimited) {
        channels[at]->count(bytes);
        return;
    }
    packet *packet = new_packet(of->edge_count + of->layer_count + from.layer, 0, bytes, from.layer,
                                TRACE_WRITE);
    packet->channel = (int32_t)at;
    set_route(packet, of->soc->accelerators[from.on->index].place, channel.place);
    forward(packet);
}

bool model::request_memory(job *job, uint32_t step)
{
    uint32_t at = channel_of[job->on->index];
    const soc_channel &channel = of->soc->channels[at];
    uint64_t bytes = sim_split_part(job->option->memory_read_bytes, job->steps, step);
    if (bytes == 0)
        return false;
    if (channel.unlimited) {
        channels[at]->count(bytes);
        return false;
    }
    packet *packet = new_packet(of->edge_count + job->layer, step, bytes, job->layer, TRACE_READ);
    set_route(packet, channel.place, of->soc->accelerators[job->on->index].place);
    channels[at]->request(packet);
    return true;
}

/* --- waveform ------------------------------------------------------------------------------- */

/* Signal names in a VCD file: no blanks, no dots of their own. */
static std::string signal_name(const char *kind, const char *name)
{
    std::string clean = std::string(kind) + "." + name;
    for (size_t i = std::string(kind).size() + 1; i < clean.size(); i++)
        if (!isalnum((unsigned char)clean[i]))
            clean[i] = '_';
    return clean;
}

void model::add_signals(sc_core::sc_trace_file *file, const soc &names) const
{
    for (size_t i = 0; i < accelerators.size(); i++) {
        accelerators[i]->add_signals(file, signal_name("accelerator", names.accelerators[i].name));
        locals[i]->add_signals(file, signal_name("local", names.accelerators[i].name));
    }
    for (size_t i = 0; i < links.size(); i++)
        links[i]->add_signals(file, signal_name("link", names.links[i].name));
    for (size_t i = 0; i < channels.size(); i++)
        channels[i]->add_signals(file, signal_name("channel", names.channels[i].name));
}

} // namespace sim
