/*
 * A space file as a tree in which choices, expressions and cases stand where a SoC file has values.
 * For sweep/space*.c only.
 *
 *   space_read.c   the file into a template: nodes, parameters, symbols, constraints
 *   space_soc.c    a template and choices into the text of a SoC
 *   space.c        points, constraints, loading
 *   space_order.c  which parameters are monotone, relaxations
 */
#ifndef SOCWEAVE_SWEEP_SPACE_TEMPLATE_H
#define SOCWEAVE_SWEEP_SPACE_TEMPLATE_H

#include "core/json.h"
#include "core/names.h"
#include "sweep/space.h"
#include "sweep/space_expr.h"

enum space_node_kind {
    SPACE_NULL,
    SPACE_BOOL,
    SPACE_NUMBER,
    SPACE_TEXT,
    SPACE_ARRAY,
    SPACE_OBJECT,
    SPACE_CHOICE, /* of a parameter */
    SPACE_EXPR,   /* { "expr": … } */
    SPACE_CASE    /* { "by": expression, "cases": { … } } */
};

struct space_node {
    enum space_node_kind kind;
    bool boolean;
    double number;
    const char *text; /* SPACE_TEXT; SPACE_EXPR and SPACE_CASE: of the expression */
    size_t count;
    const char **keys; /* SPACE_OBJECT; SPACE_CASE: the cases */
    struct space_node **items;
    uint32_t parameter;
    const struct space_expr *expr;
    const struct json_node *where; /* only while the file is open */
    struct space_node *next;       /* of those whose expression waits to be parsed */
};

enum space_symbol_kind { SPACE_PARAMETER, SPACE_NAMED, SPACE_DERIVED };

struct space_symbol {
    const char *name;
    enum space_symbol_kind kind;
    uint32_t index;                /* of the parameter, or in the table of derived figures */
    const struct space_node *node; /* SPACE_NAMED: a constant or an expression */
    enum { SPACE_UNSEEN, SPACE_OPEN, SPACE_DONE } state; /* of the search for circles */
};

struct space_template {
    const struct space_node *root; /* the members of the SoC */
    struct space_node **values[SPACE_PARAMETERS_MAX];
    size_t symbol_count, symbol_capacity;
    struct space_symbol *symbols;
    const struct space_expr *constraints[SPACE_CONSTRAINTS_MAX];
};

/* Figures of a made SoC that constraints may name. */
struct space_derived {
    const char *name;
    double (*value)(const struct soc *soc, const struct area_estimate *area);
};
extern const struct space_derived space_derived_table[];
extern const size_t space_derived_count;

/* What names stand for at one point. */
struct space_context {
    const struct space *space;
    const uint32_t *choices;
    const struct soc *soc; /* NULL: derived figures are not known */
    const struct area_estimate *area;
};
enum err_code space_scalar_of(const struct space_context *context, uint32_t symbol,
                              struct space_scalar *out, struct err *err);
enum err_code space_value_of(const struct space_context *context, const struct space_expr *expr,
                             struct space_scalar *out, struct err *err);

/* space_read.c: everything but the orders of parameters and the hash. Errors are the document's. */
void space_read(struct space *space, struct json_doc *doc);
/* Fills sha256 from the text of a file that space_read() took. */
void space_hash(struct space *space, const char *text, size_t bytes);

/* space_soc.c: the tree of a point, in the arena; NULL with *err filled, and *blamed (which may be
 * NULL) the node of the file that the error is about, if it is one. */
struct space_node *space_resolve(const struct space *space, const uint32_t *choices, uint64_t point,
                                 struct arena *arena, const struct json_node **blamed,
                                 struct err *err);
void space_print(const struct space_node *node, struct text *out);
/* The node of a JSON path, or the nearest one on its way. */
const struct space_node *space_node_at(const struct space_node *root, const char *path);

/* space_order.c: fills parameters[].order by trying. */
void space_find_orders(struct space *space);

#endif
