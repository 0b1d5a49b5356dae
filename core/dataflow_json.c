/* Dataflows in soc/1 files: docs/formats.md, "A dataflow". */
#include <stdio.h>
#include <string.h>

#include "core/dataflow.h"
#include "core/text.h"

#define TILE_MAX     (INT64_C(1) << 24)
#define OVERHEAD_MAX INT64_C(1000000)
#define GRANULE_MAX  4096
#define RATE_MAX     1e18

/* --- reading --------------------------------------------------------------------------------- */

/* A role's letter; ROLE_NONE is not one that a file may name. */
static enum role read_role(const struct json_node *node)
{
    return (enum role)(1 + json_enum(node, role_names + 1, ROLE_COUNT - 1));
}

static void take_role(const struct json_node *node, enum role role, unsigned *taken)
{
    if (*taken & ROLE_BIT(role))
        json_fail(node, ERR_DUPLICATE, "role %s is already unrolled by this rule",
                  role_names[role]);
    *taken |= ROLE_BIT(role);
}

static unsigned read_roles(const struct json_node *rule, const char *key, unsigned *taken)
{
    const struct json_node *node = json_get(rule, key);
    unsigned before = *taken;
    size_t count = json_count(node);
    for (size_t i = 0; i < count; i++)
        take_role(json_item(node, i), read_role(json_item(node, i)), taken);
    return *taken & ~before;
}

static void read_cols_pes(const struct json_node *rule, struct dataflow_rule *out)
{
    const struct json_node *node = json_find(rule, "cols_pes");
    if (!node)
        return;
    if (json_type_of(node) == JSON_NODE_STRING)
        out->cols_role = read_role(node);
    else
        out->cols = (uint32_t)json_int(node, 1, TILE_MAX);
}

static void read_inner(const struct json_node *rule, struct dataflow_rule *out, unsigned *taken)
{
    static const char *const all[] = { "all" };
    const struct json_node *inner = json_find(rule, "inner");
    size_t count = inner ? json_member_count(inner) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *key;
        const struct json_node *tile = json_member(inner, i, &key);
        enum role role = ROLE_N;
        while (role < ROLE_COUNT && strcmp(role_names[role], key) != 0)
            role++;
        if (role == ROLE_COUNT) {
            json_fail(tile, ERR_KEY, "expected a role (N G K C P Q R S), got \"%s\"", key);
            return;
        }
        take_role(tile, role, taken);
        out->inner_roles |= ROLE_BIT(role);
        if (json_type_of(tile) == JSON_NODE_STRING)
            json_enum(tile, all, 1);
        else
            out->inner_tile[role] = (uint32_t)json_int(tile, 1, TILE_MAX);
    }
}

static void read_order(const struct json_node *rule, struct dataflow_rule *out)
{
    const struct json_node *node = json_get(rule, "order");
    unsigned seen = 0;
    size_t count = json_count(node);
    for (size_t i = 0; i < count && i < ROLE_COUNT; i++) {
        enum role role = read_role(json_item(node, i));
        if (seen & ROLE_BIT(role)) {
            json_fail(json_item(node, i), ERR_DUPLICATE, "role %s stands in the order twice",
                      role_names[role]);
            return;
        }
        seen |= ROLE_BIT(role);
        out->order[out->order_count++] = role;
    }
}

static unsigned read_streamed(const struct json_node *rule)
{
    const struct json_node *node = json_find(rule, "streamed");
    unsigned streamed = 0;
    size_t count = node ? json_count(node) : 0;
    for (size_t i = 0; i < count; i++)
        streamed |= OPERAND_BIT(json_enum(json_item(node, i), operand_names, OPERAND_OUTPUT));
    return streamed;
}

static int32_t read_overhead(const struct json_node *rule, const char *key)
{
    return (int32_t)json_get_int_or(rule, key, -OVERHEAD_MAX, OVERHEAD_MAX, 0);
}

