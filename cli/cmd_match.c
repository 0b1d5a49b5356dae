/* match: all legal ways of an operator onto a hardware instruction. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/match_print.h"
#include "core/arena.h"
#include "core/json.h"

static const char *const fit_names[2] = { "fit", "any" };

struct match_args {
    const char *expr, *op, *graph, *layer, *extents, *params, *types, *intrinsic;
    unsigned rule, min_extent;
    uint64_t explain, limit;
    bool list, json;
};

static enum err_code parse(struct match_args *a, int argc, char **argv, bool *helped,
                           struct err *err)
{
    // clang-format off
    const struct cli_option options[] = {
        { "--expr", CLI_TEXT, &a->expr, "EXPR", "an expression, \"O[m,n] += A[m,k] * B[k,n]\"" },
        { "--op", CLI_TEXT, &a->op, "NAME", "an operator of the table: conv2d, gemm, …" },
        { "--graph", CLI_TEXT, &a->graph, "FILE", "a DNN graph, or the name of a shipped one" },
        { "--layer", CLI_TEXT, &a->layer, "NAME", "one layer of the graph; all if not given" },
        { "--extents", CLI_TEXT, &a->extents, "LIST", "extents of the iterations, m=64,n=64,k=32" },
        { "--params", CLI_TEXT, &a->params, "LIST", "parameters of the expression, sh=2,ph=1" },
        { "--types", CLI_TEXT, &a->types, "LIST", "types of inputs and output, u8,s8,s32; \"any\": the intrinsic's" },
        { "--intrinsic", CLI_TEXT, &a->intrinsic, "NAME", "an intrinsic of --list, or an intrinsic/1 file; all if not given" },
        { "--rule", CLI_CHOICE, &a->rule, "R", "what is legal", intrin_rule_names, 2 },
        { "--min-extent", CLI_CHOICE, &a->min_extent, "E", "whether every axis must be filled", fit_names, 2 },
        { "--explain", CLI_COUNT, &a->explain, "N", "matrices, loops and addresses of mapping N", .low = 1, .high = INTRIN_MAPPINGS_MAX },
        { "--limit", CLI_COUNT, &a->limit, "N", "rows of the table; 0 all, as --json does" },
        { "--list", CLI_FLAG, &a->list, NULL, "the intrinsics" },
        { "--json", CLI_FLAG, &a->json, NULL, "print one JSON object in place of the table" },
    };
    // clang-format on
    enum err_code rc = cli_parse("match", options, sizeof options / sizeof *options, argc, argv,
                                 NULL, helped, err);
    if (rc != ERR_OK || *helped || a->list)
        return rc;
    if ((a->expr != NULL) + (a->op != NULL) + (a->graph != NULL) != 1)
        return err_set(err, ERR_USAGE, "give one of --expr, --op, --graph (or --list)");
    if (a->graph != NULL && (a->extents != NULL || a->params != NULL))
        return err_set(err, ERR_USAGE, "--extents and --params go with --expr and --op");
    if (a->graph == NULL && a->layer != NULL)
        return err_set(err, ERR_USAGE, "--layer goes with --graph");
    if (a->explain > 0 && (a->intrinsic == NULL || (a->graph != NULL && a->layer == NULL)))
        return err_set(err, ERR_USAGE, "--explain needs one operator and one --intrinsic");
    return ERR_OK;
}

/* --- the operator ----------------------------------------------------------------------------- */

#define NUMBERS_MAX 64

/* Names and values of --extents and --params. */
struct numbers {
    size_t count;
    char names[NUMBERS_MAX][EXPR_NAME_MAX];
    struct expr_binding bindings[NUMBERS_MAX];
};

