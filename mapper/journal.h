/*
 * What a search has found so far: the rows of convergence.csv, progress to the caller, and the
 * reasons to stop early (Ctrl-C, the time limit). For the mappers' main thread.
 */
#ifndef SOCWEAVE_MAPPER_JOURNAL_H
#define SOCWEAVE_MAPPER_JOURNAL_H

#include "mapper/mapper.h"

struct journal {
    const struct mapper_options *options;
    struct mapper_progress *rows;
    size_t row_count, row_capacity;
    uint64_t start_ns;
    bool interrupted;
};

void journal_init(struct journal *journal, const struct mapper_options *options);
void journal_release(struct journal *journal);

/* After a step: keeps a row if the best is new, reports progress, and says whether to go on. */
bool journal_step(struct journal *journal, const struct mapper_progress *now);

/* Rows of a search that went before, with its evaluations: they stand before this one's. Takes
 * them. */
void journal_follow(struct journal *journal, struct mapper_progress *rows_take, size_t count);

/* Moves rows and flags into the result. */
void journal_finish(struct journal *journal, struct mapper_result *out);

/* A part of a search whose progress is shown as that of the whole. */
struct journal_span {
    void (*progress)(void *ctx, const struct mapper_progress *progress); /* may be NULL */
    void *ctx;
    double from, to;                       /* shares of the whole */
    uint64_t evaluations, sim_evaluations; /* of what went before */
};
/* As mapper_options.progress, with a struct journal_span as its ctx. */
void journal_show_span(void *span, const struct mapper_progress *progress);

#endif
