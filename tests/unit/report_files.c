/* The files for machines: JSON that parses, CSV that reads back, a trace without overlaps. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/file.h"
#include "tests/test.h"
#include "tests/unit/report_case.h"

static json_t *parse(const struct text *text)
{
    json_error_t error;
    json_t *root = json_loadb(text->data, text->bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        test_fail(__FILE__, __LINE__, "line %d: %s", error.line, error.text);
    return root;
}

static int64_t integer(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        test_fail(__FILE__, __LINE__, "%s is not an integer", key);
    return json_integer_value(value);
}

/* --- result.json, resolved.json -------------------------------------------------------------- */

TEST(report_result__keys__hold_the_figures)
{
    struct fixture fixture;
    struct report_case c;
    struct text out = { 0 };
    fixture_shipped(&fixture, "edge-ring", "edge-mix");
    report_case_init(&c, &fixture.problem, 4, MAPPING_BY_GROUP, GRANULARITY_LAYER);
    report_result_json(&c.report, &out);
    json_t *root = parse(&out);
    CHECK_INT(c.sim.schedule.makespan_ps, integer(root, "makespan_ps"));
    CHECK_INT(c.analytic.makespan_ps, integer(root, "analytic_makespan_ps"));
    CHECK_INT(c.report.lower_bound_ps, integer(root, "lower_bound_ps"));
    CHECK_INT(30, integer(root, "evaluations"));
    CHECK_INT(3, integer(root, "sim_evaluations"));
    CHECK_INT(7, integer(root, "seed"));
    CHECK_INT(fixture.problem.layer_count, integer(root, "layers"));
    CHECK_INT(report_group_count(&c.report), integer(root, "groups"));
    CHECK_NEAR(report_gap_frac(&c.report), json_real_value(json_object_get(root, "gap_frac")), 0);
    CHECK_NEAR(c.report.energy.total_pj, json_number_value(json_object_get(root, "energy_pj")), 0);
    CHECK_STR("random", json_string_value(json_object_get(root, "mapper")));
    CHECK_INT(5, json_array_size(json_object_get(root, "accelerators")));
    const json_t *soc = json_object_get(json_object_get(root, "inputs"), "soc");
    CHECK_STR(fixture.soc.sha256, json_string_value(json_object_get(soc, "sha256")));
    json_decref(root);
    text_release(&out);
    report_case_release(&c);
    fixture_release(&fixture);
}

TEST(report_resolved__its_soc__loads_again_and_is_the_same)
{
    struct fixture fixture;
    struct report_case c;
    struct text out = { 0 }, once = { 0 }, twice = { 0 };
    struct soc soc;
    fixture_shipped(&fixture, "chiplet-links", "tiny");
    report_case_init(&c, &fixture.problem, 4, MAPPING_BY_LAYER, GRANULARITY_LAYER);
    report_resolved_json(&c.report, &out);
    json_t *root = parse(&out);
    char *soc_json = json_dumps(json_object_get(root, "soc"), 0);
    char *file = file_join(test_temp_dir(), "resolved-soc.json");
    CHECK_OK(file_write(file, soc_json, strlen(soc_json), err));
    CHECK_OK(soc_load(&soc, file, err));
    soc_write(&fixture.soc, &once);
    soc_write(&soc, &twice);
    CHECK_STR(once.data, twice.data);
    soc_release(&soc);
    free(file);
    free(soc_json);
    json_decref(root);
    text_release(&out);
    text_release(&once);
    text_release(&twice);
    report_case_release(&c);
    fixture_release(&fixture);
}

/* --- layers.csv, networks.csv, convergence.csv ----------------------------------------------- */

/* Reads one RFC 4180 field into `value`; returns where the next one or the next row begins. */
static const char *read_field(const char *at, struct text *value, bool *row_ends)
{
    bool quoted = *at == '"';
    text_release(value);
    text_add(value, "");
    for (at += quoted; quoted ? at[0] != '"' || at[1] == '"' : !strchr(",\n", *at); at++) {
        CHECK(*at != '\0');
        at += quoted && *at == '"';
        text_add_bytes(value, at, 1);
    }
    at += quoted;
    CHECK(*at == ',' || *at == '\n');
    *row_ends = *at == '\n';
    return at + 1;
}

static size_t read_row(const char **at, struct text *first, size_t wanted,
                       struct text *wanted_value)
{
    struct text value = { 0 };
    size_t fields = 0;
    for (bool row_ends = false; !row_ends; fields++) {
        *at = read_field(*at, &value, &row_ends);
        if (fields == 0)
            text_release(first), text_add(first, value.data);
        if (fields == wanted)
            text_release(wanted_value), text_add(wanted_value, value.data);
    }
    text_release(&value);
    return fields;
}

