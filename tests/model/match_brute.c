/*
 * Every assignment of iterations to axes, executed on a plain model of an instruction, whether the
 * matcher accepts it or not.
 *
 * The machine: an operand's element is fetched at the iterations that its own axes and the outer
 * loops carry (iterations on axes it lacks stay at 0, it cannot see them); the virtual result
 * matrix is loaded, accumulated and stored once per outer iteration. It is written apart from the
 * plans, and unlike them takes any assignment.
 *
 * Claim: an assignment is exact if and only if it is *sound*: every iteration longer than 1 that a
 * tensor uses is on an axis that its operand has, and the output's operand has no axis with an
 * iteration longer than 1 that the output lacks. Accepted ones (rule extended) are sound; sound
 * ones that the matrices refuse leave an axis empty, or repeat an operand along an axis that its
 * tensor does not use (a broadcast), or place iterations of extent 1 at will. docs/model.md M-61.
 */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "tests/model/match_case.h"
#include "tests/test.h"

#define OUTSIDE (-1)

struct assignment {
    int axis[EXPR_ITERS_MAX]; /* of each iteration, or OUTSIDE */
};

struct machine {
    const struct intrin *intrin;
    const struct expr *expr;
    const struct assignment *to;
    int64_t fused[INTRIN_AXES_MAX];
    bool has[INTRIN_OPERANDS][INTRIN_AXES_MAX];
};

static bool uses(const struct expr *expr, size_t tensor, size_t iter)
{
    for (size_t d = 0; d < expr->tensors[tensor].dim_count; d++) {
        if (expr->tensors[tensor].dims[d].coeff[iter] != 0)
            return true;
    }
    return false;
}

static void set_up(struct machine *m)
{
    for (size_t x = 0; x < m->intrin->expr.iter_count; x++) {
        m->fused[x] = 1;
        for (size_t i = 0; i < m->expr->iter_count; i++)
            m->fused[x] *= m->to->axis[i] == (int)x ? m->expr->iters[i].extent : 1;
        for (size_t t = 0; t < INTRIN_OPERANDS; t++)
            m->has[t][x] = uses(&m->intrin->expr, t, x);
    }
}

/* Iteration values that an operand sees: fused indices of its axes taken apart, last iteration
 * fastest; `outer` for those outside. */
static void seen_by(const struct machine *m, size_t operand, const int64_t *outer,
                    const int64_t *at, int64_t *values)
{
    int64_t rest[INTRIN_AXES_MAX];
    memcpy(rest, at, sizeof rest);
    for (size_t i = m->expr->iter_count; i-- > 0;) {
        int x = m->to->axis[i];
        int64_t extent = m->expr->iters[i].extent;
        values[i] = x == OUTSIDE ? outer[i] : m->has[operand][x] ? rest[x] % extent : 0;
        if (x != OUTSIDE)
            rest[x] /= extent;
    }
}

static bool next_of(int64_t *at, const int64_t *extents, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        if (++at[i] < extents[i])
            return true;
        at[i] = 0;
    }
    return false;
}

/* Accumulators of one outer iteration: one per virtual element of the output's operand. */
struct sums {
    int64_t *value;
    int64_t stride[INTRIN_AXES_MAX];
    size_t count;
};

static size_t sum_index(const struct sums *sums, const int64_t *at)
{
    int64_t index = 0;
    for (size_t x = 0; x < INTRIN_AXES_MAX; x++)
        index += at[x] * sums->stride[x];
    return (size_t)index;
}

/* Loads or stores all accumulators; axes that the output's operand lacks stay at 0. */
static void move_sums(const struct machine *m, const int64_t *outer, struct sums *sums,
                      int64_t *out, bool store)
{
    int64_t at[INTRIN_AXES_MAX] = { 0 }, extents[INTRIN_AXES_MAX], values[EXPR_ITERS_MAX];
    size_t axes = m->intrin->expr.iter_count;
    for (size_t x = 0; x < axes; x++)
        extents[x] = m->has[0][x] ? m->fused[x] : 1;
    do {
        seen_by(m, 0, outer, at, values);
        int64_t offset = expr_offset(m->expr, 0, values);
        if (store)
            out[offset] = sums->value[sum_index(sums, at)];
        else
            sums->value[sum_index(sums, at)] = out[offset];
    } while (next_of(at, extents, axes));
}

