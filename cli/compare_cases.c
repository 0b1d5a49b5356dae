/* compare: from names on the command line to cases, contestants and problems. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/compare.h"
#include "cli/levers.h"
#include "cli/search.h"
#include "core/file.h"

/* --- lists ----------------------------------------------------------------------------------- */

static void add_item(struct cli_names *names, const char *item)
{
    names->items = mem_grow(names->items, names->count + 1, sizeof *names->items);
    names->items[names->count++] = item;
}

static bool add_matches(struct arena *arena, const char *pattern, struct cli_names *names)
{
    glob_t found;
    size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    for (size_t i = 0; i < count; i++)
        add_item(names, arena_strdup(arena, found.gl_pathv[i]));
    if (count)
        globfree(&found);
    return count > 0;
}

/* A pattern is tried as a path, then as a name among the shipped files, as in cli_resolve(). */
static bool add_pattern(struct arena *arena, const char *pattern, enum cli_folder folder,
                        struct cli_names *names)
{
    if (add_matches(arena, pattern, names))
        return true;
    if (strchr(pattern, '/'))
        return false;
    char *shipped = cli_resolve("", folder); /* the folder itself */
    bool found = add_matches(arena, arena_printf(arena, "%s%s", shipped, pattern), names) ||
                 add_matches(arena, arena_printf(arena, "%s%s.json", shipped, pattern), names);
    free(shipped);
    return found;
}

static enum err_code add_piece(struct arena *arena, const char *piece, enum cli_folder folder,
                               const char *option, struct cli_names *names, struct err *err)
{
    if (!*piece)
        return err_set(err, ERR_USAGE, "%s: expected names between commas, got nothing", option);
    if (access(piece, F_OK) == 0 || !strpbrk(piece, "*?["))
        add_item(names, piece);
    else if (!add_pattern(arena, piece, folder, names))
        return err_set(err, ERR_USAGE, "%s: no file is called \"%s\"", option, piece);
    return ERR_OK;
}

/* Commas part an item unless a file is called just so. */
static enum err_code add_list_item(struct arena *arena, const char *item, enum cli_folder folder,
                                   const char *option, struct cli_names *names, struct err *err)
{
    char *rest = access(item, F_OK) == 0 ? NULL : arena_strdup(arena, item);
    if (!rest)
        return add_piece(arena, item, folder, option, names, err);
    enum err_code rc = ERR_OK;
    for (char *piece; rc == ERR_OK && (piece = strsep(&rest, ","));)
        rc = add_piece(arena, piece, folder, option, names, err);
    return rc;
}

enum err_code cli_names_expand(struct arena *arena, const struct cli_list *list,
                               enum cli_folder folder, const char *option, struct cli_names *out,
                               struct err *err)
{
    struct cli_names names = { 0 };
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < list->count; i++)
        rc = add_list_item(arena, list->items[i], folder, option, &names, err);
    out->count = names.count;
    out->items = ARENA_ARRAY(arena, const char *, names.count + 1);
    for (size_t i = 0; i < names.count; i++)
        out->items[i] = names.items[i];
    free(names.items);
    return rc;
}

/* --- contestants ----------------------------------------------------------------------------- */

static enum err_code unknown_mapper(const char *name, size_t length, struct err *err)
{
    struct text list = { 0 };
    for (size_t i = 0; i < mapper_count; i++)
        text_printf(&list, "%s%s", i ? ", " : "", mapper_table[i].name);
    enum err_code rc = err_set(err, ERR_USAGE, "--mapper: expected one of %s, got \"%.*s\"",
                               list.data, (int)length, name);
    text_release(&list);
    return rc;
}

static enum err_code parse_sharing(const char *name, const char *given, enum cost_sharing *out,
                                   struct err *err)
{
    for (unsigned i = 0; i < COST_SHARING_COUNT; i++)
        if (!strcmp(cost_sharing_names[i], name)) {
            *out = (enum cost_sharing)i;
            return ERR_OK;
        }
    return err_set(err, ERR_USAGE, "--mapper: expected @fixed, @elastic or @tiled, got \"%s\"",
                   given);
}

/* NAME[-without-LEVER…][+splits][@SHARING] */
static enum err_code parse_contestant(struct arena *arena, const char *given, unsigned sharing,
                                      struct cli_contestant *out, struct err *err)
{
    static const char without[] = "-without-";
    char *name = arena_strdup(arena, given);
    char *at = strchr(name, '@');
    if (at)
        *at++ = '\0';
    char *splits = strchr(name, '+');
    if (splits)
        *splits++ = '\0';
    char *levers = strstr(name, without);
    size_t length = levers ? (size_t)(levers - name) : strlen(name);
    *out = (struct cli_contestant){ .name = given };
    for (size_t i = 0; i < mapper_count; i++)
        if (strlen(mapper_table[i].name) == length && !strncmp(mapper_table[i].name, name, length))
            out->mapper = &mapper_table[i];
    if (!out->mapper)
        return unknown_mapper(name, length, err);
    out->finds_splits = splits;
    if (splits && strcmp(splits, "splits"))
        return err_set(err, ERR_USAGE, "--mapper: expected +splits, got \"%s\"", given);
    if (splits && cli_check_splits(out->mapper, false, given, err) != ERR_OK)
        return err->code;
    out->sharing = sharing ? (enum cost_sharing)(sharing - 1) : out->mapper->default_sharing;
    if (at && parse_sharing(at, given, &out->sharing, err) != ERR_OK)
        return err->code;
    while (levers) {
        levers += strlen(without);
        char *next = strstr(levers, without);
        if (next)
            *next = '\0';
        if (cli_find_lever(levers, &out->levers_off, err) != ERR_OK)
            return err->code;
        levers = next;
    }
    return ERR_OK;
}

