/* From file names on the command line to a problem. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/arena.h"
#include "core/file.h"
#include "core/json.h"
#include "core/mapping.h"
#include "core/split.h"
#include "core/text.h"

static const char *const folder_names[] = { "soc-configs", "dnn-graphs", "dnn-graphs/workloads" };

/* A folder seen from the program's own. free() it. */
static char *beside_program(const char *relative)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = '\0';
    char *bin = file_dir(program), *root = file_join(bin, relative);
    free(bin);
    return root;
}

/* root/folder/name, or with ".json"; NULL if neither is there. free() it. */
static char *shipped(const char *root, const char *name, enum cli_folder folder)
{
    static const char *const suffixes[] = { "", ".json" };
    for (size_t i = 0; i < 2; i++) {
        struct text file = { 0 };
        text_printf(&file, "%s%s%s/%s%s", root, *root ? "/" : "", folder_names[folder], name,
                    suffixes[i]);
        if (access(file.data, F_OK) == 0)
            return file.data;
        text_release(&file);
    }
    return NULL;
}

char *cli_resolve(const char *name, enum cli_folder folder)
{
    /* Where `make install` puts them, and where they are beside a build folder. */
    static const char *const beside[] = { "../share/socweave", ".." };
    if (access(name, F_OK) == 0 || strchr(name, '/'))
        return strdup(name);
    char *file = shipped("", name, folder);
    for (size_t i = 0; !file && i < sizeof beside / sizeof *beside; i++) {
        char *root = beside_program(beside[i]);
        file = shipped(root, name, folder);
        free(root);
    }
    return file ? file : strdup(name);
}

/* A bare name that is neither a file nor shipped deserves more than "cannot open". */
static enum err_code find(const char *name, enum cli_folder folder, char **file_take,
                          struct err *err)
{
    *file_take = cli_resolve(name, folder);
    if (strchr(name, '/') || strchr(name, '.') || access(*file_take, F_OK) == 0)
        return ERR_OK;
    return err_set(err, ERR_IO, "no file \"%s\" here, and none of that name is shipped in %s", name,
                   folder_names[folder]);
}

const char *const cli_sharing_choices[1 + COST_SHARING_COUNT] = { "auto", "fixed", "elastic",
                                                                  "tiled" };

/* The sharing that a mapping was made for: `choice` unless that is the first; fixed if the file
 * says nothing, or is none. */
static enum err_code mapping_sharing(const char *mapping_file, unsigned choice,
                                     enum cost_sharing *out, struct err *err)
{
    *out = choice ? (enum cost_sharing)(choice - 1) : COST_SHARING_FIXED;
    if (choice)
        return ERR_OK;
    struct json_doc *doc = json_open(mapping_file);
    const struct json_node *node = json_ok(doc) ? json_find(json_root(doc), "sharing") : NULL;
    if (node)
        *out = (enum cost_sharing)json_enum(node, cost_sharing_names, COST_SHARING_COUNT);
    bool refused = node && !json_ok(doc);
    json_close(doc, refused ? err : NULL); /* the rest of the file is read later */
    return refused ? err->code : ERR_OK;
}

static enum err_code load_files(struct cli_problem *out, const char *soc_file,
                                const char *workload_file, struct err *err)
{
    char *soc = NULL, *workload = NULL;
    memset(out, 0, sizeof *out);
    enum err_code rc = find(soc_file, CLI_SOCS, &soc, err);
    if (rc == ERR_OK)
        rc = find(workload_file, CLI_WORKLOADS, &workload, err);
    if (rc == ERR_OK)
        rc = soc_load(&out->soc, soc, err);
    if (rc == ERR_OK) {
        rc = workload_load(&out->workload, workload, err);
        if (rc != ERR_OK)
            soc_release(&out->soc);
    }
    free(soc);
    free(workload);
    return rc;
}

static void release_files(struct cli_problem *problem)
{
    if (problem->refined.whole)
        workload_release(&problem->refined);
    workload_release(&problem->workload);
    soc_release(&problem->soc);
}

static enum err_code build(struct cli_problem *out, enum cost_sharing sharing, struct err *err)
{
    const struct cost_options options = { .sharing = sharing };
    const struct workload *workload = out->refined.whole ? &out->refined : &out->workload;
    return cost_build_problem(&out->soc, workload, &options, &out->problem, err);
}

enum err_code cli_problem_load(struct cli_problem *out, const char *soc_file,
                               const char *workload_file, enum cost_sharing sharing,
                               struct err *err)
{
    enum err_code rc = load_files(out, soc_file, workload_file, err);
    if (rc == ERR_OK && (rc = build(out, sharing, err)) != ERR_OK)
        release_files(out);
    return rc;
}

static enum err_code refine(struct cli_problem *out, const char *mapping_file, struct err *err)
{
    struct arena *arena = arena_new();
    struct workload_split *splits;
    size_t count;
    enum err_code rc =
        mapping_read_splits(&out->workload, mapping_file, arena, &splits, &count, err);
    if (rc == ERR_OK && count > 0)
        rc = workload_refine(&out->refined, &out->workload, splits, count, err);
    arena_free(arena);
    return rc;
}

enum err_code cli_problem_load_split(struct cli_problem *out, const char *soc_file,
                                     const char *workload_file, const char *mapping_file,
                                     enum cost_sharing sharing, struct err *err)
{
    enum err_code rc = load_files(out, soc_file, workload_file, err);
    if (rc != ERR_OK)
        return rc;
    rc = refine(out, mapping_file, err);
    if (rc == ERR_OK)
        rc = build(out, sharing, err);
    if (rc != ERR_OK)
        release_files(out);
    return rc;
}

enum err_code cli_problem_load_mapped(struct cli_problem *out, const char *soc_file,
                                      const char *workload_file, const char *mapping_file,
                                      unsigned choice, struct err *err)
{
    enum cost_sharing sharing;
    enum err_code rc = mapping_sharing(mapping_file, choice, &sharing, err);
    if (rc != ERR_OK)
        return rc;
    return cli_problem_load_split(out, soc_file, workload_file, mapping_file, sharing, err);
}

void cli_problem_release(struct cli_problem *problem)
{
    problem_release(&problem->problem);
    release_files(problem);
}
