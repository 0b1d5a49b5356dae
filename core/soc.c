#include "core/soc.h"

#include <stdlib.h>
#include <string.h>

#include "core/soc_network.h"

#define CLOCK_HZ_MAX         INT64_C(1000000000000)
#define PE_SIDE_MAX          65536
#define SHARED_LAYERS_MAX    65536
#define SCRATCHPAD_BYTES_MAX (INT64_C(1) << 50)
#define BYTES_PER_CYCLE_MAX  (INT64_C(1) << 40)
#define ENERGY_PJ_MAX        1e9
#define DATAFLOWS_MAX        64

struct soc_reader {
    struct soc soc;
    struct json_doc *doc;
    const struct json_node *root;
    struct soc_network_reader network;
    struct names *accelerator_numbers;
    size_t accelerator_capacity;
    const char *dataflow_names[DATAFLOWS_MAX + 32]; /* built-in ones first */
    const struct dataflow *dataflows[DATAFLOWS_MAX + 32];
    size_t dataflow_count;
};

/* --- dataflows ------------------------------------------------------------------------------- */

static void list_dataflow(struct soc_reader *reader, const struct dataflow *dataflow)
{
    reader->dataflow_names[reader->dataflow_count] = dataflow->name;
    reader->dataflows[reader->dataflow_count++] = dataflow;
}

static void read_own_dataflow(struct soc_reader *reader, const struct json_node *node,
                              struct dataflow *out)
{
    dataflow_read(node, out);
    for (size_t i = 0; i < reader->dataflow_count; i++)
        if (strcmp(reader->dataflow_names[i], out->name) == 0)
            json_fail(node, ERR_DUPLICATE, "there is another dataflow \"%s\"", out->name);
    list_dataflow(reader, out);
}

static void read_dataflows(struct soc_reader *reader)
{
    struct soc *soc = &reader->soc;
    for (size_t i = 0; i < dataflow_count; i++)
        list_dataflow(reader, &dataflow_table[i]);
    const struct json_node *node = json_find(reader->root, "dataflows");
    size_t count = node ? json_count(node) : 0;
    if (count > DATAFLOWS_MAX) {
        json_fail(node, ERR_LIMIT, "expected at most %d dataflows, got %zu", DATAFLOWS_MAX, count);
        return;
    }
    soc->dataflow_count = count;
    soc->dataflows = ARENA_ARRAY(soc->arena, struct dataflow, count);
    for (size_t i = 0; i < count; i++)
        read_own_dataflow(reader, json_item(node, i), &soc->dataflows[i]);
}

/* --- accelerators ---------------------------------------------------------------------------- */

static unsigned read_supports(const struct json_node *node)
{
    unsigned supports = 0;
    size_t count = json_count(node);
    if (count == 0)
        json_fail(node, ERR_VALUE, "expected at least one kind of operator");
    for (size_t i = 0; i < count; i++) {
        const struct json_node *item = json_item(node, i);
        unsigned bit = 1u << json_enum(item, op_kind_names, OP_KIND_COUNT);
        if (supports & bit)
            json_fail(item, ERR_DUPLICATE, "this kind is listed twice");
        supports |= bit;
    }
    return supports;
}

static uint64_t rate_or_unlimited(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_find(object, key);
    return node ? soc_read_rate(node) : 0;
}

static uint64_t bytes_per_cycle(const struct json_node *object)
{
    const struct json_node *node = json_find(object, "scratchpad_bytes_per_cycle");
    if (!node)
        return 0;
    if (json_type_of(node) == JSON_NODE_STRING)
        return soc_read_rate(node);
    return (uint64_t)json_int(node, 1, BYTES_PER_CYCLE_MAX);
}

/* Everything but name and place. */
static struct soc_accelerator read_core(struct soc_reader *reader, const struct json_node *node)
{
    struct soc_accelerator acc = {
        .clock_hz = (uint64_t)json_get_int(node, "clock_hz", 1, CLOCK_HZ_MAX),
        .pe_rows = (uint32_t)json_get_int(node, "pe_rows", 1, PE_SIDE_MAX),
        .pe_cols = (uint32_t)json_get_int(node, "pe_cols", 1, PE_SIDE_MAX),
        .dataflow = reader->dataflows[json_enum(json_get(node, "dataflow"), reader->dataflow_names,
                                                reader->dataflow_count)],
        .supports = read_supports(json_get(node, "supports")),
        .shared_layers_max =
            (uint32_t)json_get_int_or(node, "shared_layers_max", 1, SHARED_LAYERS_MAX, 1),
        .scratchpad_bytes =
            (uint64_t)json_get_int(node, "scratchpad_bytes", 1, SCRATCHPAD_BYTES_MAX),
        .scratchpad_bytes_per_cycle = bytes_per_cycle(node),
        .local_bytes_per_s = rate_or_unlimited(node, "local_bytes_per_s"),
    };
    if (soc_pes(&acc) > SOC_PES_MAX)
        json_fail(node, ERR_LIMIT, "expected pe_rows * pe_cols of at most %u, got %llu",
                  (unsigned)SOC_PES_MAX, (unsigned long long)soc_pes(&acc));
    acc.vector_lanes =
        (uint32_t)json_get_int_or(node, "vector_lanes", 1, SOC_PES_MAX, (int64_t)soc_pes(&acc));
    return acc;
}

