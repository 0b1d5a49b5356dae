#include "cli/match_print.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define AXIS_TEXT_MAX 128

void cli_match_release(struct match_result *result)
{
    intrin_matches_release(&result->matches);
    free(result->choices);
    memset(result, 0, sizeof *result);
}

static uint16_t outside(const struct expr *expr, const struct intrin_mapping *mapping)
{
    uint16_t mapped = 0;
    for (size_t x = 0; x < INTRIN_AXES_MAX; x++)
        mapped |= mapping->axis[x];
    return (uint16_t)(((1u << expr->iter_count) - 1) & ~(unsigned)mapped);
}

static void print_time(double ns)
{
    char time[32];
    printf(" %10s", cli_time((uint64_t)(ns * 1000 + 0.5), time, sizeof time));
}

static const char *limit_name(const struct intrin_cost *cost)
{
    return intrin_bound_names[cost->bound];
}

/* --- table ------------------------------------------------------------------------------------ */

static void print_title(const struct match_result *r)
{
    char *text = expr_print(r->expr);
    const struct expr *own = &r->intrin->expr;
    printf("%s\non %s:", text, r->intrin->name);
    free(text);
    for (size_t x = 0; x < own->iter_count; x++)
        printf(" %s=%lld", own->iters[x].name, (long long)own->iters[x].extent);
    printf("; rule %s, min-extent %s: %zu mapping%s\n", r->rule, r->min_extent, r->matches.count,
           r->matches.count == 1 ? "" : "s");
}

/* Width of each axis's column, and of the last one for the loops outside. */
static void column_widths(const struct match_result *r, size_t shown, int *widths)
{
    char text[AXIS_TEXT_MAX];
    size_t axes = r->intrin->expr.iter_count;
    for (size_t x = 0; x <= axes; x++)
        widths[x] = x < axes ? 4 : 7;
    for (size_t i = 0; i < shown; i++) {
        const struct intrin_mapping *m = &r->choices[i].mapping;
        for (size_t x = 0; x <= axes; x++) {
            uint16_t bits = x < axes ? m->axis[x] : outside(r->expr, m);
            int width = (int)strlen(intrin_axis_text(r->expr, bits, ".", text, sizeof text));
            widths[x] = width > widths[x] ? width : widths[x];
        }
    }
}

void cli_match_print_table(const struct match_result *r, uint64_t limit)
{
    size_t axes = r->intrin->expr.iter_count;
    size_t shown = limit > 0 && limit < r->matches.count ? (size_t)limit : r->matches.count;
    int widths[INTRIN_AXES_MAX + 1];
    char text[AXIS_TEXT_MAX];
    print_title(r);
    column_widths(r, shown, widths);
    printf("\n%4s", "#");
    for (size_t x = 0; x < axes; x++)
        printf("  %-*s", widths[x], r->intrin->expr.iters[x].name);
    printf("  %-*s %12s %8s %12s %10s  %s\n", widths[axes], "outside", "calls", "padding",
           "bytes moved", "predicted", "limited by");
    for (size_t i = 0; i < shown; i++) {
        const struct intrin_choice *c = &r->choices[i];
        printf("%4zu", i + 1);
        for (size_t x = 0; x <= axes; x++) {
            uint16_t bits = x < axes ? c->mapping.axis[x] : outside(r->expr, &c->mapping);
            printf("  %-*s", widths[x], intrin_axis_text(r->expr, bits, ".", text, sizeof text));
        }
        printf(" %12llu %7.1f%% %12llu", (unsigned long long)c->cost.calls,
               100 * c->cost.padding_frac, (unsigned long long)c->cost.bytes_moved);
        print_time(c->cost.predicted_ns);
        printf("  %s\n", limit_name(&c->cost));
    }
    if (shown < r->matches.count)
        printf("… %zu more (--limit 0 shows all)\n", r->matches.count - shown);
}

void cli_match_print_prediction(const struct intrin *intrin, const struct intrin_cost *cost,
                                struct text *out)
{
    text_printf(out, "prediction on %s: %.0f cycles, %.3f us, limited by %s\n",
                intrin->machine->name, cost->predicted_cycles, cost->predicted_ns / 1000,
                limit_name(cost));
    for (unsigned b = 0; b < INTRIN_BOUND_COUNT; b++)
        text_printf(out, "  %-14s %16.0f cycles\n", intrin_bound_names[b], cost->cycles[b]);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void json_iterations(struct json_out *out, const char *key, const struct expr *expr,
                            uint16_t bits)
{
    json_out_array(out, key, true);
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (bits >> i & 1)
            json_out_str(out, NULL, expr->iters[i].name);
    }
    json_out_end(out);
}

static void json_choice(struct json_out *out, const struct expr *axes, const struct expr *expr,
                        const struct intrin_choice *c)
{
    json_out_object(out, "axes", true);
    for (size_t x = 0; x < axes->iter_count; x++)
        json_iterations(out, axes->iters[x].name, expr, c->mapping.axis[x]);
    json_out_end(out);
    json_iterations(out, "outside", expr, outside(expr, &c->mapping));
    json_out_u64(out, "calls", c->cost.calls);
    json_out_real(out, "padding_frac", c->cost.padding_frac);
    json_out_u64(out, "bytes_moved", c->cost.bytes_moved);
    json_out_real(out, "predicted_cycles", c->cost.predicted_cycles);
    json_out_real(out, "predicted_ns", c->cost.predicted_ns);
    json_out_str(out, "limited_by", limit_name(&c->cost));
}

