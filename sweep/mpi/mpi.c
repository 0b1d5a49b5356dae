/*
 * Ranks of MPI. Waiting is by looking and sleeping, not by MPI's own blocking calls: those keep a
 * core busy. Messages start with the job's ticket; the rest are bytes of sweep/spread.h.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "sweep/mpi.h"

enum { TAG_JOB = 1, TAG_ANSWER, TAG_ALIVE, TAG_END };

#define ALIVE_EVERY_S 1.0
#define NAP_NS_MIN    20000L
#define NAP_NS_MAX    1000000L

struct under_way {
    size_t ticket;
    struct text job; /* packed; to hand it out again */
};

struct rank {
    unsigned jobs;  /* at once */
    double heard_s; /* last time */
    bool lost;
    size_t count;
    struct under_way *under_way; /* [jobs] */
};

struct sweep_mpi {
    int rank, size;
    struct rank *ranks; /* [size]; rank 0 only */
    size_t orphan_count;
    struct under_way *orphans; /* of lost ranks */
    double lost_after_s;
    bool agreed;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Longer naps the longer nothing happens. */
static void nap(long *nap_ns)
{
    struct timespec pause = { 0, *nap_ns };
    nanosleep(&pause, NULL);
    *nap_ns = *nap_ns * 2 < NAP_NS_MAX ? *nap_ns * 2 : NAP_NS_MAX;
}

bool sweep_mpi_launched(void)
{
    static const char *const names[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                         "MV2_COMM_WORLD_SIZE" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *size = getenv(names[i]);
        if (size && atoi(size) > 1)
            return true;
    }
    return false;
}

enum err_code sweep_mpi_new(struct sweep_mpi **out, struct err *err)
{
    int given;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given) != MPI_SUCCESS)
        return err_set(err, ERR_UNAVAILABLE, "MPI does not start");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    struct sweep_mpi *mpi = (struct sweep_mpi *)mem_alloc(1, sizeof *mpi);
    MPI_Comm_rank(MPI_COMM_WORLD, &mpi->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &mpi->size);
    *out = mpi;
    return ERR_OK;
}

unsigned sweep_mpi_rank(const struct sweep_mpi *mpi)
{
    return (unsigned)mpi->rank;
}

unsigned sweep_mpi_size(const struct sweep_mpi *mpi)
{
    return (unsigned)mpi->size;
}

unsigned sweep_mpi_lost(const struct sweep_mpi *mpi)
{
    unsigned lost = 0;
    for (int i = 1; mpi->ranks && i < mpi->size; i++)
        lost += mpi->ranks[i].lost;
    return lost;
}

/* --- do all mean the same study? ---------------------------------------------------------------
 */

struct hello {
    char identity[256], host[128], failure[512];
    unsigned jobs;
};

static enum err_code judge(const struct sweep_mpi *mpi, const struct hello *hellos, struct err *err)
{
    for (int i = 1; i < mpi->size; i++) {
        const struct hello *theirs = &hellos[i];
        if (*theirs->failure)
            return err_set(err, ERR_IO, "rank %d on %s: %s", i, theirs->host, theirs->failure);
        if (strcmp(theirs->identity, hellos[0].identity) != 0)
            return err_set(err, ERR_REFERENCE,
                           "rank %d on %s has other inputs or another program: expected %s, "
                           "found %s",
                           i, theirs->host, hellos[0].identity, theirs->identity);
    }
    return ERR_OK;
}

enum err_code sweep_mpi_agree(struct sweep_mpi *mpi, const char *identity,
                              const struct err *failure, unsigned jobs, struct err *err)
{
    struct hello mine, *all = (struct hello *)mem_alloc((size_t)mpi->size, sizeof *all);
    memset(&mine, 0, sizeof mine);
    snprintf(mine.identity, sizeof mine.identity, "%s", identity);
    gethostname(mine.host, sizeof mine.host - 1);
    if (failure && failure->code != ERR_OK)
        err_format(failure, mine.failure, sizeof mine.failure);
    mine.jobs = jobs;
    int rc =
        MPI_Gather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, 0, MPI_COMM_WORLD);
    enum err_code code = ERR_OK;
    if (rc != MPI_SUCCESS)
        code = err_set(err, ERR_IO, "the ranks of MPI cannot reach each other");
    else if (mpi->rank == 0)
        code = judge(mpi, all, err);
    if (mpi->rank == 0) {
        mpi->ranks = (struct rank *)mem_alloc((size_t)mpi->size, sizeof *mpi->ranks);
        for (int i = 1; i < mpi->size; i++) {
            mpi->ranks[i].jobs = all[i].jobs;
            mpi->ranks[i].heard_s = now_s();
            mpi->ranks[i].under_way =
                (struct under_way *)mem_alloc(all[i].jobs + 1, sizeof *mpi->ranks[i].under_way);
        }
    }
    mpi->agreed = rc == MPI_SUCCESS;
    free(all);
    return code;
}

