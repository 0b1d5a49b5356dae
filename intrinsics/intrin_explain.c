/*
 * One mapping for people: matrices, fused loops, addresses. An axis is written with a prime (i'),
 * so that it is not taken for an iteration of the same name.
 */
#include <stdlib.h>
#include <string.h>

#include "intrinsics/intrin.h"

static const size_t paper_rows[INTRIN_OPERANDS] = { 1, 2, 0 };

static const char *axis_name(const struct intrin_plan *plan, size_t x)
{
    return plan->intrin->expr.iters[x].name;
}

/* --- matrices ------------------------------------------------------------------------------- */

struct heads {
    const char *rows[EXPR_ITERS_MAX];
    const char *columns[EXPR_ITERS_MAX];
};

static size_t widest(const char *const *names, size_t count)
{
    size_t width = 1;
    for (size_t i = 0; i < count; i++)
        width = strlen(names[i]) > width ? strlen(names[i]) : width;
    return width;
}

static void add_matrix(struct text *out, const char *title, const struct intrin_matrix *m,
                       const struct heads *heads)
{
    int row_width = (int)widest(heads->rows, m->rows);
    int width = (int)widest(heads->columns, m->columns);
    text_printf(out, "%s\n  %*s", title, row_width, "");
    for (size_t c = 0; c < m->columns; c++)
        text_printf(out, " %*s", width, heads->columns[c]);
    text_add(out, "\n");
    for (size_t r = 0; r < m->rows; r++) {
        text_printf(out, "  %*s", row_width, heads->rows[r]);
        for (size_t c = 0; c < m->columns; c++)
            text_printf(out, " %*s", width, m->at[r][c] ? "1" : ".");
        text_add(out, "\n");
    }
}

static void add_matrices(struct text *out, const struct intrin_plan *plan)
{
    const struct expr *expr = plan->expr, *own = &plan->intrin->expr;
    struct heads x = { { NULL }, { NULL } }, y = { { NULL }, { NULL } }, z = { { NULL }, { NULL } };
    for (size_t r = 0; r < INTRIN_OPERANDS; r++) {
        x.rows[r] = expr->tensors[paper_rows[r]].name;
        z.rows[r] = own->tensors[paper_rows[r]].name;
    }
    for (size_t i = 0; i < expr->iter_count; i++)
        x.columns[i] = y.columns[i] = expr->iters[i].name;
    for (size_t a = 0; a < plan->axis_count; a++)
        y.rows[a] = z.columns[a] = axis_name(plan, a);
    struct intrin_matrix access = intrin_access_matrix(expr);
    struct intrin_matrix intrinsic = intrin_access_matrix(own);
    struct intrin_matrix matching = intrin_matching_matrix(plan->intrin, expr, &plan->mapping);
    add_matrix(out, "X, the operator's accesses", &access, &x);
    add_matrix(out, "Z, the intrinsic's accesses", &intrinsic, &z);
    add_matrix(out, "Y, what feeds what", &matching, &y);
    bool valid = intrin_mapping_is_valid(plan->intrin, expr, &plan->mapping);
    text_printf(out, "Z * Y = X on the mapped columns, X * Y^T = Z: %s\n", valid ? "yes" : "no");
}

/* --- loops ---------------------------------------------------------------------------------- */

static void add_fused_axis(struct text *out, const struct intrin_plan *plan, size_t x)
{
    const struct intrin_plan_axis *axis = &plan->axes[x];
    text_printf(out, "  %s' = ", axis_name(plan, x));
    int64_t step = axis->extent;
    for (size_t f = 0; f < axis->iter_count; f++) {
        const struct expr_iter *iter = &plan->expr->iters[axis->iters[f]];
        step /= iter->extent;
        text_printf(out, f > 0 ? " + %s" : "%s", iter->name);
        if (step != 1)
            text_printf(out, "*%lld", (long long)step);
    }
    text_printf(out, "   0..%lld: %lld tile%s of %lld", (long long)axis->extent - 1,
                (long long)axis->tiles, axis->tiles == 1 ? "" : "s", (long long)axis->tile);
    int64_t spare = axis->tiles * axis->tile - axis->extent;
    if (spare > 0)
        text_printf(out, ", padded by %lld", (long long)spare);
    text_add(out, "\n");
}

