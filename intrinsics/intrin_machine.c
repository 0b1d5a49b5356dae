#include "intrinsics/intrin_machine.h"

#include "core/arena.h"
#include "core/json.h"

#define RATE_MAX  1e18
#define BYTES_MAX 1e15

/* Members that may be missing, 0 then. */
static const struct {
    const char *key;
    size_t offset;
} levels[] = {
    { "l1_bytes_per_s", offsetof(struct intrin_rates, l1_bytes_per_s) },
    { "l2_bytes_per_s", offsetof(struct intrin_rates, l2_bytes_per_s) },
    { "l3_bytes_per_s", offsetof(struct intrin_rates, l3_bytes_per_s) },
};
#define LEVEL_COUNT (sizeof levels / sizeof *levels)

static void real_if_known(struct json_out *out, const char *key, double value)
{
    if (value > 0)
        json_out_real(out, key, value);
}

static void write_rates(struct json_out *out, const struct intrin_rates *rates)
{
    json_out_object(out, NULL, true);
    json_out_u64(out, "threads", rates->threads);
    json_out_real(out, "peak_ops_per_s", rates->peak_ops_per_s);
    for (size_t l = 0; l < LEVEL_COUNT; l++)
        real_if_known(out, levels[l].key,
                      *(const double *)((const char *)rates + levels[l].offset));
    json_out_real(out, "memory_bytes_per_s", rates->memory_bytes_per_s);
    json_out_real(out, "call_ns", rates->call_ns);
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
    out->peak_ops_per_s = json_get_real(node, "peak_ops_per_s", 1, RATE_MAX);
    for (size_t l = 0; l < LEVEL_COUNT; l++)
        *(double *)((char *)out + levels[l].offset) =
            json_find(node, levels[l].key) ? json_get_real(node, levels[l].key, 1, RATE_MAX) : 0;
    out->memory_bytes_per_s = json_get_real(node, "memory_bytes_per_s", 1, RATE_MAX);
    out->call_ns = json_get_real(node, "call_ns", 0, 1e9);
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
    read_all_rates(json_get(root, "rates"), out);
    return json_close(doc, err);
}

/* docs/model.md M-118 */
struct intrin_machine intrin_machine_at(const struct intrin_calibration *c, unsigned threads,
                                        const struct intrin_machine *base)
{
    size_t row = 0;
    while (row + 1 < c->rate_count && c->rates[row].threads < threads)
        row++;
    const struct intrin_rates *rates = &c->rates[row];
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
