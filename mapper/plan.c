#include "mapper/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "core/rng.h"
#include "mapper/waist.h"

enum { PIECES_MAX = 6, GROUPS_MAX = 8, FIRST_TRIES = 12 };
/* Shares of the value; and of the mean end of the networks in it. */
static const double hot = 1e-2, cold = 5e-4, mean_end_weight = 0.05;

struct piece {
    uint32_t begin; /* first layer; the last one ends with its network */
    uint16_t accelerator[GROUPS_MAX];
};

struct plan {
    uint32_t *order;      /* [place] -> network, first come first served */
    uint32_t *count;      /* [network]: pieces */
    struct piece *pieces; /* [network * PIECES_MAX …] */
};

struct search {
    const struct decode_ways *ways;
    const struct problem *problem;
    struct decoder *decoder;
    struct rng rng;
    uint32_t network_count;
    uint32_t *begin; /* [network]: first layer; one more at the end */
    uint32_t *waist; /* mapper/waist.h */
    uint8_t *group;  /* [class]: by kind of layer */
    uint32_t groups;
    uint16_t *accelerator; /* [layer] of the plan under trial */
    const volatile sig_atomic_t *stop;
    struct activity_list *list;
};

bool plan_suits(const struct problem *problem)
{
    return !problem->has_cascades && problem->accelerator_count > 1;
}

/* --- set-up --------------------------------------------------------------------------------- */

static void find_networks(struct search *s)
{
    const struct problem *p = s->problem;
    s->network_count = (uint32_t)p->network_count;
    s->begin = mem_alloc(p->network_count + 1, sizeof *s->begin);
    for (uint32_t layer = 0; layer < p->layer_count; layer++)
        s->begin[p->network_of[layer] + 1] = layer + 1;
    for (uint32_t n = 0; n < s->network_count; n++) /* without layers */
        s->begin[n + 1] = (uint32_t)max_u64(s->begin[n + 1], s->begin[n]);
}

/* Kinds of layers by what they are and where they can run. */
static void find_groups(struct search *s)
{
    const struct view *view = s->ways->view;
    uint32_t first[GROUPS_MAX];
    s->group = mem_alloc(view->class_count, sizeof *s->group);
    for (uint32_t class = 0; class < view->class_count; class ++) {
        const uint32_t *support = view->support + view->support_begin[class];
        const uint32_t count = view->support_begin[class + 1] - view->support_begin[class];
        uint32_t group = 0;
        const struct problem *p = s->problem;
        enum op_kind kind = workload_layer(p->workload, p->class_layer[class])->shape.kind;
        for (; group < s->groups; group++) {
            uint32_t other = first[group];
            uint32_t others = view->support_begin[other + 1] - view->support_begin[other];
            if (workload_layer(p->workload, p->class_layer[other])->shape.kind == kind &&
                others == count &&
                !memcmp(view->support + view->support_begin[other], support,
                        count * sizeof *support))
                break;
        }
        group = min_u64(group, GROUPS_MAX - 1);
        if (group == s->groups)
            first[s->groups++] = class;
        s->group[class] = (uint8_t)group;
    }
}

static void plan_init(const struct search *s, struct plan *plan)
{
    plan->order = mem_alloc(s->network_count, sizeof *plan->order);
    plan->count = mem_alloc(s->network_count, sizeof *plan->count);
    plan->pieces = mem_alloc((size_t)s->network_count * PIECES_MAX, sizeof *plan->pieces);
}

static void plan_release(struct plan *plan)
{
    free(plan->order);
    free(plan->count);
    free(plan->pieces);
}

static void plan_copy(const struct search *s, struct plan *to, const struct plan *from)
{
    memcpy(to->order, from->order, s->network_count * sizeof *to->order);
    memcpy(to->count, from->count, s->network_count * sizeof *to->count);
    memcpy(to->pieces, from->pieces, (size_t)s->network_count * PIECES_MAX * sizeof *to->pieces);
}

/* --- from a plan to a schedule --------------------------------------------------------------- */

static uint16_t any_accelerator(struct search *s, uint32_t class)
{
    const struct view *view = s->ways->view;
    uint32_t count = view->support_begin[class + 1] - view->support_begin[class];
    return (uint16_t)view->support[view->support_begin[class] + rng_below(&s->rng, count)];
}

static bool supports(const struct search *s, uint32_t class, uint32_t acc)
{
    return problem_option_count(s->problem, s->problem->class_layer[class], acc) > 0;
}

