#include "cli/validate.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/file.h"
#include "core/num.h"
#include "core/text.h"
#include "exec/exec_trial.h"
#include "intrinsics/intrin_machine.h"

struct session {
    const struct validate_args *args;
    const struct backend *backend;
    unsigned threads, units;                      /* of the predictions */
    const struct intrin_calibration *calibration; /* of this machine by --machine, or NULL */
    const struct intrin_calibration *machine;     /* the same, or a built-in one */
    struct backend_tuning tuning;                 /* count 0: none */
    struct arena *arena;
    struct report_validation *out;
    size_t capacity;
};

/* Layers of equal shape, run once. */
struct shape {
    const struct validate_layer *first;
    char *key;
    uint64_t layers;
};

/* --- equal shapes ----------------------------------------------------------------------------- */

static char *shape_key(const struct dnn_layer *layer)
{
    struct text key = { 0 };
    const struct expr *e = layer->expr;
    char *printed = expr_print(e);
    text_printf(&key, "%s; weights %d;", printed, layer->shape.weight_bytes > 0);
    free(printed);
    for (size_t i = 0; i < e->iter_count; i++)
        text_printf(&key, " %s=%lld", e->iters[i].name, (long long)e->iters[i].extent);
    for (size_t t = 0; t < e->tensor_count; t++) {
        text_printf(&key, "; %s", dtype_name(e->tensors[t].type));
        for (size_t d = 0; d < e->tensors[t].dim_count; d++)
            text_printf(&key, " %lld", (long long)e->tensors[t].dims[d].extent);
    }
    return key.data;
}

static size_t find_shapes(const struct validate_layer *layers, size_t count, bool each,
                          struct shape *shapes)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        char *key = shape_key(layers[i].layer);
        size_t s = each ? found : 0;
        while (s < found && strcmp(shapes[s].key, key) != 0)
            s++;
        if (s == found)
            shapes[found++] = (struct shape){ &layers[i], key, 0 };
        else
            free(key);
        shapes[s].layers++;
    }
    return found;
}

/* --- the intrinsic and its plans -------------------------------------------------------------- */

/* Best plans of one layer on one intrinsic, with the types that the intrinsic gives it. */
struct plans {
    struct intrin intrin;
    struct intrin_machine machine;
    struct expr expr;
    struct intrin_matches matches;
    struct intrin_choice *choices;
    double best_ns; /* of the first one: the backend's forecast if it has one */
};

static void plans_release(struct plans *plans)
{
    free(plans->choices);
    intrin_matches_release(&plans->matches);
    intrin_release(&plans->intrin);
    *plans = (struct plans){ 0 };
}

/* As many units as the run has threads. */
static void set_machine(const struct session *s, struct plans *plans)
{
    plans->machine = *plans->intrin.machine;
    if (s->calibration)
        plans->machine = intrin_machine_at(s->calibration, s->threads, plans->intrin.machine);
    else if (s->units < plans->machine.units)
        plans->machine.units = s->units;
    plans->intrin.machine = &plans->machine;
}

/* What the backend's kernel of the first plan will take, or else what the ranking model says. */
static double best_ns_of(const struct session *s, const struct plans *plans, bool constant)
{
    double ns = plans->choices[0].cost.predicted_ns;
    struct intrin_plan plan;
    struct backend_forecast forecast;
    if (s->backend->predict == NULL || intrin_plan_init(&plan, &plans->intrin, &plans->expr,
                                                        &plans->choices[0].mapping, NULL) != ERR_OK)
        return ns;
    const struct backend_job job = { .expr = &plans->expr,
                                     .plan = &plan,
                                     .constant = constant ? plans : NULL, /* nothing reads it */
                                     .threads = s->threads };
    if (s->backend->predict(&job, s->machine, &forecast, NULL) == ERR_OK && forecast.ns > 0)
        ns = forecast.ns;
    intrin_plan_release(&plan);
    return ns;
}

