#include "core/num.h"
#include "sim/model.hpp"
#include "sim/split.h"

namespace sim
{

accelerator::accelerator(sc_core::sc_module_name name, model &owner, uint32_t index_)
    : component(name, owner), index(index_)
{
}

void accelerator::arm(const soc_accelerator &of, enum mapping_discipline discipline_)
{
    discipline = discipline_;
    pes_free = soc_pes(&of);
    scratchpad_free = of.scratchpad_bytes;
    slots_free = of.shared_layers_max;
    jobs.clear();
    next = 0;
    group_begin.clear();
    group = 0;
    group_left = 0;
    running = 0;
}

void accelerator::add(job *job, bool opens_group)
{
    if (opens_group)
        group_begin.push_back(jobs.size());
    job->on = this;
    job->group = (uint32_t)group_begin.size() - 1;
    jobs.push_back(job);
}

/* --- when layers start: docs/model.md M-31 --------------------------------------------------- */

void accelerator::launch()
{
    await_releases();
    if (discipline == MAPPING_BY_LAYER)
        start_in_order();
    else
        open_group();
}

/* A release is one input more: docs/model.md M-95. Last ones first: agendas hold the earliest last.
 */
void accelerator::await_releases()
{
    for (size_t i = jobs.size(); i-- > 0;)
        if (jobs[i]->release_ps > 0) {
            jobs[i]->inputs_missing++;
            at(jobs[i]->release_ps, DUE_RELEASE, jobs[i]);
        }
}

bool accelerator::has_room(const layer_option &option) const
{
    return slots_free > 0 && option.pes <= pes_free && option.scratchpad_bytes <= scratchpad_free;
}

void accelerator::start_in_order()
{
    while (next < jobs.size() && jobs[next]->inputs_missing == 0 && has_room(*jobs[next]->option)) {
        job *job = jobs[next++];
        pes_free -= job->option->pes;
        scratchpad_free -= job->option->scratchpad_bytes;
        slots_free--;
        start(job);
    }
}

size_t accelerator::group_end() const
{
    return group + 1 < group_begin.size() ? group_begin[group + 1] : jobs.size();
}

void accelerator::open_group()
{
    if (group == group_begin.size())
        return;
    group_left = (uint32_t)(group_end() - group_begin[group]);
    for (size_t i = group_begin[group]; i < group_end(); i++)
        if (jobs[i]->inputs_missing == 0)
            start(jobs[i]);
}

void accelerator::input_arrived(job *job, uint32_t step)
{
    job->step_missing[step]--;
    if (step == 0 && --job->inputs_missing == 0)
        input_complete(job);
    else if (job->started)
        compute_steps(job);
}

/* Nothing but the accelerator stands in its way. */
void accelerator::input_complete(job *job)
{
    if (discipline == MAPPING_BY_LAYER)
        start_in_order();
    else if (job->group == group)
        start(job);
}

void accelerator::start(job *job)
{
    job->started = true;
    job->start_ps = job->idle_since_ps = soc.now_ps;
    running++;
    started_layer = job->layer;
    if (soc.by_tile) {
        request_memory(job, 0);
        if (job->steps > 1)
            request_memory(job, 1);
        compute_steps(job);
    } else {
        start_whole(job);
    }
}

void accelerator::end(job *job)
{
    job->end_ps = soc.now_ps;
    running--;
    soc.layer_ended();
    if (discipline == MAPPING_BY_LAYER) {
        pes_free += job->option->pes;
        scratchpad_free += job->option->scratchpad_bytes;
        slots_free++;
        soc.send_results(*job);
        start_in_order();
    } else if (--group_left == 0) {
        for (size_t i = group_begin[group]; i < group_end(); i++)
            soc.send_results(*jobs[i]);
        group++; /* only now: an input that arrives at once must not start its layer twice */
        open_group();
    }
}

/* --- what a layer does: whole, or in double-buffered steps ----------------------------------- */

void accelerator::happen(const due &now)
{
    job *job = static_cast<sim::job *>(now.subject);
    if (now.what == DUE_RELEASE) {
        if (--job->inputs_missing == 0)
            input_complete(job);
    } else if (soc.by_tile)
        step_done(job);
    else
        whole_part_done(job);
}

/* Computes and reads memory side by side: docs/model.md M-30. */
void accelerator::start_whole(job *job)
{
    job->parts_left = 1;
    at(job->start_ps + job->option->compute_ps, DUE_STEP, job);
    if (soc.request_memory(job, 0))
        job->parts_left++;
}

void accelerator::whole_part_done(job *job)
{
    if (--job->parts_left > 0)
        return;
    record(*job, job->start_ps, soc.now_ps, 0);
    end(job);
}

void accelerator::memory_arrived(job *job, uint32_t step)
{
    if (soc.by_tile) {
        job->step_missing[step]--;
        compute_steps(job);
    } else {
        whole_part_done(job);
    }
}

void accelerator::request_memory(job *job, uint32_t step)
{
    if (!soc.request_memory(job, step))
        job->step_missing[step]--;
}

/* Goes on until a step takes time, waits for a packet, or was the last one. */
void accelerator::compute_steps(job *job)
{
    while (!job->computing && job->step < job->steps && job->step_missing[job->step] == 0) {
        uint64_t now_ps = soc.now_ps;
        uint64_t compute_ps = sim_split_part(job->option->compute_ps, job->steps, job->step);
        record(*job, now_ps, now_ps + compute_ps, now_ps - job->idle_since_ps);
        job->computing = true;
        if (compute_ps > 0)
            at(now_ps + compute_ps, DUE_STEP, job);
        else
            leave_step(job);
    }
}

/* Its buffer takes the packet after next: docs/model.md M-35. */
void accelerator::leave_step(job *job)
{
    job->computing = false;
    job->idle_since_ps = soc.now_ps;
    if (job->step + 2 < job->steps)
        request_memory(job, job->step + 2);
    if (++job->step == job->steps)
        end(job);
}

void accelerator::step_done(job *job)
{
    leave_step(job);
    compute_steps(job);
}

void accelerator::record(const job &job, uint64_t from_ps, uint64_t to_ps, uint64_t waited_ps)
{
    if (soc.tracing == nullptr || from_ps == to_ps)
        return;
    trace_interval interval = {};
    interval.start_ps = from_ps;
    interval.end_ps = to_ps;
    interval.waited_ps = waited_ps;
    interval.layer = job.layer;
    interval.index = index;
    interval.tile = job.step;
    interval.resource = TRACE_ACCELERATOR;
    interval.what = TRACE_COMPUTE;
    trace_add(soc.tracing, &interval);
}

void accelerator::add_signals(sc_core::sc_trace_file *file, const std::string &name) const
{
    sc_core::sc_trace(file, running, name + ".running");
    sc_core::sc_trace(file, started_layer, name + ".layer");
}

} // namespace sim
