#include "mapper/taste.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "core/rng.h"
#include "mapper/lists.h"
#include "mapper/paths.h"
#include "mapper/rank.h"

/* Shares of the value; and of the mean end of the networks in it. */
static const double hot = 1e-2, cold = 2e-4, mean_end_weight = 0.05;
static const double change_share = 0.3; /* of the numbers, in a change */

/* The numbers of a taste, one behind the other. */
enum { TRANSFER_WEIGHT, AFTER_WEIGHT, RANK_MIX, FIXED_COUNT }; /* then networks, accelerators */

struct search {
    const struct decode_ways *ways;
    const struct problem *problem;
    struct decoder *decoder;
    struct rng rng;
    size_t count; /* numbers */
    double *mean_rank, *fast_rank, *rank, *after_ps;
    const volatile sig_atomic_t *stop;
    struct activity_list *list;
};

bool taste_suits(const struct decode_ways *ways)
{
    const struct view *view = ways->view;
    for (uint32_t class = 0; class < view->class_count; class ++)
        for (uint32_t at = view->support_begin[class] + 1; at < view->support_begin[class + 1];
             at++)
            if (view->kind_of[view->support[at]] != view->kind_of[view->support[at - 1]])
                return !view->problem->has_cascades;
    return false;
}

static double value_of(struct search *s, const double *numbers)
{
    const struct problem *p = s->problem;
    const double *networks = numbers + FIXED_COUNT;
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        s->rank[layer] = (numbers[RANK_MIX] * s->mean_rank[layer] +
                          (1 - numbers[RANK_MIX]) * s->fast_rank[layer]) *
                         exp(networks[p->network_of[layer]]);
    activity_list_by_rank(s->ways->view, s->rank, s->list);
    const struct decode_taste taste = {
        .transfer_weight = exp(numbers[TRANSFER_WEIGHT]),
        .after_weight = numbers[AFTER_WEIGHT],
        .price = networks + p->network_count,
        .after_ps = s->after_ps,
    };
    struct decode_result r = decoder_greedy(s->decoder, s->list, &taste);
    return (double)r.makespan_ps + mean_end_weight * r.mean_network_end_ps;
}

static double swing(struct search *s)
{
    return rng_real(&s->rng) + rng_real(&s->rng) + rng_real(&s->rng) - 1.5;
}

static void change(struct search *s, const double *from, double scale, double *to)
{
    memcpy(to, from, s->count * sizeof *to);
    double share = rng_below(&s->rng, 2) ? change_share : 2.0 / (double)s->count;
    for (size_t i = 0; i < s->count; i++)
        if (rng_real(&s->rng) < share)
            to[i] += scale * swing(s);
    to[RANK_MIX] = fmin(1, fmax(0, to[RANK_MIX]));
    to[TRANSFER_WEIGHT] = fmin(3, fmax(-1, to[TRANSFER_WEIGHT]));
    to[AFTER_WEIGHT] = fmin(3, fmax(0, to[AFTER_WEIGHT]));
}

/* The best of some plain tastes to begin with. */
static double begin(struct search *s, double *numbers)
{
    static const double transfers[] = { 0, 0.7, 1.4 }, afters[] = { 0, 0.5, 1 };
    double least = INFINITY, best[2] = { 0 };
    numbers[RANK_MIX] = rng_real(&s->rng);
    for (size_t i = 0; i < 9; i++) {
        numbers[TRANSFER_WEIGHT] = transfers[i % 3];
        numbers[AFTER_WEIGHT] = afters[i / 3];
        double value = value_of(s, numbers);
        if (value < least) {
            least = value;
            memcpy(best, numbers, sizeof best);
        }
    }
    memcpy(numbers, best, sizeof best);
    return least;
}

static void evolve(struct search *s, uint64_t trials)
{
    double *now = mem_alloc(s->count, sizeof *now), *next = mem_alloc(s->count, sizeof *next);
    double *best = mem_alloc(s->count, sizeof *best);
    double value = begin(s, now), least = value;
    memcpy(best, now, s->count * sizeof *best);
    for (uint64_t trial = 0; trial < trials && !(s->stop && *s->stop); trial++) {
        double share = (double)trial / (double)trials;
        double temperature = least * hot * pow(cold / hot, share);
        change(s, now, 0.5 * pow(0.1, share), next);
        double found = value_of(s, next);
        if (found > value - temperature * log(1 - rng_real(&s->rng)))
            continue;
        value = found;
        memcpy(now, next, s->count * sizeof *now);
        if (value < least) {
            least = value;
            memcpy(best, now, s->count * sizeof *best);
        }
    }
    value_of(s, best);
    free(now);
    free(next);
    free(best);
}

static uint64_t ways_looked_at(const struct decode_ways *ways)
{
    uint64_t sum = 0;
    for (uint32_t layer = 0; layer < ways->view->layer_count; layer++)
        sum += decode_way_count(ways, layer);
    return sum;
}

void taste_search(const struct decode_ways *ways, uint64_t seed, uint32_t island,
                  uint64_t work_layers, const volatile sig_atomic_t *stop,
                  struct activity_list *list)
{
    const struct problem *p = ways->view->problem;
    struct search s = {
        .ways = ways,
        .problem = p,
        .decoder = decoder_new(ways, false, false),
        .rng = rng_stream(seed, UINT64_C(0x7461737465), island),
        .count = FIXED_COUNT + p->network_count + p->accelerator_count,
        .mean_rank = mem_alloc(p->layer_count, sizeof *s.mean_rank),
        .fast_rank = mem_alloc(p->layer_count, sizeof *s.fast_rank),
        .rank = mem_alloc(p->layer_count, sizeof *s.rank),
        .after_ps = paths_after(ways->view),
        .stop = stop,
        .list = list,
    };
    rank_upward(ways->view, s.mean_rank);
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        s.fast_rank[layer] = (double)(ways->fastest_ps[p->class_of[layer]] + ways->tail_ps[layer]);
    evolve(&s, work_layers / ways_looked_at(ways));
    free(s.mean_rank);
    free(s.fast_rank);
    free(s.rank);
    free(s.after_ps);
    decoder_free(s.decoder);
}
