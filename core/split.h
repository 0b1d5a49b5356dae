/*
 * Splitting layers over accelerators, as a refinement of the workload: a split layer is replaced
 * by parts, each a layer of its own that makes an interval of one output iteration (channels,
 * rows, samples, groups, columns). What the parts read, hold in weights, and send follows from the
 * expression: the parts of a convolution's rows read their rows with the halo and all weights,
 * parts of its channels read everything and own their weights. MACs are conserved to the unit,
 * bytes follow. Nobody downstream knows: costs, evaluators and mapping_check() see layers.
 * docs/model.md M-84 to M-86.
 *
 * Where the graph does not show which elements of a tensor a part reads (the producer's shape is
 * another one, the graph asks for "elements"), the part is sent all that it might need.
 */
#ifndef SOCWEAVE_CORE_SPLIT_H
#define SOCWEAVE_CORE_SPLIT_H

#include "core/workload.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SPLIT_PARTS_MAX 64

/*
 * Extent of the iteration that a split by this role cuts. ERR_VALUE with the reason where the
 * layer cannot be split so: no such output iteration above 1; an epilogue that looks beyond the
 * part (a pool along rows, softmax along the cut); kinds that move or normalise.
 */
enum err_code split_extent(const struct dnn_layer *layer, enum role role, uint64_t *extent,
                           struct err *err);

/* May `split` be applied to `whole`? ERR_VALUE, ERR_RANGE, ERR_LIMIT, ERR_DUPLICATE (a layer of the
 * graph bears the name that a part would get). */
enum err_code split_check(const struct workload *whole, const struct workload_split *split,
                          struct err *err);

/*
 * The workload with these layers split; ascending by layer, each layer once (ERR_DUPLICATE). Parts
 * of "conv1" are "conv1/k0", "conv1/k1" …, in its place of the order. Borrows `whole`, which is not
 * refined itself, for as long as it lives. Names, file and hash are those of `whole`.
 */
enum err_code workload_refine(struct workload *out, const struct workload *whole,
                              const struct workload_split *splits, size_t split_count,
                              struct err *err);

/* --- geometry, for split.c and tests -----------------------------------------------------------
 */

/* A layer, or the part of it that makes [low, high) of iteration `iter`. */
struct split_piece {
    const struct dnn_layer *layer;
    int iter; /* -1: the whole layer */
    uint64_t low, high;
    size_t out_dim; /* of layer->output: the one that is cut */
};

/* Intervals along the dimensions of a tensor. */
struct split_region {
    size_t rank;
    uint64_t low[EXPR_DIMS_MAX], high[EXPR_DIMS_MAX];
};

/* What a piece is sent of one of its layer's inputs. */
struct split_need {
    uint64_t elements;
    bool placed; /* region, in the producer's tensor, is known */
    struct split_region region;
};

/* ERR_VALUE as split_extent(). */
enum err_code split_piece_init(struct split_piece *piece, const struct dnn_layer *layer,
                               enum role role, uint64_t low, uint64_t high, struct err *err);
/* The elements of tensor `tensor` of the expression that it reads: from the first to the last along
 * every dimension. */
struct split_region split_reads(const struct split_piece *piece, size_t tensor);
uint64_t split_volume(const struct split_region *region);
struct split_need split_needs(const struct split_piece *piece, size_t input);
/* Elements that a piece of the producer sends. */
uint64_t split_sends(const struct split_piece *producer, const struct split_need *need);

#ifdef __cplusplus
}
#endif
#endif
