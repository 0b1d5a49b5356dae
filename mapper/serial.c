#include "mapper/serial.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/journal.h"
#include "mapper/rows.h"

#define NEVER UINT64_MAX

/* Entries of the two heaps of an accelerator. */
struct waiting {
    uint64_t key; /* arrival in ps, or priority */
    uint32_t layer;
};

struct queue {
    struct waiting *entries; /* a binary min-heap */
    uint32_t count;
};

struct lane {
    struct queue coming; /* by arrival; all predecessors have ended */
    struct queue ready;  /* by priority; inputs are there */
    uint64_t free_ps;
    uint32_t running; /* layer that ends at free_ps and has not been announced; UINT32_MAX: none */
};

struct serial {
    const struct view *view;
    struct lane *lanes;       /* [accelerator] */
    uint32_t *missing;        /* [layer] predecessors that have not ended */
    uint64_t *end_ps;         /* [layer] */
    uint32_t *order;          /* layers by start */
    uint64_t *network_end_ps; /* [network] */
    struct waiting *entries;  /* of all queues */
    struct mapping mapping;   /* for serial_judge() */
    uint32_t *lane_size;      /* [accelerator] layers */
};

struct serial *serial_new(const struct view *view)
{
    size_t layers = view->layer_count;
    struct serial *s = mem_alloc(1, sizeof *s);
    s->view = view;
    s->lanes = mem_alloc(view->accelerator_count, sizeof *s->lanes);
    s->lane_size = mem_alloc(view->accelerator_count, sizeof *s->lane_size);
    s->missing = mem_alloc(layers, sizeof *s->missing);
    s->end_ps = mem_alloc(layers, sizeof *s->end_ps);
    s->order = mem_alloc(layers, sizeof *s->order);
    s->network_end_ps = mem_alloc(view->problem->network_count + 1, sizeof *s->network_end_ps);
    s->entries = mem_alloc(2 * layers, sizeof *s->entries);
    mapping_init(&s->mapping, layers);
    return s;
}

void serial_free(struct serial *s)
{
    if (!s)
        return;
    free(s->lanes);
    free(s->lane_size);
    free(s->missing);
    free(s->end_ps);
    free(s->order);
    free(s->network_end_ps);
    free(s->entries);
    mapping_release(&s->mapping);
    free(s);
}

/* --- heaps ----------------------------------------------------------------------------------- */

static bool comes_first(const struct waiting *a, const struct waiting *b)
{
    return a->key != b->key ? a->key < b->key : a->layer < b->layer;
}

static void push(struct queue *queue, struct waiting entry)
{
    uint32_t at = queue->count++;
    while (at > 0 && comes_first(&entry, &queue->entries[(at - 1) / 2])) {
        queue->entries[at] = queue->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->entries[at] = entry;
}

static struct waiting pop(struct queue *queue)
{
    struct waiting first = queue->entries[0], last = queue->entries[--queue->count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < queue->count; child = 2 * at + 1) {
        if (child + 1 < queue->count &&
            comes_first(&queue->entries[child + 1], &queue->entries[child]))
            child++;
        if (!comes_first(&queue->entries[child], &last))
            break;
        queue->entries[at] = queue->entries[child];
        at = child;
    }
    queue->entries[at] = last;
    return first;
}

/* --- dispatch -------------------------------------------------------------------------------- */

/* All predecessors have ended: the layer waits for its inputs. */
static void announce(struct serial *s, uint32_t layer, const uint16_t *acc_of)
{
    const struct problem *p = s->view->problem;
    uint32_t acc = acc_of[layer];
    uint64_t arrival_ps = problem_release_ps(p, layer);
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        const struct problem_edge *pred = &p->preds[at];
        uint64_t transfer_ps = problem_transfer_ps(p, pred->size_class, acc_of[pred->layer], acc);
        arrival_ps = max_u64(arrival_ps, s->end_ps[pred->layer] + transfer_ps);
    }
    push(&s->lanes[acc].coming, (struct waiting){ arrival_ps, layer });
}

static void start_over(struct serial *s, const uint16_t *acc_of)
{
    const struct view *view = s->view;
    memset(s->lane_size, 0, view->accelerator_count * sizeof *s->lane_size);
    for (uint32_t layer = 0; layer < view->layer_count; layer++)
        s->lane_size[acc_of[layer]]++;
    struct waiting *next = s->entries;
    for (uint32_t acc = 0; acc < view->accelerator_count; acc++) {
        s->lanes[acc] = (struct lane){
            .coming = { next, 0 },
            .ready = { next + s->lane_size[acc], 0 },
            .running = UINT32_MAX,
        };
        next += 2 * (size_t)s->lane_size[acc];
    }
    memset(s->network_end_ps, 0, view->problem->network_count * sizeof *s->network_end_ps);
    memcpy(s->missing, view->pred_count, view->layer_count * sizeof *s->missing);
    for (uint32_t layer = 0; layer < view->layer_count; layer++)
        if (s->missing[layer] == 0)
            announce(s, layer, acc_of);
}

