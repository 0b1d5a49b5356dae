/* Split layers: shapes, regions, edges by hand, and against the expression point by point. */
#include "core/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "core/text.h"
#include "cost/cost.h"
#include "sim/sim.h"
#include "tests/fixture.h"
#include "tests/test.h"

/* A workload of one network from layers in JSON; inputs: image [1,4,16,16], rows [8,24]. */
struct bench {
    struct workload whole, refined;
};

static void bench_init(struct bench *b, const char *layers)
{
    struct text text = { 0 };
    static struct workload_network network = { .name = "g" };
    text_printf(&text,
                "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [{\"name\": \"image\", "
                "\"shape\": [1, 4, 16, 16]}, {\"name\": \"rows\", \"shape\": [8, 24]}], "
                "\"layers\": [%s]}",
                layers);
    *b = (struct bench){ .whole = { .name = "g", .graph_count = 1, .network_count = 1 } };
    b->whole.arena = arena_new();
    b->whole.graphs = ARENA_ARRAY(b->whole.arena, struct dnn, 1);
    b->whole.networks = &network;
    CHECK_OK(dnn_load_text(b->whole.graphs, "g.json", text.data, text.bytes, err));
    b->whole.layer_count = b->whole.graphs->layer_count;
    text_release(&text);
}

static void bench_release(struct bench *b)
{
    if (b->refined.whole)
        workload_release(&b->refined);
    workload_release(&b->whole);
}

static void refine(struct bench *b, const struct workload_split *splits, size_t count)
{
    CHECK_OK(workload_refine(&b->refined, &b->whole, splits, count, err));
}

static const struct dnn_layer *part(const struct bench *b, const char *name)
{
    for (uint32_t i = 0; i < b->refined.layer_count; i++)
        if (strcmp(workload_layer(&b->refined, i)->name, name) == 0)
            return workload_layer(&b->refined, i);
    test_fail(__FILE__, __LINE__, "no layer %s", name);
}

/* Bytes of the edge between two layers of the refined workload; 0 if there is none. */
static uint64_t edge(const struct bench *b, const char *from, const char *to)
{
    const struct dnn_layer *consumer = part(b, to);
    for (size_t i = 0; i < consumer->pred_count; i++)
        if (strcmp(workload_layer(&b->refined, consumer->preds[i].layer)->name, from) == 0)
            return consumer->preds[i].bytes;
    return 0;
}

#define CONV(name, k, c, p, r, params, inputs)                                                     \
    "{\"name\": \"" name "\", \"op\": \"conv2d\", \"extents\": {\"n\": 1, \"k\": " #k              \
    ", \"c\": " #c ", \"p\": " #p ", \"q\": " #p ", \"r\": " #r ", \"s\": " #r                     \
    "}, \"params\": {" params "}, \"inputs\": [" inputs "]}"
