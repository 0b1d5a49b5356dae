/*
 * Enumeration of mappings. An iteration may feed an axis only if the two columns of the access
 * matrices are equal, so the axes' candidate sets are known at once and every non-empty choice of
 * subsets is a mapping under the rule `extended`; each one still passes through the two matrix
 * products of Algorithm 1. Rule `amos` keeps the unions of accepted tuples.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "intrinsics/intrin.h"

const char *const intrin_rule_names[2] = { "amos", "extended" };
const char *const intrin_bound_names[INTRIN_BOUND_COUNT] = { "compute",      "latency",
                                                             "registers",    "packing",
                                                             "memory reads", "memory writes" };

/* One iteration per axis. */
struct tuple {
    uint8_t iter[INTRIN_AXES_MAX];
};

struct matcher {
    const struct intrin *intrin;
    const struct expr *expr;
    const struct intrin_match_options *options;
    struct intrin_matrix x, z;
    size_t axis_count;
    uint16_t fitting[INTRIN_AXES_MAX]; /* iterations whose column equals the axis's */
    struct tuple *tuples;              /* accepted by rule amos */
    size_t tuple_count, tuple_capacity;
    int64_t longest[INTRIN_AXES_MAX]; /* fused extents seen; for the reason */
    struct text refused;              /* why tuples fail, the first few */
    size_t refused_count;
    struct intrin_matches found;
};

static size_t bit_count(uint16_t bits)
{
    return (size_t)__builtin_popcount(bits);
}

/* --- columns -------------------------------------------------------------------------------- */

static bool columns_equal(const struct matcher *m, size_t axis, size_t iter)
{
    for (size_t row = 0; row < m->x.rows; row++) {
        if (m->x.at[row][iter] != m->z.at[row][axis])
            return false;
    }
    return true;
}

static void find_fitting(struct matcher *m)
{
    for (size_t axis = 0; axis < m->axis_count; axis++) {
        for (size_t i = 0; i < m->expr->iter_count; i++) {
            if (columns_equal(m, axis, i))
                m->fitting[axis] |= (uint16_t)(1u << i);
        }
    }
}

/* --- rule amos: tuples ---------------------------------------------------------------------- */

#define REFUSALS_SHOWN 6

static void refuse(struct matcher *m, const struct tuple *tuple, const char *format,
                   const char *tensor, size_t d, const char *iter)
{
    if (m->refused_count++ >= REFUSALS_SHOWN)
        return;
    text_add(&m->refused, m->refused_count > 1 ? "; (" : "(");
    for (size_t x = 0; x < m->axis_count; x++)
        text_printf(&m->refused, "%s%s", x > 0 ? "," : "", m->expr->iters[tuple->iter[x]].name);
    text_printf(&m->refused, "): %s%s%s %zu of %s", iter, iter[0] != '\0' ? " " : "", format, d + 1,
                tensor);
}

/* Position in the tuple of the iteration that dimension d uses: -1 none, -2 more than one. */
static int tuple_axis_of_dim(const struct matcher *m, const struct tuple *tuple,
                             const struct expr_dim *dim)
{
    int found = -1;
    for (size_t x = 0; x < m->axis_count; x++) {
        if (dim->coeff[tuple->iter[x]] == 0)
            continue;
        if (found >= 0)
            return -2;
        found = (int)x;
    }
    return found;
}

/*
 * With all other iterations at 0, every axis of the operand must equal a dimension of its own and
 * every other dimension must be constant. Strides and constants do not matter; `constant - x`
 * never matches. Docs: docs/model.md M-62.
 */
static bool input_accepts(struct matcher *m, const struct tuple *tuple, size_t input)
{
    const struct expr_tensor *tensor = &m->expr->tensors[input];
    bool taken[INTRIN_AXES_MAX] = { false };
    for (size_t d = 0; d < tensor->dim_count; d++) {
        int x = tuple_axis_of_dim(m, tuple, &tensor->dims[d]);
        if (x == -1)
            continue;
        if (x == -2) {
            refuse(m, tuple, "two of them share dimension", tensor->name, d, "");
            return false;
        }
        const char *name = m->expr->iters[tuple->iter[x]].name;
        if (tensor->dims[d].coeff[tuple->iter[x]] < 0) {
            refuse(m, tuple, "runs backwards in dimension", tensor->name, d, name);
            return false;
        }
        if (taken[x]) {
            refuse(m, tuple, "stands again in dimension", tensor->name, d, name);
            return false;
        }
        taken[x] = true;
    }
    return true;
}

