/* Graphs: order, what must fit, and what the cost model reads of a layer. */
#include "core/dnn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/text.h"
#include "tests/test.h"

#define GRAPH(inputs, layers)                                                                      \
    "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [" inputs "], \"layers\": [" layers "]}"
#define INPUT(name, shape) "{\"name\": \"" name "\", \"shape\": [" shape "]}"
#define LAYER(name, op, extents, inputs)                                                           \
    "{\"name\": \"" name "\", \"op\": \"" op "\", \"extents\": {" extents                          \
    "}, \"inputs\": [" inputs "]}"
#define LAYER_AND(name, op, extents, inputs, more)                                                 \
    "{\"name\": \"" name "\", \"op\": \"" op "\", \"extents\": {" extents                          \
    "}, \"inputs\": [" inputs "], " more "}"
#define GEMM(name, m, n, k, inputs)                                                                \
    LAYER(name, "gemm", "\"m\": " m ", \"n\": " n ", \"k\": " k, inputs)

static enum err_code load_text(struct dnn *dnn, const char *text, struct err *why)
{
    char *file = file_join(test_temp_dir(), "g.json");
    CHECK_OK(file_write(file, text, strlen(text), err));
    enum err_code rc = dnn_load(dnn, file, why);
    free(file);
    return rc;
}

/* Fails with this code, at this path, and these words in the sentence. */
static void check_refused(const char *text, enum err_code code, const char *path, const char *words)
{
    struct dnn dnn;
    struct err err = ERR_INIT;
    CHECK_STR(err_name(code), err_name(load_text(&dnn, text, &err)));
    CHECK_STR(path, err.path);
    if (!strstr(err.text, words))
        CHECK_STR(words, err.text);
    CHECK(err.line > 0);
}

static const struct dnn_layer *layer(const struct dnn *dnn, const char *name)
{
    for (size_t i = 0; i < dnn->layer_count; i++)
        if (strcmp(dnn->layers[i].name, name) == 0)
            return &dnn->layers[i];
    test_fail(__FILE__, __LINE__, "no layer %s", name);
}

/* --- order ----------------------------------------------------------------------------------- */

static void check_order(const char *text, const char *expected)
{
    struct dnn dnn;
    struct text got = { 0 };
    CHECK_OK(load_text(&dnn, text, err));
    for (size_t i = 0; i < dnn.layer_count; i++) {
        text_printf(&got, "%s%s", i ? " " : "", dnn.layers[i].name);
        for (size_t e = 0; e < dnn.layers[i].pred_count; e++) {
            CHECK(dnn.layers[i].preds[e].layer < i);
            CHECK(e == 0 || dnn.layers[i].preds[e - 1].layer < dnn.layers[i].preds[e].layer);
        }
    }
    CHECK_STR(expected, got.data);
    text_release(&got);
    dnn_release(&dnn);
}

TEST(dnn__sorted_file__keeps_its_order)
{
    check_order(
        GRAPH(INPUT("x", "4, 4"),
              GEMM("c", "4", "4", "4", "\"x\"") "," GEMM("a", "4", "4", "4", "\"x\"") "," GEMM(
                  "b", "4", "4", "4", "\"c\"") "," GEMM("d", "4", "4", "4", "\"a\", \"b\"")),
        "c a b d");
}

TEST(dnn__unsorted_file__puts_producers_before_their_consumer)
{
    check_order(
        GRAPH(
            INPUT("x", "4, 4"),
            GEMM("d", "4", "4", "4", "\"b\", \"a\"") "," GEMM("b", "4", "4", "4", "\"c\"") "," GEMM(
                "a", "4", "4", "4", "\"x\"") "," GEMM("c", "4", "4", "4", "\"x\"")),
        "c b a d");
}

TEST(dnn__epilogue_input__comes_before_its_consumer)
{
    check_order(
        GRAPH(INPUT("x", "4, 4"),
              LAYER_AND("a", "gemm", "\"m\": 4, \"n\": 4, \"k\": 4", "\"x\"",
                        "\"epilogue\": [{\"op\": \"add\", \"input\": \"b\"}]") "," GEMM("b", "4",
                                                                                        "4", "4",
                                                                                        "\"x\"")),
        "b a");
}

