#include "sweep/space.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/num.h"
#include "core/rng.h"
#include "sweep/space_template.h"

/* Of one parameter, tried as SoCs while loading; of the whole space, to find a feasible one. */
enum { TRIED_VALUES_MAX = 64, TRIED_POINTS_MAX = 2000 };

/* --- figures of a SoC that constraints may name ----------------------------------------------- */

#define DERIVED(name, expression)                                                                  \
    static double name(const struct soc *soc, const struct area_estimate *area)                    \
    {                                                                                              \
        (void)soc;                                                                                 \
        (void)area;                                                                                \
        return expression;                                                                         \
    }
DERIVED(area_mm2, area->area_mm2)
DERIVED(pe_mm2, area->pe_mm2)
DERIVED(scratchpad_mm2, area->scratchpad_mm2)
DERIVED(network_mm2, area->network_mm2)
DERIVED(memory_mm2, area->memory_mm2)
DERIVED(power_w, area->power_w)
DERIVED(leakage_w, area->leakage_w)
DERIVED(accelerators, (double)soc->accelerator_count)
DERIVED(places, (double)soc->place_count)
DERIVED(links, (double)soc->link_count)
DERIVED(memory_channels, (double)soc->channel_count)

static double total_pes(const struct soc *soc, const struct area_estimate *area)
{
    double sum = 0;
    (void)area;
    for (size_t i = 0; i < soc->accelerator_count; i++)
        sum += (double)soc_pes(&soc->accelerators[i]);
    return sum;
}

static double total_scratchpad_bytes(const struct soc *soc, const struct area_estimate *area)
{
    double sum = 0;
    (void)area;
    for (size_t i = 0; i < soc->accelerator_count; i++)
        sum += (double)soc->accelerators[i].scratchpad_bytes;
    return sum;
}

static double peak_macs_per_s(const struct soc *soc, const struct area_estimate *area)
{
    double sum = 0;
    (void)area;
    for (size_t i = 0; i < soc->accelerator_count; i++)
        sum += (double)soc_pes(&soc->accelerators[i]) * (double)soc->accelerators[i].clock_hz;
    return sum;
}

static double total_memory_bytes_per_s(const struct soc *soc, const struct area_estimate *area)
{
    double sum = 0;
    (void)area;
    for (size_t i = 0; i < soc->channel_count; i++)
        sum += (double)soc->channels[i].bytes_per_s;
    return sum;
}

#define ROW(name)                                                                                  \
    {                                                                                              \
#name, name                                                                                \
    }
const struct space_derived space_derived_table[] = {
    ROW(area_mm2),
    ROW(pe_mm2),
    ROW(scratchpad_mm2),
    ROW(network_mm2),
    ROW(memory_mm2),
    ROW(power_w),
    ROW(leakage_w),
    ROW(accelerators),
    ROW(places),
    ROW(links),
    ROW(memory_channels),
    ROW(total_pes),
    ROW(peak_macs_per_s),
    ROW(total_scratchpad_bytes),
    ROW(total_memory_bytes_per_s),
};
const size_t space_derived_count = sizeof space_derived_table / sizeof *space_derived_table;

/* --- points ----------------------------------------------------------------------------------- */

void space_choices(const struct space *space, uint64_t point, uint32_t *choices)
{
    for (size_t i = space->parameter_count; i-- > 0;) {
        choices[i] = (uint32_t)(point % space->parameters[i].value_count);
        point /= space->parameters[i].value_count;
    }
}

uint64_t space_point(const struct space *space, const uint32_t *choices)
{
    uint64_t point = 0;
    for (size_t i = 0; i < space->parameter_count; i++)
        point = point * space->parameters[i].value_count + choices[i];
    return point;
}

char *space_point_text(const struct space *space, uint64_t point)
{
    struct text text = { 0 };
    text_add(&text, "");
    for (size_t i = 0; i < space->parameter_count; i++)
        text_printf(&text, "%s%s=%s", i ? " " : "", space->parameters[i].name,
                    space->parameters[i].texts[space_choice(space, point, i)]);
    return text.data;
}

