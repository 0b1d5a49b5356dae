/* Sections of compare.html; each appends one <section>, or nothing where it has nothing to say. */
#ifndef SOCWEAVE_REPORTS_COMPARE_HTML_H
#define SOCWEAVE_REPORTS_COMPARE_HTML_H

#include "reports/compare.h"
#include "reports/report_format.h"

void report_compare_html_verdict(const struct report_compare_facts *facts, struct text *out);
void report_compare_html_means(const struct report_compare_facts *facts, struct text *out);
void report_compare_html_pairs(const struct report_compare_facts *facts, struct text *out);
void report_compare_html_bounds(const struct report_compare_facts *facts, struct text *out);
void report_compare_html_cases(const struct report_compare_facts *facts, struct text *out);
void report_compare_html_table(const struct report_compare_facts *facts, struct text *out);
void report_compare_html_provenance(const struct report_compare_facts *facts, struct text *out);

/* The unit of the values that are compared. */
enum report_dimension report_compare_dimension(const struct report_compare *compare);

#endif
