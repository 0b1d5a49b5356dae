/* Two studies as JSON and on the terminal. */
#include "reports/sweep_pair.h"

#include <math.h>
#include <string.h>

#define OPTIONS_MAX 12

static bool is_equal(const struct report_pair *p, const struct report_pair_row *row)
{
    for (size_t d = 0; d < p->objective_count; d++)
        if (row->values[0][d] != row->values[1][d])
            return false;
    return true;
}

struct report_pair_common report_pair_common(const struct report_pair *p)
{
    struct report_pair_common common = { 0 };
    for (size_t i = 0; i < p->row_count; i++) {
        const struct report_pair_row *row = &p->rows[i];
        if (!row->on_front[0] || !row->on_front[1])
            continue;
        common.on_both++;
        common.equal += is_equal(p, row);
    }
    return common;
}

double report_pair_best(const struct report_pair *p, size_t study, size_t objective)
{
    double best = INFINITY;
    for (size_t i = 0; i < p->row_count; i++)
        if (p->rows[i].on_front[study])
            best = fmin(best, p->rows[i].values[study][objective]);
    return best;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void json_study(const struct report_pair_study *s, struct json_out *out)
{
    json_out_object(out, NULL, false);
    json_out_str(out, "name", s->name);
    json_out_str(out, "space", s->space);
    json_out_str(out, "version", s->version);
    json_out_bool(out, "finished", s->finished);
    json_out_u64(out, "points", s->points);
    json_out_u64(out, "evaluations", s->evaluations);
    json_out_u64(out, "feasible_evaluations", s->feasible);
    json_out_u64(out, "front", s->front_count);
    json_out_real(out, "hypervolume", s->hypervolume_frac);
    json_out_real(out, "coverage", s->coverage_frac);
    json_out_end(out);
}

static void json_side(const struct report_pair *p, const struct report_pair_row *row, size_t study,
                      struct json_out *out)
{
    json_out_object(out, NULL, true);
    json_out_bool(out, "seen", row->seen[study]);
    json_out_bool(out, "on_front", row->on_front[study]);
    if (row->seen[study])
        json_out_u64(out, "point", row->point[study]);
    for (size_t d = 0; row->values[study] && d < p->objective_count; d++)
        json_out_real(out, p->objectives[d].name, row->values[study][d]);
    json_out_end(out);
}

static void json_row(const struct report_pair *p, const struct report_pair_row *row,
                     struct json_out *out)
{
    json_out_object(out, NULL, false);
    if (row->levels) {
        json_out_object(out, "parameters", true);
        for (size_t i = 0; i < p->parameter_count; i++)
            json_out_str(out, p->parameters[i], row->levels[i]);
        json_out_end(out);
    }
    json_out_array(out, "studies", false);
    for (size_t study = 0; study < 2; study++)
        json_side(p, row, study, out);
    json_out_end(out);
    json_out_end(out);
}

static void json_box(const struct report_pair *p, struct json_out *out)
{
    json_out_array(out, "box", false);
    for (size_t d = 0; d < p->objective_count; d++) {
        json_out_object(out, NULL, true);
        json_out_str(out, "objective", p->objectives[d].name);
        json_out_real(out, "ideal", p->ideal[d]);
        json_out_real(out, "reference", p->reference[d]);
        json_out_end(out);
    }
    json_out_end(out);
}

void report_pair_json(const struct report_pair *p, struct text *out)
{
    struct report_pair_common common = report_pair_common(p);
    struct json_out json;
    json_out_init(&json, out);
    json_out_object(&json, NULL, false);
    json_out_str(&json, "socweave", "pair/1");
    json_out_str(&json, "workload", p->workload);
    json_out_array(&json, "studies", false);
    for (size_t study = 0; study < 2; study++)
        json_study(&p->studies[study], &json);
    json_out_end(&json);
    json_box(p, &json);
    json_out_real(&json, "hypervolume_of_both", p->both_frac);
    json_out_bool(&json, "same_parameters", p->same_parameters);
    json_out_u64(&json, "on_both_fronts", common.on_both);
    json_out_u64(&json, "equal_on_both_fronts", common.equal);
    json_out_array(&json, "points", false);
    for (size_t i = 0; i < p->row_count; i++)
        json_row(p, &p->rows[i], &json);
    json_out_end(&json);
    json_out_end(&json);
}

/* --- terminal --------------------------------------------------------------------------------- */

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* Right-aligned; what is longer keeps its end: the last part of a path says most. */
static void add_cell(struct text *out, const char *value, size_t columns)
{
    struct text safe = { 0 };
    report_plain_text(&safe, value);
    const char *at = safe.data ? safe.data : "";
    size_t length = columns_of(at);
    bool cut = length > columns;
    for (; length + 1 > columns && cut; length--)
        do
            at++;
        while (((unsigned char)*at & 0xc0) == 0x80);
    text_printf(out, "%*s%s%s", (int)(cut ? 0 : columns - length), "", cut ? "…" : "", at);
    text_release(&safe);
}

static void add_line(struct text *out, const char *what, const char *a, const char *b)
{
    text_printf(out, "  %-22s", what);
    add_cell(out, a, 26);
    text_add(out, "  ");
    add_cell(out, b, 26);
    text_add(out, "\n");
}

static void add_counts(const struct report_pair *p, struct text *out)
{
    struct text cells[2];
    static const char *const names[] = { "points", "evaluations", "on the front", "hypervolume",
                                         "covers of the other" };
    for (size_t what = 0; what < 5; what++) {
        memset(cells, 0, sizeof cells);
        for (size_t i = 0; i < 2; i++) {
            const struct report_pair_study *s = &p->studies[i];
            if (what == 3)
                text_printf(&cells[i], "%.4f", s->hypervolume_frac);
            else if (what == 4)
                report_percent(&cells[i], s->coverage_frac);
            else
                report_thousands(&cells[i], what == 0   ? s->points
                                            : what == 1 ? s->evaluations
                                                        : s->front_count);
        }
        add_line(out, names[what], cells[0].data, cells[1].data);
        text_release(&cells[0]);
        text_release(&cells[1]);
    }
}

static void add_bests(const struct report_pair *p, struct text *out)
{
    for (size_t d = 0; d < p->objective_count; d++) {
        struct text cells[2] = { { 0 }, { 0 } }, name = { 0 };
        text_printf(&name, "best %s", p->objectives[d].name);
        for (size_t i = 0; i < 2; i++) {
            double best = report_pair_best(p, i, d);
            if (isfinite(best))
                report_measured(&cells[i], &p->objectives[d], best);
            else
                text_add(&cells[i], "–");
        }
        add_line(out, name.data, cells[0].data, cells[1].data);
        text_release(&cells[0]);
        text_release(&cells[1]);
        text_release(&name);
    }
}

static void add_options(const struct report_pair *p, struct text *out)
{
    size_t shown = 0;
    for (size_t i = 0; i < p->option_count && shown < OPTIONS_MAX; i++) {
        const struct report_pair_option *o = &p->options[i];
        if (!strcmp(o->values[0], o->values[1]))
            continue;
        struct text name = { 0 };
        report_plain_text(&name, o->name);
        if (shown++ == 0)
            text_add(out, "\n  what differs\n");
        add_line(out, name.data, o->values[0], o->values[1]);
        text_release(&name);
    }
}

void report_pair_text(const struct report_pair *p, struct text *out)
{
    struct report_pair_common common = report_pair_common(p);
    text_printf(out, "Two studies of %s\n\n", p->workload);
    add_line(out, "", p->studies[0].name, p->studies[1].name);
    add_counts(p, out);
    add_bests(p, out);
    add_options(p, out);
    text_printf(out, "\nBoth fronts together have %.4f of the box. ", p->both_frac);
    if (p->same_parameters)
        text_printf(out, "%zu points are on both,\n%zu of them with the same values.\n",
                    common.on_both, common.equal);
    else
        text_add(out, "The spaces have\nother parameters: no points in common.\n");
}
