#include "core/workload.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/json.h"
#include "core/names.h"
#include "core/text.h"
#include "core/workload_release.h"

#define GRAPHS_MAX 4096
#define DIMS_MAX   64

static const struct workload_importer *foreign; /* NULL: dnn/1 files only */

void workload_set_importer(const struct workload_importer *importer)
{
    foreign = importer;
}

struct workload_reader {
    struct json_doc *doc;
    struct workload workload; /* under construction */
    char *dir;
    struct names *paths;            /* of the graphs loaded so far */
    struct names *networks;         /* names taken */
    const struct json_node **nodes; /* [entry] */
    const char **depends_on;        /* [entry]; NULL: nothing */
};

static bool is_foreign(const char *path)
{
    size_t length = strlen(path), suffix = foreign ? strlen(foreign->suffix) : 0;
    return suffix > 0 && length > suffix && strcmp(path + length - suffix, foreign->suffix) == 0;
}

/* "dims" of an entry: values of the model's symbolic dimensions. */
static size_t read_dims(const struct json_node *node, struct dnn_dim dims[DIMS_MAX])
{
    size_t count = node ? json_member_count(node) : 0;
    if (count > DIMS_MAX) {
        json_fail(node, ERR_LIMIT, "expected at most %d dimensions, got %zu", DIMS_MAX, count);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct json_node *value = json_member(node, i, &dims[i].name);
        dims[i].value = json_int(value, 0, EXPR_EXTENT_MAX);
    }
    return count;
}

/* One model with other dimensions is another graph. */
static const char *graph_key(struct arena *arena, const char *path, const struct dnn_dim *dims,
                             size_t dim_count)
{
    const char *key = path;
    for (size_t i = 0; i < dim_count; i++)
        key = arena_printf(arena, "%s\n%s=%lld", key, dims[i].name, (long long)dims[i].value);
    return key;
}

static enum err_code load_foreign(struct dnn *out, const char *path, const struct dnn_dim *dims,
                                  size_t dim_count, struct err *err)
{
    struct text text = { 0 };
    enum err_code rc = foreign->import(path, dims, dim_count, &text, err);
    if (rc == ERR_OK)
        rc = dnn_load_text(out, path, text.data, text.bytes, err);
    text_release(&text);
    return rc;
}

/* Loads a graph at most once; its number, or 0 after an error. */
static uint32_t graph_number(struct workload_reader *reader, const struct json_node *entry)
{
    struct workload *workload = &reader->workload;
    const struct json_node *node = json_get(entry, "graph"), *dims_node = json_find(entry, "dims");
    struct dnn_dim dims[DIMS_MAX];
    size_t dim_count = read_dims(dims_node, dims);
    char *joined = file_join(reader->dir, json_str(node));
    const char *path = arena_strdup(workload->arena, joined);
    free(joined);
    if (dims_node && json_ok(reader->doc) && !is_foreign(path))
        json_fail(dims_node, ERR_VALUE, "a dnn/1 graph has no symbolic dimensions");
    const char *key = graph_key(workload->arena, path, dims, dim_count);
    uint32_t number = names_find(reader->paths, key);
    if (number != NAMES_NONE || !json_ok(reader->doc))
        return number == NAMES_NONE ? 0 : number;
    if (workload->graph_count == GRAPHS_MAX) {
        json_fail(node, ERR_LIMIT, "expected at most %d graphs", GRAPHS_MAX);
        return 0;
    }
    struct err err = ERR_INIT;
    number = (uint32_t)workload->graph_count;
    struct dnn *graph = &workload->graphs[number];
    enum err_code rc = is_foreign(path) ? load_foreign(graph, path, dims, dim_count, &err)
                                        : dnn_load(graph, path, &err);
    if (rc != ERR_OK) {
        json_fail_err(node, &err);
        return 0;
    }
    names_add(reader->paths, key, number);
    workload->graph_count++;
    return number;
}

/* Every network of the file needs a name of its own. */
static void check_names(struct workload_reader *reader)
{
    const struct workload *workload = &reader->workload;
    for (size_t i = 0; i < workload->network_count && json_ok(reader->doc); i++) {
        const struct workload_network *network = &workload->networks[i];
        if (names_add(reader->networks, network->name, 0) != NAMES_NONE)
            json_fail(reader->nodes[network->entry], ERR_DUPLICATE,
                      "there is another network \"%s\"; give one of them a \"name\"",
                      network->name);
    }
}

