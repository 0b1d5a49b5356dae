#include "tests/model/match_case.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "intrinsics/intrin_row.h"
#include "tests/test.h"

const struct match_row match_table[15] = {
    { "GMV", "gemv", 1, 1, 1 },
    { "GMM", "gemm", 1, 1, 1 },
    { "C1D", "conv1d", 6, 9, 3 },
    { "C2D", "conv2d", 35, 49, 7 },
    { "C3D", "conv3d", 180, 225, 15 },
    { "T2D", "transposed_conv2d", 7, 49, 1 },
    { "GRP", "grouped_conv2d", 35, 49, 7 },
    { "DIL", "dilated_conv2d", 35, 49, 7 },
    { "DEP", "depthwise_conv2d", 11, 21, 3 },
    { "CAP", "capsule_conv2d", 105, 147, 21 },
    { "BCV", "batched_weight_conv2d", 11, 21, 7 },
    { "GFC", "grouped_fc", 1, 1, 1 },
    { "MEN", "mean", 1, 1, 1 },
    { "VAR", "variance", 1, 1, 1 },
    { "SCN", "scan", 1, 1, 1 },
};

#define BINDINGS_MAX 32

struct numbers {
    size_t count;
    char names[BINDINGS_MAX][EXPR_NAME_MAX];
    struct expr_binding bindings[BINDINGS_MAX];
};

static bool has_word(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length) {
        bool starts = at == list || at[-1] == ' ';
        if (starts && (at[length] == '=' || at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* "a=1 b=2" appended; is_extent where the name stands in `iterations`, or for all if NULL. */
static void read_numbers(struct numbers *out, const char *list, const char *iterations)
{
    while (*(list += strspn(list, " ")) != '\0') {
        size_t length = strcspn(list, "=");
        CHECK(out->count < BINDINGS_MAX && length < EXPR_NAME_MAX && list[length] == '=');
        char *name = out->names[out->count];
        memcpy(name, list, length);
        name[length] = '\0';
        char *end;
        int64_t value = strtoll(list + length + 1, &end, 10);
        bool is_extent = iterations == NULL || has_word(iterations, name);
        out->bindings[out->count++] = (struct expr_binding){ name, value, is_extent };
        list = end;
    }
}

void match_op(const char *name, const char *numbers, struct expr *out)
{
    const struct op_row *row = op_find(name);
    CHECK(row != NULL);
    struct numbers read = { 0 };
    read_numbers(&read, numbers, row->roles);
    CHECK_OK(op_bind(row, read.bindings, read.count, out, err));
}

void match_expr(const char *text, const char *extents, const char *params, struct expr *out)
{
    struct numbers read = { 0 };
    read_numbers(&read, extents, NULL);
    read_numbers(&read, params, "");
    CHECK_OK(expr_parse(out, text, read.bindings, read.count, err));
}

void match_op_cube(const char *name, int64_t extent, struct expr *out)
{
    const struct op_row *row = op_find(name);
    CHECK(row != NULL);
    char numbers[256] = "";
    for (const char *at = row->roles; *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, "="), used = strlen(numbers);
        snprintf(numbers + used, sizeof numbers - used, " %.*s=%d", (int)length, at, (int)extent);
        at += strcspn(at, " ");
    }
    match_op(name, numbers, out);
}

void match_small(const char *text, const char *extents, struct intrin *out)
{
    struct intrin_row row = { .name = "small",
                              .text = text,
                              .extents = extents,
                              .types = "s32 u8 s8",
                              .machine = "zen5",
                              .interval_cycles = 1,
                              .latency_cycles = 1,
                              .block = "",
                              .source = "a test" };
    for (size_t t = 0; t < INTRIN_OPERANDS; t++)
        row.memory[t] = (struct intrin_memory){ "memory", "load", "opaque" };
    CHECK_OK(intrin_from_row(&row, NULL, out, NULL, err));
}

size_t match_count(const struct intrin *intrin, const struct expr *expr, enum intrin_rule rule,
                   bool fit)
{
    struct intrin_match_options options = { rule, fit };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(intrin, expr, &options, &matches, err));
    size_t count = matches.count;
    intrin_matches_release(&matches);
    return count;
}

static uint64_t elements_of(const struct expr *expr, size_t tensor)
{
    uint64_t elements = 0;
    CHECK_OK(expr_elements(expr, tensor, &elements, err));
    return elements;
}

int32_t *match_data(const struct expr *expr, size_t tensor, struct rng *rng)
{
    uint64_t elements = elements_of(expr, tensor);
    int32_t *data = mem_alloc(elements, sizeof *data);
    for (uint64_t e = 0; e < elements; e++)
        data[e] = (int32_t)rng_below(rng, 1000000) + 1;
    return data;
}

int64_t *match_zeros(const struct expr *expr)
{
    return mem_alloc(elements_of(expr, 0), sizeof(int64_t));
}

bool match_same(const struct expr *expr, const int64_t *a, const int64_t *b)
{
    return memcmp(a, b, elements_of(expr, 0) * sizeof *a) == 0;
}
