/*
 * wgmma: a warp group of producers, two of consumers, in the loops of mainloop.inc, one block per SM
 * that takes tile after tile. Producers either
 * issue tensor copies (operands that are affine) or copy by the tables (any plan).
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_WGMMA_CUH
#define SOCWEAVE_BACKENDS_CUDA_WGMMA_CUH

#include "backends/cuda/kernels/functions.h"
#include "backends/cuda/kernels/load.cuh"
#include "backends/cuda/kernels/wgmma_asm.cuh"
#include "backends/cuda/mainloop.inc"

namespace cuda_kernels {

/* Registers of a thread once the roles are known: 128 · 72 + 256 · 216 fit an SM's 65536. */
enum { PRODUCER_REGISTERS = 72, CONSUMER_REGISTERS = 216 };

/* --- barriers ------------------------------------------------------------------------------- */

__device__ __forceinline__ void barrier_init(uint32_t barrier, uint32_t arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals)
                 : "memory");
}
__device__ __forceinline__ void barrier_arrive(uint32_t barrier)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
/* The same barrier of a block of the cluster. */
__device__ __forceinline__ void barrier_arrive_at(uint32_t barrier, uint32_t rank)
{
    asm volatile("{\n.reg .b32 there;\n"
                 "mapa.shared::cluster.u32 there, %0, %1;\n"
                 "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there];\n}" ::"r"(barrier),
                 "r"(rank)
                 : "memory");
}
/* All threads of all blocks of the cluster. */
__device__ __forceinline__ void cluster_barrier()
{
    asm volatile("barrier.cluster.arrive.release;\nbarrier.cluster.wait.acquire;" ::: "memory");
}
__device__ __forceinline__ void barrier_expect(uint32_t barrier, uint32_t bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier),
                 "r"(bytes)
                 : "memory");
}
__device__ __forceinline__ void barrier_wait(uint32_t barrier, uint32_t parity)
{
    asm volatile("{\n.reg .pred done;\n"
                 "AGAIN:\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
                 "@!done bra AGAIN;\n}" ::"r"(barrier),
                 "r"(parity)
                 : "memory");
}

/* --- tensor copies -------------------------------------------------------------------------- */

/* What cuTensorMapEncodeTiled() fills. */
struct alignas(64) tensor_map {
    uint64_t opaque[16];
};

#define BOX_ASM(dims, to_all, mask, coordinates)                                                   \
    asm volatile("cp.async.bulk.tensor." dims                                                      \
                 "d.shared::cluster.global.mbarrier::complete_tx::bytes" to_all                    \
                 " [%0], [%1, {" coordinates "}], [%2]" mask ";" ::"r"(to),                        \
                 "l"(map), "r"(barrier), "h"(everyone), "r"(where[0]), "r"(where[1]),              \
                 "r"(where[2]), "r"(where[3]), "r"(where[4])                                       \
                 : "memory")
#define BOX_BY_RANK(to_all, mask)                                                                  \
    if (rank == 2)                                                                                 \
        BOX_ASM("2", to_all, mask, "%4, %5");                                                      \
    else if (rank == 3)                                                                            \
        BOX_ASM("3", to_all, mask, "%4, %5, %6");                                                  \
    else if (rank == 4)                                                                            \
        BOX_ASM("4", to_all, mask, "%4, %5, %6, %7");                                              \
    else                                                                                           \
        BOX_ASM("5", to_all, mask, "%4, %5, %6, %7, %8")

/* everyone: 0, or the blocks of the cluster that get it, a bit each, at the same addresses. */
__device__ __forceinline__ void copy_box(uint32_t rank, uint32_t to, const tensor_map *map,
                                         uint32_t barrier, const int32_t *where, uint16_t everyone)
{
    if (everyone == 0) {
        BOX_BY_RANK("", "");
    } else {
        BOX_BY_RANK(".multicast::cluster", ", %3");
    }
}

