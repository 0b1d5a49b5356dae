/* Which elements of which tensors the parts of a layer read and make: docs/model.md M-85. */
#include <string.h>

#include "core/num.h"
#include "core/split.h"

/* --- where a layer may be cut ------------------------------------------------------------------
 */

/* Epilogue steps whose results depend on more than the element below: along which roles. */
static const struct {
    const char *name;
    unsigned roles, roles_of_products;
} looking_around[] = {
    { "maxpool", 1u << ROLE_P | 1u << ROLE_Q, 1u << ROLE_P | 1u << ROLE_Q },
    { "avgpool", 1u << ROLE_P | 1u << ROLE_Q, 1u << ROLE_P | 1u << ROLE_Q },
    { "globalavgpool", 1u << ROLE_P | 1u << ROLE_Q, 1u << ROLE_P | 1u << ROLE_Q },
    { "upsample", 1u << ROLE_P | 1u << ROLE_Q, 1u << ROLE_P | 1u << ROLE_Q },
    { "lrn", 1u << ROLE_K | 1u << ROLE_G, 1u << ROLE_K | 1u << ROLE_G },
    /* Of a product the rows are normalised; of a map it is not said what. */
    { "softmax", ~(1u << ROLE_N), 1u << ROLE_K | 1u << ROLE_Q },
    { "layernorm", ~(1u << ROLE_N), 1u << ROLE_K | 1u << ROLE_Q },
    { "rmsnorm", ~(1u << ROLE_N), 1u << ROLE_K | 1u << ROLE_Q },
};

/* Steps that combine parts of the result with each other unless another tensor comes in. */
static const char *const joining[] = { "add", "mul", "binary" };

static bool step_is(const char *step, size_t length, const char *name)
{
    return strlen(name) == length && strncmp(step, name, length) == 0;
}

static size_t epilogue_operands(const struct dnn_layer *layer)
{
    uint32_t last =
        layer->input_count > 0 ? layer->inputs[layer->input_count - 1].operand : DNN_EPILOGUE - 1;
    return last >= DNN_EPILOGUE ? last - DNN_EPILOGUE + 1 : 0;
}

/* The first step that stands against cutting this role, or NULL. */
static const char *opposing_step(const struct dnn_layer *layer, enum role role, size_t *length)
{
    size_t joins = 0;
    for (const char *step = layer->epilogue; *step; step += *length + (step[*length] == '+')) {
        *length = strcspn(step, "+");
        for (size_t i = 0; i < sizeof looking_around / sizeof *looking_around; i++) {
            unsigned roles = layer->shape.kind == OP_GEMM ? looking_around[i].roles_of_products
                                                          : looking_around[i].roles;
            if (step_is(step, *length, looking_around[i].name) && roles >> role & 1)
                return step;
        }
        for (size_t i = 0; i < sizeof joining / sizeof *joining; i++)
            joins += step_is(step, *length, joining[i]);
        if (joins > epilogue_operands(layer) && role != ROLE_N)
            return step;
    }
    return NULL;
}

static bool has_kind(const struct dnn_layer *layer)
{
    enum op_kind kind = layer->shape.kind;
    return (op_kind_has_macs(kind) || kind == OP_POOL || kind == OP_ELEMENTWISE) &&
           !(layer->op && layer->op->any_input);
}

static bool reads_one_tensor_twice(const struct expr *expr)
{
    return expr->tensor_count == 3 && strcmp(expr->tensors[1].name, expr->tensors[2].name) == 0;
}

/* The first output iteration of the role that is worth cutting, or -1. */
static int iteration_of(const struct expr *expr, enum role role)
{
    for (size_t i = 0; i < expr->iter_count; i++)
        if (expr->iters[i].role == role && !expr->iters[i].reduce && expr->iters[i].extent > 1)
            return (int)i;
    return -1;
}

