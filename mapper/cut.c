#include "mapper/cut.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "core/split.h"
#include "mapper/rank.h"

/* Output iterations, in the order in which they are tried: rows move least between layers. */
static const enum role roles[] = { ROLE_P, ROLE_K, ROLE_Q, ROLE_N, ROLE_G };
enum { ROLES = sizeof roles / sizeof *roles, PARTS_MAX = 8 };

void cut_space_init(struct cut_space *space, const struct view *view)
{
    const struct problem *p = view->problem;
    *space = (struct cut_space){ .whole = p->workload };
    space->extent = mem_alloc(p->layer_count * ROLE_COUNT, sizeof *space->extent);
    space->parts_max = mem_alloc(p->layer_count, sizeof *space->parts_max);
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        const struct dnn_layer *l = workload_layer(p->workload, layer);
        for (size_t i = 0; i < ROLES; i++) {
            uint64_t *extent = &space->extent[(size_t)layer * ROLE_COUNT + roles[i]];
            if (split_extent(l, roles[i], extent, NULL) != ERR_OK)
                *extent = 0;
        }
        uint32_t room = 0, class = p->class_of[layer];
        for (uint32_t at = view->support_begin[class]; at < view->support_begin[class + 1]; at++)
            room += view->capacity[view->kind_of[view->support[at]]].share;
        space->parts_max[layer] = (uint8_t)min_u64(room, PARTS_MAX);
    }
}

void cut_space_release(struct cut_space *space)
{
    free(space->extent);
    free(space->parts_max);
}

/* --- proposals -------------------------------------------------------------------------------- */

static bool can_be_cut(const struct cut_space *space, uint32_t layer, struct cut_layer how)
{
    uint64_t extent = space->extent[(size_t)layer * ROLE_COUNT + how.role];
    return how.parts <= space->parts_max[layer] && extent >= how.parts;
}

static uint32_t pick_by_weight(const double *weight, size_t count, struct rng *rng)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weight[i];
    double at = rng_real(rng) * sum;
    for (uint32_t i = 0; i < count; i++) {
        at -= weight[i];
        if (at < 0)
            return i;
    }
    return rng_below(rng, (uint32_t)count);
}

/* How to cut the middle of a run: a role that it has, few parts more often than many. */
static struct cut_layer pick_how(const struct cut_space *space, uint32_t layer, struct rng *rng)
{
    const struct cut_layer whole = { ROLE_NONE, 1 };
    struct cut_layer can[ROLES];
    uint32_t count = 0;
    for (size_t i = 0; i < ROLES; i++)
        if (space->extent[(size_t)layer * ROLE_COUNT + roles[i]] >= 2)
            can[count++].role = (uint8_t)roles[i];
    if (count == 0 || space->parts_max[layer] < 2 || rng_below(rng, 5) == 0)
        return whole;
    struct cut_layer how = can[rng_below(rng, 2) ? 0 : rng_below(rng, count)];
    uint64_t most =
        min_u64(space->parts_max[layer], space->extent[(size_t)layer * ROLE_COUNT + how.role]);
    how.parts = 2;
    while (how.parts < most && rng_below(rng, 2))
        how.parts++;
    return how;
}

/* A number of layers from none to `most`, each magnitude as likely. */
static uint32_t pick_reach(uint32_t most, struct rng *rng)
{
    return (uint32_t)(exp(rng_real(rng) * log1p((double)most)) - 1 + 0.5);
}

static void cut_run(const struct cut_space *space, uint32_t first, uint32_t end,
                    struct cut_layer how, struct cut_layer *cut)
{
    for (uint32_t layer = first; layer < end; layer++)
        if (how.role == ROLE_NONE || can_be_cut(space, layer, how))
            cut[layer] = how;
}

void cut_propose(const struct cut_space *space, const double *weight, struct rng *rng,
                 struct cut_layer *cut)
{
    const struct workload *w = space->whole;
    uint32_t middle = pick_by_weight(weight, w->layer_count, rng);
    const struct workload_network *network = &w->networks[workload_network_of(w, middle)];
    uint32_t layers = (uint32_t)w->graphs[network->graph].layer_count;
    uint32_t at = middle - network->first_layer;
    struct cut_layer how = pick_how(space, middle, rng);
    bool everything = rng_below(rng, 4) == 0;
    uint32_t first = everything ? 0 : at - pick_reach(at, rng);
    uint32_t end = everything ? layers : at + 1 + pick_reach(layers - at - 1, rng);
    bool all_copies = rng_below(rng, 2);
    for (size_t n = 0; n < w->network_count; n++) {
        const struct workload_network *other = &w->networks[n];
        if (other == network || (all_copies && other->graph == network->graph))
            cut_run(space, other->first_layer + first, other->first_layer + end, how, cut);
    }
}

/* --- as splits -------------------------------------------------------------------------------- */

