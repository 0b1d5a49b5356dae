/*
 * How many mappings there are: AMOS's published counts, its closed form, ResNet-18.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/model/match_case.h"
#include "tests/test.h"

static void check_row(const struct match_row *row, const char *intrinsic, enum intrin_rule rule,
                      size_t expected)
{
    struct intrin intrin;
    struct expr expr;
    CHECK_OK(intrin_find(intrinsic, &intrin, err));
    match_op_cube(row->op, 4, &expr);
    size_t got = match_count(&intrin, &expr, rule, false);
    if (got != expected)
        test_fail(__FILE__, __LINE__, "%s on %s, %s: expected %zu mappings, got %zu",
                  row->amos_name, intrinsic, intrin_rule_names[rule], expected, got);
}

TEST(intrin_match__fifteen_operators__published_counts)
{
    for (size_t i = 0; i < 15; i++) {
        const struct match_row *row = &match_table[i];
        check_row(row, "wmma.m16n16k16.f16", INTRIN_AMOS, row->amos);
        check_row(row, "wmma.m16n16k16.f16", INTRIN_EXTENDED, row->extended);
        check_row(row, "vnni.16x4", INTRIN_AMOS, row->vnni);
    }
}

TEST(intrin_match__every_matrix_intrinsic__same_counts)
{
    size_t matrices = 0;
    for (size_t t = 0; t < intrin_count; t++) {
        struct intrin intrin;
        intrin_builtin(t, &intrin);
        if (intrin.expr.iter_count != 3)
            continue;
        matrices++;
        for (size_t i = 0; i < 15; i++)
            check_row(&match_table[i], intrin.name, INTRIN_AMOS, match_table[i].amos);
    }
    CHECK(matrices >= 20);
}

TEST(intrin_match__vnni_extended__reductions_of_every_kind)
{
    /* Only the reductions differ from rule amos, and only where a filter runs backwards: c, r, s
     * of T2D instead of c. Non-empty subsets: 7 instead of 1. */
    for (size_t i = 0; i < 15; i++) {
        const struct match_row *row = &match_table[i];
        size_t expected = strcmp(row->amos_name, "T2D") == 0 ? 7 : row->vnni;
        check_row(row, "vnni.16x4", INTRIN_EXTENDED, expected);
    }
}

TEST(intrin_match__extents_strides_dilation__do_not_change_counts)
{
    struct intrin intrin;
    struct expr expr;
    CHECK_OK(intrin_find("wmma.m16n16k16.f16", &intrin, err));
    match_op("conv2d", "n=1 k=1 p=1 q=1 c=1 r=1 s=1", &expr);
    CHECK_INT(35, match_count(&intrin, &expr, INTRIN_AMOS, false));
    match_op("conv2d", "n=2 k=9 p=5 q=3 c=7 r=3 s=5 sh=2 sw=3 dh=2 dw=1 ph=2 pw=4", &expr);
    CHECK_INT(35, match_count(&intrin, &expr, INTRIN_AMOS, false));
    CHECK_INT(49, match_count(&intrin, &expr, INTRIN_EXTENDED, false));
}

TEST(intrin_match__matrix_capsule__585_of_675)
{
    struct intrin intrin;
    struct expr expr;
    CHECK_OK(intrin_find("wmma.m16n16k16.f16", &intrin, err));
    match_expr("C[b,k,p,q,i,j] += A[b,c,p*2+r,q*2+s,i,l] * B[k,c,r,s,l,j]",
               "b=2 k=3 p=4 q=4 i=4 j=4 c=2 r=3 s=3 l=4", "", &expr);
    struct intrin_match_options options = { INTRIN_AMOS, false };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(&intrin, &expr, &options, &matches, err));
    CHECK_INT(585, matches.count);
    CHECK_INT(28, matches.candidate_count);
    intrin_matches_release(&matches);
    CHECK_INT(675, match_count(&intrin, &expr, INTRIN_EXTENDED, false));
}

/* --- the rule taken literally ---------------------------------------------------------------- */

/* Product of the extents whose bits are set. */
static int64_t fused(const int64_t extents[3], unsigned bits)
{
    int64_t product = 1;
    for (unsigned b = 0; b < 3; b++)
        product *= bits >> b & 1 ? extents[b] : 1;
    return product;
}

/* Distinct unions of non-empty subsets of C2D's seven tuples (i, k) whose fused extents fill the
 * intrinsic; j is always k. n=0 p=1 q=2, c=0 r=1 s=2. */
static size_t count_unions(const int64_t i_extents[3], int64_t j_extent, const int64_t k_extents[3],
                           const int64_t tile[3])
{
    static const uint8_t tuples[7][2] = { { 0, 0 }, { 0, 1 }, { 0, 2 }, { 1, 0 },
                                          { 1, 2 }, { 2, 0 }, { 2, 1 } };
    bool seen[8][8] = { { false } };
    size_t count = 0;
    for (unsigned subset = 1; subset < 128; subset++) {
        unsigned i = 0, k = 0;
        for (unsigned t = 0; t < 7; t++) {
            i |= (subset >> t & 1) << tuples[t][0];
            k |= (subset >> t & 1) << tuples[t][1];
        }
        if (seen[i][k])
            continue;
        seen[i][k] = true;
        count +=
            fused(i_extents, i) >= tile[0] && j_extent >= tile[1] && fused(k_extents, k) >= tile[2];
    }
    return count;
}

