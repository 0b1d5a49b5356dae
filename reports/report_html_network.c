/* Load of links, local ports and memory channels: a map where places can be laid out, a table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "reports/report_html.h"

#define TABLE_MAX  20
#define PLACES_MAX 64
#define CELL       150.0
#define BOX_WIDTH  104.0
#define BOX_HEIGHT 46.0

/* --- the map --------------------------------------------------------------------------------- */

struct spot {
    double x, y; /* middle of the place's box */
};

struct map {
    const struct report_facts *facts;
    struct spot *spots;
    double width, height, cell;
};

/* A mesh names its places "x,y". */
static bool lay_out_mesh(struct map *map)
{
    const struct soc *soc = map->facts->report->problem->soc;
    unsigned columns = 0, rows = 0;
    for (size_t p = 0; p < soc->place_count; p++) {
        unsigned x, y;
        char end;
        if (sscanf(soc->place_names[p], "%u,%u%c", &x, &y, &end) != 2 || x >= 32 || y >= 32)
            return false;
        map->spots[p] = (struct spot){ x, y };
        columns = x >= columns ? x + 1 : columns;
        rows = y >= rows ? y + 1 : rows;
    }
    map->cell = columns <= 6 ? CELL : 900.0 / columns;
    for (size_t p = 0; p < soc->place_count; p++) {
        map->spots[p].x = (map->spots[p].x + 0.5) * map->cell;
        map->spots[p].y = (map->spots[p].y + 0.5) * map->cell * 0.7;
    }
    map->width = columns * map->cell;
    map->height = rows * map->cell * 0.7;
    return true;
}

/* Rings and explicit links: on a circle. */
static bool lay_out_circle(struct map *map)
{
    const struct soc *soc = map->facts->report->problem->soc;
    for (size_t i = 0; i < soc->link_count; i++)
        if (soc->links[i].from == soc->links[i].to)
            return false; /* a bus, or the ports of a crossbar: nothing lies between two places */
    double radius = fmax(120, (double)soc->place_count * CELL / 6.28);
    for (size_t p = 0; p < soc->place_count; p++) {
        double turn = 6.283185307179586 * (double)p / (double)soc->place_count;
        map->spots[p] = (struct spot){ (radius + BOX_WIDTH / 2) * 1.0 + radius * sin(turn),
                                       radius + BOX_HEIGHT - radius * cos(turn) };
    }
    map->width = 2 * radius + BOX_WIDTH;
    map->height = 2 * radius + 2 * BOX_HEIGHT;
    map->cell = CELL;
    return true;
}

/* Both directions of a pair of places: beside each other, each on the right of its way. */
static void draw_link(const struct map *map, struct text *out, size_t l)
{
    const struct soc_link *link = &map->facts->report->problem->soc->links[l];
    const struct report_load *load = &map->facts->report->links[l];
    double share = report_share(map->facts, load->busy_ps);
    struct spot a = map->spots[link->from], b = map->spots[link->to];
    double length = hypot(b.x - a.x, b.y - a.y);
    if (length == 0)
        return;
    double shift = 7 / length;
    double dx = (a.y - b.y) * shift, dy = (b.x - a.x) * shift;
    text_printf(out, "<path class=\"wire\" stroke-width=\"%.2f\" stroke-opacity=\"%.2f\" d=\"M",
                1.5 + 8 * share, share > 0 ? 0.25 + 0.75 * sqrt(share) : 0.12);
    report_coordinate(out, a.x + dx);
    text_add(out, " ");
    report_coordinate(out, a.y + dy);
    text_add(out, "L");
    report_coordinate(out, b.x + dx);
    text_add(out, " ");
    report_coordinate(out, b.y + dy);
    text_add(out, "\"><title>");
    report_html_text(out, link->name);
    struct text busy = { 0 };
    report_percent(&busy, share);
    text_add(out, "\nbusy ");
    report_html_text(out, busy.data);
    text_add(out, "\n");
    report_quantity(out, REPORT_BYTES, (double)load->bytes);
    text_add(out, " in ");
    report_thousands(out, load->packets);
    text_add(out, " packets\n");
    report_quantity(out, REPORT_TIME, (double)load->waited_ps);
    text_add(out, " waited</title></path>");
    text_release(&busy);
}

