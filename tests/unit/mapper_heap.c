#include "mapper/heap.h"

#include "core/rng.h"
#include "tests/test.h"

TEST(heap__random_pushes_and_removals__pops_what_a_plain_search_finds)
{
    enum { SIZE = 200, STEPS = 20000 };
    struct heap heap;
    heap_init(&heap, SIZE);
    uint64_t plain[SIZE];
    size_t count = 0;
    struct rng rng = rng_stream(1, 2, 3);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t what = rng_below(&rng, 4);
        if (count == 0 || (what < 2 && count < SIZE)) {
            uint32_t key = rng_below(&rng, 50); /* many ties */
            heap_push(&heap, key, step);
            plain[count++] = (uint64_t)key << 32 | step;
        } else if (what == 2) {
            size_t least = 0;
            for (size_t i = 1; i < count; i++)
                least = plain[i] < plain[least] ? i : least;
            CHECK_INT(heap_item(plain[least]), heap_pop(&heap));
            plain[least] = plain[--count];
        } else {
            size_t at = rng_below(&rng, (uint32_t)count), same = 0;
            uint64_t entry = heap.entries[at];
            while (plain[same] != entry)
                same++;
            heap_remove(&heap, at);
            plain[same] = plain[--count];
        }
        CHECK_INT(count, heap.count);
    }
    heap_release(&heap);
}
