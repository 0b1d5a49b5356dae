/* What becomes what: docs/formats.md, "ONNX import". */
#include <string.h>

#include "tests/test.h"
#include "tests/unit/onnx_file.h"

/* x[1,3,8,8] -> conv 3x3, 4 channels, padded -> y[1,4,8,8] */
static void add_conv(struct text *g)
{
    onnx_file_input(g, "x", F32, "1,3,8,8");
    onnx_file_weight(g, "w", F32, "4,3,3,3");
    onnx_file_node(g, "Conv", "", "conv", "x w", "y", "pads=1,1,1,1 kernel_shape=3,3");
}

TEST(onnx__conv_with_followers__is_one_layer)
{
    struct text g = { 0 };
    add_conv(&g);
    for (int i = 0; i < 4; i++) { /* weights of the normalisation go into those of the conv */
        char name[] = { 'b', (char)('0' + i), 0 };
        onnx_file_weight(&g, name, F32, "4");
    }
    onnx_file_node(&g, "BatchNormalization", "", "bn", "y b0 b1 b2 b3", "y1", "");
    onnx_file_node(&g, "Relu", "", "relu", "y1", "y2", "");
    onnx_file_node(&g, "MaxPool", "", "pool", "y2", "y3", "kernel_shape=2,2 strides=2,2");
    onnx_file_node(&g, "Flatten", "", "flat", "y3", "y4", "axis=1");
    onnx_file_output(&g, "y4");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(1, dnn.layer_count);
    CHECK_STR("conv", dnn.layers[0].name);
    CHECK_STR("relu+maxpool", dnn.layers[0].epilogue);
    CHECK_INT(4 * 3 * 3 * 3 * 8 * 8, dnn.macs);
    CHECK_INT(4 * 3 * 3 * 3 * 4, dnn.weight_bytes);
    CHECK_INT(4 * 4 * 4 * 4, dnn.layers[0].shape.output_bytes);
    dnn_release(&dnn);
}

TEST(onnx__fold_elementwise__leaves_the_pool_a_layer)
{
    struct text g = { 0 };
    struct onnx_options options = { .fold_elementwise_only = true };
    add_conv(&g);
    onnx_file_node(&g, "Relu", "", "relu", "y", "y2", "");
    onnx_file_node(&g, "MaxPool", "", "pool", "y2", "y3", "kernel_shape=2,2 strides=2,2");
    struct dnn dnn = onnx_file_load(&g, &options);
    CHECK_INT(2, dnn.layer_count);
    CHECK_STR("maxpool2d", onnx_file_layer(&dnn, "pool")->op->name);
    dnn_release(&dnn);
}

TEST(onnx__residual__joins_the_branch_that_nobody_else_reads)
{
    struct text g = { 0 };
    add_conv(&g);
    onnx_file_weight(&g, "v", F32, "4,4,1,1");
    onnx_file_node(&g, "Conv", "", "second", "y v", "z", "");
    onnx_file_node(&g, "Add", "", "add", "z y", "s", "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count);
    const struct dnn_layer *second = onnx_file_layer(&dnn, "second");
    CHECK_STR("add", second->epilogue);
    CHECK_INT(1, second->pred_count);
    CHECK_INT(2 * 4 * 64 * 4, second->shape.input_bytes); /* operand and addend */
    dnn_release(&dnn);
}

TEST(onnx__value_read_twice__keeps_the_relu_a_layer)
{
    struct text g = { 0 };
    add_conv(&g);
    onnx_file_node(&g, "Relu", "", "relu", "y", "r", "");
    onnx_file_output(&g, "y");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count);
    CHECK_STR("relu", onnx_file_layer(&dnn, "relu")->op->name);
    dnn_release(&dnn);
}

