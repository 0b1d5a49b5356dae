#include "bench/peer_cuda.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "backends/sample.h"
#include "core/arena.h"

#define WORKSPACE_BYTES ((size_t)64 << 20)

/* --- the libraries -------------------------------------------------------------------------- */

#define LT_FUNCTIONS(X)                                                                            \
    X(cublasLtCreate)                                                                              \
    X(cublasLtDestroy)                                                                             \
    X(cublasLtMatmulDescCreate)                                                                    \
    X(cublasLtMatrixLayoutCreate)                                                                  \
    X(cublasLtMatmulPreferenceCreate)                                                              \
    X(cublasLtMatmulPreferenceSetAttribute)                                                        \
    X(cublasLtMatmulAlgoGetHeuristic)                                                              \
    X(cublasLtMatmul)
#define DNN_FUNCTIONS(X)                                                                           \
    X(cudnnCreate)                                                                                 \
    X(cudnnDestroy)                                                                                \
    X(cudnnCreateTensorDescriptor)                                                                 \
    X(cudnnSetTensor4dDescriptor)                                                                  \
    X(cudnnCreateFilterDescriptor)                                                                 \
    X(cudnnSetFilter4dDescriptor)                                                                  \
    X(cudnnCreateConvolutionDescriptor)                                                            \
    X(cudnnSetConvolution2dDescriptor)                                                             \
    X(cudnnSetConvolutionGroupCount)                                                               \
    X(cudnnSetConvolutionMathType)                                                                 \
    X(cudnnGetConvolutionForwardAlgorithm_v7)                                                      \
    X(cudnnConvolutionForward)

#define MEMBER(name) __typeof__(name) *name;
static struct lt {
    LT_FUNCTIONS(MEMBER)
} lt;
static struct dnn {
    DNN_FUNCTIONS(MEMBER)
} dnn;

struct symbol {
    const char *name;
    void **to;
};
#define SYMBOL_LT(name)  { #name, (void **)&lt.name },
#define SYMBOL_DNN(name) { #name, (void **)&dnn.name },
static const struct symbol lt_symbols[] = { LT_FUNCTIONS(SYMBOL_LT) };
static const struct symbol dnn_symbols[] = { DNN_FUNCTIONS(SYMBOL_DNN) };