/* --- messages ----------------------------------------------------------------------------------
 */

/* Ticket, then the bytes. */
static void envelope(size_t ticket, struct text *out)
{
    uint64_t number = ticket;
    text_add_bytes(out, (const char *)&number, sizeof number);
}

static bool send_bytes(int to, int tag, const struct text *bytes)
{
    return MPI_Send(bytes->bytes ? bytes->data : "", (int)bytes->bytes, MPI_BYTE, to, tag,
                    MPI_COMM_WORLD) == MPI_SUCCESS;
}

/* A message that is there already, whole; *tag 0 if there is none. */
static int receive(struct text *bytes, int *tag)
{
    MPI_Status status;
    int there = 0, count = 0;
    *tag = 0;
    if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &status) != MPI_SUCCESS ||
        !there)
        return -1;
    MPI_Get_count(&status, MPI_BYTE, &count);
    char *data = (char *)mem_alloc((size_t)count + 1, 1);
    if (MPI_Recv(data, count, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE) == MPI_SUCCESS) {
        *tag = status.MPI_TAG;
        text_add_bytes(bytes, data, (size_t)count);
    }
    free(data);
    return status.MPI_SOURCE;
}

/* --- a worker ----------------------------------------------------------------------------------
 */

static bool serve_message(struct sweep_spread *local)
{
    struct text bytes = { 0 };
    struct sweep_job job;
    struct err err = ERR_INIT;
    uint64_t ticket;
    int tag;
    bool goes_on = true;
    receive(&bytes, &tag);
    if (tag == TAG_END) {
        goes_on = false;
    } else if (tag == TAG_JOB && bytes.bytes >= sizeof ticket) {
        memcpy(&ticket, bytes.data, sizeof ticket);
        if (sweep_job_unpack(bytes.data + sizeof ticket, bytes.bytes - sizeof ticket, &job)) {
            if (local->start(local->ctx, (size_t)ticket, &job, &err) != ERR_OK) {
                fprintf(stderr, "socweave sweep: %s\n", err.text);
                MPI_Abort(MPI_COMM_WORLD, err_exit_status(err.code));
            }
            text_release(&job.mapping);
        }
    }
    text_release(&bytes);
    return goes_on;
}

static bool send_answer(struct sweep_spread *local)
{
    struct sweep_answer answer;
    struct err err = ERR_INIT;
    size_t ticket;
    bool got;
    if (local->wait(local->ctx, 0, &got, &ticket, &answer, &err) != ERR_OK || !got)
        return false;
    struct text bytes = { 0 };
    envelope(ticket, &bytes);
    sweep_answer_pack(&answer, &bytes);
    send_bytes(0, TAG_ANSWER, &bytes);
    text_release(&bytes);
    sweep_answer_release(&answer);
    return true;
}