static void multiply(const struct machine *m, const int64_t *outer, const int32_t *const inputs[2],
                     struct sums *sums)
{
    int64_t at[INTRIN_AXES_MAX] = { 0 }, values[EXPR_ITERS_MAX];
    do {
        int64_t product = 1;
        for (size_t t = 1; t < INTRIN_OPERANDS; t++) {
            seen_by(m, t, outer, at, values);
            int64_t offset = expr_offset(m->expr, t, values);
            product *= offset < 0 ? 0 : inputs[t - 1][offset];
        }
        sums->value[sum_index(sums, at)] += product;
    } while (next_of(at, m->fused, m->intrin->expr.iter_count));
}

static void run(struct machine *m, const int32_t *const inputs[2], int64_t *out)
{
    set_up(m);
    struct sums sums = { .count = 1 };
    for (size_t x = m->intrin->expr.iter_count; x-- > 0;) {
        sums.stride[x] = m->has[0][x] ? (int64_t)sums.count : 0;
        sums.count *= m->has[0][x] ? (size_t)m->fused[x] : 1;
    }
    sums.value = mem_alloc(sums.count, sizeof *sums.value);
    int64_t outer[EXPR_ITERS_MAX] = { 0 }, extents[EXPR_ITERS_MAX];
    for (size_t i = 0; i < m->expr->iter_count; i++)
        extents[i] = m->to->axis[i] == OUTSIDE ? m->expr->iters[i].extent : 1;
    do {
        move_sums(m, outer, &sums, out, false);
        multiply(m, outer, inputs, &sums);
        move_sums(m, outer, &sums, out, true);
    } while (next_of(outer, extents, m->expr->iter_count));
    free(sums.value);
}

/* --- what is claimed ---------------------------------------------------------------------------
 */

static bool is_sound(const struct machine *m)
{
    for (size_t i = 0; i < m->expr->iter_count; i++) {
        int x = m->to->axis[i];
        if (x == OUTSIDE || m->expr->iters[i].extent == 1)
            continue;
        for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
            bool used = uses(m->expr, t, i), has = uses(&m->intrin->expr, t, (size_t)x);
            if (used && !has)
                return false;
            if (t == 0 && has && !used)
                return false;
        }
    }
    return true;
}

/* Why the matrices may refuse a sound assignment. */
static bool is_documented_exception(const struct machine *m)
{
    bool fed[INTRIN_AXES_MAX] = { false };
    bool broadcast = false, unit = false;
    for (size_t i = 0; i < m->expr->iter_count; i++) {
        int x = m->to->axis[i];
        if (x == OUTSIDE)
            continue;
        fed[x] = true;
        for (size_t t = 0; t < INTRIN_OPERANDS; t++) {
            bool differs = uses(m->expr, t, i) != uses(&m->intrin->expr, t, (size_t)x);
            unit = unit || (differs && m->expr->iters[i].extent == 1);
            broadcast = broadcast || (differs && t > 0);
        }
    }
    bool empty = false;
    for (size_t x = 0; x < m->intrin->expr.iter_count; x++)
        empty = empty || !fed[x];
    return empty || broadcast || unit;
}

struct tally {
    size_t tried, accepted, exact, exceptions;
};

static bool is_accepted(const struct intrin_matches *matches, const struct assignment *to,
                        size_t iter_count)
{
    struct intrin_mapping mapping = { { 0 } };
    for (size_t i = 0; i < iter_count; i++) {
        if (to->axis[i] != OUTSIDE)
            mapping.axis[to->axis[i]] |= (uint16_t)(1u << i);
    }
    for (size_t n = 0; n < matches->count; n++) {
        if (memcmp(&mapping, &matches->mappings[n], sizeof mapping) == 0)
            return true;
    }
    return false;
}

