/* The real loop, store and messages; what an evaluation does is sleep. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/handout/handout.h"
#include "core/arena.h"
#include "core/rng.h"
#include "sweep/drive.h"
#include "sweep/mpi.h"

#define LOST_AFTER_S 30.0

struct timed {
    double *s;
    size_t count;
};

struct run {
    const struct handout_load *load;
    struct sweep_spread under; /* the real one; ours takes the time */
    struct sweep_request *batch;
    uint64_t asked;
    double *started_s, *evaluation_s; /* [point] */
    double returned_s;                /* from wait() with an answer; 0: something came since */
    struct timed starts, receives, keeps, turnarounds;
};

static double read_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double now_s(void)
{
    return read_s(CLOCK_MONOTONIC);
}

static void fail(const struct err *err)
{
    char line[1024];
    fprintf(stderr, "handout: %s\n", err_format(err, line, sizeof line));
    exit(1);
}

/* --- on a worker ------------------------------------------------------------------------------
 */

/* Mappings are packed, that is noise; 0x78 marks them. */
static void add_noise(struct text *out, uint64_t bytes, uint64_t point)
{
    struct rng rng = rng_stream(2, point, 0);
    text_add(out, "x");
    while (out->bytes < bytes) {
        uint32_t word = rng_u32(&rng);
        text_add_bytes(out, (const char *)&word, sizeof word);
    }
}

static void sleep_as_job(const void *ctx, const struct sweep_job *job, struct sweep_answer *answer)
{
    const struct handout_load *load = (const struct handout_load *)ctx;
    double s = handout_duration_s(load, job->request.point), begin_s = now_s();
    struct timespec pause = { (time_t)s, (long)((s - (double)(time_t)s) * 1e9) };
    nanosleep(&pause, NULL);
    answer->outcome = (struct sweep_outcome){ .status = SWEEP_OK,
                                              .makespan_ps = 1 + job->request.point,
                                              .energy_pj = now_s() - begin_s,
                                              .replayed_from = SWEEP_NO_POINT };
    add_noise(&answer->mapping, load->mapping_bytes, job->request.point);
}

/* --- what rank 0 asks of us --------------------------------------------------------------------
 */

static size_t ask(void *ctx, const struct sweep_request **batch)
{
    struct run *run = (struct run *)ctx;
    size_t count = 0;
    for (; count < run->load->batch && run->asked < run->load->evaluations; run->asked++)
        run->batch[count++] = (struct sweep_request){ run->asked, 0 };
    *batch = run->batch;
    return count;
}

static void tell(void *ctx, const struct sweep_outcome *outcomes)
{
    (void)ctx, (void)outcomes;
}

static uint64_t budget_layers(void *ctx, uint32_t rung)
{
    (void)ctx, (void)rung;
    return 1;
}

static bool relaxes(void *ctx, uint64_t big, uint64_t small)
{
    (void)ctx, (void)big, (void)small;
    return false;
}

static void values(void *ctx, uint64_t point, struct sweep_value *out)
{
    (void)ctx;
    for (int i = 0; i < 5; i++)
        out[i] = (struct sweep_value){ NULL, (double)(point >> i) };
}

/* --- a spread that takes the time ---------------------------------------------------------------
 */

static void add_time(struct timed *timed, double s)
{
    timed->s[timed->count++] = s;
}

/* The time since the answer went to keeping it. */
static void leave_keeping(struct run *run)
{
    if (run->returned_s > 0)
        add_time(&run->keeps, now_s() - run->returned_s);
    run->returned_s = 0;
}

static unsigned timed_width(void *ctx)
{
    struct run *run = (struct run *)ctx;
    leave_keeping(run);
    return run->under.width(run->under.ctx);
}

static enum err_code timed_start(void *ctx, size_t ticket, const struct sweep_job *job,
                                 struct err *err)
{
    struct run *run = (struct run *)ctx;
    double begin_s = now_s();
    enum err_code rc = run->under.start(run->under.ctx, ticket, job, err);
    run->started_s[job->request.point] = now_s();
    add_time(&run->starts, now_s() - begin_s);
    return rc;
}

static enum err_code timed_wait(void *ctx, int timeout_ms, bool *got, size_t *ticket,
                                struct sweep_answer *answer, struct err *err)
{
    struct run *run = (struct run *)ctx;
    double begin_s = read_s(CLOCK_THREAD_CPUTIME_ID); /* waiting sleeps */
    enum err_code rc = run->under.wait(run->under.ctx, timeout_ms, got, ticket, answer, err);
    if (rc != ERR_OK || !*got)
        return rc;
    uint64_t point = answer->outcome.makespan_ps - 1;
    run->returned_s = now_s();
    run->evaluation_s[point] = answer->outcome.energy_pj;
    add_time(&run->receives, read_s(CLOCK_THREAD_CPUTIME_ID) - begin_s);
    add_time(&run->turnarounds, run->returned_s - run->started_s[point] - run->evaluation_s[point]);
    return rc;
}

/* --- service times ------------------------------------------------------------------------------
 */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(struct timed *timed, double q)
{
    qsort(timed->s, timed->count, sizeof *timed->s, by_size);
    return timed->count ? timed->s[(size_t)(q * (double)(timed->count - 1))] : 0;
}