struct workload_split *cut_splits(const struct cut_space *space, const struct cut_layer *cut,
                                  struct arena *arena, size_t *count)
{
    size_t layers = space->whole->layer_count;
    *count = 0;
    for (size_t layer = 0; layer < layers; layer++)
        *count += cut[layer].parts > 1;
    struct workload_split *splits = ARENA_ARRAY(arena, struct workload_split, *count + 1);
    struct workload_split *next = splits;
    for (uint32_t layer = 0; layer < layers; layer++) {
        uint32_t parts = cut[layer].parts;
        if (parts < 2)
            continue;
        uint64_t extent = space->extent[(size_t)layer * ROLE_COUNT + cut[layer].role];
        uint64_t *extents = ARENA_ARRAY(arena, uint64_t, parts);
        for (uint32_t i = 0; i < parts; i++)
            extents[i] = extent * (i + 1) / parts - extent * i / parts;
        *next++ = (struct workload_split){ layer, (enum role)cut[layer].role, parts, extents };
    }
    return splits;
}

/* --- from one cut to another ------------------------------------------------------------------ */

static uint32_t whole_of(const struct workload *w, uint32_t layer)
{
    return w->whole ? w->whole_layer[layer] : layer;
}

/* [whole layer + 1]: where its parts begin. free() it. */
static uint32_t *first_parts(const struct problem *p)
{
    const struct workload *w = p->workload;
    size_t wholes = w->whole ? w->whole->layer_count : w->layer_count;
    uint32_t *first = mem_alloc(wholes + 1, sizeof *first);
    for (uint32_t layer = (uint32_t)p->layer_count; layer-- > 0;)
        first[whole_of(w, layer)] = layer;
    first[wholes] = (uint32_t)p->layer_count;
    return first;
}

/* `steps` accelerators on from `acc` among those of its kind. */
static uint32_t next_of_kind(const struct view *view, uint32_t acc, uint32_t steps)
{
    uint32_t kind = view->kind_of[acc], begin = view->kind_begin[kind];
    uint32_t count = view->kind_begin[kind + 1] - begin, at = 0;
    while (view->kind_accs[begin + at] != acc)
        at++;
    return view->kind_accs[begin + (at + steps) % count];
}

/* The option whose allotment is closest to `pes`. */
static uint32_t option_like(const struct problem *p, uint32_t layer, uint32_t acc, uint32_t pes)
{
    uint32_t best = 0;
    uint64_t best_off = UINT64_MAX;
    for (uint32_t i = 0; i < problem_option_count(p, layer, acc); i++) {
        uint32_t its = problem_option(p, layer, acc, i)->pes;
        uint64_t off = its > pes ? its - pes : pes - its;
        if (off < best_off) {
            best_off = off;
            best = i;
        }
    }
    return best;
}

static struct placement carried(const struct view *from, const struct placement *old,
                                const struct view *to, uint32_t layer, uint32_t steps)
{
    const struct problem *p = to->problem;
    uint32_t class = p->class_of[layer];
    uint32_t acc = next_of_kind(to, old->accelerator, steps);
    if (problem_option_count(p, layer, acc) == 0)
        acc = to->support[to->support_begin[class]];
    uint32_t pes = problem_option(from->problem, old->layer, old->accelerator, old->option)->pes;
    return (struct placement){ .layer = layer,
                               .accelerator = (uint16_t)acc,
                               .option = (uint16_t)option_like(p, layer, acc, pes) };
}

void cut_carry(const struct view *from, const struct mapping *mapping, const struct view *to,
               struct mapping *out)
{
    const struct problem *p = to->problem;
    uint32_t *old_first = first_parts(from->problem), *new_first = first_parts(p);
    uint32_t *position = mem_alloc(from->layer_count, sizeof *position);
    uint32_t *order = mem_alloc(p->layer_count, sizeof *order);
    double *rank = mem_alloc(p->layer_count, sizeof *rank);
    struct placement *placed = mem_alloc(p->layer_count, sizeof *placed);
    for (uint32_t at = 0; at < mapping->placement_count; at++)
        position[mapping->placements[at].layer] = at;
    for (uint32_t layer = (uint32_t)p->layer_count; layer-- > 0;) {
        uint32_t whole = whole_of(p->workload, layer), part = layer - new_first[whole];
        uint32_t parts = new_first[whole + 1] - new_first[whole];
        uint32_t old_parts = old_first[whole + 1] - old_first[whole];
        uint32_t old_part = part * old_parts / parts;
        uint32_t first_like_it = (old_part * parts + old_parts - 1) / old_parts;
        uint32_t at = position[old_first[whole] + old_part];
        placed[layer] = carried(from, &mapping->placements[at], to, layer, part - first_like_it);
        rank[layer] = -(double)at;
        for (uint32_t e = p->succ_begin[layer]; e < p->succ_begin[layer + 1]; e++)
            rank[layer] = fmax(rank[layer], rank[p->succs[e].layer]);
    }
    rank_order(to, rank, order);
    out->discipline = MAPPING_BY_LAYER;
    for (uint32_t at = 0; at < p->layer_count; at++) {
        out->placements[at] = placed[order[at]];
        out->placements[at].group = at;
    }
    free(old_first);
    free(new_first);
    free(position);
    free(order);
    free(rank);
    free(placed);
}
