#include "intrinsics/intrin_machine.h"

#include "core/arena.h"
#include "core/json.h"

#define RATE_MAX  1e18
#define BYTES_MAX 1e15

/* In the order of the file; optional ones are 0 if missing. */
static const struct rate {
    const char *key;
    size_t offset;
    bool required;
    double low, high;
} rates_table[] = {
#define RATE(name, required)                                                                       \
    {                                                                                              \
#name, offsetof(struct intrin_rates, name), required, 1, RATE_MAX                          \
    }
#define FRACTION(name)                                                                             \
    {                                                                                              \
#name, offsetof(struct intrin_rates, name), false, 0, 1                                    \
    }
#define TIME(name, required)                                                                       \
    {                                                                                              \
#name, offsetof(struct intrin_rates, name), required, 0, 1e9                               \
    }
    RATE(peak_ops_per_s, true),
    RATE(l1_bytes_per_s, false),
    RATE(l2_bytes_per_s, false),
    RATE(l3_bytes_per_s, false),
    RATE(memory_bytes_per_s, true),
    TIME(call_ns, true),
    RATE(l1_write_bytes_per_s, false),
    RATE(l2_write_bytes_per_s, false),
    RATE(l3_write_bytes_per_s, false),
    RATE(memory_write_bytes_per_s, false),
    TIME(chain_ns, false),
    TIME(tile_ns, false),
    FRACTION(exposed_frac),
    RATE(pack_along_bytes_per_s, false),
    RATE(pack_across_bytes_per_s, false),
    TIME(lanes_quad_ns, false),
    TIME(lanes_row_ns, false),
    TIME(window_column_ns, false),
    TIME(window_row_ns, false),
    TIME(window_run_ns, false),
    RATE(epilogue_elements_per_s, false),
#undef RATE
#undef FRACTION
#undef TIME
};
#define RATE_COUNT (sizeof rates_table / sizeof *rates_table)

static double *rate_in(struct intrin_rates *rates, const struct rate *rate)
{
    return (double *)((char *)rates + rate->offset);
}

static void real_if_known(struct json_out *out, const char *key, double value)
{
    if (value > 0)
        json_out_real(out, key, value);
}

static void write_rates(struct json_out *out, const struct intrin_rates *rates)
{
    struct intrin_rates copy = *rates;
    json_out_object(out, NULL, true);
    json_out_u64(out, "threads", rates->threads);
    for (size_t r = 0; r < RATE_COUNT; r++) {
        double value = *rate_in(&copy, &rates_table[r]);
        if (rates_table[r].required || value > 0)
            json_out_real(out, rates_table[r].key, value);
    }
    json_out_end(out);
}

void intrin_calibration_json(const struct intrin_calibration *c, struct text *text)
{
    struct json_out out;
    json_out_init(&out, text);
    json_out_object(&out, NULL, false);
    json_out_str(&out, "socweave", "machine/1");
    json_out_str(&out, "version", c->version);
    json_out_str(&out, "command", c->command);
    json_out_str(&out, "name", c->name);
    json_out_u64(&out, "cores", c->cores);
    json_out_u64(&out, "samples", c->samples);
    real_if_known(&out, "l1_bytes", c->l1_bytes);
    real_if_known(&out, "l2_bytes", c->l2_bytes);
    real_if_known(&out, "l3_bytes", c->l3_bytes);
    if (c->link.to_bytes_per_s > 0) {
        json_out_object(&out, "link", true);
        json_out_real(&out, "to_bytes_per_s", c->link.to_bytes_per_s);
        json_out_real(&out, "from_bytes_per_s", c->link.from_bytes_per_s);
        json_out_real(&out, "call_ns", c->link.call_ns);
        json_out_end(&out);
    }
    json_out_array(&out, "rates", false);
    for (size_t i = 0; i < c->rate_count; i++)
        write_rates(&out, &c->rates[i]);
    json_out_end(&out);
    json_out_end(&out);
    text_add(text, "\n");
}

static void read_rates(const struct json_node *node, unsigned above, struct intrin_rates *out)
{
    out->threads = (unsigned)json_get_int(node, "threads", 1, 1024);
    if (out->threads <= above)
        json_fail(json_get(node, "threads"), ERR_VALUE,
                  "expected more threads than before (%u), got %u", above, out->threads);
    for (size_t r = 0; r < RATE_COUNT; r++) {
        const struct rate *rate = &rates_table[r];
        *rate_in(out, rate) = rate->required || json_find(node, rate->key) != NULL
                                  ? json_get_real(node, rate->key, rate->low, rate->high)
                                  : 0;
    }
}

static void read_all_rates(const struct json_node *rows, struct intrin_calibration *out)
{
    size_t count = json_count(rows);
    if (count < 1 || count > INTRIN_RATES_MAX) {
        json_fail(rows, ERR_VALUE, "expected 1 to %d rows of rates, got %zu", INTRIN_RATES_MAX,
                  count);
        return;
    }
    out->rate_count = count;
    for (size_t i = 0; i < count; i++)
        read_rates(json_item(rows, i), i > 0 ? out->rates[i - 1].threads : 0, &out->rates[i]);
}

