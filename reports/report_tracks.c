/*
 * Rows of links, local ports and memory channels under the accelerators. A row draws its service
 * intervals one by one where they can be told apart, else its load per cell. Busy ones only.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "reports/report_html.h"

#define ROW_HEIGHT  14.0
#define ROW_STEP    20.0
#define ROWS_MAX    32
#define ROWS_LINKS  20
#define ROWS_LOCALS 4
#define ROWS_ANYWAY 3
#define SHARE_MIN   0.005 /* less busy ones only among the first rows of their kind */
#define EXACT_MAX   1200  /* intervals of a row that are drawn one by one */

struct track_row {
    unsigned resource;
    uint32_t index;
    const struct report_load *load;
};

struct report_tracks {
    const struct report_facts *facts;
    uint8_t *colours;
    struct track_row rows[ROWS_MAX];
    size_t row_count, left_out;
    size_t *begin;   /* [row + 1]: its intervals in `order` */
    uint32_t *order; /* interval numbers, by row, then time */
};

static void add_rows(struct report_tracks *tracks, unsigned resource,
                     const struct report_load *loads, size_t count, size_t most)
{
    if (!loads || count == 0)
        return;
    uint64_t *busy_ps = mem_alloc(count, sizeof *busy_ps);
    uint32_t *top = mem_alloc(count, sizeof *top);
    size_t busy = 0;
    for (size_t i = 0; i < count; i++) {
        busy_ps[i] = loads[i].busy_ps;
        busy += busy_ps[i] > 0;
    }
    size_t room = ROWS_MAX - tracks->row_count < most ? ROWS_MAX - tracks->row_count : most;
    size_t shown = report_html_top(busy_ps, count, room < busy ? room : busy, top);
    while (shown > ROWS_ANYWAY && report_share(tracks->facts, busy_ps[top[shown - 1]]) < SHARE_MIN)
        shown--;
    for (size_t i = 0; i < shown; i++)
        tracks->rows[tracks->row_count++] = (struct track_row){ resource, top[i], &loads[top[i]] };
    tracks->left_out += busy - shown;
    free(top);
    free(busy_ps);
}

static size_t row_of(const struct report_tracks *tracks, const struct trace_interval *at)
{
    for (size_t row = 0; row < tracks->row_count; row++)
        if (tracks->rows[row].resource == at->resource && tracks->rows[row].index == at->index)
            return row;
    return SIZE_MAX;
}

/* The intervals of every row, by counting; the trace is in order of time already. */
static void sort_intervals(struct report_tracks *tracks, const struct trace *trace)
{
    size_t *next = mem_alloc(tracks->row_count + 1, sizeof *next);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < trace->count; i++) {
            const struct trace_interval *at = &trace->intervals[i];
            size_t row = at->what == TRACE_COMPUTE || at->end_ps == at->start_ps
                             ? SIZE_MAX
                             : row_of(tracks, at);
            if (row == SIZE_MAX)
                continue;
            if (pass == 0)
                tracks->begin[row + 1]++;
            else
                tracks->order[next[row]++] = (uint32_t)i;
        }
        for (size_t row = 0; pass == 0 && row < tracks->row_count; row++) {
            tracks->begin[row + 1] += tracks->begin[row];
            next[row] = tracks->begin[row];
        }
    }
    free(next);
}

struct report_tracks *report_tracks_new(const struct report_facts *facts)
{
    const struct report *r = facts->report;
    const struct soc *soc = r->problem->soc;
    struct report_tracks *tracks = mem_alloc(1, sizeof *tracks);
    tracks->facts = facts;
    tracks->colours = report_colours_new(r->problem);
    if (r->trace) {
        add_rows(tracks, TRACE_LINK, r->links, soc->link_count, ROWS_LINKS);
        add_rows(tracks, TRACE_LOCAL, r->locals, soc->accelerator_count, ROWS_LOCALS);
        add_rows(tracks, TRACE_CHANNEL, r->channels, soc->channel_count, ROWS_MAX);
    }
    tracks->begin = mem_alloc(tracks->row_count + 2, sizeof *tracks->begin);
    tracks->order = mem_alloc((r->trace ? r->trace->count : 0) + 1, sizeof *tracks->order);
    if (r->trace)
        sort_intervals(tracks, r->trace);
    return tracks;
}

