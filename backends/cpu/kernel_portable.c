/* The tiles in plain C, for machines without the instructions and for tests. */
#include <string.h>

#include "backends/cpu/kernel.h"
#include "backends/element.h"

#define COLUMNS_MAX (KERNEL_LANES * KERNEL_VECTORS_MAX)

static const uint8_t *row_of(const struct kernel_tile *t, unsigned row)
{
    return t->a + t->rows[row];
}

static void run_s32(const struct kernel_tile *t)
{
    unsigned width = KERNEL_LANES * t->vectors;
    for (unsigned m = 0; m < t->row_count; m++) {
        uint32_t sums[COLUMNS_MAX] = { 0 };
        for (size_t q = 0; q < t->quad_count; q++) {
            const uint8_t *a = row_of(t, m) + t->quads[q];
            const int8_t *b = (const int8_t *)t->b + q * width * 4;
            for (unsigned n = 0; n < width; n++)
                sums[n] += (uint32_t)(a[0] * b[4 * n] + a[1] * b[4 * n + 1] + a[2] * b[4 * n + 2] +
                                      a[3] * b[4 * n + 3]);
        }
        memcpy(t->c + t->c_rows[m], sums, t->columns * sizeof *sums);
    }
}

static float bf16_at(const uint8_t *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return backend_bf16_to_f32(bits);
}

static void run_f32(const struct kernel_tile *t)
{
    unsigned width = KERNEL_LANES * t->vectors;
    for (unsigned m = 0; m < t->row_count; m++) {
        float sums[COLUMNS_MAX] = { 0 };
        for (size_t q = 0; q < t->quad_count; q++) {
            const uint8_t *a = row_of(t, m) + t->quads[q], *b = t->b + q * width * 4;
            for (unsigned n = 0; n < width; n++)
                sums[n] +=
                    bf16_at(a) * bf16_at(b + 4 * n) + bf16_at(a + 2) * bf16_at(b + 4 * n + 2);
        }
        memcpy(t->c + t->c_rows[m], sums, t->columns * sizeof *sums);
    }
}

static uint64_t peak(uint64_t rounds)
{
    uint32_t sums[16] = { 0 };
    for (uint64_t i = 0; i < rounds; i++)
        for (unsigned n = 0; n < 16; n++)
            sums[n] += (uint32_t)i * (sums[n] | 1);
    uint32_t all = 0;
    for (unsigned n = 0; n < 16; n++)
        all ^= sums[n];
    __asm__ volatile("" : : "r"(all));
    return rounds * 32;
}

uint64_t kernel_read_portable(const void *data, size_t bytes)
{
    const uint64_t *at = data;
    uint64_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (size_t i = 0; i < bytes / 8; i += 4) {
        s0 |= at[i];
        s1 |= at[i + 1];
        s2 |= at[i + 2];
        s3 |= at[i + 3];
    }
    return s0 | s1 | s2 | s3;
}

void kernel_write_portable(void *data, size_t bytes)
{
    memset(data, 1, bytes);
    __asm__ volatile("" : : "r"(data) : "memory");
}

const struct kernel_set kernel_set_portable = {
    .name = "portable", .rows_max = { 0, 14, 14, 8, 6 }, .any = run_s32, .peak = peak
};
const struct kernel_set kernel_set_portable_bf16 = {
    .name = "portable bf16", .rows_max = { 0, 14, 14, 8, 6 }, .any = run_f32, .peak = peak
};
