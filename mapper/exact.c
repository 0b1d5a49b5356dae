/*
 * Branch and bound over all mappings by layer: order, accelerator and allotment of every layer,
 * timed without contention at layer granularity (docs/model.md M-30 to M-33).
 *
 * Layers are placed in order of their starts, ties by number. That loses nothing: sorting the list
 * of any legal schedule by start makes no start later, for what runs when a layer starts ran then
 * before as well; so the shortest makespan of all legal schedules, by group or by layer, is that of
 * a list in order of its own starts. A partial list is bounded by the longest way to the end, given
 * what is placed, and by the load of what is left; all starts to come are at or behind the last
 * one. For small cases: the work grows about tenfold with every layer. The limit counts nodes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/journal.h"
#include "mapper/rows.h"
#include "mapper/view.h"

enum { SETS_MAX = 16 };
/* About 10 s on one core at 9 to 12 layers of several options each. */
static const uint64_t default_nodes = 600000;
static const uint64_t nodes_per_step = 8192;

enum load { LOAD_PES, LOAD_SLOTS, LOAD_SCRATCHPAD, LOAD_WIDE, LOAD_COUNT };

/* A way to run a layer that no other way makes superfluous. */
struct way {
    uint32_t acc, option;
    uint64_t duration_ps, write_ps, scratchpad_bytes;
    uint32_t pes;
};

struct placed {
    uint32_t layer;
    const struct way *way;
    uint64_t start_ps, end_ps;
};

struct child {
    uint64_t bound_ps, start_ps;
    uint32_t layer;
    const struct way *way;
};

/* Accelerators that a layer is confined to, and what layers confined to them take at least. */
struct confined {
    const bool *accs; /* [accelerator] */
    uint32_t acc_count;
    uint64_t *work_ps; /* [layer * LOAD_COUNT + load]; 0 for layers that may go elsewhere */
};

struct exact {
    const struct problem *problem;
    uint32_t layer_count, acc_count;
    struct arena *arena;
    struct way *ways;    /* of layer i: ways[way_begin[i] …), by accelerator */
    uint32_t *way_begin; /* [layer + 1] */
    uint64_t *after_ps;  /* [layer * accelerators + acc]: from its end there to the makespan */
    bool *twins;         /* [a * accelerators + b]: exchanging them changes nothing */
    struct confined sets[SETS_MAX];
    size_t set_count;

    struct placed *list; /* the partial mapping; list[0 … depth) */
    uint32_t depth;
    const struct placed **at; /* [layer], NULL: not placed */
    uint32_t *used;           /* [accelerator] layers on it */
    uint64_t *ready_end_ps;   /* [layer * accelerators + acc] least end of a layer not placed */
    struct child **children;  /* [depth] */

    uint64_t best_ps, root_bound_ps, open_ps; /* open: least bound of what the limit cut off */
    struct mapping best;
    uint64_t nodes, node_limit, next_step;
    bool stopped;
    struct journal journal;
};

/* --- set-up ---------------------------------------------------------------------------------- */

static struct way way_of(const struct layer_option *option, uint32_t acc, uint32_t number)
{
    return (struct way){
        .acc = acc,
        .option = number,
        .duration_ps = max_u64(option->compute_ps, option->memory_read_ps),
        .write_ps = option->memory_write_ps,
        .scratchpad_bytes = option->scratchpad_bytes,
        .pes = option->pes,
    };
}

/* Where a is possible, b never helps. An accelerator that isn't shared has no use for free PEs. */
static bool replaces(const struct way *a, const struct way *b, bool shared)
{
    bool lighter = !shared || (a->pes <= b->pes && a->scratchpad_bytes <= b->scratchpad_bytes);
    bool faster = a->duration_ps <= b->duration_ps && a->write_ps <= b->write_ps;
    return lighter && faster;
}

