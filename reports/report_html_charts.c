/* Scratchpads over time, where the energy goes, and how the search converged. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/num.h"
#include "reports/report_html.h"

/* --- scratchpads ----------------------------------------------------------------------------- */

#define PADS_MAX    16
#define PAD_HEIGHT  30.0
#define PAD_STEP    42.0
#define PAD_COLUMNS 2000 /* of a row; each shows its peak */

/* Largest number of bytes held at any time in each column. */
static void pad_columns(const struct report_facts *f, size_t a, uint64_t columns[PAD_COLUMNS])
{
    const struct report_accelerator *acc = &f->accelerators[a];
    double per_ps = PAD_COLUMNS / (double)max_u64(f->makespan_ps, 1);
    /* Layers by start; those that still hold bytes stand in a short list. */
    uint32_t *held = mem_alloc(acc->layer_count + 1, sizeof *held);
    size_t held_count = 0, next = 0;
    for (size_t column = 0; column < PAD_COLUMNS; column++) {
        double from = (double)column, to = from + 1;
        uint64_t bytes = 0, peak = 0;
        size_t kept = 0;
        for (size_t i = 0; i < held_count; i++) {
            const struct report_layer *layer = &f->layers[held[i]];
            if ((double)layer->end_ps * per_ps <= from)
                continue;
            held[kept++] = held[i];
            bytes += layer->option->scratchpad_bytes;
        }
        held_count = kept;
        peak = bytes;
        while (next < acc->layer_count &&
               (double)f->layers[acc->layers[next]].start_ps * per_ps < to) {
            uint64_t start_ps = f->layers[acc->layers[next]].start_ps;
            bytes = 0;
            held[held_count++] = acc->layers[next++];
            for (size_t i = 0; i < held_count; i++)
                if (f->layers[held[i]].end_ps > start_ps)
                    bytes += f->layers[held[i]].option->scratchpad_bytes;
            peak = max_u64(peak, bytes);
        }
        columns[column] = peak;
    }
    free(held);
}

