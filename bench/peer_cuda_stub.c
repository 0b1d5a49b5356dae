/* Linked where the program is built without CUDA: bench_cuda never gets this far. */
#include "bench/peer_cuda.h"

enum err_code bench_peer_cuda_gemm(int64_t m, int64_t n, int64_t k, struct bench_peer_cuda **out,
                                   struct err *err)
{
    (void)m, (void)n, (void)k, (void)out;
    return err_set(err, ERR_UNAVAILABLE, "built without CUDA");
}

enum err_code bench_peer_cuda_conv(int64_t n, const struct bench_peer_window *window,
                                   struct bench_peer_cuda **out, struct err *err)
{
    (void)n, (void)window, (void)out;
    return err_set(err, ERR_UNAVAILABLE, "built without CUDA");
}

enum err_code bench_peer_cuda_time(struct bench_peer_cuda *peer, unsigned samples, double *ns,
                                   struct err *err)
{
    (void)peer, (void)samples, (void)ns;
    return err_set(err, ERR_UNAVAILABLE, "built without CUDA");
}

void bench_peer_cuda_free(struct bench_peer_cuda *peer)
{
    (void)peer;
}