static void label_link(const struct map *map, struct text *out, size_t l)
{
    const struct soc_link *link = &map->facts->report->problem->soc->links[l];
    double share = report_share(map->facts, map->facts->report->links[l].busy_ps);
    struct spot a = map->spots[link->from], b = map->spots[link->to];
    double length = hypot(b.x - a.x, b.y - a.y);
    if (share < 0.005 || length == 0 || map->cell < 100)
        return;
    struct text label = { 0 };
    report_percent(&label, share);
    double shift = 18 / length;
    double along = 0.5;
    bool flat = fabs(b.y - a.y) < fabs(b.x - a.x);
    report_html_text_at(out,
                        flat        ? "tick"
                        : a.y < b.y ? "right"
                                    : "name",
                        a.x + (b.x - a.x) * along + (a.y - b.y) * shift * (flat ? 1 : 0.75),
                        a.y + (b.y - a.y) * along + (b.x - a.x) * shift + 3.5, label.data, 8);
    text_release(&label);
}

static void draw_place(const struct map *map, struct text *out, size_t p)
{
    const struct soc *soc = map->facts->report->problem->soc;
    struct spot at = map->spots[p];
    double width = fmin(BOX_WIDTH, map->cell * 0.68), height = fmin(BOX_HEIGHT, map->cell * 0.4);
    text_add(out, "<rect class=\"place\" x=\"");
    report_coordinate(out, at.x - width / 2);
    text_add(out, "\" y=\"");
    report_coordinate(out, at.y - height / 2);
    text_printf(out, "\" width=\"%.2f\" height=\"%.2f\" rx=\"6\"/>", width, height);
    struct text first = { 0 }, second = { 0 };
    size_t lines = 0;
    for (size_t a = 0; a < soc->accelerator_count; a++)
        if (soc->accelerators[a].place == p && lines++ == 0) {
            text_add(&first, soc->accelerators[a].name);
            report_percent(
                &second,
                report_share(map->facts, map->facts->accelerators[a].state_ps[REPORT_COMPUTE]));
            text_add(&second, " computing");
        }
    if (lines > 1) {
        text_release(&second);
        text_printf(&second, "and %zu more", lines - 1);
    }
    for (size_t c = 0; c < soc->channel_count; c++)
        if (!soc->channels[c].unlimited && soc->channels[c].place == p) {
            if (first.bytes > 0)
                text_add(&first, " + ");
            text_add(&first, soc->channels[c].name);
        }
    if (first.bytes == 0)
        text_add(&first, soc->place_names[p]);
    size_t room = (size_t)(width / 6.2);
    report_html_text_at(out, "tick strong", at.x, second.bytes > 0 ? at.y - 2 : at.y + 4,
                        first.data, room);
    if (second.bytes > 0 && map->cell >= 100)
        report_html_text_at(out, "tick muted", at.x, at.y + 13, second.data, room + 2);
    text_release(&second);
    text_release(&first);
}

static void draw_map(const struct report_facts *f, struct text *out)
{
    const struct soc *soc = f->report->problem->soc;
    if (soc->place_count < 2 || soc->place_count > PLACES_MAX || soc->link_count == 0)
        return;
    struct map map = { .facts = f };
    map.spots = mem_alloc(soc->place_count, sizeof *map.spots);
    bool mesh = lay_out_mesh(&map);
    if (mesh || lay_out_circle(&map)) {
        text_printf(out,
                    "<figure class=\"map%s\"><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
                    "aria-label=\"Load of the network's links\">",
                    !mesh && soc->place_count > 6 ? " wide" : "", map.width, map.height);
        for (size_t l = 0; l < soc->link_count; l++)
            draw_link(&map, out, l);
        for (size_t p = 0; p < soc->place_count; p++)
            draw_place(&map, out, p);
        for (size_t l = 0; l < soc->link_count; l++)
            label_link(&map, out, l);
        text_add(out, "</svg><figcaption>The busier a link, the wider and darker; each direction "
                      "keeps to its right.</figcaption></figure>\n");
    }
    free(map.spots);
}

/* --- the table ------------------------------------------------------------------------------- */

struct load_row {
    unsigned resource;
    uint32_t index;
    uint64_t bytes_per_s;
    const struct report_load *load;
};