static void add_loops(struct text *out, const struct intrin_plan *plan)
{
    text_add(out, "fused loops\n");
    for (size_t x = 0; x < plan->axis_count; x++)
        add_fused_axis(out, plan, x);
    text_add(out, "loops outside:");
    for (size_t l = 0; l < plan->loop_count; l++) {
        const struct intrin_plan_loop *loop = &plan->loops[l];
        text_printf(out, " %s<%lld%s", plan->expr->iters[loop->iter].name, (long long)loop->extent,
                    loop->reduce ? " (sum)" : "");
    }
    text_add(out, plan->loop_count == 0 ? " none\n" : "\n");
    text_printf(out, "%llu calls, %.1f%% of their multiply-adds are padding, %llu bytes moved\n",
                (unsigned long long)plan->calls, 100 * plan->padding_frac,
                (unsigned long long)plan->bytes_moved);
}

/* --- addresses ------------------------------------------------------------------------------ */

/* "p = i'/2%2": the digit of an iteration in its axis. */
static void add_digit(struct text *out, const struct intrin_plan *plan, size_t x, size_t f)
{
    const struct intrin_plan_axis *axis = &plan->axes[x];
    const struct expr_iter *iter = &plan->expr->iters[axis->iters[f]];
    int64_t step = 1;
    for (size_t later = f + 1; later < axis->iter_count; later++)
        step *= plan->expr->iters[axis->iters[later]].extent;
    text_printf(out, "  %s = %s'", iter->name, axis_name(plan, x));
    if (step != 1)
        text_printf(out, "/%lld", (long long)step);
    if (f > 0)
        text_printf(out, "%%%lld", (long long)iter->extent);
    text_add(out, "\n");
}

static void add_term(struct text *out, bool *first, int64_t factor, const char *name)
{
    if (factor == 0)
        return;
    text_add(out, factor < 0 ? (*first ? "-" : " - ") : (*first ? "" : " + "));
    int64_t size = factor < 0 ? -factor : factor;
    if (name == NULL)
        text_printf(out, "%lld", (long long)size);
    else if (size == 1)
        text_add(out, name);
    else
        text_printf(out, "%s*%lld", name, (long long)size);
    *first = false;
}

static void add_index(struct text *out, const struct expr *expr, const struct expr_dim *dim)
{
    bool first = true;
    for (size_t i = 0; i < expr->iter_count; i++)
        add_term(out, &first, dim->coeff[i], expr->iters[i].name);
    add_term(out, &first, dim->constant, NULL);
    text_add(out, first ? "0" : "");
}

static void add_source(struct text *out, const struct intrin_plan *plan, size_t t)
{
    const struct expr_tensor *tensor = &plan->expr->tensors[t];
    int64_t steps[EXPR_ITERS_MAX] = { 0 }, stride = 1, constant = 0;
    int64_t quotient_stride[EXPR_DIMS_MAX] = { 0 };
    for (size_t d = tensor->dim_count; d-- > 0; stride *= tensor->dims[d].extent) {
        const struct expr_dim *dim = &tensor->dims[d];
        if (dim->divisor != 1) {
            quotient_stride[d] = stride;
            continue;
        }
        constant += stride * dim->constant;
        for (size_t i = 0; i < plan->expr->iter_count; i++)
            steps[i] += stride * dim->coeff[i];
    }
    text_printf(out, "  %s[", tensor->name);
    bool first = true;
    for (size_t i = 0; i < plan->expr->iter_count; i++)
        add_term(out, &first, steps[i], plan->expr->iters[i].name);
    for (size_t d = 0; d < tensor->dim_count; d++) {
        if (quotient_stride[d] == 0)
            continue;
        text_add(out, first ? "(" : " + (");
        add_index(out, plan->expr, &tensor->dims[d]);
        text_printf(out, ")/%lld", (long long)tensor->dims[d].divisor);
        if (quotient_stride[d] != 1)
            text_printf(out, "*%lld", (long long)quotient_stride[d]);
        first = false;
    }
    add_term(out, &first, constant, NULL);
    text_add(out, first ? "0]" : "]");
    for (size_t g = 0; g < plan->operands[t].guard_count; g++) {
        const struct intrin_guard *guard = &plan->operands[t].guards[g];
        text_add(out, g == 0 ? ", zero unless 0 <= " : " and 0 <= ");
        add_index(out, plan->expr, &tensor->dims[guard->dim]);
        text_printf(out, " < %lld", (long long)(guard->extent * guard->divisor));
        if (guard->divisor != 1)
            text_printf(out, " and a multiple of %lld", (long long)guard->divisor);
    }
    text_add(out, "\n");
}