/* When the lane does something next: ends a layer, or can start one. */
static uint64_t next_event_ps(const struct lane *lane)
{
    if (lane->running != UINT32_MAX || lane->ready.count)
        return lane->free_ps;
    return lane->coming.count ? max_u64(lane->free_ps, lane->coming.entries[0].key) : NEVER;
}

/* The lane that acts next; at equal times those that end a layer come first. */
static uint32_t next_lane(const struct serial *s, uint64_t *at_ps)
{
    uint32_t best = 0;
    uint64_t best_ps = NEVER;
    bool best_ends = false;
    for (uint32_t acc = 0; acc < s->view->accelerator_count; acc++) {
        uint64_t event_ps = next_event_ps(&s->lanes[acc]);
        bool ends = s->lanes[acc].running != UINT32_MAX;
        if (event_ps < best_ps || (event_ps == best_ps && ends && !best_ends)) {
            best = acc;
            best_ps = event_ps;
            best_ends = ends;
        }
    }
    assert(best_ps != NEVER);
    *at_ps = best_ps;
    return best;
}

static void end_layer(struct serial *s, struct lane *lane, const uint16_t *acc_of)
{
    const struct problem *p = s->view->problem;
    uint32_t layer = lane->running;
    lane->running = UINT32_MAX;
    for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++)
        if (--s->missing[p->succs[at].layer] == 0)
            announce(s, p->succs[at].layer, acc_of);
}

static uint32_t start_layer(struct serial *s, uint32_t acc, uint64_t now_ps,
                            const uint32_t *priority)
{
    const struct view *view = s->view;
    struct lane *lane = &s->lanes[acc];
    while (lane->coming.count && lane->coming.entries[0].key <= now_ps) {
        uint32_t layer = pop(&lane->coming).layer;
        push(&lane->ready, (struct waiting){ priority[layer], layer });
    }
    uint32_t layer = pop(&lane->ready).layer;
    size_t cell = (size_t)view->problem->class_of[layer] * view->accelerator_count + acc;
    lane->free_ps = s->end_ps[layer] = now_ps + view->duration_ps[cell];
    lane->running = layer;
    uint64_t *network_end_ps = &s->network_end_ps[view->problem->network_of[layer]];
    *network_end_ps = max_u64(*network_end_ps, lane->free_ps + view->write_ps[cell]);
    return layer;
}

struct serial_times serial_dispatch(struct serial *s, const uint16_t *acc_of,
                                    const uint32_t *priority)
{
    start_over(s, acc_of);
    for (uint32_t started = 0; started < s->view->layer_count;) {
        uint64_t now_ps;
        uint32_t acc = next_lane(s, &now_ps);
        if (s->lanes[acc].running != UINT32_MAX)
            end_layer(s, &s->lanes[acc], acc_of);
        else
            s->order[started++] = start_layer(s, acc, now_ps, priority);
    }
    struct serial_times times = { 0 };
    for (size_t network = 0; network < s->view->problem->network_count; network++) {
        times.makespan_ps = max_u64(times.makespan_ps, s->network_end_ps[network]);
        times.network_ends_ps += s->network_end_ps[network];
    }
    return times;
}

void serial_write(const struct serial *s, const uint16_t *acc_of, struct mapping *out)
{
    assert(out->placement_count == s->view->layer_count);
    out->discipline = MAPPING_BY_GROUP;
    for (uint32_t i = 0; i < s->view->layer_count; i++)
        out->placements[i] = (struct placement){ s->order[i], i, acc_of[s->order[i]], 0 };
}

struct serial_value serial_judge(struct serial *s, enum objective objective, const uint16_t *acc_of,
                                 const uint32_t *priority)
{
    struct serial_times times = serial_dispatch(s, acc_of, priority);
    double energy_pj = 0;
    if (objective != OBJECTIVE_LATENCY) {
        serial_write(s, acc_of, &s->mapping);
        energy_pj = mapping_energy(s->view->problem, &s->mapping, times.makespan_ps).total_pj;
    }
    return (struct serial_value){ objective_value(objective, times.makespan_ps, energy_pj),
                                  times.network_ends_ps };
}

enum err_code serial_finish(const struct mapper_options *options, uint64_t evaluations,
                            struct mapper_result *out, struct err *err)
{
    bool by_sim = mapper_uses_sim(options);
    const struct evaluator *evaluator = by_sim ? options->sim : options->analytic;
    struct evaluation evaluation;
    enum err_code rc = evaluator->evaluate(evaluator->ctx, &out->mapping, 1, &evaluation, err);
    if (rc != ERR_OK)
        return rc;
    out->evaluations = evaluations;
    out->sim_evaluations = by_sim;
    struct journal journal;
    journal_init(&journal, options);
    const struct mapper_progress now = {
        .evaluations = evaluations,
        .sim_evaluations = by_sim,
        .step = 1,
        .step_count = 1,
        .best_makespan_ps = evaluation.makespan_ps,
        .best_energy_pj = evaluation.energy_pj,
        .best_value = evaluation_value(options->objective, &evaluation),
    };
    journal_step(&journal, &now);
    journal_finish(&journal, out);
    return ERR_OK;
}
