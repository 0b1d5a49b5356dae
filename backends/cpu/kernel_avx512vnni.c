/* u8 x s8 -> s32: vpdpbusd, 64 multiply-adds. */
#define DP(sum, a, b) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b))
#define DP_MACS       64
#include "backends/cpu/kernel_tile_avx512.h"

uint64_t kernel_read_avx512(const void *data, size_t bytes)
{
    const char *at = data, *end = at + bytes;
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    for (; at != end; at += 1024) {
        for (int i = 0; i < 1024; i += 256) {
            s0 = _mm512_or_si512(s0, _mm512_loadu_si512(at + i));
            s1 = _mm512_or_si512(s1, _mm512_loadu_si512(at + i + 64));
            s2 = _mm512_or_si512(s2, _mm512_loadu_si512(at + i + 128));
            s3 = _mm512_or_si512(s3, _mm512_loadu_si512(at + i + 192));
        }
    }
    s0 = _mm512_or_si512(_mm512_or_si512(s0, s1), _mm512_or_si512(s2, s3));
    return (uint64_t)_mm512_reduce_or_epi64(s0);
}

const struct kernel_set kernel_set_avx512vnni = {
    .name = "avx512vnni",
    .rows_max = TILE_ROWS_MAX,
    .tiles = TILE_TABLE,
    .peak = peak,
};
