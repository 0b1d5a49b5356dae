/* The files that ship: every one loads, and the networks are those of their publications. */
#include <string.h>

#include "core/mapping.h"
#include "core/soc.h"
#include "core/workload.h"
#include "cost/cost.h"
#include "tests/test.h"

static const char *shipped_file(const char *folder, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    return test_path(path);
}

/* --- networks -------------------------------------------------------------------------------- */

/* depth: layers on the longest path; sources: layers that need no other. */
static const struct shipped_network {
    const char *name;
    size_t layers, depth, sources;
    uint64_t macs, weight_bytes;
} networks[] = {
    /* 1 + 16 blocks of 3 + 4 shortcuts + 1; the shortcuts lie beside the path. */
    { "resnet50", 54, 50, 1, UINT64_C(4089184256), 25502912 },
    /* 1 + (2 + 16 · 3) + 1 + 1 in a chain. */
    { "mobilenet-v2", 53, 53, 1, 300774272, 3469760 },
    /* 3 + 9 modules of 6 + 1; two layers deep in each module. */
    { "googlenet", 58, 22, 1, 1431556352, 6990272 },
    /* Path: 29 in the backbone, 20 in the neck, 1 detector.
     * With 2 parameters per normalised channel and 3 · 255 biases: the 7,235,389 of v6.0. */
    { "yolov5s", 60, 50, 1, UINT64_C(8216780800), 7235389 - 19773 },
    /* 12 layers of 8; per layer a product in front, 2 of attention, 3 behind. Weights
     * 12 · (4 · 768² + 2 · 768 · 3072). */
    { "bert-base", 96, 72, 3, UINT64_C(11173625856), 84934656 },
    { "albert-base", 97, 73, 1, UINT64_C(11186208768), 84934656 + 128 * 768 },
    /* 2 layers × 32 steps: 32 steps and the second layer of the last one. Weights once per step:
     * 32 · 4 · 1024 · ((240 + 1024) + (1024 + 1024)). */
    { "lstm2", 64, 33, 1, 434110464, 434110464 },
    /* BERT's layer with 8 memory-bound ones, all but the transposition on the path with the key. */
    { "transformer-encoder", 16, 14, 3, 931135488, 7077888 },
    { "resnet8", 15, 13, 1, 12501632, 77360 },
    { "ds-cnn", 12, 12, 1, 2656768, 22016 },
    /* 1 + 8 blocks of 2 + 3 shortcuts + 1. */
    { "resnet18", 21, 18, 1, 1814073344, 11678912 },
    { "vgg19", 19, 19, 1, UINT64_C(19632062464), 143652544 },
    { "alexnet", 8, 8, 1, 654560384, 60954656 },
    /* 1 + 8 modules of 3, two deep + 1. */
    { "squeezenet", 26, 18, 1, 349151936, 1231552 },
    /* 2 + 12 blocks of 8 + 2. Weights: patches, positions, 12 blocks, head. */
    { "vit-b16", 100, 100, 1, UINT64_C(17563828224),
      768 * 768 + 197 * 768 + 12 * 12 * 768 * 768 + 768 * 1000 },
    /* 24 blocks of 8 + 2. Weights 24 · 12 · 1024² + 1024 · 50257. */
    { "gpt2-medium", 194, 194, 1, UINT64_C(360828716032), 24 * 12 * 1048576 + 1024 * 50257 },
    /* Path: norm, q, qk, av, o, norm, gate, up, down. Weights 4096 · (2 · 4096 + 2 · 1024 + 3 ·
       14336). */
    { "llama3-8b-layer-prefill", 11, 9, 1, UINT64_C(113816633344), 4096 * 53248 },
    { "llama3-8b-layer-decode", 11, 9, 1, 234881024, 4096 * 53248 },
    { "tiny-cnn", 5, 4, 1, 741696, 1920 },
    { "tiny-mlp", 4, 3, 1, 413696, 25856 },
};

static size_t longest_path(const struct dnn *dnn)
{
    size_t depth[256], longest = 0;
    CHECK(dnn->layer_count <= 256);
    for (size_t i = 0; i < dnn->layer_count; i++) {
        depth[i] = 1;
        for (size_t e = 0; e < dnn->layers[i].pred_count; e++) {
            size_t through = depth[dnn->layers[i].preds[e].layer] + 1;
            depth[i] = through > depth[i] ? through : depth[i];
        }
        longest = depth[i] > longest ? depth[i] : longest;
    }
    return longest;
}

static size_t source_count(const struct dnn *dnn)
{
    size_t sources = 0;
    for (size_t i = 0; i < dnn->layer_count; i++)
        sources += dnn->layers[i].pred_count == 0;
    return sources;
}

