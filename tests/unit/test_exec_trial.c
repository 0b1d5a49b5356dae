/* Trials against a backend of our own that can be told what to get wrong. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "exec/exec_trial.h"
#include "tests/test.h"

enum fault {
    FAULT_NONE,
    FAULT_ONE_ELEMENT,
    FAULT_LEAVES_ONE,
    FAULT_WRITES_BEYOND,
    FAULT_LAST_TERM, /* adds a thousandth of the bound's order to floats */
    FAULT_UNSUPPORTED,
    FAULT_DEVICE,
};
static enum fault fault;
static unsigned prepared, measured;

struct backend_kernel {
    struct backend_job job;
};

static bool fake_takes(const struct intrin *intrin)
{
    return intrin == NULL;
}

static enum err_code fake_prepare(const struct backend_job *job, struct backend_kernel **out,
                                  struct err *err)
{
    if (fault == FAULT_UNSUPPORTED)
        return err_set(err, ERR_UNSUPPORTED, "no such tile");
    *out = mem_alloc(1, sizeof **out);
    (*out)->job = *job;
    prepared++;
    return ERR_OK;
}

static double read_as(enum dtype type, const void *data, int64_t at)
{
    struct exec_tensor view = { .type = type, .data = (void *)(uintptr_t)data };
    return exec_tensor_get(&view, (size_t)at);
}

/* O[m,n] += A[m,k] * B[k,n], in double. */
static enum err_code fake_run(struct backend_kernel *kernel, const void *const inputs[2],
                              void *output, struct err *err)
{
    const struct expr *expr = kernel->job.expr;
    if (fault == FAULT_DEVICE)
        return err_set(err, ERR_DEVICE, "lost");
    int64_t m = expr->iters[0].extent, n = expr->iters[1].extent, k = expr->iters[2].extent;
    const void *second = kernel->job.constant ? kernel->job.constant : inputs[1];
    for (int64_t at = 0; at < m * n; at++) {
        double sum = 0;
        for (int64_t c = 0; c < k; c++)
            sum += read_as(expr->tensors[1].type, inputs[0], at / n * k + c) *
                   read_as(expr->tensors[2].type, second, c * n + at % n);
        if (fault == FAULT_ONE_ELEMENT && at == n + 1)
            sum += 1;
        if (fault == FAULT_LAST_TERM)
            sum += 1e-6;
        if (fault == FAULT_LEAVES_ONE && at == 2)
            continue;
        if (expr->tensors[0].type == DT_S32)
            ((int32_t *)output)[at] = (int32_t)sum;
        else
            ((float *)output)[at] = (float)sum;
    }
    if (fault == FAULT_WRITES_BEYOND)
        ((int32_t *)output)[m * n] = 0;
    return ERR_OK;
}

static enum err_code fake_measure(struct backend_kernel *kernel, unsigned samples,
                                  struct backend_time *out, struct err *err)
{
    (void)kernel, (void)err;
    *out = (struct backend_time){ 12, 10, samples, 1e9 };
    measured++;
    return ERR_OK;
}

static void fake_release(struct backend_kernel *kernel)
{
    free(kernel);
}

static const char *fake_describe(const struct backend_kernel *kernel)
{
    (void)kernel;
    return "three loops";
}

static const struct backend fake = {
    .name = "fake",
    .takes = fake_takes,
    .prepare = fake_prepare,
    .run = fake_run,
    .measure = fake_measure,
    .release = fake_release,
    .describe = fake_describe,
};

static struct expr product(int64_t m, int64_t n, int64_t k, enum dtype first, enum dtype second,
                           enum dtype result)
{
    struct expr_binding extents[] = { { "m", m, true }, { "n", n, true }, { "k", k, true } };
    struct expr expr;
    CHECK_OK(expr_parse(&expr, "O[m,n] += A[m,k] * B[k,n]", extents, 3, err));
    expr.tensors[0].type = result;
    expr.tensors[1].type = first;
    expr.tensors[2].type = second;
    return expr;
}

static struct exec_verdict try_with(enum fault wrong, const struct expr *expr, bool constant)
{
    struct exec_truth truth;
    struct exec_verdict verdict;
    fault = FAULT_NONE;
    CHECK_OK(exec_truth_init(&truth, &fake, expr, 3, "layer", err));
    fault = wrong;
    prepared = measured = 0;
    const struct exec_trial trial = { &fake, NULL, constant, 1, 5 };
    exec_try(&truth, &trial, &verdict);
    exec_truth_release(&truth);
    return verdict;
}

