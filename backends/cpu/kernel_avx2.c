/*
 * u8 x s8 -> s32 on 256 bits, where there is no vpdpbusd. vpmaddubsw would saturate its sums of two
 * products at 16 bits, so bytes are widened: vpmaddwd is exact. 4 columns of a quad to a vector.
 */
#include <immintrin.h>
#include <string.h>

#include "backends/cpu/kernel.h"

/* Four bytes of A as words, for each of four columns. */
static inline __m256i quad_of(const uint8_t *at)
{
    int32_t quad;
    memcpy(&quad, at, sizeof quad);
    return _mm256_broadcastq_epi64(_mm_cvtepu8_epi16(_mm_cvtsi32_si128(quad)));
}

static inline __m256i weights_of(const uint8_t *at)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)at));
}

static inline __m256i add_products(__m256i sum, __m256i a, __m256i b)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

/* Pairs of partial sums of 8 columns, 4 in each, become sums. */
static inline __m256i join(__m256i low, __m256i high)
{
    return _mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xd8);
}

static void put(const struct kernel_tile *t, unsigned row, unsigned column, __m256i s0, __m256i s1,
                __m256i s2, __m256i s3)
{
    uint32_t sums[KERNEL_LANES];
    unsigned left = t->columns - column, count = left < KERNEL_LANES ? left : KERNEL_LANES;
    _mm256_storeu_si256((__m256i *)sums, join(s0, s1));
    _mm256_storeu_si256((__m256i *)(sums + 8), join(s2, s3));
    memcpy(t->c + t->c_rows[row] + column, sums, count * sizeof *sums);
}

/* Two rows (the same one twice, if it is the last) of 16 columns. */
static void run_pair(const struct kernel_tile *t, unsigned row, unsigned column)
{
    unsigned next = row + 1 < t->row_count ? row + 1 : row;
    const uint8_t *first = t->a + t->rows[row], *second = t->a + t->rows[next];
    const uint8_t *b = t->b + (size_t)column * 4;
    __m256i f0 = _mm256_setzero_si256(), f1 = f0, f2 = f0, f3 = f0, s0 = f0, s1 = f0, s2 = f0,
            s3 = f0;
    for (size_t q = 0; q < t->quad_count; q++, b += (size_t)t->vectors * KERNEL_LANES * 4) {
        __m256i x = quad_of(first + t->quads[q]), y = quad_of(second + t->quads[q]);
        __m256i b0 = weights_of(b), b1 = weights_of(b + 16), b2 = weights_of(b + 32),
                b3 = weights_of(b + 48);
        f0 = add_products(f0, x, b0);
        f1 = add_products(f1, x, b1);
        f2 = add_products(f2, x, b2);
        f3 = add_products(f3, x, b3);
        s0 = add_products(s0, y, b0);
        s1 = add_products(s1, y, b1);
        s2 = add_products(s2, y, b2);
        s3 = add_products(s3, y, b3);
    }
    put(t, row, column, f0, f1, f2, f3);
    put(t, next, column, s0, s1, s2, s3);
}

static void run(const struct kernel_tile *t)
{
    for (unsigned column = 0; column < t->columns; column += KERNEL_LANES)
        for (unsigned row = 0; row < t->row_count; row += 2)
            run_pair(t, row, column);
}

#define PEAK_SUMS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define PEAK_SUM(i)  __m256i s##i = x;
#define PEAK_STEP(i)                                                                               \
    s##i = add_products(s##i, x, y);                                                               \
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
    return rounds * 12 * 2 * 16;
}

const struct kernel_set kernel_set_avx2 = {
    .name = "avx2", .rows_max = { 0, 14, 14, 8, 6 }, .any = run, .peak = peak
};
