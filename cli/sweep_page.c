#include "cli/sweep_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "ga/front.h"
#include "reports/sweep_facts.h"

#define STEPS 60

/* --- levels of the parameters ------------------------------------------------------------------
 */

static int by_level(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    char *end_x, *end_y;
    double number_x = strtod(x, &end_x), number_y = strtod(y, &end_y);
    if (!*end_x && !*end_y && number_x != number_y)
        return number_x < number_y ? -1 : 1;
    if (!*end_x != !*end_y)
        return *end_x ? 1 : -1;
    return strcmp(x, y);
}

/* texts[row * parameters + parameter] */
static void find_levels(struct arena *arena, char **texts, size_t rows, size_t parameters,
                        size_t parameter, struct report_sweep_parameter *out)
{
    const char **levels = arena_alloc(arena, rows + 1, sizeof *levels);
    size_t count = 0;
    for (size_t i = 0; i < rows; i++)
        levels[i] = texts[i * parameters + parameter];
    qsort(levels, rows, sizeof *levels, by_level);
    for (size_t i = 0; i < rows; i++)
        if (count == 0 || strcmp(levels[count - 1], levels[i]) != 0)
            levels[count++] = levels[i];
    out->levels = levels;
    out->level_count = count;
}

static uint32_t level_of(const struct report_sweep_parameter *parameter, const char *text)
{
    const char *const *found = bsearch(&text, parameter->levels, parameter->level_count,
                                       sizeof *parameter->levels, by_level);
    return found ? (uint32_t)(found - parameter->levels) : 0;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static void fill_row(const struct cli_sweep_results *r, size_t at, struct report_sweep_row *row,
                     double *values)
{
    const struct sweep_record *record = r->records[at];
    const struct sweep_outcome *settled = &record->settled;
    row->point = record->request.point;
    row->rung = record->request.rung;
    row->replayed = settled->replayed_from != SWEEP_NO_POINT;
    row->replayed_from = settled->replayed_from;
    row->own = record->found.status == SWEEP_OK
                   ? sweep_objective_value(r->objectives[0], &record->found)
                   : 0;
    for (size_t d = 0; d < r->objective_count; d++)
        values[d] = sweep_objective_value(r->objectives[d], settled);
    row->values = values;
}

static void fill_front_row(const struct cli_sweep_results *r, size_t at, struct arena *arena,
                           struct report_sweep_row *row)
{
    size_t i = 0;
    while (r->front_records[i] != at)
        i++;
    row->knee = i == r->front_knee;
    if (!r->reported[i])
        return;
    char href[64];
    snprintf(href, sizeof href, "points/%llu/report.html", (unsigned long long)row->point);
    row->report = arena_strdup(arena, href);
}

static enum err_code fill_rows(const struct cli_sweep_results *r, struct arena *arena,
                               struct report_sweep_facts *f,
                               struct report_sweep_parameter *parameters, struct err *err)
{
    size_t dims = r->objective_count, width = f->parameter_count, count = 0;
    struct report_sweep_row *rows = ARENA_ARRAY(arena, struct report_sweep_row, r->ok_count + 1);
    double *values = ARENA_ARRAY(arena, double, r->ok_count *dims + 1);
    uint32_t *levels = ARENA_ARRAY(arena, uint32_t, r->ok_count * width + 1);
    char **texts = ARENA_ARRAY(arena, char *, r->ok_count *width + 1);
    bool *front = ARENA_ARRAY(arena, bool, r->record_count + 1);
    for (size_t i = 0; i < r->front_count; i++)
        front[r->front_records[i]] = true;
    for (size_t i = 0; i < r->record_count; i++) {
        if (r->records[i]->settled.status != SWEEP_OK)
            continue;
        char **own = texts + count * width;
        enum err_code rc = sweep_store_values(r->store, r->records[i]->request.point, own, err);
        for (size_t p = 0; p < width; p++) {
            char *text = own[p];
            own[p] = arena_strdup(arena, text ? text : "");
            free(text);
        }
        if (rc != ERR_OK)
            return rc;
        fill_row(r, i, &rows[count], values + count * dims);
        rows[count].on_front = front[i];
        if (front[i])
            fill_front_row(r, i, arena, &rows[count]);
        rows[count].levels = levels + count * width;
        if (count > 0)
            rows[count - 1].last = rows[count - 1].point != rows[count].point;
        rows[count++].last = true;
    }
    for (size_t p = 0; p < width; p++) {
        find_levels(arena, texts, count, width, p, &parameters[p]);
        for (size_t i = 0; i < count; i++)
            levels[i * width + p] = level_of(&parameters[p], texts[i * width + p]);
    }
    f->rows = rows;
    f->row_count = count;
    return ERR_OK;
}

/* --- hypervolume over evaluations --------------------------------------------------------------
 */

static int by_asked(const void *a, const void *b)
{
    const struct sweep_record *x = *(const struct sweep_record *const *)a;
    const struct sweep_record *y = *(const struct sweep_record *const *)b;
    if (x->batch != y->batch)
        return x->batch < y->batch ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

/* Keeps of values[0 … count) what no other dominates; returns how many. */
static size_t thin_out(double *values, size_t count, size_t dims, struct arena *arena)
{
    size_t *front = ARENA_ARRAY(arena, size_t, count + 1);
    double *kept = ARENA_ARRAY(arena, double, count *dims + 1);
    size_t left = count ? ga_front(values, count, dims, front) : 0;
    for (size_t i = 0; i < left; i++)
        memcpy(kept + i * dims, values + front[i] * dims, dims * sizeof *kept);
    memcpy(values, kept, left * dims * sizeof *kept);
    return left;
}

static void fill_steps(const struct cli_sweep_results *r, struct arena *arena,
                       struct report_sweep_facts *f)
{
    size_t dims = r->objective_count, held = 0, total = r->record_count;
    struct report_sweep_step *steps = ARENA_ARRAY(arena, struct report_sweep_step, STEPS + 1);
    const struct sweep_record **asked = arena_alloc(arena, total + 1, sizeof *asked);
    double *values = ARENA_ARRAY(arena, double, total *dims + 1);
    if (r->ok_count == 0)
        return;
    memcpy(asked, r->records, total * sizeof *asked);
    qsort(asked, total, sizeof *asked, by_asked);
    for (size_t i = 0, step = 1; i < total; i++) {
        if (asked[i]->settled.status == SWEEP_OK) {
            for (size_t d = 0; d < dims; d++)
                values[held * dims + d] =
                    sweep_objective_value(r->objectives[d], &asked[i]->settled);
            held++;
        }
        if (i + 1 < total * step / STEPS)
            continue;
        while (step <= STEPS && total * step / STEPS <= i + 1)
            step++;
        held = thin_out(values, held, dims, arena);
        steps[f->step_count++] = (struct report_sweep_step){
            i + 1, held ? ga_hypervolume_frac(values, held, dims, r->ideal, r->reference) : 0
        };
    }
    f->steps = steps;
}

/* --- the page ----------------------------------------------------------------------------------
 */

static void fill_study(const struct cli_sweep_results *r, struct arena *arena,
                       struct report_sweep_facts *f, struct report_sweep_parameter *parameters)
{
    const struct sweep_study *study = sweep_store_study(r->store);
    struct report_sweep_option *options =
        ARENA_ARRAY(arena, struct report_sweep_option, study->option_count + 1);
    struct report_measure *objectives =
        ARENA_ARRAY(arena, struct report_measure, r->objective_count + 1);
    for (size_t i = 0; i < study->option_count; i++)
        options[i] =
            (struct report_sweep_option){ study->options[i].name, study->options[i].value };
    options[study->option_count] =
        (struct report_sweep_option){ "space_sha256", study->space_sha256 };
    for (size_t d = 0; d < r->objective_count; d++)
        objectives[d] = cli_sweep_measure(r->objectives[d]);
    for (size_t p = 0; p < study->parameter_count; p++)
        parameters[p].name = study->parameters[p];
    *f = (struct report_sweep_facts){ .space = cli_base_name(study->space_file),
                                      .workload = cli_base_name(study->workload_file),
                                      .version = study->version,
                                      .finished = sweep_store_finished(r->store),
                                      .points = r->point_count,
                                      .evaluations = r->record_count,
                                      .feasible = r->ok_count,
                                      .improved = r->improved_count,
                                      .hypervolume_frac = r->hypervolume_frac,
                                      .option_count = study->option_count + 1,
                                      .options = options,
                                      .parameter_count = study->parameter_count,
                                      .parameters = parameters,
                                      .objective_count = r->objective_count,
                                      .objectives = objectives };
}

enum err_code cli_sweep_page(const struct cli_sweep_results *r, struct text *out, struct err *err)
{
    struct arena *arena = arena_new();
    struct report_sweep_parameter *parameters = ARENA_ARRAY(
        arena, struct report_sweep_parameter, sweep_store_study(r->store)->parameter_count + 1);
    struct report_sweep_facts facts;
    fill_study(r, arena, &facts, parameters);
    enum err_code rc = fill_rows(r, arena, &facts, parameters, err);
    if (rc == ERR_OK) {
        fill_steps(r, arena, &facts);
        report_sweep_html(&facts, out);
    }
    arena_free(arena);
    return rc;
}
