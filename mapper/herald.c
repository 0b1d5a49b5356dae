/*
 * Herald: every layer to the accelerator whose dataflow suits it best, breadth-first over the
 * networks, unless that accelerator is loaded much more than the others; then idle times are filled
 * by starting later layers early. Its cost model has no communication, nor have its choices here;
 * the mapping is timed with communication like all others.
 * Source: Kwon et al., HPCA 2021, section 4 (scheduler: assignment, load balance, idle time).
 */
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/rows.h"
#include "mapper/serial.h"

/*
 * How much more than the least loaded candidate an accelerator may be loaded before a layer goes to
 * the next best one. The paper leaves it to the user: each is tried, and the best result kept. 1 is
 * balance above all, the last one dataflow above all.
 */
static const double load_factors[] = { 1, 1.05, 1.1, 1.25, 1.5, 2, 4, 1e9 };

struct herald {
    const struct view *view;
    enum objective objective;
    struct serial *serial;
    uint32_t *order;    /* layers, breadth-first over networks */
    uint32_t *priority; /* [layer] place in it */
    uint16_t *acc_of;   /* [layer] */
    uint64_t *load_ps;  /* [accelerator] */
};

struct queued {
    uint32_t depth, layer; /* depth: layers of the same network before it */
};

static int compare_queued(const void *a, const void *b)
{
    const struct queued *x = a, *y = b;
    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return x->layer < y->layer ? -1 : x->layer > y->layer;
}

static void order_breadth_first(struct herald *h)
{
    const struct problem *p = h->view->problem;
    struct queued *queued = mem_alloc(p->layer_count, sizeof *queued);
    uint32_t *depth = mem_alloc(p->network_count, sizeof *depth);
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        queued[layer] = (struct queued){ depth[p->network_of[layer]]++, layer };
    qsort(queued, p->layer_count, sizeof *queued, compare_queued);
    for (uint32_t i = 0; i < p->layer_count; i++) {
        h->order[i] = queued[i].layer;
        h->priority[queued[i].layer] = i;
    }
    free(queued);
    free(depth);
}

static double cost_on(const struct herald *h, uint32_t layer, uint32_t acc)
{
    size_t cell = (size_t)h->view->problem->class_of[layer] * h->view->accelerator_count + acc;
    return objective_value(h->objective, h->view->duration_ps[cell], h->view->energy_pj[cell]);
}

static uint64_t load_with(const struct herald *h, uint32_t layer, uint32_t acc)
{
    size_t cell = (size_t)h->view->problem->class_of[layer] * h->view->accelerator_count + acc;
    return h->load_ps[acc] + h->view->duration_ps[cell];
}

/* The cheapest of the accelerators that are not overloaded; ties by load, then by index. */
static uint32_t choose(const struct herald *h, uint32_t layer, double load_factor)
{
    const struct view *view = h->view;
    uint32_t class = view->problem->class_of[layer];
    uint32_t begin = view->support_begin[class], end = view->support_begin[class + 1];
    uint64_t least_ps = UINT64_MAX;
    for (uint32_t at = begin; at < end; at++)
        least_ps = min_u64(least_ps, load_with(h, layer, view->support[at]));
    uint32_t best = UINT32_MAX;
    for (uint32_t at = begin; at < end; at++) {
        uint32_t acc = view->support[at];
        uint64_t load_ps = load_with(h, layer, acc);
        if ((double)load_ps > load_factor * (double)least_ps)
            continue;
        double cost = cost_on(h, layer, acc);
        if (best == UINT32_MAX || cost < cost_on(h, layer, best) ||
            (cost == cost_on(h, layer, best) && load_ps < load_with(h, layer, best)))
            best = acc;
    }
    return best;
}

static struct serial_value schedule(struct herald *h, double load_factor)
{
    for (uint32_t acc = 0; acc < h->view->accelerator_count; acc++)
        h->load_ps[acc] = 0;
    for (uint32_t i = 0; i < h->view->layer_count; i++) {
        uint32_t layer = h->order[i], acc = choose(h, layer, load_factor);
        h->load_ps[acc] = load_with(h, layer, acc);
        h->acc_of[layer] = (uint16_t)acc;
    }
    /* The dispatch never idles while something is ready: the paper's last step. */
    return serial_judge(h->serial, h->objective, h->acc_of, h->priority);
}

static void herald_init(struct herald *h, const struct view *view, enum objective objective)
{
    size_t layers = view->layer_count;
    *h = (struct herald){
        .view = view,
        .objective = objective,
        .serial = serial_new(view),
        .order = mem_alloc(layers, sizeof *h->order),
        .priority = mem_alloc(layers, sizeof *h->priority),
        .acc_of = mem_alloc(layers, sizeof *h->acc_of),
        .load_ps = mem_alloc(view->accelerator_count, sizeof *h->load_ps),
    };
}

static void herald_release(struct herald *h)
{
    serial_free(h->serial);
    free(h->order);
    free(h->priority);
    free(h->acc_of);
    free(h->load_ps);
}

enum err_code mapper_herald_run(const struct problem *problem, const struct mapper_options *options,
                                struct mapper_result *out, struct err *err)
{
    size_t tried = sizeof load_factors / sizeof *load_factors;
    if (options->budget_evals && options->budget_evals < tried)
        tried = (size_t)options->budget_evals;
    struct view view;
    struct herald h;
    view_init(&view, problem);
    herald_init(&h, &view, options->objective);
    order_breadth_first(&h);
    size_t best = 0;
    double best_value = 0;
    for (size_t i = 0; i < tried; i++) {
        double value = schedule(&h, load_factors[i]).value;
        if (i == 0 || value < best_value) {
            best = i;
            best_value = value;
        }
    }
    schedule(&h, load_factors[best]);
    mapping_init(&out->mapping, problem->layer_count);
    serial_write(h.serial, h.acc_of, &out->mapping);
    herald_release(&h);
    view_release(&view);
    return serial_finish(options, tried, out, err);
}