TEST(onnx__pool_behind_concat__joins_every_part)
{
    struct text g = { 0 };
    add_conv(&g);
    onnx_file_node(&g, "Conv", "", "other", "x w", "z", "pads=1,1,1,1");
    onnx_file_node(&g, "Concat", "", "cat", "y z", "c", "axis=1");
    onnx_file_node(&g, "MaxPool", "", "pool", "c", "p", "kernel_shape=2,2 strides=2,2");
    onnx_file_weight(&g, "v", F32, "2,8,1,1");
    onnx_file_node(&g, "Conv", "", "last", "p v", "l", "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(3, dnn.layer_count);
    CHECK_STR("maxpool", onnx_file_layer(&dnn, "conv")->epilogue);
    CHECK_STR("maxpool", onnx_file_layer(&dnn, "other")->epilogue);
    CHECK_INT(2, onnx_file_layer(&dnn, "last")->pred_count);
    dnn_release(&dnn);
}

TEST(onnx__groups_and_dilation__choose_the_row)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,8,9,9");
    onnx_file_weight(&g, "dw", F32, "8,1,3,3");
    onnx_file_weight(&g, "gw", F32, "8,4,3,3");
    onnx_file_weight(&g, "tw", F32, "8,4,2,2");
    onnx_file_node(&g, "Conv", "", "depthwise", "x dw", "a", "group=8 pads=2,2,2,2 dilations=2,2");
    onnx_file_node(&g, "Conv", "", "grouped", "x gw", "b",
                   "group=2 auto_pad=@SAME_UPPER strides=2,2");
    onnx_file_node(&g, "ConvTranspose", "", "up", "x tw", "c", "strides=2,2");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_STR("depthwise_conv2d", onnx_file_layer(&dnn, "depthwise")->op->name);
    CHECK_INT(8 * 9 * 9 * 9, onnx_file_layer(&dnn, "depthwise")->shape.macs);
    CHECK_STR("grouped_conv2d", onnx_file_layer(&dnn, "grouped")->op->name);
    CHECK_INT(8 * 4 * 9 * 5 * 5, onnx_file_layer(&dnn, "grouped")->shape.macs);
    CHECK_STR("transposed_conv2d", onnx_file_layer(&dnn, "up")->op->name);
    CHECK_INT(8 * 4 * 4 * 18 * 18, onnx_file_layer(&dnn, "up")->shape.macs); /* zeros counted */
    dnn_release(&dnn);
}

TEST(onnx__uneven_padding__is_written_out_first)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,2,6,6");
    onnx_file_weight(&g, "w", F32, "2,2,2,2");
    onnx_file_node(&g, "Conv", "", "conv", "x w", "y", "auto_pad=@SAME_UPPER");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count);
    CHECK_INT(2 * 7 * 7 * 4, onnx_file_layer(&dnn, "conv/pad")->shape.output_bytes);
    CHECK_INT(2 * 2 * 4 * 36, dnn.macs);
    dnn_release(&dnn);
}

TEST(onnx__shape_arithmetic__is_folded)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "2,3,4");
    onnx_file_ints(&g, "zero", "0");
    onnx_file_ints(&g, "rest", "-1");
    onnx_file_weight(&g, "w", F32, "12,5");
    onnx_file_node(&g, "Shape", "", "shape", "x", "s", "");
    onnx_file_node(&g, "Gather", "", "first", "s zero", "f", "axis=0");
    onnx_file_node(&g, "Concat", "", "dims", "f rest", "d", "axis=0");
    onnx_file_node(&g, "Reshape", "", "flat", "x d", "y", "");
    onnx_file_node(&g, "MatMul", "", "fc", "y w", "z", "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(1, dnn.layer_count);
    CHECK_INT(2 * 12 * 5, dnn.macs);
    dnn_release(&dnn);
}

static void add_symbolic(struct text *g)
{
    onnx_file_input(g, "x", F32, "batch,16");
    onnx_file_weight(g, "w", F32, "16,4");
    onnx_file_node(g, "MatMul", "", "fc", "x w", "y", "");
}

