/*
 * How tensors lie in memory while networks run: channels last.
 *
 * A tensor of a graph is row-major, [outer][channels][positions] for a map. In memory it is
 * [outer][positions][channels], in which convolutions find the terms of their sums side by side.
 * Matrices, and whatever has no such form, are one position per element or row: both orders are
 * the same. All tensors here have elements of one byte.
 */
#ifndef SOCWEAVE_EXEC_EXEC_VIEW_H
#define SOCWEAVE_EXEC_EXEC_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dnn.h"

#define EXEC_SPATIAL_MAX 3

struct exec_view {
    uint64_t outer, channels, positions; /* positions = product of spatial */
    size_t spatial_count;
    uint64_t spatial[EXEC_SPATIAL_MAX];
};

/* A tensor of an expression. With dimensions for samples, then channels, then positions it is such
 * a map; else rows of its last dimension. */
struct exec_view exec_view_of_expr(const struct expr *expr, size_t tensor);
/* A tensor of the graph: samples, channels, positions where it has three dimensions or more. */
struct exec_view exec_view_of_tensor(const struct dnn_tensor *tensor);
/* The view of `tensor` after a step that changes positions alone; false if there is none. */
bool exec_view_resized(const struct exec_view *view, const struct dnn_tensor *tensor,
                       struct exec_view *out);

/* The same expression over tensors that lie in memory so. */
void exec_expr_channels_last(struct expr *expr);

static inline uint64_t exec_view_elements(const struct exec_view *view)
{
    return view->outer * view->channels * view->positions;
}
/* Do both orders agree? */
static inline bool exec_view_is_plain(const struct exec_view *view)
{
    return view->channels == 1 || view->positions == 1;
}
/* Do tensors of these views have their elements in the same order in memory? */
static inline bool exec_views_agree(const struct exec_view *a, const struct exec_view *b)
{
    if (exec_view_is_plain(a) && exec_view_is_plain(b))
        return exec_view_elements(a) == exec_view_elements(b);
    return a->outer == b->outer && a->channels == b->channels && a->positions == b->positions;
}

/* From memory to row-major, and back. */
void exec_view_to_rows(const struct exec_view *view, const uint8_t *memory, uint8_t *rows);
void exec_view_from_rows(const struct exec_view *view, const uint8_t *rows, uint8_t *memory);

#endif