void cli_match_print_json(const struct match_result *r, const char *explanation)
{
    struct text text = { 0 };
    struct json_out out;
    char *expr = expr_print(r->expr);
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "intrinsic", r->intrin->name);
    json_out_str(&out, "expr", expr);
    json_out_str(&out, "rule", r->rule);
    json_out_str(&out, "min_extent", r->min_extent);
    json_out_u64(&out, "count", r->matches.count);
    if (r->matches.reason != NULL)
        json_out_str(&out, "reason", r->matches.reason);
    json_out_array(&out, "mappings", false);
    for (size_t i = 0; i < r->matches.count; i++) {
        json_out_object(&out, NULL, true);
        json_choice(&out, &r->intrin->expr, r->expr, &r->choices[i]);
        json_out_end(&out);
    }
    json_out_end(&out);
    if (explanation != NULL)
        json_out_str(&out, "explanation", explanation);
    json_out_end(&out);
    fputs(text.data, stdout);
    text_release(&text);
    free(expr);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void json_rows(const char *what, const struct match_row *rows, size_t count)
{
    struct text text = { 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_array(&out, what, false);
    for (size_t i = 0; i < count; i++) {
        json_out_object(&out, NULL, true);
        if (rows[i].layer != NULL)
            json_out_str(&out, "layer", rows[i].layer);
        json_out_str(&out, "intrinsic", rows[i].intrinsic);
        json_out_u64(&out, "count", rows[i].count);
        if (rows[i].count == 0) {
            json_out_str(&out, "reason", rows[i].reason);
        } else {
            json_choice(&out, &rows[i].axes, &rows[i].expr, &rows[i].best);
        }
        json_out_end(&out);
    }
    json_out_end(&out);
    json_out_end(&out);
    fputs(text.data, stdout);
    text_release(&text);
}

static void print_row(const struct match_row *row)
{
    if (row->layer != NULL)
        printf("%-24.24s ", row->layer);
    if (row->count == 0) {
        printf("%-20s %8s  %s\n", row->layer != NULL ? "-" : row->intrinsic, "-", row->reason);
        return;
    }
    printf("%-20s %8zu %12llu %7.1f%%", row->intrinsic, row->count,
           (unsigned long long)row->best.cost.calls, 100 * row->best.cost.padding_frac);
    print_time(row->best.cost.predicted_ns);
    printf("  %s\n", limit_name(&row->best.cost));
}

void cli_match_print_rows(const char *what, const struct match_row *rows, size_t count, bool json)
{
    if (json) {
        json_rows(what, rows, count);
        return;
    }
    if (rows[0].layer != NULL)
        printf("%-24s ", "layer");
    printf("%-20s %8s %12s %8s %10s  %s\n", "intrinsic", "mappings", "calls", "padding",
           "predicted", "limited by");
    for (size_t i = 0; i < count; i++)
        print_row(&rows[i]);
}

/* --- list ------------------------------------------------------------------------------------- */

static void json_list(void)
{
    struct text text = { 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_array(&out, "intrinsics", false);
    for (size_t i = 0; i < intrin_count; i++) {
        struct intrin intrin;
        intrin_builtin(i, &intrin);
        char *expr = expr_print(&intrin.expr);
        json_out_object(&out, NULL, false);
        json_out_str(&out, "name", intrin.name);
        json_out_str(&out, "expr", expr);
        json_out_object(&out, "extents", true);
        for (size_t x = 0; x < intrin.expr.iter_count; x++)
            json_out_i64(&out, intrin.expr.iters[x].name, intrin.expr.iters[x].extent);
        json_out_end(&out);
        json_out_array(&out, "operands", false);
        for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
            json_out_object(&out, NULL, true);
            json_out_str(&out, "name", intrin.expr.tensors[t].name);
            json_out_str(&out, "type", dtype_name(intrin.expr.tensors[t].type));
            json_out_str(&out, "path", intrin.memory[t].path);
            json_out_str(&out, "load", intrin.memory[t].load);
            json_out_str(&out, "layout", intrin.memory[t].layout);
            json_out_end(&out);
        }
        json_out_end(&out);
        json_out_str(&out, "machine", intrin.machine->name);
        json_out_real(&out, "interval_cycles", intrin.interval_cycles);
        json_out_real(&out, "latency_cycles", intrin.latency_cycles);
        json_out_str(&out, "source", intrin.source);
        json_out_str(&out, "note", intrin.note);
        json_out_end(&out);
        free(expr);
    }
    json_out_end(&out);
    json_out_end(&out);
    fputs(text.data, stdout);
    text_release(&text);
}

void cli_match_print_list(bool json)
{
    if (json) {
        json_list();
        return;
    }
    printf("%-20s %-26s %-16s %-14s %s\n", "intrinsic", "computes", "extents", "types", "source");
    for (size_t i = 0; i < intrin_count; i++) {
        struct intrin intrin;
        char extents[64] = "", types[64] = "";
        intrin_builtin(i, &intrin);
        for (size_t x = 0; x < intrin.expr.iter_count; x++)
            snprintf(extents + strlen(extents), sizeof extents - strlen(extents), "%s%s=%lld",
                     x > 0 ? " " : "", intrin.expr.iters[x].name,
                     (long long)intrin.expr.iters[x].extent);
        for (size_t t = 1; t <= INTRIN_OPERANDS; t++)
            snprintf(types + strlen(types), sizeof types - strlen(types), "%s%s", t > 1 ? "," : "",
                     dtype_name(intrin.expr.tensors[t % INTRIN_OPERANDS].type));
        char *expr = expr_print(&intrin.expr);
        printf("%-20s %-26s %-16s %-14s %s\n", intrin.name, expr, extents, types, intrin.source);
        free(expr);
    }
}