/* Lever by lever; "all" stands for each of them. */
static void add_without(struct arena *arena, const struct cli_names *levers, struct cli_names *out)
{
    if (!out->count)
        return;
    const char *first = out->items[0];
    int length = (int)strcspn(first, "+@");
    for (size_t i = 0; i < levers->count; i++) {
        bool all = !strcmp(levers->items[i], "all");
        for (unsigned l = 0; l < (all ? MAPPER_LEVER_COUNT : 1); l++)
            add_item(out,
                     arena_printf(arena, "%.*s-without-%s%s", length, first,
                                  all ? mapper_lever_names[l] : levers->items[i], first + length));
    }
}

/* "all" stands for every mapper but exact, which is for small cases. */
static void contestant_names(const struct cli_names *given, struct cli_names *out)
{
    for (size_t i = 0; i < given->count; i++)
        if (strcmp(given->items[i], "all"))
            add_item(out, given->items[i]);
        else
            for (size_t m = 0; m < mapper_count; m++)
                if (strcmp(mapper_table[m].name, "exact"))
                    add_item(out, mapper_table[m].name);
}

static enum err_code init_contestants(struct cli_compare *c, const struct cli_compare_asked *asked,
                                      struct err *err)
{
    struct cli_names given, levers, names = { 0 };
    if (cli_names_expand(c->arena, &asked->mappers, CLI_SOCS, "--mapper", &given, err) != ERR_OK ||
        cli_names_expand(c->arena, &asked->without, CLI_SOCS, "--without", &levers, err) != ERR_OK)
        return err->code;
    contestant_names(&given, &names);
    add_without(c->arena, &levers, &names);
    const char **kept = ARENA_ARRAY(c->arena, const char *, names.count + 1);
    c->contestants = ARENA_ARRAY(c->arena, struct cli_contestant, names.count + 1);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < names.count; i++) {
        for (size_t before = 0; before < i; before++)
            if (!strcmp(names.items[i], names.items[before]))
                rc = err_set(err, ERR_USAGE, "--mapper: %s is given twice", names.items[i]);
        if (rc == ERR_OK)
            rc =
                parse_contestant(c->arena, names.items[i], asked->sharing, &c->contestants[i], err);
        kept[i] = names.items[i];
    }
    c->report.contestants = kept;
    c->report.contestant_count = names.count;
    free(names.items);
    return rc;
}

/* --- cases ----------------------------------------------------------------------------------- */

struct pairs {
    struct cli_names socs, workloads; /* in step */
};

static void add_product(struct pairs *pairs, const struct cli_names *socs,
                        const struct cli_names *workloads)
{
    for (size_t s = 0; s < socs->count; s++)
        for (size_t w = 0; w < workloads->count; w++) {
            add_item(&pairs->socs, socs->items[s]);
            add_item(&pairs->workloads, workloads->items[w]);
        }
}

/* --case SOC:WORKLOAD, each side a name or a pattern. */
static enum err_code add_case(struct arena *arena, const char *given, struct pairs *pairs,
                              struct err *err)
{
    char *soc = arena_strdup(arena, given), *workload = strchr(soc, ':');
    if (!workload || workload == soc || !workload[1])
        return err_set(err, ERR_USAGE, "--case: expected SOC:WORKLOAD, got \"%s\"", given);
    *workload++ = '\0';
    struct cli_list one_soc = { .count = 1, .items = { soc } };
    struct cli_list one_workload = { .count = 1, .items = { workload } };
    struct cli_names socs, workloads;
    if (cli_names_expand(arena, &one_soc, CLI_SOCS, "--case", &socs, err) != ERR_OK ||
        cli_names_expand(arena, &one_workload, CLI_WORKLOADS, "--case", &workloads, err) != ERR_OK)
        return err->code;
    add_product(pairs, &socs, &workloads);
    return ERR_OK;
}

