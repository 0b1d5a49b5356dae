#include "mapper/anneal.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "mapper/waist.h"

/* Chosen on COMB's 24 cases; reports/studies/comb-24 shows what each lever is worth. */
static const double mean_end_weight = 0.05; /* networks that end early leave room for others */
static const double chain_share = 0.6;      /* of the picks fall on the critical chain */
static const double way_share = 0.7,
                    network_share = 0.03; /* of the moves; the rest shift a layer */
static const double pair_share = 0.25, run_share = 0.4, run_goes_on = 0.8;
static const double aim_sum_weight = 0.02;
static const double stretch_share = 0.25; /* of the changes of ways */
enum { CHAIN_PERIOD_MOVES = 256, JUSTIFY_PERIOD_MOVES = 4000, STOP_PERIOD_MOVES = 64 };

struct way_change {
    uint32_t layer;
    uint16_t old;
};

struct anneal {
    const struct decode_ways *ways;
    const struct problem *problem;
    enum objective objective;
    struct anneal_levers levers;
    struct decoder *decoder;
    struct rng rng;
    struct activity_list current, best, spare;
    double current_value, best_value;
    double current_goal, best_goal; /* of the objective; where deadlines decide */
    uint64_t current_makespan_ps, best_makespan_ps;
    double least_mean_end_ps; /* no schedule has a smaller mean end of its networks */
    uint64_t moves;
    bool is_aimed; /* `aim` decides, not the objective */
    struct anneal_aim aim;
    struct archive *archive; /* or NULL */

    /* The move under trial: ways changed, and the order as it was in [low, high]. */
    struct way_change *changes;
    size_t change_count;
    uint32_t low, high, *old_order;

    uint32_t *waist; /* mapper/waist.h */
    uint32_t *chain; /* layers of a critical chain of the current list */
    size_t chain_count;
    bool chain_is_stale;
    uint64_t chain_moves; /* when it was found */
};

/* --- values --------------------------------------------------------------------------------- */

static bool is_about_deadlines(enum objective objective)
{
    return objective >= OBJECTIVE_PLAIN_COUNT;
}

/* Counts alone would be a plain with steps: mean and worst lateness say where it goes down. With
 * nothing late, shorter latencies leave room. */
double anneal_lateness_value(enum objective objective, const struct decode_result *r)
{
    const struct punctuality *on_time = &r->on_time;
    if (on_time->frames == 0)
        return (double)r->makespan_ps;
    double frames = (double)on_time->frames;
    double allowed_ps = (double)on_time->total_allowed_ps / frames;
    double missed = objective == OBJECTIVE_XRBENCH ? 1 - on_time->xrbench_score
                                                   : (double)on_time->misses / frames;
    return missed * allowed_ps + (double)on_time->total_lateness_ps / frames +
           0.2 * (double)on_time->worst_lateness_ps +
           mean_end_weight * (double)on_time->total_latency_ps / frames;
}

/* So that values change about as much as latency and energy themselves do. */
static double aim_scale(const struct anneal_aim *aim)
{
    double latency = aim->range_ps / aim->ideal_ps;
    double energy = aim->ideal_pj > 0 ? aim->range_pj / aim->ideal_pj : latency;
    return sqrt(latency * energy);
}

double anneal_aim_value(const struct anneal_aim *aim, uint64_t makespan_ps, double energy_pj)
{
    double u = ((double)makespan_ps - aim->ideal_ps) / aim->range_ps;
    double v = (energy_pj - aim->ideal_pj) / aim->range_pj, w = aim->latency_weight;
    double worse = fmax(w * u, (1 - w) * v);
    return 1 + aim_scale(aim) * (worse + aim_sum_weight * (fmax(u, 0) + fmax(v, 0)));
}

/* The part of an aimed value that mean network ends of 1 ps make. */
static double aim_mean_end_weight(const struct anneal_aim *aim)
{
    return aim_scale(aim) * mean_end_weight * aim->latency_weight / aim->range_ps;
}

static double value_of(const struct anneal *a, const struct decode_result *r)
{
    if (a->is_aimed)
        return anneal_aim_value(&a->aim, r->makespan_ps, r->energy_pj) +
               aim_mean_end_weight(&a->aim) * r->mean_network_end_ps;
    if (is_about_deadlines(a->objective))
        return anneal_lateness_value(a->objective, r);
    if (a->objective == OBJECTIVE_LATENCY)
        return (double)r->makespan_ps + mean_end_weight * r->mean_network_end_ps;
    return objective_value(a->objective, r->makespan_ps, r->energy_pj);
}

