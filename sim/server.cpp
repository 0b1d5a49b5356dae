#include "core/num.h"
#include "sim/model.hpp"

namespace sim
{

server::server(sc_core::sc_module_name name, model &owner, enum trace_resource kind_,
               uint32_t index_)
    : component(name, owner), load(), choice("choice", *this), kind(kind_), index(index_)
{
}

void server::arm(uint64_t bytes_per_s_, uint64_t latency_ps_, bool cut_through_)
{
    bytes_per_s = bytes_per_s_;
    latency_ps = latency_ps_;
    cut_through = cut_through_;
    load = sim_resource_load();
}

void server::request(packet *packet)
{
    packet->request_ps = soc.now_ps;
    packet->service_ps = bytes_to_ps(packet->bytes, bytes_per_s);
    if (packet->service_ps == 0) { /* unlimited: no queue */
        serve(packet);
        return;
    }
    size_t place = queue.size();
    while (place > first && comes_before(*packet, *queue[place - 1]))
        place--;
    queue.insert(queue.begin() + (ptrdiff_t)place, packet);
    if (!busy)
        choice.ask();
}

/* All requests of this round of the instant are known: docs/model.md M-37. */
void server::grant()
{
    if (busy || queue.empty())
        return;
    packet *packet = queue[first++];
    if (first == queue.size()) {
        queue.clear();
        first = 0;
    } else if (first >= 64 && first > queue.size() / 2) {
        queue.erase(queue.begin(), queue.begin() + (ptrdiff_t)first);
        first = 0;
    }
    busy = true;
    serve(packet);
}

/* Done when the server has sent the packet, and not before its last byte has come: docs/model.md
 * M-36. A head that a link without latency hands on comes a round later (M-38). */
void server::serve(packet *packet)
{
    uint64_t now_ps = soc.now_ps;
    uint64_t done_ps = max_u64(now_ps + packet->service_ps, packet->tail_ps);
    record(*packet, now_ps, done_ps);
    packet->tail_ps = done_ps + latency_ps;
    bool head_goes_on = cut_through && packet->hop != packet->last_hop;
    uint64_t onward_ps = head_goes_on ? now_ps + latency_ps : packet->tail_ps;
    if (packet->service_ps == 0) {
        if (onward_ps == now_ps)
            soc.forward(packet);
        else
            at(onward_ps, DUE_FORWARD, packet);
    } else if (onward_ps == done_ps) {
        at(done_ps, DUE_FREE, packet);
    } else {
        at(onward_ps, DUE_FORWARD, packet);
        at(done_ps, DUE_FREE, nullptr);
    }
}

void server::happen(const due &now)
{
    if (now.what == DUE_FREE) {
        busy = false;
        if (!queue.empty())
            choice.ask();
    }
    if (now.subject != nullptr)
        soc.forward(static_cast<packet *>(now.subject));
}

void server::record(const packet &packet, uint64_t now_ps, uint64_t done_ps)
{
    uint64_t waited_ps = now_ps - packet.request_ps;
    count(packet.bytes);
    load.waited_ps += waited_ps;
    if (packet.service_ps == 0)
        return;
    load.busy_ps += done_ps - now_ps;
    served_layer = packet.layer;
    if (soc.tracing != nullptr) {
        trace_interval interval = {};
        interval.start_ps = now_ps;
        interval.end_ps = done_ps;
        interval.waited_ps = waited_ps;
        interval.bytes = packet.bytes;
        interval.layer = packet.layer;
        interval.index = index;
        interval.tile = packet.step();
        interval.resource = (uint8_t)kind;
        interval.what = (uint8_t)packet.what;
        trace_add(soc.tracing, &interval);
    }
}

void server::add_signals(sc_core::sc_trace_file *file, const std::string &name) const
{
    sc_core::sc_trace(file, busy, name + ".busy");
    sc_core::sc_trace(file, served_layer, name + ".layer");
}

} // namespace sim
