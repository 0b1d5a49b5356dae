#include "exec/exec_probe.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/sample.h"
#include "core/arena.h"
#include "exec/exec_there.h"

struct exec_probe_cores {
    cpu_set_t before;
};

/* The first `count` of those in `all` from number `skip` on. */
static size_t choose(const cpu_set_t *all, size_t skip, size_t count, cpu_set_t *out)
{
    size_t found = 0;
    CPU_ZERO(out);
    for (size_t c = 0; c < CPU_SETSIZE && found < skip + count; c++) {
        if (!CPU_ISSET(c, all))
            continue;
        if (found++ >= skip)
            CPU_SET(c, out);
    }
    return found;
}

struct exec_probe_cores *exec_probe_pin(size_t count)
{
    struct exec_probe_cores *cores = mem_alloc(1, sizeof *cores);
    cpu_set_t some;
    sched_getaffinity(0, sizeof cores->before, &cores->before);
    choose(&cores->before, 0, count, &some);
    sched_setaffinity(0, sizeof some, &some);
    return cores;
}

void exec_probe_release(struct exec_probe_cores *cores)
{
    sched_setaffinity(0, sizeof cores->before, &cores->before);
    free(cores);
}

/* --- a layer ---------------------------------------------------------------------------------- */

static double thread_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static void evict(uint64_t *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof *memory; i += 8)
        memory[i]++;
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void touch(const struct exec_operand *operand)
{
    for (size_t i = 0; i < operand->source_count; i++) {
        const struct exec_source *source = &operand->sources[i];
        for (size_t at = 0; at < exec_view_elements(&source->view); at += 64)
            __asm__ volatile("" : : "r"(source->data[at]));
    }
}

/* What its producers have just made. */
static void touch_inputs(const struct exec_layer *layer)
{
    touch(&layer->operands[0]);
    touch(&layer->operands[1]);
    for (size_t k = 0; k < layer->step_count; k++)
        touch(&layer->step_operands[k]);
}

/* Other memory, written: in this process, and on the layer's device through its cache. */
struct eviction {
    uint64_t *here;
    void *there;
    size_t bytes;
    const struct backend_memory *memory; /* of the device; NULL: none */
};

static enum err_code evict_all(struct eviction *e, struct err *err)
{
    evict(e->here, e->bytes);
    return e->memory != NULL ? e->memory->upload(e->there, e->here, e->bytes, err) : ERR_OK;
}

double exec_probe_layer(struct exec_net *net, uint32_t layer, size_t samples, size_t evict_bytes,
                        struct err *err)
{
    const struct exec_place *place = &net->layers[layer].place;
    struct eviction other = { .bytes = evict_bytes, .memory = place->backend->memory };
    double *values = mem_alloc(samples, sizeof *values);
    other.here = mem_alloc(evict_bytes / sizeof *other.here + 1, sizeof *other.here);
    enum err_code rc = ERR_OK;
    if (other.memory != NULL)
        rc = other.memory->allocate(evict_bytes, &other.there, err);
    if (rc == ERR_OK && other.memory != NULL) /* as the copies do, which are no part of a layer */
        rc = exec_there_settle(&net->layers[layer], err);
    if (rc == ERR_OK)
        rc = exec_net_compute(net, layer, err); /* the first touch */
    bool alone = place->threads == 1 && other.memory == NULL;
    for (size_t i = 0; i < samples && rc == ERR_OK; i++) {
        rc = evict_all(&other, err);
        touch_inputs(&net->layers[layer]);
        double begin = alone ? thread_ns() : backend_now_ns();
        if (rc == ERR_OK)
            rc = exec_net_compute(net, layer, err);
        values[i] = (alone ? thread_ns() : backend_now_ns()) - begin;
    }
    double median = rc == ERR_OK ? backend_median(values, samples) : 0;
    free(values);
    free(other.here);
    if (other.memory != NULL)
        other.memory->release(other.there);
    return median * 1e-9;
}

/* --- a device's link ---------------------------------------------------------------------------
 */

/* Median, warmed up. */
static enum err_code time_copy(const struct backend_memory *memory, bool to, void *there,
                               void *here, size_t bytes, size_t samples, double *ns,
                               struct err *err)
{
    double *values = mem_alloc(samples + 1, sizeof *values);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i <= samples && rc == ERR_OK; i++) {
        double begin = backend_now_ns();
        rc = to ? memory->upload(there, here, bytes, err)
                : memory->download(here, there, bytes, err);
        values[i] = backend_now_ns() - begin;
    }
    *ns = rc == ERR_OK ? backend_median(values + 1, samples) : 0;
    free(values);
    return rc;
}

