/*
 * Contents of constants that nodes compute: what decides shapes, hence small integers mostly.
 * Whatever is not folded here stays a constant with a shape, which is all that weights need.
 */
#include <math.h>
#include <string.h>

#include "frontends/onnx_ir.h"

#define FLOAT ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT

/* Offset in a tensor of shape `from`, broadcast to `shape`, of element `at` of the latter. */
static int64_t broadcast_offset(const struct onnx_shape *shape, const struct onnx_shape *from,
                                int64_t at)
{
    int64_t offset = 0, stride = 1;
    for (int d = 0; d < shape->rank; d++) {
        int axis = shape->rank - 1 - d, mine = from->rank - 1 - d;
        int64_t index = at % shape->dim[axis];
        at /= shape->dim[axis];
        if (mine < 0)
            continue;
        offset += from->dim[mine] == 1 ? 0 : index * stride;
        stride *= from->dim[mine];
    }
    return offset;
}

static bool whole_number(int type)
{
    return type != FLOAT && type != ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE &&
           type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 &&
           type != ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
}

/* --- element by element --------------------------------------------------------------------------
 */

static double f_add(double a, double b)
{
    return a + b;
}
static double f_sub(double a, double b)
{
    return a - b;
}
static double f_mul(double a, double b)
{
    return a * b;
}
static double f_div(double a, double b)
{
    return b != 0 ? a / b : 0;
}
static double f_mod(double a, double b)
{
    return b != 0 ? a - b * floor(a / b) : 0;
}
static double f_min(double a, double b)
{
    return a < b ? a : b;
}
static double f_max(double a, double b)
{
    return a > b ? a : b;
}
static double f_and(double a, double b)
{
    return a != 0 && b != 0;
}
static double f_or(double a, double b)
{
    return a != 0 || b != 0;
}
static double f_equal(double a, double b)
{
    return a == b;
}
static double f_less(double a, double b)
{
    return a < b;
}
static double f_less_equal(double a, double b)
{
    return a <= b;
}
static double f_greater(double a, double b)
{
    return a > b;
}
static double f_greater_equal(double a, double b)
{
    return a >= b;
}
static double f_not(double a)
{
    return a == 0;
}
static double f_neg(double a)
{
    return -a;
}
static double f_same(double a)
{
    return a;
}
static double f_reciprocal(double a)
{
    return a != 0 ? 1 / a : 0;
}

static const struct {
    const char *op;
    double (*two)(double a, double b);
    double (*one)(double a);
} elementwise[] = {
    { "Add", f_add, NULL },
    { "Sub", f_sub, NULL },
    { "Mul", f_mul, NULL },
    { "Div", f_div, NULL },
    { "Mod", f_mod, NULL },
    { "Pow", pow, NULL },
    { "Min", f_min, NULL },
    { "Max", f_max, NULL },
    { "And", f_and, NULL },
    { "Or", f_or, NULL },
    { "Equal", f_equal, NULL },
    { "Less", f_less, NULL },
    { "Greater", f_greater, NULL },
    { "LessOrEqual", f_less_equal, NULL },
    { "GreaterOrEqual", f_greater_equal, NULL },
    { "Not", NULL, f_not },
    { "Neg", NULL, f_neg },
    { "Abs", NULL, fabs },
    { "Floor", NULL, floor },
    { "Ceil", NULL, ceil },
    { "Round", NULL, nearbyint },
    { "Sqrt", NULL, sqrt },
    { "Exp", NULL, exp },
    { "Log", NULL, log },
    { "Reciprocal", NULL, f_reciprocal },
    { "Identity", NULL, f_same },
    { "Cast", NULL, f_same },
    { "CastLike", NULL, f_same },
    { "Reshape", NULL, f_same },
    { "Flatten", NULL, f_same },
    { "Squeeze", NULL, f_same },
    { "Unsqueeze", NULL, f_same },
    { "Dropout", NULL, f_same },
    { "Expand", NULL, f_same },
};

static bool fold_elementwise(const struct onnx_node *node, size_t row, double *data, int64_t count)
{
    const struct onnx_value *out = node->outputs[0];
    bool whole = whole_number(out->type);
    if (elementwise[row].two && node->input_count < 2)
        return false;
    for (size_t k = 0; k < node->input_count; k++)
        if (!node->inputs[k])
            return false;
    for (int64_t i = 0; i < count; i++) {
        const struct onnx_value *in = node->inputs[0];
        /* What only renames dimensions keeps the order of the elements. */
        bool same_count = onnx_elements(in) == count;
        double value = in->data[same_count ? i : broadcast_offset(&out->shape, &in->shape, i)];
        if (elementwise[row].one) {
            value = elementwise[row].one(value);
        } else {
            for (size_t k = 1; k < node->input_count; k++) {
                const struct onnx_value *b = node->inputs[k];
                value = elementwise[row].two(
                    k == 1 ? in->data[broadcast_offset(&out->shape, &in->shape, i)] : value,
                    b->data[broadcast_offset(&out->shape, &b->shape, i)]);
            }
        }
        data[i] = whole && isfinite(value) ? trunc(value) : value;
    }
    return true;
}