static void add_tuple(struct matcher *m, const struct tuple *tuple)
{
    if (m->tuple_count == m->tuple_capacity) {
        m->tuple_capacity = m->tuple_capacity * 2 + 64;
        m->tuples = mem_grow(m->tuples, m->tuple_capacity, sizeof *m->tuples);
    }
    m->tuples[m->tuple_count++] = *tuple;
}

static void find_tuples(struct matcher *m, struct tuple *tuple, size_t axis, uint16_t used)
{
    if (axis == m->axis_count) {
        if (m->options->rule == INTRIN_EXTENDED ||
            (input_accepts(m, tuple, 1) && input_accepts(m, tuple, 2)))
            add_tuple(m, tuple);
        return;
    }
    for (size_t i = 0; i < m->expr->iter_count; i++) {
        if (!((m->fitting[axis] & ~used) >> i & 1))
            continue;
        tuple->iter[axis] = (uint8_t)i;
        find_tuples(m, tuple, axis + 1, used | (uint16_t)(1u << i));
    }
}

/* Is the mapping the union of the accepted tuples that it contains? */
static bool is_union_of_tuples(const struct matcher *m, const struct intrin_mapping *mapping)
{
    struct intrin_mapping covered = { { 0 } };
    for (size_t t = 0; t < m->tuple_count; t++) {
        const struct tuple *tuple = &m->tuples[t];
        bool inside = true;
        for (size_t x = 0; x < m->axis_count; x++)
            inside = inside && (mapping->axis[x] >> tuple->iter[x] & 1);
        for (size_t x = 0; inside && x < m->axis_count; x++)
            covered.axis[x] |= (uint16_t)(1u << tuple->iter[x]);
    }
    return memcmp(&covered, mapping, sizeof covered) == 0;
}

/* --- enumeration ---------------------------------------------------------------------------- */

static int64_t fused_extent(const struct expr *expr, uint16_t iterations)
{
    uint64_t product = 1;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if ((iterations >> i & 1) && !mul_size(product, (uint64_t)expr->iters[i].extent, &product))
            return INT64_MAX;
    }
    return (int64_t)product;
}

