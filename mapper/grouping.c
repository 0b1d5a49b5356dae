/*
 * All three operators end in build(): layers are emitted in the order of keys, as their
 * predecessors allow; *fixed* groups come out whole, free layers open groups that ready free
 * layers may join.
 */
#include "mapper/grouping.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "mapper/heap.h"

#define FREE UINT32_MAX

/* Ready layers looked at for a partner. The paper gives none. On its 24 cases, 8 million placed
 * layers, two seeds, geometric means over the lower bound: 1 try 1.43, 4 tries 1.38, 8 tries 1.36,
 * 16 tries 1.35, 32 tries 1.34. */
enum { PARTNER_TRIES = 16 };

struct fixed_group {
    uint32_t first, count; /* members at fixed_members[first …) */
    uint32_t ready;        /* members whose predecessors are out */
};

struct candidate {
    uint32_t first, count; /* words of a parent */
    const uint32_t *parent;
};

struct kind_sum {
    uint64_t pes, scratchpad_bytes;
    bool fits;
};

struct grouping_scratch {
    uint32_t *missing;  /* [layer] predecessors not yet out */
    uint32_t *fixed;    /* [layer] fixed group, or FREE */
    uint32_t *key;      /* [layer] order wanted */
    uint32_t *position; /* [layer] in a parent */
    struct fixed_group *groups;
    uint32_t group_count;
    uint32_t *fixed_members;
    struct candidate *candidates; /* [2 * layers] */
    struct heap ready, blocked;
    struct kind_sum *sums; /* [kind] of the open group */
    uint32_t *members;     /* [share_max] of the open group */
};

struct grouping_scratch *grouping_scratch_new(const struct view *view)
{
    size_t layers = view->layer_count;
    struct grouping_scratch *s = mem_alloc(1, sizeof *s);
    s->missing = mem_alloc(layers, sizeof *s->missing);
    s->fixed = mem_alloc(layers, sizeof *s->fixed);
    s->key = mem_alloc(layers, sizeof *s->key);
    s->position = mem_alloc(layers, sizeof *s->position);
    s->groups = mem_alloc(layers, sizeof *s->groups);
    s->fixed_members = mem_alloc(layers, sizeof *s->fixed_members);
    s->candidates = mem_alloc(2 * layers, sizeof *s->candidates);
    s->sums = mem_alloc(view->kind_count, sizeof *s->sums);
    s->members = mem_alloc(layers, sizeof *s->members);
    heap_init(&s->ready, layers);
    heap_init(&s->blocked, layers);
    return s;
}

void grouping_scratch_free(struct grouping_scratch *s)
{
    if (!s)
        return;
    free(s->missing);
    free(s->fixed);
    free(s->key);
    free(s->position);
    free(s->groups);
    free(s->fixed_members);
    free(s->candidates);
    free(s->sums);
    free(s->members);
    heap_release(&s->ready);
    heap_release(&s->blocked);
    free(s);
}

/* --- packing ------------------------------------------------------------------------------- */

/* Would the open group of `count` members still fit a kind with one more layer? */
static bool joins(const struct view *view, const struct kind_sum *sums, uint32_t layer,
                  uint32_t count)
{
    for (uint32_t kind = 0; kind < view->kind_count; kind++) {
        const struct view_need *need = view_need_of(view, layer, kind);
        const struct view_capacity *capacity = &view->capacity[kind];
        if (sums[kind].fits && need->pes && count < capacity->share &&
            sums[kind].pes + need->pes <= capacity->pes &&
            sums[kind].scratchpad_bytes + need->scratchpad_bytes <= capacity->scratchpad_bytes)
            return true;
    }
    return false;
}

/* Adds the layer that has passed joins(). */
static void join(const struct view *view, struct kind_sum *sums, uint32_t layer, uint32_t count)
{
    for (uint32_t kind = 0; kind < view->kind_count; kind++) {
        const struct view_need *need = view_need_of(view, layer, kind);
        const struct view_capacity *capacity = &view->capacity[kind];
        sums[kind].pes += need->pes;
        sums[kind].scratchpad_bytes += need->scratchpad_bytes;
        sums[kind].fits = sums[kind].fits && need->pes && count < capacity->share &&
                          sums[kind].pes <= capacity->pes &&
                          sums[kind].scratchpad_bytes <= capacity->scratchpad_bytes;
    }
}

