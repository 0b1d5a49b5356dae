/* Intrinsics as data: the built-in rows, register layouts, files, matrices. */
#include "intrinsics/intrin_machine.h"

#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "tests/model/match_case.h"
#include "tests/test.h"

TEST(intrin_table__names_of_the_documentation__exist)
{
    static const char *const names[] = {
        "wmma.m16n16k16.f16",  "wmma.m32n8k16.f16",     "wmma.m8n32k16.f16",
        "wmma.m16n16k16.bf16", "wmma.m32n8k16.bf16",    "wmma.m8n32k16.bf16",
        "wmma.m16n16k16.s8",   "wmma.m32n8k16.s8",      "wmma.m8n32k16.s8",
        "wmma.m16n16k16.u8",   "wmma.m32n8k16.u8",      "wmma.m8n32k16.u8",
        "mma.m16n8k16.f16",    "mma.m16n8k16.bf16",     "mma.m16n8k32.s8",
        "mma.m16n8k32.u8s8",   "wgmma.m64n256k16.f16",  "vnni.16x4",
        "vnni.8x48x4",         "vnni.7x32x4",           "avx512bf16.16x2",
        "arm.dot4.s8",         "amx.16x16x64.u8s8",     "wgmma.m64n256k32.u8s8",
        "wgmma.m64n256k32.s8", "wgmma.m64n256k16.bf16",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct intrin intrin;
        CHECK_OK(intrin_find(names[i], &intrin, err));
        CHECK_STR(names[i], intrin.name);
    }
    struct intrin intrin;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_REFERENCE, intrin_find("wmma.m16n16k16.f61", &intrin, &err));
    CHECK_STR("unknown intrinsic 'wmma.m16n16k16.f61'; did you mean 'wmma.m16n16k16.f16'?",
              err.text);
}

TEST(intrin_table__every_row__is_complete)
{
    for (size_t i = 0; i < intrin_count; i++) {
        struct intrin intrin, again;
        intrin_builtin(i, &intrin);
        CHECK_STR(intrin_names()[i], intrin.name);
        CHECK(strlen(intrin.source) > 10);
        CHECK(strlen(intrin.machine->source) > 10);
        CHECK(intrin.interval_cycles > 0 && intrin.latency_cycles >= 0);
        for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
            CHECK(intrin.memory[t].path[0] != '\0' && intrin.memory[t].load[0] != '\0');
            struct intrin_layout layout;
            CHECK_OK(intrin_layout_parse(&intrin, t, &layout, err));
        }
        for (size_t j = 0; j < i; j++) {
            intrin_builtin(j, &again);
            CHECK(strcmp(intrin.name, again.name) != 0);
        }
    }
}

/* A name such as m16n8k32 or 8x48x4 says what the row's extents are. */
TEST(intrin_table__names__agree_with_extents)
{
    size_t checked = 0;
    for (size_t i = 0; i < intrin_count; i++) {
        struct intrin intrin;
        intrin_builtin(i, &intrin);
        const char *shape = strchr(intrin.name, '.');
        int extents[3] = { 0, 0, 0 };
        int count = sscanf(shape, ".m%dn%dk%d", &extents[0], &extents[1], &extents[2]);
        if (count < 1)
            count = sscanf(shape, ".%dx%dx%d", &extents[0], &extents[1], &extents[2]);
        if (count < 1)
            continue;
        CHECK_INT(count, intrin.expr.iter_count);
        for (int x = 0; x < count; x++)
            CHECK_INT(extents[x], intrin.expr.iters[x].extent);
        checked++;
    }
    CHECK(checked >= 28);
}

/* --- layouts -----------------------------------------------------------------------------------
 */

static void layout_of(const char *name, size_t operand, struct intrin_layout *out)
{
    struct intrin intrin;
    CHECK_OK(intrin_find(name, &intrin, err));
    CHECK_OK(intrin_layout_parse(&intrin, operand, out, err));
    CHECK(!out->opaque);
}

