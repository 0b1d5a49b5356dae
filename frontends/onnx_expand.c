#include "frontends/onnx_expand.h"

#include <string.h>

#define INT32 ONNX__TENSOR_PROTO__DATA_TYPE__INT32
#define MS    "com.microsoft"

/* A plain node of the expansion. `part` NULL: it bears the fused node's own name. After a failure
 * everything returns NULL, so that callers check once. */
struct plain {
    struct onnx_model *model;
    struct onnx_node *from;
    bool failed;
};

static struct onnx_value *add_node(struct plain *p, const char *part, const char *op,
                                   struct onnx_value *a, struct onnx_value *b, struct onnx_value *c,
                                   const struct onnx_attr *attrs, size_t attr_count,
                                   struct onnx_value *into)
{
    struct onnx_model *model = p->model;
    if (p->failed || !a)
        return NULL;
    struct onnx_node *node = ARENA_ARRAY(model->arena, struct onnx_node, 1);
    node->name = part ? arena_printf(model->arena, "%s/%s", p->from->name, part) : p->from->name;
    node->op_type = op;
    node->domain = !strcmp(op, "FusedMatMul") ? MS : "";
    node->inputs = ARENA_ARRAY(model->arena, struct onnx_value *, 3);
    node->inputs[0] = a;
    node->inputs[1] = b;
    node->inputs[2] = c;
    node->input_count = c ? 3 : b ? 2 : 1;
    node->outputs = ARENA_ARRAY(model->arena, struct onnx_value *, 1);
    node->outputs[0] = into ? into : onnx_new_value(model, node->name);
    node->output_count = 1;
    struct onnx_attr *own = ARENA_ARRAY(model->arena, struct onnx_attr, attr_count);
    for (size_t i = 0; i < attr_count; i++)
        own[i] = attrs[i];
    node->attrs = own;
    node->attr_count = attr_count;
    if (!onnx_add(model, node))
        p->failed = true;
    return p->failed ? NULL : node->outputs[0];
}

static struct onnx_value *plain(struct plain *p, const char *part, const char *op,
                                struct onnx_value *a, struct onnx_value *b, struct onnx_value *into)
{
    return b || strcmp(op, "Add") != 0 ? add_node(p, part, op, a, b, NULL, NULL, 0, into) : a;
}

static struct onnx_value *with_int(struct plain *p, const char *part, const char *op,
                                   struct onnx_value *a, struct onnx_value *b, const char *name,
                                   int64_t value, struct onnx_value *into)
{
    struct onnx_attr attr = { .name = name, .i = value, .s = "" };
    return add_node(p, part, op, a, b, NULL, &attr, 1, into);
}

static struct onnx_value *reshape(struct plain *p, const char *part, struct onnx_value *a,
                                  const int64_t *dims, size_t count, struct onnx_value *into)
{
    if (!a)
        return NULL;
    struct onnx_value *shape = onnx_new_ints(p->model, "", dims, count);
    return add_node(p, part, "Reshape", a, shape, NULL, NULL, 0, into);
}

static struct onnx_value *swap_middle(struct plain *p, const char *part, struct onnx_value *a,
                                      struct onnx_value *into)
{
    static const int64_t perm[] = { 0, 2, 1, 3 };
    struct onnx_attr attr = { .name = "perm", .s = "", .int_count = 4, .ints = perm };
    return add_node(p, part, "Transpose", a, NULL, NULL, &attr, 1, into);
}

static bool fail_shape(struct plain *p, const char *what)
{
    return !p->failed ? onnx_fail(p->model, p->from, ERR_VALUE, "%s", what) : false;
}

/* --- small ones
 * ----------------------------------------------------------------------------------- */

ONNX_EXPAND(bias_gelu)
{
    struct plain p = { model, node, false };
    struct onnx_value *x = plain(&p, "bias", "Add", onnx_in(node, 0), onnx_in(node, 1), NULL);
    return plain(&p, NULL, "Gelu", x, NULL, onnx_out(node, 0)) || fail_shape(&p, "no input");
}

ONNX_EXPAND(activated)
{
    struct plain p = { model, node, false };
    const char *activation = onnx_attr_str(node, "activation", "");
    bool conv = !strcmp(node->op_type, "FusedConv");
    if (!onnx_in(node, 0) || !onnx_in(node, 1))
        return fail_shape(&p, "expected two inputs or more");
    struct onnx_value *sum = conv ? onnx_in(node, 3) : NULL;
    struct onnx_value *x = add_node(
        &p, NULL, conv ? "Conv" : "Gemm", onnx_in(node, 0), onnx_in(node, 1), onnx_in(node, 2),
        node->attrs, node->attr_count, *activation || sum ? NULL : onnx_out(node, 0));
    if (sum)
        x = plain(&p, "sum", "Add", x, sum, *activation ? NULL : onnx_out(node, 0));
    if (*activation)
        x = plain(&p, "activation", activation, x, NULL, onnx_out(node, 0));
    return x != NULL;
}

