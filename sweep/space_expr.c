#include "sweep/space_expr.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS_MAX = 3, NAME_BYTES_MAX = 128 };

enum node_kind { NODE_NUMBER, NODE_TEXT, NODE_NAME, NODE_CALL };

struct function {
    const char *name; /* as it is written; operators too */
    int precedence;   /* of an operator between two operands; 0: none */
    unsigned args;
    double (*value)(const double *x);
};

struct space_expr {
    enum node_kind kind;
    struct space_scalar constant;
    uint32_t name;
    const struct function *function;
    const struct space_expr *args[ARGS_MAX];
};

/* --- functions and operators ------------------------------------------------------------------ */

#define FUNCTION(name, value)                                                                      \
    static double name(const double *x)                                                            \
    {                                                                                              \
        return value;                                                                              \
    }
FUNCTION(f_or, x[0] != 0 || x[1] != 0)
FUNCTION(f_and, x[0] != 0 && x[1] != 0)
FUNCTION(f_equal, x[0] == x[1])
FUNCTION(f_differs, x[0] != x[1])
FUNCTION(f_at_most, x[0] <= x[1])
FUNCTION(f_at_least, x[0] >= x[1])
FUNCTION(f_less, x[0] < x[1])
FUNCTION(f_more, x[0] > x[1])
FUNCTION(f_add, x[0] + x[1])
FUNCTION(f_subtract, x[0] - x[1])
FUNCTION(f_multiply, x[0] * x[1])
FUNCTION(f_divide, x[0] / x[1])
FUNCTION(f_modulo, fmod(x[0], x[1]))
FUNCTION(f_negate, -x[0])
FUNCTION(f_not, x[0] == 0)
FUNCTION(f_min, fmin(x[0], x[1]))
FUNCTION(f_max, fmax(x[0], x[1]))
FUNCTION(f_abs, fabs(x[0]))
FUNCTION(f_ceil, ceil(x[0]))
FUNCTION(f_floor, floor(x[0]))
FUNCTION(f_round, round(x[0]))
FUNCTION(f_sqrt, sqrt(x[0]))
FUNCTION(f_log2, log2(x[0]))
FUNCTION(f_if, x[0] != 0 ? x[1] : x[2])

enum { UNARY = 10 };
/* Longer operators before those they begin with. */
static const struct function operators[] = {
    { "or", 1, 2, f_or },      { "and", 2, 2, f_and },    { "==", 3, 2, f_equal },
    { "!=", 3, 2, f_differs }, { "<=", 4, 2, f_at_most }, { ">=", 4, 2, f_at_least },
    { "<", 4, 2, f_less },     { ">", 4, 2, f_more },     { "+", 5, 2, f_add },
    { "-", 5, 2, f_subtract }, { "*", 6, 2, f_multiply }, { "/", 6, 2, f_divide },
    { "%", 6, 2, f_modulo },
};
static const struct function unary[] = { { "-", UNARY, 1, f_negate }, { "not", UNARY, 1, f_not } };
static const struct function functions[] = {
    { "min", 0, 2, f_min },   { "max", 0, 2, f_max },     { "abs", 0, 1, f_abs },
    { "ceil", 0, 1, f_ceil }, { "floor", 0, 1, f_floor }, { "round", 0, 1, f_round },
    { "sqrt", 0, 1, f_sqrt }, { "log2", 0, 1, f_log2 },   { "if", 0, 3, f_if },
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* --- parsing ---------------------------------------------------------------------------------- */

struct parser {
    struct arena *arena;
    const struct space_scope *scope;
    const char *text, *at;
    unsigned depth;
    struct err *err;
};

static const struct space_expr *parse(struct parser *p, int above);

static const struct space_expr *fail(struct parser *p, const char *expected)
{
    if (*p->at)
        err_set(p->err, ERR_SYNTAX, "expected %s at \"%.40s\" in \"%.200s\"", expected, p->at,
                p->text);
    else
        err_set(p->err, ERR_SYNTAX, "expected %s at the end of \"%.200s\"", expected, p->text);
    return NULL;
}

static void skip_blanks(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Takes the symbol if it is next; words end where a name would. */
static bool take(struct parser *p, const char *symbol)
{
    size_t bytes = strlen(symbol);
    skip_blanks(p);
    if (strncmp(p->at, symbol, bytes) != 0 ||
        (isalpha((unsigned char)symbol[0]) && is_name_byte(p->at[bytes])))
        return false;
    p->at += bytes;
    return true;
}

static const struct function *take_one(struct parser *p, const struct function *table, size_t count,
                                       int above)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].precedence > above && take(p, table[i].name))
            return &table[i];
    return NULL;
}

