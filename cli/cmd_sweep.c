/* sweep: which SoC of a space should be built. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/sweep_reports.h"
#include "cli/sweep_results.h"
#include "cli/sweep_run.h"
#include "core/arena.h"
#include "core/file.h"
#include "sim/sim.h"
#include "sweep/drive.h"
#include "sweep/evaluate.h"
#include "sweep/mpi.h"
#include "sweep/pack.h"
#include "sweep/strategy.h"

#define LOST_AFTER_S 30.0

struct sweep_run {
    const struct cli_sweep_args *args;
    struct space space;
    struct workload workload;
    struct sweep_mapping_options mapping;
    struct sweep_strategy_options options;
    struct sweep_strategy *strategy;
    struct cli_progress progress;
    double until_s; /* 0: no limit */
};

static enum err_code parse(struct cli_sweep_args *a, int argc, char **argv, bool *helped,
                           struct err *err)
{
    // clang-format off
    const struct cli_option options[] = {
        { "--space", CLI_TEXT, &a->space, "FILE", "design space (space/1)", .required = true },
        { "--workload", CLI_TEXT, &a->workload, "FILE", "workload, or the name of a shipped one", .required = true },
        { "--out", CLI_TEXT, &a->out, "DIR", "output folder: study.db, sweep.html, sweep.json, front.csv", .required = true },
        { "--strategy", CLI_CHOICE, &a->strategy, "HOW", "which points", sweep_kind_names, SWEEP_KIND_COUNT },
        { "--objectives", CLI_TEXT, &a->objectives, "LIST", "to minimise: latency,energy,edp,area,power,deadline-misses" },
        { "--budget-points", CLI_COUNT, &a->budget_points, "N", "points at most; nsga2: full evaluations' worth of work (0: the whole space)" },
        { "--budget-layers", CLI_COUNT, &a->budget_layers, "N", "placed layers of a full search on a point", .low = 1, .high = 1e15 },
        { "--batch", CLI_COUNT, &a->batch, "N", "points asked for at once; results depend on it; many ranks need more", .low = 1, .high = 1048576 },
        { "--mapper", CLI_TEXT, &a->mapper, "NAME", "how to search inside a point" },
        { "--sharing", CLI_CHOICE, &a->sharing, "S", "allotments of PEs (auto: the mapper's)", cli_sharing_choices, 1 + COST_SHARING_COUNT },
        { "--seed", CLI_COUNT, &a->seed, "N", "same seed, same result" },
        { "--jobs", CLI_COUNT, &a->jobs, "N", "points at once; under mpirun: of each rank", .low = 1, .high = 1024 },
        { "--time-limit", CLI_REAL, &a->time_limit_s, "S", "seconds at most; --resume goes on (0: no limit)", .high = 1e7 },
        { "--resume", CLI_FLAG, &a->resume, NULL, "go on with what the folder holds" },
        { "--shard", CLI_TEXT, &a->shard, "I/N", "evaluate every N-th request; see merge" },
        { "--reports", CLI_COUNT, &a->reports, "N", "whole reports of so many points of the front, once finished", .high = 1000 },
        { "--csv", CLI_TEXT, &a->csv, "FILE", "every outcome as a table" },
        { "--progress", CLI_CHOICE, &a->progress, "HOW", "on stderr", cli_progress_names, 4 },
        { "--json", CLI_FLAG, &a->json, NULL, "print one JSON object in place of the summary" },
    };
    // clang-format on
    enum err_code rc = cli_parse("sweep", options, sizeof options / sizeof *options, argc, argv,
                                 NULL, helped, err);
    if (rc != ERR_OK || !a->shard)
        return rc;
    char rest;
    if (sscanf(a->shard, "%u/%u%c", &a->shard_number, &a->shard_count, &rest) != 2 ||
        a->shard_number < 1 || a->shard_number > a->shard_count)
        return err_set(err, ERR_USAGE, "--shard: expected I/N with I in 1..N, got \"%s\"",
                       a->shard);
    return ERR_OK;
}

/* --- a job -------------------------------------------------------------------------------------
 */