TEST(onnx__symbolic_dimension__needs_a_value)
{
    struct text g = { 0 };
    add_symbolic(&g);
    CHECK(strstr(onnx_file_error(&g, NULL), "\"batch\" has no value; give --dim batch=N"));
    struct dnn_dim dim = { "batch", 7 };
    struct onnx_options options = { .dims = &dim, .dim_count = 1 };
    struct text again = { 0 };
    add_symbolic(&again);
    struct dnn dnn = onnx_file_load(&again, &options);
    CHECK_INT(7 * 16 * 4, dnn.macs);
    dnn_release(&dnn);
}

TEST(onnx__unknown_operator__is_named_or_listed)
{
    for (int allow = 0; allow < 2; allow++) {
        struct text g = { 0 };
        struct onnx_options options = { .allow_unsupported = allow };
        onnx_file_input(&g, "x", F32, "1,16");
        onnx_file_node(&g, "Frobnicate", "com.acme", "frob", "x", "y", "");
        if (!allow) {
            const char *line = onnx_file_error(&g, &options);
            CHECK(strstr(line, "node \"frob\", operator Frobnicate of domain com.acme"));
            continue;
        }
        onnx_file_node(&g, "Relu", "", "relu", "x", "z", "");
        struct text model = onnx_file_model(&g), json = { 0 };
        struct onnx_report report;
        CHECK_OK(onnx_import_bytes("m.onnx", (const uint8_t *)model.data, model.bytes, &options,
                                   &json, &report, err));
        CHECK_INT(1, report.unsupported_count);
        CHECK(strstr(report.unsupported[0], "Frobnicate"));
        onnx_report_release(&report);
        text_release(&model);
        text_release(&json);
    }
}

TEST(onnx__matrix_products__batches_and_constants_on_either_side)
{
    struct text g = { 0 };
    onnx_file_input(&g, "a", F32, "2,3,4,5");
    onnx_file_input(&g, "b", F32, "1,3,5,6");
    onnx_file_weight(&g, "w", F32, "5,7");
    onnx_file_weight(&g, "left", F32, "9,4");
    onnx_file_node(&g, "MatMul", "", "both", "a b", "c", "");
    onnx_file_node(&g, "MatMul", "", "right", "a w", "d", "");
    onnx_file_node(&g, "MatMul", "", "left", "left a", "e", "");
    onnx_file_node(&g, "Einsum", "", "einsum", "a b", "f", "equation=@bhik,xhkj->bhij");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_STR("batched_gemm", onnx_file_layer(&dnn, "both")->op->name);
    CHECK_INT(2 * 3 * 4 * 5 * 6, onnx_file_layer(&dnn, "both")->shape.macs);
    CHECK_STR("gemm", onnx_file_layer(&dnn, "right")->op->name);
    CHECK_INT(2 * 3 * 4 * 5 * 7, onnx_file_layer(&dnn, "right")->shape.macs);
    CHECK_INT(5 * 7 * 4, onnx_file_layer(&dnn, "right")->shape.weight_bytes);
    CHECK_INT(2 * 3 * 9 * 4 * 5, onnx_file_layer(&dnn, "left")->shape.macs);
    dnn_release(&dnn);
}

TEST(onnx__transpose__is_free_where_a_product_reads_it)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "4,6");
    onnx_file_weight(&g, "w", F32, "4,3");
    onnx_file_node(&g, "Transpose", "", "t", "x", "xt", "perm=1,0");
    onnx_file_node(&g, "MatMul", "", "fc", "xt w", "y", "");
    onnx_file_node(&g, "Transpose", "", "u", "x", "xu", "perm=1,0");
    onnx_file_node(&g, "Relu", "", "relu", "xu", "z", "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count);
    CHECK_STR("transpose", onnx_file_layer(&dnn, "u")->op->name);
    CHECK_STR("relu", onnx_file_layer(&dnn, "u")->epilogue);
    dnn_release(&dnn);
}

