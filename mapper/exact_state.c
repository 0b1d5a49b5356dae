/* Starts of a partial mapping, without contention (docs/model.md M-30 to M-33). */

#include "core/num.h"
#include "mapper/exact.h"

void exact_state_init(struct exact_state *s, const struct exact_case *c)
{
    *s = (struct exact_state){
        .c = c,
        .list = ARENA_ARRAY(c->arena, struct exact_placed, c->layer_count),
        .at = ARENA_ARRAY(c->arena, const struct exact_placed *, c->layer_count),
        .used = ARENA_ARRAY(c->arena, uint32_t, c->acc_count),
        .rooms =
            ARENA_ARRAY(c->arena, struct exact_room, (size_t)c->acc_count * (c->layer_count + 1)),
        .least_end_ps = ARENA_ARRAY(c->arena, uint64_t, (size_t)c->layer_count * c->acc_count),
        .start_ps = ARENA_ARRAY(c->arena, uint64_t, c->way_begin[c->layer_count]),
    };
}

void exact_place(struct exact_state *s, uint32_t layer, const struct exact_way *way,
                 uint64_t start_ps)
{
    const struct exact_placed *before = exact_last(s);
    struct exact_placed *placed = &s->list[s->depth++];
    uint64_t end_ps = start_ps + way->duration_ps, written_ps = end_ps + way->write_ps;
    *placed = (struct exact_placed){
        .layer = layer,
        .way = way,
        .start_ps = start_ps,
        .end_ps = end_ps,
        .makespan_ps = before ? max_u64(before->makespan_ps, written_ps) : written_ps,
        .ends_ps = (before ? before->ends_ps : 0) + end_ps,
    };
    s->at[layer] = placed;
    s->placed |= UINT64_C(1) << layer;
    s->used[way->acc]++;
}

void exact_take_back(struct exact_state *s)
{
    const struct exact_placed *placed = &s->list[--s->depth];
    s->at[placed->layer] = NULL;
    s->placed &= ~(UINT64_C(1) << placed->layer);
    s->used[placed->way->acc]--;
}

uint64_t exact_inputs_ps(const struct exact_state *s, uint32_t layer, uint32_t acc)
{
    const struct problem *p = s->c->problem;
    uint64_t ready_ps = problem_release_ps(p, layer);
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        const struct problem_edge *edge = &p->preds[at];
        const struct exact_placed *from = s->at[edge->layer];
        if (from)
            ready_ps = max_u64(ready_ps, from->end_ps + problem_transfer_ps(p, edge->size_class,
                                                                            from->way->acc, acc));
    }
    return ready_ps;
}

/* Would the way fit at this time beside all that is placed but `self`? If not, *next_ps is when the
 * first of them ends. */
static bool fits_at(const struct exact_state *s, const struct exact_way *way, uint64_t at_ps,
                    const struct exact_placed *self, uint64_t *next_ps)
{
    const struct soc_accelerator *acc = &s->c->problem->soc->accelerators[way->acc];
    uint64_t pes = way->pes, scratchpad_bytes = way->scratchpad_bytes, layers = 1;
    uint64_t first_end_ps = UINT64_MAX;
    for (uint32_t i = 0; i < s->depth; i++) {
        const struct exact_placed *other = &s->list[i];
        if (other->way->acc != way->acc || other->start_ps > at_ps || other->end_ps <= at_ps ||
            other == self)
            continue;
        pes += other->way->pes;
        scratchpad_bytes += other->way->scratchpad_bytes;
        layers++;
        first_end_ps = min_u64(first_end_ps, other->end_ps);
    }
    *next_ps = first_end_ps;
    return pes <= soc_pes(acc) && scratchpad_bytes <= acc->scratchpad_bytes &&
           layers <= acc->shared_layers_max;
}

/* From this start to the end? Use rises at starts only. */
static bool fits_from(const struct exact_state *s, const struct exact_way *way, uint64_t from_ps,
                      const struct exact_placed *self, uint64_t *next_ps)
{
    if (!fits_at(s, way, from_ps, self, next_ps))
        return false;
    for (uint32_t i = 0; i < s->depth; i++) {
        const struct exact_placed *other = &s->list[i];
        if (other->way->acc == way->acc && other->start_ps > from_ps &&
            other->start_ps < from_ps + way->duration_ps && other != self &&
            !fits_at(s, way, other->start_ps, self, next_ps))
            return false;
    }
    return true;
}

uint64_t exact_first_fit_ps(const struct exact_state *s, const struct exact_way *way,
                            uint64_t from_ps)
{
    uint64_t next_ps;
    if (s->used[way->acc] == 0)
        return from_ps;
    while (!fits_from(s, way, from_ps, NULL, &next_ps))
        from_ps = next_ps;
    return from_ps;
}

bool exact_fits_instead(const struct exact_state *s, const struct exact_placed *placed,
                        const struct exact_way *way)
{
    uint64_t next_ps;
    return fits_from(s, way, placed->start_ps, placed, &next_ps);
}