/* With the least energy there may be, at the ideal point. */
static uint64_t aim_limit(const struct anneal *a, double value)
{
    double left = value - 1 - aim_mean_end_weight(&a->aim) * a->least_mean_end_ps;
    double per_range = aim_scale(&a->aim) * (a->aim.latency_weight + aim_sum_weight);
    double limit_ps = a->aim.ideal_ps + a->aim.range_ps * left / per_range;
    if (left < 0 || limit_ps >= (double)(DECODE_NEVER / 2))
        return DECODE_NEVER;
    return (uint64_t)limit_ps + 1;
}

/* No schedule with a larger makespan has this value or a better one. */
static uint64_t limit_of(const struct anneal *a, double value)
{
    if (a->is_aimed)
        return aim_limit(a, value);
    if (a->objective != OBJECTIVE_LATENCY)
        return DECODE_NEVER;
    return (uint64_t)(value - mean_end_weight * a->least_mean_end_ps) + 1;
}

static double least_mean_end_ps(const struct decode_ways *ways)
{
    const struct problem *p = ways->view->problem;
    uint64_t *least_ps = mem_alloc(p->network_count, sizeof *least_ps);
    double sum_ps = 0;
    for (uint32_t layer = 0; layer < p->layer_count; layer++) {
        uint64_t path_ps = ways->fastest_ps[p->class_of[layer]] + ways->tail_ps[layer];
        uint64_t *least = &least_ps[p->network_of[layer]];
        *least = max_u64(*least, path_ps);
    }
    /* Tails may hold a write-back, which is behind the network's end: leave half of it out. */
    for (size_t i = 0; i < p->network_count; i++)
        sum_ps += 0.5 * (double)least_ps[i];
    free(least_ps);
    return sum_ps / (double)p->network_count;
}

/* --- life ----------------------------------------------------------------------------------- */

struct anneal *anneal_new(const struct decode_ways *ways, bool contention, enum objective objective,
                          const struct anneal_levers *levers, uint64_t seed, uint32_t island)
{
    struct anneal *a = mem_alloc(1, sizeof *a);
    size_t layers = ways->view->problem->layer_count;
    *a = (struct anneal){
        .ways = ways,
        .problem = ways->view->problem,
        .objective = objective,
        .levers = *levers,
        .decoder = decoder_new(ways, contention, objective != OBJECTIVE_LATENCY),
        .rng = rng_stream(seed, UINT64_C(0x616e6e65616c), island),
        .best_value = INFINITY,
        .best_goal = INFINITY,
        .best_makespan_ps = DECODE_NEVER,
        .least_mean_end_ps = least_mean_end_ps(ways),
        .changes = mem_alloc(layers, sizeof *a->changes),
        .old_order = mem_alloc(layers, sizeof *a->old_order),
        .waist = waist_find(ways->view->problem),
        .chain = mem_alloc(layers, sizeof *a->chain),
    };
    if (is_about_deadlines(objective))
        decoder_judge_deadlines(a->decoder, objective == OBJECTIVE_XRBENCH);
    activity_list_init(&a->current, layers);
    activity_list_init(&a->best, layers);
    activity_list_init(&a->spare, layers);
    return a;
}

void anneal_free(struct anneal *a)
{
    if (!a)
        return;
    decoder_free(a->decoder);
    activity_list_release(&a->current);
    activity_list_release(&a->best);
    activity_list_release(&a->spare);
    free(a->changes);
    free(a->old_order);
    free(a->waist);
    free(a->chain);
    free(a);
}

/* The mean end guides the search; what counts is the objective. */
static bool is_best(const struct anneal *a, uint64_t makespan_ps)
{
    if (a->objective == OBJECTIVE_LATENCY && makespan_ps != a->best_makespan_ps)
        return makespan_ps < a->best_makespan_ps;
    if (is_about_deadlines(a->objective) && a->current_goal != a->best_goal)
        return a->current_goal < a->best_goal;
    return a->current_value < a->best_value;
}