TEST(onnx__slices__read_their_part_only)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,8");
    onnx_file_weight(&g, "w", F32, "8,12");
    onnx_file_weight(&g, "v", F32, "4,2");
    onnx_file_node(&g, "MatMul", "", "qkv", "x w", "y", "");
    onnx_file_node(&g, "Split", "", "split", "y", "a b c", "axis=1");
    onnx_file_node(&g, "MatMul", "", "fc", "b v", "z", "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count);
    CHECK_INT(4 * 4, onnx_file_layer(&dnn, "fc")->preds[0].bytes);
    dnn_release(&dnn);
}

/* Batch 1, 4 steps, width 8, 2 heads of 4: three products of 4x8x8, scores and context 2x4x4x4. */
TEST(onnx__fused_attention__is_its_products)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,4,8");
    onnx_file_weight(&g, "w", F32, "8,24");
    onnx_file_weight(&g, "b", F32, "24");
    onnx_file_node(&g, "Attention", "com.microsoft", "attn", "x w b", "y", "num_heads=2");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(3, dnn.layer_count);
    CHECK_INT(3 * 4 * 8 * 8 + 2 * (2 * 4 * 4 * 4), dnn.macs);
    CHECK_STR("softmax", onnx_file_layer(&dnn, "attn/qk")->epilogue);
    CHECK_INT(1, onnx_file_layer(&dnn, "attn/qk")->pred_count);
    CHECK_INT(2, onnx_file_layer(&dnn, "attn/av")->pred_count);
    dnn_release(&dnn);
}

TEST(onnx__skip_layer_normalization__joins_the_product)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,4,8");
    onnx_file_weight(&g, "w", F32, "8,8");
    onnx_file_weight(&g, "gamma", F32, "8");
    onnx_file_node(&g, "MatMul", "", "fc", "x w", "y", "");
    onnx_file_node(&g, "SkipLayerNormalization", "com.microsoft", "norm", "y x gamma", "z", "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(1, dnn.layer_count);
    CHECK_STR("add+layernorm", dnn.layers[0].epilogue);
    dnn_release(&dnn);
}

TEST(onnx__quantised_forms__are_layers_of_integers)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,2,4,4");
    onnx_file_weight(&g, "scale", F32, "");
    onnx_file_weight(&g, "zero", U8, "");
    onnx_file_weight(&g, "wzero", S8, "");
    onnx_file_weight(&g, "w", S8, "3,2,1,1");
    onnx_file_node(&g, "QuantizeLinear", "", "q", "x scale zero", "xq", "");
    onnx_file_node(&g, "DequantizeLinear", "", "dq", "xq scale zero", "xf", "");
    onnx_file_node(&g, "DequantizeLinear", "", "dw", "w scale wzero", "wf", "");
    onnx_file_node(&g, "Conv", "", "conv", "xf wf", "y", "");
    onnx_file_node(&g, "QuantizeLinear", "", "qy", "y scale zero", "yq", "");
    onnx_file_node(&g, "QLinearConv", "", "qconv", "xq scale zero w scale wzero scale zero", "z",
                   "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    for (int i = 0; i < 2; i++) {
        const struct dnn_layer *conv = onnx_file_layer(&dnn, i ? "qconv" : "conv");
        CHECK_STR("requantize", conv->epilogue);
        CHECK_INT(DT_U8, conv->expr->tensors[0].type);
        CHECK_INT(DT_U8, conv->expr->tensors[1].type);
        CHECK_INT(DT_S8, conv->expr->tensors[2].type);
        CHECK_INT(3 * 2 * 16, conv->shape.macs);
    }
    CHECK_STR("requantize", onnx_file_layer(&dnn, "q")->op->name);
    dnn_release(&dnn);
}

