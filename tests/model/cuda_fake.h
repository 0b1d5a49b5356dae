/*
 * A GPU that is not there: device memory is host memory, launches are emulated, its clock says what
 * a test wants. Behind backends/cuda/driver.h, so the whole backend runs on it.
 */
#ifndef SOCWEAVE_TESTS_CUDA_FAKE_H
#define SOCWEAVE_TESTS_CUDA_FAKE_H

#include "backends/cuda/driver.h"
#include "tests/model/cuda_emulate.h"

struct cuda_fake {
    struct cuda_facts facts;
    enum backend_state state;
    size_t memory_bytes;     /* of the device */
    uint64_t launches_to_go; /* until it is lost */
    bool is_lost;            /* every call fails until a reset */
    bool without_wgmma;      /* as a build without sm_90a */
    bool refuses_maps;       /* as a driver that does not encode them */
    double (*clock_ns)(const struct cuda_launch *launch); /* NULL: always 1 us */
    /* What happened. */
    size_t used_bytes, allocations;
    uint64_t launches, timings, resets;
    uint64_t uploaded_bytes, downloaded_bytes;
    struct emulation emulation;
    char last_row[64];
};

/* A Hopper part (H100 SXM: CUDA C++ Programming Guide, data sheet), in use until cuda_fake_end().
 */
struct cuda_fake *cuda_fake_begin(void);
/* Checks that all memory was given back. */
void cuda_fake_end(void);

#endif
