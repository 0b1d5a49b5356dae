/* Why a layer starts when it does: its inputs, their way, or its accelerator. */
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "reports/report_facts.h"

/* When the result of a layer leaves: by group with its last member. */
static uint64_t leave_ps(const struct report_facts *f, uint32_t layer)
{
    const struct report_layer *at = &f->layers[layer];
    if (f->report->mapping->discipline == MAPPING_BY_LAYER)
        return at->end_ps;
    return f->group_end_ps[f->report->mapping->placements[at->position].group];
}

/* Does a layer or group of this accelerator end at exactly this moment? */
static bool frees_at(const uint64_t *ends_ps, size_t count, uint64_t at_ps)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ends_ps[middle] < at_ps)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && ends_ps[low] == at_ps;
}

static void explain_start(struct report_facts *f, uint32_t l, const uint64_t *ends_ps,
                          size_t end_count, bool follows_at_once)
{
    const struct problem *p = f->report->problem;
    struct report_layer *layer = &f->layers[l];
    uint64_t arrival_ps = 0;
    for (uint32_t e = p->pred_begin[l]; e < p->pred_begin[l + 1]; e++) {
        const struct problem_edge *edge = &p->preds[e];
        uint64_t left_ps = leave_ps(f, edge->layer);
        uint64_t there_ps =
            left_ps + problem_transfer_ps(p, edge->size_class, f->layers[edge->layer].accelerator,
                                          layer->accelerator);
        layer->ready_ps = max_u64(layer->ready_ps, left_ps);
        if (layer->last_pred == REPORT_NO_LAYER || there_ps > arrival_ps) {
            arrival_ps = there_ps;
            layer->last_pred = edge->layer;
        }
    }
    /* With tiles a layer starts before its producers have ended. */
    layer->ready_ps = min_u64(layer->ready_ps, layer->start_ps);
    arrival_ps = min_u64(max_u64(arrival_ps, layer->ready_ps), layer->start_ps);
    layer->transfer_ps = arrival_ps - layer->ready_ps;
    uint64_t rest_ps = layer->start_ps - arrival_ps;
    if (rest_ps == 0) {
        layer->why = layer->last_pred == REPORT_NO_LAYER ? REPORT_WHY_NOTHING : REPORT_WHY_TRANSFER;
        return;
    }
    bool freed = frees_at(ends_ps, end_count, layer->start_ps);
    if (freed || follows_at_once) {
        layer->accelerator_ps = rest_ps;
        layer->why = freed ? REPORT_WHY_ACCELERATOR : REPORT_WHY_ORDER;
    } else {
        layer->contention_ps = rest_ps;
        layer->why = REPORT_WHY_CONTENTION;
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void report_waits_init(struct report_facts *f)
{
    for (size_t a = 0; a < f->report->problem->accelerator_count; a++) {
        const struct report_accelerator *acc = &f->accelerators[a];
        uint64_t *ends_ps = mem_alloc(acc->layer_count + 1, sizeof *ends_ps);
        for (size_t i = 0; i < acc->layer_count; i++)
            ends_ps[i] = leave_ps(f, acc->layers[i]);
        qsort(ends_ps, acc->layer_count, sizeof *ends_ps, by_value);
        bool in_order = f->report->mapping->discipline == MAPPING_BY_LAYER;
        for (size_t i = 0; i < acc->layer_count; i++) {
            uint32_t l = acc->layers[i];
            bool follows = in_order && i > 0 &&
                           f->layers[acc->layers[i - 1]].start_ps == f->layers[l].start_ps;
            explain_start(f, l, ends_ps, acc->layer_count, follows);
        }
        free(ends_ps);
    }
}
