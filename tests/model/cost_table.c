/* The table of costs: allotments, memory times, and what is said where no accelerator will do. */
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/text.h"
#include "cost/cost.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* Two equal NVDLAs and a TPU on a line of three places; memory beside the first. */
#define SOC(memory, nvdla_extra)                                                                   \
    "{ \"socweave\": \"soc/1\", \"name\": \"line\","                                               \
    "  \"network\": { \"topology\": \"mesh\", \"columns\": 3, \"rows\": 1,"                        \
    "    \"link_bytes_per_s\": 1e9, \"hop_latency_ns\": 10, \"switching\": \"store-and-forward\" " \
    "},"                                                                                           \
    "  \"accelerators\": ["                                                                        \
    "    { \"name\": \"nvdla\", \"count\": 2, \"places\": [[0, 0], [1, 0]], \"clock_hz\": 200e6,"  \
    "      \"pe_rows\": 64, \"pe_cols\": 64, \"dataflow\": \"nvdla-ws\", \"supports\": "           \
    "[\"conv\"],"                                                                                  \
    "      \"scratchpad_bytes\": 1e6 " nvdla_extra "},"                                            \
    "    { \"name\": \"tpu\", \"place\": [2, 0], \"clock_hz\": 200e6, \"pe_rows\": 64,"            \
    "      \"pe_cols\": 64, \"dataflow\": \"tpu-os\", \"supports\": [\"conv\", \"gemm\"],"         \
    "      \"scratchpad_bytes\": 1e6 } ],"                                                         \
    "  \"memory\": [" memory "],"                                                                  \
    "  \"energy\": { \"mac_pj\": 1, \"register_pj_per_byte\": 0, \"scratchpad_pj_per_byte\": 0,"   \
    "    \"hop_pj_per_byte\": 2, \"memory_pj_per_byte\": 100, \"pe_idle_pj_per_cycle\": 0 } }"
#define DRAM      "{ \"name\": \"dram\", \"place\": [0, 0], \"bytes_per_s\": 2e9, \"latency_ns\": 100 }"
#define UNLIMITED "{ \"name\": \"dram\", \"unlimited\": true }"
#define WORKLOAD                                                                                   \
    "{ \"socweave\": \"workload/1\", \"name\": \"w\", \"networks\": [ { \"graph\": \"g0.json\" } " \
    "] }"
/* A convolution of K=100 C=64 on 8 × 8, 3×3: weights 57600 B, input 6400 B, output 6400 B. */
#define CONV(op)                                                                                   \
    "{ \"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [ { \"name\": \"x\", \"shape\": "     \
    "[1, 64, 8, 8] } ], \"layers\": [ { \"name\": \"a\", \"op\": \"conv2d\", \"extents\": "        \
    "{ \"n\": 1, \"k\": 100, \"c\": 64, \"p\": 8, \"q\": 8, \"r\": 3, \"s\": 3 },"                 \
    " \"params\": { \"ph\": 1, \"pw\": 1 }, \"inputs\": [\"x\"] } " op " ] }"

static void load(struct fixture *f, const char *soc)
{
    const char *const graphs[] = { CONV("") };
    fixture_from_text(f, soc, WORKLOAD, graphs, 1);
}

TEST(cost_table__elastic__rows_of_whole_passes_widest_first)
{
    /* 64 rows of 64 PEs for K=100: 2 passes; trimmed 50, then 34 (3 passes), 25 (4), 20 (5), 17
     * (6), 15 (7), 13 (8), 12 (9), 10 (10), then a fifth more passes each time. */
    static const uint32_t rows[] = { 64, 50, 34, 25, 20, 17, 15, 13, 12, 10 };
    struct fixture f;
    load(&f, SOC(UNLIMITED, ""));
    size_t count = problem_option_count(&f.problem, 0, 0);
    CHECK_INT(16, count);
    for (uint32_t i = 0; i < 10; i++)
        CHECK_INT(64 * rows[i], problem_option(&f.problem, 0, 0, i)->pes);
    for (uint32_t i = 1; i < count; i++) {
        const struct layer_option *wide = problem_option(&f.problem, 0, 0, i - 1);
        const struct layer_option *narrow = problem_option(&f.problem, 0, 0, i);
        CHECK(narrow->pes < wide->pes);
        CHECK(narrow->cycles > wide->cycles || i == 1); /* option 1 is option 0 trimmed */
        uint64_t row_count = narrow->pes / 64, passes = (100 + row_count - 1) / row_count;
        CHECK_INT((100 + passes - 1) / passes, row_count);
    }
    fixture_release(&f);
}

