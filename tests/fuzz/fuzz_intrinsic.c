/* intrinsic/1 files: any bytes are an error, or an instruction that operators are matched with;
 * small plans are executed and must come to what the operator says. */
#include <assert.h>
#include <string.h>

#include "core/num.h"
#include "intrinsics/intrin.h"
#include "tests/fuzz/fuzz_file.h"

#define CALL_MAX (1 << 12) /* points of a call, and calls, that are executed */
#define ELEMENTS 512

static void parse(struct expr *expr, const char *text, int64_t extent)
{
    static const char *const names[] = { "n", "k", "c", "p", "q", "r", "s", "m" };
    struct expr_binding bindings[8];
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strchr(text, names[i][0]))
            bindings[count++] = (struct expr_binding){ names[i], extent, true };
    struct err err = ERR_INIT;
    if (expr_parse(expr, text, bindings, count, &err) != ERR_OK)
        abort();
}

/* The plan does what the operator says, padding and all. */
static void run(const struct intrin_plan *plan)
{
    int32_t first[ELEMENTS], second[ELEMENTS];
    int64_t direct[ELEMENTS] = { 0 }, planned[ELEMENTS] = { 0 };
    for (size_t i = 0; i < ELEMENTS; i++) {
        first[i] = (int32_t)(i * 7 % 11) - 3;
        second[i] = (int32_t)(i * 5 % 13) - 6;
    }
    intrin_run_direct(plan->expr, first, second, direct);
    intrin_run_plan(plan, first, second, planned);
    assert(!memcmp(direct, planned, sizeof direct));
}

static void match(const struct intrin *intrin, const char *text, int64_t extent)
{
    struct intrin_match_options options = { .rule = INTRIN_EXTENDED };
    struct err err = ERR_INIT;
    struct intrin_matches matches;
    struct intrin_choice *choices;
    struct expr expr;
    parse(&expr, text, extent);
    intrin_adopt_types(intrin, &expr);
    if (intrin_match(intrin, &expr, &options, &matches, &err) != ERR_OK)
        return;
    for (size_t i = 0; i < matches.count; i++)
        assert(intrin_mapping_is_valid(intrin, &expr, &matches.mappings[i]));
    if (matches.count == 0) {
        assert(matches.reason);
    } else if (intrin_rank(intrin, &expr, &matches, &choices, &err) == ERR_OK) {
        struct intrin_plan plan;
        uint64_t points;
        if (intrin_plan_init(&plan, intrin, &expr, &choices[0].mapping, &err) == ERR_OK) {
            if (expr_points(&intrin->expr, &points, &err) == ERR_OK && points <= CALL_MAX &&
                plan.calls <= CALL_MAX)
                run(&plan);
            intrin_plan_release(&plan);
        }
        free(choices);
    }
    intrin_matches_release(&matches);
}

static void check(const struct intrin *intrin)
{
    for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
        struct intrin_layout layout;
        uint32_t origin[INTRIN_PLACES_MAX] = { 0 };
        int64_t at[INTRIN_AXES_MAX];
        struct err err = ERR_INIT;
        if (intrin_layout_parse(intrin, t, &layout, &err) != ERR_OK)
            abort(); /* the loader has parsed it */
        if (!layout.opaque)
            intrin_layout_at(&layout, origin, at);
    }
    match(intrin, "O[m,n] += A[m,k] * B[k,n]", 5);
    match(intrin, "O[n,k,p,q] += I[n,c,p+r-1,q+s-1] * W[k,c,r,s]", 3);
    match(intrin, "O[n,c,p] += I[n,c,2*p+r] * W[c,r]", 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct intrin intrin;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (intrin_load(&intrin, name, &err) == ERR_OK) {
        check(&intrin);
        intrin_release(&intrin);
    } else {
        assert(err_format(&err, line, sizeof line)[0]);
    }
    close(fd);
    return 0;
}
