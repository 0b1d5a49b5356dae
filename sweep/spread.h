/*
 * Work of a sweep, done elsewhere: jobs go out, answers come back in any order. Two ways, one
 * struct: forked processes of this machine, and ranks of MPI (sweep_mpi_new()).
 *
 * Every job runs in a process of its own, forked for it: one that crashes takes nothing with it,
 * and its answer says so. An answer is a function of its job, so results do not depend on how many
 * there are at work. The process that starts jobs must not have entered an OpenMP region.
 */
#ifndef SOCWEAVE_SWEEP_SPREAD_H
#define SOCWEAVE_SWEEP_SPREAD_H

#include <stdbool.h>

#include "core/err.h"
#include "core/text.h"
#include "sweep/outcome.h"

enum sweep_job_kind {
    SWEEP_JOB_EVALUATE, /* search a mapping for the request */
    SWEEP_JOB_REPLAY    /* is the mapping of `from` better than `current`? */
};

struct sweep_job {
    uint32_t kind;
    struct sweep_request request;
    uint64_t budget_layers; /* of an evaluation */
    struct sweep_request from;
    struct sweep_outcome current;
    struct text mapping; /* of `from`, as it is kept; owned by who made the job */
};

struct sweep_answer {
    struct sweep_outcome outcome;
    double wall_s;
    bool crashed; /* its process died; reason says how, the outcome is SWEEP_FAILED */
    struct text reason, mapping; /* owned by who asked for the answer */
};
void sweep_answer_release(struct sweep_answer *answer);

/* Does a job; in the process that is there for it. The answer comes zeroed. */
struct sweep_work {
    const void *ctx;
    void (*run)(const void *ctx, const struct sweep_job *job, struct sweep_answer *answer);
};

struct sweep_spread {
    void *ctx;
    /* Jobs that may be under way at once; falls if workers are lost, 0: none is left. */
    unsigned (*width)(void *ctx);
    /* `ticket` comes back with the answer. The job is not needed after the call. */
    enum err_code (*start)(void *ctx, size_t ticket, const struct sweep_job *job, struct err *err);
    /* Waits up to timeout_ms for an answer; *got tells whether there is one. A signal may end the
     * wait early. */
    enum err_code (*wait)(void *ctx, int timeout_ms, bool *got, size_t *ticket,
                          struct sweep_answer *answer, struct err *err);
    void (*free)(void *ctx); /* jobs under way are given up */
};

struct sweep_spread sweep_local_new(const struct sweep_work *work, unsigned jobs);
void sweep_spread_free(struct sweep_spread *spread);

/* Bytes between processes of the same program. unpack: false if they are no whole answer or job;
 * the result's texts are its own. */
void sweep_job_pack(const struct sweep_job *job, struct text *out);
bool sweep_job_unpack(const char *bytes, size_t count, struct sweep_job *out);
void sweep_answer_pack(const struct sweep_answer *answer, struct text *out);
bool sweep_answer_unpack(const char *bytes, size_t count, struct sweep_answer *out);

#endif
