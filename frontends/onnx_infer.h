/* Shape inference: one function per family of operators. For frontends/ only. */
#ifndef SOCWEAVE_FRONTENDS_ONNX_INFER_H
#define SOCWEAVE_FRONTENDS_ONNX_INFER_H

#include "frontends/onnx_ir.h"

#define ONNX_INFER(name) bool onnx_infer_##name(struct onnx_model *model, struct onnx_node *node)

/* The node has that many inputs, or an error says so. */
bool onnx_need(struct onnx_model *model, struct onnx_node *node, size_t inputs);
/* Where a quantised convolution or product keeps its weights, and the type that leaves it. */
size_t onnx_weight_input(const struct onnx_node *node);
int onnx_product_type(const struct onnx_node *node);

/* onnx_infer.c */
ONNX_INFER(same); /* every output as input 0 */
ONNX_INFER(cast);
ONNX_INFER(broadcast); /* numpy, any number of inputs */
ONNX_INFER(compare);   /* the same, of booleans */
ONNX_INFER(where);
ONNX_INFER(prelu);
ONNX_INFER(constant);
ONNX_INFER(constant_of_shape);
ONNX_INFER(range);
ONNX_INFER(taper); /* Hann, Hamming, Blackman windows */
ONNX_INFER(shape);
ONNX_INFER(size);
ONNX_INFER(reshape);
ONNX_INFER(flatten);
ONNX_INFER(squeeze);
ONNX_INFER(unsqueeze);
ONNX_INFER(transpose);
ONNX_INFER(concat);
ONNX_INFER(split);
ONNX_INFER(slice);
ONNX_INFER(gather);
ONNX_INFER(gather_elements);
ONNX_INFER(gather_nd);
ONNX_INFER(expand);
ONNX_INFER(tile);
ONNX_INFER(reduce);
ONNX_INFER(arg);
/* onnx_infer_window.c */
ONNX_INFER(conv);
ONNX_INFER(conv_transpose);
ONNX_INFER(pool);
ONNX_INFER(global_pool);
ONNX_INFER(max_unpool);
/* onnx_infer_product.c */
ONNX_INFER(gemm);
ONNX_INFER(matmul);
ONNX_INFER(recurrent);
/* onnx_infer_vision.c */
ONNX_INFER(pad);
ONNX_INFER(resize);
ONNX_INFER(depth_to_space);
ONNX_INFER(space_to_depth);
ONNX_INFER(top_k);
ONNX_INFER(non_max_suppression);
ONNX_INFER(non_zero);
ONNX_INFER(one_hot);
ONNX_INFER(roi_align);
ONNX_INFER(loss);
ONNX_INFER(unique);
ONNX_INFER(det);
ONNX_INFER(grid_sample);
ONNX_INFER(quantize);
ONNX_INFER(dequantize);
ONNX_INFER(dynamic_quantize);

/* onnx_einsum.c */
ONNX_INFER(einsum);
/* "equation" of an Einsum of one or two operands, letter by letter. */
struct onnx_einsum {
    int64_t extent[128]; /* by letter; 0: does not occur */
    bool in[2][128], out[128];
    char result[ONNX_RANK_MAX + 1];
};
bool onnx_read_einsum(struct onnx_model *model, struct onnx_node *node, struct onnx_einsum *out);

#endif