static bool fold_where(const struct onnx_node *node, double *data, int64_t count)
{
    const struct onnx_shape *shape = &node->outputs[0]->shape;
    for (int64_t i = 0; i < count; i++) {
        const struct onnx_value *condition = node->inputs[0];
        bool first = condition->data[broadcast_offset(shape, &condition->shape, i)] != 0;
        const struct onnx_value *from = node->inputs[first ? 1 : 2];
        data[i] = from->data[broadcast_offset(shape, &from->shape, i)];
    }
    return true;
}

static bool fold_range(const struct onnx_node *node, double *data, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        data[i] = *node->inputs[0]->data + (double)i * *node->inputs[2]->data;
    return true;
}

static bool fold_constant_of_shape(const struct onnx_node *node, double *data, int64_t count)
{
    const struct onnx_attr *attr = onnx_attr(node, "value");
    double value = 0;
    if (attr && attr->t) {
        const Onnx__TensorProto *t = attr->t;
        if (t->n_float_data)
            value = (double)t->float_data[0];
        else if (t->n_int64_data)
            value = (double)t->int64_data[0];
        else if (t->n_int32_data)
            value = t->int32_data[0];
        else if (t->raw_data.len == 8 && t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64) {
            int64_t bits;
            memcpy(&bits, t->raw_data.data, 8);
            value = (double)bits;
        } else if (t->raw_data.len == 4 && t->data_type == FLOAT) {
            float single;
            memcpy(&single, t->raw_data.data, 4);
            value = (double)single;
        } else {
            return false;
        }
    }
    for (int64_t i = 0; i < count; i++)
        data[i] = value;
    return true;
}

/* --- moving
 * ---------------------------------------------------------------------------------------- */

static bool fold_concat(const struct onnx_node *node, double *data, int64_t count)
{
    const struct onnx_shape *shape = &node->outputs[0]->shape;
    int axis = onnx_axis(onnx_attr_int(node, "axis", 1), shape->rank);
    int64_t outer = onnx_product(shape, 0, axis), at = 0;
    for (int64_t o = 0; o < outer; o++)
        for (size_t i = 0; i < node->input_count; i++) {
            const struct onnx_value *in = node->inputs[i];
            int64_t block = onnx_product(&in->shape, axis, in->shape.rank);
            for (int64_t b = 0; b < block && at < count; b++)
                data[at++] = in->data[o * block + b];
        }
    return true;
}

static bool fold_gather(const struct onnx_node *node, double *data, int64_t count)
{
    const struct onnx_value *in = node->inputs[0], *index = node->inputs[1];
    int axis = onnx_axis(onnx_attr_int(node, "axis", 0), in->shape.rank);
    int64_t extent = in->shape.dim[axis], picks = onnx_elements(index), at = 0;
    int64_t outer = onnx_product(&in->shape, 0, axis);
    int64_t inner = onnx_product(&in->shape, axis + 1, in->shape.rank);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t p = 0; p < picks; p++) {
            int64_t pick = onnx_to_int(index->data[p]);
            pick = pick < 0 ? pick + extent : pick;
            if (pick < 0 || pick >= extent)
                return false;
            for (int64_t i = 0; i < inner && at < count; i++)
                data[at++] = in->data[(o * extent + pick) * inner + i];
        }
    return true;
}

/* One axis at a time is what shape arithmetic needs. */
static bool fold_slice(const struct onnx_node *node, double *data, int64_t count)
{
    const struct onnx_value *in = node->inputs[0];
    int64_t start[ONNX_RANK_MAX], axes[ONNX_RANK_MAX], steps[ONNX_RANK_MAX];
    int64_t first[ONNX_RANK_MAX] = { 0 }, step[ONNX_RANK_MAX];
    int starts = onnx_ints(node, 1, "starts", start, ONNX_RANK_MAX);
    int axis_count = onnx_ints(node, 3, "axes", axes, ONNX_RANK_MAX);
    int step_count = onnx_ints(node, 4, NULL, steps, ONNX_RANK_MAX);
    for (int d = 0; d < in->shape.rank; d++)
        step[d] = 1;
    for (int i = 0; i < starts; i++) {
        int axis = axis_count >= 0 ? onnx_axis(axes[i], in->shape.rank) : i;
        int64_t extent = in->shape.dim[axis];
        int64_t from = start[i] < 0 ? start[i] + extent : start[i];
        step[axis] = step_count >= 0 ? steps[i] : 1;
        int64_t high = step[axis] > 0 ? extent : extent - 1;
        first[axis] = from < 0 ? 0 : from > high ? high : from;
    }
    const struct onnx_shape *shape = &node->outputs[0]->shape;
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i, offset = 0, stride = 1;
        for (int d = shape->rank - 1; d >= 0; d--) {
            offset += (first[d] + rest % shape->dim[d] * step[d]) * stride;
            rest /= shape->dim[d];
            stride *= in->shape.dim[d];
        }
        if (offset < 0 || offset >= onnx_elements(in))
            return false;
        data[i] = in->data[offset];
    }
    return true;
}

