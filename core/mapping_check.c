/*
 * The judge of legality. Every rule is a function with its own sentence; the first one broken wins.
 * The rules stand in core/mapping.h.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/mapping.h"
#include "core/names.h"
#include "core/num.h"

#define NONE UINT32_MAX

struct judge {
    const struct problem *problem;
    const struct mapping *mapping;
    const struct schedule *schedule; /* NULL: no times */
    enum granularity granularity;
    struct err *err;
    uint32_t *position;     /* [layer]: index of its placement, or NONE */
    uint64_t *leave_ps;     /* [layer]: when its result leaves */
    uint64_t *group_end_ps; /* [group] */
};

/* --- words ----------------------------------------------------------------------------------- */

struct name {
    char text[2 * NAMES_BYTES_MAX + 32];
};

static const char *layer_name(const struct judge *judge, uint32_t layer, struct name *name)
{
    return workload_layer_name(judge->problem->workload, layer, name->text, sizeof name->text);
}

static const char *accelerator_name(const struct judge *judge, uint32_t accelerator)
{
    return judge->problem->soc->accelerators[accelerator].name;
}

#define FAIL(judge, ...) err_set((judge)->err, ERR_MAPPING, __VA_ARGS__)

static const struct layer_option *option_at(const struct judge *judge, const struct placement *at)
{
    return problem_option(judge->problem, at->layer, at->accelerator, at->option);
}

/* --- rules about single placements ----------------------------------------------------------- */

static enum err_code check_each_once(struct judge *judge)
{
    const struct mapping *mapping = judge->mapping;
    struct name name;
    for (size_t layer = 0; layer < judge->problem->layer_count; layer++)
        judge->position[layer] = NONE;
    for (size_t i = 0; i < mapping->placement_count; i++) {
        uint32_t layer = mapping->placements[i].layer;
        if (layer >= judge->problem->layer_count)
            return FAIL(judge, "placement %zu has layer number %" PRIu32 ", there are %zu layers",
                        i, layer, judge->problem->layer_count);
        if (judge->position[layer] != NONE)
            return FAIL(judge, "layer %s is placed twice", layer_name(judge, layer, &name));
        judge->position[layer] = (uint32_t)i;
    }
    for (uint32_t layer = 0; layer < judge->problem->layer_count; layer++)
        if (judge->position[layer] == NONE)
            return FAIL(judge, "layer %s is not placed", layer_name(judge, layer, &name));
    return ERR_OK;
}

static enum err_code check_supported(struct judge *judge)
{
    struct name name;
    for (size_t i = 0; i < judge->mapping->placement_count; i++) {
        const struct placement *at = &judge->mapping->placements[i];
        if (at->accelerator >= judge->problem->accelerator_count)
            return FAIL(judge, "layer %s is on accelerator number %u, there are %zu",
                        layer_name(judge, at->layer, &name), at->accelerator,
                        judge->problem->accelerator_count);
        size_t options = problem_option_count(judge->problem, at->layer, at->accelerator);
        if (options == 0)
            return FAIL(judge, "layer %s is on accelerator %s, which does not support it",
                        layer_name(judge, at->layer, &name),
                        accelerator_name(judge, at->accelerator));
        if (at->option >= options)
            return FAIL(judge, "layer %s has allotment number %u on accelerator %s, there are %zu",
                        layer_name(judge, at->layer, &name), at->option,
                        accelerator_name(judge, at->accelerator), options);
    }
    return ERR_OK;
}

static enum err_code check_topological(struct judge *judge)
{
    const struct problem *p = judge->problem;
    struct name name, pred_name;
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        for (uint32_t edge = p->pred_begin[layer]; edge < p->pred_begin[layer + 1]; edge++)
            if (judge->position[p->preds[edge].layer] > judge->position[layer])
                return FAIL(judge, "layer %s stands before layer %s, whose result it needs",
                            layer_name(judge, layer, &name),
                            layer_name(judge, p->preds[edge].layer, &pred_name));
    return ERR_OK;
}

/* --- rules about groups ---------------------------------------------------------------------- */

static enum err_code check_group_numbers(struct judge *judge)
{
    const struct mapping *mapping = judge->mapping;
    bool by_layer = mapping->discipline == MAPPING_BY_LAYER;
    struct name name;
    uint32_t next = 0; /* the number of a new group */
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        bool joins = i > 0 && at->group == next - 1;
        if (joins && by_layer)
            return FAIL(judge,
                        "layer %s shares group %" PRIu32 "; by layer, groups are single layers",
                        layer_name(judge, at->layer, &name), at->group);
        if (!joins && at->group != next)
            return FAIL(judge,
                        "layer %s has group number %" PRIu32 ", expected %" PRIu32
                        " (numbers ascend from 0 without a gap)",
                        layer_name(judge, at->layer, &name), at->group, next);
        next += !joins;
    }
    return ERR_OK;
}

