#include "core/operator.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/json.h"

const char *const op_kind_names[OP_KIND_COUNT] = { "conv",    "depthwise",   "gemm",
                                                   "pool",    "elementwise", "normalization",
                                                   "movement" };

bool op_kind_has_macs(enum op_kind kind)
{
    return kind == OP_CONV || kind == OP_DEPTHWISE || kind == OP_GEMM;
}

/*
 * Rows: name, kind, expression, roles, defaults, operands that may be fed, passes, note.
 *
 * Iteration names are the keys of "extents". Two iterations may share a role; the cost model sees
 * the product of their extents (conv3d: d and p are both P). Padding is symmetric. In a transposed
 * convolution the filter is flipped and the input zero-expanded by the stride; ph is the padding
 * that the forward convolution would have. Attention heads and per-sample weights are groups (G):
 * nothing is shared between them.
 */
#define IH           "p*sh+r*dh-ph"
#define IW           "q*sw+s*dw-pw"
#define TH           "(p+r*dh+ph-(R-1)*dh)/sh"
#define TW           "(q+s*dw+pw-(S-1)*dw)/sw"
#define STEP1D       "sh=1 dh=1 ph=0"
#define STEP2D       "sh=1 sw=1 dh=1 dw=1 ph=0 pw=0"
#define STEP3D       "sd=1 sh=1 sw=1 dd=1 dh=1 dw=1 pd=0 ph=0 pw=0"
#define CONV2D_ROLES "n=N k=K p=P q=Q c=C r=R s=S"
#define MAP_ROLES    "n=N k=K p=P q=Q"
#define MAP_DEFAULTS "n=1 p=1 q=1"
#define ROW_ROLES    "b=G m=P n=K"

#define MAP(op, kind, what)                                                                        \
    {                                                                                              \
        op, kind, "O[n,k,p,q] = I[n,k,p,q]", MAP_ROLES, MAP_DEFAULTS, 1, 1, what                   \
    }
#define MAP2(op, sign, what)                                                                       \
    {                                                                                              \
        op, OP_ELEMENTWISE, "O[n,k,p,q] = A[n,k,p,q] " sign " B[n,k,p,q]", MAP_ROLES,              \
            MAP_DEFAULTS, 2, 1, what                                                               \
    }
#define ROWWISE(op, passes, what)                                                                  \
    {                                                                                              \
        op, OP_NORMALIZATION, "O[b,m,n] = I[b,m,n]", ROW_ROLES, "b=1 m=1", 1, passes, what         \
    }

