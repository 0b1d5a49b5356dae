/*
 * Parts of report.html. Each part appends one <section>, or nothing where it has nothing to say.
 * Markup is well-formed XML but for the doctype; names go through report_html_text(); no style
 * attributes (the page's Content-Security-Policy forbids them).
 */
#ifndef SOCWEAVE_REPORTS_REPORT_HTML_H
#define SOCWEAVE_REPORTS_REPORT_HTML_H

#include "reports/report_facts.h"
#include "reports/report_format.h"

/* Geometry of every chart over time: names left, then 1000 units for the makespan. */
#define REPORT_PLOT_LEFT  150
#define REPORT_PLOT_WIDTH 1000
#define REPORT_AXIS       24

/* --- sections, in order of the page ---------------------------------------------------------- */

void report_html_verdict(const struct report_facts *facts, struct text *out);
void report_html_front(const struct report_facts *facts, struct text *out);
void report_html_timeline(const struct report_facts *facts, struct text *out);
void report_html_accelerators(const struct report_facts *facts, struct text *out);
void report_html_disagreement(const struct report_facts *facts, struct text *out);
void report_html_network(const struct report_facts *facts, struct text *out);
void report_html_scratchpads(const struct report_facts *facts, struct text *out);
void report_html_energy(const struct report_facts *facts, struct text *out);
void report_html_networks(const struct report_facts *facts, struct text *out);
void report_html_layers(const struct report_facts *facts, struct text *out);
void report_html_intrinsics(const struct report_facts *facts, struct text *out);
void report_html_convergence(const struct report_facts *facts, struct text *out);
void report_html_provenance(const struct report_facts *facts, struct text *out);

/* --- pieces that several sections use -------------------------------------------------------- */

void report_html_section(struct text *out, const char *id, const char *title);
/* Opens a chart over time: axis, then the part that zooms; `height` without the axis. */
void report_html_chart_begin(const struct report_facts *facts, struct text *out, const char *label,
                             double height);
/* Ends the part that zooms; what follows stands in the chart's own coordinates. */
void report_html_chart_middle(struct text *out);
void report_html_chart_end(struct text *out);
double report_html_x(const struct report_facts *facts, uint64_t at_ps);
/* <text>, escaped, cut with an ellipsis to so many characters. */
void report_html_text_at(struct text *out, const char *css_class, double x, double y,
                         const char *value, size_t characters);

void report_html_cell(struct text *out, const char *value); /* <td>, escaped */
void report_html_number(struct text *out, struct report_scale scale, double value);
void report_html_count(struct text *out, uint64_t value);
void report_html_share(struct text *out, double frac);
/* <td> with a horizontal stack of shares; classes s0, s1 … or e0, e1 … by prefix. */
void report_html_stack(struct text *out, char prefix, const double *fracs, size_t count);
void report_html_layer_name(const struct report_facts *facts, struct text *out, uint32_t layer);

/* The top `count` of `total` items by value, largest first, ties by index; returns how many. */
size_t report_html_top(const uint64_t *values, size_t total, size_t count, uint32_t *top);

/* --- colours of networks: hue by graph, lightness by copy ------------------------------------ */

#define REPORT_COLOURS 50                                   /* classes c0 … c49 */
uint8_t *report_colours_new(const struct problem *problem); /* [network]; free() it */
bool report_colour_is_dark(unsigned colour);
void report_colour_rules(const struct problem *problem, struct text *css);
void report_colour_legend(const struct problem *problem, struct text *out);

/* --- rows over time -------------------------------------------------------------------------- */

/* The row of one accelerator or one link: rectangles, or load per cell where there are too many
 * to tell apart. */
struct report_density;
struct report_density *report_density_new(uint64_t makespan_ps);
void report_density_add(struct report_density *density, unsigned colour, uint64_t start_ps,
                        uint64_t end_ps, double weight);
/* Stacks grow from the bottom: y + height. */
void report_density_draw(const struct report_density *density, struct text *out, double y,
                         double height);
void report_density_free(struct report_density *density);

/* Rows of links, local ports and channels below the accelerators; returns their height. */
struct report_tracks;
struct report_tracks *report_tracks_new(const struct report_facts *facts);
double report_tracks_height(const struct report_tracks *tracks);
void report_tracks_draw(const struct report_tracks *tracks, struct text *out, double y);
void report_tracks_names(const struct report_tracks *tracks, struct text *out, double y);
size_t report_tracks_left_out(const struct report_tracks *tracks);
void report_tracks_free(struct report_tracks *tracks);

#endif
