/* u8 x s8 -> s32: vpdpbusd, 64 multiply-adds. */
#define DP(sum, a, b) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b))
#define DP_MACS       64
#include "backends/cpu/kernel_tile_avx512.inc"

/* Bytes of four taps become quads of a channel. Lane L of out[j] holds channels 16·L + 4·j …: the
 * weights do too, and put_lanes() sorts the sums. */
static inline void interleave(const uint8_t *a, const int32_t *taps, __m512i out[4])
{
    __m512i t0 = _mm512_loadu_si512(a + taps[0]), t1 = _mm512_loadu_si512(a + taps[1]),
            t2 = _mm512_loadu_si512(a + taps[2]), t3 = _mm512_loadu_si512(a + taps[3]);
    __m512i low01 = _mm512_unpacklo_epi8(t0, t1), high01 = _mm512_unpackhi_epi8(t0, t1),
            low23 = _mm512_unpacklo_epi8(t2, t3), high23 = _mm512_unpackhi_epi8(t2, t3);
    out[0] = _mm512_unpacklo_epi16(low01, low23);
    out[1] = _mm512_unpackhi_epi16(low01, low23);
    out[2] = _mm512_unpacklo_epi16(high01, high23);
    out[3] = _mm512_unpackhi_epi16(high01, high23);
}

/* Transposes 4 x 4 lanes of 128 bits. */
static inline void put_lanes(uint32_t *c, unsigned channels, __m512i s0, __m512i s1, __m512i s2,
                             __m512i s3)
{
    __m512i a = _mm512_shuffle_i32x4(s0, s1, 0x44), b = _mm512_shuffle_i32x4(s0, s1, 0xee),
            d = _mm512_shuffle_i32x4(s2, s3, 0x44), e = _mm512_shuffle_i32x4(s2, s3, 0xee);
    _mm512_mask_storeu_epi32(c, lanes_of(channels, 0), _mm512_shuffle_i32x4(a, d, 0x88));
    _mm512_mask_storeu_epi32(c + 16, lanes_of(channels, 1), _mm512_shuffle_i32x4(a, d, 0xdd));
    _mm512_mask_storeu_epi32(c + 32, lanes_of(channels, 2), _mm512_shuffle_i32x4(b, e, 0x88));
    _mm512_mask_storeu_epi32(c + 48, lanes_of(channels, 3), _mm512_shuffle_i32x4(b, e, 0xdd));
}

/* Two rows share the loads of the weights; an odd last row is done twice. */
static void run_lanes(const struct kernel_lanes *t)
{
    for (size_t m = 0; m < t->row_count; m += 2) {
        size_t next = m + 1 < t->row_count ? m + 1 : m;
        const uint8_t *first = t->a + t->rows[m], *second = t->a + t->rows[next], *b = t->b;
        __m512i f0 = _mm512_setzero_si512(), f1 = f0, f2 = f0, f3 = f0, g0 = f0, g1 = f0, g2 = f0,
                g3 = f0;
        for (size_t q = 0; q < t->quad_count; q++, b += 256) {
            __m512i x[4], y[4];
            interleave(first, t->taps + 4 * q, x);
            interleave(second, t->taps + 4 * q, y);
            __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 64),
                    b2 = _mm512_loadu_si512(b + 128), b3 = _mm512_loadu_si512(b + 192);
            DP(f0, x[0], b0);
            DP(f1, x[1], b1);
            DP(f2, x[2], b2);
            DP(f3, x[3], b3);
            DP(g0, y[0], b0);
            DP(g1, y[1], b1);
            DP(g2, y[2], b2);
            DP(g3, y[3], b3);
        }
        put_lanes(t->c + (int64_t)m * t->c_step, t->channels, f0, f1, f2, f3);
        put_lanes(t->c + (int64_t)next * t->c_step, t->channels, g0, g1, g2, g3);
    }
}

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

void kernel_write_avx512(void *data, size_t bytes)
{
    char *at = data, *end = at + bytes;
    __m512i ones = _mm512_set1_epi8(1);
    for (; at != end; at += 256) {
        _mm512_store_si512(at, ones);
        _mm512_store_si512(at + 64, ones);
        _mm512_store_si512(at + 128, ones);
        _mm512_store_si512(at + 192, ones);
    }
    __asm__ volatile("" : : "r"(data) : "memory");
}

const struct kernel_set kernel_set_avx512vnni = {
    .name = "avx512vnni",
    .rows_max = TILE_ROWS_MAX,
    .tiles = TILE_TABLE,
    .lanes = run_lanes,
    .window = kernel_window_avx512vnni,
    .peak = peak,
};
