/*
 * compare: the runs. Each is a process of its own: SystemC can elaborate once per process, several
 * run side by side, and none can disturb the next. The parent never enters an OpenMP region.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/compare.h"
#include "cli/search.h"
#include "core/file.h"
#include "core/num.h"
#include "sim/sim.h"

/* What a run tells its parent: one write of less than PIPE_BUF. */
struct told {
    struct err err;
    struct report_compare_row row;
    uint64_t bound_ps; /* of the problem as a whole; 0: not looked for */
};

/* --- in the child ---------------------------------------------------------------------------- */

static enum err_code search(const struct cli_compare *c, const struct cli_contestant *contestant,
                            const struct problem *problem, uint64_t seed, struct cli_found *found,
                            struct err *err)
{
    struct cli_search search = {
        .mapper = contestant->mapper,
        .problem = problem,
        .sharing = contestant->sharing,
        .finds_splits = contestant->finds_splits,
        .options = c->options,
    };
    struct mapper_options *options = &search.options;
    options->seed = seed;
    options->jobs = c->threads;
    options->levers_off = contestant->levers_off;
    if (options->budget_layers) { /* for mappers that count evaluations */
        uint64_t evals = max_u64(options->budget_layers / problem->layer_count, 1);
        options->budget_evals =
            options->budget_evals ? min_u64(options->budget_evals, evals) : evals;
    }
    return cli_search_run(&search, found, err);
}

/* Scheduled, checked, simulated: figures that don't rest on what the mapper says. */
static enum err_code judge(const struct cli_compare *c, const struct problem *problem,
                           const struct mapper_result *found, struct report_compare_row *row,
                           struct err *err)
{
    enum granularity granularity = c->options.granularity;
    struct sim_options options = { .granularity = granularity };
    struct schedule analytic;
    struct sim_result run;
    schedule_init(&analytic, problem->layer_count);
    analytic_schedule(problem, &found->mapping, granularity, &analytic);
    enum err_code rc = mapping_check(problem, &found->mapping, &analytic, granularity, err);
    if (rc == ERR_OK)
        rc = sim_run(problem, &found->mapping, &options, &run, err);
    if (rc == ERR_OK) {
        row->analytic_makespan_ps = analytic.makespan_ps;
        row->makespan_ps = run.schedule.makespan_ps;
        row->energy_pj =
            mapping_energy(problem, &found->mapping, run.schedule.makespan_ps).total_pj;
        row->evaluations = found->evaluations;
        sim_result_release(&run);
    }
    schedule_release(&analytic);
    return rc;
}

static enum err_code run_once(const struct cli_compare *c, size_t at, uint64_t bound_ps,
                              struct told *told)
{
    const struct report_compare *r = &c->report;
    const struct cli_contestant *contestant =
        &c->contestants[at / r->seed_count % r->contestant_count];
    size_t case_ = at / r->seed_count / r->contestant_count;
    const struct problem *problem =
        &c->problems[case_ * COST_SHARING_COUNT + contestant->sharing]->problem;
    struct cli_found found;
    struct report_compare_row *row = &told->row;
    double started_s = cli_now_s();
    if (search(c, contestant, problem, r->first_seed + at % r->seed_count, &found, &told->err) !=
        ERR_OK)
        return told->err.code;
    row->wall_s = cli_now_s() - started_s;
    told->bound_ps = bound_ps;
    if (bound_ps == 0 || found.splits.any)
        bound_ps = mapper_lower_bound(found.problem, c->options.granularity).makespan_ps;
    if (!found.splits.any)
        told->bound_ps = bound_ps;
    row->lower_bound_ps = max_u64(bound_ps, found.result.proved_bound_ps);
    if (judge(c, found.problem, &found.result, row, &told->err) == ERR_OK &&
        row->analytic_makespan_ps < row->lower_bound_ps)
        err_set(&told->err, ERR_CHECK, "the lower bound %llu ps is above the makespan %llu ps",
                (unsigned long long)row->lower_bound_ps,
                (unsigned long long)row->analytic_makespan_ps);
    row->done = told->err.code == ERR_OK;
    cli_found_release(&found);
    return told->err.code;
}

/* Ctrl-C reaches the whole process group: the parent decides. A child never outlives it. */
static void child_main(const struct cli_compare *c, size_t at, uint64_t bound_ps, int fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    cli_stop = 0; /* set if the signal came between the parent's last look and fork() */
    struct told told = { .err = ERR_INIT };
    run_once(c, at, bound_ps, &told);
    _exit(write(fd, &told, sizeof told) == (ssize_t)sizeof told ? 0 : 1);
}

/* --- in the parent --------------------------------------------------------------------------- */

struct slot {
    pid_t pid;
    int fd;
    size_t at;
};

struct runs {
    struct cli_compare *compare;
    struct slot *slots;
    size_t slot_count, next, done, total;
    uint64_t *bounds_ps; /* [case][sharing]; 0: not known yet */
    struct cli_progress progress;
};

static uint64_t *bound_of(const struct runs *runs, size_t at)
{
    const struct report_compare *r = &runs->compare->report;
    size_t case_ = at / r->seed_count / r->contestant_count;
    size_t contestant = at / r->seed_count % r->contestant_count;
    return &runs->bounds_ps[case_ * COST_SHARING_COUNT +
                            runs->compare->contestants[contestant].sharing];
}

