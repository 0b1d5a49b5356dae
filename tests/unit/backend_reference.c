/* Element types, epilogues, and the evaluator against a second truth. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/element.h"
#include "core/operator.h"
#include "tests/model/match_case.h"
#include "tests/test.h"
#include "tests/unit/backend_case.h"

TEST(element__f16__all_patterns_round_trip)
{
    for (unsigned bits = 0; bits < 65536; bits++) {
        float value = backend_f16_to_f32((uint16_t)bits);
        if (isnan(value))
            CHECK(isnan(backend_f16_to_f32(backend_f32_to_f16(value))));
        else
            CHECK_INT(bits, backend_f32_to_f16(value));
        value = backend_bf16_to_f32((uint16_t)bits);
        if (isnan(value))
            CHECK(isnan(backend_bf16_to_f32(backend_f32_to_bf16(value))));
        else
            CHECK_INT(bits, backend_f32_to_bf16(value));
    }
}

/* IEEE 754: ties to even, largest 65504, smallest 2^-24; bf16 keeps 8 bits of fraction with the
 * hidden one. */
TEST(element__16_bit_floats__round_to_nearest_even)
{
    static const struct {
        float value;
        unsigned f16, bf16;
    } rows[] = {
        { 1.0f, 0x3c00, 0x3f80 },
        { -2.0f, 0xc000, 0xc000 },
        { 65504.0f, 0x7bff, 0x4780 },
        { 65519.0f, 0x7bff, 0x4780 },
        { 65520.0f, 0x7c00, 0x4780 },
        { 0x1p-24f, 0x0001, 0x3380 },
        { 0x1p-25f, 0x0000, 0x3300 },            /* a tie: to zero */
        { 0x1.8p-24f, 0x0002, 0x33c0 },          /* a tie: to even */
        { 0x1.ffcp-15f, 0x0400, 0x3880 },        /* rounds up into the normal numbers */
        { 1.0f + 0x1p-11f, 0x3c00, 0x3f80 },     /* a tie in f16 */
        { 1.0f + 0x1.8p-10f, 0x3c02, 0x3f80 },   /* a tie to even, upwards */
        { 1.0f + 0x1p-8f, 0x3c04, 0x3f80 },      /* a tie in bf16 */
        { 1.0f + 0x1.8p-7f, 0x3c0c, 0x3f82 },    /* a tie to even, upwards */
        { 1.0f + 0x1.0002p-8f, 0x3c04, 0x3f81 }, /* just above a tie */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(rows[i].f16, backend_f32_to_f16(rows[i].value));
        CHECK_INT(rows[i].bf16, backend_f32_to_bf16(rows[i].value));
    }
}

/* acc 7, bias 3, scale 0.25: 2.5, half to even 2, zero point 10: 12. */
TEST(element__epilogue__steps_in_order)
{
    int32_t bias[] = { 0, 3 };
    float scale[] = { 1, 0.25f };
    struct backend_epilogue e = {
        .bias_s32 = bias, .scale = scale, .converts = true, .to_type = DT_U8, .zero_point = 10
    };
    uint8_t u8 = 0;
    int8_t s8 = 0;
    float f32 = 0;
    backend_store_int(&e, 1, 7, DT_U8, &u8, 0);
    CHECK_INT(12, u8);
    backend_store_int(&e, 1, 11, DT_U8, &u8, 0); /* 3.5: 4 */
    CHECK_INT(14, u8);
    backend_store_int(&e, 1, -51, DT_U8, &u8, 0); /* -12 + 10: 0 */
    CHECK_INT(0, u8);
    e.relu = true; /* before the zero point */
    backend_store_int(&e, 1, -51, DT_U8, &u8, 0);
    CHECK_INT(10, u8);
    backend_store_int(&e, 1, 1000, DT_S8, &s8, 0);
    CHECK_INT(127, s8);
    backend_store_int(&e, 1, INT32_MAX, DT_U8, &u8, 0); /* the bias wraps, relu */
    CHECK_INT(10, u8);
    e.zero_point = 0;
    backend_store_int(&e, 1, 7, DT_F32, &f32, 0);
    CHECK_NEAR(2.5, f32, 0);
    backend_store_int(NULL, 0, 300, DT_U8, &u8, 0);
    CHECK_INT(255, u8);
    float bias_f32[] = { 0.5f };
    struct backend_epilogue real = { .bias_f32 = bias_f32, .converts = true, .to_type = DT_S8 };
    backend_store_real(&real, 0, 2.0, DT_S8, &s8, 0);
    CHECK_INT(2, s8); /* 2.5 */
    backend_store_real(&real, 0, -1e30, DT_S8, &s8, 0);
    CHECK_INT(-128, s8);
}

