/*
 * The command line: a table of commands, each with a table of options, so that parsing, --help,
 * the man page and completion read the same rows. Only this folder prints and exits.
 *
 * A command is a function from its arguments to an exit status (core/err.h). It declares a plain
 * struct with its defaults, a table of options that point into it, and calls cli_parse().
 */
#ifndef SOCWEAVE_CLI_CLI_H
#define SOCWEAVE_CLI_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/problem.h"
#include "cost/cost.h"

enum cli_kind {
    CLI_FLAG,   /* bool */
    CLI_TEXT,   /* const char * */
    CLI_COUNT,  /* uint64_t in low..high */
    CLI_REAL,   /* double in low..high */
    CLI_CHOICE, /* unsigned: index into choices */
    CLI_LIST    /* struct cli_list: may be given several times */
};

#define CLI_LIST_MAX 256
struct cli_list {
    size_t count;
    const char *items[CLI_LIST_MAX];
};

struct cli_option {
    const char *name; /* "--soc" */
    enum cli_kind kind;
    void *into;
    const char *value; /* what the value is, for the help: "FILE"; NULL for flags */
    const char *help;
    const char *const *choices;
    size_t choice_count;
    double low, high; /* CLI_COUNT, CLI_REAL; both 0 = any */
    bool required;
};

struct cli_command {
    const char *name;     /* "explore" */
    const char *summary;  /* one line for `socweave --help` */
    const char *operands; /* "FILE…", or NULL: none are taken */
    const char *about;    /* a paragraph or two for `socweave explore --help` */
    const char *example;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;
const struct cli_command *cli_find(const char *name);

/*
 * Parse argv[1…) into the options' targets. Operands are collected in *operands (NULL: none
 * allowed). Returns ERR_OK; ERR_USAGE with a sentence; or sets *helped and returns ERR_OK when
 * --help was given and printed.
 */
enum err_code cli_parse(const char *command, const struct cli_option *options, size_t option_count,
                        int argc, char **argv, struct cli_list *operands, bool *helped,
                        struct err *err);

/* Print the error's line on stderr (with a hint at --help for usage errors); its exit status. */
int cli_fail(const char *command, const struct err *err);

/* --- inputs ----------------------------------------------------------------------------------- */

struct cli_problem {
    struct soc soc;
    struct workload workload; /* as in the file */
    struct workload refined;  /* with a mapping's splits; else empty */
    struct problem problem;   /* of the refined workload if there is one */
};

/*
 * Loads both files and builds the problem with these allotments. A name without a slash that is no
 * file here is looked for among the shipped configs: `--soc comb-small-low` finds
 * soc-configs/comb-small-low.json, here or as installed.
 */
enum err_code cli_problem_load(struct cli_problem *out, const char *soc_file,
                               const char *workload_file, enum cost_sharing sharing,
                               struct err *err);
/* The problem that a mapping/1 file is for: with its sharing, unless `choice` says another, and its
 * splits. What else is wrong with the file mapping_load() will tell. */
enum err_code cli_problem_load_mapped(struct cli_problem *out, const char *soc_file,
                                      const char *workload_file, const char *mapping_file,
                                      unsigned choice, struct err *err);
/* With the layers split that this mapping/1 file splits, whatever else it says. */
enum err_code cli_problem_load_split(struct cli_problem *out, const char *soc_file,
                                     const char *workload_file, const char *mapping_file,
                                     enum cost_sharing sharing, struct err *err);
void cli_problem_release(struct cli_problem *problem);

/* --sharing: the first choice stands for what the mapper, or the mapping file, says. */
extern const char *const cli_sharing_choices[1 + COST_SHARING_COUNT];

/* "batch=1" …: values of symbolic dimensions of ONNX models, into dims[list->count]; names live in
 * the arena. */
enum err_code cli_dims(const struct cli_list *list, struct arena *arena,
                       struct dnn_dim dims[CLI_LIST_MAX], struct err *err);
/* From here on a workload may name .onnx files. */
void cli_accept_onnx(void);

enum cli_folder { CLI_SOCS, CLI_GRAPHS, CLI_WORKLOADS };
/* free() it. */
char *cli_resolve(const char *name, enum cli_folder folder);

/* --- the person at the terminal --------------------------------------------------------------- */

enum cli_progress_mode {
    CLI_PROGRESS_AUTO,
    CLI_PROGRESS_NONE,
    CLI_PROGRESS_BAR,
    CLI_PROGRESS_LINES
};
extern const char *const cli_progress_names[4];

/*
 * Progress on stderr: a bar that redraws itself on a terminal, a line every few seconds elsewhere,
 * nothing with "none". One at a time.
 */
struct cli_progress {
    enum cli_progress_mode mode;
    const char *what;
    double started_s, shown_s;
    bool drawn;
};
void cli_progress_start(struct cli_progress *p, enum cli_progress_mode mode, const char *what);
/* done of total (total 0: unknown); `detail` follows the figures. */
void cli_progress_show(struct cli_progress *p, uint64_t done, uint64_t total, const char *detail);
void cli_progress_end(struct cli_progress *p);

/* SIGINT and SIGTERM: the first sets this, the second ends the program at once with status 130. */
extern volatile sig_atomic_t cli_stop;
void cli_catch_signals(void);

double cli_now_s(void); /* monotonic */
/* Cores this process may run on. */
unsigned cli_cores(void);

/* "12.3 ms" etc. into buf, four significant digits; returns buf. */
char *cli_time(uint64_t ps, char *buf, size_t size);
char *cli_energy(double pj, char *buf, size_t size);

/* The command as one line that can be pasted into a shell, without --jobs, --out, --json and
 * --progress: they do not change the results. free() it. */
char *cli_command_line(int argc, char **argv);

int cmd_explore(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_cost(int argc, char **argv);
int cmd_match(int argc, char **argv);
int cmd_validate(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_match(int argc, char **argv);

#endif