__device__ __forceinline__ void copy_boxes(const cuda_params &p, const cuda_operand &op,
                                           const tensor_map *map, const cuda_block &block,
                                           uint32_t tile, cuda_part part, uint32_t line0,
                                           uint32_t step, uint32_t barrier, uint16_t everyone)
{
#pragma unroll 1
    for (uint32_t at = part.begin; at < part.end; at += CUDA_MAP_BOX) {
        int32_t where[CUDA_MAP_DIMS];
        cuda_map_at(&op.map, p.tables, block.z, step / p.k_tiles, line0 + at,
                    step % p.k_tiles * p.block_k, where);
        copy_box(op.map.rank, cuda_box_address(tile, at), map, barrier, where, everyone);
    }
}

/* --- roles, for mainloop.inc ------------------------------------------------------------------ */

/* What both know. */
template <int BM, int BN> struct wgmma_role {
    static constexpr uint32_t TILE_A = BM * CUDA_ROW_BYTES, STAGE = (BM + BN) * CUDA_ROW_BYTES;
    const cuda_params &p;
    uint32_t base, barriers, thread; /* thread: of its warp group */
    uint32_t rank;                   /* of the block in its cluster */
    const tensor_map *map_a, *map_b;
    cuda_block block; /* the tile at work */
};

template <int BM, int BN, int BYTES> struct wgmma_producer : wgmma_role<BM, BN> {};

template <wgmma_type TYPE, int BM, int BN, bool TURN_A, bool TURN_B>
struct wgmma_consumer : wgmma_role<BM, BN> {
    static constexpr bool FLOAT = TYPE == WGMMA_F16 || TYPE == WGMMA_BF16;
    uint32_t line;
    uint32_t *scratch; /* the warp's */
    std::conditional_t<FLOAT, float, int32_t> sums[BN / 2];
};

template <int BM, int BN>
__device__ __forceinline__ void machine_wait(wgmma_role<BM, BN> *m, cuda_barrier which,
                                             uint32_t stage, uint32_t parity)
{
    barrier_wait(m->barriers + cuda_barrier_at(which, stage), parity);
}

template <int BM, int BN>
__device__ __forceinline__ void machine_cluster_barrier(wgmma_role<BM, BN> *)
{
    cluster_barrier();
}
template <int BM, int BN>
__device__ __forceinline__ uint32_t machine_take(wgmma_role<BM, BN> *m, uint32_t tile)
{
    m->block = cuda_block_at(&m->p, tile);
    return m->block.count;
}

/* Producers. */
#define PRODUCER_TEMPLATE                                                                          \
    template <int BM, int BN, int BYTES> __device__ __forceinline__ void
#define PRODUCER wgmma_producer<BM, BN, BYTES>