/* Along the order, any way between two members passes through the group: looking at the direct
 * predecessors is enough. */
static enum err_code check_group_independent(struct judge *judge)
{
    const struct problem *p = judge->problem;
    const struct placement *placements = judge->mapping->placements;
    struct name name, pred_name;
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        for (uint32_t edge = p->pred_begin[layer]; edge < p->pred_begin[layer + 1]; edge++) {
            uint32_t pred = p->preds[edge].layer;
            if (placements[judge->position[layer]].group == placements[judge->position[pred]].group)
                return FAIL(judge, "layer %s is in one group with layer %s, whose result it needs",
                            layer_name(judge, layer, &name), layer_name(judge, pred, &pred_name));
        }
    return ERR_OK;
}

/* What layers that run at the same time hold of an accelerator. */
struct holding {
    uint64_t pes, scratchpad_bytes, layers;
};

/* `when` completes the sentence: "in group 3", "at 17 ps". */
static enum err_code check_holding(struct judge *judge, const struct holding *held,
                                   const struct placement *last, const char *when, uint64_t number)
{
    const struct soc_accelerator *acc = &judge->problem->soc->accelerators[last->accelerator];
    struct name name;
    if (held->pes > soc_pes(acc))
        return FAIL(judge,
                    "with layer %s, accelerator %s needs %" PRIu64 " PEs %s%" PRIu64
                    ", it has %" PRIu64,
                    layer_name(judge, last->layer, &name), acc->name, held->pes, when, number,
                    soc_pes(acc));
    if (held->scratchpad_bytes > acc->scratchpad_bytes)
        return FAIL(judge,
                    "with layer %s, accelerator %s needs %" PRIu64 " bytes of scratchpad %s%" PRIu64
                    ", it has %" PRIu64,
                    layer_name(judge, last->layer, &name), acc->name, held->scratchpad_bytes, when,
                    number, acc->scratchpad_bytes);
    if (held->layers > acc->shared_layers_max)
        return FAIL(judge,
                    "with layer %s, accelerator %s runs %" PRIu64 " layers at once %s%" PRIu64
                    ", it may share itself among %" PRIu32,
                    layer_name(judge, last->layer, &name), acc->name, held->layers, when, number,
                    acc->shared_layers_max);
    return ERR_OK;
}

static void hold(struct holding *held, const struct layer_option *option)
{
    held->pes += option->pes;
    held->scratchpad_bytes += option->scratchpad_bytes;
    held->layers++;
}

static void let_go(struct holding *held, const struct layer_option *option)
{
    held->pes -= option->pes;
    held->scratchpad_bytes -= option->scratchpad_bytes;
    held->layers--;
}

static enum err_code check_group_fits(struct judge *judge)
{
    const struct mapping *mapping = judge->mapping;
    struct name name, first_name;
    struct holding held = { 0 };
    size_t first = 0;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < mapping->placement_count && rc == ERR_OK; i++) {
        const struct placement *at = &mapping->placements[i];
        if (at->group != mapping->placements[first].group) {
            first = i;
            held = (struct holding){ 0 };
        }
        if (at->accelerator != mapping->placements[first].accelerator)
            return FAIL(judge, "group %" PRIu32 " is spread: layer %s is on %s, layer %s on %s",
                        at->group, layer_name(judge, mapping->placements[first].layer, &first_name),
                        accelerator_name(judge, mapping->placements[first].accelerator),
                        layer_name(judge, at->layer, &name),
                        accelerator_name(judge, at->accelerator));
        hold(&held, option_at(judge, at));
        rc = check_holding(judge, &held, at, "in group ", at->group);
    }
    return rc;
}

/* --- rules about times ----------------------------------------------------------------------- */

static enum err_code check_schedule_covers(struct judge *judge)
{
    if (judge->schedule->layer_count != judge->problem->layer_count)
        return FAIL(judge, "the schedule has %zu layers, the workload %zu",
                    judge->schedule->layer_count, judge->problem->layer_count);
    return ERR_OK;
}

/* The least a layer takes once it runs. docs/model.md M-30. */
static uint64_t least_ps(const struct judge *judge, const struct layer_option *option)
{
    return judge->granularity == GRANULARITY_LAYER
               ? max_u64(option->compute_ps, option->memory_read_ps)
               : option->compute_ps;
}

