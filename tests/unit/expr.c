#include "core/expr.h"

#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "tests/test.h"

#define CONV "O[n,k,p,q] += I[n,c,p*sh+r*dh-ph,q*sw+s*dw-pw] * W[k,c,r,s]"

static const struct expr_binding conv_bindings[] = {
    { "n", 2, true },   { "k", 4, true },   { "c", 3, true },   { "p", 5, true },
    { "q", 6, true },   { "r", 3, true },   { "s", 2, true },   { "sh", 2, false },
    { "sw", 1, false }, { "dh", 1, false }, { "dw", 2, false }, { "ph", 1, false },
    { "pw", 0, false },
};
#define CONV_BINDINGS (sizeof conv_bindings / sizeof *conv_bindings)

static void parse(const char *text, const struct expr_binding *bindings, size_t count,
                  struct expr *out)
{
    CHECK_OK(expr_parse(out, text, bindings, count, err));
}

/* Iterations a..f of extent 4, parameters two=2 and three=3, where the text uses them. */
static enum err_code parse_small(const char *text, struct expr *out, struct err *err)
{
    static const struct expr_binding all[] = {
        { "a", 4, true }, { "b", 4, true },    { "c", 4, true },
        { "d", 4, true }, { "two", 2, false }, { "three", 3, false },
    };
    struct expr_binding used[6];
    size_t count = 0;
    for (size_t i = 0; i < 6; i++) {
        const char *name = all[i].name;
        bool occurs = false;
        for (const char *at = text; (at = strstr(at, name)) != NULL && !occurs; at++)
            occurs = (at == text || strchr("[+-*/,( ", at[-1]) != NULL) &&
                     strchr("]+-*/,) ", at[strlen(name)]) != NULL;
        if (occurs)
            used[count++] = all[i];
    }
    return expr_parse(out, text, used, count, err);
}

TEST(expr__conv2d__iterations_and_tensors)
{
    struct expr e;
    parse(CONV, conv_bindings, CONV_BINDINGS, &e);
    static const char *const order[] = { "n", "k", "p", "q", "c", "r", "s" };
    CHECK_INT(7, e.iter_count);
    for (size_t i = 0; i < 7; i++) {
        CHECK_STR(order[i], e.iters[i].name);
        CHECK_INT(i >= 4, e.iters[i].reduce);
    }
    CHECK_INT(EXPR_MUL_ADD, e.combine);
    CHECK_INT(3, e.tensor_count);
    CHECK_STR("I", e.tensors[1].name);
    /* Rows -1 .. 4·2+2-1 = 9: 10 less one of padding is 9, up to the stride's multiple 10. */
    CHECK_INT(10, e.tensors[1].dims[2].extent);
    CHECK_INT(8, e.tensors[1].dims[3].extent); /* 5 + 2 + 1 */
    CHECK_INT(DT_S32, e.tensors[0].type);
    CHECK_INT(DT_U8, e.tensors[1].type);
    CHECK_INT(DT_S8, e.tensors[2].type);
}