static void open_group(const struct view *view, struct kind_sum *sums)
{
    for (uint32_t kind = 0; kind < view->kind_count; kind++)
        sums[kind] = (struct kind_sum){ .fits = true };
}

/* How far from equally long: a group holds its PEs until its longest member ends. */
static float mismatch(const struct view *view, uint32_t a, uint32_t b)
{
    float x = view->fastest_ps[view->problem->class_of[a]];
    float y = view->fastest_ps[view->problem->class_of[b]];
    return x > y ? x / y : y / x;
}

/* A ready free layer that may join: the closest in length of a few random ones. Its place in the
 * ready heap, or heap count if none was found. */
static size_t find_partner(const struct view *view, struct grouping_scratch *s, struct rng *rng,
                           uint32_t count)
{
    size_t best = s->ready.count;
    float best_mismatch = 0;
    for (int i = 0; i < PARTNER_TRIES; i++) {
        size_t at = rng_below(rng, (uint32_t)s->ready.count);
        uint32_t layer = heap_item(s->ready.entries[at]);
        if (s->fixed[layer] != FREE || !joins(view, s->sums, layer, count))
            continue;
        float found = mismatch(view, s->members[0], layer);
        if (best == s->ready.count || found < best_mismatch) {
            best = at;
            best_mismatch = found;
        }
    }
    return best;
}

/* How likely a group is offered one more member. Half of the children always share: on COMB's cases
 * that is 1% better than any chance being equally likely, but wide layers want to be alone. */
static double draw_share_chance(struct rng *rng)
{
    double chance = 2 * rng_real(rng);
    return chance < 1 ? chance : 1;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The free layer just taken, and partners that `share_chance` lets in. Returns the count. */
static uint32_t pack_group(const struct view *view, struct grouping_scratch *s, struct rng *rng,
                           uint32_t layer, double share_chance)
{
    open_group(view, s->sums);
    join(view, s->sums, layer, 0);
    s->members[0] = layer;
    uint32_t count = 1;
    while (count < view->share_max && s->ready.count &&
           (share_chance >= 1 || rng_real(rng) < share_chance)) {
        size_t at = find_partner(view, s, rng, count);
        if (at == s->ready.count)
            break;
        uint32_t partner = heap_item(s->ready.entries[at]);
        heap_remove(&s->ready, at);
        join(view, s->sums, partner, count);
        s->members[count++] = partner;
    }
    if (count > 1)
        qsort(s->members, count, sizeof *s->members, compare_u32);
    return count;
}

/* --- emission ------------------------------------------------------------------------------ */

/* All predecessors of the layer are out. */
static void arrive(struct grouping_scratch *s, uint32_t layer)
{
    uint32_t fixed = s->fixed[layer];
    if (fixed == FREE) {
        heap_push(&s->ready, s->key[layer], layer);
        return;
    }
    struct fixed_group *group = &s->groups[fixed];
    uint32_t first = s->fixed_members[group->first];
    if (++group->ready == group->count)
        heap_push(&s->ready, s->key[first], first);
    else
        heap_push(&s->blocked, s->key[layer], layer);
}

static uint32_t *emit(const struct view *view, struct grouping_scratch *s, const uint32_t *members,
                      uint32_t count, uint32_t *out)
{
    const struct problem *p = view->problem;
    memcpy(out, members, count * sizeof *out);
    *out |= GROUPING_OPENS;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t at = p->succ_begin[members[i]]; at < p->succ_begin[members[i] + 1]; at++)
            if (--s->missing[p->succs[at].layer] == 0)
                arrive(s, p->succs[at].layer);
    return out + count;
}

/* Groups of two parents may wait for each other: the first of those that wait is given up. */
static void dissolve_one(struct grouping_scratch *s)
{
    for (;;) {
        assert(s->blocked.count);
        uint32_t layer = heap_pop(&s->blocked);
        uint32_t fixed = s->fixed[layer];
        if (fixed == FREE || s->groups[fixed].ready == s->groups[fixed].count)
            continue; /* dissolved, or complete meanwhile */
        const struct fixed_group *group = &s->groups[fixed];
        for (uint32_t i = 0; i < group->count; i++) {
            uint32_t member = s->fixed_members[group->first + i];
            s->fixed[member] = FREE;
            if (s->missing[member] == 0)
                heap_push(&s->ready, s->key[member], member);
        }
        return;
    }
}

