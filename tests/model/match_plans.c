/*
 * Plans against the direct evaluation, and the direct evaluation against convolutions written out.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "tests/model/match_case.h"
#include "tests/test.h"

/* --- the direct evaluation itself ------------------------------------------------------------- */

/* O[n,k,p,q] of a padded, strided, dilated convolution, from its definition. */
static int64_t conv_point(const int32_t *in, const int32_t *weights, int n, int k, int p, int q)
{
    enum { C = 3, H = 9, W = 8, R = 3, S = 2 };
    int64_t sum = 0;
    for (int c = 0; c < C; c++) {
        for (int r = 0; r < R; r++) {
            for (int s = 0; s < S; s++) {
                int h = 2 * p + 2 * r - 2, w = 3 * q + s - 1;
                if (h >= 0 && h < H && w >= 0 && w < W)
                    sum += (int64_t)in[((n * C + c) * H + h) * W + w] *
                           weights[((k * C + c) * R + r) * S + s];
            }
        }
    }
    return sum;
}

TEST(intrin_run__direct_conv2d__is_a_convolution)
{
    struct expr expr;
    match_op("conv2d", "n=2 k=4 p=5 q=3 c=3 r=3 s=2 sh=2 sw=3 dh=2 ph=2 pw=1", &expr);
    expr.tensors[1].dims[2].extent = 9;
    expr.tensors[1].dims[3].extent = 8;
    struct rng rng = rng_stream(1, 0, 0);
    int32_t *in = match_data(&expr, 1, &rng), *weights = match_data(&expr, 2, &rng);
    int64_t *out = match_zeros(&expr);
    intrin_run_direct(&expr, in, weights, out);
    for (int n = 0, at = 0; n < 2; n++) {
        for (int k = 0; k < 4; k++) {
            for (int p = 0; p < 5; p++) {
                for (int q = 0; q < 3; q++, at++)
                    CHECK_INT(conv_point(in, weights, n, k, p, q), out[at]);
            }
        }
    }
    free(in);
    free(weights);
    free(out);
}

/* A transposed convolution scatters: O[h·s + r − pad] += I[h] · W[r]; ours gathers. */
TEST(intrin_run__direct_transposed_conv2d__is_the_scatter)
{
    enum {
        N = 2,
        K = 3,
        C = 2,
        H = 4,
        R = 3,
        STRIDE = 2,
        PAD = 1,
        P = (H - 1) * STRIDE - 2 * PAD + R
    };
    struct expr expr;
    match_op("transposed_conv2d", "n=2 k=3 p=7 q=7 c=2 r=3 s=3 sh=2 sw=2 ph=1 pw=1", &expr);
    CHECK_INT(7, P);
    CHECK_INT(H, expr.tensors[1].dims[2].extent);
    struct rng rng = rng_stream(2, 0, 0);
    int32_t *in = match_data(&expr, 1, &rng), *weights = match_data(&expr, 2, &rng);
    int64_t *out = match_zeros(&expr), *scattered = match_zeros(&expr);
    intrin_run_direct(&expr, in, weights, out);
    for (int n = 0; n < N; n++)
        for (int k = 0; k < K; k++)
            for (int c = 0; c < C; c++)
                for (int h = 0; h < H * H; h++)
                    for (int r = 0; r < R * R; r++) {
                        int p = h / H * STRIDE + r / R - PAD, q = h % H * STRIDE + r % R - PAD;
                        if (p >= 0 && p < P && q >= 0 && q < P)
                            scattered[((n * K + k) * P + p) * P + q] +=
                                (int64_t)in[(n * C + c) * H * H + h] *
                                weights[(c * K + k) * R * R + r];
                    }
    CHECK(match_same(&expr, scattered, out));
    free(in);
    free(weights);
    free(out);
    free(scattered);
}

/* --- the golden example ----------------------------------------------------------------------- */

static uint16_t bits_of(const struct expr *expr, const char *names)
{
    uint16_t bits = 0;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (strchr(names, expr->iters[i].name[0]) != NULL)
            bits |= (uint16_t)(1u << i);
    }
    return bits;
}

/* n1 k4 p2 q2 c1 r3 s3 on a 2x2x2 intrinsic: one 4x4x9 product. */
static void golden_plan(struct intrin *intrin, struct expr *expr, struct intrin_plan *plan)
{
    match_small("C[i,j] += A[i,k] * B[k,j]", "i=2 j=2 k=2", intrin);
    match_op("conv2d", "n=1 k=4 p=2 q=2 c=1 r=3 s=3", expr);
    struct intrin_mapping mapping = { { bits_of(expr, "npq"), bits_of(expr, "k"),
                                        bits_of(expr, "crs") } };
    CHECK(intrin_mapping_is_valid(intrin, expr, &mapping));
    CHECK_OK(intrin_plan_init(plan, intrin, expr, &mapping, err));
}