/*
 * (C, H, K, R, stride, pad) of ResNet-18's layers at N=1; He et al., CVPR 2016. Counts under rule
 * amos, min-extent fit, on 16x16x16, 32x8x16, 8x32x16 (m x n x k). Of the 35, 20 remain where p
 * and q alone fill i (6 of 7 subsets) and c alone fills k; 8 where only p.q together do; 18 for
 * the first layer, whose c, r, s fill k only in pairs.
 */
static const struct resnet_layer {
    int64_t c, h, k, r, stride, pad;
    size_t fit[3];
} resnet18[12] = {
    { 3, 224, 64, 7, 2, 3, { 18, 18, 18 } }, { 64, 56, 64, 3, 1, 1, { 20, 20, 20 } },
    { 64, 56, 64, 1, 1, 0, { 20, 20, 20 } }, { 64, 56, 128, 3, 2, 1, { 20, 8, 20 } },
    { 64, 56, 128, 1, 2, 0, { 20, 8, 20 } }, { 128, 28, 128, 3, 1, 1, { 20, 8, 20 } },
    { 128, 28, 256, 3, 2, 1, { 8, 8, 20 } }, { 128, 28, 256, 1, 2, 0, { 8, 8, 20 } },
    { 256, 14, 256, 3, 1, 1, { 8, 8, 20 } }, { 256, 14, 512, 3, 2, 1, { 8, 8, 8 } },
    { 256, 14, 512, 1, 2, 0, { 8, 8, 8 } },  { 512, 7, 512, 3, 1, 1, { 8, 8, 8 } },
};

static const char *const shapes[3] = { "wmma.m16n16k16.f16", "wmma.m32n8k16.f16",
                                       "wmma.m8n32k16.f16" };

TEST(intrin_match__resnet18_fit__kept_counts)
{
    for (size_t l = 0; l < 12; l++) {
        const struct resnet_layer *layer = &resnet18[l];
        int64_t p = (layer->h + 2 * layer->pad - layer->r) / layer->stride + 1;
        char numbers[256];
        snprintf(numbers, sizeof numbers,
                 "n=1 k=%d p=%d q=%d c=%d r=%d s=%d sh=%d sw=%d ph=%d pw=%d", (int)layer->k, (int)p,
                 (int)p, (int)layer->c, (int)layer->r, (int)layer->r, (int)layer->stride,
                 (int)layer->stride, (int)layer->pad, (int)layer->pad);
        struct expr expr;
        match_op("conv2d", numbers, &expr);
        for (size_t shape = 0; shape < 3; shape++) {
            struct intrin intrin;
            CHECK_OK(intrin_find(shapes[shape], &intrin, err));
            int64_t tile[3];
            for (size_t x = 0; x < 3; x++)
                tile[x] = intrin.expr.iters[x].extent;
            size_t literal = count_unions((int64_t[]){ 1, p, p }, layer->k,
                                          (int64_t[]){ layer->c, layer->r, layer->r }, tile);
            size_t got = match_count(&intrin, &expr, INTRIN_AMOS, true);
            CHECK_INT(literal, got);
            CHECK_INT(layer->fit[shape], got);
        }
    }
}

/* --- the closed form -------------------------------------------------------------------------- */

static size_t power(size_t n)
{
    return (size_t)1 << n;
}

/* "x0,x1" of `count` names that start with this letter, from number `from`. */
static void add_names(char *text, char letter, size_t from, size_t count, const char *close)
{
    for (size_t i = from; i < from + count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, 512 - used, "%s%c%zu", text[used - 1] == '[' ? "" : ",", letter, i);
    }
    strcat(text, close);
}

/* a spatial and b reduce iterations on i and k, of which d pairs share a dimension, m on j. */
static void closed_form_case(size_t a, size_t b, size_t d, size_t m, struct expr *out)
{
    char text[512] = "O[", extents[256] = "";
    add_names(text, 'p', 0, a, "");
    add_names(text, 'k', 0, m, "] += I[");
    for (size_t t = 0; t < d; t++)
        snprintf(text + strlen(text), 512 - strlen(text), "%s2*p%zu+r%zu", t > 0 ? "," : "", t, t);
    add_names(text, 'p', d, a - d, "");
    add_names(text, 'r', d, b - d, "] * W[");
    add_names(text, 'k', 0, m, "");
    add_names(text, 'r', 0, b, "]");
    const struct {
        char letter;
        size_t count;
    } names[] = { { 'p', a }, { 'r', b }, { 'k', m } };
    for (size_t n = 0; n < 3; n++) {
        for (size_t i = 0; i < names[n].count; i++)
            snprintf(extents + strlen(extents), sizeof extents - strlen(extents), " %c%zu=2",
                     names[n].letter, i);
    }
    match_expr(text, extents, "", out);
}

