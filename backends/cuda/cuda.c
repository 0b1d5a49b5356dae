/*
 * The CUDA backend above its device (driver.h): what is there, a job made ready, run and timed.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/choose.h"
#include "backends/element.h"
#include "backends/sample.h"
#include "backends/tune.h"
#include "core/arena.h"

#define CAPABILITY_MIN 80 /* mma.sync m16n8k16, cp.async */
#define TUNE_SAMPLES   5

enum buffer { TABLES, INPUT_A, INPUT_B, OUTPUT, PARTIAL, BIAS, SCALE, BUFFERS };

struct backend_kernel {
    const struct cuda_driver *driver;
    struct cuda_problem problem;
    struct cuda_params params; /* of the choice, pointers set */
    struct cuda_launch launch;
    struct cuda_choice *choices;
    size_t choice_count;
    void *buffers[BUFFERS];
    size_t partial_bytes;
    double peak_ops_per_s;
    bool has_failed; /* on the device: its state may be lost */
    char text[192];
};

static const struct cuda_driver *test_driver;

void cuda_driver_use(const struct cuda_driver *driver)
{
    test_driver = driver;
}

const struct cuda_driver *cuda_driver_here(void)
{
    return test_driver != NULL ? test_driver : cuda_driver_built;
}

/* --- probe ---------------------------------------------------------------------------------- */

static enum backend_state look(struct cuda_facts *facts, char *reason, size_t bytes)
{
    const struct cuda_driver *driver = cuda_driver_here();
    *facts = (struct cuda_facts){ 0 };
    if (driver == NULL) {
        snprintf(reason, bytes, "socweave was built without CUDA: build it where nvcc is");
        return BACKEND_NOT_BUILT;
    }
    enum backend_state state = driver->probe(facts, reason, bytes);
    if (state == BACKEND_AVAILABLE && facts->major * 10 + facts->minor < CAPABILITY_MIN) {
        snprintf(reason, bytes, "compute capability %u.%u; the kernels need 8.0", facts->major,
                 facts->minor);
        return BACKEND_TOO_OLD;
    }
    return state;
}

static void probe(struct backend_probe *out)
{
    struct cuda_facts facts;
    *out = (struct backend_probe){ 0 };
    out->state = look(&facts, out->reason, sizeof out->reason);
    out->units = facts.units;
    out->memory_bytes_per_s = facts.memory_bytes_per_s;
    if (out->state == BACKEND_AVAILABLE || out->state == BACKEND_TOO_OLD)
        snprintf(out->device, sizeof out->device, "%.60s, %u SMs", facts.name, facts.units);
}

static bool takes(const struct intrin *intrin)
{
    struct cuda_facts facts;
    char reason[192];
    const struct cuda_driver *driver = cuda_driver_here();
    if (driver == NULL || intrin == NULL)
        return false;
    bool known = look(&facts, reason, sizeof reason) == BACKEND_AVAILABLE;
    for (size_t at = 0; at < cuda_row_count; at++) {
        const struct cuda_row *row = &cuda_rows[at];
        if (cuda_row_is_of(row, intrin) && driver->has(row, false, false) &&
            (!known || cuda_row_runs_on(row, &facts)))
            return true;
    }
    return false;
}

/* --- a lost device --------------------------------------------------------------------------- */

/* A reset takes everything that is on the device, so it waits until nothing of ours is. */
static atomic_size_t things_there; /* kernels, and blocks of memory of callers */
static atomic_bool is_lost;

static void hold_device(void)
{
    atomic_fetch_add(&things_there, 1);
}

static void drop_device(void)
{
    if (atomic_fetch_sub(&things_there, 1) == 1 && atomic_exchange(&is_lost, false))
        cuda_driver_here()->reset();
}

/* --- memory --------------------------------------------------------------------------------- */

static enum err_code hold(struct backend_kernel *k, enum buffer which, size_t bytes,
                          const void *from, struct err *err)
{
    if (bytes == 0)
        return ERR_OK;
    enum err_code rc = k->driver->allocate(bytes, &k->buffers[which], err);
    if (rc == ERR_OK && from != NULL)
        rc = k->driver->upload(k->buffers[which], from, bytes, err);
    return rc;
}