static void choose_accelerators(struct search *s, const struct plan *plan, uint32_t network)
{
    const struct piece *piece = &plan->pieces[(size_t)network * PIECES_MAX];
    const struct piece *last = piece + plan->count[network] - 1;
    for (uint32_t layer = s->begin[network]; layer < s->begin[network + 1]; layer++) {
        while (piece < last && layer >= piece[1].begin)
            piece++;
        uint32_t class = s->problem->class_of[layer];
        const struct view *view = s->ways->view;
        uint16_t acc = piece->accelerator[s->group[class]];
        s->accelerator[layer] =
            supports(s, class, acc) ? acc : (uint16_t)view->support[view->support_begin[class]];
    }
}

/* Layers of the first `places` networks, one behind the other; as they are up to `same`. */
static uint32_t list_layers(struct search *s, const struct plan *plan, uint32_t same,
                            uint32_t places, uint32_t *from)
{
    uint32_t count = 0;
    for (uint32_t place = 0; place < places; place++) {
        uint32_t network = plan->order[place];
        if (place == same)
            *from = count;
        if (place < same) {
            count += s->begin[network + 1] - s->begin[network];
            continue;
        }
        choose_accelerators(s, plan, network);
        for (uint32_t layer = s->begin[network]; layer < s->begin[network + 1]; layer++) {
            s->list->position[layer] = count;
            s->list->order[count++] = layer;
        }
    }
    return count;
}

static double value_of(const struct decode_result *r)
{
    if (r->makespan_ps == DECODE_NEVER)
        return INFINITY;
    return (double)r->makespan_ps + mean_end_weight * r->mean_network_end_ps;
}

/* Of the first `places` networks alone. */
static double value_of_first(struct search *s, const struct plan *plan, uint32_t places)
{
    uint32_t from = 0, count = list_layers(s, plan, 0, places, &from);
    struct decode_result r =
        decoder_run_on(s->decoder, s->list, 0, count, s->accelerator, DECODE_NEVER, false);
    return value_of(&r);
}

/* Of all of them; the last plan that was kept is the same in the first `same` places. */
static double try_plan(struct search *s, const struct plan *plan, uint32_t same, uint64_t limit_ps,
                       bool keep)
{
    uint32_t from = 0, count = list_layers(s, plan, same, s->network_count, &from);
    struct decode_result r =
        decoder_run_on(s->decoder, s->list, from, count, s->accelerator, limit_ps, keep);
    return value_of(&r);
}

/* --- moves ---------------------------------------------------------------------------------- */

static void repaint(struct search *s, struct piece *piece, uint32_t network)
{
    bool whole = rng_below(&s->rng, 2);
    uint32_t layers = s->begin[network + 1] - s->begin[network];
    uint32_t layer = s->begin[network] + rng_below(&s->rng, layers);
    uint32_t class = s->problem->class_of[layer];
    uint16_t acc = any_accelerator(s, class);
    for (uint32_t group = 0; group < s->groups; group++)
        if (whole || group == s->group[class])
            piece->accelerator[group] = acc;
}

/* Where nothing of a group can run, the first that supports it stands in: draw for all groups. */
static void paint_anew(struct search *s, struct piece *piece)
{
    for (uint32_t class = 0; class < s->ways->view->class_count; class ++)
        piece->accelerator[s->group[class]] = any_accelerator(s, class);
}

static uint32_t any_begin(struct search *s, uint32_t network)
{
    uint32_t layers = s->begin[network + 1] - s->begin[network];
    return s->waist[s->begin[network] + rng_below(&s->rng, layers)];
}

static void sort_pieces(const struct search *s, struct plan *plan, uint32_t network)
{
    struct piece *pieces = &plan->pieces[(size_t)network * PIECES_MAX];
    for (uint32_t i = 2; i < plan->count[network]; i++)
        for (uint32_t j = i; j > 1 && pieces[j].begin < pieces[j - 1].begin; j--) {
            struct piece other = pieces[j];
            pieces[j] = pieces[j - 1];
            pieces[j - 1] = other;
        }
    pieces[0].begin = s->begin[network];
}

/* Between two cuts, both new perhaps, all goes elsewhere. */
static void cut_in_two(struct search *s, struct plan *plan, uint32_t network)
{
    struct piece *pieces = &plan->pieces[(size_t)network * PIECES_MAX];
    uint32_t *count = &plan->count[network];
    if (*count == PIECES_MAX)
        return;
    uint32_t begin = any_begin(s, network), at = 0;
    while (at + 1 < *count && pieces[at + 1].begin <= begin)
        at++;
    pieces[*count] = pieces[at];
    pieces[*count].begin = begin;
    ++*count;
    sort_pieces(s, plan, network);
    repaint(s, &pieces[at + rng_below(&s->rng, 2)], network);
}

