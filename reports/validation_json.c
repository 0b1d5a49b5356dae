/* validate/1: written, and read back for a page that shows several. */
#include <float.h>

#include "core/json.h"
#include "reports/validation.h"

/* --- out -------------------------------------------------------------------------------------- */

static void real_or_null(struct json_out *out, const char *key, double value)
{
    if (value > 0)
        json_out_real(out, key, value);
    else
        json_out_null(out, key);
}

static void text_if_any(struct json_out *out, const char *key, const char *value)
{
    if (*value)
        json_out_str(out, key, value);
}

static void write_row(struct json_out *out, const struct report_trial *row)
{
    json_out_object(out, NULL, true);
    json_out_str(out, "layer", row->layer);
    json_out_u64(out, "layers", row->layers);
    text_if_any(out, "intrinsic", row->intrinsic);
    text_if_any(out, "match", row->match);
    json_out_str(out, "outcome", report_outcome_names[row->outcome]);
    text_if_any(out, "detail", row->detail);
    text_if_any(out, "kernel", row->kernel);
    json_out_u64(out, "operations", row->operations);
    json_out_u64(out, "bytes", row->bytes);
    real_or_null(out, "measured_ns", row->measured_ns);
    real_or_null(out, "predicted_ns", row->predicted_ns);
    if (row->term_count > 0) {
        json_out_object(out, "terms_ns", true);
        for (size_t t = 0; t < row->term_count; t++)
            json_out_real(out, row->terms[t].name, row->terms[t].ns);
        json_out_end(out);
    }
    real_or_null(out, "gops", report_trial_ops_per_s(row) / 1e9);
    real_or_null(out, "peak_gops", row->peak_ops_per_s / 1e9);
    real_or_null(out, "peak_frac", report_trial_peak_frac(row));
    json_out_real(out, "bound_frac", row->bound_frac);
    json_out_end(out);
}

void report_validation_json(const struct report_validation *v, struct text *text)
{
    struct report_validation_sums sums = report_validation_sums(v);
    struct json_out out;
    json_out_init(&out, text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "socweave", "validate/1");
    json_out_str(&out, "version", v->version);
    json_out_str(&out, "command", v->command);
    json_out_str(&out, "backend", v->backend);
    text_if_any(&out, "device", v->device);
    text_if_any(&out, "reason", v->reason);
    json_out_str(&out, "subject", v->subject);
    text_if_any(&out, "machine", v->machine);
    real_or_null(&out, "l1_bytes_per_s", v->l1_bytes_per_s);
    real_or_null(&out, "l2_bytes_per_s", v->l2_bytes_per_s);
    real_or_null(&out, "l3_bytes_per_s", v->l3_bytes_per_s);
    real_or_null(&out, "memory_bytes_per_s", v->memory_bytes_per_s);
    json_out_u64(&out, "seed", v->seed);
    json_out_u64(&out, "threads", v->threads);
    json_out_u64(&out, "samples", v->samples);
    json_out_array(&out, "rows", false);
    for (size_t i = 0; i < v->count; i++)
        write_row(&out, &v->rows[i]);
    json_out_end(&out);
    json_out_u64(&out, "ok", sums.rows[REPORT_OK]);
    json_out_u64(&out, "mismatch", sums.rows[REPORT_MISMATCH]);
    json_out_u64(&out, "unsupported", sums.rows[REPORT_UNSUPPORTED]);
    json_out_u64(&out, "unavailable", sums.rows[REPORT_UNAVAILABLE]);
    json_out_real(&out, "rank_correlation", sums.rank_correlation);
    json_out_real(&out, "median_error_frac", sums.median_error_frac);
    json_out_real(&out, "geomean_peak_frac", sums.geomean_peak_frac);
    json_out_end(&out);
}

/* --- in --------------------------------------------------------------------------------------- */

static const char *get_text(struct arena *arena, const struct json_node *object, const char *key)
{
    return arena_strdup(arena, json_get_str(object, key));
}

static const char *find_text(struct arena *arena, const struct json_node *object, const char *key)
{
    return arena_strdup(arena, json_get_str_or(object, key, ""));
}

/* A time or a rate: not so small that a quotient would overflow. */
static double get_real_or_null(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_get(object, key);
    return json_type_of(node) == JSON_NODE_NULL ? 0 : json_number(node, 1e-9, 1e30);
}

/* Of a level that older files do not have. */
static double find_real_or_null(const struct json_node *object, const char *key)
{
    return json_find(object, key) != NULL ? get_real_or_null(object, key) : 0;
}