/* All but the partial sums, which depend on the choice. */
static enum err_code place(struct backend_kernel *k, const struct backend_job *job, struct err *err)
{
    struct cuda_problem *q = &k->problem;
    struct cuda_params *p = &q->params;
    const void *constant = q->packed_b != NULL ? q->packed_b : job->constant;
    const void *bias = q->is_float ? (const void *)p->epilogue.bias_f32 : p->epilogue.bias_s32;
    enum err_code rc = hold(k, TABLES, q->table_count * 4, q->tables, err);
    if (rc == ERR_OK)
        rc = hold(k, INPUT_A, q->bytes[1], NULL, err);
    if (rc == ERR_OK)
        rc = hold(k, INPUT_B, q->bytes[2], constant, err);
    if (rc == ERR_OK)
        rc = hold(k, OUTPUT, q->bytes[0], NULL, err);
    if (rc == ERR_OK)
        rc = hold(k, BIAS, bias != NULL ? q->channels * 4 : 0, bias, err);
    if (rc == ERR_OK)
        rc =
            hold(k, SCALE, p->epilogue.scale != NULL ? q->channels * 4 : 0, p->epilogue.scale, err);
    p->tables = k->buffers[TABLES];
    p->a = k->buffers[INPUT_A];
    p->b = k->buffers[INPUT_B];
    p->c = k->buffers[OUTPUT];
    p->epilogue.bias_s32 = q->is_float ? NULL : k->buffers[BIAS];
    p->epilogue.bias_f32 = q->is_float ? k->buffers[BIAS] : NULL;
    p->epilogue.scale = k->buffers[SCALE];
    return rc;
}

static enum err_code hold_sums(struct backend_kernel *k, size_t bytes, struct err *err)
{
    if (bytes <= k->partial_bytes)
        return ERR_OK;
    k->driver->release(k->buffers[PARTIAL]);
    k->buffers[PARTIAL] = NULL;
    k->partial_bytes = 0;
    enum err_code rc = k->driver->allocate(bytes, &k->buffers[PARTIAL], err);
    if (rc == ERR_OK)
        k->partial_bytes = bytes;
    return rc;
}

/* --- a choice ------------------------------------------------------------------------------- */

static enum err_code encode_maps(struct backend_kernel *k, struct err *err)
{
    const struct cuda_params *p = &k->params;
    enum err_code rc = k->driver->encode(&p->operand_a.map, p->operand_a.element_bytes,
                                         (void *)(uintptr_t)p->a, &k->launch.map_a, err);
    return rc != ERR_OK ? rc
                        : k->driver->encode(&p->operand_b.map, p->operand_b.element_bytes,
                                            (void *)(uintptr_t)p->b, &k->launch.map_b, err);
}

static enum err_code set_choice(struct backend_kernel *k, const struct cuda_choice *choice,
                                struct err *err)
{
    struct cuda_params *p = &k->params;
    *p = k->problem.params;
    cuda_problem_tile(p, &choice->tiling);
    p->grid = choice->cost.grid;
    k->launch = (struct cuda_launch){ .row = choice->row, .params = p };
    k->launch.is_float = k->problem.is_float;
    k->launch.shared_bytes = cuda_row_shared_bytes(choice->row, choice->tiling.stages);
    enum err_code rc = ERR_OK;
    if (p->split > 1)
        rc = hold_sums(k, (size_t)p->split * p->z * p->m * p->n * 4, err);
    p->partial = p->split > 1 ? k->buffers[PARTIAL] : NULL;
    if (rc == ERR_OK && choice->row->engine == CUDA_WGMMA_TMA) {
        cuda_problem_use_boxes(p);
        rc = encode_maps(k, err);
    }
    return rc;
}

/* The first choice that the device accepts: an out-of-memory of the partial sums, or a map that the
 * driver does not encode, passes one over. */
static enum err_code choose_predicted(struct backend_kernel *k, size_t *chosen, struct err *err)
{
    struct err why = ERR_INIT;
    for (size_t at = 0; at < k->choice_count; at++) {
        struct err failed = ERR_INIT;
        *chosen = at;
        if (set_choice(k, &k->choices[at], &failed) == ERR_OK)
            return ERR_OK;
        why = failed;
    }
    return err_set(err, why.code, "%s", why.text);
}

