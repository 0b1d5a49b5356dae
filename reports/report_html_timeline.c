/* The Gantt chart: a row per accelerator, its height the PEs; rows of links and memory below. */
#include <math.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/num.h"
#include "reports/report_floor.h"
#include "reports/report_html.h"

#define ROWS_MAX         64
#define EXACT_MAX        5000 /* layers drawn one by one, over all accelerators */
#define LABELS_MAX       400
#define DEADLINES_MAX    300
#define LAYER_HEIGHT_MIN 2.0 /* so that a narrow share is seen */
#define GROUP_WIDTH_MIN  1.5
#define GROUP_HEIGHT_MIN 6.0
#define STATE_HEIGHT     5.0
#define CHAIN_HEIGHT     2.5
#define ROW_GAP          12.0
#define TRACKS_HEADING   26.0

struct timeline {
    const struct report_facts *facts;
    struct text *out;
    struct text labels; /* texts on bars: in the chart's own coordinates, drawn last */
    size_t label_count;
    uint8_t *colours;
    bool *on_chain;                   /* [layer] */
    double *layer_top, *layer_bottom; /* [layer]: where it was drawn */
    uint32_t *rows;                   /* accelerators shown */
    size_t row_count;
    double row_height;
    size_t exact_max; /* layers of one accelerator that are drawn one by one */
    bool any_density, any_stall;
    size_t segment; /* next segment of facts to be looked at */
};

/* --- one accelerator ------------------------------------------------------------------------- */

static void write_span(struct text *out, uint64_t from_ps, uint64_t to_ps)
{
    struct report_scale scale = report_scale_for(REPORT_TIME, (double)to_ps);
    report_scaled(out, scale, (double)from_ps);
    text_add(out, " to ");
    report_scaled(out, scale, (double)to_ps);
    text_printf(out, " %s (", scale.unit);
    report_quantity(out, REPORT_TIME, (double)(to_ps - from_ps));
    text_add(out, ")");
}

static void write_wait(struct text *out, uint64_t wait_ps, const char *what)
{
    if (wait_ps == 0)
        return;
    text_add(out, "\n");
    report_quantity(out, REPORT_TIME, (double)wait_ps);
    text_printf(out, " %s", what);
}

/* The tooltip; its first line is the label of the bar. */
static void write_title(const struct timeline *t, uint32_t l)
{
    const struct report_facts *f = t->facts;
    const struct report_layer *at = &f->layers[l];
    const struct dnn_layer *layer = workload_layer(f->report->problem->workload, l);
    text_add(t->out, "<title>");
    report_html_text(t->out, layer->name);
    text_add(t->out, "\n");
    report_html_text(t->out, f->report->problem->workload->networks[at->network].name);
    text_printf(t->out, ", %s, ", layer->op ? layer->op->name : "expression");
    report_thousands(t->out, at->option->pes);
    text_printf(t->out, " PEs, group %u\n", f->report->mapping->placements[at->position].group);
    write_span(t->out, at->start_ps, at->end_ps);
    write_wait(t->out, at->transfer_ps, "on the way");
    write_wait(t->out, at->contention_ps, "in queues");
    write_wait(t->out, at->accelerator_ps, "for the accelerator");
    write_wait(t->out, at->end_ps - at->start_ps - at->compute_ps, "stalled inside");
    if (t->on_chain[l])
        text_add(t->out, "\non the last chain");
    text_add(t->out, "</title>");
}

static void write_rect(struct text *out, double x, double y, double width, double height)
{
    text_add(out, " x=\"");
    report_coordinate(out, x);
    text_add(out, "\" y=\"");
    report_coordinate(out, y);
    text_add(out, "\" width=\"");
    report_coordinate(out, width);
    text_add(out, "\" height=\"");
    report_coordinate(out, height);
    text_add(out, "\"");
}

#define CHARACTER_WIDTH 5.7 /* of the labels' font, on average */

static void write_label(struct timeline *t, uint32_t l, double x, double y, double width,
                        double height)
{
    size_t room = width > 8 ? (size_t)((width - 6) / CHARACTER_WIDTH) : 0;
    if (room < 4 || height < 11 || t->label_count >= LABELS_MAX)
        return;
    bool dark = report_colour_is_dark(t->colours[t->facts->layers[l].network]);
    report_html_text_at(&t->labels, dark ? "on-dark" : "on-light", REPORT_PLOT_LEFT + x + 3,
                        REPORT_AXIS + y + height / 2 + 3.5,
                        workload_layer(t->facts->report->problem->workload, l)->name, room);
    t->label_count++;
}

