/* result.json: what came out; resolved.json: what went in, defaults written out. */
#include <string.h>

#include "reports/report_facts.h"

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static void write_input(struct json_out *out, const char *key, const char *name, const char *file,
                        const char *sha256)
{
    json_out_object(out, key, true);
    json_out_str(out, "name", or_empty(name));
    json_out_str(out, "file", or_empty(file));
    json_out_str(out, "sha256", sha256);
    json_out_end(out);
}

static void write_inputs(struct json_out *out, const struct problem *problem)
{
    const struct soc *soc = problem->soc;
    const struct workload *workload = problem->workload;
    json_out_object(out, "inputs", false);
    write_input(out, "soc", soc->name, soc->file, soc->sha256);
    write_input(out, "workload", workload->name, workload->file, workload->sha256);
    json_out_array(out, "graphs", false);
    for (size_t i = 0; i < workload_whole(workload)->graph_count; i++) {
        const struct dnn *graph = &workload_whole(workload)->graphs[i];
        write_input(out, NULL, graph->name, graph->file, graph->sha256);
    }
    json_out_end(out);
    json_out_end(out);
}

static void write_options(struct json_out *out, const struct report *r)
{
    json_out_str(out, "mapper", or_empty(r->mapper));
    json_out_str(out, "sharing", or_empty(r->problem->sharing));
    json_out_str(out, "objective", or_empty(r->objective));
    json_out_str(out, "fitness", or_empty(r->fitness));
    json_out_str(out, "granularity", granularity_names[r->granularity]);
    json_out_str(out, "discipline", mapping_discipline_names[r->mapping->discipline]);
    json_out_u64(out, "seed", r->seed);
}

static void write_figures(struct json_out *out, const struct report_facts *f)
{
    const struct report *r = f->report;
    json_out_bool(out, "interrupted", r->interrupted);
    json_out_u64(out, "makespan_ps", f->makespan_ps);
    json_out_u64(out, "analytic_makespan_ps", r->analytic->makespan_ps);
    if (r->simulated)
        json_out_u64(out, "simulated_makespan_ps", r->simulated->makespan_ps);
    else
        json_out_null(out, "simulated_makespan_ps");
    json_out_real(out, "energy_pj", r->energy.total_pj);
    json_out_real(out, "edp_pj_ps", r->energy.total_pj * (double)f->makespan_ps);
    json_out_u64(out, "lower_bound_ps", r->lower_bound_ps);
    json_out_str(out, "lower_bound", or_empty(r->lower_bound_name));
    json_out_real(out, "gap_frac", report_gap_frac(r));
    json_out_real(out, "pe_utilisation_frac", f->pe_utilisation_frac);
    json_out_u64(out, "evaluations", r->evaluations);
    json_out_u64(out, "sim_evaluations", r->sim_evaluations);
    json_out_u64(out, "networks", r->problem->network_count);
    json_out_u64(out, "layers", r->problem->layer_count);
    json_out_u64(out, "groups", f->group_count);
}

static void write_energy_split(struct json_out *out, const struct energy_split *split)
{
    json_out_real(out, "mac_pj", split->mac_pj);
    json_out_real(out, "register_pj", split->register_pj);
    json_out_real(out, "scratchpad_pj", split->scratchpad_pj);
    json_out_real(out, "memory_pj", split->memory_pj);
}

static void write_energy(struct json_out *out, const struct mapping_energy *energy)
{
    json_out_object(out, "energy", false);
    write_energy_split(out, &energy->layers);
    json_out_real(out, "network_pj", energy->network_pj);
    json_out_real(out, "idle_pj", energy->idle_pj);
    json_out_end(out);
}

void report_front_json(const struct report *r, struct json_out *out)
{
    if (r->front_count == 0)
        return;
    json_out_array(out, "front", false);
    for (size_t i = 0; i < r->front_count; i++) {
        struct text file = { 0 };
        report_front_file(i, &file);
        json_out_object(out, NULL, true);
        json_out_u64(out, "latency_ps", r->front[i].latency_ps);
        json_out_real(out, "energy_pj", r->front[i].energy_pj);
        json_out_str(out, "mapping", file.data);
        json_out_bool(out, "chosen", i == r->front_chosen);
        json_out_end(out);
        text_release(&file);
    }
    json_out_end(out);
}

