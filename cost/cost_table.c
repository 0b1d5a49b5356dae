/* The options of every layer class on every accelerator: cost_build_problem(). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "core/text.h"
#include "cost/cost_memo.h"

struct builder {
    const struct soc *soc;
    enum cost_sharing sharing;
    struct cost_memo *memo; /* NULL: none */
    struct problem *problem;
    /* [accelerator]: the first one that takes the same cycles, and the first one whose options are
     * the same in every figure. */
    uint32_t *kind_of, *twin_of;
    uint32_t *channel_of;      /* [accelerator] */
    struct cost_class *costed; /* [accelerator], where it is the first of its kind: of this class */
    struct err refusal;        /* the last accelerator that a class did not fit on */
};

/* --- accelerators that take the same cycles --------------------------------------------------- */

static bool same_cycles(const struct soc_accelerator *a, const struct soc_accelerator *b)
{
    return a->dataflow == b->dataflow && a->pe_rows == b->pe_rows && a->pe_cols == b->pe_cols &&
           a->supports == b->supports && a->scratchpad_bytes == b->scratchpad_bytes &&
           a->scratchpad_bytes_per_cycle == b->scratchpad_bytes_per_cycle &&
           a->vector_lanes == b->vector_lanes;
}

/* Do packets take the same time and energy on both routes? */
static bool routes_alike(const struct soc *soc, uint32_t from_a, uint32_t to_a, uint32_t from_b,
                         uint32_t to_b)
{
    uint32_t a = soc->route_begin[(size_t)from_a * soc->place_count + to_a];
    uint32_t b = soc->route_begin[(size_t)from_b * soc->place_count + to_b];
    size_t hops = soc_hops(soc, from_a, to_a);
    if (hops != soc_hops(soc, from_b, to_b))
        return false;
    for (size_t i = 0; i < hops; i++) {
        const struct soc_link *x = &soc->links[soc->route_links[a + i]];
        const struct soc_link *y = &soc->links[soc->route_links[b + i]];
        if (x->bytes_per_s != y->bytes_per_s || x->latency_ps != y->latency_ps)
            return false;
    }
    return true;
}

static bool same_figures(const struct builder *builder, uint32_t a, uint32_t b)
{
    const struct soc *soc = builder->soc;
    const struct soc_channel *x = &soc->channels[builder->channel_of[a]];
    const struct soc_channel *y = &soc->channels[builder->channel_of[b]];
    uint32_t place_a = soc->accelerators[a].place, place_b = soc->accelerators[b].place;
    if (builder->kind_of[a] != builder->kind_of[b] ||
        soc->accelerators[a].clock_hz != soc->accelerators[b].clock_hz ||
        x->unlimited != y->unlimited)
        return false;
    return x->unlimited || (x->bytes_per_s == y->bytes_per_s && x->latency_ps == y->latency_ps &&
                            routes_alike(soc, x->place, place_a, y->place, place_b) &&
                            routes_alike(soc, place_a, x->place, place_b, y->place));
}

static void find_kinds(struct builder *builder)
{
    const struct soc *soc = builder->soc;
    for (uint32_t acc = 0; acc < soc->accelerator_count; acc++) {
        uint32_t first = 0;
        while (first < acc && (builder->kind_of[first] != first ||
                               !same_cycles(&soc->accelerators[first], &soc->accelerators[acc])))
            first++;
        builder->kind_of[acc] = first;
        builder->channel_of[acc] = soc_channel_of(soc, acc);
        first = 0;
        while (first < acc &&
               (builder->twin_of[first] != first || !same_figures(builder, first, acc)))
            first++;
        builder->twin_of[acc] = first;
    }
}

/* Costs of a class on one kind. Allotments whose tiles do not fit are left out. */
static enum err_code cost_class(struct builder *builder, const struct layer_shape *shape,
                                const struct soc_accelerator *acc, struct cost_class *costed,
                                struct err *err)
{
    const struct soc_energy *energy = &builder->soc->energy;
    struct cost_allotment allotments[COST_OPTIONS_MAX];
    size_t count = cost_allotments(shape, acc, energy, builder->sharing, allotments);
    costed->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct err why = ERR_INIT;
        enum err_code rc = cost_allotted_layer(shape, acc, energy, &allotments[i],
                                               &costed->options[costed->count], &why);
        if (rc == ERR_OK) {
            costed->count++;
        } else if (rc == ERR_INFEASIBLE) {
            builder->refusal = (struct err)ERR_INIT;
            err_set(&builder->refusal, rc, "on accelerator \"%s\" %s", acc->name, why.text);
        } else {
            return err_set(err, rc, "%s", why.text);
        }
    }
    return ERR_OK;
}

