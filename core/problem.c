#include "core/problem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"

#define TRANSFERS_MAX ((size_t)1 << 26) /* size classes x pair classes: 512 MiB */
/* Everything one after the other must stay far below 63 bits of ps (2^60 ps are 13 days). */
#define TIME_SUM_MAX_PS (UINT64_C(1) << 60)

/* --- interning of blocks of bytes ------------------------------------------------------------ */

/* Distinct blocks of equal size, numbered in order of arrival. */
struct block_set {
    size_t block_bytes, count, slot_count;
    const void **blocks; /* [count]; borrowed */
    uint32_t *slots;     /* [slot_count]: number + 1, or 0 */
};

static uint64_t hash_block(const void *block, size_t bytes)
{
    const unsigned char *at = block;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    assert(bytes % 8 == 0);
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

static size_t slot_of(const struct block_set *set, const void *block)
{
    size_t mask = set->slot_count - 1;
    size_t at = hash_block(block, set->block_bytes) & mask;
    while (set->slots[at] && memcmp(set->blocks[set->slots[at] - 1], block, set->block_bytes) != 0)
        at = (at + 1) & mask;
    return at;
}

static void grow_set(struct block_set *set)
{
    free(set->slots);
    set->slot_count = set->slot_count ? 2 * set->slot_count : 64;
    set->slots = mem_alloc(set->slot_count, sizeof *set->slots);
    set->blocks = mem_grow(set->blocks, set->slot_count / 2, sizeof *set->blocks);
    for (size_t i = 0; i < set->count; i++)
        set->slots[slot_of(set, set->blocks[i])] = (uint32_t)i + 1;
}

/* The number of a block, a new one if it had none. The block must outlive the set. */
static uint32_t block_number(struct block_set *set, const void *block)
{
    if (2 * (set->count + 1) > set->slot_count)
        grow_set(set);
    size_t at = slot_of(set, block);
    if (!set->slots[at]) {
        set->blocks[set->count] = block;
        set->slots[at] = (uint32_t)++set->count;
    }
    return set->slots[at] - 1;
}

static void release_set(struct block_set *set)
{
    free(set->blocks);
    free(set->slots);
}

/* --- layers ---------------------------------------------------------------------------------- */

/* Number of the first layer of every graph if the graphs stood one after the other. */
static uint32_t *graph_bases(const struct workload *workload)
{
    uint32_t *bases = mem_alloc(workload->graph_count + 1, sizeof *bases);
    for (size_t graph = 0; graph < workload->graph_count; graph++)
        bases[graph + 1] = bases[graph] + (uint32_t)workload->graphs[graph].layer_count;
    return bases;
}

/* Classes by equal bytes of the shapes, numbered in order of the workload's layers. */
static void classify_layers(struct problem *p)
{
    const struct workload *workload = p->workload;
    struct block_set shapes = { .block_bytes = sizeof(struct layer_shape) };
    uint32_t *bases = graph_bases(workload);
    uint32_t *known = mem_alloc(bases[workload->graph_count], sizeof *known); /* class + 1 */
    p->class_of = ARENA_ARRAY(p->arena, uint32_t, p->layer_count);
    p->network_of = ARENA_ARRAY(p->arena, uint32_t, p->layer_count);
    p->class_layer = mem_alloc(bases[workload->graph_count], sizeof *p->class_layer);
    uint32_t layer = 0;
    for (uint32_t n = 0; n < workload->network_count; n++) {
        const struct workload_network *network = &workload->networks[n];
        const struct dnn *graph = &workload->graphs[network->graph];
        for (size_t i = 0; i < graph->layer_count; i++, layer++) {
            uint32_t *class = &known[bases[network->graph] + i];
            if (!*class) {
                size_t before = shapes.count;
                *class = block_number(&shapes, &graph->layers[i].shape) + 1;
                if (shapes.count > before)
                    p->class_layer[*class - 1] = layer;
            }
            p->class_of[layer] = *class - 1;
            p->network_of[layer] = n;
        }
    }
    p->class_count = shapes.count;
    uint32_t *first = p->class_layer;
    p->class_layer = ARENA_ARRAY(p->arena, uint32_t, p->class_count);
    memcpy(p->class_layer, first, p->class_count * sizeof *first);
    free(first);
    free(known);
    free(bases);
    release_set(&shapes);
}

/* --- edges ----------------------------------------------------------------------------------- */

/* Layers that wait for nothing of their own graph, and those that nothing of it waits for. */
struct graph_ends {
    size_t source_count, sink_count;
};

static struct graph_ends *find_graph_ends(const struct workload *workload)
{
    struct graph_ends *ends = mem_alloc(workload->graph_count, sizeof *ends);
    for (size_t g = 0; g < workload->graph_count; g++)
        for (size_t i = 0; i < workload->graphs[g].layer_count; i++) {
            const struct dnn_layer *layer = &workload->graphs[g].layers[i];
            ends[g].source_count += layer->pred_count == 0;
            ends[g].sink_count += layer->shape.is_sink;
        }
    return ends;
}

/* Those of the graphs, and from every sink of a network to every source of one that depends on it.
 */
static size_t count_edges(const struct workload *workload)
{
    size_t edges = 0;
    struct graph_ends *ends = find_graph_ends(workload);
    for (size_t n = 0; n < workload->network_count; n++) {
        const struct workload_network *network = &workload->networks[n];
        edges += workload->graphs[network->graph].edge_count;
        if (network->depends_on != WORKLOAD_NONE)
            edges += ends[network->graph].source_count *
                     ends[workload->networks[network->depends_on].graph].sink_count;
        if (edges > DNN_EDGES_MAX)
            break;
    }
    free(ends);
    return edges;
}

/* The sinks of the network that this one depends on; returns the new number of edges. Nothing moves
 * along these edges: what one network hands to another passes through memory, and is part of the
 * sink's writes and the source's reads already. docs/model.md M-96. */
static uint32_t add_cascade(struct problem *p, const struct workload_network *network,
                            uint32_t edge)
{
    const struct workload_network *from = &p->workload->networks[network->depends_on];
    const struct dnn *graph = &p->workload->graphs[from->graph];
    for (size_t i = 0; i < graph->layer_count; i++)
        if (graph->layers[i].shape.is_sink)
            p->preds[edge++] = (struct problem_edge){ .layer = from->first_layer + (uint32_t)i };
    p->has_cascades = true;
    return edge;
}

static void fill_preds(struct problem *p)
{
    const struct workload *workload = p->workload;
    uint32_t layer = 0, edge = 0;
    for (uint32_t n = 0; n < workload->network_count; n++) {
        const struct workload_network *network = &workload->networks[n];
        const struct dnn *graph = &workload->graphs[network->graph];
        for (size_t i = 0; i < graph->layer_count; i++, layer++) {
            const struct dnn_layer *from = &graph->layers[i];
            if (from->pred_count == 0 && network->depends_on != WORKLOAD_NONE)
                edge = add_cascade(p, network, edge);
            for (size_t k = 0; k < from->pred_count; k++, edge++) {
                p->preds[edge].layer = network->first_layer + from->preds[k].layer;
                p->preds[edge].bytes = from->preds[k].bytes;
            }
            p->pred_begin[layer + 1] = edge;
        }
    }
}

static void fill_releases(struct problem *p)
{
    const struct workload *workload = p->workload;
    for (uint32_t n = 0; n < workload->network_count; n++) {
        const struct workload_network *network = &workload->networks[n];
        const struct dnn *graph = &workload->graphs[network->graph];
        if (network->release_ps == 0)
            continue;
        if (!p->release_ps)
            p->release_ps = ARENA_ARRAY(p->arena, uint64_t, p->layer_count);
        for (size_t i = 0; i < graph->layer_count; i++)
            if (graph->layers[i].pred_count == 0)
                p->release_ps[network->first_layer + i] = network->release_ps;
    }
}

/* Successors in ascending order: predecessors are visited layer by layer. */
static void fill_succs(struct problem *p)
{
    for (size_t edge = 0; edge < p->edge_count; edge++)
        p->succ_begin[p->preds[edge].layer + 1]++;
    for (size_t layer = 0; layer < p->layer_count; layer++)
        p->succ_begin[layer + 1] += p->succ_begin[layer];
    uint32_t *fill = mem_alloc(p->layer_count, sizeof *fill);
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        for (uint32_t edge = p->pred_begin[layer]; edge < p->pred_begin[layer + 1]; edge++) {
            uint32_t from = p->preds[edge].layer;
            struct problem_edge *succ = &p->succs[p->succ_begin[from] + fill[from]++];
            *succ = p->preds[edge];
            succ->layer = layer;
        }
    free(fill);
}

/* Returns the byte count of every size class, in order of first use; the caller frees it. */
static uint64_t *classify_sizes(struct problem *p)
{
    struct block_set sizes = { .block_bytes = sizeof(uint64_t) };
    for (size_t edge = 0; edge < p->edge_count; edge++)
        p->preds[edge].size_class = block_number(&sizes, &p->preds[edge].bytes);
    p->size_class_count = sizes.count;
    uint64_t *bytes = mem_alloc(sizes.count + 1, sizeof *bytes);
    for (size_t i = 0; i < sizes.count; i++)
        bytes[i] = *(const uint64_t *)sizes.blocks[i];
    release_set(&sizes);
    return bytes;
}

/* --- pairs of accelerators ------------------------------------------------------------------- */

/* Links of equal rate and latency are of one kind. */
static uint32_t *classify_links(const struct soc *soc)
{
    struct block_set kinds = { .block_bytes = 2 * sizeof(uint64_t) };
    uint64_t(*keys)[2] = mem_alloc(soc->link_count + 1, sizeof *keys);
    uint32_t *kind = mem_alloc(soc->link_count + 1, sizeof *kind);
    for (size_t i = 0; i < soc->link_count; i++) {
        keys[i][0] = soc->links[i].bytes_per_s;
        keys[i][1] = soc->links[i].latency_ps;
        kind[i] = block_number(&kinds, keys[i]);
    }
    release_set(&kinds);
    free(keys);
    return kind;
}

/* What decides the time between two accelerators: the local rate, or the kinds of links in order.
 * A chain of interned (rest of the route, next link) pairs stands for the sequence. */
struct route_keys {
    struct block_set chains;
    struct arena *arena;
};

static uint32_t chain(struct route_keys *keys, uint64_t rest, uint64_t next)
{
    uint64_t step[2] = { rest, next };
    if (2 * (keys->chains.count + 1) > keys->chains.slot_count)
        grow_set(&keys->chains);
    size_t at = slot_of(&keys->chains, step);
    if (keys->chains.slots[at])
        return keys->chains.slots[at] - 1;
    uint64_t *kept = ARENA_ARRAY(keys->arena, uint64_t, 2);
    memcpy(kept, step, sizeof step);
    return block_number(&keys->chains, kept);
}

/* Chains start from these two, so that local rates and routes never meet. */
#define CHAIN_ROUTE UINT64_MAX
#define CHAIN_LOCAL (UINT64_MAX - 1)

static uint32_t pair_key(struct route_keys *keys, const struct soc *soc, const uint32_t *link_kind,
                         uint32_t from, uint32_t to)
{
    if (from == to)
        return chain(keys, CHAIN_LOCAL, soc->accelerators[from].local_bytes_per_s);
    size_t at =
        (size_t)soc->accelerators[from].place * soc->place_count + soc->accelerators[to].place;
    uint32_t key = chain(keys, CHAIN_ROUTE, 0);
    for (uint32_t i = soc->route_begin[at]; i < soc->route_begin[at + 1]; i++)
        key = chain(keys, key, link_kind[soc->route_links[i]]);
    return key;
}

/* Fills pair_class; returns one pair of every class as from * accelerators + to. */
static size_t *classify_pairs(struct problem *p)
{
    const struct soc *soc = p->soc;
    size_t pairs = p->accelerator_count * p->accelerator_count;
    uint32_t *link_kind = classify_links(soc);
    struct route_keys keys = { .chains.block_bytes = 2 * sizeof(uint64_t), .arena = arena_new() };
    p->pair_class = ARENA_ARRAY(p->arena, uint32_t, pairs);
    for (size_t pair = 0; pair < pairs; pair++)
        p->pair_class[pair] =
            pair_key(&keys, soc, link_kind, (uint32_t)(pair / p->accelerator_count),
                     (uint32_t)(pair % p->accelerator_count));
    uint32_t *class_of_key = mem_alloc(keys.chains.count + 1, sizeof *class_of_key); /* + 1 */
    size_t *example = mem_alloc(pairs, sizeof *example);
    for (size_t pair = 0; pair < pairs; pair++) {
        uint32_t *class = &class_of_key[p->pair_class[pair]];
        if (!*class) {
            example[p->pair_class_count] = pair;
            *class = (uint32_t)++p->pair_class_count;
        }
        p->pair_class[pair] = *class - 1;
    }
    free(class_of_key);
    free(link_kind);
    release_set(&keys.chains);
    arena_free(keys.arena);
    return example;
}

/* --- transfers ------------------------------------------------------------------------------- */

uint64_t problem_transfer_bytes_ps(const struct problem *p, uint64_t bytes, uint32_t from,
                                   uint32_t to)
{
    const struct soc_accelerator *source = &p->soc->accelerators[from];
    if (from == to)
        return bytes_to_ps(bytes, source->local_bytes_per_s); /* docs/model.md M-22 */
    return soc_route_ps(p->soc, source->place, p->soc->accelerators[to].place, bytes);
}

static enum err_code fill_transfers(struct problem *p, const uint64_t *size_bytes,
                                    const size_t *pair_example, struct err *err)
{
    if (p->size_class_count * p->pair_class_count > TRANSFERS_MAX)
        return err_set(err, ERR_LIMIT,
                       "%zu different transfer sizes over %zu different routes are more than the "
                       "program takes (%zu products)",
                       p->size_class_count, p->pair_class_count, TRANSFERS_MAX);
    p->transfer_ps = ARENA_ARRAY(p->arena, uint64_t, p->size_class_count * p->pair_class_count);
    for (size_t size = 0; size < p->size_class_count; size++)
        for (size_t pair = 0; pair < p->pair_class_count; pair++)
            p->transfer_ps[size * p->pair_class_count + pair] = problem_transfer_bytes_ps(
                p, size_bytes[size], (uint32_t)(pair_example[pair] / p->accelerator_count),
                (uint32_t)(pair_example[pair] % p->accelerator_count));
    return ERR_OK;
}

/* --- no order of things may overflow the clock ------------------------------------------------ */

static uint64_t capped(uint64_t time_ps)
{
    return min_u64(time_ps, TIME_SUM_MAX_PS + 1);
}

static uint64_t add_capped(uint64_t sum_ps, uint64_t time_ps)
{
    return capped(capped(sum_ps) + capped(time_ps));
}

static uint64_t transfer_sum_ps(const struct problem *p)
{
    uint64_t sum_ps = 0;
    uint64_t *longest = mem_alloc(p->size_class_count + 1, sizeof *longest);
    for (size_t size = 0; size < p->size_class_count; size++)
        for (size_t pair = 0; pair < p->pair_class_count; pair++)
            longest[size] =
                max_u64(longest[size], p->transfer_ps[size * p->pair_class_count + pair]);
    for (size_t edge = 0; edge < p->edge_count; edge++)
        sum_ps = add_capped(sum_ps, longest[p->preds[edge].size_class]);
    free(longest);
    return sum_ps;
}

/* Of the slowest option of a class: reading, computing, writing one after the other. */
static uint64_t slowest_ps(const struct problem *p, size_t class_index)
{
    const struct problem_options *options = &p->options[class_index * p->accelerator_count];
    uint64_t slowest = 0;
    for (size_t acc = 0; acc < p->accelerator_count; acc++)
        for (uint32_t i = 0; i < options[acc].count; i++) {
            const struct layer_option *option = &options[acc].items[i];
            uint64_t time_ps = add_capped(option->compute_ps, option->memory_read_ps);
            slowest = max_u64(slowest, add_capped(time_ps, option->memory_write_ps));
        }
    return slowest;
}

enum err_code problem_check_times(const struct problem *p, struct err *err)
{
    uint64_t sum_ps = transfer_sum_ps(p);
    uint64_t *slowest = mem_alloc(p->class_count, sizeof *slowest);
    for (size_t i = 0; i < p->class_count && p->options; i++)
        slowest[i] = slowest_ps(p, i);
    for (size_t layer = 0; layer < p->layer_count; layer++)
        sum_ps = add_capped(sum_ps, slowest[p->class_of[layer]]);
    uint64_t last_release_ps = 0;
    for (uint32_t layer = 0; layer < p->layer_count && p->release_ps; layer++)
        last_release_ps = max_u64(last_release_ps, p->release_ps[layer]);
    sum_ps = add_capped(sum_ps, last_release_ps);
    free(slowest);
    if (sum_ps <= TIME_SUM_MAX_PS)
        return ERR_OK;
    return err_set(err, ERR_OVERFLOW, "%s on %s could take more than 2^60 ps (13 days)",
                   p->workload->name, p->soc->name);
}

/* --- the whole ------------------------------------------------------------------------------- */

enum err_code problem_init(struct problem *out, const struct soc *soc,
                           const struct workload *workload, struct err *err)
{
    struct problem p = {
        .soc = soc,
        .workload = workload,
        .layer_count = workload->layer_count,
        .accelerator_count = soc->accelerator_count,
        .network_count = workload->network_count,
        .edge_count = count_edges(workload),
        .arena = arena_new(),
    };
    if (p.edge_count > DNN_EDGES_MAX) {
        arena_free(p.arena);
        return err_set(err, ERR_LIMIT, "%s has more than %d edges", workload->name, DNN_EDGES_MAX);
    }
    p.pred_begin = ARENA_ARRAY(p.arena, uint32_t, p.layer_count + 1);
    p.succ_begin = ARENA_ARRAY(p.arena, uint32_t, p.layer_count + 1);
    p.preds = ARENA_ARRAY(p.arena, struct problem_edge, p.edge_count);
    p.succs = ARENA_ARRAY(p.arena, struct problem_edge, p.edge_count);
    classify_layers(&p);
    fill_preds(&p);
    fill_releases(&p);
    uint64_t *size_bytes = classify_sizes(&p);
    fill_succs(&p);
    size_t *pair_example = classify_pairs(&p);
    enum err_code rc = fill_transfers(&p, size_bytes, pair_example, err);
    free(size_bytes);
    free(pair_example);
    if (rc == ERR_OK)
        rc = problem_check_times(&p, err);
    if (rc == ERR_OK)
        *out = p;
    else
        arena_free(p.arena);
    return rc;
}

void problem_release(struct problem *problem)
{
    arena_free(problem->arena);
    *problem = (struct problem){ 0 };
}
