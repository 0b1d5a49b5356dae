/* Shapes of what leaves matrix products and recurrent operators. */
#include <string.h>

#include "frontends/onnx_infer.h"

#define INT32 ONNX__TENSOR_PROTO__DATA_TYPE__INT32

size_t onnx_weight_input(const struct onnx_node *node)
{
    return !strcmp(node->op_type, "QLinearConv") || !strcmp(node->op_type, "QLinearMatMul") ? 3 : 1;
}

int onnx_product_type(const struct onnx_node *node)
{
    if (!strncmp(node->op_type, "QLinear", 7))
        return onnx_in(node, 7) ? node->inputs[7]->type : node->inputs[0]->type;
    if (!strcmp(node->op_type, "ConvInteger") || !strcmp(node->op_type, "MatMulInteger"))
        return INT32;
    return node->inputs[0]->type;
}

ONNX_INFER(gemm)
{
    if (!onnx_need(model, node, 2))
        return false;
    const struct onnx_shape *a = &node->inputs[0]->shape, *b = &node->inputs[1]->shape;
    int ta = onnx_attr_int(node, "transA", 0) != 0, tb = onnx_attr_int(node, "transB", 0) != 0;
    if (a->rank != 2 || b->rank != 2)
        return onnx_fail(model, node, ERR_VALUE, "expected matrices, got %d and %d dimensions",
                         a->rank, b->rank);
    if (a->dim[1 - ta] != b->dim[tb])
        return onnx_fail(model, node, ERR_VALUE, "%lld columns do not fit %lld rows",
                         (long long)a->dim[1 - ta], (long long)b->dim[tb]);
    struct onnx_shape shape = { .rank = 2, .dim = { a->dim[ta], b->dim[1 - tb] } };
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(matmul)
{
    size_t at = onnx_weight_input(node);
    if (!onnx_need(model, node, at + 1))
        return false;
    struct onnx_shape a = node->inputs[0]->shape, b = node->inputs[at]->shape;
    bool row = a.rank == 1, column = b.rank == 1;
    if (a.rank < 1 || b.rank < 1)
        return onnx_fail(model, node, ERR_VALUE, "a product with a scalar");
    if (onnx_attr_int(node, "transA", 0) && a.rank > 1) {
        int64_t rows = a.dim[a.rank - 1];
        a.dim[a.rank - 1] = a.dim[a.rank - 2];
        a.dim[a.rank - 2] = rows;
    }
    if (onnx_attr_int(node, "transB", 0) && b.rank > 1) {
        int64_t rows = b.dim[b.rank - 1];
        b.dim[b.rank - 1] = b.dim[b.rank - 2];
        b.dim[b.rank - 2] = rows;
    }
    if (row)
        a = (struct onnx_shape){ .rank = 2, .dim = { 1, a.dim[0] } };
    if (column)
        b = (struct onnx_shape){ .rank = 2, .dim = { b.dim[0], 1 } };
    int64_t m = a.dim[a.rank - 2], k = a.dim[a.rank - 1], n = b.dim[b.rank - 1];
    if (k != b.dim[b.rank - 2])
        return onnx_fail(model, node, ERR_VALUE, "%lld columns do not fit %lld rows", (long long)k,
                         (long long)b.dim[b.rank - 2]);
    a.rank -= 2;
    b.rank -= 2;
    if (!onnx_broadcast(&a, &b))
        return onnx_fail(model, node, ERR_VALUE, "the batches do not go together");
    if (!row)
        a.dim[a.rank++] = m;
    if (!column)
        a.dim[a.rank++] = n;
    return onnx_set(model, node, 0, onnx_product_type(node), &a);
}

ONNX_INFER(recurrent)
{
    if (!onnx_need(model, node, 3))
        return false;
    const struct onnx_shape *x = &node->inputs[0]->shape, *w = &node->inputs[1]->shape;
    const struct onnx_shape *r = &node->inputs[2]->shape;
    if (x->rank != 3 || w->rank != 3 || r->rank != 3 || w->dim[2] != x->dim[2] ||
        r->dim[0] != w->dim[0] || r->dim[1] != w->dim[1] || r->dim[2] < 1 || w->dim[0] < 1)
        return onnx_fail(model, node, ERR_VALUE, "the weights do not fit the data");
    bool batch_first = onnx_attr_int(node, "layout", 0) != 0;
    int64_t steps = x->dim[batch_first], batch = x->dim[!batch_first];
    int64_t dirs = w->dim[0], hidden = r->dim[2];
    struct onnx_shape all = { .rank = 4, .dim = { steps, dirs, batch, hidden } };
    struct onnx_shape last = { .rank = 3, .dim = { dirs, batch, hidden } };
    if (batch_first) {
        all = (struct onnx_shape){ .rank = 4, .dim = { batch, steps, dirs, hidden } };
        last = (struct onnx_shape){ .rank = 3, .dim = { batch, dirs, hidden } };
    }
    int type = node->inputs[0]->type;
    return onnx_set(model, node, 0, type, &all) && onnx_set(model, node, 1, type, &last) &&
           onnx_set(model, node, 2, type, &last);
}
