#include "exec/exec_plan.h"

#include <stdlib.h>

#include "core/arena.h"
#include "exec/exec_view.h"

/* An intrinsic's best plan. */
struct candidate {
    struct intrin intrin;
    struct intrin_mapping mapping;
    double ns;
};

bool exec_plan_is_needed(const struct backend *backend)
{
    return !backend->takes(NULL);
}

/* The backend's forecast of its kernel, where it has one. */
static double forecast_ns(const struct backend *backend, const struct expr *expr, bool constant,
                          const struct candidate *c)
{
    struct intrin_plan plan;
    struct backend_forecast forecast = { 0 };
    if (backend->predict == NULL ||
        intrin_plan_init(&plan, &c->intrin, expr, &c->mapping, NULL) != ERR_OK)
        return c->ns;
    const struct backend_job job = {
        .expr = expr,
        .plan = &plan,
        .constant = constant ? expr : NULL, /* nothing reads it */
        .threads = 1,
    };
    enum err_code rc = backend->predict(&job, NULL, &forecast, NULL);
    intrin_plan_release(&plan);
    return rc == ERR_OK && forecast.ns > 0 ? forecast.ns : c->ns;
}

/* False if the intrinsic has no plan for it. */
static bool try_intrinsic(const struct backend *backend, const struct expr *expr, bool constant,
                          struct candidate *c)
{
    static const struct intrin_match_options options = { INTRIN_AMOS, false };
    struct intrin_matches matches;
    struct intrin_choice *choices = NULL;
    if (!backend->takes(&c->intrin) || intrin_types_fit(&c->intrin, expr, NULL) != ERR_OK ||
        intrin_match(&c->intrin, expr, &options, &matches, NULL) != ERR_OK)
        return false;
    bool any =
        matches.count > 0 && intrin_rank(&c->intrin, expr, &matches, &choices, NULL) == ERR_OK;
    if (any) {
        c->mapping = choices[0].mapping;
        c->ns = choices[0].cost.predicted_ns;
        c->ns = forecast_ns(backend, expr, constant, c);
    }
    free(choices);
    intrin_matches_release(&matches);
    return any;
}

enum err_code exec_plan_find(const struct backend *backend, const struct expr *expr, bool constant,
                             struct exec_plan *out, struct err *err)
{
    struct candidate best = { .ns = 0 };
    bool found = false;
    for (size_t i = 0; i < intrin_count; i++) {
        struct candidate c;
        intrin_builtin(i, &c.intrin);
        if (try_intrinsic(backend, expr, constant, &c) && (!found || c.ns < best.ns)) {
            best = c;
            found = true;
        }
    }
    if (!found)
        return err_set(err, ERR_UNSUPPORTED, "backend %s has no instruction that it fits",
                       backend->name);
    out->intrin = mem_alloc(1, sizeof *out->intrin);
    *out->intrin = best.intrin;
    enum err_code rc = intrin_plan_init(&out->plan, out->intrin, expr, &best.mapping, err);
    if (rc != ERR_OK) {
        free(out->intrin);
        out->intrin = NULL;
    }
    return rc;
}

void exec_plan_release(struct exec_plan *plan)
{
    if (plan->intrin == NULL)
        return;
    intrin_plan_release(&plan->plan);
    intrin_release(plan->intrin);
    free(plan->intrin);
    plan->intrin = NULL;
}

bool exec_plan_takes(const struct backend *backend, const struct dnn_layer *layer)
{
    struct exec_plan plan = { 0 };
    struct expr expr = *layer->expr;
    exec_expr_channels_last(&expr);
    bool constant = expr.tensor_count == 3 && layer->shape.weight_bytes > 0;
    bool takes = !exec_plan_is_needed(backend) ||
                 exec_plan_find(backend, &expr, constant, &plan, NULL) == ERR_OK;
    exec_plan_release(&plan);
    return takes;
}
