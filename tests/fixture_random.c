/* Random SoCs and graphs for tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "core/text.h"
#include "tests/fixture.h"

/* --- random SoCs ----------------------------------------------------------------------------- */

static uint32_t between(struct rng *rng, uint32_t low, uint32_t high)
{
    return low + rng_below(rng, high - low + 1);
}

static uint64_t one_of(struct rng *rng, const uint64_t *values, size_t count)
{
    return values[rng_below(rng, (uint32_t)count)];
}

#define ONE_OF(rng, ...)                                                                           \
    one_of((rng), (const uint64_t[]){ __VA_ARGS__ },                                               \
           sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void add_rate(struct json_out *json, const char *key, uint64_t rate)
{
    if (rate == 0)
        json_out_str(json, key, "unlimited");
    else
        json_out_u64(json, key, rate);
}

/* Places of the random network, as the file writes them. */
struct random_network {
    enum soc_topology topology;
    uint32_t places, columns;
};

static void add_place(struct json_out *json, const struct random_network *network, uint32_t place)
{
    char name[32];
    switch (network->topology) {
    case SOC_MESH:
        json_out_array(json, "place", true);
        json_out_u64(json, NULL, place % network->columns);
        json_out_u64(json, NULL, place / network->columns);
        json_out_end(json);
        break;
    case SOC_LINKS:
        snprintf(name, sizeof name, "p%u", place);
        json_out_str(json, "place", name);
        break;
    default:
        json_out_u64(json, "place", place);
    }
}

static uint64_t random_link_rate(struct rng *rng)
{
    return ONE_OF(rng, 0, 100000000, 800000000, 3200000000, 1234567891);
}

/* A ring of links with different rates, and some chords. */
static void add_links(struct json_out *json, struct rng *rng, uint32_t places)
{
    char name[32];
    json_out_array(json, "places", true);
    for (uint32_t place = 0; place < places; place++) {
        snprintf(name, sizeof name, "p%u", place);
        json_out_str(json, NULL, name);
    }
    json_out_end(json);
    json_out_array(json, "links", false);
    for (uint32_t i = 0; i < 2 * places && places > 1; i++) {
        uint32_t from = i % places, to = (from + 1) % places;
        if (i >= places && (to = rng_below(rng, places)) == from)
            continue;
        json_out_object(json, NULL, true);
        snprintf(name, sizeof name, "p%u", from);
        json_out_str(json, "from", name);
        snprintf(name, sizeof name, "p%u", to);
        json_out_str(json, "to", name);
        add_rate(json, "bytes_per_s", random_link_rate(rng));
        json_out_real(json, "latency_ns", (double)rng_below(rng, 40) / 8);
        json_out_bool(json, "both_ways", rng_below(rng, 2));
        json_out_end(json);
    }
    json_out_end(json);
}

static struct random_network add_network(struct json_out *json, struct rng *rng,
                                         const struct fixture_shape *shape)
{
    struct random_network network = {
        .topology = (enum soc_topology)rng_below(rng, SOC_TOPOLOGY_COUNT),
        .columns = between(rng, 1, 4),
    };
    uint32_t rows = shape->accelerators / network.columns + 1;
    network.places =
        network.topology == SOC_MESH ? network.columns * rows : shape->accelerators + 1;
    json_out_object(json, "network", false);
    json_out_str(json, "topology", soc_topology_names[network.topology]);
    json_out_str(json, "switching", soc_switching_names[shape->cut_through]);
    if (network.topology == SOC_LINKS) {
        add_links(json, rng, network.places);
    } else {
        add_rate(json, "link_bytes_per_s", random_link_rate(rng));
        json_out_real(json, "hop_latency_ns", (double)rng_below(rng, 40) / 8);
        if (network.topology == SOC_MESH) {
            json_out_u64(json, "columns", network.columns);
            json_out_u64(json, "rows", rows);
        } else {
            json_out_u64(json, "places", network.places);
        }
    }
    json_out_end(json);
    return network;
}

/* The first accelerator runs every layer of the random graphs, the others some kinds. */
static void add_supports(struct json_out *json, struct rng *rng, bool all)
{
    static const enum op_kind kinds[] = { OP_CONV, OP_DEPTHWISE, OP_GEMM, OP_POOL, OP_ELEMENTWISE };
    const uint32_t kind_count = sizeof kinds / sizeof *kinds;
    uint32_t always = rng_below(rng, kind_count);
    json_out_array(json, "supports", true);
    for (uint32_t i = 0; i < kind_count; i++)
        if (all || i == always || rng_below(rng, 2))
            json_out_str(json, NULL, op_kind_names[kinds[i]]);
    json_out_end(json);
}

static void add_accelerator(struct json_out *json, struct rng *rng, unsigned number,
                            const struct random_network *network)
{
    static const char *const dataflows[] = { "systolic-ws", "systolic-os",   "systolic-is",
                                             "nvdla-ws",    "shidiannao-os", "eyeriss-rs" };
    bool all = number == 0;
    uint32_t dataflow = all ? 0 : rng_below(rng, sizeof dataflows / sizeof *dataflows);
    char name[32];
    snprintf(name, sizeof name, "acc%u", number);
    json_out_object(json, NULL, false);
    json_out_str(json, "name", name);
    add_place(json, network, rng_below(rng, network->places));
    json_out_u64(json, "clock_hz", ONE_OF(rng, 100000000, 200000000, 333333333, 1000000000));
    json_out_u64(json, "pe_rows", ONE_OF(rng, 8, 16, 24, 64));
    json_out_u64(json, "pe_cols", ONE_OF(rng, 8, 16, 64));
    json_out_str(json, "dataflow", dataflows[dataflow]);
    add_supports(json, rng, all);
    json_out_u64(json, "shared_layers_max", between(rng, 1, 4));
    json_out_u64(json, "scratchpad_bytes", all ? 8 << 20 : ONE_OF(rng, 32768, 131072, 1048576));
    add_rate(json, "scratchpad_bytes_per_cycle", ONE_OF(rng, 0, 0, 64, 256));
    add_rate(json, "local_bytes_per_s", ONE_OF(rng, 0, 4000000000, 32000000000));
    json_out_end(json);
}

static void add_memory(struct json_out *json, struct rng *rng, const struct random_network *network,
                       bool finite)
{
    json_out_array(json, "memory", false);
    unsigned channels = finite ? between(rng, 1, 2) : 1;
    for (unsigned i = 0; i < channels; i++) {
        json_out_object(json, NULL, true);
        json_out_str(json, "name", i == 0 ? "dram0" : "dram1");
        if (finite) {
            add_place(json, network, rng_below(rng, network->places));
            json_out_u64(json, "bytes_per_s", ONE_OF(rng, 1000000000, 6400000000, 25600000000));
            json_out_real(json, "latency_ns", (double)rng_below(rng, 1000) / 8);
        } else {
            json_out_bool(json, "unlimited", true);
        }
        json_out_end(json);
    }
    json_out_end(json);
}

static void add_energy(struct json_out *json)
{
    json_out_object(json, "energy", false);
    json_out_real(json, "mac_pj", 0.25);
    json_out_real(json, "register_pj_per_byte", 0.125);
    json_out_real(json, "scratchpad_pj_per_byte", 1.5);
    json_out_real(json, "hop_pj_per_byte", 2);
    json_out_real(json, "memory_pj_per_byte", 100);
    json_out_real(json, "pe_idle_pj_per_cycle", 0.0625);
    json_out_end(json);
}

static void random_soc(struct text *text, struct rng *rng, const struct fixture_shape *shape)
{
    struct json_out json;
    json_out_init(&json, text);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "soc/1");
    json_out_str(&json, "name", "random");
    struct random_network network = add_network(&json, rng, shape);
    json_out_array(&json, "accelerators", false);
    for (unsigned i = 0; i < shape->accelerators; i++)
        add_accelerator(&json, rng, i, &network);
    json_out_end(&json);
    add_memory(&json, rng, &network, shape->finite_memory);
    add_energy(&json);
    json_out_end(&json);
}

