/*
 * The timing model of a SoC in SystemC: one module per accelerator, link, local port and memory
 * channel (docs/model.md M-30 to M-39). It is elaborated once for the numbers of each and re-armed
 * for every run with the rates of the SoC at hand and a mapping.
 *
 * Modules call each other directly within an instant; only the passing of time is an event. What
 * an instant leads to does not depend on the order in which SystemC runs its processes: starting
 * conditions only ever become true within it, and who gets a server is decided in the update
 * phase, after all requests of the instant are known.
 */
#ifndef SOCWEAVE_SIM_MODEL_HPP
#define SOCWEAVE_SIM_MODEL_HPP

#include <cstdint>
#include <memory>
#include <systemc>
#include <vector>

/* In C++ a struct and a function of one name are a constructor that hides: harmless here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "sim/sim.h"
#pragma GCC diagnostic pop

namespace sim
{

class accelerator;
class model;

/* A piece of data on its way: activation, memory read or memory write of one step of a layer. */
struct packet {
    uint64_t id;         /* flow << 32 | step: decides between requests of the same instant */
    uint64_t request_ps; /* for the server it is at */
    uint64_t service_ps; /* that it takes there */
    uint64_t tail_ps;    /* when its last byte is where its head is now */
    uint64_t bytes;
    const uint32_t *hop, *last_hop; /* links still to cross */
    uint32_t layer;                 /* that reads it; of a memory write: that made it */
    enum trace_what what;
    int32_t channel; /* to be written to after the last link; -1 = none */
    packet *next_free;

    uint32_t step() const
    {
        return (uint32_t)id;
    }
};

static inline bool comes_before(const packet &a, const packet &b)
{
    return a.request_ps != b.request_ps ? a.request_ps < b.request_ps : a.id < b.id;
}

/* A layer of the mapping in force. */
struct job {
    const layer_option *option;
    accelerator *on;
    uint64_t start_ps, end_ps;
    uint64_t idle_since_ps; /* last step done: only for the trace */
    uint32_t layer;
    uint32_t group;          /* among those of its accelerator */
    uint32_t inputs_missing; /* inputs of which not even the first packet is here; the release */
    uint64_t release_ps;     /* 0: nothing to wait for */
    uint32_t steps, step;    /* tiles, or 1; the one that computes or comes next */
    uint32_t *step_missing;  /* [steps]: packets that each still waits for */
    uint32_t parts_left;     /* of a whole layer: computing, reading memory */
    bool started, computing;
};

/* A module with times at which something is due; one SystemC event wakes it for the earliest. */
class component : public sc_core::sc_module
{
  protected:
    SC_HAS_PROCESS(component);
    component(sc_core::sc_module_name name, model &owner);

    enum due_what { DUE_STEP, DUE_FREE, DUE_FORWARD, DUE_RELEASE };
    struct due {
        uint64_t at_ps;
        void *subject;
        due_what what;
    };
    void at(uint64_t at_ps, due_what what, void *subject);
    virtual void happen(const due &now) = 0;

    model &soc;

  private:
    void wake_up();

    sc_core::sc_event wake;
    std::vector<due> agenda; /* earliest last */
    bool awake = false;
};

/* Link, local port or memory channel: one packet at a time, first come first served. */
class server : public component
{
  public:
    server(sc_core::sc_module_name name, model &owner, enum trace_resource kind, uint32_t index);

    void arm(uint64_t bytes_per_s, uint64_t latency_ps, bool cut_through);
    void request(packet *packet);
    void count(uint64_t bytes)
    {
        load.packets++;
        load.bytes += bytes;
    }
    void add_signals(sc_core::sc_trace_file *file, const std::string &name) const;

    sim_resource_load load;

  private:
    class arbiter : public sc_core::sc_prim_channel
    {
      public:
        arbiter(const char *name, server &served_) : sc_core::sc_prim_channel(name), served(served_)
        {
        }
        void ask()
        {
            request_update();
        }

      private:
        void update() override
        {
            served.grant();
        }
        server &served;
    };

    void happen(const due &now) override;
    void grant();
    void serve(packet *packet);
    void record(const packet &packet, uint64_t now_ps, uint64_t done_ps);

    arbiter choice;
    std::vector<packet *> queue; /* from `first` on, ascending by (request, id) */
    size_t first = 0;
    uint64_t bytes_per_s = 0, latency_ps = 0;
    bool cut_through = false;
    bool busy = false;
    unsigned served_layer = 0; /* for the waveform */
    const enum trace_resource kind;
    const uint32_t index;
};

