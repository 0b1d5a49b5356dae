/*
 * Parallel runs of the SystemC model: its kernel is single-threaded, so the workers are forked
 * processes. Each holds the problem as it was at the fork, takes mappings as bytes from a socket
 * and answers in order. Two requests per worker are under way, so that none waits for the parent;
 * replies fit the socket's buffer, hence no two ends ever wait for each other's writes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "sim/seam.h"

#define UNDER_WAY 4

struct request {
    uint64_t placement_count;
    uint64_t discipline;
    /* struct placement placements[placement_count] */
};

struct reply {
    struct evaluation evaluation;
    uint64_t code;
    /* struct err if code is not ERR_OK */
};

struct worker {
    pid_t pid;
    int fd;                  /* -1: the worker is gone */
    size_t asked[UNDER_WAY]; /* numbers of the mappings it has, oldest first */
    unsigned asked_count;
};

struct sim_pool {
    struct evaluator evaluator;
    const struct problem *problem;
    enum granularity granularity;
    unsigned worker_count; /* 0: everything in this process */
    struct worker *workers;
    struct pollfd *polls; /* [worker_count] */
    char *message;        /* a request as it is sent */
    size_t message_bytes;
};

/* --- bytes ---------------------------------------------------------------------------------- */

static bool send_all(int fd, const void *data, size_t bytes)
{
    const char *at = (const char *)data;
    while (bytes > 0) {
        ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        bytes -= (size_t)sent;
    }
    return true;
}

static bool receive_all(int fd, void *data, size_t bytes)
{
    char *at = (char *)data;
    while (bytes > 0) {
        ssize_t received = recv(fd, at, bytes, 0);
        if (received < 0 && errno == EINTR)
            continue;
        if (received <= 0)
            return false;
        at += received;
        bytes -= (size_t)received;
    }
    return true;
}

/* --- one evaluation, and the worker that does nothing else ------------------------------------ */

static enum err_code evaluate_deadlines_here(const struct sim_pool *pool,
                                             const struct mapping *mapping, struct evaluation *out,
                                             struct err *err)
{
    const struct sim_options options = { .granularity = pool->granularity };
    struct sim_result result;
    enum err_code rc = sim_run(pool->problem, mapping, &options, &result, err);
    if (rc != ERR_OK)
        return rc;
    const struct schedule *times = &result.schedule;
    *out = (struct evaluation){
        .makespan_ps = times->makespan_ps,
        .energy_pj = times->energy_pj,
        .on_time = deadline_judge_mapping(pool->problem, mapping, times->start_ps, times->end_ps),
    };
    sim_result_release(&result);
    return ERR_OK;
}

static enum err_code evaluate_here(const struct sim_pool *pool, const struct mapping *mapping,
                                   struct evaluation *out, struct err *err)
{
    if (deadline_matters(pool->problem))
        return evaluate_deadlines_here(pool, mapping, out, err);
    uint64_t makespan_ps;
    enum err_code rc = sim_makespan(pool->problem, mapping, pool->granularity, &makespan_ps, err);
    if (rc != ERR_OK)
        return rc;
    *out = (struct evaluation){ .makespan_ps = makespan_ps };
    out->energy_pj = mapping_energy(pool->problem, mapping, makespan_ps).total_pj;
    return ERR_OK;
}

static bool answer(const struct sim_pool *pool, int fd, const struct mapping *mapping)
{
    struct err err = ERR_INIT;
    struct reply reply = { .code = ERR_OK };
    reply.code = (uint64_t)evaluate_here(pool, mapping, &reply.evaluation, &err);
    return send_all(fd, &reply, sizeof reply) &&
           (reply.code == ERR_OK || send_all(fd, &err, sizeof err));
}

static void worker_serve(const struct sim_pool *pool, int fd)
{
    struct request request;
    struct mapping mapping = { .placements = NULL };
    bool alive = true;
    while (alive && receive_all(fd, &request, sizeof request)) {
        mapping.discipline = (enum mapping_discipline)request.discipline;
        mapping.placement_count = request.placement_count;
        mapping.placements = (struct placement *)mem_grow(
            mapping.placements, mapping.placement_count + 1, sizeof *mapping.placements);
        alive = receive_all(fd, mapping.placements,
                            mapping.placement_count * sizeof *mapping.placements) &&
                answer(pool, fd, &mapping);
    }
    free(mapping.placements);
}

