#include "cli/sweep_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sweep_results.h"
#include "core/arena.h"
#include "core/file.h"
#include "ga/front.h"
#include "reports/sweep_pair.h"

/* The values of a point's parameters, in the order of the first study's, as one text. */
struct keyed {
    const char *key;
    size_t record;
};

struct side {
    const char *dir;
    struct sweep_store *store;
    enum sweep_objective objectives[SWEEP_OBJECTIVE_COUNT];
    struct cli_sweep_results results;
    struct keyed *keys;  /* [record_count], by key, then record: a point's rungs ascend */
    const char **levels; /* [record * parameters + parameter], in the first study's order */
    bool *on_front;      /* [record_count] */
    bool *taken;         /* [record_count]: has a row, beside the first study's */
    double *front;       /* [front_count * dims] */
};

struct pair {
    struct side sides[2];
    size_t dims, parameters; /* 0: not the same in both */
    struct arena *arena;
};

/* --- reading ----------------------------------------------------------------------------------
 */

static enum err_code open_side(struct side *side, const char *dir, struct err *err)
{
    side->dir = dir;
    enum err_code rc = sweep_store_read(dir, &side->store, err);
    if (rc != ERR_OK)
        return rc;
    const char *list = sweep_store_option(side->store, "objectives");
    size_t count = 0;
    rc = cli_sweep_objectives(list ? list : "", side->objectives, &count, err);
    if (rc == ERR_OK)
        cli_sweep_results_init(&side->results, side->store, side->objectives, count);
    return rc;
}

static bool has_objective(const struct side *side, enum sweep_objective objective)
{
    for (size_t i = 0; i < side->results.objective_count; i++)
        if (side->objectives[i] == objective)
            return true;
    return false;
}

static enum err_code check_comparable(const struct pair *pair, struct err *err)
{
    const struct side *a = &pair->sides[0], *b = &pair->sides[1];
    bool same = a->results.objective_count == b->results.objective_count;
    for (size_t i = 0; same && i < b->results.objective_count; i++)
        same = has_objective(a, b->objectives[i]);
    if (!same)
        return err_set(err, ERR_REFERENCE,
                       "the studies have different objectives, so their fronts cannot be compared: "
                       "%s has %s, %s has %s",
                       a->dir, sweep_store_option(a->store, "objectives"), b->dir,
                       sweep_store_option(b->store, "objectives"));
    const struct sweep_study *x = sweep_store_study(a->store), *y = sweep_store_study(b->store);
    if (x->input_count < 1 || y->input_count < 1 || strcmp(x->inputs[0].value, y->inputs[0].value))
        return err_set(err, ERR_REFERENCE,
                       "the studies have different workloads, so their fronts cannot be compared: "
                       "%s has %s, %s has %s",
                       a->dir, x->workload_file, b->dir, y->workload_file);
    return ERR_OK;
}

/* Values in the order of the first study's objectives. */
static void values_of(const struct pair *pair, const struct side *side, size_t record, double *out)
{
    const struct sweep_outcome *outcome = &side->results.records[record]->settled;
    for (size_t d = 0; d < pair->dims; d++)
        out[d] = sweep_objective_value(pair->sides[0].objectives[d], outcome);
}

/* --- the same points ---------------------------------------------------------------------------
 */

static size_t index_of(const struct sweep_study *study, const char *parameter)
{
    size_t i = 0;
    while (i < study->parameter_count && strcmp(study->parameters[i], parameter))
        i++;
    return i;
}

static void find_parameters(struct pair *pair)
{
    const struct sweep_study *a = sweep_store_study(pair->sides[0].store);
    const struct sweep_study *b = sweep_store_study(pair->sides[1].store);
    bool same = a->parameter_count == b->parameter_count;
    for (size_t i = 0; same && i < a->parameter_count; i++)
        same = index_of(b, a->parameters[i]) < b->parameter_count;
    pair->parameters = same ? a->parameter_count : 0;
}

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->record > y->record) - (x->record < y->record);
}

