/* Rank 0 as one server: turns of sweep/drive_jobs.c, step by step, in simulated time.
 * docs/model.md M-130, M-131. */
#include <math.h>
#include <stdlib.h>

#include "bench/handout/handout.h"
#include "core/arena.h"
#include "core/rng.h"

/* Of sweep/store_pending.c and sweep/mpi/mpi.c. */
#define DELAY_S       0.25
#define ALIVE_EVERY_S 1.0
enum { ROWS_MAX = 256, BYTES_MAX = 1024 * 1024 };

double handout_duration_s(const struct handout_load *load, uint64_t point)
{
    struct rng rng = rng_stream(1, point, 0);
    double variance = log(1 + load->variation * load->variation);
    double normal = sqrt(-2 * log(1 - rng_real(&rng))) * cos(2 * M_PI * rng_real(&rng));
    return load->mean_s * exp(sqrt(variance) * normal - variance / 2);
}

/* Answers on their way, the earliest first: a binary heap of times. */
struct answers {
    double *at_s;
    size_t count;
};

static void answers_add(struct answers *a, double at_s)
{
    size_t i = a->count++;
    for (; i > 0 && a->at_s[(i - 1) / 2] > at_s; i = (i - 1) / 2)
        a->at_s[i] = a->at_s[(i - 1) / 2];
    a->at_s[i] = at_s;
}

static double answers_take(struct answers *a)
{
    double first_s = a->at_s[0], last_s = a->at_s[--a->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < a->count; i = child) {
        child += child + 1 < a->count && a->at_s[child + 1] < a->at_s[child];
        if (a->at_s[child] >= last_s)
            break;
        a->at_s[i] = a->at_s[child];
    }
    a->at_s[i] = last_s;
    return first_s;
}

struct rank_0 {
    const struct handout_load *load;
    const struct handout_service *service;
    unsigned workers;
    double now_s, busy_s, alive_s; /* alive_s: signs of life are received up to here */
    struct answers answers;
    size_t pending;
    double pending_since_s;
};

static void work(struct rank_0 *r, double seconds)
{
    r->now_s += seconds;
    r->busy_s += seconds;
}

static void commit(struct rank_0 *r)
{
    if (r->pending)
        work(r, r->service->commit_s + (double)r->pending * r->service->row_s);
    r->pending = 0;
}

/* Every worker says once a second that it lives; a message like any other. */
static void hear_signs_of_life(struct rank_0 *r)
{
    double count = floor((r->now_s - r->alive_s) / ALIVE_EVERY_S * r->workers);
    r->alive_s += count * ALIVE_EVERY_S / r->workers;
    work(r, count * r->service->receive_s);
}

static void take_answer(struct rank_0 *r)
{
    double there_s = answers_take(&r->answers);
    if (there_s > r->now_s)
        r->now_s = there_s;
    work(r, r->service->receive_s + r->service->keep_s);
    if (r->pending++ == 0)
        r->pending_since_s = r->now_s;
    if (r->pending == ROWS_MAX || r->pending * r->load->mapping_bytes >= BYTES_MAX ||
        r->now_s - r->pending_since_s >= DELAY_S)
        commit(r);
}

/* A batch is over when its last answer is kept. */
static void run_batch(struct rank_0 *r, uint64_t begin, uint64_t end)
{
    for (uint64_t next = begin; next < end || r->answers.count > 0;) {
        for (; next < end && r->answers.count < r->workers; next++) {
            work(r, r->service->start_s);
            answers_add(&r->answers,
                        r->now_s + r->service->turnaround_s + handout_duration_s(r->load, next));
        }
        take_answer(r);
        hear_signs_of_life(r);
    }
    commit(r);
}

struct handout_result handout_simulate(const struct handout_load *load,
                                       const struct handout_service *service, unsigned workers)
{
    struct rank_0 r = { .load = load, .service = service, .workers = workers };
    double sum_s = 0;
    r.answers.at_s = (double *)mem_alloc(workers + 1, sizeof *r.answers.at_s);
    for (uint64_t begin = 0; begin < load->evaluations; begin += load->batch) {
        uint64_t end = begin + load->batch;
        run_batch(&r, begin, end < load->evaluations ? end : load->evaluations);
    }
    free(r.answers.at_s);
    for (uint64_t i = 0; i < load->evaluations; i++)
        sum_s += handout_duration_s(load, i);
    return (struct handout_result){ .workers = workers,
                                    .wall_s = r.now_s,
                                    .efficiency = sum_s / (workers * r.now_s),
                                    .rank_0_busy = r.busy_s / r.now_s,
                                    .service = *service };
}