static enum err_code check_durations(struct judge *judge)
{
    const struct schedule *times = judge->schedule;
    struct name name;
    for (size_t i = 0; i < judge->mapping->placement_count; i++) {
        const struct placement *at = &judge->mapping->placements[i];
        uint64_t start_ps = times->start_ps[at->layer], end_ps = times->end_ps[at->layer];
        uint64_t least = least_ps(judge, option_at(judge, at));
        if (end_ps < start_ps || end_ps - start_ps < least)
            return FAIL(judge,
                        "layer %s runs from %" PRIu64 " to %" PRIu64
                        " ps on accelerator %s, it takes at least %" PRIu64 " ps",
                        layer_name(judge, at->layer, &name), start_ps, end_ps,
                        accelerator_name(judge, at->accelerator), least);
    }
    return ERR_OK;
}

/* Fills group_end_ps and leave_ps: by group, results leave when the whole group has ended. */
static void time_groups(struct judge *judge)
{
    const struct mapping *mapping = judge->mapping;
    const struct schedule *times = judge->schedule;
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        uint64_t *end_ps = &judge->group_end_ps[at->group];
        *end_ps = max_u64(*end_ps, times->end_ps[at->layer]);
    }
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        judge->leave_ps[at->layer] = mapping->discipline == MAPPING_BY_GROUP
                                         ? judge->group_end_ps[at->group]
                                         : times->end_ps[at->layer];
    }
}

/* What must have arrived before a layer starts: all, or what its first tile needs. */
static uint64_t arrival_ps(const struct judge *judge, const struct problem_edge *edge,
                           const struct placement *from, const struct placement *to)
{
    const struct problem *p = judge->problem;
    if (judge->granularity == GRANULARITY_LAYER)
        return problem_transfer_ps(p, edge->size_class, from->accelerator, to->accelerator);
    uint64_t packet_bytes = edge->bytes / option_at(judge, to)->tiles;
    return problem_transfer_bytes_ps(p, packet_bytes, from->accelerator, to->accelerator);
}

static enum err_code check_inputs_there(struct judge *judge)
{
    const struct problem *p = judge->problem;
    struct name name, pred_name;
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        const struct placement *to = &judge->mapping->placements[judge->position[layer]];
        for (uint32_t i = p->pred_begin[layer]; i < p->pred_begin[layer + 1]; i++) {
            const struct problem_edge *edge = &p->preds[i];
            const struct placement *from =
                &judge->mapping->placements[judge->position[edge->layer]];
            uint64_t there_ps = judge->leave_ps[edge->layer] + arrival_ps(judge, edge, from, to);
            if (judge->schedule->start_ps[layer] < there_ps)
                return FAIL(judge,
                            "layer %s starts at %" PRIu64
                            " ps on accelerator %s, the result of layer %s can be there at %" PRIu64
                            " ps",
                            layer_name(judge, layer, &name), judge->schedule->start_ps[layer],
                            accelerator_name(judge, to->accelerator),
                            layer_name(judge, edge->layer, &pred_name), there_ps);
        }
    }
    return ERR_OK;
}

static enum err_code check_releases(struct judge *judge)
{
    const struct problem *p = judge->problem;
    struct name name;
    for (uint32_t layer = 0; layer < p->layer_count && p->release_ps; layer++)
        if (judge->schedule->start_ps[layer] < p->release_ps[layer])
            return FAIL(judge,
                        "layer %s starts at %" PRIu64 " ps, its network is released at %" PRIu64
                        " ps",
                        layer_name(judge, layer, &name), judge->schedule->start_ps[layer],
                        p->release_ps[layer]);
    return ERR_OK;
}

/* By group: not before the accelerator's previous group has ended. By layer: not before the layer
 * listed before it on the same accelerator has started. */
static enum err_code check_turns(struct judge *judge)
{
    const struct mapping *mapping = judge->mapping;
    bool by_group = mapping->discipline == MAPPING_BY_GROUP;
    struct name name;
    uint64_t *earliest_ps = mem_alloc(judge->problem->accelerator_count, sizeof *earliest_ps);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < mapping->placement_count && rc == ERR_OK; i++) {
        const struct placement *at = &mapping->placements[i];
        uint64_t start_ps = judge->schedule->start_ps[at->layer];
        if (start_ps < earliest_ps[at->accelerator])
            rc = FAIL(judge,
                      "layer %s starts at %" PRIu64 " ps on accelerator %s, %s %" PRIu64 " ps",
                      layer_name(judge, at->layer, &name), start_ps,
                      accelerator_name(judge, at->accelerator),
                      by_group ? "where the group before ends at"
                               : "where the layer listed before it starts at",
                      earliest_ps[at->accelerator]);
        bool last = i + 1 == mapping->placement_count || at[1].group != at->group;
        if (last)
            earliest_ps[at->accelerator] = by_group ? judge->group_end_ps[at->group] : start_ps;
    }
    free(earliest_ps);
    return rc;
}

