/* The refined workload: docs/model.md M-84, M-86. */
#include "core/split.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "core/num.h"

/* --- checks ------------------------------------------------------------------------------------
 */

static char part_letter(enum role role)
{
    return (char)tolower((unsigned char)*role_names[role]);
}

/* Whether a layer of the graph is called what a part would be. */
static enum err_code check_names(const struct dnn *graph, const char *name,
                                 const struct workload_split *split, struct err *err)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < graph->layer_count; i++) {
        const char *other = graph->layers[i].name;
        if (strncmp(other, name, length) != 0 || other[length] != '/' ||
            other[length + 1] != part_letter(split->role) ||
            !isdigit((unsigned char)other[length + 2]))
            continue;
        char *end;
        unsigned long part = strtoul(&other[length + 2], &end, 10);
        if (!*end && part < split->part_count)
            return err_set(err, ERR_DUPLICATE, "a part would be called \"%s\", as another layer is",
                           other);
    }
    return ERR_OK;
}

enum err_code split_check(const struct workload *whole, const struct workload_split *split,
                          struct err *err)
{
    assert(split->layer < whole->layer_count);
    const struct dnn_layer *layer = workload_layer(whole, split->layer);
    uint64_t extent, sum = 0;
    if (split->part_count < 2 || split->part_count > SPLIT_PARTS_MAX)
        return err_set(err, ERR_LIMIT, "expected 2..%d parts, got %u", SPLIT_PARTS_MAX,
                       split->part_count);
    enum err_code rc = split_extent(layer, split->role, &extent, err);
    if (rc != ERR_OK)
        return rc;
    for (uint32_t i = 0; i < split->part_count; i++) {
        if (split->parts[i] == 0 || split->parts[i] > EXPR_EXTENT_MAX)
            return err_set(err, ERR_RANGE, "expected parts of 1..%lld, got %llu",
                           (long long)EXPR_EXTENT_MAX, (unsigned long long)split->parts[i]);
        sum += split->parts[i];
    }
    if (sum != extent)
        return err_set(err, ERR_RANGE, "expected parts that add up to %llu, got %llu",
                       (unsigned long long)extent, (unsigned long long)sum);
    uint32_t network = workload_network_of(whole, split->layer);
    return check_names(&whole->graphs[whole->networks[network].graph], layer->name, split, err);
}

/* --- one graph ---------------------------------------------------------------------------------
 */

/* A graph under refinement: pieces of layer i are [first[i] … first[i + 1]). */
struct refiner {
    const struct dnn *whole;
    struct dnn graph;
    struct split_piece *pieces;
    uint32_t *first;
};

static bool is_cut(const struct refiner *r, uint32_t layer)
{
    return r->pieces[r->first[layer]].iter >= 0;
}

/* `splits` are of this graph's layers, which begin at first_layer. */
static void cut(struct refiner *r, const struct workload_split *splits, size_t count,
                uint32_t first_layer)
{
    size_t most = r->whole->layer_count;
    for (size_t i = 0; i < count; i++)
        most += splits[i].part_count - 1;
    r->pieces = mem_alloc(most, sizeof *r->pieces);
    r->first = mem_alloc(r->whole->layer_count + 1, sizeof *r->first);
    uint32_t piece = 0;
    for (uint32_t layer = 0; layer < r->whole->layer_count; layer++) {
        const struct dnn_layer *from = &r->whole->layers[layer];
        r->first[layer] = piece;
        if (count == 0 || splits->layer != first_layer + layer) {
            r->pieces[piece++] = (struct split_piece){ .layer = from, .iter = -1 };
            continue;
        }
        uint64_t low = 0;
        for (uint32_t i = 0; i < splits->part_count; low += splits->parts[i++])
            if (split_piece_init(&r->pieces[piece++], from, splits->role, low,
                                 low + splits->parts[i], NULL) != ERR_OK)
                assert(!"split_check() was here before");
        splits++;
        count--;
    }
    r->first[r->whole->layer_count] = piece;
    r->graph.layer_count = piece;
}