const struct op_row op_table[] = {
    /* Convolutions. */
    { "conv1d", OP_CONV, "O[n,k,p] += I[n,c," IH "] * W[k,c,r]", "n=N k=K p=P c=C r=R", STEP1D, 1,
      1, "C1D: convolution over one axis" },
    { "conv2d", OP_CONV, "O[n,k,p,q] += I[n,c," IH "," IW "] * W[k,c,r,s]", CONV2D_ROLES, STEP2D, 1,
      1, "C2D: convolution" },
    { "conv3d", OP_CONV, "O[n,k,d,p,q] += I[n,c,d*sd+t*dd-pd," IH "," IW "] * W[k,c,t,r,s]",
      "n=N k=K d=P p=P q=Q c=C t=R r=R s=S", STEP3D, 1, 1, "C3D: convolution over volumes" },
    { "transposed_conv1d", OP_CONV, "O[n,k,p] += I[n,c," TH "] * W[c,k,R-1-r]",
      "n=N k=K p=P c=C r=R", STEP1D, 1, 1, "transposed convolution over one axis" },
    { "transposed_conv2d", OP_CONV, "O[n,k,p,q] += I[n,c," TH "," TW "] * W[c,k,R-1-r,S-1-s]",
      CONV2D_ROLES, STEP2D, 1, 1, "T2D: zero-expanded input, flipped filter" },
    { "grouped_conv1d", OP_CONV, "O[n,g,k,p] += I[n,g,c," IH "] * W[g,k,c,r]",
      "n=N g=G k=K p=P c=C r=R", STEP1D, 1, 1, "g groups of k and c channels each" },
    { "grouped_conv2d", OP_CONV, "O[n,g,k,p,q] += I[n,g,c," IH "," IW "] * W[g,k,c,r,s]",
      "n=N g=G k=K p=P q=Q c=C r=R s=S", STEP2D, 1, 1, "GRP: g groups of k and c channels each" },
    { "grouped_conv3d", OP_CONV,
      "O[n,g,k,d,p,q] += I[n,g,c,d*sd+t*dd-pd," IH "," IW "] * "
      "W[g,k,c,t,r,s]",
      "n=N g=G k=K d=P p=P q=Q c=C t=R r=R s=S", STEP3D, 1, 1,
      "g groups of k and c channels each, over volumes" },
    { "transposed_conv3d", OP_CONV,
      "O[n,k,d,p,q] += I[n,c,(d+t*dd+pd-(T-1)*dd)/sd," TH "," TW "] * W[c,k,T-1-t,R-1-r,S-1-s]",
      "n=N k=K d=P p=P q=Q c=C t=R r=R s=S", STEP3D, 1, 1, "transposed convolution over volumes" },
    { "grouped_transposed_conv1d", OP_CONV, "O[n,g,k,p] += I[n,g,c," TH "] * W[g,c,k,R-1-r]",
      "n=N g=G k=K p=P c=C r=R", STEP1D, 1, 1, "g transposed convolutions over one axis" },
    { "grouped_transposed_conv2d", OP_CONV,
      "O[n,g,k,p,q] += I[n,g,c," TH "," TW "] * W[g,c,k,R-1-r,S-1-s]",
      "n=N g=G k=K p=P q=Q c=C r=R s=S", STEP2D, 1, 1, "g transposed convolutions" },
    { "grouped_transposed_conv3d", OP_CONV,
      "O[n,g,k,d,p,q] += I[n,g,c,(d+t*dd+pd-(T-1)*dd)/sd," TH "," TW "] * "
      "W[g,c,k,T-1-t,R-1-r,S-1-s]",
      "n=N g=G k=K d=P p=P q=Q c=C t=R r=R s=S", STEP3D, 1, 1,
      "g transposed convolutions over volumes" },
    { "dilated_conv2d", OP_CONV, "O[n,k,p,q] += I[n,c," IH "," IW "] * W[k,c,r,s]", CONV2D_ROLES,
      "sh=1 sw=1 dh=2 dw=2 ph=0 pw=0", 1, 1, "DIL: conv2d, dilation 2 unless given" },
    { "capsule_conv2d", OP_CONV, "O[n,k,p,q,u] += I[n,c," IH "," IW "] * W[k,c,r,s,u]",
      "n=N k=K p=P q=Q u=K c=C r=R s=S", STEP2D, 1, 1, "CAP: k capsules of u elements" },
    { "matrix_capsule_conv2d", OP_CONV,
      "O[n,k,p,q,i,j] += I[n,c," IH "," IW ",i,l] * W[k,c,r,s,l,j]",
      "n=N k=K p=P q=Q i=Q j=K c=C r=R s=S l=C", STEP2D, 1, 1, "capsules that are i x j matrices" },
    { "batched_weight_conv2d", OP_CONV, "O[n,k,p,q] += I[n,c," IH "," IW "] * W[n,k,c,r,s]",
      "n=G k=K p=P q=Q c=C r=R s=S", STEP2D, 2, 1, "BCV: every sample has its own filter" },

    /* Depthwise: m outputs per channel g. */
    { "depthwise_conv1d", OP_DEPTHWISE, "O[n,g,m,p] += I[n,g," IH "] * W[g,m,r]",
      "n=N g=G m=K p=P r=R", "m=1 " STEP1D, 1, 1, "one filter per channel, one axis" },
    { "depthwise_conv2d", OP_DEPTHWISE, "O[n,g,m,p,q] += I[n,g," IH "," IW "] * W[g,m,r,s]",
      "n=N g=G m=K p=P q=Q r=R s=S", "m=1 " STEP2D, 1, 1, "DEP: one filter per channel" },
    { "depthwise_conv3d", OP_DEPTHWISE,
      "O[n,g,m,d,p,q] += I[n,g,d*sd+t*dd-pd," IH "," IW "] * W[g,m,t,r,s]",
      "n=N g=G m=K d=P p=P q=Q t=R r=R s=S", "m=1 " STEP3D, 1, 1,
      "one filter per channel, volumes" },

    /* Matrix products. */
    { "gemm", OP_GEMM, "O[m,n] += A[m,k] * B[k,n]", "m=P n=K k=C", "", 2, 1,
      "GMM: matrix product" },
    { "gemv", OP_GEMM, "O[m,n] += A[m,k] * B[k,n]", "m=P n=K k=C", "m=1", 2, 1,
      "GMV: one row times a matrix (n=1: a matrix times one column)" },
    { "batched_gemm", OP_GEMM, "O[b,m,n] += A[b,m,k] * B[b,k,n]", "b=G m=P n=K k=C", "", 2, 1,
      "b independent products; attention heads" },
    { "grouped_fc", OP_GEMM, "O[n,g,k] += I[n,g,c] * W[g,k,c]", "n=P g=G k=K c=C", "", 1, 1,
      "GFC: g fully connected layers" },

    /* Reductions that matrix hardware can run: a product with a constant matrix. */
    { "mean", OP_NORMALIZATION, "O[i,j] += I[i,k] * U[k,j]", "i=P j=K k=C", "j=1", 1, 1,
      "MEN: product with a column of 1/k" },
    { "variance", OP_NORMALIZATION, "O[i,j] += D[i,k] * U[k,j]", "i=P j=K k=C", "j=1", 1, 1,
      "VAR: mean of squared differences" },
    { "scan", OP_NORMALIZATION, "O[i,j] += I[i,k] * U[k,j]", "i=P j=K k=C", "", 1, 1,
      "SCN: prefix sum, product with a triangle of ones" },

    /* No MACs: bytes and element operations. */
    { "maxpool2d", OP_POOL, "O[n,k,p,q] max= I[n,k," IH "," IW "]", "n=N k=K p=P q=Q r=R s=S",
      STEP2D, 1, 1, "largest of a window" },
    { "avgpool2d", OP_POOL, "O[n,k,p,q] += I[n,k," IH "," IW "]", "n=N k=K p=P q=Q r=R s=S", STEP2D,
      1, 1, "sum of a window, scaled" },
    { "maxpool3d", OP_POOL, "O[n,k,d,p,q] max= I[n,k,d*sd+t*dd-pd," IH "," IW "]",
      "n=N k=K d=P p=P q=Q t=R r=R s=S", STEP3D, 1, 1, "largest of a volume" },
    { "avgpool3d", OP_POOL, "O[n,k,d,p,q] += I[n,k,d*sd+t*dd-pd," IH "," IW "]",
      "n=N k=K d=P p=P q=Q t=R r=R s=S", STEP3D, 1, 1, "sum of a volume, scaled" },
    { "global_avgpool", OP_POOL, "O[n,k] += I[n,k,r,s]", "n=N k=K r=R s=S", "n=1", 1, 1,
      "sum of a map, scaled" },
    { "reduce", OP_NORMALIZATION, "O[i] += I[i,k]", "i=P k=C", "i=1", 1, 1,
      "k elements become one: sum, mean, largest, index of the largest" },
    MAP2("add", "+", "element-wise sum"),
    MAP2("mul", "*", "element-wise product"),
    { "bias_add", OP_ELEMENTWISE, "O[n,k,p,q] = I[n,k,p,q] + B[k]", MAP_ROLES, MAP_DEFAULTS, 1, 1,
      "one addend per channel" },
    { "scale", OP_ELEMENTWISE, "O[n,k,p,q] = I[n,k,p,q] * B[k]", MAP_ROLES, MAP_DEFAULTS, 2, 1,
      "one factor per channel (squeeze and excitation)" },
    MAP2("binary", "+", "any function of two elements"),
    MAP("unary", OP_ELEMENTWISE, "any function of one element"),
    MAP("relu", OP_ELEMENTWISE, "max(x, 0)"),
    MAP("relu6", OP_ELEMENTWISE, "min(max(x, 0), 6)"),
    MAP("leaky_relu", OP_ELEMENTWISE, "x or a fraction of it"),
    MAP("sigmoid", OP_ELEMENTWISE, "1 / (1 + exp(-x))"),
    MAP("silu", OP_ELEMENTWISE, "x sigmoid(x), swish"),
    MAP("hardswish", OP_ELEMENTWISE, "x relu6(x + 3) / 6"),
    MAP("gelu", OP_ELEMENTWISE, "x Phi(x)"),
    MAP("tanh", OP_ELEMENTWISE, "hyperbolic tangent"),
    MAP("requantize", OP_ELEMENTWISE, "scale, round, clamp to 8 bits"),
    ROWWISE("softmax", 2, "over n, for every row of b x m"),
    ROWWISE("layernorm", 2, "over n, for every row of b x m"),
    MAP("lrn", OP_NORMALIZATION, "divided by a power of the neighbouring channels' squares"),
    ROWWISE("rmsnorm", 2, "over n, for every row of b x m"),
    MAP("batchnorm", OP_NORMALIZATION, "scale and shift per channel, where it is not folded"),
    MAP("concat", OP_MOVEMENT, "joins tensors; extents are the result's"),
    MAP("reshape", OP_MOVEMENT, "a reshape that moves bytes"),
    MAP("slice", OP_MOVEMENT, "part of a tensor; extents are the result's"),
    MAP("pad", OP_MOVEMENT, "a tensor with a margin; extents are the result's"),
    { "transpose", OP_MOVEMENT, "O[n,p,q,k] = I[n,k,p,q]", MAP_ROLES, MAP_DEFAULTS, 1, 1,
      "another order of the dimensions" },
    { "gather", OP_MOVEMENT, "O[m,n] = I[m] + T[m,n]", "m=P n=K", "", 1, 1,
      "m rows of a table in memory, chosen by indices that arrive" },
    { "move", OP_MOVEMENT, "O[n,k,p,q] = I[n,k,p,q]", MAP_ROLES, MAP_DEFAULTS, 1, 1,
      "any movement: reads what arrives, writes its extents", true },
    { "embedding", OP_MOVEMENT, "O[m,n] = T[m,n]", "m=P n=K", "", 1, 1, "m rows of a table" },
    { "upsample", OP_MOVEMENT, "O[n,k,p,u,q,v] = I[n,k,p,q]", "n=N k=K p=P u=P q=Q v=Q",
      "n=1 u=2 v=2", 1, 1, "nearest neighbour: every element u x v times" },
};
const size_t op_count = sizeof op_table / sizeof *op_table;