static struct evaluator *analytic_new(void *ctx, const struct problem *problem,
                                      enum granularity granularity)
{
    (void)ctx;
    return analytic_evaluator_new(problem, granularity);
}

static void analytic_free(void *ctx, struct evaluator *evaluator)
{
    (void)ctx;
    analytic_evaluator_free(evaluator);
}

static void run_replay(const struct sweep_run *run, const struct sweep_job *job,
                       struct sweep_answer *answer)
{
    struct text from = { 0 };
    text_add_bytes(&from, job->mapping.data, job->mapping.bytes);
    answer->outcome = job->current;
    if (sweep_text_unpack(&from, NULL) != ERR_OK ||
        sweep_replay_point(&run->space, &run->workload, &run->mapping, job->request.point,
                           job->from.point, from.data, &answer->outcome, &answer->mapping,
                           NULL) != ERR_OK)
        answer->outcome = job->current;
    text_release(&from);
}

static void run_evaluation(const struct sweep_run *run, const struct sweep_job *job,
                           struct sweep_answer *answer)
{
    char line[700];
    struct err err = ERR_INIT;
    if (sweep_evaluate_point(&run->space, &run->workload, &run->mapping, job->request.point,
                             job->budget_layers, &answer->outcome, &answer->mapping,
                             &answer->reason, &err) == ERR_OK)
        return;
    answer->outcome =
        (struct sweep_outcome){ .status = SWEEP_FAILED, .replayed_from = SWEEP_NO_POINT };
    text_release(&answer->reason);
    text_add(&answer->reason, err_format(&err, line, sizeof line));
}

static void run_job(const void *ctx, const struct sweep_job *job, struct sweep_answer *answer)
{
    const struct sweep_run *run = (const struct sweep_run *)ctx;
    if (job->kind == SWEEP_JOB_REPLAY)
        run_replay(run, job, answer);
    else
        run_evaluation(run, job, answer);
    sweep_text_pack(&answer->mapping);
}

/* --- what the loop asks of us ------------------------------------------------------------------
 */

static size_t ask(void *ctx, const struct sweep_request **batch)
{
    return sweep_ask(((struct sweep_run *)ctx)->strategy, batch);
}

static void tell(void *ctx, const struct sweep_outcome *outcomes)
{
    sweep_tell(((struct sweep_run *)ctx)->strategy, outcomes);
}

static uint64_t budget_layers(void *ctx, uint32_t rung)
{
    return sweep_rung_layers(((struct sweep_run *)ctx)->strategy, rung);
}

static bool relaxes(void *ctx, uint64_t big, uint64_t small)
{
    return space_relaxes(&((struct sweep_run *)ctx)->space, big, small);
}

static void values(void *ctx, uint64_t point, struct sweep_value *out)
{
    const struct space *space = &((struct sweep_run *)ctx)->space;
    for (size_t i = 0; i < space->parameter_count; i++) {
        const struct space_parameter *p = &space->parameters[i];
        uint32_t choice = space_choice(space, point, i);
        out[i].text = p->is_number ? NULL : p->texts[choice];
        out[i].number = p->is_number ? p->numbers[choice] : 0;
    }
}

static bool stops(void *ctx)
{
    const struct sweep_run *run = (const struct sweep_run *)ctx;
    return cli_stop || (run->until_s > 0 && cli_now_s() > run->until_s);
}

static void show(void *ctx, const struct sweep_progress *now)
{
    struct sweep_run *run = (struct sweep_run *)ctx;
    char detail[96];
    uint64_t total = sweep_expected_requests(run->strategy);
    double elapsed_s = cli_now_s() - run->progress.started_s;
    snprintf(detail, sizeof detail, "%llu known, %.1f points/s%s", (unsigned long long)now->known,
             elapsed_s > 0 ? (double)now->evaluated / elapsed_s : 0,
             now->replaying ? ", replaying" : "");
    cli_progress_show(&run->progress, now->evaluated,
                      total > now->looked_up ? total - now->looked_up : now->evaluated, detail);
}

/* --- the study ---------------------------------------------------------------------------------
 */