/* The part of a bar that is not hatched. */
static double plain_width(const struct timeline *t, const struct report_layer *at, double width)
{
    if (t->facts->report->granularity == GRANULARITY_TILE)
        return width;
    return report_html_x(t->facts, at->compute_ps);
}

static void draw_layer(struct timeline *t, uint32_t l, const struct report_piece *pieces,
                       size_t count, uint64_t pes, double y)
{
    const struct report_layer *at = &t->facts->layers[l];
    double x = report_html_x(t->facts, at->start_ps);
    double width = fmax(report_html_x(t->facts, at->end_ps) - x, 0.05);
    for (size_t i = 0; i < count; i++) {
        double height = t->row_height * (double)(pieces[i].to - pieces[i].from) / (double)pes;
        double top = y + t->row_height * (1 - (double)pieces[i].to / (double)pes);
        if (height < LAYER_HEIGHT_MIN) {
            top = fmax(y, top + height - LAYER_HEIGHT_MIN);
            height = LAYER_HEIGHT_MIN;
        }
        t->layer_top[l] = fmin(t->layer_top[l], top);
        t->layer_bottom[l] = fmax(t->layer_bottom[l], top + height);
        text_printf(t->out, "<rect class=\"c%u%s\"", t->colours[at->network],
                    width > 2.5 ? " w" : "");
        write_rect(t->out, x, top, width, height);
        text_add(t->out, ">");
        write_title(t, l);
        text_add(t->out, "</rect>");
        if (i == 0)
            write_label(t, l, x, top, plain_width(t, at, width), height);
    }
}

static void draw_layers(struct timeline *t, const struct report_accelerator *acc, uint64_t pes,
                        double y)
{
    struct report_floor *floor = mem_alloc(1, sizeof *floor);
    struct report_piece *pieces = mem_alloc(REPORT_PIECES_MAX, sizeof *pieces);
    floor->pes = pes;
    for (size_t i = 0; i < acc->layer_count; i++) {
        const struct report_layer *layer = &t->facts->layers[acc->layers[i]];
        report_floor_leave(floor, layer->start_ps);
        size_t count = report_floor_enter(floor, layer->option->pes, layer->end_ps, pieces);
        draw_layer(t, acc->layers[i], pieces, count, pes, y);
    }
    free(pieces);
    free(floor);
}

static void draw_layer_density(struct timeline *t, const struct report_accelerator *acc,
                               uint64_t pes, double y)
{
    struct report_density *density = report_density_new(t->facts->makespan_ps);
    for (size_t i = 0; i < acc->layer_count; i++) {
        const struct report_layer *layer = &t->facts->layers[acc->layers[i]];
        report_density_add(density, t->colours[layer->network], layer->start_ps, layer->end_ps,
                           (double)layer->option->pes / (double)pes);
    }
    report_density_draw(density, t->out, y, t->row_height);
    report_density_free(density);
    t->any_density = true;
}

/* Hatches the part of a layer in which it has computed and waits for memory. In tiles that part is
 * scattered: there the strip below says it. */
static void draw_stalls(struct timeline *t, const struct report_accelerator *acc)
{
    if (t->facts->report->granularity == GRANULARITY_TILE)
        return;
    for (size_t i = 0; i < acc->layer_count; i++) {
        uint32_t l = acc->layers[i];
        const struct report_layer *layer = &t->facts->layers[l];
        double x = report_html_x(t->facts, layer->start_ps + layer->compute_ps);
        double width = report_html_x(t->facts, layer->end_ps) - x;
        if (width < 0.3 || t->layer_bottom[l] <= t->layer_top[l])
            continue;
        text_add(t->out, "<rect class=\"stall\" fill=\"url(#hatch)\"");
        write_rect(t->out, x, t->layer_top[l], width, t->layer_bottom[l] - t->layer_top[l]);
        text_add(t->out, "/>");
        t->any_stall = true;
    }
}

/* A frame around the layers of a group that share the accelerator. */
static void draw_group(struct timeline *t, size_t begin, size_t end)
{
    const struct placement *members = t->facts->report->mapping->placements;
    double top = HUGE_VAL, bottom = 0;
    for (size_t i = begin; i < end; i++) {
        top = fmin(top, t->layer_top[members[i].layer]);
        bottom = fmax(bottom, t->layer_bottom[members[i].layer]);
    }
    double x = report_html_x(t->facts, t->facts->group_start_ps[members[begin].group]);
    double width = report_html_x(t->facts, t->facts->group_end_ps[members[begin].group]) - x;
    if (width < GROUP_WIDTH_MIN || bottom - top < GROUP_HEIGHT_MIN)
        return;
    text_add(t->out, "<rect class=\"group\"");
    write_rect(t->out, x, top, width, bottom - top);
    text_add(t->out, "/>");
}