/* Takes the intrinsic; plans->matches.count 0 with a reason if there is no plan. */
static enum err_code find_plans(const struct session *s, const struct intrin *intrin,
                                const struct expr *expr, bool constant, struct plans *plans,
                                struct err *err)
{
    static const struct intrin_match_options options = { INTRIN_AMOS, false };
    *plans = (struct plans){ .intrin = *intrin, .expr = *expr };
    intrin_adopt_types(&plans->intrin, &plans->expr);
    set_machine(s, plans);
    enum err_code rc = intrin_match(&plans->intrin, &plans->expr, &options, &plans->matches, err);
    if (rc == ERR_OK && plans->matches.count > 0)
        rc = intrin_rank(&plans->intrin, &plans->expr, &plans->matches, &plans->choices, err);
    if (rc == ERR_OK && plans->matches.count > 0)
        plans->best_ns = best_ns_of(s, plans, constant);
    return rc;
}

static bool is_better(const struct plans *a, const struct plans *b)
{
    if ((a->matches.count > 0) != (b->matches.count > 0))
        return a->matches.count > 0;
    return a->matches.count > 0 && a->best_ns < b->best_ns;
}

/* The built-in intrinsic with the fastest prediction that the backend takes, of those with the
 * layer's own types if `typed`. *found tells whether there was any. */
static enum err_code best_builtin(const struct session *s, const struct expr *expr, bool constant,
                                  bool typed, struct plans *best, bool *found, struct err *err)
{
    *found = false;
    for (size_t i = 0; i < intrin_count; i++) {
        struct intrin intrin;
        struct plans plans;
        intrin_builtin(i, &intrin);
        if (!s->backend->takes(&intrin) ||
            (typed && intrin_types_fit(&intrin, expr, NULL) != ERR_OK))
            continue;
        enum err_code rc = find_plans(s, &intrin, expr, constant, &plans, err);
        if (rc != ERR_OK || (*found && !is_better(&plans, best))) {
            plans_release(&plans);
            if (rc != ERR_OK && *found)
                plans_release(best);
            if (rc != ERR_OK)
                return rc;
            continue;
        }
        if (*found)
            plans_release(best);
        *best = plans;
        best->intrin.machine = &best->machine;
        *found = true;
    }
    return ERR_OK;
}

static enum err_code choose_plans(const struct session *s, const struct expr *expr, bool constant,
                                  struct plans *plans, bool *found, struct err *err)
{
    struct intrin intrin;
    *found = true;
    if (s->args->intrinsic != NULL) {
        enum err_code rc = intrin_open(s->args->intrinsic, &intrin, err);
        return rc == ERR_OK ? find_plans(s, &intrin, expr, constant, plans, err) : rc;
    }
    enum err_code rc = best_builtin(s, expr, constant, true, plans, found, err);
    if (rc == ERR_OK && !*found)
        rc = best_builtin(s, expr, constant, false, plans, found, err);
    return rc;
}

/* --- rows ------------------------------------------------------------------------------------- */

static const char *match_text(const struct session *s, const struct plans *plans,
                              const struct intrin_mapping *mapping)
{
    struct text text = { 0 };
    for (size_t x = 0; x < plans->intrin.expr.iter_count; x++) {
        char axis[128];
        text_printf(&text, "%s%s=%s", x > 0 ? " " : "", plans->intrin.expr.iters[x].name,
                    intrin_axis_text(&plans->expr, mapping->axis[x], ".", axis, sizeof axis));
    }
    const char *kept = arena_strdup(s->arena, text.data);
    text_release(&text);
    return kept;
}

