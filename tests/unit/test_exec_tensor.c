#include <math.h>
#include <string.h>

#include "exec/exec_tensor.h"
#include "tests/test.h"

static struct exec_random random_of(const char *name, uint64_t terms)
{
    return (struct exec_random){ .seed = 7, .name = name, .terms = terms };
}

TEST(exec_tensor__fill__depends_on_seed_name_and_operand_alone)
{
    struct exec_tensor a, b;
    struct exec_random same = random_of("conv1", 9), other = random_of("conv2", 9);
    exec_tensor_init(&a, DT_U8, 1001);
    exec_tensor_init(&b, DT_U8, 1001);
    exec_tensor_fill(&a, &same, 1);
    exec_tensor_fill(&b, &same, 1);
    CHECK(memcmp(a.data, b.data, a.bytes) == 0);
    exec_tensor_fill(&b, &same, 2);
    CHECK(memcmp(a.data, b.data, a.bytes) != 0);
    exec_tensor_fill(&b, &other, 1);
    CHECK(memcmp(a.data, b.data, a.bytes) != 0);
    other = same;
    other.seed = 8;
    exec_tensor_fill(&b, &other, 1);
    CHECK(memcmp(a.data, b.data, a.bytes) != 0);
    exec_tensor_release(&a);
    exec_tensor_release(&b);
}

static void check_range(enum dtype type, uint64_t terms, double low, double high)
{
    struct exec_tensor t;
    struct exec_random random = random_of("x", terms);
    double least = INFINITY, most = -INFINITY;
    exec_tensor_init(&t, type, 20000);
    exec_tensor_fill(&t, &random, 0);
    for (size_t i = 0; i < t.elements; i++) {
        least = fmin(least, exec_tensor_get(&t, i));
        most = fmax(most, exec_tensor_get(&t, i));
    }
    CHECK_NEAR(low, least, 0);
    CHECK_NEAR(high, most, 0);
    exec_tensor_release(&t);
}

/* 255 · 128 < 2^15, and 2^15 · 2^16 terms = 2^31. One more term: one bit less each, 127 · 64. */
TEST(exec_tensor__long_sums__narrow_the_integers)
{
    check_range(DT_U8, 65536, 0, 255);
    check_range(DT_S8, 65536, -128, 127);
    check_range(DT_U8, 65537, 0, 127);
    check_range(DT_S8, 65537, -64, 63);
    check_range(DT_U8, 4 * 65536 + 1, 0, 63);
    check_range(DT_S32, 1, -128, 127);
}

TEST(exec_tensor__floats__are_multiples_in_minus_one_to_one)
{
    check_range(DT_BF16, 1, -1, 1 - ldexp(1, -7));
    check_range(DT_F16, 1, -1, 1 - ldexp(1, -10));
    struct exec_tensor t;
    struct exec_random random = random_of("x", 1);
    exec_tensor_init(&t, DT_F32, 1000);
    exec_tensor_fill(&t, &random, 0);
    for (size_t i = 0; i < t.elements; i++) {
        double scaled = ldexp(exec_tensor_get(&t, i), 23);
        CHECK(scaled == nearbyint(scaled) && fabs(scaled) <= ldexp(1, 23));
    }
    exec_tensor_release(&t);
}

/* Products are multiples of 2^-2f and at most 1: 2^(24 - 2f) of them add up exactly in 24 bits. */
TEST(exec_tensor__exact_sums__f32_adds_without_rounding)
{
    static const uint64_t terms[] = { 1, 65536, 65537, 262144, 262145 };
    static const double step[] = { 4, 4, 3, 3, 2 };
    for (size_t c = 0; c < 5; c++) {
        struct exec_tensor t;
        struct exec_random random = random_of("x", terms[c]);
        random.exact_sums = true;
        exec_tensor_init(&t, DT_F16, 4096);
        exec_tensor_fill(&t, &random, 0);
        bool all_coarser = true;
        for (size_t i = 0; i < t.elements; i++) {
            double scaled = ldexp(exec_tensor_get(&t, i), (int)step[c]);
            CHECK(scaled == nearbyint(scaled));
            all_coarser = all_coarser && fmod(scaled, 2) == 0;
        }
        CHECK(!all_coarser);
        exec_tensor_release(&t);
    }
}