/* The current list from this position on was decoded to `r`, and is kept. */
static void take(struct anneal *a, const struct decode_result *r)
{
    a->current_value = value_of(a, r);
    a->current_makespan_ps = r->makespan_ps;
    const struct evaluation whole = { r->makespan_ps, r->energy_pj, r->on_time };
    a->current_goal = evaluation_value(a->objective, &whole);
    a->chain_is_stale = true;
    if (a->archive)
        archive_offer(a->archive, r->makespan_ps, r->energy_pj, &a->current);
    if (is_best(a, r->makespan_ps)) {
        a->best_value = a->current_value;
        a->best_goal = a->current_goal;
        a->best_makespan_ps = r->makespan_ps;
        activity_list_copy(&a->best, &a->current, a->problem->layer_count);
    }
}

void anneal_start(struct anneal *a, const struct activity_list *list)
{
    activity_list_copy(&a->current, list, a->problem->layer_count);
    struct decode_result r = decoder_run(a->decoder, &a->current, 0, DECODE_NEVER, true);
    take(a, &r);
}

void anneal_aim_at(struct anneal *a, const struct anneal_aim *aim, const struct activity_list *list)
{
    a->is_aimed = true;
    a->aim = *aim;
    a->best_value = a->best_goal = INFINITY;
    a->best_makespan_ps = DECODE_NEVER;
    anneal_start(a, list);
}

void anneal_keep_in(struct anneal *a, struct archive *archive)
{
    a->archive = archive;
}

/* --- the critical chain --------------------------------------------------------------------- */

/* A predecessor whose result arrives just when the layer starts, or its number of layers. */
static uint32_t tight_input(const struct anneal *a, uint32_t layer)
{
    const struct problem *p = a->problem;
    const uint64_t *end_ps = decoder_end_ps(a->decoder);
    uint64_t start_ps = decoder_start_ps(a->decoder)[layer];
    uint32_t acc = decode_way(a->ways, layer, a->current.way[layer])->accelerator;
    uint32_t latest = (uint32_t)p->layer_count;
    uint64_t latest_ps = 0;
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++) {
        uint32_t from = p->preds[at].layer;
        uint32_t from_acc = decode_way(a->ways, from, a->current.way[from])->accelerator;
        uint64_t there_ps =
            end_ps[from] + problem_transfer_ps(p, p->preds[at].size_class, from_acc, acc);
        if (there_ps > latest_ps) {
            latest_ps = there_ps;
            latest = from;
        }
    }
    return latest_ps >= start_ps ? latest : (uint32_t)p->layer_count;
}

/* A layer on the same accelerator that ends when this one starts, starting the search at a random
 * place; the number of layers if there is none. */
static uint32_t tight_neighbour(struct anneal *a, uint32_t layer)
{
    const struct problem *p = a->problem;
    const uint64_t *end_ps = decoder_end_ps(a->decoder);
    uint64_t start_ps = decoder_start_ps(a->decoder)[layer];
    uint32_t acc = decode_way(a->ways, layer, a->current.way[layer])->accelerator;
    uint32_t layers = (uint32_t)p->layer_count, first = rng_below(&a->rng, layers);
    for (uint32_t i = 0; i < layers; i++) {
        uint32_t other = first + i < layers ? first + i : first + i - layers;
        if (end_ps[other] == start_ps && other != layer &&
            decode_way(a->ways, other, a->current.way[other])->accelerator == acc)
            return other;
    }
    return layers;
}

static uint32_t last_layer(const struct anneal *a)
{
    const uint64_t *end_ps = decoder_end_ps(a->decoder);
    uint32_t last = 0;
    for (uint32_t layer = 1; layer < a->problem->layer_count; layer++)
        if (end_ps[layer] > end_ps[last])
            last = layer;
    return last;
}

/* From the layer that ends last, back over what each had to wait for. Where nothing fits to the
 * picosecond (a transfer waited for its link), the latest input stands in. */
static void find_chain(struct anneal *a)
{
    uint32_t layers = (uint32_t)a->problem->layer_count, layer = last_layer(a);
    a->chain_count = 0;
    while (layer < layers && a->chain_count < layers) {
        a->chain[a->chain_count++] = layer;
        uint32_t input = tight_input(a, layer), neighbour = tight_neighbour(a, layer);
        if (input < layers && neighbour < layers)
            layer = rng_below(&a->rng, 2) ? input : neighbour;
        else if (input < layers || neighbour < layers)
            layer = input < layers ? input : neighbour;
        else if (a->problem->pred_begin[layer] < a->problem->pred_begin[layer + 1])
            layer = a->problem->preds[a->problem->pred_begin[layer + 1] - 1].layer;
        else
            layer = layers;
    }
    a->chain_is_stale = false;
    a->chain_moves = a->moves;
}

