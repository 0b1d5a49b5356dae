/*
 * Real hardware that runs matched layers. One row of backend_table[] each: `validate` and the
 * executor of mappings know backends only as this struct.
 *
 *   probe    is it here, what is it, or why not
 *   prepare  a job becomes a kernel: tables compiled, tiles chosen, constants packed
 *   run      host tensors in, host tensor out: once, for its result
 *   measure  the same kernel on data that is already in place, in whatever layout the kernel
 *            prefers, as networks keep it between layers: for its time
 *
 * Tensors are dense and row-major in the extents and types of the job's expression; padding is
 * part of the access and never stored. A kernel serves one caller at a time.
 */
#ifndef SOCWEAVE_BACKENDS_BACKEND_H
#define SOCWEAVE_BACKENDS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "intrinsics/intrin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a backend cannot be used here. */
enum backend_state {
    BACKEND_AVAILABLE,
    BACKEND_NOT_BUILT, /* the program was built without it */
    BACKEND_NO_DRIVER,
    BACKEND_NO_DEVICE,
    BACKEND_TOO_OLD, /* the device lacks the instruction */
    BACKEND_STATE_COUNT
};
extern const char *const backend_state_names[BACKEND_STATE_COUNT]; /* "available", "not built", … */

struct backend_probe {
    enum backend_state state;
    char device[96];  /* "AMD EPYC …, 2 cores"; empty if there is none */
    char reason[192]; /* a sentence unless available: what is missing and what would help */
    unsigned units;   /* cores, SMs */
    double memory_bytes_per_s; /* of a device's own memory; 0: it has none, or does not say */
};

/*
 * What is done to an accumulator before it is stored, in this order; NULL pointers and zero fields
 * leave a step out. Channels are counted along output dimension `channel_dim`.
 *     x = acc + bias[c];  x = x · scale[c];  relu: max(x, 0);  to_type: round half to even, add
 *     zero_point, saturate.
 * Integers stay exact until `scale`; from there on the arithmetic is in f32.
 */
struct backend_epilogue {
    size_t channel_dim;
    const int32_t *bias_s32; /* integer accumulators */
    const float *bias_f32;   /* float accumulators */
    const float *scale;
    bool relu;
    bool converts; /* store as to_type, not as the expression's output type */
    enum dtype to_type;
    int32_t zero_point; /* of u8 and s8 */
};

/* How a backend whose kernels have parameters chooses them: the `count` that its model likes best
 * are measured, and the fastest is remembered in the cache file (backends/tune.h). */
struct backend_tuning {
    unsigned count;    /* >= 1 */
    const char *cache; /* NULL: nothing is remembered */
};

#define BACKEND_SLACK_BYTES 64

/* What is to be run. Everything is borrowed until the kernel is released. */
struct backend_job {
    const struct expr *expr;        /* with the types that the tensors have */
    const struct intrin_plan *plan; /* of the same expression; NULL: without an intrinsic */
    const struct backend_epilogue *epilogue; /* NULL: accumulators are stored */
    /* The second input, if it never changes (weights): packed once, in prepare. NULL: it comes with
     * every run, and packing it is part of the time. */
    const void *constant;
    const struct backend_tuning *tuning; /* NULL: by prediction alone; others than cuda ignore it */
    /* Inputs stay as they are until the next run or the release, and BACKEND_SLACK_BYTES beyond
     * their end may be read: the kernel may then use them in place. */
    bool inputs_in_place;
    unsigned threads; /* >= 1; backends with a device of their own ignore it */
};

struct backend_kernel; /* the backend's own */

struct backend_time {
    double median_ns, min_ns;
    unsigned samples;
    double peak_ops_per_s; /* of the same units in the same process around the samples; 0 unknown */
    double convert_ns;     /* host layouts to the kernel's and back, once; not in the times above */
};

/*
 * What measure() will find, predicted from a machine's rates before anything runs. Terms are what
 * each part would take alone; some overlap, so `ns` is at most their sum. Names are static.
 */
#define BACKEND_TERMS_MAX 12
struct backend_term {
    const char *name;
    double ns;
};
struct backend_forecast {
    double ns;
    const char *bound;         /* the largest term's name */
    double memory_bytes_per_s; /* of the device's own memory; 0: the machine's */
    size_t count;
    struct backend_term terms[BACKEND_TERMS_MAX]; /* largest first */
};
struct intrin_calibration; /* intrinsics/intrin_machine.h */

/* The memory of a device, for callers that keep tensors there from kernel to kernel. Several
 * threads may call at once; errors are ERR_DEVICE. */
struct backend_memory {
    enum err_code (*allocate)(size_t bytes, void **out, struct err *err);
    void (*release)(void *memory); /* NULL is fine */
    enum err_code (*upload)(void *to, const void *from, size_t bytes, struct err *err);
    enum err_code (*download)(void *to, const void *from, size_t bytes, struct err *err);
};

struct backend {
    const char *name, *summary;
    bool on_host;       /* runs on threads of this process, as many as the job says */
    bool follows_plans; /* else the plan is only read, and predictions say nothing of its time */
    void (*probe)(struct backend_probe *out);
    /* Does it run this intrinsic (NULL: jobs without a plan)? Where the hardware is known, on it.
     * Never NULL, as are probe and prepare; the others may be if no prepare ever succeeds. */
    bool (*takes)(const struct intrin *intrin);
    /* ERR_UNSUPPORTED names what the engine lacks for this job; ERR_DEVICE if the hardware refuses
     * (out of device memory, lost). */
    enum err_code (*prepare)(const struct backend_job *job, struct backend_kernel **out,
                             struct err *err);
    /* inputs[1] may be NULL if the job has a constant, or the expression one input. Every element
     * of the output is written. */
    enum err_code (*run)(struct backend_kernel *kernel, const void *const inputs[2], void *output,
                         struct err *err);
    /* Of backends whose device has a memory of its own, else NULL both: run() on tensors that are
     * there already, and leaves its result there. */
    const struct backend_memory *memory;
    enum err_code (*run_there)(struct backend_kernel *kernel, const void *const inputs[2],
                               void *output, struct err *err);
    /* At least `samples` timed runs after a warm-up, on the data of the last run. */
    enum err_code (*measure)(struct backend_kernel *kernel, unsigned samples,
                             struct backend_time *out, struct err *err);
    void (*release)(struct backend_kernel *kernel);
    /* "tile 6x64, direct convolution, 2 threads": what prepare chose. Lives as long as the kernel.
     */
    const char *(*describe)(const struct backend_kernel *kernel);
    /* Of the kernel that prepare() would make, on the machine as measured (of a device: one with a
     * link; else what it says of itself); nothing is read of the job's constant but whether
     * there is one. ERR_UNSUPPORTED where it has no model. NULL: none at all, ask intrin_predict().
     */
    enum err_code (*predict)(const struct backend_job *job,
                             const struct intrin_calibration *machine, struct backend_forecast *out,
                             struct err *err);
};

/* In the order of the table; every one is there, whatever the program was built with. */
extern const struct backend backend_reference, backend_cpu, backend_cuda;
extern const struct backend *const backend_table[];
extern const size_t backend_count;
const struct backend *backend_find(const char *name);

/* Element type that a job stores: the epilogue's, or the expression's output type. */
enum dtype backend_output_type(const struct backend_job *job);

#ifdef __cplusplus
}
#endif
#endif
