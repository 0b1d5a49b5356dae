#include "backends/cuda/calibrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/choose.h"
#include "backends/sample.h"
#include "core/arena.h"
#include "core/operator.h"

#define TUNED       24
#define SMALL_BYTES 4

const struct cuda_calibrate_sizes cuda_calibrate_default = { 8192, (size_t)64 << 20,
                                                             (size_t)256 << 20 };

struct session {
    const struct cuda_driver *driver;
    const struct cuda_calibrate_sizes *sizes;
    unsigned samples;
    void *device, *host;
    struct err *err;
};

/* --- memory and link ------------------------------------------------------------------------ */

enum transfer { UPLOAD, DOWNLOAD, FILL };

static enum err_code transfer_once(struct session *s, enum transfer what, size_t bytes)
{
    const struct cuda_driver *d = s->driver;
    if (what == UPLOAD)
        return d->upload(s->device, s->host, bytes, s->err);
    if (what == DOWNLOAD)
        return d->download(s->host, s->device, bytes, s->err);
    enum err_code rc = d->fill(s->device, 0x5a, bytes, s->err);
    return rc == ERR_OK ? d->wait(s->err) : rc;
}

/* Median of the host's clock, warmed up. */
static enum err_code time_transfer(struct session *s, enum transfer what, size_t bytes, double *ns)
{
    double *times = mem_alloc(s->samples, sizeof *times);
    enum err_code rc = transfer_once(s, what, bytes);
    for (unsigned at = 0; at < s->samples && rc == ERR_OK; at++) {
        double begin = backend_now_ns();
        rc = transfer_once(s, what, bytes);
        times[at] = backend_now_ns() - begin;
    }
    if (rc == ERR_OK)
        *ns = backend_median(times, s->samples);
    free(times);
    return rc;
}

/* Bytes per second beyond the time of a transfer of next to nothing. */
static double rate_beyond(size_t bytes, double ns, double small_ns)
{
    double own_ns = ns - small_ns;
    return (double)bytes / (own_ns > ns / 10 ? own_ns : ns / 10) * 1e9;
}

static enum err_code measure_link(struct session *s, struct intrin_link *out)
{
    double call_ns, to_ns, from_ns;
    enum err_code rc = time_transfer(s, UPLOAD, SMALL_BYTES, &call_ns);
    if (rc == ERR_OK)
        rc = time_transfer(s, UPLOAD, s->sizes->copy_bytes, &to_ns);
    if (rc == ERR_OK)
        rc = time_transfer(s, DOWNLOAD, s->sizes->copy_bytes, &from_ns);
    if (rc == ERR_OK)
        *out = (struct intrin_link){ rate_beyond(s->sizes->copy_bytes, to_ns, call_ns),
                                     rate_beyond(s->sizes->copy_bytes, from_ns, call_ns), call_ns };
    return rc;
}

static enum err_code measure_memory(struct session *s, struct intrin_rates *out)
{
    double small_ns, ns;
    enum err_code rc = time_transfer(s, FILL, SMALL_BYTES, &small_ns);
    if (rc == ERR_OK)
        rc = time_transfer(s, FILL, s->sizes->fill_bytes, &ns);
    if (rc == ERR_OK) {
        out->call_ns = small_ns;
        out->memory_write_bytes_per_s = rate_beyond(s->sizes->fill_bytes, ns, small_ns);
    }
    return rc;
}

/* --- products ------------------------------------------------------------------------------- */

/* wgmma where the device has it. */
static enum err_code open_intrinsic(struct intrin *out, struct err *err)
{
    static const char *const names[] = { "wgmma.m64n256k32.u8s8", "mma.m16n8k32.u8s8" };
    for (size_t at = 0; at < 2; at++) {
        enum err_code rc = intrin_find(names[at], out, err);
        if (rc != ERR_OK || backend_cuda.takes(out))
            return rc;
        intrin_release(out);
    }
    return err_set(err, ERR_UNSUPPORTED, "no instruction for u8 x s8 was built");
}

