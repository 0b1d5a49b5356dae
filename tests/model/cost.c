/* One test per equation M-01 to M-19; the arithmetic stands beside every number. */
#include "cost/cost.h"

#include <string.h>

#include "tests/model/cost_csv.h"
#include "tests/test.h"

static const struct soc_energy energy = { .mac_pj = 1,
                                          .register_pj_per_byte = 10,
                                          .scratchpad_pj_per_byte = 100,
                                          .memory_pj_per_byte = 1000 };

/* Cost with the natural allotment; fails the test on an error. */
static struct layer_option cost_of(const struct layer_shape *shape,
                                   const struct soc_accelerator *acc)
{
    struct layer_option option;
    CHECK_OK(cost_layer(shape, acc, &energy, cost_natural_pes(shape, acc), &option, err));
    return option;
}

/* --- M-01: cycles at unlimited bandwidth ------------------------------------------------------ */

TEST(cost__nvdla_conv__folds_times_window_plus_head)
{
    /* 256 PEs: 4 rows of 64. ceil(100/4) · ceil(70/64) · 5 · 6 · (9 + 1) + 1 */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_conv(100, 70, 5, 6, 3, 3, 1);
    CHECK_INT(25 * 2 * 30 * 10 + 1, cost_of(&shape, &acc).cycles);
}

TEST(cost__nvdla_gemm__one_mac_and_one_head_per_call)
{
    /* M=3 N=9 K=65 on 4 rows of 64: ceil(9/4) · ceil(65/64) · 3 · (1 + 1) + 1 */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_gemm(3, 9, 65);
    CHECK_INT(3 * 2 * 3 * 2 + 1, cost_of(&shape, &acc).cycles);
}

TEST(cost__nvdla_depthwise__channels_over_rows)
{
    /* 10 channels on 4 rows: ceil(10/4) · 5 · 6 · (9 + 1) + 1 */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_depthwise(10, 5, 6, 3, 3, 1);
    CHECK_INT(3 * 30 * 10 + 1, cost_of(&shape, &acc).cycles);
}

TEST(cost__tpu_gemm__ragged_reduction_tile_is_charged_in_full)
{
    /* M=3 N=130 K=20 on 2 rows of 128: ceil(3/2) · ceil(130/128) · ceil(20/16) · (16 + 1) + 1 */
    struct soc_accelerator acc = cost_accelerator("tpu-os", 16, 16);
    struct layer_shape shape = cost_shape_gemm(3, 130, 20);
    CHECK_INT(2 * 2 * 2 * 17 + 1, cost_of(&shape, &acc).cycles);
}

TEST(cost__shidiannao__output_columns_fold_by_64)
{
    /* 4 rows of 64. Depthwise: 5 channels · ceil(10/4) · ceil(70/64) · (9 + 1) + 1 */
    struct soc_accelerator acc = cost_accelerator("shidiannao-os", 16, 16);
    struct layer_shape shape = cost_shape_depthwise(5, 10, 70, 3, 3, 1);
    CHECK_INT(5 * 3 * 2 * 10 + 1, cost_of(&shape, &acc).cycles);
    /* Convolution, stride 2: 7 · 3 channels · ceil(10/4) · ceil(60/64) · (1 + 1) + 1 */
    shape = cost_shape_conv(7, 3, 10, 60, 1, 1, 2);
    CHECK_INT(21 * 3 * 1 * 2 + 1, cost_of(&shape, &acc).cycles);
    /* Product M=10 N=70 K=6: ceil(10/4) · ceil(70/64) · 6 · (1 + 1) + 1 */
    shape = cost_shape_gemm(10, 70, 6);
    CHECK_INT(3 * 2 * 6 * 2 + 1, cost_of(&shape, &acc).cycles);
}

