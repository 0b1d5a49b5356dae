/*
 * trace.json: Chrome's trace event format, which ui.perfetto.dev opens. One process per kind of
 * resource, one track per resource; layers that share an accelerator get a track each, so slices
 * of one track never overlap. ts and dur are µs with six decimals, exact picoseconds.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "reports/report_facts.h"

#define SLICES_MAX 200000

static const char *const process_names[] = { "Accelerators", "Links", "Local ports",
                                             "Memory channels" };
static const char *const what_names[] = { "compute", "transfer", "read", "write" };

struct slice {
    struct trace_interval at;
    uint32_t lane;
    bool dropped;
};

struct slices {
    struct slice *items;
    size_t count;
    uint64_t instant_count; /* took no time: not written */
};

/* Lanes of one resource: a slice goes to the lowest lane that is free at its start. */
struct lanes {
    uint64_t *free_at_ps;
    size_t count, capacity;
};

static uint32_t lane_take(struct lanes *lanes, uint64_t start_ps, uint64_t end_ps)
{
    size_t lane = 0;
    while (lane < lanes->count && lanes->free_at_ps[lane] > start_ps)
        lane++;
    if (lane == lanes->count) {
        if (lanes->count == lanes->capacity) {
            lanes->capacity = lanes->capacity ? 2 * lanes->capacity : 4;
            lanes->free_at_ps =
                mem_grow(lanes->free_at_ps, lanes->capacity, sizeof *lanes->free_at_ps);
        }
        lanes->count++;
    }
    lanes->free_at_ps[lane] = end_ps;
    return (uint32_t)lane;
}

/* Lane of every layer on its accelerator: a layer keeps it for all its tiles. */
static void assign_layer_lanes(const struct report_facts *f, uint32_t *lane_of, size_t *lane_count)
{
    for (size_t a = 0; a < f->report->problem->accelerator_count; a++) {
        const struct report_accelerator *acc = &f->accelerators[a];
        struct lanes lanes = { 0 };
        for (size_t i = 0; i < acc->layer_count; i++) {
            const struct report_layer *layer = &f->layers[acc->layers[i]];
            lane_of[acc->layers[i]] = lane_take(&lanes, layer->start_ps, layer->end_ps);
        }
        lane_count[a] = max_u64(lanes.count, 1);
        free(lanes.free_at_ps);
    }
}

static void slice_add(struct slices *slices, const struct trace_interval *at, uint32_t lane)
{
    if (at->end_ps > at->start_ps)
        slices->items[slices->count++] = (struct slice){ *at, lane, false };
    else
        slices->instant_count++;
}

/* At layer granularity the schedule says when layers run; tiles stand in the trace. */
static void collect(const struct report_facts *f, const uint32_t *lane_of, struct slices *out)
{
    const struct report *r = f->report;
    bool by_tile = r->granularity == GRANULARITY_TILE && r->trace && r->trace->count > 0;
    size_t most = r->problem->layer_count + (r->trace ? r->trace->count : 0);
    out->items = mem_alloc(most + 1, sizeof *out->items);
    for (uint32_t l = 0; !by_tile && l < r->problem->layer_count; l++) {
        const struct trace_interval at = { .start_ps = f->layers[l].start_ps,
                                           .end_ps = f->layers[l].end_ps,
                                           .layer = l,
                                           .index = f->layers[l].accelerator,
                                           .resource = TRACE_ACCELERATOR,
                                           .what = TRACE_COMPUTE };
        slice_add(out, &at, lane_of[l]);
    }
    for (size_t i = 0; r->trace && i < r->trace->count; i++) {
        const struct trace_interval *at = &r->trace->intervals[i];
        if (at->what != TRACE_COMPUTE)
            slice_add(out, at, 0);
        else if (by_tile)
            slice_add(out, at, lane_of[at->layer]);
    }
}

