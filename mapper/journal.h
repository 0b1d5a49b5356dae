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

/* Moves rows and flags into the result. */
void journal_finish(struct journal *journal, struct mapper_result *out);

#endif
