/*
 * Load per cell of time, for rows with more rectangles than pixels: a cell is filled to the share
 * of its time that the row was busy, so ten packets that take a tenth of it do not look like one
 * that takes it all.
 */
#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "reports/report_html.h"

#define CELLS 500

struct report_density {
    double cell_ps;
    double busy_ps[REPORT_COLOURS][CELLS];
    bool used[REPORT_COLOURS];
};

struct report_density *report_density_new(uint64_t makespan_ps)
{
    struct report_density *density = mem_alloc(1, sizeof *density);
    density->cell_ps = (double)max_u64(makespan_ps, 1) / CELLS;
    return density;
}

void report_density_free(struct report_density *density)
{
    free(density);
}

void report_density_add(struct report_density *density, unsigned colour, uint64_t start_ps,
                        uint64_t end_ps, double weight)
{
    double start = (double)start_ps / density->cell_ps, end = (double)end_ps / density->cell_ps;
    density->used[colour] = true;
    for (size_t cell = (size_t)start; cell < CELLS && (double)cell < end; cell++) {
        double from = fmax(start, (double)cell), to = fmin(end, (double)cell + 1);
        density->busy_ps[colour][cell] += weight * (to - from);
    }
}

void report_density_draw(const struct report_density *density, struct text *out, double y,
                         double height)
{
    double filled[CELLS] = { 0 };
    double width = (double)REPORT_PLOT_WIDTH / CELLS;
    for (unsigned colour = 0; colour < REPORT_COLOURS; colour++) {
        if (!density->used[colour])
            continue;
        text_printf(out, "<path class=\"c%u f\" d=\"", colour);
        for (size_t cell = 0; cell < CELLS; cell++) {
            double share = fmin(density->busy_ps[colour][cell], 1 - filled[cell]);
            if (share * height < 0.05)
                continue;
            text_add(out, "M");
            report_coordinate(out, width * (double)cell);
            text_add(out, " ");
            report_coordinate(out, y + height * (1 - filled[cell]));
            text_add(out, "v-");
            report_coordinate(out, height * share);
            text_add(out, "h");
            report_coordinate(out, width);
            text_add(out, "v");
            report_coordinate(out, height * share);
            text_add(out, "z");
            filled[cell] += share;
        }
        text_add(out, "\"/>");
    }
}
