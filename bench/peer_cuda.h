/*
 * NVIDIA's libraries as peers of the CUDA kernels: loaded at run time, so that the bench starts,
 * and says what is missing, without them. Device times by events, medians.
 */
#ifndef SOCWEAVE_BENCH_PEER_CUDA_H
#define SOCWEAVE_BENCH_PEER_CUDA_H

#include <stdint.h>

#include "bench/peer.h"
#include "core/err.h"

struct bench_peer_cuda;

/* C[m,n] = A[m,k] · B[k,n], row-major, f16 in, f32 sums and results, by cuBLASLt's first choice of
 * algorithm. ERR_UNAVAILABLE without the library, ERR_DEVICE. */
enum err_code bench_peer_cuda_gemm(int64_t m, int64_t n, int64_t k, struct bench_peer_cuda **out,
                                   struct err *err);
/* A convolution of n images, f16 in and out, channels last, f32 sums, by cuDNN's first choice. */
enum err_code bench_peer_cuda_conv(int64_t n, const struct bench_peer_window *window,
                                   struct bench_peer_cuda **out, struct err *err);
/* Median of `samples` after a warm-up. */
enum err_code bench_peer_cuda_time(struct bench_peer_cuda *peer, unsigned samples, double *ns,
                                   struct err *err);
void bench_peer_cuda_free(struct bench_peer_cuda *peer);

#endif