/* From fixed[], groups[] and key[] to a legal grouping. */
static void build(const struct view *view, struct grouping_scratch *s, struct rng *rng,
                  double share_chance, uint32_t *out)
{
    *out++ = rng_u32(rng);
    const uint32_t *end = out + view->layer_count;
    heap_clear(&s->ready);
    heap_clear(&s->blocked);
    memcpy(s->missing, view->pred_count, view->layer_count * sizeof *s->missing);
    for (uint32_t layer = 0; layer < view->layer_count; layer++)
        if (s->missing[layer] == 0)
            arrive(s, layer);
    while (out < end) {
        if (s->ready.count == 0)
            dissolve_one(s);
        uint32_t layer = heap_pop(&s->ready);
        if (s->fixed[layer] != FREE) {
            const struct fixed_group *group = &s->groups[s->fixed[layer]];
            out = emit(view, s, s->fixed_members + group->first, group->count, out);
        } else {
            uint32_t count = pack_group(view, s, rng, layer, share_chance);
            out = emit(view, s, s->members, count, out);
        }
    }
}

/* --- operators ----------------------------------------------------------------------------- */

static void fix_nothing(const struct view *view, struct grouping_scratch *s)
{
    memset(s->fixed, 0xff, view->layer_count * sizeof *s->fixed); /* FREE */
    s->group_count = 0;
}

static void fix_group(const struct view *view, struct grouping_scratch *s, const uint32_t *words,
                      uint32_t count)
{
    uint32_t first = s->group_count
                         ? s->groups[s->group_count - 1].first + s->groups[s->group_count - 1].count
                         : 0;
    assert(first + count <= view->layer_count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t layer = words[i] & GROUPING_LAYER;
        s->fixed[layer] = s->group_count;
        s->fixed_members[first + i] = layer;
    }
    s->groups[s->group_count++] = (struct fixed_group){ .first = first, .count = count };
}

/* Words of the group that starts at words[0]; `left` words remain in the genome. */
static uint32_t group_size(const uint32_t *words, uint32_t left)
{
    uint32_t count = 1;
    while (count < left && !(words[count] & GROUPING_OPENS))
        count++;
    return count;
}

/* Keys run over [0, 2^31): a place in a parent, moved by noise. */
static uint32_t key_of(uint32_t place, uint32_t layer_count, double noise)
{
    double key = ((double)place / layer_count + noise) * 0x1p30 + 0x1p29;
    return key < 0 ? 0 : key >= 0x1p31 ? UINT32_C(0x7fffffff) : (uint32_t)key;
}

void grouping_random(const struct view *view, struct grouping_scratch *s, struct rng *rng,
                     uint32_t *out)
{
    fix_nothing(view, s);
    for (uint32_t layer = 0; layer < view->layer_count; layer++)
        s->key[layer] = rng_u32(rng);
    build(view, s, rng, draw_share_chance(rng), out);
}

/* Share of the PEs × time that the group uses while it runs, on the kind that suits it best. */
static float utilisation(const struct view *view, const uint32_t *words, uint32_t count)
{
    float best = 0;
    for (uint32_t kind = 0; kind < view->kind_count; kind++) {
        float area = 0, longest_ps = 0;
        bool fits = true;
        for (uint32_t i = 0; i < count && fits; i++) {
            const struct view_need *need = view_need_of(view, words[i] & GROUPING_LAYER, kind);
            fits = need->pes > 0;
            area += need->area;
            longest_ps = need->duration_ps > longest_ps ? need->duration_ps : longest_ps;
        }
        float used = fits ? area / (longest_ps * (float)view->capacity[kind].pes) : 0;
        best = used > best ? used : best;
    }
    return best;
}