static void join(struct search *s, struct plan *plan, uint32_t network)
{
    struct piece *pieces = &plan->pieces[(size_t)network * PIECES_MAX];
    uint32_t *count = &plan->count[network];
    if (*count == 1)
        return;
    uint32_t gone = rng_below(&s->rng, *count);
    memmove(&pieces[gone], &pieces[gone + 1], (*count - gone - 1) * sizeof *pieces);
    --*count;
    pieces[0].begin = s->begin[network];
}

static void shift_cut(struct search *s, struct plan *plan, uint32_t network)
{
    struct piece *pieces = &plan->pieces[(size_t)network * PIECES_MAX];
    if (plan->count[network] == 1)
        return;
    struct piece *piece = &pieces[1 + rng_below(&s->rng, plan->count[network] - 1)];
    uint32_t reach = 4 + (s->begin[network + 1] - s->begin[network]) / 8;
    int64_t to = (int64_t)piece->begin + rng_below(&s->rng, 2 * reach + 1) - reach;
    to = to < s->begin[network] ? s->begin[network] : to;
    to = to >= s->begin[network + 1] ? s->begin[network + 1] - 1 : to;
    piece->begin = s->waist[to];
    sort_pieces(s, plan, network);
}

static void swap_places(struct search *s, struct plan *plan)
{
    uint32_t a = rng_below(&s->rng, s->network_count), b = rng_below(&s->rng, s->network_count);
    uint32_t network = plan->order[a];
    plan->order[a] = plan->order[b];
    plan->order[b] = network;
}

/* Two accelerators change places in one network from some piece on, or in two networks. */
static void exchange(struct search *s, struct plan *plan, uint32_t network)
{
    uint32_t class = s->problem->class_of[s->begin[network]];
    uint16_t one = any_accelerator(s, class), other = any_accelerator(s, class);
    uint32_t from = rng_below(&s->rng, plan->count[network]);
    struct piece *pieces = &plan->pieces[(size_t)network * PIECES_MAX];
    for (uint32_t i = from; i < plan->count[network]; i++)
        for (uint32_t group = 0; group < s->groups; group++) {
            uint16_t *acc = &pieces[i].accelerator[group];
            *acc = *acc == one ? other : *acc == other ? one : *acc;
        }
}

static uint32_t piece_at(const struct plan *plan, uint32_t network, uint32_t layer)
{
    const struct piece *pieces = &plan->pieces[(size_t)network * PIECES_MAX];
    uint32_t at = 0;
    while (at + 1 < plan->count[network] && pieces[at + 1].begin <= layer)
        at++;
    return at;
}

/* From some layer on a network goes on like this piece. */
static void go_on_like(const struct search *s, struct plan *plan, uint32_t network, uint32_t layer,
                       const struct piece *like)
{
    uint32_t at = piece_at(plan, network, layer);
    struct piece *pieces = &plan->pieces[(size_t)network * PIECES_MAX];
    if (layer > s->begin[network] && at + 1 < PIECES_MAX)
        at++;
    plan->count[network] = at + 1;
    pieces[at] = *like;
    pieces[at].begin = at > 0 ? layer : s->begin[network];
}

/* Two networks change places at some point of each. */
static void cross(struct search *s, struct plan *plan, uint32_t one)
{
    uint32_t other = rng_below(&s->rng, s->network_count);
    if (other == one || s->begin[other] == s->begin[other + 1])
        return;
    uint32_t a = any_begin(s, one), b = any_begin(s, other);
    struct piece of_one = plan->pieces[(size_t)one * PIECES_MAX + piece_at(plan, one, a)];
    struct piece of_other = plan->pieces[(size_t)other * PIECES_MAX + piece_at(plan, other, b)];
    go_on_like(s, plan, one, a, &of_other);
    go_on_like(s, plan, other, b, &of_one);
}