static struct report_trial *add_row(struct session *s, const struct shape *shape,
                                    const struct expr *expr)
{
    struct report_validation *v = s->out;
    if (v->count == s->capacity) {
        struct report_trial *old = v->rows;
        s->capacity = 2 * s->capacity + 64;
        v->rows = ARENA_ARRAY(s->arena, struct report_trial, s->capacity);
        if (v->count > 0)
            memcpy(v->rows, old, v->count * sizeof *old);
    }
    struct report_trial *row = &v->rows[v->count++];
    uint64_t points = 0, elements;
    expr_points(expr, &points, NULL);
    *row = (struct report_trial){
        .layer = arena_strdup(s->arena, shape->first->name),
        .layers = shape->layers,
        .intrinsic = "",
        .match = "",
        .kernel = "",
        .detail = "",
        .operations =
            expr->combine == EXPR_MUL_ADD && points < UINT64_MAX / 2 ? 2 * points : points,
    };
    for (size_t t = 0; t < expr->tensor_count; t++)
        if (expr_elements(expr, t, &elements, NULL) == ERR_OK)
            row->bytes += elements * dtype_bytes(expr->tensors[t].type);
    return row;
}

static void add_verdict(struct session *s, const struct exec_verdict *verdict,
                        struct report_trial *row)
{
    _Static_assert((int)EXEC_OUTCOME_COUNT == (int)REPORT_OUTCOME_COUNT &&
                       (int)EXEC_UNAVAILABLE == (int)REPORT_UNAVAILABLE,
                   "report_outcome mirrors exec_outcome");
    row->outcome = (enum report_outcome)verdict->outcome;
    row->detail = arena_strdup(s->arena, verdict->detail);
    row->kernel = arena_strdup(s->arena, verdict->kernel);
    row->bound_frac = verdict->worst_frac;
    row->measured_ns = verdict->time.median_ns;
    row->peak_ops_per_s = verdict->time.peak_ops_per_s;
}

/* The backend's own forecast of the kernel, or else what the ranking model says of the plan. */
static void add_prediction(struct session *s, const struct plans *plans,
                           const struct intrin_cost *cost, const struct backend_forecast *forecast,
                           struct report_trial *row)
{
    _Static_assert(REPORT_TERMS_MAX >= BACKEND_TERMS_MAX && REPORT_TERMS_MAX >= INTRIN_BOUND_COUNT,
                   "a report holds all terms");
    const struct intrin_rates *rates = intrin_rates_for(s->machine, s->threads);
    struct report_validation *v = s->out;
    if (forecast->ns > 0) {
        row->predicted_ns = forecast->ns;
        for (size_t t = 0; t < forecast->count; t++)
            row->terms[row->term_count++] =
                (struct report_term){ forecast->terms[t].name, forecast->terms[t].ns };
        if (forecast->memory_bytes_per_s > 0) { /* a device of its own */
            v->machine = s->args->machine ? arena_strdup(s->arena, s->machine->name) : v->device;
            v->memory_bytes_per_s = forecast->memory_bytes_per_s;
            return;
        }
        v->machine = arena_strdup(s->arena, s->machine->name);
        v->l1_bytes_per_s = rates->l1_bytes_per_s;
        v->l2_bytes_per_s = rates->l2_bytes_per_s;
        v->l3_bytes_per_s = rates->l3_bytes_per_s;
        v->memory_bytes_per_s = rates->memory_bytes_per_s;
        return;
    }
    row->predicted_ns = cost->predicted_ns;
    row->terms[row->term_count++] =
        (struct report_term){ intrin_bound_names[cost->bound], cost->predicted_ns };
    v->machine = arena_strdup(s->arena, plans->machine.name);
    v->memory_bytes_per_s = plans->machine.memory_bytes_per_s;
}

static void add_refusal(struct session *s, const struct shape *shape, const struct expr *expr,
                        const char *why)
{
    struct report_trial *row = add_row(s, shape, expr);
    row->outcome = REPORT_UNSUPPORTED;
    row->detail = arena_strdup(s->arena, why);
}

/* --- one shape -------------------------------------------------------------------------------- */

/* Does the second input never change? */
static bool is_constant(const struct shape *shape)
{
    return shape->first->layer->shape.weight_bytes > 0 &&
           shape->first->layer->expr->tensor_count > 2;
}