static void draw_groups(struct timeline *t, uint32_t accelerator)
{
    const struct mapping *mapping = t->facts->report->mapping;
    for (size_t begin = 0, end; begin < mapping->placement_count; begin = end) {
        const struct placement *first = &mapping->placements[begin];
        for (end = begin + 1; end < mapping->placement_count; end++)
            if (mapping->placements[end].group != first->group)
                break;
        if (first->accelerator == accelerator && end - begin > 1)
            draw_group(t, begin, end);
    }
}

static void stroke_add(struct text *path, double x, double y, double width)
{
    text_add(path, "M");
    report_coordinate(path, x);
    text_add(path, " ");
    report_coordinate(path, y);
    text_add(path, "h");
    report_coordinate(path, width);
}

/* Two thin strips: what the accelerator does, and its part of the chain that ends last. */
static void draw_states(struct timeline *t, uint32_t accelerator, double y)
{
    const struct report_facts *f = t->facts;
    struct text paths[REPORT_STATE_COUNT] = { { 0 } };
    double drawn_to[REPORT_STATE_COUNT] = { 0 };
    while (t->segment < f->segment_count && f->segments[t->segment].accelerator < accelerator)
        t->segment++;
    for (size_t i = t->segment; i < f->segment_count && f->segments[i].accelerator == accelerator;
         i++) {
        const struct report_segment *at = &f->segments[i];
        double x = report_html_x(f, at->start_ps), end = report_html_x(f, at->end_ps);
        if (end - drawn_to[at->state] < 0.1)
            continue; /* would change less than a tenth of a pixel */
        x = fmin(x, end - 0.1);
        stroke_add(&paths[at->state], x, y + STATE_HEIGHT / 2, end - x);
        drawn_to[at->state] = end;
    }
    for (size_t state = 0; state < REPORT_STATE_COUNT; state++) {
        if (paths[state].bytes > 0 && state != REPORT_IDLE)
            text_printf(t->out, "<path class=\"s%zu state\" d=\"%s\"/>", state, paths[state].data);
        text_release(&paths[state]);
    }
}

static void draw_chain(struct timeline *t, uint32_t accelerator, double y)
{
    const struct report_chain *chain = &t->facts->chain;
    struct text path = { 0 };
    for (size_t i = chain->layer_count; i-- > 0;) {
        const struct report_layer *layer = &t->facts->layers[chain->layers[i]];
        if (layer->accelerator != accelerator)
            continue;
        double x = report_html_x(t->facts, layer->start_ps);
        double width = report_html_x(t->facts, layer->end_ps) - x;
        stroke_add(&path, x, y + CHAIN_HEIGHT / 2, fmax(width, 0.1));
    }
    if (path.bytes > 0)
        text_printf(t->out, "<path class=\"chain\" d=\"%s\"/>", path.data);
    text_release(&path);
}

static double row_step(const struct timeline *t)
{
    return t->row_height + STATE_HEIGHT + CHAIN_HEIGHT + 2 + ROW_GAP;
}

static void draw_accelerator(struct timeline *t, uint32_t a, double y)
{
    const struct report_accelerator *acc = &t->facts->accelerators[a];
    uint64_t pes = soc_pes(&t->facts->report->problem->soc->accelerators[a]);
    text_printf(t->out, "<rect class=\"lane\" y=\"%g\" width=\"%d\" height=\"%g\"/>", y,
                REPORT_PLOT_WIDTH, t->row_height);
    if (acc->layer_count <= t->exact_max) {
        draw_layers(t, acc, pes, y);
        draw_stalls(t, acc);
        draw_groups(t, a);
    } else {
        draw_layer_density(t, acc, pes, y);
    }
    draw_states(t, a, y + t->row_height + 1);
    draw_chain(t, a, y + t->row_height + STATE_HEIGHT + 2);
    text_add(t->out, "\n");
}

/* A line down to `bottom` at every deadline within the run, with the network and what it has left.
 * True if there is one. */