void report_tracks_free(struct report_tracks *tracks)
{
    free(tracks->order);
    free(tracks->begin);
    free(tracks->colours);
    free(tracks);
}

double report_tracks_height(const struct report_tracks *tracks)
{
    return ROW_STEP * (double)tracks->row_count;
}

size_t report_tracks_left_out(const struct report_tracks *tracks)
{
    return tracks->left_out;
}

static unsigned colour_of(const struct report_tracks *tracks, const struct trace_interval *at)
{
    return tracks->colours[tracks->facts->layers[at->layer].network];
}

static void draw_density(const struct report_tracks *tracks, size_t row, struct text *out, double y)
{
    struct report_density *density = report_density_new(tracks->facts->makespan_ps);
    for (size_t i = tracks->begin[row]; i < tracks->begin[row + 1]; i++) {
        const struct trace_interval *at =
            &tracks->facts->report->trace->intervals[tracks->order[i]];
        report_density_add(density, colour_of(tracks, at), at->start_ps, at->end_ps, 1);
    }
    report_density_draw(density, out, y, ROW_HEIGHT);
    report_density_free(density);
}

/* A thick stroke per interval: one path per colour. */
static void draw_exact(const struct report_tracks *tracks, size_t row, struct text *out, double y)
{
    struct text paths[REPORT_COLOURS] = { { 0 } };
    for (size_t i = tracks->begin[row]; i < tracks->begin[row + 1]; i++) {
        const struct trace_interval *at =
            &tracks->facts->report->trace->intervals[tracks->order[i]];
        struct text *path = &paths[colour_of(tracks, at)];
        double x = report_html_x(tracks->facts, at->start_ps);
        text_add(path, "M");
        report_coordinate(path, x);
        text_add(path, " ");
        report_coordinate(path, y + ROW_HEIGHT / 2);
        text_add(path, "h");
        double width = report_html_x(tracks->facts, at->end_ps) - x;
        report_coordinate(path, width > 0.05 ? width : 0.05);
    }
    for (unsigned colour = 0; colour < REPORT_COLOURS; colour++) {
        if (paths[colour].bytes > 0)
            text_printf(out, "<path class=\"c%u l\" d=\"%s\"/>", colour, paths[colour].data);
        text_release(&paths[colour]);
    }
}

void report_tracks_draw(const struct report_tracks *tracks, struct text *out, double y)
{
    for (size_t row = 0; row < tracks->row_count; row++, y += ROW_STEP) {
        text_printf(out, "<rect class=\"lane\" y=\"%g\" width=\"%d\" height=\"%g\"/>", y,
                    REPORT_PLOT_WIDTH, ROW_HEIGHT);
        if (tracks->begin[row + 1] - tracks->begin[row] > EXACT_MAX)
            draw_density(tracks, row, out, y);
        else
            draw_exact(tracks, row, out, y);
    }
}

void report_tracks_names(const struct report_tracks *tracks, struct text *out, double y)
{
    static const char *const kinds[] = { "", "link ", "local ", "memory " };
    const struct soc *soc = tracks->facts->report->problem->soc;
    for (size_t row = 0; row < tracks->row_count; row++, y += ROW_STEP) {
        const struct track_row *at = &tracks->rows[row];
        struct text name = { 0 }, share = { 0 };
        text_add(&name, kinds[at->resource]);
        text_add(&name, at->resource == TRACE_LINK    ? soc->links[at->index].name
                        : at->resource == TRACE_LOCAL ? soc->accelerators[at->index].name
                                                      : soc->channels[at->index].name);
        report_percent(&share, report_share(tracks->facts, at->load->busy_ps));
        report_html_text_at(out, "name", 0, y + 11, name.data, 18);
        report_html_text_at(out, "right", REPORT_PLOT_LEFT - 8, y + 11, share.data, 8);
        text_release(&share);
        text_release(&name);
    }
}