TEST(cost_table__rigid__natural_allotment_alone)
{
    struct fixture f;
    struct problem rigid;
    load(&f, SOC(UNLIMITED, ""));
    const struct cost_options options = { .sharing = COST_SHARING_FIXED };
    CHECK_OK(cost_build_problem(&f.soc, &f.workload, &options, &rigid, err));
    CHECK_INT(1, problem_option_count(&rigid, 0, 0));
    CHECK_INT(4096, problem_option(&rigid, 0, 0, 0)->pes);
    problem_release(&rigid);
    fixture_release(&f);
}

TEST(cost_table__tiled__natural_first_then_widest)
{
    struct fixture f;
    struct problem tiled;
    load(&f, SOC(UNLIMITED, ""));
    const struct cost_options options = { .sharing = COST_SHARING_TILED };
    CHECK_OK(cost_build_problem(&f.soc, &f.workload, &options, &tiled, err));
    for (uint32_t acc = 0; acc < 3; acc++) {
        size_t count = problem_option_count(&tiled, 0, acc);
        CHECK(count > 1 && count <= 12);
        CHECK(memcmp(problem_option(&tiled, 0, acc, 0), problem_option(&f.problem, 0, acc, 0),
                     sizeof(struct layer_option)) == 0);
        for (uint32_t i = 1; i < count; i++) {
            const struct layer_option *option = problem_option(&tiled, 0, acc, i);
            CHECK(option->pes != problem_option(&tiled, 0, acc, 0)->pes);
            CHECK(i == 1 || option->pes < problem_option(&tiled, 0, acc, i - 1)->pes);
        }
    }
    problem_release(&tiled);
    fixture_release(&f);
}

TEST(cost_table__unlimited_memory__takes_no_time)
{
    struct fixture f;
    load(&f, SOC(UNLIMITED, ""));
    const struct layer_option *option = problem_option(&f.problem, 0, 2, 0);
    CHECK_INT(57600 + 4096, option->memory_read_bytes); /* weights and the graph's input */
    CHECK_INT(6400, option->memory_write_bytes);        /* nothing consumes the result */
    CHECK_INT(0, option->memory_read_ps);
    CHECK_INT(0, option->memory_write_ps);
    CHECK_NEAR((57600 + 4096 + 6400) * 100.0, option->energy.memory_pj, 1e-3);
    fixture_release(&f);
}

TEST(cost_table__memory_times__latency_service_and_route)
{
    /* Read 61696 B: 100 ns + 61696 B / 2 GB/s = 30848 ns, and per hop 61696 ns + 10 ns. Write 6400
     * B: 100 + 3200 ns, per hop 6410 ns. Every hop costs 2 pJ per byte. */
    struct fixture f;
    load(&f, SOC(DRAM, ""));
    for (uint32_t acc = 0; acc < 3; acc++) { /* as many hops as its number */
        const struct layer_option *option = problem_option(&f.problem, 0, acc, 0);
        CHECK_INT(1000 * (100 + 30848 + acc * UINT64_C(61706)), option->memory_read_ps);
        CHECK_INT(1000 * (100 + 3200 + acc * UINT64_C(6410)), option->memory_write_ps);
        CHECK_NEAR((61696 + 6400) * (100.0 + 2 * acc), option->energy.memory_pj, 1e-3);
        CHECK_NEAR(option->energy_pj, option->energy.mac_pj + option->energy.memory_pj, 1e-3);
    }
    fixture_release(&f);
}

TEST(cost_table__equal_accelerators__cost_the_same)
{
    struct fixture f;
    load(&f, SOC(UNLIMITED, ""));
    size_t count = problem_option_count(&f.problem, 0, 0);
    CHECK_INT(count, problem_option_count(&f.problem, 0, 1));
    CHECK(problem_option(&f.problem, 0, 0, 0) == problem_option(&f.problem, 0, 1, 0));
    fixture_release(&f);
}

