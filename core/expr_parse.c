/* Recursive descent over the text of an expression; its indices are read by expr_index.c. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/expr_parser.h"
#include "core/json.h"
#include "core/num.h"

/* --- tensor extents ------------------------------------------------------------------------- */

/* Smallest and largest numerator over all points. */
static bool dim_bounds(const struct expr *expr, const struct expr_dim *dim, int64_t *low,
                       int64_t *high)
{
    *low = *high = dim->constant;
    bool wrong = false;
    for (size_t i = 0; i < expr->iter_count; i++) {
        int64_t span;
        wrong |= __builtin_mul_overflow(dim->coeff[i], expr->iters[i].extent - 1, &span);
        int64_t *side = span < 0 ? low : high;
        wrong |= __builtin_add_overflow(*side, span, side);
    }
    return !wrong;
}

/* The stride of a padded window: the largest coefficient of an iteration that the output has. */
static int64_t dim_stride(const struct expr *expr, const struct expr_dim *dim)
{
    int64_t stride = 1;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (!expr->iters[i].reduce && dim->coeff[i] > stride)
            stride = dim->coeff[i];
    }
    return stride;
}

/*
 * Extent of one dimension. A padded window of stride s that starts at -pad reaches its last row
 * or up to s - 1 rows less, so the extent is known only to within s; of those the multiple of s
 * is taken (224, not 223, for a 7x7 window of stride 2 and padding 3 with 112 outputs).
 */
static bool derive_extent(struct expr_parser *p, const struct expr_tensor *tensor, size_t d,
                          struct expr_dim *dim, const char *place)
{
    int64_t low, high;
    if (!dim_bounds(&p->expr, dim, &low, &high) || high >= EXPR_EXTENT_MAX)
        return expr_fail(p, ERR_OVERFLOW, place, "dimension %zu of %s is longer than 2^31", d + 1,
                         tensor->name);
    int64_t span = high + 1;
    if (low < 0) {
        int64_t stride = dim_stride(&p->expr, dim);
        span += low;
        if (span > 0 && dim->divisor == 1)
            span = (span + stride - 1) / stride * stride;
    }
    if (span < 1)
        return expr_fail(p, ERR_RANGE, place,
                         "dimension %zu of %s is all padding (indices %lld..%lld)", d + 1,
                         tensor->name, (long long)low, (long long)high);
    dim->extent = (span - 1) / dim->divisor + 1;
    return true;
}

/* The same tensor read twice has one shape. */
static bool unify_twice(struct expr_parser *p, const char *place)
{
    if (p->expr.tensor_count < 3)
        return true;
    struct expr_tensor *a = &p->expr.tensors[1], *b = &p->expr.tensors[2];
    if (strcmp(a->name, b->name) != 0)
        return true;
    if (a->dim_count != b->dim_count)
        return expr_fail(p, ERR_VALUE, place, "%s has %zu dimensions here, %zu before", b->name,
                         b->dim_count, a->dim_count);
    for (size_t d = 0; d < a->dim_count; d++) {
        int64_t extent =
            a->dims[d].extent > b->dims[d].extent ? a->dims[d].extent : b->dims[d].extent;
        a->dims[d].extent = b->dims[d].extent = extent;
    }
    return true;
}

/* --- accesses ------------------------------------------------------------------------------- */

/* On the left every iteration stands once, alone in its index: results must not collide. */
static bool check_output_dim(struct expr_parser *p, const struct expr_dim *dim, const char *place)
{
    size_t used = 0;
    bool plain = dim->divisor == 1 && dim->constant >= 0;
    for (size_t i = 0; i < p->expr.iter_count; i++) {
        if (dim->coeff[i] == 0)
            continue;
        used++;
        plain = plain && dim->coeff[i] > 0;
        if (!p->expr.iters[i].reduce)
            return expr_fail(p, ERR_VALUE, place, "'%s' stands twice on the left",
                             p->expr.iters[i].name);
        p->expr.iters[i].reduce = false;
    }
    return (used <= 1 && plain) ||
           expr_fail(
               p, ERR_VALUE, place,
               "an index on the left is one iteration (times a positive number), or a constant");
}

