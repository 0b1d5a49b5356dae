/* The options of every layer class on every accelerator: cost_build_problem(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "cost/cost.h"

#define OPTIONS_MAX     16 /* per (class, accelerator) */
#define VECTOR_HALVINGS 4  /* narrower allotments of layers without MACs */

struct builder {
    const struct soc *soc;
    const struct cost_options *options;
    struct problem *problem;
    uint32_t *kind_of;     /* [accelerator]: the first one that takes the same cycles */
    size_t *option_counts; /* [accelerator]: scratch of most_options() */
    size_t count;          /* options of all classes and accelerators so far */
    struct err refusal;    /* the last accelerator that a class did not fit on */
};

/* --- accelerators that take the same cycles --------------------------------------------------- */

static bool same_cycles(const struct soc_accelerator *a, const struct soc_accelerator *b)
{
    return a->dataflow == b->dataflow && a->pe_rows == b->pe_rows && a->pe_cols == b->pe_cols &&
           a->supports == b->supports && a->scratchpad_bytes == b->scratchpad_bytes &&
           a->scratchpad_bytes_per_cycle == b->scratchpad_bytes_per_cycle &&
           a->vector_lanes == b->vector_lanes;
}

static void find_kinds(struct builder *builder)
{
    const struct soc *soc = builder->soc;
    builder->kind_of = mem_alloc(soc->accelerator_count, sizeof *builder->kind_of);
    builder->option_counts = mem_alloc(soc->accelerator_count, sizeof *builder->option_counts);
    for (uint32_t acc = 0; acc < soc->accelerator_count; acc++) {
        uint32_t first = 0;
        while (first < acc && (builder->kind_of[first] != first ||
                               !same_cycles(&soc->accelerators[first], &soc->accelerators[acc])))
            first++;
        builder->kind_of[acc] = first;
    }
}

/* --- allotments ------------------------------------------------------------------------------ */

/*
 * Narrower allotments, M-16: rows for p passes over the folded extent, trimmed so that no pass has
 * rows to spare, for p growing by about a fifth each time. Returns the count, widest first; 0 where
 * the accelerator cannot run the layer.
 */
static size_t allotments(const struct layer_shape *shape, const struct soc_accelerator *acc,
                         bool elastic, uint32_t pes[OPTIONS_MAX])
{
    size_t count = 0;
    pes[count++] = cost_natural_pes(shape, acc);
    if (pes[0] == 0)
        return 0;
    if (!elastic)
        return count;
    if (!op_kind_has_macs(shape->kind)) {
        for (unsigned i = 0; i < VECTOR_HALVINGS && pes[count - 1] > 1; i++, count++)
            pes[count] = pes[count - 1] / 2;
        return count;
    }
    uint64_t extent = cost_row_extent(shape, acc);
    uint32_t row_pes = cost_row_pes(shape, acc);
    uint64_t passes = ceil_div_u64(extent, pes[0] / row_pes);
    while (count < OPTIONS_MAX) {
        uint64_t rows = ceil_div_u64(extent, passes);
        if (rows * row_pes < pes[count - 1])
            pes[count++] = (uint32_t)(rows * row_pes);
        if (rows == 1)
            break;
        passes = max_u64(ceil_div_u64(extent, rows - 1), passes + passes / 5);
    }
    return count;
}