static enum err_code measure_job(const struct backend_job *job, unsigned samples, double *ns,
                                 struct err *err)
{
    struct backend_kernel *kernel;
    struct backend_time time;
    enum err_code rc = backend_cuda.prepare(job, &kernel, err);
    if (rc != ERR_OK)
        return rc;
    rc = backend_cuda.measure(kernel, samples, &time, err);
    backend_cuda.release(kernel);
    if (rc == ERR_OK)
        *ns = time.median_ns;
    return rc;
}

static enum err_code measure_product(int64_t side, unsigned samples, double *ops_per_s,
                                     struct err *err)
{
    const struct expr_binding sides[] = { { "m", side, true },
                                          { "n", side, true },
                                          { "k", side, true } };
    static const struct backend_tuning tuning = { TUNED, NULL };
    static const struct intrin_mapping mapping = { { 1 << 0, 1 << 1, 1 << 2 } };
    struct intrin intrin;
    struct intrin_plan plan;
    struct expr expr;
    double ns = 0;
    enum err_code rc = op_bind(op_find("gemm"), sides, 3, &expr, err);
    if (rc == ERR_OK)
        rc = open_intrinsic(&intrin, err);
    if (rc != ERR_OK)
        return rc;
    intrin_adopt_types(&intrin, &expr);
    rc = intrin_plan_init(&plan, &intrin, &expr, &mapping, err);
    if (rc == ERR_OK) {
        /* Weights of one: only whether there are any matters, and that nothing is subnormal. */
        size_t bytes = (size_t)(side * side);
        unsigned char *weights = mem_alloc(bytes, 1);
        for (size_t at = 0; at < bytes; at++)
            weights[at] = (unsigned char)(at * 2654435761u >> 24);
        const struct backend_job job = {
            .expr = &expr, .plan = &plan, .constant = weights, .tuning = &tuning, .threads = 1
        };
        rc = measure_job(&job, samples, &ns, err);
        free(weights);
        intrin_plan_release(&plan);
    }
    intrin_release(&intrin);
    if (rc == ERR_OK)
        *ops_per_s = 2.0 * (double)side * (double)side * (double)side / ns * 1e9;
    return rc;
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum err_code measure_device(struct session *s, struct intrin_calibration *out,
                                    struct intrin_rates *rates)
{
    enum err_code rc = s->driver->allocate(s->sizes->fill_bytes, &s->device, s->err);
    if (rc != ERR_OK)
        return rc;
    s->host = mem_alloc(s->sizes->copy_bytes, 1);
    memset(s->host, 0x5a, s->sizes->copy_bytes);
    rc = measure_link(s, &out->link);
    if (rc == ERR_OK)
        rc = measure_memory(s, rates);
    free(s->host);
    s->driver->release(s->device);
    if (rc != ERR_OK)
        s->driver->reset();
    return rc;
}

enum err_code cuda_calibrate(const struct cuda_calibrate_sizes *sizes, unsigned samples,
                             struct intrin_calibration *out, char name[64], struct err *err)
{
    struct cuda_facts facts;
    struct backend_probe found;
    struct session s = {
        .driver = cuda_driver_here(), .sizes = sizes, .samples = samples, .err = err
    };
    backend_cuda.probe(&found);
    if (found.state != BACKEND_AVAILABLE)
        return err_set(err, ERR_UNAVAILABLE, "--calibrate: %s", found.reason);
    s.driver->probe(&facts, found.reason, sizeof found.reason);
    struct intrin_rates rates = { .threads = facts.units,
                                  .memory_bytes_per_s = facts.memory_bytes_per_s };
    snprintf(name, 64, "%s", facts.name);
    out->name = name;
    out->cores = facts.units;
    out->samples = samples;
    out->l2_bytes = facts.cache_bytes;
    enum err_code rc = measure_device(&s, out, &rates);
    if (rc == ERR_OK)
        rc = measure_product(sizes->side, samples, &rates.peak_ops_per_s, err);
    if (rc == ERR_OK) {
        out->rate_count = 1;
        out->rates[0] = rates;
    }
    return rc;
}
