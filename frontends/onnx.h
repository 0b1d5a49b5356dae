/*
 * ONNX models become dnn/1 graphs.
 *
 * A file is scanned before it is unpacked (sizes inside their parents, bounded depth, weights
 * dropped), its graph is built with functions inlined and constants folded, shapes are inferred,
 * and what remains is lowered to layers of the operator table. The result is dnn/1 text, so that
 * core/dnn.h stays the only judge of graphs. What becomes what: docs/formats.md, "ONNX import".
 */
#ifndef SOCWEAVE_FRONTENDS_ONNX_H
#define SOCWEAVE_FRONTENDS_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/dnn.h"
#include "core/err.h"
#include "core/text.h"

struct onnx_options {
    const struct dnn_dim *dims; /* values of symbolic dimensions */
    size_t dim_count;
    bool allow_unsupported;     /* list operators that cannot be costed instead of failing */
    bool fold_elementwise_only; /* pools and normalisations stay layers of their own */
    bool survey;                /* open symbolic dimensions are no error: there is no graph then */
    const enum dtype *types;    /* [3]: of all inputs, weights and outputs; NULL: the model's */
};

/* One operator type of the model. */
struct onnx_operator {
    const char *name, *domain; /* domain "" is ONNX's own */
    size_t count;
};

/* Everything here lives in the report's arena. */
struct onnx_report {
    struct arena *arena;
    size_t node_count, operator_count, unsupported_count, symbol_count;
    const struct onnx_operator *operators; /* by name */
    const char **unsupported;              /* "node \"x\": operator Foo of domain bar" */
    const char **symbols;                  /* symbolic dimensions of the graph's inputs */
    bool complete;                         /* false: symbols were left open, so there is no graph */
};

/*
 * Appends the graph as dnn/1 text to *json and fills *report (either may be NULL). The graph is
 * named after the file.
 */
enum err_code onnx_import(const char *file, const struct onnx_options *options, struct text *json,
                          struct onnx_report *report, struct err *err);
/* The same from memory; `file` is only a name. */
enum err_code onnx_import_bytes(const char *file, const uint8_t *bytes, size_t count,
                                const struct onnx_options *options, struct text *json,
                                struct onnx_report *report, struct err *err);
void onnx_report_release(struct onnx_report *report);

#endif