/* The share of the capacity that is a row's full height: the same for all rows. */
static double pad_full_frac(const struct report_facts *f)
{
    static const double steps[] = { 0.01, 0.02, 0.05, 0.1, 0.2, 0.5 };
    double peak_frac = 0;
    for (size_t a = 0; a < f->report->problem->accelerator_count; a++) {
        double capacity = (double)f->report->problem->soc->accelerators[a].scratchpad_bytes;
        if (capacity > 0)
            peak_frac =
                fmax(peak_frac, (double)f->accelerators[a].scratchpad_peak_bytes / capacity);
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (peak_frac <= steps[i])
            return steps[i];
    return 1;
}

static void draw_pad(const struct report_facts *f, struct text *out, size_t a, double y,
                     double full)
{
    uint64_t *columns = mem_alloc(PAD_COLUMNS, sizeof *columns);
    pad_columns(f, a, columns);
    double capacity = full * (double)f->report->problem->soc->accelerators[a].scratchpad_bytes;
    double width = (double)REPORT_PLOT_WIDTH / PAD_COLUMNS;
    text_printf(out, "<rect class=\"lane\" y=\"%g\" width=\"%d\" height=\"%g\"/>", y,
                REPORT_PLOT_WIDTH, PAD_HEIGHT);
    text_add(out, "<path class=\"pad\" d=\"M0 ");
    report_coordinate(out, y + PAD_HEIGHT);
    uint64_t level = 0;
    for (size_t column = 0; column < PAD_COLUMNS; column++) {
        if (columns[column] == level)
            continue;
        level = columns[column];
        text_add(out, "H");
        report_coordinate(out, width * (double)column);
        text_add(out, "V");
        report_coordinate(out, y + PAD_HEIGHT *
                                       (1 - fmin(capacity > 0 ? (double)level / capacity : 0, 1)));
    }
    text_printf(out, "H%dV", REPORT_PLOT_WIDTH);
    report_coordinate(out, y + PAD_HEIGHT);
    text_add(out, "z\"/>\n");
    free(columns);
}

static void name_pad(const struct report_facts *f, struct text *out, size_t a, double y)
{
    const struct soc_accelerator *acc = &f->report->problem->soc->accelerators[a];
    struct text peak = { 0 }, share = { 0 };
    report_quantity(&peak, REPORT_BYTES, (double)acc->scratchpad_bytes);
    double capacity = (double)acc->scratchpad_bytes;
    if (capacity > 0)
        report_percent(&share, (double)f->accelerators[a].scratchpad_peak_bytes / capacity);
    report_html_text_at(out, "name strong", 0, y + 12, acc->name, 18);
    report_html_text_at(out, "name muted", 0, y + 26, peak.data, 18);
    report_html_text_at(out, "right", REPORT_PLOT_LEFT - 8, y + 12, share.data ? share.data : "",
                        8);
    text_release(&share);
    text_release(&peak);
}

void report_html_scratchpads(const struct report_facts *facts, struct text *out)
{
    size_t count = facts->report->problem->accelerator_count;
    size_t shown = count < PADS_MAX ? count : PADS_MAX;
    uint64_t *peak_bytes = mem_alloc(count + 1, sizeof *peak_bytes);
    for (size_t a = 0; a < count; a++)
        peak_bytes[a] = facts->accelerators[a].scratchpad_peak_bytes;
    uint32_t top[PADS_MAX];
    double full = pad_full_frac(facts);
    shown = report_html_top(peak_bytes, count, shown, top);
    free(peak_bytes);
    report_html_section(out, "scratchpads", "Scratchpad occupancy");
    report_html_chart_begin(facts, out, "Scratchpad bytes held over time",
                            PAD_STEP * (double)shown);
    for (size_t i = 0; i < shown; i++)
        draw_pad(facts, out, top[i], PAD_STEP * (double)i, full);
    report_html_chart_middle(out);
    for (size_t i = 0; i < shown; i++)
        name_pad(facts, out, top[i], REPORT_AXIS + PAD_STEP * (double)i);
    report_html_chart_end(out);
    text_printf(out,
                "<p class=\"caption\">Bytes that running layers hold. The full height of a row is "
                "%g%% of the scratchpad; the percentage beside its size is the peak.",
                100 * full);
    if (shown < count)
        text_printf(out, " The %zu fullest of %zu are shown.", shown, count);
    text_add(out, "</p>\n</section>\n");
}

/* --- energy ---------------------------------------------------------------------------------- */

#define ENERGY_PARTS 6
#define ENERGY_ROWS  24
static const char *const energy_names[ENERGY_PARTS] = { "MACs",   "registers", "scratchpad",
                                                        "memory", "network",   "idle PEs" };

static void energy_row(struct text *out, const char *name, const double parts[ENERGY_PARTS],
                       double total_pj, struct report_scale scale, bool all_parts)
{
    double fracs[ENERGY_PARTS], sum = 0;
    for (size_t i = 0; i < ENERGY_PARTS; i++) {
        fracs[i] = total_pj > 0 ? parts[i] / total_pj : 0;
        sum += parts[i];
    }
    text_add(out, "<tr>");
    report_html_cell(out, name);
    report_html_stack(out, 'e', fracs, ENERGY_PARTS);
    for (size_t i = 0; i < ENERGY_PARTS; i++) {
        if (i < 4 || all_parts)
            report_html_number(out, scale, parts[i]);
        else
            text_add(out, "<td class=\"n\"></td>");
    }
    report_html_number(out, scale, sum);
    text_add(out, "</tr>\n");
}

static void energy_parts(double parts[ENERGY_PARTS], const struct energy_split *split)
{
    memset(parts, 0, ENERGY_PARTS * sizeof *parts);
    parts[0] = split->mac_pj;
    parts[1] = split->register_pj;
    parts[2] = split->scratchpad_pj;
    parts[3] = split->memory_pj;
}

static void energy_head(struct text *out, struct report_scale scale)
{
    text_add(out, "<div class=\"scroll\"><table><thead><tr><th></th><th>Share of the whole</th>");
    for (size_t i = 0; i < ENERGY_PARTS; i++)
        text_printf(out,
                    "<th class=\"n\"><svg class=\"swatch\" width=\"10\" height=\"10\"><rect "
                    "class=\"e%zu\" width=\"10\" height=\"10\" rx=\"2\"/></svg>%s</th>",
                    i, energy_names[i]);
    text_printf(out, "<th class=\"n\">Sum, %s</th></tr></thead><tbody>\n", scale.unit);
}

void report_html_energy(const struct report_facts *facts, struct text *out)
{
    const struct mapping_energy *energy = &facts->report->energy;
    const struct soc *soc = facts->report->problem->soc;
    struct report_scale scale = report_scale_for(REPORT_ENERGY, energy->total_pj);
    double parts[ENERGY_PARTS];
    report_html_section(out, "energy", "Where the energy goes");
    energy_head(out, scale);
    energy_parts(parts, &energy->layers);
    parts[4] = energy->network_pj;
    parts[5] = energy->idle_pj;
    energy_row(out, "All", parts, energy->total_pj, scale, true);
    for (size_t a = 0; a < soc->accelerator_count && a < ENERGY_ROWS; a++) {
        energy_parts(parts, &facts->accelerators[a].energy);
        energy_row(out, soc->accelerators[a].name, parts, energy->total_pj, scale, false);
    }
    text_printf(out,
                "</tbody></table></div>\n<p class=\"caption\">In %s. Network (bytes × links "
                "crossed) and idle PEs belong to no single accelerator.",
                scale.unit);
    if (soc->accelerator_count > ENERGY_ROWS)
        text_printf(out, " The first %d accelerators are shown; result.json has all.", ENERGY_ROWS);
    text_add(out, "</p>\n</section>\n");
}

/* --- convergence ----------------------------------------------------------------------------- */

#define PLOT_X      64.0
#define PLOT_Y      14.0
#define PLOT_WIDTH  860.0
#define PLOT_HEIGHT 190.0

struct axis {
    double low, high, step;
};

static struct axis axis_around(double low, double high)
{
    double span = high > low ? high - low : fabs(high) > 0 ? fabs(high) * 0.1 : 1;
    double step = pow(10, floor(log10(span / 3)));
    step *= step * 5 <= span / 3 ? 5 : step * 2 <= span / 3 ? 2 : 1;
    return (struct axis){ floor(low / step) * step, ceil(high / step) * step, step };
}

static double axis_place(const struct axis *axis, double value)
{
    return axis->high > axis->low ? (value - axis->low) / (axis->high - axis->low) : 0.5;
}

struct convergence {
    const struct report *report;
    enum report_dimension dimension;
    struct axis across, up;
    double bound; /* 0: none in this unit */
};

static double x_of(const struct convergence *c, double evaluations)
{
    return PLOT_X + PLOT_WIDTH * axis_place(&c->across, evaluations);
}

static double y_of(const struct convergence *c, double value)
{
    return PLOT_Y + PLOT_HEIGHT * (1 - axis_place(&c->up, value));
}

static void convergence_init(struct convergence *c, const struct report *r)
{
    const char *objective = r->objective ? r->objective : "";
    *c = (struct convergence){ .report = r };
    c->dimension = !strcmp(objective, "energy")   ? REPORT_ENERGY
                   : !strcmp(objective, "edp")    ? REPORT_EDP
                   : !strcmp(objective, "pareto") ? REPORT_COUNT
                                                  : REPORT_TIME;
    c->bound = c->dimension == REPORT_TIME ? (double)r->lower_bound_ps : 0;
    double low = r->convergence[0].best_value, high = low;
    for (size_t i = 1; i < r->convergence_count; i++) {
        low = fmin(low, r->convergence[i].best_value);
        high = fmax(high, r->convergence[i].best_value);
    }
    if (c->bound > 0)
        low = fmin(low, c->bound);
    c->up = axis_around(low, high);
    uint64_t last = max_u64(r->evaluations, r->convergence[r->convergence_count - 1].evaluations);
    c->across = axis_around(0, (double)last);
    c->across.high = (double)max_u64(last, 1);
}

static void draw_grid(const struct convergence *c, struct text *out)
{
    struct report_scale scale = report_scale_for(c->dimension, c->up.high);
    for (double value = c->up.low; value <= c->up.high + c->up.step / 2; value += c->up.step) {
        struct text label = { 0 };
        double y = y_of(c, value);
        text_printf(out, "<path class=\"grid\" d=\"M%g ", PLOT_X);
        report_coordinate(out, y);
        text_printf(out, "h%g\"/>", PLOT_WIDTH);
        text_printf(&label, "%.5g", value / scale.divisor);
        report_html_text_at(out, "right", PLOT_X - 8, y + 3.5, label.data, 12);
        text_release(&label);
    }
    report_html_text_at(out, "name muted", 0, PLOT_Y - 3, scale.unit, 8);
    for (double value = 0; value <= c->across.high; value += c->across.step) {
        struct text label = { 0 };
        report_thousands(&label, (uint64_t)llround(value));
        report_html_text_at(out, "tick", x_of(c, value), PLOT_Y + PLOT_HEIGHT + 16, label.data, 14);
        text_release(&label);
    }
    report_html_text_at(out, "right muted", PLOT_X + PLOT_WIDTH, PLOT_Y + PLOT_HEIGHT + 32,
                        "evaluations", 20);
}

static void draw_steps(const struct convergence *c, struct text *out)
{
    const struct report *r = c->report;
    text_add(out, "<path class=\"best\" d=\"M");
    double drawn_x = -1;
    for (size_t i = 0; i < r->convergence_count; i++) {
        double x = x_of(c, (double)r->convergence[i].evaluations);
        double y = y_of(c, r->convergence[i].best_value);
        bool last = i + 1 == r->convergence_count;
        if (i > 0 && x - drawn_x < 0.25 && !last)
            continue;
        drawn_x = x;
        if (i > 0)
            text_add(out, "H");
        report_coordinate(out, x);
        text_add(out, i > 0 ? "V" : " ");
        report_coordinate(out, y);
    }
    text_add(out, "H");
    report_coordinate(out, PLOT_X + PLOT_WIDTH);
    text_add(out, "\"/>");
}

static void add_value(const struct convergence *c, double value, struct text *out)
{
    if (c->dimension == REPORT_COUNT)
        text_printf(out, "%.4g", value);
    else
        report_quantity(out, c->dimension, value);
}

void report_html_convergence(const struct report_facts *facts, struct text *out)
{
    const struct report *r = facts->report;
    if (r->convergence_count == 0)
        return;
    struct convergence c;
    convergence_init(&c, r);
    report_html_section(out, "convergence", "How the search converged");
    text_printf(out,
                "<div class=\"scroll\"><svg class=\"plot\" viewBox=\"0 0 %g %g\" role=\"img\" "
                "aria-label=\"Best value against evaluations\">",
                PLOT_X + PLOT_WIDTH + 30, PLOT_Y + PLOT_HEIGHT + 40);
    draw_grid(&c, out);
    if (c.bound > 0) {
        text_printf(out, "<path class=\"bound\" d=\"M%g ", PLOT_X);
        report_coordinate(out, y_of(&c, c.bound));
        text_printf(out, "h%g\"/>", PLOT_WIDTH);
        report_html_text_at(out, "right muted", PLOT_X + PLOT_WIDTH, y_of(&c, c.bound) - 5,
                            "lower bound", 20);
    }
    draw_steps(&c, out);
    text_add(out, "</svg></div>\n<p class=\"caption\">The best value so far, in the terms of the "
                  "search (");
    report_html_text(out, r->objective ? r->objective : "latency");
    if (c.dimension == REPORT_COUNT)
        text_add(out, ": the share of the box around both ends that the front does not dominate");
    text_add(out, ", by the ");
    report_html_text(out, r->fitness ? r->fitness : "analytic");
    text_add(out, " fitness), against the evaluations spent. From ");
    add_value(&c, r->convergence[0].best_value, out);
    text_add(out, " to ");
    add_value(&c, r->convergence[r->convergence_count - 1].best_value, out);
    text_add(out, " after ");
    report_thousands(out, r->evaluations);
    text_add(out, " evaluations, ");
    report_thousands(out, r->sim_evaluations);
    text_add(out, " of them simulated.</p>\n</section>\n");
}