/* The dimension of the expression's output that the iteration runs along, alone. */
static bool output_dim_of(const struct expr *expr, int iter, size_t *out)
{
    const struct expr_tensor *output = &expr->tensors[0];
    for (size_t d = 0; d < output->dim_count; d++) {
        const struct expr_dim *dim = &output->dims[d];
        if (dim->coeff[iter] != 0) {
            *out = d;
            return dim->coeff[iter] == 1 && dim->constant == 0 && dim->divisor == 1 &&
                   dim->extent == expr->iters[iter].extent;
        }
    }
    return false;
}

static uint64_t product(const uint64_t *dims, size_t begin, size_t end)
{
    uint64_t all = 1;
    for (size_t d = begin; d < end; d++)
        all *= dims[d];
    return all;
}

static size_t extents_of(const struct expr_tensor *tensor, uint64_t dims[EXPR_DIMS_MAX])
{
    for (size_t d = 0; d < tensor->dim_count; d++)
        dims[d] = (uint64_t)tensor->dims[d].extent;
    return tensor->dim_count;
}

/* The dimension of `tensor` that begins where `before` elements of one block end; rank if none. */
static size_t dim_behind(const struct dnn_tensor *tensor, uint64_t before)
{
    uint64_t so_far = 1;
    for (size_t d = 0; d < tensor->rank; so_far *= tensor->dims[d], d++)
        if (so_far == before && tensor->dims[d] > 1)
            return d;
    return tensor->rank;
}

enum err_code split_piece_init(struct split_piece *piece, const struct dnn_layer *layer,
                               enum role role, uint64_t low, uint64_t high, struct err *err)
{
    const char *by = role_names[role];
    const struct expr *expr = layer->expr;
    uint64_t dims[EXPR_DIMS_MAX];
    size_t dim = 0, length;
    if (!has_kind(layer))
        return err_set(err, ERR_VALUE, "layers of kind %s are not split",
                       op_kind_names[layer->shape.kind]);
    int iter = iteration_of(expr, role);
    if (iter < 0 || reads_one_tensor_twice(expr) || !output_dim_of(expr, iter, &dim))
        return err_set(err, ERR_VALUE, "the layer has no output iteration of role %s to split", by);
    const char *step = opposing_step(layer, role, &length);
    if (step)
        return err_set(err, ERR_VALUE,
                       "the layer cannot be split by %s: %.*s in its epilogue looks beyond a part",
                       by, (int)length, step);
    extents_of(&expr->tensors[0], dims);
    size_t out_dim = dim_behind(layer->output, product(dims, 0, dim));
    if (out_dim == layer->output->rank || layer->output->dims[out_dim] != dims[dim])
        return err_set(err, ERR_VALUE,
                       "the layer cannot be split by %s: its output shape does not show where", by);
    *piece = (struct split_piece){ layer, iter, low, high, out_dim };
    return ERR_OK;
}

enum err_code split_extent(const struct dnn_layer *layer, enum role role, uint64_t *extent,
                           struct err *err)
{
    struct split_piece piece;
    enum err_code rc = split_piece_init(&piece, layer, role, 0, 1, err);
    if (rc == ERR_OK)
        *extent = (uint64_t)layer->expr->iters[piece.iter].extent;
    return rc;
}

/* --- what a piece reads ------------------------------------------------------------------------
 */

uint64_t split_volume(const struct split_region *region)
{
    uint64_t all = 1;
    for (size_t d = 0; d < region->rank; d++)
        all *= region->high[d] - region->low[d];
    return all;
}