static uint32_t pick_layer(struct anneal *a)
{
    if (!a->levers.critical_chain || rng_real(&a->rng) >= chain_share)
        return rng_below(&a->rng, (uint32_t)a->problem->layer_count);
    if (a->chain_count == 0 ||
        (a->chain_is_stale && a->moves - a->chain_moves >= CHAIN_PERIOD_MOVES))
        find_chain(a);
    return a->chain[rng_below(&a->rng, (uint32_t)a->chain_count)];
}

/* --- moves ---------------------------------------------------------------------------------- */

static void change_way(struct anneal *a, uint32_t layer, uint16_t way)
{
    if (a->current.way[layer] == way || a->change_count == a->problem->layer_count)
        return;
    a->changes[a->change_count++] = (struct way_change){ layer, a->current.way[layer] };
    a->current.way[layer] = way;
    a->low = min_u64(a->low, a->current.position[layer]);
}

/* A way of the layer on this accelerator, with the same number if there is one; or its own. */
static uint16_t way_on(const struct anneal *a, uint32_t layer, const struct decode_way *like)
{
    uint32_t count = decode_way_count(a->ways, layer);
    uint16_t found = a->current.way[layer];
    for (uint16_t i = 0; i < count; i++) {
        const struct decode_way *way = decode_way(a->ways, layer, i);
        if (way->accelerator != like->accelerator)
            continue;
        found = i;
        if (way->number >= like->number)
            break;
    }
    return found;
}

/* The layer before or behind in its network, by a random edge; itself at an end. */
static uint32_t neighbour_in_graph(struct anneal *a, uint32_t layer, bool behind)
{
    const struct problem *p = a->problem;
    const uint32_t *begin = behind ? p->succ_begin : p->pred_begin;
    uint32_t count = begin[layer + 1] - begin[layer];
    if (count == 0)
        return layer;
    return (behind ? p->succs : p->preds)[begin[layer] + rng_below(&a->rng, count)].layer;
}

static void change_to_any_other(struct anneal *a, uint32_t layer)
{
    uint32_t count = decode_way_count(a->ways, layer);
    if (count < 2)
        return;
    uint32_t way = rng_below(&a->rng, count - 1);
    change_way(a, layer, (uint16_t)(way + (way >= a->current.way[layer])));
}

/* A layer close by in the list: the two may come to share an accelerator, or make room. */
static uint32_t nearby(struct anneal *a, uint32_t layer)
{
    enum { REACH = 6 };
    uint32_t layers = (uint32_t)a->problem->layer_count, here = a->current.position[layer];
    uint32_t low = here > REACH ? here - REACH : 0;
    return a->current.order[low + rng_below(&a->rng, min_u64(layers - low, 2 * REACH + 1))];
}

/* From 2 to `most`, every order of magnitude as likely as another. */
static uint32_t any_length(struct anneal *a, uint32_t most)
{
    return most < 2 ? most : (uint32_t)(2 * pow(most / 2.0, rng_real(&a->rng)));
}

/* Layers of a network that follow each other, this one first or last, all to one accelerator. Both
 * ends mostly move to where little is in flight. */
static void move_stretch(struct anneal *a, uint32_t layer)
{
    const struct problem *p = a->problem;
    uint32_t network = p->network_of[layer], layers = (uint32_t)p->layer_count;
    uint32_t length = any_length(a, layers), low = layer, high = layer;
    if (rng_below(&a->rng, 2))
        high = min_u64(layers - 1, (uint64_t)layer + length);
    else
        low = layer - min_u64(layer, length);
    while (p->network_of[low] != network)
        low++;
    while (p->network_of[high] != network)
        high--;
    if (rng_below(&a->rng, 4) > 0) {
        low = a->waist[low];
        if (high + 1 < layers && p->network_of[high + 1] == network)
            high = a->waist[high + 1] - 1;
    }
    if (low > high || p->network_of[high] != network)
        return;
    change_to_any_other(a, low);
    const struct decode_way *like = decode_way(a->ways, low, a->current.way[low]);
    for (layer = low; layer <= high; layer++)
        change_way(a, layer, way_on(a, layer, like));
}