TEST(cost_table__accelerators_at_other_distances__share_cycles_not_memory_times)
{
    struct fixture f;
    load(&f, SOC(DRAM, ""));
    size_t count = problem_option_count(&f.problem, 0, 0);
    CHECK_INT(count, problem_option_count(&f.problem, 0, 1));
    for (uint32_t i = 0; i < count; i++) {
        const struct layer_option *near = problem_option(&f.problem, 0, 0, i);
        const struct layer_option *far = problem_option(&f.problem, 0, 1, i);
        CHECK_INT(near->cycles, far->cycles);
        CHECK(near->memory_read_ps < far->memory_read_ps);
    }
    fixture_release(&f);
}

/* --- refusals -------------------------------------------------------------------------------- */

static void write_text(const char *dir, const char *name, const char *text)
{
    char *file = file_join(dir, name);
    CHECK_OK(file_write(file, text, strlen(text), err));
    free(file);
}

/* The message for a pair that cannot be built. */
static void check_refused(const char *soc_json, const char *graph_json, const char *message)
{
    struct soc soc;
    struct workload workload;
    struct problem problem;
    const char *dir = test_temp_dir();
    write_text(dir, "soc.json", soc_json);
    write_text(dir, "workload.json", WORKLOAD);
    write_text(dir, "g0.json", graph_json);
    char *soc_file = file_join(dir, "soc.json"), *workload_file = file_join(dir, "workload.json");
    CHECK_OK(soc_load(&soc, soc_file, err));
    CHECK_OK(workload_load(&workload, workload_file, err));
    struct err err = ERR_INIT;
    const struct cost_options options = { .sharing = COST_SHARING_ELASTIC };
    CHECK_INT(ERR_INFEASIBLE, cost_build_problem(&soc, &workload, &options, &problem, &err));
    CHECK_STR(message, err.text);
    workload_release(&workload);
    soc_release(&soc);
    free(soc_file);
    free(workload_file);
}

TEST(cost_table__unsupported_layer__is_named_with_what_to_add)
{
    check_refused(SOC(UNLIMITED, ""),
                  CONV(", { \"name\": \"b\", \"op\": \"softmax\", \"extents\": { \"b\": 1, \"m\": "
                       "1, \"n\": 6400 }, \"inputs\": [\"a\"] }"),
                  "layer \"g/b\" is of kind normalization, which no accelerator of \"line\" runs: "
                  "add \"normalization\" to \"supports\" of one");
}

TEST(cost_table__layer_too_large__is_named_with_what_it_needs)
{
    /* On one row of two PEs, 4 × 4 steps: two slices of 8 inputs, of 16 weights and of 2 outputs.
     */
    static const char tiny[] =
        "{ \"socweave\": \"soc/1\", \"name\": \"tiny\", \"network\": { \"topology\": \"bus\","
        " \"places\": 1, \"link_bytes_per_s\": 1e9 }, \"accelerators\": [ { \"name\": \"pe\","
        " \"place\": 0, \"clock_hz\": 200e6, \"pe_rows\": 2, \"pe_cols\": 2, \"dataflow\":"
        " \"systolic-os\", \"supports\": [\"gemm\"], \"scratchpad_bytes\": 51 } ], \"memory\":"
        " [" UNLIMITED "], \"energy\": { \"mac_pj\": 1, \"register_pj_per_byte\": 0,"
        " \"scratchpad_pj_per_byte\": 0, \"hop_pj_per_byte\": 2, \"memory_pj_per_byte\": 100,"
        " \"pe_idle_pj_per_cycle\": 0 } }";
    static const char gemm[] =
        "{ \"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [ { \"name\": \"x\", \"shape\":"
        " [4, 8] } ], \"layers\": [ { \"name\": \"a\", \"op\": \"gemm\", \"extents\": { \"m\": 4,"
        " \"n\": 8, \"k\": 8 }, \"inputs\": [\"x\"] } ] }";
    check_refused(
        tiny, gemm,
        "layer \"g/a\" fits no accelerator: on accelerator \"pe\" its smallest tiles need "
        "52 bytes of scratchpad, there are 51; raise \"scratchpad_bytes\"");
}
