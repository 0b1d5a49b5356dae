#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "sweep/drive_jobs.h"

struct batch {
    const struct sweep_drive *drive;
    struct sweep_drive_result *result;
    uint64_t number;
    const struct sweep_request *requests;
    size_t count;
    size_t *missing; /* positions that this process is to evaluate */
    size_t missing_count;
    struct sweep_value *values; /* [parameter] */
};

/* --- what the store lacks ----------------------------------------------------------------------
 */

static enum err_code make_evaluation(void *ctx, size_t i, struct sweep_job *job, struct err *err)
{
    const struct batch *b = (const struct batch *)ctx;
    (void)err;
    job->kind = SWEEP_JOB_EVALUATE;
    job->request = b->requests[b->missing[i]];
    job->budget_layers = b->drive->budget_layers(b->drive->ctx, job->request.rung);
    return ERR_OK;
}

static enum err_code keep_outcome(void *ctx, size_t i, struct sweep_answer *answer, struct err *err)
{
    struct batch *b = (struct batch *)ctx;
    const struct sweep_drive *drive = b->drive;
    size_t position = b->missing[i];
    struct sweep_record record = { .request = b->requests[position],
                                   .batch = b->number,
                                   .position = position,
                                   .found = answer->outcome,
                                   .reason = answer->reason.data ? answer->reason.data : "",
                                   .wall_s = answer->wall_s };
    drive->values(drive->ctx, record.request.point, b->values);
    b->result->progress.evaluated++;
    b->result->progress.known++;
    return sweep_store_add(drive->store, &record, &answer->mapping, b->values, err);
}

static bool is_ours(const struct sweep_drive *drive, uint64_t ordinal)
{
    return !drive->shard_count || ordinal % drive->shard_count + 1 == drive->shard;
}

/* Returns how many requests have no outcome, ours or not. `asked`: requests before this batch. */
static size_t find_missing(struct batch *b, uint64_t asked)
{
    size_t lacking = 0;
    b->missing_count = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (sweep_store_find(b->drive->store, b->requests[i]))
            continue;
        lacking++;
        if (is_ours(b->drive, asked + i) && !b->drive->evaluates_nothing)
            b->missing[b->missing_count++] = i;
    }
    b->result->progress.looked_up += b->count - lacking;
    b->result->progress.known += b->count - lacking;
    return lacking;
}

static enum err_code evaluate_missing(struct batch *b, size_t *done, struct err *err)
{
    struct sweep_jobs jobs = { b->drive, b->result,       b->missing_count,
                               b,        make_evaluation, keep_outcome };
    enum err_code rc = sweep_jobs_run(&jobs, done, err);
    if (rc == ERR_OK)
        return sweep_store_commit(b->drive->store, err);
    sweep_store_commit(b->drive->store, NULL); /* what was done is worth keeping */
    return rc;
}

/* --- the end of a batch ------------------------------------------------------------------------
 */

static void tell(const struct batch *b)
{
    const struct sweep_drive *drive = b->drive;
    struct sweep_outcome *outcomes = (struct sweep_outcome *)mem_alloc(b->count, sizeof *outcomes);
    for (size_t i = 0; i < b->count; i++) {
        const struct sweep_record *record = sweep_store_find(drive->store, b->requests[i]);
        outcomes[i] = record ? record->settled
                             : (struct sweep_outcome){ .status = SWEEP_FAILED,
                                                       .replayed_from = SWEEP_NO_POINT };
    }
    drive->tell(drive->ctx, outcomes);
    free(outcomes);
}

/* A shard has only part of the outcomes, so it settles nothing: that is for the merged study. */
static enum err_code end_batch(struct batch *b, bool *stopped, struct err *err)
{
    enum err_code rc = ERR_OK;
    *stopped = false;
    b->result->progress.replaying = true;
    if (!b->drive->shard_count && !sweep_store_settled(b->drive->store, b->number))
        rc =
            sweep_drive_replay(b->drive, b->number, b->requests, b->count, b->result, stopped, err);
    b->result->progress.replaying = false;
    if (rc == ERR_OK && !*stopped)
        tell(b);
    return rc;
}

static enum err_code serve_batch(struct batch *b, uint64_t asked, bool *goes_on, struct err *err)
{
    struct sweep_drive_result *result = b->result;
    size_t lacking = find_missing(b, asked), done = 0;
    bool stopped = false;
    enum err_code rc = evaluate_missing(b, &done, err);
    if (rc != ERR_OK)
        return rc;
    result->missing = lacking - done;
    bool lacks = b->drive->shard_count ? !b->drive->asks_regardless : lacking > b->missing_count;
    if (done < b->missing_count)
        stopped = true;
    else if (lacks)
        result->end = SWEEP_LACKING;
    else
        rc = end_batch(b, &stopped, err);
    if (stopped)
        result->end = SWEEP_STOPPED;
    *goes_on = rc == ERR_OK && !stopped && !lacks;
    return rc;
}

enum err_code sweep_drive(const struct sweep_drive *drive, struct sweep_drive_result *out,
                          struct err *err)
{
    enum err_code rc = ERR_OK;
    uint64_t asked = 0;
    bool goes_on = true;
    *out = (struct sweep_drive_result){ .end = SWEEP_FINISHED };
    struct batch b = { .drive = drive, .result = out };
    b.values = (struct sweep_value *)mem_alloc(sweep_store_study(drive->store)->parameter_count + 1,
                                               sizeof *b.values);
    while (rc == ERR_OK && goes_on && (b.count = drive->ask(drive->ctx, &b.requests)) > 0) {
        b.missing = (size_t *)mem_grow(b.missing, b.count, sizeof *b.missing);
        out->progress.batch = b.number;
        rc = serve_batch(&b, asked, &goes_on, err);
        asked += b.count;
        b.number++;
    }
    free(b.missing);
    free(b.values);
    return rc;
}
