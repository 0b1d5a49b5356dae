#include "core/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "tests/test.h"

#define GRAPH(name, n)                                                                             \
    "{\"socweave\": \"dnn/1\", \"name\": \"" name "\", \"inputs\": [{\"name\": \"x\", \"shape\": " \
    "[4, 4]}], \"layers\": [{\"name\": \"first\", \"op\": \"gemm\", \"extents\": {\"m\": 4, "      \
    "\"n\": " n ", \"k\": 4}, \"inputs\": [\"x\"]}, {\"name\": \"second\", \"op\": \"relu\", "     \
    "\"extents\": {\"k\": 4, \"p\": " n "}, \"inputs\": [\"first\"]}]}"
#define WORKLOAD(networks)                                                                         \
    "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [" networks "]}"

static void put(const char *dir, const char *name, const char *text)
{
    char *file = file_join(dir, name);
    CHECK_OK(file_write(file, text, strlen(text), err));
    free(file);
}

static enum err_code load_from(const char *dir, struct workload *workload, struct err *why)
{
    char *file = file_join(dir, "w.json");
    enum err_code rc = workload_load(workload, file, why);
    free(file);
    return rc;
}

/* A folder with two graphs and this workload. */
static const char *folder_with(const char *workload)
{
    const char *dir = test_temp_dir();
    put(dir, "a.json", GRAPH("a", "8"));
    put(dir, "b.json", GRAPH("b", "6"));
    put(dir, "w.json", workload);
    return dir;
}

TEST(workload__copies__are_numbered_networks)
{
    struct workload workload;
    char name[64];
    CHECK_OK(load_from(folder_with(WORKLOAD("{\"graph\": \"a.json\", \"copies\": 2}, "
                                            "{\"graph\": \"b.json\"}, "
                                            "{\"graph\": \"./a.json\", \"name\": \"other\"}")),
                       &workload, err));
    CHECK_INT(4, workload.network_count);
    CHECK_INT(8, workload.layer_count);
    CHECK_STR("a#0", workload.networks[0].name);
    CHECK_STR("a#1", workload.networks[1].name);
    CHECK_STR("b", workload.networks[2].name);
    CHECK_STR("other", workload.networks[3].name);
    CHECK_STR("a#1/second", workload_layer_name(&workload, 3, name, sizeof name));
    CHECK_STR("b/first", workload_layer_name(&workload, 4, name, sizeof name));
    for (uint32_t layer = 0; layer < 8; layer++)
        CHECK_INT(layer / 2, workload_network_of(&workload, layer));
    CHECK(workload_layer(&workload, 0) == workload_layer(&workload, 2)); /* one graph in memory */
    workload_release(&workload);
}

TEST(workload__same_path_twice__is_loaded_once)
{
    struct workload workload;
    CHECK_OK(load_from(folder_with(WORKLOAD("{\"graph\": \"a.json\"}, "
                                            "{\"graph\": \"a.json\", \"name\": \"again\"}")),
                       &workload, err));
    CHECK_INT(1, workload.graph_count);
    CHECK_INT(2, workload.network_count);
    workload_release(&workload);
}

TEST(workload__changed_graph__changes_the_hash)
{
    struct workload before, after;
    const char *dir = folder_with(WORKLOAD("{\"graph\": \"a.json\"}"));
    CHECK_OK(load_from(dir, &before, err));
    put(dir, "b.json", GRAPH("b", "7")); /* not part of it */
    CHECK_OK(load_from(dir, &after, err));
    CHECK_STR(before.sha256, after.sha256);
    workload_release(&after);
    put(dir, "a.json", GRAPH("a", "9"));
    CHECK_OK(load_from(dir, &after, err));
    CHECK(strcmp(before.sha256, after.sha256) != 0);
    workload_release(&before);
    workload_release(&after);
}

TEST(workload__error_in_a_graph__is_placed_there)
{
    struct workload workload;
    struct err err = ERR_INIT;
    const char *dir = folder_with(WORKLOAD("{\"graph\": \"a.json\"}, {\"graph\": \"b.json\"}"));
    put(dir, "b.json", GRAPH("b", "0"));
    CHECK_INT(ERR_RANGE, load_from(dir, &workload, &err));
    CHECK(strstr(err.file, "b.json") != NULL);
    CHECK_STR("$.layers[0].extents.n", err.path);
}

TEST(workload__two_networks_of_one_name__are_refused)
{
    struct workload workload;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_DUPLICATE, load_from(folder_with(WORKLOAD("{\"graph\": \"a.json\"}, "
                                                            "{\"graph\": \"a.json\"}")),
                                       &workload, &err));
    CHECK_STR("$.networks[1]", err.path);
}

TEST(workload__too_many_layers__are_refused)
{
    struct workload workload;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_LIMIT,
              load_from(folder_with(WORKLOAD("{\"graph\": \"a.json\", \"copies\": 100000, "
                                             "\"name\": \"x\"}, {\"graph\": \"b.json\"}")),
                        &workload, &err));
}