/* One layer; or a layer and one close by; or a connected run of layers to one accelerator. */
static void move_way(struct anneal *a, uint32_t layer)
{
    if (rng_real(&a->rng) < stretch_share) {
        move_stretch(a, layer);
        return;
    }
    change_to_any_other(a, layer);
    double kind = rng_real(&a->rng);
    if (kind < pair_share) {
        uint32_t other = nearby(a, layer);
        if (other != layer)
            change_to_any_other(a, other);
        return;
    }
    if (kind >= pair_share + run_share)
        return;
    const struct decode_way *like = decode_way(a->ways, layer, a->current.way[layer]);
    bool behind = rng_below(&a->rng, 2);
    while (rng_real(&a->rng) < run_goes_on) {
        uint32_t next = neighbour_in_graph(a, layer, behind);
        if (next == layer)
            break;
        layer = next;
        change_way(a, layer, way_on(a, layer, like));
    }
}

/* Remember the order in [low, high] before it is changed. */
static void open_window(struct anneal *a, uint32_t low, uint32_t high)
{
    a->low = low;
    a->high = high;
    memcpy(a->old_order, &a->current.order[low], (high - low + 1) * sizeof *a->old_order);
}

static void renumber(struct anneal *a, uint32_t low, uint32_t high)
{
    for (uint32_t at = low; at <= high; at++)
        a->current.position[a->current.order[at]] = at;
}

static void move_layer(struct anneal *a, uint32_t layer)
{
    const struct problem *p = a->problem;
    uint32_t here = a->current.position[layer], low = 0, high = (uint32_t)p->layer_count - 1;
    for (uint32_t at = p->pred_begin[layer]; at < p->pred_begin[layer + 1]; at++)
        low = max_u64(low, a->current.position[p->preds[at].layer] + 1);
    for (uint32_t at = p->succ_begin[layer]; at < p->succ_begin[layer + 1]; at++)
        high = min_u64(high, a->current.position[p->succs[at].layer] - 1);
    if (low == high)
        return;
    uint32_t reach = rng_below(&a->rng, 2) ? (uint32_t)p->layer_count : 24;
    low = max_u64(low, here > reach ? here - reach : 0);
    high = min_u64(high, (uint64_t)here + reach);
    uint32_t there = low + rng_below(&a->rng, high - low + 1);
    uint32_t *order = a->current.order;
    if (there < here) {
        open_window(a, there, here);
        memmove(&order[there + 1], &order[there], (here - there) * sizeof *order);
    } else if (there > here) {
        open_window(a, here, there);
        memmove(&order[here], &order[here + 1], (there - here) * sizeof *order);
    } else {
        return;
    }
    order[there] = layer;
    renumber(a, a->low, a->high);
}

/* Is a layer from this position on listed before one that it waits for? */
static bool is_out_of_order(const struct anneal *a, uint32_t low)
{
    const struct problem *p = a->problem;
    for (uint32_t at = low; at < p->layer_count; at++) {
        uint32_t layer = a->current.order[at];
        for (uint32_t edge = p->pred_begin[layer]; edge < p->pred_begin[layer + 1]; edge++)
            if (a->current.position[p->preds[edge].layer] > at)
                return true;
    }
    return false;
}

static void undo(struct anneal *a)
{
    while (a->change_count > 0) {
        struct way_change change = a->changes[--a->change_count];
        a->current.way[change.layer] = change.old;
    }
    if (a->high == UINT32_MAX)
        return;
    memcpy(&a->current.order[a->low], a->old_order, (a->high - a->low + 1) * sizeof *a->old_order);
    renumber(a, a->low, a->high);
}

/* All layers of a network by some positions, past those of the others; both orders stay. Past a
 * network that it waits for, or that waits for it, is no way. */
