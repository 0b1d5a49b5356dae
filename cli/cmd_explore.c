/* explore: search, simulate, report. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/explore_front.h"
#include "cli/levers.h"
#include "cli/outcome.h"
#include "cli/search.h"
#include "core/arena.h"
#include "core/deadline.h"
#include "core/file.h"

struct explore_args {
    const char *soc, *workload, *mapper, *out, *splits;
    unsigned objective, fitness, granularity, progress, sharing;
    uint64_t seed, generations, population, budget_evals, proof_nodes, jobs;
    double time_limit_s;
    struct cli_list without;
    unsigned levers_off;              /* from `without` */
    bool splits_chosen, finds_splits; /* --splits was given; auto */
    enum cost_sharing sharing_in_force;
    bool json;
};

/* Behind the objectives of a single mapping: latency against energy, a front. */
enum { PARETO = OBJECTIVE_COUNT };

static enum err_code parse(struct explore_args *a, int argc, char **argv, bool *helped,
                           struct err *err)
{
    const char *objectives[PARETO + 1];
    memcpy(objectives, objective_names, sizeof objective_names);
    objectives[PARETO] = "pareto";
    // clang-format off
    const struct cli_option options[] = {
        { "--soc", CLI_TEXT, &a->soc, "FILE", "SoC, or the name of a shipped one", .required = true },
        { "--workload", CLI_TEXT, &a->workload, "FILE", "workload, or the name of a shipped one", .required = true },
        { "--out", CLI_TEXT, &a->out, "DIR", "output folder (out/SOC-WORKLOAD if not given)" },
        { "--mapper", CLI_TEXT, &a->mapper, "NAME", "how to search; 'list' shows them" },
        { "--objective", CLI_CHOICE, &a->objective, "WHAT", "to minimise, or both", objectives, PARETO + 1 },
        { "--fitness", CLI_CHOICE, &a->fitness, "HOW", "the search believes", fitness_names, 3 },
        { "--granularity", CLI_CHOICE, &a->granularity, "G", "of the timing model", granularity_names, 2 },
        { "--sharing", CLI_CHOICE, &a->sharing, "S", "allotments of PEs (auto: the mapper's)", cli_sharing_choices, 1 + COST_SHARING_COUNT },
        { "--splits", CLI_TEXT, &a->splits, "FILE", "layers to split: of a mapping, auto (default if tiled), none" },
        { "--without", CLI_LIST, &a->without, "LEVER", "of socweave: not to use; may be given again" },
        { "--seed", CLI_COUNT, &a->seed, "N", "same seed, same result" },
        { "--generations", CLI_COUNT, &a->generations, "N", "of a genetic search (0: the mapper's own)", .high = 1e6 },
        { "--population", CLI_COUNT, &a->population, "N", "of a genetic search (0: the mapper's own)", .high = 1e5 },
        { "--budget-evals", CLI_COUNT, &a->budget_evals, "N", "evaluations at most (0: no limit)" },
        { "--prove", CLI_COUNT, &a->proof_nodes, "N", "nodes of exact searches for a better bound (0: 50,000)", .high = 1e12 },
        { "--time-limit", CLI_REAL, &a->time_limit_s, "S", "seconds at most; not reproducible (0: no limit)", .high = 1e7 },
        { "--jobs", CLI_COUNT, &a->jobs, "N", "threads and simulator processes", .low = 1, .high = 1024 },
        { "--progress", CLI_CHOICE, &a->progress, "HOW", "on stderr", cli_progress_names, 4 },
        { "--json", CLI_FLAG, &a->json, NULL, "print one JSON object in place of the summary" },
    };
    // clang-format on
    return cli_parse("explore", options, sizeof options / sizeof *options, argc, argv, NULL, helped,
                     err);
}

static int list_mappers(void)
{
    for (size_t i = 0; i < mapper_count; i++)
        printf("%-12s %s\n%-12s (%s)\n", mapper_table[i].name, mapper_table[i].summary, "",
               mapper_table[i].source);
    return 0;
}

