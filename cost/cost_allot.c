/* Which allotments of an accelerator's PEs a layer is offered: cost_allotments(). */
#include <stdlib.h>

#include "core/num.h"
#include "cost/cost.h"
#include "cost/cost_layer.h"

enum {
    TILED_MAX = 12,                        /* allotments per (class, accelerator) with replicas */
    TILED_NARROWEST = 8,                   /* the natural allotment by so much */
    VECTOR_HALVINGS = 4,                   /* narrower allotments of layers without MACs */
    CANDIDATES_MAX = COST_OPTIONS_MAX * 36 /* two replica counts per octave of 2^16, and the most */
};

const char *const cost_sharing_names[COST_SHARING_COUNT] = { "fixed", "elastic", "tiled" };

/*
 * Rows for p passes over the folded extent, trimmed so that no pass has rows to spare, for p
 * growing by about a fifth each time: the natural rows first, then fewer and fewer. M-16
 */
static size_t row_counts(uint64_t extent, uint64_t natural, uint64_t least,
                         uint32_t rows[COST_OPTIONS_MAX])
{
    size_t count = 0;
    rows[count++] = (uint32_t)natural;
    uint64_t passes = ceil_div_u64(extent, natural);
    while (count < COST_OPTIONS_MAX) {
        uint64_t trimmed = ceil_div_u64(extent, passes);
        if (trimmed < least)
            break;
        if (trimmed < rows[count - 1])
            rows[count++] = (uint32_t)trimmed;
        if (trimmed == 1)
            break;
        passes = max_u64(ceil_div_u64(extent, trimmed - 1), passes + passes / 5);
    }
    return count;
}

static struct cost_allotment alone(uint64_t pes)
{
    return (struct cost_allotment){ .pes = (uint32_t)pes, .replicas = 1, .split = ROLE_NONE };
}

static size_t vector_allotments(uint32_t natural, enum cost_sharing sharing,
                                struct cost_allotment out[COST_OPTIONS_MAX])
{
    size_t count = 0;
    out[count++] = alone(natural);
    if (sharing == COST_SHARING_FIXED)
        return count;
    for (unsigned i = 0; i < VECTOR_HALVINGS && out[count - 1].pes > 1; i++, count++)
        out[count] = alone(out[count - 1].pes / 2);
    return count;
}

/* --- tiled: all that may be worth it ---------------------------------------------------------- */

struct candidate {
    struct cost_allotment allotment;
    uint64_t pes;
    struct cost_trial trial;
};

struct search {
    const struct layer_shape *shape;
    const struct soc_accelerator *acc;
    const struct soc_energy *energy;
    unsigned split_roles;
    uint64_t row_pes, natural_pes;
    size_t count;
    struct candidate candidates[CANDIDATES_MAX];
};

static bool try_candidate(const struct search *search, uint64_t rows, uint64_t replicas,
                          enum role split, struct candidate *out)
{
    out->allotment = (struct cost_allotment){ .pes = (uint32_t)(rows * search->row_pes),
                                              .replicas = (uint32_t)replicas,
                                              .split = split };
    out->pes = out->allotment.pes * replicas;
    return cost_try(search->shape, search->acc, search->energy, &out->allotment, &out->trial);
}

/* By time, then energy, then width; what is left is settled by the order of trying. */
static bool is_faster(const struct candidate *a, const struct candidate *b)
{
    if (a->trial.cycles != b->trial.cycles)
        return a->trial.cycles < b->trial.cycles;
    if (a->trial.traffic_pj != b->trial.traffic_pj)
        return a->trial.traffic_pj < b->trial.traffic_pj;
    return a->pes < b->pes;
}

/* The role that is best split over at most so many replicas; a part less needs none of them. */
static void add_split(struct search *search, uint64_t rows, uint64_t replicas)
{
    struct candidate best = { .trial.cycles = UINT64_MAX }, trial;
    for (enum role role = (enum role)1; role < ROLE_COUNT; role++) {
        if (!(search->split_roles & ROLE_BIT(role)))
            continue;
        uint64_t extent = search->shape->extent[role];
        uint64_t needed = ceil_div_u64(extent, ceil_div_u64(extent, replicas));
        if (needed > 1 && try_candidate(search, rows, needed, role, &trial) &&
            is_faster(&trial, &best))
            best = trial;
    }
    if (best.trial.cycles != UINT64_MAX && best.pes != search->natural_pes)
        search->candidates[search->count++] = best;
}

/* 2, 3, 4, 6, 8, 12 … replicas, and as many as there is room for; none that would be narrower than
 * the natural allotment. */
