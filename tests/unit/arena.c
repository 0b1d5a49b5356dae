#include "core/arena.h"

#include <stdalign.h>
#include <string.h>

#include "tests/test.h"

TEST(arena__many_sizes__zeroed_aligned_and_apart)
{
    struct arena *arena = arena_new();
    enum { COUNT = 2000 };
    unsigned char *blocks[COUNT];
    size_t sizes[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        sizes[i] = 1 + i * 7919 % (i % 50 == 0 ? 40000 : 300);
        blocks[i] = arena_alloc(arena, sizes[i], 1);
        CHECK_INT(0, (uintptr_t)blocks[i] % alignof(max_align_t));
        for (size_t byte = 0; byte < sizes[i]; byte++)
            CHECK_INT(0, blocks[i][byte]);
        memset(blocks[i], (int)(i & 0xff), sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t byte = 0; byte < sizes[i]; byte++)
            CHECK_INT(i & 0xff, blocks[i][byte]);
    }
    arena_free(arena);
}

TEST(arena__nothing_asked__still_a_pointer)
{
    struct arena *arena = arena_new();
    char *first = arena_alloc(arena, 0, 8), *second = arena_alloc(arena, 8, 0);
    CHECK(first && second && first != second);
    arena_free(arena);
    arena_free(NULL);
}

TEST(arena__strings__are_copies)
{
    struct arena *arena = arena_new();
    char text[] = "nvdla";
    char *copy = arena_strdup(arena, text), *printed = arena_printf(arena, "%s-%d", text, 42);
    text[0] = 'X';
    CHECK_STR("nvdla", copy);
    CHECK_STR("nvdla-42", printed);
    CHECK(arena_bytes(arena) >= 6 + 9);
    arena_free(arena);
}

TEST(arena__long_printf__is_whole)
{
    struct arena *arena = arena_new();
    char *text = arena_printf(arena, "%*d", 100000, 7);
    CHECK_INT(100000, strlen(text));
    CHECK_INT('7', text[99999]);
    arena_free(arena);
}