/* --- random graphs --------------------------------------------------------------------------- */

#define WINDOW 4 /* a layer may need those before it, this far back */

/*
 * All tensors of a graph are channels x side x side, so that any layers can feed any other: their
 * channels are concatenated. A product reads them as side·side rows of `channels`.
 */
struct random_graph {
    struct json_out *json;
    struct rng *rng;
    uint32_t side;
    uint32_t channels[WINDOW]; /* of the last layers */
};

static void layer_name(char name[32], unsigned layer)
{
    snprintf(name, 32, "l%u", layer);
}

static void add_extent(struct json_out *json, const char *key, uint32_t extent)
{
    json_out_u64(json, key, extent);
}

/* Producers as one operand; returns its channels. Sometimes only part of one is read. */
static uint32_t add_feeds(struct random_graph *g, unsigned layer, double edge_probability)
{
    uint32_t channels = 0;
    char name[32];
    json_out_array(g->json, "inputs", true);
    json_out_array(g->json, NULL, true);
    for (unsigned back = 1; back <= WINDOW && back <= layer; back++) {
        if (rng_real(g->rng) >= edge_probability)
            continue;
        layer_name(name, layer - back);
        uint32_t has = g->channels[(layer - back) % WINDOW];
        uint32_t reads = rng_below(g->rng, 4) == 0 ? between(g->rng, 1, has) : has;
        if (reads == has) {
            json_out_str(g->json, NULL, name);
        } else {
            json_out_object(g->json, NULL, true);
            json_out_str(g->json, "from", name);
            json_out_u64(g->json, "elements", (uint64_t)reads * g->side * g->side);
            json_out_end(g->json);
        }
        channels += reads;
    }
    if (channels == 0) {
        json_out_str(g->json, NULL, "x");
        channels = 3;
    }
    json_out_end(g->json);
    json_out_end(g->json);
    return channels;
}