/* What a copy of one byte takes is the latency; a tenth of the whole is the rate's at least. */
static enum err_code probe_direction(const struct backend_memory *memory, bool to, void *there,
                                     void *here, size_t bytes, size_t samples,
                                     struct exec_probe_link *out, struct err *err)
{
    double small_ns = 0, ns = 0;
    enum err_code rc = time_copy(memory, to, there, here, 1, samples, &small_ns, err);
    if (rc == ERR_OK)
        rc = time_copy(memory, to, there, here, bytes, samples, &ns, err);
    double own_ns = ns - small_ns > ns / 10 ? ns - small_ns : ns / 10;
    if (rc == ERR_OK)
        *out =
            (struct exec_probe_link){ own_ns > 0 ? (double)bytes / own_ns * 1e9 : 1e9, small_ns };
    return rc;
}

enum err_code exec_probe_device(const struct backend *backend, size_t bytes, size_t samples,
                                struct exec_probe_link *to, struct exec_probe_link *from,
                                struct err *err)
{
    const struct backend_memory *memory = backend->memory;
    void *there = NULL, *here = mem_alloc(bytes, 1);
    memset(here, 0x5a, bytes);
    enum err_code rc = memory->allocate(bytes, &there, err);
    if (rc == ERR_OK)
        rc = probe_direction(memory, true, there, here, bytes, samples, to, err);
    if (rc == ERR_OK)
        rc = probe_direction(memory, false, there, here, bytes, samples, from, err);
    memory->release(there);
    free(here);
    return rc;
}

/* --- two cores -------------------------------------------------------------------------------- */

struct exchange {
    uint8_t *written, *copied;
    size_t bytes, rounds;
    cpu_set_t core;
    atomic_size_t turn; /* even: the writer's */
};

static void wait_for(struct exchange *x, size_t turn)
{
    for (size_t spins = 1; atomic_load_explicit(&x->turn, memory_order_acquire) != turn; spins++)
        if (spins % 4096 == 0)
            sched_yield();
}

static void *write_rounds(void *ctx)
{
    struct exchange *x = ctx;
    pthread_setaffinity_np(pthread_self(), sizeof x->core, &x->core);
    for (size_t round = 0; round < x->rounds; round++) {
        wait_for(x, 2 * round);
        memset(x->written, (int)round, x->bytes);
        atomic_store_explicit(&x->turn, 2 * round + 1, memory_order_release);
    }
    return NULL;
}

/* Medians over the rounds: of the copy alone, and from asking until the answer is seen. */
static bool exchange(struct exchange *x, double *copy_ns, double *round_ns)
{
    double *copies = mem_alloc(x->rounds, sizeof *copies);
    double *turns = mem_alloc(x->rounds, sizeof *turns);
    pthread_t writer;
    bool there = pthread_create(&writer, NULL, write_rounds, x) == 0;
    for (size_t round = 0; there && round < x->rounds; round++) {
        double asked = backend_now_ns();
        wait_for(x, 2 * round + 1);
        double seen = backend_now_ns();
        memcpy(x->copied, x->written, x->bytes);
        __asm__ volatile("" : : "r"(x->copied) : "memory");
        copies[round] = backend_now_ns() - seen;
        turns[round] = seen - asked;
        atomic_store_explicit(&x->turn, 2 * round + 2, memory_order_release);
    }
    if (there)
        pthread_join(writer, NULL);
    *copy_ns = there ? backend_median(copies, x->rounds) : 0;
    *round_ns = there ? backend_median(turns, x->rounds) : 0;
    free(copies);
    free(turns);
    return there;
}

bool exec_probe_between_cores(size_t bytes, size_t samples, struct exec_probe_link *out)
{
    struct exec_probe_cores *pinned = exec_probe_pin(1);
    struct exchange x = { .bytes = bytes, .rounds = samples + 1 };
    double copy_ns, round_ns;
    bool two = choose(&pinned->before, 1, 1, &x.core) == 2;
    x.written = mem_alloc(bytes, 1);
    x.copied = mem_alloc(bytes, 1);
    two = two && exchange(&x, &copy_ns, &round_ns);
    if (two)
        out->bytes_per_s = copy_ns > 0 ? (double)bytes / copy_ns * 1e9 : 0;
    atomic_init(&x.turn, 0);
    x.bytes = 1;
    two = two && exchange(&x, &copy_ns, &round_ns);
    if (two)
        out->latency_ns = round_ns / 2;
    free(x.written);
    free(x.copied);
    exec_probe_release(pinned);
    return two;
}
