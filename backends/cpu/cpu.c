/* The CPU: the engine where it can, the evaluator for what is no product of its types. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/cpu/engine.h"
#include "backends/evaluate.h"
#include "backends/sample.h"
#include "core/arena.h"

struct backend_kernel {
    struct kernel_engine *engine; /* or */
    struct backend_evaluator *evaluator;
    size_t inputs, output_bytes;
    bool constant, ran;
    unsigned threads;
    double convert_ns;
    void *output; /* of the evaluator, for measuring */
    char text[64];
};

static void probe(struct backend_probe *out)
{
    struct backend_cpu_machine machine;
    backend_cpu_machine(&machine);
    *out = (struct backend_probe){ .state = BACKEND_AVAILABLE, .units = machine.cores };
    snprintf(out->device, sizeof out->device, "%.50s, %u cores, %s%s", machine.model, machine.cores,
             machine.vnni      ? "AVX-512 VNNI"
             : machine.avxvnni ? "AVX-VNNI: no AVX-512 VNNI"
             : machine.avx2    ? "AVX2: no AVX-512 VNNI"
                               : "plain C: no AVX-512 VNNI",
             machine.bf16 ? " and BF16" : "");
}

/* Single instructions and register tiles of vpdpbusd and vdpbf16ps; jobs without a plan, too. */
static bool takes(const struct intrin *intrin)
{
    return intrin == NULL || strncmp(intrin->name, "vnni.", 5) == 0 ||
           strncmp(intrin->name, "avx512bf16.", 11) == 0;
}

static enum err_code prepare_evaluator(const struct backend_job *job, struct backend_kernel *kernel,
                                       struct err *err)
{
    enum err_code rc = backend_evaluator_new(&kernel->evaluator, job, err);
    if (rc != ERR_OK)
        return rc;
    if (kernel->constant)
        backend_evaluator_load(kernel->evaluator, 1, job->constant);
    snprintf(kernel->text, sizeof kernel->text, "plain C, %u thread%s", job->threads,
             job->threads == 1 ? "" : "s");
    return ERR_OK;
}

static enum err_code prepare(const struct backend_job *job, struct backend_kernel **out,
                             struct err *err)
{
    uint64_t elements;
    if (job->threads == 0)
        return err_set(err, ERR_RANGE, "expected at least one thread");
    if (job->plan != NULL && !takes(job->plan->intrin))
        return err_set(err, ERR_UNSUPPORTED, "the CPU has no %s", job->plan->intrin->name);
    enum err_code rc = expr_elements(job->expr, 0, &elements, err);
    if (rc != ERR_OK)
        return rc;
    struct backend_kernel *kernel = mem_alloc(1, sizeof *kernel);
    kernel->inputs = job->expr->tensor_count - 1;
    kernel->output_bytes = elements * dtype_bytes(backend_output_type(job));
    kernel->constant = kernel->inputs > 1 && job->constant != NULL;
    kernel->threads = job->threads;
    struct err refusal = ERR_INIT;
    rc = kernel_engine_new(&kernel->engine, job, &refusal);
    if (rc == ERR_UNSUPPORTED)
        rc = prepare_evaluator(job, kernel, err);
    else if (rc != ERR_OK)
        err_set(err, rc, "%s", refusal.text);
    if (rc == ERR_OK)
        *out = kernel;
    else
        free(kernel);
    return rc;
}

static enum err_code run(struct backend_kernel *kernel, const void *const inputs[2], void *output,
                         struct err *err)
{
    (void)err;
    double begin = backend_now_ns();
    for (size_t input = 0; input < kernel->inputs; input++) {
        if (input == 1 && kernel->constant)
            continue;
        if (kernel->engine != NULL)
            kernel_engine_load(kernel->engine, input, inputs[input]);
        else
            backend_evaluator_load(kernel->evaluator, input, inputs[input]);
    }
    double loaded = backend_now_ns();
    bool stored = true;
    if (kernel->engine == NULL)
        backend_evaluator_run(kernel->evaluator, output);
    else if (!kernel_engine_compute_to(kernel->engine, output)) {
        kernel_engine_compute(kernel->engine);
        stored = false;
    }
    double computed = backend_now_ns();
    if (!stored)
        kernel_engine_store(kernel->engine, output);
    kernel->convert_ns = loaded - begin + (backend_now_ns() - computed);
    kernel->ran = true;
    return ERR_OK;
}

static void run_again(void *ctx)
{
    struct backend_kernel *kernel = ctx;
    if (kernel->engine != NULL)
        kernel_engine_compute(kernel->engine);
    else
        backend_evaluator_run(kernel->evaluator, kernel->output);
}

static double peak(void *ctx)
{
    const struct backend_kernel *kernel = ctx;
    return backend_cpu_peak_ops_per_s(kernel_engine_unit(kernel->engine), kernel->threads);
}

static enum err_code measure(struct backend_kernel *kernel, unsigned samples,
                             struct backend_time *out, struct err *err)
{
    if (!kernel->ran)
        return err_set(err, ERR_USAGE, "measured before it ran");
    if (kernel->engine == NULL && kernel->output == NULL)
        kernel->output = mem_alloc(kernel->output_bytes, 1);
    struct backend_sampler sampler = { .run = run_again,
                                       .ctx = kernel,
                                       .peak = kernel->engine != NULL ? peak : NULL,
                                       .peak_ctx = kernel,
                                       .samples = samples };
    backend_sample(&sampler, out);
    out->convert_ns = kernel->convert_ns;
    return ERR_OK;
}

static void release(struct backend_kernel *kernel)
{
    if (kernel == NULL)
        return;
    kernel_engine_free(kernel->engine);
    backend_evaluator_free(kernel->evaluator);
    free(kernel->output);
    free(kernel);
}

static const char *describe(const struct backend_kernel *kernel)
{
    return kernel->engine != NULL ? kernel_engine_describe(kernel->engine) : kernel->text;
}

static enum err_code predict(const struct backend_job *job,
                             const struct intrin_calibration *machine, struct backend_forecast *out,
                             struct err *err)
{
    struct kernel_engine *engine;
    struct kernel_work work;
    enum err_code rc = kernel_engine_plan(&engine, job, err);
    if (rc != ERR_OK)
        return rc;
    kernel_engine_count(engine, &work);
    kernel_work_forecast(&work, machine, out);
    kernel_engine_free(engine);
    return ERR_OK;
}

const struct backend backend_cpu = {
    .name = "cpu",
    .summary = "AVX-512 VNNI and BF16 kernels; AVX-VNNI, AVX2 or plain C without them",
    .on_host = true,
    .follows_plans = true,
    .probe = probe,
    .takes = takes,
    .prepare = prepare,
    .run = run,
    .measure = measure,
    .release = release,
    .describe = describe,
    .predict = predict,
};
