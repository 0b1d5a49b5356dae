/* Within the drive: many jobs at once, answers as they come. */
#ifndef SOCWEAVE_SWEEP_DRIVE_JOBS_H
#define SOCWEAVE_SWEEP_DRIVE_JOBS_H

#include "sweep/drive.h"

struct sweep_jobs {
    const struct sweep_drive *drive;
    struct sweep_drive_result *result;
    size_t count;
    void *ctx;
    /* Job i; its mapping is released after it was started. */
    enum err_code (*make)(void *ctx, size_t i, struct sweep_job *job, struct err *err);
    /* The answer to job i; what the callback wants to keep of it, it moves out. */
    enum err_code (*take)(void *ctx, size_t i, struct sweep_answer *answer, struct err *err);
};

/* All of them, or fewer if stop() said so. *done: how many were taken. */
enum err_code sweep_jobs_run(const struct sweep_jobs *jobs, size_t *done, struct err *err);
bool sweep_drive_stops(const struct sweep_drive *drive);

/* The replays after a batch, then sweep_store_settle(). *stopped: nothing was settled. */
enum err_code sweep_drive_replay(const struct sweep_drive *drive, uint64_t batch,
                                 const struct sweep_request *requests, size_t count,
                                 struct sweep_drive_result *result, bool *stopped, struct err *err);

#endif