TEST(expr__padded_strided_window__extent_is_the_stride_multiple)
{
    static const struct {
        int64_t outputs, window, stride, pad, extent;
    } rows[] = {
        { 112, 7, 2, 3, 224 }, { 56, 3, 2, 1, 112 },  { 28, 3, 1, 1, 28 },
        { 112, 5, 2, 2, 224 }, { 55, 11, 4, 0, 227 }, /* not padded: what is read */
        { 1, 3, 1, 1, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct expr_binding b[] = { { "p", rows[i].outputs, true },
                                    { "r", rows[i].window, true },
                                    { "sh", rows[i].stride, false },
                                    { "ph", rows[i].pad, false } };
        struct expr e;
        parse("O[p] += I[p*sh+r-ph] * W[r]", b, 4, &e);
        CHECK_INT(rows[i].extent, e.tensors[1].dims[0].extent);
    }
}

TEST(expr__offset__padding_and_remainders_read_zero)
{
    struct expr e;
    struct expr_binding b[] = { { "p", 7, true }, { "r", 3, true } };
    parse("O[p] += I[(p+r-1)/2] * W[R-1-r]", b, 2, &e);
    CHECK_INT(4, e.tensors[1].dims[0].extent);
    CHECK_INT(-1, expr_offset(&e, 1, (int64_t[]){ 0, 0 })); /* -1 */
    CHECK_INT(0, expr_offset(&e, 1, (int64_t[]){ 1, 0 }));
    CHECK_INT(-1, expr_offset(&e, 1, (int64_t[]){ 2, 0 })); /* 1/2 */
    CHECK_INT(1, expr_offset(&e, 1, (int64_t[]){ 3, 0 }));
    CHECK_INT(3, expr_offset(&e, 1, (int64_t[]){ 6, 1 }));
    CHECK_INT(-1, expr_offset(&e, 1, (int64_t[]){ 6, 2 })); /* 7/2 */
    CHECK_INT(2, expr_offset(&e, 2, (int64_t[]){ 0, 0 }));
    CHECK_INT(0, expr_offset(&e, 2, (int64_t[]){ 0, 2 }));
}

TEST(expr__offset__is_row_major)
{
    struct expr e;
    parse(CONV, conv_bindings, CONV_BINDINGS, &e);
    /*  n k p q c r s */
    CHECK_INT(((1 * 4 + 2) * 5 + 3) * 6 + 4,
              expr_offset(&e, 0, (int64_t[]){ 1, 2, 3, 4, 0, 0, 0 }));
    CHECK_INT(((1 * 3 + 2) * 10 + 7) * 8 + 6,
              expr_offset(&e, 1, (int64_t[]){ 1, 0, 3, 4, 2, 2, 1 }));
    CHECK_INT(-1, expr_offset(&e, 1, (int64_t[]){ 1, 0, 0, 4, 2, 0, 1 }));
}

TEST(expr__print__numbers_for_parameters)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        { "O[a] += A[a*two+b*1-three]*B[b]", "O[a] += A[2*a+b-3] * B[b]" },
        { "O[a]+=A[(a+b)/two]*B[B-1-b]", "O[a] += A[(a+b)/2] * B[3-b]" },
        { "O[a,0] max= A[a,b]", "O[a,0] max= A[a,b]" },
        { "O[a] = A[a] + B[three*(two+a)-4]", "O[a] = A[a] + B[3*a+2]" },
        { "O[a] = A[-a+3] * B[0]", "O[a] = A[3-a] * B[0]" },
        { "O[a] = A[(a*2+4/2)]", "O[a] = A[2*a+2]" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct expr e, again;
        CHECK_OK(parse_small(rows[i].text, &e, err));
        char *printed = expr_print(&e);
        CHECK_STR(rows[i].printed, printed);
        CHECK_OK(parse_small(printed, &again, err));
        char *twice = expr_print(&again);
        CHECK_STR(printed, twice);
        free(printed);
        free(twice);
    }
}

