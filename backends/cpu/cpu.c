/* interim */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/evaluate.h"
#include "backends/sample.h"
#include "core/arena.h"

struct backend_kernel {
    struct backend_evaluator *evaluator;
    size_t inputs, output_bytes;
    bool constant, ran;
    void *output; /* for measuring */
    char text[64];
};

static void probe(struct backend_probe *out)
{
    *out = (struct backend_probe){ .state = BACKEND_AVAILABLE };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    out->units = cores > 0 ? (unsigned)cores : 1;
    snprintf(out->device, sizeof out->device, "plain C, %u cores", out->units);
}

static bool takes(const struct intrin *intrin)
{
    (void)intrin;
    return true;
}

static enum err_code prepare(const struct backend_job *job, struct backend_kernel **out,
                             struct err *err)
{
    struct backend_evaluator *evaluator;
    uint64_t elements;
    enum err_code rc = backend_evaluator_new(&evaluator, job, err);
    if (rc != ERR_OK)
        return rc;
    expr_elements(job->expr, 0, &elements, NULL); /* the evaluator has checked it */
    struct backend_kernel *kernel = mem_alloc(1, sizeof *kernel);
    kernel->evaluator = evaluator;
    kernel->inputs = job->expr->tensor_count - 1;
    kernel->output_bytes = elements * dtype_bytes(backend_output_type(job));
    kernel->constant = kernel->inputs > 1 && job->constant != NULL;
    if (kernel->constant)
        backend_evaluator_load(evaluator, 1, job->constant);
    snprintf(kernel->text, sizeof kernel->text, "plain C, %u thread%s", job->threads,
             job->threads == 1 ? "" : "s");
    *out = kernel;
    return ERR_OK;
}

static enum err_code run(struct backend_kernel *kernel, const void *const inputs[2], void *output,
                         struct err *err)
{
    (void)err;
    for (size_t input = 0; input < kernel->inputs; input++)
        if (input == 0 || !kernel->constant)
            backend_evaluator_load(kernel->evaluator, input, inputs[input]);
    backend_evaluator_run(kernel->evaluator, output);
    kernel->ran = true;
    return ERR_OK;
}

static void run_again(void *ctx)
{
    struct backend_kernel *kernel = ctx;
    backend_evaluator_run(kernel->evaluator, kernel->output);
}

static enum err_code measure(struct backend_kernel *kernel, unsigned samples,
                             struct backend_time *out, struct err *err)
{
    if (!kernel->ran)
        return err_set(err, ERR_USAGE, "measured before it ran");
    if (kernel->output == NULL)
        kernel->output = mem_alloc(kernel->output_bytes, 1);
    struct backend_sampler sampler = { .run = run_again, .ctx = kernel, .samples = samples };
    backend_sample(&sampler, out);
    return ERR_OK;
}

static void release(struct backend_kernel *kernel)
{
    if (kernel == NULL)
        return;
    backend_evaluator_free(kernel->evaluator);
    free(kernel->output);
    free(kernel);
}

static const char *describe(const struct backend_kernel *kernel)
{
    return kernel->text;
}

const struct backend backend_cpu = {
    .name = "cpu",
    .summary = "AVX-512 VNNI and bf16 kernels",
    .on_host = true,
    .probe = probe,
    .takes = takes,
    .prepare = prepare,
    .run = run,
    .measure = measure,
    .release = release,
    .describe = describe,
};