void grouping_mutate(const struct view *view, struct grouping_scratch *s, struct rng *rng,
                     const uint32_t *parent, uint32_t *out)
{
    const uint32_t *words = parent + 1;
    uint32_t layers = view->layer_count;
    /* The threshold is a random layer's utilisation: every quantile is as likely. */
    double free_chance = rng_real(rng), share_chance = draw_share_chance(rng);
    double noise = rng_real(rng);
    noise = noise * noise * noise;
    uint32_t at = rng_below(rng, layers);
    while (!(words[at] & GROUPING_OPENS))
        at--;
    float threshold = utilisation(view, words + at, group_size(words + at, layers - at));
    fix_nothing(view, s);
    for (uint32_t place = 0, count; place < layers; place += count) {
        count = group_size(words + place, layers - place);
        bool stays =
            utilisation(view, words + place, count) > threshold || rng_real(rng) >= free_chance;
        if (stays)
            fix_group(view, s, words + place, count);
        for (uint32_t i = 0; i < count; i++)
            s->key[words[place + i] & GROUPING_LAYER] =
                key_of(place, layers, stays ? 0 : noise * (2 * rng_real(rng) - 1));
    }
    build(view, s, rng, share_chance, out);
}

static uint32_t list_candidates(const struct view *view, const uint32_t *parent,
                                struct candidate *out)
{
    const uint32_t *words = parent + 1;
    uint32_t listed = 0;
    for (uint32_t place = 0, count; place < view->layer_count; place += count) {
        count = group_size(words + place, view->layer_count - place);
        out[listed++] = (struct candidate){ place, count, words };
    }
    return listed;
}

static bool is_untouched(const struct grouping_scratch *s, const struct candidate *candidate)
{
    for (uint32_t i = 0; i < candidate->count; i++)
        if (s->fixed[candidate->parent[candidate->first + i] & GROUPING_LAYER] != FREE)
            return false;
    return true;
}

void grouping_crossover(const struct view *view, struct grouping_scratch *s, struct rng *rng,
                        const uint32_t *father, const uint32_t *mother, uint32_t *out)
{
    uint32_t layers = view->layer_count;
    uint32_t count = list_candidates(view, father, s->candidates);
    count += list_candidates(view, mother, s->candidates + count);
    fix_nothing(view, s);
    /* In random order, so that of two that overlap a random one comes first. */
    for (uint32_t left = count; left > 0; left--) {
        uint32_t drawn = rng_below(rng, left);
        struct candidate candidate = s->candidates[drawn];
        s->candidates[drawn] = s->candidates[left - 1];
        for (uint32_t i = 0; i < candidate.count; i++) {
            uint32_t layer = candidate.parent[candidate.first + i] & GROUPING_LAYER;
            if (s->fixed[layer] == FREE)
                s->key[layer] = key_of(candidate.first, layers, 0);
        }
        if (is_untouched(s, &candidate))
            fix_group(view, s, candidate.parent + candidate.first, candidate.count);
    }
    build(view, s, rng, draw_share_chance(rng), out);
}

/* --- the judge ----------------------------------------------------------------------------- */

static bool group_fits(const struct view *view, struct kind_sum *sums, const uint32_t *words,
                       uint32_t count)
{
    open_group(view, sums);
    bool fits = true;
    for (uint32_t i = 0; i < count; i++) {
        fits = fits && joins(view, sums, words[i] & GROUPING_LAYER, i);
        join(view, sums, words[i] & GROUPING_LAYER, i);
    }
    return fits;
}

bool grouping_is_legal(const struct view *view, const uint32_t *grouping)
{
    const struct problem *p = view->problem;
    const uint32_t *words = grouping + 1;
    bool *out = mem_alloc(view->layer_count + 1, sizeof *out);
    struct kind_sum *sums = mem_alloc(view->kind_count, sizeof *sums);
    bool legal = true;
    for (uint32_t place = 0, count; place < view->layer_count && legal; place += count) {
        count = group_size(words + place, view->layer_count - place);
        legal = (words[place] & GROUPING_OPENS) && group_fits(view, sums, words + place, count);
        for (uint32_t i = 0; i < count && legal; i++) {
            uint32_t layer = words[place + i] & GROUPING_LAYER;
            legal = layer < view->layer_count && !out[layer] &&
                    (i == 0 || layer > (words[place + i - 1] & GROUPING_LAYER));
            for (uint32_t at = p->pred_begin[layer]; legal && at < p->pred_begin[layer + 1]; at++)
                legal = out[p->preds[at].layer];
        }
        for (uint32_t i = 0; i < count && legal; i++)
            out[words[place + i] & GROUPING_LAYER] = true;
    }
    free(out);
    free(sums);
    return legal;
}
