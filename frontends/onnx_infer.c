/* Shapes of what leaves the operators that compute element by element or move data. */
#include "frontends/onnx_infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/onnx_tensor.h"

#define INT64 ONNX__TENSOR_PROTO__DATA_TYPE__INT64
#define BOOL  ONNX__TENSOR_PROTO__DATA_TYPE__BOOL
#define FLOAT ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT

bool onnx_need(struct onnx_model *model, struct onnx_node *node, size_t inputs)
{
    for (size_t i = 0; i < inputs; i++)
        if (!onnx_in(node, i))
            return onnx_fail(model, node, ERR_VALUE, "expected %zu inputs or more", inputs);
    return true;
}

static bool bad_axis(struct onnx_model *model, struct onnx_node *node, int64_t axis, int rank)
{
    return onnx_fail(model, node, ERR_RANGE, "axis %lld lies outside %d dimensions",
                     (long long)axis, rank);
}

ONNX_INFER(same)
{
    if (!onnx_need(model, node, 1))
        return false;
    for (size_t i = 0; i < node->output_count; i++)
        if (!onnx_set(model, node, i, node->inputs[0]->type, &node->inputs[0]->shape))
            return false;
    return true;
}

ONNX_INFER(cast)
{
    if (!onnx_need(model, node, 1))
        return false;
    int type = onnx_in(node, 1) ? node->inputs[1]->type
                                : (int)onnx_attr_int(node, "to", node->inputs[0]->type);
    return onnx_set(model, node, 0, type, &node->inputs[0]->shape);
}

static bool broadcast_all(struct onnx_model *model, struct onnx_node *node, size_t from,
                          struct onnx_shape *shape)
{
    *shape = (struct onnx_shape){ .rank = 0 };
    for (size_t i = from; i < node->input_count; i++)
        if (node->inputs[i] && !onnx_broadcast(shape, &node->inputs[i]->shape))
            return onnx_fail(model, node, ERR_VALUE,
                             "the shape of input %zu does not go with those before it", i);
    return true;
}