static void check_at(const struct intrin_layout *layout, uint32_t lane, uint32_t reg,
                     uint32_t element, int64_t i, int64_t j, int64_t k)
{
    int64_t at[INTRIN_AXES_MAX];
    intrin_layout_at(layout, (uint32_t[INTRIN_PLACES_MAX]){ lane, reg, element }, at);
    if (at[0] != i || at[1] != j || at[2] != k)
        test_fail(__FILE__, __LINE__,
                  "lane %u register %u element %u: expected (%d,%d,%d), got (%d,%d,%d)", lane, reg,
                  element, (int)i, (int)j, (int)k, (int)at[0], (int)at[1], (int)at[2]);
}

/*
 * PTX ISA, fragments of mma.m16n8k16 with f16: element e of A is at row g (e < 2 or 4 <= e < 6) or
 * g + 8, column 2t + e%2 (+ 8 for e >= 4); of B at row 2t + e%2 (+ 8 for e >= 2), column g; of C
 * at row g (+ 8 for e >= 2), column 2t + e%2; g = lane / 4, t = lane % 4.
 */
TEST(intrin_layout__mma_m16n8k16__as_in_the_manual)
{
    struct intrin_layout a, b, c;
    layout_of("mma.m16n8k16.f16", 1, &a);
    layout_of("mma.m16n8k16.f16", 2, &b);
    layout_of("mma.m16n8k16.f16", 0, &c);
    for (uint32_t lane = 0; lane < 32; lane++) {
        int64_t g = lane / 4, t = lane % 4;
        for (uint32_t e = 0; e < 8; e++) {
            int64_t row = e < 2 || (e >= 4 && e < 6) ? g : g + 8;
            check_at(&a, lane, e / 2, e % 2, row, 0, 2 * t + e % 2 + (e >= 4 ? 8 : 0));
        }
        for (uint32_t e = 0; e < 4; e++) {
            check_at(&b, lane, e / 2, e % 2, 0, g, 2 * t + e % 2 + (e >= 2 ? 8 : 0));
            check_at(&c, lane, e / 2, e % 2, e < 2 ? g : g + 8, 2 * t + e % 2, 0);
        }
    }
}

/* The same with 8-bit elements, m16n8k32: four to a register. */
TEST(intrin_layout__mma_m16n8k32__as_in_the_manual)
{
    struct intrin_layout a, b;
    layout_of("mma.m16n8k32.u8s8", 1, &a);
    layout_of("mma.m16n8k32.u8s8", 2, &b);
    for (uint32_t lane = 0; lane < 32; lane++) {
        int64_t g = lane / 4, t = lane % 4;
        for (uint32_t e = 0; e < 16; e++) {
            int64_t row = e < 4 || (e >= 8 && e < 12) ? g : g + 8;
            check_at(&a, lane, e / 4, e % 4, row, 0, 4 * t + e % 4 + (e >= 8 ? 16 : 0));
        }
        for (uint32_t e = 0; e < 8; e++)
            check_at(&b, lane, e / 4, e % 4, 0, g, 4 * t + e % 4 + (e >= 4 ? 16 : 0));
    }
}

/* wgmma's D: warp w holds rows 16w…; register r: columns 8·(r/4) + 2t + r%2, row + 8 for r%4 >= 2.
 */
TEST(intrin_layout__wgmma__as_in_the_manual)
{
    struct intrin_layout d;
    layout_of("wgmma.m64n256k16.f16", 0, &d);
    for (uint32_t thread = 0; thread < 128; thread++) {
        int64_t row = thread / 32 * 16 + thread % 32 / 4, t = thread % 4;
        for (uint32_t r = 0; r < 128; r++)
            check_at(&d, thread, r, 0, row + (r % 4 >= 2 ? 8 : 0), r / 4 * 8 + 2 * t + r % 2, 0);
    }
}

/* vpdpbusd: lane i of the accumulator takes bytes 4i … 4i+3 of B, and the same 4 bytes of A. */
TEST(intrin_layout__vnni__lanes_and_broadcast)
{
    struct intrin_layout a, b;
    layout_of("vnni.16x4", 1, &a);
    layout_of("vnni.16x4", 2, &b);
    for (uint32_t lane = 0; lane < 16; lane++) {
        for (uint32_t byte = 0; byte < 4; byte++) {
            int64_t at[INTRIN_AXES_MAX];
            intrin_layout_at(&a, (uint32_t[INTRIN_PLACES_MAX]){ lane, byte }, at);
            CHECK(at[0] == 0 && at[1] == byte);
            intrin_layout_at(&b, (uint32_t[INTRIN_PLACES_MAX]){ lane, byte }, at);
            CHECK(at[0] == lane && at[1] == byte);
        }
    }
}