class accelerator : public component
{
  public:
    accelerator(sc_core::sc_module_name name, model &owner, uint32_t index);

    void arm(const soc_accelerator &of, enum mapping_discipline discipline);
    void add(job *job, bool opens_group);
    void launch();
    void input_arrived(job *job, uint32_t step);
    void memory_arrived(job *job, uint32_t step);
    void add_signals(sc_core::sc_trace_file *file, const std::string &name) const;

    const uint32_t index;

  private:
    void happen(const due &now) override;
    void await_releases();
    void input_complete(job *job);
    void start_in_order();
    void open_group();
    size_t group_end() const;
    bool has_room(const layer_option &option) const;
    void start(job *job);
    void end(job *job);
    void request_memory(job *job, uint32_t step);
    void start_whole(job *job);
    void whole_part_done(job *job);
    void compute_steps(job *job);
    void leave_step(job *job);
    void step_done(job *job);
    void record(const job &job, uint64_t from_ps, uint64_t to_ps, uint64_t waited_ps);

    std::vector<job *> jobs; /* in issue order */
    size_t next = 0;         /* by layer: the first one not started */
    std::vector<size_t> group_begin;
    uint32_t group = 0, group_left = 0; /* the open group, its layers that have not ended */
    enum mapping_discipline discipline = MAPPING_BY_LAYER;
    uint64_t pes_free = 0, scratchpad_free = 0, slots_free = 0;
    unsigned running = 0, started_layer = 0; /* for the waveform */
};

/* How many modules of each kind: what a model is elaborated for. */
struct model_shape {
    size_t accelerators, links, channels;
    bool operator==(const model_shape &other) const
    {
        return accelerators == other.accelerators && links == other.links &&
               channels == other.channels;
    }
};

class model : public sc_core::sc_module
{
  public:
    SC_HAS_PROCESS(model);
    model(sc_core::sc_module_name name, const model_shape &shape);

    /* One run; `intervals` may be null. Throws std::runtime_error if the mapping comes to a halt.
     */
    void run(const problem *problem, const mapping *mapping, enum granularity granularity,
             struct trace *intervals);
    void add_signals(sc_core::sc_trace_file *file, const soc &names) const;

    /* --- what a run gave --- */
    uint64_t makespan_ps = 0, events = 0;
    std::vector<job> jobs; /* by layer */
    std::vector<std::unique_ptr<server>> links, locals, channels;

    /* --- for the modules --- */
    uint64_t now_ps = 0; /* since the run began; every process that runs sets it */
    void tell_time()
    {
        now_ps = sc_core::sc_time_stamp().value() - begin_ps;
    }
    void send_results(const job &from);
    bool request_memory(job *job, uint32_t step); /* false: nothing to wait for */
    void forward(packet *packet);
    void layer_ended();
    bool by_tile = false;
    struct trace *tracing = nullptr;

  private:
    struct out_edge {
        uint32_t consumer, edge; /* edge: index in problem.preds, the flow's number */
        uint64_t bytes;
    };

    void arm(const problem *problem, const mapping *mapping, enum granularity granularity,
             struct trace *intervals);
    void arm_modules(enum mapping_discipline discipline);
    void arm_jobs(const mapping *mapping);
    void arm_edges();
    void launch();
    void send_input(const job &from, const out_edge &edge);
    void send_to_memory(const job &from);
    void deliver(packet *packet);
    packet *new_packet(uint64_t flow, uint32_t step, uint64_t bytes, uint32_t layer,
                       enum trace_what what);
    void free_packet(packet *packet);
    void set_route(packet *packet, uint32_t from_place, uint32_t to_place) const;

    const problem *of = nullptr;
    uint64_t begin_ps = 0; /* SystemC's time runs on from one run to the next */
    size_t layers_left = 0;
    sc_core::sc_event go;
    std::vector<std::unique_ptr<accelerator>> accelerators;
    std::vector<uint32_t> channel_of; /* by accelerator */
    std::vector<uint32_t> step_missing;
    std::vector<uint32_t> out_begin, out_next; /* by layer, into out_edges */
    std::vector<out_edge> out_edges;
    std::vector<std::unique_ptr<packet[]>> packet_blocks;
    packet *free_packets = nullptr;
};

} // namespace sim

#endif
