#include "mapper/bounds_block.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"

/* Of accelerators, for one block. */
static const uint64_t choices_max = 300000;

/* What a layer takes at least of an accelerator of some kind. */
struct need {
    uint64_t duration_ps, pe_area, slot_area; /* areas: per PE and per slot of the accelerator */
};

/* A layer of a block on the accelerator chosen for it. */
struct chosen {
    uint32_t acc;
    const struct need *need;
    uint64_t head_ps, tail_ps; /* from the block's begin to its start; from its end to the end */
};

struct trial {
    const struct bounds *bounds;
    const struct problem *problem;
    struct bounds_block *block;
    struct need *needs; /* [layer * kinds + kind] */
    struct chosen chosen[BOUNDS_BLOCK_LAYERS_MAX];
    uint32_t before; /* accelerator of the layer before */
};

/* --- structure ------------------------------------------------------------------------------- */

static uint8_t number_in(const uint32_t *layers, uint32_t count, uint32_t layer)
{
    for (uint32_t i = 0; i < count; i++)
        if (layers[i] == layer)
            return (uint8_t)i;
    return UINT8_C(253);
}

static void add_edges_to(struct bounds_block *block, const struct problem *p, uint32_t before,
                         const uint32_t *layers, uint32_t layer, uint8_t to)
{
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        uint32_t pred = p->preds[at].layer;
        uint8_t from = pred == before ? BOUNDS_BLOCK_BEFORE : number_in(layers, block->count, pred);
        if (from < block->count || from == BOUNDS_BLOCK_BEFORE)
            block->edges[block->edge_count++] =
                (struct bounds_block_edge){ from, to, p->preds[at].size_class };
    }
}

static struct bounds_block *block_new(const struct bounds *b, uint32_t before,
                                      const uint32_t *layers, uint32_t count, uint32_t behind)
{
    const struct problem *p = b->view->problem;
    struct bounds_block *block = mem_alloc(1, sizeof *block);
    uint32_t edges = p->pred_begin[behind + 1] - p->pred_begin[behind];
    block->count = count;
    block->is_first = before == UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        block->classes[i] = p->class_of[layers[i]];
        edges += p->pred_begin[layers[i] + 1] - p->pred_begin[layers[i]];
    }
    block->edges = mem_alloc(edges, sizeof *block->edges);
    for (uint32_t i = 0; i < count; i++)
        add_edges_to(block, p, before, layers, layers[i], (uint8_t)i);
    add_edges_to(block, p, before, layers, behind, BOUNDS_BLOCK_BEHIND);
    return block;
}

static void block_free(struct bounds_block *block)
{
    for (uint32_t i = 0; i < block->count; i++)
        free(block->kinds[i]);
    free(block->edges);
    free(block->least_ps);
    free(block->least);
    free(block);
}

static bool blocks_equal(const struct bounds_block *a, const struct bounds_block *b)
{
    if (a->count != b->count || a->edge_count != b->edge_count || a->is_first != b->is_first ||
        memcmp(a->classes, b->classes, a->count * sizeof *a->classes) != 0)
        return false;
    for (uint32_t i = 0; i < a->edge_count; i++)
        if (a->edges[i].from != b->edges[i].from || a->edges[i].to != b->edges[i].to ||
            a->edges[i].size != b->edges[i].size)
            return false;
    return true;
}

/* Kinds of every layer, and how many keys that makes. */
static void find_kinds(struct bounds_block *block, const struct bounds *b)
{
    block->key_count = 1;
    for (uint32_t i = 0; i < block->count; i++) {
        uint32_t class = block->classes[i];
        block->kinds[i] = mem_alloc(b->view->kind_count, sizeof *block->kinds[i]);
        for (uint32_t at = b->way_begin[class]; at < b->way_begin[class + 1]; at++) {
            uint32_t count = block->kind_count[i], kind = b->ways[at].kind;
            if (count == 0 || block->kinds[i][count - 1] != kind)
                block->kinds[i][block->kind_count[i]++] = kind;
        }
        block->stride[i] = block->key_count;
        block->key_count *= block->kind_count[i];
    }
}

static uint64_t product(uint64_t a, uint64_t b)
{
    return min_u64(a * b, UINT32_MAX);
}

/* Choices of accelerators, at both ends as well. */
static uint64_t count_choices(const struct bounds *b, const uint32_t *layers, uint32_t count,
                              bool is_first)
{
    const struct view *view = b->view;
    uint64_t choices = product(view->accelerator_count, is_first ? 1 : view->accelerator_count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t class = view->problem->class_of[layers[i]];
        choices = product(choices, view->support_begin[class + 1] - view->support_begin[class]);
    }
    return choices;
}

