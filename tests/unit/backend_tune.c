/* The tuner with a clock of its own: any backend, any machine. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/tune.h"
#include "core/file.h"
#include "core/text.h"
#include "tests/model/cuda_fake.h"
#include "tests/model/match_case.h"
#include "tests/test.h"

struct bench {
    const char *names[4];
    double ns[4]; /* < 0: cannot be measured */
    unsigned measured;
};

static const char *name(void *ctx, size_t candidate)
{
    struct bench *b = ctx;
    return b->names[candidate];
}

static enum err_code measure(void *ctx, size_t candidate, double *ns, struct err *err)
{
    struct bench *b = ctx;
    b->measured++;
    *ns = b->ns[candidate];
    return *ns < 0 ? err_set(err, ERR_DEVICE, "out of memory") : ERR_OK;
}

static struct bench bench_of(double a, double b, double c, double d)
{
    return (struct bench){ { "w", "x", "y", "z" }, { a, b, c, d }, 0 };
}

static size_t tune(struct bench *b, const char *device, const char *family, unsigned count,
                   const char *cache, bool *from_cache)
{
    const struct backend_tuner tuner = { device, family, 4, name, measure, b };
    const struct backend_tuning tuning = { count, cache };
    size_t best = 99;
    CHECK_OK(backend_tune(&tuner, &tuning, &best, from_cache, err));
    return best;
}

static char *cache_file(const char *file)
{
    return file_join(test_temp_dir(), file);
}

TEST(backend_tune__first_few__fastest_of_them)
{
    bool from_cache;
    struct bench b = bench_of(5, 3, 3, 1);
    CHECK_INT(1, tune(&b, "d", "f", 3, NULL, &from_cache)); /* the earlier of equals; z not tried */
    CHECK_INT(3, b.measured);
    CHECK(!from_cache);
    CHECK_INT(3, tune(&b, "d", "f", 100, NULL, &from_cache));
}

TEST(backend_tune__candidate_that_fails__is_passed_over)
{
    bool from_cache;
    struct bench b = bench_of(-1, 7, -1, 9);
    CHECK_INT(1, tune(&b, "d", "f", 4, NULL, &from_cache));
    struct bench none = bench_of(-1, -1, -1, -1);
    const struct backend_tuner tuner = { "d", "f", 4, name, measure, &none };
    const struct backend_tuning tuning = { 4, NULL };
    size_t best = 99;
    struct err err = ERR_INIT;
    CHECK_INT(ERR_DEVICE, backend_tune(&tuner, &tuning, &best, &from_cache, &err));
    CHECK_STR("out of memory", err.text);
    CHECK_INT(99, best);
}

TEST(backend_tune__cache__remembers_by_device_and_family)
{
    bool from_cache;
    char *file = cache_file("tuning.json");
    struct bench b = bench_of(5, 3, 4, 1);
    CHECK_INT(1, tune(&b, "d", "f \"1\"", 2, file, &from_cache));
    struct bench later = bench_of(1, 2, 3, 4); /* other times: the cache is asked first */
    CHECK_INT(1, tune(&later, "d", "f \"1\"", 4, file, &from_cache));
    CHECK(from_cache);
    CHECK_INT(0, later.measured);
    CHECK_INT(0, tune(&later, "d", "f 2", 4, file, &from_cache));
    CHECK(!from_cache);
    CHECK_INT(0, tune(&later, "other device", "f \"1\"", 4, file, &from_cache));
    CHECK(!from_cache);
    CHECK_INT(1, tune(&later, "d", "f \"1\"", 4, file, &from_cache));
    CHECK(from_cache);
    free(file);
}

TEST(backend_tune__choice_that_no_longer_exists__is_measured_again)
{
    bool from_cache;
    char *file = cache_file("gone.json");
    struct bench b = bench_of(5, 3, 4, 1);
    b.names[1] = "old";
    CHECK_INT(1, tune(&b, "d", "f", 4 - 1, file, &from_cache));
    struct bench now = bench_of(5, 6, 4, 1);
    CHECK_INT(3, tune(&now, "d", "f", 4, file, &from_cache));
    CHECK(!from_cache);
    CHECK_INT(3, tune(&now, "d", "f", 4, file, &from_cache));
    CHECK(from_cache);
    free(file);
}

