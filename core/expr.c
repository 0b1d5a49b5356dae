#include "core/expr.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "core/num.h"

const char *const dtype_names[DT_COUNT] = { "u8",  "s8",  "s32", "f16", "bf16",
                                            "f32", "s16", "s64", "f64" };
const char *const role_names[ROLE_COUNT] = { "-", "N", "G", "K", "C", "P", "Q", "R", "S" };

static const unsigned dtype_sizes[DT_COUNT] = { 1, 1, 4, 2, 2, 4, 2, 8, 8 };

const char *dtype_name(enum dtype type)
{
    assert((unsigned)type < DT_COUNT);
    return dtype_names[type];
}

unsigned dtype_bytes(enum dtype type)
{
    assert((unsigned)type < DT_COUNT);
    return dtype_sizes[type];
}

bool dtype_from_name(const char *name, enum dtype *out)
{
    for (unsigned i = 0; i < DT_COUNT; i++) {
        if (strcmp(name, dtype_names[i]) == 0) {
            *out = (enum dtype)i;
            return true;
        }
    }
    return false;
}

static bool role_from_letters(const char *letters, size_t length, enum role *out)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (strlen(role_names[i]) == length && memcmp(letters, role_names[i], length) == 0) {
            *out = (enum role)i;
            return true;
        }
    }
    return false;
}

static struct expr_iter *iter_of_name(struct expr *expr, const char *name, size_t length)
{
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (strlen(expr->iters[i].name) == length && memcmp(expr->iters[i].name, name, length) == 0)
            return &expr->iters[i];
    }
    return NULL;
}

/* One "name=ROLE" of the list. */
static enum err_code set_one_role(struct expr *expr, const char *word, size_t length,
                                  struct err *err)
{
    const char *equals = memchr(word, '=', length);
    if (equals == NULL)
        return err_set(err, ERR_SYNTAX, "expected 'iteration=role' in the roles, got '%.*s'",
                       (int)length, word);
    size_t name_length = (size_t)(equals - word);
    struct expr_iter *iter = iter_of_name(expr, word, name_length);
    if (iter == NULL)
        return err_set(err, ERR_REFERENCE, "role given for '%.*s', which is no iteration",
                       (int)name_length, word);
    if (!role_from_letters(equals + 1, length - name_length - 1, &iter->role))
        return err_set(err, ERR_VALUE, "expected a role of N G K C P Q R S -, got '%.*s'",
                       (int)(length - name_length - 1), equals + 1);
    return ERR_OK;
}

enum err_code expr_set_roles(struct expr *expr, const char *roles, struct err *err)
{
    struct expr with = *expr;
    for (size_t i = 0; i < with.iter_count; i++)
        with.iters[i].role = ROLE_NONE;
    for (const char *word = roles; *word != '\0';) {
        if (isspace((unsigned char)*word) || *word == ',') {
            word++;
            continue;
        }
        size_t length = strcspn(word, " \t\n,");
        enum err_code rc = set_one_role(&with, word, length, err);
        if (rc != ERR_OK)
            return rc;
        word += length;
    }
    *expr = with;
    return ERR_OK;
}

enum err_code expr_points(const struct expr *expr, uint64_t *points, struct err *err)
{
    uint64_t product = 1;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (!mul_size(product, (uint64_t)expr->iters[i].extent, &product))
            return err_set(err, ERR_OVERFLOW, "the product of the extents exceeds 63 bits");
    }
    *points = product;
    return ERR_OK;
}

enum err_code expr_elements(const struct expr *expr, size_t tensor, uint64_t *elements,
                            struct err *err)
{
    assert(tensor < expr->tensor_count);
    const struct expr_tensor *t = &expr->tensors[tensor];
    uint64_t product = 1;
    for (size_t d = 0; d < t->dim_count; d++) {
        if (!mul_size(product, (uint64_t)t->dims[d].extent, &product))
            return err_set(err, ERR_OVERFLOW, "the elements of %s exceed 63 bits", t->name);
    }
    *elements = product;
    return ERR_OK;
}

uint64_t expr_role_extent(const struct expr *expr, enum role role)
{
    uint64_t product = 1;
    for (size_t i = 0; i < expr->iter_count; i++) {
        if (expr->iters[i].role == role &&
            !mul_size(product, (uint64_t)expr->iters[i].extent, &product))
            return NUM_MAX_SIZE;
    }
    return product;
}

int64_t expr_offset(const struct expr *expr, size_t tensor, const int64_t *at)
{
    assert(tensor < expr->tensor_count);
    const struct expr_tensor *t = &expr->tensors[tensor];
    int64_t offset = 0;
    for (size_t d = 0; d < t->dim_count; d++) {
        const struct expr_dim *dim = &t->dims[d];
        int64_t index = dim->constant;
        for (size_t i = 0; i < expr->iter_count; i++)
            index += dim->coeff[i] * at[i];
        if (index < 0 || index % dim->divisor != 0)
            return -1;
        index /= dim->divisor;
        if (index >= dim->extent)
            return -1;
        offset = offset * dim->extent + index;
    }
    return offset;
}
