/*
 * Where C meets SystemC. The kernel's state is global to the process, so the model is too, under a
 * lock. No exception leaves this file; after one the kernel's context is given up for a new one.
 */
#include "sim/model.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>

#include "core/arena.h"
#include "sim/seam.h"

/* libsystemc refers to it; our main() is C and never comes here. */
extern "C" int sc_main(int, char **);
extern "C" int sc_main(int, char **)
{
    return 0;
}

namespace
{

/* SystemC's clock runs on over all runs of a context; half of its range is left to the last. */
const uint64_t CONTEXT_MAX_PS = UINT64_C(1) << 63;

struct engine {
    std::mutex lock;
    sc_core::sc_simcontext *first_context = nullptr, *context = nullptr;
    std::unique_ptr<sim::model> model;
    sim::model_shape shape = {};
};
engine the_engine;

/* The library's static events belong to the first context: that one is never deleted. */
void engine_drop(engine &engine)
{
    engine.model.reset();
    if (engine.context != engine.first_context)
        delete engine.context;
    engine.context = nullptr;
}

void engine_new_context(engine &engine)
{
    if (engine.first_context == nullptr) {
        setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
        sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
        sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_DO_NOTHING);
        engine.first_context = sc_core::sc_get_curr_simcontext();
    } else {
        sc_core::sc_default_global_context = new sc_core::sc_simcontext;
        sc_core::sc_curr_simcontext = sc_core::sc_default_global_context;
    }
    engine.context = sc_core::sc_get_curr_simcontext();
    sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
}

/* A model of that shape, armed for nothing yet; the one at hand if it fits. */
sim::model &engine_model(engine &engine, const soc &soc, bool fresh)
{
    sim::model_shape shape = { soc.accelerator_count, soc.link_count, soc.channel_count };
    if (engine.model != nullptr && !fresh && engine.shape == shape &&
        sc_core::sc_time_stamp().value() < CONTEXT_MAX_PS)
        return *engine.model;
    engine_drop(engine);
    engine_new_context(engine);
    engine.shape = shape;
    engine.model = std::make_unique<sim::model>("soc", shape);
    sc_core::sc_start(sc_core::SC_ZERO_TIME); /* elaborates; before it notifications get lost */
    return *engine.model;
}

/* Runs body() with exceptions turned into *err. */
template <typename body_type> enum err_code guarded(struct err *err, body_type body)
{
    std::lock_guard<std::mutex> hold(the_engine.lock);
    std::string what;
    try {
        return body(the_engine);
    } catch (const sc_core::sc_report &report) {
        what = report.get_msg();
    } catch (const std::exception &exception) {
        what = exception.what();
    } catch (...) {
        what = "unknown exception";
    }
    engine_drop(the_engine);
    return err_set(err, ERR_SIM, "timing model: %s", what.c_str());
}

/* An open waveform file; closed on every way out. */
class waveform
{
  public:
    waveform(const char *base, const sim::model &model, const soc &names)
        : file(sc_core::sc_create_vcd_trace_file(base))
    {
        file->set_time_unit(1, sc_core::SC_PS);
        model.add_signals(file, names);
    }
    ~waveform()
    {
        sc_core::sc_close_vcd_trace_file(file);
    }
    waveform(const waveform &) = delete;
    waveform &operator=(const waveform &) = delete;

  private:
    sc_core::sc_trace_file *file;
};

/* SystemC appends ".vcd" to the name it is given, and cannot report that a file does not open. */
enum err_code run_with_waveform(sim::model &model, const problem *problem, const mapping *mapping,
                                const sim_options *options, trace *intervals, struct err *err)
{
    std::string base = options->vcd;
    const std::string suffix = ".vcd";
    bool suffixed = base.size() > suffix.size() &&
                    base.compare(base.size() - suffix.size(), suffix.size(), suffix) == 0;
    if (suffixed)
        base.resize(base.size() - suffix.size());
    std::string written = base + suffix;
    FILE *probe = fopen(written.c_str(), "w");
    if (probe == nullptr)
        return err_set(err, ERR_IO, "%s: %s", written.c_str(), strerror(errno));
    fclose(probe);
    {
        waveform file(base.c_str(), model, *problem->soc);
        model.run(problem, mapping, options->granularity, intervals);
    }
    if (!suffixed && rename(written.c_str(), options->vcd) != 0)
        return err_set(err, ERR_IO, "%s: %s", options->vcd, strerror(errno));
    return ERR_OK;
}

struct sim_resource_load *copy_loads(const std::vector<std::unique_ptr<sim::server>> &servers)
{
    auto *loads = static_cast<sim_resource_load *>(
        mem_alloc(servers.size() + 1, sizeof(sim_resource_load))); /* never of size 0 */
    for (size_t i = 0; i < servers.size(); i++)
        loads[i] = servers[i]->load;
    return loads;
}

void fill_result(sim_result *out, const sim::model &model, const problem *problem,
                 const mapping *mapping)
{
    schedule_init(&out->schedule, problem->layer_count);
    for (size_t layer = 0; layer < problem->layer_count; layer++) {
        out->schedule.start_ps[layer] = model.jobs[layer].start_ps;
        out->schedule.end_ps[layer] = model.jobs[layer].end_ps;
    }
    out->schedule.makespan_ps = model.makespan_ps;
    out->schedule.energy_pj = mapping_energy(problem, mapping, model.makespan_ps).total_pj;
    out->events = model.events;
    out->links = copy_loads(model.links);
    out->locals = copy_loads(model.locals);
    out->channels = copy_loads(model.channels);
}

/* Frees the intervals unless they were handed over. */
struct owned_trace {
    struct trace trace = {};
    ~owned_trace()
    {
        trace_release(&trace);
    }
};

} // namespace

extern "C" enum err_code sim_run(const struct problem *problem, const struct mapping *mapping,
                                 const struct sim_options *options, struct sim_result *out,
                                 struct err *err)
{
    return guarded(err, [&](engine &engine) {
        bool waveform = options->vcd != nullptr; /* its time starts at 0, its end is the end */
        sim::model &model = engine_model(engine, *problem->soc, waveform);
        owned_trace traced;
        trace *intervals = options->want_trace ? &traced.trace : nullptr;
        if (waveform) {
            enum err_code rc = run_with_waveform(model, problem, mapping, options, intervals, err);
            if (rc != ERR_OK)
                return rc;
        } else {
            model.run(problem, mapping, options->granularity, intervals);
        }
        *out = sim_result();
        fill_result(out, model, problem, mapping);
        trace_sort(&traced.trace);
        std::swap(out->trace, traced.trace);
        return ERR_OK;
    });
}

extern "C" enum err_code sim_makespan(const struct problem *problem, const struct mapping *mapping,
                                      enum granularity granularity, uint64_t *makespan_ps,
                                      struct err *err)
{
    return guarded(err, [&](engine &engine) {
        sim::model &model = engine_model(engine, *problem->soc, false);
        model.run(problem, mapping, granularity, nullptr);
        *makespan_ps = model.makespan_ps;
        return ERR_OK;
    });
}

extern "C" void sim_result_release(struct sim_result *result)
{
    schedule_release(&result->schedule);
    free(result->links);
    free(result->locals);
    free(result->channels);
    trace_release(&result->trace);
    *result = sim_result();
}