TEST(cost__row_stationary__filter_rows_over_columns)
{
    /* 16 PEs, R=3: 5 rows. ceil(7/5) · Q=4 · C=2 · ceil(20/16) · (16 · 3 + 1) + 1 */
    struct soc_accelerator acc = cost_accelerator("eyeriss-rs", 4, 4);
    struct layer_shape shape = cost_shape_conv(20, 2, 7, 4, 3, 3, 1);
    CHECK_INT(2 * 4 * 2 * 2 * 49 + 1, cost_of(&shape, &acc).cycles);
    CHECK_INT(5 * 3, cost_of(&shape, &acc).pes);
}

TEST(cost__systolic__folds_times_fill_and_drain)
{
    /* M=10 N=5 K=7 on 8 × 4. OS: ceil(10/8) · ceil(5/4) · (7 + 8 + 4 - 2) */
    struct layer_shape shape = cost_shape_gemm(10, 5, 7);
    struct soc_accelerator acc = cost_accelerator("systolic-os", 8, 4);
    CHECK_INT(2 * 2 * 17, cost_of(&shape, &acc).cycles);
    /* WS: ceil(7/8) · ceil(5/4) · (10 + 2 · 8 + 4 - 2) */
    acc = cost_accelerator("systolic-ws", 8, 4);
    CHECK_INT(1 * 2 * 28, cost_of(&shape, &acc).cycles);
    /* IS: ceil(7/8) · ceil(10/4) · (5 + 2 · 8 + 4 - 2) */
    acc = cost_accelerator("systolic-is", 8, 4);
    CHECK_INT(1 * 3 * 23, cost_of(&shape, &acc).cycles);
}

TEST(cost__batch_and_groups__multiply_the_calls)
{
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_conv(100, 70, 5, 6, 3, 3, 1);
    shape.extent[ROLE_N] = 3;
    shape.extent[ROLE_G] = 2;
    cost_shape_finish(&shape);
    CHECK_INT(3 * 2 * 25 * 2 * 30 * 10 + 1, cost_of(&shape, &acc).cycles);
}

/* nvdla-ws without the un-overlapped head: 9 cycles per 3×3 call, nothing else. */
TEST(cost__head_latency_zero__is_an_ideally_pipelined_array)
{
    struct dataflow ideal = *dataflow_find("nvdla-ws");
    ideal.rules[OP_CONV].exposed_load = false;
    ideal.rules[OP_CONV].call_overhead_cycles = 0;
    ideal.rules[OP_CONV].start_cycles = 0;
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    acc.dataflow = &ideal;
    struct layer_shape shape = cost_shape_conv(8, 128, 5, 6, 3, 3, 1);
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_INT(2 * 2 * 30 * 9, option.cycles); /* ceil(8/4) · ceil(128/64) · 30 · 9 */
    CHECK_INT(shape.macs, option.cycles * option.pes);
}

/* --- M-02 to M-06: bounded bandwidth and traffic ---------------------------------------------- */

TEST(cost__bounded_bandwidth__operands_of_a_row_are_waited_for)
{
    /* K=2 C=64 P=1 Q=3 R=S=3 at 32 B/cycle. A row takes 64·9 inputs and 64·9 weights: 36 cycles,
     * so a call 9 + 36 = 45. First: 45 + (576 + 2·576)/32 = 45 + 54. Two steps along Q: 3 · 64 new
     * inputs (6 cycles) hide behind the call. 99 + 2 · 45 = 189. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    acc.scratchpad_bytes_per_cycle = 32;
    struct layer_shape shape = cost_shape_conv(2, 64, 1, 3, 3, 3, 1);
    CHECK_INT(189, cost_of(&shape, &acc).cycles);
}

TEST(cost__bounded_bandwidth__first_call_overlaps_nothing)
{
    /* M=N=128 K=16 at 32 B/cycle: a row takes 16 + 16·128 bytes, 65 cycles; the array 2 · 128 · 16
     * bytes, 128 cycles: 16 + 65 + 128. One call, so the results' way out is not part of it. */
    struct soc_accelerator acc = cost_accelerator("tpu-os", 128, 128);
    acc.scratchpad_bytes_per_cycle = 32;
    struct layer_shape shape = cost_shape_gemm(128, 128, 16);
    CHECK_INT(209, cost_of(&shape, &acc).cycles);
}