/* The parts of the last chain of events and of an accelerator's time are exact: in ps, not shares.
 */
static void write_chain(struct json_out *out, const struct report_chain *chain)
{
    json_out_object(out, "critical_chain", false);
    json_out_u64(out, "layers", chain->layer_count);
    json_out_u64(out, "compute_ps", chain->compute_ps);
    json_out_u64(out, "transfer_ps", chain->transfer_ps);
    json_out_u64(out, "contention_ps", chain->contention_ps);
    json_out_u64(out, "memory_ps", chain->memory_ps);
    json_out_u64(out, "other_ps", chain->other_ps);
    json_out_end(out);
}

static void write_accelerators(struct json_out *out, const struct report_facts *f)
{
    json_out_array(out, "accelerators", false);
    for (size_t a = 0; a < f->report->problem->accelerator_count; a++) {
        const struct report_accelerator *acc = &f->accelerators[a];
        json_out_object(out, NULL, false);
        json_out_str(out, "name", f->report->problem->soc->accelerators[a].name);
        json_out_u64(out, "layers", acc->layer_count);
        json_out_u64(out, "groups", acc->group_count);
        json_out_u64(out, "macs", acc->macs);
        json_out_real(out, "pe_utilisation_frac", report_pe_frac(f, a));
        for (size_t state = 0; state < REPORT_STATE_COUNT; state++) {
            char key[32] = "";
            strcat(strcat(key, report_state_names[state]), "_ps");
            json_out_u64(out, key, acc->state_ps[state]);
        }
        json_out_u64(out, "scratchpad_peak_bytes", acc->scratchpad_peak_bytes);
        write_energy_split(out, &acc->energy);
        json_out_end(out);
    }
    json_out_end(out);
}

/* Only where there are releases or deadlines: other files stay as they are. */
static void write_deadline(struct json_out *out, const struct report_facts *f, size_t n)
{
    const struct workload *workload = f->report->problem->workload;
    const struct workload_network *times = &workload->networks[n];
    if (workload->horizon_ps == 0 && !workload->has_deadlines)
        return;
    json_out_u64(out, "release_ps", times->release_ps);
    json_out_u64(out, "latency_ps", f->networks[n].latency_ps);
    if (!workload->has_deadlines || times->deadline_ps == WORKLOAD_NO_DEADLINE)
        return;
    json_out_u64(out, "deadline_ps", times->deadline_ps);
    json_out_u64(out, f->networks[n].is_late ? "lateness_ps" : "slack_ps", f->networks[n].slack_ps);
}

static void write_punctuality(struct json_out *out, const struct report_facts *f)
{
    const struct punctuality *on_time = &f->on_time;
    if (on_time->frames == 0)
        return;
    json_out_object(out, "deadlines", false);
    json_out_u64(out, "frames", on_time->frames);
    json_out_u64(out, "misses", on_time->misses);
    json_out_real(out, "miss_frac", (double)on_time->misses / (double)on_time->frames);
    json_out_u64(out, "dropped", on_time->dropped);
    json_out_u64(out, "worst_lateness_ps", on_time->worst_lateness_ps);
    json_out_real(out, "xrbench_score", on_time->xrbench_score);
    json_out_end(out);
}

static void write_networks(struct json_out *out, const struct report_facts *f)
{
    json_out_array(out, "network_times", false);
    for (size_t n = 0; n < f->report->problem->network_count; n++) {
        const struct report_network *network = &f->networks[n];
        json_out_object(out, NULL, true);
        json_out_str(out, "name", f->report->problem->workload->networks[n].name);
        json_out_u64(out, "layers", network->layer_count);
        json_out_u64(out, "macs", network->macs);
        json_out_u64(out, "start_ps", network->start_ps);
        json_out_u64(out, "end_ps", network->end_ps);
        write_deadline(out, f, n);
        json_out_end(out);
    }
    json_out_end(out);
}