static bool read_access(struct expr_parser *p)
{
    struct expr *expr = &p->expr;
    bool output = expr->tensor_count == 0;
    struct expr_tensor *tensor = &expr->tensors[expr->tensor_count];
    expr_skip_space(p);
    const char *name_place = p->at, *places[EXPR_DIMS_MAX] = { 0 };
    if (!expr_read_name(p, "a tensor's name", tensor->name))
        return false;
    if (!output && strcmp(tensor->name, expr->tensors[0].name) == 0)
        return expr_fail(p, ERR_DUPLICATE, name_place, "%s is the output and cannot be read",
                         tensor->name);
    if (!expr_take(p, '['))
        return expr_fail_expected(p, "'['");
    do {
        if (tensor->dim_count == EXPR_DIMS_MAX)
            return expr_fail(p, ERR_LIMIT, p->at, "a tensor has at most %d dimensions",
                             EXPR_DIMS_MAX);
        expr_skip_space(p);
        const char *place = p->at;
        struct expr_affine index;
        if (!expr_read_index(p, &index))
            return false;
        struct expr_dim *dim = &tensor->dims[tensor->dim_count];
        memcpy(dim->coeff, index.coeff, sizeof dim->coeff);
        dim->constant = index.constant;
        dim->divisor = index.divisor;
        places[tensor->dim_count++] = place;
        if (output && !check_output_dim(p, dim, place))
            return false;
    } while (expr_take(p, ','));
    if (!expr_take(p, ']'))
        return expr_fail_expected(p, "',' or ']'");
    for (size_t d = 0; d < tensor->dim_count; d++) {
        if (!derive_extent(p, tensor, d, &tensor->dims[d], places[d]))
            return false;
    }
    expr->tensor_count++;
    return unify_twice(p, name_place);
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool read_combine(struct expr_parser *p, enum expr_combine *one_operand)
{
    static const struct {
        const char *sign;
        enum expr_combine combine;
    } signs[] = { { "+=", EXPR_ADD }, { "max=", EXPR_MAX }, { "=", EXPR_SET } };
    expr_skip_space(p);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t length = strlen(signs[i].sign);
        if (strncmp(p->at, signs[i].sign, length) == 0) {
            p->at += length;
            *one_operand = signs[i].combine;
            return true;
        }
    }
    return expr_fail_expected(p, "'+=', 'max=' or '='");
}

static bool read_term(struct expr_parser *p)
{
    struct expr *expr = &p->expr;
    if (!read_access(p))
        return false;
    if (!expr_peek(p, '*') && !expr_peek(p, '+'))
        return true;
    const char *place = p->at;
    char what = *p->at++;
    if (expr->combine == EXPR_MAX)
        return expr_fail(p, ERR_SYNTAX, place, "'max=' takes one operand");
    if (expr->combine == EXPR_ADD && what == '+')
        return expr_fail(p, ERR_SYNTAX, place, "'+=' takes one operand or a product");
    if (expr->combine == EXPR_ADD)
        expr->combine = EXPR_MUL_ADD;
    else
        expr->combine = what == '*' ? EXPR_SET_MUL : EXPR_SET_ADD;
    return read_access(p);
}

/* '=' has one point per result. */
static bool check_no_reduction(struct expr_parser *p)
{
    enum expr_combine combine = p->expr.combine;
    if (combine != EXPR_SET && combine != EXPR_SET_ADD && combine != EXPR_SET_MUL)
        return true;
    for (size_t i = 0; i < p->expr.iter_count; i++) {
        if (p->expr.iters[i].reduce)
            return expr_fail(p, ERR_VALUE, NULL,
                             "'=' cannot reduce over '%s': use '+=' or put it on the left",
                             p->expr.iters[i].name);
    }
    return true;
}

static bool check_bindings_used(struct expr_parser *p)
{
    const char *known[EXPR_ITERS_MAX];
    for (size_t i = 0; i < p->expr.iter_count; i++)
        known[i] = p->expr.iters[i].name;
    for (size_t i = 0; i < p->binding_count; i++) {
        if (p->binding_used[i])
            continue;
        const char *given = p->bindings[i].name;
        const char *near = json_nearest(given, known, p->expr.iter_count);
        return expr_fail(p, ERR_REFERENCE, NULL, "the expression has no %s '%s'%s%s%s",
                         p->bindings[i].is_extent ? "iteration" : "parameter", given,
                         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return true;
}

static bool check_bindings_distinct(struct expr_parser *p)
{
    for (size_t i = 0; i < p->binding_count; i++) {
        if (strlen(p->bindings[i].name) >= EXPR_NAME_MAX)
            return expr_fail(p, ERR_LIMIT, NULL, "a name has at most %d characters, got '%.40s'",
                             EXPR_NAME_MAX - 1, p->bindings[i].name);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(p->bindings[i].name, p->bindings[j].name) == 0)
                return expr_fail(p, ERR_DUPLICATE, NULL, "'%s' is given twice",
                                 p->bindings[i].name);
        }
    }
    return true;
}

static void default_types(struct expr *expr)
{
    static const enum dtype types[EXPR_TENSORS_MAX] = { DT_S32, DT_U8, DT_S8 };
    for (size_t t = 0; t < expr->tensor_count; t++)
        expr->tensors[t].type = types[t];
}

static bool read_expr(struct expr_parser *p)
{
    if (!read_access(p) || !read_combine(p, &p->expr.combine) || !read_term(p))
        return false;
    expr_skip_space(p);
    if (*p->at != '\0')
        return expr_fail_expected(p, "the end of the expression");
    return check_no_reduction(p) && check_bindings_used(p);
}

enum err_code expr_parse(struct expr *out, const char *text, const struct expr_binding *bindings,
                         size_t binding_count, struct err *err)
{
    struct expr_parser p = {
        .text = text, .at = text, .bindings = bindings, .binding_count = binding_count, .err = err
    };
    p.binding_used = mem_alloc(binding_count + 1, sizeof *p.binding_used);
    bool ok = check_bindings_distinct(&p) && read_expr(&p);
    free(p.binding_used);
    if (!ok) {
        assert(p.code != ERR_OK);
        return p.code;
    }
    default_types(&p.expr);
    *out = p.expr;
    return ERR_OK;
}
