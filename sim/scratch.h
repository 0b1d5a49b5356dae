/*
 * Buffers of the calling thread that grow and are kept, so that an evaluation allocates nothing.
 * They hold garbage when handed out, and are freed when the thread ends.
 */
#ifndef SOCWEAVE_SIM_SCRATCH_H
#define SOCWEAVE_SIM_SCRATCH_H

#include <stddef.h>

enum sim_scratch_slot {
    SIM_SCRATCH_LAYERS,
    SIM_SCRATCH_ACCELERATORS,
    SIM_SCRATCH_TILES,
    SIM_SCRATCH_STAGES,
    SIM_SCRATCH_SLOTS
};

/* At least count * size bytes; valid until the next call for this slot on this thread. */
void *sim_scratch(enum sim_scratch_slot slot, size_t count, size_t size);

#endif