TEST(cost__bounded_bandwidth__slowest_of_load_compute_store)
{
    /* K=32: one more call. Load 128 cycles, compute 81, store of 128 · 128 partial sums 512. */
    struct soc_accelerator acc = cost_accelerator("tpu-os", 128, 128);
    acc.scratchpad_bytes_per_cycle = 32;
    struct layer_shape shape = cost_shape_gemm(128, 128, 32);
    CHECK_INT(209 + 512, cost_of(&shape, &acc).cycles);
}

TEST(cost__outputs_stay__stores_only_finished_sums)
{
    struct dataflow stay = *dataflow_find("tpu-os");
    stay.rules[OP_GEMM].outputs_stay = true;
    struct soc_accelerator acc = cost_accelerator("tpu-os", 128, 128);
    acc.scratchpad_bytes_per_cycle = 32;
    acc.dataflow = &stay;
    struct layer_shape shape = cost_shape_gemm(128, 128, 32);
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_INT(209 + 128, option.cycles); /* as above, but the load is the slowest now */
    CHECK_INT(128 * 128, option.scratchpad_write_bytes);
}

TEST(cost__window_slides__only_new_columns_are_fetched)
{
    /* One channel, P=4 Q=5 R=3 S=2: a row of outputs needs 3·2 inputs, then 4 times 3·1: 18; four
     * rows 72. Weights 6 once. One output per call: 20. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_conv(1, 1, 4, 5, 3, 2, 1);
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_INT(72 + 6, option.scratchpad_read_bytes);
    CHECK_INT(20, option.scratchpad_write_bytes);
}

TEST(cost__stride_beyond_window__skips_inputs)
{
    /* Stride 3, window 1 × 2: every output has its own 2 inputs; nothing is shared, nothing read
     * in between. 4 · 5 · 2 inputs, 2 weights. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_conv(1, 1, 4, 5, 1, 2, 3);
    CHECK_INT(40 + 2, cost_of(&shape, &acc).scratchpad_read_bytes);
}

TEST(cost__ragged_row_fold__moves_only_what_there_is)
{
    /* K=5 on 4 rows, 1×1, C=64, P=1 Q=2: folds of 4 and 1. Per fold 2 pixels of 64 inputs; weights
     * 5 · 64 in all; outputs 2 · 5. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_conv(5, 64, 1, 2, 1, 1, 1);
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_INT(2 * 2 * 64 + 5 * 64, option.scratchpad_read_bytes);
    CHECK_INT(10, option.scratchpad_write_bytes);
}

TEST(cost__ragged_channel_tile__row_is_fed_as_a_whole)
{
    /* C=65: two tiles of 64 are moved. K=1, one pixel: 128 inputs, 128 weights, 2 partial sums. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_conv(1, 65, 1, 1, 1, 1, 1);
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_INT(128 + 128, option.scratchpad_read_bytes);
    CHECK_INT(2, option.scratchpad_write_bytes);
}

TEST(cost__systolic_traffic__streamed_operands_per_fold)
{
    /* M=10 N=5 K=20 on 8 × 4. OS: inputs 200 · 2 column folds, weights 100 · 2 row folds. */
    struct layer_shape shape = cost_shape_gemm(10, 5, 20);
    struct soc_accelerator acc = cost_accelerator("systolic-os", 8, 4);
    CHECK_INT(400 + 200, cost_of(&shape, &acc).scratchpad_read_bytes);
    CHECK_INT(50, cost_of(&shape, &acc).scratchpad_write_bytes);
    /* WS: inputs 200 · 2, weights once; sums leave for each of the ceil(20/8) row folds. */
    acc = cost_accelerator("systolic-ws", 8, 4);
    CHECK_INT(400 + 100, cost_of(&shape, &acc).scratchpad_read_bytes);
    CHECK_INT(150, cost_of(&shape, &acc).scratchpad_write_bytes);
    /* IS: inputs once, weights 100 · ceil(10/4). */
    acc = cost_accelerator("systolic-is", 8, 4);
    CHECK_INT(200 + 300, cost_of(&shape, &acc).scratchpad_read_bytes);
}

