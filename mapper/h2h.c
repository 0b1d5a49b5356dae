/*
 * H2H: one layer at a time per accelerator, aware of communication.
 *
 * Step 1 maps the layers whose predecessors are mapped, all together: every combination of their
 * accelerators is timed, computation plus communication. Step 4 moves a layer to the accelerator of
 * a neighbour while that helps, until nothing moves. Steps 2 and 3 choose nothing here: weights
 * always lie in the accelerator's own memory channel, which has no size (so the knapsack of step 2
 * takes them all), and what stays on an accelerator always passes its local port (step 3's fusion).
 * Both are charged in steps 1 and 4 alike, which is better than the original could know in step 1.
 * Source: Zhang, Hao, Zhou, Jones, Hu, DAC 2022, section 4.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/rows.h"
#include "mapper/serial.h"

/*
 * How many combinations of a frontier are timed together; a wider frontier goes in parts. Ours: the
 * paper's networks have few branches. Many networks at once make frontiers too wide to enumerate,
 * and the best of a part is not the best of the whole: on COMB's 24 restricted cases one layer at a
 * time wins 12, by up to 20%. Both are run, and the better result is kept.
 */
static const uint64_t combinations_max[] = { 1, 1000 };
/* Of remapping, a stop for the fixed point; on six of COMB's cases 3 to 12 reach it. */
static const unsigned passes_max = 64;

struct h2h {
    const struct view *view;
    const struct mapper_options *options;
    struct serial *serial;
    uint16_t *acc_of;   /* [layer] */
    uint32_t *priority; /* [layer] place in the order of step 1 */
    uint64_t *end_ps;   /* [layer] in step 1 */
    uint64_t *free_ps;  /* [accelerator] in step 1 */
    uint64_t *trial_ps; /* [accelerator] of the combination being timed */
    uint32_t *missing;  /* [layer] predecessors not mapped */
    uint32_t *frontier, *next, *choice, *best_choice;
    uint64_t combinations_max;
    uint64_t makespan_ps;
    double energy_pj; /* of what is mapped, with transfers */
    uint64_t evaluations;
};

/* --- step 1 ---------------------------------------------------------------------------------- */

static const uint32_t *support_of(const struct h2h *h, uint32_t layer)
{
    return h->view->support + h->view->support_begin[h->view->problem->class_of[layer]];
}

static uint32_t support_count(const struct h2h *h, uint32_t layer)
{
    const uint32_t *begin = h->view->support_begin + h->view->problem->class_of[layer];
    return begin[1] - begin[0];
}

static size_t cell_of(const struct h2h *h, uint32_t layer, uint32_t acc)
{
    return (size_t)h->view->problem->class_of[layer] * h->view->accelerator_count + acc;
}

static uint64_t end_on(const struct h2h *h, uint32_t layer, uint32_t acc, uint64_t free_ps)
{
    const struct problem *p = h->view->problem;
    uint64_t start_ps = max_u64(free_ps, problem_release_ps(p, layer));
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        uint32_t from = p->preds[at].layer;
        start_ps =
            max_u64(start_ps, h->end_ps[from] + problem_transfer_ps(p, p->preds[at].size_class,
                                                                    h->acc_of[from], acc));
    }
    return start_ps + h->view->duration_ps[cell_of(h, layer, acc)];
}

static double energy_on(const struct h2h *h, uint32_t layer, uint32_t acc)
{
    const struct problem *p = h->view->problem;
    const struct soc *soc = p->soc;
    double sum_pj = h->view->energy_pj[cell_of(h, layer, acc)];
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        uint32_t from = h->acc_of[p->preds[at].layer];
        sum_pj +=
            (double)p->preds[at].bytes *
            (double)soc_hops(soc, soc->accelerators[from].place, soc->accelerators[acc].place) *
            soc->energy.hop_pj_per_byte;
    }
    return sum_pj;
}

/* Value of the layers' accelerators in choice[]: the sum of their ends for latency, so that short
 * ones matter beside the longest; else the objective of all that is mapped. */
