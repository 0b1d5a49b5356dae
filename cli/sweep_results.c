#include "cli/sweep_results.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/sweep_page.h"
#include "core/arena.h"
#include "core/file.h"
#include "ga/front.h"
#include "reports/report_format.h"

enum err_code cli_sweep_objectives(const char *list,
                                   enum sweep_objective out[SWEEP_OBJECTIVE_COUNT], size_t *count,
                                   struct err *err)
{
    *count = 0;
    for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
        size_t length = strcspn(at, ","), found = 0;
        while (found < SWEEP_OBJECTIVE_COUNT &&
               (strlen(sweep_objective_names[found]) != length ||
                strncmp(sweep_objective_names[found], at, length) != 0))
            found++;
        bool again = false;
        for (size_t i = 0; i < *count; i++)
            again = again || out[i] == found;
        if (found == SWEEP_OBJECTIVE_COUNT || again)
            return err_set(err, ERR_USAGE,
                           "--objectives: expected distinct ones of latency, energy, edp, area, "
                           "power, deadline-misses, got \"%.*s\"",
                           (int)length, at);
        out[(*count)++] = (enum sweep_objective)found;
    }
    return *count ? ERR_OK : err_set(err, ERR_USAGE, "--objectives: expected at least one");
}

struct report_measure cli_sweep_measure(enum sweep_objective objective)
{
    static const struct {
        enum report_dimension dimension;
        const char *unit;
    } shown[SWEEP_OBJECTIVE_COUNT] = {
        [SWEEP_LATENCY] = { REPORT_TIME, "" }, [SWEEP_ENERGY] = { REPORT_ENERGY, "" },
        [SWEEP_EDP] = { REPORT_EDP, "" },      [SWEEP_AREA] = { REPORT_COUNT, "mm²" },
        [SWEEP_POWER] = { REPORT_COUNT, "W" }, [SWEEP_DEADLINE_MISSES] = { REPORT_COUNT, "" },
    };
    return (struct report_measure){ sweep_objective_names[objective], shown[objective].dimension,
                                    shown[objective].unit };
}

const char *cli_base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

static int by_request(const void *a, const void *b)
{
    const struct sweep_request x = (*(const struct sweep_record *const *)a)->request;
    const struct sweep_request y = (*(const struct sweep_record *const *)b)->request;
    if (x.point != y.point)
        return x.point < y.point ? -1 : 1;
    return (x.rung > y.rung) - (x.rung < y.rung);
}

