/*
 * Integer arithmetic that every folder needs: rounding division, checked and saturating
 * products, and times from bytes and rates. Time inside the model is uint64_t picoseconds.
 */
#ifndef SOCWEAVE_CORE_NUM_H
#define SOCWEAVE_CORE_NUM_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define PS_PER_S     UINT64_C(1000000000000)
#define NUM_MAX_SIZE ((uint64_t)INT64_MAX) /* sizes and products of sizes fit 63 bits */

static inline uint64_t ceil_div_u64(uint64_t a, uint64_t b)
{
    assert(b > 0);
    return a / b + (a % b != 0);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* *out = a * b, or false (and *out untouched) if the product exceeds 63 bits. */
static inline bool mul_size(uint64_t a, uint64_t b, uint64_t *out)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    if (product > NUM_MAX_SIZE)
        return false;
    *out = (uint64_t)product;
    return true;
}

/* ceil(a * b / c) through 128 bits; saturates at NUM_MAX_SIZE. */
static inline uint64_t mul_div_ceil(uint64_t a, uint64_t b, uint64_t c)
{
    assert(c > 0);
    unsigned __int128 q = ((unsigned __int128)a * b + (c - 1)) / c;
    return q > NUM_MAX_SIZE ? NUM_MAX_SIZE : (uint64_t)q;
}

/* Time to move `bytes` at `bytes_per_s`; 0 bytes_per_s stands for "unlimited" and takes no time. */
static inline uint64_t bytes_to_ps(uint64_t bytes, uint64_t bytes_per_s)
{
    return bytes_per_s == 0 ? 0 : mul_div_ceil(bytes, PS_PER_S, bytes_per_s);
}

/* Time of `cycles` at `clock_hz`. */
static inline uint64_t cycles_to_ps(uint64_t cycles, uint64_t clock_hz)
{
    return mul_div_ceil(cycles, PS_PER_S, clock_hz);
}

#endif