TEST(report_layers_csv__hostile_names__read_back)
{
    struct fixture fixture;
    struct report_case c;
    struct text out = { 0 }, network = { 0 }, name = { 0 };
    report_case_hostile(&fixture, ",\\\" x,;=");
    report_case_init(&c, &fixture.problem, 1, MAPPING_BY_GROUP, GRANULARITY_LAYER);
    report_layers_csv(&c.report, &out);
    const char *at = out.data;
    size_t columns = read_row(&at, &network, 1, &name);
    CHECK_STR("network", network.data);
    CHECK_INT(29, columns);
    for (uint32_t l = 0; l < fixture.problem.layer_count; l++) {
        CHECK_INT(columns, read_row(&at, &network, 1, &name));
        CHECK_STR(fixture.workload.networks[fixture.problem.network_of[l]].name, network.data);
        CHECK_STR(workload_layer(&fixture.workload, l)->name, name.data);
    }
    CHECK_INT('\0', *at);
    text_release(&out);
    text_release(&network);
    text_release(&name);
    report_case_release(&c);
    fixture_release(&fixture);
}

/* A product of 8 x 8 x 8 takes 30 ns, as in tests/model/deadline.c; each after the one before. */
TEST(report_networks_csv__late_in_time_and_free__by_hand)
{
    static const char soc[] =
        "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {\"topology\": \"bus\", "
        "\"places\": 1, \"link_bytes_per_s\": 1e9}, \"accelerators\": [{\"name\": \"npu\", "
        "\"place\": 0, \"clock_hz\": 1e9, \"pe_rows\": 8, \"pe_cols\": 8, \"dataflow\": "
        "\"systolic-ws\", \"supports\": [\"gemm\"], \"scratchpad_bytes\": 65536}], \"memory\": "
        "[{\"name\": \"dram\", \"unlimited\": true}], \"energy\": {\"mac_pj\": 0.25, "
        "\"register_pj_per_byte\": 0, \"scratchpad_pj_per_byte\": 0, \"hop_pj_per_byte\": 0, "
        "\"memory_pj_per_byte\": 0, \"pe_idle_pj_per_cycle\": 0}}";
    static const char workload[] =
        "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [{\"graph\": "
        "\"g0.json\", \"name\": \"late\", \"offset_ns\": 10, \"deadline_ns\": 25}, {\"graph\": "
        "\"g0.json\", \"name\": \"=in time\", \"deadline_ns\": 100}, {\"graph\": \"g0.json\", "
        "\"name\": \"free\"}]}";
    static const char *const graph =
        "{\"socweave\": \"dnn/1\", \"name\": \"a\", \"inputs\": [{\"name\": \"x\", \"shape\": [8, "
        "8]}], \"layers\": [{\"name\": \"only\", \"op\": \"gemm\", \"extents\": {\"m\": 8, \"n\": "
        "8, \"k\": 8}, \"inputs\": [\"x\"]}]}";
    struct fixture fixture;
    struct report_case c;
    struct mapping mapping;
    struct text out = { 0 };
    fixture_from_text(&fixture, soc, workload, &graph, 1);
    mapping_init(&mapping, 3);
    mapping.discipline = MAPPING_BY_LAYER;
    for (uint32_t i = 0; i < 3; i++)
        mapping.placements[i] = (struct placement){ .layer = i, .group = i };
    report_case_run(&c, &fixture.problem, &mapping, GRANULARITY_LAYER);
    report_networks_csv(&c.report, &out);
    CHECK_STR("network,graph,layers,macs,energy_pj,release_ps,start_ps,end_ps,latency_ps,"
              "deadline_ps,slack_ps\n"
              "late,a,1,512,128,10000,10000,40000,30000,35000,-5000\n"
              "'=in time,a,1,512,128,0,40000,70000,70000,100000,30000\n"
              "free,a,1,512,128,0,70000,100000,100000,,\n",
              out.data);
    text_release(&out);
    report_case_release(&c);
    fixture_release(&fixture);
}

TEST(report_convergence_csv__three_steps__four_lines)
{
    struct fixture fixture;
    struct report_case c;
    struct text out = { 0 }, step = { 0 }, evaluations = { 0 };
    fixture_shipped(&fixture, "edge-ring", "tiny");
    report_case_init(&c, &fixture.problem, 1, MAPPING_BY_LAYER, GRANULARITY_LAYER);
    report_convergence_csv(&c.report, &out);
    const char *at = out.data;
    for (unsigned row = 0; row < 4; row++)
        CHECK_INT(6, read_row(&at, &step, 1, &evaluations));
    CHECK_STR("30", evaluations.data);
    CHECK_INT('\0', *at);
    text_release(&out);
    text_release(&step);
    text_release(&evaluations);
    report_case_release(&c);
    fixture_release(&fixture);
}

/* --- trace.json ------------------------------------------------------------------------------ */

struct slice {
    int64_t track, start_ps, end_ps;
};

static int by_track(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    if (x->track != y->track)
        return x->track < y->track ? -1 : 1;
    return x->start_ps < y->start_ps ? -1 : x->start_ps > y->start_ps;
}

