/*
 * The tiles of one 512-bit instruction, DP(sum, a, b). Included by the file of that instruction,
 * which is compiled with its flags.
 *
 * Written out row by row: gcc 12 spills the sums of nested loops, clang 14 leaves arrays of them in
 * memory. DP is an asm statement for the same reason, and the loads of B are held in registers
 * by an empty one, or gcc folds them back into every use. tests/cli/kernels.sh looks at the result.
 */
#include <immintrin.h>

#include "backends/cpu/kernel.h"

/* X(row, group of three, row of the group) */
#define ROWS_1(X)  X(0, 0, 0)
#define ROWS_2(X)  ROWS_1(X) X(1, 0, 1)
#define ROWS_3(X)  ROWS_2(X) X(2, 0, 2)
#define ROWS_4(X)  ROWS_3(X) X(3, 1, 0)
#define ROWS_5(X)  ROWS_4(X) X(4, 1, 1)
#define ROWS_6(X)  ROWS_5(X) X(5, 1, 2)
#define ROWS_7(X)  ROWS_6(X) X(6, 2, 0)
#define ROWS_8(X)  ROWS_7(X) X(7, 2, 1)
#define ROWS_9(X)  ROWS_8(X) X(8, 2, 2)
#define ROWS_10(X) ROWS_9(X) X(9, 3, 0)
#define ROWS_11(X) ROWS_10(X) X(10, 3, 1)
#define ROWS_12(X) ROWS_11(X) X(11, 3, 2)
#define ROWS_13(X) ROWS_12(X) X(12, 4, 0)
#define ROWS_14(X) ROWS_13(X) X(13, 4, 1)

/* Addresses of rows: groups of three need one register each, and the step. */
#define GROUPS_EVEN(at)                                                                            \
    const uint8_t *at0 = (at), *at1 = at0 + step3, *at2 = at1 + step3, *at3 = at2 + step3,         \
                  *at4 = at3 + step3;                                                              \
    (void)at1, (void)at2, (void)at3, (void)at4;
#define GROUPS_TABLE(at)         const uint8_t *at0 = (at);
#define ROW_EVEN(row, group, r)  at##group + r * step
#define ROW_TABLE(row, group, r) at0 + rows[row]

static inline __m512i broadcast(const uint8_t *at)
{
    int32_t quad;
    __builtin_memcpy(&quad, at, sizeof quad);
    return _mm512_set1_epi32(quad);
}

#define HELD(name, at)                                                                             \
    __m512i name = _mm512_loadu_si512(at);                                                         \
    __asm__ volatile("" : "+v"(name))
#define HELD_1 HELD(b0, b)
#define HELD_2 HELD_1; HELD(b1, b + 64)
#define HELD_3 HELD_2; HELD(b2, b + 128)
#define HELD_4 HELD_3; HELD(b3, b + 192)

#define SUMS_1(m, g, r) __m512i c##m##_0 = _mm512_setzero_si512();
#define SUMS_2(m, g, r) SUMS_1(m, g, r) __m512i c##m##_1 = _mm512_setzero_si512();
#define SUMS_3(m, g, r) SUMS_2(m, g, r) __m512i c##m##_2 = _mm512_setzero_si512();
#define SUMS_4(m, g, r) SUMS_3(m, g, r) __m512i c##m##_3 = _mm512_setzero_si512();

#define MACS_1(m) DP(c##m##_0, x##m, b0);
#define MACS_2(m) MACS_1(m) DP(c##m##_1, x##m, b1);
#define MACS_3(m) MACS_2(m) DP(c##m##_2, x##m, b2);
#define MACS_4(m) MACS_3(m) DP(c##m##_3, x##m, b3);
#define STEP_EVEN_1(m, g, r)  __m512i x##m = broadcast(ROW_EVEN(m, g, r)); MACS_1(m)
#define STEP_EVEN_2(m, g, r)  __m512i x##m = broadcast(ROW_EVEN(m, g, r)); MACS_2(m)
#define STEP_EVEN_3(m, g, r)  __m512i x##m = broadcast(ROW_EVEN(m, g, r)); MACS_3(m)
#define STEP_EVEN_4(m, g, r)  __m512i x##m = broadcast(ROW_EVEN(m, g, r)); MACS_4(m)
#define STEP_TABLE_1(m, g, r) __m512i x##m = broadcast(ROW_TABLE(m, g, r)); MACS_1(m)
#define STEP_TABLE_2(m, g, r) __m512i x##m = broadcast(ROW_TABLE(m, g, r)); MACS_2(m)
#define STEP_TABLE_3(m, g, r) __m512i x##m = broadcast(ROW_TABLE(m, g, r)); MACS_3(m)
#define STEP_TABLE_4(m, g, r) __m512i x##m = broadcast(ROW_TABLE(m, g, r)); MACS_4(m)

