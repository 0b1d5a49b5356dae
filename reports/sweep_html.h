/* Parts of sweep.html: each appends one <section>, or nothing where it has nothing to say. */
#ifndef SOCWEAVE_REPORTS_SWEEP_HTML_H
#define SOCWEAVE_REPORTS_SWEEP_HTML_H

#include "reports/sweep_facts.h"

void report_sweep_html_front(const struct report_sweep_facts *facts, struct text *out);
void report_sweep_html_parallel(const struct report_sweep_facts *facts, struct text *out);
void report_sweep_html_progress(const struct report_sweep_facts *facts, struct text *out);

/* The row is drawn: on the front, or the last of its point and no more than `limit` others. */
bool report_sweep_is_drawn(const struct report_sweep_facts *facts, size_t row, size_t limit);
/* "#12, rung 1; latency 3 ms; …" as <title> */
void report_sweep_title(const struct report_sweep_facts *facts, const struct report_sweep_row *row,
                        struct text *out);

#endif