static enum err_code add_numbers(struct numbers *out, const char *option, const char *list,
                                 bool extents, struct err *err)
{
    for (const char *at = list; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, "=,");
        char *end;
        if (at[length] != '=' || length == 0)
            return err_set(err, ERR_USAGE, "%s: expected name=number,…, got \"%s\"", option, at);
        if (length >= EXPR_NAME_MAX)
            return err_set(err, ERR_USAGE, "%s: a name has at most %d characters, got \"%.*s\"",
                           option, EXPR_NAME_MAX - 1, (int)length, at);
        if (out->count == NUMBERS_MAX)
            return err_set(err, ERR_USAGE, "%s: more than %d numbers", option, NUMBERS_MAX);
        char *name = out->names[out->count];
        memcpy(name, at, length);
        name[length] = '\0';
        int64_t value = strtoll(at + length + 1, &end, 10);
        if (end == at + length + 1 || (*end != ',' && *end != '\0'))
            return err_set(err, ERR_USAGE, "%s: expected a whole number for %s, got \"%.*s\"",
                           option, name, (int)strcspn(at + length + 1, ","), at + length + 1);
        out->bindings[out->count++] = (struct expr_binding){ name, value, extents };
        at = *end == ',' ? end + 1 : end;
    }
    return ERR_OK;
}

