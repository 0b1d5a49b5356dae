#include "cli/sweep_reports.h"

#include <stdlib.h>
#include <string.h>

#include "cli/outcome.h"
#include "core/arena.h"
#include "core/file.h"
#include "ga/front.h"

struct reporting {
    struct cli_sweep_results *results;
    const struct space *space;
    const struct workload *workload;
    const struct sweep_mapping_options *mapping;
};

/* --- which points -----------------------------------------------------------------------------
 */

static double value_at(const struct cli_sweep_results *r, size_t front, size_t objective)
{
    return sweep_objective_value(r->objectives[objective],
                                 &r->records[r->front_records[front]]->settled);
}

static size_t best_of(const struct cli_sweep_results *r, size_t objective)
{
    size_t best = 0;
    for (size_t i = 1; i < r->front_count; i++)
        if (value_at(r, i, objective) < value_at(r, best, objective))
            best = i;
    return best;
}

static void choose(bool *chosen, size_t point, size_t *left)
{
    if (*left == 0 || chosen[point])
        return;
    chosen[point] = true;
    --*left;
}

/* chosen: [front_count] */
static void choose_points(const struct cli_sweep_results *r, size_t count, bool *chosen)
{
    if (r->front_count == 0)
        return;
    choose(chosen, r->front_knee, &count);
    for (size_t d = 0; d < r->objective_count; d++)
        choose(chosen, best_of(r, d), &count);
    for (size_t i = 0; i < r->front_count; i++)
        choose(chosen, i, &count);
}

/* --- a report ---------------------------------------------------------------------------------
 */

static enum err_code write_report(const struct reporting *x, const struct problem *problem,
                                  const char *mapping_text, size_t bytes, const char *dir,
                                  struct err *err)
{
    struct mapping_file m;
    struct outcome outcome;
    enum err_code rc = mapping_load_text(problem, "study.db", mapping_text, bytes, &m, err);
    if (rc != ERR_OK)
        return rc;
    struct sim_options sim = { .granularity = m.granularity, .want_trace = true };
    rc = outcome_init(&outcome, problem, &m.mapping, &sim, err);
    if (rc == ERR_OK) {
        struct report *r = &outcome.report;
        r->mapper = x->mapping->mapper->name;
        r->objective = objective_names[x->mapping->objective];
        r->fitness = fitness_names[FITNESS_MIXED];
        r->seed = x->mapping->seed;
        r->command = sweep_store_study(x->results->store)->command;
        rc = report_write_dir(r, dir, err);
        outcome_release(&outcome);
    }
    mapping_file_release(&m);
    return rc;
}

/* The point's SoC as a file of its own, so that the folder can be simulated and explored on. */
static enum err_code write_soc(const struct reporting *x, uint64_t point, const char *file,
                               struct err *err)
{
    struct text text = { 0 };
    enum err_code rc = space_soc_text(x->space, point, &text, err);
    if (rc == ERR_OK)
        rc = file_write(file, text.data, text.bytes, err);
    text_release(&text);
    return rc;
}

static enum err_code report_point(const struct reporting *x, uint64_t point,
                                  const struct text *mapping, const char *dir, struct err *err)
{
    struct soc soc;
    struct problem problem;
    char *file = file_join(dir, "soc.json");
    enum err_code rc = file_make_dir(dir, err);
    if (rc == ERR_OK)
        rc = write_soc(x, point, file, err);
    if (rc == ERR_OK)
        rc = soc_load(&soc, file, err);
    free(file);
    if (rc != ERR_OK)
        return rc;
    const struct cost_options options = { .sharing = x->mapping->sharing };
    rc = cost_build_problem(&soc, x->workload, &options, &problem, err);
    if (rc == ERR_OK) {
        rc = write_report(x, &problem, mapping->data, mapping->bytes, dir, err);
        problem_release(&problem);
    }
    soc_release(&soc);
    return rc;
}

/* --- all of them ------------------------------------------------------------------------------
 */

enum err_code cli_sweep_reports(struct cli_sweep_results *r, const struct space *space,
                                const struct workload *workload,
                                const struct sweep_mapping_options *mapping, const char *dir,
                                uint64_t count, struct err *err)
{
    const struct reporting x = { r, space, workload, mapping };
    bool *chosen = mem_alloc(r->front_count + 1, sizeof *chosen);
    enum err_code rc = ERR_OK;
    choose_points(r, count < r->front_count ? (size_t)count : r->front_count, chosen);
    for (size_t i = 0; rc == ERR_OK && i < r->front_count; i++) {
        struct text text = { 0 }, name = { 0 };
        text_printf(&name, "points/%llu", (unsigned long long)r->front[i].point);
        char *folder = file_join(dir, name.data);
        if (chosen[i])
            rc = sweep_store_mapping(r->store, r->front[i], &text, err);
        if (rc == ERR_OK && text.bytes > 0)
            rc = report_point(&x, r->front[i].point, &text, folder, err);
        r->reported[i] = rc == ERR_OK && text.bytes > 0;
        free(folder);
        text_release(&name);
        text_release(&text);
    }
    free(chosen);
    return rc;
}
