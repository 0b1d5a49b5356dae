#include "tests/model/sim_problem.h"

#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/num.h"
#include "core/rng.h"
#include "core/text.h"
#include "tests/test.h"

/* --- SoC ------------------------------------------------------------------------------------ */

static void write_accelerator(struct text *out, const struct sim_soc *spec, unsigned index)
{
    unsigned place = index % spec->places;
    uint64_t local = spec->local_bytes_per_s ? spec->local_bytes_per_s[index] : 0;
    text_printf(out, "%s{\"name\": \"a%u\", \"clock_hz\": 1e9, \"pe_rows\": 16, \"pe_cols\": 1, ",
                index > 0 ? ", " : "", index);
    if (spec->columns > 0)
        text_printf(out, "\"place\": [%u, %u], ", place % spec->columns, place / spec->columns);
    else if (strstr(spec->network, "\"links\""))
        text_printf(out, "\"place\": \"p%u\", ", place);
    else
        text_printf(out, "\"place\": %u, ", place);
    if (local > 0)
        text_printf(out, "\"local_bytes_per_s\": %" PRIu64 ", ", local);
    text_printf(out, "\"dataflow\": \"nvdla-ws\", \"supports\": [\"conv\"], %s}",
                spec->accelerator ? spec->accelerator : "\"scratchpad_bytes\": 1000");
}

static void load_soc(struct soc *soc, const struct sim_soc *spec)
{
    struct text text = { 0 };
    static const char *dir;
    if (dir == NULL)
        dir = test_temp_dir();
    char *file = file_join(dir, "soc.json");
    text_printf(&text,
                "{\"socweave\": \"soc/1\", \"name\": \"test\", \"network\": {%s, \"switching\": "
                "\"%s\"}, \"memory\": [%s], \"energy\": {\"mac_pj\": 1, \"register_pj_per_byte\": "
                "1, \"scratchpad_pj_per_byte\": 1, \"hop_pj_per_byte\": 1, \"memory_pj_per_byte\": "
                "1, \"pe_idle_pj_per_cycle\": 0}, \"accelerators\": [",
                spec->network, spec->cut_through ? "cut-through" : "store-and-forward",
                spec->memory ? spec->memory : "{\"name\": \"m\", \"unlimited\": true}");
    for (unsigned i = 0; i < spec->accelerators; i++)
        write_accelerator(&text, spec, i);
    text_add(&text, "]}\n");
    FILE *out = fopen(file, "w"); /* file_write() would wait for the disk */
    CHECK(out != NULL && fwrite(text.data, 1, text.bytes, out) == text.bytes && fclose(out) == 0);
    CHECK_OK(soc_load(soc, file, err));
    text_release(&text);
    free(file);
}

/* --- problem -------------------------------------------------------------------------------- */

void sim_problem_open(struct sim_problem *p, const struct sim_soc *spec, size_t layers)
{
    memset(p, 0, sizeof *p);
    load_soc(&p->soc, spec);
    p->problem.layer_count = layers;
    p->problem.accelerator_count = p->soc.accelerator_count;
    p->draft = mem_alloc(layers * p->soc.accelerator_count * SIM_OPTIONS, sizeof *p->draft);
    for (uint32_t layer = 0; layer < layers; layer++)
        sim_layer(p, layer, 1, 1);
}

struct layer_option *sim_option(struct sim_problem *p, uint32_t layer, uint32_t accelerator,
                                uint32_t option)
{
    return &p->draft[(layer * p->problem.accelerator_count + accelerator) * SIM_OPTIONS + option];
}

void sim_layer(struct sim_problem *p, uint32_t layer, uint64_t compute_ps, uint32_t tiles)
{
    for (uint32_t acc = 0; acc < p->problem.accelerator_count; acc++)
        *sim_option(p, layer, acc, 0) =
            (struct layer_option){ .pes = 1, .tiles = tiles, .compute_ps = compute_ps };
}

void sim_edge(struct sim_problem *p, uint32_t from, uint32_t to, uint64_t bytes)
{
    p->edges = mem_grow(p->edges, p->edge_count + 1, sizeof *p->edges);
    p->edges[p->edge_count++] = (struct sim_edge){ from, to, bytes };
}

