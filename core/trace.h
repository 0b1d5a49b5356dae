/*
 * What happened when, per resource, in a simulated run: the raw material of Gantt charts, load
 * tables and the Perfetto trace.
 */
#ifndef SOCWEAVE_CORE_TRACE_H
#define SOCWEAVE_CORE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum trace_resource {
    TRACE_ACCELERATOR, /* index: accelerator */
    TRACE_LINK,        /* index: link of the SoC */
    TRACE_LOCAL,       /* index: accelerator, its own producer-to-consumer port */
    TRACE_CHANNEL      /* index: memory channel */
};

enum trace_what {
    TRACE_COMPUTE,  /* a layer, or one tile of it, on its accelerator */
    TRACE_TRANSFER, /* an activation packet on a link or local port */
    TRACE_READ,     /* weights and graph inputs from memory */
    TRACE_WRITE     /* results to memory */
};

struct trace_interval {
    uint64_t start_ps, end_ps; /* service; waited_ps before it in the queue */
    uint64_t waited_ps;
    uint64_t bytes; /* 0 for compute */
    uint32_t layer; /* the computing layer; of a transfer the consumer */
    uint32_t index;
    uint32_t tile;
    uint8_t resource, what; /* enum trace_resource, enum trace_what */
};

struct trace {
    size_t count, capacity;
    struct trace_interval *intervals; /* owned; in order of start, then resource, index, layer */
};

void trace_add(struct trace *trace, const struct trace_interval *interval);
void trace_sort(struct trace *trace);
void trace_release(struct trace *trace);

#ifdef __cplusplus
}
#endif
#endif