static struct exec_trial trial_of(const struct session *s, const struct shape *shape,
                                  const struct intrin_plan *plan)
{
    return (struct exec_trial){
        .backend = s->backend,
        .plan = plan,
        .constant = is_constant(shape),
        .threads = s->threads,
        .samples = (unsigned)s->args->samples,
        .machine = s->machine,
        .tuning = s->args->tune > 0 ? &s->tuning : NULL,
    };
}

static enum err_code run_plan(struct session *s, const struct shape *shape,
                              const struct plans *plans, const struct intrin_choice *choice,
                              const struct exec_truth *truth, struct err *err)
{
    struct intrin_plan plan;
    struct exec_verdict verdict;
    enum err_code rc = intrin_plan_init(&plan, &plans->intrin, &plans->expr, &choice->mapping, err);
    if (rc != ERR_OK)
        return rc;
    struct exec_trial trial = trial_of(s, shape, &plan);
    exec_try(truth, &trial, &verdict);
    struct report_trial *row = add_row(s, shape, &plans->expr);
    row->intrinsic = arena_strdup(s->arena, plans->intrin.name);
    row->match = match_text(s, plans, &choice->mapping);
    if (s->backend->follows_plans)
        add_prediction(s, plans, &choice->cost, &verdict.forecast, row);
    add_verdict(s, &verdict, row);
    intrin_plan_release(&plan);
    return ERR_OK;
}

static enum err_code run_plans(struct session *s, const struct shape *shape,
                               const struct plans *plans, struct err *err)
{
    struct exec_truth truth;
    uint64_t count = min_u64(plans->matches.count, s->args->matches);
    enum err_code rc = exec_truth_init(&truth, backend_find("reference"), &plans->expr,
                                       s->args->seed, shape->first->name, err);
    if (rc != ERR_OK)
        return rc;
    for (uint64_t i = 0; i < count && rc == ERR_OK && !cli_stop; i++)
        rc = run_plan(s, shape, plans, &plans->choices[i], &truth, err);
    exec_truth_release(&truth);
    return rc;
}

static enum err_code run_without_plan(struct session *s, const struct shape *shape, struct err *err)
{
    const struct expr *expr = shape->first->layer->expr;
    struct exec_truth truth;
    struct exec_verdict verdict;
    enum err_code rc = exec_truth_init(&truth, backend_find("reference"), expr, s->args->seed,
                                       shape->first->name, err);
    if (rc != ERR_OK)
        return rc;
    struct exec_trial trial = trial_of(s, shape, NULL);
    exec_try(&truth, &trial, &verdict);
    add_verdict(s, &verdict, add_row(s, shape, expr));
    exec_truth_release(&truth);
    return ERR_OK;
}

static enum err_code run_shape(struct session *s, const struct shape *shape, struct err *err)
{
    const struct expr *expr = shape->first->layer->expr;
    struct plans plans = { 0 };
    bool found;
    if (expr->combine != EXPR_MUL_ADD) {
        if (s->backend->takes(NULL))
            return run_without_plan(s, shape, err);
        add_refusal(s, shape, expr, "no multiply-adds, so no instruction of this backend runs it");
        return ERR_OK;
    }
    enum err_code rc = choose_plans(s, expr, is_constant(shape), &plans, &found, err);
    if (rc == ERR_OK && !found)
        add_refusal(s, shape, expr, "the backend takes none of the built-in intrinsics");
    else if (rc == ERR_OK && plans.matches.count == 0)
        add_refusal(s, shape, expr, plans.matches.reason);
    else if (rc == ERR_OK)
        rc = run_plans(s, shape, &plans, err);
    if (found)
        plans_release(&plans);
    return rc;
}

static bool is_refusal(enum err_code code)
{
    return code == ERR_LIMIT || code == ERR_OVERFLOW || code == ERR_UNSUPPORTED;
}

