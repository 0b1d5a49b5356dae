/*
 * Numbers and names as people read them: units chosen by size, names made safe for where they go.
 * Deterministic; '.' is the decimal point in any locale that cli leaves at "C".
 */
#ifndef SOCWEAVE_REPORTS_REPORT_FORMAT_H
#define SOCWEAVE_REPORTS_REPORT_FORMAT_H

#include "core/text.h"

enum report_dimension {
    REPORT_TIME,   /* ps */
    REPORT_ENERGY, /* pJ */
    REPORT_EDP,    /* pJ·ps */
    REPORT_BYTES,
    REPORT_RATE,  /* bytes per second */
    REPORT_MACS,  /* MACs */
    REPORT_COUNT, /* no unit */
    REPORT_DIMENSION_COUNT
};

/* What is measured: "latency", REPORT_TIME. */
struct report_measure {
    const char *name;
    enum report_dimension dimension;
    const char *unit; /* of a REPORT_COUNT, "mm²"; "" for none */
};

/* One unit for a whole column or axis, chosen so that `max` has one to three digits before the
 * point. */
struct report_scale {
    double divisor;
    const char *unit; /* "ms"; "" for counts */
    int decimals;
};
struct report_scale report_scale_for(enum report_dimension dimension, double max);
void report_scaled(struct text *out, struct report_scale scale, double value); /* no unit */

/* "12.35 ms", with a unit of its own and four digits. */
void report_quantity(struct text *out, enum report_dimension dimension, double value);
/* The same for any measure: "12.35 ms", "31.4 mm²". */
void report_measured(struct text *out, const struct report_measure *measure, double value);
/* "41%", "0.6%", "<0.1%". */
void report_percent(struct text *out, double frac);
/* "1,234,567" */
void report_thousands(struct text *out, uint64_t value);
/* A coordinate: at most two decimals, no trailing zeros. */
void report_coordinate(struct text *out, double value);

/* Text and attribute values of HTML and SVG. Control characters and broken UTF-8 become U+FFFD. */
void report_html_text(struct text *out, const char *value);
/* RFC 4180: quoted if need be. A leading = + - @ of a name gets a ' before it, so that no
 * spreadsheet runs it. */
void report_csv_name(struct text *out, const char *value);
/* For a terminal: control characters as \xNN. */
void report_plain_text(struct text *out, const char *value);
/* "sha256-…" of a style or script, as Content-Security-Policy wants it. */
void report_csp_hash(struct text *out, const char *content, size_t bytes);

#endif
