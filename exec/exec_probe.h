/*
 * What this machine's cores do with single layers, and with each other's results: the raw material
 * of a measured SoC (docs/model.md M-144).
 */
#ifndef SOCWEAVE_EXEC_EXEC_PROBE_H
#define SOCWEAVE_EXEC_EXEC_PROBE_H

#include "exec/exec_net.h"

/* Keeps the calling thread, and the parallel regions that it is the first to open, on `count` of
 * the cores it may run on, from the first one; undone by exec_probe_release(). */
struct exec_probe_cores;
struct exec_probe_cores *exec_probe_pin(size_t count);
void exec_probe_release(struct exec_probe_cores *cores);

/*
 * Median seconds of a layer of the net over `samples` runs, as exec_net_compute() runs it. Before
 * each run `evict_bytes` of other memory are written, which leaves nothing of the layer in caches
 * that hold less, and its inputs are read: as it is in a network, where other layers ran meanwhile
 * and producers just now. Of layers on one thread it is the time that the thread had the core.
 * Of layers on a device: of the thread that drives it, with the inputs there. 0: failed, see *err.
 */
double exec_probe_layer(struct exec_net *net, uint32_t layer, size_t samples, size_t evict_bytes,
                        struct err *err);

/* Between the first two usable cores: how fast one copies what the other just wrote, and how long
 * it takes to see that it is there. False if there is only one core. */
struct exec_probe_link {
    double bytes_per_s, latency_ns;
};
bool exec_probe_between_cores(size_t bytes, size_t samples, struct exec_probe_link *out);

/* Copies to and from the memory of a backend's device: `bytes` beyond what one byte takes. */
enum err_code exec_probe_device(const struct backend *backend, size_t bytes, size_t samples,
                                struct exec_probe_link *to, struct exec_probe_link *from,
                                struct err *err);

#endif
