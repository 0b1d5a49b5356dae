/* report.html: well-formed, safe with hostile names, self-contained, small. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "reports/report_format.h"
#include "tests/test.h"
#include "tests/unit/report_case.h"

/* --- a small checker: tags balance, attributes are quoted and unique in shape ------------------
 */

struct checker {
    const char *at;
    char open[64][16];
    size_t depth, elements;
};

static void fail_at(const struct checker *c, const char *what)
{
    test_fail(__FILE__, __LINE__, "%s at: %.60s", what, c->at);
}

static size_t name_length(const char *at)
{
    return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
}

/* ` name="value"` …; values hold no < and no bare &. */
static void skip_attributes(struct checker *c)
{
    while (*c->at == ' ') {
        c->at++;
        size_t length = name_length(c->at);
        if (length == 0 || strncmp(c->at + length, "=\"", 2) != 0)
            fail_at(c, "attribute without a quoted value");
        if (!strncmp(c->at, "style=", 6) || !strncmp(c->at, "on", 2) || !strncmp(c->at, "src=", 4))
            fail_at(c, "forbidden attribute");
        c->at += length + 2;
        c->at += strcspn(c->at, "\"<");
        if (*c->at != '"')
            fail_at(c, "< in an attribute");
        c->at++;
    }
}

static void close_tag(struct checker *c)
{
    size_t length = name_length(c->at + 2);
    if (c->depth == 0)
        fail_at(c, "nothing is open");
    const char *open = c->open[--c->depth];
    if (strlen(open) != length || strncmp(open, c->at + 2, length) != 0)
        fail_at(c, open);
    c->at += 2 + length;
    if (*c->at++ != '>')
        fail_at(c, "> expected");
}

static void open_tag(struct checker *c)
{
    const char *name = c->at + 1;
    size_t length = name_length(name);
    if (length == 0 || length > 15 || c->depth == 64)
        fail_at(c, "tag");
    c->at += 1 + length;
    skip_attributes(c);
    c->elements++;
    if (!strncmp(c->at, "/>", 2)) {
        c->at += 2;
        return;
    }
    if (*c->at++ != '>')
        fail_at(c, "> expected");
    memcpy(c->open[c->depth], name, length);
    c->open[c->depth++][length] = '\0';
    bool raw = !strncmp(name, "style>", 6) || !strncmp(name, "script>", 7);
    const char *end =
        raw ? strstr(c->at, *name == 's' && name[1] == 't' ? "</style>" : "</script>") : NULL;
    if (raw && !end)
        fail_at(c, "raw text does not end");
    c->at = raw ? end : c->at;
}

static void check_entity(struct checker *c)
{
    static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strncmp(c->at, known[i], strlen(known[i])))
            return;
    fail_at(c, "bare &");
}

/* Returns the number of elements. */
static size_t check_markup(const char *html)
{
    static const char doctype[] = "<!DOCTYPE html>\n";
    struct checker c = { .at = html };
    CHECK(!strncmp(html, doctype, strlen(doctype)));
    c.at += strlen(doctype);
    while (*c.at) {
        if (!strncmp(c.at, "</", 2))
            close_tag(&c);
        else if (*c.at == '<')
            open_tag(&c);
        else if (*c.at == '&')
            check_entity(&c), c.at++;
        else if ((unsigned char)*c.at < 0x20 && *c.at != '\n')
            fail_at(&c, "control character");
        else
            c.at++;
    }
    if (c.depth > 0)
        test_fail(__FILE__, __LINE__, "<%s> is never closed", c.open[c.depth - 1]);
    return c.elements;
}

static size_t occurrences(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        count++;
    return count;
}

/* The text between two marks; free() it. */
static char *between(const char *text, const char *begin, const char *end)
{
    const char *from = strstr(text, begin);
    CHECK(from != NULL);
    from += strlen(begin);
    const char *to = strstr(from, end);
    CHECK(to != NULL);
    return strndup(from, (size_t)(to - from));
}

static void check_hash(const char *html, const char *begin, const char *end)
{
    struct text hash = { 0 };
    char *content = between(html, begin, end);
    report_csp_hash(&hash, content, strlen(content));
    CHECK_INT(1, occurrences(html, hash.data));
    text_release(&hash);
    free(content);
}

/* Nothing is fetched, nothing inline runs but what the policy names. */
static void check_self_contained(const char *html)
{
    CHECK_INT(1, occurrences(html, "default-src 'none'"));
    CHECK_INT(0, occurrences(html, "unsafe-"));
    check_hash(html, "<style>", "</style>");
    check_hash(html, "<script>", "</script>");
    CHECK_INT(1, occurrences(html, "<script"));
    CHECK_INT(occurrences(html, "url(#hatch)"), occurrences(html, "url("));
    CHECK_INT(0, occurrences(html, "@import"));
    CHECK_INT(occurrences(html, "href=\"#"), occurrences(html, "href="));
}

/* --- pages ----------------------------------------------------------------------------------- */