static uint32_t list_ways(const struct exact *x, uint32_t layer, struct way *out)
{
    const struct problem *p = x->problem;
    uint32_t count = 0;
    for (uint32_t acc = 0; acc < x->acc_count; acc++) {
        bool shared = p->soc->accelerators[acc].shared_layers_max > 1;
        uint32_t first = count;
        for (uint32_t i = 0; i < problem_option_count(p, layer, acc); i++) {
            struct way way = way_of(problem_option(p, layer, acc, i), acc, i);
            bool superfluous = false;
            for (uint32_t j = first; j < count && !superfluous; j++)
                superfluous = replaces(&out[j], &way, shared);
            if (superfluous)
                continue;
            uint32_t kept = first;
            for (uint32_t j = first; j < count; j++)
                if (!replaces(&way, &out[j], shared))
                    out[kept++] = out[j];
            out[kept] = way;
            count = kept + 1;
        }
    }
    return count;
}

static void list_all_ways(struct exact *x)
{
    size_t most = 0;
    for (uint32_t layer = 0; layer < x->layer_count; layer++)
        for (uint32_t acc = 0; acc < x->acc_count; acc++)
            most += problem_option_count(x->problem, layer, acc);
    x->ways = ARENA_ARRAY(x->arena, struct way, most);
    x->way_begin = ARENA_ARRAY(x->arena, uint32_t, x->layer_count + 1);
    for (uint32_t layer = 0; layer < x->layer_count; layer++)
        x->way_begin[layer + 1] =
            x->way_begin[layer] + list_ways(x, layer, x->ways + x->way_begin[layer]);
}

static uint64_t least_write_ps(const struct exact *x, uint32_t layer, uint32_t acc)
{
    uint64_t least_ps = UINT64_MAX;
    for (uint32_t i = x->way_begin[layer]; i < x->way_begin[layer + 1]; i++)
        if (x->ways[i].acc == acc)
            least_ps = min_u64(least_ps, x->ways[i].write_ps);
    return least_ps;
}

/* The least from the end of a layer on `acc` to the end of its consumer and beyond. */
static uint64_t least_after_edge_ps(const struct exact *x, const struct problem_edge *edge,
                                    uint32_t acc)
{
    uint64_t least_ps = UINT64_MAX;
    for (uint32_t i = x->way_begin[edge->layer]; i < x->way_begin[edge->layer + 1]; i++) {
        const struct way *way = &x->ways[i];
        uint64_t transfer_ps = problem_transfer_ps(x->problem, edge->size_class, acc, way->acc);
        uint64_t after_ps = x->after_ps[(size_t)edge->layer * x->acc_count + way->acc];
        least_ps = min_u64(least_ps, transfer_ps + way->duration_ps + after_ps);
    }
    return least_ps;
}

static void find_tails(struct exact *x)
{
    const struct problem *p = x->problem;
    x->after_ps = ARENA_ARRAY(x->arena, uint64_t, (size_t)x->layer_count * x->acc_count);
    for (uint32_t layer = x->layer_count; layer-- > 0;)
        for (uint32_t i = x->way_begin[layer]; i < x->way_begin[layer + 1]; i++) {
            uint32_t acc = x->ways[i].acc;
            uint64_t after_ps = least_write_ps(x, layer, acc);
            for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++)
                after_ps = max_u64(after_ps, least_after_edge_ps(x, &p->succs[at], acc));
            x->after_ps[(size_t)layer * x->acc_count + acc] = after_ps;
        }
}

/* Share of the accelerator's time that the way takes, rounded down (docs/model.md M-52). */
static uint64_t work_of(const struct exact *x, const struct way *way, enum load load)
{
    const struct soc_accelerator *acc = &x->problem->soc->accelerators[way->acc];
    uint64_t pes = soc_pes(acc);
    switch (load) {
    case LOAD_PES:
        return (uint64_t)((unsigned __int128)way->duration_ps * way->pes / pes);
    case LOAD_SLOTS:
        return way->duration_ps / acc->shared_layers_max;
    case LOAD_SCRATCHPAD:
        return acc->scratchpad_bytes ? (uint64_t)((unsigned __int128)way->duration_ps *
                                                  way->scratchpad_bytes / acc->scratchpad_bytes)
                                     : 0;
    default: /* two layers of more than half the PEs never share (Fekete, Schepers, 2001) */
        return (uint64_t)way->pes * 2 > pes    ? way->duration_ps
               : (uint64_t)way->pes * 2 == pes ? way->duration_ps / 2
                                               : 0;
    }
}

