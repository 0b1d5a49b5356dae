/* Scan and Loop, written out step by step. */
#include <string.h>

#include "tests/test.h"
#include "tests/unit/onnx_file.h"

/* h' = x W + h R, with x of 8 and h of 4; both leave, as state and as part. */
static struct text cell(void)
{
    struct text body = { 0 };
    onnx_file_input(&body, "h", F32, "2,4");
    onnx_file_input(&body, "x", F32, "2,8");
    onnx_file_weight(&body, "w", F32, "8,4");
    onnx_file_weight(&body, "r", F32, "4,4");
    onnx_file_node(&body, "MatMul", "", "in", "x w", "xw", "");
    onnx_file_node(&body, "MatMul", "", "back", "h r", "hr", "");
    onnx_file_node(&body, "Add", "", "add", "xw hr", "sum", "");
    onnx_file_node(&body, "Identity", "", "same", "sum", "part", "");
    onnx_file_output(&body, "sum");
    onnx_file_output(&body, "part");
    return body;
}

static struct text scan(const char *shape, const char *attrs)
{
    struct text g = { 0 }, body = cell();
    onnx_file_input(&g, "h0", F32, "2,4");
    onnx_file_input(&g, "xs", F32, shape);
    onnx_file_body_node(&g, "Scan", "scan", "h0 xs", "h5 hs", attrs, &body);
    onnx_file_weight(&g, "v", F32, "4,3");
    onnx_file_node(&g, "MatMul", "", "head", "hs v", "y", "");
    onnx_file_output(&g, "y");
    return g;
}

TEST(onnx__scan__is_its_body_step_by_step)
{
    static const char *const shapes[] = { "5,2,8", "2,5,8", "2,8,5" };
    static const char *const attrs[] = {
        "num_scan_inputs=1", "num_scan_inputs=1 scan_input_axes=1 scan_input_directions=1",
        "num_scan_inputs=1 scan_input_axes=-1 scan_output_directions=1"
    };
    for (size_t i = 0; i < 3; i++) {
        struct text g = scan(shapes[i], attrs[i]);
        struct dnn dnn = onnx_file_load(&g, NULL);
        CHECK_INT(5 * 2 + 1, dnn.layer_count);
        CHECK_INT(5 * (2 * 8 * 4 + 2 * 4 * 4) + 5 * 2 * 4 * 3, dnn.macs);
        CHECK_INT(2, onnx_file_layer(&dnn, "scan/t4/back")->pred_count +
                         onnx_file_layer(&dnn, "scan/t4/in")->pred_count);
        CHECK_INT(5, onnx_file_layer(&dnn, "head")->pred_count); /* a part of every step */
        CHECK_INT(5 * 2 * 3 * 4, onnx_file_layer(&dnn, "head")->shape.output_bytes);
        dnn_release(&dnn);
    }
}

TEST(onnx__scan_along_another_axis__stacks_there)
{
    struct text g = { 0 }, body = cell();
    onnx_file_input(&g, "h0", F32, "2,4");
    onnx_file_input(&g, "xs", F32, "5,2,8");
    onnx_file_body_node(&g, "Scan", "scan", "h0 xs", "- hs",
                        "num_scan_inputs=1 scan_output_axes=-1", &body);
    onnx_file_weight(&g, "v", F32, "5,3");
    onnx_file_node(&g, "MatMul", "", "head", "hs v", "y", ""); /* 2 x 4 x 5 times 5 x 3 */
    onnx_file_output(&g, "y");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2 * 4 * 5 * 3, onnx_file_layer(&dnn, "head")->shape.macs);
    dnn_release(&dnn);
}

/* The state meets 4 x 4 weights; the condition is that the step's number is below `last`. */
static struct text loop(const char *count, const char *last)
{
    struct text g = { 0 }, body = { 0 };
    onnx_file_input(&body, "i", S64, "");
    onnx_file_input(&body, "go", BOOLEAN, "");
    onnx_file_input(&body, "state", F32, "2,4");
    onnx_file_ints(&body, "last", last);
    onnx_file_weight(&body, "w", F32, "4,4");
    onnx_file_node(&body, "Less", "", "less", "i last", "less", "");
    onnx_file_node(&body, "Squeeze", "", "flat", "less", "next", "");
    onnx_file_node(&body, "MatMul", "", "fc", "state w", "made", "");
    onnx_file_output(&body, "next");
    onnx_file_output(&body, "made");
    onnx_file_input(&g, "x", F32, "2,4");
    if (*count)
        onnx_file_ints(&g, "count", count);
    else
        onnx_file_input(&g, "count", S64, "1");
    onnx_file_body_node(&g, "Loop", "loop", "count - x", "y", "", &body);
    onnx_file_output(&g, "y");
    return g;
}

TEST(onnx__loop__runs_as_often_as_it_says)
{
    struct text g = loop("3", "100");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(3, dnn.layer_count);
    CHECK_INT(3 * 2 * 4 * 4, dnn.macs);
    CHECK_STR("loop/t0/fc", dnn.layers[0].name);
    CHECK_INT(1, onnx_file_layer(&dnn, "loop/t2/fc")->pred_count);
    dnn_release(&dnn);
}

TEST(onnx__loop__ends_where_its_condition_is_known_to)
{
    struct text g = loop("10", "1"); /* steps 0 and 1: the latter's number is not below 1 */
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count);
    dnn_release(&dnn);
}

TEST(onnx__loop_of_unknown_length__is_refused_by_name)
{
    static const char *const counts[] = { "", "0", "-1", "513" };
    for (size_t i = 0; i < 4; i++) {
        struct text g = loop(counts[i], "100");
        CHECK(strstr(onnx_file_error(&g, NULL), "node \"loop\", operator Loop: its number of steps "
                                                "is only known when it runs, or not 1..512"));
    }
}

TEST(onnx__scan_that_does_not_fit__is_refused_by_name)
{
    static const char *const attrs[] = { "num_scan_inputs=2", "num_scan_inputs=-1",
                                         "num_scan_inputs=0",
                                         "num_scan_inputs=1 scan_input_axes=3" };
    for (size_t i = 0; i < 4; i++) {
        struct text g = scan("5,2,8", attrs[i]);
        CHECK(strstr(onnx_file_error(&g, NULL), "node \"scan\", operator Scan"));
    }
}

/* 512 x 512 x 512 x 512 steps. */
TEST(onnx__loops_in_loops__are_bounded)
{
    struct text inner = { 0 };
    for (int depth = 0; depth < 3; depth++) {
        struct text body = { 0 };
        onnx_file_input(&body, "i", S64, "");
        onnx_file_input(&body, "go", BOOLEAN, "");
        onnx_file_input(&body, "s", F32, "2,4");
        onnx_file_ints(&body, "count", "512");
        if (depth == 0)
            onnx_file_node(&body, "Relu", "", "relu", "s", "t", "");
        else
            onnx_file_body_node(&body, "Loop", "loop", "count go s", "t", "", &inner);
        onnx_file_output(&body, "go");
        onnx_file_output(&body, "t");
        inner = body;
    }
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "2,4");
    onnx_file_ints(&g, "count", "512");
    onnx_file_body_node(&g, "Loop", "loop", "count - x", "y", "", &inner);
    onnx_file_output(&g, "y");
    CHECK(strstr(onnx_file_error(&g, NULL), "expected at most 65536 steps of loops in all"));
}