void sweep_mpi_serve(struct sweep_mpi *mpi, const struct sweep_work *work)
{
    struct sweep_spread local = sweep_local_new(work, 1024);
    const struct text nothing = { 0 };
    double told_s = now_s();
    long nap_ns = NAP_NS_MIN;
    int there;
    (void)mpi;
    for (bool goes_on = true; goes_on;) {
        bool busy = send_answer(&local);
        if (MPI_Iprobe(0, MPI_ANY_TAG, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            break;
        if (there) {
            goes_on = serve_message(&local);
            busy = true;
        }
        if (now_s() - told_s > ALIVE_EVERY_S) {
            told_s = now_s();
            send_bytes(0, TAG_ALIVE, &nothing);
        }
        if (busy)
            nap_ns = NAP_NS_MIN;
        else
            nap(&nap_ns);
    }
    sweep_spread_free(&local);
}

/* --- rank 0 ------------------------------------------------------------------------------------
 */

static unsigned mpi_width(void *ctx)
{
    const struct sweep_mpi *mpi = (const struct sweep_mpi *)ctx;
    unsigned width = 0;
    for (int i = 1; i < mpi->size; i++)
        width += mpi->ranks[i].lost ? 0 : mpi->ranks[i].jobs;
    return width;
}

/* Its jobs wait for another rank. */
static void give_up_rank(struct sweep_mpi *mpi, int number)
{
    struct rank *rank = &mpi->ranks[number];
    rank->lost = true;
    if (rank->count) {
        mpi->orphans = (struct under_way *)mem_grow(mpi->orphans, mpi->orphan_count + rank->count,
                                                    sizeof *mpi->orphans);
        memcpy(mpi->orphans + mpi->orphan_count, rank->under_way,
               rank->count * sizeof *rank->under_way);
    }
    mpi->orphan_count += rank->count;
    rank->count = 0;
}

/* The rank with the most room; 0: none has any. */
static int idlest(const struct sweep_mpi *mpi)
{
    int best = 0;
    size_t room = 0;
    for (int i = 1; i < mpi->size; i++) {
        const struct rank *rank = &mpi->ranks[i];
        if (!rank->lost && rank->jobs - rank->count > room) {
            best = i;
            room = rank->jobs - rank->count;
        }
    }
    return best;
}

/* Takes the job; false: nobody has room, and it is an orphan now. */
static bool hand_out(struct sweep_mpi *mpi, struct under_way *job_take)
{
    for (int to; (to = idlest(mpi)) != 0;) {
        if (send_bytes(to, TAG_JOB, &job_take->job)) {
            struct rank *rank = &mpi->ranks[to];
            rank->under_way[rank->count++] = *job_take;
            return true;
        }
        give_up_rank(mpi, to);
    }
    mpi->orphans =
        (struct under_way *)mem_grow(mpi->orphans, mpi->orphan_count + 1, sizeof *mpi->orphans);
    mpi->orphans[mpi->orphan_count++] = *job_take;
    return false;
}

static enum err_code mpi_start(void *ctx, size_t ticket, const struct sweep_job *job,
                               struct err *err)
{
    struct under_way one = { .ticket = ticket };
    (void)err;
    envelope(ticket, &one.job);
    sweep_job_pack(job, &one.job);
    hand_out((struct sweep_mpi *)ctx, &one);
    return ERR_OK;
}

/* False: the rank was given up before, and another has the job. */
static bool strike_off(struct rank *rank, size_t ticket)
{
    for (size_t i = 0; i < rank->count; i++) {
        if (rank->under_way[i].ticket != ticket)
            continue;
        text_release(&rank->under_way[i].job);
        rank->under_way[i] = rank->under_way[--rank->count];
        return true;
    }
    return false;
}

static bool take_message(struct sweep_mpi *mpi, bool *got, size_t *ticket,
                         struct sweep_answer *answer)
{
    struct text bytes = { 0 };
    uint64_t number;
    int tag, from = receive(&bytes, &tag);
    if (tag == 0)
        return false;
    struct rank *rank = &mpi->ranks[from];
    rank->heard_s = now_s();
    if (tag == TAG_ANSWER && bytes.bytes >= sizeof number) {
        memcpy(&number, bytes.data, sizeof number);
        *got = strike_off(rank, (size_t)number) &&
               sweep_answer_unpack(bytes.data + sizeof number, bytes.bytes - sizeof number, answer);
        *ticket = (size_t)number;
    }
    text_release(&bytes);
    return true;
}

static void look_for_lost(struct sweep_mpi *mpi)
{
    double now = now_s();
    for (int i = 1; i < mpi->size; i++)
        if (!mpi->ranks[i].lost && now - mpi->ranks[i].heard_s > mpi->lost_after_s)
            give_up_rank(mpi, i);
    while (mpi->orphan_count && idlest(mpi)) {
        struct under_way job = mpi->orphans[--mpi->orphan_count];
        if (!hand_out(mpi, &job))
            break;
    }
}

static enum err_code mpi_wait(void *ctx, int timeout_ms, bool *got, size_t *ticket,
                              struct sweep_answer *answer, struct err *err)
{
    struct sweep_mpi *mpi = (struct sweep_mpi *)ctx;
    double until_s = now_s() + 1e-3 * timeout_ms;
    long nap_ns = NAP_NS_MIN;
    *got = false;
    do {
        if (take_message(mpi, got, ticket, answer))
            nap_ns = NAP_NS_MIN;
        else
            nap(&nap_ns);
    } while (!*got && now_s() < until_s);
    look_for_lost(mpi);
    if (!*got && !mpi_width(mpi))
        return err_set(err, ERR_IO, "all workers of MPI were lost");
    return ERR_OK;
}

struct sweep_spread sweep_mpi_spread(struct sweep_mpi *mpi, double lost_after_s)
{
    mpi->lost_after_s = lost_after_s;
    for (int i = 1; i < mpi->size; i++)
        mpi->ranks[i].heard_s = now_s();
    return (struct sweep_spread){ mpi, mpi_width, mpi_start, mpi_wait, NULL };
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void rank_release(struct rank *rank)
{
    for (size_t i = 0; i < rank->count; i++)
        text_release(&rank->under_way[i].job);
    free(rank->under_way);
}

/* MPI_Finalize waits for every rank, so not where one is gone. */
void sweep_mpi_free(struct sweep_mpi *mpi)
{
    if (!mpi)
        return;
    const struct text nothing = { 0 };
    bool whole = sweep_mpi_lost(mpi) == 0;
    for (int i = 1; mpi->ranks && i < mpi->size; i++) {
        if (!mpi->ranks[i].lost)
            send_bytes(i, TAG_END, &nothing);
        rank_release(&mpi->ranks[i]);
    }
    for (size_t i = 0; i < mpi->orphan_count; i++)
        text_release(&mpi->orphans[i].job);
    free(mpi->orphans);
    free(mpi->ranks);
    free(mpi);
    if (whole)
        MPI_Finalize();
}
