#include "exec/exec_trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const exec_outcome_names[EXEC_OUTCOME_COUNT] = { "OK", "MISMATCH", "UNSUPPORTED",
                                                             "UNAVAILABLE" };

static bool has_floats(const struct expr *expr)
{
    enum dtype type = expr->tensors[1].type;
    return type == DT_F16 || type == DT_BF16 || type == DT_F32 || type == DT_F64;
}

/* Terms of one output element. */
static uint64_t terms_of(const struct expr *expr)
{
    uint64_t terms = 1;
    for (size_t i = 0; i < expr->iter_count; i++)
        terms *= expr->iters[i].reduce ? (uint64_t)expr->iters[i].extent : 1;
    return terms;
}

/* --- the truth -------------------------------------------------------------------------------- */

static enum err_code run_once(const struct backend *backend, const struct backend_job *job,
                              const struct exec_tensor inputs[2], struct exec_tensor *result,
                              struct err *err)
{
    struct backend_kernel *kernel;
    const void *data[2] = { inputs[0].data, job->constant ? NULL : inputs[1].data };
    enum err_code rc = backend->prepare(job, &kernel, err);
    if (rc != ERR_OK)
        return rc;
    rc = backend->run(kernel, data, result->data, err);
    backend->release(kernel);
    return rc;
}

/* Σ |first · second| of every element, as M-116 wants it. */
static enum err_code sum_absolute(const struct backend *reference, const struct backend_job *job,
                                  struct exec_set *set, struct err *err)
{
    struct exec_tensor inputs[2] = { 0 };
    for (size_t i = 0; i < 2 && set->inputs[i].block; i++) {
        exec_tensor_init(&inputs[i], set->inputs[i].type, set->inputs[i].elements);
        memcpy(inputs[i].data, set->inputs[i].data, inputs[i].bytes);
        exec_tensor_absolute(&inputs[i]);
    }
    enum err_code rc = exec_tensor_of(&set->absolute, job->expr, 0, err);
    if (rc == ERR_OK)
        rc = run_once(reference, job, inputs, &set->absolute, err);
    exec_tensor_release(&inputs[0]);
    exec_tensor_release(&inputs[1]);
    return rc;
}

static enum err_code fill_set(const struct backend *reference, const struct expr *expr,
                              const struct exec_random *random, struct exec_set *set,
                              struct err *err)
{
    const struct backend_job job = { .expr = expr, .threads = 1 };
    enum err_code rc = ERR_OK;
    for (size_t t = 1; t < expr->tensor_count && rc == ERR_OK; t++) {
        rc = exec_tensor_of(&set->inputs[t - 1], expr, t, err);
        if (rc == ERR_OK)
            exec_tensor_fill(&set->inputs[t - 1], random, (unsigned)t);
    }
    if (rc == ERR_OK)
        rc = exec_tensor_of(&set->result, expr, 0, err);
    if (rc == ERR_OK)
        rc = run_once(reference, &job, set->inputs, &set->result, err);
    if (rc == ERR_OK && has_floats(expr) && !random->exact_sums)
        rc = sum_absolute(reference, &job, set, err);
    return rc;
}

enum err_code exec_truth_init(struct exec_truth *out, const struct backend *reference,
                              const struct expr *expr, uint64_t seed, const char *name,
                              struct err *err)
{
    uint64_t points;
    *out = (struct exec_truth){ .expr = expr, .set_count = has_floats(expr) ? 2 : 1 };
    enum err_code rc = expr_points(expr, &points, err); /* so the terms do not overflow either */
    out->terms = rc == ERR_OK ? terms_of(expr) : 1;
    for (size_t s = 0; s < out->set_count && rc == ERR_OK; s++) {
        struct exec_random random = { seed, name, out->terms, out->set_count == 2 && s == 0 };
        rc = fill_set(reference, expr, &random, &out->sets[s], err);
    }
    if (rc != ERR_OK)
        exec_truth_release(out);
    return rc;
}

void exec_truth_release(struct exec_truth *truth)
{
    for (size_t s = 0; s < EXEC_SETS_MAX; s++) {
        struct exec_set *set = &truth->sets[s];
        exec_tensor_release(&set->inputs[0]);
        exec_tensor_release(&set->inputs[1]);
        exec_tensor_release(&set->result);
        exec_tensor_release(&set->absolute);
    }
    truth->set_count = 0;
}

/* --- a trial ---------------------------------------------------------------------------------- */