/* --- shapes: M-84 ------------------------------------------------------------------------------
 */

/* The part of `all` that falls to [low, high) of `extent`: parts add up to it. */
static uint64_t share_of(uint64_t all, const struct split_piece *piece)
{
    uint64_t extent = (uint64_t)piece->layer->expr->iters[piece->iter].extent;
    unsigned __int128 wide = all;
    return (uint64_t)(wide * piece->high / extent) - (uint64_t)(wide * piece->low / extent);
}

static uint64_t weight_bytes(const struct split_piece *piece)
{
    const struct expr *expr = piece->layer->expr;
    size_t fed = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < piece->layer->input_count; i++)
        if (piece->layer->inputs[i].operand < DNN_EPILOGUE)
            fed = max_u64(fed, piece->layer->inputs[i].operand + 1);
    for (size_t tensor = 1 + fed; tensor < expr->tensor_count; tensor++) {
        struct split_region region = split_reads(piece, tensor);
        bytes += split_volume(&region) * dtype_bytes(expr->tensors[tensor].type);
    }
    return bytes;
}

static void input_bytes(const struct split_piece *piece, struct layer_shape *shape)
{
    const struct dnn_layer *layer = piece->layer;
    shape->input_bytes = shape->external_bytes = 0;
    for (size_t i = 0; i < layer->input_count; i++) {
        uint32_t operand = layer->inputs[i].operand;
        struct split_need need = split_needs(piece, i);
        uint64_t bytes = need.elements;
        bytes *= dtype_bytes(layer->expr->tensors[operand < DNN_EPILOGUE ? 1 + operand : 0].type);
        shape->input_bytes += bytes;
        if (layer->inputs[i].layer == DNN_GRAPH_INPUT)
            shape->external_bytes += bytes;
    }
}

static struct layer_shape shape_of(const struct split_piece *piece)
{
    struct layer_shape shape;
    memcpy(&shape, &piece->layer->shape, sizeof shape); /* padding too: shapes are compared */
    if (piece->iter < 0)
        return shape;
    enum role role = piece->layer->expr->iters[piece->iter].role;
    shape.extent[role] = share_of(shape.extent[role], piece);
    shape.macs = share_of(shape.macs, piece);
    shape.output_bytes = share_of(shape.output_bytes, piece);
    shape.epilogue_elements = share_of(shape.epilogue_elements, piece);
    shape.weight_bytes = weight_bytes(piece);
    input_bytes(piece, &shape);
    return shape;
}

/* The expression over the part alone: its tensors are the regions that the part reads. */
static const struct expr *expr_of(struct refiner *r, const struct split_piece *piece)
{
    if (piece->iter < 0)
        return piece->layer->expr;
    struct expr *expr = ARENA_ARRAY(r->graph.arena, struct expr, 1);
    memcpy(expr, piece->layer->expr, sizeof *expr);
    expr->iters[piece->iter].extent = (int64_t)(piece->high - piece->low);
    for (size_t t = 0; t < expr->tensor_count; t++) {
        struct split_region region = split_reads(piece, t);
        for (size_t d = 0; d < expr->tensors[t].dim_count; d++) {
            struct expr_dim *dim = &expr->tensors[t].dims[d];
            if (dim->coeff[piece->iter] == 0)
                continue;
            dim->constant += dim->coeff[piece->iter] * (int64_t)piece->low -
                             dim->divisor * (int64_t)region.low[d];
            dim->extent = (int64_t)(region.high[d] - region.low[d]);
        }
    }
    return expr;
}

static const struct dnn_tensor *output_of(struct refiner *r, const struct split_piece *piece)
{
    if (piece->iter < 0)
        return piece->layer->output;
    struct dnn_tensor *output = ARENA_ARRAY(r->graph.arena, struct dnn_tensor, 1);
    *output = *piece->layer->output;
    output->elements = share_of(output->elements, piece);
    output->dims[piece->out_dim] = piece->high - piece->low;
    return output;
}