static enum err_code find_mapper(const char *name, const struct mapper **out, struct err *err)
{
    *out = mapper_find(name);
    if (*out)
        return ERR_OK;
    char list[512] = "";
    for (size_t i = 0; i < mapper_count; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "",
                 mapper_table[i].name);
    return err_set(err, ERR_USAGE, "--mapper: expected one of %s, got \"%s\"", list, name);
}

static enum err_code check_front(const struct mapper *mapper, unsigned objective, struct err *err)
{
    if (objective != PARETO || mapper->run_front)
        return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "--objective pareto: mapper %s searches for one objective only; socweave "
                   "searches for a front",
                   mapper->name);
}

static enum err_code read_splits(struct explore_args *a, const struct mapper *mapper,
                                 struct err *err)
{
    if (!a->splits)
        return ERR_OK;
    a->splits_chosen = true;
    a->finds_splits = !strcmp(a->splits, "auto");
    if (a->finds_splits || !strcmp(a->splits, "none"))
        a->splits = NULL;
    return a->finds_splits ? cli_check_splits(mapper, a->objective == PARETO, "--splits auto", err)
                           : ERR_OK;
}

static bool has_measured_cores(const struct soc *soc)
{
    for (size_t i = 0; i < soc->accelerator_count; i++)
        if (soc->accelerators[i].dataflow->measured.present)
            return true;
    return false;
}

/* Unless it is said, the default mapper splits wherever a layer may lie side by side with itself
 * anyway; not on measured cores, whose rates are those of whole layers. */
static void choose_splits(struct explore_args *a, const struct mapper *mapper,
                          const struct soc *soc)
{
    if (!a->splits_chosen)
        a->finds_splits = a->sharing_in_force == COST_SHARING_TILED && !has_measured_cores(soc) &&
                          cli_check_splits(mapper, a->objective == PARETO, "", NULL) == ERR_OK;
}

static enum err_code find_levers(struct explore_args *a, const struct mapper *mapper,
                                 struct err *err)
{
    for (size_t i = 0; i < a->without.count; i++)
        if (cli_find_lever(a->without.items[i], &a->levers_off, err) != ERR_OK)
            return err->code;
    if (a->levers_off && strcmp(mapper->name, "socweave"))
        return err_set(err, ERR_USAGE, "--without: mapper %s has no levers", mapper->name);
    return ERR_OK;
}

static void show_progress(void *ctx, const struct mapper_progress *now)
{
    char detail[96], time[32];
    snprintf(detail, sizeof detail, "best %s, %llu evaluations",
             cli_time(now->best_makespan_ps, time, sizeof time),
             (unsigned long long)now->evaluations);
    cli_progress_show(ctx, now->step, now->step_count, detail);
}

static enum err_code search(const struct explore_args *a, const struct mapper *mapper,
                            const struct cli_problem *problem, struct cli_found *found,
                            struct err *err)
{
    struct cli_progress progress;
    const struct cli_search search = {
        .mapper = mapper,
        .problem = &problem->problem,
        .sharing = a->sharing_in_force,
        .finds_splits = a->finds_splits,
        .front = a->objective == PARETO,
        .options = {
            .seed = a->seed,
            .population = (unsigned)a->population,
            .generations = (unsigned)a->generations,
            .budget_evals = a->budget_evals,
            .proof_nodes = a->proof_nodes,
            .time_limit_s = a->time_limit_s,
            .jobs = (unsigned)a->jobs,
            .levers_off = a->levers_off,
            .objective = a->objective == PARETO ? OBJECTIVE_EDP : (enum objective)a->objective,
            .fitness = (enum fitness)a->fitness,
            .granularity = (enum granularity)a->granularity,
            .stop = &cli_stop,
            .progress = show_progress,
            .progress_ctx = &progress,
        },
    };
    cli_progress_start(&progress, (enum cli_progress_mode)a->progress, mapper->name);
    enum err_code rc = cli_search_run(&search, found, err);
    cli_progress_end(&progress);
    return rc;
}