static size_t collect_rows(const struct report *r, struct load_row *rows)
{
    const struct soc *soc = r->problem->soc;
    size_t count = 0;
    for (uint32_t i = 0; i < soc->link_count; i++)
        rows[count++] = (struct load_row){ TRACE_LINK, i, soc->links[i].bytes_per_s, &r->links[i] };
    for (uint32_t i = 0; r->channels && i < soc->channel_count; i++)
        rows[count++] =
            (struct load_row){ TRACE_CHANNEL, i, soc->channels[i].bytes_per_s, &r->channels[i] };
    for (uint32_t i = 0; r->locals && i < soc->accelerator_count; i++)
        rows[count++] = (struct load_row){ TRACE_LOCAL, i, soc->accelerators[i].local_bytes_per_s,
                                           &r->locals[i] };
    return count;
}

static void write_row(const struct report_facts *f, struct text *out, const struct load_row *row,
                      struct report_scale waited, struct report_scale each)
{
    struct text name = { 0 };
    report_resource_name(f, row->resource, row->index, &name);
    double share = report_share(f, row->load->busy_ps);
    text_add(out, "<tr>");
    report_html_cell(out, name.data);
    text_add(out, "<td class=\"n\">");
    if (row->bytes_per_s > 0)
        report_quantity(out, REPORT_RATE, (double)row->bytes_per_s);
    else
        text_add(out, "unlimited");
    text_add(out, "</td>");
    report_html_stack(out, 'u', &share, 1);
    report_html_share(out, share);
    text_add(out, "<td class=\"n\">");
    report_quantity(out, REPORT_BYTES, (double)row->load->bytes);
    text_add(out, "</td>");
    report_html_count(out, row->load->packets);
    report_html_number(out, waited, (double)row->load->waited_ps);
    report_html_number(
        out, each, row->load->packets ? (double)(row->load->waited_ps / row->load->packets) : 0);
    text_add(out, "</tr>\n");
    text_release(&name);
}

static void table_head(struct text *out, struct report_scale waited, struct report_scale each)
{
    text_printf(out,
                "<div class=\"scroll\"><table><thead><tr><th>Resource</th><th class=\"n\">Rate</th>"
                "<th>Busy</th><th class=\"n\"></th><th class=\"n\">Carried</th>"
                "<th class=\"n\">Packets</th><th class=\"n\">Waited, %s</th>"
                "<th class=\"n\">Each, %s</th></tr></thead><tbody>\n",
                waited.unit, each.unit);
}

static void write_table(const struct report_facts *f, struct text *out)
{
    const struct report *r = f->report;
    const struct soc *soc = r->problem->soc;
    size_t most = soc->link_count + soc->channel_count + soc->accelerator_count;
    struct load_row *rows = mem_alloc(most + 1, sizeof *rows);
    uint64_t *busy_ps = mem_alloc(most + 1, sizeof *busy_ps);
    size_t count = collect_rows(r, rows);
    double most_waited = 0, most_each = 0;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        busy_ps[i] = rows[i].load->busy_ps;
        used += rows[i].load->packets > 0;
        double waited_ps = (double)rows[i].load->waited_ps;
        most_waited = fmax(most_waited, waited_ps);
        if (rows[i].load->packets > 0)
            most_each = fmax(most_each, waited_ps / (double)rows[i].load->packets);
    }
    uint32_t top[TABLE_MAX];
    size_t shown = report_html_top(busy_ps, count, TABLE_MAX, top);
    struct report_scale waited = report_scale_for(REPORT_TIME, most_waited);
    struct report_scale each = report_scale_for(REPORT_TIME, most_each);
    table_head(out, waited, each);
    for (size_t i = 0; i < shown; i++)
        if (rows[top[i]].load->packets > 0)
            write_row(f, out, &rows[top[i]], waited, each);
    text_add(out, "</tbody></table></div>\n");
    text_printf(out,
                "<p class=\"caption\"><b>Busy</b> is the share of the makespan in which the "
                "resource serves a packet; <b>waited</b> is the time packets stood in its queue, "
                "all of them added; <b>each</b> is that per packet. %zu of %zu resources carried "
                "anything%s.</p>\n",
                used, count, used > TABLE_MAX ? "; the busiest are shown" : "");
    free(busy_ps);
    free(rows);
}

void report_html_network(const struct report_facts *facts, struct text *out)
{
    if (!facts->report->links)
        return;
    report_html_section(out, "network", "Load of links and memory");
    text_add(out, "<div class=\"beside\"><div>\n");
    write_table(facts, out);
    text_add(out, "</div>\n");
    draw_map(facts, out);
    text_add(out, "</div>\n");
    text_add(out, "</section>\n");
}
