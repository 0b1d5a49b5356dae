#include "backends/evaluate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backends/element.h"
#include "core/arena.h"
#include "core/num.h"

#define POINTS_MAX (UINT64_C(1) << 27)

/*
 * The innermost loop runs along one iteration of the output, the *row*. Elements of inputs are
 * widened once, so that there are three kinds of arithmetic only.
 */
enum kind { NARROW, WIDE, REAL }; /* s16 x s16 -> 32 bits, s64 x s64 -> 64 bits, double */

/* A dimension that may be read outside its tensor. */
struct bound {
    int64_t divisor, end, stride; /* 0 <= index < end; stride: of the quotient, if divided */
    int64_t constant, row, low, high;
    int64_t outer[EXPR_ITERS_MAX];
    int64_t *point; /* per reduction point */
};

struct side {
    int64_t constant, row;
    int64_t outer[EXPR_ITERS_MAX];
    int64_t *point; /* per reduction point: offset in elements */
    size_t bound_count;
    struct bound bounds[EXPR_DIMS_MAX];
    void *wide; /* the elements as the kind has them */
    size_t elements;
};

struct backend_evaluator {
    struct backend_job job;
    enum kind kind;
    enum dtype type; /* stored */
    size_t outer_count;
    int64_t outer_extents[EXPR_ITERS_MAX], outer_output[EXPR_ITERS_MAX];
    int64_t row_extent, row_output;
    uint64_t outer_points, points;
    int64_t channel_stride, channel_extent;
    struct side sides[2];
    struct arena *arena;
};

/* --- building ------------------------------------------------------------------------------- */

static int64_t row_major_stride(const struct expr_tensor *tensor, size_t d)
{
    int64_t stride = 1;
    for (size_t later = d + 1; later < tensor->dim_count; later++)
        stride *= tensor->dims[later].extent;
    return stride;
}

/* Elements per step of iteration i, over the dimensions that are not divided. */
static int64_t step_of(const struct expr_tensor *tensor, size_t i)
{
    int64_t step = 0;
    for (size_t d = 0; d < tensor->dim_count; d++)
        step += tensor->dims[d].divisor == 1
                    ? row_major_stride(tensor, d) * tensor->dims[d].coeff[i]
                    : 0;
    return step;
}

static bool is_divided(const struct expr *expr, size_t i)
{
    for (size_t t = 1; t < expr->tensor_count; t++)
        for (size_t d = 0; d < expr->tensors[t].dim_count; d++)
            if (expr->tensors[t].dims[d].divisor != 1 && expr->tensors[t].dims[d].coeff[i] != 0)
                return true;
    return false;
}

/* Long rows, dense in both inputs or missing from one, vectorise. */
static double row_worth(const struct expr *expr, size_t i)
{
    double worth = (double)expr->iters[i].extent / (double)(expr->iters[i].extent + 16);
    for (size_t t = 1; t < expr->tensor_count; t++) {
        int64_t step = step_of(&expr->tensors[t], i);
        worth *= step == 0 || step == 1 ? 1 : 0.4;
    }
    return worth;
}

/* expr->iter_count if no iteration can be the row. */
static size_t choose_row(const struct expr *expr)
{
    size_t best = expr->iter_count;
    double best_worth = 0;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (expr->iters[i].reduce || is_divided(expr, i))
            continue;
        double worth = row_worth(expr, i);
        if (worth >= best_worth) {
            best = i;
            best_worth = worth;
        }
    }
    return best;
}

static enum kind kind_of(const struct expr *expr)
{
    if (backend_sums_floats(expr))
        return REAL;
    bool narrow = expr->tensors[0].type != DT_S64;
    for (size_t t = 1; t < expr->tensor_count; t++)
        narrow = narrow && dtype_bytes(expr->tensors[t].type) == 1;
    return narrow ? NARROW : WIDE;
}

/* table[point] = Σ per_iter[i] · digit i, the reductions in their order, the first one slowest. */
static int64_t *point_table(struct backend_evaluator *e, const int64_t *per_iter)
{
    const struct expr *expr = e->job.expr;
    int64_t *table = ARENA_ARRAY(e->arena, int64_t, (size_t)e->points);
    int64_t filled = 1;
    for (size_t i = expr->iter_count; i-- > 0;) {
        if (!expr->iters[i].reduce)
            continue;
        for (int64_t digit = 1; digit < expr->iters[i].extent; digit++)
            for (int64_t f = 0; f < filled; f++)
                table[digit * filled + f] = table[f] + digit * per_iter[i];
        filled *= expr->iters[i].extent;
    }
    return table;
}