static struct space_expr *node_new(struct parser *p, enum node_kind kind)
{
    struct space_expr *node = ARENA_ARRAY(p->arena, struct space_expr, 1);
    node->kind = kind;
    return node;
}

static const struct space_expr *call(struct parser *p, const struct function *function,
                                     const struct space_expr *first,
                                     const struct space_expr *second)
{
    struct space_expr *node = node_new(p, NODE_CALL);
    node->function = function;
    node->args[0] = first;
    node->args[1] = second;
    return p->err->code == ERR_OK ? node : NULL;
}

static const struct space_expr *parse_arguments(struct parser *p, const struct function *function)
{
    struct space_expr *node = node_new(p, NODE_CALL);
    node->function = function;
    for (unsigned i = 0; i < function->args; i++) {
        if (i > 0 && !take(p, ","))
            return fail(p, "\",\" and another argument");
        if (!(node->args[i] = parse(p, 0)))
            return NULL;
    }
    return take(p, ")") ? node : fail(p, "\")\"");
}

static const struct space_expr *parse_number(struct parser *p)
{
    char *end;
    struct space_expr *node = node_new(p, NODE_NUMBER);
    node->constant.number = strtod(p->at, &end);
    p->at = end;
    return node;
}

static const struct space_expr *parse_text(struct parser *p)
{
    const char *end = strchr(p->at + 1, '\'');
    if (!end)
        return fail(p, "a closing \"'\"");
    struct space_expr *node = node_new(p, NODE_TEXT);
    node->constant.text = arena_printf(p->arena, "%.*s", (int)(end - p->at - 1), p->at + 1);
    p->at = end + 1;
    return node;
}

static const struct space_expr *parse_name(struct parser *p)
{
    char name[NAME_BYTES_MAX];
    size_t bytes = 0;
    while (is_name_byte(p->at[bytes]))
        bytes++;
    if (bytes >= sizeof name)
        return fail(p, "a shorter name");
    memcpy(name, p->at, bytes);
    name[bytes] = '\0';
    p->at += bytes;
    if (take(p, "(")) {
        for (size_t i = 0; i < COUNT(functions); i++)
            if (strcmp(functions[i].name, name) == 0)
                return parse_arguments(p, &functions[i]);
        err_set(p->err, ERR_REFERENCE, "unknown function \"%s\"", name);
        return NULL;
    }
    struct space_expr *node = node_new(p, NODE_NAME);
    node->name = p->scope->find(p->scope->ctx, name, p->err);
    return p->err->code == ERR_OK ? node : NULL;
}

static const struct space_expr *parse_operand(struct parser *p)
{
    const struct function *sign = take_one(p, unary, COUNT(unary), 0);
    if (sign) {
        /* "not a == b" is not (a == b), as in most languages that spell it out */
        const struct space_expr *operand = parse(p, sign->value == f_not ? 2 : UNARY - 1);
        return operand ? call(p, sign, operand, NULL) : NULL;
    }
    if (take(p, "(")) {
        const struct space_expr *inner = parse(p, 0);
        return !inner || take(p, ")") ? inner : fail(p, "\")\"");
    }
    skip_blanks(p);
    if (isdigit((unsigned char)*p->at) || *p->at == '.')
        return parse_number(p);
    if (*p->at == '\'')
        return parse_text(p);
    if (isalpha((unsigned char)*p->at) || *p->at == '_')
        return parse_name(p);
    return fail(p, "a number, a name or \"(\"");
}

