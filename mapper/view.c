#include "mapper/view.h"

#include <assert.h>
#include <float.h>
#include <string.h>

#include "core/num.h"

static bool capacities_equal(const struct soc_accelerator *a, const struct soc_accelerator *b)
{
    return soc_pes(a) == soc_pes(b) && a->scratchpad_bytes == b->scratchpad_bytes &&
           a->shared_layers_max == b->shared_layers_max;
}

static bool options_equal(const struct layer_option *a, const struct layer_option *b)
{
    return a->pes == b->pes && a->tiles == b->tiles && a->compute_ps == b->compute_ps &&
           a->scratchpad_bytes == b->scratchpad_bytes && a->memory_read_ps == b->memory_read_ps &&
           a->memory_write_ps == b->memory_write_ps && a->energy_pj == b->energy_pj;
}

static bool accelerators_equal(const struct problem *p, uint32_t a, uint32_t b)
{
    if (!capacities_equal(&p->soc->accelerators[a], &p->soc->accelerators[b]))
        return false;
    for (size_t class = 0; class < p->class_count; class ++) {
        uint32_t layer = p->class_layer[class];
        size_t count = problem_option_count(p, layer, a);
        if (count != problem_option_count(p, layer, b))
            return false;
        for (uint32_t i = 0; i < count; i++)
            if (!options_equal(problem_option(p, layer, a, i), problem_option(p, layer, b, i)))
                return false;
    }
    return true;
}

static void find_kinds(struct view *view)
{
    const struct problem *p = view->problem;
    uint32_t accs = view->accelerator_count;
    uint32_t *first = ARENA_ARRAY(view->arena, uint32_t, accs);
    view->kind_of = ARENA_ARRAY(view->arena, uint32_t, accs);
    for (uint32_t acc = 0; acc < accs; acc++) {
        uint32_t kind = 0;
        while (kind < view->kind_count && !accelerators_equal(p, first[kind], acc))
            kind++;
        if (kind == view->kind_count)
            first[view->kind_count++] = acc;
        view->kind_of[acc] = kind;
    }
    view->kind_begin = ARENA_ARRAY(view->arena, uint32_t, view->kind_count + 1);
    view->kind_accs = ARENA_ARRAY(view->arena, uint32_t, accs);
    view->capacity = ARENA_ARRAY(view->arena, struct view_capacity, view->kind_count);
    uint32_t at = 0;
    for (uint32_t kind = 0; kind < view->kind_count; kind++) {
        const struct soc_accelerator *acc = &p->soc->accelerators[first[kind]];
        view->capacity[kind] =
            (struct view_capacity){ soc_pes(acc), acc->scratchpad_bytes, acc->shared_layers_max };
        if (acc->shared_layers_max > view->share_max)
            view->share_max = acc->shared_layers_max;
        view->kind_begin[kind] = at;
        for (uint32_t i = 0; i < accs; i++)
            if (view->kind_of[i] == kind)
                view->kind_accs[at++] = i;
    }
    view->kind_begin[view->kind_count] = at;
}

double view_option_pj(const struct problem *problem, const struct layer_option *option)
{
    return option->energy_pj -
           (double)option->pes * (double)option->cycles * problem->soc->energy.pe_idle_pj_per_cycle;
}

static void fill_class(struct view *view, uint32_t class)
{
    const struct problem *p = view->problem;
    uint32_t layer = p->class_layer[class];
    view->fastest_ps[class] = FLT_MAX;
    for (uint32_t acc = 0; acc < view->accelerator_count; acc++) {
        size_t at = (size_t) class * view->accelerator_count + acc;
        view->duration_ps[at] = VIEW_NEVER;
        if (problem_option_count(p, layer, acc) == 0)
            continue;
        const struct layer_option *option = problem_option(p, layer, acc, 0);
        uint64_t duration_ps = view_option_ps(option);
        view->duration_ps[at] = duration_ps;
        view->write_ps[at] = option->memory_write_ps;
        view->energy_pj[at] = view_option_pj(p, option);
        if ((float)duration_ps < view->fastest_ps[class])
            view->fastest_ps[class] = (float)duration_ps;
        view->need[(size_t) class * view->kind_count + view->kind_of[acc]] = (struct view_need){
            .scratchpad_bytes = option->scratchpad_bytes,
            .pes = option->pes,
            .area = (float)option->pes * (float)duration_ps,
            .duration_ps = (float)duration_ps,
        };
    }
}

static void list_support(struct view *view)
{
    uint32_t accs = view->accelerator_count;
    size_t total = 0;
    for (size_t i = 0; i < (size_t)view->class_count * accs; i++)
        total += view->duration_ps[i] != VIEW_NEVER;
    view->support_begin = ARENA_ARRAY(view->arena, uint32_t, view->class_count + 1);
    view->support = ARENA_ARRAY(view->arena, uint32_t, total);
    uint32_t at = 0;
    for (uint32_t class = 0; class < view->class_count; class ++) {
        view->support_begin[class] = at;
        for (uint32_t acc = 0; acc < accs; acc++)
            if (view->duration_ps[(size_t) class * accs + acc] != VIEW_NEVER)
                view->support[at++] = acc;
        assert(at > view->support_begin[class]); /* cost_build_problem() has seen to it */
    }
    view->support_begin[view->class_count] = at;
}

void view_init(struct view *view, const struct problem *problem)
{
    *view = (struct view){
        .problem = problem,
        .layer_count = (uint32_t)problem->layer_count,
        .accelerator_count = (uint32_t)problem->accelerator_count,
        .class_count = (uint32_t)problem->class_count,
        .arena = arena_new(),
    };
    find_kinds(view);
    size_t cells = problem->class_count * problem->accelerator_count;
    view->need =
        ARENA_ARRAY(view->arena, struct view_need, problem->class_count * view->kind_count);
    view->duration_ps = ARENA_ARRAY(view->arena, uint64_t, cells);
    view->write_ps = ARENA_ARRAY(view->arena, uint64_t, cells);
    view->energy_pj = ARENA_ARRAY(view->arena, double, cells);
    view->fastest_ps = ARENA_ARRAY(view->arena, float, problem->class_count);
    for (uint32_t class = 0; class < view->class_count; class ++)
        fill_class(view, class);
    list_support(view);
    view->pred_count = ARENA_ARRAY(view->arena, uint32_t, problem->layer_count);
    for (size_t layer = 0; layer < problem->layer_count; layer++)
        view->pred_count[layer] = problem->pred_begin[layer + 1] - problem->pred_begin[layer];
    for (size_t acc = 0; acc < problem->accelerator_count; acc++)
        view->idle_pj_per_ps += (double)soc_pes(&problem->soc->accelerators[acc]) *
                                (double)problem->soc->accelerators[acc].clock_hz / PS_PER_S *
                                problem->soc->energy.pe_idle_pj_per_cycle;
}

void view_release(struct view *view)
{
    arena_free(view->arena);
    *view = (struct view){ 0 };
}