ONNX_EXPAND(skip_norm)
{
    struct plain p = { model, node, false };
    bool simple = !strcmp(node->op_type, "SkipSimplifiedLayerNormalization");
    struct onnx_value *bias = onnx_in(node, simple ? 3 : 4), *sum_out = onnx_out(node, 3);
    if (!onnx_in(node, 0) || !onnx_in(node, 1))
        return fail_shape(&p, "expected two inputs or more");
    struct onnx_value *x =
        plain(&p, "add", "Add", onnx_in(node, 0), onnx_in(node, 1), bias ? NULL : sum_out);
    if (bias)
        x = plain(&p, "bias", "Add", x, bias, sum_out);
    x = plain(&p, NULL, simple ? "RMSNormalization" : "LayerNormalization", x, onnx_in(node, 2),
              onnx_out(node, 0));
    return x || p.failed == false;
}

ONNX_EXPAND(embed_norm)
{
    struct plain p = { model, node, false };
    struct onnx_value *ids = onnx_in(node, 0), *places = onnx_in(node, 8);
    struct onnx_value *mask = onnx_out(node, 1);
    if (!ids || !onnx_in(node, 2) || !onnx_in(node, 3) || ids->shape.rank != 2 ||
        onnx_in(node, 3)->shape.rank != 2)
        return fail_shape(&p, "expected token numbers and their tables");
    if (mask) { /* lengths per sample: as many numbers as samples */
        mask->type = INT32;
        mask->shape = (struct onnx_shape){ .rank = 1, .dim = { ids->shape.dim[0] } };
        mask->constant = true;
    }
    struct onnx_value *x = plain(&p, "word", "Gather", onnx_in(node, 2), ids, NULL), *rows;
    if (places) {
        rows = plain(&p, "position", "Gather", onnx_in(node, 3), places, NULL);
    } else { /* the first rows, in order */
        rows = onnx_new_value(model, onnx_in(node, 3)->name);
        *rows = *onnx_in(node, 3);
        rows->data = NULL;
        rows->shape.dim[0] = ids->shape.dim[1];
    }
    x = plain(&p, "add_position", "Add", x, rows, onnx_in(node, 4) ? NULL : onnx_out(node, 2));
    if (onnx_in(node, 4)) {
        struct onnx_value *segments = onnx_in(node, 1);
        segments = segments ? plain(&p, "segment", "Gather", onnx_in(node, 4), segments, NULL)
                            : onnx_in(node, 4);
        x = plain(&p, "add_segment", "Add", x, segments, onnx_out(node, 2));
    }
    return plain(&p, NULL, "LayerNormalization", x, onnx_in(node, 5), onnx_out(node, 0)) != NULL ||
           fail_shape(&p, "no output");
}

ONNX_EXPAND(qlinear_binary)
{
    struct plain p = { model, node, false };
    if (!onnx_in(node, 0) || !onnx_in(node, 3))
        return fail_shape(&p, "expected two operands with scales");
    return plain(&p, NULL, !strcmp(node->op_type, "QLinearAdd") ? "Add" : "Mul", onnx_in(node, 0),
                 onnx_in(node, 3), onnx_out(node, 0)) != NULL;
}

/* --- attention
 * ------------------------------------------------------------------------------------- */

struct heads {
    struct onnx_value *q, *k, *v; /* [batch, heads, steps, width] */
    struct onnx_value *past_k, *past_v, *present_k, *present_v;
    struct onnx_value *bias; /* added to the scores, or NULL */
    bool rank4;              /* the result keeps its four dimensions */
};

/* scores = softmax(q k^T + bias), result = scores v. Fewer heads of k and v than of q: the heads
 * that share one are rows of one product. */