/* --- what an accelerator holds at any instant ------------------------------------------------- */

/* A layer takes its share at `start_ps` and gives it back at `end_ps`, which is free again. */
struct change {
    uint64_t at_ps;
    uint32_t position;
    uint16_t accelerator;
    uint16_t begins;
};

static int compare_changes(const void *left, const void *right)
{
    const struct change *a = left, *b = right;
    if (a->accelerator != b->accelerator)
        return a->accelerator < b->accelerator ? -1 : 1;
    if (a->at_ps != b->at_ps)
        return a->at_ps < b->at_ps ? -1 : 1;
    if (a->begins != b->begins)
        return a->begins ? 1 : -1;
    return a->position < b->position ? -1 : a->position > b->position;
}

static struct change *sorted_changes(const struct judge *judge, size_t *count)
{
    const struct mapping *mapping = judge->mapping;
    struct change *changes = mem_alloc(2 * mapping->placement_count, sizeof *changes);
    *count = 0;
    for (uint32_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        changes[(*count)++] =
            (struct change){ judge->schedule->start_ps[at->layer], i, at->accelerator, true };
        changes[(*count)++] =
            (struct change){ judge->schedule->end_ps[at->layer], i, at->accelerator, false };
    }
    if (*count > 0)
        qsort(changes, *count, sizeof *changes, compare_changes);
    return changes;
}

static enum err_code check_instants(struct judge *judge)
{
    size_t count;
    struct change *changes = sorted_changes(judge, &count);
    struct holding held = { 0 };
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        const struct placement *at = &judge->mapping->placements[changes[i].position];
        const struct layer_option *option = option_at(judge, at);
        if (i > 0 && changes[i - 1].accelerator != changes[i].accelerator)
            assert(held.layers == 0);
        if (!changes[i].begins) {
            let_go(&held, option);
            continue;
        }
        hold(&held, option);
        rc = check_holding(judge, &held, at, "at ps ", changes[i].at_ps);
    }
    free(changes);
    return rc;
}

static enum err_code check_makespan(struct judge *judge)
{
    const struct schedule *times = judge->schedule;
    struct name name;
    for (size_t i = 0; i < judge->mapping->placement_count; i++) {
        const struct placement *at = &judge->mapping->placements[i];
        if (times->makespan_ps < times->end_ps[at->layer])
            return FAIL(judge, "the makespan is %" PRIu64 " ps, layer %s ends at %" PRIu64 " ps",
                        times->makespan_ps, layer_name(judge, at->layer, &name),
                        times->end_ps[at->layer]);
        uint64_t written_ps = judge->leave_ps[at->layer] + option_at(judge, at)->memory_write_ps;
        if (judge->granularity == GRANULARITY_LAYER && times->makespan_ps < written_ps)
            return FAIL(judge,
                        "the makespan is %" PRIu64
                        " ps, the result of layer %s can be in memory at %" PRIu64 " ps",
                        times->makespan_ps, layer_name(judge, at->layer, &name), written_ps);
    }
    return ERR_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

typedef enum err_code rule(struct judge *judge);

static enum err_code apply(struct judge *judge, rule *const *rules, size_t count)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++)
        rc = rules[i](judge);
    return rc;
}

enum err_code mapping_check(const struct problem *problem, const struct mapping *mapping,
                            const struct schedule *schedule, enum granularity granularity,
                            struct err *err)
{
    /* Each rule leans on those before it. */
    static rule *const timeless[] = { check_each_once,         check_supported,
                                      check_topological,       check_group_numbers,
                                      check_group_independent, check_group_fits };
    static rule *const timed[] = { check_inputs_there, check_releases, check_turns, check_instants,
                                   check_makespan };
    static rule *const before_timing[] = { check_schedule_covers, check_durations };
    struct judge judge = { problem, mapping, schedule, granularity, err, NULL, NULL, NULL };
    judge.position = mem_alloc(problem->layer_count, sizeof *judge.position);
    enum err_code rc = apply(&judge, timeless, sizeof timeless / sizeof *timeless);
    if (schedule && rc == ERR_OK)
        rc = apply(&judge, before_timing, sizeof before_timing / sizeof *before_timing);
    if (schedule && rc == ERR_OK) {
        judge.leave_ps = mem_alloc(problem->layer_count, sizeof *judge.leave_ps);
        judge.group_end_ps = mem_alloc(problem->layer_count, sizeof *judge.group_end_ps);
        time_groups(&judge);
        rc = apply(&judge, timed, sizeof timed / sizeof *timed);
    }
    free(judge.position);
    free(judge.leave_ps);
    free(judge.group_end_ps);
    return rc;
}