/* --- place and clock ------------------------------------------------------------------------- */

/* One packet through the accelerator's channel, alone in the SoC. M-17 */
static uint64_t memory_ps(const struct soc *soc, const struct soc_channel *channel, uint32_t from,
                          uint32_t to, uint64_t bytes)
{
    if (bytes == 0 || channel->unlimited)
        return 0;
    uint64_t channel_ps = channel->latency_ps + bytes_to_ps(bytes, channel->bytes_per_s);
    uint64_t route_ps = soc_route_ps(soc, from, to, bytes);
    return channel_ps > NUM_MAX_SIZE - route_ps ? NUM_MAX_SIZE : channel_ps + route_ps;
}

/* The times, and the energy of the links, that depend on where the accelerator is and on its clock.
 * M-18 */
static void place_option(const struct soc *soc, uint32_t acc, uint32_t channel_index,
                         struct layer_option *option)
{
    const struct soc_channel *channel = &soc->channels[channel_index];
    uint32_t here = soc->accelerators[acc].place, there = channel->place;
    option->compute_ps = cost_compute_ps(option->cycles, &soc->accelerators[acc]);
    option->memory_read_ps = memory_ps(soc, channel, there, here, option->memory_read_bytes);
    option->memory_write_ps = memory_ps(soc, channel, here, there, option->memory_write_bytes);
    if (channel->unlimited)
        return;
    double link_bytes = (double)option->memory_read_bytes * (double)soc_hops(soc, there, here) +
                        (double)option->memory_write_bytes * (double)soc_hops(soc, here, there);
    double link_pj = link_bytes * soc->energy.hop_pj_per_byte;
    option->energy.memory_pj += link_pj;
    option->energy_pj += link_pj;
}

/* --- the table ------------------------------------------------------------------------------- */

static bool is_run(const struct soc *soc, const struct layer_shape *shape)
{
    for (size_t acc = 0; acc < soc->accelerator_count; acc++)
        if (cost_natural_pes(shape, &soc->accelerators[acc]) > 0)
            return true;
    return false;
}

/* The other kinds that nobody runs, `"movement" (2 layers)`, so that one look is enough. */
static void name_other_kinds(const struct builder *builder, enum op_kind told, struct text *out)
{
    const struct problem *problem = builder->problem;
    size_t layers[OP_KIND_COUNT] = { 0 };
    for (uint32_t l = 0; l < problem->layer_count; l++) {
        const struct layer_shape *shape = &workload_layer(problem->workload, l)->shape;
        if (shape->kind != told && !is_run(builder->soc, shape))
            layers[shape->kind]++;
    }
    for (size_t kind = 0; kind < OP_KIND_COUNT; kind++)
        if (layers[kind] > 0)
            text_printf(out, "%s\"%s\" (%zu layer%s)", out->bytes ? ", " : "; likewise ",
                        op_kind_names[kind], layers[kind], layers[kind] == 1 ? "" : "s");
}

static enum err_code no_option(const struct builder *builder, uint32_t layer,
                               const struct layer_shape *shape, struct err *err)
{
    char name[512];
    workload_layer_name(builder->problem->workload, layer, name, sizeof name);
    const char *kind = op_kind_names[shape->kind];
    if (builder->refusal.code != ERR_OK)
        return err_set(err, ERR_INFEASIBLE, "layer \"%s\" fits no accelerator: %s", name,
                       builder->refusal.text);
    struct text others = { 0 };
    name_other_kinds(builder, shape->kind, &others);
    enum err_code rc =
        err_set(err, ERR_INFEASIBLE,
                "layer \"%s\" is of kind %s, which no accelerator of \"%s\" runs: add \"%s\" to "
                "\"supports\" of one%s%s",
                name, kind, builder->soc->name, kind,
                op_kind_has_macs(shape->kind) ? " whose dataflow has a rule for it" : "",
                others.data ? others.data : "");
    text_release(&others);
    return rc;
}