static void add_set(struct exact *x, const bool *accs)
{
    size_t bytes = x->acc_count * sizeof *accs;
    for (size_t i = 0; i < x->set_count; i++)
        if (memcmp(x->sets[i].accs, accs, bytes) == 0)
            return;
    if (x->set_count == SETS_MAX)
        return;
    struct confined *set = &x->sets[x->set_count++];
    bool *copy = ARENA_ARRAY(x->arena, bool, x->acc_count);
    memcpy(copy, accs, bytes);
    set->accs = copy;
    for (uint32_t acc = 0; acc < x->acc_count; acc++)
        set->acc_count += accs[acc];
    set->work_ps = ARENA_ARRAY(x->arena, uint64_t, (size_t)x->layer_count * LOAD_COUNT);
    for (uint32_t layer = 0; layer < x->layer_count; layer++)
        for (int load = 0; load < LOAD_COUNT; load++) {
            uint64_t least_ps = UINT64_MAX;
            for (uint32_t i = x->way_begin[layer]; i < x->way_begin[layer + 1]; i++) {
                const struct way *way = &x->ways[i];
                uint64_t work_ps = accs[way->acc] ? work_of(x, way, (enum load)load) : 0;
                least_ps = min_u64(least_ps, work_ps);
            }
            set->work_ps[layer * LOAD_COUNT + load] = least_ps;
        }
}

/* All accelerators, those that some layer is confined to, and their unions. */
static void list_sets(struct exact *x)
{
    bool *accs = ARENA_ARRAY(x->arena, bool, x->acc_count);
    memset(accs, true, x->acc_count * sizeof *accs);
    add_set(x, accs);
    for (uint32_t layer = 0; layer < x->layer_count; layer++) {
        memset(accs, false, x->acc_count * sizeof *accs);
        for (uint32_t i = x->way_begin[layer]; i < x->way_begin[layer + 1]; i++)
            accs[x->ways[i].acc] = true;
        add_set(x, accs);
    }
    for (size_t a = 1; a < x->set_count; a++)
        for (size_t b = 1; b < a; b++) {
            for (uint32_t acc = 0; acc < x->acc_count; acc++)
                accs[acc] = x->sets[a].accs[acc] || x->sets[b].accs[acc];
            add_set(x, accs);
        }
}

static uint32_t pair_of(const struct problem *p, uint32_t from, uint32_t to)
{
    return p->pair_class[(size_t)from * p->accelerator_count + to];
}

static bool are_twins(const struct view *view, uint32_t a, uint32_t b)
{
    const struct problem *p = view->problem;
    if (view->kind_of[a] != view->kind_of[b] || pair_of(p, a, b) != pair_of(p, b, a) ||
        pair_of(p, a, a) != pair_of(p, b, b))
        return false;
    for (uint32_t other = 0; other < view->accelerator_count; other++)
        if (other != a && other != b &&
            (pair_of(p, a, other) != pair_of(p, b, other) ||
             pair_of(p, other, a) != pair_of(p, other, b)))
            return false;
    return true;
}

static void find_twins(struct exact *x)
{
    struct view view;
    view_init(&view, x->problem);
    x->twins = ARENA_ARRAY(x->arena, bool, (size_t)x->acc_count * x->acc_count);
    for (uint32_t a = 0; a < x->acc_count; a++)
        for (uint32_t b = 0; b < x->acc_count; b++)
            x->twins[a * x->acc_count + b] = are_twins(&view, a, b);
    view_release(&view);
}

