/* Tensors of the file: shapes always, contents where they are small. For frontends/ only. */
#ifndef SOCWEAVE_FRONTENDS_ONNX_TENSOR_H
#define SOCWEAVE_FRONTENDS_ONNX_TENSOR_H

#include "frontends/onnx_ir.h"

/* NULL, or what is wrong with the tensor. */
const char *onnx_read_tensor(struct onnx_model *model, const Onnx__TensorProto *tensor,
                             struct onnx_value *value);
const char *onnx_read_sparse(struct onnx_model *model, const Onnx__SparseTensorProto *sparse,
                             struct onnx_value *value);
/* Type and shape of a value as the file states them; no shape there leaves rank -1. */
bool onnx_read_type(struct onnx_model *model, const char *name, const Onnx__TypeProto *type,
                    struct onnx_value *value);
/* An element of our types; 8-byte integers and the like have their own. */
bool onnx_dtype(int onnx_type, enum dtype *out);

#endif