#define PUT(m, v)   _mm512_mask_storeu_epi32(c + c_rows[m] + 16 * v, mask##v, c##m##_##v);
#define WHOLE(m, v) _mm512_storeu_si512(c + c_rows[m] + 16 * v, c##m##_##v);
#define WHOLE_1(m, g, r) WHOLE(m, 0)
#define WHOLE_2(m, g, r) WHOLE_1(m, g, r) WHOLE(m, 1)
#define WHOLE_3(m, g, r) WHOLE_2(m, g, r) WHOLE(m, 2)
#define WHOLE_4(m, g, r) WHOLE_3(m, g, r) WHOLE(m, 3)
#define PUT_1(m, g, r) PUT(m, 0)
#define PUT_2(m, g, r) PUT_1(m, g, r) PUT(m, 1)
#define PUT_3(m, g, r) PUT_2(m, g, r) PUT(m, 2)
#define PUT_4(m, g, r) PUT_3(m, g, r) PUT(m, 3)

/* Lanes of vector v that are stored. */
static inline __mmask16 lanes_of(unsigned columns, unsigned v)
{
    unsigned begin = 16 * v;
    return columns >= begin + 16 ? 0xffff
                                 : (__mmask16)((1u << (columns > begin ? columns - begin : 0)) - 1);
}

#define TILE(m, v, kind)                                                                           \
    static void tile_##m##x##v##_##kind(const struct kernel_tile *t)                               \
    {                                                                                              \
        const uint8_t *a = t->a, *b = t->b;                                                        \
        const int32_t *quad = t->quads, *end = quad + t->quad_count, *rows = t->rows;              \
        const int64_t step = t->step, step3 = 3 * step;                                            \
        (void)rows, (void)step3;                                                                   \
        ROWS_##m(SUMS_##v) for (; quad != end; quad++)                                             \
        {                                                                                          \
            GROUPS_##kind(a + *quad);                                                              \
            HELD_##v;                                                                              \
            ROWS_##m(STEP_##kind##_##v) b += 64 * v;                                               \
        }                                                                                          \
        uint32_t *c = t->c;                                                                        \
        const int64_t *c_rows = t->c_rows;                                                         \
        const __mmask16 mask0 = lanes_of(t->columns, 0), mask1 = lanes_of(t->columns, 1),          \
                        mask2 = lanes_of(t->columns, 2), mask3 = lanes_of(t->columns, 3);          \
        (void)mask1, (void)mask2, (void)mask3;                                                     \
        if (t->columns == 16 * v) {                                                                \
            ROWS_##m(WHOLE_##v)                                                                    \
            return;                                                                                \
        }                                                                                          \
        ROWS_##m(PUT_##v)                                                                          \
    }
#define TILES(m, v) TILE(m, v, EVEN) TILE(m, v, TABLE)

/* clang-format off */
#define EACH_TILE(X)                                                                               \
    X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(7, 1) X(8, 1) X(9, 1) X(10, 1) X(11, 1)      \
    X(12, 1) X(13, 1) X(14, 1)                                                                     \
    X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(5, 2) X(6, 2) X(7, 2) X(8, 2) X(9, 2) X(10, 2) X(11, 2)      \
    X(12, 2) X(13, 2) X(14, 2)                                                                     \
    X(1, 3) X(2, 3) X(3, 3) X(4, 3) X(5, 3) X(6, 3) X(7, 3) X(8, 3)                                \
    X(1, 4) X(2, 4) X(3, 4) X(4, 4) X(5, 4) X(6, 4)
/* clang-format on */

EACH_TILE(TILES)

#define TILE_ENTRY(m, v) [v][m] = { tile_##m##x##v##_EVEN, tile_##m##x##v##_TABLE },
#define TILE_TABLE       { EACH_TILE(TILE_ENTRY) }
#define TILE_ROWS_MAX    { 0, 14, 14, 8, 6 }

/* 24 independent sums: twice what hides a latency of 4 at two per cycle, and more. */
#define PEAK_SUMS(X)                                                                               \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)    \
    X(17) X(18) X(19) X(20) X(21) X(22) X(23)
#define PEAK_ZERO(i) __m512i s##i = _mm512_setzero_si512();
#define PEAK_STEP(i) DP(s##i, x, y);
#define PEAK_JOIN(i) all = _mm512_xor_si512(all, s##i);

static uint64_t peak(uint64_t rounds)
{
    __m512i x = _mm512_set1_epi32(0x01010101), y = x;
    PEAK_SUMS(PEAK_ZERO)
    for (uint64_t i = 0; i < rounds; i++) {
        PEAK_SUMS(PEAK_STEP)
    }
    __m512i all = _mm512_setzero_si512();
    PEAK_SUMS(PEAK_JOIN)
    __asm__ volatile("" : : "v"(all));
    return rounds * 24 * 2 * DP_MACS;
}