/* Iterations below `free_from` stay outside. */
static bool next_assignment(struct assignment *to, size_t free_from, size_t iter_count,
                            int axis_count)
{
    for (size_t i = iter_count; i-- > free_from;) {
        if (++to->axis[i] < axis_count)
            return true;
        to->axis[i] = OUTSIDE;
    }
    return false;
}

static void try_all(const struct intrin *intrin, const struct expr *expr, struct rng *rng,
                    const char *what, struct tally *tally)
{
    struct intrin_match_options options = { INTRIN_EXTENDED, false };
    struct intrin_matches matches;
    CHECK_OK(intrin_match(intrin, expr, &options, &matches, err));
    int32_t *first = match_data(expr, 1, rng), *second = match_data(expr, 2, rng);
    int64_t *direct = match_zeros(expr);
    intrin_run_direct(expr, first, second, direct);
    struct assignment to;
    for (size_t i = 0; i < EXPR_ITERS_MAX; i++)
        to.axis[i] = OUTSIDE;
    size_t accepted_here = 0;
    /* Of 8 iterations the first (n) stays outside: 4^8 assignments would take long. */
    size_t free_from = expr->iter_count > 7 ? 1 : 0;
    do {
        struct machine machine = { .intrin = intrin, .expr = expr, .to = &to };
        int64_t *out = match_zeros(expr);
        run(&machine, (const int32_t *const[2]){ first, second }, out);
        bool exact = match_same(expr, direct, out);
        bool accepted = is_accepted(&matches, &to, expr->iter_count);
        free(out);
        if (exact != is_sound(&machine))
            test_fail(__FILE__, __LINE__, "%s: assignment %zu is %s", what, tally->tried,
                      exact ? "exact, but not sound" : "sound, but not exact");
        if (accepted && !exact)
            test_fail(__FILE__, __LINE__, "%s: accepted, but wrong", what);
        if (exact && !accepted && !is_documented_exception(&machine))
            test_fail(__FILE__, __LINE__, "%s: exact, but refused", what);
        tally->tried++;
        tally->exact += exact;
        tally->exceptions += exact && !accepted;
        accepted_here += accepted;
    } while (next_assignment(&to, free_from, expr->iter_count, (int)intrin->expr.iter_count));
    if (free_from == 0)
        CHECK_INT(matches.count, accepted_here);
    tally->accepted += accepted_here;
    free(first);
    free(second);
    free(direct);
    intrin_matches_release(&matches);
}

/* --- operators of the table --------------------------------------------------------------------
 */

TEST(intrin_match__brute_force_on_the_table__agrees)
{
    struct intrin matrix, vector;
    match_small("C[i,j] += A[i,k] * B[k,j]", "i=2 j=2 k=2", &matrix);
    match_small("C[i] += A[k] * B[i,k]", "i=2 k=2", &vector);
    struct tally tally = { 0 };
    struct rng rng = rng_stream(5, 0, 0);
    for (size_t i = 0; i < 15; i++) {
        if (strcmp(match_table[i].op, "conv3d") == 0)
            continue; /* 4^9 assignments: below, with the depth at 1 */
        struct expr expr;
        match_op_cube(match_table[i].op, 2, &expr);
        try_all(&matrix, &expr, &rng, match_table[i].op, &tally);
        try_all(&vector, &expr, &rng, match_table[i].op, &tally);
    }
    /* Iterations of extent 1 may stand anywhere: exact, and refused where the columns differ. */
    static const struct {
        const char *op, *numbers;
    } units[] = { { "gemv", "n=3 k=2" }, { "conv1d", "n=1 k=2 p=2 c=2 r=1" } };
    for (size_t i = 0; i < 2; i++) {
        struct expr expr;
        size_t before = tally.exceptions;
        match_op(units[i].op, units[i].numbers, &expr);
        try_all(&matrix, &expr, &rng, units[i].op, &tally);
        try_all(&vector, &expr, &rng, units[i].op, &tally);
        CHECK(tally.exceptions > before);
    }
    CHECK(tally.tried > 80000);
    CHECK(tally.accepted > 300);
}