static double value_of_choice(struct h2h *h, const uint32_t *layers, uint32_t count)
{
    enum objective objective = h->options->objective;
    uint64_t makespan_ps = h->makespan_ps, ends_ps = 0;
    double energy_pj = h->energy_pj;
    memcpy(h->trial_ps, h->free_ps, h->view->accelerator_count * sizeof *h->trial_ps);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t acc = support_of(h, layers[i])[h->choice[i]];
        uint64_t end_ps = end_on(h, layers[i], acc, h->trial_ps[acc]);
        h->trial_ps[acc] = end_ps;
        ends_ps += end_ps;
        makespan_ps = max_u64(makespan_ps, end_ps);
        if (objective != OBJECTIVE_LATENCY)
            energy_pj += energy_on(h, layers[i], acc);
    }
    if (objective == OBJECTIVE_LATENCY)
        return (double)ends_ps;
    energy_pj += h->view->idle_pj_per_ps * (double)makespan_ps;
    return objective_value(objective, makespan_ps, energy_pj);
}

/* The next combination of accelerators; false after the last. */
static bool advance(const struct h2h *h, const uint32_t *layers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (++h->choice[i] < support_count(h, layers[i]))
            return true;
        h->choice[i] = 0;
    }
    return false;
}

/* Maps some layers of the frontier for good, by the best of all combinations. */
static void map_together(struct h2h *h, const uint32_t *layers, uint32_t count, uint32_t first)
{
    double best = 0;
    memset(h->choice, 0, count * sizeof *h->choice);
    bool found = false;
    do {
        double value = value_of_choice(h, layers, count);
        if (!found || value < best) {
            best = value;
            memcpy(h->best_choice, h->choice, count * sizeof *h->choice);
        }
        found = true;
    } while (advance(h, layers, count));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t layer = layers[i], acc = support_of(h, layer)[h->best_choice[i]];
        h->end_ps[layer] = h->free_ps[acc] = end_on(h, layer, acc, h->free_ps[acc]);
        h->energy_pj += energy_on(h, layer, acc);
        h->makespan_ps = max_u64(h->makespan_ps, h->end_ps[layer]);
        h->acc_of[layer] = (uint16_t)acc;
        h->priority[layer] = first + i;
    }
}

static uint32_t collect_next(struct h2h *h, uint32_t count)
{
    const struct problem *p = h->view->problem;
    uint32_t next_count = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t at = p->succ_begin[h->frontier[i]]; at < p->succ_begin[h->frontier[i] + 1];
             at++)
            if (--h->missing[p->succs[at].layer] == 0)
                h->next[next_count++] = p->succs[at].layer;
    return next_count;
}

static void map_frontiers(struct h2h *h)
{
    uint32_t count = 0, mapped = 0;
    memset(h->free_ps, 0, h->view->accelerator_count * sizeof *h->free_ps);
    h->makespan_ps = 0;
    h->energy_pj = 0;
    memcpy(h->missing, h->view->pred_count, h->view->layer_count * sizeof *h->missing);
    for (uint32_t layer = 0; layer < h->view->layer_count; layer++)
        if (h->missing[layer] == 0)
            h->frontier[count++] = layer;
    while (count > 0) {
        for (uint32_t begin = 0, end; begin < count; begin = end) {
            uint64_t combinations = support_count(h, h->frontier[begin]);
            for (end = begin + 1; end < count; end++) {
                combinations *= support_count(h, h->frontier[end]);
                if (combinations > h->combinations_max)
                    break;
            }
            map_together(h, h->frontier + begin, end - begin, mapped + begin);
        }
        mapped += count;
        count = collect_next(h, count);
        uint32_t *swap = h->frontier;
        h->frontier = h->next;
        h->next = swap;
    }
}

/* --- step 4 ---------------------------------------------------------------------------------- */

static struct serial_value judge(struct h2h *h)
{
    h->evaluations++;
    return serial_judge(h->serial, h->options->objective, h->acc_of, h->priority);
}

static bool is_better(struct serial_value a, struct serial_value b)
{
    return a.value != b.value ? a.value < b.value : a.network_ends_ps < b.network_ends_ps;
}

