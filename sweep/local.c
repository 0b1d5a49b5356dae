/* Jobs in forked processes of this machine: one process per job, its answer through a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "sweep/spread.h"

struct slot {
    pid_t pid; /* 0: free */
    int fd;
    size_t ticket;
    struct text got;
};

struct local {
    struct sweep_work work;
    unsigned count;
    struct slot *slots;   /* [count] */
    struct pollfd *polls; /* [count] */
};

/* --- in the child ------------------------------------------------------------------------------
 */

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(fd, data, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        bytes -= (size_t)written;
    }
    return true;
}

/* Ctrl-C reaches the whole process group: the parent decides. A child never outlives it. */
static void child_main(const struct local *local, pid_t parent, const struct sweep_job *job, int fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_DFL);
    struct sweep_answer answer;
    struct text bytes = { 0 };
    memset(&answer, 0, sizeof answer);
    double started_s = now_s();
    local->work.run(local->work.ctx, job, &answer);
    answer.wall_s = now_s() - started_s;
    sweep_answer_pack(&answer, &bytes);
    _exit(write_all(fd, bytes.data, bytes.bytes) ? 0 : 1);
}

/* --- in the parent -----------------------------------------------------------------------------
 */

static unsigned local_width(void *ctx)
{
    return ((const struct local *)ctx)->count;
}

static enum err_code local_start(void *ctx, size_t ticket, const struct sweep_job *job,
                                 struct err *err)
{
    struct local *local = (struct local *)ctx;
    struct slot *slot = local->slots;
    while (slot->pid)
        slot++; /* the caller keeps to the width */
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_IO, "cannot start an evaluation: %s", strerror(errno));
    fflush(stdout);
    fflush(stderr);
    pid_t self = getpid(), pid = fork();
    int number = errno;
    if (pid == 0)
        child_main(local, self, job, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_set(err, ERR_IO, "cannot start an evaluation: %s", strerror(number));
    }
    slot->pid = pid;
    slot->fd = ends[0];
    slot->ticket = ticket;
    return ERR_OK;
}

static int reap(struct slot *slot)
{
    int status = 0;
    close(slot->fd);
    while (waitpid(slot->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    slot->pid = 0;
    return status;
}

static void say_how(int status, struct text *reason)
{
    if (WIFSIGNALED(status))
        text_printf(reason, "its process was killed by signal %d (%s)", WTERMSIG(status),
                    strsignal(WTERMSIG(status)));
    else
        text_printf(reason, "its process ended with exit status %d", WEXITSTATUS(status));
}

static void finish(struct slot *slot, size_t *ticket, struct sweep_answer *answer)
{
    int status = reap(slot);
    *ticket = slot->ticket;
    memset(answer, 0, sizeof *answer);
    if (!sweep_answer_unpack(slot->got.data, slot->got.bytes, answer)) {
        answer->crashed = true;
        answer->outcome =
            (struct sweep_outcome){ .status = SWEEP_FAILED, .replayed_from = SWEEP_NO_POINT };
        say_how(status, &answer->reason);
    }
    text_release(&slot->got);
}

/* True at the end of what the child says. */
static bool read_some(struct slot *slot)
{
    char piece[65536];
    ssize_t count = read(slot->fd, piece, sizeof piece);
    if (count > 0)
        text_add_bytes(&slot->got, piece, (size_t)count);
    return count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
}

static enum err_code local_wait(void *ctx, int timeout_ms, bool *got, size_t *ticket,
                                struct sweep_answer *answer, struct err *err)
{
    struct local *local = (struct local *)ctx;
    *got = false;
    for (unsigned i = 0; i < local->count; i++)
        local->polls[i] = (struct pollfd){ .fd = local->slots[i].pid ? local->slots[i].fd : -1,
                                           .events = POLLIN };
    if (poll(local->polls, local->count, timeout_ms) < 0)
        return errno == EINTR
                   ? ERR_OK
                   : err_set(err, ERR_IO, "cannot wait for evaluations: %s", strerror(errno));
    for (unsigned i = 0; i < local->count && !*got; i++)
        if (local->polls[i].revents && read_some(&local->slots[i])) {
            finish(&local->slots[i], ticket, answer);
            *got = true;
        }
    return ERR_OK;
}

static void local_free(void *ctx)
{
    struct local *local = (struct local *)ctx;
    for (unsigned i = 0; i < local->count; i++) {
        struct slot *slot = &local->slots[i];
        if (slot->pid) {
            (void)kill(slot->pid, SIGKILL);
            reap(slot);
        }
        text_release(&slot->got);
    }
    free(local->slots);
    free(local->polls);
    free(local);
}

struct sweep_spread sweep_local_new(const struct sweep_work *work, unsigned jobs)
{
    struct local *local = (struct local *)mem_alloc(1, sizeof *local);
    local->work = *work;
    local->count = jobs ? jobs : 1;
    local->slots = (struct slot *)mem_alloc(local->count, sizeof *local->slots);
    local->polls = (struct pollfd *)mem_alloc(local->count, sizeof *local->polls);
    return (struct sweep_spread){ local, local_width, local_start, local_wait, local_free };
}