TEST(dnn__cycle__is_named_in_the_direction_of_the_data)
{
    check_refused(
        GRAPH(INPUT("x", "4, 4"),
              GEMM("in", "4", "4", "4", "\"x\"") "," GEMM(
                  "a", "4", "4", "4", "\"in\", \"c\"") "," GEMM("b", "4", "4", "4",
                                                                "\"a\"") "," GEMM("c", "4", "4",
                                                                                  "4", "\"b\"")),
        ERR_CYCLE, "$.layers[2].inputs[0]", "a -> b -> c -> a");
}

TEST(dnn__long_cycle__is_shown_in_part)
{
    struct text text = { 0 };
    text_add(&text, "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [], \"layers\": [");
    for (unsigned i = 0; i < 1000; i++)
        text_printf(&text, "%s" GEMM("l%u", "4", "4", "4", "\"l%u\""), i ? "," : "", i,
                    (i + 999) % 1000);
    text_add(&text, "]}");
    check_refused(text.data, ERR_CYCLE, "$.layers[1].inputs[0]",
                  "l0 -> l1 -> l2 -> l3 -> l4 -> l5 -> l6 -> l7 -> ... -> l0");
    text_release(&text);
}

/* A chain in the wrong order is as deep as the graph: no recursion may happen. */
TEST(dnn__deep_chain_backwards__loads)
{
    enum { COUNT = 20000 };
    struct text text = { 0 };
    struct dnn dnn;
    text_add(&text, "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [" INPUT(
                        "x", "4, 4") "], \"layers\": [");
    for (unsigned i = COUNT; i > 0; i--)
        text_printf(&text, GEMM("l%u", "4", "4", "4", "\"l%u\"") ",", i, i - 1);
    text_add(&text, GEMM("l0", "4", "4", "4", "\"x\"") "]}");
    CHECK_OK(load_text(&dnn, text.data, err));
    CHECK_INT(COUNT + 1, dnn.layer_count);
    CHECK_INT(COUNT, dnn.edge_count);
    CHECK_STR("l0", dnn.layers[0].name);
    CHECK_STR("l20000", dnn.layers[COUNT].name);
    CHECK(dnn.layers[1].expr == dnn.layers[COUNT].expr); /* equal layers share one */
    text_release(&text);
    dnn_release(&dnn);
}

/* --- what fits ------------------------------------------------------------------------------- */

#define CONV(name, k, c, p, r, stride, pad, inputs)                                                \
    LAYER_AND(name, "conv2d",                                                                      \
              "\"n\": 1, \"k\": " k ", \"c\": " c ", \"p\": " p ", \"q\": " p ", \"r\": " r        \
              ", \"s\": " r,                                                                       \
              inputs,                                                                              \
              "\"params\": {\"sh\": " stride ", \"sw\": " stride ", \"ph\": " pad ", \"pw\": " pad \
              "}")

static int64_t input_extent(const struct dnn_layer *of, size_t dim)
{
    return of->expr->tensors[1].dims[dim].extent;
}

