/* Shapes that the file states, that depend on data, and of nothing at all. */
#include <string.h>

#include "tests/test.h"
#include "tests/unit/onnx_file.h"

/* x[1,3,8,8] and a graph input that decides how large y is. */
static void add_resize(struct text *g)
{
    onnx_file_input(g, "x", F32, "1,3,8,8");
    onnx_file_input(g, "sizes", S64, "4");
    onnx_file_node(g, "Resize", "", "resize", "x - - sizes", "y", "");
}

TEST(onnx__size_from_data__is_refused_by_name)
{
    struct text g = { 0 };
    add_resize(&g);
    onnx_file_output(&g, "y");
    CHECK(strstr(onnx_file_error(&g, NULL),
                 "node \"resize\", operator Resize: its size is only known when it runs"));
}

TEST(onnx__size_from_data__the_file_states_it)
{
    struct text g = { 0 };
    add_resize(&g);
    onnx_file_stated(&g, "y", F32, "1,3,20,10");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(1, dnn.layer_count);
    CHECK_STR("move", dnn.layers[0].op->name);
    CHECK_INT(4 * 3 * 20 * 10, dnn.layers[0].shape.output_bytes);
    CHECK_INT(4 * (3 * 8 * 8 + 4), dnn.layers[0].shape.input_bytes);
    dnn_release(&dnn);
}

TEST(onnx__stated_with_symbolic_dimension__is_refused)
{
    struct text g = { 0 };
    add_resize(&g);
    onnx_file_stated(&g, "y", F32, "1,3,h,10");
    CHECK(strstr(onnx_file_error(&g, NULL), "only known when it runs"));
}

/* A reshape keeps its elements, so nothing moves; an expansion does not. */
TEST(onnx__stated_reshape__is_free)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "2,12");
    onnx_file_input(&g, "to", S64, "2");
    onnx_file_weight(&g, "w", F32, "12,4");
    onnx_file_node(&g, "MatMul", "", "fc", "x w", "h", "");
    onnx_file_node(&g, "Reshape", "", "reshape", "h to", "r", "");
    onnx_file_stated(&g, "r", F32, "4,2");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(1, dnn.layer_count);
    dnn_release(&dnn);
}

TEST(onnx__stated_expand__is_written)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,4");
    onnx_file_input(&g, "to", S64, "2");
    onnx_file_node(&g, "Expand", "", "expand", "x to", "y", "");
    onnx_file_stated(&g, "y", F32, "3,4");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_STR("move", onnx_file_layer(&dnn, "expand")->op->name);
    CHECK_INT(4 * 12, dnn.layers[0].shape.output_bytes);
    dnn_release(&dnn);
}

/* A cache that holds nothing yet: the concatenation is the other part. */
TEST(onnx__empty_input__is_a_constant)
{
    static const struct dnn_dim dims[] = { { "past", 0 } };
    struct onnx_options options = { .dims = dims, .dim_count = 1 };
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "5,16");
    onnx_file_input(&g, "cache", F32, "past,4");
    onnx_file_weight(&g, "w", F32, "16,4");
    onnx_file_node(&g, "MatMul", "", "keys", "x w", "k", "");
    onnx_file_node(&g, "Concat", "", "join", "cache k", "all", "axis=0");
    onnx_file_node(&g, "MatMul", "", "next", "all v", "y", "");
    onnx_file_weight(&g, "v", F32, "4,2");
    struct dnn dnn = onnx_file_load(&g, &options);
    CHECK_INT(2, dnn.layer_count);
    CHECK_INT(5 * 16 * 4 + 5 * 4 * 2, dnn.macs);
    dnn_release(&dnn);
}

TEST(onnx__nothing_but_empty_inputs__is_refused)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,0");
    onnx_file_node(&g, "Relu", "", "relu", "x", "y", "");
    CHECK(strstr(onnx_file_error(&g, NULL), "nothing is left to run"));
}

/* Up to version 6 a slope per channel stands without the dimensions behind it. */
TEST(onnx__prelu__slopes_per_channel_or_broadcast)
{
    static const struct {
        const char *slopes;
        bool fits;
    } cases[] = { { "3", true }, { "3,1,1", true },   { "1", true },  { "", true },
                  { "8", true }, { "1,3,8,8", true }, { "5", false }, { "2,3,8,8", false } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text g = { 0 };
        onnx_file_input(&g, "x", F32, "1,3,8,8");
        onnx_file_weight(&g, "slope", F32, cases[i].slopes);
        onnx_file_node(&g, "PRelu", "", "prelu", "x slope", "y", "");
        if (!cases[i].fits) {
            CHECK(strstr(onnx_file_error(&g, NULL), "the slopes do not fit the data"));
            continue;
        }
        struct dnn dnn = onnx_file_load(&g, NULL);
        CHECK_INT(1, dnn.layer_count);
        dnn_release(&dnn);
    }
}

TEST(onnx__max_unpool__undoes_the_pool)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,2,3,3");
    onnx_file_input(&g, "at", S64, "1,2,3,3");
    onnx_file_node(&g, "MaxUnpool", "", "up", "x at", "y", "kernel_shape=2,2 strides=2,2");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(4 * 2 * 6 * 6, onnx_file_layer(&dnn, "up")->shape.output_bytes);
    dnn_release(&dnn);
}

TEST(onnx__window_of_constant_length__is_a_constant)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "7,10");
    onnx_file_ints(&g, "size", "10");
    onnx_file_node(&g, "Squeeze", "", "scalar", "size", "n", "");
    onnx_file_node(&g, "HannWindow", "", "hann", "n", "w", "");
    onnx_file_node(&g, "Mul", "", "taper", "x w", "y", "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(1, dnn.layer_count);
    CHECK_STR("taper", dnn.layers[0].name);
    dnn_release(&dnn);
}
