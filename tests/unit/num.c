#include "core/num.h"

#include "core/rng.h"
#include "tests/test.h"

TEST(num_ceil_div__edges__round_up)
{
    CHECK_INT(0, ceil_div_u64(0, 7));
    CHECK_INT(1, ceil_div_u64(1, 7));
    CHECK_INT(1, ceil_div_u64(7, 7));
    CHECK_INT(2, ceil_div_u64(8, 7));
    CHECK(ceil_div_u64(UINT64_MAX, 1) == UINT64_MAX);
    CHECK(ceil_div_u64(UINT64_MAX, 2) == UINT64_C(1) << 63);
}

TEST(num_mul_size__63_bits__is_the_limit)
{
    uint64_t out = 5;
    CHECK(mul_size(UINT64_C(1) << 31, UINT64_C(1) << 31, &out));
    CHECK_INT(INT64_C(1) << 62, out);
    CHECK(!mul_size(UINT64_C(1) << 32, UINT64_C(1) << 31, &out));
    CHECK(!mul_size(UINT64_MAX, UINT64_MAX, &out));
    CHECK_INT(INT64_C(1) << 62, out); /* untouched */
    CHECK(mul_size(NUM_MAX_SIZE, 1, &out));
    CHECK(out == NUM_MAX_SIZE);
    CHECK(mul_size(0, UINT64_MAX, &out));
    CHECK_INT(0, out);
}

TEST(num_mul_div_ceil__wide_products__are_exact)
{
    /* 2^62 · 6 / 4 needs 65 bits on the way. */
    CHECK_INT(INT64_C(3) << 61, mul_div_ceil(UINT64_C(1) << 62, 6, 4));
    CHECK_INT(4, mul_div_ceil(10, 1, 3));
    CHECK_INT(0, mul_div_ceil(0, 9, 3));
    CHECK(mul_div_ceil(UINT64_MAX, UINT64_MAX, 1) == NUM_MAX_SIZE);
    /* The least c with c · divisor >= a · b, over random operands. */
    struct rng rng = rng_stream(1, 0, 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t a = rng_u32(&rng), b = rng_u32(&rng), divisor = 1 + rng_below(&rng, 1u << 20);
        uint64_t c = mul_div_ceil(a, b, divisor);
        unsigned __int128 product = (unsigned __int128)a * b;
        if (c == NUM_MAX_SIZE)
            continue;
        CHECK((unsigned __int128)c * divisor >= product);
        CHECK(c == 0 || (unsigned __int128)(c - 1) * divisor < product);
    }
}

TEST(num_times__bytes_and_cycles__in_picoseconds)
{
    CHECK_INT(0, bytes_to_ps(123, 0));                /* unlimited */
    CHECK_INT(1250, bytes_to_ps(1, 800000000));       /* 1 B at 0.8 GB/s */
    CHECK_INT(31250, bytes_to_ps(1000, 32000000000)); /* 1000 B at 32 GB/s */
    CHECK_INT(334, bytes_to_ps(1, 3000000000));       /* 333.3 ps rounds up */
    CHECK_INT(5000, cycles_to_ps(1, 200000000));      /* 200 MHz */
    CHECK_INT(2858, cycles_to_ps(2, 700000000)); /* 2857.1 ps rounds up, once for both cycles */
    CHECK(cycles_to_ps(UINT64_MAX, 1) == NUM_MAX_SIZE);
}

TEST(num_min_max__both_orders)
{
    CHECK_INT(1, min_u64(1, 2));
    CHECK_INT(1, min_u64(2, 1));
    CHECK_INT(2, max_u64(1, 2));
    CHECK_INT(2, max_u64(2, 1));
}
