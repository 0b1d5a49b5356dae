/*
 * Expressions of a space file: `pes_total / 4`, `area_mm2 <= 50 and topology != 'bus'`.
 *
 *     expr    = expr OP expr | "-" expr | "not" expr | "(" expr ")" | NUMBER | 'TEXT' | NAME | NAME
 * "(" expr,… ")" OP      = or < and < == != < <= > >= < + - < * / %        (loosest to tightest)
 *     NAME( … = min max abs ceil floor round sqrt log2 if(condition, then, else)
 *
 * Values are doubles or texts; a condition is 1 or 0. Names may hold dots ("nvdla.pe_rows").
 */
#ifndef SOCWEAVE_SWEEP_SPACE_EXPR_H
#define SOCWEAVE_SWEEP_SPACE_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"

#define SPACE_EXPR_DEPTH_MAX 64
#define SPACE_EXPR_BYTES_MAX 1000

struct space_scalar {
    const char *text; /* NULL: a number */
    double number;
};

struct space_expr;

/* What names mean. find: the number of a name, or UINT32_MAX with *err filled. */
struct space_scope {
    void *ctx;
    uint32_t (*find)(void *ctx, const char *name, struct err *err);
};
/* Lives in the arena. NULL with *err filled: ERR_SYNTAX with the place within the text, or what
 * scope->find() says. */
const struct space_expr *space_expr_parse(struct arena *arena, const char *text,
                                          const struct space_scope *scope, struct err *err);

/* The value of a name by its number; an error is passed on. */
struct space_values {
    void *ctx;
    enum err_code (*value)(void *ctx, uint32_t name, struct space_scalar *out, struct err *err);
};
/* ERR_TYPE where a text is used as a number, or compared with one. May be infinite or NAN. */
enum err_code space_expr_value(const struct space_expr *expr, const struct space_values *values,
                               struct space_scalar *out, struct err *err);

/* Calls visit(ctx, name) for every name of the expression. */
void space_expr_names(const struct space_expr *expr, void (*visit)(void *ctx, uint32_t name),
                      void *ctx);

#endif
