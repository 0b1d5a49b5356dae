/*
 * The built-in intrinsics. A new one is one row here, or a file for --intrinsic.
 *
 * Intervals are reciprocal throughputs per unit (core or SM) at the share of the peak that was
 * reached in practice, not at the data sheet's; latencies are between dependent calls.
 */
#include "intrinsics/intrin_row.h"

#include <string.h>

/* clang-format off */
const struct intrin_machine intrin_machines[] = {
    { .name = "zen5",
      .clock_hz = 3.8e9, .units = 2, .chains = 12, .staging_bytes_per_s = 480e9, .granule_bytes = 64,
      .memory_bytes_per_s = 33e9, .cache_bytes = 16e6,
      .source = "measured on 2 virtual Zen 5 cores: L1 reads 480 GB/s a core, DRAM 31-34 GB/s; "
                "16 MB of L3 assumed; 12 accumulators hide the latency" },
    { .name = "h100",
      .clock_hz = 1.83e9, .units = 132, .chains = 8, .staging_bytes_per_s = 234e9, .granule_bytes = 32,
      .memory_bytes_per_s = 3.35e12, .cache_bytes = 50e6,
      .source = "NVIDIA H100 SXM data sheet (132 SMs, 989 TFLOP/s dense f16 = 4096 FLOP per SM and "
                "cycle at 1.83 GHz, 3.35 TB/s, 50 MB L2); shared memory 128 bytes per cycle; "
                "8 warps in flight assumed" },
    { .name = "neoverse-n1",
      .clock_hz = 2.5e9, .units = 4, .chains = 32, .staging_bytes_per_s = 80e9, .granule_bytes = 16,
      .memory_bytes_per_s = 40e9, .cache_bytes = 4e6,
      .source = "Arm Neoverse N1 Software Optimization Guide (2 loads of 16 bytes per cycle); "
                "4 cores, 2.5 GHz, 40 GB/s and 8 registers of 4 accumulators assumed" },
    { .name = "sapphire-rapids",
      .clock_hz = 2.0e9, .units = 8, .chains = 4, .staging_bytes_per_s = 256e9, .granule_bytes = 64,
      .memory_bytes_per_s = 100e9, .cache_bytes = 16e6,
      .source = "Intel 64 and IA-32 Architectures Optimization Reference Manual, chapter on AMX "
                "(2 loads of 64 bytes per cycle); 8 cores, 2 GHz, 100 GB/s assumed" },
};
const size_t intrin_machine_count = sizeof intrin_machines / sizeof *intrin_machines;

#define MATRIX "C[i,j] += A[i,k] * B[k,j]"

/*
 * WMMA: the layout of a fragment is unspecified; load_matrix_sync fills it from rows with a
 * leading dimension. One warp, f32 or s32 accumulators. m·n·k = 4096 multiply-adds for every
 * shape: 2 cycles of an SM's f16 peak (2048 per cycle), 1 of its s8 peak, at the 64% of it that
 * mma.sync reaches on Hopper.
 */
#define WMMA_PATH "memory > shared > fragment"
#define WMMA_MEMORY                                                                            \
    { { "fragment > shared > memory", "wmma::store_matrix_sync, row-major", "opaque" },        \
      { WMMA_PATH, "wmma::load_matrix_sync, row-major", "opaque" },                            \
      { WMMA_PATH, "wmma::load_matrix_sync, row-major", "opaque" } }
#define WMMA_SOURCE                                                                            \
    "CUDA C++ Programming Guide, 'Warp Matrix Functions', element types and matrix sizes"
#define WMMA(m, n, type, acc, interval, block_ij)                                              \
    { .name = "wmma.m" #m "n" #n "k16." type, .text = MATRIX,                                  \
      .extents = "i=" #m " j=" #n " k=16", .types = acc " " type " " type,                     \
      .machine = "h100", .interval_cycles = interval, .latency_cycles = 33, .block = block_ij, \
      .memory = WMMA_MEMORY, .source = WMMA_SOURCE,                                            \
      .note = "one warp; block: 128 x 128 of an SM" }
#define WMMA_SHAPES(type, acc, interval)                                                       \
    WMMA(16, 16, type, acc, interval, "i=8 j=8"),                                              \
    WMMA(32, 8, type, acc, interval, "i=4 j=16"),                                              \
    WMMA(8, 32, type, acc, interval, "i=16 j=4")

/* mma.sync: A row-major, B column-major, one warp. Layouts: figures of the two shapes. */
#define MMA_SOURCE(shape)                                                                      \
    "PTX ISA, 'Warp-level Matrix Instructions', matrix fragments for mma." shape