struct study_texts {
    char *space_text, *command;
    char seed[24], points[24], layers[24], batch[24];
    struct sweep_fact inputs[1], options[8];
    const char *parameters[SPACE_PARAMETERS_MAX];
};

static enum err_code describe(const struct sweep_run *run, struct study_texts *t,
                              struct sweep_study *out, struct err *err)
{
    const struct cli_sweep_args *a = run->args;
    size_t bytes;
    enum err_code rc = file_read(run->space.file, &t->space_text, &bytes, err);
    if (rc != ERR_OK)
        return rc;
    snprintf(t->seed, sizeof t->seed, "%llu", (unsigned long long)a->seed);
    snprintf(t->points, sizeof t->points, "%llu", (unsigned long long)a->budget_points);
    snprintf(t->layers, sizeof t->layers, "%llu", (unsigned long long)a->budget_layers);
    snprintf(t->batch, sizeof t->batch, "%llu", (unsigned long long)a->batch);
    const struct sweep_fact options[8] = { { "strategy", sweep_kind_names[a->strategy] },
                                           { "objectives", a->objectives },
                                           { "mapper", run->mapping.mapper->name },
                                           { "sharing", cost_sharing_names[run->mapping.sharing] },
                                           { "seed", t->seed },
                                           { "budget_points", t->points },
                                           { "budget_layers", t->layers },
                                           { "batch", t->batch } };
    memcpy(t->options, options, sizeof options);
    t->inputs[0] = (struct sweep_fact){ run->workload.file, run->workload.sha256 };
    for (size_t i = 0; i < run->space.parameter_count; i++)
        t->parameters[i] = run->space.parameters[i].name;
    *out = (struct sweep_study){ .version = SOCWEAVE_VERSION,
                                 .command = t->command,
                                 .space_file = run->space.file,
                                 .space_text = t->space_text,
                                 .space_sha256 = run->space.sha256,
                                 .workload_file = run->workload.file,
                                 .input_count = 1,
                                 .inputs = t->inputs,
                                 .option_count = 8,
                                 .options = t->options,
                                 .parameter_count = run->space.parameter_count,
                                 .parameters = t->parameters,
                                 .shard = a->shard_number,
                                 .shard_count = a->shard_count };
    return ERR_OK;
}

static enum err_code load(struct sweep_run *run, struct err *err)
{
    const struct cli_sweep_args *a = run->args;
    const struct mapper *mapper = mapper_find(a->mapper);
    if (!mapper)
        return err_set(err, ERR_USAGE, "--mapper: no mapper \"%s\"; explore --mapper list",
                       a->mapper);
    enum err_code rc = cli_sweep_objectives(a->objectives, run->options.objectives,
                                            &run->options.objective_count, err);
    if (rc != ERR_OK)
        return rc;
    run->mapping =
        (struct sweep_mapping_options){ .mapper = mapper,
                                        .sharing = a->sharing ? (enum cost_sharing)(a->sharing - 1)
                                                              : mapper->default_sharing,
                                        .objective = OBJECTIVE_LATENCY,
                                        .granularity = GRANULARITY_LAYER,
                                        .seed = a->seed,
                                        .timing = { NULL, analytic_new, analytic_free } };
    run->options.kind = (enum sweep_kind)a->strategy;
    run->options.seed = a->seed;
    run->options.budget_points = a->budget_points;
    run->options.budget_layers = a->budget_layers;
    run->options.batch = (size_t)a->batch;
    rc = space_load(&run->space, a->space, err);
    if (rc != ERR_OK)
        return rc;
    char *workload = cli_resolve(a->workload, CLI_WORKLOADS);
    rc = workload_load(&run->workload, workload, err);
    free(workload);
    if (rc == ERR_OK) {
        rc = sweep_strategy_new(&run->strategy, &run->space, &run->options, err);
        if (rc != ERR_OK)
            workload_release(&run->workload);
    }
    if (rc != ERR_OK)
        space_release(&run->space);
    return rc;
}

static void release(struct sweep_run *run)
{
    sweep_strategy_free(run->strategy);
    workload_release(&run->workload);
    space_release(&run->space);
}