const char *const *op_names(void)
{
    static const char *names[sizeof op_table / sizeof *op_table];
    for (size_t i = 0; i < op_count; i++)
        names[i] = op_table[i].name; /* the same value whoever writes it */
    return names;
}

const struct op_row *op_find(const char *name)
{
    for (size_t i = 0; i < op_count; i++) {
        if (strcmp(op_table[i].name, name) == 0)
            return &op_table[i];
    }
    return NULL;
}

/* --- binding -------------------------------------------------------------------------------- */

#define NAMES_MAX 48

/* A default, "sh=1" or "n=1": names of the roles list are extents, others parameters. */
struct default_value {
    char name[EXPR_NAME_MAX];
    int64_t value;
};

/* The next "name=value" of a list; the row is ours, so its text is well-formed. */
static bool next_pair(const char **list, char name[EXPR_NAME_MAX], const char **value)
{
    *list += strspn(*list, " ");
    if (**list == '\0')
        return false;
    size_t length = strcspn(*list, "=");
    assert(length > 0 && length < EXPR_NAME_MAX && (*list)[length] == '=');
    memcpy(name, *list, length);
    name[length] = '\0';
    *value = *list + length + 1;
    *list = *value + strcspn(*value, " ");
    return true;
}

static bool has_iteration(const struct op_row *row, const char *name)
{
    char have[EXPR_NAME_MAX];
    const char *value;
    for (const char *list = row->roles; next_pair(&list, have, &value);) {
        if (strcmp(have, name) == 0)
            return true;
    }
    return false;
}