static void split_steps(const struct backend_evaluator *e, size_t row, const int64_t *per_iter,
                        int64_t *outer, int64_t *row_step)
{
    size_t count = 0;
    for (size_t i = 0; i < e->job.expr->iter_count; i++)
        if (!e->job.expr->iters[i].reduce && i != row)
            outer[count++] = per_iter[i];
    *row_step = row < e->job.expr->iter_count ? per_iter[row] : 0;
}

/* What one outer iteration's index gains at most and at least from reductions and the row. */
static void find_span(const struct expr *expr, const struct expr_dim *dim, size_t row,
                      struct bound *bound)
{
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (!expr->iters[i].reduce && i != row)
            continue;
        int64_t span = dim->coeff[i] * (expr->iters[i].extent - 1);
        *(span < 0 ? &bound->low : &bound->high) += span;
    }
}

static bool may_miss(const struct expr *expr, const struct expr_dim *dim)
{
    int64_t low = dim->constant, high = dim->constant;
    for (size_t i = 0; i < expr->iter_count; i++) {
        int64_t span = dim->coeff[i] * (expr->iters[i].extent - 1);
        *(span < 0 ? &low : &high) += span;
    }
    return dim->divisor != 1 || low < 0 || high >= dim->extent;
}

static void build_side(struct backend_evaluator *e, size_t row, size_t input)
{
    const struct expr *expr = e->job.expr;
    const struct expr_tensor *tensor = &expr->tensors[input + 1];
    struct side *side = &e->sides[input];
    int64_t steps[EXPR_ITERS_MAX];
    for (size_t i = 0; i < expr->iter_count; i++)
        steps[i] = step_of(tensor, i);
    split_steps(e, row, steps, side->outer, &side->row);
    side->point = point_table(e, steps);
    for (size_t d = 0; d < tensor->dim_count; d++) {
        const struct expr_dim *dim = &tensor->dims[d];
        int64_t stride = row_major_stride(tensor, d);
        if (dim->divisor == 1)
            side->constant += stride * dim->constant;
        if (!may_miss(expr, dim))
            continue;
        struct bound *bound = &side->bounds[side->bound_count++];
        *bound = (struct bound){ .divisor = dim->divisor,
                                 .end = dim->extent * dim->divisor,
                                 .stride = dim->divisor == 1 ? 0 : stride,
                                 .constant = dim->constant };
        split_steps(e, row, dim->coeff, bound->outer, &bound->row);
        bound->point = point_table(e, dim->coeff);
        find_span(expr, dim, row, bound);
    }
}

static void build_output(struct backend_evaluator *e, size_t row)
{
    const struct expr *expr = e->job.expr;
    const struct expr_tensor *tensor = &expr->tensors[0];
    int64_t steps[EXPR_ITERS_MAX], extents[EXPR_ITERS_MAX];
    for (size_t i = 0; i < expr->iter_count; i++) {
        steps[i] = step_of(tensor, i);
        extents[i] = expr->iters[i].extent;
    }
    split_steps(e, row, steps, e->outer_output, &e->row_output);
    split_steps(e, row, extents, e->outer_extents, &e->row_extent);
    e->row_extent = row < expr->iter_count ? e->row_extent : 1;
    e->outer_points = 1;
    for (size_t i = 0; i < expr->iter_count; i++)
        if (!expr->iters[i].reduce && i != row) {
            e->outer_points *= (uint64_t)extents[i];
            e->outer_count++;
        }
    e->channel_extent = e->channel_stride = 1;
    const struct backend_epilogue *epilogue = e->job.epilogue;
    if (epilogue != NULL && epilogue->channel_dim < tensor->dim_count) {
        e->channel_extent = tensor->dims[epilogue->channel_dim].extent;
        e->channel_stride = row_major_stride(tensor, epilogue->channel_dim);
    }
}

