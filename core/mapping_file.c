/* mapping/1: docs/formats.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/json.h"
#include "core/mapping.h"
#include "core/names.h"
#include "core/split.h"
#include "core/text.h"

#define NAME_MAX_BYTES (2 * NAMES_BYTES_MAX + 32)

/* --- writing --------------------------------------------------------------------------------- */

static void write_identity(struct json_out *json, const char *key, const char *name,
                           const char *sha256)
{
    json_out_object(json, key, true);
    json_out_str(json, "name", name);
    json_out_str(json, "sha256", sha256);
    json_out_end(json);
}

static void write_placement(const struct problem *p, const struct placement *at,
                            const struct schedule *schedule, struct json_out *json)
{
    char name[NAME_MAX_BYTES];
    json_out_object(json, NULL, true);
    json_out_str(json, "layer", workload_layer_name(p->workload, at->layer, name, sizeof name));
    json_out_u64(json, "pes", problem_option(p, at->layer, at->accelerator, at->option)->pes);
    if (schedule) {
        json_out_u64(json, "start_ps", schedule->start_ps[at->layer]);
        json_out_u64(json, "end_ps", schedule->end_ps[at->layer]);
    }
    json_out_end(json);
}

static void write_splits(const struct workload *workload, struct json_out *json)
{
    char name[NAME_MAX_BYTES];
    if (workload->split_count == 0)
        return;
    json_out_array(json, "splits", false);
    for (size_t i = 0; i < workload->split_count; i++) {
        const struct workload_split *split = &workload->splits[i];
        json_out_object(json, NULL, true);
        json_out_str(json, "layer",
                     workload_layer_name(workload->whole, split->layer, name, sizeof name));
        json_out_str(json, "role", role_names[split->role]);
        json_out_array(json, "parts", true);
        for (uint32_t part = 0; part < split->part_count; part++)
            json_out_u64(json, NULL, split->parts[part]);
        json_out_end(json);
        json_out_end(json);
    }
    json_out_end(json);
}

static void write_groups(const struct problem *p, const struct mapping *mapping,
                         const struct schedule *schedule, struct json_out *json)
{
    json_out_array(json, "groups", false);
    for (size_t i = 0; i < mapping->placement_count; i++) {
        const struct placement *at = &mapping->placements[i];
        if (i == 0 || at[-1].group != at->group) {
            json_out_object(json, NULL, false);
            json_out_str(json, "accelerator", p->soc->accelerators[at->accelerator].name);
            json_out_array(json, "layers", false);
        }
        write_placement(p, at, schedule, json);
        if (i + 1 == mapping->placement_count || at[1].group != at->group) {
            json_out_end(json);
            json_out_end(json);
        }
    }
    json_out_end(json);
}

void mapping_write(const struct problem *problem, const struct mapping *mapping,
                   const struct schedule *schedule, enum granularity granularity,
                   const char *mapper, uint64_t seed, struct text *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "mapping/1");
    write_identity(&json, "soc", problem->soc->name, problem->soc->sha256);
    write_identity(&json, "workload", problem->workload->name, problem->workload->sha256);
    json_out_str(&json, "mapper", mapper);
    json_out_u64(&json, "seed", seed);
    json_out_str(&json, "discipline", mapping_discipline_names[mapping->discipline]);
    json_out_str(&json, "granularity", granularity_names[granularity]);
    if (problem->sharing)
        json_out_str(&json, "sharing", problem->sharing);
    write_splits(problem->workload, &json);
    if (schedule)
        json_out_u64(&json, "makespan_ps", schedule->makespan_ps);
    write_groups(problem, mapping, schedule, &json);
    json_out_end(&json);
}

/* --- reading --------------------------------------------------------------------------------- */

struct mapping_reader {
    struct json_doc *doc;
    const struct problem *problem;
    struct mapping_file file; /* under construction */
    bool timed;
    struct names *layers, *accelerators;
    char *layer_names; /* storage of the table's names */
};