static void read_rule(const struct json_node *node, struct dataflow_rule *out)
{
    unsigned taken = 0;
    *out = (struct dataflow_rule){ .present = true };
    out->row_roles = read_roles(node, "rows", &taken);
    out->col_roles = read_roles(node, "cols", &taken);
    read_cols_pes(node, out);
    read_inner(node, out, &taken);
    read_order(node, out);
    out->stationary = (enum stationary)json_enum(json_get(node, "stationary"), stationary_names, 4);
    out->streamed = read_streamed(node);
    out->outputs_stay = json_get_bool_or(node, "outputs_stay", false);
    out->exposed_load = json_get_bool_or(node, "exposed_load", false);
    out->padded_cols = json_get_bool_or(node, "padded_cols", false);
    const struct json_node *windows = json_find(node, "windows");
    if (windows)
        out->windows = (enum window_reuse)json_enum(windows, window_reuse_names, 3);
    out->call_overhead_cycles = read_overhead(node, "call_overhead_cycles");
    out->call_overhead_per_row = read_overhead(node, "call_overhead_per_row");
    out->call_overhead_per_col = read_overhead(node, "call_overhead_per_col");
    out->start_cycles = (uint32_t)json_get_int_or(node, "start_cycles", 0, OVERHEAD_MAX, 0);
}

/* A rate that may be left out: it takes no time then. */
static double read_measured_rate(const struct json_node *node, const char *key)
{
    return json_find(node, key) ? json_get_real(node, key, 1, RATE_MAX) : 0;
}

static const char *const byte_rates[OPERAND_COUNT] = {
    "input_bytes_per_s",
    "weight_bytes_per_s",
    "output_bytes_per_s",
};

static void read_rates(const struct json_node *node, struct dataflow_rate *out)
{
    out->present = true;
    out->ops_per_s = read_measured_rate(node, "ops_per_s");
    double any = out->ops_per_s;
    for (size_t operand = 0; operand < OPERAND_COUNT; operand++) {
        out->bytes_per_s[operand] = read_measured_rate(node, byte_rates[operand]);
        any += out->bytes_per_s[operand];
    }
    if (any == 0)
        json_fail(node, ERR_KEY, "expected \"ops_per_s\" or a rate of bytes");
}

static void read_measured(const struct json_node *node, struct dataflow_measured *out)
{
    bool any = false;
    out->present = true;
    const struct json_node *backend = json_find(node, "backend");
    const char *name = backend ? json_get_str(node, "backend") : "";
    if (strlen(name) >= sizeof out->backend)
        json_fail(backend, ERR_LIMIT, "expected at most %d characters, got %zu",
                  DATAFLOW_BACKEND_MAX - 1, strlen(name));
    snprintf(out->backend, sizeof out->backend, "%s", name);
    out->columns = (uint32_t)json_get_int_or(node, "column_granule", 1, GRANULE_MAX, 1);
    out->depth = (uint32_t)json_get_int_or(node, "depth_granule", 1, GRANULE_MAX, 1);
    out->call_ns = json_get_real(node, "call_ns", 0, 1e9);
    out->epilogue_elements_per_s = read_measured_rate(node, "epilogue_elements_per_s");
    const struct json_node *kinds = json_get(node, "kinds");
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++) {
        const struct json_node *rate = json_find(kinds, op_kind_names[kind]);
        if (rate == NULL)
            continue;
        any = true;
        read_rates(rate, &out->rates[kind]);
    }
    if (!any)
        json_fail(kinds, ERR_VALUE, "expected the rates of at least one kind of layer");
}

void dataflow_read(const struct json_node *node, struct dataflow *out)
{
    memset(out, 0, sizeof *out);
    const char *name = json_get_str(node, "name");
    if (strlen(name) >= sizeof out->name)
        json_fail(json_get(node, "name"), ERR_LIMIT, "expected at most %d characters, got %zu",
                  DATAFLOW_NAME_MAX - 1, strlen(name));
    snprintf(out->name, sizeof out->name, "%s", name);
    const struct json_node *measured = json_find(node, "measured");
    if (measured) {
        read_measured(measured, &out->measured);
        return;
    }
    const struct json_node *rules = json_get(node, "rules");
    bool any = false;
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++) {
        const struct json_node *rule =
            op_kind_has_macs(kind) ? json_find(rules, op_kind_names[kind]) : NULL;
        if (rule)
            read_rule(rule, &out->rules[kind]);
        any = any || rule;
    }
    if (!any)
        json_fail(rules, ERR_VALUE, "expected a rule for conv, depthwise or gemm");
}