static enum err_code collect_pairs(struct arena *arena, const struct cli_compare_asked *asked,
                                   struct pairs *pairs, struct err *err)
{
    struct cli_names socs, workloads;
    enum err_code rc = cli_names_expand(arena, &asked->socs, CLI_SOCS, "--soc", &socs, err);
    if (rc == ERR_OK)
        rc = cli_names_expand(arena, &asked->workloads, CLI_WORKLOADS, "--workload", &workloads,
                              err);
    if (rc != ERR_OK)
        return rc;
    if (!socs.count != !workloads.count)
        return err_set(err, ERR_USAGE, "--soc and --workload go together; --case names a pair");
    add_product(pairs, &socs, &workloads);
    for (size_t i = 0; rc == ERR_OK && i < asked->pairs.count; i++) {
        char *rest = arena_strdup(arena, asked->pairs.items[i]);
        for (char *piece; rc == ERR_OK && (piece = strsep(&rest, ","));)
            rc = add_case(arena, piece, pairs, err);
    }
    if (rc == ERR_OK && pairs->socs.count == 0)
        rc = err_set(err, ERR_USAGE, "--soc and --workload, or --case, are missing");
    return rc;
}

static struct report_compare_case describe(const struct cli_problem *p)
{
    return (struct report_compare_case){ .soc = p->soc.name,
                                         .workload = p->workload.name,
                                         .soc_file = p->soc.file,
                                         .soc_sha256 = p->soc.sha256,
                                         .workload_file = p->workload.file,
                                         .workload_sha256 = p->workload.sha256,
                                         .layers = p->problem.layer_count,
                                         .networks = p->problem.network_count };
}

static bool is_same_case(const struct report_compare_case *a, const struct report_compare_case *b)
{
    return !strcmp(a->soc, b->soc) && !strcmp(a->workload, b->workload);
}

/* The problems of one pair, in all sharing modes that are wanted. */
static enum err_code load_case(struct cli_compare *c, const char *soc, const char *workload,
                               struct report_compare_case *out, struct err *err)
{
    struct cli_problem **slots = &c->problems[c->report.case_count * COST_SHARING_COUNT];
    for (size_t m = 0; m < c->report.contestant_count; m++) {
        enum cost_sharing sharing = c->contestants[m].sharing;
        if (slots[sharing])
            continue;
        struct cli_problem *p = mem_alloc(1, sizeof *p);
        if (cli_problem_load(p, soc, workload, sharing, err) != ERR_OK) {
            free(p);
            return err->code;
        }
        slots[sharing] = p;
        *out = describe(p);
    }
    return ERR_OK;
}

static void release_case(struct cli_compare *c, size_t case_)
{
    for (size_t s = 0; s < COST_SHARING_COUNT; s++) {
        struct cli_problem **slot = &c->problems[case_ * COST_SHARING_COUNT + s];
        if (*slot)
            cli_problem_release(*slot);
        free(*slot);
        *slot = NULL;
    }
}

/* A pair that is asked for twice is one case; two pairs of the same names are not. */
static enum err_code add_loaded(struct cli_compare *c, struct report_compare_case *cases,
                                struct err *err)
{
    struct report_compare_case *loaded = &cases[c->report.case_count];
    for (size_t i = 0; i < c->report.case_count; i++) {
        if (!is_same_case(loaded, &cases[i]))
            continue;
        bool same = !strcmp(loaded->soc_sha256, cases[i].soc_sha256) &&
                    !strcmp(loaded->workload_sha256, cases[i].workload_sha256);
        if (!same)
            err_set(err, ERR_DUPLICATE,
                    "expected names that tell cases apart, got %s and %s for SoCs called \"%.80s\" "
                    "with workloads called \"%.80s\"",
                    cases[i].soc_file, loaded->soc_file, loaded->soc, loaded->workload);
        release_case(c, c->report.case_count);
        return same ? ERR_OK : err->code;
    }
    c->report.case_count++;
    return ERR_OK;
}

static enum err_code init_cases(struct cli_compare *c, const struct cli_compare_asked *asked,
                                struct err *err)
{
    struct pairs pairs = { { 0 }, { 0 } };
    enum err_code rc = collect_pairs(c->arena, asked, &pairs, err);
    size_t count = pairs.socs.count;
    struct report_compare_case *cases =
        ARENA_ARRAY(c->arena, struct report_compare_case, count + 1);
    c->problems = ARENA_ARRAY(c->arena, struct cli_problem *, (count + 1) * COST_SHARING_COUNT);
    c->report.cases = cases;
    for (size_t i = 0; rc == ERR_OK && i < count; i++) {
        rc = load_case(c, pairs.socs.items[i], pairs.workloads.items[i],
                       &cases[c->report.case_count], err);
        if (rc == ERR_OK)
            rc = add_loaded(c, cases, err);
        else
            release_case(c, c->report.case_count);
    }
    free(pairs.socs.items);
    free(pairs.workloads.items);
    return rc;
}

enum err_code cli_compare_init(struct cli_compare *compare, const struct cli_compare_asked *asked,
                               struct err *err)
{
    compare->arena = arena_new();
    enum err_code rc = init_contestants(compare, asked, err);
    if (rc == ERR_OK)
        rc = init_cases(compare, asked, err);
    if (rc == ERR_OK)
        compare->report.rows = ARENA_ARRAY(compare->arena, struct report_compare_row,
                                           report_compare_row_count(&compare->report));
    return rc;
}

void cli_compare_release(struct cli_compare *compare)
{
    for (size_t i = 0; i < compare->report.case_count; i++)
        release_case(compare, i);
    arena_free(compare->arena);
}