static enum err_code read_keys(struct pair *pair, struct side *side, struct err *err)
{
    const struct cli_sweep_results *r = &side->results;
    const struct sweep_study *own = sweep_store_study(side->store);
    const struct sweep_study *first = sweep_store_study(pair->sides[0].store);
    size_t width = pair->parameters;
    enum err_code rc = ERR_OK;
    side->keys = ARENA_ARRAY(pair->arena, struct keyed, r->record_count + 1);
    side->levels = arena_alloc(pair->arena, r->record_count * width + 1, sizeof *side->levels);
    char **texts = mem_alloc(own->parameter_count + 1, sizeof *texts);
    for (size_t i = 0; rc == ERR_OK && i < r->record_count; i++) {
        struct text key = { 0 };
        rc = sweep_store_values(side->store, r->records[i]->request.point, texts, err);
        for (size_t p = 0; p < width; p++) {
            const char *text = texts[index_of(own, first->parameters[p])];
            side->levels[i * width + p] = arena_strdup(pair->arena, text ? text : "");
            text_printf(&key, "%s\n", text ? text : "");
        }
        for (size_t p = 0; p < own->parameter_count; p++) {
            free(texts[p]);
            texts[p] = NULL;
        }
        side->keys[i] = (struct keyed){ arena_strdup(pair->arena, key.data ? key.data : ""), i };
        text_release(&key);
    }
    qsort(side->keys, r->record_count, sizeof *side->keys, by_key);
    free(texts);
    return rc;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static void find_front(const struct pair *pair, struct side *side)
{
    const struct cli_sweep_results *r = &side->results;
    side->on_front = ARENA_ARRAY(pair->arena, bool, r->record_count + 1);
    side->taken = ARENA_ARRAY(pair->arena, bool, r->record_count + 1);
    side->front = ARENA_ARRAY(pair->arena, double, r->front_count * pair->dims + 1);
    for (size_t i = 0; i < r->front_count; i++) {
        side->on_front[r->front_records[i]] = true;
        values_of(pair, side, r->front_records[i], side->front + i * pair->dims);
    }
}

/* How much a record says beside `values`: a point may be on a front with several rungs. */
static unsigned worth(const struct pair *pair, const struct side *side, size_t record,
                      const double *values)
{
    double own[SWEEP_OBJECTIVE_COUNT];
    if (side->results.records[record]->settled.status != SWEEP_OK)
        return 1;
    if (!side->on_front[record])
        return 2;
    if (side->taken[record])
        return 3;
    values_of(pair, side, record, own);
    return memcmp(own, values, pair->dims * sizeof *own) == 0 ? 5 : 4;
}

/* The record of the same point that says most, of equals the last; record_count if there is none.
 */
static size_t counterpart(const struct pair *pair, const struct side *side, const char *key,
                          const double *values)
{
    size_t count = side->results.record_count, low = 0, high = count, best = count;
    unsigned most = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(side->keys[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && strcmp(side->keys[low].key, key) == 0; low++) {
        unsigned now = worth(pair, side, side->keys[low].record, values);
        if (now >= most) {
            most = now;
            best = side->keys[low].record;
        }
    }
    return best;
}

static void fill_side(const struct pair *pair, struct report_pair_row *row, size_t study,
                      size_t record)
{
    const struct side *side = &pair->sides[study];
    if (record == side->results.record_count)
        return;
    row->seen[study] = true;
    row->point[study] = side->results.records[record]->request.point;
    row->on_front[study] = side->on_front[record];
    if (side->results.records[record]->settled.status != SWEEP_OK)
        return;
    double *values = ARENA_ARRAY(pair->arena, double, pair->dims + 1);
    values_of(pair, side, record, values);
    row->values[study] = values;
}

static struct report_pair_row row_of(struct pair *pair, size_t study, size_t record)
{
    struct report_pair_row row = { 0 };
    fill_side(pair, &row, study, record);
    if (pair->parameters == 0)
        return row;
    const char **levels = pair->sides[study].levels + record * pair->parameters;
    struct text key = { 0 };
    for (size_t p = 0; p < pair->parameters; p++)
        text_printf(&key, "%s\n", levels[p]);
    struct side *other = &pair->sides[!study];
    size_t same = counterpart(pair, other, key.data, row.values[study]);
    if (same < other->results.record_count)
        other->taken[same] = true;
    fill_side(pair, &row, !study, same);
    row.levels = levels;
    text_release(&key);
    return row;
}

static int by_values(const void *a, const void *b, void *ctx)
{
    const struct report_pair_row *x = a, *y = b;
    const struct pair *pair = ctx;
    const double *u = x->values[!x->on_front[0]], *v = y->values[!y->on_front[0]];
    for (size_t d = 0; d < pair->dims; d++)
        if (u[d] != v[d])
            return u[d] < v[d] ? -1 : 1;
    if (x->on_front[0] != y->on_front[0])
        return x->on_front[0] ? -1 : 1;
    size_t study = !x->on_front[0];
    return (x->point[study] > y->point[study]) - (x->point[study] < y->point[study]);
}

static void fill_rows(struct pair *pair, struct report_pair *out)
{
    const struct cli_sweep_results *a = &pair->sides[0].results, *b = &pair->sides[1].results;
    struct report_pair_row *rows =
        ARENA_ARRAY(pair->arena, struct report_pair_row, a->front_count + b->front_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < a->front_count; i++)
        rows[count++] = row_of(pair, 0, a->front_records[i]);
    for (size_t i = 0; i < b->front_count; i++)
        if (!pair->sides[1].taken[b->front_records[i]])
            rows[count++] = row_of(pair, 1, b->front_records[i]);
    qsort_r(rows, count, sizeof *rows, by_values, pair);
    out->rows = rows;
    out->row_count = count;
}

/* --- figures -----------------------------------------------------------------------------------
 */

static size_t place_of(const struct side *side, enum sweep_objective objective)
{
    size_t i = 0;
    while (side->objectives[i] != objective)
        i++;
    return i;
}

static void fill_box(const struct pair *pair, double *ideal, double *reference)
{
    const struct side *sides = pair->sides;
    bool first = true;
    for (size_t study = 0; study < 2; study++) {
        const struct cli_sweep_results *r = &sides[study].results;
        if (r->ok_count == 0)
            continue;
        for (size_t d = 0; d < pair->dims; d++) {
            size_t at = place_of(&sides[study], sides[0].objectives[d]);
            ideal[d] = first || r->ideal[at] < ideal[d] ? r->ideal[at] : ideal[d];
            reference[d] =
                first || r->reference[at] > reference[d] ? r->reference[at] : reference[d];
        }
        first = false;
    }
}

static void fill_figures(struct pair *pair, struct report_pair *out)
{
    const struct side *sides = pair->sides;
    size_t dims = pair->dims, counts[2];
    double *ideal = ARENA_ARRAY(pair->arena, double, GA_FRONT_DIMS_MAX);
    double *reference = ARENA_ARRAY(pair->arena, double, GA_FRONT_DIMS_MAX);
    fill_box(pair, ideal, reference);
    for (size_t i = 0; i < 2; i++)
        counts[i] = sides[i].results.front_count;
    double *all = ARENA_ARRAY(pair->arena, double, (counts[0] + counts[1]) * dims + 1);
    memcpy(all, sides[0].front, counts[0] * dims * sizeof *all);
    memcpy(all + counts[0] * dims, sides[1].front, counts[1] * dims * sizeof *all);
    out->ideal = ideal;
    out->reference = reference;
    out->both_frac = ga_hypervolume_frac(all, counts[0] + counts[1], dims, ideal, reference);
    for (size_t i = 0; i < 2; i++) {
        const struct cli_sweep_results *r = &sides[i].results;
        const struct sweep_study *study = sweep_store_study(sides[i].store);
        out->studies[i] = (struct report_pair_study){
            .name = sides[i].dir,
            .space = cli_base_name(study->space_file),
            .version = study->version,
            .finished = sweep_store_finished(sides[i].store),
            .points = r->point_count,
            .evaluations = r->record_count,
            .feasible = r->ok_count,
            .front_count = counts[i],
            .hypervolume_frac =
                ga_hypervolume_frac(sides[i].front, counts[i], dims, ideal, reference),
            .coverage_frac =
                ga_coverage(sides[i].front, counts[i], sides[!i].front, counts[!i], dims),
        };
    }
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static void fill_options(struct pair *pair, struct report_pair *out)
{
    const struct sweep_study *studies[2] = { sweep_store_study(pair->sides[0].store),
                                             sweep_store_study(pair->sides[1].store) };
    struct report_pair_option *rows =
        ARENA_ARRAY(pair->arena, struct report_pair_option,
                    studies[0]->option_count + studies[1]->option_count + 3);
    size_t count = 0;
    for (size_t study = 0; study < 2; study++)
        for (size_t i = 0; i < studies[study]->option_count; i++) {
            const char *name = studies[study]->options[i].name;
            if (study == 1 && sweep_store_option(pair->sides[0].store, name))
                continue;
            rows[count].name = name;
            for (size_t k = 0; k < 2; k++)
                rows[count].values[k] = or_empty(sweep_store_option(pair->sides[k].store, name));
            count++;
        }
    rows[count++] = (struct report_pair_option){
        "space", { cli_base_name(studies[0]->space_file), cli_base_name(studies[1]->space_file) }
    };
    rows[count++] =
        (struct report_pair_option){ "space_sha256",
                                     { studies[0]->space_sha256, studies[1]->space_sha256 } };
    rows[count++] =
        (struct report_pair_option){ "version", { studies[0]->version, studies[1]->version } };
    out->options = rows;
    out->option_count = count;
}

/* --- out ---------------------------------------------------------------------------------------
 */

/* "out/b" of "some/out/b/" */
static char *last_part(const char *dir)
{
    size_t end = strlen(dir);
    while (end > 1 && dir[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && dir[begin - 1] != '/')
        begin--;
    return strndup(dir + begin, end - begin);
}

static char *default_out(const char *const dirs[2])
{
    char *a = last_part(dirs[0]), *b = last_part(dirs[1]);
    struct text out = { 0 };
    text_printf(&out, "out/%s-%s", a, b);
    free(a);
    free(b);
    return out.data;
}

static enum err_code write_file(const char *dir, const char *name, const struct text *text,
                                struct err *err)
{
    char *file = file_join(dir, name);
    enum err_code rc = file_write(file, text->data, text->bytes, err);
    free(file);
    return rc;
}

static enum err_code give(const struct report_pair *facts, const char *dir, bool json,
                          struct err *err)
{
    struct text page = { 0 }, object = { 0 }, table = { 0 };
    report_pair_json(facts, &object);
    report_pair_html(facts, &page);
    enum err_code rc = file_make_dir(dir, err);
    if (rc == ERR_OK)
        rc = write_file(dir, "studies.json", &object, err);
    if (rc == ERR_OK)
        rc = write_file(dir, "studies.html", &page, err);
    if (rc == ERR_OK && json) {
        fputs(object.data, stdout);
    } else if (rc == ERR_OK) {
        report_pair_text(facts, &table);
        printf("%s\nsee %s/studies.html\n", table.data, dir);
    }
    text_release(&page);
    text_release(&object);
    text_release(&table);
    return rc;
}

static enum err_code compare(struct pair *pair, const char *dir, bool json, struct err *err)
{
    pair->dims = pair->sides[0].results.objective_count;
    find_parameters(pair);
    for (size_t i = 0; i < 2; i++) {
        find_front(pair, &pair->sides[i]);
        if (pair->parameters && read_keys(pair, &pair->sides[i], err) != ERR_OK)
            return err->code;
    }
    struct report_measure measures[SWEEP_OBJECTIVE_COUNT];
    for (size_t d = 0; d < pair->dims; d++)
        measures[d] = cli_sweep_measure(pair->sides[0].objectives[d]);
    const struct sweep_study *first = sweep_store_study(pair->sides[0].store);
    struct report_pair facts = {
        .workload = cli_base_name(first->workload_file),
        .objective_count = pair->dims,
        .objectives = measures,
        .same_parameters = pair->parameters > 0,
        .parameter_count = pair->parameters,
        .parameters = first->parameters,
    };
    fill_figures(pair, &facts);
    fill_options(pair, &facts);
    fill_rows(pair, &facts);
    return give(&facts, dir, json, err);
}

enum err_code cli_sweep_pair(const char *const dirs[2], const char *out, bool json, struct err *err)
{
    struct pair pair = { .arena = arena_new() };
    char *dir = out ? NULL : default_out(dirs);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < 2; i++)
        rc = open_side(&pair.sides[i], dirs[i], err);
    if (rc == ERR_OK)
        rc = check_comparable(&pair, err);
    if (rc == ERR_OK)
        rc = compare(&pair, out ? out : dir, json, err);
    for (size_t i = 0; i < 2; i++) {
        cli_sweep_results_release(&pair.sides[i].results);
        sweep_store_close(pair.sides[i].store, NULL);
    }
    arena_free(pair.arena);
    free(dir);
    return rc;
}