/* --- random operators ---------------------------------------------------------------------------
 */

/* An index of one or two iterations with steps, an offset, sometimes backwards or divided. */
static void random_index(struct rng *rng, const char *const *names, size_t count, bool plain,
                         char *text, size_t size)
{
    const char *a = names[rng_below(rng, (uint32_t)count)];
    const char *b = names[rng_below(rng, (uint32_t)count)];
    unsigned step = 1 + rng_below(rng, 3), dilation = 1 + rng_below(rng, 2);
    char upper[2] = { (char)(b[0] - 'a' + 'A'), '\0' };
    switch (plain ? 0 : rng_below(rng, 6)) {
    case 0:
    case 1:
        snprintf(text, size, "%s", a);
        break;
    case 2:
        snprintf(text, size, "%s*%u+%s*%u", a, step, b, dilation);
        break;
    case 3:
        snprintf(text, size, "%s+%s*%u+1", a, b, step);
        break;
    case 4:
        snprintf(text, size, "%s*%u+%s-1-%s", a, step, upper, b);
        break;
    default:
        snprintf(text, size, "(%s+%s)/2", a, b); /* with a factor 2 half of it would be unused */
    }
}

/* Two or three spatial and one or two reduce iterations; every reduction occurs in an input. */
static bool random_operator(struct rng *rng, char *text, size_t size, struct expr *out)
{
    static const char *const all[] = { "a", "b", "c", "d", "e" };
    size_t spatial = 2 + rng_below(rng, 2), total = spatial + 1 + rng_below(rng, 2);
    size_t used = (size_t)snprintf(text, size, "O[");
    for (size_t i = 0; i < spatial; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? "," : "", all[i]);
    used += (size_t)snprintf(text + used, size - used, "] +=");
    for (size_t t = 0; t < 2; t++) {
        used += (size_t)snprintf(text + used, size - used, "%s", t == 0 ? " I[" : " * W[");
        size_t dims = 1 + rng_below(rng, 3);
        for (size_t d = 0; d < dims; d++) {
            char index[64];
            random_index(rng, all, total, rng_below(rng, 2), index, sizeof index);
            used += (size_t)snprintf(text + used, size - used, "%s%s", d > 0 ? "," : "", index);
        }
        used += (size_t)snprintf(text + used, size - used, "]");
    }
    struct expr_binding bindings[5];
    size_t count = 0;
    for (size_t i = 0; i < total; i++) {
        if (strstr(text + 2, all[i]) != NULL)
            bindings[count++] = (struct expr_binding){ all[i], 2 + rng_below(rng, 2), true };
    }
    return expr_parse(out, text, bindings, count, NULL) == ERR_OK;
}

TEST(intrin_match__brute_force_on_random_operators__agrees)
{
    struct intrin matrix, vector, dot;
    match_small("C[i,j] += A[i,k] * B[k,j]", "i=2 j=2 k=2", &matrix);
    match_small("C[i] += A[k] * B[i,k]", "i=2 k=2", &vector);
    match_small("C[0] += A[k] * B[k]", "k=2", &dot);
    struct tally tally = { 0 };
    size_t operators = 0;
    for (uint64_t trial = 0; trial < 400; trial++) {
        struct rng rng = rng_stream(6, trial, 0);
        char text[256], what[320];
        struct expr expr;
        if (!random_operator(&rng, text, sizeof text, &expr))
            continue;
        operators++;
        snprintf(what, sizeof what, "seed 6 trial %" PRIu64 ": %s", trial, text);
        try_all(&matrix, &expr, &rng, what, &tally);
        try_all(&vector, &expr, &rng, what, &tally);
        try_all(&dot, &expr, &rng, what, &tally);
    }
    CHECK(operators >= 200);
    CHECK(tally.accepted >= 200);
    CHECK(tally.exceptions > 0); /* the exception occurs, and only as documented */
}
