/*
 * Backends that run matched layers only: onto which of their instructions a layer goes, and how.
 */
#ifndef SOCWEAVE_EXEC_EXEC_PLAN_H
#define SOCWEAVE_EXEC_EXEC_PLAN_H

#include "backends/backend.h"

struct dnn_layer;

struct exec_plan {
    struct intrin *intrin; /* NULL: none; owned */
    struct intrin_plan plan;
};

/* Does it run matched layers only? */
bool exec_plan_is_needed(const struct backend *backend);
/*
 * Of the built-in intrinsics that the backend takes with these types, the one whose best plan it
 * predicts to be fastest. ERR_UNSUPPORTED if the expression fits none. Borrows the expression.
 */
enum err_code exec_plan_find(const struct backend *backend, const struct expr *expr, bool constant,
                             struct exec_plan *out, struct err *err);
void exec_plan_release(struct exec_plan *plan);
/* Could the backend run this layer as exec_net runs it? */
bool exec_plan_takes(const struct backend *backend, const struct dnn_layer *layer);

#endif
