/* Shapes of what leaves resizing, detection heads, losses and quantisation. */
#include <math.h>
#include <string.h>

#include "frontends/onnx_infer.h"

#define INT64 ONNX__TENSOR_PROTO__DATA_TYPE__INT64
#define UINT8 ONNX__TENSOR_PROTO__DATA_TYPE__UINT8
#define FLOAT ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT

ONNX_INFER(pad)
{
    int64_t pads[2 * ONNX_RANK_MAX], axes[ONNX_RANK_MAX];
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int count = onnx_ints(node, 1, onnx_attr(node, "paddings") ? "paddings" : "pads", pads,
                          2 * ONNX_RANK_MAX);
    int axis_count = onnx_ints(node, 3, NULL, axes, ONNX_RANK_MAX);
    if (count < 0 || axis_count == -2)
        return onnx_undecided(model, node, "its padding is only known when it runs");
    int axis_most = axis_count >= 0 ? axis_count : shape.rank;
    if (count != 2 * axis_most)
        return onnx_fail(model, node, ERR_VALUE, "expected %d numbers in pads, got %d",
                         2 * axis_most, count);
    for (int i = 0; i < axis_most; i++) {
        int axis = axis_count >= 0 ? onnx_axis(axes[i], shape.rank) : i;
        int64_t low = pads[i], high = pads[axis_most + i];
        if (axis < 0 || low > EXPR_EXTENT_MAX || high > EXPR_EXTENT_MAX || low < -EXPR_EXTENT_MAX ||
            high < -EXPR_EXTENT_MAX)
            return onnx_fail(model, node, ERR_RANGE, "its padding is out of range");
        shape.dim[axis] += low + high;
    }
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

/* Scales of Resize and Upsample: input 2, 1 or the attribute, by version. */
static const struct onnx_value *scales_of(const struct onnx_node *node)
{
    return node->input_count > 2 ? onnx_in(node, 2) : onnx_in(node, 1);
}

ONNX_INFER(resize)
{
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int64_t sizes[ONNX_RANK_MAX], axes[ONNX_RANK_MAX];
    const struct onnx_attr *axis_attr = onnx_attr(node, "axes");
    const struct onnx_attr *attr = onnx_attr(node, "scales");
    int axis_count = axis_attr ? (int)min_u64(axis_attr->int_count, ONNX_RANK_MAX) : shape.rank;
    for (int i = 0; i < axis_count; i++) {
        axes[i] = axis_attr ? onnx_axis(axis_attr->ints[i], shape.rank) : i;
        if (axes[i] < 0)
            return onnx_fail(model, node, ERR_RANGE, "an axis lies outside");
    }
    int count = onnx_ints(node, 3, NULL, sizes, ONNX_RANK_MAX);
    if (count > 0) {
        if (count != axis_count)
            return onnx_fail(model, node, ERR_VALUE, "expected %d sizes, got %d", axis_count,
                             count);
        const char *policy = onnx_attr_str(node, "keep_aspect_ratio_policy", "stretch");
        double scale = 0;
        for (int i = 0; strcmp(policy, "stretch") && i < count; i++) {
            double s = (double)sizes[i] / (double)shape.dim[axes[i]];
            scale = i == 0 || (!strcmp(policy, "not_larger") ? s < scale : s > scale) ? s : scale;
        }
        for (int i = 0; i < count; i++)
            shape.dim[axes[i]] = strcmp(policy, "stretch")
                                     ? onnx_to_int(round(scale * (double)shape.dim[axes[i]]))
                                     : sizes[i];
        return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
    }
    const struct onnx_value *scales = scales_of(node);
    int64_t scale_count = attr                     ? (int64_t)attr->float_count
                          : scales && scales->data ? onnx_elements(scales)
                                                   : -1;
    if (count == -2 || scale_count < 0)
        return onnx_undecided(model, node, "its size is only known when it runs");
    if (scale_count != axis_count)
        return onnx_fail(model, node, ERR_VALUE, "expected %d scales, got %lld", axis_count,
                         (long long)scale_count);
    for (int i = 0; i < axis_count; i++) {
        double scale = attr ? (double)attr->floats[i] : scales->data[i];
        shape.dim[axes[i]] = onnx_to_int(floor((double)shape.dim[axes[i]] * scale + 1e-6));
    }
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

static bool blocks(struct onnx_model *model, struct onnx_node *node, bool to_space)
{
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int64_t size = onnx_attr_int(node, "blocksize", 0);
    if (shape.rank != 4 || size < 1 || size > 65536 ||
        (to_space ? shape.dim[1] % (size * size) : shape.dim[2] % size || shape.dim[3] % size))
        return onnx_fail(model, node, ERR_VALUE, "blocks of %lld do not fit its input",
                         (long long)size);
    shape.dim[1] = to_space ? shape.dim[1] / (size * size) : shape.dim[1] * size * size;
    for (int d = 2; d < 4; d++)
        shape.dim[d] = to_space ? shape.dim[d] * size : shape.dim[d] / size;
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(depth_to_space)
{
    return blocks(model, node, true);
}

ONNX_INFER(space_to_depth)
{
    return blocks(model, node, false);
}

ONNX_INFER(top_k)
{
    int64_t k;
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    int axis = onnx_axis(onnx_attr_int(node, "axis", -1), shape.rank);
    if (axis < 0)
        return onnx_fail(model, node, ERR_RANGE, "the axis lies outside");
    k = onnx_attr_int(node, "k", -1);
    if (k < 0 && onnx_ints(node, 1, NULL, &k, 1) != 1)
        return onnx_undecided(model, node, "k is only known when it runs");
    shape.dim[axis] = k < shape.dim[axis] ? k : shape.dim[axis];
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape) &&
           onnx_set(model, node, 1, INT64, &shape);
}

/* How many boxes survive depends on the data: as many as may. */
ONNX_INFER(non_max_suppression)
{
    int64_t per_class = 0;
    if (!onnx_need(model, node, 2))
        return false;
    const struct onnx_shape *scores = &node->inputs[1]->shape;
    if (scores->rank != 3)
        return onnx_fail(model, node, ERR_VALUE, "expected scores of 3 dimensions");
    int count = onnx_ints(node, 2, NULL, &per_class, 1);
    if (count != 1 || per_class > scores->dim[2])
        per_class = scores->dim[2];
    per_class = per_class < 1 ? 1 : per_class;
    uint64_t rows;
    if (!mul_size((uint64_t)scores->dim[0] * (uint64_t)scores->dim[1], (uint64_t)per_class, &rows))
        return onnx_fail(model, node, ERR_OVERFLOW, "too many boxes");
    struct onnx_shape shape = { .rank = 2, .dim = { (int64_t)rows, 3 } };
    return onnx_set(model, node, 0, INT64, &shape);
}

ONNX_INFER(non_zero)
{
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = {
        .rank = 2, .dim = { node->inputs[0]->shape.rank, onnx_elements(node->inputs[0]) }
    };
    return onnx_set(model, node, 0, INT64, &shape);
}

ONNX_INFER(one_hot)
{
    int64_t depth;
    if (!onnx_need(model, node, 3))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    if (onnx_ints(node, 1, NULL, &depth, 1) != 1)
        return onnx_undecided(model, node, "its depth is only known when it runs");
    int axis = onnx_axis(onnx_attr_int(node, "axis", -1), in->rank + 1);
    if (axis < 0 || in->rank == ONNX_RANK_MAX)
        return onnx_fail(model, node, ERR_RANGE, "the axis lies outside");
    struct onnx_shape shape = { .rank = in->rank + 1 };
    for (int d = 0, from = 0; d < shape.rank; d++)
        shape.dim[d] = d == axis ? depth : in->dim[from++];
    return onnx_set(model, node, 0, node->inputs[2]->type, &shape);
}

ONNX_INFER(roi_align)
{
    if (!onnx_need(model, node, 2))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape, *rois = &node->inputs[1]->shape;
    if (in->rank != 4 || rois->rank != 2)
        return onnx_fail(model, node, ERR_VALUE, "expected maps and a list of boxes");
    struct onnx_shape shape = { .rank = 4,
                                .dim = { rois->dim[0], in->dim[1],
                                         onnx_attr_int(node, "output_height", 1),
                                         onnx_attr_int(node, "output_width", 1) } };
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

/* One number, or one per element of the labels; the second output is the log of the softmax. */
ONNX_INFER(loss)
{
    struct onnx_shape scalar = { .rank = 0 };
    if (!onnx_need(model, node, 2))
        return false;
    bool each = !strcmp(onnx_attr_str(node, "reduction", "mean"), "none");
    return onnx_set(model, node, 0, node->inputs[0]->type,
                    each ? &node->inputs[1]->shape : &scalar) &&
           onnx_set(model, node, 1, node->inputs[0]->type, &node->inputs[0]->shape);
}

/* How many are unique depends on the data: as many as may. */
ONNX_INFER(unique)
{
    if (!onnx_need(model, node, 1))
        return false;
    const struct onnx_shape *in = &node->inputs[0]->shape;
    struct onnx_shape list = { .rank = 1, .dim = { onnx_elements(node->inputs[0]) } };
    int axis = onnx_attr(node, "axis") ? onnx_axis(onnx_attr_int(node, "axis", 0), in->rank) : -1;
    if (axis >= 0)
        list.dim[0] = in->dim[axis];
    return onnx_set(model, node, 0, node->inputs[0]->type, axis >= 0 ? in : &list) &&
           onnx_set(model, node, 1, INT64, &list) && onnx_set(model, node, 2, INT64, &list) &&
           onnx_set(model, node, 3, INT64, &list);
}

ONNX_INFER(det)
{
    if (!onnx_need(model, node, 1))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    if (shape.rank < 2)
        return onnx_fail(model, node, ERR_VALUE, "expected matrices");
    shape.rank -= 2;
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(grid_sample)
{
    if (!onnx_need(model, node, 2))
        return false;
    struct onnx_shape shape = node->inputs[0]->shape;
    const struct onnx_shape *grid = &node->inputs[1]->shape;
    if (grid->rank != shape.rank || shape.rank < 3)
        return onnx_fail(model, node, ERR_VALUE, "the grid does not fit its input");
    for (int d = 2; d < shape.rank; d++)
        shape.dim[d] = grid->dim[d - 1];
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

ONNX_INFER(quantize)
{
    if (!onnx_need(model, node, 2))
        return false;
    int type =
        onnx_in(node, 2) ? node->inputs[2]->type : (int)onnx_attr_int(node, "output_dtype", UINT8);
    return onnx_set(model, node, 0, type ? type : UINT8, &node->inputs[0]->shape);
}

ONNX_INFER(dequantize)
{
    if (!onnx_need(model, node, 2))
        return false;
    struct onnx_value *out = onnx_out(node, 0);
    if (!onnx_set(model, node, 0, node->inputs[1]->type, &node->inputs[0]->shape))
        return false;
    if (out)
        out->stored_type = node->inputs[0]->type;
    return true;
}

ONNX_INFER(dynamic_quantize)
{
    struct onnx_shape scalar = { .rank = 0 };
    return onnx_need(model, node, 1) && onnx_set(model, node, 0, UINT8, &node->inputs[0]->shape) &&
           onnx_set(model, node, 1, FLOAT, &scalar) && onnx_set(model, node, 2, UINT8, &scalar);
}
