/*
 * States of the same layers are compared: where one has all results as early and all accelerators
 * as free as another from the other's last start on, every end of the other is one of its own.
 *
 * The search also leaves out what could start earlier or run wider (exact.c). Both together are
 * right because all rules agree on one thing: of the shortest schedules they leave those with the
 * least sum of ends. A state only covers another if its own sum is no larger.
 */
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "mapper/exact.h"

enum { BUCKETS = 1 << 16, PER_SET_MAX = 64 };
static const size_t bytes_max = (size_t)96 << 20;

struct kept_layer {
    uint64_t end_ps, scratchpad_bytes;
    uint32_t acc, pes;
};

struct kept {
    struct kept *next; /* of the same set of layers */
    uint64_t now_ps, ends_ps, makespan_ps;
    uint32_t key; /* of the last layer */
    uint32_t running_count;
    struct kept_layer *running; /* beyond now_ps */
    uint64_t *ready_ps;         /* [layer not placed, ascending, * accelerators + acc] */
};

struct kept_set {
    struct kept_set *next;
    uint64_t placed;
    struct kept *first;
    uint32_t count;
};

struct exact_memo {
    const struct exact_case *c;
    struct arena *arena;
    struct kept_set *buckets[BUCKETS];
    struct kept *spare; /* the state at hand */
};

struct exact_memo *exact_memo_new(const struct exact_case *c)
{
    struct exact_memo *memo = mem_alloc(1, sizeof *memo);
    memo->c = c;
    memo->arena = arena_new();
    return memo;
}

void exact_memo_free(struct exact_memo *memo)
{
    arena_free(memo->arena);
    free(memo);
}

static struct kept_set *set_of(struct exact_memo *memo, uint64_t placed)
{
    struct kept_set **bucket =
        &memo->buckets[(placed * UINT64_C(0x9e3779b97f4a7c15)) >> 48 & (BUCKETS - 1)];
    for (struct kept_set *set = *bucket; set; set = set->next)
        if (set->placed == placed)
            return set;
    struct kept_set *set = ARENA_ARRAY(memo->arena, struct kept_set, 1);
    *set = (struct kept_set){ .next = *bucket, .placed = placed };
    *bucket = set;
    return set;
}

static struct kept *kept_new(struct exact_memo *memo)
{
    const struct exact_case *c = memo->c;
    struct kept *kept = ARENA_ARRAY(memo->arena, struct kept, 1);
    kept->running = ARENA_ARRAY(memo->arena, struct kept_layer, c->layer_count);
    kept->ready_ps = ARENA_ARRAY(memo->arena, uint64_t, (size_t)c->layer_count * c->acc_count);
    return kept;
}

static void describe(const struct exact_state *s, struct kept *out)
{
    const struct exact_case *c = s->c;
    const struct exact_placed *last = exact_last(s);
    out->now_ps = last->start_ps;
    out->key = c->key[last->layer];
    out->ends_ps = last->ends_ps;
    out->makespan_ps = last->makespan_ps;
    out->running_count = 0;
    for (uint32_t i = 0; i < s->depth; i++) {
        const struct exact_placed *placed = &s->list[i];
        if (placed->end_ps > last->start_ps)
            out->running[out->running_count++] =
                (struct kept_layer){ placed->end_ps, placed->way->scratchpad_bytes,
                                     placed->way->acc, placed->way->pes };
    }
    size_t at = 0;
    for (uint32_t layer = 0; layer < c->layer_count; layer++)
        for (uint32_t acc = 0; acc < c->acc_count && !s->at[layer]; acc++)
            out->ready_ps[at++] = c->preds[layer] & s->placed ? exact_inputs_ps(s, layer, acc) : 0;
}

static struct kept_layer in_use(const struct kept *state, uint32_t acc, uint64_t at_ps)
{
    struct kept_layer sum = { 0 };
    for (uint32_t i = 0; i < state->running_count; i++) {
        const struct kept_layer *layer = &state->running[i];
        if (layer->acc != acc || layer->end_ps <= at_ps)
            continue;
        sum.pes += layer->pes;
        sum.scratchpad_bytes += layer->scratchpad_bytes;
        sum.acc++; /* how many */
    }
    return sum;
}

/* At this time at least as free? */
static bool is_as_free(const struct kept *a, const struct kept *b, uint32_t acc, uint64_t at_ps)
{
    struct kept_layer x = in_use(a, acc, at_ps), y = in_use(b, acc, at_ps);
    return x.pes <= y.pes && x.scratchpad_bytes <= y.scratchpad_bytes && x.acc <= y.acc;
}

static bool covers(const struct exact_memo *memo, const struct kept *a, const struct kept *b,
                   uint32_t left, uint64_t bound_ps)
{
    const struct exact_case *c = memo->c;
    if (a->ends_ps > b->ends_ps || a->now_ps > b->now_ps || a->makespan_ps > bound_ps ||
        (a->now_ps == b->now_ps && a->key > b->key))
        return false;
    for (size_t i = 0; i < (size_t)left * c->acc_count; i++)
        if (a->ready_ps[i] > max_u64(b->ready_ps[i], b->now_ps))
            return false;
    for (uint32_t acc = 0; acc < c->acc_count; acc++)
        if (!is_as_free(a, b, acc, b->now_ps))
            return false;
    for (uint32_t i = 0; i < b->running_count; i++)
        if (!is_as_free(a, b, b->running[i].acc, b->running[i].end_ps))
            return false;
    return true;
}

bool exact_memo_covers(struct exact_memo *memo, const struct exact_state *s, uint64_t bound_ps)
{
    struct kept_set *set = set_of(memo, s->placed);
    if (!memo->spare)
        memo->spare = kept_new(memo);
    describe(s, memo->spare);
    struct kept **link = &set->first;
    for (struct kept *kept = set->first; kept; link = &kept->next, kept = kept->next)
        if (covers(memo, kept, memo->spare, memo->c->layer_count - s->depth, bound_ps)) {
            *link = kept->next; /* to the front: it may cover the next ones too */
            kept->next = set->first;
            set->first = kept;
            return true;
        }
    struct kept *mine = memo->spare;
    memo->spare = NULL;
    if (set->count == PER_SET_MAX || arena_bytes(memo->arena) > bytes_max) {
        struct kept **last = &set->first;
        while (*last && (*last)->next)
            last = &(*last)->next;
        memo->spare = *last; /* gives way; none: nothing is kept */
        if (!*last) {
            memo->spare = mine;
            return false;
        }
        *last = NULL;
        set->count--;
    }
    mine->next = set->first;
    set->first = mine;
    set->count++;
    return false;
}