/* The box of the hypervolume: from the best to a tenth of the range past the worst. */
static void box_of(const double *values, size_t count, size_t dims, double *ideal,
                   double *reference)
{
    for (size_t d = 0; d < dims; d++) {
        double low = values[d], high = values[d];
        for (size_t i = 1; i < count; i++) {
            double value = values[i * dims + d];
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        ideal[d] = low;
        reference[d] = high > low ? high + 0.1 * (high - low) : low + 1;
    }
}

/* Records ascend by point, then rung: the first one of the next point. */
static size_t end_of_point(const struct cli_sweep_results *r, size_t at)
{
    size_t end = at + 1;
    while (end < r->record_count && r->records[end]->request.point == r->records[at]->request.point)
        end++;
    return end;
}

/* A SoC stands on the front once, however many rungs have it there: with what its largest budget
 * found. Order stays. */
static void drop_lower_rungs(struct cli_sweep_results *r)
{
    size_t kept = 0;
    bool *on_front = mem_alloc(r->record_count + 1, sizeof *on_front);
    for (size_t i = 0; i < r->front_count; i++)
        on_front[r->front_records[i]] = true;
    for (size_t i = 0; i < r->front_count; i++) {
        size_t at = r->front_records[i], next = at + 1, end = end_of_point(r, at);
        while (next < end && !on_front[next])
            next++;
        if (next == end)
            r->front_records[kept++] = at;
    }
    r->front_count = kept;
    free(on_front);
}

static void find_front(struct cli_sweep_results *r)
{
    size_t dims = r->objective_count, count = 0;
    double *values = mem_alloc(r->record_count * dims + 1, sizeof *values);
    size_t *ok = mem_alloc(r->record_count + 1, sizeof *ok);
    for (size_t i = 0, end; i < r->record_count; i = end) {
        end = end_of_point(r, i);
        for (size_t k = end; k-- > i;) { /* of equal outcomes the highest rung's counts */
            const struct sweep_outcome *outcome = &r->records[k]->settled;
            if (outcome->status != SWEEP_OK)
                continue;
            for (size_t d = 0; d < dims; d++)
                values[count * dims + d] = sweep_objective_value(r->objectives[d], outcome);
            r->improved_count += outcome->replayed_from != SWEEP_NO_POINT;
            ok[count++] = k;
        }
    }
    r->ok_count = count;
    r->front_records = mem_alloc(count + 1, sizeof *r->front_records);
    r->front = mem_alloc(count + 1, sizeof *r->front);
    r->front_count = count ? ga_front(values, count, dims, r->front_records) : 0;
    double *front = mem_alloc(r->front_count * dims + 1, sizeof *front);
    for (size_t i = 0; i < r->front_count; i++)
        r->front_records[i] = ok[r->front_records[i]];
    drop_lower_rungs(r);
    for (size_t i = 0; i < r->front_count; i++) {
        const struct sweep_record *record = r->records[r->front_records[i]];
        r->front[i] = record->request;
        for (size_t d = 0; d < dims; d++)
            front[i * dims + d] = sweep_objective_value(r->objectives[d], &record->settled);
    }
    r->front_knee = r->front_count ? ga_knee(front, r->front_count, dims) : 0;
    r->reported = mem_alloc(r->front_count + 1, sizeof *r->reported);
    if (count) {
        box_of(values, count, dims, r->ideal, r->reference);
        r->hypervolume_frac = ga_hypervolume_frac(values, count, dims, r->ideal, r->reference);
    }
    free(front);
    free(values);
    free(ok);
}

void cli_sweep_results_init(struct cli_sweep_results *out, struct sweep_store *store,
                            const enum sweep_objective *objectives, size_t objective_count)
{
    *out = (struct cli_sweep_results){ .store = store,
                                       .objectives = objectives,
                                       .objective_count = objective_count,
                                       .record_count = sweep_store_count(store) };
    out->records = mem_alloc(out->record_count + 1, sizeof *out->records);
    for (size_t i = 0; i < out->record_count; i++)
        out->records[i] = sweep_store_at(store, i);
    qsort(out->records, out->record_count, sizeof *out->records, by_request);
    for (size_t i = 0; i < out->record_count; i++)
        out->point_count +=
            i == 0 || out->records[i]->request.point != out->records[i - 1]->request.point;
    find_front(out);
}

void cli_sweep_results_release(struct cli_sweep_results *r)
{
    free(r->records);
    free(r->front);
    free(r->front_records);
    free(r->reported);
}

/* --- tables ------------------------------------------------------------------------------------
 */

static void csv_head(const struct sweep_study *study, struct text *out)
{
    text_add(out, "point,rung");
    for (size_t i = 0; i < study->parameter_count; i++) {
        text_add(out, ",");
        report_csv_name(out, study->parameters[i]);
    }
    text_add(out, ",status,makespan_ps,energy_pj,area_mm2,power_w,lower_bound_ps,deadline_misses,"
                  "replayed_from,reason\n");
}

static enum err_code csv_row(const struct cli_sweep_results *r, const struct sweep_record *record,
                             struct text *out, struct err *err)
{
    const struct sweep_outcome *o = &record->settled;
    char *values[64] = { NULL };
    size_t count = sweep_store_study(r->store)->parameter_count;
    enum err_code rc = sweep_store_values(r->store, record->request.point, values, err);
    text_printf(out, "%llu,%u", (unsigned long long)record->request.point, record->request.rung);
    for (size_t i = 0; i < count; i++) {
        text_add(out, ",");
        report_csv_name(out, values[i]);
        free(values[i]);
    }
    text_printf(out, ",%s,", sweep_status_names[o->status]);
    if (o->status == SWEEP_OK) {
        text_printf(out, "%llu,%.17g,%.17g,%.17g,%llu,%u,", (unsigned long long)o->makespan_ps,
                    o->energy_pj, o->area_mm2, o->power_w, (unsigned long long)o->lower_bound_ps,
                    o->deadline_misses);
        if (o->replayed_from != SWEEP_NO_POINT)
            text_printf(out, "%llu", (unsigned long long)o->replayed_from);
        text_add(out, ",");
    } else {
        text_add(out, ",,,,,,,");
    }
    report_csv_name(out, record->reason);
    text_add(out, "\n");
    return rc;
}

static enum err_code write_table(const struct cli_sweep_results *r, const char *file,
                                 bool front_only, struct err *err)
{
    struct text text = { 0 };
    enum err_code rc = ERR_OK;
    size_t count = front_only ? r->front_count : r->record_count;
    csv_head(sweep_store_study(r->store), &text);
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = csv_row(r, r->records[front_only ? r->front_records[i] : i], &text, err);
    if (rc == ERR_OK)
        rc = file_write(file, text.data, text.bytes, err);
    text_release(&text);
    return rc;
}

/* --- sweep.json --------------------------------------------------------------------------------
 */

static void write_front(const struct cli_sweep_results *r, struct json_out *out)
{
    json_out_array(out, "front", false);
    for (size_t i = 0; i < r->front_count; i++) {
        const struct sweep_record *record = r->records[r->front_records[i]];
        json_out_object(out, NULL, true);
        json_out_u64(out, "point", record->request.point);
        json_out_u64(out, "rung", record->request.rung);
        for (size_t d = 0; d < r->objective_count; d++)
            json_out_real(out, sweep_objective_names[r->objectives[d]],
                          sweep_objective_value(r->objectives[d], &record->settled));
        if (record->settled.replayed_from != SWEEP_NO_POINT)
            json_out_u64(out, "replayed_from", record->settled.replayed_from);
        json_out_end(out);
    }
    json_out_end(out);
}

/* `run` NULL: the file, which has nothing of the run that wrote it. */
static void write_json(const struct cli_sweep_results *r, const char *dir,
                       const struct sweep_drive_result *run, struct text *text)
{
    struct json_out out;
    json_out_init(&out, text);
    json_out_object(&out, NULL, false);
    json_out_u64(&out, "points", r->point_count);
    json_out_u64(&out, "evaluations", r->record_count);
    json_out_u64(&out, "feasible_evaluations", r->ok_count);
    json_out_u64(&out, "improved_by_replay", r->improved_count);
    json_out_bool(&out, "finished", sweep_store_finished(r->store));
    json_out_real(&out, "hypervolume", r->hypervolume_frac);
    write_front(r, &out);
    if (run) {
        json_out_u64(&out, "evaluated_now", run->progress.evaluated);
        json_out_u64(&out, "replays_now", run->progress.replays);
        json_out_u64(&out, "crashes", run->crashes);
        json_out_u64(&out, "missing", run->missing);
        json_out_str(&out, "out_dir", dir);
    }
    json_out_end(&out);
}

enum err_code cli_sweep_results_write(const struct cli_sweep_results *r, const char *dir,
                                      const char *csv, struct err *err)
{
    struct text text = { 0 }, page = { 0 };
    char *front = file_join(dir, "front.csv"), *json = file_join(dir, "sweep.json");
    char *html = file_join(dir, "sweep.html");
    write_json(r, dir, NULL, &text);
    text_add(&text, "\n");
    enum err_code rc = write_table(r, front, true, err);
    if (rc == ERR_OK)
        rc = file_write(json, text.data, text.bytes, err);
    if (rc == ERR_OK)
        rc = cli_sweep_page(r, &page, err);
    if (rc == ERR_OK)
        rc = file_write(html, page.data, page.bytes, err);
    if (rc == ERR_OK && csv)
        rc = write_table(r, csv, false, err);
    text_release(&text);
    text_release(&page);
    free(front);
    free(json);
    free(html);
    return rc;
}

void cli_sweep_results_print(const struct cli_sweep_results *r, const char *dir, bool json,
                             const struct sweep_drive_result *run)
{
    struct text text = { 0 };
    if (json) {
        write_json(r, dir, run, &text);
        puts(text.data);
        text_release(&text);
        return;
    }
    printf("%zu points, %zu evaluations, %zu of them feasible; %zu better by another point's "
           "mapping\nfront of %zu, %.4f of the hypervolume's box\n",
           r->point_count, r->record_count, r->ok_count, r->improved_count, r->front_count,
           r->hypervolume_frac);
    for (size_t i = 0; i < r->front_count && i < 20; i++) {
        const struct sweep_outcome *o = &r->records[r->front_records[i]]->settled;
        char time[32], energy[32];
        printf("  #%-8llu %12s %12s %9.2f mm2\n", (unsigned long long)r->front[i].point,
               cli_time(o->makespan_ps, time, sizeof time),
               cli_energy(o->energy_pj, energy, sizeof energy), o->area_mm2);
    }
    if (run->end == SWEEP_LACKING)
        printf("%llu requests wait for other shards: merge, then --resume\n",
               (unsigned long long)run->missing);
    else if (run->end == SWEEP_STOPPED)
        printf("unfinished: --resume goes on\n");
    size_t reports = 0;
    for (size_t i = 0; i < r->front_count; i++)
        reports += r->reported[i];
    if (reports)
        printf("%zu points have a report in %s/points\n", reports, dir);
    printf("see %s/sweep.html, front.csv and study.db\n", dir);
}
