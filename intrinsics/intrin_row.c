#include "intrinsics/intrin_row.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

#define POINTS_MAX (1u << 26) /* of one call */

/* --- lists of "name=number" ----------------------------------------------------------------- */

struct pair {
    char name[EXPR_NAME_MAX];
    int64_t value;
};

/* 1 with *out filled, 0 at the end, -1 if malformed. */
static int next_pair(const char **list, struct pair *out)
{
    *list += strspn(*list, " ");
    if (**list == '\0')
        return 0;
    size_t length = strcspn(*list, "= ");
    if (length == 0 || length >= sizeof out->name || (*list)[length] != '=')
        return -1;
    memcpy(out->name, *list, length);
    out->name[length] = '\0';
    char *end;
    out->value = strtoll(*list + length + 1, &end, 10);
    if (end == *list + length + 1)
        return -1;
    *list = end;
    return 1;
}

/* --- the parts of a row --------------------------------------------------------------------- */

static enum err_code read_expr(const struct intrin_row *row, struct expr *out, struct err *err)
{
    struct pair pairs[EXPR_ITERS_MAX];
    struct expr_binding bindings[EXPR_ITERS_MAX];
    size_t count = 0;
    const char *list = row->extents;
    int got;
    while (count < EXPR_ITERS_MAX && (got = next_pair(&list, &pairs[count])) > 0) {
        bindings[count] = (struct expr_binding){ pairs[count].name, pairs[count].value, true };
        count++;
    }
    if (count < EXPR_ITERS_MAX && got < 0)
        return err_set(err, ERR_SYNTAX, "extents: expected 'axis=number' at \"%s\"", list);
    return expr_parse(out, row->text, bindings, count, err);
}

static enum err_code read_types(const struct intrin_row *row, struct expr *expr, struct err *err)
{
    const char *list = row->types;
    for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
        list += strspn(list, " ");
        size_t length = strcspn(list, " ");
        char name[EXPR_NAME_MAX] = "";
        if (length < sizeof name)
            memcpy(name, list, length);
        list += length;
        if (!dtype_from_name(name, &expr->tensors[t].type))
            return err_set(err, ERR_TYPE,
                           "expected an element type such as u8, s8, s32, f16 or f32, got '%s'",
                           name);
    }
    return ERR_OK;
}

static enum err_code read_block(const struct intrin_row *row, struct intrin *out, struct err *err)
{
    struct pair pair;
    const char *list = row->block;
    int got;
    for (size_t x = 0; x < INTRIN_AXES_MAX; x++)
        out->block[x] = 1;
    while ((got = next_pair(&list, &pair)) > 0) {
        size_t x = 0;
        while (x < out->expr.iter_count && strcmp(out->expr.iters[x].name, pair.name) != 0)
            x++;
        if (x == out->expr.iter_count)
            return err_set(err, ERR_REFERENCE, "the intrinsic has no axis '%s'", pair.name);
        if (out->expr.iters[x].reduce)
            return err_set(err, ERR_VALUE,
                           "axis '%s' is a reduction; only axes of the "
                           "output are blocked",
                           pair.name);
        if (pair.value < 1 || pair.value > 65536)
            return err_set(err, ERR_RANGE, "expected 1..65536 for '%s', got %lld", pair.name,
                           (long long)pair.value);
        out->block[x] = (uint32_t)pair.value;
    }
    return got < 0 ? err_set(err, ERR_SYNTAX, "expected 'axis=number' at \"%s\"", list) : ERR_OK;
}

/* --- what an intrinsic may be --------------------------------------------------------------- */

static enum err_code check_plain_dim(const struct expr_tensor *tensor, size_t d, size_t iter_count,
                                     bool *seen, struct err *err)
{
    const struct expr_dim *dim = &tensor->dims[d];
    size_t used = 0;
    bool plain = dim->divisor == 1 && dim->constant == 0;
    for (size_t i = 0; i < iter_count; i++) {
        if (dim->coeff[i] == 0)
            continue;
        plain = plain && dim->coeff[i] == 1 && !seen[i];
        seen[i] = true;
        used++;
    }
    if (plain && used <= 1)
        return ERR_OK;
    return err_set(err, ERR_VALUE,
                   "index %zu of %s: an intrinsic's operand is indexed by one axis per dimension, "
                   "each once, or by 0",
                   d + 1, tensor->name);
}

static enum err_code check_expr(const struct expr *expr, struct err *err)
{
    if (expr->combine != EXPR_MUL_ADD)
        return err_set(err, ERR_VALUE, "an intrinsic computes 'output += first * second'");
    if (expr->iter_count > INTRIN_AXES_MAX)
        return err_set(err, ERR_LIMIT, "an intrinsic has at most %d axes, got %zu", INTRIN_AXES_MAX,
                       expr->iter_count);
    if (expr->iter_count == 0)
        return err_set(err, ERR_VALUE, "an intrinsic has at least one axis");
    for (size_t t = 0; t < expr->tensor_count; t++) {
        bool seen[EXPR_ITERS_MAX] = { false };
        for (size_t d = 0; d < expr->tensors[t].dim_count; d++) {
            enum err_code rc = check_plain_dim(&expr->tensors[t], d, expr->iter_count, seen, err);
            if (rc != ERR_OK)
                return rc;
        }
    }
    uint64_t points;
    enum err_code rc = expr_points(expr, &points, err);
    if (rc == ERR_OK && points > POINTS_MAX)
        rc = err_set(err, ERR_LIMIT, "one call has more than %u multiply-adds", POINTS_MAX);
    return rc;
}

static bool is_float(enum dtype type)
{
    return strchr(dtype_name(type), 'f') != NULL; /* f16, bf16, f32, … */
}