static struct split_region everything(size_t rank, const uint64_t *dims)
{
    struct split_region region = { .rank = rank };
    memcpy(region.high, dims, rank * sizeof *dims);
    return region;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* First and last index that the piece computes for this dimension. */
static void index_range(const struct split_piece *piece, const struct expr_dim *dim, int64_t *first,
                        int64_t *last)
{
    const struct expr *expr = piece->layer->expr;
    *first = *last = dim->constant;
    for (size_t i = 0; i < expr->iter_count; i++) {
        int64_t low = 0, high = expr->iters[i].extent - 1, coeff = dim->coeff[i];
        if ((int)i == piece->iter) {
            low = (int64_t)piece->low;
            high = (int64_t)piece->high - 1;
        }
        *first += coeff * (coeff >= 0 ? low : high);
        *last += coeff * (coeff >= 0 ? high : low);
    }
    *first = -floor_div(-*first, dim->divisor);
    *last = floor_div(*last, dim->divisor);
}

struct split_region split_reads(const struct split_piece *piece, size_t tensor)
{
    const struct expr_tensor *read = &piece->layer->expr->tensors[tensor];
    uint64_t dims[EXPR_DIMS_MAX];
    struct split_region region = everything(extents_of(read, dims), dims);
    for (size_t d = 0; piece->iter >= 0 && d < read->dim_count; d++) {
        int64_t first, last;
        if (read->dims[d].coeff[piece->iter] == 0)
            continue;
        index_range(piece, &read->dims[d], &first, &last);
        first = first < 0 ? 0 : first;
        last = last < read->dims[d].extent ? last : read->dims[d].extent - 1;
        region.low[d] = last < first ? 0 : (uint64_t)first;
        region.high[d] = last < first ? 0 : (uint64_t)last + 1;
    }
    return region;
}

/* --- from an operand to the producers' tensors -------------------------------------------------
 */

/* Inputs of one operand, inputs[begin … end), and the operand's shape. */
struct operand_view {
    const struct dnn_input *inputs;
    size_t begin, end, rank;
    uint64_t dims[EXPR_DIMS_MAX];
    struct split_region reads;
};

static bool is_partial(const struct dnn_input *input)
{
    return input->elements != input->tensor->elements;
}

/* An input of an epilogue step has the shape of the result before or behind the epilogue; false if
 * it is broadcast. */
static bool view_epilogue(const struct split_piece *piece, uint64_t elements,
                          struct operand_view *view)
{
    const struct dnn_layer *layer = piece->layer;
    size_t dim = piece->out_dim;
    view->rank = extents_of(&layer->expr->tensors[0], view->dims);
    if (product(view->dims, 0, view->rank) == elements) {
        output_dim_of(layer->expr, piece->iter, &dim);
    } else {
        view->rank = layer->output->rank;
        memcpy(view->dims, layer->output->dims, sizeof view->dims);
        if (layer->output->elements != elements)
            return false;
    }
    view->reads = everything(view->rank, view->dims);
    view->reads.low[dim] = piece->low;
    view->reads.high[dim] = piece->high;
    return true;
}

static bool view_operand(const struct split_piece *piece, size_t input, struct operand_view *view)
{
    const struct dnn_layer *layer = piece->layer;
    uint32_t operand = layer->inputs[input].operand;
    uint64_t elements = 0;
    *view = (struct operand_view){ .inputs = layer->inputs, .begin = input, .end = input };
    while (view->begin > 0 && layer->inputs[view->begin - 1].operand == operand)
        view->begin--;
    while (view->end < layer->input_count && layer->inputs[view->end].operand == operand)
        view->end++;
    for (size_t i = view->begin; i < view->end; i++)
        elements += layer->inputs[i].elements;
    if (operand >= DNN_EPILOGUE)
        return view_epilogue(piece, elements, view);
    view->rank = extents_of(&layer->expr->tensors[1 + operand], view->dims);
    view->reads = split_reads(piece, 1 + operand);
    return product(view->dims, 0, view->rank) == elements;
}

/* Do the first dimensions hold so many elements, for some number of them? */
static bool has_boundary(const struct dnn_tensor *tensor, uint64_t before)
{
    uint64_t so_far = 1;
    for (size_t d = 0; d < tensor->rank && so_far < before; d++)
        so_far *= tensor->dims[d];
    return so_far == before;
}

/* Are the inputs pieces of the operand along this dimension, in order? */
static bool joins_along(const struct operand_view *view, size_t axis)
{
    uint64_t before = product(view->dims, 0, axis);
    uint64_t behind = product(view->dims, axis + 1, view->rank), length = 0;
    for (size_t i = view->begin; i < view->end; i++) {
        const struct dnn_input *input = &view->inputs[i];
        if (input->elements % (before * behind) != 0)
            return false;
        length += input->elements / (before * behind);
        if (!is_partial(input) && (!has_boundary(input->tensor, before) ||
                                   !has_boundary(input->tensor, input->tensor->elements / behind)))
            return false;
    }
    return length == view->dims[axis];
}

static uint64_t clamped(uint64_t at, uint64_t begin, uint64_t length)
{
    return at <= begin ? 0 : min_u64(at - begin, length);
}

/* Narrows the view to what `input` brings; false if the concatenation is not understood. */
static bool narrow_to_input(struct operand_view *view, size_t input)
{
    size_t axis = 0;
    if (view->end - view->begin == 1)
        return true;
    while (axis < view->rank && !joins_along(view, axis))
        axis++;
    if (axis == view->rank)
        return false;
    uint64_t across = product(view->dims, 0, view->rank) / view->dims[axis], begin = 0;
    for (size_t i = view->begin; i < input; i++)
        begin += view->inputs[i].elements / across;
    uint64_t length = view->inputs[input].elements / across;
    view->dims[axis] = length;
    view->reads.low[axis] = clamped(view->reads.low[axis], begin, length);
    view->reads.high[axis] = clamped(view->reads.high[axis], begin, length);
    return true;
}

/*
 * The same elements in the producer's tensor, which may have another shape: a dimension that begins
 * at the same boundary is cut likewise, to whole rows of its own; others are read in full.
 */
static struct split_region in_producer(const struct operand_view *view,
                                       const struct dnn_tensor *tensor)
{
    struct split_region region = everything(tensor->rank, tensor->dims);
    if (split_volume(&view->reads) == 0)
        region.high[0] = 0;
    for (size_t d = 0; d < view->rank; d++) {
        if (view->reads.high[d] - view->reads.low[d] == view->dims[d])
            continue;
        size_t to = dim_behind(tensor, product(view->dims, 0, d));
        if (to == tensor->rank)
            continue;
        uint64_t ours = product(view->dims, d + 1, view->rank);
        uint64_t theirs = product(tensor->dims, to + 1, tensor->rank);
        region.low[to] = view->reads.low[d] * ours / theirs;
        region.high[to] = ceil_div_u64(view->reads.high[d] * ours, theirs);
    }
    return region;
}

struct split_need split_needs(const struct split_piece *piece, size_t input)
{
    const struct dnn_input *from = &piece->layer->inputs[input];
    struct split_need need = { .elements = from->elements,
                               .placed = !is_partial(from),
                               .region = everything(from->tensor->rank, from->tensor->dims) };
    struct operand_view view;
    if (piece->iter < 0 || !view_operand(piece, input, &view) || !narrow_to_input(&view, input))
        return need;
    need.elements = split_volume(&view.reads);
    if (need.placed) {
        need.region = in_producer(&view, from->tensor);
        need.elements = split_volume(&need.region);
    }
    return need;
}

uint64_t split_sends(const struct split_piece *producer, const struct split_need *need)
{
    const struct dnn_tensor *made = producer->layer->output;
    struct split_region region = everything(made->rank, made->dims);
    if (producer->iter >= 0) {
        region.low[producer->out_dim] = producer->low;
        region.high[producer->out_dim] = producer->high;
    }
    if (!need->placed)
        return min_u64(need->elements, split_volume(&region));
    for (size_t d = 0; d < region.rank; d++) {
        region.low[d] = max_u64(region.low[d], need->region.low[d]);
        region.high[d] = max_u64(region.low[d], min_u64(region.high[d], need->region.high[d]));
    }
    return split_volume(&region);
}