/* Slices as (track, times); the caller frees them. */
static size_t read_slices(const json_t *events, struct slice **out)
{
    size_t count = 0;
    *out = mem_alloc(json_array_size(events) + 1, sizeof **out);
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        if (strcmp(json_string_value(json_object_get(event, "ph")), "X") != 0)
            continue;
        int64_t start_ps = llround(1e6 * json_number_value(json_object_get(event, "ts")));
        int64_t length_ps = llround(1e6 * json_number_value(json_object_get(event, "dur")));
        CHECK(length_ps > 0);
        (*out)[count++] = (struct slice){ integer(event, "pid") * 1000000 + integer(event, "tid"),
                                          start_ps, start_ps + length_ps };
    }
    return count;
}

static void check_trace(const struct report *report, uint64_t seed)
{
    struct text out = { 0 };
    struct slice *slices;
    report_trace_json(report, &out);
    json_t *root = parse(&out);
    size_t count = read_slices(json_object_get(root, "traceEvents"), &slices);
    CHECK_INT(count, integer(json_object_get(root, "metadata"), "slices_written"));
    CHECK(count >= report->problem->layer_count);
    qsort(slices, count, sizeof *slices, by_track);
    for (size_t i = 1; i < count; i++)
        if (slices[i].track == slices[i - 1].track && slices[i].start_ps < slices[i - 1].end_ps)
            test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": slices overlap on track %" PRId64,
                      seed, slices[i].track);
    free(slices);
    json_decref(root);
    text_release(&out);
}

TEST(report_trace__random_runs__slices_of_a_track_never_overlap)
{
    for (uint64_t seed = 1; seed <= 24; seed++) {
        const struct fixture_shape shape = { .layers = 30,
                                             .networks = 3,
                                             .accelerators = 4,
                                             .edge_probability = 0.3,
                                             .finite_memory = seed % 2 };
        struct fixture fixture;
        struct report_case c;
        fixture_random(&fixture, seed, &shape);
        report_case_init(&c, &fixture.problem, seed,
                         seed / 2 % 2 ? MAPPING_BY_LAYER : MAPPING_BY_GROUP,
                         seed / 4 % 2 ? GRANULARITY_TILE : GRANULARITY_LAYER);
        check_trace(&c.report, seed);
        report_case_release(&c);
        fixture_release(&fixture);
    }
}

TEST(report_trace__too_many_slices__keeps_layers_and_the_longest_packets_and_says_so)
{
    struct fixture fixture;
    struct report_case c;
    struct trace trace = { 0 };
    struct text out = { 0 };
    fixture_shipped(&fixture, "edge-ring", "tiny");
    report_case_init(&c, &fixture.problem, 1, MAPPING_BY_LAYER, GRANULARITY_LAYER);
    for (uint64_t i = 0; i < 230000; i++) {
        const struct trace_interval at = { .start_ps = 10 * i,
                                           .end_ps = 10 * i + (i % 2 ? 2 : 3),
                                           .resource = TRACE_LINK,
                                           .what = TRACE_TRANSFER,
                                           .bytes = 1 };
        trace_add(&trace, &at);
    }
    c.report.trace = &trace;
    report_trace_json(&c.report, &out);
    json_t *root = parse(&out);
    const json_t *metadata = json_object_get(root, "metadata");
    struct slice *slices;
    size_t count = read_slices(json_object_get(root, "traceEvents"), &slices), longer = 0;
    CHECK_INT(200000, count);
    CHECK_INT(230000 + fixture.problem.layer_count, integer(metadata, "slices"));
    CHECK_STR("the shortest slices are left out",
              json_string_value(json_object_get(metadata, "note")));
    for (size_t i = 0; i < count; i++)
        longer += slices[i].end_ps - slices[i].start_ps >= 3;
    CHECK_INT(115000 + fixture.problem.layer_count, longer); /* none of those was dropped */
    free(slices);
    json_decref(root);
    text_release(&out);
    trace_release(&trace);
    report_case_release(&c);
    fixture_release(&fixture);
}

/* --- the folder ------------------------------------------------------------------------------ */

TEST(report_write_dir__new_folder__eight_whole_files)
{
    static const char *const names[] = { "mapping.json", "resolved.json",   "layers.csv",
                                         "networks.csv", "convergence.csv", "trace.json",
                                         "result.json",  "report.html" };
    struct fixture fixture;
    struct report_case c;
    struct mapping_file file;
    fixture_shipped(&fixture, "edge-ring", "tiny");
    report_case_init(&c, &fixture.problem, 1, MAPPING_BY_GROUP, GRANULARITY_LAYER);
    char *dir = file_join(test_temp_dir(), "a/b");
    CHECK_OK(report_write_dir(&c.report, dir, err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = file_join(dir, names[i]), *text;
        size_t bytes;
        CHECK_OK(file_read(path, &text, &bytes, err));
        CHECK(bytes > 0 && text[bytes - 1] == '\n');
        free(text);
        if (i == 0) {
            CHECK_OK(mapping_load(&fixture.problem, path, &file, err));
            CHECK_INT(c.sim.schedule.makespan_ps, file.schedule.makespan_ps);
            mapping_file_release(&file);
        }
        free(path);
    }
    free(dir);
    report_case_release(&c);
    fixture_release(&fixture);
}