static enum err_code load(const char *const *names, const struct symbol *symbols, size_t count,
                          struct err *err)
{
    void *library = NULL;
    for (size_t at = 0; names[at] != NULL && library == NULL; at++)
        library = dlopen(names[at], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return err_set(err, ERR_UNAVAILABLE, "%s: not found", names[0]);
    for (size_t at = 0; at < count; at++) {
        *symbols[at].to = dlsym(library, symbols[at].name);
        if (*symbols[at].to == NULL)
            return err_set(err, ERR_UNAVAILABLE, "%s has no %s()", names[0], symbols[at].name);
    }
    return ERR_OK;
}

static enum err_code load_lt(struct err *err)
{
    static const char *const names[] = { "libcublasLt.so.13", "libcublasLt.so",
                                         "/usr/local/cuda/lib64/libcublasLt.so.13", NULL };
    return lt.cublasLtMatmul != NULL
               ? ERR_OK
               : load(names, lt_symbols, sizeof lt_symbols / sizeof *lt_symbols, err);
}

static enum err_code load_dnn(struct err *err)
{
    static const char *const names[] = { "libcudnn.so.9", "libcudnn.so",
                                         "/usr/local/cuda/lib64/libcudnn.so.9", NULL };
    return dnn.cudnnConvolutionForward != NULL
               ? ERR_OK
               : load(names, dnn_symbols, sizeof dnn_symbols / sizeof *dnn_symbols, err);
}

/* --- a peer --------------------------------------------------------------------------------- */

enum buffer { A, B, C, WORKSPACE, BUFFERS };

struct bench_peer_cuda {
    bool is_conv;
    void *buffers[BUFFERS];
    cublasLtHandle_t lt;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t layouts[3];
    cublasLtMatmulHeuristicResult_t choice;
    cudnnHandle_t dnn;
    cudnnTensorDescriptor_t input, output;
    cudnnFilterDescriptor_t filter;
    cudnnConvolutionDescriptor_t conv;
    cudnnConvolutionFwdAlgoPerf_t algorithm;
};

static enum err_code hold(struct bench_peer_cuda *p, enum buffer which, size_t bytes,
                          struct err *err)
{
    cudaError_t status = cudaMalloc(&p->buffers[which], bytes);
    if (status == cudaSuccess && which != WORKSPACE) { /* small random halves, no zeroes */
        uint16_t *noise = mem_alloc(bytes / 2 + 1, 2);
        uint32_t state = 1;
        for (size_t at = 0; at < bytes / 2; at++) {
            state = state * 1664525 + 1013904223;
            noise[at] = (uint16_t)(0x2c00 | (state >> 16 & 0x8bff)); /* 1/16 to 1/8, both signs */
        }
        status = cudaMemcpy(p->buffers[which], noise, bytes, cudaMemcpyHostToDevice);
        free(noise);
    }
    return status == cudaSuccess
               ? ERR_OK
               : err_set(err, ERR_DEVICE, "device memory: %s", cudaGetErrorString(status));
}

void bench_peer_cuda_free(struct bench_peer_cuda *p)
{
    if (p == NULL)
        return;
    for (size_t at = 0; at < BUFFERS; at++)
        cudaFree(p->buffers[at]);
    if (p->lt != NULL)
        lt.cublasLtDestroy(p->lt);
    if (p->dnn != NULL)
        dnn.cudnnDestroy(p->dnn);
    free(p);
}

/* The libraries' matrices are column-major, so C^T = B^T · A^T. */
static cublasStatus_t describe_gemm(struct bench_peer_cuda *p, uint64_t m, uint64_t n, uint64_t k)
{
    cublasLtMatmulPreference_t preference = NULL;
    const size_t workspace = WORKSPACE_BYTES;
    int found = 0;
    cublasStatus_t s = lt.cublasLtCreate(&p->lt);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = lt.cublasLtMatmulDescCreate(&p->product, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = lt.cublasLtMatrixLayoutCreate(&p->layouts[0], CUDA_R_16F, n, k, (int64_t)n);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = lt.cublasLtMatrixLayoutCreate(&p->layouts[1], CUDA_R_16F, k, m, (int64_t)k);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = lt.cublasLtMatrixLayoutCreate(&p->layouts[2], CUDA_R_32F, n, m, (int64_t)n);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = lt.cublasLtMatmulPreferenceCreate(&preference);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = lt.cublasLtMatmulPreferenceSetAttribute(
            preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
    if (s == CUBLAS_STATUS_SUCCESS)
        s = lt.cublasLtMatmulAlgoGetHeuristic(p->lt, p->product, p->layouts[0], p->layouts[1],
                                              p->layouts[2], p->layouts[2], preference, 1,
                                              &p->choice, &found);
    return s == CUBLAS_STATUS_SUCCESS && found == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : s;
}

enum err_code bench_peer_cuda_gemm(int64_t m, int64_t n, int64_t k, struct bench_peer_cuda **out,
                                   struct err *err)
{
    enum err_code rc = load_lt(err);
    if (rc != ERR_OK)
        return rc;
    struct bench_peer_cuda *p = mem_alloc(1, sizeof *p);
    cublasStatus_t status = describe_gemm(p, (uint64_t)m, (uint64_t)n, (uint64_t)k);
    if (status != CUBLAS_STATUS_SUCCESS)
        rc = err_set(err, ERR_DEVICE, "cuBLASLt: status %d", (int)status);
    if (rc == ERR_OK)
        rc = hold(p, A, (size_t)(m * k) * 2, err);
    if (rc == ERR_OK)
        rc = hold(p, B, (size_t)(k * n) * 2, err);
    if (rc == ERR_OK)
        rc = hold(p, C, (size_t)(m * n) * 4, err);
    if (rc == ERR_OK)
        rc = hold(p, WORKSPACE, WORKSPACE_BYTES, err);
    if (rc == ERR_OK)
        *out = p;
    else
        bench_peer_cuda_free(p);
    return rc;
}

static cudnnStatus_t describe_conv(struct bench_peer_cuda *p, int n,
                                   const struct bench_peer_window *w)
{
    int in_h = (int)((w->p - 1) * w->stride + w->r - 2 * w->pad);
    int in_w = (int)((w->q - 1) * w->stride + w->s - 2 * w->pad);
    int pad = (int)w->pad, stride = (int)w->stride, found = 0;
    cudnnStatus_t s = dnn.cudnnCreate(&p->dnn);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnCreateTensorDescriptor(&p->input);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnSetTensor4dDescriptor(p->input, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, n,
                                           (int)(w->c * w->groups), in_h, in_w);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnCreateFilterDescriptor(&p->filter);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnSetFilter4dDescriptor(p->filter, CUDNN_DATA_HALF, CUDNN_TENSOR_NHWC,
                                           (int)(w->k * w->groups), (int)w->c, (int)w->r,
                                           (int)w->s);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnCreateConvolutionDescriptor(&p->conv);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnSetConvolution2dDescriptor(p->conv, pad, pad, stride, stride, 1, 1,
                                                CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnSetConvolutionGroupCount(p->conv, (int)w->groups);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnSetConvolutionMathType(p->conv, CUDNN_TENSOR_OP_MATH);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnCreateTensorDescriptor(&p->output);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnSetTensor4dDescriptor(p->output, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, n,
                                           (int)(w->k * w->groups), (int)w->p, (int)w->q);
    if (s == CUDNN_STATUS_SUCCESS)
        s = dnn.cudnnGetConvolutionForwardAlgorithm_v7(p->dnn, p->input, p->filter, p->conv,
                                                       p->output, 1, &found, &p->algorithm);
    return s == CUDNN_STATUS_SUCCESS && found == 0 ? CUDNN_STATUS_NOT_SUPPORTED : s;
}

enum err_code bench_peer_cuda_conv(int64_t n, const struct bench_peer_window *w,
                                   struct bench_peer_cuda **out, struct err *err)
{
    enum err_code rc = load_dnn(err);
    if (rc != ERR_OK)
        return rc;
    struct bench_peer_cuda *p = mem_alloc(1, sizeof *p);
    p->is_conv = true;
    int64_t in_h = (w->p - 1) * w->stride + w->r - 2 * w->pad;
    int64_t in_w = (w->q - 1) * w->stride + w->s - 2 * w->pad;
    cudnnStatus_t status = describe_conv(p, (int)n, w);
    if (status != CUDNN_STATUS_SUCCESS)
        rc = err_set(err, ERR_DEVICE, "cuDNN: status %d", (int)status);
    if (rc == ERR_OK)
        rc = hold(p, A, (size_t)(n * w->groups * w->c * in_h * in_w) * 2, err);
    if (rc == ERR_OK)
        rc = hold(p, B, (size_t)(w->groups * w->k * w->c * w->r * w->s) * 2, err);
    if (rc == ERR_OK)
        rc = hold(p, C, (size_t)(n * w->groups * w->k * w->p * w->q) * 2, err);
    if (rc == ERR_OK && p->algorithm.memory > 0)
        rc = hold(p, WORKSPACE, p->algorithm.memory, err);
    if (rc == ERR_OK)
        *out = p;
    else
        bench_peer_cuda_free(p);
    return rc;
}

/* --- times ---------------------------------------------------------------------------------- */

static int run_once(struct bench_peer_cuda *p)
{
    const float one = 1, zero = 0;
    if (p->is_conv)
        return (int)dnn.cudnnConvolutionForward(p->dnn, &one, p->input, p->buffers[A], p->filter,
                                                p->buffers[B], p->conv, p->algorithm.algo,
                                                p->buffers[WORKSPACE], p->algorithm.memory, &zero,
                                                p->output, p->buffers[C]);
    return (int)lt.cublasLtMatmul(p->lt, p->product, &one, p->buffers[B], p->layouts[0],
                                  p->buffers[A], p->layouts[1], &zero, p->buffers[C], p->layouts[2],
                                  p->buffers[C], p->layouts[2], &p->choice.algo,
                                  p->buffers[WORKSPACE], WORKSPACE_BYTES, NULL);
}

static enum err_code time_one(struct bench_peer_cuda *p, cudaEvent_t begin, cudaEvent_t end,
                              double *ns, struct err *err)
{
    float ms = 0;
    cudaEventRecord(begin, NULL);
    int status = run_once(p);
    if (status != 0)
        return err_set(err, ERR_DEVICE, "the peer's call ends with status %d", status);
    cudaEventRecord(end, NULL);
    cudaError_t waited = cudaEventSynchronize(end);
    if (waited == cudaSuccess)
        waited = cudaEventElapsedTime(&ms, begin, end);
    *ns = (double)ms * 1e6;
    return waited == cudaSuccess ? ERR_OK
                                 : err_set(err, ERR_DEVICE, "%s", cudaGetErrorString(waited));
}

enum err_code bench_peer_cuda_time(struct bench_peer_cuda *p, unsigned samples, double *ns,
                                   struct err *err)
{
    cudaEvent_t begin = NULL, end = NULL;
    double *times = mem_alloc(samples, sizeof *times), warm;
    enum err_code rc = ERR_OK;
    if (cudaEventCreate(&begin) != cudaSuccess || cudaEventCreate(&end) != cudaSuccess)
        rc = err_set(err, ERR_DEVICE, "no events");
    for (unsigned at = 0; at < 3 && rc == ERR_OK; at++)
        rc = time_one(p, begin, end, &warm, err);
    for (unsigned at = 0; at < samples && rc == ERR_OK; at++)
        rc = time_one(p, begin, end, &times[at], err);
    if (rc == ERR_OK)
        *ns = backend_median(times, samples);
    if (begin != NULL)
        cudaEventDestroy(begin);
    if (end != NULL)
        cudaEventDestroy(end);
    free(times);
    return rc;
}