static void add_accelerator(struct soc_reader *reader, const struct json_node *node,
                            struct soc_accelerator acc)
{
    struct soc *soc = &reader->soc;
    if (names_add(reader->accelerator_numbers, acc.name, (uint32_t)soc->accelerator_count) !=
        NAMES_NONE)
        json_fail(node, ERR_DUPLICATE, "there is another accelerator \"%s\"", acc.name);
    soc->accelerators[soc->accelerator_count++] = acc;
}

static bool has_room(struct soc_reader *reader, const struct json_node *node, size_t count)
{
    if (count <= SOC_ACCELERATORS_MAX - reader->soc.accelerator_count)
        return true;
    json_fail(node, ERR_LIMIT, "expected at most %d accelerators", SOC_ACCELERATORS_MAX);
    return false;
}

/* "count": N with "places": N accelerators, their names numbered from 0. */
static void read_several(struct soc_reader *reader, const struct json_node *node,
                         struct soc_accelerator acc)
{
    size_t count = (size_t)json_get_int(node, "count", 1, SOC_ACCELERATORS_MAX);
    const struct json_node *places = json_get(node, "places");
    if (json_count(places) != count) {
        json_fail(places, ERR_VALUE, "expected %zu places (\"count\"), got %zu", count,
                  json_count(places));
        return;
    }
    if (!has_room(reader, node, count))
        return;
    const char *stem = names_read(json_get(node, "name"));
    for (size_t i = 0; i < count; i++) {
        acc.name = arena_printf(reader->soc.arena, "%s%zu", stem, i);
        acc.place = soc_network_place(&reader->network, json_item(places, i));
        add_accelerator(reader, node, acc);
    }
}

static void read_accelerator(struct soc_reader *reader, const struct json_node *node)
{
    struct soc_accelerator acc = read_core(reader, node);
    if (json_find(node, "count")) {
        read_several(reader, node, acc);
        return;
    }
    if (!has_room(reader, node, 1))
        return;
    acc.name = arena_strdup(reader->soc.arena, names_read(json_get(node, "name")));
    acc.place = soc_network_place(&reader->network, json_get(node, "place"));
    add_accelerator(reader, node, acc);
}

static void read_accelerators(struct soc_reader *reader)
{
    struct soc *soc = &reader->soc;
    const struct json_node *node = json_get(reader->root, "accelerators");
    size_t count = json_count(node);
    if (count == 0)
        json_fail(node, ERR_VALUE, "expected at least one accelerator");
    soc->accelerators = ARENA_ARRAY(soc->arena, struct soc_accelerator, SOC_ACCELERATORS_MAX);
    for (size_t i = 0; i < count && json_ok(reader->doc); i++)
        read_accelerator(reader, json_item(node, i));
}

/* --- memory and energy ----------------------------------------------------------------------- */

static struct soc_channel read_channel(struct soc_reader *reader, const struct json_node *node)
{
    struct soc_channel channel = {
        .name = arena_strdup(reader->soc.arena, names_read(json_get(node, "name"))),
        .unlimited = json_get_bool_or(node, "unlimited", false),
    };
    if (channel.unlimited)
        return channel;
    channel.place = soc_network_place(&reader->network, json_get(node, "place"));
    channel.bytes_per_s = soc_read_rate(json_get(node, "bytes_per_s"));
    channel.latency_ps = soc_read_latency_ps(node, "latency_ns", true);
    return channel;
}