static void exact_init(struct exact *x, const struct problem *problem,
                       const struct mapper_options *options)
{
    *x = (struct exact){
        .problem = problem,
        .layer_count = (uint32_t)problem->layer_count,
        .acc_count = (uint32_t)problem->accelerator_count,
        .arena = arena_new(),
        .best_ps = UINT64_MAX,
        .open_ps = UINT64_MAX,
        .root_bound_ps = mapper_lower_bound(problem, GRANULARITY_LAYER).makespan_ps,
        .node_limit = options->budget_evals ? options->budget_evals : default_nodes,
        .next_step = nodes_per_step,
    };
    list_all_ways(x);
    find_tails(x);
    list_sets(x);
    find_twins(x);
    x->list = ARENA_ARRAY(x->arena, struct placed, x->layer_count);
    x->at = ARENA_ARRAY(x->arena, const struct placed *, x->layer_count);
    x->used = ARENA_ARRAY(x->arena, uint32_t, x->acc_count);
    x->ready_end_ps = ARENA_ARRAY(x->arena, uint64_t, (size_t)x->layer_count * x->acc_count);
    x->children = ARENA_ARRAY(x->arena, struct child *, x->layer_count);
    mapping_init(&x->best, problem->layer_count);
    journal_init(&x->journal, options);
}

static void exact_release(struct exact *x)
{
    mapping_release(&x->best);
    journal_release(&x->journal);
    arena_free(x->arena);
}

/* --- time ------------------------------------------------------------------------------------ */

/* Would the way fit beside what runs on its accelerator at this time? If not, *next_ps is when the
 * first of that ends. */
static bool fits_at(const struct exact *x, const struct way *way, uint64_t at_ps, uint64_t *next_ps)
{
    const struct soc_accelerator *acc = &x->problem->soc->accelerators[way->acc];
    uint64_t pes = way->pes, scratchpad_bytes = way->scratchpad_bytes, layers = 1;
    *next_ps = UINT64_MAX;
    for (uint32_t i = 0; i < x->depth; i++) {
        const struct placed *other = &x->list[i];
        if (other->way->acc != way->acc || other->end_ps <= at_ps)
            continue;
        pes += other->way->pes;
        scratchpad_bytes += other->way->scratchpad_bytes;
        layers++;
        *next_ps = min_u64(*next_ps, other->end_ps);
    }
    return pes <= soc_pes(acc) && scratchpad_bytes <= acc->scratchpad_bytes &&
           layers <= acc->shared_layers_max;
}

/* docs/model.md M-31; from_ps is not before the accelerator's last start. */
static uint64_t earliest_ps(const struct exact *x, const struct way *way, uint64_t from_ps)
{
    uint64_t next_ps;
    if (x->used[way->acc] == 0)
        return from_ps;
    while (!fits_at(x, way, from_ps, &next_ps))
        from_ps = next_ps;
    return from_ps;
}

/* When the inputs can be on `acc`, at the least: exact where all predecessors are placed. */
static uint64_t inputs_ps(const struct exact *x, uint32_t layer, uint32_t acc)
{
    const struct problem *p = x->problem;
    uint64_t ready_ps = problem_release_ps(p, layer);
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        const struct problem_edge *edge = &p->preds[at];
        const struct placed *from = x->at[edge->layer];
        uint64_t arrival_ps = UINT64_MAX;
        if (from) {
            arrival_ps =
                from->end_ps + problem_transfer_ps(p, edge->size_class, from->way->acc, acc);
        } else {
            for (uint32_t i = x->way_begin[edge->layer]; i < x->way_begin[edge->layer + 1]; i++)
                arrival_ps =
                    min_u64(arrival_ps,
                            x->ready_end_ps[(size_t)edge->layer * x->acc_count + x->ways[i].acc] +
                                problem_transfer_ps(p, edge->size_class, x->ways[i].acc, acc));
        }
        ready_ps = max_u64(ready_ps, arrival_ps);
    }
    return ready_ps;
}