static void move_network(struct anneal *a, uint32_t network)
{
    const struct problem *p = a->problem;
    uint32_t layers = (uint32_t)p->layer_count;
    int64_t by = 1 + rng_below(&a->rng, layers / 4 + 1);
    if (rng_below(&a->rng, 2))
        by = -by;
    open_window(a, 0, layers - 1);
    /* Merge: keys are positions, those of the network moved by `by`; ties favour the network. */
    uint32_t own = 0, other = 0;
    for (uint32_t at = 0; at < layers; at++) {
        while (own < layers && p->network_of[a->old_order[own]] != network)
            own++;
        while (other < layers && p->network_of[a->old_order[other]] == network)
            other++;
        bool take_own = other == layers || (own < layers && (int64_t)own + by <= (int64_t)other);
        a->current.order[at] = a->old_order[take_own ? own++ : other++];
    }
    uint32_t low = 0;
    while (low < layers - 1 && a->current.order[low] == a->old_order[low])
        low++;
    memmove(a->old_order, &a->old_order[low], (layers - low) * sizeof *a->old_order);
    a->low = low;
    renumber(a, low, layers - 1);
    if (p->has_cascades && is_out_of_order(a, low)) {
        undo(a);
        a->low = a->high = UINT32_MAX;
    }
}

/* One random move on the current list; false if it changed nothing. */
static bool make_move(struct anneal *a)
{
    a->change_count = 0;
    a->low = UINT32_MAX;
    a->high = UINT32_MAX; /* no window */
    double kind = rng_real(&a->rng);
    uint32_t layer = pick_layer(a);
    if (kind < way_share && a->levers.change_way)
        move_way(a, layer);
    else if (kind < way_share + network_share && a->levers.shift_network &&
             a->problem->network_count > 1)
        move_network(a, a->problem->network_of[layer]);
    else if (a->levers.shift_layer)
        move_layer(a, layer);
    return a->low != UINT32_MAX;
}

static void try_move(struct anneal *a, double temperature)
{
    double luck = 1.0 - rng_real(&a->rng); /* (0, 1] */
    double threshold = a->current_value - temperature * log(luck);
    if (!make_move(a))
        return;
    struct decode_result r =
        decoder_run(a->decoder, &a->current, a->low, limit_of(a, threshold), false);
    if (r.makespan_ps == DECODE_NEVER || value_of(a, &r) > threshold) {
        undo(a);
        return;
    }
    decoder_keep(a->decoder, &a->current, a->low);
    take(a, &r);
}

static void justify(struct anneal *a)
{
    size_t layers = a->problem->layer_count;
    activity_list_copy(&a->spare, &a->current, layers);
    decoder_justify(a->decoder, &a->current);
    struct decode_result r = decoder_run(a->decoder, &a->current, 0, DECODE_NEVER, true);
    if (value_of(a, &r) > a->current_value) {
        activity_list_copy(&a->current, &a->spare, layers);
        r = decoder_run(a->decoder, &a->current, 0, DECODE_NEVER, true);
    }
    take(a, &r);
}

void anneal_go(struct anneal *a, uint64_t work_layers, double hot, double cold, uint64_t bound_ps,
               const volatile sig_atomic_t *stop)
{
    uint64_t begin = decoder_work_layers(a->decoder), end = begin + work_layers, idle = 0;
    double temperature = hot * a->current_value;
    if (a->levers.justify)
        justify(a);
    for (uint64_t now; (now = decoder_work_layers(a->decoder)) < end && idle < 100000; a->moves++) {
        if (a->moves % STOP_PERIOD_MOVES == 0) {
            if ((stop && *stop) || a->best_makespan_ps <= bound_ps)
                break;
            double share = (double)(now - begin) / (double)work_layers;
            temperature = a->current_value * hot * pow(cold / hot, share);
        }
        if (a->levers.justify && a->moves % JUSTIFY_PERIOD_MOVES == JUSTIFY_PERIOD_MOVES - 1)
            justify(a);
        try_move(a, temperature);
        idle = decoder_work_layers(a->decoder) == now ? idle + 1 : 0; /* nothing left to move */
    }
}

const struct activity_list *anneal_best(const struct anneal *a)
{
    return &a->best;
}

double anneal_best_value(const struct anneal *a)
{
    return a->best_value;
}

uint64_t anneal_best_makespan_ps(const struct anneal *a)
{
    return a->best_makespan_ps;
}

void anneal_write_best(struct anneal *a, struct mapping *out)
{
    decoder_run(a->decoder, &a->best, 0, DECODE_NEVER, true);
    decoder_write_mapping(a->decoder, &a->best, out);
    decoder_run(a->decoder, &a->current, 0, DECODE_NEVER, true);
}

uint64_t anneal_moves(const struct anneal *a)
{
    return a->moves;
}

uint64_t anneal_work_layers(const struct anneal *a)
{
    return decoder_work_layers(a->decoder);
}
