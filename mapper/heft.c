/*
 * HEFT: layers by falling upward rank, each where and with the allotment that ends it first, into
 * the earliest gap of PEs, scratchpad and share slots. Emitted in order of start: with in-order
 * issue nothing then starts later than planned.
 * Source: Topcuoglu, Hariri, Wu, IEEE TPDS 13(3), 2002; sharing of an accelerator is ours.
 */
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/journal.h"
#include "mapper/profile.h"
#include "mapper/rank.h"
#include "mapper/rows.h"

struct spot {
    uint32_t acc, option;
    uint64_t start_ps, end_ps;
    double value; /* of the objective after this choice */
    double added_pj;
};

struct heft {
    const struct view *view;
    enum objective objective;
    struct profile *profiles; /* [accelerator] */
    struct spot *chosen;      /* [layer] */
    uint64_t makespan_ps;
    double energy_pj;
};

static uint64_t inputs_ready_ps(const struct heft *heft, uint32_t layer, uint32_t acc)
{
    const struct problem *p = heft->view->problem;
    uint64_t ready_ps = problem_release_ps(p, layer);
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        const struct spot *from = &heft->chosen[p->preds[at].layer];
        ready_ps = max_u64(ready_ps, from->end_ps + problem_transfer_ps(p, p->preds[at].size_class,
                                                                        from->acc, acc));
    }
    return ready_ps;
}

static double transfers_pj(const struct heft *heft, uint32_t layer, uint32_t acc)
{
    const struct problem *p = heft->view->problem;
    const struct soc *soc = p->soc;
    double sum_pj = 0;
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        uint32_t from = heft->chosen[p->preds[at].layer].acc;
        sum_pj +=
            (double)p->preds[at].bytes *
            (double)soc_hops(soc, soc->accelerators[from].place, soc->accelerators[acc].place) *
            soc->energy.hop_pj_per_byte;
    }
    return sum_pj;
}

/* Earliest end for latency; for energy and EDP the objective of all that is placed so far, idle
 * PEs included. */
static double value_of(const struct heft *heft, const struct spot *spot)
{
    if (heft->objective == OBJECTIVE_LATENCY)
        return (double)spot->end_ps;
    uint64_t makespan_ps = max_u64(heft->makespan_ps, spot->end_ps);
    return objective_value(heft->objective, makespan_ps,
                           heft->energy_pj + spot->added_pj +
                               heft->view->idle_pj_per_ps * (double)makespan_ps);
}

static bool is_better(const struct spot *a, const struct spot *b)
{
    if (a->value != b->value)
        return a->value < b->value;
    return a->end_ps < b->end_ps;
}

static struct spot find_spot(const struct heft *heft, uint32_t layer)
{
    const struct view *view = heft->view;
    const struct problem *p = view->problem;
    uint32_t class = p->class_of[layer];
    struct spot best = { 0 };
    bool found = false;
    for (uint32_t at = view->support_begin[class]; at < view->support_begin[class + 1]; at++) {
        struct spot spot = { .acc = view->support[at] };
        uint64_t ready_ps = inputs_ready_ps(heft, layer, spot.acc);
        double moved_pj =
            heft->objective == OBJECTIVE_LATENCY ? 0 : transfers_pj(heft, layer, spot.acc);
        size_t options = problem_option_count(p, layer, spot.acc);
        for (spot.option = 0; spot.option < options; spot.option++) {
            const struct layer_option *option = problem_option(p, layer, spot.acc, spot.option);
            uint64_t duration_ps = view_option_ps(option);
            spot.start_ps =
                profile_earliest(&heft->profiles[spot.acc], option, ready_ps, duration_ps);
            spot.end_ps = spot.start_ps + duration_ps;
            spot.added_pj = moved_pj + view_option_pj(p, option);
            spot.value = value_of(heft, &spot);
            if (!found || is_better(&spot, &best))
                best = spot;
            found = true;
        }
    }
    return best;
}

