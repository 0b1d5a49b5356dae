#include <stdlib.h>
#include <string.h>

#include "core/expr.h"
#include "core/text.h"

static void print_affine(struct text *out, const struct expr *expr, const struct expr_dim *dim)
{
    bool first = true, leads = false; /* "2-r" reads better than "-r+2" */
    for (size_t i = 0; i < expr->iter_count && !leads; i++) {
        if (dim->coeff[i] > 0)
            break;
        leads = dim->coeff[i] < 0 && dim->constant > 0;
    }
    if (leads)
        text_printf(out, "%lld", (long long)dim->constant);
    for (size_t i = 0; i < expr->iter_count; i++) {
        int64_t coeff = dim->coeff[i];
        if (coeff == 0)
            continue;
        text_add(out, coeff < 0 ? "-" : first ? "" : "+");
        int64_t size = coeff < 0 ? -coeff : coeff;
        if (size != 1)
            text_printf(out, "%lld*", (long long)size);
        text_add(out, expr->iters[i].name);
        first = false;
    }
    if (first)
        text_printf(out, "%lld", (long long)dim->constant);
    else if (!leads && dim->constant != 0)
        text_printf(out, "%+lld", (long long)dim->constant);
}

static void print_access(struct text *out, const struct expr *expr, size_t tensor)
{
    const struct expr_tensor *t = &expr->tensors[tensor];
    text_printf(out, "%s[", t->name);
    for (size_t d = 0; d < t->dim_count; d++) {
        const struct expr_dim *dim = &t->dims[d];
        text_add(out, d > 0 ? "," : "");
        if (dim->divisor == 1) {
            print_affine(out, expr, dim);
        } else {
            text_add(out, "(");
            print_affine(out, expr, dim);
            text_printf(out, ")/%lld", (long long)dim->divisor);
        }
    }
    text_add(out, "]");
}

char *expr_print(const struct expr *expr)
{
    static const char *const signs[] = {
        [EXPR_MUL_ADD] = " += ", [EXPR_ADD] = " += ",    [EXPR_MAX] = " max= ",
        [EXPR_SET_ADD] = " = ",  [EXPR_SET_MUL] = " = ", [EXPR_SET] = " = ",
    };
    struct text out = { 0 };
    print_access(&out, expr, 0);
    text_add(&out, signs[expr->combine]);
    print_access(&out, expr, 1);
    if (expr->tensor_count == 3) {
        text_add(&out, expr->combine == EXPR_SET_ADD ? " + " : " * ");
        print_access(&out, expr, 2);
    }
    return out.data;
}

char *expr_caret(const char *text, int column)
{
    struct text out = { 0 };
    text_printf(&out, "%s\n", text);
    for (int i = 1; i < column; i++) {
        /* A tab stays one, so that the caret stands under its place. */
        char c = (size_t)i <= strlen(text) ? text[i - 1] : ' ';
        text_add(&out, c == '\t' ? "\t" : (c & 0xC0) == 0x80 ? "" : " ");
    }
    text_add(&out, "^\n");
    return out.data;
}