static bool attend(struct plain *p, struct heads *h)
{
    if (h->past_k)
        h->k = with_int(p, "past_k", "Concat", h->past_k, h->k, "axis", 2, h->present_k);
    if (h->past_v)
        h->v = with_int(p, "past_v", "Concat", h->past_v, h->v, "axis", 2, h->present_v);
    if (!h->past_k && h->present_k && h->k)
        plain(p, "present_k", "Identity", h->k, NULL, h->present_k);
    if (!h->past_v && h->present_v && h->v)
        plain(p, "present_v", "Identity", h->v, NULL, h->present_v);
    if (p->failed || !h->q || !h->k || !h->v || h->q->shape.rank != 4 || h->k->shape.rank != 4 ||
        h->v->shape.rank != 4)
        return fail_shape(p, "expected queries, keys and values of 3 or 4 dimensions");
    int64_t batch = h->q->shape.dim[0], heads = h->q->shape.dim[1], steps = h->q->shape.dim[2];
    int64_t shared = h->k->shape.dim[1], total = h->k->shape.dim[2], width = h->v->shape.dim[3];
    if (shared < 1 || heads % shared)
        return fail_shape(p, "the heads do not divide");
    struct onnx_value *q = h->q;
    if (shared != heads)
        q = reshape(p, "q_shared", q,
                    (int64_t[]){ batch, shared, heads / shared * steps, q->shape.dim[3] }, 4, NULL);
    struct onnx_value *scores = with_int(p, "qk", "FusedMatMul", q, h->k, "transB", 1, NULL);
    if (shared != heads && h->bias)
        scores = reshape(p, "scores", scores, (int64_t[]){ batch, heads, steps, total }, 4, NULL);
    scores = plain(p, "mask", "Add", scores, h->bias, NULL);
    scores = with_int(p, "softmax", "Softmax", scores, NULL, "axis", -1, NULL);
    if (shared != heads && h->bias)
        scores = reshape(p, "shared", scores,
                         (int64_t[]){ batch, shared, heads / shared * steps, total }, 4, NULL);
    struct onnx_value *out = onnx_out(p->from, 0);
    bool last = h->rank4 && shared == heads;
    struct onnx_value *y = plain(p, "av", "MatMul", scores, h->v, last ? out : NULL);
    if (shared != heads)
        y = reshape(p, "heads", y, (int64_t[]){ batch, heads, steps, width }, 4,
                    h->rank4 ? out : NULL);
    if (h->rank4)
        return y != NULL;
    y = swap_middle(p, "merge", y, NULL);
    return reshape(p, "rows", y, (int64_t[]){ batch, steps, heads * width }, 3, out) != NULL;
}

/* [batch, steps, heads * width] -> [batch, heads, steps, width] */
static struct onnx_value *to_heads(struct plain *p, const char *part, struct onnx_value *x,
                                   int64_t heads)
{
    if (!x || x->shape.rank == 4)
        return x;
    if (x->shape.rank != 3 || heads < 1 || x->shape.dim[2] % heads) {
        fail_shape(p, "the width does not divide into heads");
        p->failed = true;
        return NULL;
    }
    int64_t dims[] = { x->shape.dim[0], x->shape.dim[1], heads, x->shape.dim[2] / heads };
    x = reshape(p, arena_printf(p->model->arena, "%s_heads", part), x, dims, 4, NULL);
    return swap_middle(p, part, x, NULL);
}

/* Pieces of the last dimension. */
static bool cut(struct plain *p, struct onnx_value *x, const int64_t *widths,
                struct onnx_value *pieces[3])
{
    struct onnx_model *model = p->model;
    if (!x)
        return false;
    struct onnx_node *node = ARENA_ARRAY(model->arena, struct onnx_node, 1);
    struct onnx_attr *axis = ARENA_ARRAY(model->arena, struct onnx_attr, 1);
    *axis = (struct onnx_attr){ .name = "axis", .i = -1, .s = "" };
    *node = (struct onnx_node){ .name = arena_printf(model->arena, "%s/split", p->from->name),
                                .op_type = "Split",
                                .domain = "",
                                .input_count = 2,
                                .output_count = 3,
                                .attrs = axis,
                                .attr_count = 1 };
    node->inputs = ARENA_ARRAY(model->arena, struct onnx_value *, 2);
    node->inputs[0] = x;
    node->inputs[1] = onnx_new_ints(model, "", widths, 3);
    node->outputs = ARENA_ARRAY(model->arena, struct onnx_value *, 3);
    for (int i = 0; i < 3; i++)
        pieces[i] = node->outputs[i] = onnx_new_value(model, node->name);
    p->failed = p->failed || !onnx_add(model, node);
    return !p->failed;
}

/* A mask over the keys, [batch, keys], adds to every row of the scores. */
static struct onnx_value *mask_rows(struct plain *p, struct onnx_value *mask, int64_t total)
{
    if (!mask || mask->constant || mask->shape.rank != 2 || mask->shape.dim[1] != total)
        return NULL;
    return reshape(p, "mask_rows", mask, (int64_t[]){ mask->shape.dim[0], 1, 1, total }, 4, NULL);
}

static struct onnx_value *half(struct plain *p, const char *part, struct onnx_value *past,
                               int64_t which)
{
    struct onnx_value *index = onnx_new_ints(p->model, "", &which, 1);
    index->shape.rank = 0;
    return with_int(p, part, "Gather", past, index, "axis", 0, NULL);
}