static bool is_bound(const struct expr_binding *bindings, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(bindings[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Iterations (want_extents) or parameters of the row, for messages. */
static size_t row_names(const struct op_row *row, bool want_extents,
                        char names[NAMES_MAX][EXPR_NAME_MAX], const char *pointers[NAMES_MAX])
{
    size_t count = 0;
    const char *value;
    const char *list = want_extents ? row->roles : row->defaults;
    char name[EXPR_NAME_MAX];
    while (next_pair(&list, name, &value)) {
        if (!want_extents && has_iteration(row, name))
            continue;
        assert(count < NAMES_MAX);
        strcpy(names[count], name);
        pointers[count] = names[count];
        count++;
    }
    return count;
}

enum err_code op_check_binding(const struct op_row *row, const struct expr_binding *binding,
                               struct err *err)
{
    char names[NAMES_MAX][EXPR_NAME_MAX];
    const char *pointers[NAMES_MAX];
    size_t count = row_names(row, binding->is_extent, names, pointers);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pointers[i], binding->name) == 0)
            return ERR_OK;
    }
    const char *what = binding->is_extent ? "iteration" : "parameter";
    const char *near = json_nearest(binding->name, pointers, count);
    if (near != NULL)
        return err_set(err, ERR_REFERENCE, "%s has no %s '%s'; did you mean '%s'?", row->name, what,
                       binding->name, near);
    return err_set(err, ERR_REFERENCE, "%s has no %s '%s'", row->name, what, binding->name);
}

