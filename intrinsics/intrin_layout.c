#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "intrinsics/intrin.h"

/* A cursor over the layout's text; every reader leaves it behind what it took. */
struct reader {
    const struct intrin *intrin;
    size_t operand;
    const char *text, *at;
    struct err *err;
};

static enum err_code fail(const struct reader *r, const char *expected)
{
    const char *name = r->intrin->expr.tensors[r->operand].name;
    return err_set(r->err, ERR_SYNTAX, "layout of %s: expected %s at column %d of \"%s\"", name,
                   expected, (int)(r->at - r->text) + 1, r->text);
}

static void skip_space(struct reader *r)
{
    while (*r->at == ' ')
        r->at++;
}

static enum err_code read_count(struct reader *r, uint32_t *out)
{
    if (!isdigit((unsigned char)*r->at))
        return fail(r, "a number");
    char *end;
    long value = strtol(r->at, &end, 10);
    if (value < 1 || value > 65536)
        return fail(r, "a number of 1..65536");
    r->at = end;
    *out = (uint32_t)value;
    return ERR_OK;
}

static enum err_code read_axis(struct reader *r, int *axis)
{
    if (*r->at == '-') {
        r->at++;
        *axis = -1;
        return ERR_OK;
    }
    const struct expr *expr = &r->intrin->expr;
    size_t length = 0;
    while (isalpha((unsigned char)r->at[length]) || r->at[length] == '_')
        length++;
    for (size_t x = 0; x < expr->iter_count; x++) {
        if (length > 0 && strlen(expr->iters[x].name) == length &&
            memcmp(expr->iters[x].name, r->at, length) == 0) {
            r->at += length;
            *axis = (int)x;
            return ERR_OK;
        }
    }
    return fail(r, "an axis of the intrinsic or '-'");
}

static enum err_code read_factor(struct reader *r, struct intrin_factor *out)
{
    out->step = 1;
    enum err_code rc = read_axis(r, &out->axis);
    if (rc == ERR_OK)
        rc = read_count(r, &out->extent);
    if (rc == ERR_OK && *r->at == '*') {
        r->at++;
        rc = read_count(r, &out->step);
    }
    return rc;
}

static enum err_code read_place(struct reader *r, struct intrin_place *out)
{
    size_t length = 0;
    while (isalpha((unsigned char)r->at[length]))
        length++;
    if (length == 0 || length >= sizeof out->name || r->at[length] != ':')
        return fail(r, "the name of a place and ':'");
    memcpy(out->name, r->at, length);
    r->at += length + 1;
    out->extent = 1;
    for (skip_space(r); *r->at != '\0' && *r->at != ';'; skip_space(r)) {
        if (out->factor_count == INTRIN_FACTORS_MAX)
            return fail(r, "';' (a place has at most 4 factors)");
        struct intrin_factor *factor = &out->factors[out->factor_count++];
        enum err_code rc = read_factor(r, factor);
        if (rc != ERR_OK)
            return rc;
        if (factor->extent > (1u << 24) / out->extent)
            return fail(r, "a place of at most 2^24");
        out->extent *= factor->extent;
    }
    return out->factor_count > 0 ? ERR_OK : fail(r, "a factor such as i8");
}

/* --- coverage ------------------------------------------------------------------------------- */

void intrin_layout_at(const struct intrin_layout *layout, const uint32_t *place_index,
                      int64_t coordinates[INTRIN_AXES_MAX])
{
    memset(coordinates, 0, sizeof *coordinates * INTRIN_AXES_MAX);
    for (size_t p = 0; p < layout->place_count; p++) {
        const struct intrin_place *place = &layout->places[p];
        uint32_t rest = place_index[p];
        assert(rest < place->extent);
        for (size_t f = place->factor_count; f-- > 0;) {
            const struct intrin_factor *factor = &place->factors[f];
            if (factor->axis >= 0)
                coordinates[factor->axis] += (int64_t)(rest % factor->extent) * factor->step;
            rest /= factor->extent;
        }
    }
}

/* The places' indices that follow; false after the last. */
static bool next_index(const struct intrin_layout *layout, uint32_t *index)
{
    for (size_t p = layout->place_count; p-- > 0;) {
        if (++index[p] < layout->places[p].extent)
            return true;
        index[p] = 0;
    }
    return false;
}

/* Every element of the operand as often as every other. */
static enum err_code check_coverage(const struct intrin *intrin, size_t operand,
                                    const struct intrin_layout *layout, struct err *err)
{
    const struct expr *expr = &intrin->expr;
    const char *name = expr->tensors[operand].name;
    uint64_t elements, slots = 1;
    enum err_code rc = expr_elements(expr, operand, &elements, err);
    if (rc != ERR_OK)
        return rc;
    for (size_t p = 0; p < layout->place_count; p++) {
        slots *= layout->places[p].extent;
        if (slots > (1u << 24))
            return err_set(err, ERR_LIMIT, "layout of %s: more than 2^24 slots", name);
    }
    if (slots % elements != 0)
        return err_set(err, ERR_VALUE, "layout of %s: %llu slots for %llu elements", name,
                       (unsigned long long)slots, (unsigned long long)elements);
    uint32_t *seen = mem_alloc(elements, sizeof *seen);
    uint32_t index[INTRIN_PLACES_MAX] = { 0 };
    do {
        int64_t at[EXPR_ITERS_MAX] = { 0 };
        intrin_layout_at(layout, index, at);
        int64_t offset = expr_offset(expr, operand, at);
        if (offset >= 0)
            seen[offset]++;
    } while (next_index(layout, index));
    for (uint64_t e = 0; e < elements && rc == ERR_OK; e++) {
        if (seen[e] != slots / elements)
            rc = err_set(err, ERR_VALUE,
                         "layout of %s: element %llu stands in %u slots, expected %llu", name,
                         (unsigned long long)e, seen[e], (unsigned long long)(slots / elements));
    }
    free(seen);
    return rc;
}

enum err_code intrin_layout_parse(const struct intrin *intrin, size_t operand,
                                  struct intrin_layout *out, struct err *err)
{
    struct intrin_layout layout = { 0 };
    struct reader r = { intrin, operand, intrin->memory[operand].layout, NULL, err };
    r.at = r.text;
    if (strcmp(r.text, "opaque") == 0) {
        layout.opaque = true;
        *out = layout;
        return ERR_OK;
    }
    for (skip_space(&r); *r.at != '\0'; skip_space(&r)) {
        if (layout.place_count == INTRIN_PLACES_MAX)
            return fail(&r, "the end (a layout has at most 4 places)");
        enum err_code rc = read_place(&r, &layout.places[layout.place_count++]);
        if (rc != ERR_OK)
            return rc;
        if (*r.at == ';')
            r.at++;
    }
    enum err_code rc = check_coverage(intrin, operand, &layout, err);
    if (rc == ERR_OK)
        *out = layout;
    return rc;
}
