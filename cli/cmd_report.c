/* report: report.html again, from what an output folder holds. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/outcome.h"
#include "core/arena.h"
#include "core/file.h"
#include "core/json.h"

/* What result.json says of the search; the rest is computed again. Texts live in the arena. */
struct kept_result {
    struct arena *arena;
    const char *soc, *workload, *mapper, *objective, *fitness, *command;
    uint64_t seed, evaluations, sim_evaluations;
    bool interrupted;
};

static const char *kept_str(struct kept_result *kept, const struct json_node *object,
                            const char *key)
{
    return arena_strdup(kept->arena, json_get_str(object, key));
}

static enum err_code read_result(const char *dir, struct kept_result *kept, struct err *err)
{
    char *file = file_join(dir, "result.json");
    struct json_doc *doc = json_open(file);
    const struct json_node *root = json_root(doc);
    const struct json_node *inputs = json_get(root, "inputs");
    kept->soc = kept_str(kept, json_get(inputs, "soc"), "file");
    kept->workload = kept_str(kept, json_get(inputs, "workload"), "file");
    kept->mapper = kept_str(kept, root, "mapper");
    kept->objective = kept_str(kept, root, "objective");
    kept->fitness = kept_str(kept, root, "fitness");
    kept->command = kept_str(kept, root, "command");
    kept->seed = (uint64_t)json_get_int(root, "seed", 0, INT64_MAX);
    kept->evaluations = (uint64_t)json_get_int(root, "evaluations", 0, INT64_MAX);
    kept->sim_evaluations = (uint64_t)json_get_int(root, "sim_evaluations", 0, INT64_MAX);
    kept->interrupted = json_get_bool_or(root, "interrupted", false);
    bool ok = json_ok(doc);
    json_close(doc, ok ? NULL : err); /* members that are not needed here are no error */
    free(file);
    return ok ? ERR_OK : err->code;
}

/* convergence.csv: header, then step,evaluations,sim_evaluations,makespan_ps,energy_pj,value. */
static enum err_code read_convergence(const char *dir, struct report_step **steps_take,
                                      size_t *count, struct err *err)
{
    char *file = file_join(dir, "convergence.csv"), *text = NULL;
    size_t bytes, capacity = 0;
    enum err_code rc = file_read(file, &text, &bytes, err);
    *steps_take = NULL;
    *count = 0;
    char *rest = text;
    int line = 0;
    for (char *row; rc == ERR_OK && (row = strtok_r(rest, "\n", &rest)); line++) {
        struct report_step s;
        unsigned long long evaluations, sim_evaluations, makespan_ps;
        if (!line)
            continue;
        if (sscanf(row, "%u,%llu,%llu,%llu,%lf,%lf", &s.step, &evaluations, &sim_evaluations,
                   &makespan_ps, &s.best_energy_pj, &s.best_value) != 6) {
            err_in_file(err, file, line + 1, 1);
            rc = err_set(err, ERR_SYNTAX, "expected six numbers, got \"%.60s\"", row);
            break;
        }
        s.evaluations = evaluations;
        s.sim_evaluations = sim_evaluations;
        s.best_makespan_ps = makespan_ps;
        if (*count == capacity)
            *steps_take = mem_grow(*steps_take, capacity = 2 * capacity + 64, sizeof s);
        (*steps_take)[(*count)++] = s;
    }
    free(text);
    free(file);
    return rc;
}

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

static enum err_code report_again(const char *dir, const struct kept_result *kept,
                                  const struct problem *problem, struct err *err)
{
    char *file = file_join(dir, "mapping.json");
    struct mapping_file m;
    struct outcome outcome;
    struct report_step *steps = NULL;
    enum err_code rc = mapping_load(problem, file, &m, err);
    free(file);
    if (rc != ERR_OK)
        return rc;
    struct sim_options sim = { .granularity = m.granularity, .want_trace = true };
    rc = outcome_init(&outcome, problem, &m.mapping, &sim, err);
    if (rc == ERR_OK) {
        struct report *r = &outcome.report;
        rc = read_convergence(dir, &steps, &r->convergence_count, err);
        r->convergence = steps;
        r->mapper = kept->mapper;
        r->objective = kept->objective;
        r->fitness = kept->fitness;
        r->command = kept->command;
        r->seed = kept->seed;
        r->evaluations = kept->evaluations;
        r->sim_evaluations = kept->sim_evaluations;
        r->interrupted = kept->interrupted;
        if (rc == ERR_OK)
            rc = write_html(r, dir, err);
        outcome_release(&outcome);
    }
    free(steps);
    mapping_file_release(&m);
    return rc;
}

static enum err_code report_dir(const char *dir, unsigned choice, struct err *err)
{
    struct kept_result kept = { .arena = arena_new() };
    struct cli_problem problem;
    char *mapping = file_join(dir, "mapping.json");
    enum err_code rc = read_result(dir, &kept, err);
    if (rc == ERR_OK)
        rc = cli_problem_load_mapped(&problem, kept.soc, kept.workload, mapping, choice, err);
    if (rc == ERR_OK) {
        rc = report_again(dir, &kept, &problem.problem, err);
        cli_problem_release(&problem);
    }
    free(mapping);
    arena_free(kept.arena);
    return rc;
}

int cmd_report(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct cli_list dirs = { 0 };
    bool helped, json = false;
    unsigned sharing = 0;
    const struct cli_option options[] = {
        { "--sharing", CLI_CHOICE, &sharing, "S", "allotments (auto: as the mapping says)",
          cli_sharing_choices, 1 + COST_SHARING_COUNT },
        { "--json", CLI_FLAG, &json, NULL, "print one JSON object in place of lines" },
    };
    if (cli_parse("report", options, sizeof options / sizeof *options, argc, argv, &dirs, &helped,
                  &err) != ERR_OK)
        return cli_fail("report", &err);
    if (helped)
        return 0;
    if (!dirs.count) {
        err_set(&err, ERR_USAGE, "no folder given");
        return cli_fail("report", &err);
    }
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
