/*
 * Branch and bound over all mappings by layer: order, accelerator and allotment of every layer,
 * timed without contention at layer granularity (docs/model.md M-30 to M-33).
 *
 * Layers are placed in order of their starts. That loses nothing: sorting the list of any legal
 * schedule by start makes no start later, for what runs when a layer starts ran then before as
 * well; so the shortest makespan of all legal schedules, by group or by layer, is that of a list in
 * order of its own starts. What is left out, and why that is right, is M-105. For small cases: the
 * work grows several-fold with every layer. The limit counts nodes.
 */
#include <stdlib.h>

#include "core/num.h"
#include "mapper/exact.h"
#include "mapper/journal.h"

/* About 10 s on one core at a dozen layers of several options each. */
static const uint64_t default_nodes = 2000000;
static const uint64_t nodes_per_step = 8192;
/* Nodes of large problems count more: this many looks at ways, some nanoseconds each, are one. */
static const uint64_t looks_per_node = 2000;

struct child {
    uint64_t bound_ps, start_ps;
    uint32_t layer;
    const struct exact_way *way;
};

struct exact {
    const struct exact_case *c;
    struct exact_state state;
    struct exact_memo *memo;
    struct child **children; /* [depth] */

    uint64_t best_ps, root_bound_ps, open_ps; /* open: least bound of what the limit cut off */
    struct mapping best;
    uint64_t nodes, node_limit, next_step;
    uint64_t looks; /* at ways, by bounds */
    bool stopped;
    struct journal journal;
};

static void exact_init(struct exact *x, const struct exact_case *c,
                       const struct mapper_options *options)
{
    *x = (struct exact){
        .c = c,
        .memo = exact_memo_new(c),
        .children = ARENA_ARRAY(c->arena, struct child *, c->layer_count),
        .best_ps = UINT64_MAX,
        .open_ps = UINT64_MAX,
        .root_bound_ps = mapper_lower_bound(c->problem, GRANULARITY_LAYER).makespan_ps,
        .node_limit = options->budget_evals ? options->budget_evals : default_nodes,
        .next_step = nodes_per_step,
    };
    exact_state_init(&x->state, c);
    mapping_init(&x->best, c->layer_count);
    journal_init(&x->journal, options);
}

static void exact_release(struct exact *x)
{
    exact_memo_free(x->memo);
    mapping_release(&x->best);
    journal_release(&x->journal);
}

/* --- children -------------------------------------------------------------------------------- */

static bool is_eligible(const struct exact *x, uint32_t layer)
{
    const struct exact_case *c = x->c;
    uint64_t placed = x->state.placed, needed = c->preds[layer] | c->follows[layer];
    return !(placed >> layer & 1) && (needed & ~placed) == 0 &&
           (c->begins_behind[layer] == 0 || (c->begins_behind[layer] & placed));
}

/* An unused accelerator with an unused twin before it would only repeat that one's mappings. */
static bool repeats_a_twin(const struct exact *x, uint32_t acc)
{
    const uint32_t *used = x->state.used;
    for (uint32_t other = 0; other < acc && used[acc] == 0; other++)
        if (used[other] == 0 && x->c->twins[other * x->c->acc_count + acc])
            return true;
    return false;
}

/* Starts must ascend, and keys where starts are equal. */
static bool is_in_order(const struct exact *x, uint32_t layer, uint64_t start_ps)
{
    const struct exact_placed *last = exact_last(&x->state);
    return !last || start_ps > last->start_ps ||
           (start_ps == last->start_ps && x->c->key[layer] >= x->c->key[last->layer]);
}

/* After exact_path_bound_ps(). What could start before the last one started is in another list. */
static size_t list_starts(struct exact *x, struct child *out)
{
    const struct exact_state *s = &x->state;
    uint64_t now_ps = exact_now_ps(s);
    size_t count = 0;
    for (uint32_t layer = 0; layer < x->c->layer_count; layer++) {
        if (!is_eligible(x, layer))
            continue;
        for (uint32_t i = x->c->way_begin[layer]; i < x->c->way_begin[layer + 1]; i++) {
            const struct exact_way *way = &x->c->ways[i];
            uint64_t start_ps = s->start_ps[i], inputs_ps;
            if (repeats_a_twin(x, way->acc) || !is_in_order(x, layer, start_ps))
                continue;
            inputs_ps = exact_inputs_ps(s, layer, way->acc);
            if (inputs_ps >= now_ps || exact_first_fit_ps(s, way, inputs_ps) == start_ps)
                out[count++] = (struct child){ 0, start_ps, layer, way };
        }
    }
    return count;
}

/* No shortest schedule with the least sum of ends has its next start this late or later: a layer
 * could run and hand on its results before that, or a running one be done, wider, before that. */