static void take_spot(struct heft *heft, uint32_t layer, const struct spot *spot)
{
    const struct layer_option *option =
        problem_option(heft->view->problem, layer, spot->acc, spot->option);
    profile_reserve(&heft->profiles[spot->acc], option, spot->start_ps,
                    spot->end_ps - spot->start_ps);
    heft->chosen[layer] = *spot;
    heft->makespan_ps = max_u64(heft->makespan_ps, spot->end_ps + option->memory_write_ps);
    heft->energy_pj += spot->added_pj;
}

struct started {
    uint64_t start_ps;
    uint32_t layer;
};

static int compare_started(const void *a, const void *b)
{
    const struct started *x = a, *y = b;
    if (x->start_ps != y->start_ps)
        return x->start_ps < y->start_ps ? -1 : 1;
    return x->layer < y->layer ? -1 : x->layer > y->layer;
}

static void write_mapping(const struct heft *heft, struct mapping *out)
{
    uint32_t layers = heft->view->layer_count;
    struct started *order = mem_alloc(layers, sizeof *order);
    for (uint32_t layer = 0; layer < layers; layer++)
        order[layer] = (struct started){ heft->chosen[layer].start_ps, layer };
    qsort(order, layers, sizeof *order, compare_started);
    mapping_init(out, layers);
    out->discipline = MAPPING_BY_LAYER;
    for (uint32_t i = 0; i < layers; i++) {
        const struct spot *spot = &heft->chosen[order[i].layer];
        out->placements[i] =
            (struct placement){ order[i].layer, i, (uint16_t)spot->acc, (uint16_t)spot->option };
    }
    free(order);
}

static void schedule_all(struct heft *heft)
{
    const struct view *view = heft->view;
    double *rank = mem_alloc(view->layer_count, sizeof *rank);
    uint32_t *order = mem_alloc(view->layer_count, sizeof *order);
    rank_upward(view, rank);
    rank_order(view, rank, order);
    for (uint32_t i = 0; i < view->layer_count; i++) {
        struct spot spot = find_spot(heft, order[i]);
        take_spot(heft, order[i], &spot);
    }
    free(rank);
    free(order);
}

static void heft_init(struct heft *heft, const struct view *view, enum objective objective)
{
    *heft = (struct heft){
        .view = view,
        .objective = objective,
        .profiles = mem_alloc(view->accelerator_count, sizeof *heft->profiles),
        .chosen = mem_alloc(view->layer_count, sizeof *heft->chosen),
    };
    for (uint32_t acc = 0; acc < view->accelerator_count; acc++)
        profile_init(&heft->profiles[acc], &view->problem->soc->accelerators[acc], 64);
}

static void heft_release(struct heft *heft)
{
    for (uint32_t acc = 0; acc < heft->view->accelerator_count; acc++)
        profile_release(&heft->profiles[acc]);
    free(heft->profiles);
    free(heft->chosen);
}

static enum err_code judge(const struct mapper_options *options, struct mapper_result *out,
                           struct err *err)
{
    bool by_sim = mapper_uses_sim(options);
    const struct evaluator *evaluator = by_sim ? options->sim : options->analytic;
    struct evaluation evaluation;
    enum err_code rc = evaluator->evaluate(evaluator->ctx, &out->mapping, 1, &evaluation, err);
    if (rc != ERR_OK)
        return rc;
    out->evaluations = 1;
    out->sim_evaluations = by_sim;
    struct journal journal;
    journal_init(&journal, options);
    const struct mapper_progress now = {
        .evaluations = 1,
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

enum err_code mapper_heft_run(const struct problem *problem, const struct mapper_options *options,
                              struct mapper_result *out, struct err *err)
{
    struct view view;
    struct heft heft;
    view_init(&view, problem);
    heft_init(&heft, &view, options->objective);
    schedule_all(&heft);
    write_mapping(&heft, &out->mapping);
    heft_release(&heft);
    view_release(&view);
    return judge(options, out, err);
}