static enum err_code add_mapping(struct matcher *m, const struct intrin_mapping *mapping,
                                 struct err *err)
{
    if (m->options->rule == INTRIN_AMOS && !is_union_of_tuples(m, mapping))
        return ERR_OK;
    if (!intrin_mapping_is_valid(m->intrin, m->expr, mapping))
        return ERR_OK;
    struct intrin_matches *found = &m->found;
    if (found->count == INTRIN_MAPPINGS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d mappings", INTRIN_MAPPINGS_MAX);
    if (found->count == found->capacity) {
        found->capacity = found->capacity * 2 + 64;
        found->mappings = mem_grow(found->mappings, found->capacity, sizeof *found->mappings);
    }
    found->mappings[found->count++] = *mapping;
    return ERR_OK;
}

/* All choices of non-empty subsets, ascending in (axis 0, axis 1, …). */
static enum err_code enumerate(struct matcher *m, struct intrin_mapping *mapping, size_t axis,
                               uint16_t used, struct err *err)
{
    if (axis == m->axis_count)
        return add_mapping(m, mapping, err);
    uint16_t set = m->fitting[axis] & (uint16_t)~used;
    enum err_code rc = ERR_OK;
    for (uint16_t sub = set & (uint16_t)-set; sub != 0 && rc == ERR_OK;
         sub = (uint16_t)(sub - set) & set) {
        int64_t extent = fused_extent(m->expr, sub);
        if (extent > m->longest[axis])
            m->longest[axis] = extent;
        if (m->options->fit && extent < m->intrin->expr.iters[axis].extent)
            continue;
        mapping->axis[axis] = sub;
        rc = enumerate(m, mapping, axis + 1, used | sub, err);
    }
    mapping->axis[axis] = 0;
    return rc;
}

/* --- why not -------------------------------------------------------------------------------- */

static void add_tensors(struct text *out, const struct expr *expr, const struct intrin_matrix *m,
                        size_t column)
{
    bool first = true;
    for (size_t row = 0; row < m->rows; row++) {
        if (!m->at[row][column])
            continue;
        text_printf(out, "%s%s", first ? "" : " and ", expr->tensors[(row + 1) % m->rows].name);
        first = false;
    }
    text_add(out, first ? "no tensor" : "");
}

/* The operator's tensors in the places of the intrinsic's. */
static void add_axis_need(struct text *out, const struct matcher *m, size_t axis)
{
    text_printf(out, "axis %s of %s needs an iteration in ", m->intrin->expr.iters[axis].name,
                m->intrin->name);
    add_tensors(out, m->expr, &m->z, axis);
    text_add(out, " alone");
}

static void explain_columns(struct matcher *m, struct text *out)
{
    for (size_t axis = 0; axis < m->axis_count; axis++) {
        if (m->fitting[axis] != 0)
            continue;
        add_axis_need(out, m, axis);
        text_add(out, "; there are ");
        for (size_t i = 0; i < m->expr->iter_count; i++) {
            text_printf(out, "%s%s in ", i > 0 ? ", " : "", m->expr->iters[i].name);
            add_tensors(out, m->expr, &m->x, i);
        }
        return;
    }
    text_printf(out, "two axes of %s need the same iteration", m->intrin->name);
}

static void explain_tuples(struct matcher *m, struct text *out)
{
    text_printf(out,
                "rule amos: no choice of one iteration per axis gives every operand dimension a "
                "tensor dimension of its own: %s%s (rule extended asks for the matrices alone)",
                m->refused.data != NULL ? m->refused.data : "",
                m->refused_count > REFUSALS_SHOWN ? "; …" : "");
}

static void explain_extents(struct matcher *m, struct text *out)
{
    for (size_t axis = 0; axis < m->axis_count; axis++) {
        int64_t want = m->intrin->expr.iters[axis].extent;
        if (m->longest[axis] >= want)
            continue;
        text_printf(out,
                    "min-extent fit: axis %s of %s has %lld places, the operator fills at most "
                    "%lld",
                    m->intrin->expr.iters[axis].name, m->intrin->name, (long long)want,
                    (long long)m->longest[axis]);
        return;
    }
    text_printf(out, "min-extent fit: no mapping fills all axes of %s at once", m->intrin->name);
}

static const char *combine_text(enum expr_combine combine)
{
    static const char *const texts[] = {
        [EXPR_MUL_ADD] = "output += first * second",
        [EXPR_ADD] = "output += input",
        [EXPR_MAX] = "output max= input",
        [EXPR_SET_ADD] = "output = first + second",
        [EXPR_SET_MUL] = "output = first * second",
        [EXPR_SET] = "output = input",
    };
    return texts[combine];
}

static void explain_combine(const struct matcher *m, struct text *out)
{
    text_printf(out, "%s computes 'output += first * second', the operator '%s'", m->intrin->name,
                combine_text(m->expr->combine));
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum err_code match_products(struct matcher *m, struct text *reason, struct err *err)
{
    m->x = intrin_access_matrix(m->expr);
    m->z = intrin_access_matrix(&m->intrin->expr);
    find_fitting(m);
    struct tuple tuple = { { 0 } };
    find_tuples(m, &tuple, 0, 0);
    struct intrin_mapping mapping = { { 0 } };
    enum err_code rc = enumerate(m, &mapping, 0, 0, err);
    if (rc != ERR_OK || m->found.count > 0)
        return rc;
    bool empty = false;
    for (size_t axis = 0; axis < m->axis_count; axis++)
        empty = empty || m->fitting[axis] == 0;
    if (empty || (m->tuple_count == 0 && m->options->rule == INTRIN_EXTENDED))
        explain_columns(m, reason);
    else if (m->tuple_count == 0)
        explain_tuples(m, reason);
    else
        explain_extents(m, reason);
    return ERR_OK;
}

enum err_code intrin_match(const struct intrin *intrin, const struct expr *expr,
                           const struct intrin_match_options *options, struct intrin_matches *out,
                           struct err *err)
{
    struct matcher m = {
        .intrin = intrin, .expr = expr, .options = options, .axis_count = intrin->expr.iter_count
    };
    struct text reason = { 0 };
    enum err_code rc = ERR_OK;
    if (expr->combine == EXPR_MUL_ADD)
        rc = match_products(&m, &reason, err);
    else
        explain_combine(&m, &reason);
    free(m.tuples);
    text_release(&m.refused);
    if (rc != ERR_OK) {
        text_release(&reason);
        intrin_matches_release(&m.found);
        return rc;
    }
    assert((m.found.count == 0) == (reason.data != NULL));
    m.found.candidate_count = m.tuple_count;
    m.found.reason = reason.data;
    *out = m.found;
    return ERR_OK;
}

void intrin_matches_release(struct intrin_matches *matches)
{
    free(matches->mappings);
    free(matches->reason);
    memset(matches, 0, sizeof *matches);
}

char *intrin_axis_text(const struct expr *expr, uint16_t iterations, const char *separator,
                       char *buf, size_t size)
{
    assert(size > 1);
    size_t used = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (!(iterations >> i & 1))
            continue;
        int wrote = snprintf(buf + used, size - used, "%s%s", used > 0 ? separator : "",
                             expr->iters[i].name);
        used += (size_t)wrote;
        if (used >= size)
            return buf;
    }
    if (bit_count(iterations) == 0)
        snprintf(buf, size, "-");
    return buf;
}
