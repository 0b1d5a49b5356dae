/* The built-in dataflows and their way through a file. */
#include "core/dataflow.h"

#include <string.h>

#include "core/text.h"
#include "tests/test.h"

TEST(dataflow__find__by_name_or_null)
{
    CHECK_STR("tpu-os", dataflow_find("tpu-os")->name);
    CHECK(dataflow_find("tpu-ws") == NULL);
}

TEST(dataflow__builtin__unroll_every_role_at_most_once)
{
    for (size_t i = 0; i < dataflow_count; i++)
        for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++) {
            const struct dataflow_rule *rule = &dataflow_table[i].rules[kind];
            CHECK(rule->present == op_kind_has_macs((enum op_kind)kind));
            CHECK_INT(0, rule->row_roles & rule->col_roles);
            CHECK_INT(0, (rule->row_roles | rule->col_roles) & rule->inner_roles);
            for (unsigned role = 0; role < ROLE_COUNT; role++)
                CHECK(rule->inner_tile[role] == 0 || rule->inner_roles & ROLE_BIT(role));
        }
}

TEST(dataflow__written_and_read__is_the_same)
{
    for (size_t i = 0; i < dataflow_count; i++) {
        struct text text = { 0 };
        struct json_out json;
        struct dataflow got;
        json_out_init(&json, &text);
        dataflow_write(&dataflow_table[i], &json, NULL);
        struct json_doc *doc = json_open_text("dataflow.json", text.data, text.bytes);
        dataflow_read(json_root(doc), &got);
        CHECK_OK(json_close(doc, err));
        CHECK_STR(dataflow_table[i].name, got.name);
        for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++) {
            const struct dataflow_rule *a = &dataflow_table[i].rules[kind], *b = &got.rules[kind];
            CHECK_INT(a->present, b->present);
            CHECK_INT(a->row_roles, b->row_roles);
            CHECK_INT(a->col_roles, b->col_roles);
            CHECK_INT(a->cols, b->cols);
            CHECK_INT(a->cols_role, b->cols_role);
            CHECK_INT(a->inner_roles, b->inner_roles);
            CHECK(memcmp(a->inner_tile, b->inner_tile, sizeof a->inner_tile) == 0);
            CHECK_INT(a->order_count, b->order_count);
            CHECK(memcmp(a->order, b->order, sizeof a->order) == 0);
            CHECK_INT(a->stationary, b->stationary);
            CHECK_INT(a->streamed, b->streamed);
            CHECK_INT(a->outputs_stay, b->outputs_stay);
            CHECK_INT(a->exposed_load, b->exposed_load);
            CHECK_INT(a->padded_cols, b->padded_cols);
            CHECK_INT(a->windows, b->windows);
            CHECK_INT(a->call_overhead_cycles, b->call_overhead_cycles);
            CHECK_INT(a->call_overhead_per_row, b->call_overhead_per_row);
            CHECK_INT(a->call_overhead_per_col, b->call_overhead_per_col);
            CHECK_INT(a->start_cycles, b->start_cycles);
        }
        text_release(&text);
    }
}
