/*
 * A mapping, executed on the cores of this machine: a thread per accelerator, pinned to cores of
 * its own, runs the layers placed there in the mapping's order, one after the other (groups that
 * would share the accelerator in space, too). A layer starts when all its producers have ended; the
 * results of those that ran on another accelerator are first copied, whole, by the thread that
 * needs them, once per reader (docs/model.md M-142). Everybody waits by looking, so no time goes
 * into waking up.
 *
 * An accelerator that is a device (dataflow.measured.backend) has a thread, on a core of its own,
 * that drives it: copies to and from it are the device's own, over its link.
 */
#ifndef SOCWEAVE_EXEC_EXEC_RUN_H
#define SOCWEAVE_EXEC_EXEC_RUN_H

#include <signal.h>

#include "core/mapping.h"
#include "exec/exec_net.h"

/* When a layer's copies began, when it began to compute, when it ended: ns from the start. */
struct exec_event {
    double copy_ns, begin_ns, end_ns;
    uint64_t copied_bytes;
};

struct exec_timeline {
    double makespan_ns;
    struct exec_event *layers; /* [layer]; owned */
};

/*
 * ERR_VALUE unless every accelerator stands for measured cores, one PE each (docs/model.md M-140),
 * or for a measured device of a backend; ERR_UNAVAILABLE if that takes more cores than this process
 * may use, or the device is not here. Fills places[layer].
 */
enum err_code exec_run_places(const struct problem *problem, const struct mapping *mapping,
                              struct exec_place *places, struct err *err);

struct exec_runner;
/* Borrows all of them. Makes room for the copies; ERR_DEVICE if a device has none. */
enum err_code exec_runner_new(struct exec_runner **out, struct exec_net *net,
                              const struct problem *problem, const struct mapping *mapping,
                              struct err *err);
void exec_runner_free(struct exec_runner *runner); /* NULL is fine */
/* Poisons all results, then runs the mapping once. `stop` ends it early with ERR_INTERRUPTED when
 * it becomes nonzero; may be NULL. ERR_DEVICE names the layer at which a device failed. */
enum err_code exec_runner_run(struct exec_runner *runner, const volatile sig_atomic_t *stop,
                              struct exec_timeline *out, struct err *err);
void exec_timeline_release(struct exec_timeline *timeline);

#endif