static bool draw_deadlines(struct timeline *t, double bottom)
{
    const struct report_facts *f = t->facts;
    const struct workload *workload = f->report->problem->workload;
    size_t drawn = 0;
    for (size_t n = 0; n < workload->network_count && workload->has_deadlines; n++) {
        const struct workload_network *network = &workload->networks[n];
        if (network->deadline_ps > f->makespan_ps || drawn == DEADLINES_MAX)
            continue;
        drawn++;
        text_printf(t->out, "<path class=\"due%s\" d=\"M", f->networks[n].is_late ? " late" : "");
        report_coordinate(t->out, report_html_x(f, network->deadline_ps));
        text_printf(t->out, " 0V%g\"><title>Deadline of ", bottom);
        report_html_text(t->out, network->name);
        text_add(t->out, "\nat ");
        report_quantity(t->out, REPORT_TIME, (double)network->deadline_ps);
        text_add(t->out, f->networks[n].is_late ? ", missed by " : ", with a slack of ");
        report_quantity(t->out, REPORT_TIME, (double)f->networks[n].slack_ps);
        text_add(t->out, "</title></path>");
    }
    return drawn > 0;
}

static void draw_accelerator_name(struct timeline *t, uint32_t a, double y)
{
    const struct soc_accelerator *acc = &t->facts->report->problem->soc->accelerators[a];
    struct text share = { 0 };
    report_percent(&share,
                   report_share(t->facts, t->facts->accelerators[a].state_ps[REPORT_COMPUTE]));
    report_html_text_at(t->out, "name strong", 0, y + 11, acc->name, 18);
    report_html_text_at(t->out, "right", REPORT_PLOT_LEFT - 8, y + 11, share.data, 8);
    text_release(&share);
    if (t->row_height < 32)
        return;
    struct text what = { 0 };
    report_thousands(&what, soc_pes(acc));
    text_add(&what, " PEs");
    report_html_text_at(t->out, "name muted", 0, y + 25, what.data, 22);
    report_html_text_at(t->out, "name muted", 0, y + 38, acc->dataflow->name, 22);
    text_release(&what);
}

/* --- the whole ------------------------------------------------------------------------------- */

/* The busiest accelerators, in the order of the SoC. */
static void choose_rows(struct timeline *t)
{
    size_t count = t->facts->report->problem->accelerator_count;
    uint64_t *busy_ps = mem_alloc(count + 1, sizeof *busy_ps);
    bool *shown = mem_alloc(count + 1, sizeof *shown);
    uint32_t *top = mem_alloc(count + 1, sizeof *top);
    for (size_t a = 0; a < count; a++)
        busy_ps[a] = t->facts->accelerators[a].state_ps[REPORT_COMPUTE];
    size_t found = report_html_top(busy_ps, count, ROWS_MAX, top);
    for (size_t i = 0; i < found; i++)
        shown[top[i]] = true;
    t->rows = mem_alloc(count + 1, sizeof *t->rows);
    for (uint32_t a = 0; a < count; a++)
        if (shown[a])
            t->rows[t->row_count++] = a;
    t->row_height = found <= 4 ? 64 : found <= 8 ? 48 : found <= 16 ? 32 : 16;
    free(top);
    free(shown);
    free(busy_ps);
}

static void timeline_init(struct timeline *t, const struct report_facts *facts, struct text *out)
{
    size_t layer_count = facts->report->problem->layer_count;
    *t = (struct timeline){ .facts = facts, .out = out };
    t->colours = report_colours_new(facts->report->problem);
    t->on_chain = mem_alloc(layer_count + 1, sizeof *t->on_chain);
    t->layer_top = mem_alloc(layer_count + 1, sizeof *t->layer_top);
    t->layer_bottom = mem_alloc(layer_count + 1, sizeof *t->layer_bottom);
    for (size_t i = 0; i < layer_count; i++)
        t->layer_top[i] = HUGE_VAL;
    for (size_t i = 0; i < facts->chain.layer_count; i++)
        t->on_chain[facts->chain.layers[i]] = true;
    choose_rows(t);
    t->exact_max = layer_count <= EXACT_MAX ? SIZE_MAX : EXACT_MAX / t->row_count;
}

static void timeline_release(struct timeline *t)
{
    text_release(&t->labels);
    free(t->rows);
    free(t->layer_bottom);
    free(t->layer_top);
    free(t->on_chain);
    free(t->colours);
}