TEST(expr__wrong_texts__say_where_and_what)
{
    static const struct {
        const char *text;
        enum err_code code;
        int column;
        const char *message;
    } rows[] = {
        { "", ERR_SYNTAX, 1, "expected a tensor's name, got the end of the expression" },
        { "O[a] += A[a] * B[a] x", ERR_SYNTAX, 21, "expected the end of the expression, got 'x'" },
        { "O[a] += A[a", ERR_SYNTAX, 12, "expected ',' or ']', got the end of the expression" },
        { "O a] += A[a]", ERR_SYNTAX, 3, "expected '[', got 'a'" },
        { "O[a] -= A[a]", ERR_SYNTAX, 6, "expected '+=', 'max=' or '=', got '-'" },
        { "O[a] += A[a+]", ERR_SYNTAX, 13,
          "expected an iteration, a parameter, a number or '(', got ']'" },
        { "O[a] += A[(a]", ERR_SYNTAX, 13, "expected ')', got ']'" },
        { "O[a] += A[a] + B[a]", ERR_SYNTAX, 14, "'+=' takes one operand or a product" },
        { "O[a] max= A[a] * B[a]", ERR_SYNTAX, 16, "'max=' takes one operand" },
        { "O[a] += A[a * B[a]", ERR_SYNTAX, 15,
          "a tensor cannot stand in an index: ']' is missing before" },
        { "O[a] += A[a,x]", ERR_REFERENCE, 13,
          "no extent is given for 'x' (and it is no parameter with a value)" },
        { "O[a] += A[a,X-1]", ERR_REFERENCE, 13,
          "'X' stands for the extent of an iteration, but none is given" },
        { "O[a] += A[a*b] * B[b]", ERR_VALUE, 12, "not affine: a product of two iterations" },
        { "O[a] += A[a/b] * B[b]", ERR_VALUE, 12, "not affine: a division by an iteration" },
        { "O[a] += A[a/two+1]", ERR_VALUE, 17,
          "not affine: a quotient must be the whole index, as in '(p+r)/sh'" },
        { "O[a] += A[a/2/2]", ERR_VALUE, 14, "not affine: a quotient of a quotient" },
        { "O[a] += A[a/0]", ERR_RANGE, 12, "expected a divisor of at least 1, got 0" },
        { "O[a] += A[a+3/2]", ERR_VALUE, 14, "3 / 2 leaves a remainder" },
        { "O[a+b] += A[a]", ERR_VALUE, 3,
          "an index on the left is one iteration (times a positive number), or a constant" },
        { "O[a-1] += A[a]", ERR_VALUE, 3,
          "an index on the left is one iteration (times a positive number), or a constant" },
        { "O[a,a] += A[a]", ERR_VALUE, 5, "'a' stands twice on the left" },
        { "O[a] += O[a]", ERR_DUPLICATE, 9, "O is the output and cannot be read" },
        { "O[a] += A[a,b] * A[b]", ERR_VALUE, 18, "A has 1 dimensions here, 2 before" },
        { "O[a] = A[a,b]", ERR_VALUE, 0,
          "'=' cannot reduce over 'b': use '+=' or put it on the left" },
        { "O[a] += A[a-9]", ERR_RANGE, 11, "dimension 1 of A is all padding (indices -9..-6)" },
        { "O[a] += A[a*2147483648]", ERR_OVERFLOW, 11, "dimension 1 of A is longer than 2^31" },
        { "O[a] += A[a*2147483649]", ERR_RANGE, 13, "numbers go up to 2^31" },
        { "O[a] += A[a*2147483648*2147483648*2147483648]", ERR_OVERFLOW, 34,
          "the index exceeds 63 bits" },
        { "OutputTensorName[a] += A[a]", ERR_LIMIT, 1, "a name has at most 15 characters" },
        { "O[a] += A[a,0,0,0,0,0,0,0,0]", ERR_LIMIT, 27, "a tensor has at most 8 dimensions" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct expr e;
        struct err err = ERR_INIT;
        enum err_code code = parse_small(rows[i].text, &e, &err);
        if (code != rows[i].code || err.column != rows[i].column)
            test_fail(__FILE__, __LINE__, "%s: expected %s at %d, got %s at %d: %s", rows[i].text,
                      err_name(rows[i].code), rows[i].column, err_name(code), err.column, err.text);
        CHECK_STR(rows[i].message, err.text);
        CHECK_INT(3, err_exit_status(code));
    }
}

TEST(expr__extents__are_checked)
{
    struct expr e;
    struct err zero = ERR_INIT, negative = ERR_INIT, large = ERR_INIT, unused = ERR_INIT,
               twice = ERR_INIT;
    CHECK_INT(ERR_RANGE,
              expr_parse(&e, "O[i] += A[i,k]",
                         (struct expr_binding[]){ { "i", 4, true }, { "k", 0, true } }, 2, &zero));
    CHECK_STR("expected an extent of 1..2147483648 for iteration 'k', got 0", zero.text);
    CHECK_INT(13, zero.column);
    CHECK_INT(ERR_RANGE, expr_parse(&e, "O[i] += A[i]",
                                    (struct expr_binding[]){ { "i", -1, true } }, 1, &negative));
    CHECK_INT(ERR_RANGE,
              expr_parse(&e, "O[i] += A[i]",
                         (struct expr_binding[]){ { "i", EXPR_EXTENT_MAX + 1, true } }, 1, &large));
    CHECK_INT(ERR_REFERENCE,
              expr_parse(&e, "O[ii] += A[ii]",
                         (struct expr_binding[]){ { "ii", 1, true }, { "ij", 1, true } }, 2,
                         &unused));
    CHECK_STR("the expression has no iteration 'ij'; did you mean 'ii'?", unused.text);
    CHECK_INT(ERR_DUPLICATE,
              expr_parse(&e, "O[i] += A[i]",
                         (struct expr_binding[]){ { "i", 1, true }, { "i", 2, true } }, 2, &twice));
}

TEST(expr__error__leaves_the_output_untouched)
{
    struct expr e, before;
    memset(&e, 0x5a, sizeof e);
    before = e;
    CHECK_INT(ERR_SYNTAX, expr_parse(&e, "O[", NULL, 0, NULL));
    CHECK_INT(0, memcmp(&e, &before, sizeof e));
}

TEST(expr__same_tensor_twice__has_one_shape)
{
    struct expr e;
    CHECK_OK(parse_small("O[a] += A[a,b] * A[a*2,b]", &e, err));
    CHECK_INT(7, e.tensors[1].dims[0].extent);
    CHECK_INT(7, e.tensors[2].dims[0].extent);
}

TEST(expr__nesting__is_limited)
{
    struct expr e;
    CHECK_OK(parse_small("O[a] += A[((((((((a+1))))))))]", &e, err));
    char deep[256] = "O[a] += A[";
    for (int i = 0; i < 40; i++)
        strcat(deep, "(");
    CHECK_INT(ERR_LIMIT, parse_small(strcat(deep, "a"), &e, NULL));
}

TEST(expr__caret__stands_under_the_column)
{
    char *caret = expr_caret("O[a] += A[x]", 11);
    CHECK_STR("O[a] += A[x]\n          ^\n", caret);
    free(caret);
    caret = expr_caret("a\tb é x", 8); /* a tab stays, é is one place of two bytes */
    CHECK_STR("a\tb é x\n \t    ^\n", caret);
    free(caret);
    caret = expr_caret("", 1);
    CHECK_STR("\n^\n", caret);
    free(caret);
}

TEST(expr__roles__set_and_refused)
{
    struct expr e;
    parse(CONV, conv_bindings, CONV_BINDINGS, &e);
    CHECK_OK(expr_set_roles(&e, "n=N k=K p=P q=P, c=C r=R", err));
    CHECK_INT(30, expr_role_extent(&e, ROLE_P)); /* p · q */
    CHECK_INT(1, expr_role_extent(&e, ROLE_G));
    CHECK_INT(ROLE_NONE, e.iters[6].role);
    struct err wrong = ERR_INIT;
    CHECK_INT(ERR_REFERENCE, expr_set_roles(&e, "n=N z=K", &wrong));
    CHECK_STR("role given for 'z', which is no iteration", wrong.text);
    wrong = (struct err)ERR_INIT;
    CHECK_INT(ERR_VALUE, expr_set_roles(&e, "n=Z", &wrong));
    CHECK_STR("expected a role of N G K C P Q R S -, got 'Z'", wrong.text);
    wrong = (struct err)ERR_INIT;
    CHECK_INT(ERR_SYNTAX, expr_set_roles(&e, "n", &wrong));
    CHECK_INT(30, expr_role_extent(&e, ROLE_P)); /* untouched by errors */
}

TEST(expr__sizes__overflow_is_an_error)
{
    struct expr e;
    struct expr_binding b[] = { { "i", EXPR_EXTENT_MAX, true },
                                { "j", EXPR_EXTENT_MAX, true },
                                { "k", 2, true } };
    uint64_t points = 7;
    parse("O[i,j] += A[i,k] * B[k,j]", b, 3, &e);
    CHECK_INT(ERR_OVERFLOW, expr_points(&e, &points, NULL));
    CHECK_INT(7, points);
    CHECK_OK(expr_elements(&e, 1, &points, err));
    CHECK_INT(INT64_C(1) << 32, points);
    CHECK_OK(expr_elements(&e, 0, &points, err));
    CHECK_INT(INT64_C(1) << 62, points);
}

TEST(expr__types__names_and_sizes)
{
    enum dtype type = DT_U8;
    CHECK(dtype_from_name("bf16", &type));
    CHECK_INT(DT_BF16, type);
    CHECK(!dtype_from_name("f128", &type));
    CHECK_INT(DT_BF16, type);
    CHECK_INT(2, dtype_bytes(DT_F16));
    CHECK_INT(4, dtype_bytes(DT_S32));
    CHECK_STR("s8", dtype_name(DT_S8));
}

/* A correct text with up to two random pieces in place of as many characters. */
static void spoil(struct rng *rng, char *text, size_t size)
{
    static const char *const correct[] = { "O[a] += A[a*two+b-three] * B[b]",
                                           "O[a,b] = A[(a+b)/2] + B[B-1-b]",
                                           "O[a] max= A[a,c,3*(a+1)]" };
    static const char *const pieces[] = {
        "",  "[", "]", ",", "+=", "*", "/",   "+", "-",    "(",
        ")", " ", "=", "0", "12", "a", "two", "B", "O[a]", "\x80"
    };
    snprintf(text, size, "%s", correct[rng_below(rng, 3)]);
    for (unsigned n = rng_below(rng, 3); n > 0; n--) {
        char before[128];
        strcpy(before, text);
        size_t at = rng_below(rng, (uint32_t)strlen(before));
        const char *piece = pieces[rng_below(rng, sizeof pieces / sizeof *pieces)];
        snprintf(text, size, "%.*s%s%s", (int)at, before, piece, before + at + rng_below(rng, 2));
    }
}

/* Any text is accepted or refused, and what is accepted prints as something equal. */
TEST(expr__random_texts__never_crash)
{
    size_t accepted = 0, refused = 0;
    for (uint64_t trial = 0; trial < 20000; trial++) {
        struct rng rng = rng_stream(7, trial, 0);
        char text[128];
        spoil(&rng, text, sizeof text);
        struct expr e;
        struct err wrong = ERR_INIT;
        if (parse_small(text, &e, &wrong) != ERR_OK) {
            refused++;
            CHECK(wrong.text[0] != '\0');
            CHECK(wrong.column >= 0 && (size_t)wrong.column <= strlen(text) + 1);
            continue;
        }
        accepted++;
        char *printed = expr_print(&e);
        CHECK_OK(parse_small(printed, &e, err));
        free(printed);
    }
    CHECK(accepted > 1000 && refused > 1000);
}
