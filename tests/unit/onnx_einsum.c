/* Einsum: dots, diagonals, sums of one operand, and three operands and more pair by pair. */
#include <string.h>

#include "tests/test.h"
#include "tests/unit/onnx_file.h"

/* Inputs a, b, c … of these shapes, apart by blanks. */
static struct text einsum(const char *equation, const char *shapes)
{
    struct text g = { 0 };
    char names[32] = "", shape[64], attr[96];
    char name[2] = "a";
    for (int used; sscanf(shapes, " %63s%n", shape, &used) == 1; shapes += used, name[0]++) {
        onnx_file_input(&g, name, F32, shape);
        strcat(strcat(names, name), " ");
    }
    snprintf(attr, sizeof attr, "equation=@%s", equation);
    onnx_file_node(&g, "Einsum", "", "einsum", names, "y", attr);
    onnx_file_output(&g, "y");
    return g;
}

TEST(onnx__einsum_with_dots__is_the_batched_product)
{
    static const char *const equations[] = { "...ij,...jk->...ik", "bcij,...jk->bc...ik",
                                             "...ij,...jk" };
    static const char *const shapes[] = { "2,3,4,5 2,3,5,6", "2,3,4,5 5,6", "2,3,4,5 5,6" };
    for (size_t i = 0; i < 3; i++) {
        struct text g = einsum(equations[i], shapes[i]);
        struct dnn dnn = onnx_file_load(&g, NULL);
        CHECK_INT(1, dnn.layer_count);
        CHECK_INT(2 * 3 * 4 * 5 * 6, dnn.macs);
        CHECK_INT(4 * 2 * 3 * 4 * 6, dnn.layers[0].shape.output_bytes);
        dnn_release(&dnn);
    }
}

TEST(onnx__einsum_diagonal__moves)
{
    struct text g = einsum("...ii->...i", "3,5,5");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_STR("move", dnn.layers[0].op->name);
    CHECK_INT(4 * 15, dnn.layers[0].shape.output_bytes);
    dnn_release(&dnn);
}

/* (ab)(bc) first costs 2·100·3 + 2·3·50, the other pair 100·3·50 + 2·100·50. */
TEST(onnx__einsum_of_three__the_cheap_pair_first)
{
    struct text g = einsum("ab,bc,cd->ad", "2,100 100,3 3,50");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count);
    CHECK_INT(2 * 100 * 3, onnx_file_layer(&dnn, "einsum/0")->shape.macs);
    CHECK_INT(2 * 3 * 50, onnx_file_layer(&dnn, "einsum")->shape.macs);
    dnn_release(&dnn);
}

/* A bilinear form: both vectors meet the matrix one after the other. */
TEST(onnx__einsum_bilinear__letters_of_the_result_stay)
{
    struct text g = einsum("bi,oij,bj->bo", "8,10 6,10,12 8,12");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count);
    /* b·i·o·j with the first or the last; b·i·j with each other is the least, then b·i·j·o. */
    CHECK_INT(8 * 10 * 12 + 8 * 10 * 12 * 6, dnn.macs);
    CHECK_INT(4 * 8 * 6, onnx_file_layer(&dnn, "einsum")->shape.output_bytes);
    dnn_release(&dnn);
}

TEST(onnx__einsum_sum_of_one_operand__comes_before_the_product)
{
    struct text g = einsum("sij,jk->ik", "7,4,5 5,6");
    struct dnn dnn = onnx_file_load(&g, NULL);
    CHECK_INT(2, dnn.layer_count);
    CHECK_STR("move", onnx_file_layer(&dnn, "einsum/0")->op->name);
    CHECK_INT(4 * 4 * 5, onnx_file_layer(&dnn, "einsum/0")->shape.output_bytes);
    CHECK_INT(4 * 5 * 6, dnn.macs);
    dnn_release(&dnn);
}

TEST(onnx__einsum_that_is_none__is_refused_by_name)
{
    static const struct {
        const char *equation, *shapes, *why;
    } cases[] = {
        { "ij,jk->iz", "2,3 3,4", "a result that the operands do not spell" },
        { "ij,jk->ii", "2,3 3,4", "a result that the operands do not spell" },
        { "ii,ij->j", "2,2 2,4", "a letter twice in one of two operands" },
        { "ij,jk", "2,3 4,4", "letter j has two extents" },
        { "ijk,jk", "2,3 4,4", "the equation has 3 letters for 2 dimensions" },
        { "i1,1k->ik", "2,3 3,4", "not letters, commas, an arrow and dots" },
        { "ij,jk,kl->il", "2,3 3,4", "more terms than operands" },
        { "abcd,efgh,ijkl->aeibfjcgkdhl", "2,2,2,2 2,2,2,2 2,2,2,2", "more than 8 letters" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text g = einsum(cases[i].equation, cases[i].shapes);
        const char *line = onnx_file_error(&g, NULL);
        if (!strstr(line, cases[i].why) || !strstr(line, "node \"einsum\", operator Einsum"))
            test_fail(__FILE__, __LINE__, "%s: %s", cases[i].equation, line);
    }
}
