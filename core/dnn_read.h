/*
 * Loading a DNN graph in three passes, for core/dnn*.c only:
 *
 *   dnn_read.c   every layer of the file into a draft: its expression, who feeds it, its epilogue
 *   dnn.c        order: drafts sorted topologically, a cycle is named
 *   dnn_shape.c  in that order: what arrives fits the operands; shapes, bytes, edges
 */
#ifndef SOCWEAVE_CORE_DNN_READ_H
#define SOCWEAVE_CORE_DNN_READ_H

#include <stdbool.h>

#include "core/dnn.h"
#include "core/json.h"
#include "core/names.h"

/* One producer of an operand. Sources below the layer count are drafts, the rest graph inputs. */
struct dnn_feed {
    const struct json_node *node;
    uint32_t source;
    bool partial;
    uint64_t elements; /* asked for, if partial */
};

/* Feeds of one operand: reader->feeds[begin … begin + count). */
struct dnn_operand {
    const struct json_node *node;
    size_t begin, count;
};

struct dnn_epilogue_op {
    const char *name;
    bool takes_input;    /* may bring another producer in */
    bool changes_shape;  /* the result may have another number of elements */
    unsigned passes;     /* element operations per element */
    bool counts_results; /* charged by what leaves it, not by what enters */
};
extern const struct dnn_epilogue_op dnn_epilogue_ops[];
extern const size_t dnn_epilogue_op_count;

struct dnn_step {
    const struct json_node *node;
    const struct dnn_epilogue_op *op;
    struct dnn_operand input; /* count 0: none */
};

#define DNN_EPILOGUE_MAX 16

struct dnn_draft {
    const struct json_node *node;
    const char *name;
    const struct op_row *op; /* NULL: the user's own expression */
    enum op_kind kind;
    unsigned passes;
    const struct expr *expr; /* interned; dnn_shape.c may replace it */
    struct dnn_operand operands[EXPR_TENSORS_MAX - 1];
    size_t operand_count; /* that are fed */
    size_t step_begin, step_count;
    const char *epilogue;
    struct dnn_tensor output;
};

struct dnn_types {
    enum dtype type[EXPR_TENSORS_MAX]; /* output, first and second operand, as in struct expr */
};

struct dnn_reader {
    struct json_doc *doc;
    const struct json_node *root;
    struct dnn dnn; /* under construction */
    struct names *names;
    struct dnn_types types;
    size_t input_count;
    struct dnn_tensor *inputs; /* graph inputs */
    struct dnn_draft *drafts;  /* dnn.layer_count, in file order */
    size_t feed_count, feed_capacity;
    struct dnn_feed *feeds;
    size_t step_count, step_capacity;
    struct dnn_step *steps;
    size_t expr_count, expr_slots;
    const struct expr **exprs; /* hash set of the distinct expressions */
    uint32_t *order;           /* topological: position -> draft */
    uint32_t *position;        /* draft -> position */
};

/* An equal expression that lives as long as the graph; layers of equal shape share one. */
const struct expr *dnn_intern_expr(struct dnn_reader *reader, const struct expr *expr);

/* Fills everything but order and position. Errors are the document's. */
void dnn_read_graph(struct dnn_reader *reader);
/* Fills dnn.layers from the drafts in topological order. */
void dnn_shape_graph(struct dnn_reader *reader);

static inline bool dnn_feed_is_layer(const struct dnn_reader *reader, const struct dnn_feed *feed)
{
    return feed->source < reader->dnn.layer_count;
}

static inline const struct dnn_tensor *dnn_feed_tensor(const struct dnn_reader *reader,
                                                       const struct dnn_feed *feed)
{
    return dnn_feed_is_layer(reader, feed)
               ? &reader->drafts[feed->source].output
               : &reader->inputs[feed->source - reader->dnn.layer_count];
}

/* Another number of elements may leave the step than has entered it. An add or mul without an
 * input combines parts of the result with each other, as gates do. */
static inline bool dnn_step_changes_shape(const struct dnn_step *step)
{
    return step->op->changes_shape || (step->op->takes_input && step->input.count == 0);
}

/* Operands of an expression: one if both factors read the same tensor. */
size_t dnn_operand_tensors(const struct expr *expr);

/* Elements that the feed brings. */
static inline uint64_t dnn_feed_elements(const struct dnn_reader *reader,
                                         const struct dnn_feed *feed)
{
    return feed->partial ? feed->elements : dnn_feed_tensor(reader, feed)->elements;
}

#endif
