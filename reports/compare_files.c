/*
 * rows.csv and timings.csv, written and read again; summary.csv; inputs.json and compare.json.
 * A line is found again by its key, "soc,workload,mapper,seed," as it is written, so a name may
 * hold anything.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "reports/compare.h"
#include "reports/report_format.h"

static void add_key(const struct report_compare *c, size_t at, struct text *out)
{
    const struct report_compare_case *case_ = &c->cases[at / c->seed_count / c->contestant_count];
    report_csv_name(out, case_->soc);
    text_add(out, ",");
    report_csv_name(out, case_->workload);
    text_add(out, ",");
    report_csv_name(out, c->contestants[at / c->seed_count % c->contestant_count]);
    text_printf(out, ",%" PRIu64 ",", c->first_seed + at % c->seed_count);
}

/* --- rows.csv, timings.csv ------------------------------------------------------------------- */

/* As short as reads back to the same number. */
static void write_row(const struct report_compare_row *row, struct text *out)
{
    char energy[32];
    snprintf(energy, sizeof energy, "%.15g", row->energy_pj);
    if (strtod(energy, NULL) != row->energy_pj)
        snprintf(energy, sizeof energy, "%.17g", row->energy_pj);
    text_printf(out, "%" PRIu64 ",%" PRIu64 ",%s,%" PRIu64 ",%" PRIu64 "\n", row->makespan_ps,
                row->analytic_makespan_ps, energy, row->lower_bound_ps, row->evaluations);
}

static void write_timing(const struct report_compare_row *row, struct text *out)
{
    text_printf(out, "%.3f\n", row->wall_s);
}

/* A count of digits alone, then `end`; moves on behind it. */
static bool read_count(const char **at, char end, uint64_t *out)
{
    size_t digits = strspn(*at, "0123456789");
    if (digits == 0 || digits > 19 || (*at)[digits] != end)
        return false;
    *out = strtoull(*at, NULL, 10);
    *at += digits + 1;
    return true;
}

static bool read_real(const char **at, char end, double *out)
{
    char *stop;
    if (!strchr("0123456789.", **at))
        return false;
    *out = strtod(*at, &stop);
    if (*stop != end || !(*out >= 0 && *out < 1e300))
        return false;
    *at = stop + 1;
    return true;
}

static bool read_row(const char *at, struct report_compare_row *row)
{
    struct report_compare_row read = { .done = true };
    if (!read_count(&at, ',', &read.makespan_ps) ||
        !read_count(&at, ',', &read.analytic_makespan_ps) ||
        !read_real(&at, ',', &read.energy_pj) || !read_count(&at, ',', &read.lower_bound_ps) ||
        !read_count(&at, '\n', &read.evaluations) || row->done || !read.analytic_makespan_ps ||
        read.makespan_ps < read.analytic_makespan_ps ||
        read.analytic_makespan_ps < read.lower_bound_ps)
        return false;
    *row = read;
    return true;
}

static bool read_timing(const char *at, struct report_compare_row *row)
{
    return read_real(&at, '\n', &row->wall_s);
}

static const struct table {
    const char *head, *columns;
    void (*write)(const struct report_compare_row *row, struct text *out);
    bool (*read)(const char *at, struct report_compare_row *row);
} table_rows = { "soc,workload,mapper,seed,",
                 "makespan_ps,analytic_makespan_ps,energy_pj,lower_bound_ps,evaluations\n",
                 write_row, read_row },
  table_timings = { "soc,workload,mapper,seed,", "wall_s\n", write_timing, read_timing };

static void write_table(const struct report_compare *c, const struct table *table, struct text *out)
{
    text_add(out, table->head);
    text_add(out, table->columns);
    for (size_t at = 0; at < report_compare_row_count(c); at++) {
        if (!c->rows[at].done)
            continue;
        add_key(c, at, out);
        table->write(&c->rows[at], out);
    }
}