#define MMA_MEMORY(a, b)                                                                       \
    { { "register > memory", "st.global", "lane: i8 j4*2; register: i2*8; element: j2" },      \
      { "memory > shared > register", "ldmatrix", a },                                         \
      { "memory > shared > register", "ldmatrix", b } }
#define MMA16(type)                                                                            \
    { .name = "mma.m16n8k16." type, .text = MATRIX, .extents = "i=16 j=8 k=16",                \
      .types = "f32 " type " " type, .machine = "h100", .interval_cycles = 1.5625,             \
      .latency_cycles = 33, .block = "i=8 j=16",                                               \
      .memory = MMA_MEMORY("lane: i8 k4*2; register: k2*8 i2*8; element: k2",                  \
                           "lane: j8 k4*2; register: k2*8; element: k2"),                      \
      .source = MMA_SOURCE("m16n8k16"), .note = "64% of the f16 peak, as reached on Hopper" }
#define MMA32(name_, types_)                                                                   \
    { .name = "mma.m16n8k32." name_, .text = MATRIX, .extents = "i=16 j=8 k=32",               \
      .types = "s32 " types_, .machine = "h100", .interval_cycles = 1.5625,                    \
      .latency_cycles = 33, .block = "i=8 j=16",                                               \
      .memory = MMA_MEMORY("lane: i8 k4*4; register: k2*16 i2*8; element: k4",                 \
                           "lane: j8 k4*4; register: k2*16; element: k4"),                     \
      .source = MMA_SOURCE("m16n8k32"), .note = "sm_80 and later; 64% of the s8 peak" }

/* wgmma: both inputs from shared memory in core matrices of 8 rows of 16 bytes, no swizzle. */
#define WGMMA(k, types_, label, core)                                                          \
    { .name = "wgmma.m64n256k" k "." label, .text = MATRIX, .extents = "i=64 j=256 k=" k,      \
      .types = types_, .machine = "h100", .interval_cycles = 133.3,                            \
      .latency_cycles = 133.3, .block = "i=2",                                                 \
      .memory = { { "register > memory", "st.global",                                          \
                    "thread: i4*16 i8 j4*2; register: j32*8 i2*8 j2" },                        \
                  { "memory > shared", "cp.async.bulk, descriptor",                            \
                    "core: i8*8 k2*" core "; row: i8; element: k" core },                      \
                  { "memory > shared", "cp.async.bulk, descriptor",                            \
                    "core: j32*8 k2*" core "; row: j8; element: k" core } },                   \
      .source = "PTX ISA, 'Asynchronous Warpgroup Level Matrix Instructions', "                \
                "wgmma.mma_async, register fragments and shared memory layout",                \
      .note = "sm_90a, one warp group; 128 cycles of an SM at 96% of the peak" }