/* The iterations of the row that have neither an extent nor a default, in one message. */
static enum err_code check_complete(const struct op_row *row, const struct expr_binding *all,
                                    size_t count, struct err *err)
{
    char names[NAMES_MAX][EXPR_NAME_MAX];
    const char *pointers[NAMES_MAX];
    size_t iters = row_names(row, true, names, pointers);
    char missing[NAMES_MAX * (EXPR_NAME_MAX + 1)] = "";
    for (size_t i = 0; i < iters; i++) {
        if (!is_bound(all, count, pointers[i])) {
            strcat(missing, " ");
            strcat(missing, pointers[i]);
        }
    }
    if (missing[0] == '\0')
        return ERR_OK;
    return err_set(err, ERR_REFERENCE, "%s needs an extent for%s", row->name, missing);
}

enum err_code op_bind(const struct op_row *row, const struct expr_binding *bindings,
                      size_t binding_count, struct expr *out, struct err *err)
{
    struct default_value defaults[NAMES_MAX];
    struct expr_binding *all = mem_alloc(binding_count + NAMES_MAX, sizeof *all);
    size_t count = 0, default_count = 0;
    enum err_code rc = ERR_OK;
    for (; count < binding_count && rc == ERR_OK; count++) {
        rc = op_check_binding(row, &bindings[count], err);
        all[count] = bindings[count];
    }
    const char *value;
    for (const char *list = row->defaults;
         rc == ERR_OK && next_pair(&list, defaults[default_count].name, &value);) {
        struct default_value *given = &defaults[default_count];
        given->value = strtoll(value, NULL, 10);
        if (is_bound(bindings, binding_count, given->name))
            continue;
        assert(default_count + 1 < NAMES_MAX);
        default_count++;
        all[count++] =
            (struct expr_binding){ given->name, given->value, has_iteration(row, given->name) };
    }
    struct expr parsed;
    if (rc == ERR_OK)
        rc = check_complete(row, all, count, err);
    if (rc == ERR_OK)
        rc = expr_parse(&parsed, row->text, all, count, err);
    if (rc == ERR_OK)
        rc = expr_set_roles(&parsed, row->roles, err);
    if (rc == ERR_OK)
        *out = parsed;
    free(all);
    return rc;
}