/* At most as many keys and ends as choices. */
bool bounds_block_is_small(const struct bounds *b, const uint32_t *layers, uint32_t count,
                           bool is_first)
{
    return count <= BOUNDS_BLOCK_LAYERS_MAX && b->view->kind_count <= BOUNDS_BLOCK_KINDS_MAX &&
           count_choices(b, layers, count, is_first) <= choices_max;
}

/* --- least times ------------------------------------------------------------------------------ */

static void find_needs(struct trial *t)
{
    const struct bounds *b = t->bounds;
    uint32_t kinds = b->view->kind_count;
    t->needs = mem_alloc((size_t)t->block->count * kinds, sizeof *t->needs);
    for (uint32_t i = 0; i < t->block->count * kinds; i++)
        t->needs[i] = (struct need){ UINT64_MAX, UINT64_MAX, UINT64_MAX };
    for (uint32_t i = 0; i < t->block->count; i++) {
        uint32_t class = t->block->classes[i];
        for (uint32_t at = b->way_begin[class]; at < b->way_begin[class + 1]; at++) {
            const struct bounds_way *way = &b->ways[at];
            const uint64_t *capacity = b->capacity + (size_t)way->kind * BOUNDS_RESOURCE_COUNT;
            struct need *need = &t->needs[i * kinds + way->kind];
            bounds_u128 area = (bounds_u128)way->duration_ps * way->amount[BOUNDS_PES];
            need->duration_ps = min_u64(need->duration_ps, way->duration_ps);
            need->pe_area = min_u64(need->pe_area, (uint64_t)(area / capacity[BOUNDS_PES]));
            need->slot_area = min_u64(need->slot_area, way->duration_ps / capacity[BOUNDS_SLOTS]);
        }
    }
}

static uint64_t transfer_ps(const struct trial *t, uint32_t size, uint32_t from, uint32_t to)
{
    return problem_transfer_ps(t->problem, size, from, to);
}

static void find_heads(struct trial *t)
{
    const struct bounds_block *block = t->block;
    for (uint32_t i = 0; i < block->count; i++)
        t->chosen[i].head_ps = 0;
    for (uint32_t at = 0; at < block->edge_count; at++) {
        const struct bounds_block_edge *edge = &block->edges[at];
        if (edge->to == BOUNDS_BLOCK_BEHIND)
            break;
        struct chosen *to = &t->chosen[edge->to];
        bool is_before = edge->from == BOUNDS_BLOCK_BEFORE;
        const struct chosen *from = is_before ? NULL : &t->chosen[edge->from];
        uint64_t end_ps = is_before ? 0 : from->head_ps + from->need->duration_ps;
        uint32_t acc = is_before ? t->before : from->acc;
        to->head_ps = max_u64(to->head_ps, end_ps + transfer_ps(t, edge->size, acc, to->acc));
    }
}

/* The longest path from begin to end; tails on the way. */
static uint64_t find_tails(struct trial *t, uint32_t behind)
{
    const struct bounds_block *block = t->block;
    uint64_t longest_ps = 0;
    for (uint32_t i = 0; i < block->count; i++)
        t->chosen[i].tail_ps = 0;
    for (uint32_t at = block->edge_count; at-- > 0;) {
        const struct bounds_block_edge *edge = &block->edges[at];
        bool is_behind = edge->to == BOUNDS_BLOCK_BEHIND;
        const struct chosen *to = is_behind ? NULL : &t->chosen[edge->to];
        uint64_t after_ps = is_behind ? 0 : to->need->duration_ps + to->tail_ps;
        uint32_t acc = is_behind ? behind : to->acc;
        if (edge->from == BOUNDS_BLOCK_BEFORE) {
            uint64_t path_ps = transfer_ps(t, edge->size, t->before, acc) + after_ps;
            longest_ps = max_u64(longest_ps, path_ps);
            continue;
        }
        struct chosen *from = &t->chosen[edge->from];
        from->tail_ps =
            max_u64(from->tail_ps, transfer_ps(t, edge->size, from->acc, acc) + after_ps);
    }
    for (uint32_t i = 0; i < block->count; i++) {
        const struct chosen *c = &t->chosen[i];
        longest_ps = max_u64(longest_ps, c->head_ps + c->need->duration_ps + c->tail_ps);
    }
    return longest_ps;
}

