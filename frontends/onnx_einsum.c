/*
 * Einsum: its equation letter by letter. One and two operands are layers; more are contracted pair
 * by pair, each time the pair whose product has the fewest points.
 */
#include <string.h>

#include "frontends/onnx_expand.h"
#include "frontends/onnx_infer.h"

#define OPERANDS_MAX 32
#define LETTERS      128 /* ASCII */

/* What the equation spells, with letters of its own in place of "...". */
struct equation {
    size_t count;
    char terms[OPERANDS_MAX][ONNX_RANK_MAX + 1], result[ONNX_RANK_MAX + 1];
    int64_t extent[LETTERS];
    unsigned uses[LETTERS]; /* operands, and the result */
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters that the equation does not use, for the dimensions of "...", outermost first. */
static void spare_letters(const char *text, char spare[ONNX_RANK_MAX + 1])
{
    size_t count = 0;
    for (char c = 'A'; c <= 'z' && count < ONNX_RANK_MAX; c++)
        if (is_letter(c) && !strchr(text, c))
            spare[count++] = c;
    spare[count] = '\0';
}

static const char *add_letter(char *term, char c)
{
    size_t length = strlen(term);
    if (length == ONNX_RANK_MAX)
        return "more than 8 letters in a row";
    term[length] = c;
    return NULL;
}

/* Up to `end`, a comma or an arrow; NULL, or what is wrong. */
static const char *read_term(const char **text, const char *ellipsis, char *term)
{
    const char *why = NULL;
    for (; !why && **text && **text != ',' && **text != '-'; (*text)++) {
        if (**text == ' ')
            continue;
        if (!strncmp(*text, "...", 3)) {
            for (const char *c = ellipsis; !why && *c; c++)
                why = add_letter(term, *c);
            *text += 2;
        } else if (is_letter(**text)) {
            why = add_letter(term, **text);
        } else {
            return "an equation that is not letters, commas, an arrow and dots";
        }
    }
    return why;
}

/* How many dimensions the dots of this term stand for. */
static int dotted(const char *text, int rank)
{
    int letters = 0;
    bool dots = false;
    for (; *text && *text != ',' && *text != '-'; text++) {
        letters += is_letter(*text);
        dots = dots || *text == '.';
    }
    return dots && rank > letters ? rank - letters : 0;
}

static void use_letters(struct equation *e, const char *term)
{
    for (const char *c = term; *c; c++)
        e->uses[(unsigned char)*c]++;
}

static const char *read_result(struct equation *e, const char *text, const char *dots)
{
    if (text[0] == '-' && text[1] == '>') {
        text += 2;
        return read_term(&text, dots, e->result);
    }
    for (const char *c = dots; *c; c++)
        add_letter(e->result, *c);
    for (int c = 'A'; c <= 'z'; c++) /* implicit: letters that occur once, in order */
        if (e->uses[c] == 1 && !strchr(dots, c) && add_letter(e->result, (char)c))
            return "more than 8 letters in a row";
    return NULL;
}

static const char *check_result(struct equation *e)
{
    for (const char *c = e->result; *c; c++)
        if (e->uses[(unsigned char)*c] == 0 || strchr(c + 1, *c))
            return "a result that the operands do not spell";
    use_letters(e, e->result);
    return NULL;
}

/* False after an error; e->count 0 where the node is not supported. */
static bool read_equation(struct onnx_model *model, struct onnx_node *node, struct equation *e)
{
    const char *text = onnx_attr_str(node, "equation", ""), *why = NULL;
    char spare[ONNX_RANK_MAX + 1];
    *e = (struct equation){ .count = 0 };
    if (!onnx_need(model, node, node->input_count > 0 ? node->input_count : 1))
        return false;
    if (node->input_count > OPERANDS_MAX)
        return onnx_unsupported(model, node, "an equation of more than 32 operands");
    spare_letters(text, spare);
    size_t spares = strlen(spare);
    const char *widest = spare + spares;
    for (size_t i = 0; !why && i < node->input_count; i++) {
        const struct onnx_shape *shape = &node->inputs[i]->shape;
        size_t dots = (size_t)dotted(text, shape->rank);
        if (dots > spares)
            return onnx_unsupported(model, node, "an equation that leaves no letters for its dots");
        if (spare + spares - dots < widest)
            widest = spare + spares - dots;
        why = read_term(&text, spare + spares - dots, e->terms[i]);
        if (!why && (int)strlen(e->terms[i]) != shape->rank)
            return onnx_fail(model, node, ERR_VALUE,
                             "the equation has %zu letters for %d dimensions", strlen(e->terms[i]),
                             shape->rank);
        for (int d = 0; !why && d < shape->rank; d++) {
            int64_t *extent = &e->extent[(unsigned char)e->terms[i][d]], dim = shape->dim[d];
            if (*extent > 1 && dim > 1 && *extent != dim)
                return onnx_fail(model, node, ERR_VALUE, "letter %c has two extents",
                                 e->terms[i][d]);
            *extent = *extent > dim ? *extent : dim;
        }
        use_letters(e, e->terms[i]);
        text += *text == ',';
    }
    if (!why && *text && *text != '-')
        why = "an equation of more terms than operands";
    if (!why)
        why = read_result(e, text, widest);
    if (!why)
        why = check_result(e);
    if (why)
        return onnx_unsupported(model, node, why);
    e->count = node->input_count;
    return true;
}

bool onnx_read_einsum(struct onnx_model *model, struct onnx_node *node, struct onnx_einsum *out)
{
    struct equation e;
    *out = (struct onnx_einsum){ .result = "" };
    if (!read_equation(model, node, &e) || node->unsupported)
        return model->err->code == ERR_OK;
    if (e.count > 2)
        return onnx_unsupported(model, node, "an equation of more than two operands");
    for (size_t i = 0; i < e.count; i++)
        for (const char *c = e.terms[i]; *c; c++) {
            if (out->in[i][(unsigned char)*c] && e.count > 1)
                return onnx_unsupported(model, node, "a letter twice in one of two operands");
            out->in[i][(unsigned char)*c] = true;
        }
    memcpy(out->extent, e.extent, sizeof out->extent);
    for (const char *c = e.result; *c; c++)
        out->out[(unsigned char)*c] = true;
    strcpy(out->result, e.result);
    return true;
}

ONNX_INFER(einsum)
{
    struct onnx_einsum einsum;
    if (!onnx_read_einsum(model, node, &einsum))
        return false;
    if (node->unsupported)
        return true;
    struct onnx_shape shape = { .rank = (int)strlen(einsum.result) };
    for (int d = 0; d < shape.rank; d++)
        shape.dim[d] = einsum.extent[(unsigned char)einsum.result[d]];
    return onnx_set(model, node, 0, node->inputs[0]->type, &shape);
}

/* --- more than two operands, and sums over one operand alone -----------------------------------
 */

struct contraction {
    struct onnx_model *model;
    struct onnx_node *from;
    struct equation equation;
    struct onnx_value *values[OPERANDS_MAX];
    size_t made; /* nodes */
};

/* An Einsum of one or two operands, `b` NULL for one; its value replaces the first. */
static bool add_step(struct contraction *c, size_t a, const size_t *b, const char *result,
                     bool last)
{
    struct onnx_model *model = c->model;
    struct onnx_node *node = ARENA_ARRAY(model->arena, struct onnx_node, 1);
    struct onnx_attr *equation = ARENA_ARRAY(model->arena, struct onnx_attr, 1);
    struct equation *e = &c->equation;
    *equation = (struct onnx_attr){ .name = "equation" };
    equation->s = arena_printf(model->arena, "%s%s%s->%s", e->terms[a], b ? "," : "",
                               b ? e->terms[*b] : "", result);
    node->name =
        last ? c->from->name : arena_printf(model->arena, "%s/%zu", c->from->name, c->made++);
    node->op_type = "Einsum";
    node->domain = "";
    node->attrs = equation;
    node->attr_count = 1;
    node->input_count = b ? 2 : 1;
    node->inputs = ARENA_ARRAY(model->arena, struct onnx_value *, 2);
    node->inputs[0] = c->values[a];
    node->inputs[1] = b ? c->values[*b] : NULL;
    node->output_count = 1;
    node->outputs = ARENA_ARRAY(model->arena, struct onnx_value *, 1);
    node->outputs[0] = last ? onnx_out(c->from, 0) : onnx_new_value(model, node->name);
    if (!onnx_add(model, node))
        return false;
    for (const char *at = e->terms[a]; *at; at++)
        e->uses[(unsigned char)*at]--;
    for (const char *at = b ? e->terms[*b] : ""; *at; at++)
        e->uses[(unsigned char)*at]--;
    strcpy(e->terms[a], result);
    use_letters(e, result);
    c->values[a] = node->outputs[0];
    return true;
}

/* Letters of the term that others read, too. */
static void kept_letters(const struct equation *e, const char *term, char *kept)
{
    size_t count = 0;
    for (const char *c = term; *c; c++)
        if (e->uses[(unsigned char)*c] > 1 && !memchr(kept, *c, count))
            kept[count++] = *c;
    kept[count] = '\0';
}

static bool sums_alone(const struct equation *e, const char *term)
{
    for (const char *c = term; *c; c++)
        if (e->uses[(unsigned char)*c] == 1 && e->extent[(unsigned char)*c] > 1)
            return true;
    return false;
}

/* Letters of both that are read elsewhere; false where they are too many. */
static bool joined_letters(const struct equation *e, const char *a, const char *b, char *out)
{
    size_t count = 0;
    for (int side = 0; side < 2; side++)
        for (const char *c = side ? b : a; *c; c++) {
            unsigned inside = (strchr(a, *c) != NULL) + (strchr(b, *c) != NULL);
            if (e->uses[(unsigned char)*c] <= inside || memchr(out, *c, count))
                continue;
            if (count == ONNX_RANK_MAX)
                return false;
            out[count++] = *c;
        }
    out[count] = '\0';
    return true;
}

static double points(const struct equation *e, const char *a, const char *b)
{
    double product = 1;
    for (const char *c = a; *c; c++)
        product *= (double)e->extent[(unsigned char)*c];
    for (const char *c = b; *c; c++)
        product *= strchr(a, *c) ? 1 : (double)e->extent[(unsigned char)*c];
    return product;
}

/* The pair with the fewest points whose result has at most 8 letters. */
static bool best_pair(const struct equation *e, size_t *first, size_t *second, char *result)
{
    double least = -1;
    for (size_t i = 0; i < e->count; i++)
        for (size_t j = i + 1; j < e->count; j++) {
            char joined[ONNX_RANK_MAX + 1];
            double count = points(e, e->terms[i], e->terms[j]);
            if ((least >= 0 && count >= least) ||
                !joined_letters(e, e->terms[i], e->terms[j], joined))
                continue;
            least = count;
            *first = i;
            *second = j;
            strcpy(result, joined);
        }
    return least >= 0;
}

static bool contract(struct contraction *c)
{
    struct equation *e = &c->equation;
    char result[ONNX_RANK_MAX + 1];
    for (size_t i = 0; e->count > 1 && i < e->count; i++)
        if (sums_alone(e, e->terms[i])) {
            kept_letters(e, e->terms[i], result);
            if (!add_step(c, i, NULL, result, false))
                return false;
        }
    while (e->count > 1) {
        size_t a = 0, b = 0;
        if (!best_pair(e, &a, &b, result))
            return onnx_fail(c->model, c->from, ERR_LIMIT,
                             "a product of two of its operands has more than 8 dimensions");
        bool last = e->count == 2;
        if (!add_step(c, a, &b, last ? e->result : result, last))
            return false;
        e->count--;
        memmove(e->terms[b], e->terms[b + 1], (e->count - b) * sizeof *e->terms);
        memmove(&c->values[b], &c->values[b + 1], (e->count - b) * sizeof *c->values);
    }
    return true;
}

ONNX_EXPAND(einsum)
{
    struct contraction c = { .model = model, .from = node };
    if (!read_equation(model, node, &c.equation))
        return false;
    bool alone = false;
    for (size_t i = 0; i < c.equation.count; i++) {
        c.values[i] = node->inputs[i];
        alone = alone || sums_alone(&c.equation, c.equation.terms[i]);
    }
    node->plain = c.equation.count < 2 || (c.equation.count == 2 && !alone) || !onnx_out(node, 0);
    return node->plain || contract(&c);
}