TEST(intrin_plan__golden_example__twenty_calls)
{
    struct intrin intrin;
    struct expr expr;
    struct intrin_plan plan;
    golden_plan(&intrin, &expr, &plan);
    CHECK_INT(20, plan.calls); /* 2 · 2 · 5 */
    CHECK_INT(4, plan.axes[0].extent);
    CHECK_INT(4, plan.axes[1].extent);
    CHECK_INT(9, plan.axes[2].extent);
    CHECK_INT(10, plan.axes[2].tiles * plan.axes[2].tile); /* 9 -> 10 */
    CHECK_INT(1, plan.outer_points);
    CHECK_NEAR(1.0 - 144.0 / 160.0, plan.padding_frac, 1e-12);
    /* u8: 4·10 and s8: 10·4 read, s32: 16 written. */
    CHECK_INT(40 + 40 + 64, plan.bytes_moved);
    intrin_plan_release(&plan);
}

TEST(intrin_plan__golden_example__virtual_addresses)
{
    struct intrin intrin;
    struct expr expr;
    struct intrin_plan plan;
    golden_plan(&intrin, &expr, &plan);
    struct intrin_base base;
    intrin_plan_base(&plan, 0, &base);
    /* i = n·4 + p·2 + q, j = k, k' = c·9 + r·3 + s; the image is 4 x 4. */
    for (int p = 0; p < 2; p++)
        for (int q = 0; q < 2; q++)
            for (int r = 0; r < 3; r++)
                for (int s = 0; s < 3; s++)
                    for (int k = 0; k < 4; k++) {
                        int64_t at[INTRIN_AXES_MAX] = { p * 2 + q, k, r * 3 + s };
                        CHECK_INT((p + r) * 4 + q + s, intrin_plan_offset(&plan, &base, 1, at));
                        CHECK_INT(k * 9 + r * 3 + s, intrin_plan_offset(&plan, &base, 2, at));
                        CHECK_INT(k * 4 + p * 2 + q, intrin_plan_offset(&plan, &base, 0, at));
                    }
    int64_t padded[INTRIN_AXES_MAX] = { 0, 0, 9 };
    CHECK_INT(-1, intrin_plan_offset(&plan, &base, 1, padded));
    CHECK_INT(-1, intrin_plan_offset(&plan, &base, 2, padded));
    intrin_plan_release(&plan);
}

TEST(intrin_plan__golden_example__physical_addresses)
{
    struct intrin intrin;
    struct expr expr;
    struct intrin_plan plan;
    golden_plan(&intrin, &expr, &plan);
    for (int64_t i = 0; i < 4; i++)
        for (int64_t j = 0; j < 4; j++)
            for (int64_t k = 0; k < 10; k++) {
                int64_t at[INTRIN_AXES_MAX] = { i, j, k };
                int64_t in_a = i % 2 * 2 + k % 2, in_b = k % 2 * 2 + j % 2,
                        in_c = i % 2 * 2 + j % 2;
                CHECK_INT(i / 2 * 20 + k / 2 * 4 + in_a, intrin_plan_packed(&plan, 1, at));
                CHECK_INT(k / 2 * 8 + j / 2 * 4 + in_b, intrin_plan_packed(&plan, 2, at));
                CHECK_INT(i / 2 * 8 + j / 2 * 4 + in_c, intrin_plan_packed(&plan, 0, at));
            }
    intrin_plan_release(&plan);
}

/* --- plans against the direct evaluation ------------------------------------------------------ */

static bool plan_is_exact(const struct intrin *intrin, const struct expr *expr,
                          const struct intrin_mapping *mapping, struct rng *rng)
{
    struct intrin_plan plan;
    CHECK_OK(intrin_plan_init(&plan, intrin, expr, mapping, err));
    int32_t *first = match_data(expr, 1, rng), *second = match_data(expr, 2, rng);
    int64_t *direct = match_zeros(expr), *planned = match_zeros(expr);
    intrin_run_direct(expr, first, second, direct);
    intrin_run_plan(&plan, first, second, planned);
    bool exact = match_same(expr, direct, planned);
    free(first);
    free(second);
    free(direct);
    free(planned);
    intrin_plan_release(&plan);
    return exact;
}

/* Extents that no tile divides: 3, windows of 2. */
static void ragged(const char *op, struct expr *out)
{
    struct expr cube;
    char numbers[256] = "";
    match_op_cube(op, 2, &cube);
    for (size_t i = 0; i < cube.iter_count; i++) {
        bool window = cube.iters[i].role == ROLE_R || cube.iters[i].role == ROLE_S;
        snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), " %s=%d",
                 cube.iters[i].name, window || (i & 1) ? 2 : 3);
    }
    match_op(op, numbers, out);
}