/* A 1x1 window of stride 2 with 4 outputs covers 7 rows; 6, 7 and 8 are consistent with it. */
TEST(dnn__strided_window__takes_the_producers_extent)
{
    static const struct {
        const char *shape;
        int64_t rows; /* 0: refused */
    } cases[] = { { "1, 2, 7, 7", 7 }, { "1, 2, 8, 8", 8 }, { "1, 2, 6, 6", 6 },
                  { "1, 2, 9, 9", 0 }, { "1, 2, 5, 5", 0 }, { "1, 3, 7, 7", 0 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        struct dnn dnn;
        snprintf(text, sizeof text,
                 GRAPH(INPUT("x", "%s"), CONV("a", "2", "2", "4", "1", "2", "0", "\"x\"")),
                 cases[i].shape);
        if (cases[i].rows == 0) {
            check_refused(text, ERR_VALUE, "$.layers[0].inputs[0]",
                          "expected 98 elements for I[1,2,7,7]");
            continue;
        }
        CHECK_OK(load_text(&dnn, text, err));
        CHECK_INT(2, input_extent(&dnn.layers[0], 1));
        CHECK_INT(cases[i].rows, input_extent(&dnn.layers[0], 2));
        CHECK_INT(2 * cases[i].rows * cases[i].rows, dnn.layers[0].shape.input_bytes);
        dnn_release(&dnn);
    }
}

/* Two tensors of 8 x 8 side by side: the shape is known by its number of elements alone. */
TEST(dnn__strided_window_over_a_concatenation__fits_by_count)
{
    struct dnn dnn;
    CHECK_OK(load_text(&dnn,
                       GRAPH(INPUT("x", "1, 2, 8, 8") "," INPUT("y", "3, 64"),
                             CONV("a", "2", "5", "4", "1", "2", "0", "[\"x\", \"y\"]")),
                       err));
    CHECK_INT(5, input_extent(&dnn.layers[0], 1));
    CHECK_INT(8, input_extent(&dnn.layers[0], 2));
    CHECK_INT(8, input_extent(&dnn.layers[0], 3));
    dnn_release(&dnn);
}

TEST(dnn__window_of_stride_one__must_fit_exactly)
{
    check_refused(GRAPH(INPUT("x", "1, 2, 9, 9"), CONV("a", "2", "2", "8", "3", "1", "1", "\"x\"")),
                  ERR_VALUE, "$.layers[0].inputs[0]",
                  "expected 128 elements for I[1,2,8,8], got 162");
}

TEST(dnn__product__takes_any_shape_with_the_right_count)
{
    struct dnn dnn;
    CHECK_OK(load_text(&dnn, GRAPH(INPUT("x", "2, 2, 2, 3, 1"), GEMM("a", "4", "5", "6", "\"x\"")),
                       err));
    CHECK_INT(24, dnn.layers[0].shape.input_bytes);
    dnn_release(&dnn);
    check_refused(GRAPH(INPUT("x", "25"), GEMM("a", "4", "5", "6", "\"x\"")), ERR_VALUE,
                  "$.layers[0].inputs[0]", "expected 24 elements for A[4,6], got 25");
}

#define PART(name, elements) "{\"from\": \"" name "\", \"elements\": " elements "}"

TEST(dnn__part_of_a_producer__fills_the_operand_or_repeats_in_it)
{
    struct dnn dnn;
    CHECK_OK(load_text(
        &dnn,
        GRAPH(INPUT("x", "100"),
              GEMM("a", "4", "5", "6", "[" PART("x", "20") "," PART("x", "4") "]") "," GEMM(
                  "b", "4", "5", "6", PART("x", "8"))),
        err));
    CHECK_INT(24, layer(&dnn, "a")->shape.input_bytes);
    CHECK_INT(8, layer(&dnn, "b")->shape.input_bytes);
    dnn_release(&dnn);
    check_refused(GRAPH(INPUT("x", "100"), GEMM("a", "4", "5", "6", PART("x", "9"))), ERR_VALUE,
                  "$.layers[0].inputs[0]", "expected 24 elements");
    check_refused(GRAPH(INPUT("x", "20"), GEMM("a", "4", "5", "6", PART("x", "24"))), ERR_RANGE,
                  "$.layers[0].inputs[0]", "expected at most 20 elements, got 24");
}

/* --- shapes ---------------------------------------------------------------------------------- */

TEST(dnn__convolution__has_its_extents_by_role)
{
    struct dnn dnn;
    CHECK_OK(load_text(
        &dnn,
        GRAPH(
            INPUT("x", "1, 3, 224, 224"),
            LAYER_AND("a", "conv2d",
                      "\"n\": 1, \"k\": 64, \"c\": 3, \"p\": 112, \"q\": 112, \"r\": 7, \"s\": 7",
                      "\"x\"",
                      "\"params\": {\"sh\": 2, \"sw\": 2, \"ph\": 3, \"pw\": 3}, "
                      "\"epilogue\": [\"relu\", \"maxpool\"], \"output_shape\": [1, 64, 56, 56]")),
        err));
    const struct layer_shape *shape = &dnn.layers[0].shape;
    CHECK_INT(OP_CONV, shape->kind);
    CHECK_INT(64, shape->extent[ROLE_K]);
    CHECK_INT(3, shape->extent[ROLE_C]);
    CHECK_INT(112, shape->extent[ROLE_P]);
    CHECK_INT(7, shape->extent[ROLE_S]);
    CHECK_INT(1, shape->extent[ROLE_G]);
    CHECK_INT(2, shape->stride_h);
    CHECK_INT(UINT64_C(64) * 3 * 112 * 112 * 7 * 7, shape->macs);
    CHECK_INT(3 * 224 * 224, shape->input_bytes);
    CHECK_INT(3 * 224 * 224, shape->external_bytes);
    CHECK_INT(64 * 3 * 7 * 7, shape->weight_bytes);
    CHECK_INT(64 * 56 * 56, shape->output_bytes);
    /* relu and pool both run over the 64 · 112 · 112 results of the convolution. */
    CHECK_INT(2 * 64 * 112 * 112, shape->epilogue_elements);
    CHECK_INT(1, shape->is_sink);
    CHECK_STR("relu+maxpool", dnn.layers[0].epilogue);
    dnn_release(&dnn);
}

TEST(dnn__types__count_in_bytes)
{
    struct dnn dnn;
    /* clang-format off */
    static const char text[] =
        "{\"socweave\": \"dnn/1\", \"name\": \"g\","
        " \"types\": {\"input\": \"f16\", \"weight\": \"f16\", \"output\": \"f16\"},"
        " \"inputs\": [" INPUT("x", "4, 6") "], \"layers\": ["
        LAYER_AND("a", "gemm", "\"m\": 4, \"n\": 5, \"k\": 6", "\"x\"", "\"types\": {\"output\": \"f32\"}") ","
        GEMM("b", "4", "2", "5", "\"a\"") "]}";
    /* clang-format on */
    CHECK_OK(load_text(&dnn, text, err));
    CHECK_INT(4 * 6 * 2, dnn.layers[0].shape.input_bytes);
    CHECK_INT(5 * 6 * 2, dnn.layers[0].shape.weight_bytes);
    CHECK_INT(4 * 5 * 4, dnn.layers[0].shape.output_bytes);
    CHECK_INT(4, dnn.layers[0].shape.output_elem_bytes);
    CHECK_INT(2, dnn.layers[1].shape.input_elem_bytes);
    CHECK_INT(4 * 5 * 4, dnn.layers[1].preds[0].bytes); /* moves as it was produced */
    CHECK_INT(0, dnn.layers[0].shape.is_sink);
    dnn_release(&dnn);
}

TEST(dnn__second_operand_of_a_producer__is_no_weight)
{
    struct dnn dnn;
    CHECK_OK(load_text(
        &dnn,
        GRAPH(INPUT("x", "4, 4"),
              GEMM("q", "4", "4", "4", "\"x\"") "," GEMM("k", "4", "4", "4", "\"x\"") "," GEMM(
                  "qk", "4", "4", "4", "\"q\", \"k\"") "," GEMM("w", "4", "4", "4", "\"qk\"")),
        err));
    CHECK_INT(32, layer(&dnn, "qk")->shape.input_bytes);
    CHECK_INT(0, layer(&dnn, "qk")->shape.weight_bytes);
    CHECK_INT(0, layer(&dnn, "qk")->shape.external_bytes);
    CHECK_INT(16, layer(&dnn, "w")->shape.weight_bytes);
    CHECK_INT(3 * 16, dnn.weight_bytes);
    CHECK_INT(4 * 64, dnn.macs);
    dnn_release(&dnn);
}

TEST(dnn__epilogue__is_charged_by_what_it_touches)
{
    struct dnn dnn;
    CHECK_OK(load_text(
        &dnn,
        GRAPH(INPUT("x", "4, 4"),
              GEMM("r", "1", "4", "16", "\"x\"") "," LAYER_AND(
                  "a", "gemm", "\"m\": 4, \"n\": 8, \"k\": 4", "\"x\"",
                  "\"epilogue\": [\"softmax\", \"mul\", {\"op\": \"add\", \"input\": \"r\"}, "
                  "\"upsample\", \"relu\"], \"output_shape\": [2, 32]")),
        err));
    /* softmax reads its 32 twice; mul joins parts of 32 elements; from there on it is 64: add with
     * the 4 of r broadcast, upsample by its results, relu. */
    CHECK_INT(2 * 32 + 32 + 64 + 64 + 64, layer(&dnn, "a")->shape.epilogue_elements);
    CHECK_INT(64, layer(&dnn, "a")->shape.output_bytes);
    CHECK_INT(16 + 4, layer(&dnn, "a")->shape.input_bytes);
    CHECK_INT(16, layer(&dnn, "a")->shape.external_bytes);
    dnn_release(&dnn);
}

TEST(dnn__own_expression__is_a_layer_like_any)
{
    struct dnn dnn;
    CHECK_OK(load_text(
        &dnn,
        GRAPH(INPUT("x", "4, 6"),
              "{\"name\": \"a\", \"expr\": \"O[m,n] += A[m,k] * B[k,n]\", \"roles\": \"m=P n=K "
              "k=C\", \"kind\": \"gemm\", \"extents\": {\"m\": 4, \"n\": 5, \"k\": 6}, \"inputs\": "
              "[\"x\"]}," GEMM("b", "4", "5", "6", "\"x\"")),
        err));
    CHECK(memcmp(&dnn.layers[0].shape, &dnn.layers[1].shape, sizeof dnn.layers[0].shape) == 0);
    CHECK(dnn.layers[0].op == NULL);
    dnn_release(&dnn);
}

TEST(dnn__tensor_times_itself__is_one_operand)
{
    struct dnn dnn;
    CHECK_OK(load_text(
        &dnn,
        GRAPH(INPUT("x", "4, 6"),
              "{\"name\": \"a\", \"expr\": \"O[i,j] += X[i,k] * X[j,k]\", \"roles\": \"i=P j=K "
              "k=C\", \"kind\": \"gemm\", \"extents\": {\"i\": 4, \"j\": 4, \"k\": 6}, \"inputs\": "
              "[\"x\"]}"),
        err));
    CHECK_INT(24, dnn.layers[0].shape.input_bytes);
    CHECK_INT(0, dnn.layers[0].shape.weight_bytes);
    dnn_release(&dnn);
}

/* --- edges ----------------------------------------------------------------------------------- */

TEST(dnn__producer_used_twice__sends_its_result_once)
{
    struct dnn dnn;
    CHECK_OK(load_text(
        &dnn,
        GRAPH(INPUT("x", "4, 4"), GEMM("a", "4", "4", "4", "\"x\"") "," LAYER_AND(
                                      "b", "gemm", "\"m\": 4, \"n\": 4, \"k\": 4", "\"a\", \"a\"",
                                      "\"epilogue\": [{\"op\": \"add\", \"input\": \"a\"}]")),
        err));
    CHECK_INT(1, dnn.layers[1].pred_count);
    CHECK_INT(16, dnn.layers[1].preds[0].bytes);
    CHECK_INT(3 * 16, dnn.layers[1].shape.input_bytes);
    CHECK_INT(1, dnn.edge_count);
    dnn_release(&dnn);
}

TEST(dnn__two_parts_of_a_producer__add_up)
{
    struct dnn dnn;
    CHECK_OK(load_text(
        &dnn,
        GRAPH(INPUT("x", "4, 4"), GEMM("a", "4", "16", "4", "\"x\"") "," GEMM(
                                      "b", "4", "4", "4", PART("a", "16") "," PART("a", "16"))),
        err));
    CHECK_INT(32, dnn.layers[1].preds[0].bytes);
    dnn_release(&dnn);
}

TEST(dnn__failed_load__leaves_the_output_alone)
{
    struct dnn dnn = { .layer_count = 77 };
    struct err err = ERR_INIT;
    CHECK_INT(ERR_SYNTAX, load_text(&dnn, "{", &err));
    CHECK_INT(77, dnn.layer_count);
}
