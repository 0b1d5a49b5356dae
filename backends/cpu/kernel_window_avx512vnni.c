/*
 * Depthwise windows of up to 3 x 3 that slide: a column of the window is loaded and its bytes made
 * quads once, and used by every output that it belongs to. vpdpbusd, 64 channels side by side.
 *
 * Written out: compilers leave arrays of registers in memory, or spill them.
 */
#include <immintrin.h>

#include "backends/cpu/kernel.h"

#define DP(sum, x, weights) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(weights))
#define DP_MEMORY(sum, x, at)                                                                      \
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "m"(*(const __m512i *)(at)))

/* Dword 4·i + j of a group comes from 4·j + i: unpacking then leaves channels in their order. */
static inline __m512i load(const uint8_t *at, __m512i order)
{
    return _mm512_permutexvar_epi32(order, _mm512_loadu_si512(at));
}

/* x0 … x3: quads of channels 0, 16, 32, 48 …; the fourth tap of each is 0. */
#define COLUMN(x, at)                                                                              \
    do {                                                                                           \
        const uint8_t *from = (at);                                                                \
        const __m512i zero = _mm512_setzero_si512();                                               \
        __m512i first = load(from + tap0, order), second = load(from + tap1, order),               \
                third = load(from + tap2, order);                                                  \
        __m512i low = _mm512_unpacklo_epi8(first, second),                                         \
                high = _mm512_unpackhi_epi8(first, second);                                        \
        __m512i low_third = _mm512_unpacklo_epi8(third, zero),                                     \
                high_third = _mm512_unpackhi_epi8(third, zero);                                    \
        x##0 = _mm512_unpacklo_epi16(low, low_third);                                              \
        x##1 = _mm512_unpackhi_epi16(low, low_third);                                              \
        x##2 = _mm512_unpacklo_epi16(high, high_third);                                            \
        x##3 = _mm512_unpackhi_epi16(high, high_third);                                            \
    } while (0)

#define SUM(j)                                                                                     \
    do {                                                                                           \
        __m512i sum = _mm512_setzero_si512();                                                      \
        DP(sum, x##j, w##j);                                                                       \
        DP(sum, y##j, v##j);                                                                       \
        DP_MEMORY(sum, z##j, b + 512 + 64 * j);                                                    \
        _mm512_mask_storeu_epi32(c + 16 * j, mask##j, sum);                                        \
    } while (0)
#define SUMS_1 SUM(0)
#define SUMS_2                                                                                     \
    SUMS_1;                                                                                        \
    SUM(1)
#define SUMS_3                                                                                     \
    SUMS_2;                                                                                        \
    SUM(2)
#define SUMS_4                                                                                     \
    SUMS_3;                                                                                        \
    SUM(3)

#define MOVE(to, from) to##0 = from##0, to##1 = from##1, to##2 = from##2, to##3 = from##3

/* Columns that are loaded before the first row, for each row, and what is left for the next. */
#define BEFORE_1                                                                                   \
    COLUMN(x, a);                                                                                  \
    COLUMN(y, a + column)
#define BEFORE_2 COLUMN(x, a)
#define BEFORE_3 (void)0
#define EACH_1   COLUMN(z, a + 2 * column)
#define EACH_2                                                                                     \
    COLUMN(y, a + column);                                                                         \
    COLUMN(z, a + 2 * column)
#define EACH_3                                                                                     \
    COLUMN(x, a);                                                                                  \
    EACH_2
#define AFTER_1                                                                                    \
    MOVE(x, y);                                                                                    \
    MOVE(y, z)
#define AFTER_2 MOVE(x, z)
#define AFTER_3 (void)0

static inline __mmask16 lanes_of(unsigned channels, unsigned v)
{
    unsigned begin = 16 * v;
    return channels >= begin + 16
               ? 0xffff
               : (__mmask16)((1u << (channels > begin ? channels - begin : 0)) - 1);
}

#define WINDOW(vectors, step)                                                                      \
    static void window_##vectors##_##step(const struct kernel_window *t)                           \
    {                                                                                              \
        const __m512i order =                                                                      \
            _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);                \
        const uint8_t *a = t->a, *b = t->b;                                                        \
        const int64_t tap0 = t->taps[0], tap1 = t->taps[1], tap2 = t->taps[2],                     \
                      column = t->column_step, row = t->row_step;                                  \
        const __mmask16 mask0 = lanes_of(t->channels, 0), mask1 = lanes_of(t->channels, 1),        \
                        mask2 = lanes_of(t->channels, 2), mask3 = lanes_of(t->channels, 3);        \
        const __m512i w0 = _mm512_loadu_si512(b), w1 = _mm512_loadu_si512(b + 64),                 \
                      w2 = _mm512_loadu_si512(b + 128), w3 = _mm512_loadu_si512(b + 192),          \
                      v0 = _mm512_loadu_si512(b + 256), v1 = _mm512_loadu_si512(b + 320),          \
                      v2 = _mm512_loadu_si512(b + 384), v3 = _mm512_loadu_si512(b + 448);          \
        __m512i x0, x1, x2, x3, y0, y1, y2, y3, z0, z1, z2, z3;                                    \
        uint32_t *c = t->c, *end = c + (int64_t)t->row_count * t->c_step;                          \
        (void)mask1, (void)mask2, (void)mask3, (void)w1, (void)w2, (void)w3, (void)v1, (void)v2;   \
        (void)v3, (void)x1, (void)x2, (void)x3, (void)y1, (void)y2, (void)y3, (void)z1, (void)z2;  \
        (void)z3;                                                                                  \
        BEFORE_##step;                                                                             \
        for (; c != end; c += t->c_step, a += row) {                                               \
            EACH_##step;                                                                           \
            SUMS_##vectors;                                                                        \
            AFTER_##step;                                                                          \
        }                                                                                          \
    }

/* clang-format off */
#define EACH_WINDOW(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2) \
                       X(1, 3) X(2, 3) X(3, 3) X(4, 3)
/* clang-format on */

EACH_WINDOW(WINDOW)

void kernel_window_avx512vnni(const struct kernel_window *t)
{
#define WINDOW_ENTRY(vectors, step) [vectors][step] = window_##vectors##_##step,
    static void (*const table[5][4])(const struct kernel_window *t) = { EACH_WINDOW(WINDOW_ENTRY) };
    int step = t->row_step == t->column_step ? 1 : t->row_step == 2 * t->column_step ? 2 : 3;
    table[(t->channels + 15) / 16][step](t);
}