static bool fold_transpose(const struct onnx_node *node, double *data, int64_t count)
{
    const struct onnx_shape *in = &node->inputs[0]->shape, *out = &node->outputs[0]->shape;
    const struct onnx_attr *perm = onnx_attr(node, "perm");
    int64_t stride[ONNX_RANK_MAX];
    for (int d = 0; d < in->rank; d++)
        stride[d] = onnx_product(in, d + 1, in->rank);
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i, offset = 0;
        for (int d = out->rank - 1; d >= 0; d--) {
            offset += rest % out->dim[d] * stride[perm ? perm->ints[d] : in->rank - 1 - d];
            rest /= out->dim[d];
        }
        data[i] = node->inputs[0]->data[offset];
    }
    return true;
}

static bool fold_reduce(const struct onnx_node *node, double *data, int64_t count)
{
    const struct onnx_value *in = node->inputs[0];
    double (*combine)(double, double) = !strcmp(node->op_type, "ReduceProd")  ? f_mul
                                        : !strcmp(node->op_type, "ReduceMax") ? f_max
                                        : !strcmp(node->op_type, "ReduceMin") ? f_min
                                                                              : f_add;
    int64_t elements = onnx_elements(in);
    if (count != 1 || elements == 0)
        return false; /* all of it to one number is what shape arithmetic needs */
    data[0] = in->data[0];
    for (int64_t i = 1; i < elements; i++)
        data[0] = combine(data[0], in->data[i]);
    return true;
}

static const struct {
    const char *op;
    bool (*fold)(const struct onnx_node *node, double *data, int64_t count);
} others[] = {
    { "Where", fold_where },
    { "Range", fold_range },
    { "Concat", fold_concat },
    { "Gather", fold_gather },
    { "Slice", fold_slice },
    { "Transpose", fold_transpose },
    { "ReduceProd", fold_reduce },
    { "ReduceSum", fold_reduce },
    { "ReduceMax", fold_reduce },
    { "ReduceMin", fold_reduce },
    { "ConstantOfShape", fold_constant_of_shape },
};

static bool inputs_known(const struct onnx_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] && (!node->inputs[i]->data || onnx_elements(node->inputs[i]) == 0))
            return false;
    return true;
}

/* Pieces one behind the other. */
static void fold_split(struct onnx_model *model, struct onnx_node *node)
{
    const struct onnx_value *in = node->inputs[0];
    int axis = onnx_axis(onnx_attr_int(node, "axis", 0), in->shape.rank);
    if (onnx_product(&in->shape, 0, axis) != 1)
        return;
    const double *from = in->data;
    for (size_t i = 0; i < node->output_count; i++) {
        if (!node->outputs[i])
            return;
        int64_t count = onnx_elements(node->outputs[i]);
        double *data = ARENA_ARRAY(model->arena, double, (size_t)count);
        memcpy(data, from, (size_t)count * sizeof *data);
        node->outputs[i]->data = data;
        from += count;
    }
}

void onnx_fold(struct onnx_model *model, struct onnx_node *node)
{
    struct onnx_value *out = onnx_out(node, 0);
    if (!node->constant || !out || out->data || !onnx_known(out) || *node->domain ||
        !inputs_known(node) || model->element_count > (UINT64_C(8) << 20))
        return;
    int64_t count = onnx_elements(out);
    if (count < 1 || count > ONNX_DATA_MAX)
        return;
    if (!strcmp(node->op_type, "Split")) {
        fold_split(model, node);
        return;
    }
    double *data = ARENA_ARRAY(model->arena, double, (size_t)count);
    model->element_count += (uint64_t)count;
    for (size_t i = 0; i < sizeof elementwise / sizeof *elementwise; i++)
        if (!strcmp(elementwise[i].op, node->op_type)) {
            if (fold_elementwise(node, i, data, count))
                out->data = data;
            return;
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i].op, node->op_type) && others[i].fold(node, data, count))
            out->data = data;
}
