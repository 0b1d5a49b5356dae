/* What an accelerator does with its time: a sweep over the changes of its layers. */
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "reports/report_facts.h"

/* A change of how many layers are in one of three conditions. */
struct change {
    uint64_t at_ps;
    int8_t compute, memory, resident;
};

struct changes {
    struct change *items;
    size_t count, capacity;
};

static void change_add(struct changes *list, uint64_t at_ps, int compute, int memory, int resident)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 256;
        list->items = mem_grow(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] =
        (struct change){ at_ps, (int8_t)compute, (int8_t)memory, (int8_t)resident };
}

static int by_change(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    return x->at_ps < y->at_ps ? -1 : x->at_ps > y->at_ps;
}

static void segment_add(struct report_facts *f, size_t *capacity, struct report_segment segment)
{
    if (segment.end_ps <= segment.start_ps)
        return;
    f->accelerators[segment.accelerator].state_ps[segment.state] +=
        segment.end_ps - segment.start_ps;
    if (f->segment_count > 0) {
        struct report_segment *last = &f->segments[f->segment_count - 1];
        if (last->accelerator == segment.accelerator && last->state == segment.state) {
            last->end_ps = segment.end_ps;
            return;
        }
    }
    if (f->segment_count == *capacity) {
        *capacity = *capacity ? 2 * *capacity : 1024;
        f->segments = mem_grow(f->segments, *capacity, sizeof *f->segments);
    }
    f->segments[f->segment_count++] = segment;
}

/* The layer whose inputs opened the gap that ends now: of those that start, the last to be ready.
 */
static uint64_t ready_of_next_ps(const struct report_facts *f, const struct report_accelerator *acc,
                                 uint64_t start_ps)
{
    size_t low = 0, high = acc->layer_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->layers[acc->layers[middle]].start_ps < start_ps)
            low = middle + 1;
        else
            high = middle;
    }
    uint64_t ready_ps = 0, arrival_ps = 0;
    for (; low < acc->layer_count && f->layers[acc->layers[low]].start_ps == start_ps; low++) {
        const struct report_layer *layer = &f->layers[acc->layers[low]];
        uint64_t there_ps = layer->ready_ps + layer->transfer_ps + layer->contention_ps;
        if (there_ps < arrival_ps)
            continue;
        arrival_ps = there_ps;
        ready_ps = layer->ready_ps;
    }
    return ready_ps;
}

static void gap_add(struct report_facts *f, size_t *capacity, uint32_t a, uint64_t from_ps,
                    uint64_t to_ps)
{
    uint64_t ready_ps = ready_of_next_ps(f, &f->accelerators[a], to_ps);
    uint64_t middle_ps = min_u64(max_u64(ready_ps, from_ps), to_ps);
    segment_add(f, capacity, (struct report_segment){ from_ps, middle_ps, a, REPORT_DEPENDENCY });
    segment_add(f, capacity, (struct report_segment){ middle_ps, to_ps, a, REPORT_COMMUNICATION });
}

static void sweep_accelerator(struct report_facts *f, size_t *capacity, uint32_t a,
                              struct changes *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, by_change);
    int compute = 0, memory = 0, resident = 0;
    uint64_t now_ps = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct change *at = &list->items[i];
        if (at->at_ps > now_ps) {
            if (resident == 0)
                gap_add(f, capacity, a, now_ps, at->at_ps);
            else
                segment_add(f, capacity,
                            (struct report_segment){ now_ps, at->at_ps, a,
                                                     compute > 0  ? REPORT_COMPUTE
                                                     : memory > 0 ? REPORT_MEMORY
                                                                  : REPORT_COMMUNICATION });
            now_ps = at->at_ps;
        }
        compute += at->compute;
        memory += at->memory;
        resident += at->resident;
    }
    segment_add(f, capacity, (struct report_segment){ now_ps, f->makespan_ps, a, REPORT_IDLE });
}

/* At tile granularity the trace says when a layer computes; otherwise it computes first, then
 * waits for what is left of its memory reads. */
void report_states_init(struct report_facts *f)
{
    const struct problem *p = f->report->problem;
    const struct trace *trace = f->report->trace;
    bool by_tile = f->report->granularity == GRANULARITY_TILE && trace && trace->count > 0;
    struct changes *lists = mem_alloc(p->accelerator_count + 1, sizeof *lists);
    for (uint32_t l = 0; l < p->layer_count; l++) {
        const struct report_layer *layer = &f->layers[l];
        struct changes *list = &lists[layer->accelerator];
        int memory = layer->stalls_for_memory;
        change_add(list, layer->start_ps, !by_tile, memory, 1);
        if (!by_tile)
            change_add(list, layer->start_ps + layer->compute_ps, -1, 0, 0);
        change_add(list, layer->end_ps, 0, -memory, -1);
    }
    for (size_t i = 0; by_tile && i < trace->count; i++) {
        const struct trace_interval *at = &trace->intervals[i];
        if (at->what != TRACE_COMPUTE)
            continue;
        change_add(&lists[at->index], at->start_ps, 1, 0, 0);
        change_add(&lists[at->index], at->end_ps, -1, 0, 0);
    }
    size_t capacity = 0;
    for (uint32_t a = 0; a < p->accelerator_count; a++) {
        sweep_accelerator(f, &capacity, a, &lists[a]);
        free(lists[a].items);
    }
    free(lists);
}