TEST(exec_tensor__guard__write_beyond_either_end_is_seen)
{
    struct exec_tensor t;
    exec_tensor_init(&t, DT_S32, 3);
    CHECK((uintptr_t)t.data % 64 == 0);
    memset(t.data, 0, t.bytes);
    CHECK(exec_tensor_guards_hold(&t));
    ((int32_t *)t.data)[3] = 0;
    CHECK(!exec_tensor_guards_hold(&t));
    exec_tensor_release(&t);
    exec_tensor_init(&t, DT_S32, 3);
    ((char *)t.data)[-1] = 0;
    CHECK(!exec_tensor_guards_hold(&t));
    exec_tensor_release(&t);
}

TEST(exec_tensor__poisoned__differs_in_every_element)
{
    struct exec_tensor a, b;
    struct exec_difference d;
    exec_tensor_init(&a, DT_S32, 100);
    exec_tensor_init(&b, DT_S32, 100);
    memset(a.data, 0, a.bytes);
    exec_tensor_poison(&b);
    exec_tensor_compare(&b, &a, NULL, 9, &d);
    CHECK_INT(100, d.wrong);
    memcpy(b.data, a.data, a.bytes);
    ((int32_t *)b.data)[41] = -3;
    ((int32_t *)b.data)[57] = 9;
    exec_tensor_compare(&b, &a, NULL, 9, &d);
    CHECK_INT(2, d.wrong);
    CHECK_INT(41, d.first);
    CHECK_NEAR(0, d.expected, 0);
    CHECK_NEAR(-3, d.got, 0);
    exec_tensor_release(&a);
    exec_tensor_release(&b);
}

/*
 * 16 terms: steps = 2 · 16 · 2^-23 = 2^-18, gamma = 2^-18 / (1 - 2^-18) = 1 / (2^18 - 1).
 * Absolute sum 3: 2 · 3 / (2^18 - 1) (+ 16 · 2^-126) for f32; + 2 · 2^-11 · 3 stored as f16.
 */
TEST(exec_tensor__float_bound__by_hand)
{
    double f32 = 6.0 / (262144 - 1);
    CHECK_NEAR(f32, exec_float_bound(DT_F32, 16, 3), f32 * 1e-12);
    CHECK_NEAR(f32 + 6.0 / 2048, exec_float_bound(DT_F16, 16, 3), 1e-12);
}

TEST(exec_tensor__floats_compared__just_within_and_just_beyond_the_bound)
{
    struct exec_tensor truth, got, absolute;
    struct exec_difference d;
    exec_tensor_init(&truth, DT_F32, 2);
    exec_tensor_init(&got, DT_F32, 2);
    exec_tensor_init(&absolute, DT_F32, 2);
    float *t = truth.data, *g = got.data, *a = absolute.data;
    t[0] = t[1] = 0;
    a[0] = a[1] = 3;
    double bound = exec_float_bound(DT_F32, 16, 3);
    g[0] = (float)(bound * 0.999);
    g[1] = -(float)(bound * 0.999);
    exec_tensor_compare(&got, &truth, &absolute, 16, &d);
    CHECK_INT(0, d.wrong);
    CHECK_NEAR(0.999, d.worst_frac, 1e-6);
    g[1] = (float)(bound * 1.001);
    exec_tensor_compare(&got, &truth, &absolute, 16, &d);
    CHECK_INT(1, d.wrong);
    CHECK_INT(1, d.first);
    exec_tensor_poison(&got);
    exec_tensor_compare(&got, &truth, &absolute, 16, &d);
    CHECK_INT(2, d.wrong);
    exec_tensor_release(&truth);
    exec_tensor_release(&got);
    exec_tensor_release(&absolute);
}
