/* What no end of the search from a state on is better than. */

#include "core/num.h"
#include "mapper/exact.h"

/* --- paths ----------------------------------------------------------------------------------- */

/* What becomes free of an accelerator, now and whenever a layer on it ends. */
static void find_rooms(struct exact_state *s, uint32_t acc)
{
    const struct soc_accelerator *a = &s->c->problem->soc->accelerators[acc];
    struct exact_room *rooms = &s->rooms[(size_t)acc * (s->c->layer_count + 1)];
    uint32_t count = 0;
    uint64_t now_ps = exact_now_ps(s);
    struct exact_room room = { now_ps, a->scratchpad_bytes, (uint32_t)soc_pes(a),
                               a->shared_layers_max };
    const struct exact_placed *running[EXACT_LAYERS_MAX];
    for (uint32_t i = 0; i < s->depth && s->used[acc]; i++) {
        const struct exact_placed *placed = &s->list[i];
        if (placed->way->acc != acc || placed->end_ps <= now_ps)
            continue;
        room.pes -= placed->way->pes;
        room.scratchpad_bytes -= placed->way->scratchpad_bytes;
        room.slots--;
        uint32_t at = count++;
        for (; at > 0 && running[at - 1]->end_ps > placed->end_ps; at--)
            running[at] = running[at - 1];
        running[at] = placed;
    }
    rooms[0] = room;
    for (uint32_t i = 0; i < count; i++) {
        room.from_ps = running[i]->end_ps;
        room.pes += running[i]->way->pes;
        room.scratchpad_bytes += running[i]->way->scratchpad_bytes;
        room.slots++;
        rooms[i + 1] = room;
    }
}

/* The last room has all there is, and every way fits an empty accelerator. */
static uint64_t room_ps(const struct exact_state *s, const struct exact_way *way)
{
    const struct exact_room *room = &s->rooms[(size_t)way->acc * (s->c->layer_count + 1)];
    while (room->pes < way->pes || room->scratchpad_bytes < way->scratchpad_bytes ||
           room->slots == 0)
        room++;
    return room->from_ps;
}

/* When inputs can be on `acc`: known where their layers are placed, else at the least. */
static uint64_t least_inputs_ps(const struct exact_state *s, uint32_t layer, uint32_t acc)
{
    const struct exact_case *c = s->c;
    const struct problem *p = c->problem;
    uint64_t ready_ps = exact_inputs_ps(s, layer, acc);
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        const struct problem_edge *edge = &p->preds[at];
        uint64_t arrival_ps = UINT64_MAX;
        if (s->at[edge->layer])
            continue;
        for (uint32_t i = c->way_begin[edge->layer]; i < c->way_begin[edge->layer + 1]; i++) {
            uint32_t from = c->ways[i].acc;
            arrival_ps =
                min_u64(arrival_ps, s->least_end_ps[(size_t)edge->layer * c->acc_count + from] +
                                        problem_transfer_ps(p, edge->size_class, from, acc));
        }
        ready_ps = max_u64(ready_ps, arrival_ps);
    }
    return ready_ps;
}

uint64_t exact_path_bound_ps(struct exact_state *s)
{
    const struct exact_case *c = s->c;
    uint64_t bound_ps = s->depth ? exact_last(s)->makespan_ps : 0, now_ps = exact_now_ps(s);
    for (uint32_t acc = 0; acc < c->acc_count; acc++)
        find_rooms(s, acc);
    for (uint32_t layer = 0; layer < c->layer_count; layer++) {
        if (s->at[layer])
            continue;
        uint64_t through_ps = UINT64_MAX, ready_ps = 0;
        uint64_t *end_ps = s->least_end_ps + (size_t)layer * c->acc_count;
        for (uint32_t i = c->way_begin[layer]; i < c->way_begin[layer + 1]; i++) {
            const struct exact_way *way = &c->ways[i];
            bool is_first = i == c->way_begin[layer] || c->ways[i - 1].acc != way->acc;
            if (is_first)
                ready_ps = max_u64(now_ps, least_inputs_ps(s, layer, way->acc));
            s->start_ps[i] = max_u64(ready_ps, room_ps(s, way));
            uint64_t mine_ps = s->start_ps[i] + way->duration_ps;
            end_ps[way->acc] = is_first ? mine_ps : min_u64(end_ps[way->acc], mine_ps);
            through_ps =
                min_u64(through_ps, mine_ps + c->after_ps[(size_t)layer * c->acc_count + way->acc]);
        }
        bound_ps = max_u64(bound_ps, through_ps);
    }
    return bound_ps;
}

