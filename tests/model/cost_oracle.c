/*
 * The cost model against MAESTRO and SCALE-Sim, row by row. Where our counts differ on purpose,
 * the test says by how much at most, and docs/model.md ("Where other tools differ") why.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cost/cost.h"
#include "tests/model/cost_csv.h"
#include "tests/test.h"

/* MAESTRO's energy unit: one MAC; 1.68 per L1 access, 18.61 per L2 access. */
static const struct soc_energy maestro_energy = { .mac_pj = 1,
                                                  .register_pj_per_byte = 1.68,
                                                  .scratchpad_pj_per_byte = 18.61 };

/* --- MAESTRO --------------------------------------------------------------------------------- */

/* The tool's mapping → our dataflow. */
static const struct {
    const char *mapping, *dataflow;
} maestro_dataflows[] = {
    { "nvdla_ws", "nvdla-ws" },
    { "nvdla_gemm", "nvdla-ws" },
    { "shidiannao_os", "shidiannao-os" },
    { "shidiannao_dw", "shidiannao-os" },
    { "tpu_conv", "tpu-os" },
    { "tpu_gemm", "tpu-os" },
    { "rs_szr", "eyeriss-rs" },
};
#define MAPPINGS (sizeof maestro_dataflows / sizeof *maestro_dataflows)

static size_t maestro_mapping(const struct cost_csv *csv)
{
    for (size_t i = 0; i < MAPPINGS; i++)
        if (strcmp(maestro_dataflows[i].mapping, cost_csv_str(csv, "dataflow")) == 0)
            return i;
    test_fail(__FILE__, __LINE__, "unknown mapping %s", cost_csv_str(csv, "dataflow"));
}

static struct layer_shape maestro_shape(const struct cost_csv *csv)
{
    uint64_t k = cost_csv_u64(csv, "K"), c = cost_csv_u64(csv, "C");
    uint64_t p = cost_csv_u64(csv, "P"), q = cost_csv_u64(csv, "Q");
    uint64_t r = cost_csv_u64(csv, "R"), s = cost_csv_u64(csv, "S");
    uint32_t stride = (uint32_t)cost_csv_u64(csv, "stride");
    const char *type = cost_csv_str(csv, "type");
    struct layer_shape shape;
    if (strcmp(type, "GEMM") == 0)
        shape = cost_shape_gemm(cost_csv_u64(csv, "M"), cost_csv_u64(csv, "N"), k);
    else if (strcmp(type, "DSCONV") == 0)
        shape = cost_shape_depthwise(c, p, q, r, s, stride);
    else
        shape = cost_shape_conv(k, c, p, q, r, s, stride);
    CHECK_INT(cost_csv_u64(csv, "macs_ref"), shape.macs);
    return shape;
}

/* Our figures for a row, with the natural allotment. */
static struct layer_option maestro_cost(const struct cost_csv *csv)
{
    struct layer_shape shape = maestro_shape(csv);
    uint32_t pes = (uint32_t)cost_csv_u64(csv, "num_pes");
    struct soc_accelerator acc =
        cost_accelerator(maestro_dataflows[maestro_mapping(csv)].dataflow, pes / 16, 16);
    acc.scratchpad_bytes_per_cycle = cost_csv_u64(csv, "noc_bw");
    struct layer_option option;
    CHECK_OK(
        cost_layer(&shape, &acc, &maestro_energy, cost_natural_pes(&shape, &acc), &option, err));
    return option;
}

static bool counted_right(const struct cost_csv *csv)
{
    return cost_csv_u64(csv, "macs_tool") == cost_csv_u64(csv, "macs_ref");
}

TEST(cost_oracle__maestro_unbounded__equal_to_the_cycle)
{
    struct cost_csv csv;
    size_t rows[MAPPINGS] = { 0 };
    for (cost_csv_open(&csv, "tests/model/oracle/maestro.csv"); cost_csv_next(&csv);) {
        if (cost_csv_u64(&csv, "noc_bw") != 0 || !counted_right(&csv))
            continue;
        uint64_t ours = maestro_cost(&csv).cycles, theirs = cost_csv_u64(&csv, "cycles");
        if (ours != theirs)
            test_fail(__FILE__, __LINE__, "row %zu: expected %" PRIu64 ", got %" PRIu64,
                      csv.row_number, theirs, ours);
        rows[maestro_mapping(&csv)]++;
    }
    cost_csv_close(&csv);
    for (size_t i = 0; i < MAPPINGS; i++)
        CHECK(rows[i] > 0);
}