static void name_layers(struct mapping_reader *reader, const struct workload *workload)
{
    struct text all = { 0 };
    char name[NAME_MAX_BYTES];
    reader->layers = names_new();
    for (uint32_t layer = 0; layer < workload->layer_count; layer++) {
        workload_layer_name(workload, layer, name, sizeof name);
        text_add_bytes(&all, name, strlen(name) + 1);
    }
    reader->layer_names = all.data;
    const char *at = all.data;
    for (uint32_t layer = 0; layer < workload->layer_count; layer++, at += strlen(at) + 1)
        names_add(reader->layers, at, layer);
}

static void name_everything(struct mapping_reader *reader)
{
    const struct problem *p = reader->problem;
    reader->accelerators = names_new();
    for (uint32_t i = 0; i < p->accelerator_count; i++)
        names_add(reader->accelerators, p->soc->accelerators[i].name, i);
    name_layers(reader, p->workload);
}

static uint32_t resolve(struct mapping_reader *reader, const struct json_node *node,
                        const struct names *names, const char *what)
{
    const char *name = json_str(node);
    uint32_t number = names_find(names, name);
    if (number != NAMES_NONE)
        return number;
    if (json_ok(reader->doc)) {
        const char *near = names_nearest(names, name);
        json_fail(node, ERR_REFERENCE, "expected %s, got \"%.200s\"%s%.200s%s", what, name,
                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return 0;
}

/* "soc" and "workload": made for these very files? */
static void check_identity(const struct json_node *root, const char *key, const char *sha256)
{
    const struct json_node *node = json_get(root, key);
    json_get_str(node, "name");
    const struct json_node *hash = json_get(node, "sha256");
    const char *got = json_str(hash);
    if (strcmp(got, sha256) != 0)
        json_fail(hash, ERR_REFERENCE,
                  "the %s changed since this mapping was made (its sha256 is %s, expected %.64s)",
                  key, sha256, got);
}

/* The option with this many PEs. */
static uint16_t read_option(struct mapping_reader *reader, const struct json_node *node,
                            const struct placement *at)
{
    const struct problem *p = reader->problem;
    int64_t pes = json_int(node, 1, UINT32_MAX);
    size_t count = problem_option_count(p, at->layer, at->accelerator);
    struct text options = { 0 };
    for (size_t option = 0; option < count; option++) {
        uint32_t has = problem_option(p, at->layer, at->accelerator, (uint32_t)option)->pes;
        if (has == pes) {
            text_release(&options);
            return (uint16_t)option;
        }
        text_printf(&options, "%s%" PRIu32,
                    option == 0           ? ""
                    : option + 1 == count ? " or "
                                          : ", ",
                    has);
    }
    const char *accelerator = p->soc->accelerators[at->accelerator].name;
    if (count == 0)
        json_fail(node, ERR_MAPPING, "accelerator %s does not support this layer", accelerator);
    else
        json_fail(node, ERR_VALUE, "expected %s PEs on accelerator %s, got %" PRId64, options.data,
                  accelerator, pes);
    text_release(&options);
    return 0;
}

static void read_times(struct mapping_reader *reader, const struct json_node *node, uint32_t layer)
{
    if (!reader->timed) {
        const struct json_node *start = json_find(node, "start_ps");
        if (start)
            json_fail(start, ERR_KEY, "times need a \"makespan_ps\" beside \"groups\"");
        return;
    }
    reader->file.schedule.start_ps[layer] = (uint64_t)json_get_int(node, "start_ps", 0, INT64_MAX);
    reader->file.schedule.end_ps[layer] = (uint64_t)json_get_int(node, "end_ps", 0, INT64_MAX);
}

static void read_group(struct mapping_reader *reader, const struct json_node *node, uint32_t group,
                       size_t *placed)
{
    struct mapping *mapping = &reader->file.mapping;
    uint32_t accelerator = resolve(reader, json_get(node, "accelerator"), reader->accelerators,
                                   "an accelerator of the SoC");
    const struct json_node *layers = json_get(node, "layers");
    size_t count = json_count(layers);
    if (count == 0)
        json_fail(layers, ERR_VALUE, "expected at least one layer");
    for (size_t i = 0; i < count && json_ok(reader->doc); i++) {
        const struct json_node *item = json_item(layers, i);
        struct placement *at = &mapping->placements[(*placed)++];
        at->layer =
            resolve(reader, json_get(item, "layer"), reader->layers, "a layer of the workload");
        at->group = group;
        at->accelerator = (uint16_t)accelerator;
        if (json_ok(reader->doc))
            at->option = read_option(reader, json_get(item, "pes"), at);
        read_times(reader, item, at->layer);
    }
}

static size_t count_placements(const struct json_node *groups)
{
    size_t placements = 0, count = json_count(groups);
    for (size_t i = 0; i < count; i++)
        placements += json_count(json_get(json_item(groups, i), "layers"));
    return placements;
}

static void read_groups(struct mapping_reader *reader, const struct json_node *root)
{
    const struct json_node *groups = json_get(root, "groups");
    size_t placements = count_placements(groups), placed = 0;
    if (placements > 2 * reader->problem->layer_count + 1) {
        json_fail(groups, ERR_LIMIT, "expected each of %zu layers once, got %zu",
                  reader->problem->layer_count, placements);
        return;
    }
    if (!json_ok(reader->doc))
        return;
    enum mapping_discipline discipline = reader->file.mapping.discipline;
    mapping_init(&reader->file.mapping, placements);
    reader->file.mapping.discipline = discipline;
    size_t count = json_count(groups);
    for (size_t i = 0; i < count && json_ok(reader->doc); i++)
        read_group(reader, json_item(groups, i), (uint32_t)i, &placed);
}

/* So that keys which no one knows are found. */
static void skim_splits(const struct json_node *splits)
{
    size_t count = splits ? json_count(splits) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct json_node *item = json_item(splits, i);
        json_get(item, "layer");
        json_get(item, "role");
        json_get(item, "parts");
    }
}

static void read_mapping(struct mapping_reader *reader)
{
    const struct problem *p = reader->problem;
    const struct json_node *root = json_root(reader->doc);
    json_expect_tag(root, "mapping/1");
    check_identity(root, "soc", p->soc->sha256);
    check_identity(root, "workload", p->workload->sha256);
    struct mapping_file *file = &reader->file;
    snprintf(file->mapper, sizeof file->mapper, "%s", json_get_str_or(root, "mapper", ""));
    file->seed = (uint64_t)json_get_int_or(root, "seed", 0, INT64_MAX, 0);
    file->mapping.discipline = (enum mapping_discipline)json_enum(json_get(root, "discipline"),
                                                                  mapping_discipline_names, 2);
    file->granularity =
        (enum granularity)json_enum(json_get(root, "granularity"), granularity_names, 2);
    const struct json_node *makespan = json_find(root, "makespan_ps");
    reader->timed = makespan != NULL;
    if (reader->timed) {
        schedule_init(&file->schedule, p->layer_count);
        file->schedule.makespan_ps = (uint64_t)json_int(makespan, 0, INT64_MAX);
    }
    json_find(root, "sharing"); /* these two were read before the problem was built */
    skim_splits(json_find(root, "splits"));
    json_find(root, "note"); /* free text */
    json_find(root, "source");
    if (!json_ok(reader->doc))
        return;
    name_everything(reader);
    read_groups(reader, root);
}

static enum err_code load(const struct problem *problem, struct json_doc *doc,
                          struct mapping_file *out, struct err *err)
{
    struct mapping_reader reader = { .doc = doc, .problem = problem };
    if (json_ok(reader.doc))
        read_mapping(&reader);
    names_free(reader.layers);
    names_free(reader.accelerators);
    free(reader.layer_names);
    enum err_code rc = json_close(reader.doc, err);
    if (rc == ERR_OK)
        *out = reader.file;
    else
        mapping_file_release(&reader.file);
    return rc;
}

enum err_code mapping_load(const struct problem *problem, const char *file,
                           struct mapping_file *out, struct err *err)
{
    return load(problem, json_open(file), out, err);
}

enum err_code mapping_load_text(const struct problem *problem, const char *name, const char *text,
                                size_t bytes, struct mapping_file *out, struct err *err)
{
    return load(problem, json_open_text(name, text, bytes), out, err);
}

/* --- splits ---------------------------------------------------------------------------------- */

static int compare_splits(const void *a, const void *b)
{
    const struct workload_split *x = a, *y = b;
    return x->layer < y->layer ? -1 : x->layer > y->layer;
}

static void read_split(struct mapping_reader *reader, const struct workload *whole,
                       const struct json_node *node, struct arena *arena,
                       struct workload_split *split)
{
    const struct json_node *parts = json_get(node, "parts");
    uint32_t count = (uint32_t)json_count(parts);
    struct err err = ERR_INIT;
    split->layer =
        resolve(reader, json_get(node, "layer"), reader->layers, "a layer of the workload");
    split->role = (enum role)json_enum(json_get(node, "role"), role_names, ROLE_COUNT);
    if (count > SPLIT_PARTS_MAX || !json_ok(reader->doc)) {
        json_fail(parts, ERR_LIMIT, "expected 2..%d parts, got %" PRIu32, SPLIT_PARTS_MAX, count);
        return;
    }
    uint64_t *extents = ARENA_ARRAY(arena, uint64_t, count);
    for (uint32_t i = 0; i < count; i++)
        extents[i] = (uint64_t)json_int(json_item(parts, i), 1, EXPR_EXTENT_MAX);
    split->part_count = count;
    split->parts = extents;
    if (json_ok(reader->doc) && split_check(whole, split, &err) != ERR_OK)
        json_fail(node, err.code, "%s", err.text);
}

static void read_splits(struct mapping_reader *reader, const struct workload *whole,
                        struct arena *arena, struct workload_split **out, size_t *count)
{
    const struct json_node *root = json_root(reader->doc), *splits = json_find(root, "splits");
    if (!splits)
        return;
    check_identity(root, "workload", whole->sha256);
    name_layers(reader, whole);
    *count = json_count(splits);
    *out = ARENA_ARRAY(arena, struct workload_split, *count + 1);
    unsigned char *seen = mem_alloc(whole->layer_count, 1);
    for (size_t i = 0; i < *count && json_ok(reader->doc); i++) {
        const struct json_node *item = json_item(splits, i);
        read_split(reader, whole, item, arena, &(*out)[i]);
        if (json_ok(reader->doc) && seen[(*out)[i].layer]++)
            json_fail(item, ERR_DUPLICATE, "this layer is split twice");
    }
    free(seen);
    qsort(*out, *count, sizeof **out, compare_splits);
}

enum err_code mapping_read_splits(const struct workload *whole, const char *file,
                                  struct arena *arena, struct workload_split **out, size_t *count,
                                  struct err *err)
{
    struct mapping_reader reader = { .doc = json_open(file) };
    *out = NULL;
    *count = 0;
    if (json_ok(reader.doc))
        read_splits(&reader, whole, arena, out, count);
    names_free(reader.layers);
    free(reader.layer_names);
    bool refused = !json_ok(reader.doc);
    json_close(reader.doc, refused ? err : NULL); /* keys that are not read here are no error */
    return refused ? err->code : ERR_OK;
}

void mapping_file_release(struct mapping_file *file)
{
    mapping_release(&file->mapping);
    schedule_release(&file->schedule);
    *file = (struct mapping_file){ 0 };
}