/* Costs of a class on one accelerator. Allotments whose tiles do not fit are left out. */
static enum err_code cost_class(struct builder *builder, const struct layer_shape *shape,
                                const struct soc_accelerator *acc, struct err *err)
{
    uint32_t pes[OPTIONS_MAX];
    size_t count = allotments(shape, acc, builder->options->elastic, pes);
    for (size_t i = 0; i < count; i++) {
        struct layer_option option;
        struct err why = ERR_INIT;
        enum err_code rc = cost_layer(shape, acc, &builder->soc->energy, pes[i], &option, &why);
        if (rc == ERR_OK) {
            builder->problem->options[builder->count++] = option;
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

static enum err_code no_option(const struct builder *builder, uint32_t layer,
                               const struct layer_shape *shape, struct err *err)
{
    char name[512];
    workload_layer_name(builder->problem->workload, layer, name, sizeof name);
    const char *kind = op_kind_names[shape->kind];
    if (builder->refusal.code != ERR_OK)
        return err_set(err, ERR_INFEASIBLE, "layer \"%s\" fits no accelerator: %s", name,
                       builder->refusal.text);
    return err_set(err, ERR_INFEASIBLE,
                   "layer \"%s\" is of kind %s, which no accelerator of \"%s\" runs: add \"%s\" to "
                   "\"supports\" of one%s",
                   name, kind, builder->soc->name, kind,
                   op_kind_has_macs(shape->kind) ? " whose dataflow has a rule for it" : "");
}

/* Copies what an equal accelerator takes: it has a lower number. */
static void copy_class(struct builder *builder, const uint32_t *begin, uint32_t kind)
{
    struct layer_option *options = builder->problem->options;
    size_t count = begin[kind + 1] - begin[kind];
    memcpy(options + builder->count, options + begin[kind], count * sizeof *options);
    builder->count += count;
}

/* Options of one class on all accelerators; equal accelerators share the work. */
static enum err_code build_class(struct builder *builder, uint32_t class_index, struct err *err)
{
    struct problem *problem = builder->problem;
    const struct soc *soc = builder->soc;
    uint32_t layer = problem->class_layer[class_index];
    const struct layer_shape *shape = &workload_layer(problem->workload, layer)->shape;
    uint32_t *begin = problem->option_begin + (size_t)class_index * problem->accelerator_count;
    builder->refusal = (struct err)ERR_INIT;
    for (uint32_t acc = 0; acc < problem->accelerator_count; acc++) {
        uint32_t kind = builder->kind_of[acc];
        struct err why = ERR_INIT;
        enum err_code rc = ERR_OK;
        if (kind != acc)
            copy_class(builder, begin, kind);
        else
            rc = cost_class(builder, shape, &soc->accelerators[acc], &why);
        if (rc != ERR_OK) {
            char name[512];
            workload_layer_name(problem->workload, layer, name, sizeof name);
            return err_set(err, rc, "layer \"%s\": %s", name, why.text);
        }
        begin[acc + 1] = (uint32_t)builder->count;
    }
    if (begin[0] == builder->count)
        return no_option(builder, layer, shape, err);
    return ERR_OK;
}

/* Every accelerator's own times, after all classes have been costed and copied. */
static void place_options(const struct builder *builder)
{
    const struct soc *soc = builder->soc;
    const struct problem *problem = builder->problem;
    size_t pairs = problem->class_count * problem->accelerator_count;
    uint32_t *channels = mem_alloc(soc->accelerator_count, sizeof *channels);
    for (size_t acc = 0; acc < soc->accelerator_count; acc++)
        channels[acc] = soc_channel_of(soc, acc);
    for (size_t at = 0; at < pairs; at++) {
        uint32_t acc = (uint32_t)(at % problem->accelerator_count);
        for (uint32_t i = problem->option_begin[at]; i < problem->option_begin[at + 1]; i++)
            place_option(soc, acc, channels[acc], &problem->options[i]);
    }
    free(channels);
}

/* Room for the options of all classes: exact unless allotments turn out not to fit. */
static size_t most_options(const struct builder *builder)
{
    const struct problem *problem = builder->problem;
    size_t count = 0;
    for (uint32_t class_index = 0; class_index < problem->class_count; class_index++) {
        const struct layer_shape *shape =
            &workload_layer(problem->workload, problem->class_layer[class_index])->shape;
        size_t of_class = 0;
        for (uint32_t acc = 0; acc < problem->accelerator_count; acc++) {
            uint32_t pes[OPTIONS_MAX];
            if (builder->kind_of[acc] == acc)
                builder->option_counts[acc] = allotments(shape, &builder->soc->accelerators[acc],
                                                         builder->options->elastic, pes);
            of_class += builder->option_counts[builder->kind_of[acc]];
        }
        count += of_class;
    }
    return count;
}

static enum err_code build_options(struct builder *builder, struct err *err)
{
    struct problem *problem = builder->problem;
    size_t pairs = problem->class_count * problem->accelerator_count;
    size_t most = most_options(builder);
    if (most > UINT32_MAX)
        return err_set(err, ERR_LIMIT, "the table of costs exceeds 2^32 entries");
    problem->option_begin = ARENA_ARRAY(problem->arena, uint32_t, pairs + 1);
    problem->options = ARENA_ARRAY(problem->arena, struct layer_option, most);
    for (uint32_t i = 0; i < problem->class_count; i++) {
        enum err_code rc = build_class(builder, i, err);
        if (rc != ERR_OK)
            return rc;
    }
    place_options(builder);
    return ERR_OK;
}

enum err_code cost_build_problem(const struct soc *soc, const struct workload *workload,
                                 const struct cost_options *options, struct problem *out,
                                 struct err *err)
{
    struct problem problem;
    enum err_code rc = problem_init(&problem, soc, workload, err);
    if (rc != ERR_OK)
        return rc;
    struct builder builder = { .soc = soc, .options = options, .problem = &problem };
    find_kinds(&builder);
    rc = build_options(&builder, err);
    if (rc == ERR_OK)
        rc = problem_check_times(&problem, err);
    free(builder.kind_of);
    free(builder.option_counts);
    if (rc == ERR_OK)
        *out = problem;
    else
        problem_release(&problem);
    return rc;
}