static size_t check_all_plans(const char *op, const struct intrin *intrin)
{
    struct expr expr;
    ragged(op, &expr);
    struct intrin_match_options options = { INTRIN_EXTENDED, false };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(intrin, &expr, &options, &matches, err));
    struct rng rng = rng_stream(3, 0, 0);
    for (size_t i = 0; i < matches.count; i++) {
        if (!plan_is_exact(intrin, &expr, &matches.mappings[i], &rng))
            test_fail(__FILE__, __LINE__, "%s: mapping %zu is wrong", op, i);
    }
    size_t count = matches.count;
    intrin_matches_release(&matches);
    return count;
}

TEST(intrin_plan__every_mapping_of_the_table__is_exact)
{
    struct intrin matrix, vector, dot;
    match_small("C[i,j] += A[i,k] * B[k,j]", "i=2 j=3 k=4", &matrix);
    match_small("C[i] += A[k] * B[i,k]", "i=4 k=3", &vector);
    match_small("C[0] += A[k] * B[k]", "k=3", &dot);
    size_t plans = 0, expected = 0;
    for (size_t i = 0; i < 15; i++) {
        plans += check_all_plans(match_table[i].op, &matrix);
        plans += check_all_plans(match_table[i].op, &vector);
        plans += check_all_plans(match_table[i].op, &dot);
        expected += match_table[i].extended;
    }
    CHECK_INT(1 * 6 + 9 + 4 * 49 + 225 + 21 * 2 + 147, expected);
    CHECK(plans > expected + 80);
    CHECK_INT(675, check_all_plans("matrix_capsule_conv2d", &matrix));
    CHECK(check_all_plans("batched_gemm", &matrix) == 1);
}

/* Padding at the far end alone: a tensor shorter than what the indices reach. */
TEST(intrin_plan__tensor_set_shorter__reads_beyond_are_zero)
{
    struct intrin intrin;
    struct expr expr;
    match_small("C[i,j] += A[i,k] * B[k,j]", "i=2 j=3 k=4", &intrin);
    match_op("conv2d", "n=1 k=3 p=4 q=4 c=2 r=3 s=3", &expr);
    expr.tensors[1].dims[2].extent -= 1;
    expr.tensors[1].dims[3].extent -= 2;
    struct intrin_match_options options = { INTRIN_EXTENDED, false };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(&intrin, &expr, &options, &matches, err));
    struct rng rng = rng_stream(8, 0, 0);
    for (size_t i = 0; i < matches.count; i++)
        CHECK(plan_is_exact(&intrin, &expr, &matches.mappings[i], &rng));
    intrin_matches_release(&matches);
}

TEST(intrin_plan__every_built_in_intrinsic__is_exact)
{
    for (size_t t = 0; t < intrin_count; t++) {
        struct intrin intrin;
        intrin_builtin(t, &intrin);
        struct expr expr;
        match_op("conv2d", "n=1 k=5 p=3 q=3 c=3 r=2 s=2 sh=2 ph=1", &expr);
        uint64_t points = 0;
        CHECK_OK(expr_points(&intrin.expr, &points, err));
        struct intrin_match_options options = { INTRIN_AMOS, false };
        struct intrin_matches matches;
        CHECK_OK(intrin_match(&intrin, &expr, &options, &matches, err));
        struct rng rng = rng_stream(4, t, 0);
        size_t step = points > 20000 ? matches.count : 5; /* the largest tiles are slow: one plan */
        for (size_t i = 0; i < matches.count; i += step) {
            if (!plan_is_exact(&intrin, &expr, &matches.mappings[i], &rng))
                test_fail(__FILE__, __LINE__, "%s: mapping %zu is wrong", intrin.name, i);
        }
        intrin_matches_release(&matches);
    }
}

/* --- random plans ------------------------------------------------------------------------------
 */

#define RANDOM_PLANS 2500
#define RANDOM_SEED  UINT64_C(42)

struct random_case {
    const char *op;
    char numbers[256];
    enum intrin_rule rule;
    size_t mapping;
};

static void add_number(char *numbers, const char *name, unsigned value)
{
    size_t used = strlen(numbers);
    snprintf(numbers + used, 256 - used, " %s=%u", name, value);
}