PRODUCER_TEMPLATE machine_expect(PRODUCER *m, uint32_t stage, uint32_t bytes)
{
    barrier_expect(m->barriers + cuda_barrier_at(CUDA_FULL, stage), bytes);
}
PRODUCER_TEMPLATE machine_copy_boxes(PRODUCER *m, uint32_t number, uint32_t stage)
{
    const uint32_t tile = m->base + m->STAGE * stage, step = m->block.begin + number;
    const uint32_t barrier = m->barriers + cuda_barrier_at(CUDA_FULL, stage);
    const bool shared = m->p.cluster > 1;
    copy_boxes(m->p, m->p.operand_a, m->map_a, m->block, tile,
               cuda_part_of(BM, false, m->p.cluster, m->rank), m->block.m0, step, barrier, 0);
    copy_boxes(m->p, m->p.operand_b, m->map_b, m->block, tile + m->TILE_A,
               cuda_part_of(BN, shared, m->p.cluster, m->rank), m->block.n0, step, barrier,
               shared ? uint16_t((1u << m->p.cluster) - 1) : uint16_t(0));
}
PRODUCER_TEMPLATE machine_load(PRODUCER *m, uint32_t number, uint32_t stage)
{
    const uint32_t tile = m->base + m->STAGE * stage, step = m->block.begin + number;
    load_tile<BM, CUDA_PRODUCER_THREADS, BYTES, false>(m->p, m->p.operand_a, m->p.a, tile, m->block,
                                                       m->block.m0, step, m->thread);
    load_tile<BN, CUDA_PRODUCER_THREADS, BYTES, false>(m->p, m->p.operand_b, m->p.b,
                                                       tile + m->TILE_A, m->block, m->block.n0,
                                                       step, m->thread);
}
PRODUCER_TEMPLATE machine_commit_copies(PRODUCER *)
{
    commit_copies();
}
PRODUCER_TEMPLATE machine_wait_copies(PRODUCER *, uint32_t pending)
{
    wait_copies(pending);
}
PRODUCER_TEMPLATE machine_fence_async(PRODUCER *)
{
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
PRODUCER_TEMPLATE machine_arrive(PRODUCER *m, cuda_barrier which, uint32_t stage)
{
    barrier_arrive(m->barriers + cuda_barrier_at(which, stage));
}

/* Consumers. */
#define CONSUMER_TEMPLATE                                                                          \
    template <wgmma_type TYPE, int BM, int BN, bool TURN_A, bool TURN_B>                           \
    __device__ __forceinline__ void
#define CONSUMER wgmma_consumer<TYPE, BM, BN, TURN_A, TURN_B>

CONSUMER_TEMPLATE machine_fence_sums(CONSUMER *)
{
    wgmma_fence();
}
CONSUMER_TEMPLATE machine_wgmma(CONSUMER *m, uint32_t stage, uint32_t part)
{
    const uint32_t tile = m->base + m->STAGE * stage;
    wgmma_sums<TYPE, TURN_A, TURN_B>(m->sums, cuda_wgmma_descriptor(tile, TURN_A, m->line, part),
                                     cuda_wgmma_descriptor(tile + m->TILE_A, TURN_B, 0, part));
}
CONSUMER_TEMPLATE machine_commit_wgmma(CONSUMER *)
{
    wgmma_commit();
}
CONSUMER_TEMPLATE machine_wait_wgmma_but_one(CONSUMER *)
{
    wgmma_wait<1>();
}
CONSUMER_TEMPLATE machine_wait_wgmma(CONSUMER *m)
{
    wgmma_wait<0>();
#pragma unroll
    for (int e = 0; e < BN / 2; e++) /* so that nothing reads them before the wait */
        wgmma_pin(m->sums[e]);
}
CONSUMER_TEMPLATE machine_arrive_at(CONSUMER *m, cuda_barrier which, uint32_t stage, uint32_t rank)
{
    const uint32_t barrier = m->barriers + cuda_barrier_at(which, stage);
    if (m->thread % 32 != 0)
        return;
    if (m->p.cluster == 1)
        barrier_arrive(barrier);
    else
        barrier_arrive_at(barrier, rank);
}

/* --- the kernel ----------------------------------------------------------------------------- */

template <int REGISTERS> __device__ __forceinline__ void keep_registers()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}
template <int REGISTERS> __device__ __forceinline__ void take_registers()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

template <typename SUM> __device__ __forceinline__ uint32_t word_of(SUM sum)
{
    if constexpr (std::is_same_v<SUM, float>)
        return __float_as_uint(sum);
    else
        return static_cast<uint32_t>(sum);
}

CONSUMER_TEMPLATE machine_clear_sums(CONSUMER *m)
{
#pragma unroll
    for (int e = 0; e < BN / 2; e++)
        m->sums[e] = 0;
}

/* From the registers two by two; else 16 lines of a warp through its own shared memory, in pieces. */
CONSUMER_TEMPLATE machine_deliver_sums(CONSUMER *m)
{
    const uint32_t i0 = m->block.m0 + m->line, warp_line = m->thread / 32 * 16;
    if (cuda_is_plain(&m->p)) {
#pragma unroll
        for (uint32_t e = 0; e < BN / 2; e += 2)
            cuda_deliver_pair(&m->p, &m->block, i0 + cuda_wgmma_line(m->thread, e),
                              m->block.n0 + cuda_wgmma_column(m->thread, e),
                              { word_of(m->sums[e]), word_of(m->sums[e + 1]) });
        return;
    }
    const cuda_block block = m->block; /* the call takes an address, which the sums must not have */
#pragma unroll
    for (uint32_t piece = 0; piece < BN / CUDA_WGMMA_PIECE; piece++) {
#pragma unroll
        for (uint32_t e = 0; e < CUDA_WGMMA_PIECE / 2; e++)
            m->scratch[(cuda_wgmma_line(m->thread, e) - warp_line) * CUDA_WGMMA_PITCH +
                       cuda_wgmma_column(m->thread, e)] =
                word_of(m->sums[piece * (CUDA_WGMMA_PIECE / 2) + e]);
        deliver<CONSUMER::FLOAT>(m->p, block, m->scratch, i0 + warp_line,
                                 m->block.n0 + piece * CUDA_WGMMA_PIECE, 16, CUDA_WGMMA_PIECE,
                                 CUDA_WGMMA_PITCH);
    }
}