/* Operators that bind tighter than `above`; equal ones from the left. */
static const struct space_expr *parse(struct parser *p, int above)
{
    if (++p->depth > SPACE_EXPR_DEPTH_MAX) {
        err_set(p->err, ERR_LIMIT, "expected at most %d levels of nesting", SPACE_EXPR_DEPTH_MAX);
        return NULL;
    }
    const struct space_expr *left = parse_operand(p);
    const struct function *operator;
    while (left && (operator= take_one(p, operators, COUNT(operators), above))) {
        const struct space_expr *right = parse(p, operator->precedence);
        left = right ? call(p, operator, left, right) : NULL;
    }
    p->depth--;
    return left;
}

const struct space_expr *space_expr_parse(struct arena *arena, const char *text,
                                          const struct space_scope *scope, struct err *err)
{
    struct err own = ERR_INIT;
    struct parser p = { arena, scope, text, text, 0, &own };
    const struct space_expr *expr = NULL;
    if (strlen(text) > SPACE_EXPR_BYTES_MAX)
        err_set(&own, ERR_LIMIT, "expected an expression of at most %d bytes",
                SPACE_EXPR_BYTES_MAX);
    else
        expr = parse(&p, 0);
    skip_blanks(&p);
    if (expr && *p.at)
        expr = fail(&p, "an operator");
    if (!expr && err)
        *err = own;
    return expr;
}

/* --- values ----------------------------------------------------------------------------------- */

/* Texts are only compared for equality. */
static enum err_code compare_texts(const struct function *function, const struct space_scalar *args,
                                   struct space_scalar *out, struct err *err)
{
    bool both = function->args == 2 && args[0].text && args[1].text;
    bool compares = function->value == f_equal || function->value == f_differs;
    if (!both || !compares)
        return err_set(err, ERR_TYPE, "expected numbers for \"%s\", got the text '%.60s'",
                       function->name, args[0].text ? args[0].text : args[1].text);
    bool equal = strcmp(args[0].text, args[1].text) == 0;
    *out = (struct space_scalar){ .number = equal == (function->value == f_equal) };
    return ERR_OK;
}

static enum err_code call_value(const struct space_expr *expr, const struct space_values *values,
                                struct space_scalar *out, struct err *err)
{
    const struct function *function = expr->function;
    struct space_scalar args[ARGS_MAX] = { 0 };
    double x[ARGS_MAX] = { 0 };
    bool texts = false;
    for (unsigned i = 0; i < function->args; i++) {
        if (space_expr_value(expr->args[i], values, &args[i], err) != ERR_OK)
            return err->code;
        x[i] = args[i].number;
        texts |= args[i].text != NULL;
    }
    if (function->value == f_if && !args[0].text) {
        *out = args[x[0] != 0 ? 1 : 2];
        return ERR_OK;
    }
    if (texts)
        return compare_texts(function, args, out, err);
    *out = (struct space_scalar){ .number = function->value(x) };
    return ERR_OK;
}

enum err_code space_expr_value(const struct space_expr *expr, const struct space_values *values,
                               struct space_scalar *out, struct err *err)
{
    switch (expr->kind) {
    case NODE_NAME:
        return values->value(values->ctx, expr->name, out, err);
    case NODE_CALL:
        return call_value(expr, values, out, err);
    default:
        *out = expr->constant;
        return ERR_OK;
    }
}

void space_expr_names(const struct space_expr *expr, void (*visit)(void *ctx, uint32_t name),
                      void *ctx)
{
    if (expr->kind == NODE_NAME)
        visit(ctx, expr->name);
    for (unsigned i = 0; expr->kind == NODE_CALL && i < expr->function->args; i++)
        space_expr_names(expr->args[i], visit, ctx);
}