/* A whole cache, cut anywhere or with any byte changed: the right answer, and whole afterwards. */
TEST(backend_tune__broken_cache__is_a_hint_not_an_error)
{
    bool from_cache;
    char *file = cache_file("broken.json"), *text;
    size_t bytes;
    struct bench b = bench_of(5, 3, 4, 1);
    tune(&b, "d", "f", 4, file, &from_cache);
    CHECK_OK(file_read(file, &text, &bytes, err));
    unsigned used = 0;
    for (size_t cut = 0; cut < 2 * bytes; cut++) {
        char *copy = malloc(bytes + 1);
        memcpy(copy, text, bytes + 1);
        size_t length = cut < bytes ? cut : bytes;
        if (cut >= bytes)
            copy[cut - bytes] ^= 0x15;
        CHECK_OK(file_write(file, copy, length, err));
        free(copy);
        CHECK_INT(3, tune(&b, "d", "f", 4, file, &from_cache));
        used += from_cache;
        CHECK_INT(3, tune(&b, "d", "f", 4, file, &from_cache));
        CHECK(from_cache);
    }
    CHECK(used < bytes); /* changes of blanks and of the time; everything else measured anew */
    free(text);
    free(file);
}

TEST(backend_tune__cache_that_cannot_be_written__no_error)
{
    bool from_cache;
    struct bench b = bench_of(5, 3, 4, 1);
    CHECK_INT(3, tune(&b, "d", "f", 4, "/proc/nowhere/tuning.json", &from_cache));
    CHECK_INT(3, tune(&b, "d", "f", 4, test_temp_dir(), &from_cache)); /* a folder */
    CHECK(!from_cache);
}

/* --- with the CUDA backend on the fake device ------------------------------------------------ */

/* Likes two stages best, which the model likes least. */
static double shallow(const struct cuda_launch *launch)
{
    return 1000.0 * launch->params->stages + launch->params->split;
}

struct product {
    struct intrin intrin;
    struct expr expr;
    struct intrin_matches matches;
    struct intrin_plan plan;
    struct backend_job job;
};

static void product_init(struct product *g, const struct backend_tuning *tuning)
{
    static const struct intrin_match_options options = { INTRIN_AMOS, false };
    match_op("gemm", "m=200 n=80 k=1024", &g->expr);
    CHECK_OK(intrin_find("mma.m16n8k32.u8s8", &g->intrin, err));
    intrin_adopt_types(&g->intrin, &g->expr);
    CHECK_OK(intrin_match(&g->intrin, &g->expr, &options, &g->matches, err));
    CHECK_OK(intrin_plan_init(&g->plan, &g->intrin, &g->expr, &g->matches.mappings[0], err));
    g->job =
        (struct backend_job){ .expr = &g->expr, .plan = &g->plan, .tuning = tuning, .threads = 1 };
}

static void product_release(struct product *g)
{
    intrin_plan_release(&g->plan);
    intrin_matches_release(&g->matches);
    intrin_release(&g->intrin);
}

static void prepare_product(const struct backend_tuning *tuning, const char *says)
{
    struct product g;
    struct backend_kernel *kernel;
    product_init(&g, tuning);
    CHECK_OK(backend_cuda.prepare(&g.job, &kernel, err));
    if (strstr(backend_cuda.describe(kernel), says) == NULL)
        test_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", says,
                  backend_cuda.describe(kernel));
    backend_cuda.release(kernel);
    product_release(&g);
}

TEST(backend_tune__cuda__measures_the_best_and_remembers)
{
    struct cuda_fake *fake = cuda_fake_begin();
    char *file = cache_file("cuda.json");
    struct backend_tuning tuning = { UINT32_MAX, file };
    fake->clock_ns = shallow;
    prepare_product(&tuning, "stages 2 split 1 group 8, tuned");
    uint64_t timings = fake->timings;
    CHECK(timings > 7 * 20); /* two to warm up and five, of each choice */
    CHECK_INT(0, fake->launches);
    prepare_product(&tuning, ", tuned before");
    CHECK_INT(timings, fake->timings);
    prepare_product(NULL, "mma_u8s8_");
    CHECK_INT(timings, fake->timings);
    free(file);
    cuda_fake_end();
}

TEST(backend_tune__cuda_lost_meanwhile__is_an_error_and_resets)
{
    struct cuda_fake *fake = cuda_fake_begin();
    struct backend_tuning tuning = { 3, NULL };
    struct product g;
    struct backend_kernel *kernel = NULL;
    product_init(&g, &tuning);
    fake->launches_to_go = 0;
    CHECK_INT(ERR_DEVICE, backend_cuda.prepare(&g.job, &kernel, NULL));
    CHECK_INT(1, fake->resets);
    product_release(&g);
    cuda_fake_end();
}