TEST(exec_trial__right_result__passes_and_is_timed)
{
    struct expr expr = product(3, 5, 7, DT_U8, DT_S8, DT_S32);
    for (int constant = 0; constant < 2; constant++) {
        struct exec_verdict v = try_with(FAULT_NONE, &expr, constant);
        CHECK_INT(EXEC_OK, v.outcome);
        CHECK_INT(5, v.time.samples);
        CHECK_STR("three loops", v.kernel);
        CHECK_INT(1, prepared);
    }
}

TEST(exec_trial__one_wrong_element__is_named)
{
    struct expr expr = product(3, 5, 7, DT_U8, DT_S8, DT_S32);
    struct exec_verdict v = try_with(FAULT_ONE_ELEMENT, &expr, false);
    CHECK_INT(EXEC_MISMATCH, v.outcome);
    CHECK(strncmp(v.detail, "O[1,1]: expected ", 17) == 0);
    CHECK(strstr(v.detail, "; 1 of 15 elements are wrong") != NULL);
    CHECK_INT(0, measured);
}

TEST(exec_trial__element_not_written__is_poison)
{
    struct expr expr = product(3, 5, 7, DT_U8, DT_S8, DT_S32);
    struct exec_verdict v = try_with(FAULT_LEAVES_ONE, &expr, false);
    CHECK_INT(EXEC_MISMATCH, v.outcome);
    CHECK(strncmp(v.detail, "O[0,2]: expected ", 17) == 0);
    expr = product(3, 5, 7, DT_F16, DT_F16, DT_F32);
    CHECK_INT(EXEC_MISMATCH, try_with(FAULT_LEAVES_ONE, &expr, false).outcome);
}

TEST(exec_trial__write_beyond_the_result__is_a_mismatch)
{
    struct expr expr = product(3, 5, 7, DT_U8, DT_S8, DT_S32);
    struct exec_verdict v = try_with(FAULT_WRITES_BEYOND, &expr, false);
    CHECK_INT(EXEC_MISMATCH, v.outcome);
    CHECK_STR("bytes beyond the result were written", v.detail);
}

TEST(exec_trial__refusals__unsupported_or_unavailable)
{
    struct expr expr = product(3, 5, 7, DT_U8, DT_S8, DT_S32);
    struct exec_verdict v = try_with(FAULT_UNSUPPORTED, &expr, false);
    CHECK_INT(EXEC_UNSUPPORTED, v.outcome);
    CHECK_STR("no such tile", v.detail);
    v = try_with(FAULT_DEVICE, &expr, false);
    CHECK_INT(EXEC_UNAVAILABLE, v.outcome);
    CHECK_STR("lost", v.detail);
}

/* 1e-6 is within the bound of 300 terms (about 300 · 2^-20 · 300/4), but not exact. */
TEST(exec_trial__floats__exact_sums_find_what_the_bound_would_pass)
{
    struct expr expr = product(4, 6, 300, DT_BF16, DT_BF16, DT_F32);
    struct exec_verdict v = try_with(FAULT_NONE, &expr, true);
    CHECK_INT(EXEC_OK, v.outcome);
    CHECK_INT(2, prepared);
    CHECK_INT(1, measured);
    CHECK(v.worst_frac >= 0 && v.worst_frac < 0.5);
    v = try_with(FAULT_LAST_TERM, &expr, true);
    CHECK_INT(EXEC_MISMATCH, v.outcome);
    CHECK_INT(1, prepared);
}

TEST(exec_trial__plan_of_an_intrinsic_that_is_not_taken__is_unsupported)
{
    struct expr expr = product(3, 5, 7, DT_U8, DT_S8, DT_S32);
    struct exec_truth truth;
    struct exec_verdict v;
    struct intrin intrin = { .name = "npu.8x8" };
    struct intrin_plan plan = { .intrin = &intrin, .expr = &expr };
    fault = FAULT_NONE;
    CHECK_OK(exec_truth_init(&truth, &fake, &expr, 3, "layer", err));
    const struct exec_trial trial = { &fake, &plan, false, 1, 0 };
    exec_try(&truth, &trial, &v);
    CHECK_INT(EXEC_UNSUPPORTED, v.outcome);
    CHECK_STR("backend fake does not run npu.8x8", v.detail);
    exec_truth_release(&truth);
}

TEST(exec_trial__huge_tensor__is_a_limit)
{
    struct expr expr = product(1 << 20, 1 << 20, 2, DT_U8, DT_S8, DT_S32);
    struct exec_truth truth;
    struct err err = ERR_INIT;
    fault = FAULT_NONE;
    CHECK_INT(ERR_LIMIT, exec_truth_init(&truth, &fake, &expr, 3, "layer", &err));
}