/* One product makes queries, keys and values; `past` and `present` hold keys and values. */
ONNX_EXPAND(attention)
{
    struct plain p = { model, node, false };
    struct onnx_value *x = onnx_in(node, 0), *w = onnx_in(node, 1), *past = onnx_in(node, 4);
    struct onnx_value *present = onnx_out(node, 1), *pieces[3] = { NULL, NULL, NULL };
    int64_t heads = onnx_attr_int(node, "num_heads", 1);
    if (!x || !w || x->shape.rank != 3 || w->shape.rank != 2 || heads < 1)
        return fail_shape(&p, "expected data of 3 dimensions and a matrix of weights");
    int64_t width = w->shape.dim[1] / 3, widths[3] = { width, width, w->shape.dim[1] - 2 * width };
    const struct onnx_attr *sizes = onnx_attr(node, "qkv_hidden_sizes");
    for (size_t i = 0; sizes && sizes->int_count == 3 && i < 3; i++)
        widths[i] = sizes->ints[i];
    struct onnx_value *qkv = plain(&p, "qkv", "MatMul", x, w, NULL);
    qkv = plain(&p, "qkv_bias", "Add", qkv, onnx_in(node, 2), NULL);
    if (!cut(&p, qkv, widths, pieces))
        return fail_shape(&p, "the weights do not divide into queries, keys and values");
    struct heads h = { .q = to_heads(&p, "q", pieces[0], heads),
                       .k = to_heads(&p, "k", pieces[1], heads),
                       .v = to_heads(&p, "v", pieces[2], heads) };
    if (p.failed)
        return false;
    int64_t total = x->shape.dim[1];
    if (past && past->shape.rank == 5) {
        h.past_k = half(&p, "past/k", past, 0);
        h.past_v = half(&p, "past/v", past, 1);
        total += past->shape.dim[3];
    }
    h.bias = onnx_in(node, 5) ? onnx_in(node, 5) : mask_rows(&p, onnx_in(node, 3), total);
    if (!attend(&p, &h))
        return fail_shape(&p, "no output");
    if (!present)
        return true;
    int64_t dims[5] = { 1 };
    memcpy(dims + 1, h.k->shape.dim, 4 * sizeof *dims);
    struct onnx_value *k = reshape(&p, "present/k", h.k, dims, 5, NULL);
    memcpy(dims + 1, h.v->shape.dim, 4 * sizeof *dims);
    struct onnx_value *v = reshape(&p, "present/v", h.v, dims, 5, NULL);
    return with_int(&p, "present", "Concat", k, v, "axis", 0, present) != NULL;
}

/* Where each form keeps its optional inputs. */
static const struct form {
    const char *op, *domain, *heads, *shared;
    size_t past, bias, mask;
} forms[] = {
    { "MultiHeadAttention", MS, "num_heads", "num_heads", 6, 5, 4 },
    { "GroupQueryAttention", MS, "num_heads", "kv_num_heads", 3, 10, 99 },
    { "Attention", "", "q_num_heads", "kv_num_heads", 4, 3, 99 },
};

ONNX_EXPAND(multi_head)
{
    struct plain p = { model, node, false };
    const struct form *form = forms;
    while (strcmp(form->op, node->op_type) != 0 || strcmp(form->domain, node->domain) != 0)
        form++;
    struct onnx_value *q = onnx_in(node, 0), *pieces[3] = { q, onnx_in(node, 1), onnx_in(node, 2) };
    if (!q || q->shape.rank < 3)
        return fail_shape(&p, "expected queries of 3 or 4 dimensions");
    int64_t heads = onnx_attr_int(node, form->heads, q->shape.rank == 4 ? q->shape.dim[1] : 1);
    int64_t shared = onnx_attr_int(node, form->shared, heads);
    if (heads < 1 || shared < 1 || heads > 65536 || shared > heads)
        return fail_shape(&p, "the number of heads is out of range");
    if (!pieces[1] && q->shape.rank == 3) { /* packed */
        int64_t one = q->shape.dim[2] / (heads + 2 * shared);
        int64_t widths[3] = { heads * one, shared * one, shared * one };
        if (!cut(&p, q, widths, pieces))
            return false;
    }
    if (!pieces[1] || !pieces[2])
        return fail_shape(&p, "expected keys and values");
    struct heads h = { .rank4 = q->shape.rank == 4 };
    h.q = to_heads(&p, "q", pieces[0], heads);
    h.k = to_heads(&p, "k", pieces[1], shared);
    h.v = to_heads(&p, "v", pieces[2], shared);
    h.past_k = onnx_in(node, form->past);
    h.past_v = onnx_in(node, form->past + 1);
    h.present_k = onnx_out(node, 1);
    h.present_v = onnx_out(node, 2);
    h.bias = onnx_in(node, form->bias);
    if (!h.bias && h.k)
        h.bias = mask_rows(&p, onnx_in(node, form->mask), h.k->shape.dim[2]);
    return attend(&p, &h) || fail_shape(&p, "no output");
}