TEST(shipped__networks__have_the_published_layers_macs_and_weights)
{
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        const struct shipped_network *want = &networks[i];
        struct dnn dnn;
        CHECK_OK(dnn_load(&dnn, shipped_file("dnn-graphs", want->name), err));
        CHECK_STR(want->name, dnn.name);
        CHECK_INT(want->layers, dnn.layer_count);
        CHECK_INT(want->macs, dnn.macs);
        CHECK_INT(want->weight_bytes, dnn.weight_bytes);
        CHECK_INT(want->depth, longest_path(&dnn));
        CHECK_INT(want->sources, source_count(&dnn));
        CHECK(strlen(dnn.source) > 0 && strlen(dnn.note) > 0);
        dnn_release(&dnn);
    }
}

static const struct dnn_layer *layer_named(const struct dnn *dnn, const char *name)
{
    for (size_t i = 0; i < dnn->layer_count; i++)
        if (strcmp(dnn->layers[i].name, name) == 0)
            return &dnn->layers[i];
    test_fail(__FILE__, __LINE__, "no layer %s", name);
}

/* `producers`: "a b c" in the order of the file, with the bytes of each. */
static void check_producers(const struct dnn *dnn, const char *name, const char *producers,
                            const uint64_t *bytes)
{
    const struct dnn_layer *layer = layer_named(dnn, name);
    char got[256] = "";
    for (size_t e = 0; e < layer->pred_count; e++) {
        const char *producer = dnn->layers[layer->preds[e].layer].name;
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", e > 0 ? " " : "", producer);
        CHECK_INT(bytes[e], layer->preds[e].bytes);
    }
    CHECK_STR(producers, got);
}

TEST(shipped__joins__bring_every_producer_with_its_bytes)
{
    struct dnn dnn;
    CHECK_OK(dnn_load(&dnn, shipped_file("dnn-graphs", "resnet50"), err));
    check_producers(&dnn, "conv3_1c", "conv3_1b conv3_1s",
                    (const uint64_t[]){ 128 * 28 * 28, 512 * 28 * 28 });
    check_producers(&dnn, "conv3_2c", "conv3_1c conv3_2b",
                    (const uint64_t[]){ 512 * 28 * 28, 128 * 28 * 28 });
    dnn_release(&dnn);

    CHECK_OK(dnn_load(&dnn, shipped_file("dnn-graphs", "googlenet"), err));
    check_producers(&dnn, "inception_3b_pool_proj",
                    "inception_3a_1x1 inception_3a_3x3 inception_3a_5x5 inception_3a_pool_proj",
                    (const uint64_t[]){ 64 * 27 * 27, 128 * 27 * 27, 32 * 27 * 27, 32 * 27 * 27 });
    dnn_release(&dnn);

    CHECK_OK(dnn_load(&dnn, shipped_file("dnn-graphs", "yolov5s"), err));
    /* PANet: h14 is upsampled for h17, read as it was for h20. */
    check_producers(&dnn, "h17_cv1", "b4_cv3 h14",
                    (const uint64_t[]){ 128 * 80 * 80, 128 * 80 * 80 });
    check_producers(&dnn, "h20_cv1", "h14 h18", (const uint64_t[]){ 128 * 40 * 40, 128 * 40 * 40 });
    dnn_release(&dnn);

    CHECK_OK(dnn_load(&dnn, shipped_file("dnn-graphs", "bert-base"), err));
    check_producers(&dnn, "l3_qk", "l3_q l3_k", (const uint64_t[]){ 128 * 768, 128 * 768 });
    check_producers(&dnn, "l3_out", "l2_ffn2 l3_av", (const uint64_t[]){ 128 * 768, 128 * 768 });
    dnn_release(&dnn);

    CHECK_OK(dnn_load(&dnn, shipped_file("dnn-graphs", "lstm2"), err));
    /* h from the layer below; h and c from the step before. */
    check_producers(&dnn, "t7_l1", "t6_l1 t7_l0", (const uint64_t[]){ 2048, 1024 });
    dnn_release(&dnn);
}

/* --- workloads ------------------------------------------------------------------------------- */

static const struct shipped_workload {
    const char *name;
    size_t networks, layers;
} workloads[] = {
    { "vision-light", 6, 330 },
    { "vision-heavy", 24, 1320 },
    { "language", 8, 642 },
    { "mixed-light", 10, 662 },
    { "mixed-mid", 18, 1196 },
    { "mixed-heavy", 34, 2264 },
    { "edge-mix", 6, 16 + 53 + 2 * 15 + 2 * 12 },
    { "tiny", 2, 9 },
};