static int by_reader(const void *a, const void *b)
{
    const struct sim_edge *x = a, *y = b;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

/* Every edge is a size class of its own. */
static void close_edges(struct sim_problem *p)
{
    struct problem *problem = &p->problem;
    size_t layers = problem->layer_count, edges = p->edge_count;
    problem->edge_count = problem->size_class_count = edges;
    problem->pred_begin = ARENA_ARRAY(problem->arena, uint32_t, layers + 1);
    problem->succ_begin = ARENA_ARRAY(problem->arena, uint32_t, layers + 1);
    problem->preds = ARENA_ARRAY(problem->arena, struct problem_edge, edges + 1);
    problem->succs = ARENA_ARRAY(problem->arena, struct problem_edge, edges + 1);
    if (edges > 0)
        qsort(p->edges, edges, sizeof *p->edges, by_reader);
    uint32_t succ = 0;
    for (uint32_t layer = 0; layer < layers; layer++) {
        for (uint32_t e = 0; e < edges; e++) {
            const struct sim_edge *edge = &p->edges[e];
            if (edge->to == layer)
                problem->preds[e] = (struct problem_edge){ edge->from, e, edge->bytes };
            if (edge->from == layer)
                problem->succs[succ++] = (struct problem_edge){ edge->to, e, edge->bytes };
            problem->pred_begin[layer + 1] += edge->to <= layer;
        }
        problem->succ_begin[layer + 1] = succ;
    }
}

static void close_transfers(struct sim_problem *p)
{
    struct problem *problem = &p->problem;
    size_t units = p->soc.accelerator_count, pairs = units * units;
    problem->pair_class_count = pairs;
    problem->pair_class = ARENA_ARRAY(problem->arena, uint32_t, pairs);
    problem->transfer_ps = ARENA_ARRAY(problem->arena, uint64_t, pairs * p->edge_count + 1);
    for (uint32_t pair = 0; pair < pairs; pair++) {
        const struct soc_accelerator *from = &p->soc.accelerators[pair / units];
        const struct soc_accelerator *to = &p->soc.accelerators[pair % units];
        problem->pair_class[pair] = pair;
        for (size_t e = 0; e < p->edge_count; e++)
            problem->transfer_ps[e * pairs + pair] =
                from == to ? bytes_to_ps(p->edges[e].bytes, from->local_bytes_per_s)
                           : soc_route_ps(&p->soc, from->place, to->place, p->edges[e].bytes);
    }
}

static uint64_t memory_ps(const struct soc *soc, const struct soc_channel *channel, uint32_t from,
                          uint32_t to, uint64_t bytes)
{
    if (bytes == 0 || channel->unlimited)
        return 0;
    return bytes_to_ps(bytes, channel->bytes_per_s) + channel->latency_ps +
           soc_route_ps(soc, from, to, bytes);
}

/* Every layer is a class of its own, all are of one network. */
static void close_options(struct sim_problem *p)
{
    struct problem *problem = &p->problem;
    size_t layers = problem->layer_count, units = problem->accelerator_count;
    problem->class_count = layers;
    problem->class_of = ARENA_ARRAY(problem->arena, uint32_t, layers + 1);
    problem->class_layer = problem->class_of;
    problem->network_count = 1;
    problem->network_of = ARENA_ARRAY(problem->arena, uint32_t, layers + 1);
    problem->options = ARENA_ARRAY(problem->arena, struct problem_options, layers * units);
    for (uint32_t at = 0; at < layers * units; at++) {
        const struct soc_channel *channel = &p->soc.channels[soc_channel_of(&p->soc, at % units)];
        uint32_t place = p->soc.accelerators[at % units].place;
        struct problem_options *options = &problem->options[at];
        options->items = ARENA_ARRAY(problem->arena, struct layer_option, SIM_OPTIONS);
        problem->class_of[at / units] = (uint32_t)(at / units);
        for (size_t i = 0; i < SIM_OPTIONS; i++) {
            struct layer_option option = p->draft[at * SIM_OPTIONS + i];
            option.memory_read_ps =
                memory_ps(&p->soc, channel, channel->place, place, option.memory_read_bytes);
            option.memory_write_ps =
                memory_ps(&p->soc, channel, place, channel->place, option.memory_write_bytes);
            if (option.pes > 0)
                options->items[options->count++] = option;
        }
    }
}

void sim_problem_close(struct sim_problem *p)
{
    p->problem.soc = &p->soc;
    p->problem.arena = arena_new();
    close_edges(p);
    close_transfers(p);
    close_options(p);
}

void sim_problem_release(struct sim_problem *p)
{
    problem_release(&p->problem);
    soc_release(&p->soc);
    free(p->draft);
    free(p->edges);
}

/* --- random problems ------------------------------------------------------------------------ */

static uint64_t one_of(struct rng *rng, const uint64_t *values, uint32_t count)
{
    return values[rng_below(rng, count)];
}

/* 1 byte per ps, 2 ps per byte, 3 bytes per ps, unlimited: ties are frequent. */
static uint64_t random_rate(struct rng *rng)
{
    static const uint64_t rates[] = { UINT64_C(1000000000000), UINT64_C(500000000000),
                                      UINT64_C(3000000000000), 0 };
    return one_of(rng, rates, rng_below(rng, 3) == 0 ? 4 : 3);
}

static const char *rate_text(uint64_t rate, char *buf, size_t size)
{
    snprintf(buf, size, rate > 0 ? "%" PRIu64 : "\"unlimited\"", rate);
    return buf;
}

static double random_latency_ns(struct rng *rng)
{
    return rng_below(rng, 2) * 0.001 * (1 + rng_below(rng, 7));
}

/* Places p0 … in a ring one way, with shortcuts, each link of its own rate and latency. */
static void random_links(struct rng *rng, struct text *out, unsigned places)
{
    char rate[32];
    text_add(out, "\"topology\": \"links\", \"places\": [");
    for (unsigned i = 0; i < places; i++)
        text_printf(out, "%s\"p%u\"", i > 0 ? ", " : "", i);
    text_add(out, "], \"links\": [");
    for (unsigned i = 0; i < 2 * places; i++) {
        unsigned from = i % places;
        unsigned to = i < places ? (from + 1) % places : rng_below(rng, places);
        if (from == to)
            to = (from + 1) % places;
        text_printf(out,
                    "%s{\"from\": \"p%u\", \"to\": \"p%u\", \"bytes_per_s\": %s, "
                    "\"latency_ns\": %.3f}",
                    i > 0 ? ", " : "", from, to, rate_text(random_rate(rng), rate, sizeof rate),
                    random_latency_ns(rng));
    }
    text_add(out, "]");
}

static void random_network(struct rng *rng, struct text *out, struct sim_soc *spec)
{
    static const char *const names[] = { "ring", "crossbar", "bus" };
    char rate[32];
    uint32_t kind = rng_below(rng, 5);
    spec->places = 2 + rng_below(rng, 5);
    if (kind == 4) {
        random_links(rng, out, spec->places);
        return;
    }
    if (kind == 3) {
        unsigned rows = 1 + rng_below(rng, 3);
        spec->columns = 1 + rng_below(rng, 3) + (rows == 1);
        spec->places = rows * spec->columns;
        text_printf(out, "\"topology\": \"mesh\", \"columns\": %u, \"rows\": %u", spec->columns,
                    rows);
    } else {
        text_printf(out, "\"topology\": \"%s\", \"places\": %u", names[kind], spec->places);
    }
    text_printf(out, ", \"link_bytes_per_s\": %s, \"hop_latency_ns\": %.3f",
                rate_text(random_rate(rng), rate, sizeof rate), random_latency_ns(rng));
}

static void random_memory(struct rng *rng, struct text *out, const struct sim_soc *spec)
{
    unsigned channels = rng_below(rng, 3);
    if (channels == 0)
        text_add(out, "{\"name\": \"m\", \"unlimited\": true}");
    for (unsigned i = 0; i < channels; i++) {
        unsigned place = rng_below(rng, spec->places);
        text_printf(out,
                    "%s{\"name\": \"m%u\", \"bytes_per_s\": %" PRIu64
                    ", \"latency_ns\": %.3f, \"place\": ",
                    i > 0 ? ", " : "", i, max_u64(random_rate(rng), 1000000000000 / 7),
                    random_latency_ns(rng));
        if (spec->columns > 0)
            text_printf(out, "[%u, %u]}", place % spec->columns, place / spec->columns);
        else if (strstr(spec->network, "\"links\""))
            text_printf(out, "\"p%u\"}", place);
        else
            text_printf(out, "%u}", place);
    }
}

static uint64_t random_bytes(struct rng *rng)
{
    switch (rng_below(rng, 5)) {
    case 0:
        return 0;
    case 1:
        return rng_below(rng, 5);
    default:
        return rng_below(rng, 60);
    }
}

static void random_options(struct rng *rng, struct sim_problem *p, uint32_t layer, bool writes)
{
    uint32_t units = (uint32_t)p->problem.accelerator_count, sure = rng_below(rng, units);
    for (uint32_t acc = 0; acc < units; acc++) {
        for (uint32_t i = 0; i < SIM_OPTIONS; i++) {
            struct layer_option *option = sim_option(p, layer, acc, i);
            memset(option, 0, sizeof *option);
            if (acc == sure ? i > 0 && rng_below(rng, 2) == 0 : rng_below(rng, 3) == 0)
                continue;
            option->pes = 1 + rng_below(rng, 16);
            option->tiles = 1 + rng_below(rng, 2) * rng_below(rng, 9);
            option->compute_ps = 1 + rng_below(rng, rng_below(rng, 2) == 0 ? 8 : 100);
            option->scratchpad_bytes = rng_below(rng, 600);
            option->memory_read_bytes = random_bytes(rng);
            option->memory_write_bytes = writes ? random_bytes(rng) : 0;
        }
    }
}

static void random_layers(struct rng *rng, struct sim_problem *p, uint32_t layers)
{
    bool *has_reader = mem_alloc(layers + 1, sizeof *has_reader);
    for (uint32_t layer = 1; layer < layers; layer++) {
        uint32_t reach = min_u64(layer, 6);
        for (uint32_t back = 1; back <= reach; back++) {
            if (rng_below(rng, 3) > 0)
                continue;
            sim_edge(p, layer - back, layer, random_bytes(rng));
            has_reader[layer - back] = true;
        }
    }
    for (uint32_t layer = 0; layer < layers; layer++)
        random_options(rng, p, layer, !has_reader[layer]);
    free(has_reader);
}

void sim_problem_random(struct sim_problem *p, uint64_t seed, uint32_t layers)
{
    struct rng rng = rng_stream(seed, 1, 0);
    struct text network = { 0 }, memory = { 0 };
    uint64_t local[8];
    char accelerator[128];
    struct sim_soc spec = { .cut_through = rng_below(&rng, 2) == 1,
                            .accelerators = 1 + rng_below(&rng, 8),
                            .accelerator = accelerator,
                            .local_bytes_per_s = local };
    for (size_t i = 0; i < 8; i++)
        local[i] = random_rate(&rng);
    snprintf(accelerator, sizeof accelerator,
             "\"scratchpad_bytes\": 1000, \"shared_layers_max\": %u", 1 + rng_below(&rng, 4));
    random_network(&rng, &network, &spec);
    spec.network = network.data;
    random_memory(&rng, &memory, &spec);
    spec.memory = memory.data;
    layers = 1 + rng_below(&rng, layers);
    sim_problem_open(p, &spec, layers);
    random_layers(&rng, p, layers);
    sim_problem_close(p);
    text_release(&network);
    text_release(&memory);
}

/* --- mappings ------------------------------------------------------------------------------- */

void sim_mapping(struct mapping *mapping, enum mapping_discipline discipline, size_t layers,
                 const uint16_t *accelerators, const uint32_t *groups)
{
    mapping_init(mapping, layers);
    mapping->discipline = discipline;
    for (uint32_t i = 0; i < layers; i++)
        mapping->placements[i] = (struct placement){ .layer = i,
                                                     .group = groups ? groups[i] : i,
                                                     .accelerator = accelerators[i] };
}

struct random_order {
    const struct problem *problem;
    struct rng rng;
    uint32_t *missing, *ready;
    size_t ready_count;
};

static void order_release(struct random_order *order, uint32_t layer)
{
    const struct problem *problem = order->problem;
    for (uint32_t e = problem->succ_begin[layer]; e < problem->succ_begin[layer + 1]; e++)
        if (--order->missing[problem->succs[e].layer] == 0)
            order->ready[order->ready_count++] = problem->succs[e].layer;
}

static uint32_t order_take(struct random_order *order, size_t at)
{
    uint32_t layer = order->ready[at];
    order->ready[at] = order->ready[--order->ready_count];
    return layer;
}

static struct placement random_placement(struct random_order *order, uint32_t layer)
{
    const struct problem *problem = order->problem;
    struct placement placement = { .layer = layer };
    size_t options = 0;
    while (options == 0) {
        uint32_t acc = rng_below(&order->rng, (uint32_t)problem->accelerator_count);
        placement.accelerator = (uint16_t)acc;
        options = problem_option_count(problem, layer, acc);
    }
    placement.option = (uint16_t)rng_below(&order->rng, (uint32_t)options);
    return placement;
}

/* Adds ready layers to the group that placements[0] opened while they fit; returns its size. */
static size_t grow_group(struct random_order *order, struct placement *placements)
{
    const struct problem *problem = order->problem;
    uint32_t acc = placements[0].accelerator;
    const struct soc_accelerator *on = &problem->soc->accelerators[acc];
    const struct layer_option *first =
        problem_option(problem, placements[0].layer, acc, placements[0].option);
    uint64_t pes = first->pes, bytes = first->scratchpad_bytes;
    size_t count = 1, most = 1 + rng_below(&order->rng, on->shared_layers_max);
    for (size_t at = 0; at < order->ready_count && count < most;) {
        uint32_t layer = order->ready[at];
        const struct layer_option *option = problem_option_count(problem, layer, acc) > 0
                                                ? problem_option(problem, layer, acc, 0)
                                                : NULL;
        if (option == NULL || pes + option->pes > soc_pes(on) ||
            bytes + option->scratchpad_bytes > on->scratchpad_bytes) {
            at++;
            continue;
        }
        pes += option->pes;
        bytes += option->scratchpad_bytes;
        placements[count++] = (struct placement){ .layer = order_take(order, at),
                                                  .group = placements[0].group,
                                                  .accelerator = (uint16_t)acc };
    }
    return count;
}

void sim_mapping_random(struct mapping *mapping, const struct problem *problem, uint64_t seed,
                        enum mapping_discipline discipline)
{
    size_t layers = problem->layer_count, count = 1;
    struct random_order order = { .problem = problem, .rng = rng_stream(seed, 2, 0) };
    order.missing = mem_alloc(layers, sizeof *order.missing);
    order.ready = mem_alloc(layers, sizeof *order.ready);
    mapping_init(mapping, layers);
    mapping->discipline = discipline;
    for (uint32_t layer = 0; layer < layers; layer++) {
        order.missing[layer] = problem->pred_begin[layer + 1] - problem->pred_begin[layer];
        if (order.missing[layer] == 0)
            order.ready[order.ready_count++] = layer;
    }
    uint32_t group = 0;
    for (size_t i = 0; i < layers; i += count, group++) {
        struct placement *placements = &mapping->placements[i];
        uint32_t pick = rng_below(&order.rng, (uint32_t)order.ready_count);
        placements[0] = random_placement(&order, order_take(&order, pick));
        placements[0].group = group;
        count = discipline == MAPPING_BY_GROUP ? grow_group(&order, placements) : 1;
        for (size_t k = 0; k < count; k++)
            order_release(&order, placements[k].layer);
    }
    free(order.missing);
    free(order.ready);
}
