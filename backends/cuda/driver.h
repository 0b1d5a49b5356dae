/*
 * What the CUDA backend needs of a device: a table of calls. device/device.c has them on the CUDA
 * run-time library; tests put an emulated device here, so that everything above (cuda.c, choose.c)
 * runs on any machine.
 *
 * Errors are ERR_DEVICE, and say what the device says. An error of launch, wait or time may have
 * cost the device's state: the backend frees what it has and calls reset.
 */
#ifndef SOCWEAVE_BACKENDS_CUDA_DRIVER_H
#define SOCWEAVE_BACKENDS_CUDA_DRIVER_H

#include <stdalign.h>

#include "backends/backend.h"
#include "backends/cuda/map.h"
#include "backends/cuda/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cuda_facts {
    char name[64];
    unsigned major, minor;                          /* compute capability */
    unsigned units;                                 /* SMs */
    uint32_t shared_block_bytes, shared_unit_bytes; /* of a block at most; of an SM */
    uint32_t registers, threads;                    /* of an SM */
    double clock_hz, memory_bytes_per_s, cache_bytes;
    double memory_write_bytes_per_s; /* 0: as reads */
};

/* Opaque: CUtensorMap. */
struct cuda_tensor_map {
    alignas(64) uint64_t opaque[16];
};

struct cuda_launch {
    const struct cuda_row *row;
    const struct cuda_params *params; /* pointers are the device's */
    bool is_float;                    /* accumulators */
    uint32_t shared_bytes;
    struct cuda_tensor_map map_a, map_b; /* of CUDA_WGMMA_TMA */
};

struct cuda_driver {
    /* BACKEND_AVAILABLE, or a reason in `reason`. */
    enum backend_state (*probe)(struct cuda_facts *out, char *reason, size_t reason_bytes);
    /* Was this kernel built? */
    bool (*has)(const struct cuda_row *row, bool turn_a, bool turn_b);
    enum err_code (*allocate)(size_t bytes, void **out, struct err *err);
    void (*release)(void *memory); /* NULL is fine */
    enum err_code (*upload)(void *to, const void *from, size_t bytes, struct err *err);
    enum err_code (*download)(void *to, const void *from, size_t bytes, struct err *err);
    enum err_code (*fill)(void *to, int byte, size_t bytes, struct err *err);
    enum err_code (*encode)(const struct cuda_map *map, uint32_t element_bytes, void *tensor,
                            struct cuda_tensor_map *out, struct err *err);
    /* The product, and the sum over its splits if there are several; does not wait. */
    enum err_code (*launch)(const struct cuda_launch *launch, struct err *err);
    enum err_code (*wait)(struct err *err);
    /* One launch, in device time. */
    enum err_code (*time)(const struct cuda_launch *launch, double *ns, struct err *err);
    void (*reset)(void);
};

/* NULL where the program was built without CUDA. */
extern const struct cuda_driver *const cuda_driver_built;

/* The one in use: built in, or a test's; NULL if there is none. */
const struct cuda_driver *cuda_driver_here(void);
/* For tests: the backend uses this one from now on; NULL: the built one. */
void cuda_driver_use(const struct cuda_driver *driver);

#ifdef __cplusplus
}
#endif
#endif
