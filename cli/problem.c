/* From file names on the command line to a problem. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/arena.h"
#include "core/file.h"
#include "cost/cost.h"

static const char *const folder_names[] = { "soc-configs", "dnn-graphs", "dnn-graphs/workloads" };

char *cli_resolve(const char *name, enum cli_folder folder)
{
    static const char *const roots[] = { ".", SOCWEAVE_DATADIR };
    if (access(name, F_OK) == 0 || strchr(name, '/'))
        return strdup(name);
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        for (int with_suffix = 0; with_suffix < 2; with_suffix++) {
            char file[1024];
            snprintf(file, sizeof file, "%s%s%s/%s%s", i ? roots[i] : "", i ? "/" : "",
                     folder_names[folder], name, with_suffix ? ".json" : "");
            if (access(file, F_OK) == 0)
                return strdup(file);
        }
    return strdup(name);
}

enum err_code cli_problem_load(struct cli_problem *out, const char *soc_file,
                               const char *workload_file, struct err *err)
{
    char *soc = cli_resolve(soc_file, CLI_SOCS);
    char *workload = cli_resolve(workload_file, CLI_WORKLOADS);
    enum err_code rc = soc_load(&out->soc, soc, err);
    if (rc == ERR_OK) {
        rc = workload_load(&out->workload, workload, err);
        if (rc == ERR_OK) {
            struct cost_options options = { .elastic = false };
            rc = cost_build_problem(&out->soc, &out->workload, &options, &out->problem, err);
            if (rc != ERR_OK)
                workload_release(&out->workload);
        }
        if (rc != ERR_OK)
            soc_release(&out->soc);
    }
    free(soc);
    free(workload);
    return rc;
}

void cli_problem_release(struct cli_problem *problem)
{
    problem_release(&problem->problem);
    workload_release(&problem->workload);
    soc_release(&problem->soc);
}