static void add_splits(struct search *search, uint64_t rows)
{
    uint64_t most = min_u64(soc_pes(search->acc) / (rows * search->row_pes), UINT16_MAX);
    for (uint64_t power = 2; power <= most; power *= 2)
        for (unsigned half = 0; half < 2; half++) {
            uint64_t replicas = power + half * (power / 2);
            if (replicas < most && replicas * rows * search->row_pes > search->natural_pes)
                add_split(search, rows, replicas);
        }
    if (most > 1)
        add_split(search, rows, most);
}

/* --- tiled: what is worth it ------------------------------------------------------------------ */

static int by_width(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->pes != y->pes)
        return x->pes < y->pes ? -1 : 1;
    return is_faster(x, y) ? -1 : is_faster(y, x);
}

/* Keeps those that nothing narrower, or as wide, is as fast as: narrowest first. */
static void keep_front(struct search *search)
{
    size_t kept = 0;
    qsort(search->candidates, search->count, sizeof *search->candidates, by_width);
    for (size_t i = 0; i < search->count; i++)
        if (kept == 0 ||
            search->candidates[i].trial.cycles < search->candidates[kept - 1].trial.cycles)
            search->candidates[kept++] = search->candidates[i];
    search->count = kept;
}

/* What it costs at least to do with a neighbour instead: as a factor of time or of PEs. */
static double loss_without(const struct search *search, size_t i)
{
    const struct candidate *at = &search->candidates[i];
    double wider = (double)at[1].pes / (double)at->pes;
    if (i == 0)
        return wider;
    double slower = (double)at[-1].trial.cycles / (double)at->trial.cycles;
    return slower < wider ? slower : wider;
}

static void thin_out(struct search *search, size_t most)
{
    while (search->count > most) {
        size_t least = SIZE_MAX;
        for (size_t i = 0; i + 1 < search->count; i++)
            if (search->candidates[i].pes != search->natural_pes &&
                (least == SIZE_MAX || loss_without(search, i) < loss_without(search, least)))
                least = i;
        for (size_t i = least; i + 1 < search->count; i++)
            search->candidates[i] = search->candidates[i + 1];
        search->count--;
    }
}

static size_t tiled_allotments(struct search *search, const uint32_t *rows, size_t row_count,
                               struct cost_allotment out[COST_OPTIONS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < row_count; i++) {
        struct candidate single;
        if (try_candidate(search, rows[i], 1, ROLE_NONE, &single))
            search->candidates[search->count++] = single;
        add_splits(search, rows[i]);
    }
    keep_front(search);
    /* The natural one may have a trimmed one that is as fast. */
    bool natural = false;
    for (size_t i = 0; i < search->count; i++)
        natural = natural || search->candidates[i].pes == search->natural_pes;
    thin_out(search, natural ? TILED_MAX : TILED_MAX - 1);
    out[count++] = alone(search->natural_pes);
    for (size_t i = search->count; i-- > 0;)
        if (search->candidates[i].pes != search->natural_pes)
            out[count++] = search->candidates[i].allotment;
    return count;
}

/* --- all of them ------------------------------------------------------------------------------ */

size_t cost_allotments(const struct layer_shape *shape, const struct soc_accelerator *acc,
                       const struct soc_energy *energy, enum cost_sharing sharing,
                       struct cost_allotment out[COST_OPTIONS_MAX])
{
    uint32_t natural_pes = cost_natural_pes(shape, acc);
    if (natural_pes == 0)
        return 0;
    if (acc->dataflow->measured.present) { /* measured as a whole */
        out[0] = alone(natural_pes);
        return 1;
    }
    if (!op_kind_has_macs(shape->kind))
        return vector_allotments(natural_pes, sharing, out);
    uint32_t row_pes = cost_row_pes(shape, acc), rows[COST_OPTIONS_MAX];
    uint64_t natural = natural_pes / row_pes, least = 1;
    if (sharing == COST_SHARING_TILED)
        least = ceil_div_u64(natural, TILED_NARROWEST);
    if (sharing == COST_SHARING_FIXED)
        least = natural + 1;
    size_t count = row_counts(cost_row_extent(shape, acc), natural, least, rows);
    if (sharing == COST_SHARING_TILED) {
        struct search search = { .shape = shape,
                                 .acc = acc,
                                 .energy = energy,
                                 .split_roles = cost_split_roles(shape, acc),
                                 .row_pes = row_pes,
                                 .natural_pes = natural_pes };
        return tiled_allotments(&search, rows, count, out);
    }
    for (size_t i = 0; i < count; i++)
        out[i] = alone((uint64_t)rows[i] * row_pes);
    return count;
}