static enum err_code bind_operator(const struct match_args *a, struct expr *out, struct err *err)
{
    struct numbers numbers = { 0 };
    if (add_numbers(&numbers, "--extents", a->extents, true, err) != ERR_OK ||
        add_numbers(&numbers, "--params", a->params, false, err) != ERR_OK)
        return err->code;
    if (a->expr != NULL) {
        if (expr_parse(out, a->expr, numbers.bindings, numbers.count, err) != ERR_OK)
            return err_in_file(err, "--expr", err->column > 0, err->column);
        return ERR_OK;
    }
    const struct op_row *row = op_find(a->op);
    if (row == NULL) {
        const char *near = json_nearest(a->op, op_names(), op_count);
        return err_set(err, ERR_REFERENCE, "--op: unknown operator \"%s\"%s%s%s", a->op,
                       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return op_bind(row, numbers.bindings, numbers.count, out, err);
}

/* "u8,s8,s32": inputs in order, then the output. */
static enum err_code read_types(const char *list, struct expr *expr, struct err *err)
{
    const char *at = list;
    for (size_t n = 1; n <= expr->tensor_count; n++) {
        char name[EXPR_NAME_MAX] = "";
        size_t length = strcspn(at, ",");
        if (length < sizeof name)
            memcpy(name, at, length);
        struct expr_tensor *tensor = &expr->tensors[n % expr->tensor_count];
        if (!dtype_from_name(name, &tensor->type)) {
            const char *near = json_nearest(name, dtype_names, DT_COUNT);
            return err_set(
                err, ERR_TYPE,
                "--types: expected a type such as u8, s8 or f16 for %s, got \"%s\"%s%s%s",
                tensor->name, name, near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
        }
        at += length + (at[length] == ',');
    }
    if (*at != '\0')
        return err_set(err, ERR_USAGE, "--types: %zu types are expected, got \"%s\"",
                       expr->tensor_count, list);
    return ERR_OK;
}

/* Types as given; without --types those of the graph, or of the intrinsic where there is none. */
static bool takes_any_types(const struct match_args *a)
{
    return a->types == NULL ? a->graph == NULL : strcmp(a->types, "any") == 0;
}

/* --- one operator on one intrinsic ------------------------------------------------------------ */

static enum err_code match_one(const struct match_args *a, const struct intrin *intrin,
                               struct expr *expr, struct match_result *out, struct err *err)
{
    if (takes_any_types(a))
        intrin_adopt_types(intrin, expr);
    else if (intrin_types_fit(intrin, expr, err) != ERR_OK)
        return err->code;
    struct intrin_match_options options = { (enum intrin_rule)a->rule, a->min_extent == 0 };
    enum err_code rc = intrin_match(intrin, expr, &options, &out->matches, err);
    if (rc != ERR_OK)
        return rc;
    rc = intrin_rank(intrin, expr, &out->matches, &out->choices, err);
    if (rc != ERR_OK) {
        intrin_matches_release(&out->matches);
        return rc;
    }
    out->intrin = intrin;
    out->expr = expr;
    out->rule = intrin_rule_names[a->rule];
    out->min_extent = fit_names[a->min_extent];
    return ERR_OK;
}

static enum err_code explain(const struct match_args *a, const struct match_result *result,
                             struct text *out, struct err *err)
{
    if (a->explain > result->matches.count)
        return err_set(err, ERR_USAGE, "--explain: expected 1..%zu, got %llu",
                       result->matches.count, (unsigned long long)a->explain);
    const struct intrin_choice *choice = &result->choices[a->explain - 1];
    struct intrin_plan plan;
    enum err_code rc = intrin_plan_init(&plan, result->intrin, result->expr, &choice->mapping, err);
    if (rc != ERR_OK)
        return rc;
    intrin_explain(&plan, out);
    cli_match_print_prediction(result->intrin, &choice->cost, out);
    intrin_plan_release(&plan);
    return ERR_OK;
}

/* Prints; no mapping at all is ERR_INFEASIBLE with the reason. */
static enum err_code show_one(const struct match_args *a, const struct match_result *result,
                              struct err *err)
{
    struct text explanation = { 0 };
    if (a->explain > 0 && result->matches.count > 0 &&
        explain(a, result, &explanation, err) != ERR_OK)
        return err->code;
    if (a->json)
        cli_match_print_json(result, explanation.data);
    else if (explanation.data != NULL)
        fputs(explanation.data, stdout);
    else if (result->matches.count > 0)
        cli_match_print_table(result, a->limit);
    text_release(&explanation);
    if (result->matches.count == 0)
        return err_set(err, ERR_INFEASIBLE, "no mapping: %s", result->matches.reason);
    return ERR_OK;
}

static enum err_code run_one(const struct match_args *a, struct expr *expr, struct err *err)
{
    struct intrin intrin;
    struct match_result result = { 0 };
    if (intrin_open(a->intrinsic, &intrin, err) != ERR_OK)
        return err->code;
    enum err_code rc = match_one(a, &intrin, expr, &result, err);
    if (rc == ERR_OK) {
        rc = show_one(a, &result, err);
        cli_match_release(&result);
    }
    intrin_release(&intrin);
    return rc;
}

/* --- one operator on all intrinsics ----------------------------------------------------------- */

static int compare_rows(const void *left, const void *right)
{
    const struct match_row *a = left, *b = right;
    if ((a->count > 0) != (b->count > 0))
        return a->count > 0 ? -1 : 1;
    if (a->count > 0 && a->best.cost.predicted_ns != b->best.cost.predicted_ns)
        return a->best.cost.predicted_ns < b->best.cost.predicted_ns ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static void note_result(struct match_row *row, const struct match_result *result)
{
    row->count = result->matches.count;
    if (row->count > 0)
        row->best = result->choices[0];
    else
        snprintf(row->reason, sizeof row->reason, "%s", result->matches.reason);
}

/* Row of one intrinsic; types that do not fit are a reason, not an error. */
static enum err_code try_intrinsic(const struct match_args *a, const struct intrin *intrin,
                                   const struct expr *expr, struct match_row *row, struct err *err)
{
    struct match_result result = { 0 };
    struct err wrong = ERR_INIT;
    row->expr = *expr;
    row->axes = intrin->expr;
    row->intrinsic = intrin->name;
    if (match_one(a, intrin, &row->expr, &result, &wrong) == ERR_OK) {
        note_result(row, &result);
        cli_match_release(&result);
        return ERR_OK;
    }
    if (wrong.code != ERR_TYPE)
        return err_set(err, wrong.code, "%s", wrong.text);
    snprintf(row->reason, sizeof row->reason, "%s", wrong.text);
    return ERR_OK;
}

static enum err_code run_all_intrinsics(const struct match_args *a, const struct expr *expr,
                                        struct err *err)
{
    struct match_row *rows = mem_alloc(intrin_count, sizeof *rows);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < intrin_count && rc == ERR_OK; i++) {
        struct intrin intrin;
        intrin_builtin(i, &intrin);
        rows[i].order = i;
        rc = try_intrinsic(a, &intrin, expr, &rows[i], err);
    }
    if (rc == ERR_OK) {
        qsort(rows, intrin_count, sizeof *rows, compare_rows);
        cli_match_print_rows("intrinsics", rows, intrin_count, a->json);
        if (rows[0].count == 0)
            rc = err_set(err, ERR_INFEASIBLE, "no intrinsic can run it: %s", rows[0].reason);
    }
    free(rows);
    return rc;
}

/* --- graphs ----------------------------------------------------------------------------------- */

static const struct dnn_layer *find_layer(const struct dnn *dnn, const char *name, struct err *err)
{
    const char **names = mem_alloc(dnn->layer_count, sizeof *names);
    const struct dnn_layer *found = NULL;
    for (size_t i = 0; i < dnn->layer_count; i++) {
        names[i] = dnn->layers[i].name;
        if (strcmp(names[i], name) == 0)
            found = &dnn->layers[i];
    }
    if (found == NULL) {
        const char *near = json_nearest(name, names, dnn->layer_count);
        err_set(err, ERR_REFERENCE, "--layer: %s has no layer \"%s\"%s%s%s", dnn->name, name,
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    free(names);
    return found;
}

/* The best of the given intrinsic, or of all built-in ones, for one layer. */
static enum err_code best_of_layer(const struct match_args *a, const struct intrin *given,
                                   const struct dnn_layer *layer, struct match_row *row,
                                   struct err *err)
{
    if (given != NULL)
        return try_intrinsic(a, given, layer->expr, row, err);
    for (size_t i = 0; i < intrin_count; i++) {
        struct match_row one = { 0 };
        struct intrin intrin;
        intrin_builtin(i, &intrin);
        one.order = i;
        enum err_code rc = try_intrinsic(a, &intrin, layer->expr, &one, err);
        if (rc != ERR_OK)
            return rc;
        if (i == 0 || compare_rows(&one, row) < 0)
            *row = one;
    }
    return ERR_OK;
}

static enum err_code run_layers(const struct match_args *a, const struct dnn *dnn, struct err *err)
{
    struct intrin intrin;
    bool given = a->intrinsic != NULL;
    if (given && intrin_open(a->intrinsic, &intrin, err) != ERR_OK)
        return err->code;
    struct match_row *rows = mem_alloc(dnn->layer_count, sizeof *rows);
    enum err_code rc = ERR_OK;
    for (size_t l = 0; l < dnn->layer_count && rc == ERR_OK; l++) {
        rc = best_of_layer(a, given ? &intrin : NULL, &dnn->layers[l], &rows[l], err);
        rows[l].layer = dnn->layers[l].name;
    }
    if (rc == ERR_OK)
        cli_match_print_rows("layers", rows, dnn->layer_count, a->json);
    free(rows);
    if (given)
        intrin_release(&intrin);
    return rc;
}

static enum err_code run_graph(const struct match_args *a, struct err *err)
{
    char *file = cli_resolve(a->graph, CLI_GRAPHS);
    struct dnn dnn;
    enum err_code rc = dnn_load(&dnn, file, err);
    free(file);
    if (rc != ERR_OK)
        return rc;
    if (a->layer == NULL) {
        rc = run_layers(a, &dnn, err);
    } else {
        const struct dnn_layer *layer = find_layer(&dnn, a->layer, err);
        struct expr expr;
        if (layer != NULL)
            expr = *layer->expr;
        if (layer != NULL && a->types != NULL && !takes_any_types(a))
            rc = read_types(a->types, &expr, err);
        if (layer == NULL)
            rc = err->code;
        else if (rc == ERR_OK)
            rc = a->intrinsic != NULL ? run_one(a, &expr, err) : run_all_intrinsics(a, &expr, err);
    }
    dnn_release(&dnn);
    return rc;
}

static enum err_code run(const struct match_args *a, struct err *err)
{
    if (a->list) {
        cli_match_print_list(a->json);
        return ERR_OK;
    }
    if (a->graph != NULL)
        return run_graph(a, err);
    struct expr expr;
    enum err_code rc = bind_operator(a, &expr, err);
    if (rc == ERR_OK && !takes_any_types(a))
        rc = read_types(a->types, &expr, err);
    if (rc != ERR_OK)
        return rc;
    return a->intrinsic != NULL ? run_one(a, &expr, err) : run_all_intrinsics(a, &expr, err);
}

/* The error's line; a wrong --expr with a caret under the place. */
static int fail(const struct match_args *a, const struct err *err)
{
    int status = cli_fail("match", err);
    if (a->expr != NULL && err->column > 0 && strcmp(err->file, "--expr") == 0) {
        char *caret = expr_caret(a->expr, err->column);
        fputs(caret, stderr);
        free(caret);
    }
    return status;
}

int cmd_match(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct match_args args = { .rule = INTRIN_AMOS, .min_extent = 1, .limit = 20 };
    bool helped = false;
    if (parse(&args, argc, argv, &helped, &err) != ERR_OK)
        return cli_fail("match", &err);
    if (helped)
        return 0;
    return run(&args, &err) == ERR_OK ? 0 : fail(&args, &err);
}
