#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/report_format.h"
#include "reports/validation.h"

/* "12.3 us": three digits, at most eight characters. */
static const char *time_text(double ns, char buf[16])
{
    static const char *const units[] = { "ns", "us", "ms", "s" };
    size_t unit = 0;
    while (unit < 3 && ns >= 999.5) {
        ns /= 1000;
        unit++;
    }
    if (ns <= 0)
        return strcpy(buf, "-");
    snprintf(buf, 16, "%.*f %s", ns < 9.995 ? 2 : ns < 99.95 ? 1 : 0, ns, units[unit]);
    return buf;
}

/* Exactly `width` columns; UTF-8 is not cut inside a character. */
static void add_column(struct text *out, const char *value, size_t width)
{
    struct text plain = { 0 };
    report_plain_text(&plain, value);
    size_t columns = 0, at = 0, cut = 0;
    while (at < plain.bytes) {
        size_t next = at + 1;
        while (next < plain.bytes && ((unsigned char)plain.data[next] & 0xC0) == 0x80)
            next++;
        columns++;
        if (columns == width)
            cut = at;
        at = next;
    }
    if (columns > width) {
        text_add_bytes(out, plain.data, cut);
        text_add(out, "…");
    } else {
        text_printf(out, "%s%*s", plain.data ? plain.data : "", (int)(width - columns), "");
    }
    text_release(&plain);
}

static void add_row(const struct report_trial *row, struct text *out)
{
    char name[600], measured[16], predicted[16];
    snprintf(name, sizeof name, "%s", row->layer);
    if (row->layers > 1)
        snprintf(name + strlen(name), sizeof name - strlen(name), " ×%llu",
                 (unsigned long long)row->layers);
    add_column(out, name, 21);
    text_add(out, " ");
    add_column(out, row->match, 17);
    if (row->outcome != REPORT_OK) {
        text_printf(out, " %s\n    ", report_outcome_names[row->outcome]);
        report_plain_text(out, row->detail);
        text_add(out, "\n");
        return;
    }
    text_printf(out, " OK %9s %9s", time_text(row->measured_ns, measured),
                time_text(row->predicted_ns, predicted));
    double gops = report_trial_ops_per_s(row) / 1e9, frac = report_trial_peak_frac(row);
    if (gops > 0)
        text_printf(out, " %8.*f", gops < 100 ? 1 : 0, gops);
    else
        text_printf(out, " %8s", "-");
    if (frac > 0)
        text_printf(out, " %4.0f%%\n", 100 * frac);
    else
        text_printf(out, " %5s\n", "-");
}

static void add_sums(const struct report_validation *v, struct text *out)
{
    struct report_validation_sums sums = report_validation_sums(v);
    char measured[16], predicted[16];
    const char *before = "";
    for (size_t o = 0; o < REPORT_OUTCOME_COUNT; o++) {
        if (o != REPORT_OK && sums.rows[o] == 0)
            continue;
        text_printf(out, "%s%llu %s", before, (unsigned long long)sums.rows[o],
                    report_outcome_names[o]);
        if (sums.layers[o] != sums.rows[o])
            text_printf(out, " (of %llu layers)", (unsigned long long)sums.layers[o]);
        before = ", ";
    }
    text_add(out, "\n");
    if (sums.timed == 0)
        return;
    text_printf(out, "measured %s, predicted %s; median error %.0f%%",
                time_text(sums.measured_ns, measured), time_text(sums.predicted_ns, predicted),
                100 * sums.median_error_frac);
    if (sums.timed > 2)
        text_printf(out, ", rank correlation %.3f", sums.rank_correlation);
    if (sums.geomean_peak_frac > 0)
        text_printf(out, "; %.0f%% of the peak in the mean", 100 * sums.geomean_peak_frac);
    text_add(out, "\n");
}

void report_validation_text(const struct report_validation *v, struct text *out)
{
    report_plain_text(out, v->subject);
    text_printf(out, " on backend %s", v->backend);
    if (*v->reason) {
        text_add(out, ", which is not available: ");
        report_plain_text(out, v->reason);
        text_add(out, "\n");
        return;
    }
    text_add(out, " (");
    report_plain_text(out, v->device);
    text_printf(out, "), %llu thread%s, seed %llu\n", (unsigned long long)v->threads,
                v->threads == 1 ? "" : "s", (unsigned long long)v->seed);
    text_add(out,
             "layer                 plan              ok  measured predicted    GOP/s  peak\n");
    for (size_t i = 0; i < v->count; i++)
        add_row(&v->rows[i], out);
    add_sums(v, out);
}