/* --- loads ----------------------------------------------------------------------------------- */

/* A layer that is not placed, all at the least. */
struct left {
    uint64_t head_ps, tail_ps; /* its start, and what comes after its end */
    uint64_t work_ps;          /* priced */
};

/* By falling heads. False: some layer has no way that ends before limit_ps. */
static bool list_left(const struct exact_state *s, const struct exact_prices *prices,
                      uint64_t limit_ps, struct left *out)
{
    const struct exact_case *c = s->c;
    uint32_t count = 0;
    for (uint32_t layer = 0; layer < c->layer_count; layer++) {
        struct left mine = { UINT64_MAX, UINT64_MAX, UINT64_MAX };
        if (s->at[layer])
            continue;
        for (uint32_t i = c->way_begin[layer]; i < c->way_begin[layer + 1]; i++) {
            const struct exact_way *way = &c->ways[i];
            uint64_t after_ps = c->after_ps[(size_t)layer * c->acc_count + way->acc];
            if (s->start_ps[i] + way->duration_ps + after_ps >= limit_ps)
                continue;
            mine.head_ps = min_u64(mine.head_ps, s->start_ps[i]);
            mine.tail_ps = min_u64(mine.tail_ps, after_ps);
            mine.work_ps = min_u64(mine.work_ps, prices->work_ps[i]);
        }
        if (mine.head_ps == UINT64_MAX)
            return false;
        uint32_t at = count++;
        for (; at > 0 && out[at - 1].head_ps < mine.head_ps; at--)
            out[at] = out[at - 1];
        out[at] = mine;
    }
    return true;
}

/* Priced work of what is placed within [from_ps, until_ps); nothing placed starts after from_ps. */
static uint64_t placed_work_ps(const struct exact_state *s, const struct exact_prices *prices,
                               uint64_t from_ps, uint64_t until_ps)
{
    uint64_t work_ps = 0;
    for (uint32_t i = 0; i < s->depth; i++) {
        const struct exact_placed *placed = &s->list[i];
        uint64_t end_ps = min_u64(until_ps, placed->end_ps);
        if (end_ps > from_ps)
            work_ps += (uint64_t)((unsigned __int128)prices->work_ps[placed->way - s->c->ways] *
                                  (end_ps - from_ps) / placed->way->duration_ps);
    }
    return work_ps;
}

/* Layers with heads and tails of at least so much run within [head, makespan - tail]. */
static uint64_t windows_bound_ps(const struct exact_state *s, const struct exact_prices *prices,
                                 const struct left *left, uint64_t bound_ps, uint64_t limit_ps)
{
    uint32_t count = s->c->layer_count - s->depth;
    for (uint32_t t = 0; t < count; t++) {
        uint64_t sum_ps = 0, tail_ps = left[t].tail_ps;
        for (uint32_t i = 0; i < count && bound_ps < limit_ps; i++) {
            if (left[i].tail_ps < tail_ps)
                continue;
            sum_ps += left[i].work_ps;
            uint64_t until_ps = bound_ps - min_u64(bound_ps, tail_ps);
            uint64_t work_ps = sum_ps + placed_work_ps(s, prices, left[i].head_ps, until_ps);
            bound_ps =
                max_u64(bound_ps, left[i].head_ps + ceil_div_u64(work_ps, prices->total) + tail_ps);
        }
    }
    return bound_ps;
}

uint64_t exact_load_bound_ps(struct exact_state *s, uint64_t path_bound_ps, uint64_t limit_ps)
{
    const struct exact_case *c = s->c;
    struct left left[EXACT_LAYERS_MAX];
    uint64_t bound_ps = path_bound_ps;
    for (size_t i = 0; i < c->price_count && bound_ps < limit_ps; i++) {
        if (!list_left(s, &c->prices[i], limit_ps, left))
            return limit_ps;
        bound_ps = windows_bound_ps(s, &c->prices[i], left, bound_ps, limit_ps);
    }
    return bound_ps;
}
