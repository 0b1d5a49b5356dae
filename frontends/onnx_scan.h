/*
 * Before protobuf-c sees a file: one pass over the wire format without recursion. Sizes lie inside
 * their parents, depth and the number of messages are bounded, and what the importer never reads
 * (weights, documentation, training) is left out of the copy that is unpacked.
 */
#ifndef SOCWEAVE_FRONTENDS_ONNX_SCAN_H
#define SOCWEAVE_FRONTENDS_ONNX_SCAN_H

#include "core/err.h"
#include "core/text.h"

#include <stdint.h>

#define ONNX_DEPTH_MAX    64
#define ONNX_MESSAGES_MAX 2000000
#define ONNX_KEPT_MAX     ((size_t)64 << 20) /* bytes of graph, weights apart */
#define ONNX_PAYLOAD_MAX  ((size_t)16 << 10) /* contents of a tensor; larger ones are weights */

/* Appends the thinned model to *out. */
enum err_code onnx_scan(const uint8_t *bytes, size_t count, struct text *out, struct err *err);

#endif