static void check_case(const struct expr *expr, const struct backend_epilogue *epilogue,
                       struct rng *rng, const char *name)
{
    void *inputs[2] = { backend_case_data(expr, 1, rng), NULL };
    if (expr->tensor_count > 2)
        inputs[1] = backend_case_data(expr, 2, rng);
    const char *why = NULL;
    struct backend_job job = { .expr = expr, .epilogue = epilogue, .threads = 1 };
    const void *const given[2] = { inputs[0], inputs[1] };
    void *expected = backend_case_expected(&job, given);
    void *one = backend_case_output(&backend_reference, &job, given, &why);
    job.threads = 2;
    job.constant = inputs[1];
    void *two = backend_case_output(&backend_reference, &job, given, &why);
    size_t at = backend_case_differs(&job, expected, one);
    if (at < backend_case_elements(expr, 0))
        test_fail(__FILE__, __LINE__, "%s: element %zu differs", name, at);
    CHECK_INT(backend_case_elements(expr, 0), backend_case_differs(&job, one, two));
    free(inputs[0]);
    free(inputs[1]);
    free(expected);
    free(one);
    free(two);
}

TEST(reference__every_operator_and_type__as_point_by_point)
{
    static const enum dtype types[][3] = {
        { DT_S32, DT_U8, DT_S8 },  { DT_U8, DT_U8, DT_U8 },      { DT_S64, DT_S32, DT_S16 },
        { DT_S8, DT_S8, DT_S8 },   { DT_F32, DT_BF16, DT_BF16 }, { DT_F64, DT_F16, DT_F32 },
        { DT_F16, DT_U8, DT_F64 }, { DT_BF16, DT_F32, DT_F32 },
    };
    for (size_t i = 0; i < op_count; i++) {
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            struct rng rng = rng_stream(51, i, t);
            struct expr expr;
            match_op_cube(op_table[i].name, 3, &expr);
            if (expr.iter_count > 7)
                match_op_cube(op_table[i].name, 2, &expr);
            for (size_t tensor = 0; tensor < expr.tensor_count; tensor++)
                expr.tensors[tensor].type = types[t][tensor];
            check_case(&expr, NULL, &rng, op_table[i].name);
        }
    }
}

TEST(reference__padding_strides_dilation__as_point_by_point)
{
    static const char *const ops[] = { "conv2d", "transposed_conv2d", "maxpool2d",
                                       "depthwise_conv2d" };
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rng rng = rng_stream(52, seed, 0);
        test_seed(seed);
        char numbers[256];
        size_t op = rng_below(&rng, 4);
        int r = (int)rng_below(&rng, 4) + 1, s = (int)rng_below(&rng, 3) + 1;
        int dh = (int)rng_below(&rng, 3) + 1, dw = (int)rng_below(&rng, 3) + 1;
        snprintf(numbers, sizeof numbers,
                 "n=2 %s p=%d q=%d r=%d s=%d sh=%d sw=%d dh=%d dw=%d ph=%d pw=%d",
                 op == 2   ? "k=3"
                 : op == 3 ? "g=3 m=2"
                           : "k=3 c=5",
                 (int)rng_below(&rng, 7) + (op == 1 ? 12 : 1),
                 (int)rng_below(&rng, 9) + (op == 1 ? 9 : 1), r, s, (int)rng_below(&rng, 3) + 1,
                 (int)rng_below(&rng, 3) + 1, dh, dw,
                 (int)rng_below(&rng, (uint32_t)((r - 1) * dh / 2 + 1)),
                 (int)rng_below(&rng, (uint32_t)((s - 1) * dw / 2 + 1)));
        struct expr expr;
        match_op(ops[op], numbers, &expr);
        int32_t bias[3] = { -7, 0, 1 << 20 };
        float scale[3] = { 0.5f, 1.25f, -0.01f };
        struct backend_epilogue epilogue = { .channel_dim = 1,
                                             .bias_s32 = bias,
                                             .scale = scale,
                                             .relu = seed % 2 == 0,
                                             .converts = true,
                                             .to_type = seed % 3 == 0 ? DT_U8 : DT_S8,
                                             .zero_point = 3 };
        check_case(&expr, seed % 4 != 0 ? &epilogue : NULL, &rng, numbers);
    }
}

TEST(backends__table__names_and_states)
{
    CHECK(backend_find("reference") == &backend_reference);
    CHECK(backend_find("cpu") == &backend_cpu);
    CHECK(backend_find("cuda") == &backend_cuda);
    CHECK(backend_find("tpu") == NULL);
    for (size_t i = 0; i < backend_count; i++) {
        struct backend_probe probe;
        backend_table[i]->probe(&probe);
        CHECK((probe.state == BACKEND_AVAILABLE) == (probe.reason[0] == '\0'));
        CHECK(probe.state != BACKEND_AVAILABLE || (probe.device[0] != '\0' && probe.units > 0));
    }
}

TEST(backends__wrong_epilogue__is_refused)
{
    struct expr expr;
    match_op("gemm", "m=2 n=2 k=4", &expr);
    float scale[2] = { 1, 1 };
    const struct backend_epilogue rows[] = {
        { .channel_dim = 2, .scale = scale },
        { .bias_f32 = scale },
        { .zero_point = 1 },
    };
    static const enum err_code codes[] = { ERR_RANGE, ERR_TYPE, ERR_VALUE };
    for (size_t i = 0; i < 3; i++) {
        struct backend_job job = { .expr = &expr, .epilogue = &rows[i], .threads = 1 };
        struct backend_kernel *kernel;
        CHECK_INT(codes[i], backend_reference.prepare(&job, &kernel, NULL));
        CHECK_INT(codes[i], backend_cpu.prepare(&job, &kernel, NULL));
    }
}
