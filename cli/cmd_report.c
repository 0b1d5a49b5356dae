/* report: report.html again, from what an output folder holds. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/outcome.h"
#include "cli/sweep_pair.h"
#include "core/arena.h"
#include "core/file.h"
#include "core/json.h"
#include "reports/kept.h"
#include "sweep/store.h"

static enum err_code write_html(const struct report *report, const char *dir, struct err *err)
{
    struct text html = { 0 };
    char *file = file_join(dir, "report.html");
    report_html(report, &html);
    enum err_code rc = file_write(file, html.data, html.bytes, err);
    text_release(&html);
    free(file);
    return rc;
}

static enum err_code report_again(const char *dir, const struct report_kept *kept,
                                  const struct problem *problem, struct err *err)
{
    char *file = file_join(dir, "mapping.json"), *steps_file = file_join(dir, "convergence.csv");
    struct mapping_file m;
    struct outcome outcome;
    struct report_step *steps = NULL;
    enum err_code rc = mapping_load(problem, file, &m, err);
    free(file);
    if (rc != ERR_OK) {
        free(steps_file);
        return rc;
    }
    struct sim_options sim = { .granularity = m.granularity, .want_trace = true };
    rc = outcome_init(&outcome, problem, &m.mapping, &sim, err);
    if (rc == ERR_OK) {
        struct report *r = &outcome.report;
        rc = report_convergence_load(steps_file, &steps, &r->convergence_count, err);
        r->convergence = steps;
        r->mapper = kept->mapper;
        r->objective = kept->objective;
        r->fitness = kept->fitness;
        r->command = kept->command;
        r->seed = kept->seed;
        r->evaluations = kept->evaluations;
        r->sim_evaluations = kept->sim_evaluations;
        r->interrupted = kept->interrupted;
        r->front = kept->front;
        r->front_count = kept->front_count;
        r->front_chosen = kept->front_chosen;
        if (rc == ERR_OK)
            rc = write_html(r, dir, err);
        outcome_release(&outcome);
    }
    free(steps);
    free(steps_file);
    mapping_file_release(&m);
    return rc;
}

static enum err_code report_dir(const char *dir, unsigned choice, struct err *err)
{
    struct arena *arena = arena_new();
    struct report_kept kept;
    struct cli_problem problem;
    if (sweep_store_is_in(dir)) {
        arena_free(arena);
        return err_set(err, ERR_USAGE,
                       "%s is a study of sweep: its page is sweep.html, points/ has folders of its "
                       "points, and --compare sets two studies side by side",
                       dir);
    }
    char *mapping = file_join(dir, "mapping.json"), *result = file_join(dir, "result.json");
    enum err_code rc = report_kept_load(&kept, result, arena, err);
    if (rc == ERR_OK)
        rc = cli_problem_load_mapped(&problem, kept.soc, kept.workload, mapping, choice, err);
    if (rc == ERR_OK) {
        rc = report_again(dir, &kept, &problem.problem, err);
        cli_problem_release(&problem);
    }
    free(mapping);
    free(result);
    arena_free(arena);
    return rc;
}

static enum err_code check_usage(const struct cli_list *dirs, bool compares, const char *out,
                                 struct err *err)
{
    if (!dirs->count)
        return err_set(err, ERR_USAGE, "no folder given");
    if (compares && dirs->count != 2)
        return err_set(err, ERR_USAGE, "--compare: expected two studies, got %zu", dirs->count);
    if (out && !compares)
        return err_set(err, ERR_USAGE,
                       "--out: only with --compare; report.html stays in its folder");
    return ERR_OK;
}

int cmd_report(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct cli_list dirs = { 0 };
    bool helped, json = false, compares = false;
    const char *dir = NULL;
    unsigned sharing = 0;
    const struct cli_option options[] = {
        { "--sharing", CLI_CHOICE, &sharing, "S", "allotments (auto: as the mapping says)",
          cli_sharing_choices, 1 + COST_SHARING_COUNT },
        { "--compare", CLI_FLAG, &compares, NULL, "two studies of sweep, side by side" },
        { "--out", CLI_TEXT, &dir, "DIR", "of --compare: output folder (out/A-B if not given)" },
        { "--json", CLI_FLAG, &json, NULL, "print one JSON object in place of lines" },
    };
    if (cli_parse("report", options, sizeof options / sizeof *options, argc, argv, &dirs, &helped,
                  &err) != ERR_OK)
        return cli_fail("report", &err);
    if (helped)
        return 0;
    if (check_usage(&dirs, compares, dir, &err) != ERR_OK)
        return cli_fail("report", &err);
    if (compares)
        return cli_sweep_pair(dirs.items, dir, json, &err) == ERR_OK ? 0 : cli_fail("report", &err);
    struct text text = { 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_array(&out, "html", false);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < dirs.count && rc == ERR_OK; i++) {
        rc = report_dir(dirs.items[i], sharing, &err);
        if (rc != ERR_OK)
            break;
        char *file = file_join(dirs.items[i], "report.html");
        if (!json)
            puts(file);
        json_out_str(&out, NULL, file);
        free(file);
    }
    json_out_end(&out);
    json_out_end(&out);
    if (json && rc == ERR_OK)
        fputs(text.data, stdout);
    text_release(&text);
    return rc == ERR_OK ? 0 : cli_fail("report", &err);
}