/* 3 steps, batch 1, 4 inputs, 5 hidden: x 3x20x4, then h x R = 20x5 for all but the first step. */
TEST(onnx__lstm__is_a_product_and_a_layer_per_step)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "3,1,4");
    onnx_file_weight(&g, "w", F32, "1,20,4");
    onnx_file_weight(&g, "r", F32, "1,20,5");
    onnx_file_node(&g, "LSTM", "", "lstm", "x w r", "y h", "hidden_size=5");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(4, dnn.layer_count);
    CHECK_INT(3 * 20 * 4 + 2 * 20 * 5, dnn.macs);
    CHECK_INT(2, onnx_file_layer(&dnn, "lstm/t2")->pred_count);
    dnn_release(&dnn);
}

/* A branch is a graph of its own, in attribute 6 of the node. */
static void add_if(struct text *g, const char *condition)
{
    struct text node = { 0 };
    onnx_file_str(&node, 1, condition);
    onnx_file_str(&node, 2, "y");
    onnx_file_str(&node, 3, "choose");
    onnx_file_str(&node, 4, "If");
    for (int then = 0; then < 2; then++) {
        struct text attr = { 0 }, branch = { 0 };
        onnx_file_node(&branch, then ? "Relu" : "Tanh", "", then ? "yes" : "no", "x", "out", "");
        onnx_file_output(&branch, "out");
        onnx_file_str(&attr, 1, then ? "then_branch" : "else_branch");
        onnx_file_message(&attr, 6, &branch);
        onnx_file_message(&node, 5, &attr);
    }
    onnx_file_message(g, 1, &node);
}

TEST(onnx__if__takes_the_constant_branch)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,16");
    onnx_file_ints(&g, "condition", "1");
    add_if(&g, "condition");
    onnx_file_output(&g, "y");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(1, dnn.layer_count);
    CHECK_STR("choose/yes", dnn.layers[0].name);
    dnn_release(&dnn);
}

TEST(onnx__if_on_data__is_refused_by_name)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,16");
    onnx_file_input(&g, "condition", BOOLEAN, "1");
    add_if(&g, "condition");
    CHECK(strstr(onnx_file_error(&g, NULL), "node \"choose\", operator If"));
}

TEST(onnx__local_function__is_inlined)
{
    struct text g = { 0 }, function = { 0 };
    onnx_file_input(&g, "x", F32, "1,16");
    onnx_file_node(&g, "Twice", "mine", "call", "x", "y", "");
    struct text model = onnx_file_model(&g), json = { 0 };
    onnx_file_str(&function, 1, "Twice");
    onnx_file_str(&function, 4, "in");
    onnx_file_str(&function, 5, "out");
    struct text body = { 0 };
    onnx_file_node(&body, "Relu", "", "one", "in", "half", "");
    onnx_file_node(&body, "Tanh", "", "two", "half", "out", "");
    /* A graph's nodes are field 1, a function's are field 7: write them again. */
    for (size_t at = 0; at < body.bytes; at += 2 + (size_t)(unsigned char)body.data[at + 1])
        onnx_file_bytes(&function, 7, body.data + at + 2, (unsigned char)body.data[at + 1]);
    text_release(&body);
    onnx_file_str(&function, 10, "mine");
    onnx_file_message(&model, 25, &function);
    struct dnn dnn;
    CHECK_OK(onnx_import_bytes("m.onnx", (const uint8_t *)model.data, model.bytes, NULL, &json,
                               NULL, err));
    CHECK_OK(dnn_load_text(&dnn, "m.onnx", json.data, json.bytes, err));
    CHECK_INT(1, dnn.layer_count);
    CHECK_STR("call/one", dnn.layers[0].name);
    CHECK_STR("tanh", dnn.layers[0].epilogue);
    dnn_release(&dnn);
    text_release(&model);
    text_release(&json);
}

TEST(onnx__free_operator_at_the_output__is_a_copy)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "2,8");
    onnx_file_node(&g, "Flatten", "", "flat", "x", "y", "axis=0");
    onnx_file_output(&g, "y");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(1, dnn.layer_count);
    CHECK_INT(OP_MOVEMENT, dnn.layers[0].shape.kind);
    CHECK_INT(64, dnn.layers[0].shape.output_bytes);
    dnn_release(&dnn);
}

