/* bf16 x bf16 -> f32: vdpbf16ps, 32 multiply-adds. */
#define DP(sum, a, b) __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b))
#define DP_MACS       32
#include "backends/cpu/kernel_tile_avx512.inc"

const struct kernel_set kernel_set_avx512bf16 = {
    .name = "avx512bf16",
    .rows_max = TILE_ROWS_MAX,
    .tiles = TILE_TABLE,
    .peak = peak,
};