/* vpdpbusd: two per cycle, latency 4. A tile of m x n/16 accumulators issues m·n/16 of them. */
#define VNNI_SOURCE "Intel 64 and IA-32 SDM, vol. 2, VPDPBUSD"
#define VNNI_TILE(m, n, regs, interval)                                                        \
    { .name = "vnni." #m "x" #n "x4", .text = MATRIX, .extents = "i=" #m " j=" #n " k=4",      \
      .types = "s32 u8 s8", .machine = "zen5", .interval_cycles = interval,                    \
      .latency_cycles = 4, .block = "",                                                        \
      .memory = { { "register > memory", "vmovdqu32",                                          \
                    "register: i" #m " j" #regs "*16; lane: j16" },                            \
                  { "memory > register", "vpbroadcastd",                                       \
                    "broadcast: i" #m "; lane: -16; byte: k4" },                               \
                  { "memory > packed panel > register", "vmovdqu8",                            \
                    "register: j" #regs "*16; lane: j16; byte: k4" } },                        \
      .source = VNNI_SOURCE,                                                                   \
      .note = "register tile of " #m " x " #regs " vpdpbusd; panel [N/" #n "][K/4][" #n "][4]" }

#define DOT4(name_, types_, what)                                                              \
    { .name = "arm.dot4." name_, .text = "C[0] += A[k] * B[k]", .extents = "k=4",              \
      .types = "s32 " types_, .machine = "neoverse-n1", .interval_cycles = 0.125,              \
      .latency_cycles = 4, .block = "",                                                        \
      .memory = { { "register > memory", "str", "" },                                          \
                  { "memory > register", "ldr", "byte: k4" },                                  \
                  { "memory > register", "ldr", "byte: k4" } },                                \
      .source = "Arm Architecture Reference Manual DDI 0487, C7.2, " what " (vector)",         \
      .note = "one of the four 32-bit lanes; two instructions of four lanes per cycle" }

const struct intrin_row intrin_rows[] = {
    WMMA_SHAPES("f16", "f32", 3.125),
    WMMA_SHAPES("bf16", "f32", 3.125),
    WMMA_SHAPES("s8", "s32", 1.5625),
    WMMA_SHAPES("u8", "s32", 1.5625),
    MMA16("f16"),
    MMA16("bf16"),
    MMA32("s8", "s8 s8"),
    MMA32("u8s8", "u8 s8"),
    WGMMA("16", "f32 f16 f16", "f16", "8"),
    WGMMA("16", "f32 bf16 bf16", "bf16", "8"),
    WGMMA("32", "s32 s8 s8", "s8", "16"),
    WGMMA("32", "s32 u8 s8", "u8s8", "16"),
    { .name = "vnni.16x4", .text = "C[i] += A[k] * B[i,k]", .extents = "i=16 k=4",
      .types = "s32 u8 s8", .machine = "zen5", .interval_cycles = 0.5, .latency_cycles = 4,
      .block = "i=12",
      .memory = { { "register > memory", "vmovdqu32", "lane: i16" },
                  { "memory > register", "vpbroadcastd", "lane: -16; byte: k4" },
                  { "memory > packed panel > register", "vmovdqu8", "lane: i16; byte: k4" } },
      .source = VNNI_SOURCE, .note = "one vpdpbusd on zmm registers" },
    VNNI_TILE(4, 48, 3, 6),
    VNNI_TILE(4, 64, 4, 8),
    VNNI_TILE(6, 64, 4, 12),
    VNNI_TILE(7, 32, 2, 7),
    VNNI_TILE(8, 48, 3, 12),
    VNNI_TILE(12, 32, 2, 12),
    VNNI_TILE(14, 32, 2, 14),
    { .name = "avx512bf16.16x2", .text = "C[i] += A[k] * B[i,k]", .extents = "i=16 k=2",
      .types = "f32 bf16 bf16", .machine = "zen5", .interval_cycles = 0.5, .latency_cycles = 6,
      .block = "i=12",
      .memory = { { "register > memory", "vmovups", "lane: i16" },
                  { "memory > register", "vpbroadcastd", "lane: -16; element: k2" },
                  { "memory > packed panel > register", "vmovdqu16", "lane: i16; element: k2" } },
      .source = "Intel 64 and IA-32 SDM, vol. 2, VDPBF16PS",
      .note = "one vdpbf16ps; interval and latency assumed" },
    DOT4("s8", "s8 s8", "SDOT"),
    DOT4("u8", "u8 u8", "UDOT"),
    DOT4("u8s8", "u8 s8", "USDOT"),
    { .name = "arm.sdot.4x4", .text = "C[i] += A[k] * B[i,k]", .extents = "i=4 k=4",
      .types = "s32 s8 s8", .machine = "neoverse-n1", .interval_cycles = 0.5, .latency_cycles = 4,
      .block = "i=16",
      .memory = { { "register > memory", "str q", "lane: i4" },
                  { "memory > register", "ldr s, indexed element", "lane: -4; byte: k4" },
                  { "memory > packed panel > register", "ldr q", "lane: i4; byte: k4" } },
      .source = "Arm Architecture Reference Manual DDI 0487, C7.2, SDOT (by element)",
      .note = "one instruction of four lanes" },
    { .name = "amx.16x16x64.u8s8", .text = MATRIX, .extents = "i=16 j=16 k=64",
      .types = "s32 u8 s8", .machine = "sapphire-rapids", .interval_cycles = 16,
      .latency_cycles = 52, .block = "i=2 j=2",
      .memory = { { "tile > memory", "tilestored", "row: i16; column: j16" },
                  { "memory > tile", "tileloadd", "row: i16; column: k64" },
                  { "memory > packed panel > tile", "tileloadd",
                    "row: k16*4; column: j16; byte: k4" } },
      .source = "Intel 64 and IA-32 SDM, vol. 2, TDPBUSD; Optimization Reference Manual, AMX "
                "(16 cycles throughput, 52 latency)",
      .note = "8 tile registers: 4 accumulators, 2 of A, 2 of B" },
};
/* clang-format on */
const size_t intrin_row_count = sizeof intrin_rows / sizeof *intrin_rows;
const size_t intrin_count = sizeof intrin_rows / sizeof *intrin_rows;

const char *const *intrin_names(void)
{
    static const char *names[sizeof intrin_rows / sizeof *intrin_rows];
    for (size_t i = 0; i < intrin_row_count; i++)
        names[i] = intrin_rows[i].name; /* the same value whoever writes it */
    return names;
}

const struct intrin_machine *intrin_machine_find(const char *name)
{
    for (size_t i = 0; i < intrin_machine_count; i++) {
        if (strcmp(intrin_machines[i].name, name) == 0)
            return &intrin_machines[i];
    }
    return NULL;
}
