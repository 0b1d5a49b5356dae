#include "mapper/profile.h"

#include <string.h>

#include "core/rng.h"
#include "tests/test.h"

static const struct soc_accelerator acc = {
    .pe_rows = 4, .pe_cols = 4, .shared_layers_max = 3, .scratchpad_bytes = 100
};

static struct layer_option needs(uint32_t pes, uint64_t scratchpad_bytes)
{
    return (struct layer_option){ .pes = pes, .scratchpad_bytes = scratchpad_bytes };
}

TEST(profile__gap_between_two__holds_what_is_short_enough)
{
    struct profile profile;
    profile_init(&profile, &acc, 0);
    struct layer_option all = needs(16, 10), half = needs(8, 10);
    profile_reserve(&profile, &all, 0, 10);
    profile_reserve(&profile, &half, 15, 10);
    /* 10 to 15 is free as a whole, 15 to 25 by half. */
    CHECK_INT(10, profile_earliest(&profile, &all, 0, 5));
    CHECK_INT(25, profile_earliest(&profile, &all, 0, 6));
    CHECK_INT(25, profile_earliest(&profile, &all, 11, 5));
    CHECK_INT(10, profile_earliest(&profile, &half, 0, 100));
    CHECK_INT(12, profile_earliest(&profile, &half, 12, 100));
    profile_release(&profile);
}

TEST(profile__each_resource__limits_on_its_own)
{
    struct profile profile;
    profile_init(&profile, &acc, 8);
    struct layer_option big = needs(1, 90), small = needs(1, 5), medium = needs(1, 11);
    profile_reserve(&profile, &big, 0, 10);
    CHECK_INT(10, profile_earliest(&profile, &medium, 0, 1)); /* 90 + 11 > 100 */
    profile_reserve(&profile, &small, 0, 5);
    profile_reserve(&profile, &small, 0, 5);
    CHECK_INT(5, profile_earliest(&profile, &small, 0, 1)); /* three slots are taken */
    profile_clear(&profile, &acc);
    CHECK_INT(0, profile_earliest(&profile, &medium, 0, 1));
    profile_release(&profile);
}

/* One cell per unit of time. */
struct plain {
    int pes[4000], bytes[4000], slots[4000];
};

static bool plain_fits(const struct plain *plain, const struct layer_option *option, uint64_t start,
                       uint64_t duration)
{
    for (uint64_t t = start; t < start + duration; t++)
        if (plain->pes[t] + (int)option->pes > 16 ||
            plain->bytes[t] + (int)option->scratchpad_bytes > 100 || plain->slots[t] >= 3)
            return false;
    return true;
}

TEST(profile__random_reservations__equal_a_table_of_time)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        static struct plain plain;
        memset(&plain, 0, sizeof plain);
        struct profile profile;
        profile_init(&profile, &acc, 1);
        /* Half of the runs know that nothing small comes, and merge what is of no use to the rest.
         */
        struct profile_floor floor = { 1, 0, 1 };
        if (seed % 2)
            floor = (struct profile_floor){ .duration_ps = 6, .scratchpad_bytes = 9, .pes = 3 };
        profile_set_floor(&profile, &floor);
        struct rng rng = rng_stream(seed, 0, 0);
        for (int i = 0; i < 120; i++) {
            struct layer_option option = needs(floor.pes + rng_below(&rng, 17 - floor.pes),
                                               floor.scratchpad_bytes + rng_below(&rng, 51));
            uint64_t ready = rng_below(&rng, 300);
            uint64_t duration = floor.duration_ps + rng_below(&rng, 20);
            uint64_t expected = ready;
            while (!plain_fits(&plain, &option, expected, duration))
                expected++;
            uint64_t got = profile_earliest(&profile, &option, ready, duration);
            if (got != expected)
                test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": %" PRIu64 ", expected %" PRIu64,
                          seed, got, expected);
            if (i % 2)
                profile_reserve(&profile, &option, got, duration);
            else
                CHECK_INT(got, profile_place(&profile, &option, ready, duration));
            for (uint64_t t = got; t < got + duration; t++) {
                plain.pes[t] += (int)option.pes;
                plain.bytes[t] += (int)option.scratchpad_bytes;
                plain.slots[t]++;
            }
        }
        profile_release(&profile);
    }
}
