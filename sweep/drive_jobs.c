#include <stdlib.h>

#include "core/arena.h"
#include "sweep/drive_jobs.h"

#define WAIT_MS 100 /* the store's delay and stop() are looked at in between */

struct run {
    const struct sweep_jobs *jobs;
    size_t next, under_way, done;
    size_t *again; /* jobs that crashed once; served before new ones */
    size_t again_count;
    bool *crashed; /* [job] */
};

bool sweep_drive_stops(const struct sweep_drive *drive)
{
    return drive->stop && drive->stop(drive->ctx);
}

static enum err_code start_one(struct run *run, size_t i, struct err *err)
{
    const struct sweep_jobs *jobs = run->jobs;
    const struct sweep_spread *spread = jobs->drive->spread;
    struct sweep_job job = { .mapping = { 0 } };
    enum err_code rc = jobs->make(jobs->ctx, i, &job, err);
    if (rc == ERR_OK)
        rc = spread->start(spread->ctx, i, &job, err);
    text_release(&job.mapping);
    run->under_way += rc == ERR_OK;
    return rc;
}

static enum err_code start_some(struct run *run, struct err *err)
{
    const struct sweep_spread *spread = run->jobs->drive->spread;
    enum err_code rc = ERR_OK;
    while (rc == ERR_OK && run->under_way < spread->width(spread->ctx) &&
           !sweep_drive_stops(run->jobs->drive)) {
        if (run->again_count)
            rc = start_one(run, run->again[--run->again_count], err);
        else if (run->next < run->jobs->count)
            rc = start_one(run, run->next++, err);
        else
            break;
    }
    return rc;
}

static enum err_code take_one(struct run *run, size_t i, struct sweep_answer *answer,
                              struct err *err)
{
    run->under_way--;
    run->jobs->result->crashes += answer->crashed;
    if (answer->crashed && !run->crashed[i]) {
        run->crashed[i] = true;
        run->again[run->again_count++] = i;
        return ERR_OK;
    }
    run->done++;
    return run->jobs->take(run->jobs->ctx, i, answer, err);
}

static enum err_code turn(struct run *run, struct err *err)
{
    const struct sweep_drive *drive = run->jobs->drive;
    struct sweep_answer answer;
    size_t i;
    bool got;
    enum err_code rc = start_some(run, err);
    if (rc == ERR_OK && run->under_way)
        rc = drive->spread->wait(drive->spread->ctx, WAIT_MS, &got, &i, &answer, err);
    else
        return rc;
    if (rc == ERR_OK && got) {
        rc = take_one(run, i, &answer, err);
        sweep_answer_release(&answer);
    }
    if (rc == ERR_OK)
        rc = sweep_store_tick(drive->store, err);
    if (rc == ERR_OK && drive->progress)
        drive->progress(drive->ctx, &run->jobs->result->progress);
    return rc;
}

static bool goes_on(const struct run *run)
{
    bool left = run->again_count || run->next < run->jobs->count;
    return run->under_way || (left && !sweep_drive_stops(run->jobs->drive));
}

enum err_code sweep_jobs_run(const struct sweep_jobs *jobs, size_t *done, struct err *err)
{
    const struct sweep_spread *spread = jobs->drive->spread;
    struct run run = { .jobs = jobs };
    run.again = (size_t *)mem_alloc(jobs->count + 1, sizeof *run.again);
    run.crashed = (bool *)mem_alloc(jobs->count + 1, sizeof *run.crashed);
    enum err_code rc = ERR_OK;
    while (rc == ERR_OK && goes_on(&run)) {
        rc = turn(&run, err);
        if (rc == ERR_OK && !spread->width(spread->ctx))
            rc = err_set(err, ERR_IO, "no worker is left");
    }
    free(run.again);
    free(run.crashed);
    *done = run.done;
    return rc;
}
