/* Area and power of a SoC: docs/model.md M-90 to M-94. */
#include "core/json.h"
#include "sweep/area.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* 256 x 256 PEs, 28 MiB, two places on a bus of 10 GB/s, 34 GB/s of memory. */
static void load_tpu(struct fixture *f)
{
    static const char *const graph =
        "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [{\"name\": \"x\", \"shape\": "
        "[16, 16]}], \"layers\": [{\"name\": \"a\", \"op\": \"gemm\", \"extents\": {\"m\": 16, "
        "\"n\": 16, \"k\": 16}, \"inputs\": [\"x\"]}]}";
    fixture_from_text(
        f,
        "{\"socweave\": \"soc/1\", \"name\": \"s\", \"network\": {\"topology\": \"bus\", "
        "\"places\": 2, \"link_bytes_per_s\": 10e9}, \"accelerators\": [{\"name\": \"tpu\", "
        "\"place\": 0, \"clock_hz\": 700e6, \"pe_rows\": 256, \"pe_cols\": 256, \"dataflow\": "
        "\"systolic-ws\", \"supports\": [\"gemm\"], \"scratchpad_bytes\": 29360128}], "
        "\"memory\": [{\"name\": \"ddr\", \"place\": 1, \"bytes_per_s\": 34e9, \"latency_ns\": "
        "0}], \"energy\": {\"mac_pj\": 0.25, \"register_pj_per_byte\": 1, "
        "\"scratchpad_pj_per_byte\": 4, \"hop_pj_per_byte\": 2, \"memory_pj_per_byte\": 100, "
        "\"pe_idle_pj_per_cycle\": 0.01}}",
        "{\"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [{\"graph\": "
        "\"g0.json\"}]}",
        &graph, 1);
}

TEST(sweep_area__tpu_v1__its_published_die)
{
    struct fixture f;
    load_tpu(&f);
    struct area_estimate e = area_of(&f.soc, &area_technology_default);
    CHECK_NEAR(79.429632, e.pe_mm2, 1e-9);   /* M-90: 65,536 · 1212 um² */
    CHECK_NEAR(112, e.scratchpad_mm2, 1e-9); /* M-91: 28 MiB · 4 */
    CHECK_NEAR(0.022, e.network_mm2, 1e-9);  /* M-92: 10 GB/s · 0.0022 */
    CHECK_NEAR(19.856, e.memory_mm2, 1e-9);  /* M-92: 34 GB/s · 0.584 */
    CHECK_NEAR(211.307632 * 0.566, e.other_mm2, 1e-9);
    CHECK_NEAR(331, e.area_mm2, 0.2); /* what it was fitted to: Jouppi et al., table 2 */
    fixture_release(&f);
}

TEST(sweep_area__power__by_hand)
{
    struct fixture f;
    load_tpu(&f);
    struct area_technology t = area_technology_default;
    struct area_estimate e = area_of(&f.soc, &t);
    /* M-94: 700 MHz · (65,536 · 0.25 + (256 + 256) · 4) pJ = 12.9024 W;
     * 10 GB/s · 2 pJ = 0.02 W; 34 GB/s · 100 pJ = 3.4 W */
    CHECK_NEAR(12.9024 + 0.02 + 3.4, e.dynamic_w, 1e-9);
    /* PEs: 700 MHz · 65,536 · 0.01 pJ = 0.458752 W; the rest by its area */
    CHECK_NEAR(0.458752 + (e.area_mm2 - e.pe_mm2) * 0.0846, e.leakage_w, 1e-9);
    CHECK_NEAR(e.dynamic_w + e.leakage_w, e.power_w, 1e-12);
    t.activity_frac = 0.5;
    CHECK_NEAR(0.5 * e.dynamic_w, area_of(&f.soc, &t).dynamic_w, 1e-12);
    fixture_release(&f);
}

static enum err_code read(const char *text, struct area_technology *out, struct err *err)
{
    size_t bytes = 0;
    while (text[bytes])
        bytes++;
    struct json_doc *doc = json_open_text("t.json", text, bytes);
    area_technology_read(json_root(doc), out);
    return json_close(doc, err);
}

TEST(sweep_area__node__scales_what_the_file_does_not_say)
{
    struct area_technology t;
    CHECK_OK(read("{\"node_nm\": 16, \"router_mm2_per_gb_s\": 7}", &t, err));
    CHECK_NEAR(606, t.pe_um2, 1e-9);                                /* M-93: · 0.5 */
    CHECK_NEAR(4 * 0.070 / 0.127, t.scratchpad_mm2_per_mib, 1e-12); /* M-93: cells */
    CHECK_NEAR(7, t.router_mm2_per_gb_s, 0);
    CHECK_NEAR(0.584, t.memory_mm2_per_gb_s, 0); /* pads do not shrink */
    CHECK(read("{\"node_nm\": 14}", &t, NULL) == ERR_VALUE);
    CHECK(read("{\"node\": 16}", &t, NULL) == ERR_KEY);
}