static enum err_code time_median(struct backend_kernel *k, unsigned samples, double *ns,
                                 double *least, struct err *err)
{
    double *times = mem_alloc(samples, sizeof *times);
    enum err_code rc = ERR_OK;
    for (unsigned at = 0; at < 2 && rc == ERR_OK; at++) /* warm up */
        rc = k->driver->time(&k->launch, ns, err);
    for (unsigned at = 0; at < samples && rc == ERR_OK; at++)
        rc = k->driver->time(&k->launch, &times[at], err);
    if (rc == ERR_OK) {
        *ns = backend_median(times, samples); /* sorts */
        *least = times[0];
    }
    k->has_failed = k->has_failed || rc != ERR_OK;
    free(times);
    return rc;
}

static const char *choice_name(void *ctx, size_t candidate)
{
    struct backend_kernel *k = ctx;
    return k->choices[candidate].name;
}

static enum err_code measure_choice(void *ctx, size_t candidate, double *ns, struct err *err)
{
    struct backend_kernel *k = ctx;
    double least;
    if (k->has_failed)
        return err_set(err, ERR_DEVICE, "the device failed while it was tuned");
    enum err_code rc = set_choice(k, &k->choices[candidate], err);
    return rc == ERR_OK ? time_median(k, TUNE_SAMPLES, ns, &least, err) : rc;
}

/* Random bytes, most of them: zeroes would flatter the clock. */
static enum err_code fill_inputs(struct backend_kernel *k, int inputs, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (int input = 1; input <= inputs && rc == ERR_OK; input++) {
        size_t bytes = k->problem.bytes[input];
        unsigned char *noise = mem_alloc(bytes, 1);
        uint32_t state = 12345;
        for (size_t at = 0; at < bytes; at++) {
            state = state * 1664525 + 1013904223;
            noise[at] = (unsigned char)(state >> 24 & 0xbf); /* no exponents of infinity */
        }
        rc = k->driver->upload(k->buffers[input == 1 ? INPUT_A : INPUT_B], noise, bytes, err);
        free(noise);
    }
    return rc;
}

static enum err_code choose_measured(struct backend_kernel *k, const struct cuda_facts *facts,
                                     const struct backend_job *job, size_t *chosen,
                                     bool *from_cache, struct err *err)
{
    char family[160];
    cuda_family(&k->problem, family, sizeof family);
    const struct backend_tuner tuner = { facts->name, family,         k->choice_count,
                                         choice_name, measure_choice, k };
    enum err_code rc = fill_inputs(k, job->constant == NULL ? 2 : 1, err);
    if (rc == ERR_OK)
        rc = backend_tune(&tuner, job->tuning, chosen, from_cache, err);
    return rc == ERR_OK ? set_choice(k, &k->choices[*chosen], err) : rc;
}

/* "…; no tensor copies: A: a stride is no multiple of 16 bytes" */
static void describe_choice(struct backend_kernel *k, const struct cuda_choice *choice,
                            const char *how, bool falls_back, const struct intrin *intrin)
{
    size_t used = (size_t)snprintf(k->text, sizeof k->text, "%s%s", choice->name, how);
    if (falls_back && used < sizeof k->text)
        used += (size_t)snprintf(k->text + used, sizeof k->text - used, "; in place of %s",
                                 intrin->name);
    const char *const *why = k->problem.no_boxes;
    if (choice->row->engine == CUDA_WGMMA && used < sizeof k->text)
        snprintf(k->text + used, sizeof k->text - used, "; no tensor copies: %s%s",
                 why[0] != NULL ? "A: " : "B: ", why[0] != NULL ? why[0] : why[1]);
}

static enum err_code choose(struct backend_kernel *k, const struct backend_job *job,
                            const struct cuda_facts *facts, struct err *err)
{
    bool falls_back, from_cache = false;
    size_t chosen = 0;
    enum err_code rc = cuda_choices(facts, k->driver, &k->problem, job->plan->intrin, &k->choices,
                                    &k->choice_count, &falls_back, err);
    if (rc != ERR_OK)
        return rc;
    if (job->tuning != NULL)
        rc = choose_measured(k, facts, job, &chosen, &from_cache, err);
    else
        rc = choose_predicted(k, &chosen, err);
    if (rc == ERR_OK)
        describe_choice(k, &k->choices[chosen],
                        from_cache            ? ", tuned before"
                        : job->tuning != NULL ? ", tuned"
                                              : "",
                        falls_back, job->plan->intrin);
    return rc;
}