#define SAME   "\"ph\": 1, \"pw\": 1"
#define HALVES ((const uint64_t[]){ 8, 8 })
#define TWO(...)                                                                                   \
    2, (const uint64_t[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* --- M-84: shapes ---------------------------------------------------------------------------- */

TEST(split__output_channels__own_weights_whole_input)
{
    struct bench b;
    bench_init(&b, CONV("a", 8, 4, 16, 3, SAME, "\"image\""));
    refine(&b, &(struct workload_split){ 0, ROLE_K, TWO(6, 2) }, 1);
    CHECK_INT(2, b.refined.layer_count);
    const struct layer_shape *k0 = &part(&b, "a/k0")->shape, *k1 = &part(&b, "a/k1")->shape;
    /* 8·4·256·9 MACs, 8·4·9 weights, 8·256 outputs: 6/8 and 2/8 of them; the input is 4·256. */
    CHECK_INT(6 * 4 * 256 * 9, k0->macs);
    CHECK_INT(2 * 4 * 256 * 9, k1->macs);
    CHECK_INT(6 * 36, k0->weight_bytes);
    CHECK_INT(2 * 36, k1->weight_bytes);
    CHECK_INT(6 * 256, k0->output_bytes);
    CHECK_INT(6, k0->extent[ROLE_K]);
    CHECK_INT(1024, k0->input_bytes);
    CHECK_INT(1024, k1->input_bytes);
    CHECK_INT(1024, k1->external_bytes);
    CHECK_INT(1, k0->is_sink);
    bench_release(&b);
}

TEST(split__rows__all_weights_and_a_halo)
{
    struct bench b;
    bench_init(&b, CONV("a", 8, 4, 16, 3, SAME, "\"image\""));
    refine(&b, &(struct workload_split){ 0, ROLE_P, TWO(10, 6) }, 1);
    const struct layer_shape *p0 = &part(&b, "a/p0")->shape, *p1 = &part(&b, "a/p1")->shape;
    /* Rows 0…9 read -1…10: 11 of 16 rows. Rows 10…15 read 9…16: 7. A row is 4·16 elements. */
    CHECK_INT(11 * 64, p0->input_bytes);
    CHECK_INT(7 * 64, p1->input_bytes);
    CHECK_INT(288, p0->weight_bytes);
    CHECK_INT(288, p1->weight_bytes);
    CHECK_INT(10 * 16 * 8, p0->output_bytes);
    CHECK_INT(UINT64_C(8) * 4 * 256 * 9, p0->macs + p1->macs);
    bench_release(&b);
}

/* --- M-85: halo with stride, dilation, padding ------------------------------------------------ */

TEST(split__stride_dilation_padding__first_to_last_row)
{
    struct bench b;
    /* Row p reads 2p + {0, 3, 6} - 3: p = 0…3 read -3…9, p = 4…7 read 5…17 of 16 rows. */
    bench_init(&b, CONV("a", 8, 4, 8, 3,
                        "\"sh\": 2, \"sw\": 2, \"dh\": 3, \"dw\": 3, \"ph\": 3, \"pw\": 3",
                        "\"image\""));
    refine(&b, &(struct workload_split){ 0, ROLE_P, TWO(4, 4) }, 1);
    CHECK_INT(10 * 64, part(&b, "a/p0")->shape.input_bytes);
    CHECK_INT(11 * 64, part(&b, "a/p1")->shape.input_bytes);
    bench_release(&b);
}

TEST(split__transposed_convolution__rows_before_the_expansion)
{
    struct bench b;
    /* Row p of 32 reads (p + r - 1) / 2 where that is whole: p = 0…15 read 0…8, 16…31 read 8…15:
     * (15 + 2 - 1) / 2 = 8; (16 + 0 - 1) / 2 = 7.5, so 8. */
    bench_init(&b,
               "{\"name\": \"a\", \"op\": \"transposed_conv2d\", \"extents\": {\"n\": 1, \"k\": "
               "2, \"c\": 4, \"p\": 32, \"q\": 32, \"r\": 3, \"s\": 3}, \"params\": {\"sh\": 2, "
               "\"sw\": 2, \"ph\": 1, \"pw\": 1}, \"inputs\": [\"image\"]}");
    refine(&b, &(struct workload_split){ 0, ROLE_P, TWO(16, 16) }, 1);
    CHECK_INT(9 * 64, part(&b, "a/p0")->shape.input_bytes);
    CHECK_INT(8 * 64, part(&b, "a/p1")->shape.input_bytes);
    bench_release(&b);
}

/* --- M-86: edges -------------------------------------------------------------------------------
 */

#define A     "\"a\""
#define CHAIN CONV("a", 8, 4, 16, 3, SAME, "\"image\"") ", " CONV("b", 2, 8, 16, 3, SAME, A)

TEST(split__rows_behind_rows__neighbours_exchange_the_halo_alone)
{
    struct bench b;
    bench_init(&b, CHAIN);
    const struct workload_split splits[] = { { 0, ROLE_P, 2, HALVES }, { 1, ROLE_P, 2, HALVES } };
    refine(&b, splits, 2);
    /* Rows of a: 8 channels × 16. b/p0 needs rows 0…8, of which a/p1 has row 8. */
    CHECK_INT(8 * 128, edge(&b, "a/p0", "b/p0"));
    CHECK_INT(1 * 128, edge(&b, "a/p1", "b/p0"));
    CHECK_INT(1 * 128, edge(&b, "a/p0", "b/p1"));
    CHECK_INT(8 * 128, edge(&b, "a/p1", "b/p1"));
    CHECK_INT(9 * 128, part(&b, "b/p0")->shape.input_bytes);
    CHECK_INT(0, part(&b, "b/p0")->shape.external_bytes);
    CHECK_INT(0, part(&b, "a/p0")->shape.is_sink);
    bench_release(&b);
}

TEST(split__channels_behind_channels__everyone_sends_to_everyone)
{
    struct bench b;
    bench_init(&b, CHAIN);
    const struct workload_split splits[] = { { 0, ROLE_K, TWO(5, 3) }, { 1, ROLE_K, TWO(1, 1) } };
    refine(&b, splits, 2);
    CHECK_INT(5 * 256, edge(&b, "a/k0", "b/k0"));
    CHECK_INT(5 * 256, edge(&b, "a/k0", "b/k1"));
    CHECK_INT(3 * 256, edge(&b, "a/k1", "b/k0"));
    bench_release(&b);
}

TEST(split__one_end_alone__gathers_or_scatters)
{
    struct bench gather, scatter;
    bench_init(&gather, CHAIN);
    refine(&gather, &(struct workload_split){ 0, ROLE_P, 2, HALVES }, 1);
    CHECK_INT(8 * 128, edge(&gather, "a/p0", "b"));
    CHECK_INT(8 * 128, edge(&gather, "a/p1", "b"));
    bench_release(&gather);
    bench_init(&scatter, CHAIN);
    refine(&scatter, &(struct workload_split){ 1, ROLE_P, 2, HALVES }, 1);
    CHECK_INT(9 * 128, edge(&scatter, "a", "b/p0"));
    CHECK_INT(9 * 128, edge(&scatter, "a", "b/p1"));
    bench_release(&scatter);
}

TEST(split__channels_and_rows__overlap_of_both)
{
    struct bench b;
    bench_init(&b, CHAIN);
    const struct workload_split splits[] = { { 0, ROLE_K, TWO(5, 3) }, { 1, ROLE_P, 2, HALVES } };
    refine(&b, splits, 2);
    /* 9 rows of 5 channels × 16 columns. */
    CHECK_INT(9 * 5 * 16, edge(&b, "a/k0", "b/p0"));
    CHECK_INT(9 * 3 * 16, edge(&b, "a/k1", "b/p1"));
    bench_release(&b);
}

#define B "\"b\""
#define DEPTHWISE                                                                                  \
    "{\"name\": \"d\", \"op\": \"depthwise_conv2d\", \"extents\": {\"n\": 1, \"g\": 12, \"p\": "   \
    "16, \"q\": 16, \"r\": 3, \"s\": 3}, \"params\": {" SAME "}, \"inputs\": [[" A ", " B "]]}"

TEST(split__depthwise_behind_a_concatenation__channels_of_their_own)
{
    struct bench b;
    /* d has the 8 channels of a, then the 4 of b; parts have channels 0…5 and 6…11. */
    bench_init(&b, CONV("a", 8, 4, 16, 3, SAME, "\"image\"") ", " CONV("b", 4, 4, 16, 3, SAME,
                                                                       "\"image\"") ", " DEPTHWISE);
    refine(&b, &(struct workload_split){ 2, ROLE_G, TWO(6, 6) }, 1);
    CHECK_INT(6 * 256, edge(&b, "a", "d/g0"));
    CHECK_INT(0, edge(&b, "b", "d/g0"));
    CHECK_INT(2 * 256, edge(&b, "a", "d/g1"));
    CHECK_INT(4 * 256, edge(&b, "b", "d/g1"));
    CHECK_INT(6 * 9, part(&b, "d/g1")->shape.weight_bytes);
    CHECK_INT(6 * 256, part(&b, "d/g1")->shape.input_bytes);
    bench_release(&b);
}

#define GEMM(name, n, k, inputs, more)                                                             \
    "{\"name\": \"" name "\", \"op\": \"gemm\", \"extents\": {\"m\": 8, \"n\": " #n ", \"k\": " #k \
    "}, \"inputs\": [" inputs "]" more "}"

TEST(split__residual__its_slice_alone)
{
    struct bench b;
    bench_init(&b, GEMM("a", 16, 24, "\"rows\"", "") ", " GEMM("b", 16, 24, "\"rows\"",
                                                               ", \"epilogue\": [{\"op\": \"add\", "
                                                               "\"input\": \"a\"}, \"relu\"]"));
    refine(&b, &(struct workload_split){ 1, ROLE_K, TWO(12, 4) }, 1);
    CHECK_INT(12 * 8, edge(&b, "a", "b/k0"));
    CHECK_INT(4 * 8, edge(&b, "a", "b/k1"));
    /* 24·8 rows of the graph's input and the slice; two steps of 8·12 elements. */
    CHECK_INT(24 * 8 + 12 * 8, part(&b, "b/k0")->shape.input_bytes);
    CHECK_INT(24 * 8, part(&b, "b/k0")->shape.external_bytes);
    CHECK_INT(2 * 8 * 12, part(&b, "b/k0")->shape.epilogue_elements);
    bench_release(&b);
}

TEST(split__part_of_a_tensor__may_be_anywhere)
{
    struct bench b;
    /* b reads 12 of the 16 columns of a, nobody says which: either half may send all its 8. */
    bench_init(&b, GEMM("a", 16, 24, "\"rows\"",
                        "") ", " GEMM("b", 4, 12, "{\"from\": \"a\", \"elements\": 96}", ""));
    refine(&b, &(struct workload_split){ 0, ROLE_K, TWO(8, 8) }, 1);
    CHECK_INT(8 * 8, edge(&b, "a/k0", "b"));
    CHECK_INT(8 * 8, edge(&b, "a/k1", "b"));
    bench_release(&b);
}

/* --- what is refused ---------------------------------------------------------------------------
 */

static void check_refused(const char *layers, struct workload_split split, enum err_code code,
                          const char *words)
{
    struct bench b;
    struct err err = ERR_INIT;
    bench_init(&b, layers);
    CHECK_STR(err_name(code), err_name(workload_refine(&b.refined, &b.whole, &split, 1, &err)));
    if (!strstr(err.text, words))
        CHECK_STR(words, err.text);
    bench_release(&b);
}

TEST(split__epilogue_that_looks_around__is_refused)
{
#define POOLED                                                                                     \
    "{\"name\": \"a\", \"op\": \"conv2d\", \"extents\": {\"n\": 1, \"k\": 8, \"c\": 4, \"p\": 16," \
    " \"q\": 16, \"r\": 3, \"s\": 3}, \"params\": {" SAME "}, \"inputs\": [\"image\"], "           \
    "\"epilogue\": [\"relu\", \"maxpool\"], \"output_shape\": [1, 8, 8, 8]}"
    check_refused(POOLED, (struct workload_split){ 0, ROLE_P, 2, HALVES }, ERR_VALUE, "maxpool");
    const char *rows = GEMM("a", 16, 24, "\"rows\"", ", \"epilogue\": [\"softmax\"]");
    check_refused(rows, (struct workload_split){ 0, ROLE_K, 2, HALVES }, ERR_VALUE, "softmax");
    const char *gates = GEMM("a", 16, 24, "\"rows\"", ", \"epilogue\": [\"mul\"]");
    check_refused(gates, (struct workload_split){ 0, ROLE_P, TWO(4, 4) }, ERR_VALUE, "mul");
    struct bench b;
    bench_init(&b, POOLED); /* channels are pooled one by one */
    refine(&b, &(struct workload_split){ 0, ROLE_K, TWO(4, 4) }, 1);
    CHECK_INT(4 * 64, part(&b, "a/k1")->shape.output_bytes);
    bench_release(&b);
}

TEST(split__parts_that_do_not_cover__are_refused)
{
    const char *a = CONV("a", 8, 4, 16, 3, SAME, "\"image\"");
    check_refused(a, (struct workload_split){ 0, ROLE_K, TWO(4, 3) }, ERR_RANGE, "add up to 8");
    check_refused(a, (struct workload_split){ 0, ROLE_K, TWO(8, 0) }, ERR_RANGE, "of 1..");
    check_refused(a, (struct workload_split){ 0, ROLE_K, 1, HALVES }, ERR_LIMIT, "2..64");
    check_refused(a, (struct workload_split){ 0, ROLE_N, TWO(1, 1) }, ERR_VALUE, "role N");
    check_refused(a, (struct workload_split){ 0, ROLE_C, TWO(2, 2) }, ERR_VALUE, "role C");
    const char *named =
        CONV("a", 8, 4, 16, 3, SAME, "\"image\"") ", " CONV("a/k1", 8, 4, 16, 3, SAME, "\"image\"");
    check_refused(named, (struct workload_split){ 0, ROLE_K, TWO(4, 4) }, ERR_DUPLICATE, "a/k1");
}

/* --- against the expression, point by point ----------------------------------------------------
 */

/* Next point of the box of iterations; false behind the last. */
static bool next_point(const struct expr *expr, int64_t *at)
{
    for (size_t i = expr->iter_count; i-- > 0;) {
        if (++at[i] < expr->iters[i].extent)
            return true;
        at[i] = 0;
    }
    return false;
}

/* Coordinates of an offset in the tensor. */
static void coordinates(const struct expr_tensor *tensor, int64_t offset, int64_t *at)
{
    for (size_t d = tensor->dim_count; d-- > 0;) {
        at[d] = offset % tensor->dims[d].extent;
        offset /= tensor->dims[d].extent;
    }
}

/* Every point of the part reads and writes what the same point of the whole does. */
static void check_points(const struct dnn_layer *whole, const struct dnn_layer *one, enum role role,
                         uint64_t low)
{
    int64_t at[EXPR_ITERS_MAX] = { 0 }, in_whole[EXPR_ITERS_MAX], x[EXPR_DIMS_MAX],
            y[EXPR_DIMS_MAX];
    struct split_piece piece;
    size_t cut = 0;
    while (whole->expr->iters[cut].role != role || whole->expr->iters[cut].extent == 1)
        cut++;
    uint64_t high = low + (uint64_t)one->expr->iters[cut].extent;
    CHECK_OK(split_piece_init(&piece, whole, role, low, high, err));
    do {
        memcpy(in_whole, at, sizeof at);
        in_whole[cut] += (int64_t)low;
        for (size_t t = 0; t < whole->expr->tensor_count; t++) {
            int64_t a = expr_offset(whole->expr, t, in_whole), b = expr_offset(one->expr, t, at);
            CHECK_INT(a < 0, b < 0);
            if (a < 0)
                continue;
            struct split_region region = split_reads(&piece, t);
            coordinates(&whole->expr->tensors[t], a, x);
            coordinates(&one->expr->tensors[t], b, y);
            for (size_t d = 0; d < region.rank; d++)
                CHECK_INT(x[d], y[d] + (int64_t)region.low[d]);
        }
    } while (next_point(one->expr, at));
}

TEST(split__random_convolutions__parts_compute_what_the_whole_does)
{
    static const char *const ops[] = { "conv2d", "transposed_conv2d", "depthwise_conv2d" };
    static const enum role roles[] = { ROLE_K, ROLE_P, ROLE_Q, ROLE_G };
    unsigned checked = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct rng rng = rng_stream(seed, 1, 1);
        unsigned op = rng_below(&rng, 3), r = 1 + rng_below(&rng, 4),
                 stride = 1 + rng_below(&rng, 3);
        unsigned dilation = 1 + rng_below(&rng, 3), p = 3 + rng_below(&rng, 8);
        unsigned pad = rng_below(&rng, (r - 1) * dilation + 1);
        enum role role = roles[rng_below(&rng, 4)];
        struct dnn dnn;
        struct text text = { 0 };
        test_seed(seed);
        text_printf(&text,
                    "{\"socweave\": \"dnn/1\", \"name\": \"g\", \"inputs\": [{\"name\": \"i\", "
                    "\"shape\": [1]}], \"layers\": [{\"name\": \"a\", \"op\": \"%s\", \"extents\": "
                    "{\"n\": 1, \"%s\": 6, \"%s\": 3, \"p\": %u, \"q\": 4, \"r\": %u, \"s\": 2}, "
                    "\"params\": {\"sh\": %u, \"sw\": 1, \"dh\": %u, \"dw\": 1, \"ph\": %u, "
                    "\"pw\": 0}, \"inputs\": [{\"from\": \"i\", \"elements\": 1}]}]}",
                    ops[op], op == 2 ? "g" : "k", op == 2 ? "m" : "c", p, r, stride, dilation, pad);
        if (dnn_load_text(&dnn, "g.json", text.data, text.bytes, NULL) != ERR_OK) {
            text_release(&text); /* nothing but padding is read */
            continue;
        }
        struct workload_network network = { .name = "g" };
        struct workload whole = { .graph_count = 1,
                                  .graphs = &dnn,
                                  .network_count = 1,
                                  .networks = &network,
                                  .layer_count = 1 },
                        refined;
        uint64_t extent;
        if (split_extent(dnn.layers, role, &extent, NULL) == ERR_OK) {
            uint64_t first = 1 + rng_below(&rng, (uint32_t)extent - 1);
            uint64_t parts[] = { first, extent - first };
            CHECK_OK(workload_refine(&refined, &whole,
                                     &(struct workload_split){ 0, role, 2, parts }, 1, err));
            check_points(dnn.layers, workload_layer(&refined, 0), role, 0);
            check_points(dnn.layers, workload_layer(&refined, 1), role, first);
            workload_release(&refined);
            checked++;
        }
        dnn_release(&dnn);
        text_release(&text);
    }
    CHECK(checked > 80);
}

/* --- whole problems ----------------------------------------------------------------------------
 */

/* About every third layer, by a random role it can be split by. */
static size_t random_splits(const struct workload *whole, struct rng *rng, struct arena *arena,
                            struct workload_split *out)
{
    size_t count = 0;
    for (uint32_t layer = 0; layer < whole->layer_count; layer++) {
        static const enum role roles[] = { ROLE_K, ROLE_P, ROLE_Q };
        enum role role = roles[rng_below(rng, 3)];
        uint64_t extent, *parts = ARENA_ARRAY(arena, uint64_t, 3);
        if (rng_below(rng, 3) == 0 ||
            split_extent(workload_layer(whole, layer), role, &extent, NULL) != ERR_OK)
            continue;
        uint32_t n = extent > 2 ? 3 : 2;
        parts[0] = 1 + rng_below(rng, (uint32_t)(extent - n + 1));
        parts[1] =
            n == 2 ? extent - parts[0] : 1 + rng_below(rng, (uint32_t)(extent - parts[0] - 1));
        parts[2] = extent - parts[0] - parts[1];
        out[count++] = (struct workload_split){ layer, role, n, parts };
    }
    return count;
}

TEST(split__random_problems__conserve_macs_and_pass_the_judge)
{
    size_t splits_seen = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct fixture f;
        struct fixture_shape shape = { .layers = 30,
                                       .networks = 2,
                                       .accelerators = 4,
                                       .edge_probability = 0.4,
                                       .finite_memory = seed % 2 };
        struct workload refined;
        struct problem problem;
        struct mapping mapping;
        struct schedule schedule;
        struct arena *arena = arena_new();
        struct rng rng = rng_stream(seed, 2, 2);
        const struct cost_options options = { COST_SHARING_TILED };
        test_seed(seed);
        fixture_random(&f, seed, &shape);
        struct workload_split *splits =
            ARENA_ARRAY(arena, struct workload_split, f.workload.layer_count);
        size_t count = random_splits(&f.workload, &rng, arena, splits);
        splits_seen += count;
        CHECK_OK(workload_refine(&refined, &f.workload, splits, count, err));
        uint64_t before = 0, after = 0, made = 0;
        for (uint32_t i = 0; i < f.workload.layer_count; i++) {
            before += workload_layer(&f.workload, i)->shape.macs;
            made += workload_layer(&f.workload, i)->shape.output_bytes;
        }
        for (uint32_t i = 0; i < refined.layer_count; i++) {
            after += workload_layer(&refined, i)->shape.macs;
            made -= workload_layer(&refined, i)->shape.output_bytes;
        }
        CHECK_INT(before, after);
        CHECK_INT(0, made);
        CHECK_OK(cost_build_problem(&f.soc, &refined, &options, &problem, err));
        fixture_random_mapping(&problem, seed, MAPPING_BY_LAYER, &mapping);
        schedule_init(&schedule, problem.layer_count);
        analytic_schedule(&problem, &mapping, GRANULARITY_LAYER, &schedule);
        CHECK_OK(mapping_check(&problem, &mapping, &schedule, GRANULARITY_LAYER, err));
        schedule_release(&schedule);
        mapping_release(&mapping);
        problem_release(&problem);
        workload_release(&refined);
        arena_free(arena);
        fixture_release(&f);
    }
    CHECK(splits_seen > 200);
}

