/*
 * The truth about a workload that was run: the same networks once more, layer by layer in one
 * thread, with the reference evaluator on the graph's own expressions, every tensor row-major,
 * every step one element at a time. It shares definitions with exec_net (constants, docs/model.md
 * M-141), but none of its code that computes or moves elements.
 */
#ifndef SOCWEAVE_EXEC_EXEC_PLAIN_H
#define SOCWEAVE_EXEC_EXEC_PLAIN_H

#include "exec/exec_net.h"

struct exec_plain_verdict {
    size_t layers, wrong_layers; /* compared, and of these with a wrong element */
    size_t results;              /* of them results of networks, which no layer reads */
    size_t elements;
    char first[512]; /* "resnet50#0/conv1: element 12 of 64: expected 3, got 4"; or empty */
};

/*
 * Computes every layer, and compares it with what the network has. `progress` is called after every
 * layer, and ends it early with ERR_INTERRUPTED when it returns false.
 */
enum err_code exec_plain_compare(const struct exec_net *net,
                                 bool (*progress)(void *ctx, size_t done, size_t all), void *ctx,
                                 struct exec_plain_verdict *out, struct err *err);

#endif
