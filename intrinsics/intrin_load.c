/*
 * intrinsic/1 files (docs/formats.md): read into a row, judged like the built-in ones.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "intrinsics/intrin_row.h"

#define BYTES_PER_S_MAX 1e18

static const struct intrin_machine *read_machine(const struct json_node *node, struct arena *arena)
{
    if (json_type_of(node) == JSON_NODE_STRING) {
        const char *names[16];
        for (size_t i = 0; i < intrin_machine_count; i++)
            names[i] = intrin_machines[i].name;
        return &intrin_machines[json_enum(node, names, intrin_machine_count)];
    }
    struct intrin_machine *m = ARENA_ARRAY(arena, struct intrin_machine, 1);
    m->name = arena_strdup(arena, json_get_str(node, "name"));
    m->source = arena_strdup(arena, json_get_str_or(node, "source", "not given"));
    m->clock_hz = json_get_real(node, "clock_hz", 1, 1e12);
    m->units = (unsigned)json_get_int_or(node, "units", 1, 1000000, 1);
    m->chains = (unsigned)json_get_int_or(node, "chains", 1, 1000000, 1);
    m->staging_bytes_per_s = json_get_real(node, "staging_bytes_per_s", 1, BYTES_PER_S_MAX);
    m->granule_bytes = (unsigned)json_get_int_or(node, "granule_bytes", 1, 65536, 1);
    m->memory_bytes_per_s = json_get_real(node, "memory_bytes_per_s", 1, BYTES_PER_S_MAX);
    m->cache_bytes = json_get_real_or(node, "cache_bytes", 0, BYTES_PER_S_MAX, 0);
    return m;
}

/* An object of numbers as the row's "i=16 j=16". */
static const char *read_pairs(const struct json_node *node, int64_t low, struct arena *arena)
{
    const char *list = "";
    for (size_t i = 0; node != NULL && i < json_member_count(node); i++) {
        const char *name;
        const struct json_node *member = json_member(node, i, &name);
        if (strlen(name) >= EXPR_NAME_MAX || strpbrk(name, " =") != NULL || name[0] == '\0')
            json_fail(member, ERR_VALUE, "expected the name of an axis, got '%s'", name);
        list = arena_printf(arena, "%s%s%s=%lld", list, i > 0 ? " " : "", name,
                            (long long)json_int(member, low, EXPR_EXTENT_MAX));
    }
    return list;
}

/* "operands": [output, first, second], each with its type and memory abstraction. */
static void read_operands(const struct json_node *node, struct intrin_row *row, struct arena *arena)
{
    row->types = "";
    if (json_count(node) != INTRIN_OPERANDS) {
        json_fail(node, ERR_VALUE, "expected 3 operands (output, first, second), got %zu",
                  json_count(node));
        return;
    }
    for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
        const struct json_node *operand = json_item(node, t);
        size_t type = json_enum(json_get(operand, "type"), dtype_names, DT_COUNT);
        row->types = arena_printf(arena, "%s%s%s", row->types, t > 0 ? " " : "", dtype_names[type]);
        row->memory[t].path = arena_strdup(arena, json_get_str_or(operand, "path", "memory"));
        row->memory[t].load = arena_strdup(arena, json_get_str_or(operand, "load", "load"));
        row->memory[t].layout = arena_strdup(arena, json_get_str_or(operand, "layout", "opaque"));
    }
}

static const struct intrin_machine *read_row(const struct json_node *root, struct intrin_row *row,
                                             struct arena *arena)
{
    json_expect_tag(root, "intrinsic/1");
    row->name = arena_strdup(arena, json_get_str(root, "name"));
    row->source = arena_strdup(arena, json_get_str(root, "source"));
    row->note = arena_strdup(arena, json_get_str_or(root, "note", ""));
    row->text = arena_strdup(arena, json_get_str(root, "expr"));
    row->extents = read_pairs(json_get(root, "extents"), 1, arena);
    read_operands(json_get(root, "operands"), row, arena);
    row->interval_cycles = json_get_real(root, "interval_cycles", 1e-6, 1e9);
    row->latency_cycles = json_get_real_or(root, "latency_cycles", 0, 1e9, row->interval_cycles);
    row->block = read_pairs(json_find(root, "block"), 1, arena);
    return read_machine(json_get(root, "machine"), arena);
}

/* At the member that is wrong; a wrong expression with the place inside it. */
static void report(const struct json_node *root, const struct intrin_row *row,
                   const struct intrin_fault *fault, const struct err *wrong)
{
    const struct json_node *node = json_get(root, fault->key);
    if (fault->operand < INTRIN_OPERANDS)
        node = json_item(node, fault->operand);
    if (wrong->column > 0)
        json_fail(node, wrong->code, "%s (column %d of \"%s\")", wrong->text, wrong->column,
                  row->text);
    else
        json_fail(node, wrong->code, "%s", wrong->text);
}

enum err_code intrin_load(struct intrin *out, const char *file, struct err *err)
{
    struct arena *arena = arena_new();
    struct json_doc *doc = json_open(file);
    const struct json_node *root = json_root(doc);
    struct intrin_row row = { 0 };
    struct intrin made;
    const struct intrin_machine *machine = read_row(root, &row, arena);
    if (json_ok(doc)) {
        struct err wrong = ERR_INIT;
        struct intrin_fault fault;
        if (intrin_from_row(&row, machine, &made, &fault, &wrong) != ERR_OK)
            report(root, &row, &fault, &wrong);
    }
    enum err_code rc = json_close(doc, err);
    if (rc != ERR_OK) {
        arena_free(arena);
        return rc;
    }
    *out = made;
    out->arena = arena;
    return ERR_OK;
}

enum err_code intrin_open(const char *name_or_file, struct intrin *out, struct err *err)
{
    size_t length = strlen(name_or_file);
    bool is_file = strchr(name_or_file, '/') != NULL ||
                   (length > 5 && strcmp(name_or_file + length - 5, ".json") == 0);
    return is_file ? intrin_load(out, name_or_file, err) : intrin_find(name_or_file, out, err);
}
