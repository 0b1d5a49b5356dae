/*
 * A device by the CUDA run-time library, linked statically; libcuda never, so that the program
 * starts, and probes, without a driver.
 */
/* A stream per thread: those that copy from the device do not wait for the one that computes. */
#define CUDA_API_PER_THREAD_DEFAULT_STREAM
#include <cuda_runtime_api.h>
#include <stdio.h>

#include "backends/cuda/device/encode.h"
#include "backends/cuda/driver.h"
#include "backends/cuda/kernels/functions.h"

/* Clears what is not sticky: an allocation that failed does not fail the next launch. */
static enum err_code check(cudaError_t status, const char *what, struct err *err)
{
    if (status == cudaSuccess)
        return ERR_OK;
    cudaGetLastError();
    return err_set(err, ERR_DEVICE, "%s: %s", what, cudaGetErrorString(status));
}

/* --- probe ---------------------------------------------------------------------------------- */

static int attribute(enum cudaDeviceAttr which)
{
    int value = 0;
    return cudaDeviceGetAttribute(&value, which, 0) == cudaSuccess ? value : 0;
}

static void read_facts(const struct cudaDeviceProp *device, struct cuda_facts *out)
{
    *out = (struct cuda_facts){
        .major = (unsigned)device->major,
        .minor = (unsigned)device->minor,
        .units = (unsigned)device->multiProcessorCount,
        .shared_block_bytes = (uint32_t)attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin),
        .shared_unit_bytes = (uint32_t)attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor),
        .registers = (uint32_t)attribute(cudaDevAttrMaxRegistersPerMultiprocessor),
        .threads = (uint32_t)attribute(cudaDevAttrMaxThreadsPerMultiProcessor),
        .clock_hz = 1e3 * attribute(cudaDevAttrClockRate),
        /* Two transfers per clock. */
        .memory_bytes_per_s = 2e3 * attribute(cudaDevAttrMemoryClockRate) *
                              attribute(cudaDevAttrGlobalMemoryBusWidth) / 8,
        .cache_bytes = attribute(cudaDevAttrL2CacheSize),
    };
    snprintf(out->name, sizeof out->name, "%.60s", device->name);
}

static enum backend_state probe(struct cuda_facts *out, char *reason, size_t bytes)
{
    int count = 0;
    cudaError_t status = cudaGetDeviceCount(&count);
    struct cudaDeviceProp device;
    if (status == cudaErrorInsufficientDriver) {
        snprintf(reason, bytes,
                 "no NVIDIA driver, or one older than CUDA %d.%d: install or update it",
                 CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
        return BACKEND_NO_DRIVER;
    }
    if (status != cudaSuccess || count == 0 ||
        (status = cudaGetDeviceProperties(&device, 0)) != cudaSuccess) {
        snprintf(reason, bytes, "no usable GPU: %s", cudaGetErrorString(status));
        return BACKEND_NO_DEVICE;
    }
    read_facts(&device, out);
    return BACKEND_AVAILABLE;
}

/* --- kernels -------------------------------------------------------------------------------- */

static const void *function_mma(const struct cuda_row *row, bool turn_a, bool turn_b)
{
    if (row->type_a == DT_U8)
        return cuda_function_mma_u8s8(row, turn_a, turn_b);
    return row->type_a == DT_S8    ? cuda_function_mma_s8(row, turn_a, turn_b)
           : row->type_a == DT_F16 ? cuda_function_mma_f16(row, turn_a, turn_b)
                                   : cuda_function_mma_bf16(row, turn_a, turn_b);
}

static const void *function_wgmma(const struct cuda_row *row, bool turn_a, bool turn_b)
{
    if (row->type_a == DT_U8)
        return cuda_function_wgmma_u8s8(row, turn_a, turn_b);
    return row->type_a == DT_S8    ? cuda_function_wgmma_s8(row, turn_a, turn_b)
           : row->type_a == DT_F16 ? cuda_function_wgmma_f16(row, turn_a, turn_b)
                                   : cuda_function_wgmma_bf16(row, turn_a, turn_b);
}

static const void *function_of(const struct cuda_row *row, bool turn_a, bool turn_b)
{
    if (!cuda_row_takes(row, turn_a, turn_b))
        return NULL;
    return row->engine == CUDA_WMMA  ? cuda_function_wmma(row, turn_a, turn_b)
           : row->engine == CUDA_MMA ? function_mma(row, turn_a, turn_b)
                                     : function_wgmma(row, turn_a, turn_b);
}

static bool has(const struct cuda_row *row, bool turn_a, bool turn_b)
{
    return function_of(row, turn_a, turn_b) != NULL;
}

/* --- memory --------------------------------------------------------------------------------- */

static enum err_code allocate(size_t bytes, void **out, struct err *err)
{
    cudaError_t status = cudaMalloc(out, bytes);
    if (status == cudaSuccess)
        return ERR_OK;
    *out = NULL;
    cudaGetLastError();
    return err_set(err, ERR_DEVICE, "%zu bytes of device memory: %s", bytes,
                   cudaGetErrorString(status));
}

static void release(void *memory)
{
    cudaFree(memory);
    cudaGetLastError();
}

/* It comes back when the bytes have left, not when they are there; other threads' streams do not
 * wait for this one's. */
static enum err_code upload(void *to, const void *from, size_t bytes, struct err *err)
{
    enum err_code rc =
        check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "copy to the device", err);
    return rc == ERR_OK
               ? check(cudaStreamSynchronize(cudaStreamPerThread), "copy to the device", err)
               : rc;
}

