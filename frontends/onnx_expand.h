/* Fused operators of exporters, written out as the plain ones they stand for. For frontends/. */
#ifndef SOCWEAVE_FRONTENDS_ONNX_EXPAND_H
#define SOCWEAVE_FRONTENDS_ONNX_EXPAND_H

#include "frontends/onnx_ir.h"

#define ONNX_EXPAND(name) bool onnx_expand_##name(struct onnx_model *model, struct onnx_node *node)

ONNX_EXPAND(bias_gelu);
ONNX_EXPAND(activated);
ONNX_EXPAND(skip_norm);
ONNX_EXPAND(embed_norm);
ONNX_EXPAND(attention);
ONNX_EXPAND(multi_head);
ONNX_EXPAND(qlinear_binary);
ONNX_EXPAND(einsum); /* onnx_einsum.c */

#endif