TEST(onnx__types_option__replaces_the_models_types)
{
    static const enum dtype bytes[3] = { DT_U8, DT_U8, DT_S8 };
    struct onnx_options options = { .types = bytes };
    struct text g = { 0 };
    add_conv(&g);
    struct dnn dnn = onnx_file_load(&g, &options);
    CHECK_INT(4 * 3 * 9, dnn.weight_bytes);
    CHECK_INT(4 * 64, dnn.layers[0].shape.output_bytes);
    dnn_release(&dnn);
}

/* x -> mean -> x - mean -> its square's mean -> root -> quotient -> gamma, as opset 11 exporters
 * do. */
TEST(onnx__layer_norm_in_pieces__is_one)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,4,8");
    onnx_file_weight(&g, "w", F32, "8,8");
    onnx_file_weight(&g, "two", F32, "");
    onnx_file_weight(&g, "gamma", F32, "8");
    onnx_file_node(&g, "MatMul", "", "fc", "x w", "y", "");
    onnx_file_node(&g, "ReduceMean", "", "mean", "y", "m", "axes=-1");
    onnx_file_node(&g, "Sub", "", "sub", "y m", "d", "");
    onnx_file_node(&g, "Pow", "", "pow", "d two", "d2", "");
    onnx_file_node(&g, "ReduceMean", "", "var", "d2", "v", "axes=-1");
    onnx_file_node(&g, "Add", "", "eps", "v two", "ve", "");
    onnx_file_node(&g, "Sqrt", "", "sqrt", "ve", "s", "");
    onnx_file_node(&g, "Div", "", "div", "d s", "n", "");
    onnx_file_node(&g, "Mul", "", "scale", "n gamma", "z", "");
    onnx_file_node(&g, "Add", "", "residual", "z y", "out", "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count); /* y is read twice: the norm is a layer, the rest joins it */
    CHECK_STR("layernorm", onnx_file_layer(&dnn, "div")->op->name);
    CHECK_STR("scale+add", onnx_file_layer(&dnn, "div")->epilogue);
    dnn_release(&dnn);
}

TEST(onnx__gelu_in_pieces__joins_the_product)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "4,8");
    onnx_file_weight(&g, "w", F32, "8,8");
    onnx_file_weight(&g, "c", F32, "");
    onnx_file_node(&g, "MatMul", "", "fc", "x w", "y", "");
    onnx_file_node(&g, "Div", "", "div", "y c", "a", "");
    onnx_file_node(&g, "Erf", "", "erf", "a", "b", "");
    onnx_file_node(&g, "Add", "", "add", "b c", "d", "");
    onnx_file_node(&g, "Mul", "", "mul", "y d", "e", "");
    onnx_file_node(&g, "Mul", "", "half", "e c", "f", "");
    onnx_file_node(&g, "Sigmoid", "", "sigmoid", "f", "s", "");
    onnx_file_node(&g, "Mul", "", "silu", "f s", "t", "");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(1, dnn.layer_count);
    CHECK_STR("gelu+scale+silu", dnn.layers[0].epilogue);
    dnn_release(&dnn);
}

/* As decoders of U-Nets have it: 3x3, stride 2, one row of output padding, 5 -> 10. */
TEST(onnx__transposed_conv_with_output_padding__doubles)
{
    struct text g = { 0 };
    onnx_file_input(&g, "x", F32, "1,4,5,5");
    onnx_file_weight(&g, "w", F32, "4,2,3,3");
    onnx_file_node(&g, "ConvTranspose", "", "up", "x w", "y",
                   "strides=2,2 pads=1,1,1,1 output_padding=1,1");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2 * 10 * 10 * 4, dnn.layers[0].shape.output_bytes);
    CHECK_INT(2 * 4 * 9 * 100, dnn.macs);
    dnn_release(&dnn);
}