static bool out_of_budget(const struct h2h *h)
{
    const struct mapper_options *options = h->options;
    return (options->budget_evals && h->evaluations >= options->budget_evals) ||
           (options->stop && *options->stop);
}

/* Tries the layer where its neighbours are; keeps what is better. */
static bool remap_layer(struct h2h *h, uint32_t layer, const struct problem_edge *neighbours,
                        uint32_t count, struct serial_value *best)
{
    bool moved = false;
    for (uint32_t i = 0; i < count && !out_of_budget(h); i++) {
        uint16_t home = h->acc_of[layer], acc = h->acc_of[neighbours[i].layer];
        if (acc == home || h->view->duration_ps[cell_of(h, layer, acc)] == VIEW_NEVER)
            continue;
        h->acc_of[layer] = acc;
        struct serial_value value = judge(h);
        if (is_better(value, *best)) {
            *best = value;
            moved = true;
        } else {
            h->acc_of[layer] = home;
        }
    }
    return moved;
}

static struct serial_value remap(struct h2h *h)
{
    const struct problem *p = h->view->problem;
    struct serial_value best = judge(h);
    bool moved = true;
    for (unsigned pass = 0; pass < passes_max && moved; pass++) {
        moved = false;
        for (uint32_t layer = 0; layer < h->view->layer_count; layer++) {
            uint32_t preds = p->pred_begin[layer], succs = p->succ_begin[layer];
            moved |=
                remap_layer(h, layer, p->preds + preds, p->pred_begin[layer + 1] - preds, &best);
            moved |=
                remap_layer(h, layer, p->succs + succs, p->succ_begin[layer + 1] - succs, &best);
        }
    }
    return best;
}

/* --- the method ------------------------------------------------------------------------------ */

static void h2h_init(struct h2h *h, const struct view *view, const struct mapper_options *options)
{
    size_t layers = view->layer_count, accs = view->accelerator_count;
    *h = (struct h2h){
        .view = view,
        .options = options,
        .serial = serial_new(view),
        .acc_of = mem_alloc(layers, sizeof *h->acc_of),
        .priority = mem_alloc(layers, sizeof *h->priority),
        .end_ps = mem_alloc(layers, sizeof *h->end_ps),
        .free_ps = mem_alloc(accs, sizeof *h->free_ps),
        .trial_ps = mem_alloc(accs, sizeof *h->trial_ps),
        .missing = mem_alloc(layers, sizeof *h->missing),
        .frontier = mem_alloc(layers, sizeof *h->frontier),
        .next = mem_alloc(layers, sizeof *h->next),
        .choice = mem_alloc(layers, sizeof *h->choice),
        .best_choice = mem_alloc(layers, sizeof *h->best_choice),
    };
}

static void h2h_release(struct h2h *h)
{
    serial_free(h->serial);
    free(h->acc_of);
    free(h->priority);
    free(h->end_ps);
    free(h->free_ps);
    free(h->trial_ps);
    free(h->missing);
    free(h->frontier);
    free(h->next);
    free(h->choice);
    free(h->best_choice);
}

enum err_code mapper_h2h_run(const struct problem *problem, const struct mapper_options *options,
                             struct mapper_result *out, struct err *err)
{
    struct view view;
    struct h2h h;
    view_init(&view, problem);
    h2h_init(&h, &view, options);
    mapping_init(&out->mapping, problem->layer_count);
    struct serial_value best = { 0 };
    const size_t widths = sizeof combinations_max / sizeof *combinations_max;
    for (size_t i = 0; i < widths && (i == 0 || !out_of_budget(&h)); i++) {
        h.combinations_max = combinations_max[i];
        map_frontiers(&h);
        struct serial_value value = remap(&h);
        if (i > 0 && !is_better(value, best))
            continue;
        best = value;
        judge(&h); /* the last move may have been taken back */
        serial_write(h.serial, h.acc_of, &out->mapping);
    }
    uint64_t evaluations = h.evaluations;
    h2h_release(&h);
    view_release(&view);
    return serial_finish(options, evaluations, out, err);
}