TEST(shipped__workloads__have_the_layer_counts_of_comb)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        struct workload workload;
        CHECK_OK(
            workload_load(&workload, shipped_file("dnn-graphs/workloads", workloads[i].name), err));
        CHECK_STR(workloads[i].name, workload.name);
        CHECK_INT(workloads[i].networks, workload.network_count);
        CHECK_INT(workloads[i].layers, workload.layer_count);
        workload_release(&workload);
    }
}

/* --- SoCs ------------------------------------------------------------------------------------ */

static const struct shipped_soc {
    const char *name;
    size_t accelerators;
    uint64_t pes;
    size_t longest_route; /* links between the two places farthest apart */
} socs[] = {
    { "comb-small-low", 4, 4 * 16384, 2 },
    { "comb-small-high", 4, 4 * 16384, 2 },
    { "comb-small-low-gemm", 4, 4 * 16384, 2 },
    { "comb-small-high-gemm", 4, 4 * 16384, 2 },
    { "comb-small-low-any", 4, 4 * 16384, 2 },
    { "comb-small-high-any", 4, 4 * 16384, 2 },
    { "comb-large-low", 8, 8 * 16384, 4 },
    { "comb-large-high", 8, 8 * 16384, 4 },
    { "comb-large-low-gemm", 8, 8 * 16384, 4 },
    { "comb-large-high-gemm", 8, 8 * 16384, 4 },
    { "comb-large-low-any", 8, 8 * 16384, 4 },
    { "comb-large-high-any", 8, 8 * 16384, 4 },
    { "edge-ring", 5, 2 * 512 + 256 + 256 + 168, 3 },
    { "chiplet-links", 9, 9 * 4096, 4 },
};

static size_t longest_route(const struct soc *soc)
{
    size_t longest = 0;
    for (uint32_t a = 0; a < soc->place_count; a++)
        for (uint32_t b = 0; b < soc->place_count; b++)
            longest = soc_hops(soc, a, b) > longest ? soc_hops(soc, a, b) : longest;
    return longest;
}

TEST(shipped__socs__have_the_accelerators_and_distances_of_their_sources)
{
    for (size_t i = 0; i < sizeof socs / sizeof *socs; i++) {
        struct soc soc;
        uint64_t pes = 0;
        CHECK_OK(soc_load(&soc, shipped_file("soc-configs", socs[i].name), err));
        for (size_t a = 0; a < soc.accelerator_count; a++)
            pes += soc_pes(&soc.accelerators[a]);
        CHECK_STR(socs[i].name, soc.name);
        CHECK_INT(socs[i].accelerators, soc.accelerator_count);
        CHECK_INT(socs[i].pes, pes);
        CHECK_INT(socs[i].longest_route, longest_route(&soc));
        CHECK(strlen(soc.source) > 0 && strlen(soc.note) > 0);
        soc_release(&soc);
    }
}

/* --- together -------------------------------------------------------------------------------- */

/* Outcome of building the problem; `rc` is checked, the message must name `culprit`. */
static void check_pair(const char *soc_name, const char *workload_name, enum err_code want,
                       const char *culprit)
{
    struct soc soc;
    struct workload workload;
    struct problem problem;
    struct err failure = ERR_INIT;
    char line[2048];
    CHECK_OK(soc_load(&soc, shipped_file("soc-configs", soc_name), err));
    CHECK_OK(workload_load(&workload, shipped_file("dnn-graphs/workloads", workload_name), err));
    enum err_code rc = cost_build_problem(
        &soc, &workload, &(struct cost_options){ COST_SHARING_FIXED }, &problem, &failure);
    err_format(&failure, line, sizeof line);
    if (rc != want || (culprit && !strstr(line, culprit)))
        test_fail(__FILE__, __LINE__, "%s on %s: %s", workload_name, soc_name, line);
    if (rc == ERR_OK)
        problem_release(&problem);
    workload_release(&workload);
    soc_release(&soc);
}

TEST(shipped__every_soc__runs_the_workloads_meant_for_it)
{
    for (size_t s = 0; s < sizeof socs / sizeof *socs; s++)
        for (size_t w = 0; w < sizeof workloads / sizeof *workloads; w++) {
            bool comb = strncmp(socs[s].name, "comb-", 5) == 0;
            bool memory_bound = strcmp(workloads[w].name, "edge-mix") == 0;
            if (!comb || !memory_bound)
                check_pair(socs[s].name, workloads[w].name, ERR_OK, NULL);
        }
}

TEST(shipped__comb_soc__cannot_run_memory_bound_layers)
{
    check_pair("comb-small-low-any", "edge-mix", ERR_INFEASIBLE, "key_transpose");
}