static struct sweep_store *open_store(const char *dir)
{
    static const char *const parameters[] = { "a", "b", "c", "d", "e" };
    const struct sweep_study study = { .version = "handout",
                                       .command = "handout",
                                       .space_file = "",
                                       .space_text = "",
                                       .space_sha256 = "",
                                       .workload_file = "",
                                       .parameter_count = 5,
                                       .parameters = parameters };
    struct sweep_store *store;
    struct err err = ERR_INIT;
    if (sweep_store_new(dir, &study, &store, &err) != ERR_OK)
        fail(&err);
    return store;
}

/* Median time of a commit of so many rows, in the study itself, before it begins. */
static double commit_s(struct sweep_store *store, const struct handout_load *load, unsigned rows,
                       uint64_t first_point)
{
    double s[15];
    struct timed timed = { s, 0 };
    struct err err = ERR_INIT;
    struct sweep_value point_values[5];
    for (uint64_t i = 0; i < 15; i++) {
        for (unsigned k = 0; k < rows; k++) {
            struct sweep_record record = { .request = { first_point + i * rows + k, 0 },
                                           .reason = "" };
            struct text mapping = { 0 };
            values(NULL, record.request.point, point_values);
            add_noise(&mapping, load->mapping_bytes, record.request.point);
            if (sweep_store_add(store, &record, &mapping, point_values, &err) != ERR_OK)
                fail(&err);
            text_release(&mapping);
        }
        double begin_s = now_s();
        if (sweep_store_commit(store, &err) != ERR_OK)
            fail(&err);
        add_time(&timed, now_s() - begin_s);
    }
    return quantile(&timed, 0.5);
}

/* --- the run ------------------------------------------------------------------------------------
 */

static struct timed timed_new(const struct handout_load *load)
{
    return (struct timed){ (double *)mem_alloc(load->evaluations + 1, sizeof(double)), 0 };
}

static void measure_store(struct sweep_store *store, const struct handout_load *load,
                          struct handout_service *out)
{
    enum { FEW = 1, MANY = 64 };
    const uint64_t elsewhere = UINT64_C(1) << 40; /* points of no evaluation */
    double few_s = commit_s(store, load, FEW, elsewhere);
    double many_s = commit_s(store, load, MANY, 2 * elsewhere);
    out->row_s = many_s > few_s ? (many_s - few_s) / (MANY - FEW) : 0;
    out->commit_s = few_s - FEW * out->row_s;
}

static struct handout_result drive(struct run *run, struct sweep_store *store,
                                   const struct sweep_spread *spread)
{
    struct sweep_drive_result outcome;
    struct handout_result result = { 0 };
    struct err err = ERR_INIT;
    const struct sweep_drive how = { .store = store,
                                     .spread = spread,
                                     .ctx = run,
                                     .ask = ask,
                                     .tell = tell,
                                     .budget_layers = budget_layers,
                                     .relaxes = relaxes,
                                     .values = values };
    unsigned workers = run->under.width(run->under.ctx);
    measure_store(store, run->load, &result.service);
    double begin_s = now_s(), sum_s = 0;
    if (sweep_drive(&how, &outcome, &err) != ERR_OK)
        fail(&err);
    result.workers = workers;
    result.wall_s = now_s() - begin_s;
    for (uint64_t i = 0; i < run->load->evaluations; i++)
        sum_s += run->evaluation_s[i];
    result.efficiency = sum_s / (workers * result.wall_s);
    return result;
}

struct handout_result handout_run(const struct handout_load *load, const char *dir)
{
    struct run run = { .load = load };
    struct err err = ERR_INIT;
    struct sweep_mpi *mpi;
    struct sweep_work work = { load, sleep_as_job };
    if (!sweep_mpi_launched())
        err_set(&err, ERR_USAGE, "run: start it with mpirun -n 2 or more");
    else if (sweep_mpi_new(&mpi, &err) == ERR_OK)
        sweep_mpi_agree(mpi, "handout", NULL, 1, &err);
    if (err.code != ERR_OK)
        fail(&err);
    if (sweep_mpi_rank(mpi) != 0) {
        sweep_mpi_serve(mpi, &work);
        sweep_mpi_free(mpi);
        exit(0);
    }
    run.under = sweep_mpi_spread(mpi, LOST_AFTER_S);
    run.batch = (struct sweep_request *)mem_alloc(load->batch, sizeof *run.batch);
    run.started_s = timed_new(load).s;
    run.evaluation_s = timed_new(load).s;
    run.starts = timed_new(load);
    run.receives = timed_new(load);
    run.keeps = timed_new(load);
    run.turnarounds = timed_new(load);
    const struct sweep_spread spread = { &run, timed_width, timed_start, timed_wait, NULL };
    struct sweep_store *store = open_store(dir);
    struct handout_result result = drive(&run, store, &spread);
    /* Few looks in vain in it. */
    result.service.start_s = quantile(&run.starts, 0.5);
    result.service.receive_s = quantile(&run.receives, 0.1);
    result.service.keep_s = quantile(&run.keeps, 0.5);
    result.service.turnaround_s = quantile(&run.turnarounds, 0.5);
    sweep_store_close(store, NULL);
    sweep_mpi_free(mpi);
    return result;
}
