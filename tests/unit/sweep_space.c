/* Design spaces: expressions, points, SoCs of points, constraints, relaxations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "sweep/space.h"
#include "sweep/space_expr.h"
#include "tests/test.h"

/* --- expressions ------------------------------------------------------------------------------ */

static uint32_t find(void *ctx, const char *name, struct err *err)
{
    (void)ctx;
    if (strcmp(name, "x") == 0 || strcmp(name, "a.b") == 0)
        return 0;
    if (strcmp(name, "word") == 0)
        return 1;
    err_set(err, ERR_REFERENCE, "unknown");
    return UINT32_MAX;
}

static enum err_code value(void *ctx, uint32_t name, struct space_scalar *out, struct err *err)
{
    (void)ctx;
    (void)err;
    *out = name ? (struct space_scalar){ .text = "mesh" } : (struct space_scalar){ .number = 5 };
    return ERR_OK;
}

static double value_of(const char *text, enum err_code *rc)
{
    const struct space_scope scope = { NULL, find };
    const struct space_values values = { NULL, value };
    struct err err = ERR_INIT;
    struct space_scalar out = { .number = NAN };
    struct arena *arena = arena_new();
    const struct space_expr *expr = space_expr_parse(arena, text, &scope, &err);
    *rc = expr ? space_expr_value(expr, &values, &out, &err) : err.code;
    arena_free(arena);
    return out.number;
}

TEST(space_expr__values__as_written)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        { "1 + 2 * 3", 7 },
        { "(1 + 2) * 3", 9 },
        { "10 - 4 - 3", 3 },
        { "16 / 4 / 2", 2 },
        { "-x + 7 % 4", -2 },
        { "a.b * 2e3", 10000 },
        { "x < 6 and x >= 5", 1 },
        { "x == 4 or not x == 5", 0 },
        { "min(x, 3) + max(x, 3)", 8 },
        { "ceil(x / 2) + floor(x / 2) + round(x / 2)", 8 },
        { "if(word == 'mesh', sqrt(16), log2(8))", 4 },
        { "word != 'ring'", 1 },
        { "abs(-2.5)", 2.5 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err_code rc;
        CHECK_NEAR(cases[i].value, value_of(cases[i].text, &rc), 1e-12);
        CHECK_INT(ERR_OK, rc);
    }
}