static uint64_t last_start_ps(const struct exact *x)
{
    return x->depth ? x->list[x->depth - 1].start_ps : 0;
}

/* Of all layers not placed: their least ends, and the longest way through one of them. */
static uint64_t path_bound_ps(struct exact *x)
{
    uint64_t bound_ps = 0, now_ps = last_start_ps(x);
    for (uint32_t layer = 0; layer < x->layer_count; layer++) {
        if (x->at[layer])
            continue;
        uint64_t through_ps = UINT64_MAX, ready_ps = 0;
        uint64_t *end_ps = x->ready_end_ps + (size_t)layer * x->acc_count;
        for (uint32_t i = x->way_begin[layer]; i < x->way_begin[layer + 1]; i++) {
            const struct way *way = &x->ways[i];
            bool is_first = i == x->way_begin[layer] || x->ways[i - 1].acc != way->acc;
            if (is_first)
                ready_ps = max_u64(now_ps, inputs_ps(x, layer, way->acc));
            uint64_t mine_ps = earliest_ps(x, way, ready_ps) + way->duration_ps;
            end_ps[way->acc] = is_first ? mine_ps : min_u64(end_ps[way->acc], mine_ps);
            through_ps =
                min_u64(through_ps, mine_ps + x->after_ps[(size_t)layer * x->acc_count + way->acc]);
        }
        bound_ps = max_u64(bound_ps, through_ps);
    }
    return bound_ps;
}

/* What is left, and what runs on, must fit behind the last start. */
static uint64_t load_bound_ps(const struct exact *x)
{
    uint64_t bound_ps = 0, now_ps = last_start_ps(x);
    for (size_t s = 0; s < x->set_count; s++) {
        const struct confined *set = &x->sets[s];
        uint64_t sum_ps[LOAD_COUNT] = { 0 };
        for (uint32_t layer = 0; layer < x->layer_count; layer++)
            for (int load = 0; load < LOAD_COUNT && !x->at[layer]; load++)
                sum_ps[load] += set->work_ps[layer * LOAD_COUNT + load];
        for (uint32_t i = 0; i < x->depth; i++) {
            const struct placed *placed = &x->list[i];
            if (placed->end_ps <= now_ps || !set->accs[placed->way->acc])
                continue;
            struct way rest = *placed->way;
            rest.duration_ps = placed->end_ps - now_ps;
            for (int load = 0; load < LOAD_COUNT; load++)
                sum_ps[load] += work_of(x, &rest, (enum load)load);
        }
        for (int load = 0; load < LOAD_COUNT; load++)
            bound_ps = max_u64(bound_ps, now_ps + ceil_div_u64(sum_ps[load], set->acc_count));
    }
    return bound_ps;
}

/* --- search ---------------------------------------------------------------------------------- */

static void place(struct exact *x, uint32_t layer, const struct way *way, uint64_t start_ps)
{
    struct placed *placed = &x->list[x->depth++];
    *placed = (struct placed){ layer, way, start_ps, start_ps + way->duration_ps };
    x->at[layer] = placed;
    x->used[way->acc]++;
}

static void take_back(struct exact *x)
{
    const struct placed *placed = &x->list[--x->depth];
    x->at[placed->layer] = NULL;
    x->used[placed->way->acc]--;
}

static uint64_t makespan_of(const struct exact *x)
{
    uint64_t makespan_ps = 0;
    for (uint32_t i = 0; i < x->depth; i++)
        makespan_ps = max_u64(makespan_ps, x->list[i].end_ps + x->list[i].way->write_ps);
    return makespan_ps;
}

static uint64_t bound_of(struct exact *x)
{
    uint64_t bound_ps = max_u64(makespan_of(x), path_bound_ps(x));
    return bound_ps >= x->best_ps ? bound_ps : max_u64(bound_ps, load_bound_ps(x));
}

static bool preds_are_placed(const struct exact *x, uint32_t layer)
{
    const struct problem *p = x->problem;
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++)
        if (!x->at[p->preds[at].layer])
            return false;
    return true;
}

