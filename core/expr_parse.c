/*
 * Recursive descent over the text of an expression. Every index is evaluated to an affine value
 * while it is read, so products and quotients are judged where they stand and an error has the
 * column of the culprit.
 */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/expr.h"
#include "core/json.h"
#include "core/num.h"

#define DEPTH_MAX 32

struct parser {
    const char *text, *at;
    struct expr expr;
    const struct expr_binding *bindings;
    size_t binding_count;
    bool *binding_used;
    int depth;
    enum err_code code;
    struct err *err;
};

/* (constant + Σ coeff·iter) / divisor while an index is being read. */
struct affine {
    int64_t coeff[EXPR_ITERS_MAX];
    int64_t constant;
    int64_t divisor;
};

/* --- errors --------------------------------------------------------------------------------- */

/* Records the first failure with its column; returns false for `return fail(…)`. */
static bool fail(struct parser *p, enum err_code code, const char *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool fail(struct parser *p, enum err_code code, const char *place, const char *format, ...)
{
    if (p->code != ERR_OK)
        return false;
    p->code = code;
    if (p->err == NULL || p->err->code != ERR_OK)
        return false;
    va_list args;
    va_start(args, format);
    err_vset(p->err, code, format, args);
    va_end(args);
    if (place != NULL)
        p->err->column = (int)(place - p->text) + 1;
    return false;
}

static bool fail_expected(struct parser *p, const char *what)
{
    if (*p->at == '\0')
        return fail(p, ERR_SYNTAX, p->at, "expected %s, got the end of the expression", what);
    return fail(p, ERR_SYNTAX, p->at, "expected %s, got '%c'", what,
                isprint((unsigned char)*p->at) ? *p->at : '?');
}

/* --- words ---------------------------------------------------------------------------------- */

static void skip_space(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool peek(struct parser *p, char c)
{
    skip_space(p);
    return *p->at == c;
}

static bool take(struct parser *p, char c)
{
    if (!peek(p, c))
        return false;
    p->at++;
    return true;
}

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static bool read_name(struct parser *p, const char *what, char name[EXPR_NAME_MAX])
{
    skip_space(p);
    if (!is_name_start(*p->at))
        return fail_expected(p, what);
    const char *start = p->at;
    while (is_name_start(*p->at) || isdigit((unsigned char)*p->at))
        p->at++;
    size_t length = (size_t)(p->at - start);
    if (length >= EXPR_NAME_MAX)
        return fail(p, ERR_LIMIT, start, "a name has at most %d characters", EXPR_NAME_MAX - 1);
    memcpy(name, start, length);
    name[length] = '\0';
    return true;
}

static bool read_number(struct parser *p, int64_t *out)
{
    const char *start = p->at;
    int64_t value = 0;
    for (; isdigit((unsigned char)*p->at); p->at++) {
        value = value * 10 + (*p->at - '0');
        if (value > EXPR_EXTENT_MAX)
            return fail(p, ERR_RANGE, start, "numbers go up to 2^31");
    }
    *out = value;
    return true;
}

/* --- names in an index ---------------------------------------------------------------------- */

static const struct expr_binding *binding_of(struct parser *p, const char *name)
{
    for (size_t i = 0; i < p->binding_count; i++) {
        if (strcmp(p->bindings[i].name, name) == 0) {
            p->binding_used[i] = true;
            return &p->bindings[i];
        }
    }
    return NULL;
}

/* Number of the iteration, added on first sight. */
static bool iteration(struct parser *p, const struct expr_binding *binding, const char *place,
                      size_t *out)
{
    struct expr *expr = &p->expr;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (strcmp(expr->iters[i].name, binding->name) == 0) {
            *out = i;
            return true;
        }
    }
    if (expr->iter_count == EXPR_ITERS_MAX)
        return fail(p, ERR_LIMIT, place, "an expression has at most %d iterations", EXPR_ITERS_MAX);
    if (binding->value < 1 || binding->value > EXPR_EXTENT_MAX)
        return fail(p, ERR_RANGE, place,
                    "expected an extent of 1..%lld for iteration '%s', got %lld",
                    (long long)EXPR_EXTENT_MAX, binding->name, (long long)binding->value);
    struct expr_iter *iter = &expr->iters[expr->iter_count];
    strcpy(iter->name, binding->name);
    iter->extent = binding->value;
    iter->reduce = true; /* until it is seen on the left */
    *out = expr->iter_count++;
    return true;
}

/* "R": the extent of iteration r. */
static const struct expr_binding *extent_of_upper(struct parser *p, const char *name)
{
    if (!isupper((unsigned char)name[0]))
        return NULL;
    char lower[EXPR_NAME_MAX];
    for (size_t i = 0; i < sizeof lower; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    const struct expr_binding *binding = binding_of(p, lower);
    return binding != NULL && binding->is_extent ? binding : NULL;
}

static bool fail_unknown_name(struct parser *p, const char *name, const char *place)
{
    if (isupper((unsigned char)name[0]))
        return fail(p, ERR_REFERENCE, place,
                    "'%s' stands for the extent of an iteration, but none is given", name);
    return fail(p, ERR_REFERENCE, place,
                "no extent is given for '%s' (and it is no parameter with a value)", name);
}

static bool affine_of_name(struct parser *p, struct affine *out)
{
    skip_space(p);
    const char *place = p->at;
    char name[EXPR_NAME_MAX];
    if (!read_name(p, "a name", name))
        return false;
    if (peek(p, '['))
        return fail(p, ERR_SYNTAX, place,
                    "a tensor cannot stand in an index: ']' is missing before");
    const struct expr_binding *binding = binding_of(p, name);
    if (binding == NULL || (binding->is_extent && isupper((unsigned char)name[0]))) {
        binding = extent_of_upper(p, name);
        if (binding == NULL)
            return fail_unknown_name(p, name, place);
        out->constant = binding->value;
        return true;
    }
    if (!binding->is_extent) {
        if (binding->value < -EXPR_EXTENT_MAX || binding->value > EXPR_EXTENT_MAX)
            return fail(p, ERR_RANGE, place, "parameter '%s' = %lld exceeds 2^31", name,
                        (long long)binding->value);
        out->constant = binding->value;
        return true;
    }
    size_t iter = 0;
    if (!iteration(p, binding, place, &iter))
        return false;
    out->coeff[iter] = 1;
    return true;
}

/* --- affine arithmetic ---------------------------------------------------------------------- */

static bool affine_is_constant(const struct affine *a)
{
    for (size_t i = 0; i < EXPR_ITERS_MAX; i++) {
        if (a->coeff[i] != 0)
            return false;
    }
    return true;
}

static bool affine_add(struct parser *p, struct affine *a, const struct affine *b, int64_t sign,
                       const char *place)
{
    if (a->divisor != 1 || b->divisor != 1)
        return fail(p, ERR_VALUE, place,
                    "not affine: a quotient must be the whole index, as in '(p+r)/sh'");
    bool wrong = false;
    int64_t term;
    for (size_t i = 0; i < EXPR_ITERS_MAX; i++) {
        wrong |= __builtin_mul_overflow(b->coeff[i], sign, &term);
        wrong |= __builtin_add_overflow(a->coeff[i], term, &a->coeff[i]);
    }
    wrong |= __builtin_mul_overflow(b->constant, sign, &term);
    wrong |= __builtin_add_overflow(a->constant, term, &a->constant);
    return !wrong || fail(p, ERR_OVERFLOW, place, "the index exceeds 63 bits");
}

static bool affine_mul(struct parser *p, struct affine *a, const struct affine *b,
                       const char *place)
{
    if (!affine_is_constant(a) && !affine_is_constant(b))
        return fail(p, ERR_VALUE, place, "not affine: a product of two iterations");
    if (a->divisor != 1 || b->divisor != 1)
        return fail(p, ERR_VALUE, place,
                    "not affine: a quotient must be the whole index, as in '(p+r)/sh'");
    struct affine other = *b;
    if (affine_is_constant(a)) {
        struct affine swap = *a;
        *a = other;
        other = swap;
    }
    bool wrong = false;
    for (size_t i = 0; i < EXPR_ITERS_MAX; i++)
        wrong |= __builtin_mul_overflow(a->coeff[i], other.constant, &a->coeff[i]);
    wrong |= __builtin_mul_overflow(a->constant, other.constant, &a->constant);
    return !wrong || fail(p, ERR_OVERFLOW, place, "the index exceeds 63 bits");
}

static bool affine_div(struct parser *p, struct affine *a, const struct affine *b,
                       const char *place)
{
    if (!affine_is_constant(b))
        return fail(p, ERR_VALUE, place, "not affine: a division by an iteration");
    if (b->constant < 1)
        return fail(p, ERR_RANGE, place, "expected a divisor of at least 1, got %lld",
                    (long long)b->constant);
    if (a->divisor != 1)
        return fail(p, ERR_VALUE, place, "not affine: a quotient of a quotient");
    if (affine_is_constant(a)) {
        if (a->constant % b->constant != 0)
            return fail(p, ERR_VALUE, place, "%lld / %lld leaves a remainder",
                        (long long)a->constant, (long long)b->constant);
        a->constant /= b->constant;
    } else {
        a->divisor = b->constant;
    }
    return true;
}

/* --- index: sums of products of factors ----------------------------------------------------- */

static bool read_sum(struct parser *p, struct affine *out);

static bool read_factor(struct parser *p, struct affine *out)
{
    memset(out, 0, sizeof *out);
    out->divisor = 1;
    skip_space(p);
    if (isdigit((unsigned char)*p->at))
        return read_number(p, &out->constant);
    if (is_name_start(*p->at))
        return affine_of_name(p, out);
    const char *open = p->at;
    if (!take(p, '('))
        return fail_expected(p, "an iteration, a parameter, a number or '('");
    if (++p->depth > DEPTH_MAX)
        return fail(p, ERR_LIMIT, open, "parentheses nest at most %d deep", DEPTH_MAX);
    if (!read_sum(p, out))
        return false;
    p->depth--;
    return take(p, ')') || fail_expected(p, "')'");
}

static bool read_product(struct parser *p, struct affine *out)
{
    if (!read_factor(p, out))
        return false;
    while (peek(p, '*') || peek(p, '/')) {
        const char *place = p->at;
        char what = *p->at++;
        struct affine factor;
        if (!read_factor(p, &factor))
            return false;
        if (!(what == '*' ? affine_mul : affine_div)(p, out, &factor, place))
            return false;
    }
    return true;
}

static bool read_sum(struct parser *p, struct affine *out)
{
    memset(out, 0, sizeof *out);
    out->divisor = 1;
    bool first = true;
    for (;;) {
        int64_t sign = 1;
        if (peek(p, '-') || (!first && peek(p, '+'))) {
            sign = *p->at++ == '-' ? -1 : 1;
        } else if (!first) {
            return true;
        }
        skip_space(p);
        const char *place = p->at;
        struct affine term;
        if (!read_product(p, &term))
            return false;
        if (first && sign == 1)
            *out = term;
        else if (!affine_add(p, out, &term, sign, place))
            return false;
        first = false;
    }
}

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
static bool derive_extent(struct parser *p, const struct expr_tensor *tensor, size_t d,
                          struct expr_dim *dim, const char *place)
{
    int64_t low, high;
    if (!dim_bounds(&p->expr, dim, &low, &high) || high >= EXPR_EXTENT_MAX)
        return fail(p, ERR_OVERFLOW, place, "dimension %zu of %s is longer than 2^31", d + 1,
                    tensor->name);
    int64_t span = high + 1;
    if (low < 0) {
        int64_t stride = dim_stride(&p->expr, dim);
        span += low;
        if (span > 0 && dim->divisor == 1)
            span = (span + stride - 1) / stride * stride;
    }
    if (span < 1)
        return fail(p, ERR_RANGE, place, "dimension %zu of %s is all padding (indices %lld..%lld)",
                    d + 1, tensor->name, (long long)low, (long long)high);
    dim->extent = (span - 1) / dim->divisor + 1;
    return true;
}

/* The same tensor read twice has one shape. */
static bool unify_twice(struct parser *p, const char *place)
{
    if (p->expr.tensor_count < 3)
        return true;
    struct expr_tensor *a = &p->expr.tensors[1], *b = &p->expr.tensors[2];
    if (strcmp(a->name, b->name) != 0)
        return true;
    if (a->dim_count != b->dim_count)
        return fail(p, ERR_VALUE, place, "%s has %zu dimensions here, %zu before", b->name,
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
static bool check_output_dim(struct parser *p, const struct expr_dim *dim, const char *place)
{
    size_t used = 0;
    bool plain = dim->divisor == 1 && dim->constant >= 0;
    for (size_t i = 0; i < p->expr.iter_count; i++) {
        if (dim->coeff[i] == 0)
            continue;
        used++;
        plain = plain && dim->coeff[i] > 0;
        if (!p->expr.iters[i].reduce)
            return fail(p, ERR_VALUE, place, "'%s' stands twice on the left",
                        p->expr.iters[i].name);
        p->expr.iters[i].reduce = false;
    }
    return (used <= 1 && plain) ||
           fail(p, ERR_VALUE, place,
                "an index on the left is one iteration (times a positive number), or a constant");
}

static bool read_access(struct parser *p)
{
    struct expr *expr = &p->expr;
    bool output = expr->tensor_count == 0;
    struct expr_tensor *tensor = &expr->tensors[expr->tensor_count];
    skip_space(p);
    const char *name_place = p->at, *places[EXPR_DIMS_MAX] = { 0 };
    if (!read_name(p, "a tensor's name", tensor->name))
        return false;
    if (!output && strcmp(tensor->name, expr->tensors[0].name) == 0)
        return fail(p, ERR_DUPLICATE, name_place, "%s is the output and cannot be read",
                    tensor->name);
    if (!take(p, '['))
        return fail_expected(p, "'['");
    do {
        if (tensor->dim_count == EXPR_DIMS_MAX)
            return fail(p, ERR_LIMIT, p->at, "a tensor has at most %d dimensions", EXPR_DIMS_MAX);
        skip_space(p);
        const char *place = p->at;
        struct affine index;
        if (!read_sum(p, &index))
            return false;
        struct expr_dim *dim = &tensor->dims[tensor->dim_count];
        memcpy(dim->coeff, index.coeff, sizeof dim->coeff);
        dim->constant = index.constant;
        dim->divisor = index.divisor;
        places[tensor->dim_count++] = place;
        if (output && !check_output_dim(p, dim, place))
            return false;
    } while (take(p, ','));
    if (!take(p, ']'))
        return fail_expected(p, "',' or ']'");
    for (size_t d = 0; d < tensor->dim_count; d++) {
        if (!derive_extent(p, tensor, d, &tensor->dims[d], places[d]))
            return false;
    }
    expr->tensor_count++;
    return unify_twice(p, name_place);
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool read_combine(struct parser *p, enum expr_combine *one_operand)
{
    static const struct {
        const char *sign;
        enum expr_combine combine;
    } signs[] = { { "+=", EXPR_ADD }, { "max=", EXPR_MAX }, { "=", EXPR_SET } };
    skip_space(p);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t length = strlen(signs[i].sign);
        if (strncmp(p->at, signs[i].sign, length) == 0) {
            p->at += length;
            *one_operand = signs[i].combine;
            return true;
        }
    }
    return fail_expected(p, "'+=', 'max=' or '='");
}

static bool read_term(struct parser *p)
{
    struct expr *expr = &p->expr;
    if (!read_access(p))
        return false;
    if (!peek(p, '*') && !peek(p, '+'))
        return true;
    const char *place = p->at;
    char what = *p->at++;
    if (expr->combine == EXPR_MAX)
        return fail(p, ERR_SYNTAX, place, "'max=' takes one operand");
    if (expr->combine == EXPR_ADD && what == '+')
        return fail(p, ERR_SYNTAX, place, "'+=' takes one operand or a product");
    if (expr->combine == EXPR_ADD)
        expr->combine = EXPR_MUL_ADD;
    else
        expr->combine = what == '*' ? EXPR_SET_MUL : EXPR_SET_ADD;
    return read_access(p);
}

/* '=' has one point per result. */
static bool check_no_reduction(struct parser *p)
{
    enum expr_combine combine = p->expr.combine;
    if (combine != EXPR_SET && combine != EXPR_SET_ADD && combine != EXPR_SET_MUL)
        return true;
    for (size_t i = 0; i < p->expr.iter_count; i++) {
        if (p->expr.iters[i].reduce)
            return fail(p, ERR_VALUE, NULL,
                        "'=' cannot reduce over '%s': use '+=' or put it on the left",
                        p->expr.iters[i].name);
    }
    return true;
}

static bool check_bindings_used(struct parser *p)
{
    const char *known[EXPR_ITERS_MAX];
    for (size_t i = 0; i < p->expr.iter_count; i++)
        known[i] = p->expr.iters[i].name;
    for (size_t i = 0; i < p->binding_count; i++) {
        if (p->binding_used[i])
            continue;
        const char *given = p->bindings[i].name;
        const char *near = json_nearest(given, known, p->expr.iter_count);
        return fail(p, ERR_REFERENCE, NULL, "the expression has no %s '%s'%s%s%s",
                    p->bindings[i].is_extent ? "iteration" : "parameter", given,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return true;
}

static bool check_bindings_distinct(struct parser *p)
{
    for (size_t i = 0; i < p->binding_count; i++) {
        if (strlen(p->bindings[i].name) >= EXPR_NAME_MAX)
            return fail(p, ERR_LIMIT, NULL, "a name has at most %d characters, got '%.40s'",
                        EXPR_NAME_MAX - 1, p->bindings[i].name);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(p->bindings[i].name, p->bindings[j].name) == 0)
                return fail(p, ERR_DUPLICATE, NULL, "'%s' is given twice", p->bindings[i].name);
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

static bool read_expr(struct parser *p)
{
    if (!read_access(p) || !read_combine(p, &p->expr.combine) || !read_term(p))
        return false;
    skip_space(p);
    if (*p->at != '\0')
        return fail_expected(p, "the end of the expression");
    return check_no_reduction(p) && check_bindings_used(p);
}

enum err_code expr_parse(struct expr *out, const char *text, const struct expr_binding *bindings,
                         size_t binding_count, struct err *err)
{
    struct parser p = {
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
