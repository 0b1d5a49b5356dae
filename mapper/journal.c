#include "mapper/journal.h"

#include <stdlib.h>
#include <time.h>

#include "core/arena.h"

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void journal_init(struct journal *journal, const struct mapper_options *options)
{
    *journal = (struct journal){ .options = options, .start_ns = now_ns() };
}

void journal_release(struct journal *journal)
{
    free(journal->rows);
    *journal = (struct journal){ 0 };
}

static bool is_news(const struct journal *journal, const struct mapper_progress *now)
{
    return journal->row_count == 0 ||
           now->best_value < journal->rows[journal->row_count - 1].best_value;
}

static void add_row(struct journal *journal, const struct mapper_progress *now)
{
    if (journal->row_count == journal->row_capacity) {
        journal->row_capacity = journal->row_capacity ? 2 * journal->row_capacity : 64;
        journal->rows = mem_grow(journal->rows, journal->row_capacity, sizeof *journal->rows);
    }
    journal->rows[journal->row_count++] = *now;
}

bool journal_step(struct journal *journal, const struct mapper_progress *now)
{
    const struct mapper_options *options = journal->options;
    if (is_news(journal, now))
        add_row(journal, now);
    if (options->progress)
        options->progress(options->progress_ctx, now);
    if (options->stop && *options->stop)
        journal->interrupted = true;
    bool in_time = options->time_limit_s <= 0 ||
                   (double)(now_ns() - journal->start_ns) < options->time_limit_s * 1e9;
    return in_time && !journal->interrupted;
}

void journal_follow(struct journal *journal, struct mapper_progress *rows_take, size_t count)
{
    free(journal->rows);
    journal->rows = rows_take;
    journal->row_count = journal->row_capacity = count;
}

void journal_finish(struct journal *journal, struct mapper_result *out)
{
    out->convergence = journal->rows;
    out->convergence_count = journal->row_count;
    out->interrupted = journal->interrupted;
    journal->rows = NULL;
}

void journal_show_span(void *ctx, const struct mapper_progress *progress)
{
    enum { STEPS = 1000 };
    const struct journal_span *span = ctx;
    double done = progress->step_count ? (double)progress->step / progress->step_count : 0;
    struct mapper_progress shown = *progress;
    shown.step = (unsigned)(STEPS * (span->from + done * (span->to - span->from)));
    shown.step_count = STEPS;
    shown.evaluations += span->evaluations;
    shown.sim_evaluations += span->sim_evaluations;
    if (span->progress)
        span->progress(span->ctx, &shown);
}