TEST(report_html__random_runs__well_formed_and_self_contained)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        const struct fixture_shape shape = { .layers = 20,
                                             .networks = 12,
                                             .accelerators = 5,
                                             .edge_probability = 0.4,
                                             .finite_memory = seed % 2 };
        struct fixture fixture;
        struct report_case c;
        struct text html = { 0 }, again = { 0 };
        fixture_random(&fixture, seed, &shape);
        report_case_init(&c, &fixture.problem, seed, seed % 2 ? MAPPING_BY_LAYER : MAPPING_BY_GROUP,
                         seed % 4 < 2 ? GRANULARITY_LAYER : GRANULARITY_TILE);
        report_html(&c.report, &html);
        report_html(&c.report, &again);
        CHECK(check_markup(html.data) > 200);
        check_self_contained(html.data);
        CHECK_STR(html.data, again.data);
        text_release(&html);
        text_release(&again);
        report_case_release(&c);
        fixture_release(&fixture);
    }
}

TEST(report_html__hostile_names__are_only_text)
{
    struct fixture fixture;
    struct report_case c;
    struct text html = { 0 };
    report_case_hostile(&fixture, "<title><script>alert(1)<script>\\\"'&<!--");
    report_case_init(&c, &fixture.problem, 1, MAPPING_BY_GROUP, GRANULARITY_LAYER);
    c.report.command = "socweave \"</code><img src=x>\" \x1b[2J";
    c.report.version = c.report.mapper = c.report.lower_bound_name = "</b><script>x\xff";
    report_html(&c.report, &html);
    check_markup(html.data);
    check_self_contained(html.data);
    CHECK_INT(0, occurrences(html.data, "<script>alert"));
    CHECK_INT(0, occurrences(html.data, "<img"));
    CHECK_INT(0, occurrences(html.data, "<!--"));
    CHECK(occurrences(html.data, "&lt;script&gt;alert(1)&lt;script&gt;&quot;&#39;&amp;") > 10);
    text_release(&html);
    report_case_release(&c);
    fixture_release(&fixture);
}

TEST(report_html__without_simulation_and_search__still_whole)
{
    struct fixture fixture;
    struct report_case c;
    struct text html = { 0 };
    fixture_shipped(&fixture, "edge-ring", "tiny");
    report_case_init(&c, &fixture.problem, 1, MAPPING_BY_LAYER, GRANULARITY_LAYER);
    c.report.simulated = NULL;
    c.report.trace = NULL;
    c.report.links = c.report.locals = c.report.channels = NULL;
    c.report.convergence_count = 0;
    c.report.lower_bound_ps = 0;
    c.report.mapper = c.report.objective = c.report.fitness = c.report.command = NULL;
    c.report.lower_bound_name = NULL;
    report_html(&c.report, &html);
    check_markup(html.data);
    CHECK_INT(0, occurrences(html.data, "id=\"convergence\""));
    CHECK_INT(0, occurrences(html.data, "id=\"disagreement\""));
    CHECK_INT(1, occurrences(html.data, "id=\"timeline\""));
    CHECK_INT(0, occurrences(html.data, "href=\"#network\"")); /* no dead links */
    text_release(&html);
    report_case_release(&c);
    fixture_release(&fixture);
}

TEST(report_html__2264_layers__below_3_megabytes)
{
    struct fixture fixture;
    fixture_shipped(&fixture, "comb-large-low", "mixed-heavy");
    CHECK_INT(2264, fixture.problem.layer_count);
    for (unsigned i = 0; i < 2; i++) {
        struct report_case c;
        struct text html = { 0 };
        report_case_init(&c, &fixture.problem, 1, i ? MAPPING_BY_LAYER : MAPPING_BY_GROUP,
                         i ? GRANULARITY_TILE : GRANULARITY_LAYER);
        report_html(&c.report, &html);
        check_markup(html.data);
        CHECK(html.bytes < 3000000);
        text_release(&html);
        report_case_release(&c);
    }
    fixture_release(&fixture);
}

TEST(report_html__many_layers_and_accelerators__rows_become_densities)
{
    const struct fixture_shape shape = {
        .layers = 700, .networks = 12, .accelerators = 24, .edge_probability = 0.3
    };
    struct fixture fixture;
    struct report_case c;
    struct text html = { 0 };
    fixture_random(&fixture, 11, &shape);
    report_case_init(&c, &fixture.problem, 2, MAPPING_BY_LAYER, GRANULARITY_LAYER);
    report_html(&c.report, &html);
    check_markup(html.data);
    CHECK(html.bytes < 3000000);
    CHECK_INT(fixture.problem.layer_count > 5000,
              occurrences(html.data, "too many layers to tell apart"));
    text_release(&html);
    report_case_release(&c);
    fixture_release(&fixture);
}

/* --- the terminal ---------------------------------------------------------------------------- */

TEST(report_summary__hostile_names__80_columns_and_no_escapes)
{
    struct fixture fixture;
    struct report_case c;
    struct text out = { 0 };
    report_case_hostile(&fixture, "-a-name-that-is-much-too-long-for-its-column-µµµµ-and-more");
    report_case_init(&c, &fixture.problem, 1, MAPPING_BY_GROUP, GRANULARITY_LAYER);
    c.report.mapper = "x\x1b[2J";
    report_summary_text(&c.report, &out);
    size_t columns = 0;
    for (const char *at = out.data; *at; at++) {
        columns = *at == '\n' ? 0 : columns + (((unsigned char)*at & 0xc0) != 0x80);
        CHECK(columns <= 80);
        CHECK(*at == '\n' || (unsigned char)*at >= 0x20);
    }
    CHECK(strstr(out.data, "makespan") != NULL);
    CHECK(strstr(out.data, "\\x1b[2J") != NULL);
    text_release(&out);
    report_case_release(&c);
    fixture_release(&fixture);
}