TEST(intrin_layout__wrong_texts__are_refused)
{
    static const struct {
        const char *layout;
        enum err_code code;
        const char *message;
    } rows[] = {
        { "lane i4", ERR_SYNTAX,
          "layout of C: expected the name of a place and ':' at column 1 of \"lane i4\"" },
        { "lane: x4", ERR_SYNTAX,
          "layout of C: expected an axis of the intrinsic or '-' at column 7 of \"lane: x4\"" },
        { "lane: i", ERR_SYNTAX, "layout of C: expected a number at column 8 of \"lane: i\"" },
        { "lane: i0", ERR_SYNTAX,
          "layout of C: expected a number of 1..65536 at column 8 of \"lane: i0\"" },
        { "lane:", ERR_SYNTAX,
          "layout of C: expected a factor such as i8 at column 6 of \"lane:\"" },
        { "lane: i4", ERR_VALUE, "layout of C: 4 slots for 16 elements" },
        { "lane: i4 i4", ERR_VALUE, "layout of C: element 0 stands in 1 slots, expected 1" },
        { "lane: i4 j2*2", ERR_VALUE, "layout of C: 8 slots for 16 elements" },
        { "lane: i4 j2; reg: j2", ERR_VALUE,
          "layout of C: element 0 stands in 1 slots, expected 1" },
        { "a: i4; b: j4; c: -2; d: -2; e: -2", ERR_SYNTAX,
          "layout of C: expected the end (a layout has at most 4 places) at column 29 of "
          "\"a: i4; b: j4; c: -2; d: -2; e: -2\"" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct intrin intrin;
        struct intrin_layout layout;
        struct err err = ERR_INIT;
        match_small("C[i,j] += A[i,k] * B[k,j]", "i=4 j=4 k=4", &intrin);
        intrin.memory[0].layout = rows[i].layout;
        enum err_code code = intrin_layout_parse(&intrin, 0, &layout, &err);
        CHECK_INT(rows[i].code, code);
        if (code == ERR_SYNTAX || strstr(rows[i].message, "slots for") != NULL)
            CHECK_STR(rows[i].message, err.text);
    }
}

/* --- matrices ----------------------------------------------------------------------------------
 */

static void check_matrix(const struct intrin_matrix *m, const char *const *rows)
{
    for (size_t r = 0; r < m->rows; r++) {
        CHECK_INT(strlen(rows[r]), m->columns);
        for (size_t c = 0; c < m->columns; c++)
            CHECK_INT(rows[r][c] == '1', m->at[r][c]);
    }
}

/* AMOS's worked example: C2D with columns n k p q c r s, i <- n p q, j <- k, k <- c r s. */
TEST(intrin_matrices__conv2d__worked_example)
{
    struct intrin intrin;
    struct expr expr;
    match_small("C[i,j] += A[i,k] * B[k,j]", "i=2 j=2 k=2", &intrin);
    match_op_cube("conv2d", 3, &expr);
    struct intrin_mapping mapping = { { 0x0d, 0x02, 0x70 } };
    struct intrin_matrix x = intrin_access_matrix(&expr);
    struct intrin_matrix z = intrin_access_matrix(&intrin.expr);
    struct intrin_matrix y = intrin_matching_matrix(&intrin, &expr, &mapping);
    check_matrix(&x, (const char *const[]){ "1011111", "0100111", "1111000" });
    check_matrix(&y, (const char *const[]){ "1011000", "0100000", "0000111" });
    check_matrix(&z, (const char *const[]){ "101", "011", "110" });
    struct intrin_matrix back = intrin_matrix_transpose(&y);
    struct intrin_matrix x_again = intrin_matrix_product(&z, &y);
    struct intrin_matrix z_again = intrin_matrix_product(&x, &back);
    check_matrix(&x_again, (const char *const[]){ "1011111", "0100111", "1111000" });
    check_matrix(&z_again, (const char *const[]){ "101", "011", "110" });
    CHECK(intrin_mapping_is_valid(&intrin, &expr, &mapping));
}

TEST(intrin_matrices__each_direction__refuses_something)
{
    struct intrin intrin;
    struct expr expr;
    match_small("C[i,j] += A[i,k] * B[k,j]", "i=2 j=2 k=2", &intrin);
    match_op_cube("gemm", 3, &expr); /* m n k */
    struct intrin_mapping right = { { 1, 2, 4 } }, swapped = { { 2, 1, 4 } },
                          empty = { { 1, 2, 0 } }, both = { { 5, 2, 4 } };
    CHECK(intrin_mapping_is_valid(&intrin, &expr, &right));
    CHECK(!intrin_mapping_is_valid(&intrin, &expr, &swapped)); /* Z * Y is not X */
    CHECK(!intrin_mapping_is_valid(&intrin, &expr, &empty));   /* X * Y^T is not Z */
    CHECK(!intrin_mapping_is_valid(&intrin, &expr, &both));    /* k on two axes */
}

/* --- types -------------------------------------------------------------------------------------
 */

TEST(intrin_types__must_fit_unless_adopted)
{
    struct intrin intrin;
    struct expr expr;
    struct err input = ERR_INIT, output = ERR_INIT;
    match_op_cube("gemm", 4, &expr); /* u8 s8 s32 */
    CHECK_OK(intrin_find("vnni.16x4", &intrin, err));
    CHECK_OK(intrin_types_fit(&intrin, &expr, err));
    expr.tensors[0].type = DT_U8; /* requantised afterwards */
    CHECK_OK(intrin_types_fit(&intrin, &expr, err));
    expr.tensors[0].type = DT_F32;
    CHECK_INT(ERR_TYPE, intrin_types_fit(&intrin, &expr, &output));
    CHECK_STR("vnni.16x4 accumulates in s32, but O is f32", output.text);
    CHECK_OK(intrin_find("mma.m16n8k16.f16", &intrin, err));
    CHECK_INT(ERR_TYPE, intrin_types_fit(&intrin, &expr, &input));
    CHECK_STR("mma.m16n8k16.f16 takes f16 as operand 1, but A is u8", input.text);
    intrin_adopt_types(&intrin, &expr);
    CHECK_OK(intrin_types_fit(&intrin, &expr, err));
    CHECK_INT(DT_F32, expr.tensors[0].type);
}

/* --- files -------------------------------------------------------------------------------------
 */

#define FILE_HEAD                                                                                  \
    "{ \"socweave\": \"intrinsic/1\", \"name\": \"npu.4x4x8\", \"source\": \"a test\",\n"
#define FILE_EXPR                                                                                  \
    "  \"expr\": \"C[i,j] += A[i,k] * B[k,j]\", \"extents\": { \"i\": 4, \"j\": 4, \"k\": 8 },\n"
#define FILE_OPERANDS                                                                              \
    "  \"operands\": [ { \"type\": \"s32\", \"layout\": \"lane: i4; slot: j4\" },\n"               \
    "    { \"type\": \"s8\", \"path\": \"memory > buffer\" }, { \"type\": \"s8\" } ],\n"
#define FILE_TIMES   "  \"interval_cycles\": 2, \"latency_cycles\": 6, \"block\": { \"i\": 2 },\n"
#define FILE_MACHINE "  \"machine\": \"zen5\" }\n"

static enum err_code load_text(const char *text, struct intrin *out, struct err *err)
{
    char file[512];
    snprintf(file, sizeof file, "%s/intrinsic.json", test_temp_dir());
    CHECK(file_write(file, text, strlen(text), NULL) == ERR_OK);
    return intrin_open(file, out, err);
}

TEST(intrin_load__complete_file__is_read)
{
    struct intrin intrin;
    CHECK_OK(load_text(FILE_HEAD FILE_EXPR FILE_OPERANDS FILE_TIMES FILE_MACHINE, &intrin, err));
    CHECK_STR("npu.4x4x8", intrin.name);
    CHECK_INT(8, intrin.expr.iters[2].extent);
    CHECK_INT(DT_S8, intrin.expr.tensors[1].type);
    CHECK_STR("memory > buffer", intrin.memory[1].path);
    CHECK_STR("opaque", intrin.memory[2].layout);
    CHECK_INT(2, intrin.block[0]);
    CHECK_INT(1, intrin.block[1]);
    CHECK_NEAR(2, intrin.interval_cycles, 0);
    CHECK_STR("zen5", intrin.machine->name);
    struct expr conv;
    match_op_cube("conv2d", 4, &conv);
    CHECK_INT(35, match_count(&intrin, &conv, INTRIN_AMOS, false));
    intrin_release(&intrin);
}

TEST(intrin_load__own_machine__is_read)
{
    struct intrin intrin;
    CHECK_OK(load_text(FILE_HEAD FILE_EXPR FILE_OPERANDS FILE_TIMES
                       "  \"machine\": { \"name\": \"npu\", \"clock_hz\": 1e9, \"units\": 4,\n"
                       "    \"chains\": 2, \"staging_bytes_per_s\": 64e9, \"granule_bytes\": 8,\n"
                       "    \"memory_bytes_per_s\": 10e9, \"cache_bytes\": 1e6 } }\n",
                       &intrin, err));
    CHECK_STR("npu", intrin.machine->name);
    CHECK_INT(4, intrin.machine->units);
    CHECK_INT(8, intrin.machine->granule_bytes);
    CHECK_NEAR(10e9, intrin.machine->memory_bytes_per_s, 0);
    intrin_release(&intrin);
}

TEST(intrin_machine__two_and_more_threads__by_hand)
{
    struct intrin_calibration c = { .name = "cpu",
                                    .command = "measured",
                                    .l2_bytes = 1e6,
                                    .rate_count = 2,
                                    .rates = { { .threads = 1,
                                                 .peak_ops_per_s = 1024e9,
                                                 .l1_bytes_per_s = 500e9,
                                                 .memory_bytes_per_s = 20e9,
                                                 .call_ns = 300 },
                                               { .threads = 4,
                                                 .peak_ops_per_s = 2048e9,
                                                 .l1_bytes_per_s = 1600e9,
                                                 .memory_bytes_per_s = 40e9,
                                                 .call_ns = 900 } } };
    const struct intrin_machine *base = intrin_machine_find("zen5");
    struct intrin_machine one = intrin_machine_at(&c, 1, base);
    CHECK_NEAR(4e9, one.clock_hz, 1); /* 1024e9 / (2 * 128) */
    CHECK_NEAR(500e9, one.staging_bytes_per_s, 1);
    CHECK_NEAR(20e9, one.memory_bytes_per_s, 0);
    CHECK_NEAR(1e6, one.cache_bytes, 0);
    CHECK_INT(base->chains, one.chains);
    struct intrin_machine two = intrin_machine_at(&c, 2, base); /* by the row of 4 */
    CHECK_INT(2, two.units);
    CHECK_NEAR(2e9, two.clock_hz, 1);
    CHECK_NEAR(400e9, two.staging_bytes_per_s, 1);
    CHECK_NEAR(40e9, two.memory_bytes_per_s, 0);
    c.rates[1].l1_bytes_per_s = 0;
    c.l3_bytes = 3e7;
    struct intrin_machine nine = intrin_machine_at(&c, 9, base);
    CHECK_INT(9, nine.units);
    CHECK_NEAR(2e9, nine.clock_hz, 1);
    CHECK_NEAR(base->staging_bytes_per_s, nine.staging_bytes_per_s, 0);
    CHECK_NEAR(3e7, nine.cache_bytes, 0);
}

TEST(intrin_machine__written__is_read_back)
{
    struct intrin_calibration c = { .name = "cpu",
                                    .version = "1",
                                    .command = "measured",
                                    .cores = 4,
                                    .samples = 3,
                                    .l1_bytes = 32768,
                                    .rate_count = 2,
                                    .rates = { { .threads = 1,
                                                 .peak_ops_per_s = 1e12,
                                                 .l1_bytes_per_s = 5e11,
                                                 .memory_bytes_per_s = 2e10,
                                                 .call_ns = 300 },
                                               { .threads = 4,
                                                 .peak_ops_per_s = 2e12,
                                                 .l2_bytes_per_s = 1e11,
                                                 .l3_bytes_per_s = 5e10,
                                                 .memory_bytes_per_s = 4e10,
                                                 .call_ns = 900,
                                                 .l1_write_bytes_per_s = 1e11,
                                                 .chain_ns = 1.05,
                                                 .tile_ns = 6,
                                                 .pack_across_bytes_per_s = 2e9,
                                                 .lanes_quad_ns = 7,
                                                 .epilogue_elements_per_s = 4e9 } } };
    struct intrin_calibration back;
    struct arena *arena = arena_new();
    struct text text = { 0 };
    char file[512];
    snprintf(file, sizeof file, "%s/machine.json", test_temp_dir());
    intrin_calibration_json(&c, &text);
    CHECK(file_write(file, text.data, text.bytes, NULL) == ERR_OK);
    CHECK(intrin_calibration_load(&back, file, arena, NULL) == ERR_OK);
    CHECK_STR("cpu", back.name);
    CHECK_STR("measured", back.command);
    CHECK_INT(4, back.cores);
    CHECK_NEAR(32768, back.l1_bytes, 0);
    CHECK_NEAR(0, back.l3_bytes, 0);
    CHECK_INT(2, back.rate_count);
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(c.rates[i].threads, back.rates[i].threads);
        CHECK_NEAR(c.rates[i].peak_ops_per_s, back.rates[i].peak_ops_per_s, 0);
        CHECK_NEAR(c.rates[i].l1_bytes_per_s, back.rates[i].l1_bytes_per_s, 0);
        CHECK_NEAR(c.rates[i].l3_bytes_per_s, back.rates[i].l3_bytes_per_s, 0);
        CHECK_NEAR(c.rates[i].memory_bytes_per_s, back.rates[i].memory_bytes_per_s, 0);
        CHECK_NEAR(c.rates[i].call_ns, back.rates[i].call_ns, 0);
        CHECK_NEAR(c.rates[i].l1_write_bytes_per_s, back.rates[i].l1_write_bytes_per_s, 0);
        CHECK_NEAR(c.rates[i].chain_ns, back.rates[i].chain_ns, 0);
        CHECK_NEAR(c.rates[i].tile_ns, back.rates[i].tile_ns, 0);
        CHECK_NEAR(c.rates[i].pack_along_bytes_per_s, back.rates[i].pack_along_bytes_per_s, 0);
        CHECK_NEAR(c.rates[i].pack_across_bytes_per_s, back.rates[i].pack_across_bytes_per_s, 0);
        CHECK_NEAR(c.rates[i].lanes_quad_ns, back.rates[i].lanes_quad_ns, 0);
        CHECK_NEAR(c.rates[i].epilogue_elements_per_s, back.rates[i].epilogue_elements_per_s, 0);
    }
    text_release(&text);
    arena_free(arena);
}

