/* simulate: replay one mapping. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/outcome.h"
#include "core/file.h"

struct simulate_args {
    const char *soc, *workload, *mapping, *trace, *vcd;
    unsigned granularity, sharing;
    bool json;
};

/* The first choice follows the mapping file. */
static const char *const granularity_choices[] = { "as-mapped", "layer", "tile" };

static enum err_code parse(struct simulate_args *a, int argc, char **argv, bool *helped,
                           struct err *err)
{
    // clang-format off
    const struct cli_option options[] = {
        { "--soc", CLI_TEXT, &a->soc, "FILE", "SoC, or the name of a shipped one", .required = true },
        { "--workload", CLI_TEXT, &a->workload, "FILE", "workload, or the name of a shipped one", .required = true },
        { "--mapping", CLI_TEXT, &a->mapping, "FILE", "mapping/1, as explore writes it", .required = true },
        { "--granularity", CLI_CHOICE, &a->granularity, "G", "of the timing model", granularity_choices, 3 },
        { "--sharing", CLI_CHOICE, &a->sharing, "S", "allotments it may use (auto: as the mapping says)", cli_sharing_choices, 1 + COST_SHARING_COUNT },
        { "--trace", CLI_TEXT, &a->trace, "FILE", "write a trace for ui.perfetto.dev" },
        { "--vcd", CLI_TEXT, &a->vcd, "FILE", "write signals for a waveform viewer (slow)" },
        { "--json", CLI_FLAG, &a->json, NULL, "print one JSON object in place of the summary" },
    };
    // clang-format on
    return cli_parse("simulate", options, sizeof options / sizeof *options, argc, argv, NULL,
                     helped, err);
}

static void print_json(const struct outcome *o, double wall_s)
{
    struct text text = { 0 };
    struct json_out out;
    json_out_init(&out, &text);
    json_out_object(&out, NULL, false);
    json_out_u64(&out, "makespan_ps", o->sim.schedule.makespan_ps);
    json_out_u64(&out, "analytic_makespan_ps", o->analytic.makespan_ps);
    json_out_real(&out, "energy_pj", o->report.energy.total_pj);
    json_out_u64(&out, "events", o->sim.events);
    json_out_real(&out, "wall_s", wall_s);
    json_out_end(&out);
    fputs(text.data, stdout);
    text_release(&text);
}

static enum err_code write_trace(const struct report *report, const char *file, struct err *err)
{
    struct text text = { 0 };
    report_trace_json(report, &text);
    enum err_code rc = file_write(file, text.data, text.bytes, err);
    text_release(&text);
    return rc;
}

static enum err_code simulate(const struct simulate_args *a, const struct problem *problem,
                              struct err *err)
{
    struct mapping_file file;
    enum err_code rc = mapping_load(problem, a->mapping, &file, err);
    if (rc != ERR_OK)
        return rc;
    enum granularity granularity =
        a->granularity ? (enum granularity)(a->granularity - 1) : file.granularity;
    const struct schedule *times = file.schedule.layer_count ? &file.schedule : NULL;
    double started_s = cli_now_s();
    struct outcome outcome;
    struct sim_options sim = { .granularity = granularity, .want_trace = true, .vcd = a->vcd };
    rc = mapping_check(problem, &file.mapping, times, file.granularity, err);
    if (rc != ERR_OK)
        err_in_file(err, a->mapping, 0, 0);
    else
        rc = outcome_init(&outcome, problem, &file.mapping, &sim, err);
    if (rc == ERR_OK) {
        outcome.report.mapper = file.mapper;
        outcome.report.seed = file.seed;
        if (a->trace)
            rc = write_trace(&outcome.report, a->trace, err);
        if (rc == ERR_OK && a->json) {
            print_json(&outcome, cli_now_s() - started_s);
        } else if (rc == ERR_OK) {
            struct text text = { 0 };
            report_summary_text(&outcome.report, &text);
            fputs(text.data, stdout);
            text_release(&text);
        }
        outcome_release(&outcome);
    }
    mapping_file_release(&file);
    return rc;
}

int cmd_simulate(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct simulate_args args = { 0 };
    bool helped;
    if (parse(&args, argc, argv, &helped, &err) != ERR_OK)
        return cli_fail("simulate", &err);
    if (helped)
        return 0;
    struct cli_problem problem;
    if (cli_problem_load_mapped(&problem, args.soc, args.workload, args.mapping, args.sharing,
                                &err) != ERR_OK)
        return cli_fail("simulate", &err);
    enum err_code rc = simulate(&args, &problem.problem, &err);
    cli_problem_release(&problem);
    return rc == ERR_OK ? 0 : cli_fail("simulate", &err);
}
