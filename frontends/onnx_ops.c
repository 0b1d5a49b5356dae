/* The operators, one row each. */
#include <string.h>

#include "frontends/onnx_expand.h"
#include "frontends/onnx_infer.h"
#include "frontends/onnx_layer.h"

#define MS "com.microsoft"
#define ROW(name, infer, lower, detail)                                                            \
    {                                                                                              \
        name, "", onnx_infer_##infer, onnx_lower_##lower, detail, NULL                             \
    }
#define MS_ROW(name, infer, lower, detail)                                                         \
    {                                                                                              \
        name, MS, onnx_infer_##infer, onnx_lower_##lower, detail, NULL                             \
    }
#define EXPAND(domain, name, how)                                                                  \
    {                                                                                              \
        name, domain, NULL, NULL, NULL, onnx_expand_##how                                          \
    }
#define UNARY(name)   ROW(name, same, unary, "unary")
#define BINARY(name)  ROW(name, broadcast, binary, "binary")
#define COMPARE(name) ROW(name, compare, binary, "binary")

// clang-format off
static const struct onnx_op ops[] = {
    /* products */
    ROW("Conv", conv, conv, NULL),
    ROW("ConvInteger", conv, conv, NULL),
    ROW("QLinearConv", conv, conv, NULL),
    ROW("ConvTranspose", conv_transpose, conv_transpose, NULL),
    ROW("Gemm", gemm, gemm, NULL),
    ROW("MatMul", matmul, matmul, NULL),
    ROW("MatMulInteger", matmul, matmul, NULL),
    ROW("QLinearMatMul", matmul, matmul, NULL),
    { "Einsum", "", onnx_infer_einsum, onnx_lower_einsum, NULL, onnx_expand_einsum },
    ROW("LSTM", recurrent, recurrent, NULL),
    ROW("GRU", recurrent, recurrent, NULL),
    ROW("RNN", recurrent, recurrent, NULL),
    /* pools */
    ROW("MaxPool", pool, pool, "maxpool"),
    ROW("AveragePool", pool, pool, "avgpool"),
    ROW("LpPool", pool, pool, "avgpool"),
    ROW("GlobalAveragePool", global_pool, global_pool, "avgpool"),
    ROW("GlobalLpPool", global_pool, global_pool, "avgpool"),
    ROW("GlobalMaxPool", global_pool, global_pool, "maxpool"),
    /* one operand, element by element */
    ROW("Relu", same, unary, "relu"),
    ROW("LeakyRelu", same, unary, "leaky_relu"),
    ROW("Sigmoid", same, unary, "sigmoid"),
    ROW("Swish", same, unary, "silu"),
    ROW("HardSwish", same, unary, "hardswish"),
    ROW("Gelu", same, unary, "gelu"),
    ROW("Tanh", same, unary, "tanh"),
    ROW("Clip", same, clip, NULL),
    UNARY("Abs"), UNARY("Acos"), UNARY("Acosh"), UNARY("Asin"), UNARY("Asinh"), UNARY("Atan"),
    UNARY("Atanh"), UNARY("Ceil"), UNARY("Celu"), UNARY("Cos"), UNARY("Cosh"), UNARY("Elu"),
    UNARY("Erf"), UNARY("Exp"), UNARY("Floor"), UNARY("HardSigmoid"), UNARY("Log"), UNARY("Mish"),
    UNARY("Neg"), UNARY("Reciprocal"), UNARY("Round"), UNARY("Selu"), UNARY("Shrink"),
    UNARY("Sign"), UNARY("Sin"), UNARY("Sinh"), UNARY("Softplus"), UNARY("Softsign"),
    UNARY("Sqrt"), UNARY("Tan"), UNARY("ThresholdedRelu"), UNARY("BitwiseNot"),
    ROW("Not", compare, unary, "unary"), ROW("IsNaN", compare, unary, "unary"),
    ROW("IsInf", compare, unary, "unary"),
    ROW("Cast", cast, unary, "unary"), ROW("CastLike", cast, unary, "unary"),
    ROW("Trilu", same, unary, "unary"), ROW("CumSum", same, unary, "unary"),
    ROW("RandomNormalLike", same, unary, "unary"), ROW("RandomUniformLike", same, unary, "unary"),
    ROW("Bernoulli", same, unary, "unary"), ROW("EyeLike", same, unary, "unary"),
    ROW("ReverseSequence", same, move, NULL),
    /* two operands and more, element by element */
    ROW("Add", broadcast, binary, "add"), ROW("Sum", broadcast, binary, "add"),
    ROW("Mul", broadcast, binary, "mul"),
    BINARY("Sub"), BINARY("Div"), BINARY("Pow"), BINARY("Mod"), BINARY("Min"), BINARY("Max"),
    BINARY("Mean"), BINARY("BitShift"), BINARY("BitwiseAnd"), BINARY("BitwiseOr"),
    BINARY("BitwiseXor"), ROW("PRelu", prelu, binary, "binary"),
    COMPARE("And"), COMPARE("Or"), COMPARE("Xor"), COMPARE("Equal"), COMPARE("Less"),
    COMPARE("LessOrEqual"), COMPARE("Greater"), COMPARE("GreaterOrEqual"),
    ROW("Where", where, binary, "binary"),
    /* rows */
    ROW("Softmax", same, norm, "softmax"), ROW("LogSoftmax", same, norm, "softmax"),
    ROW("Hardmax", same, norm, "softmax"),
    ROW("LayerNormalization", same, norm, "layernorm"),
    ROW("GroupNormalization", same, norm, "layernorm"),
    ROW("InstanceNormalization", same, norm, "layernorm"),
    ROW("MeanVarianceNormalization", same, norm, "layernorm"),
    ROW("RMSNormalization", same, norm, "rmsnorm"),
    ROW("SimplifiedLayerNormalization", same, norm, "rmsnorm"),
    ROW("LpNormalization", same, norm, "rmsnorm"),
    ROW("LRN", same, norm, "lrn"),
    ROW("BatchNormalization", same, batch_norm, "batchnorm"),
    ROW("ReduceMean", reduce, reduce, NULL), ROW("ReduceSum", reduce, reduce, NULL),
    ROW("ReduceMax", reduce, reduce, NULL), ROW("ReduceMin", reduce, reduce, NULL),
    ROW("ReduceProd", reduce, reduce, NULL), ROW("ReduceL1", reduce, reduce, NULL),
    ROW("ReduceL2", reduce, reduce, NULL), ROW("ReduceLogSum", reduce, reduce, NULL),
    ROW("ReduceLogSumExp", reduce, reduce, NULL), ROW("ReduceSumSquare", reduce, reduce, NULL),
    ROW("ArgMax", arg, reduce, NULL), ROW("ArgMin", arg, reduce, NULL),
    ROW("NegativeLogLikelihoodLoss", loss, move, NULL),
    ROW("SoftmaxCrossEntropyLoss", loss, move, NULL),
    /* the same elements under another name or shape */
    ROW("Identity", same, alias, NULL), ROW("Dropout", same, alias, NULL),
    ROW("Reshape", reshape, alias, NULL), ROW("Flatten", flatten, alias, NULL),
    ROW("Squeeze", squeeze, alias, NULL), ROW("Unsqueeze", unsqueeze, alias, NULL),
    ROW("Expand", expand, alias, NULL),
    /* data movement */
    ROW("Concat", concat, concat, NULL), ROW("Split", split, part, NULL),
    ROW("Slice", slice, part, NULL), ROW("Transpose", transpose, transpose, NULL),
    ROW("Gather", gather, gather, NULL), ROW("GatherElements", gather_elements, move, NULL),
    ROW("GatherND", gather_nd, move, NULL), ROW("Scatter", same, move, NULL),
    ROW("ScatterElements", same, move, NULL), ROW("ScatterND", same, move, NULL),
    ROW("Tile", tile, move, NULL), ROW("Pad", pad, move, NULL),
    ROW("Resize", resize, resize, NULL), ROW("Upsample", resize, resize, NULL),
    ROW("DepthToSpace", depth_to_space, move, NULL),
    ROW("SpaceToDepth", space_to_depth, move, NULL),
    ROW("OneHot", one_hot, move, NULL), ROW("Compress", same, move, NULL),
    ROW("Unique", unique, move, NULL), ROW("Det", det, move, NULL),
    ROW("TopK", top_k, move, NULL), ROW("NonMaxSuppression", non_max_suppression, move, NULL),
    ROW("NonZero", non_zero, move, NULL), ROW("RoiAlign", roi_align, move, NULL),
    ROW("GridSample", grid_sample, move, NULL), ROW("MaxUnpool", max_unpool, move, NULL),
    /* quantised */
    ROW("QuantizeLinear", quantize, quantize, NULL),
    ROW("DynamicQuantizeLinear", dynamic_quantize, quantize, NULL),
    ROW("DequantizeLinear", dequantize, alias, NULL),
    MS_ROW("QuantizeLinear", quantize, quantize, NULL),
    MS_ROW("DequantizeLinear", dequantize, alias, NULL),
    /* constants */
    ROW("Constant", constant, alias, NULL), ROW("ConstantOfShape", constant_of_shape, alias, NULL),
    ROW("Range", range, alias, NULL), ROW("HannWindow", taper, alias, NULL),
    ROW("HammingWindow", taper, alias, NULL), ROW("BlackmanWindow", taper, alias, NULL),
    ROW("Shape", shape, alias, NULL), ROW("Size", size, alias, NULL),
    /* fused forms of exporters */
    MS_ROW("FusedMatMul", matmul, matmul, NULL),
    MS_ROW("Gelu", same, unary, "gelu"),
    MS_ROW("QuickGelu", same, unary, "silu"),
    ROW("SimplifiedLayerNormalization", same, norm, "rmsnorm"),
    EXPAND(MS, "FastGelu", bias_gelu), EXPAND(MS, "BiasGelu", bias_gelu),
    EXPAND(MS, "FusedConv", activated), EXPAND(MS, "FusedGemm", activated),
    EXPAND(MS, "SkipLayerNormalization", skip_norm),
    EXPAND(MS, "SkipSimplifiedLayerNormalization", skip_norm),
    EXPAND(MS, "EmbedLayerNormalization", embed_norm),
    EXPAND(MS, "Attention", attention),
    EXPAND(MS, "MultiHeadAttention", multi_head),
    EXPAND(MS, "GroupQueryAttention", multi_head),
    EXPAND("", "Attention", multi_head),
    ROW("RotaryEmbedding", same, unary, "unary"), MS_ROW("RotaryEmbedding", same, unary, "unary"),
    EXPAND(MS, "QLinearAdd", qlinear_binary), EXPAND(MS, "QLinearMul", qlinear_binary),
};
// clang-format on

const struct onnx_op *onnx_op_find(const char *domain, const char *name)
{
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (!strcmp(ops[i].name, name) && !strcmp(ops[i].domain, domain))
            return &ops[i];
    return NULL;
}
