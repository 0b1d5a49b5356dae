/* layers.csv, networks.csv, convergence.csv: RFC 4180 but for the line ends, which are \n. */
#include <inttypes.h>

#include "reports/report_facts.h"
#include "reports/report_format.h"

static void add_name(struct text *out, const char *name)
{
    report_csv_name(out, name);
    text_add(out, ",");
}

static void add_count(struct text *out, uint64_t value)
{
    text_printf(out, "%" PRIu64 ",", value);
}

static const char *operator_name(const struct dnn_layer *layer)
{
    return layer->op ? layer->op->name : "expr";
}

static void add_times(struct text *out, const struct report *r, uint32_t layer)
{
    add_count(out, r->analytic->start_ps[layer]);
    add_count(out, r->analytic->end_ps[layer]);
    if (!r->simulated) {
        text_add(out, ",,");
        return;
    }
    add_count(out, r->simulated->start_ps[layer]);
    add_count(out, r->simulated->end_ps[layer]);
}

static void add_waits(struct text *out, const struct report_facts *f, const struct report_layer *at)
{
    add_count(out, at->start_ps - at->ready_ps);
    add_count(out, at->transfer_ps);
    add_count(out, at->contention_ps);
    add_count(out, at->accelerator_ps);
    add_count(out, at->end_ps - at->start_ps - at->compute_ps);
    text_printf(out, "%s,", report_why_names[at->why]);
    struct text where = { 0 };
    if (at->queued_ps > 0)
        report_resource_name(f, at->queue_resource, at->queue_index, &where);
    report_csv_name(out, where.data ? where.data : "");
    text_add(out, ",");
    text_release(&where);
}

static void add_intrinsics(struct text *out, const struct report *r, uint32_t class)
{
    if (!r->intrinsics || r->intrinsics[class].count == 0) {
        text_add(out, r->intrinsics ? "0,,,\n" : ",,,\n");
        return;
    }
    const struct report_intrinsic *best = &r->intrinsics[class].rows[0];
    add_count(out, r->intrinsics[class].count);
    add_name(out, best->name);
    add_name(out, best->axes);
    text_printf(out, "%.15g\n", best->predicted_ns);
}

static void add_layer(struct text *out, const struct report_facts *f, uint32_t l)
{
    const struct report *r = f->report;
    const struct report_layer *at = &f->layers[l];
    const struct dnn_layer *layer = workload_layer(r->problem->workload, l);
    const struct layer_shape *shape = &layer->shape;
    add_name(out, r->problem->workload->networks[at->network].name);
    add_name(out, layer->name);
    add_name(out, operator_name(layer));
    add_name(out, r->problem->soc->accelerators[at->accelerator].name);
    add_count(out, r->mapping->placements[at->position].group);
    add_count(out, at->option->pes);
    add_times(out, r, l);
    add_count(out, at->option->cycles);
    add_count(out, shape->macs);
    add_count(out, shape->input_bytes);
    add_count(out, shape->weight_bytes);
    add_count(out, shape->output_bytes);
    add_count(out, at->option->scratchpad_bytes);
    add_count(out, at->option->memory_read_bytes + at->option->memory_write_bytes);
    text_printf(out, "%.15g,", at->option->energy_pj);
    add_waits(out, f, at);
    add_intrinsics(out, r, r->problem->class_of[l]);
}

void report_layers_csv(const struct report *report, struct text *out)
{
    text_add(out, "network,layer,operator,accelerator,group,pes,analytic_start_ps,analytic_end_ps,"
                  "simulated_start_ps,simulated_end_ps,cycles,macs,input_bytes,weight_bytes,"
                  "output_bytes,scratchpad_bytes,memory_bytes,energy_pj,wait_ps,wait_transfer_ps,"
                  "wait_contention_ps,wait_accelerator_ps,stall_ps,released_by,queued_most_at,"
                  "intrinsics,best_intrinsic,best_intrinsic_axes,best_intrinsic_ns\n");
    struct report_facts facts;
    report_facts_init(&facts, report);
    for (uint32_t l = 0; l < report->problem->layer_count; l++)
        add_layer(out, &facts, l);
    report_facts_release(&facts);
}

/* Release to deadline; a network without one has neither deadline nor slack. */
static void add_due(struct text *out, const struct report_facts *f, size_t n)
{
    const struct workload *workload = f->report->problem->workload;
    const struct workload_network *times = &workload->networks[n];
    const struct report_network *at = &f->networks[n];
    add_count(out, times->release_ps);
    add_count(out, at->start_ps);
    add_count(out, at->end_ps);
    add_count(out, at->latency_ps);
    if (!workload->has_deadlines || times->deadline_ps == WORKLOAD_NO_DEADLINE)
        text_add(out, ",\n");
    else
        text_printf(out, "%" PRIu64 ",%s%" PRIu64 "\n", times->deadline_ps, at->is_late ? "-" : "",
                    at->slack_ps);
}

void report_networks_csv(const struct report *report, struct text *out)
{
    const struct workload *workload = report->problem->workload;
    struct report_facts facts;
    text_add(out, "network,graph,layers,macs,energy_pj,release_ps,start_ps,end_ps,latency_ps,"
                  "deadline_ps,slack_ps\n");
    report_facts_init(&facts, report);
    for (size_t n = 0; n < report->problem->network_count; n++) {
        const struct report_network *at = &facts.networks[n];
        add_name(out, workload->networks[n].name);
        add_name(out, workload->graphs[workload->networks[n].graph].name);
        add_count(out, at->layer_count);
        add_count(out, at->macs);
        text_printf(out, "%.15g,", report_energy_pj(&at->energy));
        add_due(out, &facts, n);
    }
    report_facts_release(&facts);
}

void report_convergence_csv(const struct report *report, struct text *out)
{
    text_add(out, "step,evaluations,sim_evaluations,best_makespan_ps,best_energy_pj,best_value\n");
    for (size_t i = 0; i < report->convergence_count; i++) {
        const struct report_step *step = &report->convergence[i];
        text_printf(out, "%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.15g,%.15g\n", step->step,
                    step->evaluations, step->sim_evaluations, step->best_makespan_ps,
                    step->best_energy_pj, step->best_value);
    }
}