/* --- edges: M-86 -------------------------------------------------------------------------------
 */

/* Bytes from one piece to another over all inputs of the consumer; no byte twice. */
static uint64_t edge_bytes(const struct refiner *r, uint32_t producer, uint32_t from,
                           const struct split_piece *consumer, const struct split_need *needs)
{
    const struct split_piece *piece = &r->pieces[from];
    const struct layer_shape *made = &r->graph.layers[from].shape;
    uint64_t elements = 0;
    for (size_t i = 0; i < consumer->layer->input_count; i++)
        if (consumer->layer->inputs[i].layer == producer)
            elements += split_sends(piece, &needs[i]);
    return min_u64(elements * piece->layer->shape.output_elem_bytes, made->output_bytes);
}

static void connect(struct refiner *r, uint32_t number)
{
    const struct split_piece *piece = &r->pieces[number];
    const struct dnn_layer *whole = piece->layer;
    struct dnn_layer *layer = &r->graph.layers[number];
    bool any_cut = piece->iter >= 0;
    size_t most = 0;
    for (size_t i = 0; i < whole->pred_count; i++) {
        uint32_t pred = whole->preds[i].layer;
        most += r->first[pred + 1] - r->first[pred];
        any_cut |= is_cut(r, pred);
    }
    struct dnn_edge *edges = ARENA_ARRAY(r->graph.arena, struct dnn_edge, most);
    struct split_need *needs = NULL;
    if (any_cut)
        needs = mem_alloc(whole->input_count + 1, sizeof *needs);
    for (size_t i = 0; any_cut && i < whole->input_count; i++)
        needs[i] = split_needs(piece, i);
    for (size_t i = 0; i < whole->pred_count; i++) {
        uint32_t pred = whole->preds[i].layer;
        for (uint32_t from = r->first[pred]; from < r->first[pred + 1]; from++) {
            uint64_t bytes =
                any_cut ? edge_bytes(r, pred, from, piece, needs) : whole->preds[i].bytes;
            if (bytes > 0)
                edges[layer->pred_count++] = (struct dnn_edge){ from, bytes };
        }
    }
    free(needs);
    layer->preds = edges;
    r->graph.edge_count += layer->pred_count;
}

static void refine_graph(struct dnn *out, const struct dnn *whole,
                         const struct workload_split *splits, size_t count, uint32_t first_layer)
{
    struct refiner r = { .whole = whole, .graph = *whole };
    r.graph.arena = arena_new();
    r.graph.edge_count = r.graph.weight_bytes = 0;
    cut(&r, splits, count, first_layer);
    r.graph.layers = ARENA_ARRAY(r.graph.arena, struct dnn_layer, r.graph.layer_count);
    for (uint32_t layer = 0; layer < whole->layer_count; layer++)
        for (uint32_t i = r.first[layer]; i < r.first[layer + 1]; i++) {
            const struct split_piece *piece = &r.pieces[i];
            struct dnn_layer *part = &r.graph.layers[i];
            *part = *piece->layer;
            if (piece->iter >= 0)
                part->name = arena_printf(r.graph.arena, "%s/%c%u", part->name,
                                          part_letter(part->expr->iters[piece->iter].role),
                                          i - r.first[layer]);
            part->shape = shape_of(piece);
            part->expr = expr_of(&r, piece);
            part->output = output_of(&r, piece);
            part->preds = NULL;
            part->inputs = NULL;
            part->pred_count = part->input_count = 0;
            connect(&r, i);
            r.graph.weight_bytes += part->shape.weight_bytes;
        }
    free(r.pieces);
    free(r.first);
    *out = r.graph;
}

/* --- the workload ------------------------------------------------------------------------------
 */