enum err_code intrin_calibration_load(struct intrin_calibration *out, const char *file,
                                      struct arena *arena, struct err *err)
{
    struct json_doc *doc = json_open(file);
    const struct json_node *root = json_root(doc);
    json_expect_tag(root, "machine/1");
    *out = (struct intrin_calibration){
        .name = arena_strdup(arena, json_get_str(root, "name")),
        .version = arena_strdup(arena, json_get_str_or(root, "version", "not given")),
        .command = arena_strdup(arena, json_get_str_or(root, "command", "not given")),
        .cores = (unsigned)json_get_int(root, "cores", 1, 65536),
        .samples = (unsigned)json_get_int(root, "samples", 1, 10000),
        .l1_bytes = json_get_real_or(root, "l1_bytes", 0, BYTES_MAX, 0),
        .l2_bytes = json_get_real_or(root, "l2_bytes", 0, BYTES_MAX, 0),
        .l3_bytes = json_get_real_or(root, "l3_bytes", 0, BYTES_MAX, 0),
    };
    const struct json_node *link = json_find(root, "link");
    if (link != NULL)
        out->link = (struct intrin_link){
            json_get_real(link, "to_bytes_per_s", 1, RATE_MAX),
            json_get_real(link, "from_bytes_per_s", 1, RATE_MAX),
            json_get_real(link, "call_ns", 0, 1e9),
        };
    read_all_rates(json_get(root, "rates"), out);
    return json_close(doc, err);
}

const struct intrin_rates *intrin_rates_for(const struct intrin_calibration *c, unsigned threads)
{
    size_t row = 0;
    while (row + 1 < c->rate_count && c->rates[row].threads < threads)
        row++;
    return &c->rates[row];
}

/* docs/model.md M-118 */
struct intrin_machine intrin_machine_at(const struct intrin_calibration *c, unsigned threads,
                                        const struct intrin_machine *base)
{
    const struct intrin_rates *rates = intrin_rates_for(c, threads);
    struct intrin_machine machine = *base;
    machine.name = c->name;
    machine.source = c->command;
    machine.units = threads;
    machine.clock_hz = rates->peak_ops_per_s / rates->threads / (2 * INTRIN_CALL_OPERATIONS);
    if (rates->l1_bytes_per_s > 0)
        machine.staging_bytes_per_s = rates->l1_bytes_per_s / rates->threads;
    machine.memory_bytes_per_s = rates->memory_bytes_per_s;
    if (c->l3_bytes > 0 || c->l2_bytes > 0)
        machine.cache_bytes = c->l3_bytes > 0 ? c->l3_bytes : c->l2_bytes;
    return machine;
}

/* A guest of the machine in reports/studies/cpu-validation/, 2026-11-21, others at work on it.
 * Rounded. */
const struct intrin_calibration intrin_calibration_zen5 = {
    .name = "zen5",
    .version = SOCWEAVE_VERSION,
    .command = "validate --calibrate",
    .cores = 2,
    .samples = 41,
    .l1_bytes = 49152,
    .l2_bytes = 1048576,
    .l3_bytes = 33554432,
    .rate_count = 2,
    .rates = { { .threads = 1,
                 .peak_ops_per_s = 1.03e12,
                 .l1_bytes_per_s = 474e9,
                 .l2_bytes_per_s = 206e9,
                 .l3_bytes_per_s = 110e9,
                 .memory_bytes_per_s = 33e9,
                 .call_ns = 20,
                 .l1_write_bytes_per_s = 260e9,
                 .l2_write_bytes_per_s = 250e9,
                 .l3_write_bytes_per_s = 103e9,
                 .memory_write_bytes_per_s = 17e9,
                 .chain_ns = 1.01,
                 .tile_ns = 4,
                 .exposed_frac = 0.07,
                 .pack_along_bytes_per_s = 8e9,
                 .pack_across_bytes_per_s = 4.3e9,
                 .lanes_quad_ns = 2.1,
                 .lanes_row_ns = 0.3,
                 .window_column_ns = 0.6,
                 .window_row_ns = 0.2,
                 .window_run_ns = 5.5,
                 .epilogue_elements_per_s = 3.7e9 },
               { .threads = 2,
                 .peak_ops_per_s = 2.03e12,
                 .l1_bytes_per_s = 915e9,
                 .l2_bytes_per_s = 390e9,
                 .l3_bytes_per_s = 150e9,
                 .memory_bytes_per_s = 48e9,
                 .call_ns = 520,
                 .l1_write_bytes_per_s = 500e9,
                 .l2_write_bytes_per_s = 450e9,
                 .l3_write_bytes_per_s = 140e9,
                 .memory_write_bytes_per_s = 36e9,
                 .chain_ns = 1.01,
                 .tile_ns = 4,
                 .exposed_frac = 0.07,
                 .pack_along_bytes_per_s = 15e9,
                 .pack_across_bytes_per_s = 8e9,
                 .lanes_quad_ns = 2.1,
                 .lanes_row_ns = 0.3,
                 .window_column_ns = 0.6,
                 .window_row_ns = 0.2,
                 .window_run_ns = 5.5,
                 .epilogue_elements_per_s = 7e9 } },
};