/* --- M-07, M-08: tiles in the scratchpad, traffic with memory --------------------------------- */

TEST(cost__tiles__cut_along_what_arrives)
{
    /* M=128 N=768 K=768: 48 reduction tiles of 16 in 16 parts of 3. Two slices each of the inputs
     * (128 · 48) and weights (768 · 48), all 128 · 768 sums. */
    struct soc_accelerator acc = cost_accelerator("tpu-os", 128, 128);
    struct layer_shape shape = cost_shape_gemm(128, 768, 768);
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_INT(16, option.tiles);
    CHECK_INT(2 * 6144 + 2 * 36864 + 98304, option.scratchpad_bytes);
    CHECK_INT(768 * 768, option.memory_read_bytes);
    CHECK_INT(0, option.memory_write_bytes);
}

TEST(cost__tiles__rows_of_a_convolution_carry_their_halo)
{
    /* C=64 is one tile, so 32 output rows are cut in 16 parts of 2: 4 of 34 input rows each. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 128, 128);
    struct layer_shape shape = cost_shape_conv(64, 64, 32, 32, 3, 3, 1);
    struct layer_option option = cost_of(&shape, &acc);
    uint64_t input = 64 * 34 * 34, weights = 64 * 64 * 9, output = 64 * 32 * 32;
    CHECK_INT(16, option.tiles);
    CHECK_INT(2 * (input * 4 / 34) + weights + 2 * (output / 16), option.scratchpad_bytes);
}

/* M=4 N=8 K=8 on a 2 × 2 output stationary array: inputs 32 B, weights 64 B, outputs 32 B. */
static enum err_code cost_small(uint64_t scratchpad_bytes, struct layer_option *option,
                                struct err *err)
{
    struct soc_accelerator acc = cost_accelerator("systolic-os", 2, 2);
    acc.scratchpad_bytes = scratchpad_bytes;
    struct layer_shape shape = cost_shape_gemm(4, 8, 8);
    return cost_layer(&shape, &acc, &energy, 4, option, err);
}

TEST(cost__scratchpad_tight__weights_are_fetched_again)
{
    /* Finest cut, 2 × 4 steps: two slices of inputs 2 · 16 and of outputs 2 · 4. With all 64
     * weights kept 104 bytes; with two slices of 16 of them 72, but they come twice. */
    struct layer_option option;
    CHECK_OK(cost_small(104, &option, err));
    CHECK_INT(104, option.scratchpad_bytes);
    CHECK_INT(64, option.memory_read_bytes);
    CHECK_OK(cost_small(103, &option, err));
    CHECK_INT(72, option.scratchpad_bytes);
    CHECK_INT(128, option.memory_read_bytes);
    CHECK_OK(cost_small(72, &option, err));
    CHECK_INT(72, option.scratchpad_bytes);
}

TEST(cost__scratchpad_too_small__says_how_much_is_needed)
{
    struct layer_option option = { .pes = 77 };
    struct err err = ERR_INIT;
    CHECK_INT(ERR_INFEASIBLE, cost_small(71, &option, &err));
    CHECK_STR("its smallest tiles need 72 bytes of scratchpad, there are 71; raise "
              "\"scratchpad_bytes\"",
              err.text);
    CHECK_INT(77, option.pes); /* untouched */
}

TEST(cost__fed_weights__are_no_constants)
{
    /* Both operands come from producers: nothing is read from memory. */
    struct soc_accelerator acc = cost_accelerator("tpu-os", 128, 128);
    struct layer_shape shape = cost_shape_gemm(128, 128, 64);
    shape.input_bytes += shape.weight_bytes;
    shape.weight_bytes = 0;
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_INT(0, option.memory_read_bytes);
    /* 4 parts of 16: two slices of 128 · 16 of each operand, all sums. */
    CHECK_INT(4, option.tiles);
    CHECK_INT(2 * 2048 + 2 * 2048 + 128 * 128, option.scratchpad_bytes);
}

TEST(cost__graph_inputs_and_results__pass_memory_once)
{
    struct soc_accelerator acc = cost_accelerator("tpu-os", 128, 128);
    struct layer_shape shape = cost_shape_gemm(128, 128, 64);
    shape.external_bytes = 100;
    shape.is_sink = 1;
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_INT(128 * 64 + 100, option.memory_read_bytes);
    CHECK_INT(128 * 128, option.memory_write_bytes);
}

/* --- M-09: PEs ------------------------------------------------------------------------------- */

TEST(cost__pes_used__are_those_of_comb)
{
    struct soc_accelerator nvdla = cost_accelerator("nvdla-ws", 128, 128);
    struct soc_accelerator shidiannao = cost_accelerator("shidiannao-os", 128, 128);
    struct soc_accelerator tpu = cost_accelerator("tpu-os", 128, 128);
    struct layer_shape conv = cost_shape_conv(96, 3, 55, 55, 11, 11, 4);
    struct layer_shape wide = cost_shape_conv(1000, 3, 55, 55, 11, 11, 4);
    struct layer_shape depthwise = cost_shape_depthwise(32, 112, 112, 3, 3, 1);
    struct layer_shape gemm = cost_shape_gemm(5, 7, 768);
    CHECK_INT(64 * 96, cost_natural_pes(&conv, &nvdla)); /* min(64 K, 16384) */
    CHECK_INT(16384, cost_natural_pes(&wide, &nvdla));
    CHECK_INT(64 * 7, cost_natural_pes(&gemm, &nvdla));             /* min(64 N, 16384) */
    CHECK_INT(64 * 112, cost_natural_pes(&depthwise, &shidiannao)); /* min(64 rows, 16384) */
    CHECK_INT(128 * 5, cost_natural_pes(&gemm, &tpu));              /* min(128 M, 16384) */
    CHECK_INT(5, cost_natural_rows(&gemm, &tpu));
}

TEST(cost__small_array__cluster_shrinks_to_it)
{
    /* 16 PEs cannot hold a cluster of 64: one row of 16. ceil(32/16) · 2 · (1 + 1) + 1 */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 4, 4);
    struct layer_shape shape = cost_shape_conv(2, 32, 1, 1, 1, 1, 1);
    CHECK_INT(16, cost_natural_pes(&shape, &acc));
    CHECK_INT(2 * 2 * 2 + 1, cost_of(&shape, &acc).cycles);
}

