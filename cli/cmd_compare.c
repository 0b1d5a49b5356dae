/* compare: mappers against each other on several cases, at an equal budget. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/compare.h"
#include "core/file.h"

#define DEFAULT_EVALS 10000 /* as many as MAGMA's publication samples */

struct compare_args {
    struct cli_compare_asked asked;
    const char *out;
    unsigned objective, fitness, granularity, progress;
    uint64_t seeds, seed, budget_evals, budget_layers, jobs, threads;
    double time_limit_s;
    bool resume, json;
};

static enum err_code parse(struct compare_args *a, int argc, char **argv, bool *helped,
                           struct err *err)
{
    struct cli_compare_asked *asked = &a->asked;
    // clang-format off
    const struct cli_option options[] = {
        { "--mapper", CLI_LIST, &asked->mappers, "NAMES", "whom to compare; the first is the one in question", .required = true },
        { "--out", CLI_TEXT, &a->out, "DIR", "output folder", .required = true },
        { "--soc", CLI_LIST, &asked->socs, "FILES", "SoCs, or names of shipped ones" },
        { "--workload", CLI_LIST, &asked->workloads, "FILES", "workloads, or names of shipped ones: every SoC with every workload" },
        { "--case", CLI_LIST, &asked->pairs, "SOC:WORKLOAD", "these pairs too" },
        { "--without", CLI_LIST, &asked->without, "LEVER", "the first mapper without it, too; 'all': without each in turn" },
        { "--seeds", CLI_COUNT, &a->seeds, "N", "runs of each mapper on each case", .low = 1, .high = 10000 },
        { "--seed", CLI_COUNT, &a->seed, "N", "the first of them" },
        { "--budget-evals", CLI_COUNT, &a->budget_evals, "N", "evaluations of each run at most [10000 without --budget-layers]" },
        { "--budget-layers", CLI_COUNT, &a->budget_layers, "N", "placed layers of each run: the same work on any size" },
        { "--time-limit", CLI_REAL, &a->time_limit_s, "S", "seconds of each run at most; not reproducible (0: no limit)", .high = 1e7 },
        { "--objective", CLI_CHOICE, &a->objective, "WHAT", "to minimise", objective_names, OBJECTIVE_PLAIN_COUNT },
        { "--fitness", CLI_CHOICE, &a->fitness, "HOW", "the search believes", fitness_names, 3 },
        { "--granularity", CLI_CHOICE, &a->granularity, "G", "of the timing model", granularity_names, 2 },
        { "--sharing", CLI_CHOICE, &asked->sharing, "S", "allotments of PEs (auto: each mapper's)", cli_sharing_choices, 1 + COST_SHARING_COUNT },
        { "--jobs", CLI_COUNT, &a->jobs, "N", "threads in all", .low = 1, .high = 1024 },
        { "--threads", CLI_COUNT, &a->threads, "N", "of each run; as many runs side by side as --jobs allows", .low = 1, .high = 1024 },
        { "--resume", CLI_FLAG, &a->resume, NULL, "go on with what the folder holds" },
        { "--progress", CLI_CHOICE, &a->progress, "HOW", "on stderr", cli_progress_names, 4 },
        { "--json", CLI_FLAG, &a->json, NULL, "print one JSON object in place of the table" },
    };
    // clang-format on
    return cli_parse("compare", options, sizeof options / sizeof *options, argc, argv, NULL, helped,
                     err);
}

/* --- the folder ------------------------------------------------------------------------------ */

static bool has_file(const char *dir, const char *name)
{
    char *file = file_join(dir, name);
    bool there = access(file, F_OK) == 0;
    free(file);
    return there;
}

static enum err_code write_file(const char *dir, const char *name, const struct text *text,
                                struct err *err)
{
    char *file = file_join(dir, name);
    enum err_code rc = file_write(file, text->data, text->bytes, err);
    free(file);
    return rc;
}

/* What is there must belong to the same inputs and options: its inputs.json says so. */
static enum err_code check_inputs(const char *dir, const struct text *inputs, struct err *err)
{
    char *file = file_join(dir, "inputs.json"), *kept = NULL;
    size_t bytes;
    enum err_code rc = file_read(file, &kept, &bytes, err);
    if (rc == ERR_OK && strcmp(kept, inputs->data) != 0) {
        size_t same = 0;
        int line = 1;
        for (; kept[same] && kept[same] == inputs->data[same]; same++)
            line += kept[same] == '\n';
        while (same > 0 && kept[same - 1] != '\n')
            same--;
        const char *now = inputs->data + same;
        now += strspn(now, " ");
        rc = err_set(err, ERR_REFERENCE,
                     "the folder's runs have other inputs or options: expected this line to say "
                     "%.*s",
                     (int)(strcspn(now, "\n") < 120 ? strcspn(now, "\n") : 120), now);
        err_in_file(err, file, line, 1);
    }
    free(kept);
    free(file);
    return rc;
}

static enum err_code read_kept(struct cli_compare *c, const char *name,
                               enum err_code (*read_table)(struct report_compare *, const char *,
                                                           const char *, struct err *),
                               struct err *err)
{
    if (!has_file(c->out, name))
        return ERR_OK;
    char *file = file_join(c->out, name), *text = NULL;
    size_t bytes;
    enum err_code rc = file_read(file, &text, &bytes, err);
    if (rc == ERR_OK)
        rc = read_table(&c->report, file, text, err);
    free(text);
    free(file);
    return rc;
}

