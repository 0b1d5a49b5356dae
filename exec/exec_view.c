#include "exec/exec_view.h"

#include <string.h>

/* --- which dimensions are what --------------------------------------------------------------- */

enum place { SAMPLE, CHANNEL, POSITION, OTHER };

static enum place place_of_role(enum role role)
{
    switch (role) {
    case ROLE_N:
        return SAMPLE;
    case ROLE_G:
    case ROLE_K:
    case ROLE_C:
        return CHANNEL;
    case ROLE_P:
    case ROLE_Q:
    case ROLE_R:
    case ROLE_S:
        return POSITION;
    default:
        return OTHER;
    }
}

/* Of the iterations in its index, which must agree. */
static enum place place_of_dim(const struct expr *expr, const struct expr_dim *dim)
{
    enum place place = OTHER;
    bool any = false;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (dim->coeff[i] == 0)
            continue;
        enum place here = place_of_role(expr->iters[i].role);
        if (any && here != place)
            return OTHER;
        place = here;
        any = true;
    }
    return place;
}

/* Samples, channels, positions, in this order, with some of the latter. */
static bool is_map(const struct expr *expr, size_t tensor, enum place places[EXPR_DIMS_MAX])
{
    const struct expr_tensor *t = &expr->tensors[tensor];
    enum place last = SAMPLE;
    size_t spatial = 0;
    for (size_t d = 0; d < t->dim_count; d++) {
        places[d] = place_of_dim(expr, &t->dims[d]);
        if (places[d] == OTHER || places[d] < last)
            return false;
        last = places[d];
        spatial += last == POSITION;
    }
    return spatial > 0 && spatial < t->dim_count && spatial <= EXEC_SPATIAL_MAX;
}

static void add_position(struct exec_view *view, uint64_t extent)
{
    view->spatial[view->spatial_count++] = extent;
    view->positions *= extent;
}

struct exec_view exec_view_of_expr(const struct expr *expr, size_t tensor)
{
    const struct expr_tensor *t = &expr->tensors[tensor];
    enum place places[EXPR_DIMS_MAX];
    struct exec_view view = { 1, 1, 1, 0, { 0 } };
    bool map = is_map(expr, tensor, places);
    for (size_t d = 0; d < t->dim_count; d++) {
        uint64_t extent = (uint64_t)t->dims[d].extent;
        if (map && places[d] == POSITION)
            add_position(&view, extent);
        else if (map ? places[d] == CHANNEL : d + 1 == t->dim_count)
            view.channels *= extent;
        else
            view.outer *= extent;
    }
    return view;
}

struct exec_view exec_view_of_tensor(const struct dnn_tensor *tensor)
{
    struct exec_view view = { 1, 1, 1, 0, { 0 } };
    bool map = tensor->rank >= 3 && tensor->rank <= 2 + EXEC_SPATIAL_MAX;
    for (size_t d = 0; d < tensor->rank; d++) {
        if (map && d >= 2)
            add_position(&view, tensor->dims[d]);
        else if (map ? d == 1 : d + 1 == tensor->rank)
            view.channels *= tensor->dims[d];
        else
            view.outer *= tensor->dims[d];
    }
    return view;
}

bool exec_view_resized(const struct exec_view *of, const struct dnn_tensor *tensor,
                       struct exec_view *out)
{
    const struct exec_view whole = *of, *view = &whole; /* `out` may be `of` */
    uint64_t before = 1;
    for (size_t d = 0; d <= tensor->rank; d++) {
        size_t rest = tensor->rank - d;
        bool last = d == tensor->rank;
        if (before == view->outer * view->channels &&
            (rest == view->spatial_count || (last && view->spatial_count > 0))) {
            *out = (struct exec_view){ view->outer, view->channels, 1, 0, { 0 } };
            for (size_t k = 0; k < view->spatial_count; k++)
                add_position(out, last ? 1 : tensor->dims[d + k]);
            return true;
        }
        before *= last ? 1 : tensor->dims[d];
    }
    return false;
}

void exec_expr_channels_last(struct expr *expr)
{
    for (size_t t = 0; t < expr->tensor_count; t++) {
        struct expr_tensor *tensor = &expr->tensors[t], sorted = *tensor;
        enum place places[EXPR_DIMS_MAX];
        size_t count = 0;
        bool weights = t == 2 && expr->combine == EXPR_MUL_ADD;
        if (weights || !is_map(expr, t, places))
            continue;
        static const enum place order[] = { SAMPLE, POSITION, CHANNEL };
        for (size_t k = 0; k < 3; k++)
            for (size_t d = 0; d < tensor->dim_count; d++)
                if (places[d] == order[k])
                    sorted.dims[count++] = tensor->dims[d];
        *tensor = sorted;
    }
}

/* --- order ----------------------------------------------------------------------------------- */

/* rows x columns bytes become columns x rows, in squares that stay in the cache. */
static void transpose(const uint8_t *from, uint8_t *to, uint64_t rows, uint64_t columns)
{
    enum { SIDE = 32 };
    for (uint64_t r = 0; r < rows; r += SIDE)
        for (uint64_t c = 0; c < columns; c += SIDE)
            for (uint64_t i = r; i < rows && i < r + SIDE; i++)
                for (uint64_t k = c; k < columns && k < c + SIDE; k++)
                    to[k * rows + i] = from[i * columns + k];
}

static void reorder(const struct exec_view *view, bool to_memory, const uint8_t *from, uint8_t *to)
{
    uint64_t each = view->channels * view->positions;
    if (exec_view_is_plain(view)) {
        memcpy(to, from, view->outer * each);
        return;
    }
    uint64_t rows = to_memory ? view->channels : view->positions;
    for (uint64_t n = 0; n < view->outer; n++)
        transpose(from + n * each, to + n * each, rows, each / rows);
}

void exec_view_to_rows(const struct exec_view *view, const uint8_t *memory, uint8_t *rows)
{
    reorder(view, false, memory, rows);
}

void exec_view_from_rows(const struct exec_view *view, const uint8_t *rows, uint8_t *memory)
{
    reorder(view, true, rows, memory);
}