TEST(cost__unsupported__says_so)
{
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_gemm(3, 4, 5);
    struct layer_option option;
    struct err err = ERR_INIT;
    acc.supports = 1u << OP_CONV;
    CHECK_INT(0, cost_natural_pes(&shape, &acc));
    CHECK_INT(ERR_INFEASIBLE, cost_layer(&shape, &acc, &energy, 64, &option, &err));
    CHECK_STR("accelerator \"nvdla-ws\" does not support gemm", err.text);

    struct dataflow conv_only = *acc.dataflow;
    conv_only.rules[OP_GEMM].present = false;
    acc.dataflow = &conv_only;
    acc.supports |= 1u << OP_GEMM;
    err = (struct err)ERR_INIT;
    CHECK_INT(0, cost_natural_pes(&shape, &acc));
    CHECK_INT(ERR_INFEASIBLE, cost_layer(&shape, &acc, &energy, 64, &option, &err));
    CHECK_STR("dataflow \"nvdla-ws\" of \"nvdla-ws\" has no rule for gemm", err.text);
}

TEST(cost__huge_extents__overflow_is_reported)
{
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_gemm(1, 1, 1);
    struct layer_option option;
    shape.extent[ROLE_P] = shape.extent[ROLE_K] = shape.extent[ROLE_C] = UINT64_C(1) << 31;
    CHECK_INT(ERR_OVERFLOW, cost_layer(&shape, &acc, &energy, 256, &option, NULL));
}

