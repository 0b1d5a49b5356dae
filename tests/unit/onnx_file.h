/* ONNX files written field by field, for the importer's tests. */
#ifndef SOCWEAVE_TESTS_ONNX_FILE_H
#define SOCWEAVE_TESTS_ONNX_FILE_H

#include <stdint.h>

#include "core/dnn.h"
#include "core/text.h"
#include "frontends/onnx.h"

/* Fields of a message. */
void onnx_file_int(struct text *out, unsigned field, int64_t value);
void onnx_file_bytes(struct text *out, unsigned field, const void *bytes, size_t count);
void onnx_file_str(struct text *out, unsigned field, const char *value);
/* Releases the inner message. */
void onnx_file_message(struct text *out, unsigned field, struct text *inner);

/* Into a graph. Shapes: "1,3,8,8"; letters are symbolic dimensions; "" a scalar. */
void onnx_file_input(struct text *graph, const char *name, int type, const char *shape);
void onnx_file_output(struct text *graph, const char *name);
/* An output whose shape the file states. */
void onnx_file_stated(struct text *graph, const char *name, int type, const char *shape);
/* An initialiser without contents: a weight. */
void onnx_file_weight(struct text *graph, const char *name, int type, const char *shape);
/* With contents, 64-bit integers. */
void onnx_file_ints(struct text *graph, const char *name, const char *values);
/* A node; names apart by blanks, "-" is an absent one. attrs: "pads=1,1,1,1 group=2 to=@text". */
void onnx_file_node(struct text *graph, const char *op, const char *domain, const char *name,
                    const char *inputs, const char *outputs, const char *attrs);
/* The same with a graph of its own as attribute "body", which it releases. */
void onnx_file_body_node(struct text *graph, const char *op, const char *name, const char *inputs,
                         const char *outputs, const char *attrs, struct text *body);
/* The whole: releases the graph. */
struct text onnx_file_model(struct text *graph);

enum { F32 = 1, U8 = 2, S8 = 3, S64 = 7, BOOLEAN = 9 };

/* Imports and loads; the test fails with the error's line if that fails. Releases the graph. */
struct dnn onnx_file_load(struct text *graph, const struct onnx_options *options);
/* Imports a model that must fail: the error's line. Releases the graph. */
const char *onnx_file_error(struct text *graph, const struct onnx_options *options);
/* Layer by name; the test fails if there is none. */
const struct dnn_layer *onnx_file_layer(const struct dnn *dnn, const char *name);

#endif
