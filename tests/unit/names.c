#include "core/names.h"

#include <stdio.h>

#include "tests/test.h"

TEST(names__many_names__keep_their_numbers)
{
    enum { COUNT = 5000 };
    static char text[COUNT][16];
    struct names *names = names_new();
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(text[i], sizeof text[i], "layer%u", i);
        CHECK_INT(NAMES_NONE, names_add(names, text[i], 3 * i));
    }
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK_INT(3 * i, names_find(names, text[i]));
    CHECK_INT(NAMES_NONE, names_find(names, "layer5000"));
    CHECK_INT(NAMES_NONE, names_find(names, ""));
    names_free(names);
}

TEST(names__second_time__keeps_the_first_number)
{
    struct names *names = names_new();
    CHECK_INT(NAMES_NONE, names_add(names, "a", 7));
    CHECK_INT(7, names_add(names, "a", 8));
    CHECK_INT(7, names_find(names, "a"));
    names_free(names);
}

TEST(names__misspelt__finds_the_nearest)
{
    struct names *names = names_new();
    names_add(names, "conv1", 0);
    names_add(names, "pool", 1);
    CHECK_STR("conv1", names_nearest(names, "cnov1"));
    CHECK(names_nearest(names, "something else") == NULL);
    names_free(names);
}