enum err_code space_soc(const struct space *space, uint64_t point, struct soc *out, struct err *err)
{
    struct text text = { 0 };
    enum err_code rc = space_soc_text(space, point, &text, err);
    if (rc == ERR_OK) {
        struct err own = ERR_INIT;
        rc = soc_load_text(out, space->file, text.data, text.bytes, &own);
        if (rc != ERR_OK) {
            own.line = own.column = 0; /* of a text that nobody sees */
            if (err && err->code == ERR_OK)
                *err = own;
        }
    }
    text_release(&text);
    return rc;
}

/* --- constraints ------------------------------------------------------------------------------ */

/* Asks the constraints that need a SoC, or those that don't. */
static enum err_code ask_constraints(const struct space_context *context, bool needs_soc,
                                     struct space_verdict *verdict, struct err *err)
{
    const struct space *space = context->space;
    for (size_t i = 0; i < space->constraint_count && verdict->feasible; i++) {
        struct space_scalar value;
        if (space->constraints[i].needs_soc != needs_soc)
            continue;
        if (space_value_of(context, space->templates->constraints[i], &value, err) != ERR_OK) {
            err_in_file(err, space->file, 0, 0);
            return err->code;
        }
        if (value.text)
            return err_set(err, ERR_TYPE, "the constraint \"%.200s\" is a text, not a condition",
                           space->constraints[i].text);
        if (value.number != 0 && !isnan(value.number))
            continue;
        verdict->feasible = false;
        verdict->constraint = i;
        snprintf(verdict->reason, sizeof verdict->reason, "not %.200s", space->constraints[i].text);
    }
    return ERR_OK;
}

static enum err_code judge_soc(struct space_context *context, const struct soc *soc,
                               struct space_verdict *verdict, struct err *err)
{
    struct area_estimate area = area_of(soc, &context->space->technology);
    context->soc = soc;
    context->area = &area;
    verdict->area_mm2 = area.area_mm2;
    verdict->power_w = area.power_w;
    return ask_constraints(context, true, verdict, err);
}

enum err_code space_feasible(const struct space *space, uint64_t point,
                             struct space_verdict *verdict, struct soc *soc_take, struct err *err)
{
    uint32_t choices[SPACE_PARAMETERS_MAX];
    struct space_context context = { space, choices, NULL, NULL };
    struct err own = ERR_INIT;
    struct soc soc;
    *verdict = (struct space_verdict){ .feasible = true, .constraint = space->constraint_count };
    space_choices(space, point, choices);
    if (ask_constraints(&context, false, verdict, &own) == ERR_OK && verdict->feasible) {
        enum err_code rc = space_soc(space, point, &soc, &own);
        if (rc == ERR_OK) {
            rc = judge_soc(&context, &soc, verdict, &own);
            if (rc == ERR_OK && verdict->feasible && soc_take)
                *soc_take = soc;
            else
                soc_release(&soc);
        } else if (rc == ERR_INFEASIBLE) {
            verdict->feasible = false;
            snprintf(verdict->reason, sizeof verdict->reason, "%.250s", own.text);
            own = (struct err)ERR_INIT;
        }
    }
    if (own.code != ERR_OK && err && err->code == ERR_OK)
        *err = own;
    return own.code;
}

/* --- loading ---------------------------------------------------------------------------------- */

/* Gives an error of a made SoC its place in the space file. */
static void place_error(const struct space *space, uint64_t point, const struct err *found)
{
    struct arena *arena = arena_new();
    uint32_t choices[SPACE_PARAMETERS_MAX];
    struct err none = ERR_INIT;
    char *parameters = space_point_text(space, point);
    space_choices(space, point, choices);
    const struct json_node *blamed;
    const struct space_node *root = space_resolve(space, choices, point, arena, &blamed, &none);
    const struct space_node *node =
        root ? space_node_at(root, found->path) : space->templates->root;
    json_fail(blamed ? blamed : node->where, found->code, "%s%s%.300s", found->text,
              *parameters ? ", at " : "", parameters);
    free(parameters);
    arena_free(arena);
}