/* Lines stand in the order of the runs, so each is looked for from where the last one was found. */
static enum err_code read_table(struct report_compare *c, const struct table *table,
                                const char *file, const char *text, struct err *err)
{
    struct text head = { 0 }, key = { 0 };
    text_add(&head, table->head);
    text_add(&head, table->columns);
    bool ok = !strncmp(text, head.data, head.bytes);
    const char *at = ok ? text + head.bytes : text;
    int line = ok ? 2 : 1;
    size_t run = 0;
    for (; ok && *at; line += ok) {
        bool found = false;
        for (; !found && run < report_compare_row_count(c); run++) {
            text_release(&key);
            add_key(c, run, &key);
            found = !strncmp(at, key.data, key.bytes);
        }
        ok = found && strchr(at, '\n') && table->read(at + key.bytes, &c->rows[run - 1]);
        if (ok)
            at = strchr(at, '\n') + 1;
    }
    enum err_code rc = ERR_OK;
    if (!ok) {
        rc = err_set(err, ERR_SYNTAX, "expected %s, got \"%.*s\"",
                     line == 1 ? "the header line of such a file"
                               : "a run of this comparison with its figures",
                     (int)(strcspn(at, "\n") < 100 ? strcspn(at, "\n") : 100), at);
        err_in_file(err, file, line, 1);
    }
    text_release(&head);
    text_release(&key);
    return rc;
}

void report_compare_rows_csv(const struct report_compare *compare, struct text *out)
{
    write_table(compare, &table_rows, out);
}

void report_compare_timings_csv(const struct report_compare *compare, struct text *out)
{
    write_table(compare, &table_timings, out);
}

enum err_code report_compare_read_rows(struct report_compare *compare, const char *file,
                                       const char *text, struct err *err)
{
    return read_table(compare, &table_rows, file, text, err);
}

enum err_code report_compare_read_timings(struct report_compare *compare, const char *file,
                                          const char *text, struct err *err)
{
    return read_table(compare, &table_timings, file, text, err);
}

/* --- summary.csv ----------------------------------------------------------------------------- */

void report_compare_summary_csv(const struct report_compare_facts *facts, struct text *out)
{
    const struct report_compare *c = facts->compare;
    text_add(out, "mapper,baseline,cases,geomean_speedup,low,high,worst,best,wins,ties,losses,"
                  "wilcoxon_p,holm_p,geomean_analytic_speedup,geomean_energy_ratio\n");
    for (size_t m = 0; m < c->contestant_count; m++)
        for (size_t b = 0; b < c->contestant_count; b++) {
            if (b == m)
                continue;
            const struct report_compare_pair *pair = report_compare_pair(facts, m, b);
            report_csv_name(out, c->contestants[m]);
            text_add(out, ",");
            report_csv_name(out, c->contestants[b]);
            text_printf(out, ",%zu,%.9g,%.9g,%.9g,%.9g,%.9g,%zu,%zu,%zu,%.6g,%.6g,%.9g,%.9g\n",
                        pair->cases, pair->speedup, pair->interval.low, pair->interval.high,
                        pair->worst, pair->best, pair->wins, pair->ties, pair->losses, pair->p,
                        pair->p_holm, pair->analytic_ratio, pair->energy_ratio);
        }
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_options(const struct report_compare *c, struct json_out *json)
{
    json_out_str(json, "objective", objective_names[c->objective]);
    json_out_str(json, "fitness", c->fitness);
    json_out_str(json, "granularity", c->granularity);
    json_out_str(json, "sharing", c->sharing);
    json_out_u64(json, "budget_evals", c->budget_evals);
    json_out_u64(json, "budget_layers", c->budget_layers);
    json_out_real(json, "time_limit_s", c->time_limit_s);
    json_out_u64(json, "first_seed", c->first_seed);
    json_out_u64(json, "seeds", c->seed_count);
}

static void json_inputs(const struct report_compare *c, struct json_out *json)
{
    json_out_array(json, "cases", false);
    for (size_t i = 0; i < c->case_count; i++) {
        const struct report_compare_case *case_ = &c->cases[i];
        json_out_object(json, NULL, false);
        json_out_str(json, "soc", case_->soc);
        json_out_str(json, "soc_sha256", case_->soc_sha256);
        json_out_str(json, "workload", case_->workload);
        json_out_str(json, "workload_sha256", case_->workload_sha256);
        json_out_u64(json, "networks", case_->networks);
        json_out_u64(json, "layers", case_->layers);
        json_out_end(json);
    }
    json_out_end(json);
    json_out_array(json, "mappers", false);
    for (size_t m = 0; m < c->contestant_count; m++)
        json_out_str(json, NULL, c->contestants[m]);
    json_out_end(json);
}

void report_compare_inputs_json(const struct report_compare *compare, struct text *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "compare-inputs/1");
    json_out_str(&json, "version", compare->version);
    json_options(compare, &json);
    json_inputs(compare, &json);
    json_out_end(&json);
}

