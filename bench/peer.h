/*
 * The peer of the CPU kernels: oneDNN, u8 x s8 -> s32, in the layouts it prefers. Only where its
 * header was found when the bench was built.
 */
#ifndef SOCWEAVE_BENCH_PEER_H
#define SOCWEAVE_BENCH_PEER_H

#ifdef __cplusplus
extern "C" {
#endif

struct bench_peer_window { /* one image; groups > 1: depthwise, one channel each */
    int groups, k, c, p, q, r, s, stride, pad;
};
struct bench_peer;
struct bench_peer *bench_peer_conv(const struct bench_peer_window *window);
struct bench_peer *bench_peer_gemm(int m, int n, int k);
void bench_peer_run(struct bench_peer *peer);
void bench_peer_free(struct bench_peer *peer);

#ifdef __cplusplus
}
#endif
#endif