static void read_memory(struct soc_reader *reader)
{
    struct soc *soc = &reader->soc;
    const struct json_node *node = json_get(reader->root, "memory");
    size_t count = json_count(node);
    if (count == 0 || count > SOC_CHANNELS_MAX) {
        json_fail(node, count == 0 ? ERR_VALUE : ERR_LIMIT,
                  "expected 1..%d memory channels, got %zu", SOC_CHANNELS_MAX, count);
        return;
    }
    soc->channels = ARENA_ARRAY(soc->arena, struct soc_channel, count);
    for (size_t i = 0; i < count; i++) {
        const struct json_node *item = json_item(node, i);
        soc->channels[i] = read_channel(reader, item);
        for (size_t other = 0; other < i; other++)
            if (strcmp(soc->channels[other].name, soc->channels[i].name) == 0)
                json_fail(item, ERR_DUPLICATE, "there is another memory channel \"%s\"",
                          soc->channels[i].name);
    }
    soc->channel_count = count;
}

static void read_energy(struct soc_reader *reader)
{
    const struct json_node *node = json_get(reader->root, "energy");
    reader->soc.energy = (struct soc_energy){
        .mac_pj = json_get_real(node, "mac_pj", 0, ENERGY_PJ_MAX),
        .register_pj_per_byte = json_get_real(node, "register_pj_per_byte", 0, ENERGY_PJ_MAX),
        .scratchpad_pj_per_byte = json_get_real(node, "scratchpad_pj_per_byte", 0, ENERGY_PJ_MAX),
        .hop_pj_per_byte = json_get_real(node, "hop_pj_per_byte", 0, ENERGY_PJ_MAX),
        .memory_pj_per_byte = json_get_real(node, "memory_pj_per_byte", 0, ENERGY_PJ_MAX),
        .pe_idle_pj_per_cycle = json_get_real(node, "pe_idle_pj_per_cycle", 0, ENERGY_PJ_MAX),
    };
}

/* --- the whole ------------------------------------------------------------------------------- */

static void route(struct soc_reader *reader)
{
    const struct soc *soc = &reader->soc;
    bool *used = mem_alloc(soc->place_count, sizeof *used);
    for (size_t i = 0; i < soc->accelerator_count; i++)
        used[soc->accelerators[i].place] = true;
    for (size_t i = 0; i < soc->channel_count; i++)
        if (!soc->channels[i].unlimited)
            used[soc->channels[i].place] = true;
    soc_network_route(&reader->network, used);
    free(used);
}

/* Each part leans on those before it, so the first one in error is the last one read. */
static void read_soc(struct soc_reader *reader)
{
    struct soc *soc = &reader->soc;
    const struct json_node *root = reader->root;
    json_expect_tag(root, "soc/1");
    soc->name = arena_strdup(soc->arena, names_read(json_get(root, "name")));
    soc->source = arena_strdup(soc->arena, json_get_str_or(root, "source", ""));
    soc->note = arena_strdup(soc->arena, json_get_str_or(root, "note", ""));
    soc_network_read(&reader->network, soc, json_get(root, "network"));
    void (*const parts[])(struct soc_reader *) = { read_dataflows, read_accelerators, read_memory,
                                                   read_energy, route };
    for (size_t i = 0; i < sizeof parts / sizeof *parts && json_ok(reader->doc); i++)
        parts[i](reader);
}

static enum err_code load(struct soc *out, struct json_doc *doc, const char *name, struct err *err)
{
    struct soc_reader reader = { .doc = doc, .soc.arena = arena_new() };
    reader.root = json_root(reader.doc);
    reader.accelerator_numbers = names_new();
    reader.soc.file = arena_strdup(reader.soc.arena, name);
    if (json_ok(reader.doc)) {
        read_soc(&reader);
        memcpy(reader.soc.sha256, json_sha256(reader.doc), sizeof reader.soc.sha256);
    }
    soc_network_done(&reader.network);
    names_free(reader.accelerator_numbers);
    enum err_code rc = json_close(reader.doc, err);
    if (rc == ERR_OK)
        *out = reader.soc;
    else
        arena_free(reader.soc.arena);
    return rc;
}

enum err_code soc_load(struct soc *out, const char *file, struct err *err)
{
    return load(out, json_open(file), file, err);
}

enum err_code soc_load_text(struct soc *out, const char *name, const char *text, size_t bytes,
                            struct err *err)
{
    return load(out, json_open_text(name, text, bytes), name, err);
}

void soc_release(struct soc *soc)
{
    arena_free(soc->arena);
    *soc = (struct soc){ 0 };
}

uint32_t soc_channel_of(const struct soc *soc, size_t accelerator)
{
    uint32_t best = 0;
    size_t best_hops = SIZE_MAX;
    for (uint32_t i = 0; i < soc->channel_count; i++) {
        const struct soc_channel *channel = &soc->channels[i];
        size_t hops = channel->unlimited
                          ? 0
                          : soc_hops(soc, channel->place, soc->accelerators[accelerator].place);
        if (hops < best_hops) {
            best_hops = hops;
            best = i;
        }
    }
    return best;
}