/* --- the backend's calls -------------------------------------------------------------------- */

static void release(struct backend_kernel *k)
{
    if (k == NULL)
        return;
    for (size_t at = 0; at < BUFFERS; at++)
        k->driver->release(k->buffers[at]);
    if (k->has_failed)
        atomic_store(&is_lost, true);
    drop_device();
    cuda_problem_release(&k->problem);
    free(k->choices);
    free(k);
}

static enum err_code prepare(const struct backend_job *job, struct backend_kernel **out,
                             struct err *err)
{
    struct cuda_facts facts;
    char reason[192];
    if (look(&facts, reason, sizeof reason) != BACKEND_AVAILABLE)
        return err_set(err, ERR_UNAVAILABLE, "%s", reason);
    enum err_code rc = backend_epilogue_check(job, err);
    if (rc != ERR_OK)
        return rc;
    struct backend_kernel *k = mem_alloc(1, sizeof *k);
    k->driver = cuda_driver_here();
    hold_device();
    rc = cuda_problem_init(&k->problem, job, err);
    if (rc == ERR_OK)
        rc = place(k, job, err);
    if (rc == ERR_OK)
        rc = choose(k, job, &facts, err);
    if (rc != ERR_OK) {
        release(k);
        return rc;
    }
    k->peak_ops_per_s = 2 * cuda_dense_macs_per_cycle(&facts, dtype_bytes(k->problem.type_a)) *
                        facts.units * facts.clock_hz;
    *out = k;
    return ERR_OK;
}

/* --- tensors that stay on the device ---------------------------------------------------------- */

static enum err_code memory_allocate(size_t bytes, void **out, struct err *err)
{
    struct cuda_facts facts;
    char reason[192];
    *out = NULL;
    if (look(&facts, reason, sizeof reason) != BACKEND_AVAILABLE)
        return err_set(err, ERR_UNAVAILABLE, "%s", reason);
    enum err_code rc = cuda_driver_here()->allocate(bytes, out, err);
    if (rc == ERR_OK)
        hold_device();
    return rc;
}

static void memory_release(void *memory)
{
    if (memory == NULL)
        return;
    cuda_driver_here()->release(memory);
    drop_device();
}

static enum err_code memory_upload(void *to, const void *from, size_t bytes, struct err *err)
{
    enum err_code rc = cuda_driver_here()->upload(to, from, bytes, err);
    if (rc != ERR_OK)
        atomic_store(&is_lost, true);
    return rc;
}

static enum err_code memory_download(void *to, const void *from, size_t bytes, struct err *err)
{
    enum err_code rc = cuda_driver_here()->download(to, from, bytes, err);
    if (rc != ERR_OK)
        atomic_store(&is_lost, true);
    return rc;
}

static const struct backend_memory memory = { memory_allocate, memory_release, memory_upload,
                                              memory_download };

/* The launch for these tensors; tensor maps are encoded again where one has moved. */
static enum err_code point_at(struct backend_kernel *k, const void *const inputs[2], void *output,
                              struct err *err)
{
    struct cuda_params *p = &k->params;
    const void *b =
        inputs[1] != NULL && k->problem.packed_b == NULL ? inputs[1] : k->buffers[INPUT_B];
    bool moved = p->a != inputs[0] || p->b != b;
    p->a = inputs[0];
    p->b = b;
    p->c = output;
    if (!moved || k->launch.row->engine != CUDA_WGMMA_TMA)
        return ERR_OK;
    enum err_code rc = encode_maps(k, err);
    if (rc != ERR_OK)
        p->a = NULL; /* the maps are of nothing now */
    return rc;
}

static enum err_code run_there(struct backend_kernel *k, const void *const inputs[2], void *output,
                               struct err *err)
{
    const struct cuda_driver *d = k->driver;
    enum err_code rc = point_at(k, inputs, output, err);
    if (rc == ERR_OK)
        rc = d->launch(&k->launch, err);
    if (rc == ERR_OK)
        rc = d->wait(err);
    k->has_failed = k->has_failed || rc != ERR_OK;
    return rc;
}