static void add_window(struct random_graph *g, uint32_t filter)
{
    add_extent(g->json, "p", g->side);
    add_extent(g->json, "q", g->side);
    add_extent(g->json, "r", filter);
    add_extent(g->json, "s", filter);
    json_out_end(g->json);
    json_out_object(g->json, "params", true);
    json_out_u64(g->json, "ph", filter / 2);
    json_out_u64(g->json, "pw", filter / 2);
}

/* Extents of an operator that takes `in` channels to `out`. */
static void add_operator(struct random_graph *g, const char *op, uint32_t in, uint32_t out)
{
    json_out_str(g->json, "op", op);
    json_out_object(g->json, "extents", true);
    uint32_t filter = rng_below(g->rng, 2) ? 3 : 1;
    if (strcmp(op, "gemm") == 0) {
        add_extent(g->json, "m", g->side * g->side);
        add_extent(g->json, "n", out);
        add_extent(g->json, "k", in);
    } else if (strcmp(op, "relu") == 0) {
        add_extent(g->json, "k", in);
        add_extent(g->json, "p", g->side);
        add_extent(g->json, "q", g->side);
    } else {
        add_extent(g->json, "n", 1);
        if (strcmp(op, "conv2d") == 0) {
            add_extent(g->json, "k", out);
            add_extent(g->json, "c", in);
        } else {
            add_extent(g->json, strcmp(op, "maxpool2d") == 0 ? "k" : "g", in);
        }
        add_window(g, filter);
    }
    json_out_end(g->json);
}

static void add_layer(struct random_graph *g, unsigned layer, double edge_probability)
{
    static const char *const ops[] = { "conv2d",           "conv2d",    "gemm", "gemm",
                                       "depthwise_conv2d", "maxpool2d", "relu" };
    const char *op = ops[rng_below(g->rng, sizeof ops / sizeof *ops)];
    char name[32];
    json_out_object(g->json, NULL, true);
    layer_name(name, layer);
    json_out_str(g->json, "name", name);
    uint32_t in = add_feeds(g, layer, edge_probability);
    bool mixes = strcmp(op, "conv2d") == 0 || strcmp(op, "gemm") == 0;
    uint32_t out = mixes ? between(g->rng, 1, 96) : in;
    add_operator(g, op, in, out);
    if (mixes && rng_below(g->rng, 3) == 0) {
        json_out_array(g->json, "epilogue", true);
        json_out_str(g->json, NULL, "relu");
        json_out_end(g->json);
    }
    json_out_end(g->json);
    g->channels[layer % WINDOW] = out;
}