/* Extents 1..4, windows 1..3, steps 1..3, dilations 1..2, padding 0..2 where the row has them. */
static void random_numbers(const struct op_row *row, struct rng *rng, char *numbers)
{
    numbers[0] = '\0';
    for (const char *at = row->roles; *at != '\0'; at += strspn(at, " ")) {
        char name[EXPR_NAME_MAX] = "";
        memcpy(name, at, strcspn(at, "="));
        at += strcspn(at, "=") + 1;
        bool window = *at == 'R' || *at == 'S';
        add_number(numbers, name, 1 + rng_below(rng, window ? 3 : 4));
        at += strcspn(at, " ");
    }
    static const struct {
        const char *name;
        unsigned low, count;
    } params[] = { { "sd", 1, 2 }, { "sh", 1, 3 }, { "sw", 1, 3 }, { "dd", 1, 2 }, { "dh", 1, 2 },
                   { "dw", 1, 2 }, { "pd", 0, 2 }, { "ph", 0, 3 }, { "pw", 0, 3 } };
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        char with[8];
        snprintf(with, sizeof with, "%s=", params[i].name);
        if (strstr(row->defaults, with) != NULL)
            add_number(numbers, params[i].name, params[i].low + rng_below(rng, params[i].count));
    }
}

/* Padding may leave nothing of a tensor: such extents are refused, and drawn again. */
static bool try_op(const struct op_row *row, const char *numbers, struct expr *out)
{
    char names[32][EXPR_NAME_MAX];
    struct expr_binding bindings[32];
    size_t count = 0;
    for (const char *at = numbers; *(at += strspn(at, " ")) != '\0'; at += strcspn(at, " ")) {
        size_t length = strcspn(at, "=");
        memset(names[count], 0, sizeof names[count]);
        memcpy(names[count], at, length);
        char role[EXPR_NAME_MAX + 2];
        snprintf(role, sizeof role, "%s=", names[count]);
        const char *found = strstr(row->roles, role);
        while (found != NULL && found != row->roles && found[-1] != ' ')
            found = strstr(found + 1, role);
        bindings[count] =
            (struct expr_binding){ names[count], atoi(at + length + 1), found != NULL };
        count++;
    }
    struct err err = ERR_INIT;
    enum err_code rc = op_bind(row, bindings, count, out, &err);
    if (rc != ERR_OK && rc != ERR_RANGE)
        test_fail(__FILE__, __LINE__, "%s%s: %s", row->name, numbers, err.text);
    return rc == ERR_OK;
}

static void random_intrinsic(struct rng *rng, struct intrin *out)
{
    char extents[64];
    unsigned i = 1 + rng_below(rng, 5), j = 1 + rng_below(rng, 5), k = 1 + rng_below(rng, 5);
    switch (rng_below(rng, 4)) {
    case 0:
        snprintf(extents, sizeof extents, "i=%u k=%u", i, k);
        match_small("C[i] += A[k] * B[i,k]", extents, out);
        break;
    case 1:
        snprintf(extents, sizeof extents, "i=%u j=%u k=%u", i, j, k);
        match_small("C[j,i] += A[k,i] * B[j,k]", extents, out);
        break;
    default:
        snprintf(extents, sizeof extents, "i=%u j=%u k=%u", i, j, k);
        match_small("C[i,j] += A[i,k] * B[k,j]", extents, out);
    }
}

/* One random plan; false if the draw has no mapping or no tensor. */
static bool random_plan(uint64_t trial, struct random_case *what, bool *exact)
{
    struct rng rng = rng_stream(RANDOM_SEED, trial, 0);
    struct intrin intrin;
    struct expr expr;
    const struct op_row *row = op_find(match_table[rng_below(&rng, 15)].op);
    what->op = row->name;
    random_intrinsic(&rng, &intrin);
    random_numbers(row, &rng, what->numbers);
    if (!try_op(row, what->numbers, &expr))
        return false;
    what->rule = rng_below(&rng, 2) ? INTRIN_AMOS : INTRIN_EXTENDED;
    struct intrin_match_options options = { what->rule, rng_below(&rng, 4) == 0 };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(&intrin, &expr, &options, &matches, err));
    bool found = matches.count > 0;
    if (found) {
        what->mapping = rng_below(&rng, (uint32_t)matches.count);
        *exact = plan_is_exact(&intrin, &expr, &matches.mappings[what->mapping], &rng);
    }
    intrin_matches_release(&matches);
    return found;
}

TEST(intrin_plan__random_operators_extents_mappings__are_exact)
{
    size_t plans = 0;
    for (uint64_t trial = 0; plans < RANDOM_PLANS; trial++) {
        CHECK(trial < 10 * RANDOM_PLANS);
        struct random_case what;
        bool exact = false;
        if (!random_plan(trial, &what, &exact))
            continue;
        plans++;
        if (!exact)
            test_fail(__FILE__, __LINE__,
                      "seed %" PRIu64 " trial %" PRIu64 ": %s%s, %s, mapping %zu", RANDOM_SEED,
                      trial, what.op, what.numbers, intrin_rule_names[what.rule], what.mapping);
    }
}
