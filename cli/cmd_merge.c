/* merge: shards of a sweep put together. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/sweep_run.h"
#include "core/arena.h"
#include "cost/cost.h"
#include "sweep/store.h"
#include "sweep/strategy.h"

static unsigned index_of(const char *name, const char *const *names, unsigned count)
{
    unsigned i = 0;
    while (i < count && (!name || strcmp(name, names[i]) != 0))
        i++;
    return i;
}

/* The options of the first shard; its texts live in the arena. */
static enum err_code options_of(const char *dir, struct arena *arena, struct cli_sweep_args *a,
                                struct err *err)
{
    struct sweep_store *store;
    enum err_code rc = sweep_store_read(dir, &store, err);
    if (rc != ERR_OK)
        return rc;
    static const char *const names[] = { "objectives",    "mapper",        "seed",
                                         "budget_points", "budget_layers", "batch" };
    const char *texts[6];
    for (size_t i = 0; i < 6; i++) {
        const char *text = sweep_store_option(store, names[i]);
        texts[i] = arena_strdup(arena, text ? text : "0");
    }
    a->space = arena_strdup(arena, sweep_store_study(store)->space_file);
    a->workload = arena_strdup(arena, sweep_store_study(store)->workload_file);
    a->objectives = texts[0];
    a->mapper = texts[1];
    a->seed = strtoull(texts[2], NULL, 10);
    a->budget_points = strtoull(texts[3], NULL, 10);
    a->budget_layers = strtoull(texts[4], NULL, 10);
    a->batch = strtoull(texts[5], NULL, 10);
    a->strategy =
        index_of(sweep_store_option(store, "strategy"), sweep_kind_names, SWEEP_KIND_COUNT);
    a->sharing =
        1 + index_of(sweep_store_option(store, "sharing"), cost_sharing_names, COST_SHARING_COUNT);
    if (a->strategy == SWEEP_KIND_COUNT || a->sharing > COST_SHARING_COUNT || a->batch < 1 ||
        a->budget_layers < 1)
        rc = err_set(err, ERR_VALUE, "%s holds a study with options of another program", dir);
    sweep_store_close(store, NULL);
    return rc;
}

static enum err_code merge(struct cli_sweep_args *a, const struct cli_list *dirs,
                           const char *command, struct err *err)
{
    struct arena *arena = arena_new();
    a->shards = dirs;
    enum err_code rc = dirs->count ? options_of(dirs->items[0], arena, a, err)
                                   : err_set(err, ERR_USAGE, "no folder given");
    if (rc == ERR_OK)
        rc = cli_sweep_run(a, NULL, command, err);
    arena_free(arena);
    return rc;
}

int cmd_merge(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct cli_sweep_args args = { .jobs = cli_cores(), .reports = CLI_SWEEP_REPORTS };
    struct cli_list dirs = { 0 };
    bool helped;
    // clang-format off
    const struct cli_option options[] = {
        { "--out", CLI_TEXT, &args.out, "DIR", "output folder of the whole study", .required = true },
        { "--reports", CLI_COUNT, &args.reports, "N", "whole reports of so many points of the front, once finished", .high = 1000 },
        { "--csv", CLI_TEXT, &args.csv, "FILE", "every outcome as a table" },
        { "--jobs", CLI_COUNT, &args.jobs, "N", "replays at once", .low = 1, .high = 1024 },
        { "--progress", CLI_CHOICE, &args.progress, "HOW", "on stderr", cli_progress_names, 4 },
        { "--json", CLI_FLAG, &args.json, NULL, "print one JSON object in place of the summary" },
    };
    // clang-format on
    if (cli_parse("merge", options, sizeof options / sizeof *options, argc, argv, &dirs, &helped,
                  &err) != ERR_OK)
        return cli_fail("merge", &err);
    if (helped)
        return 0;
    char *command = cli_command_line(argc, argv);
    cli_catch_signals();
    enum err_code rc = merge(&args, &dirs, command, &err);
    free(command);
    return rc == ERR_OK ? 0 : cli_fail("merge", &err);
}
