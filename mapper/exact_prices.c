/* Prices for the loads of branch and bound: one kind of load, equal over some accelerators. */
#include <string.h>

#include "mapper/exact.h"

enum { SETS_MAX = 16 };

struct sets {
    bool *accs[SETS_MAX];
    size_t count;
};

static void add_set(struct exact_case *c, struct sets *sets, const bool *accs)
{
    size_t bytes = c->acc_count * sizeof *accs;
    for (size_t i = 0; i < sets->count; i++)
        if (memcmp(sets->accs[i], accs, bytes) == 0)
            return;
    if (sets->count == SETS_MAX)
        return;
    sets->accs[sets->count] = ARENA_ARRAY(c->arena, bool, c->acc_count);
    memcpy(sets->accs[sets->count++], accs, bytes);
}

/* All accelerators, those that some layer is confined to, and unions of two of these. */
static void list_sets(struct exact_case *c, struct sets *sets)
{
    bool *accs = ARENA_ARRAY(c->arena, bool, c->acc_count);
    memset(accs, true, c->acc_count * sizeof *accs);
    add_set(c, sets, accs);
    for (uint32_t layer = 0; layer < c->layer_count; layer++) {
        memset(accs, false, c->acc_count * sizeof *accs);
        for (uint32_t i = c->way_begin[layer]; i < c->way_begin[layer + 1]; i++)
            accs[c->ways[i].acc] = true;
        add_set(c, sets, accs);
    }
    size_t confined = sets->count;
    for (size_t a = 1; a < confined; a++)
        for (size_t b = 1; b < a; b++) {
            for (uint32_t acc = 0; acc < c->acc_count; acc++)
                accs[acc] = sets->accs[a][acc] || sets->accs[b][acc];
            add_set(c, sets, accs);
        }
}

static void add_prices(struct exact_case *c, const bool *accs, enum exact_load load)
{
    struct exact_prices *prices = &c->prices[c->price_count++];
    for (uint32_t acc = 0; acc < c->acc_count; acc++)
        prices->total += accs[acc];
    prices->work_ps = ARENA_ARRAY(c->arena, uint64_t, c->way_begin[c->layer_count]);
    for (uint32_t i = 0; i < c->way_begin[c->layer_count]; i++)
        if (accs[c->ways[i].acc])
            prices->work_ps[i] = c->ways[i].work_ps[load];
}

void exact_prices_find(struct exact_case *c)
{
    struct sets sets = { 0 };
    c->prices = ARENA_ARRAY(c->arena, struct exact_prices, SETS_MAX * EXACT_LOAD_COUNT);
    list_sets(c, &sets);
    for (size_t i = 0; i < sets.count; i++)
        for (int load = 0; load < EXACT_LOAD_COUNT; load++)
            add_prices(c, sets.accs[i], (enum exact_load)load);
}
