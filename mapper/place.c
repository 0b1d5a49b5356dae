#include "mapper/place.h"

#include <assert.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "core/rng.h"
#include "mapper/grouping.h"

struct place_scratch {
    uint32_t *acc_of;   /* [layer] */
    uint64_t *leave_ps; /* [layer] end of its group: when its result leaves */
    uint64_t *free_ps;  /* [accelerator] end of its last group: COMB's AccTable */
    uint64_t *turn;     /* [accelerator] when it was last chosen */
    uint32_t *candidates;
    uint64_t *end_ps;    /* [candidate] of the group */
    uint64_t *arrive_ps; /* [candidate] of one layer's inputs */
    double *added_pj;    /* [candidate] energy of the group and its transfers */
    uint64_t makespan_ps;
    double energy_pj;
};

struct place_scratch *place_scratch_new(const struct view *view)
{
    size_t layers = view->layer_count, accs = view->accelerator_count;
    struct place_scratch *s = mem_alloc(1, sizeof *s);
    s->acc_of = mem_alloc(layers, sizeof *s->acc_of);
    s->leave_ps = mem_alloc(layers, sizeof *s->leave_ps);
    s->free_ps = mem_alloc(accs, sizeof *s->free_ps);
    s->turn = mem_alloc(accs, sizeof *s->turn);
    s->candidates = mem_alloc(accs, sizeof *s->candidates);
    s->end_ps = mem_alloc(accs, sizeof *s->end_ps);
    s->arrive_ps = mem_alloc(accs, sizeof *s->arrive_ps);
    s->added_pj = mem_alloc(accs, sizeof *s->added_pj);
    return s;
}

void place_scratch_free(struct place_scratch *s)
{
    if (!s)
        return;
    free(s->acc_of);
    free(s->leave_ps);
    free(s->free_ps);
    free(s->turn);
    free(s->candidates);
    free(s->end_ps);
    free(s->arrive_ps);
    free(s->added_pj);
    free(s);
}

static bool kind_holds(const struct view *view, uint32_t kind, const uint32_t *words,
                       uint32_t count)
{
    const struct view_capacity *capacity = &view->capacity[kind];
    uint64_t pes = 0, scratchpad_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct view_need *need = view_need_of(view, words[i] & GROUPING_LAYER, kind);
        if (!need->pes)
            return false;
        pes += need->pes;
        scratchpad_bytes += need->scratchpad_bytes;
    }
    return count <= capacity->share && pes <= capacity->pes &&
           scratchpad_bytes <= capacity->scratchpad_bytes;
}

/* Accelerators that can run the group, ascending within a kind. */
static uint32_t list_candidates(const struct view *view, struct place_scratch *s,
                                const uint32_t *words, uint32_t count)
{
    uint32_t listed = 0;
    if (count == 1) {
        uint32_t class = view->problem->class_of[words[0] & GROUPING_LAYER];
        for (uint32_t at = view->support_begin[class]; at < view->support_begin[class + 1]; at++)
            s->candidates[listed++] = view->support[at];
        return listed;
    }
    for (uint32_t kind = 0; kind < view->kind_count; kind++)
        if (kind_holds(view, kind, words, count))
            for (uint32_t at = view->kind_begin[kind]; at < view->kind_begin[kind + 1]; at++)
                s->candidates[listed++] = view->kind_accs[at];
    return listed;
}

/* When the layer's inputs can be on every candidate, from free_ps on. */
static void find_arrivals(const struct view *view, struct place_scratch *s, uint32_t layer,
                          uint32_t candidate_count)
{
    const struct problem *p = view->problem;
    uint64_t release_ps = problem_release_ps(p, layer);
    for (uint32_t i = 0; i < candidate_count; i++)
        s->arrive_ps[i] = max_u64(s->free_ps[s->candidates[i]], release_ps);
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        const struct problem_edge *pred = &p->preds[at];
        const uint64_t *times = p->transfer_ps + (size_t)pred->size_class * p->pair_class_count;
        const uint32_t *pairs =
            p->pair_class + (size_t)s->acc_of[pred->layer] * p->accelerator_count;
        uint64_t leave_ps = s->leave_ps[pred->layer];
        for (uint32_t i = 0; i < candidate_count; i++)
            s->arrive_ps[i] = max_u64(s->arrive_ps[i], leave_ps + times[pairs[s->candidates[i]]]);
    }
}

/* COMB, Algorithm 2, inner loop: the group's end on every candidate (docs/model.md M-56). */
static void find_ends(const struct view *view, struct place_scratch *s, const uint32_t *words,
                      uint32_t count, uint32_t candidate_count)
{
    for (uint32_t i = 0; i < candidate_count; i++)
        s->end_ps[i] = 0;
    for (uint32_t member = 0; member < count; member++) {
        uint32_t layer = words[member] & GROUPING_LAYER;
        find_arrivals(view, s, layer, candidate_count);
        const uint64_t *duration_ps =
            view->duration_ps + (size_t)view->problem->class_of[layer] * view->accelerator_count;
        for (uint32_t i = 0; i < candidate_count; i++)
            s->end_ps[i] = max_u64(s->end_ps[i], s->arrive_ps[i] + duration_ps[s->candidates[i]]);
    }
}