static void random_graph(struct text *text, struct rng *rng, unsigned number, unsigned layers,
                         double edge_probability)
{
    struct json_out json;
    struct random_graph g = { .json = &json, .rng = rng };
    g.side = (uint32_t)ONE_OF(rng, 1, 4, 7, 14);
    json_out_init(&json, text);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "dnn/1");
    char name[32];
    snprintf(name, sizeof name, "net%u", number);
    json_out_str(&json, "name", name);
    json_out_array(&json, "inputs", false);
    json_out_object(&json, NULL, true);
    json_out_str(&json, "name", "x");
    json_out_array(&json, "shape", true);
    json_out_u64(&json, NULL, 3);
    json_out_u64(&json, NULL, g.side);
    json_out_u64(&json, NULL, g.side);
    json_out_end(&json);
    json_out_end(&json);
    json_out_end(&json);
    json_out_array(&json, "layers", false);
    for (unsigned layer = 0; layer < layers; layer++)
        add_layer(&g, layer, edge_probability);
    json_out_end(&json);
    json_out_end(&json);
}

/* Periods are of the order of a network's run, so that some frames are late. */
static void add_times(struct json_out *json, struct rng *rng, unsigned entry, unsigned networks)
{
    char name[32];
    if (rng_below(rng, 4) > 0) {
        uint32_t rate_hz = (uint32_t)ONE_OF(rng, 30000, 45000, 60000, 100000);
        if (rng_below(rng, 2))
            json_out_u64(json, "rate_hz", rate_hz);
        else
            json_out_real(json, "period_ns", 1e9 / rate_hz);
    }
    if (rng_below(rng, 2))
        json_out_u64(json, "offset_ns", rng_below(rng, 40000));
    if (rng_below(rng, 2))
        json_out_u64(json, "deadline_ns", between(rng, 1000, 60000));
    if (entry + 1 < networks && rng_below(rng, 3) == 0) /* the last one is always released */
        json_out_real(json, "probability", rng_real(rng));
    if (entry + 1 < networks && rng_below(rng, 3) == 0) {
        snprintf(name, sizeof name, "net%u", between(rng, entry + 1, networks - 1));
        json_out_str(json, "depends_on", name);
    }
}

static void random_workload(struct text *text, unsigned networks, struct rng *times)
{
    struct json_out json;
    json_out_init(&json, text);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "workload/1");
    json_out_str(&json, "name", "random");
    json_out_array(&json, "networks", false);
    for (unsigned i = 0; i < networks; i++) {
        char file[32];
        snprintf(file, sizeof file, "g%u.json", i);
        json_out_object(&json, NULL, true);
        json_out_str(&json, "graph", file);
        if (times)
            add_times(&json, times, i, networks);
        json_out_end(&json);
    }
    json_out_end(&json);
    if (times) {
        json_out_u64(&json, "frames", between(times, 1, 4));
        json_out_u64(&json, "seed", rng_u32(times));
    }
    json_out_end(&json);
}

void fixture_random(struct fixture *f, uint64_t seed, const struct fixture_shape *shape)
{
    struct rng rng = rng_stream(seed, 0x50c, 0);
    struct text soc = { 0 }, workload = { 0 };
    unsigned networks = shape->networks ? shape->networks : 1;
    struct text *graphs = calloc(networks, sizeof *graphs);
    const char **texts = calloc(networks, sizeof *texts);
    random_soc(&soc, &rng, shape);
    struct rng times = rng_stream(seed, 0x71e5, 0);
    random_workload(&workload, networks, shape->periodic ? &times : NULL);
    for (unsigned i = 0; i < networks; i++) {
        unsigned layers = shape->layers / networks + (i < shape->layers % networks);
        random_graph(&graphs[i], &rng, i, layers ? layers : 1, shape->edge_probability);
        texts[i] = graphs[i].data;
    }
    fixture_from_text(f, soc.data, workload.data, texts, networks);
    for (unsigned i = 0; i < networks; i++)
        text_release(&graphs[i]);
    text_release(&soc);
    text_release(&workload);
    free(graphs);
    free(texts);
}