template <wgmma_type TYPE, int BM, int BN, bool TENSOR_COPIES, bool TURN_A, bool TURN_B>
__global__ void __launch_bounds__(CUDA_PRODUCER_THREADS + BM / 64 * 128, 1)
    wgmma_kernel(const __grid_constant__ cuda_params p, const __grid_constant__ tensor_map map_a,
                 const __grid_constant__ tensor_map map_b)
{
    constexpr int BYTES = TYPE == WGMMA_F16 || TYPE == WGMMA_BF16 ? 2 : 1;
    using role = wgmma_role<BM, BN>;
    extern __shared__ char raw[];
    const uint32_t base = (shared_address(raw) + 1023) & ~1023u;
    const uint32_t scratch = base + p.stages * role::STAGE;
    const uint32_t barriers = scratch + cuda_wgmma_scratch_bytes(BM);
    const uint32_t group = threadIdx.x / 128; /* 0: producers */
    const role common = { p,      base,   barriers, threadIdx.x % 128, blockIdx.x % p.cluster,
                          &map_a, &map_b, {} };
    if (threadIdx.x == 0) {
        for (uint32_t stage = 0; stage < p.stages; stage++) {
            barrier_init(barriers + cuda_barrier_at(CUDA_FULL, stage),
                         cuda_arrivals(CUDA_FULL, TENSOR_COPIES, BM / 16, p.cluster));
            barrier_init(barriers + cuda_barrier_at(CUDA_EMPTY, stage),
                         cuda_arrivals(CUDA_EMPTY, TENSOR_COPIES, BM / 16, p.cluster));
        }
        asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
        asm volatile("fence.proxy.async;" ::: "memory");
    }
    __syncthreads();
    if (p.cluster > 1)
        cluster_barrier(); /* nobody arrives at a barrier that is not there yet */
    if (group == 0) {
        keep_registers<PRODUCER_REGISTERS>();
        wgmma_producer<BM, BN, BYTES> m = { common };
        if (!TENSOR_COPIES || threadIdx.x == 0)
            cuda_produce(&m, &p, blockIdx.x, TENSOR_COPIES ? uint32_t(role::STAGE) : 0);
        cuda_leave(&m, &p);
        return;
    }
    take_registers<CONSUMER_REGISTERS>();
    const uint32_t warp = threadIdx.x / 32 - 4;
    CONSUMER m = { common,
                   (group - 1) * 64,
                   reinterpret_cast<uint32_t *>(raw + (scratch - shared_address(raw))) +
                       warp * 16 * CUDA_WGMMA_PITCH,
                   {} };
    cuda_consume(&m, &p, blockIdx.x);
    cuda_leave(&m, &p);
}

template <wgmma_type TYPE, int BN, bool TENSOR_COPIES>
const void *wgmma_variant(bool turn_a, bool turn_b)
{
#define VARIANT(a, b)                                                                              \
    reinterpret_cast<const void *>(wgmma_kernel<TYPE, 128, BN, TENSOR_COPIES, a, b>)
    if (!turn_a && !turn_b)
        return VARIANT(false, false);
    if constexpr (TYPE == WGMMA_F16 || TYPE == WGMMA_BF16)
        return !turn_b ? VARIANT(true, false) : turn_a ? VARIANT(true, true) : VARIANT(false, true);
#undef VARIANT
    return nullptr;
}

template <wgmma_type TYPE>
const void *wgmma_function(const cuda_row *row, bool turn_a, bool turn_b)
{
    const bool tensor_copies = row->engine == CUDA_WGMMA_TMA;
#define TILE(bn)                                                                                   \
    if (row->block_n == bn)                                                                        \
        return tensor_copies ? wgmma_variant<TYPE, bn, true>(turn_a, turn_b)                       \
                             : wgmma_variant<TYPE, bn, false>(turn_a, turn_b);
    CUDA_WGMMA_TILES(TILE)
#undef TILE
    return nullptr;
}

} // namespace cuda_kernels

#endif