TEST(intrin_match__random_operators__closed_form)
{
    struct intrin intrin;
    CHECK_OK(intrin_find("wmma.m16n16k16.f16", &intrin, err));
    uint64_t seed = 20261121;
    for (unsigned trial = 0; trial < 300; trial++) {
        struct rng rng = rng_stream(seed, trial, 0);
        size_t a = 1 + rng_below(&rng, 5), b = 1 + rng_below(&rng, 5), m = 1 + rng_below(&rng, 3);
        size_t d = rng_below(&rng, (uint32_t)(a < b ? a : b) + 1);
        if (a + b - d > EXPR_DIMS_MAX || m + b > EXPR_DIMS_MAX || a + m > EXPR_DIMS_MAX)
            continue;
        struct expr expr;
        closed_form_case(a, b, d, m, &expr);
        size_t extended = (power(a) - 1) * (power(b) - 1) * (power(m) - 1);
        size_t lost = (d * (power(a - 1) + power(b - 1)) - d) * (power(m) - 1);
        size_t amos = match_count(&intrin, &expr, INTRIN_AMOS, false);
        if (amos != extended - lost)
            test_fail(__FILE__, __LINE__,
                      "seed %" PRIu64 " trial %u (a=%zu b=%zu d=%zu m=%zu): expected %zu, got %zu",
                      seed, trial, a, b, d, m, extended - lost, amos);
        CHECK_INT(extended, match_count(&intrin, &expr, INTRIN_EXTENDED, false));
    }
}

/* --- order and size --------------------------------------------------------------------------- */

TEST(intrin_match__results__ascend_and_memory_is_linear)
{
    struct intrin intrin;
    struct expr expr;
    CHECK_OK(intrin_find("wmma.m16n16k16.f16", &intrin, err));
    match_op_cube("conv3d", 4, &expr);
    struct intrin_match_options options = { INTRIN_AMOS, false };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(&intrin, &expr, &options, &matches, err));
    CHECK_INT(180, matches.count);
    CHECK(matches.capacity <= 2 * matches.count + 64);
    for (size_t i = 1; i < matches.count; i++) {
        const uint16_t *a = matches.mappings[i - 1].axis, *b = matches.mappings[i].axis;
        CHECK(a[0] < b[0] || (a[0] == b[0] && (a[1] < b[1] || (a[1] == b[1] && a[2] < b[2]))));
    }
    intrin_matches_release(&matches);
}

/* --- why not ---------------------------------------------------------------------------------- */

static void check_reason(const char *intrinsic, const struct expr *expr, enum intrin_rule rule,
                         bool fit, const char *expected)
{
    struct intrin intrin;
    CHECK_OK(intrin_find(intrinsic, &intrin, err));
    struct intrin_match_options options = { rule, fit };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(&intrin, expr, &options, &matches, err));
    CHECK_INT(0, matches.count);
    CHECK_STR(expected, matches.reason);
    intrin_matches_release(&matches);
}

TEST(intrin_match__no_mapping__says_why)
{
    struct expr expr;
    match_op_cube("maxpool2d", 3, &expr);
    check_reason("vnni.16x4", &expr, INTRIN_EXTENDED, false,
                 "vnni.16x4 computes 'output += first * second', the operator 'output max= input'");
    match_expr("O[i] += A[i,k] * x[k]", "i=4 k=4", "", &expr);
    check_reason("wmma.m16n16k16.f16", &expr, INTRIN_AMOS, false,
                 "axis j of wmma.m16n16k16.f16 needs an iteration in x and O alone; there are i in "
                 "A and O, k in A and x");
    match_expr("O[n,k,p] += I[n,p+r] * W[n,k,r]", "n=2 k=2 p=3 r=3", "", &expr);
    check_reason("mma.m16n8k32.u8s8", &expr, INTRIN_AMOS, false,
                 "rule amos: no choice of one iteration per axis gives every operand dimension a "
                 "tensor dimension of its own: (p,k,r): two of them share dimension 2 of I (rule "
                 "extended asks for the matrices alone)");
    match_expr("O[n,k] += I[n,c] * W[k,7-c]", "n=2 k=2 c=8", "", &expr);
    check_reason("mma.m16n8k32.u8s8", &expr, INTRIN_AMOS, false,
                 "rule amos: no choice of one iteration per axis gives every operand dimension a "
                 "tensor dimension of its own: (n,k,c): c runs backwards in dimension 2 of W (rule "
                 "extended asks for the matrices alone)");
    match_expr("O[n,k] += I[n,c,c] * W[k,c]", "n=2 k=2 c=2", "", &expr);
    check_reason("mma.m16n8k32.u8s8", &expr, INTRIN_AMOS, false,
                 "rule amos: no choice of one iteration per axis gives every operand dimension a "
                 "tensor dimension of its own: (n,k,c): c stands again in dimension 3 of I (rule "
                 "extended asks for the matrices alone)");
    match_op("gemm", "m=64 n=64 k=15", &expr);
    check_reason("wmma.m16n16k16.f16", &expr, INTRIN_AMOS, true,
                 "min-extent fit: axis k of wmma.m16n16k16.f16 has 16 places, the operator fills "
                 "at most 15");
}
