/*
 * The parts of `compare`: which cases and contestants were asked for, and the runs themselves,
 * each in a process of its own.
 */
#ifndef SOCWEAVE_CLI_COMPARE_H
#define SOCWEAVE_CLI_COMPARE_H

#include "cli/cli.h"
#include "core/arena.h"
#include "mapper/mapper.h"
#include "reports/compare.h"

/* A mapper in a form of its own: "socweave-without-justify@fixed", "socweave+splits". */
struct cli_contestant {
    const char *name; /* as given */
    const struct mapper *mapper;
    unsigned levers_off;
    enum cost_sharing sharing;
    bool finds_splits;
};

struct cli_compare {
    struct arena *arena;
    struct report_compare report; /* cases, contestants, rows, options in words */
    struct cli_contestant *contestants;
    /* [case][sharing]: loaded where a contestant needs it. */
    struct cli_problem **problems;
    struct mapper_options options; /* of every run; seed and budgets are set for each */
    unsigned jobs, threads;
    enum cli_progress_mode progress;
    const char *out;
};

struct cli_compare_asked {
    struct cli_list socs, workloads, pairs, mappers, without;
    unsigned sharing; /* of cli_sharing_choices */
};

/* Fills cases, contestants and problems; every input is read before the first run. */
enum err_code cli_compare_init(struct cli_compare *compare, const struct cli_compare_asked *asked,
                               struct err *err);
void cli_compare_release(struct cli_compare *compare);

/*
 * The names in a list: repeated options, commas, and shell patterns, which are looked for here and
 * among the shipped files. Strings live in the arena.
 */
struct cli_names {
    size_t count;
    const char **items;
};
enum err_code cli_names_expand(struct arena *arena, const struct cli_list *list,
                               enum cli_folder folder, const char *option, struct cli_names *out,
                               struct err *err);

/*
 * Runs what is not done yet, saving rows.csv and timings.csv after every run. ERR_INTERRUPTED
 * after Ctrl-C; what was running then is lost, what had finished is kept.
 */
enum err_code cli_compare_run(struct cli_compare *compare, struct err *err);

#endif