static enum err_code check_all(const struct workload *whole, const struct workload_split *splits,
                               size_t count, struct err *err)
{
    assert(!whole->whole);
    size_t layers = whole->layer_count;
    for (size_t i = 0; i < count; i++) {
        assert(i == 0 || splits[i - 1].layer <= splits[i].layer);
        if (i > 0 && splits[i - 1].layer == splits[i].layer) {
            char name[2 * NAMES_BYTES_MAX + 32];
            return err_set(err, ERR_DUPLICATE, "layer \"%s\" is split twice",
                           workload_layer_name(whole, splits[i].layer, name, sizeof name));
        }
        enum err_code rc = split_check(whole, &splits[i], err);
        if (rc != ERR_OK)
            return rc;
        layers += splits[i].part_count - 1;
    }
    if (layers > DNN_LAYERS_MAX)
        return err_set(err, ERR_LIMIT, "%zu layers with their parts, %d are the limit", layers,
                       DNN_LAYERS_MAX);
    return ERR_OK;
}

/* Splits of layers below `end`, from *at on. */
static size_t splits_below(const struct workload_split *splits, size_t count, size_t *at,
                           uint32_t end)
{
    size_t begin = *at;
    while (*at < count && splits[*at].layer < end)
        ++*at;
    return *at - begin;
}

static void keep_splits(struct workload *out, const struct workload_split *splits, size_t count)
{
    struct workload_split *own = ARENA_ARRAY(out->arena, struct workload_split, count + 1);
    for (size_t i = 0; i < count; i++) {
        uint64_t *parts = ARENA_ARRAY(out->arena, uint64_t, splits[i].part_count);
        memcpy(parts, splits[i].parts, splits[i].part_count * sizeof *parts);
        own[i] = splits[i];
        own[i].parts = parts;
    }
    out->splits = own;
    out->split_count = count;
}

static void number_layers(struct workload *out)
{
    uint32_t *whole_layer = ARENA_ARRAY(out->arena, uint32_t, out->layer_count), at = 0;
    size_t split = 0;
    for (uint32_t layer = 0; layer < out->whole->layer_count; layer++) {
        uint32_t parts = 1;
        if (split < out->split_count && out->splits[split].layer == layer)
            parts = out->splits[split++].part_count;
        while (parts-- > 0)
            whole_layer[at++] = layer;
    }
    assert(at == out->layer_count);
    out->whole_layer = whole_layer;
}

enum err_code workload_refine(struct workload *out, const struct workload *whole,
                              const struct workload_split *splits, size_t split_count,
                              struct err *err)
{
    enum err_code rc = check_all(whole, splits, split_count, err);
    if (rc != ERR_OK)
        return rc;
    struct workload w = *whole;
    w.arena = arena_new();
    w.whole = whole;
    w.layer_count = 0;
    w.graphs = ARENA_ARRAY(w.arena, struct dnn,
                           whole->graph_count + min_u64(split_count, w.network_count));
    w.networks = ARENA_ARRAY(w.arena, struct workload_network, w.network_count);
    for (size_t i = 0; i < whole->graph_count; i++) {
        w.graphs[i] = whole->graphs[i];
        w.graphs[i].arena = NULL; /* borrowed */
    }
    size_t at = 0;
    for (size_t n = 0; n < w.network_count; n++) {
        const struct workload_network *network = &whole->networks[n];
        const struct dnn *graph = &whole->graphs[network->graph];
        const struct workload_split *of_network = &splits[at];
        w.networks[n] = *network;
        w.networks[n].first_layer = (uint32_t)w.layer_count;
        size_t count = splits_below(splits, split_count, &at,
                                    network->first_layer + (uint32_t)graph->layer_count);
        if (count > 0) {
            w.networks[n].graph = (uint32_t)w.graph_count;
            refine_graph(&w.graphs[w.graph_count++], graph, of_network, count,
                         network->first_layer);
        }
        w.layer_count += w.graphs[w.networks[n].graph].layer_count;
    }
    keep_splits(&w, splits, split_count);
    number_layers(&w);
    *out = w;
    return ERR_OK;
}