static void write_caption(const struct timeline *t, size_t tracks_left_out)
{
    struct text *out = t->out;
    text_printf(
        out,
        "<p class=\"caption\">%s run. Each row is an accelerator, its height all of its PEs: "
        "a layer is as long as its time and as high as its share of the PEs, coloured by "
        "network; frames are groups that share the array in space. The percentage is the "
        "time with at least one layer at work. The thin strip below says what the "
        "accelerator does; the red line marks the chain of events that ends last.",
        t->facts->report->simulated ? "The simulated" : "The analytic");
    if (t->facts->report->problem->network_count >
        workload_whole(t->facts->report->problem->workload)->graph_count)
        text_add(out, " Copies of a network differ in shade, the sixth like the first.");
    if (t->any_density)
        text_add(out, " Rows with too many layers to tell apart show the load per instant.");
    if (t->any_stall)
        text_add(out, " Hatched: the layer has computed and waits for memory.");
    size_t more = t->facts->report->problem->accelerator_count - t->row_count;
    if (more > 0)
        text_printf(out, " Left out: accelerators that compute less (%zu).", more);
    if (tracks_left_out > 0)
        text_printf(out, " Left out: links and ports that carry less (%zu).", tracks_left_out);
    text_add(out, "</p>\n");
}

static void write_state_legend(const struct report_facts *f, struct text *out)
{
    static const char *const texts[] = { "computes", "waits for memory",
                                         "waits for data on its way",
                                         "waits for a layer elsewhere" };
    text_add(out, "<ul class=\"legend\">");
    for (size_t state = 0; state < REPORT_IDLE; state++) {
        uint64_t sum_ps = 0;
        for (size_t a = 0; a < f->report->problem->accelerator_count; a++)
            sum_ps |= f->accelerators[a].state_ps[state];
        if (sum_ps > 0)
            text_printf(out,
                        "<li><svg class=\"swatch\" width=\"18\" height=\"12\"><rect class=\"s%zu\" "
                        "y=\"3\" width=\"18\" height=\"6\"/></svg>%s</li>",
                        state, texts[state]);
    }
    text_add(out, "<li><svg class=\"swatch\" width=\"18\" height=\"12\"><path class=\"chain\" "
                  "d=\"M0 6h18\"/></svg>the chain that ends last</li></ul>\n");
}

void report_html_timeline(const struct report_facts *facts, struct text *out)
{
    struct timeline t;
    timeline_init(&t, facts, out);
    struct report_tracks *tracks = report_tracks_new(facts);
    double tracks_height = report_tracks_height(tracks);
    double tracks_y = row_step(&t) * (double)t.row_count + (tracks_height > 0 ? TRACKS_HEADING : 0);

    report_html_section(out, "timeline", "Timeline");
    report_colour_legend(facts->report->problem, out);
    report_html_chart_begin(facts, out, "Timeline of accelerators, links and memory",
                            tracks_y + tracks_height);
    text_add(out, "<defs><pattern id=\"hatch\" width=\"5\" height=\"5\" "
                  "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect "
                  "class=\"hatch\" width=\"2\" height=\"5\"/></pattern></defs>\n");
    for (size_t row = 0; row < t.row_count; row++)
        draw_accelerator(&t, t.rows[row], row_step(&t) * (double)row);
    bool any_due = draw_deadlines(&t, row_step(&t) * (double)t.row_count - ROW_GAP / 2);
    report_tracks_draw(tracks, out, tracks_y);
    report_html_chart_middle(out);
    for (size_t row = 0; row < t.row_count; row++)
        draw_accelerator_name(&t, t.rows[row], REPORT_AXIS + row_step(&t) * (double)row);
    if (tracks_height > 0)
        report_html_text_at(out, "name muted", 0, REPORT_AXIS + tracks_y - 8, "Links and memory",
                            30);
    report_tracks_names(tracks, out, REPORT_AXIS + tracks_y);
    text_add(out, "<g class=\"labels\">");
    text_add(out, t.labels.data ? t.labels.data : "");
    text_add(out, "</g>");
    report_html_chart_end(out);
    write_state_legend(facts, out);
    if (any_due)
        text_add(out, "<ul class=\"legend\"><li><svg class=\"swatch\" width=\"18\" "
                      "height=\"12\"><path class=\"due\" d=\"M9 0v12\"/></svg>a deadline"
                      "</li><li><svg class=\"swatch\" width=\"18\" height=\"12\"><path "
                      "class=\"due late\" d=\"M9 0v12\"/></svg>a deadline that is missed</li>"
                      "</ul>\n");
    write_caption(&t, report_tracks_left_out(tracks));
    text_add(out, "</section>\n");
    report_tracks_free(tracks);
    timeline_release(&t);
}