static void move(struct search *s, struct plan *plan)
{
    uint32_t network = rng_below(&s->rng, s->network_count);
    if (s->begin[network] == s->begin[network + 1])
        return;
    struct piece *pieces = &plan->pieces[(size_t)network * PIECES_MAX];
    switch (rng_below(&s->rng, 10)) {
    case 0:
        swap_places(s, plan);
        break;
    case 1:
        cut_in_two(s, plan, network);
        break;
    case 2:
        join(s, plan, network);
        break;
    case 3:
    case 4:
        shift_cut(s, plan, network);
        break;
    case 8:
    case 9:
        cross(s, plan, network);
        break;
    case 5:
        exchange(s, plan, network);
        break;
    default:
        repaint(s, &pieces[rng_below(&s->rng, plan->count[network])], network);
    }
}

/* --- search --------------------------------------------------------------------------------- */

/* Networks in random order, each in one piece where it ends first of a few tries. */
static void begin_plan(struct search *s, struct plan *plan, struct plan *best)
{
    for (uint32_t n = 0; n < s->network_count; n++) {
        plan->order[n] = n;
        plan->count[n] = 1;
        plan->pieces[(size_t)n * PIECES_MAX].begin = s->begin[n];
    }
    rng_shuffle_u32(&s->rng, plan->order, s->network_count);
    for (uint32_t place = 0; place < s->network_count; place++) {
        struct piece *piece = &plan->pieces[(size_t)plan->order[place] * PIECES_MAX];
        struct piece first = { 0 };
        double least = INFINITY;
        for (int i = 0; i < FIRST_TRIES; i++) {
            paint_anew(s, piece);
            double value = value_of_first(s, plan, place + 1);
            if (value < least) {
                least = value;
                first = *piece;
            }
        }
        *piece = first;
    }
    plan_copy(s, best, plan);
}

/* Places before which two plans are the same. */
static uint32_t same_places(const struct search *s, const struct plan *a, const struct plan *b)
{
    uint32_t place = 0;
    for (; place < s->network_count && a->order[place] == b->order[place]; place++) {
        uint32_t n = a->order[place];
        size_t first = (size_t)n * PIECES_MAX;
        if (a->count[n] != b->count[n] ||
            memcmp(&a->pieces[first], &b->pieces[first], a->count[n] * sizeof *a->pieces) != 0)
            break;
    }
    return place;
}

static void anneal_plan(struct search *s, struct plan *now, struct plan *best, uint64_t work_layers)
{
    struct plan next;
    plan_init(s, &next);
    double value = try_plan(s, now, 0, DECODE_NEVER, true), least = value;
    uint64_t begin = decoder_work_layers(s->decoder), done = 0, idle = 0;
    while (done < work_layers && idle < 1000 && !(s->stop && *s->stop)) {
        double temperature = least * hot * pow(cold / hot, (double)done / (double)work_layers);
        double threshold = value - temperature * log(1 - rng_real(&s->rng));
        plan_copy(s, &next, now);
        move(s, &next);
        uint32_t same = same_places(s, &next, now);
        idle = same == s->network_count ? idle + 1 : 0;
        if (idle)
            continue;
        double found = try_plan(s, &next, same, (uint64_t)threshold, false);
        if (found <= threshold) {
            plan_copy(s, now, &next);
            value = try_plan(s, now, same, DECODE_NEVER, true);
        } else {
            uint32_t from;
            list_layers(s, now, same, s->network_count, &from);
        }
        if (value < least) {
            least = value;
            plan_copy(s, best, now);
        }
        done = decoder_work_layers(s->decoder) - begin;
    }
    plan_release(&next);
}

void plan_search(const struct decode_ways *ways, uint64_t seed, uint32_t island,
                 uint64_t work_layers, const volatile sig_atomic_t *stop,
                 struct activity_list *list)
{
    const struct problem *p = ways->view->problem;
    struct search s = {
        .ways = ways,
        .problem = p,
        .decoder = decoder_new(ways, false, false),
        .rng = rng_stream(seed, UINT64_C(0x706c616e), island),
        .accelerator = mem_alloc(p->layer_count, sizeof *s.accelerator),
        .waist = waist_find(p),
        .stop = stop,
        .list = list,
    };
    struct plan now, best;
    find_networks(&s);
    find_groups(&s);
    plan_init(&s, &now);
    plan_init(&s, &best);
    begin_plan(&s, &now, &best);
    uint64_t spent = decoder_work_layers(s.decoder);
    anneal_plan(&s, &now, &best, work_layers > spent ? work_layers - spent : 0);
    try_plan(&s, &best, 0, DECODE_NEVER, true);
    plan_release(&now);
    plan_release(&best);
    free(s.begin);
    free(s.waist);
    free(s.group);
    free(s.accelerator);
    decoder_free(s.decoder);
}