TEST(split__no_splits__leave_the_workload_as_it_is)
{
    struct fixture f;
    struct workload refined;
    fixture_shipped(&f, "comb-small-low", "vision-light");
    CHECK_OK(workload_refine(&refined, &f.workload, NULL, 0, err));
    CHECK_INT(f.workload.layer_count, refined.layer_count);
    for (uint32_t i = 0; i < refined.layer_count; i++) {
        CHECK(workload_layer(&f.workload, i) == workload_layer(&refined, i));
        CHECK_INT(i, refined.whole_layer[i]);
    }
    workload_release(&refined);
    fixture_release(&f);
}

/* Edges between layers that are whole stay as the graph says, whatever is split elsewhere. */
TEST(split__other_layers__keep_their_edges)
{
    struct fixture f;
    struct workload refined;
    fixture_shipped(&f, "comb-small-low", "mixed-light");
    const uint64_t parts[] = { 100, 60 };
    uint32_t layer = f.workload.networks[0].first_layer + 1;
    CHECK_STR("b1", workload_layer(&f.workload, layer)->name);
    const struct workload_split split = { layer, ROLE_P, 2, parts };
    CHECK_OK(workload_refine(&refined, &f.workload, &split, 1, err));
    CHECK_INT(f.workload.layer_count + 1, refined.layer_count);
    for (uint32_t i = 0; i < refined.layer_count; i++) {
        const struct dnn_layer *now = workload_layer(&refined, i);
        const struct dnn_layer *then = workload_layer(&f.workload, refined.whole_layer[i]);
        if (strcmp(now->name, then->name) != 0)
            continue;
        uint64_t bytes_now = 0, bytes_then = 0;
        for (size_t e = 0; e < now->pred_count; e++)
            bytes_now += now->preds[e].bytes;
        for (size_t e = 0; e < then->pred_count; e++)
            bytes_then += then->preds[e].bytes;
        CHECK_INT(bytes_then, bytes_now);
    }
    workload_release(&refined);
    fixture_release(&f);
}