/* "O[0,3,1,2]: expected 7, got 9; 12 of 400 elements are wrong" */
static void say_mismatch(const struct expr *expr, const struct exec_tensor *result,
                         const struct exec_difference *difference, struct exec_verdict *out)
{
    const struct expr_tensor *tensor = &expr->tensors[0];
    size_t rest = difference->first, place[EXPR_DIMS_MAX], used;
    for (size_t d = tensor->dim_count; d-- > 0;) {
        place[d] = rest % (size_t)tensor->dims[d].extent;
        rest /= (size_t)tensor->dims[d].extent;
    }
    used = (size_t)snprintf(out->detail, sizeof out->detail, "%s[", tensor->name);
    for (size_t d = 0; d < tensor->dim_count; d++)
        used += (size_t)snprintf(out->detail + used, sizeof out->detail - used, "%s%zu",
                                 d > 0 ? "," : "", place[d]);
    snprintf(out->detail + used, sizeof out->detail - used,
             "]: expected %.9g, got %.9g; %zu of %zu elements are wrong", difference->expected,
             difference->got, difference->wrong, result->elements);
}

/* What an error of the backend means for the layer. */
static void say_refused(const struct err *why, struct exec_verdict *out)
{
    out->outcome = why->code == ERR_DEVICE || why->code == ERR_UNAVAILABLE ? EXEC_UNAVAILABLE
                                                                           : EXEC_UNSUPPORTED;
    snprintf(out->detail, sizeof out->detail, "%s", why->text);
}

static enum err_code run_and_compare(const struct exec_truth *truth, const struct exec_trial *trial,
                                     size_t s, struct backend_kernel *kernel,
                                     struct exec_tensor *result, struct exec_verdict *out,
                                     struct err *err)
{
    const struct exec_set *set = &truth->sets[s];
    const void *inputs[2] = { set->inputs[0].data, trial->constant ? NULL : set->inputs[1].data };
    exec_tensor_poison(result);
    enum err_code rc = trial->backend->run(kernel, inputs, result->data, err);
    if (rc != ERR_OK)
        return rc;
    struct exec_difference difference;
    exec_tensor_compare(result, &set->result, set->absolute.block ? &set->absolute : NULL,
                        truth->terms, &difference);
    if (difference.worst_frac > out->worst_frac)
        out->worst_frac = difference.worst_frac;
    if (difference.wrong > 0) {
        out->outcome = EXEC_MISMATCH;
        say_mismatch(truth->expr, result, &difference, out);
    } else if (!exec_tensor_guards_hold(result)) {
        out->outcome = EXEC_MISMATCH;
        snprintf(out->detail, sizeof out->detail, "bytes beyond the result were written");
    }
    return ERR_OK;
}

static enum err_code try_set(const struct exec_truth *truth, const struct exec_trial *trial,
                             size_t s, struct exec_tensor *result, struct exec_verdict *out,
                             struct err *err)
{
    const struct exec_set *set = &truth->sets[s];
    const struct backend_job job = {
        .expr = truth->expr,
        .plan = trial->plan,
        .constant = trial->constant ? set->inputs[1].data : NULL,
        .tuning = trial->tuning,
        .threads = trial->threads,
    };
    struct backend_kernel *kernel;
    enum err_code rc = trial->backend->prepare(&job, &kernel, err);
    if (rc != ERR_OK)
        return rc;
    if (trial->backend->describe)
        snprintf(out->kernel, sizeof out->kernel, "%s", trial->backend->describe(kernel));
    if (trial->machine != NULL && trial->backend->predict != NULL)
        trial->backend->predict(&job, trial->machine, &out->forecast, NULL);
    rc = run_and_compare(truth, trial, s, kernel, result, out, err);
    bool last = s + 1 == truth->set_count;
    if (rc == ERR_OK && last && out->outcome == EXEC_OK && trial->samples > 0)
        rc = trial->backend->measure(kernel, trial->samples, &out->time, err);
    trial->backend->release(kernel);
    return rc;
}

void exec_try(const struct exec_truth *truth, const struct exec_trial *trial,
              struct exec_verdict *out)
{
    struct err err = ERR_INIT;
    struct exec_tensor result;
    *out = (struct exec_verdict){ .outcome = EXEC_OK };
    if (!trial->backend->takes(trial->plan ? trial->plan->intrin : NULL)) {
        err_set(&err, ERR_UNSUPPORTED, "backend %s does not run %s", trial->backend->name,
                trial->plan ? trial->plan->intrin->name : "layers without an intrinsic");
        say_refused(&err, out);
        return;
    }
    if (exec_tensor_of(&result, truth->expr, 0, &err) != ERR_OK) {
        say_refused(&err, out);
        return;
    }
    enum err_code rc = ERR_OK;
    for (size_t s = 0; s < truth->set_count && rc == ERR_OK && out->outcome == EXEC_OK; s++)
        rc = try_set(truth, trial, s, &result, out, &err);
    if (rc != ERR_OK)
        say_refused(&err, out);
    exec_tensor_release(&result);
}