TEST(intrin_load__wrong_files__say_where_and_what)
{
    static const struct {
        const char *text;
        enum err_code code;
        int line;
        const char *path, *message;
    } rows[] = {
        { FILE_HEAD "  \"expr\": \"C[i,j] += A[i,k) * B[k,j]\", \"extents\": { \"i\": 4, \"j\": 4,"
                    " \"k\": 8 },\n" FILE_OPERANDS FILE_TIMES FILE_MACHINE,
          ERR_SYNTAX, 2, "$.expr",
          "expected ',' or ']', got ')' (column 16 of \"C[i,j] += A[i,k) * B[k,j]\")" },
        { FILE_HEAD "  \"expr\": \"C[i] += A[i+k] * B[k]\", \"extents\": { \"i\": 4, \"k\": 8 },"
                    "\n" FILE_OPERANDS FILE_TIMES FILE_MACHINE,
          ERR_VALUE, 2, "$.expr",
          "index 1 of A: an intrinsic's operand is indexed by one axis per dimension, each once, "
          "or by 0" },
        { FILE_HEAD "  \"expr\": \"C[i] = A[i] * B[i]\", \"extents\": { \"i\": 4 },\n" FILE_OPERANDS
              FILE_TIMES FILE_MACHINE,
          ERR_VALUE, 2, "$.expr", "an intrinsic computes 'output += first * second'" },
        { FILE_HEAD "  \"expr\": \"C[i,j] += A[i,k] * B[k,j]\", \"extents\": { \"i\": 4, \"j\": 4 "
                    "},\n" FILE_OPERANDS FILE_TIMES FILE_MACHINE,
          ERR_REFERENCE, 2, "$.expr",
          "no extent is given for 'k' (and it is no parameter with a value) (column 15 of "
          "\"C[i,j] += A[i,k] * B[k,j]\")" },
        { FILE_HEAD "  \"expr\": \"C[i] += A[k] * B[i,k]\", \"extents\": { \"i\": 0, \"k\": 4 "
                    "},\n" FILE_OPERANDS FILE_TIMES FILE_MACHINE,
          ERR_RANGE, 2, "$.extents.i", "expected 1..2147483648, got 0" },
        { FILE_HEAD FILE_EXPR "  \"operands\": [ { \"type\": \"s32\" }, { \"type\": \"f16\" },"
                              " { \"type\": \"s8\" } ],\n" FILE_TIMES FILE_MACHINE,
          ERR_TYPE, 3, "$.operands", "inputs of types f16 and s8 do not multiply" },
        { FILE_HEAD FILE_EXPR "  \"operands\": [ { \"type\": \"f32\" }, { \"type\": \"u8\" },"
                              " { \"type\": \"s8\" } ],\n" FILE_TIMES FILE_MACHINE,
          ERR_TYPE, 3, "$.operands",
          "products of u8 and s8 accumulate in an integer of at least 4 bytes, not in f32" },
        { FILE_HEAD FILE_EXPR
          "  \"operands\": [ { \"type\": \"s32\" }, { \"type\": \"u8\" } ],\n" FILE_TIMES
              FILE_MACHINE,
          ERR_VALUE, 3, "$.operands", "expected 3 operands (output, first, second), got 2" },
        { FILE_HEAD FILE_EXPR FILE_OPERANDS
          "  \"interval_cycles\": 0, \"latency_cycles\": 6,\n" FILE_MACHINE,
          ERR_RANGE, 5, "$.interval_cycles", NULL },
        { FILE_HEAD FILE_EXPR FILE_OPERANDS
          "  \"interval_cycles\": 1, \"block\": { \"k\": 2 },\n" FILE_MACHINE,
          ERR_VALUE, 5, "$.block", "axis 'k' is a reduction; only axes of the output are blocked" },
        { FILE_HEAD FILE_EXPR FILE_OPERANDS
          "  \"interval_cycles\": 1, \"block\": { \"x\": 2 },\n" FILE_MACHINE,
          ERR_REFERENCE, 5, "$.block", "the intrinsic has no axis 'x'" },
        { FILE_HEAD FILE_EXPR FILE_OPERANDS FILE_TIMES "  \"machine\": \"zen6\" }\n", ERR_VALUE, 6,
          "$.machine", NULL },
        { FILE_HEAD FILE_EXPR FILE_OPERANDS FILE_TIMES "  \"latency\": 3,\n" FILE_MACHINE, ERR_KEY,
          6, "$.latency", NULL },
        { FILE_HEAD FILE_EXPR
          "  \"operands\": [ { \"type\": \"s32\", \"layout\": \"lane: i4\" },"
          " { \"type\": \"u8\" }, { \"type\": \"s8\" } ],\n" FILE_TIMES FILE_MACHINE,
          ERR_VALUE, 3, "$.operands[0]", "layout of C: 4 slots for 16 elements" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct intrin intrin;
        struct err err = ERR_INIT;
        enum err_code code = load_text(rows[i].text, &intrin, &err);
        if (code != rows[i].code || err.line != rows[i].line || strcmp(err.path, rows[i].path) != 0)
            test_fail(__FILE__, __LINE__, "row %zu: got %s at line %d, %s: %s", i, err_name(code),
                      err.line, err.path, err.text);
        if (rows[i].message != NULL)
            CHECK_STR(rows[i].message, err.text);
        CHECK_INT(3, err_exit_status(code));
    }
}
