#include "tests/unit/backend_case.h"

#include <stdlib.h>
#include <string.h>

#include "backends/element.h"
#include "core/arena.h"
#include "tests/test.h"

size_t backend_case_elements(const struct expr *expr, size_t tensor)
{
    uint64_t elements = 0;
    CHECK_OK(expr_elements(expr, tensor, &elements, err));
    return elements;
}

void *backend_case_data(const struct expr *expr, size_t tensor, struct rng *rng)
{
    enum dtype type = expr->tensors[tensor].type;
    size_t elements = backend_case_elements(expr, tensor), bytes = dtype_bytes(type);
    uint8_t *data = mem_alloc(elements, bytes);
    for (size_t i = 0; i < elements; i++) {
        float small = ((float)rng_below(rng, 513) - 256) / 64;
        if (type == DT_F16)
            ((uint16_t *)data)[i] = backend_f32_to_f16(small);
        else if (type == DT_BF16)
            ((uint16_t *)data)[i] = backend_f32_to_bf16(small);
        else if (type == DT_F32)
            ((float *)data)[i] = small;
        else if (type == DT_F64)
            ((double *)data)[i] = small;
        else
            for (size_t b = 0; b < bytes; b++)
                data[i * bytes + b] = (uint8_t)rng_below(rng, 256);
    }
    return data;
}

/* --- the second truth ----------------------------------------------------------------------- */

static double term_real(const struct expr *expr, const int64_t *at, const void *const inputs[2])
{
    double read[2] = { 0, 0 };
    for (size_t t = 1; t < expr->tensor_count; t++) {
        int64_t offset = expr_offset(expr, t, at);
        if (offset >= 0)
            read[t - 1] = backend_load_real(expr->tensors[t].type, inputs[t - 1], (size_t)offset);
    }
    bool product = expr->combine == EXPR_MUL_ADD || expr->combine == EXPR_SET_MUL;
    return product ? read[0] * read[1] : read[0] + read[1];
}

static int64_t term_int(const struct expr *expr, const int64_t *at, const void *const inputs[2])
{
    uint64_t read[2] = { 0, 0 };
    for (size_t t = 1; t < expr->tensor_count; t++) {
        int64_t offset = expr_offset(expr, t, at);
        if (offset >= 0)
            read[t - 1] =
                (uint64_t)backend_load_int(expr->tensors[t].type, inputs[t - 1], (size_t)offset);
    }
    bool product = expr->combine == EXPR_MUL_ADD || expr->combine == EXPR_SET_MUL;
    return (int64_t)(product ? read[0] * read[1] : read[0] + read[1]);
}

static bool next_point(const struct expr *expr, int64_t *at)
{
    for (size_t i = expr->iter_count; i-- > 0;) {
        if (++at[i] < expr->iters[i].extent)
            return true;
        at[i] = 0;
    }
    return false;
}

struct sum {
    double real;
    int64_t whole;
    bool any;
};

static void add_point(const struct expr *expr, const int64_t *at, const void *const inputs[2],
                      bool real, struct sum *sum)
{
    bool largest = expr->combine == EXPR_MAX;
    double x = real ? term_real(expr, at, inputs) : 0;
    int64_t i = real ? 0 : term_int(expr, at, inputs);
    if (largest && sum->any) {
        sum->real = x > sum->real ? x : sum->real;
        sum->whole = i > sum->whole ? i : sum->whole;
    } else if (largest) {
        sum->real = x;
        sum->whole = i;
    } else {
        sum->real += x;
        sum->whole = (int64_t)((uint64_t)sum->whole + (uint64_t)i);
    }
    sum->any = true;
}

void *backend_case_expected(const struct backend_job *job, const void *const inputs[2])
{
    const struct expr *expr = job->expr;
    const struct expr_tensor *out = &expr->tensors[0];
    enum dtype type = backend_output_type(job);
    size_t elements = backend_case_elements(expr, 0), inner = 1;
    size_t dim = job->epilogue != NULL ? job->epilogue->channel_dim : 0;
    bool real = backend_sums_floats(expr);
    struct sum *sums = mem_alloc(elements, sizeof *sums);
    int64_t at[EXPR_ITERS_MAX] = { 0 };
    do
        add_point(expr, at, inputs, real, &sums[expr_offset(expr, 0, at)]);
    while (next_point(expr, at));
    for (size_t d = dim + 1; d < out->dim_count; d++)
        inner *= (size_t)out->dims[d].extent;
    void *expected = mem_alloc(elements, dtype_bytes(type));
    for (size_t e = 0; e < elements; e++) {
        size_t channel = e / inner % (size_t)out->dims[dim].extent;
        if (real)
            backend_store_real(job->epilogue, channel, sums[e].real, type, expected, e);
        else
            backend_store_int(job->epilogue, channel, sums[e].whole, type, expected, e);
    }
    free(sums);
    return expected;
}

/* --- the backend ---------------------------------------------------------------------------- */

#define GUARD_BYTES 64
#define POISON      0xa5

static void check_guards(const uint8_t *memory, size_t bytes)
{
    for (size_t i = 0; i < GUARD_BYTES; i++) {
        CHECK_INT(POISON, memory[i]);
        CHECK_INT(POISON, memory[GUARD_BYTES + bytes + i]);
    }
}

void *backend_case_output(const struct backend *backend, const struct backend_job *job,
                          const void *const inputs[2], const char **why)
{
    static struct err refusal;
    refusal = (struct err)ERR_INIT;
    struct backend_kernel *kernel;
    enum err_code rc = backend->prepare(job, &kernel, &refusal);
    if (rc == ERR_UNSUPPORTED) {
        *why = refusal.text;
        return NULL;
    }
    if (rc != ERR_OK)
        test_fail(__FILE__, __LINE__, "%s: prepare: %s", backend->name, refusal.text);
    size_t bytes = backend_case_elements(job->expr, 0) * dtype_bytes(backend_output_type(job));
    uint8_t *memory = mem_alloc(bytes + 2 * GUARD_BYTES, 1), *output = mem_alloc(bytes, 1);
    for (int round = 0; round < 2; round++) {
        memset(memory, POISON, bytes + 2 * GUARD_BYTES);
        CHECK_OK(backend->run(kernel, inputs, memory + GUARD_BYTES, err));
        check_guards(memory, bytes);
        CHECK(round == 0 || memcmp(output, memory + GUARD_BYTES, bytes) == 0);
        memcpy(output, memory + GUARD_BYTES, bytes);
    }
    backend->release(kernel);
    free(memory);
    return output;
}

size_t backend_case_differs(const struct backend_job *job, const void *a, const void *b)
{
    size_t elements = backend_case_elements(job->expr, 0),
           bytes = dtype_bytes(backend_output_type(job));
    for (size_t e = 0; e < elements; e++)
        if (memcmp((const char *)a + e * bytes, (const char *)b + e * bytes, bytes) != 0)
            return e;
    return elements;
}