TEST(space_expr__broken_texts__are_told)
{
    static const struct {
        const char *text;
        enum err_code code;
    } cases[] = {
        { "", ERR_SYNTAX },
        { "1 +", ERR_SYNTAX },
        { "(1", ERR_SYNTAX },
        { "1 2", ERR_SYNTAX },
        { "'open", ERR_SYNTAX },
        { "min(1)", ERR_SYNTAX },
        { "y", ERR_REFERENCE },
        { "sin(1)", ERR_REFERENCE },
        { "word + 1", ERR_TYPE },
        { "word == 5", ERR_TYPE },
        { "word < 'x'", ERR_TYPE },
        { "1 $ 2", ERR_SYNTAX },
        { "if(word, 1, 2)", ERR_TYPE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err_code rc;
        value_of(cases[i].text, &rc);
        CHECK_INT(cases[i].code, rc);
    }
}

/* --- spaces ----------------------------------------------------------------------------------- */

static void shipped(struct space *space, const char *name)
{
    char file[128];
    snprintf(file, sizeof file, "soc-configs/spaces/%s.json", name);
    CHECK_OK(space_load(space, test_path(file), err));
}

static size_t parameter(const struct space *space, const char *name)
{
    size_t i = 0;
    while (strcmp(space->parameters[i].name, name) != 0)
        i++;
    return i;
}

TEST(space__points__are_choices_in_mixed_radix)
{
    struct space space;
    shipped(&space, "edge-small");
    CHECK_INT(480, space.point_count);
    for (uint64_t point = 0; point < space.point_count; point += 7) {
        uint32_t choices[SPACE_PARAMETERS_MAX];
        space_choices(&space, point, choices);
        CHECK_INT(point, space_point(&space, choices));
        for (size_t i = 0; i < space.parameter_count; i++)
            CHECK_INT(choices[i], space_choice(&space, point, i));
    }
    char *text = space_point_text(&space, 1);
    CHECK_STR("gemmini_side=8 nvdlas=1 buffer_kib=128 ring_bytes_per_cycle=4 "
              "lpddr_bytes_per_s=3750000000",
              text);
    free(text);
    space_release(&space);
}

TEST(space__soc_of_a_point__has_its_values)
{
    struct space space;
    struct soc soc;
    shipped(&space, "edge-small");
    CHECK_OK(space_soc(&space, space.point_count - 1, &soc, err));
    CHECK_INT(5, soc.accelerator_count); /* two NVDLAs */
    CHECK_STR("nvdla1", soc.accelerators[1].name);
    CHECK_INT(6, soc.place_count);
    CHECK_INT(2, soc.accelerators[1].place); /* place 0 is the memory's */
    CHECK_INT(32, soc.accelerators[2].pe_rows);
    CHECK_INT(1024 * 1024, soc.accelerators[0].scratchpad_bytes);
    CHECK_INT(32000000000, soc.network.link_bytes_per_s);
    CHECK_INT(30000000000, soc.channels[0].bytes_per_s);
    soc_release(&soc);
    space_release(&space);
}

TEST(space__shipped_ones__every_hundredth_point_is_a_soc)
{
    static const char *const names[] = { "comb-mixed", "edge-small", "topology" };
    for (size_t i = 0; i < 3; i++) {
        struct space space;
        shipped(&space, names[i]);
        for (uint64_t point = 0; point < space.point_count; point += 101) {
            struct soc soc;
            test_seed(point);
            CHECK_OK(space_soc(&space, point, &soc, err));
            soc_release(&soc);
        }
        space_release(&space);
    }
}

TEST(space__orders__are_found_by_trying)
{
    struct space space;
    shipped(&space, "comb-mixed");
    for (size_t i = 0; i < space.parameter_count; i++)
        CHECK_INT(SPACE_MORE_IS_MORE, space.parameters[i].order);
    CHECK(space_relaxes(&space, space.point_count - 1, 0));
    CHECK(!space_relaxes(&space, 0, space.point_count - 1));
    CHECK(space_relaxes(&space, 17, 17));
    space_release(&space);
    shipped(&space, "topology");
    CHECK_INT(SPACE_UNORDERED, space.parameters[parameter(&space, "topology")].order);
    CHECK_INT(SPACE_MORE_IS_MORE, space.parameters[parameter(&space, "switching")].order);
    CHECK_INT(SPACE_MORE_IS_MORE, space.parameters[parameter(&space, "link_bytes_per_s")].order);
    CHECK_INT(SPACE_LESS_IS_MORE, space.parameters[parameter(&space, "hop_latency_ns")].order);
    space_release(&space);
}

/* What space_relaxes() says of points, space_soc_relaxes() confirms of their SoCs. */
TEST(space__random_pairs__relaxations_hold_for_the_socs)
{
    struct space space;
    size_t related = 0;
    shipped(&space, "edge-small");
    for (uint64_t i = 0; i < 480; i += 5)
        for (uint64_t k = 1; k < 480; k += 37) {
            struct soc big, small;
            if (!space_relaxes(&space, k, i))
                continue;
            related++;
            CHECK_OK(space_soc(&space, k, &big, err));
            CHECK_OK(space_soc(&space, i, &small, err));
            CHECK(space_soc_relaxes(&big, &small));
            soc_release(&big);
            soc_release(&small);
        }
    CHECK(related > 20);
    space_release(&space);
}

TEST(space__hash__is_of_what_the_file_says)
{
    struct space a, b;
    char *text;
    size_t bytes;
    char file[512];
    shipped(&a, "edge-small");
    CHECK_OK(file_read(test_path("soc-configs/spaces/edge-small.json"), &text, &bytes, err));
    char *note = strstr(text, "Small enough");
    note[0] = 's';
    snprintf(file, sizeof file, "%s/space.json", test_temp_dir());
    CHECK_OK(file_write(file, text, bytes, err));
    CHECK_OK(space_load(&b, file, err));
    CHECK_STR(a.sha256, b.sha256);
    space_release(&b);
    char *sixteen = strstr(text, "[8, 16, 32]");
    sixteen[1] = '9';
    CHECK_OK(file_write(file, text, bytes, err));
    CHECK_OK(space_load(&b, file, err));
    CHECK(strcmp(a.sha256, b.sha256) != 0);
    space_release(&b);
    space_release(&a);
    free(text);
}