/* Energy that the group adds on every candidate: its layers, and their inputs' way there. */
static void find_energies(const struct view *view, struct place_scratch *s, const uint32_t *words,
                          uint32_t count, uint32_t candidate_count)
{
    const struct problem *p = view->problem;
    const struct soc *soc = p->soc;
    for (uint32_t i = 0; i < candidate_count; i++) {
        uint32_t acc = s->candidates[i], place = soc->accelerators[acc].place;
        double sum_pj = 0;
        for (uint32_t member = 0; member < count; member++) {
            uint32_t layer = words[member] & GROUPING_LAYER;
            sum_pj += view->energy_pj[(size_t)p->class_of[layer] * p->accelerator_count + acc];
            for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
                uint32_t from = soc->accelerators[s->acc_of[p->preds[at].layer]].place;
                sum_pj += (double)p->preds[at].bytes * (double)soc_hops(soc, from, place) *
                          soc->energy.hop_pj_per_byte;
            }
        }
        s->added_pj[i] = sum_pj;
    }
}

static uint32_t choose_earliest(const struct place_scratch *s, uint32_t candidate_count)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < candidate_count; i++)
        if (s->end_ps[i] < s->end_ps[best] ||
            (s->end_ps[i] == s->end_ps[best] && s->candidates[i] < s->candidates[best]))
            best = i;
    return best;
}

/* Objective of all that is placed, with this group on the candidate; idle PEs until the makespan so
 * far. */
static double value_after(const struct view *view, const struct place_scratch *s,
                          enum objective objective, uint32_t candidate)
{
    uint64_t makespan_ps = max_u64(s->makespan_ps, s->end_ps[candidate]);
    double idle_pj = view->idle_pj_per_ps * (double)makespan_ps;
    return objective_value(objective, makespan_ps, s->energy_pj + s->added_pj[candidate] + idle_pj);
}

/* The smallest objective; ties by end, then by index. */
static uint32_t choose_frugal(const struct view *view, const struct place_scratch *s,
                              enum objective objective, uint32_t candidate_count)
{
    uint32_t best = choose_earliest(s, candidate_count);
    double best_value = value_after(view, s, objective, best);
    for (uint32_t i = 0; i < candidate_count; i++) {
        double value = value_after(view, s, objective, i);
        if (value < best_value || (value == best_value && s->end_ps[i] < s->end_ps[best])) {
            best = i;
            best_value = value;
        }
    }
    return best;
}

static uint32_t choose_turn(const struct place_scratch *s, uint32_t candidate_count)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < candidate_count; i++) {
        uint64_t turn = s->turn[s->candidates[i]], best_turn = s->turn[s->candidates[best]];
        if (turn < best_turn || (turn == best_turn && s->candidates[i] < s->candidates[best]))
            best = i;
    }
    return best;
}

static void commit(const struct view *view, struct place_scratch *s, const uint32_t *words,
                   uint32_t count, uint32_t chosen)
{
    uint32_t acc = s->candidates[chosen];
    uint64_t end_ps = s->end_ps[chosen];
    s->free_ps[acc] = end_ps;
    s->energy_pj += s->added_pj[chosen];
    s->makespan_ps = max_u64(s->makespan_ps, end_ps);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t layer = words[i] & GROUPING_LAYER;
        s->acc_of[layer] = acc;
        s->leave_ps[layer] = end_ps;
        size_t at = (size_t)view->problem->class_of[layer] * view->accelerator_count + acc;
        s->makespan_ps = max_u64(s->makespan_ps, end_ps + view->write_ps[at]);
    }
}

uint64_t place_groups(const struct view *view, struct place_scratch *s, enum place_policy policy,
                      enum objective objective, const uint32_t *grouping)
{
    const uint32_t *words = grouping + 1;
    struct rng rng = rng_stream(grouping[0], 0, 0);
    uint64_t turn = 0;
    s->makespan_ps = 0;
    s->energy_pj = 0;
    memset(s->free_ps, 0, view->accelerator_count * sizeof *s->free_ps);
    memset(s->turn, 0, view->accelerator_count * sizeof *s->turn);
    memset(s->added_pj, 0, view->accelerator_count * sizeof *s->added_pj);
    for (uint32_t place = 0, count; place < view->layer_count; place += count) {
        count = 1;
        while (place + count < view->layer_count && !(words[place + count] & GROUPING_OPENS))
            count++;
        uint32_t candidates = list_candidates(view, s, words + place, count);
        assert(candidates > 0);
        find_ends(view, s, words + place, count, candidates);
        uint32_t chosen = 0;
        switch (policy) {
        case PLACE_GREEDY:
            if (objective == OBJECTIVE_LATENCY) {
                chosen = choose_earliest(s, candidates);
            } else {
                find_energies(view, s, words + place, count, candidates);
                chosen = choose_frugal(view, s, objective, candidates);
            }
            break;
        case PLACE_TURNS:
            chosen = choose_turn(s, candidates);
            s->turn[s->candidates[chosen]] = ++turn;
            break;
        case PLACE_RANDOM:
            chosen = rng_below(&rng, candidates);
            break;
        }
        commit(view, s, words + place, count, chosen);
    }
    return s->makespan_ps;
}

void place_write(const struct view *view, const struct place_scratch *s, const uint32_t *grouping,
                 struct mapping *out)
{
    assert(out->placement_count == view->layer_count);
    out->discipline = MAPPING_BY_GROUP;
    uint32_t group = UINT32_MAX; /* the first word opens group 0 */
    for (uint32_t i = 0; i < view->layer_count; i++) {
        uint32_t word = grouping[1 + i], layer = word & GROUPING_LAYER;
        group += (word & GROUPING_OPENS) != 0;
        out->placements[i] = (struct placement){ layer, group, (uint16_t)s->acc_of[layer], 0 };
    }
}