static enum err_code run_shapes(struct session *s, const struct shape *shapes, size_t count,
                                struct err *err)
{
    struct cli_progress progress;
    enum err_code rc = ERR_OK;
    cli_progress_start(&progress, (enum cli_progress_mode)s->args->progress, "validate");
    for (size_t i = 0; i < count && rc == ERR_OK && !cli_stop; i++) {
        struct err why = ERR_INIT;
        cli_progress_show(&progress, i, count, shapes[i].first->name);
        rc = run_shape(s, &shapes[i], &why);
        if (is_refusal(rc)) {
            add_refusal(s, &shapes[i], shapes[i].first->layer->expr, why.text);
            rc = ERR_OK;
        } else if (rc != ERR_OK && err) {
            *err = why;
        }
    }
    cli_progress_end(&progress);
    return rc;
}

/* A backend that is not here: every layer says so. */
static void refuse_all(struct session *s, const struct shape *shapes, size_t count,
                       const char *reason)
{
    for (size_t i = 0; i < count; i++) {
        add_refusal(s, &shapes[i], shapes[i].first->layer->expr, reason);
        s->out->rows[s->out->count - 1].outcome = REPORT_UNAVAILABLE;
    }
}

/* FILE as given, or that of the user's cache folder, which is made; NULL without one. */
static const char *tune_cache(const struct validate_args *args, struct arena *arena)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (args->tune_cache != NULL)
        return args->tune_cache;
    if ((cache == NULL || *cache == '\0') && (home == NULL || *home == '\0'))
        return NULL;
    const char *dir = cache != NULL && *cache != '\0'
                          ? arena_printf(arena, "%s/socweave", cache)
                          : arena_printf(arena, "%s/.cache/socweave", home);
    return file_make_dir(dir, NULL) == ERR_OK ? arena_printf(arena, "%s/tuning.json", dir) : NULL;
}

/* A CPU's for the backends on this machine, a GPU's for one with a device. */
static enum err_code load_machine(const char *file, const struct backend *backend,
                                  struct arena *arena, struct intrin_calibration *out,
                                  struct err *err)
{
    enum err_code rc = intrin_calibration_load(out, file, arena, err);
    bool of_device = rc == ERR_OK && out->link.to_bytes_per_s > 0;
    if (rc != ERR_OK || of_device == !backend->on_host)
        return rc;
    err_set(err, ERR_VALUE, "\"%s\" is %s: expected what validate --calibrate%s has written",
            out->name, of_device ? "a device behind a link" : "no device behind a link",
            of_device ? "" : " --backend cuda");
    return err_in_file(err, file, 0, 0);
}

enum err_code cli_validate_layers(const struct validate_args *args, const struct backend *backend,
                                  const struct backend_probe *probe,
                                  const struct validate_layer *layers, size_t count,
                                  struct arena *arena, struct report_validation *out,
                                  struct err *err)
{
    unsigned cores = cli_cores();
    struct intrin_calibration calibration;
    if (args->machine && load_machine(args->machine, backend, arena, &calibration, err) != ERR_OK)
        return err->code;
    struct session session = {
        .args = args,
        .backend = backend,
        .threads = args->threads > 0 ? (unsigned)args->threads : cores,
        .units = UINT32_MAX,
        .calibration = args->machine && backend->on_host ? &calibration : NULL,
        .machine = args->machine ? &calibration : &intrin_calibration_zen5,
        .arena = arena,
        .out = out,
    };
    if (args->tune > 0)
        session.tuning = (struct backend_tuning){ (unsigned)args->tune, tune_cache(args, arena) };
    if (backend->on_host)
        session.units = session.threads;
    struct shape *shapes = mem_alloc(count, sizeof *shapes);
    size_t shape_count = find_shapes(layers, count, args->each, shapes);
    enum err_code rc = ERR_OK;
    out->threads = session.threads;
    if (probe->state != BACKEND_AVAILABLE)
        refuse_all(&session, shapes, shape_count, probe->reason);
    else
        rc = run_shapes(&session, shapes, shape_count, err);
    for (size_t s = 0; s < shape_count; s++)
        free(shapes[s].key);
    free(shapes);
    return rc;
}
