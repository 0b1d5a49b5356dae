#include "bench/peer.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <unordered_map>

using dnnl::memory;

struct bench_peer {
    dnnl::engine engine{ dnnl::engine::kind::cpu, 0 };
    dnnl::stream stream{ engine };
    dnnl::primitive primitive;
    std::unordered_map<int, memory> arguments;

    memory filled(const memory::desc &desc)
    {
        memory m(desc, engine);
        std::memset(m.get_data_handle(), 1, desc.get_size());
        return m;
    }
};

static memory::desc any(const memory::dims &dims, memory::data_type type)
{
    return memory::desc(dims, type, memory::format_tag::any);
}

struct bench_peer *bench_peer_conv(const struct bench_peer_window *w)
try {
    auto *peer = new bench_peer;
    int g = w->groups, in_h = (w->p - 1) * w->stride + w->r - 2 * w->pad,
        in_w = (w->q - 1) * w->stride + w->s - 2 * w->pad;
    memory::dims weights =
        g > 1 ? memory::dims{ g, w->k, w->c, w->r, w->s } : memory::dims{ w->k, w->c, w->r, w->s };
    dnnl::convolution_forward::desc desc(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
        any({ 1, g * w->c, in_h, in_w }, memory::data_type::u8),
        any(weights, memory::data_type::s8),
        any({ 1, g * w->k, w->p, w->q }, memory::data_type::s32), { w->stride, w->stride },
        { w->pad, w->pad }, { w->pad, w->pad });
    dnnl::convolution_forward::primitive_desc pd(desc, peer->engine);
    peer->primitive = dnnl::convolution_forward(pd);
    peer->arguments = { { DNNL_ARG_SRC, peer->filled(pd.src_desc()) },
                        { DNNL_ARG_WEIGHTS, peer->filled(pd.weights_desc()) },
                        { DNNL_ARG_DST, peer->filled(pd.dst_desc()) } };
    return peer;
} catch (const dnnl::error &e) {
    std::fprintf(stderr, "bench: oneDNN: %s\n", e.what());
    std::exit(1);
}

struct bench_peer *bench_peer_gemm(int m, int n, int k)
try {
    auto *peer = new bench_peer;
    /* A and C row-major as in our expression; B as it likes. */
    dnnl::matmul::desc desc({ { m, k }, memory::data_type::u8, memory::format_tag::ab },
                            any({ k, n }, memory::data_type::s8),
                            { { m, n }, memory::data_type::s32, memory::format_tag::ab });
    dnnl::matmul::primitive_desc pd(desc, peer->engine);
    peer->primitive = dnnl::matmul(pd);
    peer->arguments = { { DNNL_ARG_SRC, peer->filled(pd.src_desc()) },
                        { DNNL_ARG_WEIGHTS, peer->filled(pd.weights_desc()) },
                        { DNNL_ARG_DST, peer->filled(pd.dst_desc()) } };
    return peer;
} catch (const dnnl::error &e) {
    std::fprintf(stderr, "bench: oneDNN: %s\n", e.what());
    std::exit(1);
}

void bench_peer_run(struct bench_peer *peer)
{
    peer->primitive.execute(peer->stream, peer->arguments);
    peer->stream.wait();
}

void bench_peer_free(struct bench_peer *peer)
{
    delete peer;
}