/* compare.json is written last: without it the folder is unfinished. */
static enum err_code open_folder(struct cli_compare *c, bool resume, struct err *err)
{
    struct text inputs = { 0 };
    report_compare_inputs_json(&c->report, &inputs);
    enum err_code rc = file_make_dir(c->out, err);
    if (rc != ERR_OK) {
        text_release(&inputs);
        return rc;
    }
    bool holds_runs = has_file(c->out, "inputs.json") && has_file(c->out, "rows.csv");
    if (resume && holds_runs) {
        rc = check_inputs(c->out, &inputs, err);
        if (rc == ERR_OK)
            rc = read_kept(c, "rows.csv", report_compare_read_rows, err);
        if (rc == ERR_OK)
            rc = read_kept(c, "timings.csv", report_compare_read_timings, err);
    } else if (holds_runs && !has_file(c->out, "compare.json")) {
        rc = err_set(err, ERR_USAGE,
                     "%s holds an unfinished comparison: --resume goes on with it, or give another "
                     "--out",
                     c->out);
    }
    if (rc == ERR_OK && !(resume && holds_runs)) {
        static const char *const stale[] = { "compare.json", "rows.csv", "timings.csv" };
        for (size_t i = 0; i < sizeof stale / sizeof *stale; i++) {
            char *file = file_join(c->out, stale[i]);
            unlink(file);
            free(file);
        }
        rc = write_file(c->out, "inputs.json", &inputs, err);
    }
    text_release(&inputs);
    return rc;
}

static void write_json(const struct report_compare_facts *facts, struct text *out)
{
    report_compare_json(facts, false, NULL, out);
}

static void write_rows(const struct report_compare_facts *facts, struct text *out)
{
    report_compare_rows_csv(facts->compare, out);
}

static enum err_code write_results(const struct report_compare_facts *facts, const char *dir,
                                   bool finished, struct err *err)
{
    static const struct {
        const char *name;
        void (*write)(const struct report_compare_facts *facts, struct text *out);
    } files[] = {
        { "rows.csv", write_rows },
        { "summary.csv", report_compare_summary_csv },
        { "compare.html", report_compare_html },
        { "compare.json", write_json },
    };
    size_t count = sizeof files / sizeof *files - !finished;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < count; i++) {
        struct text text = { 0 };
        files[i].write(facts, &text);
        rc = write_file(dir, files[i].name, &text, err);
        text_release(&text);
    }
    return rc;
}

/* --- the command ----------------------------------------------------------------------------- */

static void print_results(const struct report_compare_facts *facts, const struct compare_args *a)
{
    struct text text = { 0 };
    if (a->json)
        report_compare_json(facts, true, a->out, &text);
    else
        report_compare_text(facts, &text);
    fputs(text.data, stdout);
    if (!a->json)
        printf("\nopen %s/compare.html\n", a->out);
    text_release(&text);
}

static enum err_code compare(struct cli_compare *c, const struct compare_args *a, struct err *err)
{
    enum err_code rc = open_folder(c, a->resume, err);
    if (rc == ERR_OK)
        rc = cli_compare_run(c, err);
    if (rc != ERR_OK && rc != ERR_INTERRUPTED)
        return rc;
    struct report_compare_facts facts;
    struct err write_err = ERR_INIT;
    report_compare_facts_init(&facts, &c->report);
    if (write_results(&facts, a->out, rc == ERR_OK, &write_err) != ERR_OK) {
        *err = write_err;
        rc = write_err.code;
    } else if (rc == ERR_OK || facts.case_count > 0) {
        print_results(&facts, a);
    }
    report_compare_facts_release(&facts);
    return rc;
}

static void set_options(struct cli_compare *c, const struct compare_args *a, const char *command)
{
    uint64_t evals = a->budget_evals || a->budget_layers ? a->budget_evals : DEFAULT_EVALS;
    c->out = a->out;
    c->jobs = (unsigned)a->jobs;
    c->threads = (unsigned)a->threads;
    c->progress = (enum cli_progress_mode)a->progress;
    c->options = (struct mapper_options){
        .budget_evals = evals,
        .budget_layers = a->budget_layers,
        .time_limit_s = a->time_limit_s,
        .objective = (enum objective)a->objective,
        .fitness = (enum fitness)a->fitness,
        .granularity = (enum granularity)a->granularity,
        .stop = &cli_stop,
    };
    c->report = (struct report_compare){
        .first_seed = a->seed,
        .seed_count = (size_t)a->seeds,
        .objective = (enum objective)a->objective,
        .fitness = fitness_names[a->fitness],
        .granularity = granularity_names[a->granularity],
        .sharing = cli_sharing_choices[a->asked.sharing],
        .budget_evals = evals,
        .budget_layers = a->budget_layers,
        .time_limit_s = a->time_limit_s,
        .version = SOCWEAVE_VERSION,
        .command = command,
    };
}

int cmd_compare(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct compare_args args = {
        .seeds = 5, .seed = 1, .jobs = cli_cores(), .threads = 1, .fitness = FITNESS_MIXED
    };
    bool helped;
    if (parse(&args, argc, argv, &helped, &err) != ERR_OK)
        return cli_fail("compare", &err);
    if (helped)
        return 0;
    struct cli_compare c = { 0 };
    char *command = cli_command_line(argc, argv);
    set_options(&c, &args, command);
    enum err_code rc = cli_compare_init(&c, &args.asked, &err);
    if (rc == ERR_OK) {
        cli_catch_signals();
        rc = compare(&c, &args, &err);
    }
    cli_compare_release(&c);
    free(command);
    if (rc == ERR_INTERRUPTED) {
        fprintf(stderr, "socweave compare: interrupted; --resume goes on with %s\n", args.out);
        return err_exit_status(rc);
    }
    return rc == ERR_OK ? 0 : cli_fail("compare", &err);
}
