/*
 * The words of an expression and its indices. Every index is evaluated to an affine value while it
 * is read, so products and quotients are judged where they stand and an error has the column of the
 * culprit.
 */
#include <ctype.h>
#include <string.h>

#include "core/expr_parser.h"

#define DEPTH_MAX 32

/* --- errors --------------------------------------------------------------------------------- */

bool expr_fail(struct expr_parser *p, enum err_code code, const char *place, const char *format,
               ...)
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

bool expr_fail_expected(struct expr_parser *p, const char *what)
{
    if (*p->at == '\0')
        return expr_fail(p, ERR_SYNTAX, p->at, "expected %s, got the end of the expression", what);
    return expr_fail(p, ERR_SYNTAX, p->at, "expected %s, got '%c'", what,
                     isprint((unsigned char)*p->at) ? *p->at : '?');
}

/* --- words ---------------------------------------------------------------------------------- */

void expr_skip_space(struct expr_parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

bool expr_peek(struct expr_parser *p, char c)
{
    expr_skip_space(p);
    return *p->at == c;
}

bool expr_take(struct expr_parser *p, char c)
{
    if (!expr_peek(p, c))
        return false;
    p->at++;
    return true;
}

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

bool expr_read_name(struct expr_parser *p, const char *what, char name[EXPR_NAME_MAX])
{
    expr_skip_space(p);
    if (!is_name_start(*p->at))
        return expr_fail_expected(p, what);
    const char *start = p->at;
    while (is_name_start(*p->at) || isdigit((unsigned char)*p->at))
        p->at++;
    size_t length = (size_t)(p->at - start);
    if (length >= EXPR_NAME_MAX)
        return expr_fail(p, ERR_LIMIT, start, "a name has at most %d characters",
                         EXPR_NAME_MAX - 1);
    memcpy(name, start, length);
    name[length] = '\0';
    return true;
}

static bool read_number(struct expr_parser *p, int64_t *out)
{
    const char *start = p->at;
    int64_t value = 0;
    for (; isdigit((unsigned char)*p->at); p->at++) {
        value = value * 10 + (*p->at - '0');
        if (value > EXPR_EXTENT_MAX)
            return expr_fail(p, ERR_RANGE, start, "numbers go up to 2^31");
    }
    *out = value;
    return true;
}

/* --- names in an index ---------------------------------------------------------------------- */

static const struct expr_binding *binding_of(struct expr_parser *p, const char *name)
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
static bool iteration(struct expr_parser *p, const struct expr_binding *binding, const char *place,
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
        return expr_fail(p, ERR_LIMIT, place, "an expression has at most %d iterations",
                         EXPR_ITERS_MAX);
    if (binding->value < 1 || binding->value > EXPR_EXTENT_MAX)
        return expr_fail(p, ERR_RANGE, place,
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
static const struct expr_binding *extent_of_upper(struct expr_parser *p, const char *name)
{
    if (!isupper((unsigned char)name[0]))
        return NULL;
    char lower[EXPR_NAME_MAX] = "";
    for (size_t i = 0; i + 1 < sizeof lower && name[i] != '\0'; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    const struct expr_binding *binding = binding_of(p, lower);
    return binding != NULL && binding->is_extent ? binding : NULL;
}

static bool fail_unknown_name(struct expr_parser *p, const char *name, const char *place)
{
    if (isupper((unsigned char)name[0]))
        return expr_fail(p, ERR_REFERENCE, place,
                         "'%s' stands for the extent of an iteration, but none is given", name);
    return expr_fail(p, ERR_REFERENCE, place,
                     "no extent is given for '%s' (and it is no parameter with a value)", name);
}

static bool affine_of_name(struct expr_parser *p, struct expr_affine *out)
{
    expr_skip_space(p);
    const char *place = p->at;
    char name[EXPR_NAME_MAX];
    if (!expr_read_name(p, "a name", name))
        return false;
    if (expr_peek(p, '['))
        return expr_fail(p, ERR_SYNTAX, place,
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
            return expr_fail(p, ERR_RANGE, place, "parameter '%s' = %lld exceeds 2^31", name,
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

static bool affine_is_constant(const struct expr_affine *a)
{
    for (size_t i = 0; i < EXPR_ITERS_MAX; i++) {
        if (a->coeff[i] != 0)
            return false;
    }
    return true;
}

static bool affine_add(struct expr_parser *p, struct expr_affine *a, const struct expr_affine *b,
                       int64_t sign, const char *place)
{
    if (a->divisor != 1 || b->divisor != 1)
        return expr_fail(p, ERR_VALUE, place,
                         "not affine: a quotient must be the whole index, as in '(p+r)/sh'");
    bool wrong = false;
    int64_t term;
    for (size_t i = 0; i < EXPR_ITERS_MAX; i++) {
        wrong |= __builtin_mul_overflow(b->coeff[i], sign, &term);
        wrong |= __builtin_add_overflow(a->coeff[i], term, &a->coeff[i]);
    }
    wrong |= __builtin_mul_overflow(b->constant, sign, &term);
    wrong |= __builtin_add_overflow(a->constant, term, &a->constant);
    return !wrong || expr_fail(p, ERR_OVERFLOW, place, "the index exceeds 63 bits");
}

static bool affine_mul(struct expr_parser *p, struct expr_affine *a, const struct expr_affine *b,
                       const char *place)
{
    if (!affine_is_constant(a) && !affine_is_constant(b))
        return expr_fail(p, ERR_VALUE, place, "not affine: a product of two iterations");
    if (a->divisor != 1 || b->divisor != 1)
        return expr_fail(p, ERR_VALUE, place,
                         "not affine: a quotient must be the whole index, as in '(p+r)/sh'");
    struct expr_affine other = *b;
    if (affine_is_constant(a)) {
        struct expr_affine swap = *a;
        *a = other;
        other = swap;
    }
    bool wrong = false;
    for (size_t i = 0; i < EXPR_ITERS_MAX; i++)
        wrong |= __builtin_mul_overflow(a->coeff[i], other.constant, &a->coeff[i]);
    wrong |= __builtin_mul_overflow(a->constant, other.constant, &a->constant);
    return !wrong || expr_fail(p, ERR_OVERFLOW, place, "the index exceeds 63 bits");
}

static bool affine_div(struct expr_parser *p, struct expr_affine *a, const struct expr_affine *b,
                       const char *place)
{
    if (!affine_is_constant(b))
        return expr_fail(p, ERR_VALUE, place, "not affine: a division by an iteration");
    if (b->constant < 1)
        return expr_fail(p, ERR_RANGE, place, "expected a divisor of at least 1, got %lld",
                         (long long)b->constant);
    if (a->divisor != 1)
        return expr_fail(p, ERR_VALUE, place, "not affine: a quotient of a quotient");
    if (affine_is_constant(a)) {
        if (a->constant % b->constant != 0)
            return expr_fail(p, ERR_VALUE, place, "%lld / %lld leaves a remainder",
                             (long long)a->constant, (long long)b->constant);
        a->constant /= b->constant;
    } else {
        a->divisor = b->constant;
    }
    return true;
}

/* --- index: sums of products of factors ----------------------------------------------------- */

static bool read_factor(struct expr_parser *p, struct expr_affine *out)
{
    memset(out, 0, sizeof *out);
    out->divisor = 1;
    expr_skip_space(p);
    if (isdigit((unsigned char)*p->at))
        return read_number(p, &out->constant);
    if (is_name_start(*p->at))
        return affine_of_name(p, out);
    const char *open = p->at;
    if (!expr_take(p, '('))
        return expr_fail_expected(p, "an iteration, a parameter, a number or '('");
    if (++p->depth > DEPTH_MAX)
        return expr_fail(p, ERR_LIMIT, open, "parentheses nest at most %d deep", DEPTH_MAX);
    if (!expr_read_index(p, out))
        return false;
    p->depth--;
    return expr_take(p, ')') || expr_fail_expected(p, "')'");
}

static bool read_product(struct expr_parser *p, struct expr_affine *out)
{
    if (!read_factor(p, out))
        return false;
    while (expr_peek(p, '*') || expr_peek(p, '/')) {
        const char *place = p->at;
        char what = *p->at++;
        struct expr_affine factor;
        if (!read_factor(p, &factor))
            return false;
        if (!(what == '*' ? affine_mul : affine_div)(p, out, &factor, place))
            return false;
    }
    return true;
}

bool expr_read_index(struct expr_parser *p, struct expr_affine *out)
{
    memset(out, 0, sizeof *out);
    out->divisor = 1;
    bool first = true;
    for (;;) {
        int64_t sign = 1;
        if (expr_peek(p, '-') || (!first && expr_peek(p, '+'))) {
            sign = *p->at++ == '-' ? -1 : 1;
        } else if (!first) {
            return true;
        }
        expr_skip_space(p);
        const char *place = p->at;
        struct expr_affine term;
        if (!read_product(p, &term))
            return false;
        if (first && sign == 1)
            *out = term;
        else if (!affine_add(p, out, &term, sign, place))
            return false;
        first = false;
    }
}