/* --- the run -----------------------------------------------------------------------------------
 */

static enum err_code drive(struct sweep_run *run, struct sweep_store *store,
                           const struct sweep_spread *spread, struct sweep_drive_result *result,
                           struct err *err)
{
    const struct cli_sweep_args *a = run->args;
    struct sweep_drive how = {
        .store = store,
        .spread = spread,
        .objective = run->mapping.objective,
        .shard = a->shard_number,
        .shard_count = a->shard_count,
        .evaluates_nothing = a->shards != NULL,
        .asks_regardless = a->strategy == SWEEP_GRID || a->strategy == SWEEP_RANDOM,
        .ctx = run,
        .ask = ask,
        .tell = tell,
        .budget_layers = budget_layers,
        .relaxes = relaxes,
        .values = values,
        .stop = stops,
        .progress = show,
    };
    cli_progress_start(&run->progress, (enum cli_progress_mode)a->progress, "sweep");
    run->until_s = a->time_limit_s > 0 ? run->progress.started_s + a->time_limit_s : 0;
    enum err_code rc = sweep_drive(&how, result, err);
    cli_progress_end(&run->progress);
    return rc;
}

static enum err_code finish(struct sweep_run *run, struct sweep_store *store,
                            const struct sweep_drive_result *result, struct err *err)
{
    const struct cli_sweep_args *a = run->args;
    struct cli_sweep_results results;
    cli_sweep_results_init(&results, store, run->options.objectives, run->options.objective_count);
    enum err_code rc = ERR_OK;
    if (result->end == SWEEP_FINISHED)
        rc = sweep_store_finish(store, results.front, results.front_count, err);
    struct err unreported = ERR_INIT; /* the results are written all the same */
    if (rc == ERR_OK && result->end == SWEEP_FINISHED)
        cli_sweep_reports(&results, &run->space, &run->workload, &run->mapping, a->out, a->reports,
                          &unreported);
    if (rc == ERR_OK)
        rc = cli_sweep_results_write(&results, a->out, a->csv, err);
    if (rc == ERR_OK && unreported.code != ERR_OK) {
        *err = unreported;
        rc = err->code;
    }
    if (rc == ERR_OK)
        cli_sweep_results_print(&results, a->out, a->json, result);
    if (rc == ERR_OK && result->end == SWEEP_STOPPED && cli_stop)
        rc = err_set(err, ERR_INTERRUPTED, "interrupted");
    if (rc == ERR_OK && result->end == SWEEP_FINISHED && results.record_count > 0 &&
        results.ok_count == 0)
        rc = err_set(err, ERR_INFEASIBLE, "%s: none of %zu points is feasible; the first: %s",
                     a->space, results.point_count, results.records[0]->reason);
    cli_sweep_results_release(&results);
    return rc;
}

static enum err_code sweep(struct sweep_run *run, struct sweep_store *store, struct sweep_mpi *mpi,
                           struct err *err)
{
    struct sweep_work work = { run, run_job };
    struct sweep_spread spread = mpi ? sweep_mpi_spread(mpi, LOST_AFTER_S)
                                     : sweep_local_new(&work, (unsigned)run->args->jobs);
    struct sweep_drive_result result;
    enum err_code rc = drive(run, store, &spread, &result, err);
    if (mpi && sweep_mpi_lost(mpi))
        fprintf(stderr, "socweave sweep: %u workers were lost; others did their work\n",
                sweep_mpi_lost(mpi));
    sweep_spread_free(&spread);
    return rc == ERR_OK ? finish(run, store, &result, err) : rc;
}

static enum err_code merge_shards(const struct sweep_run *run, struct sweep_store *into,
                                  const struct sweep_study *study, struct err *err)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < run->args->shards->count; i++) {
        const char *dir = run->args->shards->items[i];
        struct sweep_store *shard;
        rc = sweep_store_read(dir, &shard, err);
        if (rc != ERR_OK)
            break;
        rc = sweep_study_same(sweep_store_study(shard), study, dir, err);
        if (rc == ERR_OK)
            rc = sweep_store_merge(into, shard, err);
        sweep_store_close(shard, NULL);
    }
    return rc;
}

