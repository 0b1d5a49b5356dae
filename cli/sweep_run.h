/* A sweep from its options to its results; what sweep and merge share. */
#ifndef SOCWEAVE_CLI_SWEEP_RUN_H
#define SOCWEAVE_CLI_SWEEP_RUN_H

#include "cli/cli.h"
#include "sweep/mpi.h"

#define CLI_SWEEP_REPORTS 3 /* unless asked for more or fewer */

struct cli_sweep_args {
    const char *space, *workload, *out, *mapper, *objectives, *shard, *csv;
    unsigned strategy, sharing, progress;
    uint64_t budget_points, budget_layers, batch, seed, jobs, reports;
    double time_limit_s;
    bool resume, json;
    uint32_t shard_number, shard_count;
    const struct cli_list *shards; /* merge: their folders; else NULL */
};

/* mpi NULL: this process alone. Ranks but 0 evaluate until rank 0 has no more jobs. */
enum err_code cli_sweep_run(const struct cli_sweep_args *args, struct sweep_mpi *mpi,
                            const char *command, struct err *err);

#endif