static enum err_code start(struct runs *runs, size_t at, struct err *err)
{
    int ends[2];
    if (pipe(ends) != 0)
        return err_set(err, ERR_IO, "cannot start a run: %s", strerror(errno));
    fflush(stdout);
    fflush(stderr);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child_main(runs->compare, at, *bound_of(runs, at), ends[1]);
    }
    int number = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_set(err, ERR_IO, "cannot start a run: %s", strerror(number));
    }
    runs->slots[runs->slot_count++] = (struct slot){ pid, ends[0], at };
    return ERR_OK;
}

static enum err_code save_table(const struct cli_compare *c, const char *name,
                                void (*write_table)(const struct report_compare *, struct text *),
                                struct err *err)
{
    struct text text = { 0 };
    char *file = file_join(c->out, name);
    write_table(&c->report, &text);
    enum err_code rc = file_write(file, text.data, text.bytes, err);
    free(file);
    text_release(&text);
    return rc;
}

static void name_run(const struct runs *runs, size_t at, char *buf, size_t size)
{
    const struct report_compare *r = &runs->compare->report;
    const struct report_compare_case *case_ = &r->cases[at / r->seed_count / r->contestant_count];
    snprintf(buf, size, "%.80s × %.80s, %.60s, seed %llu", case_->soc, case_->workload,
             r->contestants[at / r->seed_count % r->contestant_count],
             (unsigned long long)(r->first_seed + at % r->seed_count));
}

/* The error of a run, with the run's name before it. */
static enum err_code run_failed(const struct runs *runs, size_t at, const struct told *told,
                                struct err *err)
{
    char name[320], line[700];
    name_run(runs, at, name, sizeof name);
    return err_set(err, told->err.code, "%s: %s", name, err_format(&told->err, line, sizeof line));
}

/* Slot `i` has something to say, or has died. */
static enum err_code finish(struct runs *runs, size_t i, struct err *err)
{
    struct slot slot = runs->slots[i];
    struct told told = { .err = ERR_INIT };
    size_t got = 0;
    for (ssize_t n; got < sizeof told; got += (size_t)n)
        if ((n = read(slot.fd, (char *)&told + got, sizeof told - got)) <= 0) {
            if (n < 0 && errno == EINTR) {
                n = 0;
                continue;
            }
            break;
        }
    int status = 0;
    close(slot.fd);
    while (waitpid(slot.pid, &status, 0) < 0 && errno == EINTR)
        ;
    runs->slots[i] = runs->slots[--runs->slot_count];
    if (got < sizeof told) {
        told = (struct told){ .err = ERR_INIT };
        err_set(&told.err, ERR_CHECK, "the run's process ended by %s %d",
                WIFSIGNALED(status) ? "signal" : "exit status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    if (told.err.code != ERR_OK)
        return run_failed(runs, slot.at, &told, err);
    *bound_of(runs, slot.at) = told.bound_ps;
    runs->compare->report.rows[slot.at] = told.row;
    runs->done++;
    char name[320];
    name_run(runs, slot.at, name, sizeof name);
    cli_progress_show(&runs->progress, runs->done, runs->total, name);
    /* Times first: a row without its time would be worse than a time without its row. */
    if (save_table(runs->compare, "timings.csv", report_compare_timings_csv, err) == ERR_OK)
        save_table(runs->compare, "rows.csv", report_compare_rows_csv, err);
    return err->code;
}

static void abandon(struct runs *runs)
{
    for (size_t i = 0; i < runs->slot_count; i++) {
        kill(runs->slots[i].pid, SIGKILL);
        close(runs->slots[i].fd);
        while (waitpid(runs->slots[i].pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    runs->slot_count = 0;
}

/* Starts what there is room for. */
static enum err_code fill_slots(struct runs *runs, struct err *err)
{
    const struct report_compare *r = &runs->compare->report;
    size_t room = runs->compare->jobs / runs->compare->threads;
    for (; runs->slot_count < (room ? room : 1) && runs->next < report_compare_row_count(r);
         runs->next++)
        if (!r->rows[runs->next].done && start(runs, runs->next, err) != ERR_OK)
            return err->code;
    return ERR_OK;
}

static enum err_code wait_for_one(struct runs *runs, struct err *err)
{
    struct pollfd *polled = mem_alloc(runs->slot_count + 1, sizeof *polled);
    for (size_t i = 0; i < runs->slot_count; i++)
        polled[i] = (struct pollfd){ .fd = runs->slots[i].fd, .events = POLLIN };
    /* The signal may come just before poll(): look again soon. */
    poll(polled, (nfds_t)runs->slot_count, 200);
    for (size_t i = runs->slot_count; i-- > 0 && err->code == ERR_OK;)
        if (polled[i].revents)
            finish(runs, i, err);
    free(polled);
    return err->code;
}

enum err_code cli_compare_run(struct cli_compare *compare, struct err *err)
{
    struct runs runs = { .compare = compare };
    const struct report_compare *r = &compare->report;
    for (size_t at = 0; at < report_compare_row_count(r); at++)
        runs.total += !r->rows[at].done;
    runs.slots = mem_alloc(compare->jobs + 1, sizeof *runs.slots);
    runs.bounds_ps = mem_alloc(r->case_count * COST_SHARING_COUNT, sizeof *runs.bounds_ps);
    cli_progress_start(&runs.progress, compare->progress, "compare");
    while (err->code == ERR_OK && !cli_stop && fill_slots(&runs, err) == ERR_OK &&
           runs.slot_count > 0)
        wait_for_one(&runs, err);
    abandon(&runs);
    cli_progress_end(&runs.progress);
    free(runs.slots);
    free(runs.bounds_ps);
    if (err->code == ERR_OK && runs.done < runs.total)
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    return err->code;
}
