#include "tests/model/cuda_fake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

enum { BLOCKS_MAX = 4096 };

static struct cuda_fake fake;
static struct {
    void *at;
    size_t bytes;
} blocks[BLOCKS_MAX];

/* A thread drives it, others copy from it. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static enum err_code lost(struct err *err)
{
    return err_set(err, ERR_DEVICE, "kernel: unspecified launch failure");
}

static enum backend_state probe(struct cuda_facts *out, char *reason, size_t bytes)
{
    *out = fake.facts;
    if (fake.state != BACKEND_AVAILABLE)
        snprintf(reason, bytes, "%s", backend_state_names[fake.state]);
    return fake.state;
}

static bool has(const struct cuda_row *row, bool turn_a, bool turn_b)
{
    bool is_wgmma = row->engine == CUDA_WGMMA || row->engine == CUDA_WGMMA_TMA;
    return cuda_row_takes(row, turn_a, turn_b) && !(is_wgmma && fake.without_wgmma);
}

static enum err_code allocate(size_t bytes, void **out, struct err *err)
{
    size_t at = 0;
    if (fake.is_lost)
        return lost(err);
    if (fake.used_bytes + bytes > fake.memory_bytes)
        return err_set(err, ERR_DEVICE, "%zu bytes of device memory: out of memory", bytes);
    while (at < BLOCKS_MAX && blocks[at].at != NULL)
        at++;
    CHECK(at < BLOCKS_MAX);
    blocks[at].at = aligned_alloc(256, (bytes + 255) / 256 * 256);
    blocks[at].bytes = bytes;
    memset(blocks[at].at, 0x5a, bytes);
    fake.used_bytes += bytes;
    fake.allocations++;
    *out = blocks[at].at;
    return ERR_OK;
}

static size_t bytes_at(const void *memory)
{
    for (size_t at = 0; at < BLOCKS_MAX; at++)
        if (blocks[at].at == memory)
            return blocks[at].bytes;
    return 0;
}

static void release(void *memory)
{
    for (size_t at = 0; at < BLOCKS_MAX && memory != NULL; at++)
        if (blocks[at].at == memory) {
            fake.used_bytes -= blocks[at].bytes;
            blocks[at].at = NULL;
            free(memory);
        }
}

/* A copy must fit the block that it begins: tests give whole ones. */
static enum err_code copy(void *to, const void *from, size_t bytes, const void *there,
                          uint64_t *count, struct err *err)
{
    pthread_mutex_lock(&one_at_a_time);
    bool fits = bytes <= bytes_at(there), is_lost = fake.is_lost;
    if (fits && !is_lost)
        memcpy(to, from, bytes);
    *count += bytes;
    pthread_mutex_unlock(&one_at_a_time);
    CHECK(fits);
    return is_lost ? lost(err) : ERR_OK;
}

static enum err_code upload(void *to, const void *from, size_t bytes, struct err *err)
{
    return copy(to, from, bytes, to, &fake.uploaded_bytes, err);
}

static enum err_code download(void *to, const void *from, size_t bytes, struct err *err)
{
    return copy(to, from, bytes, from, &fake.downloaded_bytes, err);
}

static enum err_code fill(void *to, int byte, size_t bytes, struct err *err)
{
    CHECK(bytes <= bytes_at(to));
    if (fake.is_lost)
        return lost(err);
    memset(to, byte, bytes);
    return ERR_OK;
}

static enum err_code encode(const struct cuda_map *map, uint32_t element_bytes, void *tensor,
                            struct cuda_tensor_map *out, struct err *err)
{
    CHECK(map->rank >= 2 && element_bytes > 0 && (uintptr_t)tensor % 16 == 0);
    if (fake.refuses_maps)
        return err_set(err, ERR_DEVICE, "refused");
    out->opaque[0] = (uintptr_t)tensor;
    return ERR_OK;
}

static enum err_code launch(const struct cuda_launch *l, struct err *err)
{
    const struct cuda_params *p = l->params;
    if (fake.launches_to_go-- == 0)
        fake.is_lost = true;
    if (fake.is_lost)
        return lost(err);
    CHECK(l->shared_bytes <= fake.facts.shared_block_bytes);
    if (l->row->engine == CUDA_WGMMA_TMA)
        CHECK(l->map_a.opaque[0] == (uintptr_t)p->a && l->map_b.opaque[0] == (uintptr_t)p->b);
    fake.emulation.tensor_bytes[0] = bytes_at(p->a);
    fake.emulation.tensor_bytes[1] = bytes_at(p->b);
    fake.launches++;
    snprintf(fake.last_row, sizeof fake.last_row, "%s", l->row->name);
    pthread_mutex_lock(&one_at_a_time);
    emulate_launch(&fake.emulation, l->row, p);
    pthread_mutex_unlock(&one_at_a_time);
    return ERR_OK;
}

static enum err_code wait_all(struct err *err)
{
    return fake.is_lost ? lost(err) : ERR_OK;
}

static enum err_code time_one(const struct cuda_launch *l, double *ns, struct err *err)
{
    fake.timings++;
    if (fake.launches_to_go-- == 0)
        fake.is_lost = true;
    if (fake.is_lost)
        return lost(err);
    *ns = fake.clock_ns != NULL ? fake.clock_ns(l) : 1000;
    return ERR_OK;
}

static void reset(void)
{
    CHECK_INT(0, fake.used_bytes); /* what it holds would be lost */
    fake.is_lost = false;
    fake.launches_to_go = UINT64_MAX;
    fake.resets++;
}

static const struct cuda_driver driver = {
    .probe = probe,
    .has = has,
    .allocate = allocate,
    .release = release,
    .upload = upload,
    .download = download,
    .fill = fill,
    .encode = encode,
    .launch = launch,
    .wait = wait_all,
    .time = time_one,
    .reset = reset,
};

struct cuda_fake *cuda_fake_begin(void)
{
    fake = (struct cuda_fake){
        .facts = { .name = "Fake H100",
                   .major = 9,
                   .units = 132,
                   .shared_block_bytes = 227 * 1024,
                   .shared_unit_bytes = 228 * 1024,
                   .registers = 65536,
                   .threads = 2048,
                   .clock_hz = 1.83e9,
                   .memory_bytes_per_s = 3.35e12,
                   .cache_bytes = 50e6 },
        .state = BACKEND_AVAILABLE,
        .memory_bytes = SIZE_MAX / 2,
        .launches_to_go = UINT64_MAX,
    };
    cuda_driver_use(&driver);
    return &fake;
}

void cuda_fake_end(void)
{
    cuda_driver_use(NULL);
    CHECK_INT(0, fake.used_bytes);
}
