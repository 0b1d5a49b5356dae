#include "reports/report_format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"

#define UNITS_MAX 7

static const struct {
    double first; /* divisor of the first unit; each further one is 1000 times it */
    const char *units[UNITS_MAX];
} dimension_table[REPORT_DIMENSION_COUNT] = {
    [REPORT_TIME] = { 1, { "ps", "ns", "µs", "ms", "s", "ks" } },
    [REPORT_ENERGY] = { 1, { "pJ", "nJ", "µJ", "mJ", "J", "kJ" } },
    [REPORT_EDP] = { 1e9, { "nJ·µs", "µJ·µs", "µJ·ms", "mJ·ms", "mJ·s", "J·s", "kJ·s" } },
    [REPORT_BYTES] = { 1, { "B", "kB", "MB", "GB", "TB", "PB" } },
    [REPORT_RATE] = { 1, { "B/s", "kB/s", "MB/s", "GB/s", "TB/s" } },
    [REPORT_MACS] = { 1, { "MAC", "kMAC", "MMAC", "GMAC", "TMAC", "PMAC" } },
    [REPORT_COUNT] = { 1, { "" } },
};

struct report_scale report_scale_for(enum report_dimension dimension, double max)
{
    double divisor = dimension_table[dimension].first;
    const char *const *units = dimension_table[dimension].units;
    size_t unit = 0;
    while (unit + 1 < UNITS_MAX && units[unit + 1] && fabs(max) / divisor >= 999.5) {
        divisor *= 1000;
        unit++;
    }
    double shown = fabs(max) / divisor;
    bool whole = unit == 0 && (dimension == REPORT_BYTES || dimension == REPORT_COUNT ||
                               dimension == REPORT_MACS);
    int decimals = whole ? 0 : shown >= 99.995 ? 1 : shown >= 9.9995 ? 2 : 3;
    return (struct report_scale){ divisor, units[unit], decimals };
}

void report_scaled(struct text *out, struct report_scale scale, double value)
{
    text_printf(out, "%.*f", scale.decimals, value / scale.divisor);
}

void report_quantity(struct text *out, enum report_dimension dimension, double value)
{
    struct report_scale scale = report_scale_for(dimension, value);
    if (value == 0)
        scale.decimals = 0;
    report_scaled(out, scale, value);
    if (*scale.unit)
        text_printf(out, " %s", scale.unit);
}

void report_measured(struct text *out, const struct report_measure *o, double value)
{
    if (o->dimension != REPORT_COUNT) {
        report_quantity(out, o->dimension, value);
        return;
    }
    text_printf(out, "%.4g%s%s", value, *o->unit ? " " : "", o->unit);
}

void report_percent(struct text *out, double frac)
{
    double percent = 100 * frac;
    if (percent > 0 && percent < 0.1)
        text_add(out, "<0.1%");
    else
        text_printf(out, "%.*f%%", fabs(percent) >= 9.95 || percent == 0 ? 0 : 1, percent);
}

void report_thousands(struct text *out, uint64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text_add(out, ",");
        text_add_bytes(out, &digits[i], 1);
    }
}

void report_coordinate(struct text *out, double value)
{
    long long hundredths = llround(value * 100);
    if (hundredths < 0) {
        text_add(out, "-");
        hundredths = -hundredths;
    }
    text_printf(out, "%lld", hundredths / 100);
    int rest = (int)(hundredths % 100);
    if (rest == 0)
        return;
    if (rest % 10 == 0)
        text_printf(out, ".%d", rest / 10);
    else
        text_printf(out, ".%02d", rest);
}

/* Bytes of the well-formed UTF-8 character at `at` (RFC 3629), or 0. */
static size_t utf8_length(const unsigned char *at)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {
        { 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (at[0] < forms[i].first_low || at[0] > forms[i].first_high)
            continue;
        if (forms[i].length > 1 && (at[1] < forms[i].second_low || at[1] > forms[i].second_high))
            return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if (at[k] < 0x80 || at[k] > 0xbf)
                return 0;
        return forms[i].length;
    }
    return 0;
}

/* C0 and C1 control characters, DEL, and the two that HTML and XML forbid (U+FFFE, U+FFFF). */
static bool is_control(const unsigned char *at, size_t length)
{
    if (length == 1)
        return at[0] < 0x20 || at[0] == 0x7f;
    if (length == 2)
        return at[0] == 0xc2 && at[1] < 0xa0;
    return length == 3 && at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe;
}

void report_html_text(struct text *out, const char *value)
{
    const unsigned char *at = (const unsigned char *)value;
    while (*at) {
        size_t length = utf8_length(at);
        if (length == 0 || is_control(at, length))
            text_add(out, "\xef\xbf\xbd");
        else if (*at == '&')
            text_add(out, "&amp;");
        else if (*at == '<')
            text_add(out, "&lt;");
        else if (*at == '>')
            text_add(out, "&gt;");
        else if (*at == '"')
            text_add(out, "&quot;");
        else if (*at == '\'')
            text_add(out, "&#39;");
        else
            text_add_bytes(out, (const char *)at, length);
        at += length ? length : 1;
    }
}

void report_csv_name(struct text *out, const char *value)
{
    bool risky = *value && strchr("=+-@\t\r", *value);
    bool quote = strpbrk(value, ",\"\r\n") != NULL || *value == ' ';
    if (quote)
        text_add(out, "\"");
    if (risky)
        text_add(out, "'");
    for (; *value; value++) {
        if (*value == '"')
            text_add(out, "\"");
        text_add_bytes(out, value, 1);
    }
    if (quote)
        text_add(out, "\"");
}

void report_plain_text(struct text *out, const char *value)
{
    const unsigned char *at = (const unsigned char *)value;
    while (*at) {
        size_t length = utf8_length(at);
        if (length > 0 && !is_control(at, length)) {
            text_add_bytes(out, (const char *)at, length);
            at += length;
            continue;
        }
        for (size_t end = length ? length : 1; end > 0; end--)
            text_printf(out, "\\x%02x", *at++);
    }
}

static unsigned hex_value(char digit)
{
    return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'a') + 10;
}

void report_csp_hash(struct text *out, const char *content, size_t bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[65];
    file_sha256(content, bytes, hex);
    unsigned char hash[33] = { 0 }; /* 32 bytes and one of padding: 11 groups of three */
    for (size_t i = 0; i < 32; i++)
        hash[i] = (unsigned char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    text_add(out, "sha256-");
    for (size_t i = 0; i < 33; i += 3) {
        unsigned group = (unsigned)hash[i] << 16 | (unsigned)hash[i + 1] << 8 | hash[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            if (i < 30 || shift > 0)
                text_add_bytes(out, &alphabet[group >> shift & 63], 1);
    }
    text_add(out, "=");
}