/* Layers on this one's accelerator with no earlier head and no shorter tail than `tail_ps`: they
 * all run between. */
static uint64_t load_ps(const struct trial *t, uint32_t first, uint64_t tail_ps)
{
    const struct chosen *head = &t->chosen[first];
    uint64_t pe_area = 0, slot_area = 0;
    for (uint32_t i = 0; i < t->block->count; i++) {
        const struct chosen *c = &t->chosen[i];
        bool counts = c->acc == head->acc && c->head_ps >= head->head_ps && c->tail_ps >= tail_ps;
        pe_area += counts ? c->need->pe_area : 0;
        slot_area += counts ? c->need->slot_area : 0;
    }
    uint64_t area_ps = max_u64(pe_area, slot_area);
    return area_ps ? head->head_ps + area_ps + tail_ps : 0; /* 0: none that must lie between */
}

static uint64_t least_time_ps(struct trial *t, uint32_t behind)
{
    uint64_t least_ps = find_tails(t, behind);
    for (uint32_t i = 0; i < t->block->count; i++)
        for (uint32_t j = 0; j < t->block->count; j++)
            if (i != j && t->chosen[i].acc == t->chosen[j].acc)
                least_ps = max_u64(least_ps, load_ps(t, i, t->chosen[j].tail_ps));
    return least_ps;
}

/* All accelerators behind, when those inside are chosen. */
static void note_choice(struct trial *t, uint32_t key)
{
    const struct bounds_block *block = t->block;
    uint32_t accs = t->bounds->view->accelerator_count;
    find_heads(t);
    for (uint32_t behind = 0; behind < accs; behind++) {
        size_t ends = (size_t)t->before * accs + behind;
        uint64_t *least_ps = &block->least_ps[ends * block->key_count + key];
        *least_ps = min_u64(*least_ps, least_time_ps(t, behind));
    }
}

static void choose_from(struct trial *t, uint32_t layer, uint32_t key)
{
    const struct bounds_block *block = t->block;
    const struct view *view = t->bounds->view;
    if (layer == block->count) {
        note_choice(t, key);
        return;
    }
    for (uint32_t number = 0; number < block->kind_count[layer]; number++) {
        uint32_t kind = block->kinds[layer][number];
        t->chosen[layer].need = &t->needs[layer * view->kind_count + kind];
        for (uint32_t at = view->kind_begin[kind]; at < view->kind_begin[kind + 1]; at++) {
            t->chosen[layer].acc = view->kind_accs[at];
            choose_from(t, layer + 1, key + number * block->stride[layer]);
        }
    }
}

static void find_least(struct bounds_block *block, const struct bounds *b)
{
    uint32_t accs = b->view->accelerator_count;
    size_t cells = (size_t)accs * accs * block->key_count;
    struct trial t = { .bounds = b, .problem = b->view->problem, .block = block };
    block->least_ps = mem_alloc(cells, sizeof *block->least_ps);
    for (size_t i = 0; i < cells; i++)
        block->least_ps[i] = BOUNDS_BLOCK_NEVER;
    find_needs(&t);
    for (t.before = 0; t.before < (block->is_first ? 1 : accs); t.before++)
        choose_from(&t, 0, 0);
    block->least = mem_alloc(cells, sizeof *block->least);
    for (size_t i = 0; i < cells; i++)
        block->least[i] =
            block->least_ps[i] == BOUNDS_BLOCK_NEVER ? 1e30 : (double)block->least_ps[i];
    free(t.needs);
}

/* --- all of them ------------------------------------------------------------------------------ */

const struct bounds_block *bounds_block_of(struct bounds_blocks *blocks, const struct bounds *b,
                                           uint32_t before, const uint32_t *layers, uint32_t count,
                                           uint32_t behind)
{
    struct bounds_block *block = block_new(b, before, layers, count, behind);
    for (size_t i = 0; i < blocks->count; i++)
        if (blocks_equal(blocks->items[i], block)) {
            block_free(block);
            return blocks->items[i];
        }
    find_kinds(block, b);
    find_least(block, b);
    blocks->items = mem_grow(blocks->items, blocks->count + 1, sizeof(struct bounds_block *));
    blocks->items[blocks->count++] = block;
    return block;
}

void bounds_blocks_release(struct bounds_blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        block_free(blocks->items[i]);
    free(blocks->items);
    *blocks = (struct bounds_blocks){ 0 };
}