static void add_packed(struct text *out, const struct intrin_plan *plan, size_t t)
{
    const struct intrin_plan_operand *op = &plan->operands[t];
    text_printf(out, "  %s at ", plan->intrin->expr.tensors[t].name);
    bool first = true;
    for (size_t x = 0; x < plan->axis_count; x++) {
        if (op->offset[x] == NULL)
            continue;
        text_printf(out, "%s(%s'/%lld)*%lld", first ? "" : " + ", axis_name(plan, x),
                    (long long)plan->axes[x].tile, (long long)op->tile_stride[x]);
        first = false;
    }
    for (size_t x = 0; x < plan->axis_count; x++) {
        if (op->offset[x] == NULL)
            continue;
        text_printf(out, " + %s'%%%lld", axis_name(plan, x), (long long)plan->axes[x].tile);
        if (op->element_stride[x] != 1)
            text_printf(out, "*%lld", (long long)op->element_stride[x]);
    }
    text_add(out, first ? "0" : "");
    const struct intrin_memory *memory = &plan->intrin->memory[t];
    text_printf(out, "\n      %s by %s", memory->path, memory->load);
    if (memory->layout[0] != '\0')
        text_printf(out, "; %s", memory->layout);
    text_add(out, "\n");
}

static void add_addresses(struct text *out, const struct intrin_plan *plan)
{
    text_add(out, "iterations from fused indices\n");
    for (size_t x = 0; x < plan->axis_count; x++) {
        for (size_t f = 0; f < plan->axes[x].iter_count; f++)
            add_digit(out, plan, x, f);
    }
    text_add(out, "element addresses in the operator's tensors (row-major)\n");
    for (size_t r = 0; r < INTRIN_OPERANDS; r++)
        add_source(out, plan, paper_rows[r]);
    text_add(out, "element addresses packed for the intrinsic (one round of the outer loops)\n");
    for (size_t r = 0; r < INTRIN_OPERANDS; r++)
        add_packed(out, plan, paper_rows[r]);
}

static void add_header(struct text *out, const char *what, const struct expr *expr)
{
    char *printed = expr_print(expr);
    text_printf(out, "%-10s %s\n%-10s", what, printed, "");
    free(printed);
    for (size_t i = 0; i < expr->iter_count; i++)
        text_printf(out, " %s=%lld", expr->iters[i].name, (long long)expr->iters[i].extent);
    text_add(out, ";");
    for (size_t r = 0; r < expr->tensor_count; r++)
        text_printf(out, " %s %s", expr->tensors[paper_rows[r]].name,
                    dtype_name(expr->tensors[paper_rows[r]].type));
    text_add(out, "\n");
}

void intrin_explain(const struct intrin_plan *plan, struct text *out)
{
    add_header(out, "operator", plan->expr);
    add_header(out, "intrinsic", &plan->intrin->expr);
    text_printf(out, "%-10s %s (%s)\n", "", plan->intrin->name, plan->intrin->source);
    add_matrices(out, plan);
    add_loops(out, plan);
    add_addresses(out, plan);
}