static enum err_code download(void *to, const void *from, size_t bytes, struct err *err)
{
    return check(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "copy from the device", err);
}

static enum err_code fill(void *to, int byte, size_t bytes, struct err *err)
{
    return check(cudaMemset(to, byte, bytes), "fill device memory", err);
}

/* --- launches ------------------------------------------------------------------------------- */

static enum err_code launch_sums(const struct cuda_launch *l, struct err *err)
{
    const struct cuda_params *p = l->params;
    void *arguments[] = { (void *)(uintptr_t)p };
    uint64_t results = (uint64_t)p->z * p->m * p->n;
    if ((results + 255) / 256 > INT32_MAX)
        return err_set(err, ERR_UNSUPPORTED, "too many partial sums for one launch");
    dim3 grid = { (unsigned)((results + 255) / 256), 1, 1 }, block = { 256, 1, 1 };
    return check(
        cudaLaunchKernel(cuda_function_reduce(l->is_float), grid, block, arguments, 0, NULL),
        "launch of the sums", err);
}

static enum err_code launch(const struct cuda_launch *l, struct err *err)
{
    const struct cuda_params *p = l->params;
    const void *function = function_of(l->row, p->operand_a.along_lines, p->operand_b.along_lines);
    void *arguments[] = { (void *)(uintptr_t)p, (void *)(uintptr_t)&l->map_a,
                          (void *)(uintptr_t)&l->map_b };
    dim3 grid = { p->grid, 1, 1 };
    dim3 block = { l->row->threads, 1, 1 };
    cudaLaunchAttribute cluster = { .id = cudaLaunchAttributeClusterDimension };
    cluster.val.clusterDim.x = p->cluster;
    cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
    const cudaLaunchConfig_t config = {
        .gridDim = grid,
        .blockDim = block,
        .dynamicSmemBytes = l->shared_bytes,
        .attrs = &cluster,
        .numAttrs = p->cluster > 1,
    };
    enum err_code rc =
        check(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   (int)l->shared_bytes),
              "shared memory", err);
    if (rc == ERR_OK)
        rc = check(cudaLaunchKernelExC(&config, function, arguments), "launch", err);
    return rc == ERR_OK && p->partial != NULL ? launch_sums(l, err) : rc;
}

static enum err_code wait_all(struct err *err)
{
    return check(cudaStreamSynchronize(cudaStreamPerThread), "kernel", err);
}

static enum err_code time_between(const struct cuda_launch *l, cudaEvent_t begin, cudaEvent_t end,
                                  double *ns, struct err *err)
{
    float ms = 0;
    enum err_code rc = check(cudaEventRecord(begin, NULL), "event", err);
    if (rc == ERR_OK)
        rc = launch(l, err);
    if (rc == ERR_OK)
        rc = check(cudaEventRecord(end, NULL), "event", err);
    if (rc == ERR_OK)
        rc = check(cudaEventSynchronize(end), "kernel", err);
    if (rc == ERR_OK)
        rc = check(cudaEventElapsedTime(&ms, begin, end), "event", err);
    *ns = (double)ms * 1e6;
    return rc;
}

static enum err_code time_one(const struct cuda_launch *l, double *ns, struct err *err)
{
    cudaEvent_t begin = NULL, end = NULL;
    enum err_code rc = check(cudaEventCreate(&begin), "event", err);
    if (rc == ERR_OK)
        rc = check(cudaEventCreate(&end), "event", err);
    if (rc == ERR_OK)
        rc = time_between(l, begin, end, ns, err);
    if (begin != NULL)
        cudaEventDestroy(begin);
    if (end != NULL)
        cudaEventDestroy(end);
    return rc;
}

/* After a fault every call answers with it, until the context is made anew. */
static void reset(void)
{
    cudaDeviceReset();
    cudaGetLastError();
}

static const struct cuda_driver runtime = {
    .probe = probe,
    .has = has,
    .allocate = allocate,
    .release = release,
    .upload = upload,
    .download = download,
    .fill = fill,
    .encode = cuda_device_encode,
    .launch = launch,
    .wait = wait_all,
    .time = time_one,
    .reset = reset,
};
const struct cuda_driver *const cuda_driver_built = &runtime;
