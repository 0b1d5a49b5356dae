#include "mapper/rank.h"

#include <stdlib.h>

#include "core/arena.h"

/* Mean transfer time of each size class. */
static double *mean_transfers_ps(const struct problem *p)
{
    double *share = mem_alloc(p->pair_class_count, sizeof *share);
    double *mean_ps = mem_alloc(p->size_class_count, sizeof *mean_ps);
    size_t accs = p->accelerator_count;
    for (size_t from = 0; from < accs; from++)
        for (size_t to = 0; to < accs; to++)
            if (from != to)
                share[p->pair_class[from * accs + to]] += 1.0 / (double)(accs * (accs - 1));
    for (size_t size = 0; size < p->size_class_count; size++)
        for (size_t pair = 0; pair < p->pair_class_count; pair++)
            mean_ps[size] +=
                share[pair] * (double)p->transfer_ps[size * p->pair_class_count + pair];
    free(share);
    return mean_ps;
}

static double *mean_durations_ps(const struct view *view)
{
    double *mean_ps = mem_alloc(view->class_count, sizeof *mean_ps);
    for (uint32_t class = 0; class < view->class_count; class ++) {
        uint32_t begin = view->support_begin[class], end = view->support_begin[class + 1];
        for (uint32_t at = begin; at < end; at++)
            mean_ps[class] +=
                (double)
                    view->duration_ps[(size_t) class * view->accelerator_count + view->support[at]];
        mean_ps[class] /= end - begin;
    }
    return mean_ps;
}

void rank_upward(const struct view *view, double *rank)
{
    const struct problem *p = view->problem;
    double *transfer_ps = mean_transfers_ps(p), *duration_ps = mean_durations_ps(view);
    for (size_t layer = p->layer_count; layer-- > 0;) {
        double after_ps = 0;
        for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++) {
            double path_ps = transfer_ps[p->succs[at].size_class] + rank[p->succs[at].layer];
            after_ps = path_ps > after_ps ? path_ps : after_ps;
        }
        rank[layer] = duration_ps[p->class_of[layer]] + after_ps;
    }
    free(transfer_ps);
    free(duration_ps);
}

struct ranked {
    double rank;
    uint32_t layer;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return x->layer < y->layer ? -1 : x->layer > y->layer;
}

void rank_order(const struct view *view, const double *rank, uint32_t *order)
{
    struct ranked *ranked = mem_alloc(view->layer_count, sizeof *ranked);
    for (uint32_t layer = 0; layer < view->layer_count; layer++)
        ranked[layer] = (struct ranked){ rank[layer], layer };
    qsort(ranked, view->layer_count, sizeof *ranked, compare_ranked);
    for (uint32_t i = 0; i < view->layer_count; i++)
        order[i] = ranked[i].layer;
    free(ranked);
}