/* Rank 0, or the only one. */
static enum err_code lead(struct sweep_run *run, struct sweep_mpi *mpi, const char *command,
                          struct err *err)
{
    const struct cli_sweep_args *a = run->args;
    struct study_texts texts = { .command = (char *)command };
    struct sweep_study study;
    struct sweep_store *store = NULL;
    enum err_code rc = describe(run, &texts, &study, err);
    if (rc == ERR_OK)
        rc = file_make_dir(a->out, err);
    if (rc == ERR_OK)
        rc = (a->resume ? sweep_store_resume : sweep_store_new)(a->out, &study, &store, err);
    if (rc == ERR_OK) {
        rc = a->shards ? merge_shards(run, store, &study, err) : ERR_OK;
        if (rc == ERR_OK)
            rc = sweep(run, store, mpi, err);
        enum err_code closed = sweep_store_close(store, rc == ERR_OK ? err : NULL);
        rc = rc == ERR_OK ? closed : rc;
    }
    free(texts.space_text);
    return rc;
}

static enum err_code agree(const struct sweep_run *run, struct sweep_mpi *mpi, bool loaded,
                           struct err *err)
{
    char identity[256] = "";
    struct err mine = *err;
    if (loaded)
        snprintf(identity, sizeof identity, "%.20s %.64s %.64s %.40s %s %llu", SOCWEAVE_VERSION,
                 run->space.sha256, run->workload.sha256, run->mapping.mapper->name,
                 cost_sharing_names[run->mapping.sharing], (unsigned long long)run->args->seed);
    enum err_code rc =
        sweep_mpi_agree(mpi, identity, &mine, (unsigned)run->args->jobs, loaded ? err : NULL);
    return loaded ? rc : mine.code;
}

enum err_code cli_sweep_run(const struct cli_sweep_args *args, struct sweep_mpi *mpi,
                            const char *command, struct err *err)
{
    struct sweep_run run = { .args = args };
    bool loaded = load(&run, err) == ERR_OK;
    enum err_code rc = mpi ? agree(&run, mpi, loaded, err) : err->code;
    bool leads = !mpi || sweep_mpi_rank(mpi) == 0;
    if (leads && rc == ERR_OK && loaded)
        rc = lead(&run, mpi, command, err);
    else if (!leads && loaded)
        sweep_mpi_serve(mpi, &(struct sweep_work){ &run, run_job });
    if (loaded)
        release(&run);
    return rc;
}

int cmd_sweep(int argc, char **argv)
{
    struct err err = ERR_INIT;
    bool launched = sweep_mpi_launched(), helped;
    struct cli_sweep_args args = { .mapper = "socweave",
                                   .objectives = "latency,energy,area",
                                   .strategy = SWEEP_HALVING,
                                   .budget_layers = 2000000,
                                   .batch = SWEEP_BATCH_DEFAULT,
                                   .seed = 1,
                                   .reports = CLI_SWEEP_REPORTS,
                                   .jobs = launched ? 1 : cli_cores() };
    struct sweep_mpi *mpi = NULL;
    if (parse(&args, argc, argv, &helped, &err) != ERR_OK)
        return cli_fail("sweep", &err);
    if (helped)
        return 0;
    if (launched && sweep_mpi_new(&mpi, &err) != ERR_OK)
        return cli_fail("sweep", &err);
    char *command = cli_command_line(argc, argv);
    cli_catch_signals();
    enum err_code rc = cli_sweep_run(&args, mpi, command, &err);
    bool leads = !mpi || sweep_mpi_rank(mpi) == 0;
    free(command);
    sweep_mpi_free(mpi);
    if (!leads)
        return rc == ERR_OK ? 0 : err_exit_status(rc);
    if (rc == ERR_INTERRUPTED) {
        fprintf(stderr, "socweave sweep: interrupted; --resume goes on with %s\n", args.out);
        return err_exit_status(rc);
    }
    return rc == ERR_OK ? 0 : cli_fail("sweep", &err);
}