static void json_rows(const struct report_compare *c, bool with_times, struct json_out *json)
{
    json_out_array(json, "rows", false);
    for (size_t at = 0; at < report_compare_row_count(c); at++) {
        const struct report_compare_row *row = &c->rows[at];
        const struct report_compare_case *case_ =
            &c->cases[at / c->seed_count / c->contestant_count];
        if (!row->done)
            continue;
        json_out_object(json, NULL, true);
        json_out_str(json, "soc", case_->soc);
        json_out_str(json, "workload", case_->workload);
        json_out_str(json, "mapper", c->contestants[at / c->seed_count % c->contestant_count]);
        json_out_u64(json, "seed", c->first_seed + at % c->seed_count);
        json_out_u64(json, "makespan_ps", row->makespan_ps);
        json_out_u64(json, "analytic_makespan_ps", row->analytic_makespan_ps);
        json_out_real(json, "energy_pj", row->energy_pj);
        json_out_u64(json, "lower_bound_ps", row->lower_bound_ps);
        json_out_u64(json, "evaluations", row->evaluations);
        if (with_times)
            json_out_real(json, "wall_s", row->wall_s);
        json_out_end(json);
    }
    json_out_end(json);
}

static void json_pair(const struct report_compare_facts *f, const struct report_compare_pair *pair,
                      struct json_out *json)
{
    json_out_object(json, NULL, true);
    json_out_str(json, "mapper", f->compare->contestants[pair->contestant]);
    json_out_str(json, "baseline", f->compare->contestants[pair->baseline]);
    json_out_u64(json, "cases", pair->cases);
    json_out_real(json, "geomean_speedup", pair->speedup);
    json_out_real(json, "low", pair->interval.low);
    json_out_real(json, "high", pair->interval.high);
    json_out_real(json, "worst", pair->worst);
    json_out_real(json, "best", pair->best);
    json_out_u64(json, "wins", pair->wins);
    json_out_u64(json, "ties", pair->ties);
    json_out_u64(json, "losses", pair->losses);
    json_out_real(json, "wilcoxon_p", pair->p);
    json_out_real(json, "holm_p", pair->p_holm);
    json_out_real(json, "geomean_analytic_speedup", pair->analytic_ratio);
    json_out_real(json, "geomean_energy_ratio", pair->energy_ratio);
    json_out_end(json);
}

static void json_summary(const struct report_compare_facts *f, struct json_out *json)
{
    size_t count = f->compare->contestant_count;
    json_out_array(json, "summary", false);
    for (size_t m = 0; m < count; m++)
        for (size_t b = 0; b < count; b++)
            if (b != m)
                json_pair(f, report_compare_pair(f, m, b), json);
    json_out_end(json);
}

static void json_singles(const struct report_compare_facts *f, bool with_times,
                         struct json_out *json)
{
    json_out_array(json, "gaps", false);
    for (size_t m = 0; m < f->compare->contestant_count; m++) {
        const struct report_compare_single *single = &f->singles[m];
        json_out_object(json, NULL, true);
        json_out_str(json, "mapper", f->compare->contestants[m]);
        json_out_u64(json, "cases", single->cases);
        json_out_u64(json, "runs", single->runs);
        json_out_u64(json, "proved", single->proved);
        json_out_real(json, "gap_frac", single->gap_frac);
        json_out_real(json, "gap_worst_frac", single->gap_worst_frac);
        json_out_real(json, "analytic_gap_frac", single->analytic_gap_frac);
        json_out_real(json, "analytic_gap_worst_frac", single->analytic_gap_worst_frac);
        json_out_real(json, "contention_frac", single->contention_frac);
        json_out_real(json, "spread_frac", single->spread_frac);
        if (with_times)
            json_out_real(json, "wall_s", single->wall_s);
        json_out_end(json);
    }
    json_out_end(json);
}

void report_compare_json(const struct report_compare_facts *facts, bool with_times,
                         const char *out_dir, struct text *out)
{
    const struct report_compare *c = facts->compare;
    struct json_out json;
    json_out_init(&json, out);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "compare/1");
    json_out_str(&json, "version", c->version);
    json_out_str(&json, "command", c->command);
    json_options(c, &json);
    json_inputs(c, &json);
    json_rows(c, with_times, &json);
    json_summary(facts, &json);
    json_singles(facts, with_times, &json);
    json_out_bool(&json, "interrupted", facts->case_count < c->case_count);
    if (out_dir)
        json_out_str(&json, "out_dir", out_dir);
    json_out_end(&json);
}