/* An unused accelerator with an unused twin before it would only repeat that one's mappings. */
static bool repeats_a_twin(const struct exact *x, uint32_t acc)
{
    for (uint32_t other = 0; other < acc && x->used[acc] == 0; other++)
        if (x->used[other] == 0 && x->twins[other * x->acc_count + acc])
            return true;
    return false;
}

static int compare_children(const void *a, const void *b)
{
    const struct child *x = a, *y = b;
    if (x->bound_ps != y->bound_ps)
        return x->bound_ps < y->bound_ps ? -1 : 1;
    if (x->start_ps != y->start_ps)
        return x->start_ps < y->start_ps ? -1 : 1;
    return x->way < y->way ? -1 : x->way > y->way; /* by layer, then accelerator, then option */
}

/* Starts must ascend, and numbers where starts are equal. */
static bool is_in_order(const struct exact *x, uint32_t layer, uint64_t start_ps)
{
    if (x->depth == 0)
        return true;
    const struct placed *last = &x->list[x->depth - 1];
    return start_ps > last->start_ps || (start_ps == last->start_ps && layer > last->layer);
}

/* Start of the accelerator's last layer. */
static uint64_t gate_ps(const struct exact *x, uint32_t acc)
{
    for (uint32_t i = x->depth; i-- > 0;)
        if (x->list[i].way->acc == acc)
            return x->list[i].start_ps;
    return 0;
}

static size_t list_children(struct exact *x, uint64_t parent_bound_ps, struct child *out)
{
    size_t count = 0;
    for (uint32_t layer = 0; layer < x->layer_count; layer++) {
        if (x->at[layer] || !preds_are_placed(x, layer))
            continue;
        for (uint32_t i = x->way_begin[layer]; i < x->way_begin[layer + 1]; i++) {
            const struct way *way = &x->ways[i];
            if (repeats_a_twin(x, way->acc))
                continue;
            uint64_t from_ps = max_u64(inputs_ps(x, layer, way->acc), gate_ps(x, way->acc));
            uint64_t start_ps = earliest_ps(x, way, from_ps);
            if (!is_in_order(x, layer, start_ps))
                continue;
            place(x, layer, way, start_ps);
            uint64_t bound_ps = max_u64(parent_bound_ps, bound_of(x));
            take_back(x);
            if (bound_ps < x->best_ps)
                out[count++] = (struct child){ bound_ps, start_ps, layer, way };
        }
    }
    qsort(out, count, sizeof *out, compare_children);
    return count;
}

static void keep_best(struct exact *x, uint64_t makespan_ps)
{
    x->best_ps = makespan_ps;
    x->best.discipline = MAPPING_BY_LAYER;
    for (uint32_t i = 0; i < x->depth; i++)
        x->best.placements[i] = (struct placement){
            .layer = x->list[i].layer,
            .group = i,
            .accelerator = (uint16_t)x->list[i].way->acc,
            .option = (uint16_t)x->list[i].way->option,
        };
}

static bool report(struct exact *x)
{
    const struct mapper_progress now = {
        .evaluations = x->nodes,
        .step = (unsigned)(x->nodes / nodes_per_step),
        .step_count = (unsigned)(x->node_limit / nodes_per_step),
        .best_makespan_ps = x->best_ps,
        .best_energy_pj = mapping_energy(x->problem, &x->best, x->best_ps).total_pj,
        .best_value = (double)x->best_ps,
    };
    return journal_step(&x->journal, &now);
}

/* Has the search ended, by its limit or because nothing can be better? */
static bool is_over(struct exact *x)
{
    if (x->nodes >= x->next_step) {
        x->next_step += nodes_per_step;
        x->stopped |= !report(x);
    }
    x->stopped |= x->nodes >= x->node_limit;
    return x->stopped || x->best_ps <= x->root_bound_ps;
}