static enum err_code count_points(const struct expr *expr, uint64_t *points, struct err *err)
{
    *points = 1;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (!expr->iters[i].reduce)
            continue;
        if (!mul_size(*points, (uint64_t)expr->iters[i].extent, points) || *points > POINTS_MAX)
            return err_set(err, ERR_LIMIT, "one output element sums more than 2^27 products");
    }
    bool sets =
        expr->combine == EXPR_SET || expr->combine == EXPR_SET_ADD || expr->combine == EXPR_SET_MUL;
    if (sets && *points > 1)
        return err_set(err, ERR_UNSUPPORTED, "'=' with iterations that the output lacks");
    return ERR_OK;
}

enum err_code backend_evaluator_new(struct backend_evaluator **out, const struct backend_job *job,
                                    struct err *err)
{
    uint64_t points, all, elements[EXPR_TENSORS_MAX];
    enum err_code rc = backend_epilogue_check(job, err);
    if (rc == ERR_OK)
        rc = expr_points(job->expr, &all, err);
    if (rc == ERR_OK)
        rc = count_points(job->expr, &points, err);
    for (size_t t = 0; t < job->expr->tensor_count && rc == ERR_OK; t++)
        rc = expr_elements(job->expr, t, &elements[t], err);
    if (rc != ERR_OK)
        return rc;
    struct backend_evaluator *e = mem_alloc(1, sizeof *e);
    e->job = *job;
    e->arena = arena_new();
    e->points = points;
    e->kind = kind_of(job->expr);
    e->type = backend_output_type(job);
    size_t row = choose_row(job->expr);
    build_output(e, row);
    for (size_t input = 0; input + 1 < job->expr->tensor_count; input++) {
        e->sides[input].elements = elements[input + 1];
        build_side(e, row, input);
    }
    *out = e;
    return ERR_OK;
}

void backend_evaluator_free(struct backend_evaluator *e)
{
    if (e == NULL)
        return;
    for (size_t input = 0; input < 2; input++)
        free(e->sides[input].wide);
    arena_free(e->arena);
    free(e);
}

void backend_evaluator_load(struct backend_evaluator *e, size_t input, const void *data)
{
    static const size_t sizes[] = { [NARROW] = 2, [WIDE] = 8, [REAL] = 8 };
    struct side *side = &e->sides[input];
    enum dtype type = e->job.expr->tensors[input + 1].type;
    if (side->wide == NULL)
        side->wide = mem_alloc(side->elements, sizes[e->kind]);
    for (size_t i = 0; i < side->elements; i++) {
        if (e->kind == NARROW)
            ((int16_t *)side->wide)[i] = (int16_t)backend_load_int(type, data, i);
        else if (e->kind == WIDE)
            ((int64_t *)side->wide)[i] = backend_load_int(type, data, i);
        else
            ((double *)side->wide)[i] = backend_load_real(type, data, i);
    }
}

/* --- rows ----------------------------------------------------------------------------------- */

/* acc[v] += a[v·sa] · b[v·sb], and the like; integers wrap. */
#define ROWS(name, element, sum)                                                                   \
    static void mul_add_##name(sum *acc, int64_t n, const element *a, int64_t sa,                  \
                               const element *b, int64_t sb)                                       \
    {                                                                                              \
        if (sa == 1 && sb == 0) {                                                                  \
            for (int64_t v = 0; v < n; v++)                                                        \
                acc[v] += (sum)a[v] * (sum)*b;                                                     \
        } else if (sa == 0 && sb == 1) {                                                           \
            for (int64_t v = 0; v < n; v++)                                                        \
                acc[v] += (sum)*a * (sum)b[v];                                                     \
        } else {                                                                                   \
            for (int64_t v = 0; v < n; v++)                                                        \
                acc[v] += (sum)a[v * sa] * (sum)b[v * sb];                                         \
        }                                                                                          \
    }                                                                                              \
    static void add_##name(sum *acc, int64_t n, const element *a, int64_t sa)                      \
    {                                                                                              \
        for (int64_t v = 0; v < n; v++)                                                            \
            acc[v] += (sum)a[v * sa];                                                              \
    }                                                                                              \
    static void max_##name(sum *acc, int64_t n, const element *a, int64_t sa)                      \
    {                                                                                              \
        for (int64_t v = 0; v < n; v++)                                                            \
            acc[v] = (element)acc[v] > a[v * sa] ? acc[v] : (sum)a[v * sa];                        \
    }
ROWS(narrow, int16_t, uint32_t)
ROWS(wide, int64_t, uint64_t)
ROWS(real, double, double)

/* Inputs of one call of a row: first element and step, or where the zeros are read. */
struct operand {
    int64_t offset, begin, end; /* rows v of begin … end are inside */
};