static enum err_code check_types(const struct expr *expr, struct err *err)
{
    enum dtype out = expr->tensors[0].type;
    enum dtype a = expr->tensors[1].type, b = expr->tensors[2].type;
    if (is_float(a) && a != b)
        return err_set(err, ERR_TYPE, "inputs of types %s and %s do not multiply", dtype_name(a),
                       dtype_name(b));
    if (is_float(a) != is_float(b))
        return err_set(err, ERR_TYPE, "inputs of types %s and %s do not multiply", dtype_name(a),
                       dtype_name(b));
    if (is_float(a) && !is_float(out))
        return err_set(err, ERR_TYPE, "products of %s accumulate in floats, not in %s",
                       dtype_name(a), dtype_name(out));
    if (!is_float(a) && (is_float(out) || dtype_bytes(out) < 4))
        return err_set(
            err, ERR_TYPE,
            "products of %s and %s accumulate in an integer of at least 4 bytes, not in %s",
            dtype_name(a), dtype_name(b), dtype_name(out));
    return ERR_OK;
}

static enum err_code check_layouts(const struct intrin *intrin, struct intrin_fault *fault,
                                   struct err *err)
{
    struct intrin_layout layout;
    for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
        fault->operand = t;
        enum err_code rc = intrin_layout_parse(intrin, t, &layout, err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err_code read_parts(const struct intrin_row *row, struct intrin *out,
                                struct intrin_fault *fault, struct err *err)
{
    *fault = (struct intrin_fault){ "expr", INTRIN_OPERANDS };
    if (read_expr(row, &out->expr, err) != ERR_OK || check_expr(&out->expr, err) != ERR_OK)
        return err->code;
    fault->key = "operands";
    if (read_types(row, &out->expr, err) != ERR_OK || check_types(&out->expr, err) != ERR_OK)
        return err->code;
    fault->key = "block";
    return read_block(row, out, err);
}

static void start_row(const struct intrin_row *row, const struct intrin_machine *machine,
                      struct intrin *out)
{
    *out = (struct intrin){
        .name = row->name,
        .source = row->source,
        .note = row->note,
        .machine = machine != NULL ? machine : intrin_machine_find(row->machine),
        .interval_cycles = row->interval_cycles,
        .latency_cycles = row->latency_cycles,
    };
    assert(out->machine != NULL);
    memcpy(out->memory, row->memory, sizeof out->memory);
}

enum err_code intrin_from_row(const struct intrin_row *row, const struct intrin_machine *machine,
                              struct intrin *out, struct intrin_fault *fault, struct err *err)
{
    struct intrin made;
    struct intrin_fault where;
    struct err wrong = ERR_INIT;
    start_row(row, machine, &made);
    enum err_code rc = read_parts(row, &made, &where, &wrong);
    if (rc == ERR_OK) {
        where.key = "operands";
        rc = check_layouts(&made, &where, &wrong);
    }
    if (rc == ERR_OK) {
        *out = made;
        return ERR_OK;
    }
    if (fault != NULL)
        *fault = where;
    err_set(err, rc, "%s", wrong.text);
    if (err != NULL)
        err->column = wrong.column;
    return rc;
}

/* --- built-in ------------------------------------------------------------------------------- */

/* Without the layouts, whose check takes a millisecond for the largest; tests parse them all. */
void intrin_builtin(size_t index, struct intrin *out)
{
    assert(index < intrin_row_count);
    struct intrin_fault fault;
    struct err err = ERR_INIT;
    start_row(&intrin_rows[index], NULL, out);
    if (read_parts(&intrin_rows[index], out, &fault, &err) != ERR_OK)
        assert(!"a row of the intrinsic table is wrong");
}

enum err_code intrin_find(const char *name, struct intrin *out, struct err *err)
{
    for (size_t i = 0; i < intrin_row_count; i++) {
        if (strcmp(intrin_rows[i].name, name) == 0) {
            intrin_builtin(i, out);
            return ERR_OK;
        }
    }
    const char *near = json_nearest(name, intrin_names(), intrin_row_count);
    if (near != NULL)
        return err_set(err, ERR_REFERENCE, "unknown intrinsic '%s'; did you mean '%s'?", name,
                       near);
    return err_set(err, ERR_REFERENCE, "unknown intrinsic '%s' (match --list shows them)", name);
}

void intrin_release(struct intrin *intrin)
{
    arena_free(intrin->arena);
    memset(intrin, 0, sizeof *intrin);
}

/* --- types ---------------------------------------------------------------------------------- */

enum err_code intrin_types_fit(const struct intrin *intrin, const struct expr *expr,
                               struct err *err)
{
    if (expr->tensor_count != INTRIN_OPERANDS)
        return ERR_OK; /* intrin_match() gives the reason */
    for (size_t t = 1; t < INTRIN_OPERANDS; t++) {
        enum dtype want = intrin->expr.tensors[t].type, have = expr->tensors[t].type;
        if (want != have)
            return err_set(err, ERR_TYPE, "%s takes %s as operand %zu, but %s is %s", intrin->name,
                           dtype_name(want), t, expr->tensors[t].name, dtype_name(have));
    }
    enum dtype sum = intrin->expr.tensors[0].type, out = expr->tensors[0].type;
    if (is_float(sum) != is_float(out))
        return err_set(err, ERR_TYPE, "%s accumulates in %s, but %s is %s", intrin->name,
                       dtype_name(sum), expr->tensors[0].name, dtype_name(out));
    return ERR_OK;
}

void intrin_adopt_types(const struct intrin *intrin, struct expr *expr)
{
    for (size_t t = 0; t < expr->tensor_count; t++)
        expr->tensors[t].type = intrin->expr.tensors[t].type;
}