ONNX_INFER(broadcast)
{
    struct onnx_shape shape;
    return onnx_need(model, node, 1) && broadcast_all(model, node, 0, &shape) &&
           onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(compare)
{
    struct onnx_shape shape;
    return onnx_need(model, node, 1) && broadcast_all(model, node, 0, &shape) &&
           onnx_set(model, node, 0, BOOL, &shape);
}

ONNX_INFER(where)
{
    struct onnx_shape shape;
    return onnx_need(model, node, 3) && broadcast_all(model, node, 0, &shape) &&
           onnx_set(model, node, 0, node->inputs[1]->type, &shape);
}

/* Slopes broadcast to the data; up to version 6 one per channel may stand without dimensions. */
ONNX_INFER(prelu)
{
    if (!onnx_need(model, node, 2))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape, *slope = &node->inputs[1]->shape;
    struct onnx_shape shape = *in;
    bool per_channel = slope->rank == 1 && in->rank > 1 && slope->dim[0] == in->dim[1];
    if (!per_channel && (!onnx_broadcast(&shape, slope) ||
                         onnx_product(&shape, 0, shape.rank) != onnx_product(in, 0, in->rank)))
        return onnx_fail(model, node, ERR_VALUE, "the slopes do not fit the data");
    return onnx_set(model, node, 0, node->inputs[0]->type, in);
}

ONNX_INFER(constant)
{
    const struct onnx_attr *attr;
    struct onnx_value *value = onnx_out(node, 0);
    if (!value)
        return true;
    if ((attr = onnx_attr(node, "value")) && attr->t) {
        const char *why = onnx_read_tensor(model, attr->t, value);
        return !why || onnx_fail(model, node, ERR_VALUE, "%s", why);
    }
    size_t count = 1;
    struct onnx_shape shape = { .rank = 0 };
    const struct onnx_attr *ints = onnx_attr(node, "value_ints");
    const struct onnx_attr *floats = onnx_attr(node, "value_floats");
    if (ints || floats) {
        count = ints ? ints->int_count : floats->float_count;
        shape = (struct onnx_shape){ .rank = 1, .dim = { (int64_t)count } };
    }
    bool whole = ints || onnx_attr(node, "value_int");
    if (!whole && !floats && !onnx_attr(node, "value_float"))
        return onnx_unsupported(model, node, "a constant that is no tensor of numbers");
    if (!onnx_set(model, node, 0, whole ? INT64 : FLOAT, &shape) || count > ONNX_DATA_MAX)
        return model->err->code == ERR_OK;
    double *data = ARENA_ARRAY(model->arena, double, count);
    for (size_t i = 0; i < count; i++)
        data[i] = ints     ? (double)ints->ints[i]
                  : floats ? (double)floats->floats[i]
                  : whole  ? (double)onnx_attr_int(node, "value_int", 0)
                           : onnx_attr(node, "value_float")->f;
    value->data = data;
    return true;
}

/* Dimensions that input i spells out. */
static bool dims_from(struct onnx_model *model, struct onnx_node *node, size_t input,
                      struct onnx_shape *shape)
{
    shape->rank = onnx_ints(node, input, NULL, shape->dim, ONNX_RANK_MAX);
    if (shape->rank >= 0)
        return true;
    return onnx_undecided(model, node, "its shape is only known when it runs");
}

ONNX_INFER(constant_of_shape)
{
    struct onnx_shape shape;
    const struct onnx_attr *value = onnx_attr(node, "value");
    return onnx_need(model, node, 1) && dims_from(model, node, 0, &shape) &&
           (node->unsupported || node->stated ||
            onnx_set(model, node, 0, value && value->t ? value->t->data_type : FLOAT, &shape));
}

ONNX_INFER(range)
{
    if (!onnx_need(model, node, 3))
        return false;
    for (size_t i = 0; i < 3; i++)
        if (!node->inputs[i]->data)
            return onnx_undecided(model, node, "its length is only known when it runs");
    double start = *node->inputs[0]->data, limit = *node->inputs[1]->data;
    double count = ceil((limit - start) / *node->inputs[2]->data);
    if (!(count < 2147483648.0))
        return onnx_fail(model, node, ERR_RANGE, "expected fewer than 2^31 elements");
    struct onnx_shape shape = { .rank = 1, .dim = { count > 0 ? (int64_t)count : 0 } };
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(taper)
{
    struct onnx_shape shape = { .rank = 1 };
    if (!onnx_need(model, node, 1))
        return false;
    if (onnx_ints(node, 0, NULL, shape.dim, 1) != 1)
        return onnx_undecided(model, node, "its length is only known when it runs");
    return onnx_set(model, node, 0, (int)onnx_attr_int(node, "output_datatype", FLOAT), &shape);
}

ONNX_INFER(shape)
{
    if (!onnx_need(model, node, 1))
        return false;
    int rank = node->inputs[0]->shape.rank;
    int64_t start = onnx_attr_int(node, "start", 0), end = onnx_attr_int(node, "end", rank);
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end;
    start = start < 0 ? 0 : start > rank ? rank : start;
    end = end < start ? start : end > rank ? rank : end;
    struct onnx_shape shape = { .rank = 1, .dim = { end - start } };
    if (!onnx_set(model, node, 0, INT64, &shape))
        return false;
    struct onnx_value *out = onnx_out(node, 0);
    if (out) { /* known whatever runs */
        double *data = ARENA_ARRAY(model->arena, double, ONNX_RANK_MAX);
        for (int64_t d = start; d < end; d++)
            data[d - start] = (double)node->inputs[0]->shape.dim[d];
        out->data = data;
        out->constant = true;
    }
    return true;
}

ONNX_INFER(size)
{
    struct onnx_shape scalar = { .rank = 0 };
    if (!onnx_need(model, node, 1) || !onnx_set(model, node, 0, INT64, &scalar))
        return false;
    struct onnx_value *out = onnx_out(node, 0);
    if (out) {
        double *data = ARENA_ARRAY(model->arena, double, 1);
        *data = (double)onnx_elements(node->inputs[0]);
        out->data = data;
        out->constant = true;
    }
    return true;
}

ONNX_INFER(reshape)
{
    struct onnx_shape shape;
    if (!onnx_need(model, node, 1))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    shape.rank = onnx_ints(node, 1, "shape", shape.dim, ONNX_RANK_MAX);
    if (shape.rank < 0)
        return onnx_undecided(model, node, "its shape is only known when it runs");
    int open = -1;
    int64_t rest = 1, elements = onnx_elements(node->inputs[0]);
    for (int d = 0; d < shape.rank; d++) {
        if (shape.dim[d] == 0 && !onnx_attr_int(node, "allowzero", 0))
            shape.dim[d] = d < in->rank ? in->dim[d] : 0;
        if (shape.dim[d] == -1 && open < 0)
            open = d;
        else if (shape.dim[d] < 0 || shape.dim[d] > EXPR_EXTENT_MAX ||
                 !mul_size((uint64_t)rest, max_u64((uint64_t)shape.dim[d], 1), (uint64_t *)&rest))
            return onnx_fail(model, node, ERR_RANGE, "dimension %d cannot be %lld", d,
                             (long long)shape.dim[d]);
    }
    if (open >= 0)
        shape.dim[open] = rest > 0 ? elements / rest : 0;
    if (!onnx_set(model, node, 0, node->inputs[0]->type, &shape))
        return false;
    if (onnx_product(&shape, 0, shape.rank) != elements)
        return onnx_fail(model, node, ERR_VALUE, "%lld elements do not fit its shape",
                         (long long)elements);
    return true;
}

ONNX_INFER(flatten)
{
    if (!onnx_need(model, node, 1))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    int64_t axis = onnx_attr_int(node, "axis", 1);
    if (axis < -in->rank || axis > in->rank)
        return bad_axis(model, node, axis, in->rank);
    int at = (int)(axis < 0 ? axis + in->rank : axis);
    struct onnx_shape shape = {
        .rank = 2, .dim = { onnx_product(in, 0, at), onnx_product(in, at, in->rank) }
    };
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

/* Marks the axes named by input 1 or the attribute. -1: an error, 0: none given. */
static int read_axes(struct onnx_model *model, struct onnx_node *node, int rank, bool *marked)
{
    int64_t axes[ONNX_RANK_MAX];
    memset(marked, 0, ONNX_RANK_MAX * sizeof *marked);
    int count = onnx_ints(node, 1, "axes", axes, ONNX_RANK_MAX);
    if (count == -2) {
        onnx_undecided(model, node, "its axes are only known when it runs");
        return -1;
    }
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(axes[i], rank);
        if (axis < 0 || marked[axis]) {
            bad_axis(model, node, axes[i], rank);
            return -1;
        }
        marked[axis] = true;
    }
    return count < 0 ? 0 : count;
}

ONNX_INFER(squeeze)
{
    bool marked[ONNX_RANK_MAX];
    struct onnx_shape shape = { .rank = 0 };
    if (!onnx_need(model, node, 1))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    int count = read_axes(model, node, in->rank, marked);
    if (count < 0)
        return model->err->code == ERR_OK;
    for (int d = 0; d < in->rank; d++) {
        if (marked[d] && in->dim[d] != 1)
            return onnx_fail(model, node, ERR_VALUE, "dimension %d is %lld, not 1", d,
                             (long long)in->dim[d]);
        if (count ? !marked[d] : in->dim[d] != 1)
            shape.dim[shape.rank++] = in->dim[d];
    }
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(unsqueeze)
{
    bool marked[ONNX_RANK_MAX];
    int64_t axes[ONNX_RANK_MAX];
    if (!onnx_need(model, node, 1))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    int count = onnx_ints(node, 1, "axes", axes, ONNX_RANK_MAX);
    struct onnx_shape shape = { .rank = in->rank + (count > 0 ? count : 0) };
    if (shape.rank > ONNX_RANK_MAX)
        return onnx_fail(model, node, ERR_LIMIT, "expected at most %d dimensions", ONNX_RANK_MAX);
    if (read_axes(model, node, shape.rank, marked) < 0)
        return model->err->code == ERR_OK;
    for (int d = 0, from = 0; d < shape.rank; d++)
        shape.dim[d] = marked[d] ? 1 : in->dim[from++];
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(transpose)
{
    if (!onnx_need(model, node, 1))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    const struct onnx_attr *perm = onnx_attr(node, "perm");
    struct onnx_shape shape = { .rank = in->rank };
    bool taken[ONNX_RANK_MAX] = { false };
    if (perm && perm->int_count != (size_t)in->rank)
        return onnx_fail(model, node, ERR_VALUE, "perm has %zu entries for %d dimensions",
                         perm->int_count, in->rank);
    for (int d = 0; d < in->rank; d++) {
        int64_t from = perm ? perm->ints[d] : in->rank - 1 - d;
        if (from < 0 || from >= in->rank || taken[from])
            return bad_axis(model, node, from, in->rank);
        taken[from] = true;
        shape.dim[d] = in->dim[from];
    }
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(concat)
{
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int64_t asked = onnx_attr_int(node, "axis", 1);
    int axis = onnx_axis(asked, shape.rank);
    if (axis < 0)
        return bad_axis(model, node, asked, shape.rank);
    for (size_t i = 1; i < node->input_count; i++) {
        if (!node->inputs[i] || node->inputs[i]->shape.rank != shape.rank)
            return onnx_fail(model, node, ERR_VALUE, "input %zu has another number of dimensions",
                             i);
        const struct onnx_shape *in = &node->inputs[i]->shape;
        for (int d = 0; d < shape.rank; d++)
            if (d != axis && in->dim[d] != shape.dim[d])
                return onnx_fail(model, node, ERR_VALUE,
                                 "dimension %d of input %zu is %lld, not %lld", d, i,
                                 (long long)in->dim[d], (long long)shape.dim[d]);
        shape.dim[axis] += in->dim[axis];
        if (shape.dim[axis] > EXPR_EXTENT_MAX)
            return onnx_fail(model, node, ERR_RANGE, "dimension %d exceeds 2^31", axis);
    }
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(split)
{
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int64_t asked = onnx_attr_int(node, "axis", 0), *sizes;
    int axis = onnx_axis(asked, shape.rank);
    if (axis < 0)
        return bad_axis(model, node, asked, shape.rank);
    size_t outputs = node->output_count;
    if (outputs == 0 || outputs > 4096)
        return onnx_fail(model, node, ERR_LIMIT, "expected 1..4096 outputs");
    int64_t whole = shape.dim[axis], piece = (int64_t)ceil_div_u64((uint64_t)whole, outputs);
    sizes = ARENA_ARRAY(model->arena, int64_t, outputs);
    int count = onnx_ints(node, 1, "split", sizes, (int)outputs);
    if (count == -2 || (count >= 0 && count != (int)outputs))
        return onnx_undecided(model, node, "its pieces are only known when it runs");
    int64_t left = whole;
    for (size_t i = 0; i < outputs; i++) {
        shape.dim[axis] = count > 0 ? sizes[i] : i + 1 < outputs && piece < left ? piece : left;
        left -= shape.dim[axis];
        if (shape.dim[axis] < 0 || left < 0)
            return onnx_fail(model, node, ERR_RANGE, "the pieces are more than the whole");
        if (!onnx_set(model, node, i, node->inputs[0]->type, &shape))
            return false;
    }
    return left == 0 || onnx_fail(model, node, ERR_RANGE, "the pieces are less than the whole");
}

ONNX_INFER(slice)
{
    int64_t starts[ONNX_RANK_MAX], ends[ONNX_RANK_MAX], axes[ONNX_RANK_MAX], steps[ONNX_RANK_MAX];
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int count = onnx_ints(node, 1, "starts", starts, ONNX_RANK_MAX);
    int end_count = onnx_ints(node, 2, "ends", ends, ONNX_RANK_MAX);
    int axis_count = onnx_ints(node, 3, "axes", axes, ONNX_RANK_MAX);
    int step_count = onnx_ints(node, 4, NULL, steps, ONNX_RANK_MAX);
    if (count < 0 || end_count < 0 || axis_count == -2 || step_count == -2)
        return onnx_undecided(model, node, "its range is only known when it runs");
    if (end_count != count || (axis_count >= 0 && axis_count != count) ||
        (step_count >= 0 && step_count != count) || (axis_count < 0 && count > shape.rank))
        return onnx_fail(model, node, ERR_VALUE, "starts, ends, axes and steps differ in number");
    for (int i = 0; i < count; i++) {
        int axis = axis_count >= 0 ? onnx_axis(axes[i], shape.rank) : i;
        int64_t step = step_count >= 0 ? steps[i] : 1;
        if (axis < 0)
            return bad_axis(model, node, axes[i], shape.rank);
        if (step == 0 || step == INT64_MIN)
            return onnx_fail(model, node, ERR_RANGE, "a step cannot be %lld", (long long)step);
        int64_t extent = node->inputs[0]->shape.dim[axis];
        int64_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
        int64_t start = starts[i] < 0 ? starts[i] + extent : starts[i];
        int64_t end = ends[i] < 0 ? ends[i] + extent : ends[i];
        start = start < (step > 0 ? 0 : 0) ? 0 : start > high ? high : start;
        end = end < low ? low : end > extent ? extent : end;
        int64_t span = step > 0 ? end - start : start - end;
        int64_t stride = step > 0 ? step : -step;
        shape.dim[axis] = span > 0 ? (span - 1) / stride + 1 : 0;
    }
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(gather)
{
    if (!onnx_need(model, node, 2))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape, *index = &node->inputs[1]->shape;
    int64_t asked = onnx_attr_int(node, "axis", 0);
    int axis = onnx_axis(asked, in->rank);
    if (axis < 0)
        return bad_axis(model, node, asked, in->rank);
    if (in->rank - 1 + index->rank > ONNX_RANK_MAX)
        return onnx_fail(model, node, ERR_LIMIT, "expected at most %d dimensions", ONNX_RANK_MAX);
    struct onnx_shape shape = { .rank = 0 };
    for (int d = 0; d < axis; d++)
        shape.dim[shape.rank++] = in->dim[d];
    for (int d = 0; d < index->rank; d++)
        shape.dim[shape.rank++] = index->dim[d];
    for (int d = axis + 1; d < in->rank; d++)
        shape.dim[shape.rank++] = in->dim[d];
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(gather_elements)
{
    return onnx_need(model, node, 2) &&
           onnx_set(model, node, 0, node->inputs[0]->type, &node->inputs[1]->shape);
}

ONNX_INFER(gather_nd)
{
    if (!onnx_need(model, node, 2))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape, *index = &node->inputs[1]->shape;
    int64_t batch = onnx_attr_int(node, "batch_dims", 0);
    int64_t depth = index->rank > 0 ? index->dim[index->rank - 1] : -1;
    if (batch < 0 || depth < 0 || batch + depth > in->rank || batch >= index->rank ||
        index->rank - 1 + in->rank - batch - depth > ONNX_RANK_MAX)
        return onnx_fail(model, node, ERR_VALUE, "the indices do not fit the data");
    struct onnx_shape shape = { .rank = 0 };
    for (int d = 0; d < index->rank - 1; d++)
        shape.dim[shape.rank++] = index->dim[d];
    for (int d = (int)(batch + depth); d < in->rank; d++)
        shape.dim[shape.rank++] = in->dim[d];
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(expand)
{
    struct onnx_shape shape;
    if (!onnx_need(model, node, 2) || !dims_from(model, node, 1, &shape))
        return false;
    if (node->unsupported || node->stated)
        return true;
    for (int d = 0; d < shape.rank; d++)
        if (shape.dim[d] < 0)
            return onnx_fail(model, node, ERR_RANGE, "dimension %d cannot be %lld", d,
                             (long long)shape.dim[d]);
    if (!onnx_broadcast(&shape, &node->inputs[0]->shape))
        return onnx_fail(model, node, ERR_VALUE, "the shapes do not go together");
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(tile)
{
    int64_t repeats[ONNX_RANK_MAX];
    if (!onnx_need(model, node, 2))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int count = onnx_ints(node, 1, NULL, repeats, ONNX_RANK_MAX);
    if (count == -2)
        return onnx_undecided(model, node, "its shape is only known when it runs");
    for (int d = 0; d < shape.rank && d < count; d++) {
        if (repeats[d] < 0 || repeats[d] > EXPR_EXTENT_MAX)
            return onnx_fail(model, node, ERR_RANGE, "it cannot repeat %lld times",
                             (long long)repeats[d]);
        shape.dim[d] = (int64_t)min_u64((uint64_t)shape.dim[d] * (uint64_t)repeats[d], INT64_MAX);
    }
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

static bool reduced(struct onnx_model *model, struct onnx_node *node, const bool *marked, bool all,
                    bool keep, int type)
{
    const struct onnx_shape *in = &node->inputs[0]->shape;
    struct onnx_shape shape = { .rank = 0 };
    for (int d = 0; d < in->rank; d++) {
        if (!all && !marked[d])
            shape.dim[shape.rank++] = in->dim[d];
        else if (keep)
            shape.dim[shape.rank++] = 1;
    }
    return onnx_set(model, node, 0, type, &shape);
}

ONNX_INFER(reduce)
{
    bool marked[ONNX_RANK_MAX];
    if (!onnx_need(model, node, 1))
        return false;
    int count = read_axes(model, node, node->inputs[0]->shape.rank, marked);
    if (count < 0)
        return model->err->code == ERR_OK;
    if (count == 0 && onnx_attr_int(node, "noop_with_empty_axes", 0))
        return onnx_set(model, node, 0, node->inputs[0]->type, &node->inputs[0]->shape);
    return reduced(model, node, marked, count == 0, onnx_attr_int(node, "keepdims", 1) != 0,
                   node->inputs[0]->type);
}

ONNX_INFER(arg)
{
    bool marked[ONNX_RANK_MAX] = { false };
    if (!onnx_need(model, node, 1))
        return false;
    int rank = node->inputs[0]->shape.rank;
    int64_t asked = onnx_attr_int(node, "axis", 0);
    int axis = onnx_axis(asked, rank);
    if (axis < 0)
        return bad_axis(model, node, asked, rank);
    marked[axis] = true;
    return reduced(model, node, marked, false, onnx_attr_int(node, "keepdims", 1) != 0, INT64);
}