static void write_load(struct json_out *out, const char *name, const struct report_load *load)
{
    json_out_object(out, NULL, true);
    json_out_str(out, "name", name);
    json_out_u64(out, "busy_ps", load->busy_ps);
    json_out_u64(out, "waited_ps", load->waited_ps);
    json_out_u64(out, "packets", load->packets);
    json_out_u64(out, "bytes", load->bytes);
    json_out_end(out);
}

static void write_loads(struct json_out *out, const struct report *r)
{
    const struct soc *soc = r->problem->soc;
    json_out_array(out, "links", false);
    for (size_t i = 0; r->links && i < soc->link_count; i++)
        write_load(out, soc->links[i].name, &r->links[i]);
    json_out_end(out);
    json_out_array(out, "local_ports", false);
    for (size_t i = 0; r->locals && i < soc->accelerator_count; i++)
        write_load(out, soc->accelerators[i].name, &r->locals[i]);
    json_out_end(out);
    json_out_array(out, "channels", false);
    for (size_t i = 0; r->channels && i < soc->channel_count; i++)
        write_load(out, soc->channels[i].name, &r->channels[i]);
    json_out_end(out);
}

void report_result_json(const struct report *report, struct text *out)
{
    struct report_facts facts;
    report_facts_init(&facts, report);
    struct json_out json;
    json_out_init(&json, out);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "result/1");
    json_out_str(&json, "version", or_empty(report->version));
    json_out_str(&json, "command", or_empty(report->command));
    write_inputs(&json, report->problem);
    write_options(&json, report);
    write_figures(&json, &facts);
    write_energy(&json, &report->energy);
    report_front_json(report, &json);
    write_chain(&json, &facts.chain);
    write_accelerators(&json, &facts);
    write_punctuality(&json, &facts);
    write_networks(&json, &facts);
    write_loads(&json, report);
    json_out_end(&json);
    report_facts_release(&facts);
}

static void write_workload(struct json_out *out, const struct workload *workload)
{
    json_out_object(out, "workload", false);
    json_out_str(out, "name", workload->name);
    json_out_u64(out, "layers", workload->layer_count);
    json_out_array(out, "networks", false);
    for (size_t i = 0; i < workload->network_count; i++) {
        const struct workload_network *network = &workload->networks[i];
        const struct dnn *graph = &workload->graphs[network->graph];
        json_out_object(out, NULL, true);
        json_out_str(out, "name", network->name);
        json_out_str(out, "graph", graph->name);
        json_out_u64(out, "layers", graph->layer_count);
        json_out_u64(out, "macs", graph->macs);
        json_out_u64(out, "weight_bytes", graph->weight_bytes);
        json_out_end(out);
    }
    json_out_end(out);
    json_out_end(out);
}

/* soc_write() knows nothing of the object it stands in: its lines are indented here. */
static void add_indented(struct text *out, const char *document)
{
    size_t length = strlen(document);
    while (length > 0 && document[length - 1] == '\n')
        length--;
    for (size_t i = 0; i < length; i++) {
        text_add_bytes(out, &document[i], 1);
        if (document[i] == '\n')
            text_add(out, "  ");
    }
}

void report_resolved_json(const struct report *report, struct text *out)
{
    struct text head = { 0 }, soc = { 0 };
    struct json_out json;
    json_out_init(&json, &head);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "resolved/1");
    json_out_str(&json, "version", or_empty(report->version));
    json_out_str(&json, "command", or_empty(report->command));
    write_inputs(&json, report->problem);
    json_out_object(&json, "options", false);
    write_options(&json, report);
    json_out_end(&json);
    write_workload(&json, report->problem->workload);
    json_out_end(&json);
    head.bytes -= strlen("\n}\n");
    soc_write(report->problem->soc, &soc);
    text_add_bytes(out, head.data, head.bytes);
    text_add(out, ",\n  \"soc\": ");
    add_indented(out, soc.data);
    text_add(out, "\n}\n");
    text_release(&head);
    text_release(&soc);
}