/* --- writing --------------------------------------------------------------------------------- */

static void write_roles(unsigned roles, struct json_out *json, const char *key)
{
    json_out_array(json, key, true);
    for (unsigned role = 0; role < ROLE_COUNT; role++)
        if (roles & ROLE_BIT(role))
            json_out_str(json, NULL, role_names[role]);
    json_out_end(json);
}

static void write_inner(const struct dataflow_rule *rule, struct json_out *json)
{
    json_out_object(json, "inner", true);
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        if (!(rule->inner_roles & ROLE_BIT(role)))
            continue;
        if (rule->inner_tile[role] == 0)
            json_out_str(json, role_names[role], "all");
        else
            json_out_u64(json, role_names[role], rule->inner_tile[role]);
    }
    json_out_end(json);
}

static void write_rule(const struct dataflow_rule *rule, struct json_out *json, const char *kind)
{
    json_out_object(json, kind, false);
    write_roles(rule->row_roles, json, "rows");
    write_roles(rule->col_roles, json, "cols");
    if (rule->cols_role != ROLE_NONE)
        json_out_str(json, "cols_pes", role_names[rule->cols_role]);
    else if (rule->cols != 0)
        json_out_u64(json, "cols_pes", rule->cols);
    write_inner(rule, json);
    json_out_array(json, "order", true);
    for (size_t i = 0; i < rule->order_count; i++)
        json_out_str(json, NULL, role_names[rule->order[i]]);
    json_out_end(json);
    json_out_str(json, "stationary", stationary_names[rule->stationary]);
    json_out_array(json, "streamed", true);
    for (unsigned operand = 0; operand < OPERAND_OUTPUT; operand++)
        if (rule->streamed & OPERAND_BIT(operand))
            json_out_str(json, NULL, operand_names[operand]);
    json_out_end(json);
    json_out_bool(json, "outputs_stay", rule->outputs_stay);
    json_out_bool(json, "exposed_load", rule->exposed_load);
    json_out_bool(json, "padded_cols", rule->padded_cols);
    json_out_str(json, "windows", window_reuse_names[rule->windows]);
    json_out_i64(json, "call_overhead_cycles", rule->call_overhead_cycles);
    json_out_i64(json, "call_overhead_per_row", rule->call_overhead_per_row);
    json_out_i64(json, "call_overhead_per_col", rule->call_overhead_per_col);
    json_out_u64(json, "start_cycles", rule->start_cycles);
    json_out_end(json);
}

static void write_measured_rate(double rate, struct json_out *json, const char *key)
{
    if (rate > 0)
        json_out_real(json, key, rate);
}

static void write_measured(const struct dataflow_measured *measured, struct json_out *json)
{
    json_out_object(json, "measured", false);
    if (measured->backend[0] != '\0')
        json_out_str(json, "backend", measured->backend);
    json_out_u64(json, "column_granule", measured->columns);
    json_out_u64(json, "depth_granule", measured->depth);
    json_out_real(json, "call_ns", measured->call_ns);
    write_measured_rate(measured->epilogue_elements_per_s, json, "epilogue_elements_per_s");
    json_out_object(json, "kinds", false);
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++) {
        if (!measured->rates[kind].present)
            continue;
        json_out_object(json, op_kind_names[kind], true);
        write_measured_rate(measured->rates[kind].ops_per_s, json, "ops_per_s");
        for (size_t operand = 0; operand < OPERAND_COUNT; operand++)
            write_measured_rate(measured->rates[kind].bytes_per_s[operand], json,
                                byte_rates[operand]);
        json_out_end(json);
    }
    json_out_end(json);
    json_out_end(json);
}

void dataflow_write(const struct dataflow *dataflow, struct json_out *json, const char *key)
{
    json_out_object(json, key, false);
    json_out_str(json, "name", dataflow->name);
    if (dataflow->measured.present) {
        write_measured(&dataflow->measured, json);
        json_out_end(json);
        return;
    }
    json_out_object(json, "rules", false);
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++)
        if (dataflow->rules[kind].present)
            write_rule(&dataflow->rules[kind], json, op_kind_names[kind]);
    json_out_end(json);
    json_out_end(json);
}