/* --- life of the workers -------------------------------------------------------------------- */

/* The child must not keep its siblings' sockets, nor act on the terminal's Ctrl-C. */
static void worker_main(const struct sim_pool *pool, unsigned self, int fd)
{
    (void)signal(SIGINT, SIG_IGN);
    for (unsigned i = 0; i < self; i++)
        close(pool->workers[i].fd);
    worker_serve(pool, fd);
    _exit(0);
}

static enum err_code worker_start(struct sim_pool *pool, unsigned self, struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return err_set(err, ERR_SIM, "no socket for a worker process: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        worker_main(pool, self, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_set(err, ERR_SIM, "no worker process: %s", strerror(errno));
    }
    pool->workers[self] = (struct worker){ .pid = pid, .fd = ends[0] };
    return ERR_OK;
}

/* shutdown() reaches the worker even where later children hold copies of the socket. */
static int worker_end(struct worker *worker)
{
    int status = 0;
    if (worker->fd < 0)
        return 0;
    if (worker->asked_count > 0)
        (void)kill(worker->pid, SIGKILL);
    (void)shutdown(worker->fd, SHUT_RDWR);
    close(worker->fd);
    worker->fd = -1;
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

static enum err_code worker_died(struct worker *worker, struct err *err)
{
    int pid = (int)worker->pid;
    worker->asked_count = 0; /* it is gone: its own status, not that of a kill */
    int status = worker_end(worker);
    if (WIFSIGNALED(status))
        return err_set(err, ERR_SIM, "worker process %d was killed by signal %d (%s)", pid,
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    return err_set(err, ERR_SIM, "worker process %d ended with status %d", pid,
                   WEXITSTATUS(status));
}

/* --- a batch -------------------------------------------------------------------------------- */

struct batch {
    const struct mapping *mappings;
    struct evaluation *out;
    size_t count, sent;
    size_t failed; /* the lowest number that failed; count if none */
    struct err failure;
};

static void batch_fail(struct batch *batch, size_t number, const struct err *failure)
{
    if (number < batch->failed) {
        batch->failed = number;
        batch->failure = *failure;
    }
}

static void worker_lost(struct batch *batch, struct worker *worker)
{
    struct err err = ERR_INIT;
    size_t number = worker->asked_count > 0 ? worker->asked[0] : batch->sent;
    worker_died(worker, &err);
    batch_fail(batch, number < batch->count ? number : batch->count - 1, &err);
}

/* In one piece: a second system call would cost more than the copy. */
static bool send_mapping(struct sim_pool *pool, int fd, const struct mapping *mapping)
{
    const struct request request = { mapping->placement_count, (uint64_t)mapping->discipline };
    size_t body = mapping->placement_count * sizeof *mapping->placements;
    if (sizeof request + body > pool->message_bytes) {
        pool->message_bytes = sizeof request + body;
        pool->message = (char *)mem_grow(pool->message, pool->message_bytes, 1);
    }
    memcpy(pool->message, &request, sizeof request);
    memcpy(pool->message + sizeof request, mapping->placements, body);
    return send_all(fd, pool->message, sizeof request + body);
}

static void worker_ask(struct sim_pool *pool, struct batch *batch, struct worker *worker)
{
    size_t number = batch->sent;
    if (worker->fd < 0 || number == batch->count || batch->failed < batch->count)
        return;
    worker->asked[worker->asked_count++] = number;
    batch->sent++;
    if (!send_mapping(pool, worker->fd, &batch->mappings[number]))
        worker_lost(batch, worker);
}

static void worker_answered(struct sim_pool *pool, struct batch *batch, struct worker *worker)
{
    struct reply reply;
    struct err failure = ERR_INIT;
    if (worker->asked_count == 0 || !receive_all(worker->fd, &reply, sizeof reply) ||
        (reply.code != ERR_OK && !receive_all(worker->fd, &failure, sizeof failure))) {
        worker_lost(batch, worker);
        return;
    }
    size_t number = worker->asked[0];
    worker->asked_count--;
    memmove(worker->asked, worker->asked + 1, worker->asked_count * sizeof worker->asked[0]);
    if (reply.code == ERR_OK)
        batch->out[number] = reply.evaluation;
    else
        batch_fail(batch, number, &failure);
    worker_ask(pool, batch, worker);
}

/* False when no worker has anything to do. */
static bool pool_wait(struct sim_pool *pool, struct batch *batch)
{
    bool any = false;
    for (unsigned i = 0; i < pool->worker_count; i++) {
        struct worker *worker = &pool->workers[i];
        bool busy = worker->fd >= 0 && worker->asked_count > 0;
        pool->polls[i] = (struct pollfd){ .fd = busy ? worker->fd : -1, .events = POLLIN };
        any = any || busy;
    }
    if (!any || poll(pool->polls, pool->worker_count, -1) < 0)
        return any; /* interrupted by a signal: again */
    for (unsigned i = 0; i < pool->worker_count; i++)
        if (pool->polls[i].revents != 0)
            worker_answered(pool, batch, &pool->workers[i]);
    return true;
}

static enum err_code evaluate_in_workers(struct sim_pool *pool, struct batch *batch,
                                         struct err *err)
{
    for (unsigned i = 0; i < pool->worker_count; i++)
        if (pool->workers[i].fd < 0)
            return err_set(err, ERR_SIM, "a worker process died in an earlier batch");
    for (unsigned round = 0; round < UNDER_WAY; round++)
        for (unsigned i = 0; i < pool->worker_count; i++)
            worker_ask(pool, batch, &pool->workers[i]);
    while (pool_wait(pool, batch))
        continue;
    if (batch->failed == batch->count)
        return ERR_OK;
    if (err != NULL && err->code == ERR_OK)
        *err = batch->failure;
    return batch->failure.code;
}

static enum err_code pool_evaluate(void *ctx, const struct mapping *mappings, size_t count,
                                   struct evaluation *out, struct err *err)
{
    struct sim_pool *pool = (struct sim_pool *)ctx;
    if (pool->worker_count > 0) {
        struct batch batch = { .mappings = mappings, .out = out, .count = count, .failed = count };
        return evaluate_in_workers(pool, &batch, err);
    }
    for (size_t i = 0; i < count; i++) {
        enum err_code rc = evaluate_here(pool, &mappings[i], &out[i], err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

/* --- the pool ------------------------------------------------------------------------------- */

enum err_code sim_pool_new(const struct problem *problem, enum granularity granularity,
                           unsigned jobs, struct sim_pool **out, struct err *err)
{
    struct sim_pool *pool = (struct sim_pool *)mem_alloc(1, sizeof *pool);
    unsigned wanted = jobs > 1 ? jobs : 0;
    pool->evaluator =
        (struct evaluator){ .name = "systemc", .ctx = pool, .evaluate = pool_evaluate };
    pool->problem = problem;
    pool->granularity = granularity;
    pool->workers = (struct worker *)mem_alloc(wanted + 1, sizeof *pool->workers);
    pool->polls = (struct pollfd *)mem_alloc(wanted + 1, sizeof *pool->polls);
    while (pool->worker_count < wanted) {
        enum err_code rc = worker_start(pool, pool->worker_count, err);
        if (rc != ERR_OK) {
            sim_pool_free(pool);
            return rc;
        }
        pool->worker_count++;
    }
    *out = pool;
    return ERR_OK;
}

const struct evaluator *sim_pool_evaluator(struct sim_pool *pool)
{
    return &pool->evaluator;
}

void sim_pool_free(struct sim_pool *pool)
{
    if (pool == NULL)
        return;
    for (unsigned i = 0; i < pool->worker_count; i++)
        worker_end(&pool->workers[i]);
    free(pool->workers);
    free(pool->polls);
    free(pool->message);
    free(pool);
}