/* Is this point a SoC? One that the constraints rule out may be anything. */
static void try_point(const struct space *space, uint64_t point)
{
    struct space_verdict verdict;
    struct err err = ERR_INIT;
    if (space_feasible(space, point, &verdict, NULL, &err) != ERR_OK)
        place_error(space, point, &err);
}

/* The first point, the last one, and those that differ from the first in one parameter. */
static void try_points(const struct space *space, const struct json_doc *doc)
{
    uint32_t choices[SPACE_PARAMETERS_MAX] = { 0 };
    try_point(space, 0);
    try_point(space, space->point_count - 1);
    for (size_t i = 0; i < space->parameter_count && json_ok(doc); i++) {
        size_t count = space->parameters[i].value_count;
        size_t tried = min_u64(count, TRIED_VALUES_MAX);
        for (size_t k = 1; k < tried && json_ok(doc); k++) {
            choices[i] = (uint32_t)(k * (count - 1) / (tried - 1));
            try_point(space, space_point(space, choices));
        }
        choices[i] = 0;
    }
}

/* A space without a feasible point is an error, if that can be known; and so is a point that fails.
 */
static void find_feasible(const struct space *space, const struct json_doc *doc,
                          const struct json_node *where)
{
    size_t blame[SPACE_CONSTRAINTS_MAX + 1] = { 0 }, worst = 0;
    uint64_t count = min_u64(space->point_count, TRIED_POINTS_MAX);
    struct rng rng = rng_stream(0, UINT64_C(0x7370616365), 0);
    for (uint64_t i = 0; i < count && json_ok(doc); i++) {
        struct space_verdict verdict;
        struct err err = ERR_INIT;
        uint64_t point = count == space->point_count ? i : rng_u64(&rng) % space->point_count;
        if (space_feasible(space, point, &verdict, NULL, &err) != ERR_OK)
            place_error(space, point, &err);
        else if (verdict.feasible)
            return;
        else
            blame[verdict.constraint]++;
    }
    for (size_t i = 0; i <= space->constraint_count; i++)
        if (blame[i] > blame[worst])
            worst = i;
    if (count == space->point_count && json_ok(doc))
        json_fail(where, ERR_VALUE,
                  "no point satisfies all constraints; of %" PRIu64 " points %zu fail %s%.200s%s",
                  count, blame[worst],
                  worst < space->constraint_count ? "\"" : "for want of places",
                  worst < space->constraint_count ? space->constraints[worst].text : "",
                  worst < space->constraint_count ? "\" first" : "");
}

enum err_code space_load(struct space *out, const char *file, struct err *err)
{
    char *text;
    size_t bytes;
    if (file_read(file, &text, &bytes, err) != ERR_OK)
        return err ? err->code : ERR_IO;
    struct space space = { .arena = arena_new() };
    struct json_doc *doc = json_open_text(file, text, bytes);
    space.file = arena_strdup(space.arena, file);
    if (json_ok(doc))
        space_read(&space, doc);
    if (json_ok(doc))
        try_points(&space, doc);
    if (json_ok(doc)) {
        const struct json_node *constraints = json_find(json_root(doc), "constraints");
        find_feasible(&space, doc, constraints ? constraints : json_root(doc));
    }
    if (json_ok(doc))
        space_find_orders(&space);
    if (json_ok(doc))
        space_hash(&space, text, bytes);
    enum err_code rc = json_close(doc, err);
    free(text);
    if (rc == ERR_OK)
        *out = space;
    else
        arena_free(space.arena);
    return rc;
}

void space_release(struct space *space)
{
    arena_free(space->arena);
    *space = (struct space){ 0 };
}
