#include "frontends/onnx_tensor.h"

#include <math.h>
#include <string.h>

/* Bytes of contents kept over the whole model. */
#define CONTENTS_MAX (UINT64_C(64) << 20)

static const struct {
    unsigned bytes;  /* of one element in the file; 0: not a number */
    enum dtype type; /* what it is to the cost model */
    bool known;
} types[] = {
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT] = { 4, DT_F32, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT8] = { 1, DT_U8, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT8] = { 1, DT_S8, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT16] = { 2, DT_S16, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT16] = { 2, DT_S16, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT32] = { 4, DT_S32, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__INT64] = { 8, DT_S64, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__STRING] = { 0, DT_S64, false },
    [ONNX__TENSOR_PROTO__DATA_TYPE__BOOL] = { 1, DT_U8, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16] = { 2, DT_F16, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE] = { 8, DT_F64, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT32] = { 4, DT_S32, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__UINT64] = { 8, DT_S64, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX64] = { 8, DT_F64, true },
    [ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX128] = { 16, DT_F64, false },
    [ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16] = { 2, DT_BF16, true },
};
#define TYPE_COUNT (int)(sizeof types / sizeof *types)

bool onnx_dtype(int onnx_type, enum dtype *out)
{
    if (onnx_type <= 0 || onnx_type >= TYPE_COUNT || !types[onnx_type].known)
        return false;
    *out = types[onnx_type].type;
    return true;
}

static double from_half(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double value = exponent == 31  ? (fraction ? NAN : INFINITY)
                   : exponent == 0 ? ldexp(fraction, -24)
                                   : ldexp(1024 + fraction, exponent - 25);
    return half & 0x8000 ? -value : value;
}

static double from_bits(int type, uint64_t bits)
{
    union {
        uint32_t u;
        float f;
    } single;
    union {
        uint64_t u;
        double f;
    } twice = { .u = bits };
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        single.u =
            type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ? (uint32_t)bits : (uint32_t)bits << 16;
        return (double)single.f;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return twice.f;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        return from_half((uint16_t)bits);
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        return (int8_t)bits;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
        return (int16_t)bits;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return (int32_t)bits;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return (double)(int64_t)bits;
    default:
        return (double)bits;
    }
}

static void read_raw(const Onnx__TensorProto *tensor, size_t count, double *data)
{
    unsigned bytes = types[tensor->data_type].bytes;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        for (unsigned b = 0; b < bytes; b++)
            bits |= (uint64_t)tensor->raw_data.data[i * bytes + b] << 8 * b;
        data[i] = from_bits(tensor->data_type, bits);
    }
}

/* Elements that the typed fields hold; 0 if the contents are elsewhere or left out. */
static size_t typed_count(const Onnx__TensorProto *tensor)
{
    size_t counts[] = { tensor->n_float_data, tensor->n_int32_data, tensor->n_int64_data,
                        tensor->n_double_data, tensor->n_uint64_data };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i])
            return counts[i];
    return 0;
}

static double typed_element(const Onnx__TensorProto *tensor, size_t i)
{
    bool half = tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 ||
                tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
    if (tensor->n_float_data)
        return (double)tensor->float_data[i];
    if (tensor->n_int32_data)
        return half ? from_bits(tensor->data_type, (uint32_t)tensor->int32_data[i])
                    : tensor->int32_data[i];
    if (tensor->n_int64_data)
        return (double)tensor->int64_data[i];
    if (tensor->n_double_data)
        return tensor->double_data[i];
    return (double)tensor->uint64_data[i];
}

static const char *read_dims(size_t count, const int64_t *dims, struct onnx_value *value)
{
    uint64_t bytes = 8; /* of the widest type */
    if (count > ONNX_RANK_MAX)
        return "expected at most 8 dimensions";
    for (size_t d = 0; d < count; d++) {
        if (dims[d] < 0 || dims[d] > EXPR_EXTENT_MAX)
            return "expected dimensions in 0..2^31";
        value->shape.dim[d] = dims[d];
        if (!mul_size(bytes, max_u64((uint64_t)dims[d], 1), &bytes))
            return "its bytes exceed 63 bits";
    }
    value->shape.rank = (int)count;
    return NULL;
}

const char *onnx_read_tensor(struct onnx_model *model, const Onnx__TensorProto *tensor,
                             struct onnx_value *value)
{
    value->constant = true;
    value->type = tensor->data_type;
    const char *why = read_dims(tensor->n_dims, tensor->dims, value);
    size_t elements = why ? 0 : (size_t)onnx_elements(value);
    unsigned bytes = value->type > 0 && value->type < TYPE_COUNT ? types[value->type].bytes : 0;
    if (why || elements > ONNX_DATA_MAX || elements == 0 || bytes == 0 || bytes > 8 ||
        tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL ||
        model->element_count + elements > CONTENTS_MAX / sizeof(double))
        return why;
    size_t typed = typed_count(tensor);
    if (tensor->raw_data.len == 0 && typed == 0)
        return NULL; /* left out by the scan, or never there */
    if (tensor->raw_data.len ? tensor->raw_data.len != elements * bytes : typed < elements)
        return "its contents are not as long as its shape says";
    double *data = ARENA_ARRAY(model->arena, double, elements);
    model->element_count += elements;
    if (tensor->raw_data.len)
        read_raw(tensor, elements, data);
    for (size_t i = 0; !tensor->raw_data.len && i < elements; i++)
        data[i] = typed_element(tensor, i);
    value->data = data;
    return NULL;
}

const char *onnx_read_sparse(struct onnx_model *model, const Onnx__SparseTensorProto *sparse,
                             struct onnx_value *value)
{
    (void)model;
    value->constant = true;
    value->type = sparse->values ? sparse->values->data_type : 0;
    return read_dims(sparse->n_dims, sparse->dims, value);
}