static void branch(struct exact *x, uint64_t bound_ps)
{
    if (x->depth == x->layer_count) {
        uint64_t makespan_ps = makespan_of(x);
        if (makespan_ps < x->best_ps)
            keep_best(x, makespan_ps);
        return;
    }
    if (is_over(x)) {
        x->open_ps = min_u64(x->open_ps, bound_ps);
        return;
    }
    x->nodes++;
    if (!x->children[x->depth])
        x->children[x->depth] = ARENA_ARRAY(x->arena, struct child, x->way_begin[x->layer_count]);
    struct child *children = x->children[x->depth];
    size_t count = list_children(x, bound_ps, children);
    for (size_t i = 0; i < count && children[i].bound_ps < x->best_ps; i++) {
        place(x, children[i].layer, children[i].way, children[i].start_ps);
        branch(x, children[i].bound_ps);
        take_back(x);
        if (is_over(x)) {
            if (i + 1 < count)
                x->open_ps = min_u64(x->open_ps, children[i + 1].bound_ps);
            return;
        }
    }
}

/* A first mapping to beat. */
static enum err_code start_from_heft(struct exact *x, const struct mapper_options *options,
                                     struct err *err)
{
    struct mapper_options quiet = *options;
    quiet.progress = NULL;
    quiet.fitness = FITNESS_ANALYTIC;
    struct mapper_result heft = { 0 };
    enum err_code rc = mapper_heft_run(x->problem, &quiet, &heft, err);
    if (rc == ERR_OK && heft.convergence_count) {
        x->best_ps = heft.convergence[0].best_makespan_ps;
        mapping_copy(&x->best, &heft.mapping);
    }
    mapper_result_release(&heft);
    return rc;
}

static enum err_code check_options(const struct problem *problem,
                                   const struct mapper_options *options, struct err *err)
{
    if (options->objective != OBJECTIVE_LATENCY)
        return err_set(err, ERR_USAGE, "the exact mapper minimises latency, not %s",
                       objective_names[options->objective]);
    if (options->granularity != GRANULARITY_LAYER)
        return err_set(err, ERR_USAGE, "the exact mapper times layers, not tiles");
    if (problem->layer_count > EXACT_LAYERS_MAX)
        return err_set(err, ERR_LIMIT, "the exact mapper takes at most %d layers, got %zu",
                       EXACT_LAYERS_MAX, problem->layer_count);
    return ERR_OK;
}

/* The bound holds with contention too; whether this mapping still reaches it is to be seen. */
static enum err_code check_simulated(const struct mapper_options *options,
                                     struct mapper_result *out, struct err *err)
{
    if (!mapper_uses_sim(options))
        return ERR_OK;
    struct evaluation simulated;
    enum err_code rc = options->sim->evaluate(options->sim->ctx, &out->mapping, 1, &simulated, err);
    if (rc == ERR_OK) {
        out->sim_evaluations = 1;
        out->proved_optimal = out->proved_bound_ps == simulated.makespan_ps;
    }
    return rc;
}

enum err_code mapper_exact_run(const struct problem *problem, const struct mapper_options *options,
                               struct mapper_result *out, struct err *err)
{
    enum err_code rc = check_options(problem, options, err);
    if (rc != ERR_OK)
        return rc;
    struct exact x;
    exact_init(&x, problem, options);
    rc = start_from_heft(&x, options, err);
    if (rc == ERR_OK) {
        branch(&x, x.root_bound_ps);
        report(&x);
        mapping_init(&out->mapping, problem->layer_count);
        mapping_copy(&out->mapping, &x.best);
        out->evaluations = x.nodes;
        out->proved_bound_ps =
            x.stopped ? max_u64(x.root_bound_ps, min_u64(x.open_ps, x.best_ps)) : x.best_ps;
        out->proved_optimal = out->proved_bound_ps == x.best_ps;
        journal_finish(&x.journal, out);
        rc = check_simulated(options, out, err);
    }
    exact_release(&x);
    return rc;
}