static int compare_real(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct errors {
    size_t count;
    double relative[4096];
};

static void add_error(struct errors *errors, double ours, double theirs)
{
    CHECK(errors->count < 4096);
    errors->relative[errors->count++] = fabs(ours / theirs - 1);
}

static void check_errors(struct errors *errors, const char *what, double median, double most)
{
    CHECK(errors->count > 0);
    qsort(errors->relative, errors->count, sizeof *errors->relative, compare_real);
    double got_median = errors->relative[errors->count / 2];
    double got_most = errors->relative[errors->count - 1];
    if (getenv("COST_ORACLE_PRINT"))
        printf("%s: %zu rows, median %.5f, most %.5f\n", what, errors->count, got_median, got_most);
    if (got_median > median || got_most > most)
        test_fail(__FILE__, __LINE__, "%s: median error %.5f (at most %.5f), largest %.5f (%.5f)",
                  what, got_median, median, got_most, most);
}

TEST(cost_oracle__maestro_bounded__within_three_thousandths_in_the_median)
{
    static struct errors errors[MAPPINGS];
    memset(errors, 0, sizeof errors);
    struct cost_csv csv;
    for (cost_csv_open(&csv, "tests/model/oracle/maestro.csv"); cost_csv_next(&csv);)
        if (cost_csv_u64(&csv, "noc_bw") != 0 && counted_right(&csv))
            add_error(&errors[maestro_mapping(&csv)], (double)maestro_cost(&csv).cycles,
                      cost_csv_real(&csv, "cycles"));
    cost_csv_close(&csv);
    for (size_t i = 0; i < MAPPINGS; i++)
        check_errors(&errors[i], maestro_dataflows[i].mapping, 0.003, 0.05);
}

TEST(cost_oracle__maestro_energy__within_tolerance)
{
    static struct errors errors[MAPPINGS];
    memset(errors, 0, sizeof errors);
    struct cost_csv csv;
    for (cost_csv_open(&csv, "tests/model/oracle/maestro.csv"); cost_csv_next(&csv);)
        if (cost_csv_u64(&csv, "noc_bw") == 0 && counted_right(&csv))
            add_error(&errors[maestro_mapping(&csv)], maestro_cost(&csv).energy_pj,
                      cost_csv_real(&csv, "e_total_macu"));
    cost_csv_close(&csv);
    for (size_t i = 0; i < MAPPINGS; i++)
        check_errors(&errors[i], maestro_dataflows[i].mapping, 0.02, 0.15);
}

/*
 * With a stride the tool counts up to 3.1 times the MACs of an output stationary convolution, and
 * tiles by input columns. Ours never take longer, and do the MACs that there are.
 */
TEST(cost_oracle__maestro_counts_too_many_macs__ours_are_no_slower)
{
    struct cost_csv csv;
    size_t rows = 0, faster = 0;
    for (cost_csv_open(&csv, "tests/model/oracle/maestro.csv"); cost_csv_next(&csv);) {
        if (counted_right(&csv) || cost_csv_u64(&csv, "noc_bw") != 0)
            continue;
        struct layer_option option = maestro_cost(&csv);
        CHECK(option.cycles <= cost_csv_u64(&csv, "cycles"));
        CHECK(option.cycles * option.pes >= cost_csv_u64(&csv, "macs_ref"));
        faster += option.cycles < cost_csv_u64(&csv, "cycles");
        rows++;
    }
    cost_csv_close(&csv);
    CHECK(rows > 0 && faster > 0);
}

/* --- SCALE-Sim ------------------------------------------------------------------------------- */

static struct layer_shape scalesim_shape(const struct cost_csv *csv)
{
    struct layer_shape shape;
    if (strcmp(cost_csv_str(csv, "type"), "GEMM") == 0)
        shape = cost_shape_gemm(cost_csv_u64(csv, "M_gemm"), cost_csv_u64(csv, "N_gemm"),
                                cost_csv_u64(csv, "K_gemm"));
    else
        shape =
            cost_shape_conv(cost_csv_u64(csv, "K"), cost_csv_u64(csv, "C"), cost_csv_u64(csv, "P"),
                            cost_csv_u64(csv, "Q"), cost_csv_u64(csv, "R"), cost_csv_u64(csv, "S"),
                            (uint32_t)cost_csv_u64(csv, "stride"));
    CHECK_INT(cost_csv_u64(csv, "macs"), shape.macs);
    return shape;
}

/*
 * Cycles on every row; SCALE-Sim prints the index of the last cycle, hence the 1. SRAM traffic on
 * every row too, but for its ofmap writes under output stationary, which it over-counts by
 * folds * (rows + cols).
 */
TEST(cost_oracle__scalesim__equal_on_every_row)
{
    struct cost_csv csv;
    size_t rows = 0;
    for (cost_csv_open(&csv, "tests/model/oracle/scalesim.csv"); cost_csv_next(&csv); rows++) {
        char dataflow[32];
        snprintf(dataflow, sizeof dataflow, "systolic-%s", cost_csv_str(&csv, "dataflow"));
        struct layer_shape shape = scalesim_shape(&csv);
        struct soc_accelerator acc =
            cost_accelerator(dataflow, (uint32_t)cost_csv_u64(&csv, "array_rows"),
                             (uint32_t)cost_csv_u64(&csv, "array_cols"));
        struct layer_option option;
        CHECK_OK(cost_layer(&shape, &acc, &maestro_energy, cost_natural_pes(&shape, &acc), &option,
                            err));
        CHECK_INT(cost_csv_u64(&csv, "cycles"), option.cycles - 1);
        CHECK_INT(cost_csv_u64(&csv, "sram_ifmap_reads") + cost_csv_u64(&csv, "sram_filter_reads"),
                  option.scratchpad_read_bytes);
        if (strcmp(cost_csv_str(&csv, "dataflow"), "os") == 0)
            CHECK_INT(shape.output_bytes, option.scratchpad_write_bytes);
        else
            CHECK_INT(cost_csv_u64(&csv, "sram_ofmap_writes"), option.scratchpad_write_bytes);
    }
    cost_csv_close(&csv);
    CHECK(rows > 600);
}