static int shorter_last(const void *a, const void *b)
{
    const struct slice *x = *(struct slice *const *)a, *y = *(struct slice *const *)b;
    bool x_computes = x->at.what == TRACE_COMPUTE, y_computes = y->at.what == TRACE_COMPUTE;
    if (x_computes != y_computes)
        return x_computes ? -1 : 1;
    uint64_t x_ps = x->at.end_ps - x->at.start_ps, y_ps = y->at.end_ps - y->at.start_ps;
    if (x_ps != y_ps)
        return x_ps > y_ps ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Past the cap the shortest go, packets before layers. */
static void drop_beyond(struct slices *slices, size_t cap)
{
    if (slices->count <= cap)
        return;
    struct slice **order = mem_alloc(slices->count, sizeof *order);
    for (size_t i = 0; i < slices->count; i++)
        order[i] = &slices->items[i];
    qsort(order, slices->count, sizeof *order, shorter_last);
    for (size_t i = cap; i < slices->count; i++)
        order[i]->dropped = true;
    free(order);
}

static void write_us(struct json_out *out, const char *key, uint64_t ps)
{
    /* json_out knows doubles and integers; this is a decimal that neither holds exactly. */
    text_printf(out->text, ", \"%s\": %" PRIu64 ".%06" PRIu64, key, ps / 1000000, ps % 1000000);
}

static void write_name(struct json_out *out, const char *what, uint64_t pid, uint64_t tid,
                       const char *name)
{
    json_out_object(out, NULL, true);
    json_out_str(out, "name", what);
    json_out_str(out, "ph", "M");
    json_out_u64(out, "pid", pid);
    json_out_u64(out, "tid", tid);
    json_out_object(out, "args", true);
    json_out_str(out, "name", name);
    json_out_end(out);
    json_out_end(out);
}

static void write_resource_names(struct json_out *out, const struct soc *soc,
                                 const size_t *lane_count, const uint64_t *first_tid)
{
    for (uint64_t kind = 0; kind < 4; kind++)
        write_name(out, "process_name", kind + 1, 0, process_names[kind]);
    for (size_t a = 0; a < soc->accelerator_count; a++) {
        for (size_t lane = 0; lane < lane_count[a]; lane++) {
            struct text name = { 0 };
            text_add(&name, soc->accelerators[a].name);
            if (lane > 0)
                text_printf(&name, " (share %zu)", lane + 1);
            write_name(out, "thread_name", TRACE_ACCELERATOR + 1, first_tid[a] + lane, name.data);
            text_release(&name);
        }
        write_name(out, "thread_name", TRACE_LOCAL + 1, a + 1, soc->accelerators[a].name);
    }
    for (size_t i = 0; i < soc->link_count; i++)
        write_name(out, "thread_name", TRACE_LINK + 1, i + 1, soc->links[i].name);
    for (size_t i = 0; i < soc->channel_count; i++)
        write_name(out, "thread_name", TRACE_CHANNEL + 1, i + 1, soc->channels[i].name);
}

static void write_slice(struct json_out *out, const struct report_facts *f,
                        const struct slice *slice, const uint64_t *first_tid)
{
    const struct trace_interval *at = &slice->at;
    const struct report_layer *layer = &f->layers[at->layer];
    char name[512];
    workload_layer_name(f->report->problem->workload, at->layer, name, sizeof name);
    bool computes = at->what == TRACE_COMPUTE;
    json_out_object(out, NULL, true);
    json_out_str(out, "name", name);
    json_out_str(out, "cat", what_names[at->what]);
    json_out_str(out, "ph", "X");
    json_out_u64(out, "pid", at->resource + 1u);
    json_out_u64(out, "tid", computes ? first_tid[at->index] + slice->lane : at->index + 1u);
    write_us(out, "ts", at->start_ps);
    write_us(out, "dur", at->end_ps - at->start_ps);
    json_out_object(out, "args", true);
    if (computes) {
        json_out_u64(out, "pes", layer->option->pes);
        json_out_u64(out, "group", f->report->mapping->placements[layer->position].group);
    } else {
        json_out_u64(out, "bytes", at->bytes);
        json_out_u64(out, "waited_ps", at->waited_ps);
    }
    if (f->report->granularity == GRANULARITY_TILE)
        json_out_u64(out, "tile", at->tile);
    json_out_end(out);
    json_out_end(out);
}

static void write_metadata(struct json_out *out, const struct report *r,
                           const struct slices *slices)
{
    size_t written = 0;
    for (size_t i = 0; i < slices->count; i++)
        written += !slices->items[i].dropped;
    json_out_object(out, "metadata", false);
    json_out_str(out, "socweave", r->version ? r->version : "");
    json_out_str(out, "command", r->command ? r->command : "");
    json_out_str(out, "times", r->simulated ? "simulated" : "analytic");
    json_out_u64(out, "slices", slices->count);
    json_out_u64(out, "slices_written", written);
    json_out_u64(out, "instants_left_out", slices->instant_count);
    if (written < slices->count)
        json_out_str(out, "note", "the shortest slices are left out");
    json_out_end(out);
}

void report_trace_json(const struct report *report, struct text *out)
{
    const struct soc *soc = report->problem->soc;
    struct report_facts facts;
    report_facts_init(&facts, report);
    uint32_t *lane_of = mem_alloc(report->problem->layer_count + 1, sizeof *lane_of);
    size_t *lane_count = mem_alloc(soc->accelerator_count + 1, sizeof *lane_count);
    uint64_t *first_tid = mem_alloc(soc->accelerator_count + 1, sizeof *first_tid);
    assign_layer_lanes(&facts, lane_of, lane_count);
    uint64_t next_tid = 1;
    for (size_t a = 0; a < soc->accelerator_count; a++) {
        first_tid[a] = next_tid;
        next_tid += lane_count[a];
    }
    struct slices slices = { 0 };
    collect(&facts, lane_of, &slices);
    drop_beyond(&slices, SLICES_MAX);

    struct json_out json;
    json_out_init(&json, out);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "displayTimeUnit", "ns");
    write_metadata(&json, report, &slices);
    json_out_array(&json, "traceEvents", false);
    write_resource_names(&json, soc, lane_count, first_tid);
    for (size_t i = 0; i < slices.count; i++)
        if (!slices.items[i].dropped)
            write_slice(&json, &facts, &slices.items[i], first_tid);
    json_out_end(&json);
    json_out_end(&json);
    free(slices.items);
    free(first_tid);
    free(lane_count);
    free(lane_of);
    report_facts_release(&facts);
}
