/*
 * The CUDA backend on a device: memory, launches, times. The run-time library is linked statically
 * and libcuda never, so that the program starts, and probes, without a driver.
 */
#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/kernels/functions.h"
#include "backends/cuda/problem.h"
#include "backends/element.h"
#include "backends/sample.h"
#include "core/arena.h"

#define CAPABILITY_MIN 80 /* mma.sync m16n8k16, cp.async */

enum buffer { TABLES, INPUT_A, INPUT_B, OUTPUT, PARTIAL, BIAS, SCALE, BUFFERS };

struct backend_kernel {
    struct cuda_problem problem;
    const struct cuda_row *row;
    const void *function;
    void *buffers[BUFFERS];
    uint32_t shared_bytes;
    char text[96];
};

static enum err_code check(cudaError_t status, const char *what, struct err *err)
{
    if (status == cudaSuccess)
        return ERR_OK;
    return err_set(err, ERR_DEVICE, "%s: %s", what, cudaGetErrorString(status));
}

/* --- probe ---------------------------------------------------------------------------------- */

static void probe(struct backend_probe *out)
{
    *out = (struct backend_probe){ .state = BACKEND_NO_DEVICE };
    int count = 0;
    cudaError_t status = cudaGetDeviceCount(&count);
    struct cudaDeviceProp device;
    if (status == cudaErrorInsufficientDriver) {
        out->state = BACKEND_NO_DRIVER;
        snprintf(out->reason, sizeof out->reason,
                 "no NVIDIA driver, or one older than CUDA %d.%d: install or update it",
                 CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    } else if (status != cudaSuccess || count == 0 ||
               (status = cudaGetDeviceProperties(&device, 0)) != cudaSuccess) {
        snprintf(out->reason, sizeof out->reason, "no usable GPU: %s", cudaGetErrorString(status));
    } else {
        out->units = (unsigned)device.multiProcessorCount;
        snprintf(out->device, sizeof out->device, "%.60s, %u SMs", device.name, out->units);
        out->state =
            device.major * 10 + device.minor < CAPABILITY_MIN ? BACKEND_TOO_OLD : BACKEND_AVAILABLE;
        if (out->state == BACKEND_TOO_OLD)
            snprintf(out->reason, sizeof out->reason,
                     "compute capability %d.%d; the kernels need 8.0", device.major, device.minor);
    }
}

/* --- which kernel --------------------------------------------------------------------------- */

static const void *function_of(const struct cuda_row *row, bool turn_a, bool turn_b)
{
    if (!cuda_row_takes(row, turn_a, turn_b))
        return NULL;
    if (row->engine == CUDA_WMMA)
        return cuda_function_wmma(row, turn_a, turn_b);
    if (row->engine != CUDA_MMA)
        return NULL;
    if (row->type_a == DT_U8)
        return cuda_function_mma_u8s8(row, turn_a, turn_b);
    return row->type_a == DT_S8    ? cuda_function_mma_s8(row, turn_a, turn_b)
           : row->type_a == DT_F16 ? cuda_function_mma_f16(row, turn_a, turn_b)
                                   : cuda_function_mma_bf16(row, turn_a, turn_b);
}

static bool takes(const struct intrin *intrin)
{
    for (size_t row = 0; intrin != NULL && row < cuda_row_count; row++)
        if (cuda_row_is_of(&cuda_rows[row], intrin) &&
            function_of(&cuda_rows[row], false, false) != NULL)
            return true;
    return false;
}

/* Waves of blocks times the block's lines, with a quarter more for tiles that reuse less. */
static double cost_of(const struct cuda_row *row, const struct cuda_params *p, unsigned units)
{
    double blocks = (double)p->z * ((p->m + row->block_m - 1) / row->block_m) *
                    ((p->n + row->block_n - 1) / row->block_n);
    double waves = blocks <= units ? 1 : blocks / units;
    double area = (double)row->block_m * row->block_n;
    return waves * (area + 16.0 * (row->block_m + row->block_n));
}

static enum err_code choose(struct backend_kernel *k, const struct intrin *intrin, unsigned units,
                            uint32_t shared_max, struct err *err)
{
    struct cuda_params *p = &k->problem.params;
    for (size_t at = 0; at < cuda_row_count; at++) {
        const struct cuda_row *row = &cuda_rows[at];
        if (!cuda_row_is_of(row, intrin) || cuda_row_shared_bytes(row, 2) > shared_max)
            continue;
        const void *function = function_of(row, p->operand_a.along_lines, p->operand_b.along_lines);
        if (function != NULL &&
            (k->row == NULL || cost_of(row, p, units) < cost_of(k->row, p, units))) {
            k->row = row;
            k->function = function;
        }
    }
    if (k->row == NULL)
        return err_set(err, ERR_UNSUPPORTED, "no kernel of %s runs on this device", intrin->name);
    uint32_t stages = cuda_row_shared_bytes(k->row, 3) <= shared_max ? 3 : 2;
    uint64_t blocks = (uint64_t)p->z * ((p->m + k->row->block_m - 1) / k->row->block_m) *
                      ((p->n + k->row->block_n - 1) / k->row->block_n);
    if (blocks > INT32_MAX / 8)
        return err_set(err, ERR_UNSUPPORTED, "the launch would have more than 2^28 blocks");
    uint32_t split = blocks * 2 <= units ? (uint32_t)(units / blocks) : 1;
    struct cuda_tiling tiling = { k->row->block_m, k->row->block_n, stages, split > 8 ? 8 : split,
                                  8 };
    cuda_problem_tile(p, &tiling);
    k->shared_bytes = cuda_row_shared_bytes(k->row, stages);
    snprintf(k->text, sizeof k->text, "%s, %u stages, k split by %u", k->row->name, stages,
             p->split);
    return ERR_OK;
}

/* --- memory --------------------------------------------------------------------------------- */

static enum err_code hold(struct backend_kernel *k, enum buffer which, size_t bytes,
                          const void *from, struct err *err)
{
    if (bytes == 0)
        return ERR_OK;
    enum err_code rc = check(cudaMalloc(&k->buffers[which], bytes), "device memory", err);
    if (rc == ERR_OK && from != NULL)
        rc = check(cudaMemcpy(k->buffers[which], from, bytes, cudaMemcpyHostToDevice),
                   "copy to the device", err);
    return rc;
}

static enum err_code place(struct backend_kernel *k, const struct backend_job *job, struct err *err)
{
    struct cuda_problem *q = &k->problem;
    struct cuda_params *p = &q->params;
    const void *constant = q->packed_b != NULL ? q->packed_b : job->constant;
    const void *bias = q->is_float ? (const void *)p->epilogue.bias_f32 : p->epilogue.bias_s32;
    size_t sums = p->split > 1 ? (size_t)p->split * p->z * p->m * p->n * 4 : 0;
    enum err_code rc = hold(k, TABLES, q->table_count * 4, q->tables, err);
    if (rc == ERR_OK)
        rc = hold(k, INPUT_A, q->bytes[1], NULL, err);
    if (rc == ERR_OK)
        rc = hold(k, INPUT_B, q->bytes[2], constant, err);
    if (rc == ERR_OK)
        rc = hold(k, OUTPUT, q->bytes[0], NULL, err);
    if (rc == ERR_OK)
        rc = hold(k, PARTIAL, sums, NULL, err);
    if (rc == ERR_OK)
        rc = hold(k, BIAS, bias != NULL ? q->channels * 4 : 0, bias, err);
    if (rc == ERR_OK)
        rc =
            hold(k, SCALE, p->epilogue.scale != NULL ? q->channels * 4 : 0, p->epilogue.scale, err);
    p->tables = k->buffers[TABLES];
    p->a = k->buffers[INPUT_A];
    p->b = k->buffers[INPUT_B];
    p->c = k->buffers[OUTPUT];
    p->partial = k->buffers[PARTIAL];
    p->epilogue.bias_s32 = q->is_float ? NULL : k->buffers[BIAS];
    p->epilogue.bias_f32 = q->is_float ? k->buffers[BIAS] : NULL;
    p->epilogue.scale = k->buffers[SCALE];
    return rc;
}

static void release(struct backend_kernel *k)
{
    if (k == NULL)
        return;
    for (size_t at = 0; at < BUFFERS; at++)
        cudaFree(k->buffers[at]);
    cuda_problem_release(&k->problem);
    free(k);
}

static enum err_code prepare(const struct backend_job *job, struct backend_kernel **out,
                             struct err *err)
{
    struct backend_probe found;
    probe(&found);
    if (found.state != BACKEND_AVAILABLE)
        return err_set(err, ERR_UNAVAILABLE, "%s", found.reason);
    int shared_max = 0;
    enum err_code rc = backend_epilogue_check(job, err);
    if (rc == ERR_OK)
        rc = check(cudaDeviceGetAttribute(&shared_max, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0),
                   "device attributes", err);
    struct backend_kernel *k = mem_alloc(1, sizeof *k);
    if (rc == ERR_OK)
        rc = cuda_problem_init(&k->problem, job, err);
    if (rc == ERR_OK)
        rc = choose(k, job->plan->intrin, found.units, (uint32_t)shared_max, err);
    if (rc == ERR_OK)
        rc = place(k, job, err);
    if (rc == ERR_OK)
        rc = check(cudaFuncSetAttribute(k->function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        (int)k->shared_bytes),
                   "shared memory", err);
    if (rc == ERR_OK)
        *out = k;
    else
        release(k);
    return rc;
}

/* --- runs ----------------------------------------------------------------------------------- */

static enum err_code launch(struct backend_kernel *k, struct err *err)
{
    struct cuda_params *p = &k->problem.params;
    void *arguments[] = { p };
    dim3 grid = { p->z * p->split * p->m_tiles * p->n_tiles, 1, 1 };
    dim3 block = { k->row->threads, 1, 1 };
    enum err_code rc =
        check(cudaLaunchKernel(k->function, grid, block, arguments, k->shared_bytes, NULL),
              "launch", err);
    if (rc != ERR_OK || p->partial == NULL)
        return rc;
    uint64_t results = (uint64_t)p->z * p->m * p->n;
    if ((results + 255) / 256 > INT32_MAX)
        return err_set(err, ERR_UNSUPPORTED, "too many partial sums for one launch");
    dim3 sum_grid = { (unsigned)((results + 255) / 256), 1, 1 }, sum_block = { 256, 1, 1 };
    return check(cudaLaunchKernel(cuda_function_reduce(k->problem.is_float), sum_grid, sum_block,
                                  arguments, 0, NULL),
                 "launch", err);
}

static enum err_code run(struct backend_kernel *k, const void *const inputs[2], void *output,
                         struct err *err)
{
    const size_t *bytes = k->problem.bytes;
    enum err_code rc =
        check(cudaMemcpy(k->buffers[INPUT_A], inputs[0], bytes[1], cudaMemcpyHostToDevice),
              "copy to the device", err);
    if (rc == ERR_OK && inputs[1] != NULL && k->problem.packed_b == NULL)
        rc = check(cudaMemcpy(k->buffers[INPUT_B], inputs[1], bytes[2], cudaMemcpyHostToDevice),
                   "copy to the device", err);
    if (rc == ERR_OK) /* what no thread writes shows */
        rc = check(cudaMemset(k->buffers[OUTPUT], 0xa5, bytes[0]), "poison", err);
    if (rc == ERR_OK)
        rc = launch(k, err);
    if (rc == ERR_OK)
        rc = check(cudaDeviceSynchronize(), "kernel", err);
    if (rc == ERR_OK)
        rc = check(cudaMemcpy(output, k->buffers[OUTPUT], bytes[0], cudaMemcpyDeviceToHost),
                   "copy from the device", err);
    return rc;
}

static enum err_code time_one(struct backend_kernel *k, cudaEvent_t begin, cudaEvent_t end,
                              double *ns, struct err *err)
{
    float ms = 0;
    enum err_code rc = check(cudaEventRecord(begin, NULL), "event", err);
    if (rc == ERR_OK)
        rc = launch(k, err);
    if (rc == ERR_OK)
        rc = check(cudaEventRecord(end, NULL), "event", err);
    if (rc == ERR_OK)
        rc = check(cudaEventSynchronize(end), "kernel", err);
    if (rc == ERR_OK)
        rc = check(cudaEventElapsedTime(&ms, begin, end), "event", err);
    *ns = (double)ms * 1e6;
    return rc;
}

static enum err_code measure(struct backend_kernel *k, unsigned samples, struct backend_time *out,
                             struct err *err)
{
    cudaEvent_t begin = NULL, end = NULL;
    unsigned count = samples > 0 ? samples : 1;
    double warm, *ns = mem_alloc(count, sizeof *ns);
    enum err_code rc = check(cudaEventCreate(&begin), "event", err);
    if (rc == ERR_OK)
        rc = check(cudaEventCreate(&end), "event", err);
    for (unsigned at = 0; at < 3 && rc == ERR_OK; at++)
        rc = time_one(k, begin, end, &warm, err);
    for (unsigned at = 0; at < count && rc == ERR_OK; at++)
        rc = time_one(k, begin, end, &ns[at], err);
    if (rc == ERR_OK) {
        double median = backend_median(ns, count); /* sorts */
        *out = (struct backend_time){ .median_ns = median, .min_ns = ns[0], .samples = count };
    }
    if (begin != NULL)
        cudaEventDestroy(begin);
    if (end != NULL)
        cudaEventDestroy(end);
    free(ns);
    return rc;
}

static const char *describe(const struct backend_kernel *k)
{
    return k->text;
}

const struct backend backend_cuda = {
    .name = "cuda",
    .follows_plans = true,
    .summary = "Tensor Cores of an NVIDIA GPU",
    .probe = probe,
    .takes = takes,
    .prepare = prepare,
    .run = run,
    .measure = measure,
    .release = release,
    .describe = describe,
};
