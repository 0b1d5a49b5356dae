/* Colours of networks, told apart by people with any common colour vision, on light and dark. */
#include <stdlib.h>

#include "core/arena.h"
#include "reports/report_html.h"

#define HUES   10
#define LEVELS 5

/* Blue, orange, green, magenta, sky, vermilion, yellow, violet, brown, teal; after Okabe and Ito,
 * "Color Universal Design", with four hues between. */
static const uint32_t hue_table[HUES] = { 0x2f73c0, 0xe69122, 0x1f9e78, 0xc65b94, 0x62b6e3,
                                          0xcb5a2e, 0xd3bd34, 0x7b63c2, 0x8d6d50, 0x4c8c93 };

/* Percent of black (negative) or white mixed in. */
static const int level_table[LEVELS] = { -32, -16, 0, 24, 46 };

static uint32_t colour_value(unsigned colour)
{
    uint32_t base = hue_table[colour / LEVELS], mixed = 0;
    int level = level_table[colour % LEVELS];
    for (int shift = 16; shift >= 0; shift -= 8) {
        int channel = (int)(base >> shift & 255);
        int goal = level < 0 ? 0 : 255, amount = level < 0 ? -level : level;
        mixed |= (uint32_t)((channel * (100 - amount) + goal * amount + 50) / 100) << shift;
    }
    return mixed;
}

/* Relative luminance of WCAG 2 without its gamma: enough to choose black or white text. */
bool report_colour_is_dark(unsigned colour)
{
    uint32_t value = colour_value(colour);
    return 30 * (value >> 16) + 59 * (value >> 8 & 255) + 11 * (value & 255) < 100 * 138;
}

/* Copies of every graph in the workload; free() it. */
static unsigned *count_copies(const struct problem *problem)
{
    const struct workload *whole = workload_whole(problem->workload);
    unsigned *copies = mem_alloc(whole->graph_count + 1, sizeof *copies);
    for (size_t n = 0; n < problem->network_count; n++)
        copies[whole->networks[n].graph]++;
    return copies;
}

static unsigned colour_of_copy(uint32_t graph, unsigned copy, unsigned copies)
{
    static const uint8_t spread[LEVELS + 1][LEVELS] = { { 0 },          { 2 },
                                                        { 1, 3 },       { 0, 2, 4 },
                                                        { 0, 1, 3, 4 }, { 0, 1, 2, 3, 4 } };
    unsigned row = copies < LEVELS ? copies : LEVELS;
    unsigned level = spread[row][copy % row];
    return graph % HUES * LEVELS + (level + graph / HUES) % LEVELS;
}

uint8_t *report_colours_new(const struct problem *problem)
{
    const struct workload *whole = workload_whole(problem->workload);
    unsigned *copies = count_copies(problem);
    unsigned *seen = mem_alloc(whole->graph_count + 1, sizeof *seen);
    uint8_t *colours = mem_alloc(problem->network_count + 1, sizeof *colours);
    for (size_t n = 0; n < problem->network_count; n++) {
        uint32_t graph = whole->networks[n].graph;
        colours[n] = (uint8_t)colour_of_copy(graph, seen[graph]++, copies[graph]);
    }
    free(seen);
    free(copies);
    return colours;
}

void report_colour_rules(const struct problem *problem, struct text *css)
{
    bool used[REPORT_COLOURS] = { false };
    uint8_t *colours = report_colours_new(problem);
    for (size_t n = 0; n < problem->network_count; n++)
        used[colours[n]] = true;
    free(colours);
    for (unsigned colour = 0; colour < REPORT_COLOURS; colour++)
        if (used[colour])
            text_printf(css, ".c%u{fill:#%06x;stroke:#%06x}\n", colour, colour_value(colour),
                        colour_value(colour));
}

void report_colour_legend(const struct problem *problem, struct text *out)
{
    const struct workload *whole = workload_whole(problem->workload);
    unsigned *copies = count_copies(problem);
    text_add(out, "<ul class=\"legend\">");
    for (uint32_t graph = 0; graph < whole->graph_count; graph++) {
        unsigned shown = copies[graph] < LEVELS ? copies[graph] : LEVELS;
        text_printf(out, "<li><svg class=\"swatch\" width=\"%u\" height=\"12\">", 13 * shown);
        for (unsigned copy = 0; copy < shown; copy++)
            text_printf(out, "<rect class=\"c%u\" x=\"%u\" width=\"12\" height=\"12\" rx=\"2\"/>",
                        colour_of_copy(graph, copy, copies[graph]), 13 * copy);
        text_add(out, "</svg>");
        report_html_text(out, whole->graphs[graph].name);
        if (copies[graph] > 1)
            text_printf(out, " <span class=\"muted\">× %u</span>", copies[graph]);
        text_add(out, "</li>");
    }
    text_add(out, "</ul>\n");
    free(copies);
}