/* The same, from the memo if it is there. What was refused is costed again, for its reason. */
static enum err_code remember_class(struct builder *builder, const struct layer_shape *shape,
                                    uint32_t acc, struct cost_class *costed, struct err *err)
{
    if (builder->memo && cost_memo_find(builder->memo, shape, acc, costed))
        return ERR_OK;
    enum err_code rc = cost_class(builder, shape, &builder->soc->accelerators[acc], costed, err);
    if (rc == ERR_OK && builder->memo && costed->count > 0)
        cost_memo_add(builder->memo, shape, acc, costed);
    return rc;
}

/* Options of one class on all accelerators; accelerators of one kind share the work, and those that
 * are alike in every figure the result. */
static enum err_code build_class(struct builder *builder, uint32_t class_index, struct err *err)
{
    struct problem *problem = builder->problem;
    const struct soc *soc = builder->soc;
    uint32_t layer = problem->class_layer[class_index], count = 0;
    const struct layer_shape *shape = &workload_layer(problem->workload, layer)->shape;
    struct problem_options *options =
        problem->options + (size_t)class_index * problem->accelerator_count;
    builder->refusal = (struct err)ERR_INIT;
    for (uint32_t acc = 0; acc < problem->accelerator_count; acc++) {
        struct cost_class *costed = &builder->costed[builder->kind_of[acc]];
        struct err why = ERR_INIT;
        enum err_code rc = ERR_OK;
        if (builder->kind_of[acc] == acc)
            rc = remember_class(builder, shape, acc, costed, &why);
        if (rc != ERR_OK) {
            char name[512];
            workload_layer_name(problem->workload, layer, name, sizeof name);
            return err_set(err, rc, "layer \"%s\": %s", name, why.text);
        }
        count += costed->count;
        if (builder->twin_of[acc] != acc) {
            options[acc] = options[builder->twin_of[acc]];
            continue;
        }
        options[acc].count = costed->count;
        options[acc].items = ARENA_ARRAY(problem->arena, struct layer_option, costed->count);
        for (uint32_t i = 0; i < costed->count; i++) {
            options[acc].items[i] = costed->options[i];
            place_option(soc, acc, builder->channel_of[acc], &options[acc].items[i]);
        }
    }
    return count > 0 ? ERR_OK : no_option(builder, layer, shape, err);
}

static enum err_code build_options(struct builder *builder, struct err *err)
{
    struct problem *problem = builder->problem;
    size_t accs = problem->accelerator_count;
    builder->kind_of = mem_alloc(accs, sizeof *builder->kind_of);
    builder->twin_of = mem_alloc(accs, sizeof *builder->twin_of);
    builder->channel_of = mem_alloc(accs, sizeof *builder->channel_of);
    builder->costed = mem_alloc(accs, sizeof *builder->costed);
    find_kinds(builder);
    problem->options =
        ARENA_ARRAY(problem->arena, struct problem_options, problem->class_count * accs);
    problem->sharing = cost_sharing_names[builder->sharing];
    enum err_code rc = ERR_OK;
    for (uint32_t i = 0; i < problem->class_count && rc == ERR_OK; i++)
        rc = build_class(builder, i, err);
    free(builder->kind_of);
    free(builder->twin_of);
    free(builder->channel_of);
    free(builder->costed);
    return rc;
}

enum err_code cost_build_problem(const struct soc *soc, const struct workload *workload,
                                 const struct cost_options *options, struct problem *out,
                                 struct err *err)
{
    struct problem problem;
    enum err_code rc = problem_init(&problem, soc, workload, err);
    if (rc != ERR_OK)
        return rc;
    assert(!options->memo || cost_memo_is_for(options->memo, soc, options->sharing));
    struct builder builder = {
        .soc = soc, .sharing = options->sharing, .memo = options->memo, .problem = &problem
    };
    rc = build_options(&builder, err);
    if (rc == ERR_OK)
        rc = problem_check_times(&problem, err);
    if (rc == ERR_OK)
        *out = problem;
    else
        problem_release(&problem);
    return rc;
}
