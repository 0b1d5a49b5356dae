#include "sim/scratch.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/arena.h"

struct buffers {
    void *memory[SIM_SCRATCH_SLOTS];
    size_t bytes[SIM_SCRATCH_SLOTS];
};

static _Thread_local struct buffers *buffers_mine;
static pthread_key_t buffers_key; /* only for its destructor */
static pthread_once_t buffers_once = PTHREAD_ONCE_INIT;

static void buffers_free(void *memory)
{
    struct buffers *buffers = (struct buffers *)memory;
    for (size_t slot = 0; slot < SIM_SCRATCH_SLOTS; slot++)
        free(buffers->memory[slot]);
    free(buffers);
}

static void buffers_make_key(void)
{
    (void)pthread_key_create(&buffers_key, buffers_free); /* without one the buffers live on */
}

static struct buffers *buffers_of_thread(void)
{
    if (buffers_mine == NULL) {
        (void)pthread_once(&buffers_once, buffers_make_key);
        buffers_mine = (struct buffers *)mem_alloc(1, sizeof *buffers_mine);
        (void)pthread_setspecific(buffers_key, buffers_mine);
    }
    return buffers_mine;
}

void *sim_scratch(enum sim_scratch_slot slot, size_t count, size_t size)
{
    struct buffers *buffers = buffers_of_thread();
    if (count > buffers->bytes[slot] / size) {
        free(buffers->memory[slot]);
        buffers->memory[slot] = mem_alloc(count + count / 2, size);
        buffers->bytes[slot] = (count + count / 2) * size;
    }
    return buffers->memory[slot];
}