static void read_entry(struct workload_reader *reader, const struct json_node *node)
{
    struct workload *workload = &reader->workload;
    struct workload_entry entry = { .graph = graph_number(reader, node) };
    entry.copies = (uint32_t)json_get_int_or(node, "copies", 1, WORKLOAD_NETWORKS_MAX, 1);
    const struct json_node *name = json_find(node, "name");
    if (name && strchr(names_read(name), '/'))
        json_fail(name, ERR_VALUE, "expected a name without \"/\"");
    const char *depends_on = NULL;
    workload_read_times(node, &entry, &depends_on);
    if (!json_ok(reader->doc))
        return;
    entry.name =
        name ? arena_strdup(workload->arena, names_read(name)) : workload->graphs[entry.graph].name;
    reader->nodes[workload->entry_count] = node;
    reader->depends_on[workload->entry_count] = depends_on;
    workload->entries[workload->entry_count++] = entry;
}

/* Covers the workload and every graph it uses, in order of first use. */
static void hash(struct workload_reader *reader)
{
    struct workload *workload = &reader->workload;
    struct text hashes = { 0 };
    text_add(&hashes, json_sha256(reader->doc));
    for (size_t i = 0; i < workload->graph_count; i++)
        text_add(&hashes, workload->graphs[i].sha256);
    file_sha256(hashes.data, hashes.bytes, workload->sha256);
    text_release(&hashes);
}

static void read_workload(struct workload_reader *reader)
{
    struct workload *workload = &reader->workload;
    const struct json_node *root = json_root(reader->doc);
    json_expect_tag(root, "workload/1");
    workload->name = arena_strdup(workload->arena, names_read(json_get(root, "name")));
    workload->source = arena_strdup(workload->arena, json_get_str_or(root, "source", ""));
    json_find(root, "note"); /* free text */
    const struct json_node *networks = json_get(root, "networks");
    size_t count = json_count(networks);
    if (count == 0)
        json_fail(networks, ERR_VALUE, "expected at least one network");
    struct workload_window window = workload_read_window(root);
    size_t graphs_most = count < GRAPHS_MAX ? count : GRAPHS_MAX;
    workload->graphs = ARENA_ARRAY(workload->arena, struct dnn, graphs_most);
    workload->entries = ARENA_ARRAY(workload->arena, struct workload_entry, count);
    reader->nodes = mem_alloc(count, sizeof *reader->nodes);
    reader->depends_on = mem_alloc(count, sizeof *reader->depends_on);
    for (size_t i = 0; i < count && json_ok(reader->doc); i++)
        read_entry(reader, json_item(networks, i));
    const struct workload_sources sources = { reader->nodes, reader->depends_on };
    if (json_ok(reader->doc))
        workload_release_networks(workload, networks, &sources, &window);
    check_names(reader);
    hash(reader);
}

/* From the growing buffer to the arena. */
static void settle_networks(struct workload *workload)
{
    struct workload_network *grown = workload->networks;
    workload->networks =
        ARENA_ARRAY(workload->arena, struct workload_network, workload->network_count);
    for (size_t i = 0; i < workload->network_count; i++)
        workload->networks[i] = grown[i];
    free(grown);
}

enum err_code workload_load(struct workload *out, const char *file, struct err *err)
{
    struct workload_reader reader = { .doc = json_open(file), .workload.arena = arena_new() };
    reader.dir = file_dir(file);
    reader.paths = names_new();
    reader.networks = names_new();
    reader.workload.file = arena_strdup(reader.workload.arena, file);
    if (json_ok(reader.doc))
        read_workload(&reader);
    settle_networks(&reader.workload);
    free(reader.dir);
    free(reader.nodes);
    free(reader.depends_on);
    names_free(reader.paths);
    names_free(reader.networks);
    enum err_code rc = json_close(reader.doc, err);
    if (rc == ERR_OK)
        *out = reader.workload;
    else
        workload_release(&reader.workload);
    return rc;
}

void workload_release(struct workload *workload)
{
    for (size_t i = 0; i < workload->graph_count; i++)
        dnn_release(&workload->graphs[i]);
    arena_free(workload->arena);
    *workload = (struct workload){ 0 };
}

uint32_t workload_network_of(const struct workload *workload, uint32_t layer)
{
    assert(layer < workload->layer_count);
    size_t low = 0, high = workload->network_count; /* the answer is in [low, high) */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (workload->networks[middle].first_layer <= layer)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

const struct dnn_layer *workload_layer(const struct workload *workload, uint32_t layer)
{
    const struct workload_network *network =
        &workload->networks[workload_network_of(workload, layer)];
    return &workload->graphs[network->graph].layers[layer - network->first_layer];
}

char *workload_layer_name(const struct workload *workload, uint32_t layer, char *buf, size_t size)
{
    const struct workload_network *network =
        &workload->networks[workload_network_of(workload, layer)];
    snprintf(buf, size, "%s/%s", network->name, workload_layer(workload, layer)->name);
    return buf;
}