/* --- M-10, M-11, M-15: energy ----------------------------------------------------------------- */

TEST(cost__energy__is_the_sum_of_its_accesses)
{
    /* The layer of window_slides: 120 MACs. Registers 4 · 120 + 72 + 6 bytes; scratchpad 78 read
     * and 20 written by the array, 6 · 6 inputs and 6 weights filled, 20 outputs drained; memory 6.
     */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_conv(1, 1, 4, 5, 3, 2, 1);
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_NEAR(120, option.energy.mac_pj, 1e-9);
    CHECK_NEAR(5580, option.energy.register_pj, 1e-9);
    CHECK_NEAR(16000, option.energy.scratchpad_pj, 1e-9);
    CHECK_NEAR(6000, option.energy.memory_pj, 1e-9);
    CHECK_NEAR(120 + 5580 + 16000 + 6000, option.energy_pj, 1e-9);
}

/* --- M-12, M-13, M-14: the vector unit -------------------------------------------------------- */

static struct layer_shape softmax_4x100(void)
{
    struct layer_shape shape = cost_shape_gemm(4, 100, 1);
    shape.kind = OP_NORMALIZATION;
    shape.passes = 2;
    shape.macs = shape.weight_bytes = 0;
    shape.input_bytes = shape.output_bytes = 400;
    return shape;
}

TEST(cost__vector_layer__lanes_or_bandwidth)
{
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = softmax_4x100();
    acc.vector_lanes = 16;
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_INT(16, option.pes);
    CHECK_INT(400 * 2 / 16, option.cycles);
    CHECK_INT(800, option.scratchpad_read_bytes);
    CHECK_INT(400, option.scratchpad_write_bytes);
    /* Two passes keep a row: 4 steps, two slices of 800/4 bytes. */
    CHECK_INT(4, option.tiles);
    CHECK_INT(2 * 200, option.scratchpad_bytes);
    acc.scratchpad_bytes_per_cycle = 16; /* 800 read and 400 written */
    CHECK_INT(1200 / 16, cost_of(&shape, &acc).cycles);
}

TEST(cost__vector_layer__energy_per_operation)
{
    /* 800 operations at 1 pJ with two bytes of registers each; scratchpad 1200 of the unit, 400
     * filled, 400 drained. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = softmax_4x100();
    struct layer_option option = cost_of(&shape, &acc);
    CHECK_NEAR(800, option.energy.mac_pj, 1e-9);
    CHECK_NEAR(16000, option.energy.register_pj, 1e-9);
    CHECK_NEAR(200000, option.energy.scratchpad_pj, 1e-9);
}

TEST(cost__epilogue__hides_behind_the_array_or_not)
{
    /* 2 · 2 · 30 · 10 + 1 = 1201 cycles of the array. */
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_conv(8, 128, 5, 6, 3, 3, 1);
    acc.vector_lanes = 4;
    shape.epilogue_elements = 4 * 1201;
    struct layer_option hidden = cost_of(&shape, &acc);
    CHECK_INT(1201, hidden.cycles);
    shape.epilogue_elements++;
    struct layer_option bound = cost_of(&shape, &acc);
    CHECK_INT(1202, bound.cycles);
    /* One more operation: 1 pJ and two register bytes. */
    CHECK_NEAR(1 + 20, bound.energy_pj - hidden.energy_pj, 1e-6);
}

/* --- M-19: time ------------------------------------------------------------------------------ */

TEST(cost__compute_time__cycles_at_the_clock_rounded_up)
{
    struct soc_accelerator acc = cost_accelerator("nvdla-ws", 16, 16);
    struct layer_shape shape = cost_shape_conv(100, 70, 5, 6, 3, 3, 1);
    CHECK_INT(15001 * UINT64_C(5000), cost_of(&shape, &acc).compute_ps); /* 200 MHz: 5 ns */
    acc.clock_hz = UINT64_C(3000000000);
    CHECK_INT(5000334, cost_of(&shape, &acc).compute_ps); /* 15001 / 3 ns = 5000333.3 ps */
}