static uint64_t latest_start_ps(const struct exact *x, const struct child *children, size_t count)
{
    const struct exact_state *s = &x->state;
    uint64_t latest_ps = UINT64_MAX, now_ps = exact_now_ps(s);
    for (size_t i = 0; i < count; i++)
        latest_ps = min_u64(latest_ps, children[i].start_ps + children[i].way->duration_ps +
                                           children[i].way->settled_ps);
    for (uint32_t i = 0; i < s->depth; i++) {
        const struct exact_placed *placed = &s->list[i];
        uint32_t layer = placed->layer;
        if (placed->end_ps <= now_ps)
            continue;
        for (uint32_t w = x->c->way_begin[layer]; w < x->c->way_begin[layer + 1]; w++) {
            const struct exact_way *way = &x->c->ways[w];
            uint64_t end_ps = placed->start_ps + way->duration_ps;
            if (way->acc == placed->way->acc && end_ps > now_ps && end_ps < placed->end_ps &&
                end_ps < latest_ps &&
                end_ps + way->write_ps <= placed->end_ps + placed->way->write_ps &&
                exact_fits_instead(s, placed, way))
                latest_ps = end_ps;
        }
    }
    return latest_ps;
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

static uint64_t path_bound_ps(struct exact *x)
{
    x->looks += x->c->way_begin[x->c->layer_count];
    return exact_path_bound_ps(&x->state);
}

static size_t list_children(struct exact *x, uint64_t parent_bound_ps, struct child *out)
{
    size_t count = list_starts(x, out), kept = 0;
    uint64_t latest_ps = latest_start_ps(x, out, count);
    for (size_t i = 0; i < count; i++) {
        struct child child = out[i];
        if (child.start_ps >= latest_ps)
            continue;
        exact_place(&x->state, child.layer, child.way, child.start_ps);
        child.bound_ps = max_u64(parent_bound_ps, path_bound_ps(x));
        exact_take_back(&x->state);
        if (child.bound_ps < x->best_ps)
            out[kept++] = child;
    }
    qsort(out, kept, sizeof *out, compare_children);
    return kept;
}

/* --- search ---------------------------------------------------------------------------------- */

static void keep_best(struct exact *x, uint64_t makespan_ps)
{
    x->best_ps = makespan_ps;
    x->best.discipline = MAPPING_BY_LAYER;
    for (uint32_t i = 0; i < x->state.depth; i++)
        x->best.placements[i] = (struct placement){
            .layer = x->state.list[i].layer,
            .group = i,
            .accelerator = (uint16_t)x->state.list[i].way->acc,
            .option = (uint16_t)x->state.list[i].way->option,
        };
}

static bool report(struct exact *x)
{
    const struct mapper_progress now = {
        .evaluations = x->nodes,
        .step = (unsigned)(x->nodes / nodes_per_step),
        .step_count = (unsigned)(x->node_limit / nodes_per_step),
        .best_makespan_ps = x->best_ps,
        .best_energy_pj = mapping_energy(x->c->problem, &x->best, x->best_ps).total_pj,
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
    x->stopped |= max_u64(x->nodes, x->looks / looks_per_node) >= x->node_limit;
    return x->stopped || x->best_ps <= x->root_bound_ps;
}

static uint64_t bound_here_ps(struct exact *x, uint64_t bound_ps)
{
    bound_ps = max_u64(bound_ps, path_bound_ps(x));
    x->looks += x->c->price_count * x->c->way_begin[x->c->layer_count];
    return min_u64(x->best_ps, exact_load_bound_ps(&x->state, bound_ps, x->best_ps));
}

static void branch(struct exact *x, uint64_t bound_ps)
{
    struct exact_state *s = &x->state;
    if (s->depth == x->c->layer_count) {
        uint64_t makespan_ps = exact_last(s)->makespan_ps;
        if (makespan_ps < x->best_ps)
            keep_best(x, makespan_ps);
        return;
    }
    if (is_over(x)) {
        x->open_ps = min_u64(x->open_ps, bound_ps);
        return;
    }
    x->nodes++;
    bound_ps = bound_here_ps(x, bound_ps);
    if (bound_ps >= x->best_ps || (s->depth && exact_memo_covers(x->memo, s, bound_ps)))
        return;
    if (!x->children[s->depth])
        x->children[s->depth] =
            ARENA_ARRAY(x->c->arena, struct child, x->c->way_begin[x->c->layer_count]);
    struct child *children = x->children[s->depth];
    size_t count = list_children(x, bound_ps, children);
    for (size_t i = 0; i < count && children[i].bound_ps < x->best_ps; i++) {
        exact_place(s, children[i].layer, children[i].way, children[i].start_ps);
        branch(x, children[i].bound_ps);
        exact_take_back(s);
        if (is_over(x)) {
            if (i + 1 < count)
                x->open_ps = min_u64(x->open_ps, children[i + 1].bound_ps);
            return;
        }
    }
}

/* --- run ------------------------------------------------------------------------------------- */

static enum err_code start_from(struct exact *x, const struct mapping *mapping,
                                const struct mapper_options *options, struct err *err)
{
    struct evaluation evaluation;
    enum err_code rc =
        options->analytic->evaluate(options->analytic->ctx, mapping, 1, &evaluation, err);
    if (rc == ERR_OK) {
        x->best_ps = evaluation.makespan_ps;
        mapping_copy(&x->best, mapping);
    }
    return rc;
}

/* A first mapping to beat. */
static enum err_code start(struct exact *x, const struct mapper_options *options, struct err *err)
{
    if (options->start)
        return start_from(x, options->start, options, err);
    struct mapper_options quiet = *options;
    quiet.progress = NULL;
    quiet.fitness = FITNESS_ANALYTIC;
    struct mapper_result heft = { 0 };
    enum err_code rc = mapper_heft_run(x->c->problem, &quiet, &heft, err);
    if (rc == ERR_OK)
        rc = start_from(x, &heft.mapping, options, err);
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
        return err_set(err, ERR_LIMIT,
                       "the exact mapper takes at most %d layers, got %zu: choose another mapper, "
                       "whose bound says how far from the optimum its result can be",
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
    struct exact_case c;
    struct exact x;
    exact_case_init(&c, problem);
    exact_init(&x, &c, options);
    rc = start(&x, options, err);
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
    exact_case_release(&c);
    return rc;
}