/* Follows from the rest. */
static void skip_real_or_null(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_get(object, key);
    if (json_type_of(node) != JSON_NODE_NULL)
        json_number(node, 0, DBL_MAX);
}

static void read_terms(const struct json_node *terms, struct arena *arena, struct report_trial *row)
{
    size_t count = json_member_count(terms);
    if (count > REPORT_TERMS_MAX) {
        json_fail(terms, ERR_VALUE, "expected at most %d terms, got %zu", REPORT_TERMS_MAX, count);
        return;
    }
    row->term_count = count;
    for (size_t t = 0; t < count; t++) {
        const char *name;
        const struct json_node *value = json_member(terms, t, &name);
        row->terms[t] =
            (struct report_term){ arena_strdup(arena, name), json_number(value, 0, 1e30) };
    }
}

static void read_row(const struct json_node *node, struct arena *arena, struct report_trial *row)
{
    const char *const *names = report_outcome_names;
    row->layer = get_text(arena, node, "layer");
    row->layers = (uint64_t)json_get_int(node, "layers", 1, INT64_MAX);
    row->intrinsic = find_text(arena, node, "intrinsic");
    row->match = find_text(arena, node, "match");
    row->outcome =
        (enum report_outcome)json_enum(json_get(node, "outcome"), names, REPORT_OUTCOME_COUNT);
    row->detail = find_text(arena, node, "detail");
    row->kernel = find_text(arena, node, "kernel");
    row->operations = (uint64_t)json_get_int(node, "operations", 0, INT64_MAX);
    row->bytes = (uint64_t)json_get_int(node, "bytes", 0, INT64_MAX);
    row->measured_ns = get_real_or_null(node, "measured_ns");
    row->predicted_ns = get_real_or_null(node, "predicted_ns");
    if (json_find(node, "terms_ns") != NULL)
        read_terms(json_get(node, "terms_ns"), arena, row);
    row->peak_ops_per_s = get_real_or_null(node, "peak_gops") * 1e9;
    row->bound_frac = json_get_real(node, "bound_frac", 0, 1e30);
    skip_real_or_null(node, "gops");
    skip_real_or_null(node, "peak_frac");
}

/* Counts and statistics follow from the rows. */
static void skip_sums(const struct json_node *root)
{
    for (size_t o = 0; o < REPORT_OUTCOME_COUNT; o++) {
        static const char *const keys[] = { "ok", "mismatch", "unsupported", "unavailable" };
        json_get_int(root, keys[o], 0, INT64_MAX);
    }
    json_get_real(root, "rank_correlation", -1, 1);
    json_get_real(root, "median_error_frac", 0, DBL_MAX);
    json_get_real(root, "geomean_peak_frac", 0, DBL_MAX);
}

enum err_code report_validation_load(struct report_validation *out, const char *file,
                                     struct arena *arena, struct err *err)
{
    struct json_doc *doc = json_open(file);
    const struct json_node *root = json_root(doc);
    json_expect_tag(root, "validate/1");
    struct report_validation v = {
        .version = get_text(arena, root, "version"),
        .command = get_text(arena, root, "command"),
        .backend = get_text(arena, root, "backend"),
        .device = find_text(arena, root, "device"),
        .reason = find_text(arena, root, "reason"),
        .subject = get_text(arena, root, "subject"),
        .machine = find_text(arena, root, "machine"),
        .l1_bytes_per_s = find_real_or_null(root, "l1_bytes_per_s"),
        .l2_bytes_per_s = find_real_or_null(root, "l2_bytes_per_s"),
        .l3_bytes_per_s = find_real_or_null(root, "l3_bytes_per_s"),
        .memory_bytes_per_s = get_real_or_null(root, "memory_bytes_per_s"),
        .seed = (uint64_t)json_get_int(root, "seed", 0, INT64_MAX),
        .threads = (uint64_t)json_get_int(root, "threads", 0, INT64_MAX),
        .samples = (uint64_t)json_get_int(root, "samples", 0, INT64_MAX),
    };
    const struct json_node *rows = json_get(root, "rows");
    v.count = json_count(rows);
    v.rows = ARENA_ARRAY(arena, struct report_trial, v.count + 1);
    for (size_t i = 0; i < v.count; i++)
        read_row(json_item(rows, i), arena, &v.rows[i]);
    skip_sums(root);
    enum err_code rc = json_close(doc, err);
    if (rc == ERR_OK)
        *out = v;
    return rc;
}