#define ON_KIND(e, call_narrow, call_wide, call_real)                                              \
    do {                                                                                           \
        if ((e)->kind == NARROW)                                                                   \
            call_narrow;                                                                           \
        else if ((e)->kind == WIDE)                                                                \
            call_wide;                                                                             \
        else                                                                                       \
            call_real;                                                                             \
    } while (0)

union row_sums {
    void *any;
    uint32_t *narrow;
    uint64_t *wide;
    double *real;
};

static void do_mul_add(const struct backend_evaluator *e, union row_sums acc,
                       const struct operand at[2])
{
    const struct side *a = &e->sides[0], *b = &e->sides[1];
    int64_t begin = at[0].begin > at[1].begin ? at[0].begin : at[1].begin;
    int64_t n = (at[0].end < at[1].end ? at[0].end : at[1].end) - begin;
    int64_t oa = at[0].offset + begin * a->row, ob = at[1].offset + begin * b->row;
    if (n <= 0)
        return;
    ON_KIND(e,
            mul_add_narrow(acc.narrow + begin, n, (const int16_t *)a->wide + oa, a->row,
                           (const int16_t *)b->wide + ob, b->row),
            mul_add_wide(acc.wide + begin, n, (const int64_t *)a->wide + oa, a->row,
                         (const int64_t *)b->wide + ob, b->row),
            mul_add_real(acc.real + begin, n, (const double *)a->wide + oa, a->row,
                         (const double *)b->wide + ob, b->row));
}

static void do_add(const struct backend_evaluator *e, union row_sums acc, size_t input,
                   const struct operand *at)
{
    const struct side *a = &e->sides[input];
    int64_t n = at->end - at->begin, begin = at->begin, offset = at->offset + begin * a->row;
    if (n <= 0)
        return;
    ON_KIND(e, add_narrow(acc.narrow + begin, n, (const int16_t *)a->wide + offset, a->row),
            add_wide(acc.wide + begin, n, (const int64_t *)a->wide + offset, a->row),
            add_real(acc.real + begin, n, (const double *)a->wide + offset, a->row));
}

/* The largest of rows begin … end of one operand, or of zeros (a == NULL). */
static void do_max_part(const struct backend_evaluator *e, union row_sums acc, int64_t begin,
                        int64_t end, const void *a, int64_t step)
{
    static const int64_t zero = 0;
    static const double real_zero = 0;
    if (end <= begin)
        return;
    if (a == NULL) {
        a = e->kind == REAL ? (const void *)&real_zero : (const void *)&zero;
        step = 0;
    }
    ON_KIND(e, max_narrow(acc.narrow + begin, end - begin, a, step),
            max_wide(acc.wide + begin, end - begin, a, step),
            max_real(acc.real + begin, end - begin, a, step));
}

static void do_max(const struct backend_evaluator *e, union row_sums acc, const struct operand *at)
{
    static const size_t sizes[] = { [NARROW] = 2, [WIDE] = 8, [REAL] = 8 };
    const struct side *a = &e->sides[0];
    int64_t begin = at->begin < at->end ? at->begin : 0, end = at->begin < at->end ? at->end : 0;
    const char *first =
        (const char *)a->wide + (at->offset + begin * a->row) * (int64_t)sizes[e->kind];
    do_max_part(e, acc, 0, begin, NULL, 0);
    do_max_part(e, acc, begin, end, first, a->row);
    do_max_part(e, acc, end, e->row_extent, NULL, 0);
}

/* --- the whole ------------------------------------------------------------------------------ */

/* Rows v with 0 <= index + v·step < end, cut from begin … end of `at`. */
static void cut(int64_t index, int64_t step, int64_t end, struct operand *at)
{
    int64_t first, last; /* inclusive */
    if (step == 0) {
        if (index < 0 || index >= end)
            at->end = at->begin;
        return;
    }
    if (step < 0) { /* the same rows of the mirrored index */
        index = end - 1 - index;
        step = -step;
    }
    first = index >= 0 ? 0 : (-index + step - 1) / step;
    last = index >= end ? -1 : (end - 1 - index) / step;
    at->begin = first > at->begin ? first : at->begin;
    at->end = last + 1 < at->end ? last + 1 : at->end;
}

