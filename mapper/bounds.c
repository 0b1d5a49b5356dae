/*
 * What the bounds are made of: ways to run a class and what each takes (docs/model.md M-52, M-53,
 * M-100), and the bounds one after the other.
 */
#include "mapper/bounds.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"

/* Capacity of scratchpads is cut to so many bits, amounts with it, so that sums fit 128. */
enum { SCRATCHPAD_BITS = 24 };

static unsigned scratchpad_shift(uint64_t capacity_bytes)
{
    unsigned shift = 0;
    while (capacity_bytes >> shift >> SCRATCHPAD_BITS)
        shift++;
    return shift;
}

static uint64_t capacity_of(const struct view_capacity *capacity, int resource)
{
    if (resource == BOUNDS_SLOTS || resource >= BOUNDS_BESIDE)
        return capacity->share;
    if (resource == BOUNDS_SCRATCHPAD)
        return capacity->scratchpad_bytes >> scratchpad_shift(capacity->scratchpad_bytes);
    return capacity->pes;
}

/* Threshold e = PEs / parts: more than PEs - e counts as all, fewer than e as none. */
static uint64_t wide_amount(uint64_t pes, uint64_t capacity, uint64_t parts)
{
    if (pes * parts > capacity * (parts - 1))
        return capacity;
    return pes * parts < capacity ? 0 : pes;
}

/* Threshold e = PEs × step / (2 × steps): more than PEs - e counts as all slots, fewer than e as
 * none, others as one. */
static uint64_t beside_amount(uint64_t pes, const struct view_capacity *capacity, uint64_t step)
{
    const uint64_t parts = 2 * BOUNDS_BESIDE_COUNT;
    if (pes * parts > capacity->pes * (parts - step))
        return capacity->share;
    return capacity->share > 1 && pes * parts < capacity->pes * step ? 0 : 1;
}

static uint32_t amount_of(const struct layer_option *option, const struct view_capacity *capacity,
                          int resource)
{
    static const uint64_t wide_parts[BOUNDS_WIDE_COUNT] = { 2, 3, 4 };
    if (resource == BOUNDS_PES)
        return option->pes;
    if (resource == BOUNDS_SLOTS)
        return 1;
    if (resource == BOUNDS_SCRATCHPAD)
        return (uint32_t)(option->scratchpad_bytes >> scratchpad_shift(capacity->scratchpad_bytes));
    if (resource < BOUNDS_BESIDE)
        return (uint32_t)wide_amount(option->pes, capacity->pes,
                                     wide_parts[resource - BOUNDS_WIDE]);
    return (uint32_t)beside_amount(option->pes, capacity, (uint64_t)(resource - BOUNDS_BESIDE) + 1);
}

static struct bounds_way way_of(const struct view *view, const struct layer_option *option,
                                uint32_t kind, enum granularity granularity)
{
    struct bounds_way way = {
        .duration_ps = paths_option_ps(option, granularity),
        .kind = kind,
    };
    for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++)
        way.amount[resource] = amount_of(option, &view->capacity[kind], resource);
    return way;
}

/* Only counts while out is NULL. */
static uint32_t list_ways(const struct view *view, enum granularity granularity, uint32_t class,
                          struct bounds_way *out)
{
    const struct problem *p = view->problem;
    uint32_t layer = p->class_layer[class], count = 0;
    for (uint32_t kind = 0; kind < view->kind_count; kind++) {
        uint32_t acc = view->kind_accs[view->kind_begin[kind]];
        size_t options = problem_option_count(p, layer, acc);
        for (uint32_t i = 0; i < options; i++, count++)
            if (out)
                out[count] = way_of(view, problem_option(p, layer, acc, i), kind, granularity);
    }
    return count;
}

void bounds_init(struct bounds *b, const struct view *view, enum granularity granularity)
{
    *b = (struct bounds){
        .view = view,
        .granularity = granularity,
        .way_begin = mem_alloc(view->class_count + 1, sizeof *b->way_begin),
        .capacity =
            mem_alloc((size_t)view->kind_count * BOUNDS_RESOURCE_COUNT, sizeof *b->capacity),
        .layers_of = mem_alloc(view->class_count, sizeof *b->layers_of),
    };
    paths_init(&b->paths, view, granularity);
    b->best = (struct lower_bound){ b->paths.longest_ps, "critical path" };
    for (uint32_t class = 0; class < view->class_count; class ++)
        b->way_begin[class + 1] = b->way_begin[class] + list_ways(view, granularity, class, NULL);
    b->ways = mem_alloc(b->way_begin[view->class_count], sizeof *b->ways);
    for (uint32_t class = 0; class < view->class_count; class ++)
        list_ways(view, granularity, class, b->ways + b->way_begin[class]);
    for (uint32_t kind = 0; kind < view->kind_count; kind++)
        for (int resource = 0; resource < BOUNDS_RESOURCE_COUNT; resource++)
            b->capacity[kind * BOUNDS_RESOURCE_COUNT + resource] =
                capacity_of(&view->capacity[kind], resource);
    for (uint32_t layer = 0; layer < view->layer_count; layer++)
        b->layers_of[view->problem->class_of[layer]]++;
}

void bounds_release(struct bounds *b)
{
    free(b->ways);
    free(b->way_begin);
    free(b->capacity);
    free(b->layers_of);
    paths_release(&b->paths);
}

void mapper_lower_bounds(const struct problem *problem, enum granularity granularity,
                         struct lower_bound *plain, struct lower_bound *contended)
{
    struct view view;
    struct bounds bounds;
    struct bounds_window window;
    view_init(&view, problem);
    bounds_init(&bounds, &view, granularity);
    bounds_try_loads(&bounds, &window);
    bounds_try_routes(&bounds, window);
    *plain = bounds.best;
    if (contended) {
        bounds_offer(&bounds, bounds_links_ps(&bounds), "link load");
        *contended = bounds.best;
    }
    bounds_release(&bounds);
    view_release(&view);
}

struct lower_bound mapper_lower_bound(const struct problem *problem, enum granularity granularity)
{
    struct lower_bound plain;
    mapper_lower_bounds(problem, granularity, &plain, NULL);
    return plain;
}

struct lower_bound mapper_contended_bound(const struct problem *problem,
                                          enum granularity granularity)
{
    struct lower_bound plain, contended;
    mapper_lower_bounds(problem, granularity, &plain, &contended);
    return contended;
}
