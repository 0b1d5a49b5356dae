/* u8 x s8 -> s32 with vpdpbusd on 256 bits (AVX-VNNI): CPUs that have it without AVX-512. */
#include <immintrin.h>
#include <string.h>

#include "backends/cpu/kernel.h"

#define GROUP 4 /* rows */

static inline __m256i quad_of(const uint8_t *at)
{
    int32_t quad;
    memcpy(&quad, at, sizeof quad);
    return _mm256_set1_epi32(quad);
}

static void put(const struct kernel_tile *t, unsigned row, unsigned column, __m256i low,
                __m256i high)
{
    uint32_t sums[KERNEL_LANES];
    unsigned left = t->columns - column, count = left < KERNEL_LANES ? left : KERNEL_LANES;
    _mm256_storeu_si256((__m256i *)sums, low);
    _mm256_storeu_si256((__m256i *)(sums + 8), high);
    memcpy(t->c + t->c_rows[row] + column, sums, count * sizeof *sums);
}

#define LAST(row) ((row) < t->row_count ? (row) : t->row_count - 1)
#define SUMS(i)                                                                                    \
    const unsigned row##i = LAST(row + i);                                                         \
    const uint8_t *a##i = t->a + t->rows[row##i];                                                  \
    __m256i low##i = _mm256_setzero_si256(), high##i = low##i
#define PRODUCTS(i)                                                                                \
    do {                                                                                           \
        __m256i x = quad_of(a##i + t->quads[q]);                                                   \
        low##i = _mm256_dpbusd_avx_epi32(low##i, x, b_low);                                        \
        high##i = _mm256_dpbusd_avx_epi32(high##i, x, b_high);                                     \
    } while (0)

/* Four rows (the last one again, where there are fewer) of 16 columns. */
static void run_group(const struct kernel_tile *t, unsigned row, unsigned column)
{
    SUMS(0);
    SUMS(1);
    SUMS(2);
    SUMS(3);
    const uint8_t *b = t->b + (size_t)column * 4;
    for (size_t q = 0; q < t->quad_count; q++, b += (size_t)t->vectors * KERNEL_LANES * 4) {
        __m256i b_low = _mm256_loadu_si256((const __m256i *)b),
                b_high = _mm256_loadu_si256((const __m256i *)(b + 32));
        PRODUCTS(0);
        PRODUCTS(1);
        PRODUCTS(2);
        PRODUCTS(3);
    }
    put(t, row0, column, low0, high0);
    put(t, row1, column, low1, high1);
    put(t, row2, column, low2, high2);
    put(t, row3, column, low3, high3);
}

static void run(const struct kernel_tile *t)
{
    for (unsigned column = 0; column < t->columns; column += KERNEL_LANES)
        for (unsigned row = 0; row < t->row_count; row += GROUP)
            run_group(t, row, column);
}

#define PEAK_SUMS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define PEAK_SUM(i)  __m256i s##i = x;
#define PEAK_STEP(i)                                                                               \
    s##i = _mm256_dpbusd_avx_epi32(s##i, x, y);                                                    \
    __asm__ volatile("" : "+x"(s##i), "+x"(x)); /* or all sums are one */
#define PEAK_JOIN(i) all = _mm256_xor_si256(all, s##i);

static uint64_t peak(uint64_t rounds)
{
    __m256i x = _mm256_set1_epi8(1), y = x, all = x;
    PEAK_SUMS(PEAK_SUM)
    for (uint64_t r = 0; r < rounds; r++) {
        PEAK_SUMS(PEAK_STEP)
    }
    PEAK_SUMS(PEAK_JOIN)
    __asm__ volatile("" : : "x"(all));
    return rounds * 12 * 2 * 32;
}

const struct kernel_set kernel_set_avxvnni = {
    .name = "avxvnni", .rows_max = { 0, 14, 14, 8, 6 }, .any = run, .peak = peak
};