static struct operand locate(const struct side *side, int64_t row_extent, int64_t base,
                             const int64_t *bound_base, bool inside, uint64_t point)
{
    struct operand at = { base + side->point[point], 0, row_extent };
    for (size_t g = 0; g < side->bound_count && !inside; g++) {
        const struct bound *bound = &side->bounds[g];
        int64_t index = bound_base[g] + bound->point[point];
        if (bound->divisor != 1 && index % bound->divisor != 0) {
            at.end = at.begin;
            return at;
        }
        cut(index, bound->row, bound->end, &at);
        at.offset += bound->stride * (index / bound->divisor);
    }
    return at;
}

struct place {
    int64_t output, base[2], bounds[2][EXPR_DIMS_MAX];
    bool inside[2];
};

static struct place place_of(const struct backend_evaluator *e, uint64_t outer)
{
    struct place p = { 0 };
    int64_t at[EXPR_ITERS_MAX];
    for (size_t l = e->outer_count; l-- > 0;) {
        at[l] = (int64_t)(outer % (uint64_t)e->outer_extents[l]);
        outer /= (uint64_t)e->outer_extents[l];
        p.output += at[l] * e->outer_output[l];
    }
    for (size_t s = 0; s < 2; s++) {
        const struct side *side = &e->sides[s];
        p.base[s] = side->constant;
        for (size_t l = 0; l < e->outer_count; l++)
            p.base[s] += at[l] * side->outer[l];
        p.inside[s] = true;
        for (size_t g = 0; g < side->bound_count; g++) {
            const struct bound *bound = &side->bounds[g];
            int64_t index = bound->constant;
            for (size_t l = 0; l < e->outer_count; l++)
                index += at[l] * bound->outer[l];
            p.bounds[s][g] = index;
            p.inside[s] = p.inside[s] && bound->divisor == 1 && index + bound->low >= 0 &&
                          index + bound->high < bound->end;
        }
    }
    return p;
}

static void clear_sums(const struct backend_evaluator *e, union row_sums acc)
{
    bool largest = e->job.expr->combine == EXPR_MAX;
    for (int64_t v = 0; v < e->row_extent; v++)
        ON_KIND(e, acc.narrow[v] = largest ? (uint32_t)INT16_MIN : 0,
                acc.wide[v] = largest ? (uint64_t)INT64_MIN : 0,
                acc.real[v] = largest ? -1e308 : 0);
}

static void sum_row(const struct backend_evaluator *e, const struct place *p, union row_sums acc)
{
    enum expr_combine combine = e->job.expr->combine;
    size_t inputs = e->job.expr->tensor_count - 1;
    clear_sums(e, acc);
    for (uint64_t point = 0; point < e->points; point++) {
        struct operand at[2];
        for (size_t s = 0; s < inputs; s++)
            at[s] =
                locate(&e->sides[s], e->row_extent, p->base[s], p->bounds[s], p->inside[s], point);
        if (combine == EXPR_MUL_ADD || combine == EXPR_SET_MUL)
            do_mul_add(e, acc, at);
        else if (combine == EXPR_MAX)
            do_max(e, acc, &at[0]);
        else
            for (size_t s = 0; s < inputs; s++)
                do_add(e, acc, s, &at[s]);
    }
}

static void store_row(const struct backend_evaluator *e, const struct place *p, union row_sums acc,
                      void *output)
{
    for (int64_t v = 0; v < e->row_extent; v++) {
        int64_t index = p->output + v * e->row_output;
        size_t channel = (size_t)(index / e->channel_stride % e->channel_extent);
        if (e->kind == REAL)
            backend_store_real(e->job.epilogue, channel, acc.real[v], e->type, output,
                               (size_t)index);
        else
            backend_store_int(e->job.epilogue, channel,
                              e->kind == NARROW ? (int32_t)acc.narrow[v] : (int64_t)acc.wide[v],
                              e->type, output, (size_t)index);
    }
}

void backend_evaluator_run(const struct backend_evaluator *e, void *output)
{
#pragma omp parallel num_threads((int)e->job.threads)
    {
        union row_sums acc = { mem_alloc((size_t)e->row_extent, sizeof(double)) };
#pragma omp for schedule(static)
        for (uint64_t outer = 0; outer < e->outer_points; outer++) {
            struct place p = place_of(e, outer);
            sum_row(e, &p, acc);
            store_row(e, &p, acc, output);
        }
        free(acc.any);
    }
}