static void print_json(const struct report *r, const struct mapper_result *found,
                       const struct explore_args *a, double wall_s)
{
    struct text text = { 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_u64(&out, "makespan_ps", report_makespan_ps(r));
    json_out_u64(&out, "analytic_makespan_ps", r->analytic->makespan_ps);
    json_out_real(&out, "energy_pj", r->energy.total_pj);
    json_out_u64(&out, "lower_bound_ps", r->lower_bound_ps);
    json_out_str(&out, "lower_bound", r->lower_bound_name);
    json_out_real(&out, "gap_frac", report_gap_frac(r));
    json_out_u64(&out, "proved_bound_ps", found->proved_bound_ps);
    json_out_bool(&out, "proved_optimal", found->proved_optimal);
    if (r->problem->workload->has_deadlines) {
        struct punctuality on_time = deadline_judge_mapping(
            r->problem, r->mapping, r->simulated->start_ps, r->simulated->end_ps);
        json_out_u64(&out, "frames", on_time.frames);
        json_out_u64(&out, "misses", on_time.misses);
        json_out_u64(&out, "worst_lateness_ps", on_time.worst_lateness_ps);
        json_out_real(&out, "xrbench_score", on_time.xrbench_score);
    }
    report_front_json(r, &out);
    json_out_u64(&out, "evaluations", r->evaluations);
    json_out_u64(&out, "sim_evaluations", r->sim_evaluations);
    json_out_real(&out, "wall_s", wall_s);
    json_out_u64(&out, "seed", r->seed);
    json_out_str(&out, "mapper", r->mapper);
    json_out_u64(&out, "layers", r->problem->layer_count);
    json_out_u64(&out, "groups", mapping_group_count(r->mapping));
    json_out_bool(&out, "interrupted", r->interrupted);
    json_out_str(&out, "out_dir", a->out);
    json_out_end(&out);
    fputs(text.data, stdout);
    text_release(&text);
}

/* A search that may split proves nothing of splits that it did not take. */
static const char *among_what(const struct report *r, const struct explore_args *a)
{
    if (r->problem->workload->whole)
        return " for these splits";
    return a->finds_splits ? " of whole layers" : "";
}

static void print_summary(const struct report *r, const struct mapper_result *found,
                          const struct explore_args *a, double wall_s)
{
    struct text text = { 0 };
    report_summary_text(r, &text);
    fputs(text.data, stdout);
    text_release(&text);
    if (found->proved_optimal)
        printf("\nproved optimal%s\n", among_what(r, a));
    printf("\nsearched in %.1f s; open %s/report.html\n", wall_s, a->out);
}

static const struct report_step *as_steps(const struct mapper_progress *rows, size_t count)
{
    struct report_step *steps = mem_alloc(count + 1, sizeof *steps);
    for (size_t i = 0; i < count; i++)
        steps[i] = (struct report_step){
            .evaluations = rows[i].evaluations,
            .sim_evaluations = rows[i].sim_evaluations,
            .step = rows[i].step,
            .best_makespan_ps = rows[i].best_makespan_ps,
            .best_energy_pj = rows[i].best_energy_pj,
            .best_value = rows[i].best_value,
        };
    return steps;
}

static const char *objective_name(const struct explore_args *a)
{
    return a->objective == PARETO ? "pareto" : objective_names[a->objective];
}

static enum err_code write_results(const struct explore_args *a, const struct mapper *mapper,
                                   const struct problem *problem, const char *command,
                                   const struct mapper_result *found, double started_s,
                                   struct err *err)
{
    struct sim_options sim = { .granularity = (enum granularity)a->granularity,
                               .want_trace = true };
    struct cli_front front;
    struct outcome outcome;
    enum err_code rc = cli_front_init(&front, problem, found, sim.granularity, err);
    if (rc != ERR_OK)
        return rc;
    const struct mapping *mapping =
        front.count ? front.points[front.chosen].mapping : &found->mapping;
    rc = outcome_init(&outcome, problem, mapping, &sim, err);
    if (rc == ERR_OK) {
        struct report *r = &outcome.report;
        outcome_raise_bound(&outcome, found->proved_bound_ps);
        r->mapper = mapper->name;
        r->objective = objective_name(a);
        r->fitness = fitness_names[a->fitness];
        r->seed = a->seed;
        r->evaluations = found->evaluations;
        r->sim_evaluations = found->sim_evaluations;
        r->convergence = as_steps(found->convergence, found->convergence_count);
        r->convergence_count = found->convergence_count;
        r->front = front.points;
        r->front_count = front.count;
        r->front_chosen = front.chosen;
        r->interrupted = found->interrupted;
        r->command = command;
        rc = report_write_dir(r, a->out, err);
        if (rc == ERR_OK)
            (a->json ? print_json : print_summary)(r, found, a, cli_now_s() - started_s);
        free((void *)r->convergence);
        outcome_release(&outcome);
    }
    cli_front_release(&front);
    return rc;
}

static enum err_code explore(const struct explore_args *a, const struct mapper *mapper,
                             const struct cli_problem *problem, const char *command,
                             struct err *err)
{
    double started_s = cli_now_s();
    struct cli_found found;
    if (search(a, mapper, problem, &found, err) != ERR_OK)
        return err->code;
    enum err_code rc =
        write_results(a, mapper, found.problem, command, &found.result, started_s, err);
    if (rc == ERR_OK && found.result.interrupted)
        rc = ERR_INTERRUPTED;
    cli_found_release(&found);
    return rc;
}

/* "out/SOC-WORKLOAD" from the names in the files, which may hold anything. */
static char *default_out(const struct problem *problem)
{
    struct text out = { 0 };
    text_printf(&out, "out/%s-%s", problem->soc->name, problem->workload->name);
    for (char *c = out.data + strlen("out/"); *c; c++)
        if (*c == '/' || (unsigned char)*c < ' ')
            *c = '_';
    return out.data;
}

int cmd_explore(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct explore_args args = {
        .mapper = "socweave", .seed = 1, .jobs = cli_cores(), .fitness = FITNESS_MIXED
    };
    bool helped;
    if (parse(&args, argc, argv, &helped, &err) != ERR_OK) {
        if (args.mapper && !strcmp(args.mapper, "list"))
            return list_mappers();
        return cli_fail("explore", &err);
    }
    if (helped)
        return 0;
    if (!strcmp(args.mapper, "list"))
        return list_mappers();
    const struct mapper *mapper;
    struct cli_problem problem;
    if (find_mapper(args.mapper, &mapper, &err) != ERR_OK ||
        check_front(mapper, args.objective, &err) != ERR_OK ||
        find_levers(&args, mapper, &err) != ERR_OK)
        return cli_fail("explore", &err);
    enum cost_sharing sharing = args.sharing_in_force =
        args.sharing ? (enum cost_sharing)(args.sharing - 1) : mapper->default_sharing;
    if (read_splits(&args, mapper, &err) != ERR_OK)
        return cli_fail("explore", &err);
    enum err_code rc =
        args.splits
            ? cli_problem_load_split(&problem, args.soc, args.workload, args.splits, sharing, &err)
            : cli_problem_load(&problem, args.soc, args.workload, sharing, &err);
    if (rc != ERR_OK)
        return cli_fail("explore", &err);
    choose_splits(&args, mapper, &problem.soc);
    if (args.splits && !problem.refined.whole) {
        err_set(
            &err, ERR_VALUE,
            "%s splits no layer: --splits auto looks for layers to split, none leaves all whole",
            args.splits);
        cli_problem_release(&problem);
        return cli_fail("explore", &err);
    }
    if (args.objective >= OBJECTIVE_PLAIN_COUNT && args.objective != PARETO &&
        !problem.workload.has_deadlines) {
        err_set(&err, ERR_USAGE, "--objective %s: no network of %s has a deadline",
                objective_names[args.objective], problem.workload.name);
        cli_problem_release(&problem);
        return cli_fail("explore", &err);
    }
    char *out = args.out ? NULL : default_out(&problem.problem);
    if (out)
        args.out = out;
    char *command = cli_command_line(argc, argv);
    cli_catch_signals();
    /* An output folder that can't be written is better known before the search. */
    rc = file_make_dir(args.out, &err);
    if (rc == ERR_OK)
        rc = explore(&args, mapper, &problem, command, &err);
    free(command);
    free(out);
    cli_problem_release(&problem);
    if (rc == ERR_INTERRUPTED)
        return err_exit_status(rc);
    return rc == ERR_OK ? 0 : cli_fail("explore", &err);
}