/* Back to the kernel's own tensors, with which the other calls work. */
static enum err_code point_home(struct backend_kernel *k, struct err *err)
{
    const void *inputs[2] = { k->buffers[INPUT_A], k->buffers[INPUT_B] };
    return point_at(k, inputs, k->buffers[OUTPUT], err);
}

static enum err_code run(struct backend_kernel *k, const void *const inputs[2], void *output,
                         struct err *err)
{
    const struct cuda_driver *d = k->driver;
    const size_t *bytes = k->problem.bytes;
    enum err_code rc = point_home(k, err);
    if (rc == ERR_OK)
        rc = d->upload(k->buffers[INPUT_A], inputs[0], bytes[1], err);
    if (rc == ERR_OK && inputs[1] != NULL && k->problem.packed_b == NULL)
        rc = d->upload(k->buffers[INPUT_B], inputs[1], bytes[2], err);
    if (rc == ERR_OK) /* what no thread writes shows */
        rc = d->fill(k->buffers[OUTPUT], 0xa5, bytes[0], err);
    if (rc == ERR_OK && k->params.partial != NULL)
        rc = d->fill(k->buffers[PARTIAL], 0xa5, k->partial_bytes, err);
    if (rc == ERR_OK)
        rc = d->launch(&k->launch, err);
    if (rc == ERR_OK)
        rc = d->wait(err);
    if (rc == ERR_OK)
        rc = d->download(output, k->buffers[OUTPUT], bytes[0], err);
    k->has_failed = k->has_failed || rc != ERR_OK;
    return rc;
}

static enum err_code measure(struct backend_kernel *k, unsigned samples, struct backend_time *out,
                             struct err *err)
{
    unsigned count = samples > 0 ? samples : 1;
    double median = 0, least = 0;
    enum err_code rc = point_home(k, err);
    if (rc == ERR_OK)
        rc = time_median(k, count, &median, &least, err);
    if (rc == ERR_OK)
        *out = (struct backend_time){ .median_ns = median,
                                      .min_ns = least,
                                      .samples = count,
                                      .peak_ops_per_s = k->peak_ops_per_s };
    return rc;
}

static const char *describe(const struct backend_kernel *k)
{
    return k->text;
}

/* By the first choice; a second input of zeroes stands for the constant, which is not read. */
static enum err_code predict(const struct backend_job *job,
                             const struct intrin_calibration *machine, struct backend_forecast *out,
                             struct err *err)
{
    struct cuda_facts facts;
    char reason[192];
    if (look(&facts, reason, sizeof reason) != BACKEND_AVAILABLE)
        return err_set(err, ERR_UNSUPPORTED, "%s", reason);
    struct backend_job like = *job;
    struct cuda_problem problem;
    struct cuda_choice *choices;
    size_t count;
    bool falls_back;
    uint64_t elements = 0;
    enum err_code rc = job->constant != NULL ? expr_elements(job->expr, 2, &elements, err) : ERR_OK;
    if (rc != ERR_OK)
        return rc;
    void *zeroes =
        elements > 0 ? mem_alloc(elements, dtype_bytes(job->expr->tensors[2].type)) : NULL;
    like.constant = zeroes;
    rc = cuda_problem_init(&problem, &like, err);
    free(zeroes);
    if (rc != ERR_OK)
        return rc;
    rc = cuda_choices(&facts, cuda_driver_here(), &problem, job->plan->intrin, &choices, &count,
                      &falls_back, err);
    if (rc == ERR_OK && machine != NULL && machine->link.to_bytes_per_s > 0) {
        /* What prepare() chooses, it chooses by what the device says of itself. */
        facts = cuda_facts_measured(&facts, cuda_driver_here(), machine);
        cuda_predict(&facts, &problem, choices[0].row, &choices[0].tiling, &choices[0].cost);
    }
    if (rc == ERR_OK) {
        cuda_forecast(&facts, &problem, &choices[0], out);
        free(choices);
    }
    cuda_problem_release(&problem);
    return rc;
}

const struct backend backend_cuda = {
    .name = "cuda",
    .follows_plans = true,
    .summary = "Tensor Cores of an NVIDIA GPU",
    .probe = probe,
    .takes = takes,
    .prepare = prepare,
    .run = run,
    .memory = &memory,
    .run_there = run_there,
    .measure = measure,
    .release = release,
    .describe = describe,
    .predict = predict,
};
