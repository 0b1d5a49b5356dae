#include "core/rng.h"

#include <string.h>

#include "tests/test.h"

/* Known answers: Random123 1.14, tests/kat_vectors, "philox4x32 10". */
TEST(rng_philox__known_answers__match)
{
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } rows[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
          { 0xffffffff, 0xffffffff },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        uint32_t out[4];
        rng_philox(rows[row].counter, rows[row].key, out);
        for (int word = 0; word < 4; word++)
            CHECK_INT(rows[row].expected[word], out[word]);
    }
}

TEST(rng_stream__words__are_the_blocks_in_order)
{
    struct rng rng = rng_stream(UINT64_C(0x123456789abcdef0), 5, 9);
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t counter[4] = { block, 5, 9, 0 }, key[2] = { 0x9abcdef0, 0x12345678 }, out[4];
        rng_philox(counter, key, out);
        for (int word = 0; word < 4; word++)
            CHECK_INT(out[word], rng_u32(&rng));
    }
}

TEST(rng_stream__different_keys__differ)
{
    const uint64_t big = UINT64_C(1) << 40;
    const uint64_t keys[][3] = {
        { 1, 0, 0 },   { 0, 1, 0 },   { 0, 0, 1 }, { big, 0, 0 },
        { 0, big, 0 }, { 0, 0, big }, { 0, 0, 0 }, { 0, 1, 1 },
    };
    enum { COUNT = sizeof keys / sizeof keys[0] };
    uint64_t first[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        struct rng rng = rng_stream(keys[i][0], keys[i][1], keys[i][2]);
        first[i] = rng_u64(&rng);
        for (size_t j = 0; j < i; j++)
            CHECK(first[i] != first[j]);
    }
}

/* 10 bins of 100000 draws: chi-square with 9 degrees of freedom is below 27.9 in 99.9 of 100. The
 * seed is fixed, so the test either always passes or always fails. */
TEST(rng_below__many_draws__are_uniform)
{
    struct rng rng = rng_stream(1, 2, 3);
    enum { BINS = 10, DRAWS = 100000 };
    unsigned bins[BINS] = { 0 };
    for (int i = 0; i < DRAWS; i++) {
        uint32_t value = rng_below(&rng, BINS);
        CHECK(value < BINS);
        bins[value]++;
    }
    double chi_square = 0;
    for (int bin = 0; bin < BINS; bin++) {
        double off = bins[bin] - (double)DRAWS / BINS;
        chi_square += off * off / ((double)DRAWS / BINS);
    }
    CHECK(chi_square < 27.9);
}

/* n = 3·2^30: a plain multiply would give every third value twice the weight of its neighbours. */
TEST(rng_below__large_n__has_no_bias)
{
    struct rng rng = rng_stream(4, 0, 0);
    const uint32_t n = UINT32_C(3) << 30;
    enum { DRAWS = 30000 };
    unsigned residues[3] = { 0 };
    for (int i = 0; i < DRAWS; i++)
        residues[rng_below(&rng, n) % 3]++;
    for (int r = 0; r < 3; r++)
        CHECK_NEAR(DRAWS / 3.0, residues[r], 4 * 82); /* σ = sqrt(DRAWS · 1/3 · 2/3) = 82 */
    CHECK_INT(0, rng_below(&rng, 1));
}

TEST(rng_real__many_draws__stay_in_range_with_mean_a_half)
{
    struct rng rng = rng_stream(5, 0, 0);
    enum { DRAWS = 100000 };
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        double value = rng_real(&rng);
        CHECK(value >= 0 && value < 1);
        sum += value;
    }
    CHECK_NEAR(0.5, sum / DRAWS, 4 * 0.2887 / 316.2); /* four σ of the mean */
}

TEST(rng_shuffle__six_orders_of_three__equally_often)
{
    struct rng rng = rng_stream(6, 0, 0);
    enum { DRAWS = 60000 };
    unsigned seen[27] = { 0 }, orders = 0;
    for (int i = 0; i < DRAWS; i++) {
        uint32_t items[3] = { 0, 1, 2 };
        rng_shuffle_u32(&rng, items, 3);
        seen[9 * items[0] + 3 * items[1] + items[2]]++;
    }
    for (int order = 0; order < 27; order++) {
        if (seen[order] == 0)
            continue;
        orders++;
        CHECK_NEAR(DRAWS / 6.0, seen[order], 4 * 92); /* σ = sqrt(DRAWS · 1/6 · 5/6) = 91.3 */
    }
    CHECK_INT(6, orders);
    rng_shuffle_u32(&rng, NULL, 0);
}
